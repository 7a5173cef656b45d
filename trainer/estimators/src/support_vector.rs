//! Support vector classifier with a Gaussian kernel, on landmarks.
//!
//! The kernel is taken to a limited number of training rows only (Williams and Seeger, "Using the Nyström method to speed up kernel
//! machines", NIPS 2000; with no more rows than landmarks it is the exact kernel). The squared hinge loss is minimised by Newton steps on the
//! rows inside the margin (Chapelle, "Training a support vector machine in the primal", 2007), one class against the rest when there are
//! several. Decisions on rows held out become probabilities by a sigmoid (Platt, "Probabilistic outputs for support vector machines", 1999).

mod newton;
mod platt;

use burn::prelude::*;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trainer_onnx::{KernelClassifier, LEAST_SIGMOID};

use crate::encoding::Encoding;
use crate::family::{Classifier, Exported, Family, OnStep, Step};
use crate::link::{Scaling, n_outputs, push_probabilities, sigmoid};
use crate::random::Random;
use crate::{Data, Error, Matrix};
use newton::{Machine, Problem};

/// A fit sees at most this many rows, drawn by the seed.
const MAX_ROWS: usize = 50_000;

/// With up to this many rows, decisions are held out fold by fold; with more, on one fifth.
const MAX_FOLDED_ROWS: usize = 5000;

const N_FOLDS: usize = 5;

const CHUNK: usize = 1024;

/// Settings of the support vector classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Training rows that the kernel is taken to, at most.
    pub n_landmarks: usize,
    /// The kernel is `exp(-gamma |x - z|²)`, gamma being this divided by the inputs' summed variance (1 is scikit-learn's `scale`); when
    /// absent, 0.25 for two classes and 0.5 for more, which need finer borders.
    pub gamma_factor: Option<f64>,
    /// Weight of a row's loss against the smoothness of the decision.
    pub c: f64,
    /// Whether every class counts alike, however few its rows; the sigmoid brings the probabilities back.
    pub balanced: bool,
    /// Added to the diagonal of the landmarks' kernel, above 0; keeps the coefficients small.
    pub ridge: f64,
    /// Newton steps at most.
    pub max_steps: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { n_landmarks: 300, gamma_factor: None, c: 1.0, balanced: true, ridge: 0.1, max_steps: 30 }
    }
}

impl Params {
    /// Refuses what is out of range.
    pub fn check(self) -> Result<ValidParams, Error> {
        let above_zero = |name, value: f64| in_range(name, value, f64::MIN_POSITIVE, 1e12, "a number above 0");
        in_range("n_landmarks", self.n_landmarks as f64, 1.0, 5000.0, "1 to 5000")?;
        in_range("max_steps", self.max_steps as f64, 1.0, 1e6, "1 to 1000000")?;
        above_zero("gamma_factor", self.gamma_factor.unwrap_or(1.0))?;
        above_zero("c", self.c)?;
        in_range("ridge", self.ridge, 1e-6, 1e3, "0.000001 to 1000")?;
        Ok(ValidParams(self))
    }

    fn gamma_factor(&self, n_classes: usize) -> f64 {
        self.gamma_factor.unwrap_or(if n_classes == 2 { 0.25 } else { 0.5 })
    }
}

/// Settings in range.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidParams(Params);

impl ValidParams {
    /// Fits on the training rows; a step is one machine of one class.
    pub fn fit(&self, train: &Data, seed: u64, on_step: OnStep) -> Result<Fitted, Error> {
        let mut random = Random::new(seed);
        let weighted = train.without_weightless_rows()?;
        let sampled = sample(weighted.as_ref().unwrap_or(train), &mut random)?;
        let train = sampled.as_ref().or(weighted.as_ref()).unwrap_or(train);
        let space = Space::fit(&self.0, train, &mut random);
        let inputs = space.inputs(train.features());
        let problem = Problem {
            kernel: space.kernel(&inputs),
            between: space.kernel(&space.landmarks),
            n_landmarks: space.n_landmarks(),
            c: self.0.c,
            ridge: self.0.ridge,
            max_steps: self.0.max_steps,
        };
        let n_outputs = n_outputs(train.n_classes());
        let mut machines = Vec::with_capacity(n_outputs);
        for output in 0..n_outputs {
            let class = if n_outputs == 1 { 1 } else { output as u32 };
            machines.push(self.machine(&problem, train, class));
            if on_step(Step { done: output + 1, total: n_outputs }).is_break() {
                return Err(Error::Stopped);
            }
        }
        Ok(Fitted::new(train, space, machines))
    }

    /// The machine of one class against the rest, its decisions scaled to log-odds.
    fn machine(&self, problem: &Problem, train: &Data, class: u32) -> Machine {
        let signs: Vec<f64> = train.classes().iter().map(|&c| if c == class { 1.0 } else { -1.0 }).collect();
        let weights = self.weights(train, &signs);
        let n_rows = train.n_rows();
        let n_folds = if n_rows <= MAX_FOLDED_ROWS { N_FOLDS.min(n_rows) } else { 1 };
        let folds: Vec<usize> = (0..n_rows).map(fold_of).collect();
        let (mut held_out, mut decisions) = (vec![], vec![]);
        let mut start = problem.zero();
        for fold in 0..n_folds {
            let (out, rows): (Vec<usize>, Vec<usize>) = (0..n_rows).partition(|&row| folds[row] == fold);
            start = problem.solve(&rows, &signs, &weights, problem.zero());
            decisions.extend(problem.decisions(&out, &start));
            held_out.extend(out);
        }
        let all: Vec<usize> = (0..n_rows).collect();
        let mut machine = problem.solve(&all, &signs, &weights, start);
        let rows = held_out.iter().map(|&row| (signs[row] > 0.0, f64::from(train.weight(row))));
        let (slope, intercept) = platt::fit(&decisions, &rows.collect::<Vec<_>>());
        machine.coefficients.iter_mut().for_each(|value| *value *= slope);
        machine.bias = machine.bias * slope + intercept;
        machine
    }

    /// Weights of mean 1.
    fn weights(&self, train: &Data, signs: &[f64]) -> Vec<f64> {
        let of = |positive: bool| -> f64 {
            (0..signs.len()).filter(|&row| (signs[row] > 0.0) == positive).map(|row| f64::from(train.weight(row))).sum()
        };
        let (positive, negative) = (of(true), of(false));
        let total = positive + negative;
        let n_rows = signs.len() as f64;
        let share = |sign: f64| match self.0.balanced {
            true => 0.5 / if sign > 0.0 { positive } else { negative }.max(f64::MIN_POSITIVE),
            false => 1.0 / total,
        };
        signs.iter().enumerate().map(|(row, &sign)| f64::from(train.weight(row)) * share(sign) * n_rows).collect()
    }
}

/// Rows are dealt out in an order that does not follow the file's.
fn fold_of(row: usize) -> usize {
    (Random::of_part(0x5EED, row).bits() % N_FOLDS as u64) as usize
}

fn sample(data: &Data, random: &mut Random) -> Result<Option<Data>, Error> {
    if data.n_rows() <= MAX_ROWS {
        return Ok(None);
    }
    data.select(&random.choose(data.n_rows(), MAX_ROWS)).map(Some)
}

/// Where the kernel is taken: the inputs, the landmarks, and how wide the kernel is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Space {
    encoding: Encoding,
    gamma: f32,
    /// Row-major `[landmarks, inputs]`.
    landmarks: Vec<f32>,
}

impl Space {
    fn fit(params: &Params, data: &Data, random: &mut Random) -> Self {
        let mut space = Self { encoding: Encoding::fit(data, 0), gamma: 0.0, landmarks: vec![] };
        let n_landmarks = params.n_landmarks.min(data.n_rows());
        let rows = random.choose(data.n_rows(), n_landmarks);
        space.landmarks = space.inputs(&data.features().select(&rows));
        let variance = variance(&space.inputs(data.features()), space.encoding.n_inputs());
        space.gamma = (params.gamma_factor(data.n_classes()) / variance.max(1e-6)) as f32;
        space
    }

    fn n_landmarks(&self) -> usize {
        self.landmarks.len() / self.encoding.n_inputs()
    }

    fn inputs(&self, features: &Matrix) -> Vec<f32> {
        let width = self.encoding.n_inputs();
        let mut inputs = vec![0.0; features.n_rows() * width];
        inputs.par_chunks_mut(width).zip(features.values().par_chunks(features.n_features())).for_each(|(inputs, row)| {
            self.encoding.inputs(row).for_each(|(at, value)| inputs[at] = value);
        });
        inputs
    }

    /// `[rows, landmarks]`, for fitting.
    fn kernel(&self, inputs: &[f32]) -> Vec<f32> {
        let (width, n_landmarks) = (self.encoding.n_inputs(), self.n_landmarks());
        let device = Device::flex();
        let tensor =
            |values: &[f32]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), [values.len() / width, width]), &device);
        let products = tensor(inputs).matmul(tensor(&self.landmarks).transpose());
        let mut kernel: Vec<f32> = products.into_data().iter::<f32>().collect();
        let squares = |values: &[f32]| -> Vec<f32> { values.chunks_exact(width).map(square).collect() };
        let (own, others) = (squares(inputs), squares(&self.landmarks));
        kernel.par_chunks_mut(n_landmarks).zip(&own).for_each(|(row, own)| {
            row.iter_mut().zip(&others).for_each(|(value, other)| *value = gaussian(self.gamma, own - 2.0 * *value + other));
        });
        kernel
    }
}

fn gaussian(gamma: f32, squared_distance: f32) -> f32 {
    (-gamma * squared_distance.max(0.0)).exp()
}

fn square(values: &[f32]) -> f32 {
    values.iter().map(|value| value * value).sum()
}

/// The summed variance of the columns.
fn variance(inputs: &[f32], width: usize) -> f64 {
    let n_rows = (inputs.len() / width) as f64;
    let (mut sums, mut squares) = (vec![0.0; width], 0.0);
    for row in inputs.chunks_exact(width) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
            squares += f64::from(*value).powi(2);
        }
    }
    squares / n_rows - sums.iter().map(|sum| (sum / n_rows).powi(2)).sum::<f64>()
}

/// A fitted classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    n_features: usize,
    n_classes: usize,
    space: Space,
    /// Row-major `[landmarks, outputs]`, of log-odds.
    coefficients: Vec<f32>,
    bias: Vec<f32>,
    n_steps: usize,
    converged: bool,
}

impl Fitted {
    fn new(train: &Data, space: Space, machines: Vec<Machine>) -> Self {
        let at = |landmark: usize| machines.iter().map(move |machine| machine.coefficients[landmark] as f32);
        Self {
            n_features: train.features().n_features(),
            n_classes: train.n_classes(),
            coefficients: (0..space.n_landmarks()).flat_map(at).collect(),
            bias: machines.iter().map(|machine| machine.bias as f32).collect(),
            n_steps: machines.iter().map(|machine| machine.n_steps).max().unwrap_or(0),
            converged: machines.iter().all(|machine| machine.converged),
            space,
        }
    }

    /// The same with its log-odds scaled; none with several classes, whose decisions are no logits of a softmax.
    pub(crate) fn scaled(mut self, scaling: &Scaling) -> Option<Self> {
        scaling.apply(&mut self.coefficients, &mut self.bias);
        (self.n_classes == 2).then_some(self)
    }

    fn push_probabilities(&self, logits: &[f32], probabilities: &mut Vec<f32>) {
        if self.n_classes == 2 {
            return push_probabilities(logits, probabilities);
        }
        let sigmoids: Vec<f32> = logits.iter().map(|logit| sigmoid(*logit) + LEAST_SIGMOID).collect();
        let sum: f32 = sigmoids.iter().sum();
        probabilities.extend(sigmoids.iter().map(|value| value / sum));
    }
}

impl Classifier for Fitted {
    fn probabilities(&self, features: &Matrix) -> Matrix {
        assert_eq!(features.n_features(), self.n_features, "rows of the width the model was fitted on");
        let decision = Decision::of(self);
        let chunks = features.values().par_chunks(CHUNK * self.n_features).map(|rows| {
            let mut probabilities = Vec::new();
            for row in rows.chunks_exact(self.n_features) {
                self.push_probabilities(&decision.logits(row), &mut probabilities);
            }
            probabilities
        });
        let values = chunks.collect::<Vec<_>>().concat();
        Matrix::new(features.n_rows(), self.n_classes, values).expect("one finite probability per row and class")
    }

    fn n_steps(&self) -> usize {
        self.n_steps
    }

    fn converged(&self) -> bool {
        self.converged
    }

    fn to_onnx(&self) -> Exported {
        trainer_onnx::Classifier::Kernel(KernelClassifier {
            n_features: self.n_features,
            n_classes: self.n_classes,
            inputs: self.space.encoding.to_onnx(),
            landmarks: self.space.landmarks.clone(),
            gamma: self.space.gamma,
            coefficients: self.coefficients.clone(),
            bias: self.bias.clone(),
        })
        .into()
    }
}

/// A fitted classifier made ready for rows. It counts in float64 as the exported graph does: coefficients of both signs cancel.
struct Decision<'a> {
    fitted: &'a Fitted,
    /// Row-major `[inputs, landmarks]`.
    transposed: Vec<f64>,
    /// Squared length of each landmark.
    squares: Vec<f64>,
}

impl<'a> Decision<'a> {
    fn of(fitted: &'a Fitted) -> Self {
        let landmarks = &fitted.space.landmarks;
        let width = fitted.space.encoding.n_inputs();
        let transposed =
            (0..width).flat_map(|input| landmarks.iter().skip(input).step_by(width)).map(|z| f64::from(*z)).collect();
        let squares = landmarks.chunks_exact(width).map(|z| f64::from(square(z))).collect();
        Self { fitted, transposed, squares }
    }

    /// One logit per output.
    fn logits(&self, row: &[f32]) -> Vec<f32> {
        let Fitted { space, coefficients, bias, .. } = self.fitted;
        let n_landmarks = self.squares.len();
        let (mut products, mut own) = (vec![0.0; n_landmarks], 0.0);
        for (input, value) in space.encoding.inputs(row).filter(|(_, value)| *value != 0.0) {
            let value = f64::from(value);
            own += value * value;
            let landmarks = &self.transposed[input * n_landmarks..][..n_landmarks];
            products.iter_mut().zip(landmarks).for_each(|(product, z)| *product += value * z);
        }
        let mut logits: Vec<f64> = bias.iter().map(|bias| f64::from(*bias)).collect();
        let kernels = products.iter().zip(&self.squares).map(|(product, square)| {
            let distance = (own - 2.0 * product + square).max(0.0);
            (-f64::from(space.gamma) * distance).exp()
        });
        for (kernel, coefficients) in kernels.zip(coefficients.chunks_exact(bias.len())) {
            logits.iter_mut().zip(coefficients).for_each(|(logit, a)| *logit += kernel * f64::from(*a));
        }
        logits.into_iter().map(|logit| logit as f32).collect()
    }
}

fn in_range(name: &'static str, value: f64, lowest: f64, highest: f64, expected: &'static str) -> Result<(), Error> {
    if (lowest..=highest).contains(&value) {
        return Ok(());
    }
    Err(Error::Parameter { family: Family::SupportVector, name, value, expected })
}

#[cfg(test)]
mod tests;
