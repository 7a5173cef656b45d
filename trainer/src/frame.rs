//! Tables in and out of files: CSV as text columns, Parquet with its own types.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use polars::prelude::{
    ChunkSet, Column, DataFrame, DataType, ParquetCompression, ParquetReader, ParquetWriter, PolarsResult, SerReader,
    StringChunked,
};

use crate::dialect::{Dialect, Found};
use crate::failure::Hint;
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

    /// Up to this many rows at a time, in order, so that what is made of them need not be there for all at once; without rows, one part.
    fn parts(&self, n_rows: usize) -> impl Iterator<Item = Self> + '_ {
        (0..self.lines.len().max(1)).step_by(n_rows).map(move |start| {
            let lines = self.lines[start..].iter().take(n_rows).copied().collect::<Vec<_>>();
            let broken = self.broken.iter().filter_map(|(row, problem)| Some((row.checked_sub(start)?, problem.clone())));
            Self {
                file: self.file.clone(),
                frame: self.frame.slice(start as i64, lines.len()),
                broken: broken.filter(|(row, _)| *row < lines.len()).collect(),
                lines,
                dialect: self.dialect,
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

/// Hands on the rows of a CSV or Parquet file, up to so many at a time, in order; a file without rows is one part without any. Of a
/// Parquet file no more than one row group is in memory.
pub(crate) fn each_part(
    path: &Path,
    dialect: Dialect,
    n_rows: usize,
    take: &mut dyn FnMut(Table) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if is_parquet(path)? {
        return parquet_rows::each_group(path, &mut |group| group.parts(n_rows).try_for_each(&mut *take));
    }
    csv_rows::read(path, dialect)?.parts(n_rows).try_for_each(take)
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
