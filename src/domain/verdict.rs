//! The end of each object: a verdict, and the evidence that it rests on.

use std::fmt;
use std::time::Duration;

use super::digest::{Algorithm, Digest};
use super::place::{Denial, Obstacle, SourceName};

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
    pub not_as: Option<(super::key::ObjectName, Digest)>,
}

/// What the bytes of an object should be, by its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Content {
    /// MPEG transport stream: its structure is examined.
    TransportStream,
    /// A playlist: examined by the playlist reader.
    Playlist,
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
}

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
    /// The bytes are a whole transport stream that plays as long as the playlist says. A flipped bit inside
    /// the picture or sound would not show.
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
}

/// How far the playing time may be from the playlist's before it is called wrong: a fixed part for the
/// frames at either end and streams that start apart, and a part of the whole for slices with pauses.
pub const PLAYING_TIME_SLACK: Duration = Duration::from_millis(1500);
const PLAYING_TIME_SLACK_PERCENT: u64 = 15;

/// How far the start of the time stamps may be from where the neighbours put it, on the 90 kHz clock.
pub const START_SLACK: u64 = 90_000;

/// Judges bytes that came against what was known before.
///
/// `by` is the place that vouches for the digests in `expected`.
///
/// # Errors
/// What is wrong with the bytes.
pub fn judge(expected: &Expectation, seen: &Observation, by: &SourceName) -> Result<Evidence, Corruption> {
    if seen.size == 0 && expected.content != Content::Opaque {
        return Err(Corruption::Empty);
    }
    if let Some(size) = expected.size
        && size != seen.size
    {
        return Err(if seen.size == 0 {
            Corruption::Empty
        } else {
            Corruption::Size { expected: size, found: seen.size }
        });
    }
    let proven = match_digests(expected, seen)?;
    if let (None, Some((other, bytes))) = (proven, &expected.not_as)
        && seen.digests.contains(bytes)
    {
        return Err(Corruption::SameAs { other: other.clone() });
    }
    let structure_holds = match expected.content {
        Content::TransportStream => judge_structure(expected, &seen.structure, proven.is_some())?,
        // What a store vouches for is kept, whatever it is; else a page is the answer of something else.
        Content::Playlist if proven.is_none() => match &seen.structure {
            Structure::Page(page) => return Err(Corruption::Page(*page)),
            Structure::NotExamined | Structure::TransportStream(_) => false,
        },
        Content::Playlist | Content::Opaque => false,
    };
    if let Some(algorithm) = proven {
        return Ok(Evidence::StoreDigest { algorithm, by: by.clone() });
    }
    if structure_holds {
        return Ok(Evidence::Structure);
    }
    if expected.size.is_none() && seen.framing == Framing::Close {
        return Err(Corruption::UnknownEnd);
    }
    Ok(Evidence::LengthOnly)
}

/// The strongest digest that both sides have, or the mismatch.
fn match_digests(expected: &Expectation, seen: &Observation) -> Result<Option<Algorithm>, Corruption> {
    let mut proven: Option<Algorithm> = None;
    for digest in &expected.digests {
        let Some(found) = seen.digests.iter().find(|d| d.algorithm() == digest.algorithm()) else { continue };
        if found != digest {
            return Err(Corruption::Digest { expected: digest.clone(), found: found.clone() });
        }
        proven = Some(proven.map_or(digest.algorithm(), |best| best.min(digest.algorithm())));
    }
    Ok(proven)
}

/// Whether the structure proves the bytes. A store can vouch for bytes that were already wrong when they
/// were stored, so most of this counts against a right digest too; only damage that a recorder can do by
/// itself (missing packets) does not.
fn judge_structure(
    expected: &Expectation,
    structure: &Structure,
    digest_right: bool,
) -> Result<bool, Corruption> {
    let facts = match structure {
        Structure::NotExamined => return Ok(false),
        Structure::Page(page) => return Err(Corruption::Page(*page)),
        Structure::TransportStream(facts) => facts,
    };
    if facts.packets == 0 {
        return Err(Corruption::NotTransportStream);
    }
    if facts.trailing_bytes > 0 {
        return Err(Corruption::CutInPacket);
    }
    if facts.lost_sync > 0 {
        return Err(if facts.lost_sync >= facts.packets {
            Corruption::NotTransportStream
        } else {
            Corruption::LostSync { packets: facts.lost_sync }
        });
    }
    if facts.scrambled > 0 {
        return Ok(false);
    }
    if !facts.has_pat || !facts.has_pmt {
        return Err(Corruption::NoProgram);
    }
    if facts.streams_with_media == 0 {
        return Err(Corruption::NoMedia);
    }
    let breaks = facts.continuity_errors + facts.transport_errors + facts.bad_sections + facts.pes_broken;
    if breaks > 0 && !digest_right {
        return Err(Corruption::Continuity { breaks });
    }
    let mut timed = false;
    if let (Some(duration), Some(span)) = (expected.duration, facts.span) {
        let expected_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let found_ms = span / 90;
        let slack = u64::try_from(PLAYING_TIME_SLACK.as_millis()).unwrap_or(u64::MAX)
            + expected_ms / 100 * PLAYING_TIME_SLACK_PERCENT;
        if expected_ms.abs_diff(found_ms) > slack {
            return Err(Corruption::PlayingTime { expected_ms, found_ms });
        }
        timed = true;
    }
    if let (Some(start), Some(found)) = (expected.starts_at, facts.first_pts)
        && clock_distance(start, found) > START_SLACK
        && !digest_right
    {
        return Err(Corruption::OtherTime { expected_ms: start / 90, found_ms: found / 90 });
    }
    Ok(timed && breaks == 0)
}

/// The distance of two points on the 33-bit clock of a transport stream, which wraps every 26.5 hours.
#[must_use]
pub fn clock_distance(a: u64, b: u64) -> u64 {
    const WRAP: u64 = 1 << 33;
    let forward = a.wrapping_sub(b) % WRAP;
    forward.min(WRAP - forward)
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

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "a web page",
            Self::Xml => "an XML document",
            Self::Json => "a JSON document",
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn good_ts() -> TsFacts {
        TsFacts {
            packets: 400,
            has_pat: true,
            has_pmt: true,
            streams: 2,
            streams_with_media: 2,
            pes_starts: 300,
            first_pts: Some(126_000),
            span: Some(15 * 90_000),
            ..TsFacts::default()
        }
    }

    fn seen(structure: Structure) -> Observation {
        let md5 = Digest::from_hex(Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e").unwrap();
        Observation { size: 75_200, framing: Framing::Length, digests: vec![md5], structure }
    }

    fn slice() -> Expectation {
        Expectation {
            content: Content::TransportStream,
            duration: Some(Duration::from_secs(15)),
            ..Expectation::default()
        }
    }

    fn check(expected: &Expectation, facts: TsFacts) -> Result<Evidence, Corruption> {
        judge(expected, &seen(Structure::TransportStream(facts)), &SourceName::new("prod"))
    }

    #[test]
    fn a_whole_slice_is_proven_by_structure_and_better_by_digest() {
        assert_eq!(check(&slice(), good_ts()), Ok(Evidence::Structure));
        let md5 = Digest::from_hex(Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e").unwrap();
        let expected = Expectation { digests: vec![md5], ..slice() };
        assert_eq!(check(&expected, good_ts()).unwrap().code(), "store-digest");
    }

    #[test]
    fn without_a_playing_time_structure_proves_nothing() {
        let expected = Expectation { duration: None, ..slice() };
        assert_eq!(check(&expected, good_ts()), Ok(Evidence::LengthOnly));
    }

    #[test]
    fn each_damage_has_its_name() {
        let ts = good_ts();
        for (facts, what) in [
            (
                TsFacts { packets: 0, trailing_bytes: 90, ..TsFacts::default() },
                Corruption::NotTransportStream,
            ),
            (TsFacts { trailing_bytes: 1, ..ts.clone() }, Corruption::CutInPacket),
            (TsFacts { lost_sync: 1, ..ts.clone() }, Corruption::LostSync { packets: 1 }),
            (TsFacts { lost_sync: 400, ..ts.clone() }, Corruption::NotTransportStream),
            (TsFacts { has_pmt: false, ..ts.clone() }, Corruption::NoProgram),
            (TsFacts { streams_with_media: 0, ..ts.clone() }, Corruption::NoMedia),
            (TsFacts { continuity_errors: 2, ..ts.clone() }, Corruption::Continuity { breaks: 2 }),
            (
                TsFacts { span: Some(7 * 90_000), ..ts.clone() },
                Corruption::PlayingTime { expected_ms: 15_000, found_ms: 7_000 },
            ),
        ] {
            assert_eq!(check(&slice(), facts), Err(what));
        }
        let page = judge(&slice(), &seen(Structure::Page(Page::Html)), &SourceName::new("prod"));
        assert_eq!(page, Err(Corruption::Page(Page::Html)));
    }

    #[test]
    fn a_right_digest_excuses_recorded_packet_loss_but_not_a_short_slice() {
        let md5 = Digest::from_hex(Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e").unwrap();
        let expected = Expectation { digests: vec![md5], ..slice() };
        assert!(check(&expected, TsFacts { continuity_errors: 2, ..good_ts() }).is_ok());
        assert!(check(&expected, TsFacts { span: Some(90_000), ..good_ts() }).is_err());
    }

    #[test]
    fn a_wrong_digest_is_corrupt_whatever_else_holds() {
        let other = Digest::from_hex(Algorithm::Md5, "00000000000000000000000000000000").unwrap();
        let expected = Expectation { digests: vec![other], ..slice() };
        assert!(matches!(check(&expected, good_ts()), Err(Corruption::Digest { .. })));
    }

    #[test]
    fn another_slices_time_stamps_are_noticed_across_the_wrap() {
        let expected = Expectation { starts_at: Some(10 * 90_000), ..slice() };
        assert!(matches!(check(&expected, good_ts()), Err(Corruption::OtherTime { .. })));
        assert_eq!(clock_distance((1 << 33) - 5, 5), 10);
        assert_eq!(clock_distance(5, (1 << 33) - 5), 10);
    }

    #[test]
    fn an_end_that_may_be_a_cut_proves_nothing() {
        let expected = Expectation::default();
        let mut observation = seen(Structure::NotExamined);
        observation.framing = Framing::Close;
        let by = SourceName::new("web");
        assert_eq!(judge(&expected, &observation, &by), Err(Corruption::UnknownEnd));
        observation.framing = Framing::Chunked;
        assert_eq!(judge(&expected, &observation, &by), Ok(Evidence::LengthOnly));
    }
}
