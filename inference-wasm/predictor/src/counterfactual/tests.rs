//! Searches on the golden models.

use super::*;
use crate::explanation::tests::predictor;

const TREES: &[u8] = include_bytes!("../../tests/golden/gradient-boosting/model.onnx");
const CLASSES: &[u8] = include_bytes!("../../tests/golden-classes/gradient-boosting/model.onnx");
const STAYS: &str =
    r#"{"age":41,"tenure":50,"monthly_fee":49.95,"calls_to_support":0,"plan":"plus","region":null,"paperless":"no"}"#;

/// What is changed of a record, and checks that it changes the decision.
#[track_caller]
fn changes(model: &[u8], record: &str, may_change: impl Fn(usize) -> bool) -> Vec<(String, Json)> {
    let predictor = predictor(model, 100);
    let record = predictor.contract().record_from_json(record).unwrap();
    let Some(found) = predictor.counterfactual(&record, may_change).unwrap() else { return vec![] };
    assert_ne!(found.prediction.label, predictor.predict(&record).unwrap().label);
    assert_eq!(predictor.predict(&found.record).unwrap(), found.prediction);
    found.changes.into_iter().map(|change| (change.column, change.to)).collect()
}

#[test]
fn one_column_is_changed_where_one_is_enough_and_no_farther_than_needed() {
    let found = changes(TREES, STAYS, |_| true);
    assert_eq!(found.len(), 1, "{found:?}");
    // A step nearer the decision is the old one.
    let (column, to) = &found[0];
    let predictor = predictor(TREES, 100);
    let mut fields: serde_json::Map<String, Json> = serde_json::from_str(STAYS).unwrap();
    if let (Some(to), Some(from)) = (to.as_i64(), fields[column].as_i64()) {
        fields[column] = Json::from(to + (from - to).signum());
        let nearer = predictor.contract().record(&fields).unwrap();
        let old = predictor.contract().record_from_json(STAYS).unwrap();
        assert_eq!(predictor.predict(&nearer).unwrap().label, predictor.predict(&old).unwrap().label);
    }
}

#[test]
fn only_columns_that_may_change_do() {
    let predictor = predictor(TREES, 100);
    let names: Vec<String> = predictor.contract().columns.iter().map(|column| column.name.clone()).collect();
    let free = changes(TREES, STAYS, |_| true).remove(0).0;
    let found = changes(TREES, STAYS, |column| names[column] != free);
    assert!(!found.is_empty() && found.iter().all(|(column, _)| *column != free), "{found:?}");
    assert_eq!(changes(TREES, STAYS, |_| false), []);
}

#[test]
fn a_fixed_column_stays() {
    let mut predictor = predictor(TREES, 100);
    let free = changes(TREES, STAYS, |_| true).remove(0).0;
    let at = predictor.contract().position(&free).unwrap();
    predictor.fix(at);
    let record = predictor.contract().record_from_json(STAYS).unwrap();
    let found = predictor.counterfactual(&record, |_| true).unwrap().unwrap();
    assert!(found.changes.iter().all(|change| change.column != free));
}

#[test]
fn of_several_classes_another_is_found() {
    let record = Predictor::load(CLASSES).unwrap();
    let fields: serde_json::Map<String, Json> =
        record.contract().columns.iter().map(|column| (column.name.clone(), Json::Null)).collect();
    assert!(!changes(CLASSES, &serde_json::to_string(&fields).unwrap(), |_| true).is_empty());
}

#[test]
fn a_model_without_a_background_has_no_values_to_try() {
    let predictor = Predictor::load(TREES).unwrap();
    let record = predictor.contract().record_from_json(STAYS).unwrap();
    assert_eq!(predictor.counterfactual(&record, |_| true).unwrap_err(), ExplainError::NoBackground);
}
