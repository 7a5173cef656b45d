//! The production bundle on the test rows, through the same predictor as browser and edge.

use data_contract::{Part, Prepared};
use polars::prelude::DataFrame;
use trainer_estimators::metrics::Metrics;
use trainer_registry::{Registry, Version};

use crate::args::Place;
use crate::output::{self, Shown, number, table};
use crate::{bundle, deploy, encode, failure, prepare};

/// What `test` prints.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Outcome {
    name: String,
    version: u32,
    family: String,
    synthetic: bool,
    threshold: Option<f64>,
    /// Whether the version may have learned from some of these rows.
    may_have_seen: bool,
    /// Whether rows count by weights of their own.
    weighted: bool,
    #[serde(flatten)]
    metrics: Metrics,
}

/// Measures and prints.
pub(crate) fn execute(place: &Place) -> anyhow::Result<()> {
    output::show(&test(place)?, place.json);
    Ok(())
}

/// Measures the production bundle on the test rows.
pub(crate) fn test(place: &Place) -> anyhow::Result<Outcome> {
    let home = place.home();
    let served = production(place)?;
    let predictor = inference_predictor::Predictor::load(&served.model()?)?;
    let prepared = prepare::read(&home)?;
    let (rows, may_have_seen) = unseen(&served, &prepared, prepare::read_part(&home, Part::Test)?)?;
    let contract = predictor.contract();
    if !deploy::fits(contract, &rows) {
        return Err(failure::failure(
            "the production model's contract does not fit the prepared rows",
            "train and deploy on them first",
        ));
    }
    let features = encode::features(&rows, contract)?;
    let scores = predictor.scores(features.values(), features.n_rows())?;
    let threshold = predictor.threshold();
    let metrics = bundle::measure(&scores, &rows, contract, threshold.map(|threshold| threshold as f32))?;
    let manifest = served.manifest;
    Ok(Outcome {
        name: manifest.name,
        version: manifest.version,
        family: manifest.family,
        synthetic: manifest.data.synthetic,
        threshold,
        may_have_seen,
        weighted: encode::weights(&rows)?.is_some(),
        metrics,
    })
}

/// The test rows that a version has not learned from, and whether that is in doubt.
fn unseen(served: &Version, prepared: &Prepared, rows: DataFrame) -> anyhow::Result<(DataFrame, bool)> {
    let (data, version) = (&served.manifest.data, served.manifest.version);
    if data.digest == prepared.digest && data.n_logged == 0 {
        return Ok((rows, false));
    }
    let newer = deploy::newer_than(&rows, data.last_date)?;
    if newer.height() > 0 {
        return Ok((newer, false));
    }
    tracing::warn!("version {version} may have learned from some of the test rows: none is newer than all that it knows");
    Ok((rows, true))
}

/// The version in production.
pub(crate) fn production(place: &Place) -> anyhow::Result<Version> {
    let served = Registry::new(&place.home()).production()?;
    served.ok_or_else(|| failure::failure("no version is in production", "`trainer run` trains and deploys one"))
}

impl Shown for Outcome {
    fn text(&self) -> String {
        let m = &self.metrics;
        let synthetic = if self.synthetic { ", SYNTHETIC ROWS" } else { "" };
        let seen = if self.may_have_seen { ", SOME OF WHICH IT MAY HAVE LEARNED FROM" } else { "" };
        let rows = [
            ("ROC AUC", m.roc_auc),
            ("average precision", m.average_precision),
            ("log loss", Some(m.log_loss)),
            ("Brier", Some(m.brier)),
            ("accuracy", Some(m.accuracy)),
            ("  always the majority class", Some(m.majority_accuracy)),
            ("share of positives", m.positive_share),
        ];
        let rows = rows.map(|(name, value)| vec![name.to_owned(), number(value)]).to_vec();
        let weighted = if self.weighted { ", each by its weight" } else { "" };
        let head = format!(
            "{} version {} ({}) on {} test rows{weighted}{synthetic}{seen}",
            self.name, self.version, self.family, m.n_rows
        );
        format!("{head}\n{}", table(&["metric", "value"], 1, rows))
    }
}
