//! What looks wrong with rows although each of them can be used: leaks, duplicates, useless columns, a test unlike the training rows.
//!
//! Such things make a model look better than it is, or the test say something else than people think. They are warnings: only a person
//! knows whether a column that predicts the target is a leak or a stroke of luck. They are looked for on a sample of the rows, so that
//! they cost little on a table of any size; duplicates alone are counted on all rows.

mod columns;
mod duplicates;
mod leak;
mod shift;
mod single;

use data_contract::{ColumnKind, Contract, Dataset, Finding, Part, SplitKind};
use polars::prelude::*;
use trainer_estimators::Matrix;

use crate::split::{Random, shuffle};
use crate::{contract, encode};

/// Rows looked at of those that train and validate, and of those that test.
const SAMPLE_ROWS: usize = 10_000;

/// Rows and how they are divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// What the rows are.
    pub(crate) dataset: &'a Dataset,
    /// All rows that can be used.
    pub(crate) rows: &'a DataFrame,
    /// Index of each row's class.
    pub(crate) classes: &'a [u32],
    /// Part of each row.
    pub(crate) parts: &'a [Part],
    /// How they were divided.
    pub(crate) origin: TestOrigin,
}

/// Where the test rows came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestOrigin {
    /// Drawn from the rows.
    Split(SplitKind),
    /// A file of their own.
    File,
}

/// What was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// See [`data_contract::Checks`].
    pub(crate) duplicate_share: f64,
    /// See [`data_contract::Checks`].
    pub(crate) n_test_seen: u64,
    /// See [`data_contract::Checks`].
    pub(crate) shift: Option<f64>,
    /// What should be looked at.
    pub(crate) findings: Vec<Finding>,
}

/// Looks for all of it.
pub(crate) fn check(subject: Subject) -> anyhow::Result<Found> {
    let sample = Sample::draw(subject)?;
    let mut findings = columns::check(subject)?;
    let useless: Vec<String> = findings.iter().filter_map(|finding| finding.column.clone()).collect();
    findings.extend(leak::check(&sample, subject.dataset).into_iter().filter(|leak| {
        // An identifier that predicts is told as one already.
        leak.column.as_ref().is_none_or(|column| !useless.contains(column))
    }));
    let repeated = duplicates::count(subject)?;
    findings.extend(repeated.findings());
    findings.extend(duplicates::shared_groups(subject)?);
    let shift = shift::measure(&sample, subject)?;
    findings.extend(shift.as_ref().and_then(|shift| shift.finding(subject.origin)));
    Ok(Found {
        duplicate_share: repeated.share(),
        n_test_seen: repeated.n_test_seen,
        shift: shift.map(|shift| shift.area),
        findings,
    })
}

/// Some rows as numbers.
#[derive(Debug)]
struct Sample {
    contract: Contract,
    features: Matrix,
    classes: Vec<u32>,
    is_test: Vec<bool>,
}

impl Sample {
    /// Rows at random, in random order.
    fn draw(subject: Subject) -> anyhow::Result<Self> {
        let mut random = Random(subject.dataset.split.seed);
        let mut draw = |test: bool| {
            let mut rows: Vec<usize> =
                (0..subject.parts.len()).filter(|row| (subject.parts[*row] == Part::Test) == test).collect();
            shuffle(&mut rows, &mut random);
            rows.truncate(SAMPLE_ROWS);
            rows
        };
        let mut rows = [draw(false), draw(true)].concat();
        shuffle(&mut rows, &mut random);
        let frame = take(subject.rows, &rows)?;
        // Levels of both sides: one that only the test has must not stand out as a missing value does.
        let contract = contract::learn(subject.dataset, &frame)?;
        Ok(Self {
            features: encode::features(&frame, &contract)?,
            contract,
            classes: rows.iter().map(|row| subject.classes[*row]).collect(),
            is_test: rows.iter().map(|row| subject.parts[*row] == Part::Test).collect(),
        })
    }

    /// One column cut into bins.
    fn binned(&self, column: usize) -> single::Binned {
        let values: Vec<f32> = self.features.column(column).collect();
        match &self.contract.columns[column].kind {
            ColumnKind::Numeric { .. } | ColumnKind::Date { .. } => single::Binned::numbers(&values),
            ColumnKind::Categorical { levels } => single::Binned::levels(&values, levels.len()),
        }
    }

    /// Rows of training and validation, or of the test.
    fn rows(&self, test: bool) -> Vec<usize> {
        (0..self.is_test.len()).filter(|row| self.is_test[*row] == test).collect()
    }
}

fn take(frame: &DataFrame, rows: &[usize]) -> PolarsResult<DataFrame> {
    frame.take(&IdxCa::from_vec("rows".into(), rows.iter().map(|row| *row as IdxSize).collect()))
}

/// A share as people read it.
fn percent(share: f64) -> String {
    if share < 0.1 { format!("{:.1} %", 100.0 * share) } else { format!("{:.0} %", 100.0 * share) }
}
