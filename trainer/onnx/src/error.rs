//! Why plain numbers are no model, or bytes no ONNX file.

use std::fmt;

/// Why plain numbers are no model, or bytes no ONNX file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Fewer than one feature or two classes.
    TooFew {
        /// `features`, `classes` or `trees`.
        what: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A list whose length does not follow from the others.
    Length {
        /// What the list is.
        what: &'static str,
        /// The length it must have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// A feature beyond the width of a row.
    Feature {
        /// Its index.
        feature: usize,
        /// The width.
        n_features: usize,
    },
    /// A numeric input beyond the last.
    NumericInput {
        /// Its index.
        input: usize,
        /// How many there are.
        n_numeric: usize,
    },
    /// A level whose index float32 cannot hold exactly.
    Level {
        /// Its index.
        level: u32,
    },
    /// A NaN or an infinity among the parameters.
    NotFinite {
        /// Which parameter.
        what: &'static str,
    },
    /// Weights of a blend that are not above 0, or do not add up to 1.
    Weights,
    /// A fault inside one tree.
    Node {
        /// Index of the tree.
        tree: usize,
        /// Index of the node.
        node: usize,
        /// What is wrong with it.
        fault: Box<Fault>,
    },
    /// Bytes that are no ONNX file.
    Decode {
        /// What the protobuf reader says.
        reason: String,
    },
}

/// What is wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A child that is not there, or does not come after its parent.
    Child {
        /// Its index.
        child: usize,
    },
    /// A set of levels that is empty or not ascending.
    Levels,
    /// A parameter that would be a fault outside a tree, too.
    Parameter(Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::TooFew { what, found } => write!(f, "{found} {what} are too few"),
            Self::Length { what, expected, found } => write!(f, "{what} must have length {expected}, found {found}"),
            Self::Feature { feature, n_features } => write!(f, "feature {feature} is beyond the {n_features} of a row"),
            Self::NumericInput { input, n_numeric } => write!(f, "numeric input {input} is beyond the {n_numeric} there are"),
            Self::Level { level } => write!(f, "level {level} is more than float32 counts exactly"),
            Self::NotFinite { what } => write!(f, "{what} hold a NaN or an infinity"),
            Self::Weights => f.write_str("the weights of a blend are not above 0, or do not add up to 1"),
            Self::Node { tree, node, fault } => write!(f, "node {node} of tree {tree}: {fault}"),
            Self::Decode { reason } => write!(f, "not an ONNX file: {reason}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Child { child } => write!(f, "child {child} is missing or does not come after its parent"),
            Self::Levels => f.write_str("its levels are empty or not ascending"),
            Self::Parameter(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

/// The largest whole number up to which float32 holds every one.
const EXACT_F32: u32 = 1 << 24;

pub(crate) fn at_least(what: &'static str, lowest: usize, found: usize) -> Result<(), Error> {
    if found < lowest { Err(Error::TooFew { what, found }) } else { Ok(()) }
}

pub(crate) fn length(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Length { what, expected, found }) }
}

pub(crate) fn feature(feature: usize, n_features: usize) -> Result<(), Error> {
    if feature < n_features { Ok(()) } else { Err(Error::Feature { feature, n_features }) }
}

pub(crate) fn numeric_input(input: usize, n_numeric: usize) -> Result<(), Error> {
    if input < n_numeric { Ok(()) } else { Err(Error::NumericInput { input, n_numeric }) }
}

pub(crate) fn level(level: u32) -> Result<(), Error> {
    if level <= EXACT_F32 { Ok(()) } else { Err(Error::Level { level }) }
}

pub(crate) fn finite(what: &'static str, values: &[f32]) -> Result<(), Error> {
    if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(Error::NotFinite { what }) }
}
