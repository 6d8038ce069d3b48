use proptest::prelude::*;
use recfetch_test_support::webm::{Blocks, Sizes, Track as Made, WebMSpec, element, file, open_element};

use super::super::TrackKind;
use super::*;

fn examine(bytes: &[u8]) -> Summary {
    let mut examiner = Examiner::new();
    examiner.push(bytes);
    examiner.finish()
}

fn is_sound(summary: &Summary) -> bool {
    summary.doc_type.as_deref() == Some("webm")
        && summary.extent != Extent::Missing
        && !summary.cut
        && summary.broken_at.is_none()
        && summary.trailing_bytes + summary.unknown_elements + summary.stray_blocks == 0
        && summary.blocks > 0
}

fn specs() -> impl Iterator<Item = WebMSpec> {
    let sizes = [Sizes::Known, Sizes::KnownClusters, Sizes::Unknown];
    let tracks = [(Made::Video, 40), (Made::Audio, 20)];
    let blocks = [Blocks::Simple, Blocks::Groups];
    sizes.into_iter().flat_map(move |sizes| {
        tracks.into_iter().flat_map(move |(track, step_ms)| {
            blocks.map(|blocks| WebMSpec { sizes, track, step_ms, blocks, ..WebMSpec::default() })
        })
    })
}

#[test]
fn made_files_are_whole_and_play_as_long_as_they_should() {
    for spec in specs() {
        for start_ms in [0, 70_000] {
            let spec = WebMSpec { start_ms, duration_ms: 2500, ..spec.clone() };
            let summary = examine(&file(&spec));
            assert!(is_sound(&summary), "{spec:?}: {summary:?}");
            assert_eq!(summary.extent == Extent::Sized, spec.sizes == Sizes::Known);
            let span = u64::from(2500_u32.next_multiple_of(spec.step_ms));
            assert_eq!((summary.first_ms, summary.span_ms), (Some(u64::from(start_ms)), Some(span)));
            let announced = (spec.sizes == Sizes::Known).then_some(u64::from(start_ms) + span);
            assert_eq!(summary.announced_ms, announced);
            assert_eq!((summary.clusters, summary.tracks.len()), (3, 1));
            let track = &summary.tracks[0];
            assert_eq!((track.blocks, track.span_ms), (span / u64::from(spec.step_ms), Some(span)));
            let (kind, codec, size) = match spec.track {
                Made::Video => (TrackKind::Video, "V_VP8", Some((640, 480))),
                Made::Audio => (TrackKind::Audio, "A_OPUS", None),
            };
            assert_eq!(
                (track.kind, track.codec.as_str(), track.width.zip(track.height)),
                (kind, codec, size)
            );
            assert_eq!(summary.keyframe_first, (spec.track == Made::Video).then_some(true));
        }
    }
}

#[test]
fn nothing_and_garbage_are_described() {
    assert_eq!(examine(&[]), Summary::default());
    for garbage in [&b"GGGGGGGGGGGGGGGGGG"[..], b"\0\0\0\x18ftypmp42", &[0xff; 40], &[0; 40]] {
        let summary = examine(garbage);
        assert_eq!((summary.doc_type, summary.broken_at), (None, Some(0)), "{garbage:?}");
    }
}

#[test]
fn a_cut_at_any_byte_is_noticed_where_the_writer_knew_the_sizes() {
    for spec in specs() {
        let bytes = file(&WebMSpec { duration_ms: 1200, block_bytes: 20, ..spec.clone() });
        let whole = examine(&bytes);
        for end in 0..bytes.len() {
            let summary = examine(&bytes[..end]);
            if spec.sizes == Sizes::Known {
                assert!(!is_sound(&summary), "{spec:?} cut at {end}: {summary:?}");
            } else if is_sound(&summary) {
                // Between two elements nothing tells, but then the end is known to be open.
                assert_eq!(summary.extent, Extent::Open, "{spec:?} cut at {end}");
                assert!(summary.blocks <= whole.blocks);
            }
        }
    }
}

#[test]
fn a_changed_size_is_noticed_in_every_element_that_holds_others() {
    let bytes = file(&WebMSpec { duration_ms: 1200, block_bytes: 20, ..WebMSpec::default() });
    let whole = examine(&bytes);
    // Header, segment, first cluster.
    for id in [&[0x1a, 0x45, 0xdf, 0xa3][..], &[0x18, 0x53, 0x80, 0x67], &[0x1f, 0x43, 0xb6, 0x75]] {
        let at = bytes.windows(4).position(|window| window == id).unwrap() + 4;
        let length = bytes[at].leading_zeros() as usize + 1;
        for byte in at..at + length {
            for bit in 0..8 {
                let mut harmed = bytes.clone();
                harmed[byte] ^= 1 << bit;
                let summary = examine(&harmed);
                assert!(!is_sound(&summary) || summary != whole, "{id:x?} byte {byte} bit {bit}");
                assert!(!is_sound(&summary) || summary.extent == Extent::Open, "{id:x?} {byte} {bit}");
            }
        }
    }
}

#[test]
fn what_follows_the_segment_is_counted() {
    let bytes = file(&WebMSpec::default());
    for garbage in [&b"x"[..], &[0; 20], b"<html>an error page</html>", &bytes] {
        let summary = examine(&[&bytes, garbage].concat());
        assert_eq!((summary.trailing_bytes, summary.cut), (garbage.len() as u64, false));
    }
    // Room is part of the file.
    let mut padded = bytes;
    element(&mut padded, 0xec, &[0; 30]);
    assert!(is_sound(&examine(&padded)));
}

#[test]
fn children_do_not_run_out_of_their_parent() {
    let mut header = Vec::new();
    element(&mut header, 0x4282, b"webm");
    let mut bytes = Vec::new();
    element(&mut bytes, 0x1a45_dfa3, &header);
    let at = bytes.len() as u64;
    // A segment of ten bytes with an element of 100 in it.
    let mut segment = vec![0x18, 0x53, 0x80, 0x67, 0x8a];
    segment.extend([0xec, 0xe4]);
    segment.extend([0; 100]);
    let summary = examine(&[bytes.clone(), segment].concat());
    assert_eq!(summary.broken_at, Some(at + 5));
    // Unknown sizes are for segments and clusters.
    let mut segment = Vec::new();
    open_element(&mut segment, 0x1654_ae6b, &[]);
    open_element(&mut bytes, 0x1853_8067, &segment);
    assert!(examine(&bytes).broken_at.is_some());
}

#[test]
fn hostile_sizes_and_depths_cost_no_more_than_their_bytes() {
    let mut head = Vec::new();
    element(&mut head, 0x1a45_dfa3, &[0x42, 0x82, 0x84, b'w', b'e', b'b', b'm']);
    let largest = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];
    for id in [&[0x18, 0x53, 0x80, 0x67][..], &[0xec]] {
        let bytes = [&head[..], id, &largest, &[0; 50]].concat();
        assert!(!is_sound(&examine(&bytes)));
    }
    // Segments in segments and clusters in clusters, each of unknown size: none nests in another.
    for id in [0x1853_8067, 0x1f43_b675, 0xa0] {
        let mut nested = head.clone();
        open_element(&mut nested, 0x1853_8067, &[]);
        let mut examiner = Examiner::new();
        examiner.push(&nested);
        for _ in 0..10_000 {
            let mut more = Vec::new();
            open_element(&mut more, id, &[]);
            examiner.push(&more);
            assert!(examiner.open.len() <= 4 && examiner.gathered.len() <= LONGEST_VALUE);
        }
        assert!(!is_sound(&examiner.finish()));
    }
    // Tracks without end.
    let mut tracks = Vec::new();
    (0..10_000).for_each(|_| element(&mut tracks, 0xae, &[0xd7, 0x81, 1]));
    let mut segment = Vec::new();
    element(&mut segment, 0x1654_ae6b, &tracks);
    let mut bytes = head;
    element(&mut bytes, 0x1853_8067, &segment);
    assert_eq!(examine(&bytes).tracks.len(), MOST_TRACKS);
}

#[test]
fn times_at_the_edge_of_numbers_do_no_harm() {
    for (scale, cluster) in [(1, u64::MAX), (u64::MAX, 1), (LARGEST_SCALE, u64::MAX / 4), (0, 1)] {
        let mut info = Vec::new();
        element(&mut info, 0x2a_d7b1, &scale.to_be_bytes());
        element(&mut info, 0x4489, &f64::INFINITY.to_be_bytes());
        let mut entry = Vec::new();
        element(&mut entry, 0xd7, &[1]);
        element(&mut entry, 0x23_e383, &u64::MAX.to_be_bytes());
        let mut tracks = Vec::new();
        element(&mut tracks, 0xae, &entry);
        let mut group = Vec::new();
        element(&mut group, 0xa1, &[0x81, 0x80, 0, 0, 9]);
        element(&mut group, 0x9b, &u64::MAX.to_be_bytes());
        let mut clusters = Vec::new();
        element(&mut clusters, 0xe7, &cluster.to_be_bytes());
        element(&mut clusters, 0xa0, &group);
        element(&mut clusters, 0xa3, &[0x81, 0x7f, 0xff, 0, 9]);
        let mut segment = Vec::new();
        element(&mut segment, 0x1549_a966, &info);
        element(&mut segment, 0x1654_ae6b, &tracks);
        element(&mut segment, 0x1f43_b675, &clusters);
        let mut bytes = Vec::new();
        element(&mut bytes, 0x1a45_dfa3, &[0x42, 0x82, 0x84, b'w', b'e', b'b', b'm']);
        element(&mut bytes, 0x1853_8067, &segment);
        assert_eq!(examine(&bytes).announced_ms, None, "{scale} {cluster}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_of_any_size_give_the_same_facts(spec in 0_usize..12, sizes in proptest::collection::vec(1_usize..300, 1..20)) {
        let bytes = file(&WebMSpec { block_bytes: 30, ..specs().nth(spec).unwrap() });
        let mut examiner = Examiner::new();
        let mut rest = &bytes[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at(rest.len().min(*size));
            examiner.push(piece);
            rest = behind;
        }
        prop_assert_eq!(examiner.finish(), examine(&bytes));
        let mut single = Examiner::new();
        bytes.iter().for_each(|byte| single.push(&[*byte]));
        prop_assert_eq!(single.finish(), examine(&bytes));
    }

    #[test]
    fn random_bytes_and_random_harm_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        harm in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..20),
        spec in 0_usize..12,
    ) {
        let _ = examine(&bytes);
        let mut harmed = file(&WebMSpec { block_bytes: 10, ..specs().nth(spec).unwrap() });
        for (at, byte) in harm {
            let at = at.index(harmed.len());
            harmed[at] = byte;
        }
        let _ = examine(&harmed);
        let _ = examine(&[&harmed[..40], &bytes].concat());
    }
}
