//! A store that lets its keys list some prefixes and not others.

use std::sync::Arc;

use async_trait::async_trait;
use recfetch::domain::key::{ObjectKey, ObjectName};
use recfetch::domain::object::ObjectInfo;
use recfetch::domain::only::{Form, Only};
use recfetch::domain::place::{Denial, Obstacle, SourceName};
use recfetch::domain::report::Outcome;
use recfetch::engine::{Candidate, FetchOptions, Fetcher, LocateError, LocateQuery, Store, Target};
use recfetch::source::{Capabilities, Error, MemorySource, Opened, Operation, Page, PageToken, Read, Source};
use recfetch_test_support::{Plan, mp4, ts};

use crate::kit::out;

const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";

/// Refuses to list what starts so.
struct Bound {
    inner: MemorySource,
    refused: &'static str,
}

#[async_trait]
impl Source for Bound {
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
        self.inner.open(key, read).await
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        if prefix.starts_with(self.refused) {
            let denied = Obstacle::Denied(Denial::NotAllowed);
            return Err(Error::new(denied, Operation::List, self.name(), prefix));
        }
        self.inner.list(prefix, after).await
    }
}

fn candidates(refused: &'static str) -> [Candidate; 1] {
    let mut inner = MemorySource::new(SourceName::new("bound"));
    let slice = |n| ts::SliceSpec { start_pts: 126_000 + n * 180_000, seed: n, ..Default::default() };
    for (key, bytes) in
        Plan::new(&[2000, 2000]).files(&[ts::slice(&slice(0)).into(), ts::slice(&slice(1)).into()])
    {
        inner.put(ObjectKey::parse(&key).unwrap(), bytes);
    }
    let store = Store { source: Arc::new(Bound { inner, refused }), prefix: None };
    [Candidate { store, fallbacks: Vec::new() }]
}

#[tokio::test]
async fn failovers_that_may_not_be_listed_are_said_and_the_rest_is_fetched() {
    let fetcher = Fetcher::new(FetchOptions::default(), Arc::new(()), Default::default());
    let target = Target::parse(SID).unwrap();
    let found = fetcher.locate(&target, &candidates("bak"), &LocateQuery::default()).await.unwrap();
    let denied = found.findings().iter().filter(|finding| finding.code() == "list-denied").count();
    assert_eq!((found.segments(), denied), (2, 1), "{:?}", found.findings());
    let out = tempfile::tempdir().unwrap();
    let fetched = fetcher.fetch(found, out.path(), None).await.unwrap();
    assert_eq!(fetched.report.outcome(), Outcome::Complete);
}

#[tokio::test]
async fn a_recording_that_may_not_be_listed_itself_is_denied_and_not_lost() {
    let fetcher = Fetcher::new(FetchOptions::default(), Arc::new(()), Default::default());
    let target = Target::parse(SID).unwrap();
    let error = fetcher.locate(&target, &candidates(SID), &LocateQuery::default()).await.err().unwrap();
    let LocateError::Source { cause, .. } = error else { panic!("{error}") };
    assert_eq!(cause.obstacle, Obstacle::Denied(Denial::NotAllowed));
}

#[tokio::test]
async fn a_named_playlist_brings_its_failover_copies_where_nothing_can_be_listed() {
    let mut source = MemorySource::new(SourceName::new("web")).without_listing();
    let slice = |n| ts::SliceSpec { start_pts: 126_000 + n * 180_000, seed: n, ..Default::default() };
    let base = Plan::new(&[2000]);
    let mut failover = Plan::new(&[2000]);
    failover.failover = Some(0);
    failover.start = "20260920125202485".into();
    for (plan, seed) in [(&base, 0), (&failover, 1)] {
        for (key, bytes) in plan.files(&[ts::slice(&slice(seed)).into()]) {
            source.put(ObjectKey::parse(&key).unwrap(), bytes);
        }
    }
    let store = Store { source: Arc::new(source), prefix: None };
    let fetcher = Fetcher::new(FetchOptions::default(), Arc::new(()), Default::default());
    let target = Target::parse(&base.playlist_name()).unwrap();
    let candidates = [Candidate { store, fallbacks: Vec::new() }];
    let found = fetcher.locate(&target, &candidates, &LocateQuery::default()).await.unwrap();
    assert_eq!((found.playlists().count(), found.segments()), (2, 2), "{:?}", found.findings());
}

/// A place without a listing that has these files.
fn unlisted(name: &str, plans: &[&Plan]) -> Store {
    let mut source = MemorySource::new(SourceName::new(name)).without_listing();
    for plan in plans {
        let spec = ts::SliceSpec { start_pts: 126_000, ..Default::default() };
        for (key, bytes) in plan.files(&[ts::slice(&spec).into()]) {
            source.put(ObjectKey::parse(&key).unwrap(), bytes);
        }
    }
    Store { source: Arc::new(source), prefix: None }
}

#[tokio::test]
async fn files_that_agora_names_are_found_without_a_listing_and_missed_where_they_are_not() {
    let mut video = Plan::new(&[2000]);
    video.track = Some((123, "video".into()));
    let mut audio = Plan::new(&[2000]);
    audio.track = Some((123, "audio".into()));
    let fetcher = Fetcher::new(FetchOptions::default(), Arc::new(()), Default::default());
    let target = Target::parse(SID).unwrap();
    let told = |names: &[String]| LocateQuery {
        told: names.iter().map(|name| ObjectName::parse(name).unwrap()).collect(),
        ..LocateQuery::default()
    };
    let both = told(&[video.playlist_name(), audio.playlist_name()]);
    let none =
        [Candidate { store: unlisted("web", &[]), fallbacks: vec![unlisted("copy", &[&video, &audio])] }];
    let found = fetcher.locate(&target, &none, &both).await.unwrap();
    let codes =
        |found: &recfetch::engine::Found| found.findings().iter().map(|f| f.code()).collect::<Vec<_>>();
    assert_eq!((found.segments(), codes(&found)), (2, vec!["found-elsewhere"]), "the copy has both");

    let one = [Candidate { store: unlisted("web", &[&video]), fallbacks: Vec::new() }];
    let found = fetcher.locate(&target, &one, &both).await.unwrap();
    assert_eq!((found.segments(), codes(&found)), (1, vec!["told-absent"]));
    assert!(found.findings()[0].to_string().contains(&audio.playlist_name()));
    let found = fetcher.locate(&target, &one, &told(&[video.playlist_name()])).await.unwrap();
    assert_eq!((found.segments(), codes(&found)), (1, vec![]));
    // Names of other recordings are nobody's business here.
    let foreign = told(&[video.playlist_name(), "other_x.m3u8".to_owned()]);
    assert_eq!(codes(&fetcher.locate(&target, &one, &foreign).await.unwrap()), Vec::<&str>::new());
    let gone = fetcher.locate(&target, &one, &told(&[audio.playlist_name()])).await.err().unwrap();
    assert!(matches!(gone, LocateError::NotFound { .. }), "{gone:?}");
}

#[tokio::test]
async fn a_film_that_agora_names_is_a_loss_where_only_films_were_asked_for() {
    let mut source = MemorySource::new(SourceName::new("prod"));
    let plan = Plan::new(&[2000]);
    let film = |index: usize| format!("{SID}_{}_{index}.mp4", plan.channel);
    source.put(ObjectKey::parse(&film(0)).unwrap(), mp4::recording(2000, 1));
    let candidates =
        [Candidate { store: Store { source: Arc::new(source), prefix: None }, fallbacks: Vec::new() }];
    let fetcher = Fetcher::new(FetchOptions::default(), Arc::new(()), Default::default());
    let told = [plan.playlist_name(), film(0), film(1)].map(|name| ObjectName::parse(&name).unwrap());
    let query = LocateQuery { told: told.into(), only: Only::these([Form::Mp4]), ..LocateQuery::default() };
    let found = fetcher.locate(&Target::parse(SID).unwrap(), &candidates, &query).await.unwrap();
    let (_guard, out) = out();
    let fetched = fetcher.fetch(found, &out, None).await.unwrap();
    let told: Vec<_> = fetched.report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "the playlist was not asked for: {told:?}");
    assert!(told[0].contains(&film(1)), "{told:?}");
    assert_eq!(fetched.report.outcome(), Outcome::Incomplete);
}
