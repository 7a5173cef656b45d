//! `POST /v1/predictions` and `/v1/labels`: a record is acknowledged when it is on disk.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::Utc;
use data_contract::Home;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::collector::Batch;
use crate::contracts::Contracts;
use crate::failure::Failure;
use crate::journal::{Journal, Kind};
use crate::serve::answers;
use crate::serve::body::{Encoding, length};
use crate::serve::commit::Commits;
use crate::serve::keys::Keys;
use crate::serve::room::{MAX_BODY, Room, Share};
use crate::serve::telemetry::Telemetry;

/// How long a sender may take for a body.
const BODY_LIMIT: Duration = Duration::from_secs(30);
/// How old the known contracts may be.
const CONTRACTS_LIMIT: Duration = Duration::from_secs(1);

/// What takes records in.
pub(crate) struct Collector {
    home: Home,
    keys: Keys,
    room: Arc<Room>,
    commits: Commits,
    telemetry: Telemetry,
    contracts: Mutex<Option<(Instant, Arc<Contracts>)>>,
}

impl Collector {
    /// The collector of a home folder.
    pub(crate) fn new(home: &Home, keys: Keys, room: Arc<Room>, telemetry: Telemetry) -> Self {
        let commits = Commits::start(Journal::new(home), Arc::clone(&room));
        Self { home: home.clone(), keys, room, commits, telemetry, contracts: Mutex::new(None) }
    }

    /// Its addresses.
    pub(crate) fn router(self) -> Router {
        let open = SetResponseHeaderLayer::overriding(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        Router::new()
            .route("/v1/predictions", post(predictions).options(preflight))
            .route("/v1/labels", post(labels).options(preflight))
            .layer(open)
            .with_state(Arc::new(self))
    }

    /// The contracts as they were at most a second ago.
    fn contracts(&self) -> Result<Arc<Contracts>, Failure> {
        let mut known = self.contracts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, contracts)) = known.as_ref().filter(|(read, _)| read.elapsed() < CONTRACTS_LIMIT) {
            return Ok(Arc::clone(contracts));
        }
        let contracts = Arc::new(Contracts::load(&self.home)?);
        *known = Some((Instant::now(), Arc::clone(&contracts)));
        Ok(contracts)
    }

    /// Looks at the key and at the room that is left, before the body takes any of it.
    async fn admit(&self, headers: &HeaderMap) -> Result<(Encoding, Share), Response> {
        if !self.keys.admit(headers) {
            return Err(answers::no_key());
        }
        let encoding = Encoding::of(headers).map_err(|error| answers::refused(&error.to_string()))?;
        if self.room.is_full() {
            return Err(answers::backlog(self.room.backlog()));
        }
        let share = self.room.share(length(headers), encoding == Encoding::Gzip).await;
        Ok((encoding, share.ok_or_else(answers::busy)?))
    }

    /// Unpacks and checks a body.
    fn read(&self, kind: Kind, encoding: Encoding, bytes: &Bytes) -> Result<Batch, Box<Response>> {
        let text = match encoding.unpack(bytes) {
            Ok(Some(text)) => text,
            Ok(None) => return Err(answers::too_large().into()),
            Err(error) => return Err(answers::refused(&error.to_string()).into()),
        };
        let contracts = self.contracts().map_err(|failure| Box::new(answers::broken(&failure)))?;
        Ok(Batch::read(kind, &text, &contracts, Utc::now()))
    }
}

async fn predictions(State(collector): State<Arc<Collector>>, request: Request) -> Response {
    answer(&collector, Kind::Predictions, request).await
}

async fn labels(State(collector): State<Arc<Collector>>, request: Request) -> Response {
    answer(&collector, Kind::Labels, request).await
}

async fn answer(collector: &Arc<Collector>, kind: Kind, request: Request) -> Response {
    let answer = collect(collector, kind, request).await.unwrap_or_else(|refusal| refusal);
    collector.telemetry.answered(kind, answer.status().as_u16());
    answer
}

/// The share goes where the memory goes, as a sender that leaves ends this function and not what it began.
async fn collect(collector: &Arc<Collector>, kind: Kind, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let (encoding, share) = match collector.admit(&parts.headers).await {
        Ok(admitted) => admitted,
        Err(refusal) => {
            tokio::time::timeout(BODY_LIMIT, discard(body)).await.ok();
            return Err(refusal);
        }
    };
    let bytes = receive(body).await?;
    collector.telemetry.received(kind, bytes.len());
    let reader = Arc::clone(collector);
    let read = tokio::task::spawn_blocking(move || reader.read(kind, encoding, &bytes).map(|batch| (batch, share)));
    let (mut batch, share) = read.await.map_err(|_| answers::failed())?.map_err(|refusal| *refusal)?;
    collector.telemetry.refused(kind, batch.n_refused);
    if batch.n_accepted > 0 {
        let lines = std::mem::take(&mut batch.lines);
        collector.commits.append(kind, lines, share).await.map_err(|failure| answers::broken(&failure))?;
        collector.telemetry.accepted(kind, batch.n_accepted);
    }
    Ok(answers::batch(kind, &batch))
}

async fn receive(body: Body) -> Result<Bytes, Response> {
    match tokio::time::timeout(BODY_LIMIT, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(answers::too_large()),
        Err(_) => Err(answers::too_slow(BODY_LIMIT.as_secs())),
    }
}

/// Reads a body and keeps nothing of it: a sender that is still writing would not see the answer. One that is too large is cut off.
async fn discard(mut body: Body) {
    let mut left = MAX_BODY;
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

async fn preflight() -> Response {
    let allow = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, content-encoding, authorization, x-api-key"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, allow).into_response()
}
