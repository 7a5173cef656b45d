//! The alert rules: when a window's predictions, or its columns, are too far from the reference.
//!
//! `PredictionDrift` is what hurts, and a retrain answers it. `ColumnDrift` says which inputs changed; it is weighed by how much of the
//! model's skill lies in them, is posted for people, and asks for no retrain.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use data_contract::{Alert, AlertStatus, Rules, WindowRule};
use monitor_drift::{Drift, Patience, Step};

use crate::page::percent;
use crate::report_model::{ColumnReport, WindowReport};
use crate::window::Window;

/// Fires when predictions drifted.
pub(crate) const PREDICTION_DRIFT: &str = "PredictionDrift";
/// Fires when columns drifted, under the rule `tidemark`.
pub(crate) const COLUMN_DRIFT: &str = "ColumnDrift";
/// The annotation that says how urgent an alert is. It may change as late rows come, and a label that changes makes another alert.
pub(crate) const SEVERITY: &str = "severity";

/// Columns in which less than this share of the model's skill lies are no reason to hurry.
const MINOR: f64 = 0.1;
/// Columns that an alert's summary names.
const MAX_NAMED: usize = 4;

/// A rule's verdict on one window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    /// The rule.
    pub(crate) name: &'static str,
    /// The window.
    pub(crate) window: Window,
    /// The alert, when it fires.
    pub(crate) alert: Option<Alert>,
    /// Whether enough calm windows in a row end here to end earlier alerts.
    pub(crate) calmed: bool,
}

/// Whether drift is too far, as Evidently has it. A distance is held against the rule's threshold; a p-value, which small references
/// get, has its own.
pub(crate) fn too_far(drift: &Drift, rules: &Rules) -> bool {
    if drift.statistic.is_p_value() { drift.drifted } else { drift.value > rules.prediction_drift }
}

/// Whether a window's predictions drifted by the rule in force, however many rows it has.
pub(crate) fn predictions_drifted(window: &WindowReport, rules: &Rules) -> bool {
    match rules.rule {
        WindowRule::Tidemark => window.prediction_verdict.is_some_and(|verdict| verdict.drifted),
        WindowRule::Evidently => window.prediction.is_some_and(|drift| too_far(&drift, rules)),
    }
}

/// Judges every complete window with enough rows; `include_open` also judges the one that is still filling.
pub(crate) fn judge(windows: &[WindowReport], model: &str, rules: &Rules, include_open: bool) -> Vec<Judgement> {
    let judged = |window: &&WindowReport| window.judged(rules) || (include_open && window.enough(rules));
    let judged: Vec<&WindowReport> = windows.iter().filter(judged).collect();
    let predictions = |window: &WindowReport| predictions_drifted(window, rules);
    let mut judgements = follow(PREDICTION_DRIFT, &judged, rules, predictions, |window| of_predictions(window, model, rules));
    // Under the other rule columns are calm, which ends the alerts that there were.
    let columns = |window: &WindowReport| rules.rule == WindowRule::Tidemark && window.n_shifted > 0;
    judgements.extend(follow(COLUMN_DRIFT, &judged, rules, columns, |window| Some(of_columns(window, model))));
    judgements
}

/// Follows one rule through time. A window in which several versions served has drifted when one of them did.
fn follow(
    name: &'static str,
    judged: &[&WindowReport],
    rules: &Rules,
    drifted: impl Fn(&WindowReport) -> bool,
    alert: impl Fn(&WindowReport) -> Option<Alert>,
) -> Vec<Judgement> {
    let windows: BTreeSet<Window> = judged.iter().map(|window| window.window).collect();
    let in_any = |at: &Window| judged.iter().any(|window| window.window == *at && drifted(window));
    let story: Vec<bool> = windows.iter().map(in_any).collect();
    let patience = Patience { to_fire: rules.windows_to_fire, to_clear: rules.windows_to_clear };
    let steps: BTreeMap<Window, Step> = windows.into_iter().zip(patience.follow(&story)).collect();
    let judgement = |window: &&WindowReport| {
        let Step { alarmed, calmed } = steps[&window.window];
        let alert = if alarmed && drifted(window) { alert(window) } else { None };
        Judgement { name, window: window.window, alert, calmed }
    };
    judged.iter().map(judgement).collect()
}

fn of_predictions(window: &WindowReport, model: &str, rules: &Rules) -> Option<Alert> {
    let subject = format!("predictions of {model} version {} drifted in {}", window.version, window.window.title());
    let (summary, value, threshold) = match rules.rule {
        WindowRule::Tidemark => {
            let verdict = window.prediction_verdict?;
            let (effect, allowed) = (verdict.effect, verdict.matters_from);
            (format!("{subject} by {effect:.3} standard deviations, where {allowed} is allowed"), effect, allowed)
        }
        WindowRule::Evidently => {
            let drift = window.prediction?;
            let tested = drift.statistic.is_p_value();
            let (direction, threshold) = if tested { ("below", drift.threshold) } else { ("above", rules.prediction_drift) };
            let name = drift.statistic.evidently_name();
            (format!("{subject}: {name} {:.3} is {direction} {threshold}", drift.value), drift.value, threshold)
        }
    };
    let texts = [("summary", summary), ("value", value.to_string()), ("threshold", threshold.to_string())];
    Some(alert(PREDICTION_DRIFT, "critical", window, model, texts))
}

fn of_columns(window: &WindowReport, model: &str) -> Alert {
    let names = drifted_columns(window);
    let more = names.len().saturating_sub(MAX_NAMED);
    let named = names[..names.len() - more].join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() };
    let weight = window
        .importance_shifted
        .map_or_else(String::new, |share| format!("; {} of the model's skill lies there", percent(share)));
    let summary = format!(
        "{} of {} columns of {model} version {} drifted in {} ({named}){weight}",
        names.len(),
        window.columns.len(),
        window.version,
        window.window.title(),
    );
    let severity = if window.importance_shifted.is_some_and(|share| share < MINOR) { "info" } else { "warning" };
    let value = window.importance_shifted.map_or_else(String::new, |share| share.to_string());
    let texts = [("summary", summary), ("value", value), ("columns", names.join(", "))];
    alert(COLUMN_DRIFT, severity, window, model, texts)
}

/// The columns that drifted, those that matter most to the model first, and among equals those that moved most.
fn drifted_columns(window: &WindowReport) -> Vec<String> {
    let mut drifted: Vec<_> =
        window.columns.iter().filter(|column| column.verdict.is_some_and(|verdict| verdict.drifted)).collect();
    let weight = |column: &ColumnReport| (column.importance.unwrap_or(0.0), column.verdict.map_or(0.0, |verdict| verdict.effect));
    drifted.sort_by(|a, b| weight(b).partial_cmp(&weight(a)).expect("shares and effects are numbers"));
    drifted.into_iter().map(|column| column.name.clone()).collect()
}

fn alert(name: &str, severity: &str, window: &WindowReport, model: &str, annotations: [(&str, String); 3]) -> Alert {
    let mut labels = texts([
        (Alert::NAME, name.to_owned()),
        ("model", model.to_owned()),
        ("version", window.version.to_string()),
        ("window", window.name.clone()),
    ]);
    if name == COLUMN_DRIFT {
        labels.insert(Alert::RETRAIN.to_owned(), "no".to_owned());
    }
    let mut annotations = texts(annotations);
    annotations.insert(SEVERITY.to_owned(), severity.to_owned());
    annotations.insert("known_until".to_owned(), window.window.last_day().to_string());
    Alert {
        status: AlertStatus::Firing,
        fingerprint: Alert::fingerprint_of(&labels),
        labels,
        annotations,
        starts_at: window.window.end_time(),
        ends_at: year_one(),
        generator_url: String::new(),
    }
}

/// What Alertmanager sends as the end of an alert that still fires.
pub(crate) fn year_one() -> DateTime<Utc> {
    "0001-01-01T00:00:00Z".parse().expect("a date")
}

fn texts<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::measure::tests::window_report;
    use monitor_drift::{Statistic, Verdict};

    fn evidently() -> Rules {
        Rules { rule: WindowRule::Evidently, ..Rules::default() }
    }

    fn drift(statistic: Statistic, value: f64) -> Option<Drift> {
        let threshold = statistic.threshold();
        Some(Drift { statistic, value, threshold, drifted: statistic.drifted(value, threshold) })
    }

    /// A verdict that is sure.
    pub(crate) fn sure(effect: f64) -> Option<Verdict> {
        Some(Verdict { p_value: 1e-9, sure_from: 0.005, effect, matters_from: 0.1, drifted: effect >= 0.1 })
    }

    /// A calm window of 500 rows, edited.
    fn window(month: &str, edit: impl FnOnce(&mut WindowReport)) -> WindowReport {
        let mut window = window_report(month, 7, 500);
        (window.prediction, window.prediction_verdict, window.n_shifted) = (drift(Statistic::Wasserstein, 0.0), sure(0.0), 0);
        window.columns.iter_mut().for_each(|column| column.verdict = sure(0.0));
        edit(&mut window);
        window
    }

    #[track_caller]
    fn check(rules: &Rules, edit: impl FnOnce(&mut WindowReport), include_open: bool, judged: bool, fires: bool) {
        let judgements = judge(&[window("2009-03", edit)], "churn", rules, include_open);
        assert_eq!(!judgements.is_empty(), judged);
        assert_eq!(judgements.iter().any(|judgement| judgement.alert.is_some()), fires);
    }

    #[test]
    fn a_complete_window_with_enough_rows_alerts_above_the_threshold() {
        let rules = &evidently();
        check(rules, |window| window.prediction = drift(Statistic::Wasserstein, 0.11), false, true, true);
        check(rules, |window| window.prediction = drift(Statistic::Wasserstein, 0.1), false, true, false);
        check(
            rules,
            |window| (window.prediction, window.n_rows) = (drift(Statistic::Wasserstein, 0.9), 199),
            false,
            false,
            false,
        );
        check(rules, |window| (window.prediction, window.open) = (drift(Statistic::Wasserstein, 0.9), true), false, false, false);
        check(rules, |window| (window.prediction, window.open) = (drift(Statistic::Wasserstein, 0.9), true), true, true, true);
        check(rules, |window| window.prediction = None, false, false, false);
    }

    #[test]
    fn a_p_value_alerts_when_it_is_small() {
        check(&evidently(), |window| window.prediction = drift(Statistic::KolmogorovSmirnov, 0.9), false, true, false);
        check(&evidently(), |window| window.prediction = drift(Statistic::KolmogorovSmirnov, 0.01), false, true, true);
    }

    #[test]
    fn the_own_rule_follows_its_own_verdict() {
        let rules = &Rules::default();
        check(rules, |window| window.prediction = drift(Statistic::Wasserstein, 0.9), false, true, false);
        check(rules, |window| window.prediction_verdict = sure(0.3), false, true, true);
        check(rules, |window| (window.prediction_verdict, window.n_rows) = (sure(0.3), 199), false, false, false);
        check(&evidently(), |window| window.prediction_verdict = sure(0.3), false, true, false);
    }

    #[test]
    fn an_alert_names_its_window_and_what_is_known_by_then() {
        let window = window("2009-03", |window| window.prediction = drift(Statistic::Wasserstein, 0.25));
        let alert = judge(&[window], "churn", &evidently(), false).remove(0).alert.unwrap();
        assert_eq!(alert.labels["window"], "2009-03");
        assert_eq!(alert.annotations["known_until"], "2009-03-31");
        assert_eq!(alert.starts_at.to_rfc3339(), "2009-04-01T00:00:00+00:00");
        assert_eq!(
            alert.annotations["summary"],
            "predictions of churn version 7 drifted in Mar 2009: Wasserstein distance (normed) 0.250 is above 0.1"
        );
    }

    #[track_caller]
    fn check_columns(importance: [Option<f64>; 2], severity: &str, summary: &str) {
        let window = window("2009-03", |window| {
            for (column, importance) in window.columns.iter_mut().zip(importance) {
                (column.verdict, column.importance) = (sure(0.3), importance);
            }
            (window.n_shifted, window.importance_shifted) = (2, importance.into_iter().sum());
        });
        let alert =
            judge(&[window], "churn", &Rules::default(), false).into_iter().find_map(|judgement| judgement.alert).unwrap();
        assert_eq!((alert.labels["alertname"].as_str(), alert.annotations["severity"].as_str()), ("ColumnDrift", severity));
        assert_eq!(alert.annotations["summary"], summary);
        assert!(!alert.asks_for_retrain());
    }

    #[test]
    fn columns_are_weighed_by_what_the_model_gains_from_them() {
        let subject = "2 of 2 columns of churn version 7 drifted in Mar 2009";
        check_columns([None, None], "warning", &format!("{subject} (age, plan)"));
        check_columns(
            [Some(0.1), Some(0.5)],
            "warning",
            &format!("{subject} (plan, age); 60.0 % of the model's skill lies there"),
        );
        check_columns([Some(0.05), Some(0.02)], "info", &format!("{subject} (age, plan); 7.0 % of the model's skill lies there"));
    }

    #[test]
    fn the_severity_is_no_part_of_what_identifies_an_alert() {
        let window = window("2009-03", |window| window.prediction_verdict = sure(0.3));
        let alert = judge(&[window], "churn", &Rules::default(), false).remove(0).alert.unwrap();
        assert_eq!(alert.labels.keys().collect::<Vec<_>>(), ["alertname", "model", "version", "window"]);
        assert_eq!((alert.annotations[SEVERITY].as_str(), alert.asks_for_retrain()), ("critical", true));
    }

    #[test]
    fn an_alert_waits_for_as_many_windows_as_the_rules_say() {
        let months = ["2009-01", "2009-02", "2009-03", "2009-04"];
        let drifted = [true, false, true, true];
        let windows: Vec<WindowReport> = months
            .iter()
            .zip(drifted)
            .map(|(month, drifted)| window(month, |window| window.prediction_verdict = sure(if drifted { 0.3 } else { 0.0 })))
            .collect();
        let rules = Rules { windows_to_fire: 2, ..Rules::default() };
        let fired: Vec<bool> =
            judge(&windows, "churn", &rules, false).iter().map(|judgement| judgement.alert.is_some()).collect();
        assert_eq!(fired[..4], [false, false, false, true]);
        assert!(fired[4..].iter().all(|fired| !fired), "no column drifted");
    }
}
