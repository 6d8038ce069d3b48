//! Examines sound without a container while it passes by: AAC in ADTS frames (ISO/IEC 14496-3, 1.A.3.2) and
//! MP3 (ISO/IEC 11172-3 and 13818-3, layer III).
//!
//! Each frame tells where the next one starts, so a frame that is cut or lost is noticed. That frames are
//! missing behind the last one is told only by an MP3's `Xing` or `Info` frame, where it has one.

#[cfg(test)]
mod tests;

/// The kind of frames that are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frames {
    /// AAC.
    Adts,
    /// MP3.
    Mp3,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Frames that started, without the one that only describes the others.
    pub frames: u64,
    /// Whether the file ends inside a frame or a tag.
    pub cut: bool,
    /// Where something starts that is neither frame nor tag.
    pub broken_at: Option<u64>,
    /// Bytes behind the closing tag.
    pub trailing_bytes: u64,
    /// How many frames the file says that it has.
    pub announced_frames: Option<u64>,
    /// How many bytes of frames the file says that it has.
    pub announced_bytes: Option<u64>,
    /// Bytes of all frames.
    pub frame_bytes: u64,
    /// Samples a second.
    pub rate: Option<u32>,
    /// How long the frames play, in milliseconds.
    pub span_ms: Option<u64>,
}

/// Takes the bytes of one file and counts frames.
#[derive(Debug, Clone)]
pub struct Examiner {
    kind: Frames,
    at: u64,
    start: u64,
    /// The first bytes of a frame or tag.
    gathered: Vec<u8>,
    needed: usize,
    /// Bytes of it that are passed over.
    left: u64,
    state: State,
    /// Rate and version of the first frame: all have the same.
    like: Option<(u32, u8)>,
    samples: u64,
    summary: Summary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Frames,
    /// In or behind an ID3v1 tag, which is the last.
    Closed,
    Lost,
}

struct Frame {
    bytes: u64,
    rate: u32,
    /// What must not change from frame to frame besides the rate.
    version: u8,
    samples: u32,
}

/// As much of the first MP3 frame as tells whether it describes the others.
const DESCRIBING: usize = 4 + 32 + 16;

impl Examiner {
    /// An examiner for one file.
    #[must_use]
    pub fn new(kind: Frames) -> Self {
        Self {
            kind,
            at: 0,
            start: 0,
            gathered: Vec::new(),
            needed: kind.head(),
            left: 0,
            state: State::Frames,
            like: None,
            samples: 0,
            summary: Summary::default(),
        }
    }

    /// Takes the next bytes of the file, any number of them.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let taken = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                bytes = &bytes[taken..];
                self.at += taken as u64;
                self.left -= taken as u64;
                continue;
            }
            match self.state {
                State::Lost => return,
                State::Closed => {
                    self.summary.trailing_bytes += bytes.len() as u64;
                    return;
                }
                State::Frames => {}
            }
            if self.gathered.is_empty() {
                self.start = self.at;
            }
            let taken = bytes.len().min(self.needed - self.gathered.len());
            self.gathered.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            self.at += taken as u64;
            if self.gathered.len() == self.needed {
                self.take();
            }
        }
    }

    /// Ends the file.
    #[must_use]
    pub fn finish(mut self) -> Summary {
        self.summary.cut = self.left > 0 || !self.gathered.is_empty();
        self.summary.rate = self.like.map(|(rate, _)| rate);
        self.summary.span_ms = self.summary.rate.map(|rate| {
            u64::try_from(u128::from(self.samples) * 1000 / u128::from(rate.max(1))).unwrap_or(u64::MAX)
        });
        self.summary
    }

    /// Takes a head, or asks for more of it.
    fn take(&mut self) {
        let head = self.gathered.as_slice();
        let is_first = self.start == 0;
        if is_first && head.starts_with(b"ID3") {
            return match *head {
                // Sizes have seven bits a byte; a footer is as long as the head.
                [_, _, _, _, _, flags, a, b, c, d] => {
                    let size = [a, b, c, d].iter().fold(0, |n, &byte| n << 7 | u64::from(byte & 0x7f));
                    self.pass_over(10 + size + if flags & 0x10 != 0 { 10 } else { 0 });
                }
                _ => self.needed = 10,
            };
        }
        if head.starts_with(b"TAG") {
            self.state = State::Closed;
            return self.pass_over(128);
        }
        if head.starts_with(b"APET") {
            return match head.first_chunk::<32>() {
                Some(tag) if tag.starts_with(b"APETAGEX") => {
                    let [.., a, b, c, d] = tag[..16] else { return };
                    self.pass_over(32 + u64::from(u32::from_le_bytes([a, b, c, d])));
                }
                Some(_) => self.lose(),
                None => self.needed = 32,
            };
        }
        let Some(frame) = self.kind.read(head) else { return self.lose() };
        if self.like.is_some_and(|like| like != (frame.rate, frame.version)) {
            return self.lose();
        }
        if self.kind == Frames::Mp3 && self.like.is_none() {
            let wanted = usize::try_from(frame.bytes).map_or(DESCRIBING, |bytes| bytes.min(DESCRIBING));
            if head.len() < wanted {
                self.needed = wanted;
                return;
            }
        }
        let describes = self.like.is_none() && self.describe(frame.version);
        self.like = Some((frame.rate, frame.version));
        if !describes {
            self.summary.frames += 1;
            self.samples += u64::from(frame.samples);
        }
        self.summary.frame_bytes += frame.bytes;
        self.pass_over(frame.bytes);
    }

    /// Whether the first frame holds no sound but says how many frames follow.
    fn describe(&mut self, version: u8) -> bool {
        if self.kind != Frames::Mp3 {
            return false;
        }
        // Behind the side information, which is shorter for one channel and for the later versions.
        let one_channel = self.gathered.get(3).is_some_and(|byte| byte >> 6 == 3);
        let side = match (version == 3, one_channel) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        let Some(rest) = self.gathered.get(4 + side..) else { return false };
        let Some(rest) = rest.strip_prefix(b"Xing").or_else(|| rest.strip_prefix(b"Info")) else {
            return false;
        };
        let word =
            |n: usize| rest.get(4 * n..)?.first_chunk().map(|word| u64::from(u32::from_be_bytes(*word)));
        let flags = word(0).unwrap_or_default();
        if flags & 1 != 0 {
            self.summary.announced_frames = word(1);
        }
        if flags & 2 != 0 {
            self.summary.announced_bytes = word(if flags & 1 != 0 { 2 } else { 1 });
        }
        true
    }

    /// Passes over what is left of a frame or tag of so many bytes.
    fn pass_over(&mut self, bytes: u64) {
        self.left = bytes.saturating_sub(self.gathered.len() as u64);
        self.gathered.clear();
        self.needed = self.kind.head();
    }

    fn lose(&mut self) {
        self.summary.broken_at = Some(self.start);
        self.gathered.clear();
        self.state = State::Lost;
    }
}

impl Frames {
    /// Bytes that tell how long a frame is.
    fn head(self) -> usize {
        match self {
            Self::Adts => 7,
            Self::Mp3 => 4,
        }
    }

    fn read(self, head: &[u8]) -> Option<Frame> {
        match self {
            Self::Adts => read_adts(head.first_chunk()?),
            Self::Mp3 => read_mp3(head.first_chunk()?),
        }
    }
}

fn read_adts(head: &[u8; 7]) -> Option<Frame> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ];
    let [sync, flags, format, channels, length, more, blocks] = *head;
    // Twelve bits of sync, and the layer is always 0.
    if sync != 0xff || flags & 0xf6 != 0xf0 {
        return None;
    }
    let rate = *RATES.get(usize::from(format >> 2 & 0x0f))?;
    let bytes = u64::from(channels & 3) << 11 | u64::from(length) << 3 | u64::from(more >> 5);
    let shortest = if flags & 1 == 0 { 9 } else { 7 };
    (bytes >= shortest).then_some(Frame {
        bytes,
        rate,
        version: flags >> 3 & 1,
        samples: 1024 * (u32::from(blocks & 3) + 1),
    })
}

fn read_mp3(head: &[u8; 4]) -> Option<Frame> {
    const FIRST: [u32; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const LATER: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let [sync, flags, format, _] = *head;
    // Eleven bits of sync; layer III only.
    if sync != 0xff || flags & 0xe6 != 0xe2 {
        return None;
    }
    let version = flags >> 3 & 3;
    let (rates, bitrates, samples) = match version {
        3 => ([44_100, 48_000, 32_000], FIRST, 1152),
        2 => ([22_050, 24_000, 16_000], LATER, 576),
        0 => ([11_025, 12_000, 8_000], LATER, 576),
        _ => return None,
    };
    let rate = *rates.get(usize::from(format >> 2 & 3))?;
    let bitrate = *bitrates.get(usize::from(format >> 4).checked_sub(1)?)?;
    let bytes = samples / 8 * bitrate * 1000 / rate + u32::from(format >> 1 & 1);
    Some(Frame { bytes: u64::from(bytes), rate, version, samples })
}
