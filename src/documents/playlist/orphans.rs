//! Slices that no playlist lists and that fill a hole, and how long they may play.

use std::time::Duration;

use crate::domain::check::{Check, CheckedTrack, Presence};
use crate::domain::filename::{FileName, Role};
use crate::domain::key::ObjectName;
use crate::domain::plan::name_in_archive;
use crate::domain::synthetic::LONGEST_SLICE;
use crate::domain::time::SliceTime;
use crate::domain::timeline::TOLERANCE_MS;

/// A slice that no playlist lists.
pub(super) struct Orphan {
    /// Its name beside the others.
    pub(super) name: ObjectName,
    /// When it starts, by its name.
    pub(super) starts: SliceTime,
    /// Where it is.
    pub(super) presence: Presence,
    /// How long it may play.
    pub(super) plays: Synthetic,
}

/// A playing time that nobody vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Synthetic {
    /// Until the next slice starts.
    UntilNext(Duration),
    /// As long as half of the listed ones do not exceed.
    Median(Duration),
    /// Nothing tells.
    Unknown,
}

impl Synthetic {
    /// What is written as its playing time.
    pub(super) fn duration(self) -> Duration {
        match self {
            Self::UntilNext(duration) | Self::Median(duration) => duration,
            Self::Unknown => Duration::ZERO,
        }
    }

    /// What is said about it.
    pub(super) fn remark(self) -> String {
        match self {
            Self::UntilNext(_) => "synthetic duration: until the next slice starts".to_owned(),
            Self::Median(_) => "synthetic duration: the median of the listed ones".to_owned(),
            Self::Unknown => "no duration is known: players measure it".to_owned(),
        }
    }
}

/// The slices of the track that no playlist lists and that start where no slice that can be had covers the
/// time, in order.
pub(super) fn that_fill_holes(check: &Check, track: &CheckedTrack, usual: &Usual) -> Vec<Orphan> {
    let name = |key: &str| match &check.channel {
        Some(channel) => FileName::with_channel(key, &check.recording, channel),
        None => FileName::parse(key, Some(&check.recording)),
    };
    let mut orphans: Vec<_> = check
        .orphans
        .iter()
        .filter(|orphan| matches!(orphan.presence, Presence::Present | Presence::Elsewhere { .. }))
        // A slice without bytes fills nothing.
        .filter(|orphan| orphan.size != Some(0))
        .filter_map(|orphan| {
            let file = name(orphan.key.file_name().as_str())?;
            match file.role {
                Role::Slice { starts, .. } if file.track == track.id => {
                    Some((starts, name_in_archive(&orphan.key, &check.folder), orphan.presence))
                }
                Role::Slice { .. }
                | Role::Playlist { .. }
                | Role::DashManifest { .. }
                | Role::Video { .. }
                | Role::Audio { .. }
                | Role::Snapshot { .. } => None,
            }
        })
        .collect();
    orphans.sort();
    let covered = Covered::by(track);
    orphans.retain(|(starts, _, _)| !covered.has(*starts));
    let mut all: Vec<SliceTime> = track.segments.iter().filter_map(|segment| segment.starts).collect();
    all.extend(orphans.iter().map(|(starts, _, _)| *starts));
    all.sort_unstable();
    let next = |starts: SliceTime| all.get(all.partition_point(|other| *other <= starts)).copied();
    orphans
        .into_iter()
        .map(|(starts, name, presence)| Orphan {
            name,
            starts,
            presence,
            plays: usual.playing_time(Some(starts), next(starts)),
        })
        .collect()
}

/// How long the listed segments of a track play.
pub(super) struct Usual {
    median: Option<Duration>,
    longest: Option<Duration>,
}

impl Usual {
    pub(super) fn of(track: &CheckedTrack) -> Self {
        let mut all: Vec<_> = track.segments.iter().filter_map(|segment| segment.duration_ms).collect();
        all.sort_unstable();
        Self {
            median: all.get(all.len() / 2).copied().map(Duration::from_millis),
            longest: all.last().copied().map(Duration::from_millis),
        }
    }

    /// A slice lasts until the next one starts, unless that is longer than any does: then there is a hole
    /// behind it.
    pub(super) fn playing_time(&self, starts: Option<SliceTime>, next: Option<SliceTime>) -> Synthetic {
        let until_next = starts.zip(next).map(|(starts, next)| next.ms_since(starts));
        let until_next = until_next.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
        let most = self.longest.unwrap_or(LONGEST_SLICE) + Duration::from_millis(TOLERANCE_MS.unsigned_abs());
        match (until_next.map(Duration::from_millis), self.median) {
            (Some(until_next), _) if until_next <= most => Synthetic::UntilNext(until_next),
            (_, Some(median)) => Synthetic::Median(median),
            (_, None) => Synthetic::Unknown,
        }
    }
}

/// The time that slices cover which can be had, as spans that do not touch.
struct Covered(Vec<(SliceTime, SliceTime)>);

impl Covered {
    fn by(track: &CheckedTrack) -> Self {
        let had = track.segments.iter().filter(|segment| {
            matches!(segment.presence, Presence::Present | Presence::Elsewhere { .. } | Presence::Unknown)
        });
        let mut spans: Vec<_> = had
            .filter_map(|segment| segment.starts.zip(segment.ends))
            .filter(|(from, to)| from < to)
            .collect();
        spans.sort_unstable();
        let mut joined: Vec<(SliceTime, SliceTime)> = Vec::new();
        for (from, until) in spans {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(until),
                Some(_) | None => joined.push((from, until)),
            }
        }
        Self(joined)
    }

    fn has(&self, time: SliceTime) -> bool {
        let place = self.0.partition_point(|(from, _)| *from <= time);
        let before = place.checked_sub(1).and_then(|place| self.0.get(place));
        before.is_some_and(|(_, until)| until.ms_since(time) > TOLERANCE_MS)
    }
}
