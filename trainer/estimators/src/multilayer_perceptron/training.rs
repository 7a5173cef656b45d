//! Training networks with burn.

use burn::module::Param;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn::tensor::activation::{log_sigmoid, log_softmax, relu};

use super::Params;
use super::network::{Layer, Network};
use crate::encoding::Encoding;
use crate::family::{Family, OnStep, Step};
use crate::link::{n_outputs, push_probabilities};
use crate::random::Random;
use crate::{Data, Error};

/// Inputs of all rows are kept when they are no more than this many numbers; else each step computes its own.
const MAX_KEPT: usize = 200_000_000;

/// Rows held out that are looked at, evenly spaced.
const WATCHED_ROWS: usize = 20_000;

/// Share of the steps over which the learning rate rises.
const WARM_UP: f64 = 0.05;

/// Trains the networks one after the other; gives each with the epoch it is from.
pub(super) fn train(
    params: &Params,
    stop_after: Option<usize>,
    encoding: &Encoding,
    data: &Data,
    held_out: Option<&Data>,
    seed: u64,
    on_step: OnStep,
) -> Result<Vec<(Network, usize)>, Error> {
    let rows = Rows::new(encoding, data);
    let watch = held_out.map(|held_out| Watch::new(encoding, held_out));
    let epochs = params.epochs(data.n_rows());
    let last = stop_after.unwrap_or(epochs);
    let n_networks = params.n_networks(data.n_rows());
    let total = last * n_networks;
    let mut networks = Vec::with_capacity(n_networks);
    for number in 0..n_networks {
        let mut run = Run::start(params, &rows, epochs, Random::of_part(seed, number));
        let mut best: Option<(f64, Network, usize)> = None;
        for epoch in 1..=last {
            run.epoch();
            let network = run.model.network();
            let loss = watch.as_ref().map_or(-(epoch as f64), |watch| watch.log_loss(&network));
            if network.is_finite() && best.as_ref().is_none_or(|best| loss < best.0) {
                best = Some((loss, network, epoch));
            }
            if on_step(Step { done: number * last + epoch, total }).is_break() {
                return Err(Error::Stopped);
            }
            if best.as_ref().is_some_and(|best| epoch - best.2 >= params.patience) {
                break;
            }
        }
        let diverged = Error::Diverged { family: Family::MultilayerPerceptron, loss: f64::NAN, n_steps: last };
        let (_, network, epoch) = best.ok_or(diverged)?;
        networks.push((network, epoch));
    }
    Ok(networks)
}

/// The rows to learn from.
struct Rows<'a> {
    encoding: &'a Encoding,
    data: &'a Data,
    width: usize,
    kept: Option<Vec<f32>>,
    mean_weight: f64,
}

impl<'a> Rows<'a> {
    fn new(encoding: &'a Encoding, data: &'a Data) -> Self {
        let width = encoding.n_inputs();
        let mean_weight = data.class_weights().iter().sum::<f64>() / data.n_rows() as f64;
        let mut rows = Self { encoding, data, width, kept: None, mean_weight };
        if data.n_rows() * width <= MAX_KEPT {
            let all: Vec<usize> = (0..data.n_rows()).collect();
            rows.kept = Some(rows.inputs(&all));
        }
        rows
    }

    /// Row-major `[rows, inputs]`.
    fn inputs(&self, rows: &[usize]) -> Vec<f32> {
        if let Some(kept) = &self.kept {
            return rows.iter().flat_map(|&row| &kept[row * self.width..][..self.width]).copied().collect();
        }
        let mut inputs = vec![0.0; rows.len() * self.width];
        for (place, &row) in inputs.chunks_exact_mut(self.width).zip(rows) {
            self.encoding.inputs(self.data.features().row(row)).for_each(|(at, value)| place[at] = value);
        }
        inputs
    }

    /// What multiplies the log-probabilities of each row, `[rows, outputs]`; for two classes, also the sign of each row.
    fn targets(&self, rows: &[usize]) -> (Vec<f32>, Option<Vec<f32>>) {
        let n_outputs = n_outputs(self.data.n_classes());
        let weight = |row: usize| (f64::from(self.data.weight(row)) / self.mean_weight / rows.len() as f64) as f32;
        if n_outputs == 1 {
            let sign = |&row: &usize| if self.data.classes()[row] == 1 { 1.0 } else { -1.0 };
            return (rows.iter().map(|&row| weight(row)).collect(), Some(rows.iter().map(sign).collect()));
        }
        let mut weights = vec![0.0; rows.len() * n_outputs];
        for (place, &row) in weights.chunks_exact_mut(n_outputs).zip(rows) {
            place[self.data.classes()[row] as usize] = weight(row);
        }
        (weights, None)
    }
}

/// A network while it learns.
#[derive(Module, Debug)]
struct Model {
    weights: Vec<Param<Tensor<2>>>,
    biases: Vec<Param<Tensor<2>>>,
}

impl Model {
    /// Weights as in He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, uniform; biases 0.
    fn new(widths: &[usize], random: &mut Random, device: &Device) -> Self {
        let layer = |pair: &[usize]| {
            let limit = (6.0 / pair[0] as f64).sqrt();
            let values: Vec<f32> = (0..pair[0] * pair[1]).map(|_| ((2.0 * random.unit() - 1.0) * limit) as f32).collect();
            Param::from_tensor(tensor(values, pair[1], device))
        };
        let bias = |&width: &usize| Param::from_tensor(tensor(vec![0.0; width], width, device));
        Self { weights: widths.windows(2).map(layer).collect(), biases: widths[1..].iter().map(bias).collect() }
    }

    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let mut values = inputs;
        for (at, (weights, bias)) in self.weights.iter().zip(&self.biases).enumerate() {
            values = values.matmul(weights.val()) + bias.val();
            if at + 1 < self.weights.len() {
                values = relu(values);
            }
        }
        values
    }

    fn network(&self) -> Network {
        let numbers = |param: &Param<Tensor<2>>| param.val().into_data().iter::<f32>().collect();
        let layer = |(weights, bias)| Layer { weights: numbers(weights), bias: numbers(bias) };
        Network { layers: self.weights.iter().zip(&self.biases).map(layer).collect() }
    }
}

/// The training of one network.
struct Run<'a> {
    params: &'a Params,
    rows: &'a Rows<'a>,
    model: Model,
    optimiser: ModuleOptimizer,
    random: Random,
    order: Vec<usize>,
    device: Device,
    n_steps: usize,
    n_steps_in_all: usize,
}

impl<'a> Run<'a> {
    fn start(params: &'a Params, rows: &'a Rows<'a>, epochs: usize, mut random: Random) -> Self {
        let device = Device::flex().autodiff();
        let n_rows = rows.data.n_rows();
        let widths = [&[rows.width], &params.hidden[..], &[n_outputs(rows.data.n_classes())]].concat();
        Self {
            params,
            rows,
            model: Model::new(&widths, &mut random, &device),
            optimiser: AdamWConfig::new().with_weight_decay(params.weight_decay as f32).init(),
            random,
            order: (0..n_rows).collect(),
            device,
            n_steps: 0,
            n_steps_in_all: epochs * n_rows.div_ceil(params.batch_rows(n_rows)),
        }
    }

    /// One pass over the rows in a new order.
    fn epoch(&mut self) {
        for last in (1..self.order.len()).rev() {
            let other = self.random.below(last + 1);
            self.order.swap(last, other);
        }
        let order = std::mem::take(&mut self.order);
        order.chunks(self.params.batch_rows(order.len())).for_each(|batch| self.step(batch));
        self.order = order;
    }

    fn step(&mut self, batch: &[usize]) {
        let raw = self.model.forward(tensor(self.rows.inputs(batch), self.rows.width, &self.device));
        let (weights, signs) = self.rows.targets(batch);
        let n_outputs = weights.len() / batch.len();
        let log_probabilities = match signs {
            Some(signs) => log_sigmoid(raw * tensor(signs, 1, &self.device)),
            None => log_softmax(raw, 1),
        };
        let loss = (log_probabilities * tensor(weights, n_outputs, &self.device)).sum().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        self.model = self.optimiser.step(self.learning_rate(), self.model.clone(), gradients);
        self.n_steps += 1;
    }

    /// Rises at first, then falls along a cosine to a hundredth.
    fn learning_rate(&self) -> f64 {
        let done = self.n_steps as f64 / self.n_steps_in_all as f64;
        let share = match done < WARM_UP {
            true => (done + 1.0 / self.n_steps_in_all as f64) / WARM_UP,
            false => 0.5 * (1.0 + (std::f64::consts::PI * ((done - WARM_UP) / (1.0 - WARM_UP)).min(1.0)).cos()),
        };
        self.params.learning_rate * share.clamp(0.01, 1.0)
    }
}

fn tensor(values: Vec<f32>, width: usize, device: &Device) -> Tensor<2> {
    let shape = [values.len() / width, width];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Rows held out.
struct Watch {
    inputs: Vec<Vec<(usize, f32)>>,
    classes: Vec<u32>,
    weights: Vec<f64>,
}

impl Watch {
    fn new(encoding: &Encoding, data: &Data) -> Self {
        let rows: Vec<usize> = (0..data.n_rows()).step_by(data.n_rows().div_ceil(WATCHED_ROWS).max(1)).collect();
        Self {
            inputs: rows.iter().map(|&row| encoding.inputs(data.features().row(row)).collect()).collect(),
            classes: rows.iter().map(|&row| data.classes()[row]).collect(),
            weights: rows.iter().map(|&row| f64::from(data.weight(row))).collect(),
        }
    }

    fn log_loss(&self, network: &Network) -> f64 {
        let (mut loss, mut probabilities) = (0.0, vec![]);
        for ((inputs, &class), weight) in self.inputs.iter().zip(&self.classes).zip(&self.weights) {
            probabilities.clear();
            push_probabilities(&network.logits::<f32>(inputs), &mut probabilities);
            loss -= weight * f64::from(probabilities[class as usize]).max(1e-15).ln();
        }
        loss / self.weights.iter().sum::<f64>()
    }
}
