//! A recording brought to Aliyun OSS and to Qiniu Kodo, which prove by digests of their own what they keep, and do
//! wrong on purpose.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use recfetch::domain::digest::{Algorithm, Digest};
use recfetch::domain::key::{KeyPrefix, ObjectKey};
use recfetch::domain::only::Only;
use recfetch::domain::place::{Denial, Obstacle};
use recfetch::domain::recording::RecordingId;
use recfetch::domain::report::Outcome;
use recfetch::engine::{FetchError, MirrorOptions, MirrorTarget, Mirrored};
use recfetch::source::destination::{Keeping, Lock, Object as Sent, Pieces};
use recfetch::source::{
    Credentials, Destination, Error, KodoHosts, KodoPlace, OssAddressing, OssPlace, OssSignature, Place,
    Read, Secret, connect_destination,
};
use recfetch_test_support::oss::Crc;
use recfetch_test_support::ts::{SliceSpec, slice};
use recfetch_test_support::{
    Handle, Keys, KodoOptions, Objects, OssOptions, Plan, Step, WriteFault, Writing, kodo, oss,
};

use crate::kit::*;

const SLICES: usize = 5;

/// More than two parts of either store.
const LARGE: usize = 11 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vendor {
    Oss,
    Kodo,
}

use Vendor::{Kodo, Oss};

const BOTH: [Vendor; 2] = [Oss, Kodo];

impl Vendor {
    /// The digest that it proves by.
    fn digest(self) -> &'static str {
        match self {
            Oss => "crc64xz",
            Kodo => "qetag",
        }
    }

    fn cold(self) -> &'static str {
        match self {
            Oss => "ColdArchive",
            Kodo => "deep archive",
        }
    }
}

/// A bucket that objects are brought to.
struct Depot {
    vendor: Vendor,
    objects: Objects,
    writing: Writing,
    server: Handle,
}

fn keys() -> Credentials {
    Credentials::Keys { access_key: KEY.to_owned(), secret_key: Secret::new(SECRET), session_token: None }
}

fn kodo_place(rs: &str, domain: &str) -> KodoPlace {
    KodoPlace {
        bucket: BUCKET.to_owned(),
        domains: vec![domain.parse().unwrap()],
        hosts: KodoHosts { rs: rs.to_owned(), rsf: rs.to_owned(), uc: rs.to_owned() },
        credentials: keys(),
    }
}

impl Depot {
    async fn new(vendor: Vendor) -> Self {
        match vendor {
            Oss => Self::oss(OssOptions::new(BUCKET, Keys::new(KEY, SECRET))).await,
            Kodo => {
                let (objects, writing) = (Objects::new(), Writing::new());
                let options =
                    KodoOptions { writing: writing.clone(), ..KodoOptions::new(BUCKET, KEY, SECRET) };
                let server = kodo::start(&objects, options).await.unwrap();
                Self { vendor, objects, writing, server }
            }
        }
    }

    async fn oss(options: OssOptions) -> Self {
        let (objects, writing) = (Objects::new(), options.writing.clone());
        let server = oss::start(&objects, options).await.unwrap();
        Self { vendor: Oss, objects, writing, server }
    }

    fn place(&self) -> Place {
        let url = self.server.url();
        match self.vendor {
            Oss => Place::Oss(OssPlace {
                region: "cn-hangzhou".to_owned(),
                bucket: BUCKET.to_owned(),
                endpoint: url,
                addressing: OssAddressing::Path,
                signature: OssSignature::V4,
                credentials: keys(),
            }),
            Kodo => Place::Kodo(kodo_place(&url, &url)),
        }
    }

    async fn destination(&self) -> Arc<dyn Destination> {
        connect_destination(&spec("depot", self.place())).await.unwrap()
    }

    /// What lies below the bag's folder.
    fn there(&self, path: &str) -> Option<recfetch_test_support::Object> {
        self.objects.get(&format!("cold/{SID}/{path}"))
    }

    fn puts(&self) -> usize {
        let writes = |method: &str| method == "PUT" || method == "POST";
        self.server.requests().iter().filter(|request| writes(&request.method)).count()
    }
}

struct Brought {
    run: Run,
    depot: Depot,
    files: Vec<(String, Bytes)>,
    options: MirrorOptions,
    _stage: Stage,
}

impl Brought {
    async fn to(depot: Depot) -> Self {
        let plan = plan(SLICES);
        Self::of(depot, plan.files(&segments(SLICES))).await
    }

    /// One slice is so large that it goes in parts.
    async fn with_large(depot: Depot) -> Self {
        let plan: Plan = plan(SLICES);
        let mut all = segments(SLICES);
        let start_pts = 126_000 + SLICE_MS * 90;
        let duration_ms = u32::try_from(SLICE_MS).unwrap();
        let spec =
            SliceSpec { start_pts, duration_ms, seed: 77, bytes_target: LARGE, ..SliceSpec::default() };
        all[1] = slice(&spec).into();
        Self::of(depot, plan.files(&all)).await
    }

    /// With a large slice where this step is one of uploads in parts.
    async fn for_step(step: Step, depot: Depot) -> Self {
        if step == Step::Put { Self::to(depot).await } else { Self::with_large(depot).await }
    }

    async fn of(depot: Depot, files: Vec<(String, Bytes)>) -> Self {
        let stage = Stage::new(Kind::Md5).await;
        put(&stage.objects, Kind::Md5, FOLDER, files.clone());
        let run = Run::sid(stage.store("prod").await);
        Self { run, depot, files, options: MirrorOptions::default(), _stage: stage }
    }

    async fn target(&self) -> MirrorTarget {
        MirrorTarget::new(self.depot.destination().await, KeyPrefix::from_parts(["cold"]).unwrap())
    }

    async fn mirror(&self) -> Result<Mirrored, FetchError> {
        let (fetcher, target) = (self.run.fetcher(), self.target().await);
        let both = async {
            let found =
                fetcher.locate(&self.run.target, &self.run.candidates, &self.run.query).await.unwrap();
            fetcher.mirror(found, &target, &self.options).await
        };
        tokio::time::timeout(Duration::from_secs(60), both).await.expect("a run ends by itself")
    }

    async fn refused(&self) -> Error {
        match self.mirror().await {
            Err(FetchError::Destination { cause, .. }) => cause,
            other => panic!("{other:?}"),
        }
    }

    async fn is_there(&self) -> bool {
        let id = RecordingId::parse(SID).unwrap();
        let (fetcher, target) = (self.run.fetcher(), self.target().await);
        fetcher.mirrored(&target, &id, &self.options, &Only::default()).await.unwrap().is_some()
    }

    async fn becomes_whole(&self) {
        let mirrored = self.mirror().await.unwrap();
        assert_eq!(mirrored.report.outcome(), Outcome::Complete);
        for (name, bytes) in &self.files {
            let there = self.depot.there(&format!("data/{name}")).unwrap_or_else(|| panic!("no {name}"));
            assert!(there.bytes() == *bytes, "{name} has other bytes");
        }
        assert!(self.is_there().await);
        assert_eq!(self.depot.writing.unfinished().len(), 0, "nothing unfinished");
    }

    fn slice(&self, n: usize) -> String {
        plan(SLICES).slice_names()[n].clone()
    }
}

#[tokio::test]
async fn every_byte_is_there_and_a_second_run_sends_nothing() {
    for vendor in BOTH {
        let brought = Brought::with_large(Depot::new(vendor).await).await;
        assert!(!brought.is_there().await);
        brought.becomes_whole().await;
        let large = brought.depot.there(&format!("data/{}", brought.slice(1))).unwrap();
        assert_eq!(large.etag().contains('-'), vendor == Oss, "it came in parts: {}", large.etag());
        assert_eq!(large.content_type, "video/mp2t");
        let parts = brought.depot.server.requests().iter().filter(|r| r.method == "PUT").count();
        assert!(parts >= 3, "{vendor:?}: {parts}");
        let before = brought.depot.puts();
        assert!(brought.is_there().await);
        assert_eq!(brought.depot.puts(), before, "{vendor:?}");
        // Nothing was read to be proven.
        let read = |r: &&recfetch_test_support::Logged| r.method == "GET" && r.path.ends_with(".ts");
        assert_eq!(brought.depot.server.requests().iter().filter(read).count(), 0, "{vendor:?}");
    }
}

#[tokio::test]
async fn the_bag_that_was_brought_is_fetched_from_there_byte_for_byte() {
    for vendor in BOTH {
        let brought = Brought::with_large(Depot::new(vendor).await).await;
        brought.becomes_whole().await;
        let destination = brought.depot.destination().await;
        for (name, bytes) in &brought.files {
            let key = ObjectKey::parse(&format!("cold/{SID}/data/{name}")).unwrap();
            let mut opened = destination.open(&key, Read::default()).await.unwrap();
            let mut found = Vec::new();
            while let Some(chunk) = opened.body.next().await {
                found.extend_from_slice(&chunk.unwrap());
            }
            assert!(found == *bytes, "{vendor:?} {name}");
        }
    }
}

#[tokio::test]
async fn objects_get_their_class_and_what_is_written_about_them_does_not() {
    for vendor in BOTH {
        let mut brought = Brought::with_large(Depot::new(vendor).await).await;
        brought.options.keeping.class = Some(vendor.cold().to_owned());
        if vendor == Oss {
            brought.options.keeping.encryption = Some("AES256".to_owned());
            brought.options.keeping.tags = vec![("why".to_owned(), "the law".to_owned())];
        }
        brought.becomes_whole().await;
        for n in [0, 1] {
            let object = brought.depot.there(&format!("data/{}", brought.slice(n))).unwrap();
            assert_eq!(object.class.as_deref(), Some(vendor.cold()));
            if vendor == Oss {
                assert_eq!(object.encryption.as_deref(), Some("AES256"));
                assert_eq!(object.tagging.as_deref(), Some("why=the%20law"));
            }
        }
        assert_eq!(brought.depot.there("mirror.json").unwrap().class, None, "{vendor:?}");
        // Another class is another order: what lies there in the old one is sent again.
        let before = brought.depot.puts();
        brought.options.keeping.class = None;
        assert!(!brought.is_there().await);
        brought.becomes_whole().await;
        assert!(brought.depot.puts() - before > SLICES, "{vendor:?}");
        assert_eq!(brought.depot.there(&format!("data/{}", brought.slice(0))).unwrap().class, None);
    }
}

#[tokio::test]
async fn a_store_that_keeps_other_bytes_is_corrupt_and_told_by_its_digest() {
    for vendor in BOTH {
        for (n, step) in [(0, Step::Put), (1, Step::Complete)] {
            let brought = Brought::for_step(step, Depot::new(vendor).await).await;
            brought.depot.writing.on(step, &brought.slice(n), WriteFault::Flip, 1);
            let error = brought.refused().await;
            assert_eq!(error.obstacle, Obstacle::Corrupt, "{vendor:?} {step:?}");
            let text = error.to_string();
            assert!(text.contains(vendor.digest()) && text.contains("bytes sent"), "{text}");
            assert!(brought.depot.there("mirror.json").is_none() && !brought.is_there().await);
            brought.becomes_whole().await;
        }
    }
}

#[tokio::test]
async fn a_part_that_became_another_does_not_become_an_object() {
    // OSS answers for the whole with a CRC-64; Kodo for each part with an MD5.
    for vendor in BOTH {
        let brought = Brought::with_large(Depot::new(vendor).await).await;
        brought.depot.writing.on(Step::Part, &brought.slice(1), WriteFault::Flip, 1);
        let error = brought.refused().await;
        assert_eq!(error.obstacle, Obstacle::Corrupt, "{vendor:?}");
        assert!(brought.depot.there("mirror.json").is_none());
        brought.becomes_whole().await;
    }
}

#[tokio::test]
async fn what_a_store_without_a_checksum_keeps_is_read() {
    let options = OssOptions { crc: Crc::Absent, ..OssOptions::new(BUCKET, Keys::new(KEY, SECRET)) };
    let brought = Brought::with_large(Depot::oss(options).await).await;
    brought.becomes_whole().await;
}

#[tokio::test]
async fn a_store_that_asks_for_patience_or_does_not_answer_is_asked_again() {
    for vendor in BOTH {
        let brought = Brought::with_large(Depot::new(vendor).await).await;
        let (small, large) = (brought.slice(0), brought.slice(1));
        for (step, name) in
            [(Step::Put, &small), (Step::Begin, &large), (Step::Part, &large), (Step::Complete, &large)]
        {
            for fault in [WriteFault::Busy, WriteFault::Unanswered] {
                brought.depot.writing.on(step, name, fault, 1);
            }
        }
        let mirrored = brought.mirror().await.unwrap();
        assert_eq!(mirrored.report.outcome(), Outcome::Complete, "{vendor:?}");
        for (name, bytes) in &brought.files {
            assert!(brought.depot.there(&format!("data/{name}")).unwrap().bytes() == *bytes, "{name}");
        }
        // One was begun twice, because nobody was told of the first.
        assert_eq!(brought.depot.writing.unfinished().len(), 1, "{vendor:?}");
    }
}

#[tokio::test]
async fn a_store_that_refuses_is_named_and_what_was_begun_is_aborted() {
    for vendor in BOTH {
        for (n, step) in [(0, Step::Put), (1, Step::Begin), (1, Step::Part), (1, Step::Complete)] {
            let brought = Brought::for_step(step, Depot::new(vendor).await).await;
            brought.depot.writing.on(step, &brought.slice(n), WriteFault::Refuse, 1000);
            let error = brought.refused().await;
            assert_eq!(error.obstacle, Obstacle::Denied(Denial::NotAllowed), "{vendor:?} {step:?}");
            assert!(!brought.is_there().await);
            let begun = || brought.depot.writing.unfinished().len();
            for _ in 0..100 {
                if begun() == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert_eq!(begun(), 0, "{vendor:?} {step:?}");
            brought.depot.writing.heal();
            brought.becomes_whole().await;
        }
    }
}

fn large(size: usize) -> (Pieces, Vec<Digest>) {
    let bytes = recfetch_test_support::Object::pattern(size as u64, 3);
    let qetag = Digest::from_qetag(&bytes.qetag(), size as u64);
    let crc = Digest::new(Algorithm::Crc64Xz, bytes.crc64_xz().to_be_bytes());
    (Pieces::from(bytes.bytes().to_vec()), qetag.into_iter().chain(crc).collect())
}

#[tokio::test]
async fn what_died_between_parts_is_found_and_aborted_at_oss() {
    let depot = Depot::new(Oss).await;
    let destination = depot.destination().await;
    let (part, digests) = large(5 << 20);
    let below = |name: &str| ObjectKey::parse(&format!("cold/{SID}/data/{name}")).unwrap();
    for name in ["a b.ts", "c+d.ts", "频.ts"] {
        let mut upload = destination.begin(&below(name), &Keeping::default()).await.unwrap();
        upload.part(&part).await.unwrap();
    }
    let elsewhere = ObjectKey::parse("other/e.ts").unwrap();
    destination.begin(&elsewhere, &Keeping::default()).await.unwrap();
    let (prefix, ever) = (format!("cold/{SID}/"), 4_000_000_000);
    assert_eq!(destination.abort_unfinished(&prefix, 1_700_000_000).await.unwrap(), 0, "begun lately");
    assert_eq!(destination.abort_unfinished(&prefix, ever).await.unwrap(), 3);
    let left: Vec<_> = depot.writing.unfinished().into_iter().map(|(_, begun)| begun.key).collect();
    assert_eq!(left, ["other/e.ts"]);
    // What was aborted by another is no object.
    let mut upload = destination.begin(&below("f.ts"), &Keeping::default()).await.unwrap();
    upload.part(&part).await.unwrap();
    destination.abort_unfinished(&prefix, ever).await.unwrap();
    assert_eq!(upload.complete(&digests).await.unwrap_err().obstacle, Obstacle::Absent);
    upload.abort().await.unwrap();
}

#[tokio::test]
async fn either_signature_stores_whole_and_in_parts_and_removes() {
    for signature in [OssSignature::V4, OssSignature::V1] {
        let depot = Depot::new(Oss).await;
        let Place::Oss(place) = depot.place() else { panic!("oss") };
        let place = Place::Oss(OssPlace { signature, ..place });
        let destination = connect_destination(&spec("depot", place)).await.unwrap();
        let key = ObjectKey::parse("x/a b+c=频.ts").unwrap();
        let tags = vec![("k".to_owned(), "a b".to_owned())];
        let keeping = Keeping { class: Some("IA".to_owned()), tags, ..Keeping::default() };
        let (bytes, digests) = large(6 << 20);
        let object = Sent { key: &key, bytes: &bytes, digests: &digests, keeping: &keeping };
        let stored = destination.put(&object).await.unwrap();
        assert_eq!(stored.digests[0], digests[1], "{signature:?}");
        let mut upload = destination.begin(&key, &keeping).await.unwrap();
        upload.part(&bytes).await.unwrap();
        let stored = upload.complete(&digests).await.unwrap();
        assert_eq!(stored.digests, [digests[1].clone()]);
        let info = destination.stat(&key).await.unwrap();
        assert_eq!((info.size, info.class.as_deref(), info.etag), (Some(6 << 20), Some("IA"), stored.etag));
        destination.remove(&key).await.unwrap();
        destination.remove(&key).await.unwrap();
        assert_eq!(destination.stat(&key).await.unwrap_err().obstacle, Obstacle::Absent);
    }
}

#[tokio::test]
async fn kodos_hash_is_that_of_the_whole_for_every_number_of_parts() {
    let depot = Depot::new(Kodo).await;
    let destination = depot.destination().await;
    let (least, most) = destination.part_bytes();
    assert_eq!((least, most), (4 << 20, 4 << 20), "of other parts the hash says nothing");
    let key = ObjectKey::parse("x/a b+c=频.ts").unwrap();
    for size in [4 << 20, (4 << 20) + 1, 8 << 20, (9 << 20) + 77] {
        let (bytes, digests) = large(size);
        let all: Vec<u8> = bytes.iter().flat_map(|piece| piece.to_vec()).collect();
        let mut upload = destination.begin(&key, &Keeping::default()).await.unwrap();
        for part in all.chunks(4 << 20) {
            upload.part(&Pieces::from(part.to_vec())).await.unwrap();
        }
        assert_eq!(upload.complete(&digests).await.unwrap().digests, [digests[0].clone()], "{size}");
    }
}

#[tokio::test]
async fn an_old_mark_that_a_domain_still_serves_is_not_believed() {
    let depot = Depot::new(Kodo).await;
    let brought = Brought::to(depot).await;
    brought.becomes_whole().await;
    // The bucket forgets; the nodes before it do not.
    let cache = Objects::new();
    for key in brought.depot.objects.keys() {
        cache.put(&key, brought.depot.objects.get(&key).unwrap());
    }
    let options = KodoOptions::new(BUCKET, KEY, SECRET);
    let nodes = kodo::start(&cache, options).await.unwrap();
    let place = Place::Kodo(kodo_place(&brought.depot.server.url(), &nodes.url()));
    let destination = connect_destination(&spec("depot", place)).await.unwrap();
    let key = ObjectKey::parse(&format!("cold/{SID}/mirror.json")).unwrap();
    destination.open(&key, Read::default()).await.unwrap();
    brought.depot.objects.put(key.as_str(), "{}");
    let error = destination.open(&key, Read::default()).await.unwrap_err();
    assert_eq!(error.obstacle, Obstacle::Changed);
    destination.remove(&key).await.unwrap();
    let error = destination.open(&key, Read::default()).await.unwrap_err();
    assert_eq!(error.obstacle, Obstacle::Absent);
}

#[tokio::test]
async fn what_a_store_does_not_have_is_refused_before_anything_is_sent() {
    for vendor in BOTH {
        let mut brought = Brought::to(Depot::new(vendor).await).await;
        let lock = Lock { mode: "COMPLIANCE".to_owned(), until: 4_000_000_000, at_least: 0 };
        brought.options.keeping.lock = Some(lock);
        let error = brought.refused().await;
        assert_eq!(error.obstacle, Obstacle::Unsupported, "{error}");
        brought.options.keeping = Keeping { class: Some("STANDARD_IA".to_owned()), ..Keeping::default() };
        assert_eq!(brought.refused().await.obstacle, Obstacle::Unsupported);
        assert_eq!(brought.depot.objects.keys(), Vec::<String>::new());
        assert_eq!(brought.depot.puts(), 0);
    }
}

#[tokio::test]
async fn an_object_that_changed_in_a_bucket_is_found_by_its_digest_and_put_back() {
    for vendor in BOTH {
        let brought = Brought::to(Depot::new(vendor).await).await;
        brought.becomes_whole().await;
        // The length stays: the store's own digest tells.
        let name = plan(SLICES).slice_names()[1].clone();
        let key = format!("cold/{SID}/data/{name}");
        let right = brought.depot.there(&format!("data/{name}")).unwrap().bytes();
        let mut bytes = right.to_vec();
        bytes[1000] ^= 1;
        brought.depot.objects.put(key.clone(), recfetch_test_support::Object::new(bytes));
        let prefix = Some(KeyPrefix::from_parts(["cold"]).unwrap());
        let spec = recfetch::source::StoreSpec { prefix, ..spec("depot", brought.depot.place()) };
        let store = recfetch::engine::Store::connect(&spec).await.unwrap();
        let (id, fetcher, target) =
            (RecordingId::parse(SID).unwrap(), brought.run.fetcher(), brought.target().await);
        let depth = recfetch::engine::AuditDepth::Told;
        let mending = fetcher.damage_of_mirror(&store, &id, depth, &|_| ()).await.unwrap();
        let lost: Vec<_> = mending.lost.iter().map(|lost| lost.name.as_str()).collect();
        assert_eq!(lost, [name.as_str()], "{vendor:?}");
        let from = [brought.run.candidates[0].store.clone()];
        let repaired = fetcher.repair_mirror(mending, &id, &store, &target, &from).await.unwrap();
        assert_eq!((repaired.exit_code(), repaired.mended.len()), (0, 1), "{vendor:?}");
        assert_eq!(brought.depot.objects.get(&key).unwrap().bytes(), right);
        let again = fetcher.damage_of_mirror(&store, &id, depth, &|_| ()).await.unwrap();
        assert!(again.audit.is_whole() && again.lost.is_empty(), "{vendor:?} {:?}", again.audit.bag.damage);
        assert!(brought.is_there().await);
    }
}
