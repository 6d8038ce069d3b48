//! What has to be fetched: every object of a recording, once, with what is known about it beforehand.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::dash::Manifest;
use super::filename::{AudioFormat, Container, FileName, Role};
use super::finding::Finding;
use super::key::{KeyPrefix, ObjectKey, ObjectName};
use super::locate::Recording;
use super::object::ObjectInfo;
use super::playlist::{Discontinuity, Encryption, Mark, Playlist, Segment, SegmentUri};
use super::recording::TrackId;
use super::report::ObjectRole;
use super::time::SliceTime;
use super::timeline::{RunInput, RunSegment, TOLERANCE_MS, Timeline, Times, examine};
use super::verdict::{Content, Expectation, Format};

mod unlisted;

use unlisted::{Unlisted, unlisted};

/// One object to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name in the archive.
    pub name: ObjectName,
    /// Where it is.
    pub place: ItemPlace,
    /// What it is for.
    pub role: ObjectRole,
    /// What is known about its bytes.
    pub expected: Expectation,
    /// What the listing said about it.
    pub listed: Option<ObjectInfo>,
    /// When it starts, by its name.
    pub starts: Option<SliceTime>,
}

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ItemPlace {
    /// In the store of the recording and its fallbacks.
    Key(ObjectKey),
    /// At a URL of its own that a playlist names.
    Url(String),
    /// Its name in the playlist is not requested.
    Refused,
}

/// A track with its segments in playing order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackPlan {
    /// Which.
    pub id: TrackId,
    /// The playlists that its segments come from.
    pub playlists: Vec<ObjectName>,
    /// Its segments in playing order.
    pub segments: Vec<PlannedSegment>,
    /// When what plays.
    pub timeline: Timeline,
    /// Where the list of its segments comes from.
    pub origin: ListOrigin,
    /// What the time line was made of, where some of it is known only after the segments are here.
    pub runs: Vec<RunInput>,
}

/// Where the list of a track's segments comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListOrigin {
    /// From playlists.
    #[default]
    Received,
    /// For a part of it at least there is none: that part is rebuilt from the names in the store.
    Rebuilt,
}

/// A segment in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSegment {
    /// The object that holds it.
    pub name: ObjectName,
    /// When it starts, by its name.
    pub starts: Option<SliceTime>,
    /// What the playlist says about it.
    pub listed: Segment,
    /// The same number for all segments without a discontinuity between them.
    pub run: usize,
}

/// Everything to be done for a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The tracks.
    pub tracks: Vec<TrackPlan>,
    /// The objects besides the playlists, each once: segments in playing order, then the rest.
    pub items: Vec<Item>,
}

/// Plans a recording whose chosen playlists were read. Twins that were not chosen are fetched as files, and
/// so is whatever else bears the recording's name: an archive keeps what it finds.
///
/// Slices that no playlist lists are segments where their recorder left no playlist at all, and where a DASH
/// manifest names them.
#[must_use]
pub fn plan(
    recording: &Recording,
    playlists: &BTreeMap<ObjectKey, Playlist>,
    manifests: &[Manifest],
) -> (Plan, Vec<Finding>) {
    let listed = listed_objects(recording);
    let mut planner = Planner {
        recording,
        listed: &listed,
        seen: HashSet::new(),
        named: HashMap::new(),
        renamed: HashMap::new(),
        plan: Plan::default(),
    };
    let (beside, mut findings) = unlisted(recording, playlists, manifests);
    let ids: BTreeSet<TrackId> =
        recording.tracks.iter().map(|track| track.id).chain(beside.keys().copied()).collect();
    for id in ids {
        let sets = recording.tracks.iter().filter(|track| track.id == id).flat_map(|track| &track.playlists);
        let mut read: Vec<_> = sets
            .filter_map(|set| {
                let failover = set.failover.map(u32::from);
                Some(List { failover, playlist: playlists.get(&set.chosen.key)?, times: Times::Listed })
            })
            .collect();
        let unlisted = beside.get(&id).map_or(&[][..], Vec::as_slice);
        read.extend(unlisted.iter().map(|list| List {
            failover: list.failover.map(u32::from),
            playlist: &list.playlist,
            times: Times::Probed,
        }));
        let (mut track, found) = planner.track(id, &read);
        track.playlists = playlist_names(&planner, recording, id, playlists, unlisted);
        if unlisted.iter().any(|list| list.origin == ListOrigin::Rebuilt) {
            track.origin = ListOrigin::Rebuilt;
        }
        planner.plan.tracks.push(track);
        findings.extend(found);
    }
    // Of a playlist that could not be read nobody knows what it lists.
    let all_read = recording
        .tracks
        .iter()
        .flat_map(|track| &track.playlists)
        .all(|set| playlists.contains_key(&set.chosen.key));
    for slice in &recording.slices {
        let is_new = planner.add_other(&slice.info, content_of(Some(&slice.name)));
        if is_new && all_read {
            findings.push(Finding::Orphan { key: slice.info.key.clone() });
        }
    }
    for other in &recording.others {
        planner.add_other(&other.info, content_of(other.name.as_ref()));
    }
    (planner.plan, findings)
}

/// The lists that the segments of a track come from: those that were read, and the manifests that name more.
fn playlist_names(
    planner: &Planner<'_>,
    recording: &Recording,
    id: TrackId,
    playlists: &BTreeMap<ObjectKey, Playlist>,
    unlisted: &[Unlisted],
) -> Vec<ObjectName> {
    let sets = recording.tracks.iter().filter(|track| track.id == id).flat_map(|track| &track.playlists);
    let read = sets.map(|set| &set.chosen.key).filter(|key| playlists.contains_key(*key));
    let manifests = unlisted.iter().filter(|list| list.origin == ListOrigin::Received);
    read.chain(manifests.map(|list| &list.playlist.key)).map(|key| planner.name_of(key)).collect()
}

/// One list of a track's segments.
struct List<'a> {
    failover: Option<u32>,
    playlist: &'a Playlist,
    times: Times,
}

struct Planner<'a> {
    recording: &'a Recording,
    listed: &'a BTreeMap<&'a ObjectKey, &'a ObjectInfo>,
    seen: HashSet<ObjectName>,
    /// What each name of a segment stands for: two places must not share one.
    named: HashMap<ObjectName, ItemPlace>,
    /// By the name that each would have had, those that got another one.
    renamed: HashMap<ObjectName, Renamed>,
    plan: Plan,
}

/// Places that would have the same name.
struct Renamed {
    /// Those places, with the name that each has instead.
    own: HashMap<ItemPlace, ObjectName>,
    /// The lowest number that may still be free: addresses that differ in their query only may be as many as
    /// lines.
    next: usize,
}

impl Planner<'_> {
    fn track(&mut self, id: TrackId, read: &[List<'_>]) -> (TrackPlan, Vec<Finding>) {
        let named: Vec<Vec<(ObjectName, ItemPlace, &Segment)>> = read
            .iter()
            .map(|List { playlist, .. }| {
                // Those that are announced as missing too: who says so may be wrong, and if not they are
                // lost, which is to be told.
                playlist.segments.iter().map(|segment| self.locate_segment(playlist, segment)).collect()
            })
            .collect();
        let runs: Vec<RunInput> = read
            .iter()
            .zip(&named)
            .map(|(list, segments)| RunInput {
                failover: list.failover,
                segments: segments
                    .iter()
                    .map(|(name, _, segment)| {
                        let starts = self.starts(name);
                        RunSegment {
                            name: name.clone(),
                            starts,
                            duration: segment.duration,
                            discontinuity: announced(segment, starts),
                        }
                    })
                    .collect(),
                times: list.times,
            })
            .collect();
        let (timeline, findings) = examine(&id, &runs);
        let mut segments = Vec::with_capacity(timeline.order.len());
        let (mut run, mut last_playlist) = (0, None);
        for placed in &timeline.order {
            let (name, place, segment) = &named[placed.playlist][placed.segment];
            let restarts = segment.discontinuity == Discontinuity::Restarts;
            if restarts || last_playlist != Some(placed.playlist) {
                run += 1;
            }
            last_playlist = Some(placed.playlist);
            self.add_segment(id, name, place, segment);
            segments.push(PlannedSegment {
                name: name.clone(),
                starts: placed.starts,
                listed: (*segment).clone(),
                run,
            });
        }
        let all = read.iter().flat_map(|list| &list.playlist.segments);
        for map in all.filter_map(|segment| segment.map.as_ref()) {
            if let SegmentUri::Name(name) = &map.uri
                && let Ok(key) = name.in_folder(&self.recording.folder)
            {
                self.add_other(&ObjectInfo::bare(key), Content::Opaque);
            }
        }
        let probed = runs.iter().any(|run| run.times == Times::Probed);
        let runs = if probed { runs } else { Vec::new() };
        let origin = ListOrigin::Received;
        (TrackPlan { id, playlists: Vec::new(), segments, timeline, origin, runs }, findings)
    }

    fn locate_segment<'s>(
        &mut self,
        playlist: &Playlist,
        segment: &'s Segment,
    ) -> (ObjectName, ItemPlace, &'s Segment) {
        let (name, place) = match &segment.uri {
            SegmentUri::Name(name) => match name.in_folder(&playlist.key.folder()) {
                Ok(key) => (self.name_of(&key), ItemPlace::Key(key)),
                Err(_) => (name.clone(), ItemPlace::Refused),
            },
            SegmentUri::Rooted(key) => (self.name_of(key), ItemPlace::Key(key.clone())),
            SegmentUri::Elsewhere(url) => (name_of_url(url), ItemPlace::Url(url.clone())),
            SegmentUri::Unsafe(text) => (placeholder(segment.line, text), ItemPlace::Refused),
        };
        (self.own_name(name, &place), place, segment)
    }

    /// The name, or where it stands for another place already, one like it.
    fn own_name(&mut self, name: ObjectName, place: &ItemPlace) -> ObjectName {
        let is_free = |named: &HashMap<_, ItemPlace>, candidate: &ObjectName| {
            named.get(candidate).is_none_or(|known| known == place)
        };
        if is_free(&self.named, &name) {
            self.named.entry(name.clone()).or_insert_with(|| place.clone());
            return name;
        }
        let new = || Renamed { own: HashMap::new(), next: 2 };
        let renamed = self.renamed.entry(name.clone()).or_insert_with(new);
        if let Some(own) = renamed.own.get(place) {
            return own.clone();
        }
        let (stem, extension) = name.as_str().rsplit_once('.').unwrap_or((name.as_str(), ""));
        // All that is not requested is one place, which a number that was passed over may stand for.
        let first = if *place == ItemPlace::Refused { 2 } else { renamed.next };
        let others = (first..).map(|n| (n, ObjectName::parse(&format!("{stem}~{n}.{extension}"))));
        let mut candidates = others.map_while(|(n, other)| Some((n, other.ok()?)));
        // Without end there are none: names have a longest length. The last one is shared then.
        let found = candidates.find(|(_, candidate)| is_free(&self.named, candidate));
        let Some((number, own)) = found else { return name };
        renamed.next = renamed.next.max(number + 1);
        renamed.own.insert(place.clone(), own.clone());
        self.named.entry(own.clone()).or_insert_with(|| place.clone());
        own
    }

    fn add_segment(&mut self, track: TrackId, name: &ObjectName, place: &ItemPlace, segment: &Segment) {
        if !self.seen.insert(name.clone()) {
            return;
        }
        let listed = match place {
            ItemPlace::Key(key) => self.listed.get(key).map(|info| (*info).clone()),
            ItemPlace::Url(_) | ItemPlace::Refused => None,
        };
        let whole = segment.byte_range.is_none();
        let content = match (segment.encryption, Format::of_name(name.as_str())) {
            // A fragment whose head lies in a file of its own is no file by itself.
            (Encryption::Clear, Some(Format::Mp4)) if segment.map.is_some() => Content::Opaque,
            (Encryption::Clear, form) => Content::from(form),
            (Encryption::Key { .. }, _) => Content::Opaque,
        };
        self.plan.items.push(Item {
            name: name.clone(),
            place: place.clone(),
            role: ObjectRole::Segment(track),
            expected: Expectation {
                size: listed.as_ref().and_then(|info| info.size),
                content,
                // Of a part the object does not tell how long it plays.
                duration: segment.duration.filter(|_| whole),
                ..Expectation::default()
            },
            listed,
            starts: self.starts(name),
        });
    }

    /// `true` where it was not planned yet.
    fn add_other(&mut self, info: &ObjectInfo, content: Content) -> bool {
        let name = self.name_of(&info.key);
        let new = self.seen.insert(name.clone());
        if new {
            let listed = self.listed.get(&info.key).map_or(info, |listed| listed);
            self.plan.items.push(Item {
                starts: self.starts(&name),
                name,
                place: ItemPlace::Key(info.key.clone()),
                role: ObjectRole::Other,
                expected: Expectation { size: listed.size, content, ..Expectation::default() },
                listed: Some(listed.clone()),
            });
        }
        new
    }

    fn name_of(&self, key: &ObjectKey) -> ObjectName {
        name_in_archive(key, &self.recording.folder)
    }

    fn starts(&self, name: &ObjectName) -> Option<SliceTime> {
        match FileName::parse(name.file_name(), Some(&self.recording.id))?.role {
            Role::Slice { starts, .. } => Some(starts),
            Role::Snapshot { taken } => Some(taken),
            Role::Playlist { .. } | Role::DashManifest { .. } | Role::Video { .. } | Role::Audio { .. } => {
                None
            }
        }
    }
}

/// Whether a playlist explains why the time before a segment may be empty: by a discontinuity, or because
/// Agora says that the track starts there (`EXT-X-AGORA-TRACK-EVENT:EVENT=START`). Slices of `original` sound
/// end where the user mutes or leaves ("manage recorded files", 2026-07), and start again with the track.
fn announced(segment: &Segment, starts: Option<SliceTime>) -> Discontinuity {
    let begins = segment.marks.iter().any(|mark| match (mark, starts) {
        (Mark::TrackEvent { at, .. }, Some(starts)) => at.ms_since(starts).abs() <= TOLERANCE_MS,
        (Mark::TrackEvent { .. }, None) | (Mark::Rotate { .. }, _) => false,
    });
    if begins { Discontinuity::Restarts } else { segment.discontinuity }
}

/// The name of an object in the archive: relative to the folder of the recording, or its whole key where it
/// lies elsewhere in the bucket.
#[must_use]
pub fn name_in_archive(key: &ObjectKey, folder: &KeyPrefix) -> ObjectName {
    let outside = || ObjectName::parse(&format!("from-root/{key}"));
    key.relative_to(folder).map_or_else(outside, Ok).unwrap_or_else(|_| key.file_name())
}

/// A URL of its own gets a name below a folder of its own, by host and path.
fn name_of_url(url: &str) -> ObjectName {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or(rest);
    let safe: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let name = format!("elsewhere/{}", safe.join("/"));
    ObjectName::parse(&name).unwrap_or_else(|_| placeholder(0, url))
}

/// A name for what has none that is safe.
fn placeholder(line: usize, text: &str) -> ObjectName {
    let safe: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    let name = format!("refused/line-{line}-{safe}");
    // Letters, digits and dashes break no rule for names.
    ObjectName::parse(&name).unwrap_or_else(|_| unreachable!("`{name}` is a safe name"))
}

/// Nobody knows the playing time of what no playlist lists: an orphan transport stream is proven by no more
/// than its length then, but a page in its place, a cut and a broken file are still noticed.
fn content_of(name: Option<&FileName>) -> Content {
    match name.map(|name| name.role) {
        Some(Role::Slice { container: Container::Ts, .. }) => Content::TransportStream,
        Some(Role::Slice { container: Container::WebM, .. }) => Content::WebM,
        Some(Role::Video { .. } | Role::Audio { format: AudioFormat::M4a, .. }) => Content::Mp4,
        Some(Role::Audio { format: AudioFormat::Mp3, .. }) => Content::Mp3,
        Some(Role::Audio { format: AudioFormat::Aac, .. }) => Content::Adts,
        Some(Role::Snapshot { .. }) => Content::Jpeg,
        Some(Role::Playlist { .. } | Role::DashManifest { .. }) | None => Content::Opaque,
    }
}

fn listed_objects(recording: &Recording) -> BTreeMap<&ObjectKey, &ObjectInfo> {
    let slices = recording.slices.iter().map(|slice| &slice.info);
    let others = recording.others.iter().map(|other| &other.info);
    slices.chain(others).map(|info| (&info.key, info)).collect()
}

impl TrackPlan {
    /// The sum of the durations that the playlists list.
    #[must_use]
    pub fn playing(&self) -> Duration {
        self.timeline.playing
    }
}

#[cfg(test)]
mod tests;
