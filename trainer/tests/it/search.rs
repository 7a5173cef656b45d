//! Looking for better settings: `train --budget`.

use std::process::Command;
use std::time::Duration;

use crate::desk::Desk;

/// The search's part of what `train --json` prints.
fn searched(desk: &Desk, budget: &str) -> serde_json::Value {
    let args = ["train", "--json", "--family", "logistic-regression", "--budget", budget];
    desk.run(args).works().json()["search"][0].clone()
}

#[test]
fn a_search_starts_with_the_defaults_and_keeps_its_best() {
    let desk = Desk::described();
    desk.run(["prepare"]).works();
    let found = searched(&desk, "6");
    assert_eq!(found["n_trials"], 6);
    let losses: Vec<f64> = serde_json::from_value(found["losses"].clone()).unwrap();
    assert!(losses[1] <= losses[0] && losses[1] > 0.0, "{losses:?}");
    let params = desk.read("data/registry/versions/0001/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&params).unwrap();
    assert_eq!(manifest["params"], found["params"]);
}

#[test]
fn a_search_goes_on_where_it_stopped() {
    let desk = Desk::described();
    desk.run(["prepare"]).works();
    assert_eq!(searched(&desk, "2")["n_trials"], 2);
    assert_eq!(searched(&desk, "2 trials")["n_trials"], 2, "both were made before");
    assert_eq!(searched(&desk, "4")["n_trials"], 4);
    let again = desk.run(["train", "--family", "logistic-regression", "--budget", "5"]);
    again.works().warns("the search goes on after 4 trials");
    desk.run(["prepare", "--split", "time"]).works();
    assert_eq!(searched(&desk, "1")["n_trials"], 1, "trials on other rows do not count");
}

#[test]
fn settings_that_were_found_can_be_used_again() {
    let desk = Desk::described();
    desk.run(["prepare"]).works();
    let found = searched(&desk, "5");
    desk.run(["train", "--family", "logistic-regression", "--params", "data/registry/versions/0001/manifest.json"]).works();
    let manifest: serde_json::Value = serde_json::from_str(&desk.read("data/registry/versions/0002/manifest.json")).unwrap();
    assert_eq!(manifest["params"], found["params"]);
    desk.write("odd.json", "{\"family\": \"logistic-regression\", \"knots\": 3}");
    desk.run(["train", "--params", "odd.json"]).fails("odd.json holds no settings of a family", "manifest.json");
}

#[test]
fn ctrl_c_ends_a_search_and_its_best_is_trained() {
    let desk = Desk::described();
    desk.run(["prepare"]).works();
    let child = desk.start(&["train", "--budget", "1h"]);
    let journals = || std::fs::read_dir(desk.path("data/search")).into_iter().flatten().flatten().map(|entry| entry.path());
    let has_trial = || {
        let files = journals().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
        files.map(|file| file.metadata().map_or(0, |file| file.len())).sum::<u64>() > 0
    };
    for _ in 0..600 {
        if has_trial() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(has_trial(), "no trial within half a minute");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("the search ends here"), "{stderr}");
    assert_eq!(desk.check_registry()[..2], [1, 2]);
}

#[test]
fn what_a_search_found_is_blended() {
    let desk = Desk::described();
    desk.run(["prepare"]).works();
    desk.run(["train", "--budget", "3"]).works();
    assert_eq!(desk.check_registry(), [1, 2, 3]);
    let manifest = |version: u32| -> serde_json::Value {
        serde_json::from_str(&desk.read(&format!("data/registry/versions/{version:04}/manifest.json"))).unwrap()
    };
    let blend = manifest(3);
    assert_eq!((&blend["family"], &blend["params"]["family"]), (&"blend".into(), &"blend".into()));
    let members = blend["params"]["members"].as_array().unwrap().clone();
    assert!((members.iter().map(|member| member["weight"].as_f64().unwrap()).sum::<f64>() - 1.0).abs() < 1e-9, "{members:?}");
    let loss = |version: u32| manifest(version)["validation"]["log_loss"].as_f64().unwrap();
    assert!(loss(3) < loss(1).max(loss(2)), "{} beside {} and {}", loss(3), loss(1), loss(2));
    let card = desk.read("data/registry/versions/0003/card.md");
    assert!(card.contains("by the weighted mean of logistic regression (0."), "{card}");
    // Its settings are those of its members.
    desk.run(["train", "--params", "data/registry/versions/0003/manifest.json"]).works();
    assert_eq!(desk.check_registry(), [1, 2, 3, 4, 5]);
    let of_family = |version: u32| manifest(version)["params"].clone();
    assert_eq!([of_family(4), of_family(5)], [members[0]["params"].clone(), members[1]["params"].clone()]);
    desk.run(["deploy"]).works();
    desk.run(["report"]).works();
    let scored =
        desk.run(["predict", "--model", "data/registry/versions/0003/model.onnx", "--input", "churn.csv", "--output", "out.csv"]);
    scored.works();
}

#[test]
fn a_budget_that_is_none_is_refused() {
    let ran = Desk::new().run(["train", "--budget", "soon"]);
    assert_eq!(ran.code, Some(2));
    ran.warns("`soon` is no budget; write a time as `60s`");
}
