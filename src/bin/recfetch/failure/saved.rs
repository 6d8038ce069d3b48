//! What Agora's own words mean for whoever wants the recording.

use recfetch::agora::{Facts, Note, QueryError, SavedStore, State};
use recfetch::domain::recording::RecordingId;
use recfetch::domain::time::SliceTime;

use super::{ExitCode, Failure};

/// How many names are told of a list.
const MOST_NAMES: usize = 3;

/// What is worth knowing about a recording before or after it is fetched, one sentence each.
pub(crate) fn of_facts(id: &RecordingId, facts: &Facts) -> Vec<String> {
    let mut hints = Vec::new();
    match &facts.state {
        State::Running => {
            let status = facts.status.map(|number| format!(" (status {number})")).unwrap_or_default();
            hints.push(format!(
                "the saved text is from while it was running{status}: what came later is not in it"
            ));
        }
        State::Backuped => hints.push(
            "`backuped`: at least one slice went to Agora Cloud Backup, which pushes it to the bucket within 10 \
             days or drops it; if something is missing, ask a second copy with --fallback or come back later"
                .to_owned(),
        ),
        State::Failed { code, words } => {
            // An error with a number is among the notes too, but for that of an exit.
            if code.is_none() {
                hints.push(format!("Agora told an error: {}", words.as_deref().unwrap_or("no words")));
            }
        }
        State::Untold | State::Stopped | State::Uploaded => {}
    }
    hints.extend(facts.notes.iter().filter_map(of_note));
    if !facts.missing.is_empty() {
        let names: Vec<&str> = facts.missing.iter().take(MOST_NAMES).map(|name| name.as_str()).collect();
        let more = if facts.missing.len() > MOST_NAMES { ", …" } else { "" };
        hints.push(format!(
            "Agora itself could not get {} of its files from the bucket: {}{more}",
            facts.missing.len(),
            names.join(", ")
        ));
    }
    let foreign =
        facts.files.iter().find(|file| !recfetch::domain::locate::is_ours(file.name.file_name(), id));
    if let Some(file) = foreign {
        hints.push(format!(
            "`{}` does not bear the recording's ID and was not looked for; if it is the playlist, name it with --playlist",
            file.name.as_str()
        ));
    }
    hints
}

/// Keys that ran out before now.
pub(crate) fn of_expiry(expires: SliceTime, now: SliceTime) -> Option<String> {
    (expires < now).then(|| {
        format!("the temporary keys of the saved storageConfig ran out at {expires}: read with others (--profile …)")
    })
}

/// Where the files went, for whoever looked elsewhere.
pub(crate) fn of_store(store: &SavedStore) -> Option<String> {
    let bucket = store.bucket.as_deref()?;
    let vendor = store.vendor.as_deref().unwrap_or("?");
    let region = store.region.as_deref().map(|region| format!(", region {region}")).unwrap_or_default();
    Some(format!(
        "Agora says that it went to bucket `{bucket}` (vendor {vendor}{region}): see that it is searched"
    ))
}

fn of_note(note: &Note) -> Option<String> {
    Some(match note {
        Note::Failover { .. } => {
            "the recorder failed over: files that start with bak0_ (to bak2_) belong to it too".to_owned()
        }
        Note::Hole { from, until } => format!("Agora lost slices between {from} and {until}: no store has them"),
        Note::Error { module, code, words } => of_error(*module, *code, words.as_deref()),
        Note::Reuploaded { code: 32 } => {
            "the recorder sent slices to Agora Cloud Backup (warning 32): they may still be pushed to the bucket, \
             within 10 days"
                .to_owned()
        }
        Note::Reuploaded { .. } => return None,
        Note::AbnormalExit => {
            "the recorder ended abnormally: the playlist may lack its end, and slices may be missing".to_owned()
        }
        Note::Vod => "this recording goes to ApsaraVideo VoD: its files are in no bucket; get them from there".to_owned(),
        Note::KeysExpired => {
            "the temporary keys of the recorder ran out: later slices did not reach the bucket".to_owned()
        }
        Note::Transcoding { result } => {
            format!("the MP4 or audio files after the recording are not complete ({result}); the slices may be")
        }
        Note::PageStopped { code, words } => {
            let words = words.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
            format!("the page recorder stopped by itself (code {code}{words})")
        }
        Note::UnsafeName { text, why } => format!("the name `{text}` is left out: {why}"),
    })
}

/// The numbers of the documents (REST and callback errors, 2019 to 2026) that say something about files.
fn of_error(module: Option<i64>, code: i64, words: Option<&str>) -> String {
    let uploader = matches!(module, Some(1) | None);
    let meaning = match code {
        32 if uploader => {
            "the storage settings were wrong (vendor, region, bucket or keys): nothing was uploaded, and the backup \
             has nothing either"
        }
        47 if uploader => "uploading failed: slices may be in Agora Cloud Backup for 10 days, or lost",
        51 if uploader => "the uploader could not handle its files: slices may be missing",
        50 => "the upload was not finished in time: look again later",
        109 | 110 => "the token was wrong or ran out: the recorder may not have received anything",
        435 => "nothing was recorded: there are no files to expect",
        404 => "the session had ended already, or a failover was going on",
        _ => {
            let words = words.map(|words| format!(": {words}")).unwrap_or_default();
            return format!("Agora told error {code}{words}");
        }
    };
    format!("Agora told error {code}: {meaning}")
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let ended = "the session may have ended, or its resource ID expired (72 hours unless resourceExpiredHour says \
                     otherwise): then only the bucket knows; use `recfetch locate SID` without --query";
        let (code, hints): (_, &[&str]) = match &error {
            QueryError::NotFound { .. } => (
                ExitCode::NotFound,
                &[
                    ended,
                    "if it should still run, a failover may be going on: try again for up to 90 seconds",
                ],
            ),
            QueryError::Denied { .. } => (
                ExitCode::Denied,
                &[
                    "AGORA_CUSTOMER_ID and AGORA_CUSTOMER_SECRET are the customer ID and secret of the REST interface, \
                   of the account that AGORA_APP_ID belongs to; an App certificate is neither",
                ],
            ),
            QueryError::Throttled { .. } => (
                ExitCode::Temporary,
                &["ten requests a second are allowed for an App ID: try again in a moment"],
            ),
            QueryError::Refused { answer } => match answer.code {
                Some(432 | 433) => (ExitCode::Usage, &[ended]),
                Some(_) | None => (
                    ExitCode::Usage,
                    &["check --query, --resource-id and --mode: they must be those of the same recording"],
                ),
            },
            QueryError::Unavailable { .. } | QueryError::Unreachable(_) => (
                ExitCode::Temporary,
                &[
                    "all hosts were asked (those in AGORA_API, else api.sd-rtn.com and api.agora.io): try again \
                   later, and check the network and the proxy settings",
                ],
            ),
            QueryError::Unreadable(_) | QueryError::Unexpected { .. } => (
                ExitCode::Temporary,
                &["something else than Agora may have answered: check AGORA_API and the proxy settings"],
            ),
            QueryError::Client(_) => (ExitCode::Usage, &[]),
        };
        let mut failure = Self::new(code, error);
        failure.hints = hints.iter().map(|hint| (*hint).to_owned()).collect();
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_uploads_say_what_to_expect() {
        for (module, code, part) in [
            (Some(1), 32, "nothing was uploaded"),
            (Some(1), 47, "10 days"),
            (Some(1), 51, "may be missing"),
            (None, 435, "no files to expect"),
            (Some(0), 110, "token"),
            (Some(0), 32, "error 32: x"),
            (Some(6), 4711, "error 4711: x"),
        ] {
            let said = of_error(module, code, Some("x"));
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn only_keys_of_the_past_have_run_out() {
        let time = |ms| SliceTime::from_unix_ms(ms).unwrap_or_default();
        assert!(of_expiry(time(1000), time(2000)).is_some());
        assert_eq!(of_expiry(time(2000), time(1000)), None);
    }
}
