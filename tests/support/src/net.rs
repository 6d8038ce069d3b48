//! What the servers have in common: the listener on 127.0.0.1, the log, ranges and conditions.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::store::Object;

/// The body of every answer.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// One request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// `GET`, `HEAD`, `PUT`.
    pub method: String,
    /// The path, percent-decoded, with its leading slash.
    pub path: String,
    /// The query as it was sent, without the question mark.
    pub query: String,
    /// The `Host` header.
    pub host: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `If-Match` header.
    pub if_match: Option<String>,
    /// The `Authorization` header or the query's credential: who signed.
    pub credential: Option<String>,
    /// The status that was answered; 0 when the connection was broken instead.
    pub status: u16,
}

/// A list of requests that servers write and tests read.
#[derive(Clone, Default)]
pub struct Log {
    requests: Arc<Mutex<Vec<Logged>>>,
}

impl Log {
    /// Adds one line.
    pub fn add(&self, line: Logged) {
        self.requests.lock().expect("lock").push(line);
    }

    /// A copy of all lines.
    pub fn all(&self) -> Vec<Logged> {
        self.requests.lock().expect("lock").clone()
    }
}

/// A running server. It stops, with all its connections, when this is dropped.
pub struct Handle {
    address: SocketAddr,
    scheme: &'static str,
    log: Log,
    task: AbortHandle,
}

impl Handle {
    /// Where it listens, without a slash at the end: `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request answered until now, in the order of the answers.
    pub fn requests(&self) -> Vec<Logged> {
        self.log.all()
    }

    /// Every request answered since the last time, and forgets them.
    pub fn take_requests(&self) -> Vec<Logged> {
        std::mem::take(&mut *self.log.requests.lock().expect("lock"))
    }

    /// Forgets the requests until now.
    pub fn forget(&self) {
        self.log.requests.lock().expect("lock").clear();
    }

    /// How many requests of this method had a decoded path with this ending.
    pub fn count(&self, method: &str, suffix: &str) -> usize {
        self.log.all().iter().filter(|r| r.method == method && r.path.ends_with(suffix)).count()
    }

    /// How many GETs of this object there were.
    pub fn gets(&self, suffix: &str) -> usize {
        self.count("GET", suffix)
    }

    pub(crate) fn new(address: SocketAddr, scheme: &'static str, log: Log, task: AbortHandle) -> Self {
        Self { address, scheme, log, task }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What answers requests.
pub(crate) type Handler =
    Arc<dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync>;

/// Listens on 127.0.0.1, port 0 for any free one.
pub(crate) async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Serves `handler` until the handle is dropped.
pub(crate) async fn serve(port: u16, tls: Option<TlsAcceptor>, handler: Handler) -> io::Result<Handle> {
    let listener = listen(port).await?;
    let address = listener.local_addr()?;
    let log = Log::default();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let task = tokio::spawn(accept(listener, tls, handler, log.clone()));
    Ok(Handle::new(address, scheme, log, task.abort_handle()))
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, handler: Handler, log: Log) {
    // The set ends every connection when this task is aborted.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, tls.clone(), Arc::clone(&handler), log.clone()));
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, handler: Handler, log: Log) {
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = Arc::clone(&handler);
        let log = log.clone();
        async move {
            let mut line = logged(&request);
            let response = handler(request).await;
            line.status = response.status().as_u16();
            log.add(line);
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let server = hyper::server::conn::http1::Builder::new();
    // An error here is a client that went away, which is its right.
    if let Some(acceptor) = tls {
        let Ok(stream) = acceptor.accept(stream).await else { return };
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    } else {
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    }
}

fn logged<B>(request: &Request<B>) -> Logged {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let credential =
        header_text(request.headers(), "authorization").or_else(|| query_value(&query, "X-Amz-Credential"));
    Logged {
        method: request.method().to_string(),
        path: decode(request.uri().path()),
        host: header_text(request.headers(), "host").unwrap_or_default(),
        range: header_text(request.headers(), "range"),
        if_match: header_text(request.headers(), "if-match"),
        credential,
        query,
        status: 0,
    }
}

/// A percent-decoded text; bytes that are no UTF-8 are replaced.
pub(crate) fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The decoded value of a query parameter.
pub(crate) fn query_value(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| decode(&value.replace('+', " ")))
    })
}

/// A header's value, when it is there and is text.
pub(crate) fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A body of these bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// The body of a range of an object.
pub(crate) fn stream(object: &Object, range: Range<u64>) -> Body {
    let frames = object.chunks(range).map(|chunk| chunk.map(Frame::data).map_err(Into::into));
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

/// What a `Range` header means for an object of this length (RFC 9110, section 14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ranged {
    /// No header, or one that is to be ignored (several ranges, another unit).
    Whole,
    /// One range, inside the object.
    Part(Range<u64>),
    /// Nothing of it is inside the object: 416.
    Outside,
}

/// Reads a `Range` header.
pub(crate) fn ranged(header: Option<&str>, len: u64) -> Ranged {
    let Some((first, last)) = header.and_then(|text| text.strip_prefix("bytes=")?.split_once('-')) else {
        return Ranged::Whole;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Ranged::Whole,
        (Ok(first), _) if first >= len && (last.is_empty() || last.parse::<u64>().is_ok()) => Ranged::Outside,
        (Ok(first), Ok(last)) => Ranged::Part(first..len.min(last.saturating_add(1))),
        (Ok(first), Err(_)) if last.is_empty() => Ranged::Part(first..len),
        (Err(_), Ok(0)) if first.is_empty() => Ranged::Outside,
        (Err(_), Ok(_)) if first.is_empty() && len == 0 => Ranged::Outside,
        (Err(_), Ok(n)) if first.is_empty() => Ranged::Part(len.saturating_sub(n)..len),
        _ => Ranged::Whole,
    }
}

/// Whether one of the ETags in an `If-Match`-like header is this one; quotes are optional, as some
/// clients leave them out.
pub(crate) fn etag_listed(header: &str, etag: &str) -> bool {
    let bare = |text: &str| text.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    header.trim() == "*" || header.split(',').any(|one| bare(one) == bare(etag))
}

/// A date as HTTP writes it: `Sun, 20 Sep 2026 13:00:00 GMT`.
pub(crate) fn http_date(time: SystemTime) -> String {
    let stamp = jiff::Timestamp::try_from(time).expect("a time of this era");
    stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// An answer of a status and a short text.
pub(crate) fn plain(status: StatusCode, text: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "text/plain")
        .header(header::CONTENT_LENGTH, text.len())
        .body(full(text.to_owned()))
        .expect("a valid answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        for (header, len, want) in [
            (None, 10, Ranged::Whole),
            (Some("bytes=0-3"), 10, Ranged::Part(0..4)),
            (Some("bytes=4-"), 10, Ranged::Part(4..10)),
            (Some("bytes=4-99"), 10, Ranged::Part(4..10)),
            (Some("bytes=-3"), 10, Ranged::Part(7..10)),
            (Some("bytes=-30"), 10, Ranged::Part(0..10)),
            (Some("bytes=-0"), 10, Ranged::Outside),
            (Some("bytes=10-"), 10, Ranged::Outside),
            (Some("bytes=0-"), 0, Ranged::Outside),
            (Some("bytes=5-4"), 10, Ranged::Whole),
            (Some("bytes=0-1,3-4"), 10, Ranged::Whole),
            (Some("lines=0-1"), 10, Ranged::Whole),
        ] {
            assert_eq!(ranged(header, len), want, "{header:?}");
        }
    }

    #[test]
    fn a_condition_matches_with_and_without_quotes() {
        assert!(etag_listed("\"a\", \"b\"", "\"b\""));
        assert!(etag_listed("b", "\"b\""));
        assert!(etag_listed("*", "\"b\""));
        assert!(!etag_listed("\"a\"", "\"b\""));
    }

    #[test]
    fn dates_are_written_as_http_writes_them() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(784_111_777);
        assert_eq!(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
