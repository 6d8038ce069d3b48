//! The 90 kHz clock of 33 bits that time stamps are on.

use super::PTS_WRAP;

/// How far a decoder may have to reorder: 16 pictures is the bound of H.264 (annex A.3.1) and of HEVC.
const REORDER: usize = 16;
/// So many steps are enough to know the typical one.
const STEPS: usize = 256;

/// From `from` to `to` by the shorter way around the clock.
pub(super) fn signed_distance(from: u64, to: u64) -> i64 {
    let forward = to.wrapping_sub(from) & (PTS_WRAP - 1);
    let forward = i64::try_from(forward).unwrap_or_default();
    let wrap = PTS_WRAP.cast_signed();
    if forward < wrap / 2 { forward } else { forward - wrap }
}

/// `pts` and `by` added on the clock.
pub(super) fn shift(pts: u64, by: i64) -> u64 {
    pts.wrapping_add_signed(by) & (PTS_WRAP - 1)
}

/// The time stamps of one stream: their reach, and the step from one to the next in playing order.
#[derive(Debug, Clone, Default)]
pub(super) struct Stamps {
    /// As it came; the others are relative to it.
    first: Option<u64>,
    lowest: i64,
    highest: i64,
    /// The stamps that may still be out of order, sorted.
    waiting: [i64; REORDER],
    waits: usize,
    /// The last stamp that is surely in order.
    settled: Option<i64>,
    steps: Vec<u32>,
}

impl Stamps {
    pub(super) fn push(&mut self, pts: u64) {
        let at = signed_distance(*self.first.get_or_insert(pts), pts);
        self.lowest = self.lowest.min(at);
        self.highest = self.highest.max(at);
        if self.steps.len() >= STEPS {
            return;
        }
        if self.waits == REORDER {
            let settled = self.waiting[0].min(at);
            self.settle(settled);
            if settled == at {
                return;
            }
            self.waiting.copy_within(1.., 0);
            self.waits -= 1;
        }
        let place = self.waiting[..self.waits].partition_point(|&earlier| earlier <= at);
        self.waiting.copy_within(place..self.waits, place + 1);
        self.waiting[place] = at;
        self.waits += 1;
    }

    fn settle(&mut self, at: i64) {
        if let Some(before) = self.settled.replace(at)
            && let Ok(step) = u32::try_from(at - before)
            && step > 0
        {
            self.steps.push(step);
        }
    }

    /// The lowest stamp.
    pub(super) fn first_pts(&self) -> Option<u64> {
        self.first.map(|first| shift(first, self.lowest))
    }

    /// The highest stamp.
    pub(super) fn last_pts(&self) -> Option<u64> {
        self.first.map(|first| shift(first, self.highest))
    }

    /// From the lowest to the highest.
    pub(super) fn reach(&self) -> u64 {
        self.highest.abs_diff(self.lowest)
    }

    /// The median step; 0 where there is none.
    pub(super) fn typical_step(mut self) -> u64 {
        for i in 0..self.waits {
            self.settle(self.waiting[i]);
        }
        if self.steps.is_empty() {
            return 0;
        }
        let middle = self.steps.len() / 2;
        u64::from(*self.steps.select_nth_unstable(middle).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(all: impl IntoIterator<Item = u64>) -> Stamps {
        let mut stamps = Stamps::default();
        all.into_iter().for_each(|pts| stamps.push(pts % PTS_WRAP));
        stamps
    }

    #[test]
    fn distances_go_the_shorter_way() {
        for (from, to, distance) in
            [(0, 5, 5), (5, 0, -5), (PTS_WRAP - 1, 1, 2), (1, PTS_WRAP - 1, -2), (0, PTS_WRAP / 2, i64::MIN)]
        {
            let found = signed_distance(from, to);
            if distance == i64::MIN {
                assert_eq!(found, -(1 << 32));
            } else {
                assert_eq!(found, distance);
            }
            assert_eq!(shift(from, found), to);
        }
    }

    #[test]
    fn pictures_out_of_order_across_the_wrap_are_put_in_order() {
        // I0 P4 B2 B1 B3 P8 B6 ..., 3600 ticks a picture, starting just in front of the wrap.
        let order = (0..25).flat_map(|gop| [4, 2, 1, 3].map(|picture| gop * 4 + picture));
        let all = std::iter::once(0).chain(order).map(|picture| PTS_WRAP - 9000 + picture * 3600);
        let stamps = stamps(all);
        assert_eq!(stamps.first_pts(), Some(PTS_WRAP - 9000));
        assert_eq!(stamps.last_pts(), Some(100 * 3600 - 9000));
        assert_eq!(stamps.reach(), 100 * 3600);
        assert_eq!(stamps.typical_step(), 3600);
    }

    #[test]
    fn a_pause_does_not_stretch_the_typical_step() {
        let all = (0..40).map(|n| n * 3000).chain((0..40).map(|n| 900_000 + n * 3000));
        assert_eq!(stamps(all).typical_step(), 3000);
    }

    #[test]
    fn few_stamps_have_a_reach_too() {
        assert_eq!(stamps([]).first_pts(), None);
        assert_eq!(stamps([7]).reach(), 0);
        assert_eq!(stamps([7]).typical_step(), 0);
        assert_eq!(stamps([7, 7, 107]).typical_step(), 100);
    }
}
