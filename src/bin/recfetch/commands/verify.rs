//! `verify`: are bags still what they were?

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use recfetch::archive::{Damage, Verification};
use serde_json::{Value, json};

use crate::args::VerifyArgs;
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable};
use crate::output::{count, size};

/// Hashes every file of every bag again. One that cannot be examined does not keep the others from it.
pub(crate) async fn run(context: &Context, args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let mut code = ExitCode::Complete;
    let mut results = Vec::new();
    let mut failures = Vec::new();
    for dir in &args.dirs {
        let verified = tokio::select! {
            verified = verify(context, dir.clone()) => verified,
            () = context.cancel.cancelled() => {
                code = code.worse(ExitCode::Interrupted);
                break;
            }
        };
        match verified {
            Ok(verification) => {
                code = code.worse(ExitCode::from_number(verification.exit_code()));
                match context.form {
                    Form::Text => context.print(&text(&verification))?,
                    Form::Json => results.push(json(&verification)),
                }
            }
            Err(failure) => {
                code = code.worse(failure.code);
                results.push(json!({
                    "dir": dir.to_string_lossy(),
                    "error": format!("{:#}", failure.error),
                    "exit_code": failure.code.number(),
                }));
                failures.push(failure);
            }
        }
    }
    if context.form == Form::Json {
        context.print_json(&json!({ "v": 1, "exit_code": code.number(), "bags": results }))?;
    }
    for failure in failures {
        context.progress.fail(&failure);
    }
    Ok(code)
}

async fn verify(context: &Context, dir: PathBuf) -> Result<Verification, Failure> {
    let progress = context.progress.clone();
    progress.begin(&format!("verifying  {}", dir.display()), payload_bytes(&dir));
    let hashing = tokio::task::spawn_blocking(move || {
        recfetch::archive::verify(&dir, &|bytes| progress.advance(bytes))
    });
    Ok(hashing.await.map_err(Failure::internal)??)
}

/// How much there is to read, by the bag's own word: good enough for a bar.
fn payload_bytes(dir: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(dir.join("bag-info.txt")).ok()?;
    let oxum = text.lines().find_map(|line| line.strip_prefix("Payload-Oxum:"))?;
    oxum.trim().split_once('.')?.0.parse().ok()
}

fn text(verification: &Verification) -> String {
    let mut text = String::new();
    for damage in &verification.damage {
        let _ = writeln!(text, "{}", printable(&damage.to_string()));
    }
    let amount = format!("{}, {}", count(verification.files, "file"), size(verification.bytes));
    let recording = match &verification.report {
        Some(report) if verification.is_whole() => format!("recording {}", printable(&report.outcome)),
        Some(report) => format!("recording was {}", printable(&report.outcome)),
        None => "no report".to_owned(),
    };
    let dir = verification.dir.display().to_string();
    let (word, damage) = if verification.is_whole() {
        ("whole", String::new())
    } else {
        ("damaged", format!("{}; ", counts(&verification.damage)))
    };
    let _ = writeln!(text, "{word:<10} {}  {damage}{amount}; {recording}", printable(&dir));
    text
}

/// `2 changed, 1 missing`
fn counts(damage: &[Damage]) -> String {
    let words = ["changed", "missing", "extra", "unreadable", "unusable"];
    let parts = words.into_iter().filter_map(|word| {
        let number = damage.iter().filter(|damage| kind(damage) == word).count();
        (number > 0).then(|| format!("{number} {word}"))
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn kind(damage: &Damage) -> &'static str {
    match damage {
        Damage::Changed { .. } | Damage::Part { .. } | Damage::Oxum { .. } => "changed",
        Damage::Missing { .. } | Damage::NotInManifest { .. } => "missing",
        Damage::Extra { .. } => "extra",
        Damage::Unreadable { .. } => "unreadable",
        Damage::BadLine { .. } => "unusable",
    }
}

fn json(verification: &Verification) -> Value {
    let damage: Vec<Value> = verification.damage.iter().map(damage_json).collect();
    let report = verification.report.as_ref();
    json!({
        "dir": verification.dir.to_string_lossy(),
        "whole": verification.is_whole(),
        "files": verification.files,
        "bytes": verification.bytes,
        "recording": report.map(|report| &report.recording),
        "outcome": report.map(|report| &report.outcome),
        "exit_code": verification.exit_code(),
        "damage": damage,
    })
}

fn damage_json(damage: &Damage) -> Value {
    match damage {
        Damage::Changed { path, expected, found } => {
            json!({ "kind": "changed", "path": path, "expected": expected, "found": found })
        }
        Damage::Part { path, name, offset, expected, found } => json!({
            "kind": "part", "path": path, "name": name, "offset": offset, "expected": expected, "found": found,
        }),
        Damage::Missing { path } => json!({ "kind": "missing", "path": path }),
        Damage::Extra { path } => json!({ "kind": "extra", "path": path }),
        Damage::Unreadable { path, why } => json!({ "kind": "unreadable", "path": path, "why": why }),
        Damage::BadLine { file, line } => json!({ "kind": "bad-line", "path": file, "line": line }),
        Damage::Oxum { expected, found } => json!({ "kind": "oxum", "expected": expected, "found": found }),
        Damage::NotInManifest { path } => json!({ "kind": "not-in-manifest", "path": path }),
    }
}
