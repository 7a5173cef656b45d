//! A tree grown level by level: all leaves of a level are asked the same question, the one that gains most over all of them.
//!
//! Such trees hold less than those grown leaf by leaf, and many of them make smoother sums: Prokhorenkova et al., "CatBoost: unbiased
//! boosting with categorical features", NeurIPS 2018 (oblivious trees). Unlike there, a leaf stays whole where the question would leave one
//! side too few rows, or gains nothing.

use rayon::prelude::*;

use super::Tree;
use super::grow::{Grown, GrownLeaf, Growth, PARALLEL_BINS, Place};
use super::histogram::{Histogram, Sums};
use super::split::{Question, Run, Split};

/// A leaf, with its histogram while it may be asked.
struct Standing {
    place: Place,
    histogram: Histogram,
}

/// A question, about the column at a place of the layout, and what it gains over all leaves.
struct Best {
    gain: f64,
    at: usize,
    question: Question,
}

impl Growth<'_> {
    /// Grows the tree from its root.
    pub(super) fn level_by_level(mut self, root: Histogram, rows: &mut [u32]) -> Grown {
        let n_levels = (self.params.max_leaves.ilog2() as usize).min(self.params.max_depth);
        let mut leaves = vec![Standing { place: Place::root(rows.len()), histogram: root }];
        for level in 0..n_levels {
            let Some(best) = self.best_question(level, &leaves) else { break };
            let is_last = level + 1 == n_levels;
            let mut next = Vec::with_capacity(2 * leaves.len());
            leaves.into_iter().for_each(|leaf| self.ask(leaf, &best, is_last, rows, &mut next));
            leaves = next;
        }
        let grown = leaves.into_iter().map(|Standing { place, histogram }| {
            self.work.spare.push(histogram);
            GrownLeaf { node: place.node, rows: place.rows, bounds: place.bounds }
        });
        Grown { leaves: grown.collect(), tree: Tree { nodes: self.nodes } }
    }

    /// The first column wins a tie. What a question about nothing gains over L leaves varies with the square root of L, and so does the noise.
    fn best_question(&self, level: usize, leaves: &[Standing]) -> Option<Best> {
        let noise = self.noise(level, (leaves.len() as f64).sqrt());
        let totals: Vec<Sums> = leaves.iter().map(|leaf| leaf.histogram.total(&self.layout)).collect();
        let search = |at: usize| {
            let (gain, question) = self.best_of_column(at, leaves, &totals)?;
            Some(Best { gain: gain + noise[at], at, question }).filter(|best| best.gain > 0.0)
        };
        let better = |best: Best, other: Best| if other.gain > best.gain { other } else { best };
        let places = 0..self.layout.columns.len();
        if self.layout.n_bins() * leaves.len() < PARALLEL_BINS || rayon::current_num_threads() == 1 {
            return places.filter_map(search).reduce(better);
        }
        let found: Vec<Option<Best>> = places.into_par_iter().map(search).collect();
        found.into_iter().flatten().reduce(better)
    }

    /// The question about the column at a place of the layout that gains most over all leaves, if any does.
    fn best_of_column(&self, at: usize, leaves: &[Standing], totals: &[Sums]) -> Option<(f64, Question)> {
        let column = self.layout.columns[at];
        let mut bins = leaves[0].histogram.column(&self.layout, at).to_vec();
        for leaf in &leaves[1..] {
            bins.iter_mut().zip(leaf.histogram.column(&self.layout, at)).for_each(|(sum, bin)| sum.add(*bin));
        }
        let runs = self.splitter.runs(column, &bins);
        let gains = runs.iter().map(|run| {
            let mut gains = vec![0.0; run.bins.len()];
            for (leaf, total) in leaves.iter().zip(totals) {
                let about = self.splitter.about(column, *total, leaf.place.bounds);
                about.add_gains(run, leaf.histogram.column(&self.layout, at), &mut gains);
            }
            gains
        });
        let of_run = |(run, gains): (&Run, Vec<f64>)| {
            let offered = gains.into_iter().enumerate().filter(|(step, _)| run.offered[*step]);
            let (step, gain) = offered.reduce(|best, other| if other.1 > best.1 { other } else { best })?;
            (gain > 0.0).then(|| (gain, self.splitter.question(column, run, step, &bins)))
        };
        runs.iter().zip(gains).filter_map(of_run).reduce(|best, other| if other.0 > best.0 { other } else { best })
    }

    /// Splits a leaf by a question that gains there; where it is the last, histograms of the sides are not needed.
    fn ask(&mut self, leaf: Standing, best: &Best, is_last: bool, rows: &mut [u32], next: &mut Vec<Standing>) {
        let column = self.layout.columns[best.at];
        let Standing { place, histogram } = leaf;
        let answers = best.question.answers();
        let yes = histogram.column(&self.layout, best.at).iter().zip(answers).filter(|(_, yes)| *yes);
        let yes = yes.fold(Sums::default(), |mut sum, (bin, _)| {
            sum.add(*bin);
            sum
        });
        let about = self.splitter.about(column, histogram.total(&self.layout), place.bounds);
        if about.gain(yes) == 0.0 {
            return next.push(Standing { place, histogram });
        }
        let (yes_bounds, no_bounds) = about.bounds_of_sides(yes);
        let split = Split { gain: best.gain, column, question: best.question, yes: yes_bounds, no: no_bounds };
        let [yes, no] = self.part(place, &split, rows);
        let [yes_histogram, no_histogram] = match is_last {
            true => [histogram, Histogram::default()],
            false => self.halves(histogram, &rows[yes.rows.clone()], &rows[no.rows.clone()]),
        };
        next.extend([Standing { place: yes, histogram: yes_histogram }, Standing { place: no, histogram: no_histogram }]);
    }
}
