//! Whether the recording still runs.

use std::collections::BTreeSet;

use super::gathered::Gathered;
use super::told::ToldState;
use crate::domain::finding::Finding;
use crate::domain::key::ObjectKey;
use crate::domain::time::SliceTime;

/// While it runs something is written at least this often: slices take 15 s, an original sound or a late
/// upload some minutes.
const FRESH_MS: i64 = 5 * 60_000;

/// Whether the recording still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Running {
    Yes,
    No,
}

/// The playlists behind whose end more may come: the last ones of their tracks, where they are not finished.
pub(super) fn unfinished<'a>(gathered: &'a Gathered<'_>) -> BTreeSet<&'a ObjectKey> {
    let last = gathered.recording.tracks.iter();
    let last = last.filter_map(|track| track.playlists.iter().max_by_key(|set| set.failover));
    let last: BTreeSet<_> = last.map(|set| &set.chosen.key).collect();
    let open = gathered.findings.iter().filter_map(|finding| {
        let Finding::NotEnded { playlist } = finding else { return None };
        Some(playlist)
    });
    open.filter(|key| last.contains(key)).collect()
}

/// Whether it still runs: a list is not finished, and either Agora said that it runs, or it said nothing and
/// something was written a moment ago.
pub(super) fn running(gathered: &Gathered<'_>) -> Running {
    if unfinished(gathered).is_empty() {
        return Running::No;
    }
    let is_fresh = || newest(gathered).is_some_and(|newest| gathered.at.ms_since(newest) < FRESH_MS);
    let runs = match gathered.told.state {
        ToldState::Running => true,
        ToldState::Untold => is_fresh(),
        ToldState::Stopped | ToldState::Failed | ToldState::Uploaded | ToldState::BackedUp => false,
    };
    if runs { Running::Yes } else { Running::No }
}

/// When an object of the recording was written last.
fn newest(gathered: &Gathered<'_>) -> Option<SliceTime> {
    let recording = gathered.recording;
    let slices = recording.slices.iter().map(|slice| &slice.info);
    let lists = recording.tracks.iter().flat_map(|track| &track.playlists).map(|set| &set.chosen);
    let seen = gathered.playlists.iter().map(|seen| &seen.info);
    slices.chain(lists).chain(seen).filter_map(|info| info.modified).max()
}
