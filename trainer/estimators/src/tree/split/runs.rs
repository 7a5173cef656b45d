//! All questions about a column, in rows of which each question has one bin more on the side of yes than the one before.

use super::{Asked, BinSet, Question, Splitter};
use crate::tree::histogram::Sums;

/// Questions about a column, each with one bin more.
pub(in crate::tree) struct Run {
    pub(in crate::tree) steps: Vec<Step>,
}

/// A bin more, and whether the question that ends with it may be asked.
#[derive(Clone, Copy)]
pub(in crate::tree) struct Step {
    pub(super) bin: u8,
    pub(in crate::tree) is_offered: bool,
}

impl Splitter<'_> {
    /// All questions about a column whose rows sum to these bins.
    pub(in crate::tree) fn runs(&self, column: usize, bins: &[Sums]) -> Vec<Run> {
        if self.binning.is_categorical(column) { self.runs_of_levels(bins) } else { runs_of_thresholds(bins) }
    }

    /// Runs of levels from both ends of their order, or each level alone.
    pub(super) fn runs_of_levels(&self, bins: &[Sums]) -> Vec<Run> {
        let levels = self.sorted_levels(bins);
        if self.params.max_set_levels == 1 {
            return levels.iter().map(|level| self.run_of_levels(std::iter::once(level))).collect();
        }
        vec![self.run_of_levels(levels.iter()), self.run_of_levels(levels.iter().rev())]
    }

    fn run_of_levels<'b>(&self, levels: impl Iterator<Item = &'b (f64, u8, Sums)>) -> Run {
        let (mut yes, mut group_rows) = (Sums::default(), 0);
        let steps = levels.take(self.params.max_set_levels).map(|(_, bin, sums)| {
            yes.add(*sums);
            group_rows += sums.count as usize;
            let is_offered = group_rows >= self.params.min_group_rows && self.is_leaf(yes);
            if is_offered {
                group_rows = 0;
            }
            Step { bin: *bin, is_offered }
        });
        Run { steps: steps.collect() }
    }

    /// The levels that may be asked about, by their smoothed mean gradient.
    fn sorted_levels(&self, bins: &[Sums]) -> Vec<(f64, u8, Sums)> {
        let min_count = self.params.category_smoothing.min(self.params.min_leaf_rows as f64);
        let mut levels: Vec<(f64, u8, Sums)> = bins
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, sums)| sums.count > 0 && f64::from(sums.count) >= min_count)
            .map(|(bin, sums)| (self.smoothed_mean(*sums), bin as u8, *sums))
            .collect();
        levels.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        levels
    }

    fn smoothed_mean(&self, sums: Sums) -> f64 {
        self.first(sums) / (self.second(sums) + self.params.category_smoothing * self.second_per_row)
    }

    /// The question that ends with this step of a run, for rows that sum to these bins.
    pub(in crate::tree) fn question(&self, column: usize, run: &Run, step: usize, bins: &[Sums]) -> Question {
        let steps = &run.steps[..=step];
        if self.binning.is_categorical(column) {
            let mut set = BinSet::default();
            steps.iter().for_each(|step| set.insert(step.bin));
            return Question::OneOf(set);
        }
        let yes: Sums = steps.iter().map(|step| &bins[step.bin as usize]).sum();
        let all: Sums = bins.iter().sum();
        let missing_yes = if bins[0].count > 0 { steps[0].bin == 0 } else { 2 * yes.count > all.count };
        Question::AtMost { bin: run.steps[step].bin, missing_yes }
    }
}

/// Every threshold, with missing values, where there are any, on the side of no, and then on that of yes.
fn runs_of_thresholds(bins: &[Sums]) -> Vec<Run> {
    let known = (1..=u8::MAX).zip(&bins[1..]).filter(|(_, sums)| sums.count > 0);
    let steps: Vec<Step> = known.map(|(bin, _)| Step { bin, is_offered: true }).collect();
    let missing = (bins[0].count > 0).then_some(Step { bin: 0, is_offered: false });
    let with_missing = missing.map(|missing| Run { steps: std::iter::once(missing).chain(steps.iter().copied()).collect() });
    std::iter::once(Run { steps }).chain(with_missing).collect()
}

impl Asked<'_> {
    /// Adds what each question of a run gains, if it gains.
    pub(in crate::tree) fn add_gains(&self, run: &Run, bins: &[Sums], gains: &mut [f64]) {
        let (mut yes, mut gain) = (Sums::default(), 0.0);
        for (step, sum) in run.steps.iter().zip(gains) {
            let sums = bins[step.bin as usize];
            if sums.count > 0 {
                yes.add(sums);
                if !self.splitter.is_leaf(self.total.minus(yes)) {
                    break;
                }
                gain = self.gain(yes);
            }
            *sum += gain;
        }
    }
}
