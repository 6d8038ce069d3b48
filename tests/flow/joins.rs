//! From segments to one file: byte for byte, or not at all, or with the gap in its name.

use recfetch::archive::{Error, Trust};
use recfetch::domain::report::Outcome;
use recfetch::engine::{FetchError, Fetched, Gaps, JoinError, JoinOutcome, JoinRequest, JoinTo, join_bag};
use recfetch_test_support::{Fault, Script};

use crate::kit::*;

fn beside(gaps: Gaps) -> JoinRequest {
    JoinRequest { to: JoinTo::BesideBag, gaps, track: None, ..JoinRequest::default() }
}

async fn joined(
    stage: &Stage,
    request: JoinRequest,
) -> (tempfile::TempDir, std::path::PathBuf, Run, Fetched) {
    let mut run = Run::sid(stage.store("prod").await);
    run.join = Some(request);
    let (keep, out) = out();
    let fetched = run.fetched(&out).await;
    (keep, out, run, fetched)
}

#[tokio::test]
async fn a_whole_recording_becomes_one_file_byte_for_byte() {
    let plan = plan(4);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out, run, fetched) = joined(&stage, beside(Gaps::Refuse)).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    let file = out.join(format!("{SID}.ts"));
    assert!(std::fs::read(&file).unwrap() == segments(4).concat());
    let report = recfetch::archive::report(&fetched.dir).unwrap().unwrap();
    assert_eq!((report.joined.len(), report.joined[0].segments), (1, 4));
    let files: Vec<_> = std::fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(files.len(), 2, "nothing unfinished lies beside it: {files:?}");
    // Again over our own file.
    let again = run.fetched(&out).await;
    assert!(matches!(again.joined, JoinOutcome::Done(_)));
    // Somebody else's file of that name stays.
    std::fs::write(&file, "precious").unwrap();
    let refused = run.go(&out).await;
    assert!(
        matches!(
            &refused,
            Err(Failed::Fetch(FetchError::Join { cause: JoinError::Archive(Error::Foreign { .. }), .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    assert!(verified(&fetched.dir).is_whole(), "the bag is sealed all the same");
}

#[tokio::test]
async fn a_foreign_file_is_left_alone_by_the_first_run_too() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out) = out();
    std::fs::create_dir_all(&out).unwrap();
    let file = out.join("lesson.ts");
    std::fs::write(&file, "precious").unwrap();
    let mut run = Run::sid(stage.store("prod").await);
    run.join = Some(JoinRequest {
        to: JoinTo::File(file.clone()),
        gaps: Gaps::Refuse,
        track: None,
        ..JoinRequest::default()
    });
    assert!(matches!(run.go(&out).await, Err(Failed::Fetch(FetchError::Join { .. }))));
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
}

#[tokio::test]
async fn a_missing_segment_refuses_with_its_name_or_is_said_in_the_files_name() {
    let plan = plan(4);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let name = plan.slice_names()[1].clone();
    stage.objects.remove(&format!("{FOLDER}{name}"));
    let (_keep, out, mut run, fetched) = joined(&stage, beside(Gaps::Refuse)).await;
    let JoinOutcome::Refused(refusal) = &fetched.joined else { panic!("{:?}", fetched.joined) };
    assert_eq!(refusal.missing, std::slice::from_ref(&name));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1, "only the bag");

    run.join = Some(beside(Gaps::Allow));
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Incomplete);
    let file = out.join(format!("{SID}.partial.ts"));
    assert!(std::fs::read(file).unwrap() == [segment(0), segment(2), segment(3)].concat());
    assert!(!out.join(format!("{SID}.ts")).exists());
    assert_eq!(fetched.written.joined[0].gaps, std::slice::from_ref(&name));
    let play = std::fs::read_to_string(fetched.dir.join("play.m3u8")).unwrap();
    let gap = play.lines().position(|line| line == "#EXT-X-GAP").unwrap();
    assert!(play.lines().skip(gap).take(3).any(|line| line.ends_with(&name)), "{play}");
    assert!(play.contains("#EXT-X-ENDLIST"));
    for wanted in plan.slice_names() {
        assert!(play.contains(&format!("data/{wanted}")), "{play}");
    }
}

#[tokio::test]
async fn a_loss_that_no_segment_shows_refuses_too() {
    let mut plan = plan(3);
    plan.gaps_ms = vec![(0, 7000)];
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out, _run, fetched) = joined(&stage, beside(Gaps::Refuse)).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Incomplete);
    assert_eq!(findings(&fetched), ["unlisted-gap"]);
    let JoinOutcome::Refused(refusal) = &fetched.joined else { panic!("{:?}", fetched.joined) };
    assert!(refusal.missing.is_empty() && refusal.losses.len() == 1);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
    let play = std::fs::read_to_string(fetched.dir.join("play.m3u8")).unwrap();
    assert!(play.contains("#EXT-X-DISCONTINUITY"), "{play}");
}

#[tokio::test]
async fn each_track_of_an_individual_recording_has_its_file() {
    let stage = Stage::new(Kind::Md5).await;
    let mut originals = std::collections::BTreeMap::new();
    for (uid, kind, first) in [(123, "audio", 0), (123, "video", 3), (456, "audio", 6)] {
        let mut plan = plan(2);
        plan.track = Some((uid, kind.to_owned()));
        let files = plan.files(&[segment(first), segment(first + 1)]);
        originals.extend(files.iter().cloned());
        put(&stage.objects, Kind::Md5, FOLDER, files);
    }
    let (_keep, out, mut run, fetched) = joined(&stage, beside(Gaps::Refuse)).await;
    assert_eq!(check(&fetched, &originals), Outcome::Complete);
    let JoinOutcome::Done(files) = &fetched.joined else { panic!("{:?}", fetched.joined) };
    assert_eq!(files.len(), 3);
    for (uid, kind, first) in [(123, "audio", 0), (123, "video", 3), (456, "audio", 6)] {
        let file = out.join(format!("{SID}__uid_s_{uid}__uid_e_{kind}.ts"));
        assert!(std::fs::read(file).unwrap() == [segment(first), segment(first + 1)].concat());
        assert!(fetched.dir.join(format!("play_uid_{uid}_{kind}.m3u8")).is_file());
    }
    // One file cannot hold three tracks; one track of them can be named.
    let one = out.join("one.ts");
    run.join = Some(JoinRequest {
        to: JoinTo::File(one.clone()),
        gaps: Gaps::Refuse,
        track: None,
        ..JoinRequest::default()
    });
    assert!(matches!(
        run.go(&out).await,
        Err(Failed::Fetch(FetchError::Join { cause: JoinError::SeveralTracks { .. }, .. }))
    ));
    run.join.as_mut().unwrap().track = Some("uid 456 audio".to_owned());
    run.fetched(&out).await;
    assert!(std::fs::read(one).unwrap() == [segment(6), segment(7)].concat());
    run.join.as_mut().unwrap().track = Some("uid 9 audio".to_owned());
    assert!(matches!(
        run.go(&out).await,
        Err(Failed::Fetch(FetchError::Join { cause: JoinError::NoSuchTrack { .. }, .. }))
    ));
}

#[tokio::test]
async fn a_bag_is_joined_later_only_as_it_was_proven() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out) = out();
    let dir = Run::sid(stage.store("prod").await).fetched(&out).await.dir;
    let (report, outcome) = join_bag(&dir, &beside(Gaps::Refuse), &()).unwrap();
    assert!(matches!(outcome, JoinOutcome::Done(_)));
    assert_eq!(report.joined.len(), 1);
    assert!(std::fs::read(out.join(format!("{SID}.ts"))).unwrap() == segments(3).concat());
    let whole = verified(&dir);
    assert!(whole.is_whole(), "{:?}", whole.damage);

    let path = dir.join("data").join(&plan.slice_names()[1]);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    std::fs::remove_file(out.join(format!("{SID}.ts"))).unwrap();
    for gaps in [Gaps::Refuse, Gaps::Allow] {
        assert!(matches!(join_bag(&dir, &beside(gaps), &()), Err(JoinError::Damaged { .. })));
    }
    std::fs::remove_file(&path).unwrap();
    // What somebody removed is missing, which is another thing than changed.
    let (_, outcome) = join_bag(&dir, &beside(Gaps::Refuse), &()).unwrap();
    let JoinOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.missing, [plan.slice_names()[1].clone()]);
    assert!(!out.join(format!("{SID}.ts")).exists());
    assert!(matches!(join_bag(&out, &beside(Gaps::Refuse), &()), Err(JoinError::NoReport { .. })));
}

#[tokio::test]
async fn a_bag_of_an_incomplete_recording_is_joined_later_with_its_gap_in_the_name() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.faults.on(&plan.slice_names()[1], Script::always(Fault::Html));
    let (_keep, out) = out();
    let dir = Run::sid(stage.store("prod").await).fetched(&out).await.dir;
    let (_, outcome) = join_bag(&dir, &beside(Gaps::Refuse), &()).unwrap();
    assert!(matches!(outcome, JoinOutcome::Refused(_)));
    let file = out.join("lesson.mp2t");
    let request = JoinRequest {
        to: JoinTo::File(file.clone()),
        gaps: Gaps::Allow,
        track: None,
        ..JoinRequest::default()
    };
    join_bag(&dir, &request, &()).unwrap();
    assert!(!file.exists(), "a file with gaps does not get a whole file's name");
    assert!(std::fs::read(out.join("lesson.partial.ts")).unwrap() == [segment(0), segment(2)].concat());
}

#[tokio::test]
async fn what_is_joined_was_hashed_in_the_same_run_unless_times_are_trusted() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out, mut run, fetched) = joined(&stage, beside(Gaps::Refuse)).await;
    let path = fetched.dir.join("data").join(&plan.slice_names()[1]);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    run.options.trust = Trust::Hash;
    run.fetched(&out).await;
    assert!(std::fs::read(out.join(format!("{SID}.ts"))).unwrap() == segments(3).concat());
}
