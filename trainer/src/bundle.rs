//! One family, fitted and written as a version: graph, parity, metrics, reference counts, golden records, manifest.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use data_contract::{
    Bundle, Contract, DataOrigin, MANIFEST_FORMAT, Manifest, Parity, ThresholdChoice, Training, metadata, shortest,
};
use inference_predictor::{Predictor, Scores};
use polars::prelude::DataFrame;
use trainer_estimators::metrics::Metrics;
use trainer_estimators::{Fitted, Matrix, OnStep, Params, threshold};
use trainer_onnx::Head;
use trainer_registry::{Version, Writer};

use crate::evaluation::Judged;
use crate::failure::{Hint, failure};
use crate::{card, encode, golden, reference};

/// What a version is made from.
#[derive(Debug)]
pub(crate) struct Material<'a> {
    /// What the rows look like.
    pub(crate) contract: &'a Contract,
    /// Fits the model.
    pub(crate) train: &'a DataFrame,
    /// One weight per training row, if they differ.
    pub(crate) weights: Option<Vec<f32>>,
    /// Stops, ranks and checks the model.
    pub(crate) validation: &'a DataFrame,
    /// What the monitor compares new rows with.
    pub(crate) reference: Reference<'a>,
    /// Where the rows came from.
    pub(crate) origin: DataOrigin,
    /// Where the decision is made, what it costs and earns, and what ranks versions.
    pub(crate) training: &'a Training,
    /// Whether to find out what the model looks at, which takes many predictions.
    pub(crate) explain: bool,
    /// Seed of the fit.
    pub(crate) seed: u64,
}

/// The rows whose counts the bundle carries, for the monitor to compare with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reference<'a> {
    /// Columns as in training, predictions as on the validation rows.
    Training,
    /// Columns and predictions of these rows.
    Rows(&'a DataFrame),
}

/// A fitted model that is not registered yet.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// The settings it was fitted with.
    pub(crate) params: Params,
    /// The model.
    pub(crate) fitted: Fitted,
    /// CPU seconds of the fit, all threads together.
    pub(crate) fit_cpu_secs: f64,
}

/// Fits one family.
pub(crate) fn fit(params: Params, material: &Material, on_step: OnStep) -> anyhow::Result<Candidate> {
    let train = encode::data(material.train, material.contract, material.weights.clone())?;
    // Validation rows of one class cannot tell a learner when to stop; they still measure it.
    let validation = encode::data(material.validation, material.contract, None).ok();
    let valid = params.clone().check()?;
    let before = cpu_secs();
    let fitted = valid.fit(&train, validation.as_ref(), material.seed, on_step)?;
    Ok(Candidate { params, fitted, fit_cpu_secs: cpu_secs() - before })
}

/// Exports a candidate, checks the graph against it, and registers the bundle.
///
/// # Errors
/// A candidate whose graph differs from it is refused, and nothing is left of it.
pub(crate) fn register(
    writer: &mut Writer,
    candidate: &Candidate,
    material: &Material,
    now: DateTime<Utc>,
) -> anyhow::Result<Version> {
    let contract = material.contract;
    let fitted = &candidate.fitted;
    let validation = encode::features(material.validation, contract)?;
    let classes = encode::classes(material.validation, contract)?;
    let own = fitted.probabilities(&validation);
    let choice = choose_threshold(material, &own, &classes)?;
    let threshold = choice.as_ref().map(|choice| choice.threshold as f32);
    let draft = writer.draft()?;
    let model = export(fitted, material, draft.version(), threshold);
    let scores = Predictor::load(&model)?.scores(validation.values(), validation.n_rows())?;
    let parity = compare(&own, &scores, threshold.unwrap_or(0.5));
    require_parity(fitted, parity)?;
    let probabilities = probabilities(&scores, contract)?;
    let judged = Judged {
        contract,
        features: &validation,
        classes: &classes,
        probabilities: &probabilities,
        choice,
        profit: material.training.profit,
        selected_by: &material.training.metric,
        seed: material.seed,
    };
    let predict = |features: &Matrix| fitted.probabilities(features);
    let evaluation = judged.evaluate(if material.explain { Some(&predict) } else { None })?;
    let mut manifest = Manifest {
        format: MANIFEST_FORMAT,
        name: contract.dataset.clone(),
        version: draft.version(),
        family: fitted.family().name().into(),
        params: serde_json::to_value(&candidate.params)?,
        created: now,
        trainer: env!("CARGO_PKG_VERSION").into(),
        seed: material.seed,
        fit_cpu_secs: candidate.fit_cpu_secs,
        data: material.origin.clone(),
        contract: contract.digest(),
        threshold: threshold.map(shortest),
        validation: named(&measure(&scores, material.validation, contract, threshold)?),
        parity,
        files: BTreeMap::new(),
    };
    let files = [
        (Bundle::CARD, card::write(&manifest, &evaluation, contract).into_bytes()),
        (Bundle::MODEL, model),
        (Bundle::CONTRACT, serde_json::to_vec_pretty(&contract.to_json_schema())?),
        (Bundle::REFERENCE, serde_json::to_vec(&count_reference(fitted, material, &own)?)?),
        (Bundle::GOLDEN, serde_json::to_vec_pretty(&golden::draw(contract, fitted, threshold.unwrap_or(0.5), material.seed)?)?),
        (Bundle::EVALUATION, serde_json::to_vec(&evaluation)?),
    ];
    for (name, bytes) in &files {
        manifest.files.insert((*name).to_owned(), draft.write(name, bytes)?);
    }
    Ok(writer.register(draft, &manifest, now)?)
}

/// With two classes, the threshold that reaches the dataset's goal on the validation rows.
fn choose_threshold(material: &Material, own: &Matrix, classes: &[u32]) -> anyhow::Result<Option<ThresholdChoice>> {
    let training = material.training;
    let choose = |_| threshold::choose(training.threshold, training.profit, own, classes);
    material
        .contract
        .target
        .positive
        .map(choose)
        .transpose()
        .hint("`training.threshold` in the dataset's TOML file says where to decide")
}

fn count_reference(fitted: &Fitted, material: &Material, unseen: &Matrix) -> anyhow::Result<data_contract::Reference> {
    match material.reference {
        Reference::Training => reference::count(material.train, material.contract, unseen),
        Reference::Rows(rows) => {
            let predictions = fitted.probabilities(&encode::features(rows, material.contract)?);
            reference::count(rows, material.contract, &predictions)
        }
    }
}

/// Metrics of a predictor's scores on labelled rows.
pub(crate) fn measure(scores: &Scores, rows: &DataFrame, contract: &Contract, threshold: Option<f32>) -> anyhow::Result<Metrics> {
    let probabilities = probabilities(scores, contract)?;
    Ok(Metrics::measure(&probabilities, &encode::classes(rows, contract)?, threshold.unwrap_or(0.5))?)
}

/// A predictor's probabilities `[N, C]`.
pub(crate) fn probabilities(scores: &Scores, contract: &Contract) -> anyhow::Result<Matrix> {
    let n_classes = contract.target.classes.len();
    Ok(Matrix::new(scores.probabilities.len() / n_classes, n_classes, scores.probabilities.clone())?)
}

/// Metrics by name, without those that the rows leave undefined.
pub(crate) fn named(metrics: &Metrics) -> BTreeMap<String, f64> {
    let json = serde_json::to_value(metrics).unwrap_or_default();
    let fields = json.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect()
}

fn export(fitted: &Fitted, material: &Material, version: u32, threshold: Option<f32>) -> Vec<u8> {
    let contract = material.contract;
    let mut properties = BTreeMap::from([
        (metadata::FORMAT.to_owned(), "1".to_owned()),
        (metadata::NAME.to_owned(), contract.dataset.clone()),
        (metadata::VERSION.to_owned(), version.to_string()),
        (metadata::FAMILY.to_owned(), fitted.family().name().to_owned()),
        (metadata::SYNTHETIC.to_owned(), material.origin.synthetic.to_string()),
        (metadata::CONTRACT.to_owned(), contract.to_json()),
    ]);
    if let Some(threshold) = threshold {
        properties.insert(metadata::THRESHOLD.to_owned(), threshold.to_string());
    }
    let head = Head { threshold, metadata: properties, name: contract.dataset.clone() };
    fitted.to_onnx().to_model(&head)
}

fn compare(own: &Matrix, scores: &Scores, threshold: f32) -> Parity {
    let difference = |(a, b): (&f32, &f32)| f64::from((a - b).abs());
    let pairs = own.values().iter().zip(&scores.probabilities);
    // A difference that is not a number counts as the largest.
    let largest = pairs.map(difference).fold(0.0, |largest: f64, d| if d.is_nan() { f64::INFINITY } else { largest.max(d) });
    let differs = |(p, label): &(&[f32], &i64)| golden::label(p, threshold) as i64 != **label;
    Parity {
        n_rows: own.n_rows() as u64,
        largest_difference: largest,
        labels_differ: own.rows().zip(&scores.labels).filter(differs).count() as u64,
    }
}

fn require_parity(fitted: &Fitted, parity: Parity) -> anyhow::Result<()> {
    if parity.holds() {
        return Ok(());
    }
    Err(failure(
        format!(
            "the exported {} differs from the fitted one by {:.1e} (at most {:.0e}), {} of {} labels differ: it is not registered",
            fitted.family(),
            parity.largest_difference,
            Parity::TOLERANCE,
            parity.labels_differ,
            parity.n_rows
        ),
        "this is a defect of the exporter: please report it with the dataset's TOML file",
    ))
}

fn cpu_secs() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parity_sees_probabilities_and_labels() {
        let own = Matrix::new(2, 2, vec![0.9, 0.1, 0.4, 0.6]).unwrap();
        let same = Scores { labels: vec![0, 1], probabilities: own.values().to_vec() };
        assert!(compare(&own, &same, 0.5).holds());
        let other_label = Scores { labels: vec![0, 0], ..same.clone() };
        assert_eq!(compare(&own, &other_label, 0.5).labels_differ, 1);
        let far = Scores { probabilities: vec![0.9, 0.1, 0.4001, 0.6], ..same.clone() };
        assert!(!compare(&own, &far, 0.5).holds());
        let broken = Scores { probabilities: vec![0.9, f32::NAN, 0.4, 0.6], ..same };
        assert!(!compare(&own, &broken, 0.5).holds());
    }
}
