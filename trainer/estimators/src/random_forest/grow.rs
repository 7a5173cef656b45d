//! One tree of the forest, grown on a bootstrap sample, best leaf first.

use super::node_split::{NodeSplit, Searcher};
use super::{ForestTree, Params};
use crate::random::Random;
use crate::tree::binned::BinnedRows;
use crate::tree::binning::Binning;
use crate::tree::{Node, Tree};
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
}

impl<'a> Ground<'a> {
    pub(super) fn new(params: &'a Params, data: &'a Data, binning: &'a Binning, binned: &'a BinnedRows) -> Self {
        let by_rows = ((data.n_rows() as f64).sqrt() / 20.0).round().max(1.0) as usize;
        let columns: Vec<usize> = (0..binning.n_columns()).filter(|&column| binning.n_bins(column) > 1).collect();
        let n_columns = columns.len() as f64;
        let n_tried = params.column_share.map_or(n_columns.sqrt() + 1.0, |share| n_columns * share).round().max(1.0) as usize;
        let min_leaf_rows = params.min_leaf_rows.unwrap_or(by_rows) as u32;
        Self { params, data, binning, binned, min_leaf_rows, n_tried: n_tried.min(columns.len()), columns }
    }

    pub(super) fn is_categorical(&self, column: usize) -> bool {
        matches!(self.data.kinds()[column], FeatureKind::Categorical { .. })
    }
}

/// A leaf that may be split.
struct Leaf {
    node: usize,
    depth: usize,
    rows: std::ops::Range<usize>,
    next: Option<NodeSplit>,
}

/// Grows a tree; also gives how often each row was drawn.
pub(super) fn grow(ground: &Ground, mut random: Random) -> (ForestTree, Vec<u8>) {
    let counts = bootstrap(ground.data.n_rows(), &mut random);
    let mut rows: Vec<u32> = (0..counts.len() as u32).filter(|&row| counts[row as usize] > 0).collect();
    let weights: Vec<f32> = counts.iter().enumerate().map(|(row, &count)| f32::from(count) * ground.data.weight(row)).collect();
    let mut searcher = Searcher::new(ground, &weights, random);
    let mut scratch = vec![0; rows.len()];
    let mut nodes = vec![Node::Leaf(0.0)];
    let mut leaves = vec![];
    let all = 0..rows.len();
    leaves.push(Leaf { node: 0, depth: 0, next: searcher.best(&rows), rows: all });
    while leaves.len() < ground.params.max_leaves {
        let gain = |leaf: &Leaf| leaf.next.as_ref().map_or(0.0, |next| next.gain);
        let best = (0..leaves.len()).filter(|&at| gain(&leaves[at]) > 0.0);
        let Some(best) = best.reduce(|a, b| if gain(&leaves[b]) > gain(&leaves[a]) { b } else { a }) else { break };
        let Leaf { node, depth, rows: range, next } = leaves.swap_remove(best);
        let split = next.expect("only leaves with a question are chosen");
        let n_yes = partition(ground, &split, &mut rows[range.clone()], &mut scratch);
        let (yes, no) = (nodes.len(), nodes.len() + 1);
        nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
        let test = ground.binning.test(split.column, &split.question);
        nodes[node] = Node::Split { feature: split.column as u32, test, yes: yes as u32, no: no as u32 };
        let middle = range.start + n_yes;
        for (node, range) in [(yes, range.start..middle), (no, middle..range.end)] {
            let next = if depth + 1 < ground.params.max_depth { searcher.best(&rows[range.clone()]) } else { None };
            leaves.push(Leaf { node, depth: depth + 1, rows: range, next });
        }
    }
    (finish(ground, nodes, &leaves, &rows, &weights), counts)
}

/// How often each row is drawn when as many are drawn as there are.
fn bootstrap(n_rows: usize, random: &mut Random) -> Vec<u8> {
    let mut counts = vec![0_u8; n_rows];
    for _ in 0..n_rows {
        let count = &mut counts[random.below(n_rows)];
        *count = count.saturating_add(1);
    }
    counts
}

/// Moves the rows that answer yes to the front, both sides in their order, and counts them.
fn partition(ground: &Ground, split: &NodeSplit, rows: &mut [u32], scratch: &mut [u32]) -> usize {
    let answers = split.question.answers();
    let bins = ground.binned.column(split.column);
    let (mut n_yes, mut n_no) = (0, 0);
    for at in 0..rows.len() {
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

/// Numbers the leaves and gives each its shares.
fn finish(ground: &Ground, mut nodes: Vec<Node>, leaves: &[Leaf], rows: &[u32], weights: &[f32]) -> ForestTree {
    let classes = ground.data.class_weights();
    let total: f64 = classes.iter().sum();
    let smoothing = ground.params.leaf_smoothing * 2.0 / classes.len() as f64;
    let prior: Vec<f64> = classes.iter().map(|weight| smoothing * weight / total).collect();
    let mut shares = Vec::with_capacity(leaves.len() * prior.len());
    for (number, leaf) in leaves.iter().enumerate() {
        nodes[leaf.node] = Node::Leaf(number as f32);
        let mut sums = prior.clone();
        for &row in &rows[leaf.rows.clone()] {
            sums[ground.data.classes()[row as usize] as usize] += f64::from(weights[row as usize]);
        }
        let total: f64 = sums.iter().sum();
        shares.extend(sums.iter().map(|sum| (sum / total) as f32));
    }
    ForestTree { tree: Tree { nodes }, shares }
}
