mod averages;
mod directions;
mod rounds;
mod symmetric;
mod things;

use std::ops::ControlFlow;

use super::loss::Loss;
use super::*;
use crate::random::Random;
use crate::tree::Test;
use crate::{FeatureKind, to_the_end};

const NUMERIC: FeatureKind = FeatureKind::Numeric;
const LEVELS: FeatureKind = FeatureKind::Categorical { n_levels: 4 };

/// Two numbers and a category with missing values, where the class depends on all of them.
fn rows(n_rows: usize, seed: u64, n_classes: usize) -> Data {
    let mut random = Random::new(seed);
    let (mut values, mut classes) = (vec![], vec![]);
    for _ in 0..n_rows {
        let (a, b, level) = (random.unit() as f32, random.unit() as f32, random.below(5) as f32 - 1.0);
        let a = if random.unit() < 0.1 { f32::NAN } else { a };
        let lean = if a.is_nan() { 0.9 } else { a } + if level == 2.0 { 0.8 } else { 0.0 } + 0.3 * random.unit() as f32;
        values.extend([a, b, level]);
        classes.push((lean / 2.0 * n_classes as f32) as u32 % n_classes as u32);
    }
    let features = Matrix::new(n_rows, 3, values).unwrap();
    Data::new(features, vec![NUMERIC, NUMERIC, LEVELS], classes, n_classes, None).unwrap()
}

fn small() -> Params {
    Params {
        rounds: 30,
        n_models: Some(1),
        learning_rate: 0.1,
        min_leaf_rows: Some(5),
        l2: Some(5.0),
        category_group_rows: Some(5),
        category_smoothing: Some(5.0),
        ..Params::default()
    }
}

/// With all its rounds when no validation rows are given.
fn fit(params: Params, train: &Data, validation: Option<&Data>) -> Fitted {
    let rounds = params.rounds;
    let params = params.check().unwrap();
    let params = if validation.is_some() { params } else { params.with_steps(rounds) };
    params.fit(train, validation, 7, &mut to_the_end).unwrap()
}

fn loss(fitted: &Fitted, data: &Data) -> f64 {
    let raw: Vec<f32> = data.features().rows().flat_map(|row| fitted.raw(row)).collect();
    let (sum, weight) = Loss::new(data).sum(&raw);
    sum / weight
}

/// What the exported numbers give, by the rules in `trainer_onnx`.
fn exported_raw(ensemble: &TreeEnsemble, row: &[f32]) -> Vec<f32> {
    let mut raw: Vec<f32> = vec![];
    for tree in &ensemble.trees {
        let mut node = &tree.nodes[0];
        let values = loop {
            match node {
                trainer_onnx::Node::Leaf { values } => break values,
                trainer_onnx::Node::Split { feature, test, yes, no, missing_yes } => {
                    let value = row[*feature];
                    let holds = match test {
                        _ if value.is_nan() => *missing_yes,
                        trainer_onnx::Test::AtMost(threshold) => value <= *threshold,
                        trainer_onnx::Test::OneOf(levels) => levels.iter().any(|&level| level as f32 == value),
                    };
                    node = &tree.nodes[if holds { *yes } else { *no }];
                }
            }
        };
        raw.resize(values.len(), 0.0);
        raw.iter_mut().zip(values).for_each(|(raw, value)| *raw += value);
    }
    raw
}

#[track_caller]
fn check_export(fitted: &Fitted, features: &Matrix) {
    let trainer_onnx::Classifier::Trees(ensemble) = crate::Fitted::GradientBoosting(fitted.clone()).to_onnx().classifier else {
        panic!("trees")
    };
    for row in features.rows() {
        assert_eq!(exported_raw(&ensemble, row), fitted.raw(row), "row {row:?}");
    }
}

#[test]
fn the_exported_numbers_give_exactly_the_same_sums() {
    for n_classes in [2, 3] {
        let fitted = fit(small(), &rows(600, 1, n_classes), None);
        check_export(&fitted, rows(300, 2, n_classes).features());
        let odd = Matrix::new(3, 3, vec![f32::NAN, f32::NAN, f32::NAN, -5.0, 5.0, 9.0, 0.5, 0.5, 1.5]).unwrap();
        check_export(&fitted, &odd);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let data = rows(40_000, 3, 2);
    for params in [Params::default(), Params { symmetric: true, max_leaves: 64, ..Params::default() }] {
        let with_threads = |n: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            pool.install(|| fit(Params { rounds: 5, ..params.clone() }, &data, None))
        };
        let one = with_threads(1);
        assert!(one.n_steps() == 5);
        assert_eq!(one, with_threads(2));
        assert_eq!(one, with_threads(3));
    }
}

#[test]
fn raw_values_while_fitting_are_those_of_the_fitted_model() {
    for (n_classes, row_share) in [(2, 0.7), (3, 0.7), (3, 1.0)] {
        let data = rows(500, 16, n_classes);
        let params = Params { row_share, ..small() };
        let mut boosting = Boosting::start(&params, &Combinations::default(), &data, 1);
        (0..20).for_each(|_| boosting.round());
        let raw: Vec<f32> = data.features().rows().flat_map(|row| boosting.fitted.raw(row)).collect();
        assert_eq!(boosting.raw, raw);
    }
}

#[test]
fn another_seed_gives_another_model() {
    let data = rows(600, 3, 2);
    let with_seed = |seed| small().check().unwrap().fit(&data, None, seed, &mut to_the_end).unwrap();
    assert_eq!(with_seed(1), with_seed(1));
    assert_ne!(with_seed(1), with_seed(2));
}

#[test]
fn every_round_lowers_the_training_loss() {
    let params = Params { row_share: 1.0, column_share: 1.0, ..small() };
    for n_classes in [2, 3] {
        let data = rows(500, 4, n_classes);
        let mut fitted = fit(params.clone(), &data, None);
        let mut last = loss(&fitted, &data);
        while fitted.rounds.pop().is_some() {
            let earlier = loss(&fitted, &data);
            assert!(earlier > last, "{} rounds: {earlier}, one more: {last}", fitted.n_steps());
            last = earlier;
        }
    }
}

#[test]
fn several_classes_are_told_apart() {
    let (train, test) = (rows(1500, 8, 3), rows(500, 9, 3));
    let probabilities = fit(small(), &train, None).probabilities(test.features());
    let right = probabilities.rows().zip(test.classes()).filter(|(p, class)| {
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        p.iter().all(|&other| other <= p[**class as usize])
    });
    assert!(right.count() > 400);
}

#[test]
fn a_row_without_weight_is_as_good_as_absent() {
    let data = rows(500, 10, 2);
    let weights: Vec<f32> = (0..500).map(|row| if row % 3 == 0 { 0.0 } else { 1.0 }).collect();
    let weighted = Data::new(data.features().clone(), data.kinds().to_vec(), data.classes().to_vec(), 2, Some(weights));
    let kept: Vec<usize> = (0..500).filter(|row| row % 3 != 0).collect();
    assert_eq!(fit(small(), &weighted.unwrap(), None), fit(small(), &data.select(&kept).unwrap(), None));
}

#[test]
fn weight_on_a_class_raises_its_probability() {
    let data = rows(500, 11, 2);
    let weights = data.classes().iter().map(|&class| if class == 1 { 5.0 } else { 1.0 }).collect();
    let weighted = Data::new(data.features().clone(), data.kinds().to_vec(), data.classes().to_vec(), 2, Some(weights)).unwrap();
    let mean = |data: &Data| {
        let probabilities = fit(small(), data, None).probabilities(data.features());
        probabilities.column(1).sum::<f32>() / 500.0
    };
    assert!(mean(&weighted) > mean(&data) + 0.1);
}

/// A fit on one column that decides the class, with the probabilities of class 1 at some values.
#[track_caller]
fn check_column(kind: FeatureKind, values: &[f32], classes: &[u32], expect: &[(f32, bool)]) {
    let n_rows = values.len();
    let data = Data::new(Matrix::new(n_rows, 1, values.to_vec()).unwrap(), vec![kind], classes.to_vec(), 2, None).unwrap();
    let params = Params {
        min_leaf_rows: Some(1),
        l2: Some(0.0),
        category_l2: 0.0,
        category_group_rows: Some(1),
        category_smoothing: Some(0.0),
        ..small()
    };
    let fitted = fit(params, &data, None);
    for &(value, likely) in expect {
        let p = fitted.probabilities(&Matrix::new(1, 1, vec![value]).unwrap()).values()[1];
        assert_eq!(p > 0.5, likely, "{value} has {p}");
    }
}

#[test]
fn missing_values_learn_their_own_direction() {
    let nan = f32::NAN;
    check_column(NUMERIC, &[1.0, 1.0, 2.0, 2.0, nan, nan], &[0, 0, 1, 1, 1, 1], &[(1.0, false), (2.0, true), (nan, true)]);
    check_column(NUMERIC, &[1.0, 1.0, 2.0, 2.0, nan, nan], &[0, 0, 1, 1, 0, 0], &[(1.0, false), (2.0, true), (nan, false)]);
    check_column(NUMERIC, &[1.0, 1.0, 2.0, 2.0, nan, nan], &[0, 0, 0, 0, 1, 1], &[(1.0, false), (9.0, false), (nan, true)]);
}

#[test]
fn levels_are_grouped_whatever_their_order() {
    let classes = [1, 1, 0, 0, 1, 1, 0, 0];
    let expect = [(0.0, true), (1.0, false), (2.0, true), (3.0, false)];
    check_column(LEVELS, &[0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0], &classes, &expect);
}

#[test]
fn a_missing_level_is_a_group_of_its_own() {
    let expect = [(-1.0, true), (0.0, false), (3.0, true), (f32::NAN, true)];
    check_column(LEVELS, &[-1.0, -1.0, 0.0, 0.0], &[1, 1, 0, 0], &expect);
}

#[test]
fn columns_without_information_are_passed_over() {
    let data = rows(400, 12, 2);
    let values = data.features().rows().flat_map(|row| [&[f32::NAN, 5.0, -1.0], row].concat()).collect();
    let kinds = [[NUMERIC, NUMERIC, LEVELS], [NUMERIC, NUMERIC, LEVELS]].concat();
    let wide = Data::new(Matrix::new(400, 6, values).unwrap(), kinds, data.classes().to_vec(), 2, None).unwrap();
    let fitted = fit(Params { column_share: 1.0, ..small() }, &wide, None);
    let features = fitted.rounds.iter().flatten().flat_map(|tree| &tree.nodes).filter_map(|node| match node {
        Node::Split { feature, .. } => Some(*feature),
        Node::Leaf(_) => None,
    });
    assert!(fitted.n_steps() == 30 && features.into_iter().all(|feature| feature >= 3));
}

/// How many splits ask about the first and the second of two columns.
fn asked(fitted: &Fitted) -> (usize, usize) {
    let nodes = fitted.rounds.iter().flatten().flat_map(|tree| &tree.nodes);
    let of = |column: u32| nodes.clone().filter(|node| matches!(node, Node::Split { feature, .. } if *feature == column)).count();
    (of(0), of(1))
}

#[test]
fn of_two_columns_every_tree_sees_both() {
    let values: Vec<f32> = (0..1600).flat_map(|row| [(row % 40) as f32, (row / 40) as f32]).collect();
    let classes = (0..1600).map(|row| u32::from((row % 40 < 20) == (row / 40 < 20))).collect();
    let data = Data::new(Matrix::new(1600, 2, values).unwrap(), vec![NUMERIC, NUMERIC], classes, 2, None).unwrap();
    let fitted = fit(Params { column_share: 0.1, ..small() }, &data, None);
    assert!(loss(&fitted, &data) < 0.2, "either column alone says nothing");
}

#[test]
fn columns_that_tell_the_same_take_turns_under_noise() {
    let values: Vec<f32> = (0..2_000).flat_map(|row| [row as f32, row as f32]).collect();
    let classes = (0..2_000).map(|row| u32::from(row % 3 == 0 || row > 1_500)).collect();
    let twins = Data::new(Matrix::new(2_000, 2, values).unwrap(), vec![NUMERIC, NUMERIC], classes, 2, None).unwrap();
    let with =
        |random_strength| fit(Params { column_share: 1.0, random_strength: Some(random_strength), ..small() }, &twins, None);
    assert_eq!(asked(&with(0.0)).1, 0, "the first wins a tie");
    let (first, second) = asked(&with(4.0));
    assert!(first > 50 && second > 50, "{first} {second}");
    assert_eq!(with(4.0), with(4.0));
}

/// Levels in the largest set that is asked about.
fn largest_set(fitted: &Fitted) -> usize {
    let nodes = fitted.rounds.iter().flatten().flat_map(|tree| &tree.nodes);
    let sizes = nodes.filter_map(|node| match node {
        Node::Split { test: Test::OneOf(levels), .. } => Some(levels.levels().count()),
        _ => None,
    });
    sizes.max().unwrap()
}

#[test]
fn a_set_holds_as_many_levels_as_it_may() {
    let levels: Vec<f32> = (0..600).map(|row| (row % 6) as f32).collect();
    let classes = (0..600).map(|row| u32::from(row % 2 == 0)).collect();
    let kinds = vec![FeatureKind::Categorical { n_levels: 6 }];
    let data = Data::new(Matrix::new(600, 1, levels).unwrap(), kinds, classes, 2, None).unwrap();
    let with = |max_set_levels| fit(Params { max_set_levels, ..small() }, &data, None);
    for most in [1, 2] {
        assert_eq!(largest_set(&with(most)), most);
    }
    assert_eq!(largest_set(&with(32)), 3, "three levels are of either class");
}

#[test]
fn even_curvature_changes_what_is_asked_once_rows_differ_in_it() {
    let data = rows(2_000, 5, 2);
    let with = |rounds, even_curvature| {
        fit(Params { rounds, even_curvature, random_strength: Some(0.0), ..small() }, &data, None).rounds.pop().unwrap()
    };
    assert_eq!(with(1, true), with(1, false), "before the first round every row has the same");
    assert_ne!(with(30, true), with(30, false));
}

#[test]
fn even_curvature_takes_weights_for_rows() {
    let once = rows(500, 6, 2);
    let doubled: Vec<usize> = (0..500).chain((0..500).filter(|row| row % 3 == 0)).collect();
    let weights = (0..500).map(|row| if row % 3 == 0 { 2.0 } else { 1.0 }).collect();
    let weighted = Data::new(once.features().clone(), once.kinds().to_vec(), once.classes().to_vec(), 2, Some(weights)).unwrap();
    let params = Params { even_curvature: true, random_strength: Some(0.0), row_share: 1.0, min_leaf_rows: Some(1), ..small() };
    let weights_told = loss(&fit(params.clone(), &weighted, None), &weighted);
    let rows_told = loss(&fit(params, &once.select(&doubled).unwrap(), None), &weighted);
    assert!((weights_told - rows_told).abs() < 0.01, "{weights_told} {rows_told}");
}

#[test]
fn every_leaf_has_its_rows() {
    let data = rows(1000, 13, 2);
    for symmetric in [false, true] {
        let params = Params { rounds: 3, min_leaf_rows: Some(60), row_share: 1.0, max_leaves: 64, symmetric, ..small() };
        for tree in fit(params, &data, None).rounds.iter().flatten() {
            let mut reached: Vec<f32> = data.features().rows().map(|row| tree.value(row)).collect();
            reached.sort_unstable_by(f32::total_cmp);
            assert!(reached.chunk_by(|a, b| a == b).all(|leaf| leaf.len() >= 60));
        }
    }
}

#[test]
fn two_rows_give_the_shares_of_the_classes() {
    let data = rows(200, 14, 2);
    let one_of = |class: u32| data.classes().iter().position(|&c| c == class).unwrap();
    let two = data.select(&[one_of(0), one_of(1)]).unwrap();
    let fitted = fit(Params::default(), &two, None);
    assert_eq!(fitted.probabilities(two.features()).values(), [0.5; 4]);
    check_export(&fitted, two.features());
}

#[test]
fn limits_grow_with_the_rows_up_to_their_full_size() {
    let params = Params::default();
    let limits = |n_rows: usize| {
        let split = params.grow_params(n_rows, 0).split;
        (split.min_leaf_rows, split.l2, split.category_smoothing, split.min_group_rows)
    };
    assert_eq!(limits(30_000), (40, 6.0, 50.0, 100));
    assert_eq!(limits(10_000_000), limits(30_000));
    assert_eq!(limits(1875), (10, 0.625, 12.5, 25));
    assert_eq!(limits(2).0, 2);
    assert_eq!([2, 3_000, 12_000].map(|n_rows| params.random_strength(n_rows)), [4.0, 4.0, 2.0]);
    let given = Params { min_leaf_rows: Some(7), l2: Some(0.0), ..Params::default() };
    assert_eq!((given.grow_params(150, 0).split.min_leaf_rows, given.grow_params(150, 0).split.l2), (7, 0.0));
}

#[test]
fn noise_fades_when_the_steps_come_near_the_logarithm_of_the_rows() {
    let params = Params::default();
    // The logarithm of 2981 is 8, which 200 steps of 0.04 make.
    let strength = |n_before: usize| params.grow_params(2_981, n_before).random_strength;
    assert!(strength(0) > 3.99 && strength(400) < 0.01);
    assert!((strength(200) - 2.0).abs() < 0.01);
}

#[test]
fn a_model_survives_json() {
    let data = rows(300, 15, 3);
    let fitted = crate::Fitted::GradientBoosting(fit(small(), &data, None));
    let back: crate::Fitted = serde_json::from_str(&serde_json::to_string(&fitted).unwrap()).unwrap();
    assert_eq!(back, fitted);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let message = |params: Params| params.check().unwrap_err().to_string();
    assert_eq!(
        message(Params { row_share: 1.5, ..Params::default() }),
        "gradient-boosting parameter `row_share` is 1.5, but should be above 0 and at most 1"
    );
    assert_eq!(
        message(Params { l2: Some(f64::NAN), ..Params::default() }),
        "gradient-boosting parameter `l2` is NaN, but should be a number of at least 0"
    );
    assert_eq!(
        message(Params { max_set_levels: 0, ..Params::default() }),
        "gradient-boosting parameter `max_set_levels` is 0, but should be 1 to 255"
    );
}

#[test]
fn validation_rows_of_another_shape_are_refused() {
    let result = small().check().unwrap().fit(&rows(100, 1, 2), Some(&rows(100, 1, 3)), 1, &mut to_the_end);
    assert!(matches!(result, Err(Error::ValidationMismatch)));
}
