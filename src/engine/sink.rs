//! Where bytes go while nobody knows yet whether they are good.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::Context;
use super::outgoing::Outgoing;
use crate::archive::{self, Archive, Staged};
use crate::source;

/// A place for bytes.
pub(super) enum Sink {
    /// A file without a final name.
    File { staged: Staged, written: u64 },
    /// The pieces as they came, for what is written to its place soon; a file once they are more than expected.
    Held { pieces: Vec<Bytes>, written: u64, room: Room },
    /// Memory, for playlists, up to a bound.
    Memory { bytes: Vec<u8>, most: usize, dropped: u64 },
    /// Another store.
    Sent(Box<Outgoing>),
}

/// Why bytes could not be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Disk(#[from] archive::Error),
    #[error(transparent)]
    Destination(#[from] source::Error),
}

/// A share of the memory that all held pieces may take together.
pub(super) struct Room {
    pub(super) bytes: u64,
    /// Where a file can be had if they are more.
    pub(super) archive: Arc<Archive>,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Sink {
    pub(super) fn held(room: Room) -> Self {
        Self::Held { pieces: Vec::new(), written: 0, room }
    }

    pub(super) fn file(staged: Staged) -> Self {
        Self::File { staged, written: 0 }
    }

    pub(super) fn memory(most: usize) -> Self {
        Self::Memory { bytes: Vec::new(), most, dropped: 0 }
    }

    pub(super) async fn write(&mut self, context: &Context, chunk: &Bytes) -> Result<(), Refused> {
        match self {
            Self::Held { pieces, written, room } => {
                *written += chunk.len() as u64;
                pieces.push(chunk.clone());
                if *written > room.bytes {
                    let mut staged = room.archive.stage()?;
                    pieces.iter().try_for_each(|piece| staged.write(piece))?;
                    *self = Self::File { staged, written: *written };
                }
                Ok(())
            }
            Self::File { staged, written } => {
                *written += chunk.len() as u64;
                Ok(staged.write(chunk)?)
            }
            Self::Sent(outgoing) => Ok(outgoing.write(context, chunk).await?),
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
            Self::File { written, .. } | Self::Held { written, .. } => *written,
            Self::Memory { bytes, dropped, .. } => bytes.len() as u64 + dropped,
            Self::Sent(outgoing) => outgoing.written(),
        }
    }

    /// Whether bytes came that it could not hold.
    pub(super) fn is_cut(&self) -> bool {
        match self {
            Self::File { .. } | Self::Held { .. } | Self::Sent(_) => false,
            Self::Memory { dropped, .. } => *dropped > 0,
        }
    }

    pub(super) async fn restart(&mut self) -> Result<(), Refused> {
        match self {
            Self::Sent(outgoing) => Ok(outgoing.restart().await?),
            Self::File { staged, written } => {
                *written = 0;
                Ok(staged.restart()?)
            }
            Self::Held { pieces, written, .. } => {
                *written = 0;
                pieces.clear();
                Ok(())
            }
            Self::Memory { bytes, dropped, .. } => {
                bytes.clear();
                *dropped = 0;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recording::RecordingId;
    use crate::engine::{FetchOptions, Fetcher};
    use tokio::sync::Semaphore;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn more_bytes_than_were_expected_go_into_a_file_and_the_memory_is_free_again() {
        let context = Fetcher::new(FetchOptions::default(), Arc::new(()), CancellationToken::new()).context;
        let dir = tempfile::tempdir().unwrap();
        let id = RecordingId::parse("38f8e3cfdc474cd56fc1ceba380d7e1a").unwrap();
        let archive = Arc::new(Archive::open(&dir.path().join("bag"), &id).unwrap());
        let memory = Arc::new(Semaphore::new(10));
        let room = |bytes| {
            let permit = memory.clone().try_acquire_many_owned(7).unwrap();
            Sink::held(Room { bytes, archive: archive.clone(), _permit: permit })
        };
        let mut sink = room(10);
        sink.write(&context, &Bytes::from_static(b"01234")).await.unwrap();
        sink.write(&context, &Bytes::from_static(b"56789")).await.unwrap();
        assert!(matches!(&sink, Sink::Held { pieces, .. } if pieces.concat() == b"0123456789"));
        assert_eq!((sink.written(), memory.available_permits()), (10, 3));
        sink.write(&context, &Bytes::from_static(b"X")).await.unwrap();
        let Sink::File { staged, written: 11 } = &sink else { panic!("not a file") };
        let mut found = Vec::new();
        staged.reader().unwrap().read(0..11, &mut |piece| found.extend_from_slice(piece)).unwrap();
        assert_eq!(found, b"0123456789X");
        assert_eq!(memory.available_permits(), 10);
        let mut sink = room(10);
        sink.write(&context, &Bytes::from_static(b"01234")).await.unwrap();
        sink.restart().await.unwrap();
        sink.write(&context, &Bytes::from_static(b"abc")).await.unwrap();
        assert!(matches!(&sink, Sink::Held { pieces, .. } if pieces.concat() == b"abc"));
    }
}
