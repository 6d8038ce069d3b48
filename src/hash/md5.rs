//! The compression function of MD5 (RFC 1321, 3.4), of one message and of sixteen.

use std::num::Wrapping;
use std::ops::{Add, BitAnd, BitOr, BitXor};

use fearless_simd::{Simd, u32x16};

use super::wide::{self, Compression};
use super::{Block, Kernel};

pub(super) const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// `floor(2^32 * abs(sin(i + 1)))`.
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// A number of 32 bits, or sixteen.
trait Word:
    Copy + Add<Output = Self> + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self>
{
    fn plus(self, number: u32) -> Self;
    fn complement(self) -> Self;
    fn turned_left(self, by: u32) -> Self;
}

impl Word for Wrapping<u32> {
    #[inline(always)]
    fn plus(self, number: u32) -> Self {
        self + Wrapping(number)
    }

    #[inline(always)]
    fn complement(self) -> Self {
        !self
    }

    #[inline(always)]
    fn turned_left(self, by: u32) -> Self {
        Self(self.0.rotate_left(by))
    }
}

impl<S: Simd> Word for u32x16<S> {
    #[inline(always)]
    fn plus(self, number: u32) -> Self {
        self + number
    }

    #[inline(always)]
    fn complement(self) -> Self {
        !self
    }

    #[inline(always)]
    fn turned_left(self, by: u32) -> Self {
        (self << by) | (self >> (32 - by))
    }
}

/// Takes a block into a state, in straight code: no loop, so that every word stays in its register.
#[inline(always)]
fn steps<W: Word>(state: [W; 4], words: &[W; 16]) -> [W; 4] {
    let [mut a, mut b, mut c, mut d] = state;
    macro_rules! step {
        ($f:expr, $a:ident, $b:ident, $word:expr, $i:expr, $by:expr) => {
            $a = ($a + words[($word) % 16]).plus(SINES[$i]) + $f;
            $a = $a.turned_left($by) + $b;
        };
    }
    macro_rules! four {
        ($f:ident, $i:expr, $times:expr, $plus:expr, $by:expr) => {
            step!($f!(b, c, d), a, b, $times * $i + $plus, $i, $by[0]);
            step!($f!(a, b, c), d, a, $times * ($i + 1) + $plus, $i + 1, $by[1]);
            step!($f!(d, a, b), c, d, $times * ($i + 2) + $plus, $i + 2, $by[2]);
            step!($f!(c, d, a), b, c, $times * ($i + 3) + $plus, $i + 3, $by[3]);
        };
    }
    macro_rules! round {
        ($f:ident, $i:expr, $times:expr, $plus:expr, $by:expr) => {
            four!($f, $i, $times, $plus, $by);
            four!($f, $i + 4, $times, $plus, $by);
            four!($f, $i + 8, $times, $plus, $by);
            four!($f, $i + 12, $times, $plus, $by);
        };
    }
    macro_rules! choose {
        ($b:ident, $c:ident, $d:ident) => {
            $d ^ ($b & ($c ^ $d))
        };
    }
    macro_rules! choose_by_last {
        ($b:ident, $c:ident, $d:ident) => {
            $c ^ ($d & ($b ^ $c))
        };
    }
    macro_rules! parity {
        ($b:ident, $c:ident, $d:ident) => {
            $b ^ $c ^ $d
        };
    }
    macro_rules! mix {
        ($b:ident, $c:ident, $d:ident) => {
            $c ^ ($b | $d.complement())
        };
    }
    round!(choose, 0, 1, 0, [7, 12, 17, 22]);
    round!(choose_by_last, 16, 5, 1, [5, 9, 14, 20]);
    round!(parity, 32, 3, 5, [4, 11, 16, 23]);
    round!(mix, 48, 7, 0, [6, 10, 15, 21]);
    [state[0] + a, state[1] + b, state[2] + c, state[3] + d]
}

/// Of one message.
pub(super) fn compress(state: &mut [u32; 4], blocks: &[Block]) {
    for block in blocks {
        let (bytes, _) = block.as_chunks::<4>();
        let words = std::array::from_fn(|i| Wrapping(u32::from_le_bytes(bytes[i])));
        *state = steps(state.map(Wrapping), &words).map(|word| word.0);
    }
}

/// Of sixteen, where the registers are wide enough for that to pay.
pub(super) fn kernel() -> Option<Kernel<4>> {
    wide::avx512::<Md5, 4>().or_else(wide::avx2::<Md5, 4>)
}

struct Md5;

impl Compression<4> for Md5 {
    const ORDER: [u8; 4] = [0, 1, 2, 3];

    #[inline(always)]
    fn block<S: Simd>(_: S, state: [u32x16<S>; 4], words: [u32x16<S>; 16]) -> [u32x16<S>; 4] {
        steps(state, &words)
    }
}
