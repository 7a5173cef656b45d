//! A kernel machine with its preprocessing as plain numbers, and its graph.
//!
//! From the inputs to the logits the graph counts in float64: coefficients of both signs cancel, and float32 would leave little of some sums.

use crate::error::{self, Error};
use crate::graph::Graph;
use crate::head::Head;
use crate::inputs::Inputs;
use crate::proto::{AttributeProto, DataType};

/// What keeps several probabilities from all being 0.
pub const LEAST_SIGMOID: f32 = 1e-9;

/// A weighted sum of Gaussian kernels `exp(-gamma |x - z|²)` around landmarks z, one logit per output.
///
/// Two classes have one logit (sigmoid). More have one each: the sigmoid of "this class against the rest", divided by their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelClassifier {
    /// Width of a feature row.
    pub n_features: usize,
    /// Number of probability columns, at least 2.
    pub n_classes: usize,
    /// What the kernel is of.
    pub inputs: Inputs,
    /// Row-major `[landmarks, inputs]`.
    pub landmarks: Vec<f32>,
    /// Above 0.
    pub gamma: f32,
    /// Row-major `[landmarks, n_outputs]`; `n_outputs` is 1 for two classes, else `n_classes`.
    pub coefficients: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
}

impl KernelClassifier {
    /// Refuses numbers that are no classifier.
    pub fn check(&self) -> Result<(), Error> {
        error::at_least("features", 1, self.n_features)?;
        error::at_least("classes", 2, self.n_classes)?;
        self.inputs.check(self.n_features)?;
        error::at_least("landmarks", 1, self.n_landmarks())?;
        error::length("landmarks", self.n_landmarks() * self.inputs.n_inputs(), self.landmarks.len())?;
        error::length("coefficients", self.n_landmarks() * self.n_outputs(), self.coefficients.len())?;
        error::length("bias", self.n_outputs(), self.bias.len())?;
        error::finite("landmarks", &self.landmarks)?;
        error::finite("coefficients", &self.coefficients)?;
        error::finite("biases and gamma", &[&self.bias[..], &[self.gamma]].concat())
    }

    /// The ONNX file.
    ///
    /// # Panics
    /// When [`KernelClassifier::check`] refuses the classifier.
    pub fn to_model(&self, head: &Head) -> Vec<u8> {
        self.check().expect("a classifier that passes its check");
        let mut graph = Graph::default();
        self.write(&mut graph);
        graph.finish(head, self.n_features, self.n_classes)
    }

    /// From the features to the probabilities.
    pub(crate) fn write(&self, graph: &mut Graph) {
        let inputs = self.inputs.write(graph);
        let kernel = self.kernel(graph, &inputs);
        let coefficients = graph.doubles(&[self.n_landmarks(), self.n_outputs()], &self.coefficients);
        let bias = graph.doubles(&[1, self.n_outputs()], &self.bias);
        let sum = graph.op("MatMul", &[&kernel, &coefficients], vec![]);
        let logits = graph.op("Add", &[&sum, &bias], vec![]);
        let logits = graph.cast(&logits, DataType::Float);
        match self.n_classes {
            2 => graph.link(&logits, 2),
            _ => one_against_the_rest(graph, &logits),
        }
    }

    fn n_landmarks(&self) -> usize {
        self.coefficients.len() / self.n_outputs()
    }

    fn n_outputs(&self) -> usize {
        if self.n_classes == 2 { 1 } else { self.n_classes }
    }

    /// `[N, landmarks]`; the squared distance is `|x|² - 2 x z + |z|²`, and never below 0.
    fn kernel(&self, graph: &mut Graph, inputs: &str) -> String {
        let (n_landmarks, n_inputs) = (self.n_landmarks(), self.inputs.n_inputs());
        let transposed: Vec<f32> =
            (0..n_inputs).flat_map(|input| self.landmarks.iter().skip(input).step_by(n_inputs)).copied().collect();
        let squares: Vec<f32> = self.landmarks.chunks_exact(n_inputs).map(|z| z.iter().map(|z| z * z).sum::<f32>()).collect();
        let transposed = graph.doubles(&[n_inputs, n_landmarks], &transposed);
        let squares = graph.doubles(&[1, n_landmarks], &squares);
        let two = graph.doubles(&[1, 1], &[2.0]);
        let zero = graph.doubles(&[1, 1], &[0.0]);
        let gamma = graph.doubles(&[1, 1], &[-self.gamma]);
        let inputs = graph.cast(inputs, DataType::Double);
        let square = graph.op("Mul", &[&inputs, &inputs], vec![]);
        let norm = sum_of_row(graph, &square);
        let product = graph.op("MatMul", &[&inputs, &transposed], vec![]);
        let twice = graph.op("Mul", &[&product, &two], vec![]);
        let less = graph.op("Sub", &[&norm, &twice], vec![]);
        let distance = graph.op("Add", &[&less, &squares], vec![]);
        let distance = graph.op("Max", &[&distance, &zero], vec![]);
        let exponent = graph.op("Mul", &[&distance, &gamma], vec![]);
        graph.op("Exp", &[&exponent], vec![])
    }
}

fn one_against_the_rest(graph: &mut Graph, logits: &str) {
    let sigmoids = graph.op("Sigmoid", &[logits], vec![]);
    let least = graph.floats(&[1, 1], &[LEAST_SIGMOID]);
    let sigmoids = graph.op("Add", &[&sigmoids, &least], vec![]);
    let sum = sum_of_row(graph, &sigmoids);
    graph.op_to_probabilities("Div", &[&sigmoids, &sum], vec![]);
}

fn sum_of_row(graph: &mut Graph, matrix: &str) -> String {
    let axes = graph.ints(&[1], &[1]);
    graph.op("ReduceSum", &[matrix, &axes], vec![AttributeProto::int("keepdims", 1)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::NumericInput;

    fn small() -> KernelClassifier {
        let number = NumericInput { feature: 0, impute: 0.0, mean: 0.0, inverse_std: 1.0 };
        KernelClassifier {
            n_features: 1,
            n_classes: 2,
            inputs: Inputs { numeric: vec![number], ..Inputs::default() },
            landmarks: vec![0.0, 1.0],
            gamma: 0.5,
            coefficients: vec![1.0, -1.0],
            bias: vec![0.1],
        }
    }

    #[track_caller]
    fn check_refused(classifier: KernelClassifier, message: &str) {
        assert_eq!(classifier.check().unwrap_err().to_string(), message);
    }

    #[test]
    fn numbers_that_are_no_classifier_are_refused_by_name() {
        assert_eq!(small().check(), Ok(()));
        check_refused(KernelClassifier { landmarks: vec![0.0], ..small() }, "landmarks must have length 2, found 1");
        check_refused(KernelClassifier { coefficients: vec![], ..small() }, "0 landmarks are too few");
        check_refused(KernelClassifier { bias: vec![0.0; 2], ..small() }, "bias must have length 1, found 2");
        check_refused(KernelClassifier { gamma: f32::NAN, ..small() }, "biases and gamma hold a NaN or an infinity");
    }
}
