//! Large objects come in parts, and the parts are the object.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use recfetch::domain::key::ObjectKey;
use recfetch::domain::object::ObjectInfo;
use recfetch::domain::place::SourceName;
use recfetch::engine::{PartsPolicy, Store};
use recfetch::source::{Capabilities, Error, Opened, Page, PageToken, Read, Source};
use recfetch_test_support::{Fault, Object, Script};

use crate::kit::*;

const SIZE: usize = 1_000_003;
const PART: u64 = 64 * 1024;
const PARTS: usize = SIZE.div_ceil(PART as usize);

fn large() -> String {
    format!("{SID}_math_7b_more.bin")
}

/// Bytes of which no two parts are alike. Of no format that is looked into: what matters here is how they come.
fn bytes() -> Bytes {
    let mut state = 7_u32;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..SIZE).map(byte).collect()
}

async fn stage(kind: Kind) -> Stage {
    let stage = Stage::of(kind, &plan(2)).await;
    put(&stage.objects, kind, FOLDER, vec![(large(), bytes())]);
    stage
}

async fn run(stage: &Stage) -> Run {
    let mut run = Run::sid(stage.store("prod").await);
    run.options.parts = PartsPolicy { from: 4 * PART, part: PART, at_once: 4 };
    run
}

/// The ranges of the file that were asked for, in order.
fn ranges(stage: &Stage) -> Vec<Option<String>> {
    let asked = stage.front.requests();
    asked.into_iter().filter(|r| r.method == "GET" && r.path.ends_with(".bin")).map(|r| r.range).collect()
}

fn kept(fetched: &recfetch::engine::Fetched) -> Vec<u8> {
    payload(&fetched.dir).remove(&large()).expect("the file")
}

#[tokio::test]
async fn a_large_object_comes_in_parts_and_is_proven_as_a_whole() {
    for kind in [Kind::Md5, Kind::Crc] {
        let stage = stage(kind).await;
        let (_keep, out) = out();
        let fetched = run(&stage).await.fetched(&out).await;
        assert!(kept(&fetched) == bytes());
        assert!(
            verdict(object(&fetched, ".bin")).contains(kind.evidence()),
            "{:?}",
            object(&fetched, ".bin")
        );
        let ranges = ranges(&stage);
        assert_eq!(ranges.len(), PARTS, "{ranges:?}");
        assert!(ranges.contains(&Some(format!("bytes={PART}-{}", 2 * PART - 1))), "{ranges:?}");
    }
}

#[tokio::test]
async fn small_objects_come_as_one() {
    let stage = stage(Kind::Md5).await;
    let mut run = run(&stage).await;
    run.options.parts.from = SIZE as u64 + 1;
    let (_keep, out) = out();
    run.fetched(&out).await;
    assert_eq!(ranges(&stage), [None]);
}

#[tokio::test]
async fn a_part_that_breaks_off_goes_on_where_it_broke() {
    let script = Script::once(Fault::Reset(1000))
        .then(Script::once(Fault::Cut(70_000)))
        .then(Script::once(Fault::Status(503, None, String::new())))
        .then(Script::once(Fault::HeaderGarbage))
        .then(Script::once(Fault::Pass))
        .then(Script::once(Fault::Stall(30_000)));
    let stage = stage(Kind::Crc).await;
    stage.faults.on(".bin", script);
    let run = run(&stage).await;
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert!(kept(&fetched) == bytes());
    assert!(object(&fetched, ".bin").verdict.is_verified());
    assert!(run.told.lines("failed").len() >= 4, "{:?}", run.told.lines("failed"));
    let received: u64 =
        run.told.lines("received").iter().filter(|l| l.contains(".bin")).map(|l| number(l)).sum();
    assert_eq!(received, SIZE as u64, "no byte came twice");
}

fn number(line: &str) -> u64 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_flipped_byte_in_one_part_is_corrupt_and_never_kept() {
    let stage = stage(Kind::Crc).await;
    stage.faults.on(".bin", Script::always(Fault::Flip(5 * PART + 17)));
    let (_keep, out) = out();
    let fetched = run(&stage).await.fetched(&out).await;
    assert!(verdict(object(&fetched, ".bin")).starts_with("corrupt from prod"));
    assert!(!payload(&fetched.dir).contains_key(&large()));
    assert_eq!(fetched.report.outcome().exit_code(), 4);
    assert_eq!(partial(&fetched.dir), Vec::<String>::new());
}

#[tokio::test]
async fn whoever_serves_no_parts_serves_the_whole() {
    for fault in [Fault::IgnoreRange, Fault::WrongRange] {
        let stage = stage(Kind::Md5).await;
        // The first parts are refused by what they bring; the whole is not asked for by range.
        stage.faults.on(".bin", Script::times(fault.clone(), 4));
        let (_keep, out) = out();
        let fetched = run(&stage).await.fetched(&out).await;
        assert!(kept(&fetched) == bytes(), "{fault:?}");
        assert_eq!(ranges(&stage).last(), Some(&None), "{fault:?}");
    }
}

#[tokio::test]
async fn a_refused_part_is_a_refused_object() {
    for (fault, start) in [(Fault::Denied, "denied by prod"), (Fault::Archived, "frozen in prod")] {
        let stage = stage(Kind::Md5).await;
        stage.faults.on(".bin", Script::times(Fault::Pass, 3).then(Script::always(fault)));
        let (_keep, out) = out();
        let fetched = run(&stage).await.fetched(&out).await;
        assert!(verdict(object(&fetched, ".bin")).starts_with(start), "{:?}", object(&fetched, ".bin"));
    }
}

/// A source that replaces the file after some reads, and counts how many are on their way.
struct Changing {
    inner: Arc<dyn Source>,
    objects: recfetch_test_support::Objects,
    reads: AtomicUsize,
    open: Arc<Mutex<(usize, usize)>>,
    change_at: usize,
}

/// Counted while it lives: now, and at the most.
struct Open<'a>(&'a Mutex<(usize, usize)>);

impl<'a> Open<'a> {
    fn new(count: &'a Mutex<(usize, usize)>) -> Self {
        let mut open = count.lock().unwrap();
        open.0 += 1;
        open.1 = open.1.max(open.0);
        Self(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().0 -= 1;
    }
}

#[async_trait]
impl Source for Changing {
    fn name(&self) -> &SourceName {
        self.inner.name()
    }
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        self.inner.stat(key).await
    }
    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        if !key.as_str().ends_with(".bin") {
            return self.inner.open(key, read).await;
        }
        if self.reads.fetch_add(1, Ordering::SeqCst) == self.change_at {
            let mut other = bytes().to_vec();
            other[3] ^= 1;
            self.objects.put(key.as_str(), Object::new(other));
        }
        let _open = Open::new(&self.open);
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        self.inner.open(key, read).await
    }
    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        self.inner.list(prefix, after).await
    }
}

#[tokio::test]
async fn an_object_that_changes_between_two_parts_is_never_mixed() {
    let stage = stage(Kind::Md5).await;
    let inner = stage.store("prod").await;
    let open = Arc::default();
    let changing = Changing {
        inner: inner.source.clone(),
        objects: stage.objects.clone(),
        reads: AtomicUsize::new(0),
        open: Arc::clone(&open),
        change_at: 5,
    };
    let mut run = run(&stage).await;
    run.candidates[0].store = Store { source: Arc::new(changing), prefix: inner.prefix.clone() };
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    let mut other = bytes().to_vec();
    other[3] ^= 1;
    assert!(kept(&fetched) == other, "the new version as a whole");
    assert!(findings(&fetched).contains(&"changed-since-listing"), "{:?}", findings(&fetched));
    let most = open.lock().unwrap().1;
    assert!((2..=4).contains(&most), "{most} parts were on their way at once");
}
