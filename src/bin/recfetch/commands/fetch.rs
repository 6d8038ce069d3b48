//! `fetch`: finds recordings, fetches them, and says what became of them.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use recfetch::domain::playlist::UriPolicy;
use recfetch::domain::report::{ObjectReport, Report};
use recfetch::domain::verdict::Verdict;
use recfetch::engine::{
    AfterDenial, CheckOptions, FetchError, FetchOptions, Fetched, Fetcher, Gaps, JoinOutcome, JoinRequest,
    JoinTo, JoinedFile, Keep, RetryPolicy, ThawFor, WaitOptions,
};

use super::looking::{self, Looking};
use super::outcome::{Many, failed, refusal};
use super::thawing::Cold;
use crate::args::{FetchArgs, KeepMode};
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, hint};
use crate::inputs::Input;
use crate::output::summary::{self, Notes};
use crate::progress::Verbosity;
use crate::settings::Settings;

/// Fetches each recording in turn. One that fails does not stop the others.
///
/// # Errors
/// Where the settings are wrong: no store was asked for anything then.
pub(crate) async fn run(context: &Context, args: &FetchArgs) -> Result<ExitCode, Failure> {
    let many = Many::of(context.inputs.recordings.len());
    fits_together(args)?;
    let joined_in_bag = (args.keep == KeepMode::Joined).then_some(None);
    let join = args.join.clone().or(joined_in_bag).map(|file| JoinRequest {
        to: file.map_or(JoinTo::BesideBag, JoinTo::File),
        gaps: if args.allow_gaps { Gaps::Allow } else { Gaps::Refuse },
        track: None,
        runs: args.joining.runs(),
        overlap: args.joining.overlap(),
    });
    if many == Many::Several && matches!(&join, Some(JoinRequest { to: JoinTo::File(_), .. })) {
        return Err(Failure::usage("one file cannot hold several recordings")
            .hint("give --join without a file: each recording is joined beside its bag"));
    }
    if join.is_some() && !looking::only(&args.what.only).wants(recfetch::domain::only::Form::Hls) {
        return Err(Failure::usage("slices are joined, and --only leaves them out")
            .hint("name hls too, or leave out --join: an MP4 is one file already"));
    }
    let looking = Looking::new(context, &args.what, &args.store).await?;
    let fetcher =
        Fetcher::new(options(&context.settings, args), context.progress.clone(), context.cancel.clone());
    let cold = Cold::of(&args.cold);
    let one = One { context, args, looking, fetcher, join, many, cold };
    let mut code = ExitCode::Complete;
    for input in &context.inputs.recordings {
        if context.cancel.is_cancelled() {
            break;
        }
        code = code.worse(match one.fetch(input).await {
            Ok(code) => code,
            Err(failure) => failed(context, input.text(), failure, many)?,
        });
    }
    Ok(code)
}

/// What says how to join needs something to be joined.
fn fits_together(args: &FetchArgs) -> Result<(), Failure> {
    if args.keep == KeepMode::Joined && args.join.is_some() {
        return Err(Failure::usage("--join and --keep joined cannot be combined")
            .hint("--keep joined puts the joined file into the bag, in the place of its segments"));
    }
    if args.keep == KeepMode::Joined || args.join.is_some() {
        return Ok(());
    }
    let given = [
        (args.allow_gaps, "--allow-gaps"),
        (args.joining.across_discontinuities, "--across-discontinuities"),
        (args.joining.overlap.is_some(), "--overlap"),
    ];
    match given.into_iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(Failure::usage(format!("{flag} needs --join or --keep joined"))),
        None => Ok(()),
    }
}

fn options(settings: &Settings, args: &FetchArgs) -> FetchOptions {
    FetchOptions {
        after_denial: if args.fallback_on_denied { AfterDenial::AskFallback } else { AfterDenial::Stop },
        keep: match args.keep {
            KeepMode::Segments => Keep::Segments,
            KeepMode::Joined => Keep::Joined,
        },
        uris: if args.allow_absolute { UriPolicy::AllowAbsolute } else { UriPolicy::NamesOnly },
        ..looking_options(settings)
    }
}

/// What the settings say about any request.
pub(crate) fn looking_options(settings: &Settings) -> FetchOptions {
    FetchOptions {
        jobs: settings.jobs,
        rate: settings.limit_rate.and_then(NonZeroU64::new),
        retry: RetryPolicy {
            tries: settings.retries.saturating_add(1),
            patience: settings.patience,
            ..RetryPolicy::default()
        },
        trust: settings.trust,
        http: settings.http.clone(),
        ..FetchOptions::default()
    }
}

struct One<'a> {
    context: &'a Context,
    args: &'a FetchArgs,
    looking: Looking,
    fetcher: Fetcher,
    join: Option<JoinRequest>,
    many: Many,
    cold: Cold,
}

impl One<'_> {
    async fn fetch(&self, input: &Input) -> Result<ExitCode, Failure> {
        let found = match self.args.wait_backup {
            None => self.cold.find(self.context, &self.looking, &self.fetcher, input).await?,
            Some(until) => {
                let options = CheckOptions { wait: Some(WaitOptions::new(until)), ..CheckOptions::default() };
                self.looking.check(self.context, &self.fetcher, input, &options).await?.found
            }
        };
        if self.args.dry_run {
            return looking::tell(self.context, &found, self.many);
        }
        if self.context.form == Form::Text {
            self.context.print(&looking::located_line(&found))?;
        }
        let into = ThawFor::Folder(&self.context.settings.out);
        let (found, thawed) =
            self.cold.thaw(self.context, &self.looking, &self.fetcher, input, found, into).await?;
        let started = Instant::now();
        let fetched = self.fetcher.fetch(found, &self.context.settings.out, self.join.as_ref()).await;
        let code = self.tell(&fetched.map_err(fetch_failure)?, started.elapsed())?;
        self.cold.tell(self.context, &thawed)?;
        Ok(code)
    }

    fn tell(&self, fetched: &Fetched, fetching: Duration) -> Result<ExitCode, Failure> {
        let mut code = ExitCode::from_number(fetched.report.outcome().exit_code());
        let (joined, refused): (&[JoinedFile], _) = match &fetched.joined {
            JoinOutcome::Done(files) => (files, None),
            JoinOutcome::NotAsked => (&[], None),
            JoinOutcome::Refused(why) => (&[], Some(why)),
        };
        if refused.is_some() && code == ExitCode::Complete {
            // Asked for and not made is never a success. Where something failed, that is why: whoever runs again
            // after a trouble that passes needs to see that it may.
            code = ExitCode::Incomplete;
        }
        match self.context.form {
            Form::Json => self.many.print(self.context, &serde_json::to_value(&fetched.written))?,
            Form::Text => {
                let joined: Vec<_> =
                    joined.iter().map(|file| (file.path.as_path(), file.written.clone())).collect();
                let notes =
                    if self.context.verbosity > Verbosity::Normal { Notes::Tell } else { Notes::Keep };
                let run = summary::Run { dir: &fetched.dir, fetching, joined: &joined, notes };
                let refused = refused.map(refusal).unwrap_or_default();
                self.context.print(&format!("{}{refused}", summary::finished(&fetched.report, &run)))?;
            }
        }
        for hint in hints(&fetched.report, &self.cold) {
            self.context.progress.say(&format!("hint: {hint}"));
        }
        Ok(code)
    }
}

/// One hint for each kind of trouble, not for each segment.
fn hints(report: &Report, cold: &Cold) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    // Of restores that were asked for it is said when to come back.
    let told = |object: &&ObjectReport| {
        cold.is_asked() && matches!(object.verdict, Verdict::Frozen { .. }) && object.failed_tries.is_empty()
    };
    let troubled = report.objects.iter().filter(|object| !matches!(object.verdict, Verdict::Verified { .. }));
    let troubled = troubled.filter(|object| !told(object));
    for hint in troubled.flat_map(hint::of_object) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    hints
}

pub(crate) fn fetch_failure(error: FetchError) -> Failure {
    match error {
        FetchError::Archive { recording, cause } => {
            Failure::from(cause).context(format!("could not keep recording {recording}"))
        }
        FetchError::Join { recording, cause } => {
            super::join::join_failure(cause).context(format!("could not join recording {recording}"))
        }
        FetchError::Destination { recording, cause } => {
            Failure::from(cause).context(format!("could not keep recording {recording}"))
        }
        FetchError::Task(_) => Failure::internal(error),
    }
}
