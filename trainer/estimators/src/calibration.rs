//! Bringing probabilities in line with what came true, and which way of doing it is best.
//!
//! Two ways: the sigmoid of Platt ("Probabilistic outputs for support vector machines", 1999) on log-odds, for several classes with one
//! slope and a bias per class (Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017), and isotonic
//! regression, for several classes one against the rest (Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass
//! probability estimates", KDD 2002). Both learn from rows that the classifier did not see, each as much as its weight says; all weights
//! doubled change nothing.

mod isotonic;
mod sigmoid;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::ranking::against_rest;
use crate::metrics::{Truth, check, log_loss, paired_log_loss_difference};
use crate::random::Random;
use crate::{Error, Fitted, Matrix};
use isotonic::Curve;
use sigmoid::Sigmoid;

/// Rows are held out in so many parts to tell the ways apart.
pub(crate) const N_FOLDS: usize = 5;

/// A curve needs more rows than a sigmoid to be better than none.
const MIN_ISOTONIC_ROWS: usize = 1000;

/// With fewer rows than this nothing is learned from them.
const MIN_ROWS: usize = 50;

/// A way to calibrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Leaves probabilities as they are.
    None,
    /// A sigmoid of the log-odds.
    Sigmoid,
    /// A monotone curve.
    Isotonic,
}

impl Method {
    /// Every way, the simplest first.
    pub const ALL: [Self; 3] = [Self::None, Self::Sigmoid, Self::Isotonic];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sigmoid => "sigmoid",
            Self::Isotonic => "isotonic",
        }
    }
}

/// What is done to a classifier's probabilities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calibration {
    /// Nothing.
    #[default]
    None,
    /// A sigmoid of the log-odds.
    Sigmoid(Sigmoid),
    /// A curve per class; two classes have one, of class 1.
    Isotonic(Vec<Curve>),
}

/// A calibration, and how the ways compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The way taken.
    pub method: Method,
    /// Learned from all rows.
    pub calibration: Calibration,
    /// The rows' probabilities, each calibrated by a fit without it.
    pub probabilities: Matrix,
    /// Cross-validated log loss of each way tried, by name.
    pub log_losses: BTreeMap<String, f64>,
}

/// Tries ways on rows that the classifier did not see and takes the one of the lowest cross-validated log loss; a way that is less simple has
/// to be better by more than one standard error of the difference.
///
/// # Errors
/// Probabilities and classes that do not fit each other.
pub fn choose<'a>(methods: &[Method], probabilities: &Matrix, truth: impl Into<Truth<'a>>, seed: u64) -> Result<Choice, Error> {
    let truth = truth.into();
    check(probabilities, truth)?;
    let n_rows = truth.counted_rows().len();
    let enough = |method: &Method| match method {
        Method::None => true,
        Method::Sigmoid => n_rows >= MIN_ROWS,
        Method::Isotonic => methods.len() == 1 || n_rows >= MIN_ISOTONIC_ROWS,
    };
    let folds = folds(truth, seed);
    let mut best: Option<(Method, Matrix)> = None;
    let mut log_losses = BTreeMap::new();
    for method in methods.iter().copied().filter(enough) {
        let held_out = cross_fit(method, probabilities, truth, &folds)?;
        log_losses.insert(method.name().to_owned(), log_loss::log_loss(&held_out, truth));
        let is_better = |best: &Matrix| -> Result<bool, Error> {
            let difference = paired_log_loss_difference(&held_out, best, truth)?;
            Ok(difference.mean + difference.standard_error.unwrap_or(0.0) < 0.0)
        };
        if best.as_ref().map_or(Ok(true), |best| is_better(&best.1))? {
            best = Some((method, held_out));
        }
    }
    let (method, held_out) = best.unwrap_or_else(|| (Method::None, probabilities.clone()));
    let calibration = Calibration::fit(method, probabilities, truth);
    Ok(Choice { method, calibration, probabilities: held_out, log_losses })
}

impl Calibration {
    /// Learns from probabilities of rows that the classifier did not see.
    fn fit(method: Method, probabilities: &Matrix, truth: Truth) -> Self {
        let counted = truth.counted(probabilities);
        let (probabilities, classes) = (&*counted.probabilities, counted.truth().classes);
        let weights = with_mean_1(counted.truth());
        let truth = Truth::new(classes, weights.as_deref());
        let curve = |class: usize| Curve::fit(against_rest(probabilities, truth, class));
        match method {
            Method::None => Self::None,
            Method::Sigmoid => Self::Sigmoid(Sigmoid::fit(probabilities, truth)),
            Method::Isotonic if probabilities.n_features() == 2 => Self::Isotonic(vec![curve(1)]),
            Method::Isotonic => Self::Isotonic((0..probabilities.n_features()).map(curve).collect()),
        }
    }

    /// Calibrated probabilities, by the same float32 steps as in the exported graph.
    pub fn apply(&self, probabilities: Matrix) -> Matrix {
        let (n_rows, n_classes) = (probabilities.n_rows(), probabilities.n_features());
        let mut values = Vec::with_capacity(n_rows * n_classes);
        match self {
            Self::None => return probabilities,
            Self::Sigmoid(sigmoid) => probabilities.rows().for_each(|row| sigmoid.push(row, &mut values)),
            Self::Isotonic(curves) => probabilities.rows().for_each(|row| push_curves(curves, row, &mut values)),
        }
        Matrix::new(n_rows, n_classes, values).expect("one finite probability per row and class")
    }

    /// The same as plain numbers, for the exporter.
    pub fn to_onnx(&self) -> Option<trainer_onnx::Calibration> {
        match self {
            Self::None => None,
            Self::Sigmoid(sigmoid) => Some(sigmoid.to_onnx()),
            Self::Isotonic(curves) => Some(trainer_onnx::Calibration::Curves(curves.iter().map(Curve::to_onnx).collect())),
        }
    }
}

fn push_curves(curves: &[Curve], row: &[f32], values: &mut Vec<f32>) {
    if let [curve] = curves {
        let second = curve.value(row[1]);
        return values.extend([1.0 - second, second]);
    }
    let start = values.len();
    values.extend(curves.iter().zip(row).map(|(curve, p)| curve.value(*p)));
    let sum: f32 = values[start..].iter().sum();
    values[start..].iter_mut().for_each(|value| *value /= sum);
}

/// The weights, scaled so that their mean is 1: penalties are worth a row.
fn with_mean_1(truth: Truth) -> Option<Vec<f32>> {
    let mean = truth.total() / truth.classes.len() as f64;
    truth.weights.map(|weights| weights.iter().map(|weight| (f64::from(*weight) / mean) as f32).collect())
}

/// The part of each row; rows of weight 0 leave those of the others as they are.
pub(crate) fn folds(truth: Truth, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed ^ 0xCA11);
    truth.weights().map(|weight| if weight > 0.0 { random.below(N_FOLDS) } else { 0 }).collect()
}

/// Each row's probabilities calibrated by the rows of the other parts.
fn cross_fit(method: Method, probabilities: &Matrix, truth: Truth, folds: &[usize]) -> Result<Matrix, Error> {
    if method == Method::None {
        return Ok(probabilities.clone());
    }
    let n_classes = probabilities.n_features();
    let n_rows = truth.classes.len();
    let mut values = vec![0.0; n_rows * n_classes];
    for fold in 0..N_FOLDS {
        let (held_out, rest): (Vec<usize>, Vec<usize>) = (0..n_rows).partition(|&row| folds[row] == fold);
        let known: Vec<u32> = rest.iter().map(|&row| truth.classes[row]).collect();
        let weights: Option<Vec<f32>> = truth.weights.map(|weights| rest.iter().map(|&row| weights[row]).collect());
        let known = Truth::new(&known, weights.as_deref());
        let calibration = Calibration::fit(method, &probabilities.select(&rest), known);
        let calibrated = calibration.apply(probabilities.select(&held_out));
        for (row, calibrated) in held_out.iter().zip(calibrated.rows()) {
            values[row * n_classes..][..n_classes].copy_from_slice(calibrated);
        }
    }
    Matrix::new(n_rows, n_classes, values)
}

/// A classifier whose probabilities are calibrated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// The classifier.
    pub fitted: Fitted,
    /// What is done to its probabilities.
    pub calibration: Calibration,
}

impl Calibrated {
    /// Calibrates a classifier. A sigmoid becomes part of one that has log-odds: probabilities near 1, of which float32 has few, would not
    /// tell them well enough to start from.
    pub fn new(fitted: Fitted, calibration: Calibration) -> Self {
        let scaled = match &calibration {
            Calibration::Sigmoid(sigmoid) => fitted.scaled(&sigmoid.scaling()),
            Calibration::None | Calibration::Isotonic(_) => None,
        };
        match scaled {
            Some(fitted) => Self { fitted, calibration: Calibration::None },
            None => Self { fitted, calibration },
        }
    }

    /// Probabilities `[N, C]`.
    ///
    /// # Panics
    /// When the rows have another width than the training rows.
    pub fn probabilities(&self, features: &Matrix) -> Matrix {
        self.calibration.apply(self.fitted.probabilities(features))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of two classes whose true log-odds are `slope · x + shift`, with probabilities that say `x`.
    fn two_classes(n_rows: usize, truth: impl Fn(f64) -> f64) -> (Matrix, Vec<u32>) {
        let mut random = Random::new(5);
        let mut values = vec![];
        let mut classes = vec![];
        for _ in 0..n_rows {
            let odds = 6.0 * random.unit() - 3.0;
            let p = (1.0 / (1.0 + (-odds).exp())) as f32;
            values.extend([1.0 - p, p]);
            classes.push(u32::from(random.unit() < truth(odds)));
        }
        (Matrix::new(n_rows, 2, values).unwrap(), classes)
    }

    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[track_caller]
    fn check_method(truth: impl Fn(f64) -> f64, expect: Method) -> Choice {
        let (probabilities, classes) = two_classes(20_000, truth);
        let choice = choose(&Method::ALL, &probabilities, &classes, 1).unwrap();
        assert_eq!(choice.method, expect, "{:?}", choice.log_losses);
        choice
    }

    #[test]
    fn the_way_that_fits_the_distortion_is_taken() {
        let choice = check_method(|x| sigmoid(0.5 * x - 1.0), Method::Sigmoid);
        assert!(choice.log_losses["sigmoid"] < choice.log_losses["none"] - 0.05);
        check_method(|x| if x < 0.0 { 0.1 } else { 0.6 }, Method::Isotonic);
    }

    #[test]
    fn what_is_calibrated_already_stays_nearly_as_it_is() {
        let (probabilities, classes) = two_classes(20_000, sigmoid);
        for method in Method::ALL {
            let calibrated = Calibration::fit(method, &probabilities, (&classes).into()).apply(probabilities.clone());
            let apart = calibrated.values().iter().zip(probabilities.values()).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f32::max) < 0.05, "{method:?}");
        }
    }

    #[test]
    fn few_rows_are_left_alone() {
        let (probabilities, classes) = two_classes(30, sigmoid);
        let choice = choose(&Method::ALL, &probabilities, &classes, 1).unwrap();
        assert_eq!((choice.method, choice.probabilities), (Method::None, probabilities));
    }

    #[test]
    fn several_classes_sum_to_one_and_gain_by_every_way() {
        let mut random = Random::new(9);
        let (mut values, mut classes) = (vec![], vec![]);
        for _ in 0..5000 {
            let class = random.below(3);
            let mut row = [0.05_f32; 3];
            row[if random.unit() < 0.6 { class } else { random.below(3) }] = 0.9;
            values.extend(row);
            classes.push(class as u32);
        }
        let probabilities = Matrix::new(5000, 3, values).unwrap();
        let choice = choose(&Method::ALL, &probabilities, &classes, 1).unwrap();
        assert!(choice.probabilities.rows().all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
        assert!(choice.log_losses["sigmoid"] < choice.log_losses["none"] - 0.1, "{:?}", choice.log_losses);
        assert!(choice.log_losses["isotonic"] < choice.log_losses["none"] - 0.1, "{:?}", choice.log_losses);
    }
}
