//! Several recordings at once under one budget.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use recfetch::domain::key::{KeyPrefix, ObjectKey};
use recfetch::domain::object::ObjectInfo;
use recfetch::domain::place::SourceName;
use recfetch::domain::report::Outcome;
use recfetch::engine::{Candidate, FetchOptions, Fetched, Fetcher, LocateQuery, Search, Store, Target};
use recfetch::source::{Capabilities, Error, MemorySource, Opened, Page, PageToken, Read, Source};
use tokio_util::sync::CancellationToken;

use crate::kit::*;

/// Answers after a while, and counts how many wait for it.
struct Slow {
    memory: MemorySource,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Slow {
    fn with(recordings: &[String], slices: usize) -> Arc<Self> {
        let mut memory = MemorySource::new(SourceName::new("slow"));
        for id in recordings {
            for (name, bytes) in plan(slices).files(&segments(slices)) {
                let text = String::from_utf8(bytes.to_vec()).map(|text| text.replace(SID, id).into());
                let key = format!("{FOLDER}{}", name.replace(SID, id));
                memory.put(ObjectKey::parse(&key).unwrap(), text.unwrap_or(bytes));
            }
        }
        Arc::new(Self { memory, now: AtomicUsize::new(0), most: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Source for Slow {
    fn name(&self) -> &SourceName {
        self.memory.name()
    }

    fn describe(&self) -> String {
        self.memory.describe()
    }

    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        self.memory.stat(key).await
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(15)).await;
        let opened = self.memory.open(key, read).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        opened
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        self.memory.list(prefix, after).await
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:02x}{}", &SID[2..])).collect()
}

async fn all(source: Arc<Slow>, names: &[String], options: FetchOptions) -> Vec<Fetched> {
    let (_keep, out) = out();
    let prefix = Some(KeyPrefix::from_parts([FOLDER]).unwrap());
    let candidates = [Candidate { store: Store { source, prefix }, fallbacks: Vec::new() }];
    let shared = Fetcher::new(options.clone(), Arc::new(()), CancellationToken::new());
    let each = names.iter().map(|id| async {
        let fetcher = shared.beside(options.clone(), Arc::new(()));
        let target = Target::parse(id).unwrap();
        let found = fetcher.locate(&target, &candidates, &LocateQuery::default()).await.unwrap();
        fetcher.fetch(found, &out, None).await.unwrap()
    });
    tokio::time::timeout(Duration::from_secs(60), join_all(each)).await.expect("they end by themselves")
}

#[tokio::test]
async fn however_many_recordings_come_no_more_objects_come_at_once_than_one_would_have() {
    let names = names(8);
    let source = Slow::with(&names, 6);
    let fetched = all(source.clone(), &names, FetchOptions { jobs: 3, ..options() }).await;
    assert!(fetched.iter().all(|fetched| fetched.report.outcome() == Outcome::Complete));
    let most = source.most.load(Ordering::SeqCst);
    assert!((2..=3).contains(&most), "{most} at once");
    // The count can tell: without the bound there are more.
    let source = Slow::with(&names, 6);
    all(source.clone(), &names, FetchOptions { jobs: 64, ..options() }).await;
    assert!(source.most.load(Ordering::SeqCst) > 3);
}

#[tokio::test]
async fn a_rate_holds_for_all_recordings_together() {
    let names = names(4);
    let source = Slow::with(&names, 3);
    let bytes: usize = 4 * plan(3).files(&segments(3)).iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    // A second's worth passes at once, and each of four would have one of its own.
    let rate = NonZeroU64::new(bytes as u64 / 2);
    let started = Instant::now();
    let fetched = all(source, &names, FetchOptions { rate, ..options() }).await;
    assert!(fetched.iter().all(|fetched| fetched.report.outcome() == Outcome::Complete));
    let took = started.elapsed();
    assert!(took > Duration::from_millis(700), "{took:?}");
}

#[tokio::test]
async fn a_listing_tells_each_recording_once_with_the_time_of_its_first_slice() {
    let names = names(3);
    let source = Slow::with(&names, 2);
    let prefix = Some(KeyPrefix::from_parts([FOLDER]).unwrap());
    let candidate = Candidate { store: Store { source: source.clone(), prefix }, fallbacks: Vec::new() };
    let fetcher = Fetcher::new(options(), Arc::new(()), CancellationToken::new());
    let mut listed = Vec::new();
    fetcher.recordings(&candidate, Search::Folder, |one| listed.push(one)).await.unwrap();
    let told: Vec<_> = listed.iter().map(|one| one.recording.as_str()).collect();
    assert_eq!(told, names);
    let digits = plan(2).slice_names()[0].rsplit_once('_').unwrap().1[..17].to_owned();
    let first = recfetch::domain::time::SliceTime::parse(&digits);
    assert!(first.is_some() && listed.iter().all(|one| one.since == first), "{listed:?}");
    assert_eq!(source.most.load(Ordering::SeqCst), 0, "nothing is read");
}
