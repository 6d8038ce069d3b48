//! Boxes that are in memory.

/// Four letters.
pub(super) type Name = [u8; 4];

/// Where media data lies in the file, with the head of its box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// The boxes in a piece of memory; `None` once, as the last item, where one does not fit.
pub(super) struct Boxes<'a> {
    rest: &'a [u8],
}

impl<'a> Boxes<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self { rest: content }
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Option<(Name, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = split(self.rest);
        self.rest = read.map_or(&[], |(_, _, rest)| rest);
        Some(read.map(|(name, content, _)| (name, content)))
    }
}

fn split(bytes: &[u8]) -> Option<(Name, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let [a, b, c, d, name @ ..] = *head;
    let (content, behind) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (rest, &[][..]),
        1 => {
            let (size, rest) = rest.split_first_chunk::<8>()?;
            let size = usize::try_from(u64::from_be_bytes(*size)).ok()?.checked_sub(16)?;
            rest.split_at_checked(size)?
        }
        size => rest.split_at_checked(usize::try_from(size).ok()?.checked_sub(8)?)?,
    };
    Some((name, content, behind))
}

/// The first box of this name, if all up to it can be read.
pub(super) fn find<'a>(content: &'a [u8], name: &Name) -> Option<&'a [u8]> {
    Boxes::new(content).map_while(|read| read).find(|(found, _)| found == name).map(|(_, content)| content)
}

/// Whether the boxes fill their parent.
pub(super) fn are_whole(content: &[u8]) -> bool {
    Boxes::new(content).all(|read| read.is_some())
}

/// Version, flags and what follows them.
pub(super) fn full(content: &[u8]) -> Option<(u8, u32, &[u8])> {
    let (head, rest) = content.split_first_chunk::<4>()?;
    let [version, a, b, c] = *head;
    Some((version, u32::from_be_bytes([0, a, b, c]), rest))
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_be_bytes(*chunk))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_be_bytes(*chunk))
}

/// Letters of a name or brand; what is none becomes a dot.
pub(super) fn letters(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| if (0x20..0x7f).contains(&b) { char::from(b) } else { '.' }).collect()
}

/// Units of a time scale as milliseconds.
pub(super) fn millis(units: u64, scale: u32) -> Option<u64> {
    let ms = u128::from(units) * 1000 / u128::from(std::num::NonZeroU32::new(scale)?.get());
    u64::try_from(ms).ok()
}
