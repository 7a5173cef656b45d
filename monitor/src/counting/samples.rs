//! Rows of a window beside rows that its version knew, for what counts of columns cannot tell.

use std::path::Path;

use anyhow::Result;
use chrono::Days;
use data_contract::{ColumnKind, Contract, Part, Prepared, Record, Rules, log_column};
use duckdb::Row;
use serde_json::Map;

use super::{Counter, Dialect, Served};
use crate::domain::{Domain, N_ROWS, domain};
use crate::engine::{json, quote_name};
use crate::files;
use crate::partitions::{Part as LogPart, prediction_parts};
use crate::segment_reference::Known;
use crate::versions::Version;
use crate::window::Window;

/// Newest rows that a retrained version knew, as many as its reference counts.
const N_NEWEST: usize = 2_000;
/// Rows for the references of segments, at most.
const N_KNOWN: usize = 50_000;
/// How far back those are looked for.
const MAX_DAYS: u64 = 400;

impl Counter<'_> {
    /// Tells how well a window's rows can be told from those that its version knew; asked once for the same rows. Else why not,
    /// as where those that the version knew are not here.
    pub(crate) fn domain(&mut self, served: Served, version: &Version, rules: &Rules) -> Result<Result<Domain, String>> {
        let counts = &self.windows[&served];
        if let Some(known) = counts.domain.clone().filter(|domain| domain.left_out == rules.calendar) {
            return Ok(Ok(known));
        }
        let n_rows = counts.traffic.as_ref().map_or(0, |traffic| traffic.n_rows);
        let known = self.known_rows(version, N_ROWS)?;
        if known.is_empty() {
            return Ok(Err(not_here(version)));
        }
        let contract = &version.contract;
        let features = |rows: Vec<Record>| rows.iter().map(|row| row.features(contract)).collect::<Vec<_>>();
        let window = self.window_rows(served, version, n_rows)?;
        let found = domain(contract, rules, &features(known), &features(window));
        if let Ok(found) = &found {
            self.windows.get_mut(&served).expect("it was looked at above").domain = Some(found.clone());
            self.kept(Some(&version.contract)).write_window(served.0, served.1, &self.windows[&served])?;
        }
        Ok(found)
    }

    /// Rows that a version knew, for the references of segments; none where they are not here.
    pub(crate) fn known(&self, version: &Version) -> Result<Known> {
        let rows = self.known_rows(version, N_KNOWN)?;
        let unseen = match version.manifest.data.n_logged {
            0 => self.prepared_rows(version, Part::Validation, version.manifest.data.n_validation, N_KNOWN)?,
            _ => rows.clone(),
        };
        Ok(Known { rows, unseen })
    }

    fn window_rows(&self, (window, number): Served, version: &Version, n_rows: u64) -> Result<Vec<Record>> {
        let foreign = &self.windows[&(window, number)].foreign;
        let own = |part: &LogPart| {
            part.version == Some(number) && Window::of(part.date, self.by) == window && !foreign.contains(&part.key())
        };
        let parts: Vec<LogPart> = prediction_parts(self.home)?.into_iter().filter(own).collect();
        let one_in = (n_rows / (2 * N_ROWS as u64)).max(1);
        let sql = include_str!("../../sql/sample_rows.sql")
            .replace("{filter}", &self.filter(Dialect::Duckdb, &version.contract))
            .replace("{one_in}", &one_in.to_string());
        self.rows(parts.iter().map(|part| part.path.as_path()), &sql, &version.contract, N_ROWS, log_column::feature)
    }

    /// The training rows; of a retrained version, the newest rows known when it was made.
    fn known_rows(&self, version: &Version, limit: usize) -> Result<Vec<Record>> {
        let data = &version.manifest.data;
        let (true, Some(last)) = (data.n_logged > 0, data.last_date) else {
            return self.prepared_rows(version, Part::Train, data.n_train, limit);
        };
        let recent = |part: &LogPart| part.date <= last && part.date + Days::new(MAX_DAYS) > last;
        let parts: Vec<LogPart> = prediction_parts(self.home)?.into_iter().filter(recent).collect();
        let sql = include_str!("../../sql/newest_rows.sql").replace("{model}", &Dialect::Duckdb.text(&self.model));
        self.rows(parts.iter().map(|part| part.path.as_path()), &sql, &version.contract, N_NEWEST, log_column::feature)
    }

    fn prepared_rows(&self, version: &Version, part: Part, n_rows: u64, limit: usize) -> Result<Vec<Record>> {
        let folder = self.home.prepared();
        let prepared: Option<Prepared> = files::read_json(&folder.join("prepared.json"))?;
        let path = folder.join(part.file_name());
        if prepared.is_none_or(|prepared| prepared.digest != version.manifest.data.digest) || !path.is_file() {
            return Ok(Vec::new());
        }
        let one_in = (n_rows / limit as u64).max(1);
        let sql = include_str!("../../sql/sample_prepared.sql").replace("{one_in}", &one_in.to_string());
        self.rows([path.as_path()].into_iter(), &sql, &version.contract, limit, str::to_owned)
    }

    /// The rows of a query over some files; a row that does not follow the contract is left out.
    fn rows<'p>(
        &self,
        files: impl Iterator<Item = &'p Path>,
        sql: &str,
        contract: &Contract,
        limit: usize,
        name: fn(&str) -> String,
    ) -> Result<Vec<Record>> {
        let files: Vec<&Path> = files.collect();
        if files.is_empty() {
            return Ok(Vec::new());
        }
        self.engine.set_files("files", files)?;
        let column = |column: &data_contract::Column| {
            let kind = if matches!(column.kind, ColumnKind::Numeric { .. }) { "DOUBLE" } else { "VARCHAR" };
            format!("CAST({} AS {kind})", quote_name(&name(&column.name)))
        };
        let columns: Vec<String> = contract.columns.iter().map(column).collect();
        let sql = sql.replace("{columns}", &columns.join(", ")).replace("{limit}", &limit.to_string());
        let rows = self.engine.query(&sql, |row| record(row, contract))?;
        Ok(rows.into_iter().flatten().collect())
    }
}

/// Why nothing can be held against the rows that a version knew.
pub(crate) fn not_here(version: &Version) -> String {
    let number = version.manifest.version;
    match version.manifest.data.n_logged {
        0 => format!("the rows that version {number} learned from are not here: `prepared` is missing, or holds other rows"),
        _ => format!("the rows that version {number} knew are no longer in the log"),
    }
}

fn record(row: &Row, contract: &Contract) -> Result<Option<Record>> {
    let mut fields = Map::new();
    for (at, column) in contract.columns.iter().enumerate() {
        fields.insert(column.name.clone(), json(row.get_ref(at)?));
    }
    Ok(contract.record(&fields).ok())
}
