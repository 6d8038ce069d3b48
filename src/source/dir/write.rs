//! Writing to a folder.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use super::{DirSource, PARTIAL, info};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::key::ObjectKey;
use crate::domain::place::Obstacle;
use crate::source::destination::{Destination, Keeping, Object, Pieces, Stored, Upload};
use crate::source::{Error, Operation};

#[async_trait]
impl Destination for DirSource {
    fn proofs(&self) -> &'static [Algorithm] {
        // A disk answers nothing: what was written is read again.
        &[Algorithm::Sha256]
    }

    fn part_bytes(&self) -> (u64, u64) {
        (1, u64::MAX)
    }

    async fn accepts(&self, keeping: &Keeping) -> Result<(), Error> {
        let fail = |obstacle| Error::new(obstacle, Operation::Write, &self.name, "");
        if *keeping != (Keeping { content_type: keeping.content_type, ..Keeping::default() }) {
            let words = "a folder has no classes, encryption, tags or locks";
            return Err(fail(Obstacle::Unsupported).with_answer(words));
        }
        // Not to be made: the disk that it is on may just be missing.
        match tokio::fs::metadata(&self.root).await {
            Ok(meta) if meta.is_dir() => Ok(()),
            Ok(_) | Err(_) => {
                let words = format!("there is no folder {}", self.root.display());
                Err(fail(Obstacle::NoSuchBucket).with_answer(words))
            }
        }
    }

    async fn put(&self, object: &Object<'_>) -> Result<Stored, Error> {
        let mut upload = self.begin(object.key, object.keeping).await?;
        upload.part(object.bytes).await?;
        upload.complete(object.digests).await
    }

    async fn begin(&self, key: &ObjectKey, keeping: &Keeping) -> Result<Box<dyn Upload>, Error> {
        self.accepts(keeping).await?;
        // Several programs may write here at once, on several machines.
        let number = RandomState::new().hash_one(key);
        let (root, name, to) = (self.root.clone(), format!("{number:016x}"), self.path(key));
        let created = tokio::task::spawn_blocking(move || {
            let folder = root.join(PARTIAL);
            std::fs::create_dir_all(&folder)?;
            let path = folder.join(name);
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
            // Made on this thread: nobody may be waiting for it any more, and then it removes itself.
            Ok(Growing { file: Some(file), path, to })
        });
        let created = flat(created.await);
        let growing = created.map_err(|cause| self.error(Operation::Write, key.as_str(), cause))?;
        Ok(Box::new(DirUpload { dir: self.clone(), key: key.clone(), growing: Some(growing) }))
    }

    async fn abort_unfinished(&self, _: &str, since: i64) -> Result<usize, Error> {
        let folder = self.root.join(PARTIAL);
        let swept = tokio::task::spawn_blocking(move || sweep(&folder, since)).await;
        flat(swept).map_err(|cause| self.error(Operation::Remove, PARTIAL, cause))
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), Error> {
        match tokio::fs::remove_file(self.path(key)).await {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(self.error(Operation::Remove, key.as_str(), cause))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// A file that has no name yet. Dropped without one, it is removed.
struct Growing {
    file: Option<File>,
    path: PathBuf,
    to: PathBuf,
}

struct DirUpload {
    dir: DirSource,
    key: ObjectKey,
    growing: Option<Growing>,
}

impl DirUpload {
    /// Does something with the file on a thread that may wait for the disk.
    async fn with<T: Send + 'static>(
        &mut self,
        operation: Operation,
        work: impl FnOnce(&mut Growing) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let gone = || Error::new(Obstacle::Unexpected, operation, &self.dir.name, self.key.as_str());
        let mut growing = self.growing.take().ok_or_else(gone)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&mut growing);
            (growing, done)
        });
        let (growing, done) = done.await.map_err(|panic| gone().with_cause(panic))?;
        self.growing = Some(growing);
        done.map_err(|cause| self.dir.error(operation, self.key.as_str(), cause))
    }
}

#[async_trait]
impl Upload for DirUpload {
    async fn part(&mut self, bytes: &Pieces) -> Result<(), Error> {
        let bytes = bytes.clone();
        self.with(Operation::Write, move |growing| {
            let Some(file) = &mut growing.file else { return Ok(()) };
            let start = file.metadata()?.len();
            let written = bytes.iter().try_for_each(|piece| file.write_all(piece));
            if written.is_err() {
                // It may be sent again.
                file.set_len(start)?;
                std::io::Seek::seek(file, std::io::SeekFrom::Start(start))?;
            }
            written
        })
        .await
    }

    async fn complete(&mut self, _: &[Digest]) -> Result<Stored, Error> {
        let key = self.key.clone();
        self.with(Operation::Write, move |growing| {
            let Some(file) = &mut growing.file else { return Ok(Stored::default()) };
            file.sync_data()?;
            std::io::Seek::seek(file, std::io::SeekFrom::Start(0))?;
            let found = sha256(file)?;
            if let Some(folder) = growing.to.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::rename(&growing.path, &growing.to)?;
            let meta = file.metadata()?;
            growing.file = None;
            if let Some(folder) = growing.to.parent() {
                File::open(folder)?.sync_all()?;
            }
            let digests = Digest::new(Algorithm::Sha256, found).into_iter().collect();
            Ok(Stored { etag: info(key, &meta).etag, digests, ..Stored::default() })
        })
        .await
    }

    async fn abort(&mut self) -> Result<(), Error> {
        self.growing = None;
        Ok(())
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        if self.file.is_some() {
            // What cannot be removed now is swept later.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn sha256(file: &mut File) -> std::io::Result<[u8; 32]> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; super::READ_BYTES]);
    loop {
        let read = std::io::Read::read(file, &mut buffer)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&buffer[..read]);
    }
}

fn sweep(folder: &Path, since: i64) -> std::io::Result<usize> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(cause) => return Err(cause),
    };
    let mut swept = 0;
    for entry in entries {
        let entry = entry?;
        let modified =
            entry.metadata()?.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        if i64::try_from(modified.as_secs()).is_ok_and(|modified| modified < since) {
            std::fs::remove_file(entry.path())?;
            swept += 1;
        }
    }
    Ok(swept)
}

fn flat<T>(done: Result<std::io::Result<T>, tokio::task::JoinError>) -> std::io::Result<T> {
    done.unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
}
