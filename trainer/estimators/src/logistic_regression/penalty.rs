//! The penalty on squared weights, which lets the pieces of a number follow a straight line more easily than they bend.
//!
//! The weights `w` of a column's pieces are taken for a straight line of slope `b`, which would give them `b v` (`v`: the widths of the pieces),
//! and what departs from it: with a bend penalty `c` they cost the least of `b² + c |w - b v|²` over all slopes, which is
//! `c |w|² - c² (v w)² / (1 + c |v|²)`. So, the larger `c`, the nearer the fit is to that without knots, whose penalty is `b²`. Splines
//! with one penalty for the line and one for the rest: Marra and Wood, "Practical variable selection for generalized additive models", 2011.

use crate::encoding::Encoding;

/// What squared weights cost; in a mean over rows.
pub(super) struct Penalty {
    l2: f64,
    bend: Option<f64>,
    /// Columns in pieces.
    columns: Vec<Column>,
    n_outputs: usize,
}

struct Column {
    first_input: usize,
    /// Of the pieces, in standard deviations.
    widths: Vec<f64>,
    /// What the straight part is given back: `c / (1 + c |v|²)`.
    relief: f64,
}

impl Penalty {
    pub(super) fn new(l2: f64, bend: Option<f64>, encoding: &Encoding, n_outputs: usize) -> Self {
        let column = |(first_input, widths): (usize, Vec<f64>)| {
            let square: f64 = widths.iter().map(|width| width * width).sum();
            let relief = bend.map_or(0.0, |bend| bend / (1.0 + bend * square));
            Column { first_input, widths, relief }
        };
        let columns = bend.map_or(vec![], |_| encoding.widths_of_pieces().map(column).collect());
        Self { l2, bend, columns, n_outputs }
    }

    /// What weights `[inputs, outputs]` cost; adds its slopes to others.
    pub(super) fn add(&self, weights: &[f64], slopes: &mut [f64]) -> f64 {
        let mut cost = self.l2 / 2.0 * weights.iter().map(|weight| weight * weight).sum::<f64>();
        slopes.iter_mut().zip(weights).for_each(|(slope, weight)| *slope += self.l2 * weight);
        let Some(bend) = self.bend else { return cost };
        for column in &self.columns {
            for output in 0..self.n_outputs {
                let place = |piece: usize| (column.first_input + piece) * self.n_outputs + output;
                let along: f64 = column.widths.iter().enumerate().map(|(piece, width)| width * weights[place(piece)]).sum();
                for (piece, width) in column.widths.iter().enumerate() {
                    let weight = weights[place(piece)];
                    // In the place of the plain penalty.
                    let slope = bend * (weight - column.relief * along * width) - weight;
                    cost += self.l2 / 2.0 * slope * weight;
                    slopes[place(piece)] += self.l2 * slope;
                }
            }
        }
        cost
    }

    /// Adds how it curves to the lower triangle of a square matrix over the inputs; at least so much to the diagonal.
    pub(super) fn add_curvature(&self, matrix: &mut [f64], width: usize, n_inputs: usize, least: f64) {
        let mut diagonal = vec![self.l2; n_inputs];
        for column in &self.columns {
            let bend = self.bend.unwrap_or(1.0);
            let both = |a: usize, b: usize| self.l2 * bend * column.relief * column.widths[a] * column.widths[b];
            for piece in 0..column.widths.len() {
                let at = column.first_input + piece;
                diagonal[at] = self.l2 * bend - both(piece, piece);
                (0..piece).for_each(|other| matrix[at * width + column.first_input + other] -= both(piece, other));
            }
        }
        diagonal.iter().enumerate().for_each(|(at, value)| matrix[at * width + at] += value.max(least));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three pieces of one column after a plain input, for two outputs.
    fn penalty(bend: f64) -> Penalty {
        let widths = vec![0.5, 1.0, 2.0];
        let relief = bend / (1.0 + bend * 5.25);
        Penalty { l2: 0.3, bend: Some(bend), columns: vec![Column { first_input: 1, widths, relief }], n_outputs: 2 }
    }

    #[test]
    fn the_cost_is_the_least_over_all_slopes_of_the_line() {
        let weights = [0.7, 0.1, 0.4, -0.3, 0.2, 0.9, -0.5, 0.6];
        let bend = 3.0;
        let least = |output: usize| {
            let of = |slope: f64| {
                let widths = [0.5, 1.0, 2.0].iter().enumerate();
                let off = widths.map(|(piece, width)| (weights[(1 + piece) * 2 + output] - slope * width).powi(2));
                slope * slope + bend * off.sum::<f64>()
            };
            (-20_000..20_000).map(|step| of(f64::from(step) / 10_000.0)).fold(f64::INFINITY, f64::min)
        };
        let expect = 0.15 * (weights[0] * weights[0] + weights[1] * weights[1] + least(0) + least(1));
        let found = penalty(bend).add(&weights, &mut [0.0; 8]);
        assert!((found - expect).abs() < 1e-8, "{found} {expect}");
    }

    #[test]
    fn slopes_and_curvature_are_those_of_the_cost() {
        let penalty = penalty(7.0);
        let weights = vec![0.7, 0.1, 0.4, -0.3, 0.2, 0.9, -0.5, 0.6];
        let mut slopes = vec![0.0; 8];
        penalty.add(&weights, &mut slopes);
        let mut curvature = vec![0.0; 16];
        penalty.add_curvature(&mut curvature, 4, 4, 0.0);
        for at in 0..8 {
            let shifted = |by: f64| {
                let mut moved = weights.clone();
                moved[at] += by;
                let mut slopes = vec![0.0; 8];
                (penalty.add(&moved, &mut slopes), slopes)
            };
            let ((up, up_slopes), (down, down_slopes)) = (shifted(1e-5), shifted(-1e-5));
            assert!(((up - down) / 2e-5 - slopes[at]).abs() < 1e-8);
            for input in 0..=at / 2 {
                let found = (up_slopes[input * 2 + at % 2] - down_slopes[input * 2 + at % 2]) / 2e-5;
                assert!((found - curvature[at / 2 * 4 + input]).abs() < 1e-8);
            }
        }
    }
}
