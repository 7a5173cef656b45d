//! Changes of ONNX files that stay ONNX files: bytes that change at random mostly end in the reader of protobuf.

use libfuzzer_sys::fuzzer_mutate;

use crate::wire::{self, Field, Kind, Value};

/// Numbers at the edges of what they may mean.
const NUMBERS: [u64; 16] =
    [0, 1, 2, 3, 6, 7, 11, 16, 255, 1 << 16, 1 << 24, 1 << 31, 1 << 32, 1 << 40, i64::MAX as u64, u64::MAX];

/// Operators that a classifier may hold, and those whose results may be large.
const OPERATORS: [&str; 48] = [
    "Add",
    "ArgMax",
    "ArrayFeatureExtractor",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Div",
    "Einsum",
    "Equal",
    "Exp",
    "Expand",
    "EyeLike",
    "Flatten",
    "Gather",
    "GatherND",
    "Gemm",
    "Greater",
    "Identity",
    "If",
    "IsNaN",
    "LinearClassifier",
    "Log",
    "Loop",
    "MatMul",
    "Max",
    "Mul",
    "Normalizer",
    "OneHot",
    "Pad",
    "Range",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "Scan",
    "ScatterND",
    "Shape",
    "Slice",
    "Softmax",
    "Split",
    "Squeeze",
    "Tile",
    "TopK",
    "Transpose",
    "Unsqueeze",
    "Where",
];

/// Changes a file and gives its new length; a file that is no message is changed as any bytes are.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let Some(mut model) = wire::parse(Kind::Model, &data[..size]) else { return fuzzer_mutate(data, size, max_size) };
    let mut dice = Dice(u64::from(seed) << 17 | 1);
    if dice.below(20) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    for _ in 0..=dice.below(4) {
        change(&mut model, &mut dice);
    }
    let mut bytes = Vec::new();
    wire::write(&model, &mut bytes);
    let length = bytes.len().min(max_size);
    data[..length].copy_from_slice(&bytes[..length]);
    length
}

/// Walks down to some message and changes one of its fields.
fn change(fields: &mut Vec<Field>, dice: &mut Dice) {
    if fields.is_empty() {
        return;
    }
    let at = dice.below(fields.len());
    if let Value::Message(_, inner) = &mut fields[at].value
        && dice.below(8) > 0
    {
        return change(inner, dice);
    }
    let other = dice.below(fields.len());
    match dice.below(12) {
        0 => drop(fields.remove(at)),
        1 => fields.insert(at, fields[other].clone()),
        2 => fields.swap(at, other),
        3 | 4 => fields[at].value = fields[other].value.clone(),
        5 if fields.len() < 4000 => fields.extend_from_within(..),
        _ => change_value(&mut fields[at], dice),
    }
}

fn change_value(field: &mut Field, dice: &mut Dice) {
    match &mut field.value {
        Value::Number(number) => {
            *number = match dice.below(3) {
                0 => NUMBERS[dice.below(NUMBERS.len())],
                1 => number.wrapping_add(1),
                _ => number.wrapping_sub(1),
            }
        }
        Value::Four(bytes) => *bytes = [0.0, 1.0, -1.0, f32::NAN, f32::INFINITY, 1e38, 1e-38][dice.below(7)].to_le_bytes(),
        Value::Eight(bytes) => *bytes = NUMBERS[dice.below(NUMBERS.len())].to_le_bytes(),
        Value::Bytes(bytes) => change_bytes(bytes, dice),
        Value::Message(_, inner) => change(inner, dice),
    }
}

fn change_bytes(bytes: &mut Vec<u8>, dice: &mut Dice) {
    match dice.below(4) {
        0 => *bytes = OPERATORS[dice.below(OPERATORS.len())].as_bytes().to_vec(),
        1 if !bytes.is_empty() => {
            let at = dice.below(bytes.len());
            bytes[at] = dice.below(256) as u8;
        }
        2 if bytes.len() >= 8 => {
            let at = dice.below(bytes.len() / 8) * 8;
            bytes[at..at + 8].copy_from_slice(&NUMBERS[dice.below(NUMBERS.len())].to_le_bytes());
        }
        _ => {
            let size = bytes.len();
            bytes.resize(size + 16, 0);
            let most = bytes.len();
            let size = fuzzer_mutate(bytes, size, most);
            bytes.truncate(size);
        }
    }
}

/// Numbers by chance: SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}
