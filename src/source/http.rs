//! The one HTTP transport, and plain web servers as a source.
//!
//! Every store that speaks HTTP is read through [`Transport`], so that ranges, timeouts, redirects, proxies
//! and the meaning of a status exist once. A store brings a way to sign and a [`Dialect`]: how its answers
//! are read.

mod asking;
mod document;
pub(super) mod player;
mod sending;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::error::Operation;
use super::secret::RedactedUrl;
use super::{
    Body, Capabilities, Error, Listing, Opened, Page, PageToken, Read, Source, kodo_answer, kodo_headers,
    oss_headers, s3_answer, s3_headers,
};
use crate::domain::key::ObjectKey;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Denial, ETag, Obstacle, SourceName};
use crate::domain::time::SliceTime;
use crate::domain::verdict::Framing;

/// Unreserved characters of RFC 3986 and the slash stand for themselves in a path; all else is encoded,
/// because a key is not a reference.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// How much of an error's body is read to find out what the store means.
const ERROR_BODY_BYTES: usize = 64 * 1024;

const MAX_REDIRECTS: usize = 5;

/// Settings of the transport.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long an answer or its next bytes may take before the transfer counts as stalled.
    pub stall_timeout: Duration,
    /// Whether the proxies of the system are used.
    pub proxies: Proxies,
}

/// Which proxies are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxies {
    /// None.
    Direct,
    /// Those that the environment names (`HTTPS_PROXY`, `NO_PROXY` …).
    System,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            proxies: Proxies::Direct,
        }
    }
}

/// A request that is ready to be sent.
pub(super) struct Request {
    pub(super) url: RedactedUrl,
    pub(super) headers: HeaderMap,
}

/// How a store's answers are read, beyond what HTTP says.
pub(super) trait Dialect: Send + Sync + 'static {
    /// What a failed answer means. `body` is its beginning.
    fn obstacle(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Obstacle, Option<String>);

    /// Adds what the headers vouch for: digests, storage class.
    fn enrich(&self, headers: &HeaderMap, info: &mut ObjectInfo);

    /// Whether a redirect may be followed. A signed request is only good for its own host.
    fn follows_redirects(&self) -> bool;
}

/// The one HTTP client: what holds for TLS, proxies and timeouts holds for every request.
pub(crate) fn client(options: &HttpOptions) -> reqwest::Result<reqwest::Client> {
    builder(options).read_timeout(options.stall_timeout).build()
}

fn builder(options: &HttpOptions) -> reqwest::ClientBuilder {
    // Idempotent: where the program has chosen a provider already, that one stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        // One HTTP/2 connection would carry all segments over a single TCP window.
        .http1_only()
        .connect_timeout(options.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_keepalive(Duration::from_secs(60))
        .user_agent(concat!("recfetch/", env!("CARGO_PKG_VERSION")));
    match options.proxies {
        Proxies::Direct => builder.no_proxy(),
        Proxies::System => builder,
    }
}

/// Sends requests and reads answers.
#[derive(Clone)]
pub(super) struct Transport<D> {
    client: reqwest::Client,
    /// For bodies that are sent: an answer comes only after them, however long they take.
    sender: reqwest::Client,
    stall_timeout: Duration,
    name: SourceName,
    dialect: D,
}

impl<D: Dialect> Transport<D> {
    pub(super) fn new(name: SourceName, options: &HttpOptions, dialect: D) -> Result<Self, Error> {
        let clients = client(options).and_then(|client| Ok((client, builder(options).build()?)));
        let (client, sender) = clients.map_err(|cause| {
            // Where no authority at all is known, that is found out before anything is asked.
            let of_tls = tls_error(&cause).is_some();
            let obstacle = if of_tls { Obstacle::Untrusted } else { Obstacle::Unexpected };
            Error::new(obstacle, Operation::Sign, &name, "").with_cause(cause)
        })?;
        Ok(Self { client, sender, stall_timeout: options.stall_timeout, name, dialect })
    }

    pub(super) fn name(&self) -> &SourceName {
        &self.name
    }

    pub(super) async fn stat(&self, key: &ObjectKey, request: Request) -> Result<ObjectInfo, Error> {
        let answer = self.send(Method::HEAD, Operation::Stat, key.as_str(), request).await?;
        Ok(self.read_info(key, answer.headers()))
    }

    pub(super) async fn open(
        &self,
        key: &ObjectKey,
        read: Read<'_>,
        mut request: Request,
    ) -> Result<Opened, Error> {
        // What is archived is archived as stored: no transfer may unpack it on the way.
        request.headers.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
        let range = match read.until {
            Some(until) => Some(format!("bytes={}-{}", read.from, until.saturating_sub(1))),
            None => (read.from > 0).then(|| format!("bytes={}-", read.from)),
        };
        if let Some(range) = range {
            request.headers.insert(header::RANGE, header_value(&range));
        }
        if let Some(etag) = read.if_match {
            request.headers.insert(header::IF_MATCH, header_value(&etag.quoted()));
        }
        let answer = self.send(Method::GET, Operation::Read, key.as_str(), request).await?;
        let mut info = self.read_info(key, answer.headers());
        let framing = framing(&answer);
        let length = info.size;
        let mut skip = 0;
        if answer.status() == StatusCode::PARTIAL_CONTENT {
            let range = content_range(answer.headers());
            let fits = range
                .is_some_and(|r| r.first == read.from && length.is_none_or(|l| l == r.last + 1 - r.first));
            let ends = range.is_some_and(|r| match read.until {
                Some(until) => r.last + 1 == until || r.last + 1 < until && r.whole == Some(r.last + 1),
                None if read.from > 0 => true,
                // Nobody asked for a part of the object: what comes must be all of it.
                None => r.whole == Some(r.last + 1),
            });
            if !fits || !ends {
                // A place that gets ranges wrong may still serve the whole object.
                let obstacle = match read.until {
                    Some(_) => Obstacle::Unsupported,
                    None if read.from > 0 => Obstacle::Changed,
                    None => Obstacle::Unexpected,
                };
                return Err(self
                    .error(obstacle, Operation::Read, key.as_str())
                    .with_answer("the range of the answer is not the one that was asked for"));
            }
            info.size = range.and_then(|r| r.whole);
        } else if read.until.is_some() {
            // It would send the whole object for each part.
            return Err(self
                .error(Obstacle::Unsupported, Operation::Read, key.as_str())
                .with_answer("a part was asked for and the whole object comes"));
        } else if read.from > 0 {
            // The range was ignored and the object comes from its start: what is here already is read past.
            if read.if_match.is_none() || info.etag.as_ref() != read.if_match {
                return Err(self.error(Obstacle::Changed, Operation::Read, key.as_str()));
            }
            skip = read.from;
        }
        if answer.headers().contains_key(header::CONTENT_ENCODING)
            && answer.headers().get(header::CONTENT_ENCODING).is_some_and(|v| v != "identity")
        {
            // Neither length nor digest of the stored object can be compared with an encoded body.
            info.size = None;
            info.digests.clear();
        }
        let body =
            HttpBody { answer, skip, left: length, name: self.name.clone(), key: key.as_str().to_owned() };
        Ok(Opened { info, framing, body: Body::http(body) })
    }

    async fn send(
        &self,
        method: Method,
        operation: Operation,
        target: &str,
        request: Request,
    ) -> Result<reqwest::Response, Error> {
        let mut url = request.url.expose().clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self
                .client
                .request(method.clone(), url.clone())
                .headers(request.headers.clone())
                .send()
                .await
                .map_err(|cause| transport_error(&self.name, operation, target, cause))?;
            tracing::debug!(store = %self.name, %method, target, status = answer.status().as_u16());
            // Other successes carry something else than the object, or nothing.
            if matches!(answer.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
                return Ok(answer);
            }
            let next = answer.status().is_redirection() && self.dialect.follows_redirects();
            match next.then(|| redirect_target(&url, answer.headers())).flatten() {
                Some(next) => url = next,
                None => return Err(self.refused(operation, target, answer).await),
            }
        }
        Err(self.error(Obstacle::Unexpected, operation, target).with_answer("redirected in a circle"))
    }

    async fn refused(&self, operation: Operation, target: &str, mut answer: reqwest::Response) -> Error {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        while body.len() < ERROR_BODY_BYTES {
            match answer.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        let (obstacle, words) = self.dialect.obstacle(status, &headers, &body);
        let mut text = format!("HTTP {}", status.as_u16());
        if let Some(words) = words {
            text.push(' ');
            text.push_str(&words);
        }
        let mut error = self.error(obstacle, operation, target).with_answer(text);
        error.retry_after = retry_after(&headers);
        error
    }

    fn read_info(&self, key: &ObjectKey, headers: &HeaderMap) -> ObjectInfo {
        let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
        let mut info = ObjectInfo {
            size: text(header::CONTENT_LENGTH).and_then(|v| v.parse().ok()),
            etag: text(header::ETAG).filter(|v| !v.starts_with("W/")).map(ETag::new),
            modified: text(header::LAST_MODIFIED).and_then(http_date),
            content_type: text(header::CONTENT_TYPE).map(str::to_owned),
            ..ObjectInfo::bare(key.clone())
        };
        self.dialect.enrich(headers, &mut info);
        info
    }

    fn error(&self, obstacle: Obstacle, operation: Operation, target: &str) -> Error {
        Error::new(obstacle, operation, &self.name, target)
    }
}

/// The bytes of an HTTP answer.
pub(super) struct HttpBody {
    answer: reqwest::Response,
    /// Bytes to read past, where the server ignored the range.
    skip: u64,
    /// Bytes that were announced and have not come.
    left: Option<u64>,
    name: SourceName,
    key: String,
}

impl HttpBody {
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        loop {
            let mut chunk = match self.answer.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => {
                    // hyper notices a short body by itself; a proxy in between may not.
                    let short = self.left.is_some_and(|left| left > 0);
                    self.left = None;
                    return short.then(|| {
                        Err(Error::new(Obstacle::Unreachable, Operation::Read, &self.name, &*self.key)
                            .with_answer("the body was cut short"))
                    });
                }
                Err(cause) => {
                    self.left = None;
                    return Some(Err(transport_error(&self.name, Operation::Read, &self.key, cause)));
                }
            };
            self.left = self.left.map(|left| left.saturating_sub(chunk.len() as u64));
            if self.skip > 0 {
                let past = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len());
                self.skip -= past as u64;
                chunk = chunk.slice(past..);
            }
            if !chunk.is_empty() {
                return Some(Ok(chunk));
            }
        }
    }
}

/// A web server as a source: the form in which a public bucket, or a copy of what Agora Cloud Backup
/// held, is reached. It cannot list, and its ETag proves nothing.
pub struct HttpSource {
    transport: Transport<PlainDialect>,
    base: RedactedUrl,
    /// One object whose URL has a query of its own: a presigned playlist.
    presigned: Option<(ObjectKey, RedactedUrl)>,
}

impl HttpSource {
    /// Reads below `base`, which should end with `/`.
    ///
    /// # Errors
    /// Where no TLS client can be set up.
    pub fn new(name: SourceName, base: Url, options: &HttpOptions) -> Result<Self, Error> {
        let mut base = base;
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        base.set_query(None);
        base.set_fragment(None);
        let transport = Transport::new(name, options, PlainDialect)?;
        Ok(Self { transport, base: RedactedUrl::new(base), presigned: None })
    }

    /// Uses `url` as it is for `key`. Its query is sent and never printed.
    #[must_use]
    pub fn with_presigned(mut self, key: ObjectKey, url: Url) -> Self {
        self.presigned = Some((key, RedactedUrl::new(url)));
        self
    }

    fn request(&self, key: &ObjectKey) -> Request {
        let url = match &self.presigned {
            Some((presigned, url)) if presigned == key => url.clone(),
            Some(_) | None => {
                let mut url = self.base.expose().clone();
                let path = format!("{}{}", url.path(), encode_path(key.as_str()));
                url.set_path(&path);
                RedactedUrl::new(url)
            }
        };
        Request { url, headers: HeaderMap::new() }
    }
}

/// A key as the path of a URL.
pub(super) fn encode_path(key: &str) -> String {
    utf8_percent_encode(key, PATH).to_string()
}

#[async_trait]
impl Source for HttpSource {
    fn name(&self) -> &SourceName {
        self.transport.name()
    }

    fn describe(&self) -> String {
        format!("web server {}", self.base)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { listing: Listing::Impossible }
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        self.transport.stat(key, self.request(key)).await
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        self.transport.open(key, read, self.request(key)).await
    }

    async fn list(&self, prefix: &str, _after: Option<&PageToken>) -> Result<Page, Error> {
        Err(Error::new(Obstacle::Unsupported, Operation::List, self.name(), prefix))
    }

    async fn public_url(&self, key: &ObjectKey) -> Option<Url> {
        self.request(key).url.public()
    }
}

struct PlainDialect;

impl Dialect for PlainDialect {
    fn obstacle(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Obstacle, Option<String>) {
        // A public bucket is a web server too, and says in its body what the status leaves open.
        match s3_answer::read_error(body) {
            Some(error) => (s3_answer::obstacle(status, headers, Some(&error)), Some(error.words)),
            None if kodo_headers::is_kodo(headers) => {
                kodo_answer::obstacle(status, headers, body, kodo_answer::Asked::Unsigned)
            }
            None => (obstacle_of_status(status), None),
        }
    }

    /// A web server's ETag proves nothing, unless the answer is a store's by its headers: then it is judged by
    /// what that store publishes. A server that only plays the store can do no more than have its own bytes
    /// compared with its own digest, as every store's are; it vouches for nobody else's.
    fn enrich(&self, headers: &HeaderMap, info: &mut ObjectInfo) {
        if headers.contains_key("x-oss-request-id") {
            oss_headers::enrich(headers, info);
        } else if headers.contains_key("x-amz-request-id") {
            s3_headers::enrich(headers, info);
        } else if kodo_headers::is_kodo(headers) {
            kodo_headers::enrich(headers, info);
        }
    }

    fn follows_redirects(&self) -> bool {
        true
    }
}

/// What a status means where the store says no more.
pub(super) fn obstacle_of_status(status: StatusCode) -> Obstacle {
    match status.as_u16() {
        404 | 410 => Obstacle::Absent,
        401 | 407 => Obstacle::Denied(Denial::Anonymous),
        403 | 451 => Obstacle::Denied(Denial::NotAllowed),
        412 | 416 => Obstacle::Changed,
        429 => Obstacle::Throttled,
        503 => Obstacle::Throttled,
        408 | 500 | 502 | 504 | 507 | 509 | 520..=530 => Obstacle::Unreachable,
        _ => Obstacle::Unexpected,
    }
}

/// Why a request got no answer. The URL is cut out of the text of the cause, because it can be signed.
pub(super) fn transport_error(
    name: &SourceName,
    operation: Operation,
    target: &str,
    cause: reqwest::Error,
) -> Error {
    let cause = cause.without_url();
    let obstacle = if is_untrusted(&cause) {
        Obstacle::Untrusted
    } else if cause.is_builder() {
        Obstacle::Unexpected
    } else {
        Obstacle::Unreachable
    };
    let error = Error::new(obstacle, operation, name, target);
    let stalled = cause.is_timeout() && !cause.is_connect();
    let error = if stalled { error.with_answer("no bytes came in time") } else { error };
    error.with_cause(cause)
}

fn is_untrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(
        tls_error(error),
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}

/// What of an error is about TLS.
fn tls_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        // An I/O error shows what it wraps only by `get_ref`.
        link = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn redirect_target(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    let target = from.join(location).ok()?;
    let allowed = match (from.scheme(), target.scheme()) {
        (_, "https") | ("http", "http") => true,
        // From https down to http would give up what the certificate promised.
        (_, _) => false,
    };
    allowed.then_some(target)
}

fn framing(answer: &reqwest::Response) -> Framing {
    if answer.headers().contains_key(header::CONTENT_LENGTH) {
        Framing::Length
    } else if answer
        .headers()
        .get(header::TRANSFER_ENCODING)
        .is_some_and(|v| v.as_bytes().ends_with(b"chunked"))
    {
        Framing::Chunked
    } else {
        Framing::Close
    }
}

/// The size of the whole object, of which the answer may be a part.
pub(super) fn whole_size(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(header::CONTENT_RANGE) {
        return content_range(headers)?.whole;
    }
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[derive(Clone, Copy)]
struct ContentRange {
    first: u64,
    last: u64,
    whole: Option<u64>,
}

fn content_range(headers: &HeaderMap) -> Option<ContentRange> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, whole) = text.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(ContentRange { first, last, whole: whole.parse().ok() })
}

/// `Retry-After` in seconds. The form with a date is rare and depends on two clocks; it is left to back-off.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

pub(super) fn http_date(text: &str) -> Option<SliceTime> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    SliceTime::from_unix_ms(zoned.timestamp().as_millisecond())
}

fn header_value(text: &str) -> header::HeaderValue {
    header::HeaderValue::from_str(text).unwrap_or_else(|_| header::HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_becomes_a_path_that_means_the_same_bytes() {
        assert_eq!(encode_path("a b/c#d?e%f:频.ts"), "a%20b/c%23d%3Fe%25f%3A%E9%A2%91.ts");
    }

    #[test]
    fn redirects_never_lead_from_https_to_http() {
        let from = Url::parse("https://a.example/x").unwrap();
        let to = |location: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::LOCATION, header::HeaderValue::from_static(location))]);
            redirect_target(&from, &headers).map(|url| url.to_string())
        };
        assert_eq!(to("/y").as_deref(), Some("https://a.example/y"));
        assert_eq!(to("https://b.example/z").as_deref(), Some("https://b.example/z"));
        assert_eq!(to("http://a.example/y"), None);
        assert_eq!(to("file:///etc/passwd"), None);
    }

    #[test]
    fn ranges_are_read_strictly() {
        let range = |text: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_RANGE, header::HeaderValue::from_static(text))]);
            content_range(&headers).map(|r| (r.first, r.last, r.whole))
        };
        assert_eq!(range("bytes 5-9/10"), Some((5, 9, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, 9, None)));
        assert_eq!(range("bytes 9-5/10"), None);
        assert_eq!(range("bytes */10"), None);
    }
}
