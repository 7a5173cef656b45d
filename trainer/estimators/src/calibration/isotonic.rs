//! Isotonic regression of one class: a curve that never falls, by pooling neighbours that would.
//!
//! Ayer, Brunk, Ewing, Reid and Silverman, "An empirical distribution function for sampling with incomplete information", 1955. Rows are first
//! put into groups of about equal size, and the curve is linear between the groups' means: a probability that differs in its last bit from one
//! engine to the next then stays where it is, which steps would not grant.

use serde::{Deserialize, Serialize};

use crate::metrics::ranking::{Ranked, positive_weight, weight};

/// Groups of rows at most.
const MAX_GROUPS: usize = 200;

/// Rows of a group at least.
const MIN_GROUP_ROWS: usize = 25;

/// The steepest piece: what an engine's rounding may grow by.
const MAX_SLOPE: f64 = 10.0;

/// A piecewise linear curve that never falls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    start: f32,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Piece {
    knot: f32,
    width: f32,
    slope: f32,
}

/// Neighbouring rows.
#[derive(Clone, Copy, Debug)]
struct Block {
    weight: f64,
    /// Mean probability said.
    said: f64,
    /// Share that came true.
    came: f64,
}

impl Curve {
    /// Learns from rows whose mean weight is 1.
    pub(super) fn fit(mut rows: Vec<Ranked>) -> Self {
        rows.sort_by(|a, b| a.probability.total_cmp(&b.probability));
        let overall = (positive_weight(&rows) + 0.5) / (rows.len() as f64 + 1.0);
        let per_group = rows.len().div_ceil(MAX_GROUPS).max(MIN_GROUP_ROWS);
        let blocks = pooled(rows.chunks(per_group).map(|group| Block::of(group, overall)));
        let knots = rising(&blocks);
        let piece = |pair: &[(f64, f64)]| {
            let ((x, y), (next, above)) = (pair[0], pair[1]);
            Piece { knot: x as f32, width: (next - x) as f32, slope: ((above - y) / (next - x)) as f32 }
        };
        let mut pieces: Vec<Piece> = knots.windows(2).map(piece).collect();
        if pieces.is_empty() {
            pieces.push(Piece { knot: 0.0, width: 0.0, slope: 0.0 });
        }
        Self { start: knots.first().map_or(overall, |knot| knot.1) as f32, pieces }
    }

    /// The value at a probability.
    pub(super) fn value(&self, probability: f32) -> f32 {
        let rise = |piece: &Piece| (probability - piece.knot).max(0.0).min(piece.width) * piece.slope;
        self.pieces.iter().map(rise).sum::<f32>() + self.start
    }

    /// The same for the exporter.
    pub(super) fn to_onnx(&self) -> trainer_onnx::Curve {
        let of = |part: fn(&Piece) -> f32| self.pieces.iter().map(part).collect();
        trainer_onnx::Curve {
            start: self.start,
            knots: of(|piece| piece.knot),
            widths: of(|piece| piece.width),
            slopes: of(|piece| piece.slope),
        }
    }
}

impl Block {
    /// A group is given one row of the overall share, so that no probability becomes 0 or 1.
    fn of(rows: &[Ranked], overall: f64) -> Self {
        let weight = weight(rows);
        let said = rows.iter().map(|row| row.weight * f64::from(row.probability)).sum::<f64>() / weight;
        Self { weight, said, came: (positive_weight(rows) + overall) / (weight + 1.0) }
    }

    fn with(self, other: Self) -> Self {
        let weight = self.weight + other.weight;
        let mean = |a: f64, b: f64| (a * self.weight + b * other.weight) / weight;
        Self { weight, said: mean(self.said, other.said), came: mean(self.came, other.came) }
    }
}

/// Blocks whose shares rise: neighbours that fall are pooled.
fn pooled(blocks: impl Iterator<Item = Block>) -> Vec<Block> {
    let mut pooled: Vec<Block> = vec![];
    for mut block in blocks {
        while let Some(before) = pooled.pop_if(|before| before.came >= block.came || before.said >= block.said) {
            block = before.with(block);
        }
        pooled.push(block);
    }
    pooled
}

/// Points of the curve; a piece that would be too steep ends lower.
fn rising(blocks: &[Block]) -> Vec<(f64, f64)> {
    let mut knots: Vec<(f64, f64)> = vec![];
    for block in blocks {
        let highest = knots.last().map_or(1.0, |(x, y)| y + MAX_SLOPE * (block.said - x));
        knots.push((block.said, block.came.min(highest)));
    }
    knots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn row(probability: f32, positive: bool) -> Ranked {
        Ranked { probability, positive, weight: 1.0 }
    }

    #[test]
    fn the_curve_never_falls_and_stays_between_0_and_1() {
        let mut random = Random::new(3);
        let rows: Vec<Ranked> = (0..3000).map(|_| row(random.unit() as f32, random.unit() < 0.5)).collect();
        let curve = Curve::fit(rows);
        let values: Vec<f32> = (0..=1000).map(|at| curve.value(at as f32 / 1000.0)).collect();
        assert!(values.windows(2).all(|pair| pair[1] >= pair[0]));
        assert!(values[0] > 0.0 && values[1000] < 1.0);
    }

    #[test]
    fn shares_that_rise_are_met() {
        let rows = (0..10_000).map(|at| row(at as f32 / 10_000.0, at % 100 < at / 100)).collect();
        let curve = Curve::fit(rows);
        for at in [0.1, 0.5, 0.9] {
            assert!((curve.value(at) - at).abs() < 0.03, "{at}: {}", curve.value(at));
        }
    }

    #[test]
    fn equal_probabilities_give_their_share() {
        let curve = Curve::fit((0..100).map(|at| row(0.4, at < 25)).collect());
        assert!((curve.value(0.4) - 0.25).abs() < 0.01 && curve.value(0.4) == curve.value(0.9));
    }
}
