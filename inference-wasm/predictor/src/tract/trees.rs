//! Decision trees as one flat array of nodes, and the walk from root to leaf.
//!
//! Comparisons, sums and links are in float32 and in onnxruntime's order, so that the same file gives the same numbers there.
//!
//! Source: ONNX operators, TreeEnsembleClassifier; onnxruntime's `tree_ensemble_aggregator.h` for what the specification leaves open.

use crate::link::{largest, logistic, softmax};

/// What a node asks of its feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Leaf,
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    NotEqual,
}

/// A branch, with its children's indices; or a leaf, with its votes as `yes..no`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) value: f32,
    pub(crate) feature: u32,
    pub(crate) yes: u32,
    pub(crate) no: u32,
    pub(crate) mode: Mode,
    pub(crate) missing_yes: bool,
}

/// What a leaf adds to a class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vote {
    pub(crate) class: u32,
    pub(crate) weight: f32,
}

/// How summed votes become a row of probabilities and a label.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    /// A sum per class, to which these are added.
    PerClass { base: Vec<f32> },
    /// Two classes, and one sum for the second of them.
    Single { base: f32, all_positive: bool },
}

/// What makes probabilities of sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    None,
    Softmax,
    Logistic,
}

/// All trees of an ensemble. Every index was checked, and no walk goes in circles.
#[derive(Clone, Debug)]
pub(crate) struct Trees {
    pub(crate) nodes: Vec<Node>,
    pub(crate) roots: Vec<u32>,
    pub(crate) votes: Vec<Vote>,
    pub(crate) labels: Vec<i64>,
    /// Features that a row must have.
    pub(crate) n_features: usize,
    pub(crate) layout: Layout,
    pub(crate) link: Link,
}

impl Node {
    /// Comparisons with NaN hold for `NotEqual` alone; apart from that, a missing value goes where its flag says.
    fn holds(&self, value: f32) -> bool {
        let holds = match self.mode {
            Mode::AtMost => value <= self.value,
            Mode::Below => value < self.value,
            Mode::AtLeast => value >= self.value,
            Mode::Above => value > self.value,
            Mode::Equal => value == self.value,
            Mode::NotEqual => value != self.value,
            Mode::Leaf => false,
        };
        holds || (self.missing_yes && value.is_nan())
    }
}

impl Trees {
    /// Number of probabilities per row.
    pub(crate) fn n_classes(&self) -> usize {
        self.labels.len()
    }

    /// Writes one row's probabilities and gives its label. The row has at least `n_features` values.
    pub(crate) fn row(&self, features: &[f32], probabilities: &mut [f32]) -> i64 {
        probabilities.fill(0.0);
        for &root in &self.roots {
            let leaf = self.leaf(root, features);
            for vote in &self.votes[leaf.yes as usize..leaf.no as usize] {
                probabilities[vote.class as usize] += vote.weight;
            }
        }
        let class = match &self.layout {
            Layout::PerClass { base } => self.finish_classes(base, probabilities),
            Layout::Single { base, all_positive } => self.finish_single(*base, *all_positive, probabilities),
        };
        self.labels[class]
    }

    fn leaf(&self, root: u32, features: &[f32]) -> &Node {
        let mut node = &self.nodes[root as usize];
        while node.mode != Mode::Leaf {
            let next = if node.holds(features[node.feature as usize]) { node.yes } else { node.no };
            node = &self.nodes[next as usize];
        }
        node
    }

    fn finish_classes(&self, base: &[f32], sums: &mut [f32]) -> usize {
        sums.iter_mut().zip(base).for_each(|(sum, base)| *sum += base);
        let class = if let [_, second] = sums { usize::from(*second > 0.0) } else { largest(sums) };
        match self.link {
            Link::None => {}
            Link::Softmax => softmax(sums),
            Link::Logistic => sums.iter_mut().for_each(|sum| *sum = logistic(*sum)),
        }
        class
    }

    /// A forest's leaves hold probabilities, so none is negative; without a link the first class then has the complement.
    fn finish_single(&self, base: f32, all_positive: bool, row: &mut [f32]) -> usize {
        let sum = row[0] + base;
        let boundary = if all_positive { 0.5 } else { 0.0 };
        let (first, second) = match self.link {
            Link::Logistic => (logistic(-sum), logistic(sum)),
            Link::None | Link::Softmax if all_positive => (1.0 - sum, sum),
            Link::None | Link::Softmax => (-sum, sum),
        };
        row.copy_from_slice(&[first, second]);
        usize::from(sum > boundary)
    }
}
