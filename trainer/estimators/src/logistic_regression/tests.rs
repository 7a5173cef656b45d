use std::ops::ControlFlow;

use super::penalty::Penalty;
use super::*;
use crate::FeatureKind;
use crate::random::Random;
use crate::to_the_end;

const NUMERIC: FeatureKind = FeatureKind::Numeric;
const LEVELS: FeatureKind = FeatureKind::Categorical { n_levels: 3 };

/// Two numbers and a category with missing values; the class follows the first number and the category.
fn rows(n_rows: usize, seed: u64, n_classes: usize) -> Data {
    let mut random = Random::new(seed);
    let (mut values, mut classes) = (vec![], vec![]);
    for _ in 0..n_rows {
        let (a, b, level) = (random.unit() as f32, 10.0 * random.unit() as f32, random.below(4) as f32 - 1.0);
        let lean = a + if level == 2.0 { 0.8 } else { 0.0 } + 0.4 * random.unit() as f32;
        values.extend([if random.unit() < 0.1 { f32::NAN } else { a }, b, level]);
        classes.push((lean / 2.2 * n_classes as f32) as u32 % n_classes as u32);
    }
    Data::new(Matrix::new(n_rows, 3, values).unwrap(), vec![NUMERIC, NUMERIC, LEVELS], classes, n_classes, None).unwrap()
}

fn with_weights(data: &Data, weights: Vec<f32>) -> Data {
    let (features, kinds, classes) = (data.features().clone(), data.kinds().to_vec(), data.classes().to_vec());
    Data::new(features, kinds, classes, data.n_classes(), Some(weights)).unwrap()
}

fn fit_with(data: &Data, params: Params) -> Fitted {
    params.check().unwrap().fit(data, &mut to_the_end).unwrap()
}

fn fit(data: &Data) -> Fitted {
    fit_with(data, Params::default())
}

fn fit_plain(data: &Data) -> Fitted {
    fit_with(data, Params { n_knots: 0, ..Params::default() })
}

#[track_caller]
fn check_close(left: &[f32], right: &[f32], tolerance: f32) {
    assert_eq!(left.len(), right.len());
    let largest = left.iter().zip(right).map(|(l, r)| (l - r).abs()).fold(0.0, f32::max);
    assert!(largest <= tolerance, "differs by {largest}");
}

/// At the minimum the slope by each weight, computed here by hand, is 0.
#[track_caller]
fn check_slopes_vanish(fitted: &Fitted, data: &Data) {
    let n_outputs = fitted.bias.len();
    let Params { l2, bend, .. } = Params::default();
    let weights: Vec<f64> = fitted.weights.iter().copied().map(f64::from).collect();
    let mut slopes = vec![0.0; weights.len()];
    Penalty::new(l2, bend, &fitted.encoding, n_outputs).add(&weights, &mut slopes);
    slopes.extend(vec![0.0; n_outputs]);
    let probabilities = fitted.probabilities(data.features());
    for (row, (features, p)) in data.features().rows().zip(probabilities.rows()).enumerate() {
        for output in 0..n_outputs {
            let class = if n_outputs == 1 { 1 } else { output };
            let truth = if data.classes()[row] as usize == class { 1.0 } else { 0.0 };
            let error = f64::from(data.weight(row)) * (f64::from(p[class]) - truth);
            for (input, value) in fitted.encoding.inputs(features).chain([(fitted.encoding.n_inputs(), 1.0)]) {
                slopes[input * n_outputs + output] += error * f64::from(value);
            }
        }
    }
    let steepest = slopes.iter().fold(0.0_f64, |largest, slope| largest.max(slope.abs()));
    assert!(steepest / (data.n_rows() as f64) < 3e-6, "{slopes:?}");
}

#[test]
fn the_fit_ends_at_the_minimum() {
    for n_classes in [2, 3, 4] {
        let data = rows(500, 1, n_classes);
        let weights = (0..500).map(|row| 0.5 + (row % 3) as f32).collect();
        let weighted = with_weights(&data, weights);
        for data in [data, weighted] {
            check_slopes_vanish(&fit(&data), &data);
            check_slopes_vanish(&fit_plain(&data), &data);
        }
    }
}

#[test]
fn columns_of_one_kind_are_enough() {
    for columns in [[0, 1].as_slice(), &[2]] {
        let data = rows(300, 2, 2);
        let values = data.features().rows().flat_map(|row| columns.iter().map(|&column| row[column])).collect();
        let kinds = columns.iter().map(|&column| data.kinds()[column]).collect();
        let features = Matrix::new(300, columns.len(), values).unwrap();
        let narrow = Data::new(features, kinds, data.classes().to_vec(), 2, None).unwrap();
        check_slopes_vanish(&fit(&narrow), &narrow);
    }
}

#[test]
fn a_row_without_weight_is_as_good_as_absent() {
    let data = rows(300, 5, 2);
    let weighted = with_weights(&data, (0..300).map(|row| if row % 3 == 0 { 0.0 } else { 1.0 }).collect());
    let kept: Vec<usize> = (0..300).filter(|row| row % 3 != 0).collect();
    check_close(&fit(&weighted).weights, &fit(&data.select(&kept).unwrap()).weights, 1e-5);
}

#[test]
fn a_weight_counts_like_copies_of_the_row() {
    let data = rows(200, 6, 2);
    let weighted = with_weights(&data, (0..200).map(|row| (1 + row % 3) as f32).collect());
    let copies: Vec<usize> = (0..200).flat_map(|row| vec![row; 1 + row % 3]).collect();
    check_close(&fit(&weighted).weights, &fit(&data.select(&copies).unwrap()).weights, 1e-4);
}

#[test]
fn columns_without_information_get_no_weight() {
    let data = rows(200, 7, 2);
    let values = data.features().rows().flat_map(|row| [row, &[5.1e9, f32::NAN, -1.0]].concat()).collect();
    let kinds = [NUMERIC, NUMERIC, LEVELS, NUMERIC, NUMERIC, LEVELS].to_vec();
    let wide = Data::new(Matrix::new(200, 6, values).unwrap(), kinds, data.classes().to_vec(), 2, None).unwrap();
    let fitted = fit_plain(&wide);
    assert_eq!((&fitted.weights[2..4], &fitted.weights[7..10]), (&[0.0; 2][..], &[0.0; 3][..]));
    let narrow = fit_plain(&data);
    check_close(fitted.probabilities(wide.features()).values(), narrow.probabilities(data.features()).values(), 1e-5);
    check_close(fit(&wide).probabilities(wide.features()).values(), fit(&data).probabilities(data.features()).values(), 1e-5);
}

#[test]
fn two_rows_are_enough() {
    let data = Data::new(Matrix::new(2, 1, vec![0.0, 1.0]).unwrap(), vec![NUMERIC], vec![0, 1], 2, None).unwrap();
    let probabilities = fit(&data).probabilities(data.features());
    assert!(probabilities.row(0)[1] < 0.5 && probabilities.row(1)[1] > 0.5);
}

/// Rows whose class is 1 for middle values and for missing ones.
fn bumps() -> Data {
    let values: Vec<f32> = (0..400).map(|row| if row % 8 == 0 { f32::NAN } else { row as f32 }).collect();
    let classes = values.iter().map(|value| u32::from(value.is_nan() || (100.0..300.0).contains(value))).collect();
    Data::new(Matrix::new(400, 1, values).unwrap(), vec![NUMERIC], classes, 2, None).unwrap()
}

#[test]
fn pieces_follow_what_no_straight_line_can() {
    let p = |fitted: &Fitted, value: f32| fitted.probabilities(&Matrix::new(1, 1, vec![value]).unwrap()).row(0)[1];
    let (pieces, plain) = (fit(&bumps()), fit_plain(&bumps()));
    assert!(p(&pieces, 200.0) > 0.7 && p(&pieces, f32::NAN) > 0.7);
    assert!(p(&pieces, 10.0) < 0.3 && p(&pieces, 390.0) < 0.3);
    assert!(p(&plain, 10.0) > 0.5 && p(&plain, 390.0) > 0.5);
}

#[test]
fn beyond_the_training_values_nothing_changes() {
    let fitted = fit(&bumps());
    let probabilities = fitted.probabilities(&Matrix::new(4, 1, vec![f32::MIN, 1.0, 399.0, f32::MAX]).unwrap());
    assert_eq!(probabilities.row(0), probabilities.row(1));
    assert_eq!(probabilities.row(2), probabilities.row(3));
}

#[test]
fn a_fit_that_is_cut_short_has_not_converged() {
    let data = rows(300, 9, 3);
    assert!(fit(&data).converged());
    let short = fit_with(&data, Params { max_evaluations: 5, ..Params::default() });
    assert!(!short.converged() && !crate::Fitted::LogisticRegression(short).converged());
}

#[test]
fn steps_count_up_to_the_last_evaluation() {
    let mut steps = vec![];
    let fitted = Params::default()
        .check()
        .unwrap()
        .fit(&rows(200, 8, 2), &mut |step| {
            steps.push(step.done);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(steps, (1..=fitted.n_steps()).collect::<Vec<_>>());
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let error = Params { l2: 0.0, ..Params::default() }.check().unwrap_err();
    assert_eq!(error.to_string(), "logistic-regression parameter `l2` is 0, but should be a number above 0");
    let error = Params { n_knots: 1001, ..Params::default() }.check().unwrap_err();
    assert_eq!(error.to_string(), "logistic-regression parameter `n_knots` is 1001, but should be 0 to 1000");
}

#[test]
fn a_fit_stops_when_it_is_asked_to() {
    let mut n_steps = 0;
    let result = Params::default().check().unwrap().fit(&rows(200, 8, 2), &mut |_| {
        n_steps += 1;
        if n_steps < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(matches!(result, Err(Error::Stopped)));
    assert!(n_steps <= 4, "{n_steps} steps");
}

/// Rows from a generator that is written down in a line of any language: Knuth's MMIX, its upper 24 bits as a share of 1.
fn golden_rows(n_classes: usize) -> Data {
    let mut state = n_classes as u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let values: Vec<f32> = (0..120 * 4).map(|_| unit()).collect();
    let class = |(row, x): (usize, &[f32])| {
        let lean = 3.0 * x[0] - 2.0 * x[1] + 0.3 * x[2] + 2.0;
        let class = (lean / 5.3 * n_classes as f32) as usize;
        (if row % 7 == 0 { class + 1 } else { class } % n_classes) as u32
    };
    let classes = values.chunks_exact(4).enumerate().map(class).collect();
    Data::new(Matrix::new(120, 4, values).unwrap(), vec![NUMERIC; 4], classes, n_classes, None).unwrap()
}

/// `weights` and `bias` are scikit-learn 1.9's: `LogisticRegression(C=1/(l1+l2), l1_ratio=l1/(l1+l2), solver="saga", tol=1e-10)` on
/// standardised columns.
#[track_caller]
fn check_golden(n_classes: usize, l1: f64, l2: f64, weights: &[f32], bias: &[f32]) {
    let fitted = fit_with(&golden_rows(n_classes), Params { n_knots: 0, l1, l2, tolerance: 1e-8, ..Params::default() });
    check_close(&fitted.weights, weights, 1e-3);
    check_close(&fitted.bias, bias, 1e-3);
    assert!(fitted.weights.iter().zip(weights).all(|(own, golden)| (*own == 0.0) == (*golden == 0.0)), "{:?}", fitted.weights);
}

#[test]
fn the_elastic_net_is_that_of_scikit_learn() {
    check_golden(2, 4.0, 2.0, &[0.9819, -0.4659, 0.0, 0.0], &[0.0912]);
    check_golden(2, 12.0, 0.5, &[0.6342, -0.1231, 0.0, 0.0], &[0.0755]);
    let weights = [-0.8134, 0.0, 0.2303, 0.4455, 0.0, -0.6333, 0.0, 0.0, 0.0, 0.1395, 0.0, -0.2421];
    check_golden(3, 4.0, 2.0, &weights, &[-0.43418, 0.70087, -0.26669]);
    let weights = [-0.4507, 0.0, 0.0, 0.1037, 0.0, -0.4199, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    check_golden(3, 12.0, 0.5, &weights, &[-0.317, 0.5493, -0.2324]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let data = rows(3000, 4, 3);
    let with_threads = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(|| fit(&data));
    assert_eq!(with_threads(1), with_threads(3));
}

#[test]
fn enough_l1_leaves_the_bias_alone() {
    let data = rows(300, 3, 2);
    let fitted = fit_with(&data, Params { l1: 1e4, l2: 0.0, ..Params::default() });
    assert!(fitted.weights.iter().all(|weight| *weight == 0.0));
    let share = data.classes().iter().filter(|class| **class == 1).count() as f32 / 300.0;
    assert!((fitted.probabilities(data.features()).row(0)[1] - share).abs() < 1e-4);
}

#[test]
fn the_heavier_bends_are_penalised_the_straighter_the_fit() {
    let data = rows(500, 9, 2);
    let plain = fit_plain(&data).probabilities(data.features());
    let apart = |bend: f64| {
        let fitted = fit_with(&data, Params { bend: Some(bend), ..Params::default() }).probabilities(data.features());
        let known = data.features().rows().map(|row| !row[0].is_nan());
        let pairs = plain.column(1).zip(fitted.column(1)).zip(known);
        pairs.filter(|(_, known)| *known).map(|((a, b), _)| (a - b).abs()).fold(0.0, f32::max)
    };
    let [little, more, most] = [1.0, 100.0, 1e6].map(apart);
    assert!(little > 2.0 * more && more > 2.0 * most && most < 0.02, "{little} {more} {most}");
}
