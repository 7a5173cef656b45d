//! The page's sections that are words and tables more than charts.

use maud::{Markup, html};

use super::figures::{count, estimate, learner, name, percent, short};
use super::{Entry, Report};
use crate::import;

/// One sentence that sums the report up.
pub(crate) fn verdict(report: &Report) -> String {
    let best = &report.entries[0];
    let figure = |metric: &str| best.evaluation.metrics.get(metric).map(|found| format!("{} {}", name(metric), estimate(found)));
    let figures: Vec<String> = ["log_loss", "roc_auc", "accuracy"].into_iter().filter_map(figure).take(2).collect();
    let lead = match report.entries.len() {
        1 => format!("Version {} ({})", best.manifest.version, learner(&best.manifest)),
        n => format!("Of {n} versions, number {} ({}) is best", best.manifest.version, learner(&best.manifest)),
    };
    format!("{lead}: {}", figures.join(", "))
}

/// Model, verdict and the figures that matter most.
pub(super) fn head(report: &Report) -> Markup {
    let best = &report.entries[0];
    html! {
        header {
            p.brand { b { "Tidemark" } span { "trained models: " (report.title) } }
            h1 { (verdict(report)) }
            @if best.manifest.data.synthetic {
                p.banner role="note" { strong { "Synthetic data." } " A generator made the rows these models learned from; the figures show how the program works and say nothing about the world." }
            }
            dl.facts { @for (title, figure, rest) in facts(best) { div { dt { (title) } dd { (figure) " " small { (rest) } } } } }
        }
    }
}

fn facts(best: &Entry) -> Vec<(String, String, String)> {
    let metrics = &best.evaluation.metrics;
    let share = |metric: &str| metrics.get(metric).map(|estimate| percent(estimate.value));
    let mut facts = vec![("Rows judged".into(), count(best.evaluation.n_rows), "not learned from".into())];
    if let (Some(accuracy), Some(majority)) = (share("accuracy"), share("majority_accuracy")) {
        facts.push(("Accuracy".into(), accuracy, format!("{majority} by always saying the most frequent class")));
    }
    if let Some(recall) = share("recall_at_top_10") {
        facts.push(("Found in the top 10 %".into(), recall, "10 % by chance".into()));
    }
    if best.manifest.family != import::FAMILY {
        facts.push(("Fit".into(), format!("{:.1} s", best.manifest.fit_cpu_secs), "of CPU".into()));
    }
    facts
}

/// Where the decision is made and what it gives.
pub(super) fn decision(report: &Report) -> Markup {
    let evaluation = &report.entries[0].evaluation;
    html! {
        section {
            @match &evaluation.threshold {
                Some(choice) => {
                    h2 { "“" (report.classes[1]) "” is said above " (percent(choice.threshold)) }
                    p.lead {
                        "The goal is " code { (choice.goal) } ". That is " (percent(choice.share)) " of the rows"
                        @if let Some(precision) = choice.precision { "; " (percent(precision)) " of them are right" }
                        @if let Some(recall) = choice.recall { ", and " (percent(recall)) " of all “" (report.classes[1]) "” are found" }
                        @if let Some(profit) = choice.profit { "; it earns " (short(profit)) }
                        "."
                    }
                }
                None => h2 { "What is said, and what is true" },
            }
            (confusion(report))
        }
    }
}

fn confusion(report: &Report) -> Markup {
    let evaluation = &report.entries[0].evaluation;
    let rows = &evaluation.confusion;
    let counted = if evaluation.weights.is_empty() { "Rows" } else { "Weight" };
    let amount = |n: f64| if n.fract() == 0.0 { count(n as u64) } else { short(n) };
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "True" } @for class in &report.classes { th { "said " (class) } } th { (counted) } } }
            tbody {
                @for (truth, row) in rows.iter().enumerate() {
                    tr {
                        td { (report.classes[truth]) }
                        @for (said, n) in row.iter().enumerate() { td class=(if said == truth { "warm" } else { "" }) { (amount(*n)) } }
                        td { (amount(row.iter().sum())) }
                    }
                }
            }
        } }
    }
}

/// What the best version can be made from again.
pub(super) fn origin(best: &Entry) -> Markup {
    let manifest = &best.manifest;
    let data = &manifest.data;
    let params = serde_json::to_string_pretty(&manifest.params).unwrap_or_default();
    html! {
        section {
            h2 { "Where version " (manifest.version) " comes from" }
            p.lead {
                @if manifest.family == import::FAMILY {
                    "Trained elsewhere and imported on " (manifest.created.format("%-d %B %Y")) " by trainer " (manifest.trainer) ". On which rows, and whether those that judge were among them, is not known here."
                } @else {
                    "Fitted on " (count(data.n_train)) " rows of " (data.dataset)
                    @if let (Some(first), Some(last)) = (data.first_date, data.last_date) { ", dated " (first) " to " (last) }
                    ", made on " (manifest.created.format("%-d %B %Y")) " by trainer " (manifest.trainer) ". The same rows, parameters and seed give the same model."
                }
            }
            details { summary { "Parameters, seed and digests" }
                pre { (params) "\nseed " (manifest.seed) "\nprepared rows " (data.digest) "\nsource " (data.source) "\ncontract " (manifest.contract) }
            }
        }
    }
}

/// What the words mean.
pub(super) fn terms() -> Markup {
    let terms = [
        (
            "Log loss",
            "Mean negative logarithm of the probability given to what came true. Lower is better; it punishes confident errors.",
        ),
        ("AUC", "The chance that a row of the class gets a higher probability than another row. 0.5 is chance, 1 is perfect."),
        ("Average precision", "Area under the precision-recall curve; the class's share is chance."),
        ("Brier score", "Mean squared error of the probabilities. Lower is better."),
        ("F1", "Harmonic mean of precision and recall at the threshold."),
        (
            "Calibration error",
            "Mean distance between the probability said and the share that came true, over ten groups of equal size.",
        ),
        ("95 % interval", "Of a hundred such intervals, about 95 hold the figure of endlessly many rows of the same kind."),
    ];
    html! {
        section {
            h2 { "Terms" }
            dl.terms { @for (term, meaning) in terms { dt { (term) } dd { (meaning) } } }
        }
    }
}

/// Who made the page, and how.
pub(super) fn foot(report: &Report) -> Markup {
    html! {
        footer { p { "Made by " code { "trainer report" } " on " (report.generated.format("%-d %B %Y at %H:%M UTC")) "; the same figures as data: " code { "trainer report --json" } "." } }
    }
}
