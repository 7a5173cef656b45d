//! Columns as the inputs of a linear map, a kernel or a network, and their part of a graph.
//!
//! Imputing, scaling, pieces of numbers and one-hot encoding are plain ONNX operators that every runtime has.

use crate::error::{self, Error};
use crate::graph::{Graph, axis};
use crate::proto::{AttributeProto, DataType};

/// How feature rows become rows of inputs.
///
/// The inputs come in this order: the numeric inputs that have no hinge (all of them when `hinges` is empty), the hinges, the missing
/// inputs, the one-hot inputs. A numeric input with hinges takes part through these alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// Numeric inputs.
    pub numeric: Vec<NumericInput>,
    /// Pieces of numeric inputs.
    pub hinges: Vec<HingeInput>,
    /// Indicators of missing values.
    pub missing: Vec<MissingInput>,
    /// Indicators of levels.
    pub one_hot: Vec<OneHotInput>,
}

/// A numeric column: missing values become `impute`, then `(x - mean) * inverse_std`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumericInput {
    /// Index of the feature.
    pub feature: usize,
    /// Stands in for a missing value.
    pub impute: f32,
    /// Subtracted.
    pub mean: f32,
    /// Multiplied.
    pub inverse_std: f32,
}

/// A piece of a numeric input: `(z - knot) * inverse_width` kept within 0 and 1, where z is the standardised value.
///
/// It bends at the knot and again where it reaches 1. A weighted sum of pieces that follow one another is a function of straight lines which
/// is constant beyond the outermost knots, and in which no large terms cancel, however extreme the value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HingeInput {
    /// Index into the numeric inputs.
    pub input: usize,
    /// Standardised value at which the piece leaves 0.
    pub knot: f32,
    /// One over the distance from there to where it reaches 1.
    pub inverse_width: f32,
}

/// 1 where a numeric column is missing, else 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingInput {
    /// Index of the feature.
    pub feature: usize,
}

/// 1 where a categorical column has this level, else 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneHotInput {
    /// Index of the feature.
    pub feature: usize,
    /// Index of the level.
    pub level: u32,
}

impl Inputs {
    /// Refuses inputs that rows of this width do not have, and none at all.
    pub(crate) fn check(&self, n_features: usize) -> Result<(), Error> {
        error::at_least("inputs", 1, self.n_inputs())?;
        self.numeric.iter().try_for_each(|input| input.check(n_features))?;
        self.hinges.iter().try_for_each(|hinge| hinge.check(self.numeric.len()))?;
        self.missing.iter().try_for_each(|input| error::feature(input.feature, n_features))?;
        self.one_hot.iter().try_for_each(|input| input.check(n_features))
    }

    /// How many inputs a row has.
    pub fn n_inputs(&self) -> usize {
        self.plain().count() + self.hinges.len() + self.missing.len() + self.one_hot.len()
    }

    /// The numeric inputs that have no hinge, by index.
    fn plain(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.numeric.len()).filter(|&input| self.hinges.iter().all(|hinge| hinge.input != input))
    }

    /// The inputs of every row, `[N, inputs]`; gives back their name.
    pub(crate) fn write(&self, graph: &mut Graph) -> String {
        let mut parts = Vec::new();
        if !self.numeric.is_empty() {
            let standardised = self.standardised(graph);
            self.push_numbers(graph, standardised, &mut parts);
        }
        if !self.missing.is_empty() {
            parts.push(self.indicators(graph));
        }
        if !self.one_hot.is_empty() {
            parts.push(self.levels(graph));
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts[..] {
            [only] => only.to_owned(),
            _ => graph.op("Concat", &parts, vec![axis(1)]),
        }
    }

    /// Standardised values as they are, or those without hinges and the pieces of the others.
    fn push_numbers(&self, graph: &mut Graph, standardised: String, parts: &mut Vec<String>) {
        if self.hinges.is_empty() {
            return parts.push(standardised);
        }
        if self.plain().next().is_some() {
            parts.push(graph.columns_of(&standardised, self.plain()));
        }
        parts.push(self.pieces(graph, &standardised));
    }

    fn standardised(&self, graph: &mut Graph) -> String {
        let mut row = |value: fn(&NumericInput) -> f32| {
            let values: Vec<f32> = self.numeric.iter().map(value).collect();
            graph.floats(&[1, values.len()], &values)
        };
        let impute = row(|input| input.impute);
        let mean = row(|input| input.mean);
        let inverse_std = row(|input| input.inverse_std);
        let columns = graph.columns(self.numeric.iter().map(|input| input.feature));
        let missing = graph.op("IsNaN", &[&columns], vec![]);
        let filled = graph.op("Where", &[&missing, &impute, &columns], vec![]);
        let centred = graph.op("Sub", &[&filled, &mean], vec![]);
        graph.op("Mul", &[&centred, &inverse_std], vec![])
    }

    fn pieces(&self, graph: &mut Graph, standardised: &str) -> String {
        let mut row = |value: fn(&HingeInput) -> f32| {
            let values: Vec<f32> = self.hinges.iter().map(value).collect();
            graph.floats(&[1, values.len()], &values)
        };
        let knots = row(|hinge| hinge.knot);
        let inverse_widths = row(|hinge| hinge.inverse_width);
        let one = graph.floats(&[1, 1], &[1.0]);
        let columns = graph.columns_of(standardised, self.hinges.iter().map(|hinge| hinge.input));
        let above = graph.op("Sub", &[&columns, &knots], vec![]);
        let share = graph.op("Mul", &[&above, &inverse_widths], vec![]);
        let from_zero = graph.op("Relu", &[&share], vec![]);
        graph.op("Min", &[&from_zero, &one], vec![])
    }

    fn indicators(&self, graph: &mut Graph) -> String {
        let columns = graph.columns(self.missing.iter().map(|input| input.feature));
        let missing = graph.op("IsNaN", &[&columns], vec![]);
        to_floats(graph, &missing)
    }

    fn levels(&self, graph: &mut Graph) -> String {
        let levels: Vec<f32> = self.one_hot.iter().map(|input| input.level as f32).collect();
        let levels = graph.floats(&[1, levels.len()], &levels);
        let columns = graph.columns(self.one_hot.iter().map(|input| input.feature));
        let equal = graph.op("Equal", &[&columns, &levels], vec![]);
        to_floats(graph, &equal)
    }
}

impl NumericInput {
    fn check(&self, n_features: usize) -> Result<(), Error> {
        error::feature(self.feature, n_features)?;
        error::finite("numeric inputs", &[self.impute, self.mean, self.inverse_std])
    }
}

impl HingeInput {
    fn check(&self, n_numeric: usize) -> Result<(), Error> {
        error::numeric_input(self.input, n_numeric)?;
        error::finite("hinges", &[self.knot, self.inverse_width])
    }
}

impl OneHotInput {
    fn check(&self, n_features: usize) -> Result<(), Error> {
        error::feature(self.feature, n_features)?;
        error::level(self.level)
    }
}

/// Truth values as 0 and 1.
fn to_floats(graph: &mut Graph, truths: &str) -> String {
    graph.op("Cast", &[truths], vec![AttributeProto::int("to", DataType::Float as i64)])
}
