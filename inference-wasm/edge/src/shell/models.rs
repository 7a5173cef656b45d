//! Models from a store: follows the pointer, behind the answers, and puts what it names into service once it is checked.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use worker::js_sys::{Date, Uint8Array};
use worker::{Context, Delay, console_error};

use super::store::Store;
use super::trial::tried;
use super::{keep, preload};
use crate::config::Outside;
use crate::edge::Edge;
use crate::fleet::Refused;
use crate::pointer::{File, Pointer};

/// The first requests wait so long for the store, then the model that came with the worker serves.
const FIRST_MS: f64 = 5_000.0;
/// A check that takes longer was ended by the runtime.
const GIVEN_UP_MS: f64 = 60_000.0;
const POLL: Duration = Duration::from_millis(5);

/// What follows the pointer.
pub(crate) struct Models {
    edge: Rc<RefCell<Edge>>,
    store: Option<Store>,
    pointer_name: String,
    check_ms: f64,
    /// The pointer that was followed last, or was refused.
    last: RefCell<Option<String>>,
    /// When the last check began.
    begun: Cell<f64>,
    is_checking: Cell<bool>,
    /// Whether requests are answered: a model serves, or it is known why none does.
    is_ready: Cell<bool>,
    was_unreachable: Cell<bool>,
}

/// What became of a file.
enum Staged {
    Loaded(Uint8Array),
    Refused,
    Missing,
}

impl Models {
    /// Begins with what served before a trap, if there was one.
    pub(crate) fn new(edge: Rc<RefCell<Edge>>, store: Option<Store>, outside: Option<&Outside>) -> Self {
        let models = Self {
            edge,
            store,
            pointer_name: outside.map(|outside| outside.model_pointer.clone()).unwrap_or_default(),
            check_ms: outside.map_or(f64::INFINITY, |outside| outside.model_check_secs * 1000.0),
            last: RefCell::default(),
            begun: Cell::new(0.0),
            is_checking: Cell::new(false),
            is_ready: Cell::new(false),
            was_unreachable: Cell::new(false),
        };
        models.restore();
        models
    }

    /// Waits, at the isolate's first requests alone, until a model serves; later sees to it that the pointer is looked at.
    pub(crate) async fn ready(self: &Rc<Self>, context: &Context) {
        if self.store.is_none() {
            if !self.is_ready.get() {
                self.embed();
            }
            return;
        }
        let now = Date::now();
        let is_due = !self.is_ready.get() || now - self.begun.get() > self.check_ms;
        if is_due && (!self.is_checking.get() || now - self.begun.get() > GIVEN_UP_MS) {
            self.begun.set(now);
            self.is_checking.set(true);
            context.wait_until(self.clone().check());
        }
        // The check belongs to one request and may not be awaited in another.
        while !self.is_ready.get() && Date::now() - now < FIRST_MS {
            Delay::from(POLL).await;
        }
        if !self.is_ready.get() {
            self.embed();
        }
    }

    /// Puts the model that came with the worker into service. One that traps the engine is not tried again.
    fn embed(&self) {
        self.is_ready.set(true);
        if keep::is_embedding() {
            return self.refuse(None, "the engine gave up on the model that came with the worker".into());
        }
        keep::set_embedding(true);
        let embedded = self.edge.borrow_mut().fleet.embed(keep::embedded_model, preload::take());
        keep::set_embedding(false);
        if let Err(refused) = embedded {
            self.refuse(refused.version, refused.error);
        }
    }

    /// Looks at the pointer once.
    async fn check(self: Rc<Self>) {
        let Some(store) = &self.store else { return };
        if let Err(error) = self.look(store).await {
            self.was_unreachable.set(true);
            self.refuse(None, format!("the store cannot be read: {error}"));
        }
        if !self.is_ready.get() && self.edge.borrow().fleet.champion().is_err() {
            self.embed();
        }
        self.is_ready.set(true);
        self.is_checking.set(false);
    }

    async fn look(&self, store: &Store) -> worker::Result<()> {
        let found = store.text(&self.pointer_name).await?;
        if self.was_unreachable.take() {
            self.last.take();
        }
        let is_last = *self.last.borrow() == found;
        match found {
            Some(pointer) if !is_last => self.follow(store, pointer).await,
            None if !is_last => {
                self.refuse(None, "the pointer is gone from the store".into());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Puts what a pointer names into service, its champion at least. It is followed again only while a file of it is not there.
    async fn follow(&self, store: &Store, text: String) -> worker::Result<()> {
        let pointer = match Pointer::parse(&text) {
            Ok(pointer) => pointer,
            Err(error) => {
                self.refuse(None, format!("the pointer: {error}"));
                self.last.replace(Some(text));
                return Ok(());
            }
        };
        self.edge.borrow_mut().fleet.forget_staged();
        let mut loaded = Vec::new();
        let mut is_whole = true;
        let mut is_missing = false;
        for (index, file) in pointer.files().iter().enumerate() {
            match self.stage(store, file).await? {
                Staged::Loaded(bytes) => loaded.push((file.sha256.clone(), bytes)),
                other => {
                    is_whole = false;
                    is_missing |= matches!(other, Staged::Missing);
                    if index == 0 {
                        break;
                    }
                }
            }
        }
        if !loaded.is_empty() {
            self.commit(&text, &pointer, &loaded, is_whole);
        }
        self.last.replace((!is_missing).then_some(text));
        Ok(())
    }

    /// Fetches a file, tries it in an instance of its own, and loads it.
    async fn stage(&self, store: &Store, file: &File) -> worker::Result<Staged> {
        let known = keep::file(&file.sha256).filter(|_| self.edge.borrow().fleet.has(&file.sha256));
        if let Some(bytes) = known {
            return Ok(Staged::Loaded(bytes));
        }
        let missing = |name: &str| {
            self.refuse(Some(file.version), format!("{name} is not in the store"));
            Ok(Staged::Missing)
        };
        let Some(bytes) = store.bytes(&file.file).await? else { return missing(&file.file) };
        let golden = match &file.golden {
            Some(name) => match store.text(name).await? {
                Some(golden) => Some(golden),
                None => return missing(name),
            },
            None => None,
        };
        let kept = Uint8Array::from(&bytes[..]);
        if let Some(error) = tried(file, &kept, golden.as_deref()).await {
            self.refuse(Some(file.version), error);
            return Ok(Staged::Refused);
        }
        let staged = self.edge.borrow_mut().fleet.stage(file, &bytes, None);
        Ok(match staged {
            Ok(()) => Staged::Loaded(kept),
            Err(refused) => {
                self.refuse(refused.version, refused.error);
                Staged::Refused
            }
        })
    }

    fn commit(&self, text: &str, pointer: &Pointer, loaded: &[(String, Uint8Array)], is_whole: bool) {
        let committed = self.edge.borrow_mut().fleet.commit(pointer);
        match committed {
            Ok(()) => {
                keep::set_served(text, loaded);
                if is_whole {
                    self.edge.borrow_mut().fleet.refused = None;
                }
            }
            Err(refused) => self.refuse(refused.version, refused.error),
        }
    }

    /// Puts what served before a trap into service again.
    fn restore(&self) {
        let Some(text) = keep::pointer() else { return };
        let Ok(pointer) = Pointer::parse(&text) else { return };
        let loaded: Vec<_> = pointer
            .files()
            .iter()
            .filter_map(|file| {
                let bytes = keep::file(&file.sha256)?;
                self.edge.borrow_mut().fleet.stage(file, &bytes.to_vec(), None).ok()?;
                Some((file.sha256.clone(), bytes))
            })
            .collect();
        self.commit(&text, &pointer, &loaded, true);
        self.is_ready.set(self.edge.borrow().fleet.champion().is_ok());
        self.last.replace(Some(text));
    }

    /// Remembers what cannot serve, for `GET /health`, and tells it in the log.
    fn refuse(&self, version: Option<u32>, error: String) {
        console_error!("no new model{}: {error}", version.map(|version| format!(" {version}")).unwrap_or_default());
        self.edge.borrow_mut().fleet.refused = Some(Refused { version, error });
    }
}
