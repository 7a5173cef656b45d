//! The contract of a model, learned from its training rows.
//!
//! A column of texts may have any number of levels. A model tells the most frequent ones apart; the others are rare, and one of them is
//! encoded as a missing value is, in training as in every record after it, so that the model learns what a rare level means.

use std::cmp::Reverse;
use std::collections::HashMap;

use data_contract::{Column, ColumnKind, ColumnRule, Contract, Dataset, DeclaredKind, Moment, Target};
use polars::prelude::*;

use crate::encode;

/// Where levels have to be left out, one with fewer rows than this is: too few to learn from.
pub(crate) const MIN_LEVEL_ROWS: usize = 5;

/// Learns the contract: levels most frequent first, ranges, medians.
pub(crate) fn learn(dataset: &Dataset, train: &DataFrame) -> anyhow::Result<Contract> {
    let learn_column = |rule: &ColumnRule| {
        let column = train.column(&rule.name)?;
        let (kind, n_rare_levels) = match rule.kind {
            DeclaredKind::Numeric => (numeric(column.f64()?), 0),
            DeclaredKind::Date => (dates(column.str()?), 0),
            DeclaredKind::Categorical => levels(column.str()?, rule.max_levels()),
        };
        Ok(Column { name: rule.name.clone(), about: rule.about.clone(), n_rare_levels, fixed: rule.fixed, kind })
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

fn dates(values: &StringChunked) -> ColumnKind {
    let mut sorted: Vec<Moment> = encode::moments(values).flatten().collect();
    sorted.sort_unstable();
    let at = |index: usize| sorted.get(index).copied().unwrap_or(Moment::from_days(0.0));
    ColumnKind::Date {
        time: sorted.iter().any(|moment| moment.has_time()),
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
    fn a_column_of_dates_has_a_range_and_perhaps_times() {
        let column = |texts: &[Option<&str>]| serde_json::to_value(dates(&texts.iter().copied().collect())).unwrap();
        let expect = |time: bool, range: [&str; 3]| serde_json::json!({ "kind": "date", "time": time, "minimum": range[0], "maximum": range[1], "median": range[2] });
        let days = [Some("2024-03-01"), None, Some("1999-12-31"), Some("2024-02-29")];
        assert_eq!(column(&days), expect(false, ["1999-12-31", "2024-03-01", "2024-02-29"]));
        let range = ["2024-03-01", "2024-03-01T06:00:00", "2024-03-01T06:00:00"];
        assert_eq!(column(&[Some("2024-03-01T06:00:00"), Some("2024-03-01")]), expect(true, range));
        assert_eq!(column(&[None]), expect(false, ["1970-01-01"; 3]));
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
