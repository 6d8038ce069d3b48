//! How one of several recordings ends: told, and then the next one.

use std::fmt::Write as _;

use recfetch::engine::Refusal;
use serde_json::{Value, json};

use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable};
use crate::output::count;

/// Whether one recording was named or several. Results of several are one line of JSON each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Many {
    /// One: its JSON is spread over lines.
    One,
    /// Several.
    Several,
}

impl Many {
    pub(crate) fn of(recordings: usize) -> Self {
        if recordings > 1 { Self::Several } else { Self::One }
    }

    /// Prints the result of one recording.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub(crate) fn print(self, context: &Context, value: &serde_json::Result<Value>) -> Result<(), Failure> {
        // Plain structs with string keys: serde_json has no way to fail on them.
        let value = value.as_ref().unwrap_or(&Value::Null);
        match self {
            Self::One => context.print_json(value),
            Self::Several => context.print(&format!("{value}\n")),
        }
    }
}

/// Tells why a recording could not be had, and what that makes of the whole. A single one fails the command;
/// of several the others go on.
///
/// # Errors
/// The failure itself where there is nothing to go on with, or where it is about how the command was called.
pub(crate) fn failed(
    context: &Context,
    recording: &str,
    failure: Failure,
    many: Many,
) -> Result<ExitCode, Failure> {
    if context.form == Form::Json {
        many.print(context, &Ok(as_json(recording, &failure)))?;
    }
    if many == Many::One {
        return Err(failure);
    }
    let code = failure.code;
    context.progress.say(failure.context(format!("recording `{recording}`")).render().trim_end());
    Ok(code)
}

/// Why a recording could not be had, for machines.
pub(crate) fn as_json(recording: &str, failure: &Failure) -> Value {
    // A URL that was given may be signed, and is not echoed.
    let recording = if recording.contains("://") { recording.split('?').next() } else { Some(recording) };
    json!({
        "format": "recfetch-failure/1",
        "recording": recording,
        "exit_code": failure.code.number(),
        "error": failure.error.chain().map(ToString::to_string).collect::<Vec<_>>(),
        "hints": failure.hints,
    })
}

/// Why nothing was joined, as lines.
pub(crate) fn refusal(refusal: &Refusal) -> String {
    let Refusal { track, missing, losses } = refusal;
    let mut why = Vec::new();
    if !missing.is_empty() {
        why.push(format!("{} missing", count(missing.len(), "segment")));
    }
    if !losses.is_empty() {
        why.push(count(losses.len(), "known loss").replace("losss", "losses"));
    }
    if why.is_empty() {
        return format!("not joined {}: no segment is here\n", printable(track));
    }
    let mut text = String::new();
    let _ = writeln!(
        text,
        "not joined {}: {}; --allow-gaps joins what is here, as .partial.ts",
        printable(track),
        why.join(", ")
    );
    text
}
