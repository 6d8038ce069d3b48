//! Segments whose bytes are those of another one: looked for when all are here.

use std::collections::HashMap;

use super::Candidate;
use super::run::{Failed, Run};
use crate::archive::Record;
use crate::domain::continuity::Stamp;
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::finding::Finding;
use crate::domain::key::{KeyPrefix, ObjectName};
use crate::domain::misplaced::{Misplaced, Misplacement, misplaced};
use crate::domain::place::SourceName;
use crate::domain::plan::{Item, PlannedSegment, TrackPlan};
use crate::domain::report::Try;
use crate::domain::time::SliceTime;
use crate::domain::verdict::{Corruption, Evidence, Verdict, clock_distance};
use crate::event::Event;

impl Run {
    /// Segments whose time stamps or bytes are those of another one, and that no store vouches for, are
    /// fetched once more; what stays wrong is taken out of the archive again.
    pub(super) async fn withdraw_misplaced(
        &mut self,
        candidate: &Candidate,
        folder: &KeyPrefix,
        tracks: &[TrackPlan],
        items: &[Item],
    ) -> Result<(), Failed> {
        for track in tracks {
            for (item, what) in self.misplaced(track, items) {
                self.once_more(candidate, folder, item, what).await?;
            }
        }
        Ok(())
    }

    /// Those segments of a track, with what is expected of them now and what is wrong. What is odd and vouched
    /// for by a store is told.
    pub(super) fn misplaced(&mut self, track: &TrackPlan, items: &[Item]) -> Vec<(Item, Corruption)> {
        let items: HashMap<_, _> = items.iter().map(|item| (&item.name, item)).collect();
        let (present, stamps) = self.stamps(&track.segments);
        let mut wrong = Vec::new();
        // An answer about another version than the listed one vouches for that version. Where nothing was listed,
        // an answer only says of itself that it came whole: not that it is about what was asked for.
        let vouched_for = |index: usize| {
            let name = &present[index].name;
            let verified = self.objects.get(name).map(|object| &object.verdict);
            matches!(verified, Some(Verdict::Verified { evidence: Evidence::StoreDigest { .. } }))
                && items.get(name).is_some_and(|item| item.listed.is_some())
                && !self.findings.contains(&Finding::ChangedSinceListing { name: name.clone() })
        };
        for Misplaced { index, what } in misplaced(&stamps, vouched_for) {
            let Some(item) = items.get(&present[index].name) else { continue };
            match what {
                Misplacement::Jump { expected_pts, found_pts } => {
                    let ms = i64::try_from(clock_distance(expected_pts, found_pts) / 90);
                    let ms = ms.unwrap_or(i64::MAX);
                    self.notice(Finding::TimestampsJump { name: item.name.clone(), ms });
                }
                Misplacement::OtherTime { expected_pts, found_pts } => {
                    let mut item = (*item).clone();
                    item.expected.starts_at = Some(expected_pts);
                    let (expected_ms, found_ms) = (expected_pts / 90, found_pts / 90);
                    wrong.push((item, Corruption::OtherTime { expected_ms, found_ms }));
                }
                Misplacement::SameAs { as_index, expected_pts } => {
                    let other = present[as_index].name.clone();
                    let mut item = (*item).clone();
                    item.expected.starts_at = expected_pts;
                    item.expected.not_as = self
                        .sha256(&other)
                        .and_then(|bytes| Digest::new(Algorithm::Sha256, bytes))
                        .map(|bytes| (other.clone(), bytes));
                    wrong.push((item, Corruption::SameAs { other }));
                }
                Misplacement::StoredTwice { as_index } => {
                    let (name, other) = (item.name.clone(), present[as_index].name.clone());
                    self.notice(Finding::SameBytes { name, other });
                }
            }
        }
        wrong
    }

    /// Fetches a segment again that was taken for good.
    async fn once_more(
        &mut self,
        candidate: &Candidate,
        folder: &KeyPrefix,
        item: Item,
        what: Corruption,
    ) -> Result<(), Failed> {
        let Some(before) = self.objects.remove(&item.name) else { return Ok(()) };
        let from = before.from.unwrap_or_else(|| SourceName::new("archive"));
        let why = what.to_string();
        let retry_in = Some(std::time::Duration::ZERO);
        self.context.tell(&Event::TryFailed { name: &item.name, from: &from, why: &why, retry_in });
        let (home, context) = (self.home.clone(), self.context.clone());
        home.withdraw(&context, &item.name).await?;
        let name = item.name.clone();
        self.fetch_all(candidate, folder, vec![item]).await?;
        if let Some(after) = self.objects.get_mut(&name) {
            let verdict = Verdict::Corrupt { from: from.clone(), what };
            after.failed_tries.insert(0, Try { from, why: verdict.to_string() });
        }
        Ok(())
    }

    fn stamps<'s>(&self, segments: &'s [PlannedSegment]) -> (Vec<&'s PlannedSegment>, Vec<Stamp>) {
        let present = segments.iter().filter_map(|segment| {
            let record = self.known(&segment.name)?;
            self.objects.get(&segment.name)?.verdict.is_verified().then_some((segment, record))
        });
        present
            .map(|(segment, record)| {
                let duration = segment.listed.duration.map(|d| u64::try_from(d.as_millis()));
                let stamp = Stamp {
                    name: segment.name.clone(),
                    starts_ms: segment.starts.map(SliceTime::unix_ms),
                    duration_ms: duration.and_then(Result::ok),
                    first_pts: record.clock.map(|(first, _)| first),
                    span: record.clock.map(|(_, span)| span),
                    run: segment.run,
                    sha256: self.sha256(&segment.name),
                };
                (segment, stamp)
            })
            .unzip()
    }

    /// What was proven about a segment, wherever it lies.
    pub(super) fn known(&self, name: &ObjectName) -> Option<Record> {
        self.assembled.get(name).cloned().or_else(|| self.home.record(name))
    }

    fn sha256(&self, name: &ObjectName) -> Option<[u8; 32]> {
        let record = self.known(name)?;
        let digest = record.digests.iter().find(|d| d.algorithm() == Algorithm::Sha256)?;
        digest.bytes().try_into().ok()
    }
}
