use proptest::prelude::*;
use recfetch_test_support::picture::jpeg;

use super::*;

fn examine(bytes: &[u8]) -> Summary {
    let mut examiner = Examiner::new();
    examiner.push(bytes);
    examiner.finish()
}

#[test]
fn a_picture_has_a_size_and_an_end() {
    let summary = examine(&jpeg(640, 360, 1));
    let whole = Summary {
        is_jpeg: true,
        ended: true,
        scans: 1,
        width: Some(640),
        height: Some(360),
        ..Summary::default()
    };
    assert_eq!(summary, whole);
    assert_eq!(examine(&[&jpeg(640, 360, 1)[..], b"more"].concat()), Summary { trailing_bytes: 4, ..whole });
}

#[test]
fn a_cut_at_any_byte_is_noticed() {
    let bytes = jpeg(64, 36, 2);
    for end in 0..bytes.len() {
        assert!(!examine(&bytes[..end]).ended, "cut at {end}");
    }
}

#[test]
fn what_is_no_marker_is_named() {
    assert_eq!(examine(b"\x89PNG\r\n"), Summary { broken_at: Some(0), ..Summary::default() });
    let mut bytes = jpeg(64, 36, 2);
    bytes[2] = 0;
    assert_eq!(examine(&bytes).broken_at, Some(2));
    // An end without a scan is none, and neither is a start within.
    for within in [[0xff, 0xd9], [0xff, 0xd8], [0xff, 0x02]] {
        assert_eq!(examine(&[&[0xff, 0xd8], &within[..]].concat()).broken_at, Some(3));
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
        let bytes = jpeg(64, 36, 3);
        let at = at.index(bytes.len());
        let harmed = [&bytes[..at], &random, &bytes[at..]].concat();
        for bytes in [&bytes, &harmed, &random] {
            let mut examiner = Examiner::new();
            bytes.chunks(size).for_each(|piece| examiner.push(piece));
            prop_assert_eq!(examiner.finish(), examine(bytes));
        }
    }
}
