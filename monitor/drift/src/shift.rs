//! Whether a column changed at all, as one p-value that is right for any number of rows, and how much, as one effect size.
//!
//! A distance with a fixed threshold alarms on small windows by chance and on large ones never or always. Here two questions are
//! put to a column of numbers. *Place*: do values of one side tend to be larger (Mann-Whitney, two-sided)? *Shape*: do the shares
//! of bins differ (Cressie and Read's χ² of two samples), where the reference's quantiles are the borders and missing values are a bin of their own?
//! The smaller p-value counts, after each was divided by its part of the level: most of it goes to the place, where small moves are
//! found. Categories have a shape only, one bin per level.
//! Bins too rare for χ² are counted together. Of Cressie and Read's statistics the one with λ = 1/3 is taken: it evens out the skew of
//! rare counts, so that its far tail, from which verdicts on many columns come, is that of χ². Pearson's (λ = 1) is there up to
//! four times too long for a level of one row in a hundred.
//!
//! The effect is Cohen's w over the same bins, w² = Σ (r − c)² / ((r + c) / 2) of the shares r and c, less what sides of these sizes
//! show by chance, (bins − 1) (1/n + 1/m). A bell-shaped column that moves by d of its standard deviations has w ≈ d while d is small;
//! 2 means that nothing is in common.
//!
//! Sources: H. B. Mann and D. R. Whitney, 1947 (see `mann_whitney.rs`); K. Pearson, "On the probability that two independent
//! distributions of frequency are really samples from the same population", Biometrika 8, 1911; N. Cressie and T. R. C. Read,
//! "Multinomial goodness-of-fit tests", J. R. Stat. Soc. B 46, 1984; F. J. Anscombe, discussion in J. R. Stat. Soc. B 15, 1953; J. Cohen, "Statistical power
//! analysis for the behavioral sciences", 2nd edition, 1988, chapter 7.

use serde::{Deserialize, Serialize};

use crate::chi_square::upper_tail;
use crate::mann_whitney::standardised;
use crate::{CategoricalCounts, Counts, Error, NumericCounts, Statistic, compare};

/// Part of the level that the place is given; the shape has the rest.
const PLACE_PART: f64 = 0.8;
/// Most bins of a column of numbers.
const MAX_BINS: u64 = 10;
/// Values of the smaller side that a bin shall hold on average.
const MIN_PER_BIN: u64 = 10;
/// Which of Cressie and Read's statistics.
const LAMBDA: f64 = 1.0 / 3.0;
/// Expected values of either side from which on χ² can be trusted.
const MIN_EXPECTED: f64 = 5.0;

/// How sure it is that a column changed, and how much it changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// The p-value of "both sides come from one distribution", from 0 to 1.
    pub p_value: f64,
    /// Cohen's w beyond chance, from 0 to 2.
    pub effect: f64,
}

/// Compares two sides of any size.
///
/// # Errors
/// [`Error::Kinds`] when the sides differ in kind.
pub fn shift(reference: &Counts, current: &Counts) -> Result<Shift, Error> {
    match (reference, current) {
        (Counts::Numeric(r), Counts::Numeric(c)) => {
            let shape = shape(&number_bins(r, c));
            Ok(Shift { p_value: either(place(r, c), shape.p_value), ..shape })
        }
        (Counts::Categorical(r), Counts::Categorical(c)) => Ok(shape(&level_bins(r, c))),
        _ => Err(Error::Kinds { left: reference.kind(), right: current.kind() }),
    }
}

/// Compares two sides of numbers; the effect is the Wasserstein distance over the reference's standard deviation.
///
/// # Errors
/// [`Error::NotForKind`] on categories, [`Error::Empty`] on a side without values.
pub fn distance_shift(reference: &Counts, current: &Counts) -> Result<Shift, Error> {
    let effect = compare(reference, current, Some(Statistic::Wasserstein))?.value;
    Ok(Shift { effect, ..shift(reference, current)? })
}

fn either(place: f64, shape: f64) -> f64 {
    (place / PLACE_PART).min(shape / (1.0 - PLACE_PART)).min(1.0)
}

fn place(reference: &NumericCounts, current: &NumericCounts) -> f64 {
    let z = standardised(reference, current, 0.0);
    // z² follows the χ² distribution with one degree of freedom; nothing to rank gives no number and no evidence.
    if z.is_nan() { 1.0 } else { upper_tail(z * z, 1) }
}

/// P(χ² ≥ 2 / (λ (λ + 1)) Σ observed ((observed / expected)^λ − 1)) over the bins of both sides, and the effect; rare bins together.
fn shape(bins: &[(u64, u64)]) -> Shift {
    let (n, m) = bins.iter().fold((0.0, 0.0), |(n, m), &(r, c)| (n + r as f64, m + c as f64));
    if n == 0.0 || m == 0.0 {
        return Shift { p_value: 1.0, effect: 0.0 };
    }
    let bins = without_rare(bins, n.min(m) / (n + m));
    let degrees = bins.len().saturating_sub(1);
    let diverging = |count: f64, expected: f64| count * ((count / expected).powf(LAMBDA) - 1.0);
    let both = |&(r, c): &(f64, f64)| (r, c, (r + c) / (n + m));
    let divergence: f64 = bins.iter().map(both).map(|(r, c, share)| diverging(r, n * share) + diverging(c, m * share)).sum();
    // Rounding can leave a trace below zero where both sides are alike.
    let chi_square = (2.0 / (LAMBDA * (LAMBDA + 1.0)) * divergence).max(0.0);
    let squares: f64 = bins.iter().map(|(r, c)| (r / n, c / m)).map(|(r, c)| 2.0 * (r - c).powi(2) / (r + c)).sum();
    let chance = degrees as f64 * (1.0 / n + 1.0 / m);
    Shift { p_value: upper_tail(chi_square, degrees), effect: (squares - chance).max(0.0).sqrt() }
}

/// The bins of which the smaller side, `part` of all rows, is expected to hold enough; the others as one bin.
fn without_rare(bins: &[(u64, u64)], part: f64) -> Vec<(f64, f64)> {
    let mut rare = (0.0, 0.0);
    let mut kept = Vec::with_capacity(bins.len());
    for &(r, c) in bins {
        let (r, c) = (r as f64, c as f64);
        if (r + c) * part < MIN_EXPECTED {
            rare = (rare.0 + r, rare.1 + c);
        } else {
            kept.push((r, c));
        }
    }
    kept.extend((rare.0 + rare.1 > 0.0).then_some(rare));
    kept
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
    fn the_shape_of_two_samples_is_cressie_and_read_s() {
        // scipy 1.17.1: chi2_contingency([[30, 70], [55, 45]], correction=False, lambda_=1/3).pvalue
        assert!((shape(&[(30, 55), (70, 45)]).p_value - 0.000_333_444_585_318_062_3).abs() < 1e-12);
    }

    #[test]
    fn a_column_that_went_missing_is_found() {
        let reference = Counts::from(NumericCounts::from_values((0..500).map(f64::from)));
        let current = Counts::from(NumericCounts::default().with_missing(500));
        let shift = shift(&reference, &current).unwrap();
        assert!(shift.p_value < 1e-12 && shift.effect > 1.9, "{shift:?}");
    }

    #[test]
    fn one_row_is_no_evidence() {
        let reference = Counts::from(CategoricalCounts::from_pairs([("a", 900), ("b", 100)]));
        let current = Counts::from(CategoricalCounts::from_pairs([("c", 1)]));
        assert_eq!(shift(&reference, &current).unwrap(), Shift { p_value: 1.0, effect: 0.0 });
    }

    #[test]
    fn the_effect_of_two_shares_is_cohen_s_w_less_chance() {
        // Shares of 0.5 and 0.6: w² = 2 (0.01 / 1.1 + 0.01 / 0.9) = 0.0404, and 2 / 10 000 of it is chance.
        let shift = shape(&[(5_000, 6_000), (5_000, 4_000)]);
        assert!((shift.effect.powi(2) - (0.02 / 1.1 + 0.02 / 0.9 - 0.0002)).abs() < 1e-12);
    }

    #[test]
    fn the_effect_of_a_small_move_is_the_move_in_deviations() {
        let quantile = |p: f64| 2f64.sqrt() * statrs::function::erf::erf_inv(2.0 * p - 1.0);
        let bell =
            |moved: f64| NumericCounts::from_values((0..20_000).map(|i| quantile((f64::from(i) + 0.5) / 20_000.0) + moved));
        for (moved, least, most) in [(0.1, 0.09, 0.1), (0.3, 0.28, 0.3)] {
            let effect = shift(&bell(0.0).into(), &bell(moved).into()).unwrap().effect;
            assert!((least..most).contains(&effect), "{moved}: {effect}");
        }
    }
}
