//! A dataset as a person writes it down: one TOML file.
//!
//! It names the source, the target, each column's kind, which columns are left out and why, the order of rows in time, and the split.
//! Column names occur there and never in code.

mod check;
mod rules;
mod training;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::is_false;
use crate::moment::DateForm;

pub use rules::{Rules, WindowRule};
pub use training::{CalibrationKind, ClassWeights, Training};

/// One dataset: `<home>/<name>.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Version of this file's format; 1.
    pub format: u32,
    /// Short name, used in file names and as the model's name: letters, digits, `-` and `_`.
    pub name: String,
    /// One line for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Licence of the data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// How to cite the data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub citation: String,
    /// Fields that mean "missing" in any column.
    pub missing: Vec<String>,
    /// The column that says how much each row counts, in training and in judging: finite numbers of at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Where the rows come from.
    pub source: Source,
    /// What is predicted.
    pub target: TargetRule,
    /// What orders and dates the rows.
    #[serde(default)]
    pub time: Clock,
    /// How the rows are divided.
    #[serde(default)]
    pub split: Split,
    /// What is trained and how the best is chosen.
    #[serde(default)]
    pub training: Training,
    /// When the monitor raises an alert.
    #[serde(default)]
    pub rules: Rules,
    /// Columns that the file has and the model must not use, each with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, String>,
    /// Columns that the model uses, in order.
    pub columns: Vec<ColumnRule>,
}

/// Where the rows come from: a file, or an archive at an address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// A CSV or Parquet file, relative to the TOML file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where an archive can be downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The environment variable that may name a copy of the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// SHA-256 of the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Size of the archive in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Path to the file inside nested zip archives, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// Field separator of a CSV file; found out where it is not given.
    pub separator: Option<char>,
    /// What a CSV file puts around a field that holds a separator or a newline; found out where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<char>,
    /// What stands before the digits of a fraction in a CSV file, `.` or `,`; found out where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
}

/// The column that is predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRule {
    /// Its name in the file.
    pub column: String,
    /// Its values, in the order of the probabilities.
    pub classes: Vec<String>,
    /// With two classes, the one whose probability is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
}

/// One column that the model uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRule {
    /// Its name in the file, and in every record.
    pub name: String,
    /// How its values are read.
    pub kind: DeclaredKind,
    /// Other headers under which files carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Of a categorical column, how many levels the model tells apart at most; [`MAX_LEVELS`] where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_levels: Option<u32>,
    /// Of a numeric column, which way the probability of the positive class may go as its value rises, all else being equal; gradient boosting
    /// keeps to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monotone: Option<Direction>,
    /// Of a column of dates, how files write those that are not in ISO 8601; records always are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<DateForm>,
    /// Whether it is as it is, such as an age: what would change a decision leaves it alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fixed: bool,
    /// One line for people who fill in a form.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// How many levels of a categorical column a model tells apart, where the dataset does not say: as many as a tree has bins for.
pub const MAX_LEVELS: u32 = 255;

/// Which way the probability of the positive class may go as a column's value rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It does not fall.
    Rising,
    /// It does not rise.
    Falling,
}

/// How a column's values are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclaredKind {
    /// A number.
    Numeric,
    /// One of a set of texts.
    Categorical,
    /// A date like 2024-05-31, perhaps with a time like 2024-05-31T13:45:00. A model sees it as days and as the parts of the calendar: month,
    /// day of the month, day of the week and, where there are times, the hour.
    Date,
}

/// What orders and dates the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum Clock {
    /// Nothing does: rows have no order.
    #[default]
    None,
    /// Rows are in date order and carry day and month; the year follows from the order.
    DayAndMonth {
        /// Column with the day of the month, 1 to 31.
        day: String,
        /// Column with the month, 1 to 12 or its English name (three letters are enough).
        month: String,
        /// Year of the first row.
        first_year: i32,
    },
    /// A column carries the date, as `YYYY-MM-DD` (a time after it is ignored).
    Column {
        /// Its name.
        column: String,
    },
}

/// How the rows are divided into training, validation and test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// By chance or by time.
    pub kind: SplitKind,
    /// Share of all rows kept for the test.
    pub test: f64,
    /// Share of the remaining rows kept for validation.
    pub validation: f64,
    /// Seed of the random split and of training.
    pub seed: u64,
    /// A column of the file; rows that share its value are never divided. Only with a random split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// By chance or by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitKind {
    /// At random, with the same class shares in each part.
    Random,
    /// The oldest rows train and validate, the newest test.
    Time,
}

impl Default for Split {
    fn default() -> Self {
        Self { kind: SplitKind::Random, test: 0.2, validation: 0.2, seed: 42, group: None }
    }
}

/// Why a dataset's TOML file cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DatasetError {
    /// Not TOML, or an unknown or missing key.
    #[error("not a dataset: {0}")]
    Syntax(String),
    /// A key has a value that cannot be used.
    #[error("`{key}` {problem}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl ColumnRule {
    /// A column that is read under its own name only.
    pub fn new(name: impl Into<String>, kind: DeclaredKind) -> Self {
        Self {
            name: name.into(),
            kind,
            also: Vec::new(),
            max_levels: None,
            monotone: None,
            form: None,
            fixed: false,
            about: String::new(),
        }
    }

    /// How many levels the model tells apart at most.
    pub fn max_levels(&self) -> usize {
        self.max_levels.unwrap_or(MAX_LEVELS) as usize
    }
}

impl Dataset {
    /// Reads and checks a dataset's TOML text; of two classes the positive one is put last, as the graph's threshold expects it.
    pub fn parse(text: &str) -> Result<Self, DatasetError> {
        let mut dataset: Self = toml::from_str(text).map_err(|e| DatasetError::Syntax(e.to_string()))?;
        dataset.check()?;
        if dataset.target.classes.len() == 2 && dataset.positive() == Some(0) {
            dataset.target.classes.swap(0, 1);
        }
        Ok(dataset)
    }

    /// The TOML text of this dataset.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a dataset holds only what TOML can say")
    }

    /// What the file says of a column that the model uses.
    pub fn rule(&self, column: &str) -> Option<&ColumnRule> {
        self.columns.iter().find(|rule| rule.name == column)
    }

    /// The index of the positive class, if there is one.
    pub fn positive(&self) -> Option<usize> {
        let positive = self.target.positive.as_ref()?;
        self.target.classes.iter().position(|class| class == positive)
    }
}

#[cfg(test)]
mod tests;
