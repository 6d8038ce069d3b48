//! All time of a track, cut into pieces: every moment is exactly one thing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::heard::{Heard, SliceStart};
use super::segments::is_probed;
use super::{CheckedTrack, Depth, Presence, Stretch};
use crate::domain::plan::TrackPlan;
use crate::domain::synthetic::LONGEST_SLICE;
use crate::domain::time::SliceTime;
use crate::domain::timeline::{BreakReason, PROBED_TOLERANCE_MS, TOLERANCE_MS};

/// A slice that Agora says was started is missed where this much passes until the next one that is known.
const MISSED_MS: i64 = 1000;

/// A track on the line of time, before all is cut to the length of the recording.
pub(super) struct Line {
    /// Times that something covers, apart from each other and in order.
    covered: Vec<(Range<i64>, Presence)>,
    /// What is to be thought of the time before each place at which something starts.
    reasons: BTreeMap<i64, Reason>,
    silent: Vec<Range<i64>>,
    lost: Vec<Range<i64>>,
    /// The last slices that Agora says were started and of which nothing is known behind.
    pub(super) behind: Vec<SliceStart>,
    /// Before the first and behind the last.
    before: Presence,
    after: Presence,
    /// From when on nobody knows how long the last one plays.
    open_from: Option<i64>,
}

/// What is to be thought of a time that nothing covers.
#[derive(Debug, Clone, Copy)]
struct Reason {
    presence: Presence,
    tolerance: i64,
}

/// What else than its segments is known of a track.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    /// Slices in the store whose playlist could not be read: when they start, and where they are.
    pub(super) unread: Vec<(SliceTime, Presence)>,
    /// Whether a playlist could not be read.
    pub(super) has_unread: Unread,
    /// Whether the last list says that it is finished, as far as it could be read.
    pub(super) end: End,
}

/// Whether a playlist of a track could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Unread {
    #[default]
    None,
    Some,
}

/// Whether the end of a track is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum End {
    #[default]
    Known,
    Unknown,
}

/// Something with a place in time.
#[derive(Debug, Clone, Copy)]
struct Entry {
    starts: i64,
    ends: Option<i64>,
    presence: Presence,
    /// Its place in the plan's order; `None` for a slice beside it.
    index: Option<usize>,
}

/// Puts a track on the line of time; `None` where none of its times is known.
pub(super) fn line(plan: &TrackPlan, track: &CheckedTrack, beside: &Beside, heard: &Heard) -> Option<Line> {
    let mut entries = entries(track, beside);
    let first = entries.first()?.starts;
    let silent = heard.silent(track.id);
    let open_from = settle(&mut entries, &silent, heard);
    let covered = cover(&entries);
    let last = covered.last().map_or(first, |(range, _)| range.end).max(first);
    let (lost, behind) = lost(&heard.slices(track.id, &(first..last)), &entries, &covered);
    let unread = beside.has_unread == Unread::Some;
    let untimed_first = track.segments.first().is_some_and(|segment| segment.starts.is_none());
    let untimed_last = track.segments.last().is_some_and(|segment| segment.starts.is_none());
    let edge = |index: Option<usize>, unknown: bool| {
        let probed = index.is_some_and(|index| is_probed(plan, index));
        if unknown || unread || probed { Presence::Unknown } else { Presence::NeverRecorded }
    };
    let before = edge(entries.first().and_then(|entry| entry.index), untimed_first);
    let at_end = beside.end == End::Unknown || untimed_last || open_from.is_some();
    let after = edge(entries.last().and_then(|entry| entry.index), at_end);
    let reasons = reasons(plan, &entries, unread);
    Some(Line { covered, reasons, silent, lost, behind, before, after, open_from })
}

impl Line {
    /// From when on it has anything, lost slices that only Agora names among it.
    pub(super) fn first(&self) -> Option<i64> {
        let covered = self.covered.first().map(|(range, _)| range.start);
        covered.into_iter().chain(self.lost.first().map(|range| range.start)).chain(self.open_from).min()
    }

    /// Until when it has anything.
    pub(super) fn last(&self) -> Option<i64> {
        self.covered.last().map(|(range, _)| range.end).into_iter().chain(self.open_from).max()
    }

    /// Whether Agora says that slices of this time were lost.
    pub(super) fn is_told_lost(&self, from: SliceTime, until: SliceTime) -> bool {
        let place = self.lost.partition_point(|range| range.end <= from.unix_ms());
        self.lost.get(place).is_some_and(|range| range.start < until.unix_ms())
    }

    /// Cuts all time between the two into pieces.
    pub(super) fn stretches(&self, first: SliceTime, last: SliceTime) -> Vec<Stretch> {
        let (first, last) = (first.unix_ms(), last.unix_ms());
        let mut pieces = Pieces { at: first, end: last, stretches: Vec::new() };
        let mut reached = false;
        for (range, presence) in &self.covered {
            self.gap(&mut pieces, range.start, self.reason(reached, range.start));
            reached = true;
            pieces.until(range.end, *presence);
        }
        if let Some(open_from) = self.open_from {
            self.gap(&mut pieces, open_from, self.reason(reached, open_from));
        }
        let tolerance = if self.after == Presence::Unknown { 0 } else { TOLERANCE_MS };
        self.gap(&mut pieces, last, Reason { presence: self.after, tolerance });
        pieces.stretches
    }

    fn reason(&self, reached: bool, at: i64) -> Reason {
        match (reached, self.reasons.get(&at)) {
            (false, _) => Reason { presence: self.before, tolerance: 0 },
            (true, Some(reason)) => *reason,
            (true, None) => Reason::of(Presence::Unknown),
        }
    }

    /// Fills a time that nothing covers.
    fn gap(&self, pieces: &mut Pieces, until: i64, reason: Reason) {
        let until = until.min(pieces.end);
        if until <= pieces.at {
            return;
        }
        if let Some(before) = pieces.stretches.last()
            && until - pieces.at <= reason.tolerance
        {
            let presence = before.presence;
            return pieces.until(until, presence);
        }
        let within = |ranges: &[Range<i64>]| {
            let start = ranges.partition_point(|range| range.end <= pieces.at);
            let end = ranges.partition_point(|range| range.start < until);
            start..end.max(start)
        };
        let (silent, lost) = (&self.silent[within(&self.silent)], &self.lost[within(&self.lost)]);
        let mut cuts: Vec<i64> =
            silent.iter().chain(lost).flat_map(|range| [range.start, range.end]).collect();
        cuts.retain(|cut| *cut > pieces.at && *cut < until);
        cuts.push(until);
        cuts.sort_unstable();
        let (mut silent, mut lost) = (silent.iter().peekable(), lost.iter().peekable());
        for cut in cuts {
            let at = pieces.at;
            let holds = |ranges: &mut std::iter::Peekable<std::slice::Iter<'_, Range<i64>>>| {
                while ranges.next_if(|range| range.end <= at).is_some() {}
                ranges.peek().is_some_and(|range| range.start <= at)
            };
            let presence = match (holds(&mut lost), holds(&mut silent), reason.presence) {
                (true, _, _) => Presence::Unlisted,
                (false, true, Presence::Unlisted | Presence::Unknown) => Presence::NeverRecorded,
                (false, _, presence) => presence,
            };
            pieces.until(cut, presence);
        }
    }
}

struct Pieces {
    at: i64,
    end: i64,
    stretches: Vec<Stretch>,
}

impl Pieces {
    fn until(&mut self, until: i64, presence: Presence) {
        let until = until.min(self.end);
        if until <= self.at {
            return;
        }
        let times = SliceTime::from_unix_ms(self.at).zip(SliceTime::from_unix_ms(until));
        // Between two moments that can be told any other can be told too.
        let Some((from, until_time)) = times else { return };
        match self.stretches.last_mut() {
            Some(last) if last.presence == presence => last.until = until_time,
            Some(_) | None => self.stretches.push(Stretch { from, until: until_time, presence }),
        }
        self.at = until;
    }
}

fn entries(track: &CheckedTrack, beside: &Beside) -> Vec<Entry> {
    let segments = track.segments.iter().enumerate().filter_map(|(index, segment)| {
        let starts = segment.starts?.unix_ms();
        // What no playlist tells the bytes do, where they were read.
        let media = || {
            let whole = segment.media.as_ref().filter(|media| media.read == Depth::Whole);
            let whole = whole.filter(|media| media.wrong.is_none())?;
            whole.structure.playing_ms().and_then(|ms| i64::try_from(ms).ok())
        };
        let ends = segment.ends.map(SliceTime::unix_ms).or_else(|| Some(starts.saturating_add(media()?)));
        Some(Entry { starts, ends, presence: segment.presence, index: Some(index) })
    });
    let unread = beside.unread.iter().map(|(starts, presence)| Entry {
        starts: starts.unix_ms(),
        ends: None,
        presence: *presence,
        index: None,
    });
    let mut entries: Vec<Entry> = segments.chain(unread).collect();
    entries.sort_by_key(|entry| entry.starts);
    entries
}

/// Gives each an end. One of which nobody knows how long it plays lasts until the next one starts, unless
/// that is longer than any slice; or until its stream stopped. Else nobody knows what is behind its start.
///
/// Returns the start of the last one, where nobody knows its end.
fn settle(entries: &mut [Entry], silent: &[Range<i64>], heard: &Heard) -> Option<i64> {
    let longest = i64::try_from(LONGEST_SLICE.as_millis()).unwrap_or(i64::MAX);
    let mut open_from = None;
    let mut next: Option<i64> = None;
    for place in (0..entries.len()).rev() {
        let entry = entries[place];
        // Those that start together share what follows.
        let following = entries.get(place + 1).map(|later| later.starts);
        if following.is_some_and(|following| following > entry.starts) {
            next = following;
        }
        if entry.ends.is_some() {
            continue;
        }
        let stopped = silent.get(silent.partition_point(|range| range.start <= entry.starts));
        let stopped = stopped.map(|range| range.start);
        let known = match next {
            Some(next) => stopped.filter(|stopped| *stopped < next).or(Some(next)),
            None => stopped.into_iter().chain(heard.left_after(entry.starts)).min(),
        };
        match (known.filter(|known| known.saturating_sub(entry.starts) <= longest), next) {
            (Some(known), _) => entries[place].ends = Some(known),
            (None, Some(next)) => {
                entries[place].ends = Some(next);
                entries[place].presence = Presence::Unknown;
            }
            (None, None) => open_from = Some(entry.starts),
        }
    }
    open_from
}

/// The times that something covers, each with the best that covers it.
fn cover(entries: &[Entry]) -> Vec<(Range<i64>, Presence)> {
    let mut turns: Vec<(i64, bool, Presence)> = Vec::with_capacity(2 * entries.len());
    for entry in entries {
        if let Some(ends) = entry.ends.filter(|ends| *ends > entry.starts) {
            turns.push((entry.starts, true, entry.presence));
            turns.push((ends, false, entry.presence));
        }
    }
    turns.sort_unstable_by_key(|(at, _, _)| *at);
    let mut open: BTreeMap<(u8, usize), (usize, Presence)> = BTreeMap::new();
    let mut covered: Vec<(Range<i64>, Presence)> = Vec::new();
    let mut at = 0;
    for (turn, opens, presence) in turns {
        if let Some((_, (_, best))) = open.first_key_value()
            && turn > at
        {
            match covered.last_mut() {
                Some((range, last)) if range.end == at && last == best => range.end = turn,
                Some(_) | None => covered.push((at..turn, *best)),
            }
        }
        at = turn;
        let (count, _) = open.entry(rank(presence)).or_insert((0, presence));
        if opens {
            *count += 1;
        } else {
            *count -= 1;
            if *count == 0 {
                open.remove(&rank(presence));
            }
        }
    }
    covered
}

/// The better the smaller.
fn rank(presence: Presence) -> (u8, usize) {
    match presence {
        Presence::Present => (0, 0),
        Presence::Elsewhere { store } => (1, store),
        Presence::Unknown => (2, 0),
        Presence::Lost => (3, 0),
        Presence::Unlisted => (4, 0),
        Presence::NeverRecorded => (5, 0),
    }
}

/// What to think of a hole before each place where something starts.
fn reasons(plan: &TrackPlan, entries: &[Entry], unread: bool) -> BTreeMap<i64, Reason> {
    let mut reasons = BTreeMap::new();
    for entry in entries {
        let found = entry.index.and_then(|index| {
            let breaks = &plan.timeline.breaks;
            breaks.binary_search_by_key(&index, |found| found.before).ok().map(|place| breaks[place].why)
        });
        let probed = !plan.runs.is_empty();
        let beside_rebuilt = entry.index.is_some_and(|index| is_probed(plan, index));
        let reason = match found {
            Some(BreakReason::Failover) if beside_rebuilt => Reason::of(Presence::Unknown),
            Some(BreakReason::Discontinuity) => Reason::of(Presence::NeverRecorded),
            // Whoever took over was not there yet; unless a list of it could not be read.
            Some(BreakReason::Failover) if unread => Reason::of(Presence::Unknown),
            Some(BreakReason::Failover) => Reason::of(Presence::NeverRecorded),
            Some(BreakReason::Unlisted) => Reason::of(Presence::Unlisted),
            Some(BreakReason::Probed | BreakReason::Overlap) => Reason::of(Presence::Unknown),
            None if probed => Reason { presence: Presence::Unknown, tolerance: PROBED_TOLERANCE_MS },
            None => Reason::of(Presence::Unknown),
        };
        // Of several that start together the first in playing order decides.
        reasons.entry(entry.starts).or_insert(reason);
    }
    reasons
}

impl Reason {
    fn of(presence: Presence) -> Self {
        Self { presence, tolerance: TOLERANCE_MS }
    }
}

/// Times at which slices were recorded, by what Agora told, and that no list knows; and slices behind all that
/// is known.
fn lost(
    told: &[SliceStart],
    entries: &[Entry],
    covered: &[(Range<i64>, Presence)],
) -> (Vec<Range<i64>>, Vec<SliceStart>) {
    let mut ranges: Vec<Range<i64>> = Vec::new();
    let mut behind = Vec::new();
    let last = covered.last().map_or(i64::MIN, |(range, _)| range.end);
    for slice in told {
        ranges.extend(slice.lost_from.map(|from| from..slice.starts));
        let inside = covered.partition_point(|(range, _)| range.end <= slice.starts);
        let is_covered = covered.get(inside).is_some_and(|(range, _)| range.start <= slice.starts);
        let next = entries.partition_point(|entry| entry.starts < slice.starts - TOLERANCE_MS);
        match entries.get(next) {
            _ if is_covered => {}
            Some(next) if next.starts - slice.starts >= MISSED_MS => ranges.push(slice.starts..next.starts),
            Some(_) => {}
            None if slice.starts - last >= MISSED_MS => behind.push(*slice),
            None => {}
        }
    }
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<i64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    (merged, behind)
}
