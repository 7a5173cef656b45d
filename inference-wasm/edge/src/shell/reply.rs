//! A reply as the runtime's response. Status and headers of most replies are the same, so what they are made from is kept.

use std::cell::RefCell;
use std::collections::HashMap;

use worker::Headers;
use worker::js_sys::Uint8Array;
use worker::web_sys::{Response, ResponseInit};

use crate::call::Reply;
use crate::edge::Edge;

/// More different replies than there can be; a safeguard.
const MOST_INITS: usize = 1000;

type Kind = (u16, Vec<(&'static str, String)>);

thread_local! {
    static INITS: RefCell<HashMap<Kind, ResponseInit>> = RefCell::default();
}

/// The response to a caller of an origin.
pub(crate) fn to_response(edge: &Edge, reply: Reply, origin: Option<&str>, is_head: bool) -> worker::Result<Response> {
    let init = init((reply.status, edge.headers(&reply, origin)))?;
    let body = (!is_head && !reply.body.is_empty()).then(|| Uint8Array::from(reply.body.as_bytes()));
    Ok(match body {
        Some(body) => Response::new_with_opt_buffer_source_and_init(Some(&body), &init)?,
        None => Response::new_with_opt_str_and_init(None, &init)?,
    })
}

/// The headers of a reply, for a response that is made otherwise.
pub(crate) fn headers(edge: &Edge, reply: &Reply, origin: Option<&str>) -> worker::Result<Headers> {
    to_headers(&edge.headers(reply, origin))
}

fn to_headers(pairs: &[(&'static str, String)]) -> worker::Result<Headers> {
    let headers = Headers::new();
    pairs.iter().try_for_each(|(name, value)| headers.set(name, value))?;
    Ok(headers)
}

fn init(kind: Kind) -> worker::Result<ResponseInit> {
    if let Some(init) = INITS.with_borrow(|inits| inits.get(&kind).cloned()) {
        return Ok(init);
    }
    let init = ResponseInit::new();
    init.set_status(kind.0);
    init.set_headers(&to_headers(&kind.1)?.0);
    INITS.with_borrow_mut(|inits| {
        if inits.len() < MOST_INITS {
            inits.insert(kind, init.clone());
        }
    });
    Ok(init)
}
