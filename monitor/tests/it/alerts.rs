//! Alerts of `monitor report`: when one fires, who is told, and when it ends.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::home::{Fixture, write};
use crate::report::{drifting, stderr_of};

#[test]
fn an_alert_fires_once_and_the_exit_code_says_so() {
    let fixture = drifting();
    fixture.monitor(&["report"]).assert().code(1);
    fixture.monitor(&["report"]).assert().code(0);
    let report = fixture.report();
    assert_eq!(report["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(report["alerts"][0]["window"], "2009-04");
    assert_eq!(report["windows"][0]["prediction"]["drifted"], false);
    assert_eq!(report["windows"][0]["performance"]["coverage"], 1.0);
    assert!(report["verdict"].as_str().unwrap().starts_with("Predictions drifted in 1 of 2 months; "));
}

#[test]
fn columns_that_drift_fire_an_alert_of_their_own_that_asks_for_no_retrain() {
    let fixture = Fixture::with_production();
    let mut records = fixture.steady_month("2009-03", 396);
    records.iter_mut().for_each(|record| drop(record.features.insert("age".into(), 20.into())));
    fixture.collect(&records, &[]);
    fixture.monitor(&["ingest"]).assert().success();
    let evaluation = serde_json::json!({
        "format": 1, "n_rows": 9, "n_folds": 1, "selected_by": "log_loss", "metrics": {}, "calibration": "none", "calibrations": {},
        "threshold": null, "confusion": [], "curves": [], "profit": [], "dependence": [], "slices": [], "losses": [],
        "importance": [{ "column": "age", "mean": 0.03, "deviation": 0.0 }, { "column": "plan", "mean": 0.01, "deviation": 0.0 }],
    });
    write(&fixture.home.version(2).join("evaluation.json"), evaluation.to_string().as_bytes());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let receiver = std::thread::spawn(move || take(&listener));
    fixture.monitor(&["report", "--webhook", &url]).assert().code(1);
    let body: data_contract::AlertGroup = serde_json::from_str(&receiver.join().unwrap()).unwrap();
    let alert = &body.alerts[0];
    assert_eq!((alert.labels["alertname"].as_str(), alert.annotations["severity"].as_str()), ("ColumnDrift", "warning"));
    assert_eq!(
        alert.annotations["summary"],
        "1 of 7 columns of churn version 3 drifted in Mar 2009 (age); 75.0 % of the model's skill lies there"
    );
    assert!(!alert.asks_for_retrain());
    let report = fixture.report();
    assert!(report["verdict"].as_str().unwrap().starts_with("Predictions held steady"), "{}", report["verdict"]);
    assert_eq!(report["windows"][0]["columns"][0]["verdict"]["drifted"], true);
    assert!(report["alerts"][0]["resolved_at"].is_null());
    fixture.set_rules("rule = \"evidently\"");
    fixture.monitor(&["report"]).assert().code(0);
}

#[test]
fn reports_at_the_same_time_fire_an_alert_once() {
    let fixture = drifting();
    let running: Vec<_> = (0..6).map(|_| fixture.command(&["report"]).spawn().unwrap()).collect();
    let mut codes: Vec<_> = running.into_iter().map(|mut child| child.wait().unwrap().code().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 0, 0, 0, 0, 1]);
    assert_eq!(fixture.report()["alerts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_window_with_few_rows_raises_no_alert() {
    let fixture = Fixture::with_production();
    fixture.collect(&fixture.month("2009-03", 199, 0.9), &[]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(0);
    assert_eq!(fixture.report()["windows"][0]["prediction"]["drifted"], true);
}

#[test]
fn rules_of_the_dataset_s_file_count() {
    let fixture = drifting();
    fixture.set_rules("minimum_rows = 301");
    fixture.monitor(&["report"]).assert().code(0);
    fixture.set_rules("minimum_rows = 300");
    fixture.monitor(&["report"]).assert().code(1);
    fixture.set_rules("windows_to_fire = 0");
    let stderr = stderr_of(&fixture, &["report"], 2);
    assert!(stderr.contains("`rules.windows_to_fire` must be at least 1"), "{stderr}");
}

#[test]
fn a_webhook_that_is_down_fails_the_command_but_not_the_report_and_is_told_later() {
    let fixture = drifting();
    let stderr = stderr_of(&fixture, &["report", "--webhook", "http://127.0.0.1:9/"], 2);
    assert!(
        stderr.contains("error: the webhook http://127.0.0.1:9/ did not take the alert")
            && stderr.contains("hint: the report is written"),
        "{stderr}"
    );
    assert_eq!(fixture.report()["alerts"].as_array().unwrap().len(), 1);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let receiver = std::thread::spawn(move || take(&listener));
    fixture.monitor(&["report", "--webhook", &url]).assert().code(0);
    let body: data_contract::AlertGroup = serde_json::from_str(&receiver.join().unwrap()).unwrap();
    assert_eq!((body.version.as_str(), body.alerts[0].labels["window"].as_str()), ("4", "2009-04"));
    assert_eq!(body.alerts[0].annotations["known_until"], "2009-04-30");
    fixture.monitor(&["report", "--webhook", "http://127.0.0.1:9/"]).assert().code(0);
}

#[test]
fn a_window_that_is_fine_again_ends_the_alert() {
    let fixture = drifting();
    fixture.monitor(&["report"]).assert().code(1);
    fixture.collect(&fixture.steady_month("2009-05", 396), &[]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(0);
    assert_eq!(fixture.report()["alerts"][0]["resolved_at"], "2009-06-01T00:00:00Z");
}

/// Takes one request and returns its body.
fn take(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let n = stream.read(&mut chunk).unwrap();
        request.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if length.is_none_or(|length| body.len() >= length) {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            return body.to_owned();
        }
    }
}
