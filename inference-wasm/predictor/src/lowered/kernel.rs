//! A weighted sum of Gaussian kernels, in float64 from the inputs to the logits as in the graph.

use super::Reader;
use super::exponential::exp_all;
use super::inputs::{Inputs, Row};
use super::pattern::{KEPT, Known, unknown};
use super::vector::{Term, product};
use crate::onnx::{DOUBLE, FLOAT};

/// `Σ coefficient * exp(-gamma |x - z|²) + bias` over landmarks z.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    pub(crate) inputs: Inputs,
    /// Row-major `[n_inputs, n_landmarks]`.
    pub(crate) landmarks: Vec<f64>,
    /// `|z|²` of each landmark.
    pub(crate) squares: Vec<f64>,
    pub(crate) gamma: f64,
    /// Row-major `[n_logits, n_landmarks]`.
    pub(crate) coefficients: Vec<f64>,
    /// One per logit.
    pub(crate) bias: Vec<f64>,
}

/// What a row's computation needs room for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room {
    row: Row,
    terms: Vec<Term<f64>>,
    kernels: Vec<f64>,
}

impl Kernel {
    /// Appends the logits of a feature row.
    pub(crate) fn logits(&self, features: &[f32], room: &mut Room, logits: &mut Vec<f32>) {
        self.inputs.encode(features, &mut room.row);
        room.terms.clear();
        room.terms.extend(room.row.terms.iter().map(|&(input, value)| (input, f64::from(value))));
        self.kernels(&room.terms, &mut room.kernels);
        self.logits_of_kernels(&room.kernels, logits);
    }

    /// Appends the logits of a row's kernels with each landmark.
    pub(crate) fn logits_of_kernels(&self, kernels: &[f64], logits: &mut Vec<f32>) {
        for (coefficients, bias) in self.coefficients.chunks_exact(self.squares.len()).zip(&self.bias) {
            let sum: f64 = coefficients.iter().zip(kernels).map(|(coefficient, kernel)| coefficient * kernel).sum();
            logits.push((sum + bias) as f32);
        }
    }

    /// Each landmark's kernel with a row; the squared distance is `|x|² - 2 x z + |z|²`, and never below 0.
    fn kernels(&self, terms: &[Term<f64>], kernels: &mut Vec<f64>) {
        let norm: f64 = terms.iter().map(|(_, value)| value * value).sum();
        product(terms, &self.landmarks, self.squares.len(), kernels);
        for (kernel, square) in kernels.iter_mut().zip(&self.squares) {
            let distance = norm - 2.0 * *kernel + square;
            // As in training, where infinities have cancelled the distance is 0.
            *kernel = -self.gamma * distance.max(0.0);
        }
        exp_all(kernels);
    }

    /// Takes apart what makes logits in float32 of kernels in float64.
    pub(super) fn recognise(reader: &Reader, name: &str, n_logits: usize) -> Known<Self> {
        let pattern = &reader.pattern;
        let [logits] = pattern.op(name, "Cast", &[("to", FLOAT)])?;
        let [sum, bias] = pattern.op(logits, "Add", &[])?;
        let [kernel, coefficients] = pattern.op(sum, "MatMul", &[])?;
        let [exponent] = pattern.op(kernel, "Exp", &[])?;
        let [distance, gamma] = pattern.op(exponent, "Mul", &[])?;
        let (source, landmarks, squares) = distances(reader, distance)?;
        let inputs = Inputs::recognise(reader, source)?;
        let (bias, gamma, coefficients) = (doubles(reader, bias)?, doubles(reader, gamma)?, doubles(reader, coefficients)?);
        let n_landmarks = squares.values.len();
        let is_fit = [&bias, &gamma, &squares].iter().all(|constants| constants.n_rows == 1)
            && [gamma.n_columns, bias.n_columns, coefficients.n_columns] == [1, n_logits, n_logits]
            && [landmarks.n_rows, landmarks.n_columns, coefficients.n_rows] == [inputs.n_inputs, n_landmarks, n_landmarks];
        if !is_fit {
            return unknown("the kernel");
        }
        Ok(Self {
            inputs,
            landmarks: landmarks.values,
            squares: squares.values,
            gamma: -gamma.values[0],
            coefficients: (0..n_logits)
                .flat_map(|logit| coefficients.values.iter().skip(logit).step_by(n_logits).copied())
                .collect(),
            bias: bias.values,
        })
    }
}

/// Squared distances `|x|² - 2 x z + |z|²`, never below 0: the name of the inputs, the landmarks and their squares.
fn distances<'a>(reader: &Reader<'_, 'a>, name: &str) -> Known<(&'a str, Doubles, Doubles)> {
    let pattern = &reader.pattern;
    let [unbounded, zero] = pattern.op(name, "Max", &[])?;
    let [less, squares] = pattern.op(unbounded, "Add", &[])?;
    let [norm, twice] = pattern.op(less, "Sub", &[])?;
    let [product, two] = pattern.op(twice, "Mul", &[])?;
    let [matrix, landmarks] = pattern.op(product, "MatMul", &[])?;
    let [square, axes] = pattern.op(norm, "ReduceSum", &[KEPT])?;
    let [left, right] = pattern.op(square, "Mul", &[])?;
    let [source] = pattern.op(matrix, "Cast", &[("to", DOUBLE)])?;
    pattern.expect_integer(axes, 1)?;
    let is_ours = [left, right] == [matrix; 2] && doubles(reader, zero)?.values == [0.0] && doubles(reader, two)?.values == [2.0];
    if is_ours { Ok((source, doubles(reader, landmarks)?, doubles(reader, squares)?)) } else { unknown("the kernel") }
}

/// A matrix of constants in float64, which the trainer writes in float32.
struct Doubles {
    values: Vec<f64>,
    n_rows: usize,
    n_columns: usize,
}

fn doubles(reader: &Reader, name: &str) -> Known<Doubles> {
    let [constant] = reader.pattern.op(name, "Cast", &[("to", DOUBLE)])?;
    let constants = reader.pattern.floats(constant)?;
    let values = constants.values.iter().copied().map(f64::from).collect();
    Ok(Doubles { values, n_rows: constants.n_rows, n_columns: constants.n_columns })
}
