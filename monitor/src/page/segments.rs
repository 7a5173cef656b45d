//! The report by the values of a column.

use maud::{Markup, html};

use super::figures::{count, distance, metric, percent, plural};
use crate::report_model::{Report, WindowReport, newest};
use crate::segments::{SegmentReport, Segments};

/// Windows of a segment that fit on the page; `report.json` holds all.
const MAX_WINDOWS: usize = 12;

/// Each segment in a line, and its windows in numbers; nothing where it was not asked for.
pub(crate) fn section(report: &Report) -> Markup {
    let Some(segments) = &report.segments else { return html! {} };
    html! {
        section {
            h2 { (title(report, segments)) }
            p.lead { "Each segment against its own reference: its rows among those the version knew. Figures are of the newest window in which a segment has " (count(report.rules.minimum_rows)) " rows to be judged by; where none has, of the newest." }
            @if segments.n_left_out > 0 { p.note { (plural(segments.n_left_out, "rarer level")) " left out." } }
            @for problem in &segments.problems { p.note { "Of some windows nothing is told: " (problem) "." } }
            (summary(report, segments))
            details { summary { "Segments in numbers, the newest " (MAX_WINDOWS) " windows" } @for segment in &segments.segments { h3 { (segments.column) ": " (segment.name) } (windows(report, segment)) } }
        }
    }
}

fn title(report: &Report, segments: &Segments) -> String {
    let drifted = |segment: &&SegmentReport| n_drifted(report, segment).0 > 0;
    let n_drifted = segments.segments.iter().filter(drifted).count();
    format!("By “{}”, predictions drifted in {n_drifted} of {}", segments.column, plural(segments.segments.len(), "segment"))
}

/// Windows in which predictions drifted, and windows that can be judged.
fn n_drifted(report: &Report, segment: &SegmentReport) -> (usize, usize) {
    let judged = || segment.windows.iter().filter(|window| window.judged(&report.rules));
    (judged().filter(|window| report.rules_broken(window)).count(), judged().count())
}

fn summary(report: &Report, segments: &Segments) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th.text { (segments.column) } th { "Of the reference" } th { "Windows drifted" } th { "Window" } th { "Rows" } th { "Prediction drift" } th { "Mean probability" } th { "At training" } th { "AUC" } th { "Log loss" } th { "Expected" } } }
            tbody { @for segment in &segments.segments { (line(report, segment)) } }
        } }
    }
}

fn line(report: &Report, segment: &SegmentReport) -> Markup {
    let (n_drifted, n_judged) = n_drifted(report, segment);
    let newest = newest(&segment.windows, &report.rules);
    html! {
        tr {
            td.text { (segment.name) }
            td { (percent(segment.reference_share)) }
            td { (n_drifted) " of " (n_judged) }
            @match newest {
                Some(window) => { td { (window.window.title()) } (figures(report, window)) }
                None => td colspan="8" { "no rows" },
            }
        }
    }
}

fn figures(report: &Report, window: &WindowReport) -> Markup {
    let drift = report.prediction_drift(window);
    let performance = window.performance.as_ref();
    let mean = |value: Option<f64>| value.map_or("–".to_owned(), percent);
    html! {
        td { (count(window.n_rows)) }
        td.hot[report.rules_broken(window)] { @if let Some(drift) = drift { (distance(drift.value)) } @else { "–" } }
        td { (mean(window.mean_probability)) }
        td { (mean(window.reference_mean)) }
        td { (metric(performance.and_then(|performance| performance.roc_auc))) }
        td { (metric(performance.and_then(|performance| performance.log_loss))) }
        td { (metric(window.estimate.map(|estimate| estimate.log_loss.value))) }
    }
}

fn windows(report: &Report, segment: &SegmentReport) -> Markup {
    let newest = &segment.windows[segment.windows.len().saturating_sub(MAX_WINDOWS)..];
    html! {
        div.scroll { table {
            thead { tr { th { "Window" } th { "Rows" } th { "Prediction drift" } th { "Mean probability" } th { "At training" } th { "AUC" } th { "Log loss" } th { "Expected" } } }
            tbody { @for window in newest { tr { td { (window.window.title()) } (figures(report, window)) } } }
        } }
    }
}
