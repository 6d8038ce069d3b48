use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::domain::check::Presence;
use crate::domain::object::ObjectInfo;
use crate::source::{Capabilities, Error, MemorySource, Opened, Page, PageToken, Read, Source};

#[tokio::test]
async fn five_hundred_segments_take_five_requests() {
    for vendor in [Vendor::S3, Vendor::Oss, Vendor::Kodo] {
        let plan = plan(500);
        let stage = Stage::of(vendor, Keeps::Open, "prod", &plan).await;
        let candidate = Candidate { store: stage.store().await, fallbacks: Vec::new() };
        let options = CheckOptions::default();
        let target = Target::parse(SID).unwrap();
        let checked = fetcher().check(&target, &[candidate], &LocateQuery::default(), &options).await;
        let check = checked.unwrap().check;
        let segments: Vec<_> = check.tracks.iter().flat_map(|track| &track.segments).collect();
        assert_eq!(segments.len(), 500);
        assert!(segments.iter().all(|segment| segment.presence == Presence::Present));
        assert_eq!(stage.front.requests().len(), 5, "{vendor:?}: {:#?}", stage.front.requests());
    }
}

/// Every request takes one round trip, and never ends where it is to hang.
struct Far {
    inner: MemorySource,
    round_trip: Duration,
    requests: AtomicUsize,
}

impl Far {
    async fn travel(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.round_trip).await;
    }
}

#[async_trait]
impl Source for Far {
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
        self.travel().await;
        self.inner.stat(key).await
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        self.travel().await;
        self.inner.open(key, read).await
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        self.travel().await;
        self.inner.list(prefix, after).await
    }
}

/// A store that far away with the recordings of some users.
fn far(name: &str, round_trip: Duration, lacks: usize) -> (Arc<Far>, Store) {
    let mut inner = MemorySource::new(SourceName::new(name));
    for uid in 1..=4 {
        let mut plan = plan(50);
        plan.track = Some((uid, "video".to_owned()));
        for (name, bytes) in plan.files(&[Bytes::from_static(b"segment")]).into_iter().skip(lacks) {
            inner.put(ObjectKey::parse(&name).unwrap(), bytes);
        }
    }
    let far = Arc::new(Far { inner, round_trip, requests: AtomicUsize::new(0) });
    (Arc::clone(&far), Store { source: far, prefix: None })
}

#[tokio::test(start_paused = true)]
async fn what_can_be_asked_at_once_is_asked_at_once() {
    let round_trip = Duration::from_millis(80);
    for (fallbacks, trips) in [(0, 2), (2, 3)] {
        let (own, store) = far("prod", round_trip, 0);
        let copies: Vec<_> = (0..fallbacks).map(|n| far(&format!("copy{n}"), round_trip, 0)).collect();
        let fallbacks = copies.iter().map(|(_, store)| store.clone()).collect();
        let candidate = Candidate { store, fallbacks };
        let start = tokio::time::Instant::now();
        let target = Target::parse(SID).unwrap();
        let options = CheckOptions::default();
        fetcher().check(&target, &[candidate], &LocateQuery::default(), &options).await.unwrap();
        // Each first request of a connection takes three more: one for TCP, two for TLS. Listings and objects
        // may have connections of their own, which makes eight without fallbacks.
        assert_eq!(start.elapsed().as_millis(), 80 * trips, "{trips}");
        assert_eq!(own.requests.load(Ordering::Relaxed), 4 + 4, "lists of names, playlists");
        for (copy, _) in &copies {
            assert_eq!(copy.requests.load(Ordering::Relaxed), 4);
        }
    }
}

#[tokio::test]
async fn a_check_and_a_survey_stop_when_they_are_told_to() {
    let for_ever = Duration::from_secs(1_000_000);
    let (_, near) = far("prod", Duration::ZERO, 0);
    let (_, hung) = far("copy", for_ever, 0);
    let target = Target::parse(SID).unwrap();
    let (query, options) = (LocateQuery::default(), CheckOptions::default());
    for candidate in [
        Candidate { store: hung.clone(), fallbacks: Vec::new() },
        Candidate { store: near, fallbacks: vec![hung] },
    ] {
        let fetcher = fetcher();
        let cancel = fetcher.context.cancel.clone();
        let stop = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            cancel.cancel();
        };
        let candidates = [candidate];
        let (checked, ()) = tokio::join!(fetcher.check(&target, &candidates, &query, &options), stop);
        assert!(matches!(checked, Err(LocateError::Interrupted)));
        let survey = fetcher.survey(&candidates[0], &query, &options, async |_| ()).await;
        assert!(matches!(survey, Err(SurveyError::Interrupted)), "{survey:?}");
    }
}
