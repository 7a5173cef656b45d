//! On files that converters wrote; `trainer/tests/converters.py` makes them.

use super::*;

const FOREST: &[u8] = include_bytes!("../../../tests/foreign/random-forest.onnx");
const LIGHTGBM: &[u8] = include_bytes!("../../../tests/foreign/lightgbm.onnx");
const XGBOOST: &[u8] = include_bytes!("../../../tests/foreign/xgboost.onnx");
const LINEAR: &[u8] = include_bytes!("../../../tests/foreign/logistic-regression.onnx");
const PERCEPTRON: &[u8] = include_bytes!("../../../tests/foreign/three-classes/perceptron.onnx");

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

fn head() -> Head {
    Head {
        threshold: Some(0.25),
        metadata: [("tidemark.name".into(), "churn".into())].into(),
        name: "churn".into(),
        ..Head::default()
    }
}

fn imported(file: &[u8], classes: &[&str]) -> RawModel {
    let model = Foreign::read(file).unwrap().to_model(&head(), 4, &names(classes)).unwrap();
    RawModel::decode(&model[..]).unwrap()
}

fn operators(model: &RawModel) -> Vec<&str> {
    model.graph.as_ref().unwrap().node.iter().map(|node| node.op_type.as_str()).collect()
}

#[test]
fn an_imported_file_has_our_interface_and_metadata() {
    for file in [FOREST, LIGHTGBM, XGBOOST, LINEAR] {
        let model = imported(file, &["no", "yes"]);
        let graph = model.graph.as_ref().unwrap();
        let ports = |values: &[RawValue]| values.iter().map(|value| (value.name.clone(), value.width())).collect::<Vec<_>>();
        assert_eq!(ports(&graph.input), [("features".to_owned(), Some(4))]);
        assert_eq!(ports(&graph.output), [("label".to_owned(), None), ("probabilities".to_owned(), Some(2))]);
        assert_eq!(model.metadata_props.last().unwrap().value, "churn");
        let defaults = model.opset_import.iter().filter(|set| set.domain.is_empty()).count();
        assert_eq!(defaults, 1);
        assert!(model.opset_import[0].version >= LEAST_OPSET);
    }
}

#[test]
fn every_value_that_is_read_is_made_once() {
    for (file, classes) in [(LIGHTGBM, &["no", "yes"][..]), (PERCEPTRON, &["yes", "no", "perhaps"])] {
        let model = imported(file, classes);
        let graph = model.graph.unwrap();
        let mut made: Vec<&str> = vec![FEATURES];
        made.extend(graph.initializer.iter().map(|tensor| tensor.name.as_str()));
        for node in &graph.node {
            node.input.iter().for_each(|input| assert!(made.contains(&input.as_str()), "{input} of {}", node.name));
            node.output.iter().for_each(|output| assert!(!made.contains(&output.as_str()), "{output} is made twice"));
            made.extend(node.output.iter().map(String::as_str));
        }
        assert!(made.contains(&LABEL) && made.contains(&PROBABILITIES));
    }
}

#[test]
fn the_label_follows_the_threshold_and_the_tool_s_own_goes() {
    assert_eq!(
        operators(&imported(FOREST, &["no", "yes"])),
        ["IsNaN", "Where", "TreeEnsembleClassifier", "Gather", "Greater", "Where"]
    );
    let several = imported(PERCEPTRON, &["no", "perhaps", "yes"]);
    assert_eq!(operators(&several).iter().filter(|operator| **operator == "ArgMax").count(), 1);
    assert!(!operators(&several).contains(&"ArrayFeatureExtractor"));
}

#[test]
fn imputers_and_scalers_become_plain_operators() {
    let expected = ["IsNaN", "Where", "Sub", "Mul", "LinearClassifier", "Gather", "Greater", "Where"];
    assert_eq!(operators(&imported(LINEAR, &["no", "yes"])), expected);
}

#[test]
fn classes_come_in_the_contract_s_order() {
    let turned = imported(FOREST, &["yes", "no"]);
    let graph = turned.graph.unwrap();
    let order = graph.initializer.iter().find(|tensor| tensor.name == "tidemark_order").unwrap();
    assert_eq!(order.int64_data, [1, 0]);
    // XGBoost numbers its classes, and numbers from 0 are the contract's order whatever it calls them.
    assert!(!operators(&imported(XGBOOST, &["yes", "no"])).contains(&"tidemark_order"));
}

#[track_caller]
fn check(file: &[u8], n_features: usize, classes: &[&str], message: &str) {
    let import = Foreign::read(file).and_then(|foreign| foreign.to_model(&head(), n_features, &names(classes)));
    let error = import.unwrap_err();
    assert!(error.to_string().contains(message), "{error}");
    assert!(!error.hint().is_empty());
}

#[test]
fn what_is_not_the_contract_s_is_refused() {
    check(FOREST, 5, &["no", "yes"], "the contract has 5 columns, the graph 4");
    check(FOREST, 4, &["no", "perhaps", "yes"], "the contract has 3 classes, the graph 2");
    check(FOREST, 4, &["stays", "leaves"], "the graph's classes are no, yes, the contract's stays, leaves");
    check(b"PK\x03\x04 a zip archive", 4, &["no", "yes"], "not ONNX");
    check(b"", 4, &["no", "yes"], "not ONNX");
    check(&FOREST[..FOREST.len() / 2], 4, &["no", "yes"], "cut short");
}

#[test]
fn a_flipped_byte_never_stops_the_program() {
    for at in 0..LINEAR.len() {
        let mut file = LINEAR.to_vec();
        file[at] ^= 0x55;
        let _ = Foreign::read(&file).and_then(|foreign| foreign.to_model(&head(), 4, &names(&["no", "yes"])));
    }
}

#[test]
fn every_kind_of_refusal_has_its_message() {
    const REFUSED: [(&[u8], &str); 5] = [
        (include_bytes!("../../../tests/foreign/zipmap.onnx"), "is a list of maps (ZipMap)"),
        (include_bytes!("../../../tests/foreign/float64.onnx"), "holds float64, not float32"),
        (include_bytes!("../../../tests/foreign/no-imputer.onnx"), "does not take missing values: operator `Sub`"),
        (include_bytes!("../../../tests/foreign/two-columns.onnx"), "the contract has 4 columns, the graph 2"),
        (include_bytes!("../../../tests/foreign/an-input-per-column.onnx"), "the graph has 4 inputs: column_0, column_1"),
    ];
    for (file, message) in REFUSED {
        check(file, 4, &["no", "yes"], message);
    }
}
