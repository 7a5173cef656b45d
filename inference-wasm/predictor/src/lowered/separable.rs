//! Models whose first stage takes every column on its own: what a record gives there is what its columns give, joined.
//!
//! In a network, the first layers' sums are the columns' sums, added; in a Gaussian kernel, a landmark's kernel is the columns' kernels,
//! multiplied. Of many records that are mixed from two, only the rest of the model has to be computed.

use super::Body;
use super::exponential::exp_all;
use super::kernel::Kernel;
use super::network::{self, Network};

/// A model that takes columns apart.
pub(crate) trait Parts {
    /// How many numbers a column gives.
    fn width(&self) -> usize;
    /// Products that a row takes from the columns' parts on.
    fn n_products(&self) -> usize;
    /// What joining changes nothing.
    fn neutral(&self) -> f64;
    /// Appends what a column gives with this value.
    fn append_part(&self, feature: usize, value: f32, parts: &mut Vec<f64>);
    fn join(&self, a: &[f64], b: &[f64], joined: &mut [f64]);
    /// Appends the logits of joined parts of all columns.
    fn finish(&self, joined: &[f64], room: &mut PartsRoom, logits: &mut Vec<f32>);
}

/// What finishing needs room for.
#[derive(Default)]
pub(crate) struct PartsRoom {
    sums: Vec<f32>,
    network: network::Room,
}

/// The model as one that takes columns apart, where it is one.
pub(crate) fn parts(body: &Body) -> Option<&dyn Parts> {
    match body {
        Body::Network(network) => Some(network),
        Body::Kernel(kernel) => Some(kernel),
        Body::Trees(_) => None,
    }
}

impl Parts for Network {
    fn width(&self) -> usize {
        self.networks.iter().filter_map(|layers| layers.first()).map(|first| first.bias.len()).sum()
    }

    fn n_products(&self) -> usize {
        self.networks.iter().flat_map(|layers| layers.iter().skip(1)).map(|layer| layer.weights.len()).sum()
    }

    fn neutral(&self) -> f64 {
        0.0
    }

    fn append_part(&self, feature: usize, value: f32, parts: &mut Vec<f64>) {
        let terms = self.inputs.terms_of(feature, value);
        for first in self.networks.iter().filter_map(|layers| layers.first()) {
            let (start, n_outputs) = (parts.len(), first.bias.len());
            parts.resize(start + n_outputs, 0.0);
            for &(input, value) in &terms {
                let weights = &first.weights[input as usize * n_outputs..][..n_outputs];
                parts[start..].iter_mut().zip(weights).for_each(|(sum, weight)| *sum += f64::from(value * weight));
            }
        }
    }

    fn join(&self, a: &[f64], b: &[f64], joined: &mut [f64]) {
        joined.iter_mut().zip(a.iter().zip(b)).for_each(|(joined, (a, b))| *joined = a + b);
    }

    fn finish(&self, joined: &[f64], room: &mut PartsRoom, logits: &mut Vec<f32>) {
        room.sums.clear();
        room.sums.extend(joined.iter().map(|sum| *sum as f32));
        self.logits_of_sums(&room.sums, &mut room.network, logits);
    }
}

impl Parts for Kernel {
    fn width(&self) -> usize {
        self.squares.len()
    }

    fn n_products(&self) -> usize {
        // To join two kernels is a product, too.
        self.squares.len() + self.coefficients.len()
    }

    fn neutral(&self) -> f64 {
        1.0
    }

    fn append_part(&self, feature: usize, value: f32, parts: &mut Vec<f64>) {
        let (start, n_landmarks) = (parts.len(), self.squares.len());
        parts.resize(start + n_landmarks, 0.0);
        for (input, value) in self.inputs.terms_of(feature, value) {
            let landmarks = &self.landmarks[input as usize * n_landmarks..][..n_landmarks];
            for (exponent, landmark) in parts[start..].iter_mut().zip(landmarks) {
                let apart = f64::from(value) - landmark;
                *exponent -= self.gamma * apart * apart;
            }
        }
        exp_all(&mut parts[start..]);
    }

    fn join(&self, a: &[f64], b: &[f64], joined: &mut [f64]) {
        joined.iter_mut().zip(a.iter().zip(b)).for_each(|(joined, (a, b))| *joined = a * b);
    }

    fn finish(&self, joined: &[f64], _: &mut PartsRoom, logits: &mut Vec<f32>) {
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
    fn joined(model: &dyn Parts, row: &[f32]) -> Vec<f32> {
        let mut all = vec![model.neutral(); model.width()];
        for (feature, value) in row.iter().enumerate() {
            let mut part = Vec::new();
            model.append_part(feature, *value, &mut part);
            model.join(&all.clone(), &part, &mut all);
        }
        let mut logits = Vec::new();
        model.finish(&all, &mut PartsRoom::default(), &mut logits);
        logits
    }

    #[track_caller]
    fn check(model: &dyn Parts, logits: impl Fn(&[f32]) -> Vec<f32>) {
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
        assert_eq!(network.n_products(), 9 * 2 + (5 * 3 + 3 * 2));
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
