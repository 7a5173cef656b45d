//! The metrics that models can be ranked by.

use super::{Truth, average_precision, brier, check, f1, log_loss, over_classes, recall_at_top, roc_auc};
use crate::{Error, Matrix};

/// A metric that models can be ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Mean negative log of the probability given to the true class.
    LogLoss,
    /// Mean squared error of the probabilities.
    Brier,
    /// Area under the ROC curve.
    RocAuc,
    /// Area under the precision-recall steps.
    AveragePrecision,
    /// Share of rows whose predicted class is true.
    Accuracy,
    /// Harmonic mean of precision and recall.
    F1,
    /// Share of the positive rows among the likeliest tenth.
    RecallAtTop10,
}

impl Selection {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::LogLoss, Self::Brier, Self::RocAuc, Self::AveragePrecision, Self::Accuracy, Self::F1, Self::RecallAtTop10];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogLoss => "log_loss",
            Self::Brier => "brier",
            Self::RocAuc => "roc_auc",
            Self::AveragePrecision => "average_precision",
            Self::Accuracy => "accuracy",
            Self::F1 => "f1",
            Self::RecallAtTop10 => "recall_at_top_10",
        }
    }

    /// The metric of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// A value of the metric, turned so that less is better.
    pub fn as_loss(self, value: f64) -> f64 {
        match self {
            Self::LogLoss | Self::Brier => value,
            _ => -value,
        }
    }

    /// The metric, turned so that less is better; infinite where it is undefined.
    ///
    /// # Errors
    /// Probabilities and classes that do not fit each other.
    pub fn loss<'a>(self, probabilities: &Matrix, truth: impl Into<Truth<'a>>, threshold: f32) -> Result<f64, Error> {
        let truth = truth.into();
        check(probabilities, truth)?;
        let counted = truth.counted(probabilities);
        let (probabilities, truth) = (&*counted.probabilities, counted.truth());
        let value = match self {
            Self::LogLoss => Some(log_loss::log_loss(probabilities, truth)),
            Self::Brier => Some(brier::brier(probabilities, truth)),
            Self::RocAuc => over_classes(probabilities, truth, roc_auc::roc_auc),
            Self::AveragePrecision => over_classes(probabilities, truth, average_precision::average_precision),
            Self::Accuracy => Some(super::accuracy::accuracy(probabilities, truth, threshold)),
            Self::F1 => f1::f1(probabilities, truth, threshold),
            Self::RecallAtTop10 => over_classes(probabilities, truth, recall_at_top::recall_at_top_10),
        };
        Ok(value.map_or(f64::INFINITY, |value| self.as_loss(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_model_has_the_lower_loss_by_every_metric() {
        let classes: Vec<u32> = (0..100).map(|row| u32::from(row >= 80)).collect();
        let says =
            |of: &dyn Fn(usize) -> f32| Matrix::new(100, 2, (0..100).flat_map(|row| [1.0 - of(row), of(row)]).collect()).unwrap();
        let good = says(&|row| if row >= 79 { 0.9 } else { row as f32 / 200.0 });
        let bad = says(&|row| 0.2 + (row % 7) as f32 / 20.0);
        for metric in Selection::ALL {
            assert_eq!(Selection::named(metric.name()), Some(metric));
            let losses = [&good, &bad].map(|probabilities| metric.loss(probabilities, &classes, 0.5).unwrap());
            assert!(losses[0] < losses[1], "{metric:?}: {losses:?}");
        }
    }
}
