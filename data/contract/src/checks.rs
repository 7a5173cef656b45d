//! What looks wrong with prepared rows although each of them can be used: `checks.json`, beside `prepared.json`.
//!
//! A finding is a warning, never an error: a column that predicts the target alone may be a leak or a good column, and only a person knows.

use serde::{Deserialize, Serialize};

/// Version of this format.
pub const CHECKS_FORMAT: u32 = 1;

/// Findings about prepared rows, and the figures that were looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// [`CHECKS_FORMAT`].
    pub format: u32,
    /// Digest of the prepared rows.
    pub digest: String,
    /// Share of all rows that repeat an earlier one, features and target alike.
    pub duplicate_share: f64,
    /// Test rows that occur among the rows that train and validate, features and target alike.
    pub n_test_seen: u64,
    /// Area under the ROC curve of a model that tells test rows from training rows: 0.5 when it cannot; none where there are too few.
    pub shift: Option<f64>,
    /// What should be looked at.
    pub findings: Vec<Finding>,
}

/// One thing that should be looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What was checked.
    pub check: CheckKind,
    /// The column, where one is to blame.
    pub column: Option<String>,
    /// What was measured: an area for a leak or a shift, a share of rows for the others.
    pub figure: f64,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// A column that predicts the target alone.
    Leak,
    /// Rows that repeat earlier ones.
    Duplicates,
    /// Test rows that occur among the training rows.
    TestSeen,
    /// Groups that have rows both in training and in the test.
    GroupsShared,
    /// A column that never varies.
    Constant,
    /// A column without a value.
    Empty,
    /// A column with a value of its own in nearly every row.
    Identifier,
    /// Test rows that differ from training rows.
    Shift,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_of_format_1_still_load() {
        let text = include_str!("../fixtures/checks-1.json");
        let checks: Checks = serde_json::from_str(text).unwrap();
        assert_eq!((checks.format, checks.findings[0].check), (CHECKS_FORMAT, CheckKind::Leak));
        let again: Checks = serde_json::from_str(&serde_json::to_string(&checks).unwrap()).unwrap();
        assert_eq!(again, checks);
    }
}
