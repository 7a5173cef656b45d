use super::*;

/// Rows of two classes, given the probability of class 1.
fn binary(p: &[f32]) -> Matrix {
    Matrix::new(p.len(), 2, p.iter().flat_map(|p| [1.0 - p, *p]).collect()).unwrap()
}

const P: [f32; 8] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.9, 0.4, 0.05];
const CLASSES: [u32; 8] = [0, 0, 1, 1, 1, 1, 0, 0];

#[track_caller]
fn close(value: impl Into<Option<f64>>, expect: impl Into<Option<f64>>) {
    match (value.into(), expect.into()) {
        (Some(value), Some(expect)) => {
            assert!((value - expect).abs() < 1e-9, "{value}, not {expect}")
        }
        (value, expect) => assert_eq!(value, expect),
    }
}

/// The expected numbers are scikit-learn 1.7's.
#[test]
fn two_classes_are_measured_as_in_scikit_learn() {
    let metrics = Metrics::measure(&binary(&P), &CLASSES, 0.375).unwrap();
    close(metrics.roc_auc, 0.8125);
    close(metrics.average_precision, 0.8166666666666667);
    close(metrics.log_loss, 0.43411524427589987);
    close(metrics.brier, 0.14562500131316491);
    close(metrics.accuracy, 0.625);
    close(metrics.majority_accuracy, 0.5);
    close(metrics.positive_share, 0.5);
    assert_eq!(metrics.n_rows, 8);
}

/// The expected numbers are scikit-learn 1.7's, macro and one against the rest.
#[test]
fn several_classes_are_measured_as_in_scikit_learn() {
    let values = vec![0.5, 0.25, 0.25, 0.25, 0.5, 0.25, 0.25, 0.25, 0.5, 0.125, 0.125, 0.75, 0.5, 0.25, 0.25, 0.125, 0.625, 0.25];
    let metrics = Metrics::measure(&Matrix::new(6, 3, values).unwrap(), &[0, 1, 2, 1, 2, 1], 0.5).unwrap();
    close(metrics.roc_auc, 0.7097222222222221);
    close(metrics.average_precision, 0.5833333333333334);
    close(metrics.log_loss, 1.0025301789542163);
    close(metrics.brier, 0.59375);
    close(metrics.accuracy, 0.6666666666666666);
    close(metrics.majority_accuracy, 0.5);
    close(metrics.positive_share, None);
}

#[test]
fn the_area_counts_a_tie_half() {
    let area = |p: &[f32], classes: &[u32]| Metrics::measure(&binary(p), classes, 0.5).unwrap().roc_auc;
    close(area(&[0.5, 0.5, 0.5], &[0, 1, 0]), 0.5);
    close(area(&[0.1, 0.2, 0.3], &[0, 0, 1]), 1.0);
    close(area(&[0.1, 0.2, 0.3], &[1, 0, 0]), 0.0);
    close(area(&[0.1, 0.3, 0.3], &[0, 0, 1]), 0.75);
}

#[test]
fn areas_are_undefined_when_there_is_one_class() {
    let metrics = Metrics::measure(&binary(&[0.1, 0.2]), &[1, 1], 0.5).unwrap();
    close(metrics.roc_auc, None);
    close(metrics.average_precision, None);
    close(metrics.majority_accuracy, 1.0);
    close(metrics.positive_share, 1.0);
}

#[test]
fn a_wrong_certainty_costs_much_but_not_everything() {
    let metrics = Metrics::measure(&binary(&[1.0]), &[0], 0.5).unwrap();
    close(metrics.log_loss, -(1e-15_f64.ln()));
}

#[test]
fn the_threshold_itself_is_not_above_the_threshold() {
    let accuracy = |threshold| Metrics::measure(&binary(&[0.5]), &[1], threshold).unwrap().accuracy;
    close(accuracy(0.5), 0.0);
    close(accuracy(0.49), 1.0);
}

#[test]
fn a_paired_difference_has_the_error_of_its_mean() {
    let difference = paired_log_loss_difference(&binary(&P), &binary(&[0.5; 8]), &CLASSES).unwrap();
    close(difference.mean, -0.2590319362840454);
    close(difference.standard_error, 0.13565832393857666);
    let same = paired_log_loss_difference(&binary(&P), &binary(&P), &CLASSES).unwrap();
    assert_eq!((same.mean, same.standard_error), (0.0, Some(0.0)));
    let one = paired_log_loss_difference(&binary(&[0.5]), &binary(&[0.25]), &[1]).unwrap();
    close(one.mean, -(2.0_f64.ln()));
    close(one.standard_error, None);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let message = |p: &[f32], classes: &[u32]| Metrics::measure(&binary(p), classes, 0.5).unwrap_err().to_string();
    assert_eq!(message(&[], &[]), "there are no rows");
    assert_eq!(message(&[0.5], &[0, 1]), "expected 2 rows of probabilities, found 1");
    assert_eq!(message(&[0.5], &[2]), "class 2 (row 0) is not below 2");
}
