//! The second opinion of `m3u8-rs`, on a copy of the text in which it cannot go astray.
//!
//! Version 6.0.1 is known to go astray in these ways, none of which says anything about the recording, so
//! the copy avoids them: an attribute list without `=` makes it read over line ends (swallowing segments,
//! in quadratic time on hostile text); the rest of a line behind a number (`TARGETDURATION:18.5`), behind
//! a prefix that is a tag (`ENDLISTFOO`) or behind a second comma in a title becomes a segment; a last
//! line without a line end does; a comma at the start of a URI is lost; a byte order mark, blank lines at
//! the start and text that is not UTF-8 stop it. What is left of a difference is a real one, for example
//! a bare carriage return inside a line, which this reader takes for a line end.
//!
//! Nor does the copy have all of a run of segments that nobody could read in two ways: a duration as it is
//! written here, and a name without anything that could end or start something. The first and the last of a
//! run stand in it. Wherever the reader goes astray is something else, and the segment behind that shows it; so
//! a whole day of slices costs next to nothing.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::attributes;
use crate::domain::bytes;
use crate::domain::finding::Finding;
use crate::domain::key::ObjectKey;

/// Tags that `m3u8-rs` knows by their first characters alone.
const KNOWN_BY_PREFIX: [&str; 4] =
    ["#EXT-X-DISCONTINUITY", "#EXT-X-ENDLIST", "#EXT-X-I-FRAMES-ONLY", "#EXT-X-INDEPENDENT-SEGMENTS"];

/// The copy, and the URIs that the scanner saw in it.
#[derive(Default)]
pub(super) struct Guarded {
    text: String,
    uris: Vec<Range<usize>>,
    /// A duration behind which nothing came yet.
    duration: Option<Duration>,
    /// Whether the last that is in the copy is a plain segment.
    in_run: bool,
    /// The last plain segment of a run, which is written only when the run ends.
    held: Option<Duration>,
    held_uri: String,
    /// How many segments were left out.
    left_out: usize,
}

impl Guarded {
    pub(super) fn uri(&mut self, uri: &str) {
        let plain = is_plain(uri);
        if self.in_run
            && plain
            && let Some(duration) = self.duration.take()
        {
            self.left_out += usize::from(self.held.replace(duration).is_some());
            self.held_uri.clear();
            self.held_uri.push_str(uri);
            return;
        }
        self.in_run = plain && self.duration.is_some();
        self.settle();
        self.write_uri(uri);
    }

    pub(super) fn duration(&mut self, duration: Duration) {
        if self.duration.is_some() {
            self.settle();
            self.in_run = false;
        }
        self.duration = Some(duration);
    }

    /// Writes what was held back.
    fn settle(&mut self) {
        if let Some(duration) = self.held.take() {
            self.write_duration(duration);
            let uri = std::mem::take(&mut self.held_uri);
            self.write_uri(&uri);
            self.held_uri = uri;
        }
        if let Some(duration) = self.duration.take() {
            self.write_duration(duration);
        }
    }

    fn write_uri(&mut self, uri: &str) {
        let start = self.text.len();
        self.text.push_str(uri);
        self.uris.push(start..self.text.len());
        self.text.push('\n');
    }

    /// The comment behind it keeps the comma of a URI like `,a.ts` from being taken for this line's.
    fn write_duration(&mut self, duration: Duration) {
        let (seconds, micros) = (duration.as_secs(), duration.subsec_micros());
        self.text.push_str(&format!("#EXTINF:{seconds}.{micros:06},\n#\n"));
    }

    pub(super) fn tag(&mut self, text: &str, name: &str, value: Option<&str>) {
        let value = value.unwrap_or_default();
        let safe = match name {
            "#EXTINF" | "#EXTM3U" => false,
            "#EXT-X-VERSION"
            | "#EXT-X-TARGETDURATION"
            | "#EXT-X-MEDIA-SEQUENCE"
            | "#EXT-X-DISCONTINUITY-SEQUENCE" => attributes::number(value).is_some(),
            "#EXT-X-BYTERANGE" => attributes::byte_range(value).is_some(),
            "#EXT-X-KEY" | "#EXT-X-MAP" | "#EXT-X-DATERANGE" | "#EXT-X-START" => {
                attributes::list(value).is_some()
            }
            _ => !KNOWN_BY_PREFIX.iter().any(|known| text != *known && text.starts_with(known)),
        };
        if safe {
            self.settle();
            self.in_run = false;
            self.text.push_str(text);
            self.text.push('\n');
        }
    }
}

/// Whether a URI has nothing in it that any reader could take for something else.
fn is_plain(uri: &str) -> bool {
    let blank = |byte: u8| (byte <= b' ') | (byte >= 0x7f);
    let odd = |byte: u8| blank(byte) | (byte == b'#') | (byte == b',') | (byte == b'"') | (byte == b'=');
    !uri.is_empty() && !bytes::has(uri.as_bytes(), odd)
}

/// What `m3u8-rs` sees differently, if anything.
pub(super) fn compare(key: &ObjectKey, mut guarded: Guarded) -> Option<Finding> {
    guarded.settle();
    let scanner = guarded.uris.len() + guarded.left_out;
    let text = format!("#EXTM3U\n{}", guarded.text);
    // The reader has no known panic, but it meets text from strangers, and its opinion is not worth a crash.
    let read = catch_unwind(AssertUnwindSafe(|| {
        m3u8_rs::parse_media_playlist(text.as_bytes()).ok().map(|(_, playlist)| playlist.segments)
    }));
    let Ok(Some(segments)) = read else {
        return Some(Finding::ReadersDisagree { playlist: key.clone(), scanner, library: None });
    };
    let same = segments.len() == guarded.uris.len()
        && segments.iter().zip(guarded.uris).all(|(segment, uri)| segment.uri == guarded.text[uri]);
    (!same).then(|| Finding::ReadersDisagree {
        playlist: key.clone(),
        scanner,
        library: Some(segments.len() + guarded.left_out),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Said {
        Duration(u64),
        Uri(String),
        Tag(String),
    }

    fn said() -> impl Strategy<Value = Said> {
        let odd = prop::sample::select(vec![
            "#EXT-X-FOO:a\rhidden.ts",
            "#EXT-X-FOO:a\r",
            "#EXT-X-FOO\r",
            "#EXT-X-KEY:METHOD=AES-128,\rURI=\"k\"",
            "#EXT-X-KEY:METHOD=NONE",
            "#EXT-X-MAP:URI=\"a\rb\"",
            "#EXT-X-DATERANGE:ID=\"\",A=\r",
            "#EXT-X-START:TIME-OFFSET=x",
            "#EXT-X-BYTERANGE:5@5",
            "#EXT-X-PROGRAM-DATE-TIME:2026",
            "#EXT-X-PLAYLIST-TYPE:NONE",
            "#EXT-X-DISCONTINUITY",
            "# a = \"b\"",
            "#",
        ]);
        prop_oneof![
            6 => (0_u64..100_000_000).prop_map(Said::Duration),
            5 => "[a-c]{1,3}\\.ts".prop_map(Said::Uri),
            1 => "[a-c,=\"\r é]{1,4}".prop_map(Said::Uri),
            1 => odd.prop_map(|tag| Said::Tag(tag.to_owned())),
        ]
    }

    fn tell(guarded: &mut Guarded, said: &Said) {
        match said {
            Said::Duration(micros) => guarded.duration(Duration::from_micros(*micros)),
            Said::Uri(uri) => guarded.uri(uri),
            Said::Tag(tag) => {
                let (name, value) = tag.split_once(':').map_or((&tag[..], None), |(n, v)| (n, Some(v)));
                guarded.tag(tag, name, value);
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_left_out_changes_no_opinion(all in proptest::collection::vec(said(), 0..60)) {
            let (mut short, mut whole) = (Guarded::default(), Guarded::default());
            for said in &all {
                tell(&mut short, said);
                tell(&mut whole, said);
                // Whoever forgets that a run goes on leaves nothing out of it.
                whole.in_run = false;
            }
            prop_assert_eq!(whole.left_out, 0);
            let key = ObjectKey::parse("p.m3u8").unwrap();
            let disagrees = |guarded| compare(&key, guarded).is_some();
            prop_assert_eq!(disagrees(short), disagrees(whole));
        }
    }

    #[test]
    fn of_a_run_of_plain_segments_the_first_and_the_last_are_written() {
        let mut guarded = Guarded::default();
        for number in 0..1000 {
            guarded.duration(Duration::from_secs(15));
            guarded.uri(&format!("{number}.ts"));
        }
        guarded.tag("#EXT-X-ENDLIST", "#EXT-X-ENDLIST", None);
        let copy = "#EXTINF:15.000000,\n#\n0.ts\n#EXTINF:15.000000,\n#\n999.ts\n#EXT-X-ENDLIST\n";
        assert_eq!((guarded.text.as_str(), guarded.left_out), (copy, 998));
        assert_eq!(compare(&ObjectKey::parse("p.m3u8").unwrap(), guarded), None);
    }
}
