use proptest::prelude::*;

use super::*;

fn id(text: &str) -> RecordingId {
    RecordingId::parse(text).unwrap()
}

fn channel(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

fn track(uid: u32, kind: TrackKind) -> TrackId {
    TrackId { uid: NonZeroU32::new(uid).map(Uid), kind }
}

#[test]
fn the_last_track_in_a_name_wins() {
    let name =
        FileName::parse("sid1_a__uid_s_1__uid_e_audio__uid_s_2__uid_e_video_20260813234113969.ts", None);
    let name = name.unwrap();
    assert_eq!(name.channel, Some(channel("a__uid_s_1__uid_e_audio")));
    assert_eq!(name.track, track(2, TrackKind::Video));
}

#[test]
fn a_known_recording_keeps_its_underscores() {
    let text = "bak1_test_p1627613634_my_room_20260813234113969.ts";
    let blind = FileName::parse(text, None).unwrap();
    assert_eq!((blind.recording, blind.channel), (id("test"), Some(channel("p1627613634_my_room"))));
    let known = FileName::parse(text, Some(&id("test_p1627613634"))).unwrap();
    assert_eq!((known.failover, known.channel), (Some(1), Some(channel("my_room"))));
    assert_eq!(FileName::parse(text, Some(&id("other"))).unwrap().recording, id("test"));
}

#[test]
fn a_name_without_a_channel_is_read_only_where_the_recording_is_known() {
    assert_eq!(FileName::parse("sid1.m3u8", None), None);
    let name = FileName::parse("sid1.m3u8", Some(&id("sid1"))).unwrap();
    assert_eq!((name.channel.clone(), name.to_name().as_str()), (None, "sid1.m3u8"));
    for text in ["sid1_.m3u8", "sid1_20260813234113969.ts", "sid1.ts"] {
        assert_eq!(FileName::parse(text, Some(&id("sid1"))), None, "{text}");
    }
}

#[test]
fn a_transferred_copy_shows_its_other_reading() {
    let copy = FileName::parse("sid1_room_1_2.m3u8", None).unwrap();
    assert_eq!(copy.role, Role::Playlist { transfer: Some(Transfer { tick: 1, index: 2 }) });
    let plain = copy.as_plain().unwrap();
    assert_eq!(plain.channel, Some(channel("room_1_2")));
    assert_eq!(plain.to_name(), copy.to_name());
    assert_eq!(plain.as_plain(), None);
    let single = FileName::parse("sid1_room__uid_s_5__uid_e_audio_1_2.m3u8", None).unwrap();
    assert_eq!((single.track, single.as_plain()), (track(5, TrackKind::Audio), None));
}

#[test]
fn a_channel_that_looks_like_something_else_is_read_rightly_once_it_is_known() {
    for (room, name) in [
        ("room_1_2", "sid1_room_1_2.m3u8"),
        ("room_1", "sid1_room_1.mp4"),
        ("room__uid_s_5__uid_e_audio", "sid1_room__uid_s_5__uid_e_audio.m3u8"),
        ("room__uid_s_0__uid_e_audio", "sid1_room__uid_s_0__uid_e_audio.m3u8"),
        ("room__uid_s_5__uid_e", "sid1_room__uid_s_5__uid_e_3.mp4"),
    ] {
        let room = channel(room);
        let known = FileName::with_channel(name, &id("sid1"), &room).unwrap();
        assert_eq!((known.track, known.to_name().as_str()), (TrackId::MIXED, name));
        assert_ne!(FileName::parse(name, None), Some(known), "{name}");
    }
}

#[test]
fn tracks_that_cannot_be_are_not_taken_for_channels() {
    for text in [
        "sid1_room__uid_s_0__uid_e_audio.m3u8",
        "sid1_room__uid_s_007__uid_e_audio.m3u8",
        "sid1_room__uid_s_4294967296__uid_e_audio.m3u8",
        "sid1_room__uid_s_5__uid_e_raw_20260813234113969.ts",
        "sid1_room__uid_s_0__uid_e_3.mp4",
        "sid1_room__uid_s_5__uid_e_av_3.mp4",
    ] {
        assert_eq!(FileName::parse(text, None), None, "{text}");
    }
    assert_eq!(
        FileName::parse("sid1_room__uid_s_4294967295__uid_e_audio.m3u8", None).unwrap().track,
        track(u32::MAX, TrackKind::Audio)
    );
}

#[test]
fn belonging_to_a_recording_goes_by_the_start_of_the_name() {
    for (name, expected) in [
        ("sid1_room.m3u8", true),
        ("bak0_sid1_room.m3u8", true),
        ("bak17_sid1_notes.txt", true),
        ("sid1.m3u8", true),
        ("sid1.txt", false),
        ("sid1", false),
        ("sid10_room.m3u8", false),
        ("bak_sid1_room.m3u8", false),
        ("bak00_sid1_room.m3u8", false),
        ("bak0_bak0_sid1_room.m3u8", false),
        ("xsid1_room.m3u8", false),
    ] {
        assert_eq!(is_ours(name, &id("sid1")), expected, "{name}");
    }
}

#[test]
fn a_very_long_name_is_read_in_linear_time() {
    for piece in ["_", "__uid_s_", "__uid_e_", "__uid_s_1__uid_e_", "_1", "bak0_", ".m3u8"] {
        let long = format!("sid1_{}.m3u8", piece.repeat(1 << 18));
        // The channel is over its limit; a quadratic reader would still be busy.
        assert_eq!(FileName::parse(&long, None), None, "{piece}");
    }
}

/// Whether a name with this channel can also be read another way, where the channel is not known. Written
/// from the documentation of this module, not from its code.
fn ambiguous(name: &FileName) -> bool {
    let room = name.channel.as_ref().unwrap().as_str();
    let ends_in_number = |text: &str| -> Option<String> {
        let (before, number) = text.rsplit_once('_')?;
        let canonical = number.parse::<u32>().ok()?.to_string() == number;
        (canonical && !before.is_empty()).then(|| before.to_owned())
    };
    let ends_in_uid = |text: &str| {
        text.rsplit_once("__uid_s_").is_some_and(|(room, uid)| {
            !room.is_empty() && !uid.is_empty() && uid.bytes().all(|b| b.is_ascii_digit())
        })
    };
    let ends_in_track = |text: &str| {
        text.rsplit_once("__uid_e_").is_some_and(|(before, kind)| {
            ends_in_uid(before) && !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric())
        })
    };
    if name.track.uid.is_some() {
        return false;
    }
    ends_in_track(room)
        || match name.role {
            Role::Playlist { transfer: None } | Role::DashManifest { transfer: None } => {
                ends_in_number(room).and_then(|room| ends_in_number(&room)).is_some()
            }
            Role::Video { index: None } | Role::Audio { index: None, .. } => ends_in_number(room).is_some(),
            Role::Video { index: Some(_) } | Role::Audio { index: Some(_), .. } => {
                room.strip_suffix("__uid_e").is_some_and(ends_in_uid)
            }
            Role::Playlist { transfer: Some(_) }
            | Role::DashManifest { transfer: Some(_) }
            | Role::Slice { .. }
            | Role::Snapshot { .. } => false,
        }
}

/// Channels of the documented characters, rich in what the grammar itself is made of.
fn channels() -> impl Strategy<Value = ChannelName> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9 !#$%&+:;<=.>?@\\[\\]^_{}|~,-]{1,6}",
        1 => Just("_".to_owned()),
        1 => Just("__uid_s_".to_owned()),
        1 => Just("__uid_e".to_owned()),
        1 => Just("__uid_s_5__uid_e_audio".to_owned()),
        1 => Just("__uid_s_0__uid_e_raw".to_owned()),
        1 => Just("_1_2".to_owned()),
        1 => Just("_07".to_owned()),
        1 => Just("_20190920125142485".to_owned()),
        1 => Just("bak0_".to_owned()),
        1 => Just(".m3u8".to_owned()),
    ];
    proptest::collection::vec(piece, 1..4).prop_map(|pieces| channel(&pieces.concat()))
}

fn times() -> impl Strategy<Value = SliceTime> {
    (0..253_370_764_800_000_i64).prop_map(|ms| SliceTime::from_unix_ms(ms).unwrap())
}

fn roles() -> impl Strategy<Value = Role> {
    let transfer = || {
        proptest::option::of((any::<u64>(), any::<u32>()).prop_map(|(tick, index)| Transfer { tick, index }))
    };
    let index = || proptest::option::of(any::<u32>());
    prop_oneof![
        transfer().prop_map(|transfer| Role::Playlist { transfer }),
        transfer().prop_map(|transfer| Role::DashManifest { transfer }),
        times().prop_map(|starts| Role::Slice { starts, container: Container::Ts }),
        times().prop_map(|starts| Role::Slice { starts, container: Container::WebM }),
        times().prop_map(|taken| Role::Snapshot { taken }),
        index().prop_map(|index| Role::Video { index }),
        index().prop_map(|index| Role::Audio { index, format: AudioFormat::Mp3 }),
        index().prop_map(|index| Role::Audio { index, format: AudioFormat::M4a }),
        index().prop_map(|index| Role::Audio { index, format: AudioFormat::Aac }),
    ]
}

fn tracks() -> impl Strategy<Value = TrackId> {
    let kinds = [TrackKind::Audio, TrackKind::Video, TrackKind::AudioVideo];
    let single =
        (1..=u32::MAX, proptest::sample::select(kinds.to_vec())).prop_map(|(uid, kind)| track(uid, kind));
    prop_oneof![Just(TrackId::MIXED), single]
}

prop_compose! {
    fn names(sid: &'static str)(
        failover in proptest::option::of(0..=255_u8),
        recording in sid.prop_map(|sid| id(&sid)),
        room in channels(),
        track in tracks(),
        role in roles(),
    ) -> FileName {
        FileName { failover, recording, channel: Some(room), track, role }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_is_read_again_unless_it_is_documented_as_ambiguous(name in names("[0-9a-f]{32}|sid[0-9]{1,12}")) {
        let read = FileName::parse(&name.to_name(), None);
        prop_assert_eq!(read.as_ref() == Some(&name), !ambiguous(&name), "{} was read as {:?}", name, read);
    }

    #[test]
    fn a_known_recording_may_have_underscores(name in names("(test|sid)(_[a-z0-9-]{1,8}){1,3}_?")) {
        let read = FileName::parse(&name.to_name(), Some(&name.recording));
        prop_assert_eq!(read.as_ref() == Some(&name), !ambiguous(&name), "{} was read as {:?}", name, read);
        prop_assert!(is_ours(&name.to_name(), &name.recording));
    }

    #[test]
    fn a_known_channel_leaves_no_exception(name in names("[0-9a-f]{32}|test_p[0-9]{1,9}|bak0|bak1_x")) {
        let room = name.channel.clone().unwrap();
        prop_assert_eq!(FileName::with_channel(&name.to_name(), &name.recording, &room), Some(name));
    }

    #[test]
    fn the_other_reading_of_an_ambiguous_playlist_is_the_right_one(name in names("[0-9a-f]{32}")) {
        let name = FileName { track: TrackId::MIXED, role: Role::Playlist { transfer: None }, ..name };
        if let Some(plain) = FileName::parse(&name.to_name(), None).and_then(|read| read.as_plain()) {
            prop_assert_eq!(plain, name);
        }
    }

    #[test]
    fn no_text_makes_it_panic_and_what_it_reads_it_writes(
        text in "(bak[0-9]{1,3}_)?([a-z0-9]{1,3})?(_|__uid_s_|__uid_e_|[0-9]{1,3}|[0-9]{17}|audio|av|\\PC){0,8}\\.(m3u8|TS|mpd|mp4|aac|Jpg|x)"
    ) {
        if let Some(name) = FileName::parse(&text, None) {
            let (stem, extension) = text.rsplit_once('.').unwrap();
            prop_assert_eq!(name.to_name(), format!("{stem}.{}", extension.to_lowercase()));
        }
    }

    #[test]
    fn no_text_at_all_makes_it_panic(text in any::<String>(), known in proptest::option::of("[a-z0-9_-]{1,5}")) {
        let known = known.map(|text| id(&text));
        if let Some(name) = FileName::parse(&text, known.as_ref()) {
            prop_assert!(!name.to_name().is_empty());
        }
        if let Some(known) = known {
            prop_assert_eq!(is_ours(&format!("{known}_{text}"), &known), true);
        }
    }
}
