//! Segments that have the bytes of another place, and what it means where a store vouches for them.

use super::continuity::{Stamp, Suspect, Why, suspects};
use super::verdict::{START_SLACK, clock_distance};

/// A segment whose bytes are not its own, or look as if they were not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misplaced {
    /// Its place in the playing order.
    pub index: usize,
    /// What is odd about it.
    pub what: Misplacement,
}

/// What is odd about a segment. Time stamps are in parts of 1/90,000 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misplacement {
    /// Its time stamps are those of another place, and nobody vouches for its bytes: they are wrong.
    OtherTime {
        /// Where they should start, by the nearest neighbour that fits.
        expected_pts: u64,
        /// Where they start.
        found_pts: u64,
    },
    /// The same, and its store vouches for its bytes: the clock was recorded so.
    Jump {
        /// Where they should start.
        expected_pts: u64,
        /// Where they start.
        found_pts: u64,
    },
    /// It has the bytes of another one, and nobody vouches for them: they are wrong.
    SameAs {
        /// The place of the other one.
        as_index: usize,
        /// Where its own time stamps should start, where its neighbours tell.
        expected_pts: Option<u64>,
    },
    /// The same, and its store vouches for its bytes: they were stored so.
    StoredTwice {
        /// The place of the other one.
        as_index: usize,
    },
}

/// Names the segments, given in playing order, that have the bytes of another place. `vouched_for` tells for each
/// place whether a store vouches for exactly these bytes.
///
/// Takes O(n log n) time. The result is in playing order and names no segment twice.
#[must_use]
pub fn misplaced(stamps: &[Stamp], vouched_for: impl Fn(usize) -> bool) -> Vec<Misplaced> {
    let judged = suspects(stamps).into_iter().filter_map(|Suspect { index, why }| {
        let what = match (why, vouched_for(index)) {
            (Why::OutOfPlace { expected_pts, found_pts }, vouched_for) => {
                if !beyond_slack(expected_pts, found_pts, &stamps[index]) {
                    return None;
                }
                match vouched_for {
                    true => Misplacement::Jump { expected_pts, found_pts },
                    false => Misplacement::OtherTime { expected_pts, found_pts },
                }
            }
            (Why::SameBytes { as_index, expected_pts }, false) => {
                Misplacement::SameAs { as_index, expected_pts }
            }
            (Why::SameBytes { as_index, expected_pts: _ }, true) => Misplacement::StoredTwice { as_index },
        };
        Some(Misplaced { index, what })
    });
    judged.collect()
}

/// Half a slice is far enough to be another one; sound or picture that starts a little late is not.
fn beyond_slack(expected: u64, found: u64, stamp: &Stamp) -> bool {
    let half = stamp.duration_ms.unwrap_or(0).saturating_mul(90) / 2;
    clock_distance(expected, found) > half.max(START_SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::ObjectName;

    /// Five slices of ten seconds; one of them starts so many milliseconds from where it should.
    fn stamps(odd: usize, by_ms: u64) -> Vec<Stamp> {
        (0..5)
            .map(|n| Stamp {
                name: ObjectName::parse(&format!("s_{n}.ts")).unwrap(),
                starts_ms: Some(1_700_000_000_000 + n * 10_000),
                duration_ms: Some(10_000),
                first_pts: u64::try_from(n * 900_000)
                    .ok()
                    .map(|pts| pts + if usize::try_from(n) == Ok(odd) { by_ms * 90 } else { 0 }),
                span: Some(900_000),
                run: 0,
                sha256: Some([u8::try_from(n).unwrap(); 32]),
            })
            .collect()
    }

    #[test]
    fn half_a_slice_off_is_another_place_and_less_is_not() {
        for (by_ms, odd) in [(0, false), (4900, false), (5100, true), (20_000, true)] {
            let found = misplaced(&stamps(2, by_ms), |_| false);
            let (expected_pts, found_pts) = (1_800_000, 1_800_000 + by_ms * 90);
            let what = Misplacement::OtherTime { expected_pts, found_pts };
            let expected = if odd { vec![Misplaced { index: 2, what }] } else { Vec::new() };
            assert_eq!(found, expected, "{by_ms} ms off");
        }
    }

    #[test]
    fn what_a_store_vouches_for_was_recorded_so() {
        let (expected_pts, found_pts) = (1_800_000, 3_600_000);
        let what = Misplacement::Jump { expected_pts, found_pts };
        assert_eq!(misplaced(&stamps(2, 20_000), |index| index == 2), [Misplaced { index: 2, what }]);
        let mut twice = stamps(2, 20_000);
        (twice[2].first_pts, twice[2].sha256) = (twice[4].first_pts, twice[4].sha256);
        for (vouched, what) in [
            (true, Misplacement::StoredTwice { as_index: 4 }),
            (false, Misplacement::SameAs { as_index: 4, expected_pts: Some(expected_pts) }),
        ] {
            assert_eq!(misplaced(&twice, |_| vouched), [Misplaced { index: 2, what }]);
        }
    }
}
