//! The report on trained versions as one page: no script, no other file, light and dark.

mod axes;
mod curve_table;
mod curves;
mod dependence;
mod figures;
mod importance;
mod leaderboard;
mod profit;
mod sections;
mod slices;
mod square;

pub(crate) use sections::verdict;

use chrono::{DateTime, Utc};
use data_contract::{Evaluation, Manifest, Stage};
use maud::{DOCTYPE, PreEscaped, html};

/// The mark, in the page itself.
const ICON: &str = concat!("data:image/svg+xml;base64,", include_str!("../../web/mark.base64"));

/// A version with what is known about it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// What it is and where it came from.
    pub(crate) manifest: Manifest,
    /// How good it is.
    pub(crate) evaluation: Evaluation,
    /// Where it stands.
    pub(crate) stage: Stage,
    /// Size of its model file.
    pub(crate) bytes: u64,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Title of the dataset, for people.
    pub(crate) title: String,
    /// The classes, in the order of the probabilities.
    pub(crate) classes: Vec<String>,
    /// Versions judged on the same rows, best first; the first is looked at closely.
    pub(crate) entries: Vec<Entry>,
    /// When the report was made.
    pub(crate) generated: DateTime<Utc>,
}

/// The page. There is at least one entry.
pub(crate) fn render(report: &Report) -> String {
    let best = &report.entries[0];
    let evaluation = &best.evaluation;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (best.manifest.name) ": " (verdict(report)) }
                link rel="icon" href=(ICON);
                style { (PreEscaped(include_str!("page/report.css"))) }
            }
            body {
                (sections::head(report))
                main {
                    (leaderboard::section(report))
                    (curves::ranking(report))
                    (curves::reliability(report))
                    (sections::decision(report))
                    (profit::section(evaluation))
                    (importance::section(evaluation))
                    (dependence::section(report))
                    (slices::section(report))
                    (sections::origin(best))
                    (sections::terms())
                }
                (sections::foot(report))
            }
        }
    };
    markup.into_string()
}
