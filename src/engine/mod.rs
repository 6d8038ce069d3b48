//! Walks a recording from its ID to a proven archive: locate, read, plan, fetch, judge, publish.
//!
//! What is to be done is decided in [`domain`](crate::domain); this walks. Retry, resume and limits exist
//! once, here.

mod assemble;
mod audit;
mod checked_run;
mod checking;
mod deep;
mod earlier;
mod estimate;
mod examining;
mod hashing;
mod home;
mod keep_joined;
mod listing;
mod located;
mod locating;
mod meter;
mod mirror;
mod mirrored;
mod misplaced;
mod object;
mod outgoing;
mod packing;
mod probing;
mod qetag;
mod ranges;
mod rate;
mod reading;
mod repair;
mod repair_mirror;
mod reporting;
mod retry;
mod run;
mod sink;
mod target;
mod thawing;
mod there;
mod told;
mod watch;
mod width;

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::archive::Trust;
use crate::domain::finding::Finding;
use crate::domain::key::{KeyPrefix, ObjectKey, ObjectName};
use crate::domain::place::Obstacle;
use crate::domain::playlist::UriPolicy;
use crate::domain::time::SliceTime;
use crate::domain::verdict::Verdict;
use crate::event::{Event, Observer};
use crate::hash::Lanes;
use crate::source::{Error, HttpOptions, Source, StoreSpec};

use hashing::Hashing;
use rate::RateLimit;
use width::Width;

pub use assemble::{Gaps, JoinError, JoinRequest, JoinTo, JoinedFile, Overlap, Refusal, RunFiles, join_bag};
pub use audit::{Audit, AuditDepth, ProvenBy};
pub use checking::{CheckOptions, Checked, ListedRecording, Survey, SurveyError, Surveyed, WaitOptions};
pub use deep::{MediaCheck, MediaDamage, check_media};
pub use estimate::{Estimate, LayoutEstimate, Requests, estimate};
pub use keep_joined::LOOK_AHEAD;
pub use located::{Found, LocateError, LocateQuery, Looked, Search};
pub use mirror::{MirrorLayout, MirrorOptions, MirrorTarget, Mirrored};
pub use ranges::PartsPolicy;
pub use repair::{Mended, NotMended, Repaired};
pub use repair_mirror::{MirrorMending, MirrorRepaired};
pub use retry::RetryPolicy;
pub use run::{FetchError, Fetched, JoinOutcome};
pub use target::{PlaylistUrl, Target, TargetError};
pub use thawing::{ThawFor, ThawOptions, Thawed};

/// So many objects may settle beside those that come.
const SETTLING_AT_MOST: usize = 32;

/// So many KiB of segments may wait in memory for their turn to be joined; the others wait in files.
const HELD_AT_MOST: usize = 12 << 10;

/// How to fetch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// How many objects are fetched at once, at the most.
    pub jobs: usize,
    /// A bound on bytes per second, over all transfers together.
    pub rate: Option<NonZeroU64>,
    /// How patient to be with one object at one place.
    pub retry: RetryPolicy,
    /// When and how large objects come in parts.
    pub parts: PartsPolicy,
    /// Whether a fallback is asked after a place refused.
    pub after_denial: AfterDenial,
    /// Which URIs of a playlist may become requests.
    pub uris: UriPolicy,
    /// How files of an earlier run are examined.
    pub trust: Trust,
    /// Timeouts and proxies for URLs that a playlist names by itself.
    pub http: HttpOptions,
    /// What is kept of segments.
    pub keep: Keep,
}

/// What is kept of segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// Each as a file.
    #[default]
    Segments,
    /// Only the joined file of each track, with the proof of every segment in it. Tracks that cannot be joined
    /// byte for byte are kept as segments.
    Joined,
}

/// Whether a fallback is asked after a place refused (denied, archived, wrong region, no such bucket, a
/// certificate that is not trusted).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterDenial {
    /// No: a wrong key must not look like a lost recording.
    Stop,
    /// Yes.
    AskFallback,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            // A store far away with a bound for each connection takes so many to fill a gigabit; near ones stay
            // far below by themselves.
            jobs: 64,
            rate: None,
            retry: RetryPolicy::default(),
            parts: PartsPolicy::default(),
            after_denial: AfterDenial::Stop,
            uris: UriPolicy::NamesOnly,
            trust: Trust::Hash,
            http: HttpOptions::default(),
            keep: Keep::Segments,
        }
    }
}

impl FetchOptions {
    /// Whether the next place may be asked after this one ended so.
    fn fallback_after(&self, verdict: &Verdict) -> bool {
        let refused = match verdict {
            Verdict::Denied { .. } | Verdict::Frozen { .. } => true,
            Verdict::Unreachable { last, .. } => match last {
                Obstacle::WrongRegion { .. } | Obstacle::NoSuchBucket | Obstacle::Untrusted => true,
                Obstacle::Absent
                | Obstacle::Denied(_)
                | Obstacle::Frozen { .. }
                | Obstacle::Changed
                | Obstacle::Corrupt
                | Obstacle::Throttled
                | Obstacle::Unreachable
                | Obstacle::Unsupported
                | Obstacle::Unexpected => false,
            },
            Verdict::Absent { .. }
            | Verdict::Corrupt { .. }
            | Verdict::Verified { .. }
            | Verdict::NotRequested
            | Verdict::Interrupted => false,
        };
        !refused || self.after_denial == AfterDenial::AskFallback
    }
}

/// A store that is ready to be asked.
#[derive(Clone)]
pub struct Store {
    /// Where its bytes come from.
    pub source: Arc<dyn Source>,
    /// The folder below which recordings lie, where that was said.
    pub prefix: Option<KeyPrefix>,
}

/// A store with those that are asked for what it lacks.
#[derive(Clone)]
pub struct Candidate {
    /// The store.
    pub store: Store,
    /// Asked for each missing object, in order.
    pub fallbacks: Vec<Store>,
}

impl Store {
    /// Makes the source of a store and keeps its folder.
    ///
    /// # Errors
    /// Where a client cannot be set up.
    pub async fn connect(spec: &StoreSpec) -> Result<Self, Error> {
        Ok(Self { source: crate::source::connect(spec).await?, prefix: spec.prefix.clone() })
    }

    /// The folders that may hold the recording in `folder` in this store as a fallback, each once.
    fn folders_as_fallback(&self, folder: &KeyPrefix) -> Vec<KeyPrefix> {
        let mut folders = match &self.prefix {
            Some(prefix) => vec![prefix.clone()],
            // A copy keeps the folders of the bucket, or was handed over without them.
            None => vec![folder.clone(), KeyPrefix::root()],
        };
        folders.dedup();
        folders
    }

    /// The keys that an object of the recording in `folder` may have in this store as a fallback.
    fn keys_as_fallback(&self, folder: &KeyPrefix, name: &ObjectName) -> Vec<ObjectKey> {
        let folders = self.folders_as_fallback(folder);
        let mut keys: Vec<_> = folders.iter().filter_map(|folder| name.in_folder(folder).ok()).collect();
        keys.dedup();
        keys
    }
}

impl Candidate {
    /// Where an object of the recording in `folder` may be had, in order.
    fn places(&self, key: &ObjectKey, folder: &KeyPrefix, name: &ObjectName) -> Vec<object::Place> {
        let first = object::Place { source: self.store.source.clone(), keys: vec![key.clone()] };
        let rest = self.fallbacks.iter().map(|fallback| object::Place {
            source: fallback.source.clone(),
            keys: fallback.keys_as_fallback(folder, name),
        });
        std::iter::once(first).chain(rest).collect()
    }
}

/// Finds and fetches recordings.
#[derive(Clone)]
pub struct Fetcher {
    context: Arc<Context>,
}

/// Whether a recording is still for this run to bring, where several machines share the work: `false` as soon as
/// another may have it.
pub type Claim = Arc<dyn Fn() -> bool + Send + Sync>;

/// What all parts of a run share.
struct Context {
    options: FetchOptions,
    observer: Arc<dyn Observer>,
    cancel: CancellationToken,
    claim: Option<Claim>,
    budget: Arc<Budget>,
    noticed: Mutex<Vec<Finding>>,
    /// Objects that are being fetched now.
    busy: AtomicUsize,
    /// Objects whose bytes all came, and that are being judged or kept.
    settling: AtomicUsize,
    /// Told when an object begins to settle: another one may come.
    settled: Notify,
    /// Bytes that this run still has to bring to the disk.
    promised: AtomicU64,
}

/// What all runs share that go on at a time, so that they take no more together than one would alone.
struct Budget {
    rate: RateLimit,
    width: Mutex<Width>,
    start: Instant,
    /// Held by whoever looks at an index that is too large to be gathered while other objects pass.
    large_index: tokio::sync::Mutex<()>,
    /// A turn for each playlist that is read and each object that is asked about, however many recordings are
    /// looked at.
    turns: Semaphore,
    hashing: Arc<Hashing>,
    /// KiB of memory for segments that wait for their turn to be joined.
    held: Arc<Semaphore>,
    /// The sum over all runs of what is counted there by the same names.
    busy: AtomicUsize,
    settling: AtomicUsize,
    promised: AtomicU64,
}

/// Counted as settling while it lives.
struct Settling<'a>(&'a Context);

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        self.0.settling.fetch_sub(1, Ordering::Relaxed);
        self.0.budget.settling.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Fetcher {
    /// A fetcher that tells `observer` what happens, and stops soon after `cancel` is cancelled.
    #[must_use]
    pub fn new(options: FetchOptions, observer: Arc<dyn Observer>, cancel: CancellationToken) -> Self {
        let budget = Budget {
            rate: RateLimit::new(options.rate),
            width: Mutex::new(Width::new(options.jobs, Duration::ZERO)),
            start: Instant::now(),
            large_index: tokio::sync::Mutex::default(),
            turns: Semaphore::new(options.jobs.clamp(1, Semaphore::MAX_PERMITS)),
            hashing: Hashing::new(Lanes::of_this_machine()),
            held: Arc::new(Semaphore::new(HELD_AT_MOST)),
            busy: AtomicUsize::new(0),
            settling: AtomicUsize::new(0),
            promised: AtomicU64::new(0),
        };
        Self::within(Arc::new(budget), options, observer, cancel, None)
    }

    /// A fetcher for another recording at the same time. Bounds on objects at once, bytes per second and memory
    /// are those of this one, and hold for both together; what is noticed about one recording stays out of the
    /// report of the other.
    #[must_use]
    pub fn beside(&self, options: FetchOptions, observer: Arc<dyn Observer>) -> Self {
        Self::within(self.context.budget.clone(), options, observer, self.context.cancel.clone(), None)
    }

    /// A fetcher that writes nothing to another store any more once `claim` says no: a store knows no locks, and
    /// whoever stood still for a while must not write into what another brought meanwhile.
    #[must_use]
    pub fn claiming(&self, claim: Claim) -> Self {
        let Context { budget, options, observer, cancel, .. } = &*self.context;
        Self::within(budget.clone(), options.clone(), observer.clone(), cancel.clone(), Some(claim))
    }

    fn within(
        budget: Arc<Budget>,
        options: FetchOptions,
        observer: Arc<dyn Observer>,
        cancel: CancellationToken,
        claim: Option<Claim>,
    ) -> Self {
        Self {
            context: Arc::new(Context {
                options,
                observer,
                cancel,
                claim,
                budget,
                noticed: Mutex::default(),
                busy: AtomicUsize::new(0),
                settling: AtomicUsize::new(0),
                settled: Notify::new(),
                promised: AtomicU64::new(0),
            }),
        }
    }
}

impl Context {
    /// Waits until another request may be made. It may from now on until what this returns is dropped.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.budget.turns.acquire().await.ok()
    }

    /// Says that the bytes of an object are here: its place among the transfers is free until this is dropped.
    fn settling(&self) -> Settling<'_> {
        self.settling.fetch_add(1, Ordering::Relaxed);
        self.budget.settling.fetch_add(1, Ordering::Relaxed);
        self.settled.notify_one();
        Settling(self)
    }

    /// How many of so many tasks still wait for bytes.
    fn coming(&self, tasks: usize) -> usize {
        // Neither memory nor open files may grow with objects that the disk is slow to take.
        let settling = self.settling.load(Ordering::Relaxed);
        let others = self.budget.settling.load(Ordering::Relaxed).saturating_sub(settling);
        tasks.saturating_sub(settling.min(SETTLING_AT_MOST.saturating_sub(others)))
    }

    fn now(&self) -> Duration {
        self.budget.start.elapsed()
    }

    fn tell(&self, event: &Event<'_>) {
        self.observer.on_event(event);
    }

    /// A finding that belongs to the run rather than to one object.
    fn noticed(&self, finding: Finding) {
        let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        if !noticed.contains(&finding) {
            self.tell(&Event::Noticed { finding: &finding });
            noticed.push(finding);
        }
    }

    fn take_noticed(&self) -> Vec<Finding> {
        std::mem::take(&mut self.noticed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn received(&self, name: &ObjectName, bytes: u64) {
        self.tell(&Event::Received { name, bytes });
        self.keep_promise(bytes);
        self.widen(|width, now| width.on_bytes(now, bytes), None);
    }

    fn object_done(&self) {
        self.widen(|width, now| width.on_done(now), None);
    }

    fn throttled(&self) {
        self.widen(|width, now| width.on_throttled(now), Some(&Obstacle::Throttled));
    }

    /// How many objects this run may fetch at once: what other runs leave, and one at the least, so that each
    /// goes on.
    fn width(&self) -> usize {
        let width = self.budget.width.lock().unwrap_or_else(PoisonError::into_inner).current();
        let busy = self.budget.busy.load(Ordering::Relaxed);
        let others = busy.saturating_sub(self.busy.load(Ordering::Relaxed));
        width.saturating_sub(others).max(1)
    }

    /// Bytes that other runs still have to bring to the disk.
    fn promised_by_others(&self) -> u64 {
        let all = self.budget.promised.load(Ordering::Relaxed);
        all.saturating_sub(self.promised.load(Ordering::Relaxed))
    }

    /// Says that this run will bring so many bytes to the disk.
    fn promise(&self, bytes: u64) {
        self.promised.fetch_add(bytes, Ordering::Relaxed);
        self.budget.promised.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many of them are there, or will not come.
    fn keep_promise(&self, bytes: u64) {
        let less = |promised: u64| Some(promised - promised.min(bytes));
        // The closure never declines.
        let before = self.promised.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).unwrap_or(0);
        self.budget.promised.fetch_sub(before.min(bytes), Ordering::Relaxed);
    }

    /// How many parts of one object may be on their way: its share of the width.
    fn parts_at_once(&self) -> usize {
        let width = self.budget.width.lock().unwrap_or_else(PoisonError::into_inner).current();
        let share = width / self.budget.busy.load(Ordering::Relaxed).max(1);
        share.clamp(1, self.options.parts.at_once.max(1))
    }

    fn widen(&self, change: impl FnOnce(&mut Width, Duration) -> bool, why: Option<&Obstacle>) {
        let mut width = self.budget.width.lock().unwrap_or_else(PoisonError::into_inner);
        if change(&mut width, self.now()) {
            let width = width.current();
            self.tell(&Event::WidthChanged { width, why });
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.keep_promise(u64::MAX);
    }
}

/// The time of day. The only place in the library that asks for it.
fn time_of_day() -> SliceTime {
    let ms = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    SliceTime::from_unix_ms(ms).unwrap_or_default()
}

/// A time of the report, in milliseconds of Unix time.
fn moment_ms(text: &str) -> Option<i64> {
    Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::SourceName;

    fn two() -> (Fetcher, Fetcher) {
        let options = FetchOptions { jobs: 8, ..FetchOptions::default() };
        let one = Fetcher::new(options.clone(), Arc::new(()), CancellationToken::new());
        let other = one.beside(options, Arc::new(()));
        (one, other)
    }

    #[test]
    fn what_is_noticed_about_one_recording_is_not_said_of_another() {
        let (one, other) = two();
        let finding = || Finding::RegionFollowed { from: SourceName::new("prod"), region: "eu".to_owned() };
        one.context.noticed(finding());
        assert_eq!(other.context.take_noticed(), []);
        assert_eq!(one.context.take_noticed(), [finding()]);
    }

    #[test]
    fn recordings_at_a_time_share_one_width_and_each_goes_on() {
        let (one, other) = two();
        assert_eq!((one.context.width(), other.context.width()), (8, 8));
        one.context.busy.store(6, Ordering::Relaxed);
        one.context.budget.busy.store(6, Ordering::Relaxed);
        assert_eq!((one.context.width(), other.context.width()), (8, 2));
        one.context.busy.store(8, Ordering::Relaxed);
        one.context.budget.busy.store(8, Ordering::Relaxed);
        assert_eq!(other.context.width(), 1);
        // So it is with what settles: it makes room for so many, however many recordings there are.
        let settling: Vec<_> = (0..30).map(|_| one.context.settling()).collect();
        let _own: Vec<_> = (0..5).map(|_| other.context.settling()).collect();
        assert_eq!((one.context.coming(30), other.context.coming(5)), (3, 3));
        drop(settling);
        assert_eq!(other.context.coming(5), 0);
    }

    #[test]
    fn the_disk_is_not_promised_twice() {
        let (one, other) = two();
        one.context.promise(100);
        assert_eq!((one.context.promised_by_others(), other.context.promised_by_others()), (0, 100));
        one.context.keep_promise(30);
        assert_eq!(other.context.promised_by_others(), 70);
        // More came than was expected.
        one.context.keep_promise(1000);
        assert_eq!(other.context.promised_by_others(), 0);
        one.context.promise(50);
        drop(one);
        assert_eq!(other.context.promised_by_others(), 0);
    }
}
