//! What each store says about each object of a recording: by its listing where that shows the object, else by
//! one request for its facts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};

use super::super::listing::{self, Coverage};
use super::super::located::Found;
use super::super::target::PlaylistUrl;
use super::super::{Context, Store};
use crate::domain::check::{Listed, Seen, Sighting, StoreRole, StoreSeen};
use crate::domain::filename::{FileName, Role};
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::locate::{Recording, list_prefixes};
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Denial, Obstacle, SourceName};
use crate::domain::plan::{ItemPlace, name_in_archive};
use crate::source::{HttpSource, Listing, Read, Source};

/// What the stores said.
pub(super) struct Sightings {
    /// The recording's own store, the fallbacks, then hosts that playlists name by themselves.
    pub(super) stores: Vec<StoreSeen>,
    pub(super) objects: BTreeMap<ObjectName, Vec<Sighting>>,
    /// Slices that only a fallback lists and no playlist names.
    pub(super) orphans: Vec<(usize, ObjectInfo)>,
}

/// When fallbacks are asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskFallbacks {
    /// Always: what they have is compared.
    Always,
    /// Where the recording's own store lacks something.
    ForWhatIsLacking,
}

/// Stores that are not asked any more, with the reason: each further request would end the same, some after a
/// long time.
#[derive(Default)]
pub(super) struct GivenUp(Mutex<BTreeMap<SourceName, Obstacle>>);

/// Gathers what all stores say.
pub(super) async fn gather(
    context: &Context,
    found: &Found,
    when: AskFallbacks,
    given_up: &GivenUp,
) -> Sightings {
    let (fallbacks, recording) = (&found.candidate.fallbacks, &found.recording);
    let wanted = wanted(found);
    let own = own(context, found, &wanted, given_up);
    let list = |store| Fallback::list(context, store, recording, given_up);
    let (own, copies) = match when {
        AskFallbacks::Always => tokio::join!(own, join_all(fallbacks.iter().map(list))),
        AskFallbacks::ForWhatIsLacking => {
            let own = own.await;
            let ask = own.iter().any(lacks) || !found.recording.without_playlist(&named(found)).is_empty();
            let asked = if ask { &fallbacks[..] } else { &[] };
            (own, join_all(asked.iter().map(list)).await)
        }
    };
    let mut sightings =
        Sightings { stores: vec![own_store(found, given_up)], objects: BTreeMap::new(), orphans: Vec::new() };
    let asked = copies.iter().map(|copy| copy.ask(context, recording, &wanted, &own, given_up));
    let asked = join_all(asked).await;
    for (wanted, seen) in wanted.iter().zip(own) {
        let seen = seen.map(|seen| Sighting { store: 0, seen });
        sightings.objects.entry(wanted.name.clone()).or_default().extend(seen);
    }
    let mut orphans = BTreeSet::new();
    for (copy, seen) in copies.iter().zip(asked) {
        let store = sightings.stores.len();
        for (name, seen) in seen {
            sightings.objects.entry(name).or_default().push(Sighting { store, seen });
        }
        for (name, info) in copy.orphans(recording) {
            if !sightings.objects.contains_key(&name) && orphans.insert(name) {
                sightings.orphans.push((store, info.clone()));
            }
        }
        sightings.stores.push(copy.seen(given_up));
    }
    at_urls(context, found, &mut sightings).await;
    sightings
}

/// An object that the stores are asked about.
struct Wanted<'a> {
    name: ObjectName,
    /// Where it lies in the recording's own store; `None` for what has a URL of its own or is not requested.
    key: Option<&'a ObjectKey>,
    /// What is known of it from the listing, or from reading it.
    known: Option<ObjectInfo>,
}

/// Everything that is planned, and the lists.
fn wanted(found: &Found) -> Vec<Wanted<'_>> {
    let folder = &found.recording.folder;
    let lists = found.playlists.iter().map(|list| {
        let mut info = list.info.clone();
        if let Some(bytes) = list.bytes.as_ref().filter(|bytes| bytes.from == *found.from().0) {
            info.size = info.size.or(Some(bytes.seen.size));
        }
        Wanted { name: name_in_archive(&info.key, folder), key: Some(&list.info.key), known: Some(info) }
    });
    let listed: BTreeMap<_, _> = found.playlists.iter().map(|list| (&list.info.key, &list.info)).collect();
    let mut seen: BTreeSet<ObjectName> = BTreeSet::new();
    let items = found.plan.items.iter().map(|item| {
        let key = match &item.place {
            ItemPlace::Key(key) => Some(key),
            ItemPlace::Url(_) | ItemPlace::Refused => None,
        };
        let known = item.listed.as_ref().or_else(|| listed.get(key?).copied());
        Wanted { name: item.name.clone(), key, known: known.cloned() }
    });
    items.chain(lists).filter(|wanted| seen.insert(wanted.name.clone())).collect()
}

fn named(found: &Found) -> std::collections::HashSet<ObjectKey> {
    found.plan.items.iter().filter_map(|item| item.listed.as_ref()).map(|info| info.key.clone()).collect()
}

/// Whether another store should be asked.
fn lacks(seen: &Option<Seen>) -> bool {
    match seen {
        Some(Seen::There(info)) => info.size == Some(0),
        Some(Seen::Absent | Seen::Refused(_)) => true,
        None => false,
    }
}

pub(super) fn own_store(found: &Found, given_up: &GivenUp) -> StoreSeen {
    let (name, place) = found.from();
    let listed = match &found.coverage {
        Coverage::Starts { objects, .. } => Listed::Objects(*objects),
        Coverage::Refused(obstacle) => Listed::Failed(obstacle.clone()),
        Coverage::ByName => given_up.reason(name).map_or(Listed::ByName, Listed::Failed),
    };
    StoreSeen { name: name.clone(), place, role: StoreRole::Own, listed }
}

/// What the recording's own store says about each object; `None` about those that it is not asked about.
async fn own(
    context: &Context,
    found: &Found,
    wanted: &[Wanted<'_>],
    given_up: &GivenUp,
) -> Vec<Option<Seen>> {
    let asker = Asker::new(context, &*found.candidate.store.source, given_up);
    let current = !lists_are_newer(found);
    let asked = wanted.iter().map(|wanted| {
        let asker = &asker;
        async move {
            let key = wanted.key?;
            let known = match &wanted.known {
                Some(info) if info.size.is_some() => info,
                None if current && found.coverage.shows(key, &found.recording) => return Some(Seen::Absent),
                Some(_) | None => return Some(asker.ask(std::slice::from_ref(key)).await),
            };
            Some(Seen::There(asker.with_restore(known.clone()).await))
        }
    });
    many(context, asked.collect()).await
}

/// Whether a list was written again between the listing and its being read, as is usual while a recording runs. Then
/// it names what the listing is too old to show.
fn lists_are_newer(found: &Found) -> bool {
    found.playlists.iter().any(|list| {
        list.bytes.as_ref().filter(|bytes| bytes.from == *found.from().0).is_some_and(|bytes| {
            let other_tag = match (&list.info.etag, &bytes.etag) {
                (Some(listed), Some(read)) => listed != read,
                (_, _) => false,
            };
            other_tag || list.info.size.is_some_and(|size| size != bytes.seen.size)
        })
    })
}

/// A fallback, and what it lists.
struct Fallback<'a> {
    store: &'a Store,
    /// By key.
    objects: BTreeMap<ObjectKey, ObjectInfo>,
    coverages: Vec<Coverage>,
    listed: Listed,
}

impl<'a> Fallback<'a> {
    /// Lists what a fallback has of the recording, where it can list.
    async fn list(context: &Context, store: &'a Store, recording: &Recording, given_up: &GivenUp) -> Self {
        let mut copy =
            Self { store, objects: BTreeMap::new(), coverages: Vec::new(), listed: Listed::ByName };
        if store.source.capabilities().listing == Listing::Impossible {
            return copy;
        }
        if let Some(obstacle) = given_up.reason(store.source.name()) {
            copy.listed = Listed::Failed(obstacle);
            return copy;
        }
        let folders = store.folders_as_fallback(&recording.folder);
        let lists = folders.iter().map(|folder| async {
            let prefixes = list_prefixes(folder, &recording.id);
            listing::list(context, store, &recording.id, &prefixes, &mut Vec::new()).await
        });
        let mut refused = None;
        for listed in join_all(lists).await {
            match listed {
                Ok((objects, coverage)) => {
                    copy.objects.extend(objects.into_iter().map(|info| (info.key.clone(), info)));
                    copy.coverages.push(coverage);
                }
                Err(error) => refused = refused.or(Some(error.obstacle)),
            }
        }
        copy.listed = match refused {
            Some(obstacle) if copy.coverages.is_empty() => {
                if obstacle.is_temporary() || is_final(&obstacle) {
                    given_up.add(store.source.name(), &obstacle);
                }
                Listed::Failed(obstacle)
            }
            Some(_) | None => Listed::Objects(copy.objects.len()),
        };
        copy
    }

    /// What it says about the objects: about those that its listing shows, and by name about those that the
    /// recording's own store lacks.
    async fn ask(
        &self,
        context: &Context,
        recording: &Recording,
        wanted: &[Wanted<'_>],
        own: &[Option<Seen>],
        given_up: &GivenUp,
    ) -> Vec<(ObjectName, Seen)> {
        let asker = Asker::new(context, &*self.store.source, given_up);
        let asked = wanted.iter().zip(own).filter(|(wanted, _)| wanted.key.is_some()).map(|(wanted, own)| {
            let asker = &asker;
            async move {
                let keys = self.store.keys_as_fallback(&recording.folder, &wanted.name);
                let seen = match keys.iter().find_map(|key| self.objects.get(key)) {
                    Some(info) if info.size.is_some() => {
                        let info = info.clone();
                        // Whether it is thawed matters where it is needed.
                        Seen::There(if lacks(own) { asker.with_restore(info).await } else { info })
                    }
                    Some(info) => asker.ask(std::slice::from_ref(&info.key)).await,
                    None => {
                        let shows = |key: &ObjectKey| self.coverages.iter().any(|c| c.shows(key, recording));
                        let hidden: Vec<_> = keys.into_iter().filter(|key| !shows(key)).collect();
                        match (hidden.is_empty(), lacks(own)) {
                            (true, _) => Seen::Absent,
                            (false, true) => asker.ask(&hidden).await,
                            (false, false) => return None,
                        }
                    }
                };
                Some((wanted.name.clone(), seen))
            }
        });
        many(context, asked.collect()).await.into_iter().flatten().collect()
    }

    /// Slices that it lists, by their name in the archive.
    fn orphans(&self, recording: &Recording) -> impl Iterator<Item = (ObjectName, &ObjectInfo)> {
        let folders = self.store.folders_as_fallback(&recording.folder);
        self.objects.values().filter_map(move |info| {
            let name = FileName::parse(info.key.file_name().as_str(), Some(&recording.id))?;
            let slice = name.recording == recording.id && matches!(name.role, Role::Slice { .. });
            let name = folders.iter().find_map(|folder| info.key.relative_to(folder)).filter(|_| slice)?;
            Some((name, info))
        })
    }

    fn seen(&self, given_up: &GivenUp) -> StoreSeen {
        let name = self.store.source.name();
        let listed = match (&self.listed, given_up.reason(name)) {
            (Listed::ByName, Some(obstacle)) => Listed::Failed(obstacle),
            (listed, _) => listed.clone(),
        };
        StoreSeen {
            name: name.clone(),
            place: self.store.source.describe(),
            role: StoreRole::Fallback,
            listed,
        }
    }
}

/// Asks one store about one object after the other.
struct Asker<'a> {
    context: &'a Context,
    source: &'a dyn Source,
    given_up: &'a GivenUp,
    /// Whether it has said anything yet.
    answered: AtomicBool,
}

impl<'a> Asker<'a> {
    fn new(context: &'a Context, source: &'a dyn Source, given_up: &'a GivenUp) -> Self {
        Self { context, source, given_up, answered: AtomicBool::new(false) }
    }

    /// What the store says about an object that may have any of these keys.
    async fn ask(&self, keys: &[ObjectKey]) -> Seen {
        for key in keys {
            match self.stat(key).await {
                Ok(info) => return Seen::There(info),
                Err(Obstacle::Absent) => {}
                Err(obstacle) => return Seen::Refused(obstacle),
            }
        }
        Seen::Absent
    }

    /// A listing shows that an object is archived, and not whether it is restored. Where that cannot be asked the
    /// object is still there.
    async fn with_restore(&self, listed: ObjectInfo) -> ObjectInfo {
        if listed.is_archived() && listed.restore.is_none() {
            return self.stat(&listed.key).await.unwrap_or(listed);
        }
        listed
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Obstacle> {
        let _turn = self.context.turn().await;
        let name = self.source.name();
        if let Some(obstacle) = self.given_up.reason(name) {
            return Err(obstacle);
        }
        let error = match self.context.patiently(self.source, || self.source.stat(key)).await {
            Ok(info) => {
                self.answered.store(true, Ordering::Relaxed);
                return Ok(info);
            }
            Err(error) => error.obstacle,
        };
        if is_final(&error) || error.is_temporary() && !self.answered.load(Ordering::Relaxed) {
            self.given_up.add(name, &error);
        } else if !error.is_temporary() {
            self.answered.store(true, Ordering::Relaxed);
        }
        Err(error)
    }
}

impl GivenUp {
    fn reason(&self, name: &SourceName) -> Option<Obstacle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn add(&self, name: &SourceName, obstacle: &Obstacle) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(name.clone()).or_insert_with(|| obstacle.clone());
    }
}

/// Whether what a store said about one object holds for all of its objects.
fn is_final(obstacle: &Obstacle) -> bool {
    match obstacle {
        Obstacle::NoSuchBucket | Obstacle::WrongRegion { .. } | Obstacle::Untrusted => true,
        Obstacle::Denied(denial) => match denial {
            Denial::UnknownKey | Denial::WrongSecret | Denial::Expired | Denial::ClockSkew => true,
            Denial::NotAllowed | Denial::Anonymous => false,
        },
        Obstacle::Absent
        | Obstacle::Frozen { .. }
        | Obstacle::Changed
        | Obstacle::Corrupt
        | Obstacle::Throttled
        | Obstacle::Unreachable
        | Obstacle::Unsupported
        | Obstacle::Unexpected => false,
    }
}

/// Runs these in their order, as many at once as the run allows.
pub(super) async fn many<T>(context: &Context, all: Vec<impl Future<Output = T>>) -> Vec<T> {
    stream::iter(all).buffered(context.options.jobs.max(1)).collect().await
}

/// Segments with a URL of their own are asked for there. Each host counts as a store of its own.
async fn at_urls(context: &Context, found: &Found, sightings: &mut Sightings) {
    let urls = found.plan.items.iter().filter_map(|item| match &item.place {
        ItemPlace::Url(url) => Some((&item.name, PlaylistUrl::parse(url).ok()?)),
        ItemPlace::Key(_) | ItemPlace::Refused => None,
    });
    let asked = urls.map(|(name, url)| async move {
        let host = SourceName::new(url.origin.host_str().unwrap_or("elsewhere"));
        let source = HttpSource::new(host.clone(), url.origin, &context.options.http).ok()?;
        let source = source.with_presigned(url.key.clone(), url.url.expose().clone());
        let _turn = context.turn().await;
        let first = Read { until: Some(1), ..Read::default() };
        let seen = match context.patiently(&source, || source.stat(&url.key)).await {
            Ok(info) => Seen::There(info),
            Err(error) if error.obstacle == Obstacle::Absent => Seen::Absent,
            // A signed URL may be good for reading only.
            Err(error) => match context.patiently(&source, || source.open(&url.key, first)).await {
                Ok(opened) => Seen::There(opened.info),
                Err(other) if other.obstacle == Obstacle::Unsupported => {
                    Seen::There(ObjectInfo::bare(url.key.clone()))
                }
                Err(_) => Seen::Refused(error.obstacle),
            },
        };
        Some((name.clone(), source.describe(), host, seen))
    });
    let first_host = sightings.stores.len();
    for (name, place, host, seen) in many(context, asked.collect()).await.into_iter().flatten() {
        let known = sightings.stores[first_host..].iter().position(|store| store.name == host);
        let store = known.map_or(sightings.stores.len(), |place| first_host + place);
        if known.is_none() {
            let (role, listed) = (StoreRole::Fallback, Listed::ByName);
            sightings.stores.push(StoreSeen { name: host, place, role, listed });
        }
        sightings.objects.entry(name).or_default().push(Sighting { store, seen });
    }
}
