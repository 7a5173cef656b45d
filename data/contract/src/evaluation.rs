//! How good a version is on rows it did not learn from, and what it looks at: `evaluation.json` of a bundle.
//!
//! Everything a report or a model card shows about a version is in here, so that neither needs the rows or the model again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the evaluation's format.
pub const EVALUATION_FORMAT: u32 = 1;

/// How good a version is on rows it did not learn from, and what it looks at.
///
/// Rows are judged by models that were fitted without them, calibrated without them: what is measured is what new rows of the same kind
/// would give. The version itself was then fitted on all of them. Where the dataset weighs rows, every share, mean and curve is of weighted rows,
/// and the confusion matrix has sums of weights; a slice's number of rows leaves out those of weight 0, which [`Self::n_rows`] counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// [`EVALUATION_FORMAT`].
    pub format: u32,
    /// Rows judged, those of weight 0 too.
    pub n_rows: u64,
    /// In how many folds they were held out; 1 for a validation part.
    pub n_folds: u32,
    /// How often they were held out, each time in other folds. Metrics and losses are means over the times; all else is of the first.
    #[serde(default = "once")]
    pub n_repeats: u32,
    /// Name of the metric that ranks versions.
    pub selected_by: String,
    /// Every metric by name, with its 95% interval.
    pub metrics: BTreeMap<String, Estimate>,
    /// How probabilities are calibrated: `none`, `sigmoid` or `isotonic`.
    pub calibration: String,
    /// Log loss of each way to calibrate, by name.
    pub calibrations: BTreeMap<String, f64>,
    /// With two classes, where the decision is made.
    pub threshold: Option<ThresholdChoice>,
    /// Rows, or the sums of their weights, by true class (outer) and predicted class (inner), in the order of the contract's classes.
    pub confusion: Vec<Vec<f64>>,
    /// Curves of class 1 for two classes, of each class against the rest for more.
    pub curves: Vec<ClassCurves>,
    /// Profit by threshold, where the dataset says what a call costs and a success is worth.
    pub profit: Vec<ProfitPoint>,
    /// How much worse the selecting metric gets when a column is shuffled, the most important first.
    pub importance: Vec<Importance>,
    /// How the probability follows a column, all else being as it is.
    pub dependence: Vec<Dependence>,
    /// Metrics on rows that share a column's value.
    pub slices: Vec<Slice>,
    /// Log loss of each row, or of evenly spaced ones of many: versions judged on the same rows are compared in pairs.
    pub losses: Vec<f32>,
    /// How much each of those rows counts; empty when rows count alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f32>,
}

fn once() -> u32 {
    1
}

/// A number with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// With two classes: the probability above which the positive class is predicted, and what that gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdChoice {
    /// What it was chosen for, as the dataset says it: a number, `max-f1`, `recall>=0.8`, `profit`.
    pub goal: String,
    /// The probability.
    pub threshold: f64,
    /// Share of the rows predicted positive.
    pub share: f64,
    /// Share of those that are positive; none when there are none.
    pub precision: Option<f64>,
    /// Share of the positive rows that are predicted so.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
    /// Profit of all rows, where the dataset says what counts; a row of weight 3 earns as much as three.
    pub profit: Option<f64>,
}

/// Curves of one class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCurves {
    /// Index of the class.
    pub class: u32,
    /// `[false positive rate, true positive rate]`, from (0, 0) to (1, 1); at most 200 points.
    pub roc: Vec<[f64; 2]>,
    /// `[recall, precision]`, recall ascending; at most 200 points.
    pub precision_recall: Vec<[f64; 2]>,
    /// Rows in bins of about equal size by their probability.
    pub reliability: Vec<ReliabilityBin>,
}

/// Rows of similar probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// Rows.
    pub n_rows: u64,
    /// Their mean probability.
    pub probability: f64,
    /// Share of them that are of the class.
    pub share: f64,
}

/// What a threshold earns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfitPoint {
    /// The probability above which rows are acted on.
    pub threshold: f64,
    /// Share of the rows that are.
    pub share: f64,
    /// Profit of all rows, in the dataset's unit.
    pub profit: f64,
}

/// What a column is worth to the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importance {
    /// The column.
    pub column: String,
    /// How much the log loss grows when its values are shuffled among the rows; mean over repeats.
    pub mean: f64,
    /// Standard deviation over repeats.
    pub deviation: f64,
}

/// How the probability follows a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependence {
    /// The column.
    pub column: String,
    /// Of a column of dates, the part of the calendar that is followed: `weekday` or `hour`; none for the dates themselves, around each of
    /// which a week is averaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The mean probability when every row has this value.
    pub points: Vec<DependencePoint>,
}

/// One point of a partial dependence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DependencePoint {
    /// The value, as a record holds it: a number or a text.
    pub value: serde_json::Value,
    /// Share of the rows that have it; for a number, of the rows nearer to it than to its neighbours.
    pub share: f64,
    /// Mean probability of each class.
    pub probabilities: Vec<f64>,
}

/// The rows that share a column's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// The value, or a range of numbers, in words.
    pub value: String,
    /// Rows.
    pub n_rows: u64,
    /// Share of the followed class among them.
    pub share: f64,
    /// Its mean probability.
    pub probability: f64,
    /// Log loss, with its interval.
    pub log_loss: Estimate,
    /// Area under the ROC curve, with its interval; none where it is undefined.
    pub roc_auc: Option<Estimate>,
}

impl Estimate {
    /// Whether another number lies in the interval.
    pub fn holds(&self, number: f64) -> bool {
        (self.low..=self.high).contains(&number)
    }
}
