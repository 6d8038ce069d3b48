//! Callbacks of the notification service, in the envelopes of 2019 and of today.

use std::iter;

use super::facts::{Facts, Note, SavedFile, State};
use super::json::{Object, moment, number, object, text, words};
use super::response::{self, channel, files, mode, recording, uid};
use super::{Read, storage};
use crate::domain::recording::{Mode, RecordingId};

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
        channel: channel(payload),
        uid: uid(payload, &["uid"]),
        mode: text(payload, &["serviceScene"]).and_then(|word| mode(&word)),
        ..Facts::default()
    };
    let id = recording(payload).or_else(|| recording(envelope));
    let event = event.or_else(|| text(details, &["msgName"]).and_then(|name| number_of(&name)));
    // Whatever lists files lists those of the recording.
    files(details, &mut facts);
    if let Some(event) = event {
        take(event, details, id.as_ref(), &mut facts);
    }
    Some(Read::Facts(id, Box::new(facts)))
}

/// The number of an event whose payload was saved without its envelope.
fn number_of(name: &str) -> Option<i64> {
    const NAMES: [(&str, i64); 22] = [
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
        ("recorder_started", 40),
        ("recorder_leave", 41),
        ("recorder_slice_start", 42),
        ("recorder_snapshot_file", 45),
        ("vod_started", 60),
        ("vod_triggered", 61),
        ("web_recorder_started", 70),
        ("web_recorder_stopped", 71),
        ("transcoder_started", 80),
        ("transcoder_completed", 81),
        ("download_failed", 90),
        ("postpone_transcode_final_result", 1001),
    ];
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

fn take(event: i64, details: &Object, id: Option<&RecordingId>, facts: &mut Facts) {
    match event {
        1 => {
            if let Some(code) = number(details, &["errorCode"]) {
                let module = number(details, &["module"]);
                facts.note(Note::Error { module, code, words: words(details, &["errorMsg"]) });
            }
        }
        2 => {
            let uploader = number(details, &["module"]) == Some(1);
            let code = number(details, &["warnCode"]).filter(|code| uploader && matches!(code, 31 | 32));
            if let Some(code) = code {
                facts.note(Note::Reuploaded { code });
            }
        }
        // Which number of `recordingMode` is which differs between the languages of the documents.
        3 => {
            if let Some(number) = number(details, &["status"]) {
                response::status(number, facts);
            }
        }
        11 => match number(details, &["exitStatus"]) {
            Some(0) | None => facts.reach(State::Stopped),
            Some(code) => {
                facts.note(Note::AbnormalExit);
                facts.reach(State::Failed { code: Some(code), words: None });
            }
        },
        12 => facts.note(Note::Failover { uid: uid(details, &["newUid"]) }),
        30 | 33 | 40 => facts.reach(State::Running),
        31 => facts.reach(State::Uploaded),
        32 => facts.reach(State::Backuped),
        34 => facts.note(Note::KeysExpired),
        41 => facts.reach(State::Stopped),
        42 => {
            facts.reach(State::Running);
            let from = moment(details, &["discontinueUtcMs"]);
            let until = moment(details, &["startUtcMs"]);
            if let (Some(from), Some(until)) = (from, until)
                && from < until
            {
                facts.note(Note::Hole { from, until });
            }
        }
        45 => {
            let name = text(details, &["fileName", "filename"]).unwrap_or_default();
            if let Some(name) = response::object_name(&name, facts) {
                let uid = uid(details, &["uid", "streamUid"]);
                facts.files.push(SavedFile { name, track: None, uid, starts: None, playable: None });
            }
        }
        60 | 61 => facts.note(Note::Vod),
        70 => {
            facts.mode = Some(Mode::Web);
            facts.reach(State::Running);
        }
        71 => {
            facts.mode = Some(Mode::Web);
            facts.reach(State::Stopped);
            if let Some(code) = number(details, &["code"]).filter(|code| *code != 0) {
                let said = words(details, &["details"]).or_else(|| words(details, &["message"]));
                facts.note(Note::PageStopped { code, words: said });
            }
        }
        81 | 1001 => {
            let result = words(details, &["result"])
                .filter(|word| !word.ends_with("success") || word.contains("partial"));
            if let Some(result) = result {
                facts.note(Note::Transcoding { result });
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
