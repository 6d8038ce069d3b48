//! The segments of each track, and where each of them is.

use std::collections::HashMap;

use super::gathered::Gathered;
use super::sightings::{Sightings, Where};
use super::{CheckedSegment, CheckedTrack};
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::plan::{TrackPlan, name_in_archive};
use crate::domain::timeline::Times;

/// Where each segment of a track is, in playing order.
pub(super) fn places<'a>(sightings: &Sightings<'a>, track: &TrackPlan) -> Vec<Where<'a>> {
    track.segments.iter().map(|segment| sightings.find(&segment.name)).collect()
}

/// A track with its segments; its time is put on a line later.
pub(super) fn track(
    gathered: &Gathered<'_>,
    lists: &Lists<'_>,
    plan: &TrackPlan,
    places: &[Where<'_>],
) -> CheckedTrack {
    let segments = plan.segments.iter().zip(&plan.timeline.order).zip(places).enumerate();
    let segments = segments.map(|(index, ((segment, placed), place))| CheckedSegment {
        number: index + 1,
        name: segment.name.clone(),
        starts: segment.starts,
        ends: placed.ends,
        duration_ms: segment.listed.duration.and_then(|time| u64::try_from(time.as_millis()).ok()),
        size: place.info.and_then(|info| info.size),
        presence: place.presence,
        // What a store lists it may still not hand out.
        obstacle: place.obstacle.clone().or_else(|| gathered.media.get(&segment.name)?.unread.clone()),
        failover: lists.failover(plan, placed.playlist),
        run: segment.run,
        media: gathered.media.get(&segment.name).cloned(),
    });
    CheckedTrack {
        id: plan.id,
        segments: segments.collect(),
        stretches: Vec::new(),
        playlists: plan.playlists.iter().filter_map(|name| lists.key(name)).collect(),
        origin: plan.origin,
    }
}

/// Whether a segment is in no playlist: how long it plays its own bytes tell, or nobody.
pub(super) fn is_probed(plan: &TrackPlan, index: usize) -> bool {
    let placed = plan.timeline.order.get(index);
    let run = placed.and_then(|placed| plan.runs.get(placed.playlist));
    run.is_some_and(|run| run.times == Times::Probed)
}

/// The lists of a recording by their names in the archive.
pub(super) struct Lists<'a> {
    gathered: &'a Gathered<'a>,
    keys: HashMap<ObjectName, (&'a ObjectKey, Option<u8>)>,
}

impl<'a> Lists<'a> {
    pub(super) fn of(gathered: &'a Gathered<'a>) -> Self {
        let recording = gathered.recording;
        let sets = recording.tracks.iter().flat_map(|track| &track.playlists);
        let sets = sets.chain(recording.masters.iter().map(|master| &master.set));
        let keys = sets.map(|set| {
            let name = name_in_archive(&set.chosen.key, &recording.folder);
            (name, (&set.chosen.key, set.failover))
        });
        Self { gathered, keys: keys.collect() }
    }

    fn key(&self, name: &ObjectName) -> Option<ObjectKey> {
        let known = self.keys.get(name).map(|(key, _)| (*key).clone());
        known.or_else(|| name.in_folder(&self.gathered.recording.folder).ok())
    }

    /// The number of the failover whose list holds a segment.
    fn failover(&self, plan: &TrackPlan, playlist: usize) -> Option<u32> {
        match plan.runs.get(playlist) {
            Some(run) => run.failover,
            None => {
                let (_, failover) = self.keys.get(plan.playlists.get(playlist)?)?;
                failover.map(u32::from)
            }
        }
    }
}
