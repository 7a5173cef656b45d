//! What the server counts of itself, for `/metrics`.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::ingest::Ingested;
use crate::journal::Kind;
use crate::serve::room::Room;

/// Counters and gauges of the collector; a clone counts into the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    registry: Registry,
    requests: IntCounterVec,
    accepted: IntCounterVec,
    refused: IntCounterVec,
    received: IntCounterVec,
    compactions: IntCounterVec,
    compacted: IntCounterVec,
    compacted_at: IntGauge,
    backlog: IntGauge,
    max_backlog: IntGauge,
    in_flight: IntGauge,
}

impl Telemetry {
    /// All at nought.
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels).expect("our names are valid");
            registry.register(Box::new(counters.clone())).expect("our names differ");
            counters
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help).expect("our names are valid");
            registry.register(Box::new(gauge.clone())).expect("our names differ");
            gauge
        };
        register_build(&registry);
        let telemetry = Self {
            requests: counters(
                "tidemark_collector_requests_total",
                "Bodies that were posted, by HTTP status of the answer.",
                &["kind", "status"],
            ),
            accepted: counters("tidemark_collector_accepted_records_total", "Records that were acknowledged.", &["kind"]),
            refused: counters("tidemark_collector_refused_records_total", "Records that were refused as wrong.", &["kind"]),
            received: counters("tidemark_collector_received_bytes_total", "Bytes of bodies, as they came.", &["kind"]),
            compactions: counters(
                "tidemark_collector_compactions_total",
                "Times that records were to be written to the log.",
                &["outcome"],
            ),
            compacted: counters("tidemark_collector_compacted_records_total", "Records that were written to the log.", &["kind"]),
            compacted_at: gauge(
                "tidemark_collector_last_compaction_timestamp_seconds",
                "When records could last be written to the log, or there were none to write.",
            ),
            backlog: gauge("tidemark_collector_backlog_bytes", "Records that wait to be written to the log."),
            max_backlog: gauge("tidemark_collector_backlog_limit_bytes", "The backlog from which on senders are told to wait."),
            in_flight: gauge("tidemark_collector_memory_bytes", "Memory that is held for bodies."),
            registry,
        };
        telemetry.begin_at_nought();
        telemetry
    }

    /// One body was answered.
    pub(crate) fn answered(&self, kind: Kind, status: u16) {
        self.requests.with_label_values(&[kind.name(), &status.to_string()]).inc();
    }

    /// So many bytes came.
    pub(crate) fn received(&self, kind: Kind, n_bytes: usize) {
        self.of(&self.received, kind).inc_by(n_bytes as u64);
    }

    /// So many records were refused.
    pub(crate) fn refused(&self, kind: Kind, n_records: usize) {
        self.of(&self.refused, kind).inc_by(n_records as u64);
    }

    /// So many records were acknowledged.
    pub(crate) fn accepted(&self, kind: Kind, n_records: usize) {
        self.of(&self.accepted, kind).inc_by(n_records as u64);
    }

    /// Records were written to the log, at a time in seconds since 1970.
    pub(crate) fn compacted(&self, ingested: &Ingested, at: i64) {
        self.compactions.with_label_values(&["done"]).inc();
        self.of(&self.compacted, Kind::Predictions).inc_by(ingested.predictions.n_written as u64);
        self.of(&self.compacted, Kind::Labels).inc_by(ingested.labels.n_written as u64);
        self.compacted_at.set(at);
    }

    /// Records could not be written to the log.
    pub(crate) fn compaction_failed(&self) {
        self.compactions.with_label_values(&["failed"]).inc();
    }

    /// All of them as text, with the room as it is now.
    pub(crate) fn gather(&self, room: &Room) -> Vec<prometheus::proto::MetricFamily> {
        let whole = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.backlog.set(whole(room.backlog()));
        self.max_backlog.set(whole(room.max_backlog()));
        self.in_flight.set(whole(room.held() as u64));
        self.registry.gather()
    }

    /// A counter that is not there cannot be told from one that never counted.
    fn begin_at_nought(&self) {
        for kind in Kind::ALL {
            for counters in [&self.accepted, &self.refused, &self.received, &self.compacted] {
                self.of(counters, kind).inc_by(0);
            }
            self.requests.with_label_values(&[kind.name(), "200"]).inc_by(0);
        }
        for outcome in ["done", "failed"] {
            self.compactions.with_label_values(&[outcome]).inc_by(0);
        }
    }

    fn of(&self, counters: &IntCounterVec, kind: Kind) -> IntCounter {
        counters.with_label_values(&[kind.name()])
    }
}

/// The program's version, as a gauge that is always 1.
fn register_build(registry: &Registry) {
    let opts =
        Opts::new("tidemark_build_info", "1, with the program's version.").const_label("version", env!("CARGO_PKG_VERSION"));
    let info = IntGauge::with_opts(opts).expect("our names are valid");
    info.set(1);
    registry.register(Box::new(info)).expect("our names differ");
}
