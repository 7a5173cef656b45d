//! Numbers counted in cells, where a comparison need not be exact to be right.
//!
//! Cells of a column are as wide as a power of two and lie between the smallest and the largest number of both files, so that both are
//! counted alike. A cell's numbers count as its middle: figures differ from the exact ones by what moving each number by half a cell does.

use anyhow::Result;

use crate::compare::Sides;
use crate::compare::plan::Plan;
use crate::compare::table::{Column, Table};
use crate::engine::{Engine, quote_name};
use crate::grid::Grid;

/// Cells of a column, at least; at most twice as many.
const N_CELLS: f64 = 65_536.0;
/// Columns whose range one query finds.
const MAX_QUERIED: usize = 250;

/// The cells of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cells {
    grid: Grid,
    /// Numbers of the first and the last one.
    first: f64,
    last: f64,
}

/// Numbers by cell.
#[derive(Debug)]
pub(crate) struct Binned {
    cells: Cells,
    counts: Vec<u64>,
}

impl Cells {
    /// Those between two numbers; none where each number is counted, as few whole ones are.
    fn between(low: f64, high: f64, whole: bool) -> Option<Self> {
        let grid = Grid::of_span(high - low, N_CELLS)?;
        (!whole || grid.width() > 1.0).then(|| Self { grid, first: grid.number(low), last: grid.number(high) })
    }
}

impl Binned {
    /// No number yet.
    pub(crate) fn new(cells: Cells) -> Self {
        Self { cells, counts: vec![0; (cells.last - cells.first) as usize + 1] }
    }

    /// Counts a finite number.
    pub(crate) fn add(&mut self, value: f64) {
        // The cast takes what would lie outside, which is nothing, to an end.
        let at = (self.cells.grid.number(value) - self.cells.first) as usize;
        let last = self.counts.len() - 1;
        self.counts[at.min(last)] += 1;
    }

    /// How often the middle of each cell stands for a number.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (f64, u64)> {
        let middle = |at: usize| self.cells.grid.middle(self.cells.first + at as f64);
        self.counts.iter().enumerate().filter(|(_, n)| **n > 0).map(move |(at, n)| (middle(at), *n))
    }
}

/// Divides the columns that hold numbers in both files, and are compared as numbers, into the same cells.
pub(crate) fn divide(engine: &Engine, sides: &mut Sides, plan: &Plan) -> Result<()> {
    let Sides { reference, current } = sides;
    let is_number =
        |column: &Column| column.storage.is_number() && plan.takes(&column.name) && !plan.is_categorical(&column.name);
    let shared = |column: &&Column| is_number(column) && reference.column(&column.name).is_some_and(is_number);
    let names: Vec<String> = current.columns.iter().filter(shared).map(|column| column.name.clone()).collect();
    for names in names.chunks(MAX_QUERIED) {
        let ranges = ranges(engine, reference, names)?.into_iter().zip(ranges(engine, current, names)?);
        for (name, (ours, theirs)) in names.iter().zip(ranges) {
            let mut columns = [&mut *reference, &mut *current].map(|table| table.column_mut(name));
            let whole = columns.iter().flatten().all(|column| column.storage.is_whole());
            let range = ours.zip(theirs).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1)));
            let cells = range.and_then(|(low, high)| Cells::between(low, high, whole));
            columns.iter_mut().flatten().for_each(|column| column.cells = cells);
        }
    }
    Ok(())
}

/// The smallest and the largest finite number of each column; none where there is none.
fn ranges(engine: &Engine, table: &Table, names: &[String]) -> Result<Vec<Option<(f64, f64)>>> {
    let range = |name: &String| {
        let value = format!("CAST({} AS DOUBLE)", quote_name(name));
        format!("min({value}) FILTER (isfinite({value})), max({value}) FILTER (isfinite({value}))")
    };
    let list: Vec<String> = names.iter().map(range).collect();
    let sql = format!("SELECT {} FROM {}", list.join(", "), table.relation);
    let rows = engine.query(&sql, |row| {
        let end = |at: usize| -> Result<Option<f64>> { Ok(row.get(at)?) };
        (0..names.len()).map(|at| Ok(end(2 * at)?.zip(end(2 * at + 1)?))).collect::<Result<Vec<_>>>()
    });
    Ok(table.reading(rows)?.remove(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use monitor_drift::NumericCounts;

    #[test]
    fn numbers_stand_at_the_middle_of_their_cell() {
        let cells = Cells::between(-1.0, 65_535.0, false).unwrap();
        assert_eq!(cells.grid.width(), 1.0);
        let mut binned = Binned::new(cells);
        [-1.0, -0.25, 0.0, 0.5, 65_535.0].into_iter().for_each(|value| binned.add(value));
        let counts = NumericCounts::from_pairs(binned.pairs());
        assert_eq!(counts.pairs(), [(-0.5, 2), (0.5, 2), (65_535.5, 1)]);
    }

    #[test]
    fn few_whole_numbers_and_one_value_have_no_cells() {
        assert_eq!(Cells::between(0.0, 100_000.0, true), None);
        assert_eq!(Cells::between(0.0, 1e6, true).unwrap().grid.width(), 8.0);
        assert_eq!(Cells::between(3.5, 3.5, false), None);
        assert_eq!(Cells::between(f64::MIN, f64::MAX, false), None, "no width is wide enough");
    }
}
