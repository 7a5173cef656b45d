//! The part `[rules]` of a dataset's file: when the monitor raises an alert.

use serde::{Deserialize, Serialize};

/// When the monitor raises an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// How windows are judged.
    pub rule: WindowRule,
    /// Prediction drift above which a window alerts: how far the probabilities moved, in standard deviations of the reference's
    /// (under `evidently`, Evidently's default statistic).
    pub prediction_drift: f64,
    /// Under `tidemark`: how much a column must change to count as drifted, as Cohen's w; 0.1 is what a move of all values by a tenth of
    /// a standard deviation gives.
    pub column_drift: f64,
    /// Under `tidemark`: up to where either limit rises with what is usual. Where chunks of the reference, in time order, lie further from
    /// the whole than a limit, that distance is the limit, up to this.
    pub usual_drift: f64,
    /// Under `tidemark`: the largest share, on average, of wrong verdicts among all, over columns and windows; above 0, below 1. While
    /// nothing changes it is the chance that there ever is one.
    pub false_discovery_rate: f64,
    /// Under `tidemark`, of comparisons that stand alone (two sides, the labels of a window): the largest share of those in which nothing
    /// changed that may drift; above 0, below 1.
    pub false_alarms: f64,
    /// Windows with fewer predictions than this are shown but raise no alert.
    pub minimum_rows: u64,
    /// Under `tidemark`: columns that follow the calendar, such as a month's name. Every window differs there, and that is no news: they are
    /// shown and not judged.
    pub calendar: Vec<String>,
    /// Windows in a row that must drift before an alert fires; at least 1.
    pub windows_to_fire: u32,
    /// Calm windows in a row that end an alert; at least 1.
    pub windows_to_clear: u32,
}

/// How windows are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WindowRule {
    /// A change must be more than chance, over all columns of the window, and large enough to matter.
    #[default]
    Tidemark,
    /// Statistics and thresholds of Evidently 0.7, whatever the number of rows.
    Evidently,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            rule: WindowRule::Tidemark,
            prediction_drift: 0.1,
            column_drift: 0.1,
            usual_drift: 0.2,
            false_discovery_rate: 0.05,
            false_alarms: 0.005,
            minimum_rows: 200,
            calendar: Vec::new(),
            windows_to_fire: 1,
            windows_to_clear: 1,
        }
    }
}
