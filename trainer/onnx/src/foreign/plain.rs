//! Operators of scikit-learn's pipelines in plain ones, which every runtime has.
//!
//! Source: ONNX operators of `ai.onnx.ml`, Scaler and Imputer.

use std::collections::HashSet;

use prost::Message;

use super::raw::{RawAttribute, RawGraph, RawNode, RawTensor};
use crate::proto::AttributeProto;

const FLOAT: i32 = 1;
const INT64: i32 = 7;
/// The first version of the operators in which `Equal` compares floats.
const EQUAL_OF_FLOATS: i64 = 11;

/// Replaces what can be said in plain operators. `version` is that of the default set.
pub(crate) fn rewrite(graph: &mut RawGraph, version: i64) {
    let read: HashSet<String> = graph.node.iter().flat_map(|node| node.input.clone()).collect();
    let nodes = std::mem::take(&mut graph.node);
    for (at, node) in nodes.into_iter().enumerate() {
        let mut steps = Steps { graph: &mut *graph, stem: format!("tidemark_{at}"), n_made: 0 };
        let replaced = match node.op_type.as_str() {
            "Scaler" => scaler(&node, &mut steps),
            "Imputer" => imputer(&node, &mut steps, version),
            "ArrayFeatureExtractor" => picker(&node, &mut steps),
            _ => None,
        };
        if replaced.is_none() {
            graph.node.push(with_numbered_labels(node, &read));
        }
    }
}

/// `(x - offset) * scale`
fn scaler(node: &RawNode, steps: &mut Steps) -> Option<()> {
    let (input, output) = (node.input.first()?, node.output.first()?);
    let list = |name| Some(node.attribute(name)?.floats).filter(|values| !values.is_empty());
    let (offset, scale) = (list("offset")?, list("scale")?);
    let offset = steps.floats(offset);
    let scale = steps.floats(scale);
    let moved = steps.op("Sub", &[input, &offset]);
    steps.op_to("Mul", &[&moved, &scale], output);
    Some(())
}

/// A value that is missing, or equal to the one that stands for missing, becomes its column's.
fn imputer(node: &RawNode, steps: &mut Steps, version: i64) -> Option<()> {
    let (input, output) = (node.input.first()?, node.output.first()?);
    let values = node.attribute("imputed_value_floats")?.floats;
    let replaced = node.attribute("replaced_value_float").map_or(0.0, |attribute| attribute.f);
    if values.is_empty() || (!replaced.is_nan() && version < EQUAL_OF_FLOATS) {
        return None;
    }
    let values = steps.floats(values);
    let is_missing = if replaced.is_nan() {
        steps.op("IsNaN", &[input])
    } else {
        let replaced = steps.floats(vec![replaced]);
        steps.op("Equal", &[input, &replaced])
    };
    steps.op_to("Where", &[&is_missing, &values, input], output);
    Some(())
}

/// Picks columns of a matrix; tract's own operator loses a dimension.
fn picker(node: &RawNode, steps: &mut Steps) -> Option<()> {
    let [matrix, columns] = &node.input[..] else { return None };
    let constant = |name: &String| steps.graph.initializer.iter().find(|tensor| tensor.name == *name);
    if constant(matrix).is_some() {
        return None;
    }
    let columns = constant(columns)?.integers()?;
    let output = node.output.first()?;
    let columns = steps.ints(columns);
    steps.op_to("Gather", &[matrix, &columns], output);
    let axis = AttributeProto::int("axis", 1).encode_to_vec();
    steps.graph.node.last_mut()?.attribute.push(axis);
    Some(())
}

/// A classifier whose own label nobody reads may number its classes, which needs no tensor of texts.
fn with_numbered_labels(mut node: RawNode, read: &HashSet<String>) -> RawNode {
    let number = match node.op_type.as_str() {
        "TreeEnsembleClassifier" => "classlabels_int64s",
        "LinearClassifier" => "classlabels_ints",
        _ => return node,
    };
    let texts = |attribute: &RawAttribute| attribute.name == "classlabels_strings" && !attribute.strings.is_empty();
    let n_classes = node.attributes().find(texts).map_or(0, |attribute| attribute.strings.len());
    if n_classes > 0 && !node.output.first().is_some_and(|label| read.contains(label)) {
        let stays = |bytes: &Vec<u8>| RawAttribute::decode(&bytes[..]).ok().is_none_or(|attribute| !texts(&attribute));
        node.attribute.retain(stays);
        node.attribute.push(AttributeProto::ints(number, (0..n_classes as i64).collect()).encode_to_vec());
    }
    node
}

/// Adds operators and constants under names of their own.
struct Steps<'a> {
    graph: &'a mut RawGraph,
    stem: String,
    n_made: usize,
}

impl Steps<'_> {
    fn floats(&mut self, values: Vec<f32>) -> String {
        let name = self.name();
        self.graph.initializer.push(RawTensor {
            dims: vec![values.len() as i64],
            data_type: FLOAT,
            float_data: values,
            name: name.clone(),
            ..RawTensor::default()
        });
        name
    }

    fn ints(&mut self, values: Vec<i64>) -> String {
        let (name, dims) = (self.name(), vec![values.len() as i64]);
        let tensor = RawTensor { dims, data_type: INT64, int64_data: values, name: name.clone(), ..RawTensor::default() };
        self.graph.initializer.push(tensor);
        name
    }

    fn op(&mut self, op_type: &str, inputs: &[&str]) -> String {
        let output = self.name();
        self.op_to(op_type, inputs, &output);
        output
    }

    fn op_to(&mut self, op_type: &str, inputs: &[&str], output: &str) {
        let input = inputs.iter().map(|&name| name.to_owned()).collect();
        let name = self.name();
        self.graph.node.push(RawNode { input, output: vec![output.into()], name, op_type: op_type.into(), ..RawNode::default() });
    }

    fn name(&mut self) -> String {
        self.n_made += 1;
        format!("{}_{}", self.stem, self.n_made)
    }
}
