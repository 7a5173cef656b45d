//! Multivariate drift: can a small model tell a window's rows from the rows that the version knew?
//!
//! A random forest learns on two thirds of both and is judged on the third that is left; each of its splits looks at some columns only, so
//! it also finds columns that tell nothing alone, where boosting, which takes the best split first, finds none to begin with. An area under the ROC curve of 0.5 means that no
//! combination of columns tells them apart; 1 that every row gives itself away. It sees what no single column shows, such as two
//! columns that no longer go together. Columns of dates and those that follow the calendar are left out: newer rows are always told by them.
//!
//! Sources: J. Friedman, "On multivariate goodness-of-fit and two-sample testing", PHYSTAT 2003; D. Lopez-Paz and M. Oquab,
//! "Revisiting classifier two-sample tests", ICLR 2017; for the error of an area by chance H. B. Mann and D. R. Whitney, 1947.

use std::collections::BTreeSet;

use data_contract::{ColumnKind, Contract, Rules};
use serde::{Deserialize, Serialize};
use trainer_estimators::explanation::permutation_importance;
use trainer_estimators::metrics::Metrics;
use trainer_estimators::{Data, Error, FeatureKind, Fitted, Matrix, Params, random_forest, to_the_end};

/// Rows of a side that are compared, at most.
pub(crate) const N_ROWS: usize = 4_000;
/// Fewer rows than this on a side tell nothing.
const MIN_ROWS: usize = 100;
/// An area up to this is no difference to speak of, even where it is certain.
const SMALL: f64 = 0.55;
/// An area this many standard errors of a guess above 0.5 is certain.
const SURE: f64 = 3.0;
/// How many columns are named.
const N_NAMED: usize = 3;
/// Trees of the forest, and rows of a leaf, at least: leaves that hold a few rows each learn by heart.
const N_TREES: usize = 60;
const MIN_LEAF_ROWS: usize = 10;
const SEED: u64 = 42;

/// How well a window's rows can be told from those that the version knew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Domain {
    /// Area under the ROC curve on rows held out, from 0 to 1.
    pub(crate) roc_auc: f64,
    /// The area from which on rows are told apart for sure and well enough to matter.
    pub(crate) threshold: f64,
    /// Whether it is above.
    pub(crate) drifted: bool,
    /// Rows compared, of both sides.
    pub(crate) n_rows: usize,
    /// The columns by which rows are told apart, the best first; none where they are not.
    pub(crate) columns: Vec<String>,
    /// Columns that follow the calendar and were left out.
    #[serde(default)]
    pub(crate) left_out: Vec<String>,
}

/// Tells the rows of a window from known ones; feature rows in contract order. An error says why they cannot be told apart, or not be asked.
pub(crate) fn domain(contract: &Contract, rules: &Rules, known: &[Vec<f32>], window: &[Vec<f32>]) -> Result<Domain, String> {
    let compared = compared(contract, rules);
    if compared.is_empty() {
        return Err("every column is a date or follows the calendar".to_owned());
    }
    for (rows, whose) in [(known, "its version knew"), (window, "the window has")] {
        if rows.len() < MIN_ROWS {
            return Err(format!("{whose} {} rows, fewer than the {MIN_ROWS} that it takes", rows.len()));
        }
    }
    let rows: Vec<(&Vec<f32>, u32)> = known.iter().map(|row| (row, 0)).chain(window.iter().map(|row| (row, 1))).collect();
    let told = tell_apart(contract, &compared, &rows).map_err(|error| error.to_string())?;
    Ok(Domain { left_out: rules.calendar.clone(), ..told })
}

fn tell_apart(contract: &Contract, compared: &[usize], rows: &[(&Vec<f32>, u32)]) -> Result<Domain, Error> {
    let is_held_out = |at: &usize| at % 3 == 2;
    let (held_out, learned): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(is_held_out);
    let features = |some: &[usize]| {
        let values = some.iter().flat_map(|&row| compared.iter().map(move |&at| finite(rows[row].0[at])));
        Matrix::new(some.len(), compared.len(), values.collect())
    };
    let sides = |some: &[usize]| some.iter().map(|&row| rows[row].1).collect::<Vec<u32>>();
    let kinds = compared.iter().map(|&at| kind_of(&contract.columns[at].kind)).collect();
    let params = random_forest::Params { n_trees: Some(N_TREES), min_leaf_rows: Some(MIN_LEAF_ROWS), ..Default::default() };
    let data = Data::new(features(&learned)?, kinds, sides(&learned), 2, None)?;
    let fitted = Params::RandomForest(params).check()?.fit(&data, None, SEED, &mut to_the_end)?;
    let (features, sides) = (features(&held_out)?, sides(&held_out));
    let roc_auc = Metrics::measure(&fitted.probabilities(&features), &sides, 0.5)?.roc_auc.unwrap_or(0.5);
    let threshold = SMALL.max(0.5 + SURE * standard_error(&sides));
    let drifted = roc_auc > threshold;
    let columns = if drifted { telling(contract, compared, &fitted, &features, &sides)? } else { Vec::new() };
    Ok(Domain { roc_auc, threshold, drifted, n_rows: rows.len(), columns, left_out: Vec::new() })
}

/// The columns without which rows are told apart less well.
fn telling(
    contract: &Contract,
    compared: &[usize],
    fitted: &Fitted,
    features: &Matrix,
    sides: &[u32],
) -> Result<Vec<String>, Error> {
    let worth = permutation_importance(&|features| fitted.probabilities(features), features, sides, 2, SEED)?;
    let mut named: Vec<(f64, &str)> =
        worth.iter().zip(compared).map(|(worth, &at)| (worth.mean, contract.columns[at].name.as_str())).collect();
    named.retain(|(worth, _)| *worth > 0.0);
    named.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(named.into_iter().take(N_NAMED).map(|(_, name)| name.to_owned()).collect())
}

fn compared(contract: &Contract, rules: &Rules) -> Vec<usize> {
    let calendar: BTreeSet<&str> = rules.calendar.iter().map(String::as_str).collect();
    let columns = contract.columns.iter().enumerate();
    let judged =
        columns.filter(|(_, column)| !matches!(column.kind, ColumnKind::Date { .. }) && !calendar.contains(column.name.as_str()));
    judged.map(|(at, _)| at).collect()
}

fn kind_of(kind: &ColumnKind) -> FeatureKind {
    match kind {
        ColumnKind::Categorical { levels } => FeatureKind::Categorical { n_levels: levels.len() },
        _ => FeatureKind::Numeric,
    }
}

/// Trees take no infinite numbers; the largest ones lie on the same side of every split.
fn finite(value: f32) -> f32 {
    if value.is_infinite() { f32::MAX.copysign(value) } else { value }
}

/// Of the area of a model that guesses.
fn standard_error(sides: &[u32]) -> f64 {
    let n = sides.iter().filter(|side| **side == 1).count() as f64;
    let m = sides.len() as f64 - n;
    ((n + m + 1.0) / (12.0 * n * m)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sides::tests::churn;

    /// Rows of ages and plans that go together, or not.
    fn rows(n: u32, seed: u32, together: bool) -> Vec<Vec<f32>> {
        // SplitMix64, of Steele, Lea and Flood.
        let draw = |row: u32, salt: u32| {
            let mut bits = (u64::from(row) << 32 | u64::from(salt)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            (bits ^ bits >> 31) % 1_000
        };
        let row = |row: u32| {
            let age = 20.0 + draw(row, seed) as f32 / 20.0;
            let plan = if together { u64::from(age > 45.0) } else { draw(row, seed + 77) % 2 };
            vec![age, plan as f32]
        };
        (0..n).map(row).collect()
    }

    #[track_caller]
    fn check(known: &[Vec<f32>], window: &[Vec<f32>], rules: &Rules, drifted: bool) {
        let found = domain(&churn(), rules, known, window).unwrap();
        assert_eq!(found.drifted, drifted, "{found:?}");
    }

    #[test]
    fn columns_that_no_longer_go_together_are_seen_though_each_is_as_before() {
        let rules = Rules::default();
        check(&rows(2_000, 1, true), &rows(2_000, 2, false), &rules, true);
        check(&rows(2_000, 1, true), &rows(2_000, 2, true), &rules, false);
        check(&rows(2_000, 1, false), &rows(2_000, 2, false), &rules, false);
    }

    #[test]
    fn what_follows_the_calendar_is_left_out() {
        let older: Vec<Vec<f32>> = rows(500, 3, false).into_iter().map(|row| vec![row[0] + 200.0, row[1]]).collect();
        let found = domain(&churn(), &Rules::default(), &rows(500, 1, false), &older).unwrap();
        assert_eq!((found.columns.first().map(String::as_str), found.drifted), (Some("age"), true));
        check(&rows(500, 1, false), &older, &Rules { calendar: vec!["age".into()], ..Rules::default() }, false);
    }

    #[test]
    fn few_rows_and_infinite_numbers_are_no_error() {
        let few = domain(&churn(), &Rules::default(), &rows(99, 1, true), &rows(500, 2, true));
        assert_eq!(few, Err("its version knew 99 rows, fewer than the 100 that it takes".to_owned()));
        let mut window = rows(500, 2, false);
        window.iter_mut().for_each(|row| row[0] = f32::INFINITY);
        check(&rows(500, 1, false), &window, &Rules::default(), true);
    }
}
