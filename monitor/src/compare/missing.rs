//! What is missing from a file, in the two meanings that Evidently has had.
//!
//! Version 0.7 counts nulls and NaN over the number of *rows*; version 0.4 counts infinities and empty texts too, over all cells.
//! Every column of the file takes part, compared or not, unless `--columns` names some.

use std::collections::BTreeSet;

use anyhow::Result;
use monitor_drift::Counts;
use serde::Serialize;

use crate::compare::count::Values;
use crate::compare::plan::Plan;
use crate::compare::table::{Column, Storage, Table};
use crate::engine::{Engine, quote_name};

/// Most columns of one query.
const MAX_ASKED: usize = 500;

/// What is missing from one file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Missing {
    /// Cells that are null or NaN.
    pub(crate) cells: u64,
    /// These over the rows: `DatasetMissingValueCount.share` of Evidently 0.7, which can exceed 1.
    pub(crate) cells_per_row: f64,
    /// Null, NaN, infinite and empty cells over all cells: `DatasetMissingValuesMetric` of Evidently 0.4.
    pub(crate) share_of_cells: f64,
}

/// Missing cells being counted.
#[derive(Default)]
pub(crate) struct Tallied {
    n_missing: u64,
    n_like_missing: u64,
    seen: BTreeSet<String>,
}

impl Tallied {
    /// Adds a column that has been counted.
    pub(crate) fn add(&mut self, name: &str, values: &Values) {
        let (n_missing, n_like_missing) = match values {
            Values::Counted(Counts::Numeric(counts)) => (counts.n_missing(), counts.n_infinite()),
            Values::Counted(Counts::Categorical(counts)) if counts.n_rows() == 0 => return,
            Values::Counted(Counts::Categorical(counts)) => {
                (counts.n_missing(), counts.levels().get("").copied().unwrap_or_default())
            }
            Values::FreeText { n_missing, n_empty } => (*n_missing, *n_empty),
        };
        self.n_missing += n_missing;
        self.n_like_missing += n_like_missing;
        self.seen.insert(name.to_owned());
    }

    /// Adds the columns of a table that have not been counted.
    pub(crate) fn add_the_rest(&mut self, engine: &Engine, table: &Table, plan: &Plan) -> Result<()> {
        let unseen = |column: &&Column| plan.takes(&column.name) && !self.seen.contains(&column.name);
        let rest: Vec<&Column> = table.columns.iter().filter(unseen).collect();
        for columns in rest.chunks(MAX_ASKED) {
            let list: Vec<String> = columns.iter().flat_map(|column| both_counts(column)).collect();
            let sql = format!("SELECT [{}] FROM {}", list.join(", "), table.relation);
            let sql = format!("SELECT unnest(counts) FROM ({sql}) AS asked(counts)");
            let counts = table.reading(engine.query(&sql, |row| Ok(row.get::<_, u64>(0)?)))?;
            self.n_missing += counts.iter().step_by(2).sum::<u64>();
            self.n_like_missing += counts.iter().skip(1).step_by(2).sum::<u64>();
        }
        self.seen.extend(rest.iter().map(|column| column.name.clone()));
        Ok(())
    }

    /// The shares, over the rows of a file.
    pub(crate) fn over(&self, n_rows: u64) -> Missing {
        let cells = n_rows * self.seen.len() as u64;
        Missing {
            cells: self.n_missing,
            cells_per_row: self.n_missing as f64 / n_rows as f64,
            share_of_cells: (self.n_missing + self.n_like_missing) as f64 / cells as f64,
        }
    }
}

/// How often a column is missing, and how often as good as.
fn both_counts(column: &Column) -> [String; 2] {
    let name = quote_name(&column.name);
    let [missing, like_missing] = match column.storage {
        Storage::Float => [format!("{name} IS NULL OR isnan({name})"), format!("isinf({name})")],
        Storage::Text => [format!("{name} IS NULL"), format!("{name} = ''")],
        _ => [format!("{name} IS NULL"), "false".to_owned()],
    };
    [missing, like_missing].map(|condition| format!("count(*) FILTER (WHERE {condition})"))
}
