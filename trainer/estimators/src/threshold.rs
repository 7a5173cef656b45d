//! Where the decision between two classes is made, to reach a stated goal on rows held out.

use data_contract::{Goal, Profit, ProfitPoint, ThresholdChoice};

use crate::{Error, Matrix};

/// Points of a profit curve at most.
const MAX_POINTS: usize = 100;

/// What a threshold gives: rows above it, and how many of them are positive.
#[derive(Clone, Copy)]
struct Cut {
    threshold: f64,
    n_above: f64,
    n_found: f64,
}

/// Finds the threshold that reaches a goal; class 1 is predicted where its probability is above it.
///
/// # Errors
/// [`Error::Goal`] when no threshold reaches it, and when a profit is asked for that nothing tells.
pub fn choose(goal: Goal, profit: Option<Profit>, probabilities: &Matrix, classes: &[u32]) -> Result<ThresholdChoice, Error> {
    let cuts = cuts(probabilities, classes);
    let n_rows = classes.len() as f64;
    let n_positive = classes.iter().filter(|class| **class == 1).count() as f64;
    let precision = |cut: &Cut| (cut.n_above > 0.0).then(|| cut.n_found / cut.n_above);
    let recall = |cut: &Cut| (n_positive > 0.0).then(|| cut.n_found / n_positive);
    let f1 = |cut: &Cut| (cut.n_above + n_positive > 0.0).then(|| 2.0 * cut.n_found / (cut.n_above + n_positive));
    let best = |value: &dyn Fn(&Cut) -> f64| cuts.iter().copied().reduce(|a, b| if value(&b) > value(&a) { b } else { a });
    let refused = |reachable: String| Error::Goal { goal: goal.to_string(), reachable };
    let cut = match goal {
        Goal::Fixed(threshold) => Some(at(threshold, probabilities, classes)),
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
        share: cut.n_above / n_rows,
        precision: precision(&cut),
        recall: recall(&cut),
        f1: f1(&cut),
        profit: profit.map(|profit| earned(profit, &cut)),
    })
}

/// What acting on the rows above each threshold earns, from the highest threshold to the lowest.
pub fn profit_curve(profit: Profit, probabilities: &Matrix, classes: &[u32]) -> Vec<ProfitPoint> {
    let cuts = cuts(probabilities, classes);
    let n_points = cuts.len().min(MAX_POINTS);
    let place = |point: usize| if n_points > 1 { point * (cuts.len() - 1) / (n_points - 1) } else { 0 };
    let point = |cut: &Cut| ProfitPoint {
        threshold: cut.threshold,
        share: cut.n_above / classes.len() as f64,
        profit: earned(profit, cut),
    };
    (0..n_points).map(|number| point(&cuts[place(number)])).collect()
}

fn earned(profit: Profit, cut: &Cut) -> f64 {
    profit.worth * cut.n_found - profit.cost * cut.n_above
}

fn at(threshold: f64, probabilities: &Matrix, classes: &[u32]) -> Cut {
    let above = probabilities.column(1).zip(classes).filter(|(probability, _)| *probability > threshold as f32);
    let (n_above, n_found) = above.fold((0.0, 0.0), |(n, found), (_, class)| (n + 1.0, found + f64::from(u8::from(*class == 1))));
    Cut { threshold, n_above, n_found }
}

/// A cut between any two neighbouring probabilities, the highest first; the last one is below all.
fn cuts(probabilities: &Matrix, classes: &[u32]) -> Vec<Cut> {
    let mut rows: Vec<(f32, bool)> = probabilities.column(1).zip(classes).map(|(p, class)| (p, *class == 1)).collect();
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let groups: Vec<&[(f32, bool)]> = rows.chunk_by(|a, b| a.0 == b.0).collect();
    let (mut n_above, mut n_found) = (0.0, 0.0);
    let mut cuts = Vec::with_capacity(groups.len());
    for (number, group) in groups.iter().enumerate() {
        n_above += group.len() as f64;
        n_found += group.iter().filter(|row| row.1).count() as f64;
        let below = groups.get(number + 1).map_or(0.0, |next| next[0].0);
        cuts.push(Cut { threshold: f64::from(between(below, group[0].0)), n_above, n_found });
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
        let none = choose(Goal::Precision(0.9), None, &probabilities, &vec![0; 100]).unwrap_err();
        assert_eq!(none.to_string(), "the goal `precision>=0.9` is out of reach: a precision of 0.000 at most");
    }

    #[test]
    fn the_curve_starts_with_few_rows_and_ends_with_all() {
        let (probabilities, classes) = rows();
        let curve = profit_curve(Profit { cost: 1.0, worth: 2.0 }, &probabilities, &classes);
        assert_eq!((curve.len(), curve[0].share, curve[99].share, curve[99].profit), (100, 0.01, 1.0, 64.0 - 100.0));
    }
}
