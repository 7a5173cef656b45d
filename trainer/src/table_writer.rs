//! A table written to a file part by part, whole or not at all.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;
use trainer_registry::store::Beside;

use crate::failure::{Hint, failure};

/// A CSV or Parquet file in the making, by its ending.
pub(crate) struct TableWriter {
    beside: Beside,
    format: Format,
}

enum Format {
    Csv { file: File, has_header: bool },
    Parquet(Box<BatchedWriter<File>>),
}

impl TableWriter {
    /// Begins a file of tables like this one.
    ///
    /// # Errors
    /// A file of another ending, and a folder that cannot be written to.
    pub(crate) fn new(path: &Path, like: &DataFrame) -> anyhow::Result<Self> {
        let is_parquet = match path.extension().and_then(|ending| ending.to_str()) {
            Some("parquet") => true,
            Some("csv") => false,
            _ => {
                return Err(failure(format!("cannot tell the format of {}", path.display()), "end its name in .csv or .parquet"));
            }
        };
        let beside = Beside::new(path)?;
        let file = beside.file()?;
        let format = if is_parquet {
            let writer = ParquetWriter::new(file).with_compression(ParquetCompression::Zstd(None));
            Format::Parquet(Box::new(writer.batched(like.schema())?))
        } else {
            Format::Csv { file, has_header: false }
        };
        Ok(Self { beside, format })
    }

    /// Appends rows.
    pub(crate) fn write(&mut self, frame: &mut DataFrame) -> anyhow::Result<()> {
        let written = match &mut self.format {
            Format::Parquet(writer) => writer.write_batch(frame),
            Format::Csv { file, has_header } => {
                CsvWriter::new(file).include_header(!std::mem::replace(has_header, true)).finish(frame)
            }
        };
        self.explain(written)
    }

    /// Puts the file into its place.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        if let Format::Parquet(writer) = &self.format {
            self.explain(writer.finish())?;
        }
        Ok(self.beside.replace()?)
    }

    fn explain<T>(&self, written: PolarsResult<T>) -> anyhow::Result<T> {
        let written = Context::with_context(written, || format!("cannot write {}", self.beside.place().display()));
        written.hint("check that the folder can be written to and the disk is not full")
    }
}
