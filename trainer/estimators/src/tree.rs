//! A binary decision tree with one value per leaf, and the histogram learner that grows it.
//!
//! Thresholds and leaf values are float32: a float32 row takes the same path and sums to the same number here and in the exported graph.

pub(crate) mod binned;
pub(crate) mod binning;
pub(crate) mod grow;
pub(crate) mod histogram;
mod levels;
pub(crate) mod prefetch;
pub(crate) mod quantise;
pub(crate) mod split;

use serde::{Deserialize, Serialize};

/// A tree; node 0 is the root and children come after their parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Node {
    /// The end of a path.
    Leaf(f32),
    /// A question and the indices of the children.
    Split { feature: u32, test: Test, yes: u32, no: u32 },
}

/// A question about one feature value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Test {
    /// `value <= threshold`; a missing value goes where `missing_yes` says.
    AtMost { threshold: f32, missing_yes: bool },
    /// The value is one of these levels; a missing or unseen level is not.
    OneOf(LevelSet),
}

/// A set of levels as bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LevelSet(Vec<u64>);

impl Tree {
    /// A tree without questions.
    pub(crate) fn constant(value: f32) -> Self {
        Self { nodes: vec![Node::Leaf(value)] }
    }

    /// Whether it asks anything.
    pub(crate) fn has_splits(&self) -> bool {
        self.nodes.len() > 1
    }

    /// The value of the leaf that a row reaches.
    pub(crate) fn value(&self, row: &[f32]) -> f32 {
        let mut node = 0;
        loop {
            match &self.nodes[node] {
                Node::Leaf(value) => return *value,
                Node::Split { feature, test, yes, no } => {
                    node = if test.holds(row[*feature as usize]) { *yes } else { *no } as usize;
                }
            }
        }
    }

    /// The same tree as plain numbers for the exporter; `leaf` tells what a leaf adds to each output.
    pub(crate) fn to_onnx(&self, leaf: impl Fn(f32) -> Vec<f32>) -> trainer_onnx::Tree {
        let nodes = self.nodes.iter().map(|node| match node {
            Node::Leaf(value) => trainer_onnx::Node::Leaf { values: leaf(*value) },
            Node::Split { feature, test, yes, no } => trainer_onnx::Node::Split {
                feature: *feature as usize,
                test: test.to_onnx(),
                yes: *yes as usize,
                no: *no as usize,
                missing_yes: matches!(test, Test::AtMost { missing_yes: true, .. }),
            },
        });
        trainer_onnx::Tree { nodes: nodes.collect() }
    }
}

impl Test {
    fn holds(&self, value: f32) -> bool {
        match self {
            Test::AtMost { threshold, missing_yes } => value <= *threshold || (*missing_yes && value.is_nan()),
            Test::OneOf(levels) => levels.contains(value),
        }
    }

    fn to_onnx(&self) -> trainer_onnx::Test {
        match self {
            Test::AtMost { threshold, .. } => trainer_onnx::Test::AtMost(*threshold),
            Test::OneOf(levels) => trainer_onnx::Test::OneOf(levels.levels().collect()),
        }
    }
}

impl LevelSet {
    fn contains(&self, value: f32) -> bool {
        let level = value as usize;
        level as f32 == value && self.0.get(level / 64).is_some_and(|word| word >> (level % 64) & 1 == 1)
    }

    /// The levels, ascending.
    pub(crate) fn levels(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.0.len() as u32 * 64).filter(|&level| self.0[level as usize / 64] >> (level % 64) & 1 == 1)
    }
}

impl FromIterator<u32> for LevelSet {
    fn from_iter<I: IntoIterator<Item = u32>>(levels: I) -> Self {
        let mut words = Vec::new();
        for level in levels {
            let word = level as usize / 64;
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (level % 64);
        }
        Self(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(test: &Test, value: f32, expect: bool) {
        assert_eq!(test.holds(value), expect, "{test:?} of {value}");
    }

    #[test]
    fn a_threshold_is_inclusive_and_missing_values_have_their_own_direction() {
        for missing_yes in [false, true] {
            let test = Test::AtMost { threshold: 0.1, missing_yes };
            check(&test, 0.1, true);
            check(&test, 0.1_f32.next_up(), false);
            check(&test, -1.0, true);
            check(&test, f32::NAN, missing_yes);
        }
    }

    #[test]
    fn a_missing_or_unseen_level_is_in_no_set() {
        let test = Test::OneOf([0, 2, 70].into_iter().collect());
        for level in [0.0, 2.0, 70.0] {
            check(&test, level, true);
        }
        for other in [1.0, 69.0, 71.0, 1e9, 0.5, -1.0, f32::NAN] {
            check(&test, other, false);
        }
    }

    #[test]
    fn levels_come_out_ascending() {
        let set: LevelSet = [70, 0, 2].into_iter().collect();
        assert_eq!(set.levels().collect::<Vec<_>>(), [0, 2, 70]);
    }
}
