//! Builds a graph operator by operator; each call gives back the name of what it made.

use prost::Message;

use crate::calendar::Calendar;
use crate::head::Head;
use crate::proto::{
    AttributeProto, DataType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    ValueInfoProto,
};

pub(crate) const FEATURES: &str = "features";
pub(crate) const PROBABILITIES: &str = "probabilities";
pub(crate) const LABEL: &str = "label";
pub(crate) const ML: &str = "ai.onnx.ml";
const AXIS: &str = "axis";

/// Operators and constants so far.
#[derive(Default)]
pub(crate) struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Graph {
    /// A float32 constant.
    pub(crate) fn floats(&mut self, dims: &[usize], values: &[f32]) -> String {
        self.constant(DataType::Float, dims, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Float32 numbers as a float64 constant.
    pub(crate) fn doubles(&mut self, dims: &[usize], values: &[f32]) -> String {
        let constant = self.floats(dims, values);
        self.cast(&constant, DataType::Double)
    }

    /// The same numbers in another type.
    pub(crate) fn cast(&mut self, values: &str, to: DataType) -> String {
        self.op("Cast", &[values], vec![AttributeProto::int("to", to as i64)])
    }

    /// An int64 constant.
    pub(crate) fn ints(&mut self, dims: &[usize], values: &[i64]) -> String {
        self.constant(DataType::Int64, dims, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// An operator of the default domain with one output.
    pub(crate) fn op(&mut self, op_type: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = format!("{}_{}", op_type.to_lowercase(), self.nodes.len());
        self.node("", op_type, inputs, &[&output], attributes);
        output
    }

    /// An operator whose output is the probabilities.
    pub(crate) fn op_to_probabilities(&mut self, op_type: &str, inputs: &[&str], attributes: Vec<AttributeProto>) {
        self.node("", op_type, inputs, &[PROBABILITIES], attributes);
    }

    /// Logits to the probabilities: the sigmoid of one logit for two classes, the softmax of one each for more.
    pub(crate) fn link(&mut self, logits: &str, n_classes: usize) {
        if n_classes > 2 {
            return self.op_to_probabilities("Softmax", &[logits], vec![axis(1)]);
        }
        let second = self.op("Sigmoid", &[logits], vec![]);
        let one = self.floats(&[1, 1], &[1.0]);
        let first = self.op("Sub", &[&one, &second], vec![]);
        self.op_to_probabilities("Concat", &[&first, &second], vec![axis(1)]);
    }

    /// A classifier of the ML domain, from the features to the probabilities; its own label is not used.
    pub(crate) fn classifier(&mut self, op_type: &str, attributes: Vec<AttributeProto>) {
        let own_label = format!("operator_label_{}", self.nodes.len());
        self.node(ML, op_type, &[FEATURES], &[&own_label, PROBABILITIES], attributes);
    }

    /// The columns of the features with these indices.
    pub(crate) fn columns(&mut self, features: impl IntoIterator<Item = usize>) -> String {
        self.columns_of(FEATURES, features)
    }

    /// The columns of a matrix with these indices.
    pub(crate) fn columns_of(&mut self, matrix: &str, columns: impl IntoIterator<Item = usize>) -> String {
        let indices: Vec<i64> = columns.into_iter().map(|column| column as i64).collect();
        let indices = self.ints(&[indices.len()], &indices);
        self.op("Gather", &[matrix, &indices], vec![axis(1)])
    }

    /// The label, from the probabilities: with two classes 1 when the second's probability is above the threshold, else the likeliest.
    ///
    /// It is computed here as onnxruntime's own label for two classes compares the raw value with 0, and carries no threshold.
    pub(crate) fn finish(mut self, head: &Head, n_features: usize, n_classes: usize) -> Vec<u8> {
        let n_features = head.calendar.as_ref().map_or(n_features, |calendar| self.unfold_first(calendar));
        if let Some(calibration) = &head.calibration {
            let raw = self.rename_probabilities("raw");
            calibration.write(&mut self, &raw);
        }
        match n_classes {
            2 => self.label_by_threshold(head.threshold.unwrap_or(0.5)),
            _ => self.node("", "ArgMax", &[PROBABILITIES], &[LABEL], vec![axis(1), AttributeProto::int("keepdims", 0)]),
        }
        let graph = GraphProto {
            node: self.nodes,
            name: head.name.clone(),
            initializer: self.constants,
            input: vec![ValueInfoProto::rows(FEATURES, DataType::Float, Some(n_features))],
            output: vec![
                ValueInfoProto::rows(LABEL, DataType::Int64, None),
                ValueInfoProto::rows(PROBABILITIES, DataType::Float, Some(n_classes)),
            ],
        };
        model(graph, head).encode_to_vec()
    }

    /// Puts the calendar in front: what was made of the features is made of the wider rows. Gives back the width of the features.
    fn unfold_first(&mut self, calendar: &Calendar) -> usize {
        let n_nodes = self.nodes.len();
        let rows = calendar.write(self);
        let inputs = self.nodes[..n_nodes].iter_mut().flat_map(|node| &mut node.input);
        inputs.filter(|name| *name == FEATURES).for_each(|name| name.clone_from(&rows));
        // Nodes are listed in the order in which they can run.
        self.nodes.rotate_left(n_nodes);
        calendar.n_features
    }

    /// Gives the probabilities so far a name of their own, so that what is made of them can have theirs.
    pub(crate) fn rename_probabilities(&mut self, name: &str) -> String {
        let name = format!("{name}_{PROBABILITIES}_{}", self.nodes.len());
        let outputs = self.nodes.iter_mut().flat_map(|node| &mut node.output);
        outputs.filter(|output| *output == PROBABILITIES).for_each(|output| name.clone_into(output));
        name
    }

    /// `Where` picks among int64 constants, as tract reads a cast to int64 as its type of symbolic dimensions.
    fn label_by_threshold(&mut self, threshold: f32) {
        let second = self.ints(&[1], &[1]);
        let probability = self.op("Gather", &[PROBABILITIES, &second], vec![axis(1)]);
        let threshold = self.floats(&[1, 1], &[threshold]);
        let above = self.op("Greater", &[&probability, &threshold], vec![]);
        let (one, zero) = (self.ints(&[1, 1], &[1]), self.ints(&[1, 1], &[0]));
        let column = self.op("Where", &[&above, &one, &zero], vec![]);
        let axes = self.ints(&[1], &[1]);
        self.node("", "Squeeze", &[&column, &axes], &[LABEL], vec![]);
    }

    fn constant(&mut self, kind: DataType, dims: &[usize], raw_data: Vec<u8>) -> String {
        let name = format!("constant_{}", self.constants.len());
        let dims = dims.iter().map(|&dim| dim as i64).collect();
        self.constants.push(TensorProto { dims, data_type: kind.into(), name: name.clone(), raw_data });
        name
    }

    fn node(&mut self, domain: &str, op_type: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<AttributeProto>) {
        let texts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        self.nodes.push(NodeProto {
            input: texts(inputs),
            output: texts(outputs),
            name: format!("{op_type}_{}", self.nodes.len()),
            op_type: op_type.into(),
            attribute,
            domain: domain.into(),
        });
    }
}

/// The attribute `axis`.
pub(crate) fn axis(axis: i64) -> AttributeProto {
    AttributeProto::int(AXIS, axis)
}

fn model(graph: GraphProto, head: &Head) -> ModelProto {
    let pairs = head.metadata.iter();
    ModelProto {
        ir_version: 8,
        producer_name: "tidemark".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        opset_import: vec![
            OperatorSetIdProto { domain: String::new(), version: 15 },
            OperatorSetIdProto { domain: ML.into(), version: 3 },
        ],
        metadata_props: pairs.map(|(key, value)| StringStringEntryProto { key: key.clone(), value: value.clone() }).collect(),
    }
}
