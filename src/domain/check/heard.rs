//! What Agora's events say about time: when nobody was sending, and when slices were written or lost.

use std::collections::BTreeMap;
use std::ops::Range;

use super::told::{Happened, Sending, Told, ToldEvent};
use crate::domain::recording::{TrackId, TrackKind, Uid};

/// No recording is longer: 720 hours is the longest that a resource lives ("acquire", 2026-07). Events that
/// are further away belong to something else.
const LONGEST_RECORDING_MS: i64 = 720 * 3_600_000;

/// What was told, by whose stream.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// State changes of each stream (43, 44), by time.
    streams: BTreeMap<Stream, Vec<(i64, Sending)>>,
    /// Starts of slices (42), with where the one before ended where some between were lost.
    slices: BTreeMap<Option<Uid>, Vec<SliceStart>>,
    /// When a recorder left or ended (41, 11), by time.
    ends: Vec<i64>,
}

type Stream = (Option<Uid>, TrackKind);

/// A slice that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SliceStart {
    pub(super) starts: i64,
    pub(super) lost_from: Option<i64>,
    kind: Option<TrackKind>,
}

impl Heard {
    pub(super) fn of(told: &Told) -> Self {
        let mut heard = Self::default();
        for ToldEvent { at: told_at, recorder: _, what } in &told.events {
            match what {
                Happened::StreamChanged { uid, kind, sending, at } => {
                    heard.streams.entry((*uid, *kind)).or_default().push((at.unix_ms(), *sending));
                }
                Happened::SliceStarted { starts, lost_from, uid, kind } => {
                    let starts = starts.unix_ms();
                    let lost_from = lost_from.map(|at| at.unix_ms()).filter(|at| *at < starts);
                    heard.slices.entry(*uid).or_default().push(SliceStart { starts, lost_from, kind: *kind });
                }
                Happened::Left { .. } | Happened::Exited { .. } => {
                    heard.ends.extend(told_at.map(|at| at.unix_ms()));
                }
                Happened::Started
                | Happened::FailedOver { .. }
                | Happened::Status { .. }
                | Happened::FilesNamed
                | Happened::UploadStarted
                | Happened::Progress { .. }
                | Happened::Uploaded
                | Happened::BackedUp
                | Happened::Reuploaded { .. }
                | Happened::KeysExpired
                | Happened::Snapshot
                | Happened::InfoChanged
                | Happened::Vod
                | Happened::PageStopped { .. }
                | Happened::PageLimited
                | Happened::PageReloaded
                | Happened::Transcoded { .. }
                | Happened::DownloadFailed
                | Happened::Failed(_)
                | Happened::Other { .. } => {}
            }
        }
        for changes in heard.streams.values_mut() {
            // Of two at once the one that says less is missing counts last.
            changes.sort_by_key(|(at, sending)| (*at, *sending == Sending::Yes));
        }
        heard.slices.values_mut().for_each(|slices| slices.sort_unstable());
        heard.ends.sort_unstable();
        heard
    }

    /// When nothing came that this track would record: of its own user in individual mode, of anybody else.
    /// In order, apart from each other. Nothing where no event tells.
    pub(super) fn silent(&self, track: TrackId) -> Vec<Range<i64>> {
        let streams: Vec<_> = match (track.uid, track.kind) {
            (None, _) => self.streams.values().collect(),
            (uid, TrackKind::Audio | TrackKind::Video) => {
                self.streams.get(&(uid, track.kind)).into_iter().collect()
            }
            (uid, TrackKind::AudioVideo | TrackKind::Mixed) => {
                let both = [TrackKind::Audio, TrackKind::Video];
                both.iter().filter_map(|kind| self.streams.get(&(uid, *kind))).collect()
            }
        };
        silent(&streams)
    }

    /// The slices of this track that were started within reach of its own, in order.
    pub(super) fn slices(&self, track: TrackId, near: &Range<i64>) -> Vec<SliceStart> {
        let of_all = self.slices.get(&None).into_iter().flatten();
        let mut found: Vec<SliceStart> = match track.uid {
            // Everybody's streams are in one file.
            None => self.slices.values().flatten().copied().collect(),
            uid => of_all.chain(self.slices.get(&uid).into_iter().flatten()).copied().collect(),
        };
        let from = near.start.saturating_sub(LONGEST_RECORDING_MS);
        let until = near.end.saturating_add(LONGEST_RECORDING_MS);
        found.retain(|slice| fits(slice.kind, track) && (from..until).contains(&slice.starts));
        for slice in &mut found {
            slice.lost_from = slice.lost_from.filter(|lost| *lost >= from);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// When the recorder left first after this time.
    pub(super) fn left_after(&self, at: i64) -> Option<i64> {
        self.ends.get(self.ends.partition_point(|end| *end <= at)).copied()
    }
}

fn fits(kind: Option<TrackKind>, track: TrackId) -> bool {
    match (kind, track.kind) {
        (None | Some(TrackKind::Mixed | TrackKind::AudioVideo), _)
        | (_, TrackKind::Mixed | TrackKind::AudioVideo) => true,
        (Some(kind @ (TrackKind::Audio | TrackKind::Video)), own) => kind == own,
    }
}

/// When none of the streams came. Before its first event a stream was in the other state.
fn silent(streams: &[&Vec<(i64, Sending)>]) -> Vec<Range<i64>> {
    let mut changes: Vec<(i64, bool, usize)> = Vec::new();
    let mut sending: Vec<bool> = Vec::with_capacity(streams.len());
    for (number, stream) in streams.iter().enumerate() {
        sending.push(stream.first().is_some_and(|(_, first)| *first == Sending::No));
        changes.extend(stream.iter().map(|(at, state)| (*at, *state == Sending::Yes, number)));
    }
    if changes.is_empty() {
        return Vec::new();
    }
    changes.sort_unstable();
    let mut count = sending.iter().filter(|sending| **sending).count();
    let mut since = (count == 0).then_some(i64::MIN);
    let mut ranges: Vec<Range<i64>> = Vec::new();
    for (at, comes, number) in changes {
        match (sending[number], comes) {
            (false, true) => {
                count += 1;
                ranges.extend(since.take().filter(|since| *since < at).map(|since| since..at));
            }
            (true, false) => {
                count -= 1;
                if count == 0 {
                    since = Some(at);
                }
            }
            (true, true) | (false, false) => {}
        }
        sending[number] = comes;
    }
    ranges.extend(since.map(|since| since..i64::MAX));
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::SliceTime;

    fn uid(number: u32) -> Option<Uid> {
        std::num::NonZeroU32::new(number).map(Uid)
    }

    fn heard(changes: &[(u32, TrackKind, i64, Sending)]) -> Heard {
        let events = changes.iter().map(|(user, kind, at, sending)| {
            let at = SliceTime::from_unix_ms(*at).unwrap();
            let what = Happened::StreamChanged { uid: uid(*user), kind: *kind, sending: *sending, at };
            ToldEvent { at: None, recorder: None, what }
        });
        Heard::of(&Told { events: events.collect(), ..Told::default() })
    }

    #[test]
    fn a_composite_recording_is_silent_only_while_nobody_sends_anything() {
        use Sending::{No, Yes};
        let (audio, video) = (TrackKind::Audio, TrackKind::Video);
        let heard = heard(&[
            (1, audio, 100, No),
            (1, audio, 100, No),
            (2, video, 200, No),
            (1, audio, 300, Yes),
            (3, audio, 350, Yes),
            (3, audio, 400, No),
            (1, audio, 500, No),
        ]);
        assert_eq!(heard.silent(TrackId::MIXED), [200..300, 500..i64::MAX]);
        let of = |user, kind| heard.silent(TrackId { uid: uid(user), kind });
        assert_eq!(of(1, audio), [100..300, 500..i64::MAX]);
        assert_eq!(of(2, video).as_slice(), std::slice::from_ref(&(200..i64::MAX)));
        // Of the picture of user 1 nobody said anything.
        assert_eq!(of(1, video), []);
        assert_eq!(of(3, TrackKind::AudioVideo), [i64::MIN..350, 400..i64::MAX]);
    }
}
