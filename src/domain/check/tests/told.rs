//! What stores refuse, what players meet, and what Agora told, each damage by itself.

use super::kit::{Kit, SLICE_BYTES, SLICE_MS, name, named, slice, time};
use super::table::{Case, LIST, case, event, one, prove, told, ts};
use crate::domain::check::{
    Answer, ErrorCode, Happened, Listed, PlayerAnswer, Standing, ToldError, ToldState,
};
use crate::domain::key::KeyPrefix;
use crate::domain::place::{Denial, Obstacle};

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
            kit.listed.insert(1, Listed::Failed(obstacle));
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
