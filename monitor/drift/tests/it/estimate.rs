//! Estimates without labels beside what labels then show, on simulated windows.

use monitor_drift::{Estimate, Expected, NumericCounts, Outcomes, calibration, estimate};

use crate::dice::Dice;

const THRESHOLD: f64 = 0.3;
const N_ROWS: usize = 500;
const N_WINDOWS: usize = 1000;

/// Skewed probabilities, most of them small.
fn probabilities(dice: &mut Dice) -> Vec<f64> {
    (0..N_ROWS).map(|_| (dice.uniform().powi(3) * 1000.0).round() / 1000.0).collect()
}

/// Outcomes that come true at the chance each row was given, changed by `truth`.
fn outcomes(dice: &mut Dice, probabilities: &[f64], truth: fn(f64) -> f64) -> Outcomes {
    Outcomes::from_rows(probabilities.iter().map(|&p| (p, dice.uniform() < truth(p))))
}

type Figure = (&'static str, fn(&Estimate) -> Expected, fn(&Outcomes) -> f64);

const FIGURES: [Figure; 5] = [
    ("AUC", |estimate| estimate.roc_auc.unwrap(), |outcomes| outcomes.roc_auc().unwrap()),
    ("accuracy", |estimate| estimate.accuracy.unwrap(), |outcomes| outcomes.accuracy(THRESHOLD).unwrap()),
    ("F1", |estimate| estimate.f1.unwrap(), |outcomes| outcomes.f1(THRESHOLD).unwrap()),
    ("log loss", |estimate| estimate.log_loss, |outcomes| outcomes.log_loss().unwrap()),
    ("Brier", |estimate| estimate.brier, |outcomes| outcomes.brier().unwrap()),
];

/// Share of windows in which each figure lies in its interval, and in which calibration is doubted at 0.01.
fn simulate(truth: fn(f64) -> f64) -> ([f64; 5], f64) {
    let mut dice = Dice(5);
    let (mut held, mut doubted) = ([0.0; 5], 0.0);
    for _ in 0..N_WINDOWS {
        let probabilities = probabilities(&mut dice);
        let estimate = estimate(&NumericCounts::from_values(probabilities.iter().copied()), Some(THRESHOLD)).unwrap();
        let outcomes = outcomes(&mut dice, &probabilities, truth);
        for (held, (_, expected, figure)) in held.iter_mut().zip(FIGURES) {
            *held += f64::from(u8::from(expected(&estimate).holds(figure(&outcomes)))) / N_WINDOWS as f64;
        }
        doubted += f64::from(u8::from(calibration(&outcomes).unwrap().p_value < 0.01)) / N_WINDOWS as f64;
    }
    for ((name, ..), held) in FIGURES.iter().zip(held) {
        eprintln!("{name}: {:.1} % of windows within the interval", 100.0 * held);
    }
    eprintln!("calibration doubted in {:.1} %", 100.0 * doubted);
    (held, doubted)
}

#[test]
fn intervals_hold_what_they_promise_while_probabilities_are_calibrated() {
    let (held, doubted) = simulate(|p| p);
    for ((name, ..), held) in FIGURES.iter().zip(held) {
        assert!((0.93..=0.97).contains(&held), "{name}: {held}");
    }
    assert!(doubted <= 0.02, "{doubted}");
}

#[test]
fn under_concept_drift_estimates_are_wrong_and_calibration_is_doubted() {
    let (held, doubted) = simulate(|p| (0.15 + 1.2 * p).min(1.0));
    assert!(held[3] < 0.05 && held[4] < 0.05, "{held:?}");
    assert!(doubted > 0.99, "{doubted}");
}
