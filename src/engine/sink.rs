//! Where bytes go while nobody knows yet whether they are good.

use crate::archive::{Error, Staged};

/// A place for bytes.
pub(super) enum Sink {
    /// A file without a final name.
    File { staged: Staged, written: u64 },
    /// Memory, for playlists, up to a bound.
    Memory { bytes: Vec<u8>, most: usize, dropped: u64 },
}

impl Sink {
    pub(super) fn file(staged: Staged) -> Self {
        Self::File { staged, written: 0 }
    }

    pub(super) fn memory(most: usize) -> Self {
        Self::Memory { bytes: Vec::new(), most, dropped: 0 }
    }

    pub(super) fn write(&mut self, chunk: &[u8]) -> Result<(), Error> {
        match self {
            Self::File { staged, written } => {
                *written += chunk.len() as u64;
                staged.write(chunk)
            }
            Self::Memory { bytes, most, dropped } => {
                let room = most.saturating_sub(bytes.len()).min(chunk.len());
                bytes.extend_from_slice(&chunk[..room]);
                *dropped += (chunk.len() - room) as u64;
                Ok(())
            }
        }
    }

    pub(super) fn written(&self) -> u64 {
        match self {
            Self::File { written, .. } => *written,
            Self::Memory { bytes, dropped, .. } => bytes.len() as u64 + dropped,
        }
    }

    /// Whether bytes came that it could not hold.
    pub(super) fn is_cut(&self) -> bool {
        match self {
            Self::File { .. } => false,
            Self::Memory { dropped, .. } => *dropped > 0,
        }
    }

    pub(super) fn restart(&mut self) -> Result<(), Error> {
        match self {
            Self::File { staged, written } => {
                *written = 0;
                staged.restart()
            }
            Self::Memory { bytes, dropped, .. } => {
                bytes.clear();
                *dropped = 0;
                Ok(())
            }
        }
    }
}
