//! Time and memory of gradient boosting with LightGBM's default settings, to compare with LightGBM on the same rows.
//!
//! `RAYON_NUM_THREADS=1 cargo run --release -p trainer-estimators --example boosting_speed -- ROWS N_TRAIN [SETTING=VALUE ...]`
//!
//! ROWS is a file as `table` describes; the first N_TRAIN rows are learned from, the rest is measured on.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod table;

use std::error::Error;
use std::time::Instant;

use serde_json::{Value, json};
use trainer_estimators::metrics::Metrics;
use trainer_estimators::{Data, Params, to_the_end};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, n_train, settings @ ..] = arguments.as_slice() else { return Err("give ROWS and N_TRAIN".into()) };
    let (train, test) = parts(table::read(path)?, n_train.parse()?)?;
    let before = (Instant::now(), table::cpu_seconds(), megabytes("VmRSS"));
    let fitted = params(settings)?.check()?.fit(&train, None, 1, &mut to_the_end)?;
    println!(
        "{} rows, {} rounds: {:.2} CPU s, {:.2} s, {} MB of rows, at most {} MB",
        train.n_rows(),
        fitted.n_steps(),
        table::cpu_seconds() - before.1,
        before.0.elapsed().as_secs_f64(),
        before.2,
        megabytes("VmHWM")
    );
    if let Some(test) = test {
        let metrics = Metrics::measure(&fitted.probabilities(test.features()), test.classes(), 0.5)?;
        println!(
            "log loss {:.4}, auc {:.4}, accuracy {:.4}",
            metrics.log_loss,
            metrics.roc_auc.unwrap_or(f64::NAN),
            metrics.accuracy
        );
    }
    Ok(())
}

/// LightGBM's defaults, and what the command line says.
fn params(settings: &[String]) -> Result<Params, Box<dyn Error>> {
    let mut params = json!({
        "family": "gradient-boosting", "rounds": 100, "learning_rate": 0.1, "max_leaves": 31, "min_leaf_rows": 20, "l2": 0.0,
        "row_share": 1.0, "column_share": 1.0, "category_smoothing": 10.0, "category_l2": 10.0, "category_group_rows": 100,
    });
    for setting in settings {
        let (name, value) = setting.split_once('=').ok_or("a setting is NAME=VALUE")?;
        params[name] = value.parse::<Value>()?;
    }
    Ok(serde_json::from_value(params)?)
}

/// The first rows and the rest, if any; all rows are given up for it, so that memory is what a fit needs.
fn parts(all: Data, n_train: usize) -> Result<(Data, Option<Data>), Box<dyn Error>> {
    if n_train >= all.n_rows() {
        return Ok((all, None));
    }
    let rows: Vec<usize> = (0..all.n_rows()).collect();
    let (train, test) = rows.split_at(n_train);
    Ok((all.select(train)?, Some(all.select(test)?)))
}

/// A figure of this process's memory.
fn megabytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).map_or(0, |kilobytes| kilobytes / 1024)
}
