//! Proving a bag again, offline: every byte is hashed, on all cores.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::assembly::hash_into;
use super::bag::{self, MANIFEST, TAG_MANIFEST};
use super::error::{Doing, Error};
use super::wire::{EarlierV1, ReportV1};
use super::{guard, side_by_side};
use crate::domain::digest::Algorithm;
use crate::domain::key::ObjectName;

/// What was found in a bag.
#[derive(Debug, Clone)]
pub struct Verification {
    /// Its folder.
    pub dir: PathBuf,
    /// Its report, as it was written.
    pub report: Option<ReportV1>,
    /// Files that were hashed.
    pub files: usize,
    /// Bytes that were hashed.
    pub bytes: u64,
    /// What is not as it was.
    pub damage: Vec<Damage>,
}

/// One file that is not as the bag says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// Its bytes are others.
    Changed {
        /// Its path in the bag.
        path: String,
        /// SHA-256 by the manifest.
        expected: String,
        /// SHA-256 of the bytes.
        found: String,
    },
    /// It has another length in the store that it lies in.
    Length {
        /// Its path in the bag.
        path: String,
        /// By the report.
        expected: u64,
        /// By the store.
        found: u64,
    },
    /// The store that it lies in computed another digest from its bytes.
    Digest {
        /// Its path in the bag.
        path: String,
        /// How it is made.
        algorithm: Algorithm,
    },
    /// A segment inside of a joined file has other bytes.
    Part {
        /// The path of the joined file in the bag.
        path: String,
        /// The name of the segment.
        name: String,
        /// Where it starts in the file.
        offset: u64,
        /// SHA-256 by the report.
        expected: String,
        /// SHA-256 of the bytes; nothing where the file ends before.
        found: Option<String>,
    },
    /// It is gone.
    Missing {
        /// Its path in the bag.
        path: String,
    },
    /// No manifest lists it.
    Extra {
        /// Its path in the bag.
        path: String,
    },
    /// It is there and cannot be read.
    Unreadable {
        /// Its path in the bag.
        path: String,
        /// Why not.
        why: String,
    },
    /// A line of a manifest that makes no sense, or names something outside the bag.
    BadLine {
        /// The manifest.
        file: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// The number of files or bytes is not the one that `bag-info.txt` names.
    Oxum {
        /// By `bag-info.txt`.
        expected: String,
        /// By the payload.
        found: String,
    },
    /// The report calls an object verified that the payload manifest does not list.
    NotInManifest {
        /// Its path in the bag.
        path: String,
    },
}

/// Hashes every file of the bag in `dir`. `progress` is told the bytes as they are read, by several threads.
///
/// # Errors
/// [`Error::NotABag`] where there is none; [`Error::Io`] where the folder cannot be read. Damage is a result,
/// not an error.
pub fn verify(dir: &Path, progress: &(dyn Fn(u64) + Sync)) -> Result<Verification, Error> {
    if !dir.join("bagit.txt").is_file() || !dir.join(MANIFEST).is_file() {
        return Err(Error::NotABag { dir: dir.to_owned() });
    }
    let mut damage = Vec::new();
    let payload = read_manifest(dir, MANIFEST, &mut damage)?;
    let tags = match dir.join(TAG_MANIFEST).is_file() {
        true => Some(read_manifest(dir, TAG_MANIFEST, &mut damage)?),
        false => None,
    };
    verify_by(dir, &payload, tags, damage, progress)
}

/// The same by manifests that were read already.
pub(super) fn verify_by(
    dir: &Path,
    payload: &Listed,
    tags: Option<Listed>,
    mut damage: Vec<Damage>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Verification, Error> {
    let mut listed = payload.clone();
    match tags {
        Some(tags) => listed.extend(tags),
        None => damage.push(Damage::Missing { path: TAG_MANIFEST.to_owned() }),
    }
    let present: BTreeSet<String> =
        bag::payload_files(dir)?.iter().filter_map(|path| relative(dir, path)).collect();
    damage.extend(
        present
            .iter()
            .filter(|path| !payload.contains_key(*path))
            .map(|path| Damage::Extra { path: path.clone() }),
    );
    let report = match bag::report_of(dir) {
        Ok(report) => report,
        // A report that changed is named by the tag manifest already; the payload can be proven without.
        Err(Error::Damaged { .. }) => None,
        Err(other) => return Err(other),
    };
    let parts = parts_of(report.as_ref());
    let (files, bytes) = hash_all(dir, &listed, &parts, progress, &mut damage);
    damage.extend(check_oxum(dir, &present)?);
    let vouched =
        report.iter().flat_map(|report| &report.objects).filter(|object| object.verdict == "verified");
    damage.extend(
        vouched
            .filter_map(|object| object.path.clone())
            .filter(|path| !payload.contains_key(path))
            .map(|path| Damage::NotInManifest { path }),
    );
    damage.sort();
    damage.dedup();
    Ok(Verification { dir: dir.to_owned(), report, files, bytes, damage })
}

impl Verification {
    /// Whether every file is as it was.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty()
    }

    /// The exit code: that of the recording if the bag is whole, else 4 for wrong bytes and 3 for missing
    /// ones.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let wrong = |damage: &Damage| match damage {
            Damage::Missing { .. } | Damage::NotInManifest { .. } => false,
            Damage::Changed { .. }
            | Damage::Length { .. }
            | Damage::Digest { .. }
            | Damage::Part { .. }
            | Damage::Extra { .. }
            | Damage::Unreadable { .. }
            | Damage::BadLine { .. }
            | Damage::Oxum { .. } => true,
        };
        // A missing file changes the sum of the payload too; what is missing is then the better word.
        let missing = self.damage.iter().any(|d| matches!(d, Damage::Missing { .. }));
        let only_missing =
            self.damage.iter().all(|d| !wrong(d) || (missing && matches!(d, Damage::Oxum { .. })));
        match (self.damage.is_empty(), only_missing) {
            (true, _) => self.report.as_ref().map_or(0, |report| report.exit_code),
            (false, true) => 3,
            (false, false) => 4,
        }
    }
}

/// Path to digest.
pub(super) type Listed = BTreeMap<String, String>;

pub(super) fn read_manifest(dir: &Path, file: &str, damage: &mut Vec<Damage>) -> Result<Listed, Error> {
    let path = dir.join(file);
    let text = std::fs::read_to_string(&path).doing("read", &path)?;
    Ok(manifest_lines(file, &text, damage))
}

/// What a manifest lists: path to digest.
pub(super) fn manifest_lines(file: &str, text: &str, damage: &mut Vec<Damage>) -> Listed {
    let mut listed = Listed::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        match manifest_line(line) {
            Some((path, hex)) => {
                listed.insert(path, hex);
            }
            None => damage.push(Damage::BadLine { file: file.to_owned(), line: i + 1 }),
        }
    }
    listed
}

fn manifest_line(line: &str) -> Option<(String, String)> {
    let (hex, path) = line.split_once(char::is_whitespace)?;
    let path = path.trim_start_matches([' ', '\t', '*']);
    let good = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    // A manifest is a stranger's text as soon as the bag was copied: it must not lead out of the bag.
    let path = ObjectName::parse(path.strip_prefix("./").unwrap_or(path)).ok()?;
    good.then(|| (path.as_str().to_owned(), hex.to_ascii_lowercase()))
}

/// A segment inside of a joined file, by the report.
#[derive(Debug, Clone)]
struct Part {
    offset: u64,
    size: u64,
    sha256: String,
    name: String,
}

/// The segments inside of each joined file, in order.
fn parts_of(report: Option<&ReportV1>) -> BTreeMap<String, Vec<Part>> {
    let mut parts: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    let judged = report.iter().flat_map(|report| &report.objects).filter_map(EarlierV1::of);
    for object in judged.chain(report.iter().flat_map(|report| report.earlier.iter().cloned())) {
        if let Some(offset) = object.offset {
            let sha256 = object.digests.iter().find(|digest| digest.algorithm == "sha256");
            let sha256 = sha256.map(|digest| digest.hex.to_ascii_lowercase()).unwrap_or_default();
            let part = Part { offset, size: object.size, sha256, name: object.name };
            parts.entry(object.path).or_default().push(part);
        }
    }
    parts.values_mut().for_each(|parts| parts.sort_by_key(|part| part.offset));
    parts
}

/// Hashes a joined file and each segment in it, reading it once.
fn hash_with_parts(
    reader: &mut impl std::io::Read,
    path: &str,
    parts: &[Part],
    damage: &mut Vec<Damage>,
) -> std::io::Result<[u8; 32]> {
    let (mut whole, mut at) = (Sha256::new(), 0_u64);
    for part in parts {
        let skip = part.offset.checked_sub(at);
        let found = match skip {
            // Two segments at the same place cannot both be there.
            None => None,
            Some(skip) => {
                let there = skip == 0 || hash_into(reader, skip, &mut whole)?.is_some();
                at = part.offset.saturating_add(part.size);
                if there { hash_into(reader, part.size, &mut whole)? } else { None }
            }
        };
        let found = found.map(hex::encode);
        if found.as_ref() != Some(&part.sha256) {
            damage.push(Damage::Part {
                path: path.to_owned(),
                name: part.name.clone(),
                offset: part.offset,
                expected: part.sha256.clone(),
                found,
            });
        }
    }
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(whole.finalize().into());
        }
        whole.update(&buffer[..read]);
    }
}

fn hash_all(
    dir: &Path,
    listed: &Listed,
    parts: &BTreeMap<String, Vec<Part>>,
    progress: &(dyn Fn(u64) + Sync),
    damage: &mut Vec<Damage>,
) -> (usize, u64) {
    let left = Mutex::new(listed.iter());
    let bytes = AtomicU64::new(0);
    let problems = Mutex::new(Vec::new());
    let unreadable =
        |path: &str, e: &std::io::Error| Damage::Unreadable { path: path.to_owned(), why: e.to_string() };
    let read = |more| {
        bytes.fetch_add(more, Ordering::Relaxed);
        progress(more);
    };
    let done = |(path, expected): (&String, &String), found: std::io::Result<[u8; 32]>| match found {
        Ok(sha256) => {
            let found = hex::encode(sha256);
            if found != *expected {
                let (path, expected) = (path.clone(), expected.clone());
                guard(&problems).push(Damage::Changed { path, expected, found });
            }
        }
        Err(e) => guard(&problems).push(unreadable(path, &e)),
    };
    let next = || loop {
        let file = guard(&left).next()?;
        let (path, _) = file;
        let opened = match File::open(dir.join(path)) {
            Ok(opened) => opened,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                guard(&problems).push(Damage::Missing { path: path.clone() });
                continue;
            }
            Err(e) => {
                guard(&problems).push(unreadable(path, &e));
                continue;
            }
        };
        match parts.get(path) {
            None => return Some((file, opened.take(u64::MAX))),
            // Two digests of each byte, of which one has to go in order.
            Some(parts) => {
                let mut damage = Vec::new();
                let found =
                    hash_with_parts(&mut Counted { file: opened, read: &read }, path, parts, &mut damage);
                if found.is_ok() {
                    guard(&problems).append(&mut damage);
                }
                done(file, found);
            }
        }
    };
    side_by_side::sha256_of_each(next, read, done);
    damage.append(&mut problems.into_inner().unwrap_or_else(PoisonError::into_inner));
    (listed.len(), bytes.into_inner())
}

/// Tells what is read of a file.
struct Counted<'a> {
    file: File,
    read: &'a dyn Fn(u64),
}

impl std::io::Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        (self.read)(read as u64);
        Ok(read)
    }
}

fn check_oxum(dir: &Path, present: &BTreeSet<String>) -> Result<Option<Damage>, Error> {
    let path = dir.join("bag-info.txt");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        // The tag manifest names it as missing.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).doing("read", &path),
    };
    let Some(expected) = text.lines().find_map(|line| line.strip_prefix("Payload-Oxum:")) else {
        return Ok(None);
    };
    let sizes = present.iter().map(|path| std::fs::metadata(dir.join(path)).map_or(0, |meta| meta.len()));
    let found = format!("{}.{}", sizes.sum::<u64>(), present.len());
    let expected = expected.trim().to_owned();
    Ok((expected != found).then_some(Damage::Oxum { expected, found }))
}

pub(super) fn relative(dir: &Path, path: &Path) -> Option<String> {
    let parts =
        path.strip_prefix(dir).ok()?.components().map(|c| c.as_os_str().to_string_lossy().into_owned());
    Some(parts.collect::<Vec<_>>().join("/"))
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed { path, expected, found } => {
                write!(f, "changed  {path}: sha256 {found}, was {expected}")
            }
            Self::Length { path, expected, found } => {
                write!(f, "changed  {path}: {found} bytes, was {expected}")
            }
            Self::Digest { path, algorithm } => {
                write!(f, "changed  {path}: the {algorithm} of its store is another")
            }
            Self::Part { path, name, offset, expected, found: Some(found) } => {
                write!(f, "changed  {name} in {path} at {offset}: sha256 {found}, was {expected}")
            }
            Self::Part { path, name, offset, found: None, .. } => {
                write!(f, "changed  {name} in {path} at {offset}: not all of it is there")
            }
            Self::Missing { path } => write!(f, "missing  {path}"),
            Self::Extra { path } => write!(f, "extra    {path}: in no manifest"),
            Self::Unreadable { path, why } => write!(f, "unreadable  {path}: {why}"),
            Self::BadLine { file, line } => write!(f, "unusable  {file} line {line}"),
            Self::Oxum { expected, found } => {
                write!(f, "changed  payload: {found} bytes.files, was {expected}")
            }
            Self::NotInManifest { path } => {
                write!(f, "missing  {path}: verified by the report, in no manifest")
            }
        }
    }
}
