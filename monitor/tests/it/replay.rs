//! `monitor replay`: months as traffic, alerts, and a trainer that answers them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

use data_contract::{AlertGroup, AlertStatus, Event, HistoryLine, Prepared, RetrainOutcome, SplitKind};

use crate::home::{Fixture, write};

/// Version 3 in production, and four months of labelled rows after its cut; the last two look nothing like the first.
fn prepared() -> Fixture {
    let fixture = Fixture::with_production();
    let prepared = Prepared {
        format: 1,
        dataset: "churn".into(),
        digest: "ab".into(),
        source: "12".into(),
        synthetic: true,
        seed: 42,
        split: SplitKind::Time,
        test_file: None,
        n_train: 1980,
        n_validation: 1980,
        n_test: 1200,
        n_set_aside: 0,
        first_date: None,
        test_from: "2009-01-01".parse().ok(),
        last_date: "2009-04-28".parse().ok(),
    };
    write(&fixture.home.prepared().join("prepared.json"), serde_json::to_string(&prepared).unwrap().as_bytes());
    let path = fixture.home.prepared().join("test.parquet");
    let sql = format!(
        "COPY (SELECT n + 4001 AS tidemark_row, DATE '2009-01-01' + to_months((n // 300)::INTEGER) + to_days((n % 28)::INTEGER) AS tidemark_date,
            18 + n % 77 AS age, n % 120 AS tenure, 9.9 + n % 89 AS monthly_fee, if(n < 600, n % 4, 12) AS calls_to_support,
            if(n % 3 = 0, 'basic', 'plus') AS plan, if(n % 50 = 0, NULL, 'north') AS region, 'yes' AS paperless,
            if(n % 4 = 0, 'leaves', 'stays') AS churn
        FROM range(1200) AS rows(n)) TO '{}' (FORMAT parquet)",
        path.display()
    );
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
    fixture
}

#[track_caller]
fn stderr_of(fixture: &Fixture, args: &[&str]) -> String {
    let output = fixture.monitor(args).assert().code(2).get_output().clone();
    String::from_utf8_lossy(&output.stderr).replace(&fixture.home.root().display().to_string(), "<home>")
}

#[test]
fn what_is_missing_is_named() {
    let without_model = stderr_of(&Fixture::empty(), &["replay"]);
    assert!(
        without_model.starts_with("error: there is no production bundle in <home>/production\nhint: `trainer run`"),
        "{without_model}"
    );
    let without_rows = stderr_of(&Fixture::with_production(), &["replay"]);
    assert!(
        without_rows.starts_with("error: there are no prepared rows in <home>/prepared\nhint: `trainer prepare`"),
        "{without_rows}"
    );
    let fixture = prepared();
    let path = fixture.home.prepared().join("prepared.json");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"time\"", "\"random\"");
    write(&path, text.as_bytes());
    assert!(stderr_of(&fixture, &["replay"]).contains("split at random"));
}

#[test]
fn every_labelled_row_becomes_traffic_once() {
    let fixture = prepared();
    fixture.monitor(&["replay", "--months", "2"]).assert().success();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 600);
    let output = fixture.monitor(&["replay"]).assert().success().get_output().clone();
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 4);
    fixture.monitor(&["replay"]).assert().success();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 1200);
    assert_eq!(
        fixture.ask("SELECT count(DISTINCT prediction_id) FROM {log} WHERE prediction_id LIKE 'replay-%' AND source = 'replay'"),
        1200
    );
    assert_eq!(fixture.ask("SELECT count(*) FROM {labels} WHERE known_at = TIMESTAMP '2009-01-31 23:59:59'"), 300);
    let report = fixture.report();
    assert_eq!(report["windows"].as_array().unwrap().len(), 4);
    assert!(report["windows"][0]["performance"]["roc_auc"].is_number());
    assert!(report["windows"][3]["prediction"]["drifted"].as_bool().unwrap());
}

#[test]
fn a_retrained_version_serves_the_next_month_beside_the_first() {
    let fixture = prepared();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let trainer = Trainer { versions: fixture.home.registry(), production: fixture.home.production() };
    fixture.register(4, &fixture.home.version(4));
    let version_4 = fixture.home.version(4);
    std::thread::spawn(move || trainer.answer(&listener, &version_4));
    let output = fixture.monitor(&["replay", "--webhook", &url]).assert().success().get_output().clone();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("alert  promoted v4  next: v4"), "{stderr}");
    let report = fixture.report();
    let served: Vec<u64> =
        report["windows"].as_array().unwrap().iter().map(|window| window["version"].as_u64().unwrap()).collect();
    assert_eq!((served.first(), served.last()), (Some(&3), Some(&4)));
    assert_eq!(report["alerts"][0]["answer"]["outcome"], "promoted");
    assert_eq!(report["windows"][3]["shadow"]["version"], 3);
    assert_eq!(report["windows"][3]["shadow"]["n_labelled"], 300);
    assert_eq!(report["windows"][3]["n_rows"], 300);
    assert!(fixture.ask("SELECT count(*) FROM {log} WHERE source = 'shadow' AND version = 3") >= 300);
    fixture.monitor(&["replay"]).assert().success();
    assert_eq!(fixture.report()["windows"], report["windows"]);
}

#[test]
fn a_corrupt_part_and_a_lost_first_version_do_not_stop_it() {
    let fixture = prepared();
    fixture.monitor(&["replay", "--months", "1"]).assert().success();
    let log = fixture.home.predictions();
    let part = log.join("dt=2009-01-05/model_version=3/part-torn.parquet");
    write(&part, b"PAR1 this is no Parquet PAR1");
    let lost = log.join("dt=2008-12-01/model_version=1/part-lost.parquet");
    write(&lost, b"");
    let sql = format!(
        "COPY (SELECT * REPLACE (1 AS version, predicted_at - to_days(60) AS predicted_at)
            FROM read_parquet('{}/dt=2009-01-02/**/*.parquet') LIMIT 1) TO '{}' (FORMAT parquet)",
        log.display(),
        lost.display()
    );
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
    fixture.monitor(&["replay"]).assert().success();
    assert!(!part.exists() && part.with_extension("parquet.set-aside").exists());
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 1201);
    assert_eq!(fixture.report()["not_counted"][0]["reason"], "the registry holds no version 1");
}

#[test]
fn an_alert_that_no_one_answers_ends_the_wait_with_a_remedy() {
    let fixture = prepared();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(|stream| drop(read_body(&mut stream.unwrap()))));
    let stderr = stderr_of(&fixture, &["replay", "--webhook", &url, "--wait", "1"]);
    assert!(stderr.contains("no answer to alert") && stderr.contains("hint: is `trainer retrain --listen` running"), "{stderr}");
}

/// Stands for the trainer: the first alert promotes version 4, later ones keep it.
struct Trainer {
    versions: PathBuf,
    production: PathBuf,
}

impl Trainer {
    fn answer(&self, listener: &TcpListener, version_4: &std::path::Path) {
        let mut outcome = RetrainOutcome::Promoted;
        for stream in listener.incoming() {
            let group: AlertGroup = serde_json::from_str(&read_body(&mut stream.unwrap())).unwrap();
            if group.status == AlertStatus::Resolved {
                continue;
            }
            for name in ["manifest.json", "model.onnx", "contract.json", "reference.json"] {
                let beside = self.production.join(format!("{name}.new"));
                std::fs::copy(version_4.join(name), &beside).unwrap();
                std::fs::rename(&beside, self.production.join(name)).unwrap();
            }
            let event = Event::Retrained {
                alert: group.alerts[0].fingerprint.clone(),
                starts_at: Some(group.alerts[0].starts_at),
                outcome,
                champion: 3,
                challenger: Some(4),
                reason: "log loss 0.41 against 0.52".into(),
            };
            let line = HistoryLine { format: 1, at: "2026-01-02T03:04:07Z".parse().unwrap(), event };
            let mut history =
                std::fs::File::options().create(true).append(true).open(self.versions.join("history.ndjson")).unwrap();
            writeln!(history, "{}", serde_json::to_string(&line).unwrap()).unwrap();
            outcome = RetrainOutcome::Kept;
        }
    }
}

fn read_body(stream: &mut std::net::TcpStream) -> String {
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
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            return body.to_owned();
        }
    }
}
