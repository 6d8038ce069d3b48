//! A plain web server over a set of objects, as one would keep a backup on: no listing, and an ETag that
//! says nothing about the bytes.

use std::io;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use tokio_rustls::TlsAcceptor;

use crate::net::{self, Body, Handle, Ranged};
use crate::store::{Framing, Object, Objects};

/// How a plain web server is started.
#[derive(Clone, Default)]
pub struct WebOptions {
    /// The port; 0 takes any free one.
    pub port: u16,
    /// Serve https with this certificate (see [`crate::tls`]).
    pub tls: Option<TlsAcceptor>,
    /// Answer 401 unless this `Authorization` header came.
    pub authorization: Option<String>,
    /// Whose headers the answers carry.
    pub plays: Plays,
    /// The `Access-Control-Allow-Origin` of answers to requests that name an origin.
    pub allows_origin: Option<String>,
}

/// Whose headers a web server's answers carry: a public bucket is a web server too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plays {
    /// Nobody's.
    #[default]
    Nobody,
    /// Amazon S3's: the ETag is the MD5.
    S3,
    /// Aliyun OSS's: CRC-64/XZ and MD5 in headers of their own.
    Oss,
    /// Qiniu Kodo's: the ETag is the qetag.
    Kodo,
}

/// Starts a plain web server on any free port.
pub async fn start(objects: &Objects) -> io::Result<Handle> {
    start_with(objects, WebOptions::default()).await
}

/// Starts a plain web server with options. The key of `/a/b%20c.ts` is `a/b c.ts`.
pub async fn start_with(objects: &Objects, options: WebOptions) -> io::Result<Handle> {
    let objects = objects.clone();
    let (authorization, plays) = (options.authorization, options.plays);
    let allows_origin = options.allows_origin.map(|text| HeaderValue::try_from(text).expect("a header"));
    let handler: net::Handler = Arc::new(move |request| {
        let mut response = match &authorization {
            Some(want) if net::header_text(request.headers(), "authorization").as_ref() != Some(want) => {
                net::plain(StatusCode::UNAUTHORIZED, "who are you?")
            }
            _ => answer(&objects, &request, plays),
        };
        if let Some(allowed) = allows_origin.clone().filter(|_| request.headers().contains_key("origin")) {
            response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        }
        Box::pin(std::future::ready(response))
    });
    net::serve(options.port, options.tls, handler).await
}

fn answer<B>(objects: &Objects, request: &Request<B>, plays: Plays) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return net::plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
    }
    let path = net::decode(request.uri().path());
    let Some(object) = objects.get(path.trim_start_matches('/')) else {
        return net::plain(StatusCode::NOT_FOUND, "404 Not Found");
    };
    let etag = match plays {
        Plays::Nobody | Plays::Oss => object.web_etag(),
        Plays::S3 => object.etag(),
        Plays::Kodo => format!("\"{}\"", object.kodo_hash()),
    };
    let condition = |name| net::header_text(request.headers(), name);
    if condition("if-match").is_some_and(|listed| !net::etag_listed(&listed, &etag)) {
        return net::plain(StatusCode::PRECONDITION_FAILED, "412 Precondition Failed");
    }
    if condition("if-none-match").is_some_and(|listed| net::etag_listed(&listed, &etag)) {
        let answer = Response::builder().status(StatusCode::NOT_MODIFIED).header(header::ETAG, etag);
        return answer.body(net::full("")).expect("a valid answer");
    }
    let mut response = serve(&object, request.headers(), &etag);
    let headers = response.headers_mut();
    let mut say = |name: &'static str, value: String| {
        headers.insert(name, HeaderValue::try_from(value).expect("a header"));
    };
    match plays {
        Plays::Nobody => {}
        Plays::S3 => say("x-amz-request-id", "0123456789ABCDEF".to_owned()),
        Plays::Oss => {
            say("x-oss-request-id", "0123456789ABCDEF".to_owned());
            say("x-oss-hash-crc64ecma", object.crc64_xz().to_string());
            say("content-md5", object.md5_base64());
        }
        Plays::Kodo => say("x-reqid", "0123456789abcdef".to_owned()),
    }
    response
}

/// The object or the part of it that was asked for. hyper leaves the body out for a HEAD.
fn serve(object: &Object, headers: &HeaderMap, etag: &str) -> Response<Body> {
    let unchanged = match net::header_text(headers, "if-range") {
        Some(listed) => net::etag_listed(&listed, etag),
        None => true,
    };
    let range = net::header_text(headers, "range").filter(|_| unchanged);
    let ranged = match object.framing {
        Framing::Length => net::ranged(range.as_deref(), object.len()),
        Framing::Chunked => Ranged::Whole,
    };
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, &object.content_type)
        .header(header::ETAG, etag)
        .header(header::LAST_MODIFIED, net::http_date(object.modified_time()));
    let len = object.len();
    let answer = match ranged {
        Ranged::Outside => answer
            .status(StatusCode::RANGE_NOT_SATISFIABLE)
            .header(header::CONTENT_RANGE, format!("bytes */{len}"))
            .header(header::CONTENT_LENGTH, 0)
            .body(net::full("")),
        Ranged::Part(range) => answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {}-{}/{len}", range.start, range.end - 1))
            .header(header::CONTENT_LENGTH, range.end - range.start)
            .body(net::stream(object, range)),
        Ranged::Whole => match object.framing {
            Framing::Length => answer
                .header(header::ACCEPT_RANGES, "bytes")
                .header(header::CONTENT_LENGTH, len)
                .body(net::stream(object, 0..len)),
            Framing::Chunked => answer.body(net::stream(object, 0..len)),
        },
    };
    answer.expect("a valid answer")
}
