//! Which statistic, which threshold, which verdict.
//!
//! The default choice looks at the number of reference values and at the number of different values of both sides:
//!
//! | reference | numeric, > 5 values | numeric, 3–5 | numeric, ≤ 2 | categorical, > 2 | categorical, ≤ 2 |
//! |---|---|---|---|---|---|
//! | ≤ 1000 | Kolmogorov-Smirnov | chi-square | z-test | chi-square | z-test |
//! | > 1000 | Wasserstein | Jensen-Shannon | Jensen-Shannon | Jensen-Shannon | Jensen-Shannon |
//!
//! Source: `_get_default_stattest` of Evidently 0.7.23; missing and infinite values are set aside first.

use serde::{Deserialize, Serialize};

use crate::{
    Counts, Error, Kind, NumericCounts, Side, Statistic, anderson_darling, chi_square, cramer_von_mises, energy_distance,
    epps_singleton, fisher_exact, g_test, hellinger, jensen_shannon, kl_divergence, kolmogorov_smirnov, mann_whitney, psi,
    t_test, total_variation, wasserstein, z_test,
};

/// With this share of drifted columns, or more, a data set counts as drifted.
pub const DATASET_DRIFT_SHARE: f64 = 0.5;

/// Up to this many reference values, tests are taken instead of distances.
const MAX_TESTED: u64 = 1000;

/// Up to this many different values, numbers are treated as categories.
const MAX_FEW_NUMBERS: usize = 5;

/// How far the current column is from the reference, and whether that is too far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Drift {
    /// The statistic computed.
    pub statistic: Statistic,
    /// Its value: a distance or a p-value.
    pub value: f64,
    /// The threshold the value is held against.
    pub threshold: f64,
    /// The verdict.
    pub drifted: bool,
}

/// The default statistic for these two sides.
#[must_use]
pub fn choose(reference: &Counts, current: &Counts) -> Statistic {
    let n_distinct = Counts::n_distinct_together(reference, current);
    let many_numbers = reference.kind() == Kind::Numeric && n_distinct > MAX_FEW_NUMBERS;
    match (reference.n() <= MAX_TESTED, many_numbers) {
        (true, true) => Statistic::KolmogorovSmirnov,
        (true, false) if n_distinct > 2 => Statistic::ChiSquare,
        (true, false) => Statistic::ZTest,
        (false, true) => Statistic::Wasserstein,
        (false, false) => Statistic::JensenShannon,
    }
}

/// Compares two sides by `statistic`, or by the default one, with its default threshold.
///
/// # Errors
/// [`Error::Empty`] when a side has no values, [`Error::Kinds`] when the sides differ in kind, [`Error::NotForKind`] when the
/// statistic is not defined for the kind, [`Error::TooFew`], [`Error::TooMany`], [`Error::NoSpread`] and [`Error::Range`] as the
/// statistic has it.
pub fn compare(reference: &Counts, current: &Counts, statistic: Option<Statistic>) -> Result<Drift, Error> {
    for (side, counts) in [(Side::Reference, reference), (Side::Current, current)] {
        if counts.n() == 0 {
            return Err(Error::Empty { side });
        }
    }
    let statistic = statistic.unwrap_or_else(|| choose(reference, current));
    let value = evaluate(statistic, reference, current)?;
    let threshold = statistic.threshold();
    Ok(Drift { statistic, value, threshold, drifted: statistic.drifted(value, threshold) })
}

impl Drift {
    /// The same value, held against another threshold.
    #[must_use]
    pub fn at_threshold(self, threshold: f64) -> Self {
        Drift { threshold, drifted: self.statistic.drifted(self.value, threshold), ..self }
    }
}

/// Share of columns that drifted, from 0 to 1; 0 without columns.
#[must_use]
pub fn share_drifted(columns: &[Drift]) -> f64 {
    let n_drifted = columns.iter().filter(|drift| drift.drifted).count();
    if columns.is_empty() { 0.0 } else { n_drifted as f64 / columns.len() as f64 }
}

/// Whether the share of drifted columns reaches `share`, usually [`DATASET_DRIFT_SHARE`].
#[must_use]
pub fn dataset_drifted(columns: &[Drift], share: f64) -> bool {
    share_drifted(columns) >= share
}

fn evaluate(statistic: Statistic, reference: &Counts, current: &Counts) -> Result<f64, Error> {
    match statistic {
        Statistic::JensenShannon => jensen_shannon(reference, current),
        Statistic::Psi => psi(reference, current),
        Statistic::KlDivergence => kl_divergence(reference, current),
        Statistic::Hellinger => hellinger(reference, current),
        Statistic::ChiSquare => chi_square(reference, current),
        Statistic::ZTest => z_test(reference, current),
        Statistic::TotalVariation | Statistic::GTest | Statistic::FisherExact => categories(statistic, reference, current),
        _ => numbers(statistic, reference, current),
    }
}

fn categories(statistic: Statistic, reference: &Counts, current: &Counts) -> Result<f64, Error> {
    let (Counts::Categorical(r), Counts::Categorical(c)) = (reference, current) else {
        return Err(mismatch(statistic, reference, current));
    };
    match statistic {
        Statistic::GTest => Ok(g_test(r, c)),
        Statistic::FisherExact => fisher_exact(r, c),
        _ => Ok(total_variation(r, c)),
    }
}

fn numbers(statistic: Statistic, reference: &Counts, current: &Counts) -> Result<f64, Error> {
    let (Counts::Numeric(r), Counts::Numeric(c)) = (reference, current) else {
        return Err(mismatch(statistic, reference, current));
    };
    evaluate_numbers(statistic, r, c)
}

fn evaluate_numbers(statistic: Statistic, reference: &NumericCounts, current: &NumericCounts) -> Result<f64, Error> {
    match statistic {
        Statistic::Wasserstein => Ok(wasserstein(reference, current)),
        Statistic::KolmogorovSmirnov => Ok(kolmogorov_smirnov(reference, current)),
        Statistic::AndersonDarling => anderson_darling(reference, current),
        Statistic::EnergyDistance => Ok(energy_distance(reference, current)),
        Statistic::EppsSingleton => epps_singleton(reference, current),
        Statistic::MannWhitney => Ok(mann_whitney(reference, current)),
        Statistic::TTest => t_test(reference, current),
        _ => cramer_von_mises(reference, current),
    }
}

fn mismatch(statistic: Statistic, reference: &Counts, current: &Counts) -> Error {
    let (left, right) = (reference.kind(), current.kind());
    if left == right { Error::NotForKind { statistic, kind: left } } else { Error::Kinds { left, right } }
}
