//! `verify`: are bags still what they were, and were they good?

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use recfetch::archive::{Damage, Verification};
use recfetch::engine::{MediaCheck, check_media};
use serde_json::{Value, json};

use crate::args::VerifyArgs;
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable};
use crate::output::{count, size};

mod audit;

/// Hashes every file of every bag again. One that cannot be examined does not keep the others from it.
pub(crate) async fn run(context: &Context, args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let mut code = ExitCode::Complete;
    let mut results = Vec::new();
    let mut failures = Vec::new();
    let depot = match &args.store {
        Some(name) => Some(audit::Depot::connect(context, name, args.deep).await?),
        None => None,
    };
    for dir in &args.dirs {
        let one = async {
            match &depot {
                Some(depot) => depot.audit(context, dir).await,
                None => {
                    let verified = verify(context, dir.clone(), args.deep).await?;
                    Ok((verified.exit_code(), text(&verified), json(&verified)))
                }
            }
        };
        let verified = tokio::select! {
            verified = one => verified,
            () = context.cancel.cancelled() => {
                code = code.worse(ExitCode::Interrupted);
                break;
            }
        };
        match verified {
            Ok((its_code, text, json)) => {
                code = code.worse(its_code);
                match context.form {
                    Form::Text => context.print(&text)?,
                    Form::Json => results.push(json),
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

/// What was found in a bag.
struct Verified {
    bag: Verification,
    /// Where it was asked for.
    media: Option<MediaCheck>,
}

impl Verified {
    fn is_whole(&self) -> bool {
        self.bag.is_whole() && self.media.as_ref().is_none_or(MediaCheck::is_good)
    }

    fn exit_code(&self) -> ExitCode {
        let bag = ExitCode::from_number(self.bag.exit_code());
        let good = self.media.as_ref().is_none_or(MediaCheck::is_good);
        if good { bag } else { bag.worse(ExitCode::Corrupt) }
    }
}

async fn verify(context: &Context, dir: PathBuf, deep: bool) -> Result<Verified, Failure> {
    let progress = context.progress.clone();
    let total = payload_bytes(&dir);
    progress.begin(&format!("verifying  {}", dir.display()), total);
    let hashing = tokio::task::spawn_blocking(move || {
        let bag = recfetch::archive::verify(&dir, &|bytes| progress.advance(bytes))?;
        if !deep {
            return Ok(Verified { bag, media: None });
        }
        progress.begin(&format!("examining  {}", dir.display()), total);
        let media = check_media(&bag, &|bytes| progress.advance(bytes))?;
        Ok::<_, recfetch::archive::Error>(Verified { bag, media: Some(media) })
    });
    Ok(hashing.await.map_err(Failure::internal)??)
}

/// How much there is to read, by the bag's own word: good enough for a bar.
pub(super) fn payload_bytes(dir: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(dir.join("bag-info.txt")).ok()?;
    let oxum = text.lines().find_map(|line| line.strip_prefix("Payload-Oxum:"))?;
    oxum.trim().split_once('.')?.0.parse().ok()
}

fn text(verified: &Verified) -> String {
    let verification = &verified.bag;
    let mut text = String::new();
    for damage in &verification.damage {
        let _ = writeln!(text, "{}", printable(&damage.to_string()));
    }
    for damage in verified.media.iter().flat_map(|media| &media.damage) {
        let _ = writeln!(text, "{}", printable(&damage.to_string()));
    }
    let amount = format!("{}, {}", count(verification.files, "file"), size(verification.bytes));
    let recording = match &verification.report {
        Some(report) if verified.is_whole() => format!("recording {}", printable(&report.outcome)),
        Some(report) => format!("recording was {}", printable(&report.outcome)),
        None => "no report".to_owned(),
    };
    let dir = verification.dir.display().to_string();
    let (word, damage) = if verified.is_whole() {
        ("whole", String::new())
    } else {
        ("damaged", format!("{}; ", counts(verified)))
    };
    let media = verified.media.as_ref().map(looked_into).unwrap_or_default();
    let _ = writeln!(text, "{word:<10} {}  {damage}{amount}{media}; {recording}", printable(&dir));
    text
}

/// `, media of 5 files looked into, 1 could not be judged`
fn looked_into(media: &MediaCheck) -> String {
    let mut text = format!(", media of {} looked into", count(media.judged, "file"));
    if media.not_judged > 0 {
        let _ = write!(text, ", {} could not be judged", media.not_judged);
    }
    text
}

/// `2 changed, 1 missing`
fn counts(verified: &Verified) -> String {
    let bad = verified.media.iter().flat_map(|media| &media.damage).map(|_| BAD_MEDIA);
    counted(verified.bag.damage.iter().map(kind).chain(bad))
}

fn counted<'k>(kinds: impl Iterator<Item = &'k str>) -> String {
    let words = ["changed", "missing", "extra", "unreadable", "unusable", BAD_MEDIA];
    let kinds: Vec<_> = kinds.collect();
    let parts = words.into_iter().filter_map(|word| {
        let number = kinds.iter().filter(|kind| **kind == word).count();
        (number > 0).then(|| format!("{number} {word}"))
    });
    parts.collect::<Vec<_>>().join(", ")
}

const BAD_MEDIA: &str = "bad-media";

fn kind(damage: &Damage) -> &'static str {
    match damage {
        Damage::Changed { .. }
        | Damage::Length { .. }
        | Damage::Digest { .. }
        | Damage::Part { .. }
        | Damage::Oxum { .. } => "changed",
        Damage::Missing { .. } | Damage::NotInManifest { .. } => "missing",
        Damage::Extra { .. } => "extra",
        Damage::Unreadable { .. } => "unreadable",
        Damage::BadLine { .. } => "unusable",
    }
}

fn json(verified: &Verified) -> Value {
    let verification = &verified.bag;
    let bad = verified
        .media
        .iter()
        .flat_map(|media| &media.damage)
        .map(|damage| json!({ "kind": BAD_MEDIA, "path": damage.path, "why": damage.what.to_string() }));
    let damage: Vec<Value> = verification.damage.iter().map(damage_json).chain(bad).collect();
    let report = verification.report.as_ref();
    let mut value = json!({
        "dir": verification.dir.to_string_lossy(),
        "whole": verified.is_whole(),
        "files": verification.files,
        "bytes": verification.bytes,
        "recording": report.map(|report| &report.recording),
        "outcome": report.map(|report| &report.outcome),
        "exit_code": verified.exit_code().number(),
        "damage": damage,
    });
    if let Some(media) = &verified.media {
        value["media"] =
            json!({ "judged": media.judged, "not_judged": media.not_judged, "bytes": media.bytes });
    }
    value
}

pub(super) fn damage_json(damage: &Damage) -> Value {
    match damage {
        Damage::Changed { path, expected, found } => {
            json!({ "kind": "changed", "path": path, "expected": expected, "found": found })
        }
        Damage::Length { path, expected, found } => {
            json!({ "kind": "length", "path": path, "expected": expected, "found": found })
        }
        Damage::Digest { path, algorithm } => {
            json!({ "kind": "digest", "path": path, "algorithm": algorithm.to_string() })
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
