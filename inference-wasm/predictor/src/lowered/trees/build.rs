//! From the operator's attribute lists to flat nodes.
//!
//! Source: ONNX operators, `ai.onnx.ml` version 3, TreeEnsembleClassifier; the order of the lists is the trainer's.

use std::collections::{BTreeMap, VecDeque};

use crate::lowered::Unknown;
use crate::lowered::pattern::{Known, unknown};
use crate::onnx::Node as Operator;

use super::{Code, Column, IsLinked, Node, Trees, level, order};

/// Every bit of a code counts.
const NUMBER: u32 = u32::MAX;

pub(super) fn read(operator: &Operator, n_features: usize, n_classes: usize) -> Known<(Trees, IsLinked)> {
    let lists = Lists::read(operator, n_features)?;
    let is_linked = match text(operator, "post_transform")? {
        b"SOFTMAX" => true,
        b"NONE" => false,
        _ => return unknown("attribute", "post_transform"),
    };
    if !integers(operator, "classlabels_int64s")?.iter().copied().eq(0..n_classes as i64) {
        return unknown("attribute", "classlabels_int64s");
    }
    let leaves = Leaves::read(operator, &lists, n_classes, is_linked)?;
    let mut flat = Flat::new(&lists, &leaves);
    let mut roots = Vec::new();
    for (root, _) in lists.ids.iter().enumerate().filter(|(_, id)| **id == 0) {
        roots.push(flat.tree(root)?);
    }
    let columns = flat.columns.into_iter().collect::<BTreeMap<_, _>>();
    let mut ordered = vec![Column { feature: 0, code: Code::MissingLast }; columns.len().max(1)];
    columns.into_iter().for_each(|(column, place)| ordered[place as usize] = column);
    let trees = Trees { columns: ordered, nodes: flat.nodes, roots, values: leaves.values, n_logits: leaves.n_logits };
    Ok((trees, is_linked))
}

/// The operator's attributes of nodes, all of one length. A node's children come after it, in its own tree.
struct Lists<'a> {
    trees: &'a [i64],
    ids: &'a [i64],
    features: &'a [i64],
    values: &'a [f32],
    modes: &'a [&'a [u8]],
    yes: &'a [i64],
    no: &'a [i64],
    missing_yes: &'a [i64],
}

impl<'a> Lists<'a> {
    fn read(operator: &'a Operator, n_features: usize) -> Known<Self> {
        const N_ATTRIBUTES: usize = 14;
        let ids = integers(operator, "nodes_nodeids")?;
        let list = |name| integers(operator, name).and_then(|list| same_length(list, ids.len(), name));
        let lists = Self {
            trees: list("nodes_treeids")?,
            ids,
            features: list("nodes_featureids")?,
            values: same_length(&attribute(operator, "nodes_values")?.floats, ids.len(), "nodes_values")?,
            modes: same_length(&attribute(operator, "nodes_modes")?.texts, ids.len(), "nodes_modes")?,
            yes: list("nodes_truenodeids")?,
            no: list("nodes_falsenodeids")?,
            missing_yes: list("nodes_missing_value_tracks_true")?,
        };
        let is_fit = !ids.is_empty() && ids.len() < (1 << 28) && operator.attributes.len() == N_ATTRIBUTES;
        if is_fit { lists.check(n_features).map(|()| lists) } else { unknown("the operator of", operator.name) }
    }

    /// Trees and nodes are numbered from 0 in the order of the lists, and children come after their parent.
    fn check(&self, n_features: usize) -> Known<()> {
        let (mut tree, mut next_id) = (-1, 0);
        let last_ids = self.last_ids();
        for at in 0..self.ids.len() {
            if self.trees[at] == tree + 1 {
                (tree, next_id) = (tree + 1, 0);
            }
            let is_child = |id: i64| id > self.ids[at] && id <= last_ids[at];
            let is_fit = self.is_leaf(at) || (is_child(self.yes[at]) && is_child(self.no[at]));
            let has_feature = (0..n_features as i64).contains(&self.features[at]);
            if self.trees[at] != tree || self.ids[at] != next_id || !is_fit || !has_feature {
                return unknown("a node of tree", &self.trees[at].to_string());
            }
            next_id += 1;
        }
        Ok(())
    }

    /// For each node the last id of its tree.
    fn last_ids(&self) -> Vec<i64> {
        let trees = self.trees.chunk_by(|a, b| a == b);
        trees.flat_map(|tree| std::iter::repeat_n(tree.len() as i64 - 1, tree.len())).collect()
    }

    fn is_leaf(&self, at: usize) -> bool {
        self.modes[at] == b"LEAF"
    }

    fn child(&self, at: usize, id: i64) -> usize {
        at + (id - self.ids[at]) as usize
    }

    /// The first node from here on that asks something; nodes that lead to one child whatever the value only part sets of levels.
    fn past_spacers(&self, mut at: usize) -> usize {
        while !self.is_leaf(at) && self.yes[at] == self.no[at] {
            at = self.child(at, self.yes[at]);
        }
        at
    }

    /// The level that a node of a set asks for.
    fn level(&self, at: usize) -> Known<u32> {
        let level = level(self.values[at]).filter(|_| self.missing_yes[at] == 0);
        level.map_or_else(|| unknown("a level of tree", &self.trees[at].to_string()), Ok)
    }
}

/// What the leaves say.
struct Leaves {
    /// What becomes of a leaf's bound, by node.
    bounds: Vec<u32>,
    values: Vec<f32>,
    n_logits: usize,
}

impl Leaves {
    /// Every leaf votes once for every class, in order. The first of two linked classes always has 0, and only the other is kept.
    fn read(operator: &Operator, lists: &Lists, n_classes: usize, is_linked: bool) -> Known<Self> {
        let leaves: Vec<usize> = (0..lists.ids.len()).filter(|&at| lists.is_leaf(at)).collect();
        let n_votes = leaves.len() * n_classes;
        let list = |name| integers(operator, name).and_then(|list| same_length(list, n_votes, name));
        let (classes, trees, ids) = (list("class_ids")?, list("class_treeids")?, list("class_nodeids")?);
        let weights = same_length(&attribute(operator, "class_weights")?.floats, n_votes, "class_weights")?;
        let votes = leaves.iter().flat_map(|&leaf| (0..n_classes as i64).map(move |class| (class, leaf)));
        let is_vote = |(at, (class, leaf)): (usize, (i64, usize))| {
            classes[at] == class && trees[at] == lists.trees[leaf] && ids[at] == lists.ids[leaf] && weights[at].is_finite()
        };
        if !votes.enumerate().all(is_vote) || n_votes >= u32::MAX as usize {
            return unknown("attribute", "class_ids");
        }
        let mut bounds = vec![0; lists.ids.len()];
        let has_one = n_classes == 2 && is_linked && weights.iter().step_by(2).all(|weight| *weight == 0.0);
        for (place, &leaf) in leaves.iter().enumerate() {
            bounds[leaf] = if has_one { weights[2 * place + 1].to_bits() } else { (place * n_classes) as u32 };
        }
        let values = if has_one { Vec::new() } else { weights.to_vec() };
        Ok(Self { bounds, values, n_logits: if has_one { 1 } else { n_classes } })
    }
}

/// Nodes as they are laid out: the two children of a node lie side by side, a tree's upper levels first.
struct Flat<'a> {
    lists: &'a Lists<'a>,
    leaves: &'a Leaves,
    columns: BTreeMap<Column, u32>,
    nodes: Vec<Node>,
    /// Where a node of the lists was laid out, for those that several lead to.
    places: Vec<u32>,
    /// Sets of levels that overlap could take the square of their number of nodes; the trainer's do not.
    steps_left: usize,
}

/// What a place is for.
enum Target {
    /// A node of the lists.
    Node(usize),
    /// The rest of a set of levels, as words, and where yes and no lead.
    Words { feature: u32, words: Vec<(u32, u32)>, yes: usize, no: usize },
}

const NOWHERE: u32 = u32::MAX;

impl<'a> Flat<'a> {
    fn new(lists: &'a Lists, leaves: &'a Leaves) -> Self {
        let n_nodes = lists.ids.len();
        let places = vec![NOWHERE; n_nodes];
        Self { lists, leaves, columns: BTreeMap::new(), nodes: Vec::with_capacity(n_nodes), places, steps_left: 4 * n_nodes }
    }

    /// Lays out a tree and gives its root's place.
    fn tree(&mut self, root: usize) -> Known<u32> {
        let mut waiting = VecDeque::from([(self.room(1), Target::Node(root))]);
        let place = self.nodes.len() as u32 - 1;
        while let Some((place, target)) = waiting.pop_front() {
            let node = match target {
                Target::Node(at) => self.node(self.lists.past_spacers(at), place, &mut waiting)?,
                Target::Words { feature, words, yes, no } => self.words(feature, words, yes, no, &mut waiting)?,
            };
            self.nodes[place as usize] = node;
        }
        Ok(place)
    }

    /// Makes room for nodes; gives the place of the first.
    fn room(&mut self, n_nodes: usize) -> u32 {
        let place = self.nodes.len() as u32;
        self.nodes.resize(self.nodes.len() + n_nodes, Node { mask: 0, bound: 0, column: 0, next: place });
        place
    }

    fn node(&mut self, at: usize, place: u32, waiting: &mut VecDeque<(u32, Target)>) -> Known<Node> {
        if let Some(laid_out) = self.nodes.get(self.places[at] as usize) {
            return Ok(*laid_out);
        }
        self.places[at] = place;
        let lists = self.lists;
        if lists.is_leaf(at) {
            return Ok(Node { mask: 0, bound: self.leaves.bounds[at], column: 0, next: place });
        }
        let (yes, no) = (lists.child(at, lists.yes[at]), lists.child(at, lists.no[at]));
        let feature = lists.features[at] as u32;
        match lists.modes[at] {
            b"BRANCH_LEQ" if lists.values[at].is_finite() => {
                let code = if lists.missing_yes[at] == 1 { Code::MissingFirst } else { Code::MissingLast };
                let next = self.children(Target::Node(yes), Target::Node(no), waiting);
                Ok(Node { mask: NUMBER, bound: order(lists.values[at]), column: self.column(feature, code), next })
            }
            b"BRANCH_EQ" => {
                let (words, no) = self.set(at)?;
                self.words(feature, words, yes, no, waiting)
            }
            _ => unknown("a mode of tree", &lists.trees[at].to_string()),
        }
    }

    /// The levels of the set that begins here, as words in descending order, and where "no" leads.
    fn set(&mut self, mut at: usize) -> Known<(Vec<(u32, u32)>, usize)> {
        let lists = self.lists;
        let (feature, yes) = (lists.features[at], lists.child(at, lists.yes[at]));
        let mut words: BTreeMap<u32, u32> = BTreeMap::new();
        loop {
            self.steps_left = self.steps_left.checked_sub(1).ok_or_else(|| Unknown("sets of levels overlap".into()))?;
            let level = lists.level(at)?;
            *words.entry(level / 32).or_default() |= 1 << (level % 32);
            let no = lists.child(at, lists.no[at]);
            let goes_on = lists.modes[no] == b"BRANCH_EQ"
                && lists.features[no] == feature
                && lists.yes[no] != lists.no[no]
                && lists.child(no, lists.yes[no]) == yes;
            if !goes_on {
                return Ok((words.into_iter().rev().collect(), no));
            }
            at = no;
        }
    }

    /// Asks for the last of the words; what follows "no" asks for the others.
    fn words(
        &mut self,
        feature: u32,
        mut words: Vec<(u32, u32)>,
        yes: usize,
        no: usize,
        waiting: &mut VecDeque<(u32, Target)>,
    ) -> Known<Node> {
        let Some((word, mask)) = words.pop() else { return unknown("a set of feature", &feature.to_string()) };
        let rest = if words.is_empty() { Target::Node(no) } else { Target::Words { feature, words, yes, no } };
        let next = self.children(rest, Target::Node(yes), waiting);
        Ok(Node { mask, bound: 0, column: self.column(feature, Code::Levels(word)), next })
    }

    /// Makes room for two children and gives the place of the first.
    fn children(&mut self, first: Target, second: Target, waiting: &mut VecDeque<(u32, Target)>) -> u32 {
        let place = self.room(2);
        waiting.extend([(place, first), (place + 1, second)]);
        place
    }

    fn column(&mut self, feature: u32, code: Code) -> u32 {
        let next = self.columns.len() as u32;
        *self.columns.entry(Column { feature, code }).or_insert(next)
    }
}

fn attribute<'g, 'a>(operator: &'g Operator<'a>, name: &str) -> Known<&'g crate::onnx::Attribute<'a>> {
    operator.attribute(name).map_or_else(|| unknown("attribute", name), Ok)
}

fn integers<'g>(operator: &'g Operator, name: &str) -> Known<&'g [i64]> {
    attribute(operator, name).map(|attribute| &attribute.integers[..])
}

fn text<'g>(operator: &'g Operator, name: &str) -> Known<&'g [u8]> {
    attribute(operator, name).map(|attribute| attribute.text)
}

fn same_length<'g, T>(list: &'g [T], length: usize, name: &str) -> Known<&'g [T]> {
    if list.len() == length { Ok(list) } else { unknown("the length of", name) }
}
