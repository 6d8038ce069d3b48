//! A plain web server over a set of objects, as one would keep a backup on: no listing, and an ETag that
//! says nothing about the bytes.

use std::io;
use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
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
}

/// Starts a plain web server on any free port.
pub async fn start(objects: &Objects) -> io::Result<Handle> {
    start_with(objects, WebOptions::default()).await
}

/// Starts a plain web server with options. The key of `/a/b%20c.ts` is `a/b c.ts`.
pub async fn start_with(objects: &Objects, options: WebOptions) -> io::Result<Handle> {
    let objects = objects.clone();
    let authorization = options.authorization;
    let handler: net::Handler = Arc::new(move |request| {
        let response = match &authorization {
            Some(want) if net::header_text(request.headers(), "authorization").as_ref() != Some(want) => {
                net::plain(StatusCode::UNAUTHORIZED, "who are you?")
            }
            _ => answer(&objects, &request),
        };
        Box::pin(std::future::ready(response))
    });
    net::serve(options.port, options.tls, handler).await
}

fn answer<B>(objects: &Objects, request: &Request<B>) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return net::plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
    }
    let path = net::decode(request.uri().path());
    let Some(object) = objects.get(path.trim_start_matches('/')) else {
        return net::plain(StatusCode::NOT_FOUND, "404 Not Found");
    };
    let etag = object.web_etag();
    let condition = |name| net::header_text(request.headers(), name);
    if condition("if-match").is_some_and(|listed| !net::etag_listed(&listed, &etag)) {
        return net::plain(StatusCode::PRECONDITION_FAILED, "412 Precondition Failed");
    }
    if condition("if-none-match").is_some_and(|listed| net::etag_listed(&listed, &etag)) {
        let answer = Response::builder().status(StatusCode::NOT_MODIFIED).header(header::ETAG, etag);
        return answer.body(net::full("")).expect("a valid answer");
    }
    serve(&object, request.headers(), &etag)
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
