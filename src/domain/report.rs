//! The end of a recording: what became of each of its objects, and what that makes of the whole.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::digest::Digest;
use super::finding::{Finding, Severity};
use super::form::{MediaForm, RotationMark};
use super::key::{KeyPrefix, ObjectKey, ObjectName};
use super::only::{Form, LeftOut, Only};
use super::place::{Obstacle, SourceName};
use super::plan::ListOrigin;
use super::recording::{ChannelName, RecordingId, TrackId};
use super::time::SliceTime;
use super::verdict::{Evidence, Format, Verdict};

/// Everything that is known about a recording at the end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The recording.
    pub recording: RecordingId,
    /// Its channel, where a name or the user told it.
    pub channel: Option<ChannelName>,
    /// The folder that it lies in.
    pub folder: KeyPrefix,
    /// The places that were asked, in order, with their description.
    pub places: Vec<(SourceName, String)>,
    /// What was asked for of it.
    pub only: Only,
    /// What is there and was not asked for.
    pub left_out: LeftOut,
    /// Master playlists and DASH manifests that were read.
    pub masters: usize,
    /// Its tracks.
    pub tracks: Vec<TrackReport>,
    /// Its objects: playlists, segments in playing order, then whatever else belongs to it.
    pub objects: Vec<ObjectReport>,
    /// What was noticed.
    pub findings: Vec<Finding>,
    /// When the run started.
    pub started: SliceTime,
    /// When it ended.
    pub finished: SliceTime,
}

/// One track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackReport {
    /// Which.
    pub id: TrackId,
    /// The playlists that its segments come from.
    pub playlists: Vec<ObjectName>,
    /// When its first slice starts.
    pub first: Option<SliceTime>,
    /// When its last slice ends.
    pub last: Option<SliceTime>,
    /// The sum of the durations that the playlists list.
    pub playing: Duration,
    /// How many segments the playlists list.
    pub segments: usize,
    /// How the picture has to be turned, and from when on.
    pub rotations: Vec<RotationMark>,
    /// Where the list of its segments comes from.
    pub origin: ListOrigin,
}

/// How many files of each kind a recording has, wherever they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users, in individual mode.
    pub uids: usize,
    /// Tracks.
    pub tracks: usize,
    /// Master playlists and DASH manifests.
    pub masters: usize,
    /// Lists of all kinds.
    pub playlists: usize,
    /// Slices that lists name.
    pub segments: usize,
    /// `.mp4`
    pub mp4: usize,
    /// Sound in one file.
    pub audio: usize,
    /// Pictures.
    pub images: usize,
    /// Whatever else there is, slices that no list names among it.
    pub other: usize,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectReport {
    /// Its name in the recording.
    pub name: ObjectName,
    /// Its key in the first store, unless it lies at a URL of its own or was not requested.
    pub key: Option<ObjectKey>,
    /// Its place in the archive, where it is there.
    pub path: Option<String>,
    /// What it is for.
    pub role: ObjectRole,
    /// The format that its structure was examined as; `None` where it was not.
    pub format: Option<Format>,
    /// When it starts, by its name.
    pub starts: Option<SliceTime>,
    /// How long it plays, by its playlist.
    pub duration: Option<Duration>,
    /// The end.
    pub verdict: Verdict,
    /// Its length.
    pub size: Option<u64>,
    /// Bytes before it, where it lies inside of a joined file.
    pub offset: Option<u64>,
    /// What its bytes tell about their form.
    pub form: MediaForm,
    /// Digests of the bytes.
    pub digests: Vec<Digest>,
    /// Where the bytes came from.
    pub from: Option<SourceName>,
    /// Whether it came in this run.
    pub origin: Origin,
    /// What did not work before.
    pub failed_tries: Vec<Try>,
    /// When it was done.
    pub at: SliceTime,
}

/// What an object is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectRole {
    /// A playlist that lists segments of a track.
    Playlist,
    /// A segment of a track.
    Segment(TrackId),
    /// Something else under the recording's name: a picture, an MP4, a slice that no playlist lists.
    Other,
}

/// Where the bytes in the archive come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Fetched in this run.
    Fetched,
    /// Here from an earlier run, and proven again.
    Kept,
    /// Not here.
    Nowhere,
}

/// One try that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The place.
    pub from: SourceName,
    /// What stood in the way, or what was wrong with the bytes.
    pub why: String,
}

/// What the whole comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Every listed segment is here and verified, and nothing is known to be missing.
    Complete,
    /// The run was stopped.
    Interrupted,
    /// Something did not answer; a rerun may help.
    Temporary,
    /// Part of it is missing.
    Incomplete,
    /// Part of it is archived and needs a restore.
    Frozen,
    /// A place refused.
    Denied,
    /// Bytes are wrong.
    Corrupt,
}

/// How many objects rest on what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Verified by a store's digest.
    pub store_digest: usize,
    /// Verified by structure.
    pub structure: usize,
    /// Verified by length only.
    pub length_only: usize,
    /// Not to be had anywhere.
    pub absent: usize,
    /// Refused.
    pub denied: usize,
    /// Archived.
    pub frozen: usize,
    /// No usable answer.
    pub unreachable: usize,
    /// Wrong bytes.
    pub corrupt: usize,
    /// Never requested.
    pub not_requested: usize,
    /// Stopped before.
    pub interrupted: usize,
}

impl Outcome {
    /// The exit code of the command-line tool, and part of the report.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Incomplete => 3,
            Self::Corrupt => 4,
            Self::Temporary | Self::Interrupted => 5,
            Self::Denied => 6,
            Self::Frozen => 8,
        }
    }

    /// A stable word for machines and people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Temporary => "temporary",
            Self::Incomplete => "incomplete",
            Self::Frozen => "frozen",
            Self::Denied => "denied",
            Self::Corrupt => "corrupt",
        }
    }

    /// What one verdict comes to.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Verified { .. } => Self::Complete,
            Verdict::Absent { .. } | Verdict::NotRequested => Self::Incomplete,
            Verdict::Denied { .. } => Self::Denied,
            Verdict::Frozen { .. } => Self::Frozen,
            Verdict::Unreachable { last, .. } => match last {
                Obstacle::Throttled | Obstacle::Unreachable | Obstacle::Changed => Self::Temporary,
                // Settings that are wrong for this store: as with a wrong key, a rerun cannot help.
                Obstacle::WrongRegion { .. }
                | Obstacle::Untrusted
                | Obstacle::Denied(_)
                | Obstacle::NoSuchBucket => Self::Denied,
                Obstacle::Frozen { .. } => Self::Frozen,
                Obstacle::Corrupt => Self::Corrupt,
                Obstacle::Absent | Obstacle::Unsupported | Obstacle::Unexpected => Self::Incomplete,
            },
            Verdict::Corrupt { .. } => Self::Corrupt,
            Verdict::Interrupted => Self::Interrupted,
        }
    }
}

impl Report {
    /// What the whole comes to: the worst of its objects and findings.
    ///
    /// A recording is complete only if it has a playlist, every listed segment is verified, and nothing is
    /// known to be missing. Where only some forms were asked for, this is about those.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let by_objects = self.objects.iter().map(|object| Outcome::of(&object.verdict)).max();
        let by_findings = self
            .findings
            .iter()
            .map(|finding| match finding.severity() {
                Severity::Loss => Outcome::Incomplete,
                Severity::Note | Severity::Warning => Outcome::Complete,
            })
            .max();
        // Slices are what a recording consists of, unless they were left out on purpose.
        let is_something = if self.only.wants(Form::Hls) {
            self.segments().next().is_some()
        } else {
            !self.objects.is_empty()
        };
        // Where a playlist could not be had, that is why there is nothing, and a rerun may help.
        let is_explained =
            self.objects.iter().any(|o| o.role == ObjectRole::Playlist && !o.verdict.is_verified());
        let empty = if is_something || is_explained { Outcome::Complete } else { Outcome::Incomplete };
        by_objects.max(by_findings).unwrap_or(Outcome::Incomplete).max(empty)
    }

    /// The segments in playing order.
    pub fn segments(&self) -> impl Iterator<Item = &ObjectReport> {
        self.objects.iter().filter(|object| matches!(object.role, ObjectRole::Segment(_)))
    }

    /// How many of the chosen objects rest on what.
    pub fn tally<'a>(objects: impl IntoIterator<Item = &'a ObjectReport>) -> Tally {
        let mut tally = Tally::default();
        for object in objects {
            *match &object.verdict {
                Verdict::Verified { evidence: Evidence::StoreDigest { .. } } => &mut tally.store_digest,
                Verdict::Verified { evidence: Evidence::Structure } => &mut tally.structure,
                Verdict::Verified { evidence: Evidence::LengthOnly } => &mut tally.length_only,
                Verdict::Absent { .. } => &mut tally.absent,
                Verdict::Denied { .. } => &mut tally.denied,
                Verdict::Frozen { .. } => &mut tally.frozen,
                Verdict::Unreachable { .. } => &mut tally.unreachable,
                Verdict::Corrupt { .. } => &mut tally.corrupt,
                Verdict::NotRequested => &mut tally.not_requested,
                Verdict::Interrupted => &mut tally.interrupted,
            } += 1;
        }
        tally
    }

    /// How many files of each kind there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let uids: BTreeSet<_> = self.tracks.iter().filter_map(|track| track.id.uid).collect();
        let mut counts = Counts {
            uids: uids.len(),
            tracks: self.tracks.len(),
            masters: self.masters,
            ..Counts::default()
        };
        for object in &self.objects {
            *match (object.role, Form::of(object.name.as_str())) {
                (ObjectRole::Playlist, _) => &mut counts.playlists,
                (ObjectRole::Segment(_), _) => &mut counts.segments,
                (ObjectRole::Other, Some(Form::Mp4)) => &mut counts.mp4,
                (ObjectRole::Other, Some(Form::Audio)) => &mut counts.audio,
                (ObjectRole::Other, Some(Form::Images)) => &mut counts.images,
                (ObjectRole::Other, Some(Form::Hls) | None) => &mut counts.other,
            } += 1;
        }
        counts
    }

    /// When the recording starts, by its earliest slice.
    #[must_use]
    pub fn first(&self) -> Option<SliceTime> {
        self.tracks.iter().filter_map(|track| track.first).min()
    }

    /// When it ends, by its latest slice.
    #[must_use]
    pub fn last(&self) -> Option<SliceTime> {
        self.tracks.iter().filter_map(|track| track.last).max()
    }

    /// Bytes that are here and verified.
    #[must_use]
    pub fn verified_bytes(&self) -> u64 {
        let verified = self.objects.iter().filter(|object| object.verdict.is_verified());
        verified.filter_map(|object| object.size).sum()
    }
}

impl Tally {
    /// Objects that are here and verified.
    #[must_use]
    pub fn verified(&self) -> usize {
        self.store_digest + self.structure + self.length_only
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Denial;
    use crate::domain::verdict::Corruption;

    fn object(verdict: Verdict) -> ObjectReport {
        let key = ObjectKey::parse("a.ts").unwrap();
        ObjectReport {
            name: key.file_name(),
            key: Some(key),
            path: None,
            role: ObjectRole::Segment(TrackId::MIXED),
            format: None,
            starts: None,
            duration: None,
            verdict,
            size: Some(1),
            offset: None,
            form: MediaForm::default(),
            digests: Vec::new(),
            from: None,
            origin: Origin::Fetched,
            failed_tries: Vec::new(),
            at: SliceTime::from_unix_ms(0).unwrap(),
        }
    }

    fn report(verdicts: Vec<Verdict>, findings: Vec<Finding>) -> Report {
        Report {
            recording: RecordingId::parse("sid").unwrap(),
            channel: None,
            folder: KeyPrefix::root(),
            places: Vec::new(),
            only: Only::default(),
            left_out: LeftOut::default(),
            masters: 0,
            tracks: Vec::new(),
            objects: verdicts.into_iter().map(object).collect(),
            findings,
            started: SliceTime::from_unix_ms(0).unwrap(),
            finished: SliceTime::from_unix_ms(0).unwrap(),
        }
    }

    #[test]
    fn the_worst_object_decides() {
        let prod = || SourceName::new("prod");
        let good = || Verdict::Verified { evidence: Evidence::Structure };
        let absent = || Verdict::Absent { looked_in: vec![prod()] };
        let denied = || Verdict::Denied { from: prod(), why: Denial::NotAllowed };
        let frozen = || Verdict::Frozen { from: prod(), class: None };
        let corrupt = || Verdict::Corrupt { from: prod(), what: Corruption::Empty };
        let down = || Verdict::Unreachable { from: prod(), last: Obstacle::Throttled };
        for (verdicts, outcome, code) in [
            (vec![good()], Outcome::Complete, 0),
            (vec![good(), absent()], Outcome::Incomplete, 3),
            (vec![good(), corrupt(), absent()], Outcome::Corrupt, 4),
            (vec![good(), down()], Outcome::Temporary, 5),
            (vec![absent(), down()], Outcome::Incomplete, 3),
            (vec![good(), denied()], Outcome::Denied, 6),
            (vec![good(), frozen(), absent()], Outcome::Frozen, 8),
            (vec![good(), Verdict::Interrupted], Outcome::Interrupted, 5),
        ] {
            let outcome_found = report(verdicts, Vec::new()).outcome();
            assert_eq!((outcome_found, outcome_found.exit_code()), (outcome, code));
        }
    }

    #[test]
    fn what_was_not_asked_for_is_not_missed() {
        let good = || Verdict::Verified { evidence: Evidence::LengthOnly };
        let mut film = report(vec![good()], Vec::new());
        film.objects[0].role = ObjectRole::Other;
        film.objects[0].name = ObjectName::parse("sid_room_0.mp4").unwrap();
        assert_eq!(film.outcome(), Outcome::Incomplete);
        assert_eq!((film.counts().mp4, film.counts().segments), (1, 0));
        film.only = Only::these([Form::Mp4]);
        assert_eq!(film.outcome(), Outcome::Complete);
        film.only = Only::these([Form::Mp4, Form::Hls]);
        assert_eq!(film.outcome(), Outcome::Incomplete);
        film.only = Only::these([Form::Mp4]);
        film.objects.clear();
        assert_eq!(film.outcome(), Outcome::Incomplete);
    }

    #[test]
    fn where_the_playlist_did_not_answer_a_rerun_may_help() {
        let from = SourceName::new("prod");
        let down = Verdict::Unreachable { from: from.clone(), last: Obstacle::Unreachable };
        for (verdict, outcome) in [
            (down, Outcome::Temporary),
            (Verdict::Denied { from: from.clone(), why: Denial::Expired }, Outcome::Denied),
            (Verdict::Absent { looked_in: vec![from] }, Outcome::Incomplete),
            (Verdict::Verified { evidence: Evidence::Structure }, Outcome::Incomplete),
        ] {
            let mut nothing = report(vec![verdict], Vec::new());
            nothing.objects[0].role = ObjectRole::Playlist;
            assert_eq!(nothing.outcome(), outcome);
        }
    }

    #[test]
    fn nothing_is_never_complete() {
        assert_eq!(report(Vec::new(), Vec::new()).outcome(), Outcome::Incomplete);
        let playlist = ObjectKey::parse("a.m3u8").unwrap();
        let good = Verdict::Verified { evidence: Evidence::Structure };
        let finding = Finding::NotEnded { playlist };
        assert_eq!(report(vec![good], vec![finding]).outcome(), Outcome::Incomplete);
    }
}
