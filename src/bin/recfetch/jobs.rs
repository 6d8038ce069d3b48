//! One job, run: the same for a list of them and for whoever takes them from elsewhere. All that run at a time share
//! their connections to stores and one budget.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use recfetch::archive::Standing;
use recfetch::batch::{FetchV1, Job, JobV1, KeepV1, MirrorV1, OutcomeV1, StateV1, What};
use recfetch::domain::key::{KeyPrefix, ObjectKey, ObjectName};
use recfetch::domain::playlist::UriPolicy;
use recfetch::domain::recording::ChannelName;
use recfetch::engine::{
    AfterDenial, Claim, FetchOptions, Fetcher, Gaps, JoinOutcome, JoinRequest, JoinTo, Keep, LocateQuery,
    MirrorOptions, MirrorTarget, Search,
};
use recfetch::event::{Event, Observer};
use recfetch::source::connect_destination;
use recfetch::source::destination::Keeping;
use tokio::sync::Mutex;

use crate::commands::fetch::{fetch_failure, looking_options};
use crate::commands::looking::{Candidates, Looking};
use crate::commands::mirror::{Looked, There, look};
use crate::commands::outcome::refusal;
use crate::context::Context;
use crate::failure::{ExitCode, Failure};
use crate::inputs::Input;

/// Runs jobs.
pub(crate) struct Runner {
    fetcher: Fetcher,
    options: FetchOptions,
    stores: Mutex<HashMap<StoresOfJob, Arc<Candidates>>>,
    destinations: Mutex<HashMap<String, Arc<Destination>>>,
}

/// The names of the stores that a job looks in, and of those it falls back to.
type StoresOfJob = (Vec<String>, Vec<String>);

/// A store that recordings are brought to.
struct Destination {
    target: MirrorTarget,
    /// What it is, whatever it is called.
    place: String,
}

/// What happens to one recording, counted.
pub(crate) struct Watch {
    then: Arc<dyn Observer>,
    received: AtomicU64,
    failed_tries: AtomicU64,
}

impl Watch {
    /// Counts, and tells `then`.
    pub(crate) fn new(then: Arc<dyn Observer>) -> Self {
        Self { then, received: AtomicU64::new(0), failed_tries: AtomicU64::new(0) }
    }
}

impl Observer for Watch {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's events may grow; what is not known here is not counted"
    )]
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::Received { bytes, .. } => {
                self.received.fetch_add(*bytes, Relaxed);
            }
            Event::TryFailed { .. } => {
                self.failed_tries.fetch_add(1, Relaxed);
            }
            _ => {}
        }
        self.then.on_event(event);
    }
}

impl Runner {
    /// A runner within the bounds of the settings.
    pub(crate) fn new(context: &Context) -> Self {
        let options = looking_options(&context.settings);
        let fetcher = Fetcher::new(options.clone(), context.progress.clone(), context.cancel.clone());
        Self { fetcher, options, stores: Mutex::default(), destinations: Mutex::default() }
    }

    /// The fetcher whose bounds hold for all jobs.
    pub(crate) fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// Where the recording of a job is to be: the same text for the same place, whatever its name in the settings.
    ///
    /// # Errors
    /// Where there is no such place.
    pub(crate) async fn place(&self, context: &Context, job: &Job) -> Result<String, Failure> {
        match &job.what {
            What::Fetch(fetch) => {
                let out = out(context, fetch);
                let out = std::path::absolute(&out).unwrap_or(out);
                Ok(out.display().to_string())
            }
            What::Mirror(mirror) => Ok(self.destination(context, &mirror.to).await?.place.clone()),
        }
    }

    /// The stores to look in.
    ///
    /// # Errors
    /// What is wrong with their settings.
    pub(crate) async fn stores(&self, context: &Context, job: &JobV1) -> Result<Arc<Candidates>, Failure> {
        let key = (job.store.clone(), job.fallback.clone());
        let mut stores = self.stores.lock().await;
        if let Some(known) = stores.get(&key) {
            return Ok(known.clone());
        }
        let made = Arc::new(Candidates::connect(&context.settings, &job.store, &job.fallback).await?);
        stores.insert(key, made.clone());
        Ok(made)
    }

    /// Runs one job to its end. `proof` is what an earlier run proved there, where it is known; `claim` says whether
    /// the job is still ours, where others may get it.
    pub(crate) async fn run(
        &self,
        context: &Context,
        job: &Job,
        proof: Option<&str>,
        then: Arc<dyn Observer>,
        claim: Option<Claim>,
    ) -> OutcomeV1 {
        let started = Instant::now();
        let watch = Arc::new(Watch::new(then));
        let mut fetcher = self.fetcher.beside(self.options_of(job), watch.clone());
        if let Some(claim) = claim {
            fetcher = fetcher.claiming(claim);
        }
        let ended = match &job.what {
            What::Fetch(fetch) => self.fetch(context, job, fetch, proof, &fetcher).await,
            What::Mirror(mirror) => self.mirror(context, job, mirror, &fetcher).await,
        };
        let mut outcome = ended.unwrap_or_else(|failure| failed(job.target.recording().as_str(), &failure));
        let is_temporary = outcome.exit_code == ExitCode::Temporary.number();
        if context.cancel.is_cancelled() && outcome.state == StateV1::Failed && is_temporary {
            "interrupted".clone_into(&mut outcome.outcome);
        }
        outcome.seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        outcome.received = watch.received.load(Relaxed);
        outcome.failed_tries = watch.failed_tries.load(Relaxed);
        outcome.finished = format!("{:.3}", jiff::Timestamp::now());
        outcome
    }

    async fn fetch(
        &self,
        context: &Context,
        job: &Job,
        fetch: &FetchV1,
        proof: Option<&str>,
        fetcher: &Fetcher,
    ) -> Result<OutcomeV1, Failure> {
        let out = out(context, fetch);
        let dir = out.join(job.target.recording().as_str());
        let at = Some(dir.display().to_string());
        if let Some(proof) = proof
            && let Some(standing) = standing(&dir).await
            && standing.proof == proof
            && standing.changed.is_empty()
            && standing.report.exit_code == 0
            && (!fetch.join || has_joined(&out, &standing))
        {
            return Ok(there(&standing, at));
        }
        let looking = self.looking(context, job).await?;
        let found = looking.find(context, fetcher, &Input::Typed(job.written.recording.clone())).await?;
        let joined = fetch.join || fetch.keep == KeepV1::Joined;
        let join = joined.then(|| JoinRequest {
            to: JoinTo::BesideBag,
            gaps: if fetch.allow_gaps { Gaps::Allow } else { Gaps::Refuse },
            ..JoinRequest::default()
        });
        let fetched = fetcher.fetch(found, &out, join.as_ref()).await.map_err(fetch_failure)?;
        let mut outcome = OutcomeV1::of(&fetched.report, &fetched.written, StateV1::Fetched);
        outcome.at = at;
        if let JoinOutcome::Refused(why) = &fetched.joined {
            outcome.why.push(refusal(why).trim_end().to_owned());
            if outcome.is_complete() {
                // Asked for and not made is never a success.
                outcome.exit_code = ExitCode::Incomplete.number();
                recfetch::batch::word(outcome.exit_code).clone_into(&mut outcome.outcome);
            }
        }
        if outcome.is_complete() {
            outcome.proof = standing(&dir).await.map(|standing| standing.proof);
        }
        Ok(outcome)
    }

    async fn mirror(
        &self,
        context: &Context,
        job: &Job,
        mirror: &MirrorV1,
        fetcher: &Fetcher,
    ) -> Result<OutcomeV1, Failure> {
        let destination = self.destination(context, &mirror.to).await?;
        let options = MirrorOptions {
            keeping: Keeping {
                class: mirror.class.clone(),
                encryption: mirror.sse.clone(),
                tags: mirror.tags.clone().into_iter().collect(),
                ..Keeping::default()
            },
            ..MirrorOptions::default()
        };
        let looking = self.looking(context, job).await?;
        let there = There { target: &destination.target, options: &options, only: &job.only };
        let input = Input::Typed(job.written.recording.clone());
        let find = async || looking.find(context, fetcher, &input).await;
        let found = match look(fetcher, &there, &input, find).await? {
            Looked::There(mark) => {
                let mut outcome = OutcomeV1::new(mark.recording, mark.exit_code, StateV1::There);
                outcome.objects.total = mark.objects as u64;
                outcome.objects.verified = mark.objects as u64;
                outcome.bytes = mark.bytes;
                outcome.at = Some(mirror.to.clone());
                outcome.proof = Some(mark.tag_manifest_sha256);
                return Ok(outcome);
            }
            Looked::Found(found) => *found,
        };
        let mirrored = fetcher.mirror(found, &destination.target, &options).await.map_err(fetch_failure)?;
        let mut outcome = OutcomeV1::of(&mirrored.report, &mirrored.written, StateV1::Mirrored);
        outcome.at = Some(format!("{}:{}", mirror.to, mirrored.folder.as_str().trim_end_matches('/')));
        outcome.proof = outcome.is_complete().then_some(mirrored.mark.tag_manifest_sha256);
        Ok(outcome)
    }

    fn options_of(&self, job: &Job) -> FetchOptions {
        let written = &job.written;
        let keep = match &job.what {
            What::Fetch(FetchV1 { keep: KeepV1::Joined, .. }) => Keep::Joined,
            What::Fetch(_) | What::Mirror(_) => Keep::Segments,
        };
        FetchOptions {
            after_denial: if written.fallback_on_denied {
                AfterDenial::AskFallback
            } else {
                AfterDenial::Stop
            },
            uris: if written.allow_absolute { UriPolicy::AllowAbsolute } else { UriPolicy::NamesOnly },
            keep,
            ..self.options.clone()
        }
    }

    async fn looking(&self, context: &Context, job: &Job) -> Result<Looking, Failure> {
        let written = &job.written;
        let channel = written.channel.as_deref().map(|text| {
            ChannelName::parse(text)
                .ok_or_else(|| Failure::usage(format!("`{text}` cannot be a channel name")))
        });
        let playlist = written.playlist.as_deref().map(|text| {
            ObjectKey::parse(text)
                .map_err(|cause| Failure::usage(format!("`{text}` cannot be a key: {cause}")))
        });
        let query = LocateQuery {
            channel: channel.transpose()?,
            playlist: playlist.transpose()?,
            told: written.files.iter().filter_map(|name| ObjectName::parse(name).ok()).collect(),
            search: if written.search { Search::Bucket } else { Search::Folder },
            only: job.only.clone(),
        };
        Ok(Looking::within(self.stores(context, written).await?, query))
    }

    async fn destination(&self, context: &Context, name: &str) -> Result<Arc<Destination>, Failure> {
        let mut destinations = self.destinations.lock().await;
        if let Some(known) = destinations.get(name) {
            return Ok(known.clone());
        }
        let said = context.settings.store(name)?;
        let destination = connect_destination(&said.spec).await?;
        let prefix = said.spec.prefix.clone().unwrap_or_else(KeyPrefix::root);
        let place = format!("{} /{}", destination.describe(), prefix.as_str());
        let made = Arc::new(Destination { target: MirrorTarget::new(destination, prefix), place });
        destinations.insert(name.to_owned(), made.clone());
        Ok(made)
    }
}

/// The outcome of a recording of which nothing could be had.
pub(crate) fn failed(recording: &str, failure: &Failure) -> OutcomeV1 {
    let mut outcome = OutcomeV1::new(recording, failure.code.number(), StateV1::Failed);
    outcome.why = failure.error.chain().map(ToString::to_string).collect();
    outcome.why.dedup();
    outcome.hints.clone_from(&failure.hints);
    outcome
}

/// The outcome of a recording whose bag is as it was sealed.
fn there(standing: &Standing, at: Option<String>) -> OutcomeV1 {
    let report = &standing.report;
    let mut outcome = OutcomeV1::new(&*report.recording, report.exit_code, StateV1::There);
    let here = || report.objects.iter().filter(|object| object.path.is_some());
    outcome.objects.total = report.objects.len() as u64;
    outcome.objects.verified = here().count() as u64;
    outcome.bytes = here().filter_map(|object| object.size).sum();
    outcome.from = report.places.first().map(|place| place.name.clone());
    outcome.recorded.clone_from(&report.first_slice);
    outcome.proof = Some(standing.proof.clone());
    outcome.at = at;
    outcome
}

fn out(context: &Context, fetch: &FetchV1) -> PathBuf {
    fetch.out.as_ref().map_or_else(|| context.settings.out.clone(), PathBuf::from)
}

/// Whether the joined files are there that lie beside a bag.
fn has_joined(out: &Path, standing: &Standing) -> bool {
    let joined = &standing.report.joined;
    let is_there = |file: &str, size: u64| {
        std::fs::metadata(out.join(file)).is_ok_and(|meta| meta.is_file() && meta.len() == size)
    };
    !joined.is_empty() && joined.iter().all(|joined| is_there(&joined.file, joined.size))
}

async fn standing(dir: &Path) -> Option<Standing> {
    let dir = dir.to_owned();
    // A bag that cannot be read is no proof; the run that follows says why.
    tokio::task::spawn_blocking(move || Standing::of(&dir).ok().flatten()).await.ok().flatten()
}
