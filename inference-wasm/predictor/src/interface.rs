//! What a file says of its own inputs and outputs, held against the contract.

use std::collections::BTreeSet;

use crate::error::LoadError;
use crate::onnx::{FLOAT, Graph, Value};
use crate::{FEATURES, LABEL, PROBABILITIES};

/// The interface by the file's own declarations, and every name that is read must be made somewhere.
pub(crate) fn check(graph: &Graph, n_features: usize, n_classes: usize) -> Result<(), LoadError> {
    let constants: BTreeSet<&str> = graph.constants.iter().map(|tensor| tensor.name).collect();
    let results: BTreeSet<&str> = graph.nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
    let is_constant = |name: &str| constants.contains(name);
    let is_made = |name: &str| results.contains(name) || is_constant(name) || name == FEATURES;
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
