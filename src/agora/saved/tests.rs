//! The samples of the documents and of real life, and everything that is tolerated, as tables.

use serde_json::json;

use super::*;
use crate::domain::key::KeyPrefix;
use crate::domain::recording::{Mode, TrackKind};
use crate::domain::time::SliceTime;

mod random;

const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";

fn saved(value: &Value) -> Saved {
    read(value.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error:?}: {value}"))
}

fn one(value: &Value) -> Facts {
    let mut saved = saved(value);
    assert_eq!(saved.recordings.len(), 1, "{saved:?}");
    assert_eq!(saved.recordings[0].id.as_str(), SID);
    saved.recordings.remove(0).facts
}

/// An answer with this inside.
fn inside(server_response: Value) -> Facts {
    one(
        &json!({"resourceId": "r", "sid": SID, "cname": "room", "uid": "527841", "serverResponse": server_response}),
    )
}

/// A callback of today.
fn event(number: i64, details: Value) -> Facts {
    one(&json!({
        "noticeId": "n", "productId": 3, "eventType": number, "notifyMs": 1_755_765_617_377_i64, "sid": SID,
        "payload": {"cname": "room", "uid": "999", "sid": SID, "sequence": 3, "sendts": 1, "serviceType": 0,
                    "details": details},
    }))
}

fn names(facts: &Facts) -> Vec<&str> {
    facts.files.iter().map(|file| file.name.as_str()).collect()
}

fn ms(ms: i64) -> SliceTime {
    SliceTime::from_unix_ms(ms).unwrap()
}

#[test]
fn an_answer_in_string_mode_names_one_playlist_with_its_folder() {
    let facts = inside(json!({
        "fileListMode": "string", "fileList": "directory1/directory2/xxx.m3u8", "uploadingStatus": "uploaded"
    }));
    assert_eq!(names(&facts), ["directory1/directory2/xxx.m3u8"]);
    assert_eq!(facts.state, State::Uploaded);
    assert_eq!(facts.channel.unwrap().as_str(), "room");
    assert_eq!(facts.uid.unwrap().0.get(), 527_841);
    let key = facts.files[0].name.as_told(&KeyPrefix::from_parts(["other"]).unwrap()).unwrap();
    assert_eq!(key.as_str(), "directory1/directory2/xxx.m3u8");
}

#[test]
fn an_answer_in_json_mode_names_each_file_with_what_it_is() {
    let file = |name: &str, uid: &str| {
        json!({"fileName": name, "trackType": "audio_and_video", "uid": uid, "mixedAllUser": true,
               "isPlayable": true, "sliceStartTime": 1_562_724_971_626_i64})
    };
    let facts = inside(json!({
        "fileListMode": "json", "fileList": [file("a.m3u8", "123"), file("b.m3u8", "456")],
        "status": 5, "sliceStartTime": 1_562_724_971_626_i64
    }));
    assert_eq!(names(&facts), ["a.m3u8", "b.m3u8"]);
    let SavedFile { track, uid, starts, playable, .. } = &facts.files[0];
    assert_eq!(*track, Some(TrackKind::Mixed));
    assert_eq!(uid.unwrap().0.get(), 123);
    assert_eq!(*starts, Some(ms(1_562_724_971_626)));
    assert_eq!(*playable, Some(true));
    assert_eq!((facts.state, facts.status), (State::Running, Some(5)));
    let key = facts.files[0].name.as_told(&KeyPrefix::from_parts(["math"]).unwrap()).unwrap();
    assert_eq!(key.as_str(), "math/a.m3u8");
}

#[test]
fn web_mode_has_its_files_in_the_state_of_a_service() {
    let services = |payload: &str| {
        json!({"status": 4, "extensionServiceState": [
            {"serviceName": "web_recorder_service",
             payload: {"fileList": [{"filename": "xxx.m3u8", "sliceStartTime": 0}], "onhold": false, "state": "inProgress"}},
            {"serviceName": "rtmp_publish_service",
             payload: {"outputs": [{"rtmpUrl": "rtmp://xxx", "status": "publishing"}]}}]})
    };
    for payload in ["payload", "playload"] {
        let facts = inside(services(payload));
        assert_eq!((names(&facts), facts.mode), (vec!["xxx.m3u8"], Some(Mode::Web)), "{payload}");
        assert_eq!((facts.files[0].starts, facts.state), (None, State::Running));
    }
}

#[test]
fn an_upload_service_alone_says_how_it_ended() {
    let facts = one(&json!({"sid": SID, "serverResponse": {"extensionServiceState": [
        {"serviceName": "upload_service", "payload": {"uploadingStatus": "uploaded"}}]}}));
    assert_eq!((facts.state, facts.mode), (State::Uploaded, None));
}

#[test]
fn the_answer_of_start_names_the_recording_and_nothing_else() {
    let facts = one(&json!({"resourceId": "r", "sid": SID}));
    assert_eq!((facts.state, facts.files.len()), (State::Untold, 0));
}

#[test]
fn every_form_of_a_file_list_is_read() {
    let table = [
        (json!(""), vec![]),
        (json!([]), vec![]),
        (json!(null), vec![]),
        (json!({}), vec![]),
        (json!("a.m3u8"), vec!["a.m3u8"]),
        (json!(["a.m3u8", "d/b.mp4"]), vec!["a.m3u8", "d/b.mp4"]),
        (json!([{"fileName": "a.m3u8"}]), vec!["a.m3u8"]),
        (json!([{"filename": "a.m3u8"}]), vec!["a.m3u8"]),
        (json!([{"fileName": "a.m3u8"}, {"fileName": "a.m3u8"}]), vec!["a.m3u8"]),
        (json!([{"fileName": ""}, {"fileName": 7}, {}, 3, null, [["x"]]]), vec![]),
    ];
    for (list, expected) in table {
        assert_eq!(names(&inside(json!({"fileList": list}))), expected, "{list}");
    }
    assert_eq!(names(&inside(json!({"uploadingStatus": "uploaded"}))), [""; 0]);
}

#[test]
fn numbers_and_switches_may_be_texts() {
    for (number, switch) in
        [(json!(1_562_724_971_626_i64), json!(true)), (json!("1562724971626"), json!("true"))]
    {
        let facts = inside(json!({"status": "5", "fileList": [{"fileName": "a.m3u8", "uid": 123,
            "trackType": "audio_and_video", "mixedAllUser": switch, "isPlayable": switch, "sliceStartTime": number}]}));
        assert_eq!(facts.files[0].track, Some(TrackKind::Mixed));
        assert_eq!(facts.files[0].playable, Some(true));
        assert_eq!(facts.files[0].starts, Some(ms(1_562_724_971_626)));
        assert_eq!(facts.status, Some(5));
    }
    let facts =
        inside(json!({"fileList": [{"fileName": "a.webm", "isPlayable": "False", "mixedAllUser": "no"}]}));
    assert_eq!(facts.files[0].playable, Some(false));
}

#[test]
fn seconds_and_milliseconds_are_told_apart_by_their_size() {
    let table = [
        (json!(1_562_724_971_626_i64), Some(1_562_724_971_626)),
        (json!(1_562_724_971), Some(1_562_724_971_000)),
        (json!("1562724971"), Some(1_562_724_971_000)),
        (json!(0), None),
        (json!(-5), None),
        (json!(1.5), None),
        (json!(i64::MAX), None),
        (json!(u64::MAX), None),
        (json!("soon"), None),
    ];
    for (value, expected) in table {
        let facts = inside(json!({"fileList": [{"fileName": "a.m3u8", "sliceStartTime": value}]}));
        assert_eq!(facts.files[0].starts.map(SliceTime::unix_ms), expected, "{value}");
    }
}

#[test]
fn the_status_says_how_far_it_is() {
    let failed = State::Failed { code: Some(20), words: None };
    let table = [
        (json!({"status": 0}), State::Running),
        (json!({"status": 4}), State::Running),
        (json!({"status": "5"}), State::Running),
        (json!({"status": 6}), State::Running),
        (json!({"status": 7}), State::Stopped),
        (json!({"status": 8}), State::Stopped),
        (json!({"status": 20}), failed),
        (json!({"status": 99}), State::Untold),
        (json!({"uploadingStatus": "uploaded"}), State::Uploaded),
        (json!({"uploadingStatus": "backuped"}), State::Backuped),
        (json!({"uploadingStatus": "backuping"}), State::Backuped),
        (json!({"uploadingStatus": "unknown"}), State::Stopped),
        (json!({"uploadingStatus": "unknow"}), State::Stopped),
        (json!({"fileList": [], "fileListMode": "json", "uploadingStatus": "backuped"}), State::Backuped),
    ];
    for (response, expected) in table {
        assert_eq!(inside(response.clone()).state, expected, "{response}");
    }
    assert_eq!(inside(json!({"status": 20})).notes, [Note::AbnormalExit]);
}

#[test]
fn errors_are_read_in_all_their_shapes() {
    let failed =
        |code: Option<i64>, words: Option<&str>| State::Failed { code, words: words.map(str::to_owned) };
    let table = [
        (
            json!({"sid": SID, "code": 435, "serverResponse": {"command": "StopCloudRecorder"}}),
            failed(Some(435), Some("StopCloudRecorder")),
        ),
        (
            json!({"sid": SID, "code": "404", "reason": "failed to find worker"}),
            failed(Some(404), Some("failed to find worker")),
        ),
        (json!({"sid": SID, "message": "no such thing"}), failed(None, Some("no such thing"))),
        (json!({"sid": SID, "code": "InvalidParameter"}), failed(None, Some("InvalidParameter"))),
        (json!({"sid": SID, "code": 0, "serverResponse": {"status": 5}}), State::Running),
        (
            json!({"sid": SID, "code": 200, "serverResponse": {"uploadingStatus": "uploaded"}}),
            State::Uploaded,
        ),
    ];
    for (answer, expected) in table {
        assert_eq!(one(&answer).state, expected, "{answer}");
    }
    let unnamed = saved(&json!({"message": "Invalid authentication credentials"}));
    assert!(unnamed.recordings.is_empty());
    assert_eq!(unnamed.unnamed[0].state, failed(None, Some("Invalid authentication credentials")));
}

#[test]
fn a_real_callback_of_today_is_read() {
    // Shown by a user in 2025.
    let text = r#"{"notifyMs":1755765617377,"productId":3,"payload":{"serviceType":0,"uid":"999","serviceScene":"mix_record","sendts":1755765617340,"sequence":3,"cname":"show","details":{"stat":0,"errorLevel":5,"errorMsg":"","module":0,"errorCode":110,"msgName":"cloud_recording_error"},"sid":"fb9549dbc24a76aefa00739c7172a41b"},"eventType":1,"noticeId":"eb63","sid":"fb9549dbc24a76aefa00739c7172a41b"}"#;
    let saved = read(text.as_bytes()).unwrap();
    let SavedRecording { id, facts } = &saved.recordings[0];
    assert_eq!(id.as_str(), "fb9549dbc24a76aefa00739c7172a41b");
    assert_eq!((facts.mode, facts.channel.as_ref().unwrap().as_str()), (Some(Mode::Mix), "show"));
    assert_eq!(facts.notes, [Note::Error { module: Some(0), code: 110, words: None }]);
}

#[test]
fn the_envelope_of_2019_and_a_payload_alone_are_read() {
    let payload = json!({"cname": "room", "uid": "999", "sid": SID, "sequence": "3", "noticeLevel": 1,
        "details": {"msgName": "cloud_recording_file_infos", "fileList": format!("{SID}_room.m3u8")}});
    let old = json!({"notificationId": "n", "eventMs": 1, "eventType": 4, "payload": payload});
    let misspelt = json!({"eventType": "4", "productId": "3", "playload": payload});
    for value in [old, misspelt, payload.clone()] {
        assert_eq!(names(&one(&value)), [format!("{SID}_room.m3u8")], "{value}");
    }
}

#[test]
fn each_event_says_its_own() {
    let file = |name: &str| json!([{"fileName": name, "trackType": "audio_and_video", "uid": "0"}]);
    let failed = |code| State::Failed { code: Some(code), words: None };
    let note = |note: Note| vec![note];
    let hole = Note::Hole { from: ms(1_562_724_970_000), until: ms(1_562_724_971_626) };
    let error = |module, code| Note::Error { module: Some(module), code, words: Some("bucket".to_owned()) };
    let uid = crate::domain::recording::Uid(std::num::NonZeroU32::new(77).unwrap());
    type Row = (i64, Value, State, &'static [&'static str], Vec<Note>);
    let table: Vec<Row> = vec![
        (
            1,
            json!({"module": 1, "errorLevel": 5, "errorCode": 47, "errorMsg": "bucket"}),
            State::Untold,
            &[],
            note(error(1, 47)),
        ),
        (2, json!({"module": 1, "warnCode": 32}), State::Untold, &[], note(Note::Reuploaded { code: 32 })),
        (2, json!({"module": 0, "warnCode": 32}), State::Untold, &[], vec![]),
        (
            3,
            json!({"status": 5, "recordingMode": 1, "fileList": "a.m3u8"}),
            State::Running,
            &["a.m3u8"],
            vec![],
        ),
        (4, json!({"fileList": "a.m3u8"}), State::Untold, &["a.m3u8"], vec![]),
        (11, json!({"exitStatus": 0}), State::Stopped, &[], vec![]),
        (11, json!({"exitStatus": 1}), failed(1), &[], note(Note::AbnormalExit)),
        (12, json!({"newUid": 77}), State::Untold, &[], note(Note::Failover { uid: Some(uid) })),
        (30, json!({"status": 0}), State::Running, &[], vec![]),
        (31, json!({"status": 0, "fileList": file("d/a.m3u8")}), State::Uploaded, &["d/a.m3u8"], vec![]),
        (32, json!({"status": 0, "fileList": file("a.m3u8")}), State::Backuped, &["a.m3u8"], vec![]),
        (32, json!({"status": 0}), State::Backuped, &[], vec![]),
        (33, json!({"progress": 10000}), State::Running, &[], vec![]),
        (34, json!({}), State::Untold, &[], note(Note::KeysExpired)),
        (40, json!({"status": 0}), State::Running, &[], vec![]),
        (41, json!({"leaveCode": 8}), State::Stopped, &[], vec![]),
        (
            42,
            json!({"startUtcMs": 1_562_724_971_626_i64, "discontinueUtcMs": 1_562_724_970_000_i64}),
            State::Running,
            &[],
            note(hole),
        ),
        (
            42,
            json!({"startUtcMs": "1562724971626", "discontinueUtcMs": "1562724971626"}),
            State::Running,
            &[],
            vec![],
        ),
        (45, json!({"fileName": "d/a.jpg"}), State::Untold, &["d/a.jpg"], vec![]),
        (60, json!({}), State::Untold, &[], note(Note::Vod)),
        (61, json!({}), State::Untold, &[], note(Note::Vod)),
        (70, json!({}), State::Running, &[], vec![]),
        (
            71,
            json!({"code": 1, "message": "max_recording_hour", "details": "max recording hour is 4",
                    "fileList": [{"filename": "a.m3u8", "sliceStartTime": 1_627_613_641_393_i64}, {"filename": "a_0.mp4"}]}),
            State::Stopped,
            &["a.m3u8", "a_0.mp4"],
            note(Note::PageStopped { code: 1, words: Some("max recording hour is 4".to_owned()) }),
        ),
        (71, json!({"code": 0}), State::Stopped, &[], vec![]),
        (80, json!({}), State::Untold, &[], vec![]),
        (
            81,
            json!({"result": "all_success", "fileList": file("a_0.mp4")}),
            State::Untold,
            &["a_0.mp4"],
            vec![],
        ),
        (
            81,
            json!({"result": "partial_success"}),
            State::Untold,
            &[],
            note(Note::Transcoding { result: "partial_success".to_owned() }),
        ),
        (1001, json!({"result": "total_success"}), State::Untold, &[], vec![]),
        (
            1001,
            json!({"result": "failed"}),
            State::Untold,
            &[],
            note(Note::Transcoding { result: "failed".to_owned() }),
        ),
        (4711, json!({"anything": 1}), State::Untold, &[], vec![]),
    ];
    for (number, details, state, files, notes) in table {
        let facts = event(number, details.clone());
        assert_eq!(facts.state, state, "{number} {details}");
        assert_eq!(names(&facts), files, "{number}");
        assert_eq!(facts.notes, notes, "{number}");
    }
    assert_eq!(event(70, json!({})).mode, Some(Mode::Web));
}

#[test]
fn a_failed_download_is_a_list_of_what_is_missing_and_says_where() {
    let (a, b) = (format!("d/{SID}_a;b_1.ts"), format!("{SID}_a;b_2.ts"));
    let facts = event(
        90,
        json!({"vendor": 2, "region": "3", "bucket": "lessons", "fileName": format!("{a};{b};bak0_{SID}_x.ts;")}),
    );
    let missing: Vec<&str> = facts.missing.iter().map(|name| name.as_str()).collect();
    assert_eq!(
        missing,
        [a.as_str(), b.as_str(), &format!("bak0_{SID}_x.ts")],
        "a channel's name may have a `;`"
    );
    let store = facts.store.unwrap();
    assert_eq!(
        (store.vendor.as_deref(), store.region.as_deref(), store.bucket.as_deref()),
        (Some("2"), Some("3"), Some("lessons"))
    );
    assert!(store.keys.is_none() && facts.files.is_empty());
}

fn config() -> Value {
    json!({"vendor": 1, "region": 4, "bucket": "lessons", "accessKey": "AKIDHUNTER", "secretKey": "hunter2",
           "stsToken": "hunter3", "stsExpiration": 1_762_724_971, "fileNamePrefix": ["school", "math"],
           "extensionParams": {"endpoint": "s3.example.com", "sse": "kms"}})
}

#[test]
fn a_storage_config_is_read_alone_in_its_request_and_in_the_whole_body() {
    let request = json!({"token": "hunter4", "storageConfig": config()});
    let body = json!({"cname": "room", "uid": "527841", "clientRequest": request});
    for value in [config(), json!({"storageConfig": config()}), request, body.clone()] {
        let saved = saved(&value);
        let store = saved.store().unwrap().unwrap();
        assert_eq!(store.vendor.as_deref(), Some("1"));
        assert_eq!((store.region.as_deref(), store.bucket.as_deref()), (Some("4"), Some("lessons")));
        assert_eq!(store.prefix, ["school", "math"]);
        assert_eq!(store.endpoint.as_deref(), Some("https://s3.example.com"));
        assert_eq!(store.expires, Some(ms(1_762_724_971_000)));
        let keys = store.keys.as_ref().unwrap();
        assert_eq!((keys.access_key.expose(), keys.secret_key.expose()), ("AKIDHUNTER", "hunter2"));
        assert_eq!(keys.session_token.as_ref().unwrap().expose(), "hunter3");
        let debug = format!("{saved:?}");
        assert!(!debug.contains("hunter") && !debug.contains("HUNTER"), "{debug}");
    }
    // With the answer beside it, the body is about that recording.
    let both = saved(&json!([body, {"sid": SID, "resourceId": "r"}]));
    assert_eq!(both.recordings.len(), 1);
    assert_eq!(both.recordings[0].facts.channel.as_ref().unwrap().as_str(), "room");
    assert_eq!(both.store().unwrap().unwrap().bucket.as_deref(), Some("lessons"));
}

#[test]
fn a_storage_config_may_be_sparse_and_in_other_words() {
    let table = [
        (
            json!({"vender": "CloudStorageVendorAws", "region": "US_EAST_1", "bucket": "b"}),
            "CloudStorageVendorAws",
            0,
            None,
        ),
        (json!({"vendor": "2", "region": "0", "bucket": "b", "fileNamePrefix": "one"}), "2", 1, None),
        (
            json!({"vendor": 11, "bucket": "b", "fileNamePrefix": [], "extensionParams": {"endpoint": "http://h:9000"}}),
            "11",
            0,
            Some("http://h:9000"),
        ),
        (json!({"vendor": 1, "bucket": "b", "stsExpiration": 14400, "accessKey": "only half"}), "1", 0, None),
    ];
    for (value, vendor, parts, endpoint) in table {
        let saved = saved(&value);
        let store = saved.store().unwrap().unwrap();
        assert_eq!(store.vendor.as_deref(), Some(vendor));
        assert_eq!((store.prefix.len(), store.endpoint.as_deref()), (parts, endpoint), "{value}");
        assert!(store.keys.is_none() && store.expires.is_none());
    }
}

#[test]
fn stores_that_contradict_each_other_are_told() {
    let other = json!({"vendor": 1, "region": 4, "bucket": "other"});
    assert!(saved(&json!([config(), other])).store().is_err());
    assert!(saved(&json!([{"sid": SID}, config(), config(), other])).store().is_err());
    assert!(saved(&json!([config(), config()])).store().is_ok());
}

#[test]
fn what_is_said_of_one_recording_is_merged_in_any_order() {
    let callback = |number: i64, sid: &str, details: Value| json!({"eventType": number, "productId": 3, "payload": {"sid": sid, "cname": "room", "details": details}});
    let file = json!({"fileName": format!("{SID}_room.m3u8")});
    let mut events = vec![
        callback(40, SID, json!({})),
        callback(1, SID, json!({"module": 1, "errorCode": 47})),
        callback(12, SID, json!({"newUid": 5})),
        callback(32, SID, json!({"fileList": [file]})),
        callback(31, SID, json!({"fileList": [file]})),
        callback(31, "other", json!({"fileList": "other_x.m3u8"})),
        callback(12, SID, json!({"newUid": 5})),
        json!({"eventType": 10, "productId": 1, "payload": {"a": "1"}}),
    ];
    for _ in 0..events.len() {
        events.rotate_left(1);
        let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
        for text in [
            lines.join("\n"),
            lines.join("\r\n\r\n"),
            json!(events).to_string(),
            format!("\u{feff}{}\n", lines.concat()),
        ] {
            let saved = read(text.as_bytes()).unwrap();
            assert_eq!(saved.recordings.len(), 2);
            let facts = &saved.recordings.iter().find(|r| r.id.as_str() == SID).unwrap().facts;
            assert_eq!(facts.state, State::Backuped);
            assert_eq!((facts.files.len(), facts.notes.len()), (1, 2), "doubles count once: {facts:?}");
        }
    }
}

#[test]
fn what_is_said_is_told_to_a_check_with_its_time() {
    use crate::domain::check::{Happened, Told, ToldEvent, ToldState};
    let callback = event(12, json!({"newUid": 77}));
    let answer =
        inside(json!({"fileList": format!("{SID}_room.m3u8"), "uploadingStatus": "backuped", "status": 8}));
    let mut told = Told::from(&callback);
    let uid = |number| std::num::NonZeroU32::new(number).map(crate::domain::recording::Uid);
    assert_eq!(
        told.events,
        [ToldEvent { at: Some(ms(1000)), recorder: uid(999), what: Happened::FailedOver { uid: uid(77) } }]
    );
    told.merge(Told::from(answer));
    let what: Vec<_> = told.events.iter().map(|event| (event.at, event.what.clone())).collect();
    assert_eq!(
        what,
        [
            (Some(ms(1000)), Happened::FailedOver { uid: uid(77) }),
            (None, Happened::Status { number: 8 }),
            (None, Happened::BackedUp),
        ]
    );
    assert_eq!((told.state, told.files.len(), told.recorder), (ToldState::BackedUp, 1, uid(999)));
}

#[test]
fn an_answer_without_its_id_is_known_by_its_files() {
    let facts = one(&json!({"fileListMode": "string", "fileList": format!("math/{SID}_room.m3u8")}));
    assert_eq!(facts.files.len(), 1);
    let unnamed = saved(&json!({"serverResponse": {"fileList": [], "uploadingStatus": "backuped"}}));
    assert!(unnamed.recordings.is_empty() && unnamed.unnamed[0].state == State::Backuped);
}

#[test]
fn names_that_no_object_may_have_are_left_out_and_told() {
    let facts = inside(json!({"fileList": ["../x.m3u8", "/etc/passwd", "a\u{1b}.m3u8", "good.m3u8"]}));
    assert_eq!(names(&facts), ["good.m3u8"]);
    assert_eq!(facts.notes.len(), 3);
    assert!(matches!(&facts.notes[2], Note::UnsafeName { text, .. } if text == "a\\u{1b}.m3u8"));
    let hostile = json!({"sid": "../../x", "serverResponse": {"status": 5}});
    assert!(saved(&hostile).recordings.is_empty(), "no ID is no recording");
}

#[test]
fn what_has_no_known_shape_is_refused_with_what_was_expected() {
    let table = [
        ("{\"secretKey\": \"hunter2\"}", "fields secretKey"),
        ("{}", "no field"),
        ("3", "a number"),
        ("\"38f8\"", "a string"),
        ("[[]]", "an array in an array"),
        ("{\"payload\": {\"x\": 1}}", "fields payload"),
        ("{\"sid\": \"a\"} null", "null"),
    ];
    for (text, what) in table {
        let error = read(text.as_bytes()).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(what) && said.contains("expected") && !said.contains("hunter2"), "{said}");
    }
    for text in ["", " \n", "\u{feff}", "[]"] {
        assert!(matches!(read(text.as_bytes()), Err(SavedError::Empty)), "{text:?}");
    }
    for text in ["{", "{\"sid\": \"a\"", "sid", "\u{0}", "{\"sid\":\"a\"},"] {
        assert!(matches!(read(text.as_bytes()), Err(SavedError::Syntax(_))), "{text:?}");
    }
    assert!(matches!(read(b"{\"sid\":\"\xff\"}"), Err(SavedError::Syntax(_))));
}

#[test]
fn bounds_hold() {
    // Deeper than any shape: refused, and no stack is used up.
    for open in ["[", "{\"payload\":", "[{\"a\":"] {
        let deep = open.repeat(100_000);
        assert!(matches!(read(deep.as_bytes()), Err(SavedError::Syntax(_))), "{open}");
    }
    let long = vec![b' '; MAX_BYTES + 1];
    assert!(matches!(read(&long), Err(SavedError::TooLong)));
    assert!(matches!(read(&long[..MAX_BYTES]), Err(SavedError::Empty)));
    let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
    assert!(matches!(read(many.as_bytes()), Err(SavedError::TooManyValues)));
    let files = |count: usize| {
        let list: Vec<String> = (0..count).map(|n| format!("{n}.ts")).collect();
        read(json!({"sid": SID, "fileList": list}).to_string().as_bytes())
    };
    assert!(matches!(files(MAX_FILES + 1), Err(SavedError::TooManyFiles { .. })));
    assert_eq!(files(MAX_FILES).unwrap().recordings[0].facts.files.len(), MAX_FILES);
}

#[test]
fn a_long_log_takes_linear_time() {
    let line = |n: usize| format!("{{\"sid\":\"s{n}\",\"message\":\"m{n}\"}}\n");
    let text: String = (0..100_000).map(line).collect();
    let started = std::time::Instant::now();
    assert_eq!(read(text.as_bytes()).unwrap().recordings.len(), 100_000);
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}
