//! What a fetch knows of a recording, as a check: for the page in the bag.
//!
//! A fetch asks about single objects only what it needs to have them. What it did not ask is left open: a store is
//! said to lack an object where it said so itself, or where its listing would have shown it.

use std::collections::{BTreeMap, HashMap};

use super::Context;
use super::checking::{lists_seen, own_store_seen};
use super::listing::Coverage;
use super::located::Found;
use crate::documents::{CheckV1, InBag, page_of_bag};
use crate::domain::check::{
    Depth, Gathered, Listed, MediaSeen, PlaylistSeen, Seen, Sighting, StoreRole, StoreSeen, Told, check,
};
use crate::domain::dash::Manifest;
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::locate::Recording;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::plan::{ItemPlace, Plan, name_in_archive};
use crate::domain::report::{ObjectReport, ObjectRole, Origin, Report};
use crate::domain::verdict::{Structure, Verdict};

/// What was known before anything was fetched.
pub(super) struct Before {
    recording: Recording,
    manifests: Vec<Manifest>,
    playlists: Vec<PlaylistSeen>,
    coverage: Coverage,
    stores: Vec<StoreSeen>,
}

impl Before {
    pub(super) fn of(context: &Context, found: &Found) -> Self {
        let fallbacks = found.candidate.fallbacks.iter().map(|store| StoreSeen {
            name: store.source.name().clone(),
            place: store.source.describe(),
            role: StoreRole::Fallback,
            // A fetch never lists a fallback.
            listed: Listed::ByName,
        });
        let mut stores = vec![own_store_seen(found)];
        for store in fallbacks {
            // The settings and the command line may name the same one.
            if stores.iter().all(|known| known.name != store.name) {
                stores.push(store);
            }
        }
        Self {
            recording: found.recording.clone(),
            manifests: found.manifests.clone(),
            playlists: lists_seen(context, found),
            coverage: found.coverage.clone(),
            stores,
        }
    }

    /// The page of the bag, by what became of everything. It describes the last run, as `report.json` does, and
    /// has its times: two runs with nothing to do between them differ in these only.
    pub(super) fn page(&self, plan: &Plan, report: &Report) -> String {
        let mut seen = Sightings { before: self, stores: self.stores.clone(), infos: self.infos(plan) };
        let (mut objects, mut media) = (BTreeMap::new(), BTreeMap::new());
        for object in &report.objects {
            objects.insert(object.name.clone(), seen.of(object));
            if let Verdict::Corrupt { from, what } = &object.verdict
                && matches!(object.role, ObjectRole::Segment(_))
            {
                let unseen = MediaSeen::new(from.clone(), Structure::NotExamined, Depth::Whole);
                let wrong = MediaSeen { wrong: Some(what.clone()), ..unseen };
                media.insert(object.name.clone(), wrong);
            }
        }
        let check = check(&Gathered {
            recording: &self.recording,
            plan,
            findings: &report.findings,
            playlists: self.playlists.clone(),
            manifests: &self.manifests,
            stores: seen.stores,
            objects,
            orphans_elsewhere: Vec::new(),
            told: Told::default(),
            players: Vec::new(),
            media,
            depth: Depth::Whole,
            expected_folder: None,
            at: report.finished,
        });
        let verified = |objects: &mut dyn Iterator<Item = &ObjectReport>| {
            objects.filter(|object| object.verdict.is_verified()).count()
        };
        let bag = InBag {
            outcome: report.outcome().word().to_owned(),
            exit_code: report.outcome().exit_code(),
            segments: report.segments().count(),
            segments_verified: verified(&mut report.segments()),
            objects: report.objects.len(),
            objects_verified: verified(&mut report.objects.iter()),
        };
        page_of_bag(&CheckV1::of(&check), &bag)
    }

    /// What the recording's own store listed, by the name in the archive.
    fn infos(&self, plan: &Plan) -> HashMap<ObjectName, Planned> {
        let folder = &self.recording.folder;
        let lists = self.playlists.iter().map(|list| {
            let planned = Planned { key: Some(list.info.key.clone()), listed: Some(list.info.clone()) };
            (name_in_archive(&list.info.key, folder), planned)
        });
        let items = plan.items.iter().map(|item| {
            let key = match &item.place {
                ItemPlace::Key(key) => Some(key.clone()),
                ItemPlace::Url(_) | ItemPlace::Refused => None,
            };
            (item.name.clone(), Planned { key, listed: item.listed.clone() })
        });
        lists.chain(items).collect()
    }
}

/// What is known of an object before it is fetched.
struct Planned {
    /// Where it lies in the recording's own store, if it does.
    key: Option<ObjectKey>,
    /// What its listing says.
    listed: Option<ObjectInfo>,
}

struct Sightings<'a> {
    before: &'a Before,
    stores: Vec<StoreSeen>,
    infos: HashMap<ObjectName, Planned>,
}

impl Sightings<'_> {
    /// What each store said about an object, by what became of it: the recording's own store first.
    fn of(&mut self, object: &ObjectReport) -> Vec<Sighting> {
        let listed = self.infos.get(&object.name).and_then(|planned| planned.listed.clone());
        let mut found = Vec::new();
        match &object.verdict {
            Verdict::Verified { .. } => {
                if let Some(from) = &object.from {
                    let store = self.place_of(from);
                    let mut info = self.info_in(store, object, listed.as_ref());
                    if let Some(info) = &mut info {
                        info.size = object.size.or(info.size);
                    }
                    found.extend(info.map(|info| Sighting { store, seen: Seen::There(info) }));
                }
            }
            Verdict::Absent { looked_in } => {
                for name in looked_in {
                    let store = self.place_of(name);
                    found.push(Sighting { store, seen: Seen::Absent });
                }
            }
            Verdict::Denied { from, why } => found.push(self.refused(from, Obstacle::Denied(*why))),
            Verdict::Frozen { from, class } => {
                let store = self.place_of(from);
                let mut info = self.info_in(store, object, listed.as_ref());
                if let Some(info) = &mut info {
                    info.class = class.clone().or_else(|| info.class.take());
                }
                let seen = match info.filter(ObjectInfo::is_archived) {
                    Some(info) => Seen::There(info),
                    // The store names no class that is known as an archive, and refuses all the same.
                    None => Seen::Refused(Obstacle::Frozen { class: class.clone() }),
                };
                found.push(Sighting { store, seen });
            }
            Verdict::Unreachable { from, last } => found.push(self.refused(from, last.clone())),
            Verdict::Corrupt { from, .. } => {
                let store = self.place_of(from);
                let info = self.info_in(store, object, listed.as_ref());
                found.extend(info.map(|info| Sighting { store, seen: Seen::There(info) }));
            }
            // Nobody was asked: that is not to know, and not to be sure that there is nothing.
            Verdict::NotRequested | Verdict::Interrupted => {
                let seen = listed.clone().map_or(Seen::Refused(Obstacle::Unexpected), Seen::There);
                found.push(Sighting { store: 0, seen });
            }
        }
        if found.iter().all(|sighting| sighting.store != 0)
            && let Some(seen) = self.in_own_store(object, listed)
        {
            found.insert(0, Sighting { store: 0, seen });
        }
        found
    }

    /// What the recording's own store has of an object that came from elsewhere, or not at all.
    fn in_own_store(&self, object: &ObjectReport, listed: Option<ObjectInfo>) -> Option<Seen> {
        if let Some(info) = listed {
            return Some(Seen::There(info));
        }
        let key = self.infos.get(&object.name)?.key.as_ref()?;
        let own = &self.stores.first()?.name;
        let tried = object.failed_tries.iter().any(|attempt| attempt.from == *own);
        match object.origin {
            _ if self.before.coverage.shows(key, &self.before.recording) => Some(Seen::Absent),
            // Fallbacks come after it, and a try that ended with anything but its absence is noted.
            Origin::Fetched if !tried => Some(Seen::Absent),
            Origin::Fetched | Origin::Nowhere if tried => Some(Seen::Refused(Obstacle::Unexpected)),
            Origin::Fetched | Origin::Kept | Origin::Nowhere => None,
        }
    }

    /// What a store says of an object that it has: its own listing, or what came.
    fn info_in(
        &self,
        store: usize,
        object: &ObjectReport,
        listed: Option<&ObjectInfo>,
    ) -> Option<ObjectInfo> {
        listed.filter(|_| store == 0).cloned().or_else(|| self.bare(object))
    }

    fn refused(&mut self, from: &SourceName, obstacle: Obstacle) -> Sighting {
        Sighting { store: self.place_of(from), seen: Seen::Refused(obstacle) }
    }

    fn bare(&self, object: &ObjectReport) -> Option<ObjectInfo> {
        let own = self.infos.get(&object.name).and_then(|planned| planned.key.clone());
        let key =
            own.or_else(|| object.key.clone()).or_else(|| ObjectKey::parse(object.name.as_str()).ok())?;
        Some(ObjectInfo { size: object.size, ..ObjectInfo::bare(key) })
    }

    /// The number of a store; hosts that playlists name come behind those of the settings.
    fn place_of(&mut self, name: &SourceName) -> usize {
        if let Some(place) = self.stores.iter().position(|store| store.name == *name) {
            return place;
        }
        self.stores.push(StoreSeen {
            name: name.clone(),
            place: format!("the host {} that a playlist names", name.as_str()),
            role: StoreRole::Fallback,
            listed: Listed::ByName,
        });
        self.stores.len() - 1
    }
}
