//! What turns a classifier's probabilities into calibrated ones, as operators behind it.

use crate::error::{self, Error};
use crate::graph::{Graph, axis};
use crate::proto::AttributeProto;

/// Probabilities below this are taken for it where a logarithm is needed.
pub const LEAST_PROBABILITY: f32 = 1e-7;

/// How a classifier's probabilities are brought in line with what came true.
#[derive(Clone, Debug, PartialEq)]
pub enum Calibration {
    /// `softmax(slope · ln p + bias)`: for two classes a sigmoid of the log-odds.
    Sigmoid {
        /// What multiplies the logarithms, above 0.
        slope: f32,
        /// One per class.
        bias: Vec<f32>,
    },
    /// Each class's probability through a curve, then divided by their sum. Two classes have one curve, of the second class.
    Curves(Vec<Curve>),
}

/// A piecewise linear curve that never falls: `start + Σ slope · clamp(p - knot, 0, width)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Value up to the first knot.
    pub start: f32,
    /// Where pieces begin, ascending.
    pub knots: Vec<f32>,
    /// How wide the pieces are.
    pub widths: Vec<f32>,
    /// How steep they are, at least 0.
    pub slopes: Vec<f32>,
}

impl Calibration {
    /// Refuses numbers that are no calibration of so many classes.
    pub fn check(&self, n_classes: usize) -> Result<(), Error> {
        match self {
            Self::Sigmoid { slope, bias } => {
                error::length("calibration biases", n_classes, bias.len())?;
                error::finite("calibration slope and biases", &[&[*slope], &bias[..]].concat())
            }
            Self::Curves(curves) => {
                error::length("calibration curves", if n_classes == 2 { 1 } else { n_classes }, curves.len())?;
                curves.iter().try_for_each(Curve::check)
            }
        }
    }

    /// From these probabilities to those of the graph.
    pub(crate) fn write(&self, graph: &mut Graph, raw: &str) {
        match self {
            Self::Sigmoid { slope, bias } => write_sigmoid(graph, raw, *slope, bias),
            Self::Curves(curves) => match &curves[..] {
                [curve] => write_second(graph, raw, curve),
                several => write_shares(graph, raw, several),
            },
        }
    }
}

impl Curve {
    fn check(&self) -> Result<(), Error> {
        error::at_least("calibration knots", 1, self.knots.len())?;
        error::length("calibration widths", self.knots.len(), self.widths.len())?;
        error::length("calibration slopes", self.knots.len(), self.slopes.len())?;
        let all = [&[self.start], &self.knots[..], &self.widths[..], &self.slopes[..]].concat();
        error::finite("calibration curves", &all)
    }

    /// `[N, 1]` of the probabilities of one class.
    fn write(&self, graph: &mut Graph, raw: &str, class: usize) -> String {
        let n_pieces = self.knots.len();
        let probability = graph.columns_of(raw, [class]);
        let knots = graph.floats(&[1, n_pieces], &self.knots);
        let widths = graph.floats(&[1, n_pieces], &self.widths);
        let slopes = graph.floats(&[n_pieces, 1], &self.slopes);
        let start = graph.floats(&[1, 1], &[self.start]);
        let above = graph.op("Sub", &[&probability, &knots], vec![]);
        let above = graph.op("Relu", &[&above], vec![]);
        let piece = graph.op("Min", &[&above, &widths], vec![]);
        let rise = graph.op("MatMul", &[&piece, &slopes], vec![]);
        graph.op("Add", &[&rise, &start], vec![])
    }
}

fn write_sigmoid(graph: &mut Graph, raw: &str, slope: f32, bias: &[f32]) {
    let least = graph.floats(&[1, 1], &[LEAST_PROBABILITY]);
    let slope = graph.floats(&[1, 1], &[slope]);
    let bias = graph.floats(&[1, bias.len()], bias);
    let above = graph.op("Max", &[raw, &least], vec![]);
    let logarithm = graph.op("Log", &[&above], vec![]);
    let scaled = graph.op("Mul", &[&logarithm, &slope], vec![]);
    let logits = graph.op("Add", &[&scaled, &bias], vec![]);
    graph.op_to_probabilities("Softmax", &[&logits], vec![axis(1)]);
}

fn write_second(graph: &mut Graph, raw: &str, curve: &Curve) {
    let second = curve.write(graph, raw, 1);
    let one = graph.floats(&[1, 1], &[1.0]);
    let first = graph.op("Sub", &[&one, &second], vec![]);
    graph.op_to_probabilities("Concat", &[&first, &second], vec![axis(1)]);
}

fn write_shares(graph: &mut Graph, raw: &str, curves: &[Curve]) {
    let columns: Vec<String> = curves.iter().enumerate().map(|(class, curve)| curve.write(graph, raw, class)).collect();
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let all = graph.op("Concat", &names, vec![axis(1)]);
    let axes = graph.ints(&[1], &[1]);
    let sum = graph.op("ReduceSum", &[&all, &axes], vec![AttributeProto::int("keepdims", 1)]);
    graph.op_to_probabilities("Div", &[&all, &sum], vec![]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(calibration: Calibration, message: &str) {
        assert_eq!(calibration.check(2).unwrap_err().to_string(), message);
    }

    #[test]
    fn numbers_that_are_no_calibration_are_refused_by_name() {
        let curve = Curve { start: 0.1, knots: vec![0.2], widths: vec![0.5], slopes: vec![1.0] };
        assert_eq!(Calibration::Curves(vec![curve.clone()]).check(2), Ok(()));
        let short = Curve { widths: vec![], ..curve.clone() };
        check_refused(Calibration::Curves(vec![short]), "calibration widths must have length 1, found 0");
        check_refused(Calibration::Curves(vec![curve.clone(), curve]), "calibration curves must have length 1, found 2");
        let endless = Calibration::Sigmoid { slope: f32::NAN, bias: vec![0.0; 2] };
        check_refused(endless, "calibration slope and biases hold a NaN or an infinity");
    }
}
