//! The browser's view of the predictor: one class, `Predictor`, that scores in the page and sends nothing anywhere.
//!
//! ```js
//! import init, { Predictor } from "tidemark";
//!
//! await init();
//! const predictor = new Predictor(new Uint8Array(await (await fetch("model.onnx")).arrayBuffer()));
//! predictor.predict({ age: 41, plan: "plus" }); // { label: "leaves", probabilities: { stays: 0.58, leaves: 0.42 }, … }
//! ```
//!
//! Whatever goes wrong is thrown as an `Error` with a `hint`.

mod contract;
mod types;
mod value;

use data_contract::{PREDICTION_FORMAT, Record, RecordError};
use inference_predictor::{Answer, ExplainError, LoadError, PredictError};
use js_sys::{Array, Date, JSON, JsString, Object, Reflect};
use wasm_bindgen::prelude::*;

use crate::value::{HostTexts, LogLine, Names, from_json, object, set};

/// A model that scores.
#[wasm_bindgen]
pub struct Predictor {
    model: inference_predictor::Predictor,
    names: Names,
    /// The contract's JSON.
    contract: JsString,
}

#[wasm_bindgen]
impl Predictor {
    /// Reads the bytes of a bundle's `model.onnx`.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Predictor, JsValue> {
        let mut texts = HostTexts::default();
        let model = inference_predictor::Predictor::load_with(bytes, &mut texts).map_err(|error| refused(&error))?;
        let names = Names::of(model.contract());
        Ok(Self { model, names, contract: texts.contract })
    }

    /// What a record must look like.
    #[wasm_bindgen(unchecked_return_type = "Contract")]
    pub fn contract(&self) -> Result<JsValue, JsValue> {
        JSON::parse(&String::from(&self.contract))
    }

    /// Which model this is.
    #[wasm_bindgen(unchecked_return_type = "Info")]
    pub fn info(&self) -> JsValue {
        object(&[
            ("name", self.model.name().into()),
            ("version", self.model.version().into()),
            ("family", self.model.family().into()),
            ("threshold", self.model.threshold().map_or(JsValue::NULL, JsValue::from)),
            ("synthetic", self.model.synthetic().into()),
            ("contract_digest", self.model.contract_digest().into()),
            ("engine", self.model.engine().into()),
        ])
    }

    /// Predicts one record.
    #[wasm_bindgen(unchecked_return_type = "Prediction")]
    pub fn predict(&self, #[wasm_bindgen(unchecked_param_type = "InputRecord")] record: &JsValue) -> Result<JsValue, JsValue> {
        let record = self.record(record)?;
        let prediction = self.model.predict(&record).map_err(failed)?;
        Ok(self.names.prediction(self.model.contract(), &prediction))
    }

    /// Predicts many records, in order; a row that is no record is answered with the reason and does not fail the others.
    #[wasm_bindgen(js_name = predictMany, unchecked_return_type = "Array<Prediction | RowRefusal>")]
    pub fn predict_many(
        &self,
        #[wasm_bindgen(unchecked_param_type = "InputRecord[]")] records: &JsValue,
    ) -> Result<Array, JsValue> {
        if !Array::is_array(records) {
            return Err(thrown("`predictMany` expects a list of records", "use `predict` for one record"));
        }
        let contract = self.model.contract();
        let checked = Array::from(records).iter().map(|record| self.names.record(contract, &record)).collect();
        let Answer::Many(rows) = Answer::many(&self.model, checked).map_err(failed)? else { return Ok(Array::new()) };
        let answers = rows.iter().map(|row| match row {
            Ok(scored) => self.names.prediction(contract, &scored.prediction),
            Err(refusal) => {
                let row = (refusal.row as u32).into();
                object(&[("error", (&refusal.error).into()), ("hint", (&refusal.hint).into()), ("row", row)])
            }
        });
        Ok(answers.collect())
    }

    /// Tells what each column adds to a record's prediction.
    #[wasm_bindgen(unchecked_return_type = "Explanation")]
    pub fn explain(&self, #[wasm_bindgen(unchecked_param_type = "InputRecord")] record: &JsValue) -> Result<JsValue, JsValue> {
        let record = self.record(record)?;
        let explanation = self.model.explain(&record).map_err(unexplained)?;
        Ok(self.names.explanation(&explanation))
    }

    /// Looks for the smallest change of a record that changes the predicted class; undefined where none is found. Columns that are fixed
    /// stay as they are, and where `columns` names some, all others do.
    #[wasm_bindgen(unchecked_return_type = "Counterfactual | undefined")]
    pub fn counterfactual(
        &self,
        #[wasm_bindgen(unchecked_param_type = "InputRecord")] record: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "string[]")] columns: &JsValue,
    ) -> Result<JsValue, JsValue> {
        let contract = self.model.contract();
        let record = self.record(record)?;
        let mut may_change = vec![columns.is_undefined(); contract.n_features()];
        if !columns.is_undefined() {
            let hint = "give a list of names; `contract()` has the columns";
            let list = columns.dyn_ref::<Array>().ok_or_else(|| thrown("the columns that may change are no list", hint))?;
            for name in list.iter() {
                let name = name.as_string().unwrap_or_default();
                let unknown = || thrown(&["the contract has no column `", &name, "`"].concat(), hint);
                may_change[contract.position(&name).ok_or_else(unknown)?] = true;
            }
        }
        let found = self.model.counterfactual(&record, |column| may_change[column]).map_err(unexplained)?;
        Ok(found.map_or(JsValue::UNDEFINED, |found| self.names.counterfactual(contract, &found)))
    }

    /// Feature rows to probabilities, the fastest way for many rows: `features` holds float32 values row by row, columns in the
    /// contract's order, NaN or a level of -1 where nothing is known; the answer holds a probability per row and class.
    pub fn scores(&self, features: &[f32]) -> Result<Vec<f32>, JsValue> {
        let n_rows = features.len() / self.model.contract().n_features();
        self.model.scores(features, n_rows).map(|scores| scores.probabilities).map_err(failed)
    }

    /// The line of the prediction log for a prediction of this predictor, as JSON. `timeIso` is UTC in ISO 8601.
    #[wasm_bindgen(js_name = logRecord)]
    pub fn log_record(
        &self,
        #[wasm_bindgen(unchecked_param_type = "InputRecord")] record: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Prediction")] prediction: &JsValue,
        id: &str,
        #[wasm_bindgen(js_name = timeIso)] time_iso: &str,
    ) -> Result<String, JsValue> {
        let contract = self.model.contract();
        let record = self.record(record)?;
        let wrong = || thrown("this is no prediction", "give what `predict` returned");
        let (label, probabilities, n_flags) = self.parts(prediction).ok_or_else(wrong)?;
        if !is_time(time_iso) {
            return Err(thrown(&["`", time_iso, "` is no time"].concat(), "give `new Date().toISOString()`"));
        }
        let mut line = LogLine::new();
        line.field("format", &PREDICTION_FORMAT.into());
        line.field("id", &id.into());
        line.field("time", &time_iso.into());
        line.field("model", &self.model.name().into());
        line.field("version", &self.model.version().into());
        line.field("contract", &self.model.contract_digest().into());
        line.field("source", &"page".into());
        line.fields("features", record.fields(contract).map(|(name, value)| (name, from_json(&value))));
        line.field("label", &label.into());
        line.fields("probabilities", contract.target.classes.iter().map(String::as_str).zip(probabilities));
        line.field("n_flags", &n_flags.into());
        Ok(line.finish())
    }
}

impl Predictor {
    fn record(&self, record: &JsValue) -> Result<Record, JsValue> {
        let contract = self.model.contract();
        self.names.record(contract, record).map_err(|error: RecordError| thrown(&error.to_string(), &error.hint(contract)))
    }

    /// A prediction's label, its probabilities by the contract's order, and its number of flags; none where it is another model's.
    fn parts(&self, prediction: &JsValue) -> Option<(String, Vec<JsValue>, u32)> {
        let classes = &self.model.contract().target.classes;
        let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok();
        let label = get(prediction, "label")?.as_string().filter(|label| classes.contains(label))?;
        let by_class = get(prediction, "probabilities")?.dyn_into::<Object>().ok()?;
        let number = |class: &String| get(&by_class, class).filter(|number| number.as_f64().is_some_and(f64::is_finite));
        let probabilities: Vec<JsValue> = classes.iter().map(number).collect::<Option<_>>()?;
        let n_flags = get(prediction, "flags")?.dyn_into::<Array>().ok()?.length();
        (Object::keys(&by_class).length() as usize == classes.len()).then_some((label, probabilities, n_flags))
    }
}

/// Whether a text is a point in time, UTC in ISO 8601: `2026-01-02T03:04:05Z`, with any fraction of a second.
fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    let Some((start, rest)) = text.as_bytes().split_at_checked(FORM.len()) else { return false };
    let fraction = match rest {
        [b'.', digits @ .., b'Z'] if !digits.is_empty() => digits,
        [b'Z'] => &[],
        _ => return false,
    };
    start.iter().zip(FORM).all(fits) && fraction.iter().all(u8::is_ascii_digit) && !Date::parse(text).is_nan()
}

fn refused(error: &LoadError) -> JsValue {
    let thrown = thrown(&error.to_string(), error.hint());
    // So that a page can tell when to try the full build.
    set(&thrown, "needsFullBuild", &matches!(error, LoadError::Foreign { .. }).into());
    thrown
}

fn unexplained(error: ExplainError) -> JsValue {
    thrown(&error.to_string(), error.hint())
}

fn failed(error: PredictError) -> JsValue {
    thrown(&error.to_string(), error.hint())
}

/// An `Error` with a `hint`.
fn thrown(message: &str, hint: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    set(&error, "hint", &hint.into());
    error.into()
}
