//! What a window's probabilities promise, and whether the labels that came kept it. Pure.

use monitor_drift::{Calibration, Counts, Estimate, Expected, Outcomes, calibration, estimate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tally::Tally;
use crate::versions::Version;

/// Below this p-value, probabilities no longer mean what they say.
pub(crate) const DOUBT: f64 = 0.01;

/// What was promised and what came true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Promise {
    /// Mean probability and share of the followed class, and how likely such a difference is.
    #[serde(flatten)]
    pub(crate) calibration: Calibration,
    /// Whether the probabilities still mean what they say.
    pub(crate) holds: bool,
    /// Figures that lie outside the interval that the same rows' probabilities promise.
    pub(crate) outside: Vec<String>,
}

/// The figures that a window's probabilities promise; none without rows.
pub(crate) fn promised(traffic: &Tally, version: &Version) -> Option<Estimate> {
    let Counts::Numeric(probabilities) = &traffic.prediction else { return None };
    estimate(probabilities, threshold(version))
}

/// Whether the promise was kept, on the rows whose label is known; none before a label has come.
pub(crate) fn kept(traffic: &Tally, version: &Version) -> Option<Promise> {
    let outcomes = &traffic.outcomes;
    let calibration = calibration(outcomes)?;
    let threshold = threshold(version);
    let estimate = estimate(&outcomes.probabilities(), threshold)?;
    let outside = outside(&estimate, outcomes, threshold);
    Some(Promise { calibration, holds: calibration.p_value >= DOUBT, outside })
}

/// The probability above which the positive class is predicted. Of more classes than two, the followed one's probability does not
/// tell which is predicted.
pub(crate) fn threshold(version: &Version) -> Option<f64> {
    version.manifest.threshold.filter(|_| version.contract.target.classes.len() == 2)
}

fn outside(estimate: &Estimate, outcomes: &Outcomes, threshold: Option<f64>) -> Vec<String> {
    let figures: [(&str, Option<Expected>, Option<f64>); 5] = [
        ("roc_auc", estimate.roc_auc, outcomes.roc_auc()),
        ("log_loss", Some(estimate.log_loss), outcomes.log_loss()),
        ("brier", Some(estimate.brier), outcomes.brier()),
        ("accuracy", estimate.accuracy, threshold.and_then(|threshold| outcomes.accuracy(threshold))),
        ("f1", estimate.f1, threshold.and_then(|threshold| outcomes.f1(threshold))),
    ];
    let off = |(name, expected, found): (&str, Option<Expected>, Option<f64>)| {
        let off = expected.zip(found).is_some_and(|(expected, found)| !expected.holds(found));
        off.then(|| name.to_owned())
    };
    figures.into_iter().filter_map(off).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::{tally, version_of};
    use monitor_drift::NumericCounts;

    /// 1000 rows of probability 0.2, of which so many came true.
    #[track_caller]
    fn check(n_true: u64, holds: bool, outside: &[&str]) {
        let mut tally = tally([(41.0, 1000)], [("basic", 1000)]);
        tally.prediction = NumericCounts::from_pairs([(0.2, 1000)]).into();
        tally.outcomes = Outcomes::from_counts([(0.2, true, n_true), (0.2, false, 1000 - n_true)]);
        let version = version_of(7);
        let kept = kept(&tally, &version).unwrap();
        assert_eq!((kept.holds, kept.outside), (holds, outside.iter().map(|name| (*name).to_owned()).collect()));
        assert!((promised(&tally, &version).unwrap().accuracy.unwrap().value - 0.8).abs() < 1e-12);
    }

    #[test]
    fn a_promise_is_kept_or_not() {
        check(205, true, &[]);
        check(350, false, &["log_loss", "brier", "accuracy"]);
    }

    #[test]
    fn of_three_classes_the_predicted_one_is_not_known() {
        let mut version = version_of(7);
        version.contract.target.classes.push("perhaps".into());
        assert_eq!(promised(&tally([(41.0, 10)], [("basic", 10)]), &version).unwrap().accuracy, None);
    }
}
