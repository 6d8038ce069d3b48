//! The segments of a track as the report has them, and the files that they become.

use std::collections::HashMap;

use super::super::moment_ms;
use super::{JoinRequest, Overlap, RunFiles};
use crate::archive::{ChangeV1, JoinedV1, ObjectV1, PartV1, ReportV1, RotationV1, TrackV1};
use crate::domain::filename::FileName;
use crate::domain::form::{MediaForm, PictureSize};
use crate::domain::joining::{self, Change, Piece, Runs, Turn};
use crate::domain::recording::RecordingId;

/// One file to be made: its segments in order, and what is to be said about it.
#[derive(Debug, Clone, Default)]
pub(super) struct File<'a> {
    pub(super) parts: Vec<&'a ObjectV1>,
    /// All that is known before it is written.
    pub(super) about: JoinedV1,
}

/// Where the choice of segments comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is made here: all are files of the bag.
    FromBag,
    /// It was made: those with an offset lie in joined files.
    Already,
}

/// The files that the segments of a track become: one for each run, or one.
///
/// A segment that is missing is a gap, with one exception: where overlaps are cut and other recorders' proven
/// segments cover all of its time. Then nothing of the recording is missing in the file, and the file may
/// bear a whole file's name; the recording stays incomplete in its report all the same, because a listed
/// segment is not there.
pub(super) fn files<'a>(
    report: &ReportV1,
    track: &TrackV1,
    segments: &[&'a ObjectV1],
    request: &JoinRequest,
    taken: Taken,
) -> Vec<File<'a>> {
    let recording = RecordingId::parse(&report.recording).ok();
    let turns = turns_by_segment(&track.rotations);
    let pieces: Vec<_> = segments.iter().map(|segment| piece(segment, recording.as_ref(), &turns)).collect();
    let none = || vec![false; pieces.len()];
    let left_out = match (taken, request.overlap) {
        (Taken::FromBag, Overlap::Trim) => joining::superseded(&pieces),
        (Taken::FromBag, Overlap::Keep) => none(),
        (Taken::Already, _) => {
            let here = pieces.iter().zip(segments);
            here.map(|(piece, segment)| piece.is_here && segment.offset.is_none()).collect()
        }
    };
    let covered = match request.overlap {
        Overlap::Trim => {
            // Only what is in the file covers anything there.
            let mut in_file = pieces.clone();
            in_file.iter_mut().zip(&left_out).for_each(|(piece, out)| piece.is_here &= !out);
            joining::covered_elsewhere(&in_file)
        }
        Overlap::Keep => none(),
    };
    let mut runs = Runs::default();
    let mut files = vec![File::default()];
    let mut inside: Vec<Vec<&Piece>> = vec![Vec::new()];
    for (n, (segment, piece)) in segments.iter().zip(&pieces).enumerate() {
        if !piece.is_here || left_out[n] {
            runs.pass(piece);
            let Some(file) = files.last_mut() else { continue };
            let list = match (piece.is_here, covered[n]) {
                (true, _) => &mut file.about.left_out,
                (false, true) => &mut file.about.covered,
                (false, false) => &mut file.about.gaps,
            };
            list.push(segment.name.clone());
            continue;
        }
        match (runs.next(piece), request.runs) {
            (Some(change), RunFiles::Each) => {
                files.push(File::default());
                inside.push(Vec::new());
                if let Some(file) = files.last_mut() {
                    file.about.change = Some(word(change).to_owned());
                }
            }
            (Some(change), RunFiles::One) => {
                if let Some(file) = files.last_mut() {
                    let what = word(change).to_owned();
                    file.about.changes.push(ChangeV1 { segment: segment.name.clone(), what });
                }
            }
            (None, _) => {}
        }
        if let (Some(file), Some(inside)) = (files.last_mut(), inside.last_mut()) {
            file.add(segment, &runs);
            inside.push(piece);
        }
    }
    let several = files.len() > 1;
    for (n, (file, inside)) in files.iter_mut().zip(inside).enumerate() {
        let about = &mut file.about;
        about.track = super::label(track);
        about.run = several.then_some(n + 1);
        about.overlap_ms = Some(joining::overlap_ms(inside)).filter(|ms| *ms > 0);
    }
    files
}

impl<'a> File<'a> {
    fn add(&mut self, segment: &'a ObjectV1, runs: &Runs) {
        let about = &mut self.about;
        if self.parts.is_empty() {
            about.starts.clone_from(&segment.starts);
            about.rotate = runs.turn().map(|turn| turn.degrees);
        }
        about.parts.push(PartV1 { name: segment.name.clone(), offset: about.size });
        about.size += segment.size.unwrap_or_default();
        about.segments += 1;
        if let Some(ms) = segment.duration_ms {
            about.duration_ms = Some(about.duration_ms.unwrap_or_default().saturating_add(ms));
        }
        self.parts.push(segment);
    }
}

/// A stable word for machines.
pub(super) fn word(change: Change) -> &'static str {
    match change {
        Change::Size => "size",
        Change::Codec => "codec",
        Change::Rotation => "rotation",
    }
}

fn turns_by_segment(rotations: &[RotationV1]) -> HashMap<&str, Vec<Turn>> {
    let mut turns: HashMap<&str, Vec<Turn>> = HashMap::new();
    for rotation in rotations {
        let picture = PictureSize { width: rotation.width, height: rotation.height };
        if let Some(at_ms) = moment_ms(&rotation.time) {
            let turn = Turn { at_ms, picture, degrees: rotation.rotate };
            turns.entry(&rotation.segment).or_default().push(turn);
        }
    }
    turns
}

fn piece(segment: &ObjectV1, recording: Option<&RecordingId>, turns: &HashMap<&str, Vec<Turn>>) -> Piece {
    let starts = segment.starts.as_deref().and_then(moment_ms);
    let duration = segment.duration_ms.and_then(|ms| i64::try_from(ms).ok());
    let file_name = segment.name.rsplit('/').next().unwrap_or(&segment.name);
    Piece {
        recorder: FileName::parse(file_name, recording).and_then(|name| name.failover).map(u32::from),
        span_ms: starts.zip(duration).map(|(start, ms)| (start, start.saturating_add(ms))),
        form: MediaForm {
            codec: segment.codec.clone(),
            picture: segment.width.zip(segment.height).map(|(width, height)| PictureSize { width, height }),
        },
        turns: turns.get(segment.name.as_str()).cloned().unwrap_or_default(),
        is_here: segment.verdict == "verified" && segment.path.is_some(),
    }
}
