//! Small transport streams that are sound by ISO/IEC 13818-1: tables, PES packets with time stamps,
//! continuity counters, stuffing. Their payload is noise, so nothing can decode them.

const PACKET: usize = 188;
const PTS_WRAP: u64 = 1 << 33;
const PMT_PID: u16 = 0x1000;
const VIDEO_PID: u16 = 0x100;
const AUDIO_PID: u16 = 0x101;
/// 25 pictures a second, and AAC frames of 1024 samples at 48 kHz, on the 90 kHz clock.
const VIDEO_STEP: u64 = 3600;
const AUDIO_STEP: u64 = 1920;
/// Tables come again after so many PES packets.
const TABLES_EVERY: usize = 32;
/// More packets would not let the length of a sound PES packet be announced.
const MAX_AUDIO_PACKETS: usize = 350;

/// Start code and the head of the first slice of an IDR picture (7.3.3), which has only I slices.
const KEY_SLICE: [u8; 5] = [0, 0, 1, 0x65, 0x88];
/// The same for a picture that refers to others.
const OTHER_SLICE: [u8; 5] = [0, 0, 1, 0x41, 0x9a];

/// A block of AAC (ISO/IEC 13818-7, 6.3) in which two channels have no bands at all, and its end: what follows
/// in the frame is skipped.
const SILENCE: [u8; 7] = [0x20, 0, 0, 0, 0, 0, 0x0e];

/// What a slice holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracks {
    /// Pictures and sound.
    AudioVideo,
    /// Only sound.
    Audio,
    /// Only pictures.
    Video,
}

/// What a slice should be like. The same specification always gives the same bytes.
#[derive(Debug, Clone)]
pub struct SliceSpec {
    /// Of the first picture and the first sound, 90 kHz; wraps at 33 bits.
    pub start_pts: u64,
    /// How long it plays; rounded up to whole pictures and sound frames.
    pub duration_ms: u32,
    pub tracks: Tracks,
    /// Its size, rounded down to whole packets. A slice that cannot be so small is larger.
    pub bytes_target: usize,
    /// Another number gives another payload.
    pub seed: u64,
    /// Width and height that a parameter set before the first picture announces, multiples of 16.
    pub picture: Option<(u32, u32)>,
    /// Whether sound comes in ADTS frames, as players want it, rather than as noise from its first byte.
    pub adts: bool,
}

impl Default for SliceSpec {
    fn default() -> Self {
        Self {
            start_pts: 126_000,
            duration_ms: 2000,
            tracks: Tracks::AudioVideo,
            bytes_target: 30_000,
            seed: 0,
            picture: None,
            adts: false,
        }
    }
}

/// The bytes of a slice.
#[must_use]
pub fn slice(spec: &SliceSpec) -> Vec<u8> {
    let mut units = Vec::new();
    let ticks = u64::from(spec.duration_ms) * 90;
    for (pid, step) in spec.tracks.streams() {
        units.extend((0..ticks.div_ceil(step).max(1)).map(|n| (n * step, pid)));
    }
    units.sort_unstable();

    let tables = units.len().div_ceil(TABLES_EVERY) * 2;
    let room = (spec.bytes_target / PACKET).saturating_sub(tables);
    // Sound next to pictures is small; alone, either takes all there is.
    let small =
        units.iter().filter(|&&(_, pid)| spec.tracks == Tracks::AudioVideo && pid == AUDIO_PID).count();
    let large = units.len() - small;
    let (each, more) = (room.saturating_sub(small) / large, room.saturating_sub(small) % large);

    let mut muxer = Muxer {
        bytes: Vec::new(),
        counters: [0; 4],
        noise: Noise(spec.seed),
        picture: spec.picture,
        adts: spec.adts,
    };
    let mut larges = 0;
    for (n, &(at, pid)) in units.iter().enumerate() {
        if n % TABLES_EVERY == 0 {
            muxer.tables(spec.tracks);
        }
        let pts = (spec.start_pts + at) % PTS_WRAP;
        if spec.tracks == Tracks::AudioVideo && pid == AUDIO_PID {
            muxer.pes(pid, pts, 1, at == 0);
        } else {
            larges += 1;
            let packets = (each + usize::from(larges <= more)).max(1);
            let limit = if pid == AUDIO_PID { MAX_AUDIO_PACKETS } else { usize::MAX };
            muxer.pes(pid, pts, packets.min(limit), at == 0);
        }
    }
    while muxer.bytes.len() + PACKET <= spec.bytes_target {
        muxer.null();
    }
    muxer.bytes
}

/// Lets a slice with pictures start with one that refers to others, as one does that is cut by force.
///
/// # Panics
/// Where it has no key frame.
#[must_use]
pub fn without_key_frame(mut slice: Vec<u8>) -> Vec<u8> {
    let at = slice.windows(5).position(|five| five == KEY_SLICE).expect("a slice with a parameter set");
    slice[at..at + 5].copy_from_slice(&OTHER_SLICE);
    slice
}

impl Tracks {
    fn streams(self) -> Vec<(u16, u64)> {
        match self {
            Self::AudioVideo => vec![(VIDEO_PID, VIDEO_STEP), (AUDIO_PID, AUDIO_STEP)],
            Self::Audio => vec![(AUDIO_PID, AUDIO_STEP)],
            Self::Video => vec![(VIDEO_PID, VIDEO_STEP)],
        }
    }
}

struct Muxer {
    picture: Option<(u32, u32)>,
    adts: bool,
    bytes: Vec<u8>,
    counters: [u8; 4],
    noise: Noise,
}

impl Muxer {
    fn tables(&mut self, tracks: Tracks) {
        let [high, low] = PMT_PID.to_be_bytes();
        self.section(0, 0, &[0, 1, 0xe0 | high, low]);
        let streams = tracks.streams();
        let [high, low] = streams[0].0.to_be_bytes();
        let mut map = vec![0xe0 | high, low, 0xf0, 0];
        for (pid, _) in streams {
            let [high, low] = pid.to_be_bytes();
            map.extend([if pid == VIDEO_PID { 0x1b } else { 0x0f }, 0xe0 | high, low, 0xf0, 0]);
        }
        self.section(PMT_PID, 2, &map);
    }

    fn section(&mut self, pid: u16, table: u8, body: &[u8]) {
        let length = (body.len() + 9) as u8;
        let mut payload = vec![0, table, 0xb0, length, 0, 1, 0xc1, 0, 0];
        payload.extend_from_slice(body);
        let sum = crc(&payload[1..]);
        payload.extend_from_slice(&sum.to_be_bytes());
        payload.resize(PACKET - 4, 0xff);
        self.packet(pid, true, &[], &payload);
    }

    /// One PES packet that takes exactly so many packets.
    fn pes(&mut self, pid: u16, pts: u64, packets: usize, is_first: bool) {
        // The clock reference and the mark of a start that can be decoded.
        let mut field = Vec::new();
        if pid == VIDEO_PID || is_first {
            field.push(0x10 | if is_first { 0x40 } else { 0 });
            let base = pts.wrapping_sub(9000) % PTS_WRAP;
            field.extend_from_slice(&((base << 15 | 0x7e00) << 16).to_be_bytes()[..6]);
        }
        let field_len = if field.is_empty() { 0 } else { field.len() + 1 };
        // Some room is left in the last packet, for stuffing.
        let spare = (self.noise.next() % 40) as usize;
        let total = packets * (PACKET - 4) - field_len - spare;
        let (stream, announced) = if pid == VIDEO_PID { (0xe0, 0) } else { (0xc0, (total - 6) as u16) };
        let mut pes = vec![0, 0, 1, stream];
        pes.extend_from_slice(&announced.to_be_bytes());
        pes.extend_from_slice(&[0x80, 0x80, 5]);
        pes.push(0x21 | (pts >> 30 << 1) as u8);
        pes.extend_from_slice(&((pts >> 15 << 1) as u16 | 1).to_be_bytes());
        pes.extend_from_slice(&((pts << 1) as u16 | 1).to_be_bytes());
        if let Some((width, height)) = self.picture.filter(|_| pid == VIDEO_PID && is_first) {
            pes.extend([0, 0, 1, 9, 0xf0, 0, 0, 1]);
            pes.extend(parameter_set(width, height));
            pes.extend([0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
            pes.extend(KEY_SLICE);
        } else if self.picture.is_some() && pid == VIDEO_PID {
            pes.extend(OTHER_SLICE);
        }
        if self.adts && pid == AUDIO_PID {
            pes.extend(adts_head(total - pes.len()));
            pes.extend(SILENCE);
        }
        while pes.len() < total {
            pes.push((self.noise.next() >> 32) as u8);
        }
        let mut rest = &pes[..];
        let mut starts = true;
        while !rest.is_empty() {
            let room = PACKET - 4 - if starts { field_len } else { 0 };
            let (part, behind) = rest.split_at(rest.len().min(room));
            self.packet(pid, starts, if starts { &field } else { &[] }, part);
            rest = behind;
            starts = false;
        }
    }

    /// One packet, with as much stuffing as it takes.
    fn packet(&mut self, pid: u16, starts_unit: bool, field: &[u8], payload: &[u8]) {
        let slot = match pid {
            0 => 0,
            PMT_PID => 1,
            VIDEO_PID => 2,
            _ => 3,
        };
        let count = self.counters[slot] & 0x0f;
        self.counters[slot] = count + 1;
        let [high, low] = pid.to_be_bytes();
        let end = self.bytes.len() + PACKET;
        let field_room = PACKET - 4 - payload.len();
        let control = if field_room == 0 { 0x10 } else { 0x30 };
        self.bytes.extend([0x47, u8::from(starts_unit) << 6 | high, low, control | count]);
        if field_room > 0 {
            self.bytes.push((field_room - 1) as u8);
            self.bytes.extend_from_slice(field);
            if field.is_empty() && field_room > 1 {
                self.bytes.push(0);
            }
            self.bytes.resize(end - payload.len(), 0xff);
        }
        self.bytes.extend_from_slice(payload);
    }

    fn null(&mut self) {
        let end = self.bytes.len() + PACKET;
        self.bytes.extend([0x47, 0x1f, 0xff, 0x10]);
        self.bytes.resize(end, 0xff);
    }
}

/// The head of an ADTS frame of so many bytes (ISO/IEC 13818-7, 6.2.1): AAC LC, 48 kHz, two channels. One that
/// is too large for its field gets the largest that there is.
fn adts_head(bytes: usize) -> [u8; 7] {
    let length = bytes.min(0x1fff) as u16;
    [0xff, 0xf1, 0x4c, 0x80 | (length >> 11) as u8, (length >> 3) as u8, (length << 5) as u8 | 0x1f, 0xfc]
}

/// A sequence parameter set of H.264 (7.3.2.1.1), baseline.
fn parameter_set(width: u32, height: u32) -> Vec<u8> {
    let mut bits = String::new();
    let golomb = |bits: &mut String, value: u32| {
        let binary = format!("{:b}", value + 1);
        *bits += &"0".repeat(binary.len() - 1);
        *bits += &binary;
    };
    for value in [0, 0, 2, 1] {
        golomb(&mut bits, value);
    }
    bits.push('0');
    golomb(&mut bits, width / 16 - 1);
    golomb(&mut bits, height / 16 - 1);
    // Frames only, direct inference, no cropping, no usability information, and the end.
    bits += "11001";
    let mut set = vec![0x67, 66, 0xc0, 30];
    for eight in bits.as_bytes().chunks(8) {
        let byte = eight.iter().enumerate().fold(0, |byte, (i, bit)| byte | (bit - b'0') << (7 - i));
        set.push(byte);
    }
    set
}

/// The checksum of tables: CRC-32/MPEG-2, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte) << 24;
        for _ in 0..8 {
            crc = if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 };
        }
    }
    crc
}

/// Numbers that look like chance and are the same each time: a Weyl sequence, mixed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_in_frames_has_a_frame_in_every_packet_of_it() {
        let spec =
            SliceSpec { tracks: Tracks::Audio, adts: true, bytes_target: 188 * 400, ..SliceSpec::default() };
        let bytes = slice(&spec);
        // Two seconds of 1024 samples at 48 kHz.
        let heads = bytes.windows(4).filter(|four| four[..3] == [0xff, 0xf1, 0x4c] && four[3] >> 2 == 0x20);
        assert_eq!(heads.count(), 94);
    }

    #[test]
    fn slices_have_the_size_that_was_asked_for_and_the_same_bytes_each_time() {
        for tracks in [Tracks::AudioVideo, Tracks::Audio, Tracks::Video] {
            for bytes_target in [40_000, 188 * 1000, 1_000_000] {
                let spec = SliceSpec { tracks, bytes_target, ..SliceSpec::default() };
                let bytes = slice(&spec);
                assert_eq!(bytes.len(), bytes_target / PACKET * PACKET, "{tracks:?} {bytes_target}");
                assert_eq!(bytes, slice(&spec));
                assert_ne!(bytes, slice(&SliceSpec { seed: 1, ..spec }));
            }
        }
    }
}
