use super::*;
use crate::metrics::Metrics;
use crate::{FeatureKind, to_the_end};

/// Rings around the middle, with a category that says nothing and missing values: no straight line tells the classes apart.
fn rings(n_rows: usize, seed: u64, n_classes: usize) -> Data {
    let mut random = Random::new(seed);
    let (mut values, mut classes) = (vec![], vec![]);
    for row in 0..n_rows {
        let class = row % n_classes;
        let angle = random.unit() * std::f64::consts::TAU;
        let radius = class as f64 + 0.5 + 0.3 * random.unit();
        let level = if random.unit() < 0.1 { -1.0 } else { random.below(3) as f32 };
        values.extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32, level]);
        classes.push(class as u32);
    }
    let kinds = vec![FeatureKind::Numeric, FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 3 }];
    Data::new(Matrix::new(n_rows, 3, values).unwrap(), kinds, classes, n_classes, None).unwrap()
}

fn fit(params: Params, data: &Data) -> Fitted {
    params.check().unwrap().fit(data, 7, &mut to_the_end).unwrap()
}

fn curved() -> Params {
    Params { gamma_factor: Some(3.0), n_landmarks: 100, ..Params::default() }
}

#[track_caller]
fn check_accuracy(n_classes: usize, at_least: f64) {
    let fitted = fit(curved(), &rings(600, 1, n_classes));
    let test = rings(300, 2, n_classes);
    let metrics = Metrics::measure(&fitted.probabilities(test.features()), test.classes(), 0.5).unwrap();
    assert!(metrics.accuracy > at_least && metrics.log_loss < 0.5, "{metrics:?}");
}

#[test]
fn rings_are_told_apart() {
    check_accuracy(2, 0.95);
    check_accuracy(3, 0.93);
}

#[test]
fn a_fit_depends_on_the_seed_and_not_on_the_number_of_threads() {
    let data = rings(300, 3, 2);
    let with_threads = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(|| fit(curved(), &data));
    assert_eq!(with_threads(1), with_threads(3));
    assert_ne!(with_threads(1), curved().check().unwrap().fit(&data, 8, &mut to_the_end).unwrap());
}

#[test]
fn odd_tables_give_finite_probabilities() {
    for (values, classes) in
        [(vec![0.0, 1.0], vec![0, 1]), (vec![2.0; 6], vec![0, 1, 0, 1, 0, 1]), (vec![f32::NAN; 4], vec![0, 1, 0, 1])]
    {
        let n_rows = classes.len();
        let data = Data::new(Matrix::new(n_rows, 1, values).unwrap(), vec![FeatureKind::Numeric], classes, 2, None).unwrap();
        assert!(fit(Params::default(), &data).probabilities(data.features()).values().iter().all(|p| p.is_finite()));
    }
}

/// A kernel so wide that it is almost the same between all rows: what tells them apart lies below the rounding of large sums.
#[test]
fn a_wide_kernel_and_a_large_c_still_find_the_border() {
    let mut random = Random::new(4);
    let values: Vec<f32> = (0..1200 * 6).map(|_| random.unit() as f32).collect();
    let classes = values.chunks_exact(6).map(|row| u32::from(row[0] + row[1] > 1.2)).collect();
    let data = Data::new(Matrix::new(1200, 6, values).unwrap(), vec![FeatureKind::Numeric; 6], classes, 2, None).unwrap();
    for (gamma_factor, c) in [(0.1, 10.0), (0.1, 100.0), (0.02, 30.0), (0.003, 1000.0)] {
        let fitted = fit(Params { gamma_factor: Some(gamma_factor), c, ..Params::default() }, &data);
        let metrics = Metrics::measure(&fitted.probabilities(data.features()), data.classes(), 0.5).unwrap();
        assert!(metrics.accuracy > 0.95, "{gamma_factor} {c} {metrics:?}");
    }
}

#[test]
fn what_is_out_of_range_is_refused() {
    let error = Params { c: 0.0, ..Params::default() }.check().unwrap_err();
    assert_eq!(error.to_string(), "support-vector parameter `c` is 0, but should be a number above 0");
}
