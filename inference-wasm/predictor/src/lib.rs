//! Bundle bytes and a record to a prediction.
//!
//! A lone `model.onnx` is enough: its metadata carries the contract, and whatever predicts (the test command, batch, the browser,
//! the worker) goes through [`Predictor`]. Models that the trainer wrote run in loops of our own over flat arrays; any other in tract, which
//! the feature `tract`, on unless asked otherwise, brings in.
//!
//! ```
//! use inference_predictor::Predictor;
//!
//! let model = include_bytes!("../tests/golden/gradient-boosting/model.onnx");
//! let predictor = Predictor::load(model)?;
//! let record = predictor.contract().record_from_json(
//!     r#"{"age": 41, "tenure": 3, "monthly_fee": 49.95, "calls_to_support": 4, "plan": "gold", "region": null, "paperless": "no"}"#,
//! )?;
//! let prediction = predictor.predict(&record)?;
//! assert_eq!(prediction.label, "leaves");
//! assert_eq!(prediction.flags.len(), 1); // `gold` was never seen in training
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

mod answer;
mod counterfactual;
mod engine;
mod error;
mod explanation;
mod interface;
mod link;
mod lowered;
mod onnx;
mod predictor;
#[cfg(feature = "tract")]
mod tract;

pub use answer::{Answer, MAX_BODY_BYTES, MAX_ROWS, Model, Refusal, RowRefusal, Scored, answer};
pub use counterfactual::{Change, Counterfactual};
pub use error::{ExplainError, LoadError, PredictError};
pub use explanation::{Contribution, Explanation, Method, Scale};
pub use predictor::{Predictor, Scores, Texts};

/// The name of the graph's input.
pub(crate) const FEATURES: &str = "features";
/// The name of the output that holds the classes' indices.
pub(crate) const LABEL: &str = "label";
/// The name of the output that holds the probabilities.
pub(crate) const PROBABILITIES: &str = "probabilities";
