//! Playing times from the bytes of segments that no playlist lists.

use std::time::Duration;

use super::run::Run;
use crate::domain::plan::TrackPlan;
use crate::domain::synthetic;

impl Run {
    /// Takes back what was measured without the playing times that only the bytes tell.
    pub(super) fn forget_unprobed(&mut self, tracks: &[TrackPlan]) {
        let unprobed: Vec<_> = tracks.iter().filter(|t| !t.runs.is_empty()).map(|track| track.id).collect();
        self.findings.retain(|finding| !unprobed.iter().any(|id| synthetic::is_measured(finding, *id)));
    }

    /// Measures the time lines of tracks with such segments, now that all is here that can be had.
    pub(super) fn probe(&mut self, tracks: &mut [TrackPlan]) {
        for track in tracks.iter_mut().filter(|track| !track.runs.is_empty()) {
            let found = synthetic::probe(track, |name| {
                let verified = self.objects.get(name).is_some_and(|object| object.verdict.is_verified());
                let (_, span) = self.known(name).filter(|_| verified)?.clock?;
                // From the clock of 90 kHz.
                Some(Duration::from_micros(span.saturating_mul(1000) / 90))
            });
            found.into_iter().for_each(|finding| self.notice(finding));
        }
    }
}
