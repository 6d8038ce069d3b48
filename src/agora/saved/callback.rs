//! Callbacks of the notification service, in the envelopes of 2019 and of today.

use std::iter;

use serde_json::Value;

use super::facts::{Facts, SavedFile, State};
use super::json::{Object, field, moment, number, object, text, words};
use super::response::{self, app_id, channel, files, mode, recording, track, uid};
use super::{Read, storage};
use crate::domain::check::{ErrorCode, Happened, Sending, ToldError};
use crate::domain::recording::{Mode, RecordingId, TrackKind};
use crate::domain::time::SliceTime;

/// The number of Cloud Recording among Agora's products.
const CLOUD_RECORDING: i64 = 3;

/// Reads a callback, or only its payload; `None` where it is none.
pub(super) fn read(envelope: &Object) -> Option<Read> {
    let payload = object(envelope, &["payload", "playload"]);
    let event = number(envelope, &["eventType"]);
    let payload = match (payload, event) {
        (Some(payload), Some(_)) => payload,
        (Some(payload), None) if payload.contains_key("sid") || payload.contains_key("details") => payload,
        (Some(_), None) => return None,
        (None, Some(_)) => envelope,
        (None, None) if envelope.contains_key("details") => envelope,
        (None, None) => return None,
    };
    // Envelopes of 2019 do not name the product.
    if number(envelope, &["productId"]).is_some_and(|product| product != CLOUD_RECORDING) {
        return Some(Read::OtherProduct);
    }
    let none = Object::new();
    let details = object(payload, &["details"]).unwrap_or(&none);
    let mut facts = Facts {
        app_id: app_id(payload).or_else(|| app_id(envelope)),
        channel: channel(payload),
        uid: uid(payload, &["uid"]),
        mode: text(payload, &["serviceScene"]).and_then(|word| mode(&word)),
        ..Facts::default()
    };
    let id = recording(payload).or_else(|| recording(envelope));
    let event = event.or_else(|| text(details, &["msgName"]).and_then(|name| number_of(&name)));
    // When it happened; `notifyMs` is when it was sent, and changes when it is sent again.
    let at = moment(payload, &["sendts"]).or_else(|| moment(envelope, &["eventMs", "notifyMs"]));
    // Whatever lists files lists those of the recording.
    files(details, &mut facts);
    if let Some(event) = event {
        name_files(event, details, id.as_ref(), &mut facts);
        facts.tell(at, happened(event, details, at));
    }
    Some(Read::Facts(id, Box::new(facts)))
}

/// The number of an event whose payload was saved without its envelope.
fn number_of(name: &str) -> Option<i64> {
    const NAMES: [(&str, i64); 28] = [
        ("cloud_recording_error", 1),
        ("cloud_recording_warning", 2),
        ("cloud_recording_status_update", 3),
        ("cloud_recording_file_infos", 4),
        ("session_exit", 11),
        ("session_failover", 12),
        ("uploader_started", 30),
        ("uploaded", 31),
        ("backuped", 32),
        ("uploading_progress", 33),
        ("STSExpired", 34),
        ("recorder_started", 40),
        ("recorder_leave", 41),
        ("recorder_slice_start", 42),
        ("recorder_audio_stream_state_changed", 43),
        ("recorder_video_stream_state_changed", 44),
        ("recorder_snapshot_file", 45),
        ("vod_started", 60),
        ("vod_triggered", 61),
        ("web_recorder_started", 70),
        ("web_recorder_stopped", 71),
        ("web_recorder_capability_limit", 72),
        ("web_recorder_reload", 73),
        ("transcoder_started", 80),
        ("transcoder_completed", 81),
        ("download_failed", 90),
        ("rtmp_publish_status", 100),
        ("postpone_transcode_final_result", 1001),
    ];
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// What an event says that happened. One that lacks what makes it what it is is only its number.
fn happened(event: i64, details: &Object, at: Option<SliceTime>) -> Happened {
    let other = || Happened::Other { event };
    let status = || number(details, &["status"]);
    match event {
        1 => number(details, &["errorCode"]).map(|code| {
            Happened::Failed(ToldError {
                module: number(details, &["module"]),
                code: ErrorCode::Number(code),
                words: words(details, &["errorMsg"]),
            })
        }),
        // Numbers of the recorder's own warnings are not about files.
        2 if number(details, &["module"]) == Some(1) => number(details, &["warnCode"])
            .filter(|code| matches!(code, 31 | 32))
            .map(|code| Happened::Reuploaded { code }),
        // Which number of `recordingMode` is which differs between the languages of the documents.
        3 => status().map(|number| Happened::Status { number }),
        4 => Some(Happened::FilesNamed),
        11 => number(details, &["exitStatus"]).map(|status| Happened::Exited { status }),
        12 => Some(Happened::FailedOver { uid: uid(details, &["newUid"]) }),
        30 => Some(Happened::UploadStarted),
        // Any other status than 0 is abnormal: then nobody vouches for the upload.
        31 | 32 if status().is_some_and(|status| status != 0) => None,
        31 => Some(Happened::Uploaded),
        32 => Some(Happened::BackedUp),
        33 => number(details, &["progress"]).map(|of_10_000| Happened::Progress { of_10_000 }),
        34 => Some(Happened::KeysExpired),
        40 | 70 => Some(Happened::Started),
        41 => Some(Happened::Left { reason: number(details, &["leaveCode"]) }),
        42 => slice_started(details),
        43 => stream_changed(details, TrackKind::Audio, at),
        44 => stream_changed(details, TrackKind::Video, at),
        45 => Some(Happened::Snapshot),
        46 | 47 => Some(Happened::InfoChanged),
        60 | 61 => Some(Happened::Vod),
        71 => number(details, &["code"]).map(|code| Happened::PageStopped {
            code,
            words: words(details, &["details"]).or_else(|| words(details, &["message"])),
        }),
        72 => Some(Happened::PageLimited),
        73 => Some(Happened::PageReloaded),
        81 | 1001 => words(details, &["result"]).map(|result| Happened::Transcoded { result }),
        90 => Some(Happened::DownloadFailed),
        _ => None,
    }
    .unwrap_or_else(other)
}

fn slice_started(details: &Object) -> Option<Happened> {
    let starts = moment(details, &["startUtcMs"])?;
    let kind = track(details);
    Some(Happened::SliceStarted {
        starts,
        lost_from: moment(details, &["discontinueUtcMs"]).filter(|from| *from < starts),
        uid: uid(details, &["streamUid"]),
        // In composite mode `streamUid` is 0, whatever the track carries.
        kind: kind.or_else(|| (number(details, &["streamUid"]) == Some(0)).then_some(TrackKind::Mixed)),
    })
}

/// The documents have `UtcMs`, clients read `utcMs`. 0 is a stream that comes, 1 one that does not.
fn stream_changed(details: &Object, kind: TrackKind, told: Option<SliceTime>) -> Option<Happened> {
    let sending = match number(details, &["state"])? {
        0 => Sending::Yes,
        1 => Sending::No,
        _ => return None,
    };
    let at = moment(details, &["UtcMs", "utcMs"]).or(told)?;
    Some(Happened::StreamChanged { uid: uid(details, &["streamUid"]), kind, sending, at })
}

/// Files and states that an event tells in fields of its own.
fn name_files(event: i64, details: &Object, id: Option<&RecordingId>, facts: &mut Facts) {
    match event {
        // Whatever the rest says: these are sent at the end, and between.
        11 | 31 | 32 | 41 => facts.reach(State::Stopped),
        42 => facts.reach(State::Running),
        45 => {
            let name = text(details, &["fileName", "filename"]).unwrap_or_default();
            if let Some(name) = response::object_name(&name, facts) {
                let uid = uid(details, &["uid", "streamUid"]);
                facts.files.push(SavedFile { name, track: None, uid, starts: None, playable: None });
            }
        }
        70 => facts.mode = Some(Mode::Web),
        71 => {
            facts.mode = Some(Mode::Web);
            facts.reach(State::Stopped);
        }
        // Where each user has files of their own, they are named by user.
        81 => {
            let users = field(details, &["uids"]).and_then(Value::as_array);
            for user in users.into_iter().flatten().filter_map(Value::as_object) {
                files(user, facts);
            }
        }
        90 => {
            facts.store = Some(storage::store(details));
            let names = text(details, &["fileName", "filename"]).unwrap_or_default();
            for name in split_names(&names, id) {
                let name = response::object_name(&name, facts);
                facts.missing.extend(name);
            }
        }
        _ => {}
    }
}

/// Names that are joined by `;`. A channel's name may have one too, so a part that does not start like a file
/// of the recording goes on with the name before it.
fn split_names(joined: &str, id: Option<&RecordingId>) -> Vec<String> {
    let starts_a_file = |part: &str| {
        let name = part.rsplit('/').next().unwrap_or(part);
        id.is_none_or(|id| crate::domain::locate::is_ours(name, id))
    };
    let mut names: Vec<String> = Vec::new();
    for part in joined.split(';') {
        match names.last_mut() {
            Some(name) if !starts_a_file(part) => name.extend(iter::once(";").chain([part])),
            Some(_) | None => names.push(part.to_owned()),
        }
    }
    for name in &mut names {
        // One that ends the list has nothing behind it.
        name.truncate(name.trim_end_matches(';').len());
    }
    names.retain(|name| !name.is_empty());
    names
}
