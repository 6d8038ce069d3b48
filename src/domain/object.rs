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
    /// As what it is served (`Content-Type`); listings do not tell.
    pub content_type: Option<String>,
    /// How far the restore of an archived object is; listings do not tell.
    pub restore: Option<Restore>,
}

/// How far the restore of an archived object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Restore {
    /// It was asked for and is not done.
    UnderWay,
    /// It can be read, until then where the store says when.
    Restored {
        /// The end.
        until: Option<SliceTime>,
    },
}

impl ObjectInfo {
    /// An object of which only the key is known.
    #[must_use]
    pub fn bare(key: ObjectKey) -> Self {
        Self {
            key,
            size: None,
            etag: None,
            digests: Vec::new(),
            modified: None,
            class: None,
            content_type: None,
            restore: None,
        }
    }
}
