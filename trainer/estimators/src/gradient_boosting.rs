//! Gradient boosted trees.
//!
//! Each round adds a small tree (one per class when there are several) that follows the gradient of the log loss: Friedman, "Greedy
//! function approximation: a gradient boosting machine", 2001. Trees are grown leaf by leaf on histograms; see [`Params`] for what keeps
//! them from memorising. Missing values and categories need no preparation. A fit depends on data, parameters and seed alone, not on the
//! number of threads.

mod boosting;
mod folds;
mod loss;
mod watch;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trainer_onnx::{Link, TreeEnsemble};

use crate::family::{Classifier, Exported, Family, OnStep, Step};
use crate::link::{Scaling, push_probabilities};
use crate::matrix::check_length;
use crate::tree::binning::N_BINS;
use crate::tree::grow::GrowParams;
use crate::tree::split::SplitParams;
use crate::tree::{Node, Tree};
use crate::{Data, Error, FeatureKind, Matrix};
use boosting::Boosting;
use watch::{Best, Watch};

/// Rows whose raw values are computed together.
const CHUNK: usize = 4096;

/// With fewer training rows than this and no validation rows, the number of rounds is found on all folds, else on one.
const MAX_FOLDED_ROWS: usize = 5000;

/// From this many rows on, what depends on the number of rows has its full size.
const MANY_ROWS: f64 = 30_000.0;

/// Up to this many rows, what many rows make needless has its full size; each as many again add 1 to the penalty on leaf values.
const FEW_ROWS: f64 = 3_000.0;

/// The penalty on squared leaf values of many rows: what they tell may not hold tomorrow.
const MAX_L2: f64 = 6.0;

/// Keeps the seeds of averaged ensembles apart from those of folds, which follow one another.
const SEED_STEP: u64 = 0x1000_0001;

/// With many training rows, up to so many rounds are taken as they are given.
const GIVEN_ROUNDS: usize = 400;

/// Settings of gradient boosting. The defaults lean towards small steps and strong regularisation, which also helps when rows drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Rounds at most. Without validation rows, a fit finds out on rows held out how many are best, and takes as many on all: on five folds
    /// of fewer than 5000 rows, on one of more. Up to 400 rounds on 5000 rows or more are taken as they are given.
    pub rounds: usize,
    /// Rounds without a better log loss on rows held out after which fitting stops.
    pub patience: usize,
    /// Ensembles from different seeds whose log-odds are averaged: samples of rows and columns then weigh less.
    pub n_models: usize,
    /// What a leaf's step is multiplied by, in `(0, 1]`.
    pub learning_rate: f64,
    /// Leaves of a tree at most.
    pub max_leaves: usize,
    /// Questions from root to leaf at most.
    pub max_depth: usize,
    /// Rows of a leaf at least; when absent, up to 40, by the square root of the number of rows.
    pub min_leaf_rows: Option<usize>,
    /// Penalty on squared leaf values; when absent, a 3000th of the number of rows, up to 6.
    pub l2: Option<f64>,
    /// Share of the rows that each round sees, in `(0, 1]`.
    pub row_share: f64,
    /// Share of the columns that each tree sees, in `(0, 1]`.
    pub column_share: f64,
    /// Standard deviation of the noise on the gain of each column's best question, in units of what a question about nothing gains on average:
    /// columns that only chance sets apart take turns. When absent, 4 up to 3000 rows, and less by the square root of the number of rows.
    /// It fades once the steps of all rounds so far come near the logarithm of the number of rows, as in CatBoost: what few rows tell is then
    /// left to be learned.
    pub random_strength: Option<f64>,
    /// Bins of a numeric column at most, beside the one for missing values; 2 to 255.
    pub max_bins: usize,
    /// Rows of average gradient given to each level before levels are compared; rarer levels are left out of sets. When absent, up to 50, by
    /// the square root of the number of rows.
    pub category_smoothing: Option<f64>,
    /// Further penalty on leaf values below a question about levels.
    pub category_l2: f64,
    /// Rows by which a set of levels grows at least from one candidate to the next; when absent, up to 100, by the square root of the number
    /// of rows.
    pub category_group_rows: Option<usize>,
    /// For each column, whether the probability of class 1 must not fall (1) or not rise (-1) as the column's value rises, or may do either
    /// (0); empty when no column has a direction. Only numeric columns have one, and only with two classes. A missing value is neither
    /// low nor high.
    pub monotone: Vec<i8>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rounds: 1000,
            patience: 50,
            n_models: 1,
            learning_rate: 0.04,
            max_leaves: 15,
            max_depth: 64,
            min_leaf_rows: None,
            l2: None,
            row_share: 0.8,
            column_share: 0.5,
            random_strength: None,
            max_bins: 255,
            category_smoothing: None,
            category_l2: 5.0,
            category_group_rows: None,
            monotone: vec![],
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
        whole("n_models", self.n_models, 1.0, 32.0, "1 to 32")?;
        whole("max_leaves", self.max_leaves, 2.0, 65536.0, "2 to 65536")?;
        whole("max_depth", self.max_depth, 1.0, f64::MAX, "at least 1")?;
        whole("min_leaf_rows", self.min_leaf_rows.unwrap_or(1), 1.0, 1e9, "1 to 1000000000")?;
        whole("max_bins", self.max_bins, 2.0, (N_BINS - 1) as f64, "2 to 255")?;
        share("learning_rate", self.learning_rate)?;
        share("row_share", self.row_share)?;
        share("column_share", self.column_share)?;
        penalty("l2", self.l2.unwrap_or(0.0))?;
        penalty("random_strength", self.random_strength.unwrap_or(0.0))?;
        penalty("category_smoothing", self.category_smoothing.unwrap_or(0.0))?;
        penalty("category_l2", self.category_l2)?;
        let directions = self.monotone.iter().map(|&direction| f64::from(direction));
        directions.into_iter().try_for_each(|direction| in_range("monotone", direction, -1.0, 1.0, "1, -1 or 0"))?;
        Ok(ValidParams { params: self, exact_rounds: false })
    }

    /// What limits the trees of a round after so many.
    fn grow_params(&self, n_rows: usize, n_before: usize) -> GrowParams<'_> {
        let rows = |most: f64| (most * by_rows(n_rows)).round().max(2.0) as usize;
        GrowParams {
            max_leaves: self.max_leaves,
            max_depth: self.max_depth,
            random_strength: self.random_strength(n_rows) * self.left(n_rows, n_before),
            split: SplitParams {
                l2: self.l2(n_rows),
                min_leaf_rows: self.min_leaf_rows.unwrap_or_else(|| rows(40.0)),
                category_smoothing: self.category_smoothing.unwrap_or_else(|| 50.0 * by_rows(n_rows)),
                category_l2: self.category_l2,
                min_group_rows: self.category_group_rows.unwrap_or_else(|| rows(100.0)),
                monotone: if self.has_directions() { &self.monotone } else { &[] },
            },
        }
    }

    fn random_strength(&self, n_rows: usize) -> f64 {
        self.random_strength.unwrap_or_else(|| 4.0 * (FEW_ROWS / n_rows as f64).sqrt().min(1.0))
    }

    /// How much of the noise is left after so many rounds: of n rows and steps of s in all, x / (1 + x) where x = n exp(-s).
    fn left(&self, n_rows: usize, n_before: usize) -> f64 {
        let left = n_rows as f64 * (-self.learning_rate * n_before as f64).exp();
        left / (1.0 + left)
    }

    fn l2(&self, n_rows: usize) -> f64 {
        self.l2.unwrap_or_else(|| (n_rows as f64 / FEW_ROWS).min(MAX_L2))
    }

    fn has_directions(&self) -> bool {
        self.monotone.iter().any(|&direction| direction != 0)
    }

    /// Refuses directions that these rows do not allow.
    fn check_monotone(&self, data: &Data) -> Result<(), Error> {
        if !self.has_directions() {
            return Ok(());
        }
        check_length("monotone directions", data.kinds().len(), self.monotone.len())?;
        for (column, _) in self.monotone.iter().enumerate().filter(|(_, direction)| **direction != 0) {
            if matches!(data.kinds()[column], FeatureKind::Categorical { .. }) {
                return Err(Error::Monotone { column, reason: "its levels have no order" });
            }
            if data.n_classes() != 2 {
                return Err(Error::Monotone { column, reason: "there are more than two classes" });
            }
        }
        Ok(())
    }
}

/// The share of what many rows call for.
fn by_rows(n_rows: usize) -> f64 {
    (n_rows as f64 / MANY_ROWS).sqrt().min(1.0)
}

/// Settings in range.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidParams {
    params: Params,
    /// Whether the fit takes all its rounds.
    exact_rounds: bool,
}

impl ValidParams {
    /// The same with exactly this many rounds.
    pub(crate) fn with_steps(self, n_steps: usize) -> Self {
        Self { params: Params { rounds: n_steps.max(1), ..self.params }, exact_rounds: true }
    }

    /// The same for rows to which columns are added; those may go either way.
    pub(crate) fn widened(mut self, n_columns: usize, n_wider: usize) -> Self {
        if self.params.monotone.len() == n_columns {
            self.params.monotone.resize(n_wider, 0);
        }
        self
    }

    /// Fits on the training rows; with validation rows, keeps the rounds up to the lowest log loss on them, and without them, as many rounds
    /// as were best on folds of few training rows.
    pub fn fit(&self, train: &Data, validation: Option<&Data>, seed: u64, on_step: OnStep) -> Result<Fitted, Error> {
        if validation.is_some_and(|validation| !train.matches(validation)) {
            return Err(Error::ValidationMismatch);
        }
        self.params.check_monotone(train)?;
        let weighted = train.without_weightless_rows()?;
        let train = weighted.as_ref().unwrap_or(train);
        let n_models = self.params.n_models;
        let mut models = Vec::with_capacity(n_models);
        for number in 0..n_models {
            let mut of_all = |step: Step| on_step(Step { done: number * step.total + step.done, total: n_models * step.total });
            models.push(self.fit_one(train, validation, seed.wrapping_add(number as u64 * SEED_STEP), &mut of_all)?);
        }
        Ok(Fitted::mean(models))
    }

    fn fit_one(&self, train: &Data, validation: Option<&Data>, seed: u64, on_step: OnStep) -> Result<Fitted, Error> {
        match validation {
            _ if self.exact_rounds => self.fit_rounds(train, seed, self.params.rounds, 0, on_step),
            Some(validation) => self.fit_watched(train, validation, seed, on_step),
            None if train.n_rows() < MAX_FOLDED_ROWS => self.fit_folded(train, seed, folds::N_FOLDS, on_step),
            None if self.params.rounds > GIVEN_ROUNDS => self.fit_folded(train, seed, 1, on_step),
            None => self.fit_rounds(train, seed, self.params.rounds, 0, on_step),
        }
    }

    fn fit_watched(&self, train: &Data, validation: &Data, seed: u64, on_step: OnStep) -> Result<Fitted, Error> {
        let mut boosting = Boosting::start(&self.params, train, seed);
        let mut watch = Watch::start(validation, &boosting.fitted);
        let mut best = Best::start(watch.see(&boosting.fitted).0);
        for done in 1..=self.params.rounds {
            boosting.round();
            if on_step(Step { done, total: self.params.rounds }).is_break() {
                return Err(Error::Stopped);
            }
            best.see(boosting.fitted.rounds.len(), watch.see(&boosting.fitted).0);
            if best.since >= self.params.patience {
                break;
            }
        }
        boosting.fitted.rounds.truncate(best.n_rounds);
        Ok(boosting.fitted)
    }

    fn fit_folded(&self, train: &Data, seed: u64, n_folds: usize, on_step: OnStep) -> Result<Fitted, Error> {
        let n_rounds = folds::n_rounds(&self.params, train, seed, n_folds, on_step)?;
        self.fit_rounds(train, seed, n_rounds, self.params.rounds, on_step)
    }

    /// Fits so many rounds, after so many steps.
    fn fit_rounds(&self, train: &Data, seed: u64, n_rounds: usize, n_before: usize, on_step: OnStep) -> Result<Fitted, Error> {
        let mut boosting = Boosting::start(&self.params, train, seed);
        for done in 1..=n_rounds {
            boosting.round();
            if on_step(Step { done: n_before + done, total: n_before + self.params.rounds }).is_break() {
                return Err(Error::Stopped);
            }
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
    /// Ensembles that the rounds are from, one after the other.
    n_models: usize,
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

    /// Rounds kept, of one ensemble where several are averaged.
    fn n_steps(&self) -> usize {
        self.rounds.len().div_ceil(self.n_models)
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
    /// The same with its raw values scaled.
    pub(crate) fn scaled(mut self, scaling: &Scaling) -> Self {
        scaling.apply(leaves(&mut self.rounds), &mut self.base);
        self
    }

    /// The ensemble whose raw values are the means of several ensembles' raw values; all have the same base.
    fn mean(models: Vec<Self>) -> Self {
        let n_models = models.len();
        let mut models = models.into_iter();
        let mut mean = models.next().expect("at least one ensemble is fitted");
        models.for_each(|model| mean.rounds.extend(model.rounds));
        let share = 1.0 / n_models as f32;
        leaves(&mut mean.rounds).for_each(|value| *value *= share);
        Self { n_models, ..mean }
    }

    /// Raw values of a row: float32 sums in the order of the trees.
    fn raw(&self, row: &[f32]) -> Vec<f32> {
        let mut raw = self.base.clone();
        for round in &self.rounds {
            add_round(round, row, &mut raw);
        }
        raw
    }
}

/// The values of all leaves.
fn leaves(rounds: &mut [Vec<Tree>]) -> impl Iterator<Item = &mut f32> {
    let nodes = rounds.iter_mut().flatten().flat_map(|tree| &mut tree.nodes);
    nodes.filter_map(|node| if let Node::Leaf(value) = node { Some(value) } else { None })
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
