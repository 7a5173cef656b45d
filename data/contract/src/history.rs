//! The registry's history: who moved where, when and why; one JSON line per event, only ever appended.

use serde::{Deserialize, Serialize};

/// One line of `history.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// Version of this format; 1.
    pub format: u32,
    /// When it happened, UTC.
    pub at: chrono::DateTime<chrono::Utc>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A version was trained and written.
    Registered {
        /// The version.
        version: u32,
        /// Its family.
        family: String,
    },
    /// A version changed its stage.
    Moved {
        /// The version.
        version: u32,
        /// Where it was.
        from: Stage,
        /// Where it is.
        to: Stage,
        /// Why.
        reason: String,
    },
    /// An alert was answered.
    Retrained {
        /// Fingerprint of the alert.
        alert: String,
        /// When the alert began to fire: the same labels may fire again later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        starts_at: Option<chrono::DateTime<chrono::Utc>>,
        /// What came of it.
        outcome: RetrainOutcome,
        /// Production before.
        champion: u32,
        /// The newly trained version, where one was trained.
        challenger: Option<u32>,
        /// Why.
        reason: String,
    },
}

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Written, and no more.
    Registered,
    /// Among the best.
    Staging,
    /// The one that is served.
    Production,
    /// Was staged or served.
    Archived,
}

/// What came of a retrain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RetrainOutcome {
    /// The challenger was better and is served now.
    Promoted,
    /// The champion stays.
    Kept,
    /// Nothing could be trained.
    Failed,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Registered => "registered",
            Self::Staging => "staging",
            Self::Production => "production",
            Self::Archived => "archived",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_of_format_1_still_loads() {
        for line in include_str!("../fixtures/history-1.ndjson").lines() {
            let event: HistoryLine = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&event).unwrap(), line);
        }
    }
}
