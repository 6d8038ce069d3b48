//! Examines JPEG pictures (ITU-T T.81) while they pass by.
//!
//! A picture ends with a marker that stands nowhere else in it, so a cut is always noticed. A changed byte
//! between the markers is not.

/// What was seen in a JPEG picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Whether it starts as one.
    pub is_jpeg: bool,
    /// Whether the end marker came behind a scan.
    pub ended: bool,
    /// Where something stands that is no marker where one must be.
    pub broken_at: Option<u64>,
    /// Bytes behind the end marker.
    pub trailing_bytes: u64,
    /// Scans: one, or several where it becomes sharper step by step.
    pub scans: u64,
    /// In pixels.
    pub width: Option<u32>,
    /// In pixels; 0 where the picture itself tells it later.
    pub height: Option<u32>,
}

/// Takes the bytes of one picture.
#[derive(Debug, Clone, Default)]
pub struct Examiner {
    at: u64,
    state: State,
    summary: Summary,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    Start,
    /// The first byte of the start marker came.
    Started,
    /// A marker must come.
    Marker,
    /// Its first byte came.
    Code,
    Length {
        code: u8,
    },
    LengthEnd {
        code: u8,
        high: u8,
    },
    Segment {
        code: u8,
        left: u16,
    },
    /// The head of a frame: precision, height, width.
    Frame {
        left: u16,
        seen: [u8; 5],
        count: usize,
    },
    Scan,
    /// In a scan, behind a byte of all ones.
    ScanMarker,
    Ended,
    Lost,
}

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

impl Examiner {
    /// An examiner for one picture.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the picture, any number of them.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            let passed = match self.state {
                State::Ended => {
                    self.summary.trailing_bytes += bytes.len() as u64;
                    bytes.len()
                }
                State::Lost => bytes.len(),
                State::Scan => match bytes.iter().position(|&byte| byte == 0xff) {
                    Some(0) => {
                        self.state = State::ScanMarker;
                        1
                    }
                    Some(n) => n,
                    None => bytes.len(),
                },
                State::Segment { code, left } => {
                    let passed = usize::from(left).min(bytes.len());
                    // No more than `left`, which fits.
                    let left = left - u16::try_from(passed).unwrap_or(left);
                    self.state = State::Segment { code, left };
                    self.end_segment(code, left);
                    passed
                }
                State::Start
                | State::Started
                | State::Marker
                | State::Code
                | State::Length { .. }
                | State::LengthEnd { .. }
                | State::Frame { .. }
                | State::ScanMarker => {
                    self.take(byte);
                    1
                }
            };
            self.at += passed as u64;
            bytes = if passed == 1 { rest } else { &bytes[passed..] };
        }
    }

    /// Ends the picture.
    #[must_use]
    pub fn finish(self) -> Summary {
        self.summary
    }

    fn take(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Start, 0xff) => State::Started,
            (State::Started, START) => {
                self.summary.is_jpeg = true;
                State::Marker
            }
            // A marker may have any number of these before it.
            (State::Marker | State::Code, 0xff) => State::Code,
            // In a scan: a byte of all ones that belongs to it, restart markers, filling.
            (State::ScanMarker, 0 | 0xd0..=0xd7) => State::Scan,
            (State::ScanMarker, 0xff) => State::ScanMarker,
            (State::Code | State::ScanMarker, END) if self.summary.scans > 0 => {
                self.summary.ended = true;
                State::Ended
            }
            (State::Code | State::ScanMarker, 0x01) => State::Marker,
            (State::Code | State::ScanMarker, code) if code >= 0xc0 && !(0xd0..=END).contains(&code) => {
                State::Length { code }
            }
            (State::Length { code }, high) => State::LengthEnd { code, high },
            (State::LengthEnd { code, high }, low) => {
                match (u16::from_be_bytes([high, low]).checked_sub(2), is_frame(code)) {
                    (Some(left), true) if left >= 6 => State::Frame { left, seen: [0; 5], count: 0 },
                    (Some(left), false) => {
                        self.state = State::Segment { code, left };
                        return self.end_segment(code, left);
                    }
                    (Some(_) | None, _) => return self.lose(),
                }
            }
            (State::Frame { left, mut seen, count }, byte) => {
                seen[count] = byte;
                if count == 4 {
                    let [_, a, b, c, d] = seen;
                    self.summary.height = Some(u32::from(u16::from_be_bytes([a, b])));
                    self.summary.width = Some(u32::from(u16::from_be_bytes([c, d])));
                    State::Segment { code: 0xc0, left: left - 1 }
                } else {
                    State::Frame { left: left - 1, seen, count: count + 1 }
                }
            }
            _ => return self.lose(),
        };
    }

    fn end_segment(&mut self, code: u8, left: u16) {
        if left > 0 {
            return;
        }
        self.state = if code == SCAN {
            self.summary.scans += 1;
            State::Scan
        } else {
            State::Marker
        };
    }

    fn lose(&mut self) {
        self.summary.broken_at = Some(self.at);
        self.state = State::Lost;
    }
}

/// Whether a marker is the head of a frame: all of this group but tables and one that is reserved.
fn is_frame(code: u8) -> bool {
    (0xc0..=0xcf).contains(&code) && !matches!(code, 0xc4 | 0xc8 | 0xcc)
}

#[cfg(test)]
mod tests;
