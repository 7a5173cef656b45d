//! Columns as at most 256 bins, one byte per value.
//!
//! Bin 0 is the missing bin. A numeric column's other bins have about equally many rows each, and a value that occurs very often has its
//! own. A categorical column has one bin per level; of more than 255 levels, the rarest share the missing bin and are treated like a
//! missing level. Cuts are float32 numbers between two neighbouring values, so `value <= cut` decides exactly as the bins do.

use std::hint::select_unpredictable;

use rayon::prelude::*;

use super::binned::BinnedRows;
use super::split::{BinSet, Question};
use super::{LevelSet, Test};
use crate::matrix::level_of;
use crate::{Data, FeatureKind, Matrix};

/// Bins a byte can tell apart.
pub(crate) const N_BINS: usize = 256;

/// Cuts are found on at most this many rows, evenly spaced.
const SAMPLE_ROWS: usize = 200_000;

/// Rows that are put into bins together.
const CHUNK: usize = 1024;

/// How each column is cut into bins.
#[derive(Clone, Debug)]
pub(crate) struct Binning {
    columns: Vec<Column>,
}

/// How one column is cut into bins.
#[derive(Clone, Debug)]
enum Column {
    /// The largest value of each bin from bin 1 on, ascending; the last is the largest float32 number.
    Numeric { upper: Vec<f32> },
    /// The bin of each level, and the level of each bin from bin 1 on.
    Categorical { bin_of_level: Vec<u8>, level_of_bin: Vec<u32> },
}

impl Binning {
    /// Finds the bins of every column.
    pub(crate) fn fit(data: &Data, max_bins: usize) -> Self {
        let columns = (0..data.kinds().len()).into_par_iter().map(|column| match data.kinds()[column] {
            FeatureKind::Numeric | FeatureKind::Date { .. } => numeric_column(data.features(), column, max_bins),
            FeatureKind::Categorical { n_levels } => categorical_column(data.features(), column, n_levels),
        });
        Self { columns: columns.collect() }
    }

    /// Puts every value into its bin.
    pub(crate) fn apply(&self, features: &Matrix) -> BinnedRows {
        let n_columns = self.columns.len();
        let mut bins = vec![0; features.values().len()];
        bins.par_chunks_mut(n_columns * CHUNK).zip(features.values().par_chunks(n_columns * CHUNK)).for_each(|(bins, values)| {
            for (at, column) in self.columns.iter().enumerate() {
                column.put(&values[at..], &mut bins[at..], n_columns);
            }
        });
        BinnedRows::new(n_columns, bins)
    }

    /// Number of columns.
    pub(crate) fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// Bins of a column, the missing bin included.
    pub(crate) fn n_bins(&self, column: usize) -> usize {
        1 + match &self.columns[column] {
            Column::Numeric { upper } => upper.len(),
            Column::Categorical { level_of_bin, .. } => level_of_bin.len(),
        }
    }

    /// Whether a column's bins are levels.
    pub(crate) fn is_categorical(&self, column: usize) -> bool {
        matches!(self.columns[column], Column::Categorical { .. })
    }

    /// A question about bins as the same question about values.
    pub(crate) fn test(&self, column: usize, question: &Question) -> Test {
        match (&self.columns[column], question) {
            (Column::Numeric { upper }, Question::AtMost { bin, missing_yes }) => {
                Test::AtMost { threshold: upper[*bin as usize - 1], missing_yes: *missing_yes }
            }
            (Column::Categorical { level_of_bin, .. }, Question::OneOf(bins)) => Test::OneOf(levels(bins, level_of_bin)),
            _ => unreachable!("a question has the kind of its column"),
        }
    }
}

impl Column {
    /// Puts each `step`th value into its bin.
    fn put(&self, values: &[f32], bins: &mut [u8], step: usize) {
        let places = bins.iter_mut().step_by(step).zip(values.iter().step_by(step));
        match self {
            Column::Numeric { upper } => {
                let cuts = Cuts::new(upper);
                places.for_each(|(bin, &value)| *bin = if value.is_nan() { 0 } else { (cuts.n_below(value) + 1) as u8 });
            }
            Column::Categorical { bin_of_level, .. } => places.for_each(|(bin, &value)| {
                *bin = level_of(value, bin_of_level.len()).map_or(0, |level| bin_of_level[level]);
            }),
        }
    }
}

/// Ascending cuts, laid out to be searched without a branch that depends on the value: what comes next need not be guessed.
struct Cuts {
    /// Filled up with infinity.
    table: [f32; N_BINS],
    /// Half of a power of two that is above their number.
    first_step: usize,
}

impl Cuts {
    fn new(cuts: &[f32]) -> Self {
        let mut table = [f32::INFINITY; N_BINS];
        table[..cuts.len()].copy_from_slice(cuts);
        Self { table, first_step: (cuts.len() + 1).next_power_of_two() / 2 }
    }

    /// How many are below a value.
    #[inline(always)]
    fn n_below(&self, value: f32) -> usize {
        let (mut n_below, mut step) = (0, self.first_step);
        while step > 0 {
            let is_below = self.table[(n_below + step - 1) % N_BINS] < value;
            n_below = select_unpredictable(is_below, n_below + step, n_below);
            step /= 2;
        }
        n_below
    }
}

fn levels(bins: &BinSet, level_of_bin: &[u32]) -> LevelSet {
    level_of_bin.iter().enumerate().filter(|(at, _)| bins.contains(*at as u8 + 1)).map(|(_, &level)| level).collect()
}

fn numeric_column(features: &Matrix, column: usize, max_bins: usize) -> Column {
    let step = features.n_rows().div_ceil(SAMPLE_ROWS).max(1);
    let mut values: Vec<f32> = features.column(column).step_by(step).filter(|value| !value.is_nan()).collect();
    values.sort_unstable_by(f32::total_cmp);
    let distinct = count_runs(&values);
    let mut upper = if distinct.len() <= max_bins { all_cuts(&distinct) } else { balanced_cuts(&distinct, max_bins) };
    if !distinct.is_empty() {
        upper.push(f32::MAX);
    }
    Column::Numeric { upper }
}

fn categorical_column(features: &Matrix, column: usize, n_levels: usize) -> Column {
    let mut rows_of_level = vec![0_usize; n_levels];
    for level in features.column(column).filter_map(|value| level_of(value, n_levels)) {
        rows_of_level[level] += 1;
    }
    let mut level_of_bin: Vec<u32> = (0..n_levels as u32).collect();
    level_of_bin.sort_by_key(|&level| std::cmp::Reverse(rows_of_level[level as usize]));
    level_of_bin.truncate(N_BINS - 1);
    level_of_bin.sort_unstable();
    let mut bin_of_level = vec![0; n_levels];
    for (at, &level) in level_of_bin.iter().enumerate() {
        bin_of_level[level as usize] = at as u8 + 1;
    }
    Column::Categorical { bin_of_level, level_of_bin }
}

/// Distinct values of a sorted slice with how often each occurs.
fn count_runs(sorted: &[f32]) -> Vec<(f32, usize)> {
    sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect()
}

fn all_cuts(distinct: &[(f32, usize)]) -> Vec<f32> {
    distinct.windows(2).map(|pair| between(pair[0].0, pair[1].0)).collect()
}

/// Closes a bin when it has its share of the rows that are left, or half of it when a heavy value comes next.
fn balanced_cuts(distinct: &[(f32, usize)], max_bins: usize) -> Vec<f32> {
    let mut cuts = Vec::with_capacity(max_bins);
    let mut rows_left: usize = distinct.iter().map(|(_, rows)| rows).sum();
    let mut rows = 0;
    for pair in distinct.windows(2) {
        rows += pair[0].1;
        let share = rows_left as f64 / (max_bins - cuts.len()) as f64;
        let heavy_next = pair[1].1 as f64 > share && rows as f64 >= share / 2.0;
        if (rows as f64 >= share || heavy_next) && cuts.len() + 1 < max_bins {
            cuts.push(between(pair[0].0, pair[1].0));
            rows_left -= rows;
            rows = 0;
        }
    }
    cuts
}

/// A float32 number `m` with `a <= m < b`: the midpoint, or `a` when there is none.
fn between(a: f32, b: f32) -> f32 {
    let middle = f64::midpoint(f64::from(a), f64::from(b)) as f32;
    if middle >= a && middle < b { middle } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binning(values: Vec<f32>, kind: FeatureKind, max_bins: usize) -> (Binning, Vec<u8>) {
        let n_rows = values.len();
        let classes = (0..n_rows as u32).map(|row| row % 2).collect();
        let features = Matrix::new(n_rows, 1, values).unwrap();
        let data = Data::new(features.clone(), vec![kind], classes, 2, None).unwrap();
        let binning = Binning::fit(&data, max_bins);
        let bins = binning.apply(&features).column(0).to_vec();
        (binning, bins)
    }

    #[test]
    fn each_distinct_number_has_a_bin_when_they_fit() {
        let (binning, bins) = binning(vec![3.0, f32::NAN, 1.0, 2.0, 3.0], FeatureKind::Numeric, 255);
        assert_eq!((bins, binning.n_bins(0)), (vec![3, 0, 1, 2, 3], 4));
    }

    #[test]
    fn many_numbers_share_bins_of_about_equal_size() {
        let (binning, bins) = binning((0..1000).map(|v| v as f32).collect(), FeatureKind::Numeric, 10);
        assert_eq!(binning.n_bins(0), 11);
        for bin in 1..=10 {
            assert_eq!(bins.iter().filter(|&&b| b == bin).count(), 100, "bin {bin}");
        }
    }

    #[test]
    fn the_threshold_decides_exactly_as_the_bins_do() {
        let values: Vec<f32> = (0..2000).map(|v| (v as f32 * 0.7).sin() * 1e-3 + 1.0).collect();
        let (binning, bins) = binning(values.clone(), FeatureKind::Numeric, 64);
        for bin in 1..binning.n_bins(0) as u8 {
            let test = binning.test(0, &Question::AtMost { bin, missing_yes: false });
            for (value, &its_bin) in values.iter().zip(&bins) {
                assert_eq!(test.holds(*value), its_bin <= bin, "{value} in bin {its_bin}, cut after {bin}");
            }
        }
    }

    #[test]
    fn as_many_cuts_are_below_a_value_as_a_search_with_branches_finds() {
        for n_cuts in [0, 1, 2, 3, 7, 8, 100, 127, 128, 254, 255] {
            let cuts: Vec<f32> = (0..n_cuts).map(|cut| cut as f32 * 0.5 - 20.0).collect();
            let values = (-50..300).map(|value| value as f32 * 0.4).chain([f32::MIN, f32::MAX]);
            for value in values.chain(cuts.iter().copied()) {
                assert_eq!(Cuts::new(&cuts).n_below(value), cuts.partition_point(|&cut| cut < value), "{value} of {n_cuts}");
            }
        }
    }

    #[test]
    fn the_rarest_of_too_many_levels_share_the_missing_bin() {
        let mut values: Vec<f32> = (0..300).flat_map(|level| [level as f32; 2]).collect();
        values.retain(|&level| level != 7.0);
        values.push(-1.0);
        let (binning, bins) = binning(values.clone(), FeatureKind::Categorical { n_levels: 300 }, 255);
        assert_eq!(binning.n_bins(0), 256);
        assert_eq!(bins.iter().filter(|&&bin| bin == 0).count(), 2 * 44 + 1);
        assert_eq!((bins[0], *bins.last().unwrap()), (1, 0));
    }

    #[test]
    fn neighbouring_floats_have_a_cut_between_them() {
        let a = 0.1_f32;
        assert_eq!(between(a, a.next_up()), a);
        assert_eq!(between(-f32::MAX, f32::MAX), 0.0);
    }
}
