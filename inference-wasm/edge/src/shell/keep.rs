//! What outlives a trap, which ends this WebAssembly instance: it lies in JavaScript, in `js/keep.mjs`.

use std::cell::Cell;

use worker::js_sys::{Array, ArrayBuffer, JsString, Map, Uint8Array};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsCast, JsValue};

use crate::outbox::Parcel;

#[wasm_bindgen(raw_module = "./keep.mjs")]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = lines)]
    static LINES: Map;

    type Kept;
    #[wasm_bindgen(thread_local_v2, js_name = kept)]
    static KEPT: Kept;
    #[wasm_bindgen(method, getter)]
    fn model(this: &Kept) -> ArrayBuffer;
    #[wasm_bindgen(method, getter, js_name = isEmbedding)]
    fn is_embedding(this: &Kept) -> bool;
    #[wasm_bindgen(method, setter, js_name = isEmbedding)]
    fn set_is_embedding(this: &Kept, is_embedding: bool);
    #[wasm_bindgen(method, getter)]
    fn pointer(this: &Kept) -> Option<String>;
    #[wasm_bindgen(method, setter)]
    fn set_pointer(this: &Kept, pointer: &str);
    #[wasm_bindgen(method, getter)]
    fn files(this: &Kept) -> Map;
    #[wasm_bindgen(method, setter)]
    fn set_files(this: &Kept, files: &Map);
}

/// Keeps the lines of an answer.
pub(crate) fn put_lines(lines: &str) -> Parcel {
    thread_local! {
        static NEXT: Cell<u32> = Cell::new(left_lines().iter().map(|parcel| parcel.ticket + 1).max().unwrap_or(0));
    }
    let ticket = NEXT.with(|next| next.replace(next.get().wrapping_add(1)));
    LINES.with(|all| all.set(&ticket.into(), &lines.into()));
    Parcel { ticket, n_lines: count(lines) }
}

/// The lines that lie under some tickets.
pub(crate) fn lines(tickets: &[u32]) -> JsString {
    let texts: Array = LINES.with(|all| tickets.iter().map(|ticket| all.get(&(*ticket).into())).collect());
    texts.join("")
}

/// Forgets the lines under some tickets.
pub(crate) fn forget_lines(tickets: &[u32]) {
    LINES.with(|all| tickets.iter().map(|ticket| JsValue::from(*ticket)).for_each(|ticket| _ = all.delete(&ticket)));
}

/// What an instance before this one has left, oldest first.
pub(crate) fn left_lines() -> Vec<Parcel> {
    let mut left = Vec::new();
    LINES.with(|all| {
        all.for_each(&mut |lines, ticket| {
            let (ticket, lines) = (ticket.as_f64().unwrap_or_default() as u32, lines.as_string().unwrap_or_default());
            left.push(Parcel { ticket, n_lines: count(&lines) });
        });
    });
    left
}

fn count(lines: &str) -> usize {
    lines.bytes().filter(|byte| *byte == b'\n').count()
}

/// The bytes of the model that came with the worker.
pub(crate) fn embedded_model() -> Vec<u8> {
    Uint8Array::new(&KEPT.with(Kept::model)).to_vec()
}

/// Whether loading the model that came with the worker was begun and never ended.
pub(crate) fn is_embedding() -> bool {
    KEPT.with(Kept::is_embedding)
}

/// Notes that it begins, or has ended.
pub(crate) fn set_embedding(is_embedding: bool) {
    KEPT.with(|kept| kept.set_is_embedding(is_embedding));
}

/// The pointer whose models serve.
pub(crate) fn pointer() -> Option<String> {
    KEPT.with(Kept::pointer)
}

/// The bytes of a file that serves, by its digest.
pub(crate) fn file(sha256: &str) -> Option<Uint8Array> {
    KEPT.with(Kept::files).get(&sha256.into()).dyn_into().ok()
}

/// Keeps what serves: a pointer, and its files' bytes by digest.
pub(crate) fn set_served(pointer: &str, files: &[(String, Uint8Array)]) {
    let map = Map::new();
    files.iter().for_each(|(sha256, bytes)| drop(map.set(&JsValue::from(sha256), bytes)));
    KEPT.with(|kept| {
        kept.set_pointer(pointer);
        kept.set_files(&map);
    });
}
