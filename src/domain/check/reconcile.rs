//! From what was gathered to a check.

use super::{Check, CheckedSegment, CheckedTrack, Gathered, Presence, Seen, media};
use crate::domain::plan::TrackPlan;

pub(super) fn reconcile(gathered: &Gathered<'_>) -> Check {
    let recording = gathered.recording;
    let tracks: Vec<_> = gathered.plan.tracks.iter().map(|track| checked(gathered, track)).collect();
    let diagnoses = media::diagnose(gathered, &tracks);
    Check {
        recording: recording.id.clone(),
        channel: recording.channel.clone().or_else(|| gathered.told.channel.clone()),
        app_id: gathered.told.app_id.clone(),
        recorder: gathered.told.recorder,
        mode: gathered.told.mode,
        folder: recording.folder.clone(),
        stores: gathered.stores.clone(),
        first: gathered.plan.tracks.iter().filter_map(|track| track.timeline.first).min(),
        last: gathered.plan.tracks.iter().filter_map(|track| track.timeline.last).max(),
        at: gathered.at,
        depth: gathered.depth,
        state: gathered.told.state,
        tracks,
        playlists: Vec::new(),
        orphans: Vec::new(),
        others: Vec::new(),
        diagnoses,
    }
}

fn checked(gathered: &Gathered<'_>, track: &TrackPlan) -> CheckedTrack {
    let segments = track.segments.iter().zip(&track.timeline.order).enumerate();
    let segments = segments.map(|(index, (segment, placed))| {
        let sightings = gathered.objects.get(&segment.name).map_or(&[][..], Vec::as_slice);
        let there = sightings.iter().find_map(|sighting| match &sighting.seen {
            Seen::There(info) => Some((sighting.store, info)),
            Seen::Absent | Seen::Refused(_) => None,
        });
        let presence = match there {
            Some((0, _)) => Presence::Present,
            Some((store, _)) => Presence::Elsewhere { store },
            None if sightings.iter().any(|sighting| matches!(sighting.seen, Seen::Refused(_))) => {
                Presence::Unknown
            }
            None => Presence::Lost,
        };
        CheckedSegment {
            number: index + 1,
            name: segment.name.clone(),
            starts: segment.starts,
            ends: placed.ends,
            duration_ms: segment.listed.duration.and_then(|time| u64::try_from(time.as_millis()).ok()),
            size: there.and_then(|(_, info)| info.size),
            presence,
            obstacle: gathered.media.get(&segment.name).and_then(|media| media.unread.clone()),
            failover: None,
            run: segment.run,
            media: gathered.media.get(&segment.name).cloned(),
        }
    });
    CheckedTrack {
        id: track.id,
        segments: segments.collect(),
        stretches: Vec::new(),
        playlists: Vec::new(),
        origin: track.origin,
    }
}
