//! Alerts as Alertmanager v4 webhook bodies.
//!
//! Source: Prometheus documentation, "Alerting: webhook_config", version "4" of the body.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The body that Alertmanager posts to a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertGroup {
    /// `4`.
    pub version: String,
    /// Identifies the group.
    pub group_key: String,
    /// Alerts left out of the body.
    #[serde(default)]
    pub truncated_alerts: u64,
    /// Firing while one alert of the group fires.
    pub status: AlertStatus,
    /// Name of the receiver.
    pub receiver: String,
    /// Labels by which the group was made.
    #[serde(default)]
    pub group_labels: BTreeMap<String, String>,
    /// Labels that all alerts share.
    #[serde(default)]
    pub common_labels: BTreeMap<String, String>,
    /// Annotations that all alerts share.
    #[serde(default)]
    pub common_annotations: BTreeMap<String, String>,
    /// Address of the sender.
    #[serde(default, rename = "externalURL")]
    pub external_url: String,
    /// The alerts.
    pub alerts: Vec<Alert>,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Firing or resolved.
    pub status: AlertStatus,
    /// What identifies it; `alertname` among them.
    pub labels: BTreeMap<String, String>,
    /// What people read.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire.
    pub starts_at: chrono::DateTime<chrono::Utc>,
    /// When it ended; year 1 while it fires.
    #[serde(default)]
    pub ends_at: chrono::DateTime<chrono::Utc>,
    /// Where it came from.
    #[serde(default, rename = "generatorURL")]
    pub generator_url: String,
    /// Digest of the labels.
    #[serde(default)]
    pub fingerprint: String,
}

/// Firing or resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// It holds.
    Firing,
    /// It no longer holds.
    Resolved,
}

impl Alert {
    /// The label that names the rule.
    pub const NAME: &str = "alertname";
    /// The label that says `no` when a retrain would not answer the alert; it is missing otherwise.
    pub const RETRAIN: &str = "retrain";

    /// Whether a retrain answers it: alerts of other senders have no such label and do.
    pub fn asks_for_retrain(&self) -> bool {
        self.labels.get(Self::RETRAIN).is_none_or(|answer| answer != "no")
    }

    /// Sixteen hexadecimal digits that depend on the labels alone: those that Alertmanager gives the same labels.
    ///
    /// Source: `prometheus/common`, `model/fnv.go` and `model/signature.go`: 64-bit FNV-1a over names and values, each followed by 0xff.
    pub fn fingerprint_of(labels: &BTreeMap<String, String>) -> String {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let texts = labels.iter().flat_map(|(name, value)| [name, value]);
        let bytes = texts.flat_map(|text| text.bytes().chain([0xff]));
        format!("{:016x}", bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)))
    }
}

impl AlertGroup {
    /// One alert on its own.
    pub fn of(alert: Alert, receiver: &str) -> Self {
        let name = alert.labels.get(Alert::NAME).cloned().unwrap_or_default();
        let group_labels = BTreeMap::from([(Alert::NAME.to_owned(), name.clone())]);
        Self {
            version: "4".into(),
            group_key: format!("{{}}:{{{}=\"{name}\"}}", Alert::NAME),
            truncated_alerts: 0,
            status: alert.status,
            receiver: receiver.into(),
            group_labels,
            common_labels: alert.labels.clone(),
            common_annotations: alert.annotations.clone(),
            external_url: String::new(),
            alerts: vec![alert],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_as_alertmanager_posts_it_is_read() {
        let group: AlertGroup = serde_json::from_str(include_str!("../fixtures/alertmanager-4.json")).unwrap();
        assert_eq!(group.status, AlertStatus::Firing);
        assert_eq!(group.alerts[0].labels["alertname"], "PredictionDrift");
    }

    #[test]
    fn only_an_alert_that_says_so_asks_for_no_retrain() {
        let mut alert =
            serde_json::from_str::<AlertGroup>(include_str!("../fixtures/alertmanager-4.json")).unwrap().alerts.remove(0);
        assert!(alert.asks_for_retrain());
        alert.labels.insert(Alert::RETRAIN.to_owned(), "no".to_owned());
        assert!(!alert.asks_for_retrain());
    }

    #[test]
    fn a_fingerprint_is_what_alertmanager_gives_the_same_labels() {
        let labels = [("alertname", "PredictionDrift"), ("model", "churn"), ("window", "2009-06")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        // As Alertmanager 0.25 answers at /api/v2/alerts.
        assert_eq!(Alert::fingerprint_of(&labels), "1524fc41fc07cc23");
    }

    #[test]
    fn a_fingerprint_depends_on_the_labels_alone() {
        let one = BTreeMap::from([("a".to_owned(), "bc".to_owned())]);
        let other = BTreeMap::from([("ab".to_owned(), "c".to_owned())]);
        assert_eq!(Alert::fingerprint_of(&one), Alert::fingerprint_of(&one.clone()));
        assert_ne!(Alert::fingerprint_of(&one), Alert::fingerprint_of(&other));
    }
}
