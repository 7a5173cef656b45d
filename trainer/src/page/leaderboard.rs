//! Versions side by side: the metric that ranks them, with its interval.

use maud::{Markup, html};

use super::axes::{Scale, px};
use super::figures::{count, ends, learner, metric, name, size};
use super::{Entry, Report};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 205.0;
const ROW: f64 = 34.0;
const METRICS: [&str; 8] =
    ["log_loss", "roc_auc", "average_precision", "brier", "accuracy", "f1", "recall_at_top_10", "expected_calibration_error"];

/// Chart and table of the versions.
pub(super) fn section(report: &Report) -> Markup {
    let first = &report.entries[0].evaluation;
    html! {
        section {
            h2 { (title(report)) }
            p.lead {
                "Ranked by " (name(&first.selected_by)) " on " (count(first.n_rows)) " rows that the judged models did not learn from"
                @if !first.weights.is_empty() { ", each by its weight" }
                @if first.n_folds > 1 { ", each held out in one of " (first.n_folds) " folds" }
                @if first.n_repeats > 1 { ", " (first.n_repeats) " times over" }
                ". A line is the 95 % interval; versions whose lines overlap much are about equally good."
            }
            (chart(report))
            details open { summary { "All metrics" } (table(report)) }
        }
    }
}

fn title(report: &Report) -> String {
    let best = &report.entries[0];
    match report.entries.len() {
        1 => format!("Version {} is the only one judged on these rows", best.manifest.version),
        n => format!("{} leads {n} versions", capital(&learner(&best.manifest))),
    }
}

fn chart(report: &Report) -> Markup {
    let selected_by = &report.entries[0].evaluation.selected_by;
    let estimates: Vec<_> = report.entries.iter().map(|entry| entry.evaluation.metrics.get(selected_by)).collect();
    let ends = estimates.iter().flatten().flat_map(|estimate| [estimate.low, estimate.high]);
    let scale = Scale::around(ends, LEFT, WIDTH - 24.0);
    let floor = ROW * report.entries.len() as f64 + 8.0;
    html! {
        div.scroll tabindex="0" {
            svg.wide viewBox=(format!("0 0 {WIDTH} {}", px(floor + 44.0))) role="img" aria-label=(format!("{} of every version with its interval", name(selected_by))) {
                text x=(px((LEFT + WIDTH) / 2.0)) y=(px(floor + 38.0)) text-anchor="middle" { (capital(name(selected_by))) ", " (better(selected_by)) }
                @for tick in scale.ticks() {
                    line class="grid" x1=(px(scale.at(tick))) x2=(px(scale.at(tick))) y1="4" y2=(px(floor)) {}
                    text x=(px(scale.at(tick))) y=(px(floor + 18.0)) text-anchor="middle" { (scale.label(tick)) }
                }
                @for (row, (entry, estimate)) in report.entries.iter().zip(&estimates).enumerate() {
                    @let y = ROW * (row as f64 + 0.5) + 6.0;
                    text.name x="0" y=(px(y + 4.0)) { "v" (entry.manifest.version) " " (learner(&entry.manifest)) }
                    @if let Some(estimate) = estimate {
                        line class={ "span v" (row.min(5)) } x1=(px(scale.at(estimate.low))) x2=(px(scale.at(estimate.high))) y1=(px(y)) y2=(px(y)) {}
                        circle class={ "dot v" (row.min(5)) } cx=(px(scale.at(estimate.value))) cy=(px(y)) r="6" {
                            title { "version " (entry.manifest.version) ": " (super::figures::estimate(estimate)) }
                        }
                    }
                }
            }
        }
    }
}

fn better(metric: &str) -> &'static str {
    if matches!(metric, "log_loss" | "brier" | "expected_calibration_error") { "less is better" } else { "more is better" }
}

fn table(report: &Report) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                th { "Version" } th.text { "Family and stage" }
                @for metric in METRICS { th { (capital(name(metric))) } }
                th { "CPU s" } th { "Size" }
            } }
            tbody { @for entry in &report.entries { (line(entry)) } }
        } }
        p.note { "Small numbers are the 95 % interval." }
    }
}

fn line(entry: &Entry) -> Markup {
    let manifest = &entry.manifest;
    html! {
        tr {
            td { (manifest.version) } td.text { (learner(manifest)) small { (entry.stage) } }
            @for name in METRICS {
                @match entry.evaluation.metrics.get(name) {
                    Some(found) => td { (metric(found.value)) small { (ends(found)) } },
                    None => td { "–" },
                }
            }
            td { (format!("{:.2}", manifest.fit_cpu_secs)) } td { (size(entry.bytes)) }
        }
    }
}

/// The text with a capital at its start.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
