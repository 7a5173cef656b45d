//! A tree grown leaf by leaf: the leaf whose question gains most is split next. Or level by level: see [`super::levels`].
//!
//! A question's gain is judged with some noise, as by Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features", NeurIPS
//! 2018; one that gains nothing with it is not asked, so questions about little are left out at times. Only the smaller child's histogram is built; the larger one's is the parent's minus that. As in Ke et al., "LightGBM", NeurIPS 2017.

use std::ops::Range;

use rayon::prelude::*;

use super::binned::BinnedRows;
use super::binning::{Binning, N_BINS};
use super::histogram::{Histogram, Layout};
use super::prefetch;
use super::quantise::Quantised;
use super::split::{Bounds, Split, SplitParams, Splitter};
use super::{Node, Tree};
use crate::random::Random;

/// From this many bins on, columns are searched in parallel.
const PARALLEL_BINS: usize = 16 * N_BINS;

/// What limits a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrowParams<'a> {
    /// Leaves at most.
    pub(crate) max_leaves: usize,
    /// Questions on a path at most.
    pub(crate) max_depth: usize,
    /// Whether all leaves of a level are asked the same.
    pub(crate) symmetric: bool,
    /// Standard deviation of the noise on the gain of each column's best question, in units of what a question about nothing gains on
    /// average: the gain is twice a difference of log likelihoods, so that of one is chi-squared with mean 1.
    pub(crate) random_strength: f64,
    /// What limits each question.
    pub(crate) split: SplitParams<'a>,
}

/// A tree whose leaf values are still 0, with the rows of each leaf.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    pub(crate) leaves: Vec<GrownLeaf>,
}

/// A leaf of a grown tree.
pub(crate) struct GrownLeaf {
    pub(crate) node: usize,
    /// Where its rows are.
    pub(crate) rows: Range<usize>,
    /// What its value may be.
    pub(crate) bounds: Bounds,
}

/// Memory that one tree leaves to the next.
#[derive(Default)]
pub(crate) struct Workspace {
    scratch: Vec<u32>,
    pub(super) spare: Vec<Histogram>,
}

/// What a tree learns from.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) binning: &'a Binning,
    pub(crate) binned: &'a BinnedRows,
    pub(crate) quantised: &'a Quantised,
}

/// Grows a tree on these rows and columns; leaves the rows ordered by leaf.
pub(crate) fn grow(
    params: &GrowParams,
    ground: Ground,
    columns: &[usize],
    rows: &mut [u32],
    work: &mut Workspace,
    seed: u64,
) -> Grown {
    let layout = Layout::new(columns, ground.binning);
    let mut histogram = work.spare.pop().unwrap_or_default();
    histogram.build(ground.binned, &layout, rows, ground.quantised);
    let total = histogram.total(&layout);
    let splitter = Splitter::new(&params.split, ground.binning, ground.quantised, total);
    work.scratch.resize(rows.len(), 0);
    let growth = Growth { params, ground, layout, splitter, work, seed, nodes: vec![Node::Leaf(0.0)], leaves: Vec::new() };
    if params.symmetric { growth.level_by_level(histogram, rows) } else { growth.leaf_by_leaf(histogram, rows) }
}

/// A tree that grows.
pub(super) struct Growth<'a> {
    pub(super) params: &'a GrowParams<'a>,
    ground: Ground<'a>,
    pub(super) layout: Layout<'a>,
    pub(super) splitter: Splitter<'a>,
    pub(super) work: &'a mut Workspace,
    seed: u64,
    pub(super) nodes: Vec<Node>,
    leaves: Vec<Leaf>,
}

struct Leaf {
    place: Place,
    /// The question to ask next, with the histogram its children need.
    next: Option<(Split, Histogram)>,
}

/// A leaf's place in the tree and among the rows.
pub(super) struct Place {
    pub(super) node: usize,
    depth: usize,
    pub(super) rows: Range<usize>,
    pub(super) bounds: Bounds,
}

impl Place {
    /// All rows, unbounded.
    pub(super) fn root(n_rows: usize) -> Self {
        Self { node: 0, depth: 0, rows: 0..n_rows, bounds: Bounds::NONE }
    }
}

impl Growth<'_> {
    fn leaf_by_leaf(mut self, root: Histogram, rows: &mut [u32]) -> Grown {
        self.add_leaf(Place::root(rows.len()), Some(root));
        while self.leaves.len() < self.params.max_leaves {
            let Some(best) = self.best_leaf() else { break };
            self.split(best, rows);
        }
        self.finish()
    }

    fn best_leaf(&self) -> Option<usize> {
        let gain = |leaf: &Leaf| leaf.next.as_ref().map(|(split, _)| split.gain);
        let gains = self.leaves.iter().enumerate().filter_map(|(at, leaf)| gain(leaf).map(|gain| (at, gain)));
        gains.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(at, _)| at)
    }

    fn split(&mut self, leaf: usize, rows: &mut [u32]) {
        let Leaf { place, next } = self.leaves.swap_remove(leaf);
        let (split, histogram) = next.expect("the best leaf has a question");
        let [yes, no] = self.split_place(place, &split, rows);
        let [yes_histogram, no_histogram] = self.child_histograms(histogram, &rows[yes.rows.clone()], &rows[no.rows.clone()]);
        self.add_leaf(yes, yes_histogram);
        self.add_leaf(no, no_histogram);
    }

    /// Splits a leaf and its rows.
    pub(super) fn split_place(&mut self, place: Place, split: &Split, rows: &mut [u32]) -> [Place; 2] {
        let n_yes = self.partition(split, &mut rows[place.rows.clone()]);
        let middle = place.rows.start + n_yes;
        let (yes, no) = self.add_nodes(place.node, split);
        let depth = place.depth + 1;
        [
            Place { node: yes, depth, rows: place.rows.start..middle, bounds: split.yes },
            Place { node: no, depth, rows: middle..place.rows.end, bounds: split.no },
        ]
    }

    fn add_nodes(&mut self, node: usize, split: &Split) -> (usize, usize) {
        let (yes, no) = (self.nodes.len(), self.nodes.len() + 1);
        self.nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
        let test = self.ground.binning.test(split.column, &split.question);
        self.nodes[node] = Node::Split { feature: split.column as u32, test, yes: yes as u32, no: no as u32 };
        (yes, no)
    }

    /// None for children that will not be split, because the tree has its leaves.
    fn child_histograms(&mut self, parent: Histogram, yes: &[u32], no: &[u32]) -> [Option<Histogram>; 2] {
        if self.leaves.len() + 2 >= self.params.max_leaves {
            self.work.spare.push(parent);
            return [None, None];
        }
        self.side_histograms(parent, yes, no).map(Some)
    }

    /// The histograms of the two sides of a leaf.
    pub(super) fn side_histograms(&mut self, parent: Histogram, yes: &[u32], no: &[u32]) -> [Histogram; 2] {
        let mut larger = parent;
        let mut smaller = self.work.spare.pop().unwrap_or_default();
        let fewer = if yes.len() < no.len() { yes } else { no };
        smaller.build(self.ground.binned, &self.layout, fewer, self.ground.quantised);
        larger.subtract(&smaller);
        if yes.len() < no.len() { [smaller, larger] } else { [larger, smaller] }
    }

    fn add_leaf(&mut self, place: Place, histogram: Option<Histogram>) {
        let split = histogram.as_ref().and_then(|histogram| self.best_split(&place, histogram));
        let next = match (split, histogram) {
            (Some(split), Some(histogram)) => Some((split, histogram)),
            (_, histogram) => {
                self.work.spare.extend(histogram);
                None
            }
        };
        self.leaves.push(Leaf { place, next });
    }

    fn best_split(&self, place: &Place, histogram: &Histogram) -> Option<Split> {
        let total = histogram.total(&self.layout);
        if place.depth >= self.params.max_depth || (total.count as usize) < 2 * self.params.split.min_leaf_rows {
            return None;
        }
        let noise = self.noise(place.node, 1.0);
        let search = |at: usize| {
            let column = self.layout.columns[at];
            let split = self.splitter.best(column, histogram.column(&self.layout, at), total, place.bounds)?;
            Some(Split { gain: split.gain + noise[at], ..split })
        };
        self.best_of_columns(1, search, |split| split.gain)
    }

    /// The question that gains most, if any does, when each place of the layout has one at most, found in histograms of so many leaves. The
    /// first column wins a tie.
    pub(super) fn best_of_columns<T: Send>(
        &self,
        n_leaves: usize,
        search: impl Fn(usize) -> Option<T> + Sync,
        gain: impl Fn(&T) -> f64 + Sync,
    ) -> Option<T> {
        let gaining = |at: usize| search(at).filter(|found| gain(found) > 0.0);
        let better = |best: T, other: T| if gain(&other) > gain(&best) { other } else { best };
        let places = 0..self.layout.columns.len();
        if self.layout.n_bins() * n_leaves < PARALLEL_BINS || rayon::current_num_threads() == 1 {
            return places.filter_map(gaining).reduce(better);
        }
        let found: Vec<Option<T>> = places.into_par_iter().map(gaining).collect();
        found.into_iter().flatten().reduce(better)
    }

    /// What is added to the gain of each column's question about a node or a level, times so much.
    pub(super) fn noise(&self, part: usize, scale: f64) -> Vec<f64> {
        let mut random = Random::of_part(self.seed, part);
        self.layout.columns.iter().map(|_| scale * self.params.random_strength * random.normal()).collect()
    }

    /// Moves the rows that answer yes to the front, both sides in their order, and counts them.
    fn partition(&mut self, split: &Split, rows: &mut [u32]) -> usize {
        let answers = split.question.answers();
        let bins = self.ground.binned.column(split.column);
        let scratch = &mut self.work.scratch[..rows.len()];
        let (mut n_yes, mut n_no) = (0, 0);
        for at in 0..rows.len() {
            prefetch::ahead(rows, at, |row| &bins[row as usize]);
            let row = rows[at];
            let yes = usize::from(answers[bins[row as usize] as usize]);
            rows[n_yes] = row;
            scratch[n_no] = row;
            n_yes += yes;
            n_no += 1 - yes;
        }
        rows[n_yes..].copy_from_slice(&scratch[..n_no]);
        n_yes
    }

    fn finish(self) -> Grown {
        let mut leaves = Vec::with_capacity(self.leaves.len());
        for Leaf { place, next } in self.leaves {
            self.work.spare.extend(next.map(|(_, histogram)| histogram));
            leaves.push(GrownLeaf { node: place.node, rows: place.rows, bounds: place.bounds });
        }
        Grown { tree: Tree { nodes: self.nodes }, leaves }
    }
}
