//! `outcomes`: what became of the jobs of a fleet.

use recfetch::batch::OutcomeV1;

use crate::args::OutcomesArgs;
use crate::context::Context;
use crate::failure::{ExitCode, Failure, printable};
use crate::output::count;
use crate::queue::{DeadLetter, Patience, Queue, Shelf, Until};

/// Prints outcomes, or the jobs that are to be submitted again.
///
/// # Errors
/// Where the queue does not answer, or stdout cannot be written.
pub(crate) async fn run(context: &Context, args: &OutcomesArgs) -> Result<ExitCode, Failure> {
    let patience = if args.follow { Patience::Endless } else { Patience::Short };
    let queue = Queue::open(context, &args.queue, patience).await?;
    if args.failed {
        return failed(context, &queue).await;
    }
    let until = if args.follow { Until::Stopped } else { Until::Now };
    let each = |text: &[u8]| match serde_json::from_slice::<OutcomeV1>(text) {
        Ok(outcome) => context.print(&format!("{}\n", outcome.to_json())),
        Err(_) => {
            context.progress.say("note       something in the stream of outcomes is none, and left out");
            Ok(())
        }
    };
    queue.read(Shelf::Outcomes, until, each).await?;
    Ok(ExitCode::Complete)
}

async fn failed(context: &Context, queue: &Queue<'_>) -> Result<ExitCode, Failure> {
    let mut jobs = 0;
    let each = |text: &[u8]| {
        let letter: DeadLetter = serde_json::from_slice(text)
            .map_err(|error| Failure::internal(error).context("a dead letter cannot be read"))?;
        jobs += 1;
        let outcome = &letter.outcome;
        let why = outcome.why.join("; ");
        let taken =
            count(usize::try_from(letter.taken).unwrap_or(usize::MAX), "try").replace("trys", "tries");
        let said = format!("{}  {}, {taken}: {why}", outcome.recording, outcome.outcome);
        context.progress.say(&format!("failed     {}", printable(&said)));
        context.print(&format!("{}\n", letter.job))
    };
    queue.read(Shelf::Dead, Until::Now, each).await?;
    context.progress.say(&format!("failed     {}", count(jobs, "recording")));
    Ok(ExitCode::Complete)
}
