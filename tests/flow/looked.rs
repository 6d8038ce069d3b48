//! `check --deep`: what reading media finds, in stores that vouch for bytes and in stores that do not.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use recfetch::domain::check::{Check, Depth, Severity};
use recfetch::engine::{CheckOptions, LocateError, Store};
use recfetch::event::{Event, Observer};
use recfetch_test_support::ts::{SliceSpec, slice, without_key_frame};
use recfetch_test_support::webm::{self, Sizes, WebMSpec};
use recfetch_test_support::{Fault, Object, Plan, Script, mp4, picture, sound};
use tokio_util::sync::CancellationToken;

use crate::kit::*;

const SILENCE: &[u8] = include_bytes!("../../fixtures/ts/silence_2s.ts");
const SOFT_NOISE: &[u8] = include_bytes!("../../fixtures/ts/soft_noise_1s.ts");
const BASELINE: &[u8] = include_bytes!("../../fixtures/ts/baseline_aac_5s.ts");

/// Longer than what is read of the start.
const SLICE_BYTES: usize = 200_000;

fn spec(n: u64) -> SliceSpec {
    SliceSpec {
        start_pts: 126_000 + n * SLICE_MS * 90,
        duration_ms: u32::try_from(SLICE_MS).unwrap(),
        bytes_target: SLICE_BYTES,
        seed: n + 1,
        picture: Some((320, 192)),
        ..SliceSpec::default()
    }
}

fn clean() -> Vec<Bytes> {
    (0..6).map(|n| slice(&spec(n)).into()).collect()
}

/// What vouches for the bytes: the store by its ETag, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vouches {
    Digest,
    Nothing,
}

/// A store with these files.
async fn stage(vouches: Vouches, files: Vec<(String, Bytes)>) -> Stage {
    let stage = Stage::new(Kind::Md5).await;
    for (name, bytes) in files {
        let object = Object::new(bytes);
        let object = match vouches {
            Vouches::Digest => object,
            // The tag of an upload in parts is no digest.
            Vouches::Nothing => object.with_etag("\"0123456789abcdef0123456789abcdef-2\""),
        };
        stage.objects.put(format!("{FOLDER}{name}"), object);
    }
    stage
}

async fn check(run: &Run, depth: Depth) -> Result<Check, LocateError> {
    let options = CheckOptions { depth, ..CheckOptions::default() };
    let fetcher = run.fetcher();
    let check = fetcher.check(&run.target, &run.candidates, &run.query, &options);
    let checked = tokio::time::timeout(Duration::from_secs(30), check).await.expect("a check ends by itself");
    Ok(checked?.check)
}

/// Code and number of the segment of all that the bytes say, with how much it weighs.
fn told(check: &Check) -> Vec<(&'static str, Option<usize>, Severity)> {
    let about_bytes = check.diagnoses.iter().filter(|one| one.rule.code().starts_with("RF6"));
    let mut told: Vec<_> =
        about_bytes.map(|one| (one.rule.code(), one.about.segment, one.severity)).collect();
    told.sort();
    told
}

async fn looked(vouches: Vouches, plan: &Plan, slices: &[Bytes], depth: Depth) -> Check {
    let stage = stage(vouches, plan.files(slices)).await;
    let run = Run::sid(stage.store("prod").await);
    check(&run, depth).await.unwrap_or_else(|error| panic!("{error:?}"))
}

/// Without the packets behind this part of it: each PES packet of sound is one packet, so nothing but the time
/// shows that the rest is missing.
fn cut(bytes: &Bytes, percent: usize) -> Bytes {
    bytes.slice(..bytes.len() / 188 * percent / 100 * 188)
}

fn without_a_packet(bytes: &Bytes) -> Bytes {
    // In the first half, and of the picture.
    let of_picture = |n: &usize| bytes[n * 188 + 1] & 0x5f == 1 && bytes[n * 188 + 2] == 0;
    let gone = (60..).find(of_picture).unwrap();
    [&bytes[..gone * 188], &bytes[(gone + 1) * 188..]].concat().into()
}

type Change = fn(&mut Vec<Bytes>);
type Told = &'static [(&'static str, Option<usize>, Severity)];

#[tokio::test]
async fn each_defect_is_told_as_what_it_is_and_nothing_else() {
    use Severity::{Loss, Warning};
    // What is told of all bytes in a store with digests and in one without, and of the first in either.
    let cases: [(&str, Change, [Told; 4]); 9] = [
        ("clean", |_| (), [&[], &[], &[], &[]]),
        (
            "swapped",
            |slices| slices.swap(1, 3),
            [
                &[("RF604", Some(2), Warning), ("RF604", Some(4), Warning)],
                &[("RF606", Some(2), Loss), ("RF606", Some(4), Loss)],
                &[("RF604", Some(2), Warning), ("RF604", Some(4), Warning)],
                &[("RF606", Some(2), Loss), ("RF606", Some(4), Loss)],
            ],
        ),
        (
            "cut at a packet",
            |slices| slices[2] = cut(&slices[2], 40),
            [&[("RF603", Some(3), Loss)], &[("RF603", Some(3), Loss)], &[], &[]],
        ),
        (
            "cut a little",
            |slices| slices[2] = cut(&slices[2], 85),
            [&[], &[("RF603", Some(3), Loss)], &[], &[]],
        ),
        (
            "replaced",
            |slices| slices[4] = slices[1].clone(),
            [
                &[("RF605", Some(5), Warning)],
                &[("RF606", Some(5), Loss)],
                &[("RF604", Some(5), Warning)],
                &[("RF606", Some(5), Loss)],
            ],
        ),
        (
            "no media",
            |slices| slices[2] = Bytes::from(vec![0x5a; 100 * 1024]),
            [&[("RF601", Some(3), Loss)]; 4],
        ),
        (
            "a packet is missing",
            |slices| slices[2] = without_a_packet(&slices[2]),
            [
                &[("RF602", Some(3), Warning)],
                &[("RF602", Some(3), Loss)],
                &[("RF602", Some(3), Warning)],
                &[("RF602", Some(3), Warning)],
            ],
        ),
        (
            "no key frame",
            |slices| slices[2] = without_key_frame(slices[2].to_vec()).into(),
            [&[("RF607", Some(3), Warning)]; 4],
        ),
        (
            "another size",
            |slices| slices[5] = slice(&SliceSpec { picture: Some((192, 320)), ..spec(5) }).into(),
            [&[("RF608", Some(6), Warning)]; 4],
        ),
    ];
    for (word, change, expected) in cases {
        let mut slices = clean();
        change(&mut slices);
        let looks = [
            (Vouches::Digest, Depth::Whole),
            (Vouches::Nothing, Depth::Whole),
            (Vouches::Digest, Depth::First),
            (Vouches::Nothing, Depth::First),
        ];
        for ((vouches, depth), expected) in looks.into_iter().zip(expected) {
            let check = looked(vouches, &plan(6), &slices, depth).await;
            assert_eq!(told(&check), expected, "{word}, {vouches:?}, {depth:?}: {:#?}", check.diagnoses);
        }
    }
}

#[tokio::test]
async fn without_being_asked_nothing_is_read() {
    let mut slices = clean();
    slices.swap(1, 3);
    let stage = stage(Vouches::Nothing, plan(6).files(&slices)).await;
    let checked = check(&Run::sid(stage.store("prod").await), Depth::Listed).await.unwrap();
    assert_eq!(told(&checked), []);
    assert!(!stage.asked().iter().any(|line| line.starts_with("GET") && line.ends_with(".ts")));
}

#[tokio::test]
async fn a_flipped_bit_shows_where_the_store_vouches_for_the_right_one() {
    let slices = clean();
    for (vouches, expected) in
        [(Vouches::Digest, &[("RF610", Some(3), Severity::Loss)][..]), (Vouches::Nothing, &[])]
    {
        let stage = stage(vouches, plan(6).files(&slices)).await;
        let name = plan(6).slice_names().swap_remove(2);
        stage.faults.on(&name, Script::always(Fault::Flip(188 * 40 + 100)));
        let checked = check(&Run::sid(stage.store("prod").await), Depth::Whole).await.unwrap();
        assert_eq!(told(&checked), expected, "{vouches:?}");
        // Once it may have been the way.
        stage.faults.on(&name, Script::once(Fault::Flip(188 * 40 + 100)));
        let again = check(&Run::sid(stage.store("prod").await), Depth::Whole).await.unwrap();
        assert_eq!(told(&again), [], "{vouches:?}");
    }
}

#[tokio::test]
async fn what_the_bytes_tell_stands_beside_each_segment() {
    for (depth, frames) in [(Depth::Whole, Some(125)), (Depth::First, None)] {
        let check = looked(Vouches::Digest, &plan(6), &clean(), depth).await;
        for segment in &check.tracks[0].segments {
            let media = segment.media.as_ref().unwrap();
            let seen = (media.frames, media.starts_with_key_frame, media.read, media.wrong.clone());
            assert_eq!(seen, (frames, Some(true), depth, None), "{}", segment.name);
            assert_eq!(media.sha256.is_some(), depth == Depth::Whole);
        }
    }
}

#[tokio::test]
async fn of_the_first_bytes_no_more_is_asked_for() {
    let stage = stage(Vouches::Digest, plan(6).files(&clean())).await;
    let run = Run::sid(stage.store("prod").await);
    check(&run, Depth::First).await.unwrap();
    let reads: Vec<_> =
        stage.front.requests().into_iter().filter(|r| r.method == "GET" && r.path.ends_with(".ts")).collect();
    assert_eq!(reads.len(), 6);
    assert!(reads.iter().all(|read| read.range.as_deref() == Some("bytes=0-65535")), "{reads:?}");
    let received: Vec<usize> = run
        .told
        .lines("received")
        .iter()
        .filter(|line| line.contains(".ts "))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(received.iter().sum::<usize>(), 6 * 65_536);
    assert_eq!(run.told.lines("planned"), ["planned 0 6"]);
    assert_eq!(run.told.lines("judged").len(), 6);
}

#[tokio::test]
async fn a_slice_that_is_bad_here_and_whole_elsewhere_is_no_loss() {
    let broken = |whole: &Bytes| {
        let mut bytes = whole.to_vec();
        bytes[188 * 10..188 * 60].fill(0);
        Bytes::from(bytes)
    };
    // Where the store's listing names another length than the copy has, a fetch would not take the copy either.
    for (bad, code, severity) in
        [(broken(&clean()[2]), "RF601", Severity::Warning), (cut(&clean()[2], 40), "RF603", Severity::Loss)]
    {
        let mut slices = clean();
        slices[2] = bad;
        let (own, backup) = (
            stage(Vouches::Nothing, plan(6).files(&slices)).await,
            stage(Vouches::Nothing, plan(6).files(&clean())).await,
        );
        let run = Run::sid(own.store("prod").await).with_fallback(backup.store("backup").await);
        let checked = check(&run, Depth::Whole).await.unwrap();
        assert_eq!(told(&checked), [(code, Some(3), severity)]);
        let text = &checked.diagnoses.iter().find(|one| one.rule.code() == code).unwrap().text;
        assert_eq!(text.contains("backup has it whole"), severity == Severity::Warning, "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_never_called_good() {
    for (fault, code) in [(Fault::Denied, "RF402"), (Fault::NotFound, "RF101"), (Fault::Archived, "RF108")] {
        for depth in [Depth::First, Depth::Whole] {
            let stage = stage(Vouches::Digest, plan(6).files(&clean())).await;
            stage.faults.on(&plan(6).slice_names()[2], Script::always(fault.clone()));
            let checked = check(&Run::sid(stage.store("prod").await), depth).await.unwrap();
            let codes: Vec<_> = checked.diagnoses.iter().map(|one| one.rule.code()).collect();
            assert!(codes.contains(&code), "{code}, {depth:?}: {codes:?}");
            assert_eq!(told(&checked), []);
            let media = checked.tracks[0].segments[2].media.as_ref().unwrap();
            assert!(media.unread.is_some() && media.evidence.is_none());
        }
    }
}

#[tokio::test]
async fn what_breaks_off_is_read_on_as_patiently_as_in_a_fetch() {
    for depth in [Depth::First, Depth::Whole] {
        let stage = stage(Vouches::Digest, plan(6).files(&clean())).await;
        let names = plan(6).slice_names();
        stage.faults.on(&names[1], Script::once(Fault::Reset(30_000)));
        stage.faults.on(&names[2], Script::once(Fault::SlowDown));
        stage.faults.on(&names[3], Script::once(Fault::Cut(10_000)));
        let checked = check(&Run::sid(stage.store("prod").await), depth).await.unwrap();
        assert_eq!(told(&checked), [], "{depth:?}");
        let read = checked.tracks[0].segments.iter().filter_map(|segment| segment.media.as_ref());
        assert_eq!(read.filter(|media| media.unread.is_none() && media.wrong.is_none()).count(), 6);
    }
}

/// Stops at the first byte of a slice.
struct Stops(CancellationToken);

impl Observer for Stops {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Received { name, .. } = event
            && name.as_str().ends_with(".ts")
        {
            self.0.cancel();
        }
    }
}

#[tokio::test]
async fn a_check_that_is_stopped_ends_soon_and_calls_nothing_good() {
    for depth in [Depth::First, Depth::Whole] {
        let stage = stage(Vouches::Digest, plan(6).files(&clean())).await;
        for name in plan(6).slice_names().iter().skip(1) {
            stage.faults.on(name, Script::always(Fault::Stall(100)));
        }
        let run = Run::sid(stage.store("prod").await);
        let cancel = CancellationToken::new();
        let stops = Arc::new(Stops(cancel.clone()));
        let fetcher = recfetch::engine::Fetcher::new(run.options.clone(), stops, cancel);
        let options = CheckOptions { depth, ..CheckOptions::default() };
        let ended = fetcher.check(&run.target, &run.candidates, &run.query, &options);
        let ended = tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it stops soon");
        assert!(matches!(ended, Err(LocateError::Interrupted)), "{depth:?}");
    }
}

#[tokio::test]
async fn silence_is_told_and_soft_sound_is_not() {
    for (bytes, ms, expected) in [
        (SILENCE, 2000, &[("RF609", None, Severity::Warning)][..]),
        (SOFT_NOISE, 1000, &[]),
        (BASELINE, 5000, &[]),
    ] {
        for (depth, expected) in [(Depth::Whole, expected), (Depth::First, expected)] {
            // All of them are shorter than the start, so they are read whole.
            let check = looked(Vouches::Digest, &Plan::new(&[ms]), &[Bytes::from_static(bytes)], depth).await;
            assert_eq!(told(&check), expected, "{ms} ms, {depth:?}");
        }
    }
}

#[tokio::test]
async fn clean_recordings_of_every_form_have_nothing_wrong() {
    for sizes in [Sizes::Known, Sizes::Unknown] {
        let plan = Plan {
            extension: "webm".to_owned(),
            track: Some((123, "video".to_owned())),
            ..Plan::new(&[2000, 2000])
        };
        let slice = |seed| Bytes::from(webm::file(&WebMSpec { seed, sizes, ..WebMSpec::default() }));
        let mut files = plan.files(&[slice(1), slice(2)]);
        let stem = format!("{SID}_{}", plan.channel);
        files.extend([
            (format!("{stem}_0.mp4"), mp4::recording(4000, 1).into()),
            (format!("{stem}_0.mp3"), sound::mp3_with_info(50, 1).into()),
            (format!("{stem}_0.aac"), sound::adts(50, 1).into()),
            (
                format!("{stem}__uid_s_123__uid_e_video_20260920125142485.jpg"),
                picture::jpeg(64, 36, 1).into(),
            ),
        ]);
        for depth in [Depth::First, Depth::Whole] {
            let stage = stage(Vouches::Nothing, files.clone()).await;
            let checked = check(&Run::sid(stage.store("prod").await), depth).await.unwrap();
            assert_eq!(told(&checked), [], "{sizes:?}, {depth:?}");
            let media = checked.tracks[0].segments[0].media.as_ref().unwrap();
            assert_eq!(media.starts_with_key_frame, Some(true));
            assert!(media.frames.is_some_and(|frames| frames > 10), "{media:?}");
        }
        // And each that is cut is told.
        for (n, (name, bytes)) in files.clone().into_iter().enumerate() {
            if name.ends_with(".m3u8") || (sizes == Sizes::Unknown && name.ends_with(".webm")) {
                continue;
            }
            let mut files = files.clone();
            files[n].1 = bytes.slice(..bytes.len() - 3);
            let stage = stage(Vouches::Nothing, files).await;
            let checked = check(&Run::sid(stage.store("prod").await), Depth::Whole).await.unwrap();
            let codes: Vec<_> =
                told(&checked).into_iter().map(|(code, _, severity)| (code, severity)).collect();
            assert_eq!(codes, [("RF601", Severity::Loss)], "{name}");
        }
    }
}

#[tokio::test]
async fn a_store_in_memory_is_looked_at_too() {
    let mut source = recfetch::source::MemorySource::new(recfetch::domain::place::SourceName::new("here"));
    for (name, bytes) in plan(6).files(&clean()) {
        source.put(recfetch::domain::key::ObjectKey::parse(&name).unwrap(), bytes);
    }
    let run = Run::sid(Store { source: Arc::new(source), prefix: None });
    for depth in [Depth::First, Depth::Whole] {
        let checked = check(&run, depth).await.unwrap();
        assert_eq!(told(&checked), []);
        assert!(checked.tracks[0].segments.iter().all(|segment| segment.media.is_some()));
    }
}
