//! The blend of all families, with every way to calibrate a member.

use trainer_estimators::blend::{self, Blend};
use trainer_estimators::calibration::{Calibrated, Method, choose};
use trainer_estimators::{Data, Family, FeatureKind, Matrix, Params, to_the_end};
use trainer_onnx::Head;

use crate::engines;
use crate::parity::metadata_of;
use crate::problem::{Random, Shape};

/// As of one calibrated model: weights that add up to 1 make nothing larger.
const TOLERANCE: f32 = 1e-5;

/// All families of some rows, each calibrated in another way.
fn members(train: &Data) -> Vec<Calibrated> {
    let methods = Method::ALL.into_iter().cycle();
    let fit = |(family, method): (Family, Method)| {
        let fitted = Params::default_for(family).check().unwrap().fit(train, None, 1, &mut to_the_end).unwrap();
        let raw = fitted.probabilities(train.features());
        Calibrated::new(fitted, choose(&[method], &raw, train.classes(), 1).unwrap().calibration)
    };
    Family::ALL.into_iter().zip(methods).map(fit).collect()
}

#[track_caller]
fn check(kinds: &[FeatureKind], n_classes: usize) {
    let shape = Shape { kinds: kinds.to_vec(), n_rows: 1200, n_classes, weighted: false, unit: 1.0 };
    let mut random = Random(13);
    let train = shape.training(&mut random);
    let models = members(&train);
    let says: Vec<Matrix> = models.iter().map(|model| model.probabilities(train.features())).collect();
    let choice = blend::choose(&says.iter().collect::<Vec<_>>(), train.classes(), 1).unwrap();
    assert!(choice.weights.iter().all(|weight| *weight == 0.0 || *weight >= 0.05), "{:?}", choice.weights);
    // All of them, also those that rows seen in training would leave out.
    let weights = [0.1_f32, 0.15, 0.2, 0.25, 0.3];
    let model = Blend::new(weights.into_iter().zip(models).collect());
    let threshold = (n_classes == 2).then_some(0.3);
    let head = Head { threshold, metadata: metadata_of(&shape, Family::RandomForest), name: "blended".into(), ..Head::default() };
    let exported = model.to_onnx();
    exported.check().unwrap();
    let file = exported.to_model(&head);
    let has_dates = kinds.iter().any(|kind| matches!(kind, FeatureKind::Date { .. }));
    // Our own loops leave dates to tract.
    let check = if has_dates { engines::check_says } else { engines::check_file };
    for rows in [train.features(), &shape.odd_rows(300, 1e20, &mut random)] {
        check(&file, rows, &model.probabilities(rows), TOLERANCE, &format!("a blend, {n_classes} classes"));
    }
}

#[test]
fn the_graph_blends_as_training_does() {
    let kinds = [FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 6 }, FeatureKind::Numeric];
    check(&kinds, 2);
    check(&kinds, 4);
}

#[test]
fn members_share_the_parts_of_dates() {
    check(&[FeatureKind::Numeric, FeatureKind::Date { has_time: true }], 2);
}
