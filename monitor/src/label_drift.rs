//! Label drift: how often the followed class came true in a window, against the training rows. Pure.
//!
//! It needs labels, so it comes late; it tells what predictions can only guess, that the world itself changed.

use data_contract::Rules;
use monitor_drift::{CategoricalCounts, Counts, Drift, Outcomes, Verdict, compare, shift, verdicts};
use serde::{Deserialize, Serialize};

use crate::measure::{followed_class, share};
use crate::versions::Version;

/// The share of the followed class among the labels, against the reference's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct LabelDrift {
    /// Share among the window's labels.
    pub(crate) share_true: f64,
    /// Share in the reference.
    pub(crate) reference_share: f64,
    /// The drift as Evidently has it, of two categories: the followed class and the rest.
    pub(crate) drift: Option<Drift>,
    /// The rule `tidemark` on it; a change must be as large as a column's to matter.
    pub(crate) verdict: Option<Verdict>,
}

/// Label drift of a window; none before a label has come.
pub(crate) fn label_drift(outcomes: &Outcomes, version: &Version, rules: &Rules) -> Option<LabelDrift> {
    let class = followed_class(&version.contract);
    let n_true = version.reference.classes.get(class).copied().unwrap_or(0);
    let n_rows = version.reference.classes.values().sum();
    if outcomes.n() == 0 || n_rows == 0 {
        return None;
    }
    let (reference, current) = (two(class, n_true, n_rows), two(class, outcomes.n_positive(), outcomes.n()));
    let judged = shift(&reference, &current).ok().map(|shift| (shift, rules.column_drift));
    Some(LabelDrift {
        share_true: share(outcomes.n_positive(), outcomes.n()),
        reference_share: share(n_true, n_rows),
        drift: compare(&reference, &current, None).ok(),
        verdict: judged.and_then(|judged| verdicts(&[judged], rules.false_alarms).pop()),
    })
}

fn two(class: &str, n_true: u64, n_rows: u64) -> Counts {
    CategoricalCounts::from_pairs([(class, n_true), ("", n_rows - n_true)]).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::version_of;

    #[track_caller]
    fn check(n_true: u64, n_rows: u64, drifted: bool) {
        let outcomes = Outcomes::from_counts([(0.2, true, n_true), (0.2, false, n_rows - n_true)]);
        let found = label_drift(&outcomes, &version_of(7), &Rules::default()).unwrap();
        assert_eq!((found.reference_share, found.verdict.unwrap().drifted), (0.25, drifted));
    }

    #[test]
    fn a_share_that_is_sure_to_have_moved_drifts() {
        check(250, 1000, false);
        check(350, 1000, true);
        check(4, 10, false);
    }

    #[test]
    fn without_labels_nothing_is_said() {
        assert_eq!(label_drift(&Outcomes::default(), &version_of(7), &Rules::default()), None);
    }
}
