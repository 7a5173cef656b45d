//! Default choice, errors, and the verdict on a data set.

use monitor_drift::{
    CategoricalCounts, Counts, DATASET_DRIFT_SHARE, Drift, Error, Kind, NumericCounts, Side, Statistic, choose, compare,
    dataset_drifted, share_drifted,
};

fn numbers(n_distinct: u64, n: u64) -> Counts {
    NumericCounts::from_pairs((0..n_distinct).map(|i| (i as f64, if i == 0 { n - n_distinct + 1 } else { 1 }))).into()
}

fn levels(n_distinct: u64, n: u64) -> Counts {
    let count = |i| if i == 0 { n - n_distinct + 1 } else { 1 };
    CategoricalCounts::from_pairs((0..n_distinct).map(|i| (i.to_string(), count(i)))).into()
}

#[track_caller]
fn check(reference: &Counts, current: &Counts, expected: Statistic) {
    assert_eq!(choose(reference, current), expected);
}

#[test]
fn small_references_are_tested() {
    check(&numbers(6, 1000), &numbers(1, 1), Statistic::KolmogorovSmirnov);
    check(&numbers(5, 1000), &numbers(1, 1), Statistic::ChiSquare);
    check(&numbers(2, 1000), &numbers(1, 1), Statistic::ZTest);
    check(&levels(3, 1000), &levels(1, 1), Statistic::ChiSquare);
    check(&levels(2, 1000), &levels(1, 1), Statistic::ZTest);
}

#[test]
fn large_references_are_measured() {
    check(&numbers(6, 1001), &numbers(1, 1), Statistic::Wasserstein);
    check(&numbers(5, 1001), &numbers(1, 1), Statistic::JensenShannon);
    check(&levels(30, 1001), &levels(1, 1), Statistic::JensenShannon);
}

#[test]
fn values_of_both_sides_count_and_missing_ones_do_not() {
    check(&numbers(3, 1000), &numbers(6, 6), Statistic::KolmogorovSmirnov);
    let with_missing = NumericCounts::from_values((0..1000).map(f64::from)).with_missing(500);
    check(&with_missing.into(), &numbers(1, 1), Statistic::KolmogorovSmirnov);
}

#[test]
fn an_empty_side_is_named() {
    let empty = Counts::from(NumericCounts::from_values([f64::NAN, f64::INFINITY]));
    let full = numbers(3, 10);
    assert_eq!(compare(&empty, &full, None), Err(Error::Empty { side: Side::Reference }));
    assert_eq!(compare(&full, &empty, None), Err(Error::Empty { side: Side::Current }));
}

#[test]
fn statistics_refuse_what_they_are_not_defined_for() {
    let numbers = Counts::from(NumericCounts::from_values((0..10).map(f64::from)));
    let levels = levels(2, 10);
    for statistic in Statistic::ALL {
        for (counts, kind) in [(&numbers, Kind::Numeric), (&levels, Kind::Categorical)] {
            let result = compare(counts, counts, Some(statistic));
            match statistic.applies_to(kind) {
                true => assert!(result.is_ok(), "{statistic}"),
                false => assert_eq!(result, Err(Error::NotForKind { statistic, kind })),
            }
        }
        let mixed = compare(&numbers, &levels, Some(statistic));
        assert_eq!(mixed, Err(Error::Kinds { left: Kind::Numeric, right: Kind::Categorical }));
    }
}

#[test]
fn what_a_statistic_asks_of_the_values_is_told() {
    let error = compare(&levels(3, 10), &levels(3, 10), Some(Statistic::FisherExact)).unwrap_err();
    assert_eq!(error.to_string(), "`fisher-exact` compares 2 different values, found 3");
    let error = compare(&numbers(3, 10), &numbers(3, 10), Some(Statistic::EppsSingleton)).unwrap_err();
    assert_eq!(error, Error::NoSpread { statistic: Statistic::EppsSingleton });
}

#[test]
fn errors_read_as_fragments() {
    let error = compare(&levels(3, 10), &levels(3, 10), Some(Statistic::Wasserstein)).unwrap_err();
    assert_eq!(error.to_string(), "`wasserstein` does not apply to a categorical column");
    assert_eq!(Error::Empty { side: Side::Current }.to_string(), "the current side holds no values");
}

#[test]
fn a_data_set_drifts_when_half_its_columns_do() {
    let drift = |drifted| Drift { statistic: Statistic::Psi, value: 0.0, threshold: 0.1, drifted };
    let columns = [drift(true), drift(false), drift(true), drift(false)];
    assert_eq!(share_drifted(&columns), 0.5);
    assert!(dataset_drifted(&columns, DATASET_DRIFT_SHARE));
    assert!(!dataset_drifted(&columns[3..], DATASET_DRIFT_SHARE));
    assert!(!dataset_drifted(&[], DATASET_DRIFT_SHARE));
}

#[test]
fn another_threshold_gives_another_verdict() {
    let drift = compare(&levels(2, 100), &levels(2, 10), Some(Statistic::JensenShannon)).unwrap();
    assert!(drift.at_threshold(drift.value).drifted);
    assert!(!drift.at_threshold(drift.value + 1e-9).drifted);
}

#[test]
fn the_form_on_disk_is_this_one() {
    let numbers = Counts::from(NumericCounts::from_values([2.5, 1.0, 1.0, f64::NAN]).of_integers());
    let json = r#"{"kind":"numeric","pairs":[[1.0,2],[2.5,1]],"n_missing":1,"n_infinite":0,"integer":true}"#;
    assert_eq!(serde_json::to_string(&numbers).unwrap(), json);
    let levels = Counts::from(CategoricalCounts::from_values([Some("b"), None, Some("a"), Some("b")]));
    let json = r#"{"kind":"categorical","levels":{"a":1,"b":2},"n_missing":1}"#;
    assert_eq!(serde_json::to_string(&levels).unwrap(), json);
}

#[test]
fn mean_and_deviation_are_those_of_the_values() {
    let counts = NumericCounts::from_values([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, f64::NAN]);
    assert_eq!((counts.mean(), counts.std()), (Some(5.0), Some(2.0)));
    assert_eq!(NumericCounts::default().mean(), None);
}
