//! What the settings say about a store of Qiniu Kodo that is reached by its own interface.

use recfetch::source::KodoPlace;

/// Where the store is, for people.
pub(super) fn describe(place: &KodoPlace) -> String {
    let domains: Vec<_> = place.domains.iter().filter_map(|url| url.host_str()).collect();
    match domains.is_empty() {
        true => format!("Qiniu Kodo, bucket {}, domains asked from the account", place.bucket),
        false => format!("Qiniu Kodo, bucket {}, by {}", place.bucket, domains.join(", ")),
    }
}
