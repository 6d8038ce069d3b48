//! A failover: two recorders, one recording, one time line.

use std::collections::BTreeMap;

use bytes::Bytes;
use recfetch::domain::report::Outcome;
use recfetch::engine::{Fetched, Gaps, JoinOutcome, JoinRequest, Overlap};
use recfetch_test_support::Plan;

use crate::kit::*;

/// A base of four slices, and a copy of three that starts `late` milliseconds behind the base's start.
struct Failover {
    stage: Stage,
    base: Plan,
    bak: Plan,
    originals: BTreeMap<String, Bytes>,
}

/// 17 digits so many milliseconds behind the start of the base, which is 42.485 s past a minute.
fn start_plus(ms: u64) -> String {
    let mut moved = plan(2);
    moved.durations_ms = vec![ms, 1];
    moved.times().remove(1)
}

async fn failover(late: u64) -> Failover {
    let base = plan(4);
    let bak = Plan { start: start_plus(late), failover: Some(0), ..plan(3) };
    let stage = Stage::new(Kind::Md5).await;
    let mut originals = BTreeMap::new();
    for (plan, first) in [(&base, 0), (&bak, 100)] {
        let bytes: Vec<_> = (0..plan.durations_ms.len()).map(|n| segment(first + n)).collect();
        let files = plan.files(&bytes);
        originals.extend(files.iter().cloned());
        put(&stage.objects, Kind::Md5, FOLDER, files);
    }
    Failover { stage, base, bak, originals }
}

async fn joined(failover: &Failover, request: JoinRequest) -> (tempfile::TempDir, Fetched) {
    let mut run = Run::sid(failover.stage.store("prod").await);
    run.join = Some(request);
    let (keep, out) = out();
    let fetched = run.fetched(&out).await;
    (keep, fetched)
}

fn of(overlap: Overlap, gaps: Gaps) -> JoinRequest {
    JoinRequest { overlap, gaps, ..JoinRequest::default() }
}

fn concat(parts: &[usize]) -> Vec<u8> {
    parts.iter().flat_map(|n| segment(*n)).collect()
}

#[tokio::test]
async fn overlap_and_gap_are_said_in_milliseconds() {
    for (late, text, json) in [
        (13_000, Some("overlap by 2000 ms"), "failover-gap"),
        (27_000, Some("7000 ms are missing at the failover"), "failover-gap"),
        (20_000, None, ""),
    ] {
        let failover = failover(late).await;
        let (_keep, fetched) = joined(&failover, of(Overlap::Trim, Gaps::Refuse)).await;
        let found: Vec<_> = fetched.written.findings.iter().filter(|f| f.code == json).collect();
        match text {
            Some(text) => assert!(found.iter().any(|f| f.text.contains(text)), "{late}: {found:?}"),
            None => assert_eq!(fetched.written.findings, []),
        }
        assert_eq!(check(&fetched, &failover.originals), Outcome::Complete);
    }
}

#[tokio::test]
async fn what_the_later_recorder_covers_wholly_is_left_out_and_stays_in_the_bag() {
    // 0-5 5-10 10-15 15-20, and 8-13 13-18 18-23: the third lies wholly inside, the second and fourth do not.
    let failover = failover(8_000).await;
    let (_keep, fetched) = joined(&failover, of(Overlap::Trim, Gaps::Refuse)).await;
    assert_eq!(check(&fetched, &failover.originals), Outcome::Complete);
    let file = fetched.dir.with_extension("ts");
    let base = failover.base.slice_names();
    let said = &fetched.written.joined[0];
    assert_eq!(said.left_out, base[2..4].to_vec());
    assert!(std::fs::read(file).unwrap() == concat(&[0, 1, 100, 101, 102]));
    assert_eq!(said.overlap_ms, Some(2000), "of the second, which stays whole");
    assert!(fetched.dir.join("data").join(&base[2]).is_file());
}

#[tokio::test]
async fn keep_appends_every_segment_in_time_order() {
    let failover = failover(8_000).await;
    let (_keep, fetched) = joined(&failover, of(Overlap::Keep, Gaps::Refuse)).await;
    let file = fetched.dir.with_extension("ts");
    assert!(std::fs::read(file).unwrap() == concat(&[0, 1, 100, 2, 101, 3, 102]));
    let said = &fetched.written.joined[0];
    assert!(said.left_out.is_empty());
    assert!(said.overlap_ms.is_some_and(|ms| ms >= 12_000), "{said:?}");
}

#[tokio::test]
async fn a_missing_segment_that_the_other_recorder_covers_leaves_no_hole_but_the_report_is_incomplete() {
    for (overlap, whole) in [(Overlap::Trim, true), (Overlap::Keep, false)] {
        let failover = failover(8_000).await;
        let gone = failover.base.slice_names()[2].clone();
        failover.stage.objects.remove(&format!("{FOLDER}{gone}"));
        let (_keep, fetched) = joined(&failover, of(overlap, Gaps::Refuse)).await;
        assert_eq!(fetched.report.outcome(), Outcome::Incomplete, "never complete when it is not");
        let file = fetched.dir.with_extension("ts");
        assert_eq!(file.is_file(), whole, "{overlap:?}");
        if whole {
            assert!(std::fs::read(file).unwrap() == concat(&[0, 1, 100, 101, 102]));
            assert_eq!(fetched.written.joined[0].covered, [gone]);
        } else {
            assert!(matches!(&fetched.joined, JoinOutcome::Refused(r) if r.missing == [gone]));
        }
    }
}

#[tokio::test]
async fn a_segment_of_the_later_recorder_that_is_missing_covers_nothing() {
    let failover = failover(8_000).await;
    let gone = failover.bak.slice_names()[0].clone();
    failover.stage.objects.remove(&format!("{FOLDER}{gone}"));
    let (_keep, fetched) = joined(&failover, of(Overlap::Trim, Gaps::Refuse)).await;
    let said = &fetched.written.joined[0];
    // The base has all of its time, so nothing is lost; and so the third stays in.
    assert_eq!((said.covered.clone(), said.left_out.len()), (vec![gone], 1));
    assert!(std::fs::read(fetched.dir.with_extension("ts")).unwrap() == concat(&[0, 1, 2, 101, 102]));
    // At the end nobody else has it.
    let failover = self::failover(8_000).await;
    failover.stage.objects.remove(&format!("{FOLDER}{}", failover.bak.slice_names()[2]));
    let (_keep, fetched) = joined(&failover, of(Overlap::Trim, Gaps::Refuse)).await;
    assert!(matches!(fetched.joined, JoinOutcome::Refused(_)));
}
