//! How many objects are fetched at once: more while it helps, fewer when a place asks for patience.

use std::time::Duration;

/// The number of transfers at a time.
///
/// Grows by doubling as long as that brings much more bytes in a window of time, then holds, and from time to time
/// tries a quarter more and takes it back unless it helps: every transfer holds memory. Halves when a place
/// throttles. A window lasts until as many objects
/// came as are on their way: before that, transfers that were just begun cost time and have brought nothing, and
/// a long way to the store would look like a full one. Pure: the time comes from outside.
#[derive(Debug)]
pub(super) struct Width {
    current: usize,
    most: usize,
    phase: Phase,
    window_start: Duration,
    window_bytes: u64,
    window_done: usize,
    best_rate: f64,
    quiet_windows: u32,
    shrunk_at: Option<Duration>,
}

/// Whether more transfers are being tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Connections are being made; what they bring now is no measure.
    Warming,
    /// Each window doubles.
    Growing,
    /// The last doubling brought little; it may only have begun to.
    Doubtful,
    /// More does not help.
    Holding,
    /// A few more are tried; before there were so many.
    Trying(usize),
}

pub(super) const FIRST: usize = 8;
const WINDOW: Duration = Duration::from_millis(100);
/// However slow objects are, a window ends.
const LONGEST_WINDOW: Duration = Duration::from_secs(4);
/// What doubling has to bring to be worth doubling again.
const GAIN: f64 = 1.3;
/// What a quarter more has to bring to be kept.
const SMALL_GAIN: f64 = 1.1;
/// Windows without a change after which more transfers are tried.
const PROBE_AFTER: u32 = 8;
/// Many refusals at once are one sign, not many.
const SHRINK_PAUSE: Duration = Duration::from_secs(1);

impl Width {
    pub(super) fn new(most: usize, now: Duration) -> Self {
        let most = most.max(1);
        Self {
            current: FIRST.min(most),
            most,
            phase: Phase::Warming,
            window_start: now,
            window_bytes: 0,
            window_done: 0,
            best_rate: 0.0,
            quiet_windows: 0,
            shrunk_at: None,
        }
    }

    pub(super) fn current(&self) -> usize {
        self.current
    }

    /// Bytes came. `true` where the width changed.
    pub(super) fn on_bytes(&mut self, now: Duration, bytes: u64) -> bool {
        self.window_bytes += bytes;
        self.end_window(now)
    }

    /// An object is done. `true` where the width changed.
    pub(super) fn on_done(&mut self, now: Duration) -> bool {
        self.window_done += 1;
        self.end_window(now)
    }

    /// A place asked for patience. `true` where the width changed.
    pub(super) fn on_throttled(&mut self, now: Duration) -> bool {
        if self.shrunk_at.is_some_and(|at| now.saturating_sub(at) < SHRINK_PAUSE) {
            return false;
        }
        self.shrunk_at = Some(now);
        self.hold();
        // What was reached with more is no measure any more.
        self.best_rate = 0.0;
        let before = self.current;
        self.current = (self.current / 2).max(1);
        before != self.current
    }

    fn end_window(&mut self, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.window_start);
        let all_came = self.window_done >= self.current && elapsed >= WINDOW;
        if !all_came && (self.window_done == 0 || elapsed < LONGEST_WINDOW) {
            return false;
        }
        let rate = self.window_bytes as f64 / elapsed.as_secs_f64();
        let gain = if self.best_rate > 0.0 { rate / self.best_rate } else { f64::INFINITY };
        self.window_start = now;
        self.window_bytes = 0;
        self.window_done = 0;
        let before = self.current;
        match self.phase {
            Phase::Warming => {
                self.phase = Phase::Growing;
                return false;
            }
            Phase::Growing | Phase::Doubtful if gain > GAIN => {
                self.phase = Phase::Growing;
                self.current = (self.current * 2).min(self.most);
            }
            Phase::Growing => self.phase = Phase::Doubtful,
            Phase::Doubtful => self.hold(),
            Phase::Holding => {
                self.quiet_windows += 1;
                if self.quiet_windows >= PROBE_AFTER && self.current < self.most {
                    self.phase = Phase::Trying(self.current);
                    self.current = (self.current + (self.current / 4).max(1)).min(self.most);
                }
                // What is tried is measured against now, not against the best there ever was.
                self.best_rate = rate;
            }
            Phase::Trying(_) if gain > SMALL_GAIN => self.phase = Phase::Doubtful,
            Phase::Trying(fewer) => {
                self.current = fewer;
                self.hold();
            }
        }
        self.best_rate = self.best_rate.max(rate);
        before != self.current
    }

    fn hold(&mut self) {
        self.phase = Phase::Holding;
        self.quiet_windows = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window in which each of the transfers brings an object, at a rate.
    fn window(width: &mut Width, now: &mut Duration, bytes: u64) {
        *now += WINDOW;
        width.on_bytes(*now, bytes);
        for _ in 0..width.current() {
            width.on_done(*now);
        }
    }

    #[test]
    fn it_grows_while_it_helps_and_then_holds() {
        let mut now = Duration::ZERO;
        let mut width = Width::new(32, now);
        assert_eq!(width.current(), 8);
        window(&mut width, &mut now, 100);
        assert_eq!(width.current(), 8, "the first connections are made");
        window(&mut width, &mut now, 1_000);
        assert_eq!(width.current(), 16);
        window(&mut width, &mut now, 2_000);
        assert_eq!(width.current(), 32);
        window(&mut width, &mut now, 4_000);
        assert_eq!(width.current(), 32, "not beyond the bound");
    }

    #[test]
    fn it_stops_growing_when_little_is_gained_twice() {
        let mut now = Duration::ZERO;
        let mut width = Width::new(64, now);
        for _ in 0..4 {
            window(&mut width, &mut now, 1_000);
        }
        for _ in 0..PROBE_AFTER {
            assert_eq!(width.current(), 16);
            window(&mut width, &mut now, 1_100);
        }
        assert_eq!(width.current(), 20, "more is tried from time to time");
        window(&mut width, &mut now, 1_100);
        assert_eq!(width.current(), 16, "and taken back where it does not help");
        for _ in 0..PROBE_AFTER {
            window(&mut width, &mut now, 1_100);
        }
        window(&mut width, &mut now, 1_400);
        assert_eq!(width.current(), 20, "or kept where it does");
        window(&mut width, &mut now, 2_800);
        assert_eq!(width.current(), 40, "a way that became wider is found again");
    }

    #[test]
    fn a_long_way_to_the_store_does_not_look_like_a_full_one() {
        // An object takes half a second, of which most is waiting; any number may be on their way at once.
        let mut width = Width::new(64, Duration::ZERO);
        let mut ends: std::collections::BinaryHeap<_> = (0..8).map(|_| std::cmp::Reverse(500_u64)).collect();
        let mut reached = None;
        while let Some(std::cmp::Reverse(ms)) = ends.pop().filter(|end| end.0 < 5_000) {
            let now = Duration::from_millis(ms);
            width.on_bytes(now, 1 << 20);
            width.on_done(now);
            while ends.len() < width.current() {
                ends.push(std::cmp::Reverse(ms + 500));
            }
            if width.current() == 64 {
                reached.get_or_insert(ms);
            }
        }
        assert!(reached.is_some_and(|ms| ms <= 2_500), "{reached:?}");
    }

    #[test]
    fn it_halves_once_for_many_refusals_and_never_stops() {
        let mut width = Width::new(16, Duration::ZERO);
        let now = Duration::from_secs(5);
        assert!(width.on_throttled(now));
        assert!(!width.on_throttled(now));
        assert_eq!(width.current(), 4);
        for second in 6..20 {
            width.on_throttled(Duration::from_secs(second));
        }
        assert_eq!(width.current(), 1);
    }
}
