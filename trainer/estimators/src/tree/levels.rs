//! A tree grown level by level: all leaves of a level are asked the same question, the one that gains most over all of them.
//!
//! Such trees hold less than those grown leaf by leaf, and many of them make smoother sums: Prokhorenkova et al., "CatBoost: unbiased
//! boosting with categorical features", NeurIPS 2018 (oblivious trees). Unlike there, a leaf stays whole where the question would leave one
//! side too few rows, or gains nothing.

use super::Tree;
use super::grow::{Grown, GrownLeaf, Growth, Place};
use super::histogram::{Histogram, Sums};
use super::split::{Question, Run, Split};

/// A leaf that may still be asked something.
struct OpenLeaf {
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
        let mut open = vec![OpenLeaf { place: Place::root(rows.len()), histogram: root }];
        let mut closed: Vec<Place> = Vec::new();
        for level in 0..n_levels {
            let Some(best) = self.best_question(level, &open) else { break };
            for leaf in std::mem::take(&mut open) {
                match self.question_of_leaf(&leaf, &best) {
                    Some(split) if level + 1 == n_levels => {
                        self.work.spare.push(leaf.histogram);
                        closed.extend(self.split_place(leaf.place, &split, rows));
                    }
                    Some(split) => open.extend(self.split_open(leaf, &split, rows)),
                    None => open.push(leaf),
                }
            }
        }
        for OpenLeaf { place, histogram } in open {
            self.work.spare.push(histogram);
            closed.push(place);
        }
        let grown = closed.into_iter().map(|Place { node, rows, bounds, .. }| GrownLeaf { node, rows, bounds });
        Grown { leaves: grown.collect(), tree: Tree { nodes: self.nodes } }
    }

    /// What a question about nothing gains over L leaves varies with the square root of L, and so does the noise.
    fn best_question(&self, level: usize, leaves: &[OpenLeaf]) -> Option<Best> {
        let noise = self.noise(level, (leaves.len() as f64).sqrt());
        let totals: Vec<Sums> = leaves.iter().map(|leaf| leaf.histogram.total(&self.layout)).collect();
        let search = |at: usize| {
            let (gain, question) = self.best_of_column(at, leaves, &totals)?;
            Some(Best { gain: gain + noise[at], at, question })
        };
        self.best_of_columns(leaves.len(), search, |best| best.gain)
    }

    /// The question about the column at a place of the layout that gains most over all leaves, if any does.
    fn best_of_column(&self, at: usize, leaves: &[OpenLeaf], totals: &[Sums]) -> Option<(f64, Question)> {
        let column = self.layout.columns[at];
        let mut bins = leaves[0].histogram.column(&self.layout, at).to_vec();
        for leaf in &leaves[1..] {
            bins.iter_mut().zip(leaf.histogram.column(&self.layout, at)).for_each(|(sum, bin)| sum.add(*bin));
        }
        let runs = self.splitter.runs(column, &bins);
        let gains = runs.iter().map(|run| {
            let mut gains = vec![0.0; run.steps.len()];
            for (leaf, total) in leaves.iter().zip(totals) {
                let asked = self.splitter.asked(column, *total, leaf.place.bounds);
                asked.add_gains(run, leaf.histogram.column(&self.layout, at), &mut gains);
            }
            gains
        });
        let of_run = |(run, gains): (&Run, Vec<f64>)| {
            let offered = gains.into_iter().enumerate().filter(|(step, _)| run.steps[*step].is_offered);
            let (step, gain) = offered.reduce(|best, other| if other.1 > best.1 { other } else { best })?;
            (gain > 0.0).then(|| (gain, self.splitter.question(column, run, step, &bins)))
        };
        runs.iter().zip(gains).filter_map(of_run).reduce(|best, other| if other.0 > best.0 { other } else { best })
    }

    /// The question with what it means to a leaf; none where the leaf stays whole.
    fn question_of_leaf(&self, leaf: &OpenLeaf, best: &Best) -> Option<Split> {
        let (column, answers) = (self.layout.columns[best.at], best.question.answers());
        let bins = leaf.histogram.column(&self.layout, best.at).iter().zip(answers);
        let answering_yes: Sums = bins.filter(|(_, is_yes)| *is_yes).map(|(bin, _)| bin).sum();
        let asked = self.splitter.asked(column, leaf.histogram.total(&self.layout), leaf.place.bounds);
        let (yes, no) = asked.bounds_of_sides(answering_yes);
        let split = Split { gain: asked.gain(answering_yes), column, question: best.question, yes, no };
        (split.gain > 0.0).then_some(split)
    }

    fn split_open(&mut self, leaf: OpenLeaf, split: &Split, rows: &mut [u32]) -> [OpenLeaf; 2] {
        let [yes, no] = self.split_place(leaf.place, split, rows);
        let [of_yes, of_no] = self.side_histograms(leaf.histogram, &rows[yes.rows.clone()], &rows[no.rows.clone()]);
        [OpenLeaf { place: yes, histogram: of_yes }, OpenLeaf { place: no, histogram: of_no }]
    }
}

#[cfg(test)]
mod tests {
    use crate::random::Random;
    use crate::tree::binning::Binning;
    use crate::tree::grow::{Ground, GrowParams, Workspace, grow};
    use crate::tree::quantise::{Gradient, quantise};
    use crate::tree::split::SplitParams;
    use crate::{Data, FeatureKind, Matrix};

    #[test]
    fn one_tree_leaves_the_next_no_more_histograms_than_a_level_has_leaves() {
        let (n_rows, mut random) = (500, Random::new(4));
        let values = (0..n_rows * 3).map(|_| random.unit() as f32).collect();
        let classes = (0..n_rows as u32).map(|row| row % 2).collect();
        let data = Data::new(Matrix::new(n_rows, 3, values).unwrap(), vec![FeatureKind::Numeric; 3], classes, 2, None).unwrap();
        let binning = Binning::fit(&data, 255);
        let binned = binning.apply(data.features());
        let gradients: Vec<Gradient> =
            (0..n_rows).map(|_| Gradient { first: random.unit() as f32 - 0.5, second: 0.25 }).collect();
        let quantised = quantise(&gradients, 1);
        let split = SplitParams {
            monotone: &[],
            l2: 1.0,
            min_leaf_rows: 1,
            category_smoothing: 1.0,
            category_l2: 0.0,
            max_set_levels: 1,
            min_group_rows: 1,
        };
        let params = GrowParams { max_leaves: 16, max_depth: 9, symmetric: true, random_strength: 0.0, split };
        let ground = Ground { binning: &binning, binned: &binned, quantised: &quantised };
        let mut work = Workspace::default();
        for seed in 0..20 {
            let mut rows: Vec<u32> = (0..n_rows as u32).collect();
            let grown = grow(&params, ground, &[0, 1, 2], &mut rows, &mut work, seed);
            assert!(grown.leaves.len() > 4 && work.spare.len() <= 8, "{} leaves, {}", grown.leaves.len(), work.spare.len());
            assert_eq!(grown.leaves.iter().map(|leaf| leaf.rows.len()).sum::<usize>(), n_rows);
        }
    }
}
