//! `monitor report --compare A B`: two windows, or two versions, held against each other by their counts alone.
//!
//! The first side is the reference. The rule in force judges, as it judges a window against training; no row of the log is read for it
//! beyond what a report counts.

mod asked;
mod outcome;
mod performance;
mod side;
mod text;
mod words;

pub(crate) use outcome::{ColumnOutcome, Outcome, SideReport};
pub(crate) use performance::Metric;
pub(crate) use text::interval;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use chrono::Utc;
use data_contract::{Home, Rules};

use crate::args::ReportArgs;
use crate::counting::{Counter, Served};
use crate::engine::Engine;
use crate::failure::{ALERT_FIRED, DONE, Failure};
use crate::hold::Hold;
use crate::report::{PATIENCE, model, sums};
use crate::report_compare::asked::{Asked, unknown};
use crate::report_compare::outcome::compare_sides;
use crate::report_compare::side::{Part, Side};
use crate::versions::{self, Versions};
use crate::window::By;
use crate::{files, page, report_text};

/// Compares two sides, writes the page and its data, and prints the outcome; the exit code tells whether anything drifted.
pub(crate) fn run(home: &Home, names: &[String], args: &ReportArgs, as_json: bool) -> Result<u8> {
    let engine = Engine::open(&home.monitor())?;
    let _hold = Hold::take(&home.monitor().join(".lock"), "report", PATIENCE)?;
    let model = model(home, &engine, args.model.as_deref())?;
    let counted = Counted::new(home, &engine, &model, [of(&names[0], args.by), of(&names[1], args.by)])?;
    let sides = [counted.side(&names[0], args.by)?, counted.side(&names[1], args.by)?];
    let outcome = compare_sides(&sides, &model, &rules(home, &sides[1])?, Utc::now());
    let output = args.output.clone().unwrap_or_else(|| home.monitor());
    files::replace(&output.join("compare.json"), &files::to_json(&outcome))?;
    files::replace(&output.join("compare.html"), page::render_comparison(&outcome).as_bytes())?;
    match as_json {
        true => report_text::json(&outcome),
        false => text::print(&outcome, &output.join("compare.html")),
    }
    Ok(if outcome.drifted { ALERT_FIRED } else { DONE })
}

/// The length of the window that a side names, or else the one that was asked for.
fn of(name: &str, by: By) -> By {
    Asked::parse(name).and_then(|asked| asked.window).map_or(by, |window| window.by)
}

/// The rules of the dataset of a side's newest version.
fn rules(home: &Home, side: &Side) -> Result<Rules, Failure> {
    let newest = side.parts.iter().max_by_key(|part| part.served.1).expect("a side has a part");
    versions::rules(home, &newest.version.manifest.data.dataset)
}

/// The counts of windows of every length that is asked for.
struct Counted<'a> {
    counters: BTreeMap<By, Counter<'a>>,
    versions: Versions,
}

impl<'a> Counted<'a> {
    fn new(home: &'a Home, engine: &'a Engine, model: &str, lengths: [By; 2]) -> Result<Self> {
        let (mut counters, mut versions) = (BTreeMap::new(), Versions::default());
        for by in BTreeSet::from(lengths) {
            let mut counter = Counter::new(engine, home, model, by);
            counter.refresh(&mut versions)?;
            counters.insert(by, counter);
        }
        Ok(Self { counters, versions })
    }

    fn side(&self, name: &str, by: By) -> Result<Side<'_>, Failure> {
        let parts = self.parts(of(name, by));
        let found = Asked::parse(name).map(|asked| {
            let taken = parts.iter().filter(|part| asked.takes(&part.served)).copied().collect();
            let windows = self.counters[&of(name, by)].windows().iter().filter(|(served, _)| asked.takes(served));
            let not_counted = sums(windows.flat_map(|(&(_, version), counts)| counts.left_out(version)));
            Side { asked, parts: taken, not_counted }
        });
        let served = || parts.iter().map(|part| part.served).collect::<BTreeSet<Served>>();
        found.filter(|side| !side.parts.is_empty()).ok_or_else(|| unknown(name, &served()))
    }

    /// Every window in which a version served that the registry holds, oldest first.
    fn parts(&self, by: By) -> Vec<Part<'_>> {
        let windows = self.counters[&by].windows().iter();
        windows
            .filter_map(|(&served, counts)| {
                let version = self.versions.known().find(|version| version.manifest.version == served.1)?;
                Some(Part { served, tally: counts.traffic.as_ref()?, version })
            })
            .collect()
    }
}
