//! One split on one feature, in the forms that exporters write; the expected values are onnxruntime's.

use tract_onnx::pb::AttributeProto;
use tract_onnx::pb::attribute_proto::AttributeType;

use super::*;

const INPUTS: [f32; 4] = [-1.0, 1.0, f32::NAN, 0.0];

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Ints as i32, ints: values.to_vec(), ..Default::default() }
}

fn floats(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Floats as i32, floats: values.to_vec(), ..Default::default() }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::String as i32, s: value.into(), ..Default::default() }
}

fn modes(values: [&str; 3]) -> AttributeProto {
    let strings = values.map(|value| value.as_bytes().to_vec()).to_vec();
    AttributeProto { name: "nodes_modes".into(), r#type: AttributeType::Strings as i32, strings, ..Default::default() }
}

/// A vote: the leaf, 1 for yes or 2 for no, the class and the weight.
type Votes<'a> = &'a [(i64, i64, f32)];

struct Stump<'a> {
    mode: &'a str,
    missing_yes: bool,
    votes: Votes<'a>,
    n_classes: i64,
    base: &'a [f32],
    link: &'a str,
}

const FOREST: Stump = Stump {
    mode: "BRANCH_LEQ",
    missing_yes: false,
    votes: &[(1, 0, 0.75), (1, 1, 0.25), (2, 0, 0.25), (2, 1, 0.75)],
    n_classes: 2,
    base: &[],
    link: "NONE",
};

impl Stump<'_> {
    fn node(&self) -> NodeProto {
        let votes = self.votes;
        let mut attribute = vec![
            ints("nodes_treeids", &[0, 0, 0]),
            ints("nodes_nodeids", &[0, 1, 2]),
            ints("nodes_featureids", &[0, 0, 0]),
            floats("nodes_values", &[0.0, 0.0, 0.0]),
            modes([self.mode, "LEAF", "LEAF"]),
            ints("nodes_truenodeids", &[1, 0, 0]),
            ints("nodes_falsenodeids", &[2, 0, 0]),
            ints("nodes_missing_value_tracks_true", &[self.missing_yes.into(), 0, 0]),
            ints("class_treeids", &vec![0; votes.len()]),
            ints("class_nodeids", &votes.iter().map(|vote| vote.0).collect::<Vec<_>>()),
            ints("class_ids", &votes.iter().map(|vote| vote.1).collect::<Vec<_>>()),
            floats("class_weights", &votes.iter().map(|vote| vote.2).collect::<Vec<_>>()),
            ints("classlabels_int64s", &(0..self.n_classes).collect::<Vec<_>>()),
            text("post_transform", self.link),
        ];
        if !self.base.is_empty() {
            attribute.push(floats("base_values", self.base));
        }
        NodeProto { attribute, ..Default::default() }
    }

    /// The labels, and the probabilities of the last class, for [`INPUTS`].
    fn run(&self) -> (Vec<i64>, Vec<f32>) {
        let trees = read(&self.node()).unwrap();
        let run = |input: &f32| {
            let mut row = vec![0.0; trees.n_classes()];
            (trees.row(&[*input], &mut row), row[row.len() - 1])
        };
        INPUTS.iter().map(run).unzip()
    }

    #[track_caller]
    fn check(&self, labels: [i64; 4], probabilities: [f32; 4]) {
        let (found_labels, found) = self.run();
        assert_eq!(found_labels, labels);
        for (found, expected) in found.iter().zip(probabilities) {
            assert!((found - expected).abs() < 1e-4, "{found}, expected {expected}");
        }
    }
}

#[track_caller]
fn check_mode(mode: &str, [below, above, missing, equal]: [f32; 4]) {
    let stump = Stump { mode, ..FOREST };
    stump.check([1; 4], [below, above, missing, equal]);
    let missing = if mode == "BRANCH_NEQ" { missing } else { 0.25 };
    Stump { missing_yes: true, ..stump }.check([1; 4], [below, above, missing, equal]);
}

#[test]
fn every_mode_asks_its_question() {
    check_mode("BRANCH_LEQ", [0.25, 0.75, 0.75, 0.25]);
    check_mode("BRANCH_LT", [0.25, 0.75, 0.75, 0.75]);
    check_mode("BRANCH_GTE", [0.75, 0.25, 0.75, 0.25]);
    check_mode("BRANCH_GT", [0.75, 0.25, 0.75, 0.75]);
    check_mode("BRANCH_EQ", [0.75, 0.75, 0.75, 0.25]);
    check_mode("BRANCH_NEQ", [0.25, 0.25, 0.25, 0.75]);
}

#[test]
fn one_vote_per_leaf_is_the_second_class() {
    let forest = Stump { votes: &[(1, 0, 0.2), (2, 0, 0.9)], ..FOREST };
    forest.check([0, 1, 1, 0], [0.2, 0.9, 0.9, 0.2]);
    Stump { base: &[0.3], ..forest }.check([0, 1, 1, 0], [0.5, 1.2, 1.2, 0.5]);
    Stump { link: "LOGISTIC", ..forest }.check([0, 1, 1, 0], [0.5498, 0.7109, 0.7109, 0.5498]);
    Stump { link: "LOGISTIC", base: &[0.3], ..forest }.check([0, 1, 1, 0], [0.6225, 0.7685, 0.7685, 0.6225]);
    let boosted = Stump { votes: &[(1, 0, -0.7), (2, 0, 0.6)], ..FOREST };
    boosted.check([0, 1, 1, 0], [-0.7, 0.6, 0.6, -0.7]);
    Stump { link: "LOGISTIC", ..boosted }.check([0, 1, 1, 0], [0.3318, 0.6457, 0.6457, 0.3318]);
    Stump { link: "LOGISTIC", base: &[0.3], ..boosted }.check([0, 1, 1, 0], [0.4013, 0.7109, 0.7109, 0.4013]);
    Stump { link: "SOFTMAX", ..boosted }.check([0, 1, 1, 0], [-0.7, 0.6, 0.6, -0.7]);
}

#[test]
fn votes_for_the_second_class_alone_are_linked_per_class() {
    let boosted = Stump { votes: &[(1, 1, -0.7), (2, 1, 0.6)], ..FOREST };
    Stump { link: "LOGISTIC", ..boosted }.check([0, 1, 1, 0], [0.3318, 0.6457, 0.6457, 0.3318]);
    Stump { link: "SOFTMAX", ..boosted }.check([0, 1, 1, 0], [0.3318, 0.6457, 0.6457, 0.3318]);
}

#[test]
fn several_classes_have_base_values_and_links() {
    let three = Stump { votes: &[(1, 0, 0.5), (1, 1, 0.2), (2, 2, 0.9)], n_classes: 3, ..FOREST };
    three.check([0, 2, 2, 0], [0.0, 0.9, 0.9, 0.0]);
    Stump { base: &[0.1, 0.2, 0.3], ..three }.check([0, 2, 2, 0], [0.3, 1.2, 1.2, 0.3]);
    Stump { link: "SOFTMAX", ..three }.check([0, 2, 2, 0], [0.2584, 0.5515, 0.5515, 0.2584]);
    Stump { link: "SOFTMAX", base: &[0.1, 0.2, 0.3], ..three }.check([0, 2, 2, 0], [0.2894, 0.588, 0.588, 0.2894]);
    Stump { link: "LOGISTIC", ..three }.check([0, 2, 2, 0], [0.5, 0.7109, 0.7109, 0.5]);
}

#[track_caller]
fn check_refused(name: &str, attribute: AttributeProto, message: &str) {
    let mut node = FOREST.node();
    node.attribute.retain(|attribute| attribute.name != name);
    node.attribute.push(attribute);
    let error = format!("{:#}", read(&node).unwrap_err());
    assert!(error.contains(message), "{error}");
}

#[test]
fn nodes_that_contradict_one_another_are_refused() {
    check_refused("nodes_truenodeids", ints("nodes_truenodeids", &[0, 0, 0]), "go in circles");
    check_refused("nodes_truenodeids", ints("nodes_truenodeids", &[9, 0, 0]), "tree 0 has no node 9");
    check_refused("nodes_truenodeids", ints("nodes_truenodeids", &[1, 0]), "nodes_truenodeids has length 2, expected 3");
    check_refused("nodes_nodeids", ints("nodes_nodeids", &[0, 1, 1]), "a node id occurs twice");
    check_refused("nodes_featureids", ints("nodes_featureids", &[-1, 0, 0]), "feature -1");
    check_refused("class_ids", ints("class_ids", &[0, 2, 0, 1]), "class 2 is beyond 2");
    check_refused("class_nodeids", ints("class_nodeids", &[0, 1, 2, 2]), "node 0 of tree 0 votes and is no leaf");
    check_refused("base_values", floats("base_values", &[0.1]), "2 classes have 1 base values");
    check_refused("post_transform", text("post_transform", "SOFTMAX_ZERO"), "SOFTMAX_ZERO cannot run here");
    check_refused("classlabels_int64s", ints("unknown", &[]), "class labels are not whole numbers");
}
