//! Reading a Parquet file whatever is in it: a column of a type that no model here takes is left out, and the others are read.

mod widen;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use polars::prelude::*;

use crate::failure::Hint;
use crate::frame::Table;

/// Reads the columns of a file that hold numbers, texts, booleans, dates and times, or lists (which `init` names and leaves out).
pub(crate) fn read(path: &Path) -> anyhow::Result<Table> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let reader = ParquetReader::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?);
    let read = read_columns(reader, &file).with_context(|| format!("cannot read {}", path.display()));
    Ok(Table::new(&file, read.hint("the file is damaged or not Parquet")?))
}

/// Hands on a file's row groups, one after the other, each with the memory of its own; a file without any is one table without rows.
pub(crate) fn each_group(path: &Path, take: &mut dyn FnMut(Table) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let context = || format!("cannot read {}", path.display());
    let open = || File::open(path).map(ParquetReader::new).with_context(context);
    let damaged = "the file is damaged or not Parquet";
    let sizes = |mut reader: ParquetReader<File>| -> anyhow::Result<Vec<usize>> {
        Ok(reader.get_metadata()?.row_groups.iter().map(|group| group.num_rows()).collect())
    };
    let sizes = sizes(open()?).with_context(context).hint(damaged)?;
    let mut start = 0;
    for n_rows in if sizes.is_empty() { vec![0] } else { sizes } {
        let reader = open()?.with_slice(Some((start, n_rows)));
        let frame = read_columns(reader, &file).with_context(context).hint(damaged)?;
        let lines = (start as u64 + 1..).take(frame.height()).collect();
        take(Table { lines, ..Table::new(&file, frame) })?;
        start += n_rows;
    }
    Ok(())
}

fn read_columns(mut reader: ParquetReader<File>, file: &str) -> anyhow::Result<DataFrame> {
    let (metadata, scales) = widen::widen(reader.get_metadata()?);
    reader.set_metadata(Arc::new(metadata));
    let schema = reader.schema()?;
    let is_decimal = |field: &ArrowField| scales.contains_key(field.name.as_str());
    let (read, other): (Vec<_>, Vec<_>) = schema.iter_values().partition(|field| is_decimal(field) || is_read(&field.dtype));
    other.into_iter().for_each(|field| warn(file, &field.name, &format!("{:?}", field.dtype)));
    let names = read.iter().map(|field| field.name.to_string()).collect();
    let frame = reader.with_columns(Some(names)).finish()?;
    let mut columns = Vec::new();
    for column in frame.columns() {
        match plain(column, scales.get(column.name().as_str()).copied())? {
            Some(column) => columns.push(column),
            None => warn(file, column.name(), "bytes that are no text"),
        }
    }
    Ok(DataFrame::new(frame.height(), columns)?)
}

fn warn(file: &str, column: &str, dtype: &str) {
    tracing::warn!("column `{column}` of {file} holds values of type {dtype}, which are not read; save it as another type");
}

/// Whether polars, as it is built here, reads values of a type.
fn is_read(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as A;
    match dtype {
        A::Null | A::Boolean | A::Int32 | A::Int64 | A::UInt32 | A::UInt64 | A::Float32 | A::Float64 => true,
        A::Timestamp(..) | A::Date32 | A::Date64 | A::Time32(_) | A::Time64(_) => true,
        A::Utf8 | A::LargeUtf8 | A::Utf8View | A::Binary | A::LargeBinary | A::BinaryView => true,
        A::List(field) | A::LargeList(field) => is_read(&field.dtype),
        _ => false,
    }
}

/// The same column as one of numbers or of something that has a text; none where it has none.
fn plain(column: &Column, scale: Option<usize>) -> PolarsResult<Option<Column>> {
    match (column.dtype(), scale) {
        (_, Some(scale)) => widen::decimals(column, scale).map(Some),
        // A moment is told in UTC.
        (DataType::Datetime(unit, Some(_)), _) => column.to_physical_repr().cast(&DataType::Datetime(*unit, None)).map(Some),
        (DataType::Binary, _) => {
            let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8(bytes.to_vec())).transpose();
            let texts: Option<Vec<Option<String>>> = column.binary()?.iter().map(text).collect::<Result<_, _>>().ok();
            Ok(texts.map(|texts| Column::new(column.name().clone(), texts)))
        }
        _ => Ok(Some(column.clone())),
    }
}
