//! Small files of sound frames: AAC in ADTS, and MP3. Their payload is noise, so nothing can decode them.

/// So many AAC frames of 1024 samples at 48 kHz, of 100 bytes each.
#[must_use]
pub fn adts(frames: usize, seed: u64) -> Vec<u8> {
    const LENGTH: u16 = 100;
    let mut bytes = Vec::new();
    for n in 0..frames {
        let (high, middle, low) = ((LENGTH >> 11) as u8, (LENGTH >> 3) as u8, (LENGTH << 5) as u8);
        // No CRC; low complexity, 48 kHz, two channels; the buffer's fullness is not told.
        bytes.extend([0xff, 0xf1, 0x4c, 0x80 | high, middle, low | 0x1f, 0xfc]);
        bytes.extend((0..93).map(|i| noise(seed, n, i)));
    }
    bytes
}

/// So many MP3 frames of 1152 samples at 48 kHz, 128 kbit/s, 384 bytes each.
#[must_use]
pub fn mp3(frames: usize, seed: u64) -> Vec<u8> {
    (0..frames).flat_map(|n| mp3_frame((0..380).map(|i| noise(seed, n, i)).collect())).collect()
}

/// The same behind an `Info` frame that says how many frames and bytes there are.
#[must_use]
pub fn mp3_with_info(frames: usize, seed: u64) -> Vec<u8> {
    let mut payload = vec![0; 32];
    payload.extend(b"Info\0\0\0\x03");
    payload.extend((frames as u32).to_be_bytes());
    payload.extend((frames as u32 * 384 + 384).to_be_bytes());
    payload.resize(380, 0);
    [mp3_frame(payload), mp3(frames, seed)].concat()
}

/// A tag that may stand before the frames (ID3v2.4).
#[must_use]
pub fn id3v2(bytes: u8) -> Vec<u8> {
    let mut tag = vec![b'I', b'D', b'3', 4, 0, 0, 0, 0, 0, bytes & 0x7f];
    tag.resize(10 + usize::from(bytes & 0x7f), 0);
    tag
}

/// A tag that may stand behind them (ID3v1).
#[must_use]
pub fn id3v1() -> Vec<u8> {
    let mut tag = b"TAG".to_vec();
    tag.resize(128, 0);
    tag
}

fn mp3_frame(payload: Vec<u8>) -> Vec<u8> {
    [vec![0xff, 0xfb, 0x94, 0x00], payload].concat()
}

/// Never all ones, so that no frame seems to start inside of another.
fn noise(seed: u64, frame: usize, i: usize) -> u8 {
    ((seed as usize * 13 + frame * 5 + i * 3) % 251) as u8
}
