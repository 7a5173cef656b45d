//! `monitor watch`: ticks, one at a time, until it is asked to stop.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::home::Fixture;

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn watch(fixture: &Fixture, args: &[&str]) -> Child {
    let mut command = fixture.command(&["watch"]);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn n_rows(fixture: &Fixture) -> u64 {
    if !fixture.home.monitor().join("report.json").exists() {
        return 0;
    }
    fixture.report()["windows"].as_array().unwrap().iter().map(|window| window["n_rows"].as_u64().unwrap()).sum()
}

#[test]
fn what_comes_between_two_ticks_is_in_the_next_report() {
    let fixture = Fixture::with_production();
    let mut child = watch(&fixture, &["--every", "1s"]);
    std::thread::sleep(Duration::from_millis(300));
    fixture.collect(&fixture.steady_month("2009-03", 396), &[]);
    wait_until("the first rows are reported", || n_rows(&fixture) == 396);
    fixture.collect(&fixture.steady_month("2009-04", 297), &[]);
    wait_until("the next rows are reported", || n_rows(&fixture) == 693);
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_second_watch_is_refused_and_told_who_is_there() {
    let fixture = Fixture::with_production();
    let mut first = watch(&fixture, &["--every", "1h"]);
    let lock = fixture.home.monitor().join(".watch.lock");
    wait_until("the first has begun", || std::fs::read_to_string(&lock).is_ok_and(|holder| holder.ends_with('\n')));
    let output = fixture.monitor(&["watch"]).assert().code(2).get_output().clone();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = format!("error: `monitor watch` cannot begin: monitor watch, process {}, since ", first.id());
    assert!(stderr.starts_with(&expected) && stderr.contains("\nhint: wait until it has finished"), "{stderr}");
    // A report by hand may be made meanwhile.
    fixture.collect(&fixture.steady_month("2009-03", 396), &[]);
    fixture.monitor(&["ingest"]).assert().success();
    fixture.monitor(&["report"]).assert().success();
    first.kill().unwrap();
    first.wait().unwrap();
    let mut second = watch(&fixture, &["--every", "1h"]);
    wait_until("the second has begun", || std::fs::read_to_string(&lock).unwrap().contains(&format!("process {},", second.id())));
    assert!(Command::new("kill").args(["-INT", &second.id().to_string()]).status().unwrap().success());
    assert!(second.wait().unwrap().success());
}
