//! The body of a request, read no further than its limit and for no longer than its time.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use worker::Delay;
use worker::js_sys::{Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{Headers, ReadableStreamDefaultReader, Request};

use super::header;
use super::isolate::Limits;
use crate::refusal::Fault;

/// A body that is too long is read to its end up to here, and forgotten: a client that is still sending would lose the answer.
const MOST_READ_BYTES: usize = 16 << 20;

/// The whole body, or why it is not taken.
pub(crate) async fn read(request: &Request, headers: &Headers, limits: &Limits) -> worker::Result<Result<Vec<u8>, Fault>> {
    let declared: Option<usize> = header(headers, "content-length").and_then(|length| length.parse().ok());
    let read = match declared {
        Some(length) if length > MOST_READ_BYTES => return Ok(Err(Fault::Long)),
        Some(length) if length <= limits.max_body_bytes => within(limits.timeout_ms, read_whole(request)).await,
        _ => within(limits.timeout_ms, read_limited(request, limits.max_body_bytes)).await,
    };
    match read {
        Some(read) => Ok(read?),
        None => Ok(Err(Fault::Slow)),
    }
}

/// What comes of a future, unless it takes too long.
pub(crate) async fn within<T>(timeout_ms: u32, future: impl Future<Output = T>) -> Option<T> {
    let late = Delay::from(Duration::from_millis(timeout_ms.into()));
    match select(pin!(future), pin!(late)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

async fn read_whole(request: &Request) -> Result<Result<Vec<u8>, Fault>, JsValue> {
    let buffer = JsFuture::from(request.array_buffer()?).await?;
    Ok(Ok(Uint8Array::new(&buffer).to_vec()))
}

async fn read_limited(request: &Request, max_body_bytes: usize) -> Result<Result<Vec<u8>, Fault>, JsValue> {
    let mut bytes = Vec::new();
    let mut n_read = 0;
    let Some(reader) = reader(request) else { return Ok(Ok(bytes)) };
    while n_read <= MOST_READ_BYTES {
        let Some(chunk) = next(&reader).await? else { break };
        n_read += chunk.len();
        if n_read <= max_body_bytes {
            bytes.extend(chunk);
        }
    }
    // Nobody waits for the rest, so its end, good or bad, does not matter.
    let _ = reader.cancel();
    Ok(if n_read > max_body_bytes { Err(Fault::Long) } else { Ok(bytes) })
}

/// What reads the body; none when there is none.
pub(crate) fn reader(request: &Request) -> Option<ReadableStreamDefaultReader> {
    Some(request.body()?.get_reader().unchecked_into())
}

/// The next chunk; none at the end.
pub(crate) async fn next(reader: &ReadableStreamDefaultReader) -> Result<Option<Vec<u8>>, JsValue> {
    let read = JsFuture::from(reader.read()).await?;
    if Reflect::get(&read, &"done".into())?.is_truthy() {
        return Ok(None);
    }
    Ok(Some(Uint8Array::new(&Reflect::get(&read, &"value".into())?).to_vec()))
}
