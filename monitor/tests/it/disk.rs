//! A disk that is full: a clear error, nothing lost, and the next command works once there is room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::home::{Fixture, lines};
use crate::server::Server;

/// A small file system in a folder, gone when dropped.
struct Mount(PathBuf);

impl Mount {
    /// None, with a word why, where this user may not mount.
    fn at(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mounted = run("mount", &["-t", "tmpfs", "-o", "size=4m", "tmpfs", &folder.to_string_lossy()]);
        if !mounted {
            println!("skipped: this user cannot mount a file system");
        }
        mounted.then(|| Self(folder.to_owned()))
    }

    /// Writes until no more than so many bytes go in, and returns what fills the disk.
    fn fill(&self, left: u64) -> PathBuf {
        let filler = self.0.join("filler");
        fs::write(&filler, vec![0; 8 << 20]).unwrap_err();
        let length = fs::metadata(&filler).unwrap().len();
        fs::File::options().write(true).open(&filler).unwrap().set_len(length - left).unwrap();
        filler
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", &["--lazy", &self.0.to_string_lossy()]);
    }
}

fn run(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_loses_nothing_that_was_collected() {
    let fixture = Fixture::empty();
    let Some(disk) = Mount::at(fixture.home.root()) else { return };
    fixture.register(3, &fixture.home.version(3));
    fixture.register(3, &fixture.home.production());
    fixture.collect(&fixture.month("2009-03", 500, 0.3), &[]);
    let filler = disk.fill(0);
    for command in ["ingest", "report"] {
        let output = fixture.monitor(&[command]).assert().code(2).get_output().clone();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains("error: "), "{command}: {stderr}");
    }
    fs::remove_file(filler).unwrap();
    fixture.monitor(&["ingest"]).assert().success();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 500);
    // These 500 rows are all alike, which is drift.
    fixture.monitor(&["report"]).assert().code(1);
}

#[test]
fn a_disk_that_fills_up_during_compaction_loses_nothing() {
    let fixture = Fixture::empty();
    let Some(disk) = Mount::at(fixture.home.root()) else { return };
    fixture.register(3, &fixture.home.version(3));
    fixture.register(3, &fixture.home.production());
    fixture.collect(&fixture.month("2009-03", 500, 0.3), &[]);
    // The 500 records lie in 28 days, whose parts take a few KiB each: some are written, the next is not.
    for left in [4 << 10, 16 << 10, 40 << 10] {
        let filler = disk.fill(left);
        let output = fixture.monitor(&["ingest"]).assert().code(2).get_output().clone();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains("error: cannot write ") && stderr.contains("No space left on device"), "{left}: {stderr}");
        assert!(stderr.contains("hint: "), "{left}: {stderr}");
        fs::remove_file(filler).unwrap();
    }
    fixture.monitor(&["ingest"]).assert().success();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 500);
    assert_eq!(fixture.ask("SELECT count(DISTINCT prediction_id) FROM {log}"), 500);
}

#[test]
fn a_collector_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let fixture = Fixture::empty();
    let Some(disk) = Mount::at(fixture.home.root()) else { return };
    fixture.register(3, &fixture.home.version(3));
    fixture.register(3, &fixture.home.production());
    let server = Server::start(&fixture, &[]);
    let [march, april] = ["2009-03", "2009-04"].map(|month| lines(&fixture.month(month, 500, 0.3)));
    assert_eq!(server.post("/v1/predictions", march.as_bytes(), &[]).0, 200);
    let filler = disk.fill(64 << 10);
    let (status, answer) = server.post("/v1/predictions", april.as_bytes(), &[]);
    assert_eq!(status, 507, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("No space left on device"), "{answer}");
    assert!(answer["hint"].as_str().unwrap().starts_with("free some space"), "{answer}");
    fs::remove_file(filler).unwrap();
    assert_eq!(server.post("/v1/predictions", april.as_bytes(), &[]).0, 200);
    server.terminate();
    assert_eq!(fixture.ask("SELECT count(*) FROM {log}"), 1000);
    assert_eq!(fixture.ask("SELECT count(DISTINCT prediction_id) FROM {log}"), 1000);
}
