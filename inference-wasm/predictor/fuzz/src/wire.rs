//! ONNX files as trees of fields, so that what is inside a message can be changed and its lengths follow.
//!
//! Source: "Encoding", protobuf.dev; onnx/onnx.proto for which fields are messages.

/// Which message of onnx.proto a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Dim,
    Opset,
    Pair,
}

/// A numbered field.
#[derive(Clone, Debug)]
pub struct Field {
    pub number: u64,
    pub value: Value,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Value {
    Number(u64),
    Four([u8; 4]),
    Eight([u8; 8]),
    Bytes(Vec<u8>),
    Message(Kind, Vec<Field>),
}

impl Kind {
    /// The message that a field of this one is.
    fn of(self, number: u64) -> Option<Kind> {
        Some(match (self, number) {
            (Kind::Model, 7) | (Kind::Attribute, 6 | 11) => Kind::Graph,
            (Kind::Model, 8) => Kind::Opset,
            (Kind::Model, 14) | (Kind::Tensor, 13) => Kind::Pair,
            (Kind::Graph, 1) => Kind::Node,
            (Kind::Graph, 5) | (Kind::Attribute, 5 | 10) => Kind::Tensor,
            (Kind::Graph, 11..=13) => Kind::ValueInfo,
            (Kind::Node, 5) => Kind::Attribute,
            (Kind::ValueInfo, 2) => Kind::Type,
            (Kind::Type, 1) => Kind::TensorType,
            (Kind::TensorType, 2) => Kind::Shape,
            (Kind::Shape, 1) => Kind::Dim,
            _ => return None,
        })
    }
}

impl Field {
    /// Whether this is the entry of a key in a file's metadata.
    pub fn is_pair_of(&self, key: &str) -> bool {
        let is_key = |field: &Field| field.number == 1 && matches!(&field.value, Value::Bytes(bytes) if bytes == key.as_bytes());
        matches!(&self.value, Value::Message(Kind::Pair, fields) if fields.iter().any(is_key))
    }
}

/// The fields of a message; none where it is broken.
pub fn parse(kind: Kind, mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let number = key >> 3;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            1 => Value::Eight(*take(&mut bytes, 8)?.first_chunk()?),
            2 => {
                let length = varint(&mut bytes)?;
                let inner = take(&mut bytes, usize::try_from(length).ok()?)?;
                let message = kind.of(number).and_then(|kind| Some(Value::Message(kind, parse(kind, inner)?)));
                message.unwrap_or_else(|| Value::Bytes(inner.to_vec()))
            }
            5 => Value::Four(*take(&mut bytes, 4)?.first_chunk()?),
            _ => return None,
        };
        fields.push(Field { number, value });
    }
    Some(fields)
}

/// Appends a message.
pub fn write(fields: &[Field], bytes: &mut Vec<u8>) {
    for Field { number, value } in fields {
        let key = |kind: u64| number << 3 | kind;
        match value {
            Value::Number(value) => {
                write_varint(key(0), bytes);
                write_varint(*value, bytes);
            }
            Value::Eight(value) => {
                write_varint(key(1), bytes);
                bytes.extend_from_slice(value);
            }
            Value::Bytes(value) => write_bytes(key(2), value, bytes),
            Value::Message(_, fields) => {
                let mut inner = Vec::new();
                write(fields, &mut inner);
                write_bytes(key(2), &inner, bytes);
            }
            Value::Four(value) => {
                write_varint(key(5), bytes);
                bytes.extend_from_slice(value);
            }
        }
    }
}

fn write_bytes(key: u64, value: &[u8], bytes: &mut Vec<u8>) {
    write_varint(key, bytes);
    write_varint(value.len() as u64, bytes);
    bytes.extend_from_slice(value);
}

fn write_varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (place, byte) in (0..10).zip(*bytes) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            *bytes = &bytes[place + 1..];
            return Some(number);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}
