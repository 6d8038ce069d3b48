//! A recording brought to another store: a folder, with a store in between that does wrong on purpose.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use recfetch::archive::MarkV1;
use recfetch::domain::digest::Algorithm;
use recfetch::domain::key::{KeyPrefix, ObjectKey};
use recfetch::domain::object::ObjectInfo;
use recfetch::domain::only::Only;
use recfetch::domain::place::{Obstacle, SourceName};
use recfetch::domain::recording::RecordingId;
use recfetch::domain::report::Outcome;
use recfetch::engine::{FetchError, MirrorOptions, MirrorTarget, Mirrored};
use recfetch::source::destination::{Destination, Keeping, Object, Pieces, Stored, Upload};
use recfetch::source::{Capabilities, DirSource, Error, Opened, Operation, Page, PageToken, Read, Source};
use recfetch_test_support::{Fault, Script};

use crate::kit::*;

/// What the store does wrong to objects whose key ends so.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// Refuses so many times.
    Refuse(usize, Obstacle),
    /// Keeps another byte than it was given.
    Flip,
}

/// A folder that writes down what is asked of it.
pub struct Depot {
    dir: DirSource,
    root: PathBuf,
    troubles: Mutex<Vec<(String, Trouble)>>,
    asked: Mutex<Vec<String>>,
    part: u64,
}

impl Depot {
    fn with_parts(root: &Path, part: u64) -> Arc<Self> {
        std::fs::create_dir_all(root).unwrap();
        Arc::new(Self {
            dir: DirSource::new(SourceName::new("depot"), root),
            root: root.to_owned(),
            troubles: Mutex::default(),
            asked: Mutex::default(),
            part,
        })
    }

    pub fn trouble(&self, suffix: &str, trouble: Trouble) {
        self.troubles.lock().unwrap().push((suffix.to_owned(), trouble));
    }

    /// It does right from now on.
    pub fn heal(&self) {
        self.troubles.lock().unwrap().clear();
    }

    fn note(&self, what: &str, key: &str) {
        self.asked.lock().unwrap().push(format!("{what} {key}"));
    }

    /// What was asked since this was asked last.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn refuse(&self, key: &ObjectKey) -> Result<(), Error> {
        for (suffix, trouble) in self.troubles.lock().unwrap().iter_mut() {
            if let Trouble::Refuse(times @ 1.., obstacle) = trouble
                && key.as_str().ends_with(suffix.as_str())
            {
                *times -= 1;
                return Err(Error::new(obstacle.clone(), Operation::Write, self.dir.name(), key.as_str()));
            }
        }
        Ok(())
    }

    /// The bytes that it keeps in the place of these.
    fn kept(&self, key: &ObjectKey, bytes: &Pieces) -> Pieces {
        let troubles = self.troubles.lock().unwrap();
        let flips = |(suffix, trouble): &(String, Trouble)| {
            matches!(trouble, Trouble::Flip) && key.as_str().ends_with(suffix.as_str())
        };
        if !troubles.iter().any(flips) {
            return bytes.clone();
        }
        let mut changed: Vec<u8> = bytes.iter().flat_map(|piece| piece.to_vec()).collect();
        changed[0] ^= 1;
        changed.into()
    }

    pub fn bag(&self) -> PathBuf {
        self.root.join("cold").join(SID)
    }

    pub fn mark(&self) -> Option<MarkV1> {
        MarkV1::read(&std::fs::read(self.bag().join("mirror.json")).ok()?)
    }
}

#[async_trait]
impl Source for Depot {
    fn name(&self) -> &SourceName {
        self.dir.name()
    }

    fn describe(&self) -> String {
        self.dir.describe()
    }

    fn capabilities(&self) -> Capabilities {
        self.dir.capabilities()
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        self.note("stat", key.as_str());
        self.dir.stat(key).await
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        self.note("read", key.as_str());
        self.dir.open(key, read).await
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        self.note("list", prefix);
        self.dir.list(prefix, after).await
    }
}

#[async_trait]
impl Destination for Depot {
    fn proofs(&self) -> &'static [Algorithm] {
        self.dir.proofs()
    }

    fn part_bytes(&self) -> (u64, u64) {
        (1, self.part)
    }

    async fn accepts(&self, keeping: &Keeping) -> Result<(), Error> {
        self.dir.accepts(keeping).await
    }

    async fn put(&self, object: &Object<'_>) -> Result<Stored, Error> {
        self.note("put", object.key.as_str());
        self.refuse(object.key)?;
        let bytes = self.kept(object.key, object.bytes);
        self.dir.put(&Object { bytes: &bytes, ..*object }).await
    }

    async fn begin(&self, key: &ObjectKey, keeping: &Keeping) -> Result<Box<dyn Upload>, Error> {
        self.note("begin", key.as_str());
        self.refuse(key)?;
        self.dir.begin(key, keeping).await
    }

    async fn abort_unfinished(&self, prefix: &str, since: i64) -> Result<usize, Error> {
        self.dir.abort_unfinished(prefix, since).await
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), Error> {
        self.note("remove", key.as_str());
        self.dir.remove(key).await
    }
}

pub struct Brought {
    pub stage: Stage,
    pub run: Run,
    pub depot: Arc<Depot>,
    pub target: MirrorTarget,
    _keep: tempfile::TempDir,
}

impl Brought {
    pub async fn new(slices: usize) -> Self {
        Self::with_parts(slices, u64::MAX).await
    }

    pub async fn with_parts(slices: usize, part: u64) -> Self {
        let (keep, root) = out();
        let stage = Stage::of(Kind::Md5, &plan(slices)).await;
        let run = Run::sid(stage.store("prod").await);
        let depot = Depot::with_parts(&root, part);
        let target = MirrorTarget::new(depot.clone(), KeyPrefix::from_parts(["cold"]).unwrap());
        Self { stage, run, depot, target, _keep: keep }
    }

    pub async fn mirror(&self) -> Result<Mirrored, FetchError> {
        let fetcher = self.run.fetcher();
        let both = async {
            let found =
                fetcher.locate(&self.run.target, &self.run.candidates, &self.run.query).await.unwrap();
            fetcher.mirror(found, &self.target, &MirrorOptions::default()).await
        };
        tokio::time::timeout(Duration::from_secs(30), both).await.expect("a run ends by itself")
    }

    pub async fn there(&self) -> Option<MarkV1> {
        let id = RecordingId::parse(SID).unwrap();
        let fetcher = self.run.fetcher();
        fetcher.mirrored(&self.target, &id, &MirrorOptions::default(), &Only::default()).await.unwrap()
    }

    /// Slices that were asked of the source since this was asked last.
    pub fn slices_asked(&self) -> usize {
        let asked = self.stage.front.requests();
        asked.iter().filter(|request| request.method == "GET" && request.path.ends_with(".ts")).count()
    }

    /// The bag there, byte for byte.
    pub async fn is_whole(&self, slices: usize) {
        let whole = verified(&self.depot.bag());
        assert!(whole.is_whole(), "{:?}", whole.damage);
        let here = payload(&self.depot.bag());
        for (name, bytes) in originals(&plan(slices)) {
            assert_eq!(here.get(&name).map(Vec::as_slice), Some(&*bytes), "{name}");
        }
        self.has_nothing_unfinished().await;
    }

    /// What a run left that was cut off goes a moment later: a thread that waits for the disk is not stopped.
    pub async fn has_nothing_unfinished(&self) {
        let unfinished = || files_below(&self.depot.root.join(".recfetch-partial")).len();
        for _ in 0..200 {
            if unfinished() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(unfinished(), 0, "nothing unfinished");
    }
}

#[tokio::test]
async fn what_is_mirrored_is_a_bag_and_to_see_that_it_is_there_takes_one_request() {
    let brought = Brought::new(5).await;
    assert_eq!(brought.there().await, None);
    let mirrored = brought.mirror().await.unwrap();
    assert_eq!(mirrored.report.outcome(), Outcome::Complete);
    brought.is_whole(5).await;
    let asked = brought.depot.asked();
    let written: Vec<_> = asked.iter().filter_map(|line| line.strip_prefix("put ")).collect();
    let last: Vec<_> = written.iter().rev().take(3).filter_map(|key| key.rsplit('/').next()).collect();
    assert_eq!(last, ["mirror.json", "tagmanifest-sha256.txt", "manifest-sha256.txt"]);
    let before = brought.stage.front.requests().len();
    assert_eq!(brought.there().await.as_ref(), Some(&mirrored.mark));
    assert_eq!(brought.depot.asked(), [format!("read cold/{SID}/mirror.json")]);
    assert_eq!(brought.stage.front.requests().len(), before);
}

#[tokio::test]
async fn what_is_missing_is_no_whole_mirror_and_comes_alone_later() {
    let brought = Brought::new(5).await;
    let names = plan(5).slice_names();
    brought.stage.faults.on(&names[2], Script::times(Fault::NotFound, 1));
    let mirrored = brought.mirror().await.unwrap();
    assert_eq!(mirrored.report.outcome(), Outcome::Incomplete);
    assert_eq!(brought.depot.mark().map(|mark| mark.exit_code), Some(3));
    assert_eq!(brought.there().await, None);
    assert!(verified(&brought.depot.bag()).is_whole());
    let before = brought.slices_asked();
    let mirrored = brought.mirror().await.unwrap();
    assert_eq!(mirrored.report.outcome(), Outcome::Complete);
    assert_eq!(brought.slices_asked() - before, 1);
    brought.is_whole(5).await;
}

#[tokio::test]
async fn a_store_that_keeps_other_bytes_gets_no_mark() {
    let brought = Brought::new(4).await;
    let name = plan(4).slice_names()[1].clone();
    brought.depot.trouble(&name, Trouble::Flip);
    let error = brought.mirror().await.unwrap_err();
    let FetchError::Destination { cause, .. } = &error else { panic!("{error:?}") };
    assert_eq!(cause.obstacle, Obstacle::Corrupt);
    let text = cause.to_string();
    assert!(text.contains("other bytes are kept there than were sent (sha256 "), "{text}");
    assert!(text.contains(&format!("of the {} bytes sent", segment(1).len())), "{text}");
    assert_eq!(brought.depot.mark(), None);
    assert_eq!(brought.there().await, None);
    brought.depot.heal();
    assert_eq!(brought.mirror().await.unwrap().report.outcome(), Outcome::Complete);
    brought.is_whole(4).await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_not_made() {
    let brought = Brought::new(2).await;
    std::fs::remove_dir_all(&brought.depot.root).unwrap();
    let error = brought.mirror().await.unwrap_err();
    let FetchError::Destination { cause, .. } = &error else { panic!("{error:?}") };
    assert_eq!(cause.obstacle, Obstacle::NoSuchBucket);
    assert!(cause.to_string().contains("there is no folder"), "{cause}");
    assert!(!brought.depot.root.exists());
}

#[tokio::test]
async fn a_store_that_fails_for_a_while_is_tried_again_and_one_that_fails_for_good_keeps_what_was_proven() {
    let brought = Brought::new(6).await;
    let names = plan(6).slice_names();
    brought.depot.trouble(&names[1], Trouble::Refuse(2, Obstacle::Throttled));
    brought.depot.trouble(&names[4], Trouble::Refuse(1000, Obstacle::Unreachable));
    let error = brought.mirror().await.unwrap_err();
    assert!(matches!(error, FetchError::Destination { .. }), "{error:?}");
    assert_eq!(brought.depot.mark(), None);
    brought.depot.heal();
    let (kept, before) = (payload(&brought.depot.bag()).len(), brought.slices_asked());
    assert!(kept > 0);
    assert_eq!(brought.mirror().await.unwrap().report.outcome(), Outcome::Complete);
    assert!(brought.slices_asked() - before < 6, "what was proven is not sent again");
    brought.is_whole(6).await;
}

#[tokio::test]
async fn what_was_replaced_there_is_brought_again() {
    let brought = Brought::new(4).await;
    brought.mirror().await.unwrap();
    let name = plan(4).slice_names()[3].clone();
    std::fs::remove_file(brought.depot.bag().join("mirror.json")).unwrap();
    std::fs::write(brought.depot.bag().join("data").join(&name), segment(0)).unwrap();
    let before = brought.slices_asked();
    assert_eq!(brought.mirror().await.unwrap().report.outcome(), Outcome::Complete);
    assert_eq!(brought.slices_asked() - before, 1);
    brought.is_whole(4).await;
}

#[tokio::test]
async fn objects_larger_than_a_part_are_sent_while_they_come_and_bad_ones_leave_nothing() {
    let brought = Brought::with_parts(4, 16 << 10).await;
    let names = plan(4).slice_names();
    brought.stage.faults.on(&names[1], Script::times(Fault::Flip(40_000), 1));
    brought.stage.faults.on(&names[2], Script::always(Fault::Flip(40_000)));
    let mirrored = brought.mirror().await.unwrap();
    assert_eq!(mirrored.report.outcome(), Outcome::Corrupt);
    assert!(brought.depot.asked().iter().any(|line| line.starts_with("begin ") && line.ends_with(&names[0])));
    let there = payload(&brought.depot.bag());
    assert!(there.contains_key(&names[1]) && !there.contains_key(&names[2]));
    brought.has_nothing_unfinished().await;
}

#[tokio::test]
async fn a_run_that_is_stopped_says_so_and_the_next_one_goes_on() {
    let brought = Brought::new(8).await;
    let (run, fetcher) = (&brought.run, brought.run.fetcher());
    let found = fetcher.locate(&run.target, &run.candidates, &run.query).await.unwrap();
    run.cancel.cancel();
    let mirrored = fetcher.mirror(found, &brought.target, &MirrorOptions::default()).await.unwrap();
    assert_eq!(mirrored.report.outcome(), Outcome::Interrupted);
    assert_eq!(brought.there().await, None);
    let brought = Brought { run: Run::sid(brought.stage.store("prod").await), ..brought };
    assert_eq!(brought.mirror().await.unwrap().report.outcome(), Outcome::Complete);
    brought.is_whole(8).await;
}

#[tokio::test]
async fn whoever_loses_the_claim_sends_nothing_more_and_no_mark() {
    for part in [u64::MAX, 16 << 10] {
        // Lost before the first request that changes something, before the second, and so on to the mark.
        for requests in 0.. {
            let brought = Brought::with_parts(2, part).await;
            let asked = Arc::new(AtomicUsize::new(0));
            let claim = move || asked.fetch_add(1, Ordering::Relaxed) < requests;
            let (run, fetcher) = (&brought.run, brought.run.fetcher().claiming(Arc::new(claim)));
            let found = fetcher.locate(&run.target, &run.candidates, &run.query).await.unwrap();
            let ended = fetcher.mirror(found, &brought.target, &MirrorOptions::default()).await;
            let Err(error) = ended else {
                assert!(requests > 8, "{requests} requests are too few to be all");
                assert!(brought.there().await.is_some());
                break;
            };
            let FetchError::Destination { cause, .. } = &error else { panic!("{error:?}") };
            assert!(cause.to_string().contains("another may have the recording"), "{cause}");
            assert_eq!(brought.depot.mark(), None, "after {requests}");
            let sent = brought.depot.asked();
            let sent =
                sent.iter().filter(|line| line.starts_with("put ") || line.starts_with("remove ")).count();
            assert!(sent <= requests, "{sent} were sent, {requests} were allowed");
        }
    }
}
