use std::ops::ControlFlow;

use super::*;
use crate::metrics::Metrics;
use crate::{FeatureKind, to_the_end};

/// The class is whether two numbers are on the same side (or a third thing for three classes): no sum of functions of one column tells it.
fn rows(n_rows: usize, seed: u64, n_classes: usize) -> Data {
    let mut random = Random::new(seed);
    let (mut values, mut classes) = (vec![], vec![]);
    for _ in 0..n_rows {
        let (a, b, level) = (2.0 * random.unit() - 1.0, 2.0 * random.unit() - 1.0, random.below(3));
        values.extend([a as f32, b as f32, if level == 2 { -1.0 } else { level as f32 }]);
        let class = u32::from((a > 0.0) == (b > 0.0));
        classes.push(if n_classes == 3 && level == 0 { 2 } else { class });
    }
    let kinds = vec![FeatureKind::Numeric, FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 2 }];
    Data::new(Matrix::new(n_rows, 3, values).unwrap(), kinds, classes, n_classes, None).unwrap()
}

fn small() -> Params {
    Params {
        hidden: vec![16],
        n_networks: Some(1),
        epochs: Some(40),
        batch_rows: Some(32),
        learning_rate: 0.01,
        ..Params::default()
    }
}

fn fit(params: Params, data: &Data) -> Fitted {
    params.check().unwrap().fit(data, None, 7, &mut to_the_end).unwrap()
}

#[track_caller]
fn check_accuracy(n_classes: usize, at_least: f64) {
    let fitted = fit(small(), &rows(800, 1, n_classes));
    let test = rows(400, 2, n_classes);
    let metrics = Metrics::measure(&fitted.probabilities(test.features()), test.classes(), 0.5).unwrap();
    assert!(metrics.accuracy > at_least, "{metrics:?}");
}

#[test]
fn what_no_sum_of_columns_tells_is_learned() {
    check_accuracy(2, 0.9);
    check_accuracy(3, 0.9);
}

#[test]
fn a_fit_depends_on_the_seed_and_not_on_the_number_of_threads() {
    let data = rows(200, 3, 2);
    let few = || Params { epochs: Some(4), ..small() };
    let with_threads = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(|| fit(few(), &data));
    assert_eq!(with_threads(1), with_threads(3));
    assert_ne!(with_threads(1), few().check().unwrap().fit(&data, None, 8, &mut to_the_end).unwrap());
}

#[test]
fn few_rows_have_more_networks_but_for_a_trial() {
    let data = rows(200, 3, 2);
    let n_networks = |params: ValidParams| params.with_steps(1).fit(&data, None, 1, &mut to_the_end).unwrap().networks.len();
    let open = Params { n_networks: None, ..small() };
    assert_eq!(n_networks(open.clone().check().unwrap()), 5);
    assert_eq!(n_networks(open.clone().check().unwrap().for_trial()), 2);
    assert_eq!(n_networks(small().check().unwrap().for_trial()), 1);
    assert_eq!([3000, 100_000].map(|n_rows| open.n_networks(n_rows)), [3, 2]);
}

#[test]
fn a_given_number_of_epochs_is_kept_to() {
    let params = small().check().unwrap().with_steps(3);
    let fitted = params.fit(&rows(200, 3, 2), None, 1, &mut to_the_end).unwrap();
    assert_eq!(fitted.n_steps(), 3);
}

#[test]
fn a_fit_stops_when_it_is_asked_to() {
    let result = small().check().unwrap().fit(&rows(200, 3, 2), None, 1, &mut |_| ControlFlow::Break(()));
    assert!(matches!(result, Err(Error::Stopped)));
}

#[test]
fn odd_tables_give_finite_probabilities() {
    for (values, classes) in
        [(vec![0.0, 1.0], vec![0, 1]), (vec![2.0; 6], vec![0, 1, 0, 1, 0, 1]), (vec![f32::NAN; 4], vec![0, 1, 0, 1])]
    {
        let n_rows = classes.len();
        let data = Data::new(Matrix::new(n_rows, 1, values).unwrap(), vec![FeatureKind::Numeric], classes, 2, None).unwrap();
        let fitted = fit(Params { epochs: Some(5), ..small() }, &data);
        assert!(fitted.probabilities(data.features()).values().iter().all(|p| p.is_finite()));
    }
}

#[test]
fn what_is_out_of_range_is_refused() {
    let error = Params { hidden: vec![], ..Params::default() }.check().unwrap_err();
    assert_eq!(error.to_string(), "multilayer-perceptron parameter `hidden` is 0, but should be 1 to 8 layers");
}

#[test]
fn large_weights_that_cancel_are_counted_in_float64() {
    let data = rows(200, 3, 2);
    let mut fitted = fit(Params { epochs: Some(4), ..small() }, &data);
    assert!(!fitted.is_double);
    let [first, .., last] = &mut fitted.networks[0].layers[..] else { panic!("two layers") };
    // Every unit is far above 0, and the last layer takes that away again.
    first.bias.iter_mut().for_each(|bias| *bias += 1e4);
    last.bias[0] -= 1e4 * last.weights.iter().sum::<f32>();
    assert!(fitted.in_precision_for(data.features()).is_double);
}
