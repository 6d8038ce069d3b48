//! Times that nothing covers, and times that are covered twice.

use super::diagnosis::seconds;
use super::facts::Facts;
use super::stretches::Line;
use super::{CheckedTrack, Diagnosis, Presence, Rule, Severity, Stretch};
use crate::domain::plan::TrackPlan;
use crate::domain::playlist::Mark;
use crate::domain::time::SliceTime;
use crate::domain::timeline::{Break, BreakReason, NOTICED_MS, PROBED_TOLERANCE_MS, TOLERANCE_MS};

/// Longer than a switch takes no recorder to begin again (Agora, "high availability", 2026-07).
pub(super) const SWITCH_MS: i64 = 90_000;

/// Names the holes of all tracks, and what they come from.
pub(super) fn diagnose(facts: &Facts<'_>) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    for (number, (plan, track)) in facts.gathered.plan.tracks.iter().zip(facts.tracks).enumerate() {
        let line = facts.lines.get(number).and_then(Option::as_ref);
        for found in &plan.timeline.breaks {
            diagnoses.extend(of_break(facts, plan, track, found));
        }
        if let Some(line) = line {
            diagnoses.extend(told_by_agora(facts, track, line));
        }
    }
    diagnoses
}

/// What a break between two segments means.
fn of_break(facts: &Facts<'_>, plan: &TrackPlan, track: &CheckedTrack, found: &Break) -> Vec<Diagnosis> {
    let (Some(after), Some(before)) = (track.segments.get(found.after), track.segments.get(found.before))
    else {
        return Vec::new();
    };
    let Some((ms, starts)) = found.ms.zip(before.starts) else { return Vec::new() };
    let probed = [found.after, found.before].iter().any(|place| super::segments::is_probed(plan, *place));
    let tolerance = if probed { PROBED_TOLERANCE_MS } else { TOLERANCE_MS };
    if ms.abs() <= tolerance {
        return Vec::new();
    }
    let (names, length) = ((&after.name, &before.name), seconds(ms.saturating_abs()));
    let hole = (starts.plus_ms(-ms), starts);
    let twice = (starts, starts.plus_ms(-ms));
    let about = |diagnosis: Diagnosis, (from, until): (SliceTime, SliceTime)| {
        diagnosis.of_track(track.id).from(Some(from)).until(Some(until))
    };
    let between = format!("between `{}` and `{}`", names.0, names.1);
    match found.why {
        // Where the playlist says that the track starts anew, the one before was muted or had left.
        BreakReason::Discontinuity if starts_anew(plan, found.before) => Vec::new(),
        BreakReason::Discontinuity => announced(track, hole, &between),
        // What was recorded beside slices without a list nobody knows; the switch itself is told.
        BreakReason::Failover if probed => Vec::new(),
        BreakReason::Overlap => vec![about(
            Diagnosis::new(
                Rule::Overlap,
                format!("{}: `{}` and `{}` overlap by {length}", track.id, names.0, names.1),
            )
            .of_object(names.1.as_str())
            .expected("one after the other")
            .found(format!("{} ms twice", ms.saturating_abs())),
            twice,
        )],
        BreakReason::Failover if ms < 0 => vec![about(
            Diagnosis::new(
                Rule::FailoverOverlap,
                format!("{}: at the switch `{}` and `{}` overlap by {length}", track.id, names.0, names.1),
            )
            .of_object(names.1.as_str())
            .found(format!("{length} twice")),
            twice,
        )],
        BreakReason::Failover => vec![about(
            Diagnosis::new(
                Rule::FailoverGap,
                format!("{}: nothing was recorded for {length} at the switch {between}", track.id),
            )
            .expected(format!("at most {} at a switch", seconds(SWITCH_MS)))
            .found(length),
            hole,
        )],
        BreakReason::Probed => vec![about(
            Diagnosis::new(
                Rule::ProbedGap,
                format!("{}: no slice covers {length} {between}, and no playlist explains it", track.id),
            )
            .expected("the next slice where one ends")
            .found(format!("{length} without any")),
            hole,
        )],
        BreakReason::Unlisted => unlisted(facts, track, hole, &between),
    }
}

fn starts_anew(plan: &TrackPlan, place: usize) -> bool {
    let marks = plan.segments.get(place).map_or(&[][..], |segment| &segment.listed.marks);
    marks.iter().any(|mark| matches!(mark, Mark::TrackEvent { .. }))
}

/// A break that the playlist announces: where it is long enough to be noticed it is told, as no loss.
fn announced(track: &CheckedTrack, (from, until): (SliceTime, SliceTime), between: &str) -> Vec<Diagnosis> {
    if until.ms_since(from) < NOTICED_MS {
        return Vec::new();
    }
    let silent = within(track, from, until).filter(|piece| piece.presence == Presence::NeverRecorded);
    let told = silent.map(|piece| {
        never_recorded(track, piece, |length| {
            format!("nothing was recorded for {length} {between}, as the playlist announces")
        })
    });
    told.collect()
}

/// A time in which there was nothing to record.
fn never_recorded(track: &CheckedTrack, piece: Stretch, say: impl FnOnce(&str) -> String) -> Diagnosis {
    let length = seconds(piece.until.ms_since(piece.from));
    Diagnosis::new(Rule::NeverRecorded, format!("{}: {}", track.id, say(&length)))
        .of_track(track.id)
        .found(format!("{length} without a stream"))
        .from(Some(piece.from))
        .until(Some(piece.until))
}

/// A hole that no playlist explains, and what events say about parts of it.
fn unlisted(
    facts: &Facts<'_>,
    track: &CheckedTrack,
    (from, until): (SliceTime, SliceTime),
    between: &str,
) -> Vec<Diagnosis> {
    let pieces: Vec<Stretch> = within(track, from, until).collect();
    let missing = pieces.iter().filter(|piece| piece.presence == Presence::Unlisted);
    let ms: i64 = missing.clone().map(|piece| piece.until.ms_since(piece.from)).sum();
    let severity = if ms >= NOTICED_MS { Severity::Loss } else { Severity::Warning };
    let mut diagnoses: Vec<Diagnosis> = missing
        .map(|piece| hole(facts, track, (piece.from, piece.until), between).weighing(severity))
        .collect();
    let silent = pieces.iter().filter(|piece| piece.presence == Presence::NeverRecorded);
    diagnoses.extend(silent.map(|piece| {
        never_recorded(track, *piece, |length| {
            format!("nobody was sending for {length} {between}, so nothing was recorded")
        })
    }));
    if diagnoses.is_empty() {
        // Slices of a list that could not be read lie there: who knows whether they are all.
        let severity = if until.ms_since(from) >= NOTICED_MS { Severity::Loss } else { Severity::Warning };
        diagnoses.push(hole(facts, track, (from, until), between).weighing(severity));
    }
    diagnoses
}

fn hole(
    facts: &Facts<'_>,
    track: &CheckedTrack,
    (from, until): (SliceTime, SliceTime),
    between: &str,
) -> Diagnosis {
    let length = seconds(until.ms_since(from));
    let told = facts.track(track.id).and_then(|number| facts.lines.get(number)?.as_ref());
    let told = told.is_some_and(|line| line.is_told_lost(from, until));
    let filled = facts.files.orphan_within(track.id, from, until);
    let remedy = match filled {
        Some(name) => format!("; `{name}`, which is in no playlist, lies there"),
        None => String::new(),
    };
    let diagnosis = if told {
        let text = format!("{}: Agora says that slices of {length} {between} were lost{remedy}", track.id);
        Diagnosis::new(Rule::RecorderHole, text)
    } else {
        let text = format!(
            "{}: {length} {between} are in no playlist: lost before they were listed{remedy}",
            track.id
        );
        Diagnosis::new(Rule::UnlistedGap, text)
    };
    diagnosis
        .of_track(track.id)
        .from(Some(from))
        .until(Some(until))
        .expected("the next slice where one ends")
        .found(format!("{length} without any"))
}

/// Slices that Agora says were written, or were lost, where no list has a hole that would tell.
fn told_by_agora(facts: &Facts<'_>, track: &CheckedTrack, line: &Line) -> Vec<Diagnosis> {
    let mut diagnoses: Vec<Diagnosis> = Vec::new();
    let plan = facts.track(track.id).and_then(|number| facts.gathered.plan.tracks.get(number));
    let explained: Vec<(SliceTime, SliceTime)> = plan.map_or_else(Vec::new, |plan| {
        let unlisted = plan.timeline.breaks.iter().filter(|found| found.why == BreakReason::Unlisted);
        let holes = unlisted.filter_map(|found| {
            let starts = track.segments.get(found.before)?.starts?;
            Some((starts.plus_ms(-found.ms?), starts))
        });
        holes.collect()
    });
    let missing = track.stretches.iter().filter(|piece| piece.presence == Presence::Unlisted);
    for piece in missing {
        // Holes of the list are in order, and so are the pieces.
        let next = explained.partition_point(|(_, until)| *until <= piece.from);
        if explained.get(next).is_some_and(|(from, _)| *from < piece.until) {
            continue;
        }
        let ms = piece.until.ms_since(piece.from);
        let severity = if ms >= NOTICED_MS { Severity::Loss } else { Severity::Warning };
        let between = format!("from {} to {}", piece.from, piece.until);
        let mut diagnosis = hole(facts, track, (piece.from, piece.until), &between).weighing(severity);
        diagnosis.rule = Rule::RecorderHole;
        diagnoses.push(diagnosis);
    }
    for slice in &line.behind {
        let Some(starts) = SliceTime::from_unix_ms(slice.starts) else { continue };
        if facts.files.orphan_within(track.id, starts, starts.plus_ms(TOLERANCE_MS)).is_some() {
            continue;
        }
        let text = format!(
            "{}: Agora says that a slice was started at {starts}, behind all that is listed: it is lost",
            track.id
        );
        diagnoses.push(
            Diagnosis::new(Rule::RecorderHole, text)
                .of_track(track.id)
                .from(Some(starts))
                .expected("a slice that starts there")
                .found("none".to_owned()),
        );
    }
    diagnoses
}

/// The pieces of a track between two times, cut to them.
fn within(track: &CheckedTrack, from: SliceTime, until: SliceTime) -> impl Iterator<Item = Stretch> {
    let start = track.stretches.partition_point(|piece| piece.until <= from);
    let pieces = track.stretches[start..].iter().take_while(move |piece| piece.from < until);
    pieces.map(move |piece| Stretch {
        from: piece.from.max(from),
        until: piece.until.min(until),
        presence: piece.presence,
    })
}
