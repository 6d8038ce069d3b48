//! A bag at one look: whether it is as it was sealed, by its tag files and by the lengths of the rest. No byte of
//! the payload is read.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::bag::{DECLARATION, MANIFEST, REPORT, TAG_MANIFEST};
use super::error::{Doing as _, Error};
use super::verify::read_manifest;
use super::{ReportV1, bag};

/// What a sealed bag says.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its report.
    pub report: ReportV1,
    /// SHA-256 of the manifest of its tag files, which vouches for everything else.
    pub proof: String,
    /// Files that are gone, or that are longer or shorter than they were, and tag files that are others.
    pub changed: Vec<String>,
}

impl Standing {
    /// Looks at the bag in `dir`; `None` where there is none that was sealed.
    ///
    /// # Errors
    /// Where it cannot be read or understood.
    pub fn of(dir: &Path) -> Result<Option<Self>, Error> {
        if [DECLARATION, TAG_MANIFEST, MANIFEST, REPORT].iter().any(|file| !dir.join(file).is_file()) {
            return Ok(None);
        }
        let Some(report) = bag::report_of(dir)? else { return Ok(None) };
        let digest = |file: &str| {
            let path = dir.join(file);
            let bytes = std::fs::read(&path).doing("read", &path)?;
            Ok::<_, Error>(hex::encode(Sha256::digest(&bytes)))
        };
        let proof = digest(TAG_MANIFEST)?;
        let mut unclear = Vec::new();
        let mut changed = Vec::new();
        for (file, expected) in read_manifest(dir, TAG_MANIFEST, &mut unclear)? {
            if !dir.join(&file).is_file() || digest(&file)? != expected {
                changed.push(file);
            }
        }
        let is_here = |path: &str, size: u64, offset: Option<u64>| {
            let length =
                std::fs::metadata(dir.join(path)).ok().filter(|meta| meta.is_file()).map(|m| m.len());
            match (length, offset) {
                (Some(length), None) => length == size,
                (Some(length), Some(offset)) => offset.checked_add(size).is_some_and(|end| end <= length),
                (None, _) => false,
            }
        };
        for object in &report.objects {
            if let (Some(path), Some(size)) = (&object.path, object.size)
                && !is_here(path, size, object.offset)
            {
                changed.push(path.clone());
            }
        }
        if !unclear.is_empty() {
            changed.push(TAG_MANIFEST.to_owned());
        }
        changed.dedup();
        Ok(Some(Self { report, proof, changed }))
    }
}
