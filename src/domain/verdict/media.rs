//! What is seen in forms of media other than transport streams.

use std::fmt;

/// A form of media file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// MPEG transport stream (ISO/IEC 13818-1).
    TransportStream,
    /// WebM or Matroska (RFC 9559).
    WebM,
    /// MP4 and M4A (ISO/IEC 14496-12).
    Mp4,
    /// AAC in ADTS frames (ISO/IEC 14496-3).
    Adts,
    /// MP3 (ISO/IEC 11172-3, layer III).
    Mp3,
    /// A JPEG picture (ITU-T T.81).
    Jpeg,
}

/// What a track is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackMedium {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles, metadata, and whatever the file does not tell.
    Other,
}

/// What a file says about one of its tracks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackFacts {
    /// What it is for.
    pub medium: TrackMedium,
    /// As the file names it: `V_VP8`, `avc1`.
    pub codec: String,
    /// Of its pictures, in pixels.
    pub width: Option<u32>,
    /// Of its pictures, in pixels.
    pub height: Option<u32>,
    /// How its pictures are to be turned, clockwise, in degrees, where the file tells.
    pub rotation: Option<u16>,
    /// How long it plays, in milliseconds.
    pub playing_ms: Option<u64>,
}

/// What was seen in a WebM file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebMFacts {
    /// Whether the header names WebM or Matroska.
    pub is_webm: bool,
    /// Whether there is a segment, which holds all media.
    pub has_segment: bool,
    /// Whether the segment has a size, which was reached.
    pub is_sized: bool,
    /// Whether the file ends inside an element.
    pub cut: bool,
    /// Where the first element starts that cannot be read, or that runs out of the one around it.
    pub broken_at: Option<u64>,
    /// Bytes behind the segment.
    pub trailing_bytes: u64,
    /// Elements that the format does not have where they stand, and blocks of no track.
    pub strange: u64,
    /// Blocks of picture and sound.
    pub blocks: u64,
    /// Blocks of picture; `None` without a track of pictures.
    pub pictures: Option<u64>,
    /// How long the file says that it plays, in milliseconds.
    pub announced_ms: Option<u64>,
    /// From the first block to the end of the last, in milliseconds.
    pub playing_ms: Option<u64>,
    /// Whether the first picture can be decoded alone; `None` without pictures.
    pub keyframe_first: Option<bool>,
    /// The tracks.
    pub tracks: Vec<TrackFacts>,
}

/// What was seen in an MP4 file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mp4Facts {
    /// Whether it starts with its brands.
    pub is_mp4: bool,
    /// Whether the file ends inside a box.
    pub cut: bool,
    /// Where the first box starts that cannot be read.
    pub broken_at: Option<u64>,
    /// Whether the index (`moov`) came whole.
    pub has_index: bool,
    /// Whether the index is too large to be looked at.
    pub too_large: bool,
    /// Boxes and tables of the index that do not fit together.
    pub bad_tables: u64,
    /// Chunks that the index puts outside of the media data of the file.
    pub outside: u64,
    /// Whether media comes in fragments.
    pub fragmented: bool,
    /// Fragments that do not follow the one before by their numbers.
    pub fragment_breaks: u64,
    /// Whether a fragmented file has the index that is written last.
    pub is_closed: bool,
    /// Pictures and frames of sound.
    pub samples: u64,
    /// How long the file says that it plays, in milliseconds.
    pub announced_ms: Option<u64>,
    /// How long its longest track plays by its samples, in milliseconds.
    pub playing_ms: Option<u64>,
    /// The tracks.
    pub tracks: Vec<TrackFacts>,
}

/// What was seen in a file of ADTS or MP3 frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundFacts {
    /// Which of the two.
    pub format: Format,
    /// Frames that started.
    pub frames: u64,
    /// Whether the file ends inside a frame or tag.
    pub cut: bool,
    /// Where something starts that is neither.
    pub broken_at: Option<u64>,
    /// Bytes behind the closing tag.
    pub trailing_bytes: u64,
    /// How many frames the file says that it has.
    pub announced_frames: Option<u64>,
    /// Whether the frames have as many bytes as the file says; `None` where it does not.
    pub bytes_fit: Option<bool>,
    /// How long the frames play, in milliseconds.
    pub playing_ms: Option<u64>,
}

/// What was seen in a JPEG picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JpegFacts {
    /// Whether it starts as one.
    pub is_jpeg: bool,
    /// Whether the end marker came.
    pub ended: bool,
    /// Where something stands that is no marker where one must be.
    pub broken_at: Option<u64>,
    /// Bytes behind the end marker.
    pub trailing_bytes: u64,
    /// In pixels.
    pub width: Option<u32>,
    /// In pixels.
    pub height: Option<u32>,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::TransportStream, Self::WebM, Self::Mp4, Self::Adts, Self::Mp3, Self::Jpeg];

    /// The form of a file by the ending of its name, in any case.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "ts" => Self::TransportStream,
            "webm" => Self::WebM,
            "mp4" | "m4a" => Self::Mp4,
            "aac" => Self::Adts,
            "mp3" => Self::Mp3,
            "jpg" | "jpeg" => Self::Jpeg,
            _ => return None,
        })
    }

    /// A stable word for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TransportStream => "transport-stream",
            Self::WebM => "webm",
            Self::Mp4 => "mp4",
            Self::Adts => "adts",
            Self::Mp3 => "mp3",
            Self::Jpeg => "jpeg",
        }
    }

    /// The form of this word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.code() == code)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TransportStream => "transport stream",
            Self::WebM => "WebM file",
            Self::Mp4 => "MP4 file",
            Self::Adts => "file of AAC frames",
            Self::Mp3 => "MP3 file",
            Self::Jpeg => "JPEG picture",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_name_tells_the_form_in_any_case() {
        for (name, form) in [
            ("a.ts", Some(Format::TransportStream)),
            ("a.b.WEBM", Some(Format::WebM)),
            ("a.mp4", Some(Format::Mp4)),
            ("a.M4A", Some(Format::Mp4)),
            ("a.aac", Some(Format::Adts)),
            ("a.mp3", Some(Format::Mp3)),
            ("a.jpg", Some(Format::Jpeg)),
            ("a.m3u8", None),
            ("a.ts.bak", None),
            ("ts", None),
        ] {
            assert_eq!(Format::of_name(name), form, "{name}");
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for form in Format::ALL {
            assert_eq!(Format::from_code(form.code()), Some(form));
        }
        assert_eq!(Format::from_code("ogg"), None);
    }
}
