//! What a model looks at: permutation importance and partial dependence, of anything that predicts.
//!
//! Breiman, "Random forests", 2001, and Fisher, Rudin and Dominici, "All models are wrong, but many are useful", 2019, for the one; Friedman,
//! "Greedy function approximation", 2001, for the other.

use crate::metrics::{Truth, log_loss, mean};
use crate::random::Random;
use crate::{Error, Matrix};

/// Anything that turns feature rows into probabilities `[N, C]`.
pub type Predict<'a> = &'a dyn Fn(&Matrix) -> Matrix;

/// What shuffling a column costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worth {
    /// How much the mean log loss grows; mean over repeats.
    pub mean: f64,
    /// Standard deviation over repeats.
    pub deviation: f64,
}

/// For each column, how much the log loss grows when its values are shuffled among the rows.
pub fn permutation_importance<'a>(
    predict: Predict,
    features: &Matrix,
    truth: impl Into<Truth<'a>>,
    repeats: usize,
    seed: u64,
) -> Result<Vec<Worth>, Error> {
    let truth = truth.into();
    let loss = |features: &Matrix| log_loss::log_loss(&predict(features), truth);
    let base = loss(features);
    let of_column = |column: usize| {
        let grown = |repeat: usize| {
            let mut random = Random::of_part(seed, column * repeats + repeat);
            let mut values: Vec<f32> = features.column(column).collect();
            for last in (1..values.len()).rev() {
                values.swap(last, random.below(last + 1));
            }
            Ok(loss(&with_column(features, column, values)?) - base)
        };
        let grown: Vec<f64> = (0..repeats).map(grown).collect::<Result<_, Error>>()?;
        let mean = grown.iter().sum::<f64>() / repeats as f64;
        let squares: f64 = grown.iter().map(|value| (value - mean).powi(2)).sum();
        Ok(Worth { mean, deviation: (squares / (repeats.max(2) - 1) as f64).sqrt() })
    };
    (0..features.n_features()).map(of_column).collect()
}

/// The mean probabilities when every row has this value of the column, for each of some values. Rows count by their weights, where they have
/// some.
pub fn partial_dependence(
    predict: Predict,
    features: &Matrix,
    weights: Option<&[f32]>,
    column: usize,
    values: &[f32],
) -> Result<Vec<Vec<f64>>, Error> {
    let of_value = |&value: &f32| {
        let probabilities = predict(&with_column(features, column, vec![value; features.n_rows()])?);
        let of_class = |class: usize| probabilities.column(class).map(f64::from).collect::<Vec<_>>();
        Ok((0..probabilities.n_features()).map(|class| mean(&of_class(class), weights).value).collect())
    };
    values.iter().map(of_value).collect()
}

fn with_column(features: &Matrix, column: usize, values: Vec<f32>) -> Result<Matrix, Error> {
    let mut all = features.values().to_vec();
    all.iter_mut().skip(column).step_by(features.n_features()).zip(values).for_each(|(place, value)| *place = value);
    Matrix::new(features.n_rows(), features.n_features(), all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second column alone decides.
    fn predict(features: &Matrix) -> Matrix {
        let values = features.column(1).flat_map(|value| [1.0 - value, value]).collect();
        Matrix::new(features.n_rows(), 2, values).unwrap()
    }

    #[test]
    fn a_column_that_is_not_used_has_no_worth_and_no_influence() {
        let mut random = Random::new(1);
        let values: Vec<f32> = (0..400).map(|_| 0.1 + 0.8 * random.unit() as f32).collect();
        let features = Matrix::new(200, 2, values).unwrap();
        let classes: Vec<u32> = features.column(1).map(|value| u32::from(value > 0.5)).collect();
        let worth = permutation_importance(&predict, &features, &classes, 3, 7).unwrap();
        assert_eq!(worth[0], Worth { mean: 0.0, deviation: 0.0 });
        assert!(worth[1].mean > 0.2, "{worth:?}");
        let means = partial_dependence(&predict, &features, None, 1, &[0.25, 0.75]).unwrap();
        assert_eq!(means, [[0.75, 0.25], [0.25, 0.75]]);
        let flat = partial_dependence(&predict, &features, None, 0, &[0.25, 0.75]).unwrap();
        assert_eq!(flat[0], flat[1]);
    }

    #[test]
    fn a_row_of_weight_3_counts_as_three() {
        let features = Matrix::new(2, 2, vec![0.0, 0.2, 0.0, 0.6]).unwrap();
        let means = partial_dependence(&predict, &features, Some(&[3.0, 1.0]), 0, &[0.5]).unwrap();
        assert!((means[0][1] - 0.3).abs() < 1e-6, "{means:?}");
    }
}
