//! All questions about a column in a row, for leaves that are to be asked the same one.

use super::{About, BinSet, Question, Splitter};
use crate::tree::histogram::Sums;

/// Questions about a column, each of which has one bin more on the side of yes than the one before.
pub(in crate::tree) struct Run {
    pub(in crate::tree) bins: Vec<u8>,
    /// Whether the question that ends with this bin may be asked.
    pub(in crate::tree) offered: Vec<bool>,
}

impl Splitter<'_> {
    /// All questions about a column whose rows sum to these bins.
    pub(in crate::tree) fn runs(&self, column: usize, bins: &[Sums]) -> Vec<Run> {
        if !self.binning.is_categorical(column) {
            let known = || (1..=u8::MAX).zip(&bins[1..]).filter(|(_, sums)| sums.count > 0).map(|(bin, _)| bin);
            let without: Vec<u8> = known().collect();
            let mut runs = vec![Run { offered: vec![true; without.len()], bins: without }];
            if bins[0].count > 0 {
                let with: Vec<u8> = std::iter::once(0).chain(known()).collect();
                runs.push(Run { offered: with.iter().map(|bin| *bin > 0).collect(), bins: with });
            }
            return runs;
        }
        let levels = self.sorted_levels(bins);
        if self.params.max_set_levels == 1 {
            return levels.iter().map(|(_, bin, _)| Run { bins: vec![*bin], offered: vec![true] }).collect();
        }
        let ascending = self.run_of_levels(levels.iter());
        vec![ascending, self.run_of_levels(levels.iter().rev())]
    }

    fn run_of_levels<'b>(&self, levels: impl Iterator<Item = &'b (f64, u8, Sums)>) -> Run {
        let mut group_rows = 0;
        let steps = levels.take(self.params.max_set_levels).map(|(_, bin, sums)| {
            group_rows += sums.count as usize;
            let is_offered = group_rows >= self.params.min_group_rows;
            if is_offered {
                group_rows = 0;
            }
            (*bin, is_offered)
        });
        let (bins, offered) = steps.unzip();
        Run { bins, offered }
    }

    /// The question that ends with this step of a run, for rows that sum to these bins.
    pub(in crate::tree) fn question(&self, column: usize, run: &Run, step: usize, bins: &[Sums]) -> Question {
        let answer_yes = &run.bins[..=step];
        if self.binning.is_categorical(column) {
            let mut set = BinSet::default();
            answer_yes.iter().for_each(|bin| set.insert(*bin));
            return Question::OneOf(set);
        }
        let n_yes: i32 = answer_yes.iter().map(|bin| bins[*bin as usize].count).sum();
        let n_rows: i32 = bins.iter().map(|bin| bin.count).sum();
        let missing_yes = if bins[0].count > 0 { run.bins[0] == 0 } else { 2 * n_yes > n_rows };
        Question::AtMost { bin: run.bins[step], missing_yes }
    }
}

impl About<'_> {
    /// Adds what each question of a run gains, if it gains.
    pub(in crate::tree) fn add_gains(&self, run: &Run, bins: &[Sums], gains: &mut [f64]) {
        let (mut yes, mut gain) = (Sums::default(), 0.0);
        for (bin, sum) in run.bins.iter().zip(gains) {
            let sums = bins[*bin as usize];
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
