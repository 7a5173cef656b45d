//! How far probabilities are from the shares that come true.
//!
//! In groups of equal weight rather than equal width: Nixon, Dusenberry, Zhang, Jerfel and Tran, "Measuring calibration in deep learning", 2019.

use data_contract::ReliabilityBin;

use super::ranking::{Ranked, weight};

/// Groups of a reliability curve.
const N_BINS: usize = 10;

/// The mean absolute difference of mean probability and share over ten groups of equal weight; none without rows.
pub(super) fn expected_calibration_error(rows: &[Ranked]) -> Option<f64> {
    let total = weight(rows);
    let off = |(weight, bin): &(f64, ReliabilityBin)| weight * (bin.probability - bin.share).abs();
    (!rows.is_empty()).then(|| weighted_bins(rows).iter().map(off).sum::<f64>() / total)
}

/// Rows in about ten groups of about equal weight, by probability; rows of equal probability stay together.
pub(super) fn reliability(rows: &[Ranked]) -> Vec<ReliabilityBin> {
    weighted_bins(rows).into_iter().map(|(_, bin)| bin).collect()
}

/// The same, each with its weight.
fn weighted_bins(rows: &[Ranked]) -> Vec<(f64, ReliabilityBin)> {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    let size = weight(rows) / N_BINS as f64;
    let (mut bins, mut rest, mut group) = (vec![], &sorted[..], 0);
    let mut weight = 0.0;
    for tie in sorted.chunk_by(|a, b| a.probability == b.probability) {
        group += tie.len();
        for row in tie {
            weight += row.weight;
        }
        if weight >= size {
            let (full, after) = rest.split_at(group);
            bins.push(bin(full));
            (rest, group, weight) = (after, 0, 0.0);
        }
    }
    if !rest.is_empty() {
        bins.push(bin(rest));
    }
    bins
}

fn bin(rows: &[Ranked]) -> (f64, ReliabilityBin) {
    let sum = |of: &dyn Fn(&Ranked) -> f64| rows.iter().map(|row| row.weight * of(row)).sum::<f64>();
    let weight = sum(&|_| 1.0);
    let bin = ReliabilityBin {
        n_rows: rows.len() as u64,
        probability: sum(&|row| f64::from(row.probability)) / weight,
        share: sum(&|row| if row.positive { 1.0 } else { 0.0 }) / weight,
    };
    (weight, bin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(probability: f32, positive: bool) -> Ranked {
        Ranked { probability, positive, weight: 1.0 }
    }

    #[test]
    fn probabilities_that_come_true_have_no_error() {
        let rows: Vec<Ranked> = (0..1000).map(|at| row(0.25, at % 4 == 0)).collect();
        let off: Vec<Ranked> = rows.iter().map(|known| row(0.75, known.positive)).collect();
        assert_eq!(expected_calibration_error(&rows), Some(0.0));
        assert_eq!(expected_calibration_error(&off), Some(0.5));
        assert_eq!(expected_calibration_error(&[]), None);
    }

    #[test]
    fn groups_are_about_equal_in_size() {
        let rows: Vec<Ranked> = (0..995).map(|at| row(at as f32 / 1000.0, at % 2 == 0)).collect();
        let sizes: Vec<u64> = reliability(&rows).iter().map(|bin| bin.n_rows).collect();
        assert_eq!((sizes.len(), sizes[0], sizes.iter().sum::<u64>()), (10, 100, 995));
    }
}
