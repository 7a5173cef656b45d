//! Average precision.
//!
//! The sum of precision at each threshold times the recall it adds, without interpolation, as scikit-learn defines it.

use super::ranking::{Ranked, descending_ties, totals};

/// None when no row is positive or all are.
pub(super) fn average_precision(rows: &[Ranked]) -> Option<f64> {
    let ties = descending_ties(rows);
    let total = totals(&ties);
    if total.positives == 0.0 || total.negatives == 0.0 {
        return None;
    }
    let (mut positives, mut selected, mut area) = (0.0, 0.0, 0.0);
    for tie in &ties {
        positives += tie.positives;
        selected += tie.positives + tie.negatives;
        area += tie.positives / total.positives * positives / selected;
    }
    Some(area)
}
