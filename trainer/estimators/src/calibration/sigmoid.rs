//! `softmax(slope · ln p + bias)`, fitted by Newton's method; for two classes this is Platt's sigmoid of the log-odds.

use serde::{Deserialize, Serialize};
use trainer_onnx::LEAST_PROBABILITY;

use crate::link::{Scaling, softmax};
use crate::metrics::Truth;
use crate::{Matrix, cholesky};

const MAX_STEPS: usize = 50;

/// The penalty on biases and on the slope's distance from 1: about one row's worth.
const RIDGE: f64 = 0.5;

/// Relative to the largest element of the diagonal: what rounding may make of a pivot.
const LEAST_PIVOT: f64 = 1e-12;

/// A slope that falls below would turn the order of the probabilities around.
const LEAST_SLOPE: f64 = 1e-3;

/// A slope for all classes and a bias for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sigmoid {
    slope: f32,
    bias: Vec<f32>,
}

/// Derivatives of the loss: `[slope, bias of class 0, bias of class 1, …]`.
struct Derivatives {
    first: Vec<f64>,
    /// Row-major.
    second: Vec<f64>,
}

impl Sigmoid {
    /// The slope and biases of the lowest log loss, of rows whose mean weight is 1.
    pub(super) fn fit(probabilities: &Matrix, truth: Truth) -> Self {
        let n_classes = probabilities.n_features();
        let logarithms: Vec<f64> = probabilities.values().iter().map(|p| f64::from(p.max(LEAST_PROBABILITY)).ln()).collect();
        let mut at = vec![0.0; n_classes + 1];
        at[0] = 1.0;
        let mut best = loss(&at, &logarithms, truth);
        for _ in 0..MAX_STEPS {
            let step = solve(derivatives(&at, &logarithms, truth));
            let tries = (0..30).map(|halvings| 0.5_f64.powi(halvings)).map(|share| moved(&at, &step, share));
            let mut better = tries.map(|tried| (loss(&tried, &logarithms, truth), tried)).filter(|(loss, _)| *loss < best);
            let Some((lower, tried)) = better.next() else { break };
            let gained = best - lower;
            (best, at) = (lower, tried);
            if gained < 1e-9 * best.abs() {
                break;
            }
        }
        Self { slope: at[0] as f32, bias: at[1..].iter().map(|bias| *bias as f32).collect() }
    }

    /// Appends a row's calibrated probabilities.
    pub(super) fn push(&self, row: &[f32], values: &mut Vec<f32>) {
        let start = values.len();
        values.extend(row.iter().zip(&self.bias).map(|(p, bias)| p.max(LEAST_PROBABILITY).ln() * self.slope + bias));
        softmax(&mut values[start..]);
    }

    /// What it does to log-odds, or to the logits of several classes.
    pub(super) fn scaling(&self) -> Scaling {
        let bias = match self.bias[..] {
            [first, second] => vec![second - first],
            _ => self.bias.clone(),
        };
        Scaling { slope: self.slope, bias }
    }

    /// The same for the exporter.
    pub(super) fn to_onnx(&self) -> trainer_onnx::Calibration {
        trainer_onnx::Calibration::Sigmoid { slope: self.slope, bias: self.bias.clone() }
    }
}

fn moved(at: &[f64], step: &[f64], share: f64) -> Vec<f64> {
    let mut tried: Vec<f64> = at.iter().zip(step).map(|(at, step)| at - share * step).collect();
    tried[0] = tried[0].max(LEAST_SLOPE);
    tried
}

/// The probabilities of one row.
fn softmax_of(at: &[f64], logarithms: &[f64]) -> Vec<f64> {
    let raw: Vec<f64> = logarithms.iter().zip(&at[1..]).map(|(x, bias)| at[0] * x + bias).collect();
    let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponents: Vec<f64> = raw.iter().map(|raw| (raw - largest).exp()).collect();
    let sum: f64 = exponents.iter().sum();
    exponents.into_iter().map(|value| value / sum).collect()
}

fn loss(at: &[f64], logarithms: &[f64], truth: Truth) -> f64 {
    let n_classes = at.len() - 1;
    let rows = logarithms.chunks_exact(n_classes).zip(truth.classes);
    let losses = rows.map(|(row, class)| -softmax_of(at, row)[*class as usize].max(f64::MIN_POSITIVE).ln());
    let sum: f64 = losses.zip(truth.weights()).map(|(loss, weight)| loss * weight).sum();
    let penalty = (at[0] - 1.0).powi(2) + at[1..].iter().map(|bias| bias * bias).sum::<f64>();
    sum + RIDGE / 2.0 * penalty
}

fn derivatives(at: &[f64], logarithms: &[f64], truth: Truth) -> Derivatives {
    let n_classes = at.len() - 1;
    let width = at.len();
    let (mut first, mut second) = (vec![0.0; width], vec![0.0; width * width]);
    for ((row, &class), weight) in logarithms.chunks_exact(n_classes).zip(truth.classes).zip(truth.weights()) {
        let p = softmax_of(at, row);
        let mean: f64 = p.iter().zip(row).map(|(p, x)| p * x).sum();
        first[0] += weight * (mean - row[class as usize]);
        second[0] += weight * p.iter().zip(row).map(|(p, x)| p * (x - mean).powi(2)).sum::<f64>();
        for k in 0..n_classes {
            first[k + 1] += weight * (p[k] - if k == class as usize { 1.0 } else { 0.0 });
            second[k + 1] += weight * p[k] * (row[k] - mean);
            for other in 0..=k {
                second[(k + 1) * width + other + 1] += weight * p[k] * (if other == k { 1.0 } else { 0.0 } - p[other]);
            }
        }
    }
    for place in 0..width {
        first[place] += RIDGE * (at[place] - if place == 0 { 1.0 } else { 0.0 });
        second[place * width + place] += RIDGE;
        (0..place).for_each(|other| {
            let lower = if other == 0 { second[place] } else { second[place * width + other] };
            second[place * width + other] = lower;
            second[other * width + place] = lower;
        });
    }
    Derivatives { first, second }
}

/// The Newton step, `second⁻¹ · first`; the ridge keeps the matrix positive definite.
fn solve(Derivatives { mut first, mut second }: Derivatives) -> Vec<f64> {
    cholesky::factorise(&mut second, first.len(), LEAST_PIVOT);
    cholesky::solve(&second, &mut first);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_the_slopes_of_the_loss() {
        let logarithms: Vec<f64> = [0.2, 0.3, 0.5, 0.6, 0.3, 0.1, 0.1, 0.1, 0.8].map(f64::ln).to_vec();
        let at = [0.8, 0.1, -0.2, 0.3];
        let truth = Truth::new(&[2, 1, 0], Some(&[0.5, 2.0, 0.75]));
        let exact = derivatives(&at, &logarithms, truth);
        for place in 0..4 {
            let shifted = |delta: f64| {
                let mut at = at;
                at[place] += delta;
                (loss(&at, &logarithms, truth), derivatives(&at, &logarithms, truth).first)
            };
            let (up, down) = (shifted(1e-5), shifted(-1e-5));
            assert!(((up.0 - down.0) / 2e-5 - exact.first[place]).abs() < 1e-6);
            for other in 0..4 {
                assert!(((up.1[other] - down.1[other]) / 2e-5 - exact.second[place * 4 + other]).abs() < 1e-6);
            }
        }
    }
}
