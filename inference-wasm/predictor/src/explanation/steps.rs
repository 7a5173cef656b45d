//! What a model says on the way from a background row to the record, one column after the other.

use super::Question;
use crate::engine::Engine;
use crate::error::PredictError;
use crate::lowered::{Member, Parts, PartsRoom, parts};

/// The class's probability between a row and the record: after each column but the last, in an order of the columns and in its reverse.
pub(super) type Steps = [Vec<f64>; 2];

/// What a blend is taken for, whatever its members are.
const PRODUCTS_OF_BLEND: usize = 20_000;

/// Products that the model takes for each row, where it takes columns apart or is a blend.
pub(super) fn n_products(question: &Question) -> usize {
    match question.predictor.runner() {
        Engine::Lowered(lowered) => match lowered.only() {
            Some(model) => parts(&model.body).map_or(0, |model| model.n_products()),
            None => PRODUCTS_OF_BLEND,
        },
        #[cfg(feature = "tract")]
        Engine::Tract(_) => 0,
    }
}

/// Takes the steps of some background rows.
pub(super) enum Walker<'a> {
    /// Of any model: every step is a row of its own.
    Whole { question: &'a Question<'a>, rows: Vec<&'a [f32]> },
    /// Of a model that takes columns apart.
    Apart(Box<Apart<'a>>),
}

impl<'a> Walker<'a> {
    /// The fastest for a model.
    pub(super) fn new(question: &'a Question, rows: Vec<&'a [f32]>) -> Self {
        let only = match question.predictor.runner() {
            Engine::Lowered(lowered) => lowered.only(),
            #[cfg(feature = "tract")]
            Engine::Tract(_) => None,
        };
        match only.and_then(|only| Some((only, parts(&only.body)?))) {
            Some((only, model)) => Self::Apart(Box::new(Apart::new(question, only, model, &rows))),
            None => Self::Whole { question, rows },
        }
    }

    /// The steps from the row of this number.
    pub(super) fn steps(&mut self, row: usize, order: &[usize]) -> Result<Steps, PredictError> {
        match self {
            Self::Whole { question, rows } => whole(question, rows[row], order),
            Self::Apart(apart) => Ok(apart.steps(row, order)),
        }
    }
}

fn whole(question: &Question, row: &[f32], order: &[usize]) -> Result<Steps, PredictError> {
    let n_between = order.len() - 1;
    let mut mixed = Vec::with_capacity(2 * n_between * order.len());
    for is_reverse in [false, true] {
        let mut step = row.to_vec();
        for at in 0..n_between {
            let column = order[if is_reverse { n_between - at } else { at }];
            step[column] = question.own[column];
            mixed.extend_from_slice(&step);
        }
    }
    let mut forwards = question.probabilities(&mixed)?;
    let backwards = forwards.split_off(n_between);
    Ok([forwards, backwards])
}

/// What each column gives, computed once for each of its values.
pub(super) struct Apart<'a> {
    model: &'a dyn Parts,
    only: &'a Member,
    class: usize,
    width: usize,
    /// What the record's columns give, `[columns, width]`.
    own: Vec<f64>,
    /// What each value of the rows' columns gives.
    parts: Vec<f64>,
    /// Where the parts of a row's columns begin, `[rows, columns]`.
    starts: Vec<usize>,
    /// What the columns from each step on give, joined.
    rest: Vec<f64>,
    room: PartsRoom,
}

impl<'a> Apart<'a> {
    fn new(question: &Question, only: &'a Member, model: &'a dyn Parts, rows: &[&[f32]]) -> Self {
        let (n_columns, width) = (question.own.len(), model.width());
        let mut own = Vec::with_capacity(n_columns * width);
        (0..n_columns).for_each(|column| model.append_part(column, question.own[column], &mut own));
        let (mut parts, mut starts) = (Vec::new(), vec![0; rows.len() * n_columns]);
        for column in 0..n_columns {
            for (at, row) in rows.iter().enumerate() {
                let same = rows[..at].iter().position(|other| other[column].to_bits() == row[column].to_bits());
                starts[at * n_columns + column] = same.map_or(parts.len(), |other| starts[other * n_columns + column]);
                if same.is_none() {
                    model.append_part(column, row[column], &mut parts);
                }
            }
        }
        let rest = vec![model.neutral(); (n_columns + 1) * width];
        Self { model, only, class: question.class, width, own, parts, starts, rest, room: PartsRoom::default() }
    }

    /// What a column gives, of the record or of a row.
    fn part(&self, is_own: bool, row: usize, column: usize) -> &[f64] {
        let width = self.width;
        match is_own {
            true => &self.own[column * width..][..width],
            false => &self.parts[self.starts[row * self.own.len() / width + column]..][..width],
        }
    }

    fn steps(&mut self, row: usize, order: &[usize]) -> Steps {
        let forwards = self.way(true, row, order);
        let mut backwards = self.way(false, row, order);
        // The record's last columns are those that the reverse order takes first.
        backwards.reverse();
        [forwards, backwards]
    }

    /// The probabilities where the first columns of the order are one's and all others the other's, from one column on.
    fn way(&mut self, first_is_own: bool, row: usize, order: &[usize]) -> Vec<f64> {
        let width = self.width;
        let mut rest = std::mem::take(&mut self.rest);
        for (step, &column) in order.iter().enumerate().rev() {
            let (now, after) = rest[step * width..].split_at_mut(width);
            self.model.join(&after[..width], self.part(!first_is_own, row, column), now);
        }
        let (mut taken, mut joined) = (vec![self.model.neutral(); width], vec![0.0; width]);
        let (mut logits, mut probabilities, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for (step, &column) in order[..order.len() - 1].iter().enumerate() {
            self.model.join(&taken, self.part(first_is_own, row, column), &mut joined);
            std::mem::swap(&mut taken, &mut joined);
            self.model.join(&taken, &rest[(step + 1) * width..][..width], &mut joined);
            logits.clear();
            self.model.finish(&joined, &mut self.room, &mut logits);
            probabilities.clear();
            found.push(f64::from(self.only.append_probabilities(&logits, &mut probabilities)[self.class]));
        }
        self.rest = rest;
        found
    }
}
