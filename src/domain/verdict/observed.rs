//! What is known about an object before its bytes come, and what is seen while they do.

use std::fmt;
use std::time::Duration;

use super::media::{Format, JpegFacts, Mp4Facts, SoundFacts, WebMFacts};
use crate::domain::digest::Digest;
use crate::domain::form::MediaForm;
use crate::domain::key::ObjectName;

/// What is known about an object before its bytes come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Its length by a listing or a response header.
    pub size: Option<u64>,
    /// Digests of the whole object that its store vouches for.
    pub digests: Vec<Digest>,
    /// What its bytes should be.
    pub content: Content,
    /// How long it plays, by the playlist.
    pub duration: Option<Duration>,
    /// Where its time stamps should start on the 90 kHz clock, once its neighbours have told.
    pub starts_at: Option<u64>,
    /// Another segment whose bytes came in its place once, with the SHA-256 of those bytes.
    pub not_as: Option<(ObjectName, Digest)>,
}

/// What the bytes of an object should be, by its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Content {
    /// MPEG transport stream: its structure is examined.
    TransportStream,
    /// A playlist: examined by the playlist reader.
    Playlist,
    /// WebM: its structure is examined.
    WebM,
    /// MP4 or M4A: its structure is examined.
    Mp4,
    /// AAC in ADTS frames: its structure is examined.
    Adts,
    /// MP3: its structure is examined.
    Mp3,
    /// A JPEG picture: its structure is examined.
    Jpeg,
    /// Anything else: only length and digest can be judged.
    #[default]
    Opaque,
}

/// What was seen while the bytes of an object came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// How many bytes came.
    pub size: u64,
    /// How the end of the body was known.
    pub framing: Framing,
    /// SHA-256, and whatever else was computed.
    pub digests: Vec<Digest>,
    /// What the bytes look like.
    pub structure: Structure,
}

/// How the end of a body was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The length was announced and reached.
    Length,
    /// The body came in chunks and the last one was marked.
    Chunked,
    /// The connection was closed: a cut cannot be told from an end.
    Close,
}

/// What the bytes of an object look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Structure {
    /// Nobody looked, because nothing is known about this kind of content.
    NotExamined,
    /// A web page, an XML document or JSON where media was expected.
    Page(Page),
    /// A transport stream, whole or broken.
    TransportStream(TsFacts),
    /// A WebM file, whole or broken.
    WebM(WebMFacts),
    /// An MP4 file, whole or broken.
    Mp4(Mp4Facts),
    /// A file of ADTS or MP3 frames, whole or broken.
    Sound(SoundFacts),
    /// A JPEG picture, whole or broken.
    Jpeg(JpegFacts),
}

/// Text that servers send in the place of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// A web page.
    Html,
    /// An XML document, mostly a store's error.
    Xml,
    /// A JSON document.
    Json,
}

/// What was seen in a transport stream (ISO/IEC 13818-1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TsFacts {
    /// Whole packets of 188 bytes that start with the sync byte.
    pub packets: u64,
    /// Bytes behind the last whole packet.
    pub trailing_bytes: u64,
    /// Packets that do not start with the sync byte.
    pub lost_sync: u64,
    /// Whether a valid program association table was seen.
    pub has_pat: bool,
    /// Whether a valid program map table was seen.
    pub has_pmt: bool,
    /// Sections of either table whose CRC is wrong.
    pub bad_sections: u64,
    /// Elementary streams that the program map announces.
    pub streams: u32,
    /// Elementary streams of which at least one PES packet with a time stamp came.
    pub streams_with_media: u32,
    /// PES packets that started.
    pub pes_starts: u64,
    /// PES packets that announce a length and got another.
    pub pes_broken: u64,
    /// Breaks in the continuity counters.
    pub continuity_errors: u64,
    /// Packets with the transport error indicator.
    pub transport_errors: u64,
    /// Scrambled packets, whose content cannot be seen.
    pub scrambled: u64,
    /// The lowest presentation time stamp, 90 kHz, of the stream that starts first.
    pub first_pts: Option<u64>,
    /// From the first to the last presentation time stamp of the longest stream, plus one frame, 90 kHz.
    pub span: Option<u64>,
    /// What kind of picture and sound it is.
    pub form: MediaForm,
    /// What a closer look told, where one was asked for. No verdict rests on it.
    pub closer: Option<CloserFacts>,
}

/// What a closer look at a transport stream told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloserFacts {
    /// Whether the first picture can be shown without any before it; `None` where nobody can tell.
    pub key_first: Option<bool>,
    /// Whether the parameter sets that a decoder needs stand in front of the first picture.
    pub parameters_first: Option<bool>,
    /// Pictures that start in it.
    pub pictures: Option<u64>,
    /// Whether its sound is nothing but silence, by its coding; `None` where nobody can tell.
    pub silent: Option<bool>,
    /// What its clock reference does.
    pub clock: Option<ClockFacts>,
}

/// What the program clock reference of a transport stream does, in parts of 1/90,000 s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockFacts {
    /// The first value.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// How often it goes back without saying so.
    pub backwards: u64,
    /// How far the time stamps of its own stream lie ahead of it, at the least and at the most.
    pub lead: Option<(i64, i64)>,
}

impl Content {
    /// The form that the bytes are examined as; `None` where their structure is not.
    #[must_use]
    pub fn format(self) -> Option<Format> {
        match self {
            Self::TransportStream => Some(Format::TransportStream),
            Self::WebM => Some(Format::WebM),
            Self::Mp4 => Some(Format::Mp4),
            Self::Adts => Some(Format::Adts),
            Self::Mp3 => Some(Format::Mp3),
            Self::Jpeg => Some(Format::Jpeg),
            Self::Playlist | Self::Opaque => None,
        }
    }
}

impl From<Option<Format>> for Content {
    fn from(form: Option<Format>) -> Self {
        match form {
            Some(Format::TransportStream) => Self::TransportStream,
            Some(Format::WebM) => Self::WebM,
            Some(Format::Mp4) => Self::Mp4,
            Some(Format::Adts) => Self::Adts,
            Some(Format::Mp3) => Self::Mp3,
            Some(Format::Jpeg) => Self::Jpeg,
            None => Self::Opaque,
        }
    }
}

impl Structure {
    /// How long the media plays, in milliseconds, where its structure tells.
    #[must_use]
    pub fn playing_ms(&self) -> Option<u64> {
        match self {
            Self::TransportStream(facts) => facts.span.map(|span| span / 90),
            Self::WebM(facts) => facts.playing_ms,
            Self::Mp4(facts) => facts.playing_ms,
            Self::Sound(facts) => facts.playing_ms,
            Self::Jpeg(_) | Self::NotExamined | Self::Page(_) => None,
        }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "a web page",
            Self::Xml => "an XML document",
            Self::Json => "a JSON document",
        })
    }
}
