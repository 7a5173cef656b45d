//! Reference counts of the rows that a model learned from.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use data_contract::{Column, ColumnCounts, Contract, Reference, ValueCounts, shortest};
use polars::prelude::*;
use trainer_estimators::Matrix;

use crate::{encode, own_drift};

/// Above this many different numbers a column is counted in bins, each standing at its rows' mean.
const MAX_DISTINCT: usize = 20_000;
const N_BINS: usize = 4_096;

/// What a model says about rows that it has not seen.
#[derive(Clone, Copy)]
pub(crate) struct Unseen<'a> {
    /// Probabilities `[N, C]`.
    pub(crate) probabilities: &'a Matrix,
    /// The rows' dates, where they have some.
    pub(crate) dates: &'a [Option<NaiveDate>],
}

/// Counts every column of the training rows, and the probabilities that the model gives to rows it has not seen.
pub(crate) fn count(train: &DataFrame, contract: &Contract, unseen: Unseen) -> anyhow::Result<Reference> {
    let counts_of = |column: &Column| {
        let values = train.column(&column.name)?;
        let counts = match encode::numbers(values, column)? {
            Some(numbers) => numeric(numbers, values.null_count() as u64),
            None => texts(values.str()?, column),
        };
        Ok(ColumnCounts { name: column.name.clone(), counts })
    };
    let followed: Vec<f64> = unseen.probabilities.column(contract.target.followed()).map(shortest).collect();
    Ok(Reference {
        format: 1,
        contract: contract.digest(),
        n_rows: train.height() as u64,
        columns: contract.columns.iter().map(counts_of).collect::<anyhow::Result<_>>()?,
        own_drift: own_drift::measure(train, contract, &followed, unseen.dates)?,
        prediction: numeric(followed, 0),
        classes: levels(train.column(&contract.target.name)?.str()?.iter().flatten()),
    })
}

fn numeric(mut numbers: Vec<f64>, n_missing: u64) -> ValueCounts {
    numbers.sort_unstable_by(f64::total_cmp);
    let integer = numbers.iter().all(|number| number.fract() == 0.0);
    let mut values: Vec<(f64, u64)> = Vec::new();
    for number in &numbers {
        match values.last_mut() {
            Some((last, count)) if last == number => *count += 1,
            _ => values.push((*number, 1)),
        }
    }
    let exact = values.len() <= MAX_DISTINCT;
    let values = if exact { values } else { bins(&numbers) };
    ValueCounts::Numeric { integer, exact, n_missing, values }
}

/// Bins of equal mass, each at its mean: the mean of the column is kept.
fn bins(sorted: &[f64]) -> Vec<(f64, u64)> {
    let size = sorted.len().div_ceil(N_BINS);
    let bin = |bin: &[f64]| (bin.iter().sum::<f64>() / bin.len() as f64, bin.len() as u64);
    let mut bins: Vec<(f64, u64)> = sorted.chunks(size).map(bin).collect();
    bins.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 += if same { next.1 } else { 0 };
        same
    });
    bins
}

/// Counts of the listed levels; rare ones are counted together, as the monitor does with a window's.
fn texts(values: &StringChunked, column: &Column) -> ValueCounts {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (text, n) in levels(values.iter().flatten()) {
        *counts.entry(column.counted_as(&text).to_owned()).or_default() += n;
    }
    ValueCounts::Categorical { n_missing: values.null_count() as u64, levels: counts }
}

fn levels<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        match counts.get_mut(value) {
            Some(count) => *count += 1,
            None => {
                counts.insert(value.to_owned(), 1);
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_different_numbers_are_binned_and_their_mean_is_kept() {
        let numbers: Vec<f64> = (0..50_000).map(|n| f64::from(n) * 0.5).collect();
        let mean = numbers.iter().sum::<f64>() / 50_000.0;
        let ValueCounts::Numeric { exact, values, .. } = numeric(numbers, 0) else { panic!("numbers are numeric") };
        assert!(!exact && values.len() <= N_BINS);
        assert_eq!(values.iter().map(|(_, count)| count).sum::<u64>(), 50_000);
        let binned = values.iter().map(|(value, count)| value * *count as f64).sum::<f64>() / 50_000.0;
        assert!((binned - mean).abs() < 1e-9);
    }
}
