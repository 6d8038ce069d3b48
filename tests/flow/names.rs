//! Names that a file system, a URL or a manifest could trip over, and names that playlists should not have.

use recfetch::domain::playlist::UriPolicy;
use recfetch::domain::report::Outcome;
use recfetch::engine::{Candidate, Target};
use recfetch_test_support::{Fault, Script, mp4};

use crate::kit::*;

/// A playlist of these names.
fn playlist(names: &[&str]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:8\n".to_owned();
    for name in names {
        text += &format!("#EXTINF:5.000000\n{name}\n");
    }
    text + "#EXT-X-ENDLIST\n"
}

fn key() -> String {
    format!("{FOLDER}{SID}_room.m3u8")
}

async fn stage_of(kind: Kind, names: &[&str]) -> Stage {
    let stage = Stage::new(kind).await;
    stage.objects.put(key(), playlist(names));
    for (n, name) in names.iter().enumerate() {
        put(&stage.objects, kind, FOLDER, vec![((*name).to_owned(), segment(n))]);
    }
    stage
}

async fn run_of(stage: &Stage) -> Run {
    let candidates = vec![Candidate { store: stage.store("prod").await, fallbacks: Vec::new() }];
    Run::of(Target::parse(&key()).unwrap(), candidates)
}

#[tokio::test]
async fn odd_names_become_the_right_requests_and_safe_files() {
    let names = [
        "with space.ts",
        "a#b.ts",
        "a?b.ts",
        "100%.ts",
        "a%20b.ts",
        "a:b.ts",
        "频道.ts",
        "e\u{301}.ts",
        "\u{e9}.ts",
        "a//b.ts",
        "dir/deep/x.ts",
        "+plus&amp;.ts",
        "Twin.ts",
        "twin.ts",
        "con.ts",
        "x.ts.",
        "..dots.ts",
        "~.ts",
        "back\\slash.ts",
        "a*b|c<d>\"e.ts",
    ];
    for kind in [Kind::Md5, Kind::Web] {
        let stage = stage_of(kind, &names).await;
        let (_keep, out) = out();
        let fetched = run_of(&stage).await.fetched(&out).await;
        assert_eq!(fetched.report.outcome(), Outcome::Complete, "{:#?}", fetched.report.findings);
        let whole = verified(&fetched.dir);
        assert!(whole.is_whole(), "{:?}", whole.damage);
        let files = payload(&fetched.dir);
        assert_eq!(files.len(), names.len() + 1);
        let folded: std::collections::BTreeSet<_> = files.keys().map(|name| name.to_lowercase()).collect();
        assert_eq!(folded.len(), files.len(), "no two files share a name on any system");
        let mapped = std::fs::read_to_string(fetched.dir.join("names.tsv")).unwrap();
        for (n, name) in names.iter().enumerate() {
            assert!(stage.asked().contains(&format!("GET {FOLDER}{name}")), "{name} in {:?}", stage.asked());
            let object = fetched.report.objects.iter().find(|o| o.name.as_str() == *name).unwrap();
            let path = object.path.as_ref().unwrap();
            assert!(std::fs::read(fetched.dir.join(path)).unwrap() == segment(n), "{name}");
            let is_mapped = mapped.lines().any(|line| line == format!("{path}\t{name}"));
            assert_eq!(is_mapped, *path != format!("data/{name}"), "{name}");
            let safe = path
                .split('/')
                .all(|c| !c.is_empty() && !c.ends_with('.') && !c.contains(['?', ':', '*', '\\', '%']));
            assert!(safe, "{path}");
        }
        stage.front.forget();
        run_of(&stage).await.fetched(&out).await;
        assert_eq!(
            stage.asked().iter().filter(|asked| asked.ends_with("ts")).count(),
            0,
            "a rerun finds them all"
        );
    }
}

#[tokio::test]
async fn a_file_and_a_folder_of_the_same_name_both_have_a_place() {
    for names in [["a.ts", "a.ts/b.ts", "A.ts/c.ts"], ["a.ts/b.ts", "a.ts", "A.TS"]] {
        let stage = stage_of(Kind::Md5, &names).await;
        let (_keep, out) = out();
        let fetched = run_of(&stage).await.fetched(&out).await;
        assert_eq!(fetched.report.outcome(), Outcome::Complete);
        assert!(verified(&fetched.dir).is_whole());
        assert_eq!(payload(&fetched.dir).len(), 4);
        stage.front.forget();
        run_of(&stage).await.fetched(&out).await;
        assert_eq!(stage.asked().iter().filter(|asked| asked.contains(".ts")).count(), 0);
    }
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_no_requests_and_no_files() {
    let stage = stage_of(Kind::Web, &["good.ts"]).await;
    let other = stage_of(Kind::Web, &["good.ts"]).await;
    let host = other.front.url();
    let elsewhere = format!("{host}/{FOLDER}good.ts");
    let protocol_relative = format!("//{}/x.ts", host.trim_start_matches("http://"));
    let names = [
        "../../etc/passwd",
        "/etc/passwd",
        "..\\x.ts",
        &elsewhere,
        &protocol_relative,
        "file:///etc/passwd",
        "good.ts",
        "a/../b.ts",
    ];
    stage.objects.put(key(), playlist(&names));
    let run = run_of(&stage).await;
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Incomplete);
    assert_eq!(findings(&fetched).iter().filter(|code| **code == "unsafe-uri").count(), 1);
    let verdicts: Vec<_> = fetched.report.segments().map(|s| s.verdict.code()).collect();
    assert_eq!(verdicts.iter().filter(|v| **v == "verified").count(), 1, "{verdicts:?}");
    assert_eq!(other.front.requests().len(), 0, "no other host is asked");
    let asked: Vec<_> = stage.asked();
    assert!(asked.iter().all(|asked| !asked.contains("etc") && !asked.contains("..")), "{asked:?}");
    assert_eq!(payload(&fetched.dir).len(), 2);
}

#[tokio::test]
async fn another_host_is_asked_where_that_was_allowed_and_two_queries_are_two_objects() {
    let other = stage_of(Kind::Web, &["x.ts"]).await;
    let stage = stage_of(Kind::Md5, &["good.ts"]).await;
    let url = |query: &str| format!("{}/{FOLDER}x.ts{query}", other.front.url());
    other.objects.put(format!("{FOLDER}x.ts"), segment(1));
    let (one, two) = (url("?part=1"), url("?part=2"));
    stage.objects.put(key(), playlist(&["good.ts", &one, &two]));
    let mut run = run_of(&stage).await;
    run.options.uris = UriPolicy::AllowAbsolute;
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    let queries: std::collections::BTreeSet<_> =
        other.front.requests().into_iter().map(|r| r.query).collect();
    assert_eq!(
        queries.into_iter().collect::<Vec<_>>(),
        ["part=1", "part=2"],
        "neither is taken for the other"
    );
    assert_eq!(fetched.report.segments().count(), 3);
    assert!(verified(&fetched.dir).is_whole());
}

#[tokio::test]
async fn a_rooted_name_is_a_key_of_the_same_bucket_where_that_was_allowed() {
    let stage = stage_of(Kind::Md5, &["good.ts"]).await;
    stage.objects.put("elsewhere/x.ts", segment(1));
    stage.objects.put(key(), playlist(&["good.ts", "/elsewhere/x.ts"]));
    let mut run = run_of(&stage).await;
    let (_keep, out) = out();
    assert_eq!(run.fetched(&out).await.report.outcome(), Outcome::Incomplete);
    run.options.uris = UriPolicy::AllowAbsolute;
    let fetched = run.fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Complete, "{:?}", fetched.report.findings);
    assert!(payload(&fetched.dir).contains_key("from-root/elsewhere/x.ts"));
}

#[tokio::test]
async fn unknown_names_under_the_recordings_prefix_are_kept_and_reported() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.objects.put(format!("{FOLDER}{SID}_math_7b_0.mp4"), mp4::recording(2000, 1));
    stage.objects.put(format!("{FOLDER}{SID}_what is this"), "a note");
    stage.objects.put(format!("{FOLDER}stranger.ts"), "x");
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Complete);
    assert_eq!(findings(&fetched), ["unknown-name"]);
    let files = payload(&fetched.dir);
    assert_eq!(files[&format!("{SID}_what is this")], b"a note");
    assert_eq!(files.len(), 5);
}

#[tokio::test]
async fn a_key_that_cannot_be_a_file_is_reported_and_does_not_stop_the_rest() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.objects.put(format!("{FOLDER}{SID}_a/../b.ts"), "x");
    stage.objects.put(format!("{FOLDER}{SID}_folder/"), "");
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    assert_eq!(findings(&fetched), ["unsafe-key"]);
}

#[tokio::test]
async fn a_control_character_in_a_key_does_not_break_the_listing() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.objects.put(format!("{FOLDER}{SID}_bell\u{7}.ts"), "x");
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    assert_eq!(findings(&fetched), ["unsafe-key"]);
}

#[tokio::test]
async fn something_else_of_the_recording_that_is_lost_is_told_too() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.objects.put(format!("{FOLDER}{SID}_math_7b_0.mp4"), "a film");
    stage.faults.on(".mp4", Script::always(Fault::NotFound));
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Incomplete);
    assert_eq!(fetched.report.segments().filter(|s| s.verdict.is_verified()).count(), 2);
}
