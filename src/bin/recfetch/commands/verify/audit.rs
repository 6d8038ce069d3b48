//! `verify --store`: are mirrors still what they were?

use std::fmt::Write as _;
use std::path::Path;

use recfetch::domain::recording::RecordingId;
use recfetch::engine::{Audit, AuditDepth, Fetcher, Store};
use serde_json::{Value, json};

use super::super::fetch::looking_options;
use super::{counted, damage_json, kind};
use crate::context::Context;
use crate::failure::{ExitCode, Failure, printable};
use crate::output::{count, size};

/// A store with mirrors.
pub(super) struct Depot {
    store: Store,
    fetcher: Fetcher,
    depth: AuditDepth,
}

impl Depot {
    /// # Errors
    /// Where the settings are wrong, or a client cannot be set up.
    pub(super) async fn connect(context: &Context, name: &str, deep: bool) -> Result<Self, Failure> {
        let said = context.settings.store(name)?;
        let store = Store::connect(&said.spec).await?;
        let options = looking_options(&context.settings);
        let fetcher = Fetcher::new(options, context.progress.clone(), context.cancel.clone());
        Ok(Self { store, fetcher, depth: if deep { AuditDepth::Read } else { AuditDepth::Told } })
    }

    /// # Errors
    /// Where the store cannot be asked.
    pub(super) async fn audit(
        &self,
        context: &Context,
        recording: &Path,
    ) -> Result<(ExitCode, String, Value), Failure> {
        let text = recording.to_string_lossy();
        let id = RecordingId::parse(&text).map_err(|cause| {
            Failure::usage(format!("`{text}` is no recording ID: {cause}"))
                .hint("with --store, a mirror is named by the ID (sid) of its recording")
        })?;
        context.progress.begin(&format!("auditing   {id}"), None);
        let advance = |bytes| context.progress.advance(bytes);
        let audit = self.fetcher.audit(&self.store, &id, self.depth, &advance).await?;
        Ok((ExitCode::from_number(audit.exit_code()), in_text(&audit), in_json(&audit)))
    }
}

fn in_text(audit: &Audit) -> String {
    let bag = &audit.bag;
    let mut text = String::new();
    for damage in &bag.damage {
        let _ = writeln!(text, "{}", printable(&damage.to_string()));
    }
    for path in &audit.not_compared {
        let _ =
            writeln!(text, "unknown  {}: its store tells nothing that could be compared", printable(path));
    }
    for (path, why) in &audit.not_read {
        let _ = writeln!(text, "unread   {}: {why}", printable(path));
    }
    let proven = audit.proven;
    let ways = [
        (proven.reading, "by reading"),
        (proven.digest, "by the store's digest"),
        (proven.version, "by the version that was proven when it was stored"),
        (proven.length, "by length only"),
    ];
    let ways: Vec<_> =
        ways.iter().filter(|(number, _)| *number > 0).map(|(n, how)| format!("{n} {how}")).collect();
    let compared = if ways.is_empty() { "nothing compared".to_owned() } else { ways.join(", ") };
    let (word, damage) = match (bag.damage.is_empty(), audit.is_whole()) {
        (true, true) => ("whole", String::new()),
        (true, false) => {
            let open = audit.not_compared.len() + audit.not_read.len();
            ("unproven", format!("{} not looked at; ", count(open, "object")))
        }
        (false, _) => ("damaged", format!("{}; ", counted(bag.damage.iter().map(kind)))),
    };
    let recording = match &bag.report {
        Some(report) if audit.is_whole() => format!("recording {}", printable(&report.outcome)),
        Some(report) => format!("recording was {}", printable(&report.outcome)),
        None => "no report".to_owned(),
    };
    let place = bag.dir.display().to_string();
    let amount = format!("{}, {}", count(bag.files, "object"), size(bag.bytes));
    let _ = writeln!(text, "{word:<10} {}  {damage}{amount}: {compared}; {recording}", printable(&place));
    text
}

fn in_json(audit: &Audit) -> Value {
    let bag = &audit.bag;
    let report = bag.report.as_ref();
    let unread = audit.not_read.iter();
    let unread: Vec<_> = unread.map(|(path, why)| json!({ "path": path, "why": why.to_string() })).collect();
    json!({
        "dir": bag.dir.to_string_lossy(),
        "whole": audit.is_whole(),
        "files": bag.files,
        "bytes": bag.bytes,
        "recording": report.map(|report| &report.recording),
        "outcome": report.map(|report| &report.outcome),
        "exit_code": audit.exit_code(),
        "damage": bag.damage.iter().map(damage_json).collect::<Vec<_>>(),
        "proven": {
            "reading": audit.proven.reading,
            "digest": audit.proven.digest,
            "version": audit.proven.version,
            "length": audit.proven.length,
        },
        "not_compared": audit.not_compared,
        "not_read": unread,
        "mark": audit.mark,
    })
}
