//! What a model says on the way from a background row to the record, one column after the other.

use super::Question;
use crate::engine::Engine;
use crate::error::PredictError;
use crate::lowered::{Body, Lowered, NetworkRoom, Separable};

/// The class's probability at each step from a row to the record: in one order of the columns, and in its reverse.
pub(super) type Steps = [Vec<f64>; 2];

/// Takes the steps of some background rows.
pub(super) trait Walker {
    /// From the row of this number. `ends` are the row's and the record's own probabilities.
    fn steps(&mut self, row: usize, order: &[usize], ends: [f64; 2]) -> Result<Steps, PredictError>;
}

/// The fastest walker for a model.
pub(super) fn walker<'a>(question: &'a Question, rows: Vec<&'a [f32]>) -> Box<dyn Walker + 'a> {
    if let Engine::Lowered(lowered) = question.predictor.runner() {
        match &lowered.body {
            Body::Network(network) => return Box::new(Apart::new(question, lowered, network, &rows)),
            Body::Kernel(kernel) => return Box::new(Apart::new(question, lowered, kernel, &rows)),
            Body::Trees(_) => {}
        }
    }
    Box::new(Whole { question, rows })
}

/// Of any model: every step is a row of its own.
struct Whole<'a> {
    question: &'a Question<'a>,
    rows: Vec<&'a [f32]>,
}

impl Walker for Whole<'_> {
    fn steps(&mut self, row: usize, order: &[usize], ends: [f64; 2]) -> Result<Steps, PredictError> {
        let own = self.question.own;
        let mut mixed = Vec::with_capacity(2 * order.len() * own.len());
        let backwards = order.iter().rev().copied().collect::<Vec<_>>();
        for order in [order, &backwards] {
            let mut step = self.rows[row].to_vec();
            for &column in &order[..order.len() - 1] {
                step[column] = own[column];
                mixed.extend_from_slice(&step);
            }
        }
        let between = self.question.probabilities(&mixed)?;
        let (forwards, backwards) = between.split_at(order.len() - 1);
        Ok([with_ends(forwards.iter().copied(), ends), with_ends(backwards.iter().copied(), ends)])
    }
}

/// Of a model that takes columns apart: what each column gives is computed once for each of its values.
struct Apart<'a, M: Separable> {
    model: &'a M,
    lowered: &'a Lowered,
    class: usize,
    /// What the record's columns give, `[columns, width]`.
    own: Vec<M::Number>,
    /// What each value of the rows' columns gives.
    parts: Vec<M::Number>,
    /// Where the parts of a row's columns begin, `[rows, columns]`.
    starts: Vec<usize>,
    /// What the record's columns from each step on give, joined; and the row's.
    own_rest: Vec<M::Number>,
    row_rest: Vec<M::Number>,
    room: NetworkRoom,
}

impl<'a, M: Separable> Apart<'a, M> {
    fn new(question: &Question, lowered: &'a Lowered, model: &'a M, rows: &[&[f32]]) -> Self {
        let (n_columns, width) = (question.own.len(), model.width());
        let mut own = vec![M::NEUTRAL; n_columns * width];
        for (column, part) in own.chunks_exact_mut(width).enumerate() {
            model.part(column, question.own[column], part);
        }
        let (mut parts, mut starts) = (Vec::new(), vec![0; rows.len() * n_columns]);
        for column in 0..n_columns {
            for (at, row) in rows.iter().enumerate() {
                let same = rows[..at].iter().position(|other| other[column].to_bits() == row[column].to_bits());
                starts[at * n_columns + column] = match same {
                    Some(other) => starts[other * n_columns + column],
                    None => {
                        parts.resize(parts.len() + width, M::NEUTRAL);
                        let start = parts.len() - width;
                        model.part(column, row[column], &mut parts[start..]);
                        start
                    }
                };
            }
        }
        let rest = || vec![M::NEUTRAL; (n_columns + 1) * width];
        let (own_rest, row_rest, room) = (rest(), rest(), NetworkRoom::default());
        Self { model, lowered, class: question.class, own, parts, starts, own_rest, row_rest, room }
    }

    /// The parts of the record and of a row, of one column.
    fn parts_of(&self, row: usize, column: usize) -> [&[M::Number]; 2] {
        let width = self.model.width();
        let start = self.starts[row * self.own.len() / width + column];
        [&self.own[column * width..][..width], &self.parts[start..][..width]]
    }

    /// Joins what the columns give, from the last of the order to each.
    fn join_rest(&mut self, row: usize, order: &[usize]) {
        let width = self.model.width();
        let (mut own_rest, mut row_rest) = (std::mem::take(&mut self.own_rest), std::mem::take(&mut self.row_rest));
        for (step, &column) in order.iter().enumerate().rev() {
            let [own, background] = self.parts_of(row, column);
            for (rest, part) in [(&mut own_rest, own), (&mut row_rest, background)] {
                let (now, after) = rest[step * width..].split_at_mut(width);
                now.iter_mut().zip(&after[..width]).zip(part).for_each(|((now, after), part)| *now = M::join(*after, *part));
            }
        }
        (self.own_rest, self.row_rest) = (own_rest, row_rest);
    }
}

impl<M: Separable> Walker for Apart<'_, M> {
    fn steps(&mut self, row: usize, order: &[usize], ends: [f64; 2]) -> Result<Steps, PredictError> {
        let width = self.model.width();
        self.join_rest(row, order);
        let mut taken = [vec![M::NEUTRAL; width], vec![M::NEUTRAL; width]];
        let mut joined = vec![M::NEUTRAL; width];
        let mut logits = [Vec::new(), Vec::new()];
        for (step, &column) in order[..order.len() - 1].iter().enumerate() {
            let parts = self.parts_of(row, column);
            for (taken, part) in taken.iter_mut().zip(parts) {
                taken.iter_mut().zip(part).for_each(|(taken, part)| *taken = M::join(*taken, *part));
            }
            let after = (step + 1) * width;
            for (direction, rest) in [&self.row_rest, &self.own_rest].into_iter().enumerate() {
                let halves = taken[direction].iter().zip(&rest[after..][..width]);
                joined.iter_mut().zip(halves).for_each(|(joined, (taken, rest))| *joined = M::join(*taken, *rest));
                self.model.finish(&joined, &mut self.room, &mut logits[direction]);
            }
        }
        let [forwards, backwards] = logits.map(|logits| self.probabilities(&logits));
        // The record's last columns are those that the reverse order takes first.
        Ok([with_ends(forwards.into_iter(), ends), with_ends(backwards.into_iter().rev(), ends)])
    }
}

impl<M: Separable> Apart<'_, M> {
    fn probabilities(&self, logits: &[f32]) -> Vec<f64> {
        let mut room = Vec::new();
        let logits = logits.chunks_exact(self.lowered.n_logits());
        let probability = |logits: &[f32]| {
            room.clear();
            f64::from(self.lowered.append_probabilities(logits, &mut room)[self.class])
        };
        logits.map(probability).collect()
    }
}

fn with_ends(between: impl Iterator<Item = f64>, [first, last]: [f64; 2]) -> Vec<f64> {
    [first].into_iter().chain(between).chain([last]).collect()
}
