//! PES packets of one packet identifier (ISO/IEC 13818-1, 2.4.3.6).

use super::clock::Stamps;
use super::sps::SpsFinder;

/// Up to the end of a presentation time stamp.
const HEAD: usize = 14;
/// Start code, stream identifier and length.
const FIXED: usize = 6;

/// What the PES packets of one packet identifier look like.
#[derive(Debug, Clone, Default)]
pub(super) struct Pes {
    state: State,
    head: [u8; HEAD],
    head_len: usize,
    /// Bytes of the PES packet under way, header included.
    received: u64,
    pub(super) starts: u64,
    pub(super) broken: u64,
    /// Units that start with something else than a PES packet, which only counts on streams that should
    /// have PES packets.
    pub(super) not_pes: u64,
    /// Whether the first payload belongs to a PES packet that started earlier.
    pub(super) starts_inside: bool,
    pub(super) stamps: Stamps,
    /// Whether a decoder can start at the first PES packet.
    pub(super) random_access_first: Option<bool>,
    /// Where the size of the picture is looked for.
    pub(super) sps: SpsFinder,
    /// Of all whole PES packets and of the last of them.
    bytes: u64,
    last_bytes: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing came yet.
    #[default]
    Fresh,
    /// Between a start and the next one.
    Inside,
    /// Behind something that cannot be followed, until the next start.
    Lost,
}

impl Pes {
    /// Takes the start of a unit.
    pub(super) fn start(&mut self, payload: &[u8], is_random_access: bool) {
        self.end();
        if payload.iter().zip([0, 0, 1]).any(|(&byte, expected)| byte != expected) {
            self.not_pes += 1;
            self.state = State::Lost;
            return;
        }
        self.starts += 1;
        self.random_access_first.get_or_insert(is_random_access);
        self.state = State::Inside;
        self.head_len = 0;
        self.received = 0;
        self.sps.start(payload.get(3).copied());
        self.take(payload);
    }

    /// Takes payload that continues a unit.
    #[inline]
    pub(super) fn take(&mut self, payload: &[u8]) {
        if self.state != State::Inside {
            self.starts_inside |= self.state == State::Fresh && !payload.is_empty();
            if self.starts_inside {
                self.state = State::Lost;
            }
            return;
        }
        self.received += payload.len() as u64;
        self.sps.take(payload);
        if self.head_len < HEAD {
            let part = payload.len().min(HEAD - self.head_len);
            self.head[self.head_len..self.head_len + part].copy_from_slice(&payload[..part]);
            self.head_len += part;
        }
    }

    /// Gives up on the unit under way without blame: it cannot be followed.
    pub(super) fn lose(&mut self) {
        self.state = State::Lost;
    }

    /// Ends the unit under way, because another starts or nothing follows.
    pub(super) fn end(&mut self) {
        if std::mem::replace(&mut self.state, State::Lost) != State::Inside {
            return;
        }
        self.sps.end();
        self.bytes += self.received;
        self.last_bytes = self.received;
        match read_head(&self.head[..self.head_len]) {
            Ok(head) => {
                // 0 is "until the next start", which is allowed for video.
                if head.announced != 0 && self.received != FIXED as u64 + u64::from(head.announced) {
                    self.broken += 1;
                }
                if let Some(pts) = head.pts {
                    self.stamps.push(pts);
                }
            }
            Err(BadHead) => self.broken += 1,
        }
    }

    /// Stops in the middle of a unit that goes on elsewhere: whatever it lacks is no fault.
    pub(super) fn stop(&mut self) {
        if std::mem::replace(&mut self.state, State::Lost) != State::Inside {
            return;
        }
        self.sps.end();
        if let Ok(Head { pts: Some(pts), .. }) = read_head(&self.head[..self.head_len]) {
            self.stamps.push(pts);
        }
    }

    /// How much of a typical PES packet the last one is, in 256ths, at most whole. Recorders gather many
    /// audio frames into one PES packet and fewer into the last.
    pub(super) fn last_part(&self) -> u64 {
        let typical = (self.bytes / self.starts.max(1)).max(1);
        (self.last_bytes.saturating_mul(256) / typical).min(256)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    announced: u16,
    pts: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BadHead;

/// The time stamp of a PES packet whose head is at the start of this.
pub(super) fn read_pts(payload: &[u8]) -> Option<u64> {
    read_head(payload.get(..HEAD)?).ok()?.pts
}

fn read_head(head: &[u8]) -> Result<Head, BadHead> {
    let &[0, 0, 1, stream, length_high, length_low, ref rest @ ..] = head else { return Err(BadHead) };
    let announced = u16::from_be_bytes([length_high, length_low]);
    // Program map, padding, private 2, ECM, EMM, DSM-CC, H.222.1 type E and the directory have no more head.
    if matches!(stream, 0xbc | 0xbe | 0xbf | 0xf0 | 0xf1 | 0xf2 | 0xf8 | 0xff) {
        return Ok(Head { announced, pts: None });
    }
    let &[mark, flags, length, ref rest @ ..] = rest else { return Err(BadHead) };
    if mark & 0xc0 != 0x80 {
        return Err(BadHead);
    }
    if flags & 0x80 == 0 {
        return Ok(Head { announced, pts: None });
    }
    if length < 5 {
        return Err(BadHead);
    }
    let &[a, b, c, d, e] = rest else { return Err(BadHead) };
    // Two bits repeat the flags and three are always set, between 3, 15 and 15 bits of time.
    let marked = a >> 4 == flags >> 6 && a & c & e & 1 == 1;
    if !marked {
        return Err(BadHead);
    }
    let pts = u64::from(a >> 1 & 7) << 30
        | u64::from(b) << 22
        | u64::from(c >> 1) << 15
        | u64::from(d) << 7
        | u64::from(e >> 1);
    Ok(Head { announced, pts: Some(pts) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pes(announced: u16, pts: u64, payload: usize) -> Vec<u8> {
        let mut bytes = vec![0, 0, 1, 0xc0];
        bytes.extend_from_slice(&announced.to_be_bytes());
        bytes.extend_from_slice(&[0x80, 0x80, 5]);
        bytes.push(0x21 | u8::try_from(pts >> 30 << 1).unwrap());
        bytes.extend_from_slice(&u16::try_from((pts >> 15 & 0x7fff) << 1 | 1).unwrap().to_be_bytes());
        bytes.extend_from_slice(&u16::try_from((pts & 0x7fff) << 1 | 1).unwrap().to_be_bytes());
        bytes.resize(bytes.len() + payload, 0x55);
        bytes
    }

    fn examine(units: &[Vec<u8>], piece: usize) -> Pes {
        let mut pes = Pes::default();
        for unit in units {
            let mut pieces = unit.chunks(piece);
            pes.start(pieces.next().unwrap(), false);
            pieces.for_each(|piece| pes.take(piece));
        }
        pes.end();
        pes
    }

    #[test]
    fn a_head_may_be_split_anywhere() {
        let units = [pes(48, 0x1_2345_6789, 40), pes(8, (1 << 33) - 1, 0)];
        for piece in 1..60 {
            let pes = examine(&units, piece);
            assert_eq!((pes.starts, pes.broken, pes.not_pes), (2, 0, 0), "pieces of {piece}");
            assert_eq!(pes.stamps.first_pts(), Some(0x1_2345_6789), "pieces of {piece}");
            assert_eq!(pes.stamps.last_pts(), Some((1 << 33) - 1), "pieces of {piece}");
        }
    }

    #[test]
    fn another_length_than_announced_is_broken_also_at_the_end() {
        for (announced, payload, broken) in
            [(48, 40, 0), (48, 39, 2), (48, 41, 2), (0, 40, 0), (0, 0, 0), (7, 0, 2)]
        {
            let units = [pes(announced, 9, payload), pes(announced, 9, payload)];
            assert_eq!(examine(&units, 184).broken, broken, "{announced} for {payload}");
        }
    }

    #[test]
    fn a_head_that_breaks_its_marks_is_broken_and_gives_no_time() {
        for (at, flip) in [(6, 0x40), (8, 5), (9, 0x10), (9, 0x01), (11, 0x01), (13, 0x01)] {
            let mut unit = pes(0, 90_000, 10);
            unit[at] ^= flip;
            let pes = examine(&[unit], 184);
            assert_eq!((pes.broken, pes.stamps.first_pts()), (1, None), "byte {at}");
        }
        assert_eq!(examine(&[pes(0, 90_000, 0)[..12].to_vec()], 184).broken, 1);
    }

    #[test]
    fn streams_without_a_longer_head_have_no_time() {
        let mut padding = vec![0, 0, 1, 0xbe, 0, 4];
        padding.extend_from_slice(&[0xff; 4]);
        let pes = examine(&[padding], 184);
        assert_eq!((pes.broken, pes.starts, pes.stamps.first_pts()), (0, 1, None));
    }

    #[test]
    fn what_is_no_pes_packet_is_told_from_what_is() {
        let pes = examine(&[vec![0, 0, 2, 1], vec![0xff; 9]], 184);
        assert_eq!((pes.starts, pes.not_pes, pes.broken), (0, 2, 0));
        assert_eq!(examine(&[vec![0, 0, 1]], 184).broken, 1);
    }

    #[test]
    fn payload_in_front_of_the_first_start_is_noticed() {
        let mut inside = Pes::default();
        inside.take(&[1, 2, 3]);
        inside.start(&pes(8, 5, 0), false);
        inside.end();
        assert!(inside.starts_inside);
        assert!(!examine(&[pes(8, 5, 0)], 184).starts_inside);
    }
}
