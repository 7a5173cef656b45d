//! A tree ensemble as plain numbers, and its graph.
//!
//! The graph is one `ai.onnx.ml.TreeEnsembleClassifier`: an operator that onnxruntime, onnxruntime-web and our predictor run fast.
//! A set of levels becomes a chain of `BRANCH_EQ` nodes that share the child for "yes".
//!
//! Source: ONNX operators, domain `ai.onnx.ml` version 3, TreeEnsembleClassifier. Each leaf votes for every class, as runtimes
//! disagree on what a two-class ensemble means that votes for one: with two votes, softmax of `[0, v]` is the sigmoid of `v`.

use crate::error::{self, Error, Fault};
use crate::graph::Graph;
use crate::head::Head;
use crate::proto::AttributeProto;

/// A sum of decision trees.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeEnsemble {
    /// Width of a feature row.
    pub n_features: usize,
    /// Number of probability columns, at least 2.
    pub n_classes: usize,
    /// The trees; each row's raw value per output is the sum of the leaves it reaches.
    pub trees: Vec<Tree>,
    /// What turns summed leaf values into probabilities.
    pub link: Link,
}

/// What turns summed leaf values into probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Two classes, one value per leaf: the log-odds of class 1. Any base value is already inside the first tree's leaves.
    Sigmoid,
    /// One value per leaf and class, softmax over the classes.
    Softmax,
    /// One value per leaf and class, already probabilities divided by the number of trees.
    Identity,
}

/// One tree; node 0 is the root and children come after their parent.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// The end of a path: one value per output (one for [`Link::Sigmoid`], `n_classes` otherwise).
    Leaf {
        /// What the leaf adds to each output.
        values: Vec<f32>,
    },
    /// A question about one feature.
    Split {
        /// Index of the feature.
        feature: usize,
        /// The question.
        test: Test,
        /// Index of the child for "yes".
        yes: usize,
        /// Index of the child for "no".
        no: usize,
        /// Whether a missing value (NaN) goes to `yes`.
        missing_yes: bool,
    },
}

/// A question about one feature value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `value <= threshold`, in float32.
    AtMost(f32),
    /// The value, a level's index, is one of these (ascending). Missing and unseen levels are -1, or NaN, and never members.
    OneOf(Vec<u32>),
}

impl TreeEnsemble {
    /// Refuses numbers that are no ensemble.
    pub fn check(&self) -> Result<(), Error> {
        error::at_least("features", 1, self.n_features)?;
        error::at_least("classes", 2, self.n_classes)?;
        error::at_least("trees", 1, self.trees.len())?;
        if self.link == Link::Sigmoid {
            error::length("classes of a sigmoid", 2, self.n_classes)?;
        }
        self.trees.iter().enumerate().try_for_each(|(tree, nodes)| self.check_tree(tree, nodes))
    }

    /// The ONNX file.
    ///
    /// # Panics
    /// When [`TreeEnsemble::check`] refuses the ensemble.
    pub fn to_model(&self, head: &Head) -> Vec<u8> {
        self.check().expect("an ensemble that passes its check");
        let mut graph = Graph::default();
        self.write(&mut graph);
        graph.finish(head, self.n_features, self.n_classes)
    }

    /// From the features to the probabilities.
    pub(crate) fn write(&self, graph: &mut Graph) {
        let mut nodes = NodeLists::default();
        let mut votes = VoteLists::default();
        for (id, tree) in self.trees.iter().enumerate() {
            self.flatten(id as i64, tree, &mut nodes, &mut votes);
        }
        graph.classifier("TreeEnsembleClassifier", self.attributes(nodes, votes));
    }

    /// The length of a leaf's values.
    fn n_outputs(&self) -> usize {
        match self.link {
            Link::Sigmoid => 1,
            Link::Softmax | Link::Identity => self.n_classes,
        }
    }

    fn check_tree(&self, tree: usize, nodes: &Tree) -> Result<(), Error> {
        if nodes.nodes.is_empty() {
            return Err(Error::TooFew { what: "nodes", found: 0 });
        }
        let check = |(index, node)| self.check_node(index, node, nodes.nodes.len()).map_err(|fault| (index, fault));
        nodes.nodes.iter().enumerate().try_for_each(check).map_err(|(node, fault)| Error::Node {
            tree,
            node,
            fault: Box::new(fault),
        })
    }

    fn check_node(&self, index: usize, node: &Node, n_nodes: usize) -> Result<(), Fault> {
        match node {
            Node::Leaf { values } => error::length("leaf values", self.n_outputs(), values.len())
                .and_then(|()| error::finite("leaf values", values))
                .map_err(Fault::Parameter),
            Node::Split { feature, test, yes, no, .. } => {
                error::feature(*feature, self.n_features).map_err(Fault::Parameter)?;
                match [*yes, *no].into_iter().find(|&child| child <= index || child >= n_nodes) {
                    Some(child) => Err(Fault::Child { child }),
                    None => test.check(),
                }
            }
        }
    }

    /// Appends one tree. Nodes keep their order; a set of levels takes as many ids as it has members, and one for a spacer.
    fn flatten(&self, tree: i64, nodes: &Tree, lists: &mut NodeLists, votes: &mut VoteLists) {
        let ids = first_ids(nodes);
        for (node, &id) in nodes.nodes.iter().zip(&ids) {
            match node {
                Node::Leaf { values } => {
                    lists.push(tree, id, Row::LEAF);
                    votes.push(tree, id, &self.votes(values));
                }
                Node::Split { feature, test, yes, no, missing_yes } => {
                    let spacer = nodes.needs_spacer(node).then_some(id + test.n_rows() as i64);
                    let feature = *feature as i64;
                    let branch =
                        Row { feature, yes: ids[*yes], no: spacer.unwrap_or(ids[*no]), missing_yes: *missing_yes, ..Row::LEAF };
                    test.rows(id, branch, |id, row| lists.push(tree, id, row));
                    if let Some(id) = spacer {
                        lists.push(tree, id, Row::spacer(feature, ids[*no]));
                    }
                }
            }
        }
    }

    fn votes(&self, values: &[f32]) -> Vec<f32> {
        match self.link {
            Link::Sigmoid => vec![0.0, values[0]],
            Link::Softmax | Link::Identity => values.to_vec(),
        }
    }

    fn attributes(&self, nodes: NodeLists, votes: VoteLists) -> Vec<AttributeProto> {
        let post_transform = match self.link {
            Link::Sigmoid | Link::Softmax => "SOFTMAX",
            Link::Identity => "NONE",
        };
        vec![
            AttributeProto::ints("nodes_treeids", nodes.tree),
            AttributeProto::ints("nodes_nodeids", nodes.id),
            AttributeProto::ints("nodes_featureids", nodes.feature),
            AttributeProto::strings("nodes_modes", &nodes.mode),
            AttributeProto::floats("nodes_values", nodes.value),
            AttributeProto::ints("nodes_truenodeids", nodes.yes),
            AttributeProto::ints("nodes_falsenodeids", nodes.no),
            AttributeProto::ints("nodes_missing_value_tracks_true", nodes.missing_yes),
            AttributeProto::ints("class_treeids", votes.tree),
            AttributeProto::ints("class_nodeids", votes.node),
            AttributeProto::ints("class_ids", votes.class),
            AttributeProto::floats("class_weights", votes.weight),
            AttributeProto::ints("classlabels_int64s", (0..self.n_classes as i64).collect()),
            AttributeProto::string("post_transform", post_transform),
        ]
    }
}

impl Tree {
    /// Whether the "no" of a set of levels leads to another set of levels of the same feature.
    ///
    /// onnxruntime 1.32 takes `BRANCH_EQ` nodes that follow each other on one feature for one set, whatever their "yes" children are;
    /// a node of another mode in between keeps the two sets apart.
    fn needs_spacer(&self, node: &Node) -> bool {
        let set_of = |node: &Node| match node {
            Node::Split { feature, test: Test::OneOf(_), no, .. } => Some((*feature, *no)),
            _ => None,
        };
        let following = set_of(node).map(|(feature, no)| (feature, set_of(&self.nodes[no])));
        matches!(following, Some((feature, Some((next, _)))) if feature == next)
    }
}

impl Test {
    fn check(&self) -> Result<(), Fault> {
        match self {
            Self::AtMost(threshold) => error::finite("thresholds", &[*threshold]).map_err(Fault::Parameter),
            Self::OneOf(levels) if levels.is_empty() || !levels.is_sorted_by(|a, b| a < b) => Err(Fault::Levels),
            Self::OneOf(levels) => levels.iter().try_for_each(|&level| error::level(level)).map_err(Fault::Parameter),
        }
    }

    /// How many node ids the question takes.
    fn n_rows(&self) -> usize {
        match self {
            Self::AtMost(_) => 1,
            Self::OneOf(levels) => levels.len(),
        }
    }

    /// The question as operator nodes from `id` on; `branch` tells the feature and the children.
    fn rows(&self, id: i64, branch: Row, mut push: impl FnMut(i64, Row)) {
        match self {
            Self::AtMost(threshold) => push(id, Row { mode: "BRANCH_LEQ", value: *threshold, ..branch }),
            Self::OneOf(levels) => {
                let next_ids = (id + 1..).take(levels.len() - 1).chain([branch.no]);
                for ((id, no), level) in (id..).zip(next_ids).zip(levels) {
                    push(id, Row { mode: "BRANCH_EQ", value: *level as f32, no, missing_yes: false, ..branch });
                }
            }
        }
    }
}

/// The id of each node's first operator node.
fn first_ids(tree: &Tree) -> Vec<i64> {
    let mut next = 0;
    let first = |node: &Node| {
        let id = next;
        next += match node {
            Node::Leaf { .. } => 1,
            Node::Split { test, .. } => test.n_rows() as i64 + i64::from(tree.needs_spacer(node)),
        };
        id
    };
    tree.nodes.iter().map(first).collect()
}

/// One operator node.
#[derive(Clone, Copy)]
struct Row {
    feature: i64,
    mode: &'static str,
    value: f32,
    yes: i64,
    no: i64,
    missing_yes: bool,
}

impl Row {
    const LEAF: Self = Self { feature: 0, mode: "LEAF", value: 0.0, yes: 0, no: 0, missing_yes: false };

    /// A node that leads to one child whatever the value.
    fn spacer(feature: i64, child: i64) -> Self {
        Self { feature, mode: "BRANCH_LEQ", value: f32::MIN, yes: child, no: child, missing_yes: false }
    }
}

/// The operator's node attributes, one entry per node.
#[derive(Default)]
struct NodeLists {
    tree: Vec<i64>,
    id: Vec<i64>,
    feature: Vec<i64>,
    mode: Vec<&'static str>,
    value: Vec<f32>,
    yes: Vec<i64>,
    no: Vec<i64>,
    missing_yes: Vec<i64>,
}

impl NodeLists {
    fn push(&mut self, tree: i64, id: i64, row: Row) {
        self.tree.push(tree);
        self.id.push(id);
        self.feature.push(row.feature);
        self.mode.push(row.mode);
        self.value.push(row.value);
        self.yes.push(row.yes);
        self.no.push(row.no);
        self.missing_yes.push(row.missing_yes.into());
    }
}

/// The operator's leaf attributes, one entry per leaf and class.
#[derive(Default)]
struct VoteLists {
    tree: Vec<i64>,
    node: Vec<i64>,
    class: Vec<i64>,
    weight: Vec<f32>,
}

impl VoteLists {
    fn push(&mut self, tree: i64, node: i64, weights: &[f32]) {
        for (class, &weight) in weights.iter().enumerate() {
            self.tree.push(tree);
            self.node.push(node);
            self.class.push(class as i64);
            self.weight.push(weight);
        }
    }
}

#[cfg(test)]
mod tests;
