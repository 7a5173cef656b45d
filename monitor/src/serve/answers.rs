//! What the server answers: JSON with an error and a hint, and a status that tells whose turn it is.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;

use crate::collector::{Batch, hint};
use crate::failure::Failure;
use crate::journal::Kind;

/// Seconds after which a sender may try again where memory was short.
const SOON: u32 = 1;
/// The same where the disk holds too much that is not compacted.
const LATER: u32 = 10;

/// What became of a body.
pub(crate) fn batch(kind: Kind, batch: &Batch) -> Response {
    let Some(first) = batch.refused.first() else {
        return Json(json!({ "accepted": batch.n_accepted, "n_refused": 0, "refused": [] })).into_response();
    };
    let body = json!({
        "error": first.error, "hint": hint(kind), "row": first.row,
        "accepted": batch.n_accepted, "n_refused": batch.n_refused, "refused": batch.refused,
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// The key is missing or wrong.
pub(crate) fn no_key() -> Response {
    let answer = explain(
        StatusCode::UNAUTHORIZED,
        "the key is missing or wrong",
        "send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
    );
    ([(header::WWW_AUTHENTICATE, "Bearer")], answer).into_response()
}

/// Other requests hold the memory.
pub(crate) fn busy() -> Response {
    let answer = explain(StatusCode::TOO_MANY_REQUESTS, "too many records are on their way", "send them again in a moment");
    ([(header::RETRY_AFTER, SOON)], answer).into_response()
}

/// The journal is too long.
pub(crate) fn backlog(bytes: u64) -> Response {
    let error = format!("{} MiB of records wait to be written to the log", bytes >> 20);
    let hint = "send them again later; if this lasts, look at the server's log for compactions that fail";
    ([(header::RETRY_AFTER, LATER)], explain(StatusCode::TOO_MANY_REQUESTS, &error, hint)).into_response()
}

/// The body is larger than allowed.
pub(crate) fn too_large() -> Response {
    explain(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 8 MiB", "send the records in several bodies")
}

/// The body did not arrive in time.
pub(crate) fn too_slow(seconds: u64) -> Response {
    let error = format!("the body did not arrive within {seconds} s");
    explain(StatusCode::REQUEST_TIMEOUT, &error, "send the records in smaller bodies")
}

/// The body is not what it should be.
pub(crate) fn refused(error: &str) -> Response {
    explain(StatusCode::BAD_REQUEST, error, "send JSON in UTF-8, plain or with Content-Encoding: gzip")
}

/// Nothing was kept, for a reason that lies here.
pub(crate) fn broken(failure: &Failure) -> Response {
    let status = if failure.disk_is_full() { StatusCode::INSUFFICIENT_STORAGE } else { StatusCode::INTERNAL_SERVER_ERROR };
    explain(status, &failure.told(), &failure.hint())
}

/// Something went wrong that no one foresaw.
pub(crate) fn failed() -> Response {
    explain(StatusCode::INTERNAL_SERVER_ERROR, "the record could not be kept", "look at the server's log")
}

/// No such address.
pub(crate) async fn nothing_here() -> Response {
    explain(
        StatusCode::NOT_FOUND,
        "there is nothing here",
        "try /report, /health, /model/manifest.json, or start with `--web DIR` to serve a site",
    )
}

/// An error and what to do about it.
pub(crate) fn explain(status: StatusCode, error: &str, hint: &str) -> Response {
    (status, Json(json!({ "error": error, "hint": hint }))).into_response()
}
