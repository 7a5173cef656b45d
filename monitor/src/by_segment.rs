//! The report by the values of one column: every segment is counted, and measured against its own reference.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use inference_predictor::Predictor;
use monitor_drift::Discoveries;

use crate::counting::{Counter, not_here};
use crate::failure::Failure;
use crate::measure::{Measure, measure_next};
use crate::report::Plan;
use crate::report_model::WindowReport;
use crate::segment_reference::{Known, of_segment};
use crate::segments::{Segment, SegmentReport, Segments, segments};
use crate::versions::{self, Version, Versions};
use data_contract::Rules;

/// What versions know, read once for all segments; or why it cannot be.
type Knowing = BTreeMap<u32, Result<(Known, Predictor), String>>;

/// Reports every segment of a column; the newest version that served says which there are.
pub(crate) fn by_segment(
    plan: &Plan,
    counter: &Counter,
    versions: &mut Versions,
    rules: &Rules,
    column: &str,
) -> Result<Segments> {
    let newest = counter.windows().keys().map(|(_, number)| *number).max();
    let newest = newest.map(|number| versions.get(plan.home, number)).transpose()?.flatten();
    let unknown =
        || Failure::NoSegment { column: column.to_owned(), names: "not known, as no version that served is here".to_owned() };
    let (found, n_left_out) = segments(newest.ok_or_else(unknown)?, column)?;
    let mut knowing = Knowing::new();
    let mut told = Vec::new();
    for segment in found {
        let windows = windows(plan, counter, versions, rules, &segment, &mut knowing)?;
        told.push(SegmentReport { name: segment.name(), reference_share: segment.share, windows });
    }
    let problems = knowing.into_values().filter_map(Result::err).collect();
    Ok(Segments { column: column.to_owned(), segments: told, n_left_out, problems })
}

fn windows(
    plan: &Plan,
    counter: &Counter,
    versions: &mut Versions,
    rules: &Rules,
    segment: &Segment,
    knowing: &mut Knowing,
) -> Result<Vec<WindowReport>> {
    let mut counter = counter.of_segment(segment);
    counter.refresh(versions)?;
    let mut references: BTreeMap<u32, Option<Version>> = BTreeMap::new();
    let mut reports = Vec::new();
    let mut discoveries = Discoveries::at_rate(rules.false_discovery_rate);
    for (&(window, number), counts) in counter.windows() {
        let importance = versions.importance(plan.home, number)?;
        let Some(version) = versions.get(plan.home, number)?.cloned() else { continue };
        let reference = match references.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(reference(plan, &counter, &version, segment, knowing)?),
        };
        if let Some(version) = reference {
            let by = Measure { rules, importance: &importance, fell_silent: &BTreeSet::new(), now: plan.now };
            reports.extend(measure_next((window, number), counts, version, &by, &mut discoveries));
        }
    }
    Ok(reports)
}

/// A version with the segment's reference; none where it knew no such row, or what it knew cannot be told.
fn reference(
    plan: &Plan,
    counter: &Counter,
    version: &Version,
    segment: &Segment,
    knowing: &mut Knowing,
) -> Result<Option<Version>> {
    let number = version.manifest.version;
    let known = match knowing.entry(number) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(free) => free.insert(known(plan, counter, version)?),
    };
    match known {
        Ok((known, predictor)) => Ok(of_segment(version, segment, known, predictor)?),
        Err(_) => Ok(None),
    }
}

fn known(plan: &Plan, counter: &Counter, version: &Version) -> Result<Result<(Known, Predictor), String>> {
    let number = version.manifest.version;
    let known = counter.known(version)?;
    if known.rows.is_empty() {
        return Ok(Err(not_here(version)));
    }
    let predictor = versions::predictor(plan.home, number);
    Ok(predictor.map(|predictor| (known, predictor)).ok_or_else(|| format!("the model of version {number} cannot be loaded")))
}
