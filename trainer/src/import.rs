//! Taking in a model of another tool, through the same gates as our own.
//!
//! The file gets our interface, the dataset's threshold and our metadata; the predictor runs it on the validation rows, and what comes of
//! that is its evaluation. Where it was trained and on which rows, nobody here knows.

mod expected;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use chrono::{NaiveDate, Utc};
use data_contract::{Background, Contract, Dataset, Evaluation, Golden, Prepared, ThresholdChoice, sha256_hex};
use inference_predictor::{LoadError, PredictError, Predictor};
use polars::prelude::DataFrame;
use serde_json::{Value as Json, json};
use trainer_estimators::calibration::Method;
use trainer_estimators::metrics::{Metrics, Truth};
use trainer_estimators::{Matrix, threshold};
use trainer_onnx::{Foreign, ForeignError};
use trainer_registry::{Registry, Version};

use crate::args::{Import, Place};
use crate::bundle::{self, Parts};
use crate::candidate::Judgement;
use crate::evaluation::{Asked, Judged};
use crate::failure::{Hint, failure};
use crate::leaderboard::Board;
use crate::output::{self, Shown};
use crate::reference::Unseen;
use crate::{background, contract, dataset, deploy, encode, golden, reference, train};
use expected::Compared;

/// The family of every model that was trained elsewhere.
pub(crate) const FAMILY: &str = "imported";

/// A larger file is not for a page or a worker, which hold it in memory.
const MAX_BYTES: u64 = 64 << 20;

/// How far the probabilities of a row may be from 1 together.
const SUM_TOLERANCE: f32 = 1e-3;

/// What `import` prints.
#[derive(Debug, serde::Serialize)]
struct Outcome {
    #[serde(flatten)]
    board: Board,
    producer: String,
    compared: Compared,
}

/// Imports and prints the version.
pub(crate) fn execute(place: &Place, args: &Import) -> anyhow::Result<()> {
    let (dataset, _) = dataset::read(place)?;
    let file = File::read(&args.model)?;
    let (version, compared) = import(place, args, &dataset, &file)?;
    output::show(&Outcome { board: Board::new(&[version]), producer: file.foreign.producer(), compared }, place.json);
    Ok(())
}

/// The file as it came.
struct File {
    name: String,
    digest: String,
    foreign: Foreign,
}

/// The rows that judge, and what they must look like.
struct Rows<'a> {
    contract: &'a Contract,
    features: Matrix,
    classes: Vec<u32>,
    weights: Option<Vec<f32>>,
    dates: Vec<Option<NaiveDate>>,
}

impl Rows<'_> {
    fn truth(&self) -> Truth<'_> {
        Truth::new(&self.classes, self.weights.as_deref())
    }
}

fn import(place: &Place, args: &Import, dataset: &Dataset, file: &File) -> anyhow::Result<(Version, Compared)> {
    let home = place.home();
    let (prepared, train, validation) = train::read_rows(&home, dataset)?;
    let contract = read_contract(args.contract.as_deref(), dataset, &train, &validation)?;
    let rows = Rows {
        contract: &contract,
        features: encode::features(&validation, &contract)?,
        classes: encode::classes(&validation, &contract)?,
        weights: encode::weights(&validation)?,
        dates: encode::dates(&validation)?,
    };
    let (choice, background) = choose_threshold(file, &rows, dataset, &prepared)?;
    let threshold = choice.as_ref().map(|choice| choice.threshold as f32);
    let mut writer = Registry::new(&home).write(Utc::now())?;
    let draft = writer.draft()?;
    let model = rewrite(file, &contract, prepared.synthetic, draft.version(), threshold, &background)?;
    let predictor = load(&model)?;
    let compared = match &args.expect {
        Some(path) => expected::compare(path, place, &predictor, &rows.features)?,
        None => expected::compare_single_rows(&predictor, &rows.features)?,
    };
    let Answers { probabilities, evaluation, golden } = judge(&rows, dataset, &predictor, choice)?;
    let metrics = Metrics::measure(&probabilities, rows.truth(), threshold.unwrap_or(0.5))?;
    let parts = Parts {
        contract: &contract,
        origin: &train::origin(&prepared),
        seed: dataset.split.seed,
        family: FAMILY,
        params: file.params(&compared),
        fit_cpu_secs: 0.0,
        model,
        threshold,
        validation: bundle::named(&metrics),
        parity: compared.parity,
        reference: reference::count(&train, &contract, Unseen { probabilities: &probabilities, dates: &rows.dates })?,
        golden,
        evaluation,
    };
    warn_if_turned(&parts.validation);
    Ok((bundle::write(&mut writer, draft, parts, Utc::now())?, compared))
}

impl File {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let length = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
        if length > MAX_BYTES {
            return Err(failure(
                format!("{shown} has {} MB, the most is {} MB", length >> 20, MAX_BYTES >> 20),
                "train fewer or smaller trees: a page and a worker hold the file in memory",
            ));
        }
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
        let foreign = Foreign::read(&bytes).map_err(|error| explain(&error)).with_context(|| format!("cannot import {shown}"))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, digest: sha256_hex(&bytes), foreign })
    }

    /// What stands in the manifest where our own models have their settings.
    fn params(&self, compared: &Compared) -> Json {
        json!({ "file": self.name, "digest": self.digest, "producer": self.foreign.producer(), "compared_with": compared.with })
    }
}

fn explain(error: &ForeignError) -> anyhow::Error {
    failure(error, error.hint())
}

/// The contract that the command line names, or the one that our own models would have.
fn read_contract(path: Option<&Path>, dataset: &Dataset, train: &DataFrame, validation: &DataFrame) -> anyhow::Result<Contract> {
    let own = contract::learn(dataset, train)?;
    let Some(path) = path else { return Ok(own) };
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let given = Contract::from_json_schema(&text).or_else(|_| Contract::from_json(&text));
    let given = given.with_context(|| shown.to_string()).hint("give the contract.json of a bundle")?;
    if given.dataset != own.dataset || given.target != own.target {
        return Err(failure(
            format!(
                "{shown} is a contract for `{}` of {}, not for `{}` of {}",
                given.target.name, given.dataset, own.target.name, own.dataset
            ),
            "its dataset, target and classes must be those of the dataset's TOML file",
        ));
    }
    if !deploy::fits(&given, validation) {
        return Err(failure(
            format!("{shown} does not fit the prepared rows"),
            "its columns must be among those of the dataset's TOML file",
        ));
    }
    Ok(given)
}

/// With two classes, the threshold that reaches the dataset's goal on the validation rows, and the background drawn from them; checks the
/// probabilities on the way.
fn choose_threshold(
    file: &File,
    rows: &Rows,
    dataset: &Dataset,
    prepared: &Prepared,
) -> anyhow::Result<(Option<ThresholdChoice>, Background)> {
    let predictor = load(&rewrite(file, rows.contract, prepared.synthetic, 0, None, &Background::default())?)?;
    let probabilities = predict(&predictor, &rows.features)?;
    require_probabilities(&probabilities)?;
    let choose = |_| threshold::choose(dataset.training.threshold, dataset.training.profit, &probabilities, rows.truth());
    let choice = rows.contract.target.positive.map(choose).transpose();
    let choice = choice.hint("`training.threshold` in the dataset's TOML file says where to decide")?;
    let blends = background::blend(rows.contract, &rows.features, &probabilities, dataset.split.seed);
    let background = background::choose(&blends, &predict(&predictor, &blends)?);
    Ok((choice, background))
}

/// The file with our interface and metadata.
fn rewrite(
    file: &File,
    contract: &Contract,
    synthetic: bool,
    version: u32,
    threshold: Option<f32>,
    background: &Background,
) -> anyhow::Result<Vec<u8>> {
    let head = bundle::head(contract, FAMILY, synthetic, version, threshold, background);
    let model = file.foreign.to_model(&head, contract.n_features(), &contract.target.classes);
    model.map_err(|error| explain(&error)).with_context(|| format!("cannot import {}", file.name))
}

fn load(model: &[u8]) -> anyhow::Result<Predictor> {
    let explain = |error: LoadError| {
        let hint: String = match &error {
            LoadError::Operator { .. } => {
                "trees, linear models and perceptrons can, also behind SimpleImputer and StandardScaler".into()
            }
            LoadError::Graph { .. } => "choose a simpler model, or another version of the converter".into(),
            other => other.hint().to_owned(),
        };
        failure(error, hint)
    };
    Predictor::load(model).map_err(explain)
}

fn predict(predictor: &Predictor, features: &Matrix) -> anyhow::Result<Matrix> {
    let hint = "the graph gives no numbers for a row that the contract allows: scale the inputs, or choose another learner";
    let explain = |error: PredictError| failure(error, hint);
    let scores = predictor.scores(features.values(), features.n_rows()).map_err(explain)?;
    bundle::probabilities(&scores, predictor.contract())
}

fn require_probabilities(probabilities: &Matrix) -> anyhow::Result<()> {
    let is_one = |row: &[f32]| (row.iter().sum::<f32>() - 1.0).abs() <= SUM_TOLERANCE;
    let in_range = |row: &[f32]| row.iter().all(|p| (-SUM_TOLERANCE..=1.0 + SUM_TOLERANCE).contains(p));
    let Some((row, values)) = probabilities.rows().enumerate().find(|(_, row)| !is_one(row) || !in_range(row)) else {
        return Ok(());
    };
    let values: Vec<String> = values.iter().map(f32::to_string).collect();
    Err(failure(
        format!("the model gives {} for validation row {}: these are no probabilities", values.join(", "), row + 1),
        "convert a classifier with predict_proba, without raw scores",
    ))
}

/// What the predictor says about the validation rows and others.
struct Answers {
    probabilities: Matrix,
    evaluation: Evaluation,
    golden: Golden,
}

fn judge(rows: &Rows, dataset: &Dataset, predictor: &Predictor, choice: Option<ThresholdChoice>) -> anyhow::Result<Answers> {
    let fault = RefCell::new(None);
    let ask = |features: &Matrix| {
        predict(predictor, features).unwrap_or_else(|error| {
            fault.borrow_mut().get_or_insert(error);
            unanswered(features.n_rows(), rows.contract.target.classes.len())
        })
    };
    let (seed, threshold) = (dataset.split.seed, choice.as_ref().map_or(0.5, |choice| choice.threshold as f32));
    let judgement = Judgement {
        n_folds: 1,
        features: rows.features.clone().into(),
        classes: rows.classes.clone(),
        weights: rows.weights.clone(),
        dates: rows.dates.clone(),
        probabilities: ask(&rows.features),
        repeats: vec![],
        calibration: Method::None,
        calibrations: BTreeMap::new(),
        choice,
        unseen: None,
    };
    let judged = Judged {
        contract: rows.contract,
        judgement: &judgement,
        profit: dataset.training.profit,
        selected_by: &dataset.training.metric,
        seed,
    };
    // What a row takes a foreign graph is not known.
    let evaluation = judged.evaluate(Some(Asked { predict: &ask, n_products: 1 }))?;
    let golden = golden::draw(rows.contract, &ask, threshold, seed)?;
    match fault.into_inner() {
        Some(error) => Err(error.context("the model fails on rows that the contract allows")),
        None => Ok(Answers { probabilities: judgement.probabilities, evaluation, golden }),
    }
}

/// Stands in for probabilities of rows that the model failed on; what is made of it is thrown away with the model's error.
fn unanswered(n_rows: usize, n_classes: usize) -> Matrix {
    Matrix::new(n_rows, n_classes, vec![1.0 / n_classes as f32; n_rows * n_classes])
        .expect("it has a value for every class of every row")
}

/// A model that ranks worse than chance has most likely been given something in another order.
fn warn_if_turned(validation: &BTreeMap<String, f64>) {
    if let Some(auc) = validation.get("roc_auc").filter(|auc| **auc < 0.5) {
        tracing::warn!("ROC AUC is {auc:.3}, below chance: was the model trained on columns or classes in another order?");
    }
}

impl Shown for Outcome {
    fn text(&self) -> String {
        let Compared { with, parity } = &self.compared;
        format!(
            "{}\nwritten by {}; {} rows compared with {with}: {:.0e} apart at most",
            self.board.text(),
            if self.producer.is_empty() { "an unnamed tool" } else { &self.producer },
            parity.n_rows,
            parity.largest_difference
        )
    }
}
