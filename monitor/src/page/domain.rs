//! Drift of all columns together.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::figures::{count, metric, plural};
use crate::domain::Domain;
use crate::report_model::WindowReport;

/// How well the rows of newer windows can be told from those that the version knew; nothing where it was not asked.
pub(crate) fn section(windows: &[WindowReport]) -> Markup {
    let asked: Vec<(&WindowReport, &Domain)> =
        windows.iter().filter_map(|window| Some((window, window.domain.as_ref()?))).collect();
    let problems: BTreeSet<&str> = windows.iter().filter_map(|window| window.domain_problem.as_deref()).collect();
    if asked.is_empty() && problems.is_empty() {
        return html! {};
    }
    let drifted = asked.iter().filter(|(_, domain)| domain.drifted).count();
    html! {
        section {
            h2 { (title(drifted, asked.len())) }
            p.lead { "All columns together: a random forest learns to tell rows of a window from rows that its version knew, and is judged on rows held out. 0.5 is chance; it also sees columns that no longer go together, though each looks as before." }
            @for problem in &problems { p.note { "Of some windows this cannot be told: " (problem) "." } }
            @if !asked.is_empty() { div.scroll { table {
                thead { tr { th { "Window" } th { "Version" } th { "AUC" } th { "Told apart from" } th { "Rows compared" } th.text { "By these columns most" } } }
                tbody { @for (window, domain) in asked.iter().rev() { (row(window, domain)) } }
            } } }
        }
    }
}

fn title(drifted: usize, asked: usize) -> String {
    let newest = match asked {
        1 => "the newest window".to_owned(),
        n => format!("the newest {}", plural(n, "window")),
    };
    match drifted {
        _ if asked == 0 => "Whether rows can be told from those their version knew is not known".to_owned(),
        0 => format!("Rows of {newest} cannot be told from those their version knew"),
        n if n == asked => format!("Rows of {newest} can be told from those their version knew"),
        n => format!("In {n} of {newest} rows can be told from those their version knew"),
    }
}

fn row(window: &WindowReport, domain: &Domain) -> Markup {
    html! {
        tr {
            td { (window.window.title()) }
            td { (window.version) }
            td.hot[domain.drifted] { (metric(Some(domain.roc_auc))) }
            td { (metric(Some(domain.threshold))) }
            td { (count(domain.n_rows as u64)) }
            td.text { @if domain.columns.is_empty() { "–" } @else { (domain.columns.join(", ")) } }
        }
    }
}
