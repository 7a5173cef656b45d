//! Whether test rows differ from training rows: a small model is asked to tell them apart.
//!
//! If it cannot (an area of 0.5 on rows held out), the test is made of rows like those that the model learns from. This is called
//! adversarial validation.

use data_contract::{CheckKind, Column, ColumnKind, Finding, SplitKind};
use rayon::prelude::*;
use trainer_estimators::metrics::Metrics;
use trainer_estimators::{Data, Matrix, Params, gradient_boosting, to_the_end};

use super::{Sample, Subject, TestOrigin};
use crate::encode;

/// Fewer rows than this on either side tell nothing.
const MIN_ROWS: usize = 50;
/// An area up to this is no difference to speak of, even where it is certain.
const SMALL: f64 = 0.55;
/// How many columns are named.
const N_NAMED: usize = 3;

/// How well test rows can be told from training rows.
#[derive(Clone, Debug)]
pub(super) struct Shift {
    /// Area under the ROC curve on rows held out.
    pub(super) area: f64,
    standard_error: f64,
    /// The columns that tell most alone, each with its area.
    columns: Vec<(String, f64)>,
}

/// Measures it; none where rows are too few.
pub(super) fn measure(sample: &Sample, subject: Subject) -> anyhow::Result<Option<Shift>> {
    let n_test = sample.is_test.iter().filter(|is_test| **is_test).count();
    if n_test < MIN_ROWS || sample.is_test.len() - n_test < MIN_ROWS {
        return Ok(None);
    }
    let rows: Vec<usize> = (0..sample.is_test.len()).collect();
    let (learned, held_out) = rows.split_at(rows.len() * 2 / 3);
    let Ok(data) = data(sample, learned) else { return Ok(None) };
    let params = Params::GradientBoosting(params()).check()?;
    let fitted = params.fit(&data, None, subject.dataset.split.seed, &mut to_the_end)?;
    let area = Metrics::measure(&fitted.probabilities(&features(sample, held_out)?), &sides(sample, held_out), 0.5)?.roc_auc;
    let standard_error = standard_error(&sides(sample, held_out));
    Ok(area.map(|area| Shift { area, standard_error, columns: telling_columns(sample) }))
}

fn params() -> gradient_boosting::Params {
    gradient_boosting::Params { rounds: 20, learning_rate: 0.2, max_leaves: 8, max_bins: 32, ..Default::default() }
}

fn data(sample: &Sample, rows: &[usize]) -> Result<Data, trainer_estimators::Error> {
    let kinds = compared(sample).map(|(_, column)| encode::kind_of(&column.kind)).collect();
    Data::new(features(sample, rows)?, kinds, sides(sample, rows), 2, None)
}

/// The columns that are compared: dates move on, so that newer rows are always told from older ones by theirs.
fn compared(sample: &Sample) -> impl Iterator<Item = (usize, &Column)> {
    sample.contract.columns.iter().enumerate().filter(|(_, column)| !matches!(column.kind, ColumnKind::Date { .. }))
}

fn features(sample: &Sample, rows: &[usize]) -> Result<Matrix, trainer_estimators::Error> {
    let columns: Vec<usize> = compared(sample).map(|(at, _)| at).collect();
    let values = rows.iter().flat_map(|&row| columns.iter().map(move |&at| sample.features.row(row)[at])).collect();
    Matrix::new(rows.len(), columns.len(), values)
}

/// 1 for a test row, 0 for another.
fn sides(sample: &Sample, rows: &[usize]) -> Vec<u32> {
    rows.iter().map(|row| u32::from(sample.is_test[*row])).collect()
}

/// Of the area of a model that guesses: Mann and Whitney, 1947.
fn standard_error(sides: &[u32]) -> f64 {
    let n_test = sides.iter().filter(|side| **side == 1).count() as f64;
    let n_other = sides.len() as f64 - n_test;
    ((n_test + n_other + 1.0) / (12.0 * n_test * n_other)).sqrt()
}

fn telling_columns(sample: &Sample) -> Vec<(String, f64)> {
    let rows: Vec<usize> = (0..sample.is_test.len()).collect();
    let area = |column: usize| sample.binned(column).area(&rows, |row| usize::from(sample.is_test[row]), 2).unwrap_or(0.5);
    let columns: Vec<(usize, &Column)> = compared(sample).collect();
    let mut named: Vec<(String, f64)> = columns.into_par_iter().map(|(at, column)| (column.name.clone(), area(at))).collect();
    named.sort_by(|a, b| b.1.total_cmp(&a.1));
    named.truncate(N_NAMED);
    named
}

impl Shift {
    /// What to say about it, if the difference is certain and large enough.
    pub(super) fn finding(&self, origin: TestOrigin) -> Option<Finding> {
        if self.area <= SMALL.max(0.5 + 3.0 * self.standard_error) {
            return None;
        }
        let columns: Vec<String> = self.columns.iter().map(|(name, area)| format!("`{name}` ({area:.2})")).collect();
        let what = format!("a small model tells test rows from training rows with ROC AUC {:.2}", self.area);
        let (why, advice) = match origin {
            TestOrigin::Split(SplitKind::Time) => (
                "as is to be expected of newer rows",
                "the test then tells how a model does on what comes next; keep an eye on these columns",
            ),
            TestOrigin::Split(SplitKind::Random) => (
                "although they were drawn at random",
                "do rows that belong together share a value of a column, or repeat one another? `split.group` keeps them together",
            ),
            TestOrigin::File => (
                "so they come from elsewhere",
                "the test then tells how a model does on such rows, and not how good it is on rows like those it learns from",
            ),
        };
        Some(Finding {
            check: CheckKind::Shift,
            column: self.columns.first().map(|(name, _)| name.clone()),
            figure: self.area,
            message: format!("{what}, {why}; by one column: {}", columns.join(", ")),
            advice: advice.into(),
        })
    }
}
