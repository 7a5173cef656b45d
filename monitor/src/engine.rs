//! The door to DuckDB: one connection in memory, queries from `sql/`, files by list.

mod tables;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use duckdb::arrow::array::StructArray;
use duckdb::types::{Value, ValueRef};
use duckdb::{Config, Connection, Row, appender_params_from_iter};

use serde_json::Value as Json;

use crate::failure::Failure;
use crate::files;
use crate::partitions::Part;

/// A DuckDB connection that neither loads nor installs extensions.
pub(crate) struct Engine {
    connection: Connection,
    damaged: RefCell<Vec<PathBuf>>,
}

/// The type of a column that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SqlType {
    /// 32-bit integer.
    Integer,
    /// 64-bit float.
    Double,
    /// Text.
    Text,
    /// UTC, microseconds.
    Timestamp,
    /// A day.
    Date,
    /// True or false.
    Boolean,
}

impl Engine {
    /// Opens a connection; `spill` is where work goes that does not fit in memory.
    pub(crate) fn open(spill: &Path) -> Result<Self> {
        let config = Config::default().enable_autoload_extension(false)?.with("temp_directory", spill.to_string_lossy())?;
        let connection = Connection::open_in_memory_with_flags(config).context("cannot start DuckDB")?;
        connection.execute_batch("SET parquet_metadata_cache = true")?;
        Ok(Self { connection, damaged: RefCell::default() })
    }

    /// Runs statements that answer nothing.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(|error| refused(sql, &error))
    }

    /// Sets a text variable for the queries that follow.
    pub(crate) fn set_text(&self, variable: &str, text: &str) -> Result<()> {
        self.run(&format!("SET VARIABLE {variable} = {}", quote_text(text)))
    }

    /// Sets a list of files for the queries that follow.
    pub(crate) fn set_files<'a>(&self, variable: &str, paths: impl IntoIterator<Item = &'a Path>) -> Result<()> {
        self.set_texts(variable, paths.into_iter().map(Path::to_string_lossy))
    }

    /// Sets a list of texts for the queries that follow.
    pub(crate) fn set_texts(&self, variable: &str, texts: impl IntoIterator<Item = impl AsRef<str>>) -> Result<()> {
        let list: Vec<String> = texts.into_iter().map(|text| quote_text(text.as_ref())).collect();
        self.run(&format!("SET VARIABLE {variable} = [{}]", list.join(", ")))
    }

    /// Runs a query and reads each row.
    pub(crate) fn query<T>(&self, sql: &str, mut read: impl FnMut(&Row) -> Result<T>) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare(sql).map_err(|error| refused(sql, &error))?;
        let mut rows = statement.query([]).map_err(|error| refused(sql, &error))?;
        let mut answer = Vec::new();
        while let Some(row) = rows.next().map_err(|error| refused(sql, &error))? {
            answer.push(read(row)?);
        }
        Ok(answer)
    }

    /// Runs a query and hands over its answer batch by batch; only a batch is in memory at a time.
    pub(crate) fn stream(&self, sql: &str, mut take: impl FnMut(&StructArray)) -> Result<()> {
        let mut statement = self.connection.prepare(sql).map_err(|error| refused(sql, &error))?;
        // The iterator that comes back panics where a batch cannot be read; `step` tells.
        drop(statement.stream_arrow([]).map_err(|error| refused(sql, &error))?);
        while let Some(batch) = statement.step().map_err(|error| refused(sql, &error))? {
            take(&batch);
        }
        Ok(())
    }

    /// Stages rows and writes them as one Parquet file, whole or not at all. It is not yet certain to survive a power cut.
    /// No one else may write to its folder meanwhile: the lock of compaction sees to that.
    pub(crate) fn write_part(&self, path: &Path, columns: &[(String, SqlType)], rows: Vec<Vec<Value>>) -> Result<()> {
        let folder = path.parent().expect("a part lies in a partition");
        files::create_folder(folder)?;
        files::sweep(folder);
        self.stage(columns, rows)?;
        let beside = files::beside(path);
        let copied =
            self.run(&include_str!("../sql/copy_part.sql").replace("{path}", &beside.to_string_lossy().replace('\'', "''")));
        if let Err(error) = copied {
            // On a full disk, half a file takes the room that the next try needs.
            fs::remove_file(&beside).ok();
            return Err(Failure::NotWritten { path: path.into(), problem: format!("{error:#}") }.into());
        }
        Ok(fs::rename(&beside, path).map_err(|source| Failure::CannotWrite { path: path.into(), source })?)
    }

    /// Runs a query over the listed parts, which it knows as `files`; no parts give no rows.
    pub(crate) fn read_parts<T>(
        &self,
        list: impl Fn() -> Result<Vec<Part>, Failure>,
        sql: &str,
        mut read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.without_damaged(list, |parts| {
            if parts.is_empty() {
                return Ok(Vec::new());
            }
            self.set_files("files", parts.iter().map(|part| part.path.as_path()))?;
            self.query(sql, &mut read)
        })
    }

    /// Does work that reads the listed parts; where it fails and some are damaged, they are set aside and it is done once more.
    pub(crate) fn without_damaged<T>(
        &self,
        list: impl Fn() -> Result<Vec<Part>, Failure>,
        mut work: impl FnMut(&[Part]) -> Result<T>,
    ) -> Result<T> {
        let parts = list()?;
        match work(&parts) {
            Err(error) if error.downcast_ref::<Failure>().is_none() && self.set_damaged_aside(&parts)? => work(&list()?),
            other => other,
        }
    }

    /// The files that were set aside since the engine was opened.
    pub(crate) fn damaged(&self) -> Vec<PathBuf> {
        self.damaged.borrow().clone()
    }

    /// Renames the damaged ones among these parts, so that nothing reads them again; tells whether there were any.
    fn set_damaged_aside(&self, parts: &[Part]) -> Result<bool> {
        let mut any = false;
        for part in parts {
            let Some(reason) = self.damage(&part.path)? else { continue };
            any = true;
            let aside = PathBuf::from(format!("{}.set-aside", part.path.display()));
            match fs::rename(&part.path, &aside) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                other => other.map_err(|source| Failure::CannotWrite { path: aside.clone(), source })?,
            }
            tracing::warn!(file = %part.path.display(), moved_to = %aside.display(), %reason, "damaged part set aside");
            self.damaged.borrow_mut().push(aside);
        }
        Ok(any)
    }

    /// Why a file is no part of the log; none when it is one, or is gone.
    fn damage(&self, path: &Path) -> Result<Option<anyhow::Error>> {
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Failure::CannotRead { path: path.into(), source }.into()),
            Ok(_) => self.set_files("files", [path])?,
        }
        Ok(self.query(include_str!("../sql/check_part.sql"), |_| Ok(())).err())
    }

    fn stage(&self, columns: &[(String, SqlType)], rows: Vec<Vec<Value>>) -> Result<()> {
        let list: Vec<String> = columns.iter().map(|(name, kind)| format!("{} {kind}", quote_name(name))).collect();
        self.run(&format!("CREATE OR REPLACE TEMP TABLE part ({})", list.join(", ")))?;
        let mut appender = self.connection.appender("part")?;
        for row in rows {
            appender.append_row(appender_params_from_iter(row))?;
        }
        Ok(appender.flush()?)
    }
}

impl std::fmt::Display for SqlType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Integer => "INTEGER",
            Self::Double => "DOUBLE",
            Self::Text => "VARCHAR",
            Self::Timestamp => "TIMESTAMP",
            Self::Date => "DATE",
            Self::Boolean => "BOOLEAN",
        })
    }
}

/// A column's name as SQL writes it.
pub(crate) fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A number, if the value is one.
pub(crate) fn number(value: ValueRef) -> Option<f64> {
    match value {
        ValueRef::Double(number) => Some(number),
        ValueRef::Float(number) => Some(number.into()),
        ValueRef::TinyInt(number) => Some(number.into()),
        ValueRef::SmallInt(number) => Some(number.into()),
        ValueRef::Int(number) => Some(number.into()),
        ValueRef::BigInt(number) => Some(number as f64),
        ValueRef::UTinyInt(number) => Some(number.into()),
        ValueRef::USmallInt(number) => Some(number.into()),
        ValueRef::UInt(number) => Some(number.into()),
        ValueRef::UBigInt(number) => Some(number as f64),
        ValueRef::HugeInt(number) => Some(number as f64),
        ValueRef::Boolean(truth) => Some(f64::from(u8::from(truth))),
        _ => None,
    }
}

/// A value as JSON has it.
pub(crate) fn json(value: ValueRef) -> Json {
    match value {
        ValueRef::Text(bytes) => Json::from(String::from_utf8_lossy(bytes)),
        other => number(other).map_or(Json::Null, Json::from),
    }
}

/// A text, if the value is one.
pub(crate) fn text(value: ValueRef) -> Option<String> {
    match value {
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

/// A text as SQL writes it.
pub(crate) fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The message alone: what DuckDB keeps below it is a code that says nothing.
fn refused(sql: &str, error: &duckdb::Error) -> anyhow::Error {
    let line = sql.lines().find(|line| !line.starts_with("--")).unwrap_or(sql);
    anyhow::anyhow!("DuckDB refused `{}`: {error}", line.get(..60).unwrap_or(line))
}
