//! The playlists in `fixtures/playlists`, read through the public API.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use std::path::PathBuf;
use std::time::Duration;

use recfetch::domain::key::ObjectKey;
use recfetch::domain::playlist::{Ended, Playlist, SegmentUri, UriPolicy, read};
use recfetch::domain::recording::TrackId;
use recfetch::domain::time::SliceTime;
use recfetch::domain::timeline::{BreakReason, RunInput, RunSegment, examine};

use recfetch::domain::finding::Finding;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/playlists")
}

fn fixture(name: &str, policy: UriPolicy) -> (Playlist, Vec<Finding>) {
    let bytes = std::fs::read(folder().join(name)).unwrap();
    read(&ObjectKey::parse(&format!("school/{name}")).unwrap(), &bytes, policy)
}

/// A playlist for the time line, with the start times that the names end with.
fn run(name: &str, failover: Option<u32>) -> RunInput {
    let (playlist, _) = fixture(name, UriPolicy::NamesOnly);
    let segments = playlist.segments.iter().map(|segment| {
        let name = segment.uri.name().unwrap().clone();
        let digits = name.as_str().rsplit('_').next().unwrap().trim_end_matches(".ts").to_owned();
        RunSegment {
            name,
            starts: SliceTime::parse(&digits),
            duration: segment.duration,
            discontinuity: segment.discontinuity,
        }
    });
    RunInput { failover, segments: segments.collect(), ..RunInput::default() }
}

type Row = (&'static str, usize, usize, Ended, u64, &'static [&'static str]);

/// File, segments, marks, ended, milliseconds, findings.
const EXPECTED: &[Row] = &[
    ("composite.m3u8", 5, 2, Ended::Yes, 67_377, &[]),
    ("composite-comma.m3u8", 5, 2, Ended::Yes, 67_377, &[]),
    ("composite-crlf.m3u8", 5, 2, Ended::Yes, 67_377, &[]),
    ("composite-bom.m3u8", 5, 2, Ended::Yes, 67_377, &[]),
    ("titles.m3u8", 2, 0, Ended::Yes, 30_000, &[]),
    ("audio.m3u8", 3, 1, Ended::Yes, 34_241, &[]),
    ("video-rotate.m3u8", 3, 5, Ended::Yes, 57_100, &[]),
    ("unix-time.m3u8", 2, 2, Ended::Yes, 23_774, &[]),
    ("not-ended.m3u8", 5, 2, Ended::No, 67_377, &["not-ended"]),
    ("cut-in-name.m3u8", 5, 2, Ended::No, 67_377, &["cut-off", "not-ended"]),
    ("cut-in-duration.m3u8", 4, 2, Ended::No, 60_037, &["duration-without-uri", "cut-off", "not-ended"]),
    ("transferred.m3u8", 6, 2, Ended::Yes, 82_378, &[]),
    ("failover.m3u8", 2, 2, Ended::Yes, 24_103, &[]),
    ("store-error.m3u8", 0, 0, Ended::No, 0, &["not-a-playlist"]),
    ("web-page.m3u8", 0, 0, Ended::No, 0, &["not-a-playlist"]),
    ("empty.m3u8", 0, 0, Ended::No, 0, &["not-a-playlist"]),
    ("fraction-target.m3u8", 2, 2, Ended::Yes, 30_019, &[]),
    ("hostile-uris.m3u8", 6, 0, Ended::Yes, 60_000, &["unsafe-uri"; 5]),
    ("encrypted-ranges.m3u8", 3, 0, Ended::Yes, 30_000, &["encrypted"]),
    ("listed-twice.m3u8", 2, 0, Ended::Yes, 30_000, &["listed-twice"]),
    ("master.m3u8", 0, 0, Ended::No, 0, &[]),
];

#[test]
fn each_fixture_reads_as_its_readme_says() {
    for (name, segments, marks, ended, ms, codes) in EXPECTED {
        let (playlist, findings) = fixture(name, UriPolicy::NamesOnly);
        assert_eq!(playlist.segments.len(), *segments, "{name}");
        let inside: usize = playlist.segments.iter().map(|segment| segment.marks.len()).sum();
        assert_eq!(inside + playlist.closing_marks.len(), *marks, "{name}");
        assert_eq!(playlist.ended, *ended, "{name}");
        assert_eq!(playlist.playing(), Duration::from_millis(*ms), "{name}");
        assert_eq!(findings.iter().map(Finding::code).collect::<Vec<_>>(), *codes, "{name}");
    }
}

#[test]
fn no_fixture_is_left_out_here_or_in_the_readme() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "README.md" {
            assert!(EXPECTED.iter().any(|row| row.0 == name), "{name} has no row");
            assert!(readme.contains(&format!("| `{name}` |")), "{name} has no line in the README");
            seen += 1;
        }
    }
    assert_eq!(seen, EXPECTED.len());
}

#[test]
fn line_ends_commas_and_byte_order_marks_change_nothing() {
    let lists = |name| {
        let segments = fixture(name, UriPolicy::NamesOnly).0.segments.into_iter();
        segments.map(|s| (s.uri, s.duration, s.discontinuity, s.marks)).collect::<Vec<_>>()
    };
    let plain = lists("composite.m3u8");
    assert!(plain[0].0.to_string().contains("math 101"), "{:?}", plain[0].0);
    for name in ["composite-comma.m3u8", "composite-crlf.m3u8", "composite-bom.m3u8"] {
        assert_eq!(lists(name), plain, "{name}");
    }
}

#[test]
fn absolute_uris_are_taken_only_on_demand() {
    let uris = |policy| {
        let segments = fixture("hostile-uris.m3u8", policy).0.segments.into_iter();
        segments.map(|segment| segment.uri).collect::<Vec<_>>()
    };
    let strict = uris(UriPolicy::NamesOnly);
    assert_eq!(strict.iter().filter(|uri| matches!(uri, SegmentUri::Unsafe(_))).count(), 5);
    assert_eq!(strict[5].name().unwrap().as_str(), "a.ts?x=1#%2e%2e:b");
    let open = uris(UriPolicy::AllowAbsolute);
    assert!(matches!(open[0], SegmentUri::Unsafe(_)));
    assert_eq!(open[1], SegmentUri::Elsewhere("http://169.254.169.254/latest/meta-data".to_owned()));
    assert_eq!(open[2], SegmentUri::Rooted(ObjectKey::parse("other/folder/a.ts").unwrap()));
    assert!(matches!(open[3], SegmentUri::Unsafe(_)));
}

#[test]
fn a_master_names_its_children() {
    let (playlist, _) = fixture("master.m3u8", UriPolicy::NamesOnly);
    let children: Vec<(usize, String)> =
        playlist.children.iter().map(|child| (child.line, child.uri.to_string())).collect();
    assert_eq!(children.len(), 2);
    assert!(children[0].0 == 4 && children[0].1.ends_with("__uid_e_audio.m3u8"), "{children:?}");
    assert!(children[1].0 == 7 && children[1].1.ends_with("__uid_e_video.m3u8"), "{children:?}");
}

#[test]
fn base_transferred_copy_and_failover_copy_make_one_time_line() {
    let runs = [run("failover.m3u8", Some(0)), run("composite.m3u8", None), run("transferred.m3u8", None)];
    let (line, findings) = examine(&TrackId::MIXED, &runs);
    let places: Vec<usize> = line.order.iter().map(|placed| placed.playlist).collect();
    assert_eq!(places, [1, 1, 1, 1, 1, 2, 0, 0]);
    assert_eq!(line.first.unwrap().to_string(), "2024-03-05T09:30:00.125Z");
    assert_eq!(line.playing, Duration::from_millis(82_378 + 24_103));
    let [gap] = &findings[..] else { panic!("{findings:?}") };
    assert!(matches!(gap, Finding::FailoverGap { ms: 2_624, .. }), "{gap}");
    assert_eq!(line.breaks.iter().map(|b| b.why).collect::<Vec<_>>(), [BreakReason::Failover]);
}
