//! AAC in ADTS frames inside of PES packets (ISO/IEC 14496-3, 1.A.2).

use super::silence::is_silent;

/// The head of a frame without checksum.
const HEAD: usize = 7;

/// Follows frames until one of them sounds.
#[derive(Debug, Clone, Default)]
pub(super) struct Sound {
    /// The frame under way; 8 KiB at the most, because its head has 13 bits for its length.
    frame: Vec<u8>,
    pub(super) frames: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// All frames so far are silent.
    #[default]
    Silent,
    /// One frame is not: nothing else matters any more.
    Sounds,
    /// Something came that is no frame, or something is missing.
    Unsure,
}

impl Sound {
    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.state == State::Silent {
            let wanted = self.length();
            let part = bytes.len().min(wanted - self.frame.len());
            self.frame.extend_from_slice(&bytes[..part]);
            bytes = &bytes[part..];
            if self.frame.len() < wanted {
                return;
            }
            match self.frame[..] {
                [0xff, second, _, high, middle, low, _, ..] if second & 0xf6 == 0xf0 => {
                    let length =
                        usize::from(high & 3) << 11 | usize::from(middle) << 3 | usize::from(low) >> 5;
                    if length < HEAD {
                        self.state = State::Unsure;
                    } else if self.frame.len() == length {
                        self.frames += 1;
                        if !is_silent(&self.frame) {
                            self.state = State::Sounds;
                            self.frame = Vec::new();
                        }
                        self.frame.clear();
                    }
                }
                _ => self.state = State::Unsure,
            }
        }
    }

    /// How long the frame is, or as much of it as tells.
    fn length(&self) -> usize {
        match self.frame[..] {
            [_, _, _, high, middle, low, _, ..] => {
                (usize::from(high & 3) << 11 | usize::from(middle) << 3 | usize::from(low) >> 5).max(HEAD)
            }
            _ => HEAD,
        }
    }

    pub(super) fn interrupt(&mut self) {
        if self.state == State::Silent {
            self.state = State::Unsure;
        }
    }

    /// `None` without a frame, or where not all could be followed.
    pub(super) fn is_silent(&self) -> Option<bool> {
        match self.state {
            State::Sounds => Some(false),
            State::Silent if self.frames > 0 && self.frame.is_empty() => Some(true),
            State::Silent | State::Unsure => None,
        }
    }
}
