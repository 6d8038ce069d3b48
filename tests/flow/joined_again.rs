//! Bags that are kept joined, and are run over again: with other forms, another overlap, a store that changed,
//! a disk that changed, and a run that is stopped.

use std::fs::{File, FileTimes};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use recfetch::domain::only::{Form, Only};
use recfetch::domain::report::Outcome;
use recfetch::engine::{Fetched, Fetcher, Gaps, JoinRequest, Keep, Overlap, check_media};
use recfetch::event::{Event, Observer};
use recfetch_test_support::{Object, Plan};
use tokio_util::sync::CancellationToken;

use crate::kit::*;

async fn run(stage: &Stage, gaps: Gaps, overlap: Overlap) -> Run {
    let mut run = Run::sid(stage.store("prod").await);
    run.options.keep = Keep::Joined;
    run.join = Some(JoinRequest { gaps, overlap, ..JoinRequest::default() });
    run
}

fn slices_asked(stage: &Stage) -> usize {
    stage.asked().iter().filter(|line| line.starts_with("GET") && line.ends_with(".ts")).count()
}

fn names(dir: &Path) -> Vec<String> {
    payload(dir).into_keys().collect()
}

fn is_whole(fetched: &Fetched) {
    let whole = verified(&fetched.dir);
    assert!(whole.is_whole(), "{:?}", whole.damage);
    assert_eq!(whole.exit_code(), fetched.report.outcome().exit_code());
    assert_eq!(partial(&fetched.dir), Vec::<String>::new());
    let media = check_media(&whole, &|_| ()).unwrap();
    assert!(media.is_good(), "{:?}", media.damage);
}

#[tokio::test]
async fn a_run_for_other_forms_keeps_the_joined_file_and_what_is_known_of_it() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let picture = format!("{SID}_math_7b_20260920125142485.jpg");
    stage.objects.put(format!("{FOLDER}{picture}"), Object::new(jpeg()));
    for keep in [Keep::Joined, Keep::Segments] {
        let (_keep, out) = out();
        let mut run = run(&stage, Gaps::Refuse, Overlap::Trim).await;
        let first = run.fetched(&out).await;
        assert_eq!(first.report.outcome(), Outcome::Complete);
        run.query.only = Only::these([Form::Images]);
        run.options.keep = keep;
        if keep == Keep::Segments {
            run.join = None;
        }
        let images = run.fetched(&out).await;
        assert_eq!(images.report.outcome(), Outcome::Complete);
        is_whole(&images);
        assert_eq!(names(&images.dir), names(&first.dir));
        let earlier: Vec<_> = images.written.earlier.iter().map(|object| object.name.clone()).collect();
        for name in plan.slice_names().into_iter().chain([format!("{SID}.ts"), plan.playlist_name()]) {
            assert!(earlier.contains(&name), "{keep:?}: {name} is not in {earlier:?}");
        }
        // Copied without the work folder it is still known for what it is.
        std::fs::remove_dir_all(first.dir.join(".recfetch")).unwrap();
        let asked = slices_asked(&stage);
        run.query.only = Only::default();
        run.options.keep = Keep::Joined;
        run.join = Some(JoinRequest::default());
        let again = run.fetched(&out).await;
        assert_eq!(again.report.outcome(), Outcome::Complete);
        assert_eq!(slices_asked(&stage), asked, "{keep:?}");
        assert_eq!(again.written.joined, first.written.joined);
        is_whole(&again);
    }
}

fn jpeg() -> Vec<u8> {
    recfetch_test_support::picture::jpeg(64, 48, 1)
}

#[tokio::test]
async fn an_object_that_changed_in_the_store_is_told_as_for_segments() {
    let plan = plan(3);
    for keep in [Keep::Segments, Keep::Joined] {
        let stage = Stage::of(Kind::Md5, &plan).await;
        let (_keep, out) = out();
        let mut run = run(&stage, Gaps::Refuse, Overlap::Trim).await;
        run.options.keep = keep;
        if keep == Keep::Segments {
            run.join = None;
        }
        run.fetched(&out).await;
        stage.objects.put(format!("{FOLDER}{}", plan.slice_names()[1]), Object::new(segment(9)));
        let again = run.fetched(&out).await;
        assert!(findings(&again).contains(&"kept-other"), "{keep:?}: {:?}", findings(&again));
        is_whole(&again);
    }
}

#[tokio::test]
async fn a_rebuilt_list_of_a_joined_track_has_the_playing_times_in_its_bytes() {
    let mut plan = plan(3);
    plan.gaps_ms = vec![(1, 7000)];
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.objects.remove(&format!("{FOLDER}{}", plan.playlist_name()));
    let (_keep, out) = out();
    let run = run(&stage, Gaps::Allow, Overlap::Trim).await;
    for round in 0..2 {
        let fetched = run.fetched(&out).await;
        assert_eq!(findings(&fetched), ["no-playlist", "probed-gap"], "round {round}");
        assert_eq!(fetched.written.tracks[0].playing_ms / 1000, 3 * SLICE_MS / 1000, "round {round}");
        is_whole(&fetched);
    }
}

/// Flips a byte and leaves the time of the last change, as a disk does.
fn rot(file: &Path, at: usize) {
    let changed = file.metadata().unwrap().modified().unwrap();
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
    let file = File::options().write(true).open(file).unwrap();
    file.set_times(FileTimes::new().set_modified(changed)).unwrap();
}

#[tokio::test]
async fn a_byte_that_rots_and_cannot_be_had_again_leaves_a_sound_bag_and_the_other_segments() {
    for lost in 0..4 {
        let plan = plan(4);
        let stage = Stage::of(Kind::Md5, &plan).await;
        let (_keep, out) = out();
        let run = run(&stage, Gaps::Refuse, Overlap::Trim).await;
        let first = run.fetched(&out).await;
        let at: usize = (0..lost).map(|n| segment(n).len()).sum();
        rot(&first.dir.join(format!("data/{SID}.ts")), at + 500);
        let key = format!("{FOLDER}{}", plan.slice_names()[lost]);
        let object = stage.objects.remove(&key).unwrap();
        let refused = run.fetched(&out).await;
        assert_eq!(refused.report.outcome(), Outcome::Incomplete);
        assert_eq!(names(&refused.dir), [plan.playlist_name()], "{lost}");
        assert_eq!(refused.written.joined, []);
        is_whole(&refused);
        stage.objects.put(key, object);
        let asked = slices_asked(&stage);
        let whole = run.fetched(&out).await;
        assert_eq!(whole.report.outcome(), Outcome::Complete);
        assert!(slices_asked(&stage) - asked <= 2, "{lost}: the others are here");
        is_whole(&whole);
    }
}

/// Stops a run when so many segments are judged.
struct StopAt(CancellationToken, AtomicUsize, usize);

impl Observer for StopAt {
    fn on_event(&self, event: &Event<'_>) {
        if matches!(event, Event::Judged { name, .. } if name.as_str().ends_with(".ts"))
            && self.1.fetch_add(1, Ordering::SeqCst) == self.2
        {
            self.0.cancel();
        }
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_while_files_are_made_anew_loses_nothing_that_was_proven() {
    let count = 80;
    let plan = plan(count);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let key = format!("{FOLDER}{}", plan.slice_names()[2]);
    let object = stage.objects.remove(&key).unwrap();
    let (_keep, out) = out();
    let run = run(&stage, Gaps::Allow, Overlap::Trim).await;
    let gap = run.fetched(&out).await;
    assert_eq!(gap.report.outcome(), Outcome::Incomplete);
    stage.objects.put(key, object);
    let cancel = CancellationToken::new();
    let stop = StopAt(cancel.clone(), AtomicUsize::new(0), 1);
    let fetcher = Fetcher::new(run.options.clone(), Arc::new(stop), cancel);
    let found = fetcher.locate(&run.target, &run.candidates, &run.query).await.unwrap();
    let stopped = fetcher.fetch(found, &out, run.join.as_ref()).await.unwrap();
    assert_eq!(stopped.report.outcome(), Outcome::Interrupted);
    is_whole(&stopped);
    let asked = slices_asked(&stage);
    let whole = run.fetched(&out).await;
    assert_eq!(whole.report.outcome(), Outcome::Complete);
    assert!(slices_asked(&stage) - asked <= 2, "{} were fetched again", slices_asked(&stage) - asked);
    assert!(std::fs::read(whole.dir.join(format!("data/{SID}.ts"))).unwrap() == segments(count).concat());
    is_whole(&whole);
}

#[tokio::test]
async fn a_segment_that_is_listed_no_more_becomes_a_file_of_its_own() {
    for dropped in 0..4 {
        let plan = plan(4);
        let stage = Stage::of(Kind::Md5, &plan).await;
        let (_keep, out) = out();
        let run = run(&stage, Gaps::Allow, Overlap::Trim).await;
        run.fetched(&out).await;
        // The playlist is written again without it, and it is gone from the store too.
        let name = plan.slice_names()[dropped].clone();
        stage.objects.remove(&format!("{FOLDER}{name}"));
        let key = format!("{FOLDER}{}", plan.playlist_name());
        let list = String::from_utf8(stage.objects.get(&key).unwrap().bytes().to_vec()).unwrap();
        let lines: Vec<_> = list.lines().collect();
        let at = lines.iter().position(|line| *line == name).unwrap();
        let shorter = [&lines[..at - 1], &lines[at + 1..]].concat().join("\n") + "\n";
        stage.objects.put(key, Object::new(shorter));
        for round in 0..2 {
            let fetched = run.fetched(&out).await;
            is_whole(&fetched);
            let here = payload(&fetched.dir);
            assert!(here[&name] == segment(dropped), "{dropped}");
            let mut others = segments(4);
            others.remove(dropped);
            let joined = here.iter().find(|(name, _)| name.starts_with(&format!("{SID}.")));
            assert!(*joined.unwrap().1 == others.concat(), "{dropped}");
            let earlier: Vec<_> = fetched.written.earlier.iter().map(|object| object.name.as_str()).collect();
            assert_eq!(earlier, [name.as_str()], "{round}");
        }
    }
}

/// Four slices, and a copy of three that starts 8 s behind: the third lies wholly inside of the copy.
async fn failover() -> (Stage, Plan) {
    let base = plan(4);
    let mut moved = plan(2);
    moved.durations_ms = vec![8_000, 1];
    let bak = Plan { start: moved.times().remove(1), failover: Some(0), ..plan(3) };
    let stage = Stage::new(Kind::Md5).await;
    put(&stage.objects, Kind::Md5, FOLDER, base.files(&segments(4)));
    put(&stage.objects, Kind::Md5, FOLDER, bak.files(&[segment(100), segment(101), segment(102)]));
    (stage, base)
}

#[tokio::test]
async fn another_choice_for_overlaps_takes_what_is_here() {
    for (first, second) in [(Overlap::Trim, Overlap::Keep), (Overlap::Keep, Overlap::Trim)] {
        let (stage, _) = failover().await;
        let (_keep, fresh) = out();
        let (_keep, out) = out();
        let mut run = run(&stage, Gaps::Refuse, first).await;
        assert_eq!(run.fetched(&out).await.report.outcome(), Outcome::Complete);
        let asked = slices_asked(&stage);
        run.join = Some(JoinRequest { overlap: second, ..JoinRequest::default() });
        let changed = run.fetched(&out).await;
        assert_eq!(slices_asked(&stage), asked, "{second:?}");
        is_whole(&changed);
        let anew = run.fetched(&fresh).await;
        assert_eq!(payload(&changed.dir), payload(&anew.dir), "{second:?}");
        assert_eq!(changed.written.joined, anew.written.joined, "{second:?}");
        // And once more from what is here.
        let asked = slices_asked(&stage);
        let again = run.fetched(&out).await;
        assert_eq!(slices_asked(&stage), asked);
        assert_eq!(again.report.outcome(), Outcome::Complete);
        is_whole(&again);
    }
}
