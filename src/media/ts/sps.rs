//! The size of the picture, from the first sequence parameter set of H.264 (ITU-T H.264, 7.3.2.1.1).

use super::bits::Bits;

/// How much of a PES packet is looked at. A parameter set stands in front of the first picture, behind at most
/// an access unit delimiter, and is shorter than a hundred bytes unless it carries scaling lists.
const LOOKED_AT: usize = 1024;
/// In so many PES packets at the most: a slice that was cut by force does not start with a whole picture.
const TRIES: u16 = 256;
/// No level of the standard reaches further (ITU-T H.264, table A-1: 139,264 macroblocks).
const LONGEST_SIDE: u64 = 16_384;

/// Looks for a parameter set in what passes by; keeps [`LOOKED_AT`] bytes at the most.
#[derive(Debug, Clone, Default)]
pub(super) struct SpsFinder {
    head: Vec<u8>,
    active: bool,
    tries: u16,
    /// Pixels across and down.
    pub(super) size: Option<(u32, u32)>,
}

impl SpsFinder {
    /// A PES packet starts; `stream` is its stream identifier.
    #[inline]
    pub(super) fn start(&mut self, stream: Option<u8>) {
        let is_video = stream.is_some_and(|stream| stream & 0xf0 == 0xe0);
        self.active = is_video && self.size.is_none() && self.tries < TRIES;
        if self.active {
            self.tries += 1;
            self.head.clear();
        }
    }

    #[inline]
    pub(super) fn take(&mut self, payload: &[u8]) {
        if self.active {
            let part = payload.len().min(LOOKED_AT - self.head.len());
            self.head.extend_from_slice(&payload[..part]);
            if self.head.len() == LOOKED_AT {
                self.end();
            }
        }
    }

    /// The PES packet ends, or as much of it came as is looked at.
    #[inline]
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.active) {
            self.size = size_in(&self.head);
            if self.size.is_some() {
                self.head = Vec::new();
            }
        }
    }
}

/// The size by the first parameter set that can be read, in bytes with start codes.
fn size_in(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 0;
    while let Some(code) = bytes.get(at..)?.windows(3).position(|three| three == [0, 0, 1]) {
        at += code + 3;
        let &header = bytes.get(at)?;
        // The forbidden bit is clear, and a parameter set is always referred to.
        if header & 0x9f == 7 && header & 0x60 != 0 {
            let body = bytes.get(at + 1..).unwrap_or(&[]);
            let end = body.windows(3).position(|three| three == [0, 0, 0] || three == [0, 0, 1]);
            if let Some(size) = read(&body[..end.unwrap_or(body.len())]) {
                return Some(size);
            }
        }
    }
    None
}

/// Width and height behind cropping; `None` where the set is cut or says what cannot be.
fn read(escaped: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits::new(escaped);
    let profile = bits.take(8)?;
    bits.take(16)?;
    at_most(bits.golomb()?, 31)?;
    let mut chroma = 1;
    let mut planes_apart = 0;
    if matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
        chroma = at_most(bits.golomb()?, 3)?;
        if chroma == 3 {
            planes_apart = bits.take(1)?;
        }
        at_most(bits.golomb()?, 6)?;
        at_most(bits.golomb()?, 6)?;
        bits.take(1)?;
        if bits.take(1)? == 1 {
            let lists = if chroma == 3 { 12 } else { 8 };
            for list in 0..lists {
                if bits.take(1)? == 1 {
                    bits.pass_scaling_list(if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.golomb()?;
    match at_most(bits.golomb()?, 2)? {
        0 => drop(bits.golomb()?),
        1 => {
            bits.take(1)?;
            bits.golomb()?;
            bits.golomb()?;
            for _ in 0..at_most(bits.golomb()?, 255)? {
                bits.golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.take(1)?;
    let across = bits.golomb()? + 1;
    let down = bits.golomb()? + 1;
    let fields = 2 - bits.take(1)?;
    if fields == 2 {
        bits.take(1)?;
    }
    bits.take(1)?;
    let (unit_x, unit_y) = match (chroma, planes_apart) {
        (1, _) => (2, 2 * fields),
        (2, _) => (2, fields),
        (_, _) => (1, fields),
    };
    let mut crop = [0; 4];
    if bits.take(1)? == 1 {
        for side in &mut crop {
            *side = bits.golomb()?;
        }
    }
    let [left, right, top, bottom] = crop;
    let width = (across * 16).checked_sub((left + right) * unit_x)?;
    let height = (down * 16 * fields).checked_sub((top + bottom) * unit_y)?;
    let side = |length: u64| u32::try_from(at_most(length, LONGEST_SIDE)?).ok().filter(|side| *side > 0);
    Some((side(width)?, side(height)?))
}

fn at_most(value: u64, most: u64) -> Option<u64> {
    (value <= most).then_some(value)
}

impl Bits {
    /// 7.3.2.1.1.1: a difference of zero ends the list where it makes the next scale zero.
    fn pass_scaling_list(&mut self, length: usize) -> Option<()> {
        let (mut last, mut next) = (8_i64, 8_i64);
        for _ in 0..length {
            if next != 0 {
                let code = i64::try_from(self.golomb()?).ok()?;
                let delta = if code % 2 == 1 { code / 2 + 1 } else { -(code / 2) };
                next = (last + delta).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes what the reader reads.
    #[derive(Default)]
    struct Writer(Vec<bool>);

    impl Writer {
        fn bits(mut self, value: u64, count: u32) -> Self {
            self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
            self
        }

        fn golomb(self, value: u64) -> Self {
            let length = 64 - (value + 1).leading_zeros();
            self.bits(0, length - 1).bits(value + 1, length)
        }

        fn bytes(mut self) -> Vec<u8> {
            self.0.push(true);
            let (mut bytes, mut zeros) = (Vec::new(), 0);
            for eight in self.0.chunks(8) {
                let byte =
                    eight.iter().enumerate().fold(0, |byte, (i, bit)| byte | u8::from(*bit) << (7 - i));
                if zeros >= 2 && byte <= 3 {
                    bytes.push(3);
                    zeros = 0;
                }
                zeros = if byte == 0 { zeros + 1 } else { 0 };
                bytes.push(byte);
            }
            bytes
        }
    }

    /// Baseline: macroblocks across and down, frames only or not, and what is cut off at the right and below.
    fn baseline(across: u64, down: u64, frames_only: u64, crop: Option<(u64, u64)>) -> Vec<u8> {
        let set = Writer::default().bits(66, 8).bits(0, 8).bits(30, 8).golomb(0).golomb(0).golomb(2);
        let set = set.golomb(1).bits(0, 1).golomb(across - 1).golomb(down - 1).bits(frames_only, 1);
        let set = if frames_only == 0 { set.bits(0, 1) } else { set };
        let set = set.bits(1, 1).bits(u64::from(crop.is_some()), 1);
        let set = match crop {
            Some((right, bottom)) => set.golomb(0).golomb(right).golomb(0).golomb(bottom),
            None => set,
        };
        set.bits(0, 1).bytes()
    }

    fn high(chroma: u64, with_lists: bool) -> Vec<u8> {
        let set = Writer::default().bits(100, 8).bits(0, 8).bits(40, 8).golomb(0).golomb(chroma);
        let set = if chroma == 3 { set.bits(0, 1) } else { set };
        let mut set = set.golomb(0).golomb(0).bits(0, 1).bits(u64::from(with_lists), 1);
        if with_lists {
            // One list that is written out, one that ends at once, and the rest left out.
            set = set.bits(1, 1);
            for _ in 0..16 {
                set = set.golomb(1);
            }
            // A difference of -8 makes the next scale zero.
            set = set.bits(1, 1).golomb(16).bits(0, if chroma == 3 { 10 } else { 6 });
        }
        // Picture order count of type 1, with two offsets.
        let set = set.golomb(0).golomb(1).bits(0, 1).golomb(3).golomb(4).golomb(2).golomb(5).golomb(6);
        // 1920 x 1080 is 120 by 68 macroblocks less eight lines.
        let set = set.golomb(1).bits(0, 1).golomb(119).golomb(67).bits(1, 1).bits(1, 1).bits(1, 1);
        let lines = if chroma == 1 { 4 } else { 8 };
        set.golomb(0).golomb(0).golomb(0).golomb(lines).bits(0, 1).bytes()
    }

    #[test]
    fn the_size_is_that_behind_cropping() {
        for (set, size) in [
            (baseline(40, 30, 1, None), (640, 480)),
            (baseline(20, 12, 1, Some((0, 6))), (320, 180)),
            (baseline(45, 18, 0, None), (720, 576)),
            (high(1, false), (1920, 1080)),
            (high(1, true), (1920, 1080)),
            (high(3, true), (1920, 1080)),
        ] {
            assert_eq!(read(&set), Some(size));
        }
    }

    #[test]
    fn x264_says_320_by_180() {
        // Of a slice that libx264 made, high profile.
        let set = [
            0x64, 0x00, 0x0c, 0xac, 0xd9, 0x41, 0x41, 0x9f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
            0x00, 0x00, 0x03, 0x01, 0xe0, 0xf1, 0x42, 0x99, 0x60,
        ];
        assert_eq!(read(&set), Some((320, 180)));
    }

    #[test]
    fn what_cannot_be_or_is_cut_says_nothing() {
        let good = baseline(40, 30, 1, Some((1, 1)));
        for end in 0..good.len() - 1 {
            assert_eq!(read(&good[..end]), None, "{end} bytes");
        }
        for bad in
            [baseline(1025, 30, 1, None), baseline(1, 1, 1, Some((8, 0))), baseline(1, 1, 1, Some((9, 0)))]
        {
            assert_eq!(read(&bad), None);
        }
        assert_eq!(read(&[0; 1000]), None);
    }

    #[test]
    fn it_is_found_behind_other_units_in_any_pieces_and_only_in_pictures() {
        let mut unit = vec![0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67];
        unit.extend(baseline(40, 30, 1, None));
        unit.extend([0, 0, 0, 1, 0x68, 0xce]);
        for piece in 1..unit.len() {
            let mut finder = SpsFinder::default();
            finder.start(Some(0xe0));
            unit.chunks(piece).for_each(|piece| finder.take(piece));
            finder.end();
            assert_eq!(finder.size, Some((640, 480)), "pieces of {piece}");
        }
        let mut sound = SpsFinder::default();
        sound.start(Some(0xc0));
        sound.take(&unit);
        sound.end();
        assert_eq!(sound.size, None);
    }

    #[test]
    fn no_more_is_kept_and_looked_at_than_the_bound() {
        let mut finder = SpsFinder::default();
        for _ in 0..1000 {
            finder.start(Some(0xe0));
            finder.take(&[0; 5000]);
            assert!(finder.head.len() <= LOOKED_AT && finder.head.capacity() <= 2 * LOOKED_AT);
            finder.end();
        }
        assert_eq!(finder.tries, TRIES);
        let mut unit = vec![0, 0, 1, 0x67];
        unit.extend(baseline(40, 30, 1, None));
        finder.start(Some(0xe0));
        finder.take(&unit);
        finder.end();
        assert_eq!(finder.size, None, "it gave up");
    }
}
