//! The contract of a model, learned from its training rows.
//!
//! A column of texts may have any number of levels. A model tells the most frequent ones apart; the others are rare, and one of them is
//! encoded as a missing value is, in training as in every record after it, so that the model learns what a rare level means.

use std::cmp::Reverse;
use std::collections::HashMap;

use data_contract::{Column, ColumnKind, ColumnRule, Contract, Dataset, DeclaredKind, Target};
use polars::prelude::*;

/// Where levels have to be left out, one with fewer rows than this is: too few to learn from.
pub(crate) const MIN_LEVEL_ROWS: usize = 5;

/// Learns the contract: levels most frequent first, ranges, medians.
pub(crate) fn learn(dataset: &Dataset, train: &DataFrame) -> anyhow::Result<Contract> {
    let learn_column = |rule: &ColumnRule| {
        let column = train.column(&rule.name)?;
        let (kind, n_rare_levels) = match rule.kind {
            DeclaredKind::Numeric => (numeric(column.f64()?), 0),
            DeclaredKind::Categorical => levels(column.str()?, rule.max_levels()),
        };
        Ok(Column { name: rule.name.clone(), about: rule.about.clone(), n_rare_levels, kind })
    };
    Ok(Contract {
        format: 1,
        dataset: dataset.name.clone(),
        columns: dataset.columns.iter().map(learn_column).collect::<anyhow::Result<_>>()?,
        target: Target {
            name: dataset.target.column.clone(),
            classes: dataset.target.classes.clone(),
            positive: dataset.positive(),
        },
        missing_tokens: dataset.missing.clone(),
    })
}

fn numeric(values: &Float64Chunked) -> ColumnKind {
    let mut sorted: Vec<f64> = values.iter().flatten().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    ColumnKind::Numeric {
        integer: sorted.iter().all(|value| value.fract() == 0.0),
        minimum: at(0),
        maximum: at(sorted.len().saturating_sub(1)),
        median: at(sorted.len() / 2),
    }
}

/// The levels, most frequent first, and how many there are beside them. Levels are left out only when there are more than `most`.
fn levels(values: &StringChunked, most: usize) -> (ColumnKind, u64) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    values.iter().flatten().for_each(|value| *counts.entry(value).or_default() += 1);
    let mut levels: Vec<(&str, usize)> = counts.into_iter().collect();
    levels.sort_unstable_by_key(|(level, count)| (Reverse(*count), *level));
    let n_levels = levels.len();
    if n_levels > most {
        levels.truncate(most);
        levels.retain(|(_, count)| *count >= MIN_LEVEL_ROWS);
    }
    let n_rare = (n_levels - levels.len()) as u64;
    (ColumnKind::Categorical { levels: levels.into_iter().map(|(level, _)| level.to_owned()).collect() }, n_rare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[(&str, usize)], most: usize, expect: &[&str], n_rare: u64) {
        let values: StringChunked = texts.iter().flat_map(|(text, n)| std::iter::repeat_n(Some(*text), *n)).collect();
        let levels_of = ColumnKind::Categorical { levels: expect.iter().map(|&level| level.to_owned()).collect() };
        assert_eq!(levels(&values, most), (levels_of, n_rare));
    }

    #[test]
    fn all_levels_are_kept_where_there_are_few() {
        check(&[("a", 1), ("b", 9), ("c", 1)], 3, &["b", "a", "c"], 0);
        check(&[], 3, &[], 0);
    }

    #[test]
    fn of_many_levels_the_frequent_ones_are_kept() {
        check(&[("a", 5), ("b", 9), ("c", 6), ("d", 1)], 2, &["b", "c"], 2);
        check(&[("a", 4), ("b", 9), ("c", 4), ("d", 1)], 3, &["b"], 3);
        check(&[("a", 1), ("b", 1)], 1, &[], 2);
    }
}
