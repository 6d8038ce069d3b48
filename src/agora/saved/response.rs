//! Answers of the REST interface: `start`, `query`, `stop`, and errors.

use serde_json::Value;

use super::Read;
use super::facts::{Facts, Note, SavedFile, State};
use super::json::{Object, field, moment, number, object, switch, text, words};
use crate::domain::check::{ErrorCode, Happened, ToldError};
use crate::domain::key::ObjectName;
use crate::domain::recording::{ChannelName, Mode, RecordingId, TrackKind, Uid};

/// Reads an answer; `None` where it is none.
pub(super) fn read(answer: &Object) -> Option<Read> {
    const SIGNS: [&str; 8] =
        ["serverResponse", "sid", "resourceId", "fileList", "uploadingStatus", "code", "reason", "message"];
    if !SIGNS.iter().any(|sign| answer.contains_key(*sign)) {
        return None;
    }
    let mut facts = Facts {
        app_id: app_id(answer),
        channel: channel(answer),
        uid: uid(answer, &["uid"]),
        mode: text(answer, &["mode"]).and_then(|word| mode(&word)),
        ..Facts::default()
    };
    // People also save nothing but what is inside.
    let inside = object(answer, &["serverResponse"]);
    server_response(inside.unwrap_or(answer), &mut facts);
    failure(answer, inside, &mut facts);
    Some(Read::Facts(recording(answer), Box::new(facts)))
}

pub(super) fn recording(of: &Object) -> Option<RecordingId> {
    text(of, &["sid"]).and_then(|text| RecordingId::parse(&text).ok())
}

/// Agora's project; answers and callbacks do not name it, but those who save them often add it.
pub(super) fn app_id(of: &Object) -> Option<String> {
    words(of, &["appId", "appid", "app_id"])
}

pub(super) fn channel(of: &Object) -> Option<ChannelName> {
    // Not trimmed: a channel may begin or end with a blank.
    field(of, &["cname"]).and_then(Value::as_str).and_then(ChannelName::parse)
}

pub(super) fn uid(of: &Object, names: &[&str]) -> Option<Uid> {
    let number = u32::try_from(number(of, names)?).ok()?;
    std::num::NonZeroU32::new(number).map(Uid)
}

/// A mode by a word that has its name in it: `mix`, `mix_record`, `web_recorder_service`.
pub(super) fn mode(word: &str) -> Option<Mode> {
    let word = word.to_ascii_lowercase();
    [Mode::Individual, Mode::Mix, Mode::Web].into_iter().find(|mode| word.contains(mode.word()))
}

/// `uploaded`, `backuped`, `unknown` (`unknow` in the documents of 2021); one client expects `backuping`.
fn uploading_status(of: &Object, facts: &mut Facts) {
    match text(of, &["uploadingStatus"]).map(|word| word.to_ascii_lowercase()).as_deref() {
        Some("uploaded") => facts.tell(None, Happened::Uploaded),
        Some("backuped" | "backuping") => facts.tell(None, Happened::BackedUp),
        Some(_) => facts.reach(State::Stopped),
        None => {}
    }
}

fn server_response(of: &Object, facts: &mut Facts) {
    files(of, facts);
    uploading_status(of, facts);
    if let Some(number) = number(of, &["status"]) {
        facts.tell(None, Happened::Status { number });
    }
    let services = field(of, &["extensionServiceState"]).and_then(Value::as_array);
    for service in services.into_iter().flatten().filter_map(Value::as_object) {
        if let Some(found) = text(service, &["serviceName"]).and_then(|word| mode(&word)) {
            facts.mode = Some(found);
        }
        let Some(payload) = object(service, &["payload", "playload"]) else { continue };
        files(payload, facts);
        uploading_status(payload, facts);
        match text(payload, &["state"]).map(|word| word.to_ascii_lowercase()).as_deref() {
            Some("init" | "inprogress") => facts.reach(State::Running),
            Some("exit") => facts.reach(State::Stopped),
            Some(_) | None => {}
        }
    }
}

/// An error that stands where an answer was expected. Its shape varies.
fn failure(answer: &Object, inside: Option<&Object>, facts: &mut Facts) {
    let code = number(answer, &["code"]).filter(|code| !matches!(code, 0 | 200));
    let said = words(answer, &["reason", "message"]);
    let named = words(answer, &["code"]).filter(|word| word.parse::<i64>().is_err());
    let command = inside.and_then(|inside| words(inside, &["command"]));
    let said = said.or(named).or_else(|| code.and(command));
    if let Some(code) = code {
        let code = ErrorCode::Number(code);
        facts.tell(None, Happened::Failed(ToldError { module: None, code, words: said.clone() }));
    }
    if code.is_some() || (said.is_some() && facts.state == State::Untold && facts.files.is_empty()) {
        facts.reach(State::Failed { code, words: said });
    }
}

/// `fileList`: one name, an empty text, an array of objects or of names, or nothing.
pub(super) fn files(of: &Object, facts: &mut Facts) {
    match field(of, &["fileList"]) {
        Some(Value::String(name)) => file(name, None, facts),
        Some(Value::Array(files)) => {
            for value in files {
                match value {
                    Value::String(name) => file(name, None, facts),
                    Value::Object(about) => {
                        let name = field(about, &["fileName", "filename"]).and_then(Value::as_str);
                        file(name.unwrap_or_default(), Some(about), facts);
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
                }
            }
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {}
    }
}

fn file(name: &str, about: Option<&Object>, facts: &mut Facts) {
    let Some(name) = object_name(name, facts) else { return };
    let none = Object::new();
    let about = about.unwrap_or(&none);
    let track = track(about);
    facts.files.push(SavedFile {
        name,
        track,
        uid: uid(about, &["uid"]),
        starts: moment(about, &["sliceStartTime"]),
        playable: switch(about, &["isPlayable"]),
    });
}

/// What `trackType` and `mixedAllUser` say that a file carries.
pub(super) fn track(about: &Object) -> Option<TrackKind> {
    let mixed = switch(about, &["mixedAllUser"]) == Some(true);
    match text(about, &["trackType"]).as_deref() {
        Some("audio_and_video") if mixed => Some(TrackKind::Mixed),
        Some("audio_and_video") => Some(TrackKind::AudioVideo),
        Some("audio") => Some(TrackKind::Audio),
        Some("video") => Some(TrackKind::Video),
        Some(_) | None => None,
    }
}

/// A name that is safe to ask for. An empty one is no name, as `""` stands for an empty list.
pub(super) fn object_name(text: &str, facts: &mut Facts) -> Option<ObjectName> {
    if text.trim().is_empty() {
        return None;
    }
    match ObjectName::parse(text) {
        Ok(name) => Some(name),
        Err(why) => {
            let text = text.chars().take(120).collect::<String>().escape_debug().to_string();
            facts.note(Note::UnsafeName { text, why });
            None
        }
    }
}
