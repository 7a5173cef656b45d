//! A linear classifier with its preprocessing as plain numbers, and its graph.

use crate::error::{self, Error};
use crate::graph::Graph;
use crate::head::Head;
use crate::inputs::Inputs;

/// Imputing, scaling, pieces of numbers and one-hot encoding, then a linear map to one logit per output.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearClassifier {
    /// Width of a feature row.
    pub n_features: usize,
    /// Number of probability columns, at least 2. Two classes have one logit (sigmoid), more have one each (softmax).
    pub n_classes: usize,
    /// What the linear map is of.
    pub inputs: Inputs,
    /// Row-major `[inputs, n_outputs]`; `n_outputs` is 1 for two classes, else `n_classes`.
    pub weights: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
}

impl LinearClassifier {
    /// Refuses numbers that are no classifier.
    pub fn check(&self) -> Result<(), Error> {
        error::at_least("features", 1, self.n_features)?;
        error::at_least("classes", 2, self.n_classes)?;
        self.inputs.check(self.n_features)?;
        error::length("weights", self.inputs.n_inputs() * self.n_outputs(), self.weights.len())?;
        error::length("bias", self.n_outputs(), self.bias.len())?;
        error::finite("weights", &self.weights)?;
        error::finite("biases", &self.bias)
    }

    /// The ONNX file.
    ///
    /// # Panics
    /// When [`LinearClassifier::check`] refuses the classifier.
    pub fn to_model(&self, head: &Head) -> Vec<u8> {
        self.check().expect("a classifier that passes its check");
        let mut graph = Graph::default();
        self.write(&mut graph);
        graph.finish(head, self.n_features, self.n_classes)
    }

    /// From the features to the probabilities.
    pub(crate) fn write(&self, graph: &mut Graph) {
        let inputs = self.inputs.write(graph);
        let weights = graph.floats(&[self.inputs.n_inputs(), self.n_outputs()], &self.weights);
        let bias = graph.floats(&[1, self.n_outputs()], &self.bias);
        let product = graph.op("MatMul", &[&inputs, &weights], vec![]);
        let logits = graph.op("Add", &[&product, &bias], vec![]);
        graph.link(&logits, self.n_classes);
    }

    fn n_outputs(&self) -> usize {
        if self.n_classes == 2 { 1 } else { self.n_classes }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::inputs::{HingeInput, MissingInput, NumericInput, OneHotInput};
    use crate::proto::ModelProto;

    fn small() -> LinearClassifier {
        LinearClassifier {
            n_features: 2,
            n_classes: 2,
            inputs: Inputs {
                numeric: vec![NumericInput { feature: 0, impute: 1.0, mean: 1.0, inverse_std: 0.5 }],
                one_hot: vec![OneHotInput { feature: 1, level: 0 }],
                ..Inputs::default()
            },
            weights: vec![1.0, -1.0],
            bias: vec![0.1],
        }
    }

    /// One number as it is, one in two pieces, an indicator of the latter.
    fn in_pieces() -> LinearClassifier {
        let number = |feature| NumericInput { feature, impute: 1.0, mean: 1.0, inverse_std: 0.5 };
        let hinge = |knot| HingeInput { input: 1, knot, inverse_width: 2.0 };
        LinearClassifier {
            inputs: Inputs {
                numeric: vec![number(0), number(1)],
                hinges: vec![hinge(-0.5), hinge(0.0)],
                missing: vec![MissingInput { feature: 1 }],
                one_hot: vec![],
            },
            weights: vec![1.0; 4],
            ..small()
        }
    }

    fn operators(classifier: &LinearClassifier) -> Vec<String> {
        let model = ModelProto::decode(&classifier.to_model(&Head::default())[..]).unwrap();
        model.graph.unwrap().node.into_iter().map(|node| node.op_type).collect()
    }

    #[track_caller]
    fn check_refused(classifier: LinearClassifier, message: &str) {
        assert_eq!(classifier.check().unwrap_err().to_string(), message);
    }

    #[test]
    fn only_the_needed_operators_are_written() {
        let inputs = small().inputs;
        let only = |inputs| LinearClassifier { inputs, weights: vec![1.0], ..small() };
        let numeric = only(Inputs { one_hot: vec![], ..inputs.clone() });
        let levels = only(Inputs { numeric: vec![], ..inputs });
        assert!(operators(&small()).contains(&"Concat".into()));
        assert!(!operators(&small()).contains(&"Relu".into()));
        assert!(!operators(&numeric).contains(&"Equal".into()));
        assert!(!operators(&levels).contains(&"IsNaN".into()));
    }

    #[test]
    fn a_number_in_pieces_has_no_input_of_its_own() {
        assert_eq!(in_pieces().inputs.n_inputs(), 4);
        let of = |op_type: &str| operators(&in_pieces()).iter().filter(|&name| name == op_type).count();
        assert_eq!((of("Relu"), of("Min"), of("IsNaN"), of("Concat")), (1, 1, 2, 2));
        let inputs = in_pieces().inputs;
        let hinges = vec![HingeInput { input: 0, ..inputs.hinges[0] }];
        let all = Inputs { numeric: vec![inputs.numeric[1]], hinges, ..inputs };
        assert_eq!(all.n_inputs(), 2);
    }

    #[test]
    fn numbers_that_are_no_classifier_are_refused_by_name() {
        check_refused(LinearClassifier { weights: vec![1.0], ..small() }, "weights must have length 2, found 1");
        check_refused(LinearClassifier { bias: vec![], ..small() }, "bias must have length 1, found 0");
        check_refused(LinearClassifier { bias: vec![f32::INFINITY], ..small() }, "biases hold a NaN or an infinity");
        let one_hot = |feature, level| Inputs { one_hot: vec![OneHotInput { feature, level }], ..small().inputs };
        let refused = |inputs, message| check_refused(LinearClassifier { inputs, ..small() }, message);
        refused(one_hot(2, 0), "feature 2 is beyond the 2 of a row");
        refused(one_hot(1, u32::MAX), "level 4294967295 is more than float32 counts exactly");
        let hinge = HingeInput { input: 2, knot: 0.0, inverse_width: 1.0 };
        refused(Inputs { hinges: vec![hinge], ..in_pieces().inputs }, "numeric input 2 is beyond the 2 there are");
        let hinge = HingeInput { input: 1, inverse_width: f32::INFINITY, ..hinge };
        refused(Inputs { hinges: vec![hinge], ..in_pieces().inputs }, "hinges hold a NaN or an infinity");
        let missing = vec![MissingInput { feature: 2 }];
        refused(Inputs { missing, ..in_pieces().inputs }, "feature 2 is beyond the 2 of a row");
        check_refused(LinearClassifier { n_classes: 3, ..small() }, "weights must have length 6, found 2");
    }
}
