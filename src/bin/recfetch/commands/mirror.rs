//! `mirror`: brings recordings to another store, and says what became of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use recfetch::archive::MarkV1;
use recfetch::domain::key::KeyPrefix;
use recfetch::domain::only::Only;
use recfetch::domain::playlist::UriPolicy;
use recfetch::domain::recording::RecordingId;
use recfetch::domain::report::Outcome;
use recfetch::engine::{
    AfterDenial, FetchOptions, Fetcher, Found, MirrorLayout, MirrorOptions, MirrorTarget, Mirrored, Target,
    ThawFor, estimate,
};
use recfetch::source::connect_destination;
use recfetch::source::destination::{Keeping, Lock};
use serde_json::json;

use super::fetch::{fetch_failure, looking_options};
use super::looking::{self, Looking};
use super::outcome::{Many, failed};
use super::thawing::Cold;
use crate::args::{MirrorArgs, PackMode};
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable};
use crate::inputs::Input;
use crate::output::summary::{self, Notes};
use crate::output::{count, size};
use crate::progress::Verbosity;

mod estimated;

/// Brings each recording there in turn. One that fails does not stop the others.
///
/// # Errors
/// Where the settings are wrong: no store was asked for anything then.
pub(crate) async fn run(context: &Context, args: &MirrorArgs) -> Result<ExitCode, Failure> {
    let many = Many::of(context.inputs.recordings.len());
    let looking = Looking::new(context, &args.what, &args.store).await?;
    let said = context.settings.store(&args.to)?;
    let destination = connect_destination(&said.spec).await?;
    let place = destination.describe();
    let target = MirrorTarget::new(destination, said.spec.prefix.clone().unwrap_or_else(KeyPrefix::root));
    let keeping = Keeping {
        class: args.class.clone(),
        encryption: args.sse.clone(),
        tags: args.tag.clone(),
        lock: lock(args)?,
        content_type: None,
    };
    let options = FetchOptions {
        after_denial: if args.fallback_on_denied { AfterDenial::AskFallback } else { AfterDenial::Stop },
        uris: if args.allow_absolute { UriPolicy::AllowAbsolute } else { UriPolicy::NamesOnly },
        ..looking_options(&context.settings)
    };
    let fetcher = Fetcher::new(options, context.progress.clone(), context.cancel.clone());
    let only = looking::only(&args.what.only);
    let one = One {
        context,
        args,
        looking,
        fetcher,
        target,
        place,
        options: MirrorOptions {
            keeping,
            layout: match args.pack {
                Some(PackMode::Tar) => MirrorLayout::Tar,
                None => MirrorLayout::Objects,
            },
        },
        only,
        many,
        cold: Cold::of(&args.cold),
    };
    let mut code = ExitCode::Complete;
    for input in &context.inputs.recordings {
        if context.cancel.is_cancelled() {
            break;
        }
        code = code.worse(match one.mirror(input).await {
            Ok(code) => code,
            Err(failure) => failed(context, input.text(), failure, many)?,
        });
    }
    Ok(code)
}

fn lock(args: &MirrorArgs) -> Result<Option<Lock>, Failure> {
    let Some(asked) = &args.lock else { return Ok(None) };
    let now = jiff::Timestamp::now().as_second();
    let lock = asked.from(now);
    lock.map(Some).ok_or_else(|| Failure::usage("the end of --lock is in the past"))
}

/// What became of a recording that was to be packed.
enum Packed {
    Sent(Box<Mirrored>),
    /// A later run may get more of it.
    Kept(ExitCode),
}

struct One<'a> {
    context: &'a Context,
    args: &'a MirrorArgs,
    looking: Looking,
    fetcher: Fetcher,
    target: MirrorTarget,
    /// What the destination is, for people.
    place: String,
    options: MirrorOptions,
    only: Only,
    many: Many,
    cold: Cold,
}

impl One<'_> {
    async fn mirror(&self, input: &Input) -> Result<ExitCode, Failure> {
        let there = There { target: &self.target, options: &self.options, only: &self.only };
        let find = async || self.cold.find(self.context, &self.looking, &self.fetcher, input).await;
        let found = match look(&self.fetcher, &there, input, find).await? {
            Looked::There(mark) => return self.tell_there(&mark),
            Looked::Found(found) => *found,
        };
        if self.args.dry_run {
            return looking::tell(self.context, &found, self.many);
        }
        if self.args.estimate {
            return estimated::tell(self.context, &estimate(&found, &self.target), &self.options, self.many);
        }
        if self.context.form == Form::Text {
            self.context.print(&looking::located_line(&found))?;
        }
        let into = ThawFor::Mirror(&self.target, &self.options);
        let (found, thawed) =
            self.cold.thaw(self.context, &self.looking, &self.fetcher, input, found, into).await?;
        let started = Instant::now();
        let mirrored = match &self.args.work {
            Some(work) => match self.pack(found, work).await? {
                Packed::Sent(mirrored) => *mirrored,
                Packed::Kept(code) => {
                    self.cold.tell(self.context, &thawed)?;
                    return Ok(code);
                }
            },
            None => self.fetcher.mirror(found, &self.target, &self.options).await.map_err(fetch_failure)?,
        };
        let code = self.tell(&mirrored, started)?;
        self.cold.tell(self.context, &thawed)?;
        Ok(code)
    }

    /// Fetches into a folder of our own, sends that as a tar, and removes it.
    async fn pack(&self, found: Found, work: &Path) -> Result<Packed, Failure> {
        // Nobody keeps bags of their own in a folder of this name.
        let out = work.join("recfetch-packing");
        let fetched = self.fetcher.fetch(found, &out, None).await.map_err(fetch_failure)?;
        let dir = fetched.dir.clone();
        let outcome = fetched.report.outcome();
        match outcome {
            // A tar is written once: what a later run may still get would have to be paid for again.
            Outcome::Interrupted | Outcome::Temporary | Outcome::Frozen | Outcome::Denied => {
                if self.context.form == Form::Json {
                    let value = json!({
                        "format": "recfetch-mirrored/1",
                        "state": "not-packed",
                        "work": dir.to_string_lossy(),
                        "report": fetched.written,
                    });
                    self.many.print(self.context, &Ok(value))?;
                } else {
                    let notes = Notes::Keep;
                    let run = summary::Run { dir: &dir, fetching: Duration::ZERO, joined: &[], notes };
                    self.context.print(&summary::finished(&fetched.report, &run))?;
                }
                self.context.progress.say(&format!(
                    "nothing was sent: what is here stays in {}, and the same command goes on from there",
                    printable(&dir.display().to_string())
                ));
                return Ok(Packed::Kept(ExitCode::from_number(outcome.exit_code())));
            }
            Outcome::Complete | Outcome::Incomplete | Outcome::Corrupt => {}
        }
        let mirrored =
            self.fetcher.pack(fetched, &self.target, &self.options).await.map_err(fetch_failure)?;
        if outcome == Outcome::Complete {
            std::fs::remove_dir_all(&dir).map_err(|cause| {
                Failure::internal(cause).context(format!("could not remove `{}`", dir.display()))
            })?;
        }
        Ok(Packed::Sent(Box::new(mirrored)))
    }

    fn tell_there(&self, mark: &MarkV1) -> Result<ExitCode, Failure> {
        match self.context.form {
            Form::Json => self.many.print(
                self.context,
                &Ok(json!({ "format": "recfetch-mirrored/1", "state": "there", "mark": mark })),
            )?,
            Form::Text => self.context.print(&format!(
                "there      {} in {} ({}) since {}: {}, {}\n",
                printable(&mark.recording),
                printable(&self.args.to),
                printable(&self.place),
                printable(&mark.finished),
                count(mark.objects, "object"),
                size(mark.bytes),
            ))?,
        }
        Ok(ExitCode::Complete)
    }

    fn tell(&self, mirrored: &Mirrored, started: Instant) -> Result<ExitCode, Failure> {
        match self.context.form {
            Form::Json => {
                let report = serde_json::to_value(&mirrored.written);
                let value = report.map(|report| {
                    json!({
                        "format": "recfetch-mirrored/1",
                        "state": "mirrored",
                        "to": self.args.to,
                        "folder": mirrored.folder.as_str(),
                        "mark": mirrored.mark,
                        "report": report,
                    })
                });
                self.many.print(self.context, &value)?;
            }
            Form::Text => {
                let notes =
                    if self.context.verbosity > Verbosity::Normal { Notes::Tell } else { Notes::Keep };
                let folder = mirrored.folder.as_str().trim_end_matches('/');
                let dir = PathBuf::from(format!("{}:{folder}", self.args.to));
                let run = summary::Run { dir: &dir, fetching: started.elapsed(), joined: &[], notes };
                self.context.print(&summary::finished(&mirrored.report, &run))?;
            }
        }
        Ok(ExitCode::from_number(mirrored.report.outcome().exit_code()))
    }
}

/// A recording that is to be brought somewhere.
pub(crate) enum Looked {
    /// It is there, whole.
    There(Box<MarkV1>),
    /// It is not, and was found where it comes from.
    Found(Box<Found>),
}

/// Where it is to be brought, and how it is to be kept there.
pub(crate) struct There<'a> {
    pub(crate) target: &'a MirrorTarget,
    pub(crate) options: &'a MirrorOptions,
    pub(crate) only: &'a Only,
}

/// Looks whether a recording is there already, and finds where it comes from if it is not.
///
/// # Errors
/// Where a store does not answer, or the recording is nowhere.
pub(crate) async fn look(
    fetcher: &Fetcher,
    there: &There<'_>,
    input: &Input,
    find: impl AsyncFnOnce() -> Result<Found, Failure>,
) -> Result<Looked, Failure> {
    let mark = async |id: &RecordingId| fetcher.mirrored(there.target, id, there.options, there.only).await;
    let known = known(input);
    if let Some(id) = &known
        && let Some(mark) = mark(id).await?
    {
        return Ok(Looked::There(Box::new(mark)));
    }
    let found = find().await?;
    // A URL or a key tells it only now.
    if known.is_none()
        && let Some(mark) = mark(&found.recording().id).await?
    {
        return Ok(Looked::There(Box::new(mark)));
    }
    Ok(Looked::Found(Box::new(found)))
}

/// The recording ID, where what was given tells it.
fn known(input: &Input) -> Option<RecordingId> {
    match input {
        Input::Typed(text) => match Target::parse(text) {
            Ok(Target::Recording(id)) => Some(id),
            Ok(Target::Playlist(_) | Target::Url(_)) | Err(_) => None,
        },
        Input::Saved(saved) => Some(saved.id.clone()),
    }
}
