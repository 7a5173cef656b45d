//! Whether probabilities still mean what they say, told from outcomes.
//!
//! Two questions, each a standard normal z under "each row comes true at the chance it was given". *In the large*: are there as many
//! positives as expected, z = Σ (y − p) / √Σ p (1 − p)? *Spiegelhalter's*: is the Brier score the one that the probabilities promise,
//! z = Σ (y − p)(1 − 2p) / √Σ (1 − 2p)² p (1 − p)? The first sees a shifted base rate, the second probabilities that are too bold or
//! too timid. The p-value is twice the smaller of the two (Bonferroni).
//! With very many rows a small error is sure, so the shares are told beside it.
//!
//! Sources: D. J. Spiegelhalter, "Probabilistic prediction in patient management and clinical trials", Statistics in Medicine 5, 1986;
//! D. R. Cox, "Two further applications of a model for binary regression", Biometrika 45, 1958.

use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

use crate::Outcomes;

/// Probabilities beside what came true.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Calibration {
    /// Mean probability of the rows whose outcome is known.
    pub expected: f64,
    /// Share of them that were positive.
    pub observed: f64,
    /// The p-value of "each row comes true at the chance it was given".
    pub p_value: f64,
}

/// Compares probabilities with outcomes; none without rows.
#[must_use]
pub fn calibration(outcomes: &Outcomes) -> Option<Calibration> {
    let n = outcomes.n() as f64;
    let expected = outcomes.sum(|p| p, |p| p);
    let smaller = two_sided(z(outcomes, |_| 1.0)).min(two_sided(z(outcomes, |p| 1.0 - 2.0 * p)));
    (n > 0.0).then(|| Calibration {
        expected: expected / n,
        observed: outcomes.n_positive() as f64 / n,
        p_value: (2.0 * smaller).min(1.0),
    })
}

/// Σ (y − p) w(p) in standard deviations; infinite where a sure probability was wrong and nothing else can vary.
fn z(outcomes: &Outcomes, weight: impl Fn(f64) -> f64) -> f64 {
    let off = outcomes.sum(|p| -p * weight(p), |p| (1.0 - p) * weight(p));
    let variance = |p: f64| p * (1.0 - p) * weight(p).powi(2);
    let variance = outcomes.sum(variance, variance);
    if off == 0.0 { 0.0 } else { off / variance.sqrt() }
}

/// P(|Z| ≥ |z|) of the standard normal distribution.
fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &[(f64, bool, u64)], p_value: f64) {
        let found = calibration(&Outcomes::from_counts(rows.iter().copied())).unwrap().p_value;
        assert!((found - p_value).abs() < 1e-9, "{found}");
    }

    #[test]
    fn rows_that_come_true_as_promised_are_calibrated() {
        check(&[(0.2, true, 20), (0.2, false, 80), (0.7, true, 70), (0.7, false, 30)], 1.0);
        check(&[(0.0, false, 10), (1.0, true, 10)], 1.0);
    }

    #[test]
    fn a_base_rate_that_moved_and_probabilities_that_are_too_bold_are_found() {
        // z = 10 / √16 = 2.5 in both, so twice 0.012419330651552.
        check(&[(0.2, true, 30), (0.2, false, 70)], 0.024_838_661_303_104_5);
        // As many positives as expected; z = (−10 · 0.8 − 10 · 0.8) / √(0.64 · 18) = −4.714045.
        check(&[(0.1, true, 20), (0.1, false, 80), (0.9, true, 80), (0.9, false, 20)], 4.856_934_945_951_696e-6);
        check(&[(1.0, false, 1)], 0.0);
    }
}
