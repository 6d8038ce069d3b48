//! The packet of 188 bytes, and the counter that shows where one is missing.

/// The length of a packet (ISO/IEC 13818-1, 2.4.3.2).
pub(super) const PACKET: usize = 188;
/// The first byte of each packet.
pub(super) const SYNC: u8 = 0x47;
/// The packet identifier of packets that only fill the channel.
pub(super) const NULL_PID: u16 = 0x1fff;
/// How many packet identifiers there are.
pub(super) const PIDS: usize = 0x2000;

/// A packet whose header was read. One does not exist for packets that cannot be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    bytes: &'a [u8; PACKET],
    payload_at: usize,
    has_payload: bool,
    flags: u8,
}

/// Why the rest of a packet cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The sync byte is another.
    LostSync,
    /// A receiver marked the packet, or its adaptation field does not fit into it.
    Damaged,
    /// The reserved value of the adaptation field control, which a reader passes over.
    Reserved,
}

impl<'a> Packet<'a> {
    #[inline]
    pub(super) fn read(bytes: &'a [u8; PACKET]) -> Result<Self, Unusable> {
        if bytes[0] != SYNC {
            return Err(Unusable::LostSync);
        }
        if bytes[1] & 0x80 != 0 {
            return Err(Unusable::Damaged);
        }
        let has_payload = bytes[3] & 0x10 != 0;
        if bytes[3] & 0x20 == 0 {
            if !has_payload {
                return Err(Unusable::Reserved);
            }
            return Ok(Self { bytes, payload_at: 4, has_payload, flags: 0 });
        }
        let payload_at = 5 + usize::from(bytes[4]);
        if payload_at > PACKET {
            return Err(Unusable::Damaged);
        }
        let flags = if bytes[4] > 0 { bytes[5] } else { 0 };
        Ok(Self { bytes, payload_at, has_payload, flags })
    }

    #[inline]
    pub(super) fn pid(&self) -> u16 {
        u16::from_be_bytes([self.bytes[1] & 0x1f, self.bytes[2]])
    }

    /// Whether a PES packet or a section starts in the payload.
    #[inline]
    pub(super) fn starts_unit(&self) -> bool {
        self.bytes[1] & 0x40 != 0
    }

    #[inline]
    pub(super) fn is_scrambled(&self) -> bool {
        self.bytes[3] & 0xc0 != 0
    }

    #[inline]
    pub(super) fn has_payload(&self) -> bool {
        self.has_payload
    }

    /// Empty where the packet has none.
    #[inline]
    pub(super) fn payload(&self) -> &'a [u8] {
        if self.has_payload { self.bytes.get(self.payload_at..).unwrap_or(&[]) } else { &[] }
    }

    /// The program clock reference, in parts of 1/90,000 s (2.4.3.5).
    pub(super) fn clock_reference(&self) -> Option<u64> {
        // Flags and six bytes behind the length of the adaptation field.
        if self.flags & 0x10 == 0 || self.bytes[4] < 7 {
            return None;
        }
        let [a, b, c, d, e] = [6, 7, 8, 9, 10].map(|at| u64::from(self.bytes[at]));
        Some(a << 25 | b << 17 | c << 9 | d << 1 | e >> 7)
    }

    #[inline]
    pub(super) fn announces_discontinuity(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// Whether a decoder can start here.
    #[inline]
    pub(super) fn is_random_access(&self) -> bool {
        self.flags & 0x40 != 0
    }

    /// A sample of the packet that leaves out the clock reference, which a duplicate may change.
    #[inline]
    fn fingerprint(&self) -> u64 {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&self.bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        word(12)
            ^ word(56).rotate_left(13)
            ^ word(100).rotate_left(27)
            ^ word(140).rotate_left(41)
            ^ word(PACKET - 8).rotate_left(53)
    }
}

/// The continuity counter of one packet identifier (ISO/IEC 13818-1, 2.4.3.3).
#[derive(Debug, Clone, Default)]
pub(super) struct Counter {
    last: Option<u8>,
    fingerprint: u64,
    repeated: bool,
}

/// What the counter says about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Follows the packet before.
    Next,
    /// The packet before once more, which is legal once.
    Duplicate,
    /// A jump that the packet announces: what was under way ends here.
    Announced,
    /// Something is missing in front of this packet.
    Break,
}

impl Counter {
    #[inline]
    pub(super) fn step(&mut self, packet: &Packet<'_>) -> Step {
        let count = packet.bytes[3] & 0x0f;
        let Some(last) = self.last.replace(count) else {
            self.fingerprint = packet.fingerprint();
            return Step::Next;
        };
        if !packet.has_payload {
            // Such packets do not count themselves, so they carry the number of the last one that did.
            return match (count == last, packet.announces_discontinuity()) {
                (true, _) => Step::Next,
                (false, true) => Step::Announced,
                (false, false) => Step::Break,
            };
        }
        let fingerprint = packet.fingerprint();
        let same = fingerprint == self.fingerprint;
        self.fingerprint = fingerprint;
        if count == (last + 1) & 0x0f {
            self.repeated = false;
            return Step::Next;
        }
        if count == last && same && !self.repeated {
            self.repeated = true;
            return Step::Duplicate;
        }
        self.repeated = false;
        if packet.announces_discontinuity() { Step::Announced } else { Step::Break }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(control: u8, count: u8, fill: u8) -> [u8; PACKET] {
        let mut bytes = [fill; PACKET];
        bytes[..4].copy_from_slice(&[SYNC, 0x01, 0x00, control << 4 | count]);
        if control & 2 != 0 {
            bytes[4] = if control == 2 { 183 } else { 7 };
            bytes[5] = 0;
        }
        bytes
    }

    fn steps(packets: &[[u8; PACKET]]) -> Vec<Step> {
        let mut counter = Counter::default();
        packets.iter().map(|bytes| counter.step(&Packet::read(bytes).unwrap())).collect()
    }

    #[test]
    fn the_counter_wraps_and_is_free_at_the_start() {
        let run = [packet(1, 14, 1), packet(1, 15, 2), packet(1, 0, 3), packet(1, 1, 4)];
        assert_eq!(steps(&run), [Step::Next; 4]);
    }

    #[test]
    fn a_duplicate_is_legal_once_and_only_with_the_same_content() {
        let twice = [packet(1, 3, 1), packet(1, 3, 1), packet(1, 4, 2)];
        assert_eq!(steps(&twice), [Step::Next, Step::Duplicate, Step::Next]);
        let thrice = [packet(1, 3, 1), packet(1, 3, 1), packet(1, 3, 1)];
        assert_eq!(steps(&thrice)[2], Step::Break);
        let other = [packet(1, 3, 1), packet(1, 3, 9)];
        assert_eq!(steps(&other)[1], Step::Break);
    }

    #[test]
    fn a_duplicate_may_carry_another_clock_reference() {
        let (first, mut again) = (packet(3, 3, 1), packet(3, 3, 1));
        again[6..12].copy_from_slice(&[9; 6]);
        assert_eq!(steps(&[first, again])[1], Step::Duplicate);
    }

    #[test]
    fn packets_without_payload_do_not_count() {
        let run = [packet(1, 3, 1), packet(2, 3, 0), packet(2, 3, 0), packet(1, 4, 2)];
        assert_eq!(steps(&run), [Step::Next; 4]);
        assert_eq!(steps(&[packet(1, 3, 1), packet(2, 4, 0)])[1], Step::Break);
    }

    #[test]
    fn an_announced_jump_is_no_break() {
        let mut jump = packet(3, 9, 2);
        jump[5] = 0x80;
        assert_eq!(
            steps(&[packet(1, 3, 1), jump, packet(1, 10, 1)]),
            [Step::Next, Step::Announced, Step::Next]
        );
    }

    #[test]
    fn packets_that_cannot_be_read_say_why() {
        let mut marked = packet(1, 0, 0);
        marked[1] |= 0x80;
        let mut unsynced = packet(1, 0, 0);
        unsynced[0] = 0x46;
        let mut too_long = packet(3, 0, 0);
        too_long[4] = 184;
        for (bytes, why) in [
            (marked, Unusable::Damaged),
            (unsynced, Unusable::LostSync),
            (too_long, Unusable::Damaged),
            (packet(0, 0, 0), Unusable::Reserved),
        ] {
            assert_eq!(Packet::read(&bytes).unwrap_err(), why);
        }
    }

    #[test]
    fn an_adaptation_field_that_fills_the_packet_leaves_an_empty_payload() {
        let mut full = packet(3, 0, 0);
        full[4] = 183;
        assert!(Packet::read(&full).unwrap().payload().is_empty());
        assert_eq!(Packet::read(&packet(3, 0, 0)).unwrap().payload().len(), PACKET - 12);
    }
}
