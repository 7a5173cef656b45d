//! A request as this core sees it, and its answer.

use std::borrow::Cow;

use inference_predictor::Refusal;
use serde::Serialize;

const JSON: &str = "application/json; charset=utf-8";
/// What a stream of records and of answers is called.
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// What of a request is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Call<'a> {
    /// Without the query.
    pub(crate) path: &'a str,
    /// What stands behind the path, if anything does.
    pub(crate) query: &'a str,
    /// Under which the prediction is logged: the caller's, or one made for it.
    pub(crate) id: &'a str,
    /// Now, UTC in ISO 8601.
    pub(crate) time: &'a str,
    /// All of it.
    pub(crate) body: &'a [u8],
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// What the body is.
    pub(crate) content_type: &'static str,
    /// More headers.
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub(crate) body: String,
    /// Lines for the prediction log.
    pub(crate) log: Option<String>,
}

impl Reply {
    /// JSON that is written already.
    pub(crate) fn json_text(status: u16, body: String) -> Self {
        Self { status, content_type: JSON, body, ..Self::default() }
    }

    /// A value as JSON.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self::json_text(200, serde_json::to_string(value).expect("an answer holds only what JSON can say"))
    }

    /// Lines of JSON.
    pub(crate) fn lines(body: String) -> Self {
        Self { status: 200, content_type: NDJSON, body, ..Self::default() }
    }

    /// The same with a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with lines for the log.
    pub(crate) fn logging(self, log: Option<String>) -> Self {
        Self { log, ..self }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let body = serde_json::to_string(&refusal).expect("a refusal holds only what JSON can say");
        let reply = Self::json_text(refusal.status, body);
        match refusal.status {
            401 => reply.with("www-authenticate", "Bearer"),
            429 => reply.with("retry-after", "60"),
            _ => reply,
        }
    }
}

impl From<Result<Self, Refusal>> for Reply {
    fn from(result: Result<Self, Refusal>) -> Self {
        result.unwrap_or_else(Self::from)
    }
}
