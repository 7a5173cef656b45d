//! Random forest: the mean of many trees, each grown on a bootstrap sample with a few random columns to choose from at every node.
//!
//! Breiman, "Random forests", 2001. Trees are grown on the bins of `tree::binning`, best leaf first, by Gini impurity over any number of
//! classes; levels need no encoding and missing values go to the better side. A leaf holds the shares of the classes, drawn a little towards
//! the shares of all rows (m-estimate: Cestnik, "Estimating probabilities", 1990). Trees are grown in parallel, each from a seed of its own,
//! so a fit does not depend on the number of threads.

mod grow;
mod node_split;
mod tally;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trainer_onnx::{Link, TreeEnsemble};

use crate::family::{Classifier, Exported, Family, OnStep, Step};
use crate::random::Random;
use crate::tree::Tree;
use crate::tree::binning::{Binning, N_BINS};
use crate::{Data, Error, Matrix};
use grow::{Ground, grow};

/// Rows whose probabilities are computed together.
const CHUNK: usize = 1024;

/// Trees are grown until they have seen so many rows together, where nothing else is said.
const TREE_ROWS: usize = 400_000;

/// Trees, at least and at most, where nothing else is said.
const MIN_TREES: usize = 200;
const MAX_TREES: usize = 400;

/// Trees between two looks at whether to stop.
const TREES_PER_STEP: usize = 8;

/// The out-of-bag estimate is made on at most this many rows, evenly spaced.
const OUT_OF_BAG_ROWS: usize = 5000;

/// Settings of a random forest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Trees; when absent, 200, and up to 400 of fewer than 2000 rows.
    pub n_trees: Option<usize>,
    /// Leaves of a tree at most; the leaf whose question gains most is split next.
    pub max_leaves: usize,
    /// Questions from root to leaf at most.
    pub max_depth: usize,
    /// Rows of a leaf at least; when absent, a twentieth of the square root of the number of rows.
    pub min_leaf_rows: Option<usize>,
    /// Share of the columns that a node chooses from, in `(0, 1]`; when absent, one more than the square root of their number.
    pub column_share: Option<f64>,
    /// Bins of a numeric column at most, beside the one for missing values; 2 to 255.
    pub max_bins: usize,
    /// Rows of the average shares that each level is given before levels are put in order.
    pub category_smoothing: f64,
    /// Rows of the overall shares that each leaf is given with two classes; with more, of which chance makes pure leaves less often, in proportion
    /// fewer.
    pub leaf_smoothing: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            n_trees: None,
            max_leaves: 256,
            max_depth: 64,
            min_leaf_rows: None,
            column_share: None,
            max_bins: 255,
            category_smoothing: 10.0,
            leaf_smoothing: 1.0,
        }
    }
}

impl Params {
    /// Refuses what is out of range.
    pub fn check(self) -> Result<ValidParams, Error> {
        let whole = |name, value: usize, lowest, highest, expected| in_range(name, value as f64, lowest, highest, expected);
        whole("n_trees", self.n_trees.unwrap_or(1), 1.0, 10_000.0, "1 to 10000")?;
        whole("max_leaves", self.max_leaves, 2.0, 1e6, "2 to 1000000")?;
        whole("max_depth", self.max_depth, 1.0, f64::MAX, "at least 1")?;
        whole("min_leaf_rows", self.min_leaf_rows.unwrap_or(1), 1.0, 1e9, "1 to 1000000000")?;
        whole("max_bins", self.max_bins, 2.0, (N_BINS - 1) as f64, "2 to 255")?;
        in_range("column_share", self.column_share.unwrap_or(1.0), f64::MIN_POSITIVE, 1.0, "above 0 and at most 1")?;
        in_range("category_smoothing", self.category_smoothing, 0.0, f64::MAX, "a number of at least 0")?;
        in_range("leaf_smoothing", self.leaf_smoothing, 0.0, f64::MAX, "a number of at least 0")?;
        Ok(ValidParams(self))
    }

    fn n_trees(&self, n_rows: usize) -> usize {
        self.n_trees.unwrap_or_else(|| (TREE_ROWS / n_rows.max(1)).clamp(MIN_TREES, MAX_TREES))
    }
}

/// Settings in range.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidParams(Params);

impl ValidParams {
    /// The same with the fewest trees where nothing says how many.
    pub(crate) fn for_trial(mut self) -> Self {
        self.0.n_trees.get_or_insert(MIN_TREES);
        self
    }

    /// Fits on the training rows.
    pub fn fit(&self, train: &Data, seed: u64, on_step: OnStep) -> Result<Fitted, Error> {
        let weighted = train.without_weightless_rows()?;
        let train = weighted.as_ref().unwrap_or(train);
        let binning = Binning::fit(train, self.0.max_bins);
        let binned = binning.apply(train.features());
        let ground = Ground::new(&self.0, train, &binning, &binned);
        let mut out_of_bag = OutOfBag::new(train);
        let n_trees = self.0.n_trees(train.n_rows());
        let mut trees = Vec::with_capacity(n_trees);
        while trees.len() < n_trees {
            let next = trees.len()..(trees.len() + TREES_PER_STEP).min(n_trees);
            let grown: Vec<_> = next.into_par_iter().map(|tree| grow(&ground, Random::of_part(seed, tree))).collect();
            for (tree, counts) in grown {
                out_of_bag.add(&tree, &counts, train);
                trees.push(tree);
            }
            if on_step(Step { done: trees.len(), total: n_trees }).is_break() {
                return Err(Error::Stopped);
            }
        }
        let out_of_bag_log_loss = out_of_bag.log_loss(train);
        let share = 1.0 / trees.len() as f32;
        trees.iter_mut().flat_map(|tree| &mut tree.shares).for_each(|value| *value *= share);
        Ok(Fitted { n_features: train.features().n_features(), n_classes: train.n_classes(), trees, out_of_bag_log_loss })
    }
}

/// A tree whose leaves point at shares of the classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ForestTree {
    /// A leaf's value is its number.
    tree: Tree,
    /// Row-major `[leaves, C]`; divided by the number of trees in a fitted forest.
    shares: Vec<f32>,
}

impl ForestTree {
    fn shares(&self, row: &[f32], n_classes: usize) -> &[f32] {
        self.of_leaf(self.tree.value(row), n_classes)
    }

    fn of_leaf(&self, leaf: f32, n_classes: usize) -> &[f32] {
        &self.shares[leaf as usize * n_classes..][..n_classes]
    }
}

/// A fitted forest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    n_features: usize,
    n_classes: usize,
    trees: Vec<ForestTree>,
    out_of_bag_log_loss: Option<f64>,
}

impl Fitted {
    /// Log loss of training rows by the trees that did not see them; none where every tree saw every row.
    pub fn out_of_bag_log_loss(&self) -> Option<f64> {
        self.out_of_bag_log_loss
    }
}

impl Classifier for Fitted {
    fn probabilities(&self, features: &Matrix) -> Matrix {
        assert_eq!(features.n_features(), self.n_features, "rows of the width the model was fitted on");
        let chunks = features.values().par_chunks(CHUNK * self.n_features).map(|rows| {
            let mut probabilities = vec![0.0; rows.len() / self.n_features * self.n_classes];
            // Every tree sees all rows before the next, so that it is fetched once.
            for tree in &self.trees {
                let places = rows.chunks_exact(self.n_features).zip(probabilities.chunks_exact_mut(self.n_classes));
                places.for_each(|(row, sums)| {
                    sums.iter_mut().zip(tree.shares(row, self.n_classes)).for_each(|(sum, share)| *sum += share);
                });
            }
            probabilities
        });
        let values = chunks.collect::<Vec<_>>().concat();
        Matrix::new(features.n_rows(), self.n_classes, values).expect("one finite probability per row and class")
    }

    fn n_steps(&self) -> usize {
        self.trees.len()
    }

    fn converged(&self) -> bool {
        true
    }

    fn to_onnx(&self) -> Exported {
        let trees = self.trees.iter().map(|tree| tree.tree.to_onnx(|leaf| tree.of_leaf(leaf, self.n_classes).to_vec()));
        trainer_onnx::Classifier::Trees(TreeEnsemble {
            n_features: self.n_features,
            n_classes: self.n_classes,
            trees: trees.collect(),
            link: Link::Identity,
        })
        .into()
    }
}

/// Summed shares of the rows that trees did not see.
struct OutOfBag {
    rows: Vec<usize>,
    n_classes: usize,
    sums: Vec<f64>,
    n_trees: Vec<u32>,
}

impl OutOfBag {
    fn new(data: &Data) -> Self {
        let step = data.n_rows().div_ceil(OUT_OF_BAG_ROWS).max(1);
        let rows: Vec<usize> = (0..data.n_rows()).step_by(step).collect();
        let (n_rows, n_classes) = (rows.len(), data.n_classes());
        Self { rows, n_classes, sums: vec![0.0; n_rows * n_classes], n_trees: vec![0; n_rows] }
    }

    fn add(&mut self, tree: &ForestTree, counts: &[u8], data: &Data) {
        let places = self.sums.chunks_exact_mut(self.n_classes).zip(&mut self.n_trees).zip(&self.rows);
        for ((sums, n_trees), &row) in places.filter(|(_, row)| counts[**row] == 0) {
            let shares = tree.shares(data.features().row(row), self.n_classes);
            sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += f64::from(*share));
            *n_trees += 1;
        }
    }

    fn log_loss(&self, data: &Data) -> Option<f64> {
        let (mut loss, mut weights) = (0.0, 0.0);
        for ((sums, &n_trees), &row) in self.sums.chunks_exact(self.n_classes).zip(&self.n_trees).zip(&self.rows) {
            if n_trees > 0 {
                let probability = sums[data.classes()[row] as usize] / f64::from(n_trees);
                loss -= f64::from(data.weight(row)) * probability.max(1e-15).ln();
                weights += f64::from(data.weight(row));
            }
        }
        (weights > 0.0).then(|| loss / weights)
    }
}

fn in_range(name: &'static str, value: f64, lowest: f64, highest: f64, expected: &'static str) -> Result<(), Error> {
    if (lowest..=highest).contains(&value) {
        return Ok(());
    }
    Err(Error::Parameter { family: Family::RandomForest, name, value, expected })
}

#[cfg(test)]
mod tests;
