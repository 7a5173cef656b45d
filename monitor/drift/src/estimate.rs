//! How good predictions are likely to be before any label has come.
//!
//! A calibrated probability says how often it is right, so the expected figures of a window follow from its probabilities alone: a row
//! with probability p is a positive in p of all cases. This is NannyML's confidence-based performance estimation (CBPE). It holds as long
//! as a probability still means what it meant when the model was calibrated. It sees that rows have become harder; it cannot see that
//! the same rows now come true more or less often (concept drift), and is wrong then.
//!
//! With Yᵢ = 1 at chance pᵢ, independent, and n₊ rows predicted positive:
//!
//! | figure | expected value | variance of the realised figure |
//! |---|---|---|
//! | accuracy | Σ (p where predicted positive, else 1 − p) / n | Σ p (1 − p) / n² |
//! | Brier | Σ p (1 − p) / n | Σ p (1 − p) (1 − 2p)² / n² |
//! | log loss | −Σ (p ln p + (1 − p) ln (1 − p)) / n | Σ p (1 − p) ln² (p / (1 − p)) / n² |
//! | F1 | 2 Σ₊ p / (n₊ + Σ p) | Σ p (1 − p) ((2 [predicted positive] − F1) / (n₊ + Σ p))² |
//! | ROC AUC | Σᵢⱼ pᵢ (1 − pⱼ) hᵢⱼ / Σᵢⱼ pᵢ (1 − pⱼ), i ≠ j | Σ p (1 − p) (∂AUC / ∂Yᵢ)² |
//!
//! h is 1 where pᵢ > pⱼ and a half where they are equal. Expectations of accuracy, Brier and log loss are exact, those of the two ratios
//! and their variances are of first order (delta method). An interval holds the figure that labels would give, in 95 of 100 windows, if
//! probabilities are calibrated; it knows nothing of an error in the calibration.
//!
//! Sources: NannyML, "Confidence-based performance estimation" (nannyml.readthedocs.io, "How it works: performance estimation");
//! J. Kivimäki et al., "Performance estimation in binary classification using calibrated confidence", 2025, arXiv:2505.05295; for the
//! variance of the AUC, W. Hoeffding, "A class of statistics with asymptotically normal distribution", Ann. Math. Stat. 19, 1948.

use serde::{Deserialize, Serialize};

use crate::NumericCounts;

/// Standard deviations on either side of an interval that holds 95 of 100 figures.
const WIDTH: f64 = 1.959_963_984_540_054;

/// An expected figure and the interval of the figure that labels would give.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Expected {
    /// The expected figure.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The expected figures of some rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Estimate {
    /// Area under the ROC curve; none with fewer than two rows, or where probabilities leave no doubt.
    pub roc_auc: Option<Expected>,
    /// Accuracy; none without a threshold.
    pub accuracy: Option<Expected>,
    /// F1 of the positive class; none without a threshold, or where no positive is predicted or expected.
    pub f1: Option<Expected>,
    /// Log loss.
    pub log_loss: Expected,
    /// Brier score.
    pub brier: Expected,
}

/// Rows of one probability.
#[derive(Clone, Copy)]
struct Rows {
    p: f64,
    n: f64,
    /// p (1 − p): the variance of one row's outcome.
    variance: f64,
}

/// Estimates from counts of the positive class's probabilities; positive is predicted above `threshold`, if that is how classes are
/// predicted. None without a probability; what is no number from 0 to 1 is left out.
#[must_use]
pub fn estimate(probabilities: &NumericCounts, threshold: Option<f64>) -> Option<Estimate> {
    let rows: Vec<Rows> = probabilities
        .pairs()
        .iter()
        .filter(|(p, _)| (0.0..=1.0).contains(p))
        .map(|&(p, n)| Rows { p, n: n as f64, variance: p * (1.0 - p) })
        .collect();
    (!rows.is_empty()).then(|| Estimate {
        roc_auc: roc_auc(&rows),
        accuracy: threshold.map(|threshold| mean(&rows, |p, positive| f64::from(u8::from((p > threshold) == positive)), 1.0)),
        f1: threshold.and_then(|threshold| f1(&rows, threshold)),
        log_loss: mean(&rows, log_loss_of, f64::INFINITY),
        brier: mean(&rows, |p, positive| (p - f64::from(u8::from(positive))).powi(2), 1.0),
    })
}

impl Expected {
    /// With the variance of the realised figure; no figure is below 0 or above `most`.
    fn new(value: f64, variance: f64, most: f64) -> Self {
        let reach = WIDTH * variance.sqrt();
        Expected { value, low: (value - reach).max(0.0), high: (value + reach).min(most) }
    }

    /// Whether a figure lies in the interval.
    #[must_use]
    pub fn holds(&self, figure: f64) -> bool {
        (self.low..=self.high).contains(&figure)
    }
}

pub(crate) fn log_loss_of(p: f64, positive: bool) -> f64 {
    let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    if positive { -p.ln() } else { -(1.0 - p).ln() }
}

/// A figure that is the mean of what each row adds, by its probability and its outcome.
fn mean(rows: &[Rows], of: impl Fn(f64, bool) -> f64, most: f64) -> Expected {
    let n: f64 = rows.iter().map(|row| row.n).sum();
    let expected: f64 = rows.iter().map(|row| row.n * (row.p * of(row.p, true) + (1.0 - row.p) * of(row.p, false))).sum();
    let variance: f64 = rows.iter().map(|row| row.n * row.variance * (of(row.p, true) - of(row.p, false)).powi(2)).sum();
    Expected::new(expected / n, variance / (n * n), most)
}

fn f1(rows: &[Rows], threshold: f64) -> Option<Expected> {
    let predicted = |row: &&Rows| row.p > threshold;
    let n_predicted: f64 = rows.iter().filter(predicted).map(|row| row.n).sum();
    let hits: f64 = rows.iter().filter(predicted).map(|row| row.n * row.p).sum();
    let whole = n_predicted + rows.iter().map(|row| row.n * row.p).sum::<f64>();
    if whole == 0.0 {
        return None;
    }
    let f1 = 2.0 * hits / whole;
    let slope = |row: &Rows| ((if row.p > threshold { 2.0 } else { 0.0 }) - f1) / whole;
    let variance = rows.iter().map(|row| row.n * row.variance * slope(row).powi(2)).sum();
    Some(Expected::new(f1, variance, 1.0))
}

fn roc_auc(rows: &[Rows]) -> Option<Expected> {
    let positives: f64 = rows.iter().map(|row| row.n * row.p).sum();
    let negatives: f64 = rows.iter().map(|row| row.n * (1.0 - row.p)).sum();
    // No row is a pair with itself.
    let pairs = positives * negatives - rows.iter().map(|row| row.n * row.variance).sum::<f64>();
    if pairs <= 0.0 {
        return None;
    }
    let mut below = Vec::with_capacity(rows.len());
    let (mut won, mut positives_below, mut negatives_below) = (0.0, 0.0, 0.0);
    for row in rows {
        let (own_positives, own_negatives) = (row.n * row.p, row.n * (1.0 - row.p));
        won += own_positives * negatives_below + (own_positives * own_negatives - row.n * row.variance) / 2.0;
        below.push((positives_below + own_positives / 2.0, negatives_below + own_negatives / 2.0));
        (positives_below, negatives_below) = (positives_below + own_positives, negatives_below + own_negatives);
    }
    let auc = won / pairs;
    // A row that turns positive wins against the negatives below and no longer loses to the positives above.
    let slope = |&(positives_below, negatives_below): &(f64, f64)| {
        (negatives_below - (positives - positives_below) - auc * (negatives - positives)) / pairs
    };
    let variance = rows.iter().zip(&below).map(|(row, below)| row.n * row.variance * slope(below).powi(2)).sum();
    Some(Expected::new(auc, variance, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcomes;

    const THRESHOLD: f64 = 0.4;
    const PROBABILITIES: [f64; 5] = [0.1, 0.3, 0.5, 0.5, 0.9];

    /// Every outcome that five rows can have, with its chance.
    fn all() -> impl Iterator<Item = (Outcomes, f64)> {
        (0u32..32).map(|bits| {
            let rows: Vec<(f64, bool)> = PROBABILITIES.iter().enumerate().map(|(row, &p)| (p, bits >> row & 1 == 1)).collect();
            let chance = rows.iter().map(|&(p, positive)| if positive { p } else { 1.0 - p }).product();
            (Outcomes::from_rows(rows), chance)
        })
    }

    /// Expected value and variance of a figure over every outcome.
    fn enumerate(figure: impl Fn(&Outcomes) -> f64) -> (f64, f64) {
        let mean: f64 = all().map(|(outcomes, chance)| chance * figure(&outcomes)).sum();
        (mean, all().map(|(outcomes, chance)| chance * (figure(&outcomes) - mean).powi(2)).sum())
    }

    #[track_caller]
    fn check(found: Expected, figure: impl Fn(&Outcomes) -> f64, most: f64) {
        let (mean, variance) = enumerate(figure);
        let expect = Expected::new(mean, variance, most);
        for (found, expect) in [(found.value, expect.value), (found.low, expect.low), (found.high, expect.high)] {
            assert!((found - expect).abs() < 1e-12, "{found} is not {expect}");
        }
    }

    fn of_five() -> Estimate {
        estimate(&NumericCounts::from_values(PROBABILITIES), Some(THRESHOLD)).unwrap()
    }

    #[test]
    fn means_over_rows_are_exact() {
        check(of_five().accuracy.unwrap(), |outcomes| outcomes.accuracy(THRESHOLD).unwrap(), 1.0);
        check(of_five().brier, |outcomes| outcomes.brier().unwrap(), 1.0);
        check(of_five().log_loss, |outcomes| outcomes.log_loss().unwrap(), f64::INFINITY);
    }

    #[test]
    fn ratios_are_those_of_expected_numbers() {
        let positives = |outcomes: &Outcomes| outcomes.n_positive() as f64;
        let pairs = |outcomes: &Outcomes| positives(outcomes) * (5.0 - positives(outcomes));
        let won = |outcomes: &Outcomes| outcomes.roc_auc().map_or(0.0, |auc| auc * pairs(outcomes));
        let auc = enumerate(won).0 / enumerate(pairs).0;
        assert!((of_five().roc_auc.unwrap().value - auc).abs() < 1e-12);
        let whole = |outcomes: &Outcomes| 3.0 + positives(outcomes);
        let f1 = enumerate(|outcomes| outcomes.f1(THRESHOLD).unwrap() * whole(outcomes)).0 / enumerate(whole).0;
        assert!((of_five().f1.unwrap().value - f1).abs() < 1e-12);
    }

    #[test]
    fn what_is_sure_has_no_width_and_what_is_nothing_has_no_figure() {
        let sure = estimate(&NumericCounts::from_values([0.0, 0.0, 1.0]), Some(0.5)).unwrap();
        assert_eq!(sure.accuracy, Some(Expected { value: 1.0, low: 1.0, high: 1.0 }));
        assert_eq!(sure.roc_auc.unwrap().value, 1.0);
        let one = estimate(&NumericCounts::from_values([0.3]), None).unwrap();
        assert_eq!((one.roc_auc, one.accuracy, one.f1), (None, None, None));
        assert_eq!(estimate(&NumericCounts::from_values([f64::NAN, 2.0]), None), None);
    }
}
