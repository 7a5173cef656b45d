//! `GET /metrics`: Prometheus text. What the report says is read again only when its files changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use data_contract::Home;
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};

use crate::alerts::AlertBook;
use crate::failure::Failure;
use crate::serve::answers::explain;
use crate::serve::figures::{Sources, figures, readable};
use crate::serve::room::Room;
use crate::serve::telemetry::Telemetry;
use crate::{files, versions};

/// What `/metrics` is made of.
pub(crate) struct Metrics {
    home: Home,
    room: Arc<Room>,
    telemetry: Telemetry,
    known: Mutex<Option<(Stamp, Registry)>>,
}

/// Size and time of each file that is read; none for one that is not there.
type Stamp = Vec<Option<(u64, SystemTime)>>;

impl Metrics {
    /// The metrics of a home folder and a collector.
    pub(crate) fn new(home: &Home, room: Arc<Room>, telemetry: Telemetry) -> Self {
        Self { home: home.clone(), room, telemetry, known: Mutex::new(None) }
    }

    /// Their address.
    pub(crate) fn router(self) -> Router {
        Router::new().route("/metrics", get(metrics)).with_state(Arc::new(self))
    }

    fn text(&self) -> Result<String> {
        let mut families = self.telemetry.gather(&self.room);
        families.extend(self.figures().gather());
        TextEncoder::new().encode_to_string(&families).context("cannot write the metrics")
    }

    fn figures(&self) -> Registry {
        let stamp: Stamp = self.paths().iter().map(|path| stamp(path)).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, registry)) = known.as_ref().filter(|(old, _)| *old == stamp) {
            return registry.clone();
        }
        let registry = self.sources().map_or_else(unreadable, |sources| figures(&sources));
        *known = Some((stamp, registry.clone()));
        registry
    }

    fn sources(&self) -> Result<Sources, Failure> {
        Ok(Sources {
            report: files::read_json(&self.report())?,
            alerts: AlertBook::load(&self.home)?,
            history: versions::history(&self.home)?,
        })
    }

    fn paths(&self) -> [PathBuf; 3] {
        [self.report(), AlertBook::path(&self.home), self.home.history()]
    }

    fn report(&self) -> PathBuf {
        self.home.monitor().join("report.json")
    }
}

async fn metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    match tokio::task::spawn_blocking(move || metrics.text()).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        _ => explain(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be gathered", "look at the server's log"),
    }
}

/// What is told where the report cannot be read; the collector's own figures go on.
fn unreadable(failure: Failure) -> Registry {
    tracing::error!(error = failure.told(), "the report's figures are left out of the metrics");
    readable(false)
}

fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let file = fs::metadata(path).ok()?;
    Some((file.len(), file.modified().ok()?))
}
