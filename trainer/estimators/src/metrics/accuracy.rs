//! The share of rows whose predicted class is true.

use super::{Truth, predicted};
use crate::Matrix;

/// Class 1 of two when its probability is above the threshold; the most probable of several, the first of equals.
pub(super) fn accuracy(probabilities: &Matrix, truth: Truth, threshold: f32) -> f64 {
    let rows = probabilities.rows().zip(truth.classes).zip(truth.weights());
    let right = rows.filter(|((p, class), _)| predicted(p, threshold) == **class as usize);
    right.map(|(_, weight)| weight).sum::<f64>() / truth.total()
}
