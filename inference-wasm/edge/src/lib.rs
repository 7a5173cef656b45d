//! The worker's view of the predictor: answers over HTTP at the edge, on Cloudflare or plain workerd.
//!
//! | request | answer |
//! |---|---|
//! | `POST /predict` | one record, a list, `{"records": [...]}`, or lines of `application/x-ndjson` in; predictions out |
//! | `POST /predict?explain=1` | the same, with what each column adds to each prediction |
//! | `GET /health` | which model serves, and what was refused |
//! | `GET /model` | which model this is, and its contract as JSON Schema |
//! | `GET /openapi.json` | all this as OpenAPI 3.1 |
//! | `/v2/…` | Open Inference Protocol v2 |
//!
//! Every error is `{"error", "hint"}`: 4xx for a fault of the request, 5xx for one of ours; nothing of what was sent is repeated.
//! Each answer carries the id under which its prediction is logged, so that the true class can be reported later.
//!
//! What is decided is decided without a clock and without I/O, and is tested natively. [`shell`] does the rest on the crate `worker`:
//! events, bodies, models from their store, the log's way out.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively only the tests call this crate"))]

mod auth;
mod call;
mod config;
mod cors;
mod describe;
mod edge;
mod fleet;
mod lines;
mod log;
mod messages;
mod oip;
mod openapi;
mod outbox;
mod pointer;
mod predict;
mod refusal;
mod route;
mod rows;
#[cfg(target_arch = "wasm32")]
mod shell;
mod tensors;
mod traffic;
mod wanted;
