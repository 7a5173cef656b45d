//! Sends what lies in the outbox, behind the answers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use worker::js_sys::{Date, JsString, Math};
use worker::{Context, Delay, Env, MessageBatch, MessageExt, QueueRetryOptionsBuilder, console_error};

use super::isolate::Isolate;
use super::keep;
use super::places::{self, Places};
use crate::config::Outside;
use crate::describe::LogState;
use crate::outbox::{End, Outbox, SenderId};

const FIRST_PAUSE_MS: f64 = 100.0;
const LONGEST_PAUSE_MS: f64 = 5_000.0;
const SHORTEST_DELAY_SECS: f64 = 2.0;
const LONGEST_DELAY_SECS: f64 = 600.0;

/// The log's way out of this isolate.
pub(crate) struct Mailer {
    outbox: RefCell<Outbox>,
    places: Places,
}

impl Mailer {
    /// Begins with what an instance before this one has left.
    pub(crate) fn new(places: Places, outside: &Outside) -> Self {
        let outbox = Outbox::new(keep::left_lines(), outside.log_retry_secs * 1000.0, outside.log_buffer_lines as usize);
        Self { outbox: RefCell::new(outbox), places }
    }

    /// How the log fares.
    pub(crate) fn state(&self) -> LogState {
        self.outbox.borrow().state()
    }

    /// Takes lines over; returns at once.
    pub(crate) fn push(self: &Rc<Self>, lines: &str, context: &Context) {
        let spilled = self.outbox.borrow_mut().push(keep::put_lines(lines), Date::now());
        if let Some(sender) = spilled {
            let mailer = self.clone();
            context.wait_until(async move {
                mailer.bury(sender).await;
                mailer.outbox.borrow_mut().load(sender, Date::now());
            });
        }
        self.go_on(context);
    }

    /// Sees to it that what waits is sent.
    pub(crate) fn go_on(self: &Rc<Self>, context: &Context) {
        let begun = self.outbox.borrow_mut().begin(Date::now());
        if let Some(sender) = begun {
            context.wait_until(self.clone().work(sender));
        }
    }

    async fn work(self: Rc<Self>, sender: SenderId) {
        loop {
            let is_loaded = self.outbox.borrow_mut().load(sender, Date::now());
            if !is_loaded {
                return;
            }
            if self.send(sender).await {
                self.settle(sender, End::Delivered);
            } else {
                self.bury(sender).await;
            }
        }
    }

    /// Sends a batch, again and again until the sender's time is over; whether it arrived, or is another's to send.
    async fn send(&self, sender: SenderId) -> bool {
        let mut pause_ms = FIRST_PAUSE_MS;
        loop {
            let Some(lines) = self.lines(sender) else { return true };
            let Err(error) = self.places.send(&lines).await else { return true };
            let may_try_again = self.outbox.borrow().may_try_again(sender, Date::now(), pause_ms);
            if !may_try_again {
                console_error!("predictions could not be logged: {error}");
                return false;
            }
            // Half of the pause is by chance, so that isolates do not come all at once.
            Delay::from(Duration::from_millis((pause_ms * (1.0 + Math::random()) / 2.0) as u64)).await;
            pause_ms = LONGEST_PAUSE_MS.min(pause_ms * 2.0);
        }
    }

    /// Puts a batch with the dead letters, or says that it is lost.
    async fn bury(&self, sender: SenderId) {
        let Some(lines) = self.lines(sender) else { return };
        match self.places.bury(&lines).await {
            Ok(()) => self.settle(sender, End::Dead),
            Err(error) => {
                console_error!("predictions are lost to the log: {error}");
                self.settle(sender, End::Lost);
            }
        }
    }

    fn lines(&self, sender: SenderId) -> Option<JsString> {
        let tickets = self.outbox.borrow_mut().batch(sender, Date::now())?;
        Some(keep::lines(&tickets))
    }

    fn settle(&self, sender: SenderId, end: End) {
        keep::forget_lines(&self.outbox.borrow_mut().settle(sender, end));
    }
}

/// Delivers the lines of a queue's messages. What cannot be delivered comes again after as long as it has waited.
pub(crate) async fn deliver(batch: &MessageBatch<String>, env: &Env) {
    let collector = Isolate::of(env).edge.borrow().config().map(|config| config.outside.collector.clone()).unwrap_or_default();
    let messages: Vec<_> = batch.raw_iter().collect();
    let lines: String = messages.iter().filter_map(|message| message.body().as_string()).collect();
    match places::deliver(env, &collector, lines).await {
        Ok(()) => batch.ack_all(),
        Err(error) => {
            console_error!("{} messages of the log wait: {error}", messages.len());
            let oldest = messages.iter().map(|message| message.timestamp().as_millis() as f64).fold(f64::INFINITY, f64::min);
            let delay_secs = ((Date::now() - oldest) / 1000.0).clamp(SHORTEST_DELAY_SECS, LONGEST_DELAY_SECS);
            batch.retry_all_with_options(&QueueRetryOptionsBuilder::new().with_delay_seconds(delay_secs as u32).build());
        }
    }
}
