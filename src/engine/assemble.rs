//! From segments to something that plays: the joined file, and the playlist that players take.

mod pieces;
mod placing;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::run::JoinOutcome;
use crate::archive::{
    self, Archive, JoinPart, JoinTarget, JoinedV1, ObjectV1, PlayList, ReportV1, RoleV1, SeverityV1, TrackV1,
};
use crate::domain::plan::TrackPlan;
use crate::domain::play::{PlayItem, Presence, Rendition, write, write_master};
use crate::domain::playlist::{Discontinuity, Tag};
use crate::domain::recording::{RecordingId, TrackId, TrackKind};
use crate::domain::synthetic;
use crate::domain::timeline::BreakReason;
use crate::event::{Event, Observer};

/// What to join, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// Where the file goes.
    pub to: JoinTo,
    /// What to do about missing segments.
    pub gaps: Gaps,
    /// Only this track, by its name in the report (`mixed`, `uid 123 audio`); all where none is named.
    pub track: Option<String>,
    /// What to do where size, codec or rotation change.
    pub runs: RunFiles,
    /// What to do where two recorders recorded the same time.
    pub overlap: Overlap,
}

impl Default for JoinRequest {
    fn default() -> Self {
        Self {
            to: JoinTo::BesideBag,
            gaps: Gaps::Refuse,
            track: None,
            runs: RunFiles::Each,
            overlap: Overlap::Trim,
        }
    }
}

/// What to do where size, codec or rotation change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFiles {
    /// A file for each run that is of one form, with `.run1`, `.run2` … before its extension where there are
    /// several.
    Each,
    /// One file. Players may stumble where the form changes.
    One,
}

/// What to do where two recorders recorded the same time (failover). Bytes are never altered: a segment is in
/// a file whole or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// Leave out segments whose whole time a later recorder's segments cover.
    Trim,
    /// Take every segment, in time order.
    Keep,
}

/// Where a joined file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinTo {
    /// Beside the bag, named after the recording and, where there are several, the track.
    BesideBag,
    /// Into this file. A file with gaps gets `.partial` before its extension all the same.
    File(PathBuf),
}

/// What to do about missing segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// Refuse, and name them.
    Refuse,
    /// Join what is there, and say so in the name.
    Allow,
}

/// A file that was joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedFile {
    /// Where it is.
    pub path: PathBuf,
    /// What the report says about it.
    pub written: JoinedV1,
}

/// Why nothing was joined: something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The track.
    pub track: String,
    /// Segments that are not here.
    pub missing: Vec<String>,
    /// What else is known to be lost.
    pub losses: Vec<String>,
}

/// Why a file could not be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The local disk.
    #[error("could not write the joined file")]
    Archive(#[from] archive::Error),
    /// Segments of a form that does not play when joined byte for byte.
    #[error("segments of {track} are no transport streams (`{example}`) and cannot be joined byte for byte")]
    NotTransportStreams {
        /// The track.
        track: String,
        /// One of them.
        example: String,
    },
    /// One file was named and there are several tracks.
    #[error("the recording has {} tracks and one file was named: {}", .tracks.len(), .tracks.join(", "))]
    SeveralTracks {
        /// The tracks.
        tracks: Vec<String>,
    },
    /// There is no such track.
    #[error("the recording has no track `{wanted}`, only: {}", .tracks.join(", "))]
    NoSuchTrack {
        /// What was asked for.
        wanted: String,
        /// What there is.
        tracks: Vec<String>,
    },
    /// There is nothing to join.
    #[error("the recording lists no segment to join")]
    Nothing,
    /// A segment is there and not as it was proven.
    #[error("`{path}` is not as it was proven")]
    Damaged {
        /// Its path in the bag.
        path: String,
    },
    /// The bag has no report to go by.
    #[error("`{}` has no report.json to go by", .dir.display())]
    NoReport {
        /// The bag.
        dir: PathBuf,
    },
}

/// Joins the tracks of a bag that a report describes.
pub(super) fn join(
    bag: &Path,
    report: &ReportV1,
    request: &JoinRequest,
    observer: &dyn Observer,
) -> Result<JoinOutcome, JoinError> {
    match join_tracks(bag, report, request, observer) {
        // Why nothing is here is in the report, and is what the caller has to know.
        Err(JoinError::Nothing) if report.exit_code != 0 => Ok(JoinOutcome::Refused(Refusal {
            track: "recording".to_owned(),
            missing: Vec::new(),
            losses: Vec::new(),
        })),
        joined => joined,
    }
}

fn join_tracks(
    bag: &Path,
    report: &ReportV1,
    request: &JoinRequest,
    observer: &dyn Observer,
) -> Result<JoinOutcome, JoinError> {
    let tracks = wanted_tracks(report, request)?;
    let mut joined = Vec::new();
    for track in &tracks {
        let segments: Vec<_> = segments_of(report, track).collect();
        let files = pieces::files(report, track, &segments, request, pieces::Taken::FromBag);
        let missing: Vec<_> = files.iter().flat_map(|file| file.about.gaps.iter().cloned()).collect();
        let losses = losses(report);
        if (!missing.is_empty() || !losses.is_empty()) && request.gaps == Gaps::Refuse {
            return Ok(JoinOutcome::Refused(Refusal { track: label(track), missing, losses }));
        }
        for pieces::File { parts, about } in files {
            if parts.is_empty() {
                return Err(JoinError::Nothing);
            }
            // What a loss concerns is not known to the byte: it is in the name of every file.
            let partial = !about.gaps.is_empty() || !losses.is_empty();
            let file = file_of(bag, report, track, tracks.len(), request, about.run, partial);
            let target = JoinTarget { bag, file: &file };
            let parts = parts.iter().filter_map(|segment| {
                let range = segment.offset.zip(segment.size);
                Some(JoinPart { path: segment.path.as_deref()?, range })
            });
            let done = archive::join(&target, parts, &mut |bytes| {
                observer.on_event(&Event::Joining { bytes });
            })?;
            observer.on_event(&Event::Joined { file: &done.file, size: done.size, gaps: about.gaps.len() });
            // Beside the bag the name is enough, and holds when both are moved.
            let written_file = match file.parent() == bag.parent() {
                true => file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                false => file.to_string_lossy().into_owned(),
            };
            let written = JoinedV1 { file: written_file, size: done.size, ..about };
            joined.push(JoinedFile { path: file, written });
        }
    }
    Ok(JoinOutcome::Done(joined))
}

pub(super) use placing::{place, track_key};

/// What is known to be lost, besides segments that are listed.
fn losses(report: &ReportV1) -> Vec<String> {
    let losses = report.findings.iter().filter(|finding| finding.severity == SeverityV1::Loss);
    losses.map(|finding| finding.text.clone()).collect()
}

/// Joins the tracks of a bag that lies on disk, after proving its segments again. Blocks until it is done.
///
/// # Errors
/// Where the bag is damaged or in use, or the disk refuses.
pub fn join_bag(
    dir: &Path,
    request: &JoinRequest,
    observer: &dyn Observer,
) -> Result<(ReportV1, JoinOutcome), JoinError> {
    let no_report = || JoinError::NoReport { dir: dir.to_owned() };
    let mut report = archive::report(dir)?.ok_or_else(no_report)?;
    let recording = RecordingId::parse(&report.recording).map_err(|_| no_report())?;
    let archive = Archive::open(dir, &recording)?;
    let wanted: HashSet<_> = wanted_tracks(&report, request)?.iter().map(label).collect();
    let tracks: HashMap<_, _> =
        report.objects.iter().filter_map(|o| Some((o.name.as_str(), o.track.as_ref()?))).collect();
    let mut gone = HashSet::new();
    for record in archive.records() {
        if !tracks.get(record.name.as_str()).is_some_and(|track| wanted.contains(*track)) {
            continue;
        }
        match archive.examine(&record, archive::Trust::Hash)? {
            archive::Presence::Proven => {}
            archive::Presence::Missing => drop(gone.insert(record.name.as_str().to_owned())),
            archive::Presence::Damaged => return Err(JoinError::Damaged { path: record.path }),
        }
    }
    // A file that somebody removed is missing, as one that never came is.
    let mut here = report.clone();
    for object in here.objects.iter_mut().filter(|object| gone.contains(&object.name)) {
        object.path = None;
    }
    let outcome = join(dir, &here, request, observer)?;
    if let JoinOutcome::Done(files) = &outcome {
        let new: Vec<_> = files.iter().map(|file| file.written.clone()).collect();
        report.joined.retain(|known| new.iter().all(|new| new.file != known.file));
        report.joined.extend(new);
        archive.reseal(&report, super::time_of_day())?;
    }
    Ok((report, outcome))
}

/// Playlists that players take, one for each track that has segments.
pub(super) fn playlists(report: &ReportV1, tracks: &[TrackPlan]) -> Vec<PlayList> {
    let objects: Objects<'_> = report.objects.iter().map(|object| (object.name.as_str(), object)).collect();
    let with_segments: Vec<_> = tracks.iter().filter(|track| !track.segments.is_empty()).collect();
    let alone = with_segments.len() == 1;
    let mut lists = Vec::new();
    for track in &with_segments {
        let items = play_items(track, &objects);
        let file = match (alone, track.id.uid, track.id.kind) {
            (true, _, _) | (false, None, TrackKind::Mixed) => "play.m3u8".to_owned(),
            (false, None, kind) => format!("play_{kind}.m3u8"),
            (false, Some(uid), kind) => format!("play_uid_{uid}_{kind}.m3u8"),
        };
        lists.push(PlayList { file, text: write(&items) });
        if track.is_rebuilt() {
            let text = synthetic::text(track.id, &items);
            lists.push(PlayList { file: synthetic::file_name(track.id), text });
        }
    }
    lists.extend(masters(&with_segments, &objects));
    lists
}

/// For each user with sound and picture a list by which a player plays both.
fn masters(tracks: &[&TrackPlan], objects: &Objects<'_>) -> Vec<PlayList> {
    let sounds = tracks.iter().filter(|track| track.id.kind == TrackKind::Audio);
    sounds
        .filter_map(|audio| {
            let uid = audio.id.uid?;
            let picture = TrackId { uid: Some(uid), kind: TrackKind::Video };
            let video = tracks.iter().find(|track| track.id == picture)?;
            let rendition = Rendition {
                audio: format!("play_uid_{uid}_audio.m3u8"),
                video: format!("play_uid_{uid}_video.m3u8"),
                name: format!("uid {uid}"),
                bandwidth: peak(audio, objects).saturating_add(peak(video, objects)),
            };
            Some(PlayList { file: format!("play_uid_{uid}.m3u8"), text: write_master(&rendition) })
        })
        .collect()
}

/// The most bits per second of any segment.
fn peak(track: &TrackPlan, objects: &Objects<'_>) -> u64 {
    let rates = track.segments.iter().filter_map(|segment| {
        let size = u128::from(objects.get(segment.name.as_str())?.size?);
        let ms = segment.listed.duration.map(|duration| duration.as_millis()).filter(|ms| *ms > 0)?;
        u64::try_from(size * 8000 / ms).ok()
    });
    rates.max().unwrap_or(0)
}

type Objects<'a> = HashMap<&'a str, &'a ObjectV1>;

fn play_items(track: &TrackPlan, objects: &Objects<'_>) -> Vec<PlayItem> {
    // No playlist announces these; behind a hole the time stamps may start anew.
    let probed = track.timeline.breaks.iter().filter(|b| b.why == BreakReason::Probed);
    let holes: HashSet<usize> = probed.map(|b| b.before).collect();
    let segments = track.segments.iter().enumerate().scan(0, |run, (place, segment)| {
        let restarts = *run != segment.run && *run != 0
            || segment.listed.discontinuity == Discontinuity::Restarts
            || holes.contains(&place);
        *run = segment.run;
        let object = objects.get(segment.name.as_str());
        let path = object.and_then(|object| object.path.clone());
        let mut tags = segment.listed.tags.clone();
        if let Some((offset, size)) = object.and_then(|object| object.offset.zip(object.size)) {
            let text = format!("#EXT-X-BYTERANGE:{size}@{offset}");
            tags.push(Tag { line: segment.listed.line, text });
        }
        Some(PlayItem {
            presence: if path.is_some() { Presence::Here } else { Presence::Missing },
            path: path.unwrap_or_else(|| format!("{}/{}", archive::PAYLOAD, segment.name)),
            duration: segment.listed.duration,
            discontinuity: if restarts { Discontinuity::Restarts } else { Discontinuity::Continues },
            starts: segment.starts,
            tags,
        })
    });
    segments.collect()
}

fn wanted_tracks(report: &ReportV1, request: &JoinRequest) -> Result<Vec<TrackV1>, JoinError> {
    let with_segments = || report.tracks.iter().filter(|track| track.segments > 0);
    let labels = || with_segments().map(label).collect::<Vec<_>>();
    let tracks: Vec<_> = match &request.track {
        None => with_segments().cloned().collect(),
        Some(wanted) => {
            let found: Vec<_> = with_segments().filter(|track| label(track) == *wanted).cloned().collect();
            if found.is_empty() {
                return Err(JoinError::NoSuchTrack { wanted: wanted.clone(), tracks: labels() });
            }
            found
        }
    };
    if tracks.is_empty() {
        return Err(JoinError::Nothing);
    }
    if tracks.len() > 1 && matches!(request.to, JoinTo::File(_)) {
        return Err(JoinError::SeveralTracks { tracks: labels() });
    }
    for track in &tracks {
        let other = segments_of(report, track).find(|s| !s.name.to_ascii_lowercase().ends_with(".ts"));
        if let Some(other) = other {
            return Err(JoinError::NotTransportStreams { track: label(track), example: other.name.clone() });
        }
    }
    Ok(tracks)
}

fn segments_of<'a>(report: &'a ReportV1, track: &TrackV1) -> impl Iterator<Item = &'a ObjectV1> {
    let track = label(track);
    report
        .objects
        .iter()
        .filter(move |object| object.role == RoleV1::Segment && object.track.as_ref() == Some(&track))
}

fn label(track: &TrackV1) -> String {
    match track.uid {
        Some(uid) => format!("uid {uid} {}", track.kind),
        None => track.kind.clone(),
    }
}

fn file_of(
    bag: &Path,
    report: &ReportV1,
    track: &TrackV1,
    tracks: usize,
    request: &JoinRequest,
    run: Option<usize>,
    partial: bool,
) -> PathBuf {
    let file = match &request.to {
        JoinTo::File(file) => file.clone(),
        JoinTo::BesideBag => {
            let stem = stem(&report.recording, track, tracks);
            bag.with_file_name(format!("{stem}.ts"))
        }
    };
    let file = match run {
        Some(run) => with_run(&file, run),
        None => file,
    };
    if partial && !file.to_string_lossy().ends_with(".partial.ts") {
        file.with_extension("partial.ts")
    } else {
        file
    }
}

/// What the joined file of a track is called, without an extension.
fn stem(recording: &str, track: &TrackV1, tracks: usize) -> String {
    match track.uid {
        Some(uid) => format!("{recording}__uid_s_{uid}__uid_e_{}", track.kind),
        None if tracks == 1 => recording.to_owned(),
        None => format!("{recording}_{}", track.kind),
    }
}

/// `lesson.ts` and 2 give `lesson.run2.ts`.
fn with_run(file: &Path, run: usize) -> PathBuf {
    let mut name = file.file_stem().unwrap_or_default().to_os_string();
    name.push(format!(".run{run}"));
    if let Some(extension) = file.extension() {
        name.push(".");
        name.push(extension);
    }
    file.with_file_name(name)
}
