//! The second opinion of `m3u8-rs`, on a copy of the text in which it cannot go astray.
//!
//! Version 6.0.1 is known to go astray in these ways, none of which says anything about the recording, so
//! the copy avoids them: an attribute list without `=` makes it read over line ends (swallowing segments,
//! in quadratic time on hostile text); the rest of a line behind a number (`TARGETDURATION:18.5`), behind
//! a prefix that is a tag (`ENDLISTFOO`) or behind a second comma in a title becomes a segment; a last
//! line without a line end does; a comma at the start of a URI is lost; a byte order mark, blank lines at
//! the start and text that is not UTF-8 stop it. What is left of a difference is a real one, for example
//! a bare carriage return inside a line, which this reader takes for a line end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::attributes;
use crate::domain::finding::Finding;
use crate::domain::key::ObjectKey;

/// Tags that `m3u8-rs` knows by their first characters alone.
const KNOWN_BY_PREFIX: [&str; 4] =
    ["#EXT-X-DISCONTINUITY", "#EXT-X-ENDLIST", "#EXT-X-I-FRAMES-ONLY", "#EXT-X-INDEPENDENT-SEGMENTS"];

/// The copy, and the URIs that the scanner saw in it.
pub(super) struct Guarded {
    text: String,
    uris: Vec<std::ops::Range<usize>>,
}

impl Guarded {
    pub(super) fn with_room_for(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes + 64);
        text.push_str("#EXTM3U\n");
        Self { text, uris: Vec::new() }
    }

    pub(super) fn uri(&mut self, uri: &str) {
        let start = self.text.len();
        self.text.push_str(uri);
        self.uris.push(start..self.text.len());
        self.text.push('\n');
    }

    /// The comment behind it keeps the comma of a URI like `,a.ts` from being taken for this line's.
    pub(super) fn duration(&mut self, duration: Duration) {
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
            self.text.push_str(text);
            self.text.push('\n');
        }
    }
}

/// What `m3u8-rs` sees differently, if anything.
pub(super) fn compare(key: &ObjectKey, guarded: &Guarded) -> Option<Finding> {
    let scanner = guarded.uris.len();
    // The reader has no known panic, but it meets text from strangers, and its opinion is not worth a crash.
    let read = catch_unwind(AssertUnwindSafe(|| {
        m3u8_rs::parse_media_playlist(guarded.text.as_bytes()).ok().map(|(_, playlist)| playlist.segments)
    }));
    let Ok(Some(segments)) = read else {
        return Some(Finding::ReadersDisagree { playlist: key.clone(), scanner, library: None });
    };
    let same = segments.len() == scanner
        && segments.iter().zip(&guarded.uris).all(|(segment, uri)| segment.uri == guarded.text[uri.clone()]);
    (!same).then(|| Finding::ReadersDisagree {
        playlist: key.clone(),
        scanner,
        library: Some(segments.len()),
    })
}
