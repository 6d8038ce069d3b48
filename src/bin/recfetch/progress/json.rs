//! Every event as a line of JSON. Version 1: fields may be added, none changes its meaning.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use recfetch::archive::SeverityV1;
use recfetch::event::Event;
use serde_json::{Value, json};

use super::state::State;
use super::{View, to_stderr};
use crate::failure::Failure;

/// Bytes come in chunks by the thousand; their sum is told this often.
const EVERY: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Json {
    told: Mutex<Option<Instant>>,
}

impl Json {
    fn tell_progress(&self, state: &State) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| told.elapsed() < EVERY) {
            return;
        }
        *told = Some(Instant::now());
        drop(told);
        let snapshot = state.snapshot();
        line(json!({
            "event": "progress",
            "bytes": snapshot.received,
            "expected": snapshot.expected,
            "done": snapshot.done,
            "objects": snapshot.objects,
            "failed_tries": snapshot.failed_tries,
            "recordings": snapshot.batch.map(|batch| json!({
                "total": batch.total, "done": batch.done, "running": batch.running, "failed": batch.failed,
            })),
        }));
    }
}

impl View for Json {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's events may grow; what is not known here is not shown"
    )]
    fn on_event(&self, event: &Event<'_>, state: &State) {
        match event {
            Event::Received { .. } | Event::Joining { .. } => self.tell_progress(state),
            other => {
                if let Some(value) = value(other) {
                    line(value);
                }
            }
        }
    }

    fn on_change(&self, state: &State) {
        self.tell_progress(state);
    }

    fn say(&self, text: &str) {
        line(json!({ "event": "message", "text": text }));
    }

    fn fail(&self, failure: &Failure) {
        let mut chain = failure.error.chain().map(ToString::to_string);
        let error = chain.next();
        line(json!({
            "event": "failed",
            "exit_code": failure.code.number(),
            "error": error,
            "causes": chain.collect::<Vec<_>>(),
            "hints": failure.hints,
        }));
    }

    fn wants_messages(&self) -> bool {
        false
    }

    fn suspend(&self, write: &mut dyn FnMut()) {
        write();
    }

    fn finish(&self) {}
}

fn line(mut value: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert("v".to_owned(), json!(1));
        object.insert("at".to_owned(), json!(format!("{:.3}", jiff::Timestamp::now())));
    }
    // JSON escapes control characters by itself.
    to_stderr(&format!("{value}\n"));
}

/// An event as JSON; nothing for those that are only told as a sum, or that this version does not know.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's events may grow; what is not known here is not shown"
)]
fn value(event: &Event<'_>) -> Option<Value> {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Some(match event {
        Event::Searched { recording, from, listed } => json!({
            "event": "searched", "recording": recording.as_str(), "from": from.as_str(), "listed": listed,
        }),
        Event::Located { recording, from, place, playlists, segments, playing, bytes } => json!({
            "event": "located", "recording": recording.as_str(), "from": from.as_str(), "place": place,
            "playlists": playlists, "segments": segments, "playing_ms": ms(*playing), "bytes": bytes,
        }),
        Event::Noticed { finding } => {
            let severity = SeverityV1::from(finding.severity());
            json!({
                "event": "noticed", "code": finding.code(), "severity": severity, "text": finding.to_string(),
            })
        }
        Event::Planned { keep, fetch, bytes } => {
            json!({ "event": "planned", "keep": keep, "fetch": fetch, "bytes": bytes })
        }
        Event::Rechecked { name, bytes, proven } => {
            json!({ "event": "rechecked", "name": name.as_str(), "bytes": bytes, "proven": proven })
        }
        Event::Started { name, from, size } => {
            json!({ "event": "started", "name": name.as_str(), "from": from.as_str(), "size": size })
        }
        Event::Restarted { name, bytes } => {
            json!({ "event": "restarted", "name": name.as_str(), "bytes": bytes })
        }
        Event::TryFailed { name, from, why, retry_in } => json!({
            "event": "try-failed", "name": name.as_str(), "from": from.as_str(), "why": why,
            "retry_in_ms": retry_in.map(ms),
        }),
        Event::Judged { name, verdict, size, from, origin } => json!({
            "event": "judged", "name": name.as_str(), "verdict": verdict.code(), "detail": verdict.to_string(),
            "size": size, "from": from.map(|from| from.as_str()), "origin": origin_word(*origin),
        }),
        Event::WidthChanged { width, why } => {
            json!({ "event": "width-changed", "width": width, "why": why.map(ToString::to_string) })
        }
        Event::PlaylistRead { key, segments } => {
            json!({ "event": "playlist-read", "key": key.as_str(), "segments": segments })
        }
        Event::Awaiting { recording, awaited, next, left } => json!({
            "event": "awaiting", "recording": recording.as_str(),
            "segments": awaited.map(|awaited| {
                awaited.segments.iter().map(|name| name.as_str()).collect::<Vec<_>>()
            }),
            "gaps": awaited.map(|awaited| awaited.gaps),
            "rules": awaited.map(|awaited| {
                awaited.rules.iter().map(|rule| rule.word()).collect::<Vec<_>>()
            }),
            "next_ms": next.map(ms), "left_ms": ms(*left),
        }),
        Event::Restoring { recording, asked, under_way, refused, back, frozen, within, next, left } => {
            json!({
                "event": "restoring", "recording": recording.as_str(), "asked": asked, "under_way": under_way,
                "refused": refused, "back": back, "frozen": frozen, "within_ms": within.map(ms),
                "next_ms": next.map(ms), "left_ms": ms(*left),
            })
        }
        Event::Surveyed { from, listed, recordings } => json!({
            "event": "surveyed", "from": from.as_str(), "listed": listed, "recordings": recordings,
        }),
        Event::Joined { file, size, gaps } => {
            json!({ "event": "joined", "file": file.to_string_lossy(), "size": size, "gaps": gaps })
        }
        Event::Finished { report, dir } => {
            let outcome = report.outcome();
            json!({
                "event": "finished", "recording": report.recording.as_str(), "dir": dir.to_string_lossy(),
                "outcome": outcome.word(), "exit_code": outcome.exit_code(),
            })
        }
        _ => return None,
    })
}

fn origin_word(origin: recfetch::domain::report::Origin) -> &'static str {
    use recfetch::domain::report::Origin;
    match origin {
        Origin::Fetched => "fetched",
        Origin::Kept => "kept",
        Origin::Nowhere => "nowhere",
    }
}

#[cfg(test)]
mod tests {
    use recfetch::domain::key::ObjectName;
    use recfetch::domain::place::SourceName;
    use recfetch::domain::report::Origin;
    use recfetch::domain::verdict::{Evidence, Verdict};

    use super::*;

    #[test]
    fn a_verdict_is_one_object_with_stable_words() {
        let name = ObjectName::parse("a.ts").unwrap();
        let from = SourceName::new("prod");
        let verdict = Verdict::Verified { evidence: Evidence::Structure };
        let event = Event::Judged {
            name: &name,
            verdict: &verdict,
            size: Some(188),
            from: Some(&from),
            origin: Origin::Fetched,
        };
        let expected = json!({
            "event": "judged", "name": "a.ts", "verdict": "verified", "detail": "verified by structure",
            "size": 188, "from": "prod", "origin": "fetched",
        });
        assert_eq!(value(&event), Some(expected));
        assert_eq!(value(&Event::Received { name: &name, bytes: 1 }), None);
    }
}
