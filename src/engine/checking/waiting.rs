//! Looking again until everything is there that may still come.

use std::sync::Arc;
use std::time::Duration;

use backon::BackoffBuilder as _;

use super::super::located::{LocateError, LocateQuery};
use super::super::target::Target;
use super::super::{Candidate, Context};
use super::{CheckOptions, Checked, once};
use crate::domain::check::Awaited;
use crate::domain::verdict::Verdict;
use crate::event::Event;

/// For how long to look again, and how often.
///
/// Pauses double from the first to the longest, each with a random part so that many who wait do not ask at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitOptions {
    /// How long in all. Waiting ends sooner where nothing is awaited any more, or where the recording ended more
    /// than the ten days ago for which Agora Cloud Backup keeps anything.
    pub until: Duration,
    /// The first pause.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl WaitOptions {
    /// Half a minute at first, a quarter of an hour at the most.
    #[must_use]
    pub fn new(until: Duration) -> Self {
        Self { until, first_pause: Duration::from_secs(30), longest_pause: Duration::from_secs(15 * 60) }
    }
}

/// Checks until nothing is awaited or the time is over, and says what came of the last look.
pub(super) async fn wait(
    context: &Arc<Context>,
    target: &Target,
    candidates: &[Candidate],
    query: &LocateQuery,
    options: &CheckOptions,
    wait: WaitOptions,
) -> Result<Checked, LocateError> {
    let recording = target.recording();
    let end = context.now().saturating_add(wait.until);
    let mut pauses = backon::ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(wait.first_pause)
        .with_max_delay(wait.longest_pause)
        .without_max_times()
        .build();
    loop {
        let checked = once(context, target, candidates, query, options).await;
        let (awaited, over) = match &checked {
            Ok(checked) => (checked.check.awaited(), checked.check.backup_is_over()),
            // Nothing of it is there yet.
            Err(error) if may_pass(error) => (Awaited::default(), false),
            Err(_) => return checked,
        };
        if checked.is_ok() && awaited.is_nothing() {
            return checked;
        }
        let left = end.saturating_sub(context.now());
        let pause = pauses.next().unwrap_or(wait.longest_pause).min(left);
        let next = (!over && !left.is_zero()).then_some(pause);
        context.tell(&Event::Awaiting {
            recording: &recording,
            awaited: checked.is_ok().then_some(&awaited),
            next,
            left,
        });
        match next {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return checked,
        }
    }
}

/// Whether a later look may end another way: what is not there may come, what does not answer may do so again.
fn may_pass(error: &LocateError) -> bool {
    match error {
        LocateError::NotFound { .. } => true,
        LocateError::Source { cause, .. } => cause.obstacle.is_temporary(),
        LocateError::Playlist { verdict, .. } => match verdict {
            Verdict::Absent { .. } | Verdict::Corrupt { .. } => true,
            Verdict::Unreachable { last, .. } => last.is_temporary(),
            Verdict::Verified { .. }
            | Verdict::Denied { .. }
            | Verdict::Frozen { .. }
            | Verdict::NotRequested
            | Verdict::Interrupted => false,
        },
        LocateError::NoStore | LocateError::Interrupted => false,
    }
}
