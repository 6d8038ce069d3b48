//! A bag that lies in a store: what is known about its objects, and the texts around them. Nothing is read or
//! written here.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::bag::{self, DECLARATION, DECLARATION_TEXT, MANIFEST, REPORT, Seal, TAG_MANIFEST};
use super::journal::Line;
use super::layout::Layout;
use super::wire::DigestV1;
use super::{Record, guard};
use crate::domain::key::ObjectName;
use crate::domain::place::ETag;

/// What the field `format` of a mark of this version says.
pub const MARK_FORMAT: &str = "recfetch-mirror/1";

/// The file that is written last: without it a bag in a store is not whole.
pub const MARK: &str = "mirror.json";

/// The folder of what goes on: journals.
pub const JOURNALS: &str = ".recfetch/";

/// The journal that is written with the tag files: what the store called each object when it was proven.
pub const JOURNAL: &str = ".recfetch/journal.ndjson";

/// The mark under a bag in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkV1 {
    /// `recfetch-mirror/1`.
    pub format: String,
    /// The program that wrote it.
    pub written_by: String,
    /// The recording ID (sid).
    pub recording: String,
    /// The whole: as in the report.
    pub outcome: String,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// The forms that were asked for; without any, everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Objects of the payload.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How its objects are kept.
    #[serde(flatten)]
    pub kept_as: KeptAs,
    /// The tar that holds the bag, where it does not lie there object by object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackV1>,
    /// SHA-256 of the manifest of the tag files, which vouches for everything else.
    pub tag_manifest_sha256: String,
    /// When it was written, RFC 3339 in UTC.
    pub finished: String,
}

/// A bag that lies in one tar. Its tag files lie beside it too, so that they can be read when the tar is archived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackV1 {
    /// The tar.
    pub file: String,
    /// Its length.
    pub size: u64,
    /// What was computed from it while it was sent.
    pub digests: Vec<DigestV1>,
    /// What the store called this version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<String>,
    /// The index: where in the tar each file lies.
    pub index: String,
    /// SHA-256 of the index.
    pub index_sha256: String,
}

impl MarkV1 {
    /// `None` where the text is no mark of this version.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|mark: &Self| mark.format == MARK_FORMAT)
    }

    /// The text of the file.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A plain struct with string keys: serde_json has no way to fail on it.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// How objects were asked to be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAs {
    /// The storage class that was asked for, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The encryption that was asked for, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// The lock that was asked for, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Locked>,
}

/// A lock that an object got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// Until when, in seconds of Unix time.
    pub until: i64,
}

/// What was proven about an object, and what the store that it lies in calls this version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What was proven.
    pub record: Record,
    /// The version.
    pub stored: Option<ETag>,
    /// How it is kept there.
    pub kept_as: KeptAs,
}

#[derive(Serialize, Deserialize)]
struct KeptLine {
    #[serde(flatten)]
    record: Line,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored: Option<String>,
    #[serde(flatten)]
    kept_as: KeptAs,
}

/// Lines about objects, as they lie in a journal.
#[must_use]
pub fn journal_text<'a>(kept: impl IntoIterator<Item = &'a Kept>) -> String {
    let mut text = String::new();
    for Kept { record, stored, kept_as } in kept {
        let stored = stored.as_ref().map(|etag| etag.as_str().to_owned());
        // As above.
        text += &serde_json::to_string(&KeptLine {
            record: Line::from(record),
            stored,
            kept_as: kept_as.clone(),
        })
        .unwrap_or_default();
        text.push('\n');
    }
    text
}

/// What a journal says. Lines that make no sense are no proof, and are passed over.
pub fn read_journal(text: &[u8]) -> impl Iterator<Item = Kept> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let line: KeptLine = serde_json::from_slice(line).ok()?;
        Some(Kept {
            record: line.record.into_record()?,
            stored: line.stored.as_deref().map(ETag::new),
            kept_as: line.kept_as,
        })
    })
}

/// What is known about the objects of a bag that lies in a store.
#[derive(Debug, Default)]
pub struct Elsewhere {
    kept: Mutex<BTreeMap<ObjectName, Kept>>,
    layout: Mutex<Layout>,
}

/// A tag file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFile {
    /// Its name in the bag.
    pub file: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Elsewhere {
    /// Starts with what earlier runs kept.
    #[must_use]
    pub fn new(kept: impl IntoIterator<Item = Kept>) -> Self {
        let elsewhere = Self::default();
        kept.into_iter().for_each(|kept| elsewhere.keep(kept));
        elsewhere
    }

    /// What was proven about an object.
    #[must_use]
    pub fn record(&self, name: &ObjectName) -> Option<Record> {
        guard(&self.kept).get(name).map(|kept| kept.record.clone())
    }

    /// All that is known.
    #[must_use]
    pub fn all(&self) -> Vec<Kept> {
        guard(&self.kept).values().cloned().collect()
    }

    /// The path that an object gets in the bag.
    #[must_use]
    pub fn path_of(&self, name: &ObjectName) -> String {
        guard(&self.layout).path(name)
    }

    /// Takes note of an object that is there now.
    pub fn keep(&self, kept: Kept) {
        guard(&self.layout).adopt(&kept.record.name, &kept.record.path);
        guard(&self.kept).insert(kept.record.name.clone(), kept);
    }

    /// Forgets an object that is not there, or not as it was proven.
    pub fn forget(&self, name: &ObjectName) -> Option<Kept> {
        guard(&self.kept).remove(name)
    }

    /// The tag files around what is kept, in the order in which they have to be written: the manifests come last,
    /// because without them the folder is no bag.
    #[must_use]
    pub fn tags(&self, seal: &Seal<'_>) -> Vec<TagFile> {
        let records: Vec<_> = self.all().into_iter().map(|kept| kept.record).collect();
        let mut report = Vec::new();
        // Memory takes all of it.
        let _ = seal.report.write_json(&mut report);
        let mut tags: Vec<_> = bag::tags(&records, seal)
            .into_iter()
            .map(|(file, text)| TagFile { file, bytes: text.into_bytes() })
            .chain([
                TagFile { file: REPORT.to_owned(), bytes: report },
                TagFile { file: DECLARATION.to_owned(), bytes: DECLARATION_TEXT.as_bytes().to_vec() },
            ])
            .collect();
        tags.sort_by(|a, b| (a.file == MANIFEST, &a.file).cmp(&(b.file == MANIFEST, &b.file)));
        let digests: BTreeMap<_, [u8; 32]> =
            tags.iter().map(|tag| (tag.file.clone(), Sha256::digest(&tag.bytes).into())).collect();
        let manifest = bag::tag_manifest(&digests);
        tags.push(TagFile { file: TAG_MANIFEST.to_owned(), bytes: manifest.into_bytes() });
        tags
    }

    /// How many objects there are, and their bytes.
    #[must_use]
    pub fn totals(&self) -> (usize, u64) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.len(), kept.values().map(|kept| kept.record.size).sum())
    }
}
