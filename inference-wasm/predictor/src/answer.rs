//! From the body of a request to the body of an answer: what the worker and the page share.
//!
//! A body is one record, a list of records, or `{"records": [...]}`. A row that is no record does not fail the others.

use data_contract::{Prediction, Record, RecordError};
use serde::Serialize;
use serde_json::Value as Json;

use crate::error::PredictError;
use crate::explanation::Explanation;
use crate::predictor::Predictor;

/// The longest body, in bytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// The most records in a body.
pub const MAX_ROWS: usize = 10_000;

const RECORDS: &str = "records";

/// What a body is answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To one record.
    One(Scored),
    /// To a list of records, in its order.
    Many(Vec<Result<Scored, RowRefusal>>),
}

/// A record and its prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// Under which the prediction is logged, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the model says.
    #[serde(flatten)]
    pub prediction: Prediction,
    /// What each column adds to it, where that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Box<Explanation>>,
    /// The checked record.
    #[serde(skip)]
    pub record: Record,
}

/// Why one row of a list has no prediction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowRefusal {
    /// What is wrong with it.
    pub error: String,
    /// What to do about it.
    pub hint: String,
    /// Its place in the list, from 0.
    pub row: usize,
}

/// Which model answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Present and true when a generator made the rows that it learned from.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub synthetic: bool,
}

/// Why a body has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// HTTP status: 400 or 413 for a fault of theirs, 500 for one of ours.
    #[serde(skip)]
    pub status: u16,
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    pub hint: String,
}

/// Answers a body.
pub fn answer(predictor: &Predictor, body: &str) -> Result<Answer, Refusal> {
    if body.len() > MAX_BODY_BYTES {
        return Err(Refusal::too_long());
    }
    let json: Json = serde_json::from_str(body).map_err(|error| Refusal::not_json(&error))?;
    match rows(predictor, &json)? {
        Some(rows) if rows.len() > MAX_ROWS => Err(Refusal::too_many(rows.len())),
        Some(rows) => {
            let checked = rows.iter().map(|row| predictor.contract().record_from_value(row)).collect();
            Answer::many(predictor, checked).map_err(|error| Refusal::failed(&error))
        }
        None => {
            let record = predictor.contract().record_from_value(&json).map_err(|error| Refusal::bad_record(predictor, &error))?;
            Answer::one(predictor, record).map_err(|error| Refusal::failed(&error))
        }
    }
}

impl Answer {
    /// Predicts one record.
    pub fn one(predictor: &Predictor, record: Record) -> Result<Self, PredictError> {
        Ok(Self::One(Scored::new(predictor.predict(&record)?, record)))
    }

    /// Predicts many records at once; those that are none are answered with the reason.
    pub fn many(predictor: &Predictor, checked: Vec<Result<Record, RecordError>>) -> Result<Self, PredictError> {
        let records: Vec<Record> = checked.iter().flatten().cloned().collect();
        let mut predictions = predictor.predict_batch(&records)?.into_iter();
        let answers = checked.into_iter().enumerate().map(|(row, checked)| match checked {
            Ok(record) => Ok(Scored::new(predictions.next().expect("every record has a prediction"), record)),
            Err(error) => Err(RowRefusal { error: error.to_string(), hint: error.hint(predictor.contract()), row }),
        });
        Ok(Self::Many(answers.collect()))
    }

    /// Every record that was predicted.
    pub fn scored(&self) -> impl Iterator<Item = &Scored> {
        let (one, many) = match self {
            Self::One(scored) => (Some(scored), &[][..]),
            Self::Many(rows) => (None, &rows[..]),
        };
        one.into_iter().chain(many.iter().flatten())
    }

    /// The same, to be added to.
    pub fn scored_mut(&mut self) -> impl Iterator<Item = &mut Scored> {
        let (one, many) = match self {
            Self::One(scored) => (Some(scored), &mut [][..]),
            Self::Many(rows) => (None, &mut rows[..]),
        };
        one.into_iter().chain(many.iter_mut().flatten())
    }

    /// Gives every prediction the id under which it is logged: the request's id, and in a list its row behind a hyphen.
    pub fn identify(&mut self, request: &str) {
        match self {
            Self::One(scored) => scored.id = Some(request.to_owned()),
            Self::Many(rows) => {
                let rows = rows.iter_mut().enumerate();
                rows.filter_map(|(row, scored)| Some((row, scored.as_mut().ok()?)))
                    .for_each(|(row, scored)| scored.id = Some(format!("{request}-{row}")));
            }
        }
    }

    /// The answer's body.
    pub fn to_json(&self, predictor: &Predictor) -> String {
        let model = Model { name: predictor.name().to_owned(), version: predictor.version(), synthetic: predictor.synthetic() };
        let json = match self {
            Self::One(scored) => serde_json::to_string(&OneBody { scored, model }),
            Self::Many(rows) => {
                let n_refused = rows.iter().filter(|row| row.is_err()).count();
                let predictions = rows.iter().map(|row| row.as_ref().map_or_else(Row::Refused, Row::Scored)).collect();
                serde_json::to_string(&ManyBody { predictions, n_refused, model })
            }
        };
        json.expect("an answer holds only what JSON can say")
    }
}

impl Scored {
    fn new(prediction: Prediction, record: Record) -> Self {
        Self { id: None, prediction, explanation: None, record }
    }
}

#[derive(Serialize)]
struct OneBody<'a> {
    #[serde(flatten)]
    scored: &'a Scored,
    model: Model,
}

#[derive(Serialize)]
struct ManyBody<'a> {
    predictions: Vec<Row<'a>>,
    n_refused: usize,
    model: Model,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Row<'a> {
    Scored(&'a Scored),
    Refused(&'a RowRefusal),
}

impl Refusal {
    /// A body longer than [`MAX_BODY_BYTES`].
    pub fn too_long() -> Self {
        let error = format!("the body has more than {MAX_BODY_BYTES} bytes");
        Self { status: 413, error, hint: "send the records in several requests".into() }
    }

    fn too_many(n_rows: usize) -> Self {
        let error = format!("the body has {n_rows} records, the most is {MAX_ROWS}");
        Self { status: 413, error, hint: "send the records in several requests".into() }
    }

    fn not_json(error: &serde_json::Error) -> Self {
        Self {
            status: 400,
            error: format!("the body is not JSON: {error}"),
            hint: "send a record, a list of records, or {\"records\": [...]}".into(),
        }
    }

    fn bad_record(predictor: &Predictor, error: &RecordError) -> Self {
        Self { status: 400, error: error.to_string(), hint: error.hint(predictor.contract()) }
    }

    fn failed(error: &PredictError) -> Self {
        Self { status: 500, error: error.to_string(), hint: error.hint().into() }
    }
}

/// The list of records in a body, unless the body is one record. A contract may have a column named `records`.
fn rows<'a>(predictor: &Predictor, body: &'a Json) -> Result<Option<&'a [Json]>, Refusal> {
    match body {
        Json::Array(rows) => Ok(Some(rows)),
        Json::Object(fields) if fields.len() == 1 && predictor.contract().position(RECORDS).is_none() => {
            match fields.get(RECORDS) {
                Some(Json::Array(rows)) => Ok(Some(rows)),
                Some(_) => Err(Refusal {
                    status: 400,
                    error: format!("`{RECORDS}` is not a list"),
                    hint: "send {\"records\": [...]}".into(),
                }),
                None => Ok(None),
            }
        }
        _ => Ok(None),
    }
}
