//! Time and memory of a fit, to compare with other programs on the same rows.
//!
//! `RAYON_NUM_THREADS=1 cargo run --release -p trainer-estimators --example fit_cost -- FAMILY ROWS N_TRAIN [SETTING=VALUE ...]`
//!
//! ROWS is a file as `table` describes; the first N_TRAIN rows are learned from, the rest is measured on. FAMILY `lightgbm` is gradient
//! boosting with the default settings of LightGBM and all its rounds.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod table;

use std::error::Error;
use std::time::Instant;

use serde_json::{Value, json};
use trainer_estimators::metrics::Metrics;
use trainer_estimators::{Data, Params, ValidParams, to_the_end};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [family, path, n_train, settings @ ..] = arguments.as_slice() else {
        return Err("give FAMILY, ROWS and N_TRAIN".into());
    };
    let (train, test) = parts(table::read(path)?, n_train.parse()?)?;
    let params = params(family, settings)?;
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = (Instant::now(), table::cpu_seconds(), megabytes("VmRSS"));
    let fitted = params.fit(&train, None, 1, &mut to_the_end)?;
    println!(
        "{family}, {} rows, {} steps: {:.2} CPU s, {:.2} s, {} MB before and at most {} MB",
        train.n_rows(),
        fitted.n_steps(),
        table::cpu_seconds() - before.1,
        before.0.elapsed().as_secs_f64(),
        before.2,
        megabytes("VmHWM")
    );
    if let Some(test) = test {
        let metrics = Metrics::measure(&fitted.probabilities(test.features()), test.classes(), 0.5)?;
        let auc = metrics.roc_auc.unwrap_or(f64::NAN);
        println!("log loss {:.4}, auc {auc:.4}, accuracy {:.4}", metrics.log_loss, metrics.accuracy);
    }
    Ok(())
}

/// The family's defaults, and what the command line says.
fn params(family: &str, settings: &[String]) -> Result<ValidParams, Box<dyn Error>> {
    let mut params = match family {
        "lightgbm" => json!({
            "family": "gradient-boosting", "rounds": 100, "learning_rate": 0.1, "max_leaves": 31, "min_leaf_rows": 20, "l2": 0.0,
            "row_share": 1.0, "column_share": 1.0, "random_strength": 0.0, "category_smoothing": 10.0, "category_l2": 10.0, "category_group_rows": 100,
        }),
        family => json!({ "family": family }),
    };
    for setting in settings {
        let (name, value) = setting.split_once('=').ok_or("a setting is NAME=VALUE")?;
        params[name] = value.parse::<Value>()?;
    }
    let rounds = params["rounds"].as_u64();
    let params = serde_json::from_value::<Params>(params)?.check()?;
    Ok(match rounds {
        Some(rounds) => params.with_steps(rounds as usize),
        None => params,
    })
}

/// The first rows and the rest, if any.
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
