//! What may still come: what Agora Cloud Backup pushes on from its own store.

use std::collections::BTreeSet;

use super::{Check, Presence, Rule};
use crate::domain::key::ObjectName;

/// What a recording lacks and may still get.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Awaited {
    /// Segments that playlists list and no store has, or that could not be asked for just now. Each once, by name.
    pub segments: Vec<ObjectName>,
    /// Pieces of time of which slices were lost before they were listed.
    pub gaps: usize,
    /// What else is wrong and may pass: a playlist that is not there or not ended, a file that Agora names.
    pub rules: Vec<Rule>,
}

/// Rules whose cases a later upload may heal.
const MAY_PASS: [Rule; 12] = [
    Rule::SegmentEmpty,
    Rule::NoPlaylist,
    Rule::PlaylistEmpty,
    Rule::CutOff,
    Rule::NotEnded,
    Rule::ListsNothing,
    Rule::RecorderHole,
    Rule::StillRunning,
    Rule::BackupUnderWay,
    Rule::ToldAbsent,
    Rule::Mp4NotYet,
    Rule::MissingIndex,
];

impl Awaited {
    /// Whether there is nothing to wait for.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.segments.is_empty() && self.gaps == 0 && self.rules.is_empty()
    }
}

impl Check {
    /// What it lacks and may still get. What a store refuses is no matter of waiting.
    #[must_use]
    pub fn awaited(&self) -> Awaited {
        let segments = self.tracks.iter().flat_map(|track| &track.segments);
        let segments = segments.filter(|segment| match segment.presence {
            Presence::Lost => true,
            Presence::Unknown => segment.obstacle.as_ref().is_some_and(super::Obstacle::is_temporary),
            Presence::Present | Presence::Elsewhere { .. } | Presence::Unlisted | Presence::NeverRecorded => {
                false
            }
        });
        let segments: BTreeSet<_> = segments.map(|segment| segment.name.clone()).collect();
        let stretches = self.tracks.iter().flat_map(|track| &track.stretches);
        let rules: BTreeSet<_> = self.diagnoses.iter().map(|diagnosis| diagnosis.rule).collect();
        Awaited {
            segments: segments.into_iter().collect(),
            gaps: stretches.filter(|stretch| stretch.presence == Presence::Unlisted).count(),
            rules: rules.into_iter().filter(|rule| MAY_PASS.contains(rule)).collect(),
        }
    }
}
