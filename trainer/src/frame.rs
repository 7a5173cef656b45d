//! Tables in and out of files: CSV as text columns, Parquet with its own types.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use polars::prelude::{
    ChunkSet, Column, CsvWriter, DataFrame, DataType, ParquetCompression, ParquetReader, ParquetWriter, PolarsResult, SerReader,
    SerWriter, StringChunked,
};
use trainer_registry::store;

use crate::dialect::{Dialect, Found};
use crate::failure::{Hint, failure};
use crate::{csv_rows, parquet_rows};

/// A file's rows as they came, before anything is checked.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Name of the file.
    pub(crate) file: String,
    /// The columns: texts from CSV, any type from Parquet.
    pub(crate) frame: DataFrame,
    /// Line of each row in the file; the row's number for Parquet.
    pub(crate) lines: Vec<u64>,
    /// Rows that could not be read, by index, and why; the frame holds what was there of them.
    pub(crate) broken: Vec<(usize, String)>,
    /// How a CSV file tells its fields apart.
    pub(crate) dialect: Option<Found>,
}

impl Table {
    /// Rows that could all be read, numbered from 1.
    pub(crate) fn new(file: &str, frame: DataFrame) -> Self {
        let lines = (1..=frame.height() as u64).collect();
        Self { file: file.to_owned(), frame, lines, broken: Vec::new(), dialect: None }
    }

    /// Up to this many rows at a time, in order, so that what is made of them need not be there for all at once.
    pub(crate) fn parts(&self, n_rows: usize) -> impl Iterator<Item = Self> + '_ {
        (0..self.lines.len()).step_by(n_rows).map(move |start| {
            let lines = self.lines[start..].iter().take(n_rows).copied().collect::<Vec<_>>();
            let broken = self.broken.iter().filter_map(|(row, problem)| Some((row.checked_sub(start)?, problem.clone())));
            Self {
                file: self.file.clone(),
                frame: self.frame.slice(start as i64, lines.len()),
                broken: broken.filter(|(row, _)| *row < lines.len()).collect(),
                lines,
                dialect: self.dialect.clone(),
            }
        })
    }
}

/// Reads a CSV or Parquet file; its first bytes tell which.
pub(crate) fn read_table(path: &Path, dialect: Dialect) -> anyhow::Result<Table> {
    if is_parquet(path)? {
        return parquet_rows::read(path);
    }
    csv_rows::read(path, dialect)
}

/// Reads a Parquet file.
pub(crate) fn read_parquet(path: &Path) -> anyhow::Result<DataFrame> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let read = ParquetReader::new(file).finish().with_context(|| format!("cannot read {}", path.display()));
    read.hint("the file is damaged or not Parquet")
}

/// Parquet bytes of a frame.
pub(crate) fn to_parquet(frame: &mut DataFrame) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Zstd(None)).finish(frame)?;
    Ok(bytes)
}

/// Writes a frame as CSV or Parquet, by the file's ending, whole or not at all.
pub(crate) fn write_table(path: &Path, frame: &mut DataFrame) -> anyhow::Result<()> {
    let bytes = match path.extension().and_then(|ending| ending.to_str()) {
        Some("parquet") => to_parquet(frame)?,
        Some("csv") => {
            let mut bytes = Vec::new();
            CsvWriter::new(&mut bytes).finish(frame)?;
            bytes
        }
        _ => return Err(failure(format!("cannot tell the format of {}", path.display()), "end its name in .csv or .parquet")),
    };
    Ok(store::write_file(path, &bytes)?)
}

/// A column as texts, whatever its type; null where there is no value, which is what NaN means in a column of numbers.
pub(crate) fn texts(column: &Column) -> PolarsResult<StringChunked> {
    let texts = column.cast(&DataType::String)?.str()?.clone();
    if column.dtype().is_float() { texts.set(&column.is_nan()?, None) } else { Ok(texts) }
}

fn is_parquet(path: &Path) -> anyhow::Result<bool> {
    use std::io::Read;
    let mut magic = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(4).read_to_end(&mut magic).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(magic == b"PAR1")
}
