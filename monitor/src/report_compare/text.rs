//! The outcome as tables under a sentence.

use std::path::Path;

use comfy_table::Table;

use crate::figure::Figure;
use crate::page::{count, distance, p_value, percent, signed};
use crate::report_compare::outcome::{Outcome, SideReport};
use crate::report_compare::performance::Metric;
use crate::report_model::Distribution;
use crate::report_text::say;
use crate::text_table::table;

/// Prints the outcome.
pub(crate) fn print(outcome: &Outcome, page: &Path) {
    say(&format!("{}\n\n{}\n", outcome.verdict, columns(outcome)));
    if !outcome.performance.is_empty() {
        say(&format!("{}\n", performance(outcome)));
    }
    for side in [&outcome.reference, &outcome.current] {
        say(&format!("{}: {}", side.title, facts(side)));
    }
    outcome.notes.iter().for_each(|note| say(&format!("note: {note}")));
    for column in &outcome.left_out {
        say(&format!("left out: {}: {}", column.column, column.reason));
    }
    say(&format!("written: {}", page.display()));
}

fn facts(side: &SideReport) -> String {
    let mut facts = vec![format!("{} predictions", count(side.n_rows)), format!("{} labelled", count(side.n_labelled))];
    facts.extend(side.mean_probability.map(|mean| format!("mean probability {}", percent(mean))));
    facts.push(format!("{} of cells missing", percent(side.missing_share_of_cells)));
    facts.join(", ")
}

fn columns(outcome: &Outcome) -> Table {
    let header = ["column", "kind", "statistic", "value", "threshold", "p-value", "missing before", "after", "drifted"];
    let mut table = table(header, |at| (3..8).contains(&at));
    if let Some(prediction) = &outcome.prediction {
        table.add_row(row(outcome, prediction, outcome.prediction_figure(), ["–".into(), "–".into()]));
    }
    for column in &outcome.columns {
        let missing = [column.missing_reference, column.missing_current].map(percent);
        table.add_row(row(outcome, &column.distribution, outcome.figure(column), missing));
    }
    table
}

fn row(outcome: &Outcome, column: &Distribution, figure: Option<Figure>, [before, after]: [String; 2]) -> [String; 9] {
    let dash = || "–".to_owned();
    [
        column.name.clone(),
        if column.dates { "dates".into() } else { column.kind.to_string() },
        figure.map_or_else(dash, |figure| figure.name.to_owned()),
        figure.map_or_else(dash, |figure| distance(figure.value)),
        figure.map_or_else(dash, |figure| figure.limit.to_string()),
        outcome.p_value(column).map_or_else(dash, p_value),
        before,
        after,
        figure.map_or("not judged", |figure| if figure.drifted { "yes" } else { "no" }).to_owned(),
    ]
}

fn performance(outcome: &Outcome) -> Table {
    let mut table = table(["performance", "before", "after", "difference", "95 in 100"], |at| at > 0);
    for metric in &outcome.performance {
        table.add_row([
            metric.title.to_owned(),
            value(metric.reference),
            value(metric.current),
            metric.difference.map_or_else(|| "–".into(), signed),
            interval(metric),
        ]);
    }
    table
}

fn value(value: Option<f64>) -> String {
    crate::page::metric(value)
}

/// `−0.102 to +0.040`.
pub(crate) fn interval(metric: &Metric) -> String {
    metric.interval.map_or_else(|| "–".into(), |(low, high)| format!("{} to {}", signed(low), signed(high)))
}
