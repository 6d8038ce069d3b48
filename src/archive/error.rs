//! What can go wrong on the local side.

use std::path::{Path, PathBuf};

/// A problem with the archive folder or the disk below it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another run is working in the folder.
    #[error("another recfetch is working in `{}`", .dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder is the bag of another recording.
    #[error("`{}` holds another recording: {theirs}", .dir.display())]
    AnotherRecording {
        /// The folder.
        dir: PathBuf,
        /// What it holds.
        theirs: String,
    },
    /// Something is there that recfetch did not write.
    #[error("`{}` was not written by recfetch and is left alone", .path.display())]
    Foreign {
        /// It.
        path: PathBuf,
    },
    /// There is no bag where one was expected.
    #[error("`{}` is not a bag", .dir.display())]
    NotABag {
        /// The folder.
        dir: PathBuf,
    },
    /// The bag keeps the recording in another form than is asked for.
    #[error("`{}` keeps {theirs}", .dir.display())]
    KeptOtherwise {
        /// The folder.
        dir: PathBuf,
        /// What it keeps: `segments` or `joined files`.
        theirs: &'static str,
    },
    /// The disk cannot hold what is still to come.
    #[error("`{}` has room for {available} bytes and {needed} are needed", .dir.display())]
    NoRoom {
        /// The folder.
        dir: PathBuf,
        /// Bytes that are still to be written.
        needed: u64,
        /// Bytes that are free.
        available: u64,
    },
    /// A file of the bag is of a version that this program does not know.
    #[error("`{}` was written by a newer recfetch ({version})", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What it calls its format.
        version: String,
    },
    /// A file of the bag cannot be understood.
    #[error("`{}` cannot be understood", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system refused.
    #[error("could not {doing} `{}`", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
}

impl Error {
    /// Whether the disk is full or a quota is reached.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match self {
            Self::NoRoom { .. } => true,
            Self::Io { cause, .. } => matches!(cause.kind(), StorageFull | QuotaExceeded | FileTooLarge),
            Self::Locked { .. }
            | Self::AnotherRecording { .. }
            | Self::Foreign { .. }
            | Self::NotABag { .. }
            | Self::KeptOtherwise { .. }
            | Self::Newer { .. }
            | Self::Damaged { .. } => false,
        }
    }
}

/// Names what was being done to what, where the system only says why not.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|cause| Error::Io { doing, path: path.to_owned(), cause })
    }
}
