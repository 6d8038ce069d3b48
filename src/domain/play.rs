//! A playlist that players take, written from what was fetched.
//!
//! Agora's own is kept byte for byte beside it; many players refuse that one for the comma that its
//! `EXTINF` lacks, for names that are no URIs, and where a listed slice does not exist.

use std::fmt::Write as _;
use std::time::Duration;

use super::playlist::{Discontinuity, Ended, Tag};
use super::time::SliceTime;

/// One segment to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayItem {
    /// The path of its file relative to the playlist, plain: it is percent-encoded here.
    pub path: String,
    /// How long it plays. Where it is not known 0 is written; players measure for themselves.
    pub duration: Option<Duration>,
    /// Whether its time stamps start anew. Behind a missing segment they do in any case.
    pub discontinuity: Discontinuity,
    /// Whether the file is here.
    pub presence: Presence,
    /// When it starts.
    pub starts: Option<SliceTime>,
    /// The tags of the original before it. Those that are written anew here are left out; Agora's and all
    /// unknown ones are kept word for word.
    pub tags: Vec<Tag>,
}

/// Whether a file is here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    #[default]
    Here,
    /// It is not: `EXT-X-GAP` tells players not to ask for it.
    Missing,
}

/// Tags that the writer decides about itself, or that concern the whole playlist.
const WRITTEN_HERE: [&str; 15] = [
    "#EXTM3U",
    "#EXTINF",
    "#EXT-X-VERSION",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-ALLOW-CACHE",
    "#EXT-X-DISCONTINUITY",
    "#EXT-X-GAP",
    "#EXT-X-PROGRAM-DATE-TIME",
    "#EXT-X-ENDLIST",
    "#EXT-X-STREAM-INF",
    "#EXT-X-MEDIA",
    "#EXT-X-I-FRAME-STREAM-INF",
];

/// Writes the playlist (RFC 8216 and draft-pantos-hls-rfc8216bis).
#[must_use]
pub fn write(items: &[PlayItem]) -> String {
    write_until(items, Ended::Yes)
}

/// The same, of something that has ended or to which more may be added.
#[must_use]
pub fn write_until(items: &[PlayItem], ended: Ended) -> String {
    let mut text = String::from("#EXTM3U\n");
    let kind = match ended {
        Ended::Yes => "VOD",
        Ended::No => "EVENT",
    };
    // To a string nothing can fail to be written.
    let _ = write!(
        text,
        "#EXT-X-VERSION:{}\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:{kind}\n",
        version(items),
        target_duration(items),
    );
    let mut before = Presence::Here;
    for item in items {
        let behind_a_hole = before == Presence::Missing && item.presence == Presence::Here;
        if item.discontinuity == Discontinuity::Restarts || behind_a_hole {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        for tag in item.tags.iter().filter(|tag| is_kept(&tag.text)) {
            text.push_str(&tag.text);
            text.push('\n');
        }
        if let Some(starts) = item.starts {
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{starts}");
        }
        if item.presence == Presence::Missing {
            text.push_str("#EXT-X-GAP\n");
        }
        let duration = item.duration.unwrap_or_default();
        let _ = writeln!(text, "#EXTINF:{}.{:06},", duration.as_secs(), duration.subsec_micros());
        encode_path(&item.path, &mut text);
        text.push('\n');
        before = item.presence;
    }
    if ended == Ended::Yes {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    text
}

/// A user's sound and picture, each in a playlist of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendition {
    /// The file of the playlist of the sound, plain: it is percent-encoded here.
    pub audio: String,
    /// That of the picture.
    pub video: String,
    /// What is shown as the name of the sound.
    pub name: String,
    /// The most bits per second of any segment of both together.
    pub bandwidth: u64,
}

/// Writes a master playlist by which a player plays both (RFC 8216 section 4.3.4).
#[must_use]
pub fn write_master(rendition: &Rendition) -> String {
    let (mut audio, mut video) = (String::new(), String::new());
    encode_path(&rendition.audio, &mut audio);
    encode_path(&rendition.video, &mut video);
    let name: String = rendition.name.chars().filter(|c| *c != '"' && !c.is_control()).collect();
    format!(
        "#EXTM3U\n#EXT-X-VERSION:4\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"{name}\",DEFAULT=YES,AUTOSELECT=YES,URI=\"{audio}\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH={},AUDIO=\"sound\"\n{video}\n",
        rendition.bandwidth.max(1)
    )
}

/// The lowest version that allows what is used. `EXT-X-GAP` needs none (RFC 8216bis section 8 does not
/// name it, and who does not know it skips the line); fractions in `EXTINF` need 3, byte ranges 4, an
/// initialisation section 6.
fn version(items: &[PlayItem]) -> u8 {
    let mut version = 3;
    for tag in items.iter().flat_map(|item| &item.tags) {
        version = version.max(match name(&tag.text) {
            "#EXT-X-BYTERANGE" => 4,
            "#EXT-X-MAP" => 6,
            _ => 3,
        });
    }
    version
}

/// The longest segment in whole seconds, rounded up, and at least 1.
fn target_duration(items: &[PlayItem]) -> u64 {
    let longest = items.iter().filter_map(|item| item.duration).max().unwrap_or_default();
    longest.as_secs().saturating_add(u64::from(longest.subsec_nanos() > 0)).max(1)
}

fn is_kept(text: &str) -> bool {
    text.starts_with('#') && !text.contains(['\n', '\r']) && !WRITTEN_HERE.contains(&name(text))
}

fn name(text: &str) -> &str {
    text.split([':', ' ', '\t']).next().unwrap_or(text)
}

/// What may stand in a path by RFC 3986 section 3.3 stays as it is, because some players open a file by the
/// URI's own letters. The rest is encoded: `#`, `?` and `%` stand for themselves in an object name, and a
/// colon would make a scheme of what is before it.
fn encode_path(path: &str, text: &mut String) {
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::ObjectKey;
    use crate::domain::playlist::{Gap, Mark, UriPolicy, read};

    const ROTATE: &str = "#EXT-X-AGORA-ROTATE:WIDTH=640,HEIGHT=480,ROTATE=0,TIME=20190920125142485";

    fn item(path: &str, micros: u64) -> PlayItem {
        PlayItem {
            path: path.to_owned(),
            duration: Some(Duration::from_micros(micros)),
            discontinuity: Discontinuity::Continues,
            presence: Presence::Here,
            starts: None,
            tags: Vec::new(),
        }
    }

    fn tag(text: &str) -> Tag {
        Tag { line: 1, text: text.to_owned() }
    }

    fn sample() -> Vec<PlayItem> {
        vec![
            PlayItem {
                discontinuity: Discontinuity::Restarts,
                starts: SliceTime::parse("20190920125142485"),
                tags: vec![tag(ROTATE), tag("#EXT-X-DISCONTINUITY"), tag("#EXTINF:6.332000"), tag("# note")],
                ..item("sid_a b#1_1.ts", 6_332_000)
            },
            PlayItem { presence: Presence::Missing, ..item("sid_a b#1_2.ts", 15_000_001) },
            PlayItem { presence: Presence::Missing, ..item("sid_a b#1_3.ts", 15_000_000) },
            item("sid_a b#1_4.ts", 1),
        ]
    }

    #[test]
    fn what_is_written_is_a_standard_playlist() {
        let expected = "\
#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:16
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-DISCONTINUITY
#EXT-X-AGORA-ROTATE:WIDTH=640,HEIGHT=480,ROTATE=0,TIME=20190920125142485
# note
#EXT-X-PROGRAM-DATE-TIME:2019-09-20T12:51:42.485Z
#EXTINF:6.332000,
sid_a%20b%231_1.ts
#EXT-X-GAP
#EXTINF:15.000001,
sid_a%20b%231_2.ts
#EXT-X-GAP
#EXTINF:15.000000,
sid_a%20b%231_3.ts
#EXT-X-DISCONTINUITY
#EXTINF:0.000001,
sid_a%20b%231_4.ts
#EXT-X-ENDLIST
";
        assert_eq!(write(&sample()), expected);
    }

    #[test]
    fn both_readers_take_it_without_a_finding() {
        let text = write(&sample());
        let key = ObjectKey::parse("play.m3u8").unwrap();
        let (playlist, findings) = read(&key, text.as_bytes(), UriPolicy::NamesOnly);
        assert_eq!(findings, []);
        assert_eq!(playlist.ended, Ended::Yes);
        assert_eq!(playlist.target_duration, Some(Duration::from_secs(16)));
        let gaps: Vec<Gap> = playlist.segments.iter().map(|segment| segment.gap).collect();
        assert_eq!(gaps, [Gap::No, Gap::Announced, Gap::Announced, Gap::No]);
        assert!(matches!(playlist.segments[0].marks[..], [Mark::Rotate { .. }]));
        for (segment, item) in playlist.segments.iter().zip(sample()) {
            assert_eq!(segment.duration, item.duration);
        }

        let (rest, library) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
        assert_eq!(rest, b"");
        assert_eq!(library.segments.len(), 4);
        assert_eq!((library.version, library.target_duration, library.end_list), (Some(3), 16, true));
        assert_eq!(library.playlist_type, Some(m3u8_rs::MediaPlaylistType::Vod));
        assert!(library.segments[0].program_date_time.is_some());
        assert!(library.segments[3].discontinuity);
        assert_eq!(library.segments[0].uri, "sid_a%20b%231_1.ts");
    }

    #[test]
    fn a_master_names_both_lists_and_both_readers_take_it() {
        let text = write_master(&Rendition {
            audio: "play_uid_7_audio.m3u8".to_owned(),
            video: "play_uid_7_video.m3u8".to_owned(),
            name: "uid 7\"\n".to_owned(),
            bandwidth: 0,
        });
        let key = ObjectKey::parse("play_uid_7.m3u8").unwrap();
        let (playlist, findings) = read(&key, text.as_bytes(), UriPolicy::NamesOnly);
        let names: Vec<String> = playlist.children.iter().map(|child| child.uri.to_string()).collect();
        assert_eq!(names, ["play_uid_7_audio.m3u8", "play_uid_7_video.m3u8"]);
        assert_eq!(findings, []);
        let (_, master) = m3u8_rs::parse_master_playlist(text.as_bytes()).unwrap();
        assert_eq!((master.variants.len(), master.alternatives.len()), (1, 1));
        assert_eq!(master.variants[0].audio.as_deref(), Some("sound"));
    }

    #[test]
    fn the_path_is_encoded_and_the_folders_stay() {
        for (path, expected) in [
            ("a/b-c.d_e~f.ts", "a/b-c.d_e~f.ts"),
            ("a b#c?d%e:f[.ts", "a%20b%23c%3Fd%25e%3Af%5B.ts"),
            ("a+b&c=(d),!$'*;@.ts", "a+b&c=(d),!$'*;@.ts"),
            ("频.ts", "%E9%A2%91.ts"),
        ] {
            let mut text = String::new();
            encode_path(path, &mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_tag_cannot_smuggle_in_a_line() {
        let text = write(&[PlayItem {
            tags: vec![tag("#EXT-X-A\nevil.ts"), tag("evil.ts"), tag("#EXT-X-KEEP:1")],
            ..item("a.ts", 1_000_000)
        }]);
        assert!(!text.contains("evil"), "{text}");
        assert!(text.contains("#EXT-X-KEEP:1\n"), "{text}");
    }

    #[test]
    fn the_version_follows_the_tags_in_use() {
        for (tags, expected) in [
            (vec![], 3),
            (vec![tag("#EXT-X-BYTERANGE:10@0")], 4),
            (vec![tag("#EXT-X-BYTERANGE:10@0"), tag("#EXT-X-MAP:URI=\"i.mp4\"")], 6),
        ] {
            assert_eq!(version(&[PlayItem { tags, ..item("a.ts", 1) }]), expected);
        }
        assert!(write(&[]).contains("#EXT-X-TARGETDURATION:1\n"));
    }
}
