//! What people read: tables and help, with times, sizes and checksums left out.

use std::path::Path;

use crate::churn;
use crate::desk::Desk;

/// Replaces what differs from run to run or with every change of a learner: digests, numbers with a point, sizes.
fn settled(text: &str) -> String {
    let line = |line: &str| {
        let mut words: Vec<String> = line.split(' ').map(settle_word).collect();
        if let Some(unit) = words.iter().position(|word| word == "kB") {
            words[unit - 1] = zeros(&words[unit - 1]);
        }
        words.join(" ").trim_end().to_owned() + "\n"
    };
    text.lines().map(line).collect()
}

fn zeros(number: &str) -> String {
    number.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

fn settle_word(word: &str) -> String {
    let bare = word.trim_end_matches([',', ')', ':']);
    let is_digest = bare.len() >= 12 && bare.chars().all(|c| c.is_ascii_hexdigit());
    let is_decimal = bare.contains('.') && bare.trim_start_matches(['+', '-']).parse::<f64>().is_ok();
    match () {
        () if is_digest => word.replace(bare, &"#".repeat(12)),
        () if is_decimal => zeros(bare) + &word[bare.len()..],
        () => word.to_owned(),
    }
}

#[track_caller]
fn check(name: &str, desk: &Desk, args: &[&str]) {
    let ran = desk.run_with(args, &[("COLUMNS", Path::new("110"))]).works();
    let here = desk.path("").display().to_string();
    let text = settled(&ran.stdout.replace(&here, "HERE/"));
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn results_read_well() {
    let desk = Desk::new();
    desk.write("churn.csv", churn::csv_and("short"));
    check("init", &desk, &["init", "churn.csv", "--target", "churn"]);
    check("fetch", &desk, &["fetch"]);
    check("prepare", &desk, &["prepare"]);
    check("prepare-by-time", &desk, &["prepare", "--split", "time"]);
    // One family: which one is best may change with every improvement of a learner, the table's form may not.
    check("train", &desk, &["train", "--family", "logistic-regression"]);
    check("deploy", &desk, &["deploy"]);
    check("deploy-again", &desk, &["deploy"]);
    check("leaderboard", &desk, &["leaderboard"]);
    check("test", &desk, &["test"]);
    check("retrain", &desk, &["retrain", "--once"]);
}

#[test]
fn help_reads_well() {
    let desk = Desk::new();
    check("help", &desk, &["--help"]);
    for command in ["init", "fetch", "prepare", "train", "import", "deploy", "test", "predict", "retrain", "run", "leaderboard"] {
        check(&format!("help-{command}"), &desk, &[command, "--help"]);
    }
}
