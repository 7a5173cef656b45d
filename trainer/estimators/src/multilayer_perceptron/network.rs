//! The layers of one network as plain numbers.

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
    /// The logits of a row, given its inputs that may differ from 0.
    pub(super) fn logits(&self, inputs: &[(usize, f32)]) -> Vec<f32> {
        let mut values = self.layers[0].apply(inputs.iter().copied());
        for layer in &self.layers[1..] {
            values = layer.apply(values.into_iter().map(|value| value.max(0.0)).enumerate());
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
    fn apply(&self, inputs: impl Iterator<Item = (usize, f32)>) -> Vec<f32> {
        let n_outputs = self.bias.len();
        let mut sums = vec![0.0; n_outputs];
        for (input, value) in inputs.filter(|(_, value)| *value != 0.0) {
            let weights = &self.weights[input * n_outputs..][..n_outputs];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
        }
        sums.iter_mut().zip(&self.bias).for_each(|(sum, bias)| *sum += bias);
        sums
    }
}
