use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::*;
use crate::domain::check::{Check, Presence};
use crate::domain::object::ObjectInfo;
use crate::source::{
    Body, Capabilities, Error, Listing, MemorySource, Opened, Operation, Page, PageToken, Read, Source,
};

/// What a source made of pages has below a prefix.
trait Content: Send + Sync + 'static {
    /// The objects from this number on, at most so many.
    fn page(&self, prefix: &str, from: usize, most: usize) -> Vec<ObjectInfo>;
    fn bytes(&self, key: &str) -> Option<Bytes>;
}

/// A source that lists in pages, and counts.
struct Paged<C> {
    name: SourceName,
    content: C,
    most: usize,
    lists: AtomicU64,
    opens: AtomicU64,
}

impl<C: Content> Paged<C> {
    fn new(content: C, most: usize) -> Arc<Self> {
        let (lists, opens) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { name: SourceName::new("prod"), content, most, lists, opens })
    }

    fn candidate(self: &Arc<Self>) -> Candidate {
        let prefix = Some(KeyPrefix::from_parts(["rec"]).unwrap());
        Candidate { store: Store { source: self.clone(), prefix }, fallbacks: Vec::new() }
    }
}

#[async_trait]
impl<C: Content> Source for Paged<C> {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn describe(&self) -> String {
        "pages".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { listing: Listing::Possible }
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        Err(Error::new(Obstacle::Absent, Operation::Stat, &self.name, key.as_str()))
    }

    async fn open(&self, key: &ObjectKey, _read: Read<'_>) -> Result<Opened, Error> {
        self.opens.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let absent = || Error::new(Obstacle::Absent, Operation::Read, &self.name, key.as_str());
        let bytes = self.content.bytes(key.as_str()).ok_or_else(absent)?;
        let info = ObjectInfo { size: Some(bytes.len() as u64), ..ObjectInfo::bare(key.clone()) };
        let framing = crate::domain::verdict::Framing::Length;
        Ok(Opened { info, framing, body: Body::from_parts([Ok(bytes)]) })
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        let from = after.map_or(0, |token| token.0.parse().unwrap());
        let objects = self.content.page(prefix, from, self.most);
        let next = (objects.len() == self.most).then(|| PageToken((from + self.most).to_string()));
        Ok(Page { objects, next, ..Page::default() })
    }
}

/// A bucket of small recordings that are made up as they are listed: a playlist and two slices each. Every
/// thousandth lacks the second.
struct Made {
    recordings: usize,
    /// How many were listed so far.
    listed: Arc<AtomicU64>,
}

const LACKING: usize = 1000;

fn made(number: usize) -> Plan {
    let mut plan = plan(2);
    plan.sid = format!("{number:032x}");
    plan
}

impl Content for Made {
    fn page(&self, prefix: &str, from: usize, most: usize) -> Vec<ObjectInfo> {
        let number = |prefix: &str| usize::from_str_radix(prefix.get(4..36)?, 16).ok();
        let (first, count, from) = match number(prefix) {
            Some(number) => (number, 1, 0),
            None if prefix == "rec/" => (0, self.recordings, from),
            None => return Vec::new(),
        };
        let objects = (from..count * 3).take(most).map(|place| {
            let (number, file) = (first + place / 3, place % 3);
            if count > 1 {
                self.listed.fetch_max(number as u64 + 1, Ordering::Relaxed);
            }
            let plan = made(number);
            let (name, size) = match file {
                0 => (plan.playlist_name(), plan.playlist().len()),
                file => (plan.slice_names()[file - 1].clone(), 752),
            };
            let lacks = file == 2 && number % LACKING == LACKING - 1;
            // Somebody else's, so that a page is full.
            let name = if lacks { format!("{}_2_x.txt", plan.sid) } else { name };
            let key = ObjectKey::parse(&format!("rec/{name}")).unwrap();
            ObjectInfo { size: Some(size as u64), ..ObjectInfo::bare(key) }
        });
        let mut objects: Vec<_> = objects.collect();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        objects
    }

    fn bytes(&self, key: &str) -> Option<Bytes> {
        let number = usize::from_str_radix(key.get(4..36)?, 16).ok()?;
        key.ends_with(".m3u8").then(|| made(number).playlist().into())
    }
}

fn undated(mut check: Check) -> Check {
    check.at = crate::domain::time::SliceTime::default();
    check
}

async fn single(fetcher: &Fetcher, candidate: &Candidate, sid: &str) -> Check {
    let target = Target::parse(sid).unwrap();
    let candidates = [candidate.clone()];
    let options = CheckOptions::default();
    let checked = fetcher.check(&target, &candidates, &LocateQuery::default(), &options).await;
    undated(checked.unwrap().check)
}

#[tokio::test]
async fn ten_thousand_recordings_are_checked_from_one_pass_with_the_memory_of_a_few() {
    const RECORDINGS: usize = 10_000;
    let listed = Arc::new(AtomicU64::new(0));
    let source = Paged::new(Made { recordings: RECORDINGS, listed: listed.clone() }, 1000);
    let candidate = source.candidate();
    let fetcher = fetcher();
    let (mut done, mut most_alive, mut lost, mut samples) = (0_u64, 0, Vec::new(), Vec::new());
    let (query, options) = (LocateQuery::default(), CheckOptions::default());
    let survey = fetcher
        .survey(&candidate, &query, &options, async |surveyed| {
            most_alive = most_alive.max(listed.load(Ordering::Relaxed) - done);
            done += 1;
            let check = surveyed.checked.unwrap().check;
            assert_eq!(surveyed.recording.as_str(), format!("{:032x}", done - 1), "in order");
            if check.tracks[0].segments.iter().any(|segment| segment.presence == Presence::Lost) {
                lost.push(done - 1);
            }
            if done % 997 == 3 || done % 1000 == 0 {
                samples.push(undated(check));
            }
        })
        .await
        .unwrap();
    assert_eq!(survey, Survey { recordings: RECORDINGS as u64, objects: 3 * RECORDINGS as u64, others: 0 });
    assert_eq!(lost, (1..=10).map(|n| n * 1000 - 1).collect::<Vec<_>>());
    // Thirty full pages and an empty one; once the failovers of the one folder; and the playlists.
    assert_eq!(source.lists.load(Ordering::Relaxed), 30 + 1 + 1);
    assert_eq!(source.opens.load(Ordering::Relaxed), RECORDINGS as u64);
    let bound = 1000 / 3 + 1 + fetcher.context.options.jobs as u64 + 1;
    assert!(most_alive <= bound, "{most_alive} recordings are known and not done, of {bound}");
    assert!(samples.len() > 15);
    for sample in samples {
        let alone = single(&fetcher, &candidate, sample.recording.as_str()).await;
        assert_eq!(sample, alone);
    }
}

/// These keys, in this order.
struct Given(Vec<(String, Bytes)>);

impl Content for Given {
    fn page(&self, prefix: &str, from: usize, most: usize) -> Vec<ObjectInfo> {
        let below = self.0.iter().filter(|(key, _)| key.starts_with(prefix));
        let below = below.skip(from).take(most);
        let info = |(key, bytes): &(String, Bytes)| {
            let key = ObjectKey::parse(key).unwrap();
            ObjectInfo { size: Some(bytes.len() as u64), ..ObjectInfo::bare(key) }
        };
        below.map(info).collect()
    }

    fn bytes(&self, key: &str) -> Option<Bytes> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, bytes)| bytes.clone())
    }
}

fn files(folder: &str, sid: char, failover: Option<u8>) -> Vec<(String, Bytes)> {
    let mut plan = plan(2);
    plan.sid = sid.to_string().repeat(32);
    plan.failover = failover;
    if failover.is_some() {
        plan.start = "20260920125202485".to_owned();
    }
    let files = plan.files(&[Bytes::from(vec![0x47; 188])]).into_iter();
    files.map(|(name, bytes)| (format!("{folder}{name}"), bytes)).collect()
}

async fn surveyed(source: &Arc<Paged<Given>>) -> (Result<Survey, SurveyError>, Vec<(String, String, Check)>) {
    let mut seen = Vec::new();
    let (query, options) = (LocateQuery::default(), CheckOptions::default());
    let survey = fetcher()
        .survey(&source.candidate(), &query, &options, async |surveyed| {
            let Surveyed { recording, folder, checked } = surveyed;
            seen.push((folder.to_string(), recording.to_string(), undated(checked.unwrap().check)));
        })
        .await;
    (survey, seen)
}

#[tokio::test]
async fn failovers_that_lie_elsewhere_in_the_order_belong_to_their_recording() {
    let mut keys: Vec<_> = [
        // Before and behind `bak`, with and without failovers, and one of which only a failover is there.
        files("rec/", '1', None),
        files("rec/", '1', Some(0)),
        files("rec/", '1', Some(2)),
        files("rec/", '2', None),
        files("rec/", 'c', None),
        files("rec/", 'c', Some(1)),
        files("rec/", '3', Some(0)),
        // In a folder of its own, and in one below.
        files("rec/a/", '4', None),
        files("rec/a/", '4', Some(0)),
        files("rec/a/b/", '5', None),
        files("rec/a/b/", 'd', Some(0)),
        files("rec/a/b/", 'd', None),
        // Nobody's.
        vec![
            ("rec/readme.txt".to_owned(), Bytes::new()),
            ("rec/bakery_menu.pdf".to_owned(), Bytes::new()),
            ("rec/a/holiday_film_1.mp4".to_owned(), Bytes::new()),
            ("rec/zz/notes.m3u8".to_owned(), Bytes::new()),
        ],
        // Below a recording's name.
        vec![(format!("rec/{}_math_7b/notes.txt", "2".repeat(32)), Bytes::from_static(b"x"))],
    ]
    .concat();
    keys.sort();
    for most in [1, 2, 3, 7, 100] {
        let source = Paged::new(Given(keys.clone()), most);
        let (survey, seen) = surveyed(&source).await;
        assert_eq!(survey.unwrap(), Survey { recordings: 7, objects: 12 * 3 + 1, others: 4 }, "{most}");
        let mut order: Vec<_> = seen.iter().map(|(folder, sid, _)| (folder.as_str(), &sid[..1])).collect();
        order.sort_unstable();
        let expected = [
            ("rec/", "1"),
            ("rec/", "2"),
            ("rec/", "3"),
            ("rec/", "c"),
            ("rec/a/", "4"),
            ("rec/a/b/", "5"),
            ("rec/a/b/", "d"),
        ];
        assert_eq!(order, expected, "{most}");
        for (folder, sid, check) in &seen {
            let mut candidate = source.candidate();
            candidate.store.prefix = Some(KeyPrefix::from_parts([folder.as_str()]).unwrap());
            assert_eq!(*check, single(&fetcher(), &candidate, sid).await, "{folder}{sid}, {most}");
        }
    }
}

#[tokio::test]
async fn a_folder_of_its_own_for_each_recording_takes_no_further_listing() {
    let mut keys: Vec<_> = ('0'..='9').flat_map(|sid| files(&format!("rec/{sid}/"), sid, None)).collect();
    keys.extend(files("rec/3/", '3', Some(0)));
    keys.sort();
    let source = Paged::new(Given(keys), 1000);
    let (survey, seen) = surveyed(&source).await;
    assert_eq!((survey.unwrap().recordings, seen[3].2.tracks[0].segments.len()), (10, 4));
    // One page, and the failovers of the only folder that has any.
    assert_eq!(source.lists.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_listing_that_is_not_in_order_is_an_error_and_one_that_repeats_a_key_is_none() {
    let (first, second) = (files("rec/", '1', None), files("rec/", '2', None));
    let mut keys = [first.clone(), second.clone()].concat();
    keys.sort();
    let mut twice = keys.clone();
    twice.insert(2, keys[1].clone());
    for most in [2, 100] {
        let (survey, seen) = surveyed(&Paged::new(Given(twice.clone()), most)).await;
        assert_eq!((survey.unwrap().objects, seen.len()), (6, 2), "{most}");
        let mut wrong = keys.clone();
        wrong.swap(0, 5);
        let (survey, _) = surveyed(&Paged::new(Given(wrong), most)).await;
        assert!(matches!(survey, Err(SurveyError::Unsorted { .. })), "{most} {survey:?}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_list_has_no_survey() {
    let source = MemorySource::new(SourceName::new("web")).without_listing();
    let candidate =
        Candidate { store: Store { source: Arc::new(source), prefix: None }, fallbacks: Vec::new() };
    let (query, options) = (LocateQuery::default(), CheckOptions::default());
    let survey = fetcher().survey(&candidate, &query, &options, async |_| ()).await;
    assert!(matches!(survey, Err(SurveyError::CannotList { .. })), "{survey:?}");
}

#[tokio::test]
async fn what_the_fallbacks_have_counts_where_something_is_lacking() {
    let keys = [files("rec/", '1', None), files("rec/", '2', None)].concat();
    let mut own = keys.clone();
    own.sort();
    let lost = own.iter().position(|(key, _)| key.contains(&"2".repeat(32)) && key.ends_with(".ts")).unwrap();
    own.remove(lost);
    let source = Paged::new(Given(own), 100);
    let mut copy = MemorySource::new(SourceName::new("copy"));
    keys.into_iter().for_each(|(key, bytes)| copy.put(ObjectKey::parse(&key).unwrap(), bytes));
    let mut candidate = source.candidate();
    candidate.fallbacks.push(Store { source: Arc::new(copy), prefix: None });
    let (query, options) = (LocateQuery::default(), CheckOptions::default());
    let mut stores = Vec::new();
    let fetcher = fetcher();
    let survey = fetcher.survey(&candidate, &query, &options, async |surveyed| {
        let check = surveyed.checked.unwrap().check;
        let elsewhere = check.tracks[0]
            .segments
            .iter()
            .filter(|segment| matches!(segment.presence, Presence::Elsewhere { store: 1 }));
        stores.push((check.stores.len(), elsewhere.count()));
    });
    assert_eq!(survey.await.unwrap().recordings, 2);
    assert_eq!(stores, [(1, 0), (2, 1)]);
}
