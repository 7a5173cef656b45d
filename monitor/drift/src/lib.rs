//! Drift statistics: counts in, numbers out.
//!
//! A column of a window is known by its value counts ([`Counts`]). Counts of two windows add up, so any engine that can
//! `GROUP BY` can produce them, in any number of parts. Two sides, reference and current, are compared by one
//! [`Statistic`]; [`choose`] picks it and [`compare`] tells value, threshold and verdict.
//!
//! Names, formulas, default choice and thresholds are those of Evidently 0.7, so its users find their figures again.
//! The crate sees no SQL, no files and no time.
//!
//! ```
//! use monitor_drift::{CategoricalCounts, Counts, Statistic, compare};
//!
//! let reference = Counts::from(CategoricalCounts::from_pairs([("admin", 900), ("student", 300)]));
//! let mut current = Counts::from(CategoricalCounts::from_pairs([("admin", 40)]));
//! current.merge(&Counts::from(CategoricalCounts::from_pairs([("admin", 20), ("student", 60)])))?;
//!
//! let drift = compare(&reference, &current, None)?;
//! assert_eq!(drift.statistic, Statistic::JensenShannon);
//! assert!(drift.drifted && drift.value >= drift.threshold);
//! # Ok::<(), monitor_drift::Error>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod anderson_darling;
mod binning;
mod calibration;
mod chi_square;
mod counts;
mod cramer_von_mises;
mod discoveries;
mod energy_distance;
mod epps_singleton;
mod error;
mod estimate;
mod false_discovery;
mod fisher_exact;
mod g_test;
mod hellinger;
mod jensen_shannon;
mod kl_divergence;
mod kolmogorov;
mod kolmogorov_smirnov;
mod mann_whitney;
mod missing;
mod own_drift;
mod patience;
mod performance;
mod psi;
mod rule;
mod shift;
mod standard_errors;
mod statistic;
mod symmetric;
mod t_test;
mod total_variation;
mod wasserstein;
mod watch;
mod z_test;

pub use anderson_darling::anderson_darling;
pub use calibration::{Calibration, calibration};
pub use chi_square::chi_square;
pub use counts::{CategoricalCounts, Counts, Kind, NumericCounts};
pub use cramer_von_mises::cramer_von_mises;
pub use discoveries::Discoveries;
pub use energy_distance::energy_distance;
pub use epps_singleton::epps_singleton;
pub use error::{Error, Side};
pub use estimate::{Estimate, Expected, estimate};
pub use false_discovery::benjamini_hochberg;
pub use fisher_exact::fisher_exact;
pub use g_test::g_test;
pub use hellinger::hellinger;
pub use jensen_shannon::jensen_shannon;
pub use kl_divergence::kl_divergence;
pub use kolmogorov_smirnov::kolmogorov_smirnov;
pub use mann_whitney::mann_whitney;
pub use missing::{missing_per_row, missing_share_of_cells};
pub use own_drift::own_drift;
pub use patience::{Patience, Step};
pub use performance::Outcomes;
pub use psi::psi;
pub use rule::{DATASET_DRIFT_SHARE, Drift, choose, compare, dataset_drifted, share_drifted};
pub use shift::{Shift, distance_shift, shift};
pub use standard_errors::{StandardErrors, standard_errors};
pub use statistic::Statistic;
pub use t_test::t_test;
pub use total_variation::total_variation;
pub use wasserstein::wasserstein;
pub use watch::{Verdict, verdicts};
pub use z_test::z_test;
