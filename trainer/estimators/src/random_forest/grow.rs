//! One tree of the forest, grown on a bootstrap sample, best leaf first where leaves are limited.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use super::node_split::{NodeSplit, Searcher};
use super::{ForestTree, Params};
use crate::random::Random;
use crate::tree::binned::BinnedRows;
use crate::tree::binning::Binning;
use crate::tree::split::Question;
use crate::tree::{Node, Tree, prefetch};
use crate::{Data, FeatureKind};

/// What all trees of a forest stand on.
pub(super) struct Ground<'a> {
    pub(super) params: &'a Params,
    pub(super) data: &'a Data,
    pub(super) binning: &'a Binning,
    pub(super) binned: &'a BinnedRows,
    pub(super) min_leaf_rows: u32,
    pub(super) n_tried: usize,
    /// Columns that vary at all.
    pub(super) columns: Vec<usize>,
    /// What each leaf is given of every class beside its own rows.
    prior: Vec<f64>,
    /// Memory of trees that have grown, for others to come.
    idle: Mutex<Vec<Workspace>>,
}

/// Memory that a tree grows in.
#[derive(Default)]
struct Workspace {
    /// Each leaf's together.
    samples: Vec<Sample>,
    scratch: Vec<Sample>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(params: &'a Params, data: &'a Data, binning: &'a Binning, binned: &'a BinnedRows) -> Self {
        let by_rows = ((data.n_rows() as f64).sqrt() / 20.0).round().max(1.0) as usize;
        let columns: Vec<usize> = (0..binning.n_columns()).filter(|&column| binning.n_bins(column) > 1).collect();
        let n_columns = columns.len() as f64;
        let n_tried = params.column_share.map_or(n_columns.sqrt() + 1.0, |share| n_columns * share).round().max(1.0) as usize;
        Self {
            params,
            data,
            binning,
            binned,
            min_leaf_rows: params.min_leaf_rows.unwrap_or(by_rows) as u32,
            n_tried: n_tried.min(columns.len()),
            columns,
            prior: prior(params, data),
            idle: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Workspace>> {
        self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn is_categorical(&self, column: usize) -> bool {
        matches!(self.data.kinds()[column], FeatureKind::Categorical { .. })
    }
}

/// A row that was drawn. What a search reads of it lies together, in the order in which it is read.
#[derive(Clone, Copy, Default)]
pub(super) struct Sample {
    pub(super) row: u32,
    pub(super) class: u32,
    /// How often it was drawn, times its own weight.
    pub(super) weight: f32,
}

/// Grows a tree; also gives how often each row was drawn.
pub(super) fn grow(ground: &Ground, mut random: Random) -> (ForestTree, Vec<u8>) {
    let counts = bootstrap(ground.data.n_rows(), &mut random);
    let mut workspace = ground.idle().pop().unwrap_or_default();
    workspace.draw(ground.data, &counts);
    let mut growth = Growth {
        ground,
        searcher: Searcher::new(ground, random, &workspace.samples),
        nodes: vec![Node::Leaf(0.0)],
        leaves: vec![Leaf { node: 0, depth: 0, samples: 0..workspace.samples.len() }],
        questions: Questions::new(ground.params.max_leaves < workspace.samples.len()),
        workspace,
    };
    growth.ask(0);
    while growth.leaves.len() < ground.params.max_leaves {
        let Some(question) = growth.questions.pop() else { break };
        growth.split(question);
    }
    (growth.finish(), counts)
}

struct Growth<'a> {
    ground: &'a Ground<'a>,
    searcher: Searcher<'a>,
    workspace: Workspace,
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
    questions: Questions,
}

#[derive(Clone)]
struct Leaf {
    node: usize,
    depth: usize,
    samples: Range<usize>,
}

/// A question that may be asked of a leaf.
struct LeafSplit {
    leaf: usize,
    split: NodeSplit,
}

/// Questions that are still to be asked.
enum Questions {
    /// The one that gains most first, as not all may be asked.
    BestFirst(BinaryHeap<LeafSplit>),
    /// The newest first, whose rows were looked at just now: where all are asked, their order does not matter.
    NewestFirst(Vec<LeafSplit>),
}

impl Questions {
    fn new(are_limited: bool) -> Self {
        if are_limited { Self::BestFirst(BinaryHeap::new()) } else { Self::NewestFirst(vec![]) }
    }

    fn push(&mut self, question: LeafSplit) {
        match self {
            Self::BestFirst(heap) => heap.push(question),
            Self::NewestFirst(stack) => stack.push(question),
        }
    }

    fn pop(&mut self) -> Option<LeafSplit> {
        match self {
            Self::BestFirst(heap) => heap.pop(),
            Self::NewestFirst(stack) => stack.pop(),
        }
    }
}

impl Growth<'_> {
    /// Looks for a question about a leaf.
    fn ask(&mut self, leaf: usize) {
        let Leaf { depth, ref samples, .. } = self.leaves[leaf];
        if depth < self.ground.params.max_depth
            && let Some(split) = self.searcher.best(&self.workspace.samples[samples.clone()])
        {
            self.questions.push(LeafSplit { leaf, split });
        }
    }

    /// Makes two leaves of one; the one that answers yes takes its place.
    fn split(&mut self, LeafSplit { leaf, split }: LeafSplit) {
        let Leaf { node, depth, samples } = self.leaves[leaf].clone();
        let n_yes = self.workspace.partition(self.ground, &split, samples.clone());
        let (yes, no) = (self.nodes.len(), self.nodes.len() + 1);
        self.nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
        let test = self.ground.binning.test(split.column, &split.question);
        self.nodes[node] = Node::Split { feature: split.column as u32, test, yes: yes as u32, no: no as u32 };
        let middle = samples.start + n_yes;
        self.leaves[leaf] = Leaf { node: yes, depth: depth + 1, samples: samples.start..middle };
        self.leaves.push(Leaf { node: no, depth: depth + 1, samples: middle..samples.end });
        self.ask(leaf);
        self.ask(self.leaves.len() - 1);
    }

    /// Numbers the leaves and gives each its shares.
    fn finish(mut self) -> ForestTree {
        let mut shares = Vec::with_capacity(self.leaves.len() * self.ground.prior.len());
        let mut sums = self.ground.prior.clone();
        for (number, leaf) in self.leaves.iter().enumerate() {
            self.nodes[leaf.node] = Node::Leaf(number as f32);
            sums.copy_from_slice(&self.ground.prior);
            for sample in &self.workspace.samples[leaf.samples.clone()] {
                sums[sample.class as usize] += f64::from(sample.weight);
            }
            let total: f64 = sums.iter().sum();
            shares.extend(sums.iter().map(|sum| (sum / total) as f32));
        }
        self.ground.idle().push(self.workspace);
        ForestTree { tree: Tree { nodes: self.nodes }, shares }
    }
}

/// The question that gains most is the greatest; of equals, the one of the leaf that is there longer.
impl Ord for LeafSplit {
    fn cmp(&self, other: &Self) -> Ordering {
        self.split.gain.total_cmp(&other.split.gain).then(other.leaf.cmp(&self.leaf))
    }
}

impl PartialOrd for LeafSplit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for LeafSplit {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for LeafSplit {}

/// How often each row is drawn when as many are drawn as there are.
fn bootstrap(n_rows: usize, random: &mut Random) -> Vec<u8> {
    let mut counts = vec![0_u8; n_rows];
    for _ in 0..n_rows {
        let count = &mut counts[random.below(n_rows)];
        *count = count.saturating_add(1);
    }
    counts
}

/// The overall shares, as so many rows as the settings say.
fn prior(params: &Params, data: &Data) -> Vec<f64> {
    let classes = data.class_weights();
    let total: f64 = classes.iter().sum();
    let smoothing = params.leaf_smoothing * 2.0 / classes.len() as f64;
    classes.iter().map(|weight| smoothing * weight / total).collect()
}

impl Workspace {
    /// Takes the rows that were drawn.
    fn draw(&mut self, data: &Data, counts: &[u8]) {
        let drawn = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let sample = |(row, &count): (usize, &u8)| Sample {
            row: row as u32,
            class: data.classes()[row],
            weight: f32::from(count) * data.weight(row),
        };
        self.samples.clear();
        self.samples.extend(drawn.map(sample));
        self.scratch.resize(self.samples.len(), Sample::default());
    }

    /// Moves the samples of a leaf that answer yes to its front, both sides in their order, and counts them.
    fn partition(&mut self, ground: &Ground, split: &NodeSplit, leaf: Range<usize>) -> usize {
        let bins = ground.binned.column(split.column);
        match &split.question {
            Question::AtMost { bin: last, missing_yes } => {
                self.partition_by(bins, leaf, |bin| if bin == 0 { *missing_yes } else { bin <= *last })
            }
            Question::OneOf(set) => self.partition_by(bins, leaf, |bin| set.contains(bin)),
        }
    }

    #[inline(always)]
    fn partition_by(&mut self, bins: &[u8], leaf: Range<usize>, is_yes: impl Fn(u8) -> bool) -> usize {
        let (samples, scratch) = (&mut self.samples[leaf], &mut self.scratch);
        let (mut n_yes, mut n_no) = (0, 0);
        for at in 0..samples.len() {
            prefetch::ahead(samples, at, |sample| &bins[sample.row as usize]);
            let sample = samples[at];
            let yes = usize::from(is_yes(bins[sample.row as usize]));
            samples[n_yes] = sample;
            scratch[n_no] = sample;
            n_yes += yes;
            n_no += 1 - yes;
        }
        samples[n_yes..].copy_from_slice(&scratch[..n_no]);
        n_yes
    }
}
