//! What the user may name, where it is looked for, and what is said when it is not there.

use recfetch::domain::place::{Denial, Obstacle, SourceName};
use recfetch::domain::recording::ChannelName;
use recfetch::domain::report::Outcome;
use recfetch::domain::verdict::Verdict;
use recfetch::engine::{Candidate, LocateError, Search, Store, Target};
use recfetch::source::{Credentials, HttpSource, Place, Secret};
use recfetch_test_support::recording::Ending;
use recfetch_test_support::s3::{Permission, Token, WrongRegion};
use recfetch_test_support::{Fault, Keys, S3Options, Script, WebOptions, tls, web};

use crate::kit::*;

fn alone(store: Store) -> Vec<Candidate> {
    vec![Candidate { store, fallbacks: Vec::new() }]
}

fn key_of(plan: &recfetch_test_support::Plan) -> String {
    format!("{FOLDER}{}", plan.playlist_name())
}

async fn complete(run: &Run, plan: &recfetch_test_support::Plan) -> recfetch::engine::Fetched {
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(plan)), Outcome::Complete, "{:?}", fetched.report.findings);
    fetched
}

#[tokio::test]
async fn a_recording_is_found_by_id_and_by_key() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    for target in [SID.to_owned(), key_of(&plan)] {
        let mut store = stage.store("prod").await;
        if target != SID {
            // A key is a whole key: the folder of the settings does not matter.
            store.prefix = None;
        }
        complete(&Run::of(Target::parse(&target).unwrap(), alone(store)), &plan).await;
    }
}

#[tokio::test]
async fn a_playlist_whose_name_is_not_agoras_is_found_by_its_key() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let playlist = stage.objects.remove(&key_of(&plan)).unwrap();
    stage.objects.put(format!("{FOLDER}my show.m3u8"), playlist);
    let target = Target::parse(&format!("{FOLDER}my show.m3u8")).unwrap();
    let (_keep, out) = out();
    let fetched = Run::of(target, alone(stage.store("prod").await)).fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Complete);
    assert_eq!(fetched.dir, out.join("my-show"));
    assert_eq!(payload(&fetched.dir).len(), 3);

    let gone = Target::parse(&format!("{FOLDER}other show.m3u8")).unwrap();
    let error = Run::of(gone, alone(stage.store("prod").await)).not_located().await;
    assert!(matches!(error, LocateError::NotFound { .. }), "{error:?}");
}

async fn by_url(url: &str) -> Run {
    let target = Target::parse(url).unwrap();
    let Target::Url(url) = &target else { panic!("a URL") };
    let source = HttpSource::new(SourceName::new("url"), url.origin.clone(), &http()).unwrap();
    let source = source.with_presigned(url.key.clone(), url.url.expose().clone());
    let store = Store { source: std::sync::Arc::new(source), prefix: None };
    Run::of(target, alone(store))
}

#[tokio::test]
async fn the_query_of_a_url_is_sent_for_the_playlist_only_and_never_written_down() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Web, &plan).await;
    for query in ["", "?X-Amz-Signature=SECRET&X-Amz-Expires=60"] {
        stage.front.forget();
        let url = format!("{}/{}{query}", stage.front.url(), key_of(&plan));
        let run = by_url(&url).await;
        let fetched = complete(&run, &plan).await;
        for request in stage.front.requests() {
            let is_playlist = request.path.ends_with(&key_of(&plan));
            let expected = if is_playlist { query.trim_start_matches('?') } else { "" };
            assert_eq!(request.query, expected, "{}", request.path);
        }
        assert!(!fetched.written.to_json().contains("SECRET"));
        assert!(!run.told.lines("").concat().contains("SECRET"));
    }
    // Nor when it fails.
    let url = format!("{}/{FOLDER}none_x.m3u8?token=SECRET", stage.front.url());
    let error = by_url(&url).await.not_located().await;
    assert!(!format!("{error:?}").contains("SECRET") && matches!(error, LocateError::NotFound { .. }));
    stage.faults.on("none_x.m3u8", Script::always(Fault::Denied));
    let error = by_url(&url).await.not_located().await;
    assert!(!format!("{error:?}").contains("SECRET"));
    assert!(matches!(error, LocateError::Playlist { verdict: Verdict::Denied { .. }, .. }), "{error:?}");
}

#[tokio::test]
async fn a_url_of_a_bucket_that_wants_a_signature_is_denied_and_not_missing() {
    let plan = plan(2);
    let mut options = S3Options::new(BUCKET, Keys::new(KEY, SECRET));
    options.anonymous = Permission::Denied;
    let stage = Stage::with(Kind::Md5, options).await;
    put(&stage.objects, Kind::Md5, FOLDER, plan.files(&segments(2)));
    let url = format!("{}/{BUCKET}/{}", stage.front.url(), key_of(&plan));
    let error = by_url(&url).await.not_located().await;
    assert!(matches!(error, LocateError::Playlist { verdict: Verdict::Denied { .. }, .. }), "{error:?}");
}

#[tokio::test]
async fn without_permission_to_list_a_key_is_enough_and_an_id_is_denied() {
    let plan = plan(2);
    let mut keys = Keys::new(KEY, SECRET);
    keys.list = Permission::Denied;
    let stage = Stage::with(Kind::Md5, S3Options::new(BUCKET, keys)).await;
    put(&stage.objects, Kind::Md5, FOLDER, plan.files(&segments(2)));
    let run = Run::of(Target::parse(&key_of(&plan)).unwrap(), alone(stage.store("prod").await));
    let fetched = complete(&run, &plan).await;
    assert_eq!(findings(&fetched), ["list-denied"]);
    let error = Run::sid(stage.store("prod").await).not_located().await;
    let LocateError::Source { cause, .. } = error else { panic!("{error:?}") };
    assert_eq!(cause.obstacle, Obstacle::Denied(Denial::NotAllowed));
    // Who may not list is not told what is absent, so it cannot be called that.
    stage.objects.remove(&format!("{FOLDER}{}", plan.slice_names()[0]));
    let (_keep, out) = out();
    assert_eq!(run.fetched(&out).await.report.outcome(), Outcome::Denied);
}

#[tokio::test]
async fn all_stores_are_searched_and_the_answer_says_where_it_was() {
    let plan = plan(2);
    let (empty, full) = (Stage::new(Kind::Md5).await, Stage::of(Kind::Md5, &plan).await);
    for target in [SID.to_owned(), key_of(&plan)] {
        let stores = [empty.store("first").await, full.store("second").await];
        let candidates = stores.into_iter().flat_map(alone).collect();
        let fetched = complete(&Run::of(Target::parse(&target).unwrap(), candidates), &plan).await;
        assert_eq!(findings(&fetched), ["found-elsewhere"]);
    }
}

#[tokio::test]
async fn a_key_is_looked_for_on_every_web_server() {
    let plan = plan(2);
    let (empty, full) = (Stage::new(Kind::Web).await, Stage::of(Kind::Web, &plan).await);
    for fault in [Fault::NotFound, Fault::Denied, Fault::Status(500, None, String::new()), Fault::Html] {
        empty.faults.on(".m3u8", Script::always(fault));
        let stores = [empty.store("first").await, full.store("second").await];
        let candidates = stores.into_iter().flat_map(alone).collect();
        let run = Run::of(Target::parse(&key_of(&plan)).unwrap(), candidates);
        assert_eq!(findings(&complete(&run, &plan).await), ["found-elsewhere"]);
    }
}

#[tokio::test]
async fn a_wrong_key_of_one_store_does_not_hide_another_and_is_not_called_not_found() {
    let plan = plan(2);
    let full = Stage::of(Kind::Md5, &plan).await;
    let empty = Stage::new(Kind::Md5).await;
    let wrong = || async {
        let place = Place::S3(s3_place(&full.front.url(), KEY, "wrong-secret"));
        Store::connect(&spec("wrong", place)).await.unwrap()
    };
    let candidates = [wrong().await, full.store("second").await].into_iter().flat_map(alone).collect();
    complete(&Run::of(Target::parse(SID).unwrap(), candidates), &plan).await;
    for stores in [[wrong().await, empty.store("empty").await], [empty.store("empty").await, wrong().await]] {
        let candidates = stores.into_iter().flat_map(alone).collect();
        let error = Run::of(Target::parse(SID).unwrap(), candidates).not_located().await;
        let LocateError::Source { cause, looked, .. } = error else { panic!("{error:?}") };
        assert_eq!(cause.obstacle, Obstacle::Denied(Denial::WrongSecret));
        assert_eq!(looked.len(), 1);
    }
}

#[tokio::test]
async fn what_is_not_found_says_where_it_was_looked_for() {
    let stage = Stage::new(Kind::Md5).await;
    let error = Run::sid(stage.store("prod").await).not_located().await;
    let LocateError::NotFound { looked, .. } = error else { panic!("{error:?}") };
    assert_eq!(
        (looked[0].within.as_str(), looked[0].listed, looked[0].folder_is_empty),
        (FOLDER, Some(0), Some(true))
    );
    stage.objects.put(format!("{FOLDER}something.txt"), "x");
    let error = Run::sid(stage.store("prod").await).not_located().await;
    let LocateError::NotFound { looked, .. } = error else { panic!("{error:?}") };
    assert_eq!(looked[0].folder_is_empty, Some(false));
}

#[tokio::test]
async fn a_search_walks_the_bucket_and_a_plain_run_does_not() {
    let plan = plan(2);
    let stage = Stage::new(Kind::Md5).await;
    put(&stage.objects, Kind::Md5, "some/where/else/", plan.files(&segments(2)));
    stage.objects.put("some/where/else/stranger_x.ts", "x");
    let mut run = Run::sid(stage.store("prod").await);
    assert!(matches!(run.not_located().await, LocateError::NotFound { .. }));
    run.query.search = Search::Bucket;
    let fetched = complete(&run, &plan).await;
    assert_eq!(fetched.report.folder.as_str(), "some/where/else/");
}

#[tokio::test]
async fn on_a_web_server_the_channel_gives_the_playlists_name() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Web, &plan).await;
    let mut run = Run::sid(stage.store("prod").await);
    assert!(matches!(run.not_located().await, LocateError::NotFound { .. }));
    run.query.channel = ChannelName::parse("math_7b");
    complete(&run, &plan).await;
    run.query.channel = ChannelName::parse("physics");
    assert!(matches!(run.not_located().await, LocateError::NotFound { .. }));
    // A server that refuses is not one that has nothing.
    stage.faults.on_head(".m3u8", Script::always(Fault::Denied));
    let error = run.not_located().await;
    assert!(matches!(error, LocateError::Source { .. }), "{error:?}");
}

#[tokio::test]
async fn of_a_playlist_and_its_transferred_copy_the_larger_is_used_and_the_other_kept() {
    for (plain, moved, chosen) in [(4, 2, 4), (2, 4, 4)] {
        let stage = Stage::new(Kind::Md5).await;
        let (mut transferred, plain) = (plan(moved), plan(plain));
        transferred.transfer = Some((22_194_679_897, 2));
        put(&stage.objects, Kind::Md5, FOLDER, plain.files(&segments(4)));
        put(&stage.objects, Kind::Md5, FOLDER, transferred.files(&segments(4)));
        let (_keep, out) = out();
        let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
        assert_eq!(fetched.report.outcome(), Outcome::Complete);
        assert_eq!(fetched.report.segments().count(), chosen);
        assert_eq!(findings(&fetched), ["transfer-chosen"]);
        assert_eq!(payload(&fetched.dir).len(), 4 + 2);
        assert!(verified(&fetched.dir).is_whole());
    }
}

#[tokio::test]
async fn a_failover_plays_after_the_base_and_a_hole_between_them_is_named() {
    let base = plan(2);
    let mut failover = plan(2);
    failover.failover = Some(0);
    failover.start = "20260920125157485".to_owned();
    let stage = Stage::of(Kind::Md5, &base).await;
    put(&stage.objects, Kind::Md5, FOLDER, failover.files(&[segment(3), segment(4)]));
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    let order: Vec<_> = fetched.report.segments().map(|s| s.name.to_string()).collect();
    assert_eq!(order, [base.slice_names(), failover.slice_names()].concat());
    assert_eq!(findings(&fetched), ["failover-gap"]);
    assert!(verified(&fetched.dir).is_whole());
    let play = std::fs::read_to_string(fetched.dir.join("play.m3u8")).unwrap();
    assert!(play.matches("#EXT-X-DISCONTINUITY").count() >= 1, "{play}");
}

#[tokio::test]
async fn slices_without_a_playlist_are_kept_and_never_called_complete() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.objects.remove(&key_of(&plan));
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Incomplete);
    assert_eq!(findings(&fetched), ["no-playlist"]);
    assert_eq!(payload(&fetched.dir).len(), 3);
    // A fallback may have the playlist.
    let backup = Stage::of(Kind::Web, &plan).await;
    let run = Run::sid(stage.store("prod").await).with_fallback(backup.store("backup").await);
    complete(&run, &plan).await;
}

#[tokio::test]
async fn what_stands_under_the_name_of_a_playlist_decides_what_is_said() {
    let plan = plan(3);
    let text = plan.playlist();
    let names = plan.slice_names();
    let open = text.replace("#EXT-X-ENDLIST\n", "");
    let twice = text.replace("#EXT-X-ENDLIST\n", &format!("#EXTINF:5.0\n{}\n#EXT-X-ENDLIST\n", names[0]));
    let without = text.replace(&format!("#EXTINF:5.000000\n{}\n", names[1]), "");
    let cut = &text[..text.len() - 40];
    for (what, text, outcome, codes) in [
        ("not ended", open.as_str(), Outcome::Incomplete, vec!["not-ended"]),
        (
            "an XML error",
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
            Outcome::Incomplete,
            vec!["not-a-playlist", "orphan"],
        ),
        ("a web page", "<!DOCTYPE html><html></html>", Outcome::Incomplete, vec!["not-a-playlist", "orphan"]),
        ("no segments", "#EXTM3U\n#EXT-X-ENDLIST\n", Outcome::Incomplete, vec!["lists-nothing", "orphan"]),
        ("a segment twice", &twice, Outcome::Complete, vec!["listed-twice"]),
        ("a segment not listed", &without, Outcome::Incomplete, vec!["orphan", "unlisted-gap"]),
        ("a text that breaks off", cut, Outcome::Incomplete, vec!["cut-off", "not-ended"]),
    ] {
        let stage = Stage::of(Kind::Md5, &plan).await;
        stage.objects.put(key_of(&plan), text.to_owned());
        let (_keep, out) = out();
        let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
        let said = findings(&fetched);
        assert_eq!(fetched.report.outcome(), outcome, "{what}: {said:?}");
        for code in &codes {
            assert!(said.contains(code), "{what}: no {code} in {said:?}");
        }
        assert!(verified(&fetched.dir).is_whole(), "{what}");
        let kept = payload(&fetched.dir).remove(&plan.playlist_name()).unwrap();
        assert_eq!(kept, text.as_bytes(), "{what}: the playlist is kept as it came");
    }
}

#[tokio::test]
async fn an_empty_playlist_and_a_page_of_a_web_server_are_taken_from_the_fallback() {
    let plan = plan(2);
    for fault in [Fault::Empty, Fault::Html, Fault::Xml, Fault::NotFound, Fault::Cut(0)] {
        let (stage, backup) = (Stage::of(Kind::Web, &plan).await, Stage::of(Kind::Web, &plan).await);
        stage.faults.on(".m3u8", Script::always(fault.clone()));
        let run = Run::sid(stage.store("prod").await).key_if_web(Kind::Web, &plan);
        let error = run.not_located().await;
        let is_absent = matches!(fault, Fault::NotFound);
        assert_eq!(matches!(error, LocateError::NotFound { .. }), is_absent, "{fault:?}: {error:?}");
        complete(&run.with_fallback(backup.store("backup").await), &plan).await;
    }
}

#[tokio::test]
async fn a_playlist_that_is_too_large_is_never_written_in_part() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let mut text = plan.playlist();
    text.push_str(&"#\n".repeat(9 << 20));
    stage.objects.put(key_of(&plan), text);
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Incomplete);
    let whole = verified(&fetched.dir);
    assert!(whole.is_whole(), "{:?}", whole.damage);
    assert_eq!(findings(&fetched), ["too-large"]);
    assert_eq!(payload(&fetched.dir).len(), 3, "it is kept all the same, as a file");
}

#[tokio::test]
async fn a_segment_that_a_playlist_announces_as_missing_is_looked_for() {
    let plan = plan(3);
    let names = plan.slice_names();
    let segment_line = format!("#EXTINF:5.000000\n{}", names[2]);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let text = plan.playlist().replace(&segment_line, &format!("#EXT-X-GAP\n{segment_line}"));
    stage.objects.put(key_of(&plan), text.clone());
    let (_keep, out) = out();
    let run = Run::sid(stage.store("prod").await);
    assert_eq!(run.fetched(&out).await.report.outcome(), Outcome::Complete);
    std::fs::remove_dir_all(&out).unwrap();
    stage.objects.remove(&format!("{FOLDER}{}", names[2]));
    let fetched = run.fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Incomplete);
    assert_eq!(verdict(object(&fetched, &names[2])), "absent in prod");
}

#[tokio::test]
async fn a_bucket_in_another_region_is_followed_and_said() {
    let plan = plan(2);
    for wrong_region in [WrongRegion::Malformed, WrongRegion::Redirect] {
        let mut options = S3Options::new(BUCKET, Keys::new(KEY, SECRET));
        options.region = Some("eu-west-1".to_owned());
        options.wrong_region = wrong_region;
        let stage = Stage::with(Kind::Md5, options).await;
        put(&stage.objects, Kind::Md5, FOLDER, plan.files(&segments(2)));
        let fetched = complete(&Run::sid(stage.store("prod").await), &plan).await;
        assert_eq!(findings(&fetched), ["region-followed"], "{wrong_region:?}");
    }
}

#[tokio::test]
async fn each_reason_to_refuse_has_its_word() {
    let plan = plan(1);
    let expired = Keys { token: Token::Expired, ..Keys::new("EXPIRED", SECRET) };
    let blind = Keys { read: Permission::Denied, ..Keys::new("BLIND", SECRET) };
    let mut options = S3Options::new(BUCKET, Keys::new(KEY, SECRET));
    options.keys.extend([expired, blind]);
    let stage = Stage::with(Kind::Md5, options.clone()).await;
    put(&stage.objects, Kind::Md5, FOLDER, plan.files(&segments(1)));
    options.clock_ahead = 3600;
    let ahead = Stage::with(Kind::Md5, options).await;
    let url = stage.front.url();
    let mut token = s3_place(&url, "EXPIRED", SECRET);
    if let Credentials::Keys { session_token, .. } = &mut token.credentials {
        *session_token = Some(Secret::new("token"));
    }
    let mut bucket = s3_place(&url, KEY, SECRET);
    bucket.bucket = "elsewhere".to_owned();
    let mut anonymous = s3_place(&url, KEY, SECRET);
    anonymous.credentials = Credentials::Anonymous;
    for (what, place, obstacle) in [
        ("wrong secret", s3_place(&url, KEY, "wrong"), Obstacle::Denied(Denial::WrongSecret)),
        ("unknown key", s3_place(&url, "NOBODY", SECRET), Obstacle::Denied(Denial::UnknownKey)),
        ("expired token", token, Obstacle::Denied(Denial::Expired)),
        ("clock", s3_place(&ahead.front.url(), KEY, SECRET), Obstacle::Denied(Denial::ClockSkew)),
        ("no such bucket", bucket, Obstacle::NoSuchBucket),
        ("nobody", anonymous, Obstacle::Denied(Denial::NotAllowed)),
        ("nobody there", s3_place("http://127.0.0.1:1", KEY, SECRET), Obstacle::Unreachable),
    ] {
        let store = Store::connect(&spec("prod", Place::S3(place))).await.unwrap();
        let error = Run::sid(store).not_located().await;
        let LocateError::Source { cause, .. } = error else { panic!("{what}: {error:?}") };
        assert_eq!(cause.obstacle, obstacle, "{what}");
    }
    // Who may list and not read is denied, at the playlist.
    let store = Store::connect(&spec("prod", Place::S3(s3_place(&url, "BLIND", SECRET)))).await.unwrap();
    let (_keep, out) = out();
    assert_eq!(Run::sid(store).fetched(&out).await.report.outcome(), Outcome::Denied);
}

#[tokio::test]
async fn a_public_bucket_is_read_without_keys() {
    let plan = plan(2);
    let mut options = S3Options::new(BUCKET, Keys::new(KEY, SECRET));
    options.anonymous = Permission::Allowed;
    let stage = Stage::with(Kind::Md5, options).await;
    put(&stage.objects, Kind::Md5, FOLDER, plan.files(&segments(2)));
    let mut place = s3_place(&stage.front.url(), "", "");
    place.credentials = Credentials::Anonymous;
    let store = Store::connect(&spec("prod", Place::S3(place))).await.unwrap();
    let fetched = complete(&Run::sid(store), &plan).await;
    assert!(stage.front.requests().iter().all(|request| request.credential.is_none()));
    let first = object(&fetched, &plan.slice_names()[0]);
    assert_eq!(verdict(first), "verified by the md5 that prod publishes");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_not_an_outage_and_asks_no_fallback() {
    let plan = plan(2);
    let backup = Stage::of(Kind::Web, &plan).await;
    let authority = tls::Authority::new().unwrap();
    for shown in [tls::Shown::SelfSigned, tls::Shown::Expired, tls::Shown::WrongHost, tls::Shown::Right] {
        // No machine trusts the test authority, so even its right certificate is refused.
        let acceptor = Some(authority.acceptor(shown).unwrap());
        let server =
            web::start_with(&backup.objects, WebOptions { tls: acceptor.clone(), ..WebOptions::default() });
        let server = server.await.unwrap();
        let place = Place::Http { url: format!("{}/", server.url()).parse().unwrap() };
        let store = Store::connect(&spec("prod", place)).await.unwrap();
        let mut run = Run::sid(store).key_if_web(Kind::Web, &plan);
        run.candidates[0].fallbacks = vec![];
        let error = run.not_located().await;
        let LocateError::Playlist { verdict, .. } = error else { panic!("{error:?}") };
        assert!(
            matches!(verdict, Verdict::Unreachable { last: Obstacle::Untrusted, .. }),
            "{shown:?}: {verdict}"
        );

        let mut options = S3Options::new(BUCKET, Keys::new(KEY, SECRET));
        options.tls = acceptor;
        let server = recfetch_test_support::s3::start(&backup.objects, options).await.unwrap();
        let store =
            Store::connect(&spec("prod", Place::S3(s3_place(&server.url(), KEY, SECRET)))).await.unwrap();
        let error = Run::sid(store).not_located().await;
        let LocateError::Source { cause, .. } = error else { panic!("{error:?}") };
        assert_eq!(cause.obstacle, Obstacle::Untrusted, "{shown:?}: {cause}");
    }
}

#[tokio::test]
async fn a_playlist_without_an_end_ends_the_run_all_the_same() {
    let mut plan = plan(2);
    plan.ending = Ending::Open;
    let stage = Stage::of(Kind::Web, &plan).await;
    let (_keep, out) = out();
    let run = Run::sid(stage.store("prod").await).key_if_web(Kind::Web, &plan);
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Incomplete);
    assert_eq!(findings(&fetched), ["not-ended"]);
}
