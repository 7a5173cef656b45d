//! The model card of a version: what it is, for people and for model hubs.
//!
//! Mitchell et al., "Model cards for model reporting", 2019; the head is the metadata that Hugging Face reads.

use std::fmt::Write;

use data_contract::{Contract, Evaluation, Manifest};
use trainer_estimators::Params;

use crate::import;
use crate::model::Members;

/// How many columns the card names as the most important.
const MAX_COLUMNS: usize = 10;

/// The card as Markdown.
pub(crate) fn write(manifest: &Manifest, evaluation: &Evaluation, contract: &Contract) -> String {
    [head(manifest, evaluation), intended(manifest, contract), quality(manifest, evaluation), origin(manifest)].join("\n")
}

fn head(manifest: &Manifest, evaluation: &Evaluation) -> String {
    let name = yaml(&manifest.name);
    let mut text = format!(
        "---\nlibrary_name: tidemark\npipeline_tag: tabular-classification\ntags:\n- tabular-classification\n- onnx\n- {}\n\
         model-index:\n- name: {name}\n  results:\n  - task:\n      type: tabular-classification\n    dataset:\n      type: {name}\n      name: {name}\n      split: validation\n    metrics:\n",
        manifest.family
    );
    // Hubs take numbers only, and those that tell of the model.
    let of_rows = ["majority_accuracy", "positive_share"];
    let of_model = |metric: &str, value: f64| value.is_finite() && !of_rows.contains(&metric);
    for (metric, estimate) in evaluation.metrics.iter().filter(|(metric, estimate)| of_model(metric, estimate.value)) {
        _ = writeln!(text, "    - type: {metric}\n      value: {:.6}", estimate.value);
    }
    text + "---\n"
}

/// A text as YAML, whatever it holds.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn intended(manifest: &Manifest, contract: &Contract) -> String {
    let target = &contract.target;
    let synthetic = if manifest.data.synthetic {
        "\n**The rows it learned from were made by a generator. It says nothing about the world.**\n"
    } else {
        ""
    };
    let mut text = format!(
        "# {}, version {}\n{synthetic}\nPredicts `{}` ({}) from {} columns, by {}. It takes float32 rows `[N, {}]` in the order below \
         (a missing number is NaN; a level is its index in the contract, -1 when missing or unseen) and gives `label` and `probabilities`.\n\n",
        manifest.name,
        manifest.version,
        target.name,
        target.classes.join(", "),
        contract.columns.len(),
        learner(manifest),
        contract.columns.len()
    );
    for column in &contract.columns {
        let about = if column.about.is_empty() { String::new() } else { format!(": {}", column.about) };
        _ = writeln!(text, "- `{}`{about}", column.name);
    }
    text
}

/// The family in words; for a model of another tool, that tool; for a blend, its members.
fn learner(manifest: &Manifest) -> String {
    let words = |family: &str| family.replace('-', " ");
    if let Ok(members) = serde_json::from_value::<Members>(manifest.params.clone()) {
        let member = |(weight, params): (f64, Params)| format!("{} ({weight:.2})", words(params.family().name()));
        let members: Vec<String> = members.with_weights().map(member).collect();
        return format!("the weighted mean of {}", members.join(", "));
    }
    match manifest.params.get("producer").and_then(|producer| producer.as_str()) {
        Some(producer) if manifest.family == import::FAMILY => format!("a model that {producer} wrote"),
        _ => words(&manifest.family),
    }
}

fn quality(manifest: &Manifest, evaluation: &Evaluation) -> String {
    let rows = if manifest.family == import::FAMILY { "validation rows" } else { "rows that it did not learn from" };
    let weighted = if evaluation.weights.is_empty() { "" } else { ", each by its weight" };
    let mut text = format!(
        "## How good it is\n\nOn {} {rows}{weighted}, with 95 % intervals:\n\n| metric | value | from | to |\n|---|---|---|---|\n",
        evaluation.n_rows
    );
    for (metric, estimate) in &evaluation.metrics {
        _ = writeln!(text, "| {metric} | {:.4} | {:.4} | {:.4} |", estimate.value, estimate.low, estimate.high);
    }
    if let Some(choice) = &evaluation.threshold {
        _ = writeln!(text, "\nThe positive class is predicted above {:.4} (goal: {}).", choice.threshold, choice.goal);
    }
    if !evaluation.importance.is_empty() {
        let named = evaluation.importance.iter().take(MAX_COLUMNS).map(|importance| format!("`{}`", importance.column));
        _ = writeln!(text, "\nMost important columns: {}.", named.collect::<Vec<_>>().join(", "));
    }
    text
}

fn origin(manifest: &Manifest) -> String {
    if manifest.family == import::FAMILY {
        return imported(manifest);
    }
    let data = &manifest.data;
    let dates =
        data.first_date.zip(data.last_date).map_or_else(String::new, |(first, last)| format!(", dated {first} to {last}"));
    format!(
        "## Where it comes from\n\nFitted on {} rows of `{}`{dates}; {} further rows told when to stop. Made on {} by trainer {}, seed {}.\n\n\
         - digest of the prepared rows: `{}`\n- digest of the source: `{}`\n- parameters: `{}`\n",
        data.n_train,
        data.dataset,
        data.n_validation,
        manifest.created.format("%Y-%m-%d"),
        manifest.trainer,
        manifest.seed,
        data.digest,
        data.source,
        manifest.params
    )
}

fn imported(manifest: &Manifest) -> String {
    let text = |key: &str| manifest.params.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    let (data, parity) = (&manifest.data, &manifest.parity);
    format!(
        "## Where it comes from\n\nTrained elsewhere and imported from `{}` on {} by trainer {}: on which rows, and whether the validation rows were among them, is not known here. \
         Its label is computed anew from its probabilities.\n\n\
         {} rows were compared with {}: {:.1e} apart at most, {} labels differ.\n\n\
         - digest of the imported file: `{}`\n- digest of the prepared rows: `{}`\n- digest of the source: `{}`\n",
        text("file"),
        manifest.created.format("%Y-%m-%d"),
        manifest.trainer,
        parity.n_rows,
        text("compared_with"),
        parity.largest_difference,
        parity.labels_differ,
        text("digest"),
        data.digest,
        data.source
    )
}
