//! Logistic regression: a weighted sum of the columns, through a sigmoid (two classes) or a softmax (more).
//!
//! Missing numbers become the training median, numbers are standardised, and every level has a weight of its own; an unseen level has
//! none. A number takes part as a function of straight lines between knots ([`Params::n_knots`]), which bends as far as the rows are worth it
//! ([`Params::bend`]), and where training values are missing, being missing has a weight, too. The weights minimise the log loss plus `l2 / 2` times their squares plus `l1` times their absolute values
//! (the elastic net: Zou and Hastie, "Regularization and variable selection via the elastic net", 2005), the bias being free; without knots
//! this is scikit-learn's objective with `C = 1 / (l1 + l2)` and an `l1_ratio` of `l1 / (l1 + l2)`. It is convex, so there is one answer and
//! no seed.

mod curvature;
mod descent;
mod objective;
mod penalty;
mod places;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trainer_onnx::LinearClassifier;

use crate::encoding::Encoding;
use crate::family::{Classifier, Exported, Family, OnStep, Step};
use crate::link::{Scaling, n_outputs, push_probabilities};
use crate::{Data, Error, Matrix};
use descent::{Goal, minimise};
use objective::Objective;

/// Rows whose probabilities are computed together.
const CHUNK: usize = 4096;

/// Knots of a column at most.
const MAX_KNOTS: usize = 1000;

/// Settings of logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Inner knots of a numeric column at most, at distinct training values; each piece between two knots has a weight of its own,
    /// and beyond the outermost training values nothing changes. 0 is the plain form: one weight per number, none for being missing.
    pub n_knots: usize,
    /// Penalty on squared weights, above 0. A piece's weight is what the log-odds change from its one end to the other.
    pub l2: f64,
    /// How many times as much it costs the pieces of a number to depart from a straight line as to follow it, above 0; the line costs what the
    /// one weight of the plain form does. When absent, each piece's weight costs `l2`, whatever the others are.
    pub bend: Option<f64>,
    /// Penalty on absolute weights, at least 0; above it, weights that matter little are exactly 0. With it, `l2` may be 0.
    pub l1: f64,
    /// Evaluations of the loss at most.
    pub max_evaluations: usize,
    /// Fitting ends when no slope of the mean loss is steeper than this.
    pub tolerance: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { n_knots: 20, l2: 2.0, bend: Some(5.0), l1: 0.0, max_evaluations: 500, tolerance: 1e-6 }
    }
}

impl Params {
    /// Refuses what is out of range.
    pub fn check(self) -> Result<ValidParams, Error> {
        let above_zero = |name, value: f64| match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(refused(name, value, "a number above 0")),
        };
        if self.n_knots > MAX_KNOTS {
            return Err(refused("n_knots", self.n_knots as f64, "0 to 1000"));
        }
        if !(self.l1 >= 0.0 && self.l1.is_finite()) {
            return Err(refused("l1", self.l1, "a number of at least 0"));
        }
        if !(self.l1 > 0.0 && self.l2 == 0.0) {
            above_zero("l2", self.l2)?;
        }
        self.bend.map_or(Ok(()), |bend| above_zero("bend", bend))?;
        above_zero("tolerance", self.tolerance)?;
        if self.max_evaluations < 2 {
            return Err(refused("max_evaluations", self.max_evaluations as f64, "at least 2"));
        }
        Ok(ValidParams(self))
    }
}

/// Settings in range.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidParams(Params);

impl ValidParams {
    /// Fits on the training rows; a step is one evaluation of the loss.
    pub fn fit(&self, train: &Data, on_step: OnStep) -> Result<Fitted, Error> {
        let weighted = train.without_weightless_rows()?;
        let train = weighted.as_ref().unwrap_or(train);
        let encoding = Encoding::fit(train, self.0.n_knots);
        let (unknowns, n_evaluations) = self.minimise(&Objective::new(self.0.l2, self.0.bend, &encoding, train), on_step)?;
        let unknowns: Vec<f32> = unknowns.into_iter().map(|value| value as f32).collect();
        let (weights, bias) = unknowns.split_at(encoding.n_inputs() * n_outputs(train.n_classes()));
        Ok(Fitted {
            n_features: train.features().n_features(),
            n_classes: train.n_classes(),
            weights: weights.to_vec(),
            bias: bias.to_vec(),
            encoding,
            n_evaluations,
            converged: n_evaluations < self.0.max_evaluations,
        })
    }

    /// The weights and biases at the minimum, and the evaluations they took.
    fn minimise(&self, objective: &Objective, on_step: OnStep) -> Result<(Vec<f64>, usize), Error> {
        let (mut n_evaluations, total) = (0, self.0.max_evaluations);
        let n_penalised = objective.n_weights();
        let curvature = objective.curvature();
        let goal = Goal { l1: objective.share(self.0.l1), n_penalised, tolerance: self.0.tolerance, curvature };
        let minimum = minimise(&goal, objective.n_unknowns(), &mut |unknowns| {
            if n_evaluations == total {
                return Ok(None);
            }
            n_evaluations += 1;
            match on_step(Step { done: n_evaluations, total }).is_break() {
                true => Err(Error::Stopped),
                false => Ok(Some(objective.at(unknowns))),
            }
        })?;
        match minimum.value.is_finite() {
            true => Ok((minimum.unknowns, n_evaluations)),
            false => Err(Error::Diverged { family: Family::LogisticRegression, loss: minimum.value, n_steps: n_evaluations }),
        }
    }
}

/// A fitted linear classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    n_features: usize,
    n_classes: usize,
    encoding: Encoding,
    /// Row-major `[inputs, outputs]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    n_evaluations: usize,
    converged: bool,
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

    /// Evaluations of the loss.
    fn n_steps(&self) -> usize {
        self.n_evaluations
    }

    /// Whether fitting ended at the minimum: the tolerance was reached, or no step lowers the loss in float64. False when the allowed
    /// evaluations were used up before; more of them, or a larger penalty, then give a better fit.
    fn converged(&self) -> bool {
        self.converged
    }

    /// The encoding and the weights as plain numbers.
    fn to_onnx(&self) -> Exported {
        trainer_onnx::Classifier::Linear(LinearClassifier {
            n_features: self.n_features,
            n_classes: self.n_classes,
            inputs: self.encoding.to_onnx(),
            weights: self.weights.clone(),
            bias: self.bias.clone(),
        })
        .into()
    }
}

impl Fitted {
    /// The same with its raw values scaled.
    pub(crate) fn scaled(mut self, scaling: &Scaling) -> Self {
        scaling.apply(&mut self.weights, &mut self.bias);
        self
    }

    /// One log-odds for two classes, one raw value per class for more.
    fn raw(&self, row: &[f32]) -> Vec<f32> {
        let mut raw = self.bias.clone();
        for (input, value) in self.encoding.inputs(row) {
            let weights = &self.weights[input * raw.len()..];
            raw.iter_mut().zip(weights).for_each(|(raw, weight)| *raw += weight * value);
        }
        raw
    }
}

fn refused(name: &'static str, value: f64, expected: &'static str) -> Error {
    Error::Parameter { family: Family::LogisticRegression, name, value, expected }
}

#[cfg(test)]
mod tests;
