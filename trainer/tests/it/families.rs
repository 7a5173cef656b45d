//! Families that fail beside others that do not.

use std::fmt::Write;

use crate::churn::Random;
use crate::desk::Desk;

/// A column of numbers that float32 holds, and their differences not: trees take them, sums do not.
fn huge() -> Desk {
    let (desk, mut random) = (Desk::new(), Random(3));
    let mut csv = String::from("size,share,kind\n");
    for _ in 0..400 {
        let (size, share) = (random.below(660) as f64 - 330.0, random.below(100));
        writeln!(csv, "{size}e36,{share},{}", ["small", "large"][usize::from(share + random.below(40) > 70)]).unwrap();
    }
    desk.write("huge.csv", csv);
    desk.run(["init", "huge.csv", "--target", "kind"]).works();
    desk.edit("data/huge.toml", "families = []", "families = [\"logistic-regression\", \"random-forest\", \"support-vector\"]");
    desk.run(["prepare"]).works();
    desk
}

fn n_versions(desk: &Desk) -> usize {
    std::fs::read_dir(desk.home().registry().join("versions")).map_or(0, |entries| entries.count())
}

#[test]
fn a_family_that_fails_is_named_and_the_others_are_registered() {
    let desk = huge();
    let ran = desk.run(["train"]).works().warns("no version of support-vector: the fit is no classifier: landmarks");
    let lines: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    for row in [["1", "random-forest", "registered"], ["–", "logistic-regression", "failed"], ["–", "support-vector", "failed"]]
    {
        assert!(lines.contains(&row.to_vec()), "{ran}");
    }
    let ran = ran.says("no version of logistic-regression: logistic-regression diverged").says("hint: divide columns");
    assert!(ran.stdout.trim_end().lines().last().unwrap().starts_with("hint: "), "reasons stand at the end: {ran}");
    assert_eq!((desk.check_registry(), n_versions(&desk)), (vec![1], 1), "nothing half written");
}

#[test]
fn json_tells_which_families_failed_and_why() {
    let desk = huge();
    let json = desk.run(["run", "--json"]).works().json()["leaderboard"].clone();
    assert_eq!(json["versions"].as_array().unwrap().len(), 1);
    let failed = json["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[1]["family"], "support-vector");
    assert!(failed.iter().all(|failed| failed["reason"].is_string() && failed["hint"].is_string()), "{failed:?}");
}

#[test]
fn training_fails_when_no_family_is_left() {
    let desk = huge();
    desk.run(["train", "--family", "support-vector"]).fails("the fit is no classifier: landmarks", "divide columns");
    let both = ["train", "--family", "support-vector", "--family", "logistic-regression"];
    desk.run(both).fails("every family failed: support-vector: the fit is no classifier", "divide columns");
    assert_eq!(n_versions(&desk), 0);
}

#[test]
fn a_search_goes_on_without_the_family_that_fails() {
    let desk = huge();
    desk.edit("data/huge.toml", "threshold = 0.5", "threshold = \"max-f1\"");
    let json = desk.run(["train", "--json", "--budget", "3"]).works().json();
    let trials: Vec<_> = json["search"].as_array().unwrap().iter().map(|found| found["n_trials"].as_u64()).collect();
    assert_eq!((trials[1], json["failed"].as_array().unwrap().len()), (Some(3), 2), "{trials:?}");
}

#[test]
fn settings_out_of_range_are_refused_before_anything_is_trained() {
    let desk = huge();
    desk.run(["train", "--family", "random-forest"]).works();
    let mut params: serde_json::Value = serde_json::from_str(&desk.read("data/registry/versions/0001/manifest.json")).unwrap();
    params["params"]["n_trees"] = 0.into();
    desk.write("none.json", params.to_string());
    desk.run(["train", "--params", "none.json"]).fails("none.json: random-forest parameter `n_trees` is 0", "change the setting");
    assert_eq!(n_versions(&desk), 1);
}
