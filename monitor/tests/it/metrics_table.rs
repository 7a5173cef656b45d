//! The figures of a report as a table that any program reads.

use std::path::Path;

use serde_json::Value as Json;

use crate::home::{Fixture, label, write};

/// Two months, the second of which drifted and whose causes are known, a third of the rows labelled.
fn drifting() -> Fixture {
    let fixture = Fixture::with_production();
    fixture.give_background(3);
    let mut records = fixture.steady_month("2009-03", 396);
    records.extend(fixture.month("2009-04", 300, 0.9));
    let known: Vec<_> = records.iter().step_by(3).map(|record| label(&record.id, &record.label, "2009-05-02")).collect();
    fixture.collect(&records, &known);
    fixture.monitor(&["ingest"]).assert().success();
    fixture
}

/// What a query over the two files answers.
fn ask<T: duckdb::types::FromSql>(folder: &Path, sql: &str) -> T {
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let file = |name: &str| format!("'{}'", folder.join(name).display());
    let sql = sql.replace("{parquet}", &file("metrics.parquet")).replace("{csv}", &file("metrics.csv"));
    connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

fn n_numbers(json: &Json) -> usize {
    match json {
        Json::Number(_) => 1,
        Json::Array(items) => items.iter().map(n_numbers).sum(),
        Json::Object(fields) => fields.iter().filter(|(name, _)| *name != "version").map(|(_, field)| n_numbers(field)).sum(),
        _ => 0,
    }
}

#[test]
fn the_table_holds_as_many_numbers_as_the_windows_of_the_report() {
    let fixture = drifting();
    fixture.monitor(&["report"]).assert().code(1);
    let folder = fixture.home.monitor();
    let in_report = n_numbers(&fixture.report()["windows"]);
    // The threshold of a p-value of calibration is a constant of the program.
    let in_table: i64 = ask(&folder, "SELECT count(value) + count(threshold) FILTER (subject <> 'calibration') FROM {parquet}");
    assert_eq!(usize::try_from(in_table).unwrap(), in_report);
    assert!(in_report > 100, "{in_report}");
    let sql = "SELECT count(*) FROM {parquet} WHERE metric = 'mean_probability_change'";
    assert_eq!(ask::<i64>(&folder, sql), 7, "one of each column of the month that drifted");
}

#[test]
fn parquet_and_csv_hold_the_same_rows_with_days_and_verdicts() {
    let fixture = drifting();
    fixture.monitor(&["report"]).assert().code(1);
    let folder = fixture.home.monitor();
    assert_eq!(ask::<i64>(&folder, "SELECT count(*) FROM (FROM {parquet} EXCEPT ALL FROM read_csv({csv}))"), 0);
    assert_eq!(ask::<i64>(&folder, "SELECT count(*) FROM (FROM read_csv({csv}) EXCEPT ALL FROM {parquet})"), 0);
    let types = "SELECT string_agg(column_name || ' ' || column_type, ', ') FROM (DESCRIBE FROM {parquet})";
    assert_eq!(
        ask::<String>(&folder, types),
        "window VARCHAR, window_start DATE, window_end DATE, version INTEGER, segment VARCHAR, subject VARCHAR, metric VARCHAR, value DOUBLE, threshold DOUBLE, drifted BOOLEAN"
    );
    let drifted = "SELECT string_agg(concat_ws(' ', \"window\", window_start, window_end, version), ', ') FROM {parquet}
        WHERE subject = 'prediction' AND metric = 'effect_size' AND drifted";
    assert_eq!(ask::<String>(&folder, drifted), "2009-04 2009-04-01 2009-04-30 3");
    let hidden =
        std::fs::read_dir(&folder).unwrap().flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"));
    assert_eq!(hidden.count(), 0, "nothing half written is left");
}

#[test]
fn a_table_that_cannot_be_written_is_an_error_with_a_remedy() {
    let fixture = drifting();
    let output = fixture.folder().join("out");
    write(&output.join("metrics.csv/in-the-way"), b"");
    let stderr = crate::report::stderr_of(&fixture, &["report", "--output", &output.to_string_lossy()], 2);
    assert!(stderr.contains("cannot write") && stderr.contains("metrics.csv") && stderr.contains("hint: "), "{stderr}");
    assert!(output.join("report.json").exists() && output.join("metrics.parquet").exists());
}
