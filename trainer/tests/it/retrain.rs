//! `retrain --listen`: what comes in over the wire.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use data_contract::{Event, RetrainOutcome, Stage, log_column};
use polars::prelude::{Column, DataFrame, DataType, ParquetWriter, TimeUnit};
use serde_json::{Value as Json, json};
use trainer_registry::{Move, Registry, Version};

use crate::churn;
use crate::desk::Desk;
use crate::import;

/// A listening program, ended when dropped.
struct Listener {
    child: Child,
    address: String,
}

impl Listener {
    fn start(desk: &Desk) -> Self {
        let mut child = desk.start(&["retrain", "--listen", "127.0.0.1:0"]);
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended without listening");
        }
        // The pipe must be read, or the program would stop when it is full.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let address = line.split_once("http://").unwrap().1.split('/').next().unwrap().trim().to_owned();
        Self { child, address }
    }

    fn request(&self, method: &str, path: &str, body: &str) -> (u16, Json) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses a long body may stop reading it.
        let _ = stream.write_all(body.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}")))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn alert(status: &str, window: &str) -> String {
    alert_since(status, window, "2025-01-01T00:00:00Z")
}

fn alert_since(status: &str, window: &str, starts_at: &str) -> String {
    let alert = json!({
        "status": status, "labels": { "alertname": "PredictionDrift", "window": window },
        "annotations": { "summary": "drift", "known_until": "2024-12-31" }, "startsAt": starts_at,
    });
    json!({ "version": "4", "groupKey": "k", "status": status, "receiver": "retrain", "alerts": [alert] }).to_string()
}

fn answers(desk: &Desk) -> Vec<(RetrainOutcome, String)> {
    let history = Registry::new(&desk.home()).history().unwrap();
    let answer = |event| match event {
        Event::Retrained { outcome, reason, .. } => Some((outcome, reason)),
        _ => None,
    };
    history.into_iter().filter_map(|line| answer(line.event)).collect()
}

fn wait_for_answers(desk: &Desk, n: usize) -> Vec<(RetrainOutcome, String)> {
    let begin = Instant::now();
    while answers(desk).len() < n && begin.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    answers(desk)
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = Desk::trained().run(["retrain", "--listen", &address]);
    ran.fails(&format!("cannot listen at {address}"), "choose another one with `--listen`");
    let ran = Desk::trained().run(["retrain", "--listen", "here"]);
    assert_eq!(ran.code, Some(2));
    let ran = Desk::new().run(["retrain"]);
    assert_eq!(ran.code, Some(2));
}

#[test]
fn a_body_that_is_no_alert_is_refused_with_a_hint() {
    let desk = Desk::trained();
    let listener = Listener::start(&desk);
    for body in ["", "{", "[]", "{\"alerts\": []}", "\u{0}", &alert("burning", "x")] {
        let (status, answer) = listener.request("POST", "/alerts", body);
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"].is_string() && answer["hint"].is_string(), "{answer}");
    }
    let (status, answer) = listener.request("POST", "/alerts", &"x".repeat(10_000_000));
    assert_eq!(status, 413, "{answer}");
    assert!(answer["error"].is_string() && answer["hint"].is_string(), "{answer}");
    assert_eq!(listener.request("GET", "/health", "").0, 200);
    assert!(answers(&desk).is_empty());
}

#[test]
fn only_a_firing_alert_is_answered_and_only_once() {
    let desk = Desk::trained();
    let listener = Listener::start(&desk);
    let (status, answer) = listener.request("POST", "/alerts", &alert("resolved", "2024-01"));
    assert!((200..300).contains(&status), "{answer}");
    let of_columns = alert("firing", "2024-02").replace("\"PredictionDrift\"", "\"ColumnDrift\",\"retrain\":\"no\"");
    assert_eq!(listener.request("POST", "/alerts", &of_columns), (202, json!({ "accepted": 0 })));
    for window in ["2024-02", "2024-02", "2024-03"] {
        assert_eq!(listener.request("POST", "/alerts", &alert("firing", window)).0, 202);
    }
    let answers = wait_for_answers(&desk, 2);
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert!(answers.iter().all(|(outcome, _)| *outcome == RetrainOutcome::Kept), "nothing was labelled: {answers:?}");
    assert_eq!(desk.check_registry(), [1, 2]);
}

#[test]
fn an_alert_that_fires_again_later_is_answered_again() {
    let desk = Desk::trained();
    let listener = Listener::start(&desk);
    for starts_at in ["2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", "2025-01-01T00:00:00Z"] {
        assert_eq!(listener.request("POST", "/alerts", &alert_since("firing", "x", starts_at)).0, 202);
    }
    wait_for_answers(&desk, 2);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(answers(&desk).len(), 2);
}

#[test]
fn an_alert_that_was_acknowledged_survives_a_busy_registry_and_a_kill() {
    let desk = Desk::trained();
    let listener = Listener::start(&desk);
    let busy = Registry::new(&desk.home()).write(chrono::Utc::now()).unwrap();
    assert_eq!(listener.request("POST", "/alerts", &alert("firing", "2024-02")).0, 202);
    // Dropped means killed, at once.
    drop(listener);
    drop(busy);
    assert!(answers(&desk).is_empty());
    let _again = Listener::start(&desk);
    assert_eq!(wait_for_answers(&desk, 1).len(), 1);
}

#[test]
fn a_challenger_learns_from_labelled_predictions_and_a_label_that_is_no_class_is_left_out() {
    let desk = Desk::trained();
    log_rows(&desk, 400, "2025-01-15");
    let ran = desk.run(["--json", "retrain", "--once"]).works();
    assert!(ran.stderr.contains("left out 1 labels that are not one of no, yes"), "{}", ran.stderr);
    let outcome: Json = serde_json::from_str(&ran.stdout).unwrap();
    let challenger = outcome["challenger"].as_u64().expect("a challenger was trained");
    let version = Registry::new(&desk.home()).version(challenger as u32).unwrap();
    assert_eq!(version.manifest.data.n_logged, 200, "399 rows are labelled, and the newest 199 judge");
    assert!(outcome["reason"].as_str().unwrap().contains("on the 199 newest labelled rows"), "{outcome}");
}

#[test]
fn rows_that_weigh_and_belong_together_are_retrained_with_logged_ones_that_do_not() {
    let desk = Desk::new();
    let line = |(row, line): (usize, &str)| match row {
        0 => format!("worth,client,{line}\n"),
        _ => format!("{}.5,c{},{line}\n", row % 3, row % 40),
    };
    desk.write("churn.csv", churn::csv(600).lines().enumerate().map(line).collect::<String>());
    desk.run(["init", "churn.csv", "--target", "churn", "--weights", "worth", "--group", "client"]).works();
    desk.leave_out_the_date();
    desk.run(["run", "--family", "logistic-regression"]).works();
    log_rows(&desk, 400, "2025-01-15");
    let outcome = desk.run(["--json", "retrain", "--once"]).works().json();
    assert!(outcome["challenger"].is_u64(), "{outcome}");
}

#[test]
fn a_champion_of_another_tool_is_challenged_by_gradient_boosting() {
    let desk = import::deployed("random-forest");
    log_rows(&desk, 400, "2025-01-15");
    let outcome = desk.run(["--json", "retrain", "--once"]).works().json();
    let challenger = outcome["challenger"].as_u64().expect("a challenger was trained");
    let families = [1, challenger as u32].map(|number| Registry::new(&desk.home()).version(number).unwrap().manifest.family);
    assert_eq!(families, ["imported", "gradient-boosting"]);
}

#[test]
fn a_blend_is_challenged_by_what_its_members_become() {
    let desk = Desk::described();
    desk.run(["prepare"]).works();
    desk.run(["train", "--budget", "3"]).works();
    desk.run(["deploy"]).works();
    let registry = Registry::new(&desk.home());
    let blend = registry.version(3).unwrap();
    assert_eq!(blend.manifest.family, "blend");
    if blend.stage != Stage::Production {
        let to =
            |version: Version, to| Move { version: version.manifest.version, from: version.stage, to, reason: "a test".into() };
        let served = registry.versions().unwrap().into_iter().find(|version| version.stage == Stage::Production).unwrap();
        let now = chrono::Utc::now();
        registry.write(now).unwrap().apply(&[to(served, Stage::Archived), to(blend, Stage::Production)], now).unwrap();
    }
    log_rows(&desk, 400, "2025-01-15");
    let outcome = desk.run(["--json", "retrain", "--once"]).works().json();
    assert_eq!(outcome["champion"], 3);
    let challenger = registry.version(outcome["challenger"].as_u64().unwrap() as u32).unwrap().manifest;
    let known = ["blend", "logistic-regression", "gradient-boosting"];
    assert!(known.contains(&challenger.family.as_str()) && challenger.data.n_logged == 200, "{}", challenger.family);
}

/// Predictions of one day in the log, each with its label but for one that is misspelt: those under 50 churn.
fn log_rows(desk: &Desk, n_rows: usize, day: &str) {
    let ids: Vec<String> = (0..n_rows).map(|row| format!("r{row}")).collect();
    let noon = format!("{day}T12:00:00Z").parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros();
    let times = |name: &str| {
        let micros = Column::new(name.into(), vec![noon; n_rows]);
        micros.cast(&DataType::Datetime(TimeUnit::Microseconds, None)).unwrap()
    };
    let ages: Vec<f64> = (0..n_rows).map(|row| 18.0 + (row * 7 % 60) as f64).collect();
    let label = |(row, age): (usize, &f64)| if row == 0 { "maybe" } else { ["no", "yes"][usize::from(*age < 50.0)] };
    let labels: Vec<&str> = ages.iter().enumerate().map(label).collect();
    let repeat = |text: &str| vec![text.to_owned(); n_rows];
    let predictions = vec![
        Column::new(log_column::ID.into(), ids.clone()),
        times(log_column::TIME),
        Column::new(log_column::SOURCE.into(), repeat("edge")),
        Column::new(log_column::feature("age").into(), ages),
        Column::new(log_column::feature("balance").into(), vec![100.0; n_rows]),
        Column::new(log_column::feature("city").into(), repeat("Oslo")),
        Column::new(log_column::feature("plan").into(), repeat("gold")),
    ];
    let known =
        vec![Column::new(log_column::ID.into(), ids), Column::new(log_column::LABEL.into(), labels), times(log_column::KNOWN)];
    write_part(&desk.home().predictions().join(format!("dt={day}/model_version=1")), predictions);
    write_part(&desk.home().labels().join(format!("dt={day}")), known);
}

fn write_part(folder: &Path, columns: Vec<Column>) {
    std::fs::create_dir_all(folder).unwrap();
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    ParquetWriter::new(File::create(folder.join("part-1.parquet")).unwrap()).finish(&mut frame).unwrap();
}

#[test]
fn a_listener_that_is_asked_to_stop_stops() {
    let desk = Desk::trained();
    let mut listener = Listener::start(&desk);
    // An answer shows that it is past its start.
    assert_eq!(listener.request("GET", "/health", "").0, 200);
    let pid = listener.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(listener.child.wait().unwrap().code(), Some(0));
}

#[test]
fn other_commands_work_while_one_listens() {
    let desk = Desk::trained();
    let _listener = Listener::start(&desk);
    desk.run(["run"]).works();
}
