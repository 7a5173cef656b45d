//! What `prepare` finds suspicious, and that it is silent about tables that are not.

use std::fmt::Write;

use data_contract::{CheckKind, Checks};

use crate::churn::{self, Random};
use crate::desk::Desk;

/// The findings about the churn file after a change of its lines.
fn findings(change: impl Fn(usize, &str) -> String, args: &[&str]) -> Vec<data_contract::Finding> {
    let desk = Desk::new();
    let line = |(row, line): (usize, &str)| change(row, line) + "\n";
    desk.write("churn.csv", churn::csv(600).lines().enumerate().map(line).collect::<String>());
    desk.run(["init", "churn.csv", "--target", "churn"]).works();
    let ran = desk.run_with(&[&["prepare", "--json"], args].concat(), &[]).works();
    let checks: Checks = serde_json::from_str(&desk.read("data/prepared/checks.json")).unwrap();
    assert_eq!(ran.json()["warnings"], serde_json::to_value(&checks.findings).unwrap());
    assert_eq!(ran.json()["digest"], checks.digest);
    for finding in &checks.findings {
        assert!(ran.stderr.contains(&finding.message) && ran.stderr.contains(&finding.advice), "{ran}");
    }
    checks.findings
}

#[track_caller]
fn check(change: impl Fn(usize, &str) -> String, expect: CheckKind, column: Option<&str>) {
    let findings = findings(change, &[]);
    let found: Vec<_> = findings.iter().map(|finding| (finding.check, finding.column.as_deref())).collect();
    assert!(found.contains(&(expect, column)), "{findings:?}");
}

#[test]
fn an_ordinary_table_has_no_findings() {
    let nothing: [data_contract::Finding; 0] = [];
    assert_eq!(findings(|_, line| line.to_owned(), &[]), nothing);
    assert_eq!(findings(|_, line| line.to_owned(), &["--split", "time"]), nothing);
}

#[test]
fn a_column_that_is_known_only_with_the_outcome_is_a_leak() {
    let refund = |row: usize, line: &str| match row {
        0 => format!("refund,{line}"),
        _ if line.ends_with("yes") => format!("{}.5,{line}", 10 + row),
        _ => format!("0,{line}"),
    };
    check(refund, CheckKind::Leak, Some("refund"));
    let reason = |row: usize, line: &str| match row {
        0 => format!("reason,{line}"),
        _ if line.ends_with("yes") => format!("{},{line}", ["moved", "price"][row % 2]),
        _ => format!(",{line}"),
    };
    check(reason, CheckKind::Leak, Some("reason"));
}

#[test]
fn repeated_rows_are_counted() {
    let twice = |row: usize, line: &str| if row == 0 { line.to_owned() } else { format!("{line}\n{line}") };
    let findings = findings(twice, &[]);
    let figure = |check| findings.iter().find(|finding| finding.check == check).unwrap().figure;
    assert!((0.49..0.53).contains(&figure(CheckKind::Duplicates)), "{findings:?}");
    assert!((0.5..0.95).contains(&figure(CheckKind::TestSeen)), "{findings:?}");
}

#[test]
fn a_column_that_tells_nothing_is_named() {
    let desk = Desk::described();
    let also = |name: &str, kind: &str| format!("columns = [\n    {{ name = \"{name}\", kind = \"{kind}\" }},");
    desk.edit("data/churn.toml", "id = ", "x = ");
    desk.edit("data/churn.toml", "columns = [", &also("id", "categorical"));
    desk.write("churn.csv", churn::csv(600).replace("\nC0", "\n0").replace("Roma", "Oslo").replace("\"San José, CA\"", "Oslo"));
    let empty = |(row, line): (usize, &str)| format!("{line},{}\n", if row == 0 { "fax" } else { "NA" });
    desk.write("churn.csv", desk.read("churn.csv").lines().enumerate().map(empty).collect::<String>());
    desk.edit("data/churn.toml", "columns = [", &also("fax", "numeric"));
    let ran = desk.run(["run", "--json"]).works();
    let warnings = ran.json()["prepared"]["warnings"].clone();
    let found: Vec<(&str, &str)> = warnings
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| (warning["check"].as_str().unwrap(), warning["column"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("empty", "fax"), ("identifier", "id"), ("constant", "city")]);
}

#[test]
fn a_test_unlike_the_training_rows_is_told_and_by_which_columns() {
    let older = |row: usize, line: &str| match row {
        0 => line.to_owned(),
        _ => {
            let fields: Vec<&str> = line.splitn(5, ',').collect();
            let balance: f64 = fields[3].parse().unwrap_or(0.0);
            format!("{},{},{},{},{}", fields[0], fields[1], fields[2], balance + 10.0 * row as f64, fields[4])
        }
    };
    let findings = findings(older, &["--split", "time"]);
    let shift = &findings[0];
    assert_eq!((shift.check, shift.column.as_deref()), (CheckKind::Shift, Some("balance")));
    assert!(shift.figure > 0.9 && shift.message.contains("as is to be expected of newer rows"), "{shift:?}");
}

#[test]
fn many_levels_that_say_nothing_are_no_leak() {
    let mut random = Random(77);
    let mut csv = String::from("code,size,in\n");
    for _ in 0..2000 {
        writeln!(csv, "K{},{},{}", random.below(900), random.below(1_000_000), ["no", "yes"][random.below(2)]).unwrap();
    }
    let desk = Desk::new();
    desk.write("t.csv", csv);
    desk.run(["init", "t.csv", "--target", "in"]).works();
    let warnings = desk.run(["prepare", "--json"]).works().json()["warnings"].clone();
    let leaks = warnings.as_array().unwrap().iter().filter(|warning| warning["check"] == "leak").count();
    assert_eq!(leaks, 0, "{warnings}");
}
