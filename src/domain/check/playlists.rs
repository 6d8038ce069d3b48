//! Playlists: what stands under their names, how old they are, and what other versions list.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::diagnosis::{bytes, called, counted, listed, seconds};
use super::facts::Facts;
use super::gathered::{PlaylistSeen, PlaylistText, Version};
use super::running::Running;
use super::{Diagnosis, Presence, Rule, findings};
use crate::domain::finding::Finding;
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::place::{Denial, Obstacle};
use crate::domain::playlist::Playlist;
use crate::domain::recording::TrackId;
use crate::domain::time::SliceTime;
use crate::domain::verdict::Corruption;

/// A playlist is written last, but clocks and uploads differ.
const OLDER_MS: i64 = 60_000;

/// How many names a diagnosis lists.
const NAMES_SHOWN: usize = 5;

/// What is wrong with the playlists, beside what their readers noticed.
pub(super) fn diagnose(facts: &Facts<'_>, running: Running) -> Vec<Diagnosis> {
    let noticed = Noticed::of(facts);
    let newest = newest_slices(facts);
    let mut segments: Option<HashSet<&ObjectName>> = None;
    let mut diagnoses = Vec::new();
    for seen in &facts.gathered.playlists {
        let about = |diagnosis: Diagnosis| {
            let diagnosis = diagnosis.of_object(called(&seen.info.key, facts.folder()));
            match seen.track {
                Some(track) => diagnosis.of_track(track),
                None => diagnosis,
            }
        };
        diagnoses.extend(unreadable(facts, seen, &noticed).map(about));
        diagnoses.extend(elsewhere(facts, seen).map(about));
        match seen.version {
            Version::Chosen if running == Running::No => {
                diagnoses.extend(older(facts, seen, &newest).map(about));
            }
            Version::Chosen => {}
            Version::Twin => {
                let all = segments.get_or_insert_with(|| names(facts));
                diagnoses.extend(twin(facts, seen, &noticed, all).into_iter().map(about));
            }
        }
    }
    diagnoses
}

/// What findings say already.
struct Noticed<'a> {
    without_playlist: BTreeSet<TrackId>,
    not_playlists: BTreeSet<&'a ObjectKey>,
    superseded: BTreeSet<&'a ObjectKey>,
}

impl<'a> Noticed<'a> {
    fn of(facts: &Facts<'a>) -> Self {
        let mut noticed = Self {
            without_playlist: BTreeSet::new(),
            not_playlists: BTreeSet::new(),
            superseded: BTreeSet::new(),
        };
        for finding in facts.gathered.findings {
            if let Finding::NoPlaylist { track } = finding {
                noticed.without_playlist.insert(*track);
            } else if let Finding::NotAPlaylist { playlist, .. } = finding {
                noticed.not_playlists.insert(playlist);
            } else if let Finding::UnreadPlaylist { key } = finding {
                noticed.superseded.insert(key);
            } else if let Finding::TransferChosen { chosen, other } = finding
                && !findings::is_larger_copy(facts, chosen, other)
            {
                noticed.superseded.insert(other);
            }
        }
        noticed
    }
}

fn unreadable(facts: &Facts<'_>, seen: &PlaylistSeen, noticed: &Noticed<'_>) -> Option<Diagnosis> {
    let name = called(&seen.info.key, facts.folder());
    match &seen.text {
        PlaylistText::Read(_) | PlaylistText::Manifest => None,
        PlaylistText::Absent => {
            let told = seen.track.is_some_and(|track| noticed.without_playlist.contains(&track));
            let stores = listed(&facts.all_stores());
            (!told).then(|| {
                Diagnosis::new(Rule::NoPlaylist, format!("`{name}` is absent in {stores}"))
                    .expected("a playlist")
                    .found("absent")
            })
        }
        PlaylistText::Refused(Obstacle::Frozen { class }) => {
            let class = class.as_ref().map_or_else(String::new, |class| format!(" as {class}"));
            Some(
                Diagnosis::new(
                    Rule::PlaylistFrozen,
                    format!(
                        "`{name}` is archived{class} and has to be restored first: nobody knows what it lists"
                    ),
                )
                .expected("readable")
                .found(format!("archived{class}")),
            )
        }
        // The key is at fault, and that is told once for its store.
        PlaylistText::Refused(Obstacle::Denied(Denial::NotAllowed)) => None,
        PlaylistText::Refused(obstacle) => Some(
            Diagnosis::new(
                Rule::PlaylistDenied,
                format!("`{name}` could not be read, and nobody knows what it lists: {obstacle}"),
            )
            .expected("readable")
            .found(obstacle.to_string()),
        ),
        PlaylistText::Wrong(_) if noticed.not_playlists.contains(&seen.info.key) => None,
        PlaylistText::Wrong(Corruption::Empty) => Some(
            Diagnosis::new(Rule::PlaylistEmpty, format!("`{name}` is empty"))
                .expected("#EXTM3U")
                .found(bytes(0)),
        ),
        PlaylistText::Wrong(what) => Some(
            Diagnosis::new(Rule::NotAPlaylist, format!("`{name}` holds no playlist: {what}"))
                .expected("#EXTM3U")
                .found(what.to_string()),
        ),
    }
}

/// A playlist that was asked for by name and is only in another store.
fn elsewhere(facts: &Facts<'_>, seen: &PlaylistSeen) -> Option<Diagnosis> {
    let name = facts.name(&seen.info.key);
    if !facts.gathered.objects.contains_key(&name) {
        return None;
    }
    let Presence::Elsewhere { store } = facts.sightings.find(&name).presence else { return None };
    let (own, from) = (super::objects::said(facts.store(0)), super::objects::said(facts.store(store)));
    Some(
        Diagnosis::new(Rule::SegmentElsewhere, format!("`{name}` is absent in {own} and is in {from}"))
            .in_store(facts.store(store))
            .expected(format!("in {own}"))
            .found(format!("in {from}")),
    )
}

type Group = (TrackId, Option<u32>);

/// When the newest slice of each list was written, listed or not, and which it is.
fn newest_slices<'a>(facts: &Facts<'a>) -> HashMap<Group, (SliceTime, &'a str)> {
    let mut newest: HashMap<Group, (SliceTime, &str)> = HashMap::new();
    let mut take = |group: Group, modified: Option<SliceTime>, name: &'a str| {
        let Some(modified) = modified else { return };
        let known = newest.entry(group).or_insert((modified, name));
        if modified > known.0 {
            *known = (modified, name);
        }
    };
    for (track, places) in facts.tracks.iter().zip(facts.places) {
        for (segment, place) in track.segments.iter().zip(places) {
            let own = place.copies.iter().find(|(store, _)| *store == 0);
            take(
                (track.id, segment.failover),
                own.and_then(|(_, info)| info.modified),
                segment.name.as_str(),
            );
        }
    }
    for slice in &facts.files.orphans {
        let group = (slice.name.track, slice.name.failover.map(u32::from));
        take(group, slice.info.modified, slice.info.key.as_str());
    }
    newest
}

fn older(
    facts: &Facts<'_>,
    seen: &PlaylistSeen,
    newest: &HashMap<Group, (SliceTime, &str)>,
) -> Option<Diagnosis> {
    let PlaylistText::Read(list) = &seen.text else { return None };
    let written = seen.info.modified?;
    let (slice_written, slice) = newest.get(&(seen.track?, seen.failover.map(u32::from)))?;
    let older = slice_written.ms_since(written);
    if older <= OLDER_MS || !list.children.is_empty() {
        return None;
    }
    let name = called(&seen.info.key, facts.folder());
    Some(
        Diagnosis::new(
            Rule::PlaylistOlder,
            format!("`{name}` was written {} before its newest slice `{slice}`", seconds(older)),
        )
        .expected(format!("written after {slice_written}"))
        .found(format!("written at {written}")),
    )
}

fn names<'a>(facts: &Facts<'a>) -> HashSet<&'a ObjectName> {
    facts.tracks.iter().flat_map(|track| track.segments.iter().map(|segment| &segment.name)).collect()
}

fn twin(
    facts: &Facts<'_>,
    seen: &PlaylistSeen,
    noticed: &Noticed<'_>,
    segments: &HashSet<&ObjectName>,
) -> Vec<Diagnosis> {
    let name = called(&seen.info.key, facts.folder());
    let mut diagnoses = Vec::new();
    if !noticed.superseded.contains(&seen.info.key) {
        let text = format!("`{name}` is another version of a playlist and is not used");
        diagnoses.push(Diagnosis::new(Rule::PlaylistSuperseded, text));
    }
    let PlaylistText::Read(list) = &seen.text else { return diagnoses };
    let more = beyond(facts, list, segments);
    if let Some((first, rest)) = more.split_first() {
        let count = u64::try_from(more.len()).unwrap_or(u64::MAX);
        let shown: Vec<_> =
            std::iter::once(first).chain(rest).take(NAMES_SHOWN).map(|name| format!("`{name}`")).collect();
        let and_more = if more.len() > NAMES_SHOWN { ", …" } else { "" };
        let text = format!(
            "`{name}` lists {} that the chosen playlist does not: {}{and_more}",
            counted(count, "segment"),
            shown.join(", ")
        );
        diagnoses.push(
            Diagnosis::new(Rule::TwinListsMore, text)
                .expected("no segment that the chosen one does not list")
                .found(counted(count, "segment")),
        );
    }
    diagnoses
}

/// Segments of a list that are in no track, each once.
fn beyond(facts: &Facts<'_>, list: &Playlist, segments: &HashSet<&ObjectName>) -> Vec<ObjectName> {
    let mut seen = HashSet::new();
    let names = list.keys().map(|key| facts.name(&key));
    names.filter(|name| !segments.contains(name) && seen.insert(name.clone())).collect()
}
