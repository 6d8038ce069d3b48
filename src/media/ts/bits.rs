//! Bits, one after the other, from the highest of each byte on.

/// Reads bits; whatever it is asked for behind the end is `None`.
pub(super) struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    /// Of a raw byte sequence payload, without the bytes that only keep start codes apart (ITU-T H.264, 7.4.1.1).
    pub(super) fn new(escaped: &[u8]) -> Self {
        Self { bytes: unescaped(escaped), at: 0 }
    }

    /// Of bytes as they are.
    pub(super) fn plain(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn take(&mut self, count: u32) -> Option<u64> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Passes over so many bits.
    pub(super) fn pass(&mut self, count: usize) -> Option<()> {
        let at = self.at.checked_add(count)?;
        (at <= self.bytes.len() * 8).then(|| self.at = at)
    }

    /// Goes on to the next whole byte.
    pub(super) fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    /// An Exp-Golomb code without sign (ITU-T H.264, 9.1), below 2^32. One with sign takes the same bits.
    pub(super) fn golomb(&mut self) -> Option<u64> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

/// Without the bytes that only keep start codes apart.
pub(super) fn unescaped(escaped: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut zeros = 0;
    for &byte in escaped {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        bytes.push(byte);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_the_end_there_is_nothing() {
        let mut bits = Bits::plain(vec![0b1010_0000]);
        assert_eq!((bits.take(3), bits.pass(6), bits.pass(5)), (Some(5), None, Some(())));
        bits.align();
        assert_eq!((bits.take(1), bits.golomb(), bits.pass(0)), (None, None, Some(())));
    }

    #[test]
    fn bytes_that_keep_start_codes_apart_are_left_out() {
        assert_eq!(unescaped(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]), [0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(unescaped(&[3, 0, 3]), [3, 0, 3]);
    }
}
