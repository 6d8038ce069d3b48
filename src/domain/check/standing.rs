//! What a check makes of the whole, and how much is where.

use std::collections::HashSet;

use super::{Check, CheckedSegment, Diagnosis, Presence, Rule, Severity, Standing};
use crate::domain::place::Obstacle;
use crate::domain::timeline::NOTICED_MS;

/// How much is where. Segments are counted once each; times are sums over all tracks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Segments that playlists list.
    pub segments: usize,
    /// Of those, in the recording's own store.
    pub present: usize,
    /// Only in another store.
    pub elsewhere: usize,
    /// In none.
    pub lost: usize,
    /// Nobody can tell.
    pub unknown: usize,
    /// Present or elsewhere, but archived and not restored.
    pub frozen: usize,
    /// Bytes of the segments that were seen; of an object that holds several once.
    pub bytes: u64,
    /// Milliseconds that are present.
    pub present_ms: u64,
    /// Milliseconds that are only in another store.
    pub elsewhere_ms: u64,
    /// Milliseconds that are lost.
    pub lost_ms: u64,
    /// Milliseconds that no playlist lists.
    pub unlisted_ms: u64,
    /// Milliseconds that were never recorded.
    pub never_recorded_ms: u64,
    /// Milliseconds of which nobody can tell.
    pub unknown_ms: u64,
}

impl Check {
    /// What it all comes to: the worst that is said of any part of it. What a fetch from the same stores would
    /// call incomplete is never [`Standing::NothingMissing`] or [`Standing::Elsewhere`] here, unless Agora's
    /// events say that nobody was sending, which a fetch does not ask.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let segments = self.tracks.iter().flat_map(|track| &track.segments).map(of_segment);
        let files = self.playlists.iter().chain(&self.others).map(|file| of_presence(file.presence));
        let stretches = self.tracks.iter().flat_map(|track| &track.stretches);
        // A seam below a second is told, and nobody misses anything.
        let long = stretches.filter(|piece| piece.until.ms_since(piece.from) >= NOTICED_MS);
        let time = long.map(|piece| of_presence(piece.presence));
        let diagnoses = self.diagnoses.iter().map(of_diagnosis);
        let worst = segments.chain(files).chain(time).chain(diagnoses).max();
        // Where nothing is there nothing is complete, unless slices were not asked for.
        let is_left_out = self.diagnoses.iter().any(|diagnosis| diagnosis.rule == Rule::LeftOut);
        let is_something = self.tracks.iter().any(|track| !track.segments.is_empty());
        let is_explained = worst.is_some_and(|worst| worst > Standing::Elsewhere);
        match worst {
            Some(worst) if is_something || is_explained => worst,
            Some(worst) if is_left_out && !self.others.is_empty() => worst,
            Some(_) | None => Standing::Incomplete,
        }
    }

    /// How much is where.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        let mut seen = HashSet::new();
        for segment in self.tracks.iter().flat_map(|track| &track.segments) {
            totals.segments += 1;
            *match segment.presence {
                Presence::Present => &mut totals.present,
                Presence::Elsewhere { .. } => &mut totals.elsewhere,
                Presence::Lost | Presence::Unlisted | Presence::NeverRecorded => &mut totals.lost,
                Presence::Unknown => &mut totals.unknown,
            } += 1;
            totals.frozen += usize::from(is_frozen(segment));
            if seen.insert(&segment.name) {
                totals.bytes = totals.bytes.saturating_add(segment.size.unwrap_or(0));
            }
        }
        for piece in self.tracks.iter().flat_map(|track| &track.stretches) {
            let time = match piece.presence {
                Presence::Present => &mut totals.present_ms,
                Presence::Elsewhere { .. } => &mut totals.elsewhere_ms,
                Presence::Lost => &mut totals.lost_ms,
                Presence::Unlisted => &mut totals.unlisted_ms,
                Presence::NeverRecorded => &mut totals.never_recorded_ms,
                Presence::Unknown => &mut totals.unknown_ms,
            };
            *time = time.saturating_add(u64::try_from(piece.until.ms_since(piece.from)).unwrap_or(0));
        }
        totals
    }
}

fn is_frozen(segment: &CheckedSegment) -> bool {
    matches!(segment.presence, Presence::Present | Presence::Elsewhere { .. })
        && matches!(segment.obstacle, Some(Obstacle::Frozen { .. }))
}

fn of_segment(segment: &CheckedSegment) -> Standing {
    match (segment.presence, &segment.obstacle) {
        (Presence::Present | Presence::Elsewhere { .. }, Some(Obstacle::Frozen { .. })) => Standing::Frozen,
        (Presence::Unknown, Some(obstacle)) => of_obstacle(obstacle),
        (presence, _) => of_presence(presence),
    }
}

/// As for the verdict of a fetch: where settings are wrong a rerun cannot help.
fn of_obstacle(obstacle: &Obstacle) -> Standing {
    match obstacle {
        Obstacle::Denied(_) | Obstacle::NoSuchBucket | Obstacle::WrongRegion { .. } | Obstacle::Untrusted => {
            Standing::Denied
        }
        Obstacle::Frozen { .. } => Standing::Frozen,
        Obstacle::Absent
        | Obstacle::Changed
        | Obstacle::Corrupt
        | Obstacle::Throttled
        | Obstacle::Unreachable
        | Obstacle::Unsupported
        | Obstacle::Unexpected => Standing::Unknown,
    }
}

/// Whether a playlist could not be read for a reason that says nothing about keys and settings.
fn is_temporary(diagnosis: &Diagnosis) -> bool {
    let mut unknown = [
        Obstacle::Changed,
        Obstacle::Corrupt,
        Obstacle::Throttled,
        Obstacle::Unreachable,
        Obstacle::Unsupported,
        Obstacle::Unexpected,
    ]
    .into_iter();
    unknown.any(|obstacle| diagnosis.found.as_deref() == Some(obstacle.to_string().as_str()))
}

fn of_presence(presence: Presence) -> Standing {
    match presence {
        Presence::Present | Presence::NeverRecorded => Standing::NothingMissing,
        Presence::Elsewhere { .. } => Standing::Elsewhere,
        Presence::Lost | Presence::Unlisted => Standing::Incomplete,
        Presence::Unknown => Standing::Unknown,
    }
}

fn of_diagnosis(diagnosis: &Diagnosis) -> Standing {
    let (rule, is_loss) = (diagnosis.rule, diagnosis.severity == Severity::Loss);
    let is_frozen = rule == Rule::SegmentFrozen || rule == Rule::PlaylistFrozen && is_loss;
    if is_frozen {
        Standing::Frozen
    } else if !is_loss {
        Standing::NothingMissing
    } else if rule == Rule::SegmentUnread || rule == Rule::PlaylistDenied && is_temporary(diagnosis) {
        // Which obstacle it was its own segment says.
        Standing::Unknown
    } else if [Rule::PlaylistDenied, Rule::ReadDenied].contains(&rule) {
        Standing::Denied
    } else if rule >= Rule::Structure {
        Standing::Corrupt
    } else {
        Standing::Incomplete
    }
}
