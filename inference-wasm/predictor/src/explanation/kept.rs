//! What is the same for every record that a model explains, worked out at the first.

use std::sync::OnceLock;

use data_contract::Background;

use super::trees;
use crate::error::PredictError;
use crate::lowered::{Member, Trees};
use crate::predictor::{Predictor, Scores};

/// What a model says of its background.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    scores: OnceLock<Result<Scores, PredictError>>,
    logits: OnceLock<Vec<f32>>,
    answers: OnceLock<Vec<Vec<u64>>>,
}

impl Kept {
    /// The scores of the background's rows.
    pub(super) fn scores(&self, predictor: &Predictor, background: &Background) -> Result<&Scores, PredictError> {
        let scores = self.scores.get_or_init(|| predictor.scores(background.values(), background.n_rows()));
        scores.as_ref().map_err(Clone::clone)
    }

    /// The logits of the background's rows.
    pub(super) fn logits(&self, model: &Member, background: &Background) -> &[f32] {
        self.logits.get_or_init(|| model.logits(background.values()))
    }

    /// For each node of trees the background's rows that answer its question with yes, by 64 rows.
    pub(super) fn answers(&self, trees: &Trees, background: &Background, n_features: usize) -> &[Vec<u64>] {
        self.answers.get_or_init(|| trees::answers(trees, background.values(), n_features))
    }
}
