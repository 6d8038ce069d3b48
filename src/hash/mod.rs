//! SHA-256 and MD5 of several messages at once.
//!
//! Each step of either needs the one before it, so one message alone leaves most of a core idle. Segments come
//! many at a time, and sixteen of them side by side in the lanes of wide registers cost little more than one:
//! measured on one core with AVX-512, 2.8 GB/s of SHA-256 instead of 1.7 by the processor's own instructions
//! for it, and 5.4 GB/s of MD5 instead of 0.6.
//!
//! What is computed side by side is the compression function; the crates `sha2` and `md-5` remain the judges.
//! Before lanes are used they have to give what those give, on this machine, in this run ([`Lanes::proven`]);
//! where they do not, or where there are no such registers, every message is hashed alone. No released crate
//! hashes several messages at once without `unsafe` code of its own; this has none.

mod md5;
mod message;
mod sha256;
mod wide;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::sync::OnceLock;

pub(crate) use message::{Digests, Message, Sums};

/// How many messages lie side by side.
pub(crate) const LANES: usize = 16;

/// What either function takes at a time.
pub(crate) type Block = [u8; 64];

/// The words of sixteen states: first all first words, and so on.
type States<const W: usize> = [[u32; LANES]; W];

/// Takes so many blocks of each lane into its state.
type Kernel<const W: usize> = fn(&mut States<W>, &[&[Block]; LANES], usize);

/// From so many messages on lanes are faster than the processor's own instructions for SHA-256, by the figures
/// above.
const WORTH_SHA256: usize = 10;
/// MD5 has no instructions of its own.
const WORTH_MD5: usize = 3;

/// The ways in which this machine hashes several messages at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes {
    sha256: Option<Kernel<8>>,
    md5: Option<Kernel<4>>,
}

impl Lanes {
    /// Those of this machine, proven once.
    pub(crate) fn of_this_machine() -> &'static Self {
        static LANES: OnceLock<Lanes> = OnceLock::new();
        LANES.get_or_init(|| Self { sha256: sha256::kernel(), md5: md5::kernel() }.proven())
    }

    /// None: every message alone.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { sha256: None, md5: None }
    }

    /// Only what gives the same as hashing each message alone.
    fn proven(self) -> Self {
        let texts: Vec<Vec<u8>> = (0..LANES).map(|lane| sample(lane, 64 * (3 + lane % 3) + 5)).collect();
        let agrees = |lanes: Self| {
            let mut together: Vec<_> = texts.iter().map(|_| Message::new(Sums::Sha256AndMd5)).collect();
            let work = together.iter_mut().zip(&texts).map(|(message, text)| (message, &text[..]));
            lanes.update(work.collect());
            together.into_iter().zip(&texts).all(|(message, text)| message.finish() == message::judges(text))
        };
        let (of_sha256, of_md5) = (Self { md5: None, ..self }, Self { sha256: None, ..self });
        Self {
            sha256: if agrees(of_sha256) { self.sha256 } else { None },
            md5: if agrees(of_md5) { self.md5 } else { None },
        }
    }

    /// Whether messages of which these are wanted are hashed faster together.
    pub(crate) fn help(&self, sums: Sums) -> bool {
        match sums {
            Sums::Sha256 => self.sha256.is_some(),
            Sums::Sha256AndMd5 => self.sha256.is_some() || self.md5.is_some(),
        }
    }

    /// Takes the next bytes of each message.
    pub(crate) fn update(&self, work: Vec<(&mut Message, &[u8])>) {
        let (mut messages, mut blocks) = (Vec::with_capacity(work.len()), Vec::with_capacity(work.len()));
        for (message, bytes) in work {
            let whole = message.take_ends(bytes);
            if !whole.is_empty() {
                messages.push(message);
                blocks.push(whole);
            }
        }
        let mut states: Vec<_> = messages.iter().map(|message| message.sha256).collect();
        compress(self.sha256, WORTH_SHA256, &mut states, &blocks, sha256::compress);
        for (message, state) in messages.iter_mut().zip(states) {
            message.sha256 = state;
        }
        let (mut states, mut wanted) = (Vec::new(), Vec::new());
        for (message, blocks) in messages.iter().zip(&blocks) {
            if let Some(state) = message.md5 {
                states.push(state);
                wanted.push(*blocks);
            }
        }
        compress(self.md5, WORTH_MD5, &mut states, &wanted, md5::compress);
        for (message, state) in messages.iter_mut().filter(|message| message.md5.is_some()).zip(states) {
            message.md5 = Some(state);
        }
    }
}

/// Takes blocks into the states of their messages: side by side where that is worth it, the rest alone.
fn compress<const W: usize>(
    kernel: Option<Kernel<W>>,
    worth: usize,
    states: &mut [[u32; W]],
    blocks: &[&[Block]],
    alone: fn(&mut [u32; W], &[Block]),
) {
    let mut rest = blocks.to_vec();
    let mut order: Vec<_> = (0..rest.len()).collect();
    // The longest first, so that those that end together lie together.
    order.sort_unstable_by_key(|&message| Reverse(rest[message].len()));
    for group in order.chunks(LANES) {
        let mut active = group;
        while let (Some(kernel), Some(&shortest), true) = (kernel, active.last(), active.len() >= worth) {
            let count = rest[shortest].len();
            side_by_side(kernel, states, active, &mut rest, count);
            let ended = active.iter().position(|&message| rest[message].is_empty());
            active = &active[..ended.unwrap_or(active.len())];
        }
        for &message in active {
            alone(&mut states[message], rest[message]);
        }
    }
}

fn side_by_side<const W: usize>(
    kernel: Kernel<W>,
    states: &mut [[u32; W]],
    active: &[usize],
    rest: &mut [&[Block]],
    count: usize,
) {
    // Lanes without a message do the work of the first once more.
    let message = |lane: usize| active.get(lane).or(active.first()).copied().unwrap_or_default();
    let lanes: [&[Block]; LANES] = std::array::from_fn(|lane| rest[message(lane)]);
    let mut words: States<W> =
        std::array::from_fn(|word| std::array::from_fn(|lane| states[message(lane)][word]));
    kernel(&mut words, &lanes, count);
    for (lane, &message) in active.iter().enumerate() {
        states[message] = std::array::from_fn(|word| words[word][lane]);
        rest[message] = &rest[message][count..];
    }
}

/// Bytes without a pattern that a broken kernel could follow by accident.
fn sample(seed: usize, length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed as u64 + 1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}
