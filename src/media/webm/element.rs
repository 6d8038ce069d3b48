//! The heads of EBML elements (RFC 8794) and which elements may stand where (RFC 9559).

/// More bytes than this no head has: four of identifier, eight of size.
pub(super) const LONGEST_HEAD: usize = 12;

/// Identifier and size of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// With its length marker, as it is written.
    pub(super) id: u32,
    /// Bytes of content; `None` where the writer did not know.
    pub(super) size: Option<u64>,
}

/// What the first bytes of an element tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadHead {
    /// Not enough of them.
    More,
    /// No element starts like this.
    Bad,
    /// All of it.
    Whole(Head),
}

/// Where an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Top,
    Header,
    Segment,
    Info,
    Tracks,
    Entry,
    Video,
    Cluster,
    Group,
}

/// A value that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    DocType,
    TimestampScale,
    Duration,
    TrackNumber,
    TrackType,
    CodecId,
    DefaultDuration,
    PixelWidth,
    PixelHeight,
    ClusterTimestamp,
    BlockDuration,
}

/// What to do with an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its children are looked at.
    Enter(Place),
    /// Its value is.
    Value(Value),
    /// Its head is: track, time and flags.
    Block,
    /// Known, and passed over.
    Skip,
    /// Says that a block needs another one to be decoded.
    Reference,
    /// Not known here.
    Unknown,
}

pub(super) const EBML: u32 = 0x1a45_dfa3;
pub(super) const SEGMENT: u32 = 0x1853_8067;
pub(super) const SIMPLE_BLOCK: u32 = 0xa3;
const VOID: u32 = 0xec;
const CRC: u32 = 0xbf;

/// Reads identifier and size. Never needs more than [`LONGEST_HEAD`] bytes.
pub(super) fn read_head(bytes: &[u8]) -> ReadHead {
    let Some((id, rest)) = read_number(bytes, 4) else { return missing(bytes, 4) };
    let bits = marker_free_bits(id.length);
    let data = id.raw & bits;
    // All zeros and all ones are reserved.
    if data == 0 || data == bits {
        return ReadHead::Bad;
    }
    let Some((size, _)) = read_number(rest, 8) else { return missing(rest, 8) };
    let bits = marker_free_bits(size.length);
    let value = size.raw & bits;
    match u32::try_from(id.raw) {
        Ok(id) => ReadHead::Whole(Head { id, size: (value != bits).then_some(value) }),
        Err(_) => ReadHead::Bad,
    }
}

/// A number of variable length without its marker, and how many bytes it takes.
pub(super) fn read_vint(bytes: &[u8]) -> Option<(u64, usize)> {
    let (number, _) = read_number(bytes, 8)?;
    Some((number.raw & marker_free_bits(number.length), number.length))
}

struct Number {
    raw: u64,
    length: usize,
}

fn read_number(bytes: &[u8], longest: usize) -> Option<(Number, &[u8])> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    if length > longest || bytes.len() < length {
        return None;
    }
    let (number, rest) = bytes.split_at(length);
    Some((Number { raw: big_endian(number), length }, rest))
}

fn missing(bytes: &[u8], longest: usize) -> ReadHead {
    let too_long = bytes.first().is_some_and(|first| first.leading_zeros() as usize >= longest);
    if too_long { ReadHead::Bad } else { ReadHead::More }
}

fn marker_free_bits(length: usize) -> u64 {
    (1 << (7 * length)) - 1
}

/// An unsigned number of up to eight bytes.
pub(super) fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// What an element is where it stands.
pub(super) fn kind_of(place: Place, id: u32) -> Kind {
    if matches!(id, VOID | CRC) {
        return Kind::Skip;
    }
    match place {
        Place::Top => match id {
            EBML => Kind::Enter(Place::Header),
            SEGMENT => Kind::Enter(Place::Segment),
            _ => Kind::Unknown,
        },
        Place::Header => match id {
            0x4282 => Kind::Value(Value::DocType),
            // Versions, longest lengths, extensions.
            0x4286 | 0x42f7 | 0x42f2 | 0x42f3 | 0x4287 | 0x4285 | 0x4281 => Kind::Skip,
            _ => Kind::Unknown,
        },
        Place::Segment => match id {
            0x1549_a966 => Kind::Enter(Place::Info),
            0x1654_ae6b => Kind::Enter(Place::Tracks),
            0x1f43_b675 => Kind::Enter(Place::Cluster),
            // Seek head, cues, attachments, chapters, tags.
            0x114d_9b74 | 0x1c53_bb6b | 0x1941_a469 | 0x1043_a770 | 0x1254_c367 => Kind::Skip,
            _ => Kind::Unknown,
        },
        Place::Info => match id {
            0x2a_d7b1 => Kind::Value(Value::TimestampScale),
            0x4489 => Kind::Value(Value::Duration),
            // Identifiers and names of this and other segments, translation, date, title, programs.
            0x73a4 | 0x7384 | 0x3c_b923 | 0x3c_83ab | 0x3e_b923 | 0x3e_83bb | 0x4444 | 0x6924 | 0x4461
            | 0x7ba9 | 0x4d80 | 0x5741 => Kind::Skip,
            _ => Kind::Unknown,
        },
        Place::Tracks => match id {
            0xae => Kind::Enter(Place::Entry),
            _ => Kind::Unknown,
        },
        Place::Entry => match id {
            0xd7 => Kind::Value(Value::TrackNumber),
            0x83 => Kind::Value(Value::TrackType),
            0x86 => Kind::Value(Value::CodecId),
            0x23_e383 => Kind::Value(Value::DefaultDuration),
            0xe0 => Kind::Enter(Place::Video),
            // A track has many more, and none of them tells where it ends.
            _ => Kind::Skip,
        },
        Place::Video => match id {
            0xb0 => Kind::Value(Value::PixelWidth),
            0xba => Kind::Value(Value::PixelHeight),
            _ => Kind::Skip,
        },
        Place::Cluster => match id {
            0xe7 => Kind::Value(Value::ClusterTimestamp),
            SIMPLE_BLOCK => Kind::Block,
            0xa0 => Kind::Enter(Place::Group),
            // Position, size of the one before, silent tracks, encrypted blocks.
            0xa7 | 0xab | 0x5854 | 0xaf => Kind::Skip,
            _ => Kind::Unknown,
        },
        Place::Group => match id {
            0xa1 => Kind::Block,
            0x9b => Kind::Value(Value::BlockDuration),
            0xfb => Kind::Reference,
            // Additions, virtual blocks, priority, codec state, padding, slices, reference frames.
            0x75a1 | 0xa2 | 0xfa | 0xfd | 0xa4 | 0x75a2 | 0x8e | 0xc8 => Kind::Skip,
            _ => Kind::Unknown,
        },
    }
}

/// Whether an element of unknown size ends where this one starts: it belongs to one that lies further out
/// (RFC 8794, section 6.2).
pub(super) fn ends(place: Place, id: u32) -> bool {
    match place {
        Place::Cluster => {
            kind_of(place, id) == Kind::Unknown
                && (kind_of(Place::Segment, id) != Kind::Unknown || ends(Place::Segment, id))
        }
        Place::Segment => matches!(id, EBML | SEGMENT),
        Place::Top
        | Place::Header
        | Place::Info
        | Place::Tracks
        | Place::Entry
        | Place::Video
        | Place::Group => false,
    }
}
