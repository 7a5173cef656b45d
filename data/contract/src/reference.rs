//! Reference counts: what the columns looked like when the model was made.
//!
//! They are counts, so that a window's counts can be compared with them without the rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The counts of every column and of the model's own predictions: `reference.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Version of this format; 1.
    pub format: u32,
    /// Digest of the contract.
    pub contract: String,
    /// Rows counted for the columns: the training rows; of a retrained model, the newest rows known.
    pub n_rows: u64,
    /// One per column, in contract order.
    pub columns: Vec<ColumnCounts>,
    /// The followed class's probability on rows that the fit has not seen; of a retrained model, on the newest rows known.
    pub prediction: ValueCounts,
    /// True classes of the rows counted.
    pub classes: BTreeMap<String, u64>,
    /// How far the rows drifted among themselves; absent where they are in no order, or too few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_drift: Option<OwnDrift>,
}

/// The largest distance of a chunk of the reference, in time order, from the whole; 0 where chunks differ by chance only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnDrift {
    /// Of each column, in contract order, as Cohen's w.
    pub columns: Vec<f64>,
    /// Of the followed class's probability, in standard deviations.
    pub prediction: f64,
}

/// One column's counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnCounts {
    /// Its name.
    pub name: String,
    /// Its counts.
    pub counts: ValueCounts,
}

/// How often each value occurs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ValueCounts {
    /// Of numbers.
    Numeric {
        /// Whether every value is whole.
        integer: bool,
        /// False when values were rounded because there are too many different ones.
        exact: bool,
        /// Rows without a value.
        n_missing: u64,
        /// Distinct values, ascending, each with its count.
        values: Vec<(f64, u64)>,
    },
    /// Of texts.
    Categorical {
        /// Rows without a value.
        n_missing: u64,
        /// Count of each text.
        levels: BTreeMap<String, u64>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_of_format_1_still_loads() {
        let text = include_str!("../fixtures/reference-1.json");
        let reference: Reference = serde_json::from_str(text).unwrap();
        assert_eq!(reference.columns.len(), 2);
        let again: Reference = serde_json::from_str(&serde_json::to_string(&reference).unwrap()).unwrap();
        assert_eq!(again, reference);
    }
}
