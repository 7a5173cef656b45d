//! The figures of a report as one long table, `metrics.parquet` and `metrics.csv`: a row per window, version, segment, subject and
//! metric.

use chrono::NaiveDate;
use duckdb::types::Value;
use monitor_drift::{Drift, Estimate, Expected, Verdict};

use crate::domain::Domain;
use crate::engine::SqlType;
use crate::label_drift::LabelDrift;
use crate::promise::{DOUBT, Promise};
use crate::quality::Quality;
use crate::report_model::{ColumnReport, Performance, Report, WindowReport};

/// The columns of the table.
const COLUMNS: [(&str, SqlType); 10] = [
    ("window", SqlType::Text),
    ("window_start", SqlType::Date),
    ("window_end", SqlType::Date),
    ("version", SqlType::Integer),
    ("segment", SqlType::Text),
    ("subject", SqlType::Text),
    ("metric", SqlType::Text),
    ("value", SqlType::Double),
    ("threshold", SqlType::Double),
    ("drifted", SqlType::Boolean),
];

/// A figure with what it is of, what it is called, and where it stands with its threshold.
#[derive(Clone, Debug, PartialEq)]
struct Metric {
    subject: String,
    name: &'static str,
    value: f64,
    threshold: Option<f64>,
    drifted: Option<bool>,
}

/// The figures of one window, being gathered.
#[derive(Default)]
struct Metrics(Vec<Metric>);

/// The columns of the table, as they are written.
pub(crate) fn columns() -> Vec<(String, SqlType)> {
    COLUMNS.map(|(name, kind)| (name.to_owned(), kind)).into()
}

/// The rows of the table, windows as they stand in the report, those of segments behind those of all rows.
pub(crate) fn rows(report: &Report) -> Vec<Vec<Value>> {
    let all = report.windows.iter().map(|window| (None, window));
    let segments = report.segments.iter().flat_map(|segments| &segments.segments);
    let of_segments =
        segments.flat_map(|segment| segment.windows.iter().map(move |window| (Some(segment.name.as_str()), window)));
    let of_window = |(segment, window)| metrics(window).into_iter().map(move |metric| row(segment, window, metric));
    all.chain(of_segments).flat_map(of_window).collect()
}

/// Every figure of a window.
fn metrics(window: &WindowReport) -> Vec<Metric> {
    let mut all = Metrics::default();
    all.add("rows", "n_rows", count(window.n_rows));
    all.add("rows", "n_unseen_levels", count(window.n_unseen));
    all.add("rows", "share_predicted", Some(window.share_predicted));
    all.add("missing", "share_of_cells", Some(window.missing_share_of_cells));
    all.add("missing", "cells_per_row", Some(window.missing_cells_per_row));
    all.add("columns", "n_drifted_by_effect_size", count(window.n_shifted as u64));
    all.judge("columns", "n_drifted", window.n_drifted as f64, None, Some(window.dataset_drifted));
    all.add("columns", "importance_drifted", window.importance_shifted);
    all.add("prediction", "mean_probability", window.mean_probability);
    all.add("prediction", "reference_mean_probability", window.reference_mean);
    all.drift("prediction", window.prediction);
    all.verdict("prediction", window.prediction_verdict);
    window.columns.iter().for_each(|column| all.column(column));
    for cause in &window.causes {
        all.add(&of_column(&cause.column), "mean_probability_change", Some(cause.by));
    }
    all.performance("performance", window.performance.as_ref());
    all.estimate(window.estimate.as_ref());
    all.promise(window.promise.as_ref());
    all.labels(window.label_drift.as_ref());
    all.quality(&window.quality);
    all.domain(window.domain.as_ref());
    all.add("shadow", "version", window.shadow.as_ref().map(|shadow| shadow.version.into()));
    all.performance("shadow", window.shadow.as_ref());
    all.0
}

impl Metrics {
    /// A figure without a threshold; nothing where there is none.
    fn add(&mut self, subject: &str, name: &'static str, value: Option<f64>) {
        if let Some(value) = value {
            self.judge(subject, name, value, None, None);
        }
    }

    /// A figure with what is known of its threshold and its verdict.
    fn judge(&mut self, subject: &str, name: &'static str, value: f64, threshold: Option<f64>, drifted: Option<bool>) {
        self.0.push(Metric { subject: subject.to_owned(), name, value, threshold, drifted });
    }

    fn drift(&mut self, subject: &str, drift: Option<Drift>) {
        if let Some(Drift { statistic, value, threshold, drifted }) = drift {
            self.judge(subject, statistic.name(), value, Some(threshold), Some(drifted));
        }
    }

    fn verdict(&mut self, subject: &str, verdict: Option<Verdict>) {
        if let Some(Verdict { p_value, sure_from, effect, matters_from, drifted }) = verdict {
            self.judge(subject, "effect_size", effect, Some(matters_from), Some(drifted));
            self.judge(subject, "p_value", p_value, Some(sure_from), None);
        }
    }

    fn column(&mut self, column: &ColumnReport) {
        let subject = of_column(&column.name);
        self.drift(&subject, column.drift);
        self.verdict(&subject, column.verdict);
        self.add(&subject, "importance", column.importance);
        self.add(&subject, "n_missing", count(column.n_missing));
        self.add(&subject, "n_unseen_levels", count(column.n_unseen));
        self.add(&subject, "n_out_of_range", count(column.n_out_of_range));
    }

    fn labels(&mut self, labels: Option<&LabelDrift>) {
        let Some(labels) = labels else { return };
        self.add("labels", "share_true", Some(labels.share_true));
        self.add("labels", "reference_share_true", Some(labels.reference_share));
        self.drift("labels", labels.drift);
        self.verdict("labels", labels.verdict);
    }

    fn quality(&mut self, quality: &Quality) {
        self.add("rows", "n_repeated", quality.n_repeated.and_then(count));
        self.add("rows", "share_repeated", quality.share_repeated);
        self.add("rows", "n_days", count(quality.n_days as u64));
        for (source, n) in &quality.sources {
            self.add(&format!("source {source}"), "n_rows", count(*n));
        }
    }

    fn domain(&mut self, domain: Option<&Domain>) {
        let Some(domain) = domain else { return };
        self.judge("all columns", "roc_auc", domain.roc_auc, Some(domain.threshold), Some(domain.drifted));
        self.add("all columns", "n_compared", count(domain.n_rows as u64));
    }

    fn performance(&mut self, subject: &str, performance: Option<&Performance>) {
        let Some(performance) = performance else { return };
        self.add(subject, "n_labelled", count(performance.n_labelled));
        self.add(subject, "label_coverage", Some(performance.coverage));
        self.add(subject, "share_true", Some(performance.share_true));
        self.add(subject, "roc_auc", performance.roc_auc);
        self.add(subject, "average_precision", performance.average_precision);
        self.add(subject, "log_loss", performance.log_loss);
        self.add(subject, "brier", performance.brier);
        self.add(subject, "accuracy", performance.accuracy);
        self.add(subject, "f1", performance.f1);
    }

    fn estimate(&mut self, estimate: Option<&Estimate>) {
        let Some(estimate) = estimate else { return };
        self.expected(["roc_auc", "roc_auc_low", "roc_auc_high"], estimate.roc_auc);
        self.expected(["accuracy", "accuracy_low", "accuracy_high"], estimate.accuracy);
        self.expected(["f1", "f1_low", "f1_high"], estimate.f1);
        self.expected(["log_loss", "log_loss_low", "log_loss_high"], Some(estimate.log_loss));
        self.expected(["brier", "brier_low", "brier_high"], Some(estimate.brier));
    }

    fn expected(&mut self, names: [&'static str; 3], expected: Option<Expected>) {
        let Some(Expected { value, low, high }) = expected else { return };
        for (name, value) in names.into_iter().zip([value, low, high]) {
            self.add("estimate", name, Some(value));
        }
    }

    fn promise(&mut self, promise: Option<&Promise>) {
        let Some(Promise { calibration, holds, .. }) = promise else { return };
        self.add("calibration", "expected_share", Some(calibration.expected));
        self.add("calibration", "observed_share", Some(calibration.observed));
        self.judge("calibration", "p_value", calibration.p_value, Some(DOUBT), Some(!holds));
    }
}

fn of_column(name: &str) -> String {
    format!("column {name}")
}

fn count(n: u64) -> Option<f64> {
    Some(n as f64)
}

fn row(segment: Option<&str>, window: &WindowReport, metric: Metric) -> Vec<Value> {
    vec![
        Value::Text(window.name.clone()),
        date(window.window.start),
        date(window.window.last_day()),
        Value::Int(window.version as i32),
        segment.map_or(Value::Null, |name| Value::Text(name.to_owned())),
        Value::Text(metric.subject),
        Value::Text(metric.name.to_owned()),
        Value::Double(metric.value),
        metric.threshold.map_or(Value::Null, Value::Double),
        metric.drifted.map_or(Value::Null, Value::Boolean),
    ]
}

/// Days since 1970-01-01.
fn date(date: NaiveDate) -> Value {
    Value::Date32((date - NaiveDate::default()).num_days() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::window_report;
    use crate::report_model::Cause;
    use crate::report_model::tests::report_of;
    use serde_json::{Value as Json, json};

    /// A window of which everything is known.
    fn full() -> WindowReport {
        let performance = json!({
            "version": 5, "n_labelled": 390, "coverage": 0.78, "share_true": 0.31, "roc_auc": 0.81, "average_precision": 0.42,
            "log_loss": 0.33, "brier": 0.12, "accuracy": 0.87, "f1": 0.55,
        });
        let expected = |value: f64| json!({ "value": value, "low": value - 0.01, "high": value + 0.015 });
        let estimate = json!({
            "roc_auc": expected(0.7), "accuracy": expected(0.6), "f1": expected(0.5), "log_loss": expected(0.4), "brier": expected(0.3),
        });
        let promise = json!({ "expected": 0.21, "observed": 0.32, "p_value": 0.000_1, "holds": false, "outside": ["roc_auc"] });
        let domain = json!({ "roc_auc": 0.71, "threshold": 0.56, "drifted": true, "n_rows": 4_321, "columns": ["age"] });
        let mut window = window_report("2009-03", 7, 500);
        window.domain = serde_json::from_value(domain).unwrap();
        window.label_drift = Some(LabelDrift {
            share_true: 0.31,
            reference_share: 0.25,
            drift: window.prediction,
            verdict: window.prediction_verdict,
        });
        window.importance_shifted = Some(0.61);
        window.columns.iter_mut().for_each(|column| column.importance = Some(0.305));
        window.performance = serde_json::from_value(performance.clone()).unwrap();
        window.shadow = serde_json::from_value(performance).unwrap();
        window.estimate = serde_json::from_value(estimate).unwrap();
        window.promise = serde_json::from_value(promise).unwrap();
        window.causes = vec![Cause { column: "age".into(), by: -0.07 }];
        window
    }

    /// All numbers in a JSON value; versions are no figures, but for that of the shadow.
    fn numbers(json: &Json, found: &mut Vec<f64>) {
        match json {
            Json::Number(number) => found.push(number.as_f64().unwrap()),
            Json::Array(items) => items.iter().for_each(|item| numbers(item, found)),
            Json::Object(fields) => {
                fields.iter().filter(|(name, _)| *name != "version").for_each(|(_, field)| numbers(field, found));
            }
            _ => {}
        }
    }

    #[track_caller]
    fn check(window: &WindowReport) {
        let mut of_json = Vec::new();
        numbers(&serde_json::to_value(window).unwrap(), &mut of_json);
        of_json.extend(window.shadow.as_ref().map(|shadow| f64::from(shadow.version)));
        let all = metrics(window);
        let constant = |metric: &&Metric| metric.subject != "calibration";
        let thresholds = all.iter().filter(constant).filter_map(|metric| metric.threshold);
        let mut of_table: Vec<f64> = all.iter().map(|metric| metric.value).chain(thresholds).collect();
        of_json.sort_by(f64::total_cmp);
        of_table.sort_by(f64::total_cmp);
        assert_eq!(of_table, of_json);
    }

    #[test]
    fn every_number_of_a_window_is_in_the_table_once() {
        check(&full());
        check(&window_report("2009-03", 7, 500));
    }

    #[test]
    fn no_two_figures_of_a_window_have_one_name() {
        let mut names: Vec<(String, &str)> = metrics(&full()).into_iter().map(|metric| (metric.subject, metric.name)).collect();
        let n = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), n);
    }

    #[test]
    fn segments_follow_all_rows() {
        let mut report = report_of(vec![window_report("2009-03", 7, 500)]);
        let n = rows(&report).len();
        let segment = json!({ "name": "plus", "reference_share": 0.4, "windows": report.windows });
        report.segments =
            Some(serde_json::from_value(json!({ "column": "plan", "segments": [segment], "n_left_out": 0 })).unwrap());
        let rows = rows(&report);
        assert_eq!((rows.len(), &rows[n - 1][4], &rows[n][4]), (2 * n, &Value::Null, &Value::Text("plus".into())));
        assert_eq!(rows[0][5..], rows[n][5..]);
    }

    #[test]
    fn a_figure_stands_with_its_threshold_and_its_verdict() {
        let all = metrics(&full());
        let find =
            |subject: &str, name: &str| all.iter().find(|metric| metric.subject == subject && metric.name == name).unwrap();
        assert_eq!((find("calibration", "p_value").threshold, find("calibration", "p_value").drifted), (Some(0.01), Some(true)));
        assert_eq!(
            (find("column age", "effect_size").threshold, find("column age", "effect_size").drifted),
            (Some(0.1), Some(true))
        );
        assert_eq!(find("columns", "n_drifted").drifted, Some(true));
        assert_eq!(find("estimate", "roc_auc_high").value, 0.715);
    }
}
