//! Bringing back what is archived before a recording is fetched: what is needed is asked for once, in one go, and
//! waited for where that is wanted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backon::BackoffBuilder as _;
use futures_util::stream::{self, StreamExt as _};

use super::checking::WaitOptions;
use super::located::Found;
use super::mirror::{Mirror, MirrorOptions, MirrorTarget};
use super::object::{Place, refusal};
use super::reporting::report_of;
use super::run::{Failed, FetchError, Run};
use super::{AfterDenial, Candidate, Context, Fetcher};
use crate::archive::{Archive, Presence, Trust};
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::object::{ObjectInfo, Restore};
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::plan::{Item, ItemPlace, name_in_archive};
use crate::domain::recording::RecordingId;
use crate::domain::report::Try;
use crate::domain::thaw::{RestoreAnswer, RestoreRequest};
use crate::domain::time::SliceTime;
use crate::domain::verdict::Verdict;
use crate::event::Event;
use crate::source::{Read, Source};

/// Restores that are under way are looked at so many at a time: as long as one of them is not back, nobody needs
/// to know about the others.
const LOOKED_AT: usize = 16;

/// How archived objects are brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThawOptions {
    /// What is asked of the store.
    pub request: RestoreRequest,
    /// For how long to wait until all can be read, and how often to look.
    pub wait: Option<WaitOptions>,
}

/// What a recording is fetched into: what is there and proven needs no restore.
#[derive(Clone, Copy)]
pub enum ThawFor<'a> {
    /// A folder that gets one bag per recording.
    Folder(&'a Path),
    /// Another store.
    Mirror(&'a MirrorTarget, &'a MirrorOptions),
}

/// What became of the archived objects of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thawed {
    /// Objects whose restore was asked for now.
    pub asked: usize,
    /// Objects whose restore had begun before.
    pub under_way: usize,
    /// Objects whose restore was refused, or could not be asked for.
    pub refused: usize,
    /// Why the first of them was.
    pub refusal: Option<String>,
    /// Objects that were back before, or came back while this waited.
    pub back: usize,
    /// Objects that cannot be read yet.
    pub frozen: usize,
    /// How long what was asked for takes at the most, by the vendors' own word.
    pub within: Option<Duration>,
    /// When the first of what was back before is archived again.
    pub until: Option<SliceTime>,
    /// Whether lists came back that could not be read: what they list is known only after another look.
    pub look_again: bool,
}

impl Thawed {
    /// Whether nothing of the recording is archived, as far as it is needed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.asked + self.under_way + self.refused + self.back + self.frozen == 0
    }

    /// The same with what a later look came to.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            asked: self.asked + later.asked,
            // What was asked for before is under way by now.
            under_way: self.under_way.max(later.under_way.saturating_sub(self.asked)),
            refused: later.refused,
            refusal: later.refusal,
            back: self.back.max(later.back),
            frozen: later.frozen,
            within: self.within.max(later.within),
            until: later.until.or(self.until),
            look_again: later.look_again,
        }
    }
}

/// Why an object is not asked for any more.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) verdict: Verdict,
    pub(super) tries: Vec<Try>,
}

/// Objects that are known to be out of reach, by name.
pub(super) type Unreadable = HashMap<ObjectName, Given>;

impl Fetcher {
    /// Asks for the restore of what a recording needs, is not there and proven, and is archived; each object once,
    /// and none that is under way or back. Waits until all can be read, where that is wanted. What is still
    /// archived then is not asked for when `found` is fetched.
    ///
    /// What a store refused is part of what comes of the fetch.
    ///
    /// # Errors
    /// Where it cannot be seen what is there already.
    pub async fn thaw(
        &self,
        found: &mut Found,
        into: ThawFor<'_>,
        options: &ThawOptions,
    ) -> Result<Thawed, FetchError> {
        let id = found.recording.id.clone();
        let thawed = async {
            let proven = self.proven(found, into).await?;
            let needed = needed(found, &proven);
            let had_frozen_lists = needed.iter().any(|needed| needed.kind == Kind::List);
            let mut thawing = Thawing::new(&self.context, &id, options);
            tokio::select! {
                biased;
                () = self.context.cancel.cancelled() => return Ok(Thawed::default()),
                () = thawing.run(needed) => {}
            }
            let Thawing { mut thawed, cold, given, .. } = thawing;
            thawed.frozen = cold.len();
            thawed.look_again =
                had_frozen_lists && options.wait.is_some() && !lists_left(&cold, &given, found);
            found.unreadable = given;
            found.unreadable.extend(cold.into_iter().map(|cold| {
                let from = cold.source.name().clone();
                let verdict = Verdict::Frozen { from, class: cold.info.class };
                (cold.name, Given { verdict, tries: Vec::new() })
            }));
            for playlist in &mut found.playlists {
                let name = name_in_archive(&playlist.info.key, &found.recording.folder);
                if let Some(Given { verdict, tries }) = found.unreadable.get(&name)
                    && matches!(playlist.verdict, Verdict::Frozen { .. })
                {
                    playlist.verdict = verdict.clone();
                    playlist.failed_tries.extend(tries.iter().cloned());
                }
            }
            Ok(thawed)
        };
        thawed.await.map_err(|failed: Failed| failed.of(&id))
    }

    /// The same for the playlist without which nothing is known of a recording, where [`locate`](Fetcher::locate)
    /// found it archived in the store `from`.
    pub async fn thaw_list(
        &self,
        recording: &RecordingId,
        candidates: &[Candidate],
        from: &SourceName,
        key: &ObjectKey,
        options: &ThawOptions,
    ) -> Thawed {
        let stores = candidates.iter().flat_map(|c| std::iter::once(&c.store).chain(&c.fallbacks));
        let store = stores.into_iter().find(|store| store.source.name() == from);
        let needed = store.map(|store| Needed {
            name: key.file_name(),
            places: vec![Place { source: store.source.clone(), keys: vec![key.clone()] }],
            listed: None,
            kind: Kind::List,
        });
        let mut thawing = Thawing::new(&self.context, recording, options);
        tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => return Thawed::default(),
            () = thawing.run(needed.into_iter().collect()) => {}
        }
        let Thawing { mut thawed, cold, given, .. } = thawing;
        thawed.frozen = cold.len();
        thawed.look_again = cold.is_empty() && given.is_empty();
        thawed
    }

    /// What is there and proven already.
    async fn proven(&self, found: &Found, into: ThawFor<'_>) -> Result<HashSet<ObjectName>, Failed> {
        let id = found.recording.id.clone();
        let names: Vec<_> = found.plan.items.iter().map(|item| item.name.clone()).collect();
        match into {
            ThawFor::Folder(out) => {
                let dir = out.join(id.as_str());
                let looked = tokio::task::spawn_blocking(move || {
                    let archive = Archive::open(&dir, &id)?;
                    let mut proven = HashSet::new();
                    for name in names {
                        // Bytes are hashed when the recording is fetched: here it is only asked what to ask for.
                        if let Some(record) = archive.record(&name)
                            && archive.examine(&record, Trust::Mtime)? == Presence::Proven
                        {
                            proven.insert(name);
                        }
                    }
                    Ok::<_, Failed>(proven)
                });
                looked.await.map_err(Failed::Task)?
            }
            ThawFor::Mirror(target, options) => {
                let mirror = Mirror::open(&self.context, target, &id, options.clone()).await?;
                Ok(names.into_iter().filter(|name| mirror.record(name).is_some()).collect())
            }
        }
    }
}

impl Run {
    /// Whether it is known that an item cannot be read. Then that is what comes of it.
    pub(super) fn is_unreadable(&mut self, item: &Item) -> bool {
        let Some(Given { verdict, tries }) = self.unreadable.get(&item.name).cloned() else { return false };
        self.done(report_of(item, verdict, None, tries));
        true
    }
}

/// An object that has to be read.
struct Needed {
    name: ObjectName,
    places: Vec<Place>,
    /// What the listing of the first place said.
    listed: Option<ObjectInfo>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    List,
    Other,
}

/// An archived object.
struct Cold {
    name: ObjectName,
    source: Arc<dyn Source>,
    info: ObjectInfo,
}

/// How an object is in the place that it would be taken from.
enum Seen {
    /// It can be read, or what stands in the way is no archive.
    Readable,
    /// It was restored.
    Back(Option<SliceTime>),
    Cold(Cold),
}

fn needed(found: &Found, proven: &HashSet<ObjectName>) -> Vec<Needed> {
    let folder = &found.recording.folder;
    let candidate = &found.candidate;
    let lists = found.playlists.iter().filter(|list| matches!(list.verdict, Verdict::Frozen { .. }));
    let lists = lists.map(|list| (name_in_archive(&list.info.key, folder), &list.info.key, None, Kind::List));
    let items = found.plan.items.iter().filter(|item| !proven.contains(&item.name));
    let items = items.filter_map(|item| match item {
        Item { place: ItemPlace::Key(key), name, listed, .. } => {
            Some((name.clone(), key, listed.clone(), Kind::Other))
        }
        Item { place: ItemPlace::Url(_) | ItemPlace::Refused, .. } => None,
    });
    let mut seen = HashSet::new();
    let all = lists.chain(items).filter(|(name, ..)| seen.insert(name.clone()));
    let needed = all.map(|(name, key, listed, kind)| {
        let places = candidate.places(key, folder, &name);
        Needed { name, places, listed, kind }
    });
    // Where nothing can be restored there is nothing to look at.
    needed.filter(|needed| needed.places.iter().any(|place| place.source.can_restore())).collect()
}

fn lists_left(cold: &[Cold], given: &Unreadable, found: &Found) -> bool {
    let left: HashSet<_> = cold.iter().map(|cold| &cold.name).chain(given.keys()).collect();
    found
        .playlists
        .iter()
        .any(|list| left.contains(&name_in_archive(&list.info.key, &found.recording.folder)))
}

/// One round of asking and waiting.
struct Thawing<'a> {
    context: &'a Context,
    recording: &'a RecordingId,
    options: &'a ThawOptions,
    thawed: Thawed,
    /// What cannot be read yet.
    cold: Vec<Cold>,
    /// What will not come back.
    given: Unreadable,
    /// Stores that refused to restore, or did not answer.
    refusing: HashMap<SourceName, Given>,
}

impl<'a> Thawing<'a> {
    fn new(context: &'a Context, recording: &'a RecordingId, options: &'a ThawOptions) -> Self {
        Self {
            context,
            recording,
            options,
            thawed: Thawed::default(),
            cold: Vec::new(),
            given: Unreadable::new(),
            refusing: HashMap::new(),
        }
    }

    async fn run(&mut self, needed: Vec<Needed>) {
        let context = self.context;
        let seen = stream::iter(needed).map(|needed| look(context, needed)).buffered(self.at_once());
        let mut asleep = Vec::new();
        for seen in seen.collect::<Vec<_>>().await {
            match seen {
                Seen::Readable => {}
                Seen::Back(until) => {
                    self.thawed.back += 1;
                    self.thawed.until = [self.thawed.until, until].into_iter().flatten().min();
                }
                Seen::Cold(cold) if cold.info.restore == Some(Restore::UnderWay) => {
                    self.thawed.under_way += 1;
                    self.cold.push(cold);
                }
                Seen::Cold(cold) => asleep.push(cold),
            }
        }
        let asleep = self.without_direct_reading(asleep).await;
        self.ask(asleep).await;
        match self.options.wait {
            Some(wait) => self.wait(wait).await,
            None => self.tell(None, Duration::ZERO),
        }
    }

    fn at_once(&self) -> usize {
        self.context.options.jobs.max(1)
    }

    /// Without what its store serves although its class is an archive: a bucket of OSS may, and does not tell. Of
    /// each class one is tried.
    async fn without_direct_reading(&mut self, asleep: Vec<Cold>) -> Vec<Cold> {
        let mut by_class: BTreeMap<(SourceName, Option<String>), Vec<Cold>> = BTreeMap::new();
        for cold in asleep {
            by_class.entry((cold.source.name().clone(), cold.info.class.clone())).or_default().push(cold);
        }
        let mut left = Vec::new();
        for of_class in by_class.into_values() {
            let Some(first) = of_class.first() else { continue };
            let (source, key) = (&first.source, &first.info.key);
            let read = Read { from: 0, until: Some(1), if_match: None };
            match self.context.patiently(&**source, || source.open(key, read)).await {
                // It comes, or it would be refused after a restore too.
                Ok(_) => {}
                Err(error) if matches!(error.obstacle, Obstacle::Denied(_) | Obstacle::Absent) => {}
                Err(_) => left.extend(of_class),
            }
        }
        left
    }

    /// Asks for restores: of each store for one first, so that a refusal is answered once.
    async fn ask(&mut self, asleep: Vec<Cold>) {
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        let mut known = HashSet::new();
        for cold in asleep {
            let is_first = known.insert(cold.source.name().clone());
            if is_first { first.push(cold) } else { rest.push(cold) }
        }
        for turn in [first, rest] {
            let (context, request, refusing) = (self.context, &self.options.request, &self.refusing);
            let asked = stream::iter(turn).map(|cold| async move {
                if let Some(given) = refusing.get(cold.source.name()) {
                    return (cold, Err(given.clone()));
                }
                let _turn = context.turn().await;
                let source = &*cold.source;
                let answer = context.patiently(source, || source.restore(&cold.info, request)).await;
                let answer = answer.map_err(|error| {
                    let why = error.to_string();
                    let from = source.name();
                    context.tell(&Event::TryFailed { name: &cold.name, from, why: &why, retry_in: None });
                    // Where nobody can restore it, it is archived all the same.
                    let verdict = if error.obstacle == Obstacle::Unsupported {
                        Verdict::Frozen { from: from.clone(), class: cold.info.class.clone() }
                    } else {
                        refusal(from, error.obstacle.clone())
                    };
                    Given { verdict, tries: vec![Try { from: from.clone(), why }] }
                });
                (cold, answer)
            });
            for (cold, answer) in asked.buffered(self.at_once()).collect::<Vec<_>>().await {
                self.answered(cold, answer);
            }
        }
    }

    fn answered(&mut self, mut cold: Cold, answer: Result<RestoreAnswer, Given>) {
        match answer {
            Ok(RestoreAnswer::Asked { within }) => {
                self.thawed.asked += 1;
                self.thawed.within = self.thawed.within.max(within);
                cold.info.restore = Some(Restore::UnderWay);
                self.cold.push(cold);
            }
            Ok(RestoreAnswer::UnderWay) => {
                self.thawed.under_way += 1;
                cold.info.restore = Some(Restore::UnderWay);
                self.cold.push(cold);
            }
            Ok(RestoreAnswer::Here { until }) => {
                self.thawed.back += 1;
                self.thawed.until = [self.thawed.until, until].into_iter().flatten().min();
            }
            Ok(RestoreAnswer::NotNeeded) => {}
            Err(given) => {
                self.thawed.refused += 1;
                if self.thawed.refusal.is_none() {
                    self.thawed.refusal = given.tries.first().map(|failed| failed.why.clone());
                }
                if !matches!(given.verdict, Verdict::Absent { .. } | Verdict::Frozen { .. }) {
                    self.refusing.insert(cold.source.name().clone(), given.clone());
                }
                self.given.insert(cold.name, given);
            }
        }
    }

    /// Looks again and again until all are back or the time is over.
    async fn wait(&mut self, wait: WaitOptions) {
        let end = self.context.now().saturating_add(wait.until);
        let mut pauses = backon::ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(wait.first_pause)
            .with_max_delay(wait.longest_pause)
            .without_max_times()
            .build();
        while !self.cold.is_empty() {
            let left = end.saturating_sub(self.context.now());
            if left.is_zero() {
                break;
            }
            let pause = pauses.next().unwrap_or(wait.longest_pause).min(left);
            self.tell(Some(pause), left);
            tokio::time::sleep(pause).await;
            let is_last = self.context.now() >= end;
            self.look_again(is_last).await;
        }
        if !self.thawed.is_nothing() {
            self.tell(None, end.saturating_sub(self.context.now()));
        }
    }

    /// Takes out what is back. Unless `all` are looked at, that ends where one is found that is not.
    async fn look_again(&mut self, all: bool) {
        let context = self.context;
        let mut rest = std::mem::take(&mut self.cold).into_iter();
        let mut expired = Vec::new();
        loop {
            let some: Vec<_> = rest.by_ref().take(LOOKED_AT).collect();
            if some.is_empty() {
                break;
            }
            let seen = stream::iter(some).map(|cold| async move {
                let _turn = context.turn().await;
                let source = &*cold.source;
                let seen = context.patiently(source, || source.stat(&cold.info.key)).await;
                (cold, seen)
            });
            for (mut cold, seen) in seen.buffered(LOOKED_AT).collect::<Vec<_>>().await {
                match seen {
                    Ok(info) if !info.is_frozen() => self.thawed.back += 1,
                    Ok(info) if info.restore.is_none() => {
                        cold.info = info;
                        expired.push(cold);
                    }
                    Ok(_) => self.cold.push(cold),
                    // Whether it is there the fetch will say.
                    Err(error) if error.obstacle == Obstacle::Absent => {}
                    Err(_) => self.cold.push(cold),
                }
            }
            if !all && !self.cold.is_empty() {
                self.cold.extend(rest);
                break;
            }
        }
        // It came back and was archived again while others did not come.
        self.ask(expired).await;
    }

    fn tell(&self, next: Option<Duration>, left: Duration) {
        let Thawed { asked, under_way, back, refused, within, .. } = self.thawed;
        if self.thawed.is_nothing() {
            return;
        }
        let recording = self.recording;
        let frozen = self.cold.len();
        self.context.tell(&Event::Restoring {
            recording,
            asked,
            under_way,
            refused,
            back,
            frozen,
            within,
            next,
            left,
        });
    }
}

/// How an object is in the first place that has it; in the first that has it readable, where that counts.
async fn look(context: &Context, needed: Needed) -> Seen {
    let Needed { name, places, listed, kind: _ } = needed;
    let mut cold = None;
    for (n, place) in places.iter().enumerate() {
        let source = &*place.source;
        let info = match listed.as_ref().filter(|_| n == 0) {
            Some(listed) if !listed.is_archived() && !listed.may_be_archived() => return Seen::Readable,
            Some(_) | None => match facts(context, place).await {
                Ok(Some(info)) => info,
                Ok(None) => continue,
                // Fetching it will say what is wrong.
                Err(()) if cold.is_none() => return Seen::Readable,
                Err(()) => continue,
            },
        };
        let is_back = matches!(info.restore, Some(Restore::Restored { .. })) && info.is_archived();
        if !info.is_frozen() || !source.can_restore() {
            let until = match info.restore {
                Some(Restore::Restored { until }) => until,
                Some(Restore::UnderWay) | None => None,
            };
            return if is_back { Seen::Back(until) } else { Seen::Readable };
        }
        if cold.is_none() {
            cold = Some(Cold { name: name.clone(), source: place.source.clone(), info });
        }
        // As in a fetch: a fallback is only asked for what is archived where that was said.
        if context.options.after_denial == AfterDenial::Stop {
            break;
        }
    }
    cold.map_or(Seen::Readable, Seen::Cold)
}

/// What a place says about an object; `None` where it is not there.
async fn facts(context: &Context, place: &Place) -> Result<Option<ObjectInfo>, ()> {
    let source = &*place.source;
    let _turn = context.turn().await;
    for key in &place.keys {
        match context.patiently(source, || source.stat(key)).await {
            Ok(info) => return Ok(Some(info)),
            Err(error) if error.obstacle == Obstacle::Absent => {}
            Err(_) => return Err(()),
        }
    }
    Ok(None)
}
