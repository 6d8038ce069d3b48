//! What a player in a page meets at an object: no keys, a part of it, and the question whether the page may.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::{HttpOptions, PlainDialect, Request, Transport};
use crate::domain::place::{Obstacle, SourceName};
use crate::source::{Error, Operation, RedactedUrl};

/// Asks as players do: unsigned, for the first byte, in the name of a page.
pub(crate) struct Player {
    transport: Transport<PlainDialect>,
    origin: HeaderValue,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct PlayerReply {
    /// Whether only the part came, or everything.
    pub(crate) extent: Extent,
    /// `Content-Type`.
    pub(crate) content_type: Option<String>,
    /// `Access-Control-Allow-Origin`.
    pub(crate) allows_origin: Option<String>,
}

/// How much of an object comes where its first byte was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The part.
    Part,
    /// Everything.
    Whole,
}

impl Player {
    /// A player in a page of `origin`: `https://player.example`.
    ///
    /// # Errors
    /// Where no TLS client can be set up, or the origin cannot be one.
    pub(crate) fn new(name: &SourceName, origin: &str, options: &HttpOptions) -> Result<Self, Error> {
        let transport = Transport::new(name.clone(), options, PlainDialect)?;
        let origin = HeaderValue::from_str(origin).map_err(|cause| {
            let error = Error::new(Obstacle::Unexpected, Operation::Sign, name, "");
            error.with_answer("the origin cannot be sent").with_cause(cause)
        })?;
        Ok(Self { transport, origin })
    }

    /// One request for the first byte at this URL.
    ///
    /// # Errors
    /// Where it is refused or not answered.
    pub(crate) async fn ask(&self, target: &str, url: Url) -> Result<PlayerReply, Error> {
        let headers = [
            (header::RANGE, HeaderValue::from_static("bytes=0-0")),
            (header::ORIGIN, self.origin.clone()),
            (header::ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        ];
        let request = Request { url: RedactedUrl::new(url), headers: HeaderMap::from_iter(headers) };
        let answer = self.transport.send(Method::GET, Operation::Read, target, request).await?;
        let text = |name: HeaderName| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        Ok(PlayerReply {
            extent: match answer.status() {
                StatusCode::PARTIAL_CONTENT => Extent::Part,
                _ => Extent::Whole,
            },
            content_type: text(header::CONTENT_TYPE),
            allows_origin: text(header::ACCESS_CONTROL_ALLOW_ORIGIN),
        })
    }
}
