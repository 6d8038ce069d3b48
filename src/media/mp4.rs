//! Examines MP4 (ISO base media files, ISO/IEC 14496-12) while it passes by; M4A is the same format.
//!
//! Push style: any number of bytes at a time. Media data is passed over, and only where it lies is kept; the
//! index (`moov`) is gathered up to a limit and read at the end, because it may stand before or
//! behind the media that it points into. Time and memory are linear in the bytes that came, whatever sizes
//! and counts the file claims.
//!
//! What cannot be noticed: a changed byte in picture or sound, and, in fragmented files without a closing
//! `mfra`, a cut between two fragments.

mod boxes;
mod fragment;
mod movie;
#[cfg(test)]
mod tests;

use boxes::{Extent, Name};
use fragment::Fragments;
use movie::Movie;

/// The largest index that is read: some seven hours of picture and sound, where Agora ends a file after two. The
/// structure of a file with a larger one is not proven.
pub const LARGEST_INDEX: usize = 24 << 20;

/// The largest index that an examiner gathers unless it is told to take more. Many files may pass at once.
pub const USUAL_INDEX: usize = 512 << 10;

/// A fragment's index is read up to this.
const LARGEST_FRAGMENT_INDEX: usize = 4 << 20;

/// Of the pieces of media data so many are remembered; more of them an unfragmented file does not have.
const MOST_EXTENTS: usize = 1 << 16;

/// Brands, and what closes a fragmented file.
const LARGEST_SMALL_BOX: usize = 4 << 10;

/// What was seen in an MP4 file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The major brand; `None` where the file does not start with `ftyp` or `styp`.
    pub brand: Option<String>,
    /// Whether the file ends inside a box.
    pub cut: bool,
    /// Where the first box starts that cannot be read.
    pub broken_at: Option<u64>,
    /// Whether an index (`moov`) came whole.
    pub has_index: bool,
    /// Whether an index is too large to be read, or the media lies in too many pieces.
    pub too_large: bool,
    /// Boxes and tables of the index that do not fit together.
    pub bad_tables: u64,
    /// Chunks and fragments' runs that the index puts outside of the media data of the file.
    pub outside: u64,
    /// Fragments (`moof`) that came whole.
    pub fragments: u64,
    /// Fragments that do not follow the one before by their numbers.
    pub fragment_breaks: u64,
    /// Whether a fragmented file is closed by its random access index (`mfra`), which is written last.
    pub is_closed: bool,
    /// Samples, that is pictures and frames of sound, of all tracks.
    pub samples: u64,
    /// How long the file says that it plays, in milliseconds.
    pub announced_ms: Option<u64>,
    /// How long its longest track plays by its samples, in milliseconds.
    pub span_ms: Option<u64>,
    /// The tracks.
    pub tracks: Vec<TrackSummary>,
}

/// What was seen of one track.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackSummary {
    /// By which fragments name it.
    pub id: u32,
    /// What it is for.
    pub kind: super::TrackKind,
    /// The four letters of its first sample entry: `avc1`, `mp4a`.
    pub codec: String,
    /// Of its pictures.
    pub width: Option<u32>,
    /// Of its pictures.
    pub height: Option<u32>,
    /// Clockwise, in degrees, where it is a quarter turn.
    pub rotation: Option<u16>,
    /// Pictures or frames of sound.
    pub samples: u64,
    /// How long they play, in milliseconds.
    pub span_ms: Option<u64>,
}

/// Takes the bytes of one MP4 file and looks at its boxes.
#[derive(Debug, Clone)]
pub struct Examiner {
    /// The largest index that is gathered.
    limit: usize,
    /// Bytes that were taken.
    at: u64,
    /// Where the box starts that is read now.
    start: u64,
    state: State,
    /// The bytes of a head or of a box that is kept.
    gathered: Vec<u8>,
    summary: Summary,
    index: Option<Vec<u8>>,
    media: Vec<Extent>,
    fragments: Fragments,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Head,
    /// In a box that is passed over.
    Skip {
        name: Name,
        left: Left,
    },
    /// In a box that is kept.
    Keep {
        name: Name,
        left: Left,
    },
    /// Nothing that follows can be understood.
    Lost,
}

/// How much of a box is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Bytes(u64),
    /// It goes to the end of the file.
    All,
}

impl Default for Examiner {
    fn default() -> Self {
        Self::new()
    }
}

impl Examiner {
    /// An examiner for one file of many that pass at once: an index above [`USUAL_INDEX`] is too large.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(USUAL_INDEX)
    }

    /// An examiner that gathers an index of up to so many bytes, at most [`LARGEST_INDEX`].
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit: limit.min(LARGEST_INDEX),
            at: 0,
            start: 0,
            state: State::Head,
            gathered: Vec::new(),
            summary: Summary::default(),
            index: None,
            media: Vec::new(),
            fragments: Fragments::default(),
        }
    }

    /// Takes the next bytes of the file, any number of them.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::Lost => {
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
                State::Skip { name, left } => {
                    let (taken, rest, left) = left.take(bytes);
                    bytes = rest;
                    self.at += taken.len() as u64;
                    self.state = State::Skip { name, left };
                    self.close_if_done();
                }
                State::Keep { name, left } => {
                    let (taken, rest, left) = left.take(bytes);
                    bytes = rest;
                    self.at += taken.len() as u64;
                    if self.gathered.capacity() - self.gathered.len() < taken.len() {
                        // By a quarter: doubling would hold twice the limit.
                        self.gathered.reserve_exact(taken.len().max(self.gathered.len() / 4));
                    }
                    self.gathered.extend_from_slice(taken);
                    self.state = State::Keep { name, left };
                    if self.gathered.len() > largest(&name, self.limit) {
                        // Its claimed size was small enough; it goes to the end of the file.
                        self.summary.too_large = true;
                        self.gathered = Vec::new();
                        self.state = State::Skip { name, left };
                    }
                    self.close_if_done();
                }
            }
        }
    }

    /// Ends the file.
    #[must_use]
    pub fn finish(mut self) -> Summary {
        match self.state {
            State::Lost => {}
            State::Head => self.summary.cut = !self.gathered.is_empty(),
            State::Skip { left: Left::All, .. } | State::Keep { left: Left::All, .. } => self.close_box(),
            State::Skip { .. } | State::Keep { .. } => self.summary.cut = true,
        }
        let Self { mut summary, index, media, fragments, .. } = self;
        if let Some(index) = index {
            let movie = Movie::read(&index);
            let points_into_media = movie.check(&media);
            summary.bad_tables += points_into_media.bad_tables;
            summary.outside += points_into_media.outside;
            summary.announced_ms = movie.announced_ms();
            summary.tracks = movie.tracks.iter().map(|track| track.summarize(&fragments)).collect();
        }
        fragments.end(&mut summary);
        summary.samples = summary.tracks.iter().map(|track| track.samples).sum();
        summary.span_ms = summary.tracks.iter().filter_map(|track| track.span_ms).max();
        summary
    }

    fn take_head(&mut self) {
        let [a, b, c, d, e, f, g, h, rest @ ..] = self.gathered.as_slice() else { return };
        let (size, name) = (u32::from_be_bytes([*a, *b, *c, *d]), [*e, *f, *g, *h]);
        let head = self.gathered.len() as u64;
        let left = match size {
            0 => Left::All,
            1 => match *rest {
                [a, b, c, d, e, f, g, h] => {
                    match u64::from_be_bytes([a, b, c, d, e, f, g, h]).checked_sub(head) {
                        Some(left) if self.at.checked_add(left).is_some() => Left::Bytes(left),
                        Some(_) | None => return self.lose(),
                    }
                }
                _ => return,
            },
            size => match u64::from(size).checked_sub(head) {
                Some(left) => Left::Bytes(left),
                None => return self.lose(),
            },
        };
        // A name is four printable letters, or starts with the sign that QuickTime has for its own.
        let is_name = name.iter().all(|letter| (0x20..0x7f).contains(letter) || *letter == 0xa9);
        let is_first = self.start == 0;
        if !is_name || (is_first && !matches!(&name, b"ftyp" | b"styp")) {
            return self.lose();
        }
        self.gathered.clear();
        let is_small = |limit: usize| match left {
            Left::Bytes(left) => left <= limit as u64,
            Left::All => true,
        };
        let keep = match &name {
            b"moov" if self.summary.has_index || self.index.is_some() => {
                self.summary.bad_tables += 1;
                false
            }
            b"ftyp" | b"styp" => is_first && is_small(LARGEST_SMALL_BOX),
            b"moov" | b"moof" if !is_small(largest(&name, self.limit)) => {
                self.summary.too_large = true;
                false
            }
            b"moov" | b"moof" => true,
            b"mfra" => is_small(largest(&name, self.limit)),
            _ => false,
        };
        // Only the end of a file closes it.
        self.summary.is_closed = false;
        self.state = if keep { State::Keep { name, left } } else { State::Skip { name, left } };
        if is_first && !keep {
            self.summary.brand = Some(String::new());
        }
        self.close_if_done();
    }

    fn lose(&mut self) {
        self.summary.broken_at = Some(self.start);
        self.gathered = Vec::new();
        self.state = State::Lost;
    }

    fn close_if_done(&mut self) {
        match self.state {
            State::Skip { left: Left::Bytes(0), .. } | State::Keep { left: Left::Bytes(0), .. } => {
                self.close_box();
                self.state = State::Head;
            }
            State::Skip { .. } | State::Keep { .. } | State::Head | State::Lost => {}
        }
    }

    fn close_box(&mut self) {
        match self.state {
            State::Skip { name, .. } => match &name {
                b"mdat" if self.media.len() < MOST_EXTENTS => {
                    self.media.push(Extent { start: self.start, end: self.at });
                    self.fragments.media(Extent { start: self.start, end: self.at });
                }
                b"mdat" => {
                    self.fragments.media(Extent { start: self.start, end: self.at });
                    // Fragments are looked at one by one; an index of everything would need them all.
                    self.summary.too_large |= self.summary.fragments == 0;
                }
                b"moov" => self.summary.has_index = true,
                _ => {}
            },
            State::Keep { name, .. } => {
                let content = std::mem::take(&mut self.gathered);
                match &name {
                    b"moov" => {
                        self.summary.has_index = true;
                        self.fragments.defaults(&content);
                        self.index = Some(content);
                    }
                    b"moof" => {
                        self.summary.fragments += 1;
                        self.fragments.take(&content, self.start);
                    }
                    b"mfra" => self.summary.is_closed = fragment::is_closing(&content, self.at - self.start),
                    // Only brands are left.
                    _ => self.summary.brand = Some(boxes::letters(content.get(..4).unwrap_or_default())),
                }
            }
            State::Head | State::Lost => {}
        }
    }
}

impl Left {
    fn take(self, bytes: &[u8]) -> (&[u8], &[u8], Self) {
        match self {
            Self::All => (bytes, &[], self),
            Self::Bytes(left) => {
                let (taken, rest) =
                    bytes.split_at(usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len())));
                (taken, rest, Self::Bytes(left - taken.len() as u64))
            }
        }
    }
}

fn largest(name: &Name, limit: usize) -> usize {
    match name {
        b"moov" | b"mfra" => limit,
        b"moof" => limit.min(LARGEST_FRAGMENT_INDEX),
        _ => LARGEST_SMALL_BOX,
    }
}
