//! Where the decision between two classes is made, to reach a stated goal on rows held out. A row counts as much as its weight says.

use data_contract::{Goal, Profit, ProfitPoint, ThresholdChoice};

use crate::metrics::Truth;
use crate::metrics::ranking::{Ranked, against_rest, positive_weight, weight};
use crate::{Error, Matrix};

/// Points of a profit curve at most.
const MAX_POINTS: usize = 100;

/// What a threshold gives: the weight of the rows above it, and of those of them that are positive.
#[derive(Clone, Copy)]
struct Cut {
    threshold: f64,
    above: f64,
    found: f64,
}

/// Finds the threshold that reaches a goal; class 1 is predicted where its probability is above it.
///
/// # Errors
/// [`Error::Goal`] when no threshold reaches it, and when a profit is asked for that nothing tells.
pub fn choose<'a>(
    goal: Goal,
    profit: Option<Profit>,
    probabilities: &Matrix,
    truth: impl Into<Truth<'a>>,
) -> Result<ThresholdChoice, Error> {
    let rows = counted(probabilities, truth.into());
    let cuts = cuts(&rows);
    let total = weight(&rows);
    let n_positive = positive_weight(&rows);
    let precision = |cut: &Cut| (cut.above > 0.0).then(|| cut.found / cut.above);
    let recall = |cut: &Cut| (n_positive > 0.0).then(|| cut.found / n_positive);
    let f1 = |cut: &Cut| (cut.above + n_positive > 0.0).then(|| 2.0 * cut.found / (cut.above + n_positive));
    let best = |value: &dyn Fn(&Cut) -> f64| cuts.iter().copied().reduce(|a, b| if value(&b) > value(&a) { b } else { a });
    let refused = |reachable: String| Error::Goal { goal: goal.to_string(), reachable };
    let cut = match goal {
        Goal::Fixed(threshold) => Some(at(threshold, &rows)),
        Goal::MaxF1 => best(&|cut| f1(cut).unwrap_or(0.0)),
        Goal::Recall(least) => cuts.iter().copied().find(|cut| recall(cut).is_some_and(|recall| recall >= least)),
        Goal::Precision(least) => cuts.iter().copied().rev().find(|cut| precision(cut).is_some_and(|share| share >= least)),
        Goal::Profit => {
            let profit = profit.ok_or_else(|| refused("nothing: `[training.profit]` does not say cost and worth".into()))?;
            best(&|cut| earned(profit, cut))
        }
    };
    let highest = || cuts.iter().filter_map(precision).fold(0.0, f64::max);
    let cut = cut.ok_or_else(|| refused(format!("a precision of {:.3} at most", highest())))?;
    Ok(ThresholdChoice {
        goal: goal.to_string(),
        threshold: cut.threshold,
        share: cut.above / total,
        precision: precision(&cut),
        recall: recall(&cut),
        f1: f1(&cut),
        profit: profit.map(|profit| earned(profit, &cut)),
    })
}

/// What acting on the rows above each threshold earns, from the highest threshold to the lowest.
pub fn profit_curve<'a>(profit: Profit, probabilities: &Matrix, truth: impl Into<Truth<'a>>) -> Vec<ProfitPoint> {
    let rows = counted(probabilities, truth.into());
    let (cuts, total) = (cuts(&rows), weight(&rows));
    let n_points = cuts.len().min(MAX_POINTS);
    let place = |point: usize| if n_points > 1 { point * (cuts.len() - 1) / (n_points - 1) } else { 0 };
    let point = |cut: &Cut| ProfitPoint { threshold: cut.threshold, share: cut.above / total, profit: earned(profit, cut) };
    (0..n_points).map(|number| point(&cuts[place(number)])).collect()
}

fn earned(profit: Profit, cut: &Cut) -> f64 {
    profit.worth * cut.found - profit.cost * cut.above
}

/// The rows that count.
fn counted(probabilities: &Matrix, truth: Truth) -> Vec<Ranked> {
    against_rest(probabilities, truth, 1).into_iter().filter(|row| row.weight > 0.0).collect()
}

fn at(threshold: f64, rows: &[Ranked]) -> Cut {
    let above: Vec<Ranked> = rows.iter().copied().filter(|row| row.probability > threshold as f32).collect();
    Cut { threshold, above: weight(&above), found: positive_weight(&above) }
}

/// A cut between any two neighbouring probabilities, the highest first; the last one is below all.
fn cuts(rows: &[Ranked]) -> Vec<Cut> {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let groups: Vec<&[Ranked]> = sorted.chunk_by(|a, b| a.probability == b.probability).collect();
    let (mut above, mut found) = (0.0, 0.0);
    let mut cuts = Vec::with_capacity(groups.len());
    for (number, group) in groups.iter().enumerate() {
        above += weight(group);
        found += positive_weight(group);
        let below = groups.get(number + 1).map_or(0.0, |next| next[0].probability);
        cuts.push(Cut { threshold: f64::from(between(below, group[0].probability)), above, found });
    }
    cuts
}

/// A float32 number that is not below the one and below the other.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities 0.00 to 0.99; the rows from 0.60 on are positive but for every fifth.
    fn rows() -> (Matrix, Vec<u32>) {
        let values = (0..100).flat_map(|row| [1.0 - row as f32 / 100.0, row as f32 / 100.0]).collect();
        (Matrix::new(100, 2, values).unwrap(), (0..100).map(|row| u32::from(row >= 60 && row % 5 != 0)).collect())
    }

    #[track_caller]
    fn check(goal: Goal, expect: f64) -> ThresholdChoice {
        let (probabilities, classes) = rows();
        let choice = choose(goal, Some(Profit { cost: 1.0, worth: 2.0 }), &probabilities, &classes).unwrap();
        assert!((choice.threshold - expect).abs() < 1e-6, "{choice:?}");
        choice
    }

    #[test]
    fn goals_are_reached() {
        assert_eq!(check(Goal::Fixed(0.5), 0.5).share, 0.49);
        assert_eq!(check(Goal::MaxF1, 0.605).recall, Some(1.0));
        assert_eq!(check(Goal::Profit, 0.605).profit, Some(64.0 - 39.0));
        assert!(check(Goal::Recall(0.5), 0.805).recall >= Some(0.5));
        assert!(check(Goal::Precision(0.75), 0.575).precision >= Some(0.75));
    }

    #[test]
    fn a_goal_out_of_reach_is_refused_with_what_is_in_reach() {
        let (probabilities, classes) = rows();
        let error = choose(Goal::Profit, None, &probabilities, &classes).unwrap_err();
        assert!(error.to_string().contains("training.profit"), "{error}");
        let none = choose(Goal::Precision(0.9), None, &probabilities, &vec![0_u32; 100]).unwrap_err();
        assert_eq!(none.to_string(), "the goal `precision>=0.9` is out of reach: a precision of 0.000 at most");
    }

    #[test]
    fn the_curve_starts_with_few_rows_and_ends_with_all() {
        let (probabilities, classes) = rows();
        let curve = profit_curve(Profit { cost: 1.0, worth: 2.0 }, &probabilities, &classes);
        assert_eq!((curve.len(), curve[0].share, curve[99].share, curve[99].profit), (100, 0.01, 1.0, 64.0 - 100.0));
    }
}
