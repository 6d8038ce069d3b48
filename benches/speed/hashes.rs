//! The yardstick for all that passes over bytes: the digests alone, through their crates.

use crc_fast::{CrcAlgorithm, Digest as Crc};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use md5::Md5;
use sha2::{Digest, Sha256};

const BYTES: usize = 4 << 20;
const PIECE: usize = 64 << 10;

fn bytes() -> Vec<u8> {
    (0..BYTES).map(|at| ((at * 31) >> 3) as u8).collect()
}

fn passing<H>(bencher: Bencher, make: impl Fn() -> H + Sync, take: impl Fn(&mut H, &[u8]) + Sync) {
    let bytes = bytes();
    bencher.counter(BytesCount::new(bytes.len())).bench(|| {
        let mut hash = make();
        black_box(&bytes).chunks(PIECE).for_each(|piece| take(&mut hash, piece));
        hash
    });
}

#[divan::bench]
fn sha256(bencher: Bencher) {
    passing(bencher, Sha256::new, |hash, piece| hash.update(piece));
}

#[divan::bench]
fn md5(bencher: Bencher) {
    passing(bencher, Md5::new, |hash, piece| hash.update(piece));
}

#[divan::bench]
fn crc64nvme(bencher: Bencher) {
    passing(bencher, || Crc::new(CrcAlgorithm::Crc64Nvme), |hash, piece| hash.update(piece));
}

#[divan::bench]
fn sha256_and_crc64nvme(bencher: Bencher) {
    let make = || (Sha256::new(), Crc::new(CrcAlgorithm::Crc64Nvme));
    passing(bencher, make, |(sha256, crc), piece| {
        sha256.update(piece);
        crc.update(piece);
    });
}
