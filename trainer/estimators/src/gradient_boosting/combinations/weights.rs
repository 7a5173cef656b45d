//! How much each combination's log-odds count: a logistic regression on what they are at rows held out, with a penalty on squared weights,
//! by Newton's method.

use rayon::prelude::*;

use crate::Data;
use crate::cholesky::{factorise, solve};
use crate::link::push_probabilities;

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

    /// A weight moves all outputs: the first derivative is the mean of its log-odds over the predicted classes less the log-odds of the row's own,
    /// and the second is their covariance over the predicted classes.
    fn add(&mut self, row: usize, columns: &[Vec<f32>], data: &Data, base: &[f32], weights: &[f64]) {
        let (n, n_outputs) = (columns.len(), base.len());
        let value = |column: usize, output: usize| f64::from(columns[column][row * n_outputs + output]);
        let sum = |output: usize| (0..n).map(|column| weights[column] * value(column, output)).sum::<f64>();
        let raw: Vec<f32> = base.iter().enumerate().map(|(output, base)| base + sum(output) as f32).collect();
        let mut probabilities = vec![];
        push_probabilities(&raw, &mut probabilities);
        // Of two classes the first has no output: its log-odds are 0.
        let first_class = probabilities.len() - n_outputs;
        let own_output = (data.classes()[row] as usize).checked_sub(first_class);
        let mean = |of: &dyn Fn(usize) -> f64| -> f64 {
            probabilities[first_class..].iter().enumerate().map(|(output, p)| f64::from(*p) * of(output)).sum()
        };
        let means: Vec<f64> = (0..n).map(|column| mean(&|output| value(column, output))).collect();
        let weight = f64::from(data.weight(row));
        for a in 0..n {
            self.first[a] += weight * (means[a] - own_output.map_or(0.0, |output| value(a, output)));
            for b in 0..=a {
                let product = mean(&|output| value(a, output) * value(b, output));
                self.second[a * n + b] += weight * (product - means[a] * means[b]);
            }
        }
    }
}
