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
