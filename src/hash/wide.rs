//! What all compression functions share when sixteen messages lie side by side: loading, turning rows into
//! columns, and choosing the registers.

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, u8x64, u32x16};

use super::{Block, Kernel, LANES, States};

/// A compression function whose state has so many words.
pub(super) trait Compression<const W: usize> {
    /// From which byte of a word in the message each byte of the number comes, the lowest first.
    const ORDER: [u8; 4];

    /// Takes a block of each lane into the states.
    fn block<S: Simd>(simd: S, state: [u32x16<S>; W], words: [u32x16<S>; 16]) -> [u32x16<S>; W];
}

/// With registers that hold sixteen words, and rotate.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(super) fn avx512<C: Compression<W>, const W: usize>() -> Option<Kernel<W>> {
    Level::new().as_avx512()?;
    Some(|states, lanes, count| {
        if let Some(simd) = Level::new().as_avx512() {
            simd.vectorize(
                #[inline(always)]
                || many::<C, _, W>(simd, states, lanes, count),
            );
        }
    })
}

/// With registers that hold eight words.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(super) fn avx2<C: Compression<W>, const W: usize>() -> Option<Kernel<W>> {
    Level::new().as_avx2()?;
    Some(|states, lanes, count| {
        if let Some(simd) = Level::new().as_avx2() {
            simd.vectorize(
                #[inline(always)]
                || many::<C, _, W>(simd, states, lanes, count),
            );
        }
    })
}

/// Other processors have no such registers.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
pub(super) fn avx512<C: Compression<W>, const W: usize>() -> Option<Kernel<W>> {
    None
}

/// Other processors have no such registers.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
pub(super) fn avx2<C: Compression<W>, const W: usize>() -> Option<Kernel<W>> {
    None
}

#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "the loop goes along sixteen lanes at once")]
fn many<C: Compression<W>, S: Simd, const W: usize>(
    simd: S,
    states: &mut States<W>,
    lanes: &[&[Block]; LANES],
    count: usize,
) {
    let mut state: [u32x16<S>; W] = std::array::from_fn(|word| u32x16::from_slice(simd, &states[word]));
    // The machine's order of bytes in a word is little-endian wherever this runs.
    let order = std::array::from_fn::<u8, 64, _>(|i| C::ORDER[i % 4] + 4 * (i as u8 / 4 % 4));
    let order = u8x64::from_slice(simd, &order);
    for block in 0..count {
        let rows = std::array::from_fn(|lane| {
            let bytes = u8x64::from_slice(simd, &lanes[lane][block]);
            bytes.swizzle_dyn_within_blocks(order).bitcast()
        });
        state = C::block(simd, state, transposed(rows));
    }
    for word in 0..W {
        states[word].copy_from_slice(state[word].as_slice());
    }
}

/// Sixteen rows of sixteen words become columns: four perfect shuffles of the rows.
#[inline(always)]
fn transposed<S: Simd>(mut rows: [u32x16<S>; LANES]) -> [u32x16<S>; LANES] {
    for _ in 0..4 {
        let before = rows;
        for i in 0..LANES / 2 {
            (rows[2 * i], rows[2 * i + 1]) = before[i].interleave(before[i + LANES / 2]);
        }
    }
    rows
}
