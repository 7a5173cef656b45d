use std::path::Path;

use data_contract::{Golden, GoldenRow};
use inference_predictor::Predictor;

const TOLERANCE: f64 = 1e-6;

#[track_caller]
fn check(bundle: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(bundle);
    let model = std::fs::read(folder.join("model.onnx")).unwrap();
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(folder.join("golden.json")).unwrap()).unwrap();
    check_in(&Predictor::load(&model).unwrap(), "lowered", &golden);
    #[cfg(feature = "tract")]
    check_in(&Predictor::load_in_tract(&model).unwrap(), "tract", &golden);
}

#[track_caller]
fn check_in(predictor: &Predictor, engine: &str, golden: &Golden) {
    assert_eq!(predictor.engine(), engine);
    assert_eq!(golden.contract, predictor.contract().digest());
    for (index, row) in golden.rows.iter().enumerate() {
        check_row(predictor, index, row);
    }
    check_batch(predictor, golden);
}

#[track_caller]
fn check_row(predictor: &Predictor, index: usize, row: &GoldenRow) {
    let record = predictor.contract().record(&row.record).unwrap();
    let prediction = predictor.predict(&record).unwrap();
    assert_eq!(prediction.label, row.label, "row {index}");
    assert_eq!(prediction.probabilities.0.len(), row.probabilities.0.len());
    for ((class, found), (expected_class, expected)) in prediction.probabilities.0.iter().zip(&row.probabilities.0) {
        assert_eq!(class, expected_class);
        assert!((found - expected).abs() < TOLERANCE, "row {index}, {class}: {found}, expected {expected}");
    }
}

#[track_caller]
fn check_batch(predictor: &Predictor, golden: &Golden) {
    let records: Vec<_> = golden.rows.iter().map(|row| predictor.contract().record(&row.record).unwrap()).collect();
    let together = predictor.predict_batch(&records).unwrap();
    let labels: Vec<&str> = together.iter().map(|prediction| prediction.label.as_str()).collect();
    assert_eq!(labels, golden.rows.iter().map(|row| row.label.as_str()).collect::<Vec<_>>());
}

#[test]
fn trees_of_two_classes_meet_the_golden_records() {
    check("golden/gradient-boosting");
}

#[test]
fn a_linear_classifier_of_two_classes_meets_the_golden_records() {
    check("golden/logistic-regression");
}

#[test]
fn trees_of_three_classes_meet_the_golden_records() {
    check("golden-classes/gradient-boosting");
}

#[test]
fn a_linear_classifier_of_three_classes_meets_the_golden_records() {
    check("golden-classes/logistic-regression");
}

#[test]
fn a_blend_meets_the_golden_records() {
    check("golden/blend");
    check("golden-classes/blend");
}

#[test]
fn the_file_tells_who_the_model_is() {
    let predictor = super::predictor();
    assert_eq!((predictor.name(), predictor.version(), predictor.family()), ("churn", 3, "gradient-boosting"));
    assert_eq!((predictor.threshold(), predictor.synthetic()), (Some(0.35), true));
    assert_eq!(predictor.contract_digest(), predictor.contract().digest());
}
