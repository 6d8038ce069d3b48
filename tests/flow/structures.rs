//! Forms of recordings beyond transport streams, from a store that vouches for nothing.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use recfetch::domain::key::ObjectKey;
use recfetch::domain::place::SourceName;
use recfetch::domain::report::Outcome;
use recfetch::engine::{Fetched, Store, check_media};
use recfetch::source::MemorySource;
use recfetch_test_support::webm::{self, Sizes, WebMSpec};
use recfetch_test_support::{Plan, mp4, picture, sound};

use crate::kit::*;

fn webm_plan() -> Plan {
    Plan { extension: "webm".to_owned(), track: Some((123, "video".to_owned())), ..Plan::new(&[2000, 2000]) }
}

fn slices(sizes: Sizes) -> Vec<Bytes> {
    let slice = |seed| webm::file(&WebMSpec { seed, sizes, ..WebMSpec::default() }).into();
    (1..3).map(slice).collect()
}

/// A recording with one file of each form beside its slices.
fn files(slices: &[Bytes]) -> Vec<(String, Bytes)> {
    let plan = webm_plan();
    let mut files = plan.files(slices);
    let stem = format!("{SID}_{}", plan.channel);
    let picture = format!("{stem}__uid_s_123__uid_e_video_20260920125142485.jpg");
    files.extend([
        (format!("{stem}_0.mp4"), mp4::recording(4000, 1).into()),
        (format!("{stem}_0.mp3"), sound::mp3_with_info(50, 1).into()),
        (format!("{stem}_0.aac"), sound::adts(50, 1).into()),
        (picture, picture::jpeg(640, 360, 1).into()),
    ]);
    files
}

async fn fetch(files: Vec<(String, Bytes)>, out: &Path) -> Fetched {
    let mut source = MemorySource::new(SourceName::new("prod"));
    for (name, bytes) in files {
        source.put(ObjectKey::parse(&name).unwrap(), bytes);
    }
    Run::sid(Store { source: Arc::new(source), prefix: None }).fetched(out).await
}

#[tokio::test]
async fn each_form_is_proven_by_its_structure() {
    let (_guard, out) = out();
    let files = files(&slices(Sizes::Known));
    let originals = files.iter().cloned().collect();
    let fetched = fetch(files, &out).await;
    assert_eq!(check(&fetched, &originals), Outcome::Complete);
    for (ending, evidence) in [
        ("142485.webm", "verified by structure"),
        ("144485.webm", "verified by structure"),
        (".mp4", "verified by structure"),
        (".mp3", "verified by structure"),
        (".jpg", "verified by structure"),
        // Its frames do not tell how many there are.
        (".aac", "verified by length only"),
    ] {
        assert_eq!(verdict(object(&fetched, ending)), evidence, "{ending}");
    }
    assert_eq!(findings(&fetched), Vec::<&str>::new());
}

#[tokio::test]
async fn a_live_slice_that_plays_short_is_told_now_and_in_a_rerun() {
    let (_guard, out) = out();
    let mut all = slices(Sizes::Unknown);
    let shorter = WebMSpec { duration_ms: 1200, seed: 1, sizes: Sizes::Unknown, ..WebMSpec::default() };
    all[1] = webm::file(&shorter).into();
    for _ in 0..2 {
        let fetched = fetch(files(&all), &out).await;
        assert_eq!(fetched.report.outcome(), Outcome::Incomplete);
        assert_eq!(verdict(object(&fetched, "142485.webm")), "verified by length only");
        assert_eq!(findings(&fetched), ["plays-short"]);
    }
}

#[tokio::test]
async fn a_file_that_was_stored_bad_is_corrupt() {
    let whole = files(&slices(Sizes::Known));
    for ending in ["142485.webm", ".mp4", ".mp3", ".aac", ".jpg"] {
        let (_guard, out) = out();
        let mut files = whole.clone();
        let (_, bytes) = files.iter_mut().find(|(name, _)| name.ends_with(ending)).unwrap();
        *bytes = bytes.slice(..bytes.len() - 3);
        let fetched = fetch(files, &out).await;
        assert_eq!(fetched.report.outcome(), Outcome::Corrupt, "{ending}");
        assert!(verdict(object(&fetched, ending)).contains("ends too early"), "{ending}");
    }
}

#[tokio::test]
async fn an_index_that_is_too_large_to_be_gathered_as_it_passes_is_looked_at_behind() {
    let (_guard, out) = out();
    let spec = mp4::Mp4Spec { duration_ms: 2_400_000, sample_bytes: 2, ..mp4::Mp4Spec::default() };
    let film = mp4::file(&spec);
    let index = film.windows(4).position(|name| name == b"moov").unwrap() - 4;
    let size = u32::from_be_bytes(film[index..index + 4].try_into().unwrap());
    assert!(size > 600 << 10, "{size}");
    let mut files = files(&slices(Sizes::Known));
    let stem = format!("{SID}_{}", webm_plan().channel);
    files.push((format!("{stem}_1.mp4"), film.clone().into()));
    let originals = files.iter().cloned().collect();
    let fetched = fetch(files.clone(), &out).await;
    assert_eq!(check(&fetched, &originals), Outcome::Complete);
    let evidence = verdict(object(&fetched, "_1.mp4"));
    assert!(evidence.contains("verified by structure"), "{evidence}");
    let media = check_media(&verified(&fetched.dir), &|_| ()).unwrap();
    assert_eq!((media.not_judged, media.damage), (0, Vec::new()));
    // One of its chunks is put outside of the file.
    let mut wrong = film;
    let chunks = index + wrong[index..].windows(4).position(|name| name == b"stco").unwrap() + 12;
    wrong[chunks] = 0x7f;
    files.last_mut().unwrap().1 = wrong.into();
    let (_guard, out) = self::out();
    let fetched = fetch(files, &out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Corrupt, "{}", verdict(object(&fetched, "_1.mp4")));
}
