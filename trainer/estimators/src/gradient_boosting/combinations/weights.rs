//! How much each combination's log-odds count: a logistic regression on what they are at rows held out, with a penalty on squared weights,
//! by Newton's method.

use rayon::prelude::*;

use crate::Data;
use crate::cholesky::{factorise, solve};

/// Penalty on squared weights, against summed log loss.
const L2: f64 = 33.0;

/// Newton steps at most; from a start at 0 a handful is enough.
const MAX_STEPS: usize = 25;

/// Steps shorter than this are the end.
const TOLERANCE: f64 = 1e-4;

/// Rows whose slopes are summed together.
const CHUNK: usize = 4096;

/// One weight per combination, given each one's log-odds `[N, outputs]` and the raw values without any.
pub(super) fn fit(columns: &[Vec<f32>], data: &Data, base: &[f32]) -> Vec<f32> {
    let n = columns.len();
    let mut weights = vec![0.0; n];
    for _ in 0..MAX_STEPS {
        let mut slopes = Slopes::sum(columns, data, base, &weights);
        slopes.first.iter_mut().zip(&weights).for_each(|(first, weight)| *first = -*first - L2 * weight);
        slopes.second.iter_mut().step_by(n + 1).for_each(|second| *second += L2);
        factorise(&mut slopes.second, n, 1e-9);
        solve(&slopes.second, &mut slopes.first);
        weights.iter_mut().zip(&slopes.first).for_each(|(weight, step)| *weight += step);
        if slopes.first.iter().all(|step| step.abs() < TOLERANCE) {
            break;
        }
    }
    weights.into_iter().map(|weight| weight as f32).collect()
}

/// Derivatives of the summed log loss by the weights.
struct Slopes {
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Slopes {
    fn sum(columns: &[Vec<f32>], data: &Data, base: &[f32], weights: &[f64]) -> Self {
        let rows: Vec<usize> = (0..data.n_rows()).collect();
        let of_chunk = |rows: &[usize]| {
            let mut slopes = Self::zero(columns.len());
            rows.iter().for_each(|&row| slopes.add(row, columns, data, base, weights));
            slopes
        };
        let chunks: Vec<Self> = rows.par_chunks(CHUNK).map(of_chunk).collect();
        chunks.into_iter().fold(Self::zero(columns.len()), Self::plus)
    }

    fn zero(n: usize) -> Self {
        Self { first: vec![0.0; n], second: vec![0.0; n * n] }
    }

    fn plus(mut self, other: Self) -> Self {
        self.first.iter_mut().zip(other.first).for_each(|(sum, value)| *sum += value);
        self.second.iter_mut().zip(other.second).for_each(|(sum, value)| *sum += value);
        self
    }

    /// With several outputs, a weight moves all of them: the first derivative is the mean of its log-odds over the predicted classes less the
    /// log-odds of the row's own, and the second is their covariance over the predicted classes.
    fn add(&mut self, row: usize, columns: &[Vec<f32>], data: &Data, base: &[f32], weights: &[f64]) {
        let n_outputs = base.len();
        let value = |column: usize, output: usize| f64::from(columns[column][row * n_outputs + output]);
        let raw = |output: usize| {
            let sum: f64 = (0..columns.len()).map(|column| weights[column] * value(column, output)).sum();
            f64::from(base[output]) + sum
        };
        let (class, weight) = (data.classes()[row] as usize, f64::from(data.weight(row)));
        let probabilities: Vec<f64> = match n_outputs {
            1 => vec![1.0 / (1.0 + (-raw(0)).exp())],
            _ => softmax((0..n_outputs).map(raw).collect()),
        };
        let is_own = |output: usize| if n_outputs == 1 { class == 1 } else { class == output };
        let n = columns.len();
        let means: Vec<f64> =
            (0..n).map(|column| (0..n_outputs).map(|output| probabilities[output] * value(column, output)).sum()).collect();
        for a in 0..n {
            let own: f64 = (0..n_outputs).filter(|&output| is_own(output)).map(|output| value(a, output)).sum();
            self.first[a] += weight * (means[a] - own);
            for b in 0..=a {
                let product: f64 = (0..n_outputs).map(|output| probabilities[output] * value(a, output) * value(b, output)).sum();
                self.second[a * n + b] += weight * (product - means[a] * means[b]);
            }
        }
    }
}

fn softmax(raw: Vec<f64>) -> Vec<f64> {
    let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = raw.iter().map(|value| (value - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|value| value / sum).collect()
}
