//! What a dataset's TOML file may say.

use std::collections::BTreeSet;

use super::{Clock, ColumnRule, Dataset, DatasetError, DeclaredKind, SplitKind};
use crate::goal::Goal;

/// The most levels that a dataset may ask for.
const MOST_LEVELS: u32 = 10_000;

impl Dataset {
    /// Refuses values that contradict each other or lie beyond what a key allows.
    pub(super) fn check(&self) -> Result<(), DatasetError> {
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
        self.check_rules()?;
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

    fn check_rules(&self) -> Result<(), DatasetError> {
        let rules = &self.rules;
        let positive = |value: f64| value.is_finite() && value > 0.0;
        require(positive(rules.prediction_drift), "rules.prediction_drift", "must be a number above 0")?;
        require(positive(rules.column_drift), "rules.column_drift", "must be a number above 0")?;
        require(positive(rules.usual_drift), "rules.usual_drift", "must be a number above 0")?;
        require(share(rules.false_discovery_rate), "rules.false_discovery_rate", "must lie between 0 and 1")?;
        require(share(rules.false_alarms), "rules.false_alarms", "must lie between 0 and 1")?;
        let known = |name: &String| self.columns.iter().any(|column| column.name == *name);
        require(rules.calendar.iter().all(known), "rules.calendar", "names a column that the model does not use")?;
        require(rules.windows_to_fire >= 1, "rules.windows_to_fire", "must be at least 1")?;
        require(rules.windows_to_clear >= 1, "rules.windows_to_clear", "must be at least 1")
    }

    fn check_columns(&self) -> Result<(), DatasetError> {
        let mut seen = BTreeSet::new();
        let mut folded = BTreeSet::from([self.target.column.to_lowercase()]);
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
            self.check_monotone(column)?;
        }
        Ok(())
    }

    fn check_monotone(&self, column: &ColumnRule) -> Result<(), DatasetError> {
        if column.monotone.is_none() {
            return Ok(());
        }
        let key = format!("columns.{}.monotone", column.name);
        require(column.kind == DeclaredKind::Numeric, &key, "is for numeric columns only: remove it")?;
        let problem = "is for two classes, as one of several may gain and lose on the way: remove it, or divide `target.classes` into two in the file";
        require(self.target.classes.len() == 2, &key, problem)
    }

    fn check_target(&self) -> Result<(), DatasetError> {
        let classes = &self.target.classes;
        let distinct: BTreeSet<_> = classes.iter().collect();
        require(
            classes.len() >= 2 && distinct.len() == classes.len(),
            "target.classes",
            "must name two or more different classes",
        )?;
        let folded: BTreeSet<_> = classes.iter().map(|class| class.to_lowercase()).collect();
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
