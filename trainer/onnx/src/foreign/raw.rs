//! An ONNX file of another tool: what is rewritten is decoded, everything else stays bytes and is written back as it came.
//!
//! Source: onnx/onnx.proto of ONNX 1.16 (IR version 10); a repeated message is read as repeated bytes, which are the same on the wire.

use prost::Message;

use crate::proto::{OperatorSetIdProto, StringStringEntryProto};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawModel {
    #[prost(int64, tag = "1")]
    pub(crate) ir_version: i64,
    #[prost(string, tag = "2")]
    pub(crate) producer_name: String,
    #[prost(string, tag = "3")]
    pub(crate) producer_version: String,
    #[prost(string, tag = "4")]
    pub(crate) domain: String,
    #[prost(int64, tag = "5")]
    pub(crate) model_version: i64,
    #[prost(string, tag = "6")]
    pub(crate) doc_string: String,
    #[prost(message, optional, tag = "7")]
    pub(crate) graph: Option<RawGraph>,
    #[prost(message, repeated, tag = "8")]
    pub(crate) opset_import: Vec<OperatorSetIdProto>,
    #[prost(message, repeated, tag = "14")]
    pub(crate) metadata_props: Vec<StringStringEntryProto>,
    #[prost(bytes = "vec", repeated, tag = "25")]
    pub(crate) functions: Vec<Vec<u8>>,
}

/// Declared types of values inside are left out: they are optional, and some of them would be of names that changed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawGraph {
    #[prost(message, repeated, tag = "1")]
    pub(crate) node: Vec<RawNode>,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) initializer: Vec<RawTensor>,
    #[prost(string, tag = "10")]
    pub(crate) doc_string: String,
    #[prost(message, repeated, tag = "11")]
    pub(crate) input: Vec<RawValue>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) output: Vec<RawValue>,
    #[prost(bytes = "vec", repeated, tag = "15")]
    pub(crate) sparse_initializer: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawNode {
    #[prost(string, repeated, tag = "1")]
    pub(crate) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) output: Vec<String>,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
    #[prost(string, tag = "4")]
    pub(crate) op_type: String,
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub(crate) attribute: Vec<Vec<u8>>,
    #[prost(string, tag = "6")]
    pub(crate) doc_string: String,
    #[prost(string, tag = "7")]
    pub(crate) domain: String,
    #[prost(string, tag = "8")]
    pub(crate) overload: String,
}

/// The fields of an attribute that are looked at; it is never written back.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawAttribute {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(float, tag = "2")]
    pub(crate) f: f32,
    #[prost(bytes = "vec", optional, tag = "6")]
    pub(crate) graph: Option<Vec<u8>>,
    #[prost(float, repeated, tag = "7")]
    pub(crate) floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    pub(crate) ints: Vec<i64>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub(crate) strings: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "11")]
    pub(crate) graphs: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawTensor {
    #[prost(int64, repeated, tag = "1")]
    pub(crate) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub(crate) data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub(crate) float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub(crate) int32_data: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub(crate) string_data: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "7")]
    pub(crate) int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub(crate) name: String,
    #[prost(bytes = "vec", optional, tag = "9")]
    pub(crate) raw_data: Option<Vec<u8>>,
    #[prost(double, repeated, tag = "10")]
    pub(crate) double_data: Vec<f64>,
    #[prost(uint64, repeated, tag = "11")]
    pub(crate) uint64_data: Vec<u64>,
    #[prost(bytes = "vec", repeated, tag = "13")]
    pub(crate) external_data: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawValue {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) r#type: Option<RawType>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawType {
    #[prost(message, optional, tag = "1")]
    pub(crate) tensor: Option<RawTensorType>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(crate) sequence: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "5")]
    pub(crate) map: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawTensorType {
    #[prost(int32, tag = "1")]
    pub(crate) elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) shape: Option<RawShape>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawShape {
    #[prost(message, repeated, tag = "1")]
    pub(crate) dim: Vec<RawDimension>,
}

/// A number, or a name that stands for one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawDimension {
    #[prost(int64, optional, tag = "1")]
    pub(crate) number: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(crate) symbol: Option<String>,
}

impl RawNode {
    /// The attribute of a name.
    pub(crate) fn attribute(&self, name: &str) -> Option<RawAttribute> {
        self.attributes().find(|attribute| attribute.name == name)
    }

    /// Attributes that can be decoded.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = RawAttribute> {
        self.attribute.iter().filter_map(|bytes| RawAttribute::decode(&bytes[..]).ok())
    }

    /// Whether an attribute holds a graph of its own.
    pub(crate) fn holds_graph(&self) -> bool {
        self.attributes().any(|attribute| attribute.graph.is_some() || !attribute.graphs.is_empty())
    }
}

impl RawTensor {
    /// The values of a tensor of int64 or int32, in whichever place the file keeps them.
    pub(crate) fn integers(&self) -> Option<Vec<i64>> {
        const INT32: i32 = 6;
        const INT64: i32 = 7;
        let raw = self.raw_data.as_deref().unwrap_or_default();
        let mut integers = self.int64_data.clone();
        integers.extend(self.int32_data.iter().copied().map(i64::from));
        match self.data_type {
            INT64 => integers.extend(raw.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes))),
            INT32 => integers.extend(raw.as_chunks::<4>().0.iter().map(|bytes| i64::from(i32::from_le_bytes(*bytes)))),
            _ => return None,
        }
        Some(integers)
    }
}

impl RawValue {
    /// The tensor's type; none for a list of maps and the like.
    pub(crate) fn tensor(&self) -> Option<&RawTensorType> {
        self.r#type.as_ref()?.tensor.as_ref()
    }

    /// Whether it is a list or a map, which is what ZipMap gives.
    pub(crate) fn is_collection(&self) -> bool {
        self.r#type.as_ref().is_some_and(|kind| kind.sequence.is_some() || kind.map.is_some())
    }

    /// The declared second dimension, where it is a number.
    pub(crate) fn width(&self) -> Option<i64> {
        self.tensor()?.shape.as_ref()?.dim.get(1)?.number.filter(|width| *width > 0)
    }

    /// The declared number of dimensions.
    pub(crate) fn rank(&self) -> Option<usize> {
        Some(self.tensor()?.shape.as_ref()?.dim.len())
    }
}
