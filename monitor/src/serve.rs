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

/// The site, the model and the report.
fn router(home: &Home, web: Option<PathBuf>) -> Router {
    let always_asked = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let model = Router::new().nest_service("/model", ServeDir::new(home.production())).layer(always_asked);
    let pages = Router::new()
        .route("/health", get(health))
        .route("/report", get(report_page))
        .route("/report.json", get(report_data))
        .route("/metrics.parquet", get(metrics_parquet))
        .route("/metrics.csv", get(metrics_csv));
    let all = model.merge(pages.with_state(home.clone()));
    match web {
        Some(folder) => all.fallback_service(ServeDir::new(folder).precompressed_br().precompressed_gzip()),
        None => all.fallback(nothing_here),
    }
}

async fn health() -> Response {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })).into_response()
}

async fn report_page(State(home): State<Home>) -> Response {
    report_file(&home, "report.html", "text/html; charset=utf-8").await
}

async fn report_data(State(home): State<Home>) -> Response {
    report_file(&home, "report.json", "application/json").await
}

async fn metrics_parquet(State(home): State<Home>) -> Response {
    report_file(&home, "metrics.parquet", "application/vnd.apache.parquet").await
}

async fn metrics_csv(State(home): State<Home>) -> Response {
    report_file(&home, "metrics.csv", "text/csv; charset=utf-8").await
}

async fn report_file(home: &Home, name: &str, kind: &'static str) -> Response {
    let path = home.monitor().join(name);
    match tokio::task::spawn_blocking(move || std::fs::read(path)).await {
        Ok(Ok(bytes)) => ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], Body::from(bytes)).into_response(),
        _ => explain(StatusCode::NOT_FOUND, "there is no report yet", "`monitor report` writes one"),
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
