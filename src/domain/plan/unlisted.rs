//! Slices that no playlist lists and that are segments all the same.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ListOrigin;
use crate::domain::dash::Manifest;
use crate::domain::filename::{FileName, Role};
use crate::domain::finding::Finding;
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::locate::{ListedSlice, Master, Recording};
use crate::domain::playlist::{Discontinuity, Encryption, Ended, Gap, Playlist, Segment, SegmentUri};
use crate::domain::recording::TrackId;
use crate::domain::time::SliceTime;

/// Slices of one recorder and track as a list of their own.
pub(super) struct Unlisted {
    pub(super) failover: Option<u8>,
    pub(super) playlist: Playlist,
    pub(super) origin: ListOrigin,
}

type Group = (TrackId, Option<u8>);
type Slices = BTreeMap<(SliceTime, ObjectKey), ObjectName>;

/// The slices of recorders that left no playlist, and those that only a DASH manifest names. A manifest that
/// names a slice which is nowhere is believed only where no playlist knows better.
pub(super) fn unlisted(
    recording: &Recording,
    playlists: &BTreeMap<ObjectKey, Playlist>,
    manifests: &[Manifest],
) -> (BTreeMap<TrackId, Vec<Unlisted>>, Vec<Finding>) {
    let groups_with_playlist: HashSet<Group> = recording
        .tracks
        .iter()
        .flat_map(|track| track.playlists.iter().map(|set| (track.id, set.failover)))
        .collect();
    let mut rebuilt: BTreeMap<Group, Slices> = BTreeMap::new();
    let lacks =
        |slice: &&ListedSlice| !groups_with_playlist.contains(&(slice.name.track, slice.name.failover));
    let known = if manifests.is_empty() && !recording.slices.iter().any(|slice| lacks(&slice)) {
        // Nobody will ask.
        Known::default()
    } else {
        Known::of(recording, playlists)
    };
    for slice in recording.slices.iter().filter(lacks) {
        let group = (slice.name.track, slice.name.failover);
        if !known.by_playlists.contains(&slice.info.key) {
            put(&mut rebuilt, group, &slice.name, &slice.info.key);
        }
    }
    let (mut findings, mut lists) = (Vec::new(), BTreeMap::<TrackId, Vec<Unlisted>>::new());
    for manifest in manifests {
        let mut named: BTreeMap<Group, Slices> = BTreeMap::new();
        for name in &manifest.names {
            let Ok(key) = name.in_folder(&manifest.key.folder()) else { continue };
            if known.by_playlists.contains(&key) {
                continue;
            }
            let dead = Finding::DeadReference { master: manifest.key.clone(), name: name.clone() };
            match known.slice(recording, &key) {
                Some(slice) => {
                    let group = (slice.track, slice.failover);
                    if !groups_with_playlist.contains(&group) {
                        put(&mut rebuilt, group, &slice, &key);
                    } else if known.listed.contains(&key) || recording.slices.is_empty() {
                        put(&mut named, group, &slice, &key);
                    } else {
                        findings.push(dead);
                    }
                }
                None if known.listed.contains(&key) => {}
                None => findings.push(dead),
            }
        }
        for ((track, failover), slices) in named {
            let playlist = list_of(&manifest.key, slices);
            let list = Unlisted { failover, playlist, origin: ListOrigin::Received };
            lists.entry(track).or_default().push(list);
        }
    }
    let sliced: HashSet<TrackId> = recording.slices.iter().map(|slice| slice.name.track).collect();
    for ((track, failover), slices) in rebuilt {
        let Some((_, key)) = slices.keys().next().cloned() else { continue };
        let lost = Finding::NoPlaylist { track };
        // Of the tracks that have slices in the store, locating has said so.
        if !sliced.contains(&track) && !findings.contains(&lost) {
            findings.push(lost);
        }
        let list = Unlisted { failover, playlist: list_of(&key, slices), origin: ListOrigin::Rebuilt };
        lists.entry(track).or_default().push(list);
    }
    (lists, findings)
}

fn put(groups: &mut BTreeMap<Group, Slices>, group: Group, name: &FileName, key: &ObjectKey) {
    if let Role::Slice { starts, .. } = name.role {
        groups.entry(group).or_default().insert((starts, key.clone()), key.file_name());
    }
}

/// What is known of the objects of a recording.
#[derive(Default)]
struct Known<'a> {
    by_playlists: HashSet<ObjectKey>,
    listed: HashSet<&'a ObjectKey>,
    slices: HashMap<&'a ObjectKey, &'a FileName>,
}

impl<'a> Known<'a> {
    fn of(recording: &'a Recording, playlists: &BTreeMap<ObjectKey, Playlist>) -> Self {
        let mut known = Self::default();
        known.by_playlists.extend(playlists.values().flat_map(Playlist::keys));
        let lists = recording.tracks.iter().flat_map(|track| &track.playlists);
        let lists = lists.chain(recording.masters.iter().map(|Master { set, .. }| set));
        let lists = lists.flat_map(|set| set.kept.iter().chain([&set.chosen]));
        let others = recording.others.iter().map(|other| &other.info);
        known.listed.extend(lists.chain(others).map(|info| &info.key));
        for slice in &recording.slices {
            known.listed.insert(&slice.info.key);
            known.slices.insert(&slice.info.key, &slice.name);
        }
        known
    }

    /// What the name of a slice says; `None` for any other object.
    fn slice(&self, recording: &Recording, key: &ObjectKey) -> Option<FileName> {
        if let Some(name) = self.slices.get(key) {
            return Some((*name).clone());
        }
        let name = key.file_name();
        let channel = recording.channel.as_ref();
        let known = channel.and_then(|c| FileName::with_channel(name.as_str(), &recording.id, c));
        let name = known.or_else(|| FileName::parse(name.as_str(), Some(&recording.id)))?;
        (name.recording == recording.id && matches!(name.role, Role::Slice { .. })).then_some(name)
    }
}

fn list_of(key: &ObjectKey, slices: Slices) -> Playlist {
    let segment = |(index, name)| Segment {
        index,
        line: 0,
        uri: SegmentUri::Name(name),
        duration: None,
        discontinuity: Discontinuity::Continues,
        gap: Gap::No,
        byte_range: None,
        map: None,
        encryption: Encryption::Clear,
        marks: Vec::new(),
        tags: Vec::new(),
    };
    Playlist {
        key: key.clone(),
        segments: slices.into_values().enumerate().map(segment).collect(),
        children: Vec::new(),
        ended: Ended::Yes,
        target_duration: None,
        media_sequence: None,
        header: Vec::new(),
        trailing: Vec::new(),
        closing_marks: Vec::new(),
    }
}
