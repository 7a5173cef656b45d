//! Energy distance of two number columns, in their own unit.
//!
//! √2 · √∫ (F − G)² dx over the sorted values of both sides, F and G the cumulative shares. It is not divided by a deviation, so
//! the default threshold of 0.1 means something else for every column; that is how Evidently has it.
//!
//! Sources: M. L. Rizzo and G. J. Székely, "Energy distance", WIREs Comput. Stat. 8, 2016; scipy's `stats.energy_distance`.

use crate::NumericCounts;

/// Energy distance of two number columns, 0 and above; NaN when a side is empty.
#[must_use]
pub fn energy_distance(reference: &NumericCounts, current: &NumericCounts) -> f64 {
    let (n_reference, n_current) = (reference.n() as f64, current.n() as f64);
    if n_reference == 0.0 || n_current == 0.0 {
        return f64::NAN;
    }
    let (mut below_reference, mut below_current) = (0, 0);
    let mut sum = 0.0;
    for pair in reference.side_by_side(current).windows(2) {
        let (value, in_reference, in_current) = pair[0];
        below_reference += in_reference;
        below_current += in_current;
        let gap = below_reference as f64 / n_reference - below_current as f64 / n_current;
        sum += gap * gap * (pair[1].0 - value);
    }
    (2.0 * sum).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_points_are_as_far_apart_as_twice_the_root_of_their_gap() {
        let a = NumericCounts::from_values([0.0]);
        let b = NumericCounts::from_values([8.0]);
        assert_eq!(energy_distance(&a, &b), 4.0);
    }

    #[test]
    fn nothing_has_no_distance() {
        assert!(energy_distance(&NumericCounts::default(), &NumericCounts::from_values([5.0])).is_nan());
    }
}
