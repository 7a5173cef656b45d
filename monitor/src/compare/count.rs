//! From a table to the value counts of some of its columns.
//!
//! Numbers come out of DuckDB column by column and are counted here (see `numbers`); texts are counted by DuckDB, which
//! holds dictionaries of Parquet as they are and needs a few nanoseconds a row.

use std::collections::BTreeMap;

use anyhow::Result;
use duckdb::Row;
use duckdb::arrow::array::{Array, Float64Array, StructArray};
use monitor_drift::{CategoricalCounts, Counts, Kind, NumericCounts};

use crate::compare::numbers::{self, Numbers};
use crate::compare::plan::Plan;
use crate::compare::table::{Column, Storage, Table};
use crate::engine::{Engine, quote_name};

/// What one side holds in a column.
pub(crate) enum Values {
    /// Its value counts.
    Counted(Counts),
    /// Too many different texts to keep.
    FreeText {
        /// Rows without a text.
        n_missing: u64,
        /// Rows with the empty text.
        n_empty: u64,
    },
}

impl Values {
    /// The counts as those of a column of this kind; none where text would have to be numbers.
    pub(crate) fn of_kind(self, kind: Kind) -> Option<Counts> {
        match (self, kind) {
            (Values::Counted(Counts::Numeric(counts)), Kind::Categorical) => Some(levels_of_numbers(&counts).into()),
            (Values::Counted(counts), kind) => (counts.kind() == kind).then_some(counts),
            (Values::FreeText { .. }, _) => None,
        }
    }
}

/// Numbers as levels, under names that have their order and are no text of a file. Infinite ones are missing.
fn levels_of_numbers(counts: &NumericCounts) -> CategoricalCounts {
    let name = |value: f64| format!("\0{:016x}", numbers::key(value));
    let levels = counts.pairs().iter().map(|&(value, n)| (name(value), n));
    CategoricalCounts::from_pairs(levels).with_missing(counts.n_missing() + counts.n_infinite())
}

/// Which texts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All.
    All,
    /// None of a column where more than half of the rows differ, unless it was named as one of categories.
    Repeated,
}

/// Counts columns of a table, in their order.
pub(crate) fn count(engine: &Engine, table: &Table, columns: &[&Column], plan: &Plan, keep: Keep) -> Result<Vec<Values>> {
    let is_number = |column: &&Column| column.storage.counts_as_numbers();
    let is_text = |column: &&Column| column.storage == Storage::Text || (plan.is_categorical(&column.name) && !is_number(column));
    let numbers: Vec<&Column> = columns.iter().copied().filter(is_number).collect();
    let texts: Vec<&Column> = columns.iter().copied().filter(is_text).collect();
    let most = |column: &Column| match keep {
        Keep::Repeated if !plan.is_categorical(&column.name) => table.n_rows / 2,
        _ => u64::MAX,
    };
    let mut numbers = count_numbers(engine, table, &numbers)?.into_iter();
    let mut texts = count_texts(engine, table, &texts, most)?.into_iter();
    let mut next = |column: &Column| match column {
        column if is_number(&column) => numbers.next().expect("it was counted among the numbers"),
        column if is_text(&column) => texts.next().expect("it was counted among the texts"),
        _ => Values::Counted(CategoricalCounts::default().into()),
    };
    Ok(columns.iter().map(|column| next(column)).collect())
}

fn count_numbers(engine: &Engine, table: &Table, columns: &[&Column]) -> Result<Vec<Values>> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<String> = columns.iter().map(|column| format!("CAST({} AS DOUBLE)", quote_name(&column.name))).collect();
    let sql = format!("SELECT {} FROM {}", list.join(", "), table.relation);
    let mut counted: Vec<Numbers> = columns.iter().map(|column| Numbers::new(column.cells)).collect();
    table.reading(engine.stream(&sql, |batch| add_batch(&mut counted, batch)))?;
    let finished = counted.into_iter().zip(columns).map(|(numbers, column)| numbers.finish(column.storage.is_whole()));
    Ok(finished.map(|counts| Values::Counted(counts.into())).collect())
}

fn add_batch(counted: &mut [Numbers], batch: &StructArray) {
    for (numbers, column) in counted.iter_mut().zip(batch.columns()) {
        let column: &Float64Array = column.as_any().downcast_ref().expect("the query casts to doubles");
        match column.null_count() {
            0 => column.values().iter().for_each(|value| numbers.add(*value)),
            n_missing => {
                numbers.add_missing(n_missing as u64);
                column.iter().flatten().for_each(|value| numbers.add(value));
            }
        }
        numbers.settle();
    }
}

fn count_texts(engine: &Engine, table: &Table, columns: &[&Column], most: impl Fn(&Column) -> u64) -> Result<Vec<Values>> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = columns.iter().map(|column| quote_name(&column.name)).collect();
    let sets: Vec<String> = names.iter().map(|name| format!("({name})")).collect();
    let casts: Vec<String> = names.iter().map(|name| format!("CAST({name} AS VARCHAR) AS {name}")).collect();
    let sql = include_str!("../../sql/count_columns.sql").replace("{columns}", &names.join(", "));
    let sql = sql.replace("{sets}", &sets.join(", ")).replace("{casts}", &casts.join(", "));
    let sql = sql.replace("{relation}", &table.relation);
    let mut counted: Vec<Texts> = columns.iter().map(|column| Texts::up_to(most(column))).collect();
    let rows = engine.query(&sql, |row| {
        let (column, n, text) = read_text(row, columns.len())?;
        counted[column].add(text, n);
        Ok(())
    });
    table.reading(rows)?;
    Ok(counted.into_iter().map(Texts::finish).collect())
}

fn read_text(row: &Row, n_columns: usize) -> Result<(usize, u64, Option<String>)> {
    let mask: i64 = row.get(0)?;
    // The first column's bit is the highest; the one bit that is not set names the column.
    let column = n_columns - 1 - (!mask).trailing_zeros() as usize;
    Ok((column, row.get(1)?, row.get(2 + column)?))
}

/// Texts being counted, up to a number of different ones.
struct Texts {
    most: u64,
    levels: BTreeMap<String, u64>,
    n_missing: u64,
    n_empty: u64,
    too_many: bool,
}

impl Texts {
    fn up_to(most: u64) -> Self {
        Texts { most, levels: BTreeMap::new(), n_missing: 0, n_empty: 0, too_many: false }
    }

    fn add(&mut self, text: Option<String>, n: u64) {
        let Some(text) = text else {
            self.n_missing += n;
            return;
        };
        if text.is_empty() {
            self.n_empty += n;
        }
        if !self.too_many {
            self.levels.insert(text, n);
            self.too_many = self.levels.len() as u64 > self.most;
        }
    }

    fn finish(self) -> Values {
        match self.too_many {
            true => Values::FreeText { n_missing: self.n_missing, n_empty: self.n_empty },
            false => Values::Counted(CategoricalCounts::from_pairs(self.levels).with_missing(self.n_missing).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_levels_keep_their_order() {
        let levels = levels_of_numbers(&NumericCounts::from_values([10.0, 2.0, -1.0, 2.0, f64::INFINITY, f64::NAN]));
        assert_eq!(levels.levels().values().copied().collect::<Vec<u64>>(), [1, 2, 1]);
        assert_eq!((levels.n(), levels.n_missing()), (4, 2));
    }

    #[test]
    fn too_many_texts_are_not_kept() {
        let mut texts = Texts::up_to(2);
        for text in ["a", "", "b", "c"] {
            texts.add(Some(text.to_owned()), 1);
        }
        texts.add(None, 5);
        assert!(matches!(texts.finish(), Values::FreeText { n_missing: 5, n_empty: 1 }));
    }
}
