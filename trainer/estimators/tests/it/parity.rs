//! Every family, over shapes chosen and random.

use std::collections::BTreeMap;

use data_contract::metadata;
use inference_predictor::{Predictor, Scores};
use trainer_estimators::{
    Family, FeatureKind, Fitted, Matrix, Params, gradient_boosting, logistic_regression, multilayer_perceptron, random_forest,
    to_the_end,
};
use trainer_onnx::Head;

use crate::engines;
use crate::problem::{Random, Shape};

/// How far a probability of the graph may be from the classifier's own.
const TOLERANCE: f32 = 1e-6;
const N_ODD_ROWS: usize = 300;
const THRESHOLD: f32 = 0.4;

/// A number whose products with weights and units stay within float32, for the family whose sums are not bounded.
const LARGE: f32 = 1e20;

const NUMERIC: FeatureKind = FeatureKind::Numeric;

fn levels(n_levels: usize) -> FeatureKind {
    FeatureKind::Categorical { n_levels }
}

fn shape(kinds: &[FeatureKind], n_classes: usize) -> Shape {
    Shape { kinds: kinds.to_vec(), n_rows: 400, n_classes, weighted: false, unit: 1.0 }
}

/// With the largest number that a row may hold.
fn all_params() -> [(Params, f32); 6] {
    let boosting =
        gradient_boosting::Params { rounds: 40, min_leaf_rows: Some(5), category_group_rows: Some(10), ..Default::default() };
    let plain = logistic_regression::Params { n_knots: 0, ..Default::default() };
    [
        (Params::GradientBoosting(boosting), f32::MAX),
        (Params::default_for(Family::SupportVector), LARGE),
        (Params::MultilayerPerceptron(multilayer_perceptron::Params { epochs: Some(5), ..Default::default() }), f32::MAX),
        (Params::RandomForest(random_forest::Params { n_trees: Some(20), ..Default::default() }), f32::MAX),
        (Params::default_for(Family::LogisticRegression), f32::MAX),
        (Params::LogisticRegression(plain), LARGE),
    ]
}

/// Sums of some hundred kernels, or of large weighted numbers, round off more than sums of leaves do.
pub(crate) fn tolerance(params: &Params) -> f32 {
    match params.family() {
        Family::SupportVector => 10.0 * TOLERANCE,
        Family::LogisticRegression => 5.0 * TOLERANCE,
        _ => TOLERANCE,
    }
}

/// Fits every family on rows of this shape, and compares on these and on odd rows.
#[track_caller]
fn check(shape: &Shape, seed: u64) {
    let mut random = Random(seed);
    let train = shape.training(&mut random);
    for (params, largest) in all_params() {
        let odd = shape.odd_rows(N_ODD_ROWS, largest, &mut random);
        let fitted = params.clone().check().unwrap().fit(&train, None, seed, &mut to_the_end).unwrap();
        let model = export(&fitted, shape);
        let predictor = Predictor::load(&model).unwrap();
        let has_dates = shape.kinds.iter().any(|kind| matches!(kind, FeatureKind::Date { .. }));
        assert_eq!(predictor.engine(), if has_dates { "tract" } else { "lowered" }, "{params:?} on {shape:?}");
        for rows in [train.features(), &odd] {
            if !has_dates {
                engines::check(&model, rows, params.family(), &format!("{params:?} on {shape:?}, seed {seed}"));
            }
            let scores = predictor.scores(rows.values(), rows.n_rows()).unwrap();
            compare(
                &fitted.probabilities(rows),
                &scores,
                rows,
                tolerance(&params),
                &format!("{params:?} on {shape:?}, seed {seed}"),
            );
        }
    }
}

pub(crate) fn export(fitted: &Fitted, shape: &Shape) -> Vec<u8> {
    let threshold = (shape.n_classes == 2).then_some(THRESHOLD);
    let metadata = metadata_of(shape, fitted.family());
    let head = Head { threshold, metadata, name: "parity".into(), ..Head::default() };
    fitted.to_onnx().to_model(&head)
}

/// What the predictor needs to know of a model.
pub(crate) fn metadata_of(shape: &Shape, family: Family) -> BTreeMap<String, String> {
    let pairs = [
        (metadata::FORMAT, "1".to_owned()),
        (metadata::FAMILY, family.to_string()),
        (metadata::CONTRACT, shape.contract().to_json()),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

#[track_caller]
pub(crate) fn compare(own: &Matrix, scores: &Scores, rows: &Matrix, tolerance: f32, case: &str) {
    assert_eq!(own.values().len(), scores.probabilities.len());
    for (row, (own, graph)) in own.rows().zip(scores.probabilities.chunks_exact(own.n_features())).enumerate() {
        let values = rows.row(row);
        let near = own.iter().zip(graph).all(|(own, graph)| (own - graph).abs() <= tolerance);
        assert!(near, "{own:?} is {graph:?} in the graph, for {values:?}; {case}");
        let labels = possible_labels(own, tolerance);
        assert!(labels.contains(&scores.labels[row]), "label {} of {own:?}, for {values:?}; {case}", scores.labels[row]);
    }
}

/// The label of these probabilities; two of them within the tolerance of the border.
fn possible_labels(probabilities: &[f32], tolerance: f32) -> Vec<i64> {
    let likely = |probability: f32, border: f32| probability >= border - 2.0 * tolerance;
    match *probabilities {
        [_, second] if (second - THRESHOLD).abs() <= tolerance => vec![0, 1],
        [_, second] => vec![i64::from(second > THRESHOLD)],
        _ => {
            let largest = probabilities.iter().copied().fold(0.0, f32::max);
            (0..).zip(probabilities).filter(|&(_, &p)| likely(p, largest)).map(|(label, _)| label).collect()
        }
    }
}

#[test]
fn the_graph_agrees_on_numbers_alone() {
    for n_classes in [2, 4] {
        check(&shape(&[NUMERIC, NUMERIC, NUMERIC], n_classes), 1);
    }
}

#[test]
fn the_graph_agrees_on_levels_alone() {
    for n_classes in [2, 4] {
        check(&shape(&[levels(2), levels(7), levels(1)], n_classes), 2);
    }
}

#[test]
fn the_graph_agrees_on_numbers_and_levels() {
    for n_classes in [2, 4] {
        check(&shape(&[levels(5), NUMERIC, levels(300), NUMERIC], n_classes), 3);
    }
}

#[test]
fn the_graph_agrees_on_dates() {
    let date = |has_time| FeatureKind::Date { has_time };
    for n_classes in [2, 4] {
        check(&shape(&[date(false)], n_classes), 6);
        check(&shape(&[NUMERIC, date(true), levels(5), date(false), date(true)], n_classes), 7);
    }
}

#[test]
fn the_graph_agrees_on_weighted_rows() {
    for n_classes in [2, 4] {
        check(&Shape { weighted: true, ..shape(&[NUMERIC, levels(12), NUMERIC], n_classes) }, 4);
    }
}

#[test]
fn the_graph_agrees_on_numbers_of_any_unit() {
    for unit in [1e-6, 1e-3, 1e3, 1e9] {
        check(&Shape { unit, ..shape(&[NUMERIC, NUMERIC, levels(3)], 2) }, 5);
    }
}

#[test]
fn the_graph_agrees_on_random_shapes() {
    for seed in 0..40 {
        check(&Shape::random(&mut Random(seed)), seed);
    }
}

/// Large weights of both signs cancel: such a network counts in float64, in its graph too.
#[test]
fn the_graph_of_a_perceptron_agrees_in_both_precisions() {
    let shape = shape(&[NUMERIC, NUMERIC, NUMERIC, levels(4)], 2);
    let train = shape.training(&mut Random(8));
    let wild = multilayer_perceptron::Params {
        n_knots: Some(0),
        learning_rate: 0.05,
        weight_decay: 0.0,
        epochs: Some(60),
        patience: 60,
        ..Default::default()
    };
    let fitted = Params::MultilayerPerceptron(wild).check().unwrap().fit(&train, None, 8, &mut to_the_end).unwrap();
    let mut json = serde_json::to_value(&fitted).unwrap();
    for is_double in [json["is_double"].as_bool().unwrap(), true] {
        json["is_double"] = is_double.into();
        let fitted: Fitted = serde_json::from_value(json.clone()).unwrap();
        let scores = Predictor::load(&export(&fitted, &shape)).unwrap();
        let scores = scores.scores(train.features().values(), train.n_rows()).unwrap();
        let own = fitted.probabilities(train.features());
        compare(&own, &scores, train.features(), 2.0 * TOLERANCE, if is_double { "float64" } else { "float32" });
    }
}
