//! What kind of picture and sound a segment holds, and how the picture has to be turned.

use std::fmt;

use super::key::ObjectName;
use super::plan::PlannedSegment;
use super::playlist::{Mark, Rotation};
use super::time::SliceTime;

/// What the bytes of a segment tell about their form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaForm {
    /// The codecs, pictures before sound: `h264+aac`.
    pub codec: Option<String>,
    /// The size of the picture.
    pub picture: Option<PictureSize>,
}

/// The size of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureSize {
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

/// What an `EXT-X-AGORA-ROTATE` says, at the segment that it stands before. It holds for the segments behind
/// as well, until the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationMark {
    /// The segment.
    pub segment: ObjectName,
    /// From when on.
    pub at: SliceTime,
    /// The size of the picture.
    pub picture: PictureSize,
    /// By how much the picture has to be turned. The bytes are not turned, here or anywhere.
    pub rotation: Rotation,
}

/// The marks of a track in playing order.
#[must_use]
pub fn rotation_marks(segments: &[PlannedSegment]) -> Vec<RotationMark> {
    let marks = segments.iter().flat_map(|segment| {
        segment.listed.marks.iter().filter_map(|mark| match *mark {
            Mark::Rotate { width, height, degrees, at } => Some(RotationMark {
                segment: segment.name.clone(),
                at,
                picture: PictureSize { width, height },
                rotation: degrees,
            }),
            Mark::TrackEvent { .. } => None,
        })
    });
    marks.collect()
}

impl fmt::Display for PictureSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}
