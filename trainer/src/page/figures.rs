//! Numbers as people read them.

use data_contract::{Estimate, Manifest};

use super::importance::shorten;
use crate::import;

/// A metric to four places.
pub(super) fn metric(value: f64) -> String {
    format!("{value:.4}")
}

/// A number with its interval: `0.279 (0.271–0.287)`.
pub(super) fn estimate(estimate: &Estimate) -> String {
    format!("{:.3} ({})", estimate.value, ends(estimate))
}

/// The ends of an interval: `0.271–0.287`.
pub(super) fn ends(estimate: &Estimate) -> String {
    format!("{:.3}–{:.3}", estimate.low, estimate.high)
}

/// A share as per cent.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent == 0.0 || percent >= 99.95 => format!("{percent:.0} %"),
        percent if percent < 0.1 => "<0.1 %".into(),
        percent => format!("{percent:.1} %"),
    }
}

/// A count with thin spaces between thousands.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join("\u{202f}")
}

/// A number of any size, short: `12`, `0.5`, `1 200`.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e4 => format!("{}{}", if value < 0.0 { "−" } else { "" }, count(size.round() as u64)),
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// Size of a file.
pub(super) fn size(bytes: u64) -> String {
    if bytes < 1_000_000 { format!("{:.0} kB", bytes as f64 / 1e3) } else { format!("{:.1} MB", bytes as f64 / 1e6) }
}

/// A metric's name for people.
pub(super) fn name(metric: &str) -> &str {
    match metric {
        "log_loss" => "log loss",
        "roc_auc" => "AUC",
        "average_precision" => "average precision",
        "brier" => "Brier score",
        "f1" => "F1",
        "recall_at_top_10" => "recall in the top 10 %",
        "expected_calibration_error" => "calibration error",
        "majority_accuracy" => "accuracy of the majority class",
        "positive_share" => "share of the positive class",
        other => other,
    }
}

/// A family's name for people.
pub(super) fn family(name: &str) -> String {
    name.replace('-', " ")
}

/// A version's family for people; of a model of another tool, the file.
pub(super) fn learner(manifest: &Manifest) -> String {
    match manifest.params.get("file").and_then(|file| file.as_str()) {
        Some(file) if manifest.family == import::FAMILY => shorten(&format!("imported {}", file.trim_end_matches(".onnx"))),
        _ => family(&manifest.family),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([percent(0.0), percent(0.1234), percent(1.0), percent(0.0001)], ["0 %", "12.3 %", "100 %", "<0.1 %"]);
        assert_eq!(
            [short(3.0), short(0.25), short(12.34), short(45211.0), short(-20000.0)],
            ["3", "0.250", "12.3", "45\u{202f}211", "−20\u{202f}000"]
        );
        assert_eq!([size(24_300), size(3_400_000)], ["24 kB", "3.4 MB"]);
        assert_eq!(estimate(&Estimate { value: 0.2791, low: 0.271, high: 0.2873 }), "0.279 (0.271–0.287)");
    }
}
