//! The log loss of raw values, with its gradients.
//!
//! Two classes have one raw value, the log-odds of class 1. Several classes have one each, and their second derivative `p (1 - p)` is
//! scaled by `K / (K - 1)`, as in LightGBM, so that two classes would learn equally fast in both forms (Friedman 2001, section 4.6).

use rayon::prelude::*;

use crate::Data;
use crate::link::{n_outputs, sigmoid};
use crate::tree::quantise::Gradient;

/// The prior of a class that never occurs.
const MIN_PRIOR: f64 = 1e-6;

/// Below this, a second derivative is as good as flat.
const MIN_SECOND: f32 = 1e-16;

const CHUNK: usize = 16_384;

/// The weighted log loss on some rows.
pub(super) struct Loss<'a> {
    data: &'a Data,
    n_outputs: usize,
}

impl<'a> Loss<'a> {
    /// On these rows.
    pub(crate) fn new(data: &'a Data) -> Self {
        Self { data, n_outputs: n_outputs(data.n_classes()) }
    }

    /// The raw values that give every row the shares of the classes.
    pub(crate) fn base(&self) -> Vec<f32> {
        let weights = self.data.class_weights();
        let total: f64 = weights.iter().sum();
        let log_share = |class: usize| (weights[class] / total).max(MIN_PRIOR).ln();
        match self.n_outputs {
            1 => vec![(log_share(1) - log_share(0)) as f32],
            n => (0..n).map(|class| log_share(class) as f32).collect(),
        }
    }

    /// What each row's raw values are compared with to become probabilities: the logarithm of their summed exponentials. Nothing for two
    /// classes.
    pub(crate) fn normalisers(&self, raw: &[f32]) -> Vec<f32> {
        match self.n_outputs {
            1 => vec![],
            n => raw.par_chunks_exact(n).map(log_sum_exp).collect(),
        }
    }

    /// The gradients of one output at every row. Of the raw values, only that output's may have changed since the normalisers were computed.
    pub(crate) fn gradients(&self, output: usize, raw: &[f32], normalisers: &[f32], gradients: &mut [Gradient]) {
        let scale = if self.n_outputs == 1 { 1.0 } else { self.n_outputs as f32 / (self.n_outputs - 1) as f32 };
        let class = if self.n_outputs == 1 { 1 } else { output as u32 };
        let probability = |row: usize| match self.n_outputs {
            1 => sigmoid(raw[row]),
            n => (raw[row * n + output] - normalisers[row]).exp().min(1.0),
        };
        gradients.par_chunks_mut(CHUNK).enumerate().for_each(|(part, gradients)| {
            for (row, gradient) in (part * CHUNK..).zip(gradients) {
                let target = if self.data.classes()[row] == class { 1.0 } else { 0.0 };
                *gradient = self.gradient(row, probability(row), target, scale);
            }
        });
    }

    /// Summed log loss of the rows and their summed weight; chunks are added in order, so it does not depend on threads.
    pub(crate) fn sum(&self, raw: &[f32]) -> (f64, f64) {
        let of_chunk = |(part, raw): (usize, &[f32])| {
            (part * CHUNK..).zip(raw.chunks_exact(self.n_outputs)).fold((0.0, 0.0), |(sum, weights), (row, raw)| {
                let weight = f64::from(self.data.weight(row));
                (sum + weight * row_loss(raw, self.data.classes()[row]), weights + weight)
            })
        };
        let chunks: Vec<(f64, f64)> = raw.par_chunks(CHUNK * self.n_outputs).enumerate().map(of_chunk).collect();
        chunks.iter().fold((0.0, 0.0), |sum, chunk| (sum.0 + chunk.0, sum.1 + chunk.1))
    }

    fn gradient(&self, row: usize, p: f32, target: f32, scale: f32) -> Gradient {
        let weight = self.data.weight(row);
        Gradient { first: weight * (p - target), second: weight * scale * (p * (1.0 - p)).max(MIN_SECOND) }
    }
}

/// `ln(sum(exp(raw)))`, without overflow.
fn log_sum_exp(raw: &[f32]) -> f32 {
    let largest = raw.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    largest + raw.iter().map(|value| (value - largest).exp()).sum::<f32>().ln()
}

/// `ln(sum(exp(raw))) - raw[class]`, without overflow.
fn row_loss(raw: &[f32], class: u32) -> f64 {
    if let [log_odds] = raw {
        let against = f64::from(if class == 1 { -log_odds } else { *log_odds });
        return against.max(0.0) + (-against.abs()).exp().ln_1p();
    }
    let largest = raw.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = raw.iter().map(|&value| f64::from(value - largest).exp()).sum();
    sum.ln() + f64::from(largest - raw[class as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FeatureKind;

    fn data(classes: Vec<u32>, n_classes: usize, weights: Option<Vec<f32>>) -> Data {
        let features = Matrix::new(classes.len(), 1, vec![0.0; classes.len()]).unwrap();
        Data::new(features, vec![FeatureKind::Numeric], classes, n_classes, weights).unwrap()
    }
    use crate::Matrix;

    /// Compares the first derivatives with differences of the loss.
    #[track_caller]
    fn check_gradients(data: &Data, raw: &[f32]) {
        let loss = Loss::new(data);
        let n_outputs = loss.n_outputs;
        let normalisers = loss.normalisers(raw);
        let gradients: Vec<Vec<Gradient>> = (0..n_outputs)
            .map(|output| {
                let mut gradients = vec![Gradient::default(); data.n_rows()];
                loss.gradients(output, raw, &normalisers, &mut gradients);
                gradients
            })
            .collect();
        for at in 0..raw.len() {
            let step = |delta: f32| {
                let mut raw = raw.to_vec();
                raw[at] += delta;
                loss.sum(&raw).0
            };
            let numeric = (step(0.01) - step(-0.01)) / 0.02;
            let gradient = gradients[at % n_outputs][at / n_outputs].first;
            assert!((numeric - f64::from(gradient)).abs() < 1e-4, "{numeric} at {at}, but {gradient}");
        }
    }

    #[test]
    fn gradients_are_the_slope_of_the_loss() {
        check_gradients(&data(vec![0, 1, 1], 2, None), &[0.3, -1.0, 2.0]);
        check_gradients(&data(vec![0, 1, 1], 2, Some(vec![0.5, 2.0, 1.0])), &[0.3, -1.0, 2.0]);
        check_gradients(&data(vec![0, 2, 1], 3, Some(vec![0.5, 2.0, 1.0])), &[0.3, -1.0, 2.0, 0.0, 0.0, 1.0, -0.5, 0.2, 0.1]);
    }

    #[test]
    fn the_base_gives_the_shares_of_the_classes() {
        let base = Loss::new(&data(vec![0, 0, 0, 1], 2, Some(vec![1.0, 1.0, 1.0, 9.0]))).base();
        assert!((base[0] - 3.0_f32.ln()).abs() < 1e-6);
    }
}
