//! From what was gathered to a check.

use super::diagnosis::in_order;
use super::facts::Facts;
use super::files::Files;
use super::heard::Heard;
use super::running::running;
use super::segments::{Lists, places, track};
use super::sightings::Sightings;
use super::stretches::line;
use super::{
    Check, Diagnosis, Gathered, agora, backup, failover, findings, holes, media, named, objects, orphans,
    playlists, served, sizes, stores,
};
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
    let orphans = files.orphans(gathered, &sightings);
    let mut check = Check {
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
        playlists: files.playlists.clone(),
        orphans,
        others: files.others.clone(),
        diagnoses: Vec::new(),
    };
    let facts = Facts::of(gathered, (&sightings, &files), &check, &places, &lines);
    check.diagnoses = diagnose(&facts);
    check
}

/// Everything that the rules say.
fn diagnose(facts: &Facts<'_>) -> Vec<Diagnosis> {
    let running = running(facts.gathered);
    let mut diagnoses = findings::diagnose(facts, running);
    diagnoses.extend(objects::diagnose(facts));
    diagnoses.extend(sizes::diagnose(facts));
    diagnoses.extend(served::diagnose(facts));
    diagnoses.extend(holes::diagnose(facts));
    diagnoses.extend(orphans::diagnose(facts, running));
    diagnoses.extend(failover::diagnose(facts));
    diagnoses.extend(playlists::diagnose(facts, running));
    diagnoses.extend(stores::diagnose(facts));
    diagnoses.extend(agora::diagnose(facts, running));
    diagnoses.extend(named::diagnose(facts));
    diagnoses.extend(media::diagnose(facts.gathered, facts.tracks));
    diagnoses.extend(backup::diagnose(facts, &diagnoses));
    in_order(diagnoses)
}
