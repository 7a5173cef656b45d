//! A file as DuckDB sees it: Parquet is read where it lies, CSV goes once into a table in memory (see `csv`).

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::compare::cells::Cells;
use crate::compare::csv;
use crate::engine::{Engine, quote_text};
use crate::failure::Failure;

/// Bytes of a file that tell what it is.
const HEAD: usize = 4096;
/// Most column names in a message.
const MAX_NAMES: usize = 8;

/// A file that can be queried.
#[derive(Debug)]
pub(crate) struct Table {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// What stands behind `FROM`.
    pub(crate) relation: String,
    /// Its columns.
    pub(crate) columns: Vec<Column>,
    /// Its rows, at least one.
    pub(crate) n_rows: u64,
}

/// A column of a file.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// How its values are stored.
    pub(crate) storage: Storage,
    /// The cells in which its numbers are counted; none where each number is counted.
    pub(crate) cells: Option<Cells>,
}

/// How the values of a column are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// Signed integers.
    Integer,
    /// Unsigned integers.
    Unsigned,
    /// Floats.
    Float,
    /// Decimals.
    Decimal,
    /// Truth values.
    Boolean,
    /// Text.
    Text,
    /// Anything else, under DuckDB's name for it.
    Other(String),
}

impl Table {
    /// Opens a file; `name` is what its table is called if it needs one.
    ///
    /// # Errors
    /// [`Failure::CannotRead`] and [`Failure::NotATable`].
    pub(crate) fn open(engine: &Engine, path: &Path, name: &str) -> Result<Self> {
        let table = match sniff(path)? {
            Format::Parquet => Table::parquet(engine, path)?,
            Format::Csv => csv::open(engine, path, name)?,
        };
        match table.n_rows {
            0 => Err(not_a_table(path, "it holds no rows", "a header alone cannot be compared").into()),
            _ => Ok(table),
        }
    }

    fn parquet(engine: &Engine, path: &Path) -> Result<Self> {
        let relation = format!("read_parquet({}, hive_partitioning = false)", quote_text(&path.to_string_lossy()));
        let mut table = Table { path: path.into(), relation, columns: Vec::new(), n_rows: 0 };
        table.columns = table.reading(engine.query(&format!("DESCRIBE SELECT * FROM {}", table.relation), |row| {
            let kind: String = row.get(1)?;
            Ok(Column { name: row.get(0)?, storage: Storage::of(&kind), cells: None })
        }))?;
        table.count_rows(engine)?;
        Ok(table)
    }

    /// Counts the rows.
    pub(crate) fn count_rows(&mut self, engine: &Engine) -> Result<()> {
        let counted = engine.query(&format!("SELECT count(*) FROM {}", self.relation), |row| Ok(row.get(0)?));
        self.n_rows = self.reading(counted)?[0];
        Ok(())
    }

    /// The column of this name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The same, to be changed.
    pub(crate) fn column_mut(&mut self, name: &str) -> Option<&mut Column> {
        self.columns.iter_mut().find(|column| column.name == name)
    }

    /// The names of its columns, for a message.
    pub(crate) fn names(&self) -> String {
        let names = self.columns.iter().take(MAX_NAMES).map(|column| format!("`{}`", column.name));
        let more = self.columns.len().saturating_sub(MAX_NAMES);
        let more = (more > 0).then(|| format!("{more} more"));
        names.chain(more).collect::<Vec<String>>().join(", ")
    }

    /// What a query over the file answered; where it failed, the file is to blame.
    pub(crate) fn reading<T>(&self, answer: Result<T>) -> Result<T> {
        answer.map_err(|error| damaged(&self.path, &error).into())
    }
}

impl Storage {
    fn of(kind: &str) -> Self {
        match kind {
            "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" => Storage::Integer,
            "UTINYINT" | "USMALLINT" | "UINTEGER" | "UBIGINT" | "UHUGEINT" => Storage::Unsigned,
            "FLOAT" | "DOUBLE" => Storage::Float,
            "BOOLEAN" => Storage::Boolean,
            "VARCHAR" => Storage::Text,
            kind if kind.starts_with("DECIMAL") => Storage::Decimal,
            kind => Storage::Other(kind.to_owned()),
        }
    }

    /// Whether its values are numbers.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Storage::Integer | Storage::Unsigned | Storage::Float | Storage::Decimal)
    }

    /// Whether its values are whole numbers.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Storage::Integer | Storage::Unsigned)
    }

    /// Whether its values are counted as numbers, truth being 1.
    pub(crate) fn counts_as_numbers(&self) -> bool {
        self.is_number() || *self == Storage::Boolean
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Storage::Integer | Storage::Unsigned => "integers",
            Storage::Float => "floats",
            Storage::Decimal => "decimals",
            Storage::Boolean => "truth values",
            Storage::Text => "text",
            Storage::Other(name) => name,
        })
    }
}

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
enum Format {
    Parquet,
    Csv,
}

fn sniff(path: &Path) -> Result<Format, Failure> {
    let cannot = |source| Failure::CannotRead { path: path.into(), source };
    if path.is_dir() {
        return Err(cannot(std::io::Error::new(ErrorKind::IsADirectory, "it is a folder")));
    }
    let mut head = Vec::new();
    File::open(path).map_err(cannot)?.take(HEAD as u64).read_to_end(&mut head).map_err(cannot)?;
    format_of(path, &head)
}

fn format_of(path: &Path, head: &[u8]) -> Result<Format, Failure> {
    let ends_with = |end: &str| path.to_string_lossy().to_lowercase().ends_with(end);
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    match head {
        [] => Err(not_a_table(path, "it is empty", "a CSV or Parquet file with at least one row is expected")),
        [b'P', b'A', b'R', b'1', ..] => Ok(Format::Parquet),
        _ if ends_with(".parquet") => Err(not_a_table(path, "it does not begin as a Parquet file does", "it may be damaged")),
        [0x1f, 0x8b, ..] => Ok(Format::Csv),
        _ if head.contains(&0) => Err(not_a_table(path, "it holds bytes that are no text", "CSV and Parquet files are read")),
        _ if matches!(first, Some(b'{' | b'[' | b'<')) => {
            Err(not_a_table(path, "it looks like JSON or markup", "CSV and Parquet files are read"))
        }
        _ => Ok(Format::Csv),
    }
}

/// A file that is no table, and what to do.
pub(crate) fn not_a_table(path: &Path, problem: impl Into<String>, hint: &'static str) -> Failure {
    Failure::NotATable { path: path.into(), problem: problem.into(), hint }
}

/// A file that DuckDB could not read.
pub(crate) fn damaged(path: &Path, error: &anyhow::Error) -> Failure {
    let text = error.to_string();
    // What comes before is our query, what follows are the row itself and advice about settings.
    let mut lines = text.split_once("`: ").map_or(text.as_str(), |parts| parts.1).lines();
    let mut problem = lines.next().unwrap_or_default().to_owned();
    if problem.contains("CSV Error on Line")
        && let Some(detail) = lines.find(|line| !line.starts_with("Original Line"))
    {
        problem = format!("{problem}: {detail}");
    }
    not_a_table(path, problem, "the file may be damaged or half written; CSV (in UTF-8) and Parquet files are read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, head: &[u8], expected: Result<Format, &str>) {
        let found = format_of(Path::new(name), head).map_err(|failure| failure.to_string());
        assert_eq!(found, expected.map_err(|problem| format!("{name} is no table: {problem}")));
    }

    #[test]
    fn the_first_bytes_tell_what_a_file_is() {
        check("a.parquet", b"PAR1....", Ok(Format::Parquet));
        check("a.csv", b"age,job\n41,services\n", Ok(Format::Csv));
        check("a.csv.gz", &[0x1f, 0x8b, 0, 0], Ok(Format::Csv));
        check("a.csv", b"", Err("it is empty"));
        check("a.parquet", b"age,job\n", Err("it does not begin as a Parquet file does"));
        check("a.xlsx", b"PK\x03\x04\0\0", Err("it holds bytes that are no text"));
        check("a.json", b" [{\"a\": 1}]", Err("it looks like JSON or markup"));
    }
}
