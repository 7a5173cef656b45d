//! A number as pieces between knots, so that a weighted sum of them is a function of straight lines.
//!
//! Gorishniy, Rubachev and Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS 2022, section 3.2 (piecewise
//! linear encoding), here kept within the outermost knots: beyond the training values the function is constant.

use serde::{Deserialize, Serialize};
use trainer_onnx::HingeInput;

/// One piece of a numeric column: 0 up to its knot, 1 from the next knot on, a straight line between.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Piece {
    /// Index of the numeric column.
    pub(super) column: usize,
    knot: f32,
    inverse_width: f32,
}

impl Piece {
    /// The piece's share of a standardised value; the same float32 operations as in the exported graph.
    pub(super) fn encode(&self, standardised: f32) -> f32 {
        ((standardised - self.knot) * self.inverse_width).clamp(0.0, 1.0)
    }

    /// From its knot to the next, in standard deviations.
    pub(super) fn width(&self) -> f64 {
        1.0 / f64::from(self.inverse_width)
    }

    /// The piece for the exporter.
    pub(super) fn to_hinge(self) -> HingeInput {
        HingeInput { input: self.column, knot: self.knot, inverse_width: self.inverse_width }
    }
}

/// The pieces between the knots of a column, given its standardised values with their weights; none for a column that never varies.
pub(super) fn pieces(column: usize, values: Vec<(f32, f64)>, n_knots: usize) -> Vec<Piece> {
    let knots = knots(&distinct(values), n_knots);
    let piece = |pair: &[f32]| Piece { column, knot: pair[0], inverse_width: 1.0 / (pair[1] - pair[0]) };
    knots.windows(2).map(piece).filter(|piece| piece.inverse_width.is_finite()).collect()
}

/// The distinct values, ascending, each with its summed weight.
fn distinct(mut values: Vec<(f32, f64)>) -> Vec<(f32, f64)> {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let runs = values.chunk_by(|a, b| a.0 == b.0);
    runs.map(|run| (run[0].0, run.iter().map(|(_, weight)| weight).sum())).collect()
}

/// The smallest value, at most `n_knots` inner ones, and the largest.
///
/// When not every value can be a knot, they are quantiles in which a value counts by the square root of its weight: between quantiles of
/// rows, which spend all knots on values that occur often, and of distinct values, which spend them on the rare ones of a long tail.
fn knots(distinct: &[(f32, f64)], n_knots: usize) -> Vec<f32> {
    if distinct.len() <= n_knots + 2 {
        return distinct.iter().map(|&(value, _)| value).collect();
    }
    let total: f64 = distinct.iter().map(|(_, weight)| weight.sqrt()).sum();
    let mut below = 0.0;
    let reached = distinct.iter().map(|&(value, weight)| {
        below += weight.sqrt();
        (value, below)
    });
    let mut reached = reached.peekable();
    let mut quantile = |share: f64| {
        while reached.next_if(|&(_, below)| below < share * total).is_some() {}
        reached.peek().map(|&(value, _)| value)
    };
    let inner = (1..=n_knots).filter_map(|at| quantile(at as f64 / (n_knots + 1) as f64));
    let ends = [distinct[0].0, distinct[distinct.len() - 1].0];
    let mut knots: Vec<f32> = ends[..1].iter().copied().chain(inner).chain(ends[1..].iter().copied()).collect();
    knots.dedup();
    knots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_knots(values: &[(f32, f64)], n_knots: usize, expect: &[f32]) {
        assert_eq!(knots(&distinct(values.to_vec()), n_knots), expect);
    }

    #[test]
    fn few_distinct_values_are_all_knots() {
        check_knots(&[], 2, &[]);
        check_knots(&[(1.0, 1.0), (1.0, 1.0)], 2, &[1.0]);
        check_knots(&[(3.0, 1.0), (1.0, 1.0), (2.0, 9.0), (1.0, 5.0), (4.0, 1.0)], 2, &[1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn many_distinct_values_are_divided_evenly() {
        let values: Vec<(f32, f64)> = (0..=100).map(|value| (value as f32, 1.0)).collect();
        check_knots(&values, 3, &[0.0, 25.0, 50.0, 75.0, 100.0]);
    }

    #[test]
    fn a_value_that_fills_most_rows_takes_some_knots_but_not_all() {
        let values: Vec<(f32, f64)> = (0..=100).map(|value| (value as f32, if value == 0 { 10_000.0 } else { 1.0 })).collect();
        check_knots(&values, 3, &[0.0, 50.0, 100.0]);
    }

    #[test]
    fn weights_scale_freely() {
        let values: Vec<(f32, f64)> = (0..50).map(|value| (value as f32, f64::from(1 + value % 4))).collect();
        let halved: Vec<(f32, f64)> = values.iter().map(|&(value, weight)| (value, weight / 4.0)).collect();
        assert_eq!(knots(&values, 5), knots(&halved, 5));
    }

    #[test]
    fn pieces_follow_one_another_and_end_at_the_outermost_values() {
        let pieces = pieces(0, vec![(-1.0, 1.0), (0.0, 1.0), (2.0, 1.0)], 5);
        let shares = |value: f32| pieces.iter().map(|piece| piece.encode(value)).collect::<Vec<_>>();
        assert_eq!(shares(f32::MIN), [0.0, 0.0]);
        assert_eq!(shares(-0.5), [0.5, 0.0]);
        assert_eq!(shares(1.0), [1.0, 0.5]);
        assert_eq!(shares(f32::MAX), [1.0, 1.0]);
    }

    #[test]
    fn two_values_have_one_piece_between_them_and_one_value_has_none() {
        let two = pieces(3, vec![(0.5, 1.0), (-1.5, 1.0)], 5);
        assert_eq!(two, [Piece { column: 3, knot: -1.5, inverse_width: 0.5 }]);
        assert_eq!(pieces(3, vec![(0.0, 2.0), (0.0, 1.0)], 5), []);
        assert_eq!(pieces(3, vec![], 5), []);
    }
}
