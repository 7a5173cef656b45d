//! The parts of an ONNX file that decide what a model computes, as borrowed views of its bytes.
//!
//! Source: onnx/onnx.proto of ONNX 1.16 (IR version 10); names are its own. Fields that nothing here asks for are skipped.
//! Reading takes memory in proportion to the file, whatever the file claims.

mod wire;

use crate::error::LoadError;
#[cfg(feature = "tract")]
use crate::{FEATURES, LABEL, PROBABILITIES};
use wire::{Broken, Field, fields, floats, integers, next_field, short_texts, small_integers, text};

/// The most operators, constants, inputs and outputs of a graph, each; and the most attributes of all operators. Empty ones take two bytes of
/// a file and a hundred times as much here, and no classifier has nearly as many.
const MOST_PARTS: usize = 20_000;
const MOST_ATTRIBUTES: usize = 100_000;

/// `TensorProto.DataType` of float32.
pub(crate) const FLOAT: i64 = 1;
/// `TensorProto.DataType` of int64.
pub(crate) const INT64: i64 = 7;
/// `TensorProto.DataType` of float64.
pub(crate) const DOUBLE: i64 = 11;

/// A decoded file.
#[derive(Default)]
pub(crate) struct Model<'a> {
    pub(crate) graph: Graph<'a>,
    /// Domain and version; the default domain is empty.
    pub(crate) opsets: Vec<(&'a str, i64)>,
    /// `metadata_props`, in the file's order.
    pub(crate) metadata: Vec<(&'a str, &'a str)>,
}

#[derive(Default)]
pub(crate) struct Graph<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    /// The initializers.
    pub(crate) constants: Vec<Tensor<'a>>,
    pub(crate) inputs: Vec<Value<'a>>,
    pub(crate) outputs: Vec<Value<'a>>,
}

#[derive(Default)]
pub(crate) struct Node<'a> {
    pub(crate) inputs: Vec<&'a str>,
    pub(crate) outputs: Vec<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) operator: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// An attribute; the fields of other types than its own are empty.
#[derive(Default)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'a str,
    pub(crate) number: i64,
    pub(crate) text: &'a [u8],
    pub(crate) floats: Vec<f32>,
    /// Those beyond 32 bits are cut.
    pub(crate) integers: Vec<i32>,
    pub(crate) texts: Vec<&'a [u8]>,
    /// Whether it holds what no classifier needs: graphs, types, lists of tensors or sparse ones.
    pub(crate) is_nested: bool,
}

/// A constant. Values lie in `raw` or in the list of their type.
#[derive(Default)]
pub(crate) struct Tensor<'a> {
    pub(crate) name: &'a str,
    pub(crate) dims: Vec<i64>,
    pub(crate) kind: i64,
    raw: &'a [u8],
    floats: Vec<f32>,
    integers: Vec<i64>,
    is_external: bool,
}

/// A declared input or output.
#[derive(Default)]
pub(crate) struct Value<'a> {
    pub(crate) name: &'a str,
    /// Type of a tensor's elements; 0 for what is no tensor.
    pub(crate) kind: i64,
    /// The second dimension, where it is a number.
    pub(crate) width: Option<i64>,
}

impl<'a> Model<'a> {
    /// Decodes a file.
    ///
    /// # Errors
    /// [`LoadError::Truncated`] where the bytes end within the file, [`LoadError::NotOnnx`] for anything else that is no file with a graph.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let refuse = |broken| match broken {
            Broken::TooLarge => LoadError::Graph { reason: "it has more parts than a classifier".into() },
            Broken::Message if ends_early(bytes) => LoadError::Truncated { bytes: bytes.len() },
            Broken::Message => LoadError::NotOnnx,
        };
        let mut model = Self::default();
        let (mut has_graph, mut ir_version) = (false, 0);
        for field in fields(bytes) {
            match field.map_err(refuse)? {
                (1, Field::Number(version)) => ir_version = version,
                (7, Field::Bytes(graph)) => {
                    model.graph = Graph::read(graph).map_err(refuse)?;
                    has_graph = true;
                }
                (8, Field::Bytes(set)) => model.opsets.push(read_opset(set).map_err(refuse)?),
                (14, Field::Bytes(pair)) => model.metadata.push(read_pair(pair).map_err(refuse)?),
                _ => {}
            }
        }
        match has_graph {
            true => Ok(model),
            false if ir_version > 0 => Err(LoadError::Truncated { bytes: bytes.len() }),
            false => Err(refuse(Broken::Message)),
        }
    }
}

impl<'a> Graph<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let mut graph = Self::default();
        let mut attributes_left = MOST_ATTRIBUTES;
        for field in fields(bytes) {
            match field? {
                (1, Field::Bytes(node)) => push(&mut graph.nodes, Node::read(node, &mut attributes_left)?)?,
                (5, Field::Bytes(tensor)) => push(&mut graph.constants, Tensor::read(tensor)?)?,
                (11, Field::Bytes(value)) => push(&mut graph.inputs, Value::read(value)?)?,
                (12, Field::Bytes(value)) => push(&mut graph.outputs, Value::read(value)?)?,
                _ => {}
            }
        }
        Ok(graph)
    }
}

fn push<T>(parts: &mut Vec<T>, part: T) -> Result<(), Broken> {
    if parts.len() == MOST_PARTS {
        return Err(Broken::TooLarge);
    }
    parts.push(part);
    Ok(())
}

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8], attributes_left: &mut usize) -> Result<Self, Broken> {
        let mut node = Self::default();
        for field in fields(bytes) {
            match field? {
                (1, Field::Bytes(name)) => node.inputs.push(text(name)?),
                (2, Field::Bytes(name)) => node.outputs.push(text(name)?),
                (3, Field::Bytes(name)) => node.name = text(name)?,
                (4, Field::Bytes(operator)) => node.operator = text(operator)?,
                (5, Field::Bytes(attribute)) => {
                    *attributes_left = attributes_left.checked_sub(1).ok_or(Broken::TooLarge)?;
                    node.attributes.push(Attribute::read(attribute)?);
                }
                (7, Field::Bytes(domain)) => node.domain = text(domain)?,
                _ => {}
            }
        }
        Ok(node)
    }

    /// The attribute of a name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

impl<'a> Attribute<'a> {
    // One of the trees' attributes has a text for every node; see `lowered/trees/build.rs`.
    #[inline(never)]
    fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let (mut attribute, mut rest) = (Self::default(), bytes);
        while let Some(field) = next_field(&mut rest) {
            match field? {
                (1, Field::Bytes(name)) => attribute.name = text(name)?,
                (3, Field::Number(number)) => attribute.number = number as i64,
                (4, Field::Bytes(text)) => attribute.text = text,
                (7, values) => floats(values, &mut attribute.floats)?,
                (8, values) => small_integers(values, &mut attribute.integers)?,
                (9, Field::Bytes(text)) => {
                    attribute.texts.push(text);
                    short_texts(9, &mut rest, &mut attribute.texts);
                }
                (6 | 10 | 11 | 14 | 15 | 22 | 23, _) => attribute.is_nested = true,
                _ => {}
            }
        }
        Ok(attribute)
    }
}

impl<'a> Tensor<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let mut tensor = Self::default();
        for field in fields(bytes) {
            match field? {
                (1, dims) => integers(dims, &mut tensor.dims)?,
                (2, Field::Number(kind)) => tensor.kind = kind as i64,
                (4, values) => floats(values, &mut tensor.floats)?,
                (7, values) => integers(values, &mut tensor.integers)?,
                (8, Field::Bytes(name)) => tensor.name = text(name)?,
                (9, Field::Bytes(raw)) => tensor.raw = raw,
                (13 | 14, _) => tensor.is_external = true,
                _ => {}
            }
        }
        Ok(tensor)
    }

    /// The values of a float32 tensor, row-major; none for another type, or where their number is not that of the dimensions.
    pub(crate) fn to_floats(&self) -> Option<Vec<f32>> {
        let values = match self.raw.as_chunks::<4>() {
            ([], []) => self.floats.clone(),
            (values, []) => values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            _ => return None,
        };
        (self.kind == FLOAT && self.is_of_length(values.len())).then_some(values)
    }

    /// The values of an int64 tensor, as [`Tensor::to_floats`].
    pub(crate) fn to_integers(&self) -> Option<Vec<i64>> {
        let values = match self.raw.as_chunks::<8>() {
            ([], []) => self.integers.clone(),
            (values, []) => values.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect(),
            _ => return None,
        };
        (self.kind == INT64 && self.is_of_length(values.len())).then_some(values)
    }

    /// How much its values take in the file.
    pub(crate) fn n_bytes(&self) -> usize {
        self.raw.len() + 4 * self.floats.len() + 8 * self.integers.len()
    }

    fn is_of_length(&self, length: usize) -> bool {
        let product = self.dims.iter().try_fold(1_i64, |product, dim| product.checked_mul(*dim).filter(|_| *dim >= 0));
        !self.is_external && product == Some(length as i64)
    }
}

impl<'a> Value<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let mut value = Self::default();
        for field in fields(bytes) {
            match field? {
                (1, Field::Bytes(name)) => value.name = text(name)?,
                (2, Field::Bytes(kind)) => value.read_type(kind)?,
                _ => {}
            }
        }
        Ok(value)
    }

    fn read_type(&mut self, bytes: &'a [u8]) -> Result<(), Broken> {
        for field in fields(bytes) {
            let (1, Field::Bytes(tensor)) = field? else { continue };
            for field in fields(tensor) {
                match field? {
                    (1, Field::Number(kind)) => self.kind = kind as i64,
                    (2, Field::Bytes(shape)) => self.width = read_width(shape)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// The second dimension of a shape, where it is a number.
fn read_width(shape: &[u8]) -> Result<Option<i64>, Broken> {
    let mut dims = Vec::new();
    for field in fields(shape) {
        let (1, Field::Bytes(dim)) = field? else { continue };
        let mut number = None;
        for field in fields(dim) {
            if let (1, Field::Number(value)) = field? {
                number = Some(value as i64);
            }
        }
        dims.push(number);
    }
    Ok(dims.get(1).copied().flatten())
}

fn read_opset(bytes: &[u8]) -> Result<(&str, i64), Broken> {
    let mut set = ("", 0);
    for field in fields(bytes) {
        match field? {
            (1, Field::Bytes(domain)) => set.0 = text(domain)?,
            (2, Field::Number(version)) => set.1 = version as i64,
            _ => {}
        }
    }
    Ok(set)
}

fn read_pair(bytes: &[u8]) -> Result<(&str, &str), Broken> {
    let mut pair = ("", "");
    for field in fields(bytes) {
        match field? {
            (1, Field::Bytes(key)) => pair.0 = text(key)?,
            (2, Field::Bytes(value)) => pair.1 = text(value)?,
            _ => {}
        }
    }
    Ok(pair)
}

/// A file that holds what decides what the model computes, and nothing else: for a reader that takes memory for all there is.
#[cfg(feature = "tract")]
pub(crate) fn bare(model: &[u8]) -> Vec<u8> {
    let mut bare = Vec::new();
    // Of several graphs the last counts, as in `Model::read`.
    let mut last_graph: &[u8] = &[];
    for field in fields(model).flatten() {
        match field {
            (1, Field::Number(version)) => wire::put_number(1, version, &mut bare),
            (7, Field::Bytes(graph)) => last_graph = graph,
            (8, Field::Bytes(set)) => wire::put_bytes(8, set, &mut bare),
            _ => {}
        }
    }
    wire::put_bytes(7, &bare_graph(last_graph), &mut bare);
    bare
}

/// Operators and constants, with the interface that was checked.
#[cfg(feature = "tract")]
fn bare_graph(graph: &[u8]) -> Vec<u8> {
    const FLOAT_TENSOR: &[u8] = &[0x0a, 0x02, 0x08, FLOAT as u8];
    let mut bare = Vec::with_capacity(graph.len());
    for field in fields(graph).flatten() {
        if let (number @ (1 | 5), Field::Bytes(part)) = field {
            wire::put_bytes(number, part, &mut bare);
        }
    }
    for (side, name) in [(11, FEATURES), (12, LABEL), (12, PROBABILITIES)] {
        let mut value = Vec::new();
        wire::put_bytes(1, name.as_bytes(), &mut value);
        if side == 11 {
            wire::put_bytes(2, FLOAT_TENSOR, &mut value);
        }
        wire::put_bytes(side, &value, &mut bare);
    }
    bare
}

/// Whether the bytes are fields of an ONNX model of which the last one is cut short.
///
/// An ONNX file's fields are numbers and lengths with bytes, the IR version first.
fn ends_early(mut bytes: &[u8]) -> bool {
    const IR_VERSION: u8 = 0x08;
    const LAST_FIELD: u64 = 26;
    if bytes.first() != Some(&IR_VERSION) {
        return false;
    }
    while !bytes.is_empty() {
        let Some(key) = wire::varint(&mut bytes) else { return true };
        let Some(number) = wire::varint(&mut bytes) else { return true };
        match (key >> 3, key & 7) {
            (1..=LAST_FIELD, 0) => {}
            (1..=LAST_FIELD, 2) if number > bytes.len() as u64 => return true,
            (1..=LAST_FIELD, 2) => bytes = &bytes[number as usize..],
            _ => return false,
        }
    }
    false
}
