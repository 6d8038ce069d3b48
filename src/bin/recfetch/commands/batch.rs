//! `batch`: many recordings, several at once; one line for each as it ends, and on after errors.

mod counting;
mod share;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use recfetch::archive::{Claim, Ledger, Tried};
use recfetch::batch::{FetchV1, Job, JobV1, KeepV1, Line, List, MirrorV1, OutcomeV1, Shard, StateV1};
use recfetch::domain::only::Form;
use recfetch::domain::time::SliceTime;
use recfetch::engine::LocateQuery;

use self::counting::Counting;
use super::check::writing::{Readers, write_for};
use super::ledger::{ledger_failure, ledger_file};
use super::looking::{self, Looking};
use crate::args::{BatchArgs, KeepMode};
use crate::context::Context;
use crate::failure::{ExitCode, Failure, printable};
use crate::jobs::{Runner, failed};
use crate::output::{count, playing_time, rate, size};

/// Entries of the ledger that are written at a time.
const LISTED_AT_ONCE: usize = 1000;
/// What somebody else is at is looked at again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Runs all that is listed.
///
/// # Errors
/// Where the settings or the list are wrong: nothing was done then. Afterwards where stdout, the ledger or a file
/// cannot be written.
pub(crate) async fn run(context: &Context, args: &BatchArgs) -> Result<ExitCode, Failure> {
    let (shard, told_by) = share::share(args, &context.environment)?;
    if let Some(told_by) = told_by {
        context.progress.say(&format!("share      {shard}, by {told_by}"));
    }
    let usual = usual(args);
    if let Some(to) = &args.mirror {
        context.settings.store(to)?;
    }
    let runner = Runner::new(context);
    let made;
    let list = match &context.inputs.list {
        Some(list) => list,
        None => {
            made = all(context, args, &runner, &usual).await?;
            &made
        }
    };
    let file = ledger_file(args.ledger.as_ref(), &context.settings);
    let ledger = blocking(|| Ledger::open(&file))?;
    let batch = Batch { context, args, usual, runner, list, ledger };
    let (items, doubled) = batch.items(shard).await?;
    let counting = Counting::start(context, args.metrics.clone(), items.len());
    let result = batch.all(items, doubled, &counting).await;
    let counted = counting.finish().await;
    let code = result?;
    counted.map(|()| code)
}

/// What a line of the list does not say.
fn usual(args: &BatchArgs) -> JobV1 {
    let keep = match args.keep {
        KeepMode::Segments => KeepV1::Segments,
        KeepMode::Joined => KeepV1::Joined,
    };
    let fetch = FetchV1 { out: None, keep, join: args.join, allow_gaps: args.allow_gaps };
    let mirror = args.mirror.as_ref().map(|to| MirrorV1 {
        to: to.clone(),
        class: args.class.clone(),
        sse: args.sse.clone(),
        tags: args.tag.iter().cloned().collect::<BTreeMap<_, _>>(),
    });
    JobV1 {
        store: args.store.store.clone(),
        fallback: args.store.fallback.clone(),
        only: looking::only(&args.only).forms().map(Form::word).map(str::to_owned).collect(),
        fetch: mirror.is_none().then_some(fetch),
        mirror,
        fallback_on_denied: args.fallback_on_denied,
        allow_absolute: args.allow_absolute,
        search: args.search,
        ..JobV1::new("")
    }
}

/// The recordings that the stores list.
async fn all(context: &Context, args: &BatchArgs, runner: &Runner, usual: &JobV1) -> Result<List, Failure> {
    let stores = runner.stores(context, usual).await?;
    let search =
        if args.search { recfetch::engine::Search::Bucket } else { recfetch::engine::Search::Folder };
    let looking = Looking::within(stores, LocateQuery { search, ..LocateQuery::default() });
    let mut ids = Vec::new();
    let mut seen = HashSet::new();
    let taken = |time: Option<SliceTime>| {
        time.is_none_or(|time| {
            args.since.is_none_or(|since| since <= time) && args.until.is_none_or(|until| time < until)
        })
    };
    let each = |listed: recfetch::engine::ListedRecording| {
        let id = listed.recording.as_str();
        if taken(listed.since) && seen.insert(id.to_owned()) {
            ids.push(id.to_owned());
        }
    };
    looking.listed(runner.fetcher(), each).await?;
    context.progress.say(&format!("listed     {}", count(ids.len(), "recording")));
    Ok(List::of(ids))
}

struct Batch<'a> {
    context: &'a Context,
    args: &'a BatchArgs,
    usual: JobV1,
    runner: Runner,
    list: &'a List,
    ledger: Ledger,
}

/// One that is to be done, by its place in the list.
type Item = usize;

/// What became of an item in its turn.
enum Turn {
    Ended(Item, Box<OutcomeV1>),
    /// Somebody else is at it.
    Theirs(Item),
}

/// What became of all.
#[derive(Default)]
struct Sum {
    code: Option<ExitCode>,
    by_outcome: BTreeMap<String, usize>,
    there: usize,
    received: u64,
    failed_tries: u64,
    not_complete: Vec<Item>,
}

impl Batch<'_> {
    fn line(&self, item: Item) -> &Line {
        &self.list.lines()[item]
    }

    fn job(&self, item: Item) -> Result<Job, Failure> {
        let line = self.line(item);
        let job = self.list.job(line).map_err(|error| Failure::new(ExitCode::Usage, error));
        let job = job
            .and_then(|job| job.or(&self.usual).read().map_err(|error| Failure::new(ExitCode::Usage, error)));
        job.map_err(|failure| failure.context(format!("line {} of the list", line.number)))
    }

    /// What is this run's share, each recording once for each place, noted in the ledger.
    async fn items(&self, shard: Shard) -> Result<(VecDeque<Item>, usize), Failure> {
        let (mut items, mut doubled) = (VecDeque::new(), 0);
        let mut seen = HashSet::new();
        let mut noted: Vec<(String, String, String)> = Vec::new();
        let at = now();
        let note = |noted: &mut Vec<(String, String, String)>| {
            let entries = noted.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()));
            blocking(|| self.ledger.list(entries, at))?;
            noted.clear();
            Ok::<_, Failure>(())
        };
        for item in 0..self.list.lines().len() {
            // What makes no sense is told in its turn, by one of all shares.
            let Ok(job) = self.job(item) else {
                if shard.has("") {
                    items.push_back(item);
                }
                continue;
            };
            let recording = job.target.recording();
            if !shard.has(recording.as_str()) {
                continue;
            }
            let Ok(place) = self.runner.place(self.context, &job).await else {
                items.push_back(item);
                continue;
            };
            let asked = job.asked();
            if !seen.insert(hash(&(recording.as_str(), &place, &asked))) {
                doubled += 1;
                continue;
            }
            items.push_back(item);
            noted.push((recording.as_str().to_owned(), place, asked));
            if noted.len() == LISTED_AT_ONCE {
                note(&mut noted)?;
            }
        }
        note(&mut noted)?;
        Ok((items, doubled))
    }

    async fn all(
        &self,
        mut queue: VecDeque<Item>,
        doubled: usize,
        counting: &Counting<'_>,
    ) -> Result<ExitCode, Failure> {
        let started = Instant::now();
        let progress = &self.context.progress;
        let cancel = &self.context.cancel;
        let total = queue.len();
        progress.begin_batch(total);
        // Each needs a place among the objects at once.
        let at_once = usize::from(self.args.recordings).min(self.context.settings.jobs).max(1);
        let mut running = FuturesUnordered::new();
        let mut theirs: VecDeque<Item> = VecDeque::new();
        let mut sum = Sum::default();
        loop {
            while running.len() < at_once && !cancel.is_cancelled() {
                let Some(item) = queue.pop_front() else { break };
                progress.recording_begins();
                running.push(Box::pin(self.turn(item)));
            }
            match running.next().await {
                Some(Ok(Turn::Ended(item, outcome))) => {
                    progress.recording_ended(outcome.is_complete());
                    counting.count(&outcome);
                    let told = self.context.print(&format!("{}\n", outcome.to_json()));
                    sum.count(item, &outcome);
                    if let Err(failure) = told {
                        cancel.cancel();
                        return Err(failure);
                    }
                }
                Some(Ok(Turn::Theirs(item))) => {
                    progress.recording_waits();
                    theirs.push_back(item);
                }
                // Where nothing can be remembered any more nothing goes on: what runs is stopped in order.
                Some(Err(failure)) => {
                    cancel.cancel();
                    while running.next().await.is_some() {}
                    return Err(failure);
                }
                None if theirs.is_empty() || cancel.is_cancelled() => break,
                None => {
                    tokio::select! {
                        () = tokio::time::sleep(LOOK_AGAIN) => {}
                        () = cancel.cancelled() => {}
                    }
                    queue.append(&mut theirs);
                }
            }
        }
        let not_begun: Vec<_> = queue.into_iter().chain(theirs).collect();
        sum.tell(self.context, total, doubled, not_begun.len(), started.elapsed());
        sum.not_complete.extend(&not_begun);
        if let Some(file) = &self.args.failed {
            self.write_failed(file, &mut sum.not_complete)?;
        }
        let code = sum.code.unwrap_or(ExitCode::Complete);
        Ok(if not_begun.is_empty() { code } else { code.worse(ExitCode::Temporary) })
    }

    /// One recording: asks the ledger, takes it, runs it, and writes down how it ended.
    async fn turn(&self, item: Item) -> Result<Turn, Failure> {
        let ended = |outcome: OutcomeV1| Ok(Turn::Ended(item, Box::new(outcome)));
        let job = match self.job(item) {
            Ok(job) => job,
            Err(failure) => {
                let name = self.list.job(self.line(item)).map(|job| job.name().to_owned());
                return ended(failed_now(&name.unwrap_or_default(), &failure));
            }
        };
        let id = job.target.recording();
        let recording = id.as_str();
        let place = match self.runner.place(self.context, &job).await {
            Ok(place) => place,
            Err(failure) => return ended(failed_now(recording, &failure)),
        };
        if blocking(|| self.ledger.claim(recording, &place))? == Claim::Theirs {
            return Ok(Turn::Theirs(item));
        }
        let asked = job.asked();
        let known = blocking(|| self.ledger.entry(recording, &place))?;
        let known = known.filter(|known| {
            !self.args.again && known.exit_code == Some(0) && known.asked == asked && known.proof.is_some()
        });
        let proof = known.as_ref().and_then(|known| known.proof.as_deref());
        let outcome = self.runner.run(self.context, &job, proof, self.context.progress.clone(), None).await;
        if outcome.state == StateV1::There && known.is_some() {
            blocking(|| self.ledger.release(recording, &place))?;
        } else {
            let tried = tried(&outcome, recording, place, asked);
            blocking(|| self.ledger.tried(&tried))?;
        }
        ended(outcome)
    }

    fn write_failed(&self, file: &Path, items: &mut [Item]) -> Result<(), Failure> {
        items.sort_unstable();
        let text = self.list.text_of(items.iter().map(|item| self.line(*item)));
        write_for(file, if items.is_empty() { "" } else { &text }, Readers::Owner)?;
        let name = file.display().to_string();
        let say = format!("failed     {} in {}", items.len(), printable(&name));
        if !items.is_empty() {
            self.context.progress.say(&say);
        }
        Ok(())
    }
}

impl Sum {
    fn count(&mut self, item: Item, outcome: &OutcomeV1) {
        let code = ExitCode::from_number(outcome.exit_code);
        self.code = Some(self.code.map_or(code, |worst| worst.worse(code)));
        *self.by_outcome.entry(outcome.outcome.clone()).or_default() += 1;
        self.there += usize::from(outcome.state == StateV1::There);
        self.received += outcome.received;
        self.failed_tries += outcome.failed_tries;
        if !outcome.is_complete() {
            self.not_complete.push(item);
        }
    }

    fn tell(&self, context: &Context, total: usize, doubled: usize, not_begun: usize, took: Duration) {
        let mut parts: Vec<String> = Vec::new();
        for (word, number) in &self.by_outcome {
            let there = match (word.as_str(), self.there) {
                ("complete", there) if there == *number => " (there already)".to_owned(),
                ("complete", 1..) => format!(" ({} there already)", self.there),
                (_, _) => String::new(),
            };
            parts.push(format!("{number} {}{there}", printable(word)));
        }
        if not_begun > 0 {
            parts.push(format!("{not_begun} not begun"));
        }
        if doubled > 0 {
            parts.push(format!("{} left out", count(doubled, "doubled line")));
        }
        let ended = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
        let mut line = format!("batch      {} in {}: {ended}", count(total, "recording"), playing_time(took));
        if self.received > 0 {
            line += &format!("; {} came", size(self.received));
            line += &rate(self.received, took).map(|rate| format!(", {rate}")).unwrap_or_default();
        }
        if self.failed_tries > 0 {
            let tries = usize::try_from(self.failed_tries).unwrap_or(usize::MAX);
            line += &format!("; {}", count(tries, "failed try").replace("trys", "tries"));
        }
        context.progress.finish();
        context.progress.say(&line);
    }
}

fn failed_now(recording: &str, failure: &Failure) -> OutcomeV1 {
    let mut outcome = failed(recording, failure);
    outcome.finished = format!("{:.3}", jiff::Timestamp::now());
    outcome
}

fn tried(outcome: &OutcomeV1, recording: &str, place: String, asked: String) -> Tried {
    Tried {
        recording: recording.to_owned(),
        place,
        asked,
        outcome: outcome.outcome.clone(),
        exit_code: outcome.exit_code,
        objects: outcome.objects.verified,
        bytes: outcome.bytes,
        received: outcome.received,
        took: Duration::try_from_secs_f64(outcome.seconds).unwrap_or_default(),
        source: outcome.from.clone(),
        recorded: outcome.recorded.as_deref().and_then(SliceTime::from_rfc3339),
        ended: now(),
        proof: outcome.proof.clone(),
        why: outcome.why.first().cloned(),
    }
}

fn now() -> SliceTime {
    SliceTime::from_unix_ms(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The ledger waits for others where they write; the tasks beside this one go on meanwhile.
fn blocking<T>(run: impl FnOnce() -> Result<T, recfetch::archive::LedgerError>) -> Result<T, Failure> {
    tokio::task::block_in_place(run).map_err(ledger_failure)
}
