//! Stores that saved texts of Agora's name, as keys of a store: whatever holds for a store of the settings file
//! holds for them too.

use std::collections::BTreeMap;
use std::sync::Arc;

use recfetch::agora::{SavedKeys, SavedStore};

use super::file::{StoreTable, Value};
use super::key::{Origin, Sourced, StoreKey};
use crate::failure::Failure;

/// Stores that saved texts name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stores {
    /// By `--storage-config`: the store of this call.
    pub(crate) config: Option<Told>,
    /// By a saved recording: where nothing else names a bucket.
    pub(crate) told: Option<Told>,
}

/// A store and the file that names it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The store.
    pub(crate) store: SavedStore,
    /// The file, for people.
    pub(crate) from: Arc<str>,
    /// Whether its endpoint and keys are used.
    pub(crate) trust: Trust,
}

/// What is believed of a saved text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// All of it: it was named as a store.
    All,
    /// The bucket only. A text that names recordings could lead the user's own keys to a host of its choice.
    Bucket,
}

/// The keys that a saved text stands for.
///
/// # Errors
/// Where it names no vendor.
pub(super) fn table_keys(told: &Told) -> Result<BTreeMap<StoreKey, Sourced<Value>>, Failure> {
    let Told { store, from, .. } = told;
    if store.vendor.is_none() {
        return Err(Failure::usage(format!("{from} names a store without its `vendor`")));
    }
    Ok(keys_of(told))
}

fn keys_of(told: &Told) -> BTreeMap<StoreKey, Sourced<Value>> {
    let SavedStore { vendor, region, bucket, prefix, endpoint, .. } = told.store.clone();
    let endpoint = endpoint.filter(|_| told.trust == Trust::All);
    let prefix = (!prefix.is_empty()).then_some(Value::List(prefix));
    let said = [
        (StoreKey::Vendor, vendor.map(Value::Text)),
        (StoreKey::Region, region.map(Value::Text)),
        (StoreKey::Bucket, bucket.map(Value::Text)),
        (StoreKey::Prefix, prefix),
        (StoreKey::Endpoint, endpoint.map(Value::Text)),
    ];
    let sourced = |value| Sourced { value, from: Origin::Saved(told.from.clone()) };
    said.into_iter().filter_map(|(key, value)| value.map(|value| (key, sourced(value)))).collect()
}

/// Adds what a store of the same vendor lacks: its bucket, and with that region and folder.
pub(super) fn complete(table: &mut StoreTable, told: Option<&Told>) {
    let Some(told) = told else { return };
    let word = |text: &str| super::store::vendor_word(text).to_owned();
    let same_vendor = match (table.keys.get(&StoreKey::Vendor), &told.store.vendor) {
        (Some(said), Some(vendor)) => word(&said.value.to_text()) == word(vendor),
        (_, _) => false,
    };
    if !same_vendor || table.keys.contains_key(&StoreKey::Bucket) {
        return;
    }
    for (key, said) in keys_of(told) {
        table.keys.entry(key).or_insert(said);
    }
}

/// The keys of `--storage-config`, for the one store that it makes.
pub(super) fn keys(stores: &Stores, search: &[String]) -> Option<(String, SavedKeys)> {
    let config = stores.config.as_ref()?;
    let keys = config.store.keys.clone().filter(|_| config.trust == Trust::All)?;
    Some((search.first()?.clone(), keys))
}

#[cfg(test)]
mod tests {
    use recfetch::agora;
    use recfetch::source::{Credentials, Place};

    use super::*;
    use crate::args::StoreArgs;
    use crate::settings::env::Environment;
    use crate::settings::{Flags, Settings};

    fn told(json: &str, trust: Trust) -> Told {
        let saved = agora::read(json.as_bytes()).unwrap();
        Told { store: saved.store().unwrap().unwrap().clone(), from: Arc::from("`x.json`"), trust }
    }

    fn load(saved: Stores, store: StoreArgs, environment: Environment) -> Result<Settings, Failure> {
        // An empty file, so that the one of whoever runs the tests does not count.
        let file = tempfile::NamedTempFile::new().unwrap();
        Settings::load(
            &Flags { config: Some(file.path().into()), saved, store, ..Flags::default() },
            environment,
        )
    }

    #[test]
    fn every_vendor_is_reached_as_if_the_settings_said_the_same() {
        let table = [
            (r#"{"vendor":1,"region":15}"#, "aws", "cn-north-1"),
            (r#"{"vendor":"2","region":"3"}"#, "aliyun", "cn-beijing"),
            (r#"{"vender":"CloudStorageVendorAliyun","region":"CN_Beijin"}"#, "aliyun", "cn-beijing"),
            (r#"{"vendor":0,"region":0}"#, "qiniu", "cn-east-1"),
            (r#"{"vendor":3,"region":3}"#, "tencent", "ap-guangzhou"),
            (r#"{"vendor":6,"region":0}"#, "google", ""),
        ];
        for (json, name, region) in table {
            let json = json.replacen('{', r#"{"bucket":"b","accessKey":"id","secretKey":"hunter2","#, 1);
            let stores = Stores { config: Some(told(&json, Trust::All)), told: None };
            // The keys of the vendors' own tools are for other buckets.
            let environment =
                Environment::from([("OSS_ACCESS_KEY_ID", "env"), ("OSS_ACCESS_KEY_SECRET", "env")]);
            let settings = load(stores, StoreArgs::default(), environment).unwrap();
            assert_eq!(settings.require_stores().unwrap(), [name]);
            let place = format!("{:?}", settings.store(name).unwrap().spec.place);
            assert!(
                place.contains(region) && place.contains("\"id\"") && !place.contains("hunter2"),
                "{place}"
            );
        }
    }

    #[test]
    fn keys_that_agora_was_given_reach_the_own_interfaces_of_oss_and_kodo() {
        let json = |vendor: u8, token: &str| {
            format!(
                r#"{{"vendor":{vendor},"region":0,"bucket":"b","accessKey":"id","secretKey":"hunter2"{token}}}"#
            )
        };
        let place = |json: &str, flags: StoreArgs| {
            let stores = Stores { config: Some(told(json, Trust::All)), told: None };
            // The keys of the vendors' own tools are for other buckets.
            let environment = Environment::from([
                ("OSS_ACCESS_KEY_ID", "env"),
                ("OSS_ACCESS_KEY_SECRET", "env"),
                ("QINIU_ACCESS_KEY", "env"),
                ("QINIU_SECRET_KEY", "env"),
            ]);
            let settings = load(stores, flags, environment).unwrap();
            let name = settings.require_stores().unwrap()[0].clone();
            settings.store(&name).map(|store| store.spec.place).map_err(|failure| failure.render())
        };
        let Ok(Place::Oss(oss)) = place(&json(2, r#","stsToken":"hunter3""#), StoreArgs::default()) else {
            panic!("the own interface")
        };
        let Credentials::Keys { access_key, secret_key, session_token } = oss.credentials else {
            panic!("{:?}", oss.credentials)
        };
        assert_eq!((access_key.as_str(), secret_key.expose()), ("id", "hunter2"));
        assert_eq!(session_token.map(|token| token.expose().to_owned()).as_deref(), Some("hunter3"));

        let by_domain = || StoreArgs { domain: Some("v.example.com".into()), ..StoreArgs::default() };
        let Ok(Place::Kodo(kodo)) = place(&json(0, ""), by_domain()) else { panic!("the own interface") };
        let Credentials::Keys { access_key, secret_key, session_token: None } = kodo.credentials else {
            panic!("{:?}", kodo.credentials)
        };
        assert_eq!((access_key.as_str(), secret_key.expose()), ("id", "hunter2"));
        // Who asks can be said on the command line.
        let nobody = StoreArgs { anonymous: true, ..by_domain() };
        let Ok(Place::Kodo(kodo)) = place(&json(0, ""), nobody) else { panic!("the own interface") };
        assert!(matches!(kodo.credentials, Credentials::Anonymous));
    }

    #[test]
    fn what_a_callback_tells_is_a_bucket_and_nothing_more() {
        let json = r#"{"vendor":11,"bucket":"b","accessKey":"id","secretKey":"hunter2","extensionParams":{"endpoint":"evil.example"}}"#;
        let stores = || Stores { config: None, told: Some(told(json, Trust::Bucket)) };
        let settings = load(stores(), StoreArgs::default(), Environment::default()).unwrap();
        let failure = settings.store("self-hosted").unwrap_err();
        assert!(failure.render().contains("has no `endpoint`"), "{}", failure.render());
        let typed = StoreArgs { endpoint: Some("https://mine.example".into()), ..StoreArgs::default() };
        let settings = load(stores(), typed, Environment::default()).unwrap();
        let place = format!("{:?}", settings.store("self-hosted").unwrap().spec.place);
        assert!(
            place.contains("mine.example") && !place.contains("evil") && place.contains("Chain"),
            "{place}"
        );
        // Whoever types a store means that one.
        let dir = StoreArgs { dir: Some("here".into()), ..StoreArgs::default() };
        let settings = load(stores(), dir, Environment::default()).unwrap();
        assert_eq!(settings.require_stores().unwrap(), ["dir"]);
    }

    #[test]
    fn a_store_without_its_vendor_is_no_store() {
        let stores =
            Stores { config: Some(told(r#"{"storageConfig":{"bucket":"b"}}"#, Trust::All)), told: None };
        let failure = load(stores, StoreArgs::default(), Environment::default()).unwrap_err();
        assert!(
            failure.render().contains("`x.json` names a store without its `vendor`"),
            "{}",
            failure.render()
        );
    }
}
