//! How a diagnosis is put together, and the words that all of them share.

use std::collections::BTreeSet;

use super::facts::Facts;
use super::{About, Diagnosis, Rule, Severity};
use crate::domain::key::{KeyPrefix, ObjectKey};
use crate::domain::place::SourceName;
use crate::domain::recording::TrackId;
use crate::domain::time::SliceTime;

impl Diagnosis {
    /// A case of a rule with its usual weight. `text` is one sentence without a full stop.
    pub(super) fn new(rule: Rule, text: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity(),
            about: About::default(),
            expected: None,
            found: None,
            text: text.into(),
        }
    }

    pub(super) fn weighing(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(super) fn expected(mut self, words: impl Into<String>) -> Self {
        self.expected = Some(words.into());
        self
    }

    pub(super) fn found(mut self, words: impl Into<String>) -> Self {
        self.found = Some(words.into());
        self
    }

    pub(super) fn of_track(mut self, track: TrackId) -> Self {
        self.about.track = Some(track);
        self
    }

    pub(super) fn of_object(mut self, object: impl Into<String>) -> Self {
        self.about.object = Some(object.into());
        self
    }

    pub(super) fn in_store(mut self, store: Option<&SourceName>) -> Self {
        self.about.store = store.cloned();
        self
    }

    pub(super) fn from(mut self, from: Option<SliceTime>) -> Self {
        self.about.from = from;
        self
    }

    pub(super) fn until(mut self, until: Option<SliceTime>) -> Self {
        self.about.until = until;
        self
    }

    /// About a segment: its place in the track, and its time.
    pub(super) fn of_segment(mut self, facts: &Facts<'_>, (track, segment): (usize, usize)) -> Self {
        let Some(track) = facts.tracks.get(track) else { return self };
        self.about.track = Some(track.id);
        if let Some(segment) = track.segments.get(segment) {
            self.about.segment = Some(segment.number);
            self.about.object = Some(segment.name.to_string());
            self.about.from = segment.starts;
            self.about.until = segment.ends;
        }
        self
    }
}

/// Puts the worst first, and sorts by time among equals; what has no time comes last.
///
/// What is wrong with a whole store is told once, whoever met it.
pub(super) fn in_order(mut diagnoses: Vec<Diagnosis>) -> Vec<Diagnosis> {
    let mut told: BTreeSet<(Rule, Option<SourceName>)> = BTreeSet::new();
    diagnoses.retain(|diagnosis| {
        let About { object, store, .. } = &diagnosis.about;
        object.is_some() || store.is_none() || told.insert((diagnosis.rule, store.clone()))
    });
    diagnoses.sort_by(|a, b| {
        let key = |one: &Diagnosis| {
            let about = &one.about;
            let time = (about.from.is_none(), about.from);
            (std::cmp::Reverse(one.severity), time, one.rule, about.track, about.segment)
        };
        key(a).cmp(&key(b)).then_with(|| a.about.object.cmp(&b.about.object))
    });
    diagnoses
}

/// The name of an object as it is called here: in the recording's folder, or the whole key elsewhere.
pub(super) fn called(key: &ObjectKey, folder: &KeyPrefix) -> String {
    key.relative_to(folder).map_or_else(|| key.to_string(), |name| name.to_string())
}

/// Milliseconds as seconds: `15.011 s`.
pub(crate) fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    format!("{sign}{}.{:03} s", ms / 1000, ms % 1000)
}

/// `1 byte`, `2 bytes`.
pub(super) fn bytes(count: u64) -> String {
    counted(count, "byte")
}

/// `1 slice`, `2 slices`.
pub(super) fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<T: std::fmt::Display>(things: &[T]) -> String {
    match things {
        [] => String::new(),
        [one] => one.to_string(),
        [many @ .., last] => {
            let many: Vec<_> = many.iter().map(ToString::to_string).collect();
            format!("{} and {last}", many.join(", "))
        }
    }
}
