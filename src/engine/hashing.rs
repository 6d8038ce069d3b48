//! Hashing the objects that are on their way side by side: see [`crate::hash`].
//!
//! Bytes that came wait here until there are enough of them to fill the lanes, or until somebody waits for a
//! digest and nothing else is to be expected soon. How much may wait is bounded, however large the objects and
//! however many they are.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::sync::{Notify, oneshot};

use crate::hash::{Digests, LANES, Lanes, Message, Sums};

/// So many bytes are taken together as soon as they are here.
const ENOUGH: usize = 8 << 20;
/// Whoever brings more waits until there is room.
const MOST: usize = 14 << 20;
/// How long the last bytes of an object wait for company. Its place among the transfers is free meanwhile.
const LINGER: Duration = Duration::from_millis(100);
/// Shorter pieces are taken alone: loading the lanes would cost more.
const PIECE: usize = 4 << 10;
/// With fewer messages than this, lanes gain nothing that is worth waiting for.
const COMPANY: usize = 10;

/// All messages that are on their way.
pub(super) struct Hashing {
    lanes: &'static Lanes,
    waiting: Mutex<Waiting>,
    /// Told when there may be room again.
    room: Notify,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    messages: BTreeMap<u64, Entry>,
    /// Bytes that wait or are being taken.
    bytes: usize,
    /// Messages whose digests are waited for.
    ending: usize,
}

#[derive(Default)]
struct Entry {
    /// `None` while its bytes are being taken.
    message: Option<Message>,
    queue: VecDeque<Bytes>,
    queued: usize,
    /// Where its digests go; then nothing more comes.
    done: Option<oneshot::Sender<Digests>>,
    patience: Patience,
}

/// Whether a message that ended may still wait for company.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Patience {
    #[default]
    Waits,
    /// It waited long enough.
    Over,
}

/// A message with the bytes that are to be taken now.
struct Taken {
    id: u64,
    message: Message,
    queue: VecDeque<Bytes>,
    /// Nothing more comes for it.
    ends: bool,
    patience: Patience,
}

/// One message: hashed with the others, or alone.
pub(super) enum Hasher {
    Alone(Box<Message>),
    Together(Together),
}

/// A message of [`Hashing`]. Dropped before its end, it is forgotten there.
pub(super) struct Together {
    hashing: Arc<Hashing>,
    id: u64,
}

/// Hashing ended before the message did: the program is being stopped.
#[derive(Debug)]
pub(super) struct Stopped;

impl Hasher {
    pub(super) fn alone(sums: Sums) -> Self {
        Self::Alone(Box::new(Message::new(sums)))
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        match self {
            Self::Alone(message) => message.update(&bytes),
            Self::Together(together) => together.hashing.push(together.id, bytes),
        }
    }

    pub(super) async fn finish(self) -> Result<Digests, Stopped> {
        match self {
            Self::Alone(message) => Ok(message.finish()),
            Self::Together(together) => together.hashing.finish(together.id).await.ok_or(Stopped),
        }
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        self.hashing.forget(self.id);
    }
}

impl Hashing {
    pub(super) fn new(lanes: &'static Lanes) -> Arc<Self> {
        Arc::new(Self { lanes, waiting: Mutex::default(), room: Notify::new() })
    }

    /// A message whose bytes are handed over as they come from a store.
    pub(super) fn message(self: &Arc<Self>, sums: Sums) -> Hasher {
        if !self.lanes.help(sums) {
            return Hasher::alone(sums);
        }
        let mut waiting = self.lock();
        let id = waiting.next;
        waiting.next += 1;
        waiting.messages.insert(id, Entry { message: Some(Message::new(sums)), ..Entry::default() });
        Hasher::Together(Together { hashing: self.clone(), id })
    }

    /// Waits until more bytes may be brought.
    pub(super) async fn room(&self) {
        loop {
            let mut told = std::pin::pin!(self.room.notified());
            // From here on nothing that is told is missed.
            told.as_mut().enable();
            if self.lock().bytes < MOST {
                return;
            }
            told.await;
        }
    }

    fn push(self: &Arc<Self>, id: u64, bytes: Bytes) {
        let mut waiting = self.lock();
        let before = waiting.bytes;
        let Some(entry) = waiting.messages.get_mut(&id) else { return };
        entry.queued += bytes.len();
        let more = bytes.len();
        entry.queue.push_back(bytes);
        waiting.bytes += more;
        let is_enough = before / ENOUGH < waiting.bytes / ENOUGH;
        drop(waiting);
        if is_enough {
            let hashing = self.clone();
            // Who waits for what it does is told by `room` and by the digests.
            drop(tokio::task::spawn_blocking(move || hashing.take()));
        }
    }

    async fn finish(self: &Arc<Self>, id: u64) -> Option<Digests> {
        let (done, mut digests) = oneshot::channel();
        let is_full = {
            let mut waiting = self.lock();
            waiting.messages.get_mut(&id)?.done = Some(done);
            waiting.ending += 1;
            waiting.ending.is_multiple_of(LANES) || waiting.nothing_else_comes()
        };
        if is_full {
            self.clone().take_elsewhere().await?;
        }
        loop {
            tokio::select! {
                biased;
                digests = &mut digests => return digests.ok(),
                () = tokio::time::sleep(LINGER) => {}
            }
            if let Some(entry) = self.lock().messages.get_mut(&id) {
                entry.patience = Patience::Over;
            }
            // Where others are at it, they will bring it.
            self.clone().take_elsewhere().await?;
        }
    }

    async fn take_elsewhere(self: Arc<Self>) -> Option<()> {
        tokio::task::spawn_blocking(move || self.take()).await.ok()
    }

    fn forget(self: &Arc<Self>, id: u64) {
        let mut waiting = self.lock();
        let Some(entry) = waiting.messages.remove(&id) else { return };
        waiting.bytes = waiting.bytes.saturating_sub(entry.queued);
        waiting.ending -= usize::from(entry.done.is_some());
        drop(waiting);
        self.room.notify_waiters();
    }

    /// Takes bytes until so few wait that company may come for them, and hands out the digests of what ended.
    fn take(&self) {
        loop {
            let mut taken = self.lock().taken();
            if taken.is_empty() {
                return;
            }
            self.hash(&mut taken);
            let goes_on = self.lock().give_back(taken);
            self.room.notify_waiters();
            if !goes_on {
                return;
            }
        }
    }

    /// Hashes what must not wait any longer to its end, and of the others as much as keeps the lanes filled.
    fn hash(&self, taken: &mut [Taken]) {
        loop {
            let (mut bytes, mut messages, mut hurry) = (0, 0, false);
            for taken in taken.iter().filter(|taken| !taken.queue.is_empty()) {
                bytes += taken.queue.iter().map(Bytes::len).sum::<usize>();
                messages += 1;
                hurry |= taken.patience == Patience::Over;
            }
            if messages == 0 || (!hurry && messages < COMPANY && bytes < ENOUGH) {
                return;
            }
            // All go the same way on, up to where the first one's piece ends.
            let first = |taken: &Taken| taken.queue.front().map(Bytes::len);
            let step = taken.iter().filter_map(first).filter(|piece| *piece >= PIECE).min();
            let mut work = Vec::new();
            for taken in taken.iter_mut() {
                let Some(piece) = taken.queue.front() else { continue };
                match step {
                    Some(step) if piece.len() >= PIECE => work.push((&mut taken.message, &piece[..step])),
                    Some(_) | None => taken.message.update(piece),
                }
            }
            self.lanes.update(work);
            for taken in taken.iter_mut() {
                let Some(piece) = taken.queue.front_mut() else { continue };
                let passed = step.filter(|_| piece.len() >= PIECE).unwrap_or(piece.len());
                piece.advance(passed);
                if piece.is_empty() {
                    taken.queue.pop_front();
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing here is left half-changed by a panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whether all that is on its way has ended: then nobody is worth waiting for.
    fn nothing_else_comes(&self) -> bool {
        self.ending == self.messages.len()
    }

    /// Everything that nobody else is taking, if there is a reason to take it now.
    fn taken(&mut self) -> Vec<Taken> {
        let last = self.nothing_else_comes();
        let free = || self.messages.values().filter(|entry| entry.message.is_some());
        let hurry = |entry: &Entry| last || entry.patience == Patience::Over;
        let is_full = free().filter(|entry| entry.done.is_some()).count() >= COMPANY;
        if self.bytes < ENOUGH && !is_full && !free().any(hurry) {
            return Vec::new();
        }
        let mut taken = Vec::new();
        for (&id, entry) in &mut self.messages {
            let ends = entry.done.is_some();
            if (ends || entry.queued > 0)
                && let Some(message) = entry.message.take()
            {
                entry.queued = 0;
                let queue = std::mem::take(&mut entry.queue);
                let patience = if last { Patience::Over } else { entry.patience };
                taken.push(Taken { id, message, queue, ends, patience });
            }
        }
        taken
    }

    /// Puts back what goes on, with what was left of its bytes. `true` where enough for another turn waits.
    fn give_back(&mut self, taken: Vec<Taken>) -> bool {
        for Taken { id, message, mut queue, ends, patience: _ } in taken {
            let Some(entry) = self.messages.get_mut(&id) else { continue };
            let left: usize = queue.iter().map(Bytes::len).sum();
            queue.append(&mut entry.queue);
            entry.queue = queue;
            entry.queued += left;
            if ends && entry.queue.is_empty() {
                if let Some(done) = entry.done.take() {
                    self.ending -= 1;
                    // Whoever gave up meanwhile does not wait for it.
                    let _ = done.send(message.finish());
                }
                self.messages.remove(&id);
            } else {
                entry.message = Some(message);
            }
        }
        self.bytes = self.messages.values().map(|entry| entry.queued).sum();
        // While others hold all that waits, the turn is theirs.
        self.bytes >= ENOUGH
            && self.messages.values().any(|entry| entry.message.is_some() && entry.queued > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest as _;

    fn text(seed: u64, length: usize) -> Vec<u8> {
        (0..length as u64).map(|i| ((i * i * 31 + seed * 7919) >> 3) as u8).collect()
    }

    async fn hashed(hashing: &Arc<Hashing>, text: Vec<u8>, piece: usize) -> Digests {
        let mut hasher = hashing.message(Sums::Sha256AndMd5);
        for piece in text.chunks(piece) {
            hashing.room().await;
            hasher.push(Bytes::copy_from_slice(piece));
            tokio::task::yield_now().await;
        }
        hasher.finish().await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn objects_of_any_length_that_come_at_once_get_their_own_digests() {
        let hashing = Hashing::new(Lanes::of_this_machine());
        let mut running = tokio::task::JoinSet::new();
        for i in 0..60_u64 {
            let hashing = hashing.clone();
            running.spawn(async move {
                let text = text(i, (i as usize * 30_011) % 700_001);
                let found = hashed(&hashing, text.clone(), 1 + (i as usize * 977) % 40_000).await;
                assert_eq!(found.sha256, <[u8; 32]>::from(sha2::Sha256::digest(&text)), "{i}");
                assert_eq!(found.md5, Some(md5::Md5::digest(&text).into()), "{i}");
            });
        }
        while let Some(ended) = running.join_next().await {
            ended.unwrap();
        }
        let waiting = hashing.lock();
        assert_eq!((waiting.bytes, waiting.ending, waiting.messages.len()), (0, 0, 0));
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_what_is_given_up_is_forgotten() {
        let hashing = Hashing::new(Lanes::of_this_machine());
        if !hashing.lanes.help(Sums::Sha256) {
            return;
        }
        let mut hashers: Vec<_> = (0..4).map(|_| hashing.message(Sums::Sha256)).collect();
        for _ in 0..64 {
            for hasher in &mut hashers {
                hashing.room().await;
                hasher.push(Bytes::from(vec![7; 300_000]));
            }
            assert!(hashing.lock().bytes <= MOST + 300_000);
        }
        drop(hashers);
        // Those that were being taken are put down first.
        tokio::time::sleep(Duration::from_millis(200)).await;
        hashing.room().await;
        let waiting = hashing.lock();
        assert_eq!((waiting.messages.len(), waiting.ending), (0, 0));
    }
}
