//! Which columns to combine: pairs first, then the best of them with one column more, as in a beam search.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::groups::{Groups, Sorted};
use super::rates::Rates;
use crate::tree::binned::BinnedRows;

/// Columns of a combination at most.
const MAX_COLUMNS: usize = 8;

/// Combinations to which one column more is tried.
const BEAM: usize = 6;

/// Groups of a combination at most: each is a leaf.
const MAX_GROUPS: usize = 16_384;

/// Columns that are paired, at most: those whose rates tell the most on their own.
const MAX_PAIRED: usize = 24;

/// Columns that agree, and what their rates lose on rows held out.
#[derive(Clone, Debug)]
struct Combination {
    columns: Vec<usize>,
    n_groups: usize,
    loss: f64,
    /// By how much the loss is above that of the best of its columns alone; below 0 where it pays to combine them.
    above: f64,
}

impl Combination {
    fn is_worth_it(&self) -> bool {
        self.above < 0.0 && self.n_groups <= MAX_GROUPS
    }
}

/// Up to so many combinations. Half are those that lose the least, and half those that gain the most on the best of their columns alone: a column
/// that tells much by itself makes the loss of whatever it is combined with small, and the gain as well.
pub(super) fn choose(n_most: usize, columns: &[usize], binned: &BinnedRows, rates: &Rates) -> Vec<Vec<usize>> {
    let search = Search::new(columns, binned, rates);
    let mut all = search.pairs();
    let mut level = best(&all, BEAM);
    while !level.is_empty() && level[0].columns.len() < MAX_COLUMNS {
        let longer = search.longer(&level);
        level = best(&longer, BEAM);
        all.extend(longer);
    }
    best(&all, n_most).into_iter().map(|combination| combination.columns).collect()
}

/// The best of both kinds in turn, each way of grouping the rows once.
fn best(combinations: &[Combination], n: usize) -> Vec<Combination> {
    let sorted = |key: fn(&Combination) -> f64| {
        let mut sorted: Vec<&Combination> = combinations.iter().filter(|combination| combination.is_worth_it()).collect();
        sorted.sort_by(|a, b| key(a).total_cmp(&key(b)));
        sorted
    };
    let (by_loss, by_gain) = (sorted(|combination| combination.loss), sorted(|combination| combination.above));
    let mut seen = BTreeSet::new();
    let in_turn = by_loss.into_iter().zip(by_gain).flat_map(|(a, b)| [a, b]);
    let is_new = |combination: &&Combination| seen.insert((combination.n_groups, combination.loss.to_bits()));
    in_turn.filter(is_new).take(n).cloned().collect()
}

/// What combinations are judged by.
struct Search<'a> {
    binned: &'a BinnedRows,
    rates: &'a Rates<'a>,
    /// The columns that may be combined, each with the loss of its rates alone.
    columns: Vec<(usize, f64)>,
}

impl<'a> Search<'a> {
    fn new(columns: &[usize], binned: &'a BinnedRows, rates: &'a Rates<'a>) -> Self {
        let alone = |&column: &usize| (column, rates.loss(&Groups::of_columns(&[column], binned)));
        let mut columns: Vec<(usize, f64)> = columns.par_iter().map(alone).collect();
        columns.sort_by(|a, b| a.1.total_cmp(&b.1));
        Self { binned, rates, columns }
    }

    fn pairs(&self) -> Vec<Combination> {
        let columns = &self.columns[..self.columns.len().min(MAX_PAIRED)];
        let pairs = columns.iter().enumerate().map(|(at, (column, _))| (vec![*column], &columns[at + 1..]));
        self.extended(pairs.map(|(first, others)| (first, others.iter().map(|other| other.0).collect())).collect())
    }

    fn longer(&self, combinations: &[Combination]) -> Vec<Combination> {
        let mut seen = BTreeSet::new();
        let mut of_one = |combination: &Combination| {
            let others = self.columns.iter().map(|(column, _)| *column).filter(|column| !combination.columns.contains(column));
            let is_new = |column: &usize| seen.insert(with(&combination.columns, *column));
            (combination.columns.clone(), others.filter(is_new).collect())
        };
        self.extended(combinations.iter().map(&mut of_one).collect())
    }

    /// Each of these columns with each of the others that stand beside it.
    fn extended(&self, parts: Vec<(Vec<usize>, Vec<usize>)>) -> Vec<Combination> {
        let of_part = |(columns, others): (Vec<usize>, Vec<usize>)| {
            let sorted = Groups::of_columns(&columns, self.binned).sort();
            others.into_par_iter().map(|other| self.judge(with(&columns, other), other, &sorted)).collect::<Vec<_>>()
        };
        parts.into_par_iter().flat_map_iter(of_part).collect()
    }

    fn judge(&self, columns: Vec<usize>, last: usize, without_last: &Sorted) -> Combination {
        let groups = without_last.part(self.binned.column(last));
        let loss = self.rates.loss(&groups);
        let alone = self.columns.iter().filter(|(column, _)| columns.contains(column)).map(|(_, loss)| *loss);
        let above = loss - alone.fold(f64::INFINITY, f64::min);
        Combination { columns, n_groups: groups.n_groups, loss, above }
    }
}

/// Ascending.
fn with(columns: &[usize], other: usize) -> Vec<usize> {
    let mut columns = [columns, &[other]].concat();
    columns.sort_unstable();
    columns
}
