//! Which alerts fired, which were posted, and which are over: `monitor/alerts.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use data_contract::{Alert, AlertGroup, AlertStatus, Home};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;
use crate::rules::Judgement;
use crate::webhook;
use crate::window::{By, Window};

/// All alerts that ever fired.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AlertBook {
    format: u32,
    alerts: Vec<Entry>,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The alert, as it stands.
    pub(crate) alert: Alert,
    /// Its window.
    pub(crate) window: Window,
    /// Whether its beginning was posted.
    fired: Delivery,
    /// Whether its end was posted.
    resolved: Delivery,
    /// Whether Alertmanager holds it as firing.
    #[serde(default)]
    in_alertmanager: bool,
}

/// Who is told of alerts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Receivers<'a> {
    /// A webhook, which is posted each beginning and each end once.
    pub(crate) webhook: Option<&'a str>,
    /// Alertmanager, which is posted what fires again and again, and each end once.
    pub(crate) alertmanager: Option<&'a str>,
    /// Where people find this monitor.
    pub(crate) external_url: Option<&'a str>,
    /// How long Alertmanager takes an alert for firing that is not posted again.
    pub(crate) hold: TimeDelta,
}

/// An alert as Alertmanager's API takes it.
///
/// Source: Alertmanager's `api/v2/openapi.yaml`, `postableAlert`.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct PostableAlert<'a> {
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Delivery {
    /// There is nothing to say, or there was no one to tell.
    None,
    /// It is to be posted.
    Pending,
    /// It was taken.
    Posted,
}

const FORMAT: u32 = 1;
const RECEIVER: &str = "retrain";

impl AlertBook {
    /// Reads the book; an empty one when there is none.
    pub(crate) fn load(home: &Home) -> Result<Self, Failure> {
        Ok(files::read_json(&Self::path(home))?.unwrap_or(Self { format: FORMAT, alerts: Vec::new() }))
    }

    /// Replaces the book on disk.
    pub(crate) fn save(&self, home: &Home) -> Result<(), Failure> {
        files::replace_for_good(&Self::path(home), &files::to_json(self))
    }

    /// Where it lies.
    pub(crate) fn path(home: &Home) -> PathBuf {
        home.monitor().join("alerts.json")
    }

    /// The entries, oldest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.alerts.iter()
    }

    /// Enters what fires for the first time and ends what a later window of the same model and length ended; returns the alerts
    /// that are new. `to_post` says whether someone is there to be told.
    pub(crate) fn update(&mut self, judgements: &[Judgement], model: &str, to_post: bool) -> Vec<Alert> {
        let delivery = if to_post { Delivery::Pending } else { Delivery::None };
        let mut new = Vec::new();
        for judgement in judgements {
            let Some(alert) = &judgement.alert else { continue };
            if !self.alerts.iter().any(|entry| entry.is_of(alert)) {
                tracing::info!(fingerprint = alert.fingerprint, summary = alert.annotations["summary"], "alert raised");
                self.alerts.push(Entry {
                    alert: alert.clone(),
                    window: judgement.window,
                    fired: delivery,
                    resolved: Delivery::None,
                    in_alertmanager: false,
                });
                new.push(alert.clone());
            }
        }
        self.alerts.sort_by_key(|entry| entry.window);
        let firing = |entry: &&mut Entry| entry.alert.status == AlertStatus::Firing && entry.label("model") == model;
        for entry in self.alerts.iter_mut().filter(firing) {
            if let Some(end) = end_of(entry, judgements) {
                entry.alert.status = AlertStatus::Resolved;
                entry.alert.ends_at = end;
                entry.resolved = if entry.fired == Delivery::None { Delivery::None } else { delivery };
            }
        }
        new
    }

    /// Tells the receivers what they do not know; returns the alerts whose beginning the webhook took now.
    pub(crate) fn tell(&mut self, receivers: &Receivers, now: DateTime<Utc>) -> Result<Vec<Alert>, Failure> {
        let by_alertmanager = receivers.alertmanager.map_or(Ok(()), |url| self.post_to_alertmanager(url, receivers, now));
        let told = receivers.webhook.map_or(Ok(Vec::new()), |url| self.post(url, receivers))?;
        by_alertmanager.map(|()| told)
    }

    /// Posts everything that fires, and ends that Alertmanager does not know, in one body.
    fn post_to_alertmanager(&mut self, url: &str, receivers: &Receivers, now: DateTime<Utc>) -> Result<(), Failure> {
        let postable: Vec<PostableAlert> = self.alerts.iter().filter_map(|entry| entry.postable(receivers, now)).collect();
        if postable.is_empty() {
            return Ok(());
        }
        webhook::post(&format!("{}/api/v2/alerts", url.trim_end_matches('/')), &postable)?;
        for entry in &mut self.alerts {
            entry.in_alertmanager = entry.resolved_at().is_none();
        }
        Ok(())
    }

    /// Posts what is still to be told, beginnings before ends; stops at the first that is not taken.
    fn post(&mut self, url: &str, receivers: &Receivers) -> Result<Vec<Alert>, Failure> {
        let link = receivers.link().unwrap_or_default();
        let mut told = Vec::new();
        for entry in &mut self.alerts {
            if entry.fired == Delivery::Pending {
                let ends_at = crate::rules::year_one();
                let firing = Alert { status: AlertStatus::Firing, ends_at, generator_url: link.clone(), ..entry.alert.clone() };
                webhook::post(url, &AlertGroup::of(firing, RECEIVER))?;
                entry.fired = Delivery::Posted;
                told.push(entry.alert.clone());
            }
            if entry.resolved == Delivery::Pending {
                let resolved = Alert { generator_url: link.clone(), ..entry.alert.clone() };
                webhook::post(url, &AlertGroup::of(resolved, RECEIVER))?;
                entry.resolved = Delivery::Posted;
            }
        }
        Ok(told)
    }
}

impl Receivers<'_> {
    /// Whether there is anyone.
    pub(crate) fn any(&self) -> bool {
        self.webhook.is_some() || self.alertmanager.is_some()
    }

    /// Where people read more about an alert.
    fn link(&self) -> Option<String> {
        self.external_url.map(|url| format!("{}/report", url.trim_end_matches('/')))
    }
}

impl Entry {
    /// What Alertmanager is posted; none for an end that it knows, or a beginning that it was never told.
    fn postable(&self, receivers: &Receivers, now: DateTime<Utc>) -> Option<PostableAlert<'_>> {
        let ends_at = match self.resolved_at() {
            Some(_) if !self.in_alertmanager => return None,
            Some(end) => end,
            None => now + receivers.hold,
        };
        let Alert { labels, annotations, starts_at, .. } = &self.alert;
        Some(PostableAlert { labels, annotations, starts_at: *starts_at, ends_at, generator_url: receivers.link() })
    }

    /// Whether an alert is this one. Earlier versions of the program had other fingerprints.
    fn is_of(&self, alert: &Alert) -> bool {
        self.alert.fingerprint == alert.fingerprint || self.alert.labels == alert.labels
    }

    /// The fingerprints under which it may have been answered: its own, and that which Alertmanager gives its labels.
    pub(crate) fn fingerprints(&self) -> [String; 2] {
        [self.alert.fingerprint.clone(), Alert::fingerprint_of(&self.alert.labels)]
    }

    /// When a later window was fine again.
    pub(crate) fn resolved_at(&self) -> Option<DateTime<Utc>> {
        (self.alert.status == AlertStatus::Resolved).then_some(self.alert.ends_at)
    }

    /// Whether it is of a model and of windows of this length.
    pub(crate) fn is(&self, model: &str, by: By) -> bool {
        self.label("model") == model && self.window.by == by
    }

    /// One of the alert's labels.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.alert.labels.get(name).map_or("", String::as_str)
    }
}

/// The end of the first window after an alert's own at which its rule had been calm for long enough.
fn end_of(entry: &Entry, judgements: &[Judgement]) -> Option<DateTime<Utc>> {
    let same = |judgement: &&Judgement| judgement.name == entry.label(Alert::NAME) && judgement.window.by == entry.window.by;
    let calm = judgements.iter().filter(same).filter(|judgement| judgement.calmed && judgement.window > entry.window);
    Some(calm.map(|judgement| judgement.window).min()?.end_time())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::window_report;
    use crate::rules::judge;
    use crate::rules::tests::sure;
    use data_contract::Rules;

    fn judgements(values: &[(&str, f64)]) -> Vec<Judgement> {
        let window = |&(name, value): &(&str, f64)| {
            let mut window = window_report(name, 7, 500);
            (window.prediction_verdict, window.n_shifted) = (sure(value), 0);
            window
        };
        judge(&values.iter().map(window).collect::<Vec<_>>(), "churn", &Rules::default(), false)
    }

    #[test]
    fn an_alert_is_new_once() {
        let mut book = AlertBook::default();
        assert_eq!(book.update(&judgements(&[("2009-03", 0.2)]), "churn", true).len(), 1);
        assert_eq!(book.update(&judgements(&[("2009-03", 0.2)]), "churn", true).len(), 0);
        assert_eq!(book.update(&judgements(&[("2009-03", 0.2), ("2009-04", 0.2)]), "churn", true).len(), 1);
        assert!(book.entries().all(|entry| entry.resolved_at().is_none()));
    }

    #[test]
    fn the_next_window_that_is_fine_ends_an_alert() {
        let mut book = AlertBook::default();
        book.update(&judgements(&[("2009-03", 0.2), ("2009-04", 0.05), ("2009-05", 0.3)]), "churn", false);
        let ends: Vec<_> = book.entries().map(|entry| entry.resolved_at().map(|end| end.date_naive().to_string())).collect();
        assert_eq!(ends, [Some("2009-05-01".to_owned()), None]);
    }

    #[test]
    fn one_calm_window_ends_all_alerts_before_it() {
        let mut book = AlertBook::default();
        book.update(&judgements(&[("2009-03", 0.2), ("2009-04", 0.3)]), "churn", false);
        assert!(book.entries().all(|entry| entry.resolved_at().is_none()));
        book.update(&judgements(&[("2009-03", 0.2), ("2009-04", 0.3), ("2009-05", 0.05)]), "churn", false);
        let ends: Vec<_> = book.entries().map(|entry| entry.resolved_at().unwrap().date_naive().to_string()).collect();
        assert_eq!(ends, ["2009-06-01", "2009-06-01"]);
    }

    #[test]
    fn alertmanager_is_told_again_what_fires_and_each_end_once() {
        let now: DateTime<Utc> = "2009-06-02T00:00:00Z".parse().unwrap();
        let receivers = Receivers { external_url: Some("http://monitor/"), hold: TimeDelta::hours(3), ..Receivers::default() };
        let mut book = AlertBook::default();
        book.update(&judgements(&[("2009-03", 0.2)]), "churn", true);
        let firing = serde_json::to_value(book.alerts[0].postable(&receivers, now).unwrap()).unwrap();
        assert_eq!(firing["startsAt"], "2009-04-01T00:00:00Z");
        assert_eq!(firing["endsAt"], "2009-06-02T03:00:00Z");
        assert_eq!(firing["generatorURL"], "http://monitor/report");
        assert_eq!(firing["labels"]["alertname"], "PredictionDrift");
        book.update(&judgements(&[("2009-03", 0.2), ("2009-04", 0.05)]), "churn", true);
        assert!(book.alerts[0].postable(&receivers, now).is_none(), "an end without a beginning");
        book.alerts[0].in_alertmanager = true;
        assert_eq!(book.alerts[0].postable(&receivers, now).unwrap().ends_at.to_rfc3339(), "2009-05-01T00:00:00+00:00");
    }

    #[test]
    fn an_alert_of_an_earlier_program_is_known_by_its_labels_and_by_what_alertmanager_calls_it() {
        let mut book = AlertBook::default();
        book.update(&judgements(&[("2009-03", 0.2)]), "churn", true);
        let given = std::mem::replace(&mut book.alerts[0].alert.fingerprint, "of another kind".into());
        assert_eq!(book.update(&judgements(&[("2009-03", 0.2)]), "churn", true).len(), 0);
        assert_eq!(book.alerts[0].fingerprints(), ["of another kind".to_owned(), given]);
    }

    #[test]
    fn another_model_s_calm_and_another_length_s_end_nothing() {
        let mut book = AlertBook::default();
        book.update(&judgements(&[("2009-03", 0.2)]), "churn", false);
        book.update(&judgements(&[("2009-04", 0.05)]), "weather", false);
        let mut days = judgements(&[("2009-04", 0.05)]);
        days.iter_mut().for_each(|judgement| judgement.window.by = By::Day);
        book.update(&days, "churn", false);
        let entry = book.entries().next().unwrap();
        assert!(entry.resolved_at().is_none());
        assert!(entry.is("churn", By::Month) && !entry.is("churn", By::Day) && !entry.is("weather", By::Month));
    }

    #[test]
    fn what_could_not_be_posted_stays_pending_and_what_had_no_receiver_is_never_sent() {
        let mut book = AlertBook::default();
        book.update(&judgements(&[("2009-03", 0.2)]), "churn", true);
        let receivers = Receivers { webhook: Some("http://127.0.0.1:1/"), ..Receivers::default() };
        assert!(book.tell(&receivers, Utc::now()).is_err());
        assert_eq!(book.alerts[0].fired, Delivery::Pending);
        let mut quiet = AlertBook::default();
        quiet.update(&judgements(&[("2009-03", 0.2)]), "churn", false);
        assert!(quiet.tell(&receivers, Utc::now()).is_ok());
    }
}
