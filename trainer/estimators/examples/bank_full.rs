//! Measures both families on bank-full.csv of the UCI Bank Marketing data, without the column that is known only after the call.
//!
//! `cargo run --release -p trainer-estimators --example bank_full -- path/to/bank-full.csv [TEST_ROWS]`
//!
//! Steps with an exclamation mark ended before the fit converged. Two splits: random (stratified, 80/20) and in time (first 80 %, last 20 %; the file is ordered by date).
//! TEST_ROWS is a file of row numbers from 0, one a line: the test rows of a third split, to compare with other programs on the same rows.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Instant;

use trainer_estimators::metrics::Metrics;
use trainer_estimators::{Data, Family, FeatureKind, Fitted, Matrix, Params, logistic_regression, to_the_end};

const TARGET: &str = "y";
const LEFT_OUT: &str = "duration";
const MISSING: &str = "unknown";
const SEED: u64 = 42;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("the path of bank-full.csv is missing")?;
    let data = parse(&std::fs::read_to_string(path)?)?;
    println!(
        "{:<20} {:<7} {:>7} {:>7} {:>8} {:>8} {:>6} {:>7}",
        "family", "split", "auc", "ap", "log loss", "accuracy", "steps", "cpu s"
    );
    let mut splits = vec![random_split(&data)?, time_split(&data)?];
    if let Some(path) = std::env::args().nth(2) {
        splits.push(given_split(&data, &std::fs::read_to_string(path)?)?);
    }
    for (split, train, test) in splits {
        let defaults = Family::ALL.map(|family| (family.name(), Params::default_for(family)));
        let plain = logistic_regression::Params { n_knots: 0, l2: 1.0, ..Default::default() };
        for (name, params) in [("logistic, no knots", Params::LogisticRegression(plain))].into_iter().chain(defaults) {
            let started = (Instant::now(), cpu_seconds());
            let fitted = params.check()?.fit(&train, None, SEED, &mut to_the_end)?;
            let seconds = cpu_seconds().zip(started.1).map_or(started.0.elapsed().as_secs_f64(), |(end, start)| end - start);
            report(name, split, &fitted, &test, seconds)?;
        }
    }
    Ok(())
}

fn report(name: &str, split: &str, fitted: &Fitted, test: &Data, seconds: f64) -> Result<(), Box<dyn Error>> {
    let metrics = Metrics::measure(&fitted.probabilities(test.features()), test.classes(), 0.5)?;
    let (auc, ap) = (metrics.roc_auc.unwrap_or(f64::NAN), metrics.average_precision.unwrap_or(f64::NAN));
    let steps = format!("{}{}", fitted.n_steps(), if fitted.converged() { "" } else { "!" });
    println!(
        "{name:<20} {split:<7} {auc:>7.4} {ap:>7.4} {:>8.4} {:>8.4} {steps:>6} {seconds:>7.2}",
        metrics.log_loss, metrics.accuracy
    );
    Ok(())
}

/// No field of the file holds a separator or a quote.
fn parse(text: &str) -> Result<Data, Box<dyn Error>> {
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(';').map(|field| field.trim_matches('"')).collect()).collect();
    let (header, rows) = rows.split_first().ok_or("the file is empty")?;
    let target = header.iter().position(|&name| name == TARGET).ok_or("no target column")?;
    let columns: Vec<usize> = (0..header.len()).filter(|&c| c != target && header[c] != LEFT_OUT).collect();
    let (kinds, encoded): (Vec<FeatureKind>, Vec<Vec<f32>>) =
        columns.iter().map(|&column| encode(rows.iter().map(|row| row[column]).collect())).unzip();
    let values = (0..rows.len()).flat_map(|row| encoded.iter().map(move |column| column[row])).collect();
    let classes = rows.iter().map(|row| u32::from(row[target] == "yes")).collect();
    Ok(Data::new(Matrix::new(rows.len(), columns.len(), values)?, kinds, classes, 2, None)?)
}

fn encode(fields: Vec<&str>) -> (FeatureKind, Vec<f32>) {
    if let Ok(numbers) = fields.iter().map(|field| field.parse()).collect() {
        return (FeatureKind::Numeric, numbers);
    }
    let levels: Vec<&str> =
        fields.iter().copied().filter(|&field| field != MISSING).collect::<BTreeSet<_>>().into_iter().collect();
    let index = |field: &&str| levels.binary_search(field).map_or(-1.0, |level| level as f32);
    (FeatureKind::Categorical { n_levels: levels.len() }, fields.iter().map(index).collect())
}

type Split = (&'static str, Data, Data);

fn random_split(data: &Data) -> Result<Split, Box<dyn Error>> {
    let (mut train, mut test) = (vec![], vec![]);
    for class in 0..data.n_classes() as u32 {
        let mut rows: Vec<usize> = (0..data.n_rows()).filter(|&row| data.classes()[row] == class).collect();
        shuffle(&mut rows);
        let (first, rest) = rows.split_at(rows.len() / 5);
        test.extend_from_slice(first);
        train.extend_from_slice(rest);
    }
    train.sort_unstable();
    Ok(("random", data.select(&train)?, data.select(&test)?))
}

fn time_split(data: &Data) -> Result<Split, Box<dyn Error>> {
    let rows: Vec<usize> = (0..data.n_rows()).collect();
    let (train, test) = rows.split_at(rows.len() * 4 / 5);
    Ok(("time", data.select(train)?, data.select(test)?))
}

fn given_split(data: &Data, test_rows: &str) -> Result<Split, Box<dyn Error>> {
    let test: BTreeSet<usize> = test_rows.lines().map(str::parse).collect::<Result<_, _>>()?;
    let train: Vec<usize> = (0..data.n_rows()).filter(|row| !test.contains(row)).collect();
    Ok(("given", data.select(&train)?, data.select(&test.into_iter().collect::<Vec<_>>())?))
}

/// Fisher-Yates with Knuth's MMIX generator.
fn shuffle(rows: &mut [usize]) {
    let mut state = SEED;
    for last in (1..rows.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        rows.swap(last, (state >> 33) as usize % (last + 1));
    }
}

/// CPU time of this process in all threads, where the system tells (Linux, with its usual 100 ticks per second).
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit(')').next()?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    ticks.sum::<Result<f64, _>>().ok().map(|ticks| ticks / 100.0)
}
