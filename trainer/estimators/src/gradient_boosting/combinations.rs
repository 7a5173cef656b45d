//! What the classes' rates are in rows that agree in several columns: log-odds that the rounds start from.
//!
//! Several rows are often about one thing (a person, a place, an offer) that no column names, and that a few columns together tell. Trees,
//! which ask about one column at a time, do not come near it where each of these columns alone says next to nothing. So columns are combined
//! as long as it lowers the log loss of the rates on rows held out (feature combinations and their target statistics: Prokhorenkova et al.,
//! "CatBoost: unbiased boosting with categorical features", NeurIPS 2018), and the log-odds of the best combinations are weighed by a
//! logistic regression on held out log-odds (Wolpert, "Stacked generalization", 1992). Each combination becomes a tree that looks the rate up.

mod choice;
mod groups;
mod lookup;
mod rates;
mod weights;

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::Params;
use super::loss::Loss;
use crate::tree::Tree;
use crate::tree::binning::{Binning, N_BINS};
use crate::{Data, FeatureKind};
use groups::Groups;
use rates::Rates;

/// Values of a number at most that is combined with others: each is a bin of its own.
const MAX_VALUES: usize = N_BINS - 1;

/// Log-odds of combinations, fitted.
#[derive(Clone, Debug, Default)]
pub(super) struct Combinations {
    /// For each combination, one tree per output.
    pub(super) rounds: Vec<Vec<Tree>>,
    /// What they come to at each training row, `[N, outputs]`, by rates in other rows; empty without combinations.
    pub(super) held_out: Vec<f32>,
}

impl Combinations {
    /// Up to as many combinations as the settings say; columns with a direction are left alone.
    pub(super) fn fit(params: &Params, data: &Data, seed: u64) -> Self {
        let n_most = params.combinations.unwrap_or(0);
        if n_most == 0 {
            return Self::default();
        }
        let columns = free_columns(params, data);
        let binning = Binning::fit(data, MAX_VALUES);
        let binned = binning.apply(data.features());
        let rates = Rates::new(data, seed);
        let chosen = choice::choose(n_most, &columns, &binned, &rates);
        let groups: Vec<Groups> = chosen.par_iter().map(|columns| Groups::of_columns(columns, &binned)).collect();
        let held_out: Vec<Vec<f32>> = groups.par_iter().map(|groups| rates.held_out(groups)).collect();
        let weights = weights::fit(&held_out, data, &Loss::new(data).base());
        let of_combination = |((columns, groups), weight): ((&Vec<usize>, &Groups), &f32)| {
            let values: Vec<f32> = rates.log_odds(groups).iter().map(|value| value * weight).collect();
            lookup::trees(columns, groups, &values, &binning, &binned)
        };
        let rounds = chosen.par_iter().zip(&groups).zip(&weights).map(of_combination).collect();
        Self { rounds, held_out: weighted_sum(&held_out, &weights) }
    }
}

/// Whether there are columns to combine.
pub(super) fn can_be_fitted(params: &Params, data: &Data) -> bool {
    free_columns(params, data).len() > 1
}

/// Columns of levels, and of numbers that have few values, but for those that must lead one way.
fn free_columns(params: &Params, data: &Data) -> Vec<usize> {
    let is_free = |column: &usize| params.monotone.get(*column).is_none_or(|&direction| direction == 0);
    (0..data.kinds().len()).filter(|column| is_free(column) && has_few_values(data, *column)).collect()
}

fn has_few_values(data: &Data, column: usize) -> bool {
    if let FeatureKind::Categorical { n_levels } = data.kinds()[column] {
        return n_levels > 1;
    }
    let mut values = BTreeSet::new();
    // Missing values are one more; the sum makes one of the two zeros.
    data.features().column(column).all(|value| {
        values.insert((value + 0.0).to_bits());
        values.len() <= MAX_VALUES
    }) && values.len() > 1
}

fn weighted_sum(columns: &[Vec<f32>], weights: &[f32]) -> Vec<f32> {
    let mut sum = vec![0.0; columns.first().map_or(0, Vec::len)];
    for (column, weight) in columns.iter().zip(weights) {
        sum.iter_mut().zip(column).for_each(|(sum, value)| *sum += weight * value);
    }
    sum
}

#[cfg(test)]
mod tests;
