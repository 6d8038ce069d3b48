//! `storageConfig` as it is sent to `start`: alone, in `clientRequest`, or in the whole body.

use serde_json::Value;

use super::Read;
use super::facts::{Facts, SavedKeys, SavedStore};
use super::json::{Object, field, moment, number, object, text};
use super::response::{app_id, channel, mode, recording, uid};
use crate::source::Secret;

/// Reads a body of `start` or a part of it; `None` where it is none.
pub(super) fn read(body: &Object) -> Option<Read> {
    let request = object(body, &["clientRequest"]);
    let config = request
        .and_then(|request| object(request, &["storageConfig"]))
        .or_else(|| object(body, &["storageConfig"]))
        .or_else(|| is_config(body).then_some(body));
    // A body of `acquire` or `stop` says nothing but whose it is.
    if config.is_none() && request.is_none() {
        return None;
    }
    let facts = Facts {
        app_id: app_id(body),
        channel: channel(body),
        uid: uid(body, &["uid"]),
        mode: text(body, &["mode"]).and_then(|word| mode(&word)),
        store: config.map(store),
        ..Facts::default()
    };
    Some(Read::Facts(recording(body), Box::new(facts)))
}

/// The C++ interface of 2019 spelt it `vender`.
const VENDOR: [&str; 2] = ["vendor", "vender"];

fn is_config(object: &Object) -> bool {
    object.contains_key("bucket") && VENDOR.iter().any(|name| object.contains_key(*name))
}

/// Where files go. Event 90 says a part of it in the same words.
pub(super) fn store(config: &Object) -> SavedStore {
    let prefix = match field(config, &["fileNamePrefix"]) {
        Some(Value::Array(parts)) => parts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(part)) if !part.is_empty() => vec![part.clone()],
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_))
        | None => Vec::new(),
    };
    let extension = object(config, &["extensionParams"]);
    SavedStore {
        vendor: text(config, &VENDOR),
        region: text(config, &["region"]),
        bucket: text(config, &["bucket"]),
        prefix,
        endpoint: extension.and_then(|params| text(params, &["endpoint"])).map(with_scheme),
        keys: keys(config),
        expires: number(config, &["stsExpiration"])
            // A number of seconds from an unknown start on says nothing.
            .filter(|seconds| *seconds > 1_000_000_000)
            .and_then(|_| moment(config, &["stsExpiration"])),
    }
}

fn keys(config: &Object) -> Option<SavedKeys> {
    Some(SavedKeys {
        access_key: Secret::new(text(config, &["accessKey"])?),
        secret_key: Secret::new(text(config, &["secretKey"])?),
        session_token: text(config, &["stsToken"]).map(Secret::new),
    })
}

/// The samples have a bare host.
fn with_scheme(endpoint: String) -> String {
    if endpoint.contains("://") { endpoint } else { format!("https://{endpoint}") }
}
