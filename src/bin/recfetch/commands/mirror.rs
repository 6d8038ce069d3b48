//! `mirror`: brings recordings to another store, and says what became of them.

use std::path::PathBuf;
use std::time::Instant;

use recfetch::archive::MarkV1;
use recfetch::domain::key::KeyPrefix;
use recfetch::domain::only::Only;
use recfetch::domain::playlist::UriPolicy;
use recfetch::domain::recording::RecordingId;
use recfetch::engine::{
    AfterDenial, FetchOptions, Fetcher, Found, MirrorOptions, MirrorTarget, Mirrored, Target,
};
use recfetch::source::connect_destination;
use recfetch::source::destination::Keeping;
use serde_json::json;

use super::fetch::{fetch_failure, looking_options};
use super::looking::{self, Looking};
use super::outcome::{Many, failed};
use crate::args::MirrorArgs;
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable};
use crate::inputs::Input;
use crate::output::summary::{self, Notes};
use crate::output::{count, size};
use crate::progress::Verbosity;

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
        ..Keeping::default()
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
        options: MirrorOptions { keeping },
        only,
        many,
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
}

impl One<'_> {
    async fn mirror(&self, input: &Input) -> Result<ExitCode, Failure> {
        let there = There { target: &self.target, options: &self.options, only: &self.only };
        let found = match look(self.context, &self.looking, &self.fetcher, &there, input).await? {
            Looked::There(mark) => return self.tell_there(&mark),
            Looked::Found(found) => *found,
        };
        if self.args.dry_run {
            return looking::tell(self.context, &found, self.many);
        }
        if self.context.form == Form::Text {
            self.context.print(&looking::located_line(&found))?;
        }
        let started = Instant::now();
        let mirrored =
            self.fetcher.mirror(found, &self.target, &self.options).await.map_err(fetch_failure)?;
        self.tell(&mirrored, started)
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

/// Looks whether a recording is there already, and where it comes from if it is not.
///
/// # Errors
/// Where a store does not answer, or the recording is nowhere.
pub(crate) async fn look(
    context: &Context,
    looking: &Looking,
    fetcher: &Fetcher,
    there: &There<'_>,
    input: &Input,
) -> Result<Looked, Failure> {
    let mark = async |id: &RecordingId| fetcher.mirrored(there.target, id, there.options, there.only).await;
    let known = known(input);
    if let Some(id) = &known
        && let Some(mark) = mark(id).await?
    {
        return Ok(Looked::There(Box::new(mark)));
    }
    let found = looking.find(context, fetcher, input).await?;
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
