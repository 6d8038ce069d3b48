use proptest::prelude::*;
use recfetch_test_support::mp4::{Layout, Mp4Spec, Tracks, boxed, file};

use super::super::TrackKind;
use super::*;

const LAYOUTS: [Layout; 5] =
    [Layout::IndexFirst, Layout::IndexLast, Layout::Large, Layout::Fragments, Layout::OpenFragments];

fn examine(bytes: &[u8]) -> Summary {
    let mut examiner = Examiner::new();
    examiner.push(bytes);
    examiner.finish()
}

fn is_sound(summary: &Summary) -> bool {
    summary.brand.is_some()
        && !summary.cut
        && summary.broken_at.is_none()
        && summary.has_index
        && !summary.too_large
        && summary.bad_tables + summary.outside + summary.fragment_breaks == 0
        && summary.samples > 0
}

fn small(layout: Layout) -> Vec<u8> {
    file(&Mp4Spec { duration_ms: 1200, sample_bytes: 3, layout, ..Mp4Spec::default() })
}

#[test]
fn made_files_are_whole_and_play_as_long_as_they_should() {
    for layout in LAYOUTS {
        for tracks in [Tracks::AudioVideo, Tracks::Audio, Tracks::Video] {
            let spec = Mp4Spec { layout, tracks, duration_ms: 2500, rotation: 90, ..Mp4Spec::default() };
            let summary = examine(&file(&spec));
            assert!(is_sound(&summary), "{spec:?}: {summary:?}");
            assert_eq!(summary.brand.as_deref(), Some("isom"));
            assert!(summary.span_ms.unwrap().abs_diff(2500) < 41, "{spec:?}: {summary:?}");
            let fragmented = matches!(layout, Layout::Fragments | Layout::OpenFragments);
            assert_eq!(summary.announced_ms, (!fragmented).then_some(2500));
            assert_eq!(summary.fragments, if fragmented { 3 } else { 0 });
            assert_eq!(summary.is_closed, layout == Layout::Fragments);
            let facts =
                |track: &TrackSummary| (track.kind, track.codec.clone(), track.rotation, track.samples);
            let video = (TrackKind::Video, "avc1".to_owned(), Some(90), 63);
            let audio = (TrackKind::Audio, "mp4a".to_owned(), Some(0), 118);
            let expected = match tracks {
                Tracks::AudioVideo => vec![video, audio],
                Tracks::Audio => vec![audio],
                Tracks::Video => vec![video],
            };
            assert_eq!(summary.tracks.iter().map(facts).collect::<Vec<_>>(), expected, "{spec:?}");
        }
    }
}

#[test]
fn nothing_and_garbage_are_described() {
    assert_eq!(examine(&[]), Summary::default());
    for garbage in [&b"GGGGGGGGGGGGGGGGGG"[..], b"\0\0\0\x10moovxxxxxxxx", &[0xff; 40], &[0; 40]] {
        let summary = examine(garbage);
        assert_eq!((summary.brand, summary.broken_at), (None, Some(0)), "{garbage:?}");
    }
}

#[test]
fn a_cut_at_any_byte_is_noticed() {
    for layout in LAYOUTS {
        let bytes = small(layout);
        for end in 0..bytes.len() {
            let summary = examine(&bytes[..end]);
            // Between two fragments nothing tells, but then the file is not closed.
            let open = layout == Layout::OpenFragments || layout == Layout::Fragments;
            assert!(
                !is_sound(&summary) || (open && !summary.is_closed),
                "{layout:?} cut at {end}: {summary:?}"
            );
        }
    }
}

#[test]
fn a_changed_bit_in_any_size_or_name_of_a_box_is_noticed() {
    for layout in [Layout::IndexFirst, Layout::IndexLast, Layout::Large] {
        let bytes = small(layout);
        for name in [b"ftyp", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz", b"stsc", b"stts", b"mdat"]
        {
            let at = bytes.windows(4).position(|window| window == name).unwrap() - 4;
            // The name of one track of several may be one that is not known here.
            let end = if name == b"trak" { at + 4 } else { at + 8 };
            for (byte, bit) in (at..end).flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
                let mut harmed = bytes.clone();
                harmed[byte] ^= 1 << bit;
                let summary = examine(&harmed);
                assert!(!is_sound(&summary), "{layout:?} {name:?} byte {byte} bit {bit}: {summary:?}");
            }
        }
    }
}

#[test]
fn media_that_the_index_points_to_must_be_there() {
    let bytes = small(Layout::IndexFirst);
    // All chunks one byte further: the last ones leave the media, and one more byte in front brings the
    // first back.
    let at = bytes.windows(4).position(|window| window == b"mdat").unwrap() - 4;
    let moved = [&bytes[..at], &boxed(b"free", &[0; 64]), &bytes[at..]].concat();
    assert!(examine(&moved).outside > 0);
    // A missing piece with the sizes put right.
    let mut shorter = bytes[..bytes.len() - 5].to_vec();
    let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) - 5;
    shorter[at..at + 4].copy_from_slice(&size.to_be_bytes());
    assert!(examine(&shorter).outside > 0);
    // To the end of the file is a size too.
    let mut open = bytes;
    open[at..at + 4].copy_from_slice(&[0; 4]);
    assert!(is_sound(&examine(&open)));
    assert!(!is_sound(&examine(&open[..open.len() - 1])));
}

#[test]
fn an_index_must_be_there_once() {
    let bytes = small(Layout::IndexLast);
    let at = bytes.windows(4).position(|window| window == b"moov").unwrap() - 4;
    let without = examine(&bytes[..at]);
    assert_eq!((without.has_index, without.cut, without.broken_at), (false, false, None));
    let twice = examine(&[&bytes, &bytes[at..]].concat());
    assert_eq!(twice.bad_tables, 1);
}

#[test]
fn what_follows_the_last_box_is_noticed() {
    let bytes = small(Layout::IndexLast);
    assert!(is_sound(&examine(&[&bytes[..], &boxed(b"free", b"room")].concat())));
    assert!(examine(&[&bytes[..], b"abc"].concat()).cut);
    let page = [&bytes[..], b"<html>an error</html>"].concat();
    assert!(!is_sound(&examine(&page)));
    assert_eq!(examine(&[&bytes[..], &[0xff; 30]].concat()).broken_at, Some(bytes.len() as u64));
}

#[test]
fn fragments_are_counted_and_must_have_their_media() {
    let bytes = small(Layout::Fragments);
    let starts: Vec<_> =
        bytes.windows(4).enumerate().filter(|(_, w)| *w == b"moof").map(|(at, _)| at - 4).collect();
    let [first, second] = starts[..] else { panic!("two fragments") };
    let gone = examine(&[&bytes[..first], &bytes[second..]].concat());
    assert_eq!((gone.fragments, gone.is_closed), (1, true));
    let again = examine(&[&bytes[..second], &bytes[first..]].concat());
    assert_eq!(again.fragment_breaks, 1);
    let media = bytes[first..].windows(4).position(|window| window == b"mdat").unwrap() + first - 4;
    let without_media = examine(&[&bytes[..media], &bytes[second..]].concat());
    assert_eq!(without_media.outside, 2);
}

#[test]
fn hostile_sizes_and_counts_cost_no_more_than_their_bytes() {
    let brands = boxed(b"ftyp", b"isom\0\0\0\0");
    // 2^63 bytes of index are not waited for.
    let mut examiner = Examiner::new();
    examiner.push(&brands);
    examiner.push(b"\0\0\0\x01moov\x7f\xff\xff\xff\xff\xff\xff\x00");
    examiner.push(&[0; 1000]);
    assert!(examiner.gathered.is_empty());
    let summary = examiner.finish();
    assert!(summary.cut && summary.too_large);
    // The largest that is read takes no room before it comes.
    let mut examiner = Examiner::with_limit(LARGEST_INDEX);
    examiner.push(&[&brands[..], &(u32::try_from(LARGEST_INDEX).unwrap()).to_be_bytes(), b"moov"].concat());
    assert!(examiner.gathered.capacity() < 1 << 12);
    // An index to the end of the file stops being kept at the limit, and takes little more than that.
    for (mut examiner, limit) in
        [(Examiner::new(), USUAL_INDEX), (Examiner::with_limit(usize::MAX), LARGEST_INDEX)]
    {
        examiner.push(&[&brands[..], b"\0\0\0\0moov"].concat());
        let mut most = 0;
        for _ in 0..=limit >> 16 {
            examiner.push(&vec![0; 1 << 16]);
            most = most.max(examiner.gathered.capacity());
        }
        assert!((limit..=limit + limit / 3).contains(&most), "{most} of {limit}");
        assert!(examiner.gathered.capacity() == 0 && examiner.finish().too_large);
    }
    // Boxes in boxes, 10,000 deep.
    let mut nested = Vec::new();
    for _ in 0..10_000 {
        let size = u32::try_from(nested.len() + 8).unwrap();
        nested.splice(0..0, [&size.to_be_bytes()[..], b"moov"].concat());
    }
    assert_eq!(examine(&[brands.clone(), nested].concat()).samples, 0);
    // Four billion samples of four billion bytes in four billion chunks of a few real bytes.
    let most = [0xff; 4];
    for (name, entry) in [(b"stsz", 4), (b"stco", 4), (b"stts", 8), (b"stsc", 12)] {
        let mut bytes = small(Layout::IndexLast);
        let at = bytes.windows(4).position(|window| window == name).unwrap() + 8;
        let at = if name == b"stsz" { at + 4 } else { at };
        bytes[at..at + 4].copy_from_slice(&most);
        bytes[at + 4..at + 4 + entry].fill(0xff);
        assert!(!is_sound(&examine(&bytes)), "{name:?}");
    }
    let mut same = small(Layout::IndexLast);
    let at = same.windows(4).position(|window| window == b"stsz").unwrap() + 8;
    same[at..at + 8].fill(0xff);
    assert!(!is_sound(&examine(&same)));
    // Pieces of media without end.
    let mut examiner = Examiner::new();
    examiner.push(&brands);
    for _ in 0..MOST_EXTENTS + 10 {
        examiner.push(&boxed(b"mdat", &[]));
    }
    assert_eq!(examiner.media.len(), MOST_EXTENTS);
    assert!(examiner.finish().too_large);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_of_any_size_give_the_same_facts(layout in 0_usize..5, sizes in proptest::collection::vec(1_usize..300, 1..20)) {
        let bytes = small(LAYOUTS[layout]);
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
        layout in 0_usize..5,
    ) {
        let _ = examine(&bytes);
        let _ = examine(&[&boxed(b"ftyp", b"isom"), &boxed(b"moov", &bytes)[..]].concat());
        let mut harmed = small(LAYOUTS[layout]);
        for (at, byte) in harm {
            let at = at.index(harmed.len());
            harmed[at] = byte;
        }
        let _ = examine(&harmed);
    }
}
