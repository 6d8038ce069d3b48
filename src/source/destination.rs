//! Stores that take objects: the port [`Destination`], and what its calls take and give.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
#[cfg(any(feature = "s3", feature = "oss"))]
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Error, Source};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::key::ObjectKey;
use crate::domain::place::ETag;

/// A store that can be written to.
///
/// The contract of every method is that of [`Source`]: one request, or the few that the store's protocol makes of
/// one step; an error with the obstacle that fits; nothing secret in any text. There is no retry here. An object
/// has its key only when all its bytes are there: whatever is interrupted leaves nothing under a final name.
#[async_trait]
pub trait Destination: Source {
    /// What a store of this kind answers about the bytes that it got: which digests must be computed to judge it.
    fn proofs(&self) -> &'static [Algorithm];

    /// The least and the most bytes that a part may have, but for the last one.
    fn part_bytes(&self) -> (u64, u64);

    /// Refuses a way of keeping objects that this store does not have, before anything is sent.
    async fn accepts(&self, keeping: &Keeping) -> Result<(), Error>;

    /// Stores an object whole, in the place of whatever has its key. Digests are sent along where the protocol
    /// has a way, so that the store refuses other bytes than these.
    async fn put(&self, object: &Object<'_>) -> Result<Stored, Error>;

    /// Begins an object that comes in parts.
    async fn begin(&self, key: &ObjectKey, keeping: &Keeping) -> Result<Box<dyn Upload>, Error>;

    /// Aborts what was begun below `prefix` before `since`, in seconds of Unix time, and never ended. Says how many
    /// that were.
    async fn abort_unfinished(&self, prefix: &str, since: i64) -> Result<usize, Error>;

    /// Removes an object. One that is not there is no error.
    async fn remove(&self, key: &ObjectKey) -> Result<(), Error>;
}

/// An object that comes in parts, and has no name until [`complete`](Upload::complete).
#[async_trait]
pub trait Upload: Send + Sync {
    /// Sends the next part. It may be sent again where this fails.
    async fn part(&mut self, bytes: &Pieces) -> Result<(), Error>;

    /// Gives the object its key. `digests` are those of the whole.
    async fn complete(&mut self, digests: &[Digest]) -> Result<Stored, Error>;

    /// Gives up: the store forgets the parts.
    async fn abort(&mut self) -> Result<(), Error>;
}

/// An object to be stored whole.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// Its key.
    pub key: &'a ObjectKey,
    /// Its bytes.
    pub bytes: &'a Pieces,
    /// What was computed from them.
    pub digests: &'a [Digest],
    /// How it is kept.
    pub keeping: &'a Keeping,
}

/// How an object is kept, in the words of its store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keeping {
    /// The storage class (`GLACIER_IR`, `ColdArchive`); the bucket's own where nothing is said.
    pub class: Option<String>,
    /// Encryption by the store: `AES256` or `aws:kms` at S3.
    pub encryption: Option<String>,
    /// Tags.
    pub tags: Vec<(String, String)>,
    /// Until when nobody may delete it, where the store has such a lock.
    pub lock: Option<Lock>,
    /// As what it is served.
    pub content_type: Option<&'static str>,
}

/// A lock against deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// Until when, in seconds of Unix time.
    pub until: i64,
    /// Where an object is locked already, until then is enough.
    pub at_least: i64,
}

/// What a store answered about an object that it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The version that it has now.
    pub etag: Option<ETag>,
    /// What the store computed from the bytes that it got.
    pub digests: Vec<Digest>,
    /// Whether the store's own tag of an upload in parts is the one that follows from what was sent.
    pub parts: Parts,
}

/// What the tag of an object that came in parts says about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Parts {
    /// Nothing that can be compared.
    #[default]
    Untold,
    /// It follows from the bytes of all parts.
    Agree,
    /// It follows from other bytes.
    Differ,
}

/// Bytes in the pieces in which they came.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    pieces: Arc<[Bytes]>,
    size: u64,
}

impl Pieces {
    /// How many bytes there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The pieces, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Bytes> {
        self.pieces.iter()
    }
}

impl FromIterator<Bytes> for Pieces {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let pieces: Arc<[Bytes]> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        let size = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self { pieces, size }
    }
}

impl From<Vec<u8>> for Pieces {
    fn from(bytes: Vec<u8>) -> Self {
        std::iter::once(Bytes::from(bytes)).collect()
    }
}

/// Tags as the headers of S3 and OSS want them: a query.
#[cfg(any(feature = "s3", feature = "oss"))]
pub(super) fn tagging(keeping: &Keeping) -> Option<String> {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let tags = keeping.tags.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let tags: Vec<_> = tags.collect();
    (!tags.is_empty()).then(|| tags.join("&"))
}

/// The body of a request. Its length is known, so that it is announced: stores refuse chunks.
#[derive(Debug)]
pub(super) struct PiecesBody {
    pieces: Pieces,
    next: usize,
    left: u64,
}

impl PiecesBody {
    pub(super) fn new(pieces: &Pieces) -> Self {
        Self { pieces: pieces.clone(), next: 0, left: pieces.size }
    }
}

impl HttpBody for PiecesBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let piece = self.pieces.pieces.get(self.next).cloned();
        self.next += 1;
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
