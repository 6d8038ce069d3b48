//! From a check to its JSON.

use super::{
    AboutV1, CHECK_FORMAT, CheckV1, CheckedFileV1, CheckedSegmentV1, CheckedStoreV1, CheckedTrackV1,
    DiagnosisV1, MediaV1, StretchV1,
};
use crate::documents::totals::exit_code;
use crate::domain::check::{
    About, Check, CheckedFile, CheckedSegment, CheckedTrack, Depth, Diagnosis, Listed, MediaSeen, Presence,
    Severity, StoreRole, StoreSeen, Stretch, ToldState,
};
use crate::domain::form::PictureSize;
use crate::domain::plan::ListOrigin;
use crate::domain::time::SliceTime;
use crate::domain::verdict::{Structure, TrackFacts, TrackMedium};

impl CheckV1 {
    /// Writes a check down.
    #[must_use]
    pub fn of(check: &Check) -> Self {
        let standing = check.standing();
        Self {
            format: CHECK_FORMAT.to_owned(),
            written_by: concat!("recfetch ", env!("CARGO_PKG_VERSION")).to_owned(),
            at: check.at.to_string(),
            depth: depth(check.depth).to_owned(),
            recording: check.recording.as_str().to_owned(),
            channel: check.channel.as_ref().map(|channel| channel.as_str().to_owned()),
            app_id: check.app_id.clone(),
            recorder: check.recorder.map(|uid| uid.0.get()),
            mode: check.mode.map(|mode| mode.word().to_owned()),
            folder: check.folder.as_str().to_owned(),
            state: state(check.state).to_owned(),
            standing: standing.word().to_owned(),
            exit_code: exit_code(standing),
            first: time(check.first),
            last: time(check.last),
            stores: check.stores.iter().map(store).collect(),
            totals: check.totals().into(),
            tracks: check.tracks.iter().map(|each| track(check, each)).collect(),
            playlists: check.playlists.iter().map(file).collect(),
            orphans: check.orphans.iter().map(file).collect(),
            others: check.others.iter().map(file).collect(),
            diagnoses: check.diagnoses.iter().map(|each| diagnosis(check, each)).collect(),
        }
    }
}

impl From<&Check> for CheckV1 {
    fn from(check: &Check) -> Self {
        Self::of(check)
    }
}

fn depth(depth: Depth) -> &'static str {
    match depth {
        Depth::Listed => "listed",
        Depth::First => "first",
        Depth::Whole => "whole",
    }
}

fn state(state: ToldState) -> &'static str {
    match state {
        ToldState::Untold => "untold",
        ToldState::Running => "running",
        ToldState::Stopped => "stopped",
        ToldState::Failed => "failed",
        ToldState::Uploaded => "uploaded",
        ToldState::BackedUp => "backed-up",
    }
}

fn time(time: Option<SliceTime>) -> Option<String> {
    time.map(|time| time.to_string())
}

fn store(seen: &StoreSeen) -> CheckedStoreV1 {
    let (objects, problem) = match &seen.listed {
        Listed::Objects(objects) => (Some(*objects), None),
        Listed::ByName => (None, Some("it cannot list: names are asked for one by one".to_owned())),
        Listed::Failed(obstacle) => (None, Some(obstacle.to_string())),
    };
    let role = match seen.role {
        StoreRole::Own => "own",
        StoreRole::Fallback => "fallback",
    };
    CheckedStoreV1 {
        name: seen.name.as_str().to_owned(),
        description: seen.place.clone(),
        role: role.to_owned(),
        objects,
        problem,
    }
}

/// The name of the store that has it, where it is elsewhere.
fn store_name(check: &Check, presence: Presence) -> Option<String> {
    match presence {
        Presence::Elsewhere { store } => check.stores.get(store).map(|store| store.name.as_str().to_owned()),
        Presence::Present
        | Presence::Lost
        | Presence::Unlisted
        | Presence::NeverRecorded
        | Presence::Unknown => None,
    }
}

fn track(check: &Check, track: &CheckedTrack) -> CheckedTrackV1 {
    CheckedTrackV1 {
        uid: track.id.uid.map(|uid| uid.0.get()),
        kind: track.id.kind.to_string(),
        playlists: track.playlists.iter().map(|key| key.as_str().to_owned()).collect(),
        synthetic: track.origin == ListOrigin::Rebuilt,
        segments: track.segments.iter().map(|each| segment(check, each)).collect(),
        stretches: track.stretches.iter().map(|each| stretch(check, each)).collect(),
    }
}

fn segment(check: &Check, segment: &CheckedSegment) -> CheckedSegmentV1 {
    CheckedSegmentV1 {
        number: segment.number,
        name: segment.name.as_str().to_owned(),
        starts: time(segment.starts),
        ends: time(segment.ends),
        duration_ms: segment.duration_ms,
        size: segment.size,
        presence: segment.presence.word().to_owned(),
        store: store_name(check, segment.presence),
        obstacle: segment.obstacle.as_ref().map(ToString::to_string),
        failover: segment.failover,
        media: segment.media.as_ref().map(media),
    }
}

fn stretch(check: &Check, stretch: &Stretch) -> StretchV1 {
    StretchV1 {
        from: stretch.from.to_string(),
        until: stretch.until.to_string(),
        presence: stretch.presence.word().to_owned(),
        store: store_name(check, stretch.presence),
    }
}

fn file(file: &CheckedFile) -> CheckedFileV1 {
    CheckedFileV1 {
        key: file.key.as_str().to_owned(),
        size: file.size,
        modified: time(file.modified),
        presence: file.presence.word().to_owned(),
    }
}

fn diagnosis(check: &Check, diagnosis: &Diagnosis) -> DiagnosisV1 {
    let meaning = diagnosis.rule.meaning();
    let severity = match diagnosis.severity {
        Severity::Loss => "loss",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    DiagnosisV1 {
        code: diagnosis.rule.code().to_owned(),
        rule: diagnosis.rule.word().to_owned(),
        severity: severity.to_owned(),
        about: about(check, &diagnosis.about),
        expected: diagnosis.expected.clone(),
        found: diagnosis.found.clone(),
        text: diagnosis.text.clone(),
        means: meaning.means.to_owned(),
        remedy: meaning.remedy.to_owned(),
    }
}

fn about(check: &Check, about: &About) -> AboutV1 {
    AboutV1 {
        track: about.track.and_then(|id| check.tracks.iter().position(|track| track.id == id)),
        segment: about.segment,
        object: about.object.clone(),
        store: about.store.as_ref().map(|store| store.as_str().to_owned()),
        from: time(about.from),
        until: time(about.until),
    }
}

fn media(seen: &MediaSeen) -> MediaV1 {
    let (codec, picture) = form(&seen.structure);
    MediaV1 {
        whole: seen.read == Depth::Whole,
        codec,
        picture,
        frames: seen.frames,
        starts_with_key_frame: seen.starts_with_key_frame,
        silent: seen.silent,
        plays_ms: seen.structure.playing_ms(),
        wrong: seen.wrong.as_ref().map(ToString::to_string),
    }
}

/// The codecs and the size of the picture.
fn form(structure: &Structure) -> (Option<String>, Option<String>) {
    match structure {
        Structure::TransportStream(facts) => {
            (facts.form.codec.clone(), facts.form.picture.map(|size| size.to_string()))
        }
        Structure::WebM(facts) => of_tracks(&facts.tracks),
        Structure::Mp4(facts) => of_tracks(&facts.tracks),
        Structure::Sound(facts) => (Some(facts.format.code().to_owned()), None),
        Structure::Jpeg(facts) => {
            let size = facts.width.zip(facts.height).map(|(width, height)| PictureSize { width, height });
            (Some("jpeg".to_owned()), size.map(|size| size.to_string()))
        }
        Structure::NotExamined | Structure::Page(_) => (None, None),
    }
}

fn of_tracks(tracks: &[TrackFacts]) -> (Option<String>, Option<String>) {
    let codecs: Vec<_> = tracks.iter().map(|track| track.codec.as_str()).collect();
    let picture = tracks.iter().find(|track| track.medium == TrackMedium::Video);
    let size = picture.and_then(|track| track.width.zip(track.height));
    let size = size.map(|(width, height)| PictureSize { width, height }.to_string());
    ((!codecs.is_empty()).then(|| codecs.join("+")), size)
}
