//! The outcome as a table under a sentence.

use comfy_table::Table;

use crate::compare::outcome::{ColumnDrift, Comparison};
use crate::page::{count, percent};
use crate::report_text::say;
use crate::text_table;

/// Columns of the table that hold numbers.
const NUMBERS: [usize; 2] = [3, 4];

/// Prints the outcome.
pub(crate) fn print(comparison: &Comparison) {
    say(&format!("{}\n\n{}\n", comparison.verdict, table(comparison)));
    say(&format!("rows: {} of reference, {} of current", count(comparison.n_reference), count(comparison.n_current)));
    if comparison.binned {
        say("numbers were counted in cells: figures are near the exact ones, not equal to them");
    }
    let missing = &comparison.missing;
    say(&format!(
        "missing: {} of the current cells ({:.3} a row), {} of the reference's",
        percent(missing.current.share_of_cells),
        missing.current.cells_per_row,
        percent(missing.reference.share_of_cells),
    ));
    for column in &comparison.left_out {
        say(&format!("left out: {}: {}", column.column, column.reason));
    }
}

fn table(comparison: &Comparison) -> Table {
    let mut table =
        text_table::table(["column", "kind", "statistic", "value", "threshold", "drifted"], |at| NUMBERS.contains(&at));
    for column in &comparison.columns {
        table.add_row(row(column));
    }
    table
}

fn row(column: &ColumnDrift) -> [String; 6] {
    [
        column.column.clone(),
        column.kind.to_string(),
        column.method.unwrap_or(column.statistic).to_owned(),
        figure(column.value),
        figure(column.threshold),
        if column.drifted { "yes" } else { "no" }.to_owned(),
    ]
}

fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.0001 => format!("{value:.1e}"),
        size if size < 100.0 => format!("{value:.4}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_at_any_size() {
        let shown = [0.0, 1.3e-49, 0.00938, 0.1, 1.95, 1234.5].map(figure);
        assert_eq!(shown, ["0", "1.3e-49", "0.0094", "0.1000", "1.9500", "1234"]);
    }
}
