//! The worker as the runtime calls it: events come in, bodies and models are read, answers and the log go out.
//!
//! What is decided is decided by the modules beside this one, which know nothing of a runtime. Requests and responses are those of
//! `web_sys`, which the crate `worker` takes as well as its own: its own ask the runtime for more than is needed here.

mod body;
mod head;
mod isolate;
mod keep;
mod mailer;
mod models;
mod places;
mod preload;
mod reply;
mod store;
mod stream;
mod trial;

use std::rc::Rc;
use std::time::Duration;

use worker::web_sys::{Request, Response};
use worker::{Context, Delay, Env, MessageBatch, console_error, event};

use crate::auth::Caller;
use crate::call::{Call, NDJSON};
use crate::refusal::Fault;
use head::Head;
use isolate::Isolate;
use reply::to_response;

/// Answers a request; what fails on our side is told in the log and not to the caller.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let isolate = Isolate::of(&env);
    let text = head::text(&request);
    let head = Head::parse(&text);
    match answer(&isolate, &request, &head, Rc::new(context)).await {
        Ok(response) => Ok(response),
        Err(error) => {
            console_error!("a request failed: {error}");
            refuse(&isolate, Fault::Ours, head.origin)
        }
    }
}

/// Writes queued log lines where they belong. What cannot be written comes again after as long as it has waited, so later each time.
#[event(queue)]
async fn queue(batch: MessageBatch<String>, env: Env, _context: Context) -> worker::Result<()> {
    mailer::deliver(&batch, &env).await;
    Ok(())
}

/// A request that was read.
struct Asked {
    path: String,
    query: String,
    id: String,
    time: String,
    body: Vec<u8>,
}

impl Asked {
    fn call(&self) -> Call<'_> {
        Call { path: &self.path, query: &self.query, id: &self.id, time: &self.time, body: &self.body }
    }
}

async fn answer(isolate: &Rc<Isolate>, request: &Request, head: &Head<'_>, context: Rc<Context>) -> worker::Result<Response> {
    let &Head { method, path, query, origin, .. } = head;
    let admitted = isolate.edge.borrow().admit(method, path, head.authorization, head.api_key);
    let caller = match admitted {
        Ok(caller) => caller,
        Err(reply) => return to_response(&isolate.edge.borrow(), reply, origin, method == "HEAD"),
    };
    if method == "POST" && !is_within_rate(isolate, caller, request).await? {
        return refuse(isolate, Fault::Rate, origin);
    }
    isolate.models.ready(&context).await;
    isolate.go_on_sending(&context);
    if method != "POST" {
        return describe(isolate, path, origin, method == "HEAD");
    }
    // The caller's id, so that a repeated request is logged once; else a new one.
    let id = head.request_id.filter(|id| crate::oip::fits(id)).map_or_else(isolate::random_id, str::to_owned);
    if path == "/predict" && head.content_type.is_some_and(|kind| kind.starts_with(NDJSON)) {
        return stream::answer(isolate, request, query, id, origin, &context);
    }
    match body::read(request, head.content_length, &isolate.limits()).await? {
        Ok(body) => {
            let asked = Asked { path: path.into(), query: query.into(), id, time: isolate.log_time(), body };
            predict(isolate, asked, origin, &context)
        }
        Err(fault) => refuse(isolate, fault, origin),
    }
}

/// Answers a request without a body.
fn describe(isolate: &Isolate, path: &str, origin: Option<&str>, is_head: bool) -> worker::Result<Response> {
    isolate.note_log();
    let edge = isolate.edge.borrow();
    to_response(&edge, edge.respond(&Call { path, ..Call::default() }), origin, is_head)
}

/// Answers a request whose body was read to its end, and logs what was predicted.
fn predict(isolate: &Rc<Isolate>, asked: Asked, origin: Option<&str>, context: &Rc<Context>) -> worker::Result<Response> {
    let edge = isolate.edge.borrow();
    let mut reply = edge.respond(&asked.call());
    if let Some(lines) = reply.log.take() {
        isolate.log(&lines, context);
    }
    if reply.status == 200 && edge.has_shadow(&asked.id) {
        ask_shadow(isolate, asked, None, context);
    }
    to_response(&edge, reply, origin, false)
}

/// Asks the shadow once the answer is on its way. The lines of a stream come with the number of the first.
fn ask_shadow(isolate: &Rc<Isolate>, asked: Asked, first_row: Option<usize>, context: &Rc<Context>) {
    let (isolate, later) = (isolate.clone(), context.clone());
    context.wait_until(async move {
        Delay::from(Duration::ZERO).await;
        let lines = isolate.edge.borrow().shadow(&asked.call(), first_row);
        if let Some(lines) = lines {
            isolate.log(&lines, &later);
        }
    });
}

/// The answer to what goes wrong while a request is read.
fn refuse(isolate: &Isolate, fault: Fault, origin: Option<&str>) -> worker::Result<Response> {
    let edge = isolate.edge.borrow();
    to_response(&edge, edge.fault(fault), origin, false)
}

/// Each key, and without keys each address, has a rate of its own.
async fn is_within_rate(isolate: &Isolate, caller: Caller, request: &Request) -> worker::Result<bool> {
    let Some(limiter) = &isolate.rate_limit else { return Ok(true) };
    let key = match caller {
        Caller::Key(index) => format!("key {index}"),
        _ => format!("address {}", request.headers().get("cf-connecting-ip")?.unwrap_or_else(|| "unknown".into())),
    };
    Ok(limiter.limit(key).await?.success)
}
