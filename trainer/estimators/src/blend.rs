//! A weighted mean of what models of several families say.
//!
//! Such a mean is known as a linear opinion pool (Genest and Zidek, "Combining probability distributions", Statistical Science, 1986). Its
//! weights are those of the lowest log loss on rows that no model saw: the shares of a mixture whose components are known, which
//! expectation-maximisation finds from any start, as the problem is convex (Dempster, Laird and Rubin, 1977).

use trainer_onnx::Member;

use crate::calibration::{Calibrated, N_FOLDS, folds};
use crate::metrics::{Truth, check};
use crate::{Error, Exported, Matrix};

/// Rows that each member is given beforehand: a few rows do not take all weight away from one.
const PRIOR_ROWS: f64 = 2.0;

/// A member of less weight is left out.
const LEAST_WEIGHT: f64 = 0.05;

/// Weights are found on at most this many rows, evenly spaced.
const MAX_ROWS: usize = 50_000;

/// Rounds at most, and the change of a weight at which they end.
const MAX_ROUNDS: usize = 2000;
const LEAST_CHANGE: f64 = 1e-6;

/// Weights, and what the mean says.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// One for each model, 0 for those that are left out; all together are 1.
    pub weights: Vec<f64>,
    /// The rows' probabilities `[N, C]`, each by weights that were found without it.
    pub probabilities: Matrix,
}

/// Finds the weights of models by what each of them says of rows that it did not see, `[N, C]`.
///
/// # Errors
/// Probabilities and classes that do not fit each other.
///
/// # Panics
/// Without a model.
pub fn choose<'a>(held_out: &[&Matrix], truth: impl Into<Truth<'a>>, seed: u64) -> Result<Choice, Error> {
    let truth = truth.into();
    held_out.iter().try_for_each(|probabilities| check(probabilities, truth))?;
    let of_row = folds(truth, seed);
    let n_rows = truth.classes.len();
    let mut values = vec![0.0; held_out[0].values().len()];
    for fold in 0..N_FOLDS {
        let (out, rest): (Vec<usize>, Vec<usize>) = (0..n_rows).partition(|&row| of_row[row] == fold);
        let weights = weights(held_out, truth, &rest);
        let n_classes = held_out[0].n_features();
        for row in out {
            mean(held_out, &weights, row, &mut values[row * n_classes..][..n_classes]);
        }
    }
    let all: Vec<usize> = (0..n_rows).collect();
    let probabilities = Matrix::new(n_rows, held_out[0].n_features(), values)?;
    Ok(Choice { weights: weights(held_out, truth, &all), probabilities })
}

/// A row's weighted mean.
fn mean(models: &[&Matrix], weights: &[f64], row: usize, mean: &mut [f32]) {
    for (model, weight) in models.iter().zip(weights) {
        mean.iter_mut().zip(model.row(row)).for_each(|(sum, p)| *sum += *weight as f32 * p);
    }
}

/// The weights of models on some rows; those that would have next to nothing have nothing.
fn weights(models: &[&Matrix], truth: Truth, rows: &[usize]) -> Vec<f64> {
    let step = rows.len().div_ceil(MAX_ROWS).max(1);
    let rows: Vec<usize> = rows.iter().copied().step_by(step).filter(|&row| truth.weight(row) > 0.0).collect();
    let likelihood = |model: &&Matrix, row: usize| f64::from(model.row(row)[truth.classes[row] as usize]).max(1e-15);
    let row_weights: Vec<f64> = rows.iter().map(|&row| truth.weight(row)).collect();
    let mut members: Vec<usize> = (0..models.len()).collect();
    loop {
        let likelihoods = rows.iter().flat_map(|&row| members.iter().map(move |&member| likelihood(&models[member], row)));
        let found = shares(&likelihoods.collect::<Vec<f64>>(), &row_weights, members.len());
        let least = (0..found.len()).min_by(|&a, &b| found[a].total_cmp(&found[b])).unwrap_or(0);
        if found[least] >= LEAST_WEIGHT {
            let mut weights = vec![0.0; models.len()];
            members.iter().zip(found).for_each(|(&member, weight)| weights[member] = weight);
            return weights;
        }
        members.remove(least);
    }
}

/// The shares of a mixture's components by their likelihoods `[N, components]` of weighted rows.
fn shares(likelihoods: &[f64], weights: &[f64], n_components: usize) -> Vec<f64> {
    // Weights are measured in rows of the mean weight, as the rows beforehand are.
    let unit = weights.len() as f64 / weights.iter().sum::<f64>();
    let total = weights.len() as f64 + PRIOR_ROWS * n_components as f64;
    let mut shares = vec![1.0 / n_components as f64; n_components];
    for _ in 0..MAX_ROUNDS {
        let mut sums = vec![PRIOR_ROWS; n_components];
        for (row, weight) in likelihoods.chunks_exact(n_components).zip(weights) {
            let of_row: f64 = row.iter().zip(&shares).map(|(likelihood, share)| likelihood * share).sum();
            let parts = row.iter().zip(&shares).map(|(likelihood, share)| likelihood * share / of_row);
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += weight * unit * part);
        }
        let next: Vec<f64> = sums.iter().map(|sum| sum / total).collect();
        let change = next.iter().zip(&shares).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        shares = next;
        if change < LEAST_CHANGE {
            break;
        }
    }
    shares
}

/// A weighted mean of calibrated models.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend {
    members: Vec<(f32, Calibrated)>,
}

impl Blend {
    /// Takes models that were fitted on the same rows, each with its weight above 0; all together are 1.
    pub fn new(members: Vec<(f32, Calibrated)>) -> Self {
        Self { members }
    }

    /// Probabilities `[N, C]`, by the same float32 steps as in the exported graph.
    ///
    /// # Panics
    /// When the rows have another width than the training rows.
    pub fn probabilities(&self, features: &Matrix) -> Matrix {
        let shares = self.members.iter().map(|(weight, model)| model.probabilities(features).map(|p| p * weight));
        shares.reduce(|sum, share| sum.plus(&share)).expect("a blend has members")
    }

    /// The same as plain numbers, from which a graph is written.
    pub fn to_onnx(&self) -> Exported {
        let exported: Vec<Exported> = self.members.iter().map(|(_, model)| model.fitted.to_onnx()).collect();
        // The ranges of dates are those of the rows, which are the same for all.
        let calendar = exported.first().and_then(|exported| exported.calendar.clone());
        let members = self.members.iter().zip(exported).map(|((weight, model), exported)| Member {
            weight: *weight,
            classifier: exported.classifier,
            calibration: model.calibration.to_onnx(),
        });
        Exported { calendar, classifier: trainer_onnx::Classifier::Blend(trainer_onnx::Blend { members: members.collect() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What two models say of rows of two classes, each of them sure about one half of the rows and ignorant of the other.
    fn halves(n_rows: usize, seed: u64) -> (Vec<u32>, Matrix, Matrix) {
        let mut random = Random::new(seed);
        let classes: Vec<u32> = (0..n_rows).map(|_| random.below(2) as u32).collect();
        let says = |knows: &dyn Fn(usize) -> bool| {
            let second = |row: usize| if !knows(row) { 0.5 } else { 0.1 + 0.8 * classes[row] as f32 };
            let values = (0..n_rows).flat_map(|row| [1.0 - second(row), second(row)]).collect();
            Matrix::new(n_rows, 2, values).unwrap()
        };
        (classes.clone(), says(&|row| row % 2 == 0), says(&|row| row % 2 == 1))
    }

    #[test]
    fn models_that_know_different_rows_share_the_weight() {
        let (classes, even, odd) = halves(2000, 1);
        let choice = choose(&[&even, &odd], &classes, 7).unwrap();
        assert!(choice.weights.iter().all(|weight| (weight - 0.5).abs() < 0.02), "{:?}", choice.weights);
        let loss = |probabilities: &Matrix| crate::metrics::log_loss::log_loss(probabilities, (&classes).into());
        assert!(loss(&choice.probabilities) < loss(&even).min(loss(&odd)) - 0.02);
    }

    #[test]
    fn a_model_that_knows_nothing_is_left_out() {
        let (classes, even, odd) = halves(2000, 2);
        let ignorant = even.map(|_| 0.5);
        let choice = choose(&[&even, &ignorant, &odd], &classes, 7).unwrap();
        assert_eq!(choice.weights[1], 0.0);
        assert!((choice.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(choose(&[&even], &classes, 7).unwrap().weights, [1.0]);
    }

    #[test]
    fn the_weights_have_the_lowest_log_loss() {
        let (classes, even, odd) = halves(401, 3);
        let odd = odd.map(|p| 0.3 + 0.4 * p);
        let truth = Truth::from(&classes);
        let loss = |first: f64| {
            let weights = [first, 1.0 - first];
            let of = |row: usize| {
                let mut row_mean = [0.0; 2];
                mean(&[&even, &odd], &weights, row, &mut row_mean);
                f64::from(row_mean[classes[row] as usize]).ln()
            };
            // The rows given beforehand are known to one member alone.
            -(0..classes.len()).map(of).sum::<f64>() - PRIOR_ROWS * (first.ln() + (1.0 - first).ln())
        };
        let found = weights(&[&even, &odd], truth, &(0..classes.len()).collect::<Vec<_>>())[0];
        let lowest = (1..1000).map(|share| loss(f64::from(share) / 1000.0)).fold(f64::INFINITY, f64::min);
        assert!(loss(found) <= lowest + 1e-6, "{found}");
    }

    #[test]
    fn rows_of_weight_0_change_nothing_and_all_weights_doubled_neither() {
        let (mut classes, even, odd) = halves(300, 4);
        let of_weight = |weight: f32| (0..300).map(|row| if row < 50 { 0.0 } else { weight * (1 + row % 3) as f32 }).collect();
        let [single, double]: [Vec<f32>; 2] = [of_weight(1.0), of_weight(2.0)];
        let found = |classes: &[u32], weights: &[f32]| choose(&[&even, &odd], Truth::new(classes, Some(weights)), 7).unwrap();
        let first = found(&classes, &single);
        assert_eq!(found(&classes, &double).weights, first.weights);
        classes[..50].iter_mut().for_each(|class| *class = 1 - *class);
        assert_eq!(found(&classes, &single).weights, first.weights);
    }
}
