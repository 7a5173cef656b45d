//! Exact contributions of columns to a sum of trees.
//!
//! For a row of the background and a leaf there are columns with which only the record goes on towards the leaf, columns with which only the
//! row does, and columns with which both do. What the leaf says belongs to all sets that hold the first and none of the second, and is
//! shared out by the number of either.
//!
//! A walk takes 64 rows along at once and comes to a leaf but once: towards it with the record as long as that goes there, and where it
//! turns away at a column, on with the rows that have not turned away there before.
//!
//! Source: interventional TreeSHAP, Lundberg et al. (2020), From local explanations to global understanding with explainable AI for trees.

mod answers;

use answers::BLOCK;

use super::Question;
use super::weight::Weights;
use crate::lowered::{Member, Trees};
pub(super) use answers::answers;

/// Nodes that are visited at most, and rows that come to leaves, some tenths of a second; a sum of trees that needs more is explained in
/// another way.
const MOST_STEPS: u32 = 50_000_000;
/// A tree that is deeper is explained in another way, as a walk takes room for every step down.
const MOST_DEPTH: u32 = 1000;

/// Each column's contribution on the scale and in probability; none where it would take too long.
pub(super) fn explain(question: &Question, model: &Member, trees: &Trees, stretches: &[f64]) -> Option<Vec<[f64; 2]>> {
    let n_rows = stretches.len();
    let mut codes = Vec::new();
    trees.code(question.own, model.n_features, &mut codes);
    let mut walk = Walk {
        model,
        trees,
        class: question.class,
        codes: &codes,
        answers: &[],
        weights: Weights::new(model.n_features),
        is_left: vec![false; model.n_features],
        turned: vec![0; model.n_features],
        rows: Vec::new(),
        contributions: vec![[0.0; 2]; model.n_features],
        steps_left: MOST_STEPS,
    };
    for (stretches, answers) in stretches.chunks(BLOCK).zip(question.kept().answers(trees, question.background, model.n_features))
    {
        walk.answers = answers;
        walk.rows = stretches.iter().map(|stretch| Row { stretch: *stretch, gain: 0.0, n_turned: 0 }).collect();
        let every_row = u64::MAX >> (BLOCK - stretches.len());
        for &root in &trees.roots {
            walk.node(root, every_row, Way { n_left: 0, depth: 0 })?;
        }
    }
    let mut contributions = walk.contributions;
    contributions.iter_mut().flatten().for_each(|sum| *sum /= n_rows as f64);
    Some(contributions)
}

/// At how many features the record has turned away on the way to a node, and how many steps it is down.
#[derive(Clone, Copy)]
struct Way {
    n_left: usize,
    depth: u32,
}

/// A sum over rows: on the scale, and stretched to probability.
type Sum = [f64; 2];

struct Walk<'a> {
    model: &'a Member,
    trees: &'a Trees,
    class: usize,
    /// The record's codes.
    codes: &'a [u32],
    /// For each node the rows that answer yes.
    answers: &'a [u64],
    weights: Weights,
    /// Of each feature, whether the record has turned away at it.
    is_left: Vec<bool>,
    /// Of each feature, the rows that have turned away at it, and the record has not.
    turned: Vec<u64>,
    /// Of the background.
    rows: Vec<Row>,
    contributions: Vec<Sum>,
    steps_left: u32,
}

struct Row {
    /// What makes probability of its contributions.
    stretch: f64,
    /// At how many features it has turned away, and the record has not.
    n_turned: i32,
    /// What each of these has gained by the leaves so far.
    gain: f64,
}

impl Walk<'_> {
    /// Takes rows to the leaves below a node, and gives what each feature that the record has turned away at loses by them; none where there
    /// are too many steps.
    fn node(&mut self, mut at: u32, mut rows: u64, mut way: Way) -> Option<Sum> {
        let mut lost = [0.0; 2];
        loop {
            self.steps_left = self.steps_left.checked_sub(1).filter(|_| way.depth < MOST_DEPTH)?;
            let node = self.trees.nodes[at as usize];
            if node.next == at {
                self.steps_left = self.steps_left.checked_sub(rows.count_ones())?;
                self.leaf(node.bound, rows, way.n_left, &mut lost);
                return Some(lost);
            }
            way.depth += 1;
            let feature = self.trees.columns[node.column as usize].feature as usize;
            let is_yes = self.codes[node.column as usize] & node.mask > node.bound;
            let (own, other) = if is_yes { (node.next + 1, node.next) } else { (node.next, node.next + 1) };
            let yes = self.answers[at as usize];
            let apart = rows & if is_yes { !yes } else { yes } & !self.turned[feature];
            if apart == 0 {
                at = own;
            } else if self.is_left[feature] {
                if apart != rows {
                    add(&mut lost, self.node(own, rows & !apart, way)?);
                }
                (at, rows) = (other, apart);
            } else {
                add(&mut lost, self.part(feature, [own, other], rows, apart, way)?);
                return Some(lost);
            }
        }
    }

    /// Where rows turn away from the record at a feature: on with them alone, and on with all rows and the record.
    fn part(&mut self, feature: usize, [own, other]: [u32; 2], rows: u64, apart: u64, way: Way) -> Option<Sum> {
        self.is_left[feature] = true;
        let mut lost = self.node(other, apart, Way { n_left: way.n_left + 1, ..way })?;
        self.is_left[feature] = false;
        self.turned[feature] |= apart;
        let before = self.turn(apart, 1);
        let more = self.node(own, rows, way)?;
        let gained = self.turn(apart, -1);
        self.turned[feature] &= !apart;
        for (at, sum) in self.contributions[feature].iter_mut().enumerate() {
            *sum += gained[at] - before[at] - lost[at];
        }
        add(&mut lost, more);
        Some(lost)
    }

    /// Adds to the number of features at which rows have turned away, and gives what each has gained so far.
    fn turn(&mut self, rows: u64, by: i32) -> Sum {
        let mut gained = [0.0; 2];
        each(rows, |row| {
            let Row { gain, stretch, n_turned } = &mut self.rows[row];
            *n_turned += by;
            add(&mut gained, [*gain, *gain * *stretch]);
        });
        gained
    }

    fn leaf(&mut self, bound: u32, rows: u64, n_left: usize, lost: &mut Sum) {
        let value = self.value(bound);
        each(rows, |row| {
            let Row { gain, stretch, n_turned } = &mut self.rows[row];
            if *n_turned > 0 {
                *gain += value * self.weights.of(*n_turned as usize - 1, n_left);
            }
            if n_left > 0 {
                let loss = value * self.weights.of(*n_turned as usize, n_left - 1);
                add(lost, [loss, loss * *stretch]);
            }
        });
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

fn add(sum: &mut Sum, more: Sum) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// Does something for each of some rows.
#[inline(always)]
fn each(mut rows: u64, mut act: impl FnMut(usize)) {
    while rows != 0 {
        act(rows.trailing_zeros() as usize);
        rows &= rows - 1;
    }
}
