//! How much is taken in before senders are asked to wait: memory for bodies, and disk for what is not yet compacted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body, packed or unpacked.
pub(crate) const MAX_BODY: usize = 8 << 20;
/// Memory for bodies and what is made of them.
const MEMORY: usize = 128 << 20;
/// Memory is handed out in pieces of this size, which is also what the smallest body takes.
const PIECE: usize = 4 << 10;
/// How long a request stands in line for memory.
const PATIENCE: Duration = Duration::from_secs(2);

/// Room for bodies and for records.
#[derive(Debug)]
pub(crate) struct Room {
    memory: Arc<Semaphore>,
    backlog: AtomicU64,
    max_backlog: u64,
}

/// A request's share of the memory, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share(#[expect(dead_code, reason = "it counts until it is dropped")] OwnedSemaphorePermit);

impl Room {
    /// Room for so many bytes of records that are collected and not yet compacted.
    pub(crate) fn new(max_backlog: u64) -> Self {
        Self { memory: Arc::new(Semaphore::new(MEMORY / PIECE)), backlog: AtomicU64::new(0), max_backlog }
    }

    /// Memory for a body of a length that is plain or packed; none where others hold it for too long.
    /// Twice the text is counted: once as it came, once as it goes to the journal.
    pub(crate) async fn share(&self, length: Option<usize>, packed: bool) -> Option<Share> {
        let text = if packed { MAX_BODY } else { length.unwrap_or(MAX_BODY).min(MAX_BODY) };
        let came = if packed { length.unwrap_or(MAX_BODY).min(MAX_BODY) } else { 0 };
        let pieces = u32::try_from((2 * text + came).div_ceil(PIECE).max(1)).expect("three bodies are a few thousand pieces");
        let waiting = Arc::clone(&self.memory).acquire_many_owned(pieces);
        let permit = tokio::time::timeout(PATIENCE, waiting).await.ok()?;
        Some(Share(permit.expect("no one closes it")))
    }

    /// Memory that requests hold now, in bytes.
    pub(crate) fn held(&self) -> usize {
        MEMORY - self.memory.available_permits() * PIECE
    }

    /// Whether so much waits to be compacted that nothing more is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.backlog() >= self.max_backlog
    }

    /// Bytes that wait to be compacted.
    pub(crate) fn backlog(&self) -> u64 {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Bytes from which on nothing more is taken.
    pub(crate) fn max_backlog(&self) -> u64 {
        self.max_backlog
    }

    /// So many bytes were added to the journal.
    pub(crate) fn add(&self, bytes: u64) {
        self.backlog.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes are in the journal.
    pub(crate) fn set(&self, bytes: u64) {
        self.backlog.store(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_do_not_fit_beside_others_are_turned_away_and_small_ones_pass() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let room = Room::new(1);
            let mut held = Vec::new();
            while let Some(share) = room.share(None, true).await {
                held.push(share);
            }
            assert!((4..=8).contains(&held.len()), "{}", held.len());
            assert!(room.held() <= MEMORY);
            assert!(room.share(Some(600), false).await.is_some());
            drop(held);
            assert_eq!(room.held(), 0);
        });
    }

    #[test]
    fn it_is_full_from_its_limit_on() {
        let room = Room::new(10);
        room.add(9);
        assert!(!room.is_full());
        room.add(1);
        assert!(room.is_full());
        room.set(0);
        assert!(!room.is_full());
    }
}
