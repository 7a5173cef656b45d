//! G-test of the current counts against the shares of the reference.
//!
//! G = 2 Σ observed ln(observed / expected), expected = reference count · n_current / n_reference; p is the upper tail of the
//! χ² distribution with k − 1 degrees of freedom. A level that the reference has never seen gives 0.
//! Evidently does not scale the expected counts, so it fails unless both sides are of one size; there the figures are the same.
//!
//! Source: R. R. Sokal and F. J. Rohlf, "Biometry", 1981; scipy's `stats.power_divergence` with `log-likelihood`.

use crate::CategoricalCounts;
use crate::chi_square::upper_tail;

/// G-test p-value of two category columns, from 0 to 1; 1 when both hold the same single level; NaN when a side is empty.
#[must_use]
pub fn g_test(reference: &CategoricalCounts, current: &CategoricalCounts) -> f64 {
    let rows = reference.side_by_side(current);
    let scale = current.n() as f64 / reference.n() as f64;
    let g: f64 = rows.iter().filter(|row| row.1 > 0).map(|&(r, c)| c as f64 * (c as f64 / (r as f64 * scale)).ln()).sum();
    // Rounding can leave a sum just below zero.
    upper_tail((2.0 * g).max(0.0), rows.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(counts: &[u64]) -> CategoricalCounts {
        CategoricalCounts::from_pairs(counts.iter().enumerate().map(|(level, n)| (level.to_string(), *n)))
    }

    /// Expected values are those of scipy 1.17.1, `power_divergence(current, reference, lambda_="log-likelihood").pvalue`.
    #[track_caller]
    fn check(reference: &[u64], current: &[u64], expected: f64) {
        let found = g_test(&levels(reference), &levels(current));
        assert!((found - expected).abs() <= 1e-12 * expected, "{found:e} for {expected:e}");
    }

    #[test]
    fn the_p_value_is_that_of_scipy() {
        check(&[10, 30], &[15, 25], 0.08084283533218446);
        check(&[100, 200, 300], &[120, 210, 270], 0.025294151822180685);
        check(&[50, 50, 1], &[60, 41, 0], 0.06063973425718964);
        check(&[500, 500], &[900, 100], 4.165058738527825e-162);
    }

    #[test]
    fn a_level_new_to_the_reference_gives_zero() {
        assert_eq!(g_test(&levels(&[10]), &levels(&[9, 1])), 0.0);
    }

    #[test]
    fn the_size_of_a_side_does_not_matter() {
        assert_eq!(g_test(&levels(&[10, 30]), &levels(&[100, 300])), 1.0);
    }
}
