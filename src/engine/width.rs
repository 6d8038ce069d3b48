//! How many objects are fetched at once: more while it helps, fewer when a place asks for patience.

use std::time::Duration;

/// The number of transfers at a time.
///
/// Grows by doubling as long as a window of time brings clearly more bytes than the one before, then holds
/// and tries one more from time to time; halves when a place throttles. Pure: the time comes from outside.
#[derive(Debug)]
pub(super) struct Width {
    current: usize,
    most: usize,
    growing: bool,
    window_start: Duration,
    window_bytes: u64,
    window_done: usize,
    last_rate: f64,
    quiet_windows: u32,
    shrunk_at: Option<Duration>,
}

const FIRST: usize = 4;
const WINDOW: Duration = Duration::from_millis(400);
/// A gain below this is noise.
const GAIN: f64 = 1.08;
/// Windows without a change after which one more transfer is tried.
const PROBE_AFTER: u32 = 8;
/// Many refusals at once are one sign, not many.
const SHRINK_PAUSE: Duration = Duration::from_secs(1);

impl Width {
    pub(super) fn new(most: usize, now: Duration) -> Self {
        let most = most.max(1);
        Self {
            current: FIRST.min(most),
            most,
            growing: true,
            window_start: now,
            window_bytes: 0,
            window_done: 0,
            last_rate: 0.0,
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

    /// An object is done. Small objects show their gain in number rather than in bytes.
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
        self.growing = false;
        self.quiet_windows = 0;
        let before = self.current;
        self.current = (self.current / 2).max(1);
        before != self.current
    }

    fn end_window(&mut self, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.window_start);
        if elapsed < WINDOW || self.window_done == 0 {
            return false;
        }
        let rate = self.window_bytes as f64 / elapsed.as_secs_f64();
        let gained = rate > self.last_rate * GAIN;
        self.last_rate = if gained { rate } else { f64::midpoint(self.last_rate, rate) };
        self.window_start = now;
        self.window_bytes = 0;
        self.window_done = 0;
        let before = self.current;
        if self.growing {
            if gained {
                self.current = (self.current * 2).min(self.most);
            } else {
                self.growing = false;
                self.quiet_windows = 0;
            }
        } else {
            self.quiet_windows += 1;
            if self.quiet_windows >= PROBE_AFTER {
                self.quiet_windows = 0;
                self.current = (self.current + 1).min(self.most);
            }
        }
        before != self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(width: &mut Width, now: &mut Duration, bytes: u64) {
        *now += WINDOW;
        width.on_bytes(*now, bytes);
        *now += Duration::from_millis(1);
        width.on_done(*now);
    }

    #[test]
    fn it_grows_while_it_helps_and_then_holds() {
        let mut now = Duration::ZERO;
        let mut width = Width::new(16, now);
        assert_eq!(width.current(), 4);
        window(&mut width, &mut now, 1_000);
        assert_eq!(width.current(), 8);
        window(&mut width, &mut now, 2_000);
        assert_eq!(width.current(), 16);
        window(&mut width, &mut now, 4_000);
        assert_eq!(width.current(), 16, "not beyond the bound");
    }

    #[test]
    fn it_stops_growing_when_nothing_is_gained() {
        let mut now = Duration::ZERO;
        let mut width = Width::new(64, now);
        window(&mut width, &mut now, 1_000);
        window(&mut width, &mut now, 1_000);
        assert_eq!(width.current(), 8);
        for _ in 0..PROBE_AFTER {
            window(&mut width, &mut now, 1_000);
        }
        assert_eq!(width.current(), 9, "one more is tried from time to time");
    }

    #[test]
    fn it_halves_once_for_many_refusals_and_never_stops() {
        let mut width = Width::new(16, Duration::ZERO);
        let now = Duration::from_secs(5);
        assert!(width.on_throttled(now));
        assert!(!width.on_throttled(now));
        assert_eq!(width.current(), 2);
        for second in 6..20 {
            width.on_throttled(Duration::from_secs(second));
        }
        assert_eq!(width.current(), 1);
    }
}
