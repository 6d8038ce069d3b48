//! Fragments: pieces of some seconds with an index each.

use std::collections::BTreeMap;

use super::Summary;
use super::boxes::{Boxes, Extent, find, full, u32_at, u64_at};
use super::movie::lies_in;

/// More tracks than this are not looked at.
const MOST_TRACKS: usize = 256;

/// A fragment has its media data in one piece; more than these are not looked through for its runs.
const MOST_PIECES: u32 = 8;

/// What the fragments of a file told so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Fragments {
    tracks: BTreeMap<u32, Track>,
    /// Runs of samples whose media data did not come yet.
    pending: Vec<(u64, u64)>,
    /// Pieces of media data since the last fragment's index.
    pieces: u32,
    last_number: Option<u32>,
    breaks: u64,
    bad_tables: u64,
    outside: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Track {
    default_duration: u32,
    default_size: u32,
    samples: u64,
    start: Option<u64>,
    end: u64,
}

impl Fragments {
    /// What the index says about tracks whose fragments do not.
    pub(super) fn defaults(&mut self, index: &[u8]) {
        let Some(extends) = find(index, b"mvex") else { return };
        for (_, content) in Boxes::new(extends).flatten().filter(|(name, _)| name == b"trex") {
            let read = || {
                let (_, _, rest) = full(content)?;
                Some((u32_at(rest, 0)?, u32_at(rest, 8)?, u32_at(rest, 12)?))
            };
            match read() {
                Some((id, default_duration, default_size)) if self.tracks.len() < MOST_TRACKS => {
                    self.tracks.insert(id, Track { default_duration, default_size, ..Track::default() });
                }
                Some(_) | None => self.bad_tables += 1,
            }
        }
    }

    /// Takes a `moof` that starts at `at`.
    pub(super) fn take(&mut self, content: &[u8], at: u64) {
        // What the fragment before points to should have come by now.
        self.outside += self.pending.len() as u64;
        self.pending.clear();
        self.pieces = 0;
        for read in Boxes::new(content) {
            let good = match read {
                None => None,
                Some((name, content)) => match &name {
                    b"mfhd" => self.number(content),
                    b"traf" => self.track(content, at),
                    _ => Some(()),
                },
            };
            if good.is_none() {
                self.bad_tables += 1;
            }
        }
    }

    /// Media data came.
    pub(super) fn media(&mut self, extent: Extent) {
        self.pieces += 1;
        if self.pieces > MOST_PIECES {
            return;
        }
        self.pending.retain(|(start, size)| !lies_in(&[extent], *start, *size));
    }

    pub(super) fn end(self, summary: &mut Summary) {
        summary.outside += self.outside + self.pending.len() as u64;
        summary.bad_tables += self.bad_tables;
        summary.fragment_breaks = self.breaks;
    }

    fn number(&mut self, content: &[u8]) -> Option<()> {
        let (_, _, rest) = full(content)?;
        let number = u32_at(rest, 0)?;
        if self.last_number.is_some_and(|last| last.wrapping_add(1) != number) {
            self.breaks += 1;
        }
        self.last_number = Some(number);
        Some(())
    }

    fn track(&mut self, content: &[u8], at: u64) -> Option<()> {
        let (_, flags, head) = full(find(content, b"tfhd")?)?;
        let track = self.tracks.get_mut(&u32_at(head, 0)?)?;
        let mut fields = Fields { bytes: head.get(4..)? };
        let base = if flags & 0x1 != 0 { fields.long()? } else { at };
        fields.skip_if(flags & 0x2 != 0)?;
        let default_duration = if flags & 0x8 != 0 { fields.word()? } else { track.default_duration };
        let default_size = if flags & 0x10 != 0 { fields.word()? } else { track.default_size };
        let mut time = match find(content, b"tfdt").and_then(full) {
            Some((1, _, rest)) => u64_at(rest, 0)?,
            Some((_, _, rest)) => u64::from(u32_at(rest, 0)?),
            None => track.end,
        };
        track.start = Some(track.start.map_or(time, |start| start.min(time)));
        let mut next = base;
        for read in Boxes::new(content) {
            let (name, content) = read?;
            if &name != b"trun" {
                continue;
            }
            let (_, flags, rest) = full(content)?;
            let count = u32_at(rest, 0)?;
            let mut fields = Fields { bytes: rest.get(4..)? };
            if flags & 0x1 != 0 {
                next = base.checked_add_signed(i64::from(fields.word()?.cast_signed()))?;
            }
            fields.skip_if(flags & 0x4 != 0)?;
            let (mut size, mut duration) = (0_u64, 0_u64);
            if flags & 0xf00 == 0 {
                size = u64::from(count) * u64::from(default_size);
                duration = u64::from(count) * u64::from(default_duration);
            } else {
                // Each sample takes bytes here: a count that is too high ends early.
                for _ in 0..count {
                    duration += u64::from(if flags & 0x100 != 0 { fields.word()? } else { default_duration });
                    size += u64::from(if flags & 0x200 != 0 { fields.word()? } else { default_size });
                    fields.skip_if(flags & 0x400 != 0)?;
                    fields.skip_if(flags & 0x800 != 0)?;
                }
            }
            if size > 0 {
                self.pending.push((next, size));
            }
            next = next.checked_add(size)?;
            time = time.checked_add(duration)?;
            track.samples += u64::from(count);
        }
        track.end = track.end.max(time);
        Some(())
    }

    /// Samples of a track, and how long they play, in its unit.
    pub(super) fn of_track(&self, id: u32) -> (u64, u64) {
        let Some(track) = self.tracks.get(&id) else { return (0, 0) };
        (track.samples, track.end - track.start.unwrap_or(track.end).min(track.end))
    }
}

/// Whether a `mfra` is the last word of a file: it ends with its own size.
pub(super) fn is_closing(content: &[u8], size: u64) -> bool {
    let last = Boxes::new(content).map_while(|read| read).last();
    let Some((name, offset)) = last else { return false };
    &name == b"mfro"
        && full(offset).and_then(|(_, _, rest)| u32_at(rest, 0)).is_some_and(|s| u64::from(s) == size)
}

/// Fields that come one after the other.
struct Fields<'a> {
    bytes: &'a [u8],
}

impl Fields<'_> {
    fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(u32::from_be_bytes(*word))
    }

    fn long(&mut self) -> Option<u64> {
        let (long, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(u64::from_be_bytes(*long))
    }

    fn skip_if(&mut self, there: bool) -> Option<()> {
        if there {
            self.word()?;
        }
        Some(())
    }
}
