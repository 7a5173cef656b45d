//! Counts are taken once: a report scans what is new, and the whole is the same as if all had been scanned.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::Value as Json;

use crate::home::{Fixture, label};

fn report(fixture: &Fixture) -> Json {
    fixture.monitor(&["ingest"]).assert().success();
    // Exit code 1 tells of an alert.
    let _ = fixture.monitor(&["report"]).assert();
    fixture.report()["windows"].clone()
}

/// The kept counts of days, and when each was written.
fn days(fixture: &Fixture) -> BTreeMap<PathBuf, SystemTime> {
    let scopes = std::fs::read_dir(fixture.home.monitor().join("counts")).unwrap();
    let folders = scopes.map(|scope| scope.unwrap().path().join("days"));
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path());
    files.map(|path| (path.clone(), path.metadata().unwrap().modified().unwrap())).collect()
}

#[test]
fn only_days_with_new_files_are_counted_again() {
    let fixture = Fixture::with_production();
    fixture.collect(&fixture.steady_month("2009-03", 396), &[]);
    report(&fixture);
    let before = days(&fixture);
    assert_eq!(before.len(), 28);
    let late: Vec<_> = (0..50).map(|n| fixture.prediction(&format!("late-{n}"), "2009-03-05", 0.5)).collect();
    fixture.collect(&late, &[]);
    let windows = report(&fixture);
    assert_eq!(windows[0]["n_rows"], 446);
    let changed: Vec<_> = days(&fixture).into_iter().filter(|(path, at)| before[path] != *at).collect();
    assert_eq!(changed.len(), 1);
    assert!(changed[0].0.ends_with("2009-03-05-v3.json"));
    std::fs::remove_dir_all(fixture.home.monitor()).unwrap();
    assert_eq!(report(&fixture), windows);
}

#[test]
fn labels_that_come_later_or_are_sent_again_count_as_if_all_had_come_at_once() {
    let fixture = Fixture::with_production();
    let months = ["2009-03", "2009-04"].map(|month| fixture.steady_month(month, 396));
    let labels = |rows: &[data_contract::PredictionRecord], class: &str, day: &str| -> Vec<_> {
        rows.iter().step_by(3).map(|row| label(&row.id, class, day)).collect()
    };
    fixture.collect(&months.concat(), &labels(&months[0], "leaves", "2009-05-01"));
    let first = report(&fixture);
    assert_eq!((&first[0]["performance"]["share_true"], &first[1]["performance"]), (&serde_json::json!(1.0), &Json::Null));
    fixture.collect(&[], &labels(&months[1], "stays", "2009-05-02"));
    let second = report(&fixture);
    assert_eq!((&second[0], &second[1]["performance"]["n_labelled"]), (&first[0], &serde_json::json!(132)));
    fixture.collect(&[], &labels(&months[0][..30], "stays", "2009-05-03"));
    let third = report(&fixture);
    assert_eq!((&third[0]["performance"]["share_true"], &third[1]), (&serde_json::json!(122.0 / 132.0), &second[1]));
    std::fs::remove_dir_all(fixture.home.monitor()).unwrap();
    assert_eq!(report(&fixture), third);
    std::fs::remove_dir_all(fixture.home.labels().join("dt=2009-05-03")).unwrap();
    assert_eq!(report(&fixture), second, "labels that are gone no longer count");
}

#[test]
fn weeks_and_days_are_put_together_from_the_same_counts() {
    let fixture = Fixture::with_production();
    fixture.collect(&fixture.steady_month("2009-03", 396), &[]);
    report(&fixture);
    let before = days(&fixture);
    for (by, n_windows) in [("week", 5), ("day", 28)] {
        let _ = fixture.monitor(&["report", "--by", by]).assert();
        assert_eq!(fixture.report()["windows"].as_array().unwrap().len(), n_windows);
        assert_eq!(days(&fixture), before, "nothing was scanned again");
    }
}

#[test]
fn counts_that_cannot_be_read_are_taken_again() {
    let fixture = Fixture::with_production();
    fixture.collect(&fixture.steady_month("2009-03", 396), &[]);
    let windows = report(&fixture);
    for path in days(&fixture).into_keys() {
        std::fs::write(path, "{\"format\": 3, \"counts\": {").unwrap();
    }
    fixture.collect(&[fixture.prediction("late", "2009-03-05", 0.5)], &[]);
    assert_eq!(report(&fixture)[0]["n_rows"], 397);
    assert_eq!(windows[0]["n_rows"], 396);
}

#[test]
fn the_query_is_printed_for_other_engines() {
    let fixture = Fixture::with_production();
    let printed = |args: &[&str]| {
        let output = fixture.monitor(args).assert().success().get_output().stdout.clone();
        String::from_utf8(output).unwrap()
    };
    let sql = printed(&["query", "--dialect", "spark", "--log", "logs.predictions"]);
    assert!(sql.contains("FROM logs.predictions") && sql.contains("`feature_age` AS c0"), "{sql}");
    let described: Json = serde_json::from_str(&printed(&["--json", "query", "--dialect", "clickhouse"])).unwrap();
    assert_eq!(described["columns"][0]["name"], "feature_age");
    let refused =
        fixture.monitor(&["query", "--dialect", "spark", "--version", "9"]).assert().code(2).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&refused).starts_with("error: there is no version 9 under "));
}

#[test]
fn a_clickhouse_that_does_not_answer_is_named() {
    let fixture = Fixture::with_production();
    fixture.collect(&fixture.steady_month("2009-03", 396), &[]);
    fixture.monitor(&["ingest"]).assert().success();
    let refused = |args: &[&str]| {
        let output = fixture.monitor(&[&["report"], args].concat()).assert().code(2).get_output().stderr.clone();
        String::from_utf8(output).unwrap()
    };
    let gone = refused(&["--clickhouse", "http://127.0.0.1:1"]);
    assert!(gone.starts_with("error: ClickHouse at http://127.0.0.1:1 did not count: "), "{gone}");
    let nameless = refused(&["--clickhouse", "http://127.0.0.1:1", "--clickhouse-log", "predictions"]);
    assert!(nameless.contains("hint: write {files} where they go"), "{nameless}");
}

#[test]
fn a_segment_is_measured_against_its_own_reference_and_its_rows_add_up() {
    let fixture = Fixture::with_production();
    fixture.collect(&fixture.steady_month("2009-03", 396), &[]);
    fixture.monitor(&["ingest"]).assert().success();
    let refused = fixture.monitor(&["report", "--segment", "job"]).assert().code(2).get_output().stderr.clone();
    let refused = String::from_utf8(refused).unwrap();
    assert!(
        refused.starts_with("error: there is no column `job` to tell segments by\nhint: the model's columns are age, "),
        "{refused}"
    );
    let _ = fixture.monitor(&["report", "--segment", "plan"]).assert();
    let segments = fixture.report()["segments"].clone();
    assert_eq!(segments["column"], "plan");
    let shares = segments["segments"].as_array().unwrap().iter().map(|segment| segment["reference_share"].as_f64().unwrap());
    assert!((shares.sum::<f64>() - 1.0).abs() < 1e-9);
    // The rows that version 3 knew are not in this home, and a segment is judged by nothing else.
    let problem = "the rows that version 3 learned from are not here: `prepared` is missing, or holds other rows";
    assert_eq!(segments["problems"], serde_json::json!([problem]));
    assert!(fixture.report()["windows"].as_array().unwrap().iter().any(|window| window["domain_problem"] == problem));
    assert!(segments["segments"].as_array().unwrap().iter().all(|segment| segment["windows"] == serde_json::json!([])));
}
