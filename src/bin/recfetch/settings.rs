//! What holds for this run: flags over environment over settings file over defaults, each value with the
//! place where it was said.
//!
//! Stores are resolved when they are used: a broken one that nobody asks for stops nothing.

pub(crate) mod env;
pub(crate) mod file;
pub(crate) mod key;
mod merge;
pub(crate) mod saved;
mod show;
mod store;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use recfetch::agora::SavedKeys;
use recfetch::archive::Trust;
use recfetch::domain::regions::Unconfirmed;
use recfetch::source::{HttpOptions, Proxies};

use crate::args::{NetworkArgs, ProgressMode, StoreArgs, TransferArgs};
use crate::failure::Failure;
use env::Environment;
use file::{StoreTable, Value};
use key::{Origin, Setting, Sourced, StoreKey, nearest};

pub(crate) use store::Store;

/// The flags of a command that are settings; those that a command does not take are left at their default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// `--config`.
    pub(crate) config: Option<PathBuf>,
    /// `--progress`.
    pub(crate) progress: Option<ProgressMode>,
    pub(crate) store: StoreArgs,
    pub(crate) network: NetworkArgs,
    pub(crate) transfer: TransferArgs,
    /// Stores that saved texts of Agora's name.
    pub(crate) saved: saved::Stores,
}

/// What holds for this run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The folder that gets one folder per recording.
    pub(crate) out: PathBuf,
    /// Most objects that are fetched at once.
    pub(crate) jobs: usize,
    /// Most bytes per second.
    pub(crate) limit_rate: Option<u64>,
    /// Tries after the first one, per object and store.
    pub(crate) retries: u32,
    /// Longest time for all tries of one object.
    pub(crate) patience: Duration,
    /// What is believed about files of an earlier run.
    pub(crate) trust: Trust,
    /// How progress is shown.
    pub(crate) progress: ProgressMode,
    /// Timeouts and proxies, for every store.
    pub(crate) http: HttpOptions,
    config: Option<PathBuf>,
    said: BTreeMap<Setting, Sourced<String>>,
    /// Those of the file in its order, then the one of this call.
    stores: Vec<StoreTable>,
    search: Vec<String>,
    /// The keys of a saved `storageConfig`, with the store that they are for.
    saved_keys: Option<(String, SavedKeys)>,
    unconfirmed: Unconfirmed,
    environment: Environment,
}

impl Settings {
    /// Reads the settings file and the environment and puts the flags over both.
    ///
    /// # Errors
    /// A file that cannot be read, a key that is not known, a value that makes no sense, a store that does
    /// not exist.
    pub(crate) fn load(flags: &Flags, environment: Environment) -> Result<Self, Failure> {
        let config = merge::config_path(flags, &environment)?;
        let file = match &config {
            Some(path) => merge::read_config(path)?,
            None => file::File::default(),
        };
        let said = merge::merge(flags, &environment, &file)?;
        let (stores, search) = merge::stores(flags, &said, file.stores)?;
        let saved_keys = saved::keys(&flags.saved, &search);
        let text = |setting: Setting| said.get(&setting).map_or(setting.default_text(), |said| &said.value);
        Ok(Self {
            out: PathBuf::from(text(Setting::Out)),
            jobs: merge::jobs(&said)?,
            limit_rate: merge::rate(&said)?,
            retries: merge::retries(&said)?,
            patience: merge::duration(&said, Setting::Patience)?,
            trust: if merge::switch(&said, Setting::TrustMtime)? { Trust::Mtime } else { Trust::Hash },
            progress: merge::choice(&said, Setting::Progress)?,
            http: HttpOptions {
                connect_timeout: merge::duration(&said, Setting::ConnectTimeout)?,
                stall_timeout: merge::duration(&said, Setting::StallTimeout)?,
                proxies: match merge::choice(&said, Setting::Proxy)? {
                    crate::args::ProxyMode::System => Proxies::System,
                    crate::args::ProxyMode::None => Proxies::Direct,
                },
            },
            config,
            said,
            stores,
            search,
            saved_keys,
            unconfirmed: if flags.store.unconfirmed_region {
                Unconfirmed::Allow
            } else {
                Unconfirmed::Refuse
            },
            environment,
        })
    }

    /// The names of the stores to search, in order.
    ///
    /// # Errors
    /// Where there is no store.
    pub(crate) fn require_stores(&self) -> Result<&[String], Failure> {
        if !self.search.is_empty() {
            return Ok(&self.search);
        }
        let place = merge::default_config_path(&self.environment)
            .map_or_else(|| "a file that --config names".to_owned(), |path| path.display().to_string());
        Err(Failure::usage("no store to look in")
            .hint(format!("describe one below [store.NAME] in {place}"))
            .hint(
                "or for one call: --vendor aws --region eu-west-1 --bucket BUCKET, --url URL, or --dir DIR",
            ))
    }

    /// Whether there is a store to search.
    pub(crate) fn has_stores(&self) -> bool {
        !self.search.is_empty()
    }

    /// The keys of a saved `storageConfig`, if they are for this store.
    fn saved_keys(&self, name: &str) -> Option<&SavedKeys> {
        self.saved_keys.as_ref().filter(|(store, _)| store == name).map(|(_, keys)| keys)
    }

    /// The saved text whose keys are used for this store: none where other credentials are given.
    pub(crate) fn saved_keys_in_use(&self, name: &str) -> Option<&Origin> {
        let table = self.stores.iter().find(|table| table.name == name)?;
        self.saved_keys(name)?;
        let others = [
            StoreKey::Anonymous,
            StoreKey::Profile,
            StoreKey::AccessKeyEnv,
            StoreKey::SecretKeyEnv,
            StoreKey::CredentialCommand,
        ];
        if others.iter().any(|key| table.keys.contains_key(key)) {
            return None;
        }
        table.keys.values().map(|said| &said.from).find(|from| matches!(from, Origin::Saved(_)))
    }

    /// A store, resolved.
    ///
    /// # Errors
    /// What is wrong with its settings.
    pub(crate) fn store(&self, name: &str) -> Result<Store, Failure> {
        let table = self.table(name)?;
        let store = store::resolve(table, self)?;
        for fallback in &store.fallback {
            self.table(fallback).map_err(|failure| failure.context(format!("in `fallback` of {name}")))?;
        }
        Ok(store)
    }

    /// The settings file that was read.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The effective settings as lines for people, secrets masked.
    pub(crate) fn show(&self) -> String {
        show::text(self)
    }

    /// The effective settings for machines, secrets masked.
    pub(crate) fn show_json(&self) -> serde_json::Value {
        show::json(self)
    }

    fn table(&self, name: &str) -> Result<&StoreTable, Failure> {
        self.stores
            .iter()
            .find(|store| store.name == name)
            .ok_or_else(|| unknown_store(name, self.stores.iter().map(|store| store.name.as_str())))
    }
}

fn unknown_store<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Failure {
    let failure = Failure::usage(format!("no store is called `{name}`"));
    let all: Vec<&str> = known.clone().collect();
    match nearest(name, known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if all.is_empty() => failure.hint("the settings have no store: describe it below [store.NAME]"),
        None => failure.hint(format!("the settings have {}", all.join(", "))),
    }
}

#[cfg(test)]
mod tests;
