//! Taking a graph apart from its outputs towards its inputs, operator by operator, with every attribute accounted for.

use std::cell::Cell;

use crate::FEATURES;
use crate::onnx::{Graph, Node, Tensor};

/// Which part of a graph is not as the trainer writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unknown(pub(crate) &'static str);

pub(crate) type Known<T> = Result<T, Unknown>;

pub(crate) fn unknown<T>(what: &'static str) -> Known<T> {
    Err(Unknown(what))
}

/// Takes what is known to be there in the trainer's graphs.
pub(crate) fn known<T>(value: Option<T>, what: &'static str) -> Known<T> {
    value.ok_or(Unknown(what))
}

/// A matrix of constants.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Constants {
    /// Row-major `[n_rows, n_columns]`.
    pub(crate) values: Vec<f32>,
    pub(crate) n_rows: usize,
    pub(crate) n_columns: usize,
}

impl Constants {
    /// The values of a matrix with one row.
    pub(crate) fn row(self) -> Known<Vec<f32>> {
        if self.n_rows == 1 { Ok(self.values) } else { unknown("a constant's shape") }
    }
}

/// A graph whose names are known.
///
/// The trainer reads every constant once. Who reads more than there is reads in circles, or would need more memory than the file.
pub(crate) struct Pattern<'g, 'a> {
    graph: &'g Graph<'a>,
    bytes_left: Cell<usize>,
}

/// The most names of constants, and the most that operators read and make; the trainer writes some hundreds.
const MOST_NAMES: usize = 8000;

impl<'g, 'a> Pattern<'g, 'a> {
    /// Refuses a graph in which a name is made twice, or read before it is made.
    pub(crate) fn new(graph: &'g Graph<'a>) -> Known<Self> {
        let bytes_left = Cell::new(graph.constants.iter().map(Tensor::n_bytes).sum());
        let pattern = Self { graph, bytes_left };
        let n_names: usize = graph.nodes.iter().map(|node| node.inputs.len() + node.outputs.len()).sum();
        if n_names.max(graph.constants.len()) > MOST_NAMES {
            return unknown("so many operators");
        }
        for (at, tensor) in graph.constants.iter().enumerate() {
            if tensor.name == FEATURES || graph.constants[..at].iter().any(|other| other.name == tensor.name) {
                return unknown("a constant");
            }
        }
        for (at, node) in graph.nodes.iter().enumerate() {
            let is_made = |name: &str| {
                name == FEATURES || pattern.is_constant(name) || graph.nodes[..at].iter().any(|node| node.outputs.contains(&name))
            };
            if !node.inputs.iter().all(|name| is_made(name)) || node.outputs.iter().any(|name| is_made(name)) {
                return unknown("a value");
            }
        }
        Ok(pattern)
    }

    /// The operator that makes a value.
    pub(crate) fn maker(&self, name: &str) -> Known<&'g Node<'a>> {
        known(self.graph.nodes.iter().find(|node| node.outputs.contains(&name)), "a value")
    }

    /// The inputs of the operator of the default domain that makes a value, where it is of this kind and has these attributes and no other.
    pub(crate) fn op<const N: usize>(&self, name: &str, operator: &str, attributes: &[(&str, i64)]) -> Known<[&'a str; N]> {
        let inputs = self.any_inputs(name, operator, attributes)?;
        known(inputs.try_into().ok(), "an operator's inputs")
    }

    /// As [`Pattern::op`], with any number of inputs.
    pub(crate) fn any_inputs(&self, name: &str, operator: &str, attributes: &[(&str, i64)]) -> Known<&'g [&'a str]> {
        let node = self.maker(name)?;
        let same = |(name, number): &(&str, i64)| node.attribute(name).is_some_and(|found| found.number == *number);
        let is_ours = node.operator == operator
            && node.domain.is_empty()
            && node.outputs.len() == 1
            && node.attributes.len() == attributes.len()
            && attributes.iter().all(same);
        if is_ours { Ok(&node.inputs) } else { unknown("an operator") }
    }

    /// Whether a value is made by an operator of this kind.
    pub(crate) fn is(&self, name: &str, operator: &str) -> bool {
        self.maker(name).is_ok_and(|node| node.operator == operator)
    }

    /// Whether a value is a constant.
    pub(crate) fn is_constant(&self, name: &str) -> bool {
        self.graph.constants.iter().any(|tensor| tensor.name == name)
    }

    /// A constant, which is used up.
    fn constant(&self, name: &str) -> Option<&'g Tensor<'a>> {
        let tensor = self.graph.constants.iter().find(|tensor| tensor.name == name)?;
        self.bytes_left.set(self.bytes_left.get().checked_sub(tensor.n_bytes())?);
        Some(tensor)
    }

    /// A float32 matrix of constants, all finite.
    pub(crate) fn floats(&self, name: &str) -> Known<Constants> {
        let tensor = self.constant(name).filter(|tensor| tensor.dims.len() == 2);
        let (values, dims) = known(tensor.and_then(|tensor| Some((tensor.to_floats()?, &tensor.dims))), "a constant")?;
        if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
            return unknown("a number");
        }
        Ok(Constants { values, n_rows: dims[0] as usize, n_columns: dims[1] as usize })
    }

    /// A constant of one float32.
    pub(crate) fn float(&self, name: &str) -> Known<f32> {
        match self.floats(name)?.values[..] {
            [value] => Ok(value),
            _ => unknown("a constant's shape"),
        }
    }

    /// A list of indices.
    pub(crate) fn indices(&self, name: &str, n_columns: usize) -> Known<Vec<usize>> {
        let indices = self.constant(name).filter(|tensor| tensor.dims.len() == 1).and_then(|tensor| tensor.to_integers());
        let indices = known(indices, "a constant")?;
        let within = |index: &i64| usize::try_from(*index).ok().filter(|index| *index < n_columns);
        let indices: Option<Vec<usize>> = indices.iter().map(within).collect();
        known(indices.filter(|indices| !indices.is_empty()), "a choice of columns")
    }

    /// Refuses another constant than this list or matrix of one integer.
    pub(crate) fn expect_integer(&self, name: &str, expected: i64) -> Known<()> {
        match self.constant(name).and_then(|tensor| tensor.to_integers()).as_deref() {
            Some([value]) if *value == expected => Ok(()),
            _ => unknown("a constant"),
        }
    }

    /// Refuses another constant than this number.
    pub(crate) fn expect_float(&self, name: &str, expected: f32) -> Known<()> {
        if self.float(name)? == expected { Ok(()) } else { unknown("a constant") }
    }

    /// The columns that are picked from a matrix, and its name.
    pub(crate) fn columns(&self, name: &str, n_columns: usize) -> Known<(&'a str, Vec<usize>)> {
        let [matrix, indices] = self.op(name, "Gather", &[AXIS])?;
        Ok((matrix, self.indices(indices, n_columns)?))
    }
}

/// Along the columns of a matrix.
pub(crate) const AXIS: (&str, i64) = ("axis", 1);
/// The sum of a row stays a column.
pub(crate) const KEPT: (&str, i64) = ("keepdims", 1);
