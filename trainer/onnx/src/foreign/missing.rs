//! Whether a missing number, which arrives as NaN, can reach the probabilities.
//!
//! Runtimes differ in what they make of a NaN (onnxruntime keeps it, tract's `Relu` and `Sigmoid` give numbers), so a model must deal with it
//! itself: trees send it to a branch, an imputer puts a number in its place.

use std::collections::{HashMap, HashSet};

use super::fault::ForeignError;
use super::raw::{RawGraph, RawNode};
use crate::graph::{FEATURES, PROBABILITIES};

/// Operators whose outputs are never NaN because an input is.
const SAFE: [&str; 3] = ["TreeEnsembleClassifier", "TreeEnsembleRegressor", "IsNaN"];

/// Refuses a graph in which a NaN among the features reaches the probabilities.
pub(crate) fn check(graph: &RawGraph) -> Result<(), ForeignError> {
    let mut reached: HashSet<&str> = HashSet::from([FEATURES]);
    let mut masks: HashMap<&str, &str> = HashMap::new();
    let mut first = None;
    for node in &graph.node {
        let input = |at: usize| node.input.get(at).map_or("", String::as_str);
        if node.op_type == "IsNaN" {
            masks.extend(node.output.first().map(|output| (output.as_str(), input(0))));
        }
        let is_imputer = node.op_type == "Where" && masks.get(input(0)) == Some(&input(2)) && !reached.contains(input(1));
        if is_imputer || SAFE.contains(&node.op_type.as_str()) || !node.input.iter().any(|name| reached.contains(name.as_str())) {
            continue;
        }
        first = first.or(Some(node));
        reached.extend(node.output.iter().map(String::as_str));
    }
    match first {
        Some(node) if reached.contains(PROBABILITIES) => Err(refusal(node)),
        _ => Ok(()),
    }
}

fn refusal(node: &RawNode) -> ForeignError {
    ForeignError::Missing { operator: node.op_type.clone(), node: node.name.clone() }
}
