//! The playlist reader. 100,000 segments shall take less than 50 ms.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use recfetch::domain::playlist::{self, UriPolicy};

use crate::made::{HOSTILE, hostile, key, playlist};

#[divan::bench(args = [1_000, 10_000, 100_000])]
fn as_agora_writes(bencher: Bencher, segments: i64) {
    let (key, text) = (key("lessons/list.m3u8"), playlist(segments));
    bencher
        .counter(ItemsCount::new(segments as u64))
        .counter(BytesCount::new(text.len()))
        .bench(|| playlist::read(&key, black_box(text.as_bytes()), UriPolicy::NamesOnly));
}

/// The same text again and again, ten times and a hundred times as often: the time for a byte must not grow.
#[divan::bench(args = HOSTILE.map(|(name, ..)| name), consts = [64 << 10, 640 << 10, 6400 << 10], sample_count = 3)]
fn hostile_text<const BYTES: usize>(bencher: Bencher, name: &str) {
    let (key, text) = (key("lessons/list.m3u8"), hostile(name, BYTES));
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| playlist::read(&key, black_box(&text), UriPolicy::NamesOnly));
}
