//! ONNX files put together field by field, so that they may claim anything.
//!
//! Source: "Encoding", protobuf.dev; onnx/onnx.proto for the fields' numbers.

/// Some fields of a message.
pub(crate) type Fields = Vec<u8>;

pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT64: u64 = 7;

pub(crate) fn number(key: u64, value: u64) -> Fields {
    [varint(key << 3), varint(value)].concat()
}

pub(crate) fn bytes(key: u64, value: &[u8]) -> Fields {
    [&varint(key << 3 | 2), &varint(value.len() as u64), value].concat()
}

pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// An operator, as a part of a graph.
pub(crate) fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[Fields]) -> Fields {
    let names = |key, names: &[&str]| names.iter().flat_map(|name| bytes(key, name.as_bytes())).collect::<Fields>();
    let domain = if operator.starts_with("Tree") { bytes(7, b"ai.onnx.ml") } else { Fields::new() };
    let attributes = attributes.iter().flat_map(|attribute| bytes(5, attribute)).collect();
    bytes(1, &[names(1, inputs), names(2, outputs), bytes(4, operator.as_bytes()), domain, attributes].concat())
}

/// An attribute with fields of its own and ONNX's number for their type.
pub(crate) fn attribute(name: &str, kind: u64, value: Fields) -> Fields {
    [bytes(1, name.as_bytes()), value, number(20, kind)].concat()
}

pub(crate) fn integer(name: &str, value: i64) -> Fields {
    attribute(name, 2, number(3, value as u64))
}

pub(crate) fn integers(name: &str, values: &[i64]) -> Fields {
    attribute(name, 7, values.iter().flat_map(|value| number(8, *value as u64)).collect())
}

pub(crate) fn floats(name: &str, values: &[f32]) -> Fields {
    attribute(name, 6, values.iter().flat_map(|value| [&varint(7 << 3 | 5)[..], &value.to_le_bytes()].concat()).collect())
}

pub(crate) fn text(name: &str, value: &str) -> Fields {
    attribute(name, 3, bytes(4, value.as_bytes()))
}

pub(crate) fn texts(name: &str, values: &[&str]) -> Fields {
    attribute(name, 8, values.iter().flat_map(|value| bytes(9, value.as_bytes())).collect())
}

/// A tensor that claims these dimensions, whatever it has.
pub(crate) fn tensor(name: &str, dims: &[i64], kind: u64, raw: &[u8]) -> Fields {
    let dims = dims.iter().flat_map(|dim| number(1, *dim as u64)).collect();
    [dims, number(2, kind), bytes(8, name.as_bytes()), bytes(9, raw)].concat()
}

/// A constant of whole numbers, as a part of a graph.
pub(crate) fn whole(name: &str, values: &[i64]) -> Fields {
    bytes(
        5,
        &tensor(name, &[values.len() as i64], INT64, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()),
    )
}

/// A constant of zeros, as a part of a graph.
pub(crate) fn zeros(name: &str, dims: &[i64]) -> Fields {
    bytes(5, &tensor(name, dims, FLOAT, &vec![0; 4 * dims.iter().product::<i64>() as usize]))
}

/// A declared input (11) or output (12), as a part of a graph.
pub(crate) fn value(key: u64, name: &str, kind: u64) -> Fields {
    let tensor = bytes(1, &number(1, kind));
    bytes(key, &[bytes(1, name.as_bytes()), bytes(2, &tensor)].concat())
}

/// A file of a graph's parts, in which a contract is.
pub(crate) fn file(graph: &[Fields], contract: &str) -> Vec<u8> {
    let opset = |domain: &str, version| bytes(8, &[bytes(1, domain.as_bytes()), number(2, version)].concat());
    let pair = [bytes(1, b"tidemark.contract"), bytes(2, contract.as_bytes())].concat();
    [number(1, 8), opset("", 15), opset("ai.onnx.ml", 3), bytes(7, &graph.concat()), bytes(14, &pair)].concat()
}
