//! How good the predictions of both sides were, figure by figure. Pure.

use monitor_drift::{StandardErrors, standard_errors};
use schemars::JsonSchema;
use serde::Serialize;

use crate::measure::performance;
use crate::report_compare::side::Side;
use crate::report_model::Performance;
use crate::tally::Tally;

/// Standard errors on either side of an interval that holds the true difference in 95 of 100 cases.
const WIDTH: f64 = 1.959_963_984_540_054;

/// A figure of both sides.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Metric {
    /// What it is called, as in `report.json`.
    pub(crate) metric: &'static str,
    /// What people call it.
    #[serde(skip)]
    pub(crate) title: &'static str,
    /// The reference's.
    pub(crate) reference: Option<f64>,
    /// The current side's.
    pub(crate) current: Option<f64>,
    /// The current one less the reference's.
    pub(crate) difference: Option<f64>,
    /// Where the difference lies in 95 of 100 cases, by chance in the rows of both sides; none where it is not known.
    pub(crate) interval: Option<(f64, f64)>,
}

/// What is known of the figures of one side.
struct Known {
    performance: Performance,
    errors: Option<StandardErrors>,
}

/// A figure's name, its title, where it stands, and its standard error; none where it is not known.
type Figure = (&'static str, &'static str, fn(&Performance) -> Option<f64>, fn(&Known) -> Option<f64>);

const METRICS: [Figure; 8] = [
    ("coverage", "label coverage", |own| Some(own.coverage), |_| None),
    ("share_true", "share true", |own| Some(own.share_true), |known| Some(known.errors?.share_true)),
    ("roc_auc", "AUC", |own| own.roc_auc, |known| known.errors?.roc_auc),
    ("average_precision", "average precision", |own| own.average_precision, |_| None),
    ("log_loss", "log loss", |own| own.log_loss, |known| Some(known.errors?.log_loss)),
    ("brier", "Brier score", |own| own.brier, |known| Some(known.errors?.brier)),
    ("accuracy", "accuracy", |own| own.accuracy, Known::error_of_accuracy),
    ("f1", "F1", |own| own.f1, |_| None),
];

impl Metric {
    /// Whether more than chance in the rows tells the sides apart.
    pub(crate) fn is_sure(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}

impl Known {
    fn of(side: &Side, whole: &Tally) -> Option<Self> {
        // The version is that of a report; a side may have several.
        let performance = performance(whole, 0, side.threshold())?;
        Some(Self { performance, errors: standard_errors(&whole.outcomes) })
    }

    /// The standard error of a share of rows.
    fn error_of_accuracy(&self) -> Option<f64> {
        let accuracy = self.performance.accuracy?;
        let others = self.performance.n_labelled.saturating_sub(1);
        (others > 0).then(|| (accuracy * (1.0 - accuracy) / others as f64).sqrt())
    }
}

/// All figures; none unless labels have come on both sides.
pub(crate) fn metrics(sides: &[Side; 2], wholes: &[Tally; 2]) -> Vec<Metric> {
    let known = |at: usize| Known::of(&sides[at], &wholes[at]);
    let Some((before, now)) = known(0).zip(known(1)) else { return Vec::new() };
    METRICS.into_iter().map(|figure| metric(figure, &before, &now)).collect()
}

fn metric((metric, title, figure, error): Figure, before: &Known, now: &Known) -> Metric {
    let (reference, current) = (figure(&before.performance), figure(&now.performance));
    let difference = reference.zip(current).map(|(reference, current)| current - reference);
    let width = error(before).zip(error(now)).map(|(before, now)| before.hypot(now) * WIDTH);
    let interval = difference.zip(width).map(|(difference, width)| (difference - width, difference + width));
    Metric { metric, title, reference, current, difference, interval }
}
