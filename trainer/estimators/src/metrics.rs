//! How good probabilities are, given the classes that came true.
//!
//! One measure per file, each of rows that count as much as their weights say. With several classes, the areas are means over "this class against the rest".

mod accuracy;
mod average_precision;
mod brier;
mod calibration_error;
mod curves;
mod f1;
mod intervals;
pub(crate) mod log_loss;
pub(crate) mod ranking;
mod recall_at_top;
mod roc_auc;
mod selection;
mod truth;

use serde::{Deserialize, Serialize};

use crate::matrix::{check_classes, check_length, check_weights};
use crate::{Error, Matrix};
use ranking::{Ranked, against_rest};

pub use curves::{confusion, curves};
pub use intervals::{estimates, mean, roc_auc as roc_auc_estimate};
pub use log_loss::{PairedDifference, paired_log_loss_difference, row_losses};
pub use selection::Selection;
pub use truth::Truth;

/// All measures on some rows. What is undefined on them (an area when there is one class only) is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Rows measured, those of weight 0 left out.
    pub n_rows: usize,
    /// Area under the ROC curve, 0.5 for guessing.
    pub roc_auc: Option<f64>,
    /// Area under the precision-recall steps; the positive share for guessing.
    pub average_precision: Option<f64>,
    /// Mean negative log of the probability given to the true class.
    pub log_loss: f64,
    /// Mean squared error of the probabilities: of class 1 for two classes, summed over classes for more.
    pub brier: f64,
    /// Share of rows whose predicted class is true.
    pub accuracy: f64,
    /// Accuracy of always predicting the most frequent class of these rows.
    pub majority_accuracy: f64,
    /// Share of class 1; none with more than two classes.
    pub positive_share: Option<f64>,
}

impl Metrics {
    /// Measures probabilities `[N, C]` against the classes of the same rows.
    ///
    /// With two classes the prediction is class 1 when its probability is above `threshold`; with more it is the most probable class.
    pub fn measure<'a>(probabilities: &Matrix, truth: impl Into<Truth<'a>>, threshold: f32) -> Result<Self, Error> {
        let truth = truth.into();
        check(probabilities, truth)?;
        let counted = truth.counted(probabilities);
        let (probabilities, truth) = (&*counted.probabilities, counted.truth());
        let n_classes = probabilities.n_features();
        let of_classes = truth.of_classes(n_classes);
        let share = |weight: f64| weight / truth.total();
        Ok(Self {
            n_rows: truth.classes.len(),
            roc_auc: over_classes(probabilities, truth, roc_auc::roc_auc),
            average_precision: over_classes(probabilities, truth, average_precision::average_precision),
            log_loss: log_loss::log_loss(probabilities, truth),
            brier: brier::brier(probabilities, truth),
            accuracy: accuracy::accuracy(probabilities, truth, threshold),
            majority_accuracy: share(of_classes.iter().copied().fold(0.0, f64::max)),
            positive_share: (n_classes == 2).then(|| share(of_classes[1])),
        })
    }
}

/// Rows that count for nothing may be there, as long as others are.
pub(crate) fn check(probabilities: &Matrix, truth: Truth) -> Result<(), Error> {
    check_length("rows of probabilities", truth.classes.len(), probabilities.n_rows())?;
    check_classes(truth.classes, probabilities.n_features())?;
    if let Some(weights) = truth.weights {
        check_length("weights", truth.classes.len(), weights.len())?;
        check_weights(weights)?;
    }
    if truth.total() > 0.0 { Ok(()) } else { Err(Error::NoRows) }
}

/// The predicted class: with two, class 1 above the threshold; with more, the likeliest.
fn predicted(probabilities: &[f32], threshold: f32) -> usize {
    match *probabilities {
        [_, second] => usize::from(second > threshold),
        _ => (0..probabilities.len()).fold(0, |best, at| if probabilities[at] > probabilities[best] { at } else { best }),
    }
}

/// An area for class 1 of two, or the mean over classes of several; each class needs rows in and out of it.
fn over_classes(probabilities: &Matrix, truth: Truth, area: impl Fn(&[Ranked]) -> Option<f64>) -> Option<f64> {
    let n_classes = probabilities.n_features();
    let of_class = |class: usize| area(&against_rest(probabilities, truth, class));
    if n_classes == 2 {
        return of_class(1);
    }
    let areas: Option<Vec<f64>> = (0..n_classes).map(of_class).collect();
    areas.map(|areas| areas.iter().sum::<f64>() / n_classes as f64)
}

#[cfg(test)]
mod tests;
