//! From the operator's attribute lists to flat nodes.
//!
//! A loop over all nodes is a function of its own, never put into another: what a browser runs often it compiles once more, the whole function
//! at once, which takes tens of milliseconds of a second thread for a large one; and what it is in the midst of gets no faster.
//!
//! Source: ONNX operators, `ai.onnx.ml` version 3, TreeEnsembleClassifier; the order of the lists is the trainer's.

use std::ops::Range;

use crate::lowered::pattern::{Known, known, unknown};
use crate::onnx::Node as Operator;

use super::{Code, Column, IsLinked, Node, Trees, level, order};

/// Every bit of a code counts.
const NUMBER: u32 = u32::MAX;

pub(super) fn read(operator: &Operator, n_features: usize, n_classes: usize) -> Known<(Trees, IsLinked)> {
    let lists = Lists::read(operator, n_features)?;
    let is_linked = match text(operator, "post_transform")? {
        b"SOFTMAX" => true,
        b"NONE" => false,
        _ => return unknown("the attributes of its trees"),
    };
    if !integers(operator, "classlabels_int64s")?.iter().copied().eq(0..n_classes as i32) {
        return unknown("the attributes of its trees");
    }
    let leaves = Leaves::read(operator, &lists, n_classes, is_linked)?;
    let mut flat = Flat::new(&lists, &leaves, n_features);
    let roots = lists.roots().into_iter().map(|root| flat.tree(root)).collect::<Known<_>>()?;
    let Flat { columns, nodes, .. } = flat;
    Ok((Trees { columns, nodes, roots, values: leaves.values, n_logits: leaves.n_logits }, is_linked))
}

/// What a node asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Leaf,
    AtMost,
    Equal,
    Unknown,
}

impl Mode {
    fn of(text: &[u8]) -> Self {
        // As arrays they are compared as numbers, and not byte by byte.
        match text.len() {
            4 if text.first_chunk() == Some(b"LEAF") => Self::Leaf,
            10 if text.first_chunk() == Some(b"BRANCH_LEQ") => Self::AtMost,
            9 if text.first_chunk() == Some(b"BRANCH_EQ") => Self::Equal,
            _ => Self::Unknown,
        }
    }
}

/// The operator's attributes of nodes, all of one length. A node's children come after it, in its own tree.
struct Lists<'a> {
    trees: &'a [i32],
    ids: &'a [i32],
    features: &'a [i32],
    values: &'a [f32],
    modes: Vec<Mode>,
    yes: &'a [i32],
    no: &'a [i32],
    missing_yes: &'a [i32],
}

impl<'a> Lists<'a> {
    #[inline(never)]
    fn read(operator: &'a Operator, n_features: usize) -> Known<Self> {
        const N_ATTRIBUTES: usize = 14;
        let ids = integers(operator, "nodes_nodeids")?;
        let list = |name| integers(operator, name).and_then(|list| same_length(list, ids.len()));
        let lists = Self {
            trees: list("nodes_treeids")?,
            ids,
            features: list("nodes_featureids")?,
            values: same_length(&attribute(operator, "nodes_values")?.floats, ids.len())?,
            modes: same_length(&attribute(operator, "nodes_modes")?.texts, ids.len())?
                .iter()
                .map(|text| Mode::of(text))
                .collect(),
            yes: list("nodes_truenodeids")?,
            no: list("nodes_falsenodeids")?,
            missing_yes: list("nodes_missing_value_tracks_true")?,
        };
        let is_fit = !ids.is_empty() && ids.len() < (1 << 28) && operator.attributes.len() == N_ATTRIBUTES;
        if is_fit { lists.check(n_features).map(|()| lists) } else { unknown("an operator") }
    }

    /// Trees and nodes are numbered from 0 in the order of the lists, and children come after their parent.
    #[inline(never)]
    fn check(&self, n_features: usize) -> Known<()> {
        let mut first = 0;
        for (tree, ids) in self.trees.chunk_by(|a, b| a == b).enumerate() {
            let nodes = first..first + ids.len();
            if ids[0] != tree as i32 || !self.is_tree(nodes, n_features as i32) {
                return unknown("the nodes of its trees");
            }
            first += ids.len();
        }
        Ok(())
    }

    #[inline(never)]
    fn is_tree(&self, nodes: Range<usize>, n_features: i32) -> bool {
        let (first, n_nodes) = (nodes.start, nodes.len() as i32);
        nodes.into_iter().all(|at| {
            let id = (at - first) as i32;
            let is_child = |child: i32| child > id && child < n_nodes;
            let leads_on = self.is_leaf(at) || (is_child(self.yes[at]) && is_child(self.no[at]));
            self.ids[at] == id && leads_on && (0..n_features).contains(&self.features[at])
        })
    }

    #[inline(never)]
    fn roots(&self) -> Vec<usize> {
        (0..self.ids.len()).filter(|&at| self.ids[at] == 0).collect()
    }

    fn is_leaf(&self, at: usize) -> bool {
        self.modes[at] == Mode::Leaf
    }

    fn child(&self, at: usize, id: i32) -> usize {
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
        known(level, "a level")
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
    #[inline(never)]
    fn read(operator: &Operator, lists: &Lists, n_classes: usize, is_linked: bool) -> Known<Self> {
        let leaves: Vec<usize> = (0..lists.ids.len()).filter(|&at| lists.is_leaf(at)).collect();
        let n_votes = leaves.len() * n_classes;
        let list = |name| integers(operator, name).and_then(|list| same_length(list, n_votes));
        let (classes, trees, ids) = (list("class_ids")?, list("class_treeids")?, list("class_nodeids")?);
        let weights = same_length(&attribute(operator, "class_weights")?.floats, n_votes)?;
        let votes = leaves.iter().flat_map(|&leaf| (0..n_classes as i32).map(move |class| (class, leaf)));
        let is_vote = |(at, (class, leaf)): (usize, (i32, usize))| {
            classes[at] == class && trees[at] == lists.trees[leaf] && ids[at] == lists.ids[leaf] && weights[at].is_finite()
        };
        if !votes.enumerate().all(is_vote) || n_votes >= u32::MAX as usize {
            return unknown("the attributes of its trees");
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
    columns: Vec<Column>,
    /// Where the codes of a feature's number are among the columns, missing first and missing last.
    numbers: Vec<[u32; 2]>,
    /// The words of a feature's levels in ascending order, and where they are among the columns.
    words: Vec<Vec<(u32, u32)>>,
    nodes: Vec<Node>,
    /// Places to fill, and with what; those before `next` are filled.
    waiting: Vec<(u32, Target)>,
    /// The words of the sets of levels that wait.
    sets: Vec<(u32, u32)>,
    next: usize,
    /// Where a node of the lists was laid out, for those that several lead to.
    places: Vec<u32>,
    /// Sets of levels that overlap could take the square of their number of nodes; the trainer's do not.
    steps_left: usize,
}

/// What a place is for.
#[derive(Clone, Copy)]
enum Target {
    /// A node of the lists.
    Node(usize),
    /// The rest of a set of levels, and where yes and no lead.
    Words { feature: u32, set: Set, yes: usize, no: usize },
}

/// Words among those of the sets that wait.
#[derive(Clone, Copy)]
struct Set {
    start: usize,
    end: usize,
}

const NOWHERE: u32 = u32::MAX;
/// More than this many codes of a row are no table's; half a million levels have as many.
const MOST_COLUMNS: u32 = 1 << 14;

impl<'a> Flat<'a> {
    fn new(lists: &'a Lists, leaves: &'a Leaves, n_features: usize) -> Self {
        let n_nodes = lists.ids.len();
        Self {
            lists,
            leaves,
            // Leaves look at a column, too.
            columns: vec![Column { feature: 0, code: Code::MissingLast }],
            numbers: vec![[NOWHERE; 2]; n_features],
            words: vec![Vec::new(); n_features],
            nodes: Vec::with_capacity(n_nodes),
            waiting: Vec::new(),
            sets: Vec::new(),
            next: 0,
            places: vec![NOWHERE; n_nodes],
            steps_left: 4 * n_nodes,
        }
    }

    /// Lays out a tree and gives its root's place.
    #[inline(never)]
    fn tree(&mut self, root: usize) -> Known<u32> {
        let first = self.room();
        self.waiting.clear();
        self.sets.clear();
        self.waiting.push((first, Target::Node(root)));
        self.next = 0;
        while let Some((place, target)) = self.waiting.get(self.next).copied() {
            self.next += 1;
            let node = match target {
                Target::Node(at) => self.node(self.lists.past_spacers(at), place)?,
                Target::Words { feature, set, yes, no } => self.words(feature, set, yes, no)?,
            };
            self.nodes[place as usize] = node;
        }
        Ok(first)
    }

    /// Makes room for a node; gives its place.
    fn room(&mut self) -> u32 {
        let place = self.nodes.len() as u32;
        self.nodes.push(Node { mask: 0, bound: 0, column: 0, next: place });
        place
    }

    fn node(&mut self, at: usize, place: u32) -> Known<Node> {
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
            Mode::AtMost if lists.values[at].is_finite() => {
                let code = if lists.missing_yes[at] == 1 { Code::MissingFirst } else { Code::MissingLast };
                let next = self.children(Target::Node(yes), Target::Node(no));
                Ok(Node { mask: NUMBER, bound: order(lists.values[at]), column: self.number(feature, code), next })
            }
            Mode::Equal => {
                let (set, no) = self.set(at)?;
                self.words(feature, set, yes, no)
            }
            _ => unknown("a node's mode"),
        }
    }

    /// The levels of the set that begins here, as words, and where "no" leads.
    fn set(&mut self, mut at: usize) -> Known<(Set, usize)> {
        let lists = self.lists;
        let (feature, yes) = (lists.features[at], lists.child(at, lists.yes[at]));
        let start = self.sets.len();
        loop {
            self.steps_left = known(self.steps_left.checked_sub(1), "overlapping sets of levels")?;
            let level = lists.level(at)?;
            match self.sets[start..].last_mut().filter(|(word, _)| *word == level / 32) {
                Some((_, mask)) => *mask |= 1 << (level % 32),
                None => self.sets.push((level / 32, 1 << (level % 32))),
            }
            let no = lists.child(at, lists.no[at]);
            let goes_on = lists.modes[no] == Mode::Equal
                && lists.features[no] == feature
                && lists.yes[no] != lists.no[no]
                && lists.child(no, lists.yes[no]) == yes;
            if !goes_on {
                return Ok((Set { start, end: self.sets.len() }, no));
            }
            at = no;
        }
    }

    /// Asks for the last of the words; what follows "no" asks for the others.
    fn words(&mut self, feature: u32, mut set: Set, yes: usize, no: usize) -> Known<Node> {
        set.end -= 1;
        let (word, mask) = self.sets[set.end];
        let rest = if set.start == set.end { Target::Node(no) } else { Target::Words { feature, set, yes, no } };
        let next = self.children(rest, Target::Node(yes));
        Ok(Node { mask, bound: 0, column: self.word(feature, word)?, next })
    }

    /// Makes room for two children and gives the place of the first.
    fn children(&mut self, first: Target, second: Target) -> u32 {
        let places = [self.room(), self.room()];
        self.waiting.push((places[0], first));
        self.waiting.push((places[1], second));
        places[0]
    }

    /// The column of a feature's number.
    fn number(&mut self, feature: u32, code: Code) -> u32 {
        let place = &mut self.numbers[feature as usize][usize::from(code == Code::MissingLast)];
        if *place == NOWHERE {
            *place = self.columns.len() as u32;
            self.columns.push(Column { feature, code });
        }
        *place
    }

    /// The column of 32 of a feature's levels.
    fn word(&mut self, feature: u32, word: u32) -> Known<u32> {
        let words = &mut self.words[feature as usize];
        let at = words.partition_point(|(known, _)| *known < word);
        if let Some((_, place)) = words.get(at).filter(|(known, _)| *known == word) {
            return Ok(*place);
        }
        let place = self.columns.len() as u32;
        if place > MOST_COLUMNS {
            return unknown("so many levels");
        }
        words.insert(at, (word, place));
        self.columns.push(Column { feature, code: Code::Levels(word) });
        Ok(place)
    }
}

fn attribute<'g, 'a>(operator: &'g Operator<'a>, name: &str) -> Known<&'g crate::onnx::Attribute<'a>> {
    known(operator.attribute(name), "the attributes of its trees")
}

fn integers<'g>(operator: &'g Operator, name: &str) -> Known<&'g [i32]> {
    attribute(operator, name).map(|attribute| &attribute.integers[..])
}

fn text<'g>(operator: &'g Operator, name: &str) -> Known<&'g [u8]> {
    attribute(operator, name).map(|attribute| attribute.text)
}

fn same_length<T>(list: &[T], length: usize) -> Known<&[T]> {
    if list.len() == length { Ok(list) } else { unknown("lists of these lengths") }
}
