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
    /// Whether its class is one from which objects are read only after a restore, by the name that its store has
    /// for it (the vendors' pages on storage classes, 2026). Some buckets of OSS serve `Archive` at once, and
    /// OBS's `COLD` is its archive.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        const ARCHIVES: [&str; 9] = [
            "glacier",
            "deeparchive",
            "archive",
            "mazarchive",
            "coldarchive",
            "deepcoldarchive",
            "cold",
            "archiveaccess",
            "deeparchiveaccess",
        ];
        self.class.as_deref().map(plain_class).is_some_and(|class| ARCHIVES.contains(&class.as_str()))
    }

    /// Whether its class lets its store archive it by itself, which a listing does not tell.
    #[must_use]
    pub fn may_be_archived(&self) -> bool {
        self.class.as_deref().map(plain_class).is_some_and(|class| class == "intelligenttiering")
    }

    /// Whether it has to be restored before it can be read, as far as its facts tell.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        match self.restore {
            Some(Restore::Restored { .. }) => false,
            Some(Restore::UnderWay) => true,
            None => self.is_archived(),
        }
    }

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

/// The name of a class without the signs and capitals in which the spellings of vendors differ.
pub(super) fn plain_class(class: &str) -> String {
    class.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_classes_that_want_a_restore_are_archives() {
        for (class, archived) in [
            (None, false),
            (Some("STANDARD_IA"), false),
            (Some("GLACIER_IR"), false),
            (Some("INTELLIGENT_TIERING"), false),
            (Some("archive with direct reading"), false),
            (Some("GLACIER"), true),
            (Some("DEEP_ARCHIVE"), true),
            (Some("ColdArchive"), true),
            (Some("Archive"), true),
            (Some("deep archive"), true),
            (Some("DEEP_ARCHIVE_ACCESS"), true),
        ] {
            let key = ObjectKey::parse("a").unwrap();
            let info = ObjectInfo { class: class.map(str::to_owned), ..ObjectInfo::bare(key) };
            assert_eq!(info.is_archived(), archived, "{class:?}");
        }
    }
}
