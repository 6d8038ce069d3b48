//! Checks of many recordings: one line each, as a table, as CSV or as JSON.

use recfetch::documents::CheckV1;
use serde_json::{Map, Value};

use crate::args::RowFormat;
use crate::failure::{Failure, printable};

/// The columns of CSV and the names in JSON lines. Words of the interface: new ones are added at the end.
pub(crate) const COLUMNS: [&str; 23] = [
    "recording",
    "standing",
    "exit_code",
    "channel",
    "mode",
    "store",
    "folder",
    "first",
    "last",
    "tracks",
    "segments",
    "present",
    "elsewhere",
    "lost",
    "unknown",
    "frozen",
    "orphans",
    "lost_ms",
    "unlisted_ms",
    "never_recorded_ms",
    "bytes",
    "codes",
    "error",
];

/// One recording.
#[derive(Debug, Clone)]
pub(crate) struct Row(Vec<Value>);

impl Row {
    /// Of a recording that was checked.
    pub(crate) fn of(check: &CheckV1) -> Self {
        let totals = &check.totals;
        let mut codes: Vec<&str> = check.diagnoses.iter().map(|diagnosis| diagnosis.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        Self(vec![
            check.recording.as_str().into(),
            check.standing.as_str().into(),
            check.exit_code.into(),
            check.channel.clone().into(),
            check.mode.clone().into(),
            check.stores.first().map(|store| store.name.clone()).into(),
            check.folder.as_str().into(),
            check.first.clone().into(),
            check.last.clone().into(),
            check.tracks.len().into(),
            totals.segments.into(),
            totals.present.into(),
            totals.elsewhere.into(),
            totals.lost.into(),
            totals.unknown.into(),
            totals.frozen.into(),
            check.orphans.len().into(),
            totals.lost_ms.into(),
            totals.unlisted_ms.into(),
            totals.never_recorded_ms.into(),
            totals.bytes.into(),
            codes.join(" ").into(),
            Value::Null,
        ])
    }

    /// Of one that could not be.
    pub(crate) fn failed(recording: &str, failure: &Failure) -> Self {
        // A URL that was given may be signed, and is not echoed.
        let recording = if recording.contains("://") {
            recording.split('?').next().unwrap_or_default()
        } else {
            recording
        };
        let mut row = vec![Value::Null; COLUMNS.len()];
        row[0] = recording.into();
        row[1] = "failed".into();
        row[2] = failure.code.number().into();
        row[COLUMNS.len() - 1] =
            failure.error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ").into();
        Self(row)
    }

    /// As a line.
    pub(crate) fn line(&self, form: RowFormat) -> String {
        match form {
            RowFormat::Table => self.table(),
            RowFormat::Csv => csv(self.0.iter().map(plain)),
            RowFormat::Ndjson => {
                let names = COLUMNS.iter().map(|name| (*name).to_owned());
                let object: Map<String, Value> = names.zip(self.0.iter().cloned()).collect();
                format!("{}\n", Value::Object(object))
            }
        }
    }

    fn cell(&self, name: &str) -> String {
        let place = COLUMNS.iter().position(|column| *column == name);
        place.and_then(|place| self.0.get(place)).map(plain).unwrap_or_default()
    }

    fn table(&self) -> String {
        let seconds = |name: &str| match self.cell(name).parse::<u64>() {
            Ok(0) | Err(_) => String::new(),
            Ok(ms) => format!("{}.{:01} s", ms / 1000, ms % 1000 / 100),
        };
        let counted = |name: &str| Some(self.cell(name)).filter(|cell| cell != "0").unwrap_or_default();
        let last = match self.cell("error") {
            error if error.is_empty() => self.cell("channel"),
            error => error,
        };
        let first = self.cell("first").get(..16).unwrap_or_default().replace('T', " ");
        columns([
            &self.cell("standing"),
            &printable(&self.cell("recording")),
            &first,
            &self.cell("segments"),
            &counted("lost"),
            &seconds("unlisted_ms"),
            &counted("elsewhere"),
            &printable(&last),
        ])
    }
}

/// The line of names, where the form has one.
pub(crate) fn head(form: RowFormat) -> Option<String> {
    match form {
        RowFormat::Table => Some(columns([
            "standing",
            "recording",
            "from (UTC)",
            "segments",
            "lost",
            "unlisted",
            "elsewhere",
            "channel",
        ])),
        RowFormat::Csv => Some(csv(COLUMNS.iter().map(|name| (*name).to_owned()))),
        RowFormat::Ndjson => None,
    }
}

/// Lines are printed as recordings end, so no column knows its widest cell.
fn columns([standing, recording, first, segments, lost, unlisted, elsewhere, last]: [&str; 8]) -> String {
    let line = format!(
        "{standing:<15}  {recording:<32}  {first:<16}  {segments:>8}  {lost:>5}  {unlisted:>9}  {elsewhere:>9}  {last}"
    );
    format!("{}\n", line.trim_end())
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => value.to_string(),
    }
}

/// A record of RFC 4180: quoted where a comma, a quote or a line end is in it, quotes doubled, CRLF at the end.
fn csv(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| match cell.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}
