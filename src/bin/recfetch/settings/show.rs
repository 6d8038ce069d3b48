//! The effective settings and where each came from. Nothing secret is ever among them.

use std::fmt::Write as _;

use recfetch::source::RedactedUrl;
use serde_json::{Value as Json, json};
use url::Url;

use super::file::Value;
use super::key::{Origin, Setting, StoreKey};
use super::{Settings, store};
use crate::failure::printable;

const MASK: &str = "****";

/// For people.
pub(super) fn text(settings: &Settings) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = match settings.config() {
        Some(path) => writeln!(text, "settings file  {}", printable(&path.display().to_string())),
        None => writeln!(text, "settings file  none"),
    };
    text.push('\n');
    for (name, value, from) in rows(settings) {
        let _ = writeln!(text, "{name:<16}  {:<20}  {from}", printable(&value));
    }
    for table in &settings.stores {
        let _ = writeln!(text, "\n[store.{}]", printable(&table.name));
        for (key, said) in &table.keys {
            let value = shown(settings, *key, &said.value);
            let _ = writeln!(text, "{:<18}  {:<30}  {}", key.name(), printable(&value), said.from);
        }
        if let Some(from) = settings.saved_keys_in_use(&table.name) {
            let _ = writeln!(text, "{:<18}  {MASK:<30}  {from}", "keys");
        }
        let _ = match resolved(settings, &table.name) {
            Ok(place) => writeln!(text, "{:<18}  {}", "leads to", printable(&place)),
            Err(problem) => writeln!(text, "{:<18}  {}", "problem", printable(&problem)),
        };
    }
    text
}

/// For machines.
pub(super) fn json(settings: &Settings) -> Json {
    let rows: serde_json::Map<String, Json> = rows(settings)
        .map(|(name, value, from)| (name.to_owned(), json!({ "value": value, "from": from.to_string() })))
        .collect();
    let stores: Vec<Json> = settings
        .stores
        .iter()
        .map(|table| {
            let keys: serde_json::Map<String, Json> = table
                .keys
                .iter()
                .map(|(key, said)| {
                    let value = shown(settings, *key, &said.value);
                    (key.name().to_owned(), json!({ "value": value, "from": said.from.to_string() }))
                })
                .collect();
            let saved = settings.saved_keys_in_use(&table.name).map(|from| from.to_string());
            let (place, problem) = match resolved(settings, &table.name) {
                Ok(place) => (Some(place), None),
                Err(problem) => (None, Some(problem)),
            };
            let mut store = json!({ "name": table.name, "keys": keys, "place": place, "problem": problem });
            if let Some(from) = saved {
                store["saved_keys"] = json!({ "value": MASK, "from": from });
            }
            store
        })
        .collect();
    json!({ "v": 1, "config": settings.config(), "settings": rows, "search": settings.search, "stores": stores })
}

/// A value of a store with whatever could be secret left out.
pub(super) fn masked(key: StoreKey, value: &Value) -> String {
    let text = value.to_text();
    match key {
        // A URL may carry a password or a signature, and one that cannot be read may do so in any place.
        StoreKey::Url | StoreKey::Endpoint => match Url::parse(&text) {
            Ok(url) if url.has_host() => RedactedUrl::new(url).to_string(),
            Ok(_) | Err(_) if text.contains(['@', '?']) => MASK.to_owned(),
            Ok(_) | Err(_) => text,
        },
        StoreKey::CredentialCommand => match text.trim().split_once(char::is_whitespace) {
            Some((program, _)) => format!("{program} {MASK}"),
            None => text,
        },
        // The key itself where the name of a variable belongs is a mistake that is made.
        StoreKey::AccessKeyEnv | StoreKey::SecretKeyEnv | StoreKey::SessionTokenEnv
            if !names_a_variable(&text) =>
        {
            MASK.to_owned()
        }
        StoreKey::Vendor
        | StoreKey::Region
        | StoreKey::Unconfirmed
        | StoreKey::Bucket
        | StoreKey::S3Bucket
        | StoreKey::Prefix
        | StoreKey::PathStyle
        | StoreKey::Cname
        | StoreKey::Interface
        | StoreKey::Signature
        | StoreKey::Network
        | StoreKey::Domain
        | StoreKey::Path
        | StoreKey::Anonymous
        | StoreKey::Profile
        | StoreKey::AccessKeyEnv
        | StoreKey::SecretKeyEnv
        | StoreKey::SessionTokenEnv
        | StoreKey::Fallback => text,
    }
}

/// Whether a text looks like the name of a variable rather than like a key.
pub(super) fn names_a_variable(text: &str) -> bool {
    let spelt = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let mixed = text.contains(|c: char| c.is_ascii_lowercase())
        && text.contains(|c: char| c.is_ascii_uppercase())
        && text.contains(|c: char| c.is_ascii_digit());
    spelt && !mixed && text.len() <= 64 && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn rows(settings: &Settings) -> impl Iterator<Item = (&'static str, String, Origin)> {
    Setting::ALL.into_iter().map(|setting| {
        let said = settings.said.get(&setting);
        let (value, from) = match (setting, said) {
            (Setting::Store, None) => (settings.search.join(","), Origin::Default),
            (_, Some(said)) => (said.value.clone(), said.from.clone()),
            (_, None) => (setting.default_text().to_owned(), Origin::Default),
        };
        (setting.name(), value, from)
    })
}

fn shown(settings: &Settings, key: StoreKey, value: &Value) -> String {
    let text = masked(key, value);
    match key {
        StoreKey::AccessKeyEnv | StoreKey::SecretKeyEnv | StoreKey::SessionTokenEnv => {
            let state = if settings.environment.is_set(&value.to_text()) { "set" } else { "not set" };
            format!("{text} ({state})")
        }
        StoreKey::Vendor
        | StoreKey::Region
        | StoreKey::Unconfirmed
        | StoreKey::Bucket
        | StoreKey::S3Bucket
        | StoreKey::Prefix
        | StoreKey::Endpoint
        | StoreKey::PathStyle
        | StoreKey::Cname
        | StoreKey::Interface
        | StoreKey::Signature
        | StoreKey::Network
        | StoreKey::Domain
        | StoreKey::Url
        | StoreKey::Path
        | StoreKey::Anonymous
        | StoreKey::Profile
        | StoreKey::CredentialCommand
        | StoreKey::Fallback => text,
    }
}

fn resolved(settings: &Settings, name: &str) -> Result<String, String> {
    match settings.store(name) {
        Ok(resolved) => Ok(store::describe(&resolved.spec)),
        Err(failure) => Err(failure.error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")),
    }
}
