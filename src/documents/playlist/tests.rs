use std::time::Duration;

use super::*;
use crate::documents::kit::Kit;
use crate::domain::key::ObjectKey;
use crate::domain::playlist::{Gap, UriPolicy, read};

fn only(check: &Check) -> String {
    let lists = playlists(check, &Plan::default());
    assert_eq!(lists.len(), 1);
    lists.into_iter().next().unwrap().text
}

#[test]
fn what_is_there_is_in_time_order_and_what_is_not_is_marked() {
    let check = Kit::new()
        .segments(1, Presence::Present)
        .segments(1, Presence::Lost)
        .segments(1, Presence::Elsewhere { store: 1 })
        .orphan(0)
        .time(15_011, Presence::Unlisted)
        .segments(1, Presence::Present)
        .time(72_000, Presence::NeverRecorded)
        .segments(1, Presence::Unknown)
        .orphan(0)
        .orphan(-4_000)
        .check;
    insta::assert_snapshot!(only(&check), @r"
    #EXTM3U
    # made from a check at 2026-09-21T08:00:00.000Z: 5 segments, 1 of them only in another store, 1 lost
    #EXT-X-VERSION:3
    #EXT-X-TARGETDURATION:15
    #EXT-X-MEDIA-SEQUENCE:0
    #EXT-X-PLAYLIST-TYPE:VOD
    #EXT-X-PROGRAM-DATE-TIME:2026-09-20T12:51:42.485Z
    #EXTINF:15.000000,
    38f8e3cfdc474cd56fc1ceba380d7e1a_math%207b_20260920125142485.ts
    # lost: no store has it
    #EXT-X-PROGRAM-DATE-TIME:2026-09-20T12:51:57.485Z
    #EXT-X-GAP
    #EXTINF:15.000000,
    38f8e3cfdc474cd56fc1ceba380d7e1a_math%207b_20260920125157485.ts
    #EXT-X-DISCONTINUITY
    # only in backup: copy it here
    #EXT-X-PROGRAM-DATE-TIME:2026-09-20T12:52:12.485Z
    #EXTINF:15.000000,
    38f8e3cfdc474cd56fc1ceba380d7e1a_math%207b_20260920125212485.ts
    #EXT-X-DISCONTINUITY
    # no playlist lists this slice: it is here because nothing else covers its time
    # synthetic duration: the median of the listed ones
    #EXT-X-PROGRAM-DATE-TIME:2026-09-20T12:52:27.485Z
    #EXTINF:15.000000,
    38f8e3cfdc474cd56fc1ceba380d7e1a_math%207b_20260920125227485.ts
    #EXT-X-DISCONTINUITY
    # gap of 0.011 s, 2026-09-20T12:52:42.485Z to 2026-09-20T12:52:42.496Z: lost, and no playlist names it
    #EXT-X-PROGRAM-DATE-TIME:2026-09-20T12:52:42.496Z
    #EXTINF:15.000000,
    38f8e3cfdc474cd56fc1ceba380d7e1a_math%207b_20260920125242496.ts
    #EXT-X-DISCONTINUITY
    # gap of 72.000 s, 2026-09-20T12:52:57.496Z to 2026-09-20T12:54:09.496Z: never recorded
    # nobody could tell whether it is there
    #EXT-X-PROGRAM-DATE-TIME:2026-09-20T12:54:09.496Z
    #EXTINF:15.000000,
    38f8e3cfdc474cd56fc1ceba380d7e1a_math%207b_20260920125409496.ts
    #EXT-X-DISCONTINUITY
    # no playlist lists this slice: it is here because nothing else covers its time
    # synthetic duration: the median of the listed ones
    #EXT-X-PROGRAM-DATE-TIME:2026-09-20T12:54:24.496Z
    #EXTINF:15.000000,
    38f8e3cfdc474cd56fc1ceba380d7e1a_math%207b_20260920125424496.ts
    #EXT-X-ENDLIST
    ");
}

#[test]
fn both_readers_take_it_and_no_name_is_lost() {
    let check = Kit::new()
        .segments(2, Presence::Present)
        .segments(2, Presence::Lost)
        .time(20_000, Presence::Unlisted)
        .segments(2, Presence::Present)
        .check;
    let text = only(&check);
    let key = ObjectKey::parse("list.m3u8").unwrap();
    let (list, findings) = read(&key, text.as_bytes(), UriPolicy::NamesOnly);
    assert_eq!(findings, []);
    assert_eq!(list.target_duration, Some(Duration::from_secs(15)));
    let gaps: Vec<_> = list.segments.iter().map(|segment| segment.gap == Gap::Announced).collect();
    assert_eq!(gaps, [false, false, true, true, false, false]);
    for (segment, known) in list.segments.iter().zip(&check.tracks[0].segments) {
        assert_eq!(segment.uri.to_string().replace("%20", " "), known.name.as_str());
    }
    let (_, library) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
    assert_eq!((library.segments.len(), library.end_list), (6, true));
}

#[test]
fn it_is_open_until_the_recording_is_known_to_have_ended() {
    let base = || Kit::new().segments(1, Presence::Present);
    let not_ended = base().diagnosis(Rule::NotEnded, "no end").check;
    let table = [
        (base().check, true),
        (not_ended.clone(), false),
        (Check { state: ToldState::Uploaded, ..not_ended }, true),
        (Check { state: ToldState::Running, ..base().check }, false),
        (base().diagnosis(Rule::StillRunning, "it runs").check, false),
    ];
    for (check, ended) in table {
        let text = only(&check);
        assert_eq!(text.ends_with("#EXT-X-ENDLIST\n"), ended, "{text}");
        assert_eq!(text.contains("#EXT-X-PLAYLIST-TYPE:VOD"), ended, "{text}");
    }
}

#[test]
fn an_orphan_whose_time_is_covered_or_that_has_no_bytes_is_left_out() {
    let covered = Kit::new().segments(2, Presence::Present).orphan(-20_000).check;
    assert_eq!(only(&covered).matches("#EXTINF").count(), 2);
    let mut empty = Kit::new().segments(2, Presence::Present).orphan(1_000).check;
    assert_eq!(only(&empty).matches("#EXTINF").count(), 3);
    empty.orphans[0].size = Some(0);
    assert_eq!(only(&empty).matches("#EXTINF").count(), 2);
}

#[test]
fn a_duration_that_nobody_told_is_bounded_by_the_longest_that_was() {
    let mut check = Kit::new().segments(4, Presence::Present).check;
    let segments = &mut check.tracks[0].segments;
    for (place, duration) in [(0, None), (1, Some(15_000)), (2, None), (3, Some(6_000))] {
        segments[place].duration_ms = duration;
        segments[place].ends = None;
    }
    segments[3].starts = segments[3].starts.map(|starts| starts.plus_ms(600_000));
    let text = only(&check);
    let lengths: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:")).collect();
    // Until the next one; as listed; the median; as listed.
    assert_eq!(lengths, ["15.000000,", "15.000000,", "15.000000,", "6.000000,"], "{text}");
    assert_eq!(text.matches("# synthetic duration").count(), 2, "{text}");
}

#[test]
fn without_anything_to_play_there_is_no_playlist() {
    assert_eq!(playlists(&Kit::new().check, &Plan::default()), []);
}
