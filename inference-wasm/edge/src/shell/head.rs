//! The head of a request, read in one call of `js/request.mjs`.

use worker::wasm_bindgen;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::Request;

use crate::route::path_and_query;

#[wasm_bindgen(raw_module = "./request.mjs")]
extern "C" {
    /// The head of a request as text: a line each for the method, the address and some headers.
    #[wasm_bindgen(js_name = head)]
    pub(crate) fn text(request: &Request) -> String;
}

/// What of the head is looked at. A header that is empty counts as none.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) origin: Option<&'a str>,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) api_key: Option<&'a str>,
    pub(crate) content_type: Option<&'a str>,
    /// In bytes, when it is known.
    pub(crate) content_length: Option<usize>,
    pub(crate) request_id: Option<&'a str>,
}

impl<'a> Head<'a> {
    /// Reads what [`text`] gives: headers come in the order of `HEADERS` there.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut lines = text.split('\n');
        let method = lines.next().unwrap_or_default();
        let (path, query) = path_and_query(lines.next().unwrap_or_default());
        let mut header = || lines.next().filter(|line| !line.is_empty());
        Self {
            method,
            path,
            query,
            origin: header(),
            authorization: header(),
            api_key: header(),
            content_type: header(),
            content_length: header().and_then(|length| length.parse().ok()),
            request_id: header(),
        }
    }
}
