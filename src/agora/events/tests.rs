//! Logs as they are kept, by callback and by form; who is believed; and that order and repetition say nothing.

use std::io::{BufReader, Read};
use std::num::NonZeroU32;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::agora::codes;
use crate::agora::events::read as read_log;
use crate::domain::check::{ErrorCode, Sending, ToldError, ToldState};
use crate::domain::recording::{Mode, TrackKind, Uid};
use crate::domain::time::SliceTime;

const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
const SENT: i64 = 1_755_765_617_340;

fn sid(text: &str) -> RecordingId {
    RecordingId::parse(text).unwrap()
}

fn ms(ms: i64) -> SliceTime {
    SliceTime::from_unix_ms(ms).unwrap()
}

fn uid(number: u32) -> Option<Uid> {
    NonZeroU32::new(number).map(Uid)
}

fn log(text: &str) -> Events {
    read_log(text.as_bytes(), &EventOptions::default()).unwrap()
}

/// What a log tells of the only recording in it, without a problem.
fn told(text: &str) -> Told {
    let mut events = log(text);
    assert_eq!((events.problems.as_slice(), events.refused), (&[][..], 0), "{text}");
    assert_eq!(events.recordings.len(), 1, "{text}");
    events.recordings.remove(&sid(SID)).unwrap()
}

/// A callback of today.
fn callback(event: i64, details: &Value) -> Value {
    json!({
        "noticeId": "n", "productId": 3, "eventType": event, "notifyMs": SENT + 37, "sid": SID,
        "payload": {"cname": "room", "uid": "999", "sid": SID, "sequence": 3, "sendts": SENT, "serviceType": 0,
                    "serviceScene": "mix_record", "details": details},
    })
}

fn failed(module: Option<i64>, code: ErrorCode, words: Option<&str>) -> Happened {
    Happened::Failed(ToldError { module, code, words: words.map(str::to_owned) })
}

#[test]
fn each_event_is_what_happened_at_its_time() {
    let file = |name: &str| json!([{"fileName": name, "trackType": "audio_and_video", "uid": "0"}]);
    let other = |event| Happened::Other { event };
    let started = |lost_from: Option<i64>, uid, kind| Happened::SliceStarted {
        starts: ms(1_562_724_971_626),
        lost_from: lost_from.map(ms),
        uid,
        kind,
    };
    let stream = |kind, sending, at| Happened::StreamChanged { uid: uid(57_297), kind, sending, at: ms(at) };
    type Row = (i64, Value, Happened, ToldState, &'static [&'static str]);
    let table: Vec<Row> = vec![
        (
            1,
            json!({"module": 0, "errorLevel": 5, "errorCode": 110, "errorMsg": "", "stat": 0}),
            failed(Some(0), ErrorCode::Number(110), None),
            ToldState::Untold,
            &[],
        ),
        (1, json!({"module": 0}), other(1), ToldState::Untold, &[]),
        (2, json!({"module": 1, "warnCode": 32}), Happened::Reuploaded { code: 32 }, ToldState::Untold, &[]),
        (2, json!({"module": 0, "warnCode": 32}), other(2), ToldState::Untold, &[]),
        (
            3,
            json!({"status": "5", "recordingMode": 1, "fileList": "a.m3u8"}),
            Happened::Status { number: 5 },
            ToldState::Running,
            &["a.m3u8"],
        ),
        (3, json!({"status": 20}), Happened::Status { number: 20 }, ToldState::Failed, &[]),
        (4, json!({"fileList": "d/a.m3u8"}), Happened::FilesNamed, ToldState::Untold, &["d/a.m3u8"]),
        (11, json!({"exitStatus": 0}), Happened::Exited { status: 0 }, ToldState::Stopped, &[]),
        (11, json!({"exitStatus": 1}), Happened::Exited { status: 1 }, ToldState::Failed, &[]),
        (11, json!({}), other(11), ToldState::Stopped, &[]),
        (12, json!({"newUid": 77}), Happened::FailedOver { uid: uid(77) }, ToldState::Untold, &[]),
        (13, json!({}), other(13), ToldState::Untold, &[]),
        (30, json!({"status": 0}), Happened::UploadStarted, ToldState::Running, &[]),
        (
            31,
            json!({"status": 0, "fileList": file("a.m3u8")}),
            Happened::Uploaded,
            ToldState::Uploaded,
            &["a.m3u8"],
        ),
        (31, json!({"status": 1}), other(31), ToldState::Stopped, &[]),
        (32, json!({"status": 0}), Happened::BackedUp, ToldState::BackedUp, &[]),
        (33, json!({"progress": 9999}), Happened::Progress { of_10_000: 9999 }, ToldState::Running, &[]),
        (34, json!({}), Happened::KeysExpired, ToldState::Untold, &[]),
        (40, json!({"status": 0}), Happened::Started, ToldState::Running, &[]),
        (41, json!({"leaveCode": 6}), Happened::Left { reason: Some(6) }, ToldState::Stopped, &[]),
        (
            42,
            json!({"startUtcMs": 1_562_724_971_626_i64, "discontinueUtcMs": "1562724970000", "mixedAllUser": false,
                   "streamUid": "57297", "trackType": "video"}),
            started(Some(1_562_724_970_000), uid(57_297), Some(TrackKind::Video)),
            ToldState::Running,
            &[],
        ),
        (
            42,
            json!({"startUtcMs": 1_562_724_971_626_i64, "discontinueUtcMs": 1_562_724_971_626_i64,
                   "mixedAllUser": "true", "streamUid": "0", "trackType": "audio_and_video"}),
            started(None, None, Some(TrackKind::Mixed)),
            ToldState::Running,
            &[],
        ),
        (42, json!({"startUtcMs": "soon"}), other(42), ToldState::Running, &[]),
        (
            43,
            json!({"streamUid": "57297", "state": 0, "UtcMs": 1_562_724_971_626_i64}),
            stream(TrackKind::Audio, Sending::Yes, 1_562_724_971_626),
            ToldState::Untold,
            &[],
        ),
        (
            44,
            json!({"streamUid": 57297, "state": "1", "utcMs": 1_562_724_971_626_i64}),
            stream(TrackKind::Video, Sending::No, 1_562_724_971_626),
            ToldState::Untold,
            &[],
        ),
        (
            44,
            json!({"streamUid": 57297, "state": 1}),
            stream(TrackKind::Video, Sending::No, SENT),
            ToldState::Untold,
            &[],
        ),
        (44, json!({"streamUid": 57297, "state": 7}), other(44), ToldState::Untold, &[]),
        (45, json!({"fileName": "d/a.jpg"}), Happened::Snapshot, ToldState::Untold, &["d/a.jpg"]),
        (46, json!({}), Happened::InfoChanged, ToldState::Untold, &[]),
        (47, json!({}), Happened::InfoChanged, ToldState::Untold, &[]),
        (60, json!({"aliVodInfo": {"videoId": "v"}}), Happened::Vod, ToldState::Untold, &[]),
        (61, json!({}), Happened::Vod, ToldState::Untold, &[]),
        (70, json!({}), Happened::Started, ToldState::Running, &[]),
        (
            71,
            json!({"code": 1, "message": "max_recording_hour", "details": "max recording hour is 4",
                   "fileList": [{"filename": "a.m3u8", "sliceStartTime": 1_627_613_641_393_i64}, {"fileName": "a_0.mp4"}]}),
            Happened::PageStopped { code: 1, words: Some("max recording hour is 4".to_owned()) },
            ToldState::Stopped,
            &["a.m3u8", "a_0.mp4"],
        ),
        (72, json!({"limitType": "WebGL"}), Happened::PageLimited, ToldState::Untold, &[]),
        (73, json!({"reason": "audio_silence"}), Happened::PageReloaded, ToldState::Untold, &[]),
        (80, json!({}), other(80), ToldState::Untold, &[]),
        (
            81,
            json!({"result": "partial_success",
                   "uids": [{"uid": "1", "result": "success", "fileList": [{"fileName": "a_0.mp4"}]}, {"uid": "2"}]}),
            Happened::Transcoded { result: "partial_success".to_owned() },
            ToldState::Untold,
            &["a_0.mp4"],
        ),
        (90, json!({"vendor": 1, "fileName": "x.ts"}), Happened::DownloadFailed, ToldState::Untold, &[]),
        (100, json!({"status": "connecting"}), other(100), ToldState::Untold, &[]),
        (
            1001,
            json!({"result": "total_success", "fileList": [{"fileName": "a_0.mp4"}]}),
            Happened::Transcoded { result: "total_success".to_owned() },
            ToldState::Untold,
            &["a_0.mp4"],
        ),
        (4711, json!({}), other(4711), ToldState::Untold, &[]),
    ];
    for (number, details, what, state, files) in table {
        let read = told(&callback(number, &details).to_string());
        let event = ToldEvent { at: Some(ms(SENT)), recorder: uid(999), what };
        assert_eq!(read.events, [event], "{number} {details}");
        assert_eq!(read.state, state, "{number} {details}");
        let names: Vec<_> = read.files.iter().map(|name| name.as_str()).collect();
        assert_eq!(names, files, "{number}");
        assert_eq!((read.channel.unwrap().as_str(), read.recorder), ("room", uid(999)), "{number}");
    }
    let page = told(&callback(70, &json!({})).to_string().replace("mix_record", "x"));
    assert_eq!(page.mode, Some(Mode::Web));
}

#[test]
fn names_that_agora_could_not_get_are_missing() {
    let joined = format!("d/{SID}_a;b_1.ts;{SID}_a;b_2.ts;bak0_{SID}_x.ts");
    let read = told(&callback(90, &json!({"vendor": 2, "bucket": "b", "fileName": joined})).to_string());
    let names: Vec<_> = read.missing.iter().map(|name| name.as_str()).collect();
    assert_eq!(
        names,
        [format!("{SID}_a;b_2.ts"), format!("bak0_{SID}_x.ts"), format!("d/{SID}_a;b_1.ts")],
        "a channel's name may have a `;`"
    );
    assert_eq!(read.files, []);
}

#[test]
fn an_event_without_its_number_is_known_by_its_name() {
    for (number, details) in [
        (31, json!({"status": 0})),
        (43, json!({"state": 0})),
        (44, json!({"state": 1})),
        (72, json!({})),
        (73, json!({})),
        (100, json!({})),
    ] {
        let name = codes::find(&format!("event:{number}"))[0].names[0];
        let whole = callback(number, &details);
        let mut payload = whole["payload"].clone();
        payload["details"]["msgName"] = json!(name);
        assert_eq!(told(&payload.to_string()), told(&whole.to_string()), "{name}");
    }
}

#[test]
fn the_envelope_of_2019_is_read() {
    let text = json!({"notificationId": "n", "eventMs": 1_560_408_533_119_i64, "eventType": 40,
        "payload": {"cname": "room", "uid": "7", "sid": SID, "sequence": "3", "noticeLevel": 1, "details": {}}});
    let read = told(&text.to_string());
    let event = ToldEvent { at: Some(ms(1_560_408_533_119)), recorder: uid(7), what: Happened::Started };
    assert_eq!(read.events, [event]);
}

#[test]
fn every_form_of_a_log_says_the_same_and_answers_may_stand_in_it() {
    let answer = json!({"resourceId": "r", "sid": SID, "cname": "room", "uid": "999", "appId": "app",
        "serverResponse": {"fileListMode": "string", "fileList": "a.m3u8", "uploadingStatus": "uploaded"}});
    let other = callback(31, &json!({"fileList": "b.m3u8"})).to_string().replace(SID, "other");
    let other: Value = serde_json::from_str(&other).unwrap();
    let health =
        json!({"eventMs": 1, "eventType": 10, "noticeId": "n", "productId": 1, "payload": {"a": "1"}});
    let values = [callback(40, &json!({})), answer, other, health, callback(11, &json!({"exitStatus": 0}))];
    let lines: Vec<String> = values.iter().map(ToString::to_string).collect();
    let logged = |value: &String| json!({"headers": {"Host": "x"}, "body": value}).to_string();
    let texts = [
        lines.join("\n"),
        lines.join("\r\n\r\n"),
        format!("\u{feff}{}\n", lines.concat()),
        json!(values).to_string(),
        format!("{:#}", json!(values)),
        values.iter().map(|value| format!("{value:#}\n")).collect(),
        lines.iter().map(logged).collect(),
        values.iter().map(|value| json!({"headers": {}, "body": value}).to_string()).collect(),
    ];
    let first = log(&texts[0]);
    assert_eq!(first.problems, []);
    assert_eq!(first.recordings.keys().map(RecordingId::as_str).collect::<Vec<_>>(), [SID, "other"]);
    let read = &first.recordings[&sid(SID)];
    assert_eq!(
        (read.state, read.app_id.as_deref(), read.events.len()),
        (ToldState::Uploaded, Some("app"), 3)
    );
    for text in &texts {
        assert_eq!(log(text), first, "{text}");
    }
}

#[test]
fn callbacks_of_the_sdk_are_lines_in_between() {
    let text = format!(
        "2019-04-29T02:59:17Z onRecordingConnecting {SID}\n\
         2019-04-29T02:59:18.250Z onRecordingStarted {SID}\n\
         {}\n\
         2019-04-29T11:00:18+08:00  onRecordingUploadingProgress {SID} 42 {SID}_my room.m3u8\n\
         [2019-04-29T03:00:19Z] onRecorderFailure {SID} RecordingErrorRecorderFailed  the disk is full \n\
         onUploaderFaliure {SID} kRecordingErrorUploaderInitFailed\r\n\
         2019-04-29T03:00:21Z onUploaderFailure {SID} BackupFailed x\n\
         2019-04-29T03:00:22Z onRecordingFatalError {SID} NoSuchName\n\
         2019-04-29T03:00:23Z onRecordingStopped {SID}\n\
         2019-04-29T03:00:24Z onRecordingBackedUp {SID} {SID}_my room.M3U8\n\
         2019-04-29T03:00:25Z onRecordingUploaded {SID} {SID}_my room.M3U8",
        callback(12, &json!({"newUid": 3}))
    );
    let read = told(&text);
    let at = |text: &str| SliceTime::from_rfc3339(text);
    let named = |module, name: &str, words| failed(module, ErrorCode::Name(name.to_owned()), words);
    let expected = [
        (at("2019-04-29T02:59:18.250Z"), None, Happened::Started),
        (at("2019-04-29T03:00:18Z"), None, Happened::Progress { of_10_000: 4200 }),
        (
            at("2019-04-29T03:00:19Z"),
            None,
            named(Some(0), "RecordingErrorRecorderFailed", Some("the disk is full")),
        ),
        (at("2019-04-29T03:00:21Z"), None, named(Some(1), "RecordingErrorBackupFailed", Some("x"))),
        (at("2019-04-29T03:00:22Z"), None, named(None, "NoSuchName", None)),
        (at("2019-04-29T03:00:23Z"), None, Happened::Left { reason: None }),
        (at("2019-04-29T03:00:24Z"), None, Happened::BackedUp),
        (at("2019-04-29T03:00:25Z"), None, Happened::Uploaded),
        (Some(ms(SENT)), uid(999), Happened::FailedOver { uid: uid(3) }),
        (None, None, named(Some(1), "RecordingErrorUploaderInit", None)),
    ];
    let expected = expected.map(|(at, recorder, what)| ToldEvent { at, recorder, what });
    assert_eq!(read.events, expected);
    let names: Vec<_> = read.files.iter().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(names, [format!("{SID}_my room.M3U8"), format!("{SID}_my room.m3u8")]);
    assert_eq!(read.state, ToldState::BackedUp);
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_and_ends_nothing() {
    let good = callback(40, &json!({})).to_string();
    let table = [
        ("hello \u{1b}[31m".to_owned(), "`hello \\u{1b}[31m` is neither"),
        ("x".repeat(1000), &format!("`{}…` is neither", "x".repeat(60))),
        (format!("onRecordingUploaded {SID}"), "no file name"),
        (format!("onRecordingUploaded {SID} ../x"), "no file name"),
        ("onRecordingUploaded ../x x.m3u8".to_owned(), "no recording ID"),
        ("onRecordingStarted".to_owned(), "no recording ID"),
        (format!("onRecordingUploadingProgress {SID} 101 a.m3u8"), "no percentage"),
        (format!("onRecorderFailure {SID}"), "no error code"),
        (format!("2019-04-29 onRecordingStarted {SID}"), "is neither"),
        (good[..good.len() - 1].to_owned(), "`,` or the end is expected"),
        ("{\"sid\": \"a\u{1}\"}".to_owned(), "breaks off"),
        ("{\"sid\": 01}".to_owned(), "the JSON value cannot be read: invalid number"),
        ("{\"sid\": nothing}".to_owned(), "cannot be read"),
        ("{\"secretKey\": \"hunter2\"}".to_owned(), "known shapes (fields secretKey)"),
        ("{\"message\": \"started\"}".to_owned(), "names no recording"),
        (json!({"headers": {}, "body": "{\"sid\":"}).to_string(), "EOF while parsing"),
        (json!({"headers": {}, "body": "[]"}).to_string(), "known shapes"),
        (json!({"headers": {}, "body": "hunter2"}).to_string(), "cannot be read"),
        (json!({"headers": {}, "body": "!", "isBase64Encoded": true}).to_string(), "EOF"),
    ];
    for (bad, said) in table {
        let read = log(&format!("{good}\n{bad}\n{good}\n"));
        assert_eq!(read.recordings[&sid(SID)].events.len(), 1, "{bad}");
        assert_eq!(read.problems.len(), 1, "{bad} {:?}", read.problems);
        let text = read.problems[0].to_string();
        assert!(text.starts_with("line 2: ") && text.contains(said), "{text}");
        assert!(!text.contains("hunter2") || said == "cannot be read", "{text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    let mut bytes = good.clone().into_bytes();
    bytes.extend(b"\nonRecordingUploaded 1 \xff\n{\"sid\": \"\xff\"}\n{\"sid\": \"");
    let read = read_log(&bytes[..], &EventOptions::default()).unwrap();
    assert_eq!((read.recordings.len(), read.problems.len()), (1, 3));
    assert_eq!(read.problems[2], Problem { line: 4, what: ProblemKind::CutOff });
    let many = log(&"x\n".repeat(MAX_PROBLEMS + 7));
    assert_eq!((many.problems.len(), many.more_problems), (MAX_PROBLEMS, 7));
    for empty in ["", "\n \n", "[]", "\u{feff}"] {
        assert_eq!(log(empty), Events::default(), "{empty:?}");
    }
}

/// A request with the signatures of a body under a secret, recomputed by the test itself.
fn request(body: &str, secret: &str, versions: &[u8]) -> Value {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut headers = serde_json::Map::new();
    for version in versions {
        let (name, value) = match version {
            1 => {
                let mac = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).unwrap();
                ("agora-SIGNATURE", hex::encode(mac.chain_update(body).finalize().into_bytes()))
            }
            _ => {
                let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
                ("Agora-Signature-V2", hex::encode(mac.chain_update(body).finalize().into_bytes()))
            }
        };
        headers.insert(name.to_owned(), json!(value));
    }
    json!({"headers": headers, "body": body})
}

#[test]
fn with_a_secret_only_what_was_signed_is_believed() {
    let body = callback(31, &json!({"status": 0})).to_string();
    let mut listed = request(&body, "s", &[2]);
    listed["headers"]["Agora-Signature-V2"] = json!([listed["headers"]["Agora-Signature-V2"]]);
    let mut encoded = request(&body, "s", &[1, 2]);
    encoded["body"] = json!(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &body));
    encoded["isBase64Encoded"] = json!(true);
    let mut changed = request(&body, "s", &[1, 2]);
    changed["body"] = json!(body.replace("999", "998"));
    let mut parsed = request(&body, "s", &[2]);
    parsed["body"] = serde_json::from_str(&body).unwrap();
    let mut mixed = request(&body, "s", &[1, 2]);
    mixed["headers"]["Agora-Signature-V2"] = json!("00");
    let believed =
        [request(&body, "s", &[1]), request(&body, "s", &[2]), request(&body, "s", &[1, 2]), listed, encoded];
    let refused = [
        serde_json::from_str(&body).unwrap(),
        request(&body, "s", &[]),
        request(&body, "other", &[1]),
        request(&body, "other", &[2]),
        changed,
        parsed,
        mixed,
        json!({"sid": SID, "serverResponse": {"uploadingStatus": "uploaded"}}),
    ];
    let options = |only| EventOptions { secret: Some(Secret::new("s")), only };
    for only in [None, Some(sid(SID))] {
        for value in &believed {
            let read = read_log(value.to_string().as_bytes(), &options(only.clone())).unwrap();
            let told = &read.recordings[&sid(SID)];
            assert_eq!((told.state, told.refused, read.refused), (ToldState::Uploaded, 0, 0), "{value}");
        }
        for value in &refused {
            let read = read_log(value.to_string().as_bytes(), &options(only.clone())).unwrap();
            let told = &read.recordings[&sid(SID)];
            assert_eq!(told, &Told { refused: 1, ..Told::default() }, "{value}");
            assert_eq!((read.refused, read.problems.len()), (1, 0));
        }
    }
    // Without a secret nobody is asked to prove anything.
    for value in believed.iter().chain(&refused) {
        assert_eq!(told(&value.to_string()).state, ToldState::Uploaded, "{value}");
    }
    // What names no recording is refused all the same; a line of text can never be signed.
    let lines = format!("onRecordingUploaded {SID} a.m3u8\n{{\"message\": \"x\"}}\n{{\"x\": 1}}\n");
    let read = read_log(lines.as_bytes(), &options(None)).unwrap();
    assert_eq!((read.refused, read.recordings.values().map(|told| told.events.len()).sum::<usize>()), (3, 0));
    assert_eq!(read.recordings[&sid(SID)].refused, 1);
    let debug = format!("{:?}", options(None));
    assert!(debug.contains("****"), "{debug}");
}

#[test]
fn only_one_recording_is_kept_where_only_one_is_wanted() {
    let mine = callback(40, &json!({})).to_string();
    let text = format!(
        "{}\nhello\n{mine}\nonRecordingUploaded other a.m3u8\n{{\"sid\": \"x\", \"message\": \"{SID}\"}}\n",
        mine.replace(SID, "other")
    );
    let options = EventOptions { only: Some(sid(SID)), ..EventOptions::default() };
    let read = read_log(text.as_bytes(), &options).unwrap();
    assert_eq!(read.recordings.keys().map(RecordingId::as_str).collect::<Vec<_>>(), [SID]);
    assert_eq!(read.problems, [], "what does not name it is not looked at");
    // A body in Base64 hides whom it names.
    let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &mine);
    let text = json!({"isBase64Encoded": true, "headers": {}, "body": body}).to_string();
    assert_eq!(read_log(text.as_bytes(), &options).unwrap().recordings.len(), 1);
}

/// A log that is made while it is read: so many events of so many recordings.
struct Endless {
    next: usize,
    events: usize,
    recordings: usize,
    line: Vec<u8>,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.line.is_empty() && self.next < self.events {
            let (n, of) = (self.next, self.next % self.recordings);
            self.next += 1;
            self.line = format!(
                "{{\"noticeId\":\"n{n}\",\"productId\":3,\"eventType\":33,\"notifyMs\":{},\"sid\":\"sid{of}x\",\
                 \"payload\":{{\"cname\":\"room\",\"uid\":\"9\",\"sid\":\"sid{of}x\",\"sequence\":{n},\
                 \"sendts\":{},\"serviceType\":2,\"details\":{{\"msgName\":\"uploading_progress\",\"progress\":{}}}}}}}\n",
                SENT + 9,
                SENT + n as i64,
                n % 10_001,
            )
            .into_bytes();
        }
        let take = self.line.len().min(into.len());
        into[..take].copy_from_slice(&self.line[..take]);
        self.line.drain(..take);
        Ok(take)
    }
}

#[test]
fn a_long_log_of_many_recordings_is_read_for_one_of_them() {
    let log = Endless { next: 0, events: 500_000, recordings: 2500, line: Vec::new() };
    let options = EventOptions { only: Some(sid("sid77x")), ..EventOptions::default() };
    let started = std::time::Instant::now();
    let read = read_log(BufReader::with_capacity(64 * 1024, log), &options).unwrap();
    assert_eq!(read.recordings.len(), 1);
    assert_eq!(read.recordings[&sid("sid77x")].events.len(), 200);
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn what_is_kept_is_bounded_and_repetition_does_not_count() {
    let options = EventOptions::default();
    let mut log = Log::new(&options, 10_000);
    let progress = |of_10_000: i64| {
        let what = Happened::Progress { of_10_000 };
        Told { events: vec![ToldEvent { at: None, recorder: None, what }], ..Told::default() }
    };
    for n in 0..200_000 {
        log.keep(sid("a"), progress(n % 1000)).unwrap();
    }
    assert!(log.weight < 5000, "{}", log.weight);
    for (name, of) in [("one recording", 1), ("many recordings", 1000), ("a recording each", 100_000)] {
        let mut log = Log::new(&options, 10_000);
        let result: Result<Vec<()>, _> =
            (0..100_000).map(|n| log.keep(sid(&format!("s{}", n % of)), progress(n))).collect();
        assert!(matches!(result, Err(EventsError::TooMuch)), "{name}");
    }
    let long = failed(None, ErrorCode::Number(1), Some(&"x".repeat(1280)));
    let told = Told { events: vec![ToldEvent { at: None, recorder: None, what: long }], ..Told::default() };
    assert_eq!(weight(&told), 11);
}

#[test]
fn a_log_that_cannot_be_read_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let start = callback(40, &json!({})).to_string();
    let log = BufReader::new(start.as_bytes().chain(Broken));
    assert!(matches!(read_log(log, &EventOptions::default()), Err(EventsError::Io(_))));
}

/// Any event, from a small world, so that the same happens twice.
fn any_line() -> impl Strategy<Value = String> {
    let event = (0..48_i64, 0..4_i64, prop::option::of(0..3_i64), 1..3_u32, "[ab]", "[ab]\\.(m3u8|ts)");
    let callback = event.prop_map(|(number, value, at, uid, sid, name)| {
        let mut text = json!({"eventType": number, "productId": 3, "payload": {"sid": sid, "uid": uid, "cname": name,
            "details": {"status": value, "exitStatus": value, "errorCode": value, "module": 1, "warnCode": 31,
                        "state": value, "UtcMs": SENT, "startUtcMs": SENT, "progress": value, "leaveCode": value,
                        "fileList": [{"fileName": name}]}}});
        if let Some(at) = at {
            text["payload"]["sendts"] = json!(SENT + at);
        }
        text.to_string()
    });
    let names = prop::sample::select(vec!["onRecordingUploaded", "onRecordingBackedUp"]);
    let line = (names, "[ab]", "[ab]\\.m3u8").prop_map(|(name, sid, file)| format!("{name} {sid} {file}"));
    let answer =
        ("[ab]", prop::sample::select(vec!["uploaded", "backuped", "unknown"])).prop_map(|(sid, status)| {
            json!({"sid": sid, "serverResponse": {"uploadingStatus": status}}).to_string()
        });
    prop_oneof![6 => callback, 1 => line, 1 => answer]
}

proptest! {
    #[test]
    fn order_and_repetition_of_events_never_change_what_is_told(
        (lines, order) in prop::collection::vec(any_line(), 1..30)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let first = log(&lines.join("\n"));
        prop_assert_eq!(&first.problems, &[]);
        let mut other = order;
        for index in again {
            let line = index.get(&lines).clone();
            let place = index.index(other.len());
            other.insert(place, line);
        }
        prop_assert_eq!(log(&other.join("\n")), first);
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let secret = EventOptions { secret: Some(Secret::new("s")), ..EventOptions::default() };
        for options in [EventOptions::default(), secret] {
            prop_assert!(read_log(&bytes[..], &options).is_ok());
        }
    }
}
