//! Whatever can count the log: an engine takes the counting query and answers with rows of counts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use chrono::NaiveDate;
use data_contract::{Contract, log_column};

use super::dialect::Dialect;
use super::query::{CountedColumn, count_query};
use crate::engine::{Engine, number, text};
use crate::tally::{Cell, Gathered, Tally};

/// Grouping sets of one query, at most.
const MAX_GROUPED: usize = 60;

/// What is counted of one version.
pub(crate) struct Scan<'a> {
    /// What is true of the rows that count.
    pub(crate) filter: &'a str,
    /// What they follow.
    pub(crate) contract: &'a Contract,
    /// What is counted of them.
    pub(crate) columns: &'a [CountedColumn],
}

/// How often a value occurs on one day.
pub(crate) struct CountedValue {
    /// The day.
    pub(crate) day: NaiveDate,
    /// Whether it was a shadow's.
    pub(crate) shadow: bool,
    /// Which of the query's columns.
    pub(crate) column: usize,
    /// The value.
    pub(crate) value: Cell,
    /// How often.
    pub(crate) n: u64,
}

/// An engine that counts.
pub(crate) trait CountEngine {
    /// How it wants its SQL.
    fn dialect(&self) -> Dialect;

    /// Tells how the engine names some files; they are what the next query reads.
    ///
    /// # Errors
    /// When the engine cannot be told.
    fn log(&self, files: &[&Path]) -> Result<String>;

    /// Runs a counting query.
    ///
    /// # Errors
    /// When the engine refuses it, or a file cannot be read.
    fn count(&self, sql: &str, take: &mut dyn FnMut(CountedValue)) -> Result<()>;

    /// Rows that equal an earlier one of their day in all `features` (of the files that `log` names, where `filter` is true); none
    /// from an engine that is not asked.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn repeats(&self, _log: &str, _features: &[String], _filter: &str) -> Result<Vec<Repeats>> {
        Ok(Vec::new())
    }
}

/// Repeated rows of a day.
pub(crate) struct Repeats {
    day: NaiveDate,
    shadow: bool,
    n: u64,
}

/// Counts some files, which hold no rows of another contract's columns; by day, and traffic apart from shadows.
pub(crate) fn count(engine: &dyn CountEngine, scan: &Scan, files: &[&Path]) -> Result<BTreeMap<(NaiveDate, bool), Tally>> {
    let mut gathered: BTreeMap<(NaiveDate, bool), Gathered> = BTreeMap::new();
    if files.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (log, filter) = (engine.log(files)?, scan.filter);
    for (chunk, some) in scan.columns.chunks(MAX_GROUPED).enumerate() {
        engine.count(&count_query(engine.dialect(), &log, some, filter), &mut |counted| {
            let gathering = gathered.entry((counted.day, counted.shadow)).or_insert_with(|| Gathered::of(scan.contract));
            let value = match counted.value {
                Cell::Number(number) => Cell::Number(some[counted.column].number(number)),
                other => other,
            };
            gathering.add(chunk * MAX_GROUPED + counted.column, counted.n, value);
        })?;
    }
    let mut tallies: BTreeMap<_, _> = gathered.into_iter().map(|(key, gathering)| (key, gathering.finish())).collect();
    let features: Vec<String> = scan.contract.columns.iter().map(|column| log_column::feature(&column.name)).collect();
    for repeats in engine.repeats(&log, &features, filter)? {
        if let Some(tally) = tallies.get_mut(&(repeats.day, repeats.shadow)) {
            tally.n_repeated = Some(repeats.n);
        }
    }
    Ok(tallies)
}

impl CountEngine for Engine {
    fn dialect(&self) -> Dialect {
        Dialect::Duckdb
    }

    fn log(&self, files: &[&Path]) -> Result<String> {
        self.set_files("files", files.iter().copied())?;
        Ok("read_parquet(getvariable('files'), filename = true, hive_partitioning = false, union_by_name = true)".to_owned())
    }

    fn count(&self, sql: &str, take: &mut dyn FnMut(CountedValue)) -> Result<()> {
        self.query(sql, |row| {
            let value = match (number(row.get_ref(3)?), text(row.get_ref(4)?)) {
                (Some(number), _) => Cell::Number(number),
                (None, Some(text)) => Cell::Text(text),
                (None, None) => Cell::Missing,
            };
            let day: String = row.get(0)?;
            let shadow: i32 = row.get(1)?;
            let column: i32 = row.get(2)?;
            take(CountedValue {
                day: day.parse()?,
                shadow: shadow == 1,
                column: usize::try_from(column)?,
                value,
                n: row.get(5)?,
            });
            Ok(())
        })?;
        Ok(())
    }

    fn repeats(&self, log: &str, features: &[String], filter: &str) -> Result<Vec<Repeats>> {
        let features: Vec<String> = features.iter().map(|name| self.dialect().name(name)).collect();
        let sql = include_str!("../../sql/count_repeats.sql")
            .replace("{day}", self.dialect().day())
            .replace("{features}", &features.join(", "))
            .replace("{log}", log)
            .replace("{filter}", filter);
        self.query(&sql, |row| {
            let day: String = row.get(0)?;
            Ok(Repeats { day: day.parse()?, shadow: row.get(1)?, n: row.get(2)? })
        })
    }
}
