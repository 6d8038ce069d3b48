//! Flags over environment over file over defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use etcetera::BaseStrategy;

use super::env::Environment;
use super::file::{self, File, StoreTable};
use super::key::{Origin, Setting, Sourced, StoreKey};
use super::{Flags, Value, saved, unknown_store};
use crate::failure::Failure;
use crate::quantity::{parse_duration, parse_rate, typed_duration};

type Said = BTreeMap<Setting, Sourced<String>>;

/// The settings file to read: named by flag or variable, else the usual one if it exists.
pub(super) fn config_path(flags: &Flags, environment: &Environment) -> Result<Option<PathBuf>, Failure> {
    if let Some(path) = &flags.config {
        return Ok(Some(path.clone()));
    }
    if let Some(path) = environment.get("RECFETCH_CONFIG").map_err(Failure::unreadable)? {
        return Ok(Some(PathBuf::from(path)));
    }
    Ok(default_config_path(environment).filter(|path| path.exists()))
}

/// `$XDG_CONFIG_HOME/recfetch/config.toml`, on every system that has a home.
pub(super) fn default_config_path(environment: &Environment) -> Option<PathBuf> {
    let folder = match environment.get("XDG_CONFIG_HOME") {
        Ok(Some(folder)) if Path::new(folder).is_absolute() => PathBuf::from(folder),
        // By the XDG base directory specification a relative path counts as not set.
        Ok(_) | Err(_) => etcetera::base_strategy::Xdg::new().ok()?.config_dir(),
    };
    Some(folder.join("recfetch").join("config.toml"))
}

pub(super) fn read_config(path: &Path) -> Result<File, Failure> {
    let text = std::fs::read(path).map_err(|cause| {
        Failure::unreadable(cause).context(format!("could not read the settings file `{}`", path.display()))
    })?;
    let text = String::from_utf8(text)
        .map_err(|_| Failure::usage(format!("the settings file `{}` is not UTF-8", path.display())))?;
    file::parse(path, text.strip_prefix('\u{feff}').unwrap_or(&text))
}

/// What was said about each setting by whoever counts most. Every value is looked at, also one that does
/// not count: a typo should not wait for the day on which the flag is left out.
pub(super) fn merge(flags: &Flags, environment: &Environment, file: &File) -> Result<Said, Failure> {
    let mut said = Said::new();
    for (setting, value) in &file.defaults {
        said.insert(*setting, Sourced { value: value.value.to_text(), from: value.from.clone() });
    }
    check(&said)?;
    let mut by_environment = Said::new();
    for setting in Setting::ALL {
        if let Some(value) = environment.get(setting.variable()).map_err(Failure::unreadable)? {
            let from = Origin::Env(setting.variable());
            by_environment.insert(setting, Sourced { value: value.to_owned(), from });
        }
    }
    check(&by_environment)?;
    said.extend(by_environment);
    said.extend(by_flags(flags)?);
    Ok(said)
}

fn by_flags(flags: &Flags) -> Result<Said, Failure> {
    let Flags { progress, store, network, transfer, .. } = flags;
    let out = match &transfer.out {
        Some(path) => Some(
            path.to_str()
                .ok_or_else(|| Failure::usage("the folder given with --out is not UTF-8"))?
                .to_owned(),
        ),
        None => None,
    };
    let typed = [
        (Setting::Store, (!store.store.is_empty()).then(|| store.store.join(","))),
        (Setting::Out, out),
        (Setting::Jobs, transfer.jobs.map(|jobs| jobs.to_string())),
        (Setting::LimitRate, transfer.limit_rate.map(|rate| rate.to_string())),
        (Setting::Retries, network.retries.map(|retries| retries.to_string())),
        (Setting::Patience, network.patience.map(typed_duration)),
        (Setting::ConnectTimeout, network.connect_timeout.map(typed_duration)),
        (Setting::StallTimeout, network.stall_timeout.map(typed_duration)),
        (Setting::TrustMtime, transfer.trust_mtime.then(|| "true".to_owned())),
        (Setting::Proxy, network.proxy.and_then(word)),
        (Setting::Progress, progress.and_then(word)),
    ];
    let said = typed
        .into_iter()
        .filter_map(|(setting, value)| value.map(|value| (setting, Sourced::flag(setting.flag(), value))));
    Ok(said.collect())
}

fn word(choice: impl ValueEnum) -> Option<String> {
    choice.to_possible_value().map(|value| value.get_name().to_owned())
}

fn check(said: &Said) -> Result<(), Failure> {
    jobs(said)?;
    retries(said)?;
    rate(said)?;
    for setting in [Setting::Patience, Setting::ConnectTimeout, Setting::StallTimeout] {
        duration(said, setting)?;
    }
    switch(said, Setting::TrustMtime)?;
    choice::<crate::args::ProxyMode>(said, Setting::Proxy)?;
    choice::<crate::args::ProgressMode>(said, Setting::Progress)?;
    Ok(())
}

pub(super) fn jobs(said: &Said) -> Result<usize, Failure> {
    parsed(said, Setting::Jobs, |text| match text.parse() {
        Ok(jobs @ 1..=1024) => Ok(jobs),
        Ok(_) | Err(_) => Err("a number from 1 to 1024 is wanted".to_owned()),
    })
}

pub(super) fn retries(said: &Said) -> Result<u32, Failure> {
    parsed(said, Setting::Retries, |text| text.parse().map_err(|_| "a whole number is wanted".to_owned()))
}

pub(super) fn rate(said: &Said) -> Result<Option<u64>, Failure> {
    parsed(said, Setting::LimitRate, |text| match text {
        "none" => Ok(None),
        text => parse_rate(text).map(Some),
    })
}

pub(super) fn duration(said: &Said, setting: Setting) -> Result<Duration, Failure> {
    parsed(said, setting, parse_duration)
}

pub(super) fn switch(said: &Said, setting: Setting) -> Result<bool, Failure> {
    parsed(said, setting, |text| match text {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err("true or false is wanted".to_owned()),
    })
}

pub(super) fn choice<T: ValueEnum>(said: &Said, setting: Setting) -> Result<T, Failure> {
    parsed(said, setting, |text| {
        T::from_str(text, true).map_err(|_| {
            let words: Vec<String> = T::value_variants().iter().cloned().filter_map(word).collect();
            format!("one of {} is wanted", words.join(", "))
        })
    })
}

fn parsed<T>(said: &Said, setting: Setting, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Failure> {
    match said.get(&setting) {
        Some(Sourced { value, from }) => parse(value).map_err(|wanted| {
            Failure::usage(format!("`{}` cannot be `{value}` ({from}): {wanted}", setting.name()))
        }),
        None => parse(setting.default_text())
            .map_err(|wanted| Failure::usage(format!("`{}`: {wanted}", setting.name()))),
    }
}

/// All stores, and the names of those to search.
pub(super) fn stores(
    flags: &Flags,
    said: &Said,
    mut stores: Vec<StoreTable>,
) -> Result<(Vec<StoreTable>, Vec<String>), Failure> {
    let names: Vec<String> = stores.iter().map(|store| store.name.clone()).collect();
    let typed = typed_keys(flags)?;
    let makes_a_store = |key: &StoreKey| matches!(key, StoreKey::Vendor | StoreKey::Url | StoreKey::Path);
    let one_call = typed.keys().any(makes_a_store)
        || (typed.contains_key(&StoreKey::Endpoint) && flags.store.store.is_empty());
    if let Some(config) = &flags.saved.config {
        // Where it goes is in the file, but whoever types a key means it.
        let mut keys = saved::table_keys(config)?;
        keys.extend(typed);
        return Ok(only(one_call_store(keys, &names), stores));
    }
    // Who types an endpoint beside a saved text means the store that this names.
    let of_told = flags.saved.told.as_ref().filter(|told| {
        told.store.vendor.is_some()
            && told.store.bucket.is_some()
            && !typed.keys().any(makes_a_store)
            && (one_call || names.is_empty() && !said.contains_key(&Setting::Store))
    });
    if let Some(told) = of_told {
        let mut keys = saved::table_keys(told)?;
        keys.extend(typed);
        return Ok(only(one_call_store(keys, &names), stores));
    }
    if one_call {
        let mut table = one_call_store(typed, &names);
        saved::complete(&mut table, flags.saved.told.as_ref());
        return Ok(only(table, stores));
    }
    let search: Vec<String> = match said.get(&Setting::Store) {
        Some(said) => said
            .value
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| match names.iter().any(|known| known == name) {
                true => Ok(name.to_owned()),
                false => Err(unknown_store(name, names.iter().map(String::as_str))
                    .context(format!("cannot use what {} says", said.from))),
            })
            .collect::<Result<_, _>>()?,
        None => names,
    };
    override_keys(typed, &mut stores, &search)?;
    for store in stores.iter_mut().filter(|store| search.contains(&store.name)) {
        saved::complete(store, flags.saved.told.as_ref());
    }
    Ok((stores, search))
}

/// A store of this call is the only one that is searched.
fn only(table: StoreTable, mut stores: Vec<StoreTable>) -> (Vec<StoreTable>, Vec<String>) {
    let search = vec![table.name.clone()];
    stores.push(table);
    (stores, search)
}

/// The flags about one store as its keys.
fn typed_keys(flags: &Flags) -> Result<BTreeMap<StoreKey, Sourced<Value>>, Failure> {
    let given = &flags.store;
    let text = |value: &Option<String>| value.clone().map(Value::Text);
    let switch = |value: bool| value.then_some(Value::Switch(true));
    let path = match &given.dir {
        Some(path) => Some(Value::Text(
            path.to_str()
                .ok_or_else(|| Failure::usage("the folder given with --dir is not UTF-8"))?
                .to_owned(),
        )),
        None => None,
    };
    let typed = [
        (StoreKey::Vendor, "--vendor", text(&given.vendor)),
        (StoreKey::Region, "--region", text(&given.region)),
        (StoreKey::Bucket, "--bucket", text(&given.bucket)),
        (StoreKey::Prefix, "--prefix", given.prefix.clone().map(|prefix| Value::List(vec![prefix]))),
        (StoreKey::Endpoint, "--endpoint", text(&given.endpoint)),
        (StoreKey::PathStyle, "--path-style", switch(given.path_style)),
        (StoreKey::Cname, "--cname", switch(given.cname)),
        (StoreKey::Domain, "--domain", given.domain.clone().map(|domain| Value::List(vec![domain]))),
        (StoreKey::Profile, "--profile", text(&given.profile)),
        (StoreKey::Anonymous, "--anonymous", switch(given.anonymous)),
        (StoreKey::Url, "--url", text(&given.url)),
        (StoreKey::Path, "--dir", path),
        (
            StoreKey::Fallback,
            "--fallback",
            (!given.fallback.is_empty()).then(|| Value::List(given.fallback.clone())),
        ),
    ];
    let said = typed
        .into_iter()
        .filter_map(|(key, flag, value)| value.map(|value| (key, Sourced::flag(flag, value))));
    Ok(said.collect())
}

/// A store that only this call knows, named after its vendor.
fn one_call_store(mut keys: BTreeMap<StoreKey, Sourced<Value>>, taken: &[String]) -> StoreTable {
    if !keys.contains_key(&StoreKey::Vendor) {
        let (word, flag) = if keys.contains_key(&StoreKey::Url) {
            ("http", "--url")
        } else if keys.contains_key(&StoreKey::Path) {
            ("dir", "--dir")
        } else {
            ("s3", "--endpoint")
        };
        keys.insert(StoreKey::Vendor, Sourced::flag(flag, Value::Text(word.to_owned())));
    }
    let vendor = keys.get(&StoreKey::Vendor).map(|said| said.value.to_text()).unwrap_or_default();
    let word = super::store::vendor_word(&vendor).to_owned();
    let name = if taken.contains(&word) { format!("{word} (flags)") } else { word };
    StoreTable { name, keys }
}

/// Flags about a store's keys, put over the one store that is searched. `--fallback` goes over them all.
fn override_keys(
    mut typed: BTreeMap<StoreKey, Sourced<Value>>,
    stores: &mut [StoreTable],
    search: &[String],
) -> Result<(), Failure> {
    if let Some(fallback) = typed.remove(&StoreKey::Fallback) {
        for store in stores.iter_mut().filter(|store| search.contains(&store.name)) {
            store.keys.insert(StoreKey::Fallback, fallback.clone());
        }
    }
    let Some(first) = typed.values().next() else { return Ok(()) };
    let [only] = search else {
        let text = format!("{} is about one store, and it is not clear which", first.from);
        return Err(Failure::usage(text)
            .hint("name the store with --store NAME, or describe one with --vendor, --url or --dir"));
    };
    for store in stores.iter_mut().filter(|store| store.name == *only) {
        // Who asks is one choice of several: a flag replaces whichever the file made.
        if typed.contains_key(&StoreKey::Profile) || typed.contains_key(&StoreKey::Anonymous) {
            store.keys.retain(|key, _| {
                !matches!(
                    key,
                    StoreKey::Profile
                        | StoreKey::Anonymous
                        | StoreKey::AccessKeyEnv
                        | StoreKey::SecretKeyEnv
                        | StoreKey::SessionTokenEnv
                        | StoreKey::CredentialCommand
                )
            });
        }
        store.keys.extend(typed.clone());
    }
    Ok(())
}

impl Failure {
    /// Settings that cannot be read at all.
    fn unreadable(error: impl Into<anyhow::Error>) -> Self {
        Self::new(crate::failure::ExitCode::Usage, error)
    }
}
