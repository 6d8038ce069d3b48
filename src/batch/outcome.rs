//! What became of one recording, as a line of JSON.

use serde::{Deserialize, Serialize};

use crate::archive::ReportV1;
use crate::domain::report::{Origin, Outcome, Report};
use crate::domain::verdict::Verdict;

/// What the field `format` of an outcome of this version says.
pub const OUTCOME_FORMAT: &str = "recfetch-outcome/1";

/// What became of one recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeV1 {
    /// `recfetch-outcome/1`.
    pub format: String,
    /// The recording ID (sid), or what was given where that names none.
    pub recording: String,
    /// The whole in a word: see [`word`].
    pub outcome: String,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// What was done.
    pub state: StateV1,
    /// How many objects ended how.
    #[serde(default)]
    pub objects: ObjectsV1,
    /// Bytes of the recording, as far as they are proven where they were brought.
    #[serde(default)]
    pub bytes: u64,
    /// Bytes that came over the network for it.
    #[serde(default)]
    pub received: u64,
    /// Tries that failed on the way.
    #[serde(default)]
    pub failed_tries: u64,
    /// How long it took.
    pub seconds: f64,
    /// When it ended, RFC 3339 in UTC.
    pub finished: String,
    /// Where it was looked for and found first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where it is now: a folder, or a store and the folder in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// When it was recorded: its first slice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// SHA-256 of the manifest of its tag files, which vouches for everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// Why it is not complete, outermost first, without an end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// What to do about that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateV1 {
    /// It was there already, proven.
    There,
    /// It was fetched, whole or not.
    Fetched,
    /// It was brought to another store, whole or not.
    Mirrored,
    /// Nothing could be had of it, or nothing could be kept.
    Failed,
}

/// How many objects ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectsV1 {
    /// All of them.
    pub total: u64,
    /// Proven where they were brought.
    pub verified: u64,
    /// Of these, those that came in this run.
    pub fetched: u64,
}

/// The word for an exit code, as in reports.
#[must_use]
pub fn word(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "complete",
        2 => "usage",
        3 => "incomplete",
        4 => "corrupt",
        5 => "temporary",
        6 => "denied",
        7 => "not-found",
        8 => "frozen",
        9 => "disk",
        130 | 143 => "interrupted",
        _ => "internal",
    }
}

impl OutcomeV1 {
    /// An outcome that says no more than how it ended.
    #[must_use]
    pub fn new(recording: impl Into<String>, exit_code: u8, state: StateV1) -> Self {
        Self {
            format: OUTCOME_FORMAT.to_owned(),
            recording: recording.into(),
            outcome: word(exit_code).to_owned(),
            exit_code,
            state,
            objects: ObjectsV1::default(),
            bytes: 0,
            received: 0,
            failed_tries: 0,
            seconds: 0.0,
            finished: String::new(),
            from: None,
            at: None,
            recorded: None,
            proof: None,
            why: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// The outcome of a recording with a report.
    #[must_use]
    pub fn of(report: &Report, written: &ReportV1, state: StateV1) -> Self {
        let outcome = report.outcome();
        let verified = || report.objects.iter().filter(|object| object.verdict.is_verified());
        let mut why: Vec<String> = Vec::new();
        for object in report.objects.iter().filter(|object| !object.verdict.is_verified()) {
            if why.len() == REASONS_AT_MOST {
                why.push("and more: see the report".to_owned());
                break;
            }
            why.push(format!("{}: {}", object.name, object.verdict));
        }
        if outcome.exit_code() != 0 && why.is_empty() {
            why.extend(report.findings.iter().take(REASONS_AT_MOST).map(ToString::to_string));
        }
        // What was not looked at may be there: nobody knows yet how this ends.
        let is_stopped = report.objects.iter().any(|object| object.verdict == Verdict::Interrupted);
        let outcome = if is_stopped { Outcome::Interrupted } else { outcome };
        Self {
            outcome: outcome.word().to_owned(),
            objects: ObjectsV1 {
                total: report.objects.len() as u64,
                verified: verified().count() as u64,
                fetched: verified().filter(|object| object.origin == Origin::Fetched).count() as u64,
            },
            bytes: verified().filter_map(|object| object.size).sum(),
            finished: written.finished.clone(),
            from: written.places.first().map(|place| place.name.clone()),
            recorded: written.first_slice.clone(),
            why,
            ..Self::new(report.recording.as_str(), outcome.exit_code(), state)
        }
    }

    /// Whether the recording is where it was to be brought, complete and proven.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.exit_code == 0
    }

    /// The line, without a line feed.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A plain struct with string keys: serde_json has no way to fail on it.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// So many reasons are named.
const REASONS_AT_MOST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_reports() {
        for outcome in [
            Outcome::Complete,
            Outcome::Incomplete,
            Outcome::Corrupt,
            Outcome::Denied,
            Outcome::Frozen,
            Outcome::Temporary,
        ] {
            assert_eq!(word(outcome.exit_code()), outcome.word());
        }
        assert_eq!((word(7), word(9), word(77)), ("not-found", "disk", "internal"));
    }

    #[test]
    fn an_outcome_is_one_line_that_can_be_read_again() {
        let mut outcome = OutcomeV1::new("sid", 3, StateV1::Failed);
        outcome.why = vec!["a\nb".to_owned()];
        let line = outcome.to_json();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<OutcomeV1>(&line).unwrap(), outcome);
        assert!(!outcome.is_complete());
    }
}
