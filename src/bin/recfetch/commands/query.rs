//! `locate --query`: what Agora says about a running recording, and then what the stores have of it.

use std::fmt::Write as _;

use recfetch::agora::{self, Facts, Query, SavedFile, SavedRecording, State};
use recfetch::domain::recording::RecordingId;
use recfetch::engine::Fetcher;
use serde_json::{Value, json};

use super::fetch::looking_options;
use super::looking::{self, Looking};
use super::outcome::{self, Many};
use crate::args::LocateArgs;
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable, saved};
use crate::inputs::Input;

/// Asks once, tells the answer, and looks where there is a store.
///
/// # Errors
/// Where Agora gives no answer, or the recording cannot be had from the stores.
pub(crate) async fn run(context: &Context, args: &LocateArgs, query: &Query) -> Result<ExitCode, Failure> {
    let answer = tokio::select! {
        biased;
        () = context.cancel.cancelled() => return Ok(ExitCode::Temporary),
        answer = agora::query(query, &context.settings.http) => answer,
    };
    let facts = match answer {
        Ok(facts) => facts,
        Err(error) => return outcome::failed(context, query.recording.as_str(), error.into(), Many::One),
    };
    let answer = as_json(&query.recording, &facts);
    if context.form == Form::Text {
        context.print(&as_text(&query.recording, &facts))?;
    }
    if !context.settings.has_stores() {
        for hint in saved::of_facts(&query.recording, &facts) {
            context.progress.say(&format!("hint: {}", printable(&hint)));
        }
        if context.form == Form::Json {
            context.print_json(&answer)?;
        }
        return Ok(ExitCode::Complete);
    }
    let looking = Looking::new(context, &args.what, &args.store).await?;
    let options = looking_options(&context.settings);
    let fetcher = Fetcher::new(options, context.progress.clone(), context.cancel.clone());
    let input = Input::Saved(Box::new(SavedRecording { id: query.recording.clone(), facts }));
    let found = looking.find(context, &fetcher, &input).await;
    match (context.form, found) {
        (Form::Text, found) => looking::tell(context, &found?, Many::One),
        (Form::Json, Ok(found)) => {
            let mut answer = answer;
            answer["located"] = looking::as_json(&found);
            context.print_json(&answer)?;
            Ok(looking::code_of(&found))
        }
        (Form::Json, Err(failure)) => {
            let mut answer = answer;
            answer["failure"] = outcome::as_json(query.recording.as_str(), &failure);
            context.print_json(&answer)?;
            Err(failure)
        }
    }
}

fn as_text(id: &RecordingId, facts: &Facts) -> String {
    let mut text = format!("query      {}: {}", id.short(), state(facts));
    if let Some(channel) = &facts.channel {
        let _ = write!(text, ", channel {}", printable(channel.as_str()));
    }
    text.push('\n');
    for file in &facts.files {
        let _ = writeln!(text, "told       {}{}", printable(file.name.as_str()), about(file));
    }
    if facts.files.is_empty() {
        text.push_str("told       no file yet\n");
    }
    text
}

fn state(facts: &Facts) -> String {
    let status = facts.status.map(|number| format!(" (status {number})")).unwrap_or_default();
    match &facts.state {
        State::Failed { code, words } => {
            let code = code.map(|code| format!(" with code {code}")).unwrap_or_default();
            let words = words.as_deref().map(|words| format!(": {}", printable(words))).unwrap_or_default();
            format!("failed{code}{words}")
        }
        state @ (State::Untold | State::Running | State::Stopped | State::Uploaded | State::Backuped) => {
            format!("{}{status}", state.word())
        }
    }
}

fn about(file: &SavedFile) -> String {
    let mut about = Vec::new();
    about.extend(file.uid.map(|uid| format!("uid {uid}")));
    about.extend(file.track.map(|track| track.to_string()));
    about.extend(file.starts.map(|starts| format!("from {starts}")));
    if about.is_empty() { String::new() } else { format!("  {}", about.join(", ")) }
}

fn as_json(id: &RecordingId, facts: &Facts) -> Value {
    let (code, words) = match &facts.state {
        State::Failed { code, words } => (*code, words.as_deref()),
        State::Untold | State::Running | State::Stopped | State::Uploaded | State::Backuped => (None, None),
    };
    json!({
        "format": "recfetch-query/1",
        "recording": id.as_str(),
        "channel": facts.channel.as_ref().map(|channel| channel.as_str()),
        "state": facts.state.word(),
        "status": facts.status,
        "code": code,
        "words": words,
        "files": facts.files.iter().map(|file| json!({
            "name": file.name.as_str(),
            "uid": file.uid.map(|uid| uid.0.get()),
            "kind": file.track.map(|track| track.to_string()),
            "starts": file.starts.map(|starts| starts.to_string()),
            "playable": file.playable,
        })).collect::<Vec<_>>(),
        "hints": saved::of_facts(id, facts),
        "located": Value::Null,
    })
}
