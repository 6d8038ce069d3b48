//! One object, end to end: its places in order, tries, resume, hash, judge.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Context;
use super::examining::{Examination, Look, lacks_index};
use super::meter::Meter;
use super::ranges::{Ended, Parts};
use super::retry::Retries;
use super::sink::{Refused, Sink};
use crate::archive::{self, StagedReader};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::finding::Finding;
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Denial, ETag, Obstacle, SourceName};
use crate::domain::playlist::MAX_BYTES;
use crate::domain::report::Try;
use crate::domain::verdict::{
    Content, Corruption, Evidence, Expectation, Framing, Observation, Structure, Verdict, judge,
};
use crate::event::Event;
use crate::source::{Error, Operation, Read, Source};

/// Smaller objects are hashed alone.
const ALONE_BELOW: u64 = 16 << 10;

/// Where an object may be had, in order.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) source: Arc<dyn Source>,
    /// The keys that it may have there; more than one where a fallback's folders are not known.
    pub(super) keys: Vec<ObjectKey>,
}

/// An object to be fetched.
pub(super) struct Job {
    pub(super) name: ObjectName,
    pub(super) expected: Expectation,
    pub(super) listed: Option<ObjectInfo>,
    pub(super) places: Vec<Place>,
    pub(super) look: Look,
    /// What has to be computed besides, for the store that the bytes go to.
    pub(super) also: &'static [Algorithm],
    /// What the bytes have to be whatever their store vouches for, and who says so.
    pub(super) pinned: Option<(Vec<Digest>, SourceName)>,
}

/// What became of it.
pub(super) struct Fetched {
    pub(super) verdict: Verdict,
    /// The bytes, and what was seen of them, where the verdict is good.
    pub(super) bytes: Option<Proven>,
    /// What was seen of bytes that were judged bad, of the last of them.
    pub(super) rejected: Option<Box<Observation>>,
    pub(super) failed_tries: Vec<Try>,
    pub(super) findings: Vec<Finding>,
}

/// Bytes that were judged good.
pub(super) struct Proven {
    pub(super) sink: Sink,
    pub(super) seen: Observation,
    pub(super) from: SourceName,
    pub(super) etag: Option<ETag>,
    /// As what it was served.
    pub(super) content_type: Option<String>,
}

/// Fetches an object into `sink` from the first of its places that serves it whole.
///
/// # Errors
/// Only those of where the bytes go: what a place did is part of the result.
pub(super) async fn fetch(context: &Context, job: &Job, sink: Sink) -> Result<Fetched, Refused> {
    let _busy = Busy::new(context);
    let mut fetch = Fetch {
        context,
        job,
        sink,
        failed_tries: Vec::new(),
        findings: Vec::new(),
        vouched: job.pinned.clone(),
        stored_bad: false,
        worst: None,
        rejected: None,
        absent_in: Vec::new(),
        furthest: 0,
        content_type: None,
    };
    for place in &job.places {
        match fetch.at_place(place).await? {
            AtPlace::Good(evidence, seen, etag) => {
                let from = place.source.name().clone();
                let Fetch { sink, rejected, failed_tries, findings, content_type, .. } = fetch;
                let bytes = Some(Proven { sink, seen: *seen, from, etag, content_type });
                return Ok(Fetched {
                    verdict: Verdict::Verified { evidence },
                    bytes,
                    rejected,
                    failed_tries,
                    findings,
                });
            }
            AtPlace::GoOn => {}
            AtPlace::Stop => break,
        }
    }
    let Fetch { rejected, failed_tries, findings, worst, absent_in, .. } = fetch;
    let verdict = worst.unwrap_or(Verdict::Absent { looked_in: absent_in });
    Ok(Fetched { verdict, bytes: None, rejected, failed_tries, findings })
}

/// Counted while it lives.
struct Busy<'a>(&'a Context);

impl<'a> Busy<'a> {
    fn new(context: &'a Context) -> Self {
        context.busy.fetch_add(1, Ordering::Relaxed);
        context.budget.busy.fetch_add(1, Ordering::Relaxed);
        Self(context)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
        self.0.budget.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Fetch<'a> {
    context: &'a Context,
    job: &'a Job,
    sink: Sink,
    failed_tries: Vec<Try>,
    findings: Vec<Finding>,
    /// Digests that a place vouches for although its own bytes were others: they hold for a fallback's too.
    vouched: Option<(Vec<Digest>, SourceName)>,
    /// Whether bytes came that were bad in themselves: what was listed may be the digest of bad ones.
    stored_bad: bool,
    /// What to say if no place serves it.
    worst: Option<Verdict>,
    rejected: Option<Box<Observation>>,
    absent_in: Vec<SourceName>,
    /// How many bytes of one transfer came, at the most.
    furthest: u64,
    /// As what the last answer served it.
    content_type: Option<String>,
}

enum AtPlace {
    Good(Evidence, Box<Observation>, Option<ETag>),
    /// The next place may be asked.
    GoOn,
    /// It may not: a wrong key must not look like a lost recording.
    Stop,
}

/// Why one try did not bring the whole object.
enum Failure {
    Refused(Error),
    Corrupt(Corruption),
    Sink(Refused),
}

/// One transfer that may take several requests.
struct Transfer {
    meter: Meter,
    /// From the first answer: what the bytes must turn out to be.
    expected: Expectation,
    vouched_by: SourceName,
    etag: Option<ETag>,
    framing: Framing,
}

impl Fetch<'_> {
    async fn at_place(&mut self, place: &Place) -> Result<AtPlace, Refused> {
        let name = place.source.name();
        let mut corrupt_before = false;
        let mut moved = false;
        let mut last = None;
        let mut keys = place.keys.iter();
        let mut key = keys.next();
        while let Some(now) = key {
            let failure = match self.transfer(&*place.source, now).await {
                Ok((evidence, seen, etag)) => return Ok(AtPlace::Good(evidence, Box::new(seen), etag)),
                Err(failure) => failure,
            };
            match failure {
                Failure::Sink(error) => return Err(error),
                Failure::Corrupt(what) => {
                    self.failed(name, &what.to_string(), (!corrupt_before).then_some(Duration::ZERO));
                    last = Some(Verdict::Corrupt { from: name.clone(), what });
                    if corrupt_before {
                        break;
                    }
                    // Once more from zero: what went wrong on the way is told from what is wrong there.
                    corrupt_before = true;
                }
                Failure::Refused(error) => {
                    if self.context.follow_region(&*place.source, &error, &mut moved).await {
                        continue;
                    }
                    if error.obstacle == Obstacle::Absent {
                        key = keys.next();
                        if key.is_none() {
                            self.failed(name, &error.to_string(), None);
                        }
                        continue;
                    }
                    self.failed(name, &explained(&error), None);
                    last = Some(refusal(name, error.obstacle));
                    break;
                }
            }
        }
        Ok(match last {
            None => {
                self.absent_in.push(name.clone());
                AtPlace::GoOn
            }
            Some(verdict) => {
                let goes_on = self.context.options.fallback_after(&verdict);
                if self.worst.as_ref().is_none_or(|worst| weight(&verdict) > weight(worst)) {
                    self.worst = Some(verdict);
                }
                if goes_on { AtPlace::GoOn } else { AtPlace::Stop }
            }
        })
    }

    /// The whole object in as many requests as it takes, or the reason why not.
    async fn transfer(
        &mut self,
        source: &dyn Source,
        key: &ObjectKey,
    ) -> Result<(Evidence, Observation, Option<ETag>), Failure> {
        self.context.tell(&Event::Started {
            name: &self.job.name,
            from: source.name(),
            size: self.job.expected.size,
        });
        self.restart().await?;
        let mut retries = Retries::new(self.context.options.retry, self.context.now());
        let mut current: Option<Transfer> = None;
        let mut changes = 0;
        self.furthest = 0;
        if let Some(transfer) = self.in_parts(source, key).await? {
            return self.judge(source.name(), transfer).await;
        }
        loop {
            let error = match self.request(source, key, &mut current, &mut retries).await {
                Ok(()) => break,
                Err(Failure::Refused(error)) => error,
                Err(other) => return Err(other),
            };
            if error.obstacle == Obstacle::Throttled {
                self.context.throttled();
            }
            let again = match &error.obstacle {
                Obstacle::Changed => {
                    // Another version than a moment ago: once more from zero, but not for ever.
                    changes += 1;
                    current = None;
                    self.restart().await?;
                    (changes <= 2).then_some(Duration::ZERO)
                }
                Obstacle::Throttled | Obstacle::Unreachable => {
                    retries.wait_after_failure(self.context.now(), error.retry_after)
                }
                Obstacle::Absent
                | Obstacle::NoSuchBucket
                | Obstacle::Denied(_)
                | Obstacle::Frozen { .. }
                | Obstacle::WrongRegion { .. }
                | Obstacle::Untrusted
                | Obstacle::Unsupported
                | Obstacle::Corrupt
                | Obstacle::Unexpected => None,
            };
            let Some(wait) = again else { return Err(Failure::Refused(error)) };
            self.failed(source.name(), &explained(&error), Some(wait));
            tokio::time::sleep(wait).await;
            // Without a version tag nobody can promise that the rest belongs to the same object.
            if current.as_ref().is_some_and(|transfer| transfer.etag.is_none()) {
                current = None;
                self.restart().await?;
            }
        }
        let Some(transfer) = current else {
            return Err(Failure::Corrupt(Corruption::Empty));
        };
        self.judge(source.name(), transfer).await
    }

    /// A large object in parts; `None` where it is not large, or does not come so.
    async fn in_parts(&mut self, source: &dyn Source, key: &ObjectKey) -> Result<Option<Transfer>, Failure> {
        let is_large = |size: Option<u64>| size.is_some_and(|size| size >= self.context.options.parts.from);
        if !is_large(self.job.expected.size) || !matches!(self.sink, Sink::File { .. }) {
            return Ok(None);
        }
        for _ in 0..3 {
            // What keeps this from being answered will be said by the request for the bytes themselves.
            let Ok(info) = self.context.patiently(source, || source.stat(key)).await else { break };
            let (true, Some(size), Some(_)) = (is_large(info.size), info.size, &info.etag) else { break };
            let Transfer { meter, expected, vouched_by, etag, framing } =
                self.begin(source.name(), &info, Framing::Length);
            let Some(version) = &etag else { break };
            let Sink::File { staged, written } = &mut self.sink else { break };
            // Whatever becomes of it, the file is not empty from here on.
            *written = size;
            let (context, name) = (self.context, &self.job.name);
            let parts = Parts { context, source, key, name, size, etag: version, staged };
            let (tries, from) = (&mut self.failed_tries, source.name());
            let ended = parts.fetch(meter, |error, retry_in| {
                let why = explained(error);
                context.tell(&Event::TryFailed { name, from, why: &why, retry_in });
                tries.push(Try { from: from.clone(), why });
            });
            match ended.await.map_err(disk)? {
                Ended::Whole(meter) => {
                    return Ok(Some(Transfer { meter: *meter, expected, vouched_by, etag, framing }));
                }
                Ended::Changed(error) => self.failed(source.name(), &explained(&error), Some(Duration::ZERO)),
                Ended::Refused(error) => return Err(Failure::Refused(error)),
                Ended::NotInParts => break,
            }
            self.restart().await?;
        }
        // What came so far is thrown away; as one it starts from the first byte.
        self.restart().await?;
        Ok(None)
    }

    /// One request: opens at the offset that was reached, and reads to the end.
    async fn request(
        &mut self,
        source: &dyn Source,
        key: &ObjectKey,
        current: &mut Option<Transfer>,
        retries: &mut Retries,
    ) -> Result<(), Failure> {
        let from = current.as_ref().map_or(0, |transfer| transfer.meter.size());
        let if_match = current.as_ref().and_then(|transfer| transfer.etag.clone());
        let read = Read { from, until: None, if_match: if_match.as_ref() };
        let mut opened = source.open(key, read).await.map_err(Failure::Refused)?;
        self.content_type = opened.info.content_type.take();
        let transfer = match current {
            Some(transfer) => {
                if opened.info.etag != transfer.etag {
                    let changed = Error::new(Obstacle::Changed, Operation::Read, source.name(), key.as_str());
                    return Err(Failure::Refused(changed));
                }
                transfer
            }
            None => current.insert(self.begin(source.name(), &opened.info, opened.framing)),
        };
        while let Some(chunk) = opened.body.next().await {
            let chunk = chunk.map_err(Failure::Refused)?;
            self.context.budget.rate.pass(chunk.len()).await;
            self.context.budget.hashing.room().await;
            self.sink.write(self.context, &chunk).await.map_err(Failure::Sink)?;
            let bytes = chunk.len() as u64;
            transfer.meter.push(chunk);
            // Bytes that were here before and were thrown away are no progress.
            if transfer.meter.size() > self.furthest {
                self.furthest = transfer.meter.size();
                retries.progressed(self.context.now());
            }
            self.context.received(&self.job.name, bytes);
            // It will be called too long, or too large for a playlist, however much more comes.
            let most = transfer.expected.size.or(self.most_without_a_size());
            if most.is_some_and(|most| transfer.meter.size() > most) {
                break;
            }
        }
        Ok(())
    }

    /// A playlist is read into memory: one that never ends must end here.
    fn most_without_a_size(&self) -> Option<u64> {
        match self.job.expected.content {
            Content::Playlist => Some(MAX_BYTES as u64 + 1),
            Content::TransportStream
            | Content::WebM
            | Content::Mp4
            | Content::Adts
            | Content::Mp3
            | Content::Jpeg
            | Content::Opaque => None,
        }
    }

    /// The first answer tells what the bytes must turn out to be.
    fn begin(&mut self, name: &SourceName, info: &ObjectInfo, framing: Framing) -> Transfer {
        let mut expected = self.job.expected.clone();
        let same_version = |listed: &ObjectInfo| match (&listed.etag, &info.etag) {
            (Some(listed), Some(found)) => listed == found,
            (_, _) => true,
        };
        let in_first_place = self.job.places.first().is_some_and(|place| place.source.name() == name);
        let changed = in_first_place && self.job.listed.as_ref().is_some_and(|listed| !same_version(listed));
        if changed {
            // A playlist is written again and again while a recording runs.
            if expected.content != Content::Playlist {
                self.findings.push(Finding::ChangedSinceListing { name: self.job.name.clone() });
            }
            expected.size = None;
        }
        expected.size = expected.size.or(info.size);
        // A version that nobody listed, in the place of one whose bytes were another segment's, cannot vouch
        // for itself.
        let nobody_listed = changed || self.job.listed.is_none();
        let distrusted = nobody_listed && (expected.starts_at.is_some() || expected.not_as.is_some());
        let written_once = expected.content != Content::Playlist;
        expected.digests.clear();
        if !distrusted {
            expected.digests.clone_from(&info.digests);
            // A CDN before a store may hide what the store vouches for. What was listed holds all the same, for
            // objects that are written once.
            if let Some(listed) = self.job.listed.as_ref().filter(|_| in_first_place && !changed)
                && written_once
                && expected.digests.is_empty()
            {
                expected.digests.clone_from(&listed.digests);
            }
        }
        // What the first place vouched for holds for every other place, whatever that one vouches for.
        // So does what it listed and could not bring.
        let listed = self.job.places.first().zip(self.job.listed.as_ref());
        let listed = listed
            .filter(|(_, listed)| !listed.digests.is_empty())
            .filter(|_| !in_first_place && written_once && !self.stored_bad)
            .map(|(place, listed)| (listed.digests.clone(), place.source.name().clone()));
        let vouched = self.vouched.clone().or(listed).filter(|_| !distrusted);
        let elsewhere = vouched.as_ref().map_or(&[][..], |(digests, _)| digests);
        let meter = Meter::new(expected.content, &expected.digests, elsewhere)
            .also(self.job.also)
            .looking(expected.content, self.job.look);
        // Little ones are done before company comes.
        let meter = if expected.size.is_some_and(|size| size < ALONE_BELOW) {
            meter
        } else {
            meter.among(&self.context.budget.hashing)
        };
        let mut vouched_by = name.clone();
        if let Some((digests, by)) = vouched {
            if expected.digests.is_empty() {
                vouched_by = by;
            }
            expected.digests.extend(digests);
        }
        Transfer { meter, expected, vouched_by, etag: info.etag.clone(), framing }
    }

    async fn judge(
        &mut self,
        name: &SourceName,
        transfer: Transfer,
    ) -> Result<(Evidence, Observation, Option<ETag>), Failure> {
        let Transfer { meter, expected, vouched_by, etag, framing } = transfer;
        let _settling = self.context.settling();
        let Ok(mut seen) = meter.finish(framing).await else {
            let error = Error::new(Obstacle::Unexpected, Operation::Read, name, self.job.name.as_str());
            return Err(Failure::Refused(error.with_answer("hashing the bytes ended")));
        };
        if let (true, Sink::File { staged, .. }) = (lacks_index(&seen.structure), &self.sink) {
            // One at a time: memory is bounded for all objects together.
            let _one = self.context.budget.large_index.lock().await;
            let (reader, content, size) = (staged.reader().map_err(disk)?, expected.content, seen.size);
            let examined = tokio::task::spawn_blocking(move || examine(&reader, content, size)).await;
            // A task that ended by itself leaves the structure unproven.
            if let Ok(structure) = examined {
                seen.structure = structure.map_err(disk)?;
            }
        }
        match judge(&expected, &seen, &vouched_by) {
            Ok(evidence) => Ok((evidence, seen, etag)),
            Err(what) => {
                // Where the bytes are not what their store vouches for, its digest still tells the right
                // ones. Where they are and are bad, they were stored bad.
                let first = self.vouched.is_none() && vouched_by == *name;
                let other_bytes = matches!(what, Corruption::Digest { .. });
                if other_bytes && first {
                    self.vouched = Some((expected.digests, vouched_by));
                }
                self.stored_bad |= !other_bytes;
                self.rejected = Some(Box::new(seen));
                Err(Failure::Corrupt(what))
            }
        }
    }

    async fn restart(&mut self) -> Result<(), Failure> {
        let bytes = self.sink.written();
        if bytes > 0 {
            self.context.tell(&Event::Restarted { name: &self.job.name, bytes });
            self.sink.restart().await.map_err(Failure::Sink)?;
        }
        Ok(())
    }

    fn failed(&mut self, from: &SourceName, why: &str, retry_in: Option<Duration>) {
        self.failed_tries.push(Try { from: from.clone(), why: why.to_owned() });
        self.context.tell(&Event::TryFailed { name: &self.job.name, from, why, retry_in });
    }
}

fn disk(error: archive::Error) -> Failure {
    Failure::Sink(Refused::Disk(error))
}

/// Looks once more at the structure of what was written.
fn examine(file: &StagedReader, content: Content, size: u64) -> Result<Structure, archive::Error> {
    let mut examination = Examination::of_large_index(content);
    file.read(0..size, &mut |piece| examination.push(piece))?;
    Ok(examination.finish())
}

/// The error with what lies below, on one line.
fn explained(error: &Error) -> String {
    let mut text = error.to_string();
    let mut below = std::error::Error::source(error);
    // The innermost cause says the most, and the links between repeat each other.
    while let Some(next) = below {
        match next.source() {
            Some(deeper) => below = Some(deeper),
            None => {
                text.push_str(": ");
                text.push_str(&next.to_string());
                break;
            }
        }
    }
    text
}

/// What comes of a place that does not serve.
pub(super) fn refusal(from: &SourceName, obstacle: Obstacle) -> Verdict {
    let from = from.clone();
    match obstacle {
        Obstacle::Denied(why) => Verdict::Denied { from, why },
        Obstacle::Frozen { class } => Verdict::Frozen { from, class },
        Obstacle::Absent => Verdict::Absent { looked_in: vec![from] },
        last @ (Obstacle::NoSuchBucket
        | Obstacle::WrongRegion { .. }
        | Obstacle::Changed
        | Obstacle::Corrupt
        | Obstacle::Throttled
        | Obstacle::Unreachable
        | Obstacle::Untrusted
        | Obstacle::Unsupported
        | Obstacle::Unexpected) => Verdict::Unreachable { from, last },
    }
}

/// Of several places that could not serve, which answer tells most.
fn weight(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Corrupt { .. } => 5,
        Verdict::Frozen { .. } => 4,
        Verdict::Denied { why: Denial::Anonymous, .. } => 2,
        Verdict::Denied { .. } => 3,
        Verdict::Unreachable { .. } => 1,
        Verdict::Absent { .. } | Verdict::NotRequested | Verdict::Interrupted | Verdict::Verified { .. } => 0,
    }
}
