//! What looks at media while it passes. The check of transport streams shall do 2 GB/s on one core.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use recfetch::media::{mp4, sound, ts, webm};
use recfetch_test_support::ts::Tracks;
use recfetch_test_support::{mp4 as made_mp4, sound as made_sound, webm as made_webm};

use crate::made::stream;

/// As bodies come from the network.
const PIECES: [usize; 2] = [64 << 10, 256 << 10];
const BYTES: usize = 8 << 20;

fn in_pieces(bencher: Bencher, bytes: &[u8], piece: usize, make: impl Fn() -> ts::Examiner + Sync) {
    bencher.counter(BytesCount::new(bytes.len())).bench(|| {
        let mut examiner = make();
        black_box(bytes).chunks(piece).for_each(|piece| examiner.push(piece));
        examiner.finish()
    });
}

#[divan::bench(args = PIECES)]
fn ts_picture_and_sound(bencher: Bencher, piece: usize) {
    in_pieces(bencher, &stream(Tracks::AudioVideo, 500, BYTES), piece, ts::Examiner::new);
}

#[divan::bench(args = PIECES)]
fn ts_sound_only(bencher: Bencher, piece: usize) {
    in_pieces(bencher, &stream(Tracks::Audio, 48, BYTES), piece, ts::Examiner::new);
}

#[divan::bench(args = PIECES)]
fn ts_looking_closer(bencher: Bencher, piece: usize) {
    in_pieces(bencher, &stream(Tracks::AudioVideo, 500, BYTES), piece, ts::Examiner::looking_closer);
}

/// The index of a film of two hours, of which 2 GiB would come besides.
#[divan::bench]
fn mp4_index(bencher: Bencher) {
    let spec = made_mp4::Mp4Spec { duration_ms: 7_200_000, sample_bytes: 1, ..Default::default() };
    let bytes = made_mp4::file(&spec);
    bencher.counter(BytesCount::new(bytes.len())).bench(|| {
        let mut examiner = mp4::Examiner::with_limit(mp4::LARGEST_INDEX);
        black_box(&bytes).chunks(PIECES[0]).for_each(|piece| examiner.push(piece));
        examiner.finish()
    });
}

#[divan::bench]
fn webm_slices(bencher: Bencher) {
    let spec = made_webm::WebMSpec { duration_ms: 600_000, block_bytes: 2500, ..Default::default() };
    let bytes = made_webm::file(&spec);
    bencher.counter(BytesCount::new(bytes.len())).bench(|| {
        let mut examiner = webm::Examiner::new();
        black_box(&bytes).chunks(PIECES[0]).for_each(|piece| examiner.push(piece));
        examiner.finish()
    });
}

#[divan::bench]
fn adts(bencher: Bencher) {
    let bytes = made_sound::adts(10_000, 1);
    bencher.counter(BytesCount::new(bytes.len())).bench(|| {
        let mut examiner = sound::Examiner::new(sound::Frames::Adts);
        black_box(&bytes).chunks(PIECES[0]).for_each(|piece| examiner.push(piece));
        examiner.finish()
    });
}
