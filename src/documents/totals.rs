//! How much is where, and what it all comes to.

use super::check_json::TotalsV1;
use crate::domain::check::{Check, CheckedSegment, Presence, Rule, Severity, Standing};
use crate::domain::place::Obstacle;

/// Counts segments once each, and adds up the time of all tracks.
pub(super) fn totals(check: &Check) -> TotalsV1 {
    let mut totals = TotalsV1::default();
    for segment in segments(check) {
        totals.segments += 1;
        let here = match segment.presence {
            Presence::Present => &mut totals.present,
            Presence::Elsewhere { .. } => &mut totals.elsewhere,
            Presence::Lost | Presence::Unlisted | Presence::NeverRecorded => &mut totals.lost,
            Presence::Unknown => &mut totals.unknown,
        };
        *here += 1;
        totals.frozen += usize::from(is_frozen(segment));
        totals.bytes = totals.bytes.saturating_add(segment.size.unwrap_or(0));
    }
    for stretch in check.tracks.iter().flat_map(|track| &track.stretches) {
        let ms = u64::try_from(stretch.until.ms_since(stretch.from)).unwrap_or(0);
        let time = match stretch.presence {
            Presence::Present => &mut totals.present_ms,
            Presence::Elsewhere { .. } => &mut totals.elsewhere_ms,
            Presence::Lost => &mut totals.lost_ms,
            Presence::Unlisted => &mut totals.unlisted_ms,
            Presence::NeverRecorded => &mut totals.never_recorded_ms,
            Presence::Unknown => &mut totals.unknown_ms,
        };
        *time = time.saturating_add(ms);
    }
    totals
}

/// What it all comes to: the worst that is said of any part of it.
pub(super) fn standing(check: &Check) -> Standing {
    let of_segments = segments(check).map(|segment| match (segment.presence, &segment.obstacle) {
        (Presence::Present | Presence::Elsewhere { .. }, Some(Obstacle::Frozen { .. })) => Standing::Frozen,
        (Presence::Present, _) => Standing::NothingMissing,
        (Presence::Elsewhere { .. }, _) => Standing::Elsewhere,
        (Presence::Unknown, Some(Obstacle::Denied(_))) => Standing::Denied,
        (Presence::Unknown, _) => Standing::Unknown,
        (Presence::Lost | Presence::Unlisted | Presence::NeverRecorded, _) => Standing::Incomplete,
    });
    let stretches = check.tracks.iter().flat_map(|track| &track.stretches);
    let of_time = stretches.map(|stretch| match stretch.presence {
        Presence::Present | Presence::NeverRecorded => Standing::NothingMissing,
        Presence::Elsewhere { .. } => Standing::Elsewhere,
        Presence::Lost | Presence::Unlisted => Standing::Incomplete,
        Presence::Unknown => Standing::Unknown,
    });
    let losses = check.diagnoses.iter().filter(|diagnosis| diagnosis.severity == Severity::Loss);
    let of_losses = losses.map(|diagnosis| match diagnosis.rule {
        Rule::ReadDenied | Rule::PlaylistDenied => Standing::Denied,
        Rule::PlaylistFrozen => Standing::Frozen,
        Rule::SegmentUnread => Standing::Unknown,
        rule if rule.code().starts_with("RF6") => Standing::Corrupt,
        _ => Standing::Incomplete,
    });
    of_segments.chain(of_time).chain(of_losses).max().unwrap_or(Standing::Incomplete)
}

/// The exit code that goes with it; those of a report where both have the word.
pub(super) fn exit_code(standing: Standing) -> u8 {
    match standing {
        Standing::NothingMissing | Standing::Elsewhere => 0,
        Standing::Incomplete => 3,
        Standing::Corrupt => 4,
        Standing::Unknown => 5,
        Standing::Denied => 6,
        Standing::Frozen => 8,
    }
}

fn segments(check: &Check) -> impl Iterator<Item = &CheckedSegment> {
    check.tracks.iter().flat_map(|track| &track.segments)
}

fn is_frozen(segment: &CheckedSegment) -> bool {
    matches!(segment.presence, Presence::Present | Presence::Elsewhere { .. })
        && matches!(segment.obstacle, Some(Obstacle::Frozen { .. }))
}
