//! The grammars of names.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use recfetch::domain::filename::{FileName, is_ours};
use recfetch::domain::only::Form;
use recfetch::domain::recording::{ChannelName, RecordingId};

use crate::made::{SID, names};

const COUNT: usize = 20_000;

fn each<T>(bencher: Bencher, read: impl Fn(&str) -> T + Sync) {
    let names = names(COUNT);
    bencher.counter(ItemsCount::new(names.len())).bench(|| {
        black_box(&names).iter().for_each(|name| drop(black_box(read(name))));
    });
}

#[divan::bench]
fn parse(bencher: Bencher) {
    each(bencher, |name| FileName::parse(name, None));
}

#[divan::bench]
fn parse_of_known_recording(bencher: Bencher) {
    let id = RecordingId::parse(SID).expect("an ID");
    each(bencher, |name| FileName::parse(name, Some(&id)));
}

#[divan::bench]
fn with_channel(bencher: Bencher) {
    let id = RecordingId::parse(SID).expect("an ID");
    let channel = ChannelName::parse("room").expect("a channel");
    each(bencher, |name| FileName::with_channel(name, &id, &channel));
}

#[divan::bench]
fn ours(bencher: Bencher) {
    let id = RecordingId::parse(SID).expect("an ID");
    each(bencher, |name| is_ours(name, &id));
}

#[divan::bench]
fn form(bencher: Bencher) {
    each(bencher, Form::of);
}

#[divan::bench]
fn written(bencher: Bencher) {
    let names: Vec<_> = names(COUNT).iter().filter_map(|name| FileName::parse(name, None)).collect();
    bencher.counter(ItemsCount::new(names.len())).bench(|| {
        black_box(&names).iter().for_each(|name| drop(black_box(name.to_name())));
    });
}

/// Names that look like more than they are, long and longer: the time for a byte must not grow.
#[divan::bench(args = [1 << 10, 1 << 13, 1 << 16])]
fn hostile(bencher: Bencher, bytes: usize) {
    let units = ["_", "__uid_s_", "__uid_s_5__uid_e_", "bak0_", ".ts", "_1_2", "x"];
    let names: Vec<_> =
        units.iter().map(|unit| format!("{SID}_{}_1.mp4", unit.repeat(bytes / unit.len()))).collect();
    let sum: usize = names.iter().map(String::len).sum();
    bencher.counter(divan::counter::BytesCount::new(sum)).bench(|| {
        black_box(&names).iter().for_each(|name| drop(black_box(FileName::parse(name, None))));
    });
}
