//! Two sides of the log held against each other.

use data_contract::PredictionRecord;
use serde_json::Value as Json;

use crate::home::{Fixture, label};
use crate::report::stderr_of;

/// Two months of version 3, the second of which moved, every third row labelled.
fn drifting() -> Fixture {
    let fixture = Fixture::with_production();
    let mut records = fixture.steady_month("2009-03", 396);
    let mut moved = fixture.month("2009-04", 300, 0.9);
    moved.iter_mut().for_each(|record| _ = record.features.insert("tenure".into(), 1.into()));
    records.extend(moved);
    let leaves = |at: usize| if at.is_multiple_of(2) { "leaves" } else { "stays" };
    let known: Vec<_> =
        records.iter().step_by(3).enumerate().map(|(at, record)| label(&record.id, leaves(at), "2009-05-02")).collect();
    fixture.collect(&records, &known);
    fixture.monitor(&["ingest"]).assert().success();
    fixture
}

#[track_caller]
fn compared(fixture: &Fixture, sides: [&str; 2], code: i32) -> Json {
    fixture.monitor(&["report", "--compare", sides[0], sides[1]]).assert().code(code);
    serde_json::from_slice(&std::fs::read(fixture.home.monitor().join("compare.json")).unwrap()).unwrap()
}

fn column<'a>(outcome: &'a Json, name: &str) -> &'a Json {
    outcome["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}

#[test]
fn a_month_that_moved_is_told_from_the_one_before_and_no_alert_is_raised() {
    let fixture = drifting();
    let outcome = compared(&fixture, ["2009-03", "2009-04"], 1);
    assert_eq!(
        (&outcome["drifted"], &outcome["n_drifted"], &outcome["n_judged"]),
        (&true.into(), &1.into(), &7.into()),
        "{outcome:#}"
    );
    assert_eq!((&outcome["reference"]["n_rows"], &outcome["current"]["n_rows"]), (&396.into(), &300.into()));
    assert_eq!(outcome["current"]["n_labelled"], 100);
    assert_eq!(column(&outcome, "tenure")["verdict"]["drifted"], true);
    assert_eq!(column(&outcome, "age")["verdict"]["drifted"], false);
    assert_eq!(outcome["prediction"]["verdict"]["drifted"], true);
    assert!(!fixture.home.monitor().join("alerts.json").exists() && !fixture.home.monitor().join("report.json").exists());
    let page = std::fs::read_to_string(fixture.home.monitor().join("compare.html")).unwrap();
    for absent in ["<script", "http://", "https://", "stylesheet", "<img", "@import"] {
        assert!(!page.contains(absent), "{absent}");
    }
    for present in ["From Mar 2009 to Apr 2009, predictions moved by", "“tenure” moved most", "prefers-color-scheme: dark"] {
        assert!(page.contains(present), "{present}");
    }
}

#[test]
fn the_comparison_is_a_sentence_and_tables() {
    let fixture = drifting();
    let output = fixture.monitor(&["report", "--compare", "2009-03", "2009-04"]).assert().code(1).get_output().clone();
    let text = String::from_utf8(output.stdout).unwrap();
    insta::assert_snapshot!(text.replace(&fixture.home.root().display().to_string(), "<home>"));
}

#[test]
fn what_did_not_change_did_not_drift_whichever_way_it_is_asked_for() {
    let fixture = Fixture::with_production();
    fixture.collect(&[fixture.steady_month("2009-03", 396), fixture.steady_month("2009-04", 297)].concat(), &[]);
    fixture.monitor(&["ingest"]).assert().success();
    let outcome = compared(&fixture, ["2009-03", "2009-04/v3"], 0);
    assert_eq!(
        outcome["verdict"],
        "From Mar 2009 to version 3 in Apr 2009, predictions did not drift, and none of 7 columns drifted."
    );
    assert_eq!((&outcome["notes"], &outcome["performance"]), (&Json::Array(Vec::new()), &Json::Array(Vec::new())));
    let whole = compared(&fixture, ["v3", "2009-W10"], 0);
    assert_eq!((&whole["reference"]["n_rows"], &whole["current"]["first_day"]), (&693.into(), &"2009-03-02".into()));
    let notes = whole["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().starts_with("Some predictions lie on both sides")), "{notes:?}");
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains("fewer than the 200")), "{notes:?}");
}

#[test]
fn performance_of_both_sides_stands_with_the_difference_and_its_range() {
    let outcome = compared(&drifting(), ["2009-03", "2009-04"], 1);
    let metrics = outcome["performance"].as_array().unwrap();
    let brier = metrics.iter().find(|metric| metric["metric"] == "brier").unwrap();
    let number = |json: &Json| json.as_f64().unwrap();
    // Half of the rows came true: at probability 0.9 the score is (0.01 + 0.81) / 2.
    assert!((number(&brier["current"]) - 0.41).abs() < 1e-9, "{brier}");
    assert!((number(&brier["difference"]) - (number(&brier["current"]) - number(&brier["reference"]))).abs() < 1e-12);
    assert!(
        number(&brier["interval"][0]) < number(&brier["difference"])
            && number(&brier["interval"][1]) > number(&brier["difference"])
    );
    assert!(metrics.iter().find(|metric| metric["metric"] == "roc_auc").unwrap()["current"].is_number());
}

#[test]
fn versions_of_different_contracts_are_compared_by_what_both_have() {
    let mut fixture = Fixture::with_production();
    let of_old = fixture.steady_month("2009-03", 396);
    let lost = fixture.contract.columns.pop().unwrap();
    fixture.register(4, &fixture.home.version(4));
    let renamed = |mut record: PredictionRecord| {
        (record.version, record.contract) = (4, fixture.contract.digest());
        record.features.remove(&lost.name);
        record
    };
    let of_new: Vec<_> = fixture.steady_month("2009-04", 396).into_iter().map(renamed).collect();
    fixture.collect(&[of_old, of_new].concat(), &[]);
    fixture.monitor(&["ingest"]).assert().success();
    let outcome = compared(&fixture, ["v3", "v4"], 0);
    assert_eq!(outcome["columns"].as_array().unwrap().len(), 6);
    assert_eq!(
        (&outcome["left_out"][0]["column"], &outcome["left_out"][0]["reason"]),
        (&lost.name.as_str().into(), &"only v3 has it".into())
    );
    assert!(outcome["notes"][0].as_str().unwrap().starts_with("Different versions predicted"), "{}", outcome["notes"]);
}

#[test]
fn rows_of_a_version_that_the_registry_lost_are_named() {
    let fixture = Fixture::with_production();
    fixture.register(4, &fixture.home.version(4));
    let lost = |mut record: PredictionRecord| {
        record.version = 4;
        record
    };
    let of_new: Vec<_> = fixture.month("2009-04", 50, 0.5).into_iter().map(lost).collect();
    fixture.collect(&[fixture.steady_month("2009-03", 396), fixture.steady_month("2009-04", 396)].concat(), &[]);
    fixture.collect(&of_new, &[]);
    fixture.monitor(&["ingest"]).assert().success();
    std::fs::remove_dir_all(fixture.home.version(4)).unwrap();
    let outcome = compared(&fixture, ["2009-03", "2009-04"], 0);
    let note = "Of Apr 2009, 50 rows of version 4 are not in all figures: the registry holds no version 4.";
    assert_eq!((&outcome["notes"][0], &outcome["current"]["n_rows"]), (&note.into(), &396.into()));
    assert!(
        stderr_of(&fixture, &["report", "--compare", "2009-03", "v4"], 2).contains("no predictions of `v4` that can be compared")
    );
}

#[test]
fn evidently_s_rule_judges_two_sides_as_it_judges_a_window() {
    let fixture = drifting();
    fixture.set_rules("rule = \"evidently\"\nprediction_drift = 0.2");
    let outcome = compared(&fixture, ["2009-03", "2009-04"], 1);
    assert_eq!((&outcome["prediction"]["drift"]["statistic"], &outcome["n_judged"]), (&"kolmogorov-smirnov".into(), &7.into()));
    assert!(outcome["verdict"].as_str().unwrap().contains("predictions drifted (K-S p_value"), "{}", outcome["verdict"]);
}

#[test]
fn a_side_that_does_not_exist_is_answered_with_those_that_do() {
    let fixture = drifting();
    let there_are = "hint: there are the windows 2009-03 and 2009-04, and the version v3; or both, such as 2009-04/v3\n";
    for name in ["2009-07", "v9", "2009-04/v9", "april"] {
        let expect = format!("error: the log holds no predictions of `{name}` that can be compared\n{there_are}");
        assert_eq!(stderr_of(&fixture, &["report", "--compare", "2009-03", name], 2), expect);
    }
    let weeks = stderr_of(&fixture, &["report", "--compare", "2009-W01", "2009-03"], 2);
    assert!(weeks.contains("hint: there are the windows 2009-W09, 2009-W10"), "{weeks}");
    let stderr = stderr_of(&fixture, &["report", "--compare", "v3", "v3", "--webhook", "http://127.0.0.1:1/"], 2);
    assert!(stderr.contains("cannot be used with"), "{stderr}");
}
