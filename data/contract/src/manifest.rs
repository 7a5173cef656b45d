//! The manifest: what a bundle is, where it came from and how good it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Version of the manifest's format.
pub const MANIFEST_FORMAT: u32 = 1;

/// Keys of the ONNX file's `metadata_props`; with them a lone `model.onnx` is enough to score.
pub mod metadata {
    /// Version of this set of keys: `1`.
    pub const FORMAT: &str = "tidemark.format";
    /// The model's name.
    pub const NAME: &str = "tidemark.name";
    /// The model's version in its registry.
    pub const VERSION: &str = "tidemark.version";
    /// The family's name.
    pub const FAMILY: &str = "tidemark.family";
    /// With two classes: the probability above which the positive class is predicted.
    pub const THRESHOLD: &str = "tidemark.threshold";
    /// The contract as compact JSON.
    pub const CONTRACT: &str = "tidemark.contract";
    /// `true` when the training rows were made by a generator.
    pub const SYNTHETIC: &str = "tidemark.synthetic";
    /// The [`crate::Background`], which explanations compare a record with.
    pub const BACKGROUND: &str = "tidemark.background";
}

/// Names of a bundle's files.
pub struct Bundle;

impl Bundle {
    /// The graph, with the contract in its metadata.
    pub const MODEL: &str = "model.onnx";
    /// The [`Manifest`].
    pub const MANIFEST: &str = "manifest.json";
    /// The contract as JSON Schema 2020-12.
    pub const CONTRACT: &str = "contract.json";
    /// The training rows' [`crate::Reference`] counts.
    pub const REFERENCE: &str = "reference.json";
    /// The [`crate::Golden`] records.
    pub const GOLDEN: &str = "golden.json";
    /// The [`crate::Evaluation`] on rows it did not learn from.
    pub const EVALUATION: &str = "evaluation.json";
    /// The model card: what the version is, for people.
    pub const CARD: &str = "card.md";
}

/// What a bundle is, where it came from and how good it was: `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_FORMAT`].
    pub format: u32,
    /// The model's name.
    pub name: String,
    /// The version in its registry.
    pub version: u32,
    /// The family's name.
    pub family: String,
    /// The family's parameters.
    pub params: Json,
    /// When it was trained, UTC.
    pub created: chrono::DateTime<chrono::Utc>,
    /// Version of the program that trained it.
    pub trainer: String,
    /// Seed of the fit.
    pub seed: u64,
    /// CPU seconds of the fit.
    pub fit_cpu_secs: f64,
    /// The rows it learned from.
    pub data: DataOrigin,
    /// Digest of the contract.
    pub contract: String,
    /// With two classes: the probability above which the positive class is predicted.
    pub threshold: Option<f64>,
    /// Metrics on the validation rows, by name.
    pub validation: BTreeMap<String, f64>,
    /// How well the file reproduces the fitted model.
    pub parity: Parity,
    /// SHA-256 of each other file of the bundle.
    pub files: BTreeMap<String, String>,
}

/// The rows a model learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataOrigin {
    /// Name of the dataset.
    pub dataset: String,
    /// Digest of the file that the rows were prepared from.
    pub source: String,
    /// Digest of the prepared rows.
    pub digest: String,
    /// Whether a generator made the rows.
    pub synthetic: bool,
    /// Rows the model was fitted on.
    pub n_train: u64,
    /// Rows that chose when to stop and how it ranks.
    pub n_validation: u64,
    /// Rows that came from the prediction log, on top of the prepared ones.
    pub n_logged: u64,
    /// Date of the oldest row.
    pub first_date: Option<chrono::NaiveDate>,
    /// Date of the newest row.
    pub last_date: Option<chrono::NaiveDate>,
}

/// How well the exported file reproduces the fitted model on the validation rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parity {
    /// Rows compared.
    pub n_rows: u64,
    /// Largest absolute difference of a probability.
    pub largest_difference: f64,
    /// Rows whose label differs.
    pub labels_differ: u64,
}

impl Parity {
    /// The largest difference of a probability that a registered model may show.
    pub const TOLERANCE: f64 = 1e-5;

    /// Whether the file may be registered.
    pub fn holds(&self) -> bool {
        self.n_rows > 0 && self.labels_differ == 0 && self.largest_difference <= Self::TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_of_format_1_still_loads() {
        let manifest: Manifest = serde_json::from_str(include_str!("../fixtures/manifest-1.json")).unwrap();
        assert_eq!((manifest.version, manifest.data.n_train), (7, 800));
    }

    #[test]
    fn parity_needs_rows_close_probabilities_and_equal_labels() {
        let good = Parity { n_rows: 10, largest_difference: 2e-7, labels_differ: 0 };
        assert!(good.holds());
        assert!(!Parity { n_rows: 0, ..good }.holds());
        assert!(!Parity { largest_difference: 2e-5, ..good }.holds());
        assert!(!Parity { largest_difference: f64::NAN, ..good }.holds());
        assert!(!Parity { labels_differ: 1, ..good }.holds());
    }
}
