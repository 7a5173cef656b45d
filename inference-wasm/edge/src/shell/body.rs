//! The body of a request, read no further than its limit and for no longer than its time.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use worker::Delay;
use worker::js_sys::{Reflect, Uint8Array};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsCast, JsValue};
use worker::wasm_bindgen_futures::{self, JsFuture};
use worker::web_sys::{ReadableStreamDefaultReader, Request};

use super::isolate::Limits;
use crate::refusal::Fault;

#[wasm_bindgen(raw_module = "./request.mjs")]
extern "C" {
    /// What [`within`] would do with the body's promise, with fewer calls between WebAssembly and JavaScript.
    #[wasm_bindgen(catch)]
    async fn body(request: &Request, timeout_ms: u32) -> Result<JsValue, JsValue>;
}

/// A body that is too long is read to its end up to here, and forgotten: a client that is still sending would lose the answer.
const MOST_READ_BYTES: usize = 16 << 20;

/// The whole body, or why it is not taken.
pub(crate) async fn read(
    request: &Request,
    content_length: Option<usize>,
    limits: &Limits,
) -> worker::Result<Result<Vec<u8>, Fault>> {
    Ok(match content_length {
        Some(length) if length > MOST_READ_BYTES => Err(Fault::Long),
        Some(length) if length <= limits.max_body_bytes => read_whole(request, limits.timeout_ms).await?,
        _ => match within(limits.timeout_ms, read_limited(request, limits.max_body_bytes)).await {
            Some(read) => read?,
            None => Err(Fault::Slow),
        },
    })
}

/// What comes of a future, unless it takes too long.
pub(crate) async fn within<T>(timeout_ms: u32, future: impl Future<Output = T>) -> Option<T> {
    let late = Delay::from(Duration::from_millis(timeout_ms.into()));
    match select(pin!(future), pin!(late)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

async fn read_whole(request: &Request, timeout_ms: u32) -> Result<Result<Vec<u8>, Fault>, JsValue> {
    let buffer = body(request, timeout_ms).await?;
    Ok(if buffer.is_undefined() { Err(Fault::Slow) } else { Ok(Uint8Array::new(&buffer).to_vec()) })
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
