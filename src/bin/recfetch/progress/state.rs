//! What was counted so far, and the line that says so.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use recfetch::event::Event;

use crate::failure::printable;
use crate::output::{count, rate, size};

/// Counts that several tasks add to at once.
#[derive(Debug, Default)]
pub(super) struct State {
    work: Mutex<Work>,
    /// Bytes that came and count.
    received: AtomicU64,
    /// Bytes that should come, where `is_sized`.
    expected: AtomicU64,
    is_sized: AtomicBool,
    objects: AtomicUsize,
    done: AtomicUsize,
    failed_tries: AtomicUsize,
    batch: Mutex<Option<Batch>>,
}

/// How far many recordings are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) total: usize,
    pub(super) running: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    /// Those of which it is known how many bytes they still need.
    pub(super) looked_at: usize,
}

#[derive(Debug, Clone, Default)]
struct Work {
    label: String,
    since: Option<Instant>,
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) label: String,
    pub(super) received: u64,
    pub(super) expected: Option<u64>,
    pub(super) objects: usize,
    pub(super) done: usize,
    pub(super) failed_tries: usize,
    pub(super) elapsed: Duration,
    pub(super) batch: Option<Batch>,
    /// Bytes that the recordings of a batch need that were looked at.
    pub(super) batch_expected: u64,
}

impl State {
    /// From now on many recordings come at once, and are counted together.
    pub(super) fn begin_batch(&self, total: usize) {
        self.begin("batch", None);
        *self.batch.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Batch { total, ..Batch::default() });
    }

    pub(super) fn in_batch(&self, change: impl FnOnce(&mut Batch)) -> bool {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(change).is_some()
    }

    /// What counts of several recordings at once.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's events may grow; what is not known here is not shown"
    )]
    fn count_in_batch(&self, event: &Event<'_>) {
        match event {
            Event::Planned { bytes, .. } => {
                self.expected.fetch_add(*bytes, Relaxed);
                self.in_batch(|batch| batch.looked_at += 1);
            }
            Event::Received { bytes, .. } => self.advance(*bytes),
            Event::TryFailed { .. } => {
                self.failed_tries.fetch_add(1, Relaxed);
            }
            _ => {}
        }
    }

    /// Starts to count anew.
    pub(super) fn begin(&self, label: &str, bytes: Option<u64>) {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        *work = Work { label: printable(label).into_owned(), since: Some(Instant::now()) };
        self.received.store(0, Relaxed);
        self.expected.store(bytes.unwrap_or(0), Relaxed);
        self.is_sized.store(bytes.is_some_and(|bytes| bytes > 0), Relaxed);
        self.objects.store(0, Relaxed);
        self.done.store(0, Relaxed);
        self.failed_tries.store(0, Relaxed);
    }

    pub(super) fn advance(&self, bytes: u64) {
        self.received.fetch_add(bytes, Relaxed);
    }

    /// Counts what happened.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's events may grow; what is not known here is not shown"
    )]
    pub(super) fn count(&self, event: &Event<'_>) {
        if self.in_batch(|_| ()) {
            return self.count_in_batch(event);
        }
        match event {
            Event::Searched { recording, from, listed } => {
                let keys = if *listed > 0 { format!(", {}", count(*listed, "key")) } else { String::new() };
                self.begin(&format!("searching  {} in {from}{keys}", recording.short()), None);
            }
            Event::Surveyed { from, listed, recordings } => {
                let label = format!("surveying  {from}, {listed} keys, {recordings} recordings");
                self.begin(&label, None);
            }
            Event::Located { recording, .. } => {
                self.begin(&format!("reading    {}", recording.short()), None);
            }
            Event::Restoring { recording, frozen, back, .. } => {
                let objects = count(*frozen, "archived object");
                self.begin(&format!("waiting    {} for {objects}, {back} back", recording.short()), None);
            }
            Event::Planned { keep, fetch, bytes } => {
                self.begin("fetching", Some(*bytes));
                self.objects.store(keep + fetch, Relaxed);
            }
            Event::Received { bytes, .. } => self.advance(*bytes),
            Event::Restarted { bytes, .. } => {
                let less = |received: u64| Some(received.saturating_sub(*bytes));
                // The closure never declines.
                let _ = self.received.fetch_update(Relaxed, Relaxed, less);
            }
            Event::TryFailed { .. } => {
                self.failed_tries.fetch_add(1, Relaxed);
            }
            Event::Judged { .. } => {
                self.done.fetch_add(1, Relaxed);
            }
            Event::Joining { bytes } => {
                if self.snapshot().label != "joining" {
                    self.begin("joining", None);
                }
                self.advance(*bytes);
            }
            _ => {}
        }
    }

    /// Bytes that came and count.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Snapshot {
            label: work.label,
            received: self.received.load(Relaxed),
            expected: self.is_sized.load(Relaxed).then(|| self.expected.load(Relaxed)),
            objects: self.objects.load(Relaxed),
            done: self.done.load(Relaxed),
            failed_tries: self.failed_tries.load(Relaxed),
            elapsed: work.since.map_or(Duration::ZERO, |since| since.elapsed()),
            batch: *self.batch.lock().unwrap_or_else(PoisonError::into_inner),
            batch_expected: self.expected.load(Relaxed),
        }
    }
}

impl Snapshot {
    /// `fetching   210 of 482 segments  455 MiB of 1.02 GiB  44%  88.0 MiB/s  0:06 left`
    pub(super) fn line(&self) -> String {
        if let Some(batch) = self.batch {
            return self.batch_line(batch);
        }
        let mut parts = vec![format!("{:<10}", self.label)];
        if self.objects > 0 {
            parts.push(format!("{} of {}", self.done, count(self.objects, "object")));
        }
        match self.expected {
            Some(expected) => {
                let percent = u128::from(self.received) * 100 / u128::from(expected.max(1));
                parts.push(format!("{} of {}", size(self.received), size(expected)));
                // The expected size is the store's word; what comes may be more.
                parts.push(format!("{}%", percent.min(100)));
            }
            None if self.received > 0 => parts.push(size(self.received)),
            None => {}
        }
        if self.received > 0 {
            parts.extend(rate(self.received, self.elapsed));
        }
        parts.extend(self.left().map(|left| format!("{} left", crate::output::playing_time(left))));
        if self.failed_tries > 0 {
            parts.push(count(self.failed_tries, "failed try").replace("trys", "tries"));
        }
        parts.join("  ").trim_end().to_owned()
    }

    /// `batch      12 of 50 recordings  2 failed  4 at once  1.02 GiB  88.0 MiB/s  0:40 left`
    fn batch_line(&self, batch: Batch) -> String {
        let mut parts = vec![
            format!("{:<10}", "batch"),
            format!("{} of {}", batch.done, count(batch.total, "recording")),
        ];
        if batch.failed > 0 {
            parts.push(format!("{} not complete", batch.failed));
        }
        if batch.running > 0 {
            parts.push(format!("{} at once", batch.running));
        }
        if self.received > 0 {
            parts.push(size(self.received));
            parts.extend(rate(self.received, self.elapsed));
        }
        parts
            .extend(self.batch_left(batch).map(|left| format!("{} left", crate::output::playing_time(left))));
        if self.failed_tries > 0 {
            parts.push(count(self.failed_tries, "failed try").replace("trys", "tries"));
        }
        parts.join("  ").trim_end().to_owned()
    }

    /// How much of all recordings is done, in thousandths: those that nobody looked at yet are taken to be like the
    /// others.
    pub(super) fn batch_share(&self, batch: Batch) -> u64 {
        let (total, done) = (batch.total.max(1) as u128, batch.done as u128);
        let known = batch.looked_at.max(batch.done) as u128;
        let bytes = u128::from(self.batch_expected).max(u128::from(self.received));
        if known == 0 {
            return 0;
        }
        let share = if bytes == 0 {
            done * 1000 / total
        } else {
            // Of what is known, so much came; and so much of all is known.
            u128::from(self.received) * 1000 * known / (bytes * total)
        };
        u64::try_from(share.min(1000)).unwrap_or(1000)
    }

    /// How long the rest takes if it goes on like this; nothing as long as that means nothing.
    fn batch_left(&self, batch: Batch) -> Option<Duration> {
        let share = self.batch_share(batch);
        if self.elapsed < Duration::from_secs(1) || share == 0 || batch.done >= batch.total {
            return None;
        }
        let ms = self.elapsed.as_millis() * u128::from(1000_u64.saturating_sub(share)) / u128::from(share);
        u64::try_from(ms).ok().map(Duration::from_millis)
    }

    /// How long the rest takes at the rate so far; nothing in the first second, when it means nothing.
    pub(super) fn left(&self) -> Option<Duration> {
        let rest = self.expected?.checked_sub(self.received)?;
        if self.elapsed < Duration::from_secs(1) || self.received == 0 || rest == 0 {
            return None;
        }
        let ms = self.elapsed.as_millis() * u128::from(rest) / u128::from(self.received);
        u64::try_from(ms).ok().map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use recfetch::domain::key::ObjectName;
    use recfetch::domain::place::SourceName;
    use recfetch::domain::recording::RecordingId;

    use super::*;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long() {
        let mut snapshot = Snapshot {
            label: "fetching".into(),
            received: 477_102_080,
            expected: Some(1_099_000_000),
            objects: 483,
            done: 210,
            failed_tries: 0,
            elapsed: Duration::from_secs(5),
            batch: None,
            batch_expected: 0,
        };
        assert_eq!(
            snapshot.line(),
            "fetching    210 of 483 objects  455 MiB of 1.02 GiB  43%  91.0 MiB/s  0:07 left"
        );
        snapshot.received = 1_200_000_000;
        snapshot.failed_tries = 2;
        assert_eq!(
            snapshot.line(),
            "fetching    210 of 483 objects  1.11 GiB of 1.02 GiB  100%  228 MiB/s  2 failed tries"
        );
    }

    #[test]
    fn of_many_recordings_the_rest_is_taken_to_be_like_those_that_were_looked_at() {
        let state = State::default();
        let name = ObjectName::parse("a.ts").unwrap();
        state.begin_batch(10);
        state.count(&Event::Planned { keep: 0, fetch: 2, bytes: 2 << 20 });
        state.count(&Event::Planned { keep: 0, fetch: 2, bytes: 2 << 20 });
        state.count(&Event::Received { name: &name, bytes: 3 << 20 });
        state.in_batch(|batch| (batch.done, batch.failed, batch.running) = (1, 1, 1));
        let mut snapshot = state.snapshot();
        snapshot.elapsed = Duration::from_secs(3);
        // 3 of 4 MiB of two recordings, of ten: 15 %.
        assert_eq!(
            snapshot.line(),
            "batch       1 of 10 recordings  1 not complete  1 at once  3.00 MiB  1.00 MiB/s  0:17 left"
        );
        state.in_batch(|batch| (batch.done, batch.running) = (10, 0));
        let mut snapshot = state.snapshot();
        snapshot.elapsed = Duration::from_secs(3);
        assert!(!snapshot.line().contains("left"), "{}", snapshot.line());
    }

    #[test]
    fn events_are_counted_and_what_restarts_does_not_count() {
        let state = State::default();
        let name = ObjectName::parse("a.ts").unwrap();
        let (recording, from) = (RecordingId::parse("sid").unwrap(), SourceName::new("prod"));
        state.count(&Event::Searched { recording: &recording, from: &from, listed: 3 });
        assert_eq!(state.snapshot().line(), "searching  sid in prod, 3 keys");
        state.count(&Event::Planned { keep: 1, fetch: 2, bytes: 2048 });
        state.count(&Event::Received { name: &name, bytes: 1500 });
        state.count(&Event::Restarted { name: &name, bytes: 500 });
        state.count(&Event::Received { name: &name, bytes: 24 });
        let snapshot = state.snapshot();
        assert_eq!((snapshot.received, snapshot.expected, snapshot.objects), (1024, Some(2048), 3));
        state.count(&Event::Restarted { name: &name, bytes: 5000 });
        assert_eq!(state.snapshot().received, 0);
    }
}
