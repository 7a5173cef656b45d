//! From a file to a model in production, in an empty folder.

use crate::churn;
use crate::desk::Desk;

/// Describes a file, trains on it, and scores it.
#[track_caller]
fn check(desk: &Desk, file: &str, target: &str, classes: &[&str]) {
    desk.run(["init", file, "--target", target]).works().says("next: `trainer run`");
    let run = desk.run(["run", "--json"]).works();
    assert_eq!(run.json()["prepared"]["n_set_aside"], 0, "{run}");
    assert!(run.json()["test"]["accuracy"].as_f64() >= run.json()["test"]["majority_accuracy"].as_f64(), "{run}");
    desk.run(["predict", "--input", file, "--output", "out.csv", "--only-predictions"]).works();
    let header = desk.read("out.csv").lines().next().unwrap().to_owned();
    let expected: Vec<String> = classes.iter().map(|class| format!("probability_{class}")).collect();
    assert_eq!(header, format!("label,{}", expected.join(",")));
    desk.check_registry();
}

#[test]
fn two_commands_lead_from_a_csv_file_to_a_model_in_production() {
    let desk = Desk::new();
    desk.write("my.csv", churn::csv(600));
    check(&desk, "my.csv", "churn", &["no", "yes"]);
    let toml = desk.read("data/my.toml");
    assert!(
        toml.contains("id = \"nearly every row")
            && toml.contains("name = \"joined\", kind = \"date\"")
            && toml.contains("column = \"joined\""),
        "{toml}"
    );
}

#[test]
fn a_parquet_file_is_as_good_as_a_csv_file() {
    let first = Desk::trained();
    first.run(["predict", "--input", "churn.csv", "--output", "x.parquet"]).works();
    let desk = Desk::new();
    std::fs::copy(first.path("x.parquet"), desk.path("x.parquet")).unwrap();
    check(&desk, "x.parquet", "churn", &["no", "yes"]);
}

#[test]
fn three_classes_whose_names_hold_spaces_are_learned() {
    let desk = Desk::new();
    desk.write("things.csv", churn::three_classes());
    check(&desk, "things.csv", "kind", &["large", "of medium size", "very small"]);
    assert!(desk.run(["test", "--json"]).works().json()["accuracy"].as_f64() > Some(0.6));
}

#[test]
fn a_positive_class_that_is_listed_first_is_still_the_positive_one() {
    let desk = Desk::described();
    desk.run(["run"]).works();
    let before = desk.run(["test", "--json"]).works().json();
    desk.edit("data/churn.toml", r#"classes = ["no", "yes"]"#, r#"classes = ["yes", "no"]"#);
    desk.run(["run"]).works();
    let after = desk.run(["test", "--json"]).works().json();
    assert_eq!((&before["roc_auc"], &before["log_loss"]), (&after["roc_auc"], &after["log_loss"]));
}

#[test]
fn columns_with_quotes_commas_newlines_and_emoji_are_learned_and_written_again() {
    let desk = Desk::new();
    let header = "\"an \"\"id\"\"\",day's date,🐟 age,\"the\nbalance\",\"city, town\",a b,left?";
    let rows = churn::csv(600).split_once('\n').unwrap().1.to_owned();
    desk.write("odd.csv", format!("{header}\n{rows}"));
    check(&desk, "odd.csv", "left?", &["no", "yes"]);
    desk.run(["predict", "--input", "odd.csv", "--output", "out.csv"]).works();
    assert!(desk.read("out.csv").starts_with(&format!("{header},label,")), "{}", &desk.read("out.csv")[..200]);
    desk.run(["predict", "--input", "out.csv", "--output", "again.csv", "--only-predictions"]).works();
}

#[test]
fn an_index_column_without_a_name_and_a_numbered_one_are_left_out() {
    let desk = Desk::new();
    let numbered = |(row, line): (usize, &str)| if row == 0 { format!(",n,{line}") } else { format!("{row},{row},{line}") };
    let rows: Vec<String> = churn::csv(600).lines().enumerate().map(numbered).collect();
    desk.write("indexed.csv", rows.join("\n"));
    check(&desk, "indexed.csv", "churn", &["no", "yes"]);
    let toml = desk.read("data/indexed.toml");
    assert!(toml.contains("n = \"every row has a whole number of its own"), "{toml}");
    assert!(toml.contains("\"\" = \"it has no name\""), "{toml}");
}

#[test]
fn a_few_bad_numbers_do_not_make_a_column_of_texts() {
    let desk = Desk::with_rows(&churn::csv_and("C9,2024-06-01,old,1,Oslo,plus,no"));
    assert!(desk.read("data/churn.toml").contains(r#"{ name = "age", kind = "numeric" }"#));
    let run = desk.run(["prepare"]).works().says("1 rows set aside");
    run.warns("churn.csv:602: expected a number, found `old`");
}

#[test]
fn the_home_folder_may_lie_anywhere() {
    let desk = Desk::new();
    desk.write("a/churn.csv", churn::csv(600));
    desk.run(["--home", "b/state", "init", "a/churn.csv", "--target", "churn"]).works();
    desk.run(["run", "--home", "b/state"]).works();
    desk.run_with(&["leaderboard"], &[("TIDEMARK_HOME", &desk.path("b/state"))]).works();
}

#[test]
fn the_same_rows_give_the_same_models() {
    let models = || {
        let desk = Desk::trained();
        [1, 2].map(|version| std::fs::read(desk.home().version(version).join("model.onnx")).unwrap())
    };
    assert!(models() == models());
}

#[test]
fn the_leaderboard_of_a_run_shows_where_the_versions_stand_after_it() {
    let run = Desk::described().run(["run", "--json"]).works().json();
    assert_eq!(run["leaderboard"]["versions"][0]["stage"], "production");
    assert_eq!(run["leaderboard"]["versions"][1]["stage"], "staging");
}

#[test]
fn a_file_that_has_grown_is_judged_by_rows_that_are_new_to_both() {
    let desk = Desk::new();
    let newer = |text: String| text.replace(",2024-", ",2025-");
    desk.write("churn.csv", churn::csv(600));
    desk.run(["init", "churn.csv", "--target", "churn"]).works();
    desk.keep_two_families();
    desk.run(["run"]).works();
    // The second year doubles the file; its rows are new to the version in production.
    let second_year = newer(churn::csv(1_200)).split_once('\n').unwrap().1.to_owned();
    desk.write("churn.csv", churn::csv(600) + &second_year);
    let ran = desk.run(["--json", "run"]).works();
    let moves = serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap()["deployed"]["moves"].clone();
    let reasons: Vec<&str> = moves.as_array().unwrap().iter().map(|m| m["reason"].as_str().unwrap()).collect();
    assert!(reasons.iter().any(|reason| reason.ends_with("of 3")), "the version in production takes part: {reasons:?}");
}
