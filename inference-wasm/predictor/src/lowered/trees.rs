//! Decision trees as one flat array of nodes of 16 bytes, walked for several rows at once without a branch that depends on them.
//!
//! A row is first coded: every (feature, way to ask) pair has a column of 32 bits, in which a number keeps its order and a level is one bit.
//! Both questions of the trainer's trees, "at most this" and "one of these levels", then are `(code & mask) > bound`, and a missing value
//! needs no question of its own, as its code is already the least or the most.
//!
//! The walk goes in lanes: the same step for several (tree, row) pairs, whose loads the processor overlaps, until all lanes are at a leaf.
//! A leaf's question always has the answer "no" and leads to itself, so lanes that are done may go on.

mod build;

use crate::onnx::Node as Operator;

use super::pattern::Known;

/// Pairs of trees and rows that walk together.
const LANES: usize = 8;

/// A question about one code of the row; or a leaf.
///
/// `(code & mask) > bound` leads to node `next + 1`, anything else to `next`. A leaf has mask 0 and leads to itself, and its bound is
/// what it says: the bits of its value in an ensemble with one logit, else where its values start in [`Trees::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) mask: u32,
    pub(crate) bound: u32,
    /// Index into [`Trees::columns`].
    pub(crate) column: u32,
    pub(crate) next: u32,
}

/// How a feature is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Column {
    pub(crate) feature: u32,
    pub(crate) code: Code,
}

/// What a column's 32 bits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Code {
    /// A number by its order; missing is less than every number.
    MissingFirst,
    /// A number by its order; missing is more than every number.
    MissingLast,
    /// One bit for each of 32 levels from 32 times this on; all 0 for another level, a missing one, and what is no level.
    Levels(u32),
}

/// All trees of an ensemble. Nothing in it is beyond anything else, and every walk ends.
#[derive(Clone, Debug)]
pub(crate) struct Trees {
    pub(crate) columns: Vec<Column>,
    pub(crate) nodes: Vec<Node>,
    /// The first node of each tree.
    pub(crate) roots: Vec<u32>,
    /// Row-major `[leaves, n_logits]`; empty with one logit.
    pub(crate) values: Vec<f32>,
    pub(crate) n_logits: usize,
}

/// Whether an ensemble's leaves hold probabilities.
pub(crate) type IsLinked = bool;

impl Trees {
    /// The operator's name.
    pub(crate) const OPERATOR: &str = "TreeEnsembleClassifier";

    /// Reads the operator of an ensemble; tells, too, whether a softmax follows.
    pub(crate) fn read(operator: &Operator, n_features: usize, n_classes: usize) -> Known<(Self, IsLinked)> {
        build::read(operator, n_features, n_classes)
    }

    /// Writes the codes of feature rows, `[n_rows, columns]`.
    pub(crate) fn code(&self, features: &[f32], n_features: usize, codes: &mut Vec<u32>) {
        codes.clear();
        for row in features.chunks_exact(n_features) {
            codes.extend(self.columns.iter().map(|column| column.code.of(row[column.feature as usize])));
        }
    }

    /// Writes the sums of leaves, `[n_rows, n_logits]`, of rows that [`Trees::code`] made. Each is added up in the order of the trees.
    pub(crate) fn sums(&self, codes: &[u32], n_rows: usize, sums: &mut Vec<f32>) {
        sums.clear();
        sums.resize(n_rows * self.n_logits, 0.0);
        let width = self.columns.len();
        let n_together = n_rows - n_rows % LANES;
        for &root in &self.roots {
            for first in (0..n_together).step_by(LANES) {
                let leaves = self.walk([root; LANES], std::array::from_fn(|lane| (first + lane) * width), codes);
                for (lane, leaf) in leaves.into_iter().enumerate() {
                    self.add(leaf, first + lane, sums);
                }
            }
        }
        for row in n_together..n_rows {
            self.sum_of_row(row, codes, sums);
        }
    }

    /// As [`Trees::sums`], of one row: the lanes are trees.
    fn sum_of_row(&self, row: usize, codes: &[u32], sums: &mut [f32]) {
        let start = row * self.columns.len();
        let (together, rest) = self.roots.as_chunks::<LANES>();
        for roots in together {
            for leaf in self.walk(*roots, [start; LANES], codes) {
                self.add(leaf, row, sums);
            }
        }
        for &root in rest {
            let [leaf] = self.walk([root], [start], codes);
            self.add(leaf, row, sums);
        }
    }

    fn add(&self, leaf: u32, row: usize, sums: &mut [f32]) {
        if self.n_logits == 1 {
            sums[row] += f32::from_bits(leaf);
            return;
        }
        let values = &self.values[leaf as usize..][..self.n_logits];
        let sums = &mut sums[row * self.n_logits..][..self.n_logits];
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }

    /// From the nodes to the bounds of the leaves that they lead to, each for the row whose codes start at the same place of `starts`.
    fn walk<const N: usize>(&self, mut at: [u32; N], starts: [usize; N], codes: &[u32]) -> [u32; N] {
        let mut bounds = [0; N];
        loop {
            let mut moved = 0;
            for lane in 0..N {
                let node = self.nodes[at[lane] as usize];
                let code = codes[starts[lane] + node.column as usize];
                let next = node.next + u32::from(code & node.mask > node.bound);
                moved |= next ^ at[lane];
                bounds[lane] = node.bound;
                at[lane] = next;
            }
            if moved == 0 {
                return bounds;
            }
        }
    }
}

impl Code {
    /// The code of a feature's value.
    pub(crate) fn of(self, value: f32) -> u32 {
        match self {
            Self::MissingFirst if value.is_nan() => 0,
            Self::MissingLast if value.is_nan() => u32::MAX,
            Self::MissingFirst | Self::MissingLast => order(value),
            Self::Levels(word) => level(value).filter(|level| level / 32 == word).map_or(0, |level| 1 << (level % 32)),
        }
    }
}

/// A number's place among all numbers: neither 0 nor the most, and the same for both zeros.
pub(crate) fn order(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// The level that a feature's value stands for.
pub(crate) fn level(value: f32) -> Option<u32> {
    const EXACT: f32 = (1 << 24) as f32;
    let level = value as u32;
    (level as f32 == value && value < EXACT).then_some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_the_order_of_numbers() {
        let numbers =
            [f32::NEG_INFINITY, f32::MIN, -1.0, -f32::MIN_POSITIVE, 0.0, f32::MIN_POSITIVE, 1.0, f32::MAX, f32::INFINITY];
        assert!(numbers.is_sorted_by(|a, b| order(*a) < order(*b)));
        assert_eq!(order(-0.0), order(0.0));
        for number in numbers {
            assert!(Code::MissingFirst.of(f32::NAN) < order(number) && order(number) < Code::MissingLast.of(f32::NAN));
        }
    }

    #[test]
    fn only_whole_numbers_from_0_on_are_levels() {
        assert_eq!([0.0, -0.0, 7.0].map(level), [Some(0), Some(0), Some(7)]);
        assert_eq!([-1.0, 0.5, 1e9, -2.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(level), [None; 7]);
        assert_eq!([Code::Levels(0), Code::Levels(1)].map(|code| code.of(33.0)), [0, 2]);
    }
}
