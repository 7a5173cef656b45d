//! Every family with its defaults on small tables, over given splits, to compare with other programs on the same splits.
//!
//! `cargo run --release -p trainer-estimators --example small_tables -- [--only FAMILY] [SETTING=VALUE ...] ROWS.tbl ...`
//!
//! `ROWS.tbl` is a file as `table` describes; beside it, each line of `ROWS.splits` holds the test rows of one split.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod table;

use std::collections::BTreeSet;
use std::error::Error;

use serde_json::Value;
use trainer_estimators::metrics::Metrics;
use trainer_estimators::{Data, Family, Params, to_the_end};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut families, mut settings, mut paths) = (Family::ALL.to_vec(), vec![], vec![]);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.split_once('=') {
            _ if argument == "--only" => families = vec![arguments.next().ok_or("which family?")?.parse()?],
            Some((name, value)) => settings.push((name.to_owned(), value.parse::<Value>()?)),
            None => paths.push(argument),
        }
    }
    println!("{:<12} {:<22} {:>8} {:>8} {:>7} {:>9}", "table", "family", "log loss", "accuracy", "steps", "cpu s/fit");
    for path in paths {
        let data = table::read(&path)?;
        let splits = std::fs::read_to_string(path.replace(".tbl", ".splits"))?;
        for &family in &families {
            report(&path, &data, &splits, params(family, &settings)?)?;
        }
    }
    Ok(())
}

/// A family's defaults, and what the command line says.
fn params(family: Family, settings: &[(String, Value)]) -> Result<Params, Box<dyn Error>> {
    let mut params = serde_json::to_value(Params::default_for(family))?;
    settings.iter().for_each(|(name, value)| params[name] = value.clone());
    Ok(serde_json::from_value(params)?)
}

fn report(path: &str, data: &Data, splits: &str, params: Params) -> Result<(), Box<dyn Error>> {
    let (mut log_loss, mut accuracy, mut steps, mut n) = (0.0, 0.0, 0, 0);
    let family = params.family();
    let params = params.check()?;
    let started = table::cpu_seconds();
    for line in splits.lines() {
        let test: BTreeSet<usize> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let train: Vec<usize> = (0..data.n_rows()).filter(|row| !test.contains(row)).collect();
        let test = data.select(&test.into_iter().collect::<Vec<_>>())?;
        let fitted = params.fit(&data.select(&train)?, None, 1, &mut to_the_end)?;
        let metrics = Metrics::measure(&fitted.probabilities(test.features()), test.classes(), 0.5)?;
        (log_loss, accuracy) = (log_loss + metrics.log_loss, accuracy + metrics.accuracy);
        (steps, n) = (steps + fitted.n_steps(), n + 1);
    }
    let table = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".tbl");
    let mean = |sum: f64| sum / f64::from(n);
    let seconds = mean(table::cpu_seconds() - started);
    println!("{table:<12} {family:<22} {:>8.4} {:>8.4} {:>7} {seconds:>9.2}", mean(log_loss), mean(accuracy), steps / n as usize);
    Ok(())
}
