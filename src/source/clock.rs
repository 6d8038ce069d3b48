//! The time of day, for signatures.
//!
//! The engine has the clock for all that a run decides and reports. A signature is no decision: it carries
//! the time at which it is made, on each request anew, so the adapters that sign ask here.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01 UTC; 0 on a machine whose clock stands before that.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
