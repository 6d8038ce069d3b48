//! What is known about one track.

use super::super::TrackKind;

/// What was seen of one track.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackSummary {
    /// By which its blocks name it.
    pub number: u64,
    /// What it is for.
    pub kind: TrackKind,
    /// As the file names it: `V_VP8`, `A_OPUS`.
    pub codec: String,
    /// Of its pictures.
    pub width: Option<u32>,
    /// Of its pictures.
    pub height: Option<u32>,
    /// Blocks that came.
    pub blocks: u64,
    /// From its first block to the end of its last, in milliseconds.
    pub span_ms: Option<u64>,
}

/// What is gathered about it.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    pub(super) number: u64,
    pub(super) codec: String,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    /// How long a block plays, in nanoseconds.
    pub(super) default_ns: Option<u64>,
    kind: TrackKind,
    blocks: u64,
    /// The lowest and the highest time, in the file's unit, and how long the latter's block plays.
    times: Option<(i64, i64, Option<u64>)>,
}

impl Track {
    pub(super) fn set_type(&mut self, number: u64) {
        self.kind = match number {
            1 => TrackKind::Video,
            2 => TrackKind::Audio,
            _ => TrackKind::Other,
        };
    }

    pub(super) fn is_video(&self) -> bool {
        self.kind == TrackKind::Video
    }

    pub(super) fn count(&mut self, time: i64, duration: Option<u64>) {
        self.blocks += 1;
        let (first, last, last_duration) = self.times.get_or_insert((time, time, duration));
        *first = time.min(*first);
        if time >= *last {
            (*last, *last_duration) = (time, duration);
        }
    }

    pub(super) fn first(&self) -> Option<i64> {
        self.times.map(|(first, ..)| first)
    }

    /// Where it starts and ends, in nanoseconds.
    pub(super) fn times(&self, scale_ns: u64) -> Option<(i128, i128)> {
        let (first, last, duration) = self.times?;
        let scale = i128::from(scale_ns);
        let (first, last) = (i128::from(first) * scale, i128::from(last) * scale);
        let usual = || match self.default_ns {
            Some(ns) => i128::from(ns),
            None if self.blocks > 1 => (last - first) / i128::from(self.blocks - 1),
            None => 0,
        };
        let duration = duration.map_or_else(usual, |ticks| i128::from(ticks) * scale);
        Some((first, last + duration))
    }

    pub(super) fn summarize(self, scale_ns: u64) -> TrackSummary {
        let span_ms = self.times(scale_ns).map(|(start, end)| super::millis(end - start));
        TrackSummary {
            number: self.number,
            kind: self.kind,
            codec: self.codec,
            width: self.width,
            height: self.height,
            blocks: self.blocks,
            span_ms,
        }
    }
}
