//! Value, statistic and verdict against Evidently 0.7.23, from the counts in `tests/golden`.

use std::collections::BTreeMap;

use monitor_drift::{Counts, Statistic, choose, compare, missing_per_row};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    sides: BTreeMap<String, BTreeMap<String, Counts>>,
    cases: Vec<Case>,
}

/// Either `statistic` was asked for, or Evidently chose `method` by default.
#[derive(Deserialize)]
struct Case {
    reference: String,
    current: String,
    column: String,
    statistic: Option<Statistic>,
    method: Option<String>,
    value: f64,
    drifted: bool,
}

fn read(json: &str) -> Golden {
    serde_json::from_str(json).unwrap()
}

/// Largest difference allowed. Near zero the root in Jensen-Shannon's distance magnifies rounding.
fn tolerance(statistic: Statistic, value: f64) -> f64 {
    if statistic == Statistic::JensenShannon && value < 1e-4 { 1e-8 } else { 1e-9 }
}

#[track_caller]
fn check(json: &str, n_cases: usize) {
    let golden = read(json);
    assert_eq!(golden.cases.len(), n_cases);
    for case in &golden.cases {
        let Case { reference, current, column, value, .. } = case;
        let drift = compare(&golden.sides[reference][column], &golden.sides[current][column], case.statistic).unwrap();
        let what = format!("{} of {column}, {reference} and {current}", drift.statistic);
        if let Some(method) = &case.method {
            assert_eq!(drift.statistic.evidently_name(), method, "{what}");
        }
        let difference = (drift.value - value).abs();
        assert!(difference <= tolerance(drift.statistic, *value), "{what}: {} for {value}", drift.value);
        if matches!(drift.statistic, Statistic::KolmogorovSmirnov | Statistic::ChiSquare) {
            assert!(difference <= 1e-9 * value, "{what}: {:e} for {value:e}, relative", drift.value);
        }
        assert_eq!(drift.drifted, case.drifted, "{what}");
    }
}

#[test]
fn presets_and_single_methods_on_bank_full_equal_evidently() {
    check(include_str!("../golden/bank_full.json"), 123);
}

#[test]
fn borders_of_the_rules_equal_evidently() {
    check(include_str!("../golden/edge_cases.json"), 71);
}

#[test]
fn a_monthly_run_equals_evidently() {
    check(include_str!("../golden/monthly_run.json"), 48);
}

#[test]
fn prediction_drift_of_the_monthly_run_is_the_known_one() {
    let golden = read(include_str!("../golden/monthly_run.json"));
    let published = [("jan", 0.00938), ("feb", 0.00706), ("mar", 0.157), ("apr", 0.0409), ("may", 0.0264), ("dec", 0.0496)];
    for (month, value) in published {
        let drift = compare(&golden.sides["reference"]["prediction"], &golden.sides[month]["prediction"], None).unwrap();
        assert_eq!(drift.statistic, Statistic::JensenShannon);
        assert!((drift.value - value).abs() < 0.005 * value, "{month}: {}", drift.value);
    }
}

#[test]
fn cells_read_as_missing_are_counted_per_row() {
    let golden = read(include_str!("../golden/bank_full.json"));
    let columns: Vec<Counts> = golden.sides["block-0-unknown-as-missing"].values().cloned().collect();
    let all_twelve_columns = 1.229;
    assert!((missing_per_row(&columns) - all_twelve_columns).abs() < 1e-12);
}

#[test]
fn counting_in_parts_changes_nothing() {
    let golden = read(include_str!("../golden/monthly_run.json"));
    let (mut whole, parts) = (golden.sides["jan"]["age"].clone(), ["feb", "mar"]);
    for month in parts {
        whole.merge(&golden.sides[month]["age"]).unwrap();
    }
    let mut backwards = golden.sides["mar"]["age"].clone();
    backwards.merge(&golden.sides["feb"]["age"]).unwrap();
    backwards.merge(&golden.sides["jan"]["age"]).unwrap();
    assert_eq!(whole, backwards);
    assert_eq!(choose(&golden.sides["reference"]["age"], &whole), Statistic::Wasserstein);
}
