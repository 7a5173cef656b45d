//! Labelled rows of the prediction log: what has become known since a model was trained.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use data_contract::{ColumnKind, Contract, Home, log_column, prepared_column};
use polars::prelude::*;

use crate::frame;

/// Predictions that only compare models; they are no traffic.
const SHADOW: &str = "shadow";

/// The logged rows whose label was known by a moment, in the form of prepared rows; one row per id.
pub(crate) fn read(home: &Home, contract: &Contract, known_by: DateTime<Utc>) -> anyhow::Result<DataFrame> {
    let labels = read_labels(&home.labels(), contract, known_by);
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for path in parts(&home.predictions()) {
        match read_part(&path, contract, &labels, &mut seen) {
            Ok(part) => rows.push(part),
            Err(error) => tracing::warn!("left out {}: {error:#}", path.display()),
        }
    }
    let mut all = empty(contract)?;
    for part in rows {
        all.vstack_mut(&part)?;
    }
    Ok(all)
}

/// Logged rows with the columns that prepared rows may have besides: each counts once and belongs to no group.
pub(crate) fn like(prepared: &DataFrame, mut logged: DataFrame) -> anyhow::Result<DataFrame> {
    let n_rows = logged.height();
    if prepared.column(prepared_column::WEIGHT).is_ok() {
        logged.with_column(Column::new(prepared_column::WEIGHT.into(), vec![1.0; n_rows]))?;
    }
    if prepared.column(prepared_column::GROUP).is_ok() {
        logged.with_column(Column::full_null(prepared_column::GROUP.into(), n_rows, &DataType::String))?;
    }
    Ok(logged)
}

/// The class of each id; labels that are no class of the contract are counted and left out.
fn read_labels(folder: &Path, contract: &Contract, known_by: DateTime<Utc>) -> HashMap<String, String> {
    let mut labels = HashMap::new();
    let mut n_refused = 0;
    for path in parts(folder) {
        match read_label_part(&path, known_by) {
            Ok(part) => {
                let (known, other): (Vec<_>, Vec<_>) =
                    part.into_iter().partition(|(_, class)| contract.target.classes.contains(class));
                labels.extend(known);
                n_refused += other.len();
            }
            Err(error) => tracing::warn!("left out {}: {error:#}", path.display()),
        }
    }
    if n_refused > 0 {
        tracing::warn!("left out {n_refused} labels that are not one of {}", contract.target.classes.join(", "));
    }
    labels
}

fn read_label_part(path: &Path, known_by: DateTime<Utc>) -> anyhow::Result<Vec<(String, String)>> {
    let part = frame::read_parquet(path)?;
    let (ids, classes) = (part.column(log_column::ID)?.str()?, part.column(log_column::LABEL)?.str()?);
    let times = micros(part.column(log_column::KNOWN)?)?;
    let known = |((id, class), time): ((Option<&str>, Option<&str>), Option<i64>)| {
        (time? <= known_by.timestamp_micros()).then_some((id?.to_owned(), class?.to_owned()))
    };
    Ok(ids.iter().zip(classes.iter()).zip(times.iter()).filter_map(known).collect())
}

fn read_part(
    path: &Path,
    contract: &Contract,
    labels: &HashMap<String, String>,
    seen: &mut HashSet<String>,
) -> anyhow::Result<DataFrame> {
    let part = frame::read_parquet(path)?;
    let ids = part.column(log_column::ID)?.str()?.clone();
    let sources = part.column(log_column::SOURCE)?.str()?.clone();
    let wanted: BooleanChunked = ids
        .iter()
        .zip(sources.iter())
        .map(|(id, source)| id.is_some_and(|id| source != Some(SHADOW) && labels.contains_key(id) && seen.insert(id.to_owned())))
        .collect();
    let part = part.filter(&wanted)?;
    let ids = part.column(log_column::ID)?.str()?;
    let classes: StringChunked = ids.iter().map(|id| id.and_then(|id| labels.get(id)).map(String::as_str)).collect();
    let dates = micros(part.column(log_column::TIME)?)?;
    let dates: Vec<Option<NaiveDate>> =
        dates.iter().map(|time| Some(DateTime::from_timestamp_micros(time?)?.date_naive())).collect();
    let mut columns = vec![
        Column::new(prepared_column::ROW.into(), vec![0u64; part.height()]),
        DateChunked::from_naive_date_options(prepared_column::DATE.into(), dates).into_column(),
    ];
    for column in &contract.columns {
        let values = part.column(&log_column::feature(&column.name))?.cast(&type_of(&column.kind))?;
        columns.push(values.with_name(PlSmallStr::from_str(&column.name)));
    }
    columns.push(classes.with_name(PlSmallStr::from_str(&contract.target.name)).into_column());
    Ok(DataFrame::new(part.height(), columns)?)
}

fn empty(contract: &Contract) -> anyhow::Result<DataFrame> {
    let mut columns = vec![
        Column::new(prepared_column::ROW.into(), Vec::<u64>::new()),
        DateChunked::from_naive_date_options(prepared_column::DATE.into(), Vec::new()).into_column(),
    ];
    for column in &contract.columns {
        columns.push(Column::new_empty(PlSmallStr::from_str(&column.name), &type_of(&column.kind)));
    }
    columns.push(Column::new_empty(PlSmallStr::from_str(&contract.target.name), &DataType::String));
    Ok(DataFrame::new(0, columns)?)
}

fn type_of(kind: &ColumnKind) -> DataType {
    match kind {
        ColumnKind::Numeric { .. } => DataType::Float64,
        ColumnKind::Categorical { .. } | ColumnKind::Date { .. } => DataType::String,
    }
}

fn micros(column: &Column) -> PolarsResult<Int64Chunked> {
    let in_micros = match column.dtype() {
        DataType::Datetime(TimeUnit::Microseconds, _) => column.clone(),
        DataType::Datetime(_, zone) => column.cast(&DataType::Datetime(TimeUnit::Microseconds, zone.clone()))?,
        _ => column.clone(),
    };
    Ok(in_micros.cast(&DataType::Int64)?.i64()?.clone())
}

/// Every `part-*.parquet` below a folder, in order of path.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(parts(&path));
        } else if name.starts_with("part-") && name.ends_with(".parquet") {
            found.push(path);
        }
    }
    found.sort();
    found
}
