//! Classifiers on tables: families, what they learn from, and how good they are.
//!
//! Every family goes down the same line, and each stage has its own type:
//! [`Params`] `--check-->` [`ValidParams`] `--fit-->` [`Fitted`] `--to_onnx-->` [`Exported`].
//!
//! ```
//! use trainer_estimators::metrics::Metrics;
//! use trainer_estimators::{Data, Error, Family, FeatureKind, Matrix, Params, to_the_end};
//!
//! let values: Vec<f32> = (0..200).map(|row| row as f32).collect();
//! let classes = (0..200).map(|row| u32::from(row > 120)).collect();
//! let data = Data::new(Matrix::new(200, 1, values)?, vec![FeatureKind::Numeric], classes, 2, None)?;
//!
//! let params = Params::default_for(Family::GradientBoosting).check()?;
//! let fitted = params.fit(&data, None, 42, &mut to_the_end)?;
//! let metrics = Metrics::measure(&fitted.probabilities(data.features()), data.classes(), 0.5)?;
//! assert!(metrics.accuracy > 0.99);
//! # Ok::<(), Error>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

pub mod blend;
pub mod calibration;
pub mod cross_validation;
pub mod explanation;
pub mod gradient_boosting;
pub mod logistic_regression;
pub mod metrics;
pub mod multilayer_perceptron;
pub mod random_forest;
pub mod search;
pub mod support_vector;
pub mod threshold;

mod calendar;
mod cholesky;
mod encoding;
mod error;
mod family;
mod link;
mod matrix;
mod random;
mod tree;

pub use error::Error;
pub use family::{Exported, Family, Fitted, OnStep, Params, Step, ValidParams, to_the_end};
pub use matrix::{Data, FeatureKind, Matrix};
