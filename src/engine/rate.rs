//! A bound on bytes per second, over all transfers together.

use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Bytes are counted in cells of this size, so that rates beyond 4 GiB/s fit the counter.
const CELL: u64 = 4096;

/// Slows transfers down to a rate.
pub(super) struct RateLimit {
    limiter: Option<DefaultDirectRateLimiter>,
    clock: DefaultClock,
    burst: u32,
}

impl RateLimit {
    /// `None` is no limit.
    pub(super) fn new(bytes_per_second: Option<std::num::NonZeroU64>) -> Self {
        let cells = bytes_per_second.map(|rate| u32::try_from(rate.get() / CELL).unwrap_or(u32::MAX).max(1));
        let limiter =
            cells.and_then(NonZeroU32::new).map(|cells| RateLimiter::direct(Quota::per_second(cells)));
        Self { limiter, clock: DefaultClock::default(), burst: cells.unwrap_or(u32::MAX) }
    }

    /// Waits until so many bytes may have passed.
    pub(super) async fn pass(&self, bytes: usize) {
        let Some(limiter) = &self.limiter else { return };
        let mut cells = u32::try_from((bytes as u64).div_ceil(CELL)).unwrap_or(u32::MAX);
        while cells > 0 {
            // No more can pass at once than a second's worth.
            let part = cells.min(self.burst);
            let Some(part_cells) = NonZeroU32::new(part) else { return };
            match limiter.check_n(part_cells) {
                Ok(Ok(())) | Err(_) => cells -= part,
                Ok(Err(not_yet)) => {
                    tokio::time::sleep(not_yet.wait_time_from(self.clock.now())).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[tokio::test]
    async fn a_rate_is_kept() {
        let limit = RateLimit::new(std::num::NonZeroU64::new(1 << 20));
        let start = Instant::now();
        // The first second's worth passes at once; the rest takes its time.
        for _ in 0..24 {
            limit.pass(1 << 16).await;
        }
        let took = start.elapsed();
        assert!(took > Duration::from_millis(400) && took < Duration::from_secs(3), "{took:?}");
    }

    #[tokio::test]
    async fn without_a_limit_nothing_waits() {
        let limit = RateLimit::new(None);
        let start = Instant::now();
        limit.pass(usize::MAX).await;
        assert!(start.elapsed() < Duration::from_millis(100));
    }
}
