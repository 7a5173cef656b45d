//! Counts on disk: `monitor/counts/<scope>/<window>-v<version>.json`, and beside them in `days/` those of days.

use std::path::PathBuf;

use chrono::NaiveDate;
use data_contract::{Contract, Home, sha256_hex, short};
use serde::{Deserialize, Serialize};

use super::dialect::Dialect;
use crate::failure::Failure;
use crate::files;
use crate::segments::Segment;
use crate::tally::WindowCounts;
use crate::window::Window;

const COUNTS_FORMAT: u32 = 3;

/// The kept counts of one model, contract and segment.
pub(crate) struct Kept {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct File<T> {
    format: u32,
    counts: T,
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
