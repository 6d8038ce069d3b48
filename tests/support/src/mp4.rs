//! Small MP4 files that are sound by ISO/IEC 14496-12. Their payload is noise, so nothing can decode them.

use std::io;

/// The payload comes again after 256 bytes, so after this many too.
const PAYLOAD_BLOCK: u64 = 1 << 20;

/// What a file should be like. The same specification always gives the same bytes.
#[derive(Debug, Clone)]
pub struct Mp4Spec {
    /// How long it plays; rounded up to whole pictures of 40 ms, and sound frames of 1024 samples at 48 kHz.
    pub duration_ms: u32,
    /// Sound only, as in an M4A.
    pub tracks: Tracks,
    pub layout: Layout,
    /// Bytes in each sample.
    pub sample_bytes: u32,
    /// Clockwise: 0, 90, 180 or 270 degrees.
    pub rotation: u16,
    /// Another number gives another payload.
    pub seed: u64,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracks {
    AudioVideo,
    Audio,
    Video,
}

/// Where the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Before the media (`faststart`).
    IndexFirst,
    /// Behind it.
    IndexLast,
    /// Behind it, with 64-bit sizes and offsets.
    Large,
    /// A piece of index for each second, closed by an `mfra`.
    Fragments,
    /// The same without it.
    OpenFragments,
}

impl Default for Mp4Spec {
    fn default() -> Self {
        Self {
            duration_ms: 2000,
            tracks: Tracks::AudioVideo,
            layout: Layout::IndexFirst,
            sample_bytes: 20,
            rotation: 0,
            seed: 0,
        }
    }
}

struct Track {
    id: u32,
    handler: &'static [u8; 4],
    scale: u32,
    delta: u32,
    samples: u32,
}

/// The bytes of a file.
#[must_use]
pub fn file(spec: &Mp4Spec) -> Vec<u8> {
    let tracks = tracks(spec);
    let brands = boxed(b"ftyp", b"isom\0\0\x02\0isomiso2avc1mp41");
    match spec.layout {
        Layout::Fragments | Layout::OpenFragments => fragments(spec, &tracks, brands),
        Layout::IndexFirst => {
            let index = index(spec, &tracks, 0).len();
            let media_at = brands.len() + index + 8;
            [brands, self::index(spec, &tracks, media_at as u64), boxed(b"mdat", &payload(spec, &tracks))]
                .concat()
        }
        Layout::IndexLast => {
            let index = index(spec, &tracks, brands.len() as u64 + 8);
            [brands, boxed(b"mdat", &payload(spec, &tracks)), index].concat()
        }
        Layout::Large => {
            let index = index(spec, &tracks, brands.len() as u64 + 16);
            let payload = payload(spec, &tracks);
            let mut media = 1_u32.to_be_bytes().to_vec();
            media.extend(b"mdat");
            media.extend((payload.len() as u64 + 16).to_be_bytes());
            [brands, media, payload, index].concat()
        }
    }
}

/// A file of picture and sound that plays so long, index behind the media.
#[must_use]
pub fn recording(duration_ms: u32, seed: u64) -> Vec<u8> {
    file(&Mp4Spec { duration_ms, ..recording_spec(seed) })
}

/// What [`recording`] makes.
#[must_use]
pub fn recording_spec(seed: u64) -> Mp4Spec {
    Mp4Spec { seed, layout: Layout::IndexLast, ..Mp4Spec::default() }
}

/// How large the samples of such a file must be for it to have about so many bytes.
#[must_use]
pub fn sample_bytes(spec: &Mp4Spec, bytes: u64) -> u32 {
    let samples: u64 = tracks(spec).iter().map(|track| u64::from(track.samples)).sum();
    u32::try_from((bytes / samples).max(1)).expect("samples of a usual size")
}

/// Writes the bytes of a file whose index is behind the media, and that may be too large for the memory.
/// The answer is how many there are.
///
/// # Errors
/// Those of the writer.
///
/// # Panics
/// Where the layout is another one, or the file has 4 GiB and more.
pub fn write(spec: &Mp4Spec, to: &mut impl io::Write) -> io::Result<u64> {
    assert_eq!(spec.layout, Layout::IndexLast, "only this layout can be written as it is made");
    let tracks = tracks(spec);
    let brands = boxed(b"ftyp", b"isom\0\0\x02\0isomiso2avc1mp41");
    let samples: u64 = tracks.iter().map(|track| u64::from(track.samples)).sum();
    let media = samples * u64::from(spec.sample_bytes);
    let index = index(spec, &tracks, brands.len() as u64 + 8);
    to.write_all(&brands)?;
    to.write_all(&u32::try_from(media + 8).expect("less than 4 GiB").to_be_bytes())?;
    to.write_all(b"mdat")?;
    let block: Vec<u8> = (0..PAYLOAD_BLOCK).map(|i| payload_byte(spec, i)).collect();
    let mut left = media;
    while left > 0 {
        let n = left.min(PAYLOAD_BLOCK);
        to.write_all(&block[..n as usize])?;
        left -= n;
    }
    to.write_all(&index)?;
    Ok(brands.len() as u64 + 8 + media + index.len() as u64)
}

fn tracks(spec: &Mp4Spec) -> Vec<Track> {
    let video = Track {
        id: 1,
        handler: b"vide",
        scale: 12_800,
        delta: 512,
        samples: spec.duration_ms.div_ceil(40).max(1),
    };
    let samples = (u64::from(spec.duration_ms) * 48).div_ceil(1024).max(1) as u32;
    let audio = Track { id: 2, handler: b"soun", scale: 48_000, delta: 1024, samples };
    match spec.tracks {
        Tracks::AudioVideo => vec![video, audio],
        Tracks::Audio => vec![audio],
        Tracks::Video => vec![video],
    }
}

fn payload(spec: &Mp4Spec, tracks: &[Track]) -> Vec<u8> {
    let samples: u32 = tracks.iter().map(|track| track.samples).sum();
    let bytes = u64::from(samples) * u64::from(spec.sample_bytes);
    (0..bytes).map(|i| payload_byte(spec, i)).collect()
}

fn payload_byte(spec: &Mp4Spec, at: u64) -> u8 {
    (at * 7 + spec.seed * 31) as u8
}

/// The index; media data starts at `media_at`, track after track, ten samples a chunk.
fn index(spec: &Mp4Spec, tracks: &[Track], media_at: u64) -> Vec<u8> {
    const EACH: u32 = 10;
    let mut moov = mvhd(spec.duration_ms);
    let mut at = media_at;
    for track in tracks {
        let mut stsz = vec![0; 8];
        stsz.extend(track.samples.to_be_bytes());
        // Each size by itself, as for real media.
        (0..track.samples).for_each(|_| stsz.extend(spec.sample_bytes.to_be_bytes()));
        let chunks = track.samples.div_ceil(EACH);
        let last = track.samples - (chunks - 1) * EACH;
        let mut stsc: Vec<u32> =
            if chunks == 1 { vec![1, 1, last, 1] } else { vec![2, 1, EACH, 1, chunks, last, 1] };
        stsc.insert(0, 0);
        let large = spec.layout == Layout::Large;
        let mut offsets = [[0; 4], chunks.to_be_bytes()].concat();
        for chunk in 0..chunks {
            let offset = at + u64::from(chunk * EACH * spec.sample_bytes);
            if large {
                offsets.extend(offset.to_be_bytes());
            } else {
                offsets.extend((offset as u32).to_be_bytes());
            }
        }
        at += u64::from(track.samples) * u64::from(spec.sample_bytes);
        let tables = [
            boxed(b"stts", &words(&[0, 1, track.samples, track.delta])),
            boxed(b"stsc", &words(&stsc)),
            boxed(b"stsz", &stsz),
            boxed(if large { b"co64" } else { b"stco" }, &offsets),
        ];
        moov.extend(trak(spec, track, track.samples * track.delta, &tables.concat()));
    }
    boxed(b"moov", &moov)
}

fn fragments(spec: &Mp4Spec, tracks: &[Track], brands: Vec<u8>) -> Vec<u8> {
    let mut moov = mvhd(0);
    let empty = [
        boxed(b"stts", &words(&[0, 0])),
        boxed(b"stsc", &words(&[0, 0])),
        boxed(b"stsz", &words(&[0, 0, 0])),
        boxed(b"stco", &words(&[0, 0])),
    ]
    .concat();
    let mut extends = Vec::new();
    for track in tracks {
        moov.extend(trak(spec, track, 0, &empty));
        extends.extend(boxed(b"trex", &words(&[0, track.id, 1, track.delta, spec.sample_bytes, 0])));
    }
    moov.extend(boxed(b"mvex", &extends));
    let mut bytes = [brands, boxed(b"moov", &moov)].concat();
    for second in 0..spec.duration_ms.div_ceil(1000).max(1) {
        let until =
            |track: &Track, second: u32| (second * track.scale).div_ceil(track.delta).min(track.samples);
        let make = |first_offset: u32| {
            let mut moof = boxed(b"mfhd", &words(&[0, second + 1]));
            let mut offset = first_offset;
            for track in tracks {
                let (from, to) = (until(track, second), until(track, second + 1));
                let traf = [
                    // Offsets count from the start of the fragment.
                    boxed(b"tfhd", &words(&[0x02_0000, track.id])),
                    boxed(b"tfdt", &words(&[0, from * track.delta])),
                    boxed(b"trun", &words(&[0x01, to - from, offset])),
                ];
                moof.extend(boxed(b"traf", &traf.concat()));
                offset += (to - from) * spec.sample_bytes;
            }
            (boxed(b"moof", &moof), offset - first_offset)
        };
        let head = make(0).0.len() as u32 + 8;
        let (moof, size) = make(head);
        bytes.extend(moof);
        bytes.extend(boxed(b"mdat", &vec![(u64::from(second) + spec.seed) as u8; size as usize]));
    }
    if spec.layout == Layout::Fragments {
        let closing = boxed(b"mfro", &words(&[0, 24]));
        bytes.extend(boxed(b"mfra", &closing));
    }
    bytes
}

fn mvhd(duration_ms: u32) -> Vec<u8> {
    let mut content = words(&[0, 0, 0, 1000, duration_ms, 0x1_0000, 0x0100_0000, 0, 0]);
    content.extend(words(&matrix(0)));
    content.extend(words(&[0, 0, 0, 0, 0, 0, 3]));
    boxed(b"mvhd", &content)
}

fn trak(spec: &Mp4Spec, track: &Track, duration: u32, tables: &[u8]) -> Vec<u8> {
    let is_video = track.handler == b"vide";
    let rotation = if is_video { spec.rotation } else { 0 };
    let mut tkhd = words(&[3, 0, 0, track.id, 0, spec.duration_ms, 0, 0, 0, 0]);
    tkhd.extend(words(&matrix(rotation)));
    tkhd.extend(if is_video { words(&[640 << 16, 480 << 16]) } else { words(&[0, 0]) });
    let mdhd = words(&[0, 0, 0, track.scale, duration, 0x55c4_0000]);
    let mut hdlr = words(&[0, 0]);
    hdlr.extend(track.handler);
    hdlr.extend(words(&[0, 0, 0, 0]));
    let entry = if is_video {
        let mut entry = vec![0; 24];
        entry.extend([640_u16.to_be_bytes(), 480_u16.to_be_bytes()].concat());
        entry.resize(78, 0);
        boxed(b"avc1", &entry)
    } else {
        boxed(b"mp4a", &[0; 28])
    };
    let stsd = boxed(b"stsd", &[words(&[0, 1]), entry].concat());
    let stbl = boxed(b"stbl", &[&stsd[..], tables].concat());
    let minf = boxed(b"minf", &stbl);
    let mdia = [boxed(b"mdhd", &mdhd), boxed(b"hdlr", &hdlr), minf].concat();
    boxed(b"trak", &[boxed(b"tkhd", &tkhd), boxed(b"mdia", &mdia)].concat())
}

fn matrix(rotation: u16) -> [u32; 9] {
    const ONE: u32 = 0x1_0000;
    let minus = ONE.wrapping_neg();
    let [a, b, c, d] = match rotation {
        90 => [0, ONE, minus, 0],
        180 => [minus, 0, 0, minus],
        270 => [0, minus, ONE, 0],
        _ => [ONE, 0, 0, ONE],
    };
    [a, b, 0, c, d, 0, 0, 0, 0x4000_0000]
}

/// A box with its head.
#[must_use]
pub fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).expect("a small box");
    [&size.to_be_bytes()[..], name, content].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}
