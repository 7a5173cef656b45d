//! Group commit: what several requests bring while the disk is busy goes to it together, with one wait for all of them.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::failure::Failure;
use crate::journal::{Journal, Kind};
use crate::serve::room::{Room, Share};

/// Where requests bring their records. The thread behind it ends when all of these are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Commits {
    sender: mpsc::UnboundedSender<Commit>,
}

#[derive(Debug)]
struct Commit {
    kind: Kind,
    lines: String,
    #[expect(dead_code, reason = "it counts until it is dropped")]
    share: Share,
    done: oneshot::Sender<Result<(), Arc<Failure>>>,
}

impl Commits {
    /// Starts the thread that appends to the journal.
    pub(crate) fn start(journal: Journal, room: Arc<Room>) -> Self {
        // Unbounded, as what is sent holds a share of the room.
        let (sender, receiver) = mpsc::unbounded_channel();
        std::thread::spawn(move || keep_appending(&journal, &room, receiver));
        Self { sender }
    }

    /// Appends whole lines and returns once they are on disk.
    pub(crate) async fn append(&self, kind: Kind, lines: String, share: Share) -> Result<(), Arc<Failure>> {
        let (done, answer) = oneshot::channel();
        self.sender.send(Commit { kind, lines, share, done }).map_err(|_| Arc::new(Failure::Stopped))?;
        answer.await.unwrap_or_else(|_| Err(Arc::new(Failure::Stopped)))
    }
}

fn keep_appending(journal: &Journal, room: &Room, mut receiver: mpsc::UnboundedReceiver<Commit>) {
    while let Some(first) = receiver.blocking_recv() {
        let mut waiting = vec![first];
        while let Ok(next) = receiver.try_recv() {
            waiting.push(next);
        }
        for kind in Kind::ALL {
            append(journal, room, kind, waiting.extract_if(.., |commit| commit.kind == kind).collect());
        }
    }
}

fn append(journal: &Journal, room: &Room, kind: Kind, commits: Vec<Commit>) {
    if commits.is_empty() {
        return;
    }
    let lines: String = commits.iter().map(|commit| commit.lines.as_str()).collect();
    let appended = journal.append(kind, &lines).map_err(Arc::new);
    match &appended {
        Ok(()) => room.add(lines.len() as u64),
        Err(failure) => tracing::error!(%failure, "records could not be kept"),
    }
    for commit in commits {
        // A sender that has gone away learns from the id, when it sends again, that the record was kept.
        commit.done.send(appended.clone()).ok();
    }
}
