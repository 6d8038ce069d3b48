//! Asking for some forms and leaving out the rest on purpose.

use std::collections::BTreeMap;

use bytes::Bytes;
use recfetch::archive;
use recfetch::domain::only::{Form, Only};
use recfetch::domain::report::Outcome;
use recfetch_test_support::{Fault, Script};

use crate::kit::*;

fn stem() -> String {
    format!("{SID}_math_7b")
}

/// A recording of two slices with two films, a picture, and something unknown.
fn files() -> BTreeMap<String, Bytes> {
    let mut files = originals(&plan(2));
    for (ending, bytes) in [
        ("_0.mp4", film(1)),
        ("_1.mp4", film(2)),
        ("_20260920125142485.jpg", snapshot(1)),
        ("_what", Bytes::from("?")),
    ] {
        files.insert(format!("{}{ending}", stem()), bytes);
    }
    files
}

async fn stage_of(files: &BTreeMap<String, Bytes>) -> Stage {
    let stage = Stage::new(Kind::Md5).await;
    put(&stage.objects, Kind::Md5, FOLDER, files.clone().into_iter().collect());
    stage
}

async fn run_of(stage: &Stage, forms: &[Form]) -> Run {
    let mut run = Run::sid(stage.store("prod").await);
    run.query.only = Only::these(forms.iter().copied());
    run
}

fn of_form(files: &BTreeMap<String, Bytes>, forms: &[Form]) -> BTreeMap<String, Bytes> {
    let wanted = |name: &str| Form::of(name).is_some_and(|form| forms.contains(&form));
    files.iter().filter(|(name, _)| wanted(name)).map(|(n, b)| (n.clone(), b.clone())).collect()
}

#[tokio::test]
async fn complete_is_said_of_what_was_asked_for_and_the_rest_is_not_requested() {
    let files = files();
    for forms in [&[Form::Hls][..], &[Form::Mp4], &[Form::Images], &[Form::Mp4, Form::Images]] {
        let stage = stage_of(&files).await;
        let wanted = of_form(&files, forms);
        let (_keep, out) = out();
        let fetched = run_of(&stage, forms).await.fetched(&out).await;
        assert_eq!(check(&fetched, &wanted), Outcome::Complete, "{forms:?}");
        assert_eq!(findings(&fetched), ["left-out"], "{forms:?}");
        let left: Vec<_> = files.iter().filter(|(name, _)| !wanted.contains_key(*name)).collect();
        let said = fetched.written.left_out.unwrap();
        let bytes: usize = left.iter().map(|(_, bytes)| bytes.len()).sum();
        assert_eq!((said.objects, said.bytes), (left.len(), bytes as u64), "{forms:?}");
        let words: Vec<_> = forms.iter().map(|form| form.word()).collect();
        assert_eq!(fetched.written.only, words);
        for (name, _) in left {
            assert!(
                !stage.asked().iter().any(|asked| asked.ends_with(name.as_str())),
                "{name} was asked for"
            );
        }
        let info = std::fs::read_to_string(fetched.dir.join("bag-info.txt")).unwrap();
        assert!(info.contains(&format!("Fetched-Only: {}", words.join(", "))), "{info}");
    }
}

#[tokio::test]
async fn films_are_whole_by_themselves_where_the_slices_are_gone() {
    let files = of_form(&files(), &[Form::Mp4]);
    let stage = stage_of(&files).await;
    for (forms, outcome, codes) in [
        (&[][..], Outcome::Incomplete, vec!["no-playlist"]),
        (&[Form::Mp4], Outcome::Complete, vec![]),
        (&[Form::Mp4, Form::Hls], Outcome::Incomplete, vec!["no-playlist", "nothing-of"]),
        (&[Form::Images], Outcome::Incomplete, vec!["left-out", "nothing-of"]),
    ] {
        let (_keep, out) = out();
        let fetched = run_of(&stage, forms).await.fetched(&out).await;
        assert_eq!((fetched.report.outcome(), findings(&fetched)), (outcome, codes), "{forms:?}");
    }
}

#[tokio::test]
async fn a_film_that_is_missing_or_wrong_is_no_complete_answer() {
    let mut files = files();
    files.insert(format!("{}_3.mp4", stem()), film(3));
    let stage = stage_of(&files).await;
    for (forms, outcome) in [(&[][..], Outcome::Complete), (&[Form::Mp4], Outcome::Incomplete)] {
        let (_keep, out) = out();
        let fetched = run_of(&stage, forms).await.fetched(&out).await;
        assert_eq!(fetched.report.outcome(), outcome, "{forms:?}");
        let text = fetched.report.findings.iter().find(|f| f.code() == "missing-index").unwrap().to_string();
        assert_eq!(text, "mixed: MP4 2 of 0..3 is not there");
    }
    files.remove(&format!("{}_3.mp4", stem()));
    let stage = stage_of(&files).await;
    stage.faults.on("_1.mp4", Script::always(Fault::NotFound));
    let (_keep, out) = out();
    let fetched = run_of(&stage, &[Form::Mp4]).await.fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Incomplete);
}

#[tokio::test]
async fn another_run_for_another_form_keeps_what_is_there_and_does_not_vouch_for_it() {
    let files = files();
    let stage = stage_of(&files).await;
    let (_keep, out) = out();
    let first = run_of(&stage, &[Form::Hls]).await.fetched(&out).await;
    assert!(first.dir.join("play.m3u8").is_file() && first.written.earlier.is_empty());
    let slices = of_form(&files, &[Form::Hls]);
    for lost in ["nothing", "the journal", "the journal again"] {
        if lost != "nothing" {
            // A bag that was copied without the work folder: the report has to know what lies there.
            std::fs::remove_dir_all(first.dir.join(".recfetch")).unwrap();
        }
        let second = run_of(&stage, &[Form::Mp4]).await.fetched(&out).await;
        let both = of_form(&files, &[Form::Hls, Form::Mp4]);
        assert_eq!(check(&second, &both), Outcome::Complete, "{lost}");
        assert!(payload(&second.dir).len() == both.len(), "what was here stays");
        let manifest = std::fs::read_to_string(second.dir.join("manifest-sha256.txt")).unwrap();
        assert_eq!(manifest.lines().count(), both.len());
        // The report judges the films only, and names the rest as what earlier runs proved.
        assert!(second.written.objects.iter().all(|object| object.name.ends_with(".mp4")));
        assert_eq!(second.written.objects_total.total, 2);
        let earlier: Vec<_> = second.written.earlier.iter().map(|earlier| earlier.name.as_str()).collect();
        assert_eq!(earlier, slices.keys().collect::<Vec<_>>(), "{lost}");
        assert!(!second.dir.join("play.m3u8").exists(), "it belongs to a run that looked at slices");
    }
    // Damage to what was not looked at is not called verified, and verify finds it.
    let slice = first.dir.join("data").join(&plan(2).slice_names()[0]);
    let whole = std::fs::read(&slice).unwrap();
    let mut harmed = whole.clone();
    harmed[20_000] ^= 1;
    std::fs::write(&slice, &harmed).unwrap();
    let damage = archive::verify(&first.dir, &|_| ()).unwrap();
    assert_eq!((damage.damage.len(), damage.exit_code()), (1, 4));
    // And a run for everything proves all of it again, and fetches what is wrong or was never asked for.
    stage.front.forget();
    let all = run_of(&stage, &[]).await.fetched(&out).await;
    assert_eq!(check(&all, &files), Outcome::Complete);
    assert!(all.written.earlier.is_empty() && all.dir.join("play.m3u8").is_file());
    let gets: Vec<_> = stage.asked().into_iter().filter(|asked| asked.starts_with("GET school")).collect();
    assert_eq!(gets.len(), 4, "the playlist, the slice, the picture and the unknown: {gets:?}");
}

#[tokio::test]
async fn a_damaged_file_of_an_earlier_run_leaves_the_manifest() {
    let files = files();
    let stage = stage_of(&files).await;
    let (_keep, out) = out();
    let dir = run_of(&stage, &[Form::Hls]).await.fetched(&out).await.dir;
    let lost = plan(2).slice_names()[1].clone();
    std::fs::write(dir.join("data").join(&lost), "cut").unwrap();
    let second = run_of(&stage, &[Form::Mp4]).await.fetched(&out).await;
    let mut both = of_form(&files, &[Form::Hls, Form::Mp4]);
    both.remove(&lost);
    assert_eq!(check(&second, &both), Outcome::Complete);
    assert!(second.written.earlier.iter().all(|earlier| earlier.name != lost));
    assert!(!payload(&dir).contains_key(&lost), "no manifest vouches for it");
}
