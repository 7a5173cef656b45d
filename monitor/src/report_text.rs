//! What goes to stdout: tables for people, JSON for programs.

use std::io::{ErrorKind, Write};
use std::path::Path;

use comfy_table::Table;
use monitor_drift::{Drift, Expected};
use serde::Serialize;

use crate::failure::FAILED;
use crate::ingest::Ingested;
use crate::page::{count, distance, metric, percent};
use crate::query::Query;
use crate::report_model::{Report, WindowReport};
use crate::text_table::table;

/// What `ingest` did.
pub(crate) fn ingested(ingested: &Ingested, as_json: bool) {
    if as_json {
        return json(ingested);
    }
    if ingested.is_empty() {
        return say("nothing was collected");
    }
    for (name, written) in [("predictions", &ingested.predictions), ("labels", &ingested.labels)] {
        say(&format!(
            "{name}: {} written, {} already in the log",
            count(written.n_written as u64),
            count(written.n_known as u64)
        ));
    }
    for (reason, n) in &ingested.set_aside {
        say(&format!("set aside: {} because {reason}", count(*n as u64)));
    }
    if ingested.n_set_aside > 0 {
        say(&format!("in collected/set-aside: {} records in all", count(ingested.n_set_aside)));
    }
}

/// What `report` found.
pub(crate) fn report(report: &Report, output: &Path, as_json: bool) {
    if as_json {
        return json(report);
    }
    say_synthetic(report);
    say(&format!("{}\n\n{}\n", report.verdict, windows(report)));
    for rows in &report.not_counted {
        say(&format!("not in all figures: {} rows of version {}: {}", count(rows.n_rows), rows.version, rows.reason));
    }
    for file in &report.damaged_files {
        say(&format!("damaged file set aside: {file}"));
    }
    if report.n_set_aside > 0 {
        say(&format!("in collected/set-aside: {} records that could not be written to the log", count(report.n_set_aside)));
    }
    say(&format!("written: {}", output.join("report.html").display()));
}

/// The counting query.
pub(crate) fn query(query: &Query, as_json: bool) {
    if as_json {
        return json(query);
    }
    say(query.sql.trim_end());
}

/// What `replay` came to.
pub(crate) fn replay(report: &Report, as_json: bool) {
    if as_json {
        return json(report);
    }
    say_synthetic(report);
    say(&format!("{}\n\n{}", windows(report), report.verdict));
}

fn say_synthetic(report: &Report) {
    if report.synthetic {
        say("SYNTHETIC ROWS: a generator made them, and these figures say nothing about real ones");
    }
}

/// The address a server listens on.
pub(crate) fn listening(address: std::net::SocketAddr) {
    say(&format!("listening on http://{address}"));
}

/// Writes a value as JSON.
pub(crate) fn json(value: &impl Serialize) {
    say(&serde_json::to_string_pretty(value).expect("our types are what JSON can say"));
}

fn windows(report: &Report) -> Table {
    let header = [
        "window",
        "version",
        "rows",
        "prediction drift\n(* too far)",
        "columns\ndrifted",
        "missing",
        "labelled",
        "AUC",
        "expected\nAUC",
        "log loss",
        "expected\nlog loss",
        "promise",
        "first model's\nAUC",
    ];
    let mut table = table(header, |at| at > 0);
    for window in &report.windows {
        table.add_row(row(report, window));
    }
    table
}

fn row(report: &Report, window: &WindowReport) -> [String; 13] {
    let performance = window.performance.as_ref();
    let mark = |drift: Drift| format!("{}{}", distance(drift.value), if drift.drifted { " *" } else { "  " });
    let drift = report.prediction_drift(window).map_or_else(|| "–".into(), mark);
    [
        format!("{}{}", window.name, if window.open { " (open)" } else { "" }),
        window.version.to_string(),
        count(window.n_rows),
        drift,
        format!("{} of {}", report.n_drifted(window), window.columns.len()),
        percent(window.missing_share_of_cells),
        performance.map_or_else(|| "–".into(), |performance| percent(performance.coverage)),
        metric(performance.and_then(|performance| performance.roc_auc)),
        range(window.estimate.and_then(|estimate| estimate.roc_auc)),
        metric(performance.and_then(|performance| performance.log_loss)),
        range(window.estimate.map(|estimate| estimate.log_loss)),
        window.promise.as_ref().map_or("–", |promise| if promise.holds { "kept" } else { "broken" }).to_owned(),
        metric(window.shadow.as_ref().and_then(|shadow| shadow.roc_auc)),
    ]
}

/// The range of a figure in 95 of 100 windows: `0.66–0.75`.
fn range(expected: Option<Expected>) -> String {
    expected.map_or_else(|| "–".into(), |Expected { low, high, .. }| format!("{low:.2}–{high:.2}"))
}

/// Writes a line to stdout. A reader that has gone away has seen what it wanted, and the exit code still tells what happened.
pub(crate) fn say(text: &str) {
    let Err(error) = writeln!(std::io::stdout().lock(), "{text}") else { return };
    if error.kind() != ErrorKind::BrokenPipe {
        eprintln!("error: cannot write the result: {error}");
        std::process::exit(FAILED.into());
    }
}
