//! What a fetch notices a check tells too, each once; and it never thinks better of a recording than a fetch.

use proptest::prelude::*;

use super::kit::{Kit, SLICE_BYTES, SLICE_MS, name, named, slice};
use crate::domain::check::{Check, Presence, Rule, Severity, Standing};
use crate::domain::finding::{Beside, Finding, MirrorLack, NotPlaylist, UnsafeUri};
use crate::domain::key::{KeyError, ObjectKey};
use crate::domain::only::Form;
use crate::domain::place::{Denial, Obstacle, SourceName};
use crate::domain::recording::{TrackId, TrackKind};

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(&named(text)).unwrap()
}

/// Findings that a clean recording has no other sign of, with the rule that tells each of them.
fn each() -> Vec<(Finding, Rule)> {
    let list = || key("SID_room.m3u8");
    let from = || SourceName::new("prod");
    let other = || TrackId { uid: None, kind: TrackKind::Audio };
    let segment = || name(&slice(0));
    vec![
        (Finding::UnknownName { key: key("SID_x.bin") }, Rule::UnknownName),
        (Finding::UnsafeKey { text: "a/../b".to_owned(), why: KeyError::Climbs }, Rule::UnsafeKey),
        (
            Finding::TransferChosen { chosen: list(), other: key("SID_room_1_2.m3u8") },
            Rule::PlaylistSuperseded,
        ),
        (Finding::TransferChosen { chosen: key("SID_room_1_2.m3u8"), other: list() }, Rule::PlaylistSmaller),
        (Finding::OtherFolder { key: key("other/SID_room.m3u8") }, Rule::OtherFolder),
        (Finding::ListDenied { from: from() }, Rule::ListDenied),
        (Finding::FoundElsewhere { from: from() }, Rule::FoundElsewhere),
        (Finding::PartOfMirror { from: from(), why: MirrorLack::NoMark }, Rule::PartOfMirror),
        (Finding::RegionFollowed { from: from(), region: "eu-west-1".to_owned() }, Rule::WrongRegion),
        (
            Finding::NotSearched { from: SourceName::new("old"), why: Obstacle::Denied(Denial::Expired) },
            Rule::KeyExpired,
        ),
        (Finding::NotSearched { from: SourceName::new("old"), why: Obstacle::Untrusted }, Rule::NotSearched),
        (Finding::NoPlaylist { track: other() }, Rule::NoPlaylist),
        (Finding::OtherChannel { key: key("SID_hall_0.mp4") }, Rule::OtherChannel),
        (Finding::UnreadPlaylist { key: key("SID_hall.m3u8") }, Rule::UnreadPlaylist),
        (Finding::ToldAbsent { key: key("SID_room_0.mp4"), beside: Beside::Slices }, Rule::ToldAbsent),
        (Finding::DeadReference { master: list(), name: segment() }, Rule::DeadReference),
        (Finding::BadManifest { key: key("SID_room.mpd") }, Rule::BadManifest),
        (
            Finding::MissingIndex {
                track: TrackId::MIXED,
                kind: "MP4",
                missing: vec![1],
                count: 1,
                last: 2,
                beside: Beside::Nothing,
            },
            Rule::MissingIndex,
        ),
        (Finding::LeftOut { objects: 1, bytes: 2 }, Rule::LeftOut),
        (Finding::NothingOf { form: Form::Mp4 }, Rule::NothingOf),
        (Finding::NotAPlaylist { playlist: list(), what: NotPlaylist::Empty }, Rule::PlaylistEmpty),
        (Finding::NotAPlaylist { playlist: list(), what: NotPlaylist::Html }, Rule::NotAPlaylist),
        (Finding::ListsNothing { playlist: list() }, Rule::ListsNothing),
        (Finding::NotEnded { playlist: list() }, Rule::NotEnded),
        (Finding::CutOff { playlist: list(), line: 3 }, Rule::CutOff),
        (Finding::TooLarge { playlist: list(), limit: 3 }, Rule::TooLarge),
        (
            Finding::UnsafeUri {
                playlist: list(),
                line: 3,
                uri: "//x".to_owned(),
                why: UnsafeUri::OtherHost,
            },
            Rule::UnsafeUri,
        ),
        (Finding::DurationWithoutUri { playlist: list(), line: 3 }, Rule::DurationWithoutUri),
        (Finding::UriWithoutDuration { playlist: list(), line: 3 }, Rule::UriWithoutDuration),
        (Finding::ListedTwice { playlist: list(), line: 3, name: segment() }, Rule::ListedTwice),
        (Finding::NotUtf8 { playlist: list(), line: 3 }, Rule::NotUtf8),
        (Finding::BadTag { playlist: list(), line: 3, tag: "#EXT-X".to_owned() }, Rule::BadTag),
        (Finding::ReadersDisagree { playlist: list(), scanner: 3, library: None }, Rule::ReadersDisagree),
        (Finding::Encrypted { playlist: list(), line: 3 }, Rule::Encrypted),
        (Finding::PlaysShort { name: segment(), expected_ms: 2, found_ms: 1 }, Rule::PlaysShort),
        (Finding::KeptOther { name: segment() }, Rule::KeptOther),
        (Finding::ChangedSinceListing { name: segment() }, Rule::ChangedSinceListing),
        (Finding::ContinuityErrors { name: segment(), count: 1 }, Rule::ContinuityErrors),
        (Finding::TimestampsJump { name: segment(), ms: 1 }, Rule::TimestampsJump),
        (Finding::SameBytes { name: segment(), other: name(&slice(SLICE_MS)) }, Rule::SameBytes),
    ]
}

#[test]
fn each_finding_becomes_exactly_one_diagnosis_that_weighs_no_less() {
    for (finding, rule) in each() {
        let mut kit = Kit::mixed(2);
        kit.findings = vec![finding.clone()];
        let check = kit.check();
        let rules: Vec<_> = check.diagnoses.iter().map(|diagnosis| diagnosis.rule).collect();
        assert_eq!(rules, [rule], "{finding:?}");
        assert!(check.diagnoses[0].severity >= finding.severity(), "{finding:?}");
    }
}

/// What a fetch from the same stores would be: complete only where nothing is absent and no finding is a loss.
fn a_fetch_would_be_incomplete(kit: &Kit, check: &Check) -> bool {
    let lost = kit.made().findings().iter().any(|finding| finding.severity() == Severity::Loss);
    let segments = check.tracks.iter().flat_map(|track| &track.segments);
    let nothing = segments.clone().next().is_none();
    let absent = segments.filter(|segment| {
        let elsewhere = kit.fallback.iter().any(|there| there.contains_key(segment.name.as_str()));
        let here = kit.own.contains_key(segment.name.as_str());
        !here && !elsewhere
    });
    lost || nothing || absent.count() > 0
}

#[derive(Debug, Clone)]
enum Damage {
    Lose(i64),
    Move(i64),
    Unlist(i64),
    Empty(i64),
    Refuse(i64),
    Orphan(i64),
    Replace(&'static str, &'static str),
    LoseList,
    Failover(i64),
}

fn damage() -> impl Strategy<Value = Damage> {
    let replace = prop::sample::select(vec![
        ("#EXT-X-ENDLIST\n", ""),
        ("#EXTM3U", "<html>"),
        ("15.000000", "14.500000"),
        ("15.000000", "x"),
        (".ts\n#EXT-X-ENDLIST\n", ".ts"),
        ("#EXTINF:15.000000\n", "#EXT-X-DISCONTINUITY\n#EXTINF:13.000000\n"),
        ("#EXT-X-ENDLIST", "#EXTINF:1.0,\n../x.ts\n#EXT-X-ENDLIST"),
    ]);
    let number = || 0..8_i64;
    prop_oneof![
        number().prop_map(Damage::Lose),
        number().prop_map(Damage::Move),
        number().prop_map(Damage::Unlist),
        number().prop_map(Damage::Empty),
        number().prop_map(Damage::Refuse),
        (0..120_000_i64).prop_map(Damage::Orphan),
        replace.prop_map(|(from, to)| Damage::Replace(from, to)),
        Just(Damage::LoseList),
        (0..200_000_i64).prop_map(Damage::Failover),
    ]
}

fn apply(kit: &mut Kit, damage: &Damage) {
    const LIST: &str = "SID_room.m3u8";
    let at = |number: &i64| slice(number * SLICE_MS);
    match damage {
        Damage::Lose(number) => drop(kit.own.remove(&at(number))),
        Damage::Move(number) if kit.own.contains_key(&at(number)) => kit.move_away(&at(number)),
        Damage::Unlist(number) if kit.texts[&named(LIST)].contains(&at(number)) => {
            // Of a list that is damaged otherwise there may be no line to take out.
            if kit.texts[&named(LIST)].contains("#EXTINF") {
                kit.unlist(LIST, &at(number));
            }
        }
        Damage::Empty(number) => {
            kit.own.entry(at(number)).and_modify(|info| info.size = Some(0));
        }
        Damage::Refuse(number) => drop(kit.refused.insert((0, at(number)), Obstacle::Unreachable)),
        Damage::Orphan(ms) => kit.put(&slice(*ms), SLICE_BYTES, 0),
        Damage::Replace(from, to) => {
            let text = kit.texts.get_mut(&named(LIST)).unwrap();
            *text = text.replacen(from, to, 1);
        }
        Damage::LoseList => drop(kit.own.remove(&named(LIST))),
        Damage::Failover(ms) => kit.track("bak0_SID_room.m3u8", "bak0_SID_room_", "ts", &[*ms]),
        Damage::Move(_) | Damage::Unlist(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_a_fetch_would_call_incomplete_is_never_called_whole(
        damages in prop::collection::vec(damage(), 0..6),
    ) {
        let mut kit = Kit::mixed(8);
        kit.put("SID_room_0.mp4", 1_000, 0);
        for damage in &damages {
            apply(&mut kit, damage);
        }
        let check = kit.check();
        let whole = matches!(check.standing(), Standing::NothingMissing | Standing::Elsewhere);
        prop_assert!(!(whole && a_fetch_would_be_incomplete(&kit, &check)), "{:#?}", check.diagnoses);
        // And where it is not whole, something says why.
        let told = check.diagnoses.iter().any(|diagnosis| diagnosis.severity == Severity::Loss);
        prop_assert!(whole || told || check.standing() == Standing::Frozen, "{:?}", check.standing());
        // The same object is never two losses.
        let mut lost: Vec<_> = check
            .diagnoses
            .iter()
            .filter(|diagnosis| diagnosis.severity == Severity::Loss && diagnosis.about.segment.is_some())
            .map(|diagnosis| (diagnosis.about.track, diagnosis.about.segment))
            .collect();
        let count = lost.len();
        lost.sort_unstable();
        lost.dedup();
        prop_assert_eq!(lost.len(), count);
        for track in &check.tracks {
            for segment in &track.segments {
                let fits = !matches!(segment.presence, Presence::Unlisted | Presence::NeverRecorded);
                prop_assert!(fits, "{segment:?}");
            }
        }
    }
}
