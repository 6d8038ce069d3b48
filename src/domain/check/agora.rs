//! What Agora's answers and callbacks say went wrong.

use std::collections::BTreeSet;

use super::diagnosis::counted;
use super::facts::Facts;
use super::orphans::after_last;
use super::running::Running;
use super::told::{ErrorCode, Happened, ToldError, ToldEvent, ToldState};
use super::{Diagnosis, Rule, Severity};
use crate::domain::time::SliceTime;

/// How much of somebody's words is shown.
const WORDS_SHOWN: usize = 200;

/// `leaveCode` of event 41: no users were there ("callback events", 2026-07).
const LEFT_NO_USERS: i64 = 4;

/// What Agora told.
pub(super) fn diagnose(facts: &Facts<'_>, running: Running) -> Vec<Diagnosis> {
    let told = &facts.gathered.told;
    let mut diagnoses = Vec::new();
    let mut errors: BTreeSet<(Option<i64>, &ErrorCode)> = BTreeSet::new();
    let mut once: BTreeSet<(Rule, String)> = BTreeSet::new();
    for event in &told.events {
        let found = if let Happened::Failed(error) = &event.what {
            errors.insert((error.module, &error.code)).then(|| failed(error)).flatten()
        } else {
            happened(facts, &event.what)
        };
        let found = found.map(|found| found.from(event.at));
        // Deliveries come twice, and states again and again.
        diagnoses.extend(found.filter(|found| once.insert((found.rule, found.text.clone()))));
    }
    diagnoses.extend(abnormal_exit(facts, running));
    if told.refused > 0 {
        let count = counted(u64::try_from(told.refused).unwrap_or(u64::MAX), "event");
        diagnoses.push(
            Diagnosis::new(Rule::EventRefused, format!("{count} left out: the signature does not fit"))
                .expected("the signature of the secret")
                .found("another"),
        );
    }
    diagnoses
}

/// Nothing of the recording is in a store: then it matters why.
fn nothing_recorded(facts: &Facts<'_>) -> bool {
    facts.gathered.recording.slices.is_empty() && facts.tracks.iter().all(|track| track.segments.is_empty())
}

fn happened(facts: &Facts<'_>, what: &Happened) -> Option<Diagnosis> {
    Some(match what {
        Happened::Left { reason: Some(reason) } if reason & LEFT_NO_USERS != 0 && nothing_recorded(facts) => {
            Diagnosis::new(Rule::NoUser, "nobody was sending, and the recorder left without a file")
                .expected("somebody who sends")
                .found(format!("leave code {reason}"))
        }
        Happened::KeysExpired => Diagnosis::new(
            Rule::RecorderKeysExpired,
            "the temporary keys with which the recorder uploads ran out",
        ),
        Happened::Vod => Diagnosis::new(Rule::Vod, "files went to ApsaraVideo VoD, which is no bucket")
            .expected("a bucket"),
        Happened::Transcoded { result } => transcoded(result)?,
        Happened::PageStopped { code, words } if *code != 0 => {
            let why = words.as_ref().map_or_else(String::new, |words| format!(": {}", printable(words)));
            Diagnosis::new(Rule::PageStopped, format!("the page recorder stopped with code {code}{why}"))
                .found(format!("code {code}"))
        }
        Happened::PageLimited => {
            Diagnosis::new(Rule::RecorderFailed, "the page asks for more than the page recorder has")
                .found("event 72")
        }
        Happened::PageReloaded => {
            Diagnosis::new(Rule::RecorderFailed, "the page recorder loaded its page again")
                .weighing(Severity::Note)
                .found("event 73")
        }
        // What the rest says about time and files is told by the rules about those.
        Happened::Left { .. }
        | Happened::PageStopped { .. }
        | Happened::Started
        | Happened::Exited { .. }
        | Happened::FailedOver { .. }
        | Happened::Status { .. }
        | Happened::FilesNamed
        | Happened::UploadStarted
        | Happened::Progress { .. }
        | Happened::Uploaded
        | Happened::BackedUp
        | Happened::Reuploaded { .. }
        | Happened::SliceStarted { .. }
        | Happened::StreamChanged { .. }
        | Happened::Snapshot
        | Happened::InfoChanged
        | Happened::DownloadFailed
        | Happened::Failed(_)
        | Happened::Other { .. } => return None,
    })
}

/// `all_success` of event 81, `total_success` of event 1001; anything else is less.
fn transcoded(result: &str) -> Option<Diagnosis> {
    if ["all_success", "total_success", "success"].iter().any(|good| result.eq_ignore_ascii_case(good)) {
        return None;
    }
    let result = printable(result);
    Some(
        Diagnosis::new(Rule::Transcoding, format!("transcoding after the recording ended with `{result}`"))
            .expected("all_success")
            .found(result),
    )
}

/// What an error means (Agora, "common errors" and "callback events", 2026-07; "Cloud Recording API", 2019-04).
fn failed(error: &ToldError) -> Option<Diagnosis> {
    let (rule, severity) = match &error.code {
        ErrorCode::Number(number) => by_number(*number, error)?,
        ErrorCode::Name(name) => by_name(name, error)?,
    };
    let code = match &error.code {
        ErrorCode::Number(number) => number.to_string(),
        ErrorCode::Name(name) => printable(name),
    };
    let whose = match error.module {
        Some(0) => "the recorder",
        Some(1) => "the uploader",
        Some(6) => "the page recorder",
        Some(_) => "the service",
        None => "the interface",
    };
    let words = error.words.as_ref().map(|words| printable(words)).filter(|words| !words.is_empty());
    let said = words.map_or_else(String::new, |words| format!(": {words}"));
    let text = format!("{whose} told error {code}{said}");
    Some(Diagnosis::new(rule, text).weighing(severity).expected("no error").found(format!("error {code}")))
}

fn by_number(number: i64, error: &ToldError) -> Option<(Rule, Severity)> {
    let rule = match number {
        0 => return None,
        101 | 109 | 110 => Rule::Token,
        32 => Rule::StorageConfig,
        47 | 50 | 51 => Rule::UploadFailed,
        // The same channel and uid are recorded already.
        53 => Rule::UidClash,
        435 => Rule::NoUser,
        // Answers about a call that came twice or too early: nothing is wrong with the recording.
        7 | 49 | 65 | 404 | 405 | 429 if error.module.is_none() => {
            return Some((Rule::RecorderFailed, Severity::Note));
        }
        _ if is_about_transcoding(error) => Rule::TranscodingConfig,
        _ => Rule::RecorderFailed,
    };
    Some((rule, rule.severity()))
}

fn by_name(name: &str, error: &ToldError) -> Option<(Rule, Severity)> {
    // C++ and Java spell the same names with another start.
    let plain = name.strip_prefix('k').unwrap_or(name);
    let plain = plain.strip_prefix("RecordingError").unwrap_or(plain);
    let rule = match plain {
        "Ok" => return None,
        "NoUsers" | "NoRecordedData" => Rule::NoUser,
        "UploaderInit" | "UploaderInitFailed" | "UploaderFailed" => Rule::UploadFailed,
        "BackupFailed" => Rule::BackupFailed,
        // Told once, with all that shows an abnormal end.
        "RecorderExpireExit" | "RecorderExit" => return None,
        _ if is_about_transcoding(error) => Rule::TranscodingConfig,
        _ => Rule::RecorderFailed,
    };
    Some((rule, rule.severity()))
}

fn is_about_transcoding(error: &ToldError) -> bool {
    error.words.as_ref().is_some_and(|words| words.to_ascii_lowercase().contains("transcoding"))
}

/// An abnormal end, by whatever shows it; once.
fn abnormal_exit(facts: &Facts<'_>, running: Running) -> Option<Diagnosis> {
    let told = &facts.gathered.told;
    let by_event = told.events.iter().find_map(|event| {
        let ToldEvent { at, recorder: _, what } = event;
        let how = if let Happened::Exited { status } = what {
            (*status != 0).then(|| format!("exit status {status}"))
        } else if let Happened::Failed(ToldError { code: ErrorCode::Name(name), .. }) = what {
            let exits = ["RecorderExpireExit", "RecorderExit"].iter().any(|exit| name.ends_with(exit));
            exits.then(|| printable(name))
        } else {
            (*what == Happened::Status { number: 20 }).then(|| "status 20".to_owned())
        };
        Some((how?, *at))
    });
    // An error that was told by its name says more, and need not have ended the recorder.
    let has_error = told.events.iter().any(|event| matches!(event.what, Happened::Failed(_)));
    let failed = told.state == ToldState::Failed && !has_error;
    let by_state = || failed.then(|| ("an abnormal end".to_owned(), None));
    let by_orphan = || {
        let name = after_last(facts).filter(|_| running == Running::No)?;
        Some((format!("`{name}` behind the last listed slice"), facts.last))
    };
    let (how, at): (String, Option<SliceTime>) = by_event.or_else(by_state).or_else(by_orphan)?;
    Some(
        Diagnosis::new(Rule::AbnormalExit, format!("the recorder ended abnormally: {how}"))
            .expected("exit status 0")
            .found(how)
            .from(at),
    )
}

/// Somebody's words, without what moves a cursor, and not too many of them.
fn printable(words: &str) -> String {
    let mut shown: String =
        words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_SHOWN).collect();
    if words.chars().nth(WORDS_SHOWN).is_some() {
        shown.push('…');
    }
    shown.trim().to_owned()
}
