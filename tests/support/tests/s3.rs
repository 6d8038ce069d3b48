//! The S3 server, judged by Amazon's own client: what is right passes, what is wrong is refused.

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::RequestId as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, ChecksumMode, StorageClass};
use aws_smithy_http_client::{Builder, tls};
use recfetch_test_support::s3::{Permission, Token, WrongRegion};
use recfetch_test_support::store::Restore;
use recfetch_test_support::{Checksum, Handle, Keys, Object, Objects, S3Options, s3};

const ACCESS: &str = "AKIDEXAMPLE";
const SECRET: &str = "secret/key+with=signs";
const BUCKET: &str = "recordings";

fn options() -> S3Options {
    S3Options::new(BUCKET, Keys::new(ACCESS, SECRET))
}

async fn server(objects: &Objects, options: S3Options) -> Handle {
    s3::start(objects, options).await.expect("a free port")
}

struct Signing<'a> {
    secret: &'a str,
    token: Option<&'a str>,
    region: &'static str,
}

const RIGHT: Signing<'static> = Signing { secret: SECRET, token: None, region: "us-east-1" };

fn client(server: &Handle, signing: Signing<'_>) -> Client {
    let keys = Credentials::new(ACCESS, signing.secret, signing.token.map(str::to_owned), None, "test");
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(keys)
        .region(Region::from_static(signing.region))
        .endpoint_url(server.url())
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .http_client(http)
        .build();
    Client::from_conf(config)
}

/// The error code in the answer.
fn code<E: ProvideErrorMetadata>(error: &E) -> &str {
    error.code().unwrap_or("none")
}

async fn get_code(client: &Client, key: &str) -> String {
    let error = client.get_object().bucket(BUCKET).key(key).send().await.expect_err("refused");
    code(&error).to_owned()
}

fn reqwest_client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

#[tokio::test]
async fn a_signed_get_brings_bytes_etag_length_and_class() {
    let objects = Objects::new();
    objects.put("rec/a b+c=频道.ts", Object::new("hello").storage_class("STANDARD_IA"));
    let server = server(&objects, options()).await;
    let key = "rec/a b+c=频道.ts";
    let got = client(&server, RIGHT).get_object().bucket(BUCKET).key(key).send().await.expect("given");
    assert_eq!(got.content_length(), Some(5));
    assert_eq!(got.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(got.storage_class(), Some(&StorageClass::StandardIa));
    assert_eq!(got.content_range(), None);
    assert!(got.request_id().is_some());
    assert_eq!(got.body.collect().await.expect("whole").into_bytes(), "hello");
    assert_eq!(server.gets("频道.ts"), 1);
    assert_eq!(server.requests()[0].status, 200);
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_key_and_no_signature_are_refused() {
    let objects = Objects::new();
    objects.put("a.ts", "hello");
    let server = server(&objects, options()).await;
    let wrong = client(&server, Signing { secret: "wrong", ..RIGHT });
    assert_eq!(get_code(&wrong, "a.ts").await, "SignatureDoesNotMatch");
    let list = wrong.list_objects_v2().bucket(BUCKET).send().await.expect_err("refused");
    assert_eq!(code(&list), "SignatureDoesNotMatch");
    let mut other = options();
    other.keys = vec![Keys::new("SOMEBODY", SECRET)];
    let stranger = self::server(&objects, other).await;
    assert_eq!(get_code(&client(&stranger, RIGHT), "a.ts").await, "InvalidAccessKeyId");
    let url = format!("{}/{BUCKET}/a.ts", server.url());
    let anonymous = reqwest_client().get(&url).send().await.expect("answered");
    assert_eq!(anonymous.status(), 403);
    assert!(anonymous.text().await.expect("text").contains("<Code>AccessDenied</Code>"));
}

#[tokio::test]
async fn a_public_bucket_may_be_read_and_not_written_without_a_signature() {
    let objects = Objects::new();
    objects.put("a.ts", "hello");
    let public = S3Options { anonymous: Permission::Allowed, ..options() };
    let server = server(&objects, public).await;
    let http = reqwest_client();
    let url = format!("{}/{BUCKET}/a.ts", server.url());
    assert_eq!(http.get(&url).send().await.expect("answered").text().await.expect("text"), "hello");
    assert_eq!(http.put(&url).body("bye").send().await.expect("answered").status(), 403);
    // Virtual-host style, by the Host header.
    let url = format!("{}/a.ts", server.url());
    let host = format!("{BUCKET}.s3.localhost:{}", server.port());
    let got = http.get(&url).header("host", host).send().await.expect("answered");
    assert_eq!(got.text().await.expect("text"), "hello");
}

#[tokio::test]
async fn ranges_and_conditions_are_kept() {
    let objects = Objects::new();
    let object = Object::new("0123456789").with_checksum(Checksum::Crc64Nvme);
    let etag = object.etag();
    objects.put("a.ts", object);
    let server = server(&objects, options()).await;
    let client = client(&server, RIGHT);
    let get = || client.get_object().bucket(BUCKET).key("a.ts");
    let part = get().range("bytes=3-5").if_match(&etag).checksum_mode(ChecksumMode::Enabled).send().await;
    let part = part.expect("given");
    assert_eq!(part.content_range(), Some("bytes 3-5/10"));
    assert_eq!(part.checksum_crc64_nvme(), None, "a part has no checksum of the whole");
    assert_eq!(part.body.collect().await.expect("whole").into_bytes(), "345");
    let outside = get().range("bytes=10-").send().await.expect_err("refused");
    assert_eq!(code(&outside), "InvalidRange");
    let changed = get().if_match("\"00000000000000000000000000000000\"").send().await.expect_err("refused");
    assert_eq!(code(&changed), "PreconditionFailed");
    assert_eq!(changed.raw_response().map(|raw| raw.status().as_u16()), Some(412));
    let same = get().if_none_match(&etag).send().await.expect_err("not modified");
    assert_eq!(same.raw_response().map(|raw| raw.status().as_u16()), Some(304));
    let ranges: Vec<_> = server.requests().into_iter().filter_map(|request| request.range).collect();
    assert_eq!(ranges, ["bytes=3-5", "bytes=10-"]);
}

#[tokio::test]
async fn checksums_are_told_only_when_asked_and_a_wrong_one_is_noticed() {
    let objects = Objects::new();
    let object = Object::new("123456789").with_checksum(Checksum::Crc64Nvme).with_checksum(Checksum::Sha256);
    objects.put("right.ts", object);
    objects
        .put("wrong.ts", Object::new("123456789").with_checksum_value(Checksum::Crc64Nvme, "AAAAAAAAAAA="));
    let server = server(&objects, options()).await;
    let client = client(&server, RIGHT);
    let get = |key: &str| client.get_object().bucket(BUCKET).key(key).checksum_mode(ChecksumMode::Enabled);
    let right = get("right.ts").send().await.expect("given");
    assert_eq!(right.checksum_crc64_nvme(), Some("rosUhgp5mIg="));
    assert_eq!(right.checksum_type().map(|kind| kind.as_str()), Some("FULL_OBJECT"));
    assert_eq!(right.body.collect().await.expect("verified by the client").into_bytes(), "123456789");
    let wrong = get("wrong.ts").send().await.expect("given");
    assert!(wrong.body.collect().await.is_err(), "the client saw no wrong checksum");
    let head = client.head_object().bucket(BUCKET).key("right.ts");
    let asked = head.clone().checksum_mode(ChecksumMode::Enabled).send().await.expect("given");
    assert_eq!(asked.checksum_crc64_nvme(), Some("rosUhgp5mIg="));
    assert_eq!(head.send().await.expect("given").checksum_crc64_nvme(), None);
    let unasked =
        reqwest_client().get(presigned(&client, "right.ts", 60, 0).await).send().await.expect("given");
    assert!(unasked.headers().keys().all(|name| !name.as_str().starts_with("x-amz-checksum")));
}

#[tokio::test]
async fn an_archived_object_is_refused_until_it_is_restored() {
    let objects = Objects::new();
    objects.put("a.ts", Object::new("hello").storage_class("DEEP_ARCHIVE"));
    let server = server(&objects, options()).await;
    let client = client(&server, RIGHT);
    assert_eq!(get_code(&client, "a.ts").await, "InvalidObjectState");
    objects.change("a.ts", |object| object.restored(Restore::Running));
    assert_eq!(get_code(&client, "a.ts").await, "InvalidObjectState");
    let head = || client.head_object().bucket(BUCKET).key("a.ts").send();
    assert_eq!(head().await.expect("told").restore(), Some("ongoing-request=\"true\""));
    objects.change("a.ts", |object| object.restored(Restore::Until(1_800_000_000)));
    let told = head().await.expect("told");
    assert_eq!(told.storage_class(), Some(&StorageClass::DeepArchive));
    let want = "ongoing-request=\"false\", expiry-date=\"Fri, 15 Jan 2027 08:00:00 GMT\"";
    assert_eq!(told.restore(), Some(want));
    assert!(client.get_object().bucket(BUCKET).key("a.ts").send().await.is_ok());
}

#[tokio::test]
async fn kms_objects_have_an_etag_that_is_no_md5() {
    let objects = Objects::new();
    objects.put("a.ts", Object::new("hello").with_kms());
    let server = server(&objects, options()).await;
    let head = client(&server, RIGHT).head_object().bucket(BUCKET).key("a.ts").send().await.expect("told");
    assert_eq!(head.server_side_encryption().map(|kind| kind.as_str()), Some("aws:kms"));
    assert_ne!(head.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
}

#[tokio::test]
async fn a_listing_is_complete_page_by_page() {
    let objects = Objects::new();
    for n in 0..25 {
        objects.put(format!("rec/{n:02}.ts"), format!("{n}"));
        objects.put(format!("rec/sub{}/{n:02}.ts", n % 3), "x");
    }
    objects.put("rec/频 道&<>.ts", "x");
    objects.put("other.ts", "x");
    let server = server(&objects, S3Options { page_size: 4, ..options() }).await;
    let client = client(&server, RIGHT);
    for (prefix, delimiter) in
        [("rec/", None), ("rec/", Some("/")), ("", Some("/")), ("", None), ("none", None)]
    {
        let list = client
            .list_objects_v2()
            .bucket(BUCKET)
            .prefix(prefix)
            .set_delimiter(delimiter.map(str::to_owned));
        let mut pages = list.into_paginator().send();
        let (mut keys, mut folders) = (Vec::new(), Vec::new());
        while let Some(page) = pages.next().await {
            let page = page.expect("a page");
            assert!(page.key_count().unwrap_or(0) <= 4);
            keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            folders.extend(page.common_prefixes().iter().filter_map(|one| one.prefix().map(str::to_owned)));
        }
        let below = |key: &String| key.strip_prefix(prefix).map(str::to_owned);
        let flat = |key: &String| delimiter.is_none_or(|d| below(key).is_some_and(|rest| !rest.contains(d)));
        let want: Vec<_> =
            objects.keys().into_iter().filter(|key| below(key).is_some() && flat(key)).collect();
        assert_eq!(keys, want, "{prefix} {delimiter:?}");
        let want: &[&str] = match (prefix, delimiter) {
            ("rec/", Some(_)) => &["rec/sub0/", "rec/sub1/", "rec/sub2/"],
            ("", Some(_)) => &["rec/"],
            _ => &[],
        };
        assert_eq!(folders, want, "{prefix} {delimiter:?}");
    }
    let one = client.list_objects_v2().bucket(BUCKET).prefix("rec/07").send().await.expect("a page");
    let one = &one.contents()[0];
    assert_eq!((one.size(), one.e_tag()), (Some(1), Some("\"8f14e45fceea167a5a36dedd4bea2543\"")));
    assert_eq!(one.storage_class().map(|class| class.as_str()), Some("STANDARD"));
}

async fn presigned(client: &Client, key: &str, seconds: u64, seconds_ago: u64) -> String {
    let config = PresigningConfig::builder()
        .start_time(SystemTime::now() - Duration::from_secs(seconds_ago))
        .expires_in(Duration::from_secs(seconds))
        .build()
        .expect("a time");
    let request = client.get_object().bucket(BUCKET).key(key).presigned(config).await.expect("signed");
    request.uri().to_owned()
}

#[tokio::test]
async fn a_presigned_url_works_until_it_expires_and_only_as_it_was_signed() {
    let objects = Objects::new();
    objects.put("a.ts", "hello");
    objects.put("b.ts", "other");
    let server = server(&objects, options()).await;
    let client = client(&server, RIGHT);
    let http = reqwest_client();
    let fresh = presigned(&client, "a.ts", 60, 0).await;
    assert_eq!(http.get(&fresh).send().await.expect("answered").text().await.expect("text"), "hello");
    let old = http.get(presigned(&client, "a.ts", 60, 120).await).send().await.expect("answered");
    assert_eq!(old.status(), 403);
    assert!(old.text().await.expect("text").contains("expired"));
    let moved = http.get(fresh.replace("a.ts", "b.ts")).send().await.expect("answered");
    assert_eq!(moved.status(), 403);
    assert!(moved.text().await.expect("text").contains("SignatureDoesNotMatch"));
}

#[tokio::test]
async fn a_request_for_another_region_is_told_the_right_one() {
    let objects = Objects::new();
    objects.put("a.ts", "hello");
    let there = S3Options { region: Some("eu-west-1".to_owned()), ..options() };
    let server = server(&objects, there.clone()).await;
    let wrong = client(&server, RIGHT);
    assert_eq!(get_code(&wrong, "a.ts").await, "AuthorizationHeaderMalformed");
    let url = presigned(&wrong, "a.ts", 60, 0).await;
    let body = reqwest_client().get(url).send().await.expect("answered").text().await.expect("text");
    assert!(body.contains("<Code>AuthorizationQueryParametersError</Code>"), "{body}");
    assert!(body.contains("<Region>eu-west-1</Region>"), "{body}");
    let location = wrong.get_bucket_location().bucket(BUCKET).send().await.expect("anyone may ask");
    assert_eq!(location.location_constraint(), Some(&BucketLocationConstraint::EuWest1));
    let right = client(&server, Signing { region: "eu-west-1", ..RIGHT });
    assert!(right.get_object().bucket(BUCKET).key("a.ts").send().await.is_ok());

    let redirecting =
        self::server(&objects, S3Options { wrong_region: WrongRegion::Redirect, ..there }).await;
    let wrong = client(&redirecting, RIGHT);
    let error = wrong.get_object().bucket(BUCKET).key("a.ts").send().await.expect_err("redirected");
    assert_eq!(code(&error), "PermanentRedirect");
    let raw = error.raw_response().expect("an answer");
    assert_eq!((raw.status().as_u16(), raw.headers().get("x-amz-bucket-region")), (301, Some("eu-west-1")));
}

#[tokio::test]
async fn tokens_are_required_compared_and_expire() {
    let objects = Objects::new();
    objects.put("a.ts", "hello");
    let with = |token| {
        let mut options = options();
        options.keys[0].token = token;
        options
    };
    let required = server(&objects, with(Token::Required("token".to_owned()))).await;
    for (token, want) in
        [(Some("token"), None), (Some("other"), Some("InvalidToken")), (None, Some("InvalidAccessKeyId"))]
    {
        let client = client(&required, Signing { token, ..RIGHT });
        let got = client.get_object().bucket(BUCKET).key("a.ts").send().await;
        assert_eq!(got.as_ref().err().map(code), want, "{token:?}");
    }
    let expired = server(&objects, with(Token::Expired)).await;
    let client = client(&expired, Signing { token: Some("token"), ..RIGHT });
    assert_eq!(get_code(&client, "a.ts").await, "ExpiredToken");
}

#[tokio::test]
async fn a_clock_that_is_off_by_more_than_fifteen_minutes_is_refused() {
    let objects = Objects::new();
    objects.put("a.ts", "hello");
    for (ahead, refused) in [(0, false), (600, false), (3600, true), (-3600, true)] {
        let server = server(&objects, S3Options { clock_ahead: ahead, ..options() }).await;
        let got = client(&server, RIGHT).get_object().bucket(BUCKET).key("a.ts").send().await;
        let want = refused.then_some("RequestTimeTooSkewed");
        assert_eq!(got.as_ref().err().map(code), want, "{ahead}");
    }
}

#[tokio::test]
async fn permissions_to_list_and_to_read_are_apart() {
    let objects = Objects::new();
    objects.put("a.ts", "hello");
    let mut no_list = options();
    no_list.keys[0].list = Permission::Denied;
    let server = server(&objects, no_list).await;
    let client = client(&server, RIGHT);
    let list = client.list_objects_v2().bucket(BUCKET).send().await.expect_err("refused");
    assert_eq!(code(&list), "AccessDenied");
    assert!(client.get_object().bucket(BUCKET).key("a.ts").send().await.is_ok());
    assert_eq!(get_code(&client, "missing.ts").await, "AccessDenied");

    let mut no_read = options();
    no_read.keys[0].read = Permission::Denied;
    let server = self::server(&objects, no_read).await;
    let client = self::client(&server, RIGHT);
    assert!(client.list_objects_v2().bucket(BUCKET).send().await.is_ok());
    assert_eq!(get_code(&client, "a.ts").await, "AccessDenied");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = server(&Objects::new(), options()).await;
    let client = client(&server, RIGHT);
    assert_eq!(get_code(&client, "a.ts").await, "NoSuchKey");
    let head = client.head_object().bucket(BUCKET).key("a.ts").send().await.expect_err("missing");
    assert!(head.into_service_error().is_not_found());
    let other = client.list_objects_v2().bucket("elsewhere").send().await.expect_err("missing");
    assert_eq!(code(&other), "NoSuchBucket");
}

#[tokio::test]
async fn what_is_put_can_be_got() {
    let objects = Objects::new();
    let server = server(&objects, options()).await;
    let client = client(&server, RIGHT);
    let body = ByteStream::from_static(b"hello");
    let put = client.put_object().bucket(BUCKET).key("n/a.ts").body(body).send().await.expect("taken");
    assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(objects.get("n/a.ts").expect("there").bytes(), "hello");
    let bad = client.put_object().bucket(BUCKET).key("b.ts").body(ByteStream::from_static(b"hello"));
    let bad = bad.content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await.expect_err("refused");
    assert_eq!(code(&bad), "BadDigest");
    assert!(objects.get("b.ts").is_none());
}

#[tokio::test]
async fn an_object_of_two_gigabytes_is_served_without_being_held() {
    let objects = Objects::new();
    let object = Object::pattern(2 << 30, 5);
    let tail: Vec<u8> = object.chunks((2 << 30) - 100..2 << 30).flat_map(|c| c.expect("made up")).collect();
    objects.put("big.bin", object);
    let server = server(&objects, options()).await;
    let client = client(&server, RIGHT);
    let head = client.head_object().bucket(BUCKET).key("big.bin").send().await.expect("told");
    assert_eq!(head.content_length(), Some(2 << 30));
    let got =
        client.get_object().bucket(BUCKET).key("big.bin").range("bytes=-100").send().await.expect("given");
    assert_eq!(got.body.collect().await.expect("whole").into_bytes(), tail);
}

#[tokio::test]
async fn a_dropped_handle_stops_the_server() {
    let server = server(&Objects::new(), options()).await;
    let url = server.url();
    let http = reqwest_client();
    assert_eq!(http.get(&url).send().await.expect("answered").status(), 403);
    drop(server);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let gone = http.get(&url).send().await.expect_err("nobody there");
    assert!(gone.is_connect(), "{:?}", gone.source());
}
