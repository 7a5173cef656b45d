//! The model that came with the worker, loaded before it is deployed: `../preload.mjs` calls [`preload`] and writes the module anew with
//! the memory as it is then. A worker that starts finds it loaded.

use std::cell::RefCell;

use worker::wasm_bindgen;
use worker::wasm_bindgen::prelude::wasm_bindgen;

use super::trial::begin;
use crate::fleet::Preloaded;

thread_local! {
    static PRELOADED: RefCell<Option<Preloaded>> = const { RefCell::new(None) };
}

/// Loads a model file; else tells why it cannot serve. No call leaves WebAssembly meanwhile, as there is nobody to answer it.
#[allow(unreachable_pub, reason = "wasm-bindgen exports what is `pub`")]
#[wasm_bindgen]
pub fn preload(model: &[u8]) -> Option<String> {
    begin();
    Preloaded::load(model).map(|preloaded| PRELOADED.set(Some(preloaded))).err()
}

/// What was loaded, once.
pub(crate) fn take() -> Option<Preloaded> {
    PRELOADED.take()
}
