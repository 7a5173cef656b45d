use super::*;
use crate::metrics::Metrics;
use crate::{FeatureKind, to_the_end};

/// Two numbers and a category with missing values; the class follows all of them.
fn rows(n_rows: usize, seed: u64, n_classes: usize) -> Data {
    let mut random = Random::new(seed);
    let (mut values, mut classes) = (vec![], vec![]);
    for _ in 0..n_rows {
        let (a, b, level) = (random.unit() as f32, random.unit() as f32, random.below(5));
        let signal = f64::from(a) + if level >= 3 { 0.6 } else { 0.0 } + 0.2 * random.unit();
        values.extend([if b < 0.1 { f32::NAN } else { a }, b, if b > 0.9 { -1.0 } else { level as f32 }]);
        classes.push(((signal * n_classes as f64 / 1.8) as u32).min(n_classes as u32 - 1));
    }
    let kinds = vec![FeatureKind::Numeric, FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 5 }];
    Data::new(Matrix::new(n_rows, 3, values).unwrap(), kinds, classes, n_classes, None).unwrap()
}

fn fit(params: Params, data: &Data) -> Fitted {
    params.check().unwrap().fit(data, 7, &mut to_the_end).unwrap()
}

fn small() -> Params {
    Params { n_trees: Some(30), ..Params::default() }
}

#[track_caller]
fn check_log_loss(n_classes: usize, at_most: f64) {
    let fitted = fit(small(), &rows(1500, 1, n_classes));
    let test = rows(1000, 2, n_classes);
    let metrics = Metrics::measure(&fitted.probabilities(test.features()), test.classes(), 0.5).unwrap();
    assert!(metrics.log_loss < at_most, "{metrics:?}");
    let estimate = fitted.out_of_bag_log_loss().unwrap();
    assert!((estimate - metrics.log_loss).abs() < 0.08, "{estimate} out of bag, {} on new rows", metrics.log_loss);
}

#[test]
fn two_and_several_classes_are_learned_and_the_out_of_bag_estimate_is_near() {
    check_log_loss(2, 0.35);
    check_log_loss(4, 0.75);
}

#[test]
fn a_fit_depends_on_the_seed_and_not_on_the_number_of_threads() {
    let data = rows(400, 3, 3);
    let with_threads = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(|| fit(small(), &data));
    assert_eq!(with_threads(1), with_threads(3));
    let other = small().check().unwrap().fit(&data, 8, &mut to_the_end).unwrap();
    assert_ne!(with_threads(1), other);
}

#[test]
fn few_rows_have_more_trees_but_for_a_trial() {
    let data = rows(300, 3, 2);
    let n_trees = |params: ValidParams| params.fit(&data, 7, &mut to_the_end).unwrap().trees.len();
    assert_eq!(n_trees(Params::default().check().unwrap()), 400);
    assert_eq!(n_trees(Params::default().check().unwrap().for_trial()), 200);
    assert_eq!(n_trees(small().check().unwrap().for_trial()), 30);
    assert_eq!([1600, 100_000].map(|n_rows| Params::default().n_trees(n_rows)), [250, 200]);
}

#[test]
fn probabilities_sum_to_one() {
    let data = rows(300, 4, 3);
    let probabilities = fit(small(), &data).probabilities(data.features());
    for row in probabilities.rows() {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5 && row.iter().all(|p| *p > 0.0), "{row:?}");
    }
}

#[test]
fn limits_on_leaves_and_rows_hold() {
    let data = rows(500, 5, 2);
    let fitted = fit(Params { max_leaves: 5, min_leaf_rows: Some(20), ..small() }, &data);
    for tree in &fitted.trees {
        assert!(tree.shares.len() <= 5 * 2);
    }
    let none = fit(Params { min_leaf_rows: Some(400), ..small() }, &data);
    assert!(none.trees.iter().all(|tree| !tree.tree.has_splits()));
}

#[test]
fn odd_tables_give_a_forest() {
    let constant = Matrix::new(4, 2, [1.0, f32::NAN].repeat(4)).unwrap();
    let kinds = vec![FeatureKind::Numeric; 2];
    let data = Data::new(constant, kinds, vec![0, 1, 0, 1], 2, None).unwrap();
    assert!(fit(small(), &data).trees.iter().all(|tree| !tree.tree.has_splits()));
    let two = Data::new(Matrix::new(2, 1, vec![0.0, 1.0]).unwrap(), vec![FeatureKind::Numeric], vec![0, 1], 2, None).unwrap();
    assert!(fit(small(), &two).probabilities(two.features()).values().iter().all(|p| p.is_finite()));
}

#[test]
fn a_weight_counts_like_copies() {
    let data = rows(300, 6, 2);
    let heavy: Vec<f32> = data.classes().iter().map(|&class| if class == 1 { 5.0 } else { 1.0 }).collect();
    let weighted = Data::new(data.features().clone(), data.kinds().to_vec(), data.classes().to_vec(), 2, Some(heavy)).unwrap();
    let mean = |fitted: &Fitted| fitted.probabilities(data.features()).column(1).sum::<f32>() / 300.0;
    assert!(mean(&fit(small(), &weighted)) > mean(&fit(small(), &data)) + 0.01);
}

#[test]
fn what_is_out_of_range_is_refused() {
    let error = Params { column_share: Some(1.5), ..Params::default() }.check().unwrap_err();
    assert_eq!(error.to_string(), "random-forest parameter `column_share` is 1.5, but should be above 0 and at most 1");
}
