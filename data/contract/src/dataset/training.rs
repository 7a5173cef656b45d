//! The part `[training]` of a dataset's file: what is trained and how the best is chosen.

use serde::{Deserialize, Serialize};

use crate::goal::{Goal, Profit};

/// What is trained and how the best is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Families by name; empty means all.
    pub families: Vec<String>,
    /// The metric that ranks versions: `log_loss`, `brier`, `roc_auc`, `average_precision`, `accuracy`, `f1`, `recall_at_top_10`.
    pub metric: String,
    /// With two classes, where the decision is made.
    pub threshold: Goal,
    /// How probabilities are calibrated.
    pub calibration: CalibrationKind,
    /// Whether rows count alike or classes do.
    pub class_weights: ClassWeights,
    /// 1 judges models on the validation rows; more holds out every training and validation row once, in so many folds; 0 chooses by the
    /// number of rows: few are held out in folds.
    pub folds: u32,
    /// How often rows are held out in folds, each time in others: metrics are means over the times. More than 1 asks for folds.
    pub repeats: u32,
    /// What a decision costs and earns, for the profit curve and the goal `profit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profit: Option<Profit>,
}

/// How probabilities are calibrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrationKind {
    /// In the way that gives the lowest cross-validated log loss.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// Platt's sigmoid of the log-odds.
    Sigmoid,
    /// A monotone curve.
    Isotonic,
}

/// Whether rows count alike or classes do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every row counts alike.
    #[default]
    Alike,
    /// Every class counts alike, however few its rows; calibration then brings the probabilities back.
    Balanced,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            families: Vec::new(),
            metric: "log_loss".into(),
            threshold: Goal::Fixed(0.5),
            calibration: CalibrationKind::Auto,
            class_weights: ClassWeights::Alike,
            folds: 0,
            repeats: 1,
            profit: None,
        }
    }
}
