//! From what was gathered to a check.

use super::files::Files;
use super::heard::Heard;
use super::segments::{Lists, places, track};
use super::sightings::Sightings;
use super::stretches::line;
use super::{Check, Gathered, media};
use crate::domain::time::SliceTime;

pub(super) fn reconcile(gathered: &Gathered<'_>) -> Check {
    let recording = gathered.recording;
    let sightings = Sightings::of(gathered);
    let lists = Lists::of(gathered);
    let heard = Heard::of(&gathered.told);
    let files = Files::of(gathered, &sightings);
    let beside = files.beside(gathered, &sightings);
    let plans = &gathered.plan.tracks;
    let places: Vec<_> = plans.iter().map(|plan| places(&sightings, plan)).collect();
    let mut tracks: Vec<_> =
        plans.iter().zip(&places).map(|(plan, places)| track(gathered, &lists, plan, places)).collect();
    let lines: Vec<_> = plans
        .iter()
        .zip(&tracks)
        .map(|(plan, track)| line(plan, track, &beside.get(&track.id).cloned().unwrap_or_default(), &heard))
        .collect();
    let at = |ms: Option<i64>| ms.and_then(SliceTime::from_unix_ms);
    let first = at(lines.iter().flatten().filter_map(|line| line.first()).min());
    let last = at(lines.iter().flatten().filter_map(|line| line.last()).max());
    if let Some((first, last)) = first.zip(last) {
        for (track, line) in tracks.iter_mut().zip(&lines) {
            track.stretches = line.as_ref().map_or_else(Vec::new, |line| line.stretches(first, last));
        }
    }
    let diagnoses = media::diagnose(gathered, &tracks);
    let orphans = files.orphans(gathered, &sightings);
    Check {
        recording: recording.id.clone(),
        channel: recording.channel.clone().or_else(|| gathered.told.channel.clone()),
        app_id: gathered.told.app_id.clone(),
        recorder: gathered.told.recorder,
        mode: gathered.told.mode,
        folder: recording.folder.clone(),
        stores: gathered.stores.clone(),
        first,
        last,
        at: gathered.at,
        depth: gathered.depth,
        state: gathered.told.state,
        told: gathered.told.events.clone(),
        tracks,
        playlists: files.playlists,
        orphans,
        others: files.others,
        diagnoses,
    }
}
