//! Folders that cannot be written to, and disks that are full.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::churn;
use crate::desk::Desk;
use crate::kill::check_prepared;

/// A small file system of its own, gone when dropped.
struct Mount {
    folder: tempfile::TempDir,
}

impl Mount {
    /// None, with a word why, where this user may not mount.
    fn new(kilobytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kilobytes}k");
        let mounted = run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", &folder.path().to_string_lossy()]);
        if !mounted {
            println!("skipped: this user cannot mount a file system");
        }
        mounted.then_some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn make_read_only(&self) {
        assert!(run("mount", &["-o", "remount,ro", &self.path().to_string_lossy()]));
    }

    /// Fills all but some bytes; what filled it before goes.
    fn leave(&self, bytes: u64) {
        let filler = self.path().join("filler");
        let _ = fs::remove_file(&filler);
        let free = rustix::fs::statvfs(self.path()).unwrap();
        let free = free.f_bavail * free.f_frsize;
        fs::write(filler, vec![0u8; free.saturating_sub(bytes) as usize]).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", &["--lazy", &self.path().to_string_lossy()]);
    }
}

fn run(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// Every command that writes fails, every one that reads works.
#[track_caller]
fn check_read_only(desk: &Desk, output: &str) {
    for command in [&["prepare"] as &[&str], &["train"], &["deploy"], &["fetch"], &["run"]] {
        desk.run_with(command, &[]).fails("cannot", "");
    }
    desk.run(["predict", "--input", "churn.csv", "--output", output]).fails("cannot write in", "check that the folder");
    desk.run(["init", "churn.csv", "--target", "churn", "--force"]).fails("cannot write in", "check that the folder");
    desk.run(["leaderboard"]).works();
    desk.run(["test"]).works();
    assert_eq!(desk.check_registry(), [1, 2]);
}

/// The same with permission bits, for a user whom they bind.
fn check_permissions() {
    let desk = Desk::trained();
    let root = desk.path("").to_string_lossy().into_owned();
    assert!(run("chmod", &["-R", "a-w", &root]));
    let binds = fs::write(desk.path("probe"), "").is_err();
    if binds {
        check_read_only(&desk, "out.csv");
    } else {
        println!("skipped: permission bits do not bind this user");
    }
    assert!(run("chmod", &["-R", "u+w", &root]));
}

#[test]
fn a_folder_that_cannot_be_written_to_can_still_be_read() {
    let Some(mount) = Mount::new(8192) else { return check_permissions() };
    let desk = Desk::at(mount.path());
    desk.write("churn.csv", churn::csv(600));
    desk.run(["init", "churn.csv", "--target", "churn"]).works();
    desk.keep_two_families();
    desk.run(["run"]).works();
    mount.make_read_only();
    check_read_only(&desk, "out.csv");
}

#[test]
fn a_full_disk_loses_nothing_and_the_next_command_works() {
    let Some(mount) = Mount::new(8192) else { return };
    let desk = Desk::at(mount.path());
    desk.write("churn.csv", churn::csv(600));
    desk.run(["init", "churn.csv", "--target", "churn"]).works();
    desk.keep_two_families();
    desk.run(["run"]).works();
    let before = fs::read(desk.home().prepared().join("prepared.json")).unwrap();
    mount.leave(0);
    desk.run(["prepare", "--split", "time"]).fails("No space left on device", "the disk is not full");
    assert_eq!(fs::read(desk.home().prepared().join("prepared.json")).unwrap(), before);
    desk.run(["train"]).fails("No space left on device", "the disk is not full");
    desk.run(["predict", "--input", "churn.csv", "--output", "out.parquet"]).fails("No space left on device", "the disk");
    assert!(!desk.path("out.parquet").exists());
    desk.run(["test"]).works();
    assert_eq!(desk.check_registry(), [1, 2]);
    mount.leave(8 << 20);
    desk.run(["run", "--split", "time"]).works();
    assert_eq!(desk.check_registry(), [1, 2, 3, 4]);
}

#[test]
fn wherever_the_disk_fills_up_nothing_is_half_there() {
    let Some(mount) = Mount::new(8192) else { return };
    let desk = Desk::at(mount.path());
    desk.write("churn.csv", churn::csv(600));
    desk.run(["init", "churn.csv", "--target", "churn"]).works();
    desk.keep_two_families();
    desk.run(["run"]).works();
    for step in 0..60 {
        mount.leave(step * 4096);
        let split = ["random", "time"][step as usize % 2];
        let ran = desk.run(["run", "--split", split]);
        if ran.code != Some(0) {
            ran.fails("No space left on device", "the disk");
        }
        desk.check_registry();
        check_prepared(&desk);
        desk.run(["leaderboard"]).works();
    }
    mount.leave(8 << 20);
    desk.run(["run"]).works();
    desk.check_registry();
}
