use proptest::prelude::*;
use recfetch_test_support::sound::{adts, id3v1, id3v2, mp3, mp3_with_info};

use super::*;

fn examine(kind: Frames, bytes: &[u8]) -> Summary {
    let mut examiner = Examiner::new(kind);
    examiner.push(bytes);
    examiner.finish()
}

#[test]
fn frames_and_playing_time_are_counted() {
    let summary = examine(Frames::Adts, &adts(375, 1));
    assert_eq!((summary.frames, summary.rate, summary.span_ms), (375, Some(48_000), Some(8000)));
    assert_eq!((summary.cut, summary.broken_at, summary.trailing_bytes), (false, None, 0));
    for (bytes, announced) in [(mp3(125, 1), None), (mp3_with_info(125, 1), Some(125))] {
        let summary = examine(Frames::Mp3, &bytes);
        assert_eq!((summary.frames, summary.rate, summary.span_ms), (125, Some(48_000), Some(3000)));
        assert_eq!((summary.cut, summary.broken_at, summary.trailing_bytes), (false, None, 0));
        assert_eq!(summary.announced_frames, announced);
        assert_eq!(summary.announced_bytes, announced.map(|_| summary.frame_bytes));
    }
}

#[test]
fn tags_before_and_behind_are_no_frames() {
    let mut ape = b"APETAGEX\xd0\x07\0\0".to_vec();
    ape.extend(40_u32.to_le_bytes());
    ape.resize(32 + 40, 0);
    for (kind, frames) in [(Frames::Adts, adts(9, 0)), (Frames::Mp3, mp3(9, 0))] {
        let tagged = [id3v2(77), frames.clone(), id3v1()].concat();
        let summary = examine(kind, &tagged);
        assert_eq!((summary.frames, summary.cut, summary.broken_at), (9, false, None), "{kind:?}");
        assert_eq!(examine(kind, &[&tagged[..], b"more"].concat()).trailing_bytes, 4);
        assert!(examine(kind, &tagged[..tagged.len() - 1]).cut);
        let summary = examine(kind, &[frames, ape.clone(), id3v1()].concat());
        assert_eq!((summary.frames, summary.cut, summary.broken_at), (9, false, None), "{kind:?}");
    }
}

#[test]
fn a_cut_is_noticed_at_each_byte_but_between_frames() {
    for (kind, bytes, frame) in [
        (Frames::Adts, adts(5, 3), 100),
        (Frames::Mp3, mp3(4, 3), 384),
        (Frames::Mp3, mp3_with_info(4, 3), 384),
    ] {
        for end in 1..bytes.len() {
            let summary = examine(kind, &bytes[..end]);
            assert_eq!(summary.cut, end % frame != 0, "{kind:?} cut at {end}");
            if let Some(announced) = summary.announced_frames {
                assert!(summary.frames < announced || summary.cut, "{kind:?} cut at {end}");
            }
        }
    }
}

#[test]
fn a_lost_frame_start_is_named() {
    for (kind, mut bytes, frame) in [(Frames::Adts, adts(5, 3), 100), (Frames::Mp3, mp3(5, 3), 384)] {
        bytes[2 * frame] = 0;
        let summary = examine(kind, &bytes);
        assert_eq!((summary.frames, summary.broken_at), (2, Some(2 * frame as u64)));
        bytes.drain(frame + 50..frame + 60);
        assert!(examine(kind, &bytes).broken_at.is_some());
    }
    // Another rate in the middle is another stream.
    let mut bytes = mp3(5, 3);
    bytes[384 + 2] = 0x98;
    assert_eq!(examine(Frames::Mp3, &bytes).broken_at, Some(384));
    for garbage in [&b"GGGGGGGG"[..], &[0; 40], &[0xff; 40], b"<html></html>"] {
        for kind in [Frames::Adts, Frames::Mp3] {
            assert_eq!(examine(kind, garbage).broken_at, Some(0));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_of_any_size_give_the_same_facts_and_nothing_panics(
        random in proptest::collection::vec(any::<u8>(), 0..600),
        at in any::<proptest::sample::Index>(),
        size in 1_usize..50,
    ) {
        for (kind, bytes) in [(Frames::Adts, adts(9, 1)), (Frames::Mp3, mp3_with_info(9, 1))] {
            let at = at.index(bytes.len());
            let harmed = [&bytes[..at], &random, &bytes[at..]].concat();
            for bytes in [&bytes, &harmed, &random] {
                let mut examiner = Examiner::new(kind);
                bytes.chunks(size).for_each(|piece| examiner.push(piece));
                prop_assert_eq!(examiner.finish(), examine(kind, bytes));
            }
        }
    }
}
