//! What the report says about joined files and about the form of what they hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::form::RotationMark;

/// A file that was made from segments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JoinedV1 {
    /// Its name where it lies beside the bag, its path in the bag where it is the payload, else the path that
    /// was asked for.
    pub file: String,
    /// Its path in the bag, where it is kept there in the place of its segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its SHA-256, where it is kept in the bag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its track.
    pub track: String,
    /// Which of the files of its track it is, from 1; nothing where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<usize>,
    /// What is new in it against the run before: `size`, `codec` or `rotation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Its length in bytes.
    pub size: u64,
    /// Segments in it.
    pub segments: usize,
    /// When its first segment starts, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<String>,
    /// The sum of the durations of its segments, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// By how many degrees the picture has to be turned anticlockwise at its start, by the playlist. The bytes
    /// are as they were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate: Option<u16>,
    /// Its segments in their order, and where each starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartV1>,
    /// Where size, codec or rotation change inside of it. Empty unless that was allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeV1>,
    /// Segments that are not in it, by name. Empty unless gaps were allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
    /// Segments that are in the bag and not in it, because a later recorder's segments cover all their time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Segments that are missing and leave no hole, because another recorder's segments cover all their time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<String>,
    /// How long two recorders play at the same time in it, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_ms: Option<u64>,
}

/// A segment in a joined file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartV1 {
    /// Its name.
    pub name: String,
    /// Bytes before it.
    pub offset: u64,
}

/// A change of form inside of a joined file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeV1 {
    /// The first segment behind it.
    pub segment: String,
    /// `size`, `codec` or `rotation`.
    pub what: String,
}

/// How the picture has to be turned from a segment on (`EXT-X-AGORA-ROTATE`). Nothing here turns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RotationV1 {
    /// The segment that it stands before.
    pub segment: String,
    /// From when on.
    pub time: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Degrees anticlockwise: 0, 90, 180 or 270.
    pub rotate: u16,
}

impl From<&RotationMark> for RotationV1 {
    fn from(mark: &RotationMark) -> Self {
        Self {
            segment: mark.segment.as_str().to_owned(),
            time: mark.at.to_string(),
            width: mark.picture.width,
            height: mark.picture.height,
            rotate: mark.rotation.degrees(),
        }
    }
}
