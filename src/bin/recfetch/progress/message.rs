//! Events that are worth a line of their own.

use recfetch::domain::finding::Severity;
use recfetch::event::Event;

use super::Verbosity;
use crate::failure::printable;
use crate::output::count;

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
        _ => return None,
    };
    Some(Message { text: format!("{word:<10} {}", printable(&text)), limited })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
}
