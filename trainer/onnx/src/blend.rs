//! A weighted mean of what several classifiers say, and its graph.
//!
//! Each member's probabilities are calibrated, multiplied by its weight, and added up from the first member to the last.

use crate::calibration::Calibration;
use crate::classifier::Classifier;
use crate::error::{self, Error};
use crate::graph::Graph;

/// A weighted mean of the probabilities of several classifiers.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend {
    /// At least two, of the same features and classes.
    pub members: Vec<Member>,
}

/// A classifier in a [`Blend`].
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// What its probabilities are multiplied by, above 0; all weights together are 1.
    pub weight: f32,
    /// The classifier.
    pub classifier: Classifier,
    /// What is done to its probabilities before that, if anything.
    pub calibration: Option<Calibration>,
}

/// How far the sum of weights may be from 1: float32 rounds each of them.
const TOLERANCE: f32 = 1e-5;

impl Blend {
    /// Refuses numbers that are no blend.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), Error> {
        error::at_least("members of a blend", 2, self.members.len())?;
        let weights: Vec<f32> = self.members.iter().map(|member| member.weight).collect();
        error::finite("weights of a blend", &weights)?;
        if weights.iter().any(|weight| *weight <= 0.0) || (weights.iter().sum::<f32>() - 1.0).abs() > TOLERANCE {
            return Err(Error::Weights);
        }
        let shape = self.members[0].classifier.shape();
        for Member { classifier, calibration, .. } in &self.members {
            classifier.check()?;
            error::length("rows of a blend", shape.0, classifier.shape().0)?;
            error::length("probabilities of a blend", shape.1, classifier.shape().1)?;
            calibration.iter().try_for_each(|calibration| calibration.check(shape.1))?;
        }
        Ok(())
    }

    /// From the features to the probabilities.
    pub(crate) fn write(&self, graph: &mut Graph) {
        let shares: Vec<String> = self.members.iter().map(|member| member.share(graph)).collect();
        let before = shares[1..shares.len() - 1].iter();
        let sum = before.fold(shares[0].clone(), |sum, share| graph.op("Add", &[&sum, share], vec![]));
        graph.op_to_probabilities("Add", &[&sum, &shares[shares.len() - 1]], vec![]);
    }
}

impl Member {
    /// A member's probabilities times its weight.
    fn share(&self, graph: &mut Graph) -> String {
        self.classifier.write(graph);
        if let Some(calibration) = &self.calibration {
            let raw = graph.rename_probabilities("raw");
            calibration.write(graph, &raw);
        }
        let own = graph.rename_probabilities("member");
        let weight = graph.floats(&[1, 1], &[self.weight]);
        graph.op("Mul", &[&own, &weight], vec![])
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::calibration::Curve;
    use crate::head::Head;
    use crate::inputs::{Inputs, NumericInput};
    use crate::linear::LinearClassifier;
    use crate::proto::ModelProto;

    fn member(weight: f32, slope: f32) -> Member {
        let number = NumericInput { feature: 0, impute: 0.0, mean: 0.0, inverse_std: 1.0 };
        let inputs = Inputs { numeric: vec![number], ..Inputs::default() };
        let linear = LinearClassifier { n_features: 1, n_classes: 2, inputs, weights: vec![slope], bias: vec![0.0] };
        Member { weight, classifier: Classifier::Linear(linear), calibration: None }
    }

    #[track_caller]
    fn check_refused(members: Vec<Member>, message: &str) {
        assert_eq!(Blend { members }.check().unwrap_err().to_string(), message);
    }

    #[test]
    fn members_have_names_of_their_own() {
        let curve = Curve { start: 0.1, knots: vec![0.2], widths: vec![0.5], slopes: vec![1.0] };
        let calibrated = Member { calibration: Some(Calibration::Curves(vec![curve])), ..member(0.25, 3.0) };
        let blend = Blend { members: vec![member(0.5, 1.0), calibrated, member(0.25, 2.0)] };
        let model = ModelProto::decode(&Classifier::Blend(blend).to_model(&Head::default())[..]).unwrap();
        let nodes = model.graph.unwrap().node;
        let outputs: Vec<&String> = nodes.iter().flat_map(|node| &node.output).collect();
        let unique: std::collections::BTreeSet<_> = outputs.iter().collect();
        assert_eq!(unique.len(), outputs.len());
        let last = nodes.iter().find(|node| node.output == ["probabilities"]).unwrap();
        assert_eq!(last.op_type, "Add");
        assert_eq!(nodes.iter().filter(|node| node.input.iter().any(|name| name.starts_with("raw_"))).count(), 1);
    }

    #[test]
    fn numbers_that_are_no_blend_are_refused_by_name() {
        const REFUSED: &str = "the weights of a blend are not above 0, or do not add up to 1";
        check_refused(vec![member(1.0, 1.0)], "1 members of a blend are too few");
        check_refused(vec![member(0.5, 1.0), member(0.2, 1.0)], REFUSED);
        check_refused(vec![member(1.5, 1.0), member(-0.5, 1.0)], REFUSED);
        check_refused(vec![member(0.5, 1.0), member(0.5, f32::NAN)], "weights hold a NaN or an infinity");
        let mut wider = member(0.5, 1.0);
        let Classifier::Linear(linear) = &mut wider.classifier else { unreachable!("it is linear") };
        linear.n_features = 2;
        check_refused(vec![member(0.5, 1.0), wider], "rows of a blend must have length 1, found 2");
    }
}
