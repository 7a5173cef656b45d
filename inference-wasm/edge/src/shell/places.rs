//! Where log lines go, and where those go that cannot.
//!
//! | binding | what |
//! |---|---|
//! | `LOG_QUEUE` | Queue: each answer's lines are one message or a few; the consumer, this worker too, delivers them |
//! | `COLLECTOR_URL`, `COLLECTOR_KEY` | the monitor's collector, which keeps a prediction once however often it comes, and its key |
//! | `LOGS` | R2 bucket: objects of NDJSON in the log's layout |
//! | `DEAD_LETTERS` | R2 bucket; `DEAD_LETTER_QUEUE` a Queue, `DEAD_LETTER_DISK` a disk service of workerd |

use futures_util::future::try_join_all;
use worker::js_sys::JsString;
use worker::{
    AbortSignal, BatchMessageBuilder, Bucket, Env, Fetch, Fetcher, Headers, Method, Queue, QueueContentType, RawMessageBuilder,
    Request, RequestInit, console_error, web_sys,
};

use super::isolate::{now, random_id};
use super::store::binding;
use crate::config::Collector;
use crate::log;
use crate::messages::{BATCH_MESSAGES, messages};

const POST_TIMEOUT_MS: u32 = 10_000;

/// How the lines of answers leave the isolate.
pub(crate) struct Places {
    way: Way,
    burial: Option<Burial>,
}

enum Way {
    Queue(Queue),
    Collector(Collector),
}

enum Burial {
    Bucket(Bucket),
    Queue(Queue),
    Disk(Fetcher),
}

impl Places {
    /// What is bound; none when nothing is.
    pub(crate) fn of(env: &Env, collector: &Collector) -> Option<Self> {
        let collector = || (!collector.url.is_empty()).then(|| Way::Collector(collector.clone()));
        let way = binding(env, "LOG_QUEUE").map(Way::Queue).or_else(collector)?;
        let burial = binding(env, "DEAD_LETTERS")
            .map(Burial::Bucket)
            .or_else(|| binding(env, "DEAD_LETTER_QUEUE").map(Burial::Queue))
            .or_else(|| binding(env, "DEAD_LETTER_DISK").map(Burial::Disk));
        Some(Self { way, burial })
    }

    /// Sends lines on their way; fails when they did not arrive.
    pub(crate) async fn send(&self, lines: &JsString) -> worker::Result<()> {
        match &self.way {
            Way::Queue(queue) => enqueue(queue, &String::from(lines)).await,
            Way::Collector(collector) => post(collector, lines).await,
        }
    }

    /// Puts lines that could not be sent with the dead letters.
    pub(crate) async fn bury(&self, lines: &JsString) -> worker::Result<()> {
        let name = || format!("{}-{}.ndjson", now().replace(':', "-"), random_id());
        match &self.burial {
            Some(Burial::Bucket(bucket)) => {
                bucket.put(format!("dead-letters/{}", name()), String::from(lines)).execute().await.map(drop)
            }
            Some(Burial::Queue(queue)) => enqueue(queue, &String::from(lines)).await,
            Some(Burial::Disk(disk)) => put(disk, &name(), lines).await,
            None => Err("no place for dead letters is bound".into()),
        }
    }
}

/// What the consumer of a queue does with lines: objects in `LOGS`, else a post to the collector.
pub(crate) async fn deliver(env: &Env, collector: &Collector, lines: String) -> worker::Result<()> {
    if let Some(logs) = binding::<Bucket>(env, "LOGS") {
        let puts = log::objects(&lines).into_iter().map(|(name, lines)| logs.put(name, lines).execute());
        return try_join_all(puts).await.map(drop);
    }
    if collector.url.is_empty() {
        return Err("neither LOGS nor COLLECTOR_URL is bound".into());
    }
    post(collector, &lines.into()).await
}

async fn enqueue(queue: &Queue, lines: &str) -> worker::Result<()> {
    for some in messages(lines).chunks(BATCH_MESSAGES) {
        let message = |lines: &&str| RawMessageBuilder::new((*lines).into()).build_with_content_type(QueueContentType::Text);
        queue.send_raw_batch(BatchMessageBuilder::new().messages(some.iter().map(message)).build()).await?;
    }
    Ok(())
}

async fn post(Collector { url, key }: &Collector, lines: &JsString) -> worker::Result<()> {
    let headers = Headers::new();
    headers.set("content-type", "application/x-ndjson")?;
    if !key.is_empty() {
        headers.set("x-api-key", key)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(lines.into()));
    let request = Request::new_with_init(&format!("{url}/v1/predictions"), &init)?;
    let timeout = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(POST_TIMEOUT_MS));
    let mut response = Fetch::Request(request).send_with_signal(&timeout).await?;
    let answer = response.text().await?;
    match response.status_code() {
        200..300 => Ok(()),
        // The collector keeps the good lines of a body beside bad ones, which would be bad again.
        400 if answer.contains("\"n_refused\"") => {
            console_error!("the collector refused lines of the log: {}", answer.chars().take(300).collect::<String>());
            Ok(())
        }
        status => Err(format!("the collector answers with status {status}").into()),
    }
}

async fn put(disk: &Fetcher, name: &str, lines: &JsString) -> worker::Result<()> {
    let mut init = RequestInit::new();
    init.with_method(Method::Put).with_body(Some(lines.into()));
    match disk.fetch(format!("http://disk/{name}"), Some(init)).await?.status_code() {
        200..300 => Ok(()),
        status => Err(format!("the disk answers with status {status}").into()),
    }
}
