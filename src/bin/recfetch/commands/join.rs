//! `join`: the segments of a bag as one file, after proving them again.

use std::sync::Arc;

use recfetch::engine::{Gaps, JoinError, JoinOutcome, JoinRequest, JoinTo, join_bag};
use serde_json::json;

use super::outcome::refusal;
use crate::args::JoinArgs;
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable};
use crate::output::summary::joined_lines;

/// Joins the tracks of a bag.
///
/// # Errors
/// Where the bag is damaged, in use, or cannot be read, or the file cannot be written.
pub(crate) async fn run(context: &Context, args: &JoinArgs) -> Result<ExitCode, Failure> {
    let request = JoinRequest {
        to: args.to.clone().map_or(JoinTo::BesideBag, JoinTo::File),
        gaps: if args.allow_gaps { Gaps::Allow } else { Gaps::Refuse },
        track: args.track.clone(),
        runs: args.joining.runs(),
        overlap: args.joining.overlap(),
    };
    let (dir, observer) = (args.dir.clone(), Arc::clone(&context.progress));
    let joined = tokio::task::spawn_blocking(move || join_bag(&dir, &request, &*observer)).await;
    let (report, outcome) = joined.map_err(Failure::internal)?.map_err(join_failure)?;
    match outcome {
        JoinOutcome::Done(files) => {
            match context.form {
                Form::Json => context.print_json(&json!({
                    "format": "recfetch-join/1",
                    "recording": report.recording,
                    "joined": files.iter().map(|file| &file.written).collect::<Vec<_>>(),
                }))?,
                Form::Text => {
                    let lines = files.iter().map(|file| joined_lines(&file.path, &file.written));
                    context.print(&lines.collect::<String>())?;
                }
            }
            // A file with gaps is what was asked for, and still not the whole recording.
            let partial = files.iter().any(|file| file.written.file.ends_with(".partial.ts"));
            Ok(if partial {
                ExitCode::from_number(report.exit_code).worse(ExitCode::Incomplete)
            } else {
                ExitCode::Complete
            })
        }
        JoinOutcome::Refused(why) => {
            match context.form {
                Form::Json => context.print_json(&json!({
                    "format": "recfetch-join/1",
                    "recording": report.recording,
                    "joined": [],
                    "refused": { "track": why.track, "missing": why.missing, "losses": why.losses },
                }))?,
                Form::Text => {
                    let missing = why.missing.iter().map(|name| format!("missing    {}\n", printable(name)));
                    let losses = why.losses.iter().map(|text| format!("loss       {}\n", printable(text)));
                    let lines: String = missing.chain(losses).collect();
                    context.print(&(lines + &refusal(&why)))?;
                }
            }
            Ok(ExitCode::Incomplete)
        }
        JoinOutcome::NotAsked => Ok(ExitCode::Complete),
    }
}

/// What a failure to join means.
pub(super) fn join_failure(error: JoinError) -> Failure {
    match error {
        JoinError::Archive(cause) => Failure::from(cause),
        JoinError::Damaged { .. } => Failure::new(ExitCode::Corrupt, error).hint(
            "`recfetch verify` names every file that changed; fetching again replaces what is not proven",
        ),
        JoinError::SeveralTracks { .. } | JoinError::NoSuchTrack { .. } => {
            Failure::new(ExitCode::Usage, error).hint("name one with --track, or leave out the file")
        }
        JoinError::NotTransportStreams { .. } => Failure::new(ExitCode::Usage, error)
            .hint("play.m3u8 in the bag plays what is there; other tools can remux it"),
        JoinError::Nothing => Failure::new(ExitCode::Incomplete, error),
        JoinError::NoReport { .. } => Failure::new(ExitCode::Usage, error)
            .hint("name the folder of one recording that recfetch fetched"),
    }
}
