//! A calibrated classifier, over every way to calibrate.

use trainer_estimators::calibration::{Calibrated, Calibration, Method, choose};
use trainer_estimators::{Family, FeatureKind, Params, to_the_end};
use trainer_onnx::Head;

use crate::engines;
use crate::parity::metadata_of;
use crate::problem::{Random, Shape};

/// A slope of at most ten stands between the graph's rounding and this, where a calibration is not part of the classifier.
const TOLERANCE: f32 = 1e-5;

#[track_caller]
fn check(family: Family, method: Method, n_classes: usize) {
    let kinds = vec![FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 6 }, FeatureKind::Numeric];
    let shape = Shape { kinds, n_rows: 1500, n_classes, weighted: false, unit: 1.0 };
    let mut random = Random(11);
    let train = shape.training(&mut random);
    let fitted = Params::default_for(family).check().unwrap().fit(&train, None, 1, &mut to_the_end).unwrap();
    let raw = fitted.probabilities(train.features());
    let choice = choose(&[method], &raw, train.classes(), 1).unwrap();
    assert_eq!(choice.method, method);
    let model = Calibrated::new(fitted, choice.calibration);
    let threshold = (n_classes == 2).then_some(0.3);
    let calibration = model.calibration.to_onnx();
    calibration.iter().for_each(|calibration| calibration.check(n_classes).unwrap());
    let head =
        Head { threshold, calibration, metadata: metadata_of(&shape, family), name: "calibrated".into(), ..Head::default() };
    let file = model.fitted.to_onnx().to_model(&head);
    for rows in [train.features(), &shape.odd_rows(300, 1e20, &mut random)] {
        let case = format!("{family} {method:?}, {n_classes} classes");
        engines::check_file(&file, rows, &model.probabilities(rows), TOLERANCE, &case);
    }
}

/// A sigmoid inside the classifier does what it does behind it.
#[test]
fn a_sigmoid_becomes_part_of_a_classifier_with_log_odds() {
    let kinds = vec![FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 6 }];
    for n_classes in [2, 3] {
        let shape = Shape { kinds: kinds.clone(), n_rows: 600, n_classes, weighted: false, unit: 1.0 };
        let train = shape.training(&mut Random(12));
        for family in Family::ALL {
            let fitted = Params::default_for(family).check().unwrap().fit(&train, None, 1, &mut to_the_end).unwrap();
            let raw = fitted.probabilities(train.features());
            let calibration = choose(&[Method::Sigmoid], &raw, train.classes(), 1).unwrap().calibration;
            let behind = calibration.apply(raw);
            let model = Calibrated::new(fitted, calibration);
            let has_log_odds = family != Family::RandomForest && (family != Family::SupportVector || n_classes == 2);
            assert_eq!(model.calibration == Calibration::None, has_log_odds, "{family}");
            let within = model.probabilities(train.features());
            let apart = behind.values().iter().zip(within.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-4, "{family}, {n_classes} classes: {apart}");
        }
    }
}

#[test]
fn the_graph_calibrates_as_training_does() {
    for family in Family::ALL {
        for method in Method::ALL {
            check(family, method, 2);
            check(family, method, 4);
        }
    }
}
