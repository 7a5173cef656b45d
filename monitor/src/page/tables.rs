//! The numbers behind the charts.

use data_contract::RetrainOutcome;
use maud::{Markup, html};

use super::figures::{distance, metric, percent};
use crate::report_model::{AlertReport, Report, WindowReport};

/// How good the predictions were.
pub(crate) fn performance(windows: &[WindowReport]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Window" } th { "Version" } th { "AUC" } th { "First model" } th { "Average precision" } th { "Log loss" } th { "First model" } th { "Brier" } th { "Accuracy" } th { "Label coverage" } } }
            tbody {
                @for window in windows {
                    @let shadow = window.shadow.as_ref();
                    tr {
                        td { (window.window.title()) } td { (window.version) }
                        @match &window.performance {
                            Some(own) => {
                                td { (metric(own.roc_auc)) } td { (metric(shadow.and_then(|shadow| shadow.roc_auc))) } td { (metric(own.average_precision)) }
                                td { (metric(own.log_loss)) } td { (metric(shadow.and_then(|shadow| shadow.log_loss))) } td { (metric(own.brier)) }
                                td { (metric(own.accuracy)) } td { (percent(own.coverage)) }
                            }
                            None => td colspan="8" { "no labels yet" },
                        }
                    }
                }
            }
        } }
    }
}

/// Shares of the followed class.
pub(crate) fn shares(report: &Report, windows: &[WindowReport]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Window" } th { "True" } th { "True at training" } th { "Label drift" } th { "Predicted" } th { "Mean probability" } } }
            tbody {
                @for window in windows {
                    @let labels = window.label_drift.as_ref();
                    @let figure = labels.and_then(|labels| report.label_drift(labels));
                    tr {
                        td { (window.window.title()) }
                        td { @if let Some(performance) = &window.performance { (percent(performance.share_true)) } @else { "–" } }
                        td { @if let Some(labels) = labels { (percent(labels.reference_share)) } @else { "–" } }
                        td.hot[figure.as_ref().is_some_and(|figure| figure.drifted)] { @if let Some(figure) = &figure { (distance(figure.value)) } @else { "–" } }
                        td { (percent(window.share_predicted)) }
                        td { @if let Some(mean) = window.mean_probability { (percent(mean)) } @else { "–" } }
                    }
                }
            }
        } }
    }
}

/// Alerts and what came of each.
pub(crate) fn alerts(alerts: &[&AlertReport]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Window" } th { "Version" } th { "Drift" } th.text { "Came of it" } th.text { "Why" } th { "Fine again" } } }
            tbody {
                @for alert in alerts {
                    tr {
                        td { (alert.window) } td { (alert.version) } td.hot { (distance(alert.value)) }
                        @match &alert.answer {
                            Some(answer) => {
                                td.text { (outcome(answer.outcome)) @if let Some(version) = answer.challenger { " v" (version) } }
                                td class="text wrap" { (answer.reason) }
                            }
                            None => { td.text { span.tag { "no answer" } } td {} }
                        }
                        td { @if let Some(time) = alert.resolved_at { (time.format("%Y-%m-%d")) } @else { "–" } }
                    }
                }
            }
        } }
    }
}

/// Alerts of columns, which no retrain answers.
pub(crate) fn column_alerts(alerts: &[&AlertReport]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Window" } th { "Version" } th.text { "Severity" } th.text { "What drifted" } th { "Fine again" } } }
            tbody {
                @for alert in alerts {
                    tr {
                        td { (alert.window) } td { (alert.version) } td.text { (alert.severity) } td class="text wrap" { (alert.summary) }
                        td { @if let Some(time) = alert.resolved_at { (time.format("%Y-%m-%d")) } @else { "–" } }
                    }
                }
            }
        } }
    }
}

fn outcome(outcome: RetrainOutcome) -> Markup {
    match outcome {
        RetrainOutcome::Promoted => html! { span class="tag promoted" { "promoted" } },
        RetrainOutcome::Kept => html! { span.tag { "champion kept over" } },
        RetrainOutcome::Failed => html! { span class="tag failed" { "retrain failed" } },
    }
}
