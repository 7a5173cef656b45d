//! Titles of sections that say what one sees.

use data_contract::WindowRule;

use super::figures::{distance, percent, plural};
use super::verdict;
use crate::figure::Figure;
use crate::report_model::{AlertReport, Report, WindowReport};

/// How far predictions moved, and when.
pub(crate) fn drift(report: &Report, windows: &[WindowReport]) -> String {
    let drifts = report.judged(windows).into_iter().filter_map(|window| Some((window, report.prediction_drift(window)?)));
    match drifts.max_by(|a, b| Figure::of_drift(&a.1).ratio.total_cmp(&Figure::of_drift(&b.1).ratio)) {
        Some((window, drift)) if drift.drifted => {
            let how = match drift.statistic.is_p_value() {
                true => format!("a p-value of {}", distance(drift.value)),
                false => format!("{:.1} times the threshold", drift.value / drift.threshold),
            };
            format!("Predictions moved furthest in {}: {how}", window.window.title())
        }
        _ => "Predictions stayed close to the reference".into(),
    }
}

/// How many alerts fired and were answered.
pub(crate) fn alerts(alerts: &[&AlertReport]) -> String {
    let answered = alerts.iter().filter(|alert| alert.answer.is_some()).count();
    match (alerts.len(), answered) {
        (0, _) => "No alert has fired".into(),
        (all, 0) => format!("{} fired, and no retrain has answered", plural(all, "alert")),
        (all, answered) if all == answered => format!("{} fired, and each was answered by a retrain", plural(all, "alert")),
        (all, answered) => format!("{} fired, {answered} were answered by a retrain", plural(all, "alert")),
    }
}

/// What makes an alert fire, in words.
pub(crate) fn rule(report: &Report) -> String {
    let rules = &report.rules;
    let what = match rules.rule {
        WindowRule::Tidemark => {
            format!("the probabilities moved by at least {} standard deviations and by more than chance", rules.prediction_drift)
        }
        WindowRule::Evidently => {
            let limit = rules.prediction_drift;
            format!("prediction drift is above {limit}, or has a p-value below {}", super::drift::P_VALUE_LIMIT)
        }
    };
    let in_a_row = |n: u32| plural(n as usize, report.by.noun());
    match (rules.windows_to_fire, rules.windows_to_clear) {
        (1, 1) => what,
        (fire, clear) => format!("{what}, for {} in a row; it ends after {} of calm", in_a_row(fire), in_a_row(clear)),
    }
}

/// What drift means under the rule in force.
pub(crate) fn drift_term(report: &Report) -> String {
    let rules = &report.rules;
    match rules.rule {
        WindowRule::Tidemark => format!(
            "A change that is more than chance and large enough to matter. More than chance: of all that is said to drift, in any column and window, \
             at most {} is wrong on average (ranks and shares of bins, judged over the columns of a window by Benjamini and Hochberg, the more \
             strictly the more windows there were, the less so the more was found). Large enough: predictions moved by at least {} standard \
             deviations of the reference's (Wasserstein distance), columns by Cohen's w of at least {}; where chunks of the reference, in time order, \
             lie further from the whole, by as much as they do, up to {}.",
            percent(rules.false_discovery_rate), rules.prediction_drift, rules.column_drift, rules.usual_drift
        ),
        WindowRule::Evidently => "The default of Evidently 0.7: for numbers the Wasserstein distance over the reference's standard deviation, for \
             levels the Jensen-Shannon distance; drifted from 0.1. With 1000 reference rows or fewer a test is made instead, and a p-value below 0.05 \
             means drifted."
            .into(),
    }
}

/// How good predictions were.
pub(crate) fn performance(report: &Report, windows: &[&WindowReport]) -> String {
    if let Some(gains) = verdict::gains(report) {
        return capital(&gains);
    }
    let known: Vec<(&WindowReport, f64)> =
        windows.iter().filter_map(|window| Some((*window, window.performance.as_ref()?.roc_auc?))).collect();
    match (known.iter().min_by(|a, b| a.1.total_cmp(&b.1)), known.iter().max_by(|a, b| a.1.total_cmp(&b.1))) {
        (Some((worst, low)), Some((_, high))) if high - low > 0.005 => {
            format!("AUC lay between {low:.2} and {high:.2}, lowest in {}", worst.window.title())
        }
        (Some((_, low)), _) => format!("AUC stayed at {low:.2}"),
        _ => "How good the predictions were".into(),
    }
}

/// How often the followed class was expected and came true.
pub(crate) fn shares(report: &Report, windows: &[WindowReport]) -> String {
    let labelled: Vec<&WindowReport> = windows.iter().filter(|window| window.performance.is_some()).collect();
    let counted = if labelled.is_empty() { windows.iter().collect() } else { labelled };
    let class = &report.followed_class;
    let expected = counted.iter().filter_map(|window| Some((window.mean_probability?, window.n_rows)));
    let expected = percent(mean(expected).unwrap_or_default());
    let true_shares = counted.iter().filter_map(|window| window.performance.as_ref());
    match mean(true_shares.map(|performance| (performance.share_true, performance.n_labelled))) {
        Some(happened) => format!("“{class}” came true in {} of rows, and {expected} were expected", percent(happened)),
        None => format!("“{class}” is expected in {expected} of rows"),
    }
}

/// In how many windows the labels drifted; none before a label has come.
pub(crate) fn label_drift(report: &Report, windows: &[WindowReport]) -> Option<String> {
    let judged = report.judged(windows);
    let figures: Vec<Figure> = judged.iter().filter_map(|window| report.label_drift(window.label_drift.as_ref()?)).collect();
    let drifted = figures.iter().filter(|figure| figure.drifted).count();
    let labelled = plural(figures.len(), "labelled window");
    match (figures.len(), drifted) {
        (0, _) => None,
        (_, 0) => {
            Some(format!("Labels held steady: in none of {labelled} did the true share leave that of the rows the version knew."))
        }
        _ => Some(format!(
            "Labels drifted: in {drifted} of {labelled} the true share is another than that of the rows the version knew, by more than chance."
        )),
    }
}

/// A text with a capital.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The mean of values with weights; none without weight.
fn mean(values: impl Iterator<Item = (f64, u64)>) -> Option<f64> {
    let (sum, weight) = values.fold((0.0, 0), |(sum, weight), (value, n)| (sum + value * n as f64, weight + n));
    (weight > 0).then(|| sum / weight as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::window_report;
    use crate::report_model::Performance;
    use crate::report_model::tests::report_of;

    fn window(month: &str, n_rows: u64, mean: f64, labelled: Option<(u64, f64)>) -> WindowReport {
        let performance = labelled.map(|(n_labelled, share_true)| Performance {
            version: 7,
            n_labelled,
            coverage: 1.0,
            share_true,
            roc_auc: None,
            average_precision: None,
            log_loss: None,
            brier: None,
            accuracy: None,
            f1: None,
        });
        WindowReport { mean_probability: Some(mean), performance, ..window_report(month, 7, n_rows) }
    }

    #[test]
    fn shares_weigh_rows_and_not_windows() {
        let windows = [
            window("2009-01", 900, 0.1, Some((900, 0.2))),
            window("2009-02", 100, 0.6, Some((300, 0.6))),
            window("2009-03", 1000, 0.9, None),
        ];
        let report = report_of(windows.to_vec());
        assert_eq!(shares(&report, &windows), "“yes” came true in 30.0 % of rows, and 15.0 % were expected");
        assert_eq!(shares(&report, &windows[2..]), "“yes” is expected in 90.0 % of rows");
    }
}
