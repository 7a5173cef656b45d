//! Whether a column changed at all, as one p-value that is right for any number of rows.
//!
//! A distance with a fixed threshold alarms on small windows by chance and on large ones never or always. Here two questions are
//! put to a column of numbers. *Place*: do values of one side tend to be larger (Mann-Whitney, two-sided)? *Shape*: do the shares
//! of bins differ (χ² of two samples), where the reference's quantiles are the borders and missing values are a bin of their own?
//! The smaller p-value counts, after each was divided by its part of the level: most of it goes to the place, where small moves are
//! found. Categories have a shape only, one bin per level.
//! Bins too rare for χ² are counted together.
//!
//! Sources: H. B. Mann and D. R. Whitney, 1947 (see `mann_whitney.rs`); K. Pearson, "On the probability that two independent
//! distributions of frequency are really samples from the same population", Biometrika 8, 1911.

use crate::chi_square::upper_tail;
use crate::mann_whitney::standardised;
use crate::{CategoricalCounts, Counts, Error, NumericCounts};

/// Part of the level that the place is given; the shape has the rest.
const PLACE_PART: f64 = 0.8;
/// Most bins of a column of numbers.
const MAX_BINS: u64 = 10;
/// Values of the smaller side that a bin shall hold on average.
const MIN_PER_BIN: u64 = 10;
/// Expected values of either side from which on χ² can be trusted.
const MIN_EXPECTED: f64 = 5.0;

/// The p-value of "both sides come from one distribution", from 0 to 1.
///
/// # Errors
/// [`Error::Kinds`] when the sides differ in kind.
pub fn shift(reference: &Counts, current: &Counts) -> Result<f64, Error> {
    match (reference, current) {
        (Counts::Numeric(r), Counts::Numeric(c)) => Ok(either(place(r, c), shape(&number_bins(r, c)))),
        (Counts::Categorical(r), Counts::Categorical(c)) => Ok(shape(&level_bins(r, c))),
        _ => Err(Error::Kinds { left: reference.kind(), right: current.kind() }),
    }
}

fn either(place: f64, shape: f64) -> f64 {
    (place / PLACE_PART).min(shape / (1.0 - PLACE_PART)).min(1.0)
}

fn place(reference: &NumericCounts, current: &NumericCounts) -> f64 {
    let z = standardised(reference, current, 0.0);
    // z² follows the χ² distribution with one degree of freedom; nothing to rank gives no number and no evidence.
    if z.is_nan() { 1.0 } else { upper_tail(z * z, 1) }
}

/// P(χ² ≥ Σ (r − c)² / (r + c)), both counts weighted to one size, over bins that are not too rare.
fn shape(bins: &[(u64, u64)]) -> f64 {
    let (n, m) = bins.iter().fold((0.0, 0.0), |(n, m), &(r, c)| (n + r as f64, m + c as f64));
    if n == 0.0 || m == 0.0 {
        return 1.0;
    }
    let mut rare = (0.0, 0.0);
    let mut kept = Vec::with_capacity(bins.len());
    for &(r, c) in bins {
        let (r, c) = (r as f64, c as f64);
        if (r + c) * n.min(m) / (n + m) < MIN_EXPECTED {
            rare = (rare.0 + r, rare.1 + c);
        } else {
            kept.push((r, c));
        }
    }
    kept.extend((rare.0 + rare.1 > 0.0).then_some(rare));
    let chi_square: f64 = kept.iter().map(|(r, c)| ((m / n).sqrt() * r - (n / m).sqrt() * c).powi(2) / (r + c)).sum();
    upper_tail(chi_square, kept.len().saturating_sub(1))
}

/// Counts of both sides between the reference's quantiles, and of what is missing or infinite.
fn number_bins(reference: &NumericCounts, current: &NumericCounts) -> Vec<(u64, u64)> {
    let n_bins = (reference.n().min(current.n()) / MIN_PER_BIN).clamp(1, MAX_BINS);
    let mut bins = vec![(0, 0)];
    let mut below = 0;
    for (_, r, c) in reference.side_by_side(current) {
        let bin = bins.last_mut().expect("there is a bin from the start");
        *bin = (bin.0 + r, bin.1 + c);
        below += r;
        if r > 0 && below * n_bins >= reference.n() * bins.len() as u64 && below < reference.n() {
            bins.push((0, 0));
        }
    }
    bins.push((gaps(reference), gaps(current)));
    bins.retain(|bin| *bin != (0, 0));
    bins
}

fn gaps(counts: &NumericCounts) -> u64 {
    counts.n_missing() + counts.n_infinite()
}

fn level_bins(reference: &CategoricalCounts, current: &CategoricalCounts) -> Vec<(u64, u64)> {
    let mut bins = reference.side_by_side(current);
    bins.push((reference.n_missing(), current.n_missing()));
    bins.retain(|bin| *bin != (0, 0));
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_equal_parts_of_the_reference() {
        let reference = NumericCounts::from_values((0..1000).map(f64::from)).with_missing(7);
        let current = NumericCounts::from_values((500..1000).map(f64::from));
        let bins = number_bins(&reference, &current);
        assert_eq!(bins[..10].iter().map(|bin| bin.0).collect::<Vec<u64>>(), [100; 10]);
        assert_eq!((bins[4], bins[5], bins[10]), ((100, 0), (100, 100), (7, 0)));
    }

    #[test]
    fn the_shape_of_two_samples_is_pearson_s() {
        // scipy 1.17.1: chi2_contingency([[30, 70], [55, 45]], correction=False).pvalue
        assert!((shape(&[(30, 55), (70, 45)]) - 0.000_348_901_388_265_047_7).abs() < 1e-12);
    }

    #[test]
    fn a_column_that_went_missing_is_found() {
        let reference = Counts::from(NumericCounts::from_values((0..500).map(f64::from)));
        let current = Counts::from(NumericCounts::default().with_missing(500));
        assert!(shift(&reference, &current).unwrap() < 1e-12);
    }

    #[test]
    fn one_row_is_no_evidence() {
        let reference = Counts::from(CategoricalCounts::from_pairs([("a", 900), ("b", 100)]));
        let current = Counts::from(CategoricalCounts::from_pairs([("c", 1)]));
        assert_eq!(shift(&reference, &current).unwrap(), 1.0);
    }
}
