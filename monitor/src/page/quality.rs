//! What the rows are like, beside their values.

use maud::{Markup, html};

use super::figures::{count, percent, plural};
use crate::report_model::{ColumnReport, Report, WindowReport};

/// Repeats, values that training never saw, silent days and sources, by window.
pub(crate) fn section(report: &Report, windows: &[WindowReport]) -> Markup {
    let judged = report.judged(windows);
    let remarkable: Vec<&&WindowReport> = judged.iter().filter(|window| !window.quality.problems().is_empty()).collect();
    html! {
        section {
            h2 {
                @match remarkable.len() {
                    0 => "Nothing stands out in the rows themselves",
                    n => { "Something stands out in the rows themselves in " (n) " of " (plural(judged.len(), "window")) }
                }
            }
            p.lead { "Rows that repeat an earlier one of their day in every column, values that training never saw, columns that hold one value only, and sources that fell silent." }
            @for window in remarkable.iter().rev().take(MAX_TOLD) {
                p.note { (window.window.title()) ": " (window.quality.problems().join("; ")) "." }
            }
            @if remarkable.len() > MAX_TOLD { p.note { "The table tells of " (remarkable.len() - MAX_TOLD) " more." } }
            details { summary { "Data quality in numbers" } (table(windows)) }
        }
    }
}

/// Windows that are told of in words.
const MAX_TOLD: usize = 6;

fn table(windows: &[WindowReport]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Window" } th { "Rows" } th { "Repeated" } th { "Unseen levels" } th { "Out of range" } th { "Days with rows" } th.text { "Sources" } th.text { "Remarkable" } } }
            tbody { @for window in windows { (row(window)) } }
        } }
    }
}

fn row(window: &WindowReport) -> Markup {
    let quality = &window.quality;
    let sources: Vec<String> = quality.sources.iter().map(|(source, n)| format!("{source} {}", count(*n))).collect();
    html! {
        tr {
            td { (window.window.title()) }
            td { (count(window.n_rows)) }
            td { @if let Some(n) = quality.n_repeated { (count(n)) @if n > 0 { " (" (percent(quality.share_repeated.unwrap_or(0.0))) ")" } } @else { "–" } }
            td { (cells(window, |column| column.n_unseen)) }
            td { (cells(window, |column| column.n_out_of_range)) }
            td { (quality.n_days) }
            td.text { (sources.join(", ")) }
            td.text { (quality.problems().join("; ")) }
        }
    }
}

/// How many cells, and in which column most.
fn cells(window: &WindowReport, of: fn(&ColumnReport) -> u64) -> Markup {
    let total: u64 = window.columns.iter().map(of).sum();
    let most = window.columns.iter().max_by_key(|column| of(column));
    html! {
        (count(total))
        @if let Some(column) = most.filter(|_| total > 0) { " (most in " (column.name) ")" }
    }
}
