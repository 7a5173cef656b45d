//! Feature rows through a model, again and again, as `benches/run` asks: `rows MODEL.onnx ROWS.f32 N_ROUNDS`.
//!
//! Writes the probabilities to ROWS.f32.out and prints the seconds of each round. Without rounds it makes the rows: `rows MODEL.onnx ROWS.f32`.
#![allow(clippy::print_stdout, reason = "the numbers are the result")]

#[path = "made_up/rows.rs"]
mod made_up;

use std::hint::black_box;
use std::time::Instant;

use inference_predictor::Predictor;

const N_ROWS: usize = 45_211;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, rest @ ..] = &arguments[..] else { return Err("give MODEL.onnx ROWS.f32 [N_ROUNDS]".into()) };
    let predictor = Predictor::load(&std::fs::read(model)?)?;
    let Some(n_rounds) = rest.first() else {
        let features = made_up::rows(predictor.contract(), N_ROWS);
        return Ok(std::fs::write(rows, features.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?);
    };
    let features: Vec<f32> = std::fs::read(rows)?.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let n_rows = features.len() / predictor.contract().n_features();
    let mut scores = predictor.scores(&features, n_rows)?;
    for _ in 0..n_rounds.parse()? {
        let start = Instant::now();
        scores = predictor.scores(black_box(&features), n_rows)?;
        println!("{}", start.elapsed().as_secs_f64());
    }
    let probabilities: Vec<u8> = scores.probabilities.iter().flat_map(|value| value.to_le_bytes()).collect();
    Ok(std::fs::write(format!("{rows}.out"), probabilities)?)
}
