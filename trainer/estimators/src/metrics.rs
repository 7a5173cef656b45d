//! How good probabilities are, given the classes that came true.
//!
//! One measure per file. With several classes, the areas are means over "this class against the rest".

mod accuracy;
mod average_precision;
mod brier;
mod calibration_error;
mod curves;
mod f1;
mod intervals;
pub(crate) mod log_loss;
mod ranking;
mod recall_at_top;
mod roc_auc;
mod selection;

use serde::{Deserialize, Serialize};

use crate::matrix::{check_classes, check_length};
use crate::{Error, Matrix};

pub use curves::{confusion, curves};
pub use intervals::{estimates, mean, roc_auc as roc_auc_estimate};
pub use log_loss::{PairedDifference, paired_log_loss_difference, row_losses};
pub use selection::Selection;

/// All measures on some rows. What is undefined on them (an area when there is one class only) is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Rows measured.
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
    pub fn measure(probabilities: &Matrix, classes: &[u32], threshold: f32) -> Result<Self, Error> {
        check(probabilities, classes)?;
        let n_classes = probabilities.n_features();
        let counts = class_counts(classes, n_classes);
        let share = |count: usize| count as f64 / classes.len() as f64;
        Ok(Self {
            n_rows: classes.len(),
            roc_auc: over_classes(probabilities, classes, roc_auc::roc_auc),
            average_precision: over_classes(probabilities, classes, average_precision::average_precision),
            log_loss: log_loss::log_loss(probabilities, classes),
            brier: brier::brier(probabilities, classes),
            accuracy: accuracy::accuracy(probabilities, classes, threshold),
            majority_accuracy: share(counts.iter().copied().max().unwrap_or(0)),
            positive_share: (n_classes == 2).then(|| share(counts[1])),
        })
    }
}

pub(crate) fn check(probabilities: &Matrix, classes: &[u32]) -> Result<(), Error> {
    check_length("rows of probabilities", classes.len(), probabilities.n_rows())?;
    check_classes(classes, probabilities.n_features())?;
    if classes.is_empty() { Err(Error::NoRows) } else { Ok(()) }
}

/// The predicted class: with two, class 1 above the threshold; with more, the likeliest.
fn predicted(probabilities: &[f32], threshold: f32) -> usize {
    match *probabilities {
        [_, second] => usize::from(second > threshold),
        _ => (0..probabilities.len()).fold(0, |best, at| if probabilities[at] > probabilities[best] { at } else { best }),
    }
}

fn class_counts(classes: &[u32], n_classes: usize) -> Vec<usize> {
    let mut counts = vec![0; n_classes];
    classes.iter().for_each(|&class| counts[class as usize] += 1);
    counts
}

/// An area for class 1 of two, or the mean over classes of several; each class needs rows in and out of it.
fn over_classes(probabilities: &Matrix, classes: &[u32], area: impl Fn(&[(f32, bool)]) -> Option<f64>) -> Option<f64> {
    let n_classes = probabilities.n_features();
    let of_class = |class: usize| {
        let is_class = classes.iter().map(|&c| c as usize == class);
        area(&probabilities.column(class).zip(is_class).collect::<Vec<_>>())
    };
    if n_classes == 2 {
        return of_class(1);
    }
    let areas: Option<Vec<f64>> = (0..n_classes).map(of_class).collect();
    areas.map(|areas| areas.iter().sum::<f64>() / n_classes as f64)
}

#[cfg(test)]
mod tests;
