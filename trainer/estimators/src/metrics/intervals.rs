//! Every metric with its 95% interval.
//!
//! Means of row losses: the normal approximation. Area under the ROC curve of two classes: DeLong, DeLong and Clarke-Pearson, "Comparing the
//! areas under two or more correlated receiver operating characteristic curves", Biometrics 44, 1988, by the ranks of Sun and Xu, 2014. The
//! rest: the standard deviation over seeded bootstrap samples (Efron, 1979), on at most [`BOOTSTRAP_ROWS`] rows and scaled to all.

use std::collections::BTreeMap;

use data_contract::Estimate;

use super::{Metrics, calibration_error, check, class_counts, f1, over_classes, recall_at_top, row_losses};
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
pub fn estimates(
    probabilities: &Matrix,
    classes: &[u32],
    threshold: f32,
    seed: u64,
) -> Result<BTreeMap<String, Estimate>, Error> {
    check(probabilities, classes)?;
    let metrics = Metrics::measure(probabilities, classes, threshold)?;
    let n_classes = probabilities.n_features();
    let share = |count: usize| count as f64 / classes.len() as f64;
    let majority = class_counts(classes, n_classes).into_iter().max().unwrap_or(0);
    let mut all = BTreeMap::from([
        ("log_loss", mean(&row_losses(probabilities, classes))),
        ("brier", mean(&brier_of_rows(probabilities, classes))),
        ("accuracy", proportion(metrics.accuracy, classes.len())),
        ("majority_accuracy", proportion(share(majority), classes.len())),
    ]);
    if let Some(positive) = metrics.positive_share {
        all.insert("positive_share", proportion(positive, classes.len()));
        all.extend(roc_auc(probabilities, classes).map(|auc| ("roc_auc", auc)));
    }
    let bootstrap = Bootstrap::new(probabilities, classes, seed);
    let others: [(&str, Box<Measure>); 5] = [
        ("roc_auc", Box::new(|p, c| over_classes(p, c, super::roc_auc::roc_auc))),
        ("average_precision", Box::new(|p, c| over_classes(p, c, super::average_precision::average_precision))),
        ("f1", Box::new(move |p, c| f1::f1(p, c, threshold))),
        ("recall_at_top_10", Box::new(|p, c| over_classes(p, c, recall_at_top::recall_at_top_10))),
        ("expected_calibration_error", Box::new(|p, c| over_classes(p, c, calibration_error::expected_calibration_error))),
    ];
    for (name, measure) in others {
        if !all.contains_key(name) {
            all.extend(bootstrap.estimate(probabilities, classes, &*measure).map(|estimate| (name, estimate)));
        }
    }
    Ok(all.into_iter().map(|(name, estimate)| (name.to_owned(), estimate)).collect())
}

type Measure = dyn Fn(&Matrix, &[u32]) -> Option<f64>;

/// The mean of numbers, with its interval.
pub fn mean(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    around(mean, if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 })
}

/// Wilson's interval of a share, which stays within 0 and 1: "Probable inference", 1927.
fn proportion(share: f64, n_rows: usize) -> Estimate {
    let (n, square) = (n_rows as f64, Z * Z);
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = Z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    Estimate { value: share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

fn around(value: f64, error: f64) -> Estimate {
    Estimate { value, low: value - Z * error, high: value + Z * error }
}

/// The area under the ROC curve of class 1 of two, with DeLong's interval; none when there is only one class.
pub fn roc_auc(probabilities: &Matrix, classes: &[u32]) -> Option<Estimate> {
    let of = |class: u32| -> Vec<f32> {
        probabilities.column(1).zip(classes).filter(|(_, c)| **c == class).map(|(probability, _)| probability).collect()
    };
    let (negatives, positives) = (of(0), of(1));
    if negatives.is_empty() || positives.is_empty() {
        return None;
    }
    let (all, own) = (midranks(&[&positives[..], &negatives].concat()), (midranks(&positives), midranks(&negatives)));
    let (n_positive, n_negative) = (positives.len() as f64, negatives.len() as f64);
    let (of_positives, of_negatives) = all.split_at(positives.len());
    let above: Vec<f64> = of_positives.iter().zip(&own.0).map(|(all, own)| (all - own) / n_negative).collect();
    let below: Vec<f64> = of_negatives.iter().zip(&own.1).map(|(all, own)| 1.0 - (all - own) / n_positive).collect();
    let area = above.iter().sum::<f64>() / n_positive;
    let variance = |shares: &[f64]| {
        let squares: f64 = shares.iter().map(|share| (share - area).powi(2)).sum();
        if shares.len() > 1 { squares / (shares.len() - 1) as f64 / shares.len() as f64 } else { 0.0 }
    };
    let estimate = around(area, (variance(&above) + variance(&below)).sqrt());
    Some(Estimate { low: estimate.low.max(0.0), high: estimate.high.min(1.0), ..estimate })
}

/// The rank of each number from 1 on, equal numbers sharing their mean rank.
fn midranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for tie in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = start as f64 + (tie.len() + 1) as f64 / 2.0;
        tie.iter().for_each(|&at| ranks[at] = rank);
        start += tie.len();
    }
    ranks
}

fn brier_of_rows(probabilities: &Matrix, classes: &[u32]) -> Vec<f64> {
    let of_row = |(row, &class): (&[f32], &u32)| {
        let square = |at: usize| (f64::from(row[at]) - f64::from(u8::from(at == class as usize))).powi(2);
        if row.len() == 2 { square(1) } else { (0..row.len()).map(square).sum() }
    };
    probabilities.rows().zip(classes).map(of_row).collect()
}

/// Rows drawn with replacement.
struct Bootstrap {
    samples: Vec<(Matrix, Vec<u32>)>,
    /// What makes the deviation over samples that of all rows.
    scale: f64,
}

impl Bootstrap {
    fn new(probabilities: &Matrix, classes: &[u32], seed: u64) -> Self {
        let n_drawn = classes.len().min(BOOTSTRAP_ROWS);
        let sample = |number: usize| {
            let mut random = Random::of_part(seed, number);
            let rows: Vec<usize> = (0..n_drawn).map(|_| random.below(classes.len())).collect();
            (probabilities.select(&rows), rows.iter().map(|&row| classes[row]).collect())
        };
        let scale = (n_drawn as f64 / classes.len() as f64).sqrt();
        Self { samples: (0..BOOTSTRAP_SAMPLES).map(sample).collect(), scale }
    }

    fn estimate(&self, probabilities: &Matrix, classes: &[u32], measure: &Measure) -> Option<Estimate> {
        let value = measure(probabilities, classes)?;
        let samples: Vec<f64> = self.samples.iter().filter_map(|(p, c)| measure(p, c)).collect();
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
        let bootstrap = Bootstrap::new(&probabilities, &classes, 1);
        let estimate =
            bootstrap.estimate(&probabilities, &classes, &|p, c| over_classes(p, c, super::super::roc_auc::roc_auc)).unwrap();
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

    #[test]
    fn equal_numbers_share_their_rank() {
        assert_eq!(midranks(&[0.5, 0.1, 0.5, 0.9]), [2.5, 1.0, 2.5, 4.0]);
    }
}
