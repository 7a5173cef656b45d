//! Log lines on their way out: answers put lines in, one sender at a time takes what has gathered and sends it, behind the answers.
//!
//! What belongs to one request may not be awaited in another, so a sender lives in the context of the request that began it, and
//! others only leave their lines. A runtime may end a context early; a sender that has not moved for a while is given up, and the
//! next one sends its lines again: the collector and the log's reader keep a prediction once, by its id.
//!
//! Here is who sends what, and when; the lines themselves lie under their tickets where a trap does not reach them.
//! Times are in milliseconds since some fixed moment.

use std::collections::{BTreeMap, VecDeque};

use crate::describe::LogState;

/// So many lines go out at once, and one answer's lines however many they are.
const LINES_AT_ONCE: usize = 1000;
/// Longer than a post may take.
const GIVEN_UP_MS: f64 = 15_000.0;
/// After so long the next request's sender goes on, as Cloudflare ends what waits behind an answer after 30 s.
const TURN_MS: f64 = 10_000.0;

/// The lines of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Under which the lines lie.
    pub(crate) ticket: u32,
    /// How many there are.
    pub(crate) n_lines: usize,
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SenderId(u64);

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It arrived.
    Delivered,
    /// It lies with the dead letters.
    Dead,
    /// It is gone, as there was no place for it.
    Lost,
}

#[derive(Debug)]
struct Sender {
    moved: f64,
    turn_ends: f64,
    retry_ends: f64,
    batch: Vec<Parcel>,
}

/// What waits, and who sends it.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: VecDeque<Parcel>,
    /// How many lines wait or are being sent.
    n_lines: usize,
    senders: BTreeMap<SenderId, Sender>,
    /// Whose turn it is.
    current: Option<SenderId>,
    n_senders: u64,
    dead: u64,
    lost: u64,
    retry_ms: f64,
    max_lines: usize,
}

impl Outbox {
    /// An outbox with what is left of an earlier one. A batch is tried again for so long; so many lines may wait.
    pub(crate) fn new(left: impl IntoIterator<Item = Parcel>, retry_ms: f64, max_lines: usize) -> Self {
        let waiting: VecDeque<Parcel> = left.into_iter().collect();
        Self {
            n_lines: waiting.iter().map(|parcel| parcel.n_lines).sum(),
            waiting,
            senders: BTreeMap::new(),
            current: None,
            n_senders: 0,
            dead: 0,
            lost: 0,
            retry_ms,
            max_lines,
        }
    }

    /// Takes lines over. Where there is no room for more, what waited is the batch of a sender that must bring it to the dead letters.
    pub(crate) fn push(&mut self, parcel: Parcel, now: f64) -> Option<SenderId> {
        let is_full = self.n_lines + parcel.n_lines > self.max_lines && !self.waiting.is_empty();
        let spilled = is_full.then(|| {
            let batch = self.waiting.drain(..).collect();
            self.add_sender(now, batch)
        });
        self.waiting.push_back(parcel);
        self.n_lines += parcel.n_lines;
        spilled
    }

    /// A new sender, when something waits and nobody sends it.
    pub(crate) fn begin(&mut self, now: f64) -> Option<SenderId> {
        self.give_up_on_those_that_stand_still(now);
        let is_sending = self.current.and_then(|id| self.senders.get(&id)).is_some_and(|sender| now <= sender.turn_ends);
        if is_sending || self.waiting.is_empty() {
            return None;
        }
        self.current = Some(self.add_sender(now, Vec::new()));
        self.current
    }

    /// Gives a sender its next batch; false when its work is done: nothing waits, or another's turn has come.
    pub(crate) fn load(&mut self, id: SenderId, now: f64) -> bool {
        let is_done = self.current != Some(id) || self.waiting.is_empty();
        if is_done {
            self.senders.remove(&id);
            self.current = self.current.filter(|current| *current != id);
            return false;
        }
        let batch = self.take_batch();
        let Some(sender) = self.senders.get_mut(&id) else { unreachable!("a sender whose turn it is, is one") };
        (sender.moved, sender.batch) = (now, batch);
        true
    }

    /// The tickets of a sender's batch, which moves; none when it was given up, and others send its batch.
    pub(crate) fn batch(&mut self, id: SenderId, now: f64) -> Option<Vec<u32>> {
        let sender = self.senders.get_mut(&id)?;
        sender.moved = now;
        Some(sender.batch.iter().map(|parcel| parcel.ticket).collect())
    }

    /// Whether there is time for another try after a pause.
    pub(crate) fn may_try_again(&self, id: SenderId, now: f64, pause_ms: f64) -> bool {
        self.senders.get(&id).is_none_or(|sender| now + pause_ms <= sender.retry_ends)
    }

    /// Notes what became of a sender's batch. Returns its tickets, under which nothing need lie any more.
    pub(crate) fn settle(&mut self, id: SenderId, end: End) -> Vec<u32> {
        let batch = self.senders.get_mut(&id).map(|sender| std::mem::take(&mut sender.batch)).unwrap_or_default();
        let n_lines = n_lines(&batch);
        self.n_lines -= n_lines;
        match end {
            End::Delivered => {}
            End::Dead => self.dead += n_lines as u64,
            End::Lost => self.lost += n_lines as u64,
        }
        batch.iter().map(|parcel| parcel.ticket).collect()
    }

    /// How the log fares.
    pub(crate) fn state(&self) -> LogState {
        LogState { waiting: self.n_lines as u64, dead: self.dead, lost: self.lost }
    }

    fn add_sender(&mut self, now: f64, batch: Vec<Parcel>) -> SenderId {
        self.n_senders += 1;
        let id = SenderId(self.n_senders);
        self.senders.insert(id, Sender { moved: now, turn_ends: now + TURN_MS, retry_ends: now + self.retry_ms, batch });
        id
    }

    fn give_up_on_those_that_stand_still(&mut self, now: f64) {
        let still: Vec<SenderId> =
            self.senders.iter().filter(|(_, sender)| now - sender.moved >= GIVEN_UP_MS).map(|(id, _)| *id).collect();
        for sender in still.iter().rev().filter_map(|id| self.senders.remove(id)) {
            sender.batch.into_iter().rev().for_each(|parcel| self.waiting.push_front(parcel));
        }
    }

    fn take_batch(&mut self) -> Vec<Parcel> {
        let mut batch: Vec<Parcel> = self.waiting.pop_front().into_iter().collect();
        let mut n_lines = n_lines(&batch);
        while let Some(parcel) = self.waiting.pop_front_if(|parcel| n_lines + parcel.n_lines <= LINES_AT_ONCE) {
            n_lines += parcel.n_lines;
            batch.push(parcel);
        }
        batch
    }
}

fn n_lines(batch: &[Parcel]) -> usize {
    batch.iter().map(|parcel| parcel.n_lines).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY_MS: f64 = 20_000.0;

    fn outbox(n_parcels: u32) -> Outbox {
        let mut outbox = Outbox::new([], RETRY_MS, 5000);
        (0..n_parcels).for_each(|ticket| assert_eq!(outbox.push(Parcel { ticket, n_lines: 300 }, 0.0), None));
        outbox
    }

    fn state(waiting: u64, dead: u64, lost: u64) -> LogState {
        LogState { waiting, dead, lost }
    }

    #[test]
    fn one_sender_takes_what_has_gathered_until_nothing_waits() {
        let mut outbox = outbox(5);
        let sender = outbox.begin(0.0).unwrap();
        assert_eq!(outbox.begin(1.0), None);
        let mut batches = Vec::new();
        while outbox.load(sender, 1.0) {
            batches.push(outbox.batch(sender, 2.0).unwrap());
            assert_eq!(outbox.settle(sender, End::Delivered), *batches.last().unwrap());
        }
        assert_eq!((batches, outbox.state()), (vec![vec![0, 1, 2], vec![3, 4]], state(0, 0, 0)));
        assert_eq!(outbox.begin(3.0), None);
    }

    #[test]
    fn one_answer_of_many_lines_goes_alone() {
        let mut outbox = Outbox::new([Parcel { ticket: 7, n_lines: 4000 }, Parcel { ticket: 8, n_lines: 1 }], RETRY_MS, 5000);
        let sender = outbox.begin(0.0).unwrap();
        assert!(outbox.load(sender, 0.0));
        assert_eq!(outbox.batch(sender, 0.0).unwrap(), [7]);
    }

    #[test]
    fn a_sender_that_stands_still_is_given_up_and_another_sends_its_batch_first() {
        let mut outbox = outbox(4);
        let first = outbox.begin(0.0).unwrap();
        assert!(outbox.load(first, 0.0));
        let second = outbox.begin(GIVEN_UP_MS).unwrap();
        assert_eq!(outbox.batch(first, GIVEN_UP_MS), None);
        assert!(outbox.settle(first, End::Delivered).is_empty());
        assert!(!outbox.load(first, GIVEN_UP_MS) && outbox.load(second, GIVEN_UP_MS));
        assert_eq!(outbox.batch(second, GIVEN_UP_MS).unwrap(), [0, 1, 2]);
        assert_eq!(outbox.state(), state(1200, 0, 0));
    }

    #[test]
    fn a_sender_whose_turn_is_over_ends_its_batch_and_no_more() {
        let mut outbox = outbox(4);
        let first = outbox.begin(0.0).unwrap();
        assert!(outbox.load(first, 0.0));
        outbox.batch(first, TURN_MS);
        let second = outbox.begin(TURN_MS + 1.0).unwrap();
        assert!(outbox.load(second, TURN_MS + 1.0));
        assert_eq!(outbox.batch(second, TURN_MS + 1.0).unwrap(), [3]);
        assert_eq!(outbox.settle(first, End::Delivered), [0, 1, 2]);
        assert!(!outbox.load(first, TURN_MS + 2.0));
        assert_eq!(outbox.state(), state(300, 0, 0));
    }

    #[test]
    fn a_batch_is_tried_again_for_its_time() {
        let mut outbox = outbox(1);
        let sender = outbox.begin(0.0).unwrap();
        assert!(outbox.load(sender, 0.0));
        assert!(outbox.may_try_again(sender, RETRY_MS - 100.0, 100.0));
        assert!(!outbox.may_try_again(sender, RETRY_MS - 100.0, 101.0));
    }

    #[test]
    fn what_there_is_no_room_for_goes_to_the_dead_letters() {
        let mut outbox = outbox(16);
        let spilled = outbox.push(Parcel { ticket: 16, n_lines: 300 }, 0.0).unwrap();
        assert_eq!(outbox.batch(spilled, 0.0).unwrap(), (0..16).collect::<Vec<_>>());
        assert_eq!(outbox.state(), state(5100, 0, 0));
        outbox.settle(spilled, End::Dead);
        assert_eq!(outbox.state(), state(300, 4800, 0));
        let sender = outbox.begin(0.0).unwrap();
        assert!(outbox.load(sender, 0.0));
        outbox.settle(sender, End::Lost);
        assert_eq!(outbox.state(), state(0, 4800, 300));
    }
}
