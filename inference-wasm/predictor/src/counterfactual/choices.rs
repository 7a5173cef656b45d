//! The values that a column is tried with, and how far they are from the record's.

use data_contract::{Background, ColumnKind, Contract};

/// Values of a column, at most: its most frequent levels, or numbers evenly spread over the background's.
const MOST_LEVELS: usize = 64;
const MOST_NUMBERS: usize = 32;
/// How much a number's own distance counts beside the rows in between: it only tells apart what has the same rows in between.
const NUDGE: f64 = 1e-3;

/// One column's value in place of the record's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) column: usize,
    /// As in a feature row.
    pub(super) value: f32,
    /// From the record's value, 0 to about 1.
    pub(super) distance: f64,
}

/// Appends a column's choices.
pub(super) fn append(column: usize, contract: &Contract, background: &Background, own: f32, choices: &mut Vec<Choice>) {
    let mut add = |value: f32, distance: f64| {
        if value != own {
            choices.push(Choice { column, value, distance });
        }
    };
    if let ColumnKind::Categorical { levels } = &contract.columns[column].kind {
        (0..levels.len().min(MOST_LEVELS)).for_each(|level| add(level as f32, 1.0));
        return;
    }
    let known: Vec<f32> = background.rows().map(|row| row[column]).filter(|value| !value.is_nan()).collect();
    let sorted: Vec<f32> = ascending(&known).into_iter().map(|at| known[at as usize]).collect();
    thinned(&sorted).into_iter().for_each(|value| add(value, numeric_distance(&sorted, own, value)));
}

/// Indices of values in ascending order.
pub(super) fn ascending(values: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    // One sort for all, as each kind of sort takes room in a small module.
    order.sort_unstable_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]).then(a.cmp(&b)));
    order
}

/// The share of sorted values in between; a missing value is as far from any number as a level from another.
fn numeric_distance(sorted: &[f32], own: f32, value: f32) -> f64 {
    if own.is_nan() {
        return 1.0;
    }
    let (low, high) = (own.min(value), own.max(value));
    let between = sorted.iter().filter(|known| (low..=high).contains(*known)).count() as f64 / sorted.len() as f64;
    let range = f64::from(sorted[sorted.len() - 1] - sorted[0]).max(f64::MIN_POSITIVE);
    between + NUDGE * (f64::from(high - low) / range).min(1.0)
}

/// The different values among sorted ones, evenly thinned where they are many.
fn thinned(sorted: &[f32]) -> Vec<f32> {
    let mut different = sorted.to_vec();
    different.dedup();
    let last = different.len().saturating_sub(1);
    if last < MOST_NUMBERS { different } else { (0..MOST_NUMBERS).map(|at| different[at * last / (MOST_NUMBERS - 1)]).collect() }
}
