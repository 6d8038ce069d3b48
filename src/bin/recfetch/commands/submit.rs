//! `submit`: puts the recordings of a list into the queue of a fleet.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};
use recfetch::batch::{FetchV1, Job, JobV1, KeepV1, Line, List, MirrorV1};
use recfetch::domain::only::Form;

use super::looking;
use crate::args::{KeepMode, SubmitArgs};
use crate::context::Context;
use crate::failure::{ExitCode, Failure};
use crate::jobs::Runner;
use crate::output::count;
use crate::queue::{Patience, Put, Queue, address_of};

/// So many are on their way to the queue at once.
const AT_ONCE: usize = 64;

/// Puts all that is listed into the queue, or says what is wrong with the list before anything is.
///
/// # Errors
/// Where a line makes no sense, or the queue does not take a job. What it took stays there; a second call finds it.
pub(crate) async fn run(context: &Context, args: &SubmitArgs) -> Result<ExitCode, Failure> {
    let usual = usual(args);
    let runner = Runner::new(context);
    let empty;
    let list = match &context.inputs.list {
        Some(list) => list,
        None => {
            empty = List::of([]);
            &empty
        }
    };
    let mut jobs = Vec::new();
    for line in list.lines() {
        let about = |failure: Failure| failure.context(format!("line {} of the list", line.number));
        let job = read(list, line, &usual).map_err(about)?;
        let place = runner.place(context, &job).await.map_err(about)?;
        jobs.push((address_of(job.target.recording().as_str(), &place), job.written));
    }
    let queue = Queue::open(context, &args.queue, Patience::Short).await?;
    let mut sent =
        stream::iter(&jobs).map(|(address, job)| queue.put(address, job)).buffer_unordered(AT_ONCE);
    let (mut queued, mut there) = (0, 0);
    let mut failed = None;
    while let Some(put) = sent.next().await {
        match put {
            Ok(Put::Queued) => queued += 1,
            Ok(Put::There) => there += 1,
            Err(failure) => {
                failed = Some(failure);
                break;
            }
        }
    }
    drop(sent);
    let waits = if there == 0 { String::new() } else { format!("; {there} waited or ran there already") };
    context.print(&format!("submitted  {}{waits}\n", count(queued, "recording")))?;
    match failed {
        Some(failure) => Err(failure.hint("submit the same list again: what is in the queue is not doubled")),
        None => Ok(ExitCode::Complete),
    }
}

fn read(list: &List, line: &Line, usual: &JobV1) -> Result<Job, Failure> {
    let job = list.job(line).map_err(|error| Failure::new(ExitCode::Usage, error))?;
    job.or(usual).read().map_err(|error| Failure::new(ExitCode::Usage, error))
}

/// What a line of the list does not say.
fn usual(args: &SubmitArgs) -> JobV1 {
    let keep = match args.keep {
        KeepMode::Segments => KeepV1::Segments,
        KeepMode::Joined => KeepV1::Joined,
    };
    let out = args.out.as_ref().map(|out| out.display().to_string());
    let fetch = FetchV1 { out, keep, join: args.join, allow_gaps: args.allow_gaps };
    let mirror = args.mirror.as_ref().map(|to| MirrorV1 {
        to: to.clone(),
        class: args.class.clone(),
        sse: args.sse.clone(),
        tags: args.tag.iter().cloned().collect::<BTreeMap<_, _>>(),
    });
    JobV1 {
        store: args.store.clone(),
        fallback: args.fallback.clone(),
        only: looking::only(&args.only).forms().map(Form::word).map(str::to_owned).collect(),
        fetch: mirror.is_none().then_some(fetch),
        mirror,
        fallback_on_denied: args.fallback_on_denied,
        allow_absolute: args.allow_absolute,
        search: args.search,
        ..JobV1::new("")
    }
}
