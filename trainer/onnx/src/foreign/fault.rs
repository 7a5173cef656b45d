//! Why a model of another tool cannot be given our interface.

use std::fmt;

/// Why a model of another tool cannot be given our interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForeignError {
    /// Bytes that are no ONNX file.
    NotOnnx,
    /// Bytes that begin as an ONNX file and end too early, or make no sense from somewhere on.
    Damaged,
    /// Another number of inputs than one.
    Inputs {
        /// Their names.
        names: Vec<String>,
    },
    /// An input or output of another type than float32.
    Type {
        /// `input` or `output`.
        side: &'static str,
        /// Its name.
        name: String,
        /// What it holds.
        found: &'static str,
    },
    /// An output that is a list of maps.
    ZipMap {
        /// Its name.
        output: String,
    },
    /// No output that could be probabilities, or several.
    NoProbabilities {
        /// The outputs there are.
        outputs: Vec<String>,
    },
    /// Another number of columns or classes than the contract has.
    Width {
        /// `columns` or `classes`.
        what: &'static str,
        /// How many the contract has.
        contract: usize,
        /// How many the graph has.
        graph: usize,
    },
    /// Classes that are not the contract's.
    Classes {
        /// Those of the graph.
        graph: Vec<String>,
        /// Those of the contract.
        contract: Vec<String>,
    },
    /// An operator with a graph inside.
    Nested {
        /// Its name.
        operator: String,
        /// Name of the node.
        node: String,
    },
    /// A graph that lets a missing number through to the probabilities.
    Missing {
        /// The first operator that computes with it.
        operator: String,
        /// Name of the node.
        node: String,
    },
    /// Numbers that lie in another file.
    External {
        /// Name of the tensor.
        tensor: String,
    },
    /// A set of operators from before broadcasting had its rules.
    Opset {
        /// Its version.
        version: i64,
    },
}

impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotOnnx => f.write_str("the file is not ONNX"),
            Self::Damaged => f.write_str("the file begins as ONNX, but was cut short or damaged"),
            Self::Inputs { names } if names.is_empty() => f.write_str("the graph has no input"),
            Self::Inputs { names } => write!(f, "the graph has {} inputs: {}", names.len(), names.join(", ")),
            Self::Type { side, name, found } => write!(f, "the graph's {side} `{name}` holds {found}, not float32"),
            Self::ZipMap { output } => write!(f, "the graph's output `{output}` is a list of maps (ZipMap)"),
            Self::NoProbabilities { outputs } => {
                write!(f, "none of the graph's outputs can be told to be the probabilities: {}", outputs.join(", "))
            }
            Self::Width { what, contract, graph } => write!(f, "the contract has {contract} {what}, the graph {graph}"),
            Self::Classes { graph, contract } => {
                write!(f, "the graph's classes are {}, the contract's {}", graph.join(", "), contract.join(", "))
            }
            Self::Nested { operator, node } => {
                write!(f, "operator `{operator}` of node `{node}` holds a graph, which cannot run here")
            }
            Self::Missing { operator, node } => {
                write!(f, "the model does not take missing values: operator `{operator}` of node `{node}` computes with them")
            }
            Self::External { tensor } => write!(f, "the numbers of `{tensor}` lie in another file"),
            Self::Opset { version } => write!(f, "the graph uses version {version} of ONNX's operators"),
        }
    }
}

impl std::error::Error for ForeignError {}

impl ForeignError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotOnnx => "convert the model with skl2onnx or onnxmltools, and give the .onnx file",
            Self::Damaged => "copy the file again, or write it anew with the tool it is from",
            Self::Inputs { .. } => {
                "convert with one input of all columns in the contract's order: initial_types=[('features', FloatTensorType([None, n]))]"
            }
            Self::Type { .. } => "convert with FloatTensorType, not with DoubleTensorType or another type",
            Self::ZipMap { .. } => "convert with options={'zipmap': False} (skl2onnx) or zipmap=False (onnxmltools)",
            Self::NoProbabilities { .. } => {
                "a classifier with predict_proba has an output `probabilities`, float32 [N, C]: convert that one, not a regressor or a pipeline's front"
            }
            Self::Width { what: "columns", .. } => {
                "train on the contract's columns in its order: numbers as they are, a level as its index, -1 when missing or unseen"
            }
            Self::Width { .. } => "train on rows of every class",
            Self::Classes { .. } => "train on the contract's class names, or on their numbers in its order from 0",
            Self::Nested { .. } => "choose another model: trees, linear models and perceptrons convert to plain operators",
            Self::Missing { .. } => {
                "a missing number arrives as NaN: put SimpleImputer in front, or choose a learner that takes missing values"
            }
            Self::External { .. } => "save the model in one file: onnx.save(model, path, save_as_external_data=False)",
            Self::Opset { .. } => "convert with target_opset=15 or higher",
        }
    }
}
