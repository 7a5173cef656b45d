//! What goes to stderr: events, errors, and the progress of long work.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Sends events to stderr; `RUST_LOG` chooses which, warnings by default.
pub(crate) fn start_tracing() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .without_time()
        .with_target(false)
        .init();
}

/// Tells what failed and what to do about it.
pub(crate) fn print_error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
    if let Some(hint) = Failure::hint_of(error) {
        eprintln!("hint: {hint}");
    }
}

/// One line about what has been done.
pub(crate) fn line(text: &str) {
    eprintln!("{text}");
}

/// Shows that something is waited for, where someone watches.
pub(crate) fn spinner(text: String) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("a fixed template");
    let bar = ProgressBar::new_spinner().with_style(style).with_message(text);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Shows how far long work is and how long the rest takes, where someone watches.
pub(crate) fn bar(steps: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}, {eta} left").expect("a fixed template");
    ProgressBar::new(steps as u64).with_style(style).with_message(what)
}
