//! Scoring a file with the production bundle.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use data_contract::{Column, Contract, Dataset, DateForm, Home, Moment, Record, SetAside, log_column, sha256_hex, shortest};
use inference_predictor::{LoadError, Predictor, Scores};
use polars::prelude::{DataFrame, Float64Chunked, IntoColumn, PlSmallStr, StringChunked};
use trainer_registry::store;

use crate::args::{Place, Predict};
use crate::dialect::Dialect;
use crate::failure::{Hint, failure};
use crate::frame::{self, Table, texts};
use crate::output::{self, Shown};
use crate::table_writer::TableWriter;
use crate::{dataset, rows, test};

/// Rows scored at a time.
const BATCH: usize = 131_072;
/// How many rows set aside are shown.
const SHOWN: usize = 5;

/// What `predict` prints.
#[derive(Debug, serde::Serialize)]
struct Outcome {
    output: PathBuf,
    model: String,
    version: u32,
    synthetic: bool,
    n_rows: usize,
    n_set_aside: usize,
    n_flagged: usize,
    labels: BTreeMap<String, usize>,
    set_aside: Option<PathBuf>,
    first_set_aside: Vec<SetAside>,
    logged: Option<PathBuf>,
}

/// Scores and prints what came of it.
pub(crate) fn execute(place: &Place, args: &Predict) -> anyhow::Result<()> {
    let predictor = predictor(place, args.model.as_deref())?;
    let dataset = dataset_of(place, predictor.contract());
    let dialect = dataset.as_ref().map_or_else(Dialect::default, |dataset| Dialect::of_another_file(&dataset.source));
    let mut log = args.log.then(|| Log::new(Utc::now()));
    let mut scored = Scored::default();
    let mut writer = None;
    frame::each_part(&args.input, dialect, BATCH, &mut |part| {
        let (records, set_aside) = records(&part, dataset.as_ref(), predictor.contract())?;
        let scores = scored.add(&predictor, &records, set_aside)?;
        let mut output = output(&part, &predictor, &records, &scores, args.only_predictions)?;
        if writer.is_none() {
            writer = Some(TableWriter::new(&args.output, &output)?);
        }
        let writer = writer.as_mut().expect("the first part began the file");
        writer.write(&mut output)?;
        match &mut log {
            Some(log) => log.add(&predictor, records.into_iter().flatten().collect()),
            None => Ok(()),
        }
    })?;
    writer.map_or(Ok(()), TableWriter::finish)?;
    let outcome = Outcome {
        output: args.output.clone(),
        model: predictor.name().to_owned(),
        version: predictor.version(),
        synthetic: predictor.synthetic(),
        n_rows: scored.n_rows,
        n_set_aside: scored.set_aside.len(),
        n_flagged: scored.n_flagged,
        labels: scored.labels,
        set_aside: write_set_aside(&args.output, &scored.set_aside)?,
        first_set_aside: scored.set_aside.into_iter().take(SHOWN).collect(),
        logged: log.map(|log| log.write(&place.home())).transpose()?,
    };
    output::show(&outcome, place.json);
    Ok(())
}

/// The predictor of a model file, or of the production bundle.
fn predictor(place: &Place, model: Option<&Path>) -> anyhow::Result<Predictor> {
    let (bytes, path) = match model {
        Some(path) => {
            (std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?, path.display().to_string())
        }
        None => (test::production(place)?.model()?, "the production bundle".into()),
    };
    let explain = |error: LoadError| {
        let hint = error.hint();
        Err(anyhow::Error::from(error)).with_context(|| format!("cannot load {path}")).hint(hint)
    };
    Predictor::load(&bytes).or_else(explain)
}

/// The dataset that a model was trained on, where its TOML file is at hand.
pub(crate) fn dataset_of(place: &Place, contract: &Contract) -> Option<Dataset> {
    dataset::read(place).ok().map(|(dataset, _)| dataset).filter(|dataset| dataset.name == contract.dataset)
}

/// A record per row, none where the row is set aside.
pub(crate) fn records(
    table: &Table,
    dataset: Option<&Dataset>,
    contract: &Contract,
) -> anyhow::Result<(Vec<Option<Record>>, Vec<SetAside>)> {
    let column = |column: &Column| {
        let rule = dataset.and_then(|dataset| dataset.rule(&column.name));
        let texts = texts(rows::column_of(table, &column.name, rule.map_or(&[], |rule| &rule.also))?)?;
        Ok(match rule.and_then(|rule| rule.form) {
            Some(form) => in_iso(&texts, form),
            None => texts,
        })
    };
    let columns: Vec<StringChunked> = contract.columns.iter().map(column).collect::<anyhow::Result<_>>()?;
    let broken: HashMap<usize, &String> = table.broken.iter().map(|(row, problem)| (*row, problem)).collect();
    let mut iterators: Vec<_> = columns.iter().map(StringChunked::iter).collect();
    let mut set_aside = Vec::new();
    let mut record = |(row, line): (usize, &u64)| {
        // Every column steps forward, also where a row is refused at its first value.
        let texts: Vec<Option<&str>> = iterators.iter_mut().map(|column| column.next().flatten()).collect();
        let parsed = contract.record_from_texts(texts);
        let fault = match (broken.get(&row), &parsed) {
            (Some(problem), _) => (None, (*problem).clone()),
            (None, Err(error)) => (error.column().map(str::to_owned), error.to_string()),
            (None, Ok(_)) => return parsed.ok(),
        };
        set_aside.push(SetAside { file: table.file.clone(), line: *line, column: fault.0, reason: fault.1 });
        None
    };
    let records = table.lines.iter().enumerate().map(&mut record).collect();
    Ok((records, set_aside))
}

/// Dates of a file in the form of records; what is none in the file's own form stays, to be refused as it stands.
fn in_iso(texts: &StringChunked, form: DateForm) -> StringChunked {
    let iso = |text: &str| Moment::read(text.trim(), Some(form)).map_or_else(|_| text.to_owned(), |moment| moment.to_string());
    texts.iter().map(|text| text.map(iso)).collect()
}

/// What is known of all rows so far.
#[derive(Default)]
struct Scored {
    n_rows: usize,
    n_flagged: usize,
    labels: BTreeMap<String, usize>,
    set_aside: Vec<SetAside>,
}

impl Scored {
    /// Scores a part's records, in order.
    fn add(&mut self, predictor: &Predictor, records: &[Option<Record>], set_aside: Vec<SetAside>) -> anyhow::Result<Scores> {
        let contract = predictor.contract();
        let mut features = Vec::with_capacity(records.len() * contract.n_features());
        records.iter().flatten().for_each(|record| record.features_into(contract, &mut features));
        let scores = predictor.scores(&features, records.iter().flatten().count())?;
        for label in &scores.labels {
            *self.labels.entry(contract.target.classes[*label as usize].clone()).or_default() += 1;
        }
        self.n_rows += records.len();
        self.n_flagged += records.iter().flatten().filter(|record| !record.flags(contract).is_empty()).count();
        self.set_aside.extend(set_aside);
        Ok(scores)
    }
}

/// The part's columns, then `label` and the probabilities; null where a row was set aside.
fn output(
    table: &Table,
    predictor: &Predictor,
    records: &[Option<Record>],
    scores: &Scores,
    only: bool,
) -> anyhow::Result<DataFrame> {
    let classes = &predictor.contract().target.classes;
    let mut positions = 0..;
    let positions: Vec<Option<usize>> = records.iter().map(|record| record.as_ref().and_then(|_| positions.next())).collect();
    let label = |position: &Option<usize>| position.map(|row| classes[scores.labels[row] as usize].as_str());
    let labels: StringChunked = positions.iter().map(label).collect();
    let mut predictions = vec![labels.with_name(log_column::LABEL.into()).into_column()];
    for (index, class) in classes.iter().enumerate() {
        let value = |position: &Option<usize>| position.map(|row| shortest(scores.probabilities[row * classes.len() + index]));
        let values: Float64Chunked = positions.iter().map(value).collect();
        predictions.push(values.with_name(log_column::probability(class).into()).into_column());
    }
    let inputs = if only { Vec::new() } else { table.frame.columns().to_vec() };
    let taken = |name: &PlSmallStr| inputs.iter().any(|input| input.name() == name);
    if let Some(twice) = predictions.iter().find(|column| taken(column.name())) {
        return Err(failure(
            format!("{} already has a column `{}`", table.file, twice.name()),
            "`--only-predictions` leaves the input's columns out",
        ));
    }
    Ok(DataFrame::new(positions.len(), inputs.into_iter().chain(predictions).collect())?)
}

fn write_set_aside(output: &Path, set_aside: &[SetAside]) -> anyhow::Result<Option<PathBuf>> {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".set-aside.ndjson");
    let path = output.with_file_name(name);
    if set_aside.is_empty() {
        remove_former(&path)?;
        return Ok(None);
    }
    let lines: String = set_aside.iter().map(|s| serde_json::to_string(s).map(|line| line + "\n")).collect::<Result<_, _>>()?;
    store::write_file(&path, lines.as_bytes())?;
    Ok(Some(path))
}

/// Removes the list of an earlier run, which speaks of other rows.
fn remove_former(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The predictions as `monitor ingest` takes them from the collector.
struct Log {
    time: DateTime<Utc>,
    batch: String,
    lines: String,
}

impl Log {
    fn new(time: DateTime<Utc>) -> Self {
        let batch = sha256_hex(format!("{time:?} {}", std::process::id()).as_bytes());
        Self { time, batch, lines: String::new() }
    }

    fn add(&mut self, predictor: &Predictor, records: Vec<Record>) -> anyhow::Result<()> {
        for (record, prediction) in records.iter().zip(predictor.predict_batch(&records)?) {
            let id = format!("batch-{}-{}", &self.batch[..16], self.lines.len());
            let line = predictor.log_record(record, &prediction, &id, &self.time.to_rfc3339(), "batch")?;
            self.lines += &(serde_json::to_string(&line)? + "\n");
        }
        Ok(())
    }

    fn write(&self, home: &Home) -> anyhow::Result<PathBuf> {
        // The time in microseconds, and for those who share one the process.
        let number = self.time.timestamp_micros().unsigned_abs() * 1_000 + u64::from(std::process::id() % 1_000);
        let path = home.collected_batch(number);
        store::write_file(&path, self.lines.as_bytes())?;
        Ok(path)
    }
}

impl Shown for Outcome {
    fn text(&self) -> String {
        let label = if self.synthetic { ", TRAINED ON SYNTHETIC ROWS" } else { "" };
        let labels: Vec<String> = self.labels.iter().map(|(label, count)| format!("{count} {label}")).collect();
        let mut text = format!(
            "{}: {} rows by {} version {}{label}: {}",
            self.output.display(),
            self.n_rows,
            self.model,
            self.version,
            labels.join(", ")
        );
        if self.n_flagged > 0 {
            text += &format!("\n{} rows hold a text or a number that training never saw; they are scored", self.n_flagged);
        }
        if let Some(path) = &self.set_aside {
            text += &format!("\n{} rows set aside, listed in {}:", self.n_set_aside, path.display());
            self.first_set_aside.iter().for_each(|s| text += &format!("\n  {}:{}: {}", s.file, s.line, s.reason));
        }
        if let Some(path) = &self.logged {
            text += &format!("\nlogged to {}; `monitor ingest` adds them to the log", path.display());
        }
        text
    }
}
