//! The rounds of a fit.

use rayon::prelude::*;

use super::combinations::Combinations;
use super::loss::Loss;
use super::{Fitted, Params};
use crate::Data;
use crate::random::Random;
use crate::tree::binned::BinnedRows;
use crate::tree::binning::Binning;
use crate::tree::grow::{Ground, GrownLeaf, Workspace, grow};
use crate::tree::quantise::{Gradient, Quantised};
use crate::tree::{Node, Tree};

/// Trees of one round are grown side by side when they see no more than this many rows together; each needs memory of its own.
const MAX_ROWS_SIDE_BY_SIDE: usize = 300_000;

/// A fit under way.
pub(super) struct Boosting<'a> {
    problem: Problem<'a>,
    desks: Vec<Desk>,
    random: Random,
    /// Raw values `[N, outputs]`: exactly those the ensemble gives so far, but for the combinations' part, which is by rates in other rows.
    pub(super) raw: Vec<f32>,
    /// What is fitted so far.
    pub(super) fitted: Fitted,
}

/// What does not change from round to round.
struct Problem<'a> {
    params: &'a Params,
    data: &'a Data,
    loss: Loss<'a>,
    binning: Binning,
    binned: BinnedRows,
}

/// Memory for growing one tree, which is left to the next.
#[derive(Default)]
struct Desk {
    gradients: Vec<Gradient>,
    quantised: Quantised,
    /// Row numbers, ordered by leaf once the tree is grown.
    rows: Vec<u32>,
    work: Workspace,
}

/// Row numbers that a round learns from, and the others.
struct Sample {
    chosen: Vec<u32>,
    left_out: Vec<u32>,
}

/// What all trees of a round begin with.
struct RoundStart<'a> {
    /// Rounds before.
    n_rounds: usize,
    /// Row numbers to learn from.
    chosen: &'a [u32],
    /// Of the raw values as they are now.
    normalisers: Vec<f32>,
}

/// A tree with the rows and the value of each leaf.
struct Grown {
    tree: Tree,
    leaves: Vec<(std::ops::Range<usize>, f32)>,
}

impl<'a> Boosting<'a> {
    /// Before the first round; the combinations are those of the same rows.
    pub(super) fn start(params: &'a Params, combinations: &Combinations, data: &'a Data, seed: u64) -> Self {
        let loss = Loss::new(data);
        let base = loss.base();
        let binning = Binning::fit(data, params.max_bins);
        let binned = binning.apply(data.features());
        let mut raw = base.repeat(data.n_rows());
        raw.iter_mut().zip(&combinations.held_out).for_each(|(raw, value)| *raw += value);
        let side_by_side = data.n_rows() * base.len() <= MAX_ROWS_SIDE_BY_SIDE;
        let n_desks = if side_by_side { base.len() } else { 1 };
        let fitted = Fitted {
            n_features: data.features().n_features(),
            n_classes: data.n_classes(),
            base,
            combinations: combinations.rounds.clone(),
            rounds: vec![],
            n_models: 1,
        };
        let problem = Problem { params, data, loss, binning, binned };
        let desks = (0..n_desks).map(|_| Desk::default()).collect();
        Self { problem, desks, random: Random::new(seed), raw, fitted }
    }

    /// Grows one tree per output; a round that asks nothing is not kept.
    pub(super) fn round(&mut self) {
        let sample = self.sample();
        let seed = self.random.bits();
        let start = RoundStart {
            n_rounds: self.fitted.rounds.len(),
            chosen: &sample.chosen,
            normalisers: self.problem.loss.normalisers(&self.raw),
        };
        let mut desks = std::mem::take(&mut self.desks);
        let mut round = Vec::with_capacity(self.fitted.base.len());
        while round.len() < self.fitted.base.len() {
            let first = round.len();
            let grow = |(at, desk): (usize, &mut Desk)| {
                self.problem.grow(first + at, &self.raw, &start, Random::of_part(seed, first + at), desk)
            };
            let grown: Vec<Grown> = desks.par_iter_mut().enumerate().map(grow).collect();
            for (grown, desk) in grown.into_iter().zip(&desks) {
                self.add(round.len(), &grown, &desk.rows, &sample.left_out);
                round.push(grown.tree);
            }
        }
        self.desks = desks;
        if round.iter().any(Tree::has_splits) {
            self.fitted.rounds.push(round);
        }
    }

    /// Adds a tree to the raw values; a tree without questions adds nothing.
    fn add(&mut self, output: usize, grown: &Grown, rows: &[u32], left_out: &[u32]) {
        if !grown.tree.has_splits() {
            return;
        }
        let n_outputs = self.fitted.base.len();
        for (range, value) in &grown.leaves {
            rows[range.clone()].iter().for_each(|&row| self.raw[row as usize * n_outputs + output] += value);
        }
        let features = self.problem.data.features();
        let values: Vec<f32> = left_out.par_iter().map(|&row| grown.tree.value(features.row(row as usize))).collect();
        for (&row, value) in left_out.iter().zip(values) {
            self.raw[row as usize * n_outputs + output] += value;
        }
    }

    /// All rows when a sample would be empty.
    fn sample(&mut self) -> Sample {
        let all = 0..self.problem.data.n_rows() as u32;
        let (chosen, left_out): (Vec<u32>, Vec<u32>) = match self.problem.params.row_share {
            1.0 => (all.collect(), vec![]),
            share => all.partition(|_| self.random.unit() < share),
        };
        if chosen.is_empty() { Sample { chosen: left_out, left_out: chosen } } else { Sample { chosen, left_out } }
    }
}

impl Problem<'_> {
    /// Grows the tree of an output.
    fn grow(&self, output: usize, raw: &[f32], start: &RoundStart, mut random: Random, desk: &mut Desk) -> Grown {
        desk.gradients.resize(self.data.n_rows(), Gradient::default());
        self.loss.gradients(output, raw, &start.normalisers, &mut desk.gradients);
        let evened = self.params.even_curvature.then(|| self.with_even_curvature(&desk.gradients));
        desk.quantised.fill(evened.as_ref().unwrap_or(&desk.gradients), random.bits());
        desk.rows.clear();
        desk.rows.extend_from_slice(start.chosen);
        let columns = self.sample_columns(&mut random);
        let ground = Ground { binning: &self.binning, binned: &self.binned, quantised: &desk.quantised };
        let params = self.params.grow_params(self.data.n_rows(), start.n_rounds);
        let mut grown = grow(&params, ground, &columns, &mut desk.rows, &mut desk.work, random.bits());
        let value = |leaf: &GrownLeaf| self.leaf_value(&desk.gradients, &desk.rows[leaf.rows.clone()], leaf);
        let values: Vec<f32> = grown.leaves.par_iter().map(value).collect();
        if grown.tree.has_splits() {
            grown.leaves.iter().zip(&values).for_each(|(leaf, value)| grown.tree.nodes[leaf.node] = Node::Leaf(*value));
        }
        Grown { tree: grown.tree, leaves: grown.leaves.into_iter().map(|leaf| leaf.rows).zip(values).collect() }
    }

    /// The gradients with the second derivative of the average row, times each row's weight.
    fn with_even_curvature(&self, gradients: &[Gradient]) -> Vec<Gradient> {
        let weight: f64 = self.data.class_weights().iter().sum();
        let mean = (gradients.iter().map(|gradient| f64::from(gradient.second)).sum::<f64>() / weight) as f32;
        let even = |(row, gradient): (usize, &Gradient)| Gradient { second: mean * self.data.weight(row), ..*gradient };
        gradients.iter().enumerate().map(even).collect()
    }

    /// A Newton step on the gradients as they were before rounding.
    fn leaf_value(&self, gradients: &[Gradient], rows: &[u32], leaf: &GrownLeaf) -> f32 {
        let (first, second) = rows.iter().fold((0.0, 0.0), |sum, &row| {
            let gradient = gradients[row as usize];
            (sum.0 + f64::from(gradient.first), sum.1 + f64::from(gradient.second))
        });
        let step = first / (second + self.params.l2(self.data.n_rows())).max(f64::MIN_POSITIVE);
        (leaf.bounds.clamp(-step) * self.params.learning_rate) as f32
    }

    /// At least two, where there are two: trees of one column each cannot learn what two say together.
    fn sample_columns(&self, random: &mut Random) -> Vec<usize> {
        let n_columns = self.binned.n_columns();
        let n_chosen = (n_columns as f64 * self.params.column_share).round() as usize;
        random.choose(n_columns, n_chosen.max(2).min(n_columns))
    }
}
