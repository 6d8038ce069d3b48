//! When to try again: one policy, bounded in count and in time.

use std::time::Duration;

use backon::BackoffBuilder as _;

/// How patient the engine is with one object at one place.
///
/// Both bounds hold: signed requests expire, and a place that fails for minutes will fail for hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in a row that bring no new byte.
    pub tries: u32,
    /// The time that all tries for one object at one place may take while they bring nothing.
    pub patience: Duration,
    /// The first pause.
    pub first_pause: Duration,
    /// The longest pause that back-off comes to.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 6,
            patience: Duration::from_secs(300),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(20),
        }
    }
}

/// The tries at one place.
#[derive(Debug)]
pub(super) struct Retries {
    policy: RetryPolicy,
    pauses: backon::ExponentialBackoff,
    failed: u32,
    /// Time without progress at which the last byte came, on the caller's clock.
    since: Duration,
    /// Bounds tries that each bring a byte or two: a body that is always cut must end some day.
    total: u32,
}

/// Tries with progress in between that are still no way to fetch an object.
const MAX_TRIES_IN_ALL: u32 = 200;

impl Retries {
    /// Starts at `now`, a time since any fixed point.
    pub(super) fn new(policy: RetryPolicy, now: Duration) -> Self {
        Self { policy, pauses: pauses(policy), failed: 0, since: now, total: 0 }
    }

    /// Bytes came: whatever failed before is forgiven.
    pub(super) fn progressed(&mut self, now: Duration) {
        if self.failed > 0 {
            self.failed = 0;
            self.pauses = pauses(self.policy);
        }
        self.since = now;
    }

    /// How long to wait before the next try, or `None` to give up. A place that names a time is given it,
    /// unless that is beyond all patience.
    pub(super) fn wait_after_failure(&mut self, now: Duration, asked: Option<Duration>) -> Option<Duration> {
        self.failed += 1;
        self.total += 1;
        if self.failed >= self.policy.tries || self.total >= MAX_TRIES_IN_ALL {
            return None;
        }
        let backed_off = self.pauses.next().unwrap_or(self.policy.longest_pause);
        let wait = asked.map_or(backed_off, |asked| asked.max(backed_off));
        let spent = now.saturating_sub(self.since);
        (spent + wait <= self.policy.patience).then_some(wait)
    }
}

fn pauses(policy: RetryPolicy) -> backon::ExponentialBackoff {
    backon::ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(policy.first_pause)
        .with_max_delay(policy.longest_pause)
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn tries_are_bounded_in_count() {
        let mut retries = Retries::new(RetryPolicy { tries: 3, ..RetryPolicy::default() }, NOW);
        assert!(retries.wait_after_failure(NOW, None).is_some());
        assert!(retries.wait_after_failure(NOW, None).is_some());
        assert_eq!(retries.wait_after_failure(NOW, None), None);
    }

    #[test]
    fn tries_are_bounded_in_time() {
        let mut retries = Retries::new(RetryPolicy::default(), NOW);
        assert!(retries.wait_after_failure(Duration::from_secs(10), None).is_some());
        assert_eq!(retries.wait_after_failure(Duration::from_secs(301), None), None);
    }

    #[test]
    fn the_place_may_name_the_time_within_reason() {
        let mut retries = Retries::new(RetryPolicy::default(), NOW);
        let asked = Duration::from_secs(42);
        assert_eq!(retries.wait_after_failure(NOW, Some(asked)), Some(asked));
        assert_eq!(retries.wait_after_failure(NOW, Some(Duration::from_secs(3600))), None);
    }

    #[test]
    fn progress_forgives_but_not_for_ever() {
        let mut retries = Retries::new(RetryPolicy::default(), NOW);
        let mut tries = 0;
        while retries.wait_after_failure(NOW, None).is_some() {
            retries.progressed(NOW);
            tries += 1;
        }
        assert_eq!(tries, MAX_TRIES_IN_ALL - 1);
    }

    #[test]
    fn pauses_grow_to_their_bound() {
        let policy = RetryPolicy { tries: 50, ..RetryPolicy::default() };
        let mut retries = Retries::new(policy, NOW);
        let waits: Vec<_> = std::iter::from_fn(|| retries.wait_after_failure(NOW, None)).take(12).collect();
        assert!(waits[0] >= policy.first_pause && waits[0] <= policy.first_pause * 2);
        assert!(waits[11] >= policy.longest_pause);
    }
}
