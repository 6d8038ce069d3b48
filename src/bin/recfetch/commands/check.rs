//! `check`: says which segments are missing, since when, why, and what to do, without fetching.

pub(crate) mod writing;

use recfetch::documents::{CheckV1, page, playlists, ticket};
use recfetch::domain::check::Depth;
use recfetch::engine::{CheckOptions, Checked, Fetcher, Surveyed, WaitOptions};

use super::fetch::looking_options;
use super::looking::Looking;
use super::outcome::{Many, failed};
use crate::args::{CheckArgs, DeepMode, RowFormat};
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable};
use crate::output::check::rows::{Row, head};
use crate::output::check::{Detail, report};
use crate::output::screen::{Letters, Screen};
use crate::progress::Verbosity;

/// Checks each recording in turn, and tells of each as it ends. One that fails does not stop the others.
///
/// # Errors
/// Where the settings are wrong: no store was asked for anything then.
pub(crate) async fn run(context: &Context, args: &CheckArgs) -> Result<ExitCode, Failure> {
    let many = if args.all { Many::Several } else { Many::of(context.inputs.recordings.len()) };
    let view = view(context, args, many)?;
    let looking = Looking::new(context, &args.what, &args.store).await?;
    let options = looking_options(&context.settings);
    let fetcher = Fetcher::new(options, context.progress.clone(), context.cancel.clone());
    let options = check_options(args)?;
    if let View::Rows(form) = view
        && let Some(head) = head(form)
    {
        context.print(&head)?;
    }
    if args.all {
        return all(context, args, view, &looking, &fetcher, &options).await;
    }
    for remark in &context.inputs.heard.remarks {
        context.progress.say(&format!("events     {remark}"));
    }
    let mut code = ExitCode::Complete;
    for input in &context.inputs.recordings {
        if context.cancel.is_cancelled() {
            break;
        }
        let mut options = options.clone();
        options.told.merge(context.inputs.heard.of(input));
        if let Some(app_id) = &args.app_id {
            options.told.app_id = Some(app_id.clone());
        }
        let checked = looking.check(context, &fetcher, input, &options).await;
        code = code.worse(match checked.and_then(|checked| tell(context, args, view, many, &checked)) {
            Ok(code) => code,
            Err(failure) => untold(context, view, many, input.text(), failure)?,
        });
    }
    Ok(code)
}

/// Checks every recording of the stores, and tells of each as it ends.
async fn all(
    context: &Context,
    args: &CheckArgs,
    view: View,
    looking: &Looking,
    fetcher: &Fetcher,
    options: &CheckOptions,
) -> Result<ExitCode, Failure> {
    let mut told = Ok(ExitCode::Complete);
    let each = async |surveyed: Surveyed| {
        // What could not be printed ends the command; the rest of the pass has nobody to tell.
        let Ok(code) = &told else { return context.cancel.cancel() };
        let code = *code;
        let id = surveyed.recording;
        let one = match surveyed.checked.map_err(|error| looking.explain(error)) {
            Ok(checked) => tell(context, args, view, Many::Several, &checked),
            Err(failure) => untold(context, view, Many::Several, id.as_str(), failure),
        };
        told = one.map(|one| code.worse(one));
    };
    let surveyed = looking.survey(context, fetcher, options, each).await;
    let code = told?;
    surveyed.map(|()| code)
}

/// What is printed of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// All that is known, for people.
    Text(Screen, Detail),
    /// The same for machines.
    Json,
    /// One line.
    Rows(RowFormat),
    /// A request to Agora's support.
    Ticket,
}

/// What was asked for, where that fits together.
fn view(context: &Context, args: &CheckArgs, many: Many) -> Result<View, Failure> {
    if context.form == Form::Json && (args.format.is_some() || args.ticket) {
        return Err(Failure::usage("--json cannot be combined with --format or --ticket")
            .hint("--format ndjson prints a short object of JSON for each recording"));
    }
    let file = args.write_playlist.as_ref().map(|_| "--write-playlist");
    let file = file.or(args.html.as_ref().map(|_| "--html"));
    if let Some(flag) = file.filter(|_| many == Many::Several) {
        return Err(Failure::usage(format!("{flag} is about one recording"))
            .hint("check one recording at a time: its file would be written over by the next"));
    }
    let letters = args.ascii.then_some(Letters::Ascii);
    let screen = Screen::of_stdout(&context.environment, letters);
    let detail = if context.verbosity > Verbosity::Normal { Detail::All } else { Detail::Grouped };
    Ok(match (context.form, args.format, many) {
        (Form::Json, _, _) => View::Json,
        (Form::Text, _, _) if args.ticket => View::Ticket,
        (Form::Text, Some(form), _) => View::Rows(form),
        (Form::Text, None, Many::Several) => View::Rows(RowFormat::Table),
        (Form::Text, None, Many::One) => View::Text(screen, detail),
    })
}

fn check_options(args: &CheckArgs) -> Result<CheckOptions, Failure> {
    let is_origin = |text: &String| {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        host.is_some_and(|host| {
            !host.is_empty() && !host.contains(|c: char| c == '/' || !c.is_ascii_graphic())
        })
    };
    if let Some(origin) = args.players.as_ref().filter(|origin| !is_origin(origin)) {
        return Err(Failure::usage(format!("`{}` is no origin of a page", printable(origin)))
            .hint("an origin is scheme and host: https://app.example.com"));
    }
    let mut options = CheckOptions {
        depth: match args.deep.map(Option::unwrap_or_default) {
            None => Depth::Listed,
            Some(DeepMode::First) => Depth::First,
            Some(DeepMode::Whole) => Depth::Whole,
        },
        players: args.players.clone(),
        wait: args.wait_backup.map(WaitOptions::new),
        ..CheckOptions::default()
    };
    options.told.app_id.clone_from(&args.app_id);
    Ok(options)
}

/// Prints and writes what was asked for.
fn tell(
    context: &Context,
    args: &CheckArgs,
    view: View,
    many: Many,
    checked: &Checked,
) -> Result<ExitCode, Failure> {
    let check = &checked.check;
    let written = CheckV1::of(check);
    match view {
        View::Text(screen, detail) => context.print(&report(check, &written, screen, detail))?,
        View::Json => many.print(context, &serde_json::to_value(&written))?,
        View::Rows(form) => context.print(&Row::of(&written).line(form))?,
        View::Ticket => context.print(&ticket(check))?,
    }
    if let Some(file) = &args.write_playlist {
        writing::playlists(context, file, playlists(check, checked.found.plan()))?;
    }
    if let Some(file) = &args.html {
        writing::page(context, file, &page(&written))?;
    }
    Ok(ExitCode::from_number(written.exit_code))
}

/// Tells why a recording could not be checked, and what that makes of the whole.
fn untold(
    context: &Context,
    view: View,
    many: Many,
    recording: &str,
    failure: Failure,
) -> Result<ExitCode, Failure> {
    if let View::Rows(form) = view {
        context.print(&Row::failed(recording, &failure).line(form))?;
    }
    failed(context, recording, failure, many)
}
