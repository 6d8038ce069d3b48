//! A sealed bag on a disk, read as one tar. Every file is hashed once more on the way: a tar whose bytes are not
//! those that the manifests vouch for is never finished.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::bag::{DECLARATION, MANIFEST, TAG_MANIFEST};
use super::contents::tag_names;
use super::elsewhere::TagFile;
use super::error::{Doing, Error};
use super::pack::{Packing, Planned, TarPlan, padding, trailer};
use super::payload::read_payload;
use super::verify::manifest_lines;
use crate::domain::digest::{Algorithm, Digest};

/// A bag that is to become a tar.
#[derive(Debug)]
pub struct BagTar {
    dir: PathBuf,
    /// What lies where in it.
    pub plan: TarPlan,
    /// Its tag files, in the order in which they are written beside a tar.
    pub tags: Vec<TagFile>,
    /// Files of the payload.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl BagTar {
    /// Lays out the bag in `dir` as a tar that unpacks to the folder `folder`: the payload in the order of its
    /// manifest, then the tag files.
    ///
    /// # Errors
    /// [`Error::NotABag`] where it is not sealed; [`Error::Damaged`] where it is not as its manifests say;
    /// [`Error::Io`] where it cannot be read.
    pub fn open(dir: &Path, folder: &str, mtime: u64) -> Result<Self, Error> {
        if ![DECLARATION, MANIFEST, TAG_MANIFEST].iter().all(|file| dir.join(file).is_file()) {
            return Err(Error::NotABag { dir: dir.to_owned() });
        }
        let read = |file: &str| {
            let path = dir.join(file);
            std::fs::read(&path).doing("read", &path)
        };
        let tag_manifest = read(TAG_MANIFEST)?;
        let mut bad = Vec::new();
        let listed = manifest_lines(TAG_MANIFEST, &String::from_utf8_lossy(&tag_manifest), &mut bad);
        let mut tags = Vec::new();
        for file in tag_names(&tag_manifest) {
            let bytes = read(&file)?;
            if listed.get(&file) != Some(&hex::encode(Sha256::digest(&bytes))) {
                return Err(not_as_listed(dir.join(file)));
            }
            tags.push(TagFile { file, bytes });
        }
        let manifest = tags.iter().find(|tag| tag.file == MANIFEST).map(|tag| tag.bytes.clone());
        let manifest = manifest.ok_or_else(|| not_as_listed(dir.join(MANIFEST)))?;
        let payload = manifest_lines(MANIFEST, &String::from_utf8_lossy(&manifest), &mut bad);
        if !bad.is_empty() {
            return Err(not_as_listed(dir.join(MANIFEST)));
        }
        // Readers of a bag begin with the manifests: they come last beside the tar.
        tags.sort_by(|a, b| (a.file == MANIFEST, &a.file).cmp(&(b.file == MANIFEST, &b.file)));
        tags.push(TagFile { file: TAG_MANIFEST.to_owned(), bytes: tag_manifest });
        let (mut files, mut bytes) = (Vec::new(), 0);
        for (path, hex) in payload {
            let file = dir.join(&path);
            let size = std::fs::metadata(&file).doing("examine", &file)?.len();
            let sha256 = Digest::from_hex(Algorithm::Sha256, &hex).ok_or_else(|| not_as_listed(file))?;
            bytes += size;
            files.push(Packing { path, size, sha256 });
        }
        let objects = files.len();
        for TagFile { file, bytes } in &tags {
            let sha256 = Digest::new(Algorithm::Sha256, Sha256::digest(bytes));
            let sha256 = sha256.ok_or_else(|| not_as_listed(dir.join(file)))?;
            files.push(Packing { path: file.clone(), size: bytes.len() as u64, sha256 });
        }
        Ok(Self { dir: dir.to_owned(), plan: TarPlan::new(folder, files, mtime), tags, objects, bytes })
    }

    /// Hands out the tar, piece by piece. It stops early where `take` says `false`.
    ///
    /// # Errors
    /// [`Error::Damaged`] where a file is not as the manifest says: what was handed out is no tar then.
    pub fn read(&self, take: &mut dyn FnMut(Bytes) -> bool) -> Result<(), Error> {
        for Planned { path, header, packed } in &self.plan.files {
            let mut goes_on = take(Bytes::from(header.clone()));
            let (mut sha256, mut size) = (Sha256::new(), 0);
            read_payload(&self.dir, path, None, &mut |piece| {
                sha256.update(piece);
                size += piece.len() as u64;
                goes_on = goes_on && take(Bytes::copy_from_slice(piece));
            })?;
            if size != packed.size || sha256.finalize()[..] != *packed.sha256.bytes() {
                return Err(not_as_listed(self.dir.join(path)));
            }
            if !(goes_on && take(Bytes::from(vec![0; padding(packed.size)]))) {
                return Ok(());
            }
        }
        take(Bytes::from(trailer()));
        Ok(())
    }
}

fn not_as_listed(path: PathBuf) -> Error {
    Error::Damaged { path, cause: "it is not as the manifests of its bag say".into() }
}
