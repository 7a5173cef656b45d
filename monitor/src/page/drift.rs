//! Prediction drift over time: bars, the threshold, and where alerts fired.

use maud::{Markup, html};

use super::axes::{Frame, WIDTH, px};
use super::figures::{count, distance, p_value};
use crate::report_model::{Report, WindowReport};

/// Below this, a p-value means drift.
pub(crate) const P_VALUE_LIMIT: f64 = 0.05;

/// The chart.
pub(crate) fn chart(report: &Report, windows: &[WindowReport]) -> Markup {
    let height = 270.0;
    let drifts = || windows.iter().filter_map(|window| report.prediction_drift(window));
    let frame = Frame::new(windows, height, drifts().flat_map(|drift| [drift.value, drift.threshold * 1.4]), true);
    html! {
        (key())
        div.scroll {
            svg.wide viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="Prediction drift by window" {
                (frame.draw(distance_of_tick))
                @for (slot, window) in windows.iter().enumerate() { (bar(&frame, slot, window, report)) }
                (thresholds(&frame, windows, report))
            }
        }
    }
}

/// The threshold of each window's distance; there is none that p-values could be above.
fn thresholds(frame: &Frame, windows: &[WindowReport], report: &Report) -> Markup {
    let of = |window| report.prediction_drift(window).filter(|drift| !drift.statistic.is_p_value()).map(|drift| drift.threshold);
    let limits: Vec<(usize, f64)> = windows.iter().enumerate().filter_map(|(slot, window)| Some((slot, of(window)?))).collect();
    let half = frame.slot_width() / 2.0;
    html! {
        @for &(slot, limit) in &limits {
            line.limit x1=(px(frame.x(slot) - half)) x2=(px(frame.x(slot) + half)) y1=(px(frame.y(limit))) y2=(px(frame.y(limit))) {}
        }
        @if let Some((_, limit)) = limits.last() {
            text.limit-text x=(px(frame.right() + 6.0)) y=(px(frame.y(*limit) - 2.0)) { "threshold" }
            text.limit-text x=(px(frame.right() + 6.0)) y=(px(frame.y(*limit) + 12.0)) { (distance(*limit)) }
        }
    }
}

/// The numbers behind it.
pub(crate) fn table(report: &Report, windows: &[WindowReport]) -> Markup {
    let tidemark = report.by_tidemark();
    html! {
        div.scroll {
            table {
                thead { tr {
                    th { "Window" } th { "Version" } th { "Predictions" }
                    @if tidemark { th { "Moved by" } th { "p-value" } th { "Sure from" } }
                    th.text { "Evidently’s statistic" } th { "Value" }
                    @if tidemark { th { "Columns drifted" } }
                    th { @if tidemark { "By Evidently" } @else { "Columns drifted" } } th { "Unseen levels" }
                } }
                tbody {
                    @for window in windows {
                        tr {
                            td { (window.window.title()) @if window.open { " (open)" } }
                            td { (window.version) }
                            td { (count(window.n_rows)) }
                            @if tidemark { (verdict_cells(window)) }
                            @if let Some(drift) = window.prediction {
                                td.text { (drift.statistic.evidently_name()) }
                                td.hot[!tidemark && report.rules_broken(window)] { (distance(drift.value)) }
                            } @else { td.text { "–" } td { "–" } }
                            @if tidemark { td { (window.n_shifted) " of " (window.columns.len()) } }
                            td { (window.n_drifted) " of " (window.columns.len()) }
                            td { (count(window.n_unseen)) }
                        }
                    }
                }
            }
        }
    }
}

fn verdict_cells(window: &WindowReport) -> Markup {
    html! {
        @match window.prediction_verdict {
            Some(verdict) => { td.hot[verdict.drifted] { (distance(verdict.effect)) } td { (p_value(verdict.p_value)) } td { (p_value(verdict.sure_from)) } },
            None => { td { "–" } td { "–" } td { "–" } },
        }
    }
}

fn bar(frame: &Frame, slot: usize, window: &WindowReport, report: &Report) -> Markup {
    let Some(drift) = report.prediction_drift(window) else { return html! {} };
    let width = (frame.slot_width() * 0.62).min(44.0);
    let (x, y) = (frame.x(slot), frame.y(drift.value));
    let few = window.n_rows < report.rules.minimum_rows;
    let alert = report.prediction_alerts().find(|alert| alert.window == window.name && alert.version == window.version);
    let class = format!("bar{}{}", if drift.drifted { " hot" } else { "" }, if few { " few" } else { "" });
    html! {
        rect class=(class) x=(px(x - width / 2.0)) y=(px(y)) width=(px(width)) height=(px((frame.floor() - y).max(1.0))) rx="1.5" {
            title { (window.window.title()) ": " (drift.statistic.evidently_name()) " " (distance(drift.value)) ", " (count(window.n_rows)) " predictions" }
        }
        @if let Some(alert) = alert {
            path.alert d=(format!("M{} {}l5 -9h-10z", px(x), px(y - 5.0))) { title { (alert.summary) } }
        }
    }
}

fn key() -> Markup {
    html! {
        ul.key {
            li { svg width="12" height="12" aria-hidden="true" { rect.bar width="12" height="12" rx="1.5" {} } "not drifted: within the threshold, or by chance" }
            li { svg width="12" height="12" aria-hidden="true" { rect class="bar hot" width="12" height="12" rx="1.5" {} } "drifted" }
            li { svg width="12" height="12" aria-hidden="true" { rect class="bar few" width="12" height="12" rx="1.5" {} } "too few predictions to judge" }
            li { svg width="12" height="10" aria-hidden="true" { path.alert d="M6 10l5 -9h-10z" {} } "alert" }
            li { svg width="10" height="12" aria-hidden="true" { line.change x1="5" x2="5" y1="0" y2="12" {} } "another version went into production" }
        }
    }
}

fn distance_of_tick(value: f64) -> String {
    let text = format!("{value:.2}");
    text.strip_suffix('0').map(str::to_owned).unwrap_or(text)
}
