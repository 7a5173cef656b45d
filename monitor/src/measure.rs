//! From counts to figures: one window and version against the version's own reference. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use data_contract::{Column, ColumnKind, Contract, Rules, WindowRule};
use monitor_drift::{
    Counts, DATASET_DRIFT_SHARE, Discoveries, Drift, Verdict, compare, dataset_drifted, missing_per_row, missing_share_of_cells,
};

use crate::counting::Served;
use crate::judging::judge_window;
use crate::label_drift::label_drift;
use crate::promise::{kept, promised, threshold};
use crate::quality::{n_out_of_range, quality};
use crate::report_model::{ColumnReport, Performance, WindowReport};
use crate::sides;
use crate::tally::{Tally, WindowCounts};
use crate::versions::{Importance, Version};

/// Why a column of dates has no drift: a later window has later dates, and that is no news.
pub(crate) const DATES_MOVE_ON: &str = "dates move on, so they are counted and not tested for drift";

/// Why a column that the rules name as one of the calendar is not judged.
pub(crate) const FOLLOWS_THE_CALENDAR: &str = "it follows the calendar, so it is shown and not judged";

/// What windows are measured by.
pub(crate) struct Measure<'a> {
    /// The rules of the dataset.
    pub(crate) rules: &'a Rules,
    /// How much of the model's skill lies in each column.
    pub(crate) importance: &'a Importance,
    /// Who predicted in the window before and in this one by no version, once it is complete.
    pub(crate) fell_silent: &'a BTreeSet<String>,
    /// The time.
    pub(crate) now: DateTime<Utc>,
}

/// Measures the window that follows those of which `discoveries` tells what they found, and adds what it finds where it is to be judged;
/// none when it has no traffic.
pub(crate) fn measure_next(
    served: Served,
    counts: &WindowCounts,
    version: &Version,
    by: &Measure,
    discoveries: &mut Discoveries,
) -> Option<WindowReport> {
    let report = measure(served, counts, version, by, discoveries)?;
    if report.judged(by.rules) {
        discoveries.add(report.n_found());
    }
    Some(report)
}

fn measure(
    served: Served,
    counts: &WindowCounts,
    version: &Version,
    by: &Measure,
    discoveries: &Discoveries,
) -> Option<WindowReport> {
    let (window, number) = served;
    let traffic = counts.traffic.as_ref()?;
    let judged = judge_window(traffic, version, by.rules, discoveries);
    let columns = columns(traffic, version, &judged.columns, by);
    let shifted = || columns.iter().filter(|column| column.verdict.is_some_and(|verdict| verdict.drifted));
    let drifts: Vec<Drift> = columns.iter().filter_map(|column| column.drift).collect();
    let class = followed_class(&version.contract);
    Some(WindowReport {
        name: window.name(),
        window,
        open: window.end_time() > by.now,
        version: number,
        n_rows: traffic.n_rows,
        prediction: compare(&sides::reference(&version.reference.prediction), &traffic.prediction, None).ok(),
        prediction_verdict: judged.prediction,
        n_shifted: shifted().count(),
        importance_shifted: shifted().map(|column| column.importance).sum(),
        n_drifted: drifts.iter().filter(|drift| drift.drifted).count(),
        dataset_drifted: !drifts.is_empty() && dataset_drifted(&drifts, DATASET_DRIFT_SHARE),
        missing_share_of_cells: missing_share_of_cells(&traffic.columns),
        missing_cells_per_row: missing_per_row(&traffic.columns),
        n_unseen: columns.iter().map(|column| column.n_unseen).sum(),
        share_predicted: share(traffic.labels.get(class).copied().unwrap_or(0), traffic.n_rows),
        mean_probability: mean(&traffic.prediction),
        reference_mean: mean(&sides::reference(&version.reference.prediction)),
        performance: performance(traffic, number, threshold(version)),
        estimate: promised(traffic, version),
        promise: kept(traffic, version),
        label_drift: label_drift(&traffic.outcomes, version, by.rules),
        quality: quality(counts, version, by),
        domain: counts.domain.clone().filter(|domain| domain.left_out == by.rules.calendar),
        causes: Vec::new(),
        domain_problem: None,
        shadow: None,
        columns,
    })
}

/// How good a side was, a positive predicted above `threshold` if that is how classes are predicted; none before a label has come.
pub(crate) fn performance(tally: &Tally, version: u32, threshold: Option<f64>) -> Option<Performance> {
    let outcomes = &tally.outcomes;
    let n_labelled = outcomes.n();
    (n_labelled > 0).then(|| Performance {
        version,
        n_labelled,
        coverage: share(n_labelled, tally.n_rows),
        share_true: share(outcomes.n_positive(), n_labelled),
        roc_auc: outcomes.roc_auc(),
        average_precision: outcomes.average_precision(),
        log_loss: outcomes.log_loss(),
        brier: outcomes.brier(),
        accuracy: Some(share(tally.n_right, n_labelled)),
        f1: threshold.and_then(|threshold| outcomes.f1(threshold)),
    })
}

/// The class whose probability is followed.
pub(crate) fn followed_class(contract: &Contract) -> &str {
    &contract.target.classes[contract.target.followed()]
}

fn columns(traffic: &Tally, version: &Version, verdicts: &[Option<Verdict>], by: &Measure) -> Vec<ColumnReport> {
    let columns = version.contract.columns.iter().zip(&version.reference.columns).zip(&traffic.columns).zip(verdicts);
    columns
        .map(|(((column, reference), current), verdict)| {
            let compared = match column.kind {
                ColumnKind::Date { .. } => Err(DATES_MOVE_ON.to_owned()),
                _ => compare(&sides::reference(&reference.counts), current, None).map_err(|error| error.to_string()),
            };
            ColumnReport {
                name: column.name.clone(),
                drift: compared.as_ref().ok().copied(),
                problem: compared.err().or_else(|| of_calendar(column, by.rules)),
                verdict: *verdict,
                importance: by.importance.of(&column.name),
                n_missing: current.n_missing(),
                n_unseen: n_unseen(current, column),
                n_out_of_range: n_out_of_range(current, column),
            }
        })
        .collect()
}

fn of_calendar(column: &Column, rules: &Rules) -> Option<String> {
    let named = rules.rule == WindowRule::Tidemark && rules.calendar.contains(&column.name);
    named.then(|| FOLLOWS_THE_CALENDAR.to_owned())
}

/// Rows with a text that the contract does not list; none where that is a text like the rare levels of the training rows.
fn n_unseen(current: &Counts, column: &Column) -> u64 {
    match (current, &column.kind) {
        _ if column.n_rare_levels > 0 => 0,
        (Counts::Categorical(counts), ColumnKind::Categorical { levels }) => {
            counts.levels().iter().filter(|(level, _)| !levels.contains(level)).map(|(_, n)| n).sum()
        }
        _ => 0,
    }
}

/// The mean of numbers; none of levels, or without values.
pub(crate) fn mean(counts: &Counts) -> Option<f64> {
    match counts {
        Counts::Numeric(counts) => counts.mean(),
        Counts::Categorical(_) => None,
    }
}

/// A part of a whole; 0 of nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::sides::tests::churn;
    use crate::window::{By, Window};
    use data_contract::{ColumnCounts, DataOrigin, Manifest, Parity, Reference, ValueCounts};
    use monitor_drift::{CategoricalCounts, NumericCounts, Outcomes};

    /// A window of a month in which nothing remarkable happened.
    pub(crate) fn window_report(month: &str, version: u32, n_rows: u64) -> WindowReport {
        let window = Window::of(format!("{month}-01").parse().unwrap(), By::Month);
        let tally = tally([(41.0, n_rows)], [("basic", n_rows)]);
        let counts = WindowCounts { traffic: Some(tally), ..WindowCounts::default() };
        measured_of((window, version), &counts).unwrap()
    }

    fn measured_of(served: Served, counts: &WindowCounts) -> Option<WindowReport> {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let rules = Rules::default();
        let by = Measure { rules: &rules, importance: &Importance::default(), fell_silent: &BTreeSet::new(), now };
        measure(served, counts, &version_of(served.1), &by, &Discoveries::at_rate(rules.false_discovery_rate))
    }

    /// A version whose training rows were spread evenly.
    pub(crate) fn version_of(version: u32) -> Version {
        let age = ValueCounts::Numeric {
            integer: true,
            exact: true,
            n_missing: 0,
            values: (20..60).map(|age| (f64::from(age), 100)).collect(),
        };
        let plan =
            ValueCounts::Categorical { n_missing: 0, levels: [("basic".to_owned(), 3000), ("plus".to_owned(), 1000)].into() };
        let prediction = ValueCounts::Numeric {
            integer: false,
            exact: true,
            n_missing: 0,
            values: (1..100).map(|p| (f64::from(p) / 100.0, 20)).collect(),
        };
        let columns = vec![ColumnCounts { name: "age".into(), counts: age }, ColumnCounts { name: "plan".into(), counts: plan }];
        let classes = [("no".to_owned(), 3000), ("yes".to_owned(), 1000)].into();
        Version {
            manifest: manifest(version),
            contract: churn(),
            reference: Reference {
                format: 1,
                contract: churn().digest(),
                n_rows: 4000,
                columns,
                prediction,
                classes,
                own_drift: None,
            },
        }
    }

    fn manifest(version: u32) -> Manifest {
        let data = DataOrigin {
            dataset: "churn".into(),
            source: "12".into(),
            digest: "ab".into(),
            synthetic: false,
            n_train: 4000,
            n_validation: 1000,
            n_logged: 0,
            first_date: None,
            last_date: None,
        };
        Manifest {
            format: 1,
            name: "churn".into(),
            version,
            family: "gradient-boosting".into(),
            params: serde_json::Value::Null,
            created: "2026-01-01T00:00:00Z".parse().unwrap(),
            trainer: "0.1.0".into(),
            seed: 42,
            fit_cpu_secs: 1.0,
            data,
            contract: churn().digest(),
            threshold: Some(0.5),
            validation: [("roc_auc".to_owned(), 0.8)].into(),
            parity: Parity { n_rows: 1, largest_difference: 0.0, labels_differ: 0 },
            files: Default::default(),
        }
    }

    /// Counts of ages and plans.
    pub(crate) fn tally(
        ages: impl IntoIterator<Item = (f64, u64)>,
        plans: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> Tally {
        let columns = vec![NumericCounts::from_pairs(ages).of_integers().into(), CategoricalCounts::from_pairs(plans).into()];
        let n_rows = Counts::n_rows(&columns[0]);
        let prediction = NumericCounts::from_pairs([(0.25, n_rows)]).into();
        Tally {
            n_rows,
            columns,
            prediction,
            labels: [("no".to_owned(), n_rows)].into(),
            outcomes: Outcomes::default(),
            n_right: 0,
            sources: [("edge".to_owned(), n_rows)].into(),
            n_repeated: Some(0),
        }
    }

    fn measured(tally: Tally) -> WindowReport {
        let window = Window::of("2009-03-01".parse().unwrap(), By::Month);
        let counts = WindowCounts { traffic: Some(tally), ..WindowCounts::default() };
        measured_of((window, 7), &counts).unwrap()
    }

    #[test]
    fn the_reference_s_own_shares_do_not_drift() {
        let report = measured(tally((20..60).map(|age| (f64::from(age), 10)), [("basic", 300), ("plus", 100)]));
        assert_eq!((report.n_drifted, report.n_unseen, report.dataset_drifted), (0, 0, false));
    }

    #[test]
    fn a_window_of_one_distinct_value_drifts_and_is_no_error() {
        let report = measured(tally([(41.0, 300)], [("gold", 300)]));
        assert_eq!((report.n_drifted, report.n_unseen), (2, 300));
        assert!(report.prediction.unwrap().drifted);
    }

    #[test]
    fn a_column_without_values_says_so() {
        let report = measured(tally([(f64::NAN, 300)], [("basic", 300)]));
        assert_eq!(report.columns[0].problem.as_deref(), Some("the current side holds no values"));
        assert_eq!((report.missing_share_of_cells, report.missing_cells_per_row), (0.5, 1.0));
    }

    #[test]
    fn an_empty_window_is_no_window() {
        let window = Window::of("2009-03-01".parse().unwrap(), By::Month);
        assert!(measured_of((window, 7), &WindowCounts::default()).is_none());
    }
}
