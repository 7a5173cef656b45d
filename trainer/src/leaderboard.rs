//! The versions, best first among those that can be compared.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use data_contract::{DataOrigin, Stage};
use trainer_registry::{Registry, Version};

use crate::args::Place;
use crate::failure::failure;
use crate::output::{self, DASH, Shown, number, table};
use crate::train::failed::Failed;

/// Versions in the order of printing.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Board {
    versions: Vec<Line>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

#[derive(Debug, serde::Serialize)]
struct Line {
    version: u32,
    family: String,
    stage: Stage,
    log_loss: Option<f64>,
    roc_auc: Option<f64>,
    average_precision: Option<f64>,
    brier: Option<f64>,
    accuracy: Option<f64>,
    majority_accuracy: Option<f64>,
    fit_cpu_secs: f64,
    bytes: u64,
    created: DateTime<Utc>,
    synthetic: bool,
    data: String,
}

/// Prints every version.
pub(crate) fn execute(place: &Place) -> anyhow::Result<()> {
    let versions = Registry::new(&place.home()).versions()?;
    if versions.is_empty() {
        return Err(failure(format!("{} holds no version", place.home().registry().display()), "`trainer train` makes some"));
    }
    output::show(&Board::new(&versions), place.json);
    Ok(())
}

/// Size of a version's model file.
pub(crate) fn model_bytes(version: &Version) -> u64 {
    std::fs::metadata(version.folder.join(data_contract::Bundle::MODEL)).map_or(u64::MAX, |file| file.len())
}

impl Board {
    /// Orders versions for printing: those that saw the newest rows first, of the same rows the one in production, then by log loss.
    pub(crate) fn new(versions: &[Version]) -> Self {
        let mut lines: Vec<Line> = versions.iter().map(Line::new).collect();
        let mut newest: BTreeMap<String, u32> = BTreeMap::new();
        for line in &lines {
            let last = newest.entry(line.data.clone()).or_default();
            *last = line.version.max(*last);
        }
        let loss = |line: &Line| line.log_loss.unwrap_or(f64::INFINITY);
        lines.sort_by(|a, b| {
            let by_rows = newest[&b.data].cmp(&newest[&a.data]);
            let by_stage = (a.stage != Stage::Production).cmp(&(b.stage != Stage::Production));
            by_rows.then(by_stage).then(loss(a).total_cmp(&loss(b))).then(a.version.cmp(&b.version))
        });
        Self { versions: lines, failed: vec![] }
    }

    /// The same with families that were trained beside the versions and failed.
    pub(crate) fn with_failed(self, failed: Vec<Failed>) -> Self {
        Self { failed, ..self }
    }
}

impl Line {
    fn new(version: &Version) -> Self {
        let manifest = &version.manifest;
        let metric = |name: &str| manifest.validation.get(name).copied();
        Self {
            version: manifest.version,
            family: manifest.family.clone(),
            stage: version.stage,
            log_loss: metric("log_loss"),
            roc_auc: metric("roc_auc"),
            average_precision: metric("average_precision"),
            brier: metric("brier"),
            accuracy: metric("accuracy"),
            majority_accuracy: metric("majority_accuracy"),
            fit_cpu_secs: manifest.fit_cpu_secs,
            bytes: model_bytes(version),
            created: manifest.created,
            synthetic: manifest.data.synthetic,
            data: rows_of(&manifest.data),
        }
    }

    fn cells(&self) -> Vec<String> {
        let label = if self.synthetic { " (SYNTHETIC)" } else { "" };
        let metrics = [self.log_loss, self.roc_auc, self.average_precision, self.brier, self.accuracy, self.majority_accuracy];
        let mut cells =
            vec![self.version.to_string(), format!("{}{label}", self.family), self.stage.to_string(), self.data.clone()];
        cells.extend(metrics.map(number));
        cells.extend([format!("{:.2}", self.fit_cpu_secs), format!("{:.0} kB", self.bytes as f64 / 1000.0)]);
        cells
    }
}

/// What names the rows: their digest, and how many logged ones came on top.
fn rows_of(data: &DataOrigin) -> String {
    let digest = data_contract::short(&data.digest);
    if data.n_logged == 0 { digest.to_owned() } else { format!("{digest} +{}", data.n_logged) }
}

impl Shown for Board {
    fn text(&self) -> String {
        let header =
            ["version", "family", "stage", "rows", "log loss", "AUC", "AP", "Brier", "accuracy", "majority", "CPU s", "size"];
        let failed = |failed: &Failed| {
            let mut cells = vec![DASH.to_owned(), failed.family.to_string(), "failed".to_owned()];
            cells.resize(header.len(), DASH.to_owned());
            cells
        };
        let rows = self.versions.iter().map(Line::cells).chain(self.failed.iter().map(failed)).collect();
        let reasons: String = self.failed.iter().map(|failed| format!("\n\n{failed}")).collect();
        format!(
            "{}\nlog loss and the rest are measured on rows held out; only versions with the same `rows` can be compared{reasons}",
            table(&header, 4, rows)
        )
    }
}
