//! What the last report found, as gauges for `/metrics`: of its newest complete window, as a time series knows no other time than now.

use std::collections::BTreeMap;

use data_contract::{Event, HistoryLine, RetrainOutcome};
use monitor_drift::{Estimate, Expected};
use prometheus::{GaugeVec, IntGaugeVec, Opts, Registry};

use crate::alerts::AlertBook;
use crate::figure::Figure;
use crate::report_model::{Performance, Report, WindowReport, newest};

/// The labels of all figures of a window.
const SERVED: [&str; 2] = ["model", "version"];

/// What can be read from the home folder.
pub(crate) struct Sources {
    /// The last report.
    pub(crate) report: Option<Report>,
    /// Its alerts.
    pub(crate) alerts: AlertBook,
    /// The registry's history.
    pub(crate) history: Vec<HistoryLine>,
}

/// All figures. Metrics of which nothing is known are left out.
pub(crate) fn figures(sources: &Sources) -> Registry {
    let figures = Figures { registry: readable(true) };
    if let Some(report) = &sources.report {
        figures.run(report);
        if let Some(window) = newest(&report.windows, &report.rules) {
            figures.window(report, window);
            figures.drift(report, window);
            figures.columns(report, window);
            figures.performance(report, window);
        }
    }
    figures.alerts(&sources.alerts);
    figures.retrains(&sources.history);
    figures.registry
}

/// Whether there are any figures to come: a registry that tells no more.
pub(crate) fn readable(readable: bool) -> Registry {
    let figures = Figures { registry: Registry::new() };
    let help = "1 when the last report, its alerts and the history can be read; 0 when a file of them is damaged.";
    figures.count("report_readable", help, &[]).with_label_values::<&str>(&[]).set(readable.into());
    figures.registry
}

struct Figures {
    registry: Registry,
}

impl Figures {
    fn run(&self, report: &Report) {
        let model = [report.model.as_str()];
        self.gauge("report_timestamp_seconds", "When the last report was made.", &["model"])
            .with_label_values(&model)
            .set(report.generated.timestamp() as f64);
        self.count("set_aside_records", "Collected records that could not be written to the log.", &["model"])
            .with_label_values(&model)
            .set(report.n_set_aside as i64);
        if let Some(version) = report.production {
            self.count("production_version", "The version in production.", &["model"])
                .with_label_values(&model)
                .set(version.into());
        }
    }

    fn window(&self, report: &Report, window: &WindowReport) {
        let served = served(report, window);
        let set =
            |name: &str, help: &str, value: f64| self.gauge(name, help, &SERVED).with_label_values(&served.each()).set(value);
        set("window_predictions", "Predictions in the newest complete window.", window.n_rows as f64);
        set(
            "window_end_timestamp_seconds",
            "When the newest complete window ended.",
            window.window.end_time().timestamp() as f64,
        );
        set("missing_ratio", "Share of cells without a value.", window.missing_share_of_cells);
        set("unseen_values", "Cells with a level that training never saw.", window.n_unseen as f64);
        set("predicted_ratio", "Share of rows predicted to be of the followed class.", window.share_predicted);
        set("drifted_columns", "Columns that drifted, by the rule in force.", report.n_drifted(window) as f64);
        set("columns", "Columns of the contract.", window.columns.len() as f64);
        set("dataset_drifted", "1 when half of the columns or more drifted.", truth(window.dataset_drifted));
    }

    fn drift(&self, report: &Report, window: &WindowReport) {
        let Some(drift) = report.prediction_drift(window) else { return };
        let served = served(report, window);
        let labels = ["model", "version", "statistic"];
        let values = [served.model, &served.version, drift.statistic.name()];
        self.gauge("prediction_drift", "How far predictions are from the reference, by a statistic.", &labels)
            .with_label_values(&values)
            .set(drift.value);
        self.gauge("prediction_drift_threshold", "Where drift of predictions becomes too much.", &labels)
            .with_label_values(&values)
            .set(drift.threshold);
        self.gauge("prediction_drifted", "1 when predictions drifted too far, by the rule in force.", &SERVED)
            .with_label_values(&served.each())
            .set(truth(drift.drifted));
    }

    fn columns(&self, report: &Report, window: &WindowReport) {
        let served = served(report, window);
        let [tested, of_column] = [&["model", "version", "column", "statistic"][..], &["model", "version", "column"]];
        let value = self.gauge("column_drift", "How far a column is from the reference, by a statistic.", tested);
        let threshold = self.gauge("column_drift_threshold", "Where a column's drift is told.", tested);
        let drifted = self.gauge("column_drifted", "1 when a column drifted.", of_column);
        let missing = self.gauge("column_missing_ratio", "Share of rows without a value in a column.", of_column);
        for column in &window.columns {
            let labels = [served.model, &served.version, &column.name];
            missing.with_label_values(&labels).set(column.n_missing as f64 / window.n_rows.max(1) as f64);
            let Some(Figure { value: found, limit, drifted: far, .. }) = report.column_drift(column) else { continue };
            let statistic = column.drift.map(|drift| drift.statistic.name()).filter(|_| !report.by_tidemark());
            let labels_of_test = [served.model, &served.version, &column.name, statistic.unwrap_or("effect")];
            value.with_label_values(&labels_of_test).set(found);
            threshold.with_label_values(&labels_of_test).set(limit);
            drifted.with_label_values(&labels).set(truth(far));
        }
    }

    fn performance(&self, report: &Report, window: &WindowReport) {
        let served = served(report, window);
        let set = |name: &str, help: &str, value: Option<f64>| {
            if let Some(value) = value {
                self.gauge(name, help, &SERVED).with_label_values(&served.each()).set(value);
            }
        };
        let of = |pick: fn(&Performance) -> Option<f64>| window.performance.as_ref().and_then(pick);
        set("labelled_ratio", "Share of predictions whose label is known.", of(|performance| Some(performance.coverage)));
        set("roc_auc", "Area under the ROC curve, by labels that came.", of(|performance| performance.roc_auc));
        set("log_loss", "Log loss, by labels that came.", of(|performance| performance.log_loss));
        set("brier_score", "Brier score, by labels that came.", of(|performance| performance.brier));
        set("accuracy_ratio", "Share of rows whose predicted class came true.", of(|performance| performance.accuracy));
        let estimated =
            |pick: fn(&Estimate) -> Option<Expected>| window.estimate.as_ref().and_then(pick).map(|expected| expected.value);
        let help = "As the probabilities promise it, before labels come.";
        set("estimated_roc_auc", help, estimated(|estimate| estimate.roc_auc));
        set("estimated_log_loss", help, estimated(|estimate| Some(estimate.log_loss)));
        set("estimated_brier_score", help, estimated(|estimate| Some(estimate.brier)));
        set("estimated_accuracy_ratio", help, estimated(|estimate| estimate.accuracy));
        let version = report.versions.iter().find(|version| version.version == window.version);
        let validation = |metric: &str| version.and_then(|version| version.validation.get(metric).copied());
        set(
            "validation_roc_auc",
            "Area under the ROC curve on validation rows, when the version was trained.",
            validation("roc_auc"),
        );
        set("validation_log_loss", "Log loss on validation rows, when the version was trained.", validation("log_loss"));
    }

    fn alerts(&self, book: &AlertBook) {
        let states = self.count("alerts", "Alerts of windows, by state.", &["alertname", "model", "state"]);
        for entry in book.entries() {
            let state = if entry.resolved_at().is_some() { "resolved" } else { "firing" };
            states.with_label_values(&[entry.label("alertname"), entry.label("model"), state]).inc();
            let other = if state == "firing" { "resolved" } else { "firing" };
            states.with_label_values(&[entry.label("alertname"), entry.label("model"), other]);
        }
    }

    /// The history only grows, so that these are counters, though they are set.
    fn retrains(&self, history: &[HistoryLine]) {
        let mut sums = BTreeMap::from([("promoted", 0), ("kept", 0), ("failed", 0)]);
        for line in history {
            if let Event::Retrained { outcome, .. } = &line.event {
                *sums.entry(name_of(*outcome)).or_default() += 1;
            }
        }
        let opts = Opts::new("tidemark_retrains_total", "Answers of the trainer to alerts, by what came of them.");
        let retrains = prometheus::IntCounterVec::new(opts, &["outcome"]).expect("our names are valid");
        self.registry.register(Box::new(retrains.clone())).expect("our names differ");
        sums.into_iter().for_each(|(outcome, n)| retrains.with_label_values(&[outcome]).inc_by(n));
    }

    fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        let gauges = GaugeVec::new(Opts::new(format!("tidemark_{name}"), help), labels).expect("our names are valid");
        self.registry.register(Box::new(gauges.clone())).expect("our names differ");
        gauges
    }

    fn count(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let gauges = IntGaugeVec::new(Opts::new(format!("tidemark_{name}"), help), labels).expect("our names are valid");
        self.registry.register(Box::new(gauges.clone())).expect("our names differ");
        gauges
    }
}

struct Served<'a> {
    model: &'a str,
    version: String,
}

impl Served<'_> {
    fn each(&self) -> [&str; 2] {
        [self.model, &self.version]
    }
}

fn served<'a>(report: &'a Report, window: &WindowReport) -> Served<'a> {
    Served { model: &report.model, version: window.version.to_string() }
}

fn name_of(outcome: RetrainOutcome) -> &'static str {
    match outcome {
        RetrainOutcome::Promoted => "promoted",
        RetrainOutcome::Kept => "kept",
        RetrainOutcome::Failed => "failed",
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}
