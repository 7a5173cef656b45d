//! A second instance of this module, in which a new model is tried first: one that traps the engine takes nothing along.

use std::sync::Once;

use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsValue};
use worker::wasm_bindgen_futures;

use crate::fleet::Fleet;
use crate::pointer::File;

#[wasm_bindgen(raw_module = "./trial.mjs")]
extern "C" {
    #[wasm_bindgen(js_name = tryModel, catch)]
    async fn try_model(file: &str, bytes: &Uint8Array, golden: Option<&str>) -> Result<JsValue, JsValue>;
}

unsafe extern "C" {
    /// What libraries run before all else; the linker makes it. A module that does not name it is taken for a program, and the linker
    /// has every call of an export, allocations too, run it anew: some 5 µs each.
    fn __wasm_call_ctors();
}

/// Runs what libraries run before all else, once.
pub(crate) fn begin() {
    static BEGIN: Once = Once::new();
    // SAFETY: the linker defines it in every module, and it is called before what it prepares is used, once.
    BEGIN.call_once(|| unsafe { __wasm_call_ctors() });
}

/// Tries a file in the second instance; returns why it cannot serve.
pub(crate) async fn tried(file: &File, bytes: &Uint8Array, golden: Option<&str>) -> Option<String> {
    let file = serde_json::to_string(file).expect("texts and numbers can be written");
    match try_model(&file, bytes, golden).await {
        Ok(error) => error.as_string(),
        Err(error) => Some(format!("it cannot be tried: {}", worker::Error::from(error))),
    }
}

/// What the second instance does.
#[allow(unreachable_pub, reason = "wasm-bindgen exports what is `pub`")]
#[wasm_bindgen(js_name = checkModel)]
pub fn check_model(file: &str, bytes: &[u8], golden: Option<String>) -> Option<String> {
    begin();
    let file: File = serde_json::from_str(file).expect("a file that was written can be read back");
    Fleet::default().stage(&file, bytes, golden.as_deref()).err().map(|refused| refused.error)
}
