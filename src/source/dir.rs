//! A local folder as a source: a second copy on a disk, or a bucket that was synced.

mod write;

use std::io::{ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{Body, Capabilities, Error, Listing, Opened, Operation, Page, PageToken, Read, Source};
use crate::domain::key::ObjectKey;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Denial, ETag, Obstacle, SourceName};
use crate::domain::time::SliceTime;
use crate::domain::verdict::Framing;

const READ_BYTES: usize = 256 * 1024;

/// Where files lie that are still being written. It is never listed.
const PARTIAL: &str = ".recfetch-partial";

/// A folder that is read as a store: the path of a file below it is its key.
///
/// A folder vouches for nothing: what comes from it is proven by another store's digest or by structure.
#[derive(Debug, Clone)]
pub struct DirSource {
    name: SourceName,
    root: PathBuf,
}

impl DirSource {
    /// Reads below `root`.
    #[must_use]
    pub fn new(name: SourceName, root: impl Into<PathBuf>) -> Self {
        Self { name, root: root.into() }
    }

    fn path(&self, key: &ObjectKey) -> PathBuf {
        // A key has no `..` and no root, so this stays below the folder.
        self.root.join(key.as_str())
    }

    fn error(&self, operation: Operation, target: &str, cause: std::io::Error) -> Error {
        let kind = cause.kind();
        let obstacle =
            if matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory) {
                Obstacle::Absent
            } else if kind == ErrorKind::PermissionDenied {
                Obstacle::Denied(Denial::NotAllowed)
            } else {
                Obstacle::Unreachable
            };
        Error::new(obstacle, operation, &self.name, target).with_cause(cause)
    }
}

#[async_trait]
impl Source for DirSource {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn describe(&self) -> String {
        format!("folder {}", self.root.display())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { listing: Listing::Possible }
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        let path = self.path(key);
        let meta =
            tokio::fs::metadata(&path).await.map_err(|e| self.error(Operation::Stat, key.as_str(), e))?;
        if !meta.is_file() {
            return Err(Error::new(Obstacle::Absent, Operation::Stat, &self.name, key.as_str()));
        }
        Ok(info(key.clone(), &meta))
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        let fail = |e| self.error(Operation::Read, key.as_str(), e);
        let mut file = tokio::fs::File::open(self.path(key)).await.map_err(fail)?;
        let meta = file.metadata().await.map_err(fail)?;
        if !meta.is_file() {
            return Err(Error::new(Obstacle::Absent, Operation::Read, &self.name, key.as_str()));
        }
        let info = info(key.clone(), &meta);
        let other_version = read.if_match.is_some() && read.if_match != info.etag.as_ref();
        if other_version || read.from > meta.len() {
            return Err(Error::new(Obstacle::Changed, Operation::Read, &self.name, key.as_str()));
        }
        file.seek(SeekFrom::Start(read.from)).await.map_err(fail)?;
        let left = read.until.unwrap_or(u64::MAX).saturating_sub(read.from);
        let body = FileBody { file: file.take(left), name: self.name.clone(), key: key.as_str().to_owned() };
        Ok(Opened { info, framing: Framing::Length, body: Body::file(body) })
    }

    async fn list(&self, prefix: &str, _after: Option<&PageToken>) -> Result<Page, Error> {
        let (root, wanted) = (self.root.clone(), prefix.to_owned());
        let listed = tokio::task::spawn_blocking(move || walk(&root, &wanted)).await;
        let failed = |cause| self.error(Operation::List, prefix, cause);
        listed.map_err(|panic| failed(std::io::Error::other(panic)))?.map_err(failed)
    }
}

/// All files below `root` whose key starts with `prefix`, without entering folders that cannot match.
fn walk(root: &Path, prefix: &str) -> std::io::Result<Page> {
    let mut page = Page::default();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound && !folder.is_empty() => continue,
            Err(e) => return Err(e),
        };
        for entry in entries {
            let entry = entry?;
            let key = format!("{folder}{}", entry.file_name().to_string_lossy());
            // Follows links, as a web server on the same folder would.
            let Ok(meta) = std::fs::metadata(entry.path()) else { continue };
            if meta.is_dir() {
                let below = format!("{key}/");
                let linked = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                let unfinished = folder.is_empty() && entry.file_name() == PARTIAL;
                if !linked && !unfinished && (below.starts_with(prefix) || prefix.starts_with(&below)) {
                    folders.push(below);
                }
            } else if key.starts_with(prefix) {
                page.push_key(&key, |key| info(key, &meta));
            }
        }
    }
    page.objects.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(page)
}

fn info(key: ObjectKey, meta: &std::fs::Metadata) -> ObjectInfo {
    let modified = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    let stamp = modified.map_or(0, |d| d.as_nanos());
    ObjectInfo {
        size: Some(meta.len()),
        etag: Some(ETag::new(&format!("{stamp:x}-{:x}", meta.len()))),
        modified: modified.and_then(|d| i64::try_from(d.as_millis()).ok()).and_then(SliceTime::from_unix_ms),
        ..ObjectInfo::bare(key)
    }
}

pub(super) struct FileBody {
    file: tokio::io::Take<tokio::fs::File>,
    name: SourceName,
    key: String,
}

impl FileBody {
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let mut buffer = BytesMut::with_capacity(READ_BYTES);
        match self.file.read_buf(&mut buffer).await {
            Ok(0) => None,
            Ok(_) => Some(Ok(buffer.freeze())),
            Err(e) => Some(Err(
                Error::new(Obstacle::Unreachable, Operation::Read, &self.name, &*self.key).with_cause(e)
            )),
        }
    }
}
