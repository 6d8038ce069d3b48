//! Any bytes as a playlist: it is read without a panic, nothing it names leaves its folder, and the playlist
//! written from it can be read again with as many segments.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use recfetch::domain::key::ObjectKey;
use recfetch::domain::play::{PlayItem, Presence, write};
use recfetch::domain::playlist::{Discontinuity, SegmentUri, UriPolicy, read};

fuzz_target!(|bytes: &[u8]| {
    let key = ObjectKey::parse("school/math/38f8e3cf_room.m3u8").expect("a key");
    let (playlist, findings) = read(&key, bytes, UriPolicy::NamesOnly);
    for finding in &findings {
        assert!(!finding.to_string().contains('\n'), "a finding is one line");
    }
    let mut items = Vec::new();
    for segment in &playlist.segments {
        match &segment.uri {
            SegmentUri::Name(name) => {
                let inside = name.in_folder(&key.folder()).is_ok_and(|key| key.as_str().starts_with("school/math/"));
                assert!(inside, "{name} leaves its folder");
                items.push(PlayItem {
                    path: format!("data/{name}"),
                    duration: segment.duration.filter(|d| *d < Duration::from_secs(1 << 32)),
                    discontinuity: segment.discontinuity,
                    presence: Presence::Here,
                    starts: None,
                    tags: segment.tags.clone(),
                });
            }
            SegmentUri::Unsafe(_) => {}
            SegmentUri::Rooted(_) | SegmentUri::Elsewhere(_) => panic!("only names were allowed"),
        }
    }
    let text = write(&items);
    let (again, _) = read(&key, text.as_bytes(), UriPolicy::NamesOnly);
    // A path over the bound on names, once it is percent-encoded, is refused and still is an entry.
    assert_eq!(again.segments.len(), items.len(), "{text}");
    let restarts = |d: Discontinuity| d == Discontinuity::Restarts;
    for (item, segment) in items.iter().zip(&again.segments) {
        assert!(!restarts(item.discontinuity) || restarts(segment.discontinuity), "a discontinuity was lost");
    }
});
