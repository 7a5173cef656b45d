//! `--json`: every command prints one object with the documented fields.

use crate::churn;
use crate::desk::Desk;

#[track_caller]
fn check(desk: &Desk, args: &[&str], fields: &[&str]) {
    let ran = desk.run_with(&[args, &["--json"]].concat(), &[]).works();
    let json = ran.json();
    let mut names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = fields.to_vec();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected, "{ran}");
}

#[test]
fn every_command_prints_an_object() {
    let desk = Desk::new();
    desk.write("churn.csv", churn::csv(600));
    check(&desk, &["init", "churn.csv", "--target", "churn"], &["file", "dataset", "next"]);
    check(&desk, &["fetch"], &["dataset", "file", "sha256", "origin", "synthetic"]);
    let prepared = [
        "format",
        "dataset",
        "digest",
        "source",
        "synthetic",
        "seed",
        "split",
        "n_train",
        "n_validation",
        "n_test",
        "n_set_aside",
        "first_date",
        "test_from",
        "last_date",
        "first_set_aside",
        "set_aside_file",
        "warnings",
    ];
    check(&desk, &["prepare"], &prepared);
    check(&desk, &["train"], &["versions"]);
    check(&desk, &["deploy"], &["production", "synthetic", "moves"]);
    let metrics = [
        "name",
        "version",
        "family",
        "synthetic",
        "threshold",
        "may_have_seen",
        "weighted",
        "n_rows",
        "roc_auc",
        "average_precision",
        "log_loss",
        "brier",
        "accuracy",
        "majority_accuracy",
        "positive_share",
    ];
    check(&desk, &["test"], &metrics);
    let predicted = [
        "output",
        "model",
        "version",
        "synthetic",
        "n_rows",
        "n_set_aside",
        "n_flagged",
        "labels",
        "set_aside",
        "first_set_aside",
        "logged",
    ];
    check(&desk, &["predict", "--input", "churn.csv", "--output", "out.csv"], &predicted);
    check(&desk, &["leaderboard"], &["versions"]);
    check(&desk, &["retrain", "--once"], &["outcome", "champion", "challenger", "reason"]);
    check(&desk, &["run"], &["prepared", "leaderboard", "deployed", "test"]);
}

#[test]
fn a_line_of_the_leaderboard_has_every_field() {
    let desk = Desk::trained();
    let json = desk.run(["leaderboard", "--json"]).works().json();
    let names: Vec<&String> = json["versions"][0].as_object().unwrap().keys().collect();
    let expected = [
        "version",
        "family",
        "stage",
        "log_loss",
        "roc_auc",
        "average_precision",
        "brier",
        "accuracy",
        "majority_accuracy",
        "fit_cpu_secs",
        "bytes",
        "created",
        "synthetic",
        "data",
    ];
    assert_eq!(names, expected);
}

#[test]
fn an_error_is_an_object_too() {
    let ran = Desk::new().run(["leaderboard", "--json"]);
    assert_eq!(
        (ran.code, &ran.json()["error"], &ran.json()["hint"]),
        (Some(2), &"data/registry holds no version".into(), &"`trainer train` makes some".into())
    );
}

#[test]
fn a_quiet_command_says_nothing_but_its_result() {
    let desk = Desk::with_rows(&churn::csv_and("short"));
    let ran = desk.run(["run", "--quiet", "--json"]).works();
    assert_eq!((ran.stderr.as_str(), &ran.json()["prepared"]["n_set_aside"]), ("", &1.into()));
}
