//! Writing records to the log: each day and version once, each record once.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::NaiveDate;
use data_contract::{Home, LabelRecord, PredictionRecord, log_column};
use serde::Serialize;

use crate::contracts::Contracts;
use crate::engine::{Engine, SqlType, text};
use crate::known_ids::KnownIds;
use crate::log_rows::{LABEL_IDENTITY, Row, check_label, label_columns, label_row, prediction_columns, prediction_row};
use crate::partitions::{Part, label_folder, part_name, parts_in, prediction_folder};

/// What became of the records that were to be written.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Written {
    /// Records written now.
    pub(crate) n_written: usize,
    /// Records that the log held already.
    pub(crate) n_known: usize,
    /// Records that cannot be written, and why.
    #[serde(skip)]
    pub(crate) set_aside: Vec<SetAside>,
    /// The files they were written to; a power cut may still take them.
    #[serde(skip)]
    pub(crate) files: Vec<PathBuf>,
}

/// A record that cannot be written.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct SetAside {
    /// Why.
    pub(crate) reason: String,
    /// The line as it came.
    pub(crate) line: String,
}

/// Writes records to the log under a home folder.
pub(crate) struct LogWriter<'a> {
    /// Runs the writing.
    pub(crate) engine: &'a Engine,
    /// Where the log lies.
    pub(crate) home: &'a Home,
    /// What the features may look like.
    pub(crate) contracts: &'a Contracts,
    /// What the log holds already.
    pub(crate) known: &'a KnownIds,
}

struct Partition<'a> {
    folder: &'a Path,
    date: NaiveDate,
    version: Option<u32>,
    identity: &'a str,
    columns: Vec<(String, SqlType)>,
}

impl LogWriter<'_> {
    /// Writes predictions; those whose contract is not known, or which do not follow it, are set aside.
    pub(crate) fn write_predictions(&self, records: &[PredictionRecord]) -> Result<Written> {
        let mut written = Written::default();
        let mut groups: BTreeMap<(NaiveDate, u32, &str), Vec<Row>> = BTreeMap::new();
        for record in records {
            match prediction_row(record, self.contracts) {
                Ok(row) => groups.entry((record.time.date_naive(), record.version, &record.contract)).or_default().push(row),
                Err(reason) => written.set_aside.push(SetAside { reason, line: to_line(record) }),
            }
        }
        for ((date, version, digest), rows) in groups {
            let contract = self.contracts.get(digest).expect("its rows were made with it");
            let folder = prediction_folder(self.home, date, version);
            let columns = prediction_columns(contract);
            let partition = Partition { folder: &folder, date, version: Some(version), identity: log_column::ID, columns };
            self.write(&partition, rows, &mut written)?;
        }
        Ok(written)
    }

    /// Writes labels; those that no known contract has as a class are set aside.
    pub(crate) fn write_labels(&self, records: &[LabelRecord]) -> Result<Written> {
        let mut written = Written::default();
        let mut groups: BTreeMap<NaiveDate, Vec<Row>> = BTreeMap::new();
        for record in records {
            match check_label(record, self.contracts) {
                Ok(()) => groups.entry(record.time.date_naive()).or_default().push(label_row(record)),
                Err(reason) => written.set_aside.push(SetAside { reason, line: to_line(record) }),
            }
        }
        for (date, rows) in groups {
            let folder = label_folder(self.home, date);
            let partition =
                Partition { folder: &folder, date, version: None, identity: LABEL_IDENTITY, columns: label_columns() };
            self.write(&partition, rows, &mut written)?;
        }
        Ok(written)
    }

    fn write(&self, partition: &Partition, rows: Vec<Row>, written: &mut Written) -> Result<()> {
        let n_rows = rows.len();
        let fresh = self.fresh(partition, rows)?;
        if fresh.len() < n_rows {
            // A run that was killed may have written them and not have made sure of them.
            written
                .files
                .extend(parts_in(partition.folder, partition.date, partition.version)?.into_iter().map(|part| part.path));
        }
        written.n_known += n_rows - fresh.len();
        written.n_written += fresh.len();
        if fresh.is_empty() {
            return Ok(());
        }
        let path = partition.folder.join(part_name(fresh.iter().map(|row| row.identity.as_str())));
        self.engine.write_part(&path, &partition.columns, fresh.into_iter().map(|row| row.values).collect())?;
        self.known.wrote(partition.folder, path.clone());
        written.files.push(path);
        Ok(())
    }

    /// The rows that the log does not hold, each once.
    fn fresh(&self, partition: &Partition, rows: Vec<Row>) -> Result<Vec<Row>> {
        let all_new = {
            let parts = parts_in(partition.folder, partition.date, partition.version)?;
            let paths = parts.into_iter().map(|part| part.path).collect();
            let ids = rows.iter().map(|row| row.identity.as_str());
            self.known.all_new(partition.folder, paths, ids, |unread| self.ids(partition, |part| unread.contains(&part.path)))?
        };
        if all_new {
            return Ok(rows);
        }
        let mut known: HashSet<String> = self.ids(partition, |_| true)?.into_iter().collect();
        Ok(rows.into_iter().filter(|row| known.insert(row.identity.clone())).collect())
    }

    /// The ids in some parts of a partition.
    fn ids(&self, partition: &Partition, wanted: impl Fn(&Part) -> bool) -> Result<Vec<String>> {
        let sql = include_str!("../sql/known_ids.sql").replace("{identity}", partition.identity);
        let list = || {
            let parts = parts_in(partition.folder, partition.date, partition.version)?;
            Ok(parts.into_iter().filter(&wanted).collect())
        };
        self.engine.read_parts(list, &sql, |row| Ok(text(row.get_ref(0)?).unwrap_or_default()))
    }
}

fn to_line(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("a record came as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::number;
    use crate::partitions::{label_parts, prediction_parts};
    use crate::sides::tests::{churn, prediction};

    fn in_a_home(test: impl FnOnce(&Home, LogWriter)) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let engine = Engine::open(&home.monitor()).unwrap();
        let contracts = Contracts::of([(7, churn())]);
        let known = KnownIds::default();
        test(&home, LogWriter { engine: &engine, home: &home, contracts: &contracts, known: &known });
    }

    fn label(id: &str, label: &str) -> LabelRecord {
        LabelRecord { format: 1, id: id.into(), label: label.into(), time: "2009-03-04T00:00:00Z".parse().unwrap() }
    }

    fn n_rows(engine: &Engine, home: &Home) -> f64 {
        let parts = prediction_parts(home).unwrap();
        engine.set_files("files", parts.iter().map(|part| part.path.as_path())).unwrap();
        let sql = "SELECT count(*) FROM read_parquet(getvariable('files'), union_by_name = true)";
        engine.query(sql, |row| Ok(number(row.get_ref(0)?).unwrap())).unwrap()[0]
    }

    #[test]
    fn a_record_is_written_once_however_often_it_comes() {
        in_a_home(|home, writer| {
            let records = [prediction("a", "2009-03-04", 7), prediction("b", "2009-03-05", 7), prediction("a", "2009-03-04", 7)];
            let first = writer.write_predictions(&records).unwrap();
            assert_eq!((first.n_written, first.n_known), (2, 1));
            let second = writer.write_predictions(&records).unwrap();
            assert_eq!((second.n_written, second.n_known), (0, 3));
            assert_eq!(n_rows(writer.engine, home), 2.0);
        });
    }

    #[test]
    fn records_without_a_contract_and_against_it_are_set_aside() {
        in_a_home(|_, writer| {
            let mut stranger = prediction("a", "2009-03-04", 8);
            stranger.contract = "feed".into();
            let mut other = prediction("a", "2009-03-04", 7);
            other.contract = "feed".into();
            let mut wrong = prediction("b", "2009-03-04", 7);
            wrong.features.insert("age".into(), "old".into());
            let mut without = prediction("c", "2009-03-04", 7);
            without.probabilities.0.pop();
            let written = writer.write_predictions(&[stranger, other, wrong, without]).unwrap();
            let reasons: Vec<&str> = written.set_aside.iter().map(|aside| aside.reason.as_str()).collect();
            assert_eq!(
                reasons,
                [
                    "no version of the registry has the contract `feed`",
                    "version 7 has another contract than `feed`",
                    "column `age` expects a number, found the text \"old\"",
                    "the probability of `yes` is missing",
                ]
            );
        });
    }

    #[test]
    fn a_damaged_part_is_set_aside_and_the_rest_is_written() {
        in_a_home(|home, writer| {
            writer.write_predictions(&[prediction("a", "2009-03-04", 7)]).unwrap();
            let part = prediction_parts(home).unwrap().remove(0);
            std::fs::write(&part.path, b"PAR1 no more").unwrap();
            let writer = LogWriter { known: &KnownIds::default(), ..writer };
            let written = writer.write_predictions(&[prediction("b", "2009-03-04", 7)]).unwrap();
            assert_eq!(written.n_written, 1);
            assert_eq!(n_rows(writer.engine, home), 1.0);
            assert!(part.path.with_extension("parquet.set-aside").exists());
        });
    }

    #[test]
    fn what_a_killed_run_left_half_written_is_swept_away() {
        in_a_home(|home, writer| {
            let folder = prediction_folder(home, "2009-03-04".parse().unwrap(), 7);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(".part-1.parquet.tmp"), b"PAR1").unwrap();
            writer.write_predictions(&[prediction("a", "2009-03-04", 7)]).unwrap();
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        });
    }

    #[test]
    fn a_label_that_is_no_class_is_set_aside() {
        in_a_home(|_, writer| {
            let written = writer.write_labels(&[label("a", "maybe"), label("a", "yes")]).unwrap();
            assert_eq!(written.n_written, 1);
            assert_eq!(written.set_aside[0].reason, "the label \"maybe\" is a class of no known contract");
        });
    }

    #[test]
    fn ids_that_could_be_taken_for_others_are_set_aside() {
        in_a_home(|home, writer| {
            let ids = ["a\nb", "a\u{1f}b", &"a".repeat(201)];
            let written = writer.write_predictions(&ids.map(|id| prediction(id, "2009-03-04", 7))).unwrap();
            assert_eq!((written.n_written, written.set_aside.len()), (0, 3));
            let labels = writer.write_labels(&ids.map(|id| label(id, "yes"))).unwrap();
            assert_eq!((labels.n_written, labels.set_aside.len()), (0, 3));
            assert!(prediction_parts(home).unwrap().is_empty());
        });
    }

    #[test]
    fn a_corrected_label_is_kept_beside_the_first() {
        in_a_home(|home, writer| {
            let written = writer.write_labels(&[label("a", "no"), label("a", "yes"), label("a", "no")]).unwrap();
            assert_eq!((written.n_written, written.n_known), (2, 1));
            assert_eq!(label_parts(home).unwrap().len(), 1);
        });
    }
}
