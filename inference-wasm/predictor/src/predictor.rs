//! A loaded model: its contract, and a graph that runs.

use std::fmt;
use std::panic::AssertUnwindSafe;

use data_contract::{
    Background, Contract, ContractError, PREDICTION_FORMAT, Prediction, PredictionRecord, Probabilities, Record, metadata,
    shortest_decimal,
};
use serde_json::Value as Json;

use crate::engine::{Choice, Engine};
use crate::error::{LoadError, PredictError};
use crate::explanation::Kept;
use crate::interface;
use crate::onnx::Model;

/// A loaded model. Predicting needs no exclusive access, so one predictor serves many threads.
#[derive(Clone)]
pub struct Predictor {
    contract: Contract,
    contract_digest: String,
    name: String,
    version: u32,
    family: String,
    threshold: Option<f64>,
    synthetic: bool,
    background: Option<Background>,
    kept: Kept,
    engine: Engine,
}

/// What the graph says of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Each row's class, an index into the contract's classes.
    pub labels: Vec<i64>,
    /// Row-major `[n_rows, n_classes]`.
    pub probabilities: Vec<f32>,
}

/// Who reads the texts in a model's metadata. A browser has readers of JSON and numbers, which a small module need not bring along.
pub trait Texts {
    /// The contract, not yet checked.
    fn contract(&mut self, json: &str) -> Result<Contract, ContractError>;
    /// The contract's digest; `json` is what it was read from.
    fn digest(&mut self, contract: &Contract, json: &str) -> String;
    /// A number.
    fn number(&mut self, text: &str) -> Option<f64>;
}

/// Rust's own readers.
struct OwnTexts;

impl Texts for OwnTexts {
    fn contract(&mut self, json: &str) -> Result<Contract, ContractError> {
        Contract::from_json(json)
    }

    fn digest(&mut self, contract: &Contract, _json: &str) -> String {
        contract.digest()
    }

    fn number(&mut self, text: &str) -> Option<f64> {
        text.parse().ok()
    }
}

impl Predictor {
    /// Reads an ONNX file whose metadata carries its contract, and runs it once on a row of which nothing is known.
    pub fn load(model: &[u8]) -> Result<Self, LoadError> {
        Self::load_with(model, &mut OwnTexts)
    }

    /// As [`Predictor::load`], with other readers of the texts in the metadata.
    pub fn load_with(model: &[u8], texts: &mut dyn Texts) -> Result<Self, LoadError> {
        Self::load_guarded(model, texts, Choice::Any)
    }

    /// As [`Predictor::load`], but tract runs the model, also one that the trainer wrote. For comparisons: it is slower.
    #[cfg(feature = "tract")]
    pub fn load_in_tract(model: &[u8]) -> Result<Self, LoadError> {
        Self::load_guarded(model, &mut OwnTexts, Choice::Tract)
    }

    fn load_guarded(model: &[u8], texts: &mut dyn Texts, choice: Choice) -> Result<Self, LoadError> {
        // tract panics on some graphs that contradict themselves. In WebAssembly, where nothing unwinds, such a file throws.
        std::panic::catch_unwind(AssertUnwindSafe(|| Self::load_or_panic(model, texts, choice)))
            .unwrap_or_else(|_| Err(LoadError::Graph { reason: "the engine gave up".into() }))
    }

    fn load_or_panic(bytes: &[u8], texts: &mut dyn Texts, choice: Choice) -> Result<Self, LoadError> {
        let model = Model::read(bytes)?;
        let metadata = Metadata(&model.metadata);
        let json = metadata.contract_json()?;
        let contract = texts.contract(json).and_then(|contract| contract.check().map(|()| contract));
        let contract = contract.map_err(|source| LoadError::Contract { source })?;
        let (n_features, n_classes) = (contract.n_features(), contract.target.classes.len());
        interface::check(&model.graph, n_features, n_classes)?;
        let predictor = Self {
            contract_digest: texts.digest(&contract, json),
            name: metadata.text(metadata::NAME).unwrap_or(&contract.dataset).to_owned(),
            version: metadata.parsed(metadata::VERSION, |text| text.parse().ok())?.unwrap_or(0),
            family: metadata.text(metadata::FAMILY).unwrap_or("unknown").to_owned(),
            threshold: metadata.parsed(metadata::THRESHOLD, |text| texts.number(text))?.filter(|_| n_classes == 2),
            synthetic: metadata.parsed(metadata::SYNTHETIC, |text| text.parse().ok())?.unwrap_or(false),
            background: metadata.parsed(metadata::BACKGROUND, |text| Background::from_hex(text, n_features))?,
            kept: Kept::default(),
            engine: Engine::new(bytes, &model, n_features, n_classes, choice)?,
            contract,
        };
        match predictor.scores(&vec![f32::NAN; n_features], 1) {
            Ok(_) => Ok(predictor),
            Err(error) => Err(LoadError::Graph { reason: error.to_string() }),
        }
    }

    /// What runs the model: `lowered`, our own loops, for models that the trainer wrote; `tract` for others.
    pub fn engine(&self) -> &'static str {
        self.engine.name()
    }

    /// The engine itself.
    pub(crate) fn runner(&self) -> &Engine {
        &self.engine
    }

    /// What explanations work out once.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Makes the contract call a column fixed.
    #[cfg(test)]
    pub(crate) fn fix(&mut self, column: usize) {
        self.contract.columns[column].fixed = true;
    }

    /// The rows that explanations compare a record with; none in a file of an older trainer.
    pub fn background(&self) -> Option<&Background> {
        self.background.as_ref()
    }

    /// What a record must look like.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The contract's identity.
    pub fn contract_digest(&self) -> &str {
        &self.contract_digest
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version in its registry; 0 for a model that no registry has numbered.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The family's name.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// With two classes: the probability above which the positive class is predicted.
    pub fn threshold(&self) -> Option<f64> {
        self.threshold
    }

    /// Whether a generator made the training rows.
    pub fn synthetic(&self) -> bool {
        self.synthetic
    }

    /// Predicts one record.
    pub fn predict(&self, record: &Record) -> Result<Prediction, PredictError> {
        let mut predictions = self.predict_batch(std::slice::from_ref(record))?;
        Ok(predictions.swap_remove(0))
    }

    /// Predicts many records, in order.
    pub fn predict_batch(&self, records: &[Record]) -> Result<Vec<Prediction>, PredictError> {
        let expected = self.contract.n_features();
        if let Some(record) = records.iter().find(|record| record.values().len() != expected) {
            return Err(PredictError::Width { expected, found: record.values().len() });
        }
        let mut features = Vec::with_capacity(records.len() * expected);
        records.iter().for_each(|record| record.features_into(&self.contract, &mut features));
        let scores = self.scores(&features, records.len())?;
        let rows = scores.probabilities.chunks_exact(self.contract.target.classes.len());
        let rows = records.iter().zip(&scores.labels).zip(rows);
        Ok(rows.map(|((record, label), probabilities)| self.prediction(record, *label, probabilities)).collect())
    }

    /// Runs the graph on `n_rows` feature rows: row-major, in contract order, as [`Record::features`] makes them.
    pub fn scores(&self, features: &[f32], n_rows: usize) -> Result<Scores, PredictError> {
        let width = self.contract.n_features();
        if n_rows.checked_mul(width) != Some(features.len()) {
            return Err(PredictError::Width { expected: n_rows.saturating_mul(width), found: features.len() });
        }
        let scores = self.engine.scores(features)?;
        self.check_scores(&scores)?;
        Ok(scores)
    }

    /// The prediction as the log keeps it. `time` is UTC in ISO 8601; `source` tells who predicted: `edge`, `page`, `batch` or `replay`.
    pub fn log_record(
        &self,
        record: &Record,
        prediction: &Prediction,
        id: &str,
        time: &str,
        source: &str,
    ) -> Result<PredictionRecord, serde_json::Error> {
        Ok(PredictionRecord {
            format: PREDICTION_FORMAT,
            id: id.to_owned(),
            time: serde_json::from_value(Json::from(time))?,
            model: self.name.clone(),
            version: self.version,
            contract: self.contract_digest.clone(),
            source: source.to_owned(),
            features: record.to_fields(&self.contract),
            label: prediction.label.clone(),
            probabilities: prediction.probabilities.clone(),
            n_flags: prediction.flags.len() as u32,
        })
    }

    /// Refuses what the interface does not allow.
    fn check_scores(&self, scores: &Scores) -> Result<(), PredictError> {
        let n_classes = self.contract.target.classes.len() as i64;
        let failed = |reason: String| Err(PredictError::Run { reason });
        if !scores.labels.iter().all(|label| (0..n_classes).contains(label)) {
            return failed(format!("a label is beyond the {n_classes} classes"));
        }
        match scores.probabilities.iter().all(|probability| probability.is_finite()) {
            true => Ok(()),
            false => failed("a probability is not finite".into()),
        }
    }

    fn prediction(&self, record: &Record, label: i64, probabilities: &[f32]) -> Prediction {
        let classes = &self.contract.target.classes;
        let pairs = classes.iter().cloned().zip(probabilities.iter().map(|probability| short(*probability)));
        Prediction {
            label: classes[label as usize].clone(),
            probabilities: Probabilities(pairs.collect()),
            threshold: self.threshold,
            flags: record.flags(&self.contract),
        }
    }
}

/// As few digits as name the number, where it is not next to nothing.
fn short(probability: f32) -> f64 {
    shortest_decimal(probability).unwrap_or_else(|| f64::from(probability))
}

impl fmt::Debug for Predictor {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Predictor")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// The file's metadata: keys and values. Of keys that occur twice the last counts.
struct Metadata<'m, 'a>(&'m [(&'a str, &'a str)]);

impl<'a> Metadata<'_, 'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn contract_json(&self) -> Result<&'a str, LoadError> {
        if let Some(format) = self.text(metadata::FORMAT).filter(|format| *format != "1") {
            return Err(unreadable(metadata::FORMAT, format));
        }
        self.text(metadata::CONTRACT).ok_or(LoadError::NoMetadata { key: metadata::CONTRACT })
    }

    fn parsed<T>(&self, key: &'static str, mut parse: impl FnMut(&str) -> Option<T>) -> Result<Option<T>, LoadError> {
        self.text(key).map(|text| parse(text).ok_or_else(|| unreadable(key, text))).transpose()
    }
}

fn unreadable(key: &'static str, value: &str) -> LoadError {
    LoadError::Metadata { key, value: value.chars().take(40).collect() }
}
