//! Many recordings: lists of jobs, what became of each, which share of a list is whose, and counts for a monitor.
//!
//! These are texts and facts; nothing is read, written or asked here. What remembers them is
//! [`archive::Ledger`](crate::archive::Ledger).

mod job;
mod list;
mod metrics;
mod outcome;
mod shard;

pub use job::{FetchV1, JOB_FORMAT, Job, JobError, JobV1, KeepV1, MirrorV1, What};
pub use list::{Form, Line, List, ListError};
pub use metrics::Metrics;
pub use outcome::{OUTCOME_FORMAT, ObjectsV1, OutcomeV1, StateV1, word};
pub use shard::{Shard, ShardError};
