//! What a master playlist refers to.
//!
//! Agora writes one per user in the stream mode `standard`, `…__uid_e_av.m3u8`. No verbatim sample of it was
//! to be had; its own tools walk comment lines `# Audio` and `# Video` and the tag lines behind them, and
//! take whatever ends in `.m3u8` (2021 to 2023). So does this: `EXT-X-MEDIA`, `EXT-X-STREAM-INF`, a bare line,
//! or a quoted value of any other tag. A reference is a name like that of a segment: hostile until it is
//! parsed, and never resolved.

use std::collections::HashSet;

use super::{Playlist, SegmentUri, Tag};
use crate::domain::finding::Finding;
use crate::domain::key::ObjectName;

/// How many references of one master are looked for. Agora's has two; a failover may add some.
pub const MAX_REFERENCES: usize = 256;

/// What a text that may be a master playlist turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// It lists segments.
    Media,
    /// It refers to playlists, by these names, each once.
    Master(Vec<ObjectName>),
}

/// Tells a master from a list of segments, and takes findings off that hold for the latter only.
///
/// `findings` are those of reading `playlist`. One that lists segments and refers to playlists is the latter,
/// and what it refers to is told as unread.
#[must_use]
pub fn shape(playlist: &Playlist, findings: &mut Vec<Finding>) -> Shape {
    if !playlist.segments.is_empty() {
        // What else it refers to is not looked for, and so nobody knows what that lists.
        let names = playlist.children.iter().filter_map(|child| child.uri.name());
        let keys = names.filter_map(|name| name.in_folder(&playlist.key.folder()).ok());
        findings.extend(keys.take(MAX_REFERENCES).map(|key| Finding::UnreadPlaylist { key }));
        return Shape::Media;
    }
    let tags = playlist.header.iter().chain(&playlist.trailing);
    let in_tags = tags.flat_map(quoted).filter_map(|text| ObjectName::parse(text).ok());
    let named = playlist.children.iter().filter_map(|child| match &child.uri {
        SegmentUri::Name(name) => Some(name.clone()),
        // Another folder or host is no file of this recording.
        SegmentUri::Rooted(_) | SegmentUri::Elsewhere(_) | SegmentUri::Unsafe(_) => None,
    });
    let mut seen = HashSet::new();
    let mut names: Vec<_> = named.filter(|name| names_a_playlist(name.as_str())).chain(in_tags).collect();
    names.retain(|name| seen.insert(name.clone()));
    if names.is_empty() && playlist.children.is_empty() {
        return Shape::Media;
    }
    if names.len() > MAX_REFERENCES {
        names.truncate(MAX_REFERENCES);
        findings.push(Finding::TooLarge { playlist: playlist.key.clone(), limit: MAX_REFERENCES });
    }
    let last = playlist.children.last().map(|child| child.line);
    let last = last.max(playlist.trailing.iter().chain(&playlist.header).map(|tag| tag.line).max());
    let ends_whole = |line: usize| {
        let tag = playlist.trailing.iter().find(|tag| tag.line == line);
        last == Some(line) && tag.is_none_or(|tag| tag.text.trim_end().ends_with('"'))
    };
    findings.retain(|finding| {
        let of_a_list = matches!(finding, Finding::NotEnded { .. } | Finding::ListsNothing { .. });
        // A whole name at the end is no cut: not every writer ends its last line.
        let no_cut = matches!(finding, Finding::CutOff { line, .. } if ends_whole(*line));
        !of_a_list && !no_cut
    });
    Shape::Master(names)
}

/// Whether a text ends like the name of a playlist.
pub(super) fn names_a_playlist(text: &str) -> bool {
    text.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("m3u8"))
}

/// The quoted values of a tag that end like the name of a playlist. A remark is nobody's word.
fn quoted(tag: &Tag) -> impl Iterator<Item = &str> {
    let parts = tag.text.starts_with("#EXT").then_some(tag.text.as_str()).into_iter();
    // Every second part stands between quotes.
    parts.flat_map(|text| text.split('"').skip(1).step_by(2)).filter(|value| names_a_playlist(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::ObjectKey;
    use crate::domain::playlist::{UriPolicy, read};

    const AUDIO: &str = "sid_room__uid_s_7__uid_e_audio.m3u8";
    const VIDEO: &str = "sid_room__uid_s_7__uid_e_video.m3u8";

    fn shape_of(text: &str) -> (Shape, Vec<&'static str>) {
        let key = ObjectKey::parse("math/sid_room__uid_s_7__uid_e_av.m3u8").unwrap();
        let (playlist, mut findings) = read(&key, text.as_bytes(), UriPolicy::NamesOnly);
        let shape = shape(&playlist, &mut findings);
        (shape, findings.iter().map(Finding::code).collect())
    }

    #[test]
    fn references_are_found_wherever_they_stand() {
        for text in [
            format!(
                "#EXTM3U\n# Audio\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"{AUDIO}\"\n# Video\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{VIDEO}\n"
            ),
            format!("#EXTM3U\n# Audio\n{AUDIO}\n# Video\n{VIDEO}\n"),
            format!("#EXTM3U\n#EXT-X-AGORA-LIST:A=\"{AUDIO}\",B=1,V=\"{VIDEO}\"\n"),
            format!(
                "#EXTM3U\n# Audio\n#EXT-X-MEDIA:URI={AUDIO},BROKEN\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"{AUDIO}\"\n{VIDEO}\n{VIDEO}\n"
            ),
        ] {
            let names: Vec<_> = [AUDIO, VIDEO].map(|name| ObjectName::parse(name).unwrap()).into();
            let (found, codes) = shape_of(&text);
            let Shape::Master(mut found) = found else { panic!("{text}") };
            found.sort();
            assert_eq!(found, names, "{text}");
            assert!(codes.iter().all(|code| *code == "bad-tag"), "{codes:?}");
        }
    }

    #[test]
    fn a_whole_name_without_a_line_end_is_no_cut_and_half_a_name_is() {
        let text = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{VIDEO}");
        assert_eq!(shape_of(&text).1, [""; 0]);
        let text = format!("#EXTM3U\n{AUDIO}\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"{}", &VIDEO[..20]);
        assert_eq!(shape_of(&text).1, ["bad-tag", "cut-off"]);
    }

    #[test]
    fn what_lists_segments_or_nothing_is_no_master() {
        for (text, codes) in [
            ("#EXTM3U\n#EXTINF:1\na.ts\n#EXT-X-ENDLIST\n", &[][..]),
            ("#EXTM3U\n#EXTINF:1\na.ts\nb.m3u8\n#EXT-X-ENDLIST\n", &["unread-playlist"]),
            ("#EXTM3U\n#EXT-X-ENDLIST\n", &["lists-nothing"]),
            ("#EXTM3U\n# see \"x.m3u8\"\n#EXT-X-ENDLIST\n", &["lists-nothing"]),
            ("<html></html>", &["not-a-playlist"]),
        ] {
            assert_eq!(shape_of(text), (Shape::Media, codes.to_vec()), "{text}");
        }
    }

    #[test]
    fn a_hostile_reference_is_told_and_not_followed_and_there_is_a_bound() {
        let text = "#EXTM3U\n../../x.m3u8\nhttp://169.254.169.254/x.m3u8\n#EXT-X-A:B=\"../y.m3u8\"\n";
        assert_eq!(shape_of(text), (Shape::Master(vec![]), vec!["unsafe-uri", "unsafe-uri"]));
        let many: String = (0..=MAX_REFERENCES).map(|n| format!("{n}.m3u8\n")).collect();
        let (found, codes) = shape_of(&format!("#EXTM3U\n{many}"));
        let Shape::Master(found) = found else { panic!("a master") };
        assert_eq!((found.len(), codes), (MAX_REFERENCES, vec!["too-large"]));
    }
}
