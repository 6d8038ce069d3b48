//! The index of a file: its tracks, and where their samples lie.

use super::super::TrackKind;
use super::TrackSummary;
use super::boxes::{self, Boxes, Extent, find, full, millis, u16_at, u32_at, u64_at};
use super::fragment::Fragments;

/// More tracks than this are not looked at.
const MOST_TRACKS: usize = 256;

/// An index.
#[derive(Debug, Default)]
pub(super) struct Movie<'a> {
    scale: u32,
    duration: Option<u64>,
    pub(super) tracks: Vec<Track<'a>>,
    bad_boxes: u64,
}

/// A track of it.
#[derive(Debug, Default)]
pub(super) struct Track<'a> {
    id: u32,
    kind: TrackKind,
    codec: String,
    size: Option<(u32, u32)>,
    rotation: Option<u16>,
    scale: u32,
    tables: Option<Tables<'a>>,
}

/// Which samples there are, how long and how large, and where.
#[derive(Debug)]
struct Tables<'a> {
    sizes: Sizes<'a>,
    /// Entries of 12 bytes: first chunk, samples in each chunk, description.
    chunks: &'a [[u8; 12]],
    offsets: Offsets<'a>,
    /// Entries of 8 bytes: so many samples, each so long.
    times: &'a [[u8; 8]],
}

#[derive(Debug)]
enum Sizes<'a> {
    Same { size: u32, count: u32 },
    Words(&'a [[u8; 4]]),
    Halves(&'a [[u8; 2]]),
    Bytes(&'a [u8]),
    Nibbles { bytes: &'a [u8], count: usize },
}

#[derive(Debug)]
enum Offsets<'a> {
    Short(&'a [[u8; 4]]),
    Long(&'a [[u8; 8]]),
}

/// How an index fits the file.
#[derive(Debug, Default)]
pub(super) struct Fit {
    pub(super) bad_tables: u64,
    pub(super) outside: u64,
}

impl<'a> Movie<'a> {
    pub(super) fn read(content: &'a [u8]) -> Self {
        let mut movie = Self::default();
        for read in Boxes::new(content) {
            let Some((name, content)) = read else {
                movie.bad_boxes += 1;
                break;
            };
            match &name {
                b"mvhd" => match scale_and_duration(content) {
                    Some((scale, duration)) => (movie.scale, movie.duration) = (scale, duration),
                    None => movie.bad_boxes += 1,
                },
                b"trak" if movie.tracks.len() < MOST_TRACKS => match Track::read(content) {
                    Some(track) => movie.tracks.push(track),
                    None => movie.bad_boxes += 1,
                },
                _ => {}
            }
        }
        movie
    }

    pub(super) fn announced_ms(&self) -> Option<u64> {
        millis(self.duration.filter(|duration| *duration > 0)?, self.scale)
    }

    /// Whether every sample lies in media data of the file.
    pub(super) fn check(&self, media: &[Extent]) -> Fit {
        let mut fit = Fit { bad_tables: self.bad_boxes, outside: 0 };
        for track in &self.tracks {
            match &track.tables {
                Some(tables) => tables.check(media, &mut fit),
                None => fit.bad_tables += 1,
            }
        }
        fit
    }
}

/// Of a `mvhd` or `mdhd`; a duration of all ones is not known.
fn scale_and_duration(content: &[u8]) -> Option<(u32, Option<u64>)> {
    match full(content)? {
        (0, _, rest) => {
            let duration = u32_at(rest, 12)?;
            Some((u32_at(rest, 8)?, (duration != u32::MAX).then_some(u64::from(duration))))
        }
        (1, _, rest) => {
            let duration = u64_at(rest, 20)?;
            Some((u32_at(rest, 16)?, (duration != u64::MAX).then_some(duration)))
        }
        _ => None,
    }
}

impl<'a> Track<'a> {
    /// `None` where a box does not fit or one is missing that every track has.
    fn read(content: &'a [u8]) -> Option<Self> {
        let media = find(content, b"mdia")?;
        let information = find(media, b"minf")?;
        let samples = find(information, b"stbl")?;
        if ![content, media, information, samples].into_iter().all(boxes::are_whole) {
            return None;
        }
        let (id, rotation) = track_head(find(content, b"tkhd")?)?;
        let (scale, _) = scale_and_duration(find(media, b"mdhd")?)?;
        let kind = match find(media, b"hdlr").and_then(|handler| handler.get(8..12)) {
            Some(b"vide") => TrackKind::Video,
            Some(b"soun") => TrackKind::Audio,
            Some(_) | None => TrackKind::Other,
        };
        let (codec, size) = sample_entry(find(samples, b"stsd")?, kind)?;
        Some(Self { id, kind, codec, size, rotation, scale, tables: Tables::read(samples) })
    }

    /// With what the fragments have of it.
    pub(super) fn summarize(&self, fragments: &Fragments) -> TrackSummary {
        let (more, longer) = fragments.of_track(self.id);
        let samples = self.tables.as_ref().map_or(0, |tables| tables.sizes.count() as u64) + more;
        let duration = self.tables.as_ref().map_or(0, Tables::duration).saturating_add(longer);
        TrackSummary {
            id: self.id,
            kind: self.kind,
            codec: self.codec.clone(),
            width: self.size.map(|(width, _)| width),
            height: self.size.map(|(_, height)| height),
            rotation: self.rotation,
            samples,
            span_ms: millis(duration, self.scale).filter(|_| samples > 0),
        }
    }
}

/// Number and rotation.
fn track_head(content: &[u8]) -> Option<(u32, Option<u16>)> {
    let (version, _, rest) = full(content)?;
    let (id_at, matrix_at) = if version == 1 { (16, 48) } else { (8, 36) };
    let id = u32_at(rest, id_at)?;
    const ONE: u32 = 0x1_0000;
    const MINUS_ONE: u32 = 0xffff_0000;
    let word = |n: usize| u32_at(rest, matrix_at + 4 * n);
    let rotation = match (word(0)?, word(1)?, word(3)?, word(4)?) {
        (ONE, 0, 0, ONE) => Some(0),
        (0, ONE, MINUS_ONE, 0) => Some(90),
        (MINUS_ONE, 0, 0, MINUS_ONE) => Some(180),
        (0, MINUS_ONE, ONE, 0) => Some(270),
        _ => None,
    };
    Some((id, rotation))
}

/// Name and picture size of the first sample entry.
fn sample_entry(content: &[u8], kind: TrackKind) -> Option<(String, Option<(u32, u32)>)> {
    let (_, _, rest) = full(content)?;
    let Some(first) = Boxes::new(rest.get(4..)?).next() else { return Some((String::new(), None)) };
    let (name, entry) = first?;
    let size = match kind {
        TrackKind::Video => u16_at(entry, 24).zip(u16_at(entry, 26)),
        TrackKind::Audio | TrackKind::Other => None,
    };
    Some((boxes::letters(&name), size.map(|(width, height)| (u32::from(width), u32::from(height)))))
}

impl<'a> Tables<'a> {
    fn read(content: &'a [u8]) -> Option<Self> {
        let offsets = match (find(content, b"stco"), find(content, b"co64")) {
            (Some(short), _) => Offsets::Short(entries(short)?),
            (None, Some(long)) => Offsets::Long(entries(long)?),
            (None, None) => return None,
        };
        let sizes = match (find(content, b"stsz"), find(content, b"stz2")) {
            (Some(sizes), _) => Sizes::read(sizes)?,
            (None, Some(compact)) => Sizes::read_compact(compact)?,
            (None, None) => return None,
        };
        let chunks = entries(find(content, b"stsc")?)?;
        let times = entries(find(content, b"stts")?)?;
        Some(Self { sizes, chunks, offsets, times })
    }

    /// The sum of all samples' durations, in the track's unit.
    fn duration(&self) -> u64 {
        let length = |entry: &[u8; 8]| Some(u64::from(u32_at(entry, 0)?) * u64::from(u32_at(entry, 4)?));
        self.times.iter().filter_map(length).fold(0, u64::saturating_add)
    }

    fn check(&self, media: &[Extent], fit: &mut Fit) {
        let count = self.sizes.count();
        let timed: u64 = self.times.iter().filter_map(|entry| u32_at(entry, 0)).map(u64::from).sum();
        let mut sizes = self.sizes.cursor();
        let mut entries = self.chunks.iter().peekable();
        let mut each = 0;
        for chunk in 0..self.offsets.count() {
            let number = chunk as u64 + 1;
            while let Some(entry) = entries.next_if(|e| u32_at(*e, 0).is_some_and(|n| u64::from(n) <= number))
            {
                each = u32_at(entry, 4).unwrap_or_default();
            }
            let Some(size) = sizes.take(each) else {
                fit.bad_tables += 1;
                return;
            };
            if size > 0 && !lies_in(media, self.offsets.at(chunk), size) {
                fit.outside += 1;
            }
        }
        if sizes.taken != count || timed != count as u64 || entries.next().is_some() {
            fit.bad_tables += 1;
        }
    }
}

/// Whether so many bytes from `start` on lie in one piece of media data. The pieces are in order.
pub(super) fn lies_in(media: &[Extent], start: u64, size: u64) -> bool {
    let at = media.partition_point(|extent| extent.end <= start);
    let end = start.checked_add(size);
    media.get(at).zip(end).is_some_and(|(extent, end)| extent.start + 8 <= start && end <= extent.end)
}

/// The entries of a table behind their count. `None` where there are fewer than counted.
fn entries<const N: usize>(content: &[u8]) -> Option<&[[u8; N]]> {
    let (_, _, rest) = full(content)?;
    let count = usize::try_from(u32_at(rest, 0)?).ok()?;
    let (entries, _) = rest.get(4..)?.as_chunks::<N>();
    entries.get(..count)
}

impl Offsets<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Short(offsets) => offsets.len(),
            Self::Long(offsets) => offsets.len(),
        }
    }

    fn at(&self, chunk: usize) -> u64 {
        match self {
            Self::Short(offsets) => offsets.get(chunk).map_or(0, |o| u64::from(u32::from_be_bytes(*o))),
            Self::Long(offsets) => offsets.get(chunk).map_or(0, |o| u64::from_be_bytes(*o)),
        }
    }
}

impl<'a> Sizes<'a> {
    fn read(content: &'a [u8]) -> Option<Self> {
        let (_, _, rest) = full(content)?;
        let (size, count) = (u32_at(rest, 0)?, u32_at(rest, 4)?);
        if size > 0 {
            return Some(Self::Same { size, count });
        }
        let (entries, _) = rest.get(8..)?.as_chunks();
        Some(Self::Words(entries.get(..usize::try_from(count).ok()?)?))
    }

    fn read_compact(content: &'a [u8]) -> Option<Self> {
        let (_, _, rest) = full(content)?;
        let count = usize::try_from(u32_at(rest, 4)?).ok()?;
        let bytes = rest.get(8..)?;
        match rest.get(3)? {
            4 => Some(Self::Nibbles { bytes: bytes.get(..count.div_ceil(2))?, count }),
            8 => Some(Self::Bytes(bytes.get(..count)?)),
            16 => Some(Self::Halves(bytes.as_chunks().0.get(..count)?)),
            _ => None,
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Same { count, .. } => usize::try_from(*count).unwrap_or(usize::MAX),
            Self::Words(sizes) => sizes.len(),
            Self::Halves(sizes) => sizes.len(),
            Self::Bytes(sizes) => sizes.len(),
            Self::Nibbles { count, .. } => *count,
        }
    }

    fn at(&self, sample: usize) -> u64 {
        match self {
            Self::Same { size, .. } => u64::from(*size),
            Self::Words(sizes) => sizes.get(sample).map_or(0, |size| u64::from(u32::from_be_bytes(*size))),
            Self::Halves(sizes) => sizes.get(sample).map_or(0, |size| u64::from(u16::from_be_bytes(*size))),
            Self::Bytes(sizes) => sizes.get(sample).copied().map_or(0, u64::from),
            Self::Nibbles { bytes, .. } => {
                let byte = bytes.get(sample / 2).copied().unwrap_or_default();
                u64::from(if sample.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f })
            }
        }
    }

    fn cursor(&self) -> Cursor<'_> {
        Cursor { sizes: self, taken: 0 }
    }
}

/// Goes through the sizes once.
struct Cursor<'a> {
    sizes: &'a Sizes<'a>,
    taken: usize,
}

impl Cursor<'_> {
    /// The size of the next samples together; `None` where there are not so many.
    fn take(&mut self, samples: u32) -> Option<u64> {
        let samples = usize::try_from(samples).ok()?;
        let end = self.taken.checked_add(samples).filter(|end| *end <= self.sizes.count())?;
        let sum = match self.sizes {
            Sizes::Same { size, .. } => (samples as u64).checked_mul(u64::from(*size))?,
            Sizes::Words(_) | Sizes::Halves(_) | Sizes::Bytes(_) | Sizes::Nibbles { .. } => {
                (self.taken..end).map(|sample| self.sizes.at(sample)).sum()
            }
        };
        self.taken = end;
        Some(sum)
    }
}
