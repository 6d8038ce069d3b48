//! Pictures of H.264 and H.265 by the heads of their NAL units (ITU-T H.264, 7.3 and annex B; ITU-T H.265,
//! 7.3 and annex B).

use super::super::bits::{Bits, unescaped};

/// How much of a unit is kept until the first picture is known.
const SLICE_HEAD: usize = 16;
/// And of one with supplemental information: encoders write their settings there, in some hundred bytes.
const SEI_HEAD: usize = 1024;

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
}

/// Counts pictures, and tells with what they begin.
#[derive(Debug, Clone)]
pub(super) struct Pictures {
    coding: Coding,
    /// Zero bytes that came last; three are as good as more.
    zeros: u8,
    /// The unit under way, as much of it as is wanted; `None` when that has come.
    unit: Option<Vec<u8>>,
    pub(super) count: u64,
    /// The first picture; `None` until it came.
    pub(super) start: Option<Start>,
    before: Before,
}

/// With what pictures begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// Whether the picture can be shown without any before it; `None` where its head does not tell.
    pub(super) is_key: Option<bool>,
    /// Whether the parameter sets stand in front of it.
    pub(super) has_parameters: bool,
}

/// What stood in front of the first picture.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    sequence: bool,
    picture: bool,
    /// A recovery point that is the very next picture.
    recovery: bool,
    /// An access unit delimiter says that there are only I slices.
    only_i: bool,
}

impl Pictures {
    pub(super) fn new(coding: Coding) -> Self {
        Self { coding, zeros: 0, unit: None, count: 0, start: None, before: Before::default() }
    }

    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.zeros == 0 && self.unit.is_none() && byte != 0 {
                // Most of a picture has nothing to tell.
                bytes = &bytes[start_code_within(bytes)..];
                continue;
            }
            bytes = rest;
            if byte == 1 && self.zeros >= 2 {
                self.zeros = 0;
                self.end();
                self.unit = Some(Vec::new());
                continue;
            }
            self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
            if let Some(unit) = &mut self.unit {
                unit.push(byte);
                let wanted = wanted(self.coding, unit, self.start.is_some());
                if unit.len() >= wanted {
                    self.end();
                }
            }
        }
    }

    /// Forgets what is under way: something is missing behind it.
    pub(super) fn interrupt(&mut self) {
        self.unit = None;
        self.zeros = 0;
    }

    /// Reads the unit under way, of which no more comes or is wanted.
    pub(super) fn end(&mut self) {
        let Some(unit) = self.unit.take() else { return };
        match self.coding {
            Coding::H264 => self.read_h264(&unit),
            Coding::H265 => self.read_h265(&unit),
        }
    }

    fn read_h264(&mut self, unit: &[u8]) {
        let Some((&header, body)) = unit.split_first() else { return };
        if header & 0x80 != 0 {
            return;
        }
        match header & 0x1f {
            7 => self.before.sequence = true,
            8 => self.before.picture = true,
            6 if self.start.is_none() => self.before.recovery |= recovers_at_once(body),
            9 => self.before.only_i = body.first().is_some_and(|byte| byte >> 5 == 0),
            kind @ (1 | 2 | 5) => {
                let mut bits = Bits::new(body);
                let first_macroblock = bits.golomb();
                self.count += u64::from(first_macroblock == Some(0));
                if self.start.is_none() {
                    let before = self.before;
                    let is_key = match (kind, bits.golomb()) {
                        (5, _) => Some(true),
                        (_, _) if before.recovery || before.only_i => Some(true),
                        // All slices of the picture are I or SI slices.
                        (_, Some(7 | 9)) => Some(true),
                        // This one is, and others may not be.
                        (_, Some(2 | 4)) | (_, None) => None,
                        (_, Some(_)) => Some(false),
                    };
                    self.start = Some(Start { is_key, has_parameters: before.sequence && before.picture });
                }
            }
            _ => {}
        }
    }

    fn read_h265(&mut self, unit: &[u8]) {
        let &[first, second, ref body @ ..] = unit else { return };
        let (kind, layer) = (first >> 1 & 0x3f, (first & 1) << 5 | second >> 3);
        if first & 0x80 != 0 || layer != 0 {
            return;
        }
        match kind {
            33 => self.before.sequence = true,
            34 => self.before.picture = true,
            0..=31 => {
                self.count += u64::from(body.first().is_some_and(|byte| byte & 0x80 != 0));
                let before = self.before;
                self.start.get_or_insert(Start {
                    is_key: Some((16..=23).contains(&kind)),
                    has_parameters: before.sequence && before.picture,
                });
            }
            _ => {}
        }
    }
}

/// So many pairs of bytes are looked at together.
const AT_ONCE: usize = 32;

/// How much can be passed over in search of a start code, which begins with two zeros: the second of them may
/// come later.
fn start_code_within(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(part) = bytes[at..].first_chunk()
        && !has_two_zeros(part)
    {
        at += AT_ONCE;
    }
    let last_is_zero = usize::from(bytes.last() == Some(&0));
    if bytes.len() - at <= AT_ONCE && bytes.last_chunk().is_some_and(|part| !has_two_zeros(part)) {
        return bytes.len() - last_is_zero;
    }
    let two = bytes[at..].windows(2).position(|two| two == [0, 0]);
    two.map_or(bytes.len() - last_is_zero, |two| at + two)
}

/// Without a branch for each byte, so that the compiler takes many at a time.
fn has_two_zeros(part: &[u8; AT_ONCE + 1]) -> bool {
    (0..AT_ONCE).fold(false, |any, n| any | (part[n] | part[n + 1] == 0))
}

/// How much of a unit tells what is to be known.
fn wanted(coding: Coding, unit: &[u8], is_started: bool) -> usize {
    match (coding, is_started) {
        (Coding::H264, true) => 8,
        (Coding::H264, false) if unit[0] & 0x1f == 6 => SEI_HEAD,
        (Coding::H264, false) => SLICE_HEAD,
        (Coding::H265, _) => 3,
    }
}

/// Whether supplemental information has a recovery point that is the picture behind it (ITU-T H.264, D.1.8):
/// behind one that lies further on, pictures are not right until then.
fn recovers_at_once(escaped: &[u8]) -> bool {
    let bytes = unescaped(escaped);
    let mut rest = &bytes[..];
    let number = |rest: &mut &[u8]| -> Option<usize> {
        let mut sum = 0;
        loop {
            let (&byte, behind) = rest.split_first()?;
            *rest = behind;
            sum += usize::from(byte);
            if byte != 0xff {
                return Some(sum);
            }
        }
    };
    while let (Some(kind), Some(size)) = (number(&mut rest), number(&mut rest)) {
        if kind == 6 {
            return Bits::plain(rest.get(..size).unwrap_or(rest).to_vec()).golomb() == Some(0);
        }
        let Some(behind) = rest.get(size..) else { return false };
        rest = behind;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One byte after the other.
    fn slowly(bytes: &[u8]) -> usize {
        let starts = |at: &usize| bytes[*at] == 0 && bytes.get(at + 1).is_none_or(|next| *next == 0);
        (0..bytes.len()).find(starts).unwrap_or(bytes.len())
    }

    proptest! {
        #[test]
        fn many_bytes_at_a_time_find_what_one_after_the_other_do(
            mut bytes in proptest::collection::vec(1_u8..=255, 0..200),
            zeros in proptest::collection::vec(0_usize..200, 0..6),
            pair in any::<bool>(),
        ) {
            for at in zeros {
                let end = (at + 1 + usize::from(pair)).min(bytes.len());
                bytes.get_mut(at..end).into_iter().flatten().for_each(|byte| *byte = 0);
            }
            prop_assert_eq!(start_code_within(&bytes), slowly(&bytes));
        }

        #[test]
        fn pictures_are_the_same_in_any_pieces(
            bytes in proptest::collection::vec(prop_oneof![3 => Just(0_u8), 2 => Just(1), 3 => any::<u8>()], 0..600),
            piece in 1_usize..200,
            h265 in any::<bool>(),
        ) {
            let seen = |piece: usize| {
                let mut pictures = Pictures::new(if h265 { Coding::H265 } else { Coding::H264 });
                bytes.chunks(piece).for_each(|piece| pictures.take(piece));
                pictures.end();
                (pictures.count, pictures.start)
            };
            prop_assert_eq!(seen(piece), seen(1));
        }
    }
}
