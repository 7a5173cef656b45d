//! Early stopping: rows that a fit does not learn from, and the best round on them so far.

use rayon::prelude::*;

use super::loss::Loss;
use super::{CHUNK, Fitted, add_round};
use crate::tree::Tree;
use crate::{Data, Matrix};

/// Rows that are watched.
pub(super) struct Watch<'a> {
    loss: Loss<'a>,
    data: &'a Data,
    raw: Vec<f32>,
    seen_rounds: usize,
}

impl<'a> Watch<'a> {
    /// Before the first round.
    pub(super) fn start(data: &'a Data, fitted: &Fitted) -> Self {
        let mut raw = fitted.base.repeat(data.n_rows());
        fitted.combinations.iter().for_each(|round| add_round_to_rows(round, data.features(), &mut raw));
        Self { loss: Loss::new(data), data, raw, seen_rounds: 0 }
    }

    /// Takes in what was fitted since; gives the summed log loss and the summed weight of the rows.
    pub(super) fn see(&mut self, fitted: &Fitted) -> (f64, f64) {
        for round in &fitted.rounds[self.seen_rounds..] {
            add_round_to_rows(round, self.data.features(), &mut self.raw);
        }
        self.seen_rounds = fitted.rounds.len();
        self.loss.sum(&self.raw)
    }
}

/// The best number of rounds so far.
#[derive(Debug)]
pub(super) struct Best {
    /// The lowest loss.
    pub(super) loss: f64,
    /// Rounds when the loss was lowest.
    pub(super) n_rounds: usize,
    /// Rounds tried since then.
    pub(super) since: usize,
}

impl Best {
    /// No round, with this loss.
    pub(super) fn start(loss: f64) -> Self {
        Self { loss, n_rounds: 0, since: 0 }
    }

    /// Takes in the loss after one round more.
    pub(super) fn see(&mut self, n_rounds: usize, loss: f64) {
        if loss < self.loss {
            (self.loss, self.n_rounds, self.since) = (loss, n_rounds, 0);
        } else {
            self.since += 1;
        }
    }
}

/// Adds a round to the raw values of all rows.
fn add_round_to_rows(round: &[Tree], features: &Matrix, raw: &mut [f32]) {
    let (width, n_outputs) = (features.n_features(), round.len());
    raw.par_chunks_mut(CHUNK * n_outputs).zip(features.values().par_chunks(CHUNK * width)).for_each(|(raw, rows)| {
        add_round(round, rows, width, raw);
    });
}
