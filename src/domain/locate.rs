//! Decides from a listing what a recording consists of. Pure: the listing goes in, the recording comes out.
//!
//! - **Folder.** A search may meet the recording in several folders. The one with the most bytes of slices
//!   and playlists is taken, then the one with more files, then the first by name; a playlist that the
//!   caller named decides for its own folder.
//! - **Channel.** One recording has one channel. It is the caller's, where any file can be read so (as
//!   spelt, or as web-page mode spells it); else that of the playlist that the caller named; else the one
//!   that explains the most slices, then the most other files; then the shortest, which prefers "a transferred copy of `room`" to "the channel `room_1_2`".
//!   All names are then read again with that channel, so that nothing stays ambiguous.
//! - **Playlist.** Per track and failover one is chosen: the larger of the plain playlist and the
//!   transferred copy with the highest index (Agora, "manage recorded files", 2026-07). The plain one wins a
//!   tie, since equal lengths mean equal lists as far as anybody can tell and its name is the one that
//!   callbacks carry. A length that is not known counts as smaller than any that is. A playlist that the
//!   caller named always wins.
//! - **Failover.** A failover continues a recording and never replaces a part of it, so its playlists stand
//!   in sets of their own, after the base.
//!
//! The order of the listing does not matter.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::filename::{FileName, Role, Transfer};
use super::finding::Finding;
use super::key::{KeyPrefix, ObjectKey, ObjectName};
use super::object::ObjectInfo;
use super::recording::{ChannelName, RecordingId, TrackId, TrackKind};
use super::time::SliceTime;

pub use super::filename::is_ours;
pub use masters::{Master, MasterForm};

mod masters;

/// How many failovers Agora makes before it gives up ("high availability", 2026-07): `bak0` to `bak2`.
pub const FAILOVERS: u8 = 3;

/// A recording as it lies in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its ID.
    pub id: RecordingId,
    /// The folder that holds it.
    pub folder: KeyPrefix,
    /// The channel, as the file names spell it, whatever the caller believed. `None` where no name tells.
    pub channel: Option<ChannelName>,
    /// Its tracks, in order. A composite recording has one.
    pub tracks: Vec<Track>,
    /// All slices in the folder, by their start; the playlists may list fewer or more.
    pub slices: Vec<ListedSlice>,
    /// Master playlists and DASH manifests, by user and failover.
    pub masters: Vec<Master>,
    /// Everything else, by key: MP4, sound files, pictures, and what nobody knows.
    pub others: Vec<ListedOther>,
}

/// One track and its playlists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Whose track, and what it carries.
    pub id: TrackId,
    /// The base first, then `bak0`, `bak1`, `bak2`. Empty where only slices are there.
    pub playlists: Vec<PlaylistSet>,
}

/// The versions of one playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaylistSet {
    /// The number of the failover; `None` for the base.
    pub failover: Option<u8>,
    /// The version to read.
    pub chosen: ObjectInfo,
    /// The others, by key. They are kept as files.
    pub kept: Vec<ObjectInfo>,
}

/// A slice in the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSlice {
    /// What the listing said.
    pub info: ObjectInfo,
    /// What its name says.
    pub name: FileName,
}

/// A file in the listing that is neither a slice nor a list of slices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedOther {
    /// What the listing said.
    pub info: ObjectInfo,
    /// What its name says; `None` where it does not follow the grammar.
    pub name: Option<FileName>,
}

/// What the caller knows beside the recording ID.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The channel, raw or as web-page mode spells it.
    pub channel: Option<ChannelName>,
    /// The playlist to read. It wins in its set, needs no listing, and is read even where its name says
    /// nothing: then as the base of [`TrackId::MIXED`].
    pub playlist: Option<ObjectKey>,
}

/// What to list in a folder to see all files of a recording: listing by the ID alone misses the failovers.
#[must_use]
pub fn list_prefixes(folder: &KeyPrefix, id: &RecordingId) -> Vec<String> {
    let starts = std::iter::once(String::new()).chain((0..FAILOVERS).map(|n| format!("bak{n}_")));
    starts.map(|start| format!("{}{start}{id}_", folder.as_str())).collect()
}

/// The playlists of a composite or web-page recording, to be tried in turn where a store cannot list. Those
/// of individual mode and transferred copies cannot be guessed.
#[must_use]
pub fn playlist_candidates(id: &RecordingId, channel: &ChannelName) -> Vec<ObjectName> {
    let mut names = Vec::new();
    for failover in std::iter::once(None).chain((0..FAILOVERS).map(Some)) {
        for channel in spellings(channel) {
            let name = FileName {
                failover,
                recording: id.clone(),
                channel: Some(channel),
                track: TrackId::MIXED,
                role: Role::Playlist { transfer: None },
            };
            // A channel that cannot be part of a safe key has no playlist that could be asked for.
            names.extend(ObjectName::parse(&name.to_name()));
        }
    }
    names
}

/// The names that the base and the failover copies of a playlist have, without its own.
#[must_use]
pub fn failover_siblings(named: &FileName) -> Vec<ObjectName> {
    let failovers = std::iter::once(None).chain((0..FAILOVERS).map(Some));
    failovers
        .filter(|failover| *failover != named.failover)
        .filter_map(|failover| {
            let name = FileName { failover, role: Role::Playlist { transfer: None }, ..named.clone() };
            ObjectName::parse(&name.to_name()).ok()
        })
        .collect()
}

/// Decides what the recording consists of. `None` where nothing in the listing belongs to it.
///
/// Objects of other recordings are passed over, so the listing of a whole bucket will do.
#[must_use]
pub fn choose(
    id: &RecordingId,
    listing: Vec<ObjectInfo>,
    query: &Query,
) -> (Option<Recording>, Vec<Finding>) {
    let mut findings = Vec::new();
    let objects = distinct(listing, query.playlist.as_ref());
    let Some((folder, objects)) = one_folder(id, objects, query, &mut findings) else {
        return (None, findings);
    };
    let channel = channel_of(id, &objects, query);
    let mut sorted = Sorted::default();
    for info in objects {
        let named = query.playlist.as_ref() == Some(&info.key);
        sorted.put(read(id, channel.as_ref(), &info.key), info, named, &mut findings);
    }
    let (tracks, masters) = sorted.take_lists(&mut findings);
    let Sorted { mut slices, mut others, .. } = sorted;
    slices.sort_by(|a, b| (starts(&a.name), &a.info.key).cmp(&(starts(&b.name), &b.info.key)));
    others.sort_by(|a, b| a.info.key.cmp(&b.info.key));
    let recording = Recording { id: id.clone(), folder, channel, tracks, masters, slices, others };
    findings.extend(
        recording.without_playlist(&HashSet::new()).into_iter().map(|track| Finding::NoPlaylist { track }),
    );
    (Some(recording), findings)
}

/// Both spellings of a channel, where they differ: raw and web-page mode.
fn spellings(channel: &ChannelName) -> Vec<ChannelName> {
    let web = channel.in_web_mode();
    if web == *channel { vec![web] } else { vec![channel.clone(), web] }
}

fn starts(name: &FileName) -> Option<SliceTime> {
    match name.role {
        Role::Slice { starts, .. } => Some(starts),
        Role::Playlist { .. }
        | Role::DashManifest { .. }
        | Role::Video { .. }
        | Role::Audio { .. }
        | Role::Snapshot { .. } => None,
    }
}

/// The listing by key, each key once: while a recording runs, pages of a listing may overlap, and then the
/// last state of an object counts.
fn distinct(mut listing: Vec<ObjectInfo>, named: Option<&ObjectKey>) -> Vec<ObjectInfo> {
    if let Some(named) = named
        && !listing.iter().any(|info| info.key == *named)
    {
        listing.push(ObjectInfo::bare(named.clone()));
    }
    let state = |info: &ObjectInfo| {
        (info.modified, info.size, info.etag.clone(), info.class.clone(), info.digests.clone())
    };
    listing.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| state(b).cmp(&state(a))));
    listing.dedup_by(|later, kept| later.key == kept.key);
    listing
}

/// The folder of the recording that this object belongs to; `None` for another recording's object.
///
/// `math/<sid>_room/notes.txt` belongs to the recording in `math/`: it stands under the recording's prefix.
fn home(id: &RecordingId, key: &ObjectKey) -> Option<KeyPrefix> {
    if is_ours(key.file_name().as_str(), id) {
        return Some(key.folder());
    }
    let text = key.as_str();
    let mut start = 0;
    for (slash, _) in text.match_indices('/') {
        if is_ours(text.get(start..slash)?, id) {
            return ObjectKey::parse(text.get(..slash)?).ok().map(|above| above.folder());
        }
        start = slash + 1;
    }
    None
}

/// Picks the folder and what lies in it, and reports the other ones.
fn one_folder(
    id: &RecordingId,
    objects: Vec<ObjectInfo>,
    query: &Query,
    findings: &mut Vec<Finding>,
) -> Option<(KeyPrefix, Vec<ObjectInfo>)> {
    let mut folders: BTreeMap<KeyPrefix, Vec<ObjectInfo>> = BTreeMap::new();
    for info in objects {
        let named = query.playlist.as_ref() == Some(&info.key);
        let folder = if named { Some(info.key.folder()) } else { home(id, &info.key) };
        if let Some(folder) = folder {
            folders.entry(folder).or_default().push(info);
        }
    }
    let weight = |files: &[ObjectInfo]| {
        let recorded = files.iter().filter(|info| {
            FileName::parse(info.key.file_name().as_str(), Some(id))
                .is_some_and(|name| matches!(name.role, Role::Slice { .. } | Role::Playlist { .. }))
        });
        recorded.filter_map(|info| info.size).fold(0, u64::saturating_add)
    };
    let named = query.playlist.as_ref().map(ObjectKey::folder);
    let best = folders
        .iter()
        .max_by_key(|(folder, files)| {
            (named.as_ref() == Some(folder), weight(files), files.len(), Reverse(*folder))
        })
        .map(|(folder, _)| folder.clone())?;
    let files = folders.remove(&best)?;
    let firsts = folders.into_values().filter_map(|files| files.into_iter().next());
    findings.extend(firsts.map(|info| Finding::OtherFolder { key: info.key }));
    Some((best, files))
}

/// How much speaks for a channel: slices, whose names are not ambiguous, then other files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Votes {
    slices: usize,
    files: usize,
}

/// The channel of the recording as its files spell it.
fn channel_of(id: &RecordingId, objects: &[ObjectInfo], query: &Query) -> Option<ChannelName> {
    if let Some(known) = query.channel.as_ref().and_then(|known| spelt(id, objects, known)) {
        return Some(known);
    }
    let mut votes: BTreeMap<ChannelName, Votes> = BTreeMap::new();
    let mut by_playlist = BTreeSet::new();
    for info in objects {
        let Some(name) = FileName::parse(info.key.file_name().as_str(), Some(id)) else { continue };
        let named = query.playlist.as_ref() == Some(&info.key);
        let slice = matches!(name.role, Role::Slice { .. });
        let plain = name.as_plain();
        for channel in [name.channel, plain.and_then(|plain| plain.channel)].into_iter().flatten() {
            if named {
                by_playlist.insert(channel.clone());
            }
            let votes = votes.entry(channel).or_default();
            *(if slice { &mut votes.slices } else { &mut votes.files }) += 1;
        }
    }
    let best = votes.into_iter().max_by_key(|(channel, votes)| {
        // Names are in order, so the last resort is the first of them.
        (by_playlist.contains(channel), *votes, Reverse(channel.as_str().len()), Reverse(channel.clone()))
    });
    best.map(|(channel, _)| channel)
}

/// The spelling of a known channel that more files have; `None` where none has any.
fn spelt(id: &RecordingId, objects: &[ObjectInfo], known: &ChannelName) -> Option<ChannelName> {
    let count = |channel: &ChannelName| {
        let name = |info: &ObjectInfo| FileName::with_channel(info.key.file_name().as_str(), id, channel);
        objects.iter().filter_map(name).count()
    };
    let counted = spellings(known).into_iter().map(|channel| (count(&channel), channel));
    // Of equals `max_by_key` takes the last, and the raw spelling should win.
    let (count, channel) = counted.rev().max_by_key(|(count, _)| *count)?;
    (count > 0).then_some(channel)
}

/// What the name of an object is to the recording.
enum Reading {
    Ours(FileName),
    OtherChannel(FileName),
    Unknown,
}

fn read(id: &RecordingId, channel: Option<&ChannelName>, key: &ObjectKey) -> Reading {
    let name = key.file_name();
    let name = name.as_str();
    if !is_ours(name, id) {
        return Reading::Unknown;
    }
    if let Some(name) = channel.and_then(|channel| FileName::with_channel(name, id, channel)) {
        return Reading::Ours(name);
    }
    let Some(name) = FileName::parse(name, Some(id)) else { return Reading::Unknown };
    let same = |name: &FileName| match (&name.channel, channel) {
        (Some(one), Some(other)) => one.in_web_mode() == other.in_web_mode(),
        (None, _) | (_, None) => true,
    };
    match name.as_plain().filter(same) {
        _ if same(&name) => Reading::Ours(name),
        Some(plain) => Reading::Ours(plain),
        None => Reading::OtherChannel(name),
    }
}

/// One version of a playlist.
struct Version {
    info: ObjectInfo,
    transfer: Option<Transfer>,
    named: bool,
}

/// The files of a recording by what they are to it.
#[derive(Default)]
struct Sorted {
    playlists: BTreeMap<(TrackId, Option<u8>), Vec<Version>>,
    manifests: BTreeMap<(TrackId, Option<u8>), Vec<Version>>,
    slices: Vec<ListedSlice>,
    others: Vec<ListedOther>,
}

impl Sorted {
    fn put(&mut self, reading: Reading, info: ObjectInfo, named: bool, findings: &mut Vec<Finding>) {
        let name = match reading {
            Reading::Ours(name) => Some(name),
            Reading::OtherChannel(name) if named => Some(name),
            Reading::OtherChannel(name) => {
                findings.push(Finding::OtherChannel { key: info.key.clone() });
                self.put_aside(Some(name), info, findings);
                return;
            }
            Reading::Unknown if named => None,
            Reading::Unknown => {
                findings.push(Finding::UnknownName { key: info.key.clone() });
                self.put_aside(None, info, findings);
                return;
            }
        };
        match name.as_ref().map(|name| (name.track, name.failover, name.role)) {
            None => {
                let version = Version { info, transfer: None, named };
                self.playlists.entry((TrackId::MIXED, None)).or_default().push(version);
            }
            Some((track, failover, Role::Playlist { transfer })) => {
                let version = Version { info, transfer, named };
                self.playlists.entry((track, failover)).or_default().push(version);
            }
            Some((track, failover, Role::DashManifest { transfer })) => {
                let version = Version { info, transfer, named };
                self.manifests.entry((track, failover)).or_default().push(version);
            }
            Some((_, _, Role::Slice { .. })) => {
                self.slices.extend(name.map(|name| ListedSlice { info, name }));
            }
            Some((_, _, Role::Video { .. } | Role::Audio { .. } | Role::Snapshot { .. })) => {
                self.others.push(ListedOther { info, name });
            }
        }
    }

    /// Keeps a file that has no place in the recording. A playlist among those may list a part of the
    /// recording that nothing else names, so the recording cannot be called complete.
    fn put_aside(&mut self, name: Option<FileName>, info: ObjectInfo, findings: &mut Vec<Finding>) {
        let extension = info.key.as_str().rsplit('.').next();
        if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("m3u8")) {
            findings.push(Finding::UnreadPlaylist { key: info.key.clone() });
        }
        self.others.push(ListedOther { info, name });
    }

    fn take_lists(&mut self, findings: &mut Vec<Finding>) -> (Vec<Track>, Vec<Master>) {
        let mut tracks: BTreeMap<TrackId, Vec<PlaylistSet>> =
            self.slices.iter().map(|slice| (slice.name.track, Vec::new())).collect();
        let mut masters = Vec::new();
        for ((track, failover), versions) in std::mem::take(&mut self.playlists) {
            // The list of a track that has both is a master over two others and lists no slices itself;
            // unless there are such slices, which no document mentions but Agora's own scripts know.
            let is_master = track.kind == TrackKind::AudioVideo && !tracks.contains_key(&track);
            let Some(set) = choose_version(failover, versions, findings) else { continue };
            if is_master {
                masters.push(Master { track, form: MasterForm::Hls, set });
            } else {
                tracks.entry(track).or_default().push(set);
            }
        }
        for ((track, failover), versions) in std::mem::take(&mut self.manifests) {
            let set = choose_version(failover, versions, findings);
            masters.extend(set.map(|set| Master { track, form: MasterForm::Dash, set }));
        }
        (tracks.into_iter().map(|(id, playlists)| Track { id, playlists }).collect(), masters)
    }
}

/// Picks the version to read: see the rules at the top of this file.
fn choose_version(
    failover: Option<u8>,
    versions: Vec<Version>,
    findings: &mut Vec<Finding>,
) -> Option<PlaylistSet> {
    // `None` is smaller than any length.
    let plain = versions.iter().filter(|v| v.transfer.is_none());
    let plain = plain.max_by_key(|v| (v.info.size, Reverse(&v.info.key)));
    let newest = versions.iter().filter(|v| v.transfer.is_some());
    let newest = newest.max_by_key(|v| (v.transfer, v.info.size, Reverse(&v.info.key)));
    let by_rule = match (plain, newest) {
        (Some(plain), Some(newest)) if newest.info.size > plain.info.size => newest,
        (Some(plain), _) => plain,
        (None, newest) => newest?,
    };
    let chosen = versions.iter().find(|v| v.named).unwrap_or(by_rule).info.key.clone();
    let by_rule = !versions.iter().any(|v| v.named);
    let (mut taken, kept): (Vec<_>, Vec<_>) = versions.into_iter().partition(|v| v.info.key == chosen);
    let taken = taken.pop()?;
    for other in kept.iter().filter(|other| by_rule && other.transfer.or(taken.transfer).is_some()) {
        findings.push(Finding::TransferChosen { chosen: chosen.clone(), other: other.info.key.clone() });
    }
    let kept = kept.into_iter().map(|v| v.info).collect();
    Some(PlaylistSet { failover, chosen: taken.info, kept })
}

#[cfg(test)]
mod tests;
