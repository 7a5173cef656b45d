//! A model of another tool, given the interface of ours.
//!
//! Converters name inputs and outputs as they like, write labels as texts and give a label that knows no threshold. What is needed for
//! the probabilities is kept as it is; the rest goes, the label is computed anew, and the columns of the classes come in the contract's order.

mod classes;
mod fault;
mod missing;
mod plain;
mod raw;

use std::collections::{HashMap, HashSet};

use prost::Message;

use crate::graph::{FEATURES, LABEL, ML, PROBABILITIES};
use crate::head::Head;
use crate::proto::{AttributeProto, DataType, OperatorSetIdProto, StringStringEntryProto, ValueInfoProto};
pub use fault::ForeignError;
use raw::{RawGraph, RawModel, RawNode, RawTensor, RawValue};

/// Keys of the metadata that are ours.
const OWN: &str = "tidemark.";
/// Names that converters give the probabilities.
const USUAL: [&str; 4] = [PROBABILITIES, "output_probability", "probability", "output_probabilities"];
/// The least version of the operators that the added nodes need, the least that can be read as that one, and what a file without any gets.
const LEAST_OPSET: i64 = 9;
const READABLE_OPSET: i64 = 7;
const NEW_OPSET: i64 = 15;
/// From this IR version on a constant need not be an input, too.
const LEAST_IR: i64 = 4;

/// A model of another tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    model: RawModel,
}

impl Foreign {
    /// Decodes a file.
    ///
    /// # Errors
    /// Bytes that are no ONNX file, a file that is damaged, and one whose numbers lie elsewhere.
    pub fn read(bytes: &[u8]) -> Result<Self, ForeignError> {
        let model = RawModel::decode(bytes).map_err(|_| unreadable(bytes))?;
        let graph = model.graph.as_ref().filter(|graph| !graph.output.is_empty()).ok_or(ForeignError::NotOnnx)?;
        match graph.initializer.iter().find(|tensor| !tensor.external_data.is_empty()) {
            Some(tensor) => Err(ForeignError::External { tensor: tensor.name.clone() }),
            None => Ok(Self { model }),
        }
    }

    /// The tool that wrote the file, as it calls itself.
    pub fn producer(&self) -> String {
        format!("{} {}", self.model.producer_name, self.model.producer_version).trim().to_owned()
    }

    /// The file with our interface: input `features`, outputs `label` and `probabilities`, and the head's metadata.
    ///
    /// # Errors
    /// Inputs, outputs or classes that are not the contract's, each with a remedy in [`ForeignError::hint`].
    pub fn to_model(&self, head: &Head, n_features: usize, classes: &[String]) -> Result<Vec<u8>, ForeignError> {
        let mut model = self.model.clone();
        let version = settle_versions(&mut model)?;
        let mut graph = model.graph.take().ok_or(ForeignError::NotOnnx)?;
        let input = input(&graph, n_features)?.to_owned();
        let probabilities = probabilities(&graph, classes.len())?.to_owned();
        let order = classes::order(&graph, classes)?;
        keep_ancestors(&mut graph, &probabilities)?;
        let raw = if order.is_some() { "imported_probabilities" } else { PROBABILITIES };
        rename(&mut graph, &[(&input, FEATURES), (&probabilities, raw)]);
        plain::rewrite(&mut graph, version);
        if let Some(order) = order {
            let order = ints(&mut graph, "tidemark_order", &[classes.len()], &order);
            add(&mut graph, "Gather", &[raw, &order], PROBABILITIES, Some(1));
        }
        missing::check(&graph)?;
        add_label(&mut graph, head.threshold.unwrap_or(0.5), classes.len());
        graph.name.clone_from(&head.name);
        Ok(finish(model, graph, head, n_features, classes.len()))
    }
}

/// What bytes are that cannot be decoded. Every tool writes the version of the format first: tag 8 and a small number.
fn unreadable(bytes: &[u8]) -> ForeignError {
    match bytes {
        [8, 1..=99, ..] => ForeignError::Damaged,
        _ => ForeignError::NotOnnx,
    }
}

/// One version of the default operators, new enough for the nodes that are added; some converters name it twice or never.
fn settle_versions(model: &mut RawModel) -> Result<i64, ForeignError> {
    let is_default = |set: &OperatorSetIdProto| set.domain.is_empty() || set.domain == "ai.onnx";
    let found = model.opset_import.iter().filter(|set| is_default(set)).map(|set| set.version).max();
    let version = match found {
        Some(version) if version < READABLE_OPSET => return Err(ForeignError::Opset { version }),
        Some(version) => version.max(LEAST_OPSET),
        None => NEW_OPSET,
    };
    model.opset_import.retain(|set| !is_default(set));
    model.opset_import.insert(0, OperatorSetIdProto { domain: String::new(), version });
    model.ir_version = model.ir_version.max(LEAST_IR);
    Ok(version)
}

/// The name of the only input.
fn input(graph: &RawGraph, n_features: usize) -> Result<&str, ForeignError> {
    let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<&RawValue> = graph.input.iter().filter(|input| !constants.contains(input.name.as_str())).collect();
    let [input] = inputs[..] else {
        return Err(ForeignError::Inputs { names: inputs.iter().map(|input| input.name.clone()).collect() });
    };
    require_float("input", input)?;
    require_width("columns", n_features, input)?;
    Ok(&input.name)
}

/// The name of the output that holds the probabilities.
fn probabilities(graph: &RawGraph, n_classes: usize) -> Result<&str, ForeignError> {
    if let Some(zipped) = graph.output.iter().find(|output| output.is_collection()) {
        return Err(ForeignError::ZipMap { output: zipped.name.clone() });
    }
    let usual = graph.output.iter().find(|output| USUAL.contains(&output.name.as_str()));
    let matrices: Vec<&RawValue> = graph.output.iter().filter(|output| is_float(output) && output.rank() != Some(1)).collect();
    let output = match (usual, &matrices[..]) {
        (Some(usual), _) => usual,
        (None, [only]) => only,
        _ => return Err(ForeignError::NoProbabilities { outputs: graph.output.iter().map(|o| o.name.clone()).collect() }),
    };
    require_float("output", output)?;
    require_width("classes", n_classes, output)?;
    Ok(&output.name)
}

fn is_float(value: &RawValue) -> bool {
    value.tensor().is_some_and(|tensor| tensor.elem_type == DataType::Float as i32)
}

fn require_float(side: &'static str, value: &RawValue) -> Result<(), ForeignError> {
    match value.tensor().map(|tensor| tensor.elem_type) {
        Some(kind) if kind == DataType::Float as i32 => Ok(()),
        kind => Err(ForeignError::Type { side, name: value.name.clone(), found: kind.map_or("no tensor", type_name) }),
    }
}

/// Names of tensor types, by their number in onnx.proto.
fn type_name(kind: i32) -> &'static str {
    match kind {
        6 => "int32",
        7 => "int64",
        8 => "texts",
        9 => "booleans",
        10 => "float16",
        11 => "float64",
        _ => "another type",
    }
}

fn require_width(what: &'static str, contract: usize, value: &RawValue) -> Result<(), ForeignError> {
    match value.width() {
        Some(graph) if graph != contract as i64 => Err(ForeignError::Width { what, contract, graph: graph as usize }),
        _ => Ok(()),
    }
}

/// Drops every node that the wanted value does not need.
fn keep_ancestors(graph: &mut RawGraph, wanted: &str) -> Result<(), ForeignError> {
    let mut needed = HashSet::from([wanted.to_owned()]);
    let mut kept = Vec::new();
    for node in std::mem::take(&mut graph.node).into_iter().rev() {
        if !node.output.iter().any(|output| needed.contains(output)) {
            continue;
        }
        if node.holds_graph() {
            return Err(ForeignError::Nested { operator: node.op_type, node: node.name });
        }
        needed.extend(node.input.iter().cloned());
        kept.push(node);
    }
    kept.reverse();
    graph.node = kept;
    graph.initializer.retain(|tensor| needed.contains(&tensor.name));
    Ok(())
}

/// Gives values new names; another value that has one of our names makes way.
fn rename(graph: &mut RawGraph, pairs: &[(&str, &str)]) {
    let mut names: HashMap<String, String> =
        [FEATURES, LABEL, PROBABILITIES].map(|name| (name.to_owned(), format!("imported_value_{name}"))).into();
    names.extend(pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())));
    let values = graph.node.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
    for value in values.chain(graph.initializer.iter_mut().map(|tensor| &mut tensor.name)) {
        if let Some(name) = names.get(value.as_str()) {
            value.clone_from(name);
        }
    }
}

/// With two classes 1 where the second's probability is above the threshold, else the likeliest class.
///
/// `Where` picks among int64 constants, as tract reads a cast to int64 as its type of symbolic dimensions.
fn add_label(graph: &mut RawGraph, threshold: f32, n_classes: usize) {
    if n_classes > 2 {
        add(graph, "ArgMax", &[PROBABILITIES], LABEL, Some(1));
        let keep = AttributeProto::int("keepdims", 0).encode_to_vec();
        graph.node.last_mut().expect("it was just added").attribute.push(keep);
        return;
    }
    let [zero, one] = [0, 1].map(|value| ints(graph, &format!("tidemark_{value}"), &[1], &[value]));
    let second = ints(graph, "tidemark_second", &[], &[1]);
    graph.initializer.push(RawTensor {
        dims: vec![1],
        data_type: DataType::Float as i32,
        float_data: vec![threshold],
        name: "tidemark_threshold".into(),
        ..RawTensor::default()
    });
    add(graph, "Gather", &[PROBABILITIES, &second], "tidemark_probability", Some(1));
    add(graph, "Greater", &["tidemark_probability", "tidemark_threshold"], "tidemark_above", None);
    add(graph, "Where", &["tidemark_above", &one, &zero], LABEL, None);
}

fn ints(graph: &mut RawGraph, name: &str, dims: &[usize], values: &[i64]) -> String {
    let dims = dims.iter().map(|&dim| dim as i64).collect();
    let (data_type, int64_data) = (DataType::Int64 as i32, values.to_vec());
    graph.initializer.push(RawTensor { dims, data_type, int64_data, name: name.into(), ..RawTensor::default() });
    name.to_owned()
}

fn add(graph: &mut RawGraph, op_type: &str, inputs: &[&str], output: &str, axis: Option<i64>) {
    graph.node.push(RawNode {
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        name: format!("tidemark_{op_type}_{}", graph.node.len()),
        op_type: op_type.into(),
        attribute: axis.map(|axis| AttributeProto::int("axis", axis).encode_to_vec()).into_iter().collect(),
        ..RawNode::default()
    });
}

/// Encodes the file with our declarations of what goes in and out.
fn finish(mut model: RawModel, mut graph: RawGraph, head: &Head, n_features: usize, n_classes: usize) -> Vec<u8> {
    let declared = |value: ValueInfoProto| RawValue::decode(&value.encode_to_vec()[..]).expect("both describe the same message");
    graph.input = vec![declared(ValueInfoProto::rows(FEATURES, DataType::Float, Some(n_features)))];
    graph.output = vec![
        declared(ValueInfoProto::rows(LABEL, DataType::Int64, None)),
        declared(ValueInfoProto::rows(PROBABILITIES, DataType::Float, Some(n_classes))),
    ];
    let used: HashSet<&str> = graph.node.iter().map(|node| node.domain.as_str()).collect();
    model.opset_import.retain(|set| set.domain != ML || used.contains(ML));
    model.graph = Some(graph);
    model.metadata_props.retain(|entry| !entry.key.starts_with(OWN));
    let own = head.metadata.iter().map(|(key, value)| StringStringEntryProto { key: key.clone(), value: value.clone() });
    model.metadata_props.extend(own);
    model.encode_to_vec()
}

#[cfg(test)]
mod tests;
