//! Fisher's exact test of two category columns with two levels, two-sided.
//!
//! With both margins held, the number of current rows of one level follows the hypergeometric distribution; p is the sum over
//! all numbers that are no likelier than the one found. Probabilities are taken relative to the likeliest number, by
//! their ratios, so that nothing is lost to logarithms of factorials.
//! Evidently asks for sides of one size; the test itself does not, and the figures agree where it answers.
//!
//! Source: R. A. Fisher, "On the interpretation of χ² from contingency tables, and the calculation of P", J. R. Stat. Soc. 85, 1922;
//! scipy's `stats.fisher_exact`.

use crate::{CategoricalCounts, Error, Statistic};

/// Probabilities that differ by less than this, relatively, are taken as equal.
const EQUAL: f64 = 1e-14;

/// Most levels of both sides together.
const MAX_LEVELS: usize = 2;

/// Fisher's p-value of two category columns, from 0 to 1; 1 when both hold the same single level; NaN when a side is empty.
///
/// # Errors
/// [`Error::TooMany`] with more than two levels.
pub fn fisher_exact(reference: &CategoricalCounts, current: &CategoricalCounts) -> Result<f64, Error> {
    let rows = reference.side_by_side(current);
    if rows.len() > MAX_LEVELS {
        return Err(Error::TooMany { statistic: Statistic::FisherExact, most: MAX_LEVELS, found: rows.len() });
    }
    if reference.n() == 0 || current.n() == 0 {
        return Ok(f64::NAN);
    }
    let (in_reference, in_current) = rows[0];
    Ok(two_sided(in_current, in_reference + in_current, current.n(), reference.n() + current.n()))
}

/// `found` of `n_drawn` are of the level that `n_level` of `n_all` have.
fn two_sided(found: u64, n_level: u64, n_drawn: u64, n_all: u64) -> f64 {
    let first = (n_level + n_drawn).saturating_sub(n_all);
    let last = n_level.min(n_drawn);
    let mode = ((u128::from(n_level + 1) * u128::from(n_drawn + 1)) / u128::from(n_all + 2)) as u64;
    let mode = mode.clamp(first, last);
    let step_up = |k: u64| {
        let (level, drawn) = ((n_level - k) as f64, (n_drawn - k) as f64);
        level * drawn / ((k + 1) as f64 * (n_all + k + 1 - n_level - n_drawn) as f64)
    };
    let above: Vec<f64> = weights(mode..last, step_up).collect();
    let below: Vec<f64> = weights((first..mode).rev(), |k| 1.0 / step_up(k)).collect();
    let weight = |k: u64| if k >= mode { above[(k - mode) as usize] } else { below[(mode - k) as usize] };
    let limit = weight(found) * (1.0 + EQUAL);
    let all = || above.iter().chain(&below[1..]).copied();
    let no_likelier: f64 = all().filter(|weight| *weight <= limit).sum();
    (no_likelier / all().sum::<f64>()).min(1.0)
}

/// 1, and the running products of the ratios at each number.
fn weights(numbers: impl Iterator<Item = u64>, ratio: impl Fn(u64) -> f64) -> impl Iterator<Item = f64> {
    let products = numbers.scan(1.0, move |weight, k| {
        *weight *= ratio(k);
        Some(*weight)
    });
    std::iter::once(1.0).chain(products)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(a: u64, b: u64) -> CategoricalCounts {
        CategoricalCounts::from_pairs([("a", a), ("b", b)])
    }

    /// Expected values are those of scipy 1.17.1, `fisher_exact([current, reference]).pvalue`.
    #[track_caller]
    fn check(reference: (u64, u64), current: (u64, u64), expected: f64) {
        let found = fisher_exact(&levels(reference.0, reference.1), &levels(current.0, current.1)).unwrap();
        assert!((found - expected).abs() <= 1e-10 * expected, "{found:e} for {expected:e}");
    }

    #[test]
    fn the_p_value_is_that_of_scipy() {
        check((3, 1), (1, 3), 0.48571428571428565);
        check((10, 30), (15, 25), 0.33476554905174827);
        check((500, 500), (430, 570), 0.00197151809168443);
        check((0, 12), (5, 7), 0.03726708074534161);
        check((9000, 1000), (8800, 1200), 6.800024223808414e-06);
        check((8, 2), (1, 5), 0.034965034965034975);
        check((700, 300), (100, 900), 1.0745653605983853e-179);
    }

    #[test]
    fn one_common_level_gives_one() {
        assert_eq!(fisher_exact(&levels(10, 0), &levels(7, 0)).unwrap(), 1.0);
    }

    #[test]
    fn three_levels_are_too_many() {
        let three = CategoricalCounts::from_pairs([("a", 1), ("b", 1), ("c", 1)]);
        assert!(matches!(fisher_exact(&three, &three), Err(Error::TooMany { found: 3, .. })));
    }
}
