//! Verdicts on many columns at once, with a bound on false ones.
//!
//! With the p-values in ascending order, all up to the last p₍ₖ₎ ≤ k · level / columns are taken. When nothing changed
//! at all, the chance of any verdict is then at most the level; among several verdicts, at most that share is wrong on average.
//!
//! Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B 57, 1995.

/// The threshold at which these p-values are judged: those at it and below are taken.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64], level: f64) -> f64 {
    let mut ascending = p_values.to_vec();
    ascending.sort_by(f64::total_cmp);
    let line = |k: usize| level * (k + 1) as f64 / ascending.len() as f64;
    let last = (0..ascending.len()).rev().find(|&k| ascending[k] <= line(k));
    line(last.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_rejects_four_of_fifteen() {
        let p_values =
            [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0];
        let threshold = benjamini_hochberg(&p_values, 0.05);
        assert_eq!(p_values.iter().filter(|p| **p <= threshold).count(), 4);
    }

    #[test]
    fn a_single_column_is_judged_at_the_level() {
        assert_eq!(benjamini_hochberg(&[0.7], 0.01), 0.01);
    }
}
