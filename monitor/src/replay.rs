//! `monitor replay`: the labelled rows after the training cut, month by month, as if they were traffic.
//!
//! Each month is scored by what is in production then, its labels become known at its end, and the report and its alerts follow.
//! With a webhook, the replay waits after an alert until the registry's history tells what came of it, so that a promoted
//! version serves the next month. Beside it the version of the first month goes on scoring, as a measure of what retraining gains.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveTime, Utc};
use data_contract::{Alert, Bundle, Home, LabelRecord, PREDICTION_FORMAT, PredictionRecord, Record};
use inference_predictor::Predictor;

use crate::alerts::Receivers;
use crate::args::ReplayArgs;
use crate::contracts::Contracts;
use crate::counting::Counter;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::journal::Journal;
use crate::known_ids::KnownIds;
use crate::log::LogWriter;
use crate::page::{count, distance, metric};
use crate::replay_months::{ReplayRow, first_version, logged_ids, read};
use crate::report::{Plan, Reported, answer, report};
use crate::report_model::Answer;
use crate::versions::Versions;
use crate::window::{By, Window};
use crate::{progress, report_text, versions};

/// Who predicted, in rows of history that were replayed.
pub(crate) const REPLAY: &str = "replay";
const SHADOW: &str = "shadow";
const POLL: Duration = Duration::from_millis(100);

/// Replays all months, or the first so many.
pub(crate) fn run(home: &Home, args: &ReplayArgs, json: bool) -> Result<()> {
    let engine = Engine::open(&home.monitor())?;
    let production = load_production(home)?;
    let months = read(home, &engine, production.contract())?;
    let shadow = if args.no_shadow { None } else { Some(load_shadow(home, &engine, &production)?) };
    let replay = Replay { home, engine: &engine, args, shadow };
    let mut counter = Counter::new(&engine, home, production.name(), By::Month);
    let mut versions = Versions::default();
    let mut last = None;
    for (month, rows) in months.iter().take(args.months.unwrap_or(usize::MAX)) {
        last = Some(replay.month(*month, rows, &mut counter, &mut versions)?);
    }
    let Some(now) = last else { return Err(Failure::NotPrepared { folder: home.prepared() }.into()) };
    let (reported, posted) = report(&replay.plan(now), &mut counter, &mut versions)?;
    report_text::replay(&reported.report, json);
    posted?;
    Ok(())
}

struct Replay<'a> {
    home: &'a Home,
    engine: &'a Engine,
    args: &'a ReplayArgs,
    shadow: Option<Predictor>,
}

impl Replay<'_> {
    /// Replays one month and returns the time at its end.
    fn month(&self, month: Window, rows: &[ReplayRow], counter: &mut Counter, versions: &mut Versions) -> Result<DateTime<Utc>> {
        self.score(month, rows)?;
        let now = Utc::now().max(month.end_time());
        let (reported, posted) = report(&self.plan(now), counter, versions)?;
        let asking = posted?.into_iter().filter(Alert::asks_for_retrain);
        let answers = asking.map(|alert| self.wait(&alert)).collect::<Result<Vec<_>, _>>()?;
        progress::line(&self.line(month, &reported, &answers)?);
        Ok(now)
    }

    fn plan(&self, now: DateTime<Utc>) -> Plan<'_> {
        let receivers = Receivers { webhook: self.args.webhook.as_deref(), ..Receivers::default() };
        Plan {
            home: self.home,
            engine: self.engine,
            output: self.home.monitor(),
            receivers,
            include_open: false,
            segment: None,
            now,
        }
    }

    /// Scores and labels those rows of a month that the log does not hold yet.
    fn score(&self, month: Window, rows: &[ReplayRow]) -> Result<()> {
        let logged = logged_ids(self.home, self.engine, month)?;
        let fresh: Vec<&ReplayRow> = rows.iter().filter(|row| !logged.contains(&id(REPLAY, row))).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let _lock = Journal::new(self.home).lock_compaction()?;
        let (contracts, known) = (Contracts::load(self.home)?, KnownIds::default());
        let writer = LogWriter { engine: self.engine, home: self.home, contracts: &contracts, known: &known };
        let production = load_production(self.home)?;
        let mut records = predict(&production, &fresh, REPLAY)?;
        if let Some(shadow) = self.shadow.as_ref().filter(|shadow| shadow.version() != production.version()) {
            records.extend(predict(shadow, &fresh, SHADOW)?);
        }
        // Labels go first: a row whose prediction is in the log is taken to be done.
        writer.write_labels(&labels(month, &fresh))?;
        let written = writer.write_predictions(&records)?;
        match written.set_aside.first() {
            Some(aside) => Err(anyhow::anyhow!(
                "{} of {} predictions cannot be logged: {}",
                written.set_aside.len(),
                records.len(),
                aside.reason
            )),
            None => Ok(()),
        }
    }

    /// Waits until the registry's history tells what came of an alert.
    fn wait(&self, alert: &Alert) -> Result<Answer, Failure> {
        let spinner = progress::spinner(format!("waiting for the retrain that alert {} asked for", alert.fingerprint));
        let begun = Instant::now();
        let limit = Duration::from_secs(self.args.wait);
        loop {
            if let Some(answer) = answer(&alert.fingerprint, &versions::history(self.home)?) {
                spinner.finish_and_clear();
                return Ok(answer);
            }
            if begun.elapsed() >= limit {
                spinner.finish_and_clear();
                return Err(Failure::NoAnswer {
                    alert: alert.fingerprint.clone(),
                    history: self.home.history(),
                    seconds: self.args.wait,
                });
            }
            std::thread::sleep(POLL);
        }
    }

    fn line(&self, month: Window, reported: &Reported, answers: &[Answer]) -> Result<String> {
        let of_month = reported.report.windows.iter().filter(|window| window.window == month);
        let served: Vec<String> = of_month
            .map(|window| {
                let drift = reported.report.prediction_drift(window).map_or_else(|| "–".into(), |drift| distance(drift.value));
                let auc = metric(window.performance.as_ref().and_then(|performance| performance.roc_auc));
                format!("v{} {:>6} rows  drift {drift:<6} AUC {auc}", window.version, count(window.n_rows))
            })
            .collect();
        let alert = if reported.new_alerts.iter().any(Alert::asks_for_retrain) { "  alert" } else { "" };
        let outcome: String = answers.iter().map(|answer| format!("  {}", outcome(answer))).collect();
        let next = versions::production(self.home)?.map(|manifest| format!("  next: v{}", manifest.version)).unwrap_or_default();
        Ok(format!("{}  {}{alert}{outcome}{next}", month.name(), served.join(" | ")))
    }
}

fn outcome(answer: &Answer) -> String {
    use data_contract::RetrainOutcome::{Failed, Kept, Promoted};
    let version = answer.challenger.map(|version| format!(" v{version}")).unwrap_or_default();
    match answer.outcome {
        Promoted => format!("promoted{version}"),
        Kept => format!("champion kept over{version}"),
        Failed => "retrain failed".into(),
    }
}

fn load_production(home: &Home) -> Result<Predictor> {
    let path = home.production().join(Bundle::MODEL);
    match std::fs::read(&path) {
        Ok(bytes) => Predictor::load(&bytes).with_context(|| format!("cannot load {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::NoProduction { folder: home.production() }.into())
        }
        Err(source) => Err(Failure::CannotRead { path, source }.into()),
    }
}

/// The version that served when the replay began; an earlier, interrupted replay counts.
fn load_shadow(home: &Home, engine: &Engine, production: &Predictor) -> Result<Predictor> {
    let folder = match first_version(home, engine)? {
        Some(version) if version != production.version() => home.version(version),
        _ => home.production(),
    };
    let path = folder.join(Bundle::MODEL);
    let bytes = std::fs::read(&path).map_err(|source| Failure::CannotRead { path: path.clone(), source })?;
    Predictor::load(&bytes).with_context(|| format!("cannot load {}", path.display()))
}

fn predict(predictor: &Predictor, rows: &[&ReplayRow], source: &str) -> Result<Vec<PredictionRecord>> {
    let contract = predictor.contract();
    let mut set_aside: BTreeMap<String, usize> = BTreeMap::new();
    let mut checked: Vec<(&ReplayRow, Record)> = Vec::with_capacity(rows.len());
    for row in rows {
        match contract.record(&row.features) {
            Ok(record) => checked.push((row, record)),
            Err(error) => *set_aside.entry(error.to_string()).or_default() += 1,
        }
    }
    for (reason, n_rows) in set_aside {
        tracing::warn!(n_rows, reason, "rows set aside");
    }
    let (rows, records): (Vec<&ReplayRow>, Vec<Record>) = checked.into_iter().unzip();
    let predictions = predictor.predict_batch(&records)?;
    let log = |((row, record), prediction): ((&&ReplayRow, &Record), &_)| {
        Ok(predictor.log_record(record, prediction, &id(source, row), &noon(row), source)?)
    };
    rows.iter().zip(&records).zip(&predictions).map(log).collect()
}

fn labels(month: Window, rows: &[&ReplayRow]) -> Vec<LabelRecord> {
    let end = NaiveTime::from_hms_opt(23, 59, 59).expect("a time of day");
    let time = month.last_day().and_time(end).and_utc();
    let label =
        |row: &&ReplayRow| Some(LabelRecord { format: PREDICTION_FORMAT, id: id(REPLAY, row), label: row.label.clone()?, time });
    rows.iter().filter_map(label).collect()
}

fn id(source: &str, row: &ReplayRow) -> String {
    format!("{source}-{}", row.number)
}

fn noon(row: &ReplayRow) -> String {
    format!("{}T12:00:00Z", row.date)
}
