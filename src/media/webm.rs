//! Examines WebM and Matroska (RFC 9559, on EBML, RFC 8794) while it passes by.
//!
//! Push style: any number of bytes at a time; heads and small values are gathered, the rest is passed over.
//! Elements are entered only where the format has them, so nesting is bounded whatever a file claims. What
//! cannot be read ends the examination: behind it nobody knows where an element starts.
//!
//! What cannot be noticed: a changed byte in picture or sound, and, where the writer did not know the size of
//! the segment (live muxing), a cut between two elements.

mod element;
#[cfg(test)]
mod tests;
mod track;

use element::{Head, Kind, LONGEST_HEAD, Place, ReadHead, Value};
use track::Track;
pub use track::TrackSummary;

/// Tracks beyond these are not told apart.
const MOST_TRACKS: usize = 64;

/// Of a value as much as this is kept: more has no number, and no name of a codec.
const LONGEST_VALUE: usize = 64;

/// Longest head of a block: number of the track, time, flags.
const LONGEST_BLOCK_HEAD: u64 = 8 + 2 + 1;

/// The largest unit of time that is believed, in nanoseconds.
const LARGEST_SCALE: u64 = 1 << 40;

/// What was seen in a WebM file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// As the header names it: `webm` or `matroska`; `None` where there is no EBML header.
    pub doc_type: Option<String>,
    /// How the end of the segment, which is nearly all of the file, is known.
    pub extent: Extent,
    /// Whether the file ends inside an element.
    pub cut: bool,
    /// Where the first element starts that cannot be read, or that runs out of the one around it.
    pub broken_at: Option<u64>,
    /// Bytes behind the segment that are no element of the file.
    pub trailing_bytes: u64,
    /// Elements that the format does not have where they stand.
    pub unknown_elements: u64,
    /// Clusters: pieces of some seconds.
    pub clusters: u64,
    /// Blocks of picture and sound.
    pub blocks: u64,
    /// Blocks of a track that was not announced, or outside of a cluster with a time.
    pub stray_blocks: u64,
    /// How long the file says that it plays, in milliseconds.
    pub announced_ms: Option<u64>,
    /// The time of the earliest block, in milliseconds.
    pub first_ms: Option<u64>,
    /// From the earliest block to the end of the latest, in milliseconds.
    pub span_ms: Option<u64>,
    /// Whether the first picture can be decoded alone; `None` without pictures.
    pub keyframe_first: Option<bool>,
    /// The tracks that the file announces.
    pub tracks: Vec<TrackSummary>,
}

/// How the end of a segment is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    /// There is none.
    #[default]
    Missing,
    /// Its size is not known: it ends where the file does.
    Open,
    /// It has a size.
    Sized,
}

/// Takes the bytes of one WebM file and counts.
#[derive(Debug, Clone)]
pub struct Examiner {
    /// Bytes that were taken.
    at: u64,
    /// Where the element starts that is read now.
    start: u64,
    state: State,
    /// The bytes of a head, a value or the head of a block that have come.
    gathered: Vec<u8>,
    open: Vec<Open>,
    summary: Summary,
    scale_ns: u64,
    announced_ticks: Option<f64>,
    tracks: Vec<Track>,
    cluster_at: Option<i64>,
    group: Option<Block>,
    group_duration: Option<u64>,
    group_refers: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Head,
    Value {
        value: Value,
        left: u64,
    },
    BlockHead {
        left: u64,
    },
    Skip {
        left: u64,
    },
    /// Nothing that follows can be understood.
    Lost,
    /// All that follows is behind the end.
    Behind,
}

/// An element whose children are read.
#[derive(Debug, Clone, Copy)]
struct Open {
    place: Place,
    /// Where it ends; `None` where its writer did not know.
    end: Option<u64>,
    /// Where the innermost element around it ends that has an end, or it itself.
    limit: Option<u64>,
}

/// The head of a block.
#[derive(Debug, Clone, Copy)]
struct Block {
    track: u64,
    /// In the file's unit.
    time: i64,
    keyframe: bool,
}

impl Default for Examiner {
    fn default() -> Self {
        Self::new()
    }
}

impl Examiner {
    /// An examiner for one file.
    #[must_use]
    pub fn new() -> Self {
        Self {
            at: 0,
            start: 0,
            state: State::Head,
            gathered: Vec::new(),
            open: Vec::new(),
            summary: Summary::default(),
            scale_ns: 1_000_000,
            announced_ticks: None,
            tracks: Vec::new(),
            cluster_at: None,
            group: None,
            group_duration: None,
            group_refers: false,
        }
    }

    /// Takes the next bytes of the file, any number of them.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::Lost | State::Behind => {
                    self.at += bytes.len() as u64;
                    return;
                }
                State::Head => {
                    if self.gathered.is_empty() {
                        self.start = self.at;
                    }
                    self.gathered.push(bytes[0]);
                    bytes = &bytes[1..];
                    self.at += 1;
                    self.take_head();
                }
                State::Skip { left } => {
                    let (taken, rest) = split(bytes, left);
                    bytes = rest;
                    self.at += taken.len() as u64;
                    self.go_on(left - taken.len() as u64);
                }
                State::Value { value, left } => {
                    let (taken, rest) = split(bytes, left);
                    bytes = rest;
                    self.at += taken.len() as u64;
                    let room = LONGEST_VALUE - self.gathered.len();
                    self.gathered.extend_from_slice(&taken[..taken.len().min(room)]);
                    let left = left - taken.len() as u64;
                    self.state = State::Value { value, left };
                    if left == 0 {
                        self.end_value(value);
                    }
                }
                State::BlockHead { left } => {
                    self.gathered.push(bytes[0]);
                    bytes = &bytes[1..];
                    self.at += 1;
                    let left = left - 1;
                    self.state = State::BlockHead { left };
                    let whole = element::read_vint(&self.gathered)
                        .is_some_and(|(_, length)| self.gathered.len() == length + 3);
                    if whole {
                        self.take_block();
                        self.gathered.clear();
                        self.go_on(left);
                    } else if left == 0 || self.gathered.len() as u64 == LONGEST_BLOCK_HEAD {
                        self.lose();
                    }
                }
            }
        }
    }

    /// Ends the file.
    #[must_use]
    pub fn finish(mut self) -> Summary {
        match self.state {
            State::Behind => self.summary.trailing_bytes = self.at - self.start,
            State::Lost => {}
            State::Head if self.is_behind() && !self.gathered.is_empty() => {
                self.summary.trailing_bytes = self.at - self.start;
            }
            State::Head | State::Skip { .. } | State::Value { .. } | State::BlockHead { .. } => {
                let inside_sized = self.open.iter().any(|open| open.end.is_some());
                let between = matches!(self.state, State::Head) && self.gathered.is_empty();
                self.summary.cut = self.at > 0 && (!between || inside_sized);
            }
        }
        let ns = |ticks: i64| i128::from(ticks) * i128::from(self.scale_ns);
        let times: Vec<_> = self.tracks.iter().filter_map(|track| track.times(self.scale_ns)).collect();
        let first = self.tracks.iter().filter_map(Track::first).min();
        self.summary.first_ms = first.map(|ticks| millis(ns(ticks)));
        self.summary.span_ms = times
            .iter()
            .map(|(_, end)| *end)
            .max()
            .zip(times.iter().map(|(start, _)| *start).min())
            .map(|(end, start)| millis(end - start));
        self.summary.announced_ms = self.announced_ticks.and_then(|ticks| {
            let ms = ticks * self.scale_ns as f64 / 1e6;
            (ms.is_finite() && (0.0..1e15).contains(&ms)).then(|| ms.round() as u64)
        });
        let scale = self.scale_ns;
        self.summary.tracks = self.tracks.into_iter().map(|track| track.summarize(scale)).collect();
        self.summary
    }

    fn place(&self) -> Place {
        self.open.last().map_or(Place::Top, |open| open.place)
    }

    fn limit(&self) -> Option<u64> {
        self.open.last().and_then(|open| open.limit)
    }

    /// What cannot be understood ends the examination.
    fn lose(&mut self) {
        self.summary.broken_at = Some(self.start);
        self.gathered.clear();
        self.state = State::Lost;
    }

    fn take_head(&mut self) {
        let head = match element::read_head(&self.gathered) {
            ReadHead::More if self.gathered.len() < LONGEST_HEAD => return,
            ReadHead::More | ReadHead::Bad if self.is_behind() => return self.fall_behind(),
            ReadHead::More | ReadHead::Bad => return self.lose(),
            ReadHead::Whole(head) => head,
        };
        self.gathered.clear();
        while let Some(open) = self.open.last()
            && open.end.is_none()
            && element::ends(open.place, head.id)
        {
            self.close();
        }
        if self.place() == Place::Top && !self.fits_at_top(head) {
            return if self.is_behind() { self.fall_behind() } else { self.lose() };
        }
        let end = match head.size.map(|size| self.at.checked_add(size)) {
            Some(None) => return self.lose(),
            Some(Some(end)) => Some(end),
            None => None,
        };
        let limit = self.limit();
        if limit.is_some_and(|limit| self.at > limit || end.is_some_and(|end| end > limit)) {
            return self.lose();
        }
        let kind = element::kind_of(self.place(), head.id);
        match (kind, head.size) {
            (Kind::Enter(place), _) => self.enter(place, end, limit),
            (_, None) => self.lose(),
            (Kind::Value(value), Some(size)) => self.start_value(value, size),
            (Kind::Block, Some(size)) if size < 4 => self.lose(),
            (Kind::Block, Some(left)) => self.state = State::BlockHead { left },
            (Kind::Skip, Some(left)) => self.go_on(left),
            (Kind::Reference, Some(left)) => {
                self.group_refers = true;
                self.go_on(left);
            }
            (Kind::Unknown, Some(left)) => {
                self.summary.unknown_elements += 1;
                self.go_on(left);
            }
        }
    }

    /// Header, then segment; behind it nothing but room.
    fn fits_at_top(&self, head: Head) -> bool {
        match head.id {
            element::EBML => self.start == 0,
            element::SEGMENT => self.summary.doc_type.is_some() && !self.is_behind(),
            id => self.start > 0 && element::kind_of(Place::Top, id) == Kind::Skip,
        }
    }

    fn is_behind(&self) -> bool {
        self.open.is_empty() && self.summary.extent != Extent::Missing
    }

    fn fall_behind(&mut self) {
        self.gathered.clear();
        self.state = State::Behind;
    }

    fn enter(&mut self, place: Place, end: Option<u64>, around: Option<u64>) {
        match place {
            Place::Segment => {
                self.summary.extent = if end.is_some() { Extent::Sized } else { Extent::Open };
            }
            Place::Cluster => {
                self.summary.clusters += 1;
                self.cluster_at = None;
            }
            Place::Header => self.summary.doc_type = Some(String::new()),
            Place::Entry if self.tracks.len() < MOST_TRACKS => self.tracks.push(Track::default()),
            Place::Group => (self.group, self.group_duration, self.group_refers) = (None, None, false),
            Place::Top | Place::Info | Place::Tracks | Place::Entry | Place::Video => {}
        }
        if end.is_none() && !matches!(place, Place::Segment | Place::Cluster) {
            return self.lose();
        }
        self.open.push(Open { place, end, limit: end.or(around) });
        self.go_on(0);
    }

    fn start_value(&mut self, value: Value, size: u64) {
        let is_number = !matches!(value, Value::DocType | Value::CodecId);
        if is_number && size > 8 {
            return self.lose();
        }
        self.state = State::Value { value, left: size };
        if size == 0 {
            // A number of no bytes is 0, a text of none is empty.
            self.end_value(value);
        }
    }

    fn end_value(&mut self, value: Value) {
        self.take_value(value);
        if !matches!(self.state, State::Lost) {
            self.gathered.clear();
            self.go_on(0);
        }
    }

    /// Passes over what is left of an element, and closes what ends with it.
    fn go_on(&mut self, left: u64) {
        if left > 0 {
            self.state = State::Skip { left };
            return;
        }
        self.state = State::Head;
        while self.open.last().is_some_and(|open| open.end == Some(self.at)) {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        match open.place {
            Place::Group => self.close_group(),
            Place::Cluster => self.cluster_at = None,
            Place::Top
            | Place::Header
            | Place::Segment
            | Place::Info
            | Place::Tracks
            | Place::Entry
            | Place::Video => {}
        }
    }

    fn close_group(&mut self) {
        let Some(block) = self.group.take() else { return };
        let block = Block { keyframe: !self.group_refers, ..block };
        let duration = self.group_duration.take();
        self.count(block, duration);
    }

    fn take_value(&mut self, value: Value) {
        let number = element::big_endian(&self.gathered[..self.gathered.len().min(8)]);
        let text = || {
            let text = String::from_utf8_lossy(&self.gathered);
            text.trim_end_matches('\0').to_owned()
        };
        let track = self.tracks.last_mut();
        match value {
            Value::DocType => self.summary.doc_type = Some(text()),
            // A scale of zero would make every time the same, and no file counts in quarters of an hour.
            Value::TimestampScale if number == 0 || number > LARGEST_SCALE => self.lose(),
            Value::TimestampScale => self.scale_ns = number,
            Value::Duration => {
                self.announced_ticks = match *self.gathered.as_slice() {
                    [a, b, c, d] => Some(f64::from(f32::from_be_bytes([a, b, c, d]))),
                    [a, b, c, d, e, f, g, h] => Some(f64::from_be_bytes([a, b, c, d, e, f, g, h])),
                    _ => None,
                };
            }
            Value::CodecId => {
                let text = text();
                track.into_iter().for_each(|track| track.codec.clone_from(&text));
            }
            Value::TrackNumber => track.into_iter().for_each(|track| track.number = number),
            Value::TrackType => track.into_iter().for_each(|track| track.set_type(number)),
            Value::DefaultDuration => track.into_iter().for_each(|track| track.default_ns = Some(number)),
            Value::PixelWidth => track.into_iter().for_each(|track| track.width = u32::try_from(number).ok()),
            Value::PixelHeight => {
                track.into_iter().for_each(|track| track.height = u32::try_from(number).ok());
            }
            Value::ClusterTimestamp => match i64::try_from(number) {
                // Room for the times of blocks before and behind.
                Ok(time) if time < i64::MAX / 2 => self.cluster_at = Some(time),
                Ok(_) | Err(_) => self.lose(),
            },
            Value::BlockDuration => self.group_duration = Some(number),
        }
    }

    fn take_block(&mut self) {
        let Some((track, length)) = element::read_vint(&self.gathered) else { return };
        let &[high, low, flags] = &self.gathered[length..] else { return };
        self.summary.blocks += 1;
        let Some(cluster_at) = self.cluster_at else {
            self.summary.stray_blocks += 1;
            return;
        };
        let time = cluster_at + i64::from(i16::from_be_bytes([high, low]));
        let block = Block { track, time, keyframe: flags & 0x80 != 0 };
        if self.place() == Place::Group {
            self.group = Some(block);
        } else {
            self.count(block, None);
        }
    }

    fn count(&mut self, block: Block, duration: Option<u64>) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.number == block.track) else {
            self.summary.stray_blocks += 1;
            return;
        };
        if track.is_video() {
            self.summary.keyframe_first.get_or_insert(block.keyframe);
        }
        track.count(block.time, duration);
    }
}

fn split(bytes: &[u8], at: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len())))
}

fn millis(ns: i128) -> u64 {
    u64::try_from(ns.max(0) / 1_000_000).unwrap_or(u64::MAX)
}
