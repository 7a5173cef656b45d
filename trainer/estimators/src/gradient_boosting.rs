//! Gradient boosted trees.
//!
//! Each round adds a small tree (one per class when there are several) that follows the gradient of the log loss: Friedman, "Greedy
//! function approximation: a gradient boosting machine", 2001. Trees are grown leaf by leaf on histograms; see [`Params`] for what keeps
//! them from memorising. Missing values and categories need no preparation. A fit depends on data, parameters and seed alone, not on the
//! number of threads.

mod boosting;
mod loss;
mod watch;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trainer_onnx::{Link, TreeEnsemble};

use crate::family::{Classifier, Exported, Family, OnStep, Step};
use crate::link::push_probabilities;
use crate::tree::Tree;
use crate::tree::binning::N_BINS;
use crate::tree::grow::GrowParams;
use crate::tree::split::SplitParams;
use crate::{Data, Error, Matrix};
use boosting::Boosting;
use watch::Watch;

/// Rows whose raw values are computed together.
const CHUNK: usize = 4096;

/// Settings of gradient boosting. The defaults lean towards small steps and strong regularisation, which also helps when rows drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Rounds at most.
    pub rounds: usize,
    /// Rounds without a better validation loss after which fitting stops; only with validation rows.
    pub patience: usize,
    /// What a leaf's step is multiplied by, in `(0, 1]`.
    pub learning_rate: f64,
    /// Leaves of a tree at most.
    pub max_leaves: usize,
    /// Questions from root to leaf at most.
    pub max_depth: usize,
    /// Rows of a leaf at least.
    pub min_leaf_rows: usize,
    /// Penalty on squared leaf values.
    pub l2: f64,
    /// Share of the rows that each round sees, in `(0, 1]`.
    pub row_share: f64,
    /// Share of the columns that each tree sees, in `(0, 1]`.
    pub column_share: f64,
    /// Bins of a numeric column at most, beside the one for missing values; 2 to 255.
    pub max_bins: usize,
    /// Rows of average gradient given to each level before levels are compared; rarer levels are left out of sets.
    pub category_smoothing: f64,
    /// Further penalty on leaf values below a question about levels.
    pub category_l2: f64,
    /// Rows by which a set of levels grows at least from one candidate to the next.
    pub category_group_rows: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rounds: 400,
            patience: 50,
            learning_rate: 0.04,
            max_leaves: 15,
            max_depth: 64,
            min_leaf_rows: 40,
            l2: 5.0,
            row_share: 0.8,
            column_share: 0.5,
            max_bins: 255,
            category_smoothing: 50.0,
            category_l2: 5.0,
            category_group_rows: 100,
        }
    }
}

impl Params {
    /// Refuses what is out of range.
    pub fn check(self) -> Result<ValidParams, Error> {
        let whole = |name, value: usize, lowest, highest, expected| in_range(name, value as f64, lowest, highest, expected);
        let share = |name, value| in_range(name, value, f64::MIN_POSITIVE, 1.0, "above 0 and at most 1");
        let penalty = |name, value| in_range(name, value, 0.0, f64::MAX, "a number of at least 0");
        whole("rounds", self.rounds, 1.0, 1e6, "1 to 1000000")?;
        whole("patience", self.patience, 1.0, f64::MAX, "at least 1")?;
        whole("max_leaves", self.max_leaves, 2.0, 65536.0, "2 to 65536")?;
        whole("max_depth", self.max_depth, 1.0, f64::MAX, "at least 1")?;
        whole("min_leaf_rows", self.min_leaf_rows, 1.0, 1e9, "1 to 1000000000")?;
        whole("max_bins", self.max_bins, 2.0, (N_BINS - 1) as f64, "2 to 255")?;
        share("learning_rate", self.learning_rate)?;
        share("row_share", self.row_share)?;
        share("column_share", self.column_share)?;
        penalty("l2", self.l2)?;
        penalty("category_smoothing", self.category_smoothing)?;
        penalty("category_l2", self.category_l2)?;
        Ok(ValidParams(self))
    }

    fn grow_params(&self) -> GrowParams {
        GrowParams {
            max_leaves: self.max_leaves,
            max_depth: self.max_depth,
            split: SplitParams {
                l2: self.l2,
                min_leaf_rows: self.min_leaf_rows,
                category_smoothing: self.category_smoothing,
                category_l2: self.category_l2,
                min_group_rows: self.category_group_rows,
            },
        }
    }
}

/// Settings in range.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidParams(Params);

impl ValidParams {
    /// The same with this many rounds.
    pub(crate) fn with_steps(self, n_steps: usize) -> Self {
        Self(Params { rounds: n_steps.max(1), ..self.0 })
    }

    /// Fits on the training rows; with validation rows, keeps the rounds up to the lowest log loss on them.
    pub fn fit(&self, train: &Data, validation: Option<&Data>, seed: u64, on_step: OnStep) -> Result<Fitted, Error> {
        if validation.is_some_and(|validation| !train.matches(validation)) {
            return Err(Error::ValidationMismatch);
        }
        let weighted = train.without_weightless_rows()?;
        let mut boosting = Boosting::start(&self.0, weighted.as_ref().unwrap_or(train), seed);
        let mut watch = validation.map(|validation| Watch::start(validation, &boosting.fitted));
        for done in 1..=self.0.rounds {
            boosting.round();
            if on_step(Step { done, total: self.0.rounds }).is_break() {
                return Err(Error::Stopped);
            }
            if watch.as_mut().is_some_and(|watch| watch.see(&boosting.fitted) >= self.0.patience) {
                break;
            }
        }
        if let Some(watch) = watch {
            boosting.fitted.rounds.truncate(watch.best_rounds);
        }
        Ok(boosting.fitted)
    }
}

/// A fitted ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    n_features: usize,
    n_classes: usize,
    /// Raw values before the first tree.
    base: Vec<f32>,
    /// One tree per output and round.
    rounds: Vec<Vec<Tree>>,
}

impl Classifier for Fitted {
    /// Probabilities `[N, C]`.
    ///
    /// # Panics
    /// When the rows have another width than the training rows.
    fn probabilities(&self, features: &Matrix) -> Matrix {
        assert_eq!(features.n_features(), self.n_features, "rows of the width the model was fitted on");
        let chunks = features.values().par_chunks(CHUNK * self.n_features).map(|rows| {
            let mut probabilities = Vec::new();
            for row in rows.chunks_exact(self.n_features) {
                push_probabilities(&self.raw(row), &mut probabilities);
            }
            probabilities
        });
        let values = chunks.collect::<Vec<_>>().concat();
        Matrix::new(features.n_rows(), self.n_classes, values).expect("one finite probability per row and class")
    }

    /// Rounds kept.
    fn n_steps(&self) -> usize {
        self.rounds.len()
    }

    /// Always true: boosting ends after its rounds, or earlier by the validation rows, and looks for no minimum.
    fn converged(&self) -> bool {
        true
    }

    /// The trees as plain numbers; the base values are inside the first trees' leaves.
    fn to_onnx(&self) -> Exported {
        let n_outputs = self.base.len();
        let place = |output: usize, value: f32| {
            let mut values = vec![0.0; n_outputs];
            values[output] = value;
            values
        };
        let constants: Vec<Tree> = if self.rounds.is_empty() { vec![Tree::constant(0.0); n_outputs] } else { vec![] };
        let all = constants.iter().chain(self.rounds.iter().flatten());
        let trees = all.enumerate().map(|(at, tree)| {
            let base = if at < n_outputs { self.base[at] } else { 0.0 };
            tree.to_onnx(|value| place(at % n_outputs, base + value))
        });
        let link = if n_outputs == 1 { Link::Sigmoid } else { Link::Softmax };
        Exported::Trees(TreeEnsemble { n_features: self.n_features, n_classes: self.n_classes, trees: trees.collect(), link })
    }
}

impl Fitted {
    /// Raw values of a row: float32 sums in the order of the trees.
    fn raw(&self, row: &[f32]) -> Vec<f32> {
        let mut raw = self.base.clone();
        for round in &self.rounds {
            add_round(round, row, &mut raw);
        }
        raw
    }
}

fn add_round(round: &[Tree], row: &[f32], raw: &mut [f32]) {
    for (raw, tree) in raw.iter_mut().zip(round) {
        *raw += tree.value(row);
    }
}

fn in_range(name: &'static str, value: f64, lowest: f64, highest: f64, expected: &'static str) -> Result<(), Error> {
    if (lowest..=highest).contains(&value) {
        return Ok(());
    }
    Err(Error::Parameter { family: Family::GradientBoosting, name, value, expected })
}

#[cfg(test)]
mod tests;
