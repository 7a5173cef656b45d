//! Sums of gradients per bin.
//!
//! Sums are what a fit spends its time on. Columns are taken four at a time, whose bins fit the first-level cache, over some hundred rows,
//! whose gradients do, too.

use std::iter::Sum;

use rayon::prelude::*;

use super::binned::BinnedRows;
use super::binning::{Binning, N_BINS};
use super::prefetch;
use super::quantise::Quantised;

/// Below this many row-columns another thread costs more than it helps.
const PARALLEL_WORK: usize = 1 << 17;

/// Rows whose gradients are brought together.
const ROWS_AT_ONCE: usize = 512;

/// Columns that are summed together.
const COLUMNS_AT_ONCE: usize = 4;

/// Summed gradients and the number of rows; 16 bytes, which add as one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub(crate) struct Sums {
    /// Sum of first derivatives, in units.
    pub(crate) first: i32,
    /// Sum of second derivatives, in units.
    pub(crate) second: i32,
    /// Rows.
    pub(crate) count: i32,
    /// Always 0.
    pub(crate) padding: i32,
}

impl Sums {
    /// Adds.
    #[inline(always)]
    pub(crate) fn add(&mut self, other: Self) {
        self.first += other.first;
        self.second += other.second;
        self.count += other.count;
        self.padding += other.padding;
    }

    /// The difference.
    #[inline(always)]
    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            first: self.first - other.first,
            second: self.second - other.second,
            count: self.count - other.count,
            padding: self.padding - other.padding,
        }
    }
}

impl<'a> Sum<&'a Self> for Sums {
    fn sum<I: Iterator<Item = &'a Self>>(sums: I) -> Self {
        sums.fold(Self::default(), |mut total, sums| {
            total.add(*sums);
            total
        })
    }
}

/// Where the bins of some columns lie in a histogram: one column after the other, each with as many bins as it has.
pub(crate) struct Layout<'a> {
    /// The columns, in order.
    pub(crate) columns: &'a [usize],
    /// The first bin of each column, and where the last column ends.
    starts: Vec<usize>,
}

impl<'a> Layout<'a> {
    /// Of these columns.
    pub(crate) fn new(columns: &'a [usize], binning: &Binning) -> Self {
        let mut starts = vec![0];
        starts.extend(columns.iter().scan(0, |end, &column| {
            *end += binning.n_bins(column);
            Some(*end)
        }));
        Self { columns, starts }
    }

    /// Number of bins in all.
    pub(crate) fn n_bins(&self) -> usize {
        self.starts[self.columns.len()]
    }
}

/// The bins of the columns of a layout, and as many unused places behind them as a byte could point at.
#[derive(Default)]
pub(crate) struct Histogram {
    sums: Vec<Sums>,
}

impl Histogram {
    /// Sums the gradients of these rows, in the place of what the histogram held.
    pub(crate) fn build(&mut self, binned: &BinnedRows, layout: &Layout, rows: &[u32], quantised: &Quantised) {
        let n_parts = rayon::current_num_threads().min(1 + rows.len() * layout.columns.len() / PARALLEL_WORK);
        let (own, others) = rows.split_at(rows.len().div_ceil(n_parts));
        if others.is_empty() {
            return self.build_part(binned, layout, own, quantised);
        }
        let part = |rows: &[u32]| {
            let mut part = Self::default();
            part.build_part(binned, layout, rows, quantised);
            part
        };
        let (_, others) = rayon::join(
            || self.build_part(binned, layout, own, quantised),
            || others.par_chunks(rows.len().div_ceil(n_parts)).map(part).reduce_with(Self::plus),
        );
        if let Some(others) = others {
            self.add(&others);
        }
    }

    /// Takes away the rows of another histogram of the same layout.
    pub(crate) fn subtract(&mut self, other: &Self) {
        self.sums.iter_mut().zip(&other.sums).for_each(|(bin, other)| *bin = bin.minus(*other));
    }

    /// The bins of the column at this place of the layout.
    pub(crate) fn column(&self, layout: &Layout, place: usize) -> &[Sums] {
        &self.sums[layout.starts[place]..layout.starts[place + 1]]
    }

    /// The sums over all bins.
    pub(crate) fn total(&self, layout: &Layout) -> Sums {
        self.column(layout, 0).iter().sum()
    }

    fn build_part(&mut self, binned: &BinnedRows, layout: &Layout, rows: &[u32], quantised: &Quantised) {
        self.sums.clear();
        self.sums.resize(layout.n_bins() + N_BINS, Sums::default());
        let mut gradients = [Sums::default(); ROWS_AT_ONCE];
        for start in (0..rows.len()).step_by(ROWS_AT_ONCE) {
            let end = rows.len().min(start + ROWS_AT_ONCE);
            for (gradient, at) in gradients.iter_mut().zip(start..end) {
                prefetch::bytes_ahead(rows, at, |row| binned.row(row));
                prefetch::ahead(rows, at, |row| &quantised.rows[row as usize]);
                *gradient = quantised.rows[rows[at] as usize];
            }
            self.add_rows(binned, layout, &rows[start..end], &gradients);
        }
    }

    fn add_rows(&mut self, binned: &BinnedRows, layout: &Layout, rows: &[u32], gradients: &[Sums]) {
        let blocks = layout.columns.chunks(COLUMNS_AT_ONCE).zip(layout.starts.chunks(COLUMNS_AT_ONCE));
        for (columns, starts) in blocks {
            match (columns, starts) {
                (&[a, b, c, d], &[e, f, g, h]) => self.add_columns(binned, [a, b, c, d], [e, f, g, h], rows, gradients),
                (&[a, b, c], &[d, e, f, ..]) => self.add_columns(binned, [a, b, c], [d, e, f], rows, gradients),
                (&[a, b], &[c, d, ..]) => self.add_columns(binned, [a, b], [c, d], rows, gradients),
                (&[a], &[b, ..]) => self.add_columns(binned, [a], [b], rows, gradients),
                _ => unreachable!("each column has a start"),
            }
        }
    }

    /// Adds some columns of some rows, given where the bins of each column start.
    fn add_columns<const N: usize>(
        &mut self,
        binned: &BinnedRows,
        columns: [usize; N],
        starts: [usize; N],
        rows: &[u32],
        gradients: &[Sums],
    ) {
        assert!(columns.iter().all(|&column| column < binned.n_columns()), "columns of the rows");
        assert!(starts.iter().all(|&start| start + N_BINS <= self.sums.len()), "bins within the histogram");
        for (&row, gradient) in rows.iter().zip(gradients) {
            let bins = binned.row(row);
            for (column, start) in columns.into_iter().zip(starts) {
                // SAFETY: both places were checked above for every column; a bin is a byte, so it is below `N_BINS`.
                unsafe {
                    let bin = *bins.get_unchecked(column) as usize;
                    self.sums.get_unchecked_mut(start + bin).add(*gradient);
                }
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.sums.iter_mut().zip(&other.sums).for_each(|(bin, other)| bin.add(*other));
    }

    fn plus(mut self, other: Self) -> Self {
        self.add(&other);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::tree::quantise::{Gradient, quantise};
    use crate::{Data, FeatureKind, Matrix};

    #[test]
    fn sums_are_those_of_a_plain_loop_for_any_number_of_columns_and_threads() {
        let (n_rows, mut random) = (30_000, Random::new(3));
        for n_columns in [1, 2, 3, 4, 5, 7, 9] {
            let values = (0..n_rows * n_columns).map(|_| random.below(7) as f32).collect();
            let classes = (0..n_rows as u32).map(|row| row % 2).collect();
            let kinds = vec![FeatureKind::Numeric; n_columns];
            let data = Data::new(Matrix::new(n_rows, n_columns, values).unwrap(), kinds, classes, 2, None).unwrap();
            let binning = Binning::fit(&data, 255);
            let binned = binning.apply(data.features());
            let gradients: Vec<Gradient> =
                (0..n_rows).map(|_| Gradient { first: random.unit() as f32 - 0.5, second: random.unit() as f32 }).collect();
            let quantised = quantise(&gradients, 1);
            let columns: Vec<usize> = (0..n_columns).rev().collect();
            let layout = Layout::new(&columns, &binning);
            let rows: Vec<u32> = (0..n_rows as u32).filter(|row| row % 3 != 1).collect();
            let threads = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            let mut histogram = Histogram::default();
            threads.install(|| histogram.build(&binned, &layout, &rows, &quantised));
            for (place, &column) in columns.iter().enumerate() {
                let mut expect = vec![Sums::default(); binning.n_bins(column)];
                rows.iter().for_each(|&row| {
                    expect[binned.column(column)[row as usize] as usize].add(quantised.rows[row as usize]);
                });
                assert_eq!(histogram.column(&layout, place), expect, "column {column} of {n_columns}");
            }
        }
    }
}
