//! Counting the log: what is known of each day and version is a set of counts, taken once and kept; a window's are those of its days.
//!
//! Counts are kept under `monitor/counts/`, of days and of windows, each with a digest of the Parquet files it was taken from. Only days
//! whose files changed are scanned again, and only windows of such days are put together again, so a report costs what is new.

mod clickhouse;
mod dialect;
mod engine;
mod kept;
mod outcomes;
mod query;
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::NaiveDate;
use data_contract::{Contract, Home};

use crate::engine::Engine;
use crate::failure::Failure;
use crate::partitions::{Part, all_parts, digest_of, label_parts, prediction_parts};
use crate::progress;
use crate::segments::Segment;
use crate::tally::WindowCounts;
use crate::tenants::{Tenant, tenants};
use crate::versions::{Version, Versions};
use crate::window::{By, Window};

pub(crate) use clickhouse::{ClickHouse, FILES};
pub(crate) use dialect::Dialect;
pub(crate) use engine::CountEngine;
use engine::Scan;
use kept::Kept;
pub(crate) use query::{CountedColumn, count_query, counted_columns, own_rows};
pub(crate) use samples::not_here;

/// The parts of one version, by window.
type Windows = BTreeMap<Window, Vec<Part>>;
/// The parts of one version, by day.
type Days = BTreeMap<NaiveDate, Vec<Part>>;

/// A window and the version that served in it.
pub(crate) type Served = (Window, u32);

/// Bytes of Parquet that one query reads, and so what it must hold in memory, unless one day has more.
const MAX_BYTES: u64 = 64 << 20;

/// Counts the log of one model.
pub(crate) struct Counter<'a> {
    engine: &'a Engine,
    counting: &'a dyn CountEngine,
    home: &'a Home,
    model: String,
    by: By,
    segment: Option<Segment>,
    windows: BTreeMap<Served, WindowCounts>,
}

impl<'a> Counter<'a> {
    /// A counter of one model's log; nothing is counted yet.
    pub(crate) fn new(engine: &'a Engine, home: &'a Home, model: &str, by: By) -> Self {
        Self { engine, counting: engine, home, model: model.into(), by, segment: None, windows: BTreeMap::new() }
    }

    /// The same, which has another engine count values; labels are joined here.
    pub(crate) fn counting_by(self, counting: &'a dyn CountEngine) -> Self {
        Self { counting, ..self }
    }

    /// A counter of one segment's rows; nothing is counted yet.
    pub(crate) fn of_segment(&self, segment: &Segment) -> Self {
        let (model, segment) = (self.model.clone(), Some(segment.clone()));
        Self { model, segment, windows: BTreeMap::new(), ..*self }
    }

    /// The model whose log is counted.
    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    /// How long a window is.
    pub(crate) fn by(&self) -> By {
        self.by
    }

    /// The counts of each window and version.
    pub(crate) fn windows(&self) -> &BTreeMap<Served, WindowCounts> {
        &self.windows
    }

    /// Files that could not be read and were set aside.
    pub(crate) fn damaged(&self) -> Vec<PathBuf> {
        self.engine.damaged()
    }

    /// Brings the counts up to date with the files; damaged files are set aside and the rest is counted.
    pub(crate) fn refresh(&mut self, versions: &mut Versions) -> Result<()> {
        let (engine, home) = (self.engine, self.home);
        engine.without_damaged(
            || all_parts(home),
            |_| {
                let counted = self.count_all(versions);
                if counted.is_err() {
                    // What was counted may have ended halfway.
                    self.windows.clear();
                }
                counted
            },
        )
    }

    fn count_all(&mut self, versions: &mut Versions) -> Result<()> {
        let parts = prediction_parts(self.home)?;
        if parts.is_empty() {
            return Err(Failure::NoLog { folder: self.home.predictions() }.into());
        }
        let labels = label_parts(self.home)?;
        let mut groups: BTreeMap<u32, Windows> = BTreeMap::new();
        for part in parts {
            let version = part.version.expect("a prediction part lies in a version's folder");
            groups.entry(version).or_default().entry(Window::of(part.date, self.by)).or_default().push(part);
        }
        self.windows.retain(|(window, version), _| groups.get(version).is_some_and(|windows| windows.contains_key(window)));
        for (version, windows) in groups {
            let known = versions.get(self.home, version)?.cloned();
            self.count_version(version, &windows, &labels, known.as_ref())?;
        }
        Ok(())
    }

    fn count_version(&mut self, number: u32, windows: &Windows, labels: &[Part], version: Option<&Version>) -> Result<()> {
        let kept = self.kept(version.map(|version| &version.contract));
        let mut changed = self.recall(number, windows, &kept);
        let days = by_day(changed.iter().flat_map(|window| &windows[window]));
        for (day, counts) in self.count_days(number, &days, &kept, version)? {
            let window = Window::of(day, self.by);
            self.windows.get_mut(&(window, number)).expect("it was put there by `recall`").add(counts);
        }
        if let Some(version) = version {
            changed.extend(self.count_labels(number, version, windows, labels)?);
        }
        for window in changed {
            kept.write_window(window, number, &self.windows[&(window, number)])?;
        }
        Ok(kept.write_joined(number, labels)?)
    }

    fn kept(&self, contract: Option<&Contract>) -> Kept {
        Kept::of(self.home, &self.model, contract, self.segment.as_ref())
    }

    /// What is true of the rows that count.
    fn filter(&self, dialect: Dialect, contract: &Contract) -> String {
        let own = own_rows(dialect, &self.model, contract);
        self.segment.iter().fold(own, |own, segment| format!("{own} AND {}", segment.filter(dialect)))
    }

    /// Takes the windows that are in memory or on disk and still fit the files; returns those that are to be put together.
    fn recall(&mut self, version: u32, windows: &Windows, kept: &Kept) -> BTreeSet<Window> {
        let mut stale = BTreeSet::new();
        for (&window, parts) in windows {
            let digest = digest_of(parts);
            let known = self.windows.remove(&(window, version)).or_else(|| kept.read_window(window, version));
            let fits = known.filter(|counts| counts.predictions == digest);
            if fits.is_none() {
                stale.insert(window);
            }
            let counts = fits.unwrap_or_else(|| WindowCounts { predictions: digest, ..WindowCounts::default() });
            self.windows.insert((window, version), counts);
        }
        stale
    }

    /// The counts of some days; those whose files changed are scanned, a few at a time, and kept.
    fn count_days(
        &self,
        number: u32,
        days: &Days,
        kept: &Kept,
        version: Option<&Version>,
    ) -> Result<BTreeMap<NaiveDate, WindowCounts>> {
        let mut counted = BTreeMap::new();
        let mut stale: Vec<(NaiveDate, &[Part])> = Vec::new();
        for (&day, parts) in days {
            match kept.read_day(day, number).filter(|counts| counts.predictions == digest_of(parts)) {
                Some(counts) => drop(counted.insert(day, counts)),
                None => stale.push((day, parts)),
            }
        }
        let bar = progress::bar(stale.len(), "counting days");
        for some in together(&stale) {
            for (day, counts) in self.scan(number, some, version)? {
                kept.write_day(day, number, &counts)?;
                counted.insert(day, counts);
            }
            bar.inc(some.len() as u64);
        }
        bar.finish_and_clear();
        Ok(counted)
    }

    /// Counts the values of some days.
    fn scan(
        &self,
        number: u32,
        days: &[(NaiveDate, &[Part])],
        version: Option<&Version>,
    ) -> Result<BTreeMap<NaiveDate, WindowCounts>> {
        let contract = version.map(|version| &version.contract);
        let mut counted = self.list_strangers(number, contract, days)?;
        let Some(version) = version else { return Ok(counted) };
        let own = |(day, parts): &(NaiveDate, &[Part])| {
            let foreign = &counted[day].foreign;
            parts.iter().filter(|part| !foreign.contains(&part.key())).map(|part| part.path.clone()).collect::<Vec<_>>()
        };
        let files: Vec<PathBuf> = days.iter().flat_map(own).collect();
        let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        let filter = self.filter(self.counting.dialect(), &version.contract);
        let scan = Scan { filter: &filter, contract: &version.contract, columns: &counted_columns(version) };
        for ((day, shadow), tally) in engine::count(self.counting, &scan, &files)? {
            counted.get_mut(&day).expect("only these days were scanned").count(day, shadow, tally);
        }
        Ok(counted)
    }

    /// Finds files without a row that can be counted, and rows that are this model's and still cannot be counted.
    fn list_strangers(
        &self,
        number: u32,
        contract: Option<&Contract>,
        days: &[(NaiveDate, &[Part])],
    ) -> Result<BTreeMap<NaiveDate, WindowCounts>> {
        let own = contract.map(Contract::digest);
        let parts: Vec<&Part> = days.iter().flat_map(|(_, parts)| parts.iter()).collect();
        let tenants = tenants(self.engine, &parts)?;
        let mut by_file: BTreeMap<&str, Vec<&Tenant>> = BTreeMap::new();
        tenants.iter().for_each(|tenant| by_file.entry(&tenant.file).or_default().push(tenant));
        let mut counted = BTreeMap::new();
        for (day, parts) in days {
            let mut counts = WindowCounts { predictions: digest_of(*parts), ..WindowCounts::default() };
            for part in *parts {
                let in_part = by_file.remove(part.path.to_string_lossy().as_ref()).unwrap_or_default();
                if !in_part.iter().any(|tenant| tenant.is(&self.model, own.as_deref())) {
                    counts.foreign.insert(part.key());
                }
                let strangers =
                    in_part.iter().filter(|tenant| tenant.model == self.model && Some(&tenant.contract) != own.as_ref());
                counts.not_counted.extend(strangers.map(|tenant| tenant.not_counted(number, own.is_some())));
            }
            counted.insert(*day, counts);
        }
        Ok(counted)
    }
}

fn by_day<'p>(parts: impl Iterator<Item = &'p Part>) -> Days {
    let mut days = Days::new();
    parts.for_each(|part| days.entry(part.date).or_default().push(part.clone()));
    days
}

/// Days that one query counts.
fn together<'d, 'p>(days: &'d [(NaiveDate, &'p [Part])]) -> Vec<&'d [(NaiveDate, &'p [Part])]> {
    let bytes = |(_, parts): &(NaiveDate, &[Part])| parts.iter().map(|part| part.bytes).sum::<u64>();
    let mut groups = Vec::new();
    let (mut start, mut held) = (0, 0);
    for (at, day) in days.iter().enumerate() {
        if at > start && held + bytes(day) > MAX_BYTES {
            groups.push(&days[start..at]);
            (start, held) = (at, 0);
        }
        held += bytes(day);
    }
    groups.extend((start < days.len()).then(|| &days[start..]));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_together_as_far_as_memory_allows() {
        let part = |date: NaiveDate, bytes| Part { date, version: Some(7), path: PathBuf::new(), bytes };
        let day = |n: u32| NaiveDate::from_ymd_opt(2009, 3, n).unwrap();
        let parts: Vec<Vec<Part>> =
            [20, 40, 10, 100, 1].into_iter().zip(1..).map(|(mib, n)| vec![part(day(n), mib << 20)]).collect();
        let days: Vec<(NaiveDate, &[Part])> = parts.iter().map(|parts| (parts[0].date, parts.as_slice())).collect();
        assert_eq!(together(&days).iter().map(|group| group.len()).collect::<Vec<_>>(), [2, 1, 1, 1]);
        assert!(together(&[]).is_empty());
    }
}
