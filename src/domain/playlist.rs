//! What a media playlist lists, read so that hostile, cut and odd text gives findings, never an error.
//!
//! Two readers look at the text. The line scanner here is the authority on which segments exist, because
//! it knows every line by its number and loses none. `m3u8-rs` reads a guarded copy, and where it sees
//! other segments that is a finding.
//!
//! URIs are object keys. Nothing is resolved or percent-decoded: `a b#1?.ts` is a legal name at Agora
//! (error text 1013, 2022-07), and so `a.ts?x=1` is the name of an object.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::finding::Finding;
use super::key::{ObjectKey, ObjectName};
use super::time::SliceTime;

mod attributes;
mod crosscheck;
pub mod master;
mod scanner;
mod uri;

/// How many bytes of a playlist are read. A day of slices is about one megabyte.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How many lines of a playlist are read.
pub const MAX_LINES: usize = 400_000;

/// Which URIs may become requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UriPolicy {
    /// Only names relative to the playlist's folder: all that Agora writes.
    #[default]
    NamesOnly,
    /// Besides, `http` and `https` URLs and paths from the root of the bucket, which other tools put into
    /// playlists. A name that climbs stays refused.
    AllowAbsolute,
}

/// A playlist as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// Where it lies; names in it are relative to this folder.
    pub key: ObjectKey,
    /// What it lists, in its order. A segment that is listed again (same URI, same byte range) is left out
    /// and reported: the first occurrence decides where it plays.
    pub segments: Vec<Segment>,
    /// The playlists that a master playlist names; empty for a media playlist.
    pub children: Vec<Child>,
    /// Whether it says that nothing will be added.
    pub ended: Ended,
    /// `EXT-X-TARGETDURATION`. Agora's is above the longest segment by up to three seconds, and other
    /// writers use fractions.
    pub target_duration: Option<Duration>,
    /// `EXT-X-MEDIA-SEQUENCE`.
    pub media_sequence: Option<u64>,
    /// The tags that concern the whole playlist.
    pub header: Vec<Tag>,
    /// Tags and comments behind the last segment.
    pub trailing: Vec<Tag>,
    /// Agora's marks behind the last segment.
    pub closing_marks: Vec<Mark>,
}

/// Whether a playlist says that nothing will be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It has `EXT-X-ENDLIST`.
    Yes,
    /// It has not, or was not read to its end.
    No,
}

/// One entry of a playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its place in [`Playlist::segments`].
    pub index: usize,
    /// The line of its URI, from 1.
    pub line: usize,
    /// What it is.
    pub uri: SegmentUri,
    /// `EXTINF`, from its decimal text to the nearest microsecond.
    pub duration: Option<Duration>,
    /// Whether the time stamps start anew here.
    pub discontinuity: Discontinuity,
    /// Whether the writer of the playlist knew that there are no bytes.
    pub gap: Gap,
    /// The part of the object, where not the whole.
    pub byte_range: Option<ByteRange>,
    /// The initialisation section that holds for it; carried forward.
    pub map: Option<Arc<InitSection>>,
    /// Whether it is encrypted; carried forward.
    pub encryption: Encryption,
    /// What Agora says about its content.
    pub marks: Vec<Mark>,
    /// Every tag and comment since the segment before it (for the first one: that is not in
    /// [`Playlist::header`]), `EXTINF` included.
    pub tags: Vec<Tag>,
}

/// What an entry names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SegmentUri {
    /// A name relative to the playlist's folder.
    Name(ObjectName),
    /// A key from the root of the bucket; only by [`UriPolicy::AllowAbsolute`].
    Rooted(ObjectKey),
    /// A URL of its own; only by [`UriPolicy::AllowAbsolute`].
    Elsewhere(String),
    /// Never requested; escaped and shortened.
    Unsafe(String),
}

/// A playlist that a master playlist names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The line that names it.
    pub line: usize,
    /// What it is.
    pub uri: SegmentUri,
}

/// Whether the time stamps start anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Discontinuity {
    /// They run on from the segment before.
    #[default]
    Continues,
    /// `EXT-X-DISCONTINUITY` stands before it. Agora's first segment always has it.
    Restarts,
}

/// Whether an entry has bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gap {
    /// As usual.
    #[default]
    No,
    /// `EXT-X-GAP`: the writer of the playlist says that it has none.
    Announced,
}

/// A part of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// Bytes before it.
    pub offset: u64,
    /// Bytes in it.
    pub length: u64,
}

/// An `EXT-X-MAP`: an object that segments need before they can be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitSection {
    /// The line of the tag.
    pub line: usize,
    /// What it is.
    pub uri: SegmentUri,
    /// The part of the object, where not the whole.
    pub byte_range: Option<ByteRange>,
}

/// Whether a segment is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encryption {
    /// No `EXT-X-KEY`, or one with `METHOD=NONE`.
    #[default]
    Clear,
    /// By the `EXT-X-KEY` in this line.
    Key {
        /// Its number.
        line: usize,
    },
}

/// A line that starts with `#`, word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its number, from 1.
    pub line: usize,
    /// Its text without the line end.
    pub text: String,
}

/// What Agora says about the content (Agora, "manage recorded files", 2026-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// `EXT-X-AGORA-TRACK-EVENT`: a track starts.
    TrackEvent {
        /// Which.
        track: MediaKind,
        /// When.
        at: SliceTime,
    },
    /// `EXT-X-AGORA-ROTATE`: the picture's size and rotation from here on.
    Rotate {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// By how much the picture has to be turned.
        degrees: Rotation,
        /// When.
        at: SliceTime,
    },
}

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// `AUDIO`.
    Audio,
    /// `VIDEO`.
    Video,
}

/// A rotation, anticlockwise (Agora, "manage recorded files", 2026-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// Upright.
    Deg0,
    /// A quarter to the left.
    Deg90,
    /// Upside down.
    Deg180,
    /// A quarter to the right.
    Deg270,
}

/// Reads a playlist. There is always one, with findings on all that is odd, in the order of the lines.
///
/// Takes time linear in the size of the text, of which [`MAX_BYTES`] and [`MAX_LINES`] are read.
/// A last line without a line end is read and reported as cut off. An `EXT-X-ENDLIST` there is not: it is
/// all there, and nothing after it could matter.
#[must_use]
pub fn read(key: &ObjectKey, bytes: &[u8], policy: UriPolicy) -> (Playlist, Vec<Finding>) {
    let (playlist, mut findings, guarded) = scanner::scan(key, bytes, policy);
    if let Some(disagreement) = guarded.and_then(|guarded| crosscheck::compare(key, guarded)) {
        findings.push(disagreement);
    }
    (playlist, findings)
}

impl SegmentUri {
    /// The object's name, where it lies in the playlist's folder.
    #[must_use]
    pub fn name(&self) -> Option<&ObjectName> {
        match self {
            Self::Name(name) => Some(name),
            Self::Rooted(_) | Self::Elsewhere(_) | Self::Unsafe(_) => None,
        }
    }
}

impl Playlist {
    /// The keys of the segments that lie in its folder.
    pub fn keys(&self) -> impl Iterator<Item = ObjectKey> {
        let folder = self.key.folder();
        let names = self.segments.iter().filter_map(|segment| segment.uri.name());
        names.filter_map(move |name| name.in_folder(&folder).ok())
    }

    /// The sum of all durations that could be read.
    #[must_use]
    pub fn playing(&self) -> Duration {
        self.segments
            .iter()
            .filter_map(|segment| segment.duration)
            .fold(Duration::ZERO, Duration::saturating_add)
    }
}

impl ByteRange {
    /// The first byte behind it, where that is a number.
    #[must_use]
    pub fn end(self) -> Option<u64> {
        self.offset.checked_add(self.length)
    }
}

impl Rotation {
    /// The angle in degrees, anticlockwise.
    #[must_use]
    pub fn degrees(self) -> u16 {
        match self {
            Self::Deg0 => 0,
            Self::Deg90 => 90,
            Self::Deg180 => 180,
            Self::Deg270 => 270,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Self::Deg0),
            "90" => Some(Self::Deg90),
            "180" => Some(Self::Deg180),
            "270" => Some(Self::Deg270),
            _ => None,
        }
    }
}

impl fmt::Display for SegmentUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Rooted(key) => write!(f, "/{key}"),
            Self::Elsewhere(text) | Self::Unsafe(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
