//! A check in JSON, version 1.
//!
//! These structs are the format. A field may be added; none may go away or change its meaning without a new
//! version. Text is for people, codes and words are for machines. Times are RFC 3339 in UTC with milliseconds.

mod of;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the field `format` of a check of this version says.
pub const CHECK_FORMAT: &str = "recfetch-check/1";

/// What is known about one recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckV1 {
    /// `recfetch-check/1`.
    pub format: String,
    /// The program that wrote it.
    pub written_by: String,
    /// When the check was made.
    pub at: String,
    /// How deep it looked: `listed`, `first` (64 KiB of each segment) or `whole`.
    pub depth: String,
    /// The recording ID (sid).
    pub recording: String,
    /// The channel, where it is known.
    pub channel: Option<String>,
    /// Agora's project, where it is known.
    pub app_id: Option<String>,
    /// Under which uid the recorder joined the channel, where it is known.
    pub recorder: Option<u32>,
    /// `individual`, `mix` or `web`, where it is known.
    pub mode: Option<String>,
    /// The folder in the store: empty for the root, else ends with a slash.
    pub folder: String,
    /// How far Agora says that it is: `untold`, `running`, `stopped`, `failed`, `uploaded`, `backed-up`.
    pub state: String,
    /// What it all comes to: `nothing-missing`, `elsewhere`, `unknown`, `frozen`, `denied`, `incomplete` or
    /// `corrupt`.
    pub standing: String,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// When it starts.
    pub first: Option<String>,
    /// When it ends.
    pub last: Option<String>,
    /// The places that were asked: the recording's own first.
    pub stores: Vec<CheckedStoreV1>,
    /// How many segments are where, and how much time.
    pub totals: TotalsV1,
    /// The tracks.
    pub tracks: Vec<CheckedTrackV1>,
    /// Playlists, masters and manifests.
    pub playlists: Vec<CheckedFileV1>,
    /// Slices that no playlist lists.
    pub orphans: Vec<CheckedFileV1>,
    /// Whatever else belongs to it.
    pub others: Vec<CheckedFileV1>,
    /// What is wrong or worth knowing, the worst first.
    pub diagnoses: Vec<DiagnosisV1>,
}

/// A place that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedStoreV1 {
    /// Its name in the settings.
    pub name: String,
    /// What it is: vendor, region, bucket.
    pub description: String,
    /// `own` or `fallback`.
    pub role: String,
    /// How many objects of the recording it lists; `null` where it was not or could not be listed.
    pub objects: Option<usize>,
    /// Why it could not be listed.
    pub problem: Option<String>,
}

/// How much is where. Segments are counted once each; times are sums over all tracks, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TotalsV1 {
    /// Segments that playlists list.
    pub segments: usize,
    /// Of those, in the recording's own store.
    pub present: usize,
    /// Only in another store.
    pub elsewhere: usize,
    /// In none.
    pub lost: usize,
    /// Nobody can tell.
    pub unknown: usize,
    /// Present or elsewhere, but archived and not restored.
    pub frozen: usize,
    /// Bytes of the segments that were seen.
    pub bytes: u64,
    /// Time that is present.
    pub present_ms: u64,
    /// Time that is only in another store.
    pub elsewhere_ms: u64,
    /// Time that is lost.
    pub lost_ms: u64,
    /// Time that no playlist lists.
    pub unlisted_ms: u64,
    /// Time that was never recorded.
    pub never_recorded_ms: u64,
    /// Time of which nobody can tell.
    pub unknown_ms: u64,
}

/// A track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedTrackV1 {
    /// The user, in individual mode.
    pub uid: Option<u32>,
    /// `mixed`, `audio`, `video` or `av`.
    pub kind: String,
    /// The playlists that its segments come from.
    pub playlists: Vec<String>,
    /// `true` where a part of it at least has no playlist and was rebuilt from the names of slices.
    pub synthetic: bool,
    /// Its segments in playing order.
    pub segments: Vec<CheckedSegmentV1>,
    /// All of the recording's time, in pieces that follow each other: every moment is exactly one thing.
    pub stretches: Vec<StretchV1>,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedSegmentV1 {
    /// Its number in playing order, from 1.
    pub number: usize,
    /// The object that holds it.
    pub name: String,
    /// When it starts, by its name.
    pub starts: Option<String>,
    /// When it ends, by its playlist.
    pub ends: Option<String>,
    /// How long it plays by its playlist, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// `present`, `elsewhere`, `lost` or `unknown`.
    pub presence: String,
    /// The store that has it, where it is elsewhere.
    pub store: Option<String>,
    /// What stands between it and whoever wants to read it.
    pub obstacle: Option<String>,
    /// The number of the failover copy that lists it.
    pub failover: Option<u32>,
    /// What its bytes tell, where they were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaV1>,
}

/// What the bytes of a segment tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaV1 {
    /// Whether all of it was read.
    pub whole: bool,
    /// The codecs: `h264+aac`.
    pub codec: Option<String>,
    /// The size of the picture: `640x480`.
    pub picture: Option<String>,
    /// Pictures that start in it.
    pub frames: Option<u64>,
    /// Whether it can be shown without any segment before it.
    pub starts_with_key_frame: Option<bool>,
    /// Whether its sound is nothing but silence.
    pub silent: Option<bool>,
    /// How long it plays by its time stamps, in milliseconds.
    pub plays_ms: Option<u64>,
    /// What is wrong with it.
    pub wrong: Option<String>,
}

/// A piece of a track's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StretchV1 {
    /// Its first millisecond.
    pub from: String,
    /// The first millisecond behind it.
    pub until: String,
    /// `present`, `elsewhere`, `lost`, `unlisted`, `never-recorded` or `unknown`.
    pub presence: String,
    /// The store that has it, where it is elsewhere.
    pub store: Option<String>,
}

/// A file that is no segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedFileV1 {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// When it was last written.
    pub modified: Option<String>,
    /// `present`, `elsewhere`, `lost` or `unknown`.
    pub presence: String,
}

/// One thing that is wrong or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosisV1 {
    /// Its code: `RF101`. `recfetch explain` knows it.
    pub code: String,
    /// Its word: `segment-absent`.
    pub rule: String,
    /// `loss`, `warning` or `note`.
    pub severity: String,
    /// What it is about.
    pub about: AboutV1,
    /// What should have been there.
    pub expected: Option<String>,
    /// What is there instead.
    pub found: Option<String>,
    /// One sentence.
    pub text: String,
    /// What it means for the recording.
    pub means: String,
    /// What to do.
    #[serde(rename = "do")]
    pub remedy: String,
}

/// What a diagnosis is about: as much as is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AboutV1 {
    /// The track: its place in `tracks`.
    pub track: Option<usize>,
    /// The number of the segment in it.
    pub segment: Option<usize>,
    /// The name or key of the object.
    pub object: Option<String>,
    /// The store.
    pub store: Option<String>,
    /// From when on.
    pub from: Option<String>,
    /// Until when.
    pub until: Option<String>,
}

impl CheckV1 {
    /// The JSON Schema of this version.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}
