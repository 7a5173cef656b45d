//! Tables for other programs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use duckdb::types::Value;

use super::{Engine, SqlType, quote_text};
use crate::failure::Failure;
use crate::files;

impl Engine {
    /// Writes rows to each of some files, in their order, each file whole or not at all; its ending tells the format.
    pub(crate) fn write_table(&self, paths: &[PathBuf], columns: &[(String, SqlType)], rows: Vec<Vec<Value>>) -> Result<()> {
        self.stage(columns, rows)?;
        paths.iter().try_for_each(|path| self.copy_staged(path))
    }

    fn copy_staged(&self, path: &Path) -> Result<()> {
        let format = if path.extension().is_some_and(|end| end == "csv") { "csv, HEADER" } else { "parquet, COMPRESSION zstd" };
        let beside = files::beside_alone(path);
        let sql = include_str!("../../sql/copy_table.sql").replace("{format}", format);
        let sql = sql.replace("{path}", &quote_text(&beside.to_string_lossy()));
        if let Err(error) = self.run(&sql) {
            fs::remove_file(&beside).ok();
            let source = std::io::Error::other(format!("{error:#}"));
            return Err(Failure::CannotWrite { path: path.into(), source }.into());
        }
        Ok(fs::rename(&beside, path).map_err(|source| Failure::CannotWrite { path: path.into(), source })?)
    }
}
