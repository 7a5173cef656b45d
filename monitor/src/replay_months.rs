//! The rows to replay, month by month, and what of them the log already holds.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;
use chrono::NaiveDate;
use data_contract::{Bundle, ColumnKind, Contract, Home, Part, Prepared, SplitKind, prepared_column};
use serde_json::{Map, Value as Json};

use crate::engine::{Engine, json, quote_name};
use crate::failure::Failure;
use crate::files;
use crate::partitions::{self, prediction_parts};
use crate::window::{By, Window};

/// One labelled row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReplayRow {
    /// Its number in the source.
    pub(crate) number: i64,
    /// Its date.
    pub(crate) date: NaiveDate,
    /// Its features by name.
    pub(crate) features: Map<String, Json>,
    /// Its true class; none where it is not known.
    pub(crate) label: Option<String>,
}

/// The rows after the training cut, by month.
pub(crate) fn read(home: &Home, engine: &Engine, contract: &Contract) -> Result<BTreeMap<Window, Vec<ReplayRow>>> {
    let folder = home.prepared();
    let prepared: Option<Prepared> = files::read_json(&folder.join("prepared.json"))?;
    let Some(prepared) = prepared else { return Err(Failure::NotPrepared { folder }.into()) };
    if prepared.split != SplitKind::Time {
        return Err(Failure::NotInTime { folder }.into());
    }
    let path = folder.join(Part::Test.file_name());
    engine.set_files("files", [path.as_path()])?;
    let columns: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    let rows = engine.query(&query(contract), |row| {
        let date: String = row.get(1)?;
        let value = |index: usize| -> Result<Json> { Ok(json(row.get_ref(index)?)) };
        let features: Result<Map<String, Json>> =
            columns.iter().enumerate().map(|(index, name)| Ok(((*name).to_owned(), value(index + 3)?))).collect();
        Ok(ReplayRow {
            number: row.get(0)?,
            date: date.get(..10).unwrap_or(&date).parse()?,
            label: row.get(2)?,
            features: features?,
        })
    })?;
    let mut months: BTreeMap<Window, Vec<ReplayRow>> = BTreeMap::new();
    for row in rows {
        months.entry(Window::of(row.date, By::Month)).or_default().push(row);
    }
    Ok(months)
}

/// Ids of one month's predictions.
pub(crate) fn logged_ids(home: &Home, engine: &Engine, month: Window) -> Result<HashSet<String>> {
    let in_month = |part: &partitions::Part| Window::of(part.date, By::Month) == month;
    let list = || Ok(prediction_parts(home)?.into_iter().filter(in_month).collect());
    let sql = include_str!("../sql/known_ids.sql").replace("{identity}", data_contract::log_column::ID);
    Ok(engine.read_parts(list, &sql, |row| Ok(row.get::<_, String>(0)?))?.into_iter().collect())
}

/// The version that served when an earlier replay began, if there was one; those that the registry does not hold do not count.
pub(crate) fn first_version(home: &Home, engine: &Engine) -> Result<Option<u32>> {
    let sql = include_str!("../sql/first_replayed.sql");
    let served = engine.read_parts(|| prediction_parts(home), sql, |row| Ok(row.get::<_, u32>(0)?))?;
    Ok(served.into_iter().find(|&version| home.version(version).join(Bundle::MODEL).is_file()))
}

fn query(contract: &Contract) -> String {
    let column = |column: &data_contract::Column| {
        let kind = if matches!(column.kind, ColumnKind::Numeric { .. }) { "DOUBLE" } else { "VARCHAR" };
        format!("CAST({} AS {kind})", quote_name(&column.name))
    };
    let columns: Vec<String> = contract.columns.iter().map(column).collect();
    include_str!("../sql/replay_rows.sql")
        .replace("{row}", &quote_name(prepared_column::ROW))
        .replace("{date}", &quote_name(prepared_column::DATE))
        .replace("{target}", &quote_name(&contract.target.name))
        .replace("{columns}", &columns.join(", "))
}
