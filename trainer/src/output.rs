//! Everything that is printed on stdout, and the one place that prints errors.

use std::io::{ErrorKind, Write};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::failure::{DONE, FAILED, hint_of};

/// What a table shows where there is nothing.
pub(crate) const DASH: &str = "–";

/// A result that can be shown as a table or as JSON.
pub(crate) trait Shown: Serialize {
    /// What a person reads.
    fn text(&self) -> String;
}

/// Prints a result.
pub(crate) fn show(result: &impl Shown, json: bool) {
    if json {
        say(&serde_json::to_string_pretty(result).expect("a result holds only what JSON can say"));
    } else {
        say(&result.text());
    }
}

/// Writes to stdout; a reader that has gone away has seen what it wanted.
fn say(text: &str) {
    let Err(error) = writeln!(std::io::stdout().lock(), "{text}") else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(DONE.into());
    }
    eprintln!("error: cannot write the result: {error}");
    std::process::exit(FAILED.into());
}

/// Prints an error and its remedy on stderr; with `--json` also as an object on stdout.
pub(crate) fn failure(error: &anyhow::Error, json: bool) {
    let hint = hint_of(error);
    eprintln!("error: {error:#}");
    if let Some(hint) = &hint {
        eprintln!("hint: {hint}");
    }
    if json {
        say(&serde_json::json!({ "error": format!("{error:#}"), "hint": hint }).to_string());
    }
}

/// A table with a header line; every column but the first `n_left` holds numbers.
pub(crate) fn table(header: &[&str], n_left: usize, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header).add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_cell_alignment(if index < n_left { CellAlignment::Left } else { CellAlignment::Right });
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A number as tables show it, or a dash.
pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| DASH.into(), |value| format!("{value:.4}"))
}
