//! From what was proven to what the report says.

use super::{Candidate, time_of_day};
use crate::archive::Record;
use crate::domain::finding::Finding;
use crate::domain::form::rotation_marks;
use crate::domain::place::SourceName;
use crate::domain::plan::{Item, ItemPlace, TrackPlan};
use crate::domain::report::{ObjectReport, ObjectRole, Origin, TrackReport, Try};
use crate::domain::verdict::{Evidence, Verdict, plays_ms_in_full};

/// What is to be said about bytes that were judged good, whenever they came.
pub(super) fn findings_of(item: &Item, record: &Record) -> Vec<Finding> {
    let mut findings = Vec::new();
    if record.breaks > 0 {
        findings.push(Finding::ContinuityErrors { name: item.name.clone(), count: record.breaks });
    }
    // Journals of earlier versions have only the clock.
    let playing_ms = record.playing_ms.or(record.clock.map(|(_, span)| span / 90));
    if let (Evidence::LengthOnly, Some(listed), Some(found_ms)) =
        (&record.evidence, item.expected.duration, playing_ms)
        && !plays_ms_in_full(listed, found_ms)
    {
        findings.push(Finding::PlaysShort {
            name: item.name.clone(),
            expected_ms: u64::try_from(listed.as_millis()).unwrap_or(u64::MAX),
            found_ms,
        });
    }
    findings
}

/// Whether the store that the kept bytes came from lists another version by now.
pub(super) fn kept_other(item: &Item, record: &Record, first: &SourceName) -> Option<Finding> {
    let listed = item.listed.as_ref()?.etag.as_ref()?;
    let kept = record.etag.as_ref()?;
    (record.from == *first && listed != kept).then(|| Finding::KeptOther { name: item.name.clone() })
}

pub(super) fn kept_report(item: &Item, record: &Record) -> ObjectReport {
    let verdict = Verdict::Verified { evidence: record.evidence.clone() };
    let mut report = report_of(item, verdict, Some(record), Vec::new());
    report.origin = Origin::Kept;
    report
}

pub(super) fn report_of(
    item: &Item,
    verdict: Verdict,
    record: Option<&Record>,
    failed_tries: Vec<Try>,
) -> ObjectReport {
    let key = match &item.place {
        ItemPlace::Key(key) => Some(key.clone()),
        ItemPlace::Url(_) | ItemPlace::Refused => None,
    };
    ObjectReport {
        name: item.name.clone(),
        key,
        path: record.map(|record| record.path.clone()),
        role: item.role,
        starts: item.starts,
        duration: item.expected.duration,
        verdict,
        size: record.map(|record| record.size),
        offset: record.and_then(|record| record.offset),
        form: record.map(|record| record.form.clone()).unwrap_or_default(),
        digests: record.map(|record| record.digests.clone()).unwrap_or_default(),
        format: item.expected.content.format(),
        from: record.map(|record| record.from.clone()),
        origin: Origin::Nowhere,
        failed_tries,
        at: record.map_or_else(time_of_day, |record| record.at),
    }
}

pub(super) fn places(candidate: &Candidate) -> Vec<(SourceName, String)> {
    let stores = std::iter::once(&candidate.store).chain(&candidate.fallbacks);
    stores.map(|store| (store.source.name().clone(), store.source.describe())).collect()
}

pub(super) fn track_report(track: &TrackPlan) -> TrackReport {
    TrackReport {
        id: track.id,
        playlists: track.playlists.clone(),
        first: track.timeline.first,
        last: track.timeline.last,
        playing: track.playing(),
        segments: track.segments.len(),
        origin: track.origin,
        rotations: rotation_marks(&track.segments),
    }
}

pub(super) fn segment_bytes(items: &[Item]) -> u64 {
    let segments = items.iter().filter(|item| matches!(item.role, ObjectRole::Segment(_)));
    segments.filter_map(|item| item.expected.size).sum()
}
