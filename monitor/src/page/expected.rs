//! How good predictions are likely to be before labels come, and whether the labels that came bore it out.

use maud::{Markup, html};
use monitor_drift::Expected;

use super::figures::{count, metric, p_value, percent, plural};
use super::lines::{Series, lines};
use super::sections::two_places;
use crate::report_model::{Performance, Report, WindowReport};

/// Estimate and truth over time.
pub(crate) fn section(report: &Report, windows: &[WindowReport]) -> Markup {
    if windows.iter().all(|window| window.estimate.is_none()) {
        return html! {};
    }
    let auc = series(windows, |window| window.estimate?.roc_auc, |performance| performance.roc_auc);
    let log_loss = series(windows, |window| Some(window.estimate?.log_loss), |performance| performance.log_loss);
    html! {
        section {
            h2 { (title(report, windows)) }
            p.lead { "What the probabilities alone promise, beside what labels then showed. The promise is there at once, labels come later." }
            (warning(report, windows))
            (lines(windows, &auc, "AUC by window, expected and true", false, two_places))
            p.lead.next { "Log loss, expected and true. Lower is better." }
            (lines(windows, &log_loss, "Log loss by window, expected and true", false, two_places))
            details { summary { "Expected and true figures in numbers" } (table(windows)) }
        }
    }
}

/// The expected line with its band, and the true one where a label has come.
fn series(
    windows: &[WindowReport],
    expected: impl Fn(&WindowReport) -> Option<Expected>,
    figure: fn(&Performance) -> Option<f64>,
) -> Vec<Series> {
    let expected: Vec<Option<Expected>> = windows.iter().map(expected).collect();
    let promised = Series {
        band: expected.iter().map(|expected| expected.map(|expected| (expected.low, expected.high))).collect(),
        ..Series::new(
            "expected, with the range of 95 in 100",
            "mean",
            expected.iter().map(|expected| Some((*expected)?.value)).collect(),
        )
    };
    let truth: Vec<Option<f64>> = windows.iter().map(|window| window.performance.as_ref().and_then(figure)).collect();
    if truth.iter().all(Option::is_none) { vec![promised] } else { vec![Series::new("true", "truth", truth), promised] }
}

/// Labelled windows that can be judged, and those among them in which the promise was broken.
fn labelled<'w>(report: &Report, windows: &'w [WindowReport]) -> (Vec<&'w WindowReport>, Vec<&'w WindowReport>) {
    let labelled: Vec<&WindowReport> = report.judged(windows).into_iter().filter(|window| window.promise.is_some()).collect();
    let broken = labelled.iter().copied().filter(|window| broken(window)).collect();
    (labelled, broken)
}

fn broken(window: &WindowReport) -> bool {
    window.promise.as_ref().is_some_and(|promise| !promise.holds)
}

fn title(report: &Report, windows: &[WindowReport]) -> String {
    let newest = report.judged(windows).into_iter().rev().find_map(|window| Some((window, window.estimate?.roc_auc?)));
    match labelled(report, windows) {
        (labelled, broken) if !labelled.is_empty() && !broken.is_empty() => {
            format!(
                "Without labels, performance was misjudged: probabilities broke their promise in {} of {}",
                broken.len(),
                plural(labelled.len(), report.by.noun())
            )
        }
        (labelled, _) if !labelled.is_empty() => {
            "Probabilities kept their promise, so performance can be told before labels come".into()
        }
        _ => newest.map_or_else(
            || "How good the predictions are likely to be".into(),
            |(window, auc)| format!("Without labels, AUC is expected at {:.2} in {}", auc.value, window.window.title()),
        ),
    }
}

/// What to make of the estimate, for someone on call.
fn warning(report: &Report, windows: &[WindowReport]) -> Markup {
    let (labelled, broken) = labelled(report, windows);
    let Some(newest) = labelled.last() else {
        return html! { p.note { "No label has come yet, so no one knows whether the probabilities still mean what they say. If the world has changed, these figures are wrong and nothing here can show it." } };
    };
    let off = |window: &&&WindowReport| {
        window.promise.as_ref().map_or(0.0, |promise| (promise.calibration.observed - promise.calibration.expected).abs())
    };
    let worst = broken.iter().max_by(|a, b| off(a).total_cmp(&off(b)));
    let Some((worst, promise)) = worst.and_then(|worst| Some((worst, worst.promise.as_ref()?))) else {
        return html! { p.note { "Wherever labels have come, as many rows came true as the probabilities said, up to chance. The expected figures can be trusted as long as this goes on." } };
    };
    html! {
        p.banner role="note" {
            @if self::broken(newest) { strong { "Do not trust the expected figures now. " } } @else { strong { "The expected figures were wrong before. " } }
            "They assume that a probability still means what it meant at training. In " (worst.window.title()) " it did not: "
            (percent(promise.calibration.expected)) " of rows were expected to be “" (report.followed_class) "”, and " (percent(promise.calibration.observed)) " were. "
            @if self::broken(newest) {
                "In the newest labelled " (report.by.noun()) ", " (newest.window.title()) ", it still did not. Judge by labels, and retrain on them."
            } @else {
                "In the newest labelled " (report.by.noun()) ", " (newest.window.title()) ", it did again."
            }
        }
    }
}

fn table(windows: &[WindowReport]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "Window" }
                @for figure in ["AUC", "Log loss", "Brier", "Accuracy", "F1"] { th { (figure) " expected" } th { "true" } }
                th { "Share expected" } th { "true" } th { "p-value" } th.text { "Promise" } th { "Labels" }
            } }
            tbody { @for window in windows { (row(window)) } }
        } }
    }
}

/// A figure's name, what is expected of it, and where the true one stands.
type Pair = (&'static str, Option<Expected>, fn(&Performance) -> Option<f64>);

fn row(window: &WindowReport) -> Markup {
    let estimate = window.estimate.as_ref();
    let figures: [Pair; 5] = [
        ("roc_auc", estimate.and_then(|estimate| estimate.roc_auc), |own| own.roc_auc),
        ("log_loss", estimate.map(|estimate| estimate.log_loss), |own| own.log_loss),
        ("brier", estimate.map(|estimate| estimate.brier), |own| own.brier),
        ("accuracy", estimate.and_then(|estimate| estimate.accuracy), |own| own.accuracy),
        ("f1", estimate.and_then(|estimate| estimate.f1), |own| own.f1),
    ];
    let outside =
        |name: &str| window.promise.as_ref().is_some_and(|promise| promise.outside.iter().any(|outside| outside == name));
    html! {
        tr {
            td { (window.window.title()) @if window.open { " (open)" } }
            @for (name, expected, figure) in figures {
                td { (interval(expected)) }
                td.hot[outside(name)] { (metric(window.performance.as_ref().and_then(figure))) }
            }
            @match &window.promise {
                Some(promise) => {
                    td { (percent(promise.calibration.expected)) } td { (percent(promise.calibration.observed)) } td { (p_value(promise.calibration.p_value)) }
                    td.text.hot[!promise.holds] { @if promise.holds { "kept" } @else { "broken" } }
                }
                None => { td { (window.mean_probability.map_or_else(|| "–".into(), percent)) } td { "–" } td { "–" } td.text { "not known" } }
            }
            td { (window.performance.as_ref().map_or_else(|| "–".into(), |own| count(own.n_labelled))) }
        }
    }
}

/// `0.71 (0.66–0.75)`.
fn interval(expected: Option<Expected>) -> String {
    expected.map_or_else(|| "–".into(), |Expected { value, low, high }| format!("{value:.2} ({low:.2}–{high:.2})"))
}
