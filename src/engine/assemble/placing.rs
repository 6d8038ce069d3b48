//! Joined files that grew while segments came get their names and their places in the bag.

use std::collections::{HashMap, HashSet};

use super::super::Context;
use super::super::keep_joined::Kept;
use super::super::run::{Failed, JoinOutcome};
use super::{Gaps, JoinRequest, JoinedFile, Refusal, label, losses, pieces, segments_of, stem};
use crate::archive::{Archive, JoinedV1, Presence, Record, ReportV1, TrackV1, Trust, Whole};
use crate::domain::digest::Digest;
use crate::domain::key::ObjectName;
use crate::domain::recording::TrackId;
use crate::domain::report::{ObjectReport, ObjectRole, Report};
use crate::domain::verdict::Verdict;
use crate::event::Event;

/// A short name for the files of a track, safe in paths.
pub(in crate::engine) fn track_key(id: &TrackId) -> String {
    match id.uid {
        Some(uid) => format!("uid-{}-{}", uid.0, id.kind),
        None => id.kind.to_string(),
    }
}

/// Gives the files of each track their places, unless something is missing and gaps are refused: then they
/// stay where they grew, and a later run goes on with them.
pub(in crate::engine) fn place(
    archive: &Archive,
    report: &mut Report,
    tracks: Vec<Kept>,
    request: &JoinRequest,
    context: &Context,
) -> Result<(JoinOutcome, Vec<JoinedV1>), Failed> {
    let several = ReportV1::from(&*report).tracks.iter().filter(|track| track.segments > 0).count();
    let (mut joined, mut files, mut refused) = (Vec::new(), Vec::new(), None);
    for kept in tracks {
        let id = kept.id;
        match of_track(archive, report, kept, several, request)? {
            Ok(about) => {
                for about in about {
                    let path = archive.dir().join(about.path.as_deref().unwrap_or_default());
                    let gaps = about.gaps.len();
                    context.tell(&Event::Joined { file: &path, size: about.size, gaps });
                    files.push(JoinedFile { path, written: about.clone() });
                    joined.push(about);
                }
            }
            Err(refusal) => {
                // What an earlier run made is still there, and still what it was.
                joined.extend(from_before(archive, report, id)?);
                refused = refused.or(Some(refusal));
            }
        }
    }
    let outcome = match refused {
        Some(refusal) => JoinOutcome::Refused(refusal),
        None => JoinOutcome::Done(files),
    };
    Ok((outcome, joined))
}

fn of_track(
    archive: &Archive,
    report: &mut Report,
    kept: Kept,
    tracks: usize,
    request: &JoinRequest,
) -> Result<Result<Vec<JoinedV1>, Refusal>, Failed> {
    let in_bag = in_bag(archive, report, kept.id);
    let before: Vec<String> = {
        let mut paths: Vec<_> = in_bag.iter().map(|record| record.path.clone()).collect();
        paths.dedup();
        paths
    };
    let wholes = match &kept.assembly {
        Some(assembly) => assembly.wholes(),
        None => wholes_in_bag(archive, &in_bag),
    };
    lie_at(report, kept.id, wholes.iter().flat_map(|whole| &whole.parts));
    let written = ReportV1::from(&*report);
    let Some(track) = track_of(&written, kept.id) else { return Ok(Ok(Vec::new())) };
    let segments: Vec<_> = segments_of(&written, track).collect();
    let planned = pieces::files(&written, track, &segments, request, pieces::Taken::Already);
    let missing: Vec<_> = planned.iter().flat_map(|file| file.about.gaps.iter().cloned()).collect();
    let losses = losses(&written);
    let gap = !missing.is_empty() || !losses.is_empty();
    // What a stopped run left is not all there is: files from before hold more.
    let is_stopped = of(report, kept.id).any(|object| object.verdict == Verdict::Interrupted);
    if wholes.is_empty() || is_stopped || (gap && request.gaps == Gaps::Refuse) {
        for object in of(report, kept.id) {
            if object.offset.is_some() {
                (object.path, object.offset) = (None, None);
            }
        }
        return Ok(Err(Refusal { track: label(track), missing, losses }));
    }
    let abouts: Vec<_> = planned.into_iter().map(|file| file.about).collect();
    let mut named = Vec::new();
    for (mut whole, about) in wholes.into_iter().zip(&abouts) {
        let run = about.run.map(|run| format!(".run{run}")).unwrap_or_default();
        let partial = if about.gaps.is_empty() && losses.is_empty() { "" } else { ".partial" };
        let name = format!("{}{run}{partial}.ts", stem(&written.recording, track, tracks));
        if let Ok(name) = ObjectName::parse(&name) {
            whole.name = name;
        }
        named.push(whole);
    }
    let placed = archive.place(named, &before)?;
    if let Some(assembly) = kept.assembly {
        assembly.remove()?;
    }
    for object in of(report, kept.id).filter(|object| object.offset.is_some()) {
        object.path = archive.record(&object.name).map(|record| record.path);
    }
    Ok(Ok(abouts.into_iter().zip(placed).map(|(about, placed)| with_place(about, &placed)).collect()))
}

fn with_place(about: JoinedV1, placed: &Record) -> JoinedV1 {
    JoinedV1 {
        file: placed.path.clone(),
        path: Some(placed.path.clone()),
        sha256: placed.digests.first().map(Digest::hex),
        size: placed.size,
        ..about
    }
}

/// What an earlier run's files hold, which have their place in the bag.
fn from_before(archive: &Archive, report: &mut Report, id: TrackId) -> Result<Vec<JoinedV1>, Failed> {
    let parts = in_bag(archive, report, id);
    lie_at(report, id, &parts);
    let files: HashSet<_> = parts.iter().map(|part| part.path.as_str()).collect();
    let earlier = crate::archive::report(archive.dir())?;
    let still = earlier.into_iter().flat_map(|report| report.joined).filter(|joined| {
        let is_here = joined.path.as_ref().is_some_and(|path| files.contains(path.as_str()));
        is_here && joined.track == id.to_string()
    });
    Ok(still.collect())
}

/// The segments of a track that lie in joined files of the bag which are as they were, in playing order. Where
/// one segment is not, its file is not.
fn in_bag(archive: &Archive, report: &Report, id: TrackId) -> Vec<Record> {
    let is_proven = |record: &Record| {
        let presence = archive.examine(record, Trust::Mtime);
        presence.is_ok_and(|presence| presence == Presence::Proven)
    };
    let segments = report.objects.iter().filter(|object| object.role == ObjectRole::Segment(id));
    let parts = segments.filter_map(|object| archive.record(&object.name));
    let parts: Vec<_> = parts.filter(|record| record.offset.is_some()).collect();
    let paths: HashSet<_> = parts.iter().map(|part| &part.path).collect();
    let inside = archive.records().into_iter().filter(|record| paths.contains(&record.path));
    let damaged: HashSet<_> = inside.filter(|r| !is_proven(r)).map(|record| record.path).collect();
    parts.into_iter().filter(|part| !damaged.contains(&part.path)).collect()
}

fn wholes_in_bag(archive: &Archive, parts: &[Record]) -> Vec<Whole> {
    let files: HashMap<_, _> = archive
        .records()
        .into_iter()
        .filter(|record| record.offset.is_none())
        .map(|record| (record.path.clone(), record))
        .collect();
    let mut wholes: Vec<Whole> = Vec::new();
    for part in parts {
        let from = archive.dir().join(&part.path);
        if let Some(whole) = wholes.last_mut().filter(|whole| whole.from == from) {
            whole.parts.push(part.clone());
        } else if let Some(record) = files.get(&part.path)
            && let Some(sha256) = record.digests.first()
        {
            wholes.push(Whole {
                from,
                name: record.name.clone(),
                size: record.size,
                sha256: sha256.clone(),
                parts: vec![part.clone()],
            });
        }
    }
    wholes
}

fn lie_at<'a>(report: &mut Report, id: TrackId, parts: impl IntoIterator<Item = &'a Record>) {
    let parts: HashMap<_, _> = parts.into_iter().map(|part| (&part.name, part)).collect();
    for object in of(report, id) {
        if let Some(part) = parts.get(&object.name).filter(|_| object.verdict.is_verified()) {
            (object.path, object.offset) = (Some(part.path.clone()), part.offset);
        }
    }
}

fn of(report: &mut Report, id: TrackId) -> impl Iterator<Item = &mut ObjectReport> {
    report.objects.iter_mut().filter(move |object| object.role == ObjectRole::Segment(id))
}

fn track_of(report: &ReportV1, id: TrackId) -> Option<&TrackV1> {
    report.tracks.iter().find(|track| label(track) == id.to_string())
}
