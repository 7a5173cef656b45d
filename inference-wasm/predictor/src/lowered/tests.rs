//! What is lowered, and what is left to another engine.

use super::*;
use crate::onnx::Node;

const TREES: &[u8] = include_bytes!("../../tests/golden/gradient-boosting/model.onnx");
const LINEAR: &[u8] = include_bytes!("../../tests/golden/logistic-regression/model.onnx");
const BLEND: &[u8] = include_bytes!("../../tests/golden/blend/model.onnx");
const N_FEATURES: usize = 7;

#[track_caller]
fn check_unknown(bytes: &[u8], change: impl FnOnce(&mut Model), message: &str) {
    let mut model = Model::read(bytes).unwrap();
    change(&mut model);
    let unknown = Lowered::recognise(&model, N_FEATURES, 2).unwrap_err();
    assert!(unknown.0.contains(message), "{}", unknown.0);
}

fn lowered(bytes: &[u8]) -> Lowered {
    Lowered::recognise(&Model::read(bytes).unwrap(), N_FEATURES, 2).unwrap()
}

fn node<'m, 'a>(model: &'m mut Model<'a>, operator: &str) -> &'m mut Node<'a> {
    model.graph.nodes.iter_mut().find(|node| node.operator == operator).unwrap()
}

#[test]
fn what_the_trainer_wrote_is_lowered() {
    let whole = lowered(TREES);
    let trees = whole.only().unwrap();
    assert!(matches!(&trees.body, Body::Trees(trees) if trees.roots.len() == 24 && trees.n_logits == 1));
    assert_eq!((trees.link, whole.decision, &trees.calibration), (Link::SoftmaxOfOne, Decision::Above(0.35), &None));
    let whole = lowered(LINEAR);
    let linear = whole.only().unwrap();
    assert!(matches!(&linear.body, Body::Network(network) if network.networks.len() == 1 && network.networks[0].len() == 1));
    assert_eq!((linear.link, linear.n_logits()), (Link::Sigmoid, 1));
}

#[test]
fn a_blend_is_lowered_member_by_member_the_last_one_first() {
    let blend = lowered(BLEND);
    assert!(blend.only().is_none());
    let members: Vec<_> = blend.members.iter().map(|member| (member.weight, member.link)).collect();
    assert_eq!(members, [(0.375, Link::Sigmoid), (0.625, Link::SoftmaxOfOne)]);
}

#[test]
fn another_version_of_the_operators_is_unknown() {
    check_unknown(LINEAR, |model| model.opsets[0].1 = 12, "versions");
    check_unknown(LINEAR, |model| model.opsets.push(("com.microsoft", 1)), "versions");
}

#[test]
fn another_operator_attribute_or_constant_is_unknown() {
    check_unknown(LINEAR, |model| node(model, "Mul").operator = "Div", "inputs");
    check_unknown(LINEAR, |model| node(model, "Sigmoid").operator = "HardSigmoid", "operator");
    check_unknown(LINEAR, |model| node(model, "Greater").operator = "GreaterOrEqual", "operator");
    check_unknown(LINEAR, |model| node(model, "Concat").attributes[0].number = 0, "inputs");
    check_unknown(LINEAR, |model| node(model, "Gather").attributes.clear(), "operator");
    check_unknown(LINEAR, |model| node(model, "MatMul").domain = "com.microsoft", "operator");
    check_unknown(BLEND, |model| node(model, "Add").operator = "Sub", "operator");
    check_unknown(TREES, |model| node(model, "Where").inputs.swap(1, 2), "constant");
    check_unknown(TREES, |model| node(model, "TreeEnsembleClassifier").attributes[5].integers[0] = 0, "the nodes of its trees");
    check_unknown(TREES, |model| node(model, "TreeEnsembleClassifier").attributes[2].integers[0] = 7, "the nodes of its trees");
    check_unknown(TREES, |model| node(model, "TreeEnsembleClassifier").attributes[3].texts[0] = b"BRANCH_LT", "a node's mode");
    check_unknown(TREES, |model| node(model, "TreeEnsembleClassifier").attributes[4].floats[0] = f32::NAN, "level");
    check_unknown(TREES, |model| node(model, "TreeEnsembleClassifier").attributes[11].floats[1] = f32::INFINITY, "attributes");
}

#[test]
fn a_graph_in_circles_and_one_that_reads_a_constant_often_are_unknown() {
    check_unknown(LINEAR, |model| model.graph.nodes.reverse(), "a value");
    check_unknown(LINEAR, |model| node(model, "Add").inputs[0] = "add_9", "a value");
    let mut model = Model::read(LINEAR).unwrap();
    let weights = node(&mut model, "MatMul").inputs[1];
    let pattern = Pattern::new(&model.graph).unwrap();
    let n_read = (0..1000).take_while(|_| pattern.floats(weights).is_ok()).count();
    assert!((1..100).contains(&n_read), "{n_read}");
}

#[test]
fn blocks_and_single_rows_give_the_same() {
    let lowered = lowered(TREES);
    let row =
        |at: usize| [at as f32 * 0.3, f32::NAN, (at % 90) as f32, (at % 13) as f32, (at % 4) as f32 - 1.0, (at % 9) as f32, 1.0];
    let rows: Vec<f32> = (0..BLOCK + 13).flat_map(row).collect();
    let scores = |rows: &[f32]| {
        let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
        lowered.scores(rows, &mut labels, &mut probabilities);
        (labels, probabilities)
    };
    let (labels, probabilities) = scores(&rows);
    for at in 0..BLOCK + 13 {
        let (label, row) = scores(&rows[at * N_FEATURES..][..N_FEATURES]);
        assert_eq!((&label[..], &row[..]), (&labels[at..=at], &probabilities[2 * at..2 * at + 2]), "row {at}");
    }
}
