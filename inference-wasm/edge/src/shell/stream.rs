//! A stream of records in, a stream of answers out: line by line, as they come.

use std::rc::Rc;

use futures_util::stream::unfold;
use worker::web_sys::{ReadableStreamDefaultReader, Request, Response};
use worker::{Context, ResponseBuilder, console_error};

use super::body::{next, reader, within};
use super::isolate::{Isolate, Limits};
use super::{Asked, ask_shadow, reply};
use crate::call::Call;
use crate::lines::Lines;
use crate::refusal::Fault;

struct Stream {
    isolate: Rc<Isolate>,
    context: Rc<Context>,
    id: String,
    reader: Option<ReadableStreamDefaultReader>,
    limits: Limits,
    lines: Lines,
    /// How many records came before.
    row: usize,
}

/// Answers `application/x-ndjson`. A fault in the middle ends the stream with a line that tells it.
pub(crate) fn answer(
    isolate: &Rc<Isolate>,
    request: &Request,
    query: &str,
    id: String,
    origin: Option<&str>,
    context: &Rc<Context>,
) -> worker::Result<Response> {
    let opened = isolate.edge.borrow().stream(&Call { path: "/predict", query, id: &id, ..Call::default() }, 0);
    if opened.status != 200 {
        return reply::to_response(&isolate.edge.borrow(), opened, origin, false);
    }
    let headers = reply::headers(&isolate.edge.borrow(), &opened, origin)?;
    let limits = isolate.limits();
    let stream = Stream {
        isolate: isolate.clone(),
        context: context.clone(),
        id,
        reader: reader(request),
        limits,
        lines: Lines::new(limits.max_body_bytes, limits.max_stream_bytes),
        row: 0,
    };
    let answers = unfold(Some(stream), async |stream| {
        let mut stream = stream?;
        match stream.next().await {
            Ok((answers, true)) => Some((Ok::<_, worker::Error>(answers), Some(stream))),
            Ok((answers, false)) => (!answers.is_empty()).then_some((Ok(answers), None)),
            Err(fault) => Some((Ok(stream.end(fault)), None)),
        }
    });
    Ok(ResponseBuilder::new().with_headers(headers).from_stream(answers)?.into())
}

impl Stream {
    /// The next answers, and whether there may be more.
    async fn next(&mut self) -> Result<(Vec<u8>, bool), Fault> {
        while let Some(chunk) = self.read().await? {
            let whole = self.lines.push(&chunk)?;
            if !whole.is_empty() {
                let answers = self.answered(whole);
                if !answers.is_empty() {
                    return Ok((answers, true));
                }
            }
        }
        let last = self.lines.finish();
        Ok((if last.is_empty() { last } else { self.answered(last) }, false))
    }

    async fn read(&self) -> Result<Option<Vec<u8>>, Fault> {
        let Some(reader) = &self.reader else { return Ok(None) };
        let read = within(self.limits.timeout_ms, next(reader)).await.ok_or(Fault::Slow)?;
        read.map_err(|error| {
            console_error!("a stream broke off: {error:?}");
            Fault::Ours
        })
    }

    /// The answers to whole lines; what was predicted is logged.
    fn answered(&mut self, lines: Vec<u8>) -> Vec<u8> {
        let asked = Asked {
            path: "/predict".into(),
            query: String::new(),
            id: self.id.clone(),
            time: self.isolate.log_time(),
            body: lines,
        };
        let edge = self.isolate.edge.borrow();
        let reply = edge.stream(&asked.call(), self.row);
        if let Some(lines) = &reply.log {
            self.isolate.log(lines, &self.context);
        }
        if edge.has_shadow(&self.id) {
            ask_shadow(&self.isolate, asked, Some(self.row), &self.context);
        }
        self.row += reply.body.lines().count();
        reply.body.into_bytes()
    }

    /// The line that ends a stream for a fault.
    fn end(&self, fault: Fault) -> Vec<u8> {
        if let Some(reader) = &self.reader {
            let _ = reader.cancel();
        }
        (self.isolate.edge.borrow().fault(fault).body + "\n").into_bytes()
    }
}
