//! Between JavaScript's values and ours, field by field: no text in between, which would bring a reader and a writer of JSON along.

use data_contract::{ColumnKind, Contract, ContractError, Flag, Given, Moment, Prediction, Record, RecordError, sha256_hex};
use inference_predictor::{Change, Contribution, Counterfactual, Explanation, Texts};
use js_sys::{Array, JSON, JsString, Number, Object, Reflect};
use serde_json::Value as Json;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::contract;

#[wasm_bindgen]
extern "C" {
    /// An object of our own, which takes any property.
    #[wasm_bindgen(js_name = Object)]
    type Made;

    #[wasm_bindgen(constructor, js_class = "Object")]
    fn new() -> Made;

    #[wasm_bindgen(method, structural, indexing_setter)]
    fn set(this: &Made, name: &JsValue, value: &JsValue);

    #[wasm_bindgen(method, structural, indexing_setter)]
    fn set_number(this: &Made, name: &JsValue, value: f64);

    /// The indices of texts.
    #[wasm_bindgen(js_name = Map)]
    type Indices;

    #[wasm_bindgen(constructor, js_class = "Map")]
    fn none() -> Indices;

    /// NaN where there is none.
    #[wasm_bindgen(method)]
    fn get(this: &Indices, text: &JsValue) -> f64;

    #[wasm_bindgen(method, js_name = set)]
    fn insert(this: &Indices, text: &JsValue, index: u32);
}

/// A contract's names, and those of a prediction's parts, as JavaScript's texts, made once.
pub(crate) struct Names {
    columns: Vec<JsValue>,
    /// The levels of each column that were met: JavaScript finds one sooner than its text is copied.
    levels: Vec<Indices>,
    classes: Vec<JsValue>,
    label: JsValue,
    probabilities: JsValue,
    threshold: JsValue,
    flags: JsValue,
}

impl Names {
    pub(crate) fn of(contract: &Contract) -> Self {
        let columns = contract.columns.iter().map(|column| JsValue::from_str(&column.name)).collect();
        let classes = contract.target.classes.iter().map(|class| JsValue::from_str(class)).collect();
        let [label, probabilities, threshold, flags] = ["label", "probabilities", "threshold", "flags"].map(JsValue::from_str);
        let levels = contract.columns.iter().map(|_| Indices::none()).collect();
        Self { columns, levels, classes, label, probabilities, threshold, flags }
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
        contract.record_from_values(|index| self.field(contract, index, &get(index)), |index| written(&get(index)))
    }

    /// A field of a record; none for what JSON has no word for, such as undefined or a function.
    fn field(&self, contract: &Contract, index: usize, value: &JsValue) -> Option<Given<'static>> {
        let ColumnKind::Categorical { levels } = &contract.columns[index].kind else { return given(value) };
        let known = self.levels[index].get(value);
        if known >= 0.0 {
            return Some(Given::Level(known as u32));
        }
        let given = given(value)?;
        if let Given::Text(text) = &given
            && let Some(level) = levels.iter().position(|level| level == text)
            && !contract.is_missing(text)
        {
            self.levels[index].insert(value, level as u32);
        }
        Some(given)
    }

    /// `{ label, probabilities, threshold, flags }`.
    pub(crate) fn prediction(&self, contract: &Contract, prediction: &Prediction) -> JsValue {
        let probabilities = Made::new();
        for (class, (_, probability)) in self.classes.iter().zip(&prediction.probabilities.0) {
            probabilities.set_number(class, *probability);
        }
        let flags: Array = prediction.flags.iter().map(flag).collect();
        let made = Made::new();
        made.set(&self.label, &self.class(contract, &prediction.label));
        made.set(&self.probabilities, &probabilities);
        if let Some(threshold) = prediction.threshold {
            made.set_number(&self.threshold, threshold);
        }
        made.set(&self.flags, &flags);
        made.into()
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

fn given(value: &JsValue) -> Option<Given<'static>> {
    if Number::is_finite(value) {
        return Some(Given::Number(value.unchecked_into_f64()));
    }
    if let Some(text) = value.as_string() {
        return Some(Given::Text(text.into()));
    }
    match value {
        value if value.is_null() => Some(Given::Null),
        value if Array::is_array(value) => Some(Given::List),
        value if value.is_object() => Some(Given::Object),
        value => value.as_f64().map(Given::Number).or_else(|| value.as_bool().map(|_| Given::Bool)),
    }
}

/// A number or truth value as JavaScript writes it.
fn written(value: &JsValue) -> String {
    match value.as_f64() {
        Some(number) if number.is_nan() => "NaN".into(),
        Some(number) if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        _ => text(value),
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
    let made = Made::new();
    fields.iter().for_each(|(name, value)| set(&made, name, value));
    made.into()
}

/// Gives an object of our own a property.
pub(crate) fn set(object: &JsValue, name: &str, value: &JsValue) {
    object.unchecked_ref::<Made>().set(&name.into(), value);
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
