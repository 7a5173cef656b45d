//! Gradient boosted trees.
//!
//! Each round adds a small tree (one per class when there are several) that follows the gradient of the log loss: Friedman, "Greedy
//! function approximation: a gradient boosting machine", 2001. Trees are grown leaf by leaf on histograms, or level by level; see
//! [`Params`] for what keeps them from memorising. Missing values and categories need no preparation. A fit depends on data, parameters
//! and seed alone, not on the number of threads.

mod boosting;
mod combinations;
mod folds;
mod loss;
mod params;
mod watch;

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trainer_onnx::{Link, TreeEnsemble};

use crate::family::{Classifier, Exported, OnStep, Step};
use crate::link::{Scaling, push_probabilities};
use crate::tree::{Node, Tree};
use crate::{Data, Error, Matrix};
use boosting::Boosting;
use combinations::Combinations;
pub use params::Params;
use watch::{Best, Watch};

/// Rows whose raw values are computed together; the processor's cache holds them.
const CHUNK: usize = 512;

/// With fewer training rows than this and no validation rows, the number of rounds is found on all folds, else on one.
const MAX_FOLDED_ROWS: usize = 5000;

/// Keeps the seeds of averaged ensembles apart from those of folds, which follow one another.
const SEED_STEP: u64 = 0x1000_0001;

/// By how much combinations must lower the log loss to be worth their trees.
const LEAST_GAIN: f64 = 0.01;

/// With many training rows, up to so many rounds are taken as they are given.
const GIVEN_ROUNDS: usize = 400;

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

    /// The same with one ensemble and no combinations where nothing says how many.
    pub(crate) fn for_trial(mut self) -> Self {
        self.params.n_models.get_or_insert(1);
        self.params.combinations.get_or_insert(0);
        self
    }

    /// The same for rows to which columns are added; those may go either way.
    pub(crate) fn widened(self, n_columns: usize, n_wider: usize) -> Self {
        Self { params: self.params.widened(n_columns, n_wider), ..self }
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
        let (n_models, rounds) = (self.params.n_models(train.n_rows(), train.n_classes()), self.params.rounds);
        let validation = validation.filter(|_| !self.exact_rounds);
        let tried = self.tried_on_folds(train, validation);
        let n_before = tried.len() * rounds;
        let total = n_before + n_models * rounds;
        let mut of_folds = |step: Step| on_step(Step { total, ..step });
        let (params, found) = match tried[..] {
            [] => (Cow::Borrowed(&self.params), None),
            _ => {
                let (params, found) = best_on_folds(tried, train, seed, &mut of_folds)?;
                (Cow::Owned(params), Some(found.n_rounds))
            }
        };
        let combinations = Combinations::fit(&params, train, seed);
        let mut models = Vec::with_capacity(n_models);
        for number in 0..n_models {
            let done_before = n_before + number * rounds;
            let mut of_all = |step: Step| on_step(Step { done: done_before + step.done, total });
            let params = params.of_ensemble(number, train.n_rows());
            let seed = seed.wrapping_add(number as u64 * SEED_STEP);
            let boosting = Boosting::start(&params, &combinations, train, seed);
            models.push(match validation {
                Some(validation) => fit_watched(boosting, &params, validation, &mut of_all)?,
                None => fit_rounds(boosting, found.unwrap_or(rounds), &mut of_all)?,
            });
        }
        Ok(Fitted::mean(models))
    }

    /// The settings held against each other on folds, for the best number of rounds of each; none where the number is given, or where
    /// validation rows tell it.
    fn tried_on_folds(&self, train: &Data, validation: Option<&Data>) -> Vec<Params> {
        if validation.is_some() || self.exact_rounds {
            return vec![];
        }
        match train.n_rows() < MAX_FOLDED_ROWS {
            true => self.params.with_and_without_combinations(train),
            false if self.params.rounds > GIVEN_ROUNDS => vec![self.params.clone()],
            false => vec![],
        }
    }
}

impl Params {
    /// The same for rows to which columns are added; those may go either way.
    pub(crate) fn widened(mut self, n_columns: usize, n_wider: usize) -> Self {
        if self.monotone.len() == n_columns {
            self.monotone.resize(n_wider, 0);
        }
        self
    }

    /// The same with as many combinations as do better on folds of these rows, where nothing says how many.
    ///
    /// # Errors
    /// Settings out of range, directions that the rows do not allow, and [`Error::Stopped`].
    pub(crate) fn settled(self, train: &Data, seed: u64, on_step: OnStep) -> Result<Self, Error> {
        let weighted = train.without_weightless_rows()?;
        let train = weighted.as_ref().unwrap_or(train);
        let tried = self.with_and_without_combinations(train);
        if train.n_rows() >= MAX_FOLDED_ROWS || tried.len() < 2 {
            return Ok(self);
        }
        self.check_monotone(train)?;
        let total = tried.len() * self.rounds;
        let (params, _) = best_on_folds(tried, train, seed, &mut |step| on_step(Step { total, ..step }))?;
        Ok(params)
    }
}

/// The first settings, or those after them that have a lower log loss on folds by a hundredth at least.
fn best_on_folds(tried: Vec<Params>, train: &Data, seed: u64, on_step: OnStep) -> Result<(Params, folds::Found), Error> {
    let n_folds = if train.n_rows() < MAX_FOLDED_ROWS { folds::N_FOLDS } else { 1 };
    let mut best: Option<(Params, folds::Found)> = None;
    let mut n_before = 0;
    for params in tried {
        let mut of_these = |step: Step| on_step(Step { done: n_before + step.done, ..step });
        let found = folds::find(&params, train, seed, n_folds, &mut of_these)?;
        n_before += params.rounds;
        if best.as_ref().is_none_or(|(_, best)| found.loss < (1.0 - LEAST_GAIN) * best.loss) {
            best = Some((params, found));
        }
    }
    Ok(best.expect("some settings are tried"))
}

fn fit_watched(mut boosting: Boosting, params: &Params, validation: &Data, on_step: OnStep) -> Result<Fitted, Error> {
    let mut watch = Watch::start(validation, &boosting.fitted);
    let mut best = Best::start(watch.see(&boosting.fitted).0);
    for done in 1..=params.rounds {
        boosting.round();
        if on_step(Step { done, total: params.rounds }).is_break() {
            return Err(Error::Stopped);
        }
        best.see(boosting.fitted.rounds.len(), watch.see(&boosting.fitted).0);
        if best.since >= params.patience {
            break;
        }
    }
    boosting.fitted.rounds.truncate(best.n_rounds);
    Ok(boosting.fitted)
}

fn fit_rounds(mut boosting: Boosting, n_rounds: usize, on_step: OnStep) -> Result<Fitted, Error> {
    for done in 1..=n_rounds {
        boosting.round();
        if on_step(Step { done, total: n_rounds }).is_break() {
            return Err(Error::Stopped);
        }
    }
    Ok(boosting.fitted)
}

/// A fitted ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    n_features: usize,
    n_classes: usize,
    /// Raw values before the first tree.
    base: Vec<f32>,
    /// For each combination of columns, one tree per output that looks up its rows' log-odds.
    #[serde(default)]
    combinations: Vec<Vec<Tree>>,
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
            self.raw(rows).chunks_exact(self.base.len()).for_each(|raw| push_probabilities(raw, &mut probabilities));
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
        let rounds = || self.combinations.iter().chain(&self.rounds);
        let constants: Vec<Tree> = if rounds().next().is_none() { vec![Tree::constant(0.0); n_outputs] } else { vec![] };
        let all = constants.iter().chain(rounds().flatten());
        let trees = all.enumerate().map(|(at, tree)| {
            let base = if at < n_outputs { self.base[at] } else { 0.0 };
            tree.to_onnx(|value| place(at % n_outputs, base + value))
        });
        let link = if n_outputs == 1 { Link::Sigmoid } else { Link::Softmax };
        trainer_onnx::Classifier::Trees(TreeEnsemble {
            n_features: self.n_features,
            n_classes: self.n_classes,
            trees: trees.collect(),
            link,
        })
        .into()
    }
}

impl Fitted {
    /// The same with its raw values scaled.
    pub(crate) fn scaled(mut self, scaling: &Scaling) -> Self {
        scaling.apply(leaves(&mut self.combinations).chain(leaves(&mut self.rounds)), &mut self.base);
        self
    }

    /// The ensemble whose raw values are the means of several ensembles' raw values; all have the same base and combinations.
    fn mean(models: Vec<Self>) -> Self {
        let n_models = models.len();
        let mut models = models.into_iter();
        let mut mean = models.next().expect("at least one ensemble is fitted");
        models.for_each(|model| mean.rounds.extend(model.rounds));
        let share = 1.0 / n_models as f32;
        leaves(&mut mean.rounds).for_each(|value| *value *= share);
        Self { n_models, ..mean }
    }

    /// Raw values of rows, `[N, outputs]`: float32 sums in the order of the trees.
    fn raw(&self, rows: &[f32]) -> Vec<f32> {
        let mut raw = self.base.repeat(rows.len() / self.n_features);
        let rounds = self.combinations.iter().chain(&self.rounds);
        rounds.for_each(|round| add_round(round, rows, self.n_features, &mut raw));
        raw
    }
}

/// The values of all leaves.
fn leaves(rounds: &mut [Vec<Tree>]) -> impl Iterator<Item = &mut f32> {
    let nodes = rounds.iter_mut().flatten().flat_map(|tree| &mut tree.nodes);
    nodes.filter_map(|node| if let Node::Leaf(value) = node { Some(value) } else { None })
}

/// Adds a round to the raw values of rows of this width; every tree sees all of them before the next, so that it is fetched once.
fn add_round(round: &[Tree], rows: &[f32], width: usize, raw: &mut [f32]) {
    for (output, tree) in round.iter().enumerate() {
        let sums = raw.iter_mut().skip(output).step_by(round.len());
        rows.chunks_exact(width).zip(sums).for_each(|(row, sum)| *sum += tree.value(row));
    }
}

#[cfg(test)]
mod tests;
