//! Alerts in: an HTTP server that takes Alertmanager v4 webhook bodies.

use std::net::SocketAddr;
use std::sync::mpsc::Sender;

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use data_contract::{Alert, AlertGroup, AlertStatus};
use serde_json::{Value, json};

use crate::failure::Hint;
use crate::inbox::Inbox;

const MAX_BODY: usize = 1 << 20;

/// Where alerts go: to disk before they are acknowledged, then to the one who answers them.
#[derive(Clone, Debug)]
struct Desk {
    inbox: Inbox,
    alerts: Sender<Alert>,
}

/// Listens until the process is asked to stop, and hands over every alert that fires.
pub(crate) fn listen(address: SocketAddr, inbox: Inbox, alerts: Sender<Alert>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener
            .with_context(|| format!("cannot listen at {address}"))
            .hint("another program may use the port: choose another one with `--listen`")?;
        tracing::info!("waiting for alerts at http://{}/alerts", listener.local_addr()?);
        let app = Router::new()
            .route("/alerts", post(take))
            .route("/", post(take))
            .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(Desk { inbox, alerts });
        Ok(axum::serve(listener, app).with_graceful_shutdown(stop()).await?)
    })
}

async fn take(State(desk): State<Desk>, body: Result<Bytes, BytesRejection>) -> (StatusCode, Json<Value>) {
    let body = match body {
        Ok(body) => body,
        Err(refused) => {
            let hint = format!("post at most {MAX_BODY} bytes");
            return (refused.status(), Json(json!({ "error": refused.body_text(), "hint": hint })));
        }
    };
    let group: AlertGroup = match serde_json::from_slice(&body) {
        Ok(group) => group,
        Err(error) => {
            let hint = "post an Alertmanager webhook body, version 4";
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": format!("not an alert: {error}"), "hint": hint })));
        }
    };
    let to_answer = |alert: &Alert| alert.status == AlertStatus::Firing && alert.asks_for_retrain();
    let firing: Vec<Alert> = group.alerts.into_iter().filter(to_answer).collect();
    let accepted = firing.len();
    if let Err(error) = desk.inbox.add(&firing) {
        let hint = "see that the trainer's home folder can be written to and the disk is not full; then post again";
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "error": format!("cannot keep the alert: {error}"), "hint": hint })),
        );
    }
    // The receiver lives as long as the process: it cannot be gone.
    firing.into_iter().for_each(|alert| desk.alerts.send(alert).expect("the receiver outlives the server"));
    (StatusCode::ACCEPTED, Json(json!({ "accepted": accepted })))
}

async fn stop() {
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("signals can be listened to");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
