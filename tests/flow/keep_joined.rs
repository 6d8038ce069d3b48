//! `--keep joined`: only the joined file and the proof of every segment in it, in one pass.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use recfetch::archive::{Damage, Error};
use recfetch::domain::report::{Origin, Outcome};
use recfetch::engine::{
    FetchError, Fetched, Fetcher, Gaps, JoinOutcome, JoinRequest, JoinTo, Keep, LOOK_AHEAD,
};
use recfetch::event::{Event, Observer};
use recfetch_test_support::{Fault, Plan, Script};
use tokio_util::sync::CancellationToken;

use crate::kit::*;
use crate::runs::sized;

async fn run(stage: &Stage, gaps: Gaps) -> Run {
    let mut run = Run::sid(stage.store("prod").await);
    run.options.keep = Keep::Joined;
    run.join = Some(JoinRequest { gaps, ..JoinRequest::default() });
    run
}

/// What holds for every bag that is kept joined: it validates, and each segment lies where the report says.
fn is_proven(fetched: &Fetched, plan: &Plan, bytes: &[Bytes]) {
    let whole = verified(&fetched.dir);
    assert!(whole.is_whole(), "{:?}", whole.damage);
    assert_eq!(whole.exit_code(), fetched.report.outcome().exit_code());
    let names = plan.slice_names();
    let tsv = std::fs::read_to_string(fetched.dir.join("joined.tsv")).unwrap_or_default();
    for object in &fetched.written.objects {
        let Some(n) = names.iter().position(|name| *name == object.name) else { continue };
        let (Some(path), Some(offset)) = (&object.path, object.offset) else { continue };
        let file = std::fs::read(fetched.dir.join(path)).unwrap();
        let offset = usize::try_from(offset).unwrap();
        assert!(file[offset..offset + bytes[n].len()] == bytes[n], "{}", object.name);
        assert!(tsv.lines().any(|line| line.starts_with(path) && line.ends_with(&object.name)), "{tsv}");
    }
    assert_eq!(partial(&fetched.dir), Vec::<String>::new());
}

fn segments_asked(stage: &Stage) -> usize {
    stage.asked().iter().filter(|line| line.starts_with("GET") && line.ends_with(".ts")).count()
}

fn names(dir: &Path) -> Vec<String> {
    payload(dir).into_keys().collect()
}

#[tokio::test]
async fn the_bag_holds_one_file_and_the_proof_of_every_segment() {
    let plan = plan(6);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out) = out();
    let run = run(&stage, Gaps::Refuse).await;
    let fetched = run.fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Complete);
    assert_eq!(names(&fetched.dir), [format!("{SID}.ts"), plan.playlist_name()]);
    assert!(std::fs::read(fetched.dir.join(format!("data/{SID}.ts"))).unwrap() == segments(6).concat());
    is_proven(&fetched, &plan, &segments(6));
    assert!(!fetched.dir.join(".recfetch/joined").exists());
    let joined = &fetched.written.joined[0];
    assert_eq!((joined.path.clone(), joined.segments), (Some(format!("data/{SID}.ts")), 6));
    let play = std::fs::read_to_string(fetched.dir.join("play.m3u8")).unwrap();
    assert_eq!(play.lines().filter(|line| line.starts_with("#EXT-X-BYTERANGE:")).count(), 6, "{play}");
    assert!(!play.contains("EXT-X-GAP"));

    // Again: nothing is fetched, and the same is said. Also where the bag was copied without its work folder.
    let asked = segments_asked(&stage);
    for copied in [false, true] {
        if copied {
            std::fs::remove_dir_all(fetched.dir.join(".recfetch")).unwrap();
        }
        let again = run.fetched(&out).await;
        assert_eq!(segments_asked(&stage), asked);
        assert_eq!(
            (&again.written.joined, again.report.outcome()),
            (&fetched.written.joined, Outcome::Complete)
        );
        assert!(again.report.segments().all(|segment| segment.origin == Origin::Kept));
        is_proven(&again, &plan, &segments(6));
    }
    // And it can be joined once more, to another place.
    let other = out.join("other.ts");
    let request = JoinRequest { to: JoinTo::File(other.clone()), ..JoinRequest::default() };
    recfetch::engine::join_bag(&fetched.dir, &request, &()).unwrap();
    assert!(std::fs::read(other).unwrap() == segments(6).concat());
}

#[tokio::test]
async fn a_flipped_byte_names_its_segment_and_is_fetched_again() {
    let plan = plan(4);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out) = out();
    let run = run(&stage, Gaps::Refuse).await;
    let fetched = run.fetched(&out).await;
    let file = fetched.dir.join(format!("data/{SID}.ts"));
    let mut bytes = std::fs::read(&file).unwrap();
    let at = segment(0).len() + segment(1).len() + 777;
    bytes[at] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let damaged = verified(&fetched.dir);
    assert_eq!(damaged.exit_code(), 4);
    let parts = damaged.damage.iter().filter_map(|d| match d {
        Damage::Part { name, .. } => Some(name.clone()),
        _ => None,
    });
    assert_eq!(parts.collect::<Vec<_>>(), [plan.slice_names()[2].clone()]);
    let asked = segments_asked(&stage);
    let again = run.fetched(&out).await;
    assert!(std::fs::read(&file).unwrap() == segments(4).concat());
    assert_eq!(segments_asked(&stage) - asked, 1, "the others come from the file");
    is_proven(&again, &plan, &segments(4));
    // Cut off in the last one.
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(at as u64).unwrap();
    assert_eq!(verified(&fetched.dir).exit_code(), 4);
}

#[tokio::test]
async fn a_gap_refuses_keeps_what_is_proven_and_is_filled_later() {
    let plan = plan(5);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let key = format!("{FOLDER}{}", plan.slice_names()[2]);
    let object = stage.objects.remove(&key).unwrap();
    let (_keep, out) = out();
    let mut run = run(&stage, Gaps::Refuse).await;
    let refused = run.fetched(&out).await;
    assert_eq!(refused.report.outcome(), Outcome::Incomplete);
    assert!(matches!(&refused.joined, JoinOutcome::Refused(r) if r.missing.len() == 1));
    assert_eq!(names(&refused.dir), [plan.playlist_name()], "nothing has a final name");
    is_proven(&refused, &plan, &segments(5));
    let asked = segments_asked(&stage);

    run.join = Some(JoinRequest { gaps: Gaps::Allow, ..JoinRequest::default() });
    let gap = run.fetched(&out).await;
    assert_eq!(segments_asked(&stage) - asked, 1, "only the one that is missing");
    assert_eq!(gap.report.outcome(), Outcome::Incomplete);
    assert_eq!(names(&gap.dir), [format!("{SID}.partial.ts"), plan.playlist_name()]);
    assert_eq!(gap.written.joined[0].gaps, [plan.slice_names()[2].clone()]);
    is_proven(&gap, &plan, &segments(5));
    // Without --allow-gaps it is refused again, and the file stays.
    run.join = Some(JoinRequest::default());
    let still = run.fetched(&out).await;
    assert!(matches!(still.joined, JoinOutcome::Refused(_)));
    assert_eq!(still.written.joined, gap.written.joined);
    is_proven(&still, &plan, &segments(5));

    stage.objects.put(key, object);
    let asked = segments_asked(&stage);
    let whole = run.fetched(&out).await;
    assert_eq!(segments_asked(&stage) - asked, 2, "the rest comes from the file that was there");
    assert_eq!(whole.report.outcome(), Outcome::Complete);
    assert_eq!(names(&whole.dir), [format!("{SID}.ts"), plan.playlist_name()]);
    assert!(std::fs::read(whole.dir.join(format!("data/{SID}.ts"))).unwrap() == segments(5).concat());
    is_proven(&whole, &plan, &segments(5));
}

#[tokio::test]
async fn an_interrupted_run_goes_on_where_the_journal_proves_it() {
    let plan = plan(8);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out) = out();
    let mut run = run(&stage, Gaps::Refuse).await;
    run.options.jobs = 1;
    struct Stop(CancellationToken, AtomicUsize);
    impl Observer for Stop {
        fn on_event(&self, event: &Event<'_>) {
            if matches!(event, Event::Judged { name, .. } if name.as_str().ends_with(".ts"))
                && self.1.fetch_add(1, Ordering::SeqCst) == 3
            {
                self.0.cancel();
            }
        }
    }
    let cancel = CancellationToken::new();
    let fetcher =
        Fetcher::new(run.options.clone(), Arc::new(Stop(cancel.clone(), AtomicUsize::new(0))), cancel);
    let found = fetcher.locate(&run.target, &run.candidates, &run.query).await.unwrap();
    let stopped = fetcher.fetch(found, &out, run.join.as_ref()).await.unwrap();
    assert_eq!(stopped.report.outcome(), Outcome::Interrupted);
    assert_eq!(names(&stopped.dir), [plan.playlist_name()]);
    let growing = stopped.dir.join(".recfetch/joined/mixed/1.part");
    let proven = std::fs::metadata(&growing).unwrap().len();
    // One more may have been on its way when the stop came.
    let may_be = [4, 5].map(|count| segments(count).concat().len() as u64);
    assert!(may_be.contains(&proven), "{proven}");
    // What a crash left behind the last line is cut off; what somebody changed is fetched again.
    let mut bytes = std::fs::read(&growing).unwrap();
    bytes[segment(0).len() + segment(1).len() + segment(2).len() + 500] ^= 1;
    bytes.extend(b"half a segment");
    std::fs::write(&growing, bytes).unwrap();
    let asked = segments_asked(&stage);
    let whole = run.fetched(&out).await;
    assert_eq!(segments_asked(&stage) - asked, 5);
    assert_eq!(whole.report.outcome(), Outcome::Complete);
    assert!(std::fs::read(whole.dir.join(format!("data/{SID}.ts"))).unwrap() == segments(8).concat());
    is_proven(&whole, &plan, &segments(8));
}

/// Counts the files without a name while others come, and the most that there were.
struct Staged(PathBuf, AtomicUsize, AtomicUsize);

impl Observer for Staged {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Received { .. } = event {
            let files = std::fs::read_dir(self.0.join(".recfetch/partial")).map_or(0, Iterator::count);
            self.1.fetch_max(files, Ordering::SeqCst);
            self.2.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn no_more_is_fetched_ahead_than_the_bound_however_long_one_keeps_the_rest_waiting() {
    let count = LOOK_AHEAD * 3;
    let plan = plan(count);
    let stage = Stage::new(Kind::Md5).await;
    let files = plan.files(&[segment(0)]);
    // The same bytes for all: only the numbers matter here.
    put(&stage.objects, Kind::Md5, FOLDER, files);
    stage.faults.on(&plan.slice_names()[0], Script::once(Fault::Delay(600)));
    let (_keep, out) = out();
    let mut run = run(&stage, Gaps::Refuse).await;
    run.options.jobs = 64;
    let staged = Arc::new(Staged(out.join(SID), AtomicUsize::new(0), AtomicUsize::new(0)));
    let fetcher = Fetcher::new(run.options.clone(), staged.clone(), CancellationToken::new());
    let found = fetcher.locate(&run.target, &run.candidates, &run.query).await.unwrap();
    let going = fetcher.fetch(found, &out, run.join.as_ref());
    tokio::pin!(going);
    // While the first one is on its way the others come as far as they may.
    tokio::select! {
        _ = &mut going => panic!("the first one is still on its way"),
        () = tokio::time::sleep(std::time::Duration::from_millis(400)) => {}
    }
    assert!(segments_asked(&stage) <= LOOK_AHEAD, "{}", segments_asked(&stage));
    let fetched = going.await.unwrap();
    let most = staged.1.load(Ordering::SeqCst);
    // Those whose length is known wait in memory.
    assert!(most <= LOOK_AHEAD, "{most} files at once");
    assert!(staged.2.load(Ordering::SeqCst) >= count);
    assert!(std::fs::read(fetched.dir.join(format!("data/{SID}.ts"))).unwrap() == segment(0).repeat(count));
}

#[tokio::test]
async fn a_bag_is_kept_in_one_form() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    for joined_first in [true, false] {
        let (_keep, out) = out();
        let mut run = run(&stage, Gaps::Refuse).await;
        run.options.keep = if joined_first { Keep::Joined } else { Keep::Segments };
        run.join = None;
        let first = run.fetched(&out).await;
        let before = files_below(&first.dir);
        run.options.keep = if joined_first { Keep::Segments } else { Keep::Joined };
        let second = run.go(&out).await;
        let theirs = match &second {
            Err(Failed::Fetch(FetchError::Archive {
                cause: Error::KeptOtherwise { theirs, .. }, ..
            })) => *theirs,
            other => panic!("{other:?}"),
        };
        assert_eq!(theirs, if joined_first { "joined files" } else { "segments" });
        assert!(files_below(&first.dir) == before, "nothing was touched");
    }
}

#[tokio::test]
async fn each_run_of_one_form_is_a_file_of_the_bag() {
    let plan = plan(4);
    let sizes = [(640, 480), (640, 480), (1280, 720), (1280, 720)];
    let bytes: Vec<_> = sizes.into_iter().enumerate().map(|(n, size)| sized(n, Some(size))).collect();
    let stage = Stage::new(Kind::Md5).await;
    put(&stage.objects, Kind::Md5, FOLDER, plan.files(&bytes));
    let (_keep, out) = out();
    let run = run(&stage, Gaps::Refuse).await;
    for _ in 0..2 {
        let fetched = run.fetched(&out).await;
        let expected = [format!("{SID}.run1.ts"), format!("{SID}.run2.ts"), plan.playlist_name()];
        assert_eq!(names(&fetched.dir), expected);
        assert!(payload(&fetched.dir)[&expected[1]] == bytes[2..].concat());
        is_proven(&fetched, &plan, &bytes);
    }
    assert_eq!(segments_asked(&stage), 4);
}

#[tokio::test]
async fn each_track_has_its_file_and_what_is_left_out_of_an_overlap_stays_a_file() {
    let stage = Stage::new(Kind::Md5).await;
    for (kind, extension) in [("video", "ts"), ("audio", "webm")] {
        let mut plan = plan(2);
        plan.track = Some((123, kind.to_owned()));
        plan.extension = extension.to_owned();
        let bytes = if extension == "ts" { segments(2) } else { vec![webm_segment(0), webm_segment(1)] };
        put(&stage.objects, Kind::Md5, FOLDER, plan.files(&bytes));
        if kind == "video" {
            plan.failover = Some(0);
            put(&stage.objects, Kind::Md5, FOLDER, plan.files(&[segment(7), segment(8)]));
        }
    }
    let (_keep, out) = out();
    let fetched = run(&stage, Gaps::Refuse).await.fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Complete, "{:?}", fetched.report.findings);
    let here = payload(&fetched.dir);
    assert!(here[&format!("{SID}__uid_s_123__uid_e_video.ts")] == [segment(7), segment(8)].concat());
    let left_out = &fetched.written.joined[0].left_out;
    assert_eq!(left_out.len(), 2);
    assert!(left_out.iter().all(|name| here.contains_key(name)), "{left_out:?}");
    assert_eq!(here.keys().filter(|name| name.ends_with(".webm")).count(), 2, "kept as segments");
    assert!(verified(&fetched.dir).is_whole());
}

#[tokio::test]
async fn bytes_of_another_segment_do_not_stay_in_the_file() {
    let plan = plan(6);
    let stage = Stage::of(Kind::Web, &plan).await;
    let wrong = format!("{FOLDER}{}", plan.slice_names()[4]);
    stage.faults.on(&plan.slice_names()[2], Script::once(Fault::Swap(wrong)));
    let (_keep, out) = out();
    let run = run(&stage, Gaps::Refuse).await.key_if_web(Kind::Web, &plan);
    let fetched = run.fetched(&out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Complete, "{:?}", fetched.report.findings);
    assert!(std::fs::read(fetched.dir.join(format!("data/{SID}.ts"))).unwrap() == segments(6).concat());
    is_proven(&fetched, &plan, &segments(6));
    assert_eq!(object(&fetched, &plan.slice_names()[2]).failed_tries.len(), 1);
}

#[tokio::test]
async fn a_joined_file_that_cannot_be_mended_leaves_the_payload_and_is_set_aside() {
    let plan = plan(2);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out) = out();
    let run = run(&stage, Gaps::Refuse).await;
    let fetched = run.fetched(&out).await;
    let file = fetched.dir.join(format!("data/{SID}.ts"));
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[9] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let key = format!("{FOLDER}{}", plan.slice_names()[0]);
    let object = stage.objects.remove(&key).unwrap();
    let refused = run.fetched(&out).await;
    assert_eq!(refused.report.outcome(), Outcome::Incomplete);
    assert!(verified(&refused.dir).is_whole(), "{:?}", verified(&refused.dir).damage);
    let aside = files_below(&fetched.dir.join(".recfetch/aside"));
    assert_eq!(aside.into_values().collect::<Vec<_>>(), [bytes]);
    stage.objects.put(key, object);
    let whole = run.fetched(&out).await;
    assert_eq!(whole.report.outcome(), Outcome::Complete);
    is_proven(&whole, &plan, &segments(2));
}
