//! Reading the lists of a recording: playlists, master playlists with what they refer to, DASH manifests.

use std::collections::{HashSet, VecDeque};

use futures_util::stream::{self, StreamExt as _};

use super::examining::Look;
use super::located::{FoundPlaylist, ReadPlaylists};
use super::object::{self, Fetched, Job};
use super::sink::Sink;
use super::{Candidate, Context};
use crate::domain::dash::{self, Manifest};
use crate::domain::finding::Finding;
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::locate::{self, MasterForm, Recording};
use crate::domain::object::ObjectInfo;
use crate::domain::place::Obstacle;
use crate::domain::plan::name_in_archive;
use crate::domain::playlist::master::{Shape, shape};
use crate::domain::playlist::{self, MAX_BYTES, Playlist};
use crate::domain::verdict::{Content, Expectation};
use crate::event::Event;
use crate::source::Listing;

/// The lists of a recording as they were read.
#[derive(Default)]
pub(super) struct Lists {
    /// All of them, as objects.
    pub(super) playlists: Vec<FoundPlaylist>,
    /// Those that list segments.
    pub(super) texts: ReadPlaylists,
    /// The DASH manifests.
    pub(super) manifests: Vec<Manifest>,
    /// How many master playlists and DASH manifests there are.
    pub(super) masters: usize,
}

/// What a list is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// For its segments, or for the playlists that it refers to.
    Playlist,
    /// For its segments only: a master refers to it, and one step is enough.
    Child,
    /// For the slices that it names.
    Manifest,
    /// To be kept: another version is used.
    Kept,
}

/// Reads all lists, and gives each its place in the recording by what it is.
pub(super) async fn lists(
    context: &Context,
    candidate: &Candidate,
    recording: &mut Recording,
    findings: &mut Vec<Finding>,
) -> Lists {
    let mut lists = Lists::default();
    let mut todo = wanted(recording);
    let mut fetched = VecDeque::new();
    while let Some((info, purpose)) = todo.pop_front() {
        if fetched.is_empty() {
            // All that are known by now, at once.
            let known = std::iter::once((&info, purpose)).chain(todo.iter().map(|(info, p)| (info, *p)));
            fetched = fetch_all(context, candidate, recording, known).await;
        }
        let Some(fetched) = fetched.pop_front() else { break };
        if let Some(Sink::Memory { bytes, .. }) = fetched.bytes.as_ref().map(|bytes| &bytes.sink) {
            match purpose {
                Purpose::Kept => {}
                Purpose::Manifest => {
                    let (manifest, found) = dash::read(&info.key, bytes);
                    findings.extend(found);
                    lists.manifests.push(manifest);
                }
                Purpose::Playlist | Purpose::Child => {
                    let (playlist, mut found) = playlist::read(&info.key, bytes, context.options.uris);
                    let shape = shape(&playlist, &mut found);
                    findings.extend(found);
                    match (shape, purpose) {
                        (Shape::Master(names), Purpose::Playlist) => {
                            let new = references(context, candidate, recording, &info.key, names, findings);
                            todo.extend(new.await.into_iter().map(|info| (info, Purpose::Child)));
                        }
                        (Shape::Master(_), _) => {
                            findings.push(Finding::ListsNothing { playlist: info.key.clone() });
                            lists.texts.insert(info.key.clone(), playlist);
                        }
                        (Shape::Media, _) => {
                            if !playlist.segments.is_empty() {
                                recording.is_media(&info.key);
                            }
                            let segments = playlist.segments.len();
                            context.tell(&Event::PlaylistRead { key: &info.key, segments });
                            lists.texts.insert(info.key.clone(), playlist);
                        }
                    }
                }
            }
        }
        let Fetched { verdict, bytes, failed_tries, findings: more, .. } = fetched;
        findings.extend(more);
        lists.playlists.push(FoundPlaylist { info, verdict, bytes, failed_tries, text: None });
    }
    let lacking = recording.without_playlist(&HashSet::new());
    // Who names what matters only where something lacks a name.
    let named = match lacking.is_empty() {
        true => HashSet::new(),
        false => lists.texts.values().flat_map(Playlist::keys).collect(),
    };
    recording.settle(&named, findings);
    lists.masters = recording.masters.len();
    lists
}

fn wanted(recording: &Recording) -> VecDeque<(ObjectInfo, Purpose)> {
    let tracks = recording.tracks.iter().flat_map(|track| &track.playlists);
    let masters = recording.masters.iter().map(|master| {
        let purpose = match master.form {
            MasterForm::Hls => Purpose::Playlist,
            MasterForm::Dash => Purpose::Manifest,
        };
        (&master.set, purpose)
    });
    let sets = tracks.map(|set| (set, Purpose::Playlist)).chain(masters);
    sets.flat_map(|(set, purpose)| {
        let kept = set.kept.iter().map(|info| (info.clone(), Purpose::Kept));
        std::iter::once((set.chosen.clone(), purpose)).chain(kept)
    })
    .collect()
}

/// The bytes of lists, in their order, as many at once as the run allows.
async fn fetch_all<'l>(
    context: &Context,
    candidate: &Candidate,
    recording: &Recording,
    lists: impl Iterator<Item = (&'l ObjectInfo, Purpose)>,
) -> VecDeque<Fetched> {
    let fetched = lists.map(|(info, purpose)| fetch(context, candidate, recording, info, purpose));
    let fetched: Vec<_> = fetched.collect();
    stream::iter(fetched).buffered(context.options.jobs.max(1)).collect().await
}

async fn fetch(
    context: &Context,
    candidate: &Candidate,
    recording: &Recording,
    info: &ObjectInfo,
    purpose: Purpose,
) -> Fetched {
    let name = name_in_archive(&info.key, &recording.folder);
    let places = candidate.places(&info.key, &recording.folder, &name);
    let is_xml = purpose == Purpose::Manifest || name.as_str().to_ascii_lowercase().ends_with(".mpd");
    let content = if is_xml { Content::Opaque } else { Content::Playlist };
    let expected = Expectation { size: info.size, content, ..Expectation::default() };
    let job = Job {
        name,
        expected,
        listed: Some(info.clone()),
        places,
        look: Look::Judging,
        also: &[],
        pinned: None,
    };
    let _turn = context.turn().await;
    match object::fetch(context, &job, Sink::memory(MAX_BYTES + 1)).await {
        Ok(fetched) => fetched,
        Err(_) => unreachable!("memory is no disk"),
    }
}

/// Looks for what a master refers to and nobody knew of. What is not there is told, and what is there has to
/// be read.
async fn references(
    context: &Context,
    candidate: &Candidate,
    recording: &mut Recording,
    master: &ObjectKey,
    names: Vec<ObjectName>,
    findings: &mut Vec<Finding>,
) -> Vec<ObjectInfo> {
    let track = recording.is_master(master);
    let mut new = Vec::new();
    for name in names {
        let Some(key) = recording.new_reference(master, &name) else { continue };
        let denied = findings.iter().any(|finding| matches!(finding, Finding::ListDenied { .. }));
        match look_up(context, candidate, recording, &key, denied).await {
            Some(info) => {
                if recording.adopt_reference(track, info.clone(), findings) {
                    new.push(info);
                }
            }
            None => findings.push(Finding::DeadReference { master: master.clone(), name }),
        }
    }
    new
}

/// What is known of an object that a master names; `None` where it is nowhere.
async fn look_up(
    context: &Context,
    candidate: &Candidate,
    recording: &Recording,
    key: &ObjectKey,
    denied: bool,
) -> Option<ObjectInfo> {
    if let Some(other) = recording.others.iter().find(|other| other.info.key == *key) {
        return Some(other.info.clone());
    }
    let source = &*candidate.store.source;
    let listed = source.capabilities().listing == Listing::Possible
        && !denied
        && key.folder() == recording.folder
        && locate::is_ours(key.file_name().as_str(), &recording.id);
    if !listed {
        match context.patiently(source, || source.stat(key)).await {
            Ok(info) => return Some(info),
            Err(error) if error.obstacle == Obstacle::Absent => {}
            // Whatever stands in the way, it is not absence: fetching it will say what.
            Err(_) => return Some(ObjectInfo::bare(key.clone())),
        }
    }
    let name = name_in_archive(key, &recording.folder);
    for fallback in &candidate.fallbacks {
        for copy in fallback.keys_as_fallback(&recording.folder, &name) {
            if context.patiently(&*fallback.source, || fallback.source.stat(&copy)).await.is_ok() {
                return Some(ObjectInfo::bare(key.clone()));
            }
        }
    }
    None
}
