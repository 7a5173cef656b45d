//! The rule `tidemark` on windows drawn from real columns: how often it alarms without cause, and how soon with one.

use std::collections::BTreeMap;

use monitor_drift::{CategoricalCounts, Counts, NumericCounts, Shift, shift, verdicts};
use serde::Deserialize;

use crate::dice::Dice;

const LEVEL: f64 = 0.005;
const MATTERS_FROM: f64 = 0.1;
const N_ROWS: usize = 500;

#[derive(Deserialize)]
struct Golden {
    sides: BTreeMap<String, BTreeMap<String, Counts>>,
}

/// Value counts of ten columns of bank-full, and five bell-shaped ones.
fn reference() -> BTreeMap<String, Counts> {
    let mut golden: Golden = serde_json::from_str(include_str!("../golden/bank_full.json")).unwrap();
    let mut columns = golden.sides.remove("reference").unwrap();
    let mut dice = Dice(10);
    for number in 1..=5 {
        columns.insert(
            format!("bell-{number}"),
            NumericCounts::from_values((0..20_000).map(|_| (dice.normal() * 100.0).round() / 100.0)).into(),
        );
    }
    columns
}

/// `N_ROWS` values drawn from a column's counts, numbers moved by `moved` of the column's standard deviations.
fn draw(dice: &mut Dice, column: &Counts, moved: f64) -> Counts {
    match column {
        Counts::Numeric(counts) => {
            let by = moved * counts.std().unwrap();
            let values = pick(dice, counts.pairs().iter().map(|pair| pair.1));
            NumericCounts::from_values(values.into_iter().map(|index| counts.pairs()[index].0 + by)).into()
        }
        Counts::Categorical(counts) => {
            let levels: Vec<&String> = counts.levels().keys().collect();
            let values = pick(dice, counts.levels().values().copied());
            CategoricalCounts::from_values(values.into_iter().map(|index| Some(levels[index].as_str()))).into()
        }
    }
}

/// Indices drawn by weight.
fn pick(dice: &mut Dice, weights: impl Iterator<Item = u64>) -> Vec<usize> {
    let sums: Vec<f64> = weights
        .scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum as f64)
        })
        .collect();
    let total = sums.last().copied().unwrap();
    (0..N_ROWS).map(|_| dice.uniform() * total).map(|at| sums.partition_point(|sum| *sum <= at)).collect()
}

/// The names of the columns that drifted in a window in which `moved_column` was moved.
fn drifted<'a>(dice: &mut Dice, reference: &'a BTreeMap<String, Counts>, moved_column: &str, moved: f64) -> Vec<&'a str> {
    let moved_by = |name: &str| if name == moved_column { moved } else { 0.0 };
    let shifts: Vec<(Shift, f64)> = reference
        .iter()
        .map(|(name, counts)| (shift(counts, &draw(dice, counts, moved_by(name))).unwrap(), MATTERS_FROM))
        .collect();
    reference.keys().zip(verdicts(&shifts, LEVEL)).filter(|(_, verdict)| verdict.drifted).map(|(name, _)| name.as_str()).collect()
}

#[test]
fn at_most_one_window_in_a_hundred_alarms_when_nothing_changed() {
    let (reference, mut dice) = (reference(), Dice(11));
    let n = (0..1000).filter(|_| !drifted(&mut dice, &reference, "", 0.0).is_empty()).count();
    eprintln!("{n} of 1000 windows alarm");
    assert!(n <= 10, "{n} of 1000");
}

#[test]
fn a_column_moved_by_three_tenths_of_a_deviation_alarms_within_two_windows() {
    let (reference, mut dice) = (reference(), Dice(12));
    for column in ["age", "day", "campaign", "previous", "bell-1"] {
        let mut found = || drifted(&mut dice, &reference, column, 0.3).contains(&column);
        let n = (0..100).filter(|_| found() || found()).count();
        eprintln!("{column}: {n} of 100 runs alarm");
        assert!(n >= 95, "{column}: {n} of 100");
    }
}
