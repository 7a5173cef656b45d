//! How well probabilities fit the outcomes that became known later.
//!
//! The state is how often each probability was followed by the positive class and how often not. It adds up like [`crate::Counts`],
//! so the figures of a year follow from those of its months.
//! Formulas as in scikit-learn 1.7: `roc_auc_score` (ties count half), `average_precision_score` (no interpolation),
//! `log_loss` (probabilities clipped to the machine epsilon), `brier_score_loss`, `accuracy_score`, `f1_score`.

use serde::{Deserialize, Serialize};

use crate::NumericCounts;

/// Outcomes by probability. The default is the neutral element of [`Outcomes::merge`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(f64, u64, u64)>", into = "Vec<(f64, u64, u64)>")]
pub struct Outcomes {
    /// Probability, strictly ascending; rows of the negative class; rows of the positive class.
    rows: Vec<(f64, u64, u64)>,
}

impl Outcomes {
    /// Outcomes from (probability, whether the positive class came true, number of rows), in any order.
    /// Rows whose probability is no number from 0 to 1 are left out.
    #[must_use]
    pub fn from_counts(counts: impl IntoIterator<Item = (f64, bool, u64)>) -> Self {
        let split = |(probability, positive, n)| if positive { (probability, 0, n) } else { (probability, n, 0) };
        Self::gather(counts.into_iter().map(split).collect())
    }

    /// Outcomes of single rows.
    #[must_use]
    pub fn from_rows(rows: impl IntoIterator<Item = (f64, bool)>) -> Self {
        Self::from_counts(rows.into_iter().map(|(probability, positive)| (probability, positive, 1)))
    }

    /// Adds the outcomes of another part.
    pub fn merge(&mut self, other: &Self) {
        let rows = self.rows.iter().chain(&other.rows).copied().collect();
        *self = Self::gather(rows);
    }

    /// Number of rows.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.rows.iter().map(|row| row.1 + row.2).sum()
    }

    /// Number of rows of the positive class.
    #[must_use]
    pub fn n_positive(&self) -> u64 {
        self.rows.iter().map(|row| row.2).sum()
    }

    /// The chance that a positive row has a higher probability than a negative one; none unless both classes occur.
    #[must_use]
    pub fn roc_auc(&self) -> Option<f64> {
        let n_positive = self.n_positive();
        let pairs = n_positive as f64 * (self.n() - n_positive) as f64;
        let mut below = 0;
        let mut won = 0.0;
        for &(_, negatives, positives) in &self.rows {
            won += positives as f64 * (below as f64 + negatives as f64 / 2.0);
            below += negatives;
        }
        (pairs > 0.0).then(|| won / pairs)
    }

    /// The precision at each probability, weighted by the recall gained there; none without a positive row.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        let total = self.n_positive();
        let (mut seen, mut hits, mut sum) = (0, 0, 0.0);
        for &(_, negatives, positives) in self.rows.iter().rev() {
            seen += negatives + positives;
            hits += positives;
            sum += positives as f64 * hits as f64 / seen as f64;
        }
        (total > 0).then(|| sum / total as f64)
    }

    /// Mean negative logarithm of the probability given to what came true; none without rows.
    #[must_use]
    pub fn log_loss(&self) -> Option<f64> {
        self.mean(|probability, positive| {
            let probability = probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
            if positive { -probability.ln() } else { -(1.0 - probability).ln() }
        })
    }

    /// Mean squared distance of the probability from what came true; none without rows.
    #[must_use]
    pub fn brier(&self) -> Option<f64> {
        self.mean(|probability, positive| (probability - f64::from(u8::from(positive))).powi(2))
    }

    /// Share of rows that are right when the positive class is predicted above `threshold`; none without rows.
    #[must_use]
    pub fn accuracy(&self, threshold: f64) -> Option<f64> {
        self.mean(|probability, positive| f64::from(u8::from((probability > threshold) == positive)))
    }

    /// Harmonic mean of precision and recall when the positive class is predicted above `threshold`; none where no row is positive or
    /// predicted so.
    #[must_use]
    pub fn f1(&self, threshold: f64) -> Option<f64> {
        let above = self.rows.iter().filter(|row| row.0 > threshold);
        let (n_predicted, hits) = above.fold((0, 0), |(n, hits), row| (n + row.1 + row.2, hits + row.2));
        let whole = n_predicted + self.n_positive();
        (whole > 0).then(|| 2.0 * hits as f64 / whole as f64)
    }

    /// The probabilities of the rows, without what became of them.
    #[must_use]
    pub fn probabilities(&self) -> NumericCounts {
        NumericCounts::from_pairs(self.rows.iter().map(|&(p, negatives, positives)| (p, negatives + positives)))
    }

    /// Rows of the negative and of the positive class at each probability, ascending.
    pub(crate) fn by_probability(&self) -> impl Iterator<Item = (u64, u64)> {
        self.rows.iter().map(|&(_, negatives, positives)| (negatives, positives))
    }

    /// The sum over rows of what a row of either class adds, by its probability.
    pub(crate) fn sum(&self, negative: impl Fn(f64) -> f64, positive: impl Fn(f64) -> f64) -> f64 {
        let rows = self.rows.iter();
        rows.map(|&(p, negatives, positives)| negatives as f64 * negative(p) + positives as f64 * positive(p)).sum()
    }

    fn mean(&self, of: impl Fn(f64, bool) -> f64) -> Option<f64> {
        let n = self.n();
        (n > 0).then(|| self.sum(|p| of(p, false), |p| of(p, true)) / n as f64)
    }

    fn gather(mut rows: Vec<(f64, u64, u64)>) -> Self {
        rows.retain(|row| (0.0..=1.0).contains(&row.0) && row.1 + row.2 > 0);
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
                kept.2 += next.2;
            }
            same
        });
        Self { rows }
    }
}

impl From<Vec<(f64, u64, u64)>> for Outcomes {
    fn from(rows: Vec<(f64, u64, u64)>) -> Self {
        Self::gather(rows)
    }
}

impl From<Outcomes> for Vec<(f64, u64, u64)> {
    fn from(outcomes: Outcomes) -> Self {
        outcomes.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// AUC, average precision, log loss, Brier, accuracy at 0.5.
    #[track_caller]
    fn check(rows: &[(f64, bool)], expect: [f64; 5]) {
        let outcomes = Outcomes::from_rows(rows.iter().copied());
        let found =
            [outcomes.roc_auc(), outcomes.average_precision(), outcomes.log_loss(), outcomes.brier(), outcomes.accuracy(0.5)];
        for (found, expect) in found.into_iter().zip(expect) {
            let found = found.unwrap();
            assert!((found - expect).abs() < 1e-12, "{found} is not {expect}");
        }
    }

    #[test]
    fn the_figures_of_four_rows_are_those_of_scikit_learn_s_documentation() {
        let documented = [(0.1, false), (0.4, false), (0.35, true), (0.8, true)];
        check(&documented, [0.75, 0.8333333333333333, 0.47228795380917615, 0.15812500000000002, 0.75]);
        check(&[(0.5, true), (0.5, false)], [0.5, 0.5, std::f64::consts::LN_2, 0.25, 0.5]);
        check(&[(0.0, false), (1.0, true)], [1.0, 1.0, 2.2204460492503136e-16, 0.0, 1.0]);
    }

    #[test]
    fn f1_is_that_of_scikit_learn() {
        // f1_score([0, 0, 1, 1], [0, 1, 0, 1]) is 0.5.
        let outcomes = Outcomes::from_rows([(0.1, false), (0.6, false), (0.35, true), (0.8, true)]);
        assert_eq!((outcomes.f1(0.5), outcomes.f1(0.9), outcomes.probabilities().n()), (Some(0.5), Some(0.0), 4));
        assert_eq!(Outcomes::from_rows([(0.1, false)]).f1(0.5), None);
    }

    #[test]
    fn one_class_alone_has_no_auc_and_no_rows_have_no_figure() {
        let one = Outcomes::from_rows([(0.2, false), (0.3, false)]);
        assert_eq!((one.roc_auc(), one.average_precision()), (None, None));
        assert!(one.log_loss().is_some());
        let none = Outcomes::default();
        assert_eq!((none.log_loss(), none.brier(), none.accuracy(0.5), none.n()), (None, None, None, 0));
    }

    #[test]
    fn what_is_no_probability_is_left_out() {
        let outcomes = Outcomes::from_rows([(f64::NAN, true), (1.5, true), (-0.1, false), (0.5, true)]);
        assert_eq!((outcomes.n(), outcomes.n_positive()), (1, 1));
    }

    proptest! {
        #[test]
        fn parts_merged_in_any_order_are_the_whole(rows in proptest::collection::vec((0u8..=10, any::<bool>()), 0..40), cut in 0usize..40) {
            let rows: Vec<(f64, bool)> = rows.into_iter().map(|(tenths, positive)| (f64::from(tenths) / 10.0, positive)).collect();
            let (left, right) = rows.split_at(cut.min(rows.len()));
            let whole = Outcomes::from_rows(rows.iter().copied());
            let mut merged = Outcomes::from_rows(right.iter().copied());
            merged.merge(&Outcomes::from_rows(left.iter().copied()));
            prop_assert_eq!(&merged, &whole);
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<Outcomes>(&text).unwrap(), whole);
        }
    }
}
