//! Callbacks of the SDK of 2019 ("Cloud Recording API", Java, 2019-04-29), one per line of text.
//!
//! `[time] name <recording ID> …`: the time is RFC 3339 and may be left out; the name is the callback's, and what
//! follows are its parameters in their order. A file name goes to the end of the line: a channel may have blanks.

use super::ProblemKind;
use crate::agora::codes;
use crate::domain::check::{ErrorCode, Happened, Told, ToldError, ToldEvent, ToldState};
use crate::domain::key::ObjectName;
use crate::domain::recording::RecordingId;
use crate::domain::time::SliceTime;

/// How much of a foreign text is kept, in characters.
const MAX_WORDS: usize = 300;

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Result<(RecordingId, Told), ProblemKind> {
    let no_event = || ProblemKind::NoEvent(excerpt(line));
    let text = std::str::from_utf8(line).map_err(|_| no_event())?;
    let (first, rest) = word(text);
    // Brackets around the time, as many logs have them; the first one went as one of JSON's.
    let at = SliceTime::from_rfc3339(first.trim_start_matches('[').trim_end_matches(']'));
    let (name, rest) = if at.is_some() { word(rest) } else { (first, rest) };
    let callback = CALLBACKS.iter().find(|(known, _)| *known == name).ok_or_else(no_event)?.1;
    let (id, rest) = word(rest);
    let id = RecordingId::parse(id).map_err(|_| ProblemKind::Lacks("recording ID"))?;
    let mut told = Told::default();
    let what = callback.read(rest, &mut told)?;
    told.events.extend(what.map(|what| ToldEvent { at, recorder: None, what }));
    Ok((id, told))
}

#[derive(Debug, Clone, Copy)]
enum Callback {
    Connecting,
    Started,
    Stopped,
    Uploaded,
    BackedUp,
    Progress,
    RecorderFailure,
    UploaderFailure,
    FatalError,
}

const CALLBACKS: [(&str, Callback); 10] = [
    ("onRecordingConnecting", Callback::Connecting),
    ("onRecordingStarted", Callback::Started),
    ("onRecordingStopped", Callback::Stopped),
    ("onRecordingUploaded", Callback::Uploaded),
    ("onRecordingBackedUp", Callback::BackedUp),
    ("onRecordingUploadingProgress", Callback::Progress),
    ("onRecorderFailure", Callback::RecorderFailure),
    ("onUploaderFailure", Callback::UploaderFailure),
    // As the interface spells it.
    ("onUploaderFaliure", Callback::UploaderFailure),
    ("onRecordingFatalError", Callback::FatalError),
];

impl Callback {
    fn read(self, rest: &str, told: &mut Told) -> Result<Option<Happened>, ProblemKind> {
        Ok(match self {
            // It says nothing of the recording yet.
            Self::Connecting => None,
            Self::Started => {
                told.state = ToldState::Running;
                Some(Happened::Started)
            }
            Self::Stopped => {
                told.state = ToldState::Stopped;
                Some(Happened::Left { reason: None })
            }
            Self::Uploaded => {
                told.state = ToldState::Uploaded;
                told.files.push(file(rest)?);
                Some(Happened::Uploaded)
            }
            Self::BackedUp => {
                told.state = ToldState::BackedUp;
                told.files.push(file(rest)?);
                Some(Happened::BackedUp)
            }
            Self::Progress => {
                told.state = ToldState::Running;
                let (percent, name) = word(rest);
                let percent = percent.trim_end_matches('%').parse::<u8>();
                let percent = percent.ok().filter(|percent| *percent <= 100);
                told.files.push(file(name)?);
                let percent = percent.ok_or(ProblemKind::Lacks("percentage"))?;
                Some(Happened::Progress { of_10_000: i64::from(percent) * 100 })
            }
            // Both tell how a part of the service is, and the recording goes on.
            Self::RecorderFailure => Some(failed(Some(0), rest)?),
            Self::UploaderFailure => Some(failed(Some(1), rest)?),
            Self::FatalError => {
                told.state = ToldState::Failed;
                Some(failed(None, rest)?)
            }
        })
    }
}

fn file(text: &str) -> Result<ObjectName, ProblemKind> {
    ObjectName::parse(text).map_err(|_| ProblemKind::Lacks("file name"))
}

fn failed(module: Option<i64>, rest: &str) -> Result<Happened, ProblemKind> {
    let (code, words) = word(rest);
    if code.is_empty() {
        return Err(ProblemKind::Lacks("error code"));
    }
    let code = match (code.parse(), codes::recording_error(code)) {
        (Ok(number), _) => ErrorCode::Number(number),
        (Err(_), Some(name)) => ErrorCode::Name(name.to_owned()),
        (Err(_), None) => ErrorCode::Name(cut(code)),
    };
    let words = (!words.is_empty()).then(|| cut(words));
    Ok(Happened::Failed(ToldError { module, code, words }))
}

/// The first word, and what follows it, without blanks around either.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_WORDS).collect()
}

fn excerpt(line: &[u8]) -> String {
    const CHARACTERS: usize = 60;
    let start = &line[..line.len().min(4 * CHARACTERS)];
    let text = String::from_utf8_lossy(start);
    let more = if text.chars().count() > CHARACTERS { "…" } else { "" };
    text.chars().take(CHARACTERS).collect::<String>().escape_debug().to_string() + more
}
