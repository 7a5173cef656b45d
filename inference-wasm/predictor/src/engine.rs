//! What runs a model: our own loops over flat arrays where the trainer wrote it, tract for any other.

use crate::error::{LoadError, PredictError};
use crate::lowered::{Lowered, Unknown};
use crate::onnx::Model;
use crate::predictor::Scores;
#[cfg(feature = "tract")]
use crate::tract::Plan;

/// What runs a model.
#[derive(Clone)]
pub(crate) enum Engine {
    /// Flat arrays; boxed as a model is large and an engine is moved.
    Lowered(Box<Lowered>),
    #[cfg(feature = "tract")]
    Tract(Plan),
}

/// Which engine may run a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The fastest that can.
    Any,
    /// tract, whatever the model.
    #[cfg(feature = "tract")]
    Tract,
}

impl Engine {
    /// Prepares the graph of a file whose interface was checked.
    pub(crate) fn new(
        bytes: &[u8],
        model: &Model,
        n_features: usize,
        n_classes: usize,
        choice: Choice,
    ) -> Result<Self, LoadError> {
        match choice {
            Choice::Any => match Lowered::recognise(model, n_features, n_classes) {
                Ok(lowered) => Ok(Self::Lowered(Box::new(lowered))),
                Err(unknown) => Self::other(bytes, model, n_features, n_classes, unknown),
            },
            #[cfg(feature = "tract")]
            Choice::Tract => Plan::new(bytes, model, n_features, n_classes).map(Self::Tract),
        }
    }

    #[cfg(feature = "tract")]
    fn other(bytes: &[u8], model: &Model, n_features: usize, n_classes: usize, _: Unknown) -> Result<Self, LoadError> {
        Plan::new(bytes, model, n_features, n_classes).map(Self::Tract)
    }

    #[cfg(not(feature = "tract"))]
    fn other(_: &[u8], _: &Model, _: usize, _: usize, unknown: Unknown) -> Result<Self, LoadError> {
        Err(LoadError::Foreign { what: unknown.0 })
    }

    /// The engine's name: `lowered` or `tract`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Lowered(_) => "lowered",
            #[cfg(feature = "tract")]
            Self::Tract(_) => "tract",
        }
    }

    /// The scores of feature rows, whose length is a multiple of the width.
    pub(crate) fn scores(&self, features: &[f32]) -> Result<Scores, PredictError> {
        let mut scores = Scores::default();
        match self {
            Self::Lowered(lowered) => lowered.scores(features, &mut scores.labels, &mut scores.probabilities),
            #[cfg(feature = "tract")]
            Self::Tract(plan) => {
                plan.scores(features, &mut scores).map_err(|error| PredictError::Run { reason: format!("{error:#}") })?;
            }
        }
        Ok(scores)
    }
}
