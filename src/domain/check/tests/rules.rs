//! Each damage gives exactly its diagnoses; without it there are none.

use super::kit::{Kit, SID, SLICE_BYTES, SLICE_MS, name, named, slice, time};
use crate::domain::check::{
    Answer, Check, ErrorCode, Happened, PlayerAnswer, PlaylistText, Sending, Severity, Standing, ToldError,
    ToldEvent, ToldState,
};
use crate::domain::key::KeyPrefix;
use crate::domain::object::Restore;
use crate::domain::place::{Denial, Obstacle};
use crate::domain::recording::TrackKind;
use crate::domain::verdict::Corruption;

const LIST: &str = "SID_room.m3u8";

/// `RF101! name` for a loss, `RF102 name` for a warning, `RF109. name` for a note.
fn told(check: &Check) -> Vec<String> {
    let words = check.diagnoses.iter().map(|diagnosis| {
        let mark = match diagnosis.severity {
            Severity::Loss => "!",
            Severity::Warning => "",
            Severity::Note => ".",
        };
        let object = diagnosis.about.object.as_deref().unwrap_or("-").replace(SID, "SID");
        assert!(!diagnosis.text.ends_with('.') && !diagnosis.text.is_empty(), "{diagnosis:?}");
        format!("{}{mark} {object}", diagnosis.rule.code())
    });
    words.collect()
}

fn ts(ms: i64) -> String {
    slice(ms).replace(SID, "SID")
}

struct Case {
    what: &'static str,
    kit: Kit,
    expected: Vec<String>,
    standing: Standing,
}

fn case(
    what: &'static str,
    clean: Kit,
    damage: impl FnOnce(&mut Kit),
    expected: &[String],
    standing: Standing,
) -> Case {
    let check = clean.check();
    let wrong = check.diagnoses.iter().filter(|found| found.severity > Severity::Note).count();
    assert_eq!((wrong, check.standing()), (0, Standing::NothingMissing), "{what} {:?}", check.diagnoses);
    let mut kit = clean;
    damage(&mut kit);
    Case { what, kit, expected: expected.to_vec(), standing }
}

fn prove(cases: Vec<Case>) {
    for Case { what, kit, expected, standing } in cases {
        let check = kit.check();
        assert_eq!(told(&check), expected, "{what}: {:#?}", check.diagnoses);
        assert_eq!(check.standing(), standing, "{what}");
    }
}

fn one(code: &str, object: &str) -> Vec<String> {
    vec![format!("{code} {object}")]
}

fn event(ms: i64, what: Happened) -> ToldEvent {
    ToldEvent { at: Some(time(ms)), recorder: None, what }
}

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
            &one("RF102", &middle()),
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
            &one("RF109.", &middle()),
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
    assert!(check.diagnoses[1].text.contains("and fills it"), "{:?}", check.diagnoses);
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
            Standing::Corrupt,
        ),
        case(
            "no playlist at all",
            clean(),
            |kit| drop(kit.texts.insert(named(LIST), "<html></html>".to_owned())),
            &one("RF303!", LIST),
            Standing::Corrupt,
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
            &one("RF308.", LIST),
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
        case(
            "cut",
            clean(),
            cut(".ts\n#EXT-X-ENDLIST\n", ".ts"),
            &[one("RF304!", LIST), one("RF305!", LIST)].concat(),
            Standing::Incomplete,
        ),
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

#[test]
fn stores() {
    let clean = || Kit::mixed(3);
    let all_refused = |denial: Denial| {
        move |kit: &mut Kit| {
            for ms in [0, SLICE_MS, 2 * SLICE_MS] {
                kit.refused.insert((0, slice(ms)), Obstacle::Denied(denial));
            }
        }
    };
    let failed = |obstacle: Obstacle| {
        move |kit: &mut Kit| {
            kit.fallback = Some([].into());
            kit.listed.insert(1, crate::domain::check::Listed::Failed(obstacle));
        }
    };
    let table = [
        (Obstacle::Denied(Denial::NotAllowed), "RF401"),
        (Obstacle::Denied(Denial::Anonymous), "RF403"),
        (Obstacle::Denied(Denial::Expired), "RF404"),
        (Obstacle::Denied(Denial::ClockSkew), "RF405"),
        (Obstacle::Denied(Denial::UnknownKey), "RF406"),
        (Obstacle::Denied(Denial::WrongSecret), "RF406"),
        (Obstacle::WrongRegion { right: None }, "RF410"),
        (Obstacle::NoSuchBucket, "RF411"),
        (Obstacle::Untrusted, "RF412"),
        (Obstacle::Unreachable, "RF418"),
    ];
    let mut cases: Vec<Case> = table
        .into_iter()
        .map(|(obstacle, code)| {
            case("a fallback", clean(), failed(obstacle), &one(code, "-"), Standing::NothingMissing)
        })
        .collect();
    cases.push(case(
        "a key that lists and does not read",
        clean(),
        all_refused(Denial::NotAllowed),
        &one("RF402!", "-"),
        Standing::Denied,
    ));
    let each = [0, SLICE_MS, 2 * SLICE_MS].map(|ms| format!("RF114! {}", ts(ms)));
    cases.push(case(
        "a key that has expired",
        clean(),
        all_refused(Denial::Expired),
        &[each.to_vec(), one("RF404", "-")].concat(),
        Standing::Denied,
    ));
    cases.push(case(
        "another folder than the settings say",
        clean(),
        |kit| kit.expected_folder = Some(KeyPrefix::from_parts(["school"]).unwrap()),
        &one("RF408", "-"),
        Standing::NothingMissing,
    ));
    prove(cases);
}

#[test]
fn players() {
    let clean = |list: bool| {
        let mut kit = Kit::mixed(3);
        let (object, kind) = match list {
            true => (name(LIST), "application/x-mpegURL; charset=utf-8"),
            false => (name(&slice(0)), "video/MP2T"),
        };
        kit.players.push(PlayerAnswer {
            name: object,
            answer: Answer::Part,
            content_type: Some(kind.to_owned()),
            allows_origin: Some("https://player.example".to_owned()),
            origin: "https://player.example".to_owned(),
        });
        kit
    };
    let answers = |answer: Answer| move |kit: &mut Kit| kit.players[0].answer = answer;
    let fine = Standing::NothingMissing;
    prove(vec![
        case("whole", clean(false), answers(Answer::Whole), &one("RF416", &ts(0)), fine),
        case(
            "refused",
            clean(true),
            answers(Answer::Refused(Obstacle::Denied(Denial::Anonymous))),
            &one("RF403", LIST),
            fine,
        ),
        case("no CORS", clean(true), |kit| kit.players[0].allows_origin = None, &one("RF417", LIST), fine),
        case(
            "CORS for another page",
            clean(true),
            |kit| kit.players[0].allows_origin = Some("https://other.example".to_owned()),
            &one("RF417", LIST),
            fine,
        ),
        case(
            "CORS for all",
            clean(true),
            |kit| kit.players[0].allows_origin = Some("*".to_owned()),
            &[],
            fine,
        ),
        case("no type", clean(false), |kit| kit.players[0].content_type = None, &one("RF107", &ts(0)), fine),
        case(
            "a wrong type, seen twice",
            clean(true),
            |kit| {
                kit.players[0].content_type = Some("text/plain".to_owned());
                kit.alter(LIST, |info| info.content_type = Some("text/plain".to_owned()));
            },
            &one("RF107", LIST),
            fine,
        ),
    ]);
}

#[test]
fn agora() {
    let clean = || Kit::mixed(3);
    let happens = |what: Happened| move |kit: &mut Kit| kit.told.events = vec![event(50_000, what)];
    let error = |module: Option<i64>, code: i64| {
        Happened::Failed(ToldError { module, code: ErrorCode::Number(code), words: None })
    };
    let called = |name: &str| {
        Happened::Failed(ToldError { module: None, code: ErrorCode::Name(name.to_owned()), words: None })
    };
    let table: Vec<(Happened, &[&str])> = vec![
        (error(Some(0), 110), &["RF511 -"]),
        (error(Some(0), 101), &["RF511 -"]),
        (error(Some(1), 32), &["RF514 -"]),
        (error(Some(1), 47), &["RF506 -"]),
        (error(Some(1), 51), &["RF506 -"]),
        (error(None, 53), &["RF512 -"]),
        (error(None, 435), &["RF510 -"]),
        (error(None, 7), &["RF519. -"]),
        (error(Some(0), 0), &[]),
        (error(Some(2), 999), &["RF519 -"]),
        (called("RecordingErrorBackupFailed"), &["RF504 -"]),
        (called("kRecordingErrorNoUsers"), &["RF510 -"]),
        (called("RecordingErrorUploaderFailed"), &["RF506 -"]),
        (called("RecordingErrorRecorderExpireExit"), &["RF502 -"]),
        (called("RecordingErrorOk"), &[]),
        (Happened::Exited { status: 0 }, &[]),
        (Happened::Exited { status: 1 }, &["RF502 -"]),
        (Happened::Status { number: 20 }, &["RF502 -"]),
        (Happened::KeysExpired, &["RF515 -"]),
        (Happened::Vod, &["RF516 -"]),
        (Happened::Transcoded { result: "all_success".to_owned() }, &[]),
        (Happened::Transcoded { result: "partial_success".to_owned() }, &["RF517 -"]),
        (Happened::PageStopped { code: 0, words: None }, &[]),
        (Happened::PageStopped { code: 1, words: Some("max_recording_hour".to_owned()) }, &["RF518 -"]),
        // Everybody left, and so it ended.
        (Happened::Left { reason: Some(4) }, &[]),
        // Nothing is missing, whatever went to the backup.
        (Happened::BackedUp, &[]),
        (Happened::DownloadFailed, &["RF521 -"]),
    ];
    let mut cases: Vec<Case> = table
        .into_iter()
        .map(|(what, expected)| {
            let expected: Vec<_> = expected.iter().map(|text| (*text).to_owned()).collect();
            case("an event", clean(), happens(what), &expected, Standing::NothingMissing)
        })
        .collect();
    let transcoding = Happened::Failed(ToldError {
        module: None,
        code: ErrorCode::Number(2),
        words: Some("invalid transcodingConfig".to_owned()),
    });
    let nothing_missing = Standing::NothingMissing;
    cases.push(case("settings", clean(), happens(transcoding), &one("RF513", "-"), nothing_missing));
    cases.push(case("events", clean(), |kit| kit.told.refused = 2, &one("RF520", "-"), nothing_missing));
    cases.push(case(
        "a slice behind the last",
        clean(),
        |kit| kit.put(&slice(45_000), SLICE_BYTES, 60_000),
        &[one("RF110", &ts(45_000)), one("RF502", "-")].concat(),
        nothing_missing,
    ));
    prove(cases);
}

#[test]
fn it_still_runs_where_agora_says_so_or_something_was_written_a_moment_ago() {
    let mut kit = Kit::mixed(3);
    let list = kit.texts.get_mut(&named(LIST)).unwrap();
    *list = list.replace("#EXT-X-ENDLIST\n", "");
    let after = |kit: &Kit, state: ToldState, ms: i64| {
        let mut kit = kit.clone();
        kit.told.state = state;
        kit.at = time(ms);
        told(&kit.check())
    };
    let written = 47_000;
    for (state, ms, code) in [
        (ToldState::Untold, written + 299_999, "RF501!"),
        (ToldState::Untold, written + 300_000, "RF305!"),
        (ToldState::Running, written + 300_000, "RF501!"),
        (ToldState::Stopped, written + 1_000, "RF305!"),
    ] {
        assert_eq!(after(&kit, state, ms), one(code, LIST), "{state:?} {ms}");
    }
    // What is newer than its list while it runs is no sign of an abnormal end.
    kit.put(&slice(45_000), SLICE_BYTES, 60_000);
    let expected = [one("RF501!", LIST), one("RF110.", &ts(45_000))].concat();
    assert_eq!(after(&kit, ToldState::Running, 61_000), expected);
}

#[test]
fn what_is_missing_may_come_from_the_backup_for_ten_days() {
    let mut kit = Kit::mixed(3);
    kit.lose(&slice(SLICE_MS));
    let day = 86_400_000;
    for (told_how, ms, code) in [
        (None, day, None),
        (Some(Happened::BackedUp), 45_000 + 10 * day, Some("RF503")),
        (Some(Happened::Reuploaded { code: 32 }), day, Some("RF503")),
        (Some(Happened::Reuploaded { code: 31 }), day, None),
        (Some(Happened::BackedUp), 45_001 + 10 * day, Some("RF505")),
    ] {
        kit.told.events = told_how.into_iter().map(|what| event(50_000, what)).collect();
        kit.at = time(ms);
        let expected: Vec<_> = code.into_iter().flat_map(|code| one(code, "-")).collect();
        assert_eq!(told(&kit.check()), [one("RF101!", &ts(SLICE_MS)), expected].concat());
    }
    kit.told.events.clear();
    kit.told.state = ToldState::BackedUp;
    kit.at = time(day);
    let check = kit.check();
    assert_eq!(check.diagnoses[1].about.until, Some(time(45_000 + 10 * day)));
}

#[test]
fn what_agora_names_is_missed_once() {
    let day = 86_400_000;
    let film = "SID_room_0.mp4";
    let check = |files: &[&str], missing: &[&str], ms: i64, damage: &dyn Fn(&mut Kit)| {
        let mut kit = Kit::mixed(3);
        kit.told.files = files.iter().map(|text| name(text)).collect();
        kit.told.missing = missing.iter().map(|text| name(text)).collect();
        kit.at = time(ms);
        damage(&mut kit);
        told(&kit.check())
    };
    let none = |_: &mut Kit| {};
    let without_list = |kit: &mut Kit| drop(kit.lose(LIST));
    let without_slice = |kit: &mut Kit| drop(kit.lose(&slice(0)));
    let (first, other) = (ts(0), ts(7_000));
    assert_eq!(check(&[LIST, &first], &[], 3 * day, &none), Vec::<String>::new());
    assert_eq!(check(&[film], &[], 2 * day, &none), one("RF508", film));
    assert_eq!(check(&[film], &[], 3 * day, &none), one("RF507", film));
    assert_eq!(check(&["SID_room_1_2.m3u8"], &[], 3 * day, &none), one("RF507!", "SID_room_1_2.m3u8"));
    assert_eq!(check(&[LIST], &[], 3 * day, &without_list), one("RF301!", "-"));
    assert_eq!(check(&[&first], &[], 3 * day, &without_slice), one("RF101!", &first));
    // Event 90.
    assert_eq!(check(&[], &[&first], 3 * day, &none), one("RF521.", "-"));
    assert_eq!(
        check(&[], &[&first], 3 * day, &without_slice),
        [one("RF101!", &first), one("RF521", "-")].concat()
    );
    assert_eq!(check(&[], &[&other], 3 * day, &none), [one("RF507!", &other), one("RF521", "-")].concat());
}

#[test]
fn nothing_is_complete_that_has_nothing() {
    let mut kit = Kit::empty();
    kit.put("SID_room_0.mp4", 100, 0);
    let check = kit.check();
    assert_eq!(check.standing(), Standing::Incomplete);
    // Why there is nothing matters then.
    kit.told.events = vec![event(0, Happened::Left { reason: Some(4) })];
    assert!(told(&kit.check()).contains(&"RF510 -".to_owned()));
}
