//! What a bag in a store says of itself, and whether that holds together: the mark vouches for the manifest of
//! the tag files, that one for the manifest of the payload and the report. Nothing is read here.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::bag::{self, DECLARATION, MANIFEST, REPORT, TAG_MANIFEST};
use super::elsewhere::{Kept, MARK, MarkV1, read_journal};
use super::pack::{Packed, read_index};
use super::verify::{Damage, manifest_lines};
use super::wire::{EarlierV1, ReportV1};
use super::{PAYLOAD, Record};
use crate::domain::digest::{Algorithm, Digest};

/// The texts that lie beside the objects of a bag in a store.
#[derive(Debug, Default)]
pub struct Texts {
    /// The mark.
    pub mark: Option<Vec<u8>>,
    /// The manifest of the tag files.
    pub tag_manifest: Option<Vec<u8>>,
    /// Tag files by name, as far as they were asked for; `None` for one that is not there.
    pub tags: BTreeMap<String, Option<Vec<u8>>>,
    /// The index of a tar, where the mark names one.
    pub index: Option<Vec<u8>>,
    /// The journal that was written with the tag files.
    pub journal: Option<Vec<u8>>,
}

/// What a bag in a store says of itself.
#[derive(Debug, Default)]
pub struct Contents {
    /// The mark, where there is one.
    pub mark: Option<MarkV1>,
    /// The report, where it is proven.
    pub report: Option<ReportV1>,
    /// The payload by its manifest: path to what is known.
    pub payload: BTreeMap<String, Listed>,
    /// The tag files by their manifest.
    pub tags: BTreeMap<String, Digest>,
    /// What does not hold together.
    pub damage: Vec<Damage>,
}

/// A file of the payload, by the manifest and what else lies beside it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its SHA-256 by the manifest.
    pub sha256: Digest,
    /// What was proven about it, by the report.
    pub record: Option<Record>,
    /// Where its bytes lie in the tar, where they do.
    pub packed: Option<Packed>,
    /// What the store called this version of it when it was proven.
    pub stored: Option<String>,
}

impl Listed {
    /// Its length, where that is known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.record.as_ref().map(|record| record.size).or(self.packed.as_ref().map(|packed| packed.size))
    }

    /// All digests that are known of it.
    #[must_use]
    pub fn digests(&self) -> Vec<Digest> {
        let more = self.record.iter().flat_map(|record| &record.digests);
        let more = more.filter(|digest| digest.algorithm() != Algorithm::Sha256);
        std::iter::once(&self.sha256).chain(more).cloned().collect()
    }
}

/// The files that the manifest of the tag files has to list for the rest to be proven.
pub const NEEDED: [&str; 2] = [MANIFEST, REPORT];

/// The names that a manifest of tag files lists.
#[must_use]
pub fn tag_names(text: &[u8]) -> Vec<String> {
    manifest_lines(TAG_MANIFEST, &String::from_utf8_lossy(text), &mut Vec::new()).into_keys().collect()
}

/// The manifest of tag files, whose digest is in the mark.
pub const TAG_FILES: &str = TAG_MANIFEST;

impl Contents {
    /// Puts together what the texts say, and takes note of what does not go with the mark.
    #[must_use]
    pub fn read(texts: &Texts) -> Self {
        let mut contents = Self::default();
        let damage = &mut contents.damage;
        contents.mark = texts.mark.as_deref().and_then(MarkV1::read);
        match (&texts.mark, &contents.mark) {
            (None, _) => damage.push(Damage::Missing { path: MARK.to_owned() }),
            (Some(_), None) => damage.push(Damage::BadLine { file: MARK.to_owned(), line: 1 }),
            (Some(_), Some(_)) => {}
        }
        let Some(tag_manifest) = &texts.tag_manifest else {
            damage.push(Damage::Missing { path: TAG_MANIFEST.to_owned() });
            return contents;
        };
        if let Some(mark) = &contents.mark {
            damage.extend(changed(TAG_MANIFEST, &mark.tag_manifest_sha256, tag_manifest));
        }
        let listed = manifest_lines(TAG_MANIFEST, &String::from_utf8_lossy(tag_manifest), damage);
        let mut proven: BTreeMap<&str, &[u8]> = BTreeMap::new();
        for (file, text) in &texts.tags {
            match (text, listed.get(file)) {
                (None, _) => damage.push(Damage::Missing { path: file.clone() }),
                (Some(_), None) => damage.push(Damage::NotInManifest { path: file.clone() }),
                (Some(text), Some(expected)) => match changed(file, expected, text) {
                    Some(other) => damage.push(other),
                    None => drop(proven.insert(file, text)),
                },
            }
        }
        let needed = [DECLARATION, MANIFEST, REPORT].into_iter().filter(|file| !listed.contains_key(*file));
        damage.extend(needed.map(|file| Damage::NotInManifest { path: file.to_owned() }));
        contents.tags = listed
            .into_iter()
            .filter_map(|(file, hex)| Some((file, Digest::from_hex(Algorithm::Sha256, &hex)?)))
            .collect();
        contents.report = proven.get(REPORT).and_then(|text| bag::report_from(text));
        if proven.contains_key(REPORT) && contents.report.is_none() {
            damage.push(Damage::BadLine { file: REPORT.to_owned(), line: 1 });
        }
        if let Some(manifest) = proven.get(MANIFEST) {
            let lines = manifest_lines(MANIFEST, &String::from_utf8_lossy(manifest), damage);
            contents.payload = lines
                .into_iter()
                .filter_map(|(path, hex)| {
                    let sha256 = Digest::from_hex(Algorithm::Sha256, &hex)?;
                    Some((path, Listed { sha256, record: None, packed: None, stored: None }))
                })
                .collect();
        }
        contents.fill(texts);
        contents.damage.sort();
        contents.damage.dedup();
        contents
    }

    /// Adds what the report, the journal and the index say about the files of the payload.
    fn fill(&mut self, texts: &Texts) {
        for record in self.report.iter().flat_map(records) {
            match self.payload.get_mut(&record.path) {
                Some(listed) if record.digests.contains(&listed.sha256) => listed.record = Some(record),
                // The manifest is what readers of bags go by.
                Some(_) => self.damage.push(Damage::BadLine { file: REPORT.to_owned(), line: 1 }),
                None => self.damage.push(Damage::NotInManifest { path: record.path }),
            }
        }
        for Kept { record, stored, .. } in texts.journal.iter().flat_map(|text| read_journal(text)) {
            if let Some(listed) = self.payload.get_mut(&record.path)
                && record.digests.contains(&listed.sha256)
            {
                listed.stored = stored.map(|etag| etag.as_str().to_owned());
            }
        }
        let Some(pack) = self.mark.as_ref().and_then(|mark| mark.pack.clone()) else { return };
        let Some(index) = &texts.index else {
            self.damage.push(Damage::Missing { path: pack.index });
            return;
        };
        if let Some(other) = changed(&pack.index, &pack.index_sha256, index) {
            self.damage.push(other);
            return;
        }
        for (path, packed) in read_index(index) {
            if let Some(listed) = self.payload.get_mut(&path)
                && packed.sha256 == listed.sha256
            {
                listed.packed = Some(packed);
            }
        }
        for (path, listed) in &self.payload {
            if listed.packed.is_none() {
                self.damage.push(Damage::Missing { path: path.clone() });
            }
        }
    }

    /// Whether a path is one of the payload.
    #[must_use]
    pub fn is_payload(path: &str) -> bool {
        path.strip_prefix(PAYLOAD).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// What a report says was proven and is kept as a file of its own.
fn records(report: &ReportV1) -> Vec<Record> {
    let judged = report.objects.iter().filter_map(EarlierV1::of);
    let known = judged.chain(report.earlier.iter().cloned());
    known.filter_map(|known| known.to_record()).filter(|record| record.offset.is_none()).collect()
}

fn changed(path: &str, expected: &str, text: &[u8]) -> Option<Damage> {
    let found = hex::encode(Sha256::digest(text));
    let (path, expected) = (path.to_owned(), expected.to_owned());
    (found != expected).then_some(Damage::Changed { path, expected, found })
}
