//! Every way in which a place does not serve, told apart, and nothing secret in any word about it.

use std::time::Duration;

use recfetch::domain::place::{Denial, Obstacle};
use recfetch::source::{Error, HttpOptions, HttpSource, Operation, Read, Source};
use recfetch_test_support::{Fault, Faults, Handle, Object, Objects, Script, WebOptions, fault, web};
use url::Url;

use super::makers::{closed_port, key, name};
use super::secrets::{QUERY_SECRET, words_of};

fn objects() -> Objects {
    let objects = Objects::new();
    objects.put("a/x.ts", &b"0123456789"[..]);
    objects
}

/// Opens, asks about and (where it can) lists; `HEAD` answers have no body, so they may know less.
async fn errors_of(source: &dyn Source) -> [Error; 2] {
    let opened = source.open(&key("a/x.ts"), Read::default()).await.expect_err("refused");
    let stat = source.stat(&key("a/x.ts")).await.expect_err("refused");
    assert_eq!((opened.target.as_str(), opened.from.as_str()), ("a/x.ts", "place"));
    [opened, stat]
}

fn web_source(base: &str) -> HttpSource {
    let base = Url::parse(base).unwrap();
    let mut presigned = base.join("a/x.ts").unwrap();
    presigned.set_query(Some(&format!("X-Amz-Signature={QUERY_SECRET}&token={QUERY_SECRET}")));
    let options = HttpOptions {
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_millis(400),
        ..HttpOptions::default()
    };
    HttpSource::new(name(), base, &options).unwrap().with_presigned(key("a/x.ts"), presigned)
}

async fn faulty(fault: Fault) -> (Handle, Handle) {
    let behind = web::start(&objects()).await.unwrap();
    let script = Script::always(fault);
    let faults = Faults::new().on("x.ts", script.clone()).on_head("x.ts", script);
    let proxy = fault::start(&behind.url(), &faults).await.unwrap();
    (proxy, behind)
}

#[tokio::test]
async fn what_a_web_server_answers_is_told_apart() {
    let status = |code, after| Fault::Status(code, after, "words".to_owned());
    for (fault, expected, wait) in [
        (status(404, None), Obstacle::Absent, None),
        (status(410, None), Obstacle::Absent, None),
        (status(401, None), Obstacle::Denied(Denial::Anonymous), None),
        (status(403, None), Obstacle::Denied(Denial::NotAllowed), None),
        (status(429, Some(7)), Obstacle::Throttled, Some(7)),
        (status(503, Some(120)), Obstacle::Throttled, Some(120)),
        (status(503, None), Obstacle::Throttled, None),
        (status(500, None), Obstacle::Unreachable, None),
        (status(504, None), Obstacle::Unreachable, None),
        (status(418, None), Obstacle::Unexpected, None),
        (Fault::HeaderGarbage, Obstacle::Unreachable, None),
        (Fault::Stall(0), Obstacle::Unreachable, None),
    ] {
        let text = format!("{fault:?}");
        let (proxy, _behind) = faulty(fault).await;
        let source = web_source(&proxy.url());
        let error = match source.open(&key("a/x.ts"), Read::default()).await {
            Err(error) => error,
            // The headers came; the body does not.
            Ok(mut opened) => opened.body.next().await.expect(&text).expect_err(&text),
        };
        assert_eq!(error.obstacle, expected, "{text}: {error}");
        assert_eq!(error.retry_after, wait.map(Duration::from_secs), "{text}");
        assert_eq!(error.operation, Operation::Read);
        clean(&error);
    }
}

#[tokio::test]
async fn an_archive_is_not_a_refusal_and_a_refusal_is_not_an_absence() {
    for (fault, expected) in [
        (Fault::NotFound, Obstacle::Absent),
        (Fault::Denied, Obstacle::Denied(Denial::NotAllowed)),
        (Fault::SlowDown, Obstacle::Throttled),
    ] {
        let (proxy, _behind) = faulty(fault).await;
        for error in errors_of(&web_source(&proxy.url())).await {
            assert_eq!(error.obstacle, expected, "{error}");
            clean(&error);
        }
    }
    let (proxy, _behind) = faulty(Fault::Archived).await;
    let [opened, stat] = errors_of(&web_source(&proxy.url())).await;
    assert!(matches!(opened.obstacle, Obstacle::Frozen { .. }), "{opened}");
    clean(&opened);
    clean(&stat);
}

#[tokio::test]
async fn a_body_that_is_cut_is_an_error_and_never_an_end() {
    for fault in [Fault::Cut(4), Fault::Reset(4), Fault::Stall(4)] {
        let text = format!("{fault:?}");
        let (proxy, _behind) = faulty(fault).await;
        let source = web_source(&proxy.url());
        let mut opened = source.open(&key("a/x.ts"), Read::default()).await.unwrap();
        let mut bytes = Vec::new();
        let error = loop {
            match opened.body.next().await.unwrap_or_else(|| panic!("{text}: an end after {bytes:?}")) {
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(error) => break error,
            }
        };
        assert_eq!(error.obstacle, Obstacle::Unreachable, "{text}: {error}");
        assert!(b"0123".starts_with(&bytes), "{text}: {bytes:?}");
        clean(&error);
    }
}

#[tokio::test]
async fn a_range_is_never_believed_blindly() {
    let objects = objects();
    let behind = web::start(&objects).await.unwrap();
    let etag = web_source(&behind.url()).stat(&key("a/x.ts")).await.unwrap().etag;
    for (fault, if_match, expected) in [
        (Fault::WrongRange, etag.as_ref(), Err(Obstacle::Changed)),
        (Fault::IgnoreRange, etag.as_ref(), Ok("6789")),
        // Without a tag nobody knows that it is the same object.
        (Fault::IgnoreRange, None, Err(Obstacle::Changed)),
    ] {
        let text = format!("{fault:?}");
        let faults = Faults::new().on("x.ts", Script::always(fault)).with_objects(&objects);
        let proxy = fault::start(&behind.url(), &faults).await.unwrap();
        let answer =
            web_source(&proxy.url()).open(&key("a/x.ts"), Read { from: 6, until: None, if_match }).await;
        match (answer, expected) {
            (Err(error), Err(obstacle)) => assert_eq!(error.obstacle, obstacle, "{text}: {error}"),
            (Ok(mut opened), Ok(bytes)) => {
                let mut got = Vec::new();
                while let Some(chunk) = opened.body.next().await {
                    got.extend_from_slice(&chunk.unwrap());
                }
                assert_eq!(got, bytes.as_bytes(), "{text}");
            }
            (answer, expected) => panic!("{text}: {answer:?}, expected {expected:?}"),
        }
    }
}

#[tokio::test]
async fn a_place_that_is_not_there_is_unreachable() {
    for base in [format!("http://127.0.0.1:{}/", closed_port()), "http://nohost.invalid/".to_owned()] {
        for error in errors_of(&web_source(&base)).await {
            assert_eq!(error.obstacle, Obstacle::Unreachable, "{error}");
            assert!(error.cause.is_some());
            clean(&error);
        }
    }
}

#[tokio::test]
async fn a_password_in_a_url_is_used_and_never_shown() {
    let authorization = Some("Basic dXNlcjpwYXNzLVMzY3IzdA==".to_owned());
    let options = WebOptions { authorization, ..WebOptions::default() };
    let server = web::start_with(&objects(), options).await.unwrap();
    let with = |user: &str| Url::parse(&server.url().replace("//", &format!("//{user}@"))).unwrap();
    let source = |user| HttpSource::new(name(), with(user), &HttpOptions::default()).unwrap();
    let good = source("user:pass-S3cr3t");
    assert_eq!(good.stat(&key("a/x.ts")).await.unwrap().size, Some(10));
    assert!(!good.describe().contains("S3cr3t"), "{}", good.describe());
    let error = source("user:other-S3cr3t").stat(&key("a/x.ts")).await.unwrap_err();
    assert_eq!(error.obstacle, Obstacle::Denied(Denial::Anonymous));
    assert!(!words_of(&error).contains("S3cr3t"), "{}", words_of(&error));
    let spec = recfetch::source::StoreSpec {
        name: name(),
        place: recfetch::source::Place::Http { url: with("user:pass-S3cr3t") },
        prefix: None,
        http: HttpOptions::default(),
    };
    assert!(!format!("{spec:?}").contains("S3cr3t"), "{spec:?}");
    let target = recfetch::engine::Target::parse(with("user:pass-S3cr3t").join("a/x.m3u8").unwrap().as_str());
    assert!(!format!("{target:?}").contains("S3cr3t"), "{target:?}");
}

/// No URL, signature or secret in anything that the error or its causes can be made to print.
fn clean(error: &Error) {
    let words = words_of(error);
    for secret in [QUERY_SECRET, "X-Amz-Signature", "X-Amz-Credential=", "http://", "https://"] {
        assert!(!words.contains(secret), "`{secret}` in: {words}");
    }
}

mod kodo {
    use recfetch::domain::digest::Algorithm;
    use recfetch::source::{Credentials, KodoPlace};
    use recfetch_test_support::KodoOptions;
    use recfetch_test_support::kodo::{Access, Domains, Md5, Tags};
    use recfetch_test_support::store::Restore;

    use super::*;
    use crate::makers::kodo::{SECRET, connect, keys, options, place, start};

    /// What one server says to reading, asking and listing.
    async fn answers(options: KodoOptions, change: impl FnOnce(&mut KodoPlace)) -> [Error; 3] {
        let server = start(&objects(), options).await;
        all(&server.url(), change).await
    }

    async fn all(url: &str, change: impl FnOnce(&mut KodoPlace)) -> [Error; 3] {
        let mut place = place(url);
        change(&mut place);
        assert!(!format!("{place:?}").contains(SECRET));
        let source = connect(place);
        assert!(!source.describe().contains(SECRET));
        let [opened, stat] = errors_of(&source).await;
        let listed = source.list("a/", None).await.expect_err("refused");
        for error in [&opened, &stat, &listed] {
            clean(error);
            for secret in [SECRET, "token=", "Qiniu "] {
                assert!(!words_of(error).contains(secret), "{}", words_of(error));
            }
        }
        [opened, stat, listed]
    }

    fn with_domain(url: &str) -> KodoPlace {
        KodoPlace { domains: vec![Url::parse(url).unwrap()], ..place(url) }
    }

    #[tokio::test]
    async fn refusals_say_why() {
        for error in answers(options(), |place| place.credentials = keys("another")).await {
            assert_eq!(error.obstacle, Obstacle::Denied(Denial::WrongSecret), "{error}");
        }
        for ahead in [-3600, 3600] {
            let late = KodoOptions { clock_ahead: ahead, ..options() };
            for error in answers(late, |_| ()).await {
                assert_eq!(error.obstacle, Obstacle::Denied(Denial::ClockSkew), "{ahead} {error}");
            }
        }
        for error in answers(options(), |place| place.bucket = "nobodys".to_owned()).await {
            assert_eq!(error.obstacle, Obstacle::NoSuchBucket, "{error}");
        }
        // Without keys a private bucket gives nothing, and lists for nobody.
        let server = start(&objects(), options()).await;
        let mut anonymous = with_domain(&server.url());
        anonymous.credentials = Credentials::Anonymous;
        let source = connect(anonymous);
        for error in errors_of(&source).await {
            assert_eq!(error.obstacle, Obstacle::Denied(Denial::Anonymous), "{error}");
        }
        assert_eq!(source.list("", None).await.unwrap_err().obstacle, Obstacle::Unsupported);
        let chain = KodoPlace { credentials: Credentials::Chain { profile: None }, ..place("http://h") };
        let error =
            recfetch::source::KodoSource::connect(name(), chain, &HttpOptions::default()).err().unwrap();
        assert_eq!(error.obstacle, Obstacle::Denied(Denial::Anonymous));
    }

    #[tokio::test]
    async fn a_domain_that_gives_another_clock_the_blame_is_told_from_a_wrong_secret() {
        let server = start(&objects(), KodoOptions { clock_ahead: 3600, ..options() }).await;
        let source = connect(with_domain(&server.url()));
        let error = source.open(&key("a/x.ts"), Read::default()).await.unwrap_err();
        assert_eq!(error.obstacle, Obstacle::Denied(Denial::ClockSkew), "{error}");
    }

    #[tokio::test]
    async fn the_first_domain_that_answers_is_used_from_then_on() {
        let (first, second) = (start(&objects(), options()).await, start(&objects(), options()).await);
        let url = |url: &str| Url::parse(url).unwrap();
        let gone = format!("http://127.0.0.1:{}", closed_port());
        let mut place = place(&first.url());
        place.domains = vec![url(&gone), url(&second.url()), url(&first.url())];
        let source = connect(place);
        for _ in 0..3 {
            source.open(&key("a/x.ts"), Read::default()).await.unwrap();
        }
        assert_eq!((second.gets("x.ts"), first.gets("x.ts")), (3, 0));
        // An object that is absent there is absent: a domain that answers is the bucket's.
        assert_eq!(source.open(&key("b.ts"), Read::default()).await.unwrap_err().obstacle, Obstacle::Absent);
        assert_eq!(first.gets("b.ts"), 0);
    }

    #[tokio::test]
    async fn an_account_without_a_domain_that_answers_says_so() {
        let named = |names: &[&str]| Domains::Named(names.iter().map(|name| (*name).to_owned()).collect());
        let gone = format!("127.0.0.1:{}", closed_port());
        for (domains, obstacle) in [
            (named(&[]), Obstacle::Unsupported),
            (named(&[".example.com", ""]), Obstacle::Unsupported),
            (named(&[&gone]), Obstacle::Unreachable),
            (named(&["x.bkt.nohost.invalid", &gone]), Obstacle::Unreachable),
        ] {
            let server = start(&objects(), KodoOptions { domains, ..options() }).await;
            let source = connect(place(&server.url()));
            let error = source.open(&key("a/x.ts"), Read::default()).await.unwrap_err();
            assert_eq!(error.obstacle, obstacle, "{error}");
            assert!(error.to_string().contains("no domain is bound to the bucket"), "{error}");
            clean(&error);
            // Facts and listings need none.
            assert_eq!(source.stat(&key("a/x.ts")).await.unwrap().size, Some(10));
            assert_eq!(source.list("a/", None).await.unwrap().objects.len(), 1);
        }
        // The account is asked once.
        let server = start(&objects(), options()).await;
        let source = connect(place(&server.url()));
        for _ in 0..3 {
            source.open(&key("a/x.ts"), Read::default()).await.unwrap();
        }
        assert_eq!(server.gets("/v2/domains"), 1);
    }

    #[tokio::test]
    async fn an_archived_object_is_frozen_until_it_is_restored() {
        for class in ["archive", "deep archive"] {
            let objects = objects();
            objects.change("a/x.ts", |object: Object| object.storage_class(class));
            let server = start(&objects, options()).await;
            let source = connect(place(&server.url()));
            let error = source.open(&key("a/x.ts"), Read::default()).await.unwrap_err();
            assert!(matches!(error.obstacle, Obstacle::Frozen { .. }), "{error}");
            clean(&error);
            assert_eq!(source.stat(&key("a/x.ts")).await.unwrap().class.as_deref(), Some(class));
            let page = source.list("a/", None).await.unwrap();
            assert_eq!(page.objects[0].class.as_deref(), Some(class));
            objects.change("a/x.ts", |object| object.restored(Restore::Until(4_000_000_000)));
            assert!(source.open(&key("a/x.ts"), Read::default()).await.is_ok());
        }
    }

    #[tokio::test]
    async fn what_is_vouched_for_is_the_hash_where_it_can_be_compared() {
        let objects = objects();
        objects.put("a/parts.ts", Object::new("0123456789").with_etag("nieGn00gWdbfwEIHaUpzu4drHeun"));
        let digests = async |tags, md5, name: &str| {
            let server = start(&objects, KodoOptions { tags, md5, page_size: 1000, ..options() }).await;
            let source = connect(place(&server.url()));
            let opened = source.open(&key(name), Read::default()).await.unwrap().info;
            let stat = source.stat(&key(name)).await.unwrap();
            let page = source.list(name, None).await.unwrap();
            [opened, stat, page.objects[0].clone()]
                .map(|info| info.digests.iter().map(|d| d.algorithm()).collect::<Vec<_>>())
        };
        let qetag = || vec![Algorithm::Qetag];
        assert_eq!(digests(Tags::Hash, Md5::Untold, "a/x.ts").await, [qetag(), qetag(), qetag()]);
        assert_eq!(digests(Tags::Hidden, Md5::Untold, "a/x.ts").await, [vec![], qetag(), qetag()]);
        assert_eq!(digests(Tags::Hash, Md5::Untold, "a/parts.ts").await, [vec![], vec![], vec![]]);
        let md5 = || vec![Algorithm::Md5];
        assert_eq!(digests(Tags::Hash, Md5::Told, "a/parts.ts").await, [vec![], md5(), md5()]);
    }

    #[tokio::test]
    async fn throttling_and_silence_are_temporary_and_nonsense_is_not() {
        let behind = start(&objects(), options()).await;
        let status = |code| Fault::Status(code, Some(9), "{\"error\":\"slow down\"}".to_owned());
        for (fault, expected) in [
            (status(573), Obstacle::Throttled),
            (status(503), Obstacle::Throttled),
            (status(599), Obstacle::Unreachable),
            (Fault::HeaderGarbage, Obstacle::Unreachable),
            (Fault::Html, Obstacle::Unexpected),
        ] {
            let text = format!("{fault:?}");
            let script = Script::always(fault);
            let faults = Faults::new().on("x.ts", script.clone()).on_list(script);
            let proxy = fault::start(&behind.url(), &faults).await.unwrap();
            let source = connect(place(&proxy.url()));
            let listed = source.list("a/", None).await.unwrap_err();
            assert_eq!(listed.obstacle, expected, "{text}: {listed}");
            clean(&listed);
            if text != "Html" {
                let opened = source.open(&key("a/x.ts"), Read::default()).await.unwrap_err();
                assert_eq!(opened.obstacle, expected, "{text}: {opened}");
                clean(&opened);
            }
        }
        for error in all(&format!("http://127.0.0.1:{}", closed_port()), |_| ()).await {
            assert_eq!(error.obstacle, Obstacle::Unreachable, "{error}");
        }
    }

    #[cfg(feature = "s3")]
    #[tokio::test]
    async fn keys_of_a_command_are_asked_for_again_only_when_they_run_out() {
        let server = start(&objects(), options()).await;
        let dir = tempfile::tempdir().unwrap();
        let (log, access) = (dir.path().join("calls"), crate::makers::kodo::ACCESS);
        for (expiration, calls) in [("2099-01-01T00:00:00Z", 1), ("2001-01-01T00:00:00Z", 3)] {
            let printed = format!(
                "{{\"Version\":1,\"AccessKeyId\":\"{access}\",\"SecretAccessKey\":\"{SECRET}\",\
                 \"Expiration\":\"{expiration}\"}}"
            );
            let command = format!("echo x >> '{}'; printf '%s' '{printed}'", log.display());
            let _ = std::fs::remove_file(&log);
            let place = KodoPlace { credentials: Credentials::Command(command), ..place(&server.url()) };
            let source = connect(place);
            for _ in 0..3 {
                let answer = source.stat(&key("a/x.ts")).await;
                // Keys that have run out may be refused before they are used.
                assert!(answer.is_ok() || calls == 3, "{answer:?}");
            }
            let asked = std::fs::read_to_string(&log).unwrap().lines().count();
            assert_eq!(asked, calls, "{expiration}");
        }
        let place =
            KodoPlace { credentials: Credentials::Command("exit 1".to_owned()), ..place(&server.url()) };
        let error = connect(place).stat(&key("a/x.ts")).await.unwrap_err();
        assert_eq!(error.obstacle, Obstacle::Denied(Denial::Anonymous), "{error}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_with_a_token() {
        let elsewhere = web::start(&objects()).await.unwrap();
        for (access, followed) in [(Access::Private, false), (Access::Public, true)] {
            let behind = start(&objects(), KodoOptions { access, ..options() }).await;
            let to = format!("{}/a/x.ts", elsewhere.url());
            let faults = Faults::new().on("x.ts", Script::always(Fault::Redirect(to, 302)));
            let proxy = fault::start(&behind.url(), &faults).await.unwrap();
            let mut place = with_domain(&proxy.url());
            if access == Access::Public {
                place.credentials = Credentials::Anonymous;
            }
            elsewhere.forget();
            let answer = connect(place).open(&key("a/x.ts"), Read::default()).await;
            assert_eq!(answer.is_ok(), followed, "{access:?}");
            assert_eq!(elsewhere.gets("x.ts"), usize::from(followed));
        }
    }
}

#[cfg(feature = "s3")]
mod s3 {
    use recfetch::source::{Credentials, S3Place, Secret};
    use recfetch_test_support::s3::{Permission, Token, WrongRegion};
    use recfetch_test_support::{Keys, S3Options, s3};

    use super::*;
    use crate::makers::s3::{BUCKET, SECRET, connect, keys, options, place};

    /// What one server says to reading, asking and listing.
    async fn answers(options: S3Options, change: impl FnOnce(&mut S3Place)) -> [Error; 3] {
        let objects = objects();
        objects.change("a/x.ts", |object| object.storage_class("STANDARD"));
        let server = s3::start(&objects, options).await.unwrap();
        all(&server.url(), change).await
    }

    async fn all(endpoint: &str, change: impl FnOnce(&mut S3Place)) -> [Error; 3] {
        let mut place = place(endpoint);
        change(&mut place);
        assert!(!format!("{place:?}").contains(SECRET));
        let source = connect(place).await;
        assert!(!source.describe().contains(SECRET));
        let [opened, stat] = errors_of(&source).await;
        let listed = source.list("a/", None).await.expect_err("refused");
        for error in [&opened, &stat, &listed] {
            clean(error);
            assert!(!words_of(error).contains(SECRET), "{}", words_of(error));
        }
        [opened, stat, listed]
    }

    #[tokio::test]
    async fn refusals_say_why() {
        let with_token = |token| {
            let mut options = options();
            options.keys[0].token = token;
            options
        };
        let mut denied = options();
        (denied.keys[0].read, denied.keys[0].list) = (Permission::Denied, Permission::Denied);
        let wrong_secret = S3Options { ..S3Options::new(BUCKET, Keys::new("AKIDEXAMPLE", "another")) };
        let unknown = S3Options { ..S3Options::new(BUCKET, Keys::new("AKIDOTHER", SECRET)) };
        let late = S3Options { clock_ahead: -3600, ..options() };
        for (options, expected) in [
            (denied, Denial::NotAllowed),
            (wrong_secret, Denial::WrongSecret),
            (unknown, Denial::UnknownKey),
            (with_token(Token::Expired), Denial::Expired),
            (late, Denial::ClockSkew),
        ] {
            let [opened, stat, listed] = answers(options, |_| ()).await;
            assert_eq!(opened.obstacle, Obstacle::Denied(expected), "{opened}");
            assert_eq!(listed.obstacle, Obstacle::Denied(expected), "{listed}");
            // A HEAD has no body to say why.
            assert!(matches!(stat.obstacle, Obstacle::Denied(_) | Obstacle::Unexpected), "{stat}");
            assert_eq!(listed.operation, Operation::List);
        }
        let [opened, _, listed] =
            answers(options(), |place| place.credentials = Credentials::Anonymous).await;
        assert_eq!(opened.obstacle, Obstacle::Denied(Denial::NotAllowed), "{opened}");
        assert_eq!(listed.obstacle, Obstacle::Denied(Denial::NotAllowed), "{listed}");
    }

    #[tokio::test]
    async fn a_bucket_that_is_not_there_is_no_missing_object() {
        let [opened, _, listed] = answers(options(), |place| place.bucket = "nobodys".to_owned()).await;
        assert_eq!(opened.obstacle, Obstacle::NoSuchBucket, "{opened}");
        assert_eq!(listed.obstacle, Obstacle::NoSuchBucket, "{listed}");
    }

    #[tokio::test]
    async fn another_region_is_named_and_can_be_followed() {
        for wrong_region in [WrongRegion::Malformed, WrongRegion::Redirect] {
            let options = S3Options { region: Some("eu-central-1".to_owned()), wrong_region, ..options() };
            let server = s3::start(&objects(), options).await.unwrap();
            let right = Obstacle::WrongRegion { right: Some("eu-central-1".to_owned()) };
            let [opened, _, listed] = all(&server.url(), |_| ()).await;
            assert_eq!(opened.obstacle, right, "{opened}");
            assert_eq!(listed.obstacle, right, "{listed}");
            let source = connect(place(&server.url())).await;
            assert!(source.move_to_region("eu-central-1").await);
            assert_eq!(source.stat(&key("a/x.ts")).await.unwrap().size, Some(10));
        }
    }

    #[tokio::test]
    async fn an_archived_object_is_frozen_by_its_class() {
        for class in ["GLACIER", "DEEP_ARCHIVE"] {
            let objects = objects();
            objects.change("a/x.ts", |object: Object| object.storage_class(class));
            let server = s3::start(&objects, options()).await.unwrap();
            let source = connect(place(&server.url())).await;
            let error = source.open(&key("a/x.ts"), Read::default()).await.unwrap_err();
            assert!(matches!(error.obstacle, Obstacle::Frozen { .. }), "{error}");
            clean(&error);
            // It is there, and both other ways of asking say what it is.
            assert_eq!(source.stat(&key("a/x.ts")).await.unwrap().class.as_deref(), Some(class));
            let page = source.list("a/", None).await.unwrap();
            assert_eq!(page.objects[0].class.as_deref(), Some(class));
        }
    }

    #[tokio::test]
    async fn throttling_and_silence_are_temporary() {
        let behind = s3::start(&objects(), options()).await.unwrap();
        let slow = Script::always(Fault::SlowDown);
        let faults = Faults::new().on("x.ts", slow.clone()).on_head("x.ts", slow.clone()).on_list(slow);
        let proxy = fault::start(&behind.url(), &faults).await.unwrap();
        for error in all(&proxy.url(), |_| ()).await {
            assert_eq!(error.obstacle, Obstacle::Throttled, "{error}");
        }
        let wait = Script::always(Fault::Status(503, Some(9), String::new()));
        let faults = Faults::new().on("x.ts", wait.clone()).on_list(wait);
        let proxy = fault::start(&behind.url(), &faults).await.unwrap();
        let source = connect(place(&proxy.url())).await;
        let opened = source.open(&key("a/x.ts"), Read::default()).await.unwrap_err();
        let listed = source.list("a/", None).await.unwrap_err();
        for error in [opened, listed] {
            assert_eq!(error.obstacle, Obstacle::Throttled, "{error}");
            assert_eq!(error.retry_after, Some(Duration::from_secs(9)), "{error}");
        }
        for endpoint in [format!("http://127.0.0.1:{}", closed_port()), "http://nohost.invalid".to_owned()] {
            for error in all(&endpoint, |_| ()).await {
                assert_eq!(error.obstacle, Obstacle::Unreachable, "{error}");
            }
        }
    }

    #[tokio::test]
    async fn a_session_token_is_used_and_never_shown() {
        let token = "FwoGZXIvYXdzEBYaDSecretToken";
        let mut server = options();
        server.keys[0].token = Token::Required(token.to_owned());
        let with = |token: &str| Credentials::Keys {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: Secret::new(SECRET),
            session_token: Some(Secret::new(token)),
        };
        let handle = s3::start(&objects(), server.clone()).await.unwrap();
        let mut right = place(&handle.url());
        right.credentials = with(token);
        assert_eq!(connect(right).await.stat(&key("a/x.ts")).await.unwrap().size, Some(10));
        let stale = format!("{token}-of-yesterday");
        for error in answers(server, |place| place.credentials = with(&stale)).await {
            assert!(!words_of(&error).contains(token), "{}", words_of(&error));
        }
        assert!(!format!("{:?} {:?}", with(token), keys()).contains(token));
    }
}

#[cfg(feature = "oss")]
mod oss {
    use recfetch::domain::digest::Algorithm;
    use recfetch::source::{Credentials, OssPlace, OssSignature};
    use recfetch_test_support::oss::{self, Crc, Signatures, WrongRegion};
    use recfetch_test_support::s3::{Permission, Token};
    use recfetch_test_support::{Keys, OssOptions};

    use super::*;
    use crate::makers::oss::{ACCESS, BUCKET, SECRET, connect, keys, options, place};

    const BOTH: [OssSignature; 2] = [OssSignature::V4, OssSignature::V1];

    /// What one server says to reading, asking and listing.
    async fn answers(options: OssOptions, change: impl FnOnce(&mut OssPlace)) -> [Error; 3] {
        let server = oss::start(&objects(), options).await.unwrap();
        all(&server.url(), change).await
    }

    async fn all(endpoint: &str, change: impl FnOnce(&mut OssPlace)) -> [Error; 3] {
        let mut place = place(endpoint);
        change(&mut place);
        assert!(!format!("{place:?}").contains(SECRET));
        let source = connect(place);
        assert!(!source.describe().contains(SECRET));
        let [opened, stat] = errors_of(&source).await;
        let listed = source.list("a/", None).await.expect_err("refused");
        for error in [&opened, &stat, &listed] {
            clean(error);
            for secret in [SECRET, "Signature=", "uthorization:"] {
                assert!(!words_of(error).contains(secret), "{}", words_of(error));
            }
        }
        assert_eq!(listed.operation, Operation::List);
        [opened, stat, listed]
    }

    #[tokio::test]
    async fn refusals_say_why_even_to_a_head() {
        let with_token = |token| {
            let mut options = options();
            options.keys[0].token = token;
            options
        };
        let mut denied = options();
        (denied.keys[0].read, denied.keys[0].list) = (Permission::Denied, Permission::Denied);
        let wrong_secret = OssOptions::new(BUCKET, Keys::new(ACCESS, "another"));
        let unknown = OssOptions::new(BUCKET, Keys::new("LTAIOTHER", SECRET));
        let expired = with_token(Token::Expired);
        let late = OssOptions { clock_ahead: -3600, ..options() };
        for (options, expected) in [
            (denied, Denial::NotAllowed),
            (wrong_secret, Denial::WrongSecret),
            (unknown, Denial::UnknownKey),
            (expired, Denial::Expired),
            (with_token(Token::Required("another".to_owned())), Denial::Expired),
            (late, Denial::ClockSkew),
        ] {
            for signature in BOTH {
                // A URL of version 1 has an end and no date: no clock is looked at.
                let no_date = cfg!(feature = "aliyun-sdk") && signature == OssSignature::V1;
                if no_date && expected == Denial::ClockSkew {
                    continue;
                }
                let answers = answers(options.clone(), |place| {
                    place.signature = signature;
                    if expected == Denial::Expired {
                        place.credentials = keys(Some("stale"));
                    }
                });
                for error in answers.await {
                    assert_eq!(error.obstacle, Obstacle::Denied(expected), "{signature:?} {error}");
                }
            }
        }
        for error in answers(options(), |place| place.credentials = Credentials::Anonymous).await {
            assert_eq!(error.obstacle, Obstacle::Denied(Denial::NotAllowed), "{error}");
        }
        let nobody = |place: &mut OssPlace| place.bucket = "nobodys".to_owned();
        for error in answers(options(), nobody).await {
            assert_eq!(error.obstacle, Obstacle::NoSuchBucket, "{error}");
        }
        let of_amazon =
            OssPlace { credentials: Credentials::Chain { profile: None }, ..place("http://h.invalid") };
        let error = connect(of_amazon).stat(&key("a/x.ts")).await.unwrap_err();
        assert_eq!((error.obstacle, error.operation), (Obstacle::Denied(Denial::Anonymous), Operation::Sign));
    }

    #[tokio::test]
    async fn a_public_bucket_needs_no_keys() {
        let public = OssOptions { anonymous: Permission::Allowed, ..options() };
        let server = oss::start(&objects(), public).await.unwrap();
        let source = connect(OssPlace { credentials: Credentials::Anonymous, ..place(&server.url()) });
        assert_eq!(source.stat(&key("a/x.ts")).await.unwrap().size, Some(10));
        assert_eq!(source.list("a/", None).await.unwrap().objects.len(), 1);
        assert!(server.requests().iter().all(|request| request.credential.is_none()));
    }

    #[tokio::test]
    async fn another_region_is_named_and_can_be_followed() {
        let server = oss::start(&objects(), options()).await.unwrap();
        let elsewhere = |place: &mut OssPlace| place.region = "cn-beijing".to_owned();
        let right = Obstacle::WrongRegion { right: Some("cn-hangzhou".to_owned()) };
        for error in all(&server.url(), elsewhere).await {
            assert_eq!(error.obstacle, right, "{error}");
        }
        let source = connect(OssPlace { region: "cn-beijing".to_owned(), ..place(&server.url()) });
        assert!(source.move_to_region("cn-hangzhou").await);
        assert_eq!(source.stat(&key("a/x.ts")).await.unwrap().size, Some(10));
        let unnamed = OssOptions { wrong_region: WrongRegion::Unnamed, ..options() };
        for error in answers(unnamed, elsewhere).await {
            assert_eq!(error.obstacle, Obstacle::WrongRegion { right: None }, "{error}");
        }
    }

    #[tokio::test]
    async fn a_store_that_knows_no_version_4_is_asked_by_version_1_from_then_on() {
        let old = OssOptions { signatures: Signatures::OnlyV1, ..options() };
        let server = oss::start(&objects(), old).await.unwrap();
        let source = connect(place(&server.url()));
        for _ in 0..3 {
            assert_eq!(source.stat(&key("a/x.ts")).await.unwrap().size, Some(10));
        }
        let statuses: Vec<_> = server.requests().iter().map(|request| request.status).collect();
        assert_eq!(statuses, [400, 200, 200, 200], "it is asked once");
        // A new bucket is never asked by version 1.
        let new = OssOptions { signatures: Signatures::OnlyV4, ..options() };
        let server = oss::start(&objects(), new).await.unwrap();
        let source = connect(place(&server.url()));
        source.stat(&key("a/x.ts")).await.unwrap();
        source.stat(&key("a/nobody.ts")).await.unwrap_err();
        let by_4 = |text: &Option<String>| text.as_ref().is_some_and(|text| text.starts_with("OSS4-"));
        assert!(server.requests().iter().all(|request| by_4(&request.credential)));
    }

    #[tokio::test]
    async fn an_archived_object_is_frozen_until_it_is_restored() {
        for class in ["Archive", "ColdArchive", "DeepColdArchive"] {
            let objects = objects();
            objects.change("a/x.ts", |object: Object| object.storage_class(class));
            let server = oss::start(&objects, options()).await.unwrap();
            let source = connect(place(&server.url()));
            let error = source.open(&key("a/x.ts"), Read::default()).await.unwrap_err();
            assert!(matches!(error.obstacle, Obstacle::Frozen { .. }), "{error}");
            clean(&error);
            // It is there, and both other ways of asking say what it is.
            assert_eq!(source.stat(&key("a/x.ts")).await.unwrap().class.as_deref(), Some(class));
            let page = source.list("a/", None).await.unwrap();
            assert_eq!(page.objects[0].class.as_deref(), Some(class));
        }
    }

    #[tokio::test]
    async fn what_vouches_for_the_bytes_is_the_objects_own() {
        let digests = |info: &recfetch::domain::object::ObjectInfo| {
            info.digests.iter().map(recfetch::domain::digest::Digest::algorithm).collect::<Vec<_>>()
        };
        for (crc, tag, whole, part) in [
            (Crc::Kept, None, vec![Algorithm::Crc64Xz, Algorithm::Md5], vec![Algorithm::Crc64Xz]),
            (Crc::Kept, Some("ab-2"), vec![Algorithm::Crc64Xz], vec![Algorithm::Crc64Xz]),
            (Crc::Absent, None, vec![Algorithm::Md5], vec![Algorithm::Md5]),
            (Crc::Absent, Some("ab-2"), vec![], vec![]),
        ] {
            let objects = objects();
            if let Some(tag) = tag {
                objects.change("a/x.ts", |object| object.with_etag(tag));
            }
            let server = oss::start(&objects, OssOptions { crc, ..options() }).await.unwrap();
            let source = connect(place(&server.url()));
            let opened = source.open(&key("a/x.ts"), Read::default()).await.unwrap();
            assert_eq!(digests(&opened.info), whole, "{crc:?} {tag:?}");
            let read = Read { from: 4, ..Read::default() };
            let opened = source.open(&key("a/x.ts"), read).await.unwrap();
            assert_eq!(digests(&opened.info), part, "{crc:?} {tag:?}");
        }
    }

    #[tokio::test]
    async fn throttling_silence_and_nonsense_are_told_apart() {
        let behind = oss::start(&objects(), options()).await.unwrap();
        let answer = |status, code: &str| {
            Script::always(Fault::Status(status, Some(9), format!("<Error><Code>{code}</Code></Error>")))
        };
        for (status, code, expected) in [
            (503, "DownloadTrafficRateLimitExceeded", Obstacle::Throttled),
            (503, "SlowDown", Obstacle::Throttled),
            (500, "InternalError", Obstacle::Unreachable),
        ] {
            let script = answer(status, code);
            let faults = Faults::new().on("x.ts", script.clone()).on_list(script);
            let proxy = fault::start(&behind.url(), &faults).await.unwrap();
            let source = connect(place(&proxy.url()));
            let opened = source.open(&key("a/x.ts"), Read::default()).await.unwrap_err();
            let listed = source.list("a/", None).await.unwrap_err();
            for error in [opened, listed] {
                assert_eq!(error.obstacle, expected, "{error}");
                assert_eq!(error.retry_after, Some(Duration::from_secs(9)), "{error}");
            }
        }
        let html = Faults::new().on_list(Script::always(Fault::Html));
        let proxy = fault::start(&behind.url(), &html).await.unwrap();
        let error = connect(place(&proxy.url())).list("a/", None).await.unwrap_err();
        assert_eq!(error.obstacle, Obstacle::Unexpected, "a page of a proxy is no empty bucket: {error}");
        for endpoint in [format!("http://127.0.0.1:{}", closed_port()), "http://nohost.invalid".to_owned()] {
            for error in all(&endpoint, |_| ()).await {
                assert_eq!(error.obstacle, Obstacle::Unreachable, "{error}");
            }
        }
    }
}
