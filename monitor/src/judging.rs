//! The rule `tidemark` on a window: which columns, and whether the probabilities, changed for sure and by enough to matter. Pure.

use data_contract::{ColumnKind, Rules};
use monitor_drift::{Counts, Shift, Verdict, shift, verdicts, wasserstein};

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

/// Judges all columns and the probabilities of a window together.
pub(crate) fn judge_window(traffic: &Tally, version: &Version, rules: &Rules) -> Judged {
    let prediction = prediction_shift(&sides::reference(&version.reference.prediction), &traffic.prediction);
    judge_shifts(column_shifts(traffic, version, rules), prediction, rules)
}

/// Judges the shifts of all columns, in their order, and that of the probabilities together.
pub(crate) fn judge_shifts(columns: Vec<Option<Shift>>, prediction: Option<Shift>, rules: &Rules) -> Judged {
    let columns = columns.into_iter().map(|shift| Some((shift?, rules.column_drift)));
    let shifts: Vec<Option<(Shift, f64)>> = columns.chain([prediction.map(|shift| (shift, rules.prediction_drift))]).collect();
    let compared: Vec<(Shift, f64)> = shifts.iter().flatten().copied().collect();
    let mut judged = verdicts(&compared, rules.false_alarms).into_iter();
    let mut columns: Vec<Option<Verdict>> = shifts.iter().map(|shift| shift.and_then(|_| judged.next())).collect();
    let prediction = columns.pop().flatten();
    Judged { columns, prediction }
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

/// How far probabilities moved: the Wasserstein distance over the reference's standard deviation, with the p-value of any shift.
pub(crate) fn prediction_shift(reference: &Counts, current: &Counts) -> Option<Shift> {
    let (Counts::Numeric(r), Counts::Numeric(c)) = (reference, current) else { return None };
    let p_value = shift(reference, current).ok()?.p_value;
    (r.n() > 0 && c.n() > 0).then(|| Shift { p_value, effect: wasserstein(r, c) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::{tally, version_of};

    #[test]
    fn a_column_that_follows_the_calendar_is_not_judged() {
        let rules = Rules { calendar: vec!["plan".into()], ..Rules::default() };
        let judged = judge_window(&tally([(41.0, 300)], [("gold", 300)]), &version_of(7), &rules);
        assert_eq!((judged.columns[0].unwrap().drifted, judged.columns[1]), (true, None));
    }

    #[track_caller]
    fn check(tally: &Tally, expect: [bool; 3]) {
        let Judged { columns, prediction } = judge_window(tally, &version_of(7), &Rules::default());
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
