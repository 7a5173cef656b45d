//! How good the model is on parts of the rows.

use data_contract::Slice;
use maud::{Markup, html};

use super::Report;
use super::figures::{count, estimate, percent};

/// A table per column, those with the widest differences first.
pub(super) fn section(report: &Report) -> Markup {
    let evaluation = &report.entries[0].evaluation;
    let groups: Vec<&[Slice]> = evaluation.slices.chunk_by(|a, b| a.column == b.column).collect();
    if groups.is_empty() {
        return html! {};
    }
    let overall = evaluation.metrics.get("log_loss").map(|estimate| estimate.value);
    html! {
        section {
            h2 { (title(&evaluation.slices, overall)) }
            p.lead { "The judged rows by a column's value. A share and a mean probability far apart mean that probabilities are off for these rows; few rows mean wide intervals." }
            @for (index, group) in groups.iter().enumerate() {
                details open[index < 3] { summary { (group[0].column) } (table(group, overall)) }
            }
        }
    }
}

fn title(slices: &[Slice], overall: Option<f64>) -> String {
    let hard = |slice: &&Slice| overall.is_some_and(|overall| slice.log_loss.low > overall);
    let worst = slices.iter().filter(hard).max_by(|a, b| a.log_loss.value.total_cmp(&b.log_loss.value));
    worst.map_or_else(
        || "No part of the rows is clearly harder than the rest".into(),
        |slice| format!("Hardest where “{}” is {}", slice.column, slice.value),
    )
}

fn table(group: &[Slice], overall: Option<f64>) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "Value" } th { "Rows" } th { "Share true" } th { "Mean probability" } th { "Log loss" } th { "AUC" } } }
            tbody {
                @for slice in group {
                    @let hard = overall.is_some_and(|overall| slice.log_loss.low > overall);
                    tr {
                        td { (slice.value) } td { (count(slice.n_rows)) } td { (percent(slice.share)) } td { (percent(slice.probability)) }
                        td class=(if hard { "hot" } else { "" }) { (estimate(&slice.log_loss)) }
                        td { @if let Some(auc) = &slice.roc_auc { (estimate(auc)) } @else { "–" } }
                    }
                }
            }
        } }
    }
}
