//! Multilayer perceptrons with their preprocessing as plain numbers, and their graph.

use crate::error::{self, Error};
use crate::graph::Graph;
use crate::head::Head;
use crate::inputs::Inputs;
use crate::proto::DataType;

/// Networks of fully connected layers whose logits are added up; between layers, what is below 0 becomes 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Perceptron {
    /// Width of a feature row.
    pub n_features: usize,
    /// Number of probability columns, at least 2. Two classes have one logit (sigmoid), more have one each (softmax).
    pub n_classes: usize,
    /// What the first layers take.
    pub inputs: Inputs,
    /// The layers of each network, first to last.
    pub networks: Vec<Vec<Layer>>,
    /// In what the networks count.
    pub precision: Precision,
}

/// In what a graph counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Float32.
    #[default]
    Single,
    /// Float64, for large weights of both signs whose terms cancel.
    Double,
}

/// A fully connected layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Row-major `[inputs, outputs]`.
    pub weights: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
}

impl Perceptron {
    /// Refuses numbers that are no classifier.
    pub fn check(&self) -> Result<(), Error> {
        error::at_least("features", 1, self.n_features)?;
        error::at_least("classes", 2, self.n_classes)?;
        error::at_least("networks", 1, self.networks.len())?;
        self.inputs.check(self.n_features)?;
        self.networks.iter().try_for_each(|layers| self.check_network(layers))
    }

    /// The ONNX file.
    ///
    /// # Panics
    /// When [`Perceptron::check`] refuses the classifier.
    pub fn to_model(&self, head: &Head) -> Vec<u8> {
        self.check().expect("a classifier that passes its check");
        let mut graph = Graph::default();
        self.write(&mut graph);
        graph.finish(head, self.n_features, self.n_classes)
    }

    /// From the features to the probabilities.
    pub(crate) fn write(&self, graph: &mut Graph) {
        let mut inputs = self.inputs.write(graph);
        if self.precision == Precision::Double {
            inputs = graph.cast(&inputs, DataType::Double);
        }
        let networks = self.networks.iter();
        let logits: Vec<String> = networks.map(|layers| network(graph, &inputs, layers, self.precision)).collect();
        let sum = logits.into_iter().reduce(|sum, logits| graph.op("Add", &[&sum, &logits], vec![]));
        let mut logits = sum.expect("the check wants a network");
        if self.precision == Precision::Double {
            logits = graph.cast(&logits, DataType::Float);
        }
        graph.link(&logits, self.n_classes);
    }

    fn check_network(&self, layers: &[Layer]) -> Result<(), Error> {
        error::at_least("layers", 1, layers.len())?;
        let mut width = self.inputs.n_inputs();
        for layer in layers {
            error::length("weights", width * layer.bias.len(), layer.weights.len())?;
            error::finite("weights", &layer.weights)?;
            error::finite("biases", &layer.bias)?;
            width = layer.bias.len();
        }
        error::length("logits", if self.n_classes == 2 { 1 } else { self.n_classes }, width)
    }
}

fn network(graph: &mut Graph, inputs: &str, layers: &[Layer], precision: Precision) -> String {
    let constant = match precision {
        Precision::Single => Graph::floats,
        Precision::Double => Graph::doubles,
    };
    let mut values = inputs.to_owned();
    for (at, layer) in layers.iter().enumerate() {
        let n_outputs = layer.bias.len();
        let weights = constant(graph, &[layer.weights.len() / n_outputs, n_outputs], &layer.weights);
        let bias = constant(graph, &[1, n_outputs], &layer.bias);
        let product = graph.op("MatMul", &[&values, &weights], vec![]);
        values = graph.op("Add", &[&product, &bias], vec![]);
        if at + 1 < layers.len() {
            values = graph.op("Relu", &[&values], vec![]);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::NumericInput;

    fn small() -> Perceptron {
        let number = NumericInput { feature: 0, impute: 0.0, mean: 0.0, inverse_std: 1.0 };
        let layers =
            vec![Layer { weights: vec![1.0, -1.0], bias: vec![0.0; 2] }, Layer { weights: vec![0.5; 2], bias: vec![0.1] }];
        Perceptron {
            n_features: 1,
            n_classes: 2,
            inputs: Inputs { numeric: vec![number], ..Inputs::default() },
            networks: vec![layers],
            precision: Precision::Single,
        }
    }

    #[track_caller]
    fn check_refused(classifier: Perceptron, message: &str) {
        assert_eq!(classifier.check().unwrap_err().to_string(), message);
    }

    #[test]
    fn numbers_that_are_no_classifier_are_refused_by_name() {
        assert_eq!(small().check(), Ok(()));
        check_refused(Perceptron { networks: vec![], ..small() }, "0 networks are too few");
        check_refused(Perceptron { networks: vec![vec![]], ..small() }, "0 layers are too few");
        check_refused(Perceptron { n_classes: 3, ..small() }, "logits must have length 3, found 1");
        let layer = |value, n| Layer { weights: vec![value; n], bias: vec![0.0] };
        check_refused(Perceptron { networks: vec![vec![layer(1.0, 2)]], ..small() }, "weights must have length 1, found 2");
        check_refused(Perceptron { networks: vec![vec![layer(f32::NAN, 1)]], ..small() }, "weights hold a NaN or an infinity");
    }
}
