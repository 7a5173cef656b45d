//! `monitor query`: the counting query of a version, for an engine that holds the log elsewhere.

use anyhow::Result;
use data_contract::Home;
use serde::Serialize;

use crate::args::QueryArgs;
use crate::counting::{CountedColumn, count_query, counted_columns, own_rows};
use crate::failure::Failure;
use crate::report_text;
use crate::versions::{Versions, production};

/// The query and what its answer's columns mean.
#[derive(Serialize)]
pub(crate) struct Query {
    /// The SQL.
    pub(crate) sql: String,
    /// The columns that its `column_at` numbers, from 0.
    pub(crate) columns: Vec<QueryColumn>,
}

/// A counted column.
#[derive(Serialize)]
pub(crate) struct QueryColumn {
    name: String,
    /// Where numbers are counted by cells: cell k holds those from k widths up to k + 1.
    cell_width: Option<f64>,
}

/// Prints the query.
pub(crate) fn run(home: &Home, args: &QueryArgs, json: bool) -> Result<()> {
    let number = match args.version {
        Some(number) => number,
        None => production(home)?.ok_or_else(|| Failure::NoProduction { folder: home.production() })?.version,
    };
    let mut versions = Versions::default();
    let missing = || Failure::NoVersion { version: number, folder: home.root().to_owned() };
    let version = versions.get(home, number)?.ok_or_else(missing)?;
    let filter = own_rows(args.dialect, &version.manifest.name, &version.contract);
    let columns = counted_columns(version);
    let sql = count_query(args.dialect, &args.log, &columns, &filter);
    report_text::query(&Query { sql, columns: columns.iter().map(described).collect() }, json);
    Ok(())
}

fn described(column: &CountedColumn) -> QueryColumn {
    QueryColumn { name: column.name().to_owned(), cell_width: column.cell_width() }
}
