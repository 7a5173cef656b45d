//! `monitor serve`: the collector, the site, the model and the report, over HTTP.
//!
//! A posted record is acknowledged when it is on disk in the journal; a thread beside the server compacts full segments.

mod answers;
mod body;
mod collect;
mod commit;
mod figures;
mod keys;
mod metrics;
mod room;
mod telemetry;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use chrono::Utc;
use data_contract::Home;
use serde_json::json;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::args::ServeArgs;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::ingest::compact;
use crate::journal::{Full, Journal};
use crate::known_ids::KnownIds;
use crate::serve::answers::{explain, nothing_here};
use crate::serve::collect::Collector;
use crate::serve::keys::Keys;
use crate::serve::metrics::Metrics;
use crate::serve::room::Room;
use crate::serve::telemetry::Telemetry;
use crate::{files, report_text, stop};

const TICK: Duration = Duration::from_secs(1);
/// How long requests may go on once the server is asked to stop.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Serves until it is asked to stop.
pub(crate) fn run(home: &Home, args: &ServeArgs) -> Result<()> {
    if let Some(folder) = args.web.clone().filter(|folder| !folder.is_dir()) {
        return Err(Failure::NoSite { folder }.into());
    }
    let keys = Keys::read(args.api_key_file.as_deref(), std::env::var(keys::VARIABLE).ok().as_deref())?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the server's threads")?;
    let listen = |source| Failure::Listen { address: args.listen.clone(), source };
    let listener = runtime.block_on(tokio::net::TcpListener::bind(&args.listen)).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    if keys.is_open() && !address.ip().is_loopback() {
        tracing::warn!(%address, "whoever reaches this address may post records: no key is set");
    }
    files::create_folder(&home.collected())?;
    let journal = Journal::new(home);
    drop(journal.lock_compaction()?);
    let room = Arc::new(Room::new(args.max_backlog << 20));
    room.set(journal.bytes()?);
    let telemetry = Telemetry::new();
    let (stop, stopped) = channel::<()>();
    let compacting = {
        let (home, room, telemetry) = (home.clone(), Arc::clone(&room), telemetry.clone());
        std::thread::spawn(move || keep_compacting(&home, &room, &telemetry, &stopped))
    };
    let collector = Collector::new(home, keys, Arc::clone(&room), telemetry.clone());
    let metrics = Metrics::new(home, room, telemetry);
    let router = router(home, args.web.clone()).merge(collector.router()).merge(metrics.router());
    report_text::listening(address);
    let served = runtime.block_on(serve(listener, router));
    runtime.shutdown_timeout(STOP_LIMIT);
    drop(stop);
    let compacted = compacting.join().expect("the compacting thread does not panic");
    served.context("the server stopped")?;
    compacted
}

/// Serves until it is asked to stop, and then until the open requests are done or have had their time.
async fn serve(listener: tokio::net::TcpListener, router: Router) -> std::io::Result<()> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let stop = async {
        stop::asked().await;
        tell.send(()).ok();
    };
    let limit = async {
        told.await.ok();
        tokio::time::sleep(STOP_LIMIT).await;
    };
    tokio::select! {
        served = axum::serve(listener, router).with_graceful_shutdown(stop) => served,
        () = limit => {
            tracing::warn!("requests that were still open were cut off");
            Ok(())
        }
    }
}

/// A file that a report wrote, and where it is served.
struct Written {
    path: &'static str,
    name: &'static str,
    kind: &'static str,
    made_by: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const PARQUET: &str = "application/vnd.apache.parquet";
const CSV: &str = "text/csv; charset=utf-8";
const REPORT: &str = "`monitor report` writes it";
const COMPARE: &str = "`monitor report --compare A B` writes it";
const WRITTEN: [Written; 6] = [
    Written { path: "/report", name: "report.html", kind: HTML, made_by: REPORT },
    Written { path: "/report.json", name: "report.json", kind: JSON, made_by: REPORT },
    Written { path: "/metrics.parquet", name: "metrics.parquet", kind: PARQUET, made_by: REPORT },
    Written { path: "/metrics.csv", name: "metrics.csv", kind: CSV, made_by: REPORT },
    Written { path: "/compare", name: "compare.html", kind: HTML, made_by: COMPARE },
    Written { path: "/compare.json", name: "compare.json", kind: JSON, made_by: COMPARE },
];

/// The site, the model and the report.
fn router(home: &Home, web: Option<PathBuf>) -> Router {
    let always_asked = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let model = Router::new().nest_service("/model", ServeDir::new(home.production())).layer(always_asked);
    let written = |pages: Router<Home>, file: &'static Written| {
        pages.route(file.path, get(move |State(home): State<Home>| async move { file.answer(&home).await }))
    };
    let pages = WRITTEN.iter().fold(Router::new().route("/health", get(health)), written);
    let all = model.merge(pages.with_state(home.clone()));
    match web {
        Some(folder) => all.fallback_service(ServeDir::new(folder).precompressed_br().precompressed_gzip()),
        None => all.fallback(nothing_here),
    }
}

async fn health() -> Response {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })).into_response()
}

impl Written {
    async fn answer(&self, home: &Home) -> Response {
        let path = home.monitor().join(self.name);
        let head = [(header::CONTENT_TYPE, self.kind), (header::CACHE_CONTROL, "no-cache")];
        match tokio::task::spawn_blocking(move || std::fs::read(path)).await {
            Ok(Ok(bytes)) => (head, Body::from(bytes)).into_response(),
            _ => explain(StatusCode::NOT_FOUND, &format!("there is no {} yet", self.name), self.made_by),
        }
    }
}

/// Compacts full segments every second, and all of them at the end.
fn keep_compacting(home: &Home, room: &Room, telemetry: &Telemetry, stopped: &Receiver<()>) -> Result<()> {
    let (engine, known) = (Engine::open(&home.monitor())?, KnownIds::default());
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
        match compact(home, &engine, &known, Full::COLLECTOR) {
            Ok(ingested) => {
                telemetry.compacted(&ingested, Utc::now().timestamp());
                if !ingested.is_empty() {
                    tracing::info!(?ingested, "compacted");
                }
            }
            Err(error) => {
                telemetry.compaction_failed();
                tracing::error!(error = format!("{error:#}"), "compaction failed; the segments are kept");
            }
        }
        match Journal::new(home).bytes() {
            Ok(bytes) => room.set(bytes),
            Err(error) => tracing::error!(%error, "the journal cannot be measured"),
        }
    }
    compact(home, &engine, &known, Full::ANY).map(|_| ()).context("records are kept in the journal, but could not be compacted")
}
