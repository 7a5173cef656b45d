//! A feature row as the inputs of a linear map: standardised numbers, their pieces, what is missing, then one input per level.

mod pieces;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trainer_onnx::{Inputs, MissingInput, NumericInput, OneHotInput};

use crate::matrix::level_of;
use crate::{Data, FeatureKind};
use pieces::{Piece, pieces};

/// What takes the place of 1 over the deviation of a column that never varies. Not 0: tract, simplifying a graph that multiplies by 0, fails.
const NEXT_TO_NOTHING: f32 = f32::MIN_POSITIVE;

/// How each column becomes inputs; learned from the training rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Encoding {
    numeric: Vec<Numeric>,
    /// Indices of the numeric columns that are inputs as they are; the others have pieces.
    plain: Vec<usize>,
    pieces: Vec<Piece>,
    /// Features with an indicator of missing values.
    missing: Vec<usize>,
    categorical: Vec<Categorical>,
}

/// A column of numbers, standardised: `(value - mean) * inverse_std`, a missing value being `impute`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Numeric {
    feature: usize,
    impute: f32,
    mean: f32,
    inverse_std: f32,
}

/// A column of levels is one input per level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Categorical {
    feature: usize,
    n_levels: usize,
    /// The input of level 0.
    first_input: usize,
}

impl Encoding {
    /// Medians, means and deviations of the numeric columns; a column that never varies is multiplied by next to nothing.
    ///
    /// With knots, a column that varies is put into pieces, and a column that is missing in some rows and known in others has an indicator
    /// of it.
    pub(crate) fn fit(data: &Data, n_knots: usize) -> Self {
        let numeric: Vec<Numeric> = features_where(data, |kind| !matches!(kind, FeatureKind::Categorical { .. }))
            .into_par_iter()
            .map(|feature| Numeric::fit(data, feature))
            .collect();
        let mut encoding = Self { plain: (0..numeric.len()).collect(), numeric, ..Self::default() };
        if n_knots > 0 {
            encoding.pieces = encoding.pieces_of_columns(data, n_knots);
            encoding.plain.retain(|&column| encoding.pieces.iter().all(|piece| piece.column != column));
            let features = encoding.numeric.iter().map(|column| column.feature);
            encoding.missing = features.filter(|&feature| is_sometimes_missing(data, feature)).collect();
        }
        encoding.categorical = categorical(data, encoding.n_numbers());
        encoding
    }

    fn pieces_of_columns(&self, data: &Data, n_knots: usize) -> Vec<Piece> {
        let of_column = |(at, column): (usize, &Numeric)| pieces(at, column.standardised(data), n_knots);
        let columns = self.numeric.par_iter().enumerate().map(of_column);
        columns.collect::<Vec<_>>().concat()
    }

    /// Number of inputs that come from numeric columns; they come first.
    pub(crate) fn n_numbers(&self) -> usize {
        self.plain.len() + self.pieces.len() + self.missing.len()
    }

    /// Number of inputs.
    pub(crate) fn n_inputs(&self) -> usize {
        self.n_numbers() + self.categorical.iter().map(|column| column.n_levels).sum::<usize>()
    }

    /// For each column with pieces, its first input and the number of its pieces.
    pub(crate) fn columns_with_pieces(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let columns = self.pieces.chunk_by(|a, b| a.column == b.column);
        columns.scan(self.plain.len(), |first, pieces| {
            *first += pieces.len();
            Some((*first - pieces.len(), pieces.len()))
        })
    }

    /// For each column with pieces, its first input and how wide the pieces are, in standard deviations.
    pub(crate) fn widths_of_pieces(&self) -> impl Iterator<Item = (usize, Vec<f64>)> + '_ {
        let columns = self.pieces.chunk_by(|a, b| a.column == b.column);
        self.columns_with_pieces().zip(columns).map(|((first, _), pieces)| (first, pieces.iter().map(Piece::width).collect()))
    }

    /// For each column with pieces, how many of them lie below a row's value.
    pub(crate) fn pieces_passed<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = usize> + 'a {
        self.pieces.chunk_by(|a, b| a.column == b.column).map(move |pieces| {
            let value = self.standardised(pieces[0].column, row);
            pieces.partition_point(|piece| piece.encode(value) >= 1.0)
        })
    }

    /// For each column with pieces, the input of the first piece that is not passed, if there is one.
    pub(crate) fn shares<'a>(&'a self, row: &'a [f32], passed: &'a [u16]) -> impl Iterator<Item = Option<f32>> + 'a {
        self.pieces.chunk_by(|a, b| a.column == b.column).zip(passed).map(move |(pieces, &n_passed)| {
            let piece = pieces.get(n_passed as usize)?;
            Some(piece.encode(self.standardised(piece.column, row)))
        })
    }

    /// The inputs that are numbers as they are.
    pub(crate) fn plain<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        self.plain.iter().map(move |&column| self.standardised(column, row))
    }

    /// The indicators of missing values that are 1.
    pub(crate) fn missing<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = usize> + 'a {
        let first = self.plain.len() + self.pieces.len();
        self.missing.iter().enumerate().filter(|(_, feature)| row[**feature].is_nan()).map(move |(at, _)| first + at)
    }

    fn standardised(&self, column: usize, row: &[f32]) -> f32 {
        self.numeric[column].encode(row[self.numeric[column].feature])
    }

    /// The inputs of a row that come from numeric columns: values, pieces, indicators.
    pub(crate) fn numbers<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let pieces = self.pieces.iter().map(move |piece| piece.encode(self.standardised(piece.column, row)));
        let missing = self.missing.iter().map(|&feature| if row[feature].is_nan() { 1.0 } else { 0.0 });
        self.plain(row).chain(pieces).chain(missing)
    }

    /// For each categorical column of a row, the input that is 1, if any.
    pub(crate) fn levels<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = Option<usize>> + 'a {
        self.categorical
            .iter()
            .map(|column| level_of(row[column.feature], column.n_levels).map(|level| column.first_input + level))
    }

    /// The inputs of a row that may differ from 0.
    pub(crate) fn inputs<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = (usize, f32)> + 'a {
        self.numbers(row).enumerate().chain(self.levels(row).flatten().map(|input| (input, 1.0)))
    }

    /// The same as plain numbers for the exporter.
    pub(crate) fn to_onnx(&self) -> Inputs {
        let number =
            |c: &Numeric| NumericInput { feature: c.feature, impute: c.impute, mean: c.mean, inverse_std: c.inverse_std };
        let levels = |column: &Categorical| {
            let feature = column.feature;
            (0..column.n_levels as u32).map(move |level| OneHotInput { feature, level })
        };
        Inputs {
            numeric: self.numeric.iter().map(number).collect(),
            hinges: self.pieces.iter().map(|piece| piece.to_hinge()).collect(),
            missing: self.missing.iter().map(|&feature| MissingInput { feature }).collect(),
            one_hot: self.categorical.iter().flat_map(levels).collect(),
        }
    }
}

impl Numeric {
    fn fit(data: &Data, feature: usize) -> Self {
        let column = || data.features().column(feature).enumerate().map(|(row, value)| (value, f64::from(data.weight(row))));
        let impute = median(column().filter(|(value, _)| !value.is_nan()).collect());
        let filled = || column().map(|(value, weight)| (f64::from(if value.is_nan() { impute } else { value }), weight));
        let total: f64 = filled().map(|(_, weight)| weight).sum();
        let mean = filled().map(|(value, weight)| value * weight).sum::<f64>() / total;
        let variance = filled().map(|(value, weight)| (value - mean).powi(2) * weight).sum::<f64>() / total;
        let inverse_std = (1.0 / variance.sqrt()) as f32;
        let varies = variance.sqrt() > 1e-7 * mean.abs() && inverse_std.is_finite();
        match varies {
            true => Self { feature, impute, mean: mean as f32, inverse_std },
            false => Self { feature, impute, mean: mean as f32, inverse_std: NEXT_TO_NOTHING },
        }
    }

    /// The known values of the training rows, standardised, with their weights.
    fn standardised(&self, data: &Data) -> Vec<(f32, f64)> {
        let column = data.features().column(self.feature).enumerate().filter(|(_, value)| !value.is_nan());
        column.map(|(row, value)| (self.encode(value), f64::from(data.weight(row)))).collect()
    }

    fn encode(&self, value: f32) -> f32 {
        let value = if value.is_nan() { self.impute } else { value };
        (value - self.mean) * self.inverse_std
    }
}

fn features_where(data: &Data, holds: impl Fn(FeatureKind) -> bool) -> Vec<usize> {
    (0..data.kinds().len()).filter(|&feature| holds(data.kinds()[feature])).collect()
}

/// Whether a value is missing in some rows and known in others.
fn is_sometimes_missing(data: &Data, feature: usize) -> bool {
    let n_missing = data.features().column(feature).filter(|value| value.is_nan()).count();
    (1..data.n_rows()).contains(&n_missing)
}

fn categorical(data: &Data, mut first_input: usize) -> Vec<Categorical> {
    let mut columns = Vec::new();
    for (feature, kind) in data.kinds().iter().enumerate() {
        if let FeatureKind::Categorical { n_levels } = *kind {
            columns.push(Categorical { feature, n_levels, first_input });
            first_input += n_levels;
        }
    }
    columns
}

/// The value with half of the weight on each side, midway between two if both would do; 0 of nothing.
fn median(mut values: Vec<(f32, f64)>) -> f32 {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (at, &(value, weight)) in values.iter().enumerate() {
        below += weight;
        if below > half {
            return value;
        }
        if below == half {
            let next = values.get(at + 1).map_or(value, |next| next.0);
            return f64::midpoint(f64::from(value), f64::from(next)) as f32;
        }
    }
    values.last().map_or(0.0, |last| last.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Matrix;

    #[track_caller]
    fn check_median(values: &[(f32, f64)], expect: f32) {
        assert_eq!(median(values.to_vec()), expect);
    }

    #[test]
    fn the_median_halves_the_weight() {
        check_median(&[], 0.0);
        check_median(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], 2.0);
        check_median(&[(4.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 1.0)], 2.5);
        check_median(&[(1.0, 1.0), (2.0, 3.0)], 2.0);
        check_median(&[(1.0, 2.0), (2.0, 2.0)], 1.5);
    }

    #[test]
    fn a_row_becomes_numbers_then_levels() {
        let kinds =
            vec![FeatureKind::Categorical { n_levels: 2 }, FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 3 }];
        let values = vec![0.0, 1.0, 2.0, 1.0, 3.0, 0.0, 0.0, f32::NAN, -1.0];
        let data = Data::new(Matrix::new(3, 3, values).unwrap(), kinds, vec![0, 1, 1], 2, None).unwrap();
        let encoding = Encoding::fit(&data, 0);
        let inputs = |row: [f32; 3]| encoding.inputs(&row).collect::<Vec<_>>();
        let step = 1.5_f32.sqrt();
        assert_eq!(encoding.n_inputs(), 6);
        assert_eq!(inputs([1.0, 3.0, 2.0]), [(0, step), (2, 1.0), (5, 1.0)]);
        assert_eq!(inputs([-1.0, f32::NAN, 7.0]), [(0, 0.0)]);
        assert_eq!(encoding.to_onnx().one_hot[2], OneHotInput { feature: 2, level: 0 });
    }

    #[test]
    fn with_knots_a_row_becomes_values_pieces_indicators_and_levels() {
        let kinds = vec![FeatureKind::Numeric, FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 2 }];
        let values = vec![0.0, 1.0, 0.0, 1.0, 3.0, 1.0, 0.0, f32::NAN, 0.0, 1.0, 5.0, 1.0];
        let data = Data::new(Matrix::new(4, 3, values).unwrap(), kinds, vec![0, 1, 1, 0], 2, None).unwrap();
        let encoding = Encoding::fit(&data, 5);
        let rounded = |value: f32| (value * 1e3).round() / 1e3;
        let inputs = |row: [f32; 3]| encoding.inputs(&row).map(|(_, value)| rounded(value)).collect::<Vec<_>>();
        assert_eq!(encoding.n_inputs(), 6);
        assert_eq!(inputs([1.0, 4.0, 1.0]), [1.0, 1.0, 0.5, 0.0, 1.0]);
        assert_eq!(inputs([0.0, f32::NAN, -1.0]), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(encoding.inputs(&[0.0, 9.0, 1.0]).last(), Some((5, 1.0)));
    }
}
