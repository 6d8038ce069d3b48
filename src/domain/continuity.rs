//! Whether the time stamps of segments fit their places in a recording.
//!
//! A server may answer with the bytes of another segment. Where no store publishes a digest, only the time
//! stamps inside can tell, and they tell nothing by themselves: one recorder's clock runs on through a
//! recording, another's starts again with each slice. So the segments of a run vote on what the clock does,
//! and those that break what most of them agree on are named. Without a clear majority nobody is.

use std::collections::BTreeMap;

use super::key::ObjectName;

/// How far two neighbours may disagree, on the 90 kHz clock: as much as a single start may be off, see
/// [`START_SLACK`](super::verdict::START_SLACK).
const TOLERANCE: u64 = super::verdict::START_SLACK;
/// Time stamps have 33 bits (ISO/IEC 13818-1, 2.4.3.7).
const WRAP: u64 = 1 << 33;

/// What is known about the time of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Its name in the playlist.
    pub name: ObjectName,
    /// When it starts by its file name, in milliseconds of Unix time.
    pub starts_ms: Option<i64>,
    /// How long it plays by the playlist, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Its lowest presentation time stamp, 90 kHz.
    pub first_pts: Option<u64>,
    /// How long it plays by its own time stamps, 90 kHz.
    pub span: Option<u64>,
    /// The same number for all segments without a discontinuity between them.
    pub run: usize,
    /// The digest of its bytes.
    pub sha256: Option<[u8; 32]>,
}

/// A segment whose bytes are not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspect {
    /// Its place in the playing order.
    pub index: usize,
    /// What speaks against it.
    pub why: Why,
}

/// What speaks against a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its time stamps start elsewhere than its neighbours say, 90 kHz.
    OutOfPlace {
        /// By the nearest neighbour that fits.
        expected_pts: u64,
        /// By its own bytes.
        found_pts: u64,
    },
    /// It has the same bytes as another segment, which has the better claim to them or an equal one.
    SameBytes {
        /// The place of the other one.
        as_index: usize,
        /// Where its own time stamps should start, where its neighbours tell: not having the other one's
        /// bytes is not enough to be the right ones.
        expected_pts: Option<u64>,
    },
}

/// What is known about the place of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The time stamps do not tell.
    Open,
    /// They show that it is where it belongs.
    Confirmed,
    /// They show that it is not.
    OutOfPlace { expected_pts: u64, found_pts: u64 },
}

/// What the clock of a recorder may do from one segment to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// Runs on with the time in the file names.
    ByNames,
    /// Runs on with the playing time.
    ByDurations,
    /// Starts again.
    Restarts,
}

/// Names the segments, given in playing order, whose time stamps or bytes belong elsewhere.
///
/// Takes O(n log n) time. The result is in playing order and names no segment twice.
#[must_use]
pub fn suspects(stamps: &[Stamp]) -> Vec<Suspect> {
    let mut standings = vec![Standing::Open; stamps.len()];
    let mut start = 0;
    for run in stamps.chunk_by(|a, b| a.run == b.run) {
        judge_run(run, &mut standings[start..start + run.len()]);
        start += run.len();
    }
    let twins = same_bytes(stamps, &standings);
    standings
        .iter()
        .enumerate()
        .filter_map(|(index, standing)| {
            let why = match (twins.get(&index), *standing) {
                (Some(&as_index), Standing::OutOfPlace { expected_pts, .. }) => {
                    Why::SameBytes { as_index, expected_pts: Some(expected_pts) }
                }
                (Some(&as_index), Standing::Open | Standing::Confirmed) => {
                    Why::SameBytes { as_index, expected_pts: None }
                }
                (None, Standing::OutOfPlace { expected_pts, found_pts }) => {
                    Why::OutOfPlace { expected_pts, found_pts }
                }
                (None, Standing::Open | Standing::Confirmed) => return None,
            };
            Some(Suspect { index, why })
        })
        .collect()
}

/// Of each group of segments with the same bytes, those without the best claim to them, with the one that
/// has it. The same name twice is the same object played twice, which is no fault.
fn same_bytes(stamps: &[Stamp], standings: &[Standing]) -> BTreeMap<usize, usize> {
    let mut groups: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (index, stamp) in stamps.iter().enumerate() {
        if let Some(digest) = stamp.sha256 {
            groups.entry(digest).or_default().push(index);
        }
    }
    let mut blamed = BTreeMap::new();
    for group in groups.into_values() {
        let Some(&first) = group.first() else { continue };
        let Some(&other) = group.iter().find(|&&index| stamps[index].name != stamps[first].name) else {
            continue;
        };
        let mut owners = group.iter().filter(|&&index| standings[index] == Standing::Confirmed);
        // Two owners own nothing.
        let owner =
            owners.next().filter(|&&owner| owners.all(|&next| stamps[next].name == stamps[owner].name));
        for &index in &group {
            let twin = owner.copied().unwrap_or(first);
            if stamps[index].name != stamps[twin].name {
                blamed.insert(index, twin);
            } else if owner.is_none() {
                blamed.insert(index, other);
            }
        }
    }
    blamed
}

/// Judges the segments between two discontinuities.
fn judge_run(run: &[Stamp], standings: &mut [Standing]) {
    let voters: Vec<usize> = (0..run.len()).filter(|&index| run[index].first_pts.is_some()).collect();
    let mut best: Option<Agreement> = None;
    let mut rival: Option<Agreement> = None;
    for clock in [Clock::ByNames, Clock::ByDurations, Clock::Restarts] {
        let Some(agreement) = Agreement::find(run, &voters, clock) else { continue };
        match &best {
            Some(leader) if agreement.fits.len() <= leader.fits.len() => {
                if agreement.fits.len() == leader.fits.len() && agreement.fits != leader.fits {
                    rival = Some(agreement);
                }
            }
            _ => (best, rival) = (Some(agreement), None),
        }
    }
    // Two explanations that hold equally well for different segments explain nothing.
    let (Some(agreement), None) = (best, rival) else { return };
    let tells_places = agreement.clock != Clock::Restarts && !restart_fits(run, &voters, &agreement);
    let mut fits = agreement.fits.iter().peekable();
    let mut neighbour = agreement.fits.first().copied().unwrap_or_default();
    for index in voters {
        if fits.next_if_eq(&&index).is_some() {
            neighbour = index;
            if tells_places {
                standings[index] = Standing::Confirmed;
            }
            continue;
        }
        let (Some(place), Some(found_pts)) = (agreement.places[index], run[index].first_pts) else {
            continue;
        };
        let (Some(near_place), Some(near_pts)) = (agreement.places[neighbour], run[neighbour].first_pts)
        else {
            continue;
        };
        let expected_pts = offset(near_pts, near_place).wrapping_add(place) % WRAP;
        standings[index] = Standing::OutOfPlace { expected_pts, found_pts };
    }
}

/// Whether a clock that starts again would explain the same segments, as with very short ones: then their
/// time stamps do not tell one place from the next.
fn restart_fits(run: &[Stamp], voters: &[usize], agreement: &Agreement) -> bool {
    Agreement::find(run, voters, Clock::Restarts)
        .is_some_and(|restarts| restarts.fits.len() >= agreement.fits.len())
}

/// The segments of a run that agree, if the clock does a certain thing.
#[derive(Debug)]
struct Agreement {
    clock: Clock,
    /// In playing order.
    fits: Vec<usize>,
    /// For each segment how far the clock is since the start of the run.
    places: Vec<Option<u64>>,
}

impl Agreement {
    /// `None` where no clear majority agrees: at least two, and more than half of all that have a time.
    fn find(run: &[Stamp], voters: &[usize], clock: Clock) -> Option<Self> {
        let places = clock.places(run);
        let offsets: Vec<(u64, usize)> = voters
            .iter()
            .filter_map(|&index| Some((offset(run[index].first_pts?, places[index]?), index)))
            .collect();
        let fits = without_strays(largest_cluster(offsets.clone()), &offsets);
        (fits.len() >= 2 && fits.len() * 2 > voters.len()).then_some(Self { clock, fits, places })
    }
}

impl Clock {
    /// How far the clock is at the start of each segment, on 33 bits; `None` from where it is not known.
    fn places(self, run: &[Stamp]) -> Vec<Option<u64>> {
        match self {
            Self::Restarts => vec![Some(0); run.len()],
            Self::ByNames => {
                let Some(start) = run.iter().find_map(|stamp| stamp.starts_ms) else {
                    return vec![None; run.len()];
                };
                run.iter()
                    .map(|stamp| stamp.starts_ms.map(|ms| ticks(i128::from(ms) - i128::from(start))))
                    .collect()
            }
            Self::ByDurations => run
                .iter()
                .scan(Some(0_u64), |at, stamp| {
                    let place = *at;
                    let length = stamp.duration_ms.map(|ms| ticks(i128::from(ms))).or(stamp.span);
                    *at = at.zip(length).map(|(at, length)| at.wrapping_add(length) % WRAP);
                    Some(place)
                })
                .collect(),
        }
    }
}

/// Milliseconds on the 90 kHz clock of 33 bits.
fn ticks(ms: i128) -> u64 {
    u64::try_from((ms * 90).rem_euclid(i128::from(WRAP))).unwrap_or_default()
}

/// Where the clock would have been at the start of the run.
fn offset(pts: u64, place: u64) -> u64 {
    pts.wrapping_sub(place) % WRAP
}

/// The most segments of which each is within the tolerance of another, around the clock. A slow drift keeps
/// a cluster together however far it goes in the end.
fn largest_cluster(mut offsets: Vec<(u64, usize)>) -> Vec<usize> {
    offsets.sort_unstable();
    let mut clusters: Vec<&[(u64, usize)]> = offsets.chunk_by(|a, b| b.0 - a.0 <= TOLERANCE).collect();
    let mut seam: &[(u64, usize)] = &[];
    if let [first, .., last] = clusters[..]
        && first[0].0 + WRAP - last[last.len() - 1].0 <= TOLERANCE
    {
        // The first and the last are one, cut by the wrap.
        seam = last;
        clusters.pop();
    }
    let size = |n: usize, cluster: &[_]| cluster.len() + if n == 0 { seam.len() } else { 0 };
    let largest = clusters.iter().enumerate().max_by_key(|&(n, cluster)| size(n, cluster));
    let Some((n, cluster)) = largest else { return Vec::new() };
    let seam = if n == 0 { seam } else { &[] };
    let mut members: Vec<usize> = cluster.iter().chain(seam).map(|&(_, index)| index).collect();
    members.sort_unstable();
    members
}

/// Takes out those that are in the cluster only because it drifted far: their neighbours in playing order
/// agree with each other and not with them.
fn without_strays(members: Vec<usize>, offsets: &[(u64, usize)]) -> Vec<usize> {
    // `offsets` is in playing order, as `members` is.
    let mut all = offsets.iter();
    let members: Vec<(u64, usize)> =
        members.into_iter().filter_map(|index| all.find(|&&(_, other)| other == index).copied()).collect();
    let near = |a: usize, b: usize| super::verdict::clock_distance(members[a].0, members[b].0) <= TOLERANCE;
    let last = members.len().saturating_sub(1);
    (0..members.len())
        .filter(|&n| {
            if members.len() < 3 {
                return true;
            }
            let (before, behind) = match n {
                0 => (1, 2),
                n if n == last => (last - 2, last - 1),
                n => (n - 1, n + 1),
            };
            near(n, before) || near(n, behind) || !near(before, behind)
        })
        .map(|n| members[n].1)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SLICE_MS: u64 = 15_000;

    fn stamp(index: u64, first_pts: u64) -> Stamp {
        Stamp {
            name: ObjectName::parse(&format!("s_{index}.ts")).unwrap(),
            starts_ms: Some(1_700_000_000_000 + i64::try_from(index * SLICE_MS).unwrap()),
            duration_ms: Some(SLICE_MS),
            first_pts: Some(first_pts % WRAP),
            span: Some(SLICE_MS * 90),
            run: 0,
            sha256: Some([u8::try_from(index % 251).unwrap(); 32]).filter(|_| index < 251),
        }
    }

    fn running_from(start: u64, count: u64) -> Vec<Stamp> {
        (0..count).map(|n| stamp(n, start + n * SLICE_MS * 90)).collect()
    }

    fn restarting(count: u64) -> Vec<Stamp> {
        (0..count).map(|n| stamp(n, 126_000)).collect()
    }

    fn blamed(stamps: &[Stamp]) -> Vec<usize> {
        suspects(stamps).into_iter().map(|suspect| suspect.index).collect()
    }

    #[test]
    fn whole_recordings_of_either_kind_are_not_blamed() {
        for count in [0, 1, 2, 3, 10, 250] {
            for start in [0, 126_000, WRAP - 1, WRAP - 40 * 90_000] {
                assert_eq!(suspects(&running_from(start, count)), []);
            }
            assert_eq!(suspects(&restarting(count)), []);
        }
    }

    #[test]
    fn a_slow_drift_and_late_sound_are_not_blamed() {
        for drift in [-90_i64, 90, 900, 80_000] {
            let mut drifting = running_from(1 << 32, 1000);
            let mut restarts = restarting(1000);
            for (n, (a, b)) in (0_i64..).zip(drifting.iter_mut().zip(&mut restarts)) {
                for stamp in [a, b] {
                    stamp.first_pts = stamp.first_pts.map(|pts| pts.wrapping_add_signed(n * drift) % WRAP);
                }
            }
            assert_eq!(suspects(&drifting), [], "drift of {drift}");
            assert_eq!(suspects(&restarts), [], "drift of {drift}");
        }
        let mut late = running_from(0, 20);
        late.iter_mut().step_by(3).for_each(|stamp| stamp.first_pts = stamp.first_pts.map(|pts| pts + 1890));
        assert_eq!(suspects(&late), []);
    }

    #[test]
    fn a_foreign_segment_is_named_with_the_time_that_it_should_have() {
        for at in [0, 1, 5, 9] {
            let mut stamps = running_from(WRAP - 50 * 90_000, 10);
            let expected_pts = stamps[at].first_pts.unwrap();
            let found_pts = (expected_pts + 3 * SLICE_MS * 90) % WRAP;
            stamps[at].first_pts = Some(found_pts);
            let why = Why::OutOfPlace { expected_pts, found_pts };
            assert_eq!(suspects(&stamps), [Suspect { index: at, why }]);
        }
        let mut stamps = restarting(3);
        stamps[1].first_pts = Some(126_000 + 90_001);
        assert_eq!(blamed(&stamps), [1]);
        stamps[1].first_pts = Some(126_000 + 90_000);
        assert_eq!(suspects(&stamps), []);
    }

    #[test]
    fn a_foreign_segment_that_a_long_drift_would_cover_is_named_by_its_neighbours() {
        let mut stamps = running_from(0, 200);
        for (n, stamp) in (0..).zip(&mut stamps) {
            stamp.first_pts = stamp.first_pts.map(|pts| pts + n * 45_000);
        }
        stamps[20].first_pts = stamps[20].first_pts.map(|pts| pts + SLICE_MS * 90);
        assert_eq!(blamed(&stamps), [20]);
    }

    #[test]
    fn exchanged_neighbours_are_both_named() {
        let mut stamps = running_from(0, 8);
        (stamps[3].first_pts, stamps[4].first_pts) = (stamps[4].first_pts, stamps[3].first_pts);
        assert_eq!(blamed(&stamps), [3, 4]);
    }

    #[test]
    fn without_a_clear_majority_nobody_is_blamed() {
        let far = 7_000_000_000;
        for pts in [
            vec![0, far],
            vec![0, 0, 15 * 90_000],
            vec![0, 15 * 90_000, far, far + 15 * 90_000],
            vec![5, far, far / 2],
        ] {
            let stamps: Vec<Stamp> = (0..).zip(&pts).map(|(n, &pts)| stamp(n, pts)).collect();
            assert_eq!(suspects(&stamps), [], "{pts:?}");
        }
        let untimed: Vec<Stamp> =
            running_from(0, 5).into_iter().map(|stamp| Stamp { first_pts: None, ..stamp }).collect();
        assert_eq!(suspects(&untimed), []);
    }

    #[test]
    fn a_hole_in_the_names_is_no_fault_whether_the_clock_went_on_or_waited() {
        for waited in [0, 60_000 * 90] {
            let mut stamps = running_from(0, 10);
            for stamp in &mut stamps[6..] {
                stamp.starts_ms = stamp.starts_ms.map(|ms| ms + 60_000);
                stamp.first_pts = stamp.first_pts.map(|pts| pts + waited);
            }
            assert_eq!(suspects(&stamps), []);
        }
    }

    #[test]
    fn each_run_has_its_own_clock() {
        let mut stamps = running_from(0, 12);
        for (n, stamp) in stamps.iter_mut().enumerate() {
            stamp.run = n / 4;
            stamp.first_pts = stamp.first_pts.map(|pts| (pts + n as u64 / 4 * 1_000_000_007) % WRAP);
        }
        assert_eq!(suspects(&stamps), []);
        stamps[5].first_pts = Some(stamps[5].first_pts.unwrap() + 200_000);
        assert_eq!(blamed(&stamps), [5]);
    }

    #[test]
    fn names_without_a_time_leave_the_durations() {
        let mut stamps = running_from(0, 6);
        stamps.iter_mut().for_each(|stamp| stamp.starts_ms = None);
        stamps[2].first_pts = stamps[5].first_pts;
        assert_eq!(blamed(&stamps), [2]);
    }

    #[test]
    fn of_two_with_the_same_bytes_the_one_out_of_place_is_blamed() {
        let mut stamps = running_from(0, 6);
        let expected_pts = stamps[4].first_pts;
        (stamps[4].first_pts, stamps[4].sha256) = (stamps[1].first_pts, stamps[1].sha256);
        let why = Why::SameBytes { as_index: 1, expected_pts };
        assert_eq!(suspects(&stamps), [Suspect { index: 4, why }]);
        (stamps[4].run, stamps[5].run) = (1, 2);
        assert_eq!(
            suspects(&stamps),
            [Suspect { index: 4, why: Why::SameBytes { as_index: 1, expected_pts: None } }]
        );
    }

    #[test]
    fn of_two_with_the_same_bytes_both_are_blamed_if_the_times_do_not_tell() {
        let both = [
            Suspect { index: 1, why: Why::SameBytes { as_index: 4, expected_pts: None } },
            Suspect { index: 4, why: Why::SameBytes { as_index: 1, expected_pts: None } },
        ];
        let mut stamps = restarting(6);
        stamps[4].sha256 = stamps[1].sha256;
        assert_eq!(suspects(&stamps), both);
        // Both out of place: the bytes of a third one.
        let mut stamps = running_from(0, 6);
        let [first, second] = [1, 4].map(|index| stamps[index].first_pts);
        (stamps[4].sha256, stamps[4].first_pts) = (stamps[1].sha256, Some(1 << 32));
        stamps[1].first_pts = Some(1 << 32);
        let both = [
            Suspect { index: 1, why: Why::SameBytes { as_index: 4, expected_pts: first } },
            Suspect { index: 4, why: Why::SameBytes { as_index: 1, expected_pts: second } },
        ];
        assert_eq!(suspects(&stamps), both);
    }

    #[test]
    fn the_same_object_twice_in_a_playlist_has_the_same_bytes() {
        let mut stamps = restarting(6);
        (stamps[4].sha256, stamps[4].name) = (stamps[1].sha256, stamps[1].name.clone());
        assert_eq!(suspects(&stamps), []);
    }

    proptest! {
        #[test]
        fn no_input_panics_or_is_blamed_twice(
            stamps in proptest::collection::vec(
                (any::<Option<i64>>(), any::<Option<u64>>(), any::<Option<u64>>(), any::<Option<u64>>(),
                 0_usize..3, proptest::option::of(0_u8..4)),
                0..30,
            ),
        ) {
            let stamps: Vec<Stamp> = (0..).zip(stamps).map(|(n, (starts_ms, duration_ms, first_pts, span, run, digest))| {
                Stamp {
                    starts_ms, duration_ms, first_pts, span, run, sha256: digest.map(|d| [d; 32]),
                    ..stamp(n, 0)
                }
            }).collect();
            let blamed = blamed(&stamps);
            prop_assert!(blamed.is_sorted_by(|a, b| a < b));
            prop_assert!(blamed.iter().all(|&index| index < stamps.len()));
        }

        /// Fewer than half are foreign: exactly they are named.
        #[test]
        fn foreign_segments_are_named_and_no_others(
            start in 0..WRAP,
            count in 5_usize..60,
            foreign in proptest::collection::btree_map(0_usize..60, 2_u64..5000, 0..2),
            restarts in any::<bool>(),
        ) {
            let mut stamps = if restarts { restarting(count as u64) } else { running_from(start, count as u64) };
            let mut expected = Vec::new();
            for (index, seconds) in foreign.into_iter().take_while(|&(index, _)| index < count) {
                stamps[index].first_pts = stamps[index].first_pts.map(|pts| (pts + seconds * 90_000) % WRAP);
                expected.push(index);
            }
            prop_assert_eq!(blamed(&stamps), expected);
        }
    }
}
