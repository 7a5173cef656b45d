//! The F1 score: harmonic mean of precision and recall (van Rijsbergen, "Information retrieval", 1979).

use super::predicted;
use crate::Matrix;

/// Of class 1 at the threshold for two classes, the mean over all classes for more; none where a class neither occurs nor is predicted.
pub(super) fn f1(probabilities: &Matrix, classes: &[u32], threshold: f32) -> Option<f64> {
    let n_classes = probabilities.n_features();
    let mut counts = vec![(0_usize, 0_usize); n_classes];
    for (row, &class) in probabilities.rows().zip(classes) {
        let label = predicted(row, threshold);
        counts[label].1 += 1;
        counts[class as usize].1 += 1;
        counts[class as usize].0 += usize::from(label == class as usize);
    }
    let of_class = |(right, sum): &(usize, usize)| (*sum > 0).then(|| 2.0 * *right as f64 / *sum as f64);
    if n_classes == 2 {
        return of_class(&counts[1]);
    }
    let present: Vec<f64> = counts.iter().filter_map(of_class).collect();
    (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
}
