//! Fixed fine cells for numbers of which there are too many to count each.
//!
//! A cell is as wide as a power of two, so the number of a value's cell is exact in every engine: multiplying a float by a power of
//! two rounds nothing. Cells are fixed by the reference, so counts of any parts of the log add up.

use data_contract::{Reference, ValueCounts};
use monitor_drift::NumericCounts;

/// More different numbers than this are counted by cells, unless they are whole.
const MAX_VALUES: usize = 4_096;
/// More different numbers than this, most of which occur a few times only, will be many in a longer log.
const MAX_RARE: usize = 256;
/// How often a number that is not rare occurs, on average.
const RARE: u64 = 4;
/// Cells between the 1st and the 99th percentile of the reference, at least; at most twice as many.
const N_CELLS: f64 = 2_048.0;
/// Widths beyond 2 to this power, or below its inverse, are left alone.
const MAX_EXPONENT: i32 = 52;

/// Cells of equal width, one of which begins at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The width is 2 to this power.
    exponent: i32,
}

/// The grids of a version; none where each value is counted.
pub(crate) struct Grids {
    /// Of each column, in contract order.
    pub(crate) columns: Vec<Option<Grid>>,
    /// Of the followed class's probability.
    pub(crate) prediction: Option<Grid>,
}

impl Grids {
    /// Those that follow from a reference.
    pub(crate) fn of(reference: &Reference) -> Self {
        let columns = reference.columns.iter().map(|column| Grid::of(&column.counts)).collect();
        Self { columns, prediction: Grid::of(&reference.prediction) }
    }
}

impl Grid {
    /// The grid of a column; none where its values are counted each.
    pub(crate) fn of(counts: &ValueCounts) -> Option<Self> {
        let ValueCounts::Numeric { integer, exact, values, .. } = counts else { return None };
        let total: u64 = values.iter().map(|(_, n)| n).sum();
        let rare = values.len() > MAX_RARE && values.len() as u64 * RARE > total;
        if *exact && (*integer || (values.len() <= MAX_VALUES && !rare)) {
            return None;
        }
        Self::over(values, *integer)
    }

    /// The grid for values of the reference's kind, if there must be one.
    fn over(values: &[(f64, u64)], integer: bool) -> Option<Self> {
        let total: u64 = values.iter().map(|(_, n)| n).sum();
        let span = quantile(values, total - total / 100) - quantile(values, total / 100);
        let narrowest = if integer { 1.0 } else { 0.0 };
        Self::of_span(span.max(narrowest * N_CELLS), N_CELLS)
    }

    /// The grid that has at least so many cells in a span, and at most twice as many; none where their width would be extreme.
    pub(crate) fn of_span(span: f64, n_cells: f64) -> Option<Self> {
        let exponent = (span / n_cells).log2().floor();
        (exponent.abs() <= f64::from(MAX_EXPONENT)).then_some(Self { exponent: exponent as i32 })
    }

    /// The number of the cell of a value.
    pub(crate) fn number(self, value: f64) -> f64 {
        (value / self.width()).floor()
    }

    /// The number of the cell in which an SQL expression lies.
    pub(crate) fn cell(self, expression: &str) -> String {
        let operator = if self.exponent < 0 { '*' } else { '/' };
        format!("FLOOR({expression} {operator} {})", 1_u64 << self.exponent.unsigned_abs())
    }

    /// The middle of a cell, by its number.
    pub(crate) fn middle(self, cell: f64) -> f64 {
        (cell + 0.5) * self.width()
    }

    /// The same counts, by cells.
    pub(crate) fn coarsen(self, counts: &NumericCounts) -> NumericCounts {
        let pairs = counts.pairs().iter().map(|&(value, n)| (self.middle(self.number(value)), n));
        let infinite = [(f64::INFINITY, counts.n_infinite())];
        NumericCounts::from_pairs(pairs.chain(infinite)).with_missing(counts.n_missing())
    }

    /// How wide a cell is.
    pub(crate) fn width(self) -> f64 {
        2.0_f64.powi(self.exponent)
    }
}

/// The value at a rank.
fn quantile(values: &[(f64, u64)], rank: u64) -> f64 {
    let mut seen = 0;
    let reaches = |&&(_, n): &&(f64, u64)| {
        seen += n;
        seen > rank
    };
    values.iter().find(reaches).or(values.last()).map_or(0.0, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(integer: bool, exact: bool, values: impl Iterator<Item = f64>) -> ValueCounts {
        ValueCounts::Numeric { integer, exact, n_missing: 0, values: values.map(|value| (value, 1)).collect() }
    }

    #[test]
    fn only_many_different_fractions_are_counted_by_cells() {
        let of = |n: u32, integer: bool, exact: bool| Grid::of(&numbers(integer, exact, (0..n).map(f64::from)));
        assert_eq!(of(256, false, true), None);
        assert_eq!(of(4_096, false, true), Some(Grid { exponent: 0 }), "none occurs twice");
        let often = ValueCounts::Numeric {
            integer: false,
            exact: true,
            n_missing: 0,
            values: (0..4_096).map(|n| (f64::from(n), 9)).collect(),
        };
        assert_eq!(Grid::of(&often), None);
        assert_eq!(of(20_000, true, true), None);
        assert_eq!(of(20_000, false, true), Some(Grid { exponent: 3 }));
        assert_eq!(of(100, true, false), Some(Grid { exponent: 0 }), "a reference in bins has too many values to count each");
        assert_eq!(Grid::of(&numbers(false, false, [1.0; 9].into_iter())), None, "one value has no width");
    }

    #[test]
    fn a_value_lies_in_the_cell_whose_middle_is_near() {
        let grid = Grid { exponent: -3 };
        assert_eq!(grid.cell("x"), "FLOOR(x * 8)");
        assert_eq!(Grid { exponent: 4 }.cell("x"), "FLOOR(x / 16)");
        let counts = NumericCounts::from_pairs([(0.0, 1), (0.124, 2), (-0.01, 4), (f64::NAN, 8), (f64::INFINITY, 16)]);
        let coarse = grid.coarsen(&counts);
        assert_eq!(coarse.pairs(), [(-0.0625, 4), (0.0625, 3)]);
        assert_eq!((coarse.n_missing(), coarse.n_infinite()), (8, 16));
    }
}
