//! Area under the ROC curve.
//!
//! The probability that a positive row is ranked above a negative one, a tie counting half: Hanley and McNeil, "The meaning and use of
//! the area under a receiver operating characteristic (ROC) curve", Radiology 143, 1982.

use super::ranking::{Ranked, descending_ties, totals};

/// None when all rows are positive or all are negative.
pub(super) fn roc_auc(rows: &[Ranked]) -> Option<f64> {
    let ties = descending_ties(rows);
    let total = totals(&ties);
    if total.positives == 0.0 || total.negatives == 0.0 {
        return None;
    }
    let (mut above, mut won) = (0.0, 0.0);
    for tie in &ties {
        won += tie.negatives * (above + tie.positives / 2.0);
        above += tie.positives;
    }
    Some(won / (total.positives * total.negatives))
}
