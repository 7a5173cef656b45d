//! Epps-Singleton test: whether the characteristic functions of both sides agree at two points.
//!
//! cos(tx), sin(tx) are averaged at t = 0.4 and 0.8 over half the interquartile range of both sides together; W = N gᵀ Σ⁺ g, g the
//! difference of the averages and Σ their estimated covariance; p is the upper tail of χ² with the rank of Σ as degrees of
//! freedom. With fewer than 25 values on both sides W is made smaller.
//!
//! Source: T. W. Epps and K. J. Singleton, "An omnibus test for the two-sample problem using the empirical characteristic function",
//! J. Stat. Comput. Simul. 26, 1986; scipy's `stats.epps_singleton_2samp`.

use crate::chi_square::upper_tail;
use crate::symmetric::{Matrix, eigen};
use crate::{Error, NumericCounts, Statistic};

/// Points at which characteristic functions are compared, in half interquartile ranges.
const POINTS: [f64; 2] = [0.4, 0.8];

/// Values that each side must have.
const MIN_VALUES: u64 = 5;

/// With this many values on a side, W is taken as it is.
const MIN_UNCORRECTED: f64 = 25.0;

/// Eigenvalues below this share of the largest count as zero, as in numpy's `pinv`.
const ZERO: f64 = 1e-15;

/// Epps-Singleton p-value of two number columns, from 0 to 1.
///
/// # Errors
/// [`Error::TooFew`] with fewer than five values on a side, [`Error::NoSpread`] when the middle half of the values is one value.
pub fn epps_singleton(reference: &NumericCounts, current: &NumericCounts) -> Result<f64, Error> {
    let statistic = Statistic::EppsSingleton;
    let found = reference.n().min(current.n());
    if found < MIN_VALUES {
        return Err(Error::TooFew { statistic, needed: MIN_VALUES, found });
    }
    let scale = interquartile_range(reference, current) / 2.0;
    if scale == 0.0 {
        return Err(Error::NoSpread { statistic });
    }
    let (n, m) = (reference.n() as f64, current.n() as f64);
    let (mean, covariance) = characteristic(reference, scale);
    let (other_mean, other_covariance) = characteristic(current, scale);
    let weighted = |i: usize, j: usize| (n + m) * (covariance[i][j] / n + other_covariance[i][j] / m);
    let estimate: Matrix<4> = std::array::from_fn(|i| std::array::from_fn(|j| weighted(i, j)));
    let gap: [f64; 4] = std::array::from_fn(|i| mean[i] - other_mean[i]);
    let (quadratic, rank) = inverse_form(estimate, gap);
    Ok(upper_tail((n + m) * quadratic * correction(n, m), rank))
}

/// From the first to the third quartile of both sides together, quartiles between two values interpolated.
fn interquartile_range(reference: &NumericCounts, current: &NumericCounts) -> f64 {
    let rows = reference.side_by_side(current);
    let last = (reference.n() + current.n() - 1) as f64;
    let at = |rank: f64| {
        let mut seen = 0.0;
        rows.iter()
            .find(|&&(_, r, c)| {
                seen += (r + c) as f64;
                seen > rank
            })
            .map_or(f64::NAN, |row| row.0)
    };
    let quartile = |share: f64| {
        let rank = share * last;
        let (below, above) = (at(rank.floor()), at(rank.ceil()));
        below + (above - below) * rank.fract()
    };
    quartile(0.75) - quartile(0.25)
}

/// Means of the two cosines and the two sines, and their covariance (divided by n).
fn characteristic(counts: &NumericCounts, scale: f64) -> ([f64; 4], Matrix<4>) {
    let waves = |value: f64| {
        let [a, b] = POINTS.map(|point| point / scale * value);
        [a.cos(), b.cos(), a.sin(), b.sin()]
    };
    let n = counts.n() as f64;
    let mut mean = [0.0; 4];
    for &(value, count) in counts.pairs() {
        mean.iter_mut().zip(waves(value)).for_each(|(sum, wave)| *sum += wave * count as f64 / n);
    }
    let mut covariance = [[0.0; 4]; 4];
    for &(value, count) in counts.pairs() {
        let waves = waves(value);
        for (i, row) in covariance.iter_mut().enumerate() {
            let away = (waves[i] - mean[i]) * count as f64 / n;
            row.iter_mut().enumerate().for_each(|(j, sum)| *sum += away * (waves[j] - mean[j]));
        }
    }
    (mean, covariance)
}

/// gᵀ Σ⁺ g, and the rank of Σ.
fn inverse_form(covariance: Matrix<4>, gap: [f64; 4]) -> (f64, usize) {
    let (values, vectors) = eigen(covariance);
    let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let kept: Vec<usize> = (0..4).filter(|&i| values[i].abs() > ZERO * largest).collect();
    let along = |i: usize| (0..4).map(|k| vectors[k][i] * gap[k]).sum::<f64>();
    (kept.iter().map(|&i| along(i).powi(2) / values[i]).sum(), kept.len())
}

fn correction(n: f64, m: f64) -> f64 {
    if n.max(m) >= MIN_UNCORRECTED {
        return 1.0;
    }
    1.0 / (1.0 + (n + m).powf(-0.45) + 10.1 * (n.powf(-1.7) + m.powf(-1.7)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are those of scipy 1.17.1, `epps_singleton_2samp(range(m), [x + shift for x in range(n)]).pvalue`.
    #[track_caller]
    fn check(m: u32, n: u32, shift: f64, expected: f64) {
        let reference = NumericCounts::from_values((0..m).map(f64::from));
        let current = NumericCounts::from_values((0..n).map(|value| f64::from(value) + shift));
        let found = epps_singleton(&reference, &current).unwrap();
        assert!((found - expected).abs() <= 1e-9 * expected, "{found:e} for {expected:e}");
    }

    #[test]
    fn the_p_value_is_that_of_scipy() {
        check(7, 7, 2.5, 0.570524311976916);
        check(24, 20, 3.0, 0.6231847452039456);
        check(40, 30, 9.0, 0.06433556607282222);
        check(300, 200, 20.0, 5.31029573145994e-19);
        check(40, 40, 0.5, 0.9983799444854583);
    }

    #[test]
    fn a_single_value_in_the_middle_has_no_spread() {
        let counts = NumericCounts::from_pairs([(0.0, 1), (5.0, 20), (9.0, 1)]);
        let error = epps_singleton(&counts, &counts).unwrap_err();
        assert_eq!(error.to_string(), "`epps-singleton` needs values that differ, and the middle half of these is one value");
    }
}
