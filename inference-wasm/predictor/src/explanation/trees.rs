//! Exact contributions of columns to a sum of trees.
//!
//! A walk takes all background rows along at once. Where a row parts from the record at a column that neither has yet, both ways are taken:
//! one for the sets that hold the column, one for those that do not. What a leaf says then belongs to all sets that hold the columns taken
//! from the record and none of those taken from the row, and is shared out by the number of either.
//!
//! Source: interventional TreeSHAP, Lundberg et al. (2020), From local explanations to global understanding with explainable AI for trees.

mod answers;

use super::Question;
use super::weight::Weights;
use crate::lowered::{Lowered, Trees};
pub(super) use answers::answers;

/// Nodes that are visited at most, some tenths of a second; a sum of trees that needs more is explained in another way.
const MOST_STEPS: u32 = 50_000_000;
/// A tree that is deeper is explained in another way, as a walk takes room for every step down.
const MOST_DEPTH: u32 = 1000;

/// Each column's contribution on the scale and in probability; none where it would take too long.
pub(super) fn explain(question: &Question, model: &Lowered, trees: &Trees, stretches: &[f64]) -> Option<Vec<[f64; 2]>> {
    let n_rows = stretches.len();
    let mut codes = Vec::new();
    trees.code(question.own, model.n_features, &mut codes);
    let mut walk = Walk {
        model,
        trees,
        class: question.class,
        codes: &codes,
        answers: question.kept().answers(trees, question.background, model.n_features),
        weights: Weights::new(model.n_features),
        stretches,
        sides: vec![Side::Either; model.n_features],
        contributions: vec![[0.0; 2]; model.n_features],
        steps_left: MOST_STEPS,
    };
    let every_row = u128::MAX >> (u128::BITS as usize - n_rows);
    for &root in &trees.roots {
        walk.node(root, every_row, Way { n_own: 0, n_background: 0, depth: 0 }, &mut Said::default())?;
    }
    let mut contributions = walk.contributions;
    contributions.iter_mut().flatten().for_each(|sum| *sum /= n_rows as f64);
    Some(contributions)
}

/// Where a column is taken from.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// From either: no row has parted from the record there yet.
    Either,
    Own,
    Background,
}

/// How many columns were taken from each side on the way to a node, and how many steps it is down.
#[derive(Clone, Copy)]
struct Way {
    n_own: u32,
    n_background: u32,
    depth: u32,
}

/// What the leaves below a node say to one more column of each side, summed over rows: on the scale, and stretched to probability.
#[derive(Clone, Copy, Default)]
struct Said {
    own: [f64; 2],
    background: [f64; 2],
}

struct Walk<'a> {
    model: &'a Lowered,
    trees: &'a Trees,
    class: usize,
    /// The record's codes.
    codes: &'a [u32],
    /// For each node the rows that answer yes.
    answers: &'a [u128],
    weights: Weights,
    /// What makes probability of a row's contributions.
    stretches: &'a [f64],
    /// Of each feature, where it is taken from.
    sides: Vec<Side>,
    contributions: Vec<[f64; 2]>,
    steps_left: u32,
}

impl Walk<'_> {
    /// Adds what the leaves say that some rows come to from a node; none where there are too many steps. Numbers are passed one by one, as
    /// they then stay in registers.
    fn node(&mut self, mut at: u32, mut rows: u128, mut way: Way, said: &mut Said) -> Option<()> {
        loop {
            self.steps_left = self.steps_left.checked_sub(1).filter(|_| way.depth < MOST_DEPTH)?;
            let node = self.trees.nodes[at as usize];
            if node.next == at {
                self.leaf(node.bound, rows, way, said);
                return Some(());
            }
            way.depth += 1;
            let feature = self.trees.columns[node.column as usize].feature as usize;
            let is_yes = self.codes[node.column as usize] & node.mask > node.bound;
            let (own, other) = if is_yes { (node.next + 1, node.next) } else { (node.next, node.next + 1) };
            let side = self.sides[feature];
            if side == Side::Own {
                at = own;
                continue;
            }
            let yes = self.answers[at as usize];
            let apart = rows & if is_yes { !yes } else { yes };
            if apart == 0 {
                at = own;
                continue;
            }
            if apart != rows {
                self.node(own, rows & !apart, way, said)?;
            }
            (at, rows) = (other, apart);
            if side == Side::Either {
                return self.part(feature, [own, other], apart, way, said);
            }
        }
    }

    /// Where rows part from the record at a column that neither has yet: the way with the record's value, and the one without.
    fn part(&mut self, feature: usize, [own, other]: [u32; 2], rows: u128, way: Way, said: &mut Said) -> Option<()> {
        let (mut with, mut without) = (Said::default(), Said::default());
        self.sides[feature] = Side::Own;
        self.node(own, rows, Way { n_own: way.n_own + 1, ..way }, &mut with)?;
        self.sides[feature] = Side::Background;
        self.node(other, rows, Way { n_background: way.n_background + 1, ..way }, &mut without)?;
        self.sides[feature] = Side::Either;
        for (sum, (gain, loss)) in self.contributions[feature].iter_mut().zip(with.own.iter().zip(without.background)) {
            *sum += gain - loss;
        }
        said.add(with);
        said.add(without);
        Some(())
    }

    fn leaf(&self, bound: u32, mut rows: u128, way: Way, said: &mut Said) {
        let (n_own, n_background) = (way.n_own as usize, way.n_background as usize);
        if n_own + n_background == 0 {
            return;
        }
        let value = self.value(bound);
        let mut sums = [f64::from(rows.count_ones()) * value, 0.0];
        while rows != 0 {
            sums[1] += self.stretches[rows.trailing_zeros() as usize];
            rows &= rows - 1;
        }
        sums[1] *= value;
        if n_own > 0 {
            let weight = self.weights.of(n_own - 1, n_background);
            said.own.iter_mut().zip(sums).for_each(|(said, sum)| *said += sum * weight);
        }
        if n_background > 0 {
            let weight = self.weights.of(n_own, n_background - 1);
            said.background.iter_mut().zip(sums).for_each(|(said, sum)| *said += sum * weight);
        }
    }

    /// What a leaf with this bound says to the class.
    fn value(&self, bound: u32) -> f64 {
        let n_logits = self.trees.n_logits;
        match n_logits {
            1 => self.model.link.value(&[f32::from_bits(bound)], self.class),
            _ => self.model.link.value(&self.trees.values[bound as usize..][..n_logits], self.class),
        }
    }
}

impl Said {
    fn add(&mut self, other: Self) {
        self.own.iter_mut().zip(other.own).for_each(|(sum, more)| *sum += more);
        self.background.iter_mut().zip(other.background).for_each(|(sum, more)| *sum += more);
    }
}
