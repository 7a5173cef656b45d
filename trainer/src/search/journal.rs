//! The trials of a search as lines of a file; a line that a killed program left half written is dropped.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use trainer_estimators::{Family, Params};

use crate::failure::{Hint, failure};

/// One trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// The settings.
    pub(super) params: Params,
    /// Where they lie in the unit cube; none for the defaults.
    pub(super) point: Option<Vec<f64>>,
    /// What they lost; null in the file for what could not be fitted.
    #[serde(deserialize_with = "or_infinite")]
    pub(super) loss: f64,
    /// Whether every fold was held out.
    pub(super) is_whole: bool,
    /// How long it took.
    pub(super) secs: f64,
}

/// The file of a family's trials, open for more; no other process has it.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the file and reads what it holds.
    pub(super) fn open(folder: &Path, family: Family) -> anyhow::Result<(Self, Vec<Line>)> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{family}.ndjson"));
        let context = || format!("cannot keep the search in {}", path.display());
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path).with_context(context)?;
        file.try_lock().map_err(|_| {
            let message = format!("another process is searching in {}", folder.display());
            failure(message, "wait until it has finished, or end it by Ctrl-C")
        })?;
        let text = std::fs::read_to_string(&path).with_context(context)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).with_context(context)?;
        let lines = text[..whole].lines().enumerate();
        let parse = |(at, line): (usize, &str)| {
            serde_json::from_str(line)
                .with_context(|| format!("line {} of {} is no trial", at + 1, path.display()))
                .hint("remove the file to start anew")
        };
        let lines = lines.map(parse).collect::<anyhow::Result<_>>()?;
        Ok((Self { path, file }, lines))
    }

    /// Adds a trial.
    pub(super) fn add(&mut self, line: &Line) -> anyhow::Result<()> {
        let text = serde_json::to_string(line)? + "\n";
        self.file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn or_infinite<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again_without_a_line_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let family = Family::RandomForest;
        let line =
            |loss| Line { params: Params::default_for(family), point: Some(vec![0.5, 0.1]), loss, is_whole: true, secs: 1.5 };
        let (mut journal, past) = Journal::open(folder.path(), family).unwrap();
        assert!(past.is_empty());
        journal.add(&line(0.3)).unwrap();
        journal.add(&line(f64::INFINITY)).unwrap();
        journal.file.write_all(br#"{"params": {"fam"#).unwrap();
        let error = Journal::open(folder.path(), family).err().unwrap().to_string();
        assert!(error.starts_with("another process is searching in "), "{error}");
        drop(journal);
        let (mut journal, past) = Journal::open(folder.path(), family).unwrap();
        assert_eq!(past, [line(0.3), line(f64::INFINITY)]);
        journal.add(&line(0.2)).unwrap();
        drop(journal);
        assert_eq!(Journal::open(folder.path(), family).unwrap().1.len(), 3);
    }
}
