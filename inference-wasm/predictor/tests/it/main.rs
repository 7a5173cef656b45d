//! The predictor by its public API, on the golden bundles.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod answers;
mod bad_models;
#[cfg(feature = "tract")]
mod engines;
mod golden;
#[cfg(feature = "tract")]
mod hostile;
#[cfg(feature = "tract")]
mod onnx;
mod records;

use inference_predictor::Predictor;

const TREES: &[u8] = include_bytes!("../golden/gradient-boosting/model.onnx");
const LINEAR: &[u8] = include_bytes!("../golden/logistic-regression/model.onnx");
const GOOD: &str =
    r#"{"age":41,"tenure":3,"monthly_fee":49.95,"calls_to_support":4,"plan":"plus","region":null,"paperless":"no"}"#;

fn predictor() -> Predictor {
    Predictor::load(TREES).unwrap()
}
