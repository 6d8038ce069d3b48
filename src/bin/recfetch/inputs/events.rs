//! What Agora told of recordings: logs of callbacks, and what saved texts say besides.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;

use recfetch::agora::events::{self, EventOptions};
use recfetch::domain::check::Told;
use recfetch::domain::recording::RecordingId;
use recfetch::engine::Target;
use recfetch::source::Secret;

use super::{Input, name_of};
use crate::args::CheckArgs;
use crate::failure::{ExitCode, Failure, printable};
use crate::settings::env::Environment;

/// How many problems of a log are told one by one.
const MOST_PROBLEMS: usize = 5;

/// What was told of recordings, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    recordings: BTreeMap<RecordingId, Told>,
    /// Lines about logs, for stderr.
    pub(crate) remarks: Vec<String>,
}

impl Heard {
    /// What was told of a recording, by logs and by the text that names it.
    pub(crate) fn of(&self, input: &Input) -> Told {
        let by_log = |id: &RecordingId| self.recordings.get(id).cloned().unwrap_or_default();
        match input {
            Input::Typed(text) => id_of(text).as_ref().map(by_log).unwrap_or_default(),
            Input::Saved(saved) => {
                let mut told = by_log(&saved.id);
                told.merge(Told::from(&saved.facts));
                told
            }
        }
    }
}

/// Reads the logs of a check.
///
/// # Errors
/// A log that cannot be read, or a secret that is not there.
pub(super) fn read(args: &CheckArgs, environment: &Environment) -> Result<Heard, Failure> {
    let mut heard = Heard::default();
    if args.events.is_empty() {
        return match &args.events_secret_env {
            Some(_) => Err(Failure::usage("--events-secret-env needs --events")),
            None => Ok(heard),
        };
    }
    let options = EventOptions { secret: secret(args, environment)?, only: only(args) };
    for path in &args.events {
        let read = |reader: &mut dyn Read| events::read(BufReader::new(reader), &options);
        let told = match path == Path::new("-") {
            true => read(&mut std::io::stdin().lock()),
            false => {
                let file = std::fs::File::open(path).map_err(|cause| unreadable(path, cause))?;
                read(&mut { file })
            }
        };
        let told = told.map_err(|cause| unreadable(path, cause))?;
        let name = name_of(path);
        for problem in told.problems.iter().take(MOST_PROBLEMS) {
            heard.remarks.push(format!(
                "{name}, line {}: {}",
                problem.line,
                printable(&problem.what.to_string())
            ));
        }
        let more = told.problems.len().saturating_sub(MOST_PROBLEMS) + told.more_problems;
        if more > 0 {
            heard.remarks.push(format!("{name}: {more} more that could not be read"));
        }
        if told.refused > 0 {
            heard
                .remarks
                .push(format!("{name}: {} without a signature that fits were left out", told.refused));
        }
        for (id, more) in told.recordings {
            heard.recordings.entry(id).or_default().merge(more);
        }
    }
    Ok(heard)
}

fn unreadable(path: &Path, cause: impl Into<anyhow::Error>) -> Failure {
    Failure::new(ExitCode::Usage, cause).context(format!("could not read {}", name_of(path)))
}

/// The secret of the callbacks: by the name of its variable, so that it is in no list of processes.
fn secret(args: &CheckArgs, environment: &Environment) -> Result<Option<Secret>, Failure> {
    let Some(name) = &args.events_secret_env else { return Ok(None) };
    let secret = environment.get(name).map_err(Failure::usage)?;
    let secret = secret.ok_or_else(|| {
        Failure::usage(format!("the environment variable {name} is not set"))
            .hint("it holds the secret that Agora's console shows for the notification service")
    })?;
    Ok(Some(Secret::new(secret)))
}

/// Where one recording is asked for, nothing else of a long log is kept.
fn only(args: &CheckArgs) -> Option<RecordingId> {
    match &args.what.recordings[..] {
        [one] if !one.starts_with('@') => id_of(one),
        _ => None,
    }
}

/// The recording that was typed: by its ID, or by its playlist.
fn id_of(text: &str) -> Option<RecordingId> {
    Target::parse(text).ok().map(|target| target.recording())
}
