//! What became of predictions: the log joined with the labels that have come, by prediction id.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use duckdb::Row;
use monitor_drift::Outcomes;

use super::query::probability;
use super::{Counter, Dialect, Windows};
use crate::engine::quote_name;
use crate::grid::Grid;
use crate::partitions::{Part, digest_of};
use crate::tally::WindowCounts;
use crate::versions::Version;
use crate::window::Window;

impl Counter<'_> {
    /// Brings the outcomes of all windows up to date when a label file has come or gone; returns the windows that were behind.
    /// A label may be known before its prediction's window begins, so no label file is left out by its date; but a window that new files
    /// say nothing of is not joined again.
    pub(super) fn count_labels(
        &mut self,
        number: u32,
        version: &Version,
        windows: &Windows,
        labels: &[Part],
    ) -> Result<Vec<Window>> {
        let digest = digest_of(labels);
        let of_window = |window: &Window| &self.windows[&(*window, number)].labels;
        let behind: Vec<Window> = windows.keys().copied().filter(|window| *of_window(window) != digest).collect();
        let new = self.kept(Some(&version.contract)).read_joined(number).and_then(|joined| joined.new_among(labels));
        let (waiting, stale): (Vec<Window>, Vec<Window>) = match &new {
            Some((joined, _)) => behind.iter().partition(|window| of_window(window) == joined),
            None => (Vec::new(), behind.clone()),
        };
        let told_of = self.told_of(number, version, windows, &waiting, new.map(|(_, new)| new).unwrap_or_default())?;
        let unlabelled = [stale, told_of].concat();
        if !unlabelled.is_empty() {
            self.count_outcomes(number, version, windows, &unlabelled, labels)?;
        }
        for window in &behind {
            self.counts_of(*window, number).labels.clone_from(&digest);
        }
        Ok(behind)
    }

    /// Those among some windows that some label files tell of.
    fn told_of(
        &self,
        number: u32,
        version: &Version,
        windows: &Windows,
        some: &[Window],
        labels: Vec<&Part>,
    ) -> Result<Vec<Window>> {
        if some.is_empty() || labels.is_empty() || !self.set_scan(number, windows, some)? {
            return Ok(Vec::new());
        }
        self.engine.set_files("label_files", labels.iter().map(|part| part.path.as_path()))?;
        let sql =
            include_str!("../../sql/labelled_windows.sql").replace("{filter}", &self.filter(Dialect::Duckdb, &version.contract));
        let names: BTreeSet<String> = self.engine.query(&sql, |row| Ok(row.get(0)?))?.into_iter().collect();
        Ok(some.iter().copied().filter(|window| names.contains(&window.name())).collect())
    }

    fn count_outcomes(
        &mut self,
        number: u32,
        version: &Version,
        windows: &Windows,
        unlabelled: &[Window],
        labels: &[Part],
    ) -> Result<()> {
        unlabelled.iter().for_each(|window| self.counts_of(*window, number).forget_outcomes());
        if labels.is_empty() || !self.set_scan(number, windows, unlabelled)? {
            return Ok(());
        }
        self.engine.set_files("label_files", labels.iter().map(|part| part.path.as_path()))?;
        let mut found: BTreeMap<(String, bool), Vec<Outcome>> = BTreeMap::new();
        for outcome in self.engine.query(&self.outcomes_query(version)?, read_outcome)? {
            found.entry((outcome.window.clone(), outcome.shadow)).or_default().push(outcome);
        }
        let grid = Grid::of(&version.reference.prediction);
        for ((name, shadow), outcomes) in found {
            let window = unlabelled.iter().find(|window| window.name() == name).expect("only these windows were scanned");
            take(self.counts_of(*window, number), shadow, &outcomes, grid);
        }
        Ok(())
    }

    fn outcomes_query(&self, version: &Version) -> Result<String> {
        let target = &version.contract.target;
        self.engine.set_texts("classes", &target.classes)?;
        self.engine.set_text("positive", &target.classes[target.followed()])?;
        let column = quote_name(&probability(&version.contract));
        let value = Grid::of(&version.reference.prediction).map_or(column.clone(), |grid| grid.cell(&column));
        Ok(include_str!("../../sql/count_outcomes.sql")
            .replace("{probability}", &value)
            .replace("{filter}", &self.filter(Dialect::Duckdb, &version.contract)))
    }

    /// Names the files of some windows that hold rows of this model and contract; tells whether there are any.
    /// A file of another contract has other columns, so it is not even opened.
    fn set_scan(&self, number: u32, windows: &Windows, some: &[Window]) -> Result<bool> {
        let own = |window: &Window, part: &Part| !self.windows[&(*window, number)].foreign.contains(&part.key());
        let parts = some.iter().flat_map(|window| windows[window].iter().filter(|part| own(window, part)));
        let paths: Vec<&Path> = parts.map(|part| part.path.as_path()).collect();
        self.engine.set_files("files", paths.iter().copied())?;
        self.engine.set_text("window_format", self.by.format())?;
        Ok(!paths.is_empty())
    }

    fn counts_of(&mut self, window: Window, number: u32) -> &mut WindowCounts {
        self.windows.get_mut(&(window, number)).expect("it was counted before")
    }
}

struct Outcome {
    window: String,
    shadow: bool,
    probability: f64,
    is_positive: bool,
    is_right: bool,
    is_strange: bool,
    n: u64,
}

fn take(counts: &mut WindowCounts, shadow: bool, outcomes: &[Outcome], grid: Option<Grid>) {
    let sum =
        |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| wanted(outcome)).map(|outcome| outcome.n).sum::<u64>();
    counts.n_strange_labels += sum(|outcome| outcome.is_strange);
    let Some(tally) = counts.side(shadow) else { return };
    tally.n_right = sum(|outcome| outcome.is_right);
    let judged = outcomes.iter().filter(|outcome| !outcome.is_strange);
    let probability = |outcome: &Outcome| grid.map_or(outcome.probability, |grid| grid.middle(outcome.probability));
    tally.outcomes = Outcomes::from_counts(judged.map(|outcome| (probability(outcome), outcome.is_positive, outcome.n)));
}

fn read_outcome(row: &Row) -> Result<Outcome> {
    Ok(Outcome {
        window: row.get(0)?,
        shadow: row.get(1)?,
        probability: row.get(2)?,
        is_positive: row.get(3)?,
        is_right: row.get(4)?,
        is_strange: row.get(5)?,
        n: row.get(6)?,
    })
}
