//! Rows to splits: checked, dated, divided.

use std::path::Path;

use data_contract::{Dataset, Home, Part, Prepared, SetAside, SplitKind, sha256_hex};
use polars::prelude::*;
use trainer_registry::store;

use crate::args::{Place, Prepare};
use crate::failure::{Hint, failure};
use crate::fetch::{self, Fetched};
use crate::output::{self, Shown};
use crate::{dataset, frame, lock, rows, split};

/// How many rows set aside are shown; the file has them all.
const SHOWN: usize = 5;

/// What `prepare` prints.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    prepared: Prepared,
    first_set_aside: Vec<SetAside>,
    set_aside_file: std::path::PathBuf,
}

/// Prepares the rows and prints what came of it.
pub(crate) fn execute(place: &Place, args: &Prepare) -> anyhow::Result<()> {
    let (dataset, toml) = dataset::read(place)?;
    let fetched = match fetch::last(&place.home(), &dataset) {
        Some(fetched) => fetched,
        None => fetch::fetch(place, &Default::default(), &dataset, &toml)?,
    };
    output::show(&prepare(place, args, &dataset, &fetched)?, place.json);
    Ok(())
}

/// Prepares the rows; the former ones stay until the new ones are complete.
pub(crate) fn prepare(place: &Place, args: &Prepare, dataset: &Dataset, fetched: &Fetched) -> anyhow::Result<Outcome> {
    let home = place.home();
    let table = frame::read_table(&fetched.file, dataset.source.separator)?;
    let rows = rows::check(&table, dataset)?;
    let kind = args.split.map_or(dataset.split.kind, SplitKind::from);
    if kind == SplitKind::Time && rows.dates.is_none() {
        return Err(failure("the rows have no dates to split by", "say in `[time]` of the TOML file what dates them"));
    }
    let parts = split::divide(&dataset.split, kind, &rows.classes, rows.dates.as_deref());
    require_enough(&parts, &rows.classes)?;
    for set_aside in rows.set_aside.iter().take(SHOWN) {
        tracing::warn!("set aside {}:{}: {}", set_aside.file, set_aside.line, set_aside.reason);
    }
    let _lock = lock::take(&home)?;
    let folder = store::folder_beside(home.root())?;
    let prepared = write(folder.path(), dataset, fetched, kind, &rows, &parts)?;
    store::replace_folder(&folder.keep(), &home.prepared())?;
    let first_set_aside = rows.set_aside.into_iter().take(SHOWN).collect();
    Ok(Outcome { prepared, first_set_aside, set_aside_file: home.prepared().join(SET_ASIDE) })
}

const SET_ASIDE: &str = "set-aside.ndjson";
const SUMMARY: &str = "prepared.json";

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

fn require_enough(parts: &[Part], classes: &[u32]) -> anyhow::Result<()> {
    for part in Part::ALL {
        let mut present: Vec<u32> = parts.iter().zip(classes).filter(|(p, _)| **p == part).map(|(_, class)| *class).collect();
        present.sort_unstable();
        present.dedup();
        let needed = if part == Part::Train { 2 } else { 1 };
        if present.len() < needed {
            let name = part.file_name().trim_end_matches(".parquet");
            return Err(failure(
                format!("the {name} part would hold {} classes of {} rows in all", present.len(), parts.len()),
                "bring more rows, or change `[split]` in the dataset's TOML file",
            ));
        }
    }
    Ok(())
}

fn write(
    folder: &Path,
    dataset: &Dataset,
    fetched: &Fetched,
    kind: SplitKind,
    rows: &rows::Rows,
    parts: &[Part],
) -> anyhow::Result<Prepared> {
    let (digest, [n_train, n_validation, n_test]) = write_parts(folder, &rows.frame, parts)?;
    let lines: String =
        rows.set_aside.iter().map(|s| serde_json::to_string(s).map(|line| line + "\n")).collect::<Result<_, _>>()?;
    store::write_file(&folder.join(SET_ASIDE), lines.as_bytes())?;
    let date = |keep: &dyn Fn(Part) -> bool| {
        let dates = rows.dates.as_deref().unwrap_or_default();
        dates.iter().zip(parts).filter(|(_, part)| keep(**part)).map(|(date, _)| *date).collect::<Vec<_>>()
    };
    let prepared = Prepared {
        format: 1,
        dataset: dataset.name.clone(),
        digest,
        source: fetched.sha256.clone(),
        synthetic: fetched.synthetic,
        seed: dataset.split.seed,
        split: kind,
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
        if let (Some(first), Some(test), Some(last)) = (p.first_date, p.test_from, p.last_date) {
            text += &match p.split {
                SplitKind::Time => format!("; {first} to {last}, test from {test}"),
                SplitKind::Random => format!("; {first} to {last}, split at random"),
            };
        }
        if p.n_set_aside > 0 {
            text += &format!("\n{} rows set aside, listed in {}", p.n_set_aside, self.set_aside_file.display());
        }
        text
    }
}
