//! Dividing rows into train, validation and test; pure, and the same for the same seed.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use data_contract::{Part, Split, SplitKind};

mod grouped;

/// What a split looks at, one of each per row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys<'a> {
    /// Indices of the classes: they stratify what is drawn at random.
    pub(crate) classes: &'a [u32],
    /// Dates, for a split by time.
    pub(crate) dates: Option<&'a [NaiveDate]>,
    /// Numbers of the groups that must not be divided, for a random split.
    pub(crate) groups: Option<&'a [usize]>,
}

/// The part of each row. A time split needs dates; its test begins with a new day.
pub(crate) fn divide(split: &Split, kind: SplitKind, keys: Keys) -> Vec<Part> {
    let shares = [(Part::Test, split.test), (Part::Validation, (1.0 - split.test) * split.validation)];
    match (kind, keys.dates, keys.groups) {
        (SplitKind::Time, Some(dates), _) => by_time(split, keys.classes, dates),
        (_, _, Some(groups)) => grouped::divide(&shares, keys.classes, groups, split.seed),
        (_, _, None) => at_random(split, keys.classes),
    }
}

/// The part of each row of a table whose test rows are elsewhere.
pub(crate) fn hold_out(split: &Split, keys: Keys) -> Vec<Part> {
    match keys.groups {
        Some(groups) => grouped::divide(&[(Part::Validation, split.validation)], keys.classes, groups, split.seed),
        None => {
            let mut parts = vec![Part::Train; keys.classes.len()];
            let all: Vec<usize> = (0..parts.len()).collect();
            draw_validation(&mut parts, &all, keys.classes, split);
            parts
        }
    }
}

/// The newest days test; validation rows come from the same days as training rows, so that the model learns from the newest it may see.
fn by_time(split: &Split, classes: &[u32], dates: &[NaiveDate]) -> Vec<Part> {
    let mut order: Vec<usize> = (0..dates.len()).collect();
    order.sort_by_key(|row| dates[*row]);
    let test_from = day_boundary(&order, dates, share_of(order.len(), 1.0 - split.test));
    let mut parts = vec![Part::Train; dates.len()];
    order[test_from..].iter().for_each(|row| parts[*row] = Part::Test);
    draw_validation(&mut parts, &order[..test_from], classes, split);
    parts
}

fn draw_validation(parts: &mut [Part], rows: &[usize], classes: &[u32], split: &Split) {
    let mut validation = Share::of(split.validation);
    for rows in shuffled_by_class(rows, classes, split.seed) {
        rows[..validation.take(rows.len())].iter().for_each(|row| parts[*row] = Part::Validation);
    }
}

/// The first position from `cut` on where a new day begins.
fn day_boundary(order: &[usize], dates: &[NaiveDate], cut: usize) -> usize {
    let new_day = |position: &usize| *position == 0 || dates[order[*position]] != dates[order[*position - 1]];
    (cut..order.len()).find(new_day).unwrap_or(order.len())
}

fn at_random(split: &Split, classes: &[u32]) -> Vec<Part> {
    let mut parts = vec![Part::Train; classes.len()];
    let all: Vec<usize> = (0..classes.len()).collect();
    let (mut test, mut validation) = (Share::of(split.test), Share::of(split.validation));
    for rows in shuffled_by_class(&all, classes, split.seed) {
        let n_test = test.take(rows.len());
        let n_validation = validation.take(rows.len() - n_test);
        rows[..n_test].iter().for_each(|row| parts[*row] = Part::Test);
        rows[n_test..n_test + n_validation].iter().for_each(|row| parts[*row] = Part::Validation);
    }
    parts
}

fn shuffled_by_class(rows: &[usize], classes: &[u32], seed: u64) -> Vec<Vec<usize>> {
    let mut by_class: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    rows.iter().for_each(|row| by_class.entry(classes[*row]).or_default().push(*row));
    let mut random = Random(seed);
    by_class.values_mut().for_each(|rows| shuffle(rows, &mut random));
    by_class.into_values().collect()
}

fn share_of(n: usize, share: f64) -> usize {
    (n as f64 * share).round() as usize
}

/// A share of class after class; what rounding gives to one it takes from the next, so that many small classes get their share too.
struct Share {
    share: f64,
    owed: f64,
}

impl Share {
    fn of(share: f64) -> Self {
        Self { share, owed: 0.0 }
    }

    /// How many of `n` rows; one at least stays behind to be learned from.
    fn take(&mut self, n: usize) -> usize {
        self.owed += n as f64 * self.share;
        let taken = (self.owed.round().max(0.0) as usize).min(n.saturating_sub(1));
        self.owed -= taken as f64;
        taken
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, and the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An index below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }
}

/// Puts rows into random order.
pub(crate) fn shuffle(rows: &mut [usize], random: &mut Random) {
    for last in (1..rows.len()).rev() {
        rows.swap(last, random.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(parts: &[Part], part: Part) -> usize {
        parts.iter().filter(|p| **p == part).count()
    }

    fn of(classes: &[u32]) -> Keys<'_> {
        Keys { classes, dates: None, groups: None }
    }

    #[test]
    fn a_random_split_keeps_class_shares() {
        let classes: Vec<u32> = (0..1000).map(|row| u32::from(row % 10 == 0)).collect();
        let parts = divide(&Split::default(), SplitKind::Random, of(&classes));
        assert_eq!((count(&parts, Part::Test), count(&parts, Part::Validation)), (200, 160));
        let positives = parts.iter().zip(&classes).filter(|(part, class)| **part == Part::Test && **class == 1).count();
        assert_eq!(positives, 20);
        assert_eq!(parts, divide(&Split::default(), SplitKind::Random, of(&classes)));
    }

    #[test]
    fn many_small_classes_get_their_share_and_each_stays_in_training() {
        let classes: Vec<u32> = (0..100).map(|row| row / 2).collect();
        let parts = divide(&Split::default(), SplitKind::Random, of(&classes));
        assert_eq!((count(&parts, Part::Test), count(&parts, Part::Validation)), (20, 16));
        let alone: Vec<u32> = (0..50).collect();
        assert_eq!(count(&divide(&Split::default(), SplitKind::Random, of(&alone)), Part::Train), 50);
    }

    #[test]
    fn a_time_split_never_parts_a_day() {
        let day = |n: u32| NaiveDate::from_ymd_opt(2020, 1, n).unwrap();
        let dates: Vec<_> = [1, 1, 2, 2, 3, 3, 4, 4, 4, 5].map(day).to_vec();
        let keys = Keys { dates: Some(&dates), ..of(&[0; 10]) };
        let parts = divide(&Split::default(), SplitKind::Time, keys);
        assert_eq!(parts.iter().position(|part| *part == Part::Test), Some(9), "8 of 10 rows would part the fourth day");
        assert_eq!((count(&parts, Part::Train), count(&parts, Part::Validation)), (7, 2));
    }

    #[test]
    fn rows_with_a_test_of_their_own_are_divided_in_two() {
        let classes: Vec<u32> = (0..100).map(|row| row % 2).collect();
        let parts = hold_out(&Split::default(), of(&classes));
        assert_eq!((count(&parts, Part::Train), count(&parts, Part::Validation)), (80, 20));
    }
}
