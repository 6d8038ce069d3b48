//! `report.json`, version 1: the proof of a recording in a form that outlives this program.
//!
//! These structs are the format. Domain types are free to change; these are not: a field may be added, and
//! none may change its meaning without a new version. Text is for people, codes are for machines.

mod joined;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::digest::{Algorithm, Digest};
use crate::domain::finding::Severity;
use crate::domain::place::SourceName;
use crate::domain::plan::ListOrigin;
use crate::domain::report::{ObjectReport, ObjectRole, Origin, Report, Tally};
use crate::domain::time::SliceTime;
use crate::domain::verdict::{Evidence, Verdict};

mod forms;

pub use forms::{CountsV1, EarlierV1, LeftOutV1};
pub use joined::{ChangeV1, JoinedV1, PartV1, RotationV1};

/// What the field `format` of a report of this version says.
pub const REPORT_FORMAT: &str = "recfetch-report/1";

/// The report of one recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportV1 {
    /// `recfetch-report/1`.
    pub format: String,
    /// The program that wrote it.
    pub written_by: String,
    /// The recording ID (sid).
    pub recording: String,
    /// The channel, where it is known.
    pub channel: Option<String>,
    /// The folder in the store: empty for the root, else ends with a slash.
    pub folder: String,
    /// The whole: `complete`, `incomplete`, `corrupt`, `denied`, `frozen`, `temporary` or `interrupted`.
    pub outcome: String,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// When the run started, RFC 3339 in UTC.
    pub started: String,
    /// When it ended.
    pub finished: String,
    /// When the first slice starts, by its name.
    pub first_slice: Option<String>,
    /// When the last slice ends, by its name and duration.
    pub last_slice_end: Option<String>,
    /// The places that were asked, in order.
    pub places: Vec<PlaceV1>,
    /// The forms that were asked for: `hls`, `mp4`, `audio`, `images`. Without any: everything. The outcome is
    /// about these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// What is there and was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOutV1>,
    /// How many there are of each kind.
    #[serde(default)]
    pub counts: CountsV1,
    /// The tracks.
    pub tracks: Vec<TrackV1>,
    /// How many segments ended how.
    pub segments: TallyV1,
    /// How many objects of all kinds ended how.
    pub objects_total: TallyV1,
    /// Every object: playlists, segments in playing order, then the rest.
    pub objects: Vec<ObjectV1>,
    /// Objects that earlier runs proved and this one did not look at. They are in the bag and its manifest, and
    /// nothing above counts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierV1>,
    /// What was noticed.
    pub findings: Vec<FindingV1>,
    /// Files that were made from the segments: outside the bag, or in their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<JoinedV1>,
}

/// A place that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceV1 {
    /// Its name in the settings.
    pub name: String,
    /// What it is: vendor, region, bucket.
    pub description: String,
}

/// A track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrackV1 {
    /// The user, in individual mode.
    pub uid: Option<u32>,
    /// `mixed`, `audio`, `video` or `av`.
    pub kind: String,
    /// The playlists that its segments come from.
    pub playlists: Vec<String>,
    /// Segments that they list.
    pub segments: usize,
    /// The sum of the listed durations, in milliseconds.
    pub playing_ms: u64,
    /// When the first slice starts.
    pub first_slice: Option<String>,
    /// When the last slice ends.
    pub last_slice_end: Option<String>,
    /// `true` where a part of it at least has no playlist: its segments are those that lie in the store, and
    /// their playing times come from their bytes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub synthetic: bool,
    /// How the picture has to be turned, and from which segment on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rotations: Vec<RotationV1>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectV1 {
    /// Its name in the recording.
    pub name: String,
    /// Its key in the first store, unless it lies at a URL of its own or was not requested.
    pub key: Option<String>,
    /// Its path in the bag, where it is there. Differs from the name only where a system could not hold it, and
    /// where it is part of a joined file, whose path it is then.
    pub path: Option<String>,
    /// Bytes before it in the joined file of that path, where it is part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// `playlist` (a master playlist and a DASH manifest too), `segment` or `other`.
    pub role: RoleV1,
    /// The track of a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// The form that its structure was examined as: `transport-stream`, `webm`, `mp4`, `adts`, `mp3` or
    /// `jpeg`. Absent where it was not examined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// When it starts, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<String>,
    /// How long it plays, by its playlist, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The codecs in it, pictures before sound: `h264+aac`. By its own bytes, as are width and height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// Pixels across.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// `verified`, `absent`, `denied`, `frozen`, `unreachable`, `corrupt`, `not-requested` or `interrupted`.
    pub verdict: String,
    /// The verdict as a sentence.
    pub detail: String,
    /// What a `verified` rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceV1>,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Digests of the bytes in the bag.
    pub digests: Vec<DigestV1>,
    /// The place that the bytes came from.
    pub source: Option<String>,
    /// `fetched`, `kept` or `nowhere`.
    pub origin: OriginV1,
    /// Tries that failed before, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_tries: Vec<TryV1>,
    /// When it was done, RFC 3339 in UTC.
    pub at: String,
}

/// What an object is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoleV1 {
    /// Lists segments.
    Playlist,
    /// Is listed by a playlist.
    Segment,
    /// Belongs to the recording by its name.
    Other,
}

/// Where the bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OriginV1 {
    /// Fetched in this run.
    Fetched,
    /// Here from an earlier run, and proven again.
    Kept,
    /// Not here.
    Nowhere,
}

/// A try that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TryV1 {
    /// The place.
    pub source: String,
    /// Why.
    pub why: String,
}

/// A digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DigestV1 {
    /// `sha256`, `sha1`, `qetag`, `md5`, `crc64nvme`, `crc64xz`, `crc32c` or `crc32`.
    pub algorithm: String,
    /// Big-endian, in lower-case hexadecimal.
    pub hex: String,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceV1 {
    /// `store-digest`, `structure` or `length-only`.
    pub kind: String,
    /// The algorithm of the store's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// The store that vouches for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Counts by verdict and evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TallyV1 {
    /// All.
    pub total: usize,
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
    /// Never requested, because the name is not safe.
    pub not_requested: usize,
    /// Stopped before.
    pub interrupted: usize,
    /// Bytes that are here and verified.
    pub verified_bytes: u64,
}

/// One thing that was noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingV1 {
    /// A stable word.
    pub code: String,
    /// `note`, `warning` or `loss`.
    pub severity: SeverityV1,
    /// A sentence.
    pub text: String,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeverityV1 {
    /// Worth knowing.
    Note,
    /// Odd.
    Warning,
    /// Part of the recording is missing.
    Loss,
}

impl ReportV1 {
    /// The JSON Schema of this version.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// The text of `report.json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        // Plain structs with string keys: serde_json has no way to fail on them, and memory takes all.
        let _ = self.write_json(&mut text);
        String::from_utf8(text).unwrap_or_default()
    }

    /// Writes the text of `report.json`.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write_json(&self, to: &mut impl std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer_pretty(&mut *to, self)?;
        to.write_all(b"\n")
    }
}

impl From<&Report> for ReportV1 {
    fn from(report: &Report) -> Self {
        let time = |t: Option<SliceTime>| t.map(|t| t.to_string());
        let outcome = report.outcome();
        Self {
            format: REPORT_FORMAT.to_owned(),
            written_by: concat!("recfetch ", env!("CARGO_PKG_VERSION")).to_owned(),
            recording: report.recording.as_str().to_owned(),
            channel: report.channel.as_ref().map(|c| c.as_str().to_owned()),
            folder: report.folder.as_str().to_owned(),
            outcome: outcome.word().to_owned(),
            exit_code: outcome.exit_code(),
            started: report.started.to_string(),
            finished: report.finished.to_string(),
            first_slice: time(report.first()),
            last_slice_end: time(report.last()),
            places: report
                .places
                .iter()
                .map(|(name, description)| PlaceV1 {
                    name: name.as_str().to_owned(),
                    description: description.clone(),
                })
                .collect(),
            only: report.only.forms().map(|form| form.word().to_owned()).collect(),
            left_out: Some(report.left_out)
                .filter(|left| left.objects > 0)
                .map(|left| LeftOutV1 { objects: left.objects, bytes: left.bytes }),
            counts: report.counts().into(),
            tracks: report
                .tracks
                .iter()
                .map(|track| TrackV1 {
                    uid: track.id.uid.map(|uid| uid.0.get()),
                    kind: track.id.kind.to_string(),
                    playlists: track.playlists.iter().map(|name| name.as_str().to_owned()).collect(),
                    segments: track.segments,
                    playing_ms: millis(track.playing),
                    first_slice: time(track.first),
                    last_slice_end: time(track.last),
                    synthetic: track.origin == ListOrigin::Rebuilt,
                    rotations: track.rotations.iter().map(RotationV1::from).collect(),
                })
                .collect(),
            segments: TallyV1::of(report.segments()),
            objects_total: TallyV1::of(&report.objects),
            objects: report.objects.iter().map(ObjectV1::from).collect(),
            earlier: Vec::new(),
            findings: report
                .findings
                .iter()
                .map(|finding| FindingV1 {
                    code: finding.code().to_owned(),
                    severity: finding.severity().into(),
                    text: finding.to_string(),
                })
                .collect(),
            joined: Vec::new(),
        }
    }
}

impl From<&ObjectReport> for ObjectV1 {
    fn from(object: &ObjectReport) -> Self {
        let (role, track) = match object.role {
            ObjectRole::Playlist => (RoleV1::Playlist, None),
            ObjectRole::Segment(track) => (RoleV1::Segment, Some(track.to_string())),
            ObjectRole::Other => (RoleV1::Other, None),
        };
        let evidence = match &object.verdict {
            Verdict::Verified { evidence } => Some(EvidenceV1::from(evidence)),
            Verdict::Absent { .. }
            | Verdict::Denied { .. }
            | Verdict::Frozen { .. }
            | Verdict::Unreachable { .. }
            | Verdict::Corrupt { .. }
            | Verdict::NotRequested
            | Verdict::Interrupted => None,
        };
        Self {
            name: object.name.as_str().to_owned(),
            key: object.key.as_ref().map(|key| key.as_str().to_owned()),
            path: object.path.clone(),
            offset: object.offset,
            role,
            track,
            format: object.format.map(|form| form.code().to_owned()),
            starts: object.starts.map(|t| t.to_string()),
            duration_ms: object.duration.map(millis),
            codec: object.form.codec.clone(),
            width: object.form.picture.map(|picture| picture.width),
            height: object.form.picture.map(|picture| picture.height),
            verdict: object.verdict.code().to_owned(),
            detail: object.verdict.to_string(),
            evidence,
            size: object.size,
            digests: object.digests.iter().map(DigestV1::from).collect(),
            source: object.from.as_ref().map(|from| from.as_str().to_owned()),
            origin: match object.origin {
                Origin::Fetched => OriginV1::Fetched,
                Origin::Kept => OriginV1::Kept,
                Origin::Nowhere => OriginV1::Nowhere,
            },
            failed_tries: object
                .failed_tries
                .iter()
                .map(|t| TryV1 { source: t.from.as_str().to_owned(), why: t.why.clone() })
                .collect(),
            at: object.at.to_string(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(value: &bool) -> bool {
    !value
}

impl TallyV1 {
    fn of<'a>(objects: impl IntoIterator<Item = &'a ObjectReport>) -> Self {
        let objects: Vec<_> = objects.into_iter().collect();
        let Tally {
            store_digest,
            structure,
            length_only,
            absent,
            denied,
            frozen,
            unreachable,
            corrupt,
            not_requested,
            interrupted,
        } = Report::tally(objects.iter().copied());
        let verified = objects.iter().filter(|object| object.verdict.is_verified());
        Self {
            total: objects.len(),
            store_digest,
            structure,
            length_only,
            absent,
            denied,
            frozen,
            unreachable,
            corrupt,
            not_requested,
            interrupted,
            verified_bytes: verified.filter_map(|object| object.size).sum(),
        }
    }
}

impl From<&Digest> for DigestV1 {
    fn from(digest: &Digest) -> Self {
        Self { algorithm: digest.algorithm().to_string(), hex: digest.hex() }
    }
}

impl DigestV1 {
    /// The digest, where this version knows its algorithm.
    #[must_use]
    pub fn to_digest(&self) -> Option<Digest> {
        Digest::from_hex(algorithm(&self.algorithm)?, &self.hex)
    }
}

impl From<&Evidence> for EvidenceV1 {
    fn from(evidence: &Evidence) -> Self {
        let kind = evidence.code().to_owned();
        match evidence {
            Evidence::StoreDigest { algorithm, by } => {
                Self { kind, algorithm: Some(algorithm.to_string()), by: Some(by.as_str().to_owned()) }
            }
            Evidence::Structure | Evidence::LengthOnly => Self { kind, algorithm: None, by: None },
        }
    }
}

impl EvidenceV1 {
    /// The evidence, where this version knows its kind.
    #[must_use]
    pub fn to_evidence(&self) -> Option<Evidence> {
        match self.kind.as_str() {
            "store-digest" => Some(Evidence::StoreDigest {
                algorithm: algorithm(self.algorithm.as_deref()?)?,
                by: SourceName::new(self.by.as_deref()?),
            }),
            "structure" => Some(Evidence::Structure),
            "length-only" => Some(Evidence::LengthOnly),
            _ => None,
        }
    }
}

impl From<Severity> for SeverityV1 {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Note => Self::Note,
            Severity::Warning => Self::Warning,
            Severity::Loss => Self::Loss,
        }
    }
}

fn algorithm(word: &str) -> Option<Algorithm> {
    use Algorithm::{Crc32, Crc32c, Crc64Nvme, Crc64Xz, Md5, Qetag, Sha1, Sha256};
    [Sha256, Sha1, Qetag, Crc64Nvme, Crc64Xz, Crc32c, Crc32, Md5].into_iter().find(|a| a.to_string() == word)
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_and_evidence_come_back_as_they_went() {
        let digest = Digest::new(Algorithm::Crc64Nvme, vec![1; 8]).unwrap();
        assert_eq!(DigestV1::from(&digest).to_digest(), Some(digest));
        let qetag = Digest::from_qetag("Fqr0xh3cxeii2r7eDztILNmuqUNN", 5).unwrap();
        assert_eq!(DigestV1::from(&qetag).to_digest(), Some(qetag));
        for evidence in [
            Evidence::StoreDigest { algorithm: Algorithm::Md5, by: SourceName::new("prod") },
            Evidence::Structure,
            Evidence::LengthOnly,
        ] {
            assert_eq!(EvidenceV1::from(&evidence).to_evidence(), Some(evidence));
        }
        let unknown = EvidenceV1 { kind: "oath".into(), algorithm: None, by: None };
        assert_eq!(unknown.to_evidence(), None);
    }
}
