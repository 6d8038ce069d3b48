//! What stores do besides giving bytes: archives, and asking for patience.

use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::StorageClass;

use crate::judge;
use crate::media::{composite, long};
use crate::program::Case;
use crate::servers::{BUCKET, world};

pub(crate) fn an_archived_slice_is_frozen_until_it_is_restored() {
    let recording = composite();
    let frozen = recording.order[3].clone();
    let stack = &world().ministack;
    let key = |name: &str| format!("frozen/{name}");
    world().runtime.block_on(async {
        for (name, bytes) in &recording.files {
            let class = if *name == frozen { StorageClass::Glacier } else { StorageClass::Standard };
            let put = stack.client.put_object().bucket(BUCKET).key(key(name)).storage_class(class);
            put.body(ByteStream::from(bytes.clone())).send().await.expect("uploaded");
        }
    });
    let case = Case::new("frozen").store("prod", &stack.endpoint, BUCKET, "frozen", "");
    let ran = case.fetch(&recording.sid, &[]);
    let report = ran.expect(8).json();
    assert_eq!(judge::object(&report, &frozen)["verdict"], "frozen");
    assert!(ran.said().contains("restore"), "{}", ran.said());
    let bag = case.out().join(&recording.sid);
    judge::bag_is_valid(&bag);

    // Asked for by us, restored by the server.
    let ran = case.fetch(&recording.sid, &["--restore=Bulk", "--days", "1"]);
    ran.expect(8);
    assert!(ran.said().contains("1 object asked for (Bulk, readable for 1 day)"), "{}", ran.said());
    world().runtime.block_on(async {
        let start = Instant::now();
        while stack.client.get_object().bucket(BUCKET).key(key(&frozen)).send().await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "not restored");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let report = case.fetch(&recording.sid, &["--join", "--restore=Bulk", "--days", "1"]).expect(0).json();
    assert_eq!(judge::fetched(&report, "segment"), [frozen.as_str()]);
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, &recording);
}

/// SeaweedFS answers 503 to every third reader at once.
pub(crate) fn a_store_that_asks_for_patience_gets_it() {
    const BUCKET: &str = "patience";
    let recording = long(120);
    let seaweed = &world().seaweed;
    seaweed.upload_apart(BUCKET, &recording.files);
    // The help text says `count`; only `Count` counts, and only where there is a global limit too.
    let limit = "-type=Count -actions=Read -apply";
    seaweed.shell(&format!("s3.circuitBreaker -global -values=100000 {limit}"));
    seaweed.shell(&format!("s3.circuitBreaker -buckets={BUCKET} -values=2 {limit}"));
    // The servers of the filer tell each other.
    std::thread::sleep(Duration::from_secs(1));
    let case = Case::new("patience").store("prod", &seaweed.endpoint, BUCKET, "", "");
    let ran = case.fetch(&recording.sid, &["--join", "--jobs", "16", "-vv"]);
    let report = ran.expect(0).json();
    let tries: Vec<_> = judge::objects(&report, "segment")
        .iter()
        .flat_map(|object| object["failed_tries"].as_array().into_iter().flatten())
        .map(|one| one["why"].to_string())
        .collect();
    assert!(!tries.is_empty(), "the store never asked for patience: this shows nothing");
    let bag = case.out().join(&recording.sid);
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, &recording);
}
