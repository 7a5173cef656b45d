//! What the fuzz targets share: golden models with a background, and models put together from fields.

pub mod mutate;
pub mod wire;

use data_contract::{Background, metadata};
use inference_predictor::Predictor;
use wire::{Field, Kind, Value};

/// Boosted trees of two classes.
pub const TREES: &[u8] = include_bytes!("../../tests/golden/gradient-boosting/model.onnx");
/// A linear classifier of two classes.
pub const LINEAR: &[u8] = include_bytes!("../../tests/golden/logistic-regression/model.onnx");

/// Columns of the golden models.
pub const N_FEATURES: usize = 7;
const METADATA: u64 = 14;
const N_BACKGROUND: usize = 6;

/// A golden model that explains, as its file carries a background.
pub fn explaining(model: &[u8]) -> Predictor {
    let values = (0..N_BACKGROUND * N_FEATURES).map(|at| if at % 11 == 3 { f32::NAN } else { (at * 13 % 31) as f32 }).collect();
    let background = Background::new(values, N_FEATURES).expect("whole rows");
    Predictor::load(&with_metadata(model, metadata::BACKGROUND, &background.to_hex())).expect("a golden model")
}

/// A file with one entry of its metadata put in place.
pub fn with_metadata(model: &[u8], key: &str, value: &str) -> Vec<u8> {
    let text = |number, text: &str| Field { number, value: Value::Bytes(text.as_bytes().to_vec()) };
    let pair = [text(1, key), text(2, value)];
    let mut fields = wire::parse(Kind::Model, model).expect("a golden model is a message");
    fields.retain(|field| !field.is_pair_of(key));
    fields.push(Field { number: METADATA, value: Value::Message(Kind::Pair, pair.to_vec()) });
    let mut bytes = Vec::new();
    wire::write(&fields, &mut bytes);
    bytes
}

/// Loads a file with either engine and, where it loads, asks it for all it gives.
pub fn load_and_ask(load: impl Fn() -> Option<Predictor>) {
    let Some(predictor) = load() else { return };
    let width = predictor.contract().n_features();
    let values = [0.0, f32::NAN, -1.0, 1.0, 3.5, 1e30, -1e30, f32::MIN_POSITIVE, 12_345.0];
    for shift in 0..3 {
        let rows: Vec<f32> = (0..2 * width).map(|at| values[(at * (shift + 1) + shift) % values.len()]).collect();
        let _ = predictor.scores(&rows, 2);
    }
    let nothing = vec![None; width];
    let record = predictor.contract().record_from_texts(nothing).expect("a record of which nothing is known");
    let _ = predictor.explain(&record);
    let _ = predictor.counterfactual(&record, |column| column < 4);
}

/// Lets the panics of other crates be caught, as [`Predictor`] does, and ends the program at one of ours.
pub fn forgive_others() {
    std::panic::set_hook(Box::new(|info| {
        let file = info.location().map_or("", |location| location.file());
        let is_ours = !file.contains("/registry/src/") && !file.starts_with("/rustc/");
        if is_ours {
            eprintln!("{info}");
            std::process::abort();
        }
    }));
}
