//! Rows to splits: checked, dated, divided.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use data_contract::{
    CHECKS_FORMAT, Checks, Dataset, Finding, Home, Part, Prepared, SetAside, SplitKind, prepared_column, sha256_hex,
};
use polars::prelude::*;
use trainer_registry::store;

use crate::args::{Place, Prepare};
use crate::checks::{self, Subject, TestOrigin};
use crate::dialect::Dialect;
use crate::failure::{Hint, failure};
use crate::fetch::{self, Fetched};
use crate::output::{self, Shown};
use crate::rows::{self, Checker, Rows};
use crate::split::{self, Keys};
use crate::{dataset, frame, lock};

/// How many rows set aside are shown; the file has them all.
const SHOWN: usize = 5;

/// What `prepare` prints.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    prepared: Prepared,
    first_set_aside: Vec<SetAside>,
    set_aside_file: std::path::PathBuf,
    warnings: Vec<Finding>,
}

/// Prepares the rows and prints what came of it.
pub(crate) fn execute(place: &Place, args: &Prepare) -> anyhow::Result<()> {
    let (dataset, toml) = dataset::read(place)?;
    let fetched = match brought(args, &dataset)? {
        Some(fetched) => fetched,
        None => match fetch::last(&place.home(), &dataset) {
            Some(fetched) => fetched,
            None => fetch::fetch(place, &Default::default(), &dataset, &toml)?,
        },
    };
    output::show(&prepare(place, args, &dataset, &fetched)?, place.json);
    Ok(())
}

/// The train and the test file that the command line names, if it does.
pub(crate) fn brought(args: &Prepare, dataset: &Dataset) -> anyhow::Result<Option<Fetched>> {
    args.train.as_ref().zip(args.test.as_ref()).map(|(train, test)| fetch::bring(dataset, train, test)).transpose()
}

/// Prepares the rows; the former ones stay until the new ones are complete.
pub(crate) fn prepare(place: &Place, args: &Prepare, dataset: &Dataset, fetched: &Fetched) -> anyhow::Result<Outcome> {
    let home = place.home();
    let divided = match &fetched.test_file {
        None => divide(dataset, fetched, args.split.map_or(dataset.split.kind, SplitKind::from))?,
        Some(test) => hold_out(dataset, fetched, test)?,
    };
    require_enough(&divided)?;
    let rows = &divided.rows;
    for set_aside in rows.set_aside.iter().take(SHOWN) {
        tracing::warn!("set aside {}:{}: {}", set_aside.file, set_aside.line, set_aside.reason);
    }
    let subject = Subject { dataset, rows: &rows.frame, classes: &rows.classes, parts: &divided.parts, origin: divided.origin };
    let found = checks::check(subject)?;
    for finding in &found.findings {
        tracing::warn!("{}; {}", finding.message, finding.advice);
    }
    let _lock = lock::take(&home)?;
    let folder = store::folder_beside(home.root())?;
    let prepared = write(folder.path(), dataset, fetched, &divided, &found)?;
    store::replace_folder(&folder.keep(), &home.prepared())?;
    let first_set_aside = divided.rows.set_aside.into_iter().take(SHOWN).collect();
    let set_aside_file = home.prepared().join(SET_ASIDE);
    Ok(Outcome { prepared, first_set_aside, set_aside_file, warnings: found.findings })
}

/// Rows and the part of each.
struct Divided {
    rows: Rows,
    parts: Vec<Part>,
    origin: TestOrigin,
}

/// One file's rows, divided as the dataset says.
fn divide(dataset: &Dataset, fetched: &Fetched, kind: SplitKind) -> anyhow::Result<Divided> {
    dataset.check_group(kind).hint("`split.group` in the dataset's TOML file names the column")?;
    let table = frame::read_table(&fetched.file, Dialect::of(&dataset.source))?;
    let rows = Checker::new(dataset).check(&table)?;
    rows::require_two_classes(&rows.classes, dataset, &table.file)?;
    if kind == SplitKind::Time && rows.dates.is_none() {
        return Err(failure("the rows have no dates to split by", "say in `[time]` of the TOML file what dates them"));
    }
    let groups = group_numbers(&rows.frame)?;
    let keys = Keys { classes: &rows.classes, dates: rows.dates.as_deref(), groups: groups.as_deref() };
    let parts = split::divide(&dataset.split, kind, keys);
    Ok(Divided { rows, parts, origin: TestOrigin::Split(kind) })
}

/// Two files' rows: validation is drawn from the first, and the second tests.
fn hold_out(dataset: &Dataset, fetched: &Fetched, test: &Path) -> anyhow::Result<Divided> {
    let mut checker = Checker::new(dataset);
    let mut check = |file: &Path| {
        let table = frame::read_table(file, Dialect::of_another_file(&dataset.source))?;
        Ok::<_, anyhow::Error>((checker.check(&table)?, table.file))
    };
    let ((known, file), (test, _)) = (check(&fetched.file)?, check(test)?);
    rows::require_two_classes(&known.classes, dataset, &file)?;
    let groups = group_numbers(&known.frame)?;
    let mut parts = split::hold_out(&dataset.split, Keys { classes: &known.classes, dates: None, groups: groups.as_deref() });
    parts.resize(parts.len() + test.classes.len(), Part::Test);
    Ok(Divided { rows: known.followed_by(test)?, parts, origin: TestOrigin::File })
}

/// A number for each row, the same for rows that belong together; none where the dataset has no groups.
pub(crate) fn group_numbers(rows: &DataFrame) -> anyhow::Result<Option<Vec<usize>>> {
    let Ok(groups) = rows.column(prepared_column::GROUP) else { return Ok(None) };
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut numbers = Vec::with_capacity(rows.height());
    // A row without a group stands alone: its own position is a number that no group has, as groups are numbered by their first row.
    for (row, group) in groups.str()?.iter().enumerate() {
        numbers.push(group.map_or(row, |group| *known.entry(group).or_insert(row)));
    }
    Ok(Some(numbers))
}

const SET_ASIDE: &str = "set-aside.ndjson";
const SUMMARY: &str = "prepared.json";
const CHECKS: &str = "checks.json";

/// Reads what the last `prepare` left.
pub(crate) fn read(home: &Home) -> anyhow::Result<Prepared> {
    let path = home.prepared().join(SUMMARY);
    let hint = "`trainer prepare` makes it";
    let bytes =
        std::fs::read(&path).map_err(|e| failure(format!("there are no prepared rows: {}: {e}", path.display()), hint))?;
    serde_json::from_slice(&bytes).hint(hint)
}

/// Reads what the last `prepare` left, which must be of this dataset as its TOML file is now.
pub(crate) fn read_of(home: &Home, dataset: &Dataset) -> anyhow::Result<Prepared> {
    let prepared = read(home)?;
    let hint = "run `trainer prepare` again";
    if prepared.dataset != dataset.name {
        return Err(failure(format!("the prepared rows are of `{}`, not of `{}`", prepared.dataset, dataset.name), hint));
    }
    let rows = read_part(home, Part::Train)?;
    let names = dataset.columns.iter().map(|rule| rule.name.as_str()).chain([dataset.target.column.as_str()]);
    match names.into_iter().find(|name| rows.column(name).is_err()) {
        Some(name) => Err(failure(format!("the prepared rows have no column `{name}`"), hint)),
        None => Ok(prepared),
    }
}

/// The rows of one part.
pub(crate) fn read_part(home: &Home, part: Part) -> anyhow::Result<DataFrame> {
    frame::read_parquet(&home.prepared().join(part.file_name()))
}

fn require_enough(divided: &Divided) -> anyhow::Result<()> {
    let Divided { rows, parts, .. } = divided;
    let weighs = weighs(&rows.frame)?;
    for part in Part::ALL {
        let (is_train, name) = (part == Part::Train, part.file_name().trim_end_matches(".parquet"));
        let in_part = (0..parts.len()).filter(|row| parts[*row] == part && weighs[*row]);
        let present: BTreeSet<u32> = in_part.map(|row| rows.classes[row]).collect();
        let needed = if is_train { 2 } else { 1 };
        if present.len() < needed {
            let weight = if weighs.contains(&false) { " with a weight above 0" } else { "" };
            return Err(failure(
                format!("the {name} part would hold {} classes{weight} of {} rows in all", present.len(), parts.len()),
                "bring more rows, or change `[split]` in the dataset's TOML file",
            ));
        }
    }
    Ok(())
}

/// Whether each row counts.
fn weighs(rows: &DataFrame) -> PolarsResult<Vec<bool>> {
    match rows.column(prepared_column::WEIGHT) {
        Ok(weights) => Ok(weights.f64()?.iter().map(|weight| weight.is_some_and(|weight| weight > 0.0)).collect()),
        Err(_) => Ok(vec![true; rows.height()]),
    }
}

fn write(
    folder: &Path,
    dataset: &Dataset,
    fetched: &Fetched,
    divided: &Divided,
    found: &checks::Found,
) -> anyhow::Result<Prepared> {
    let Divided { rows, parts, origin } = divided;
    let (digest, [n_train, n_validation, n_test]) = write_parts(folder, &rows.frame, parts)?;
    let lines: String =
        rows.set_aside.iter().map(|s| serde_json::to_string(s).map(|line| line + "\n")).collect::<Result<_, _>>()?;
    store::write_file(&folder.join(SET_ASIDE), lines.as_bytes())?;
    store::write_file(&folder.join(CHECKS), &serde_json::to_vec_pretty(&as_checks(found, &digest))?)?;
    let date = |keep: &dyn Fn(Part) -> bool| {
        let dates = rows.dates.as_deref().unwrap_or_default();
        dates.iter().zip(parts).filter(|(_, part)| keep(**part)).map(|(date, _)| *date).collect::<Vec<_>>()
    };
    let test_file = fetched.test_file.as_ref().and_then(|file| file.file_name());
    let prepared = Prepared {
        format: 1,
        dataset: dataset.name.clone(),
        digest,
        source: fetched.sha256.clone(),
        synthetic: fetched.synthetic,
        seed: dataset.split.seed,
        split: if *origin == TestOrigin::Split(SplitKind::Time) { SplitKind::Time } else { SplitKind::Random },
        test_file: test_file.map(|name| name.to_string_lossy().into_owned()),
        n_train,
        n_validation,
        n_test,
        n_set_aside: rows.set_aside.len() as u64,
        first_date: date(&|part| part != Part::Test).into_iter().min(),
        test_from: date(&|part| part == Part::Test).into_iter().min(),
        last_date: date(&|_| true).into_iter().max(),
    };
    store::write_file(&folder.join(SUMMARY), &serde_json::to_vec_pretty(&prepared)?)?;
    Ok(prepared)
}

fn as_checks(found: &checks::Found, digest: &str) -> Checks {
    Checks {
        format: CHECKS_FORMAT,
        digest: digest.to_owned(),
        duplicate_share: found.duplicate_share,
        n_test_seen: found.n_test_seen,
        shift: found.shift,
        findings: found.findings.clone(),
    }
}

/// Writes the three files; returns a digest over them and their rows.
fn write_parts(folder: &Path, rows: &DataFrame, parts: &[Part]) -> anyhow::Result<(String, [u64; 3])> {
    let mut digests = String::new();
    let mut counts = [0; 3];
    for (part, count) in Part::ALL.into_iter().zip(&mut counts) {
        let mask: BooleanChunked = parts.iter().map(|p| Some(*p == part)).collect();
        let mut frame = rows.filter(&mask)?;
        let bytes = frame::to_parquet(&mut frame)?;
        *count = frame.height() as u64;
        digests += &sha256_hex(&bytes);
        store::write_file(&folder.join(part.file_name()), &bytes)?;
    }
    Ok((sha256_hex(digests.as_bytes()), counts))
}

impl Shown for Outcome {
    fn text(&self) -> String {
        let p = &self.prepared;
        let label = if p.synthetic { " (SYNTHETIC ROWS)" } else { "" };
        let mut text =
            format!("{}{label}: {} train, {} validation, {} test rows", p.dataset, p.n_train, p.n_validation, p.n_test);
        if let Some(file) = &p.test_file {
            text += &format!(" of {file}");
        }
        if let (Some(first), Some(test), Some(last)) = (p.first_date, p.test_from, p.last_date) {
            text += &match (p.split, &p.test_file) {
                (SplitKind::Time, _) => format!("; {first} to {last}, test from {test}"),
                (SplitKind::Random, None) => format!("; {first} to {last}, split at random"),
                (SplitKind::Random, Some(_)) => format!("; {first} to {last}"),
            };
        }
        if p.n_set_aside > 0 {
            text += &format!("\n{} rows set aside, listed in {}", p.n_set_aside, self.set_aside_file.display());
        }
        if !self.warnings.is_empty() {
            let file = self.set_aside_file.with_file_name(CHECKS);
            let warnings = if self.warnings.len() == 1 { "warning" } else { "warnings" };
            text += &format!("\n{} {warnings} about the rows, listed in {}", self.warnings.len(), file.display());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_group_share_its_number_and_a_row_without_one_stands_alone() {
        let column = Column::new(prepared_column::GROUP.into(), [Some("a"), None, Some("b"), Some("a"), None]);
        let groups = group_numbers(&DataFrame::new(5, vec![column]).unwrap()).unwrap().unwrap();
        assert!(groups[0] == groups[3] && groups[0] != groups[2]);
        assert!(groups[1] != groups[4] && [0, 2].iter().all(|&row| groups[row] != groups[1] && groups[row] != groups[4]));
    }
}
