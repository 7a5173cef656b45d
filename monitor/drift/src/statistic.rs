//! The names of the statistics, their default thresholds and their direction.
//!
//! Source: the `StatTest` registrations of Evidently 0.7.23, `evidently/legacy/calculations/stattests`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Kind;

/// A way to tell how far two columns are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// First Wasserstein distance over the reference's standard deviation.
    Wasserstein,
    /// Jensen-Shannon distance, natural logarithm.
    JensenShannon,
    /// Population stability index.
    Psi,
    /// Kullback-Leibler divergence of current from reference.
    KlDivergence,
    /// Hellinger distance.
    Hellinger,
    /// Two-sample Kolmogorov-Smirnov p-value.
    KolmogorovSmirnov,
    /// Chi-square p-value of the current counts against the reference shares.
    ChiSquare,
    /// Two-proportion z-test p-value.
    ZTest,
    /// Total variation distance itself (Evidently reports a permutation p-value of it).
    TotalVariation,
    /// Two-sample Anderson-Darling p-value.
    AndersonDarling,
    /// Two-sample Cramér-von Mises p-value.
    CramerVonMises,
    /// Energy distance, in the column's own unit.
    EnergyDistance,
    /// Two-sample Epps-Singleton p-value.
    EppsSingleton,
    /// Mann-Whitney p-value of a shift upwards.
    MannWhitney,
    /// Student's two-sample p-value.
    TTest,
    /// G-test p-value of the current counts against the reference shares.
    GTest,
    /// Fisher's exact p-value of two levels.
    FisherExact,
}

impl Statistic {
    /// Every statistic, distances and p-values.
    pub const ALL: [Statistic; 17] = [
        Statistic::Wasserstein,
        Statistic::JensenShannon,
        Statistic::Psi,
        Statistic::KlDivergence,
        Statistic::Hellinger,
        Statistic::KolmogorovSmirnov,
        Statistic::ChiSquare,
        Statistic::ZTest,
        Statistic::TotalVariation,
        Statistic::AndersonDarling,
        Statistic::CramerVonMises,
        Statistic::EnergyDistance,
        Statistic::EppsSingleton,
        Statistic::MannWhitney,
        Statistic::TTest,
        Statistic::GTest,
        Statistic::FisherExact,
    ];

    /// The kebab-case name, as in settings and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Statistic::Wasserstein => "wasserstein",
            Statistic::JensenShannon => "jensen-shannon",
            Statistic::Psi => "psi",
            Statistic::KlDivergence => "kl-divergence",
            Statistic::Hellinger => "hellinger",
            Statistic::KolmogorovSmirnov => "kolmogorov-smirnov",
            Statistic::ChiSquare => "chi-square",
            Statistic::ZTest => "z-test",
            Statistic::TotalVariation => "total-variation",
            Statistic::AndersonDarling => "anderson-darling",
            Statistic::CramerVonMises => "cramer-von-mises",
            Statistic::EnergyDistance => "energy-distance",
            Statistic::EppsSingleton => "epps-singleton",
            Statistic::MannWhitney => "mann-whitney",
            Statistic::TTest => "t-test",
            Statistic::GTest => "g-test",
            Statistic::FisherExact => "fisher-exact",
        }
    }

    /// The name Evidently shows for it. Total variation has a name of its own, as the figure is another one.
    #[must_use]
    pub fn evidently_name(self) -> &'static str {
        match self {
            Statistic::Wasserstein => "Wasserstein distance (normed)",
            Statistic::JensenShannon => "Jensen-Shannon distance",
            Statistic::Psi => "PSI",
            Statistic::KlDivergence => "Kullback-Leibler divergence",
            Statistic::Hellinger => "Hellinger distance",
            Statistic::KolmogorovSmirnov => "K-S p_value",
            Statistic::ChiSquare => "chi-square p_value",
            Statistic::ZTest => "Z-test p_value",
            Statistic::TotalVariation => "Total variation distance",
            Statistic::AndersonDarling => "Anderson-Darling",
            Statistic::CramerVonMises => "Cramer-von Mises",
            Statistic::EnergyDistance => "Energy-distance",
            Statistic::EppsSingleton => "Epps-Singleton",
            Statistic::MannWhitney => "Mann-Whitney U-rank test",
            Statistic::TTest => "t_test",
            Statistic::GTest => "g_test",
            Statistic::FisherExact => "Fisher's Exact test",
        }
    }

    /// The word that asks Evidently for it; none for total variation, whose word there asks for another figure.
    #[must_use]
    pub fn evidently_word(self) -> Option<&'static str> {
        Some(match self {
            Statistic::Wasserstein => "wasserstein",
            Statistic::JensenShannon => "jensenshannon",
            Statistic::Psi => "psi",
            Statistic::KlDivergence => "kl_div",
            Statistic::Hellinger => "hellinger",
            Statistic::KolmogorovSmirnov => "ks",
            Statistic::ChiSquare => "chisquare",
            Statistic::ZTest => "z",
            Statistic::TotalVariation => return None,
            Statistic::AndersonDarling => "anderson",
            Statistic::CramerVonMises => "cramer_von_mises",
            Statistic::EnergyDistance => "ed",
            Statistic::EppsSingleton => "es",
            Statistic::MannWhitney => "mannw",
            Statistic::TTest => "t_test",
            Statistic::GTest => "g_test",
            Statistic::FisherExact => "fisher_exact",
        })
    }

    /// The statistic of this name: ours, Evidently's word or the name it shows.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let answers = |statistic: &Statistic| {
            name == statistic.name() || Some(name) == statistic.evidently_word() || name == statistic.evidently_name()
        };
        Statistic::ALL.into_iter().find(answers)
    }

    /// The default threshold.
    #[must_use]
    pub fn threshold(self) -> f64 {
        match self {
            Statistic::KolmogorovSmirnov
            | Statistic::ChiSquare
            | Statistic::ZTest
            | Statistic::EppsSingleton
            | Statistic::MannWhitney
            | Statistic::TTest => 0.05,
            _ => 0.1,
        }
    }

    /// Whether a small value, rather than a large one, means drift.
    #[must_use]
    pub fn is_p_value(self) -> bool {
        matches!(
            self,
            Statistic::KolmogorovSmirnov
                | Statistic::ChiSquare
                | Statistic::ZTest
                | Statistic::AndersonDarling
                | Statistic::CramerVonMises
                | Statistic::EppsSingleton
                | Statistic::MannWhitney
                | Statistic::TTest
                | Statistic::GTest
                | Statistic::FisherExact
        )
    }

    /// Whether the statistic is defined for columns of this kind.
    #[must_use]
    pub fn applies_to(self, kind: Kind) -> bool {
        match self {
            Statistic::Wasserstein
            | Statistic::KolmogorovSmirnov
            | Statistic::AndersonDarling
            | Statistic::CramerVonMises
            | Statistic::EnergyDistance
            | Statistic::EppsSingleton
            | Statistic::MannWhitney
            | Statistic::TTest => kind == Kind::Numeric,
            Statistic::TotalVariation | Statistic::GTest | Statistic::FisherExact => kind == Kind::Categorical,
            _ => true,
        }
    }

    /// The verdict on `value`. Distances drift at the threshold and above it (energy distance only above); Kolmogorov-Smirnov
    /// and Cramér-von Mises at it and below, the other p-values only below.
    #[must_use]
    pub fn drifted(self, value: f64, threshold: f64) -> bool {
        match self {
            Statistic::KolmogorovSmirnov | Statistic::CramerVonMises => value <= threshold,
            Statistic::EnergyDistance => value > threshold,
            statistic if statistic.is_p_value() => value < threshold,
            _ => value >= threshold,
        }
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serde_name_is_the_name() {
        for statistic in Statistic::ALL {
            assert_eq!(serde_json::to_value(statistic).unwrap(), statistic.name());
        }
    }

    #[test]
    fn every_name_finds_its_statistic() {
        for statistic in Statistic::ALL {
            let words = [Some(statistic.name()), statistic.evidently_word(), Some(statistic.evidently_name())];
            for word in words.into_iter().flatten() {
                assert_eq!(Statistic::named(word), Some(statistic));
            }
        }
        assert_eq!(Statistic::named("TVD"), None);
    }

    #[test]
    fn the_threshold_itself_drifts_for_distances_and_kolmogorov_smirnov_only() {
        assert!(Statistic::Psi.drifted(0.1, 0.1));
        assert!(Statistic::KolmogorovSmirnov.drifted(0.05, 0.05));
        assert!(!Statistic::ChiSquare.drifted(0.05, 0.05));
        assert!(!Statistic::ZTest.drifted(0.05, 0.05));
        assert!(!Statistic::EnergyDistance.drifted(0.1, 0.1));
    }
}
