//! The rule `tidemark` on made-up tables: how often it alarms when nothing changed, and how often it finds what did.

use monitor_drift::{CategoricalCounts, Counts, NumericCounts, benjamini_hochberg, shift};

use crate::dice::Dice;

const LEVEL: f64 = 0.005;
const N_COLUMNS: usize = 15;

impl Dice {
    /// A column of one of five sorts: bell-shaped, skewed, whole numbers, with gaps, levels of unequal shares.
    fn column(&mut self, sort: usize, n: usize, shift: f64) -> Counts {
        let gap = |dice: &mut Dice, value: f64| if dice.uniform() < 0.1 { f64::NAN } else { value };
        match sort % 5 {
            0 => NumericCounts::from_values((0..n).map(|_| self.normal() + shift)).into(),
            1 => NumericCounts::from_values((0..n).map(|_| self.normal().exp())).into(),
            2 => NumericCounts::from_values((0..n).map(|_| (self.uniform() * 6.0).floor())).into(),
            3 => {
                NumericCounts::from_values((0..n).map(|_| (self.normal() * 20.0).round()).map(|v| gap(&mut Dice(v.to_bits()), v)))
                    .into()
            }
            _ => CategoricalCounts::from_values((0..n).map(|_| Some(format!("{:.0}", (self.uniform() * 6.0).exp2())))).into(),
        }
    }

    /// Whether any column is called drifted, and whether the first one is, when it was moved by `shift` deviations.
    fn table(&mut self, n_reference: usize, n_current: usize, shift_of_first: f64) -> (bool, bool) {
        let p_values: Vec<f64> = (0..N_COLUMNS)
            .map(|sort| {
                let moved = if sort == 0 { shift_of_first } else { 0.0 };
                shift(&self.column(sort, n_reference, 0.0), &self.column(sort, n_current, moved)).unwrap().p_value
            })
            .collect();
        let threshold = benjamini_hochberg(&p_values, LEVEL);
        (p_values.iter().any(|p| *p <= threshold), p_values[0] <= threshold)
    }
}

/// Shares of `n` tables with any verdict, and with one on the first column.
fn shares(n: u32, n_reference: usize, n_current: usize, shift: f64) -> (f64, f64) {
    let mut dice = Dice(u64::from(n) + n_reference as u64);
    let (mut any, mut first) = (0, 0);
    for _ in 0..n {
        let verdicts = dice.table(n_reference, n_current, shift);
        any += u32::from(verdicts.0);
        first += u32::from(verdicts.1);
    }
    eprintln!("{n_reference} and {n_current} rows, moved by {shift}: {any} of {n} tables alarm, {first} on the first column");
    (f64::from(any) / f64::from(n), f64::from(first) / f64::from(n))
}

#[test]
fn fewer_than_one_in_a_hundred_tables_alarms_when_nothing_changed() {
    assert!(shares(2000, 500, 500, 0.0).0 < 0.01);
    // Other sizes, taken together.
    let (large, small) = (shares(300, 3000, 500, 0.0).0, shares(800, 100, 60, 0.0).0);
    assert!((300.0 * large + 800.0 * small) / 1100.0 < 0.01);
}

#[test]
fn a_move_by_three_tenths_of_a_deviation_is_found() {
    assert!(shares(100, 2000, 500, 0.3).1 >= 0.95);
    assert!(shares(100, 750, 750, 0.3).1 >= 0.95);
    // With 500 rows on both sides even the best test for a move of the mean stays at 0.91 under this bound on false alarms.
    assert!(shares(200, 500, 500, 0.3).1 >= 0.8);
}
