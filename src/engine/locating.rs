//! Finding a recording: which store has it, what belongs to it, what its playlists list.

use std::collections::HashMap;
use std::sync::Arc;

use super::listing::{Coverage, list};
use super::located::{Found, FoundPlaylist, LocateError, LocateQuery, Looked, Search};
use super::mirrored;
use super::reading::{self, Lists};
use super::target::Target;
use super::told;
use super::{Candidate, Context, Fetcher, Store};
use crate::domain::filename::{FileName, Role};
use crate::domain::finding::Finding;
use crate::domain::key::{KeyPrefix, ObjectKey};
use crate::domain::locate::{self, PlaylistSet, Recording, choose, list_prefixes, playlist_candidates};
use crate::domain::object::ObjectInfo;
use crate::domain::only::Form;
use crate::domain::place::Obstacle;
use crate::domain::plan::plan;
use crate::domain::recording::RecordingId;
use crate::domain::verdict::Verdict;
use crate::event::Event;
use crate::source::{Error, Listing};

impl Fetcher {
    /// Looks for a recording in each candidate in turn, then in their fallbacks, and reads its playlists.
    ///
    /// A URL is looked for where the candidates are: the caller makes its web server the first one.
    ///
    /// # Errors
    /// Where no candidate has it, or one that might could not be asked.
    pub async fn locate(
        &self,
        target: &Target,
        candidates: &[Candidate],
        query: &LocateQuery,
    ) -> Result<Found, LocateError> {
        let context = &*self.context;
        tokio::select! {
            biased;
            () = context.cancel.cancelled() => Err(LocateError::Interrupted),
            found = locate(context, target, candidates, query) => found,
        }
    }
}

pub(super) async fn locate(
    context: &Context,
    target: &Target,
    candidates: &[Candidate],
    query: &LocateQuery,
) -> Result<Found, LocateError> {
    let recording = target.recording();
    let mut query = query.clone();
    query.playlist = target.playlist().cloned().or(query.playlist);
    if candidates.is_empty() {
        return Err(LocateError::NoStore);
    }
    let mut looked = Vec::new();
    let mut problem: Option<Error> = None;
    let mut unread: Option<LocateError> = None;
    for candidate in with_fallbacks(candidates) {
        let mut candidate = candidate;
        let looking = look_also_in_mirror(context, &mut candidate, &recording, &query, &mut looked).await;
        let store = &candidate.store;
        match looking {
            Ok(Some(Look { recording: found, mut findings, coverage })) => {
                if store.source.name() != candidates[0].store.source.name() {
                    findings.push(Finding::FoundElsewhere { from: store.source.name().clone() });
                }
                if let Some(error) = &problem {
                    let (from, why) = (error.from.clone(), error.obstacle.clone());
                    findings.push(Finding::NotSearched { from, why });
                }
                match read(context, candidate, Look { recording: found, findings, coverage }, &query).await {
                    Ok(found) => return Ok(found),
                    Err(Unread::Absent(seen)) => looked.push(seen),
                    // Another store may have what this one cannot give.
                    Err(Unread::Playlist(error)) => unread = unread.or(Some(error)),
                }
            }
            Ok(None) => {}
            Err(error) => problem = Some(error),
        }
    }
    // "Not found" is only true where everybody could be asked.
    Err(match (unread, problem) {
        (Some(error), _) => error,
        (None, Some(cause)) => LocateError::Source { recording, cause, looked },
        (None, None) => LocateError::NotFound { recording, looked },
    })
}

/// The candidates, then each of their fallbacks as a candidate of its own.
fn with_fallbacks(candidates: &[Candidate]) -> Vec<Candidate> {
    let mut all = candidates.to_vec();
    for candidate in candidates {
        for (i, fallback) in candidate.fallbacks.iter().enumerate() {
            if !all.iter().any(|known| known.store.source.name() == fallback.source.name()) {
                all.push(Candidate {
                    store: fallback.clone(),
                    fallbacks: candidate.fallbacks[i + 1..].to_vec(),
                });
            }
        }
    }
    all
}

/// A recording as one store has it, before its lists are read.
pub(super) struct Look {
    pub(super) recording: Recording,
    pub(super) findings: Vec<Finding>,
    /// What the store's listing shows.
    pub(super) coverage: Coverage,
}

/// What one store knows of the recording, by itself or in a mirror that lies there. In a mirror it is seen as its
/// own store had it: the store of the candidate becomes that view.
async fn look_also_in_mirror(
    context: &Context,
    candidate: &mut Candidate,
    id: &RecordingId,
    query: &LocateQuery,
    looked: &mut Vec<Looked>,
) -> Result<Option<Look>, Error> {
    let store = &candidate.store;
    let seen = look(context, store, id, query, looked).await?;
    if query.playlist.is_some() {
        return Ok(seen);
    }
    let folder = folder_of(store, query);
    let home = match &seen {
        Some(look) => mirrored::home_of_payload(&look.recording.folder, id),
        None => {
            let prefix = store.prefix.clone().unwrap_or_default();
            KeyPrefix::from_parts([prefix.as_str(), id.as_str()]).ok()
        }
    };
    let Some(home) = home else { return Ok(seen) };
    let Some(there) = mirrored::find(context, store, id, &query.only, &home, &folder).await? else {
        return Ok(seen);
    };
    let again = look(context, &there.store, id, query, looked).await?;
    candidate.store = there.store;
    Ok(again.map(|mut look| {
        look.findings.extend(there.findings);
        look
    }))
}

/// The folder in which a recording is looked for.
fn folder_of(store: &Store, query: &LocateQuery) -> KeyPrefix {
    match &query.playlist {
        Some(key) => key.folder(),
        None => told::folder(query).unwrap_or_else(|| store.prefix.clone().unwrap_or_default()),
    }
}

/// What one store knows of the recording.
async fn look(
    context: &Context,
    store: &Store,
    id: &RecordingId,
    query: &LocateQuery,
    looked: &mut Vec<Looked>,
) -> Result<Option<Look>, Error> {
    let source = &*store.source;
    context.tell(&Event::Searched { recording: id, from: source.name(), listed: 0 });
    let folder = folder_of(store, query);
    let mut findings = Vec::new();
    let mut coverage = Coverage::ByName;
    let listing = match source.capabilities().listing {
        Listing::Possible => {
            let prefixes = match query.search {
                Search::Folder => list_prefixes(&folder, id),
                Search::Bucket => vec![String::new()],
            };
            match list(context, store, id, &prefixes, &mut findings).await {
                Ok((listing, listed)) => {
                    coverage = listed;
                    Some(listing)
                }
                // Whoever names the playlist can be served without a listing.
                Err(error)
                    if (query.playlist.is_some() || !query.told.is_empty())
                        && matches!(error.obstacle, Obstacle::Denied(_)) =>
                {
                    findings.push(Finding::ListDenied { from: source.name().clone() });
                    coverage = Coverage::Refused(error.obstacle);
                    None
                }
                Err(error) => return Err(error),
            }
        }
        Listing::Impossible => None,
    };
    let mut objects = match (&listing, &query.playlist) {
        (Some(listing), _) => listing.clone(),
        (None, Some(key)) => failovers(context, store, id, key).await,
        // Where the playlists are named there is nothing to guess.
        (None, None) if told::names_a_playlist(id, &folder, query) => Vec::new(),
        (None, None) => guess(context, store, id, &folder, query).await?,
    };
    if listing.is_none() {
        objects.extend(told::ask(context, store, id, &folder, query).await?);
    }
    let absent = told::absent(id, &folder, query, &objects);
    let named = query.playlist.as_ref().filter(|key| !objects.iter().any(|info| info.key == **key));
    let mut asked_for = None;
    if let (Some(key), Some(_)) = (named.cloned(), &listing) {
        // Its name may be none that the listing of the recording's names shows.
        let seen = if locate::is_ours(key.file_name().as_str(), id) {
            None
        } else {
            match context.patiently(source, || source.stat(&key)).await {
                Ok(info) => Some(info),
                Err(error) if error.obstacle == Obstacle::Absent => None,
                Err(error) => return Err(error),
            }
        };
        match seen {
            Some(info) => objects.push(info),
            // It is not in the listing of its own folder, so it is not there.
            None => asked_for = Some(key),
        }
    }
    let query = locate::Query {
        channel: query.channel.clone(),
        playlist: query.playlist.clone().filter(|key| asked_for.as_ref() != Some(key)),
    };
    let found = if objects.is_empty() && (query.playlist.is_none() || asked_for.is_some()) {
        None
    } else {
        let (found, more) = choose(id, objects, &query);
        findings.extend(more);
        found.filter(|_| asked_for.is_none())
    };
    if found.is_some() {
        findings.extend(absent);
    }
    if found.is_none() {
        looked.push(what_was_seen(context, store, &folder, listing.as_ref().map(Vec::len)).await);
    }
    Ok(found.map(|recording| Look { recording, findings, coverage }))
}

/// The base and failover copies of a playlist, where no listing shows them: by their names. Whatever else than
/// their facts comes back is no reason to do without the playlist itself.
pub(super) async fn failovers(
    context: &Context,
    store: &Store,
    id: &RecordingId,
    key: &ObjectKey,
) -> Vec<ObjectInfo> {
    let Some(named) = FileName::parse(key.file_name().as_str(), Some(id)) else { return Vec::new() };
    let source = &*store.source;
    let mut found = Vec::new();
    for name in locate::failover_siblings(&named) {
        if let Ok(key) = name.in_folder(&key.folder())
            && let Ok(info) = source.stat(&key).await
        {
            found.push(info);
        }
        context.tell(&Event::Searched { recording: id, from: source.name(), listed: found.len() });
    }
    found
}

/// Playlists that a store without a listing has under the names that follow from the channel.
async fn guess(
    context: &Context,
    store: &Store,
    id: &RecordingId,
    folder: &KeyPrefix,
    query: &LocateQuery,
) -> Result<Vec<ObjectInfo>, Error> {
    let Some(channel) = &query.channel else { return Ok(Vec::new()) };
    let source = &*store.source;
    let mut objects = Vec::new();
    for name in playlist_candidates(id, channel) {
        let Ok(key) = name.in_folder(folder) else { continue };
        match context.patiently(source, || source.stat(&key)).await {
            Ok(info) => objects.push(info),
            Err(error) if error.obstacle == Obstacle::Absent => {}
            Err(error) => return Err(error),
        }
    }
    Ok(objects)
}

/// For the message that it was not found: what there was instead.
async fn what_was_seen(
    context: &Context,
    store: &Store,
    folder: &KeyPrefix,
    listed: Option<usize>,
) -> Looked {
    let source = &*store.source;
    let folder_is_empty = match listed {
        Some(_) => {
            let page = context.patiently(source, || source.list(folder.as_str(), None)).await;
            page.ok().map(|page| page.objects.is_empty() && page.next.is_none())
        }
        None => None,
    };
    let within = folder.to_string();
    Looked { from: source.name().clone(), place: source.describe(), within, listed, folder_is_empty }
}

/// Reads the chosen playlists and plans what they list.
pub(super) async fn read(
    context: &Context,
    candidate: Candidate,
    look: Look,
    query: &LocateQuery,
) -> Result<Found, Unread> {
    let Look { mut recording, mut findings, coverage } = look;
    let left_out = query.only.apply(&mut recording, &mut findings);
    adopt_playlists_of_fallbacks(context, &candidate, &mut recording, &mut findings).await;
    let Lists { mut playlists, mut texts, manifests, masters } = if query.only.wants(Form::Hls) {
        reading::lists(context, &candidate, &mut recording, &mut findings).await
    } else {
        Lists::default()
    };
    let nothing_else = recording.slices.is_empty() && recording.others.is_empty() && masters == 0;
    if texts.is_empty() && nothing_else && query.only.wants(Form::Hls) {
        return Err(no_playlist(&candidate.store, &recording, playlists));
    }
    let (plan, found) = plan(&recording, &texts, &manifests);
    let lists = texts.len();
    for playlist in &mut playlists {
        playlist.text = texts.remove(&playlist.info.key).map(Arc::new);
    }
    findings.extend(found);
    findings.extend(context.take_noticed());
    for finding in &findings {
        context.tell(&Event::Noticed { finding });
    }
    if recording.channel.is_none() {
        recording.channel.clone_from(&query.channel);
    }
    let only = query.only.clone();
    let found = Found {
        candidate,
        recording,
        playlists,
        plan,
        findings,
        only,
        left_out,
        masters,
        manifests,
        coverage,
        unreadable: HashMap::new(),
    };
    let (from, place) = found.from();
    context.tell(&Event::Located {
        recording: &found.recording.id,
        from,
        place: &place,
        playlists: lists,
        segments: found.segments(),
        playing: found.plan.tracks.iter().map(|track| track.playing()).max().unwrap_or_default(),
        bytes: found.known_bytes(),
    });
    Ok(found)
}

/// Why no playlist of a recording could be read in a store, where nothing else of it is known.
pub(super) enum Unread {
    /// It is not there.
    Absent(Looked),
    /// It is there and could not be had.
    Playlist(LocateError),
}

fn no_playlist(store: &Store, recording: &Recording, playlists: Vec<FoundPlaylist>) -> Unread {
    let worst = playlists.into_iter().find(|p| !matches!(p.verdict, Verdict::Absent { .. }));
    match worst {
        Some(FoundPlaylist { info, verdict, failed_tries, .. }) => {
            Unread::Playlist(LocateError::Playlist { key: info.key, verdict, tries: failed_tries })
        }
        None => Unread::Absent(Looked {
            from: store.source.name().clone(),
            place: store.source.describe(),
            within: recording.folder.to_string(),
            listed: None,
            folder_is_empty: None,
        }),
    }
}

/// Tracks whose slices are here but whose playlist is not: a fallback may have it under its regular name.
async fn adopt_playlists_of_fallbacks(
    context: &Context,
    candidate: &Candidate,
    recording: &mut Recording,
    findings: &mut Vec<Finding>,
) {
    if candidate.fallbacks.is_empty() {
        return;
    }
    for track in recording.tracks.iter_mut().filter(|track| track.playlists.is_empty()) {
        let Some(slice) = recording.slices.iter().find(|slice| slice.name.track == track.id) else {
            continue;
        };
        let name = FileName { role: Role::Playlist { transfer: None }, failover: None, ..slice.name.clone() };
        let Ok(key) = ObjectKey::parse(&format!("{}{}", recording.folder.as_str(), name.to_name())) else {
            continue;
        };
        for fallback in &candidate.fallbacks {
            let keys = fallback.keys_as_fallback(&recording.folder, &key.file_name());
            let mut is_there = false;
            for key in &keys {
                is_there |= context.patiently(&*fallback.source, || fallback.source.stat(key)).await.is_ok();
            }
            if is_there {
                findings.retain(|finding| {
                    !matches!(finding, Finding::NoPlaylist { track: t } if *t == track.id)
                        && !matches!(finding, Finding::ToldAbsent { key: told, .. } if *told == key)
                });
                let chosen = ObjectInfo::bare(key);
                track.playlists.push(PlaylistSet { failover: None, chosen, kept: Vec::new() });
                break;
            }
        }
    }
}
