//! Every metric with its 95% interval.
//!
//! Means of row losses: the normal approximation. Area under the ROC curve of two classes: DeLong, DeLong and Clarke-Pearson, "Comparing the
//! areas under two or more correlated receiver operating characteristic curves", Biometrics 44, 1988. The rest: the standard deviation over
//! seeded bootstrap samples (Efron, 1979), on at most [`BOOTSTRAP_ROWS`] rows and scaled to all.
//!
//! Weights say how much a row counts, not how often it was seen: means are ratios of weighted sums and have the standard error of such, DeLong's
//! placements are weighted likewise, a share has the interval of Kish's effective number of rows, and a bootstrap draws rows alike, each with
//! its weight. So all weights doubled leave an interval as it is.

use std::collections::BTreeMap;

use data_contract::Estimate;

use super::ranking::{Ranked, against_rest};
use super::{Metrics, Truth, brier, calibration_error, check, f1, over_classes, recall_at_top, row_losses};
use crate::random::Random;
use crate::{Error, Matrix};

/// Rows of a bootstrap sample at most.
const BOOTSTRAP_ROWS: usize = 4000;

const BOOTSTRAP_SAMPLES: usize = 100;

/// The 97.5% quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Every metric of probabilities `[N, C]` with its interval, by name; what is undefined on these rows is left out.
///
/// `recall_at_top_10` is the share of class 1 among the tenth of the rows that it is likeliest for, out of all of class 1;
/// `expected_calibration_error` is over ten groups of equal size; `f1` is of class 1 at the threshold, or the mean over several classes.
pub fn estimates<'a>(
    probabilities: &Matrix,
    truth: impl Into<Truth<'a>>,
    threshold: f32,
    seed: u64,
) -> Result<BTreeMap<String, Estimate>, Error> {
    let truth = truth.into();
    check(probabilities, truth)?;
    let counted = truth.counted(probabilities);
    let (probabilities, truth) = (&*counted.probabilities, counted.truth());
    let metrics = Metrics::measure(probabilities, truth, threshold)?;
    let n_rows = truth.effective_rows();
    let mut all = BTreeMap::from([
        ("log_loss", mean(&row_losses(probabilities, truth.classes), truth.weights)),
        ("brier", mean(&brier::of_rows(probabilities, truth.classes).collect::<Vec<_>>(), truth.weights)),
        ("accuracy", proportion(metrics.accuracy, n_rows)),
        ("majority_accuracy", proportion(metrics.majority_accuracy, n_rows)),
    ]);
    if let Some(positive) = metrics.positive_share {
        all.insert("positive_share", proportion(positive, n_rows));
        all.extend(roc_auc(probabilities, truth).map(|auc| ("roc_auc", auc)));
    }
    let bootstrap = Bootstrap::new(probabilities, truth, seed);
    let others: [(&str, Box<Measure>); 5] = [
        ("roc_auc", Box::new(|p, t| over_classes(p, t, super::roc_auc::roc_auc))),
        ("average_precision", Box::new(|p, t| over_classes(p, t, super::average_precision::average_precision))),
        ("f1", Box::new(move |p, t| f1::f1(p, t, threshold))),
        ("recall_at_top_10", Box::new(|p, t| over_classes(p, t, recall_at_top::recall_at_top_10))),
        ("expected_calibration_error", Box::new(|p, t| over_classes(p, t, calibration_error::expected_calibration_error))),
    ];
    for (name, measure) in others {
        if !all.contains_key(name) {
            all.extend(bootstrap.estimate(probabilities, truth, &*measure).map(|estimate| (name, estimate)));
        }
    }
    Ok(all.into_iter().map(|(name, estimate)| (name.to_owned(), estimate)).collect())
}

type Measure = dyn Fn(&Matrix, Truth) -> Option<f64>;

/// The mean of numbers, weighted where they have weights, with its interval.
pub fn mean(values: &[f64], weights: Option<&[f32]>) -> Estimate {
    let (mean, error) = mean_with_error(values, weights);
    around(mean, error.unwrap_or(0.0))
}

/// A weighted mean and its standard error, that of a ratio of two sums over rows (Cochran, "Sampling techniques", 1977); without weights the
/// usual one. There is none where fewer than two numbers count.
pub(super) fn mean_with_error(values: &[f64], weights: Option<&[f32]>) -> (f64, Option<f64>) {
    let weight = |at: usize| weights.map_or(1.0, |weights| f64::from(weights[at]));
    let total: f64 = (0..values.len()).map(weight).sum();
    let n = (0..values.len()).filter(|&at| weight(at) > 0.0).count() as f64;
    let mean = values.iter().enumerate().map(|(at, value)| weight(at) * value).sum::<f64>() / total;
    let squares: f64 = values.iter().enumerate().map(|(at, value)| (weight(at) * (value - mean)).powi(2)).sum();
    (mean, (n > 1.0).then(|| (squares * n / (n - 1.0)).sqrt() / total))
}

/// Wilson's interval of a share, which stays within 0 and 1: "Probable inference", 1927.
fn proportion(share: f64, n_rows: f64) -> Estimate {
    let (n, square) = (n_rows, Z * Z);
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = Z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    Estimate { value: share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

fn around(value: f64, error: f64) -> Estimate {
    Estimate { value, low: value - Z * error, high: value + Z * error }
}

/// The area under the ROC curve of class 1 of two, with DeLong's interval; none when there is only one class.
pub fn roc_auc<'a>(probabilities: &Matrix, truth: impl Into<Truth<'a>>) -> Option<Estimate> {
    let rows = against_rest(probabilities, truth.into(), 1);
    let counted = rows.into_iter().filter(|row| row.weight > 0.0);
    let (positives, negatives): (Vec<Ranked>, Vec<Ranked>) = counted.partition(|row| row.positive);
    if negatives.is_empty() || positives.is_empty() {
        return None;
    }
    let (of_positives, of_negatives) = placements(&positives, &negatives);
    let weights = |rows: &[Ranked]| rows.iter().map(|row| row.weight as f32).collect::<Vec<_>>();
    let (area, above) = mean_with_error(&of_positives, Some(&weights(&positives)));
    let (_, below) = mean_with_error(&of_negatives, Some(&weights(&negatives)));
    let error = |error: Option<f64>| error.unwrap_or(0.0).powi(2);
    let estimate = around(area, (error(above) + error(below)).sqrt());
    Some(Estimate { low: estimate.low.max(0.0), high: estimate.high.min(1.0), ..estimate })
}

/// For each row, the share of the other class that it stands on the right side of, equal ones counting half.
fn placements(positives: &[Ranked], negatives: &[Ranked]) -> (Vec<f64>, Vec<f64>) {
    let below = |rows: &[Ranked]| {
        let mut sorted = rows.to_vec();
        sorted.sort_by(|a, b| a.probability.total_cmp(&b.probability));
        let mut sums = vec![0.0];
        sorted.iter().for_each(|row| sums.push(sums[sums.len() - 1] + row.weight));
        move |probability: f32| {
            let less = sums[sorted.partition_point(|row| row.probability < probability)];
            let at_most = sums[sorted.partition_point(|row| row.probability <= probability)];
            (less + at_most) / 2.0 / sums[sums.len() - 1]
        }
    };
    let (below_negatives, below_positives) = (below(negatives), below(positives));
    let of_positives = positives.iter().map(|row| below_negatives(row.probability)).collect();
    (of_positives, negatives.iter().map(|row| 1.0 - below_positives(row.probability)).collect())
}

/// Rows drawn with replacement, each with its weight.
struct Sample {
    probabilities: Matrix,
    classes: Vec<u32>,
    weights: Option<Vec<f32>>,
}

/// Samples of the same rows.
struct Bootstrap {
    samples: Vec<Sample>,
    /// What makes the deviation over samples that of all rows.
    scale: f64,
}

impl Bootstrap {
    fn new(probabilities: &Matrix, truth: Truth, seed: u64) -> Self {
        let n_rows = truth.classes.len();
        let n_drawn = n_rows.min(BOOTSTRAP_ROWS);
        let sample = |number: usize| {
            let mut random = Random::of_part(seed, number);
            let rows: Vec<usize> = (0..n_drawn).map(|_| random.below(n_rows)).collect();
            Sample {
                probabilities: probabilities.select(&rows),
                classes: rows.iter().map(|&row| truth.classes[row]).collect(),
                weights: truth.weights.map(|weights| rows.iter().map(|&row| weights[row]).collect()),
            }
        };
        let scale = (n_drawn as f64 / n_rows as f64).sqrt();
        Self { samples: (0..BOOTSTRAP_SAMPLES).map(sample).collect(), scale }
    }

    fn estimate(&self, probabilities: &Matrix, truth: Truth, measure: &Measure) -> Option<Estimate> {
        let value = measure(probabilities, truth)?;
        let of_sample = |sample: &Sample| measure(&sample.probabilities, Truth::new(&sample.classes, sample.weights.as_deref()));
        let samples: Vec<f64> = self.samples.iter().filter_map(of_sample).collect();
        let n = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / n;
        let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
        let deviation = if n > 1.0 { (squares / (n - 1.0)).sqrt() * self.scale } else { 0.0 };
        let estimate = around(value, deviation);
        Some(Estimate { low: estimate.low.max(0.0), high: estimate.high.min(1.0), ..estimate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two overlapping classes; their true area is known by the formula for exponential scores.
    fn rows(n_rows: usize, seed: u64) -> (Matrix, Vec<u32>) {
        let mut random = Random::new(seed);
        let (mut values, mut classes) = (vec![], vec![]);
        for row in 0..n_rows {
            let positive = row % 3 == 0;
            let rate = if positive { 1.0 } else { 2.0 };
            let score = -(1.0 - random.unit()).ln() / rate;
            let p = (1.0 - (-score).exp()) as f32;
            values.extend([1.0 - p, p]);
            classes.push(u32::from(positive));
        }
        (Matrix::new(n_rows, 2, values).unwrap(), classes)
    }

    #[test]
    fn intervals_hold_the_true_area_about_as_often_as_they_say() {
        let holds = |seed: u64| {
            let (probabilities, classes) = rows(300, seed);
            roc_auc(&probabilities, &classes).unwrap().holds(2.0 / 3.0)
        };
        let share = (0..400).filter(|&seed| holds(seed)).count() as f64 / 400.0;
        assert!((0.91..=0.985).contains(&share), "{share} of the intervals hold it");
    }

    #[test]
    fn the_bootstrap_agrees_with_delong() {
        let (probabilities, classes) = rows(6000, 7);
        let exact = roc_auc(&probabilities, &classes).unwrap();
        let bootstrap = Bootstrap::new(&probabilities, (&classes).into(), 1);
        let estimate = bootstrap
            .estimate(&probabilities, (&classes).into(), &|p, t| over_classes(p, t, super::super::roc_auc::roc_auc))
            .unwrap();
        let ratio = (estimate.high - estimate.low) / (exact.high - exact.low);
        assert!((estimate.value - exact.value).abs() < 1e-9 && (0.7..1.3).contains(&ratio), "{estimate:?} {exact:?}");
    }

    #[test]
    fn every_metric_lies_in_its_interval() {
        let (probabilities, classes) = rows(500, 3);
        let all = estimates(&probabilities, &classes, 0.5, 1).unwrap();
        let metrics = Metrics::measure(&probabilities, &classes, 0.5).unwrap();
        assert_eq!(all.len(), 10);
        for (name, estimate) in &all {
            assert!(estimate.holds(estimate.value) && estimate.low <= estimate.high, "{name} {estimate:?}");
        }
        assert!((all["log_loss"].value - metrics.log_loss).abs() < 1e-12 && (all["brier"].value - metrics.brier).abs() < 1e-12);
        assert!((all["roc_auc"].value - metrics.roc_auc.unwrap()).abs() < 1e-12);
    }
}
