//! Our side of `trainer/benches`: fits what it is told on the rows the peers get, and measures.
//!
//! Reads one job per line from stdin, `{"case": FOLDER, "params": {"family": NAME, …}, "seed": 42}`, and answers each with a line of JSON.
//! A case is a folder of NumPy files, written by `trainer/benches/bench/case.py`; with `validation.npy` in it, a family that can stop
//! early watches those rows. CPU seconds are those of the fit alone, all threads together; the peak of memory is the process's so far, so
//! one job per process tells the memory of one fit.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod case;
mod npy;

use std::error::Error;
use std::io::BufRead;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trainer_estimators::metrics::Metrics;
use trainer_estimators::{Data, Fitted, Params, ValidParams, to_the_end};

use case::Case;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    case: PathBuf,
    params: Params,
    #[serde(default = "usual_seed")]
    seed: u64,
    /// Folds that tell how many rounds or epochs to take on all rows; 0 leaves it to the settings, 1 holds out one fifth.
    #[serde(default)]
    folds: usize,
}

/// What both sides tell of a job.
#[derive(Serialize)]
struct Measured {
    auc: Option<f64>,
    average_precision: Option<f64>,
    log_loss: f64,
    accuracy: f64,
    fit_cpu: f64,
    predict_cpu: f64,
    peak_mib: f64,
    steps: usize,
    converged: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut case: Option<(PathBuf, Case)> = None;
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line?)?;
        if case.as_ref().is_none_or(|(path, _)| *path != job.case) {
            case = Some((job.case.clone(), Case::read(&job.case)?));
        }
        let answer = match case.as_ref().map(|(_, case)| run(&job, case)) {
            Some(Ok(measured)) => serde_json::to_string(&measured)?,
            Some(Err(error)) => serde_json::json!({ "error": error.to_string() }).to_string(),
            None => unreachable!("the case was read above"),
        };
        println!("{answer}");
    }
    Ok(())
}

fn run(job: &Job, case: &Case) -> Result<Measured, Box<dyn Error>> {
    let params = job.params.clone().check()?;
    let start = cpu_seconds();
    let fitted = match job.folds {
        0 => params.fit(&case.train, case.validation.as_ref(), job.seed, &mut to_the_end)?,
        folds => fit_with_folds(&params, &case.train, folds, job.seed)?,
    };
    let (fit_end, peak_mib) = (cpu_seconds(), peak_mib()?);
    let probabilities = fitted.probabilities(case.test.features());
    let predict_cpu = cpu_seconds() - fit_end;
    let metrics = Metrics::measure(&probabilities, case.test.classes(), 0.5)?;
    Ok(Measured {
        auc: metrics.roc_auc,
        average_precision: metrics.average_precision,
        log_loss: metrics.log_loss,
        accuracy: metrics.accuracy,
        fit_cpu: fit_end - start,
        predict_cpu,
        peak_mib,
        steps: fitted.n_steps(),
        converged: fitted.converged(),
    })
}

/// Fits on all rows with the mean number of steps that was best on rows held out.
fn fit_with_folds(params: &ValidParams, train: &Data, folds: usize, seed: u64) -> Result<Fitted, Box<dyn Error>> {
    let n_parts = folds.max(5);
    let parts = parts_of_rows(train, n_parts);
    let mut steps = Vec::with_capacity(folds);
    for part in 0..folds {
        let (held_out, rest): (Vec<usize>, Vec<usize>) = (0..train.n_rows()).partition(|&row| parts[row] == part);
        let fitted = params.fit(&train.select(&rest)?, Some(&train.select(&held_out)?), seed, &mut to_the_end)?;
        steps.push(fitted.n_steps());
    }
    let mean = steps.iter().sum::<usize>().div_ceil(folds);
    Ok(params.clone().with_steps(mean).fit(train, None, seed, &mut to_the_end)?)
}

/// Deals the rows of each class out in turn; rows come in no order, as the split draws them at random.
fn parts_of_rows(data: &Data, n_parts: usize) -> Vec<usize> {
    let mut seen = vec![0; data.n_classes()];
    let of_class = |class: &u32| {
        seen[*class as usize] += 1;
        seen[*class as usize] % n_parts
    };
    data.classes().iter().map(of_class).collect()
}

fn usual_seed() -> u64 {
    42
}

/// CPU time of this process, in all its threads.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory this process ever had resident.
fn peak_mib() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("/proc/self/status has no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
