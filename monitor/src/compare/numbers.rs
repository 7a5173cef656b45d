//! Counting numbers as they come, in memory for the different ones only.
//!
//! A hash table of doubles, as a `GROUP BY` builds it, must be sorted afterwards and costs more than sorting at once where nearly all
//! values differ. So values are buffered as integers of the same order, sorted, and merged into the counts when
//! the buffer is as large as the counts are; each value takes part in few merges.

use monitor_drift::NumericCounts;

use crate::compare::cells::{Binned, Cells};

/// The least number of values that are sorted at once.
const MIN_BUFFER: usize = 1 << 16;

/// Counts of numbers, growing.
#[derive(Default)]
pub(crate) struct Numbers {
    /// Keys in ascending order, each once.
    counts: Vec<(u64, u64)>,
    buffer: Vec<u64>,
    /// Numbers by cell, where not each is counted.
    binned: Option<Binned>,
    n_missing: u64,
    n_infinite: [u64; 2],
}

impl Numbers {
    /// Nothing yet, to be counted in cells where there are some.
    pub(crate) fn new(cells: Option<Cells>) -> Self {
        Self { binned: cells.map(Binned::new), ..Self::default() }
    }

    /// Counts a value.
    pub(crate) fn add(&mut self, value: f64) {
        match (value, &mut self.binned) {
            (value, _) if value.is_nan() => self.n_missing += 1,
            (value, _) if value.is_infinite() => self.n_infinite[usize::from(value > 0.0)] += 1,
            (value, Some(binned)) => binned.add(value),
            // Adding zero turns -0.0 into 0.0, which are one value.
            (value, None) => self.buffer.push(key(value + 0.0)),
        }
    }

    /// Counts missing values.
    pub(crate) fn add_missing(&mut self, n: u64) {
        self.n_missing += n;
    }

    /// Merges what is buffered, once that is enough.
    pub(crate) fn settle(&mut self) {
        if self.buffer.len() >= MIN_BUFFER.max(self.counts.len()) {
            self.merge();
        }
    }

    /// The counts, of a column of integers or not.
    pub(crate) fn finish(mut self, integer: bool) -> NumericCounts {
        self.merge();
        self.buffer = Vec::new();
        let infinite = [f64::NEG_INFINITY, f64::INFINITY].into_iter().zip(self.n_infinite);
        let finite = self.counts.into_iter().map(|(key, n)| (value(key), n));
        let binned = self.binned.iter().flat_map(Binned::pairs);
        let counts =
            NumericCounts::from_pairs(finite.chain(binned).chain(infinite.filter(|(_, n)| *n > 0))).with_missing(self.n_missing);
        if integer { counts.of_integers() } else { counts }
    }

    fn merge(&mut self) {
        self.buffer.sort_unstable();
        let mut fresh = self.buffer.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as u64)).peekable();
        let mut merged = Vec::with_capacity(self.counts.len());
        for &(key, n) in &self.counts {
            while let Some(new) = fresh.next_if(|new| new.0 < key) {
                merged.push(new);
            }
            let more = fresh.next_if(|new| new.0 == key).map_or(0, |new| new.1);
            merged.push((key, n + more));
        }
        merged.extend(fresh);
        self.counts = merged;
        self.buffer.clear();
    }
}

const SIGN: u64 = 1 << 63;

/// An integer with the order of the number.
pub(crate) fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn value(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_order_of_the_numbers_and_lead_back() {
        let ascending = [f64::MIN, -2.5, -1e-300, 0.0, 1e-300, 1.0, 2.5, f64::MAX];
        assert!(ascending.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
        assert!(ascending.iter().all(|number| value(key(*number)) == *number));
    }

    #[test]
    fn counting_in_many_merges_is_counting_at_once() {
        let values: Vec<f64> = (0..500_000u64).map(|i| (i * 7919 % 150_001) as f64 - 75_000.0).collect();
        let mut numbers = Numbers::default();
        for value in &values {
            numbers.add(*value);
            numbers.settle();
        }
        numbers.add(f64::NAN);
        numbers.add(f64::NEG_INFINITY);
        let expected = NumericCounts::from_values(values.into_iter().chain([f64::NAN, f64::NEG_INFINITY]));
        assert_eq!(numbers.finish(false), expected);
    }
}
