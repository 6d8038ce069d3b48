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
}

impl State {
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
        }
    }
}

impl Snapshot {
    /// `fetching   210 of 482 segments  455 MiB of 1.02 GiB  44%  88.0 MiB/s  0:06 left`
    pub(super) fn line(&self) -> String {
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
