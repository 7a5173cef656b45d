//! Why a record gets its probability: what each column adds to the mean over the background's rows.
//!
//! Interventional Shapley values (Lundberg and Lee, 2017; Janzing, Minorics and Blöbaum, 2020): a set of columns is worth the mean of what the
//! model says when these are taken from the record and all others from a row of the background, over its rows; a column's contribution is
//! its share of what all columns together are worth. The contributions add up to what the model says of the record, less the base.
//!
//! Trees and linear models are explained exactly, on the scale on which they add up; other models by their probability, from random orders
//! of the columns, with the error stated.

mod kept;
mod linear;
mod orders;
mod random;
mod steps;
mod trees;
mod weight;

use data_contract::{Background, Record};
use serde::Serialize;

use crate::engine::Engine;
use crate::error::{ExplainError, PredictError};
use crate::lowered::{Body, Link, Member};
use crate::predictor::{Predictor, Scores};
pub(crate) use kept::Kept;

/// What each column adds to a prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The class that is explained: with two the positive one, else the predicted one.
    pub class: String,
    /// What the contributions add up in.
    pub scale: Scale,
    /// The mean over the background's rows, on the scale.
    pub base: f64,
    /// The record's, on the scale: the base and all contributions.
    pub value: f64,
    /// The class's mean probability over the background's rows.
    pub base_probability: f64,
    /// The class's probability, as predicted.
    pub probability: f64,
    /// How the contributions were found.
    pub method: Method,
    /// Of contributions from random orders, the largest standard error; none where they are exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// One for every column, in the contract's order.
    pub contributions: Vec<Contribution>,
}

/// What one column adds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contribution {
    /// Its name.
    pub column: String,
    /// On the scale; below 0 where it lowers the probability.
    pub contribution: f64,
    /// In probability: these add up to the probability, less the base probability. Where the scale is another, each background row's
    /// contributions are stretched to that row's difference in probability. None for log-odds of several classes, which have no such stretch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<f64>,
}

/// What contributions add up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The logarithm of odds before any calibration: with two classes of the explained one, with more of it against the geometric mean of all.
    LogOdds,
    /// The probability before any calibration: the mean of a forest's leaves.
    RawProbability,
    /// The probability.
    Probability,
}

/// How contributions are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exactly, from the paths of trees.
    Trees,
    /// Exactly, as every column adds on its own.
    Linear,
    /// From random orders of the columns, each forwards and backwards.
    Orders,
}

impl Scale {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogOdds => "log-odds",
            Self::RawProbability => "raw-probability",
            Self::Probability => "probability",
        }
    }
}

impl Method {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trees => "trees",
            Self::Linear => "linear",
            Self::Orders => "orders",
        }
    }
}

impl Predictor {
    /// Tells what each column adds to the prediction of a record.
    ///
    /// # Errors
    /// A model that carries no background, a record of another contract, and a graph that fails.
    pub fn explain(&self, record: &Record) -> Result<Explanation, ExplainError> {
        let background = self.background().filter(|background| background.n_rows() > 0).ok_or(ExplainError::NoBackground)?;
        let own = record.features(self.contract());
        let width = self.contract().n_features();
        if own.len() != width {
            return Err(PredictError::Width { expected: width, found: own.len() }.into());
        }
        let scores = self.scores(&own, 1)?;
        let class = if scores.probabilities.len() == 2 { self.contract().target.followed() } else { scores.labels[0] as usize };
        let question = Question { predictor: self, background, own: &own, class };
        let shares = question.answer(f64::from(scores.probabilities[class]))?;
        Ok(shares.named(self, class))
    }
}

/// Which class of which record is explained.
struct Question<'a> {
    predictor: &'a Predictor,
    background: &'a Background,
    own: &'a [f32],
    class: usize,
}

/// The answer, by column numbers.
struct Shares {
    scale: Scale,
    method: Method,
    base: f64,
    value: f64,
    base_probability: f64,
    probability: f64,
    standard_error: Option<f64>,
    /// Whether contributions are known in probability.
    has_points: bool,
    /// On the scale, and in probability.
    contributions: Vec<[f64; 2]>,
}

impl Question<'_> {
    fn answer(&self, probability: f64) -> Result<Shares, PredictError> {
        let exact = match self.predictor.runner() {
            Engine::Lowered(lowered) => match lowered.only() {
                Some(model) => self.additive(model, probability)?,
                None => None,
            },
            #[cfg(feature = "tract")]
            Engine::Tract(_) => None,
        };
        exact.map_or_else(|| orders::explain(self, probability), Ok)
    }

    /// Of a model that adds up: exactly. None for any other, and where its trees would take too long.
    fn additive(&self, model: &Member, probability: f64) -> Result<Option<Shares>, PredictError> {
        let is_linear = matches!(&model.body, Body::Network(network) if network.is_linear());
        if !is_linear && !matches!(&model.body, Body::Trees(_)) {
            return Ok(None);
        }
        let values = self.values_of(model, self.kept().logits(model, self.background));
        let value = self.values(model, self.own)[0];
        let probabilities = self.background_probabilities()?;
        let has_points = model.n_logits() == 1 || model.link == Link::Identity;
        let stretch = |(at, p): (&f64, &f64)| ratio(probability - p, value - at);
        let stretches: Vec<f64> = values.iter().zip(&probabilities).map(stretch).collect();
        let found = match &model.body {
            Body::Trees(trees) => trees::explain(self, model, trees, &stretches),
            _ => Some(linear::explain(self, model, &stretches)),
        };
        Ok(found.map(|contributions| Shares {
            scale: if model.link == Link::Identity { Scale::RawProbability } else { Scale::LogOdds },
            method: if is_linear { Method::Linear } else { Method::Trees },
            base: mean(&values),
            value,
            base_probability: mean(&probabilities),
            probability,
            standard_error: None,
            has_points,
            contributions,
        }))
    }

    fn kept(&self) -> &Kept {
        self.predictor.kept()
    }

    /// What is explained of an additive model, of feature rows.
    fn values(&self, model: &Member, rows: &[f32]) -> Vec<f64> {
        self.values_of(model, &model.logits(rows))
    }

    fn values_of(&self, model: &Member, logits: &[f32]) -> Vec<f64> {
        logits.chunks_exact(model.n_logits()).map(|logits| model.link.value(logits, self.class)).collect()
    }

    /// The class's probability, of feature rows.
    fn probabilities(&self, rows: &[f32]) -> Result<Vec<f64>, PredictError> {
        Ok(self.probabilities_of(&self.predictor.scores(rows, rows.len() / self.own.len())?))
    }

    /// The class's probability, of the background's rows.
    fn background_probabilities(&self) -> Result<Vec<f64>, PredictError> {
        Ok(self.probabilities_of(self.kept().scores(self.predictor, self.background)?))
    }

    fn probabilities_of(&self, scores: &Scores) -> Vec<f64> {
        let n_classes = self.predictor.contract().target.classes.len();
        scores.probabilities.iter().skip(self.class).step_by(n_classes).copied().map(f64::from).collect()
    }
}

impl Link {
    /// What additive models add up, of one class.
    fn value<T: Copy + Into<f64>>(self, logits: &[T], class: usize) -> f64 {
        let logit = |class: usize| -> f64 { logits[class].into() };
        match self {
            Self::Sigmoid | Self::SoftmaxOfOne if class == 0 => -logit(0),
            Self::Sigmoid | Self::SoftmaxOfOne => logit(0),
            Self::Identity => logit(class),
            Self::Softmax | Self::OneAgainstRest => {
                let sum: f64 = (0..logits.len()).map(logit).sum();
                logit(class) - sum / logits.len() as f64
            }
        }
    }
}

impl Shares {
    fn named(self, predictor: &Predictor, class: usize) -> Explanation {
        let names = predictor.contract().columns.iter().map(|column| &column.name);
        let contribution = |(column, [contribution, points]): (&String, [f64; 2])| Contribution {
            column: column.clone(),
            contribution,
            points: self.has_points.then_some(points),
        };
        Explanation {
            class: predictor.contract().target.classes[class].clone(),
            scale: self.scale,
            base: self.base,
            value: self.value,
            base_probability: self.base_probability,
            probability: self.probability,
            method: self.method,
            standard_error: self.standard_error,
            contributions: names.zip(self.contributions).map(contribution).collect(),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// A difference in probability over the one on the scale; 0 where rows are alike.
fn ratio(of: f64, over: f64) -> f64 {
    if over == 0.0 { 0.0 } else { of / over }
}

#[cfg(test)]
pub(crate) mod tests;
