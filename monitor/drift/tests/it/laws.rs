//! Laws that hold for any counts.

use monitor_drift::{CategoricalCounts, Counts, Error, Kind, NumericCounts, Statistic, choose, compare};
use proptest::collection::vec;
use proptest::prelude::*;

/// Distances with a largest value, and that value.
const BOUNDED: [(Statistic, f64); 3] =
    [(Statistic::JensenShannon, 0.832_554_611_157_697_8), (Statistic::Hellinger, 1.0), (Statistic::TotalVariation, 1.0)];

fn numeric() -> impl Strategy<Value = NumericCounts> {
    let value = prop_oneof![(-40i32..40).prop_map(|i| f64::from(i) / 4.0), Just(1e6)];
    (vec((value, 1u64..40), 3..50), any::<bool>(), 0u64..3).prop_map(|(pairs, integers, missing)| {
        let counts = NumericCounts::from_pairs(pairs).with_missing(missing);
        if integers { NumericCounts::from_pairs(counts.pairs().iter().map(|p| (p.0.round(), p.1))).of_integers() } else { counts }
    })
}

fn categorical() -> impl Strategy<Value = CategoricalCounts> {
    (vec((0u8..12, 1u64..400), 2..15), 0u64..3).prop_map(|(pairs, missing)| {
        CategoricalCounts::from_pairs(pairs.into_iter().map(|(level, n)| (level.to_string(), n))).with_missing(missing)
    })
}

fn counts() -> impl Strategy<Value = Counts> {
    prop_oneof![numeric().prop_map(Counts::from), categorical().prop_map(Counts::from)]
}

fn sides(n: usize) -> impl Strategy<Value = Vec<Counts>> {
    prop_oneof![vec(numeric().prop_map(Counts::from), n), vec(categorical().prop_map(Counts::from), n),]
}

fn statistics(kind: Kind) -> impl Iterator<Item = Statistic> {
    Statistic::ALL.into_iter().filter(move |statistic| statistic.applies_to(kind))
}

/// The value of a statistic; none where it asks for fewer levels or more spread than there is.
fn value(statistic: Statistic, reference: &Counts, current: &Counts) -> Option<f64> {
    match compare(reference, current, Some(statistic)) {
        Err(Error::TooMany { .. } | Error::NoSpread { .. }) => None,
        compared => Some(compared.unwrap().value),
    }
}

fn merged(mut left: Counts, right: &Counts) -> Counts {
    left.merge(right).unwrap();
    left
}

proptest! {
    #[test]
    fn a_column_has_no_distance_from_itself(counts in counts()) {
        for statistic in statistics(counts.kind()) {
            let Some(value) = value(statistic, &counts, &counts) else { continue };
            let expected = match statistic {
                Statistic::AndersonDarling => 0.25..=0.25,
                // One side of two: half, and a little for continuity.
                Statistic::MannWhitney => 0.5..=1.0,
                statistic if statistic.is_p_value() => 1.0..=1.0,
                _ => 0.0..=0.0,
            };
            // Hellinger's root of 1 − Σ turns a rounding of 1e-16 into 1e-8, Cramér-von Mises' series ends at 1e-7.
            prop_assert!(value > expected.start() - 1e-6 && value < expected.end() + 1e-6, "{}: {}", statistic, value);
            prop_assert!(!statistic.drifted(value, statistic.threshold()), "{}", statistic);
        }
    }

    #[test]
    fn distances_are_never_negative_and_p_values_lie_between_zero_and_one(sides in sides(2)) {
        for statistic in statistics(sides[0].kind()) {
            let Some(value) = value(statistic, &sides[0], &sides[1]) else { continue };
            prop_assert!(value >= 0.0, "{}: {}", statistic, value);
            prop_assert!(!statistic.is_p_value() || value <= 1.0, "{}: {}", statistic, value);
        }
    }

    #[test]
    fn bounded_distances_keep_their_bound(sides in sides(2)) {
        for (statistic, bound) in BOUNDED.into_iter().filter(|(statistic, _)| statistic.applies_to(sides[0].kind())) {
            let value = compare(&sides[0], &sides[1], Some(statistic)).unwrap().value;
            prop_assert!(value <= bound + 1e-12, "{}: {}", statistic, value);
        }
    }

    #[test]
    fn symmetric_statistics_do_not_mind_the_sides(left in categorical(), right in categorical()) {
        let (left, right) = (Counts::from(left), Counts::from(right));
        let symmetric = [Statistic::Psi, Statistic::JensenShannon, Statistic::Hellinger, Statistic::TotalVariation, Statistic::ZTest];
        for statistic in symmetric {
            let there = compare(&left, &right, Some(statistic)).unwrap().value;
            let back = compare(&right, &left, Some(statistic)).unwrap().value;
            prop_assert!((there - back).abs() <= 1e-9 * there.max(1.0), "{}: {} and {}", statistic, there, back);
        }
    }

    #[test]
    fn ranks_do_not_mind_the_sides(left in numeric(), right in numeric()) {
        let (left, right) = (Counts::from(left), Counts::from(right));
        let symmetric = [
            Statistic::KolmogorovSmirnov,
            Statistic::AndersonDarling,
            Statistic::CramerVonMises,
            Statistic::EnergyDistance,
            Statistic::TTest,
        ];
        for statistic in symmetric {
            let there = compare(&left, &right, Some(statistic)).unwrap().value;
            let back = compare(&right, &left, Some(statistic)).unwrap().value;
            prop_assert!((there - back).abs() <= 1e-9 * there.max(1.0), "{}: {} and {}", statistic, there, back);
        }
    }

    #[test]
    fn parts_may_be_merged_in_any_order(sides in sides(3)) {
        let [a, b, c] = [0, 1, 2].map(|i| sides[i].clone());
        let forwards = merged(merged(a.clone(), &b), &c);
        prop_assert_eq!(&forwards, &merged(a.clone(), &merged(b.clone(), &c)));
        prop_assert_eq!(&forwards, &merged(c, &merged(b, &a)));
    }

    #[test]
    fn merging_adds_rows_and_empty_counts_change_nothing(sides in sides(2)) {
        let whole = merged(sides[0].clone(), &sides[1]);
        prop_assert_eq!(whole.n_rows(), sides[0].n_rows() + sides[1].n_rows());
        let empty = match whole.kind() {
            Kind::Numeric => Counts::from(NumericCounts::default()),
            Kind::Categorical => Counts::from(CategoricalCounts::default()),
        };
        prop_assert_eq!(&merged(empty, &whole), &whole);
    }

    #[test]
    fn the_default_choice_applies_to_the_column(sides in sides(2)) {
        prop_assert!(choose(&sides[0], &sides[1]).applies_to(sides[0].kind()));
    }

    #[test]
    fn counts_survive_json(counts in counts()) {
        let json = serde_json::to_string(&counts).unwrap();
        prop_assert_eq!(serde_json::from_str::<Counts>(&json).unwrap(), counts);
    }
}
