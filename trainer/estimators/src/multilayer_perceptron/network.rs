//! The layers of one network as plain numbers.

use std::ops::{AddAssign, Mul};

use serde::{Deserialize, Serialize};

/// Fully connected layers; between them, what is below 0 becomes 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Network {
    pub(super) layers: Vec<Layer>,
}

/// A fully connected layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Layer {
    /// Row-major `[inputs, outputs]`.
    pub(super) weights: Vec<f32>,
    /// One per output.
    pub(super) bias: Vec<f32>,
}

impl Network {
    /// The logits of a row, given its inputs that may differ from 0, counted in float32 or float64.
    pub(super) fn logits<T: Float>(&self, inputs: &[(usize, f32)]) -> Vec<T> {
        let mut values = self.layers[0].apply(inputs.iter().map(|&(input, value)| (input, T::from(value))));
        for layer in &self.layers[1..] {
            values =
                layer.apply(values.into_iter().map(|value| if value > T::default() { value } else { T::default() }).enumerate());
        }
        values
    }

    /// The same network with its logits multiplied.
    pub(super) fn times(mut self, factor: f32) -> Self {
        if let Some(last) = self.layers.last_mut() {
            last.weights.iter_mut().chain(&mut last.bias).for_each(|value| *value *= factor);
        }
        self
    }

    /// Adds to the logits.
    pub(super) fn move_by(&mut self, bias: &[f32]) {
        if let Some(last) = self.layers.last_mut() {
            last.bias.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
        }
    }

    /// Whether every number is finite.
    pub(super) fn is_finite(&self) -> bool {
        self.layers.iter().flat_map(|layer| layer.weights.iter().chain(&layer.bias)).all(|value| value.is_finite())
    }

    /// The layers for the exporter.
    pub(super) fn to_onnx(&self) -> Vec<trainer_onnx::Layer> {
        let export = |layer: &Layer| trainer_onnx::Layer { weights: layer.weights.clone(), bias: layer.bias.clone() };
        self.layers.iter().map(export).collect()
    }
}

impl Layer {
    fn apply<T: Float>(&self, inputs: impl Iterator<Item = (usize, T)>) -> Vec<T> {
        let n_outputs = self.bias.len();
        let mut sums = vec![T::default(); n_outputs];
        for (input, value) in inputs.filter(|(_, value)| *value != T::default()) {
            let weights = &self.weights[input * n_outputs..][..n_outputs];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * T::from(*weight));
        }
        sums.iter_mut().zip(&self.bias).for_each(|(sum, bias)| *sum += T::from(*bias));
        sums
    }
}

/// What a network counts in.
pub(super) trait Float: Copy + Default + PartialOrd + From<f32> + Mul<Output = Self> + AddAssign {}

impl Float for f32 {}

impl Float for f64 {}
