//! Records as rows of the log: which columns there are, and what cannot be written.

use chrono::{DateTime, Datelike, Utc};
use data_contract::{ColumnKind, Contract, LabelRecord, PredictionRecord, Value as Field, log_column, short};
use duckdb::types::{TimeUnit, Value};

use crate::contracts::Contracts;
use crate::engine::SqlType;

/// A row to be written, and what makes it the same row when it comes again.
pub(crate) struct Row {
    /// Equal for equal rows.
    pub(crate) identity: String,
    /// One per column.
    pub(crate) values: Vec<Value>,
}

/// The identity of a label in SQL: it may be corrected, so its id alone does not identify it.
pub(crate) const LABEL_IDENTITY: &str = "concat_ws(chr(31), prediction_id, label, epoch_us(known_at))";

/// The longest id, in bytes.
const MAX_ID_BYTES: usize = 200;

/// Refuses a prediction that cannot be written. One of an unknown version whose contract is not known passes, as both may come
/// before it is written.
pub(crate) fn check_prediction(record: &PredictionRecord, contracts: &Contracts) -> Result<(), String> {
    match contracts.get(&record.contract) {
        Some(_) => prediction_row(record, contracts).map(|_| ()),
        None => check_fields(record, contracts),
    }
}

fn check_fields(record: &PredictionRecord, contracts: &Contracts) -> Result<(), String> {
    check_identity(&record.id, record.time)?;
    if i32::try_from(record.version).is_err() || i32::try_from(record.n_flags).is_err() {
        return Err(format!("version {} or n_flags {} is too large", record.version, record.n_flags));
    }
    if contracts.of_version(record.version).is_some_and(|digest| digest != record.contract) {
        return Err(format!("version {} has another contract than `{}`", record.version, short(&record.contract)));
    }
    Ok(())
}

/// Refuses a label that cannot be written, or that no known contract has as a class.
pub(crate) fn check_label(record: &LabelRecord, contracts: &Contracts) -> Result<(), String> {
    check_identity(&record.id, record.time)?;
    if contracts.may_be_class(&record.label) {
        return Ok(());
    }
    Err(format!("the label {:?} is a class of no known contract", record.label))
}

/// The columns of the prediction log under a contract.
pub(crate) fn prediction_columns(contract: &Contract) -> Vec<(String, SqlType)> {
    let own = [
        (log_column::ID, SqlType::Text),
        (log_column::TIME, SqlType::Timestamp),
        (log_column::MODEL, SqlType::Text),
        (log_column::VERSION, SqlType::Integer),
        (log_column::CONTRACT, SqlType::Text),
        (log_column::SOURCE, SqlType::Text),
        (log_column::LABEL, SqlType::Text),
        (log_column::FLAGS, SqlType::Integer),
    ];
    let features = contract.columns.iter().map(|column| {
        let kind = if matches!(column.kind, ColumnKind::Numeric { .. }) { SqlType::Double } else { SqlType::Text };
        (log_column::feature(&column.name), kind)
    });
    let probabilities = contract.target.classes.iter().map(|class| (log_column::probability(class), SqlType::Double));
    own.map(|(name, kind)| (name.to_owned(), kind)).into_iter().chain(features).chain(probabilities).collect()
}

/// A prediction as a row, once it has been checked.
pub(crate) fn prediction_row(record: &PredictionRecord, contracts: &Contracts) -> Result<Row, String> {
    check_fields(record, contracts)?;
    let contract = contracts
        .get(&record.contract)
        .ok_or_else(|| format!("no version of the registry has the contract `{}`", short(&record.contract)))?;
    let fields = contract.record(&record.features).map_err(|error| error.to_string())?;
    let probabilities = contract.target.classes.iter().map(|class| probability(record, class));
    let mut values = vec![
        Value::Text(record.id.clone()),
        Value::Timestamp(TimeUnit::Microsecond, record.time.timestamp_micros()),
        Value::Text(record.model.clone()),
        Value::Int(record.version as i32),
        Value::Text(record.contract.clone()),
        Value::Text(record.source.clone()),
        Value::Text(record.label.clone()),
        Value::Int(record.n_flags as i32),
    ];
    values.extend(fields.values().iter().zip(&contract.columns).map(|(field, column)| feature(field, &column.kind)));
    values.extend(probabilities.collect::<Result<Vec<_>, _>>()?);
    Ok(Row { identity: record.id.clone(), values })
}

/// The columns of the label log.
pub(crate) fn label_columns() -> Vec<(String, SqlType)> {
    let columns = [(log_column::ID, SqlType::Text), (log_column::LABEL, SqlType::Text), (log_column::KNOWN, SqlType::Timestamp)];
    columns.map(|(name, kind)| (name.to_owned(), kind)).into()
}

/// A label as a row.
pub(crate) fn label_row(record: &LabelRecord) -> Row {
    let micros = record.time.timestamp_micros();
    let values =
        vec![Value::Text(record.id.clone()), Value::Text(record.label.clone()), Value::Timestamp(TimeUnit::Microsecond, micros)];
    Row { identity: format!("{}\u{1f}{}\u{1f}{micros}", record.id, record.label), values }
}

fn check_identity(id: &str, time: DateTime<Utc>) -> Result<(), String> {
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(format!("the id is empty or longer than {MAX_ID_BYTES} bytes"));
    }
    if id.chars().any(char::is_control) {
        return Err(format!("the id {id:?} holds a control character"));
    }
    match time.year() {
        1..=9999 => Ok(()),
        year => Err(format!("the year {year} is not one of 1 to 9999")),
    }
}

fn probability(record: &PredictionRecord, class: &str) -> Result<Value, String> {
    let found = record.probabilities.0.iter().find(|(name, _)| name == class);
    match found {
        Some((_, probability)) if (0.0..=1.0).contains(probability) => Ok(Value::Double(*probability)),
        Some((_, probability)) => {
            Err(format!("the probability of `{class}` is {probability}, which does not lie between 0 and 1"))
        }
        None => Err(format!("the probability of `{class}` is missing")),
    }
}

fn feature(field: &Field, kind: &ColumnKind) -> Value {
    match (field, kind) {
        (Field::Number(number), _) => Value::Double(*number),
        (Field::Unseen(text), _) => Value::Text(text.clone()),
        (Field::Date(moment), _) => Value::Text(moment.to_string()),
        (Field::Level(index), ColumnKind::Categorical { levels }) => {
            levels.get(*index as usize).map_or(Value::Null, |level| Value::Text(level.clone()))
        }
        (Field::Missing | Field::Level(_), _) => Value::Null,
    }
}
