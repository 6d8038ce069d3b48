//! Each damage gives exactly its diagnoses; without it there are none.

use super::kit::{Kit, SLICE_BYTES, SLICE_MS, name, named, slice, time};
use super::table::{LIST, case, event, one, prove, told, ts};
use crate::domain::check::{Happened, PlaylistText, Sending, Standing};
use crate::domain::object::Restore;
use crate::domain::place::{Denial, Obstacle};
use crate::domain::recording::TrackKind;
use crate::domain::verdict::Corruption;

#[test]
fn segments() {
    let clean = || Kit::mixed(3);
    let middle = || ts(SLICE_MS);
    let restore = |restore: Option<Restore>| {
        move |kit: &mut Kit| {
            kit.alter(&slice(SLICE_MS), |info| {
                info.class = Some("GLACIER".to_owned());
                info.restore = restore;
            });
        }
    };
    prove(vec![
        case("nothing", clean(), |_| {}, &[], Standing::NothingMissing),
        case(
            "one is nowhere",
            clean(),
            |kit| drop(kit.lose(&slice(SLICE_MS))),
            &one("RF101!", &middle()),
            Standing::Incomplete,
        ),
        case(
            "one is in the fallback",
            clean(),
            |kit| kit.move_away(&slice(SLICE_MS)),
            &one("RF102", &middle()),
            Standing::Elsewhere,
        ),
        case(
            "one is empty",
            clean(),
            |kit| kit.alter(&slice(SLICE_MS), |info| info.size = Some(0)),
            &one("RF103!", &middle()),
            Standing::Incomplete,
        ),
        case(
            "one is empty here and whole there",
            clean(),
            |kit| {
                let whole = kit.own[&slice(SLICE_MS)].clone();
                kit.fallback = Some([(slice(SLICE_MS), whole)].into());
                kit.alter(&slice(SLICE_MS), |info| info.size = Some(0));
            },
            &[one("RF102", &middle()), one("RF103", &middle())].concat(),
            Standing::Elsewhere,
        ),
        case(
            "one has another length there",
            clean(),
            |kit| {
                let mut other = kit.own[&slice(SLICE_MS)].clone();
                other.size = Some(188);
                kit.fallback = Some([(slice(SLICE_MS), other)].into());
            },
            &one("RF104", &middle()),
            Standing::NothingMissing,
        ),
        case(
            "one is no whole packets",
            clean(),
            |kit| kit.alter(&slice(SLICE_MS), |info| info.size = Some(SLICE_BYTES - 1)),
            &one("RF106", &middle()),
            Standing::NothingMissing,
        ),
        case(
            "one is served as text",
            clean(),
            |kit| kit.alter(&slice(SLICE_MS), |info| info.content_type = Some("text/plain".to_owned())),
            &one("RF107", &middle()),
            Standing::NothingMissing,
        ),
        case("one is archived", clean(), restore(None), &one("RF108", &middle()), Standing::Frozen),
        case(
            "one is being restored",
            clean(),
            restore(Some(Restore::UnderWay)),
            &[one("RF108", &middle()), one("RF109.", &middle())].concat(),
            Standing::Frozen,
        ),
        case(
            "one is restored",
            clean(),
            restore(Some(Restore::Restored { until: None })),
            &one("RF109.", &middle()),
            Standing::NothingMissing,
        ),
        case(
            "one is archived, as the store says when asked",
            clean(),
            |kit| drop(kit.refused.insert((0, slice(SLICE_MS)), Obstacle::Frozen { class: None })),
            &one("RF108", &middle()),
            Standing::Frozen,
        ),
        case(
            "of one the store does not say",
            clean(),
            |kit| drop(kit.refused.insert((0, slice(SLICE_MS)), Obstacle::Unreachable)),
            &[one("RF114!", &middle()), one("RF418", "-")].concat(),
            Standing::Unknown,
        ),
        case(
            "one is in no playlist",
            clean(),
            |kit| kit.put(&slice(SLICE_MS + 4_000), SLICE_BYTES, SLICE_MS),
            &one("RF110", &ts(SLICE_MS + 4_000)),
            Standing::NothingMissing,
        ),
        case(
            "one is listed twice",
            clean(),
            |kit| {
                let list = kit.texts.get_mut(&named(LIST)).unwrap();
                let again = format!("#EXTINF:15.000000\n{}\n#EXT-X-ENDLIST\n", slice(0));
                *list = list.replace("#EXT-X-ENDLIST\n", &again);
            },
            &one("RF111", &ts(0)),
            Standing::NothingMissing,
        ),
    ]);
}

#[test]
fn sizes() {
    let clean = || Kit::mixed(9);
    let tenth = SLICE_BYTES / 188 / 11 * 188;
    prove(vec![
        case(
            "a small one",
            clean(),
            |kit| kit.alter(&slice(SLICE_MS), |info| info.size = Some(tenth)),
            &one("RF105", &ts(SLICE_MS)),
            Standing::NothingMissing,
        ),
        case(
            "a large one",
            clean(),
            |kit| kit.alter(&slice(SLICE_MS), |info| info.size = Some(SLICE_BYTES * 11)),
            &one("RF105", &ts(SLICE_MS)),
            Standing::NothingMissing,
        ),
        case(
            "a small track",
            clean(),
            |kit| kit.own.values_mut().for_each(|info| info.size = info.size.map(|_| 188 * 5)),
            &one("RF105", "-"),
            Standing::NothingMissing,
        ),
        case(
            "a large track",
            clean(),
            |kit| kit.own.values_mut().for_each(|info| info.size = info.size.map(|_| SLICE_BYTES * 20)),
            &one("RF105", "-"),
            Standing::NothingMissing,
        ),
    ]);
    // Seven have no middle that could be trusted.
    let mut few = Kit::mixed(7);
    few.alter(&slice(0), |info| info.size = Some(188));
    assert_eq!(told(&few.check()), Vec::<String>::new());
}

#[test]
fn time_line() {
    let clean = || Kit::mixed(4);
    let unlisted = |kit: &mut Kit| {
        kit.unlist(LIST, &slice(SLICE_MS));
        kit.lose(&slice(SLICE_MS));
    };
    let sends = |sending, ms| {
        let what = Happened::StreamChanged { uid: None, kind: TrackKind::Audio, sending, at: time(ms) };
        event(ms, what)
    };
    let silent = move |from: i64, until: i64| vec![sends(Sending::No, from), sends(Sending::Yes, until)];
    let started = |starts: i64, lost_from: Option<i64>| {
        let lost_from = lost_from.map(time);
        event(starts, Happened::SliceStarted { starts: time(starts), lost_from, uid: None, kind: None })
    };
    prove(vec![
        case("a hole", clean(), unlisted, &one("RF201!", "-"), Standing::Incomplete),
        case(
            "a hole while nobody was sending",
            clean(),
            |kit| {
                unlisted(kit);
                kit.told.events = silent(15_000, 30_000);
            },
            &one("RF207.", "-"),
            Standing::NothingMissing,
        ),
        case(
            "a hole that is longer than the silence",
            clean(),
            |kit| {
                unlisted(kit);
                kit.told.events = silent(15_000, 20_000);
            },
            &[one("RF201!", "-"), one("RF207.", "-")].concat(),
            Standing::Incomplete,
        ),
        case(
            "a hole that Agora tells of",
            clean(),
            |kit| {
                unlisted(kit);
                kit.told.events = [silent(15_000, 30_000), vec![started(30_000, Some(15_000))]].concat();
            },
            &one("RF206!", "-"),
            Standing::Incomplete,
        ),
        case(
            "a first slice that only Agora tells of",
            clean(),
            |kit| {
                kit.unlist(LIST, &slice(0));
                kit.lose(&slice(0));
                kit.told.events = vec![started(0, None)];
            },
            &one("RF206!", "-"),
            Standing::Incomplete,
        ),
        case(
            "a last slice that only Agora tells of",
            clean(),
            |kit| kit.told.events = vec![started(90_000, None)],
            &one("RF206!", "-"),
            Standing::Incomplete,
        ),
        case(
            "all slices as Agora tells of them",
            clean(),
            |kit| kit.told.events = vec![started(0, None), started(15_000, Some(15_000))],
            &[],
            Standing::NothingMissing,
        ),
        case(
            "a hole with its slice",
            clean(),
            |kit| kit.unlist(LIST, &slice(SLICE_MS)),
            &[one("RF201!", "-"), one("RF110", &ts(SLICE_MS))].concat(),
            Standing::Incomplete,
        ),
        case(
            "a seam",
            clean(),
            |kit| {
                let list = kit.texts.get_mut(&named(LIST)).unwrap();
                *list = list.replacen("15.000000", "14.500000", 1);
            },
            &one("RF201", "-"),
            Standing::NothingMissing,
        ),
        case(
            "an overlap",
            clean(),
            |kit| {
                let list = kit.texts.get_mut(&named(LIST)).unwrap();
                *list = list.replacen("15.000000", "16.000000", 1);
            },
            &one("RF202", &ts(SLICE_MS)),
            Standing::NothingMissing,
        ),
    ]);
    let mut kit = clean();
    kit.unlist(LIST, &slice(SLICE_MS));
    let check = kit.check();
    assert!(check.diagnoses[0].text.contains("which is in no playlist, lies there"), "{:?}", check.diagnoses);
    assert!(check.diagnoses[1].text.contains("and may fill it"), "{:?}", check.diagnoses);
    assert_eq!(
        (check.diagnoses[0].about.from, check.diagnoses[0].about.until),
        (Some(time(15_000)), Some(time(30_000)))
    );
}

#[test]
fn failovers() {
    let with = |starts: i64| {
        let mut kit = Kit::mixed(2);
        kit.track("bak0_SID_room.m3u8", "bak0_SID_room_", "ts", &[starts]);
        kit
    };
    let told_of = |starts: i64| told(&with(starts).check());
    assert_eq!(told_of(30_000), one("RF208.", "-"));
    assert_eq!(
        told_of(25_000),
        [one("RF204.", &format!("bak0_{}", ts(25_000))), one("RF208.", "-")].concat()
    );
    assert_eq!(told_of(75_000), [one("RF203", "-"), one("RF208", "-")].concat());
    // Longer than a switch takes, and no recorder was there all the same.
    assert_eq!(with(75_000).check().standing(), Standing::NothingMissing);
    let mut kit = Kit::mixed(2);
    kit.told.events = vec![event(20_000, Happened::FailedOver { uid: None }); 2];
    assert_eq!(told(&kit.check()), one("RF208", "-"));
}

#[test]
fn playlists() {
    let clean = || Kit::mixed(3);
    let cut = |from: &'static str, to: &'static str| {
        move |kit: &mut Kit| {
            let list = kit.texts.get_mut(&named(LIST)).unwrap();
            *list = list.replace(from, to);
        }
    };
    let is = |text: PlaylistText| move |kit: &mut Kit| drop(kit.lists.insert(named(LIST), text));
    let twin = "SID_room_22194679897_3.m3u8";
    let two = |larger: bool| {
        move |kit: &mut Kit| {
            let text = kit.texts[&named(LIST)].clone();
            kit.text(twin, &text);
            kit.alter(twin, |info| {
                info.size = info.size.map(|size| if larger { size + 1 } else { size - 1 })
            });
        }
    };
    prove(vec![
        case("none", clean(), |kit| drop(kit.lose(LIST)), &one("RF301!", "-"), Standing::Incomplete),
        case(
            "empty",
            clean(),
            is(PlaylistText::Wrong(Corruption::Empty)),
            &one("RF302!", LIST),
            Standing::Incomplete,
        ),
        case(
            "no playlist at all",
            clean(),
            |kit| drop(kit.texts.insert(named(LIST), "<html></html>".to_owned())),
            &one("RF303!", LIST),
            Standing::Incomplete,
        ),
        case("not ended", clean(), cut("#EXT-X-ENDLIST\n", ""), &one("RF305!", LIST), Standing::Incomplete),
        case(
            "absent when asked for",
            clean(),
            is(PlaylistText::Absent),
            &one("RF301!", LIST),
            Standing::Incomplete,
        ),
        case(
            "archived",
            clean(),
            is(PlaylistText::Refused(Obstacle::Frozen { class: None })),
            &one("RF322!", LIST),
            Standing::Frozen,
        ),
        case(
            "not to be had",
            clean(),
            is(PlaylistText::Refused(Obstacle::Unreachable)),
            &[one("RF321!", LIST), one("RF418", "-")].concat(),
            Standing::Unknown,
        ),
        case(
            "refused for an old key",
            clean(),
            is(PlaylistText::Refused(Obstacle::Denied(Denial::Expired))),
            &[one("RF321!", LIST), one("RF404", "-")].concat(),
            Standing::Denied,
        ),
        case(
            "refused for a key that may only write",
            clean(),
            is(PlaylistText::Refused(Obstacle::Denied(Denial::NotAllowed))),
            &one("RF402!", "-"),
            Standing::Denied,
        ),
        case(
            "older than a slice",
            clean(),
            |kit| kit.alter(&slice(0), |info| info.modified = Some(time(400_000))),
            &one("RF307", LIST),
            Standing::NothingMissing,
        ),
        case(
            "smaller than its transferred copy",
            clean(),
            two(true),
            &[one("RF308.", LIST), one("RF309.", LIST)].concat(),
            Standing::NothingMissing,
        ),
        case("larger than its copy", clean(), two(false), &one("RF309.", twin), Standing::NothingMissing),
        case(
            "a copy that lists more",
            clean(),
            |kit| {
                two(false)(kit);
                let list = kit.texts.get_mut(&named(twin)).unwrap();
                let more = format!("#EXTINF:15.000000\n{}\n#EXT-X-ENDLIST\n", slice(3 * SLICE_MS));
                *list = list.replace("#EXT-X-ENDLIST\n", &more);
            },
            &[one("RF323", twin), one("RF309.", twin)].concat(),
            Standing::NothingMissing,
        ),
        case("cut", clean(), cut(".ts\n#EXT-X-ENDLIST\n", ".ts"), &one("RF304!", LIST), Standing::Incomplete),
        case(
            "a duration without a segment",
            clean(),
            cut("#EXT-X-ENDLIST", "#EXTINF:1.0,\n#EXT-X-ENDLIST"),
            &one("RF314!", LIST),
            Standing::Incomplete,
        ),
        case(
            "a name that climbs",
            clean(),
            cut("#EXT-X-ENDLIST", "#EXTINF:1.0,\n../x.ts\n#EXT-X-ENDLIST"),
            &one("RF313!", LIST),
            Standing::Incomplete,
        ),
        case(
            "encrypted",
            clean(),
            cut("#EXT-X-ALLOW-CACHE:YES", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\""),
            &one("RF320.", LIST),
            Standing::NothingMissing,
        ),
    ]);
}

#[test]
fn masters() {
    let master = "SID_room__uid_s_7__uid_e_av.m3u8";
    let mut kit = Kit::individual(2);
    assert_eq!(told(&kit.check()), Vec::<String>::new());
    kit.findings.push(crate::domain::finding::Finding::DeadReference {
        master: crate::domain::key::ObjectKey::parse(&named(master)).unwrap(),
        name: name("SID_room__uid_s_8__uid_e_audio.m3u8"),
    });
    assert_eq!(told(&kit.check()), one("RF310", master));
}
