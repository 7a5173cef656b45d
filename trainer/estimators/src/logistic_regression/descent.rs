//! The minimum of the penalised log loss, by burn's gradients and its L-BFGS.
//!
//! Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989, with a strong Wolfe line search. In float64,
//! so that the line search can tell losses apart close to the minimum. Levels are looked up rather than multiplied: the memory needed
//! grows with the number of columns, not of levels.

use burn::module::Param;
use burn::optim::{GradientsParams, LBFGSConfig, LineSearchFn};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::{log_sigmoid, log_softmax};

use super::Params;
use crate::encoding::Encoding;
use crate::family::{Family, OnStep, Step};
use crate::link::n_outputs;
use crate::{Data, Error};

/// Past steps that L-BFGS remembers.
const HISTORY: usize = 20;

/// The line search and the descent end when the loss changes by less than this.
const MIN_CHANGE: f64 = 1e-13;

/// Where the descent ended.
pub(super) struct Minimum {
    /// Row-major `[inputs, outputs]`.
    pub(super) weights: Vec<f32>,
    pub(super) bias: Vec<f32>,
    pub(super) n_evaluations: usize,
    /// Whether the descent ended before the allowed evaluations were used up.
    pub(super) converged: bool,
}

/// Descends from zero weights.
pub(super) fn minimise(params: &Params, encoding: &Encoding, data: &Data, on_step: OnStep) -> Result<Minimum, Error> {
    let device = Device::flex().autodiff();
    let problem = Problem::new(params, encoding, data, &device);
    let (mut n_evaluations, mut is_stopped) = (0, false);
    let evaluate = |linear: Linear| {
        n_evaluations += 1;
        let step = Step { done: n_evaluations.min(params.max_evaluations), total: params.max_evaluations };
        is_stopped = is_stopped || on_step(step).is_break();
        let loss = problem.loss(&linear);
        // A loss without slopes ends the descent.
        let loss = if is_stopped { loss * 0.0 } else { loss };
        let gradients = GradientsParams::from_grads(loss.backward(), &linear);
        (loss.into_scalar::<f64>(), gradients)
    };
    let start = Linear::zeros(encoding.n_inputs(), n_outputs(data.n_classes()), &device);
    let (linear, loss) = optimiser(params).step(1.0, start, evaluate);
    if is_stopped {
        return Err(Error::Stopped);
    }
    if !loss.is_finite() {
        return Err(Error::Diverged { family: Family::LogisticRegression, loss, n_steps: n_evaluations });
    }
    let converged = n_evaluations < params.max_evaluations;
    Ok(Minimum { weights: numbers(&linear.weights), bias: numbers(&linear.bias), n_evaluations, converged })
}

fn optimiser(params: &Params) -> burn::optim::LBFGS {
    LBFGSConfig::new()
        .with_max_iter(params.max_evaluations)
        .with_max_eval(Some(params.max_evaluations))
        .with_history_size(HISTORY)
        .with_tolerance_grad(params.tolerance)
        .with_tolerance_change(MIN_CHANGE)
        .with_line_search_fn(LineSearchFn::StrongWolfe)
        .init()
}

/// What is learned.
#[derive(Module, Debug)]
struct Linear {
    weights: Param<Tensor<2>>,
    bias: Param<Tensor<2>>,
}

impl Linear {
    fn zeros(n_inputs: usize, n_outputs: usize, device: &Device) -> Self {
        let zeros = |rows| Param::from_tensor(Tensor::zeros([rows, n_outputs], (device, DType::F64)));
        Self { weights: zeros(n_inputs), bias: zeros(1) }
    }
}

/// The training rows as tensors.
struct Problem {
    /// `[N, inputs from numeric columns]`, when there are any.
    numbers: Option<Tensor<2>>,
    /// The rows of `[levels + 1, outputs]` to add up, `[N * categorical columns]`, when there are any; the last one is zero.
    levels: Option<Tensor<1, Int>>,
    n_rows: usize,
    n_numbers: usize,
    n_outputs: usize,
    /// `[N, outputs]`: for two classes the weight and the sign of each row, for more the weight at the row's class.
    weights: Tensor<2>,
    signs: Option<Tensor<2>>,
    l2: f64,
}

impl Problem {
    /// The loss is divided by the total weight, so that slopes are comparable whatever the number of rows.
    fn new(params: &Params, encoding: &Encoding, data: &Data, device: &Device) -> Self {
        let total: f64 = data.class_weights().iter().sum();
        let n_outputs = n_outputs(data.n_classes());
        let rows = || (0..data.n_rows()).map(|row| (data.classes()[row] as usize, f64::from(data.weight(row)) / total));
        let one_hot =
            |(class, weight): (usize, f64)| (0..n_outputs).map(move |output| if output == class { weight } else { 0.0 });
        let weights: Vec<f64> = match n_outputs {
            1 => rows().map(|(_, weight)| weight).collect(),
            _ => rows().flat_map(one_hot).collect(),
        };
        let signs = (n_outputs == 1).then(|| rows().map(|(class, _)| if class == 1 { 1.0 } else { -1.0 }).collect());
        Self {
            numbers: numbers_tensor(encoding, data, device),
            levels: levels_tensor(encoding, data, device),
            n_rows: data.n_rows(),
            n_numbers: encoding.n_numbers(),
            n_outputs,
            weights: tensor(weights, n_outputs, device),
            signs: signs.map(|signs| tensor(signs, 1, device)),
            l2: params.l2 / total,
        }
    }

    fn loss(&self, linear: &Linear) -> Tensor<1> {
        let raw = self.raw(linear);
        let log_probabilities = match &self.signs {
            Some(signs) => log_sigmoid(raw * signs.clone()),
            None => log_softmax(raw, 1),
        };
        let penalty = linear.weights.val().powi_scalar(2).sum() * (self.l2 / 2.0);
        penalty - (log_probabilities * self.weights.clone()).sum()
    }

    fn raw(&self, linear: &Linear) -> Tensor<2> {
        let weights = linear.weights.val();
        let mut raw = linear.bias.val().expand([self.n_rows, self.n_outputs]);
        if let Some(numbers) = &self.numbers {
            raw = raw + numbers.clone().matmul(weights.clone().slice(0..self.n_numbers));
        }
        if let Some(levels) = &self.levels {
            let zero = Tensor::zeros([1, self.n_outputs], (&weights.device(), DType::F64));
            let table = Tensor::cat(vec![weights.slice(self.n_numbers..), zero], 0);
            let terms = table.select(0, levels.clone()).reshape([self.n_rows as i64, -1, self.n_outputs as i64]);
            let sums: Tensor<3> = terms.sum_dim(1);
            raw = raw + sums.reshape([self.n_rows, self.n_outputs]);
        }
        raw
    }
}

fn numbers_tensor(encoding: &Encoding, data: &Data, device: &Device) -> Option<Tensor<2>> {
    let width = encoding.n_numbers();
    let values = || data.features().rows().flat_map(|row| encoding.numbers(row).map(f64::from)).collect();
    (width > 0).then(|| tensor(values(), width, device))
}

fn levels_tensor(encoding: &Encoding, data: &Data, device: &Device) -> Option<Tensor<1, Int>> {
    let none = encoding.n_inputs();
    let places = || {
        data.features()
            .rows()
            .flat_map(|row| encoding.levels(row))
            .map(|input| (input.unwrap_or(none) - encoding.n_numbers()) as i64)
    };
    (encoding.n_categorical() > 0).then(|| {
        let places: Vec<i64> = places().collect();
        Tensor::from_data(TensorData::from(places.as_slice()), device)
    })
}

fn tensor(values: Vec<f64>, width: usize, device: &Device) -> Tensor<2> {
    let shape = [values.len() / width, width];
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F64))
}

fn numbers(parameter: &Param<Tensor<2>>) -> Vec<f32> {
    parameter.val().into_data().iter::<f64>().map(|value| value as f32).collect()
}
