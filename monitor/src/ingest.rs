//! `monitor ingest`: what the collector acknowledged becomes Parquet, and then its segments are deleted.
//!
//! A crash at any point leaves the segment, and running again finds the ids that were already written.

use std::path::PathBuf;

use anyhow::Result;
use data_contract::{Home, LabelRecord, PREDICTION_FORMAT, PredictionRecord, sha256_hex, short};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contracts::Contracts;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::files;
use crate::journal::{Full, Journal, Kind, whole_lines};
use crate::known_ids::KnownIds;
use crate::log::{LogWriter, SetAside, Written};
use crate::report_text;

/// What one compaction did.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Ingested {
    /// Predictions.
    pub(crate) predictions: Written,
    /// Labels.
    pub(crate) labels: Written,
    /// Records that could not be written, by reason.
    pub(crate) set_aside: std::collections::BTreeMap<String, usize>,
    /// Records that lie in `collected/set-aside`, these and earlier ones.
    pub(crate) n_set_aside: u64,
}

/// Compacts everything that was collected.
pub(crate) fn run(home: &Home, json: bool) -> Result<()> {
    let engine = Engine::open(&home.monitor())?;
    let mut ingested = compact(home, &engine, &KnownIds::default(), Full::ANY)?;
    ingested.n_set_aside = Journal::new(home).n_set_aside()?;
    report_text::ingested(&ingested, json);
    Ok(())
}

/// Compacts the segments that are full; `known` is kept from one time to the next.
pub(crate) fn compact(home: &Home, engine: &Engine, known: &KnownIds, full: Full) -> Result<Ingested> {
    let journal = Journal::new(home);
    let mut ingested = Ingested::default();
    if !home.collected().exists() {
        return Ok(ingested);
    }
    let _lock = journal.lock_compaction()?;
    let contracts = Contracts::load(home)?;
    let writer = LogWriter { engine, home, contracts: &contracts, known };
    for kind in Kind::ALL {
        for segments in together(journal.close(kind, full)?) {
            let written = compact_segments(&writer, kind, &segments)?;
            ingested.add(kind, &written);
            keep_aside(&journal, &written.set_aside)?;
            files::sync_files(&written.files, home.root())?;
            for path in segments {
                std::fs::remove_file(&path).map_err(|source| Failure::CannotWrite { path, source })?;
            }
        }
    }
    Ok(ingested)
}

impl Ingested {
    /// Whether there was nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, kind: Kind, written: &Written) {
        let total = match kind {
            Kind::Predictions => &mut self.predictions,
            Kind::Labels => &mut self.labels,
        };
        total.n_written += written.n_written;
        total.n_known += written.n_known;
        for aside in &written.set_aside {
            *self.set_aside.entry(aside.reason.clone()).or_default() += 1;
        }
    }
}

/// Reads one record and checks its format.
pub(crate) fn parse<T: DeserializeOwned>(line: &str, format: impl Fn(&T) -> u32) -> Result<T, String> {
    let record: T = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match format(&record) {
        PREDICTION_FORMAT => Ok(record),
        other => Err(format!("format is {other}, this program knows {PREDICTION_FORMAT}")),
    }
}

/// Segments that are compacted together: each run that was stopped may have left a small one, and many small parts are slow to read.
fn together(segments: Vec<PathBuf>) -> Vec<Vec<PathBuf>> {
    let mut groups: Vec<Vec<PathBuf>> = Vec::new();
    let mut room = 0;
    for segment in segments {
        let bytes = std::fs::metadata(&segment).map_or(0, |file| file.len());
        match groups.last_mut().filter(|_| bytes <= room) {
            Some(group) => group.push(segment),
            None => {
                groups.push(vec![segment]);
                room = Full::COLLECTOR.bytes;
            }
        }
        room = room.saturating_sub(bytes);
    }
    groups
}

fn compact_segments(writer: &LogWriter, kind: Kind, segments: &[PathBuf]) -> Result<Written> {
    let text = segments.iter().map(|segment| whole_lines(segment)).collect::<Result<String, _>>()?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    match kind {
        Kind::Predictions => {
            let (records, broken) = parse_lines(lines, |record: &PredictionRecord| record.format);
            Ok(writer.write_predictions(&records)?.with(broken))
        }
        Kind::Labels => {
            let (records, broken) = parse_lines(lines, |record: &LabelRecord| record.format);
            Ok(writer.write_labels(&records)?.with(broken))
        }
    }
}

impl Written {
    fn with(mut self, broken: Vec<SetAside>) -> Self {
        self.set_aside.extend(broken);
        self
    }
}

fn parse_lines<'a, T: DeserializeOwned>(
    lines: impl Iterator<Item = &'a str>,
    format: impl Fn(&T) -> u32,
) -> (Vec<T>, Vec<SetAside>) {
    let mut records = Vec::new();
    let mut broken = Vec::new();
    for line in lines {
        match parse(line, &format) {
            Ok(record) => records.push(record),
            Err(reason) => broken.push(SetAside { reason, line: line.to_owned() }),
        }
    }
    (records, broken)
}

/// Keeps records that cannot be written; the file's name is a digest of them, so a second run writes the same file again.
fn keep_aside(journal: &Journal, set_aside: &[SetAside]) -> Result<(), Failure> {
    if set_aside.is_empty() {
        return Ok(());
    }
    let lines: String = set_aside.iter().map(|aside| serde_json::to_string(aside).expect("two texts") + "\n").collect();
    let path = journal.set_aside_folder().join(format!("{}.ndjson", short(&sha256_hex(lines.as_bytes()))));
    tracing::warn!(n_records = set_aside.len(), reason = %set_aside[0].reason, file = %path.display(), "records set aside");
    files::replace_for_good(&path, lines.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partitions::prediction_parts;
    use crate::sides::tests::{churn, prediction};

    #[test]
    fn small_segments_are_compacted_together_and_long_ones_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mib = |(index, mib): (usize, u64)| {
            let path = folder.path().join(index.to_string());
            std::fs::File::create(&path).unwrap().set_len(mib << 20).unwrap();
            path
        };
        let groups = together([1, 2, 20, 9, 7, 1].into_iter().enumerate().map(mib).collect());
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 2, 1]);
        assert!(together(Vec::new()).is_empty());
    }

    #[test]
    fn collected_records_become_parquet_once_and_a_broken_line_is_kept_aside() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        files::replace(&home.production().join("contract.json"), churn().to_json_schema().to_string().as_bytes()).unwrap();
        let engine = Engine::open(&home.monitor()).unwrap();
        let line = serde_json::to_string(&prediction("a", "2009-03-04", 7)).unwrap();
        let (journal, known) = (Journal::new(&home), KnownIds::default());
        journal.append(Kind::Predictions, &format!("{line}\n{{broken\n{line}\n")).unwrap();
        let ingested = compact(&home, &engine, &known, Full::ANY).unwrap();
        assert_eq!((ingested.predictions.n_written, ingested.predictions.n_known), (1, 1));
        assert_eq!(ingested.set_aside.values().sum::<usize>(), 1);
        assert_eq!(std::fs::read_dir(journal.set_aside_folder()).unwrap().count(), 1);
        assert!(journal.close(Kind::Predictions, Full::ANY).unwrap().is_empty());
        assert_eq!(prediction_parts(&home).unwrap().len(), 1);
        assert!(compact(&home, &engine, &known, Full::ANY).unwrap().is_empty());
    }
}
