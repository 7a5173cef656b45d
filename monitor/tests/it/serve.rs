//! `monitor serve`: what it acknowledges it keeps.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::home::{Fixture, label, lines, write};
use crate::server::{Server, agent, gzip};

#[test]
fn records_posted_in_any_form_are_parquet_when_it_ends() {
    let fixture = Fixture::with_production();
    let server = Server::start(&fixture, &[]);
    let one = serde_json::to_vec(&fixture.prediction("one", "2009-03-01", 0.3)).unwrap();
    assert_eq!(server.post("/v1/predictions", &one, &[]).0, 200);
    let array = serde_json::to_vec(&fixture.month("2009-03", 10, 0.3)).unwrap();
    assert_eq!(server.post("/v1/predictions", &array, &[]).1["accepted"], 10);
    let many = lines(&fixture.month("2009-04", 500, 0.3));
    assert_eq!(server.post("/v1/predictions", &gzip(many.as_bytes()), &[("content-encoding", "GZIP")]).1["accepted"], 500);
    let known = serde_json::to_vec(&label("one", "leaves", "2009-04-01")).unwrap();
    assert_eq!(server.post("/v1/labels", &known, &[]).0, 200);
    server.terminate();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 511);
    assert_eq!(fixture.ask("SELECT count(*) FROM {labels}"), 1);
}

#[test]
fn a_bad_record_is_answered_by_its_row_and_the_good_ones_are_kept() {
    let fixture = Fixture::with_production();
    let server = Server::start(&fixture, &[]);
    let mut wrong = fixture.prediction("b", "2009-03-01", 0.3);
    wrong.features.insert("age".into(), "old".into());
    let body = lines(&[fixture.prediction("a", "2009-03-01", 0.3), wrong, fixture.prediction("c", "2009-03-01", 0.3)]);
    let (status, answer) = server.post("/v1/predictions", body.as_bytes(), &[]);
    assert_eq!((status, &answer["row"], &answer["accepted"]), (400, &Json::from(2), &Json::from(2)));
    assert_eq!(answer["error"], "column `age` expects a number, found the text \"old\"");
    assert!(answer["hint"].as_str().unwrap().starts_with("a prediction record has the fields"));
    let (status, answer) = server.post("/v1/labels", b"{\"format\":1,", &[]);
    assert_eq!((status, &answer["accepted"]), (400, &Json::from(0)));
    server.terminate();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 2);
}

#[test]
fn a_body_that_is_too_large_or_not_what_it_says_is_refused() {
    let fixture = Fixture::with_production();
    let server = Server::start(&fixture, &[]);
    let large = vec![b' '; (8 << 20) + 1];
    assert_eq!(server.post("/v1/labels", &large, &[]).0, 413);
    assert_eq!(server.post("/v1/labels", &gzip(&large), &[("content-encoding", "gzip")]).0, 413);
    assert_eq!(server.post("/v1/labels", b"plain", &[("content-encoding", "gzip")]).0, 400);
    assert_eq!(server.post("/v1/labels", b"{}", &[("content-encoding", "br")]).0, 400);
    assert_eq!(server.post("/v1/labels", &[0xff, 0xfe], &[]).0, 400);
}

#[test]
fn a_browser_of_another_site_may_post() {
    let fixture = Fixture::with_production();
    let server = Server::start(&fixture, &[]);
    let request =
        ureq::http::Request::builder().method("OPTIONS").uri(format!("{}/v1/predictions", server.address)).body(()).unwrap();
    let answer = agent().run(request).unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(answer.headers()["access-control-allow-methods"], "POST, OPTIONS");
}

#[test]
fn site_model_report_and_health_are_served() {
    let fixture = Fixture::with_production();
    let web = fixture.folder().join("web");
    write(&web.join("index.html"), b"<h1>site</h1>");
    let server = Server::start(&fixture, &["--web", web.to_str().unwrap()]);
    assert_eq!(server.get("/").text, "<h1>site</h1>");
    let manifest = server.get("/model/manifest.json");
    assert_eq!((manifest.status, manifest.header("cache-control").as_str()), (200, "no-cache"));
    assert!(manifest.text.contains("\"churn\""));
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.get("/report").status, 404);
    write(&fixture.home.monitor().join("report.html"), b"<p>report</p>");
    assert_eq!(server.get("/report").text, "<p>report</p>");
    assert_eq!(server.get("/metrics.csv").status, 404);
    write(&fixture.home.monitor().join("metrics.csv"), b"window,version\n");
    assert_eq!(server.get("/metrics.csv").text, "window,version\n");
    let missing = server.get("/compare");
    assert!(missing.status == 404 && missing.text.contains("monitor report --compare A B"), "{}", missing.text);
    write(&fixture.home.monitor().join("compare.json"), b"{}");
    assert_eq!(server.get("/compare.json").header("content-type"), "application/json");
    write(&fixture.home.root().join("secret"), b"secret");
    for path in ["/model/../secret", "/model/%2e%2e/secret", "/model/..%2fsecret"] {
        let answer = server.raw(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.ends_with("secret"), "{path}: {answer}");
    }
}

#[test]
fn a_site_that_is_not_there_is_named() {
    let output = Fixture::empty().monitor(&["serve", "--web", "no-such-folder"]).assert().code(2).get_output().clone();
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: there is no folder no-such-folder\nhint: `--web`"));
}

#[test]
fn the_answer_to_many_bad_lines_is_short() {
    let fixture = Fixture::with_production();
    let server = Server::start(&fixture, &[]);
    let (status, answer) = server.post("/v1/labels", "{\n".repeat(200_000).as_bytes(), &[]);
    assert_eq!((status, &answer["n_refused"]), (400, &Json::from(200_000)));
    assert_eq!(answer["refused"].as_array().unwrap().len(), 100);
    assert!(answer.to_string().len() < 50_000);
}

#[test]
fn half_a_body_does_not_keep_it_from_ending() {
    let fixture = Fixture::with_production();
    let server = Server::start(&fixture, &[]);
    let mut stream = server.connect();
    stream.write_all(b"POST /v1/labels HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").unwrap();
    assert_eq!(server.get("/health").status, 200);
    let begun = Instant::now();
    server.terminate();
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[test]
fn a_port_in_use_is_named() {
    let fixture = Fixture::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = fixture.monitor(&["serve", "--listen", &address]).assert().code(2).get_output().clone();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.starts_with(&format!("error: cannot listen on {address}: ")), "{stderr}");
    assert!(stderr.ends_with("hint: another program listens there; `--listen 127.0.0.1:0` takes any free port\n"), "{stderr}");
}

const KEY: &str = "correct-horse-battery-staple";

#[test]
fn with_a_key_only_those_who_have_it_may_post() {
    let fixture = Fixture::with_production();
    let body = serde_json::to_vec(&fixture.prediction("a", "2009-03-01", 0.3)).unwrap();
    let server = Server::spawn(fixture.command(&["serve", "--listen", "127.0.0.1:0"]).env("TIDEMARK_API_KEY", KEY));
    let refused = server.send("/v1/predictions", &body, &[]);
    assert_eq!((refused.status, refused.header("www-authenticate").as_str()), (401, "Bearer"));
    assert_eq!(refused.json()["error"], "the key is missing or wrong");
    assert_eq!(server.post("/v1/labels", &body, &[("x-api-key", "wrong")]).0, 401);
    assert_eq!(server.post("/v1/predictions", &body, &[("x-api-key", KEY)]).0, 200);
    assert_eq!(server.post("/v1/predictions", &body, &[("authorization", &format!("Bearer {KEY}"))]).0, 200);
    assert_eq!(server.get("/health").status, 200);
    server.terminate();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 1);
}

#[test]
fn a_key_file_without_a_key_opens_nothing() {
    let fixture = Fixture::empty();
    let file = fixture.folder().join("keys");
    write(&file, b"short\n");
    let output = fixture.monitor(&["serve", "--api-key-file", file.to_str().unwrap()]).assert().code(2).get_output().clone();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("keys holds no key, or one that is too short\nhint: one key a line"), "{stderr}");
}

#[test]
fn a_backlog_makes_senders_come_again_later() {
    let fixture = Fixture::with_production();
    let server = Server::start(&fixture, &["--max-backlog", "1"]);
    let body = lines(&fixture.month("2009-03", 3000, 0.3));
    assert_eq!(server.post("/v1/predictions", body.as_bytes(), &[]).0, 200);
    let refused = server.send("/v1/predictions", body.as_bytes(), &[]);
    assert_eq!((refused.status, refused.header("retry-after").as_str()), (429, "10"));
    assert!(refused.json()["error"].as_str().unwrap().ends_with("MiB of records wait to be written to the log"));
    fixture.monitor(&["ingest"]).assert().success();
    let begun = Instant::now();
    while server.post("/v1/predictions", body.as_bytes(), &[]).0 == 429 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(100));
    }
    server.terminate();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 3000);
}

#[test]
fn a_gzip_bomb_is_refused_in_little_memory() {
    let fixture = Fixture::with_production();
    let server = Server::start(&fixture, &[]);
    // 512 MiB of blanks.
    let bomb = gzip(&vec![b' '; 64 << 20]).repeat(8);
    assert!(bomb.len() < 8 << 20);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(server.post("/v1/labels", &bomb, &[("content-encoding", "gzip")]).0, 413));
        }
    });
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    assert!(peak_kib < 400 << 10, "{peak_kib} KiB");
}
