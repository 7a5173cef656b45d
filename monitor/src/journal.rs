//! The collector's journal: NDJSON segments under `collected/`, appended to and fsynced before a record is acknowledged.
//!
//! A segment `predictions-<n>.ndjson` is open for appending until it is closed by renaming it to `predictions-<n>.closed.ndjson`;
//! only closed ones are compacted and then deleted. Every change is made under the lock of `collected/.lock`, and a segment is
//! opened anew for each append, so any number of processes may append and close.
//! A line that a crash cut short was never acknowledged: the next append cuts it off, and reading ignores it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use data_contract::Home;

use crate::failure::Failure;
use crate::files;

/// The two kinds of records that are collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Predictions.
    Predictions,
    /// Labels.
    Labels,
}

/// The journal of one home folder.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
}

/// When an open segment is full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Full {
    /// From this size.
    pub(crate) bytes: u64,
    /// From this long after it was begun.
    pub(crate) age: Duration,
}

impl Full {
    /// The collector's rule: a part of some 30,000 records, and no record waits longer than half a minute.
    pub(crate) const COLLECTOR: Self = Self { bytes: 16 << 20, age: Duration::from_secs(30) };
    /// Everything that holds a record.
    pub(crate) const ANY: Self = Self { bytes: 1, age: Duration::ZERO };
}

impl Kind {
    /// Both kinds.
    pub(crate) const ALL: [Self; 2] = [Self::Predictions, Self::Labels];

    /// `predictions` or `labels`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Predictions => "predictions",
            Self::Labels => "labels",
        }
    }
}

impl Journal {
    /// The journal of a home folder; nothing is created yet.
    pub(crate) fn new(home: &Home) -> Self {
        Self { folder: home.collected() }
    }

    /// Appends whole lines and returns once they are on disk. A segment that is full is left to be closed, and the next begun.
    pub(crate) fn append(&self, kind: Kind, lines: &str) -> Result<(), Failure> {
        let _lock = files::lock(&self.folder.join(".lock"))?;
        let segments = self.segments(kind)?;
        let open = segments.last().filter(|segment| !segment.closed && !is_long(&segment.path));
        let path = match open {
            Some(segment) => segment.path.clone(),
            None => self.folder.join(format!("{}-{}.ndjson", kind.name(), next_number(&segments))),
        };
        append_synced(&path, lines).map_err(|source| Failure::CannotWrite { path: path.clone(), source })?;
        if open.is_none() { files::sync_names(&self.folder) } else { Ok(()) }
    }

    /// How many bytes wait to be compacted.
    pub(crate) fn bytes(&self) -> Result<u64, Failure> {
        let mut bytes = 0;
        for kind in Kind::ALL {
            bytes +=
                self.segments(kind)?.iter().map(|segment| fs::metadata(&segment.path).map_or(0, |file| file.len())).sum::<u64>();
        }
        Ok(bytes)
    }

    /// Closes open segments that are full and returns all closed ones, oldest first.
    pub(crate) fn close(&self, kind: Kind, full: Full) -> Result<Vec<PathBuf>, Failure> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let _lock = files::lock(&self.folder.join(".lock"))?;
        let mut closed = Vec::new();
        for segment in self.segments(kind)? {
            if segment.closed {
                closed.push(segment.path);
            } else if is_full(&segment.path, full) {
                let path = segment.path.with_extension("closed.ndjson");
                fs::rename(&segment.path, &path).map_err(|source| Failure::CannotWrite { path: path.clone(), source })?;
                closed.push(path);
            }
        }
        Ok(closed)
    }

    /// Waits until no one else is compacting.
    pub(crate) fn lock_compaction(&self) -> Result<File, Failure> {
        files::lock(&self.folder.join(".compaction.lock"))
    }

    /// Where records lie that could not be written to the log.
    pub(crate) fn set_aside_folder(&self) -> PathBuf {
        self.folder.join("set-aside")
    }

    /// How many records lie there.
    pub(crate) fn n_set_aside(&self) -> Result<u64, Failure> {
        let files = fs::read_dir(self.set_aside_folder()).into_iter().flatten().flatten().map(|entry| entry.path());
        let finished = files.filter(|path| path.extension().is_some_and(|end| end == "ndjson"));
        finished.map(|path| Ok(whole_lines(&path)?.lines().count() as u64)).sum()
    }

    fn segments(&self, kind: Kind) -> Result<Vec<Segment>, Failure> {
        let cannot = |source| Failure::CannotRead { path: self.folder.clone(), source };
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(cannot)? {
            segments.extend(Segment::parse(kind, &entry.map_err(cannot)?.path()));
        }
        segments.sort_by_key(|segment| segment.number);
        Ok(segments)
    }
}

/// The whole lines of a segment; what a crash cut short is left out.
pub(crate) fn whole_lines(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|source| Failure::CannotRead { path: path.into(), source })?;
    let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |position| position + 1);
    if end < bytes.len() {
        tracing::warn!(file = %path.display(), bytes = bytes.len() - end, "a line that was cut short is ignored");
    }
    Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

struct Segment {
    number: u64,
    closed: bool,
    path: PathBuf,
}

impl Segment {
    fn parse(kind: Kind, path: &Path) -> Option<Self> {
        let stem = path.file_name()?.to_str()?.strip_suffix(".ndjson")?;
        let number = stem.strip_prefix(kind.name())?.strip_prefix('-')?;
        let (number, closed) = match number.strip_suffix(".closed") {
            Some(number) => (number, true),
            None => (number, false),
        };
        Some(Self { number: number.parse().ok()?, closed, path: path.into() })
    }
}

fn next_number(segments: &[Segment]) -> u64 {
    segments.last().map_or(1, |segment| segment.number + 1)
}

fn append_synced(path: &Path, lines: &str) -> std::io::Result<()> {
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    let end = end_of_last_line(&mut file)?;
    file.set_len(end)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}

fn end_of_last_line(file: &mut File) -> std::io::Result<u64> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(0);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == [b'\n'] {
        return Ok(length);
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |position| position as u64 + 1))
}

/// Whether a segment holds as much as is compacted at once.
fn is_long(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() >= Full::COLLECTOR.bytes)
}

fn is_full(path: &Path, full: Full) -> bool {
    let Ok(metadata) = fs::metadata(path) else { return false };
    let begun = metadata.created().or_else(|_| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let age = SystemTime::now().duration_since(begun).unwrap_or(Duration::ZERO);
    metadata.len() >= full.bytes || age >= full.age
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_a_journal(test: impl FnOnce(Journal)) {
        let folder = tempfile::tempdir().unwrap();
        test(Journal::new(&Home::new(folder.path())));
    }

    #[test]
    fn what_is_appended_is_read_back_after_closing() {
        in_a_journal(|journal| {
            journal.append(Kind::Labels, "1\n2\n").unwrap();
            journal.append(Kind::Labels, "3\n").unwrap();
            assert!(journal.close(Kind::Labels, Full::COLLECTOR).unwrap().is_empty());
            let closed = journal.close(Kind::Labels, Full::ANY).unwrap();
            assert_eq!(whole_lines(&closed[0]).unwrap(), "1\n2\n3\n");
            journal.append(Kind::Labels, "4\n").unwrap();
            assert_eq!(journal.close(Kind::Labels, Full::ANY).unwrap().len(), 2);
            assert!(journal.close(Kind::Predictions, Full::ANY).unwrap().is_empty());
        });
    }

    #[test]
    fn a_line_cut_short_is_ignored_and_never_joined_to_the_next() {
        in_a_journal(|journal| {
            journal.append(Kind::Labels, "1\n").unwrap();
            let path = journal.folder.join("labels-1.ndjson");
            File::options().append(true).open(&path).unwrap().write_all(b"{\"id\":\"to").unwrap();
            assert_eq!(whole_lines(&path).unwrap(), "1\n");
            journal.append(Kind::Labels, "2\n").unwrap();
            assert_eq!(whole_lines(&path).unwrap(), "1\n2\n");
        });
    }
}
