use std::sync::OnceLock;
use std::time::Instant;

use super::*;
use crate::domain::finding::{NotPlaylist, UnsafeUri};

fn key() -> ObjectKey {
    ObjectKey::parse("school/p.m3u8").unwrap()
}

fn read_text(text: &str) -> (Playlist, Vec<Finding>) {
    read(&key(), text.as_bytes(), UriPolicy::NamesOnly)
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(Finding::code).collect()
}

fn uris(playlist: &Playlist) -> Vec<String> {
    playlist.segments.iter().map(|segment| segment.uri.to_string()).collect()
}

/// The body between a usual header and an `EXT-X-ENDLIST`; its first line is line 2.
fn with_body(body: &str) -> (Playlist, Vec<Finding>) {
    read_text(&format!("#EXTM3U\n{body}#EXT-X-ENDLIST\n"))
}

const OFFICIAL: &str = "\
#EXTM3U
#EXT-X-VERSION:3
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-ALLOW-CACHE:YES
#EXT-X-TARGETDURATION:34
#EXT-X-DISCONTINUITY
#EXT-X-AGORA-ROTATE:WIDTH=640,HEIGHT=480,ROTATE=0,TIME=20190920125142485
#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=VIDEO,TIME=20190920125142485
#EXTINF:6.332000
sid713476478245_cname频道__uid_s_123__uid_e_video_20190920125142485.ts
#EXT-X-AGORA-ROTATE:WIDTH=1280,HEIGHT=720,ROTATE=0,TIME=20190920125149174
#EXT-X-DISCONTINUITY
#EXTINF:17.442000
sid713476478245_cname频道__uid_s_123__uid_e_video_20190920125149174.ts
#EXTINF:15.000000,
sid713476478245_cname频道__uid_s_123__uid_e_video_20190920125206616.ts
#EXT-X-ENDLIST
";

#[test]
fn the_documented_sample_reads_without_a_finding() {
    let (playlist, findings) = read_text(OFFICIAL);
    assert_eq!(findings, []);
    assert_eq!(playlist.ended, Ended::Yes);
    assert_eq!(playlist.target_duration, Some(Duration::from_secs(34)));
    assert_eq!(playlist.media_sequence, Some(0));
    assert_eq!(playlist.header.iter().map(|tag| tag.line).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(playlist.trailing, [Tag { line: 17, text: "#EXT-X-ENDLIST".to_owned() }]);
    let [first, second, third] = &playlist.segments[..] else { panic!("{:?}", playlist.segments) };
    assert_eq!((first.index, first.line, first.duration), (0, 10, Some(Duration::from_millis(6_332))));
    assert_eq!(first.discontinuity, Discontinuity::Restarts);
    let at = SliceTime::parse("20190920125142485").unwrap();
    assert_eq!(
        first.marks,
        [
            Mark::Rotate { width: 640, height: 480, degrees: Rotation::Deg0, at },
            Mark::TrackEvent { track: MediaKind::Video, at },
        ]
    );
    assert_eq!(first.tags.iter().map(|tag| tag.line).collect::<Vec<_>>(), [6, 7, 8, 9]);
    assert_eq!((second.discontinuity, second.marks.len()), (Discontinuity::Restarts, 1));
    assert_eq!((third.index, third.discontinuity), (2, Discontinuity::Continues));
}

#[test]
fn a_cut_at_any_byte_invents_nothing_and_never_claims_an_end() {
    for original in [OFFICIAL.to_owned(), OFFICIAL.replace('\n', "\r\n"), format!("\u{feff}\n{OFFICIAL}")] {
        let (whole, _) = read_text(&original);
        let end_is_there = original.rfind("#EXT-X-ENDLIST").unwrap() + "#EXT-X-ENDLIST".len();
        for cut in 0..end_is_there {
            let (playlist, findings) = read(&key(), &original.as_bytes()[..cut], UriPolicy::NamesOnly);
            assert_eq!(playlist.ended, Ended::No, "{cut}");
            let told = codes(&findings);
            assert!(told.contains(&"not-ended") || told == ["not-a-playlist"], "{cut} {told:?}");
            assert!(!told.contains(&"readers-disagree"), "{cut} {told:?}");
            let same = playlist.segments.iter().zip(&whole.segments).take_while(|(a, b)| a == b).count();
            let more = playlist.segments.len() - same;
            assert!(more <= usize::from(told.contains(&"cut-off")), "{cut} {told:?} {:?}", playlist.segments);
        }
        for cut in end_is_there..=original.len() {
            let (playlist, findings) = read(&key(), &original.as_bytes()[..cut], UriPolicy::NamesOnly);
            assert_eq!(
                (playlist.ended, findings, playlist.segments),
                (Ended::Yes, vec![], whole.segments.clone())
            );
        }
    }
}

#[test]
fn other_documents_are_told_apart() {
    for (text, what) in [
        ("", NotPlaylist::Empty),
        ("\u{feff} \n\r\n", NotPlaylist::Empty),
        ("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>", NotPlaylist::Xml),
        ("\n<Error/>", NotPlaylist::Xml),
        ("<!doctype HTML><p>", NotPlaylist::Html),
        ("<HTML lang=en>", NotPlaylist::Html),
        ("{\"error\":1}", NotPlaylist::Other),
        ("#EXTM", NotPlaylist::Other),
        ("a.ts\n#EXTM3U\n", NotPlaylist::Other),
    ] {
        let (playlist, findings) = read_text(text);
        assert_eq!(findings, [Finding::NotAPlaylist { playlist: key(), what }], "{text:?}");
        assert_eq!((playlist.segments.len(), playlist.ended), (0, Ended::No));
    }
    assert_eq!(codes(&read_text("#EXTM3U\n").1), ["lists-nothing", "not-ended"]);
}

#[test]
fn all_line_ends_and_spaces_around_are_accepted() {
    for text in [
        "#EXTM3U\n#EXTINF:1\na.ts\n#EXT-X-ENDLIST\n",
        "#EXTM3U\r\n#EXTINF:1\r\na.ts\r\n#EXT-X-ENDLIST\r\n",
        "#EXTM3U\r#EXTINF:1\ra.ts\r#EXT-X-ENDLIST\r",
        "\n \r\n#EXTM3U \n\n#EXTINF: 1 ,x\n\n  a.ts\t \n\n#EXT-X-ENDLIST  \n \n",
        "#EXTM3U\n#EXTINF:1\na.ts\n#EXT-X-ENDLIST",
    ] {
        let (playlist, findings) = read_text(text);
        assert_eq!((uris(&playlist), findings), (vec!["a.ts".to_owned()], vec![]), "{text:?}");
        assert_eq!(playlist.segments[0].duration, Some(Duration::from_secs(1)), "{text:?}");
    }
}

#[test]
fn odd_lines_are_reported_with_their_numbers() {
    let playlist = key;
    let tag = |tag: &str| tag.to_owned();
    for (body, expected) in [
        ("a.ts\n", vec![Finding::UriWithoutDuration { playlist: playlist(), line: 2 }]),
        ("#EXTINF:abc,\na.ts\n", vec![Finding::UriWithoutDuration { playlist: playlist(), line: 3 }]),
        (
            "#EXTINF:1\n#EXTINF:2\na.ts\n#EXTINF:3\n",
            vec![
                Finding::DurationWithoutUri { playlist: playlist(), line: 2 },
                Finding::DurationWithoutUri { playlist: playlist(), line: 5 },
            ],
        ),
        (
            "#EXT-X-AGORA-ROTATE:WIDTH=1\n#EXT-X-TARGETDURATION:x\n#EXTINF:1\na.ts\n",
            vec![
                Finding::BadTag { playlist: playlist(), line: 2, tag: tag("#EXT-X-AGORA-ROTATE") },
                Finding::BadTag { playlist: playlist(), line: 3, tag: tag("#EXT-X-TARGETDURATION") },
            ],
        ),
        (
            "#EXT-X-BYTERANGE:5\n#EXTINF:1\na.ts\n",
            vec![Finding::BadTag { playlist: playlist(), line: 2, tag: tag("#EXT-X-BYTERANGE") }],
        ),
        (
            "#EXTINF:1\n/a\u{7}.ts\n",
            vec![Finding::UnsafeUri {
                playlist: playlist(),
                line: 3,
                uri: "/a\\u{7}.ts".to_owned(),
                why: UnsafeUri::Name(crate::domain::key::KeyError::Control),
            }],
        ),
    ] {
        assert_eq!(with_body(body).1, expected, "{body:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_reported_and_hide_nothing_behind_them() {
    let text = b"#EXTM3U\n#EXTINF:1\na\xff.ts\n#EXTINF:1\nb.ts\n#EXT-X-ENDLIST\n";
    let (playlist, findings) = read(&key(), text, UriPolicy::NamesOnly);
    assert_eq!(findings, [Finding::NotUtf8 { playlist: key(), line: 3 }]);
    assert_eq!(uris(&playlist), ["a\u{fffd}.ts", "b.ts"]);
}

#[test]
fn the_first_of_two_listings_counts_and_byte_ranges_are_not_the_same() {
    let (playlist, findings) = with_body(
        "#EXTINF:1\na.ts\n#EXTINF:1\nb.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:2\na.ts\n#EXTINF:1\nc.ts\n\
         #EXT-X-BYTERANGE:5@0\n#EXTINF:1\nc.ts\n#EXT-X-BYTERANGE:5\n#EXTINF:1\nc.ts\n",
    );
    assert_eq!(uris(&playlist), ["a.ts", "b.ts", "c.ts", "c.ts", "c.ts"]);
    let [Finding::ListedTwice { line: 8, name, .. }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(name.as_str(), "a.ts");
    assert_eq!(playlist.segments[0].duration, Some(Duration::from_secs(1)));
    // The seam that was announced before the repetition is still one.
    assert_eq!(playlist.segments[2].discontinuity, Discontinuity::Restarts);
    let ranges: Vec<_> = playlist.segments.iter().map(|segment| segment.byte_range).collect();
    assert_eq!(ranges[3], Some(ByteRange { offset: 0, length: 5 }));
    assert_eq!(ranges[4], Some(ByteRange { offset: 5, length: 5 }));
}

#[test]
fn what_is_about_a_repeated_entry_alone_goes_with_it() {
    let entry = "#EXT-X-BYTERANGE:10@5\n#EXT-X-GAP\n#EXTINF:1\na.ts\n";
    let (playlist, _) = with_body(&format!("{entry}#EXT-X-CUE-OUT\n{entry}#EXTINF:1\nb.ts\n"));
    assert_eq!(uris(&playlist), ["a.ts", "b.ts"]);
    let tags: Vec<_> = playlist.segments[1].tags.iter().map(|tag| tag.text.as_str()).collect();
    assert_eq!(tags, ["#EXT-X-CUE-OUT", "#EXTINF:1"]);
    assert_eq!(playlist.segments[1].byte_range, None);
}

#[test]
fn keys_and_maps_hold_until_the_next_one() {
    let (playlist, findings) = with_body(
        "#EXTINF:1\na.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:1\nb.ts\n\
         #EXTINF:1\nc.ts\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:URI=\"../j.mp4\"\n#EXTINF:1\nd.ts\n\
         #EXT-X-KEY:unreadable\n#EXTINF:1\ne.ts\n",
    );
    let encryption: Vec<_> = playlist.segments.iter().map(|segment| segment.encryption).collect();
    let (clear, key) = (Encryption::Clear, Encryption::Key { line: 4 });
    assert_eq!(encryption, [clear, key, key, clear, Encryption::Key { line: 14 }]);
    let maps: Vec<_> =
        playlist.segments.iter().map(|segment| segment.map.as_ref().map(|map| map.uri.to_string())).collect();
    assert_eq!(maps[..3], [None, Some("i.mp4".to_owned()), Some("i.mp4".to_owned())]);
    assert!(matches!(playlist.segments[3].map.as_ref().unwrap().uri, SegmentUri::Unsafe(_)));
    assert_eq!(codes(&findings), ["encrypted", "unsafe-uri", "bad-tag"]);
}

#[test]
fn what_the_library_is_known_to_misread_is_no_disagreement() {
    for body in [
        "#EXTINF:10,Title, with comma\na.ts\n",
        "#EXTINF:10.5 ,x\na.ts\n",
        "#EXTINF:1,\n,a.ts\n",
        "#EXT-X-TARGETDURATION:16.48\n#EXTINF:1\na.ts\n",
        "#EXT-X-DISCONTINUITY-SEQUENCE:x\n#EXTINF:1\na.ts\n",
        "#EXT-X-ENDLISTFOO\n#EXTINF:1\na.ts\n",
        "#EXT-X-DISCONTINUITY:x\n#EXTINF:1\na.ts\n",
        "#EXT-X-START:X\n#EXTINF:1\na.ts\n",
        "#EXT-X-DATERANGE:ID=\"x\",Y\n#EXTINF:1\na.ts?b=c\n",
    ] {
        let (playlist, findings) = with_body(body);
        assert_eq!((playlist.segments.len(), findings), (1, vec![]), "{body:?}");
    }
    // Unguarded, this one loses both segments without a word.
    let (playlist, findings) =
        with_body("#EXT-X-MAP:URI=\"i.mp4\",X\n#EXTINF:1\na.ts\n#EXTINF:1\nb.ts\n#EXT-X-Z:q=1\n");
    assert_eq!(
        (uris(&playlist), codes(&findings)),
        (vec!["a.ts".to_owned(), "b.ts".to_owned()], vec!["bad-tag"])
    );
}

#[test]
fn a_bare_carriage_return_splits_the_readers_and_the_lines_are_believed() {
    let (playlist, findings) = with_body("#EXT-X-FOO:a\rhidden.ts\n#EXTINF:1\na.ts\n");
    assert_eq!(uris(&playlist), ["a.ts"]);
    assert_eq!(findings, [Finding::ReadersDisagree { playlist: key(), scanner: 1, library: Some(2) }]);
}

#[test]
fn tags_are_kept_word_for_word_in_their_places() {
    let (playlist, _) = with_body(
        "#EXT-X-NEW:a=\"1, 2\"  \n# remark\n#EXTINF:1\na.ts\n#EXT-X-LATE\n\
         #EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=AUDIO,TIME=1568597779021\n",
    );
    let tags = |tags: &[Tag]| tags.iter().map(|tag| (tag.line, tag.text.clone())).collect::<Vec<_>>();
    let own = |line, text: &str| (line, text.to_owned());
    assert_eq!(
        tags(&playlist.segments[0].tags),
        [own(2, "#EXT-X-NEW:a=\"1, 2\"  "), own(3, "# remark"), own(4, "#EXTINF:1")]
    );
    assert_eq!(tags(&playlist.trailing)[0], own(6, "#EXT-X-LATE"));
    assert_eq!(playlist.closing_marks.len(), 1);
}

#[test]
fn hostile_text_takes_linear_time() {
    let many = |line: &str, times: usize| format!("#EXTM3U\n{}", line.repeat(times));
    for text in [
        many("#EXT-X-KEY:a\n", 300_000),
        format!("{}x=1\n", many("#EXT-X-KEY:a\n", 300_000)),
        format!("#EXTM3U\n{}", "#EXT-X-KEY:a".repeat(1_000_000)),
        format!("#EXTM3U\n#EXT-X-MAP:{}", "A=\"".repeat(1_000_000)),
        format!("#EXTM3U\n#EXT-X-MAP:{}", "A=\"\",".repeat(1_000_000)),
        format!("#EXTM3U\n{}", " ".repeat(10_000_000)),
        format!("#EXTM3U\n#EXTINF:{}", "9".repeat(10_000_000)),
        format!("#EXTM3U\n{}", "../".repeat(3_000_000)),
        many("../x\n", 300_000),
        many("a.ts\n#EXT-X-NEW\n", 190_000),
    ] {
        let start = Instant::now();
        let (playlist, findings) = read_text(&text);
        assert!(start.elapsed() < Duration::from_secs(10), "{} took {:?}", &text[..40], start.elapsed());
        assert_eq!(playlist.ended, Ended::No);
        assert!(!findings.is_empty());
    }
}

#[test]
fn a_hundred_thousand_segments_are_read() {
    let (playlist, findings) = read_text(&long_playlist(100_000));
    assert_eq!((playlist.segments.len(), findings), (100_000, vec![]));
    assert_eq!(playlist.playing(), Duration::from_secs(1_500_000));
}

#[test]
fn four_times_the_segments_take_some_four_times_as_long() {
    // The best of several tries each: other programs run beside the tests.
    let best = |segments| {
        let text = long_playlist(segments);
        let tries = (0..5).map(|_| {
            let start = cpu_time();
            read_text(&text);
            cpu_time().saturating_sub(start)
        });
        tries.min().unwrap()
    };
    let (short, long) = (best(25_000), best(100_000));
    assert!(long < short * 10, "{short:?} for 25,000 segments and {long:?} for 100,000");
}

/// What this thread has used of a processor; where the system does not tell, the time that passed.
fn cpu_time() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|told| told.split(' ').next()?.parse().ok()).map(Duration::from_nanos);
    told.unwrap_or_else(|| START.get_or_init(Instant::now).elapsed())
}

fn long_playlist(segments: usize) -> String {
    let mut text = String::from("#EXTM3U\n");
    for number in 0..segments {
        text.push_str(&format!("#EXTINF:15.000000\n5f0c8a1b2d3e4f60718293a4b5c6d7e8_math_{number:017}.ts\n"));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

#[test]
fn what_is_too_large_is_read_up_to_the_limit_and_never_ended() {
    let lines = format!("#EXTM3U\n#EXT-X-ENDLIST\n{}", "\n".repeat(MAX_LINES));
    let (playlist, findings) = read_text(&format!("{lines}#EXTINF:1\na.ts\n"));
    assert_eq!(playlist.ended, Ended::No);
    assert_eq!(
        findings,
        [Finding::ListsNothing { playlist: key() }, Finding::TooLarge { playlist: key(), limit: MAX_LINES }]
    );
    let bytes = format!("#EXTM3U\n#EXTINF:1\na.ts\n#{}\n#EXT-X-ENDLIST\n", "x".repeat(MAX_BYTES));
    let (playlist, findings) = read_text(&bytes);
    assert_eq!((uris(&playlist), playlist.ended), (vec!["a.ts".to_owned()], Ended::No));
    assert_eq!(findings, [Finding::TooLarge { playlist: key(), limit: MAX_BYTES }]);
    assert_eq!(codes(&read_text(&"x".repeat(MAX_BYTES + 1)).1), ["too-large"]);
}
