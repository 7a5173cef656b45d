#[cfg(feature = "tract")]
use inference_predictor::LoadError;
use inference_predictor::Predictor;

use crate::{LINEAR, TREES};

/// A model's fields without the metadata, which is field 14 (key 0x72).
fn without_metadata(mut model: &[u8]) -> Vec<u8> {
    const METADATA: u8 = 0x72;
    let mut kept = Vec::new();
    while let Some(&key) = model.first() {
        let start = model;
        model = &model[1..];
        let number = varint(&mut model);
        if key & 7 == 2 {
            model = &model[number..];
        }
        if key != METADATA {
            kept.extend_from_slice(&start[..start.len() - model.len()]);
        }
    }
    kept
}

fn with_metadata(model: &[u8], pairs: &[(&str, &str)]) -> Vec<u8> {
    let field = |tag: u8, bytes: &[u8]| [&[tag << 3 | 2][..], &length(bytes.len()), bytes].concat();
    let entry = |(key, value): &(&str, &str)| field(14, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
    without_metadata(model).into_iter().chain(pairs.iter().flat_map(entry)).collect()
}

fn varint(bytes: &mut &[u8]) -> usize {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn length(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn replaced(model: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "lengths are part of the format");
    let mut model = model.to_vec();
    let places: Vec<usize> = (0..=model.len() - from.len()).filter(|&at| model[at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "`{from}` is not in the model");
    places.into_iter().for_each(|at| model[at..at + to.len()].copy_from_slice(to.as_bytes()));
    model
}

fn contract() -> String {
    crate::predictor().contract().to_json()
}

#[track_caller]
fn check(model: &[u8], message: &str) {
    let error = Predictor::load(model).unwrap_err();
    assert!(error.to_string().contains(message), "{error}");
    assert!(!error.hint().is_empty());
}

#[test]
fn a_model_cut_short_is_refused_wherever_it_is_cut() {
    for end in (1..TREES.len()).step_by(97) {
        assert!(Predictor::load(&TREES[..end]).is_err(), "{end}");
    }
    let half = TREES.len() / 2;
    check(&TREES[..half], &format!("ends too early, after {half} bytes"));
    check(&LINEAR[..LINEAR.len() - 1], "ends too early");
}

#[test]
fn bytes_that_are_no_model_are_refused() {
    check(b"", "not ONNX");
    check(b"PK\x03\x04 a zip archive", "not ONNX");
    check(b"<!doctype html><title>404</title>", "not ONNX");
    check(&[0xff; 4096], "not ONNX");
}

#[test]
fn a_flipped_byte_never_stops_the_program() {
    for at in 0..LINEAR.len() {
        let mut model = LINEAR.to_vec();
        model[at] ^= 0x55;
        let _ = Predictor::load(&model);
    }
}

#[test]
fn a_model_without_its_contract_is_refused() {
    check(&without_metadata(TREES), "the model's metadata has no `tidemark.contract`");
    check(&with_metadata(TREES, &[("tidemark.contract", "{}")]), "the model's contract cannot be used: not a contract");
    check(&with_metadata(TREES, &[("tidemark.format", "2")]), "the model's metadata holds `2` under `tidemark.format`");
    check(
        &with_metadata(TREES, &[("tidemark.contract", &contract()), ("tidemark.version", "x")]),
        "`x` under `tidemark.version`",
    );
}

#[test]
fn the_contract_alone_is_enough_metadata() {
    let predictor = Predictor::load(&with_metadata(TREES, &[("tidemark.contract", &contract())])).unwrap();
    assert_eq!((predictor.name(), predictor.version(), predictor.threshold()), ("churn", 0, None));
}

#[test]
fn a_contract_of_another_width_or_other_classes_is_refused() {
    let narrower = contract().replace(r#",{"name":"paperless","kind":"categorical","levels":["yes","no"]}"#, "");
    check(&with_metadata(TREES, &[("tidemark.contract", &narrower)]), "the contract has 6 columns, the graph 7");
    let more = contract().replace(r#"["stays","leaves"]"#, r#"["stays","pauses","leaves"]"#);
    check(&with_metadata(TREES, &[("tidemark.contract", &more)]), "the contract has 3 classes, the graph 2");
}

#[test]
#[cfg(not(feature = "tract"))]
fn another_model_is_left_to_the_full_build() {
    check(&replaced(LINEAR, "Sigmoid", "Sigmund"), "the trainer does not write an operator like this");
}

#[test]
#[cfg(feature = "tract")]
fn an_operator_that_cannot_run_is_named() {
    let error = Predictor::load(&replaced(LINEAR, "Sigmoid", "Sigmund")).unwrap_err();
    assert!(matches!(&error, LoadError::Operator { operator, .. } if operator == "Sigmund"), "{error}");
    check(&replaced(TREES, "SOFTMAX", "PROBIT_"), "post_transform PROBIT_ cannot run here");
    check(&replaced(TREES, "BRANCH_EQ", "BRANCH_??"), "node mode BRANCH_?? cannot run here");
}

#[test]
#[cfg(feature = "tract")]
fn a_column_beyond_the_last_is_refused() {
    let first_and_second = [0i64, 1].map(i64::to_le_bytes).concat();
    let at = LINEAR.windows(first_and_second.len()).position(|window| window == first_and_second).unwrap();
    let mut model = LINEAR.to_vec();
    model[at] = 7;
    check(&model, "picks column 7 of 7");
}

#[test]
fn another_interface_is_refused() {
    check(&replaced(LINEAR, "features", "measures"), "no input `features`");
    check(&replaced(LINEAR, "probabilities", "probabilitios"), "no output `probabilities`");
}
