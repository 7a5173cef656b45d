//! Which alerts fired, which were posted, and which are over: `monitor/alerts.json`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
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
        Ok(files::read_json(&path(home))?.unwrap_or(Self { format: FORMAT, alerts: Vec::new() }))
    }

    /// Replaces the book on disk.
    pub(crate) fn save(&self, home: &Home) -> Result<(), Failure> {
        files::replace_for_good(&path(home), &files::to_json(self))
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
            if self.alerts.iter().all(|entry| entry.alert.fingerprint != alert.fingerprint) {
                tracing::info!(fingerprint = alert.fingerprint, summary = alert.annotations["summary"], "alert raised");
                self.alerts.push(Entry {
                    alert: alert.clone(),
                    window: judgement.window,
                    fired: delivery,
                    resolved: Delivery::None,
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

    /// Posts what is still to be told, beginnings before ends; stops at the first that is not taken.
    /// Returns the alerts whose beginning was told now.
    pub(crate) fn post(&mut self, url: &str) -> Result<Vec<Alert>, Failure> {
        let mut told = Vec::new();
        for entry in &mut self.alerts {
            if entry.fired == Delivery::Pending {
                let firing = Alert { status: AlertStatus::Firing, ends_at: crate::rules::year_one(), ..entry.alert.clone() };
                webhook::post(url, &AlertGroup::of(firing, RECEIVER))?;
                entry.fired = Delivery::Posted;
                told.push(entry.alert.clone());
            }
            if entry.resolved == Delivery::Pending {
                webhook::post(url, &AlertGroup::of(entry.alert.clone(), RECEIVER))?;
                entry.resolved = Delivery::Posted;
            }
        }
        Ok(told)
    }
}

impl Entry {
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

fn path(home: &Home) -> PathBuf {
    home.monitor().join("alerts.json")
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
    fn one_calm_window_ends_every_alert_before_it() {
        let mut book = AlertBook::default();
        book.update(&judgements(&[("2009-03", 0.2), ("2009-04", 0.2), ("2009-05", 0.05)]), "churn", false);
        assert!(book.entries().all(|entry| entry.resolved_at().unwrap().date_naive().to_string() == "2009-06-01"));
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
        assert!(book.post("http://127.0.0.1:1/").is_err());
        assert_eq!(book.alerts[0].fired, Delivery::Pending);
        let mut quiet = AlertBook::default();
        quiet.update(&judgements(&[("2009-03", 0.2)]), "churn", false);
        assert!(quiet.post("http://127.0.0.1:1/").is_ok());
    }
}
