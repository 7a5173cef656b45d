//! What may be posted to the collector: one JSON object, an array of them, or one per line.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use data_contract::{LabelRecord, PredictionRecord};
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::contracts::Contracts;
use crate::ingest::parse;
use crate::journal::Kind;
use crate::log_rows::{check_label, check_prediction};

/// A posted body, sorted into what can be kept and what cannot.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    /// Good records, one JSON line each.
    pub(crate) lines: String,
    /// Number of good records.
    pub(crate) n_accepted: usize,
    /// Number of bad records.
    pub(crate) n_refused: usize,
    /// The first [`MAX_REFUSED`] bad records.
    pub(crate) refused: Vec<Refused>,
}

/// So many bad records are named; the rest is counted.
pub(crate) const MAX_REFUSED: usize = 100;
/// What is wrong with a record is told in so many characters.
const MAX_ERROR: usize = 300;
/// The longest record, in bytes of its text; what is read from it takes many times as much.
const MAX_RECORD: usize = 256 << 10;
/// How far a sender's clock may be ahead.
const MAX_AHEAD: TimeDelta = TimeDelta::days(1);

/// A record that is not kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Refused {
    /// Its number in the body, from 1.
    pub(crate) row: usize,
    /// What is wrong.
    pub(crate) error: String,
}

impl Batch {
    /// Reads a body at a time. A record is checked against its contract where the contract is known.
    pub(crate) fn read(kind: Kind, body: &str, contracts: &Contracts, now: DateTime<Utc>) -> Self {
        let mut batch = Self::default();
        for (index, text) in records(body).into_iter().enumerate() {
            match check(kind, text, contracts, now) {
                Ok(line) => {
                    batch.lines += &line;
                    batch.lines.push('\n');
                    batch.n_accepted += 1;
                }
                Err(error) => batch.refuse(index + 1, &error),
            }
        }
        if batch == Self::default() {
            batch.refuse(1, "the body holds no record");
        }
        batch
    }

    fn refuse(&mut self, row: usize, error: &str) {
        self.n_refused += 1;
        if self.refused.len() < MAX_REFUSED {
            self.refused.push(Refused { row, error: error.chars().take(MAX_ERROR).collect() });
        }
    }
}

/// The texts of the records in a body; one that is broken is still one text.
fn records(body: &str) -> Vec<&str> {
    if let Some(elements) = body.trim_start().strip_prefix('[').and_then(elements) {
        return elements;
    }
    match serde_json::from_str::<IgnoredAny>(body) {
        Ok(_) => vec![body],
        Err(_) => body.lines().filter(|line| !line.trim().is_empty()).collect(),
    }
}

/// The texts of an array's elements, given what follows its bracket; none where it is broken. Nothing is copied.
fn elements(mut rest: &str) -> Option<Vec<&str>> {
    let mut elements = Vec::new();
    if rest.trim() == "]" {
        return Some(elements);
    }
    loop {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let (element, after) = rest.split_at(values.byte_offset());
        elements.push(element.trim());
        let after = after.trim_start();
        if after.trim_end() == "]" {
            return Some(elements);
        }
        rest = after.strip_prefix(',')?;
    }
}

/// A record's line, once it has been checked.
fn check<'a>(kind: Kind, text: &'a str, contracts: &Contracts, now: DateTime<Utc>) -> Result<Cow<'a, str>, String> {
    if text.len() > MAX_RECORD {
        return Err(format!("the record is longer than {} KiB", MAX_RECORD >> 10));
    }
    match kind {
        Kind::Predictions => {
            let record: PredictionRecord = parse(text, |record: &PredictionRecord| record.format)?;
            check_time(record.time, now)?;
            check_prediction(&record, contracts)?;
            to_line(text, &record)
        }
        Kind::Labels => {
            let record: LabelRecord = parse(text, |record: &LabelRecord| record.format)?;
            check_time(record.time, now)?;
            check_label(&record, contracts)?;
            to_line(text, &record)
        }
    }
}

/// A text of one line is a line as it is.
fn to_line<'a>(text: &'a str, record: &impl Serialize) -> Result<Cow<'a, str>, String> {
    match text.contains(['\n', '\r']) {
        true => serde_json::to_string(record).map(Cow::Owned).map_err(|error| error.to_string()),
        false => Ok(Cow::Borrowed(text)),
    }
}

fn check_time(time: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), String> {
    match time.signed_duration_since(now) > MAX_AHEAD {
        true => Err(format!("the time {time} is more than a day ahead of now")),
        false => Ok(()),
    }
}

/// What a record of a kind looks like.
pub(crate) fn hint(kind: Kind) -> &'static str {
    match kind {
        Kind::Predictions => {
            "a prediction record has the fields format, id, time, model, version, contract, source, features, label, probabilities and n_flags; send one, an array, or one per line"
        }
        Kind::Labels => "a label record has the fields format, id, label and time; send one, an array, or one per line",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sides::tests::{churn, prediction};

    const LABEL: &str = r#"{"format":1,"id":"a","label":"yes","time":"2009-06-15T00:00:00Z"}"#;

    #[track_caller]
    fn check(kind: Kind, body: &str, n_accepted: usize, refused: &[(usize, &str)]) {
        let batch = Batch::read(kind, body, &Contracts::of([(7, churn())]), "2026-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(batch.n_accepted, n_accepted);
        assert_eq!(batch.lines.lines().count(), n_accepted);
        assert_eq!(batch.refused.len(), refused.len(), "{:?}", batch.refused);
        for (found, (row, error)) in batch.refused.iter().zip(refused) {
            assert!(found.row == *row && found.error.contains(error), "{found:?}");
        }
    }

    #[test]
    fn one_record_an_array_and_lines_are_read() {
        check(Kind::Labels, LABEL, 1, &[]);
        check(Kind::Labels, &LABEL.replace(',', ",\n "), 1, &[]);
        check(Kind::Labels, &format!("[{LABEL},{LABEL}]"), 2, &[]);
        check(Kind::Labels, &format!("{LABEL}\n\n{LABEL}\n"), 2, &[]);
        check(Kind::Labels, &format!(" [\n{LABEL} ,\n {LABEL}\n] \n"), 2, &[]);
        check(Kind::Labels, "[ ]", 0, &[(1, "no record")]);
        check(Kind::Labels, &format!("[{LABEL}"), 0, &[(1, "")]);
        check(Kind::Labels, &format!("[{LABEL}] {LABEL}"), 0, &[(1, "")]);
        check(Kind::Labels, "[]", 0, &[(1, "no record")]);
        check(Kind::Labels, "", 0, &[(1, "no record")]);
    }

    #[test]
    fn a_bad_record_does_not_lose_the_good_ones() {
        check(Kind::Labels, &format!("{LABEL}\n{{\"id\":\n{LABEL}"), 2, &[(2, "EOF")]);
        check(Kind::Labels, &format!("[{LABEL},7]"), 1, &[(2, "invalid type")]);
        check(Kind::Labels, &LABEL.replace(":1,", ":2,"), 0, &[(1, "format is 2")]);
        check(Kind::Labels, &LABEL.replace("\"a\"", "\"\""), 0, &[(1, "the id is empty")]);
        check(Kind::Labels, &LABEL.replace("2009", "+12009"), 0, &[(1, "")]);
        check(Kind::Labels, &LABEL.replace("\"a\"", "\"a\\nb\""), 0, &[(1, "holds a control character")]);
        check(Kind::Labels, &LABEL.replace("yes", "maybe"), 0, &[(1, "a class of no known contract")]);
        check(Kind::Labels, &LABEL.replace("2009-06-15", "2026-01-01"), 1, &[]);
        check(Kind::Labels, &LABEL.replace("2009-06-15", "2026-01-03"), 0, &[(1, "more than a day ahead")]);
    }

    #[test]
    fn a_prediction_is_checked_where_its_contract_is_known() {
        let good = prediction("a", "2009-06-15", 7);
        let mut wrong = good.clone();
        wrong.features.remove("age");
        let mut other = good.clone();
        other.contract = "feed".into();
        let mut stranger = wrong.clone();
        (stranger.version, stranger.contract) = (8, "not known yet".into());
        let body = serde_json::to_string(&[good, wrong, other, stranger]).unwrap();
        check(Kind::Predictions, &body, 2, &[(2, "column `age` is missing"), (3, "version 7 has another contract than `feed`")]);
    }

    #[test]
    fn a_record_that_is_too_long_is_not_read() {
        let long = LABEL.replace("\"a\"", &format!("\"{}\"", "a".repeat(MAX_RECORD)));
        check(Kind::Labels, &format!("{LABEL}\n{long}\n"), 1, &[(2, "longer than 256 KiB")]);
    }

    #[test]
    fn only_the_first_bad_records_are_named() {
        let body = format!("{}{LABEL}\n", "{\n".repeat(5000));
        let batch = Batch::read(Kind::Labels, &body, &Contracts::default(), Utc::now());
        assert_eq!((batch.n_accepted, batch.n_refused, batch.refused.len()), (1, 5000, MAX_REFUSED));
    }
}
