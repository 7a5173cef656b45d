//! From a body to checked records: one record, a list of them, `{"records": [...]}`, or lines.

use data_contract::{Contract, Record, RecordError};
use inference_predictor::{Answer, Predictor, Refusal, RowRefusal};
use serde_json::Value as Json;

use crate::refusal::{bad_record, bad_request, record_error, refusal};
use crate::wanted::Wanted;

const RECORDS: &str = "records";
const WANTED: &str = "send a record, a list of records, or {\"records\": [...]}";

/// Reads JSON. Its errors tell the place, and nothing of what stands there.
pub(crate) fn parse(body: &[u8]) -> Result<Json, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        bad_request(format!("the body is not JSON that can be read: line {line}, column {column}"), WANTED)
    })
}

/// Predicts one record or many, of which there may be as many as go with what is wanted.
pub(crate) fn answer(predictor: &Predictor, body: &[u8], max_rows: usize, wanted: Wanted) -> Result<Answer, Refusal> {
    let json = parse(body)?;
    match rows(predictor.contract(), &json)? {
        Some(rows) => {
            check_number(rows.len(), max_rows)?;
            wanted.check_number(rows.len())?;
            many(predictor, rows.iter().map(|row| predictor.contract().record_from_value(row)).collect())
        }
        None => {
            let contract = predictor.contract();
            let record = contract.record_from_value(&json).map_err(|error| bad_record(&error, contract))?;
            Answer::one(predictor, record).map_err(|error| refusal(500, error.to_string(), error.hint()))
        }
    }
}

/// Refuses more rows than are allowed.
pub(crate) fn check_number(n_rows: usize, max_rows: usize) -> Result<(), Refusal> {
    match n_rows > max_rows {
        true => Err(refusal(
            413,
            format!("the body has {n_rows} records, the most is {max_rows}"),
            "send the records in several requests",
        )),
        false => Ok(()),
    }
}

/// Answers many rows; what is no record is answered with the reason.
pub(crate) fn many(predictor: &Predictor, checked: Vec<Result<Record, RecordError>>) -> Result<Answer, Refusal> {
    let reasons: Vec<Option<String>> = checked.iter().map(|row| row.as_ref().err().map(record_error)).collect();
    let answer = Answer::many(predictor, checked).map_err(|error| refusal(500, error.to_string(), error.hint()))?;
    Ok(match answer {
        Answer::Many(rows) => {
            Answer::Many(rows.into_iter().zip(reasons).map(|(row, reason)| row.map_err(|row| told(row, reason))).collect())
        }
        one => one,
    })
}

/// The same refusal in words that do not repeat the row.
fn told(row: RowRefusal, reason: Option<String>) -> RowRefusal {
    RowRefusal { error: reason.unwrap_or(row.error), ..row }
}

/// The list of records in a body, unless the body is one record. A contract may have a column named `records`.
fn rows<'a>(contract: &Contract, body: &'a Json) -> Result<Option<&'a [Json]>, Refusal> {
    match body {
        Json::Array(rows) => Ok(Some(rows)),
        Json::Object(fields) if fields.len() == 1 && contract.position(RECORDS).is_none() => match fields.get(RECORDS) {
            Some(Json::Array(rows)) => Ok(Some(rows)),
            Some(_) => Err(bad_request(format!("`{RECORDS}` is not a list"), WANTED)),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::fleet::tests::{GOLDEN, MODEL};

    pub(crate) fn predictor() -> Predictor {
        Predictor::load(MODEL).unwrap()
    }

    /// The first golden record.
    pub(crate) fn record() -> Json {
        let golden: Json = serde_json::from_str(GOLDEN).unwrap();
        golden["rows"][0]["record"].clone()
    }

    #[track_caller]
    fn check_refused(body: &str, status: u16, message: &str) {
        let refusal = answer(&predictor(), body.as_bytes(), 3, Wanted::Predictions).unwrap_err();
        assert!(refusal.status == status && refusal.error.contains(message), "{refusal:?}");
        assert!(!refusal.hint.is_empty());
    }

    #[test]
    fn one_record_a_list_and_an_object_with_a_list_are_answered() {
        let record = record();
        for (body, n_rows) in
            [(record.clone(), 1), (serde_json::json!([record, record]), 2), (serde_json::json!({ "records": [record] }), 1)]
        {
            assert_eq!(
                answer(&predictor(), body.to_string().as_bytes(), 3, Wanted::Predictions).unwrap().scored().count(),
                n_rows
            );
        }
    }

    #[test]
    fn bad_bodies_are_refused() {
        check_refused("", 400, "not JSON");
        check_refused("{", 400, "line 1");
        check_refused("\u{fffd}", 400, "not JSON");
        check_refused("7", 400, "a JSON object");
        check_refused("{}", 400, "is missing");
        check_refused(r#"{"records": 7}"#, 400, "not a list");
        check_refused("[1,2,3,4]", 413, "4 records");
        check_refused(&"[".repeat(100_000), 400, "not JSON");
        check_refused(&format!("{{\"age\": 1{}}}", "0".repeat(400)), 400, "not JSON");
        check_refused(&record().to_string().replacen("{", "{\"colour\": \"secret\", ", 1), 400, "does not know");
    }

    #[test]
    fn a_body_that_is_not_utf_8_is_refused() {
        assert_eq!(answer(&predictor(), b"{\"age\": \"\xff\"}", 3, Wanted::Predictions).unwrap_err().status, 400);
    }

    #[test]
    fn a_bad_row_is_told_beside_the_others() {
        let body = serde_json::json!([record(), { "secret": 1 }]).to_string();
        let json = answer(&predictor(), body.as_bytes(), 3, Wanted::Predictions).unwrap().to_json(&predictor());
        assert!(json.contains("\"n_refused\":1") && !json.contains("secret"), "{json}");
    }
}
