//! The page in the bag: it says where the last run found everything, and belongs to the bag.

use bytes::Bytes;
use recfetch::archive::Damage;
use recfetch::documents::CheckV1;
use recfetch::engine::{Fetched, JoinRequest, join_bag};
use recfetch_test_support::{Fault, Object, Script};
use serde_json::Value;

use crate::kit::*;

fn embedded(page: &str, id: &str) -> String {
    let start = format!("<script type=\"application/json\" id=\"{id}\">");
    let from = page.find(&start).unwrap() + start.len();
    page[from..from + page[from..].find("</script>").unwrap()].to_owned()
}

fn page(fetched: &Fetched) -> String {
    std::fs::read_to_string(fetched.dir.join("report.html")).unwrap()
}

fn shown(fetched: &Fetched) -> (CheckV1, Value) {
    let page = page(fetched);
    let bag = serde_json::from_str(&embedded(&page, "bag")).unwrap();
    (serde_json::from_str(&embedded(&page, "check")).unwrap(), bag)
}

/// Presence, store and what is wrong, per segment.
fn segments_of(check: &CheckV1) -> Vec<(&str, Option<&str>, bool)> {
    let segments = check.tracks.iter().flat_map(|track| &track.segments);
    let wrong =
        |media: &Option<recfetch::documents::MediaV1>| media.as_ref().is_some_and(|m| m.wrong.is_some());
    segments.map(|s| (s.presence.as_str(), s.store.as_deref(), wrong(&s.media))).collect()
}

#[tokio::test]
async fn it_says_where_each_segment_is_and_what_the_fetch_came_to() {
    let plan = plan(6);
    let (stage, backup) = (Stage::of(Kind::Md5, &plan).await, Stage::of(Kind::Web, &plan).await);
    let names = plan.slice_names();
    for lacking in [1, 2, 3] {
        stage.objects.remove(&format!("{FOLDER}{}", names[lacking]));
    }
    backup.objects.remove(&format!("{FOLDER}{}", names[2]));
    backup.faults.on(&names[3], Script::always(Fault::Denied));
    for place in [&stage, &backup] {
        place
            .objects
            .put(format!("{FOLDER}{}", names[4]), Object::new(Bytes::from_static(b"<html>no</html>")));
    }
    let run = Run::sid(stage.store("prod").await).with_fallback(backup.store("backup").await);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    let (check, bag) = shown(&fetched);
    let present = ("present", None, false);
    let wanted = [
        present,
        ("elsewhere", Some("backup"), false),
        ("lost", None, false),
        ("unknown", None, false),
        ("present", None, true),
        present,
    ];
    assert_eq!(segments_of(&check), wanted);
    assert_eq!(check.recording, SID);
    assert_eq!(check.depth, "whole");
    assert_eq!(check.at, fetched.written.finished);
    assert_eq!((&bag["outcome"], &bag["exit_code"]), (&Value::from("corrupt"), &Value::from(4)));
    assert_eq!((&bag["segments"], &bag["segments_verified"]), (&Value::from(6), &Value::from(3)));
    assert_eq!(check.stores.iter().map(|store| store.name.as_str()).collect::<Vec<_>>(), ["prod", "backup"]);

    let tags = std::fs::read_to_string(fetched.dir.join("tagmanifest-sha256.txt")).unwrap();
    assert!(tags.lines().any(|line| line.ends_with("  report.html")), "{tags}");
    assert!(verified(&fetched.dir).is_whole());
}

#[tokio::test]
async fn a_run_with_nothing_to_do_writes_the_same_page_but_for_its_time() {
    for kind in [Kind::Md5, Kind::Web] {
        let plan = plan(4);
        let (stage, backup) = (Stage::of(kind, &plan).await, Stage::of(Kind::Web, &plan).await);
        stage.objects.remove(&format!("{FOLDER}{}", plan.slice_names()[1]));
        let run = Run::sid(stage.store("prod").await).with_fallback(backup.store("backup").await);
        let run = run.key_if_web(kind, &plan);
        let (_keep, out) = out();
        let (first, again) = (run.fetched(&out).await, run.fetched(&out).await);
        let pages = [&first, &again].map(|fetched| {
            let (check, bag) = shown(fetched);
            assert_eq!(segments_of(&check)[1], ("elsewhere", Some("backup"), false), "{kind:?}");
            assert_eq!(bag["outcome"], "complete");
            (CheckV1 { at: String::new(), ..check }, bag)
        });
        assert_eq!(pages[0], pages[1], "{kind:?}");
    }
}

#[tokio::test]
async fn a_changed_page_is_noticed_and_joining_later_leaves_it_alone() {
    let stage = Stage::of(Kind::Md5, &plan(3)).await;
    let run = Run::sid(stage.store("prod").await);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    let before = page(&fetched);
    let dir = fetched.dir.clone();
    let joined =
        tokio::task::spawn_blocking(move || join_bag(&dir, &JoinRequest::default(), &Told::default()));
    joined.await.unwrap().unwrap();
    assert_eq!(page(&fetched), before);
    assert!(verified(&fetched.dir).is_whole());

    std::fs::write(fetched.dir.join("report.html"), before.replacen("Complete and verified", "Complete", 1))
        .unwrap();
    let damage = verified(&fetched.dir).damage;
    assert!(matches!(&damage[..], [Damage::Changed { path, .. }] if path == "report.html"), "{damage:?}");
}
