//! From bytes to verdict: what each form proves, and what no cut of it does.

use std::time::Duration;

use recfetch_test_support::mp4::{self, Layout, Mp4Spec};
use recfetch_test_support::webm::{self, Sizes, WebMSpec};
use recfetch_test_support::{picture, sound};

use super::*;
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::place::SourceName;
use crate::domain::verdict::{Corruption, Evidence, Expectation, Framing, Observation, judge};

fn check(
    form: Format,
    bytes: &[u8],
    listed_ms: Option<u64>,
    digests: &[Digest],
) -> Result<Evidence, Corruption> {
    let content = Content::from(Some(form));
    let mut examination = Examination::new(content);
    examination.push(bytes);
    let duration = listed_ms.map(Duration::from_millis);
    let expected = Expectation { content, duration, digests: digests.to_vec(), ..Expectation::default() };
    let seen = Observation {
        size: bytes.len() as u64,
        framing: Framing::Length,
        digests: digests.to_vec(),
        structure: examination.finish(),
    };
    judge(&expected, &seen, &SourceName::new("prod"))
}

fn webm(sizes: Sizes) -> Vec<u8> {
    webm::file(&WebMSpec { sizes, block_bytes: 12, ..WebMSpec::default() })
}

fn mp4(layout: Layout) -> Vec<u8> {
    mp4::file(&Mp4Spec { layout, sample_bytes: 3, ..Mp4Spec::default() })
}

/// What whole bytes of each form prove without a digest, with the playing time that is listed.
fn whole() -> Vec<(Format, Vec<u8>, Option<u64>, Evidence)> {
    use Evidence::{LengthOnly, Structure};
    vec![
        (Format::WebM, webm(Sizes::Known), Some(2000), Structure),
        (Format::WebM, webm(Sizes::Known), None, Structure),
        // It may have lost its end, or the playlist is not exact.
        (Format::WebM, webm(Sizes::Known), Some(2900), LengthOnly),
        // Its writer did not know where it would end.
        (Format::WebM, webm(Sizes::Unknown), Some(2000), LengthOnly),
        (Format::WebM, webm(Sizes::KnownClusters), Some(2000), LengthOnly),
        (Format::Mp4, mp4(Layout::IndexFirst), None, Structure),
        (Format::Mp4, mp4(Layout::IndexLast), None, Structure),
        (Format::Mp4, mp4(Layout::Large), Some(2010), Structure),
        (Format::Mp4, mp4(Layout::Fragments), None, Structure),
        (Format::Mp4, mp4(Layout::OpenFragments), None, LengthOnly),
        (Format::Mp3, sound::mp3_with_info(9, 1), None, Structure),
        (Format::Mp3, sound::mp3(9, 1), None, LengthOnly),
        (Format::Adts, sound::adts(9, 1), None, LengthOnly),
        (Format::Jpeg, picture::jpeg(64, 36, 1), None, Structure),
    ]
}

#[test]
fn whole_files_are_proven_by_what_tells_their_end() {
    for (form, bytes, listed, evidence) in whole() {
        assert_eq!(check(form, &bytes, listed, &[]), Ok(evidence), "{form} {listed:?}");
    }
}

#[test]
fn no_cut_at_any_byte_is_proven_by_structure() {
    for (form, bytes, listed, evidence) in whole() {
        for end in 0..bytes.len() {
            let judged = check(form, &bytes[..end], listed, &[]);
            assert_ne!(judged, Ok(Evidence::Structure), "{form} cut at {end} of {}", bytes.len());
            if evidence == Evidence::Structure && form != Format::Mp4 {
                assert!(judged.is_err(), "{form} cut at {end} of {}: {judged:?}", bytes.len());
            }
        }
    }
}

#[test]
fn each_damage_has_its_name() {
    let garbage = [7_u8; 600];
    for form in [Format::WebM, Format::Mp4, Format::Adts, Format::Mp3, Format::Jpeg] {
        assert_eq!(check(form, &garbage, None, &[]), Err(Corruption::NotOfFormat { form }));
        assert_eq!(check(form, b"", None, &[]), Err(Corruption::Empty));
        let page = check(form, b"<html>sign in</html>", None, &[]);
        assert_eq!(page, Err(Corruption::Page(Page::Html)));
    }
    let (known, open, jpeg) = (webm(Sizes::Known), webm(Sizes::Unknown), picture::jpeg(64, 36, 1));
    let last = mp4(Layout::IndexLast);
    let index = last.windows(4).position(|name| name == b"moov").unwrap() - 4;
    let first = mp4(Layout::IndexFirst);
    let media = first.windows(4).position(|name| name == b"mdat").unwrap() - 4;
    let moved = [&first[..media], &mp4::boxed(b"free", &[0; 99]), &first[media..]].concat();
    let cluster = known.windows(4).position(|id| id == [0x1f, 0x43, 0xb6, 0x75]).unwrap();
    let mut broken = known.clone();
    broken[cluster] = 0;
    let mp3 = sound::mp3_with_info(9, 1);
    for (form, bytes, what) in [
        (Format::WebM, &known[..known.len() - 1], Corruption::CutInside { form: Format::WebM }),
        (Format::WebM, &open[..open.len() - 1], Corruption::CutInside { form: Format::WebM }),
        (Format::WebM, &broken, Corruption::Broken { form: Format::WebM, at: cluster as u64 }),
        (Format::WebM, &[&known[..], b"more"].concat(), Corruption::Trailing { bytes: 4 }),
        (Format::Mp4, &last[..last.len() - 1], Corruption::CutInside { form: Format::Mp4 }),
        (Format::Mp4, &last[..index], Corruption::NoIndex),
        (Format::Mp3, &mp3[..mp3.len() - 1], Corruption::CutInside { form: Format::Mp3 }),
        (Format::Mp3, &mp3[..mp3.len() - 384], Corruption::FramesMissing { expected: 9, found: 8 }),
        (Format::Jpeg, &jpeg[..jpeg.len() - 1], Corruption::CutInside { form: Format::Jpeg }),
        (Format::Jpeg, &[&jpeg[..], b"more"].concat(), Corruption::Trailing { bytes: 4 }),
    ] {
        assert_eq!(check(form, bytes, None, &[]), Err(what.clone()), "{what}");
    }
    assert!(matches!(check(Format::Mp4, &moved, None, &[]), Err(Corruption::WrongIndex { .. })));
    let short = check(Format::WebM, &known, Some(15_000), &[]);
    assert_eq!(short, Err(Corruption::PlayingTime { expected_ms: 15_000, found_ms: 2000 }));
}

#[test]
fn a_right_digest_excuses_what_players_pass_over_and_nothing_else() {
    let digests = [Digest::new(Algorithm::Md5, [1; 16]).unwrap()];
    let excused = |form, bytes: &[u8]| check(form, bytes, None, &digests).is_ok();
    let (webm, last, mp3, jpeg) =
        (webm(Sizes::Known), mp4(Layout::IndexLast), sound::mp3_with_info(9, 1), picture::jpeg(64, 36, 1));
    let index = last.windows(4).position(|name| name == b"moov").unwrap() - 4;
    let mut lost = mp3.clone();
    lost[384 * 4] = 0;
    for (form, bytes) in [
        (Format::WebM, &[&webm[..], b"more"].concat()),
        (Format::Mp4, &[&last[..], &[0xff; 30]].concat()),
        (Format::Mp3, &lost),
        (Format::Jpeg, &[&jpeg[..], b"more"].concat()),
    ] {
        assert!(excused(form, bytes), "{form}");
        assert!(check(form, bytes, None, &[]).is_err(), "{form}");
    }
    for (form, bytes) in [
        (Format::WebM, &webm[..webm.len() - 1]),
        (Format::Mp4, &last[..last.len() - 1]),
        (Format::Mp4, &last[..index]),
        (Format::Mp3, &mp3[..mp3.len() - 1]),
        (Format::Jpeg, &jpeg[..jpeg.len() - 1]),
        (Format::WebM, b"<html>sign in</html>"),
    ] {
        assert!(!excused(form, bytes), "{form}");
    }
}
