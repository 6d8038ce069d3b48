use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::*;
use crate::domain::locate::{Query, choose};
use crate::domain::playlist::{UriPolicy, read};
use crate::domain::recording::RecordingId;

/// The names that the segments of these URIs get.
fn names_of(uris: impl Iterator<Item = String>) -> Vec<String> {
    let key = ObjectKey::parse("sid_room.m3u8").unwrap();
    let listing = vec![ObjectInfo { size: Some(1), ..ObjectInfo::bare(key.clone()) }];
    let (recording, _) = choose(&RecordingId::parse("sid").unwrap(), listing, &Query::default());
    let lines: String = uris.map(|uri| format!("#EXTINF:1\n{uri}\n")).collect();
    let text = format!("#EXTM3U\n{lines}#EXT-X-ENDLIST\n");
    let (playlist, _) = read(&key, text.as_bytes(), UriPolicy::AllowAbsolute);
    let (plan, _) = plan(&recording.unwrap(), &BTreeMap::from([(key, playlist)]), &[]);
    plan.tracks[0].segments.iter().map(|segment| segment.name.to_string()).collect()
}

#[test]
fn each_address_has_a_name_of_its_own() {
    let uris = [
        "https://h/get.ts?id=1",
        "elsewhere/h/get~3.ts",
        "https://h/get.ts?id=2",
        "https://h/get.ts?id=3",
        "https://h/get~2.ts",
        "https://h/get.ts?id=4",
        "/elsewhere/h/get~3.ts#",
    ];
    let expected = [
        "elsewhere/h/get.ts",
        "elsewhere/h/get~3.ts",
        "elsewhere/h/get~2.ts",
        "elsewhere/h/get~4.ts",
        "elsewhere/h/get~2~2.ts",
        "elsewhere/h/get~5.ts",
        "elsewhere/h/get~3.ts#",
    ];
    assert_eq!(names_of(uris.map(str::to_owned).into_iter()), expected);
}

#[test]
fn very_many_addresses_that_differ_in_their_query_take_linear_time() {
    let start = Instant::now();
    let names = names_of((0..100_000).map(|id| format!("https://h/get?id={id}")));
    let distinct: BTreeSet<&String> = names.iter().collect();
    assert_eq!((names.len(), distinct.len()), (100_000, 100_000));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
