//! Plain numbers to an ONNX graph; knows no estimator.
//!
//! Every model has the same interface: input `features`, float32 `[N, F]`, where a numeric column carries its value and a date
//! the days since 1970-01-01 (NaN when missing), and a categorical column its level's index (-1 when missing or unseen); outputs `label`,
//! int64 `[N]`, and `probabilities`, float32 `[N, C]`.
//!
//! Files declare IR 8, opset 15 and `ai.onnx.ml` 3, which onnxruntime and onnxruntime-web of the last years read.
//!
//! ```
//! use trainer_onnx::{Head, Inputs, LinearClassifier, NumericInput};
//!
//! let classifier = LinearClassifier {
//!     n_features: 1,
//!     n_classes: 2,
//!     inputs: Inputs {
//!         numeric: vec![NumericInput { feature: 0, impute: 40.0, mean: 40.0, inverse_std: 0.1 }],
//!         ..Inputs::default()
//!     },
//!     weights: vec![1.5],
//!     bias: vec![-0.5],
//! };
//! classifier.check()?;
//! let head = Head { name: "age alone".into(), threshold: Some(0.3), ..Head::default() };
//! let head = Head { metadata: [("author".into(), "me".into())].into(), ..head };
//! let model: Vec<u8> = classifier.to_model(&head);
//! assert_eq!(trainer_onnx::metadata(&model)?["author"], "me");
//! # Ok::<(), trainer_onnx::Error>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

mod blend;
mod calendar;
mod calibration;
mod classifier;
mod ensemble;
mod error;
mod foreign;
mod graph;
mod head;
mod inputs;
mod kernel;
mod linear;
mod perceptron;
mod proto;

pub use blend::{Blend, Member};
pub use calendar::{Calendar, DateColumn, DateParts};
pub use calibration::{Calibration, Curve, LEAST_PROBABILITY};
pub use classifier::Classifier;
pub use ensemble::{Link, Node, Test, Tree, TreeEnsemble};
pub use error::Error;
pub use foreign::{Foreign, ForeignError};
pub use head::{Head, metadata};
pub use inputs::{HingeInput, Inputs, MissingInput, NumericInput, OneHotInput};
pub use kernel::{KernelClassifier, LEAST_SIGMOID};
pub use linear::LinearClassifier;
pub use perceptron::{Layer, Perceptron, Precision};
