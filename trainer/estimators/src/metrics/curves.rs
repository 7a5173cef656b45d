//! ROC, precision-recall and reliability curves, and the confusion matrix.

use data_contract::ClassCurves;

use super::calibration_error::reliability;
use super::ranking::{Ties, against_rest, descending_ties, totals};
use super::{Truth, check, predicted};
use crate::{Error, Matrix};

/// Points of a curve at most.
const MAX_POINTS: usize = 200;

/// Curves of class 1 for two classes, of each class against the rest for more; a class that all rows or none belong to has none.
pub fn curves<'a>(probabilities: &Matrix, truth: impl Into<Truth<'a>>) -> Result<Vec<ClassCurves>, Error> {
    let truth = truth.into();
    check(probabilities, truth)?;
    let counted = truth.counted(probabilities);
    let n_classes = probabilities.n_features() as u32;
    let drawn = if n_classes == 2 { 1..2 } else { 0..n_classes };
    let of_class = |class: u32| {
        let rows = against_rest(&counted.probabilities, counted.truth(), class as usize);
        let ties = descending_ties(&rows);
        let total = totals(&ties);
        let defined = total.positives > 0.0 && total.negatives > 0.0;
        defined.then(|| ClassCurves {
            class,
            roc: roc(&ties, &total),
            precision_recall: precision_recall(&ties, &total),
            reliability: reliability(&rows),
        })
    };
    Ok(drawn.filter_map(of_class).collect())
}

/// Rows, or the sums of their weights, by true class (outer) and predicted class (inner).
pub fn confusion<'a>(probabilities: &Matrix, truth: impl Into<Truth<'a>>, threshold: f32) -> Result<Vec<Vec<f64>>, Error> {
    let truth = truth.into();
    check(probabilities, truth)?;
    let n_classes = probabilities.n_features();
    let mut sums = vec![vec![0.0; n_classes]; n_classes];
    for (row, weight) in truth.weights().enumerate() {
        sums[truth.classes[row] as usize][predicted(probabilities.row(row), threshold)] += weight;
    }
    Ok(sums)
}

fn roc(ties: &[Ties], total: &Ties) -> Vec<[f64; 2]> {
    let mut points = vec![[0.0, 0.0]];
    points.extend(sums(ties).map(|sum| [sum.negatives / total.negatives, sum.positives / total.positives]));
    thin(points)
}

fn precision_recall(ties: &[Ties], total: &Ties) -> Vec<[f64; 2]> {
    thin(sums(ties).map(|sum| [sum.positives / total.positives, sum.positives / (sum.positives + sum.negatives)]).collect())
}

fn sums(ties: &[Ties]) -> impl Iterator<Item = Ties> + '_ {
    ties.iter().scan(Ties { positives: 0.0, negatives: 0.0 }, |sum, tie| {
        sum.positives += tie.positives;
        sum.negatives += tie.negatives;
        Some(*sum)
    })
}

/// Evenly spaced points with both ends, rounded to what a picture shows.
fn thin(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let n_points = points.len().min(MAX_POINTS);
    let place = |at: usize| if n_points > 1 { at * (points.len() - 1) / (n_points - 1) } else { 0 };
    let round = |value: f64| (value * 1e4).round() / 1e4;
    let mut thinned: Vec<[f64; 2]> = (0..n_points).map(|at| points[place(at)].map(round)).collect();
    thinned.dedup();
    thinned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_run_from_end_to_end() {
        let n_rows = 1000;
        let values = (0..n_rows).flat_map(|row| [1.0 - row as f32 / 1000.0, row as f32 / 1000.0]).collect();
        let probabilities = Matrix::new(n_rows, 2, values).unwrap();
        let classes: Vec<u32> = (0..n_rows).map(|row| u32::from(row % 7 == 0 || row > 800)).collect();
        let curves = curves(&probabilities, &classes).unwrap();
        assert_eq!((curves.len(), curves[0].class), (1, 1));
        assert_eq!((curves[0].roc[0], *curves[0].roc.last().unwrap()), ([0.0, 0.0], [1.0, 1.0]));
        assert!(curves[0].roc.len() <= 200 && curves[0].roc.is_sorted_by(|a, b| a[0] <= b[0] && a[1] <= b[1]));
        assert_eq!(curves[0].precision_recall.last().unwrap()[0], 1.0);
        assert_eq!(confusion(&probabilities, &classes, 0.5).unwrap().iter().flatten().sum::<f64>(), 1000.0);
    }

    #[test]
    fn a_row_in_the_confusion_counts_as_much_as_it_weighs() {
        let probabilities = Matrix::new(3, 2, vec![0.9, 0.1, 0.2, 0.8, 0.3, 0.7]).unwrap();
        let truth = Truth::new(&[0, 0, 1], Some(&[0.5, 2.0, 0.0]));
        assert_eq!(confusion(&probabilities, truth, 0.5).unwrap(), [[0.5, 2.0], [0.0, 0.0]]);
    }
}
