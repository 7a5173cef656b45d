//! A record: one row, checked against the contract.
//!
//! Parsing happens once, here; a `Record` that exists has the contract's columns, in order, each of the right kind.
//! A level that training never saw and a number outside training's range are no errors: the row is scored and flagged.
//! A text that is not listed in a column with rare levels is scored as those are, and not flagged: training knows such texts.

mod error;
mod given;
mod value;

use serde_json::{Map, Value as Json};

use crate::contract::{Column, ColumnKind, Contract};
use crate::prediction::Flag;
pub use error::RecordError;
use error::{A_DATE, shorten, wrong_kind};
pub use given::Given;
pub use value::Value;

/// The longest text a field may hold, in bytes.
pub const MAX_TEXT_BYTES: usize = 1024;

/// One checked row, its values in contract order.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    values: Vec<Value>,
}

impl Contract {
    /// Parses one JSON object.
    pub fn record_from_json(&self, json: &str) -> Result<Record, RecordError> {
        let value = serde_json::from_str(json).map_err(|e| RecordError::Syntax(e.to_string()))?;
        self.record_from_value(&value)
    }

    /// Checks one JSON value.
    pub fn record_from_value(&self, value: &Json) -> Result<Record, RecordError> {
        match value {
            Json::Object(fields) => self.record(fields),
            other => Err(RecordError::NotAnObject { found: Given::of(other).kind() }),
        }
    }

    /// Checks the fields of one JSON object: every column must be there, and nothing else.
    pub fn record(&self, fields: &Map<String, Json>) -> Result<Record, RecordError> {
        self.refuse_unknown(fields.keys())?;
        let value = |column: &Column| match fields.get(&column.name) {
            Some(value) => self.value_from_json(column, value),
            None => Err(RecordError::MissingColumn { column: column.name.clone() }),
        };
        Ok(Record { values: self.columns.iter().map(value).collect::<Result<_, _>>()? })
    }

    /// Checks one value per column, whoever holds them: `None` where a record has no such field.
    ///
    /// `written` gives a value's JSON text, which errors quote; only whoever holds the values knows it without a writer of JSON.
    pub fn record_from_values<'a>(
        &self,
        value: impl Fn(usize) -> Option<Given<'a>>,
        written: impl Fn(usize) -> String,
    ) -> Result<Record, RecordError> {
        let mut values = Vec::with_capacity(self.columns.len());
        for (index, column) in self.columns.iter().enumerate() {
            let given = value(index).ok_or_else(|| RecordError::MissingColumn { column: column.name.clone() })?;
            values.push(self.value_as_written(column, &given, &|| written(index))?);
        }
        Ok(Record { values })
    }

    /// Refuses a field that the contract does not know.
    pub fn refuse_unknown(&self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), RecordError> {
        match names.into_iter().find(|name| self.position(name.as_ref()).is_none()) {
            Some(unknown) => Err(RecordError::UnknownColumn { column: shorten(unknown.as_ref()) }),
            None => Ok(()),
        }
    }

    /// Checks one text per column, in contract order, as a CSV file holds them.
    pub fn record_from_texts<'a>(&self, texts: impl IntoIterator<Item = Option<&'a str>>) -> Result<Record, RecordError> {
        let values: Vec<Value> = self
            .columns
            .iter()
            .zip(texts)
            .map(|(column, text)| text.map_or(Ok(Value::Missing), |text| self.value_from_text(column, text)))
            .collect::<Result<_, _>>()?;
        match self.columns.get(values.len()) {
            Some(column) => Err(RecordError::MissingColumn { column: column.name.clone() }),
            None => Ok(Record { values }),
        }
    }

    /// Checks one text, as a CSV file holds it.
    pub fn value_from_text(&self, column: &Column, text: &str) -> Result<Value, RecordError> {
        let text = text.trim();
        match &column.kind {
            _ if self.is_missing(text) => Ok(Value::Missing),
            ColumnKind::Numeric { .. } => match text.parse::<f64>() {
                Ok(number) => finite(column, number, &|| text.to_owned()),
                Err(_) => Err(wrong_kind(column, "a number", format!("`{}`", shorten(text)))),
            },
            ColumnKind::Categorical { levels } => level(column, levels, text),
            ColumnKind::Date { .. } => {
                let moment = text.parse().map(Value::Date);
                moment.map_err(|_| wrong_kind(column, A_DATE, format!("`{}`", shorten(text))))
            }
        }
    }

    /// Whether a text, without space around it, means that nothing is known.
    pub fn is_missing(&self, text: &str) -> bool {
        text.is_empty() || self.is_missing_token(text)
    }

    fn is_missing_token(&self, text: &str) -> bool {
        self.missing_tokens.iter().any(|token| token == text)
    }

    fn value_from_json(&self, column: &Column, value: &Json) -> Result<Value, RecordError> {
        self.value_as_written(column, &Given::of(value), &|| value.to_string())
    }

    fn value_as_written(&self, column: &Column, given: &Given, written: &dyn Fn() -> String) -> Result<Value, RecordError> {
        match (&column.kind, given) {
            (_, Given::Null) => Ok(Value::Missing),
            (kind, Given::Number(number)) if matches!(kind, ColumnKind::Numeric { .. }) || !number.is_finite() => {
                finite(column, *number, written)
            }
            (ColumnKind::Categorical { levels }, Given::Level(index)) if (*index as usize) < levels.len() => {
                Ok(Value::Level(*index))
            }
            (ColumnKind::Categorical { .. }, Given::Text(text)) if self.is_missing(text.trim()) => Ok(Value::Missing),
            (ColumnKind::Categorical { levels }, Given::Text(text)) => level(column, levels, text.trim()),
            (ColumnKind::Categorical { levels }, Given::Number(_) | Given::Bool)
                if levels.contains(&written()) || may_be_rare_code(column, levels) =>
            {
                level(column, levels, &written())
            }
            (ColumnKind::Date { .. }, Given::Text(text)) => {
                let parsed = self.value_from_text(column, text);
                parsed.map_err(|_| wrong_kind(column, A_DATE, given.describe(written)))
            }
            (ColumnKind::Date { .. }, other) => Err(wrong_kind(column, A_DATE, other.describe(written))),
            (ColumnKind::Numeric { .. }, Given::Text(text)) if self.is_missing_token(text) => Ok(Value::Missing),
            (ColumnKind::Numeric { .. }, other) => Err(wrong_kind(column, "a number", other.describe(written))),
            (ColumnKind::Categorical { .. }, other) => Err(wrong_kind(column, "a text", other.describe(written))),
        }
    }
}

impl Record {
    /// The values, in contract order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The feature row: numbers as they are and dates as days since 1970-01-01 (NaN when missing), levels by index (-1 when missing or unseen).
    pub fn features(&self, contract: &Contract) -> Vec<f32> {
        let mut row = Vec::with_capacity(self.values.len());
        self.features_into(contract, &mut row);
        row
    }

    /// Appends the feature row to a batch.
    pub fn features_into(&self, contract: &Contract, batch: &mut Vec<f32>) {
        batch.extend(self.values.iter().zip(&contract.columns).map(|(value, column)| value.feature(&column.kind)));
    }

    /// The record with another value in one column, by its number.
    #[must_use]
    pub fn with(mut self, column: usize, value: Value) -> Self {
        if let Some(place) = self.values.get_mut(column) {
            *place = value;
        }
        self
    }

    /// What a reader of the prediction should know about this row.
    pub fn flags(&self, contract: &Contract) -> Vec<Flag> {
        self.values.iter().zip(&contract.columns).filter_map(|(value, column)| value.flag(column)).collect()
    }

    /// The names and values of a JSON object, in contract order.
    pub fn fields<'a>(&'a self, contract: &'a Contract) -> impl Iterator<Item = (&'a str, Json)> {
        let pairs = self.values.iter().zip(&contract.columns);
        pairs.map(|(value, column)| (column.name.as_str(), value.to_json(&column.kind)))
    }

    /// The row as a JSON object.
    pub fn to_fields(&self, contract: &Contract) -> Map<String, Json> {
        self.fields(contract).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn finite(column: &Column, number: f64, written: &dyn Fn() -> String) -> Result<Value, RecordError> {
    // The graph computes in float32, so a number beyond its range is an infinity there.
    if !(number as f32).is_finite() {
        return Err(RecordError::NotFinite { column: column.name.clone(), found: shorten(&written()) });
    }
    Ok(Value::Number(number))
}

fn level(column: &Column, levels: &[String], text: &str) -> Result<Value, RecordError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(RecordError::TooLong { column: column.name.clone(), bytes: text.len() });
    }
    let index = levels.iter().position(|level| level == text);
    Ok(index.map_or_else(|| Value::Unseen(text.to_owned()), |index| Value::Level(index as u32)))
}

/// Whether a number may be a rare level, as it may where listed levels are numbers too.
fn may_be_rare_code(column: &Column, levels: &[String]) -> bool {
    column.n_rare_levels > 0 && levels.iter().any(|level| is_numeral(level))
}

/// Whether a text is a number in digits. (Parsing it would bring tables of powers into the small WebAssembly module.)
fn is_numeral(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::tests::{since, small};

    #[track_caller]
    fn check(json: &str, features: [f32; 2], n_flags: usize) {
        let contract = small();
        let record = contract.record_from_json(json).unwrap();
        assert_eq!(format!("{:?}", record.features(&contract)), format!("{features:?}"));
        assert_eq!(record.flags(&contract).len(), n_flags);
    }

    #[track_caller]
    fn check_error(json: &str, message: &str, hint: &str) {
        let contract = small();
        let error = contract.record_from_json(json).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(error.hint(&contract).contains(hint), "{}", error.hint(&contract));
    }

    #[test]
    fn good_rows_become_features() {
        check(r#"{"age": 41, "plan": "plus"}"#, [41.0, 1.0], 0);
        check(r#"{"plan": null, "age": null}"#, [f32::NAN, -1.0], 0);
        check(r#"{"plan": "unknown", "age": ""}"#, [f32::NAN, -1.0], 0);
        check(r#"{"age": 17.5, "plan": "gold"}"#, [17.5, -1.0], 2);
    }

    #[test]
    fn a_rare_level_is_encoded_as_in_training_and_not_flagged() {
        let mut contract = small();
        contract.columns[1].n_rare_levels = 9_000;
        let record = contract.record_from_json(r#"{"age": 41, "plan": "gold"}"#).unwrap();
        assert_eq!((record.features(&contract), record.flags(&contract)), (vec![41.0, -1.0], vec![]));
        assert_eq!(record.to_fields(&contract)["plan"], "gold");
        assert!(contract.record_from_json(r#"{"age": 41, "plan": 77}"#).is_err());
        contract.columns[1].kind = ColumnKind::Categorical { levels: vec!["12".into()] };
        let record = contract.record_from_json(r#"{"age": 41, "plan": 77}"#).unwrap();
        assert_eq!(record.features(&contract), [41.0, -1.0]);
    }

    #[test]
    fn bad_rows_are_refused_by_name() {
        check_error(r#"{"age": 41}"#, "column `plan` is missing", "null");
        check_error(r#"{"age": 41, "plan": "plus", "x": 1}"#, "unknown column `x`", "age, plan");
        check_error(r#"{"age": "41", "plan": "plus"}"#, "column `age` expects a number, found the text \"41\"", "without quotes");
        check_error(r#"{"age": 41, "plan": 3}"#, "column `plan` expects a text, found the number 3", "in quotes");
        check_error(r#"{"age": 1e300, "plan": "plus"}"#, "column `age` expects a finite number, found 1e+300", "null");
        check_error("[1]", "a record is a JSON object, found a list", "age, plan");
        check_error("{", "the record is not JSON: EOF while parsing an object at line 1 column 1", "age, plan");
    }

    #[test]
    fn a_long_text_is_refused_and_not_echoed() {
        let contract = small();
        let json = format!(r#"{{"age": 1, "plan": "{}"}}"#, "x".repeat(10_000_000));
        let error = contract.record_from_json(&json).unwrap_err().to_string();
        assert_eq!(error, "column `plan` holds a text of 10000000 bytes, the most is 1024");
    }

    #[test]
    fn texts_of_a_csv_file_are_checked_alike() {
        let contract = small();
        let record = contract.record_from_texts([Some(" 41 "), Some("gold")]).unwrap();
        assert_eq!(record.values(), [Value::Number(41.0), Value::Unseen("gold".into())]);
        let error = contract.record_from_texts([Some("inf"), None]).unwrap_err().to_string();
        assert_eq!(error, "column `age` expects a finite number, found inf");
        let error = contract.record_from_texts([Some("1")]).unwrap_err().to_string();
        assert_eq!(error, "column `plan` is missing");
    }

    fn dated() -> Contract {
        Contract { columns: vec![since()], ..small() }
    }

    #[test]
    fn a_date_is_a_text_and_becomes_days() {
        let contract = dated();
        let features = |json: &str| contract.record_from_json(json).unwrap().features(&contract)[0];
        assert_eq!(features(r#"{"since": "2024-05-17"}"#), 19_860.0);
        assert_eq!(features(r#"{"since": " 2024-05-17T12:00:00Z "}"#), 19_860.5);
        assert!(features(r#"{"since": null}"#).is_nan() && features(r#"{"since": "unknown"}"#).is_nan());
        let record = contract.record_from_texts([Some("2024-05-17 06:00")]).unwrap();
        assert_eq!(record.to_fields(&contract)["since"], "2024-05-17T06:00:00");
    }

    #[test]
    fn what_is_no_date_is_refused_with_the_form_that_is() {
        let contract = dated();
        for (json, found) in [
            (r#"{"since": "17.5.2024"}"#, "the text \"17.5.2024\""),
            (r#"{"since": "2024-02-30"}"#, "the text \"2024-02-30\""),
            (r#"{"since": 19860}"#, "the number 19860"),
            (r#"{"since": true}"#, "true or false"),
        ] {
            let error = contract.record_from_json(json).unwrap_err();
            let message = format!("column `since` expects a date like 2024-05-31 or 2024-05-31T13:45:00, found {found}");
            assert_eq!(error.to_string(), message);
            assert!(error.hint(&contract).contains("ISO 8601"));
        }
        let error = contract.record_from_texts([Some("05/17/2024")]).unwrap_err().to_string();
        assert_eq!(error, "column `since` expects a date like 2024-05-31 or 2024-05-31T13:45:00, found `05/17/2024`");
    }

    #[test]
    fn a_date_after_training_is_nothing_unusual_and_one_far_away_is() {
        let contract = dated();
        let n_flags = |date: &str| contract.record_from_texts([Some(date)]).unwrap().flags(&contract).len();
        assert_eq!(["2019-01-01", "2026-01-01", "1899-12-31", "2099-01-01"].map(n_flags), [0, 0, 1, 1]);
    }

    #[test]
    fn a_record_is_written_as_it_was_read() {
        let contract = small();
        let json = r#"{"age":41,"plan":"gold"}"#;
        let fields = contract.record_from_json(json).unwrap().to_fields(&contract);
        assert_eq!(serde_json::to_string(&fields).unwrap(), json);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_error_or_a_record(json in ".*") {
            let _ = small().record_from_json(&json);
        }

        #[test]
        fn any_number_in_range_survives(age in -1e30f64..1e30) {
            let contract = small();
            let record = contract.record_from_texts([Some(age.to_string().as_str()), Some("")]).unwrap();
            proptest::prop_assert_eq!(record.values(), &[Value::Number(age), Value::Missing][..]);
        }
    }
}
