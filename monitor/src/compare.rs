//! `monitor compare`: two files, column by column, without a model.
//!
//! Each file is read once by DuckDB, a few columns at a time, and becomes value counts; the statistics see counts only.
//! The rule `evidently`, the default, gives the figures of Evidently 0.7: kinds are inferred from the current file as its
//! `Dataset.from_pandas` does, statistics and thresholds are its defaults, and both of its shares of missing cells are told.
//! Where Evidently fails as a whole (a column without values, a column of one file only) or trains a classifier (free text),
//! the column is left out and named.

mod cells;
mod count;
mod csv;
mod kinds;
mod measure;
mod missing;
mod numbers;
mod outcome;
mod plan;
mod table;
mod text;

pub(crate) use outcome::LeftOut;

use std::path::Path;

use anyhow::{Context, Result};
use monitor_drift::{Counts, Kind};

use crate::args::CompareArgs;
use crate::compare::count::{Keep, Values, count};
use crate::compare::measure::{Judge, Measured};
use crate::compare::missing::Tallied;
use crate::compare::outcome::Comparison;
use crate::compare::plan::Plan;
use crate::compare::table::{Column, Table};
use crate::engine::Engine;
use crate::failure::{ALERT_FIRED, DONE, Failure};
use crate::report_text;

/// Values of both files that are counted together, so that a batch of columns stays small.
const BATCH_VALUES: u64 = 4_000_000;
/// Bytes below which a file is read by one thread.
const SMALL_FILE: u64 = 8 << 20;
/// DuckDB's `GROUPING` takes fewer than 64 columns.
const MAX_BATCH: u64 = 60;

/// Compares two files and prints the outcome; the exit code tells whether the data drifted.
pub(crate) fn run(args: &CompareArgs, as_json: bool) -> Result<u8> {
    let plan = Plan::new(args)?;
    let spill = tempfile::tempdir().context("cannot create a temporary folder")?;
    let engine = Engine::open(spill.path())?;
    engine.run("SET preserve_insertion_order = false")?;
    if [&args.reference, &args.current].iter().all(|path| is_small(path)) {
        // Threads would cost more than they save.
        engine.run("SET threads = 1")?;
    }
    let mut sides = Sides {
        reference: Table::open(&engine, &args.reference, "reference")?,
        current: Table::open(&engine, &args.current, "current")?,
    };
    if plan.binned {
        cells::divide(&engine, &mut sides, &plan)?;
    }
    let comparison = compare(&engine, &sides, &plan)?;
    match as_json {
        true => report_text::json(&comparison),
        false => text::print(&comparison),
    }
    Ok(if comparison.dataset_drift { ALERT_FIRED } else { DONE })
}

fn is_small(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() < SMALL_FILE)
}

/// The two files.
struct Sides {
    reference: Table,
    current: Table,
}

/// A column of both files.
#[derive(Clone, Copy)]
struct Common<'a> {
    reference: &'a Column,
    current: &'a Column,
}

/// What has been found so far.
struct Findings {
    judge: Judge,
    left_out: Vec<LeftOut>,
    missing: [Tallied; 2],
}

fn compare(engine: &Engine, sides: &Sides, plan: &Plan) -> Result<Comparison> {
    plan.check(sides)?;
    let (common, left_out) = sides.common(plan)?;
    let mut findings = Findings { judge: Judge::new(plan.rule), left_out, missing: Default::default() };
    let n_rows = sides.reference.n_rows + sides.current.n_rows;
    let batch = (BATCH_VALUES / n_rows).clamp(1, MAX_BATCH) as usize;
    for columns in common.chunks(batch) {
        compare_batch(engine, sides, plan, columns, &mut findings)?;
    }
    for (table, tallied) in [&sides.reference, &sides.current].into_iter().zip(&mut findings.missing) {
        tallied.add_the_rest(engine, table, plan)?;
    }
    Comparison::new(findings, sides, plan)
}

fn compare_batch(engine: &Engine, sides: &Sides, plan: &Plan, columns: &[Common], findings: &mut Findings) -> Result<()> {
    let wanted: Vec<&Column> = columns.iter().map(|column| column.current).collect();
    let mut kept: Vec<(&Column, Kind, Values)> = Vec::new();
    for (column, values) in columns.iter().zip(count(engine, &sides.current, &wanted, plan, Keep::Repeated)?) {
        findings.missing[1].add(&column.current.name, &values);
        match plan.kind(column.current, &values) {
            Ok(kind) => kept.push((column.reference, kind, values)),
            Err(reason) => findings.left_out.push(LeftOut::new(&column.current.name, reason)),
        }
    }
    let wanted: Vec<&Column> = kept.iter().map(|(column, ..)| *column).collect();
    let reference = count(engine, &sides.reference, &wanted, plan, Keep::All)?;
    for ((column, kind, current), reference) in kept.into_iter().zip(reference) {
        findings.missing[0].add(&column.name, &reference);
        compare_column(&column.name, kind, [reference, current], plan, findings)?;
    }
    Ok(())
}

fn compare_column(name: &str, kind: Kind, sides: [Values; 2], plan: &Plan, findings: &mut Findings) -> Result<()> {
    let [Some(reference), Some(current)] = sides.map(|values| values.of_kind(kind)) else {
        findings.left_out.push(LeftOut::new(name, "one file holds numbers and the other does not; `--categorical` compares it"));
        return Ok(());
    };
    match measured(name, &reference, &current, plan)? {
        Ok(measured) => findings.judge.add(measured),
        Err(reason) => findings.left_out.push(LeftOut::new(name, reason)),
    }
    Ok(())
}

/// The figures of a column, or why there are none.
fn measured(name: &str, reference: &Counts, current: &Counts, plan: &Plan) -> Result<Result<Measured, String>> {
    let kind = reference.kind();
    match plan.statistic {
        Some(statistic) if !statistic.applies_to(kind) => {
            let others = format!("`--columns` names the columns to compare, and `--{}` changes a column's kind", other(kind));
            Err(Failure::NotForColumn { statistic, column: name.to_owned(), kind, others }.into())
        }
        statistic => Ok(Measured::new(name, reference, current, plan.rule, statistic)),
    }
}

fn other(kind: Kind) -> Kind {
    if kind == Kind::Numeric { Kind::Categorical } else { Kind::Numeric }
}

impl Sides {
    /// The columns of both files in the order of the current one, and those that only one has.
    fn common(&self, plan: &Plan) -> Result<(Vec<Common<'_>>, Vec<LeftOut>), Failure> {
        let mut common = Vec::new();
        let mut left_out = Vec::new();
        for current in self.current.columns.iter().filter(|column| plan.takes(&column.name)) {
            match self.reference.column(&current.name) {
                Some(reference) => common.push(Common { reference, current }),
                None => left_out.push(LeftOut::new(&current.name, "only the current file has it")),
            }
        }
        let lost = self.reference.columns.iter().filter(|column| plan.takes(&column.name));
        let lost = lost.filter(|column| self.current.column(&column.name).is_none());
        left_out.extend(lost.map(|column| LeftOut::new(&column.name, "only the reference has it")));
        match common.is_empty() {
            false => Ok((common, left_out)),
            true => Err(Failure::NoCommonColumn {
                reference: self.reference.path.clone(),
                current: self.current.path.clone(),
                names: [self.reference.names(), self.current.names()],
            }),
        }
    }
}
