//! The time line of one track over all its playlists: what plays when, and where it breaks.
//!
//! The rules are Agora's own, as measured on its published samples ("manage recorded files", 2026-07):
//! inside a run the next slice starts where the one before ends, or one millisecond earlier. So a hole
//! that no discontinuity announces is a slice that was lost before it was ever listed.

use std::collections::HashSet;
use std::time::Duration;

use super::finding::Finding;
use super::key::ObjectName;
use super::playlist::Discontinuity;
use super::recording::TrackId;
use super::time::SliceTime;

/// Differences up to this many milliseconds come from rounding. Agora's are 0 and 1.
pub const TOLERANCE_MS: i64 = 5;

/// Below so many milliseconds a hole is a seam between slices, which players do not notice either.
pub const NOTICED_MS: i64 = 1000;

/// The tolerance where a playing time comes from the bytes: sound and picture of one slice end some frames apart,
/// and a sound frame alone is 21 ms.
pub const PROBED_TOLERANCE_MS: i64 = 500;

/// One playlist of a track.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunInput {
    /// `None` for the playlist itself (and for copies of it that the backup transferred), the number `n` of
    /// `bak<n>_` for a failover copy.
    pub failover: Option<u32>,
    /// Its segments, in its order.
    pub segments: Vec<RunSegment>,
    /// Who says how long they play.
    pub times: Times,
}

/// Who says how long segments play.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Times {
    /// The playlist.
    #[default]
    Listed,
    /// Their own bytes, or nobody: they are in no playlist.
    Probed,
}

/// What the time line needs to know of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSegment {
    /// Its name, by which the same segment is recognised in another playlist.
    pub name: ObjectName,
    /// When it starts, by its name.
    pub starts: Option<SliceTime>,
    /// How long it plays, by the playlist.
    pub duration: Option<Duration>,
    /// Whether its time stamps start anew.
    pub discontinuity: Discontinuity,
}

/// The time line of a track.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The segments of all playlists in the order in which they play, each once. By start time; where two
    /// start together the playlist itself comes before a failover copy. Where names carry no time, in the
    /// playlists' order.
    pub order: Vec<Placed>,
    /// Where one segment does not simply run on into the next, in this order.
    pub breaks: Vec<Break>,
    /// When the first one starts.
    pub first: Option<SliceTime>,
    /// When the last one ends.
    pub last: Option<SliceTime>,
    /// The sum of all durations; overlaps count twice, holes not at all.
    pub playing: Duration,
}

/// A segment in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Which of the playlists.
    pub playlist: usize,
    /// Which of its segments.
    pub segment: usize,
    /// When it starts.
    pub starts: Option<SliceTime>,
    /// When it ends.
    pub ends: Option<SliceTime>,
}

/// Where one segment does not simply run on into the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// The place in [`Timeline::order`] of the segment before it: the one that reaches furthest.
    pub after: usize,
    /// The place in [`Timeline::order`] of the segment behind it.
    pub before: usize,
    /// The time that nothing covers, in milliseconds; negative where they overlap, `None` where the times
    /// are not known.
    pub ms: Option<i64>,
    /// What it is.
    pub why: BreakReason,
}

/// What a break is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakReason {
    /// The playlist announces it.
    Discontinuity,
    /// One playlist ends and a copy by another recorder goes on.
    Failover,
    /// Nothing explains the hole.
    Unlisted,
    /// A hole beside a segment that no playlist lists.
    Probed,
    /// Nothing explains why both cover the same time.
    Overlap,
}

/// Puts the segments of a track in order and measures between them. Takes n log n time.
#[must_use]
pub fn examine(track: &TrackId, runs: &[RunInput]) -> (Timeline, Vec<Finding>) {
    let mut line = Timeline { order: in_order(runs), ..Timeline::default() };
    let mut findings = Vec::new();
    let segment = |placed: &Placed| &runs[placed.playlist].segments[placed.segment];
    // The segment that reaches furthest so far; none where the end of the one before is not known.
    let mut reach: Option<(usize, SliceTime)> = None;
    for (before, placed) in line.order.iter().enumerate() {
        line.playing = line.playing.saturating_add(segment(placed).duration.unwrap_or_default());
        line.first = line.first.into_iter().chain(placed.starts).min();
        line.last = line.last.max(placed.ends.or(placed.starts));
        if let Some(previous) = before.checked_sub(1) {
            let measured = reach.zip(placed.starts).map(|((after, end), starts)| {
                let gap = starts.ms_since(end);
                // Of a segment inside another one only its own length is covered twice.
                let inside = placed.ends.map_or(i64::MIN, |ends| -ends.ms_since(starts));
                (after, if gap < 0 { gap.max(inside) } else { gap })
            });
            let after = measured.map_or(previous, |(after, _)| after);
            let ms = measured.map(|(_, ms)| ms);
            let times = [after, before].map(|place| runs[line.order[place].playlist].times);
            let probed = times.contains(&Times::Probed);
            let tolerance = if probed { PROBED_TOLERANCE_MS } else { TOLERANCE_MS };
            let jumps = ms.filter(|ms| ms.abs() > tolerance);
            let from_recorder = runs[line.order[after].playlist].failover;
            let why = if from_recorder != runs[placed.playlist].failover {
                Some(BreakReason::Failover)
            } else if segment(placed).discontinuity == Discontinuity::Restarts {
                Some(BreakReason::Discontinuity)
            } else {
                jumps.map(|ms| match (ms > 0, probed) {
                    (true, true) => BreakReason::Probed,
                    (true, false) => BreakReason::Unlisted,
                    (false, _) => BreakReason::Overlap,
                })
            };
            if let Some(why) = why {
                line.breaks.push(Break { after, before, ms, why });
                if let Some(ms) = jumps {
                    let names = (&segment(&line.order[after]).name, &segment(placed).name);
                    findings.extend(finding(track, why, names, ms));
                }
            }
        }
        reach = match (reach, placed.ends) {
            (Some((after, end)), Some(ends)) if end > ends => Some((after, end)),
            (_, Some(ends)) => Some((before, ends)),
            (_, None) => None,
        };
    }
    (line, findings)
}

fn finding(
    track: &TrackId,
    why: BreakReason,
    (after, before): (&ObjectName, &ObjectName),
    ms: i64,
) -> Option<Finding> {
    let (track, after, before) = (*track, after.clone(), before.clone());
    match why {
        BreakReason::Discontinuity => None,
        BreakReason::Failover => Some(Finding::FailoverGap { track, after, before, ms }),
        BreakReason::Unlisted => Some(Finding::UnlistedGap { track, after, before, ms }),
        BreakReason::Probed => Some(Finding::ProbedGap { track, after, before, ms }),
        BreakReason::Overlap => Some(Finding::Overlap { track, after, before, ms: -ms }),
    }
}

/// All segments, each once, in the order in which they play.
fn in_order(runs: &[RunInput]) -> Vec<Placed> {
    let mut by_recorder: Vec<usize> = (0..runs.len()).collect();
    by_recorder.sort_by_key(|run| runs[*run].failover);
    let mut listed_before: HashSet<&ObjectName> = HashSet::new();
    let mut keyed: Vec<(i64, Placed)> = Vec::new();
    for playlist in by_recorder {
        let segments = &runs[playlist].segments;
        // A segment without a time stays behind the one before it. The first ones of a playlist stay before
        // its first with a time, and a playlist without any stays behind the playlist before it.
        let first_time = segments.iter().find_map(|segment| segment.starts).map(SliceTime::unix_ms);
        let mut place = first_time.or(keyed.last().map(|(place, _)| *place)).unwrap_or(i64::MIN);
        let mut part_of: Option<(&ObjectName, Option<SliceTime>)> = None;
        for (index, segment) in segments.iter().enumerate() {
            // Byte ranges of one object bear its name, which tells only when the first of them starts.
            let starts = match part_of {
                Some((name, end)) if *name == segment.name => end,
                _ => segment.starts,
            };
            let ends =
                starts.zip(segment.duration).map(|(starts, duration)| starts.plus_ms(nearest_ms(duration)));
            part_of = Some((&segment.name, ends));
            place = starts.map_or(place, SliceTime::unix_ms);
            if !listed_before.contains(&segment.name) {
                keyed.push((place, Placed { playlist, segment: index, starts, ends }));
            }
        }
        // Only now: inside one playlist a name that comes again is another byte range.
        listed_before.extend(segments.iter().map(|segment| &segment.name));
    }
    keyed.sort_by_key(|(place, _)| *place);
    keyed.into_iter().map(|(_, placed)| placed).collect()
}

fn nearest_ms(duration: Duration) -> i64 {
    i64::try_from(duration.saturating_add(Duration::from_micros(500)).as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_568_983_902_485;

    /// `(name, start in ms after START, milliseconds)`; a `!` before the name is a discontinuity.
    fn run(failover: Option<u32>, segments: &[(&str, Option<i64>, Option<u64>)]) -> RunInput {
        let segments = segments
            .iter()
            .map(|(name, starts, ms)| RunSegment {
                name: ObjectName::parse(name.trim_start_matches('!')).unwrap(),
                starts: starts.map(|ms| SliceTime::from_unix_ms(START + ms).unwrap()),
                duration: ms.map(Duration::from_millis),
                discontinuity: match name.starts_with('!') {
                    true => Discontinuity::Restarts,
                    false => Discontinuity::Continues,
                },
            })
            .collect();
        RunInput { failover, segments, ..RunInput::default() }
    }

    fn names(runs: &[RunInput], line: &Timeline) -> Vec<String> {
        line.order.iter().map(|p| runs[p.playlist].segments[p.segment].name.to_string()).collect()
    }

    fn told(findings: &[Finding]) -> Vec<(&'static str, i64)> {
        let measured = findings.iter().filter_map(|finding| {
            let (Finding::UnlistedGap { ms, .. }
            | Finding::Overlap { ms, .. }
            | Finding::FailoverGap { ms, .. }) = finding
            else {
                return None;
            };
            Some((finding.code(), *ms))
        });
        let measured: Vec<_> = measured.collect();
        assert_eq!(measured.len(), findings.len(), "{findings:?}");
        measured
    }

    fn reasons(line: &Timeline) -> Vec<(usize, usize, Option<i64>, BreakReason)> {
        line.breaks.iter().map(|b| (b.after, b.before, b.ms, b.why)).collect()
    }

    #[test]
    fn slices_that_run_on_have_no_break() {
        let runs = [run(
            None,
            &[
                ("!a", Some(0), Some(15_000)),
                ("b", Some(14_999), Some(15_000)),
                ("c", Some(29_999), Some(15_000)),
                ("d", Some(45_004), Some(1_000)),
                ("e", Some(45_999), Some(1_000)),
            ],
        )];
        let (line, findings) = examine(&TrackId::MIXED, &runs);
        assert_eq!((line.breaks.len(), findings), (0, vec![]));
        assert_eq!(line.first.map(SliceTime::unix_ms), Some(START));
        assert_eq!(line.last.map(SliceTime::unix_ms), Some(START + 46_999));
        assert_eq!(line.playing, Duration::from_millis(47_000));
    }

    #[test]
    fn only_an_announced_hole_is_explained() {
        let runs = [run(
            None,
            &[
                ("a", Some(0), Some(1_000)),
                ("!b", Some(1_357), Some(1_000)),
                ("c", Some(17_357), Some(1_000)),
                ("d", Some(18_351), Some(1_000)),
                ("!e", Some(19_351), Some(1_000)),
            ],
        )];
        let (line, findings) = examine(&TrackId::MIXED, &runs);
        assert_eq!(told(&findings), [("unlisted-gap", 15_000), ("overlap", 6)]);
        assert_eq!(
            reasons(&line),
            [
                (0, 1, Some(357), BreakReason::Discontinuity),
                (1, 2, Some(15_000), BreakReason::Unlisted),
                (2, 3, Some(-6), BreakReason::Overlap),
                (3, 4, Some(0), BreakReason::Discontinuity),
            ]
        );
    }

    #[test]
    fn a_failover_copy_goes_on_where_the_playlist_ends() {
        for (bak_starts, ms) in [(47_000, Some(17_000)), (25_000, Some(-5_000)), (30_002, None)] {
            let runs = [
                run(Some(0), &[("!bak0_c", Some(bak_starts), Some(15_000))]),
                run(None, &[("!a", Some(0), Some(15_000)), ("b", Some(15_000), Some(15_000))]),
            ];
            let (line, findings) = examine(&TrackId::MIXED, &runs);
            assert_eq!(names(&runs, &line), ["a", "b", "bak0_c"]);
            assert_eq!(told(&findings), ms.map(|ms| ("failover-gap", ms)).into_iter().collect::<Vec<_>>());
            assert_eq!(line.breaks.len(), 1);
            assert_eq!(line.breaks[0].why, BreakReason::Failover);
        }
    }

    #[test]
    fn a_short_slice_inside_a_long_one_does_not_uncover_what_the_long_one_covers() {
        let runs = [
            run(None, &[("long", Some(0), Some(60_000)), ("next", Some(60_000), Some(1_000))]),
            run(Some(0), &[("bak0_x", Some(30_000), Some(5_000))]),
        ];
        let (line, findings) = examine(&TrackId::MIXED, &runs);
        assert_eq!(names(&runs, &line), ["long", "bak0_x", "next"]);
        assert_eq!(told(&findings), [("failover-gap", -5_000)]);
        assert_eq!(line.last.map(SliceTime::unix_ms), Some(START + 61_000));
    }

    #[test]
    fn a_segment_in_two_playlists_counts_once() {
        let runs = [
            run(None, &[("a", Some(0), Some(1_000)), ("c", Some(2_000), Some(1_000))]),
            run(
                None,
                &[
                    ("a", Some(0), Some(1_000)),
                    ("b", Some(1_000), Some(1_000)),
                    ("c", Some(2_000), Some(1_000)),
                ],
            ),
            run(Some(1), &[("c", Some(2_000), Some(1_000))]),
        ];
        let (line, findings) = examine(&TrackId::MIXED, &runs);
        assert_eq!(names(&runs, &line), ["a", "b", "c"]);
        assert_eq!((line.playing, findings), (Duration::from_secs(3), vec![]));
    }

    #[test]
    fn base_comes_first_where_both_start_together() {
        let runs =
            [run(Some(0), &[("bak0_a", Some(0), Some(1_000))]), run(None, &[("a", Some(0), Some(1_000))])];
        let (line, findings) = examine(&TrackId::MIXED, &runs);
        assert_eq!(names(&runs, &line), ["a", "bak0_a"]);
        assert_eq!(told(&findings), [("failover-gap", -1_000)]);
    }

    #[test]
    fn without_times_the_playlists_order_holds_and_nothing_is_measured() {
        let runs = [
            run(Some(0), &[("x", None, None)]),
            run(None, &[("z", None, Some(1_000)), ("!y", None, Some(1_000)), ("a", None, None)]),
        ];
        let (line, findings) = examine(&TrackId::MIXED, &runs);
        assert_eq!(names(&runs, &line), ["z", "y", "a", "x"]);
        assert_eq!(findings, []);
        assert_eq!(
            reasons(&line),
            [(0, 1, None, BreakReason::Discontinuity), (2, 3, None, BreakReason::Failover)]
        );
        assert_eq!((line.first, line.last), (None, None));
        assert_eq!(examine(&TrackId::MIXED, &[]).0, Timeline::default());
    }

    #[test]
    fn an_unknown_duration_hides_only_its_own_end() {
        let runs = [run(
            None,
            &[("a", Some(0), None), ("b", Some(90_000), Some(1_000)), ("c", Some(95_000), Some(1_000))],
        )];
        assert_eq!(told(&examine(&TrackId::MIXED, &runs).1), [("unlisted-gap", 4_000)]);
    }

    #[test]
    fn a_segment_without_a_time_stays_behind_its_neighbour() {
        let runs = [
            run(None, &[("p", None, None), ("a", Some(10_000), Some(1_000)), ("q", None, None)]),
            run(Some(0), &[("bak0_b", Some(5_000), Some(1_000))]),
        ];
        assert_eq!(names(&runs, &examine(&TrackId::MIXED, &runs).0), ["bak0_b", "p", "a", "q"]);
    }

    #[test]
    fn byte_ranges_of_one_object_follow_each_other() {
        let runs = [run(
            None,
            &[("a", Some(0), Some(1_000)), ("a", Some(0), Some(1_000)), ("b", Some(2_000), Some(1_000))],
        )];
        let (line, findings) = examine(&TrackId::MIXED, &runs);
        assert_eq!((line.order.len(), findings), (3, vec![]));
    }
}
