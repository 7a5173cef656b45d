//! Being asked to stop, by Ctrl-C or SIGTERM.

use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result};

use crate::failure::FAILED;

/// Ends when the process is asked to stop.
pub(crate) async fn asked() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("SIGTERM can be listened for");
        tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
    }
    #[cfg(not(unix))]
    interrupt.await.expect("ctrl-c can be listened for");
}

/// A receiver that hears of it the first time; the second time, the process ends where it is, which loses nothing.
pub(crate) fn heard() -> Result<Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot listen for signals")?;
    let (tell, told) = channel();
    std::thread::spawn(move || {
        runtime.block_on(asked());
        tell.send(()).ok();
        runtime.block_on(asked());
        std::process::exit(FAILED.into());
    });
    Ok(told)
}
