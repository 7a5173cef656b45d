//! Metrics, calibration and thresholds of weighted rows: as scikit-learn weighs them, and as rows that are repeated.

use data_contract::{Goal, Profit};
use serde_json::Value as Json;
use trainer_estimators::Matrix;
use trainer_estimators::calibration::{Method, choose};
use trainer_estimators::metrics::{Metrics, Selection, Truth, curves, estimates, paired_log_loss_difference};
use trainer_estimators::threshold::{self, profit_curve};

/// Rows with weights, and what is said about them.
struct Rows {
    probabilities: Matrix,
    classes: Vec<u32>,
    weights: Vec<f32>,
}

impl Rows {
    fn truth(&self) -> Truth<'_> {
        Truth::new(&self.classes, Some(&self.weights))
    }

    /// Each row as often as its number says, alike.
    fn repeated(&self) -> Self {
        let rows: Vec<usize> = (0..self.classes.len()).flat_map(|row| vec![row; self.weights[row] as usize]).collect();
        self.select(&rows, |_| 1.0)
    }

    fn without_weightless(&self) -> Self {
        let rows: Vec<usize> = (0..self.classes.len()).filter(|&row| self.weights[row] > 0.0).collect();
        self.select(&rows, |row| self.weights[row])
    }

    fn select(&self, rows: &[usize], weight: impl Fn(usize) -> f32) -> Self {
        Self {
            probabilities: self.probabilities.select(rows),
            classes: rows.iter().map(|&row| self.classes[row]).collect(),
            weights: rows.iter().map(|&row| weight(row)).collect(),
        }
    }
}

/// Two or three classes; weights of 0, 1, 2 and 3.
fn rows(n_rows: usize, n_classes: usize) -> Rows {
    let mut state = 7_u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    let (mut values, mut classes, mut weights) = (vec![], vec![], vec![]);
    for _ in 0..n_rows {
        let class = (unit() * n_classes as f32) as usize;
        let raw: Vec<f32> = (0..n_classes).map(|of| 0.05 + unit() + if of == class { 0.5 } else { 0.0 }).collect();
        let sum: f32 = raw.iter().sum();
        values.extend(raw.iter().map(|value| value / sum));
        classes.push(class as u32);
        weights.push((unit() * 4.0).floor());
    }
    Rows { probabilities: Matrix::new(n_rows, n_classes, values).unwrap(), classes, weights }
}

#[track_caller]
fn close(name: &str, value: f64, expect: f64) {
    assert!((value - expect).abs() < 1e-6, "{name} is {value}, not {expect}");
}

#[test]
fn weighted_rows_are_measured_as_by_scikit_learn() {
    let table: Json = serde_json::from_str(include_str!("../fixtures/weighted_metrics.json")).unwrap();
    let threshold = table["threshold"].as_f64().unwrap() as f32;
    let floats = |json: &Json| json.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect::<Vec<_>>();
    for case in table["cases"].as_array().unwrap() {
        let classes: Vec<u32> = serde_json::from_value(case["classes"].clone()).unwrap();
        let (values, weights) = (floats(&case["probabilities"]), floats(&case["weights"]));
        let probabilities = Matrix::new(classes.len(), values.len() / classes.len(), values).unwrap();
        let truth = Truth::new(&classes, Some(&weights));
        let all = estimates(&probabilities, truth, threshold, 1).unwrap();
        for (name, expect) in case["expect"].as_object().unwrap() {
            let expect = expect.as_f64().unwrap();
            close(name, all[name].value, expect);
            let metric = Selection::named(name).unwrap();
            close(name, metric.loss(&probabilities, truth, threshold).unwrap(), metric.as_loss(expect));
        }
    }
}

#[test]
fn a_row_of_weight_3_counts_as_three_rows() {
    for n_classes in [2, 3] {
        let rows = rows(400, n_classes);
        let repeated = rows.repeated();
        let of = |rows: &Rows| estimates(&rows.probabilities, rows.truth(), 0.4, 1).unwrap();
        let (weighted, expect) = (of(&rows), of(&repeated));
        assert_eq!(weighted.len(), expect.len());
        // Groups of equal weight end at other rows when rows may be parted.
        for name in weighted.keys().filter(|name| *name != "expected_calibration_error") {
            close(name, weighted[name].value, expect[name].value);
        }
        let curves = |rows: &Rows| curves(&rows.probabilities, rows.truth()).unwrap()[0].roc.clone();
        assert_eq!(curves(&rows), curves(&repeated));
    }
}

#[test]
fn a_threshold_is_chosen_for_weighted_rows() {
    let rows = rows(400, 2);
    let repeated = rows.repeated();
    let profit = Profit { cost: 1.0, worth: 2.0 };
    for goal in [Goal::Fixed(0.4), Goal::MaxF1, Goal::Recall(0.8), Goal::Precision(0.7), Goal::Profit] {
        let choose = |rows: &Rows| threshold::choose(goal, Some(profit), &rows.probabilities, rows.truth()).unwrap();
        assert_eq!(choose(&rows), choose(&repeated), "{goal}");
    }
    let alike = threshold::choose(Goal::MaxF1, None, &rows.probabilities, &rows.classes).unwrap();
    let weighted = threshold::choose(Goal::MaxF1, None, &rows.probabilities, rows.truth()).unwrap();
    assert_ne!(alike.f1, weighted.f1);
    let curve = |rows: &Rows| profit_curve(profit, &rows.probabilities, rows.truth());
    assert_eq!(curve(&rows), curve(&repeated));
}

#[test]
fn rows_of_weight_0_count_for_nothing() {
    let rows = rows(1500, 2);
    let rest = rows.without_weightless();
    let of = |rows: &Rows| estimates(&rows.probabilities, rows.truth(), 0.4, 1).unwrap();
    assert_eq!(of(&rows), of(&rest), "intervals among them");
    let measure = |rows: &Rows| Metrics::measure(&rows.probabilities, rows.truth(), 0.4).unwrap();
    assert_eq!(measure(&rows), measure(&rest));
    for method in [Method::Sigmoid, Method::Isotonic] {
        let choice = |rows: &Rows| choose(&[Method::None, method], &rows.probabilities, rows.truth(), 1).unwrap();
        let (all, expect) = (choice(&rows), choice(&rest));
        assert_eq!((all.method, &all.calibration, &all.log_losses), (expect.method, &expect.calibration, &expect.log_losses));
    }
    let none = Truth::new(&rows.classes, Some(&[0.0; 1500]));
    assert_eq!(Metrics::measure(&rows.probabilities, none, 0.5).unwrap_err().to_string(), "there are no rows");
}

#[test]
fn all_weights_doubled_leave_metrics_intervals_and_calibration_as_they_are() {
    let rows = rows(1500, 3);
    let doubled = rows.select(&(0..1500).collect::<Vec<_>>(), |row| rows.weights[row] * 2.0);
    let (all, expect) = (&doubled, &rows);
    let of = |rows: &Rows| estimates(&rows.probabilities, rows.truth(), 0.4, 1).unwrap();
    for (name, estimate) in of(all) {
        let before = of(expect)[&name];
        close(&name, estimate.value, before.value);
        close(&name, estimate.low, before.low);
        close(&name, estimate.high, before.high);
    }
    let choice = |rows: &Rows| choose(&Method::ALL, &rows.probabilities, rows.truth(), 1).unwrap().calibration;
    assert_eq!(choice(all), choice(expect));
}

/// The share of samples of which an interval holds the mean of all rows.
#[test]
fn intervals_of_weighted_means_hold_about_as_often_as_they_say() {
    let all = rows(200_000, 2);
    let whole = paired_log_loss_difference(&all.probabilities, &half(200_000), all.truth()).unwrap().mean;
    let holds = |sample: usize| {
        let rows = all.select(&(sample * 250..(sample + 1) * 250).collect::<Vec<_>>(), |row| all.weights[row]);
        let found = paired_log_loss_difference(&rows.probabilities, &half(250), rows.truth()).unwrap();
        (found.mean - whole).abs() < 1.96 * found.standard_error.unwrap()
    };
    let share = (0..800).filter(|&sample| holds(sample)).count() as f64 / 800.0;
    assert!((0.925..=0.975).contains(&share), "{share} of the intervals hold it");
}

fn half(n_rows: usize) -> Matrix {
    Matrix::new(n_rows, 2, vec![0.5; 2 * n_rows]).unwrap()
}
