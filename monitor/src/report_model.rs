//! The report as data: `report.json`, and what the page is drawn from.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use data_contract::{RetrainOutcome, Rules};
use monitor_drift::{Drift, Estimate, Kind, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Domain;
use crate::label_drift::LabelDrift;
use crate::promise::Promise;
use crate::quality::{LateSource, Quality};
use crate::segments::Segments;
use crate::tally::NotCounted;
use crate::window::{By, Window};

/// Version of the report's format.
pub(crate) const REPORT_FORMAT: u32 = 1;

/// Everything the report tells. Fields may be added to it without another format; none is taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Drift report")]
pub(crate) struct Report {
    /// Version of this format.
    #[schemars(extend("const" = REPORT_FORMAT))]
    pub(crate) format: u32,
    /// When it was made, UTC.
    pub(crate) generated: DateTime<Utc>,
    /// The model's name.
    pub(crate) model: String,
    /// The version in production, if one is.
    pub(crate) production: Option<u32>,
    /// How long a window is.
    pub(crate) by: By,
    /// Whether a generator made the training rows.
    pub(crate) synthetic: bool,
    /// One sentence that sums it up.
    pub(crate) verdict: String,
    /// The rules that raise alerts.
    pub(crate) rules: Rules,
    /// The class whose probability is followed.
    pub(crate) followed_class: String,
    /// The versions that served.
    pub(crate) versions: Vec<VersionSummary>,
    /// One per window and version, oldest first.
    pub(crate) windows: Vec<WindowReport>,
    /// The same by the values of a column, where it was asked for.
    #[serde(default)]
    pub(crate) segments: Option<Segments>,
    /// Each column's distribution, in the reference and in the newest window that can be judged.
    pub(crate) distributions: Vec<Distribution>,
    /// Alerts, oldest first.
    pub(crate) alerts: Vec<AlertReport>,
    /// Rows of this model that are in the log and could not be compared.
    pub(crate) not_counted: Vec<NotCounted>,
    /// Damaged files that were set aside now.
    pub(crate) damaged_files: Vec<String>,
    /// The last day with a prediction, where none has come for more than twice as long as ever before.
    #[serde(default)]
    pub(crate) silent_since: Option<NaiveDate>,
    /// Who predicted in the newest two windows and has been silent for more than twice as long as ever before.
    #[serde(default)]
    pub(crate) late_sources: Vec<LateSource>,
    /// Collected records that could not be written to the log and lie in `collected/set-aside`.
    #[serde(default)]
    pub(crate) n_set_aside: u64,
}

/// One version that served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct VersionSummary {
    /// Its number.
    pub(crate) version: u32,
    /// Its family.
    pub(crate) family: String,
    /// Rows it learned from.
    pub(crate) n_train: u64,
    /// Date of the newest row it knew.
    pub(crate) trained_until: Option<NaiveDate>,
    /// Its metrics on validation rows.
    pub(crate) validation: std::collections::BTreeMap<String, f64>,
}

/// What one version saw and said in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct WindowReport {
    /// Its name, such as `2009-03`.
    pub(crate) name: String,
    /// The window.
    pub(crate) window: Window,
    /// Whether it is still filling.
    pub(crate) open: bool,
    /// The version that served.
    pub(crate) version: u32,
    /// Predictions.
    pub(crate) n_rows: u64,
    /// Drift of the followed class's probability as Evidently has it; none without rows on either side.
    pub(crate) prediction: Option<Drift>,
    /// The rule `tidemark` on the followed class's probability; its effect is the Wasserstein distance over the reference's deviation.
    #[serde(default)]
    pub(crate) prediction_verdict: Option<Verdict>,
    /// Each column.
    pub(crate) columns: Vec<ColumnReport>,
    /// Columns that drifted as Evidently has it.
    pub(crate) n_drifted: usize,
    /// Columns that drifted by the rule `tidemark`.
    #[serde(default)]
    pub(crate) n_shifted: usize,
    /// Share of the model's skill that lies in the columns that drifted by the rule `tidemark`; none where it is not known.
    #[serde(default)]
    pub(crate) importance_shifted: Option<f64>,
    /// Whether Evidently's half of the columns or more drifted.
    pub(crate) dataset_drifted: bool,
    /// Missing cells over all cells (rows times columns), 0 to 1.
    pub(crate) missing_share_of_cells: f64,
    /// Missing cells over rows; above 1 when a row lacks more than one cell on average.
    pub(crate) missing_cells_per_row: f64,
    /// Cells with a level that training never saw.
    pub(crate) n_unseen: u64,
    /// Share of rows predicted to be of the followed class.
    pub(crate) share_predicted: f64,
    /// Mean probability of the followed class.
    pub(crate) mean_probability: Option<f64>,
    /// The same in the version's reference.
    #[serde(default)]
    pub(crate) reference_mean: Option<f64>,
    /// How good it was, where labels have come.
    pub(crate) performance: Option<Performance>,
    /// How good it is likely to be, told from its probabilities alone; none without rows.
    #[serde(default)]
    pub(crate) estimate: Option<Estimate>,
    /// Whether the probabilities kept what they promise, where labels have come.
    #[serde(default)]
    pub(crate) promise: Option<Promise>,
    /// How the share of the followed class moved, where labels have come.
    #[serde(default)]
    pub(crate) label_drift: Option<LabelDrift>,
    /// Of newer windows: how well the rows can be told from those that the version knew, by all columns together.
    #[serde(default)]
    pub(crate) domain: Option<Domain>,
    /// Why that cannot be told, where it was asked.
    #[serde(default)]
    pub(crate) domain_problem: Option<String>,
    /// What its rows are like, beside their values.
    #[serde(default)]
    pub(crate) quality: Quality,
    /// Of newer windows whose predictions drifted: which columns moved them, largest first.
    #[serde(default)]
    pub(crate) causes: Vec<Cause>,
    /// How good the version kept beside it was on the same rows.
    pub(crate) shadow: Option<Performance>,
}

/// By how much the mean probability would have changed if one column alone had changed as it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Cause {
    /// The column.
    pub(crate) column: String,
    /// Change of the followed class's mean probability.
    pub(crate) by: f64,
}

/// One column in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ColumnReport {
    /// Its name.
    pub(crate) name: String,
    /// Its drift as Evidently has it; none when it cannot be told.
    pub(crate) drift: Option<Drift>,
    /// The rule `tidemark` on it; none for dates and what follows the calendar.
    #[serde(default)]
    pub(crate) verdict: Option<Verdict>,
    /// Share of the model's skill that lies in it, from 0 to 1; none where it is not known.
    #[serde(default)]
    pub(crate) importance: Option<f64>,
    /// Why drift cannot be told, or is not judged.
    pub(crate) problem: Option<String>,
    /// Rows without a value.
    pub(crate) n_missing: u64,
    /// Rows with a level that training never saw.
    pub(crate) n_unseen: u64,
    /// Rows with a number outside the range of the training rows.
    #[serde(default)]
    pub(crate) n_out_of_range: u64,
}

/// How well probabilities fit what came true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Performance {
    /// Version that is judged.
    pub(crate) version: u32,
    /// Predictions whose label is known.
    pub(crate) n_labelled: u64,
    /// Share of predictions whose label is known.
    pub(crate) coverage: f64,
    /// Share of the followed class among the labels.
    pub(crate) share_true: f64,
    /// Area under the ROC curve; none unless both outcomes occur.
    pub(crate) roc_auc: Option<f64>,
    /// Average precision.
    pub(crate) average_precision: Option<f64>,
    /// Log loss.
    pub(crate) log_loss: Option<f64>,
    /// Brier score.
    pub(crate) brier: Option<f64>,
    /// Share of rows whose predicted class came true.
    pub(crate) accuracy: Option<f64>,
    /// F1 of the followed class; none with more classes than two.
    #[serde(default)]
    pub(crate) f1: Option<f64>,
}

/// One column's distribution in the reference and in the newest window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Distribution {
    /// The column.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether the numbers are dates, which are not tested for drift: they move on.
    #[serde(default)]
    pub(crate) dates: bool,
    /// Its drift in the newest window as Evidently has it.
    pub(crate) drift: Option<Drift>,
    /// The rule `tidemark` on it.
    #[serde(default)]
    pub(crate) verdict: Option<Verdict>,
    /// Bars, in order.
    pub(crate) bars: Vec<Bar>,
}

/// One bar of a distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Bar {
    /// A level, or a range of numbers.
    pub(crate) label: String,
    /// Share in the reference.
    pub(crate) reference: f64,
    /// Share in the newest window.
    pub(crate) current: f64,
}

/// One alert and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct AlertReport {
    /// The rule that fired, `PredictionDrift` or `ColumnDrift`.
    #[serde(default = "prediction_drift")]
    pub(crate) name: String,
    /// `critical`, `warning` or `info`; empty on alerts of earlier versions of the program.
    #[serde(default)]
    pub(crate) severity: String,
    /// Its fingerprint.
    pub(crate) fingerprint: String,
    /// Name of the window.
    pub(crate) window: String,
    /// The version that served.
    pub(crate) version: u32,
    /// What people read.
    pub(crate) summary: String,
    /// The drift's value; of columns, the importance of those that drifted.
    pub(crate) value: f64,
    /// When it began.
    pub(crate) starts_at: DateTime<Utc>,
    /// When a later window was fine again.
    pub(crate) resolved_at: Option<DateTime<Utc>>,
    /// What came of it.
    pub(crate) answer: Option<Answer>,
}

/// What came of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Answer {
    /// Promoted, kept or failed.
    pub(crate) outcome: RetrainOutcome,
    /// The newly trained version.
    pub(crate) challenger: Option<u32>,
    /// Why.
    pub(crate) reason: String,
}

fn prediction_drift() -> String {
    crate::rules::PREDICTION_DRIFT.to_owned()
}

impl AlertReport {
    /// Whether a retrain is to answer it.
    pub(crate) fn of_predictions(&self) -> bool {
        self.name == crate::rules::PREDICTION_DRIFT
    }
}

impl Report {
    /// Windows in which a version's predictions drifted, and windows in which one was judged.
    pub(crate) fn drifted_of(&self) -> (usize, usize) {
        let judged = || self.windows.iter().filter(|window| window.judged(&self.rules));
        let distinct = |windows: BTreeSet<Window>| windows.len();
        let drifted = distinct(judged().filter(|window| self.rules_broken(window)).map(|window| window.window).collect());
        (drifted, distinct(judged().map(|window| window.window).collect()))
    }

    /// Whether the alert rule holds in a window, however many rows it has.
    pub(crate) fn rules_broken(&self, window: &WindowReport) -> bool {
        crate::rules::predictions_drifted(window, &self.rules)
    }

    /// Those among some windows that can be judged; all of them where none can.
    pub(crate) fn judged<'w>(&self, windows: &'w [WindowReport]) -> Vec<&'w WindowReport> {
        let judged: Vec<&WindowReport> = windows.iter().filter(|window| window.judged(&self.rules)).collect();
        if judged.is_empty() { windows.iter().collect() } else { judged }
    }
}

impl WindowReport {
    /// Whether it can be judged: it is complete, and has enough predictions.
    pub(crate) fn judged(&self, rules: &Rules) -> bool {
        !self.open && self.enough(rules)
    }

    /// Verdicts of drift by the rule `tidemark`, on columns and on the predictions.
    pub(crate) fn n_found(&self) -> usize {
        self.n_shifted + usize::from(self.prediction_verdict.is_some_and(|verdict| verdict.drifted))
    }

    /// Whether it has enough predictions to judge.
    pub(crate) fn enough(&self, rules: &Rules) -> bool {
        self.n_rows >= rules.minimum_rows && self.prediction.is_some()
    }
}

/// The newest window that can be judged; the last one where none can.
pub(crate) fn newest<'w>(windows: &'w [WindowReport], rules: &Rules) -> Option<&'w WindowReport> {
    windows.iter().rev().find(|window| window.judged(rules)).or(windows.last())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::measure::tests::window_report;
    use monitor_drift::Statistic;

    /// A report of some windows.
    pub(crate) fn report_of(windows: Vec<WindowReport>) -> Report {
        let rest = serde_json::json!({
            "format": 1, "generated": "2026-01-01T00:00:00Z", "model": "churn", "production": null, "by": "month", "synthetic": false,
            "verdict": "", "rules": Rules::default(), "followed_class": "yes", "versions": [], "windows": [], "distributions": [],
            "alerts": [], "not_counted": [], "damaged_files": [],
        });
        Report { windows, ..serde_json::from_value(rest).unwrap() }
    }

    fn window(month: &str, version: u32, n_rows: u64, value: f64) -> WindowReport {
        let drift = Drift { statistic: Statistic::Wasserstein, value, threshold: 0.1, drifted: value >= 0.1 };
        let verdict = Verdict { p_value: 0.0, sure_from: 0.005, effect: value, matters_from: 0.1, drifted: value >= 0.1 };
        WindowReport { prediction: Some(drift), prediction_verdict: Some(verdict), ..window_report(month, version, n_rows) }
    }

    #[test]
    fn a_month_counts_once_and_only_if_it_can_be_judged() {
        let open = WindowReport { open: true, ..window("2009-05", 7, 500, 0.9) };
        let windows = [
            window("2009-02", 7, 500, 0.01),
            window("2009-03", 7, 500, 0.2),
            window("2009-03", 8, 500, 0.3),
            window("2009-04", 7, 1, 0.9),
            open,
        ];
        let report = report_of(windows.to_vec());
        assert_eq!(report.drifted_of(), (1, 2));
        assert_eq!(newest(&windows, &report.rules).map(|window| window.version), Some(8));
        assert_eq!(newest(&windows[3..], &report.rules).map(|window| window.name.as_str()), Some("2009-05"));
    }
}
