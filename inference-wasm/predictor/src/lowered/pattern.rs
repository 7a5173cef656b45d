//! Taking a graph apart from its outputs towards its inputs, operator by operator, with every attribute accounted for.

use std::cell::Cell;
use std::collections::HashMap;

use crate::FEATURES;
use crate::onnx::{Graph, Node, Tensor};

/// Why a graph is not one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown(pub(crate) String);

pub(crate) type Known<T> = Result<T, Unknown>;

pub(crate) fn unknown<T>(what: &str, name: &str) -> Known<T> {
    Err(Unknown(format!("{what} `{name}` is none of the trainer's")))
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
    pub(crate) fn row(self, name: &str) -> Known<Vec<f32>> {
        if self.n_rows == 1 { Ok(self.values) } else { unknown("the shape of", name) }
    }
}

/// A graph whose names are known.
///
/// The trainer reads every constant once. Who reads more than there is reads in circles, or would need more memory than the file.
pub(crate) struct Pattern<'g, 'a> {
    makers: HashMap<&'a str, &'g Node<'a>>,
    constants: HashMap<&'a str, &'g Tensor<'a>>,
    bytes_left: Cell<usize>,
}

impl<'g, 'a> Pattern<'g, 'a> {
    /// Refuses a graph in which a name is made twice, or read before it is made.
    pub(crate) fn new(graph: &'g Graph<'a>) -> Known<Self> {
        let constants: HashMap<_, _> = graph.constants.iter().map(|tensor| (tensor.name, tensor)).collect();
        if constants.len() < graph.constants.len() || constants.contains_key(FEATURES) {
            return unknown("a constant of", FEATURES);
        }
        let mut makers = HashMap::new();
        for node in &graph.nodes {
            let is_made = |name: &&&str| **name == FEATURES || constants.contains_key(*name) || makers.contains_key(*name);
            if let Some(name) = node.inputs.iter().find(|name| !is_made(name)) {
                return unknown("the value", name);
            }
            for name in &node.outputs {
                if *name == FEATURES || constants.contains_key(name) || makers.insert(*name, node).is_some() {
                    return unknown("what makes", name);
                }
            }
        }
        let bytes_left = Cell::new(graph.constants.iter().map(Tensor::n_bytes).sum());
        Ok(Self { makers, constants, bytes_left })
    }

    /// The operator that makes a value.
    pub(crate) fn maker(&self, name: &str) -> Known<&'g Node<'a>> {
        self.makers.get(name).copied().map_or_else(|| unknown("the value", name), Ok)
    }

    /// The inputs of the operator of the default domain that makes a value, where it is of this kind and has these attributes and no other.
    pub(crate) fn op<const N: usize>(&self, name: &str, operator: &str, attributes: &[(&str, i64)]) -> Known<[&'a str; N]> {
        let inputs = self.any_inputs(name, operator, attributes)?;
        inputs.try_into().or_else(|_| unknown("the inputs of", name))
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
        if is_ours { Ok(&node.inputs) } else { unknown("the operator of", name) }
    }

    /// Whether a value is made by an operator of this kind.
    pub(crate) fn is(&self, name: &str, operator: &str) -> bool {
        self.makers.get(name).is_some_and(|node| node.operator == operator)
    }

    /// Whether a value is a constant.
    pub(crate) fn is_constant(&self, name: &str) -> bool {
        self.constants.contains_key(name)
    }

    /// A constant, which is used up.
    fn constant(&self, name: &str) -> Option<&'g Tensor<'a>> {
        let tensor = *self.constants.get(name)?;
        self.bytes_left.set(self.bytes_left.get().checked_sub(tensor.n_bytes())?);
        Some(tensor)
    }

    /// A float32 matrix of constants, all finite.
    pub(crate) fn floats(&self, name: &str) -> Known<Constants> {
        let tensor = self.constant(name).filter(|tensor| tensor.dims.len() == 2);
        let Some((values, dims)) = tensor.and_then(|tensor| Some((tensor.to_floats()?, &tensor.dims))) else {
            return unknown("the constant", name);
        };
        if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
            return unknown("a number of", name);
        }
        Ok(Constants { values, n_rows: dims[0] as usize, n_columns: dims[1] as usize })
    }

    /// A constant of one float32.
    pub(crate) fn float(&self, name: &str) -> Known<f32> {
        match self.floats(name)?.values[..] {
            [value] => Ok(value),
            _ => unknown("the shape of", name),
        }
    }

    /// A list of indices.
    pub(crate) fn indices(&self, name: &str, n_columns: usize) -> Known<Vec<usize>> {
        let indices = self.constant(name).filter(|tensor| tensor.dims.len() == 1).and_then(|tensor| tensor.to_integers());
        let Some(indices) = indices else { return unknown("the constant", name) };
        let within = |index: &i64| usize::try_from(*index).ok().filter(|index| *index < n_columns);
        let indices: Option<Vec<usize>> = indices.iter().map(within).collect();
        indices.filter(|indices| !indices.is_empty()).map_or_else(|| unknown("a column of", name), Ok)
    }

    /// Refuses another constant than this list or matrix of one integer.
    pub(crate) fn expect_integer(&self, name: &str, expected: i64) -> Known<()> {
        match self.constant(name).and_then(|tensor| tensor.to_integers()).as_deref() {
            Some([value]) if *value == expected => Ok(()),
            _ => unknown("the constant", name),
        }
    }

    /// Refuses another constant than this number.
    pub(crate) fn expect_float(&self, name: &str, expected: f32) -> Known<()> {
        if self.float(name)? == expected { Ok(()) } else { unknown("the constant", name) }
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
