//! How much the figures of some labelled rows vary by chance in the rows.
//!
//! A mean over rows has the standard deviation of what a row adds over √n. The AUC is the mean over positives of the share of negatives
//! below, V, and as well the mean over negatives of the share of positives above, W; with n₊ and n₋ rows its variance is about
//! var V / n₊ + var W / n₋. Variances are those of samples (n − 1). Two sides of different rows are independent, so the variance of a
//! difference is the sum of both.
//!
//! Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
//! characteristic curves: a nonparametric approach", Biometrics 44, 1988.

use crate::Outcomes;
use crate::estimate::log_loss_of;

/// Standard errors of the figures of some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StandardErrors {
    /// Of the area under the ROC curve; none with fewer than two rows of either class.
    pub roc_auc: Option<f64>,
    /// Of the share of the positive class.
    pub share_true: f64,
    /// Of the log loss.
    pub log_loss: f64,
    /// Of the Brier score.
    pub brier: f64,
}

/// The standard errors of some rows; none with fewer than two.
#[must_use]
pub fn standard_errors(outcomes: &Outcomes) -> Option<StandardErrors> {
    (outcomes.n() > 1).then(|| StandardErrors {
        roc_auc: roc_auc(outcomes),
        share_true: of_mean(outcomes, |_, positive| f64::from(u8::from(positive))),
        log_loss: of_mean(outcomes, log_loss_of),
        brier: of_mean(outcomes, |p, positive| (p - f64::from(u8::from(positive))).powi(2)),
    })
}

fn of_mean(outcomes: &Outcomes, of: impl Fn(f64, bool) -> f64) -> f64 {
    let n = outcomes.n() as f64;
    let mean = outcomes.sum(|p| of(p, false), |p| of(p, true)) / n;
    let squares = outcomes.sum(|p| (of(p, false) - mean).powi(2), |p| (of(p, true) - mean).powi(2));
    (squares / (n - 1.0) / n).sqrt()
}

fn roc_auc(outcomes: &Outcomes) -> Option<f64> {
    let n_positive = outcomes.n_positive();
    let n_negative = outcomes.n() - n_positive;
    let auc = outcomes.roc_auc().filter(|_| n_positive > 1 && n_negative > 1)?;
    let (positives, negatives) = (n_positive as f64, n_negative as f64);
    let (mut of_positives, mut of_negatives) = (0.0, 0.0);
    let (mut negatives_below, mut positives_below) = (0.0, 0.0);
    for (here_negative, here_positive) in outcomes.by_probability() {
        let (here_negative, here_positive) = (here_negative as f64, here_positive as f64);
        let below = (negatives_below + here_negative / 2.0) / negatives;
        let above = 1.0 - (positives_below + here_positive / 2.0) / positives;
        of_positives += here_positive * (below - auc).powi(2);
        of_negatives += here_negative * (above - auc).powi(2);
        (negatives_below, positives_below) = (negatives_below + here_negative, positives_below + here_positive);
    }
    let variance = of_positives / (positives - 1.0) / positives + of_negatives / (negatives - 1.0) / negatives;
    Some(variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [(f64, bool); 9] = [
        (0.1, false),
        (0.2, false),
        (0.2, true),
        (0.35, false),
        (0.4, true),
        (0.4, false),
        (0.6, true),
        (0.8, true),
        (0.9, false),
    ];

    fn found() -> StandardErrors {
        standard_errors(&Outcomes::from_rows(ROWS)).unwrap()
    }

    fn error_of(values: &[f64]) -> f64 {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt()
    }

    #[test]
    fn the_error_of_a_mean_is_that_of_its_rows() {
        let brier: Vec<f64> = ROWS.iter().map(|&(p, positive)| (p - f64::from(u8::from(positive))).powi(2)).collect();
        assert!((found().brier - error_of(&brier)).abs() < 1e-12);
        let positives: Vec<f64> = ROWS.iter().map(|row| f64::from(u8::from(row.1))).collect();
        assert!((found().share_true - error_of(&positives)).abs() < 1e-12);
    }

    #[test]
    fn the_error_of_the_auc_is_delong_s() {
        let wins = |positive: f64, negative: f64| {
            if positive > negative { 1.0 } else { f64::from(u8::from(positive == negative)) / 2.0 }
        };
        let of = |class: bool| ROWS.iter().filter(move |row| row.1 == class).map(|row| row.0);
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let v: Vec<f64> = of(true).map(|p| mean(of(false).map(|n| wins(p, n)).collect())).collect();
        let w: Vec<f64> = of(false).map(|n| mean(of(true).map(|p| wins(p, n)).collect())).collect();
        assert!((found().roc_auc.unwrap() - error_of(&v).hypot(error_of(&w))).abs() < 1e-12);
    }

    #[test]
    fn one_row_has_no_error_and_one_class_no_auc() {
        assert_eq!(standard_errors(&Outcomes::from_rows([(0.2, true)])), None);
        let one_positive = standard_errors(&Outcomes::from_rows([(0.2, true), (0.1, false), (0.3, false)])).unwrap();
        assert_eq!(one_positive.roc_auc, None);
    }
}
