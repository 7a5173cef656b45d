//! How long a prediction takes: `cargo run --release -p inference-predictor --example speed [MODEL.onnx]`.
#![allow(clippy::print_stdout, reason = "the numbers are the result")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use data_contract::{Column, ColumnKind, Contract, Record};
use inference_predictor::Predictor;

const TREES: &[u8] = include_bytes!("../tests/golden/gradient-boosting/model.onnx");
const N_SINGLE: usize = 20_000;
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
    for n_rows in BATCHES {
        let features = made_up(predictor.contract(), n_rows);
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

/// Feature rows within the ranges of the contract, so that no two walks down a tree are the same.
fn made_up(contract: &Contract, n_rows: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    let mut value = |column: &Column| match &column.kind {
        ColumnKind::Numeric { minimum, maximum, .. } => *minimum as f32 + unit() * (maximum - minimum) as f32,
        ColumnKind::Date { minimum, maximum, .. } => {
            (minimum.days() + f64::from(unit()) * (maximum.days() - minimum.days())) as f32
        }
        ColumnKind::Categorical { levels } => (unit() * levels.len() as f32).floor(),
    };
    (0..n_rows).flat_map(|_| contract.columns.iter().map(&mut value).collect::<Vec<f32>>()).collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}
