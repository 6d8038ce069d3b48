//! A file that is still being written. It has no name that anybody could take for finished.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::{Doing, Error};
use super::payload::PIECE;

/// A file in the folder of unfinished ones. Dropped without being published, it is removed; what a crash
/// leaves there is swept when the archive is opened next.
#[derive(Debug)]
pub struct Staged {
    file: File,
    path: PathBuf,
    published: bool,
}

impl Staged {
    pub(super) fn create(path: PathBuf) -> Result<Self, Error> {
        let file =
            File::options().read(true).write(true).create_new(true).open(&path).doing("create", &path)?;
        Ok(Self { file, path, published: false })
    }

    /// Writes at the end. The bytes go to the page cache, so this is short enough for an async task.
    ///
    /// # Errors
    /// Where the disk is full or broken.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).doing("write", &self.path)
    }

    /// Writes at a place of its own. Several may at once, each elsewhere.
    ///
    /// # Errors
    /// Where the disk is full or broken.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all_at(bytes, offset).doing("write", &self.path)
    }

    /// For reading what was written, from another thread.
    ///
    /// # Errors
    /// Where the system has no more file handles.
    pub fn reader(&self) -> Result<StagedReader, Error> {
        let file = self.file.try_clone().doing("read", &self.path)?;
        Ok(StagedReader { file, path: self.path.clone() })
    }

    /// Starts again from the first byte.
    ///
    /// # Errors
    /// Where the disk is broken.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.file.set_len(0).doing("empty", &self.path)?;
        self.file.seek(SeekFrom::Start(0)).doing("empty", &self.path)?;
        Ok(())
    }

    /// Makes sure that the bytes survive a loss of power.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().doing("sync", &self.path)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its final name.
    pub(super) fn rename(mut self, to: &Path) -> Result<(), Error> {
        std::fs::rename(&self.path, to).doing("rename to", to)?;
        self.published = true;
        Ok(())
    }
}

/// Reads a file that is still being written.
#[derive(Debug)]
pub struct StagedReader {
    file: File,
    path: PathBuf,
}

impl StagedReader {
    /// Hands out the bytes of a part of the file, piece by piece.
    ///
    /// # Errors
    /// Where the disk is broken, or the file ends before.
    pub fn read(&self, part: Range<u64>, take: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let mut buffer = vec![0; PIECE];
        let mut at = part.start;
        while at < part.end {
            let most = usize::try_from(part.end - at).unwrap_or(usize::MAX).min(buffer.len());
            let piece = &mut buffer[..most];
            self.file.read_exact_at(piece, at).doing("read", &self.path)?;
            take(piece);
            at += most as u64;
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is swept at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
