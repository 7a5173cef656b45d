//! A linear map of the inputs to logits, or networks of several layers whose logits are added up.
//!
//! The first layer is fused with the encoding: an input that is 0 costs nothing, and of a column's levels one row of weights is added.

use super::Reader;
use super::inputs::{Inputs, Row};
use super::pattern::{Known, known, unknown};
use super::vector::{Term, product};

/// Networks over one encoding.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) inputs: Inputs,
    /// The layers of each network, first to last; a linear map is one network of one layer.
    pub(crate) networks: Vec<Vec<Layer>>,
}

/// A fully connected layer. Between two of a network, what is below 0 becomes 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layer {
    /// Row-major `[n_inputs, n_outputs]`.
    pub(crate) weights: Vec<f32>,
    /// One per output.
    pub(crate) bias: Vec<f32>,
}

/// What a row's computation needs room for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room {
    row: Row,
    terms: Vec<Term<f32>>,
    values: Vec<f32>,
    sums: Vec<f64>,
}

impl Network {
    /// Whether every input adds on its own.
    pub(crate) fn is_linear(&self) -> bool {
        self.networks.iter().all(|layers| layers.len() == 1)
    }

    /// Appends the logits of a feature row.
    pub(crate) fn logits(&self, features: &[f32], room: &mut Room, logits: &mut Vec<f32>) {
        self.inputs.encode(features, &mut room.row);
        let start = logits.len();
        for layers in &self.networks {
            match &layers[..] {
                [only] => only.apply_precisely(&room.row.terms, &mut room.sums, &mut room.values),
                [first, others @ ..] => {
                    first.apply(&room.row.terms, &mut room.values);
                    room.apply_rest(others);
                }
                [] => {}
            }
            add(&room.values, start, logits);
        }
    }

    /// Appends the logits of what the first layer of each network adds up to, one after the other and without the bias.
    pub(crate) fn logits_of_sums(&self, mut sums: &[f32], room: &mut Room, logits: &mut Vec<f32>) {
        let start = logits.len();
        for layers in &self.networks {
            let [first, others @ ..] = &layers[..] else { continue };
            let (own, rest) = sums.split_at(first.bias.len());
            sums = rest;
            room.values.clear();
            room.values.extend(own.iter().zip(&first.bias).map(|(sum, bias)| sum + bias));
            room.apply_rest(others);
            add(&room.values, start, logits);
        }
    }

    /// Takes apart what makes logits: an `Add` of a constant is a layer's, one without adds the logits of networks.
    pub(super) fn recognise(reader: &Reader, name: &str, n_logits: usize) -> Known<Self> {
        let mut ends = Vec::new();
        let mut sum = name;
        loop {
            let [first, second] = reader.pattern.op(sum, "Add", &[])?;
            if reader.pattern.is_constant(second) {
                ends.push(sum);
                break;
            }
            ends.push(second);
            sum = first;
        }
        ends.reverse();
        let mut networks = Vec::with_capacity(ends.len());
        let mut source = None;
        for end in ends {
            let (layers, inputs) = read_layers(reader, end)?;
            if *source.get_or_insert(inputs) != inputs {
                return unknown("the inputs");
            }
            networks.push(layers);
        }
        let source = known(source, "the logits")?;
        let inputs = Inputs::recognise(reader, source)?;
        match networks.iter().all(|layers| fit(layers, inputs.n_inputs, n_logits)) {
            true => Ok(Self { inputs, networks }),
            false => unknown("the layers"),
        }
    }
}

impl Room {
    /// From the values of a network's first layer to those of its last.
    fn apply_rest(&mut self, layers: &[Layer]) {
        for layer in layers {
            positive_terms(&self.values, &mut self.terms);
            layer.apply(&self.terms, &mut self.values);
        }
    }
}

/// Adds a network's logits to those of the row that begin here, or appends them as the first.
fn add(values: &[f32], start: usize, logits: &mut Vec<f32>) {
    if logits.len() == start {
        logits.extend_from_slice(values);
    } else {
        logits[start..].iter_mut().zip(values).for_each(|(sum, logit)| *sum += logit);
    }
}

/// The layers that end in a value, and the name of what the first is of.
fn read_layers<'a>(reader: &Reader<'_, 'a>, end: &'a str) -> Known<(Vec<Layer>, &'a str)> {
    let mut layers = Vec::new();
    let mut value = end;
    loop {
        let [product, bias] = reader.pattern.op(value, "Add", &[])?;
        let [source, weights] = reader.pattern.op(product, "MatMul", &[])?;
        let weights = reader.pattern.floats(weights)?;
        let bias = reader.pattern.floats(bias)?.row()?;
        if bias.len() != weights.n_columns {
            return unknown("the layer");
        }
        layers.push(Layer { weights: weights.values, bias });
        if !reader.pattern.is(source, "Relu") {
            layers.reverse();
            return Ok((layers, source));
        }
        [value] = reader.pattern.op(source, "Relu", &[])?;
    }
}

fn fit(layers: &[Layer], n_inputs: usize, n_logits: usize) -> bool {
    let width = layers.iter().try_fold(n_inputs, |width, layer| layer.fits(width).then_some(layer.bias.len()));
    width == Some(n_logits)
}

impl Layer {
    fn fits(&self, n_inputs: usize) -> bool {
        self.weights.len() == n_inputs * self.bias.len()
    }

    fn apply(&self, terms: &[Term<f32>], outputs: &mut Vec<f32>) {
        product(terms, &self.weights, self.bias.len(), outputs);
        outputs.iter_mut().zip(&self.bias).for_each(|(output, bias)| *output += bias);
    }

    /// A linear map on its own: summed in float64, as large terms of both signs may cancel.
    fn apply_precisely(&self, terms: &[Term<f32>], sums: &mut Vec<f64>, outputs: &mut Vec<f32>) {
        let n_outputs = self.bias.len();
        sums.clear();
        sums.resize(n_outputs, 0.0);
        for &(input, value) in terms {
            let weights = &self.weights[input as usize * n_outputs..][..n_outputs];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += f64::from(value) * f64::from(*weight));
        }
        outputs.clear();
        outputs.extend(sums.iter().zip(&self.bias).map(|(sum, bias)| (*sum + f64::from(*bias)) as f32));
    }
}

/// The values above 0, with their places; written without a branch, as half of them are not.
fn positive_terms(values: &[f32], terms: &mut Vec<Term<f32>>) {
    terms.clear();
    terms.resize(values.len(), (0, 0.0));
    let mut n_terms = 0;
    for (place, value) in (0..).zip(values) {
        terms[n_terms] = (place, *value);
        n_terms += usize::from(*value > 0.0);
    }
    terms.truncate(n_terms);
}
