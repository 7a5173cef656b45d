//! Brier's measure: the mean squared error of probabilities.
//!
//! Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950. For two classes it is customary
//! to count class 1 only, which halves the original.

use super::Truth;
use crate::Matrix;

/// Of class 1 for two classes, summed over classes for more.
pub(super) fn brier(probabilities: &Matrix, truth: Truth) -> f64 {
    let sum: f64 = of_rows(probabilities, truth.classes).zip(truth.weights()).map(|(error, weight)| error * weight).sum();
    sum / truth.total()
}

/// The squared error of each row.
pub(super) fn of_rows<'a>(probabilities: &'a Matrix, classes: &'a [u32]) -> impl Iterator<Item = f64> + 'a {
    let first = if probabilities.n_features() == 2 { 1 } else { 0 };
    probabilities.rows().zip(classes).map(move |(p, &class)| {
        let errors = p.iter().enumerate().skip(first).map(|(other, &p)| {
            let truth = if other == class as usize { 1.0 } else { 0.0 };
            (f64::from(p) - truth).powi(2)
        });
        errors.sum::<f64>()
    })
}
