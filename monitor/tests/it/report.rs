//! `monitor report`: windows, the page, and logs that are not as they should be.

use crate::home::{Fixture, label, write};

/// A log in which March is steady and April drifts.
pub(crate) fn drifting() -> Fixture {
    let fixture = Fixture::with_production();
    let mut records = fixture.steady_month("2009-03", 396);
    records.extend(fixture.month("2009-04", 300, 0.9));
    let known: Vec<_> = records
        .iter()
        .map(|record| label(&record.id, if record.id.ends_with('7') { "leaves" } else { "stays" }, "2009-05-02"))
        .collect();
    fixture.collect(&records, &known);
    fixture.monitor(&["ingest"]).assert().success();
    fixture
}

#[track_caller]
pub(crate) fn stderr_of(fixture: &Fixture, args: &[&str], code: i32) -> String {
    let output = fixture.monitor(args).assert().code(code).get_output().clone();
    String::from_utf8_lossy(&output.stderr).replace(&fixture.home.root().display().to_string(), "<home>")
}

#[test]
fn the_page_is_one_small_file_without_script_or_reference() {
    let fixture = drifting();
    fixture.monitor(&["report"]).assert().code(1);
    let page = std::fs::read_to_string(fixture.home.monitor().join("report.html")).unwrap();
    assert!(page.len() < 300_000, "{} bytes", page.len());
    for absent in ["<script", "http://", "https://", "stylesheet", "<img", "@import"] {
        assert!(!page.contains(absent), "{absent}");
    }
    for present in
        ["Predictions drifted in 1 of 2 months.", "Synthetic data.", "prefers-color-scheme: dark", "<details>", "threshold"]
    {
        assert!(page.contains(present), "{present}");
    }
}

#[test]
fn a_second_report_counts_nothing_again_and_says_the_same() {
    let fixture = drifting();
    fixture.monitor(&["report"]).assert().code(1);
    let first = fixture.report();
    assert!(fixture.home.monitor().join("counts").exists());
    fixture.monitor(&["report"]).assert().code(0);
    let second = fixture.report();
    assert_eq!(first["windows"], second["windows"]);
    let labels = [label("2009-03-1", "leaves", "2009-06-01")];
    fixture.collect(&[], &labels);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(0);
    let third = fixture.report();
    assert_ne!(second["windows"][0]["performance"]["share_true"], third["windows"][0]["performance"]["share_true"]);
    assert_eq!(second["windows"][0]["prediction"], third["windows"][0]["prediction"]);
}

#[test]
fn windows_can_be_weeks_and_days() {
    let fixture = drifting();
    fixture.monitor(&["report", "--by", "week"]).assert().code(0);
    assert_eq!(fixture.report()["windows"][0]["name"], "2009-W09");
    fixture.monitor(&["report", "--by", "day"]).assert().code(0);
    assert_eq!(fixture.report()["windows"].as_array().unwrap().len(), 56);
}

#[test]
fn no_log_is_an_error_with_a_remedy() {
    let expect = "error: there are no predictions in <home>/predictions\nhint: `monitor replay` fills the log from prepared rows; `monitor serve` collects live predictions\n";
    assert_eq!(stderr_of(&Fixture::with_production(), &["report"], 2), expect);
    assert_eq!(stderr_of(&Fixture::empty(), &["report"], 2), expect);
}

#[test]
fn another_model_s_name_is_answered_with_those_there_are() {
    let stderr = stderr_of(&drifting(), &["report", "--model", "weather"], 2);
    assert_eq!(stderr, "error: the log holds no predictions of model `weather`\nhint: `--model` takes one of: churn\n");
}

#[test]
fn a_corrupt_file_is_named_and_set_aside_and_the_rest_is_reported() {
    let fixture = drifting();
    let part = fixture.home.predictions().join("dt=2009-03-05/model_version=3/part-torn.parquet");
    write(&part, b"PAR1 this is no Parquet PAR1");
    let stderr = stderr_of(&fixture, &["report"], 1);
    assert!(stderr.contains("part-torn.parquet"), "{stderr}");
    assert!(!part.exists() && part.with_extension("parquet.set-aside").exists());
    let report = fixture.report();
    assert_eq!(report["windows"].as_array().unwrap().len(), 2);
    assert_eq!(report["damaged_files"].as_array().unwrap().len(), 1);
    let label = fixture.home.labels().join("dt=2009-05-02/part-torn.parquet");
    write(&label, b"");
    assert!(stderr_of(&fixture, &["report"], 0).contains("part-torn.parquet"));
}

#[test]
fn a_corrupt_file_does_not_stop_a_report_without_a_production_bundle() {
    let fixture = drifting();
    std::fs::remove_dir_all(fixture.home.production()).unwrap();
    let part = fixture.home.predictions().join("dt=2009-03-05/model_version=3/part-torn.parquet");
    write(&part, b"PAR1 this is no Parquet PAR1");
    fixture.monitor(&["report"]).assert().code(1);
    assert_eq!(fixture.report()["damaged_files"].as_array().unwrap().len(), 1);
}

#[test]
fn files_of_another_contract_are_named_and_change_no_figure() {
    let fixture = drifting();
    fixture.monitor(&["report"]).assert().code(1);
    let windows = fixture.report()["windows"].clone();
    for (from, to) in [("2009-03-05", "2009-03-05"), ("2009-03-05", "2009-06-05")] {
        let part = fixture.home.predictions().join(format!("dt={to}/model_version=3/part-other.parquet"));
        let rows = format!("{}/dt={from}/model_version=3/part-[0-9a-f]*.parquet", fixture.home.predictions().display());
        let sql = format!("SELECT * EXCLUDE (feature_plan) REPLACE ('feed' AS contract, 'old' AS feature_age) FROM '{rows}'");
        copy(&sql, &part);
    }
    fixture.monitor(&["report"]).assert().code(0);
    let report = fixture.report();
    assert_eq!(report["windows"], windows);
    assert_eq!(report["not_counted"][0]["reason"], "they follow contract `feed`, not that of version 3");
    fixture.collect(&[], &[label("2009-03-1", "leaves", "2009-06-01")]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(0);
    assert_eq!(fixture.report()["not_counted"], report["not_counted"]);
}

#[test]
fn a_label_that_is_no_class_is_named_and_does_not_count() {
    let fixture = drifting();
    fixture.monitor(&["report"]).assert().code(1);
    let windows = fixture.report()["windows"].clone();
    let mut extra = fixture.steady_month("2009-03", 397);
    let extra = extra.split_off(396);
    fixture.collect(&extra, &[]);
    fixture.monitor(&["ingest"]).assert().success();
    let strange = "SELECT '2009-03-396' AS prediction_id, 'maybe' AS label, TIMESTAMP '2009-06-01' AS known_at
        UNION ALL SELECT '2009-03-1', 'maybe', TIMESTAMP '2009-06-01'";
    copy(strange, &fixture.home.labels().join("dt=2009-06-01/part-other.parquet"));
    fixture.monitor(&["report"]).assert().code(0);
    let report = fixture.report();
    for figure in ["n_labelled", "accuracy", "share_true"] {
        assert_eq!(report["windows"][0]["performance"][figure], windows[0]["performance"][figure], "{figure}");
    }
    assert_eq!(report["not_counted"][0]["n_rows"], 1);
    assert!(report["not_counted"][0]["reason"].as_str().unwrap().starts_with("their label is no class"));
}

#[test]
fn an_early_label_counts_whatever_else_is_counted() {
    let fixture = Fixture::with_production();
    fixture.collect(&fixture.steady_month("2009-03", 396), &[label("2009-03-1", "leaves", "2009-02-01")]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(0);
    assert_eq!(fixture.report()["windows"][0]["performance"]["n_labelled"], 1);
}

#[test]
fn a_window_that_is_still_filling_makes_no_headline() {
    let fixture = drifting();
    let today = chrono::Utc::now().date_naive().to_string();
    fixture.collect(&[fixture.prediction("today", &today, 0.99)], &[]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(1);
    let report = fixture.report();
    assert!(report["verdict"].as_str().unwrap().starts_with("Predictions drifted in 1 of 2 months; "), "{}", report["verdict"]);
    let page = std::fs::read_to_string(fixture.home.monitor().join("report.html")).unwrap();
    assert!(page.contains("Predictions moved furthest in Apr 2009"));
    assert!(page.contains("reference and Apr 2009"));
}

#[test]
fn p_values_of_a_small_reference_are_read_the_right_way_round() {
    let fixture = drifting();
    fixture.set_rules("rule = \"evidently\"");
    for folder in [fixture.home.version(3), fixture.home.production()] {
        let path = folder.join("reference.json");
        let mut reference: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for pair in reference["prediction"]["values"].as_array_mut().unwrap() {
            pair[1] = 5.into();
        }
        write(&path, reference.to_string().as_bytes());
    }
    fixture.monitor(&["report"]).assert().code(1);
    let page = std::fs::read_to_string(fixture.home.monitor().join("report.html")).unwrap();
    assert!(page.contains("Predictions drifted in 1 of 2 months."));
    assert!(page.contains("Predictions moved furthest in Apr 2009: a p-value of"));
    assert!(page.contains("or has a p-value below 0.05"));
    assert!(!page.contains("class=\"limit-text\""));
}

#[test]
fn what_moved_the_predictions_is_told_of_windows_that_drifted() {
    let fixture = Fixture::with_production();
    fixture.give_background(3);
    let mut records = fixture.steady_month("2009-03", 396);
    let mut moved = fixture.month("2009-04", 300, 0.9);
    moved.iter_mut().for_each(|record| _ = record.features.insert("tenure".into(), 1.into()));
    records.extend(moved);
    fixture.collect(&records, &[]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(1);
    let report = fixture.report();
    assert_eq!(report["windows"][0]["causes"], serde_json::json!([]));
    let causes = report["windows"][1]["causes"].as_array().unwrap();
    assert_eq!((causes.len(), &causes[0]["column"]), (7, &"tenure".into()));
    let by = |at: usize| causes[at]["by"].as_f64().unwrap();
    assert!(by(0) > 0.01 && by(1).abs() < 0.005, "{causes:?}");
    let page = std::fs::read_to_string(fixture.home.monitor().join("report.html")).unwrap();
    assert!(page.contains("What moved the predictions of Apr 2009: “tenure” most"));
    assert!(page.contains("It went from 50.0 % to 90.0 %."));
}

#[test]
fn what_probabilities_promise_is_told_at_once_and_what_labels_say_of_it_in_words() {
    let fixture = Fixture::with_production();
    let mut records = fixture.steady_month("2009-03", 396);
    records.extend(fixture.steady_month("2009-04", 396));
    fixture.collect(&records, &[]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(0);
    let page = || std::fs::read_to_string(fixture.home.monitor().join("report.html")).unwrap();
    assert!(page().contains("No label has come yet, so no one knows"));
    let (report, promise) = (fixture.report(), "AUC is expected at 0.83 in Apr 2009");
    assert!(report["windows"][0]["promise"].is_null() && page().contains(promise));

    // March comes true as promised; in April nearly no one leaves.
    let comes_true = |index: usize| (index * 37) % 99 < index % 99;
    let known = |(index, record): (usize, &data_contract::PredictionRecord)| {
        let leaves = if index < 396 { comes_true(index) } else { index % 50 == 0 };
        label(&record.id, if leaves { "leaves" } else { "stays" }, "2009-05-02")
    };
    let known: Vec<_> = records.iter().enumerate().map(known).collect();
    fixture.collect(&[], &known[..396]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(0);
    assert_eq!(fixture.report()["windows"][0]["promise"]["holds"], true, "{}", fixture.report()["windows"][0]);
    assert!(page().contains("Probabilities kept their promise"));
    fixture.collect(&[], &known[396..]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(0);
    let april = &fixture.report()["windows"][1];
    assert_eq!(april["promise"]["holds"], false);
    assert!(april["promise"]["outside"].as_array().unwrap().contains(&"log_loss".into()), "{april}");
    assert!(page().contains("Do not trust the expected figures now."));
    assert!(page().contains("In Apr 2009 it did not: 50.0 % of rows were expected to be “leaves”, and"));
}

#[test]
fn labels_without_predictions_change_nothing() {
    let fixture = Fixture::with_production();
    fixture.collect(&fixture.steady_month("2009-03", 396), &[label("no such prediction", "leaves", "2009-04-02")]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(0);
    assert!(fixture.report()["windows"][0]["performance"].is_null());
    assert!(fixture.report()["verdict"].as_str().unwrap().ends_with("; no labels have arrived yet."));
}

#[test]
fn rows_of_a_version_that_the_registry_lost_are_named() {
    let fixture = drifting();
    std::fs::remove_dir_all(fixture.home.version(3)).unwrap();
    std::fs::remove_dir_all(fixture.home.production()).unwrap();
    fixture.monitor(&["report"]).assert().code(0);
    let report = fixture.report();
    assert_eq!(report["not_counted"][0]["reason"], "the registry holds no version 3");
    assert_eq!(report["not_counted"][0]["n_rows"], 696);
}

/// Writes the rows of a query as a part.
fn copy(sql: &str, part: &std::path::Path) {
    std::fs::create_dir_all(part.parent().unwrap()).unwrap();
    let sql = format!("COPY ({sql}) TO '{}' (FORMAT parquet)", part.display());
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
}

#[test]
fn dates_are_counted_and_shown_and_never_drift() {
    let mut fixture = Fixture::empty();
    let since =
        r#"{"name":"since","kind":"date","time":false,"minimum":"2008-01-01","maximum":"2008-12-31","median":"2008-06-01"}"#;
    fixture.contract.columns.push(serde_json::from_str(since).unwrap());
    fixture.register(3, &fixture.home.version(3));
    fixture.register(3, &fixture.home.production());
    let mut records = fixture.steady_month("2009-03", 396);
    for (row, record) in records.iter_mut().enumerate() {
        let date = match row {
            0 => "15.3.2009".into(),
            row if row % 4 == 1 => serde_json::Value::Null,
            row => format!("2009-03-{:02}T10:30:00", 1 + row % 28).into(),
        };
        record.features.insert("since".into(), date);
    }
    fixture.collect(&records, &[]);
    fixture.monitor(&["ingest"]).assert().success();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log} WHERE feature_since LIKE '2009-03-__T10:30:00'"), 296);
    let _ = fixture.monitor(&["report"]).assert();
    let report = fixture.report();
    assert_eq!(report["n_set_aside"], 1, "a row whose date is none is set aside");
    let column = report["windows"][0]["columns"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&column["name"], &column["n_missing"], &column["drift"]),
        (&"since".into(), &99.into(), &serde_json::Value::Null)
    );
    assert!(column["problem"].as_str().unwrap().starts_with("dates move on"));
    let shown = report["distributions"].as_array().unwrap().last().unwrap();
    assert_eq!(shown["dates"], true);
    assert!(shown["bars"][1]["label"].as_str().unwrap().starts_with("2008-"), "{shown}");
    let page = std::fs::read_to_string(fixture.home.monitor().join("report.html")).unwrap();
    assert!(page.contains("dates: not tested"));
}

#[test]
fn a_typo_in_a_dataset_s_file_is_answered_with_its_line_and_what_was_meant() {
    let fixture = drifting();
    fixture.set_rules("minimum_row = 100");
    let stderr = stderr_of(&fixture, &["report"], 2);
    assert!(
        stderr.starts_with("error: <home>/churn.toml cannot be used: not a dataset: TOML parse error at line 11"),
        "{stderr}"
    );
    assert!(stderr.ends_with("hint: on line 11, write `minimum_rows` instead of `minimum_row`\n"), "{stderr}");
}
