//! Exit codes, and the errors for which a remedy is known.

use std::path::PathBuf;

use monitor_drift::{Kind, Statistic};

/// The command did what it was asked to do.
pub(crate) const DONE: u8 = 0;
/// `report` did its work, and an alert fired that had not fired before; or `compare`, or `report --compare`, found that the data drifted.
pub(crate) const ALERT_FIRED: u8 = 1;
/// The command failed, or the webhook could not be reached.
pub(crate) const FAILED: u8 = 2;

/// What can go wrong in a way a person can mend.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No Parquet file of the prediction log.
    #[error("there are no predictions in {}", folder.display())]
    NoLog { folder: PathBuf },
    /// The log holds rows, but none of this model.
    #[error("the log holds no predictions of model `{model}`")]
    NoModel { model: String, found: Vec<String> },
    /// Nothing is in production.
    #[error("there is no production bundle in {}", folder.display())]
    NoProduction { folder: PathBuf },
    /// No prepared rows to replay.
    #[error("there are no prepared rows in {}", folder.display())]
    NotPrepared { folder: PathBuf },
    /// The split was made by chance.
    #[error("the rows in {} were split at random, so they cannot be replayed in time", folder.display())]
    NotInTime { folder: PathBuf },
    /// A file or folder that cannot be written.
    #[error("cannot write {}", path.display())]
    CannotWrite { path: PathBuf, source: std::io::Error },
    /// A part of the log that DuckDB could not write.
    #[error("cannot write {}: {problem}", path.display())]
    NotWritten { path: PathBuf, problem: String },
    /// A key that anyone can guess.
    #[error("{place} holds no key, or one that is too short")]
    WeakKey { place: String },
    /// The collector is ending.
    #[error("the server is stopping")]
    Stopped,
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    CannotRead { path: PathBuf, source: std::io::Error },
    /// A file that does not hold what its name says.
    #[error("{} is damaged: {problem}", path.display())]
    Damaged { path: PathBuf, problem: String },
    /// A dataset's file that says what cannot be used.
    #[error("{} cannot be used: {problem}", path.display())]
    BadDataset { path: PathBuf, problem: String, remedy: String },
    /// No site to serve.
    #[error("there is no folder {}", folder.display())]
    NoSite { folder: PathBuf },
    /// An address that cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen { address: String, source: std::io::Error },
    /// Another process is at it.
    #[error("`monitor {command}` cannot begin: {holder} holds {}", path.display())]
    Busy { command: String, holder: String, path: PathBuf },
    /// The webhook did not take an alert.
    #[error("the webhook {url} did not take the alert: {problem}")]
    Webhook { url: String, problem: String },
    /// ClickHouse did not count.
    #[error("ClickHouse at {url} did not count: {problem}")]
    ClickHouse { url: String, problem: String },
    /// What ClickHouse is to read names no files.
    #[error("`--clickhouse-log` does not say where the files' names go")]
    NoFilesNamed,
    /// A column that no version has.
    #[error("there is no column `{column}` to tell segments by")]
    NoSegment { column: String, names: String },
    /// A column whose values move on.
    #[error("column `{column}` holds dates, by which no segments are told")]
    DatesAreNoSegments { column: String },
    /// A version that the registry does not hold.
    #[error("there is no version {version} under {}", folder.display())]
    NoVersion { version: u32, folder: PathBuf },
    /// The trainer did not answer an alert in time.
    #[error("no answer to alert {alert} in {} after {seconds} s", history.display())]
    NoAnswer { alert: String, history: PathBuf, seconds: u64 },
    /// A file to compare that is no table.
    #[error("{} is no table: {problem}", path.display())]
    NotATable { path: PathBuf, problem: String, hint: &'static str },
    /// Two files without a common column.
    #[error("{} and {} have no column in common", reference.display(), current.display())]
    NoCommonColumn { reference: PathBuf, current: PathBuf, names: [String; 2] },
    /// A column that was asked for and is in one file only, or in none.
    #[error("there is no column `{column}` in {}", path.display())]
    NoColumn { column: String, path: PathBuf, names: String },
    /// A column that was asked for as something it cannot be, or as two things.
    #[error("column `{column}` of {} cannot be compared as numbers: it holds {storage}", path.display())]
    NotNumeric { column: String, path: PathBuf, storage: String },
    /// A column that was given to two options.
    #[error("column `{column}` is given to both `--categorical` and `--numeric`")]
    TwoKinds { column: String },
    /// A statistic that does not exist here.
    #[error("there is no statistic `{name}`")]
    NoStatistic { name: String },
    /// A statistic under a rule that has one of its own.
    #[error("the rule `tidemark` has a statistic of its own")]
    StatisticOfRule,
    /// A statistic that is not defined for a column.
    #[error("`{statistic}` does not apply to column `{column}`, which is {kind}")]
    NotForColumn { statistic: Statistic, column: String, kind: Kind, others: String },
    /// A side of a comparison that is none, or that the log does not hold.
    #[error("the log holds no predictions of `{name}` that can be compared")]
    NoSide { name: String, there_are: String },
    /// Columns there are, but none that could be compared.
    #[error("none of the common columns could be compared: {reasons}")]
    NothingCompared { reasons: String },
}

impl Failure {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoLog { .. } => {
                "`monitor replay` fills the log from prepared rows; `monitor serve` collects live predictions".into()
            }
            Self::NoModel { found, .. } => format!("`--model` takes one of: {}", found.join(", ")),
            Self::NoProduction { .. } => {
                "`trainer run` trains, registers and deploys one; `--home` or TIDEMARK_HOME names another home folder".into()
            }
            Self::NotPrepared { .. } => "`trainer prepare` writes them".into(),
            Self::NotInTime { .. } => {
                "set `kind = \"time\"` under `[split]` in the dataset's TOML file, then run `trainer run` again".into()
            }
            Self::CannotWrite { .. } if self.disk_is_full() => "free some space on its disk; what was acknowledged is kept".into(),
            Self::NotWritten { .. } => "see that the disk has room and the home folder is writable, then run `monitor ingest`; what was collected is kept".into(),
            Self::WeakKey { .. } => "one key a line, of 16 characters or more and no space; `openssl rand -hex 32` makes one".into(),
            Self::Stopped => "send the records again when it is up".into(),
            Self::CannotWrite { .. } => "the home folder must be writable; `--home` or TIDEMARK_HOME names another".into(),
            Self::CannotRead { .. } => "check the path and its permissions".into(),
            Self::Damaged { .. } => "move the file away, or restore it from a copy".into(),
            Self::BadDataset { remedy, .. } => remedy.clone(),
            Self::NoSite { .. } => "`--web` takes the folder of a built site, with its index.html".into(),
            Self::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                "another program listens there; `--listen 127.0.0.1:0` takes any free port".into()
            }
            Self::Listen { .. } => "`--listen` takes an address and a port, such as 127.0.0.1:8080".into(),
            Self::Busy { .. } => "wait until it has finished, or end that process".into(),
            Self::Webhook { .. } => {
                "the report is written; run the command again when the receiver is up, and the alert is sent then".into()
            }
            Self::ClickHouse { .. } => {
                "`--clickhouse-log` says how it reads the files; CLICKHOUSE_USER and CLICKHOUSE_PASSWORD name who asks; without `--clickhouse` this machine counts".into()
            }
            Self::NoFilesNamed => "write {files} where they go, as in \"file('predictions/{files}', Parquet)\"".into(),
            Self::NoSegment { names, .. } => format!("the model's columns are {names}"),
            Self::DatesAreNoSegments { .. } => "`--by week` or `--by day` tells of shorter windows".into(),
            Self::NoVersion { .. } => "`trainer leaderboard` lists the versions".into(),
            Self::NoAnswer { .. } => "is `trainer retrain --listen` running with the same home folder?".into(),
            Self::NotATable { hint, .. } => (*hint).into(),
            Self::NoCommonColumn { names: [reference, current], .. } => {
                format!("the reference has {reference}; the current file has {current}; the first line of a CSV file must name its columns")
            }
            Self::NoColumn { names, .. } => format!("its columns are {names}"),
            Self::NotNumeric { column, .. } => format!("`--categorical {column}` compares it as categories"),
            Self::TwoKinds { .. } => "give it to one of them".into(),
            Self::NoStatistic { name } if ["TVD", "empirical_mmd"].contains(&name.as_str()) => {
                "Evidently draws this figure at random from the rows, and only counts are kept here; `total-variation` is the distance itself".into()
            }
            Self::NoStatistic { .. } => format!("`--statistic` takes one of: {}", all_statistics()),
            Self::StatisticOfRule => "leave out `--statistic`, or `--rule tidemark`".into(),
            Self::NotForColumn { kind, others, .. } => {
                let these: Vec<&str> =
                    Statistic::ALL.into_iter().filter(|other| other.applies_to(*kind)).map(Statistic::name).collect();
                format!("for {kind} columns there are {}; {others}", these.join(", "))
            }
            Self::NoSide { there_are, .. } => there_are.clone(),
            Self::NothingCompared { .. } => "`--categorical` and `--numeric` name columns that shall be compared as such".into(),
        }
    }

    /// Whether there was no room on the disk.
    pub(crate) fn disk_is_full(&self) -> bool {
        let full = [std::io::ErrorKind::StorageFull, std::io::ErrorKind::QuotaExceeded, std::io::ErrorKind::FileTooLarge];
        matches!(self, Self::CannotWrite { source, .. } if full.contains(&source.kind()))
    }

    /// The failure with its cause, in one line.
    pub(crate) fn told(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }

    /// The hint of the first failure in an error's chain.
    pub(crate) fn hint_of(error: &anyhow::Error) -> Option<String> {
        error.chain().find_map(|cause| cause.downcast_ref::<Self>()).map(Self::hint)
    }
}

fn all_statistics() -> String {
    Statistic::ALL.map(Statistic::name).join(", ")
}
