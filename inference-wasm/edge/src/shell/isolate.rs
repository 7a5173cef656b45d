//! What an isolate keeps: made at its first request, as only that brings the bindings.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use serde_json::{Map, Value as Json};
use worker::js_sys::{Array, Date, JSON, Object};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsCast, JsValue};
use worker::{Context, Env, RateLimiter};

use super::mailer::Mailer;
use super::models::Models;
use super::places::Places;
use super::store::{Store, binding};
use super::trial::begin;
use crate::config::Outside;
use crate::describe::LogState;
use crate::edge::Edge;

/// The worker in this isolate.
pub(crate) struct Isolate {
    /// What decides. It is borrowed between two waits, never over one.
    pub(crate) edge: Rc<RefCell<Edge>>,
    /// What follows the pointer.
    pub(crate) models: Rc<Models>,
    /// What sends the log; none when nothing is bound for it.
    mailer: Option<Rc<Mailer>>,
    /// How often one caller may ask.
    pub(crate) rate_limit: Option<RateLimiter>,
}

/// How long a body may be and take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The longest body, and the longest line of a stream.
    pub(crate) max_body_bytes: usize,
    /// The longest stream.
    pub(crate) max_stream_bytes: u64,
    /// How long a body, or the next piece of a stream, may take.
    pub(crate) timeout_ms: u32,
}

impl Isolate {
    /// The isolate's own.
    pub(crate) fn of(env: &Env) -> Rc<Self> {
        thread_local! {
            static ISOLATE: OnceCell<Rc<Isolate>> = const { OnceCell::new() };
        }
        ISOLATE.with(|isolate| isolate.get_or_init(|| Rc::new(Self::wake(env))).clone())
    }

    fn wake(env: &Env) -> Self {
        begin();
        let mut edge = Edge::new(&vars(env), false);
        let outside = edge.config().map(|config| config.outside.clone()).ok();
        let places = outside.as_ref().and_then(|outside| Places::of(env, &outside.collector));
        edge.log = places.is_some().then(LogState::default);
        let edge = Rc::new(RefCell::new(edge));
        let models = Rc::new(Models::new(edge.clone(), Store::of(env), outside.as_ref()));
        let mailer = outside.zip(places).map(|(outside, places)| Rc::new(Mailer::new(places, &outside)));
        Self { edge, models, mailer, rate_limit: binding(env, "RATE_LIMIT") }
    }

    /// How long a body may be and take. Settings that cannot be read let no request come this far.
    pub(crate) fn limits(&self) -> Limits {
        let edge = self.edge.borrow();
        let Outside { max_body_bytes, max_stream_bytes, timeout_ms, .. } = edge.config().expect("a request was admitted").outside;
        Limits { max_body_bytes, max_stream_bytes, timeout_ms }
    }

    /// The time that is logged; empty where nothing is.
    pub(crate) fn log_time(&self) -> String {
        if self.mailer.is_some() { now() } else { String::new() }
    }

    /// Logs lines, behind the answer.
    pub(crate) fn log(&self, lines: &str, context: &Context) {
        if let Some(mailer) = &self.mailer {
            mailer.push(lines, context);
        }
    }

    /// Sees to it that what waits is sent.
    pub(crate) fn go_on_sending(&self, context: &Context) {
        if let Some(mailer) = &self.mailer {
            mailer.go_on(context);
        }
    }

    /// Notes how the log fares, for those who ask.
    pub(crate) fn note_log(&self) {
        self.edge.borrow_mut().log = self.mailer.as_ref().map(|mailer| mailer.state());
    }
}

/// The bindings that are texts or numbers.
fn vars(env: &Env) -> Map<String, Json> {
    let entries = Object::entries(env.unchecked_ref::<Object>());
    entries.iter().filter_map(|entry| var(&Array::from(&entry))).collect()
}

fn var(entry: &Array) -> Option<(String, Json)> {
    let value = entry.get(1);
    let is_var = value.is_string() || value.as_f64().is_some();
    let json = is_var.then(|| JSON::stringify(&value).ok()).flatten()?;
    Some((entry.get(0).as_string()?, serde_json::from_str(&String::from(json)).ok()?))
}

/// Now, UTC in ISO 8601.
pub(crate) fn now() -> String {
    Date::new(&JsValue::from_f64(Date::now())).to_iso_string().into()
}

#[wasm_bindgen]
extern "C" {
    /// A new id, which no other prediction has.
    #[wasm_bindgen(js_namespace = crypto, js_name = randomUUID)]
    pub(crate) fn random_id() -> String;
}
