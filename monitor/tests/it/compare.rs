//! `compare` on real files: the figures of Evidently 0.7.23, and what it says to files that it cannot compare.

mod files;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use monitor_drift::{Counts, Kind, Statistic};
use serde::Deserialize;
use serde_json::Value as Json;
use tempfile::TempDir;

const BANK_FULL: &str = include_str!("../../drift/tests/golden/bank_full.json");
const EDGE_CASES: &str = include_str!("../../drift/tests/golden/edge_cases.json");
const MONTHLY_RUN: &str = include_str!("../../drift/tests/golden/monthly_run.json");

type Side = BTreeMap<String, Counts>;

#[derive(Deserialize)]
struct Golden {
    sides: BTreeMap<String, Side>,
    cases: Vec<Case>,
}

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

/// A folder with files to compare, gone when dropped.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Writes the answer of a query as Parquet.
    fn parquet(&self, name: &str, sql: &str) -> PathBuf {
        let connection = duckdb::Connection::open_in_memory().unwrap();
        connection.execute_batch(&format!("COPY ({sql}) TO '{}' (FORMAT parquet)", self.path(name).display())).unwrap();
        self.path(name)
    }

    fn compare(&self, reference: &Path, current: &Path, options: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("monitor"));
        command.timeout(std::time::Duration::from_secs(120)).env_remove("RUST_LOG");
        command.arg("compare").arg(reference).arg(current).args(options);
        command
    }

    /// The outcome, which must agree with the exit code.
    #[track_caller]
    fn outcome(&self, reference: &Path, current: &Path, options: &[&str]) -> Json {
        let output = self.compare(reference, current, &[&["--json"], options].concat()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let json: Json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        assert_eq!(output.status.code(), Some(i32::from(json["dataset_drift"].as_bool().unwrap())));
        json
    }

    /// What it says when it cannot compare.
    #[track_caller]
    fn complaint(&self, reference: &Path, current: &Path, options: &[&str]) -> String {
        let output = self.compare(reference, current, options).assert().code(2).get_output().clone();
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap().replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// A side as CSV; columns may be of different lengths, missing values stand at their ends.
fn csv_of(side: &Side) -> String {
    let columns: Vec<Vec<String>> = side.values().map(values).collect();
    let n_rows = columns.iter().map(Vec::len).max().unwrap();
    let names: Vec<&str> = side.keys().map(String::as_str).collect();
    let row = |row: usize| columns.iter().map(|column| column.get(row).map_or("", String::as_str)).collect::<Vec<_>>().join(",");
    std::iter::once(names.join(",")).chain((0..n_rows).map(row)).map(|line| line + "\n").collect()
}

fn values(counts: &Counts) -> Vec<String> {
    let repeated = |(text, n): (String, u64)| std::iter::repeat_n(text, n as usize);
    let infinite = |n: u64| std::iter::repeat_n("inf".to_owned(), n as usize);
    let mut values: Vec<String> = match counts {
        Counts::Categorical(counts) => counts.levels().iter().map(|(level, n)| (level.clone(), *n)).flat_map(repeated).collect(),
        Counts::Numeric(counts) if counts.integer() => {
            counts.pairs().iter().map(|(value, n)| (format!("{value}"), *n)).flat_map(repeated).collect()
        }
        Counts::Numeric(counts) => {
            let finite = counts.pairs().iter().map(|(value, n)| (format!("{value:?}"), *n)).flat_map(repeated);
            finite.chain(infinite(counts.n_infinite())).collect()
        }
    };
    values.resize(counts.n_rows() as usize, String::new());
    values
}

/// Runs every comparison of a golden file once, and looks up each of its cases.
fn check_golden(json: &str, end: &str) {
    let golden: Golden = serde_json::from_str(json).unwrap();
    let files = Files::new();
    for (name, side) in &golden.sides {
        let csv = files.write(&format!("{name}.csv"), csv_of(side));
        if end == "parquet" {
            files.parquet(&format!("{name}.parquet"), &format!("SELECT * FROM read_csv('{}', nullstr = '')", csv.display()));
        }
    }
    let mut outcomes: BTreeMap<(String, String, Option<Statistic>, String), Json> = BTreeMap::new();
    for case in &golden.cases {
        let kind = golden.sides[&case.reference][&case.column].kind();
        let of_kind = case.statistic.map(|_| kind.to_string()).unwrap_or_default();
        let key = (case.reference.clone(), case.current.clone(), case.statistic, of_kind);
        let outcome = outcomes.entry(key).or_insert_with(|| run(&files, &golden, case, end));
        check(case, outcome);
    }
}

fn run(files: &Files, golden: &Golden, case: &Case, end: &str) -> Json {
    let [reference, current] = [&case.reference, &case.current].map(|name| files.path(&format!("{name}.{end}")));
    let side = &golden.sides[&case.reference];
    let Some(statistic) = case.statistic else {
        let of =
            |kind| side.iter().filter(|(_, counts)| counts.kind() == kind).map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        let [numeric, categorical] = [Kind::Numeric, Kind::Categorical].map(|kind| of(kind).join(","));
        return files.outcome(&reference, &current, &["--numeric", &numeric, "--categorical", &categorical]);
    };
    let kind = side[&case.column].kind();
    let same: Vec<&str> = side.iter().filter(|(_, counts)| counts.kind() == kind).map(|(name, _)| name.as_str()).collect();
    let word = statistic.evidently_word().unwrap();
    let columns = same.join(",");
    files.outcome(&reference, &current, &["--statistic", word, "--columns", &columns, &format!("--{kind}"), &columns])
}

#[track_caller]
fn check(case: &Case, outcome: &Json) {
    let columns = outcome["columns"].as_array().unwrap();
    let found = columns.iter().find(|column| column["column"] == case.column.as_str()).unwrap_or_else(|| panic!("{outcome:#}"));
    let what = format!("{} of {} and {}: {found}", case.column, case.reference, case.current);
    if let Some(method) = &case.method {
        assert_eq!(found["method"], method.as_str(), "{what}");
    }
    // Near zero the root in Jensen-Shannon's distance magnifies rounding.
    let tolerance = if found["statistic"] == "jensen-shannon" && case.value < 1e-4 { 1e-8 } else { 1e-9 };
    assert!((found["value"].as_f64().unwrap() - case.value).abs() <= tolerance, "{what} for {}", case.value);
    assert_eq!(found["drifted"], case.drifted, "{what}");
}

#[test]
fn the_months_of_a_real_run_have_evidently_s_figures() {
    check_golden(MONTHLY_RUN, "csv");
}

#[test]
fn presets_and_single_methods_on_parquet_have_evidently_s_figures() {
    check_golden(BANK_FULL, "parquet");
}

#[test]
fn the_borders_of_the_rules_have_evidently_s_figures() {
    check_golden(EDGE_CASES, "csv");
}

#[test]
fn both_shares_of_missing_cells_are_told() {
    let golden: Golden = serde_json::from_str(BANK_FULL).unwrap();
    let files = Files::new();
    let current = &golden.sides["block-0-unknown-as-missing"];
    let n_columns = current.len() as f64;
    let reference = files.write("reference.csv", csv_of(&golden.sides["reference-unknown-as-missing"]));
    let current = files.write("current.csv", csv_of(current));
    let missing = files.outcome(&reference, &current, &[])["missing"].clone();
    assert_eq!((&missing["cells"], &missing["cells_per_row"]), (&2458.into(), &1.229.into()));
    assert!((missing["share_of_cells"].as_f64().unwrap() - 1.229 / n_columns).abs() < 1e-12);
    assert_eq!(missing["reference"]["cells"], 29589 + 221 + 12765 + 29589);
}

#[test]
fn empty_and_infinite_cells_are_missing_to_one_of_the_two_only() {
    let files = Files::new();
    let sql = "SELECT if(i % 4 = 0, '', 'b') AS a, CASE i % 4 WHEN 0 THEN 'inf'::DOUBLE WHEN 1 THEN NULL ELSE i END AS x, DATE '2026-01-01' AS d FROM range(400) AS t(i)";
    let path = files.parquet("a.parquet", sql);
    let missing = files.outcome(&path, &path, &[])["missing"].clone();
    assert_eq!((&missing["cells"], &missing["cells_per_row"]), (&100.into(), &0.25.into()));
    assert_eq!(missing["share_of_cells"], 0.25);
}

#[test]
fn the_json_has_these_names() {
    let files = Files::new();
    let path = files.write("a.csv", "age,job,id\n1.5,a,x\n2.5,a,y\n3.5,b,z\n4.5,b,w\n");
    let json = files.outcome(&path, &path, &[]);
    let keys = |json: &Json| json.as_object().unwrap().keys().cloned().collect::<Vec<String>>().join(" ");
    assert_eq!(
        keys(&json),
        "verdict rule binned n_reference n_current n_columns n_drifted share_drifted drift_share dataset_drift missing columns left_out"
    );
    assert_eq!(keys(&json["columns"][0]), "column kind statistic method value threshold drifted");
    assert_eq!(keys(&json["missing"]), "cells cells_per_row share_of_cells reference");
    assert_eq!((&json["n_columns"], &json["left_out"][0]["column"]), (&2.into(), &"id".into()));
}

fn rows(n: usize, row: impl Fn(usize) -> String) -> String {
    (0..n).map(|index| row(index) + "\n").collect()
}

#[test]
fn options_that_do_not_fit_are_refused_with_what_does() {
    let files = Files::new();
    let path = files.write("a.csv", format!("age,job\n{}", rows(50, |i| format!("{}.5,j{}", i, i % 3))));
    let complaint = |options: &[&str]| files.complaint(&path, &path, options);
    let all = [
        complaint(&["--statistic", "ks"]),
        complaint(&["--statistic", "fisher_exact", "--columns", "age"]),
        complaint(&["--statistic", "TVD"]),
        complaint(&["--statistic", "best"]),
        complaint(&["--columns", "age,income"]),
        complaint(&["--numeric", "job"]),
        complaint(&["--numeric", "age", "--categorical", "age"]),
        complaint(&["--rule", "tidemark", "--statistic", "ks"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn cells_give_nearly_the_exact_figures() {
    let files = Files::new();
    let sql = |by: f64| {
        format!(
            "SELECT sin(i) * 100 + {by} AS real, i % 40 + {by}::INT AS whole, i * 1000 AS wide, chr((97 + i % 3)::INT) AS text,
            CASE WHEN i % 9 = 0 THEN 'nan'::DOUBLE WHEN i % 9 = 1 THEN 'inf'::DOUBLE WHEN i % 9 > 2 THEN i / 7.0 + {by} END AS gaps
            FROM range(20000) AS r(i)"
        )
    };
    let (reference, current) = (files.parquet("a.parquet", &sql(0.0)), files.parquet("b.parquet", &sql(5.0)));
    let exact = files.outcome(&reference, &current, &[]);
    let binned = files.outcome(&reference, &current, &["--binned"]);
    assert_eq!((&exact["binned"], &binned["binned"]), (&Json::from(false), &Json::from(true)));
    assert_eq!(exact["missing"], binned["missing"]);
    let value = |outcome: &Json, at: usize| outcome["columns"][at]["value"].as_f64().unwrap();
    for at in 0..5 {
        let (exact, binned) = (value(&exact, at), value(&binned, at));
        assert!((exact - binned).abs() < 1e-4, "column {at}: {exact} {binned}");
    }
    assert_ne!(value(&exact, 0), value(&binned, 0), "it is in cells");
    assert_eq!(value(&exact, 1), value(&binned, 1), "whole numbers are counted each");
}

#[test]
fn the_rule_tidemark_alarms_on_what_moved_and_on_what_went_missing() {
    let files = Files::new();
    let row = |i: usize| format!("{},{},{}", i * 7919 % 1009, i * 31 % 7, ["a", "b", "c"][i % 3]);
    let reference = files.write("a.csv", format!("x,n,c\n{}", rows(2000, row)));
    let same = files.write("b.csv", format!("x,n,c\n{}", rows(700, |i| row(i + 5000))));
    let moved = files.write("c.csv", format!("x,n,c\n{}", rows(700, |i| format!("{},{},", i * 7919 % 1009 + 90, i * 31 % 7))));
    let json = files.outcome(&reference, &same, &["--rule", "tidemark"]);
    assert_eq!((&json["n_columns"], &json["n_drifted"], &json["dataset_drift"]), (&3.into(), &0.into(), &false.into()));
    let json = files.outcome(&reference, &moved, &["--rule", "tidemark", "--categorical", "c"]);
    let drifted: Vec<&Json> = json["columns"].as_array().unwrap().iter().map(|column| &column["drifted"]).collect();
    assert_eq!((drifted, &json["dataset_drift"]), (vec![&true.into(), &false.into(), &true.into()], &true.into()));
}

#[test]
fn the_outcome_is_a_sentence_and_a_table() {
    let files = Files::new();
    let row = |i: usize| format!("{},{},j{},id-{i}", i * 7919 % 1009, i % 7, i % 3);
    let reference = files.write("a.csv", format!("age,calls,job,id\n{}", rows(1200, row)));
    let moved = |i: usize| format!("{},{},j{},id-{i}", i * 7919 % 1009 + 300, i % 7, i % 2);
    let current = files.write("b.csv", format!("age,calls,job,id\n{}", rows(500, moved)));
    let output = files.compare(&reference, &current, &[]).assert().code(1).get_output().clone();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}
