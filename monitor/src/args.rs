//! What a person types.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use data_contract::Home;

use crate::alerts::Receivers;
use crate::counting::{ClickHouse, Dialect, FILES};
use crate::failure::Failure;
use crate::window::By;

/// Watches a model's predictions: collects them, measures drift, raises alerts.
///
/// Exit codes: 0 done, 1 an alert fired that had not fired before (`report`) or the data drifted (`compare`, `report --compare`), 2 failed.
#[derive(Debug, Parser)]
#[command(name = "monitor", version)]
pub(crate) struct Args {
    /// The folder with all state.
    #[arg(long, global = true, env = Home::VARIABLE, default_value = Home::DEFAULT, value_name = "DIR")]
    home: PathBuf,
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Collect predictions and labels over HTTP, and serve the page, the model and the report.
    Serve(ServeArgs),
    /// Write what the collector has acknowledged to the prediction log, as Parquet.
    Ingest,
    /// Measure every window of the log, write report.html, report.json and metrics.parquet, and raise alerts.
    Report(ReportCommand),
    /// Ingest, report and raise alerts again and again, until Ctrl-C or SIGTERM.
    ///
    /// A step that fails is told, and tried again at the next tick.
    Watch(WatchArgs),
    /// Send the labelled rows after the training cut through the production model, month by month, as if they were traffic.
    ///
    /// A replay that raises alerts ends with exit code 0: they are what it shows. Months that were replayed before are not scored again.
    Replay(ReplayArgs),
    /// Compare two files, CSV or Parquet, column by column; no model is needed.
    ///
    /// Ends with exit code 1 when the data set drifted, which needs half of its columns under the rule `evidently`
    /// and any column under the rule `tidemark`.
    Compare(CompareArgs),
    /// Print the query that counts a version's predictions, for an engine that holds the log elsewhere.
    ///
    /// Its answer is one row for each day, side, column and value; rows of several queries add up. Numbers of columns with too many
    /// different values are numbers of cells, each as wide as the query says.
    Query(QueryArgs),
}

/// Options of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Address and port; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub(crate) listen: String,
    /// A folder with a site to serve at `/`.
    #[arg(long, value_name = "DIR")]
    pub(crate) web: Option<PathBuf>,
    /// A file with the keys that may post records, one a line; the variable TIDEMARK_API_KEY may hold one too [default: anyone may].
    #[arg(long, env = "TIDEMARK_API_KEY_FILE", value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Records that wait to be written to the log, in MiB, from which on senders are told to come again later.
    #[arg(long, default_value_t = 1024, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(crate) max_backlog: u64,
}

/// Options of `report` by itself.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportCommand {
    /// Print the JSON Schema of report.json, or of compare.json, and do nothing else.
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "report", value_name = "OF")]
    pub(crate) schema: Option<Described>,
    /// Compare two sides of the log instead, A as reference: windows (2010-03, 2010-W10, 2010-03-04), versions (v3) or both (2010-03/v3).
    ///
    /// Writes compare.html and compare.json, raises no alert, and ends with exit code 1 when predictions or columns drifted.
    #[arg(
        long,
        num_args = 2,
        value_names = ["A", "B"],
        conflicts_with_all = ["schema", "webhook", "alertmanager", "external_url", "include_open"]
    )]
    pub(crate) compare: Option<Vec<String>>,
    /// What the report is like.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// A file that has a schema.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Described {
    /// report.json
    Report,
    /// compare.json
    Compare,
}

/// Options of each report, by hand or on a schedule.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Length of a window.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) by: By,
    /// Where report.html, report.json, metrics.parquet and metrics.csv are written [default: <home>/monitor].
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Post alerts here, as Alertmanager does.
    #[arg(long, value_name = "URL", value_parser = webhook_url)]
    pub(crate) webhook: Option<String>,
    /// Post alerts to this Alertmanager too, by its API v2: what fires each time, and each end once.
    #[arg(long, value_name = "URL", value_parser = webhook_url)]
    pub(crate) alertmanager: Option<String>,
    /// Where people reach `monitor serve`; alerts point to its report.
    #[arg(long, value_name = "URL", value_parser = webhook_url)]
    pub(crate) external_url: Option<String>,
    /// The model to report on [default: the one in production].
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Let the window that is still filling raise alerts too.
    #[arg(long)]
    pub(crate) include_open: bool,
    /// Tell the same by the values of this column too: each level, or four ranges of numbers.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) segment: Option<String>,
    /// Who counts.
    #[command(flatten)]
    pub(crate) count: CountArgs,
}

/// Options of `query`.
#[derive(Debug, clap::Args)]
pub(crate) struct QueryArgs {
    /// Whose SQL.
    #[arg(long, value_enum)]
    pub(crate) dialect: Dialect,
    /// The table or view that holds the log.
    #[arg(long, default_value = "predictions", value_name = "SQL")]
    pub(crate) log: String,
    /// The version whose rows are counted [default: the one in production].
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u32>,
}

/// Who counts the log.
#[derive(Debug, clap::Args)]
pub(crate) struct CountArgs {
    /// Let the ClickHouse that is reached here count the log; CLICKHOUSE_USER and CLICKHOUSE_PASSWORD say who asks [default: this machine counts].
    #[arg(long, env = "TIDEMARK_CLICKHOUSE", value_name = "URL", value_parser = webhook_url)]
    pub(crate) clickhouse: Option<String>,
    /// How ClickHouse reads files of the log: an expression in which {files} stands for their paths below `predictions`.
    #[arg(long, env = "TIDEMARK_CLICKHOUSE_LOG", default_value = "file('predictions/{files}', Parquet)", value_name = "SQL")]
    pub(crate) clickhouse_log: String,
}

/// Options of `watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// From one tick to the next: a number with s, m, h or d.
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = period)]
    pub(crate) every: Duration,
    /// What each report is like.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// Options of `replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Post alerts here, and wait after each until the registry's history tells what came of it.
    #[arg(long, value_name = "URL", value_parser = webhook_url)]
    pub(crate) webhook: Option<String>,
    /// Replay only the first so many months.
    #[arg(long, value_name = "N")]
    pub(crate) months: Option<usize>,
    /// Do not score along with the model that was in production at the start.
    #[arg(long)]
    pub(crate) no_shadow: bool,
    /// Longest wait for an answer to an alert, in seconds.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub(crate) wait: u64,
}

/// Options of `compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// What is compared with: a CSV or Parquet file.
    pub(crate) reference: PathBuf,
    /// What is compared: a CSV or Parquet file.
    pub(crate) current: PathBuf,
    /// How columns are judged.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) rule: Rule,
    /// One statistic for all columns, by Evidently's name or ours [default: by kind and size of each column].
    #[arg(long, value_name = "NAME")]
    pub(crate) statistic: Option<String>,
    /// Count numbers in some hundred thousand cells a column: faster on large files, and figures are then those of the cells.
    #[arg(long)]
    pub(crate) binned: bool,
    /// Compare only these columns.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Take these columns as categories.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) categorical: Vec<String>,
    /// Take these columns as numbers.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) numeric: Vec<String>,
}

/// How columns are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// Kinds, statistics and thresholds of Evidently 0.7.
    #[default]
    Evidently,
    /// Tests over bins of the reference, at a level that holds for the whole file and any number of rows.
    Tidemark,
}

fn webhook_url(text: &str) -> Result<String, String> {
    let url: ureq::http::Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), Some(_)) => Ok(text.to_owned()),
        _ => Err("it must begin with http:// or https:// and name a host".into()),
    }
}

/// A time such as `90s`, `15m`, `1h` or `1d`.
fn period(text: &str) -> Result<Duration, String> {
    let wrong = || "it must be a whole number above 0 followed by s, m, h or d, such as 15m".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().ok().filter(|&number| number > 0).ok_or_else(wrong)?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

impl CountArgs {
    /// The ClickHouse that counts, if one does.
    pub(crate) fn clickhouse(&self, home: &Home) -> Result<Option<ClickHouse>, Failure> {
        let Some(url) = &self.clickhouse else { return Ok(None) };
        if !self.clickhouse_log.contains(FILES) {
            return Err(Failure::NoFilesNamed);
        }
        let variable = |name: &str| std::env::var(name).ok();
        let user = variable("CLICKHOUSE_USER").map(|user| (user, variable("CLICKHOUSE_PASSWORD").unwrap_or_default()));
        Ok(Some(ClickHouse::new(url, &self.clickhouse_log, &home.predictions(), user)))
    }
}

impl ReportArgs {
    /// Who is told of alerts.
    pub(crate) fn receivers(&self) -> Receivers<'_> {
        Receivers {
            webhook: self.webhook.as_deref(),
            alertmanager: self.alertmanager.as_deref(),
            external_url: self.external_url.as_deref(),
            ..Receivers::default()
        }
    }
}

impl Args {
    /// The home folder.
    pub(crate) fn home(&self) -> Home {
        Home::new(&self.home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_agree_with_each_other() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_period_is_a_number_with_a_unit() {
        for (text, seconds) in [("1s", 1), ("15m", 900), ("1h", 3_600), ("2d", 172_800)] {
            assert_eq!(period(text).map(|period| period.as_secs()), Ok(seconds));
        }
        for wrong in ["", "h", "0s", "1", "1w", "-1h", "1.5h", "5ü"] {
            assert!(period(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_webhook_is_an_address_of_the_web() {
        assert!(webhook_url("http://127.0.0.1:8091/alert").is_ok());
        for wrong in ["", "localhost:8091", "/alert", "ftp://host/", "http://"] {
            assert!(webhook_url(wrong).is_err(), "{wrong}");
        }
    }
}
