//! `ledger`: what became of the recordings of batches.

use std::path::{Path, PathBuf};

use recfetch::archive::{Entry, Ledger, LedgerError, Standing, Wanted};
use recfetch::batch::{FetchV1, JobV1, KeepV1};
use recfetch::domain::time::SliceTime;
use serde_json::{Value, json};

use crate::args::{ExportForm, LedgerArgs, LedgerCommand};
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable};
use crate::output::{count, playing_time, size, table};
use crate::settings::Settings;

/// Its name where none is given.
const FILE: &str = "recfetch-ledger.sqlite";

/// Where the ledger is.
pub(crate) fn ledger_file(given: Option<&PathBuf>, settings: &Settings) -> PathBuf {
    given.cloned().unwrap_or_else(|| settings.out.join(FILE))
}

/// Why the ledger cannot be used, with what to do about it.
pub(crate) fn ledger_failure(error: LedgerError) -> Failure {
    match error {
        LedgerError::Database { .. } | LedgerError::Io { .. } => {
            Failure::new(ExitCode::Disk, error).hint("name a file on a local disk with --ledger")
        }
        LedgerError::Foreign { .. } => Failure::new(ExitCode::Usage, error)
            .hint("name another file with --ledger; this one was left as it is"),
        LedgerError::Newer { .. } => Failure::new(ExitCode::Usage, error),
    }
}

/// Answers from the ledger.
///
/// # Errors
/// Where there is none, or it cannot be read.
pub(crate) async fn run(context: &Context, command: &LedgerCommand) -> Result<ExitCode, Failure> {
    let file = ledger_file(command.file().ledger.as_ref(), &context.settings);
    tokio::task::block_in_place(|| match command {
        LedgerCommand::Ls(args) => ls(context, &existing(&file)?, args),
        LedgerCommand::Show(args) => show(context, &existing(&file)?, &args.recordings),
        LedgerCommand::Export(args) => export(context, &existing(&file)?, &args.which, args.format),
        LedgerCommand::Rebuild(_) => rebuild(context, &file),
    })
}

/// A ledger that is not there is not made by asking for it.
fn existing(file: &Path) -> Result<Ledger, Failure> {
    if !file.is_file() {
        return Err(Failure::not_found(format!("there is no ledger {}", file.display()))
            .hint("name it with --ledger, or the output folder of the batch with --out")
            .hint("`recfetch ledger rebuild` makes one from the bags of a folder"));
    }
    Ledger::open(file).map_err(ledger_failure)
}

fn wanted(args: &LedgerArgs) -> Wanted {
    Wanted {
        since: args.since,
        until: args.until,
        outcomes: args.outcome.clone(),
        only_open: args.open,
        recording: None,
    }
}

/// Hands each entry to `each`; the first failure ends it.
fn walk(
    ledger: &Ledger,
    wanted: &Wanted,
    mut each: impl FnMut(Entry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = None;
    let read = ledger.each(wanted, |entry| match each(entry) {
        Ok(()) => true,
        Err(failure) => {
            failed = Some(failure);
            false
        }
    });
    match failed {
        Some(failure) => Err(failure),
        None => read.map_err(ledger_failure),
    }
}

fn ls(context: &Context, ledger: &Ledger, args: &LedgerArgs) -> Result<ExitCode, Failure> {
    if context.form == Form::Json {
        return export(context, ledger, args, ExportForm::Ndjson);
    }
    // So many lines share the widths of their columns.
    const PAGE: usize = 500;
    let (mut rows, mut number) = (Vec::new(), 0);
    walk(ledger, &wanted(args), |entry| {
        number += 1;
        rows.push(row(&entry));
        if rows.len() == PAGE {
            context.print(&table(&rows))?;
            rows.clear();
        }
        Ok(())
    })?;
    context.print(&table(&rows))?;
    context.progress.say(&format!("ledger     {}", count(number, "recording")));
    Ok(ExitCode::Complete)
}

fn row(entry: &Entry) -> [String; 5] {
    let time = entry.recorded.map_or_else(String::new, to_the_minute);
    let bytes = if entry.tried.is_some() { size(entry.bytes) } else { String::new() };
    let why = entry.why.as_deref().map(|why| printable(why).into_owned()).unwrap_or_default();
    [printable(&entry.outcome).into_owned(), printable(&entry.recording).into_owned(), time, bytes, why]
}

fn to_the_minute(time: SliceTime) -> String {
    time.to_string().chars().take(16).collect()
}

fn show(context: &Context, ledger: &Ledger, recordings: &[String]) -> Result<ExitCode, Failure> {
    let mut missing = Vec::new();
    for recording in recordings {
        let wanted = Wanted { recording: Some(recording.clone()), ..Wanted::default() };
        let mut found = Vec::new();
        walk(ledger, &wanted, |entry| {
            found.push(entry);
            Ok(())
        })?;
        if found.is_empty() {
            missing.push(recording);
        }
        for entry in found {
            let tries = ledger.tries(&entry.recording, &entry.place).map_err(ledger_failure)?;
            match context.form {
                Form::Json => {
                    let mut value = as_json(&entry);
                    let tries: Vec<_> = tries
                        .iter()
                        .map(|one| {
                            json!({
                                "ended": one.ended.to_string(), "outcome": one.outcome, "exit_code": one.exit_code,
                                "received": one.received, "seconds": one.took.as_secs_f64(), "why": one.why,
                            })
                        })
                        .collect();
                    if let Some(object) = value.as_object_mut() {
                        object.insert("attempts".to_owned(), Value::Array(tries));
                    }
                    context.print(&format!("{value}\n"))?;
                }
                Form::Text => {
                    let time = |time: Option<SliceTime>| time.map(|t| t.to_string()).unwrap_or_default();
                    let mut lines = vec![
                        ("recording", entry.recording.clone()),
                        ("place", entry.place.clone()),
                        ("asked", entry.asked.clone()),
                        ("outcome", entry.outcome.clone()),
                        ("from", entry.source.clone().unwrap_or_default()),
                        ("holds", format!("{} objects, {}", entry.objects, size(entry.bytes))),
                        ("recorded", time(entry.recorded)),
                        ("listed", entry.listed.to_string()),
                        ("proven", time(entry.proven)),
                        ("proof", entry.proof.clone().unwrap_or_default()),
                    ];
                    lines.extend(tries.iter().map(|one| {
                        let why = one.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                        let took = playing_time(one.took);
                        let came = size(one.received);
                        ("tried", format!("{}  {} in {took}, {came} came{why}", one.ended, one.outcome))
                    }));
                    lines.retain(|(_, text)| !text.is_empty());
                    let rows: Vec<_> = lines
                        .into_iter()
                        .map(|(word, text)| [format!("{word:<9}"), printable(&text).into_owned()])
                        .collect();
                    context.print(&table(&rows))?;
                }
            }
        }
    }
    match missing.first() {
        None => Ok(ExitCode::Complete),
        Some(first) => {
            let first = printable(first);
            Err(Failure::not_found(format!("the ledger knows nothing of recording `{first}`")))
        }
    }
}

fn export(
    context: &Context,
    ledger: &Ledger,
    args: &LedgerArgs,
    form: ExportForm,
) -> Result<ExitCode, Failure> {
    if form == ExportForm::Csv {
        context.print("recording,outcome,exit_code,recorded,tried,proven,objects,bytes,tries,place,why\n")?;
    }
    let mut last = String::new();
    walk(ledger, &wanted(args), |entry| match form {
        ExportForm::Ndjson => context.print(&format!("{}\n", as_json(&entry))),
        ExportForm::Csv => context.print(&as_csv(&entry)),
        // One that lies in several places is named once.
        ExportForm::Ids if entry.recording == last => Ok(()),
        ExportForm::Ids => {
            last.clone_from(&entry.recording);
            context.print(&format!("{}\n", printable(&entry.recording)))
        }
    })?;
    Ok(ExitCode::Complete)
}

fn as_json(entry: &Entry) -> Value {
    let time = |time: Option<SliceTime>| time.map(|time| time.to_string());
    json!({
        "format": "recfetch-ledger/1",
        "recording": entry.recording,
        "place": entry.place,
        "asked": serde_json::from_str::<Value>(&entry.asked).unwrap_or(Value::Null),
        "outcome": entry.outcome,
        "exit_code": entry.exit_code,
        "objects": entry.objects,
        "bytes": entry.bytes,
        "from": entry.source,
        "recorded": time(entry.recorded),
        "listed": entry.listed.to_string(),
        "tried": time(entry.tried),
        "proven": time(entry.proven),
        "tries": entry.tries,
        "proof": entry.proof,
        "why": entry.why,
    })
}

fn as_csv(entry: &Entry) -> String {
    let time = |time: Option<SliceTime>| time.map(|time| time.to_string()).unwrap_or_default();
    let cells = [
        entry.recording.clone(),
        entry.outcome.clone(),
        entry.exit_code.map(|code| code.to_string()).unwrap_or_default(),
        time(entry.recorded),
        time(entry.tried),
        time(entry.proven),
        entry.objects.to_string(),
        entry.bytes.to_string(),
        entry.tries.to_string(),
        entry.place.clone(),
        entry.why.clone().unwrap_or_default(),
    ];
    let quoted = cells.map(|cell| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    });
    format!("{}\n", quoted.join(","))
}

/// Asks each bag of the output folder.
fn rebuild(context: &Context, file: &Path) -> Result<ExitCode, Failure> {
    let out = &context.settings.out;
    let disk = |cause: std::io::Error| {
        Failure::new(ExitCode::Disk, cause).context(format!("could not look into {}", out.display()))
    };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(out).map_err(disk)? {
        let path = entry.map_err(disk)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    let ledger = Ledger::open(file).map_err(ledger_failure)?;
    let place = std::path::absolute(out).unwrap_or_else(|_| out.clone()).display().to_string();
    let (mut bags, mut changed, mut others) = (0, 0, 0);
    let mut code = ExitCode::Complete;
    for folder in folders {
        if context.cancel.is_cancelled() {
            return Ok(ExitCode::Temporary);
        }
        match Standing::of(&folder) {
            Ok(Some(standing)) => {
                bags += 1;
                if let Some(first) = standing.changed.first() {
                    changed += 1;
                    code = code.worse(ExitCode::Corrupt);
                    let folder = folder.display().to_string();
                    context.progress.say(&format!("changed    {}: {}", printable(&folder), printable(first)));
                }
                let asked = asked_of(&standing);
                ledger.rebuild(&place, &asked, &standing).map_err(ledger_failure)?;
            }
            Ok(None) => others += 1,
            Err(error) => {
                others += 1;
                let failure = Failure::from(error).context(format!("in {}", folder.display()));
                context.progress.say(failure.render().trim_end());
                code = code.worse(failure.code);
            }
        }
    }
    let tail = if changed > 0 { format!(", {changed} not as they were sealed") } else { String::new() };
    let other = if others > 0 { format!("; {} without one", count(others, "folder")) } else { String::new() };
    context.print(&format!("ledger     {} from {}{tail}{other}\n", file.display(), count(bags, "bag")))?;
    Ok(code)
}

/// What a bag was asked for, as far as it tells.
fn asked_of(standing: &Standing) -> String {
    let keep = if standing.report.joined.iter().any(|joined| joined.path.is_some()) {
        KeepV1::Joined
    } else {
        KeepV1::Segments
    };
    let join = keep == KeepV1::Segments && !standing.report.joined.is_empty();
    let job = JobV1 {
        only: standing.report.only.clone(),
        fetch: Some(FetchV1 { keep, join, ..FetchV1::default() }),
        ..JobV1::new(&*standing.report.recording)
    };
    job.read().map(|job| job.asked()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use recfetch::archive::LISTED;

    use super::*;

    #[test]
    fn what_was_never_tried_is_told_as_listed() {
        let entry = Entry {
            recording: "a,\"b".to_owned(),
            place: "/bags".to_owned(),
            asked: "{}".to_owned(),
            outcome: LISTED.to_owned(),
            exit_code: None,
            objects: 0,
            bytes: 0,
            source: None,
            recorded: None,
            listed: SliceTime::default(),
            tried: None,
            proven: None,
            tries: 0,
            proof: None,
            why: None,
        };
        assert_eq!(as_csv(&entry), "\"a,\"\"b\",listed,,,,,0,0,0,/bags,\n");
        assert_eq!(row(&entry), ["listed", "a,\"b", "", "", ""].map(str::to_owned));
        assert_eq!(as_json(&entry)["exit_code"], Value::Null);
    }
}
