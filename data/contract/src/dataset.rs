//! A dataset as a person writes it down: one TOML file.
//!
//! It names the source, the target, each column's kind, which columns are left out and why, the order of rows in time, and the split.
//! Column names occur there and never in code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::goal::{Goal, Profit};
use crate::moment::DateForm;

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
    /// The column that says how much each row counts in training: finite numbers of at least 0.
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
    /// One line for people who fill in a form.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// How many levels of a categorical column a model tells apart, where the dataset does not say: as many as a tree has bins for.
pub const MAX_LEVELS: u32 = 255;
/// The most that a dataset may ask for.
const MOST_LEVELS: u32 = 10_000;

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

/// What is trained and how the best is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Families by name; empty means all.
    pub families: Vec<String>,
    /// The metric that ranks versions: `log_loss`, `brier`, `roc_auc`, `average_precision`, `accuracy`, `f1`, `recall_at_top_10`.
    pub metric: String,
    /// With two classes, where the decision is made.
    pub threshold: Goal,
    /// How probabilities are calibrated.
    pub calibration: CalibrationKind,
    /// Whether rows count alike or classes do.
    pub class_weights: ClassWeights,
    /// 1 judges models on the validation rows; more holds out every training and validation row once, in so many folds; 0 chooses by the
    /// number of rows: few are held out in folds.
    pub folds: u32,
    /// How often rows are held out in folds, each time in others: metrics are means over the times. More than 1 asks for folds.
    pub repeats: u32,
    /// What a decision costs and earns, for the profit curve and the goal `profit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profit: Option<Profit>,
}

/// How probabilities are calibrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrationKind {
    /// In the way that gives the lowest cross-validated log loss.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// Platt's sigmoid of the log-odds.
    Sigmoid,
    /// A monotone curve.
    Isotonic,
}

/// Whether rows count alike or classes do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every row counts alike.
    #[default]
    Alike,
    /// Every class counts alike, however few its rows; calibration then brings the probabilities back.
    Balanced,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            families: Vec::new(),
            metric: "log_loss".into(),
            threshold: Goal::Fixed(0.5),
            calibration: CalibrationKind::Auto,
            class_weights: ClassWeights::Alike,
            folds: 0,
            repeats: 1,
            profit: None,
        }
    }
}

/// When the monitor raises an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Prediction drift (Evidently's default statistic) above which a window alerts.
    pub prediction_drift: f64,
    /// Windows with fewer predictions than this are shown but raise no alert.
    pub minimum_rows: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { prediction_drift: 0.1, minimum_rows: 200 }
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
        Self { name: name.into(), kind, also: Vec::new(), max_levels: None, monotone: None, form: None, about: String::new() }
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

    /// The index of the positive class, if there is one.
    pub fn positive(&self) -> Option<usize> {
        let positive = self.target.positive.as_ref()?;
        self.target.classes.iter().position(|class| class == positive)
    }

    fn check(&self) -> Result<(), DatasetError> {
        let names = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        require(self.format == 1, "format", "must be 1: this program knows no other")?;
        require(!self.name.is_empty() && self.name.chars().all(names), "name", "must consist of letters, digits, `-` and `_`")?;
        require(!self.columns.is_empty(), "columns", "must name at least one column")?;
        self.check_columns()?;
        self.check_target()?;
        self.check_weights()?;
        self.check_source()?;
        require(share(self.split.test), "split.test", "must lie between 0 and 1")?;
        require(share(self.split.validation), "split.validation", "must lie between 0 and 1")?;
        self.check_training()?;
        let dated = self.time != Clock::None;
        require(
            dated || self.split.kind == SplitKind::Random,
            "split.kind",
            "is `time`, but `[time]` does not say what dates the rows",
        )?;
        self.check_group(self.split.kind)
    }

    /// Refuses groups with a split by time: rows of one group lie on both sides of any date.
    pub fn check_group(&self, kind: SplitKind) -> Result<(), DatasetError> {
        let group = self.split.group.as_ref();
        require(group.is_none_or(|group| *group != self.target.column), "split.group", "is the target")?;
        require(
            group.is_none() || kind == SplitKind::Random,
            "split.group",
            "cannot be kept together by a split by time, as its rows lie on both sides of any date; split at random, or leave it out",
        )
    }

    fn check_weights(&self) -> Result<(), DatasetError> {
        let Some(weights) = &self.weights else { return Ok(()) };
        let free = *weights != self.target.column && self.columns.iter().all(|column| column.name != *weights);
        require(free, "weights", "names the target or a column that the model uses")
    }

    fn check_source(&self) -> Result<(), DatasetError> {
        let ascii = |sign: Option<char>| sign.is_none_or(|sign| sign.is_ascii());
        require(ascii(self.source.separator), "source.separator", "must be an ASCII character")?;
        require(ascii(self.source.quote), "source.quote", "must be an ASCII character")?;
        require(matches!(self.source.decimal, None | Some('.' | ',')), "source.decimal", "must be `.` or `,`")
    }

    fn check_training(&self) -> Result<(), DatasetError> {
        let training = &self.training;
        let fixed = match training.threshold {
            Goal::Fixed(threshold) => share(threshold),
            _ => true,
        };
        require(fixed, "training.threshold", "must lie between 0 and 1")?;
        let priced = training.threshold != Goal::Profit || training.profit.is_some();
        require(priced, "training.threshold", "is `profit`, but `[training.profit]` does not say `cost` and `worth`")?;
        let sane =
            training.profit.is_none_or(|profit| profit.cost >= 0.0 && profit.worth > profit.cost && profit.worth.is_finite());
        require(sane, "training.profit", "needs a `cost` of at least 0 and a `worth` above it")?;
        require(training.folds <= 50, "training.folds", "must lie between 0 and 50")?;
        require((1..=50).contains(&training.repeats), "training.repeats", "must lie between 1 and 50")?;
        let has_folds = training.repeats == 1 || training.folds != 1;
        require(has_folds, "training.repeats", "is for rows held out in folds, but `training.folds` is 1")
    }

    fn check_columns(&self) -> Result<(), DatasetError> {
        let mut seen = std::collections::BTreeSet::new();
        let mut folded = std::collections::BTreeSet::from([self.target.column.to_lowercase()]);
        for column in &self.columns {
            require(!column.name.is_empty(), "columns", "has a column without a name")?;
            let free =
                seen.insert(&column.name) && column.name != self.target.column && !self.left_out.contains_key(&column.name);
            require(free, &format!("columns.{}", column.name), "is named twice, or is also the target or left out")?;
            let told_apart = folded.insert(column.name.to_lowercase());
            let problem = "differs from another column or the target in case only, which the tables of the monitor cannot tell apart: rename it in the file";
            require(told_apart, &format!("columns.{}", column.name), problem)?;
            let (key, most) = (format!("columns.{}.max_levels", column.name), column.max_levels);
            require(most.is_none_or(|most| (1..=MOST_LEVELS).contains(&most)), &key, "must lie between 1 and 10000")?;
            let of_texts = most.is_none() || column.kind == DeclaredKind::Categorical;
            require(of_texts, &key, "is for categorical columns only")?;
            let dated = column.form.is_none() || column.kind == DeclaredKind::Date;
            require(dated, &format!("columns.{}.form", column.name), "is for columns of dates only")?;
            let directed = column.monotone.is_none() || (column.kind == DeclaredKind::Numeric && self.target.classes.len() == 2);
            require(directed, &format!("columns.{}.monotone", column.name), "is for numeric columns and two classes only")?;
        }
        Ok(())
    }

    fn check_target(&self) -> Result<(), DatasetError> {
        let classes = &self.target.classes;
        let distinct: std::collections::BTreeSet<_> = classes.iter().collect();
        require(
            classes.len() >= 2 && distinct.len() == classes.len(),
            "target.classes",
            "must name two or more different classes",
        )?;
        let folded: std::collections::BTreeSet<_> = classes.iter().map(|class| class.to_lowercase()).collect();
        let problem =
            "has classes that differ in case only, which the tables of the monitor cannot tell apart: make them one in the file";
        require(folded.len() == classes.len(), "target.classes", problem)?;
        let known = self.target.positive.is_none() || self.positive().is_some();
        require(known, "target.positive", "is not one of `target.classes`")?;
        require(classes.len() > 2 || self.target.positive.is_some(), "target.positive", "must name one of the two classes")
    }
}

fn share(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

fn require(holds: bool, key: &str, problem: &str) -> Result<(), DatasetError> {
    if holds { Ok(()) } else { Err(DatasetError::Value { key: key.into(), problem: problem.into() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        format = 1
        name = "churn"
        missing = [""]
        columns = [{ name = "age", kind = "numeric" }, { name = "plan", kind = "categorical", also = ["tariff"] }]
        [source]
        path = "churn.csv"
        [target]
        column = "churn"
        classes = ["no", "yes"]
        positive = "yes"
    "#;

    #[track_caller]
    fn check(edit: (&str, &str), message: &str) {
        assert!(SMALL.contains(edit.0));
        let error = Dataset::parse(&SMALL.replace(edit.0, edit.1)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn a_dataset_survives_writing_and_reading() {
        let dataset = Dataset::parse(SMALL).unwrap();
        assert_eq!(Dataset::parse(&dataset.to_toml()).unwrap(), dataset);
        assert_eq!(dataset.positive(), Some(1));
        let reversed = SMALL.replace(r#"["no", "yes"]"#, r#"["yes", "no"]"#);
        assert_eq!(Dataset::parse(&reversed).unwrap(), dataset);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        check((r#"name = "churn""#, r#"name = "a/b""#), "`name` must consist");
        check(("format = 1", "format = 2"), "`format` must be 1");
        check(("format = 1", "fromat = 1"), "fromat");
        check((r#"name = "plan""#, r#"name = "age""#), "`columns.age` is named twice");
        check((r#"["no", "yes"]"#, r#"["yes"]"#), "two or more different classes");
        check((r#"["no", "yes"]"#, r#"["no", "yes", "No"]"#), "classes that differ in case only");
        check((r#"name = "plan""#, r#"name = "Age""#), "`columns.Age` differs from another column or the target in case only");
        check((r#"positive = "yes""#, r#"positive = "maybe""#), "`target.positive` is not one of");
        check(("[source]", "[split]\nkind = \"time\"\n[source]"), "does not say what dates the rows");
        check((r#"missing = [""]"#, "missing = [\"\"]\nweights = \"age\""), "`weights` names the target or a column");
        check((r#"also = ["tariff"]"#, "max_levels = 0"), "`columns.plan.max_levels` must lie between 1 and 10000");
        check((r#"kind = "numeric""#, "kind = \"numeric\", max_levels = 9"), "`columns.age.max_levels` is for categorical");
        check((r#"also = ["tariff"]"#, "monotone = \"rising\""), "`columns.plan.monotone` is for numeric columns");
        check(
            (r#"kind = "numeric""#, "kind = \"numeric\", form = \"day-first\""),
            "`columns.age.form` is for columns of dates only",
        );
        check(
            (r#"kind = "numeric""#, "kind = \"numeric\", monotone = \"up\""),
            "unknown variant `up`, expected `rising` or `falling`",
        );
        check(("[source]", "[split]\ngroup = \"churn\"\n[source]"), "`split.group` is the target");
        let by_time = "[time]\nkind = \"column\"\ncolumn = \"day\"\n[split]\nkind = \"time\"\ngroup = \"client\"\n[source]";
        check(("[source]", by_time), "`split.group` cannot be kept together");
        check(("[source]", "[source]\ndecimal = \"x\""), "`source.decimal` must be `.` or `,`");
        check(("[source]", "[source]\nseparator = \"→\""), "`source.separator` must be an ASCII character");
    }
}
