//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use data_contract::{Home, SplitKind};
use trainer_estimators::Family;

use crate::budget::Budget;

/// Trains classifiers on a table, keeps them in a registry, and puts the best into production.
///
/// Results go to stdout, everything else to stderr. Exit codes: 0 done, 2 failed.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where to work and how to speak.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Place {
    /// Folder for all state: datasets, prepared rows, registry, prediction log.
    #[arg(long, global = true, env = Home::VARIABLE, default_value = Home::DEFAULT)]
    home: PathBuf,
    /// Dataset by name, when the home folder holds several `.toml` files.
    #[arg(long, global = true)]
    pub(crate) dataset: Option<String>,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing on stderr but errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a dataset's TOML file for a CSV or Parquet file.
    Init(Init),
    /// Get the source file, checked, or make up rows with --sample.
    Fetch(Fetch),
    /// Check the rows, date them and divide them into train, validation and test.
    Prepare(Prepare),
    /// Train model families and register each as a version.
    Train(Train),
    /// Register a model of another tool: an ONNX file by skl2onnx or onnxmltools.
    Import(Import),
    /// Rank the versions and put the best into production.
    Deploy,
    /// Judge the production bundle on the test rows.
    Test,
    /// Score a file with the production bundle.
    Predict(Predict),
    /// Train a challenger on what is known by now, when an alert asks for it.
    Retrain(Retrain),
    /// Do all of it: fetch, prepare, train, deploy, test.
    Run(Run),
    /// List the versions, best first.
    Leaderboard,
    /// Write an HTML page about the versions: metrics with intervals, curves, importance, slices.
    Report(Report),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// A CSV or Parquet file.
    pub(crate) file: PathBuf,
    /// The column to predict.
    #[arg(long)]
    pub(crate) target: String,
    /// Name of the dataset; by default the file's.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// With two classes, the one whose probability is asked for; by default the rarer one.
    #[arg(long)]
    pub(crate) positive: Option<String>,
    /// A column that says how much each row counts in training.
    #[arg(long)]
    pub(crate) weights: Option<String>,
    /// A column whose rows of one value are never divided: a client, a patient, a site.
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Replace a TOML file that is already there.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Fetch {
    /// Take the archive from this path.
    #[arg(long, conflicts_with = "sample")]
    pub(crate) from: Option<PathBuf>,
    /// Make up rows in the shape of the data; they are labelled as synthetic everywhere.
    #[arg(long)]
    pub(crate) sample: bool,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Prepare {
    /// Divide the rows this way instead of the TOML file's.
    #[arg(long, value_enum, conflicts_with_all = ["train_file", "test_file"])]
    pub(crate) split: Option<SplitArg>,
    /// Take the rows that train and validate from this CSV or Parquet file; validation rows are drawn from it at random.
    #[arg(id = "train_file", long = "train", value_name = "FILE", requires = "test_file")]
    pub(crate) train: Option<PathBuf>,
    /// Take the rows that test from this CSV or Parquet file.
    #[arg(id = "test_file", long = "test", value_name = "FILE", requires = "train_file")]
    pub(crate) test: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SplitArg {
    /// At random, with the same class shares in each part.
    Random,
    /// The oldest rows train, the newest test.
    Time,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Train {
    /// Train only this family; may be repeated.
    #[arg(long = "family")]
    pub(crate) families: Vec<Family>,
    /// Look for better settings first: for a time (60s, 5m, 1h) or so many trials of each family (40). Ctrl-C ends the search and keeps its
    /// best; the same command goes on where it stopped.
    #[arg(long)]
    pub(crate) budget: Option<Budget>,
    /// Take a family's settings from this file: `manifest.json` of a version, or its `params` alone; may be repeated. Not with
    /// --budget, which starts from the defaults.
    #[arg(long = "params", conflicts_with = "budget")]
    pub(crate) params: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The ONNX file.
    pub(crate) model: PathBuf,
    /// What its rows look like, as a bundle's contract.json says it; by default learned from the prepared rows.
    #[arg(long)]
    pub(crate) contract: Option<PathBuf>,
    /// What the model must say: a CSV or Parquet file with a column `probability_<class>` for each class, about the rows in the same
    /// file or, where it holds no others, about the validation rows in their order.
    #[arg(long)]
    pub(crate) expect: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Predict {
    /// CSV or Parquet file with the contract's columns.
    #[arg(long)]
    pub(crate) input: PathBuf,
    /// CSV or Parquet file to write: the input's columns, `label` and one `probability_<class>` column per class.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Use this model file instead of the production bundle.
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// Write only `label` and the probabilities.
    #[arg(long)]
    pub(crate) only_predictions: bool,
    /// Add the predictions to the prediction log, for `monitor ingest`.
    #[arg(long)]
    pub(crate) log: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Retrain {
    /// Wait for alerts (Alertmanager v4 webhook bodies) at this address, e.g. 127.0.0.1:6790.
    #[arg(long, required_unless_present = "once")]
    pub(crate) listen: Option<SocketAddr>,
    /// Retrain now, and do not listen.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// The file to write; by default `models.html` in the home folder.
    #[arg(long)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) fetch: Fetch,
    #[command(flatten)]
    pub(crate) prepare: Prepare,
    #[command(flatten)]
    pub(crate) train: Train,
}

impl Place {
    /// The home folder.
    pub(crate) fn home(&self) -> Home {
        Home::new(&self.home)
    }
}

impl From<SplitArg> for SplitKind {
    fn from(arg: SplitArg) -> Self {
        match arg {
            SplitArg::Random => Self::Random,
            SplitArg::Time => Self::Time,
        }
    }
}
