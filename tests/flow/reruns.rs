//! Second runs: what is proven is not fetched again, what is not is, and nothing of anybody else is touched.

use std::path::Path;
use std::time::Duration;

use recfetch::archive::{Error, Trust};
use recfetch::domain::key::ObjectName;
use recfetch::domain::report::{Origin, Outcome};
use recfetch::engine::FetchError;
use recfetch_test_support::{Fault, Script};

use crate::kit::*;

async fn first(kind: Kind, count: usize) -> (Stage, Run, tempfile::TempDir, std::path::PathBuf) {
    let plan = plan(count);
    let stage = Stage::of(kind, &plan).await;
    let run = Run::sid(stage.store("prod").await).key_if_web(kind, &plan);
    let (keep, out) = out();
    (stage, run, keep, out)
}

fn refused(failed: Result<recfetch::engine::Fetched, Failed>) -> Error {
    match failed {
        Err(Failed::Fetch(FetchError::Archive { cause, .. })) => cause,
        other => panic!("{:?}", other.map(|fetched| fetched.report.outcome())),
    }
}

fn flip_keeping_the_time(path: &Path) {
    let time = std::fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    bytes[20_000] ^= 1;
    std::fs::write(path, bytes).unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[tokio::test]
async fn a_second_run_lists_and_reads_the_playlist_and_nothing_else() {
    let (stage, run, _keep, out) = first(Kind::Md5, 4).await;
    run.fetched(&out).await;
    stage.front.forget();
    let again = run.fetched(&out).await;
    let plan = plan(4);
    assert_eq!(check(&again, &originals(&plan)), Outcome::Complete);
    let gets: Vec<_> = stage.asked().into_iter().filter(|asked| asked.contains("math_7b")).collect();
    assert_eq!(gets, [format!("GET {FOLDER}{}", plan.playlist_name())]);
    assert!(again.report.objects.iter().all(|object| object.origin == Origin::Kept));
    assert_eq!(verdict(object(&again, &plan.slice_names()[0])), "verified by the md5 that prod publishes");
}

#[tokio::test]
async fn a_byte_that_was_flipped_on_disk_is_found_and_fetched_again() {
    let (stage, mut run, _keep, out) = first(Kind::Md5, 4).await;
    let dir = run.fetched(&out).await.dir;
    let plan = plan(4);
    let name = &plan.slice_names()[2];
    flip_keeping_the_time(&dir.join("data").join(name));
    assert!(!verified(&dir).is_whole());

    // Whoever trusts times does not look.
    run.options.trust = Trust::Mtime;
    stage.front.forget();
    run.fetched(&out).await;
    assert_eq!(stage.front.gets(name), 0);
    assert!(!verified(&dir).is_whole());

    run.options.trust = Trust::Hash;
    let again = run.fetched(&out).await;
    assert_eq!(check(&again, &originals(&plan)), Outcome::Complete);
    assert_eq!(stage.front.gets(name), 1);
    assert_eq!(stage.front.gets(&plan.slice_names()[1]), 0);
}

#[tokio::test]
async fn a_file_that_was_deleted_cut_or_made_longer_is_fetched_again() {
    let (stage, mut run, _keep, out) = first(Kind::Web, 4).await;
    let dir = run.fetched(&out).await.dir;
    let plan = plan(4);
    let names = plan.slice_names();
    let data = dir.join("data");
    for trust in [Trust::Hash, Trust::Mtime] {
        run.options.trust = trust;
        stage.front.forget();
        std::fs::remove_file(data.join(&names[0])).unwrap();
        std::fs::write(data.join(&names[1]), &segment(1)[..5_000]).unwrap();
        std::fs::write(data.join(&names[2]), [segment(2), segment(2)].concat()).unwrap();
        let again = run.fetched(&out).await;
        assert_eq!(check(&again, &originals(&plan)), Outcome::Complete);
        let gets: Vec<_> = names.iter().map(|name| stage.front.gets(name)).collect();
        assert_eq!(gets, [1, 1, 1, 0]);
    }
}

#[tokio::test]
async fn a_damaged_file_that_nobody_has_any_more_is_not_called_verified() {
    let (stage, run, _keep, out) = first(Kind::Md5, 4).await;
    let dir = run.fetched(&out).await.dir;
    let plan = plan(4);
    let name = &plan.slice_names()[2];
    flip_keeping_the_time(&dir.join("data").join(name));
    stage.objects.remove(&format!("{FOLDER}{name}"));
    let again = run.fetched(&out).await;
    assert_eq!(check(&again, &originals(&plan)), Outcome::Incomplete);
    assert_eq!(verdict(object(&again, name)), "absent in prod");
}

#[tokio::test]
async fn a_segment_that_the_store_lost_since_is_kept() {
    let (stage, run, _keep, out) = first(Kind::Md5, 4).await;
    run.fetched(&out).await;
    let plan = plan(4);
    stage.objects.remove(&format!("{FOLDER}{}", plan.slice_names()[2]));
    assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Complete);
}

#[tokio::test]
async fn an_incomplete_recording_becomes_complete_when_the_object_appears() {
    let (stage, run, _keep, out) = first(Kind::Md5, 4).await;
    let plan = plan(4);
    let name = &plan.slice_names()[1];
    let object_there = stage.objects.remove(&format!("{FOLDER}{name}")).unwrap();
    assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Incomplete);
    let info = std::fs::read_to_string(out.join(SID).join("bag-info.txt")).unwrap();
    assert!(info.contains("Recording-State: incomplete"), "{info}");
    stage.objects.put(format!("{FOLDER}{name}"), object_there);
    stage.front.forget();
    assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Complete);
    assert_eq!(plan.slice_names().iter().map(|n| stage.front.gets(n)).sum::<usize>(), 1);
    assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Complete);
}

#[tokio::test]
async fn a_journal_that_a_crash_cut_loses_one_object_and_no_more() {
    let (stage, run, _keep, out) = first(Kind::Md5, 4).await;
    let dir = run.fetched(&out).await.dir;
    let plan = plan(4);
    let journal = dir.join(".recfetch/journal.ndjson");
    let text = std::fs::read_to_string(&journal).unwrap();
    let last = text.lines().last().unwrap();
    let lost: String =
        plan.slice_names().into_iter().chain([plan.playlist_name()]).find(|n| last.contains(n)).unwrap();
    // As it is when power fails while the line is written: no seal, and no file under that name yet.
    std::fs::write(&journal, &text[..text.len() - last.len() / 2]).unwrap();
    std::fs::remove_file(dir.join("data").join(&lost)).unwrap();
    std::fs::remove_file(dir.join("bagit.txt")).unwrap();
    std::fs::write(dir.join(".recfetch/partial/7.part"), "half").unwrap();
    stage.front.forget();
    assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Complete);
    let segments = plan.slice_names().iter().map(|n| stage.front.gets(n)).sum::<usize>();
    assert_eq!(segments, usize::from(!lost.ends_with("m3u8")));
    assert_eq!(
        check(&run.fetched(&out).await, &originals(&plan)),
        Outcome::Complete,
        "the journal is mended"
    );
}

#[tokio::test]
async fn a_sealed_bag_is_taken_over_although_its_journal_is_cut_or_gone() {
    let (stage, run, _keep, out) = first(Kind::Md5, 4).await;
    let dir = run.fetched(&out).await.dir;
    let plan = plan(4);
    let journal = dir.join(".recfetch/journal.ndjson");
    let text = std::fs::read_to_string(&journal).unwrap();
    type Damage<'a> = &'a dyn Fn();
    let cut = || std::fs::write(&journal, &text[..text.len() - 20]).unwrap();
    let emptied = || std::fs::write(&journal, "").unwrap();
    let garbled = || std::fs::write(&journal, vec![0; 4096]).unwrap();
    let removed = || std::fs::remove_file(&journal).unwrap();
    let all_gone = || std::fs::remove_dir_all(dir.join(".recfetch")).unwrap();
    let damages: [Damage<'_>; 5] = [&cut, &emptied, &garbled, &removed, &all_gone];
    for (n, damage) in damages.into_iter().enumerate() {
        damage();
        stage.front.forget();
        assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Complete, "{n}");
        assert_eq!(plan.slice_names().iter().map(|n| stage.front.gets(n)).sum::<usize>(), 0, "{n}");
    }
    // A byte that was flipped meanwhile is found there too.
    std::fs::remove_dir_all(dir.join(".recfetch")).unwrap();
    flip_keeping_the_time(&dir.join("data").join(&plan.slice_names()[0]));
    assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Complete);
}

#[tokio::test]
async fn a_file_that_recfetch_did_not_write_stops_the_run_and_stays() {
    let (_stage, run, _keep, out) = first(Kind::Md5, 3).await;
    let dir = out.join(SID);
    // In the payload of a bag of ours.
    run.fetched(&out).await;
    std::fs::write(dir.join("data/notes.txt"), "precious").unwrap();
    assert!(
        matches!(refused(run.go(&out).await), Error::Foreign { path } if path.ends_with("data/notes.txt"))
    );
    assert_eq!(std::fs::read(dir.join("data/notes.txt")).unwrap(), b"precious");
    // A folder that is no bag.
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("diary.txt"), "precious").unwrap();
    assert!(matches!(refused(run.go(&out).await), Error::Foreign { .. }));
    assert_eq!(files_below(&dir).len(), 1);
    // A file in the place of the folder.
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::write(&dir, "precious").unwrap();
    refused(run.go(&out).await);
    assert_eq!(std::fs::read(&dir).unwrap(), b"precious");
}

#[tokio::test]
async fn the_bag_of_another_recording_is_left_alone_whatever_is_left_of_its_journal() {
    let (_stage, run, _keep, out) = first(Kind::Md5, 3).await;
    let plan = plan(3);
    run.fetched(&out).await;
    let mut other = plan.clone();
    other.sid = "ffff".repeat(8);
    let stage = Stage::of(Kind::Md5, &other).await;
    let mut run = Run::sid(stage.store("prod").await);
    run.target = recfetch::engine::Target::parse(&other.sid).unwrap();
    std::fs::rename(out.join(SID), out.join(&other.sid)).unwrap();
    let dir = out.join(&other.sid);
    let before = files_below(&dir);
    let is_other = |error: Error| matches!(error, Error::AnotherRecording { theirs, .. } if theirs == SID);
    assert!(is_other(refused(run.go(&out).await)), "by its journal");
    assert_eq!(files_below(&dir), before);
    std::fs::remove_file(dir.join(".recfetch/journal.ndjson")).unwrap();
    assert!(is_other(refused(run.go(&out).await)), "without a journal");
    std::fs::remove_dir_all(dir.join(".recfetch")).unwrap();
    assert!(is_other(refused(run.go(&out).await)), "without anything of ours");
    for (name, bytes) in files_below(&dir) {
        assert!(before.get(&name) == Some(&bytes), "{name} is as it was");
    }
}

#[tokio::test]
async fn a_second_run_at_the_same_time_says_so_and_leaves() {
    let (stage, run, _keep, out) = first(Kind::Md5, 3).await;
    let plan = plan(3);
    stage.faults.on(&plan.slice_names()[0], Script::once(Fault::Delay(400)));
    let later = async {
        while stage.front.gets(&plan.slice_names()[1]) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        refused(run.go(&out).await)
    };
    let (fetched, error) = tokio::join!(run.fetched(&out), later);
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
}

#[tokio::test]
async fn a_run_that_is_cancelled_leaves_what_a_rerun_finishes() {
    let (stage, mut run, _keep, out) = first(Kind::Md5, 6).await;
    let plan = plan(6);
    for name in plan.slice_names() {
        stage.faults.on(&name, Script::once(Fault::Slow { bytes_per_sec: 200_000 }));
    }
    let cancel = run.cancel.clone();
    let told = run.told.clone();
    let stop = async move {
        while told.lines("received").len() < 8 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
    };
    let (fetched, ()) = tokio::join!(run.fetched(&out), stop);
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Interrupted);
    assert!(fetched.report.segments().any(|s| !s.verdict.is_verified()));
    run.cancel = tokio_util::sync::CancellationToken::new();
    assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_dropped_at_any_moment_leaves_what_a_rerun_finishes() {
    let (_stage, run, _keep, out) = first(Kind::Md5, 6).await;
    let plan = plan(6);
    let mut interrupted = 0;
    for moment in [5_u64, 10, 15, 20, 25, 30, 40, 60] {
        let ended = tokio::time::timeout(Duration::from_millis(moment), run.go(&out)).await;
        interrupted += usize::from(ended.is_err());
        for (name, bytes) in payload(&out.join(SID)) {
            assert!(originals(&plan)[&name] == bytes, "{name}");
        }
        // A file that was being synced when its run went keeps the lock for a moment.
        for _ in 0..100 {
            match run.go(&out).await {
                Err(Failed::Fetch(FetchError::Archive { cause: Error::Locked { .. }, .. })) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Ok(fetched) => {
                    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
                    break;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        std::fs::remove_dir_all(&out).unwrap();
    }
    assert!(interrupted > 0, "some run was dropped on its way");
}

#[tokio::test]
async fn a_playlist_that_changed_is_written_again_and_the_new_segments_are_fetched() {
    let (stage, run, _keep, out) = first(Kind::Md5, 4).await;
    let mut short = plan(2);
    short.ending = recfetch_test_support::recording::Ending::Open;
    let key = format!("{FOLDER}{}", short.playlist_name());
    let whole = stage.objects.get(&key).unwrap();
    stage.objects.put(key.clone(), short.playlist());
    let fetched = run.fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Incomplete);
    assert_eq!(findings(&fetched), ["not-ended", "orphan"]);
    stage.objects.put(key, whole);
    stage.front.forget();
    let again = run.fetched(&out).await;
    assert_eq!(check(&again, &originals(&plan(4))), Outcome::Complete);
    assert_eq!(plan(4).slice_names().iter().map(|n| stage.front.gets(n)).sum::<usize>(), 0);
}

#[tokio::test]
async fn records_survive_in_the_archive_only_with_their_file() {
    let (_stage, run, _keep, out) = first(Kind::Md5, 3).await;
    let dir = run.fetched(&out).await.dir;
    let id = recfetch::domain::recording::RecordingId::parse(SID).unwrap();
    let archive = recfetch::archive::Archive::open(&dir, &id).unwrap();
    assert_eq!(archive.records().len(), 4);
    let name = ObjectName::parse(&plan(3).slice_names()[0]).unwrap();
    let record = archive.record(&name).unwrap();
    assert_eq!(archive.examine(&record, Trust::Hash).unwrap(), recfetch::archive::Presence::Proven);
    archive.withdraw(&name).unwrap();
    assert!(archive.record(&name).is_none() && !dir.join(&record.path).exists());
}

#[tokio::test]
async fn what_was_verified_by_the_store_stays_verified_by_it_after_a_rerun_from_the_report() {
    let (_stage, run, _keep, out) = first(Kind::Crc, 3).await;
    let dir = run.fetched(&out).await.dir;
    std::fs::remove_dir_all(dir.join(".recfetch")).unwrap();
    let again = run.fetched(&out).await;
    let evidence: Vec<_> = again.report.segments().map(verdict).collect();
    assert_eq!(evidence, vec!["verified by the crc64nvme that prod publishes"; 3]);
    assert!(again.report.objects.iter().all(|object| object.origin == Origin::Kept));
}
