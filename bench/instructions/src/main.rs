//! Runs one thing whose instructions are counted: `recfetch-instructions NAME`. Without a name it lists them.
//!
//! What is counted is what [`counted_section`] runs, in one thread; of a fetch, which has many, the whole
//! process is.

#![allow(clippy::expect_used, reason = "what is counted is made here, and must be as it was meant")]

#[allow(dead_code, reason = "shared with the benchmarks, which measure more")]
#[path = "../../../benches/speed/made.rs"]
mod made;
#[allow(dead_code, unreachable_pub, reason = "of the tests")]
#[path = "../../../tests/support/src/ts.rs"]
mod ts;

use std::hint::black_box;
use std::sync::Arc;

use crc_fast::{CrcAlgorithm, Digest as Crc};
use recfetch::archive::ReportV1;
use recfetch::documents::CheckV1;
use recfetch::domain::check::check;
use recfetch::domain::digest::{Algorithm, Digest};
use recfetch::domain::filename::FileName;
use recfetch::domain::object::ObjectInfo;
use recfetch::domain::place::SourceName;
use recfetch::domain::playlist::{self, UriPolicy};
use recfetch::domain::recording::RecordingId;
use recfetch::domain::report::Outcome;
use recfetch::engine::{Candidate, FetchOptions, Fetcher, LocateQuery, Store, Target};
use recfetch::media::ts::Examiner;
use recfetch::source::MemorySource;

use made::{Damage, HOSTILE, Made, SID};
use ts::{SliceSpec, Tracks, slice};

/// A name, and what stands behind it.
type Work = (&'static str, fn());

const WORKS: [Work; 12] = [
    ("playlist", || read_playlist(100_000)),
    ("hostile-32KiB", || read_hostile(32 << 10)),
    ("hostile-256KiB", || read_hostile(256 << 10)),
    ("names", names),
    ("ts-picture-and-sound", || examine(Tracks::AudioVideo, 500, Examiner::new)),
    ("ts-sound-only", || examine(Tracks::Audio, 48, Examiner::new)),
    ("ts-looking-closer", || examine(Tracks::AudioVideo, 500, Examiner::looking_closer)),
    ("locate-and-plan", locate_and_plan),
    ("check", || check_of(Damage::None)),
    ("check-of-lost", || check_of(Damage::Lost)),
    ("reports", reports),
    // Not by sections: see scripts/instructions.
    ("process-fetch", fetch),
];

fn main() {
    let name = std::env::args().nth(1);
    match name {
        None => WORKS.iter().for_each(|(name, _)| println!("{name}")),
        Some(name) => WORKS.iter().find(|(known, _)| *known == name).expect("one of the names").1(),
    }
}

#[inline(never)]
fn counted_section<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

fn read_playlist(segments: i64) {
    let (key, text) = (made::key("lessons/list.m3u8"), made::playlist(segments));
    let (read, findings) =
        counted_section(|| playlist::read(&key, black_box(text.as_bytes()), UriPolicy::NamesOnly));
    assert_eq!((read.segments.len() as i64, findings), (segments, vec![]));
}

fn read_hostile(bytes: usize) {
    let key = made::key("lessons/list.m3u8");
    for (name, ..) in HOSTILE {
        let text = made::hostile(name, bytes);
        let (_, findings) = counted_section(|| playlist::read(&key, black_box(&text), UriPolicy::NamesOnly));
        assert!(!findings.is_empty(), "{name}");
    }
}

fn names() {
    let (names, id) = (made::names(20_000), RecordingId::parse(SID).expect("an ID"));
    let read = counted_section(|| {
        let read = |name: &String| FileName::parse(black_box(name), Some(&id)).is_some();
        names.iter().filter(|name| read(name)).count()
    });
    assert_eq!(read, 18_000);
}

fn examine(tracks: Tracks, kbit: u64, make: fn() -> Examiner) {
    let bytes = made::stream(tracks, kbit, 16 << 20);
    let summary = counted_section(|| {
        let mut examiner = make();
        black_box(&bytes).chunks(64 << 10).for_each(|piece| examiner.push(piece));
        examiner.finish()
    });
    assert_eq!((summary.packets, summary.continuity_errors), (bytes.len() as u64 / 188, 0));
}

fn locate_and_plan() {
    let made = Made::new(20_000, Damage::None);
    let listing = made.listing.clone();
    let plan = counted_section(|| {
        drop(Made::choose(listing));
        made.plan().0
    });
    assert_eq!(plan.items.len(), 20_000);
}

fn check_of(damage: Damage) {
    let made = Made::new(5_000, damage);
    let gathered = made.gathered();
    let check = counted_section(|| check(black_box(&gathered)));
    assert_eq!(check.tracks[0].segments.len(), 5_000);
}

fn reports() {
    let made = Made::new(5_000, Damage::Lost);
    let (check, report) = (check(&made.gathered()), made::report(&made));
    let json = counted_section(|| {
        let check = serde_json::to_string(&CheckV1::from(black_box(&check))).expect("JSON");
        (check, ReportV1::from(black_box(&report)).to_json())
    });
    assert!(json.0.len() > 1_000_000 && json.1.len() > 1_000_000);
}

/// Sixteen segments of half a MiB each from memory into a bag, proven by CRC-64.
fn fetch() {
    let mut source = MemorySource::new(SourceName::new("here"));
    source.put(made::key(&format!("{SID}_room.m3u8")), made::playlist(16).into_bytes());
    for (number, start_pts) in (0..16).zip((126_000..).step_by(15_000 * 90)) {
        let spec = SliceSpec { start_pts, duration_ms: 15_000, bytes_target: 512 << 10, ..SliceSpec::default() };
        let bytes = slice(&spec);
        let mut crc = Crc::new(CrcAlgorithm::Crc64Nvme);
        crc.update(&bytes);
        let digest = Digest::new(Algorithm::Crc64Nvme, crc.finalize().to_be_bytes());
        let info = ObjectInfo {
            size: Some(bytes.len() as u64),
            digests: digest.into_iter().collect(),
            ..ObjectInfo::bare(made::key(&made::slice_name(number)))
        };
        source.put_with(info, bytes);
    }
    if std::env::args().any(|argument| argument == "--prepare") {
        return;
    }
    let store = Store { source: Arc::new(source), prefix: None };
    let candidates = [Candidate { store, fallbacks: Vec::new() }];
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let report = runtime.block_on(async {
        let fetcher = Fetcher::new(FetchOptions::default(), Arc::new(()), Default::default());
        let target = Target::parse(SID).expect("an ID");
        let found = fetcher.locate(&target, &candidates, &LocateQuery::default()).await.expect("it is there");
        fetcher.fetch(found, folder.path(), None).await.expect("a bag").report
    });
    assert_eq!((report.outcome(), report.segments().count()), (Outcome::Complete, 16));
}
