//! Prepared rows: what `prepare` leaves for training, testing and replay.

use serde::{Deserialize, Serialize};

/// Names of the columns that `prepare` adds; features and target keep their own names.
pub mod column {
    /// Integer: the row's number in the source, from 1; rows of a test file of its own are numbered on.
    pub const ROW: &str = "tidemark_row";
    /// Date of the row, null where nothing dates it.
    pub const DATE: &str = "tidemark_date";
    /// How much the row counts, in training and in judging; only where the dataset has `weights`.
    pub const WEIGHT: &str = "tidemark_weight";
    /// Text: rows that share it belong together; null for a row that stands alone; only where the dataset has `split.group`.
    pub const GROUP: &str = "tidemark_group";
}

/// One part of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Fits models.
    Train,
    /// Stops and ranks them.
    Validation,
    /// Judges the one that ships.
    Test,
}

/// What was prepared: `prepared.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepared {
    /// Version of this format; 1.
    pub format: u32,
    /// Name of the dataset.
    pub dataset: String,
    /// SHA-256 over the three Parquet files.
    pub digest: String,
    /// SHA-256 of the source file; of a train and a test file, over the two digests.
    pub source: String,
    /// Whether a generator made the rows.
    pub synthetic: bool,
    /// Seed of the split.
    pub seed: u64,
    /// `random` or `time`.
    pub split: crate::SplitKind,
    /// The file that the test rows came from, where it was one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_file: Option<String>,
    /// Rows in each part.
    pub n_train: u64,
    /// Rows in each part.
    pub n_validation: u64,
    /// Rows in each part.
    pub n_test: u64,
    /// Rows set aside.
    pub n_set_aside: u64,
    /// Date of the oldest training row.
    pub first_date: Option<chrono::NaiveDate>,
    /// Date of the oldest test row: with a time split, training ends before it.
    pub test_from: Option<chrono::NaiveDate>,
    /// Date of the newest row.
    pub last_date: Option<chrono::NaiveDate>,
}

/// A row that could not be used: one line of `set-aside.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetAside {
    /// File name.
    pub file: String,
    /// Line in the file, from 1; for Parquet, the row.
    pub line: u64,
    /// Column, where one is to blame.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: String,
}

impl Part {
    /// The three parts.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its file's name.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Train => "train.parquet",
            Self::Validation => "validation.parquet",
            Self::Test => "test.parquet",
        }
    }
}
