//! The mean log loss with its slopes, in one pass over the rows.
//!
//! Sums are in float64, so that a line search can tell losses apart close to the minimum. Rows are summed in a fixed number of parts, which
//! are added in order: the result does not depend on the number of threads.

use rayon::prelude::*;

use super::curvature::Curvature;
use super::penalty::Penalty;
use super::places::Places;
use crate::Data;
use crate::encoding::Encoding;
use crate::link::n_outputs;

/// Parts that rows are summed in.
const N_PARTS: usize = 32;

/// Rows of a part at least.
const MIN_PART: usize = 256;

/// The rows to learn from.
pub(super) struct Objective<'a> {
    encoding: &'a Encoding,
    data: &'a Data,
    places: Places<'a>,
    n_inputs: usize,
    n_outputs: usize,
    total: f64,
    /// Divided by the total weight as the loss is, so that slopes are comparable whatever the number of rows.
    penalty: Penalty,
}

/// Loss and slopes of some rows.
struct Sums {
    loss: f64,
    /// By term and output, then by each output's bias.
    slopes: Vec<f64>,
}

impl<'a> Objective<'a> {
    pub(super) fn new(l2: f64, bend: Option<f64>, encoding: &'a Encoding, data: &'a Data) -> Self {
        let total: f64 = data.class_weights().iter().sum();
        let places = Places::new(encoding, data);
        let n_outputs = n_outputs(data.n_classes());
        let penalty = Penalty::new(l2 / total, bend, encoding, n_outputs);
        Self { encoding, data, places, n_inputs: encoding.n_inputs(), n_outputs, total, penalty }
    }

    /// Weights `[inputs, outputs]`, which are penalised.
    pub(super) fn n_weights(&self) -> usize {
        self.n_inputs * self.n_outputs
    }

    /// Weights and biases.
    pub(super) fn n_unknowns(&self) -> usize {
        self.n_weights() + self.n_outputs
    }

    /// What a penalty on a sum over rows is in a mean over rows.
    pub(super) fn share(&self, penalty: f64) -> f64 {
        penalty / self.total
    }

    /// The value and the slopes at these weights, followed by the biases.
    pub(super) fn at(&self, unknowns: &[f64]) -> (f64, Vec<f64>) {
        let (weights, bias) = unknowns.split_at(self.n_weights());
        let spread = self.places.spread(weights, self.n_outputs);
        let size = self.data.n_rows().div_ceil(N_PARTS).max(MIN_PART);
        let rows: Vec<usize> = (0..self.data.n_rows()).step_by(size).collect();
        let part = |start: usize| self.part(start..(start + size).min(self.data.n_rows()), &spread, bias);
        let parts: Vec<Sums> = rows.into_par_iter().map(part).collect();
        let Sums { loss, slopes } = parts.into_iter().reduce(Sums::plus).expect("there are rows");
        let (terms, by_bias) = slopes.split_at(self.places.n_terms() * self.n_outputs);
        let mut slopes = self.places.gather(terms.to_vec(), self.n_outputs);
        slopes.iter_mut().for_each(|slope| *slope /= self.total);
        let penalty = self.penalty.add(weights, &mut slopes);
        slopes.extend(by_bias.iter().map(|slope| slope / self.total));
        (loss / self.total + penalty, slopes)
    }

    /// How the value curves at 0, unless there are too many inputs.
    pub(super) fn curvature(&self) -> Option<Curvature> {
        Curvature::at_start(self.encoding, self.data, self.n_outputs, &self.mean_squares(), &self.penalty)
    }

    /// The weighted mean of each input's square.
    fn mean_squares(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.places.n_terms()];
        let mut terms = Vec::new();
        for row in 0..self.data.n_rows() {
            self.places.terms(row, &mut terms);
            let weight = f64::from(self.data.weight(row)) / self.total;
            terms.iter().for_each(|&(at, value)| sums[at] += weight * value * value);
        }
        self.places.gather(sums, 1)
    }

    fn part(&self, rows: std::ops::Range<usize>, spread: &[f64], bias: &[f64]) -> Sums {
        let n_terms = self.places.n_terms() * self.n_outputs;
        let mut sums = Sums { loss: 0.0, slopes: vec![0.0; n_terms + self.n_outputs] };
        let mut terms = Vec::new();
        let mut raw = vec![0.0; self.n_outputs];
        for row in rows {
            self.places.terms(row, &mut terms);
            let weight = f64::from(self.data.weight(row));
            let class = self.data.classes()[row] as usize;
            match self.n_outputs {
                1 => sums.add_two_classes(&terms, spread, bias[0], class, weight),
                _ => sums.add_classes(&terms, spread, bias, class, weight, &mut raw),
            }
        }
        sums
    }
}

impl Sums {
    fn add_two_classes(&mut self, terms: &[(usize, f64)], spread: &[f64], bias: f64, class: usize, weight: f64) {
        let sum: f64 = terms.iter().map(|&(at, value)| spread[at] * value).sum();
        let sign = if class == 1 { 1.0 } else { -1.0 };
        let against = -sign * (sum + bias);
        let power = (-against.abs()).exp();
        self.loss += weight * (against.max(0.0) + power.ln_1p());
        let error = if against > 0.0 { 1.0 / (1.0 + power) } else { power / (1.0 + power) };
        let slope = -sign * weight * error;
        terms.iter().for_each(|&(at, value)| self.slopes[at] += slope * value);
        *self.slopes.last_mut().expect("a bias") += slope;
    }

    /// `raw` is memory to work in.
    fn add_classes(&mut self, terms: &[(usize, f64)], spread: &[f64], bias: &[f64], class: usize, weight: f64, raw: &mut [f64]) {
        let n = bias.len();
        raw.copy_from_slice(bias);
        for &(at, value) in terms {
            raw.iter_mut().zip(&spread[at * n..][..n]).for_each(|(raw, weight)| *raw += weight * value);
        }
        let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let own = raw[class] - largest;
        raw.iter_mut().for_each(|raw| *raw = (*raw - largest).exp());
        let sum: f64 = raw.iter().sum();
        self.loss += weight * (sum.ln() - own);
        raw.iter_mut().for_each(|raw| *raw *= weight / sum);
        raw[class] -= weight;
        for &(at, value) in terms {
            self.slopes[at * n..][..n].iter_mut().zip(&*raw).for_each(|(slope, error)| *slope += error * value);
        }
        let start = self.slopes.len() - n;
        self.slopes[start..].iter_mut().zip(&*raw).for_each(|(slope, error)| *slope += error);
    }

    fn plus(mut self, other: Self) -> Self {
        self.loss += other.loss;
        self.slopes.iter_mut().zip(&other.slopes).for_each(|(slope, other)| *slope += other);
        self
    }
}
