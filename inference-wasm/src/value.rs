//! Between JavaScript's values and ours, field by field: no text in between, which would bring a reader and a writer of JSON along.

use std::cell::Cell;

use data_contract::{Contract, ContractError, Flag, Moment, Prediction, Record, RecordError, sha256_hex};
use inference_predictor::{Change, Contribution, Counterfactual, Explanation, Texts};
use js_sys::{Array, JSON, JsString, Object, Reflect};
use serde_json::{Number, Value as Json};
use wasm_bindgen::{JsCast, JsValue};

use crate::contract;

/// A contract's names as JavaScript's texts, made once.
pub(crate) struct Names {
    columns: Vec<JsValue>,
    classes: Vec<JsValue>,
}

impl Names {
    pub(crate) fn of(contract: &Contract) -> Self {
        let columns = contract.columns.iter().map(|column| JsValue::from_str(&column.name)).collect();
        Self { columns, classes: contract.target.classes.iter().map(|class| JsValue::from_str(class)).collect() }
    }

    /// A class by its name.
    fn class(&self, contract: &Contract, name: &str) -> JsValue {
        let index = contract.target.classes.iter().position(|class| class == name);
        index.and_then(|index| self.classes.get(index)).cloned().unwrap_or_else(|| JsValue::from_str(name))
    }

    /// Checks a JavaScript object against the contract.
    pub(crate) fn record(&self, contract: &Contract, value: &JsValue) -> Result<Record, RecordError> {
        if !value.is_object() || Array::is_array(value) {
            return Err(RecordError::NotAnObject { found: kind(value) });
        }
        let names = Object::keys(value.unchecked_ref::<Object>());
        if names.length() as usize != self.columns.len() {
            contract.refuse_unknown(names.iter().filter_map(|name| name.as_string()))?;
        }
        // A getter that throws has no value.
        let get = |index: usize| Reflect::get(value, &self.columns[index]).unwrap_or(JsValue::UNDEFINED);
        let not_finite = Cell::new(None);
        let record = contract.record_from_values(
            |index| {
                let field = get(index);
                let Some(number) = field.as_f64() else { return to_json(&field) };
                not_finite.set((!number.is_finite()).then_some(index));
                to_number(number)
            },
            |index| text(&get(index)),
        );
        match not_finite.get() {
            Some(index) => {
                let found = JsString::from(get(index)).into();
                Err(RecordError::NotFinite { column: contract.columns[index].name.clone(), found })
            }
            None => record,
        }
    }

    /// `{ label, probabilities, threshold, flags }`.
    pub(crate) fn prediction(&self, contract: &Contract, prediction: &Prediction) -> JsValue {
        let probabilities = Object::new();
        for (class, (_, probability)) in self.classes.iter().zip(&prediction.probabilities.0) {
            set(&probabilities, class, &(*probability).into());
        }
        let flags: Array = prediction.flags.iter().map(flag).collect();
        let object = Object::new();
        set(&object, &"label".into(), &self.class(contract, &prediction.label));
        set(&object, &"probabilities".into(), &probabilities);
        if let Some(threshold) = prediction.threshold {
            set(&object, &"threshold".into(), &threshold.into());
        }
        set(&object, &"flags".into(), &flags);
        object.into()
    }

    /// `{ class, scale, base, value, base_probability, probability, method, standard_error, contributions }`.
    pub(crate) fn explanation(&self, explanation: &Explanation) -> JsValue {
        let contribution = |(name, own): (&JsValue, &Contribution)| {
            let fields = [("contribution", own.contribution.into()), ("points", own.points.into()), ("column", name.clone())];
            object(&fields)
        };
        let contributions: Array = self.columns.iter().zip(&explanation.contributions).map(contribution).collect();
        object(&[
            ("class", (&explanation.class).into()),
            ("scale", explanation.scale.name().into()),
            ("base", explanation.base.into()),
            ("value", explanation.value.into()),
            ("base_probability", explanation.base_probability.into()),
            ("probability", explanation.probability.into()),
            ("method", explanation.method.name().into()),
            ("standard_error", explanation.standard_error.into()),
            ("contributions", contributions.into()),
        ])
    }

    /// `{ changes, prediction }`.
    pub(crate) fn counterfactual(&self, contract: &Contract, found: &Counterfactual) -> JsValue {
        let change = |change: &Change| {
            object(&[("column", (&change.column).into()), ("from", from_json(&change.from)), ("to", from_json(&change.to))])
        };
        let changes: Array = found.changes.iter().map(change).collect();
        object(&[("changes", changes.into()), ("prediction", self.prediction(contract, &found.prediction))])
    }
}

/// JavaScript's readers of JSON and numbers.
#[derive(Default)]
pub(crate) struct HostTexts {
    /// The contract's JSON.
    pub(crate) contract: JsString,
}

impl Texts for HostTexts {
    fn contract(&mut self, json: &str) -> Result<Contract, ContractError> {
        self.contract = JsValue::from_str(json).unchecked_into();
        contract::read(json)
    }

    /// The trainer writes the contract as its digest is taken.
    fn digest(&mut self, _contract: &Contract, json: &str) -> String {
        sha256_hex(json.as_bytes())
    }

    fn number(&mut self, text: &str) -> Option<f64> {
        JSON::parse(text).ok()?.as_f64()
    }
}

/// One line of the prediction log, put together from what JavaScript writes: as the reader goes by the order of the classes, no object
/// holds them, in which names that look like numbers would come first.
pub(crate) struct LogLine(String);

impl LogLine {
    pub(crate) fn new() -> Self {
        Self("{".into())
    }

    pub(crate) fn field(&mut self, name: &str, value: &JsValue) {
        self.name(name);
        self.0.push_str(&text(value));
    }

    pub(crate) fn fields<'a>(&mut self, name: &str, pairs: impl Iterator<Item = (&'a str, JsValue)>) {
        self.name(name);
        self.0.push('{');
        pairs.for_each(|(name, value)| self.field(name, &value));
        self.0.push('}');
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.0.push_str(&text(&name.into()));
        self.0.push(':');
    }
}

/// A number, text, truth value or null as JSON.
fn text(value: &JsValue) -> String {
    JSON::stringify(value).map_or_else(|_| "null".into(), String::from)
}

/// JavaScript does not tell 7 from 7.0; as a text, which a level may be, it is 7. None for what is not finite.
fn to_number(number: f64) -> Option<Json> {
    let whole = (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    whole.map(Json::from).or_else(|| Number::from_f64(number).map(Json::Number))
}

/// A field of a record that is no number; none for what JSON has no word for, such as undefined or a function.
fn to_json(value: &JsValue) -> Option<Json> {
    if let Some(text) = value.as_string() {
        return Some(Json::String(text));
    }
    match value {
        value if value.is_null() => Some(Json::Null),
        value if Array::is_array(value) => Some(Json::Array(Vec::new())),
        value if value.is_object() => Some(Json::Object(serde_json::Map::new())),
        value => value.as_bool().map(Json::Bool),
    }
}

/// A checked field of a record.
pub(crate) fn from_json(value: &Json) -> JsValue {
    match value {
        Json::Number(number) => number.as_f64().map_or(JsValue::NULL, JsValue::from),
        Json::String(text) => JsValue::from_str(text),
        Json::Bool(truth) => JsValue::from_bool(*truth),
        Json::Null | Json::Array(_) | Json::Object(_) => JsValue::NULL,
    }
}

fn flag(flag: &Flag) -> JsValue {
    let date = |moment: &Moment| JsValue::from_str(&moment.to_string());
    match flag {
        Flag::UnseenLevel { column, value } => {
            object(&[("kind", "unseen-level".into()), ("column", column.into()), ("value", value.into())])
        }
        Flag::OutOfRange { column, value, minimum, maximum } => object(&[
            ("kind", "out-of-range".into()),
            ("column", column.into()),
            ("value", (*value).into()),
            ("minimum", (*minimum).into()),
            ("maximum", (*maximum).into()),
        ]),
        Flag::FarDate { column, value, minimum, maximum } => object(&[
            ("kind", "far-date".into()),
            ("column", column.into()),
            ("value", date(value)),
            ("minimum", date(minimum)),
            ("maximum", date(maximum)),
        ]),
    }
}

/// A plain object.
pub(crate) fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    fields.iter().for_each(|(name, value)| set(&object, &(*name).into(), value));
    object.into()
}

fn set(object: &Object, name: &JsValue, value: &JsValue) {
    // A new object takes any property.
    let _ = Reflect::set(object, name, value);
}

fn kind(value: &JsValue) -> &'static str {
    match value {
        value if value.is_undefined() => "no value",
        value if value.is_null() => "null",
        value if value.as_bool().is_some() => "true or false",
        value if value.as_f64().is_some() => "a number",
        value if value.is_string() => "a text",
        value if Array::is_array(value) => "a list",
        _ => "something else",
    }
}
