//! Counts on disk: `monitor/counts/<scope>/<window>-v<version>.json`, and beside them in `days/` those of days.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::NaiveDate;
use data_contract::{Contract, Home, sha256_hex, short};
use serde::{Deserialize, Serialize};

use super::dialect::Dialect;
use crate::failure::Failure;
use crate::files;
use crate::partitions::{Part, digest_of};
use crate::segments::Segment;
use crate::tally::WindowCounts;
use crate::window::Window;

const COUNTS_FORMAT: u32 = 4;

/// The kept counts of one model, contract and segment.
pub(crate) struct Kept {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct File<T> {
    format: u32,
    counts: T,
}

/// Label files that windows were joined with.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Joined {
    /// The digest that such windows carry.
    digest: String,
    /// The files' keys.
    files: BTreeSet<String>,
}

impl Joined {
    /// The digest of the files there were, and those among all that have come since; none where one has gone or changed.
    pub(crate) fn new_among(self, labels: &[Part]) -> Option<(String, Vec<&Part>)> {
        let (old, new): (Vec<&Part>, Vec<&Part>) = labels.iter().partition(|part| self.files.contains(&part.key()));
        (digest_of(old) == self.digest).then_some((self.digest, new))
    }
}

impl Kept {
    /// Those under a home folder.
    pub(crate) fn of(home: &Home, model: &str, contract: Option<&Contract>, segment: Option<&Segment>) -> Self {
        let digest = contract.map(Contract::digest).unwrap_or_default();
        let segment = segment.map(|segment| segment.filter(Dialect::Duckdb)).unwrap_or_default();
        let scope = sha256_hex(format!("{model}\u{1f}{digest}\u{1f}{segment}").as_bytes());
        Self { folder: home.monitor().join("counts").join(short(&scope)) }
    }

    /// A window's counts; none where there are none that this program can read.
    pub(crate) fn read_window(&self, window: Window, version: u32) -> Option<WindowCounts> {
        read(&self.window(window, version))
    }

    /// Keeps a window's counts.
    pub(crate) fn write_window(&self, window: Window, version: u32, counts: &WindowCounts) -> Result<(), Failure> {
        write(&self.window(window, version), counts)
    }

    /// A day's counts.
    pub(crate) fn read_day(&self, day: NaiveDate, version: u32) -> Option<WindowCounts> {
        read(&self.day(day, version))
    }

    /// Keeps a day's counts.
    pub(crate) fn write_day(&self, day: NaiveDate, version: u32, counts: &WindowCounts) -> Result<(), Failure> {
        write(&self.day(day, version), counts)
    }

    /// The label files with which a version's windows were joined last; none where that is not known.
    pub(crate) fn read_joined(&self, version: u32) -> Option<Joined> {
        files::read_json(&self.joined(version)).ok().flatten()
    }

    /// Keeps which label files the version's windows were joined with, once these are kept.
    pub(crate) fn write_joined(&self, version: u32, labels: &[Part]) -> Result<(), Failure> {
        let joined = Joined { digest: digest_of(labels), files: labels.iter().map(Part::key).collect() };
        if self.read_joined(version).is_some_and(|before| before == joined) {
            return Ok(());
        }
        files::replace(&self.joined(version), &files::to_json(&joined))
    }

    fn joined(&self, version: u32) -> PathBuf {
        self.folder.join(format!("labels-v{version}.json"))
    }

    fn window(&self, window: Window, version: u32) -> PathBuf {
        self.folder.join(format!("{}-v{version}.json", window.name()))
    }

    fn day(&self, day: NaiveDate, version: u32) -> PathBuf {
        self.folder.join("days").join(format!("{day}-v{version}.json"))
    }
}

fn read(path: &std::path::Path) -> Option<WindowCounts> {
    let file: Option<File<WindowCounts>> = files::read_json(path).ok().flatten();
    file.filter(|file| file.format == COUNTS_FORMAT).map(|file| file.counts)
}

fn write(path: &std::path::Path, counts: &WindowCounts) -> Result<(), Failure> {
    files::replace(path, &serde_json::to_vec(&File { format: COUNTS_FORMAT, counts }).expect("counts are numbers and texts"))
}
