//! What the report says about the forms of a recording, and about objects that it does not judge.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DigestV1, EvidenceV1, ObjectV1};
use crate::archive::Record;
use crate::domain::digest::Algorithm;
use crate::domain::form::{MediaForm, PictureSize};
use crate::domain::key::ObjectName;
use crate::domain::place::SourceName;
use crate::domain::report::Counts;
use crate::domain::time::SliceTime;

/// What is there and was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutV1 {
    /// How many objects.
    pub objects: usize,
    /// Their size, as far as the listing tells.
    pub bytes: u64,
}

/// How many there are of each kind, wherever they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountsV1 {
    /// Users, in individual mode.
    pub uids: usize,
    /// Tracks.
    pub tracks: usize,
    /// Master playlists and DASH manifests.
    pub masters: usize,
    /// Lists of all kinds, masters among them.
    pub playlists: usize,
    /// Segments.
    pub segments: usize,
    /// MP4 files.
    pub mp4: usize,
    /// Sound files.
    pub audio: usize,
    /// Pictures.
    pub images: usize,
    /// Everything else.
    pub other: usize,
}

/// An object that an earlier run proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierV1 {
    /// Its name in the recording.
    pub name: String,
    /// Its path in the bag.
    pub path: String,
    /// Bytes before it in the joined file of that path, where it is part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Its length in bytes.
    pub size: u64,
    /// Its codecs, where they were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// Pixels across, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Digests of its bytes.
    pub digests: Vec<DigestV1>,
    /// What the proof rested on.
    pub evidence: EvidenceV1,
    /// The place that the bytes came from.
    pub source: String,
    /// When it was proven, RFC 3339 in UTC.
    pub at: String,
}

impl From<Counts> for CountsV1 {
    fn from(counts: Counts) -> Self {
        let Counts { uids, tracks, masters, playlists, segments, mp4, audio, images, other } = counts;
        Self { uids, tracks, masters, playlists, segments, mp4, audio, images, other }
    }
}

impl From<&Record> for EarlierV1 {
    fn from(record: &Record) -> Self {
        Self {
            name: record.name.as_str().to_owned(),
            path: record.path.clone(),
            offset: record.offset,
            size: record.size,
            codec: record.form.codec.clone(),
            width: record.form.picture.map(|picture| picture.width),
            height: record.form.picture.map(|picture| picture.height),
            digests: record.digests.iter().map(DigestV1::from).collect(),
            evidence: EvidenceV1::from(&record.evidence),
            source: record.from.as_str().to_owned(),
            at: record.at.to_string(),
        }
    }
}

impl EarlierV1 {
    /// The same of an object that a report calls verified; `None` for any other.
    pub(in crate::archive) fn of(object: &ObjectV1) -> Option<Self> {
        Some(Self {
            name: object.name.clone(),
            path: object.path.clone()?,
            offset: object.offset,
            size: object.size?,
            codec: object.codec.clone(),
            width: object.width,
            height: object.height,
            digests: object.digests.clone(),
            evidence: object.evidence.clone()?,
            source: object.source.clone()?,
            at: object.at.clone(),
        })
    }

    /// What a journal would say; `None` where a part of it is not known or not safe.
    pub(in crate::archive) fn to_record(&self) -> Option<Record> {
        let record = Record {
            name: ObjectName::parse(&self.name).ok()?,
            path: ObjectName::parse(&self.path).ok()?.as_str().to_owned(),
            offset: self.offset,
            size: self.size,
            digests: self.digests.iter().filter_map(DigestV1::to_digest).collect(),
            evidence: self.evidence.to_evidence()?,
            from: SourceName::new(&self.source),
            etag: None,
            at: SliceTime::from_unix_ms(self.at.parse::<jiff::Timestamp>().ok()?.as_millisecond())?,
            clock: None,
            playing_ms: None,
            breaks: 0,
            form: MediaForm {
                codec: self.codec.clone(),
                picture: self.width.zip(self.height).map(|(width, height)| PictureSize { width, height }),
            },
            // Nobody here has hashed the file yet, so its time is not to be believed.
            mtime: -1,
        };
        record.digests.iter().any(|digest| digest.algorithm() == Algorithm::Sha256).then_some(record)
    }
}
