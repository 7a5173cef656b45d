//! Multilayer perceptron, trained by burn.
//!
//! Numbers take part in pieces between knots (Gorishniy, Rubachev and Babenko, "On embeddings for numerical features in tabular deep
//! learning", NeurIPS 2022), every level has an input of its own. The log loss is minimised by Adam with decoupled weight decay (Loshchilov
//! and Hutter, "Decoupled weight decay regularization", ICLR 2019) on a learning rate that falls along a cosine; training stops when rows held
//! out no longer gain, and their best epoch is kept. The log-odds of a few networks from different seeds are averaged.

mod network;
mod training;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trainer_onnx::{Perceptron, Precision};

use crate::encoding::Encoding;
use crate::family::{Classifier, Exported, Family, OnStep};
use crate::link::{Scaling, push_probabilities};
use crate::random::Random;
use crate::{Data, Error, Matrix};
use network::{Float, Network};
use training::train;

const CHUNK: usize = 1024;

/// With fewer rows than this none are held out, and training takes all its epochs.
const MIN_HELD_OUT_ROWS: usize = 100;

/// Networks are averaged until they have seen so many rows together, where nothing else is said.
const AVERAGED_ROWS: usize = 10_000;

/// Networks that are averaged, at least and at most, where nothing else is said.
const MIN_AVERAGED: usize = 2;
const MAX_AVERAGED: usize = 5;

/// Rows on which float32 and float64 are compared, at most.
const COMPARED_ROWS: usize = 2000;

/// A network whose probabilities differ by more than this between the two counts in float64.
const ROUNDING: f32 = 1e-6;

/// Settings of the multilayer perceptron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Units of each hidden layer, first to last.
    pub hidden: Vec<usize>,
    /// Networks whose log-odds are averaged; when absent, 2 to 5, as many as make 10000 rows.
    pub n_networks: Option<usize>,
    /// Inner knots of a numeric column at most; 0 takes numbers as they are, standardised. When absent, 3 to 9, by the square root of the number
    /// of rows.
    pub n_knots: Option<usize>,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Share of a weight, times the learning rate, that each step takes away.
    pub weight_decay: f64,
    /// Rows of a step; when absent, a hundredth of the rows, 16 to 256.
    pub batch_rows: Option<usize>,
    /// Epochs until the learning rate is 0; when absent, 20 to 200, as many as make 3000 steps.
    pub epochs: Option<usize>,
    /// Epochs without a better log loss on rows held out after which training stops.
    pub patience: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            hidden: vec![64, 32],
            n_networks: None,
            n_knots: None,
            learning_rate: 2e-3,
            weight_decay: 0.02,
            batch_rows: None,
            epochs: None,
            patience: 6,
        }
    }
}

impl Params {
    /// Refuses what is out of range.
    pub fn check(self) -> Result<ValidParams, Error> {
        let whole = |name, value: usize, highest, expected| in_range(name, value as f64, 1.0, highest, expected);
        whole("hidden", self.hidden.len(), 8.0, "1 to 8 layers")?;
        self.hidden.iter().try_for_each(|&units| whole("hidden", units, 4096.0, "1 to 4096 units"))?;
        whole("n_networks", self.n_networks.unwrap_or(1), 32.0, "1 to 32")?;
        in_range("n_knots", self.n_knots.unwrap_or(0) as f64, 0.0, 1000.0, "0 to 1000")?;
        in_range("learning_rate", self.learning_rate, f64::MIN_POSITIVE, 1.0, "above 0 and at most 1")?;
        in_range("weight_decay", self.weight_decay, 0.0, 100.0, "0 to 100")?;
        whole("batch_rows", self.batch_rows.unwrap_or(1), 1e6, "1 to 1000000")?;
        whole("epochs", self.epochs.unwrap_or(1), 1e6, "1 to 1000000")?;
        whole("patience", self.patience, f64::MAX, "at least 1")?;
        Ok(ValidParams { params: self, stop_after: None })
    }

    fn n_networks(&self, n_rows: usize) -> usize {
        self.n_networks.unwrap_or_else(|| (AVERAGED_ROWS / n_rows.max(1)).clamp(MIN_AVERAGED, MAX_AVERAGED))
    }

    fn n_knots(&self, n_rows: usize) -> usize {
        self.n_knots.unwrap_or_else(|| ((n_rows as f64).sqrt() / 10.0).round().clamp(3.0, 9.0) as usize)
    }

    fn batch_rows(&self, n_rows: usize) -> usize {
        self.batch_rows.unwrap_or((n_rows / 100).clamp(16, 256)).min(n_rows)
    }

    fn epochs(&self, n_rows: usize) -> usize {
        let steps = n_rows.div_ceil(self.batch_rows(n_rows));
        self.epochs.unwrap_or_else(|| 3000_usize.div_ceil(steps).clamp(20, 200))
    }
}

/// Settings in range.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidParams {
    params: Params,
    /// Epochs after which to stop, whatever rows held out say.
    stop_after: Option<usize>,
}

impl ValidParams {
    /// The same, stopping after this many epochs.
    pub(crate) fn with_steps(self, n_steps: usize) -> Self {
        Self { stop_after: Some(n_steps.max(1)), ..self }
    }

    /// The same with the fewest networks where nothing says how many.
    pub(crate) fn for_trial(mut self) -> Self {
        self.params.n_networks.get_or_insert(MIN_AVERAGED);
        self
    }

    /// Fits on the training rows; without validation rows, a tenth of them is held out to tell when to stop. A step is an epoch.
    pub fn fit(&self, train_rows: &Data, validation: Option<&Data>, seed: u64, on_step: OnStep) -> Result<Fitted, Error> {
        if validation.is_some_and(|validation| !train_rows.matches(validation)) {
            return Err(Error::ValidationMismatch);
        }
        let weighted = train_rows.without_weightless_rows()?;
        let train_rows = weighted.as_ref().unwrap_or(train_rows);
        let parts = match (self.stop_after, validation) {
            (None, None) if train_rows.n_rows() >= MIN_HELD_OUT_ROWS => hold_out(train_rows, seed),
            _ => None,
        };
        let (fitting, watched) = match &parts {
            Some((fitting, held_out)) => (fitting, Some(held_out)),
            None => (train_rows, validation.filter(|_| self.stop_after.is_none())),
        };
        let encoding = Encoding::fit(fitting, self.params.n_knots(fitting.n_rows()));
        let trained = train(&self.params, self.stop_after, &encoding, fitting, watched, seed, on_step)?;
        let share = 1.0 / trained.len() as f32;
        let n_epochs = trained.iter().map(|(_, epochs)| *epochs).max().unwrap_or(0);
        let networks = trained.into_iter().map(|(network, _)| network.times(share)).collect();
        let (n_features, n_classes) = (fitting.features().n_features(), fitting.n_classes());
        let fitted = Fitted { n_features, n_classes, encoding, networks, is_double: false, n_epochs };
        Ok(fitted.in_precision_for(fitting.features()))
    }
}

/// A tenth of the rows, drawn by the seed; none when the rest would lose a class.
fn hold_out(data: &Data, seed: u64) -> Option<(Data, Data)> {
    let mut random = Random::new(seed ^ 0xA11);
    let (held_out, rest): (Vec<usize>, Vec<usize>) = (0..data.n_rows()).partition(|_| random.unit() < 0.1);
    Some((data.select(&rest).ok()?, data.select(&held_out).ok()?))
}

/// A fitted perceptron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    n_features: usize,
    n_classes: usize,
    encoding: Encoding,
    /// Their logits are added up.
    networks: Vec<Network>,
    /// Whether they count in float64.
    #[serde(default)]
    is_double: bool,
    n_epochs: usize,
}

impl Fitted {
    /// Chooses float64 where the order of a sum would show in the probabilities of these rows.
    fn in_precision_for(mut self, features: &Matrix) -> Self {
        let step = features.n_rows().div_ceil(COMPARED_ROWS).max(1);
        let rows = features.select(&(0..features.n_rows()).step_by(step).collect::<Vec<_>>());
        let single = self.probabilities(&rows);
        self.is_double = true;
        let double = self.probabilities(&rows);
        let mut pairs = single.values().iter().zip(double.values());
        self.is_double = pairs.any(|(single, double)| (single - double).abs() > ROUNDING);
        self
    }

    /// The same with its logits scaled.
    pub(crate) fn scaled(mut self, scaling: &Scaling) -> Self {
        self.networks = self.networks.into_iter().map(|network| network.times(scaling.slope)).collect();
        // Logits are added up, so one network brings the bias.
        self.networks[0].move_by(&scaling.bias);
        self
    }

    /// The logits of a row, of all networks together.
    fn logits(&self, row: &[f32]) -> Vec<f32> {
        let inputs: Vec<(usize, f32)> = self.encoding.inputs(row).collect();
        if self.is_double {
            self.sum::<f64>(&inputs).iter().map(|logit| *logit as f32).collect()
        } else {
            self.sum::<f32>(&inputs)
        }
    }

    fn sum<T: Float>(&self, inputs: &[(usize, f32)]) -> Vec<T> {
        let mut networks = self.networks.iter();
        let mut sum = networks.next().map_or(vec![], |network| network.logits::<T>(inputs));
        for network in networks {
            sum.iter_mut().zip(network.logits::<T>(inputs)).for_each(|(sum, logit)| *sum += logit);
        }
        sum
    }
}

impl Classifier for Fitted {
    fn probabilities(&self, features: &Matrix) -> Matrix {
        assert_eq!(features.n_features(), self.n_features, "rows of the width the model was fitted on");
        let chunks = features.values().par_chunks(CHUNK * self.n_features).map(|rows| {
            let mut probabilities = Vec::new();
            for row in rows.chunks_exact(self.n_features) {
                push_probabilities(&self.logits(row), &mut probabilities);
            }
            probabilities
        });
        let values = chunks.collect::<Vec<_>>().concat();
        Matrix::new(features.n_rows(), self.n_classes, values).expect("one finite probability per row and class")
    }

    fn n_steps(&self) -> usize {
        self.n_epochs
    }

    fn converged(&self) -> bool {
        true
    }

    fn to_onnx(&self) -> Exported {
        trainer_onnx::Classifier::Perceptron(Perceptron {
            n_features: self.n_features,
            n_classes: self.n_classes,
            inputs: self.encoding.to_onnx(),
            networks: self.networks.iter().map(Network::to_onnx).collect(),
            precision: if self.is_double { Precision::Double } else { Precision::Single },
        })
        .into()
    }
}

fn in_range(name: &'static str, value: f64, lowest: f64, highest: f64, expected: &'static str) -> Result<(), Error> {
    if (lowest..=highest).contains(&value) {
        return Ok(());
    }
    Err(Error::Parameter { family: Family::MultilayerPerceptron, name, value, expected })
}

#[cfg(test)]
mod tests;
