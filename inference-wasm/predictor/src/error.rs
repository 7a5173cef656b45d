//! Why a model cannot be loaded, or a row not predicted.

use data_contract::ContractError;

/// Why a model cannot be loaded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// The bytes end in the middle of a field.
    #[error("the model file ends too early, after {bytes} bytes")]
    Truncated {
        /// How many bytes there are.
        bytes: usize,
    },
    /// The bytes are something else.
    #[error("the model file is not ONNX")]
    NotOnnx,
    /// The metadata lacks a key.
    #[error("the model's metadata has no `{key}`")]
    NoMetadata {
        /// The key.
        key: &'static str,
    },
    /// The metadata holds a value that cannot be read.
    #[error("the model's metadata holds `{value}` under `{key}`")]
    Metadata {
        /// The key.
        key: &'static str,
        /// The value, shortened.
        value: String,
    },
    /// The contract in the metadata cannot be used.
    #[error("the model's contract cannot be used: {source}")]
    Contract {
        /// Why.
        source: ContractError,
    },
    /// The graph lacks an input or output, or has it with another type.
    #[error("the graph has no {side} `{name}` of type {expected}")]
    Interface {
        /// `input` or `output`.
        side: &'static str,
        /// Its name.
        name: &'static str,
        /// Its type.
        expected: &'static str,
    },
    /// The contract and the graph speak of different models.
    #[error("the contract has {contract} {what}, the graph {graph}")]
    Disagree {
        /// `columns` or `classes`.
        what: &'static str,
        /// How many the contract has.
        contract: usize,
        /// How many the graph has.
        graph: i64,
    },
    /// An operator that this engine does not have.
    #[error("operator `{operator}` of node `{node}` cannot run here")]
    Operator {
        /// Its name.
        operator: String,
        /// Name of the node.
        node: String,
    },
    /// A graph that the trainer did not write, in a build that runs no other.
    #[error("this build runs models of the trainer alone, and the trainer does not write {what} like this")]
    Foreign {
        /// Where the graph differs from the trainer's.
        what: &'static str,
    },
    /// The graph contradicts itself, or uses an operator in a way that this engine does not have.
    #[error("the graph cannot be prepared: {reason}")]
    Graph {
        /// What the engine says.
        reason: String,
    },
}

/// Why a row cannot be predicted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PredictError {
    /// A record of another contract, or a batch whose length is no multiple of the width.
    #[error("expected {expected} values, found {found}")]
    Width {
        /// Values the contract asks for.
        expected: usize,
        /// Values there are.
        found: usize,
    },
    /// The graph failed, or gave what its interface does not allow.
    #[error("the graph failed: {reason}")]
    Run {
        /// What the engine says.
        reason: String,
    },
}

/// Why a prediction cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// The file is of an older trainer.
    #[error("the model carries no background to compare a record with")]
    NoBackground,
    /// The record cannot be predicted.
    #[error(transparent)]
    Predict(#[from] PredictError),
}

impl LoadError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "copy or download the file again",
            Self::NotOnnx => "give the bytes of a bundle's model.onnx",
            Self::NoMetadata { .. } | Self::Metadata { .. } => {
                "models exported by the trainer carry it; `trainer import` adds it to others"
            }
            Self::Contract { .. } | Self::Disagree { .. } => "export the model again, together with its contract",
            Self::Interface { .. } => "the interface is one input `features` and the outputs `label` and `probabilities`",
            Self::Foreign { .. } => "use the full build, which runs any ONNX file",
            Self::Operator { .. } | Self::Graph { .. } => "export the model with standard operators, without ZipMap",
        }
    }
}

impl PredictError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Width { .. } => "make the record with this predictor's contract",
            Self::Run { .. } => "the fault is in the model, not in the record",
        }
    }
}

impl ExplainError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoBackground => "train the model again, or import it again: its file then carries a background",
            Self::Predict(error) => error.hint(),
        }
    }
}
