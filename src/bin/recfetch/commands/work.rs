//! `work`: takes jobs from the queue of a fleet and does them, several at once.
//!
//! Two workers may be at one recording where the queue did not hear of one of them for so long that it gave the job
//! to another. A worker that is not heard lets its job go before that. One that stood still meanwhile (a machine that
//! slept) looks at the time before each request that changes a mirror, and before each word to the queue about the job.
//! A bag on a shared disk is locked besides, as far as the disk knows locks. What is left to chance is a request that
//! was on its way already: a store knows no locks, and what audits the mirror finds it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use futures_util::future::join_all;
use recfetch::batch::{Job, OutcomeV1};

use crate::args::WorkArgs;
use crate::context::Context;
use crate::failure::{ExitCode, Failure, printable};
use crate::jobs::{Runner, failed};
use crate::output::count;
use crate::queue::{Held, Lost, Patience, Queue};

/// A job that does not end within so long after a signal is handed back as it is.
const LET_GO: Duration = Duration::from_secs(15);
/// A job that was taken so often, times the tries that it has, ends those who take it: they die, or are stopped.
const ENDS_WORKERS: u64 = 4;

/// Works until it is stopped, or with `--drain` until nothing is left.
///
/// # Errors
/// Where the queue cannot be used or stdout not be written.
pub(crate) async fn run(context: &Context, args: &WorkArgs) -> Result<ExitCode, Failure> {
    let queue = Queue::open(context, &args.queue, Patience::Endless).await?;
    let taker = queue.taker(args.dead_after).await?;
    // Each needs a place among the objects at once.
    let at_once = usize::from(args.recordings).min(context.settings.jobs).max(1);
    context.progress.say(&format!("working    for {}, {} at once", queue.at(), count(at_once, "recording")));
    let worker = Worker { context, args, queue, taker, runner: Runner::new(context) };
    let ended = join_all((0..at_once).map(|_| worker.place())).await;
    let (mut code, mut done) = (ExitCode::Complete, 0);
    for ended in ended {
        let (worst, number) = ended?;
        code = code.worse(worst);
        done += number;
    }
    context.progress.say(&format!("worked     on {}", count(done, "recording")));
    Ok(if context.cancel.is_cancelled() { code.worse(ExitCode::Temporary) } else { code })
}

struct Worker<'a> {
    context: &'a Context,
    args: &'a WorkArgs,
    queue: Queue<'a>,
    taker: PullConsumer,
    runner: Runner,
}

impl Worker<'_> {
    /// One of those that work at a time: takes a job after the other.
    async fn place(&self) -> Result<(ExitCode, usize), Failure> {
        let (mut worst, mut done) = (ExitCode::Complete, 0);
        let cancel = &self.context.cancel;
        let mut said = false;
        while !cancel.is_cancelled() {
            match self.queue.take(&self.taker).await {
                // It came while we were told to stop.
                Ok(Some(held)) if cancel.is_cancelled() => held.hand_back(None).await,
                Ok(Some(held)) => {
                    said = false;
                    // Where one can do no more the others end too.
                    let ended = self.turn(&held).await.inspect_err(|_| cancel.cancel())?;
                    if let Some(code) = ended {
                        worst = worst.worse(code);
                        done += 1;
                    }
                }
                Ok(None) if self.args.drain && self.queue.is_empty().await? => break,
                Ok(None) => said = false,
                Err(why) => {
                    if !said {
                        said = true;
                        self.context.progress.say(&format!("waiting    for the queue: {}", printable(&why)));
                    }
                    self.queue.breath().await;
                }
            }
        }
        Ok((worst, done))
    }

    /// One job; its exit code where it ended here.
    async fn turn(&self, held: &Held) -> Result<Option<ExitCode>, Failure> {
        let outcome = match self.job(held) {
            Ok(job) => {
                let ran = self.runner.run(self.context, &job, None, Arc::new(()), Some(held.claim()));
                tokio::select! {
                    outcome = ran => outcome,
                    Lost = held.keep() => return Ok(self.let_go(job.target.recording().as_str())),
                    () = self.is_late() => {
                        held.hand_back(None).await;
                        return Ok(None);
                    }
                }
            }
            Err(outcome) => *outcome,
        };
        if !held.is_ours() {
            return Ok(self.let_go(&outcome.recording));
        }
        if outcome.outcome == "interrupted" {
            held.hand_back(None).await;
            return Ok(None);
        }
        let code = ExitCode::from_number(outcome.exit_code);
        if may_pass(code) && held.taken() < u64::from(self.args.tries) {
            let pause = pause_after(held.taken());
            let why = outcome.why.join("; ");
            let again = format!("again in {} s", pause.as_secs());
            self.say(&format!("later      {}: {}, {again}: {why}", outcome.recording, outcome.outcome));
            held.hand_back(Some(pause)).await;
            return Ok(None);
        }
        // As long as it is not written down, nobody else is to have it.
        tokio::select! {
            settled = self.queue.settle(held, &outcome) => settled?,
            Lost = held.keep() => return Ok(self.let_go(&outcome.recording)),
        }
        self.context.print(&format!("{}\n", outcome.to_json()))?;
        Ok(Some(code))
    }

    /// What is to be done, or how that ends at once.
    fn job(&self, held: &Held) -> Result<Job, Box<OutcomeV1>> {
        let ended = |name: &str, failure: &Failure| {
            let mut outcome = failed(name, failure);
            outcome.finished = format!("{:.3}", jiff::Timestamp::now());
            Box::new(outcome)
        };
        let usage = |error: anyhow::Error| Failure::new(ExitCode::Usage, error);
        let written = held.job().map_err(|error| ended("", &usage(error.into())))?;
        let name = written.name().to_owned();
        if held.taken() > u64::from(self.args.tries) * ENDS_WORKERS {
            let text = format!("it was taken {} times, and no worker came to an end with it", held.taken());
            return Err(ended(&name, &Failure::internal(anyhow::anyhow!(text))));
        }
        written.read().map_err(|error| ended(&name, &usage(error.into())))
    }

    /// We were told to stop, and some time ago.
    async fn is_late(&self) {
        self.context.cancel.cancelled().await;
        tokio::time::sleep(LET_GO).await;
    }

    /// Another may have it by now: nothing more is done about it.
    fn let_go(&self, recording: &str) -> Option<ExitCode> {
        self.say(&format!(
            "let go     {recording}: the queue did not hear of us in time, another may have it"
        ));
        None
    }

    fn say(&self, text: &str) {
        self.context.progress.say(&printable(text));
    }
}

/// Whether it may end better here or elsewhere without anybody doing anything.
fn may_pass(code: ExitCode) -> bool {
    match code {
        ExitCode::Temporary | ExitCode::Internal | ExitCode::Disk => true,
        ExitCode::Complete
        | ExitCode::Usage
        | ExitCode::Incomplete
        | ExitCode::Corrupt
        | ExitCode::Denied
        | ExitCode::NotFound
        | ExitCode::Frozen
        | ExitCode::Interrupted
        | ExitCode::Terminated => false,
    }
}

/// Ten seconds, and three times as long after each try, up to half an hour.
fn pause_after(taken: u64) -> Duration {
    let times = 3_u64.saturating_pow(u32::try_from(taken.saturating_sub(1)).unwrap_or(u32::MAX));
    Duration::from_secs(10_u64.saturating_mul(times)).min(Duration::from_mins(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_waits_longer_each_time_and_never_for_ever() {
        let seconds = |taken| pause_after(taken).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 6, u64::MAX].map(seconds), [10, 30, 90, 270, 810, 1800, 1800]);
        assert_eq!(seconds(0), 10);
    }

    #[test]
    fn only_what_may_end_better_by_itself_is_tried_again() {
        assert!(may_pass(ExitCode::Temporary));
        for code in [ExitCode::Complete, ExitCode::Incomplete, ExitCode::Denied, ExitCode::Frozen] {
            assert!(!may_pass(code), "{code:?}");
        }
    }
}
