//! Rows in the order of their probabilities.

use super::Truth;
use crate::Matrix;

/// A row, by its probability of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) probability: f32,
    /// Whether it is of the class.
    pub(crate) positive: bool,
    /// How much it counts.
    pub(crate) weight: f64,
}

/// All rows by one class against the rest.
pub(crate) fn against_rest(probabilities: &Matrix, truth: Truth, class: usize) -> Vec<Ranked> {
    let rows = probabilities.column(class).zip(truth.classes).zip(truth.weights());
    rows.map(|((probability, &of), weight)| Ranked { probability, positive: of as usize == class, weight }).collect()
}

/// How much rows count together.
pub(crate) fn weight(rows: &[Ranked]) -> f64 {
    rows.iter().map(|row| row.weight).sum()
}

/// How much those of the class count.
pub(crate) fn positive_weight(rows: &[Ranked]) -> f64 {
    rows.iter().filter(|row| row.positive).map(|row| row.weight).sum()
}

/// Rows of equal probability: the weights of the positive and of the negative ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ties {
    pub(super) positives: f64,
    pub(super) negatives: f64,
}

/// Groups of equal probability, the most probable first.
pub(super) fn descending_ties(rows: &[Ranked]) -> Vec<Ties> {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let weight = |group: &[Ranked], positive| group.iter().filter(|row| row.positive == positive).map(|row| row.weight).sum();
    let group = |group: &[Ranked]| Ties { positives: weight(group, true), negatives: weight(group, false) };
    sorted.chunk_by(|a, b| a.probability == b.probability).map(group).collect()
}

/// The sums over all groups.
pub(super) fn totals(ties: &[Ties]) -> Ties {
    let sum = |of: fn(&Ties) -> f64| ties.iter().map(of).sum();
    Ties { positives: sum(|t| t.positives), negatives: sum(|t| t.negatives) }
}
