//! What a person brings to a split: weights, groups, and a test file of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use data_contract::{Checks, Estimate, Evaluation, Part, SetAside, prepared_column};
use polars::prelude::{DataFrame, ParquetReader, SerReader};

use crate::churn;
use crate::desk::Desk;

fn part(desk: &Desk, part: Part) -> DataFrame {
    ParquetReader::new(File::open(desk.home().prepared().join(part.file_name())).unwrap()).finish().unwrap()
}

/// The churn file with a column before each row, which comes of the row's number.
fn with_column(name: &str, value: impl Fn(usize) -> String) -> String {
    let line = |(row, line): (usize, &str)| {
        if row == 0 { format!("{name},{line}\n") } else { format!("{},{line}\n", value(row)) }
    };
    churn::csv(600).lines().enumerate().map(line).collect()
}

#[test]
fn weights_are_checked_and_written_and_are_no_feature() {
    let desk = Desk::new();
    desk.write(
        "churn.csv",
        with_column("worth", |row| ["1", "0", "2.5", "-1", "", "inf"][if row < 7 { row - 1 } else { row % 3 }].into()),
    );
    desk.run(["init", "churn.csv", "--target", "churn", "--weights", "worth"]).works();
    assert!(desk.read("data/churn.toml").contains("weights = \"worth\""));
    let ran = desk.run(["run", "--json"]).works();
    assert_eq!(ran.json()["prepared"]["n_set_aside"], 3, "{ran}");
    let listed = desk.read("data/prepared/set-aside.ndjson");
    let listed: Vec<SetAside> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reasons: Vec<_> = listed.iter().map(|s| (s.line, s.column.as_deref(), s.reason.as_str())).collect();
    let no_weight = |text: &str| format!("`{text}` is not a weight, which is a finite number of at least 0");
    assert_eq!(
        reasons,
        [
            (5, Some("worth"), no_weight("-1").as_str()),
            (6, Some("worth"), "the weight is missing"),
            (7, Some("worth"), no_weight("inf").as_str())
        ]
    );
    let train = part(&desk, Part::Train);
    let weights: BTreeSet<String> =
        train.column(prepared_column::WEIGHT).unwrap().f64().unwrap().iter().map(|weight| weight.unwrap().to_string()).collect();
    assert_eq!(weights, ["0", "1", "2.5"].map(str::to_owned).into());
    assert!(!desk.read("data/production/contract.json").contains("worth"));
}

/// Rows of weight 0 do not count: the model is the one of the other rows alone.
#[test]
fn a_row_without_weight_teaches_nothing() {
    let models = |lie: &str| {
        let desk = Desk::new();
        let line = |(row, line): (usize, &str)| match row {
            0 => format!("worth,{line}\n"),
            _ if row % 2 == 0 => format!("0,{}\n", line.replace(",yes", lie).replace(",no", lie)),
            _ => format!("1,{line}\n"),
        };
        desk.write("churn.csv", churn::csv(600).lines().enumerate().map(line).collect::<String>());
        desk.run(["init", "churn.csv", "--target", "churn", "--weights", "worth"]).works();
        desk.edit("data/churn.toml", "calibration = \"auto\"", "calibration = \"none\"");
        // A split by time puts the same rows into the same part whatever their class is.
        desk.run(["prepare", "--split", "time"]).works();
        desk.run(["train", "--family", "logistic-regression"]).works();
        let model = desk.read("data/registry/versions/0001/golden.json");
        let golden: serde_json::Value = serde_json::from_str(&model).unwrap();
        golden["rows"][0]["probabilities"].clone()
    };
    // Half of the rows would teach the opposite if they counted.
    let (yes, no) = (models(",yes"), models(",no"));
    let probability = |answer: &serde_json::Value| answer["yes"].as_f64().unwrap();
    assert!((probability(&yes) - probability(&no)).abs() < 0.15, "{yes} {no}");
}

/// The weighted share of a class among prepared rows, and how many rows have a weight.
fn weighted_share(desk: &Desk, parts: &[Part]) -> (f64, f64, u64) {
    let (mut positive, mut total, mut n_rows) = (0.0, 0.0, 0);
    for of in parts {
        let rows = part(desk, *of);
        let (weights, classes) = (rows.column(prepared_column::WEIGHT).unwrap(), rows.column("churn").unwrap());
        for (weight, class) in weights.f64().unwrap().iter().zip(classes.str().unwrap().iter()) {
            let weight = weight.unwrap();
            total += weight;
            positive += if class == Some("yes") { weight } else { 0.0 };
            n_rows += u64::from(weight > 0.0);
        }
    }
    (positive / total, total, n_rows)
}

#[test]
fn rows_held_out_and_test_rows_judge_as_much_as_they_weigh() {
    let desk = Desk::new();
    let line = |(row, line): (usize, &str)| match row {
        0 => format!("worth,{line}\n"),
        _ if line.ends_with("yes") => format!("{},{line}\n", row % 4 * 2),
        _ => format!("{},{line}\n", row % 3),
    };
    desk.write("churn.csv", churn::csv(600).lines().enumerate().map(line).collect::<String>());
    desk.run(["init", "churn.csv", "--target", "churn", "--weights", "worth"]).works();
    desk.run(["run", "--family", "logistic-regression"]).works();
    let tested = desk.run(["test", "--json"]).works().json();
    let (share, _, n_rows) = weighted_share(&desk, &[Part::Test]);
    assert_eq!(tested["n_rows"], n_rows);
    assert!((tested["positive_share"].as_f64().unwrap() - share).abs() < 1e-9, "{tested}");
    let said = |text: &str| assert!(text.contains(" rows") && text.contains(", each by its weight"), "{text}");
    said(&desk.run(["test"]).works().stdout);
    said(&desk.read("data/registry/versions/0001/card.md"));
    let evaluation = desk.read("data/registry/versions/0001/evaluation.json");
    let evaluation: serde_json::Value = serde_json::from_str(&evaluation).unwrap();
    let (share, total, _) = weighted_share(&desk, &[Part::Train, Part::Validation]);
    assert!((evaluation["metrics"]["positive_share"]["value"].as_f64().unwrap() - share).abs() < 1e-9);
    let weight = |row: &serde_json::Value| row.as_array().unwrap().iter().filter_map(|n| n.as_f64()).sum::<f64>();
    let weights: Vec<f64> = evaluation["confusion"].as_array().unwrap().iter().map(weight).collect();
    assert!((weights[0] + weights[1] - total).abs() < 1e-9 && (weights[1] / total - share).abs() < 1e-9, "{weights:?}");
}

#[test]
fn weights_that_leave_one_class_are_an_error() {
    let desk = Desk::new();
    let line = |(row, line): (usize, &str)| match row {
        0 => format!("worth,{line}\n"),
        _ => format!("{},{line}\n", u8::from(line.ends_with("no"))),
    };
    desk.write("churn.csv", churn::csv(600).lines().enumerate().map(line).collect::<String>());
    desk.run(["init", "churn.csv", "--target", "churn", "--weights", "worth"]).works();
    desk.run(["prepare"]).fails("the train part would hold 1 classes with a weight above 0", "[split]");
    desk.run(["init", "churn.csv", "--target", "churn", "--weights", "wrth", "--force"])
        .fails("column `wrth` is missing from churn.csv", "the file has worth");
}

#[test]
fn rows_of_one_group_are_never_divided() {
    let desk = Desk::new();
    desk.write("churn.csv", with_column("client", |row| if row == 9 { String::new() } else { format!("c{}", row % 47) }));
    desk.run(["init", "churn.csv", "--target", "churn", "--group", "client"]).works();
    desk.run(["run", "--family", "gradient-boosting"]).works();
    let mut part_of: BTreeMap<String, Part> = BTreeMap::new();
    for one in Part::ALL {
        let rows = part(&desk, one);
        assert!((40..500).contains(&rows.height()), "{}", rows.height());
        for group in rows.column(prepared_column::GROUP).unwrap().str().unwrap().iter().flatten() {
            assert_eq!(*part_of.entry(group.to_owned()).or_insert(one), one, "{group}");
        }
    }
    assert_eq!(part_of.len(), 47);
    desk.run(["prepare", "--split", "time"]).fails("`split.group` cannot be kept together by a split by time", "split.group");
    desk.run(["retrain", "--once"]).works();
}

#[test]
fn a_group_may_be_a_column_that_the_model_uses() {
    let desk = Desk::described();
    desk.edit("data/churn.toml", "[split]", "[split]\ngroup = \"city\"");
    desk.run(["run", "--family", "logistic-regression"]).works();
    let cities = |one| {
        let rows = part(&desk, one);
        rows.column("city").unwrap().str().unwrap().iter().flatten().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(Part::ALL.map(cities).map(|cities| cities.len()), [1, 1, 1]);
}

/// A desk with the churn file cut in two.
fn in_two() -> Desk {
    let desk = Desk::new();
    let text = churn::csv(600);
    let lines: Vec<&str> = text.lines().collect();
    desk.write("a.csv", lines[..401].join("\n") + "\n");
    desk.write("b.csv", format!("{}\n{}\nshort\n", lines[0], lines[401..].join("\n")).replace(',', ";"));
    desk.run(["init", "a.csv", "--target", "churn"]).works();
    desk
}

#[test]
fn a_test_file_of_its_own_is_checked_by_the_same_rules() {
    let desk = in_two();
    let ran = desk.run(["run", "--train", "a.csv", "--test", "b.csv", "--family", "logistic-regression", "--json"]).works();
    let prepared = &ran.json()["prepared"];
    let counts = ["n_train", "n_validation", "n_test", "n_set_aside"].map(|name| prepared[name].as_u64().unwrap());
    assert_eq!(counts, [320, 80, 200, 1], "{ran}");
    assert_eq!(prepared["test_file"], "b.csv");
    let listed: SetAside = serde_json::from_str(desk.read("data/prepared/set-aside.ndjson").trim()).unwrap();
    assert_eq!((listed.file.as_str(), listed.line), ("b.csv", 202));
    let rows = part(&desk, Part::Test);
    let first = rows.column(prepared_column::ROW).unwrap().u64().unwrap().get(0);
    assert_eq!(first, Some(401), "rows of the second file are numbered on");
    desk.run(["prepare", "--train", "a.csv", "--test", "b.csv"]).works().says("200 test rows of b.csv");
}

#[test]
fn a_test_file_that_does_not_fit_is_named() {
    let desk = in_two();
    desk.edit("b.csv", "plan", "plans");
    desk.run(["prepare", "--train", "a.csv", "--test", "b.csv"]).fails("column `plan` is missing from b.csv", "the file has id");
    desk.run(["prepare", "--train", "a.csv", "--test", "none.csv"]).fails("cannot read none.csv", "check the path");
    desk.run(["run", "--train", "a.csv", "--test", "b.csv", "--sample"]).fails("bring the rows already", "--sample");
    assert_eq!(desk.run(["prepare", "--train", "a.csv"]).code, Some(2));
    assert_eq!(desk.run(["prepare", "--train", "a.csv", "--test", "b.csv", "--split", "time"]).code, Some(2));
}

#[test]
fn groups_in_both_files_are_told() {
    let desk = in_two();
    desk.edit("data/a.toml", "[split]", "[split]\ngroup = \"plan\"");
    let ran = desk.run(["prepare", "--train", "a.csv", "--test", "b.csv"]).works();
    ran.warns("values of `plan` in the test (100 %) occur in training too");
    let checks: Checks = serde_json::from_str(&desk.read("data/prepared/checks.json")).unwrap();
    assert_eq!(checks.findings[0].column.as_deref(), Some("plan"));
}

/// Held out three times, a row still counts once: the interval does not shrink.
#[test]
fn rows_held_out_again_in_other_folds_give_means_over_the_times() {
    let evaluation = |repeats: &str| {
        let desk = Desk::described();
        desk.edit("data/churn.toml", "repeats = 1", repeats);
        desk.run(["prepare"]).works();
        desk.run(["train", "--family", "gradient-boosting"]).works();
        serde_json::from_str::<Evaluation>(&desk.read("data/registry/versions/0001/evaluation.json")).unwrap()
    };
    let (once, thrice) = (evaluation("repeats = 1"), evaluation("repeats = 3"));
    assert_eq!((once.n_repeats, thrice.n_repeats, thrice.n_folds, thrice.n_rows), (1, 3, 5, once.n_rows));
    let (a, b) = (once.metrics["log_loss"], thrice.metrics["log_loss"]);
    assert_ne!(a.value, b.value);
    let width = |estimate: Estimate| estimate.high - estimate.low;
    assert!((0.6..1.6).contains(&(width(b) / width(a))), "{a:?} {b:?}");
    let mean = thrice.losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / thrice.losses.len() as f64;
    assert!((mean - b.value).abs() < 1e-4, "{mean} {b:?}");
}

/// All of class `yes` are of one group: the fold with it leaves nothing of the class to learn from, however often folds are drawn.
#[test]
fn folds_that_would_take_a_class_away_give_way_to_the_validation_part_once() {
    let desk = Desk::new();
    let row = |row: usize| {
        let (group, number) = (row % 9, row * 37 % 100);
        format!("c{group},{number},{}\n", if group == 1 && number > 30 { "yes" } else { "no" })
    };
    desk.write("g.csv", format!("client,number,in\n{}", (0..900).map(row).collect::<String>()));
    desk.run(["init", "g.csv", "--target", "in", "--group", "client"]).works();
    desk.edit("data/g.toml", "repeats = 1", "repeats = 3");
    desk.run(["prepare"]).works();
    let ran = desk.run(["train", "--family", "gradient-boosting"]);
    assert!(ran.stderr.contains("folds number 3 would take a class away from training and are left out"), "{ran}");
    let evaluation: Evaluation = serde_json::from_str(&desk.read("data/registry/versions/0001/evaluation.json")).unwrap();
    assert_eq!((evaluation.n_folds, evaluation.n_repeats), (1, 1));
}

#[test]
fn repeats_without_folds_are_refused() {
    let desk = Desk::described();
    desk.edit("data/churn.toml", "folds = 0", "folds = 1");
    desk.edit("data/churn.toml", "repeats = 1", "repeats = 2");
    desk.run(["prepare"]).fails("`training.repeats` is for rows held out in folds, but `training.folds` is 1", "trainer init");
}
