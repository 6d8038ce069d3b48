//! Everything that the rules look at.

use std::collections::HashMap;

use super::files::Files;
use super::gathered::Gathered;
use super::sightings::{Sightings, Where};
use super::stretches::Line;
use super::{Check, CheckedTrack};
use crate::domain::key::{KeyPrefix, ObjectKey, ObjectName};
use crate::domain::place::SourceName;
use crate::domain::plan::name_in_archive;
use crate::domain::recording::TrackId;
use crate::domain::time::SliceTime;

/// What was gathered, and what was made of it so far.
pub(super) struct Facts<'a> {
    pub(super) gathered: &'a Gathered<'a>,
    pub(super) sightings: &'a Sightings<'a>,
    pub(super) files: &'a Files<'a>,
    pub(super) tracks: &'a [CheckedTrack],
    /// Where each segment of each track is.
    pub(super) places: &'a [Vec<Where<'a>>],
    pub(super) lines: &'a [Option<Line>],
    pub(super) last: Option<SliceTime>,
    segments: HashMap<&'a ObjectName, (usize, usize)>,
    by_id: HashMap<TrackId, usize>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(
        gathered: &'a Gathered<'a>,
        (sightings, files): (&'a Sightings<'a>, &'a Files<'a>),
        check: &'a Check,
        places: &'a [Vec<Where<'a>>],
        lines: &'a [Option<Line>],
    ) -> Self {
        let (mut segments, mut by_id) = (HashMap::new(), HashMap::new());
        for (number, track) in check.tracks.iter().enumerate() {
            by_id.entry(track.id).or_insert(number);
            for (place, segment) in track.segments.iter().enumerate() {
                segments.entry(&segment.name).or_insert((number, place));
            }
        }
        let (tracks, last) = (&check.tracks[..], check.last);
        Self { gathered, sightings, files, tracks, places, lines, last, segments, by_id }
    }

    /// The track and the place in it of the first segment with this name.
    pub(super) fn segment(&self, name: &ObjectName) -> Option<(usize, usize)> {
        self.segments.get(name).copied()
    }

    /// The place of a track.
    pub(super) fn track(&self, id: TrackId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn folder(&self) -> &'a KeyPrefix {
        &self.gathered.recording.folder
    }

    /// The name of a store.
    pub(super) fn store(&self, number: usize) -> Option<&'a SourceName> {
        self.gathered.stores.get(number).map(|store| &store.name)
    }

    /// All stores: `prod and backup`.
    pub(super) fn all_stores(&self) -> Vec<&'a SourceName> {
        self.gathered.stores.iter().map(|store| &store.name).collect()
    }

    /// The name of an object in the archive.
    pub(super) fn name(&self, key: &ObjectKey) -> ObjectName {
        name_in_archive(key, self.folder())
    }
}
