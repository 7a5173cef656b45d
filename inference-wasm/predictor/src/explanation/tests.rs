//! Contributions beside their definition: every set of columns, with every background row.

use data_contract::metadata;

use super::*;

const TREES: &[u8] = include_bytes!("../../tests/golden/gradient-boosting/model.onnx");
const LINEAR: &[u8] = include_bytes!("../../tests/golden/logistic-regression/model.onnx");
const TREES_OF_CLASSES: &[u8] = include_bytes!("../../tests/golden-classes/gradient-boosting/model.onnx");
const BLEND: &[u8] = include_bytes!("../../tests/golden/blend/model.onnx");
const LINEAR_OF_CLASSES: &[u8] = include_bytes!("../../tests/golden-classes/logistic-regression/model.onnx");

/// A file with one more entry in its metadata: field 14 of the model, with a key and a value.
fn with_background(model: &[u8], text: &str) -> Vec<u8> {
    let field = |tag: u8, bytes: &[u8]| {
        let mut length = bytes.len();
        let mut field = vec![tag];
        while length >= 0x80 {
            field.push(length as u8 | 0x80);
            length >>= 7;
        }
        field.push(length as u8);
        field.extend_from_slice(bytes);
        field
    };
    let entry = [field(0x0a, metadata::BACKGROUND.as_bytes()), field(0x12, text.as_bytes())].concat();
    [model, &field(0x72, &entry)].concat()
}

/// A predictor with a background of varied rows, some with missing values.
pub(crate) fn predictor(model: &[u8], n_rows: usize) -> Predictor {
    let n_features = Predictor::load(model).unwrap().contract().n_features();
    let value = |at: usize| if at % 11 == 3 { f32::NAN } else { ((at * 7919) % 97) as f32 / [1.0, 10.0, 40.0][at % 3] };
    let values = (0..n_rows * n_features).map(|at| value(at).floor()).collect();
    let background = Background::new(values, n_features).unwrap();
    Predictor::load(&with_background(model, &background.to_hex())).unwrap()
}

/// Shapley values of a function of feature rows, straight from their definition.
fn by_definition(question: &Question, worth_of: &dyn Fn(&[f32]) -> f64) -> Vec<f64> {
    let n_columns = question.own.len();
    let worth = |set: usize| {
        let mixed = |row: &[f32]| -> Vec<f32> {
            (0..n_columns).map(|column| if set >> column & 1 == 1 { question.own[column] } else { row[column] }).collect()
        };
        mean(&question.background.rows().map(|row| worth_of(&mixed(row))).collect::<Vec<_>>())
    };
    let factorial = |n: usize| (1..=n).map(|n| n as f64).product::<f64>();
    let share = |set: usize| {
        let n = set.count_ones() as usize;
        factorial(n) * factorial(n_columns - n - 1) / factorial(n_columns)
    };
    let contribution = |column: usize| {
        let sets = (0..1usize << n_columns).filter(|set| set >> column & 1 == 0);
        sets.map(|set| share(set) * (worth(set | 1 << column) - worth(set))).sum()
    };
    (0..n_columns).map(contribution).collect()
}

/// Explains some rows and compares what is added on the scale with the definition.
fn check(model: &[u8], method: Method, scale: Scale) {
    let predictor = predictor(model, 12);
    let Engine::Lowered(lowered) = predictor.runner() else { panic!("the golden models are the trainer's") };
    let only = lowered.only().unwrap();
    let n_features = predictor.contract().n_features();
    for at in 0..5 {
        let own: Vec<f32> =
            (0..n_features).map(|c| if (at + c) % 5 == 4 { f32::NAN } else { ((at * 31 + c * 17) % 60) as f32 }).collect();
        let class = (at + 1) % predictor.contract().target.classes.len();
        let question = Question { predictor: &predictor, background: predictor.background().unwrap(), own: &own, class };
        let probability = question.probabilities(&own).unwrap()[0];
        let shares = question.answer(probability).unwrap();
        assert_eq!((shares.method, shares.scale, shares.standard_error), (method, scale, None));
        let expected = by_definition(&question, &|row| question.values(only, row)[0]);
        for (column, ([found, _], expected)) in shares.contributions.iter().zip(&expected).enumerate() {
            assert!((found - expected).abs() < 1e-5, "row {at}, column {column}: {found}, by definition {expected}");
        }
        let sum: f64 = shares.contributions.iter().map(|[contribution, _]| contribution).sum();
        assert!((shares.base + sum - shares.value).abs() < 1e-5);
        if shares.has_points {
            let points: f64 = shares.contributions.iter().map(|[_, points]| points).sum();
            assert!((shares.base_probability + points - shares.probability).abs() < 1e-5, "row {at}");
        }
    }
}

#[test]
fn trees_and_linear_models_are_explained_as_the_definition_says() {
    check(TREES, Method::Trees, Scale::LogOdds);
    check(LINEAR, Method::Linear, Scale::LogOdds);
    check(TREES_OF_CLASSES, Method::Trees, Scale::LogOdds);
    check(LINEAR_OF_CLASSES, Method::Linear, Scale::LogOdds);
}

/// What random orders say of a model, which trees and linear models need not.
fn check_orders(model: &[u8]) {
    let predictor = predictor(model, 100);
    let own = [40.0, f32::NAN, 70.0, 3.0, 1.0, 2.0, 0.0];
    let question = Question { predictor: &predictor, background: predictor.background().unwrap(), own: &own, class: 1 };
    let probability = question.probabilities(&own).unwrap()[0];
    let expected = by_definition(&question, &|row| question.probabilities(row).unwrap()[0]);
    let shares = orders::explain(&question, probability).unwrap();
    let error = shares.standard_error.unwrap();
    assert!(error > 0.0 && error < 0.02, "{error}");
    for ([points, _], expected) in shares.contributions.iter().zip(&expected) {
        assert!((points - expected).abs() < 3.0 * error, "{points} is not about {expected}, give or take {error}");
    }
    let sum: f64 = shares.contributions.iter().map(|[points, _]| points).sum();
    assert!((shares.base + sum - probability).abs() < 1e-6);
}

#[test]
fn any_model_is_explained_by_random_orders() {
    check_orders(TREES);
    check_orders(LINEAR);
    check_orders(BLEND);
}

#[test]
fn an_explanation_speaks_of_the_followed_class_by_name() {
    let predictor = predictor(TREES, 12);
    let record = r#"{"age":41,"tenure":3,"monthly_fee":49.95,"calls_to_support":4,"plan":"plus","region":null,"paperless":"no"}"#;
    let record = predictor.contract().record_from_json(record).unwrap();
    let explanation = predictor.explain(&record).unwrap();
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!((&json["class"], &json["scale"], &json["method"]), (&"leaves".into(), &"log-odds".into(), &"trees".into()));
    assert_eq!(json["contributions"].as_array().unwrap().len(), 7);
    assert_eq!(json["contributions"][0]["column"], "age");
    assert_eq!(json.get("standard_error"), None);
    assert_eq!(explanation, predictor.explain(&record).unwrap());
}

#[test]
fn a_model_without_a_background_is_not_explained() {
    let predictor = Predictor::load(TREES).unwrap();
    let record = r#"{"age":41,"tenure":3,"monthly_fee":49.95,"calls_to_support":4,"plan":"plus","region":null,"paperless":"no"}"#;
    let record = predictor.contract().record_from_json(record).unwrap();
    assert_eq!(predictor.explain(&record), Err(ExplainError::NoBackground));
    let empty = Predictor::load(&with_background(TREES, "")).unwrap();
    assert_eq!(empty.explain(&record), Err(ExplainError::NoBackground));
}

#[test]
fn a_background_of_half_rows_is_refused() {
    let error = Predictor::load(&with_background(TREES, "3fc00000")).unwrap_err();
    assert_eq!(error.to_string(), "the model's metadata holds `3fc00000` under `tidemark.background`");
}
