//! The compression function of SHA-256 (FIPS 180-4, 6.2), of sixteen messages. Of one, `sha2` has it.

use fearless_simd::prelude::*;
use fearless_simd::{Simd, u32x16};

use super::wide::{self, Compression};
use super::{Block, Kernel};

pub(super) const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
#[rustfmt::skip]
const ROOTS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// Of one message.
pub(super) fn compress(state: &mut [u32; 8], blocks: &[Block]) {
    sha2::block_api::compress256(state, blocks);
}

/// Of sixteen, where the registers are so wide, and rotate, that this beats instructions made for SHA-256.
pub(super) fn kernel() -> Option<Kernel<8>> {
    wide::avx512::<Sha256, 8>()
}

struct Sha256;

impl Compression<8> for Sha256 {
    const ORDER: [u8; 4] = [3, 2, 1, 0];

    #[inline(always)]
    fn block<S: Simd>(simd: S, state: [u32x16<S>; 8], mut words: [u32x16<S>; 16]) -> [u32x16<S>; 8] {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        macro_rules! step {
            ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $first:expr, $i:expr) => {
                let large = turned($e, 6) ^ turned($e, 11) ^ turned($e, 25);
                let choice = $g ^ ($e & ($f ^ $g));
                let root = u32x16::splat(simd, ROOTS[$first + $i]);
                let sum = $h + large + choice + root + words[$i];
                let majority = ($a & $b) | ($c & ($a | $b));
                $d += sum;
                $h = sum + (turned($a, 2) ^ turned($a, 13) ^ turned($a, 22)) + majority;
                if $first < 48 {
                    // The word that this one is needed for, sixteen steps on.
                    let (near, far) = (words[($i + 1) % 16], words[($i + 14) % 16]);
                    let small = turned(near, 7) ^ turned(near, 18) ^ (near >> 3);
                    let other = turned(far, 17) ^ turned(far, 19) ^ (far >> 10);
                    words[$i] += small + words[($i + 9) % 16] + other;
                }
            };
        }
        macro_rules! eight {
            ($first:expr, $i:expr) => {
                step!(a b c d e f g h, $first, $i);
                step!(h a b c d e f g, $first, $i + 1);
                step!(g h a b c d e f, $first, $i + 2);
                step!(f g h a b c d e, $first, $i + 3);
                step!(e f g h a b c d, $first, $i + 4);
                step!(d e f g h a b c, $first, $i + 5);
                step!(c d e f g h a b, $first, $i + 6);
                step!(b c d e f g h a, $first, $i + 7);
            };
        }
        for first in [0, 16, 32] {
            eight!(first, 0);
            eight!(first, 8);
        }
        eight!(48, 0);
        eight!(48, 8);
        let [i, j, k, l, m, n, o, p] = state;
        [i + a, j + b, k + c, l + d, m + e, n + f, o + g, p + h]
    }
}

#[inline(always)]
fn turned<S: Simd>(word: u32x16<S>, by: u32) -> u32x16<S> {
    (word >> by) | (word << (32 - by))
}
