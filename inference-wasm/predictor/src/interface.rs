//! What a file says of its own inputs and outputs, held against the contract.

use crate::error::LoadError;
use crate::onnx::{FLOAT, Graph, Value};
use crate::{FEATURES, LABEL, PROBABILITIES};

/// The most inputs and outputs, each, as every one is looked for among all operators. Files of old versions call every constant an input.
const MOST_DECLARED: usize = 1000;

/// The interface by the file's own declarations, and every name that is read must be made somewhere.
pub(crate) fn check(graph: &Graph, n_features: usize, n_classes: usize) -> Result<(), LoadError> {
    if graph.inputs.len().max(graph.outputs.len()) > MOST_DECLARED {
        return Err(LoadError::Graph { reason: "it has more inputs or outputs than a classifier".into() });
    }
    let is_constant = |name: &str| graph.constants.iter().any(|tensor| tensor.name == name);
    let is_made =
        |name: &str| graph.nodes.iter().any(|node| node.outputs.contains(&name)) || is_constant(name) || name == FEATURES;
    let wrong = |side, name, expected| LoadError::Interface { side, name, expected };
    let mut inputs = graph.inputs.iter().filter(|input| !is_constant(input.name));
    match (inputs.next(), inputs.next()) {
        (Some(input), None) if input.name == FEATURES && input.kind == FLOAT => check_width("columns", n_features, input)?,
        _ => return Err(wrong("input", FEATURES, "float32 and no other")),
    }
    let output = |name| graph.outputs.iter().find(|output| output.name == name && is_made(name));
    output(LABEL).ok_or(wrong("output", LABEL, "int64"))?;
    let probabilities =
        output(PROBABILITIES).filter(|output| output.kind == FLOAT).ok_or(wrong("output", PROBABILITIES, "float32"))?;
    check_width("classes", n_classes, probabilities)?;
    match graph.outputs.iter().find(|output| !is_made(output.name)) {
        Some(output) => Err(LoadError::Graph { reason: format!("nothing makes the output `{}`", output.name) }),
        None => Ok(()),
    }
}

fn check_width(what: &'static str, contract: usize, value: &Value) -> Result<(), LoadError> {
    match value.width {
        Some(graph) if graph != contract as i64 => Err(LoadError::Disagree { what, contract, graph }),
        _ => Ok(()),
    }
}
