//! A whole recording in a bucket of Aliyun OSS.

use recfetch::domain::place::{Denial, Obstacle};
use recfetch::domain::report::Outcome;
use recfetch::engine::Store;
use recfetch::source::{Credentials, OssAddressing, OssPlace, OssSignature, Place, Secret};
use recfetch_test_support::oss::{self, Signatures, WrongRegion};
use recfetch_test_support::s3::{Permission, Token};
use recfetch_test_support::store::Restore;
use recfetch_test_support::{Fault, Faults, Handle, Keys, Objects, OssOptions, Plan, Script, fault};

use crate::kit::*;

/// An OSS server with a recording, and a fault proxy in front.
struct Bucket {
    plan: Plan,
    objects: Objects,
    faults: Faults,
    front: Handle,
    back: Handle,
}

fn options() -> OssOptions {
    OssOptions::new(BUCKET, Keys::new(KEY, SECRET))
}

impl Bucket {
    /// [`Kind::Md5`] is uploaded in one piece, [`Kind::Crc`] in parts.
    async fn of(kind: Kind, options: OssOptions) -> Self {
        let (plan, objects) = (plan(5), Objects::new());
        put(&objects, kind, FOLDER, plan.files(&segments(5)));
        let back = oss::start(&objects, options).await.unwrap();
        let faults = Faults::new().with_objects(&objects);
        let front = fault::start(&back.url(), &faults).await.unwrap();
        Self { plan, objects, faults, front, back }
    }

    fn place(&self) -> OssPlace {
        OssPlace {
            region: "cn-hangzhou".to_owned(),
            bucket: BUCKET.to_owned(),
            endpoint: self.front.url(),
            addressing: OssAddressing::Path,
            signature: OssSignature::V4,
            credentials: Credentials::Keys {
                access_key: KEY.to_owned(),
                secret_key: Secret::new(SECRET),
                session_token: None,
            },
        }
    }

    async fn run(&self, change: impl FnOnce(&mut OssPlace)) -> Run {
        let mut place = self.place();
        change(&mut place);
        Run::sid(Store::connect(&spec("prod", Place::Oss(place))).await.unwrap())
    }

    fn slice(&self, n: usize) -> String {
        self.plan.slice_names()[n].clone()
    }
}

#[tokio::test]
async fn every_byte_is_proven_by_the_stores_checksum() {
    for (kind, evidence) in
        [(Kind::Crc, "the crc64xz that prod publishes"), (Kind::Md5, "that prod publishes")]
    {
        for signature in [OssSignature::V4, OssSignature::V1] {
            let bucket = Bucket::of(kind, options()).await;
            let (_keep, out) = out();
            let fetched = bucket.run(|place| place.signature = signature).await.fetched(&out).await;
            assert_eq!(check(&fetched, &originals(&bucket.plan)), Outcome::Complete);
            for n in 0..5 {
                let text = verdict(object(&fetched, &bucket.slice(n)));
                assert!(text.starts_with("verified") && text.ends_with(evidence), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_flipped_byte_is_found_in_a_picture_too() {
    for kind in [Kind::Crc, Kind::Md5] {
        let bucket = Bucket::of(kind, options()).await;
        bucket.faults.on(&bucket.slice(2), Script::always(Fault::Flip(188 * 40 + 100)));
        let (_keep, out) = out();
        let fetched = bucket.run(|_| ()).await.fetched(&out).await;
        assert_eq!(check(&fetched, &originals(&bucket.plan)), Outcome::Corrupt);
        let text = verdict(object(&fetched, &bucket.slice(2)));
        assert!(text.starts_with("corrupt from prod"), "{text}");
    }
}

#[tokio::test]
async fn a_cut_body_goes_on_where_it_ended_and_is_proven_whole() {
    let bucket = Bucket::of(Kind::Crc, options()).await;
    bucket.faults.on(&bucket.slice(1), Script::once(Fault::Cut(10_000)));
    let (_keep, out) = out();
    let fetched = bucket.run(|_| ()).await.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&bucket.plan)), Outcome::Complete);
    let ranges: Vec<_> = bucket.back.requests().into_iter().filter_map(|request| request.range).collect();
    assert_eq!(ranges, ["bytes=10000-"]);
}

#[tokio::test]
async fn an_archived_slice_is_frozen_until_it_is_restored() {
    let bucket = Bucket::of(Kind::Crc, options()).await;
    let key = format!("{FOLDER}{}", bucket.slice(3));
    bucket.objects.change(&key, |object| object.storage_class("ColdArchive"));
    let (_keep, out) = out();
    let run = bucket.run(|_| ()).await;
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&bucket.plan)).exit_code(), 8);
    assert!(verdict(object(&fetched, &bucket.slice(3))).starts_with("frozen in prod"));
    bucket.objects.change(&key, |object| object.restored(Restore::Until(4_000_000_000)));
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&bucket.plan)), Outcome::Complete);
}

#[tokio::test]
async fn refusals_are_no_lost_recordings() {
    let mut may_not_read = options();
    may_not_read.keys[0].read = Permission::Denied;
    let bucket = Bucket::of(Kind::Crc, may_not_read).await;
    let (_keep, out) = out();
    match bucket.run(|_| ()).await.go(&out).await {
        Ok(fetched) => assert_eq!(check(&fetched, &originals(&bucket.plan)).exit_code(), 6),
        Err(Failed::Locate(error)) => assert!(format!("{error:?}").contains("NotAllowed"), "{error:?}"),
        Err(Failed::Fetch(error)) => panic!("{error:?}"),
    }
    let mut expired = options();
    expired.keys[0].token = Token::Expired;
    let unnamed = OssOptions { wrong_region: WrongRegion::Unnamed, ..options() };
    for (options, expected) in [
        (expired, Obstacle::Denied(Denial::Expired)),
        (OssOptions::new(BUCKET, Keys::new(KEY, "another")), Obstacle::Denied(Denial::WrongSecret)),
        (unnamed, Obstacle::WrongRegion { right: None }),
    ] {
        let bucket = Bucket::of(Kind::Crc, options).await;
        let run = bucket.run(|place| match &expected {
            Obstacle::WrongRegion { .. } => place.region = "cn-beijing".to_owned(),
            Obstacle::Denied(Denial::Expired) => {
                place.credentials = Credentials::Keys {
                    access_key: KEY.to_owned(),
                    secret_key: Secret::new(SECRET),
                    session_token: Some(Secret::new("of yesterday")),
                };
            }
            _ => {}
        });
        let error = run.await.not_located().await;
        assert!(format!("{error:?}").contains(&format!("{expected:?}")), "{expected:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_region_that_the_store_names_is_followed() {
    let bucket = Bucket::of(Kind::Crc, options()).await;
    let (_keep, out) = out();
    let fetched = bucket.run(|place| place.region = "us-west-1".to_owned()).await.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&bucket.plan)), Outcome::Complete);
}

#[tokio::test]
async fn a_store_from_before_version_4_is_read_all_the_same() {
    let bucket = Bucket::of(Kind::Crc, OssOptions { signatures: Signatures::OnlyV1, ..options() }).await;
    let (_keep, out) = out();
    let fetched = bucket.run(|_| ()).await.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&bucket.plan)), Outcome::Complete);
    let refused = bucket.back.requests().iter().filter(|request| request.status == 400).count();
    assert!(refused <= 4, "each of the first listings may ask once: {refused}");
}
