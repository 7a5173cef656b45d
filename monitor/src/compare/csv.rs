//! CSV as pandas reads it: the same words for missing, the same column types.
//!
//! The file goes once into a DuckDB table, all as text, which moves to disk when memory is short. Then the types are told from
//! the values: a column is of numbers, or of truth values, when all its values are. Reading types with the file would
//! take a second pass, as one late value can change them.

use std::path::Path;

use anyhow::Result;
use duckdb::Row;

use crate::compare::table::{Column, Storage, Table, damaged, not_a_table};
use crate::engine::{Engine, quote_name, quote_text};
use crate::failure::Failure;

/// What pandas takes for a missing value (`pandas._libs.parsers.STR_NA_VALUES`).
const MISSING: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
];
/// Rows that are looked at before all are.
const SAMPLE: u64 = 2048;
/// Rows from which DuckDB tells the separator.
const SNIFFED: u64 = 1000;
/// Columns of one query.
const MAX_ASKED: usize = 200;

/// Reads a CSV file into a table of this name.
///
/// # Errors
/// [`Failure::NotATable`].
pub(crate) fn open(engine: &Engine, path: &Path, name: &str) -> Result<Table> {
    let missing: Vec<String> = MISSING.into_iter().map(quote_text).collect();
    let file = quote_text(&path.to_string_lossy());
    let options = format!("header = true, all_varchar = true, skip = 0, quote = '\"', escape = '\"', sample_size = {SNIFFED}");
    let sql =
        format!("CREATE TEMP TABLE {name} AS SELECT * FROM read_csv({file}, {options}, nullstr = [{}])", missing.join(", "));
    engine.run(&sql).map_err(|error| damaged(path, &error))?;
    let mut table = Table { path: path.into(), relation: name.into(), columns: Vec::new(), n_rows: 0 };
    table.count_rows(engine)?;
    let names = engine.query(&format!("DESCRIBE {name}"), |row| Ok(row.get(0)?))?;
    table.columns = types(engine, &table, names)?;
    table.relation = typed(&table);
    Ok(table)
}

/// The types of all columns; most texts are known from the first rows.
fn types(engine: &Engine, table: &Table, names: Vec<String>) -> Result<Vec<Column>> {
    let sample = format!("(SELECT * FROM {} LIMIT {SAMPLE})", table.relation);
    let mut shapes = ask(engine, &sample, &names, shape_of)?;
    if table.n_rows > SAMPLE {
        let open: Vec<String> =
            names.iter().zip(&shapes).filter(|(_, shape)| !shape.is_text()).map(|(name, _)| name.clone()).collect();
        let mut known = ask(engine, &table.relation, &open, number_or_truth)?.into_iter();
        for shape in shapes.iter_mut().filter(|shape| !shape.is_text()) {
            *shape = known.next().expect("it was asked for");
        }
    }
    check_header(&table.path, &names, &shapes)?;
    Ok(names.into_iter().zip(&shapes).map(|(name, shape)| Column { name, storage: shape.storage(), cells: None }).collect())
}

/// How many values of a column are what.
struct Shape {
    n: u64,
    n_numbers: u64,
    n_whole: u64,
    n_truths: u64,
    n_like_name: u64,
}

impl Shape {
    fn is_text(&self) -> bool {
        self.n_numbers < self.n && self.n_truths < self.n
    }

    /// A column without values is one of floats to pandas.
    fn storage(&self) -> Storage {
        match self {
            shape if shape.n > 0 && shape.n_whole == shape.n => Storage::Integer,
            shape if shape.n_numbers == shape.n => Storage::Float,
            shape if shape.n_truths == shape.n => Storage::Boolean,
            _ => Storage::Text,
        }
    }
}

fn ask(engine: &Engine, relation: &str, names: &[String], shape_of: fn(&str) -> String) -> Result<Vec<Shape>> {
    let mut shapes = Vec::new();
    for names in names.chunks(MAX_ASKED) {
        let list: Vec<String> = names.iter().map(|name| shape_of(name)).collect();
        let sql = format!("SELECT unnest(shapes) FROM (SELECT [{}] FROM {relation}) AS asked(shapes)", list.join(", "));
        let numbers = engine.query(&sql, |row: &Row| Ok(row.get::<_, u64>(0)?))?;
        shapes.extend(numbers.chunks(5).map(|of| Shape {
            n: of[0],
            n_numbers: of[1],
            n_whole: of[2],
            n_truths: of[3],
            n_like_name: of[4],
        }));
    }
    Ok(shapes)
}

/// The five counts of [`Shape`].
fn shape_of(name: &str) -> String {
    let column = quote_name(name);
    format!("{}, count(*) FILTER (WHERE {column} = {})", number_or_truth_counts(&column), quote_text(name))
}

/// The same of a column whose first values are no text; there no value is its name.
fn number_or_truth(name: &str) -> String {
    format!("{}, 0", number_or_truth_counts(&quote_name(name)))
}

fn number_or_truth_counts(column: &str) -> String {
    let count = |condition: &str| format!("count(*) FILTER (WHERE {condition})");
    [
        format!("count({column})"),
        format!("count(TRY_CAST({column} AS DOUBLE)) FILTER (WHERE NOT contains({column}, '_'))"),
        count(&format!("regexp_full_match({column}, '\\s*[+-]?[0-9]{{1,18}}\\s*')")),
        count(&format!("{column} IN ('True', 'TRUE', 'true', 'False', 'FALSE', 'false')")),
    ]
    .join(", ")
}

/// Tells whether the first line names columns. It holds data where a number stands over each column of numbers, unless these
/// count up by one, as years do; text columns, if there are any, must bear it out: one of them holds its own name. Without
/// numbers, two text columns or more must all do so.
fn check_header(path: &Path, names: &[String], shapes: &[Shape]) -> Result<(), Failure> {
    let columns = || names.iter().zip(shapes);
    let numbers: Vec<Option<f64>> =
        columns().filter(|(_, shape)| !shape.is_text()).map(|(name, _)| name.trim().parse().ok()).collect();
    let counts_up = numbers.len() > 1 && numbers.windows(2).all(|pair| matches!(pair, [Some(a), Some(b)] if b - a == 1.0));
    let own_names: Vec<bool> = shapes.iter().filter(|shape| shape.is_text()).map(|shape| shape.n_like_name > 0).collect();
    let holds_data = match numbers.as_slice() {
        [] => own_names.len() > 1 && own_names.iter().all(|own| *own),
        numbers => numbers.iter().all(Option::is_some) && !counts_up && (own_names.is_empty() || own_names.contains(&true)),
    };
    if !holds_data {
        return Ok(());
    }
    let line = names.iter().take(6).map(String::as_str).collect::<Vec<&str>>().join(",");
    let problem = format!("its first line holds data, not the names of columns: {line}");
    Err(not_a_table(path, problem, "put a line with the names of the columns first"))
}

/// The table with numbers as numbers.
fn typed(table: &Table) -> String {
    let column = |column: &Column| {
        let name = quote_name(&column.name);
        match column.storage {
            Storage::Integer | Storage::Float => format!("CAST({name} AS DOUBLE) AS {name}"),
            Storage::Boolean => format!("lower({name}) = 'true' AS {name}"),
            _ => name,
        }
    };
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    format!("(SELECT {} FROM {})", columns.join(", "), table.relation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(n_numbers: u64, n_like_name: u64) -> Shape {
        Shape { n: 10, n_numbers, n_whole: n_numbers, n_truths: 0, n_like_name }
    }

    #[track_caller]
    fn check(names: &[&str], shapes: &[Shape], is_header: bool) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(check_header(Path::new("a.csv"), &names, shapes).is_ok(), is_header);
    }

    #[test]
    fn a_first_line_of_data_is_no_header() {
        check(&["58", "management", "2143"], &[shape(10, 0), shape(0, 3), shape(10, 0)], false);
        check(&["58", "2143"], &[shape(10, 0), shape(10, 0)], false);
        check(&["yes", "no"], &[shape(0, 3), shape(0, 7)], false);
        check(&["41"], &[shape(10, 0)], false);
    }

    #[test]
    fn a_name_may_be_a_value_too() {
        check(&["age", "job"], &[shape(10, 0), shape(0, 0)], true);
        check(&["age", "a"], &[shape(10, 0), shape(0, 3)], true);
        check(&["a"], &[shape(0, 3)], true);
        check(&["58", "job"], &[shape(10, 0), shape(0, 0)], true);
    }

    #[test]
    fn years_and_positions_may_be_names() {
        check(&["region", "2019", "2020"], &[shape(0, 0), shape(10, 0), shape(10, 0)], true);
        check(&["0", "1", "2"], &[shape(10, 0), shape(10, 0), shape(10, 0)], true);
    }
}
