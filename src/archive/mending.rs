//! Making a bag whole again: what is damaged is told from what is proven, and is put back byte for byte.
//!
//! Nothing is written that the manifests do not vouch for, and nothing is thrown away: a damaged file stays where
//! it is until the right bytes are here, and is set aside then.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use super::bag::{self, DECLARATION, DECLARATION_TEXT, MANIFEST, REPORT, Seal, TAG_MANIFEST};
use super::contents::Contents;
use super::elsewhere::TagFile;
use super::error::{Doing as _, Error};
use super::verify::{Damage, Listed, Verification, manifest_lines, read_manifest, verify, verify_by};
use super::wire::ReportV1;
use super::{Record, Staged, WORK, lock, sweep};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::key::{KeyPrefix, ObjectKey, ObjectName};

/// A bag that was looked at, with what can be put back.
#[derive(Debug)]
pub struct Mending {
    /// What is not as it was.
    pub before: Verification,
    /// Objects that have to be fetched.
    pub lost: Vec<Lost>,
    /// Tag files that follow from what is whole, and are written again.
    pub tags: Vec<TagFile>,
    /// What is damaged and cannot be put back from anywhere, by its path.
    pub hopeless: BTreeMap<String, Hopeless>,
    /// The folder that the recording had in its store.
    pub folder: KeyPrefix,
    counter: AtomicU64,
}

/// An object of a bag that is damaged or gone, and what its bytes were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Its path in the bag.
    pub path: String,
    /// Its name in the recording.
    pub name: ObjectName,
    /// Its key in the store that it was fetched from, where the report tells.
    pub key: Option<ObjectKey>,
    /// SHA-256 by the manifest.
    pub sha256: Digest,
    /// Its length, where the report tells.
    pub size: Option<u64>,
}

/// Why something that is damaged cannot be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hopeless {
    /// It is written by each run, and nothing here tells what it was.
    TagFile,
    /// The manifest that lists it is damaged itself.
    Unvouched,
    /// Segments lie in it as one file.
    Joined,
    /// It lies in a tar, which is written as one.
    Packed,
    /// Nobody knows where it comes from, and it is left alone.
    Foreign,
    /// Without its mark, nothing tells what a mirror was.
    NoMark,
}

impl std::fmt::Display for Hopeless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TagFile => "nothing here tells what it was",
            Self::Unvouched => "the manifest that lists it is damaged too",
            Self::Joined => "a joined file, which is not repaired piece by piece",
            Self::Packed => "part of a tar, which is written as one",
            Self::Foreign => "not of the recording, and left alone",
            Self::NoMark => "without its mark nothing tells what it was",
        })
    }
}

impl Mending {
    /// Hashes every file of the bag in `dir`, and says what can be put back. Nothing is written. `progress` is told
    /// the bytes as they are read, by several threads.
    ///
    /// # Errors
    /// [`Error::NotABag`] where there is none; [`Error::Io`] where the folder cannot be read.
    pub fn look(dir: &Path, progress: &(dyn Fn(u64) + Sync)) -> Result<Self, Error> {
        let is_here = |file: &str| dir.join(file).is_file();
        if !is_here(TAG_MANIFEST) {
            // Whoever wrote it last was interrupted, or it was lost: nothing vouches for the rest then.
            return Ok(Self::of(verify(dir, progress)?, None, &BTreeMap::new(), Vec::new()));
        }
        let mut damage = Vec::new();
        let listed = read_manifest(dir, TAG_MANIFEST, &mut damage)?;
        let digest = |file: &str| std::fs::read(dir.join(file)).ok().map(|bytes| sha256(&bytes));
        let bad: BTreeSet<&String> =
            listed.iter().filter(|(file, hex)| digest(file).as_ref() != Some(*hex)).map(|(f, _)| f).collect();
        let proven = |file: &str| listed.contains_key(file) && !bad.contains(&file.to_owned());
        let report = if proven(REPORT) { bag::report_of(dir)? } else { None };
        let tags = derived(report.as_ref()).into_iter();
        let tags: Vec<TagFile> = tags
            .filter(|tag| bad.contains(&tag.file) && listed.get(&tag.file) == Some(&sha256(&tag.bytes)))
            .collect();
        let restored = tags.iter().find(|tag| tag.file == MANIFEST).map(|tag| tag.bytes.clone());
        let vouched = restored.is_some() || proven(MANIFEST);
        let path = dir.join(MANIFEST);
        let manifest = match restored {
            Some(bytes) => bytes,
            None if path.is_file() => std::fs::read(&path).doing("read", &path)?,
            None => return Err(Error::NotABag { dir: dir.to_owned() }),
        };
        let payload = manifest_lines(MANIFEST, &String::from_utf8_lossy(&manifest), &mut damage);
        let before = verify_by(dir, &payload, Some(listed), damage, progress)?;
        let mut mending = Self::of(before, vouched.then_some(&payload), &records(report.as_ref()), tags);
        mending.folder = folder_of(dir, report.as_ref());
        for lost in &mut mending.lost {
            lost.key = key_of(report.as_ref(), &lost.path);
        }
        Ok(mending)
    }

    /// The same of a mirror that was looked at.
    #[must_use]
    pub fn of_mirror(before: Verification, contents: &Contents) -> Self {
        let vouched = |listed: &super::contents::Listed| listed.sha256.hex();
        let listed: Listed = contents.payload.iter().map(|(path, l)| (path.clone(), vouched(l))).collect();
        let report = before.report.clone();
        let records = records(report.as_ref());
        let mut mending = Self::of(before, Some(&listed), &records, Vec::new());
        mending.folder = folder_of(Path::new(""), report.as_ref());
        for lost in &mut mending.lost {
            lost.key = key_of(report.as_ref(), &lost.path);
        }
        let (no_mark, packed) =
            (contents.mark.is_none(), contents.mark.as_ref().is_some_and(|mark| mark.pack.is_some()));
        if no_mark || packed {
            let why = if no_mark { Hopeless::NoMark } else { Hopeless::Packed };
            let lost = std::mem::take(&mut mending.lost);
            mending.hopeless.extend(lost.into_iter().map(|lost| (lost.path, why)));
        }
        mending
    }

    /// Sorts what is damaged by what can be done about it.
    fn of(
        before: Verification,
        vouched: Option<&Listed>,
        records: &BTreeMap<String, Record>,
        tags: Vec<TagFile>,
    ) -> Self {
        let (mut lost, mut hopeless) = (Vec::new(), BTreeMap::new());
        for damage in &before.damage {
            let path = match damage {
                Damage::Changed { path, .. }
                | Damage::Length { path, .. }
                | Damage::Digest { path, .. }
                | Damage::Missing { path }
                | Damage::Unreadable { path, .. } => path,
                Damage::Extra { path } => {
                    hopeless.insert(path.clone(), Hopeless::Foreign);
                    continue;
                }
                Damage::Part { path, .. } => {
                    hopeless.insert(path.clone(), Hopeless::Joined);
                    continue;
                }
                Damage::BadLine { file, .. } => file,
                // They follow from what is said of others.
                Damage::Oxum { .. } | Damage::NotInManifest { .. } => continue,
            };
            if tags.iter().any(|tag| tag.file == *path) {
                continue;
            }
            if !Contents::is_payload(path) {
                hopeless.insert(path.clone(), Hopeless::TagFile);
                continue;
            }
            let record = records.get(path);
            let sha256 = vouched.and_then(|listed| Digest::from_hex(Algorithm::Sha256, listed.get(path)?));
            let name = record.map(|record| record.name.clone());
            let name = name.or_else(|| ObjectName::parse(path.strip_prefix("data/")?).ok());
            match (sha256, name) {
                (Some(_), _) if record.is_some_and(is_joined) => {
                    hopeless.insert(path.clone(), Hopeless::Joined);
                }
                (Some(sha256), Some(name)) => {
                    let size = record.map(|record| record.size);
                    lost.push(Lost { path: path.clone(), name, key: None, sha256, size });
                }
                (None, _) | (_, None) => {
                    hopeless.insert(path.clone(), Hopeless::Unvouched);
                }
            }
        }
        let folder = KeyPrefix::root();
        Self { before, lost, tags, hopeless, folder, counter: AtomicU64::new(0) }
    }

    /// The folder of the bag.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.before.dir
    }

    /// Whether anything can be put back.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.lost.is_empty() && self.tags.is_empty()
    }

    /// Keeps others from working in the folder as long as what this returns is held.
    ///
    /// # Errors
    /// [`Error::Locked`] where another run works there.
    pub fn start(&self) -> Result<File, Error> {
        let work = self.dir().join(WORK);
        let partial = work.join("partial");
        std::fs::create_dir_all(&partial).doing("create", &partial)?;
        let held = lock(self.dir(), &work.join("lock"))?;
        sweep(&partial)?;
        Ok(held)
    }

    /// Writes the tag files that can be had again, those of the manifests last.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn write_tags(&self) -> Result<(), Error> {
        for tag in &self.tags {
            let mut staged = self.stage()?;
            staged.write(&tag.bytes)?;
            self.put(staged, &tag.file)?;
        }
        Ok(())
    }

    /// A new file for the bytes of an object.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn stage(&self) -> Result<Staged, Error> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        Staged::create(self.dir().join(WORK).join("partial").join(format!("{number}.part")))
    }

    /// Gives bytes that were proven their place in the bag. What lies there is set aside.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn put(&self, staged: Staged, path: &str) -> Result<(), Error> {
        staged.sync()?;
        let to = self.dir().join(path);
        if to.symlink_metadata().is_ok() {
            bag::move_aside(self.dir(), path).doing("set aside", &to)?;
        }
        let folder: PathBuf = to.parent().unwrap_or(self.dir()).to_owned();
        std::fs::create_dir_all(&folder).doing("create", &folder)?;
        staged.rename(&to)?;
        File::open(&folder).and_then(|folder| folder.sync_all()).doing("sync", &folder)
    }
}

/// The tag files that follow from a report that is whole; the manifest behind the others.
fn derived(report: Option<&ReportV1>) -> Vec<TagFile> {
    let declaration = TagFile { file: DECLARATION.to_owned(), bytes: DECLARATION_TEXT.as_bytes().to_vec() };
    let Some((report, at)) = report.and_then(|report| Some((report, bag::at(&report.finished)?))) else {
        return vec![declaration];
    };
    let records: Vec<Record> = bag::records_of(report).into_values().collect();
    let tags = bag::tags(&records, &Seal { report, play: &[], page: None, at });
    let mut tags: Vec<_> =
        tags.into_iter().map(|(file, text)| TagFile { file, bytes: text.into_bytes() }).collect();
    tags.sort_by_key(|tag| tag.file == MANIFEST);
    tags.push(declaration);
    tags
}

/// What a report says about each file of the payload; of a joined file, about a part of it.
fn records(report: Option<&ReportV1>) -> BTreeMap<String, Record> {
    let mut records: BTreeMap<String, Record> = BTreeMap::new();
    for record in report.into_iter().flat_map(|report| bag::records_of(report).into_values()) {
        let known = records.get(&record.path).is_some_and(is_joined);
        if !known {
            records.insert(record.path.clone(), record);
        }
    }
    records
}

fn is_joined(record: &Record) -> bool {
    record.offset.is_some() || record.from.as_str() == "joined"
}

fn key_of(report: Option<&ReportV1>, path: &str) -> Option<ObjectKey> {
    let object = report?.objects.iter().find(|object| object.path.as_deref() == Some(path))?;
    ObjectKey::parse(object.key.as_deref()?).ok()
}

fn folder_of(dir: &Path, report: Option<&ReportV1>) -> KeyPrefix {
    let info = || {
        let text = std::fs::read_to_string(dir.join("bag-info.txt")).ok()?;
        Some(text.lines().find_map(|line| line.strip_prefix("Store-Folder:"))?.trim().to_owned())
    };
    let folder = report.map(|report| report.folder.clone()).or_else(info).unwrap_or_default();
    KeyPrefix::from_parts([folder.trim_end_matches('/')]).unwrap_or_default()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
