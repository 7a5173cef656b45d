//! One file in both engines: the predictor's own loops, which run every family, and tract.

use inference_predictor::Predictor;
use trainer_estimators::{Family, Matrix};

/// How far the probabilities of two engines may be apart, where sums round differently; trees have nothing to round differently.
///
/// tract sums in float32, which for weighted numbers of any size is worth less than the float64 that ours are summed in.
fn tolerance(family: Family) -> f32 {
    match family {
        Family::GradientBoosting | Family::RandomForest => 0.0,
        Family::MultilayerPerceptron | Family::SupportVector => 1e-6,
        Family::LogisticRegression => 5e-6,
    }
}

/// Compares the engines on some rows.
#[track_caller]
pub(crate) fn check(model: &[u8], rows: &Matrix, family: Family, case: &str) {
    check_within(model, rows, tolerance(family), case);
}

/// Compares the engines on some rows. Labels may differ where the probabilities that decide do.
#[track_caller]
pub(crate) fn check_within(model: &[u8], rows: &Matrix, tolerance: f32, case: &str) {
    let own = Predictor::load(model).unwrap();
    let other = Predictor::load_in_tract(model).unwrap();
    assert_eq!((own.engine(), other.engine()), ("lowered", "tract"), "{case}");
    let [own, other] = [own, other].map(|engine| {
        engine.scores(rows.values(), rows.n_rows()).unwrap_or_else(|error| panic!("{} of {case}: {error}", engine.engine()))
    });
    let n_classes = own.probabilities.len() / rows.n_rows();
    for row in 0..rows.n_rows() {
        let of = |all: &[f32]| all[row * n_classes..][..n_classes].to_vec();
        let (own_row, other_row) = (of(&own.probabilities), of(&other.probabilities));
        let apart = own_row.iter().zip(&other_row).map(|(own, other)| (own - other).abs()).fold(0.0, f32::max);
        assert!(apart <= tolerance, "{own_row:?}, in tract {other_row:?}, for {:?}; {case}", rows.row(row));
        assert!(apart > 0.0 || own.labels[row] == other.labels[row], "labels of {own_row:?}; {case}");
    }
}

/// Compares the engines, and what a model says of some rows with what its file says of them.
#[track_caller]
pub(crate) fn check_file(file: &[u8], rows: &Matrix, own: &Matrix, tolerance: f32, case: &str) {
    check_within(file, rows, tolerance, case);
    check_says(file, rows, own, tolerance, case);
}

/// Compares what a model says of some rows with what its file says of them.
#[track_caller]
pub(crate) fn check_says(file: &[u8], rows: &Matrix, own: &Matrix, tolerance: f32, case: &str) {
    let scores = Predictor::load(file).unwrap().scores(rows.values(), rows.n_rows()).unwrap();
    let apart = own.values().iter().zip(&scores.probabilities).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart <= tolerance, "{case}: {apart}");
    assert!(own.rows().all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
}
