//! Program association and program map tables (ISO/IEC 13818-1, 2.4.4).

/// Where the program association table lies.
pub(super) const PAT_PID: u16 = 0;

const PAT_TABLE: u8 = 0x00;
const PMT_TABLE: u8 = 0x02;
const STUFFING: u8 = 0xff;
/// The longest section of either table.
const MAX_SECTION: usize = 1024;

/// A section that passed its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section<'a> {
    /// Where the program maps lie: pairs of program number and packet identifier follow each other.
    Programs(&'a [u8]),
    /// The streams of one program.
    Streams(&'a [u8]),
    /// Another table, or one that applies only later.
    Other,
    /// A program table whose checksum or length is wrong.
    Bad,
}

/// Puts sections together that come in pieces.
#[derive(Debug, Clone)]
pub(super) struct Assembler {
    section: Box<[u8; MAX_SECTION]>,
    /// How many bytes of the section came; more than the buffer holds only for other tables.
    came: usize,
    under_way: bool,
}

impl Assembler {
    pub(super) fn new() -> Self {
        Self { section: Box::new([0; MAX_SECTION]), came: 0, under_way: false }
    }

    /// Forgets a section that is under way, because packets of it are missing.
    pub(super) fn drop_partial(&mut self) {
        self.under_way = false;
    }

    /// Whether the stream ended inside a section.
    pub(super) fn is_inside(&self) -> bool {
        self.under_way
    }

    /// Takes the payload of one packet and hands on each section that ends in it.
    pub(super) fn push(&mut self, payload: &[u8], starts_unit: bool, mut each: impl FnMut(Section<'_>)) {
        if !starts_unit {
            self.take(payload, &mut each);
            return;
        }
        let Some((&pointer, rest)) = payload.split_first() else { return };
        let Some((end_of_last, mut rest)) = rest.split_at_checked(usize::from(pointer)) else {
            self.under_way = false;
            each(Section::Bad);
            return;
        };
        self.take(end_of_last, &mut each);
        if self.under_way {
            each(Section::Bad);
        }
        while rest.first().is_some_and(|&table| table != STUFFING) {
            self.came = 0;
            self.under_way = true;
            let used = self.take(rest, &mut each);
            rest = rest.get(used..).unwrap_or(&[]);
        }
    }

    /// Adds to the section that is under way; says how many bytes belong to it.
    fn take(&mut self, bytes: &[u8], each: &mut impl FnMut(Section<'_>)) -> usize {
        let mut used = 0;
        while self.under_way {
            let length = self.length();
            if self.is_program_table() && length > MAX_SECTION {
                self.under_way = false;
                each(Section::Bad);
                // Where the next one starts is unknown until a packet says so.
                return bytes.len();
            }
            if self.came >= 3 && self.came >= length {
                self.under_way = false;
                each(self.finished(length));
                break;
            }
            let part = &bytes[used..bytes.len().min(used + length - self.came)];
            if part.is_empty() {
                break;
            }
            if let Some(room) = self.section.get_mut(self.came..) {
                let kept = part.len().min(room.len());
                room[..kept].copy_from_slice(&part[..kept]);
            }
            self.came += part.len();
            used += part.len();
        }
        used
    }

    /// Of the whole section; as long as that is not known, of the part that tells.
    fn length(&self) -> usize {
        if self.came < 3 {
            return 3;
        }
        3 + usize::from(u16::from_be_bytes([self.section[1] & 0x0f, self.section[2]]))
    }

    fn is_program_table(&self) -> bool {
        self.came >= 3 && matches!(self.section[0], PAT_TABLE | PMT_TABLE)
    }

    fn finished(&self, length: usize) -> Section<'_> {
        if !self.is_program_table() {
            return Section::Other;
        }
        let section = &self.section[..length];
        // Eight bytes of header and four of checksum.
        if length < 12 || section[1] & 0x80 == 0 || crc(section) != 0 {
            return Section::Bad;
        }
        if section[5] & 1 == 0 {
            return Section::Other;
        }
        let body = &section[8..length - 4];
        if section[0] == PAT_TABLE { Section::Programs(body) } else { Section::Streams(body) }
    }
}

/// The packet identifiers of the program maps.
pub(super) fn program_maps(body: &[u8]) -> impl Iterator<Item = u16> {
    body.as_chunks::<4>().0.iter().filter_map(|&[number_high, number_low, pid_high, pid_low]| {
        // Program 0 is the network table.
        let is_program = (number_high, number_low) != (0, 0);
        is_program.then(|| u16::from_be_bytes([pid_high & 0x1f, pid_low]))
    })
}

/// The packet identifier of the stream that carries the clock reference of a program, where one does.
pub(super) fn clock_pid(body: &[u8]) -> Option<u16> {
    let &[high, low, ..] = body else { return None };
    let pid = u16::from_be_bytes([high & 0x1f, low]);
    (pid != 0x1fff).then_some(pid)
}

/// Stream type and packet identifier of each stream of a program.
pub(super) fn streams(body: &[u8]) -> impl Iterator<Item = (u8, u16)> {
    let mut rest = body
        .get(2..4)
        .map(|length| usize::from(u16::from_be_bytes([length[0] & 0x0f, length[1]])))
        .and_then(|descriptors| body.get(4 + descriptors..))
        .unwrap_or(&[]);
    std::iter::from_fn(move || {
        let (&[kind, pid_high, pid_low, length_high, length_low], behind) = rest.split_first_chunk::<5>()?;
        let descriptors = usize::from(u16::from_be_bytes([length_high & 0x0f, length_low]));
        rest = behind.get(descriptors..).unwrap_or(&[]);
        Some((kind, u16::from_be_bytes([pid_high & 0x1f, pid_low])))
    })
}

/// The checksum of ISO/IEC 13818-1, annex A: 0 over a section that ends with its own.
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, &byte| {
        let [top, ..] = crc.to_be_bytes();
        crc << 8 ^ CRC_TABLE[usize::from(top ^ byte)]
    })
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut crc = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 << 31 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn section(table: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 9).unwrap().to_be_bytes();
        let mut bytes = vec![table, 0xb0 | length[0], length[1], 0, 1, 0xc1, 0, 0];
        bytes.extend_from_slice(body);
        let sum = crc(&bytes).to_be_bytes();
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// What came of each section, in words.
    fn read(assembler: &mut Assembler, payload: &[u8], starts_unit: bool) -> Vec<String> {
        let mut seen = Vec::new();
        assembler.push(payload, starts_unit, |section| {
            seen.push(match section {
                Section::Programs(body) => format!("programs {:?}", program_maps(body).collect::<Vec<_>>()),
                Section::Streams(body) => format!("streams {:?}", streams(body).collect::<Vec<_>>()),
                Section::Other => "other".to_owned(),
                Section::Bad => "bad".to_owned(),
            });
        });
        seen
    }

    fn behind_pointer(pointer: u8, parts: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![pointer];
        parts.iter().for_each(|part| payload.extend_from_slice(part));
        payload
    }

    const PAT: [u8; 12] = [0, 0, 0xe0, 0x10, 0, 1, 0xf0, 0x00, 0, 2, 0xe1, 0x23];
    const PMT: [u8; 18] = [0xe1, 0, 0xf0, 2, 9, 9, 0x1b, 0xe1, 0, 0xf0, 1, 7, 0x0f, 0xe1, 1, 0xf0, 0, 0x42];

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc(b"123456789"), 0x0376_e6e7);
    }

    #[test]
    fn the_network_table_is_no_program_and_descriptors_are_passed_over() {
        let mut assembler = Assembler::new();
        let pat = behind_pointer(0, &[&section(0, &PAT), &[STUFFING; 9]]);
        assert_eq!(read(&mut assembler, &pat, true), ["programs [4096, 291]"]);
        let pmt = behind_pointer(0, &[&section(2, &PMT)]);
        assert_eq!(read(&mut assembler, &pmt, true), ["streams [(27, 256), (15, 257)]"]);
    }

    #[test]
    fn a_section_may_come_in_pieces_and_end_behind_the_pointer() {
        let whole = section(2, &PMT);
        for cut in 1..whole.len() {
            let mut assembler = Assembler::new();
            assert!(read(&mut assembler, &behind_pointer(0, &[&whole[..cut]]), true).is_empty());
            let rest = &whole[cut..];
            let next = behind_pointer(u8::try_from(rest.len()).unwrap(), &[rest, &section(0, &PAT)]);
            let seen = read(&mut assembler, &next, true);
            assert_eq!(seen, ["streams [(27, 256), (15, 257)]", "programs [4096, 291]"], "cut at {cut}");
            assert!(!assembler.is_inside());
        }
    }

    #[test]
    fn other_tables_are_passed_over_however_long() {
        let mut long = vec![0x40, 0x3f, 0xfd];
        long.resize(4096, 0);
        let mut assembler = Assembler::new();
        assert!(read(&mut assembler, &behind_pointer(0, &[&long[..180]]), true).is_empty());
        for part in long[180..4080].chunks(184) {
            assert!(read(&mut assembler, part, false).is_empty());
        }
        let end = behind_pointer(16, &[&long[4080..], &section(0, &PAT)]);
        assert_eq!(read(&mut assembler, &end, true), ["other", "programs [4096, 291]"]);
    }

    #[test]
    fn every_flipped_bit_makes_a_bad_section_or_another_table() {
        let whole = section(0, &PAT);
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let mut assembler = Assembler::new();
            let seen = read(&mut assembler, &behind_pointer(0, &[&flipped, &[STUFFING; 4]]), true);
            assert!(!seen.iter().any(|s| s.starts_with("programs")), "bit {bit}: {seen:?}");
        }
    }

    #[test]
    fn a_section_that_the_next_one_cuts_off_is_bad() {
        let whole = section(2, &PMT);
        let mut assembler = Assembler::new();
        read(&mut assembler, &behind_pointer(0, &[&whole[..9]]), true);
        assert!(assembler.is_inside());
        let seen = read(&mut assembler, &behind_pointer(0, &[&whole]), true);
        assert_eq!(seen, ["bad", "streams [(27, 256), (15, 257)]"]);
    }

    #[test]
    fn a_pointer_or_a_length_out_of_bounds_is_bad() {
        let mut assembler = Assembler::new();
        assert_eq!(read(&mut assembler, &behind_pointer(200, &[&[0; 20]]), true), ["bad"]);
        assert_eq!(read(&mut assembler, &behind_pointer(0, &[&[0x02, 0xbf, 0xff, 0]]), true), ["bad"]);
        assert_eq!(read(&mut assembler, &behind_pointer(0, &[&[0x02, 0xb0, 0x00, 0xff]]), true), ["bad"]);
    }
}
