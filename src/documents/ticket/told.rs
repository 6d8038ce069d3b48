//! What Agora told, as far as it matters for what is missing.

use std::fmt::Write as _;

use super::{TICKET_LINES, clean, utc};
use crate::domain::check::{Check, ErrorCode, Happened, ToldError, ToldEvent};

/// The statuses and errors that were seen, with their times.
pub(super) fn write(text: &mut String, check: &Check) {
    let lines: Vec<_> = check.told.iter().filter_map(line).collect();
    text.push_str("\nStatuses and errors that were seen\n");
    if lines.is_empty() {
        text.push_str("  none: no answer or callback of Agora's was at hand\n");
        return;
    }
    for line in lines.iter().take(TICKET_LINES) {
        let _ = writeln!(text, "  {line}");
    }
    if lines.len() > TICKET_LINES {
        let _ = writeln!(text, "  and {} more", lines.len() - TICKET_LINES);
    }
}

fn line(event: &ToldEvent) -> Option<String> {
    let what = what(&event.what)?;
    let mut line = event.at.map_or_else(|| "at an unknown time".to_owned(), utc);
    if let Some(recorder) = event.recorder {
        let _ = write!(line, "  recorder {recorder}");
    }
    let _ = write!(line, "  {what}");
    Some(line)
}

/// `None` for what happens in every recording and says nothing about files.
fn what(happened: &Happened) -> Option<String> {
    let text = |text: &str| Some(text.to_owned());
    match happened {
        Happened::Started => text("the recorder started"),
        Happened::Left { reason: Some(reason) } => Some(format!("the recorder left (leave code {reason})")),
        Happened::Left { reason: None } => text("the recorder left"),
        Happened::Exited { status } => Some(format!("the session ended (event 11, status {status})")),
        Happened::FailedOver { uid: Some(uid) } => Some(format!("failover to recorder {uid} (event 12)")),
        Happened::FailedOver { uid: None } => text("failover (event 12)"),
        Happened::Status { number } => Some(format!("status of the service {number} (event 3)")),
        Happened::FilesNamed => text("the playlist was written for the first time (event 4)"),
        Happened::UploadStarted => text("the uploader started (event 30)"),
        Happened::Uploaded => text("uploaded (event 31)"),
        Happened::BackedUp => text("backuped (event 32)"),
        Happened::Reuploaded { code } => Some(format!("an upload was tried again (event 2, code {code})")),
        Happened::KeysExpired => text("the temporary keys of the recorder ran out (event 34)"),
        Happened::SliceStarted { starts, lost_from: Some(from), .. } => {
            Some(format!("slices were lost from {} to {} (event 42)", utc(*from), utc(*starts)))
        }
        Happened::Vod => text("files go to ApsaraVideo VoD (events 60, 61)"),
        Happened::PageStopped { code, words } => {
            Some(format!("the page recorder stopped (event 71, code {code}){}", said(words.as_deref())))
        }
        Happened::PageLimited => text("the page asks for more than it may have (event 72)"),
        Happened::Transcoded { result } => Some(format!("transcoding ended: {}", clean(result))),
        Happened::DownloadFailed => text("files could not be read from the bucket (event 90)"),
        Happened::Failed(error) => Some(failed(error)),
        Happened::SliceStarted { lost_from: None, .. }
        | Happened::Progress { .. }
        | Happened::StreamChanged { .. }
        | Happened::Snapshot
        | Happened::InfoChanged
        | Happened::PageReloaded
        | Happened::Other { .. } => None,
    }
}

fn failed(error: &ToldError) -> String {
    let code = match &error.code {
        ErrorCode::Number(number) => number.to_string(),
        ErrorCode::Name(name) => clean(name),
    };
    let whose = match error.module {
        Some(0) => " of the recorder",
        Some(1) => " of the uploader",
        Some(2) => " of the service",
        Some(6) => " of the page recorder",
        Some(_) | None => "",
    };
    format!("error {code}{whose}{}", said(error.words.as_deref()))
}

fn said(words: Option<&str>) -> String {
    words.map(|words| format!(": {}", clean(words))).unwrap_or_default()
}
