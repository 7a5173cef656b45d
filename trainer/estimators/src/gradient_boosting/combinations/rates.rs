//! How often each class occurs in a group, as log-odds against how often it occurs at all.

use crate::Data;
use crate::link::n_outputs;
use crate::random::Random;

use super::groups::Groups;

/// Rows of the average rate that each group is given before its own count.
const PRIOR_ROWS: f64 = 2.0;

/// Folds into which rows are dealt: of two rows about one thing, few are then in one fold.
const N_FOLDS: usize = 10;

/// Counts the classes of training rows.
pub(super) struct Rates<'a> {
    data: &'a Data,
    /// Rows of each fold.
    folds: Vec<Vec<u32>>,
    /// The share of each class.
    shares: Vec<f64>,
}

/// Summed weights of groups, altogether and of each class.
struct Counts {
    n_classes: usize,
    all: Vec<f64>,
    of_class: Vec<f64>,
}

impl<'a> Rates<'a> {
    /// Of these rows, which are dealt into folds by the seed.
    pub(super) fn new(data: &'a Data, seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0xC0_1B);
        let mut folds = vec![vec![]; N_FOLDS];
        (0..data.n_rows() as u32).for_each(|row| folds[random.below(N_FOLDS)].push(row));
        let weights = data.class_weights();
        let total: f64 = weights.iter().sum();
        Self { data, folds, shares: weights.iter().map(|weight| weight / total).collect() }
    }

    /// The summed log loss of each row's class by its rate in the rows of the group that are in other folds.
    pub(super) fn loss(&self, groups: &Groups) -> f64 {
        let mut loss = 0.0;
        self.each_held_out(groups, |row, group, counts| {
            let rate = self.rate(group, self.data.classes()[row] as usize, counts);
            loss -= f64::from(self.data.weight(row)) * rate.ln();
        });
        loss
    }

    /// Log-odds of each row's group, by its rows in other folds, `[N, outputs]`.
    pub(super) fn held_out(&self, groups: &Groups) -> Vec<f32> {
        let n_outputs = n_outputs(self.data.n_classes());
        let mut values = vec![0.0; groups.of_row.len() * n_outputs];
        self.each_held_out(groups, |row, group, counts| {
            self.put_log_odds(group, counts, &mut values[row * n_outputs..][..n_outputs]);
        });
        values
    }

    /// Log-odds of each group, `[groups, outputs]`.
    pub(super) fn log_odds(&self, groups: &Groups) -> Vec<f32> {
        let n_outputs = n_outputs(self.data.n_classes());
        let counts = self.counts(groups);
        let mut values = vec![0.0; groups.n_groups * n_outputs];
        values.chunks_exact_mut(n_outputs).enumerate().for_each(|(group, values)| self.put_log_odds(group, &counts, values));
        values
    }

    /// Shows each row with its group and the counts without the rows of its fold.
    fn each_held_out(&self, groups: &Groups, mut see: impl FnMut(usize, usize, &Counts)) {
        let mut counts = self.counts(groups);
        for fold in &self.folds {
            fold.iter().for_each(|&row| self.count(groups, row, -1.0, &mut counts));
            fold.iter().for_each(|&row| see(row as usize, groups.of_row[row as usize] as usize, &counts));
            fold.iter().for_each(|&row| self.count(groups, row, 1.0, &mut counts));
        }
    }

    fn counts(&self, groups: &Groups) -> Counts {
        let n_classes = self.data.n_classes();
        let mut counts = Counts { n_classes, all: vec![0.0; groups.n_groups], of_class: vec![0.0; groups.n_groups * n_classes] };
        (0..groups.of_row.len() as u32).for_each(|row| self.count(groups, row, 1.0, &mut counts));
        counts
    }

    fn count(&self, groups: &Groups, row: u32, sign: f64, counts: &mut Counts) {
        let (row, group) = (row as usize, groups.of_row[row as usize] as usize);
        let weight = sign * f64::from(self.data.weight(row));
        counts.all[group] += weight;
        counts.of_class[group * counts.n_classes + self.data.classes()[row] as usize] += weight;
    }

    fn rate(&self, group: usize, class: usize, counts: &Counts) -> f64 {
        let own = counts.of_class[group * counts.n_classes + class].max(0.0);
        (own + PRIOR_ROWS * self.shares[class]) / (counts.all[group].max(0.0) + PRIOR_ROWS)
    }

    fn put_log_odds(&self, group: usize, counts: &Counts, values: &mut [f32]) {
        // A class that never occurs is as rare in every group.
        let log_ratio = |class: usize| match self.shares[class] {
            0.0 => 0.0,
            share => (self.rate(group, class, counts) / share).ln(),
        };
        match values {
            [value] => *value = (log_ratio(1) - log_ratio(0)) as f32,
            values => values.iter_mut().enumerate().for_each(|(class, value)| *value = log_ratio(class) as f32),
        }
    }
}
