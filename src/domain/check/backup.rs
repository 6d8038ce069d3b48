//! Agora Cloud Backup: whether a part that is missing may still come.

use super::facts::Facts;
use super::told::{Happened, ToldState};
use super::{Check, Diagnosis, Rule, Severity};
use crate::domain::time::SliceTime;

/// What the backup holds is deleted after ten days (Agora, glossary, "Agora Cloud Backup", 2020-07).
const KEPT_MS: i64 = 10 * 86_400_000;

/// `warnCode` of event 2: the uploader goes on to the backup.
const TO_BACKUP: i64 = 32;

impl Check {
    /// Until when Agora Cloud Backup keeps what is missing: ten days from the end of the recording. `None` where
    /// nobody knows when it ended.
    #[must_use]
    pub fn backup_ends(&self) -> Option<SliceTime> {
        self.last.map(|last| last.plus_ms(KEPT_MS))
    }

    /// Whether Agora Cloud Backup has nothing more to give: its ten days are over.
    #[must_use]
    pub fn backup_is_over(&self) -> bool {
        self.backup_ends().is_some_and(|ends| self.at > ends)
    }
}

/// Whether the backup holds a part of what is missing, by what Agora told. `diagnoses` are all others.
pub(super) fn diagnose(facts: &Facts<'_>, diagnoses: &[Diagnosis]) -> Option<Diagnosis> {
    let told = &facts.gathered.told;
    let event = told
        .events
        .iter()
        .find(|event| matches!(event.what, Happened::BackedUp | Happened::Reuploaded { code: TO_BACKUP }));
    if event.is_none() && told.state != ToldState::BackedUp || !diagnoses.iter().any(is_missing) {
        return None;
    }
    let end = facts.last.or(event.and_then(|event| event.at));
    let deadline = end.map(|end| end.plus_ms(KEPT_MS));
    Some(match deadline {
        Some(deadline) if facts.gathered.at > deadline => expired(deadline),
        deadline => under_way(deadline),
    })
}

/// Whether something is not in the recording's own store that could come there.
fn is_missing(diagnosis: &Diagnosis) -> bool {
    // Whoever may not read does not know what is missing, and what is frozen is there.
    const NOT_KNOWN: [Rule; 5] = [
        Rule::SegmentUnread,
        Rule::ReadDenied,
        Rule::PlaylistDenied,
        Rule::PlaylistFrozen,
        Rule::StillRunning,
    ];
    let rule = diagnosis.rule;
    [Rule::SegmentElsewhere, Rule::ToldAbsent, Rule::Mp4NotYet].contains(&rule)
        || diagnosis.severity == Severity::Loss && rule < Rule::Structure && !NOT_KNOWN.contains(&rule)
}

fn under_way(deadline: Option<SliceTime>) -> Diagnosis {
    let until =
        deadline.map_or_else(String::new, |deadline| format!(" until {deadline}, ten days after the end"));
    let text = format!("Agora Cloud Backup holds a part and pushes it into the bucket{until}");
    Diagnosis::new(Rule::BackupUnderWay, text)
        .expected("everything in the bucket")
        .found("a part in the backup")
        .until(deadline)
}

fn expired(deadline: SliceTime) -> Diagnosis {
    let text = format!("the ten days of Agora Cloud Backup were over at {deadline}: what it held is deleted");
    Diagnosis::new(Rule::BackupExpired, text)
        .expected("everything in the bucket by then")
        .found("a part missing")
        .until(Some(deadline))
}
