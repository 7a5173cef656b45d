//! Mann-Whitney U test, one-sided: whether the reference tends to smaller values than the current column.
//!
//! U counts the pairs in which the reference's value is the smaller one, ties as halves. With at most 8 values on a side and no ties the
//! p-value is exact, from the number of arrangements; else U is standardised with corrections for ties and continuity.
//! Only a shift upwards gives a small p-value, as Evidently asks for the alternative "less".
//!
//! Source: H. B. Mann and D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the
//! other", Ann. Math. Stat. 18, 1947; scipy's `stats.mannwhitneyu`.

use statrs::function::erf::erfc;

use crate::NumericCounts;

/// Up to this many values on the smaller side, and without ties, the p-value is exact.
const MAX_EXACT: u64 = 8;

/// Mann-Whitney p-value of two number columns, from 0 to 1; NaN when a side is empty.
#[must_use]
pub fn mann_whitney(reference: &NumericCounts, current: &NumericCounts) -> f64 {
    let (n, m) = (reference.n(), current.n());
    if n == 0 || m == 0 {
        return f64::NAN;
    }
    let rows = reference.side_by_side(current);
    if n.min(m) <= MAX_EXACT && tied(&rows) == 0.0 {
        return exact(pairs_in_order(&rows) as u64, n.min(m) as usize, n.max(m) as usize);
    }
    upper_tail(standardised(reference, current, 0.5))
}

/// U in standard deviations from its mean, corrected for ties; `continuity` is taken from U first. NaN where nothing can be ranked.
pub(crate) fn standardised(reference: &NumericCounts, current: &NumericCounts, continuity: f64) -> f64 {
    let rows = reference.side_by_side(current);
    let (n, m) = (reference.n() as f64, current.n() as f64);
    let total = n + m;
    let deviation = (n * m / 12.0 * (total + 1.0 - tied(&rows) / (total * (total - 1.0)))).sqrt();
    (pairs_in_order(&rows) - n * m / 2.0 - continuity) / deviation
}

/// Σ (t³ − t) over the numbers of equal values.
fn tied(rows: &[(f64, u64, u64)]) -> f64 {
    rows.iter().map(|&(_, r, c)| (r + c) as f64).map(|ties| ties.powi(3) - ties).sum()
}

/// Pairs whose value in the reference is below that in the current column; ties count a half.
fn pairs_in_order(rows: &[(f64, u64, u64)]) -> f64 {
    let mut below = 0.0;
    let mut pairs = 0.0;
    for &(_, in_reference, in_current) in rows {
        pairs += in_current as f64 * (below + in_reference as f64 / 2.0);
        below += in_reference as f64;
    }
    pairs
}

/// Share of all arrangements of `few` and `many` values in which at least `u` pairs are in order. The numbers of
/// arrangements are the coefficients of ∏ (1 − qᵐᵃⁿʸ⁺ⁱ) / (1 − qⁱ), i = 1 … few, which read the same from both ends.
fn exact(u: u64, few: usize, many: usize) -> f64 {
    let last = few * many - u as usize;
    let mut arrangements = vec![0.0; last + 1];
    arrangements[0] = 1.0;
    for i in 1..=few {
        for k in (many + i..=last).rev() {
            arrangements[k] -= arrangements[k - many - i];
        }
        for k in i..=last {
            arrangements[k] += arrangements[k - i];
        }
    }
    let all: f64 = (1..=few).map(|i| (many + i) as f64 / i as f64).product();
    (arrangements.iter().sum::<f64>() / all).min(1.0)
}

/// P(Z ≥ z) of the standard normal distribution.
fn upper_tail(z: f64) -> f64 {
    erfc(z / std::f64::consts::SQRT_2) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are those of scipy 1.17.1, `mannwhitneyu(range(m), [x + shift for x in range(n)], alternative="less").pvalue`.
    #[track_caller]
    fn check(m: u32, n: u32, shift: f64, expected: f64) {
        let reference = NumericCounts::from_values((0..m).map(f64::from));
        let current = NumericCounts::from_values((0..n).map(|value| f64::from(value) + shift));
        let found = mann_whitney(&reference, &current);
        assert!((found - expected).abs() <= 1e-10 * expected.max(1e-3), "{found:e} for {expected:e}");
    }

    #[test]
    fn small_sides_without_ties_are_counted_out() {
        check(3, 4, 1.5, 0.05714285714285714);
        check(7, 7, 2.5, 0.036421911421911424);
        check(8, 30, 10.5, 2.0448437506262334e-08);
        check(200, 5, 100.5, 0.4572893587137055);
        check(1, 1, 0.5, 0.5);
        check(8, 8, -3.5, 0.9926184926184926);
    }

    #[test]
    fn ties_and_larger_sides_follow_the_normal_distribution() {
        check(3, 4, 1.0, 0.10380870557742289);
        check(9, 9, 2.5, 0.0466988372643963);
        check(40, 30, 9.0, 0.07801127112043875);
        check(2000, 300, 900.0, 0.08099548284566033);
        check(40, 40, 0.0, 0.5019198546219256);
    }

    #[test]
    fn only_a_shift_upwards_is_found() {
        let low = NumericCounts::from_values((0..50).map(f64::from));
        let high = NumericCounts::from_values((30..80).map(f64::from));
        assert!(mann_whitney(&low, &high) < 1e-6 && mann_whitney(&high, &low) > 0.999);
    }
}
