//! What a command is about: recordings as they were typed, or as saved JSON of Agora's names them. Files and
//! stdin are read here, once, before anything else happens.

mod events;
mod live;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recfetch::agora::{self, Facts, MAX_BYTES, Query, Saved, SavedRecording, SavedStore, Signature, State};
use recfetch::batch::List;
use recfetch::source::Secret;

use crate::args::{Command, ConfigCommand, RecordingArgs, StoreArgs};
use crate::failure::{ExitCode, Failure};
use crate::settings::env::Environment;
use crate::settings::saved::{Stores, Told, Trust};

pub(crate) use events::Heard;

/// What a command is about.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The recordings, in the order in which they were named.
    pub(crate) recordings: Vec<Input>,
    /// Stores that the files name.
    pub(crate) stores: Stores,
    /// What is asked of Agora first.
    pub(crate) query: Option<Query>,
    /// What Agora told, by logs of callbacks.
    pub(crate) heard: Heard,
    /// The list of a batch or of a fleet.
    pub(crate) list: Option<List>,
}

/// One recording.
#[derive(Debug)]
pub(crate) enum Input {
    /// As it was typed: an ID, a key or a URL.
    Typed(String),
    /// As a saved text names it.
    Saved(Box<SavedRecording>),
}

impl Input {
    /// What it is called in messages.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Typed(text) => text,
            Self::Saved(saved) => saved.id.as_str(),
        }
    }

    /// Whether it is a URL, which needs no store.
    pub(crate) fn is_url(&self) -> bool {
        matches!(self, Self::Typed(text) if text.contains("://"))
    }
}

impl Inputs {
    /// Reads whatever the command names.
    ///
    /// # Errors
    /// A file that cannot be read or names nothing, or whose signature does not fit.
    pub(crate) fn read(command: &Command, environment: &Environment) -> Result<Self, Failure> {
        let none = StoreArgs::default();
        let (what, store) = match command {
            Command::Fetch(args) => (Some(&args.what), &args.store),
            Command::Locate(args) => (Some(&args.what), &args.store),
            Command::Check(args) => (Some(&args.what), &args.store),
            Command::Mirror(args) => (Some(&args.what), &args.store),
            Command::Batch(args) => (None, &args.store),
            Command::Repair(args) => (None, &args.store),
            Command::Config(ConfigCommand::Show(args)) => (None, &args.store),
            Command::Ledger(_)
            | Command::Submit(_)
            | Command::Work(_)
            | Command::Outcomes(_)
            | Command::Verify(_)
            | Command::Join(_)
            | Command::Regions(_)
            | Command::Explain(_)
            | Command::Completions(_)
            | Command::Man => (None, &none),
        };
        let logs = match command {
            Command::Check(args) => &args.events[..],
            Command::Batch(args) => args.list.as_slice(),
            Command::Submit(args) => std::slice::from_ref(&args.list),
            Command::Fetch(_)
            | Command::Locate(_)
            | Command::Mirror(_)
            | Command::Ledger(_)
            | Command::Work(_)
            | Command::Outcomes(_)
            | Command::Verify(_)
            | Command::Repair(_)
            | Command::Join(_)
            | Command::Regions(_)
            | Command::Explain(_)
            | Command::Config(_)
            | Command::Completions(_)
            | Command::Man => &[],
        };
        only_one_stdin(what, store, logs)?;
        let mut inputs = Self::default();
        if let Some(what) = what {
            inputs.recordings(what, environment)?;
        }
        if let Some(path) = &store.storage_config {
            inputs.stores.config = Some(storage_config(path)?);
        }
        if let Command::Check(args) = command {
            inputs.heard = events::read(args, environment)?;
        }
        if let Command::Batch(args) = command
            && let Some(path) = &args.list
        {
            inputs.list = Some(list(path)?);
        }
        if let Command::Submit(args) = command {
            inputs.list = Some(list(&args.list)?);
        }
        if let Command::Locate(args) = command {
            inputs.query = live::query(args, environment)?;
        }
        Ok(inputs)
    }

    fn recordings(&mut self, what: &RecordingArgs, environment: &Environment) -> Result<(), Failure> {
        let check = callback_check(what, environment)?;
        for text in &what.recordings {
            let Some(file) = text.strip_prefix('@') else {
                self.recordings.push(Input::Typed(text.clone()));
                continue;
            };
            let path = Path::new(file);
            let bytes = read(path)?;
            if let Some((signature, secret)) = &check
                && !signature.fits(&bytes, secret)
            {
                return Err(misfit(path, signature));
            }
            let saved = parse(path, &bytes)?;
            self.take_store(path, &saved)?;
            if saved.recordings.is_empty() {
                return Err(names_none(path, &saved));
            }
            self.recordings.extend(saved.recordings.into_iter().map(|one| Input::Saved(Box::new(one))));
        }
        Ok(())
    }

    fn take_store(&mut self, path: &Path, saved: &Saved) -> Result<(), Failure> {
        let Some(store) = saved.store().map_err(contradiction)? else { return Ok(()) };
        match &self.stores.told {
            Some(known) if !known.store.agrees_with(store) => Err(contradiction([&known.store, store])),
            Some(_) => Ok(()),
            None => {
                self.stores.told = Some(told(path, store, Trust::Bucket));
                Ok(())
            }
        }
    }
}

fn only_one_stdin(what: Option<&RecordingArgs>, store: &StoreArgs, logs: &[PathBuf]) -> Result<(), Failure> {
    let recordings = what.into_iter().flat_map(|what| &what.recordings);
    let readers = recordings.filter(|text| *text == "@-").count()
        + logs.iter().filter(|path| *path == Path::new("-")).count()
        + usize::from(store.storage_config.as_deref() == Some(Path::new("-")));
    if readers > 1 {
        return Err(Failure::usage("stdin can be read only once").hint("save one of the texts to a file"));
    }
    Ok(())
}

/// The signature that must fit, and the secret that it was made with.
fn callback_check(
    what: &RecordingArgs,
    environment: &Environment,
) -> Result<Option<(Signature, Secret)>, Failure> {
    let Some(text) = &what.callback_signature else { return Ok(None) };
    let signature = Signature::parse(text).map_err(|error| {
        Failure::new(ExitCode::Usage, error).context("--callback-signature cannot be used").hint(
            "give the value of the header Agora-Signature (40 digits) or Agora-Signature-V2 (64 digits)",
        )
    })?;
    let [only] = &what.recordings[..] else {
        return Err(Failure::usage("--callback-signature is about one saved callback")
            .hint("call once for each file: every callback has a signature of its own"));
    };
    if !only.starts_with('@') {
        return Err(Failure::usage("--callback-signature is about a saved callback")
            .hint("name the file that holds its body: @callback.json"));
    }
    let secret = environment.get("AGORA_CALLBACK_SECRET").map_err(Failure::usage)?.ok_or_else(|| {
        Failure::usage("--callback-signature needs the secret of the callbacks").hint(
            "set AGORA_CALLBACK_SECRET to the secret that Agora's console shows for the notification service",
        )
    })?;
    Ok(Some((signature, Secret::new(secret))))
}

fn misfit(path: &Path, signature: &Signature) -> Failure {
    let text = format!("{} does not fit the bytes of {}", signature.header(), name_of(path));
    Failure::new(ExitCode::Denied, anyhow::anyhow!(text))
        .hint("Agora did not send this body with this secret, or it was changed since: nothing was done with it")
        .hint("the body must be saved byte for byte as it came: formatted anew, or with a line end added, it is another")
}

fn list(path: &Path) -> Result<List, Failure> {
    let unread = |cause: std::io::Error| {
        Failure::new(ExitCode::Usage, cause).context(format!("could not read {}", name_of(path)))
    };
    let mut bytes = Vec::new();
    match path == Path::new("-") {
        true => std::io::stdin().lock().read_to_end(&mut bytes),
        false => std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
    }
    .map_err(unread)?;
    List::read(&bytes).map_err(|error| {
        Failure::new(ExitCode::Usage, error).context(format!("{} cannot be used", name_of(path))).hint(
            "a list has a recording ID on each line; or a header with a column `recording`; or jobs or saved \
             callbacks as JSON",
        )
    })
}

/// A file or stdin, up to one byte more than what is read of it.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let most = MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let done = match path == Path::new("-") {
        true => std::io::stdin().lock().take(most).read_to_end(&mut bytes),
        false => std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)),
    };
    done.map_err(|cause| {
        Failure::new(ExitCode::Usage, cause).context(format!("could not read {}", name_of(path)))
    })?;
    Ok(bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Saved, Failure> {
    agora::read(bytes).map_err(|error| {
        Failure::new(ExitCode::Usage, error).context(format!("{} cannot be used", name_of(path)))
    })
}

fn storage_config(path: &Path) -> Result<Told, Failure> {
    let saved = parse(path, &read(path)?)?;
    match saved.store().map_err(contradiction)? {
        Some(store) => Ok(told(path, store, Trust::All)),
        None => Err(Failure::usage(format!("{} has no storageConfig", name_of(path)))
            .hint("save the body that was sent to `start`, or the object `storageConfig` in it")),
    }
}

fn told(path: &Path, store: &SavedStore, trust: Trust) -> Told {
    Told { store: store.clone(), from: Arc::from(name_of(path)), trust }
}

fn contradiction(stores: [&SavedStore; 2]) -> Failure {
    let [first, other] = stores.map(|store| store.bucket.as_deref().unwrap_or("?"));
    Failure::usage(format!("the saved texts name stores that differ: buckets `{first}` and `{other}`"))
        .hint("fetch them one at a time, or name a store with --store")
}

fn names_none(path: &Path, saved: &Saved) -> Failure {
    let mut failure = Failure::usage(format!("{} names no recording", name_of(path)));
    if saved.unnamed.iter().any(|facts| facts.store.is_some()) {
        failure = failure.hint(
            "a storageConfig does not say which recording: name that, and give this with --storage-config",
        );
    }
    match saved.unnamed.first() {
        Some(Facts { state: State::Failed { code, words }, .. }) => {
            let code = code.map(|code| format!(" {code}")).unwrap_or_default();
            failure.hint(format!("it is an error{code}: {}", words.as_deref().unwrap_or("no words")))
        }
        Some(_) | None => failure.hint("wanted is a `sid`, or names of files that start with one"),
    }
}

/// A file for messages.
fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "stdin".to_owned() } else { format!("`{}`", path.display()) }
}
