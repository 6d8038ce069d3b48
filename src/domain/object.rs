//! What a store tells about one object without handing out its bytes.

use super::digest::Digest;
use super::key::ObjectKey;
use super::place::ETag;
use super::time::SliceTime;

/// What a listing or a HEAD said about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Where it lies.
    pub key: ObjectKey,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Its version tag.
    pub etag: Option<ETag>,
    /// Digests of the whole object that this store vouches for.
    pub digests: Vec<Digest>,
    /// When it was last written, by the store's clock.
    pub modified: Option<SliceTime>,
    /// Its storage class as the store names it; `None` is the ordinary one.
    pub class: Option<String>,
}

impl ObjectInfo {
    /// An object of which only the key is known.
    #[must_use]
    pub fn bare(key: ObjectKey) -> Self {
        Self { key, size: None, etag: None, digests: Vec::new(), modified: None, class: None }
    }
}
