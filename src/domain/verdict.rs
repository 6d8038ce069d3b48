//! The end of each object: a verdict, and the evidence that it rests on.

mod forms;
mod judging;
mod media;
mod observed;
mod prefix;

use std::fmt;

use super::digest::{Algorithm, Digest};
use super::place::{Denial, Obstacle, SourceName};

pub use judging::{PLAYING_TIME_SLACK, START_SLACK, clock_distance, judge, plays_in_full, plays_ms_in_full};
pub use media::{Format, JpegFacts, Mp4Facts, SoundFacts, TrackFacts, TrackMedium, WebMFacts};
pub use observed::{
    ClockFacts, CloserFacts, Content, Expectation, Framing, Observation, Page, Structure, TsFacts,
};
pub use prefix::judge_prefix;

/// The verdict on one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Here, whole, and proven by this.
    Verified {
        /// What it rests on.
        evidence: Evidence,
    },
    /// Every place that was asked is sure not to have it.
    Absent {
        /// The places.
        looked_in: Vec<SourceName>,
    },
    /// A place refused.
    Denied {
        /// The place.
        from: SourceName,
        /// Why, where it said so.
        why: Denial,
    },
    /// It exists, in an archived class, and needs a restore first.
    Frozen {
        /// The place.
        from: SourceName,
        /// The class as the store names it.
        class: Option<String>,
    },
    /// No answer, or none that could be used, within the bounds of count and time.
    Unreachable {
        /// The place that was asked last.
        from: SourceName,
        /// What stood in the way.
        last: Obstacle,
    },
    /// Bytes came and they are wrong.
    Corrupt {
        /// The place that sent them last.
        from: SourceName,
        /// What is wrong.
        what: Corruption,
    },
    /// Its name in the playlist is not one that is requested.
    NotRequested,
    /// The run was stopped before it was fetched.
    Interrupted,
}

/// What a [`Verdict::Verified`] rests on, from strong to weak.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// A digest that a store publishes for the object is the digest of the bytes.
    StoreDigest {
        /// How it was made.
        algorithm: Algorithm,
        /// The store that vouches.
        by: SourceName,
    },
    /// The bytes are whole media whose structure tells where they end, and a segment plays as long as the
    /// playlist says. A flipped bit inside the picture or sound would not show.
    Structure,
    /// The length that was announced came, and no more is known.
    LengthOnly,
}

/// What is wrong with bytes that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Corruption {
    /// No bytes at all.
    Empty,
    /// A page of text where media was expected.
    Page(Page),
    /// Another number of bytes than the listing names.
    Size {
        /// By the listing.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The end of the body could not be told from a cut, and nothing else proves it.
    UnknownEnd,
    /// The store's digest is another.
    Digest {
        /// What the store publishes.
        expected: Digest,
        /// What the bytes have.
        found: Digest,
    },
    /// Not a transport stream at all.
    NotTransportStream,
    /// Ends in the middle of a packet.
    CutInPacket,
    /// The sync byte was lost on the way.
    LostSync {
        /// In so many packets.
        packets: u64,
    },
    /// No program association or program map table.
    NoProgram,
    /// Tables, but no picture and no sound.
    NoMedia,
    /// Packets are missing or broken inside.
    Continuity {
        /// So many breaks.
        breaks: u64,
    },
    /// Plays for another time than the playlist says.
    PlayingTime {
        /// By the playlist, in milliseconds.
        expected_ms: u64,
        /// By the time stamps, in milliseconds.
        found_ms: u64,
    },
    /// The time stamps are those of another place in the recording.
    OtherTime {
        /// By its neighbours, in milliseconds on the stream's clock.
        expected_ms: u64,
        /// By its own time stamps.
        found_ms: u64,
    },
    /// Byte for byte the same as another segment.
    SameAs {
        /// The other segment.
        other: super::key::ObjectName,
    },
    /// Not a file of the form that its name tells.
    NotOfFormat {
        /// The form.
        form: Format,
    },
    /// Ends before the structure says that it does.
    CutInside {
        /// The form.
        form: Format,
    },
    /// Cannot be read from some place on.
    Broken {
        /// The form.
        form: Format,
        /// The place, in bytes from the start.
        at: u64,
    },
    /// More bytes than the structure says.
    Trailing {
        /// So many.
        bytes: u64,
    },
    /// An MP4 file without `moov`, which is written last: nothing can play it.
    NoIndex,
    /// An MP4 file whose index does not fit its media.
    WrongIndex {
        /// Tables that contradict each other, and chunks that lie outside of the media data.
        places: u64,
    },
    /// Fewer frames than the file says.
    FramesMissing {
        /// By the file.
        expected: u64,
        /// That came.
        found: u64,
    },
}

impl Verdict {
    /// A stable word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "verified",
            Self::Absent { .. } => "absent",
            Self::Denied { .. } => "denied",
            Self::Frozen { .. } => "frozen",
            Self::Unreachable { .. } => "unreachable",
            Self::Corrupt { .. } => "corrupt",
            Self::NotRequested => "not-requested",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the object is here and whole.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified { .. })
    }
}

impl Evidence {
    /// A stable word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::StoreDigest { .. } => "store-digest",
            Self::Structure => "structure",
            Self::LengthOnly => "length-only",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StoreDigest { algorithm, by } => write!(f, "the {algorithm} that {by} publishes"),
            Self::Structure => f.write_str("structure"),
            Self::LengthOnly => f.write_str("length only"),
        }
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no bytes"),
            Self::Page(page) => write!(f, "{page} instead of media"),
            Self::Size { expected, found } => write!(f, "{found} bytes instead of {expected}"),
            Self::UnknownEnd => f.write_str("the end of the body cannot be told from a cut"),
            Self::Digest { expected, found } => write!(f, "{found} instead of {expected}"),
            Self::NotTransportStream => f.write_str("not a transport stream"),
            Self::CutInPacket => f.write_str("ends in the middle of a packet"),
            Self::LostSync { packets } => write!(f, "{packets} packets without the sync byte"),
            Self::NoProgram => f.write_str("no program tables"),
            Self::NoMedia => f.write_str("no picture and no sound"),
            Self::Continuity { breaks } => write!(f, "{breaks} breaks inside the stream"),
            Self::PlayingTime { expected_ms, found_ms } => {
                write!(f, "plays {found_ms} ms, the playlist says {expected_ms} ms")
            }
            Self::OtherTime { expected_ms, found_ms } => {
                write!(f, "its time stamps start at {found_ms} ms, its neighbours say {expected_ms} ms")
            }
            Self::SameAs { other } => write!(f, "the same bytes as `{other}`"),
            Self::NotOfFormat { form: form @ (Format::Mp4 | Format::Mp3) } => write!(f, "not an {form}"),
            Self::NotOfFormat { form } => write!(f, "not a {form}"),
            Self::CutInside { form } => write!(f, "a {form} that ends too early"),
            Self::Broken { form, at } => write!(f, "a {form} that cannot be read from byte {at} on"),
            Self::Trailing { bytes } => write!(f, "{bytes} bytes behind the end"),
            Self::NoIndex => f.write_str("no index (moov): nothing can play it"),
            Self::WrongIndex { places } => {
                write!(f, "an index that does not fit the media in {places} places")
            }
            Self::FramesMissing { expected, found } => write!(f, "{found} frames of {expected}"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified { evidence } => write!(f, "verified by {evidence}"),
            Self::Absent { looked_in } => {
                f.write_str("absent in ")?;
                for (i, place) in looked_in.iter().enumerate() {
                    if i > 0 {
                        f.write_str(if i + 1 == looked_in.len() { " and " } else { ", " })?;
                    }
                    place.fmt(f)?;
                }
                Ok(())
            }
            Self::Denied { from, why } => write!(f, "denied by {from}: {why}"),
            Self::Frozen { from, class: Some(class) } => {
                write!(f, "frozen in {from}: archived as {class}, needs a restore")
            }
            Self::Frozen { from, class: None } => write!(f, "frozen in {from}: archived, needs a restore"),
            Self::Unreachable { from, last } => write!(f, "unreachable in {from}: {last}"),
            Self::Corrupt { from, what } => write!(f, "corrupt from {from}: {what}"),
            Self::NotRequested => f.write_str("not requested: its name in the playlist is not safe"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}
