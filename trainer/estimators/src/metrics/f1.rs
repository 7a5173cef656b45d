//! The F1 score: harmonic mean of precision and recall (van Rijsbergen, "Information retrieval", 1979).

use super::{Truth, predicted};
use crate::Matrix;

/// Of class 1 at the threshold for two classes, the mean over all classes for more; none where a class neither occurs nor is predicted.
pub(super) fn f1(probabilities: &Matrix, truth: Truth, threshold: f32) -> Option<f64> {
    let n_classes = probabilities.n_features();
    let mut counts = vec![(0.0, 0.0); n_classes];
    for ((row, &class), weight) in probabilities.rows().zip(truth.classes).zip(truth.weights()) {
        let label = predicted(row, threshold);
        counts[label].1 += weight;
        counts[class as usize].1 += weight;
        counts[class as usize].0 += if label == class as usize { weight } else { 0.0 };
    }
    let of_class = |(right, sum): &(f64, f64)| (*sum > 0.0).then(|| 2.0 * right / sum);
    if n_classes == 2 {
        return of_class(&counts[1]);
    }
    let present: Vec<f64> = counts.iter().filter_map(of_class).collect();
    (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
}
