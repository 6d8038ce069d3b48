//! Large objects in parts: several requests at once, each writing at its own place in the unfinished file,
//! while the digests are computed in order behind them.
//!
//! One connection is rarely as fast as the line, and an MP4 of two hours would be the last thing that runs.
//! Digests other than CRCs cannot be put together from parts, so the bytes are read again from the page cache
//! as soon as all before them are there: no part is held in memory, and every byte that is judged was read
//! from the file that is kept.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::Context;
use super::meter::Meter;
use super::retry::Retries;
use crate::archive::{self, Staged, StagedReader};
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::place::{ETag, Obstacle};
use crate::source::{Error, Operation, Read, Source};

/// From when on, and how, an object is fetched in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartsPolicy {
    /// Objects of at least so many bytes.
    pub from: u64,
    /// Bytes of one part.
    pub part: u64,
    /// Parts of one object at once, at the most. They share the bound on all transfers with other objects.
    pub at_once: usize,
}

impl Default for PartsPolicy {
    fn default() -> Self {
        // A slice of fifteen seconds never is that large; an MP4, or hours of one WebM slice, is.
        Self { from: 64 << 20, part: 8 << 20, at_once: 8 }
    }
}

impl PartsPolicy {
    fn split(&self, size: u64) -> VecDeque<Range<u64>> {
        let part = self.part.max(1);
        (0..size.div_ceil(part)).map(|n| n * part..size.min((n + 1) * part)).collect()
    }
}

/// How a transfer in parts ended without an error of the disk.
pub(super) enum Ended {
    /// All bytes are in the file, and measured.
    Whole(Box<Meter>),
    /// The object is another version than the one that the parts were cut from.
    Changed(Error),
    /// The place does not serve parts.
    NotInParts,
    /// The place refused, or patience is at its end.
    Refused(Error),
}

/// A version of an object that is fetched in parts.
pub(super) struct Parts<'a> {
    pub(super) context: &'a Context,
    pub(super) source: &'a dyn Source,
    pub(super) key: &'a ObjectKey,
    /// Its name in the archive, for events.
    pub(super) name: &'a ObjectName,
    pub(super) size: u64,
    pub(super) etag: &'a ETag,
    pub(super) staged: &'a Staged,
}

/// A try of one part that ended.
struct Tried {
    part: Range<u64>,
    /// The first byte that did not come.
    reached: u64,
    retries: Retries,
    ended: Result<(), Stop>,
}

enum Stop {
    Place(Error),
    Disk(archive::Error),
}

impl Parts<'_> {
    /// Fetches all parts and measures the bytes. `failed` is told each try that failed and the pause after it.
    ///
    /// # Errors
    /// The local disk's.
    pub(super) async fn fetch(
        &self,
        meter: Meter,
        mut failed: impl FnMut(&Error, Option<Duration>),
    ) -> Result<Ended, archive::Error> {
        let policy = self.context.options.parts;
        let mut waiting = policy.split(self.size);
        let mut running = FuturesUnordered::new();
        let (measured, mut measuring) = measure(meter.alone(), self.staged.reader()?);
        // Ends of what came, by where it starts, as far as something before it is still missing.
        let mut ahead: BTreeMap<u64, u64> = BTreeMap::new();
        let mut whole_until = 0;
        loop {
            while running.len() < self.context.parts_at_once() {
                let Some(part) = waiting.pop_front() else { break };
                let retries = Retries::new(self.context.options.retry, self.context.now());
                running.push(self.part(part, retries, Duration::ZERO));
            }
            let Some(Tried { part, reached, mut retries, ended }) = running.next().await else { break };
            if reached > part.start {
                ahead.insert(part.start, reached);
            }
            while let Some(end) = ahead.remove(&whole_until) {
                whole_until = end;
            }
            // Its receiver only ends early with an error of the disk, which is asked for below.
            let _ = measured.send(whole_until);
            let error = match ended {
                Ok(()) => {
                    self.context.object_done();
                    continue;
                }
                Err(Stop::Disk(error)) => return Err(error),
                Err(Stop::Place(error)) => error,
            };
            let wait = match &error.obstacle {
                Obstacle::Throttled | Obstacle::Unreachable => {
                    if error.obstacle == Obstacle::Throttled {
                        self.context.throttled();
                    }
                    retries.wait_after_failure(self.context.now(), error.retry_after)
                }
                Obstacle::Changed => return Ok(Ended::Changed(error)),
                Obstacle::Unsupported => return Ok(Ended::NotInParts),
                Obstacle::Absent
                | Obstacle::NoSuchBucket
                | Obstacle::Denied(_)
                | Obstacle::Frozen { .. }
                | Obstacle::WrongRegion { .. }
                | Obstacle::Untrusted
                | Obstacle::Corrupt
                | Obstacle::Unexpected => None,
            };
            let Some(wait) = wait else { return Ok(Ended::Refused(error)) };
            failed(&error, Some(wait));
            running.push(self.part(reached..part.end, retries, wait));
        }
        drop(measured);
        Ok(match measuring.recv().await {
            Some(meter) => Ended::Whole(Box::new(meter?)),
            None => Ended::Refused(self.error(Obstacle::Unexpected).with_answer("measuring the bytes ended")),
        })
    }

    /// One try of one part, after a pause.
    async fn part(&self, part: Range<u64>, mut retries: Retries, pause: Duration) -> Tried {
        tokio::time::sleep(pause).await;
        let mut reached = part.start;
        let ended = self.read(&part, &mut reached, &mut retries).await;
        Tried { part, reached, retries, ended }
    }

    async fn read(&self, part: &Range<u64>, reached: &mut u64, retries: &mut Retries) -> Result<(), Stop> {
        let read = Read { from: part.start, until: Some(part.end), if_match: Some(self.etag) };
        let mut opened = self.source.open(self.key, read).await.map_err(Stop::Place)?;
        if opened.info.etag.as_ref() != Some(self.etag) {
            // Whoever ignores the condition still says what it sends.
            return Err(Stop::Place(self.error(Obstacle::Changed)));
        }
        while let Some(chunk) = opened.body.next().await {
            let chunk = chunk.map_err(Stop::Place)?;
            self.context.budget.rate.pass(chunk.len()).await;
            let bytes = chunk.len() as u64;
            if *reached + bytes > part.end {
                let error = self.error(Obstacle::Unsupported);
                return Err(Stop::Place(error.with_answer("more came than the part that was asked for")));
            }
            self.staged.write_at(*reached, &chunk).map_err(Stop::Disk)?;
            *reached += bytes;
            retries.progressed(self.context.now());
            self.context.received(self.name, bytes);
        }
        if *reached < part.end {
            let error = self.error(Obstacle::Unreachable);
            return Err(Stop::Place(error.with_answer("the body was cut short")));
        }
        Ok(())
    }

    fn error(&self, obstacle: Obstacle) -> Error {
        Error::new(obstacle, Operation::Read, self.source.name(), self.key.as_str())
    }
}

/// Measures a file in order, on a thread of its own: up to each offset that is sent, and done when the sender
/// is gone. What it has measured is the one thing that comes back.
fn measure(
    mut meter: Meter,
    file: StagedReader,
) -> (mpsc::UnboundedSender<u64>, mpsc::UnboundedReceiver<Result<Meter, archive::Error>>) {
    let (whole_until, mut ends) = mpsc::unbounded_channel::<u64>();
    let (done, measured) = mpsc::unbounded_channel();
    tokio::task::spawn_blocking(move || {
        while let Some(end) = ends.blocking_recv() {
            if let Err(error) = file.read(meter.size()..end, &mut |piece| meter.push_slice(piece)) {
                let _ = done.send(Err(error));
                return;
            }
        }
        let _ = done.send(Ok(meter));
    });
    (whole_until, measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_every_byte_once() {
        let policy = PartsPolicy { from: 0, part: 10, at_once: 4 };
        for (size, expected) in [
            (0, &[][..]),
            (1, &[(0, 1)]),
            (10, &[(0, 10)]),
            (11, &[(0, 10), (10, 11)]),
            (25, &[(0, 10), (10, 20), (20, 25)]),
        ] {
            let parts: Vec<_> = policy.split(size).iter().map(|part| (part.start, part.end)).collect();
            assert_eq!(parts, expected, "{size}");
        }
    }
}
