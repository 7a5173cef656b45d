//! The report on the versions trained on the same rows as the one in production, as one HTML file.

use std::path::PathBuf;

use chrono::Utc;
use data_contract::{Bundle, Evaluation};
use inference_predictor::Predictor;
use trainer_registry::{Registry, Version, store};

use crate::args::{Place, Report as Args};
use crate::dataset;
use crate::failure::failure;
use crate::leaderboard::model_bytes;
use crate::output::{self, Shown};
use crate::page::{self, Entry, Report};

/// The file's name where none is given.
const FILE: &str = "models.html";

/// What `report` prints.
#[derive(Debug, serde::Serialize)]
struct Outcome {
    file: PathBuf,
    verdict: String,
    versions: Vec<Line>,
}

#[derive(Debug, serde::Serialize)]
struct Line {
    version: u32,
    family: String,
    evaluation: Evaluation,
}

/// Writes the report.
pub(crate) fn execute(place: &Place, args: &Args) -> anyhow::Result<()> {
    let registry = Registry::new(&place.home());
    let entries = entries(&registry)?;
    let served = Predictor::load(&registry.version(entries[0].manifest.version)?.model()?)?;
    let title = dataset::read(place).ok().map(|(dataset, _)| dataset.title).filter(|title| !title.is_empty());
    let classes = served.contract().target.classes.clone();
    let title = title.unwrap_or_else(|| entries[0].manifest.name.clone());
    let report = Report { title, classes, entries, generated: Utc::now() };
    let file = args.output.clone().unwrap_or_else(|| place.home().root().join(FILE));
    store::write_file(&file, page::render(&report).as_bytes())?;
    let line = |entry: &Entry| Line {
        version: entry.manifest.version,
        family: entry.manifest.family.clone(),
        evaluation: entry.evaluation.clone(),
    };
    let outcome = Outcome { file, verdict: page::verdict(&report), versions: report.entries.iter().map(line).collect() };
    output::show(&outcome, place.json);
    Ok(())
}

/// The versions that were judged on the same rows as the one in production (the newest where there is none), best first.
fn entries(registry: &Registry) -> anyhow::Result<Vec<Entry>> {
    let versions = registry.versions()?;
    let newest = versions.iter().max_by_key(|version| version.manifest.version);
    let nothing = || failure("there is no version with an evaluation", "`trainer train` makes some");
    let chosen = registry.production()?.or(newest.cloned()).ok_or_else(nothing)?;
    let (digest, n_logged) = (&chosen.manifest.data.digest, chosen.manifest.data.n_logged);
    let alike = |version: &&Version| version.manifest.data.digest == *digest && version.manifest.data.n_logged == n_logged;
    let mut entries: Vec<Entry> = versions.iter().filter(alike).filter_map(entry).collect();
    entries.sort_by(|a, b| badness(a).total_cmp(&badness(b)));
    if entries.is_empty() { Err(nothing()) } else { Ok(entries) }
}

/// None for a version that was made before there were evaluations.
fn entry(version: &Version) -> Option<Entry> {
    let bytes = std::fs::read(version.folder.join(Bundle::EVALUATION)).ok()?;
    let evaluation = serde_json::from_slice(&bytes).ok()?;
    Some(Entry { manifest: version.manifest.clone(), evaluation, stage: version.stage, bytes: model_bytes(version) })
}

/// The ranking metric, turned so that less is better.
fn badness(entry: &Entry) -> f64 {
    let metric = &entry.evaluation.selected_by;
    let value = entry.evaluation.metrics.get(metric).map_or(f64::INFINITY, |estimate| estimate.value);
    if matches!(metric.as_str(), "log_loss" | "brier" | "expected_calibration_error") { value } else { -value }
}

impl Shown for Outcome {
    fn text(&self) -> String {
        format!("{}\n{}", self.verdict, self.file.display())
    }
}
