//! The report as one page: no script, no other file, light and dark.

mod axes;
mod causes;
mod compare;
mod domain;
mod drift;
mod expected;
mod figures;
mod heat_map;
mod lines;
mod panels;
mod quality;
mod sections;
mod segments;
mod tables;
mod titles;
mod verdict;

pub(crate) use compare::render as render_comparison;
pub(crate) use figures::{count, distance, metric, p_value, percent, plural, signed};
pub(crate) use verdict::verdict;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report_model::Report;

/// The mark, in the page itself.
const ICON: &str = concat!("data:image/svg+xml;base64,", include_str!("../../web/mark.base64"));

/// Windows that fit on the page; `report.json` holds all.
const MAX_WINDOWS: usize = 60;

/// The page.
pub(crate) fn render(report: &Report) -> String {
    let first = report.windows.len().saturating_sub(MAX_WINDOWS);
    let windows = &report.windows[first..];
    let body = html! {
        (sections::head(report))
        main {
            @if !windows.is_empty() {
                (sections::prediction_drift(report, windows))
                (sections::columns(report, windows))
                (causes::section(report, windows))
                (domain::section(windows))
                (sections::performance(report, windows))
                (expected::section(report, windows))
                (sections::shares(report, windows))
                (segments::section(report))
                (sections::missing(report, windows))
                (quality::section(report, windows))
                (sections::distributions(report, windows))
            }
            (sections::alerts(report))
            (sections::versions(report))
            (sections::terms(report))
        }
        (foot(report, first))
    };
    document(&report.model, &report.verdict, &body)
}

/// A whole page about a model.
fn document(model: &str, verdict: &str, body: &Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (model) ": " (verdict) }
                link rel="icon" href=(ICON);
                style { (PreEscaped(include_str!("page/report.css"))) }
            }
            body { (body) }
        }
    };
    markup.into_string()
}

fn foot(report: &Report, n_left_out: usize) -> Markup {
    html! {
        footer {
            @if n_left_out > 0 { p { "The page shows the newest " (MAX_WINDOWS) " windows; report.json holds " (n_left_out) " older ones too." } }
            p {
                "Made by " code { "monitor report" } " on " (report.generated.format("%-d %B %Y at %H:%M UTC")) "; "
                "the same content as data: " a href="report.json" { "report.json" } "; its figures as a table: "
                a href="metrics.parquet" { "metrics.parquet" } ", " a href="metrics.csv" { "metrics.csv" } "."
            }
        }
    }
}
