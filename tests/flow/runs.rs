//! Where a joined file ends: at a change of size, codec or rotation, and nowhere else.

use bytes::Bytes;
use recfetch::domain::report::Outcome;
use recfetch::engine::{Fetched, Gaps, JoinOutcome, JoinRequest, JoinTo, RunFiles, join_bag};
use recfetch_test_support::Plan;
use recfetch_test_support::recording::Tags;
use recfetch_test_support::ts::{SliceSpec, Tracks, slice};

use crate::kit::*;

/// A slice of the row with a picture of this size.
pub fn sized(n: usize, picture: Option<(u32, u32)>) -> Bytes {
    made(n, picture, Tracks::AudioVideo)
}

fn made(n: usize, picture: Option<(u32, u32)>, tracks: Tracks) -> Bytes {
    let start_pts = 126_000 + n as u64 * SLICE_MS * 90;
    let duration_ms = u32::try_from(SLICE_MS).unwrap();
    let seed = n as u64 + 1;
    slice(&SliceSpec { start_pts, duration_ms, seed, picture, tracks, ..SliceSpec::default() }).into()
}

const SMALL: Option<(u32, u32)> = Some((640, 480));
const LARGE: Option<(u32, u32)> = Some((1280, 720));

/// Fetches and joins these slices; the playlist gets lines before some of them.
async fn fetched(
    bytes: &[Bytes],
    tags: &[(usize, &str)],
    change: impl FnOnce(&mut JoinRequest),
) -> (tempfile::TempDir, Plan, Fetched) {
    let plan = Plan { tags: Tags::None, ..plan(bytes.len()) };
    let stage = Stage::new(Kind::Md5).await;
    let mut files = plan.files(bytes);
    let mut text = plan.playlist();
    for (n, tag) in tags {
        let name = &plan.slice_names()[*n];
        let at = text.find(name.as_str()).unwrap();
        let line = text[..at].rfind("#EXTINF").unwrap();
        text.insert_str(line, &format!("{tag}\n"));
    }
    files[0].1 = text.into();
    put(&stage.objects, Kind::Md5, FOLDER, files);
    let mut run = Run::sid(stage.store("prod").await);
    let mut request = JoinRequest::default();
    change(&mut request);
    run.join = Some(request);
    let (keep, out) = out();
    let fetched = run.fetched(&out).await;
    (keep, plan, fetched)
}

/// The joined files beside the bag, by name.
fn beside(fetched: &Fetched) -> Vec<(String, Vec<u8>)> {
    let mut files = files_below(fetched.dir.parent().unwrap());
    files.retain(|name, _| !name.contains('/'));
    files.into_iter().collect()
}

fn rotate(plan_start: &str, degrees: u16) -> String {
    format!("#EXT-X-AGORA-ROTATE:WIDTH=640,HEIGHT=480,ROTATE={degrees},TIME={plan_start}")
}

#[tokio::test]
async fn each_size_of_the_picture_gets_its_file() {
    let bytes: Vec<_> =
        [SMALL, SMALL, LARGE, LARGE, SMALL].into_iter().enumerate().map(|(n, p)| sized(n, p)).collect();
    let (_keep, plan, fetched) = fetched(&bytes, &[], |_| ()).await;
    assert_eq!(fetched.report.outcome(), Outcome::Complete);
    let names = plan.slice_names();
    let expected = [
        (format!("{SID}.run1.ts"), bytes[..2].concat()),
        (format!("{SID}.run2.ts"), bytes[2..4].concat()),
        (format!("{SID}.run3.ts"), bytes[4..].concat()),
    ];
    assert!(beside(&fetched) == expected, "{:?}", beside(&fetched).iter().map(|f| &f.0).collect::<Vec<_>>());
    let report = recfetch::archive::report(&fetched.dir).unwrap().unwrap();
    let said: Vec<_> = report
        .joined
        .iter()
        .map(|j| (j.run, j.change.as_deref(), j.segments, j.parts[0].name.clone()))
        .collect();
    assert_eq!(
        said,
        [
            (Some(1), None, 2, names[0].clone()),
            (Some(2), Some("size"), 2, names[2].clone()),
            (Some(3), Some("size"), 1, names[4].clone()),
        ]
    );
    let second = &report.joined[1];
    assert_eq!(second.parts[1].offset, bytes[2].len() as u64);
    assert_eq!(second.duration_ms, Some(2 * SLICE_MS));
    assert!(second.starts.as_ref().is_some_and(|starts| starts.ends_with('Z')));
    let sizes: Vec<_> = report.objects[1..].iter().map(|o| (o.width, o.height, o.codec.as_deref())).collect();
    assert_eq!(sizes[0], (Some(640), Some(480), Some("h264+aac")));
    assert_eq!(sizes[2], (Some(1280), Some(720), Some("h264+aac")));
    // Joined later, from what the report says.
    for (name, _) in beside(&fetched) {
        std::fs::remove_file(fetched.dir.with_file_name(name)).unwrap();
    }
    join_bag(&fetched.dir, &JoinRequest::default(), &()).unwrap();
    assert!(beside(&fetched) == expected);
}

#[tokio::test]
async fn one_file_on_request_says_where_players_may_stumble() {
    let bytes: Vec<_> = [SMALL, LARGE, LARGE].into_iter().enumerate().map(|(n, p)| sized(n, p)).collect();
    let (_keep, plan, fetched) = fetched(&bytes, &[], |request| request.runs = RunFiles::One).await;
    assert!(beside(&fetched) == [(format!("{SID}.ts"), bytes.concat())]);
    let joined = &fetched.written.joined[0];
    assert_eq!((joined.run, joined.changes.len()), (None, 1));
    assert_eq!(
        (&joined.changes[0].segment, joined.changes[0].what.as_str()),
        (&plan.slice_names()[1], "size")
    );
}

#[tokio::test]
async fn a_codec_that_comes_or_goes_ends_the_file() {
    let bytes =
        [made(0, SMALL, Tracks::AudioVideo), made(1, None, Tracks::Audio), made(2, None, Tracks::Audio)];
    let (_keep, _, fetched) = fetched(&bytes, &[], |_| ()).await;
    let changes: Vec<_> = fetched.written.joined.iter().map(|j| (j.segments, j.change.clone())).collect();
    assert_eq!(changes, [(1, None), (2, Some("codec".to_owned()))]);
}

#[tokio::test]
async fn rotation_ends_the_file_goes_into_the_report_and_is_not_applied() {
    let bytes = segments(4);
    let times = plan(4).times();
    let (first, turned) = (rotate(&times[0], 0), rotate(&times[2], 90));
    let (_keep, plan, fetched) = fetched(&bytes, &[(0, &first), (2, &turned)], |_| ()).await;
    let names = plan.slice_names();
    let rotations = &fetched.written.tracks[0].rotations;
    let said: Vec<_> = rotations.iter().map(|r| (&r.segment, r.width, r.height, r.rotate)).collect();
    assert_eq!(said, [(&names[0], 640, 480, 0), (&names[2], 640, 480, 90)]);
    let joined: Vec<_> = fetched.written.joined.iter().map(|j| (j.rotate, j.change.as_deref())).collect();
    assert_eq!(joined, [(Some(0), None), (Some(90), Some("rotation"))]);
    let files = beside(&fetched);
    assert!(files[0].1 == bytes[..2].concat() && files[1].1 == bytes[2..].concat());
}

#[tokio::test]
async fn a_pause_alone_ends_nothing() {
    let bytes: Vec<_> = (0..3).map(|n| sized(n, SMALL)).collect();
    let (_keep, _, fetched) = fetched(&bytes, &[(1, "#EXT-X-DISCONTINUITY")], |_| ()).await;
    assert!(beside(&fetched) == [(format!("{SID}.ts"), bytes.concat())]);
}

#[tokio::test]
async fn the_stem_of_a_named_file_gets_the_number_and_a_gap_only_its_own_run() {
    let plan = Plan { tags: Tags::None, ..plan(4) };
    let bytes: Vec<_> =
        [SMALL, SMALL, LARGE, LARGE].into_iter().enumerate().map(|(n, p)| sized(n, p)).collect();
    let stage = Stage::new(Kind::Md5).await;
    put(&stage.objects, Kind::Md5, FOLDER, plan.files(&bytes));
    stage.objects.remove(&format!("{FOLDER}{}", plan.slice_names()[3]));
    let (_keep, out) = out();
    let mut run = Run::sid(stage.store("prod").await);
    let to = || JoinTo::File(out.join("lesson.ts"));
    run.join = Some(JoinRequest { to: to(), ..JoinRequest::default() });
    let refused = run.fetched(&out).await;
    assert!(matches!(&refused.joined, JoinOutcome::Refused(_)));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1, "not even the whole run");
    run.join = Some(JoinRequest { to: to(), gaps: Gaps::Allow, ..JoinRequest::default() });
    let fetched = run.fetched(&out).await;
    let files: Vec<_> = beside(&fetched).into_iter().map(|(name, _)| name).collect();
    assert_eq!(files, ["lesson.run1.ts", "lesson.run2.partial.ts"]);
    assert_eq!(fetched.written.joined[1].gaps, [plan.slice_names()[3].clone()]);
    assert_eq!(check(&fetched, &plan.files(&bytes).into_iter().collect()), Outcome::Incomplete);
}
