//! `/metrics`, as Prometheus reads it.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::home::{Fixture, label, lines};
use crate::server::Server;

/// Set where the test must not be skipped.
const NEEDED: &str = "TIDEMARK_NEEDS_PROMETHEUS";

/// What Debian's `promtool check metrics` has to say; nothing, where all is well.
fn complaints(metrics: &str) -> Option<String> {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os(NEEDED).is_none(), "promtool: {error}");
            eprintln!("SKIPPED: there is no promtool (Debian: apt-get install prometheus)");
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() || !said.is_empty());
    Some(said)
}

/// Samples of a metric, as they stand.
fn samples<'a>(metrics: &'a str, name: &str) -> Vec<&'a str> {
    metrics.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))).collect()
}

#[track_caller]
fn check(metrics: &str, expected: &[&str]) {
    for sample in expected {
        assert!(metrics.lines().any(|line| line == *sample), "{sample} is not in\n{metrics}");
    }
}

#[test]
fn metrics_tell_what_the_report_found_and_what_the_collector_did() {
    let fixture = Fixture::with_production();
    let mut records = fixture.steady_month("2009-03", 396);
    records.extend(fixture.month("2009-04", 300, 0.9));
    records[400].features["plan"] = serde_json::Value::Null;
    let known: Vec<_> = records.iter().step_by(3).map(|record| label(&record.id, &record.label, "2009-05-02")).collect();
    fixture.collect(&records, &known);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().code(1);

    let server = Server::start(&fixture, &[]);
    let body = lines(&fixture.month("2009-05", 3, 0.3)) + "{\n";
    assert_eq!(server.post("/v1/predictions", body.as_bytes(), &[]).0, 400);
    let answer = server.get("/metrics");
    assert_eq!((answer.status, answer.header("content-type").as_str()), (200, "text/plain; version=0.0.4"));
    check(
        &answer.text,
        &[
            "tidemark_collector_accepted_records_total{kind=\"predictions\"} 3",
            "tidemark_collector_refused_records_total{kind=\"predictions\"} 1",
            "tidemark_collector_requests_total{kind=\"predictions\",status=\"400\"} 1",
            &format!("tidemark_collector_received_bytes_total{{kind=\"predictions\"}} {}", body.len()),
            &format!("tidemark_collector_backlog_bytes {}", body.len() - 2),
            "tidemark_window_predictions{model=\"churn\",version=\"3\"} 300",
            "tidemark_prediction_drifted{model=\"churn\",version=\"3\"} 1",
            "tidemark_prediction_drift_threshold{model=\"churn\",statistic=\"wasserstein\",version=\"3\"} 0.1",
            "tidemark_column_missing_ratio{column=\"plan\",model=\"churn\",version=\"3\"} 0.0033333333333333335",
            "tidemark_labelled_ratio{model=\"churn\",version=\"3\"} 0.3333333333333333",
            "tidemark_validation_roc_auc{model=\"churn\",version=\"3\"} 0.8",
            "tidemark_alerts{alertname=\"PredictionDrift\",model=\"churn\",state=\"firing\"} 1",
            "tidemark_retrains_total{outcome=\"promoted\"} 0",
        ],
    );
    assert_eq!(samples(&answer.text, "tidemark_column_drift").len(), 7);
    assert_eq!(samples(&answer.text, "tidemark_report_timestamp_seconds").len(), 1);
    if let Some(complaints) = complaints(&answer.text) {
        assert_eq!(complaints, "");
    }
}

#[test]
fn metrics_follow_a_new_report_and_a_home_without_one_has_none() {
    let fixture = Fixture::with_production();
    let server = Server::start(&fixture, &[]);
    let rows = |server: &Server| samples(&server.get("/metrics").text, "tidemark_window_predictions").join(" ");
    assert_eq!(rows(&server), "");
    fixture.collect(&fixture.steady_month("2009-03", 396), &[]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().success();
    assert_eq!(rows(&server), "tidemark_window_predictions{model=\"churn\",version=\"3\"} 396");
    crate::home::write(&fixture.home.monitor().join("report.json"), b"{");
    let broken = server.get("/metrics");
    check(&broken.text, &["tidemark_report_readable 0", "tidemark_collector_accepted_records_total{kind=\"labels\"} 0"]);
}
