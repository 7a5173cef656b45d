//! How long a prediction takes: `cargo run --release -p inference-predictor --example speed [MODEL.onnx]`.
#![allow(clippy::print_stdout, reason = "the numbers are the result")]

#[path = "made_up/rows.rs"]
mod made_up;

use std::hint::black_box;
use std::time::{Duration, Instant};

use data_contract::{ColumnKind, Contract, Record};
use inference_predictor::Predictor;

const TREES: &[u8] = include_bytes!("../tests/golden/gradient-boosting/model.onnx");
const N_SINGLE: usize = 20_000;
const N_EXPLAINED: usize = 51;
const BATCHES: [usize; 3] = [1, 1_000, 45_211];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => TREES.to_vec(),
    };
    let start = Instant::now();
    let predictor = Predictor::load(&model)?;
    println!("{} bytes load in {:.2?}, {}", model.len(), start.elapsed(), predictor.engine());

    let record = middle(predictor.contract())?;
    let mut times: Vec<Duration> = (0..N_SINGLE).map(|_| timed(|| predictor.predict(black_box(&record)))).collect();
    times.sort();
    println!("predict: p50 {:.1?}, p99 {:.1?}", times[N_SINGLE / 2], times[N_SINGLE * 99 / 100]);
    let mut times: Vec<Duration> = (0..N_EXPLAINED).map(|_| timed(|| predictor.explain(black_box(&record)))).collect();
    times.sort();
    match predictor.explain(&record) {
        Ok(explanation) => println!("explain: p50 {:.1?}, {}", times[N_EXPLAINED / 2], explanation.method.name()),
        Err(error) => println!("explain: {error}"),
    }
    for n_rows in BATCHES {
        let features = made_up::rows(predictor.contract(), n_rows);
        let best = (0..5).map(|_| timed(|| predictor.scores(black_box(&features), n_rows))).min().unwrap_or_default();
        println!("scores of {n_rows} rows: {best:.1?}, {:.2?} per row", best / n_rows as u32);
    }
    Ok(())
}

/// A record of medians and most frequent levels.
fn middle(contract: &Contract) -> Result<Record, data_contract::RecordError> {
    let texts: Vec<String> = contract
        .columns
        .iter()
        .map(|column| match &column.kind {
            ColumnKind::Numeric { median, .. } => median.to_string(),
            ColumnKind::Date { median, .. } => median.to_string(),
            ColumnKind::Categorical { levels } => levels.first().cloned().unwrap_or_default(),
        })
        .collect();
    contract.record_from_texts(texts.iter().map(|text| Some(text.as_str())))
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}
