//! Reading a Parquet file whatever is in it: a column of a type that no model here takes is left out, and the others are read.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use polars::prelude::*;

use crate::failure::Hint;
use crate::frame::Table;

/// Reads the columns of a file that hold numbers, texts, booleans, dates and times, or lists (which `init` names and leaves out).
pub(crate) fn read(path: &Path) -> anyhow::Result<Table> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut reader = ParquetReader::new(file);
    let damaged = || (format!("cannot read {}", path.display()), "the file is damaged or not Parquet");
    let schema = reader.schema().with_context(|| damaged().0).hint(damaged().1)?;
    let (read, other): (Vec<_>, Vec<_>) = schema.iter_values().partition(|field| is_read(&field.dtype));
    for field in other {
        tracing::warn!(
            "column `{}` of {name} holds values of type {:?}, which are not read; save it as another type",
            field.name,
            field.dtype
        );
    }
    let names = read.iter().map(|field| field.name.to_string()).collect();
    let frame = reader.with_columns(Some(names)).finish().with_context(|| damaged().0).hint(damaged().1)?;
    let columns = frame.columns().iter().map(plain).collect::<PolarsResult<Vec<Column>>>()?;
    Ok(Table::new(&name, DataFrame::new(frame.height(), columns)?))
}

/// Whether polars, as it is built here, reads values of a type.
fn is_read(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as A;
    match dtype {
        A::Null | A::Boolean | A::Int32 | A::Int64 | A::UInt32 | A::UInt64 | A::Float32 | A::Float64 => true,
        A::Timestamp(..) | A::Date32 | A::Date64 | A::Time32(_) | A::Time64(_) | A::Duration(_) => true,
        A::Utf8 | A::LargeUtf8 | A::Utf8View => true,
        A::Dictionary(_, values, _) => is_read(values),
        A::List(field) | A::LargeList(field) => is_read(&field.dtype),
        _ => false,
    }
}

/// The same column as something that has a text: a moment without its time zone (in UTC), a duration in seconds.
fn plain(column: &Column) -> PolarsResult<Column> {
    match column.dtype() {
        DataType::Datetime(unit, Some(_)) => column.to_physical_repr().cast(&DataType::Datetime(*unit, None)),
        DataType::Duration(unit) => {
            let seconds = column.to_physical_repr().cast(&DataType::Float64)?;
            Ok(&seconds / per_second(*unit))
        }
        _ => Ok(column.clone()),
    }
}

fn per_second(unit: TimeUnit) -> f64 {
    match unit {
        TimeUnit::Nanoseconds => 1e9,
        TimeUnit::Microseconds => 1e6,
        TimeUnit::Milliseconds => 1e3,
    }
}
