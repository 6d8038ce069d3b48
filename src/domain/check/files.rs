//! The files of a recording that are no segments of a track.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::gathered::{Gathered, PlaylistText};
use super::sightings::Sightings;
use super::stretches::{Beside, End, Unread};
use super::{CheckedFile, Presence};
use crate::domain::filename::Role;
use crate::domain::finding::Finding;
use crate::domain::key::ObjectKey;
use crate::domain::locate::{ListedSlice, PlaylistSet};
use crate::domain::object::ObjectInfo;
use crate::domain::place::Obstacle;
use crate::domain::plan::{ItemPlace, name_in_archive};
use crate::domain::playlist::Ended;
use crate::domain::recording::TrackId;
use crate::domain::report::ObjectRole;
use crate::domain::time::SliceTime;
use crate::domain::timeline::TOLERANCE_MS;

/// The files of a recording by what they are to it.
pub(super) struct Files<'a> {
    /// Playlists, masters and manifests.
    pub(super) playlists: Vec<CheckedFile>,
    /// Slices that no playlist lists, by their start.
    pub(super) orphans: Vec<&'a ListedSlice>,
    /// Slices whose playlist could not be read, or not to its end: nobody knows whether it lists them.
    pub(super) unread: Vec<&'a ListedSlice>,
    /// Everything else.
    pub(super) others: Vec<CheckedFile>,
    /// The orphans of each track, by their start.
    by_track: HashMap<TrackId, Vec<(SliceTime, &'a ListedSlice)>>,
    /// Playlists that could not be read, of each track.
    unread_sets: HashSet<(TrackId, Option<u8>)>,
}

impl<'a> Files<'a> {
    pub(super) fn of(gathered: &'a Gathered<'a>, sightings: &Sightings<'a>) -> Self {
        let recording = gathered.recording;
        let (unread_sets, cut_sets) = (unread_sets(gathered), cut_sets(gathered));
        let segments: HashSet<_> = gathered
            .plan
            .tracks
            .iter()
            .flat_map(|track| track.segments.iter().map(|segment| &segment.name))
            .collect();
        let beside = |key: &ObjectKey| !segments.contains(&name_in_archive(key, &recording.folder));
        let (unread, orphans): (Vec<_>, Vec<_>) =
            recording.slices.iter().filter(|slice| beside(&slice.info.key)).partition(|slice| {
                let list = (slice.name.track, slice.name.failover);
                unread_sets.contains(&list) || cut_sets.contains(&list)
            });
        let mut others: Vec<CheckedFile> = Vec::new();
        let slices: HashSet<&ObjectKey> = orphans.iter().map(|slice| &slice.info.key).collect();
        for item in &gathered.plan.items {
            let ItemPlace::Key(key) = &item.place else { continue };
            if item.role == ObjectRole::Other && !slices.contains(key) {
                let place = sightings.find(&item.name);
                let info = place.info.or(item.listed.as_ref());
                others.push(CheckedFile {
                    key: key.clone(),
                    size: info.and_then(|info| info.size),
                    modified: info.and_then(|info| info.modified),
                    presence: place.presence,
                });
            }
        }
        others.sort_by(|a, b| a.key.cmp(&b.key));
        let playlists = playlists(gathered, sightings);
        let mut by_track: HashMap<TrackId, Vec<_>> = HashMap::new();
        for slice in &orphans {
            if let Role::Slice { starts, .. } = slice.name.role {
                by_track.entry(slice.name.track).or_default().push((starts, *slice));
            }
        }
        Self { playlists, orphans, unread, others, by_track, unread_sets }
    }

    /// The first slice in no playlist that starts between two times.
    pub(super) fn orphan_within(&self, track: TrackId, from: SliceTime, until: SliceTime) -> Option<String> {
        let orphans = self.by_track.get(&track)?;
        let first = orphans.partition_point(|(starts, _)| starts.plus_ms(TOLERANCE_MS) < from);
        let (starts, slice) = orphans.get(first)?;
        (*starts < until).then(|| slice.info.key.file_name().to_string())
    }

    /// What else than its segments is known of each track.
    pub(super) fn beside(
        &self,
        gathered: &Gathered<'_>,
        sightings: &Sightings<'_>,
    ) -> HashMap<TrackId, Beside> {
        let mut tracks: HashMap<TrackId, Beside> = HashMap::new();
        for (track, _) in &self.unread_sets {
            tracks.entry(*track).or_default().has_unread = Unread::Some;
        }
        for slice in &self.unread {
            if let Role::Slice { starts, .. } = slice.name.role {
                let name = name_in_archive(&slice.info.key, &gathered.recording.folder);
                let place = sightings.find(&name);
                tracks.entry(slice.name.track).or_default().unread.push((starts, place.presence));
            }
        }
        let open = open_playlists(gathered);
        for track in &gathered.recording.tracks {
            let last = track.playlists.iter().max_by_key(|set| set.failover);
            if last.is_some_and(|set| open.contains(&set.chosen.key)) {
                tracks.entry(track.id).or_default().end = End::Unknown;
            }
        }
        tracks
    }

    /// Slices that no playlist lists, as files.
    pub(super) fn orphans(&self, gathered: &Gathered<'_>, sightings: &Sightings<'_>) -> Vec<CheckedFile> {
        let own = self.orphans.iter().map(|slice| {
            let name = name_in_archive(&slice.info.key, &gathered.recording.folder);
            let place = sightings.find(&name);
            let info = place.info.unwrap_or(&slice.info);
            file(&slice.info.key, Some(info), place.presence)
        });
        let elsewhere = gathered
            .orphans_elsewhere
            .iter()
            .map(|(store, info)| file(&info.key, Some(info), Presence::Elsewhere { store: *store }));
        own.chain(elsewhere).collect()
    }
}

/// Chosen playlists that were not read or are none, by track and failover. The plan names those that were.
fn unread_sets(gathered: &Gathered<'_>) -> HashSet<(TrackId, Option<u8>)> {
    let read: HashSet<_> = gathered
        .plan
        .tracks
        .iter()
        .flat_map(|track| track.playlists.iter().map(move |name| (track.id, name)))
        .collect();
    let sets = gathered
        .recording
        .tracks
        .iter()
        .flat_map(|track| track.playlists.iter().map(move |set: &PlaylistSet| (track.id, set)));
    let wrong = gathered.findings.iter().filter_map(|finding| {
        let Finding::NotAPlaylist { playlist, .. } = finding else { return None };
        Some(playlist)
    });
    let wrong: HashSet<_> = wrong.collect();
    sets.filter(|(track, set)| {
        let name = name_in_archive(&set.chosen.key, &gathered.recording.folder);
        wrong.contains(&set.chosen.key) || !read.contains(&(*track, &name))
    })
    .map(|(track, set)| (track, set.failover))
    .collect()
}

/// Chosen playlists of which only the start was read.
fn cut_sets(gathered: &Gathered<'_>) -> HashSet<(TrackId, Option<u8>)> {
    let cut = gathered.findings.iter().filter_map(|finding| {
        let (Finding::CutOff { playlist, .. } | Finding::TooLarge { playlist, .. }) = finding else {
            return None;
        };
        Some(playlist)
    });
    let cut: HashSet<_> = cut.collect();
    let tracks = gathered.recording.tracks.iter();
    let sets = tracks.flat_map(|track| track.playlists.iter().map(move |set| (track.id, set)));
    let sets = sets.filter(|(_, set)| cut.contains(&set.chosen.key));
    sets.map(|(track, set)| (track, set.failover)).collect()
}

/// Playlists whose end is not known.
fn open_playlists<'a>(gathered: &'a Gathered<'_>) -> BTreeSet<&'a ObjectKey> {
    let told = gathered.findings.iter().filter_map(|finding| {
        let (Finding::NotEnded { playlist }
        | Finding::CutOff { playlist, .. }
        | Finding::TooLarge { playlist, .. }
        | Finding::NotAPlaylist { playlist, .. }) = finding
        else {
            return None;
        };
        Some(playlist)
    });
    let seen = gathered.playlists.iter().filter_map(|seen| match &seen.text {
        PlaylistText::Read(playlist) if playlist.ended == Ended::No => Some(&seen.info.key),
        PlaylistText::Read(_) | PlaylistText::Manifest => None,
        PlaylistText::Absent | PlaylistText::Refused(_) | PlaylistText::Wrong(_) => Some(&seen.info.key),
    });
    told.chain(seen).collect()
}

fn playlists(gathered: &Gathered<'_>, sightings: &Sightings<'_>) -> Vec<CheckedFile> {
    let recording = gathered.recording;
    let mut files: Vec<CheckedFile> = gathered
        .playlists
        .iter()
        .map(|seen| {
            let presence = match &seen.text {
                PlaylistText::Read(_) | PlaylistText::Manifest | PlaylistText::Wrong(_) => Presence::Present,
                PlaylistText::Refused(Obstacle::Frozen { .. }) => Presence::Present,
                PlaylistText::Absent => Presence::Lost,
                PlaylistText::Refused(_) => Presence::Unknown,
            };
            let name = name_in_archive(&seen.info.key, &recording.folder);
            let asked = gathered.objects.contains_key(&name).then(|| sightings.find(&name).presence);
            file(&seen.info.key, Some(&seen.info), asked.unwrap_or(presence))
        })
        .collect();
    let known: HashSet<ObjectKey> = files.iter().map(|file| file.key.clone()).collect();
    let sets = recording.tracks.iter().flat_map(|track| &track.playlists);
    let sets = sets.chain(recording.masters.iter().map(|master| &master.set));
    let listed = sets.flat_map(|set| set.kept.iter().chain([&set.chosen]));
    let listed = listed.filter(|info| !known.contains(&info.key));
    files.extend(listed.map(|info| file(&info.key, Some(info), Presence::Present)));
    files.sort_by(|a, b| a.key.cmp(&b.key));
    files
}

fn file(key: &ObjectKey, info: Option<&ObjectInfo>, presence: Presence) -> CheckedFile {
    CheckedFile {
        key: key.clone(),
        size: info.and_then(|info| info.size),
        modified: info.and_then(|info| info.modified),
        presence,
    }
}
