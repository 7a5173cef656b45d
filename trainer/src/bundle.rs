//! A candidate, written as a version: graph, parity, metrics, reference counts, golden records, manifest.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use data_contract::{
    Background, Bundle, Contract, DataOrigin, Evaluation, Golden, MANIFEST_FORMAT, Manifest, Parity, metadata, shortest,
};
use inference_predictor::{Predictor, Scores};
use polars::prelude::DataFrame;
use trainer_estimators::Matrix;
use trainer_estimators::metrics::{Metrics, PairedDifference, Truth, paired_log_loss_difference};
use trainer_onnx::Head;
use trainer_registry::{Draft, Version, Writer};

use crate::candidate::{Candidate, Judgement};
use crate::evaluation::{Asked, Judged};
use crate::failure::{Hint, failure};
use crate::material::{Material, Reference};
use crate::reference::Unseen;
use crate::{background, card, encode, golden, progress, reference};

/// Exports a candidate, checks the graph against it, and registers the bundle.
///
/// # Errors
/// A candidate whose graph differs from it, or whose fit went astray, is refused, and nothing is left of it.
pub(crate) fn register(
    writer: &mut Writer,
    candidate: &Candidate,
    material: &Material,
    now: DateTime<Utc>,
) -> anyhow::Result<Version> {
    let contract = material.contract;
    let Candidate { model, judgement, .. } = candidate;
    let threshold = judgement.choice.as_ref().map(|choice| choice.threshold as f32);
    let draft = writer.draft()?;
    let graph = export(candidate, material, draft.version(), threshold)?;
    let scores = Predictor::load(&graph)?.scores(judgement.features.values(), judgement.features.n_rows())?;
    let probabilities = model.probabilities(&judgement.features);
    let parity = compare(&probabilities, &scores, threshold.unwrap_or(0.5));
    require_parity(model.family(), parity)?;
    require_fit(&probabilities, &judgement.probabilities, judgement.truth())?;
    let (origin, seed) = (&material.origin, material.seed);
    let golden = golden::draw(contract, &|features| model.probabilities(features), threshold.unwrap_or(0.5), seed)?;
    let parts = Parts {
        contract,
        origin,
        seed,
        family: model.family(),
        params: serde_json::to_value(&candidate.settings)?,
        fit_cpu_secs: candidate.fit_cpu_secs,
        model: graph,
        threshold,
        validation: named(&Metrics::measure(&judgement.probabilities, judgement.truth(), threshold.unwrap_or(0.5))?),
        parity,
        reference: count_reference(candidate, material)?,
        golden,
        evaluation: evaluate(candidate, material)?,
    };
    write(writer, draft, parts, now)
}

/// What a version's folder is written from, whoever trained the model.
pub(crate) struct Parts<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) origin: &'a DataOrigin,
    pub(crate) seed: u64,
    pub(crate) family: &'a str,
    pub(crate) params: serde_json::Value,
    pub(crate) fit_cpu_secs: f64,
    pub(crate) model: Vec<u8>,
    pub(crate) threshold: Option<f32>,
    /// Metrics on rows held out.
    pub(crate) validation: BTreeMap<String, f64>,
    pub(crate) parity: Parity,
    pub(crate) reference: data_contract::Reference,
    pub(crate) golden: Golden,
    pub(crate) evaluation: Evaluation,
}

/// Writes the bundle's files and registers the version.
pub(crate) fn write(writer: &mut Writer, draft: Draft, parts: Parts, now: DateTime<Utc>) -> anyhow::Result<Version> {
    let contract = parts.contract;
    let mut manifest = Manifest {
        format: MANIFEST_FORMAT,
        name: contract.dataset.clone(),
        version: draft.version(),
        family: parts.family.into(),
        params: parts.params,
        created: now,
        trainer: env!("CARGO_PKG_VERSION").into(),
        seed: parts.seed,
        fit_cpu_secs: parts.fit_cpu_secs,
        data: parts.origin.clone(),
        contract: contract.digest(),
        threshold: parts.threshold.map(shortest),
        validation: parts.validation,
        parity: parts.parity,
        files: BTreeMap::new(),
    };
    let files = [
        (Bundle::CARD, card::write(&manifest, &parts.evaluation, contract).into_bytes()),
        (Bundle::MODEL, parts.model),
        (Bundle::CONTRACT, serde_json::to_vec_pretty(&contract.to_json_schema())?),
        (Bundle::REFERENCE, serde_json::to_vec(&parts.reference)?),
        (Bundle::GOLDEN, serde_json::to_vec_pretty(&parts.golden)?),
        (Bundle::EVALUATION, serde_json::to_vec(&parts.evaluation)?),
    ];
    for (name, bytes) in &files {
        manifest.files.insert((*name).to_owned(), draft.write(name, bytes)?);
    }
    Ok(writer.register(draft, &manifest, now)?)
}

/// On rows held out; what the model looks at is asked of one that was held back from them, where there is one.
fn evaluate(candidate: &Candidate, material: &Material) -> anyhow::Result<Evaluation> {
    let judged = Judged {
        contract: material.contract,
        judgement: &candidate.judgement,
        profit: material.training.profit,
        selected_by: &material.training.metric,
        seed: material.seed,
    };
    let model = candidate.judgement.unseen.as_ref().unwrap_or(&candidate.model);
    let bar = progress::bar(&format!("{} explained", model.family()), material.quiet || !material.explain);
    bar.set_length(judged.n_questions() as u64);
    let predict = |features: &Matrix| {
        bar.inc(1);
        model.probabilities(features)
    };
    let asked = || Asked { predict: &predict, n_products: model.to_onnx().0.classifier.n_products() };
    let evaluation = judged.evaluate(material.explain.then(asked));
    bar.finish_and_clear();
    Ok(evaluation?)
}

fn count_reference(candidate: &Candidate, material: &Material) -> anyhow::Result<data_contract::Reference> {
    match material.reference {
        Reference::Training => {
            let Judgement { probabilities, dates, .. } = &candidate.judgement;
            reference::count(material.train, material.contract, Unseen { probabilities, dates })
        }
        Reference::Rows(rows) => {
            let probabilities = &candidate.model.probabilities(&encode::features(rows, material.contract)?);
            reference::count(rows, material.contract, Unseen { probabilities, dates: &encode::dates(rows)? })
        }
    }
}

/// Metrics of a predictor's scores on labelled rows, each of which counts as its weight says.
pub(crate) fn measure(scores: &Scores, rows: &DataFrame, contract: &Contract, threshold: Option<f32>) -> anyhow::Result<Metrics> {
    let probabilities = probabilities(scores, contract)?;
    let (classes, weights) = (encode::classes(rows, contract)?, encode::weights(rows)?);
    Ok(Metrics::measure(&probabilities, Truth::new(&classes, weights.as_deref()), threshold.unwrap_or(0.5))?)
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

fn export(candidate: &Candidate, material: &Material, version: u32, threshold: Option<f32>) -> anyhow::Result<Vec<u8>> {
    let (contract, Candidate { model, judgement, .. }) = (material.contract, candidate);
    let (exported, calibration) = model.to_onnx();
    exported.check().context("the fit is no classifier").hint("divide columns whose numbers are huge: float32 ends at 3.4e38")?;
    let blends = background::blend(contract, &judgement.features, &judgement.probabilities, material.seed);
    let background = background::choose(&blends, &model.probabilities(&blends));
    let head = head(contract, model.family(), material.origin.synthetic, version, threshold, &background);
    Ok(exported.to_model(&Head { calibration, ..head }))
}

/// What a model file carries beside its numbers.
pub(crate) fn head(
    contract: &Contract,
    family: &str,
    synthetic: bool,
    version: u32,
    threshold: Option<f32>,
    background: &Background,
) -> Head {
    let mut properties = BTreeMap::from([
        (metadata::FORMAT.to_owned(), "1".to_owned()),
        (metadata::NAME.to_owned(), contract.dataset.clone()),
        (metadata::VERSION.to_owned(), version.to_string()),
        (metadata::FAMILY.to_owned(), family.to_owned()),
        (metadata::SYNTHETIC.to_owned(), synthetic.to_string()),
        (metadata::CONTRACT.to_owned(), contract.to_json()),
        (metadata::BACKGROUND.to_owned(), background.to_hex()),
    ]);
    if let Some(threshold) = threshold {
        properties.insert(metadata::THRESHOLD.to_owned(), threshold.to_string());
    }
    Head { threshold, metadata: properties, name: contract.dataset.clone(), ..Head::default() }
}

fn compare(own: &Matrix, scores: &Scores, threshold: f32) -> Parity {
    let difference = |(a, b): (&f32, &f32)| f64::from((a - b).abs());
    let pairs = own.values().iter().zip(&scores.probabilities);
    // A difference that is not a number counts as the largest.
    let largest = pairs.map(difference).fold(0.0, |largest: f64, d| if d.is_nan() { f64::INFINITY } else { largest.max(d) });
    // On the threshold itself the last digit decides, which engines may round apart.
    let is_tie = |p: &[f32]| p.len() == 2 && f64::from((p[1] - threshold).abs()) <= Parity::TOLERANCE;
    let differs = |(p, label): &(&[f32], &i64)| golden::label(p, threshold) as i64 != **label && !is_tie(p);
    Parity {
        n_rows: own.n_rows() as u64,
        largest_difference: largest,
        labels_differ: own.rows().zip(&scores.labels).filter(differs).count() as u64,
    }
}

fn require_parity(family: &str, parity: Parity) -> anyhow::Result<()> {
    if parity.holds() {
        return Ok(());
    }
    Err(failure(
        format!(
            "the exported {family} differs from the fitted one by {:.1e} (at most {:.0e}), {} of {} labels differ: it is not registered",
            parity.largest_difference,
            Parity::TOLERANCE,
            parity.labels_differ,
            parity.n_rows
        ),
        "this is a defect of the exporter: please report it with the dataset's TOML file",
    ))
}

/// Refuses a model that surely says less than half as much about the rows it was fitted on as models that were held back from them: its fit
/// went astray, and what was measured is not true of it.
fn require_fit(probabilities: &Matrix, held_out: &Matrix, truth: Truth) -> anyhow::Result<()> {
    let shares = truth.shares(held_out.n_features());
    let knows_nothing = Matrix::new(held_out.n_rows(), shares.len(), shares.repeat(held_out.n_rows()))?;
    let learned = -paired_log_loss_difference(held_out, &knows_nothing, truth)?.mean;
    let PairedDifference { mean: lost, standard_error, .. } = paired_log_loss_difference(probabilities, held_out, truth)?;
    if learned <= 0.0 || lost - 2.0 * standard_error.unwrap_or(f64::INFINITY) <= learned / 2.0 {
        return Ok(());
    }
    let hint = "other settings may fit: `--budget` looks for some; `--family` trains the other families alone";
    Err(failure(format!("fitted on all rows it does worse on them, by {lost:.3} in log loss, than fitted without them"), hint))
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

    #[test]
    fn a_fit_that_went_astray_is_refused() {
        let classes: Vec<u32> = (0..200).map(|row| row % 2).collect();
        let matrix = |of_class: &dyn Fn(u32) -> f32| {
            let values = classes.iter().flat_map(|&class| [1.0 - of_class(class), of_class(class)]).collect();
            Matrix::new(200, 2, values).unwrap()
        };
        let decides = matrix(&|class| if class == 1 { 0.6 } else { 0.4 });
        let knows = matrix(&|class| if class == 1 { 0.9 } else { 0.1 });
        let says_nothing = matrix(&|_| 0.5);
        let check = |fitted: &Matrix, held_out: &Matrix| require_fit(fitted, held_out, (&classes).into());
        assert!(check(&knows, &decides).is_ok() && check(&decides, &decides).is_ok());
        let error = check(&says_nothing, &decides).unwrap_err();
        assert_eq!(error.to_string(), "fitted on all rows it does worse on them, by 0.182 in log loss, than fitted without them");
    }
}
