//! Models whose first stage takes every column on its own: what a record gives there is what its columns give, joined.
//!
//! In a network, the first layers' sums are the columns' sums, added; in a Gaussian kernel, a landmark's kernel is the columns' kernels,
//! multiplied. Of many records that are mixed from two, only the rest of the model has to be computed.

use super::exponential::exp_all;
use super::kernel::Kernel;
use super::network::{self, Network};
use super::vector::Number;

/// A model that takes columns apart.
pub(crate) trait Separable {
    type Number: Number;
    /// What joining changes nothing.
    const NEUTRAL: Self::Number;

    /// How many numbers a column gives.
    fn width(&self) -> usize;
    /// Writes what a column gives with this value.
    fn part(&self, feature: usize, value: f32, part: &mut [Self::Number]);
    fn join(a: Self::Number, b: Self::Number) -> Self::Number;
    /// Appends the logits of joined parts of all columns.
    fn finish(&self, joined: &[Self::Number], room: &mut network::Room, logits: &mut Vec<f32>);
}

impl Separable for Network {
    type Number = f32;
    const NEUTRAL: f32 = 0.0;

    fn width(&self) -> usize {
        self.networks.iter().filter_map(|layers| layers.first()).map(|first| first.bias.len()).sum()
    }

    fn part(&self, feature: usize, value: f32, part: &mut [f32]) {
        part.fill(Self::NEUTRAL);
        let terms = self.inputs.terms_of(feature, value);
        let mut start = 0;
        for first in self.networks.iter().filter_map(|layers| layers.first()) {
            let n_outputs = first.bias.len();
            let sums = &mut part[start..start + n_outputs];
            start += n_outputs;
            for &(input, value) in &terms {
                let weights = &first.weights[input as usize * n_outputs..][..n_outputs];
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
            }
        }
    }

    fn join(a: f32, b: f32) -> f32 {
        a + b
    }

    fn finish(&self, joined: &[f32], room: &mut network::Room, logits: &mut Vec<f32>) {
        self.logits_of_sums(joined, room, logits);
    }
}

impl Separable for Kernel {
    type Number = f64;
    const NEUTRAL: f64 = 1.0;

    fn width(&self) -> usize {
        self.squares.len()
    }

    fn part(&self, feature: usize, value: f32, part: &mut [f64]) {
        part.fill(0.0);
        for (input, value) in self.inputs.terms_of(feature, value) {
            let landmarks = &self.landmarks[input as usize * part.len()..][..part.len()];
            for (distance, landmark) in part.iter_mut().zip(landmarks) {
                let apart = f64::from(value) - landmark;
                *distance -= self.gamma * apart * apart;
            }
        }
        exp_all(part);
    }

    fn join(a: f64, b: f64) -> f64 {
        a * b
    }

    fn finish(&self, joined: &[f64], _: &mut network::Room, logits: &mut Vec<f32>) {
        self.logits_of_kernels(joined, logits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lowered::inputs::{Inputs, Levels, NO_INPUT, Numeric};
    use crate::lowered::network::Layer;
    use crate::lowered::{kernel, network};

    /// A number, whether it is missing, and two of three levels.
    fn inputs() -> Inputs {
        let numeric = Numeric { feature: 0, impute: 2.0, mean: 1.0, inverse_std: 0.5 };
        let levels = Levels { feature: 1, inputs: vec![2, NO_INPUT, 3] };
        Inputs {
            numeric: vec![numeric],
            plain: vec![0],
            missing: vec![0],
            levels: vec![levels],
            n_inputs: 4,
            ..Inputs::default()
        }
    }

    fn some(n: usize) -> Vec<f32> {
        (0..n).map(|at| ((at * 7 + 3) % 11) as f32 / 5.0 - 1.0).collect()
    }

    /// Joins the parts of a row's columns and finishes them.
    fn joined<M: Separable>(model: &M, row: &[f32]) -> Vec<f32> {
        let mut all = vec![M::NEUTRAL; model.width()];
        let mut part = all.clone();
        for (feature, value) in row.iter().enumerate() {
            model.part(feature, *value, &mut part);
            all.iter_mut().zip(&part).for_each(|(all, part)| *all = M::join(*all, *part));
        }
        let mut logits = Vec::new();
        model.finish(&all, &mut network::Room::default(), &mut logits);
        logits
    }

    #[track_caller]
    fn check<M: Separable>(model: &M, logits: impl Fn(&[f32]) -> Vec<f32>) {
        for row in [[3.0, 0.0], [f32::NAN, 1.0], [-4.0, 2.0], [0.5, -1.0], [0.5, 7.5]] {
            for (found, expected) in joined(model, &row).iter().zip(logits(&row)) {
                assert!((found - expected).abs() < 1e-5, "{row:?}: {found}, whole {expected}");
            }
        }
    }

    #[test]
    fn the_columns_of_networks_give_what_the_row_gives() {
        let layer = |n_inputs: usize, n_outputs: usize| Layer { weights: some(n_inputs * n_outputs), bias: some(n_outputs) };
        let networks = vec![vec![layer(4, 9), layer(9, 2)], vec![layer(4, 5), layer(5, 3), layer(3, 2)], vec![layer(4, 2)]];
        let network = Network { inputs: inputs(), networks };
        check(&network, |row| {
            let mut logits = Vec::new();
            network.logits(row, &mut network::Room::default(), &mut logits);
            logits
        });
    }

    #[test]
    fn the_columns_of_kernels_give_what_the_row_gives() {
        let landmarks: Vec<f64> = some(4 * 6).into_iter().map(f64::from).collect();
        let squares = (0..6).map(|at| landmarks.iter().skip(at).step_by(6).map(|value| value * value).sum()).collect();
        let coefficients = some(6).into_iter().map(f64::from).collect();
        let kernel = Kernel { inputs: inputs(), landmarks, squares, gamma: 0.3, coefficients, bias: vec![0.2] };
        check(&kernel, |row| {
            let mut logits = Vec::new();
            kernel.logits(row, &mut kernel::Room::default(), &mut logits);
            logits
        });
    }
}
