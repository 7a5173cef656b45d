//! Two-sample t-test with a pooled variance, two-sided.
//!
//! t = (x̄ − ȳ) / √(s² (1/n + 1/m)), s² the pooled variance with n + m − 2 degrees of freedom; p is both tails of Student's
//! distribution. With no variance on either side nothing is tested: p is 1 for equal means (scipy answers NaN), else 0.
//!
//! Source: Student, "The probable error of a mean", Biometrika 6, 1908; scipy's `stats.ttest_ind`.

use statrs::function::gamma::ln_gamma;

use crate::{Error, NumericCounts, Statistic};

/// From this argument on, the ratio of two gamma functions half a unit apart follows its asymptotic series to 1e-15.
const MIN_ASYMPTOTIC: f64 = 200.0;

/// Terms after which the continued fraction is given up; it needs about √degrees of them.
const MAX_TERMS: u32 = 1_000_000;

/// Student's p-value of two number columns, from 0 to 1.
///
/// # Errors
/// [`Error::TooFew`] with fewer than two values on a side.
pub fn t_test(reference: &NumericCounts, current: &NumericCounts) -> Result<f64, Error> {
    let found = reference.n().min(current.n());
    if found < 2 {
        return Err(Error::TooFew { statistic: Statistic::TTest, needed: 2, found });
    }
    let ((n, mean, squares), (m, other_mean, other_squares)) = (moments(reference), moments(current));
    let degrees = n + m - 2.0;
    let variance = (squares + other_squares) / degrees * (1.0 / n + 1.0 / m);
    let gap = mean - other_mean;
    Ok(if gap == 0.0 { 1.0 } else { both_tails(gap * gap / variance, degrees) })
}

/// Number of values, their mean, and the sum of squared distances from it.
fn moments(counts: &NumericCounts) -> (f64, f64, f64) {
    let n = counts.n() as f64;
    let (mean, std) = counts.mean().zip(counts.std()).expect("two values were found");
    (n, mean, std * std * n)
}

/// P(|T| ≥ t) from t²: the regularised incomplete beta function at ν / (ν + t²) with ν/2 and 1/2.
fn both_tails(t_squared: f64, degrees: f64) -> f64 {
    if t_squared.is_infinite() {
        return 0.0;
    }
    let (a, share) = (degrees / 2.0, t_squared / degrees);
    let (x, rest) = (1.0 / (1.0 + share), share / (1.0 + share));
    let front = (-a * share.ln_1p()).exp() * rest.sqrt() * gamma_ratio(a) / std::f64::consts::PI.sqrt();
    if x < (a + 1.0) / (a + 2.5) { front * fraction(a, 0.5, x) / a } else { 1.0 - front * fraction(0.5, a, rest) / 0.5 }
}

/// Γ(a + ½) / Γ(a).
fn gamma_ratio(a: f64) -> f64 {
    if a < MIN_ASYMPTOTIC {
        return (ln_gamma(a + 0.5) - ln_gamma(a)).exp();
    }
    let inverse = 1.0 / a;
    a.sqrt() * (1.0 + inverse * (-0.125 + inverse * (1.0 / 128.0 + inverse * (5.0 / 1024.0 - inverse * 21.0 / 32768.0))))
}

/// The continued fraction of the incomplete beta function, by Lentz' method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut product = d;
    for m in 1..MAX_TERMS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = product;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            product *= c * d;
        }
        if (product - before).abs() <= 1e-16 * product.abs() {
            break;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are those of scipy 1.17.1, `ttest_ind(range(m), [x + shift for x in range(n)]).pvalue`.
    #[track_caller]
    fn check(m: u32, n: u32, shift: f64, expected: f64) {
        let reference = NumericCounts::from_values((0..m).map(f64::from));
        let current = NumericCounts::from_values((0..n).map(|value| f64::from(value) + shift));
        let found = t_test(&reference, &current).unwrap();
        assert!((found - expected).abs() <= 1e-11 * expected, "{found:e} for {expected:e}");
    }

    #[test]
    fn both_tails_of_student_s_distribution_are_counted() {
        check(3, 4, 1.0, 0.15783881063169597);
        check(7, 7, 2.5, 0.05124534041905533);
        check(40, 30, 9.0, 0.12131506586421345);
        check(2000, 300, 900.0, 0.13457635195755316);
        check(20000, 15000, 2300.0, 0.00037433271546768765);
        check(500, 500, 0.25, 0.978179042109557);
    }

    #[test]
    fn without_variance_only_the_means_speak() {
        let of = |value: f64| NumericCounts::from_values([value, value, value]);
        assert_eq!(t_test(&of(5.0), &of(5.0)).unwrap(), 1.0);
        assert_eq!(t_test(&of(5.0), &of(6.0)).unwrap(), 0.0);
    }

    #[test]
    fn a_single_value_is_too_few() {
        let one = NumericCounts::from_values([1.0]);
        assert!(matches!(t_test(&one, &one), Err(Error::TooFew { found: 1, .. })));
    }
}
