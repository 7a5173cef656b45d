//! How far probabilities are from the shares that come true.
//!
//! In groups of equal size rather than equal width: Nixon, Dusenberry, Zhang, Jerfel and Tran, "Measuring calibration in deep learning", 2019.

use data_contract::ReliabilityBin;

/// Groups of a reliability curve.
const N_BINS: usize = 10;

/// The mean absolute difference of mean probability and share over ten groups of equal size; none without rows.
pub(super) fn expected_calibration_error(rows: &[(f32, bool)]) -> Option<f64> {
    let off = |bin: &ReliabilityBin| bin.n_rows as f64 * (bin.probability - bin.share).abs();
    (!rows.is_empty()).then(|| reliability(rows).iter().map(off).sum::<f64>() / rows.len() as f64)
}

/// Rows in about ten groups of about equal size, by probability; rows of equal probability stay together.
pub(super) fn reliability(rows: &[(f32, bool)]) -> Vec<ReliabilityBin> {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let size = sorted.len().div_ceil(N_BINS).max(1);
    let mut bins = vec![];
    let mut start = 0;
    while start < sorted.len() {
        let mut end = (start + size).min(sorted.len());
        while end < sorted.len() && sorted[end].0 == sorted[end - 1].0 {
            end += 1;
        }
        bins.push(bin(&sorted[start..end]));
        start = end;
    }
    bins
}

fn bin(rows: &[(f32, bool)]) -> ReliabilityBin {
    ReliabilityBin {
        n_rows: rows.len() as u64,
        probability: rows.iter().map(|(probability, _)| f64::from(*probability)).sum::<f64>() / rows.len() as f64,
        share: rows.iter().filter(|(_, positive)| *positive).count() as f64 / rows.len() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_that_come_true_have_no_error() {
        let rows: Vec<(f32, bool)> = (0..1000).map(|row| (0.25, row % 4 == 0)).collect();
        let off: Vec<(f32, bool)> = rows.iter().map(|row| (0.75, row.1)).collect();
        assert_eq!(expected_calibration_error(&rows), Some(0.0));
        assert_eq!(expected_calibration_error(&off), Some(0.5));
        assert_eq!(expected_calibration_error(&[]), None);
    }

    #[test]
    fn groups_are_about_equal_in_size() {
        let rows: Vec<(f32, bool)> = (0..995).map(|row| (row as f32 / 1000.0, row % 2 == 0)).collect();
        let sizes: Vec<u64> = reliability(&rows).iter().map(|bin| bin.n_rows).collect();
        assert_eq!((sizes.len(), sizes[0], sizes.iter().sum::<u64>()), (10, 100, 995));
    }
}
