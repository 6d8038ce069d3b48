//! Fallbacks and resumed bodies: which place is asked for which bytes.

use std::time::{Duration, Instant};

use recfetch::domain::report::Outcome;
use recfetch::engine::{AfterDenial, Store};
use recfetch::source::Place;
use recfetch_test_support::{Fault, Object, S3Options, Script};

use crate::kit::*;

#[tokio::test]
async fn after_a_denial_the_fallback_is_asked_only_where_that_was_said() {
    let plan = plan(4);
    let (stage, backup) = (Stage::of(Kind::Md5, &plan).await, Stage::of(Kind::Web, &plan).await);
    let names = plan.slice_names();
    stage.faults.on(&names[1], Script::always(Fault::Denied));
    stage.faults.on(&names[2], Script::always(Fault::Archived));
    let mut run = Run::sid(stage.store("prod").await).with_fallback(backup.store("backup").await);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Denied);
    assert_eq!(verdict(object(&fetched, &names[1])), "denied by prod: access denied");
    assert!(verdict(object(&fetched, &names[2])).starts_with("frozen in prod: archived as DEEP_ARCHIVE"));
    assert_eq!(backup.front.requests().len(), 0);

    run.options.after_denial = AfterDenial::AskFallback;
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    assert_eq!(backup.front.requests().len(), 2);
}

#[tokio::test]
async fn a_fallback_that_refuses_does_not_make_an_absent_segment_denied_by_the_store() {
    let plan = plan(3);
    let (stage, backup) = (Stage::of(Kind::Md5, &plan).await, Stage::of(Kind::Web, &plan).await);
    let names = plan.slice_names();
    stage.faults.on(&names[1], Script::always(Fault::NotFound));
    backup.faults.on(&names[1], Script::always(Fault::Denied));
    let run = Run::sid(stage.store("prod").await).with_fallback(backup.store("backup").await);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Denied);
    assert_eq!(verdict(object(&fetched, &names[1])), "denied by backup: access denied");
}

#[tokio::test]
async fn every_fallback_is_asked_in_order_and_all_are_named_when_none_has_it() {
    let plan = plan(3);
    let (stage, first, second) = (
        Stage::of(Kind::Md5, &plan).await,
        Stage::of(Kind::Web, &plan).await,
        Stage::of(Kind::Web, &plan).await,
    );
    let names = plan.slice_names();
    for stage in [&stage, &first, &second] {
        stage.objects.remove(&format!("{FOLDER}{}", names[0]));
    }
    stage.faults.on(&names[1], Script::always(Fault::Html));
    first.faults.on(&names[1], Script::always(Fault::Status(500, None, String::new())));
    let run = Run::sid(stage.store("prod").await)
        .with_fallback(first.store("first").await)
        .with_fallback(second.store("second").await);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Incomplete);
    assert_eq!(verdict(object(&fetched, &names[0])), "absent in prod, first and second");
    assert_eq!(object(&fetched, &names[1]).from.as_ref().unwrap().as_str(), "second");
}

#[tokio::test]
async fn a_fallback_without_a_folder_is_asked_for_the_same_folder_and_then_for_the_bare_name() {
    let plan = plan(3);
    let (stage, backup) = (Stage::of(Kind::Md5, &plan).await, Stage::new(Kind::Web).await);
    let names = plan.slice_names();
    stage.objects.remove(&format!("{FOLDER}{}", names[0]));
    stage.objects.remove(&format!("{FOLDER}{}", names[1]));
    backup.objects.put(format!("{FOLDER}{}", names[0]), segment(0));
    backup.objects.put(names[1].clone(), segment(1));
    let mut fallback = backup.store("backup").await;
    fallback.prefix = None;
    let run = Run::sid(stage.store("prod").await).with_fallback(fallback);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    let asked = backup.asked();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(
        asked.contains(&format!("GET {FOLDER}{}", names[1])) && asked.contains(&format!("GET {}", names[1]))
    );
}

#[tokio::test]
async fn a_digest_of_the_store_rejects_wrong_bytes_of_a_fallback_that_vouches_for_nothing() {
    let plan = plan(3);
    let (stage, backup) = (Stage::of(Kind::Md5, &plan).await, Stage::of(Kind::Web, &plan).await);
    let name = &plan.slice_names()[1];
    stage.faults.on(name, Script::always(Fault::Flip(10_000)));
    // A flip that structure cannot see.
    backup.faults.on(name, Script::always(Fault::Flip(188 * 40 + 100)));
    let run = Run::sid(stage.store("prod").await).with_fallback(backup.store("backup").await);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Corrupt);
    assert!(
        verdict(object(&fetched, name)).starts_with("corrupt from"),
        "{}",
        verdict(object(&fetched, name))
    );
}

#[tokio::test]
async fn a_digest_of_the_store_rejects_another_version_that_a_fallback_vouches_for() {
    let plan = plan(3);
    let (stage, backup) = (Stage::of(Kind::Md5, &plan).await, Stage::of(Kind::Crc, &plan).await);
    let name = &plan.slice_names()[1];
    stage.faults.on(name, Script::always(Fault::Flip(10_000)));
    let mut other = segment(1).to_vec();
    other[188 * 40 + 100] ^= 1;
    put(&backup.objects, Kind::Crc, FOLDER, vec![(name.clone(), other.into())]);
    let run = Run::sid(stage.store("prod").await).with_fallback(backup.store("backup").await);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Corrupt);
}

#[tokio::test]
async fn wrong_settings_of_a_store_do_not_look_like_lost_segments() {
    let plan = plan(3);
    let (stage, backup) = (Stage::of(Kind::Md5, &plan).await, Stage::of(Kind::Web, &plan).await);
    let name = &plan.slice_names()[1];
    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
    for (status, code, verdict_text) in [
        (404, "NoSuchBucket", "unreachable in prod: no such bucket"),
        (301, "PermanentRedirect", "unreachable in prod: the bucket is in another region"),
        (403, "SignatureDoesNotMatch", "denied by prod: the secret does not fit the access key"),
        (400, "ExpiredToken", "denied by prod: the token or signature has expired"),
    ] {
        stage.faults.on(name, Script::always(Fault::Status(status, None, xml(code))));
        let run = Run::sid(stage.store("prod").await).with_fallback(backup.store("backup").await);
        let (_keep, out) = out();
        let fetched = run.fetched(&out).await;
        assert_eq!(check(&fetched, &originals(&plan)).exit_code(), 6, "{code}");
        assert_eq!(verdict(object(&fetched, name)), verdict_text);
        assert_eq!(backup.front.requests().len(), 0, "{code}");
    }
}

#[tokio::test]
async fn a_cut_body_goes_on_where_it_ended_and_only_for_the_same_version() {
    for kind in [Kind::Md5, Kind::Crc, Kind::Web] {
        let plan = plan(3);
        let stage = Stage::of(kind, &plan).await;
        let name = &plan.slice_names()[1];
        stage.faults.on(name, Script::once(Fault::Cut(10_000)).then(Script::once(Fault::Cut(7_000))));
        let run = Run::sid(stage.store("prod").await).key_if_web(kind, &plan);
        let (_keep, out) = out();
        let fetched = run.fetched(&out).await;
        assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
        assert_eq!(verdict(object(&fetched, name)), format!("verified by {}", kind.evidence()));
        let gets: Vec<_> = stage.front.requests().into_iter().filter(|r| r.path.ends_with(name)).collect();
        let ranges: Vec<_> = gets.iter().map(|r| r.range.clone().unwrap_or_default()).collect();
        assert_eq!(ranges, ["", "bytes=10000-", "bytes=17000-"], "{kind:?}");
        assert!(gets[0].if_match.is_none() && gets[1].if_match.is_some(), "{kind:?}");
        assert_eq!(gets[1].if_match, gets[2].if_match);
        let received = run.told.lines(&format!("received {name}"));
        let received: usize =
            received.iter().map(|l| l.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum();
        assert_eq!(received, segment(1).len(), "no byte came twice");
    }
}

#[tokio::test]
async fn an_object_that_changes_between_two_parts_starts_again() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Web, &plan).await;
    let name = &plan.slice_names()[1];
    let key = format!("{FOLDER}{name}");
    // Another version, of which 10,000 bytes came, lay there before.
    let older = Object::new(segment(7)).modified(1_000_000_000);
    let older_etag = older.web_etag();
    stage.faults.on(name, Script::once(Fault::Cut(10_000)));
    stage.objects.put(key.clone(), older);
    let run = Run::sid(stage.store("prod").await).key_if_web(Kind::Web, &plan);
    let (_keep, out) = out();
    let swap = async {
        while stage.front.gets(name) == 0 {
            tokio::task::yield_now().await;
        }
        stage.objects.put(key.clone(), segment(1));
    };
    let mut slow = run;
    slow.options.retry.first_pause = Duration::from_millis(300);
    slow.options.retry.longest_pause = Duration::from_millis(300);
    let (fetched, ()) = tokio::join!(slow.fetched(&out), swap);
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    let gets: Vec<_> = stage.front.requests().into_iter().filter(|r| r.path.ends_with(name)).collect();
    let seen: Vec<_> = gets.iter().map(|r| (r.range.as_deref(), r.status)).collect();
    assert_eq!(seen, [(None, 200), (Some("bytes=10000-"), 412), (None, 200)]);
    assert_eq!(gets[1].if_match.as_deref(), Some(older_etag.as_str()));
}

#[tokio::test]
async fn a_body_that_is_cut_many_times_with_progress_arrives() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let name = &plan.slice_names()[1];
    stage.faults.on(name, Script::always(Fault::Cut(1_000)));
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    assert!(stage.front.gets(name) > segment(1).len() / 1_000);
}

#[tokio::test]
async fn tries_that_bring_nothing_are_bounded_in_count_and_in_time() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Web, &plan).await;
    let name = &plan.slice_names()[1];
    let mut run = Run::sid(stage.store("prod").await).key_if_web(Kind::Web, &plan);
    for fault in [Fault::Cut(0), Fault::Stall(0), Fault::Status(503, None, String::new())] {
        stage.faults.on(name, Script::always(fault));
        stage.front.forget();
        let (_keep, out) = out();
        let fetched = run.fetched(&out).await;
        assert_eq!(check(&fetched, &originals(&plan)), Outcome::Temporary);
        assert_eq!(stage.front.gets(name), 4);
    }
    run.options.retry.tries = 1000;
    run.options.retry.patience = Duration::from_millis(200);
    let (_keep, out) = out();
    let start = Instant::now();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Temporary);
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// A server without version tags cannot be resumed, so each try starts again: the same bytes over and over
/// are no progress.
#[tokio::test]
async fn bytes_that_come_again_and_again_are_no_progress() {
    let plan = plan(2);
    let bare = untagged().await;
    let store = Store::connect(&spec("prod", bare.place())).await.unwrap();
    let run = Run::sid(store).key_if_web(Kind::Web, &plan);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Temporary);
    assert_eq!(bare.gets(), 4);
}

#[tokio::test]
async fn a_server_that_answers_nothing_in_time_is_left() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out) = out();
    let run = Run::sid(stage.store("prod").await);
    drop(stage);
    let start = Instant::now();
    assert!(matches!(run.go(&out).await, Err(Failed::Locate(_))));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(!out.exists(), "nothing was written");
}

#[tokio::test]
async fn a_multipart_or_kms_etag_is_no_digest_and_a_composite_checksum_neither() {
    let plan = plan(4);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let names = plan.slice_names();
    let change =
        |n: usize, how: fn(Object) -> Object| stage.objects.change(&format!("{FOLDER}{}", names[n]), how);
    change(0, |o| o.with_etag("0123456789abcdef0123456789abcdef-3"));
    change(1, Object::with_kms);
    change(2, |o| {
        o.with_etag("0123456789abcdef0123456789abcdef-3")
            .with_checksum_value(recfetch_test_support::Checksum::Crc32, "AAAAAA==")
            .composite()
    });
    change(3, |o| o.with_etag("x").with_checksum(recfetch_test_support::Checksum::Sha256));
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    for name in &names[..3] {
        assert_eq!(verdict(object(&fetched, name)), "verified by structure");
    }
    assert_eq!(verdict(object(&fetched, &names[3])), "verified by the sha256 that prod publishes");
}

#[tokio::test]
async fn a_store_that_asks_for_patience_gets_it_and_the_width_shrinks() {
    let plan = plan(12);
    let stage = Stage::of(Kind::Md5, &plan).await;
    for name in plan.slice_names() {
        stage.faults.on(&name, Script::times(Fault::SlowDown, 2));
    }
    let run = Run::sid(stage.store("prod").await);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    assert!(run.told.lines("width").contains(&"width 4 true".to_owned()), "{:?}", run.told.lines("width"));
}

#[tokio::test]
async fn pages_of_a_listing_are_all_read() {
    let plan = plan(12);
    let mut options = S3Options::new(BUCKET, recfetch_test_support::Keys::new(KEY, SECRET));
    options.page_size = 3;
    let stage = Stage::with(Kind::Md5, options).await;
    put(&stage.objects, Kind::Md5, FOLDER, plan.files(&segments(12)));
    // In no playlist: only the listing tells of it.
    let orphan = format!("{FOLDER}{SID}_math_7b_20260920235959000.ts");
    stage.objects.put(orphan, segment(0));
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Complete);
    assert_eq!(findings(&fetched), ["orphan"]);
    assert_eq!(payload(&fetched.dir).len(), 14);
}

/// A web server without ETags that cuts the second slice each time.
async fn untagged() -> Bare {
    let plan = plan(2);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = count.clone();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let files = originals(&plan);
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let n = client.read(&mut head).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&head[..n]).into_owned();
            let name = text.split(' ').nth(1).unwrap_or_default().rsplit('/').next().unwrap_or_default();
            let Some(bytes) = files.get(name) else { continue };
            let cut = name == plan.slice_names()[1];
            counter.fetch_add(usize::from(cut), std::sync::atomic::Ordering::SeqCst);
            let sent = if cut { &bytes[..10_000] } else { &bytes[..] };
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
            let _ = client.write_all(answer.as_bytes()).await;
            let _ = client.write_all(sent).await;
        }
    });
    Bare { url, count }
}

struct Bare {
    url: String,
    count: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Bare {
    fn place(&self) -> Place {
        Place::Http { url: self.url.parse().unwrap() }
    }

    fn gets(&self) -> usize {
        self.count.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_store_that_was_not_listed_does_not_vouch_for_the_place_of_what_it_sends() {
    let plan = plan(6);
    for (bytes, why) in [
        (segment(4), "corrupt from prod: the same bytes as"),
        (segment(9), "corrupt from prod: its time stamps"),
    ] {
        let mut options = S3Options::new(BUCKET, recfetch_test_support::Keys::new(KEY, SECRET));
        options.anonymous = recfetch_test_support::s3::Permission::Allowed;
        let stage = Stage::with(Kind::Md5, options).await;
        put(&stage.objects, Kind::Md5, FOLDER, plan.files(&segments(6)));
        // The bucket holds it so, with a digest that fits.
        let name = plan.slice_names()[2].clone();
        stage.objects.put(format!("{FOLDER}{name}"), Object::new(bytes));
        let place = Place::Http { url: format!("{}/{BUCKET}/", stage.front.url()).parse().unwrap() };
        let store = Store::connect(&spec("prod", place)).await.unwrap();
        let (_keep, out) = out();
        let fetched = Run::sid(store).key_if_web(Kind::Web, &plan).fetched(&out).await;
        let said = verdict(object(&fetched, &name));
        assert!(said.starts_with(why), "{said}");
        assert_eq!(fetched.report.outcome().exit_code(), 4);
        assert!(!fetched.dir.join(format!("data/{name}")).exists());
        // The others are vouched for by their digests.
        let first = verdict(object(&fetched, &plan.slice_names()[0]));
        assert_eq!(first, "verified by the md5 that prod publishes");
    }
}
