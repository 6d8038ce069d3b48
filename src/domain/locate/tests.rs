use proptest::prelude::*;

use super::*;

const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";

fn id() -> RecordingId {
    RecordingId::parse(SID).unwrap()
}

fn channel(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(&text.replace("SID", SID)).unwrap()
}

/// `SID` in a key stands for the recording ID.
fn object(text: &str, size: u64) -> ObjectInfo {
    ObjectInfo { size: Some(size), ..ObjectInfo::bare(key(text)) }
}

fn listing(objects: &[(&str, u64)]) -> Vec<ObjectInfo> {
    objects.iter().map(|(text, size)| object(text, *size)).collect()
}

fn chosen(objects: &[(&str, u64)], query: &Query) -> (Recording, Vec<Finding>) {
    let (recording, findings) = choose(&id(), listing(objects), query);
    (recording.unwrap(), findings)
}

/// The recording in a form that a table can hold: the playlists by track, then how many slices, then the
/// other files.
fn outline(recording: &Recording) -> String {
    let short = |info: &ObjectInfo| info.key.to_string().replace(SID, "SID");
    let mut lines = Vec::new();
    for track in &recording.tracks {
        let sets = track.playlists.iter().map(|set| {
            let kept: Vec<_> = set.kept.iter().map(short).collect();
            format!("{} not [{}]", short(&set.chosen), kept.join(" "))
        });
        lines.push(format!("{}: {}", track.id, sets.collect::<Vec<_>>().join(", ")));
    }
    lines.push(format!("{} slices", recording.slices.len()));
    lines.extend(recording.masters.iter().map(|master| format!("master {}", short(&master.set.chosen))));
    lines.extend(recording.others.iter().map(|other| short(&other.info)));
    lines.join("\n")
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(Finding::code).collect()
}

const SLICE: &str = "SID_room_20260813234113969.ts";

#[test]
fn a_composite_recording_is_one_track_with_its_failovers_behind_it() {
    let (recording, findings) = chosen(
        &[
            ("a/bak1_SID_room.m3u8", 5),
            ("a/SID_room.m3u8", 5),
            ("a/bak0_SID_room.m3u8", 5),
            ("a/bak0_SID_room_20260813234213969.ts", 188),
            ("a/SID_room_20260813234113969.ts", 188),
            ("a/SID_room_0.mp4", 9),
            ("a/99f8e3cfdc474cd56fc1ceba380d7e1a_room.m3u8", 5),
        ],
        &Query::default(),
    );
    assert_eq!(
        outline(&recording),
        "mixed: a/SID_room.m3u8 not [], a/bak0_SID_room.m3u8 not [], a/bak1_SID_room.m3u8 not []\n\
         2 slices\na/SID_room_0.mp4"
    );
    assert_eq!((recording.channel, recording.folder.as_str()), (Some(channel("room")), "a/"));
    assert_eq!(recording.slices[0].info.key, key("a/SID_room_20260813234113969.ts"));
    assert_eq!(findings, []);
}

#[test]
fn individual_mode_has_a_track_per_user_and_kind_and_masters_beside_them() {
    let (recording, findings) = chosen(
        &[
            ("SID_room__uid_s_7__uid_e_video.m3u8", 5),
            ("SID_room__uid_s_7__uid_e_audio.m3u8", 5),
            ("SID_room__uid_s_10__uid_e_audio.m3u8", 5),
            ("SID_room__uid_s_7__uid_e_av.m3u8", 5),
            ("SID_room__uid_s_7__uid_e_av.mpd", 5),
            ("SID_room__uid_s_7__uid_e_video_20260813234113969.jpg", 5),
            ("SID_room__uid_s_7__uid_e_video_20260813234113969.webm", 5),
        ],
        &Query::default(),
    );
    assert_eq!(
        outline(&recording),
        "uid 7 audio: SID_room__uid_s_7__uid_e_audio.m3u8 not []\n\
         uid 7 video: SID_room__uid_s_7__uid_e_video.m3u8 not []\n\
         uid 10 audio: SID_room__uid_s_10__uid_e_audio.m3u8 not []\n\
         1 slices\n\
         master SID_room__uid_s_7__uid_e_av.m3u8\n\
         master SID_room__uid_s_7__uid_e_av.mpd\n\
         SID_room__uid_s_7__uid_e_video_20260813234113969.jpg"
    );
    assert_eq!(findings, []);
}

#[test]
fn of_a_playlist_and_its_newest_transferred_copy_the_larger_is_chosen() {
    let (plain, old, new) = ("SID_room.m3u8", "SID_room_500_0.m3u8", "SID_room_40_10.m3u8");
    for (sizes, expected) in [
        ([Some(10), Some(99), Some(11)], new),
        ([Some(10), Some(99), Some(9)], plain),
        ([Some(10), Some(99), Some(10)], plain),
        ([None, Some(99), Some(0)], new),
        ([Some(0), Some(99), None], plain),
        ([None, None, None], plain),
    ] {
        let objects = [plain, old, new].into_iter().zip(sizes);
        let objects = objects.map(|(text, size)| ObjectInfo { size, ..object(text, 0) });
        let mut listing: Vec<_> = objects.collect();
        listing.push(object(SLICE, 188));
        let (recording, findings) = choose(&id(), listing, &Query::default());
        let tracks = recording.unwrap().tracks;
        let set = &tracks[0].playlists[0];
        assert_eq!((tracks.len(), &set.chosen.key), (1, &key(expected)), "{sizes:?}");
        assert_eq!(set.kept.len(), 2);
        assert_eq!(codes(&findings), ["transfer-chosen"; 2]);
    }
}

#[test]
fn without_a_plain_playlist_the_newest_copy_is_chosen() {
    let (recording, _) =
        chosen(&[("SID_room_9_1.m3u8", 1), ("SID_room_10_0.m3u8", 90), (SLICE, 188)], &Query::default());
    assert_eq!(outline(&recording), "mixed: SID_room_9_1.m3u8 not [SID_room_10_0.m3u8]\n1 slices");
}

#[test]
fn failovers_and_single_tracks_have_transferred_copies_of_their_own() {
    let (recording, _) = chosen(
        &[
            ("bak0_SID_room__uid_s_7__uid_e_audio.m3u8", 5),
            ("bak0_SID_room__uid_s_7__uid_e_audio_77_0.m3u8", 6),
            ("SID_room__uid_s_7__uid_e_audio.m3u8", 5),
            ("SID_room__uid_s_7__uid_e_audio_77_3.m3u8", 4),
        ],
        &Query::default(),
    );
    assert_eq!(
        outline(&recording),
        "uid 7 audio: SID_room__uid_s_7__uid_e_audio.m3u8 not [SID_room__uid_s_7__uid_e_audio_77_3.m3u8], \
         bak0_SID_room__uid_s_7__uid_e_audio_77_0.m3u8 not [bak0_SID_room__uid_s_7__uid_e_audio.m3u8]\n0 slices"
    );
}

#[test]
fn whether_room_1_2_is_a_channel_or_a_copy_is_decided_by_channel_then_slices_then_sibling() {
    let query = |text: &str| Query { channel: Some(channel(text)), ..Query::default() };
    for (objects, query, expected) in [
        (&[("SID_room_1_2.m3u8", 5)][..], query("room_1_2"), "room_1_2"),
        (&[("SID_room_1_2.m3u8", 5)], query("room"), "room"),
        (&[("SID_room_1_2.m3u8", 5)], query("elsewhere"), "room"),
        (&[("SID_room_1_2.m3u8", 5)], Query::default(), "room"),
        (&[("SID_room_1_2.m3u8", 5), ("SID_room_1_2_20260813234113969.ts", 5)], Query::default(), "room_1_2"),
        (&[("SID_room_1_2.m3u8", 5), (SLICE, 5)], Query::default(), "room"),
        (&[("SID_room_1_2.m3u8", 5), ("SID_room.m3u8", 5)], Query::default(), "room"),
        (&[("SID_room_1_2.m3u8", 5), ("SID_room_1_2_77_0.m3u8", 5)], Query::default(), "room_1_2"),
        (&[("SID_room_1_2.m3u8", 5), ("SID_room_1_2_0.mp4", 5)], Query::default(), "room_1_2"),
    ] {
        let (recording, findings) = chosen(objects, &query);
        assert_eq!(recording.channel, Some(channel(expected)), "{objects:?}");
        assert_eq!(recording.tracks.len(), 1, "{objects:?}");
        assert!(!codes(&findings).contains(&"other-channel"), "{findings:?}");
    }
}

#[test]
fn a_channel_is_known_by_either_spelling() {
    let query = Query { channel: Some(channel("math.101")), ..Query::default() };
    let (recording, findings) =
        chosen(&[("SID_math-101.m3u8", 5), ("SID_math-101_20260813234113969.ts", 5)], &query);
    assert_eq!(outline(&recording), "mixed: SID_math-101.m3u8 not []\n1 slices");
    assert_eq!((recording.channel, findings), (Some(channel("math-101")), vec![]));
}

#[test]
fn the_playlist_that_was_named_wins() {
    let query = |text| Query { playlist: Some(key(text)), ..Query::default() };
    let objects = [("SID_room.m3u8", 5), ("SID_room_1_0.m3u8", 9), ("SID_room_1_1.m3u8", 8), (SLICE, 5)];
    let (recording, findings) = chosen(&objects, &query("SID_room_1_0.m3u8"));
    assert_eq!(
        outline(&recording),
        "mixed: SID_room_1_0.m3u8 not [SID_room.m3u8 SID_room_1_1.m3u8]\n1 slices"
    );
    assert_eq!(findings, []);
    // Its folder wins too, and it needs no listing and no telling name.
    let (recording, findings) = chosen(&objects, &query("b/final.m3u8"));
    assert_eq!(outline(&recording), "mixed: b/final.m3u8 not []\n0 slices");
    assert_eq!(codes(&findings), ["other-folder"]);
    let (recording, _) = choose(&id(), Vec::new(), &query("SID_room.M3U8"));
    assert_eq!(outline(&recording.unwrap()), "mixed: SID_room.M3U8 not []\n0 slices");
}

#[test]
fn slices_without_a_playlist_make_a_track_and_a_loss() {
    let track =
        |kind, uid| TrackId { uid: std::num::NonZeroU32::new(uid).map(super::super::recording::Uid), kind };
    for (objects, expected) in [
        (&[(SLICE, 5)][..], vec![TrackId::MIXED]),
        (&[("SID_room.m3u8", 5), ("bak0_SID_room_20260813234113969.ts", 5)], vec![TrackId::MIXED]),
        (
            &[
                ("SID_room__uid_s_7__uid_e_audio_20260813234113969.ts", 5),
                ("SID_room__uid_s_8__uid_e_av.m3u8", 5),
            ],
            vec![track(TrackKind::Audio, 7), track(TrackKind::AudioVideo, 8)],
        ),
        (&[("SID_room_0.mp4", 5)], vec![TrackId::MIXED]),
        (&[("SID_room.m3u8", 5), (SLICE, 5)], vec![]),
    ] {
        let (_, findings) = chosen(objects, &Query::default());
        let expected: Vec<_> = expected.into_iter().map(|track| Finding::NoPlaylist { track }).collect();
        assert_eq!(findings, expected, "{objects:?}");
    }
    let (recording, _) = chosen(&[(SLICE, 5)], &Query::default());
    assert_eq!(recording.tracks, [Track { id: TrackId::MIXED, playlists: vec![] }]);
}

#[test]
fn the_list_of_slices_that_carry_both_is_no_master() {
    let objects =
        [("SID_r__uid_s_7__uid_e_av.m3u8", 5), ("SID_r__uid_s_7__uid_e_av_20260813234113969.ts", 5)];
    let (recording, findings) = chosen(&objects, &Query::default());
    assert_eq!(outline(&recording), "uid 7 av: SID_r__uid_s_7__uid_e_av.m3u8 not []\n1 slices");
    assert_eq!(findings, []);
}

#[test]
fn the_folder_with_the_most_of_the_recording_is_taken() {
    let objects = [
        ("a/SID_room.m3u8", 5),
        ("a/SID_room_0.mp4", 5000),
        ("b/SID_room.m3u8", 5),
        ("b/SID_room_20260813234113969.ts", 188),
        ("b/SID_room_0/thumb.png", 5),
        ("SID_room.m3u8", 5),
    ];
    let (recording, findings) = chosen(&objects, &Query::default());
    assert_eq!(recording.folder.as_str(), "b/");
    let unknown = key("b/SID_room_0/thumb.png");
    assert_eq!(
        findings,
        [
            Finding::OtherFolder { key: key("SID_room.m3u8") },
            Finding::OtherFolder { key: key("a/SID_room.m3u8") },
            Finding::UnknownName { key: unknown.clone() },
        ]
    );
    assert_eq!((&recording.others[0].info.key, &recording.others[0].name), (&unknown, &None));
}

#[test]
fn what_cannot_be_placed_is_kept_and_an_unread_playlist_is_a_loss() {
    let objects = [
        ("SID_room.m3u8", 5),
        (SLICE, 5),
        ("SID_room_notes.txt", 5),
        ("SID_room__uid_s_0__uid_e_audio.m3u8", 5),
        ("SID_other.M3U8", 5),
        ("SID_other_20260813234113969.ts", 5),
    ];
    let query = Query { channel: Some(channel("room")), ..Query::default() };
    let (recording, findings) = chosen(&objects, &query);
    assert_eq!((recording.tracks.len(), recording.slices.len(), recording.others.len()), (1, 1, 4));
    assert_eq!(
        codes(&findings),
        [
            "other-channel",
            "unread-playlist",
            "other-channel",
            "unknown-name",
            "unread-playlist",
            "unknown-name"
        ]
    );
}

#[test]
fn nothing_of_the_recording_is_no_recording() {
    let objects = listing(&[("a/99f8e3cfdc474cd56fc1ceba380d7e1a_room.m3u8", 5), ("readme.txt", 5)]);
    assert_eq!(choose(&id(), objects, &Query::default()), (None, vec![]));
    assert_eq!(choose(&id(), vec![], &Query::default()), (None, vec![]));
}

#[test]
fn an_object_on_two_pages_of_a_listing_counts_once_in_its_last_state() {
    let time = |ms| SliceTime::from_unix_ms(ms);
    let old = ObjectInfo { modified: time(1), ..object("SID_room.m3u8", 900) };
    let new = ObjectInfo { modified: time(2), ..object("SID_room.m3u8", 800) };
    let (recording, _) = choose(&id(), vec![new.clone(), object(SLICE, 5), old], &Query::default());
    let recording = recording.unwrap();
    assert_eq!(recording.tracks[0].playlists[0], PlaylistSet { failover: None, chosen: new, kept: vec![] });
}

#[test]
fn what_to_ask_a_store_for() {
    let prefixes = list_prefixes(&KeyPrefix::from_parts(["a", "b"]).unwrap(), &id());
    let expected = ["a/b/SID_", "a/b/bak0_SID_", "a/b/bak1_SID_", "a/b/bak2_SID_"];
    assert_eq!(prefixes, expected.map(|text| text.replace("SID", SID)));
    let names = |room| -> Vec<_> {
        let names = playlist_candidates(&id(), &channel(room));
        names.iter().map(|name| name.as_str().replace(SID, "SID")).collect()
    };
    assert_eq!(
        names("room"),
        ["SID_room.m3u8", "bak0_SID_room.m3u8", "bak1_SID_room.m3u8", "bak2_SID_room.m3u8"]
    );
    assert_eq!(names("a.b")[..3], ["SID_a.b.m3u8", "SID_a-b.m3u8", "bak0_SID_a.b.m3u8"]);
    assert_eq!(names(&"x".repeat(1024)), [""; 0]);
}

#[test]
fn every_form_is_read_plain_transferred_and_of_each_failover() {
    let plain = TrackId::MIXED;
    let uid = |kind| TrackId { uid: std::num::NonZeroU32::new(7).map(super::super::recording::Uid), kind };
    let (audio, video, av) = (TrackKind::Audio, TrackKind::Video, TrackKind::AudioVideo);
    // The end of the name, whose it is, and whether the backup gives copies of it names of their own.
    let forms = [
        (".m3u8", plain, true),
        ("_20260813234113969.ts", plain, false),
        ("_0.mp4", plain, false),
        ("_0.mp3", plain, false),
        ("_1.m4a", plain, false),
        ("_2.aac", plain, false),
        ("__uid_s_7__uid_e_audio.m3u8", uid(audio), true),
        ("__uid_s_7__uid_e_video.m3u8", uid(video), true),
        ("__uid_s_7__uid_e_av.m3u8", uid(av), true),
        ("__uid_s_7__uid_e_av.mpd", uid(av), true),
        ("__uid_s_7__uid_e_audio_20260813234113969.ts", uid(audio), false),
        ("__uid_s_7__uid_e_video_20260813234113969.webm", uid(video), false),
        ("__uid_s_7__uid_e_av_20260813234113969.ts", uid(av), false),
        ("__uid_s_7__uid_e_3.mp4", uid(av), false),
        ("__uid_s_7__uid_e_video_20260813234113969.jpg", uid(video), false),
    ];
    // Composite and individual mode keep the channel; web page mode writes it in its own way.
    for (room, spelt) in [("a_b.c", "a_b.c"), ("a_b.c", "a-b-c"), ("room", "room")] {
        for known in [None, Some(room), Some(spelt)] {
            for (ending, track, copies) in forms {
                for failover in [None, Some(0), Some(1), Some(2)] {
                    let start = failover.map(|n| format!("bak{n}_")).unwrap_or_default();
                    let (stem, extension) = ending.rsplit_once('.').unwrap();
                    let name = |copy: &str| format!("m/{start}SID_{spelt}{stem}{copy}.{extension}");
                    let copy = copies.then(|| name("_22194679897_3"));
                    let names: Vec<_> = [Some(name("")), copy.clone()].into_iter().flatten().collect();
                    // A slice of the channel beside them, by which it is known without the caller's help.
                    let anchor = format!("m/SID_{spelt}_20260813234000000.ts");
                    let listed: Vec<_> = names.iter().chain([&anchor]).map(|n| (n.as_str(), 5)).collect();
                    let query = Query { channel: known.map(channel), ..Query::default() };
                    let (recording, findings) = chosen(&listed, &query);
                    let case = format!("{names:?} known as {known:?}");
                    assert_eq!(recording.channel, Some(channel(spelt)), "{case}");
                    let odd = ["unknown-name", "other-channel", "unread-playlist", "other-folder"];
                    assert!(!codes(&findings).iter().any(|code| odd.contains(code)), "{case}: {findings:?}");
                    let own = |info: &ObjectInfo| names.iter().any(|n| info.key == key(n));
                    let sets = recording.tracks.iter().flat_map(|t| t.playlists.iter().map(|s| (t.id, s)));
                    let lists = sets.chain(recording.masters.iter().map(|m| (m.track, &m.set)));
                    let mut found: Vec<_> = lists
                        .filter(|(_, set)| own(&set.chosen))
                        .map(|(track, set)| (track, set.failover, 1 + set.kept.len()))
                        .collect();
                    let others = recording.others.iter().map(|other| (&other.info, other.name.as_ref()));
                    let slices = recording.slices.iter().map(|slice| (&slice.info, Some(&slice.name)));
                    let files = others.chain(slices).filter(|(info, _)| own(info));
                    found.extend(files.map(|(_, name)| (name.unwrap().track, name.unwrap().failover, 1)));
                    assert_eq!(found, [(track, failover, names.len())], "{case}");
                }
            }
        }
    }
}

/// File names of which a listing is made; few enough that they meet.
fn objects() -> impl Strategy<Value = Vec<ObjectInfo>> {
    let name = "(a/|b/)?(bak[01]_)?SID_(room|room_1_2|o-m|o\\.m)(__uid_s_[05]__uid_e_(audio|video|av))?\
                (_[1-3]_[1-2])?(_2026081323411396[1-4])?\\.(m3u8|M3U8|mpd|ts|mp4|x)";
    let object = (name, proptest::option::of(0..4_u64), proptest::option::of(0..2_i64));
    let object = object.prop_map(|(text, size, modified)| ObjectInfo {
        size,
        modified: modified.and_then(SliceTime::from_unix_ms),
        ..ObjectInfo::bare(key(&text))
    });
    proptest::collection::vec(object, 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_order_of_the_listing_does_not_matter(
        (listing, shuffled) in objects().prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
        known in proptest::option::of("room|room_1_2|o\\.m"),
        named in proptest::option::of("(a/)?SID_room(_1_2)?\\.m3u8"),
    ) {
        let query = Query { channel: known.map(|text| channel(&text)), playlist: named.map(|text| key(&text)) };
        prop_assert_eq!(choose(&id(), listing, &query), choose(&id(), shuffled, &query));
    }

    #[test]
    fn every_object_of_the_folder_is_kept_exactly_once(listing in objects()) {
        let (recording, _) = choose(&id(), listing.clone(), &Query::default());
        let Some(recording) = recording else {
            prop_assert!(listing.is_empty());
            return Ok(());
        };
        let sets = recording.tracks.iter().flat_map(|track| &track.playlists);
        let sets = sets.chain(recording.masters.iter().map(|master| &master.set));
        let mut kept: Vec<_> = sets.flat_map(|set| set.kept.iter().chain([&set.chosen])).collect();
        kept.extend(recording.slices.iter().map(|slice| &slice.info));
        kept.extend(recording.others.iter().map(|other| &other.info));
        let mut kept: Vec<_> = kept.into_iter().map(|info| info.key.clone()).collect();
        kept.sort();
        let here = listing.into_iter().map(|info| info.key).filter(|key| key.folder() == recording.folder);
        let here: BTreeSet<_> = here.collect();
        prop_assert_eq!(kept, here.into_iter().collect::<Vec<_>>());
    }
}
