//! `repair`: puts back what bags and mirrors lost, byte for byte.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Once;

use recfetch::archive::{Damage, Hopeless, Lost, Mending, Verification};
use recfetch::domain::key::KeyPrefix;
use recfetch::domain::recording::RecordingId;
use recfetch::engine::{
    AuditDepth, Fetcher, Mended, MirrorMending, MirrorRepaired, MirrorTarget, NotMended, Repaired, Store,
};
use recfetch::source::connect_destination;
use serde_json::{Value, json};

use super::fetch::{fetch_failure, looking_options};
use super::looking;
use super::verify::{damage_json, payload_bytes};
use crate::args::RepairArgs;
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, hint, printable};
use crate::output::{count, size};

/// Repairs each in turn. One that cannot be repaired does not keep the others from it.
///
/// # Errors
/// Where the settings are wrong, or stdout cannot be written.
pub(crate) async fn run(context: &Context, args: &RepairArgs) -> Result<ExitCode, Failure> {
    let options = looking_options(&context.settings);
    let fetcher = Fetcher::new(options, context.progress.clone(), context.cancel.clone());
    let depot = match &args.mirrors {
        Some(name) => Some(Depot::connect(context, name).await?),
        None => None,
    };
    let one = One { context, args, fetcher };
    let mut code = ExitCode::Complete;
    let (mut results, mut failures) = (Vec::new(), Vec::new());
    for dir in &args.dirs {
        if context.cancel.is_cancelled() {
            code = code.worse(ExitCode::Interrupted);
            break;
        }
        let told = match &depot {
            Some(depot) => one.mirror(depot, &dir.to_string_lossy()).await,
            None => one.bag(dir).await,
        };
        match told {
            Ok(told) => {
                code = code.worse(told.code);
                match context.form {
                    Form::Text => context.print(&told.text())?,
                    Form::Json => results.push(told.json()),
                }
                for hint in told.hints() {
                    context.progress.say(&format!("hint: {hint}"));
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

/// A store with mirrors, to be read and to be written.
struct Depot {
    name: String,
    store: Store,
    target: MirrorTarget,
}

impl Depot {
    async fn connect(context: &Context, name: &str) -> Result<Self, Failure> {
        let said = context.settings.store(name)?;
        let destination = connect_destination(&said.spec).await?;
        let prefix = said.spec.prefix.clone().unwrap_or_else(KeyPrefix::root);
        let target = MirrorTarget::new(destination, prefix);
        Ok(Self { name: name.to_owned(), store: Store::connect(&said.spec).await?, target })
    }
}

struct One<'a> {
    context: &'a Context,
    args: &'a RepairArgs,
    fetcher: Fetcher,
}

impl One<'_> {
    async fn bag(&self, dir: &Path) -> Result<Told, Failure> {
        let progress = self.context.progress.clone();
        progress.begin(&format!("verifying  {}", dir.display()), payload_bytes(dir));
        let of = dir.to_owned();
        let looking =
            tokio::task::spawn_blocking(move || Mending::look(&of, &|bytes| progress.advance(bytes)));
        let mending = tokio::select! {
            mending = looking => mending.map_err(Failure::internal)??,
            () = self.context.cancel.cancelled() => return Err(stopped()),
        };
        if self.args.dry_run {
            let planned: Vec<_> = mending.tags.iter().map(|tag| tag.file.clone()).collect();
            let code = ExitCode::from_number(mending.before.exit_code());
            let hopeless = mending.hopeless.into_iter().collect();
            return Ok(Told {
                planned: Some((planned, mending.lost)),
                ..Told::of(Kind::Bag, code, mending.before.clone(), mending.before, hopeless)
            });
        }
        let sources = match mending.lost.is_empty() {
            true => Vec::new(),
            false => self.sources(&mending.before, None).await?,
        };
        let (progress, label) = (self.context.progress.clone(), format!("verifying  {}", dir.display()));
        let (total, first) = (payload_bytes(dir), Once::new());
        let advance = move |bytes| {
            first.call_once(|| progress.begin(&label, total));
            progress.advance(bytes);
        };
        let repaired = self.fetcher.repair(mending, &sources, advance).await;
        let repaired = repaired.map_err(fetch_failure)?;
        let code = ExitCode::from_number(repaired.exit_code());
        let Repaired { before, mended, failed, hopeless, after } = repaired;
        Ok(Told { mended, failed, ..Told::of(Kind::Bag, code, before, after, hopeless) })
    }

    async fn mirror(&self, depot: &Depot, text: &str) -> Result<Told, Failure> {
        let id = RecordingId::parse(text).map_err(|cause| {
            Failure::usage(format!("`{text}` is no recording ID: {cause}"))
                .hint("with --store, a mirror is named by the ID (sid) of its recording")
        })?;
        let progress = &self.context.progress;
        progress.begin(&format!("auditing   {id}"), None);
        let depth = if self.args.deep { AuditDepth::Read } else { AuditDepth::Told };
        let advance = |bytes| progress.advance(bytes);
        let mending = tokio::select! {
            mending = self.fetcher.damage_of_mirror(&depot.store, &id, depth, &advance) => mending?,
            () = self.context.cancel.cancelled() => return Err(stopped()),
        };
        if self.args.dry_run {
            let code = ExitCode::from_number(mending.audit.exit_code());
            let MirrorMending { audit, lost, hopeless, .. } = mending;
            return Ok(Told {
                planned: Some((Vec::new(), lost)),
                unproven: unproven(&audit.not_compared, audit.not_read.len()),
                ..Told::of(Kind::Mirror, code, audit.bag.clone(), audit.bag, hopeless)
            });
        }
        let sources = match mending.lost.is_empty() {
            true => Vec::new(),
            false => self.sources(&mending.audit.bag, Some(&depot.name)).await?,
        };
        let repaired = self.fetcher.repair_mirror(mending, &id, &depot.store, &depot.target, &sources).await;
        let repaired = repaired.map_err(fetch_failure)?;
        let code = ExitCode::from_number(repaired.exit_code());
        let marked_down = repaired.is_marked_down();
        let MirrorRepaired { before, mended, failed, hopeless, after } = repaired;
        let unproven = unproven(&after.not_compared, after.not_read.len());
        let told = Told::of(Kind::Mirror, code, before.bag, after.bag, hopeless);
        Ok(Told { mended, failed, marked_down, unproven, ..told })
    }

    /// The stores that are asked: those that were named, or those that the bag came from and then the others.
    async fn sources(&self, bag: &Verification, but: Option<&str>) -> Result<Vec<Store>, Failure> {
        let settings = &self.context.settings;
        let mut names: Vec<String> = Vec::new();
        if !self.args.names_a_source() {
            let places = bag.report.iter().flat_map(|report| &report.places);
            names.extend(places.map(|place| place.name.clone()).filter(|name| settings.store(name).is_ok()));
        }
        if self.args.names_a_source() || !settings.has_stores() || names.is_empty() {
            names.extend(settings.require_stores()?.iter().cloned());
        } else {
            let others: Vec<_> =
                settings.require_stores()?.iter().filter(|name| !names.contains(name)).cloned().collect();
            names.extend(others);
        }
        names.retain(|name| Some(name.as_str()) != but);
        if names.is_empty() {
            return Err(Failure::usage("no store to fetch from").hint("name the one that has it with --from"));
        }
        looking::stores(settings, &names, &self.args.store).await
    }
}

fn stopped() -> Failure {
    Failure::new(ExitCode::Interrupted, anyhow::Error::msg("stopped before everything was looked at"))
}

fn unproven(not_compared: &[String], not_read: usize) -> usize {
    not_compared.len() + not_read
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bag,
    Mirror,
}

/// What is said of one bag or mirror.
struct Told {
    kind: Kind,
    code: ExitCode,
    before: Verification,
    after: Verification,
    /// What would be written and fetched, where nothing is to be done.
    planned: Option<(Vec<String>, Vec<Lost>)>,
    mended: Vec<Mended>,
    failed: Vec<NotMended>,
    hopeless: Vec<(String, Hopeless)>,
    marked_down: bool,
    /// Objects that could not be looked at.
    unproven: usize,
}

impl Told {
    fn of(
        kind: Kind,
        code: ExitCode,
        before: Verification,
        after: Verification,
        hopeless: Vec<(String, Hopeless)>,
    ) -> Self {
        let (mended, failed) = (Vec::new(), Vec::new());
        Self {
            kind,
            code,
            before,
            after,
            planned: None,
            mended,
            failed,
            hopeless,
            marked_down: false,
            unproven: 0,
        }
    }

    fn is_whole(&self) -> bool {
        self.after.is_whole() && !self.marked_down && self.unproven == 0
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |word: &str, what: &str| {
            let _ = writeln!(text, "{word:<10} {}", printable(what));
        };
        for damage in &self.before.damage {
            // Their own first words are as wide as those of other lines.
            let said = damage.to_string();
            let (word, rest) = said.split_once("  ").unwrap_or(("damaged", &said));
            line(word, rest.trim_start());
        }
        if let Some((tags, lost)) = &self.planned {
            tags.iter().for_each(|file| line("would", &format!("write {file}, by what is whole here")));
            for lost in lost {
                let bytes = lost.size.map(|bytes| format!(" ({})", size(bytes))).unwrap_or_default();
                line("would", &format!("fetch {}{bytes}", lost.path));
            }
        }
        for Mended { path, from, size: bytes } in &self.mended {
            let from = from.as_ref().map_or("what is whole here", |from| from.as_str());
            line("put back", &format!("{path} from {from} ({})", size(*bytes)));
        }
        for NotMended { path, verdict } in &self.failed {
            line("not", &format!("{path}: {verdict}"));
        }
        for (path, why) in &self.hopeless {
            line("cannot", &format!("{path}: {why}"));
        }
        let recording = match &self.after.report {
            Some(report) if self.is_whole() => format!("recording {}", report.outcome),
            Some(report) => format!("recording was {}", report.outcome),
            None => "no report".to_owned(),
        };
        let bytes: u64 = self.mended.iter().map(|mended| mended.size).sum();
        let done = match (&self.planned, self.mended.len()) {
            (Some((tags, lost)), _) => format!("{} to put back", count(tags.len() + lost.len(), "file")),
            (None, 0) if self.is_whole() => "nothing to repair".to_owned(),
            (None, 0) => "nothing put back".to_owned(),
            (None, number) => format!("{} put back, {}", count(number, "file"), size(bytes)),
        };
        let word = match (self.is_whole(), self.mended.is_empty()) {
            (true, true) => "whole",
            (true, false) => "repaired",
            (false, _) if self.after.is_whole() => "unproven",
            (false, _) => "damaged",
        };
        line(word, &format!("{}  {done}; {recording}", self.after.dir.display()));
        text
    }

    fn json(&self) -> Value {
        let report = self.after.report.as_ref();
        let damage = |damage: &[Damage]| damage.iter().map(damage_json).collect::<Vec<_>>();
        let mut value = json!({
            "dir": self.after.dir.to_string_lossy(),
            "whole": self.is_whole(),
            "recording": report.map(|report| &report.recording),
            "outcome": report.map(|report| &report.outcome),
            "exit_code": self.code.number(),
            "damage": damage(&self.before.damage),
            "put_back": self.mended.iter().map(|mended| json!({
                "path": mended.path, "from": mended.from.as_ref().map(|from| from.as_str()), "size": mended.size,
            })).collect::<Vec<_>>(),
            "failed": self.failed.iter().map(|failed| json!({
                "path": failed.path, "verdict": failed.verdict.code(), "detail": failed.verdict.to_string(),
            })).collect::<Vec<_>>(),
            "cannot": self.hopeless.iter().map(|(path, why)| json!({
                "path": path, "why": why.to_string(),
            })).collect::<Vec<_>>(),
            "left": damage(&self.after.damage),
        });
        if let Some((tags, lost)) = &self.planned {
            value["would"] = json!({
                "write": tags,
                "fetch": lost.iter().map(|lost| json!({ "path": lost.path, "size": lost.size })).collect::<Vec<_>>(),
            });
        }
        value
    }

    /// What to do about what is left, each once.
    fn hints(&self) -> Vec<String> {
        let mut hints: Vec<String> = Vec::new();
        let mut add = |hint: String| {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        };
        let anew = match self.kind {
            Kind::Bag => {
                "`recfetch fetch` into the same folder proves what is here, fetches what is not, and writes the rest \
                 anew"
            }
            Kind::Mirror => {
                "`recfetch mirror` to the same store proves what is there, sends what is not, and writes the rest anew"
            }
        };
        for (_, why) in &self.hopeless {
            add(match why {
                Hopeless::TagFile | Hopeless::Unvouched | Hopeless::NoMark => anew.to_owned(),
                Hopeless::Joined => {
                    "bags that keep segments joined are repaired by fetching again: `recfetch fetch \
                     --keep joined` into the same folder"
                        .to_owned()
                }
                Hopeless::Packed => {
                    "a mirror in a tar is mirrored anew: `recfetch mirror --pack tar --work DIR`".to_owned()
                }
                Hopeless::Foreign => {
                    "what is in no manifest was not written by recfetch; it is left alone until \
                     somebody moves it away"
                        .to_owned()
                }
            });
        }
        self.failed.iter().flat_map(|failed| hint::of_verdict(&failed.verdict)).for_each(&mut add);
        if self.marked_down && self.after.is_whole() {
            add("its mark says that something was damaged, which the store does not tell: --deep reads it"
                .to_owned());
        }
        hints
    }
}
