//! Training rows as a few terms each, whatever the number of inputs.
//!
//! Of the pieces of a number, those below the value are 1, one holds a share, and those above are 0. So a row's sum over pieces is a prefix sum
//! of weights plus one share, and all that has to be kept of a value is the piece it falls in: two bytes beside the matrix itself.

use rayon::prelude::*;

use crate::Data;
use crate::encoding::Encoding;

/// Rows that are placed together.
const CHUNK: usize = 4096;

/// Where each value of the columns with pieces falls.
pub(super) struct Places<'a> {
    encoding: &'a Encoding,
    data: &'a Data,
    /// Row-major `[N, columns with pieces]`: pieces that are passed.
    passed: Vec<u16>,
    /// For each column with pieces: its first input, its pieces, and the slot of the prefix sum of no piece.
    columns: Vec<Column>,
    n_slots: usize,
}

struct Column {
    first_input: usize,
    n_pieces: usize,
    first_slot: usize,
}

impl<'a> Places<'a> {
    /// Places all values.
    pub(super) fn new(encoding: &'a Encoding, data: &'a Data) -> Self {
        let mut first_slot = encoding.n_inputs();
        let columns: Vec<Column> = encoding
            .columns_with_pieces()
            .map(|(first_input, n_pieces)| {
                let column = Column { first_input, n_pieces, first_slot };
                first_slot += n_pieces + 1;
                column
            })
            .collect();
        let width = columns.len();
        let mut passed = vec![0; data.n_rows() * width];
        if width > 0 {
            let rows = data.features().values().par_chunks(data.features().n_features() * CHUNK);
            passed.par_chunks_mut(width * CHUNK).zip(rows).for_each(|(passed, rows)| {
                for (passed, row) in passed.chunks_exact_mut(width).zip(rows.chunks_exact(data.features().n_features())) {
                    passed.iter_mut().zip(encoding.pieces_passed(row)).for_each(|(place, n)| *place = n as u16);
                }
            });
        }
        Self { encoding, data, passed, columns, n_slots: first_slot - encoding.n_inputs() }
    }

    /// Inputs and slots of prefix sums.
    pub(super) fn n_terms(&self) -> usize {
        self.encoding.n_inputs() + self.n_slots
    }

    /// Weights of inputs followed by the prefix sums over the pieces of each column; `[terms, outputs]`.
    pub(super) fn spread(&self, weights: &[f64], n_outputs: usize) -> Vec<f64> {
        let mut spread = weights.to_vec();
        spread.resize(self.n_terms() * n_outputs, 0.0);
        for column in &self.columns {
            for piece in 0..column.n_pieces {
                for output in 0..n_outputs {
                    let below = spread[(column.first_slot + piece) * n_outputs + output];
                    let weight = spread[(column.first_input + piece) * n_outputs + output];
                    spread[(column.first_slot + piece + 1) * n_outputs + output] = below + weight;
                }
            }
        }
        spread
    }

    /// Slopes by terms to slopes by weights: a piece's weight is in the prefix sum of every slot above it.
    pub(super) fn gather(&self, mut slopes: Vec<f64>, n_outputs: usize) -> Vec<f64> {
        for column in &self.columns {
            for output in 0..n_outputs {
                let mut above = 0.0;
                for piece in (0..column.n_pieces).rev() {
                    above += slopes[(column.first_slot + piece + 1) * n_outputs + output];
                    slopes[(column.first_input + piece) * n_outputs + output] += above;
                }
            }
        }
        slopes.truncate(self.encoding.n_inputs() * n_outputs);
        slopes
    }

    /// The terms of a row that may differ from 0, in the place of what the list held.
    pub(super) fn terms(&self, row: usize, terms: &mut Vec<(usize, f64)>) {
        let values = self.data.features().row(row);
        terms.clear();
        terms.extend(self.encoding.plain(values).enumerate().map(|(input, value)| (input, f64::from(value))));
        let passed = &self.passed[row * self.columns.len()..][..self.columns.len()];
        let shares = self.encoding.shares(values, passed);
        for ((column, &n_passed), share) in self.columns.iter().zip(passed).zip(shares) {
            terms.push((column.first_slot + n_passed as usize, 1.0));
            if let Some(share) = share {
                terms.push((column.first_input + n_passed as usize, f64::from(share)));
            }
        }
        terms.extend(self.encoding.missing(values).map(|input| (input, 1.0)));
        terms.extend(self.encoding.levels(values).flatten().map(|input| (input, 1.0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::{FeatureKind, Matrix};

    #[test]
    fn terms_sum_to_what_the_inputs_sum_to() {
        let mut random = Random::new(4);
        let kinds =
            vec![FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 3 }, FeatureKind::Numeric, FeatureKind::Numeric];
        let mut value = |at: usize| match at % 4 {
            1 => random.below(4) as f32 - 1.0,
            3 => 7.0,
            _ if random.below(9) == 0 => f32::NAN,
            _ => (random.unit() * 40.0).floor() as f32,
        };
        let features = Matrix::new(300, 4, (0..1200).map(&mut value).collect()).unwrap();
        let data = Data::new(features, kinds, (0..300).map(|row| row % 2).collect(), 2, None).unwrap();
        for n_knots in [0, 5] {
            let encoding = Encoding::fit(&data, n_knots);
            let places = Places::new(&encoding, &data);
            let weights: Vec<f64> = (0..encoding.n_inputs() * 2).map(|_| random.unit() - 0.5).collect();
            let spread = places.spread(&weights, 2);
            let mut terms = vec![];
            for row in 0..300 {
                places.terms(row, &mut terms);
                for output in 0..2 {
                    let found: f64 = terms.iter().map(|(at, value)| spread[at * 2 + output] * value).sum();
                    let inputs = encoding.inputs(data.features().row(row));
                    let expect: f64 = inputs.map(|(at, value)| weights[at * 2 + output] * f64::from(value)).sum();
                    assert!((found - expect).abs() < 1e-5, "{found} should be {expect} in row {row}");
                }
            }
        }
    }
}
