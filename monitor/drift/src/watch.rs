//! The verdict of the rule `tidemark` on the columns of one window: changed for sure, and by enough to matter.
//!
//! With many rows a meaningless change is significant, and with few rows a large one may be chance, so both are demanded. A column
//! whose effect is below its limit enters with a p-value of 1; what remains is judged by Benjamini and Hochberg over all columns.
//! When nothing changed at all, the chance that a window has any verdict is then at most the level, and over many windows the level
//! is at most the share of wrong verdicts on average. The level of a window follows from what earlier ones found (`discoveries.rs`).
//!
//! Source: see `false_discovery.rs` and `shift.rs`.

use serde::{Deserialize, Serialize};

use crate::{Shift, benjamini_hochberg};

/// How far one column is from the reference, by the rule `tidemark`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verdict {
    /// The p-value of "nothing changed".
    pub p_value: f64,
    /// The p-value from which on down a change is taken for sure, given all columns of the window.
    pub sure_from: f64,
    /// How much changed.
    pub effect: f64,
    /// The effect from which on a change matters.
    pub matters_from: f64,
    /// Whether it is sure and matters.
    pub drifted: bool,
}

/// Judges the columns of one window, each with the effect from which on it matters, at `level`.
#[must_use]
pub fn verdicts(columns: &[(Shift, f64)], level: f64) -> Vec<Verdict> {
    let of_weight = |&(shift, matters_from): &(Shift, f64)| if shift.effect >= matters_from { shift.p_value } else { 1.0 };
    let p_values: Vec<f64> = columns.iter().map(of_weight).collect();
    let sure_from = if p_values.is_empty() { 0.0 } else { benjamini_hochberg(&p_values, level) };
    let verdict = |&(Shift { p_value, effect }, matters_from): &(Shift, f64)| Verdict {
        p_value,
        sure_from,
        effect,
        matters_from,
        drifted: p_value <= sure_from && effect >= matters_from,
    };
    columns.iter().map(verdict).collect()
}

impl Verdict {
    /// How many limits the effect is away; 0 where the change is not sure.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.p_value <= self.sure_from { self.effect / self.matters_from } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(columns: &[(f64, f64)], expect: &[bool]) {
        let shifts: Vec<_> = columns.iter().map(|&(p_value, effect)| (Shift { p_value, effect }, 0.1)).collect();
        let found: Vec<bool> = verdicts(&shifts, 0.01).iter().map(|verdict| verdict.drifted).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn a_change_must_be_sure_and_large() {
        check(&[(1e-9, 0.3), (1e-9, 0.09), (0.2, 0.3), (0.9, 0.0)], &[true, false, false, false]);
        check(&[(1e-9, 0.1)], &[true]);
        check(&[], &[]);
    }

    #[test]
    fn what_is_too_small_to_matter_lends_no_evidence_to_others() {
        // Alone among four, 0.004 is above 0.01 / 4; beside three sure ones it would be below 0.01.
        check(&[(1e-9, 0.01), (1e-9, 0.01), (1e-9, 0.01), (0.004, 0.3)], &[false, false, false, false]);
        check(&[(1e-9, 0.3), (1e-9, 0.3), (1e-9, 0.3), (0.004, 0.3)], &[true, true, true, true]);
    }
}
