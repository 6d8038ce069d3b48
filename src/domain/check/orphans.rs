//! Slices that no playlist lists: where they lie, and what that says.

use super::diagnosis::{called, seconds};
use super::facts::Facts;
use super::objects::said;
use super::running::Running;
use super::{Diagnosis, Presence, Rule, Severity};
use crate::domain::filename::{FileName, Role};
use crate::domain::object::ObjectInfo;
use crate::domain::recording::TrackId;
use crate::domain::time::SliceTime;
use crate::domain::timeline::TOLERANCE_MS;

/// Where an orphan lies in its track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    BeforeFirst,
    AfterLast,
    /// In a time that nothing else covers.
    InHole(Presence),
    /// Where another slice is.
    Beside,
    /// Nobody knows: its track has no times.
    Anywhere,
}

/// Names the orphans; a slice that only a fallback has is one too.
pub(super) fn diagnose(facts: &Facts<'_>, running: Running) -> Vec<Diagnosis> {
    let own = facts.files.orphans.iter().filter_map(|slice| {
        let Role::Slice { starts, .. } = slice.name.role else { return None };
        Some(orphan(facts, (&slice.info, 0), slice.name.track, starts, running))
    });
    let id = &facts.gathered.recording.id;
    let elsewhere = facts.gathered.orphans_elsewhere.iter().filter_map(|(store, info)| {
        let name = FileName::parse(info.key.file_name().as_str(), Some(id))?;
        let Role::Slice { starts, .. } = name.role else { return None };
        Some(orphan(facts, (info, *store), name.track, starts, running))
    });
    own.chain(elsewhere).collect()
}

/// The first orphan behind all that its track lists, by which an abnormal end shows.
pub(super) fn after_last<'a>(facts: &Facts<'a>) -> Option<&'a str> {
    let orphans = &facts.files.orphans;
    let found = orphans.iter().find(|slice| match slice.name.role {
        Role::Slice { starts, .. } => lies(facts, slice.name.track, starts).0 == Lies::AfterLast,
        Role::Playlist { .. }
        | Role::DashManifest { .. }
        | Role::Video { .. }
        | Role::Audio { .. }
        | Role::Snapshot { .. } => false,
    });
    found.map(|slice| slice.info.key.as_str())
}

fn orphan(
    facts: &Facts<'_>,
    (info, store): (&ObjectInfo, usize),
    track: TrackId,
    starts: SliceTime,
    running: Running,
) -> Diagnosis {
    let name = called(&info.key, facts.folder());
    let (lies, distance) = lies(facts, track, starts);
    let place = match lies {
        Lies::BeforeFirst => format!("it starts {} before the first that is listed", seconds(distance)),
        // While a recording runs its list follows behind.
        Lies::AfterLast if running == Running::Yes => "it is newer than the list".to_owned(),
        Lies::AfterLast => {
            "it starts after the last that is listed: the recorder exited abnormally".to_owned()
        }
        Lies::InHole(Presence::Unlisted) => {
            "it lies in a hole that no playlist explains, and may fill it".to_owned()
        }
        Lies::InHole(Presence::Unknown) => "it lies where nobody knows what was recorded".to_owned(),
        Lies::InHole(_) => "it lies in a break that the playlist announces".to_owned(),
        Lies::Beside => "other slices cover its time".to_owned(),
        Lies::Anywhere => "nothing of its track is listed".to_owned(),
    };
    let at = said(facts.store(store));
    let severity = match (lies, running) {
        (Lies::AfterLast, Running::Yes) => Severity::Note,
        _ => Rule::Orphan.severity(),
    };
    Diagnosis::new(Rule::Orphan, format!("`{name}` is in {at} and in no playlist: {place}"))
        .weighing(severity)
        .of_track(track)
        .of_object(name)
        .in_store(facts.store(store))
        .from(Some(starts))
        .expected("in a playlist")
        .found(place)
}

/// Where a slice of a track lies, and how far before the first one.
fn lies(facts: &Facts<'_>, id: TrackId, starts: SliceTime) -> (Lies, i64) {
    let number = facts.track(id);
    let line = number.and_then(|number| facts.gathered.plan.tracks.get(number)).map(|plan| &plan.timeline);
    let Some((first, last)) = line.and_then(|line| line.first.zip(line.last)) else {
        return (Lies::Anywhere, 0);
    };
    if starts < first {
        return (Lies::BeforeFirst, first.ms_since(starts));
    }
    // A slice that goes on from another starts where that one ends, or a little earlier.
    let at = starts.plus_ms(TOLERANCE_MS);
    if at >= last {
        return (Lies::AfterLast, 0);
    }
    let track = number.and_then(|number| facts.tracks.get(number));
    let stretches = track.map_or(&[][..], |track| &track.stretches);
    let place = stretches.partition_point(|piece| piece.until <= at);
    match stretches.get(place).map(|piece| piece.presence) {
        Some(Presence::Present | Presence::Elsewhere { .. } | Presence::Lost) => (Lies::Beside, 0),
        Some(presence) => (Lies::InHole(presence), 0),
        None => (Lies::Anywhere, 0),
    }
}
