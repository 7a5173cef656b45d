use prost::Message;

use super::*;
use crate::proto::ModelProto;

fn leaf(value: f32) -> Node {
    Node::Leaf { values: vec![value] }
}

fn split(test: Test, yes: usize, no: usize) -> Node {
    Node::Split { feature: 0, test, yes, no, missing_yes: true }
}

fn ensemble(nodes: Vec<Node>) -> TreeEnsemble {
    TreeEnsemble { n_features: 1, n_classes: 2, trees: vec![Tree { nodes }], link: Link::Sigmoid }
}

#[track_caller]
fn check_refused(ensemble: &TreeEnsemble, message: &str) {
    assert_eq!(ensemble.check().unwrap_err().to_string(), message);
}

#[test]
fn two_sets_of_one_feature_in_a_row_are_kept_apart() {
    let first = split(Test::OneOf(vec![1]), 1, 2);
    let second = split(Test::OneOf(vec![2, 3]), 3, 4);
    let nodes = vec![first, leaf(0.1), second, leaf(0.2), leaf(0.3)];
    let model = ensemble(nodes).to_model(&Head::default());
    let graph = ModelProto::decode(&model[..]).unwrap().graph.unwrap();
    let ints = |name: &str| graph.node[0].attribute.iter().find(|a| a.name == name).unwrap().ints.clone();
    assert_eq!(ints("nodes_nodeids"), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(ints("nodes_truenodeids"), [2, 3, 0, 5, 5, 0, 0]);
    assert_eq!(ints("nodes_falsenodeids"), [1, 3, 0, 4, 6, 0, 0]);
}

#[test]
fn a_set_of_levels_becomes_a_chain_that_shares_a_child() {
    let set = Test::OneOf(vec![1, 4, 6]);
    let model = ensemble(vec![split(set, 1, 2), leaf(0.5), leaf(-0.5)]).to_model(&Head::default());
    let graph = ModelProto::decode(&model[..]).unwrap().graph.unwrap();
    let ints = |name: &str| graph.node[0].attribute.iter().find(|a| a.name == name).unwrap().ints.clone();
    assert_eq!(ints("nodes_nodeids"), [0, 1, 2, 3, 4]);
    assert_eq!(ints("nodes_truenodeids"), [3, 3, 3, 0, 0]);
    assert_eq!(ints("nodes_falsenodeids"), [1, 2, 4, 0, 0]);
    assert_eq!(ints("nodes_missing_value_tracks_true"), [0; 5]);
    assert_eq!(ints("class_nodeids"), [3, 3, 4, 4]);
}

#[test]
fn the_metadata_is_read_back() {
    let head = Head { metadata: [("key".to_owned(), "välue".to_owned())].into(), ..Head::default() };
    let model = ensemble(vec![leaf(0.0)]).to_model(&head);
    assert_eq!(crate::metadata(&model).unwrap(), head.metadata);
}

#[test]
fn numbers_that_are_no_ensemble_are_refused_by_name() {
    let at_most = || Test::AtMost(0.0);
    check_refused(&ensemble(vec![]), "0 nodes are too few");
    check_refused(&TreeEnsemble { trees: vec![], ..ensemble(vec![]) }, "0 trees are too few");
    check_refused(&TreeEnsemble { n_classes: 3, ..ensemble(vec![]) }, "classes of a sigmoid must have length 2, found 3");
    check_refused(
        &TreeEnsemble { link: Link::Softmax, ..ensemble(vec![leaf(1.0)]) },
        "node 0 of tree 0: leaf values must have length 2, found 1",
    );
    check_refused(&ensemble(vec![leaf(f32::NAN)]), "node 0 of tree 0: leaf values hold a NaN or an infinity");
    check_refused(
        &ensemble(vec![split(at_most(), 1, 2), leaf(0.0)]),
        "node 0 of tree 0: child 2 is missing or does not come after its parent",
    );
    check_refused(
        &ensemble(vec![split(at_most(), 1, 0), leaf(0.0)]),
        "node 0 of tree 0: child 0 is missing or does not come after its parent",
    );
    let unsorted = Test::OneOf(vec![2, 1]);
    check_refused(
        &ensemble(vec![split(unsorted, 1, 2), leaf(0.0), leaf(0.0)]),
        "node 0 of tree 0: its levels are empty or not ascending",
    );
    let wide = Node::Split { feature: 1, test: at_most(), yes: 1, no: 2, missing_yes: false };
    check_refused(&ensemble(vec![wide, leaf(0.0), leaf(0.0)]), "node 0 of tree 0: feature 1 is beyond the 1 of a row");
}
