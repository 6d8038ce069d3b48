//! Places that bytes come from: one port, [`Source`], and its adapters.
//!
//! One call is one request. There is no retry, no limit and no verification here: the engine owns the
//! offset and the hashers of a transfer, so only it can go on with one.

mod clock;
mod connect;
pub mod destination;
mod dir;
mod error;
#[cfg(all(fuzzing, feature = "oss"))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod kodo;
mod kodo_answer;
mod kodo_headers;
mod memory;
#[cfg(feature = "oss")]
mod oss;
mod oss_headers;
mod restore;
#[cfg(feature = "s3")]
mod s3;
mod s3_answer;
mod s3_headers;
mod secret;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use crate::domain::key::{KeyError, ObjectKey};
use crate::domain::object::ObjectInfo;
use crate::domain::place::{ETag, Obstacle, SourceName};
use crate::domain::thaw::{RestoreAnswer, RestoreRequest};
use crate::domain::verdict::Framing;

pub use connect::{
    Credentials, KodoHosts, KodoPlace, OssAddressing, OssPlace, OssSignature, Place, S3Place, StoreSpec,
    connect, connect_destination,
};
pub use destination::Destination;
pub use dir::DirSource;
pub use error::{Cause, Error, Operation};
pub(crate) use http::client;
pub(crate) use http::player::{Extent, Player, PlayerReply};
pub use http::{HttpOptions, HttpSource, Proxies};
pub use kodo::KodoSource;
pub use memory::MemorySource;
#[cfg(feature = "oss")]
pub use oss::OssSource;
#[cfg(feature = "s3")]
pub use s3::S3Source;
pub use secret::{RedactedUrl, Secret};

/// A place that holds objects.
///
/// The contract of every method: one request; an error with the [`Obstacle`]
/// that fits; nothing secret in any text. A method may be called by many tasks at once.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// The short label for reports.
    fn name(&self) -> &SourceName;

    /// What kind of place this is, for people: `Amazon S3, eu-west-1, bucket lessons`.
    fn describe(&self) -> String;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Facts about one object, without its bytes.
    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error>;

    /// The bytes of one object from `read.from` on, up to `read.until` where that is given.
    ///
    /// The body yields bytes that start exactly there, or the call fails: a place that ignores the range
    /// and sends the whole object must be skipped through or refused, never handed on. Where the object ends
    /// before `read.from`, or has another tag, it is [`Changed`](crate::domain::place::Obstacle::Changed).
    /// Where an end is given the body stops there or at the object's end, whichever comes first; a place that
    /// cannot serve a part is [`Unsupported`](crate::domain::place::Obstacle::Unsupported).
    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error>;

    /// One page of the keys that start with `prefix`, in the store's order.
    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error>;

    /// The URL by which a player without keys would ask for an object: unsigned, and without anything that is
    /// secret. `None` where there is none.
    async fn public_url(&self, key: &ObjectKey) -> Option<Url> {
        let _ = key;
        None
    }

    /// Whether it has archives that it can be asked to bring objects back from.
    fn can_restore(&self) -> bool {
        false
    }

    /// Asks for the restore of an archived object, of which a listing or [`stat`](Source::stat) told. One that is
    /// under way or done already is no error.
    async fn restore(&self, object: &ObjectInfo, request: &RestoreRequest) -> Result<RestoreAnswer, Error> {
        let _ = request;
        let key = object.key.as_str();
        Err(Error::new(Obstacle::Unsupported, Operation::Restore, self.name(), key)
            .with_answer("nothing can be restored there"))
    }

    /// Takes note of the region that an answer named. `true` where requests go there from now on.
    async fn move_to_region(&self, region: &str) -> bool {
        let _ = region;
        false
    }
}

/// What a place can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether keys can be listed.
    pub listing: Listing,
}

/// Whether a place can list its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// It can.
    Possible,
    /// It cannot: names must be known.
    Impossible,
}

/// Which bytes to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Read<'a> {
    /// The first byte.
    pub from: u64,
    /// The byte behind the last one; `None` reads to the end.
    pub until: Option<u64>,
    /// Only if the object still has this tag.
    pub if_match: Option<&'a ETag>,
}

/// An object whose bytes are about to come.
#[derive(Debug)]
pub struct Opened {
    /// What this answer said about the object; its size is that of the whole object.
    pub info: ObjectInfo,
    /// How the end of the body will be known.
    pub framing: Framing,
    /// The bytes.
    pub body: Body,
}

/// The bytes of an object, as they come.
pub struct Body(BodyKind);

enum BodyKind {
    Http(http::HttpBody),
    File(dir::FileBody),
    Parts(std::collections::VecDeque<Result<Bytes, Error>>),
    Custom(Box<dyn BodyStream>),
}

/// A body of another make, for sources outside this crate.
#[async_trait]
pub trait BodyStream: Send + 'static {
    /// The next bytes, or `None` at the end.
    async fn next(&mut self) -> Option<Result<Bytes, Error>>;
}

impl Body {
    /// A body that is all there.
    #[must_use]
    pub fn from_parts(parts: impl IntoIterator<Item = Result<Bytes, Error>>) -> Self {
        Self(BodyKind::Parts(parts.into_iter().collect()))
    }

    /// A body of another make.
    #[must_use]
    pub fn custom(stream: impl BodyStream) -> Self {
        Self(BodyKind::Custom(Box::new(stream)))
    }

    fn http(body: http::HttpBody) -> Self {
        Self(BodyKind::Http(body))
    }

    fn file(body: dir::FileBody) -> Self {
        Self(BodyKind::File(body))
    }

    /// The next bytes, or `None` at the end. After an error the body is over.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        match &mut self.0 {
            BodyKind::Http(body) => body.next().await,
            BodyKind::File(body) => body.next().await,
            BodyKind::Parts(parts) => parts.pop_front(),
            BodyKind::Custom(stream) => stream.next().await,
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

/// Where a listing goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(pub String);

/// One page of a listing.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The objects.
    pub objects: Vec<ObjectInfo>,
    /// Keys that cannot be safe names, escaped, with the rule that each breaks.
    pub unsafe_keys: Vec<(String, KeyError)>,
    /// Where the next page starts, if there is one.
    pub next: Option<PageToken>,
}

impl Page {
    /// Adds a key as it came, to the objects or to the unsafe keys.
    pub fn push_key(&mut self, key: &str, fill: impl FnOnce(ObjectKey) -> ObjectInfo) {
        match ObjectKey::parse(key) {
            Ok(key) => self.objects.push(fill(key)),
            // Zero-byte "folders" that consoles create are no objects of anybody's.
            Err(KeyError::Folder) => {}
            Err(why) => self.unsafe_keys.push((key.escape_debug().to_string(), why)),
        }
    }
}
