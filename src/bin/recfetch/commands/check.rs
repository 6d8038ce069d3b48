//! `check`: says which segments are missing, since when, why, and what to do, without fetching.

mod writing;

use recfetch::documents::{CheckV1, playlists, ticket};
use recfetch::domain::check::Depth;
use recfetch::engine::{CheckOptions, Checked, Fetcher};

use super::fetch::looking_options;
use super::looking::Looking;
use super::outcome::{Many, failed};
use crate::args::{CheckArgs, DeepMode, RowFormat};
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure};
use crate::inputs::Input;
use crate::output::check::rows::{Row, head};
use crate::output::check::{Detail, report};
use crate::output::screen::{Letters, Screen};
use crate::progress::Verbosity;

/// Checks each recording in turn, and tells of each as it ends. One that fails does not stop the others.
///
/// # Errors
/// Where the settings are wrong: no store was asked for anything then.
pub(crate) async fn run(context: &Context, args: &CheckArgs) -> Result<ExitCode, Failure> {
    let many = Many::of(context.inputs.recordings.len());
    let view = view(context, args, many)?;
    let looking = Looking::new(context, &args.what, &args.store).await?;
    let options = looking_options(&context.settings);
    let fetcher = Fetcher::new(options, context.progress.clone(), context.cancel.clone());
    let options = check_options(args);
    if let View::Rows(form) = view
        && let Some(head) = head(form)
    {
        context.print(&head)?;
    }
    let mut code = ExitCode::Complete;
    for input in &context.inputs.recordings {
        if context.cancel.is_cancelled() {
            break;
        }
        let checked = looking.check(context, &fetcher, input, &options).await;
        code = code.worse(match checked.and_then(|checked| tell(context, args, view, many, &checked)) {
            Ok(code) => code,
            Err(failure) => untold(context, view, many, input, failure)?,
        });
    }
    Ok(code)
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
    if many == Many::Several && args.write_playlist.is_some() {
        return Err(Failure::usage("one file cannot hold the playlists of several recordings"));
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

fn check_options(args: &CheckArgs) -> CheckOptions {
    let mut options = CheckOptions {
        depth: match args.deep.map(Option::unwrap_or_default) {
            None => Depth::Listed,
            Some(DeepMode::First) => Depth::First,
            Some(DeepMode::Whole) => Depth::Whole,
        },
        players: args.players.clone(),
        ..CheckOptions::default()
    };
    options.told.app_id.clone_from(&args.app_id);
    options
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
    Ok(ExitCode::from_number(written.exit_code))
}

/// Tells why a recording could not be checked, and what that makes of the whole.
fn untold(
    context: &Context,
    view: View,
    many: Many,
    input: &Input,
    failure: Failure,
) -> Result<ExitCode, Failure> {
    if let View::Rows(form) = view {
        context.print(&Row::failed(input.text(), &failure).line(form))?;
    }
    failed(context, input.text(), failure, many)
}
