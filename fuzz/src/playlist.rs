//! Any bytes as a playlist: it is read without a panic, nothing it names leaves its folder, be it a list of
//! segments or a master, and the playlist written from it can be read again with as many segments.

use std::time::Duration;

use recfetch::domain::key::{ObjectKey, ObjectName};
use recfetch::domain::play::{PlayItem, Presence, write};
use recfetch::domain::playlist::master::{MAX_REFERENCES, Shape, shape};
use recfetch::domain::playlist::{Discontinuity, SegmentUri, UriPolicy, read};

pub fn target(bytes: &[u8]) {
    let key = ObjectKey::parse("school/math/38f8e3cf_room.m3u8").expect("a key");
    let (playlist, mut findings) = read(&key, bytes, UriPolicy::NamesOnly);
    for finding in &findings {
        assert!(!finding.to_string().contains('\n'), "a finding is one line");
    }
    if let Shape::Master(names) = shape(&playlist, &mut findings) {
        assert!(playlist.segments.is_empty() && names.len() <= MAX_REFERENCES);
        let folder = key.folder();
        let inside = |name: &ObjectName| {
            name.in_folder(&folder).is_ok_and(|key| key.as_str().starts_with("school/math/"))
        };
        assert!(names.iter().all(inside), "{names:?}");
    }
    let mut items = Vec::new();
    for segment in &playlist.segments {
        match &segment.uri {
            SegmentUri::Name(name) => {
                let inside =
                    name.in_folder(&key.folder()).is_ok_and(|key| key.as_str().starts_with("school/math/"));
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
}
