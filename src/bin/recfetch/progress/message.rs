//! Events that are worth a line of their own.

use std::time::Duration;

use recfetch::domain::check::Awaited;
use recfetch::domain::finding::Severity;
use recfetch::domain::recording::RecordingId;
use recfetch::event::Event;

use super::Verbosity;
use crate::failure::printable;
use crate::output::count;
use crate::output::summary::short_name;
use crate::quantity::typed_duration;

/// How many awaited segments are named.
const AWAITED_SHOWN: usize = 3;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Its text, without a line feed.
    pub(super) text: String,
    /// Whether there can be one per segment, so that a flood must be stopped.
    pub(super) limited: bool,
}

/// The line of an event, where it has one at this verbosity.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's events may grow; what is not known here is not shown"
)]
pub(super) fn of(event: &Event<'_>, verbosity: Verbosity) -> Option<Message> {
    let verbose = verbosity >= Verbosity::Verbose;
    if verbosity == Verbosity::Quiet {
        return None;
    }
    let (word, text, limited) = match event {
        Event::Noticed { finding } => {
            let word = match finding.severity() {
                Severity::Note if verbose => "note",
                Severity::Note => return None,
                Severity::Warning => "warning",
                Severity::Loss => "loss",
            };
            (word, finding.to_string(), !verbose)
        }
        Event::Judged { name, verdict, .. } if !verdict.is_verified() => {
            (verdict.code(), format!("{name}: {verdict}"), !verbose)
        }
        Event::Rechecked { name, proven: false, .. } => {
            ("changed", format!("{name}: no longer as it was proven; it is fetched again"), !verbose)
        }
        Event::TryFailed { name, from, why, retry_in: Some(wait) } if verbose => {
            let seconds = (wait.as_millis() + 500) / 1000;
            ("retry", format!("{name} from {from} in {seconds} s: {why}"), false)
        }
        Event::TryFailed { name, from, why, retry_in: None } if verbose => {
            ("given up", format!("{name} from {from}: {why}"), false)
        }
        Event::WidthChanged { width, why } if verbose => {
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            ("width", format!("{} at once{why}", count(*width, "object")), false)
        }
        Event::PlaylistRead { key, segments } if verbose => {
            ("playlist", format!("{key}: {}", count(*segments, "segment")), false)
        }
        Event::Awaiting { recording, awaited, next, left } => {
            ("awaiting", awaiting(recording, *awaited, *next, *left, verbose), false)
        }
        // What comes of it in the end is part of the result.
        Event::Restoring {
            recording,
            asked,
            under_way,
            back,
            frozen,
            within,
            next: Some(next),
            left,
            ..
        } => {
            let parts = [
                (*frozen, "archived"),
                (*asked, "asked for"),
                (*under_way, "under way before"),
                (*back, "back"),
            ];
            let parts = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
            let within = within.map(|within| format!("; all of it within {} of asking", seconds(within)));
            let text = format!(
                "{}: {}{}; next look in {}, {} left",
                recording.short(),
                parts.collect::<Vec<_>>().join(", "),
                within.unwrap_or_default(),
                seconds(*next),
                seconds(*left)
            );
            ("restoring", text, false)
        }
        _ => return None,
    };
    Some(Message { text: format!("{word:<10} {}", printable(&text)), limited })
}

/// What may still come, and when it is looked for again.
fn awaiting(
    recording: &RecordingId,
    awaited: Option<&Awaited>,
    next: Option<Duration>,
    left: Duration,
    verbose: bool,
) -> String {
    let what = match awaited {
        None => "nothing of it is there yet".to_owned(),
        Some(Awaited { segments, gaps, rules }) => {
            let mut parts = Vec::new();
            if !segments.is_empty() {
                let shown = if verbose { segments.len() } else { AWAITED_SHOWN };
                let mut names: Vec<_> =
                    segments.iter().take(shown).map(|name| short_name(name.as_str())).collect();
                if segments.len() > shown {
                    names.push("…".to_owned());
                }
                parts.push(format!("{} ({})", count(segments.len(), "segment"), names.join(", ")));
            }
            if *gaps > 0 {
                parts.push(count(*gaps, "gap"));
            }
            parts.extend(rules.iter().map(|rule| rule.title().to_owned()));
            parts.join("; ")
        }
    };
    let when = match next {
        Some(next) => format!("next look in {}, {} left", seconds(next), seconds(left)),
        None => "this was the last look".to_owned(),
    };
    format!("{}: {what}; {when}", recording.short())
}

fn seconds(duration: Duration) -> String {
    typed_duration(Duration::from_secs(duration.as_secs()))
}

#[cfg(test)]
mod tests {
    use recfetch::domain::check::Rule;
    use recfetch::domain::finding::Finding;
    use recfetch::domain::key::{ObjectKey, ObjectName};
    use recfetch::domain::place::{Obstacle, SourceName};
    use recfetch::domain::report::Origin;
    use recfetch::domain::verdict::{Evidence, Verdict};

    use super::*;

    #[test]
    fn what_is_said_depends_on_what_it_weighs() {
        use Verbosity::{Normal, Quiet, Verbose};
        let key = ObjectKey::parse("x.m3u8").unwrap();
        let name = ObjectName::parse("a.ts").unwrap();
        let from = SourceName::new("prod");
        let loss = Finding::NotEnded { playlist: key.clone() };
        let note = Finding::TransferChosen { chosen: key.clone(), other: key };
        let good = Verdict::Verified { evidence: Evidence::Structure };
        let absent = Verdict::Absent { looked_in: vec![from.clone()] };
        let judged =
            |verdict| Event::Judged { name: &name, verdict, size: None, from: None, origin: Origin::Nowhere };
        let wait = Some(Duration::from_millis(1600));
        let table = [
            (Event::Noticed { finding: &loss }, Normal, Some("loss       `x.m3u8` has no EXT-X-ENDLIST")),
            (Event::Noticed { finding: &loss }, Quiet, None),
            (Event::Noticed { finding: &note }, Normal, None),
            (Event::Noticed { finding: &note }, Verbose, Some("note       `x.m3u8` is used")),
            (judged(&good), Verbose, None),
            (judged(&absent), Normal, Some("absent     a.ts: absent in prod")),
            (
                Event::TryFailed { name: &name, from: &from, why: "503", retry_in: wait },
                Verbose,
                Some("retry      a.ts from prod in 2 s: 503"),
            ),
            (Event::TryFailed { name: &name, from: &from, why: "503", retry_in: wait }, Normal, None),
            (
                Event::WidthChanged { width: 1, why: Some(&Obstacle::Throttled) },
                Verbose,
                Some("width      1 object at once: throttled"),
            ),
        ];
        for (event, verbosity, start) in table {
            let said = of(&event, verbosity).map(|message| message.text);
            match (start, &said) {
                (Some(start), Some(text)) => assert!(text.starts_with(start), "{text}"),
                (None, None) => {}
                (_, _) => panic!("{event:?} at {verbosity:?} says {said:?}"),
            }
        }
    }

    #[test]
    fn what_is_awaited_is_told_with_the_time_of_the_next_look() {
        let recording = RecordingId::parse("38f8e3cfdc474cd56fc1ceba380d7e1a").unwrap();
        let name = |n: usize| {
            ObjectName::parse(&format!("38f8e3cfdc474cd56fc1ceba380d7e1a_math_2026092012514248{n}.ts"))
                .unwrap()
        };
        let awaited =
            Awaited { segments: (0..4).map(name).collect(), gaps: 1, rules: vec![Rule::BackupUnderWay] };
        let said = |awaited, next, verbosity| {
            let left = Duration::from_millis(3_600_900);
            of(&Event::Awaiting { recording: &recording, awaited, next, left }, verbosity)
                .map(|said| said.text)
        };
        let next = Some(Duration::from_secs(45));
        assert_eq!(
            said(Some(&awaited), next, Verbosity::Normal).unwrap(),
            "awaiting   38f8e3cf…: 4 segments (…_20260920125142480.ts, …_20260920125142481.ts, \
             …_20260920125142482.ts, …); 1 gap; Agora Cloud Backup still holds a part; next look in 45s, 1h left"
        );
        assert!(said(Some(&awaited), next, Verbosity::Verbose).unwrap().contains("…_20260920125142483.ts);"));
        assert_eq!(
            said(None, None, Verbosity::Normal).unwrap(),
            "awaiting   38f8e3cf…: nothing of it is there yet; this was the last look"
        );
        assert_eq!(said(None, next, Verbosity::Quiet), None);
    }

    #[test]
    fn a_restore_that_is_waited_for_is_told_with_the_time_of_the_next_look() {
        let recording = RecordingId::parse("38f8e3cfdc474cd56fc1ceba380d7e1a").unwrap();
        let event = |next| Event::Restoring {
            recording: &recording,
            asked: 12,
            under_way: 0,
            refused: 0,
            back: 3,
            frozen: 9,
            within: Some(Duration::from_secs(12 * 3600)),
            next,
            left: Duration::from_secs(3600),
        };
        let said = |next, verbosity| of(&event(next), verbosity).map(|said| said.text);
        let next = Some(Duration::from_secs(90));
        assert_eq!(
            said(next, Verbosity::Normal).unwrap(),
            "restoring  38f8e3cf…: 9 archived, 12 asked for, 3 back; all of it within 12h of asking; \
             next look in 1m30s, 1h left"
        );
        assert_eq!(said(next, Verbosity::Quiet), None);
        // What comes of it in the end is part of the result.
        assert_eq!(said(None, Verbosity::Verbose), None);
    }
}
