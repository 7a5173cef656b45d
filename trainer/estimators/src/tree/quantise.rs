//! Gradients as integers.
//!
//! Integer sums do not depend on the order of the terms, so a tree is the same whatever the number of threads. Rounding is stochastic,
//! which keeps sums unbiased: Shi, Ke, Chen, Zheng and Liu, "Quantized training of gradient boosting decision trees", NeurIPS 2022.

use rayon::prelude::*;

use super::histogram::Sums;
use crate::random::Random;

const CHUNK: usize = 16_384;

/// First and second derivative of the loss by a row's raw value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gradient {
    pub(crate) first: f32,
    pub(crate) second: f32,
}

/// Integer gradients and what one unit of them is worth.
#[derive(Default)]
pub(crate) struct Quantised {
    pub(crate) rows: Vec<Sums>,
    pub(crate) first_unit: f64,
    pub(crate) second_unit: f64,
}

/// Rounds gradients so that no sum of them leaves 32 bits.
#[cfg(test)]
pub(crate) fn quantise(gradients: &[Gradient], seed: u64) -> Quantised {
    let mut quantised = Quantised::default();
    quantised.fill(gradients, seed);
    quantised
}

impl Quantised {
    /// Rounds these gradients so that no sum of them leaves 32 bits, in the place of what it held.
    pub(crate) fn fill(&mut self, gradients: &[Gradient], seed: u64) {
        let (first, second) = magnitudes(gradients);
        let limit = f64::from(i32::MAX) - gradients.len() as f64 - 1.0;
        let (first_scale, second_scale) = (scale(limit, first), scale(limit, second));
        self.rows.resize(gradients.len(), Sums::default());
        self.rows.par_chunks_mut(CHUNK).zip(gradients.par_chunks(CHUNK)).enumerate().for_each(|(part, (rows, gradients))| {
            let mut random = Random::of_part(seed, part);
            for (row, gradient) in rows.iter_mut().zip(gradients) {
                let bits = random.bits();
                *row = Sums {
                    first: round(f64::from(gradient.first) * first_scale, bits >> 32),
                    second: round(f64::from(gradient.second) * second_scale, bits & 0xFFFF_FFFF),
                    count: 1,
                    padding: 0,
                };
            }
        });
        (self.first_unit, self.second_unit) = (first / limit, second / limit);
    }
}

/// Sums of absolute values; chunks are added in order, so the result does not depend on threads.
fn magnitudes(gradients: &[Gradient]) -> (f64, f64) {
    let chunks = gradients
        .par_chunks(CHUNK)
        .map(|chunk| chunk.iter().fold((0.0, 0.0), |sum, g| (sum.0 + f64::from(g.first.abs()), sum.1 + f64::from(g.second))));
    let chunks: Vec<(f64, f64)> = chunks.collect();
    chunks.iter().fold((0.0, 0.0), |sum, chunk| (sum.0 + chunk.0, sum.1 + chunk.1))
}

fn scale(limit: f64, magnitude: f64) -> f64 {
    if magnitude > 0.0 { limit / magnitude } else { 0.0 }
}

/// Down or up by 32 random bits, such that the mean is the value.
///
/// Truncation of a positive number is one instruction on every processor, which `floor` is not.
fn round(value: f64, bits: u64) -> i32 {
    const UP: i64 = 1 << 31;
    let share = f64::from(bits as u32) * (1.0 / (1_u64 << 32) as f64);
    ((value + share + UP as f64) as i64 - UP) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_sums_are_close_to_the_sums() {
        let gradients: Vec<Gradient> =
            (0..50_000).map(|i| Gradient { first: (i as f32).sin(), second: (i as f32).cos().abs() }).collect();
        let quantised = quantise(&gradients, 1);
        let first: i64 = quantised.rows.iter().map(|row| i64::from(row.first)).sum();
        let second: i64 = quantised.rows.iter().map(|row| i64::from(row.second)).sum();
        let expect = gradients.iter().fold((0.0, 0.0), |s, g| (s.0 + f64::from(g.first), s.1 + f64::from(g.second)));
        assert!((first as f64 * quantised.first_unit - expect.0).abs() < 0.01);
        assert!((second as f64 * quantised.second_unit - expect.1).abs() < 0.01);
        assert!(second <= i64::from(i32::MAX));
    }

    #[test]
    fn zero_gradients_stay_zero() {
        let quantised = quantise(&[Gradient::default(); 3], 1);
        assert!(quantised.rows.iter().all(|row| (row.first, row.second, row.count) == (0, 0, 1)));
    }
}
