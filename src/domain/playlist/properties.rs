use proptest::prelude::*;

use super::*;

/// A segment to be written in a playlist.
#[derive(Debug, Clone)]
struct Written {
    name: String,
    micros: u64,
    comma: &'static str,
    discontinuity: Discontinuity,
    gap: Gap,
    marks: Vec<Mark>,
    odd: Vec<&'static str>,
}

fn mark() -> impl Strategy<Value = Mark> {
    let at = (1_500_000_000_000_i64..1_800_000_000_000).prop_map(|ms| SliceTime::from_unix_ms(ms).unwrap());
    let degrees =
        prop::sample::select(vec![Rotation::Deg0, Rotation::Deg90, Rotation::Deg180, Rotation::Deg270]);
    let track = prop::sample::select(vec![MediaKind::Audio, MediaKind::Video]);
    prop_oneof![
        (track, at.clone()).prop_map(|(track, at)| Mark::TrackEvent { track, at }),
        (any::<u32>(), any::<u32>(), degrees, at).prop_map(|(width, height, degrees, at)| Mark::Rotate {
            width,
            height,
            degrees,
            at
        }),
    ]
}

fn written() -> impl Strategy<Value = Written> {
    let comma = prop::sample::select(vec!["", ",", ",title", ",a, title, with commas", " , x"]);
    let odd = prop::sample::select(vec![
        "#EXT-X-NEW:a=b",
        "# a remark",
        "#",
        "#EXT-X-ENDLISTFOO",
        "#EXT-X-DATERANGE:ID",
        "#EXT-X-START:x",
        "#EXT-X-CUE-OUT",
    ]);
    let restarts = prop::sample::select(vec![Discontinuity::Continues, Discontinuity::Restarts]);
    let gap = prop::sample::select(vec![Gap::No, Gap::Announced]);
    let marks = prop::collection::vec(mark(), 0..3);
    // Agora's alphabet for channel names, and letters of other scripts.
    let name = "[a-z0-9][a-zA-Z0-9 !#$%&+:;<=.>?@\\[\\]^_{}|~,频é-]{0,20}x";
    (name, 0..100_000_000_000_u64, comma, restarts, gap, marks, prop::collection::vec(odd, 0..3)).prop_map(
        |(name, micros, comma, discontinuity, gap, marks, odd)| Written {
            name,
            micros,
            comma,
            discontinuity,
            gap,
            marks,
            odd,
        },
    )
}

fn mark_line(mark: &Mark, unix: bool) -> String {
    let time = |at: SliceTime| if unix { at.unix_ms().to_string() } else { at.digits() };
    match *mark {
        Mark::TrackEvent { track, at } => {
            let word = match track {
                MediaKind::Audio => "AUDIO",
                MediaKind::Video => "VIDEO",
            };
            format!("#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE={word},TIME={}", time(at))
        }
        Mark::Rotate { width, height, degrees, at } => format!(
            "#EXT-X-AGORA-ROTATE:WIDTH={width},HEIGHT={height},ROTATE={},TIME={}",
            degrees.degrees(),
            time(at)
        ),
    }
}

fn text_of(items: &[(usize, Written)], unix: bool, end: &str) -> String {
    let mut lines = vec!["#EXTM3U".to_owned(), "#EXT-X-VERSION:3".to_owned()];
    for (index, item) in items {
        if item.discontinuity == Discontinuity::Restarts {
            lines.push("#EXT-X-DISCONTINUITY".to_owned());
        }
        lines.extend(item.marks.iter().map(|mark| mark_line(mark, unix)));
        if item.gap == Gap::Announced {
            lines.push("#EXT-X-GAP".to_owned());
        }
        lines.extend(item.odd.iter().map(|odd| (*odd).to_owned()));
        let (seconds, micros) = (item.micros / 1_000_000, item.micros % 1_000_000);
        lines.push(format!("#EXTINF:{seconds}.{micros:06}{}", item.comma));
        // The number keeps names apart.
        lines.push(format!("{index}{}", item.name));
    }
    lines.push("#EXT-X-ENDLIST".to_owned());
    lines.iter().flat_map(|line| [line.as_str(), end]).collect()
}

/// Lines that a hostile or broken writer may mix.
fn hostile_line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~\r\t\u{0}é]{0,30}",
        "#EXT[-XINFKEYMAP:=\",.0-9a-z]{0,30}",
        "#EXTINF:[0-9.,]{0,8}",
        "#EXT-X-(KEY|MAP|START|DATERANGE|MEDIA|STREAM-INF|BYTERANGE|TARGETDURATION|GAP|ENDLIST):?[A-D=\",@0-9]{0,12}",
        "(a|b|\\.\\./c|/d|http://e)(\\.ts)?",
    ]
}

proptest! {
    #[test]
    fn a_written_playlist_reads_back_exactly(
        items in prop::collection::vec(written(), 1..12),
        unix in any::<bool>(),
        end in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let items: Vec<(usize, Written)> = items.into_iter().enumerate().collect();
        let text = text_of(&items, unix, end);
        let key = ObjectKey::parse("p.m3u8").unwrap();
        let (playlist, findings) = read(&key, text.as_bytes(), UriPolicy::NamesOnly);
        prop_assert_eq!(findings, vec![]);
        prop_assert_eq!(playlist.ended, Ended::Yes);
        prop_assert_eq!(playlist.segments.len(), items.len());
        for (segment, (index, item)) in playlist.segments.iter().zip(&items) {
            prop_assert_eq!(segment.index, *index);
            prop_assert_eq!(segment.uri.to_string(), format!("{index}{}", item.name));
            prop_assert_eq!(segment.duration, Some(Duration::from_micros(item.micros)));
            prop_assert_eq!((segment.discontinuity, segment.gap), (item.discontinuity, item.gap));
            prop_assert_eq!(&segment.marks, &item.marks);
        }
        // Every line is somewhere, word for word.
        let lines: Vec<&str> = text.lines().collect();
        let tags = playlist.header.iter().chain(&playlist.trailing);
        let tags: Vec<&Tag> = tags.chain(playlist.segments.iter().flat_map(|segment| &segment.tags)).collect();
        prop_assert_eq!(tags.len() + items.len(), lines.len());
        for tag in tags {
            prop_assert_eq!(tag.text.as_str(), lines[tag.line - 1]);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let key = ObjectKey::parse("p.m3u8").unwrap();
        let with_head = [b"#EXTM3U\n", &bytes[..]].concat();
        for bytes in [&bytes, &with_head] {
            for policy in [UriPolicy::NamesOnly, UriPolicy::AllowAbsolute] {
                let (playlist, findings) = read(&key, bytes, policy);
                prop_assert!(playlist.ended == Ended::Yes || !findings.is_empty());
            }
        }
    }

    #[test]
    fn every_uri_line_is_a_segment_a_child_or_a_finding(lines in prop::collection::vec(hostile_line(), 0..40)) {
        let text = format!("#EXTM3U\n{}\n", lines.join("\n"));
        let key = ObjectKey::parse("p.m3u8").unwrap();
        let (playlist, findings) = read(&key, text.as_bytes(), UriPolicy::NamesOnly);
        for (index, line) in text.split('\n').enumerate() {
            let line = line.trim_matches([' ', '\t', '\r']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index + 1;
            let told = findings.iter().any(|finding| matches!(finding, Finding::ListedTwice { line, .. } if *line == number));
            let kept = playlist.segments.iter().any(|segment| segment.line == number)
                || playlist.children.iter().any(|child| child.line == number);
            prop_assert!(kept != told, "line {} {:?}: kept {} told {}", number, line, kept, told);
        }
        for segment in &playlist.segments {
            if matches!(segment.uri, SegmentUri::Unsafe(_)) {
                let told = findings.iter().any(
                    |finding| matches!(finding, Finding::UnsafeUri { line, .. } if *line == segment.line),
                );
                prop_assert!(told, "line {}", segment.line);
            }
        }
    }
}
