//! The figures of the rule in force, as the page and the tables show them. Pure.

use data_contract::WindowRule;
use monitor_drift::{Drift, Statistic, Verdict};

use crate::label_drift::LabelDrift;
use crate::report_model::{AlertReport, ColumnReport, Report, WindowReport};

/// A figure with its limit and its verdict, by the rule that is in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figure {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Its value.
    pub(crate) value: f64,
    /// Where it becomes too much.
    pub(crate) limit: f64,
    /// Limits away: from 1 on it is too far, if it is sure.
    pub(crate) ratio: f64,
    /// The verdict.
    pub(crate) drifted: bool,
}

impl Figure {
    /// Evidently's.
    pub(crate) fn of_drift(drift: &Drift) -> Self {
        let ratio =
            if drift.statistic.is_p_value() { drift.threshold / drift.value.max(1e-300) } else { drift.value / drift.threshold };
        Figure {
            name: drift.statistic.evidently_name(),
            value: drift.value,
            limit: drift.threshold,
            ratio,
            drifted: drift.drifted,
        }
    }

    /// That of the rule `tidemark`.
    fn of_verdict(verdict: &Verdict) -> Self {
        let ratio = verdict.effect / verdict.matters_from;
        Figure { name: "effect", value: verdict.effect, limit: verdict.matters_from, ratio, drifted: verdict.drifted }
    }

    /// The figure of the rule in force, of the two there are.
    pub(crate) fn of(rule: WindowRule, drift: Option<&Drift>, verdict: Option<&Verdict>) -> Option<Self> {
        match rule {
            WindowRule::Tidemark => verdict.map(Self::of_verdict),
            WindowRule::Evidently => drift.map(Self::of_drift),
        }
    }
}

impl Report {
    /// How far the predictions of a window moved, by the rule in force, with its threshold.
    pub(crate) fn prediction_drift(&self, window: &WindowReport) -> Option<Drift> {
        let evidently = || {
            let drift = window.prediction?;
            let threshold = if drift.statistic.is_p_value() { drift.threshold } else { self.rules.prediction_drift };
            Some(Drift { threshold, drifted: crate::rules::too_far(&drift, &self.rules), ..drift })
        };
        let tidemark = || {
            window.prediction_verdict.map(|verdict| Drift {
                statistic: Statistic::Wasserstein,
                value: verdict.effect,
                threshold: verdict.matters_from,
                drifted: verdict.drifted,
            })
        };
        if self.by_tidemark() { tidemark() } else { evidently() }
    }

    /// How far a column moved, by the rule in force.
    pub(crate) fn column_drift(&self, column: &ColumnReport) -> Option<Figure> {
        Figure::of(self.rules.rule, column.drift.as_ref(), column.verdict.as_ref())
    }

    /// How far the labels moved, by the rule in force.
    pub(crate) fn label_drift(&self, labels: &LabelDrift) -> Option<Figure> {
        Figure::of(self.rules.rule, labels.drift.as_ref(), labels.verdict.as_ref())
    }

    /// Columns of a window that drifted, by the rule in force.
    pub(crate) fn n_drifted(&self, window: &WindowReport) -> usize {
        if self.by_tidemark() { window.n_shifted } else { window.n_drifted }
    }

    /// Whether the rule `tidemark` is in force.
    pub(crate) fn by_tidemark(&self) -> bool {
        self.rules.rule == WindowRule::Tidemark
    }

    /// Alerts that a retrain is to answer.
    pub(crate) fn prediction_alerts(&self) -> impl Iterator<Item = &AlertReport> {
        self.alerts.iter().filter(|alert| alert.of_predictions())
    }
}
