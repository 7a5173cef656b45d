//! The rule `tidemark` on a window: which columns, and whether the probabilities, changed for sure and by enough to matter. Pure.

use data_contract::{ColumnKind, OwnDrift, Rules};
use monitor_drift::{Discoveries, Shift, Verdict, distance_shift, shift, verdicts};

use crate::sides;
use crate::tally::Tally;
use crate::versions::Version;

/// The verdicts on one window; none where a side cannot be compared.
pub(crate) struct Judged {
    /// On each column, in contract order; dates and what follows the calendar are not judged.
    pub(crate) columns: Vec<Option<Verdict>>,
    /// On the followed class's probability; its effect is the Wasserstein distance over the reference's standard deviation.
    pub(crate) prediction: Option<Verdict>,
}

/// A change, and the effect from which on it matters.
pub(crate) type Weighed = (Shift, f64);

/// Judges all columns and the probabilities of a window together, as strictly as what was found before asks.
pub(crate) fn judge_window(traffic: &Tally, version: &Version, rules: &Rules, discoveries: &Discoveries) -> Judged {
    let reference = &version.reference;
    let own = reference.own_drift.as_ref();
    let limit = prediction_limit(own, rules);
    let prediction = distance_shift(&sides::reference(&reference.prediction), &traffic.prediction).ok();
    let columns = column_shifts(traffic, version, rules).into_iter().enumerate();
    let columns = columns.map(|(at, shift)| Some((shift?, column_limit(own, at, rules)))).collect();
    judge_shifts(columns, prediction.map(|shift| (shift, limit)), |n_judged| discoveries.level(n_judged))
}

/// Judges the changes of all columns, in their order, and that of the probabilities together; the level may depend on how many there are.
pub(crate) fn judge_shifts(columns: Vec<Option<Weighed>>, prediction: Option<Weighed>, level: impl Fn(usize) -> f64) -> Judged {
    let shifts: Vec<Option<Weighed>> = columns.into_iter().chain([prediction]).collect();
    let compared: Vec<Weighed> = shifts.iter().flatten().copied().collect();
    let mut judged = verdicts(&compared, level(compared.len())).into_iter();
    let mut columns: Vec<Option<Verdict>> = shifts.iter().map(|shift| shift.and_then(|_| judged.next())).collect();
    let prediction = columns.pop().flatten();
    Judged { columns, prediction }
}

/// The effect from which on a change of a column matters: the rules', or what is usual in the reference, up to a limit.
fn column_limit(own: Option<&OwnDrift>, at: usize, rules: &Rules) -> f64 {
    let own = own.and_then(|own| own.columns.get(at));
    rules.column_drift.max(own.map_or(0.0, |own| own.min(rules.usual_drift)))
}

fn prediction_limit(own: Option<&OwnDrift>, rules: &Rules) -> f64 {
    rules.prediction_drift.max(own.map_or(0.0, |own| own.prediction.min(rules.usual_drift)))
}

fn column_shifts(traffic: &Tally, version: &Version, rules: &Rules) -> Vec<Option<Shift>> {
    let columns = version.contract.columns.iter().zip(&version.reference.columns).zip(&traffic.columns);
    columns
        .map(|((column, reference), current)| match column.kind {
            ColumnKind::Date { .. } => None,
            _ if rules.calendar.contains(&column.name) => None,
            _ => shift(&sides::reference(&reference.counts), current).ok(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::{tally, version_of};

    #[test]
    fn a_column_that_follows_the_calendar_is_not_judged() {
        let rules = Rules { calendar: vec!["plan".into()], ..Rules::default() };
        let judged = judged(&tally([(41.0, 300)], [("gold", 300)]), &version_of(7), &rules, 0);
        assert_eq!((judged.columns[0].unwrap().drifted, judged.columns[1]), (true, None));
    }

    fn judged(tally: &Tally, version: &Version, rules: &Rules, n_calm: usize) -> Judged {
        let mut discoveries = Discoveries::at_rate(rules.false_discovery_rate);
        (0..n_calm).for_each(|_| discoveries.add(0));
        judge_window(tally, version, rules, &discoveries)
    }

    #[test]
    fn what_is_usual_in_the_reference_raises_the_limits_up_to_the_rules_limit() {
        let with_own = |age: f64, plan: f64, prediction: f64| {
            let mut version = version_of(7);
            version.reference.own_drift = Some(OwnDrift { columns: vec![age, plan], prediction });
            let ages = (20..60).map(|age| (f64::from(age), 10));
            let Judged { columns, prediction } =
                judged(&tally(ages, [("basic", 260), ("plus", 140)]), &version, &Rules::default(), 0);
            let limit = |verdict: Option<Verdict>| (verdict.unwrap().matters_from, verdict.unwrap().drifted);
            [limit(columns[0]), limit(columns[1]), limit(prediction)]
        };
        assert_eq!(with_own(0.0, 0.05, 0.0), [(0.1, false), (0.1, true), (0.1, true)]);
        assert_eq!(with_own(0.15, 0.9, 0.9), [(0.15, false), (0.2, true), (0.2, true)]);
    }

    #[test]
    fn the_longer_nothing_happens_the_more_evidence_is_asked() {
        let window = tally((20..60).map(|age| (f64::from(age), 10)), [("basic", 265), ("plus", 135)]);
        let drifted = |n_calm| judged(&window, &version_of(7), &Rules::default(), n_calm).columns[1].unwrap().drifted;
        assert_eq!([drifted(0), drifted(1_000_000)], [true, false]);
    }

    #[track_caller]
    fn check(tally: &Tally, expect: [bool; 3]) {
        let Judged { columns, prediction } = judged(tally, &version_of(7), &Rules::default(), 0);
        let drifted = |verdict: &Option<Verdict>| verdict.unwrap().drifted;
        assert_eq!([drifted(&columns[0]), drifted(&columns[1]), drifted(&prediction)], expect);
    }

    #[test]
    fn columns_and_probabilities_are_judged_together() {
        let ages = || (20..60).map(|age| (f64::from(age), 10));
        check(&tally(ages(), [("basic", 300), ("plus", 100)]), [false, false, true]);
        check(&tally(ages(), [("basic", 100), ("plus", 300)]), [false, true, true]);
        // Three rows are too few to be sure of anything.
        check(&tally([(59.0, 3)], [("gold", 3)]), [false, false, false]);
    }
}
