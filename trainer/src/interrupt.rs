//! Ctrl-C: once to end a search and go on with its best, twice to end the program.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use tokio::runtime::Builder;

static STOPPED: AtomicBool = AtomicBool::new(false);

/// Whether a search is under way, the only thing that Ctrl-C ends early rather than at once.
static SEARCHING: AtomicBool = AtomicBool::new(false);

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// A flag that Ctrl-C sets, until [`unwatch`].
pub(crate) fn watch() -> anyhow::Result<&'static AtomicBool> {
    SEARCHING.store(true, Ordering::Relaxed);
    static WATCHED: OnceLock<Result<(), String>> = OnceLock::new();
    let watched = WATCHED.get_or_init(|| listen().map_err(|error| error.to_string()));
    watched.clone().map_err(anyhow::Error::msg).context("cannot listen for Ctrl-C")?;
    Ok(&STOPPED)
}

/// The search is over: Ctrl-C ends the program, as it does elsewhere.
pub(crate) fn unwatch() {
    SEARCHING.store(false, Ordering::Relaxed);
}

/// Waits in a thread of its own, from before this returns.
fn listen() -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if STOPPED.swap(true, Ordering::Relaxed) || !SEARCHING.load(Ordering::Relaxed) {
                    std::process::exit(INTERRUPTED);
                }
                tracing::warn!("the search ends here and its best is fitted; press Ctrl-C again to end at once");
            }
        });
    });
    Ok(())
}
