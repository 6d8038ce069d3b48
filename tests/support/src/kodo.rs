//! A Qiniu Kodo server over a set of objects, written from Qiniu's published rules, with a verification of its
//! own. One port has all roles, under every host name:
//!
//! * *Interfaces*, told by their path: `GET|POST /stat/<entry>`, `POST /delete/<entry>`,
//!   `POST /restoreAr/<entry>/freezeAfterDays/<days>` (rs),
//!   `GET|POST /list?bucket=` (rsf), `GET /v2/domains?tbl=` and the unsigned `GET /v4/query?ak=&bucket=` (uc),
//!   `POST /` with a form and `/buckets/<bucket>/objects/<key>/uploads…` in parts (upload).
//! * *A domain of the bucket*: every other GET and HEAD. A private bucket's wants `e=` and `token=`.
//!
//! A GET of the path of an interface that is neither signed nor names a bucket is one of an object.
//!
//! Where no document has the words of an error, the words are of this server; no client should need them.

mod parts;
mod restore;
mod sign;
mod upload;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

use crate::net::{self, Body, Handle, Ranged};
use crate::store::{Object, Objects, Restore};
use crate::writing::{Step, WriteFault, Writing};

/// How a Kodo server is started.
#[derive(Clone)]
pub struct KodoOptions {
    /// The one bucket there is; any other is 631.
    pub bucket: String,
    /// The account's access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// Whether anybody may read objects.
    pub access: Access,
    /// The domains that the account is told.
    pub domains: Domains,
    /// What the domain shows of an object's hash.
    pub tags: Tags,
    /// Whether facts and listings have the MD5 beside the hash.
    pub md5: Md5,
    /// Most keys in one page of a listing.
    pub page_size: usize,
    /// How far the server's clock is ahead of this machine's, in seconds.
    pub clock_ahead: i64,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// Serve https with this certificate (see [`crate::tls`]).
    pub tls: Option<TlsAcceptor>,
    /// What is being written, and what goes wrong with it.
    pub writing: Writing,
}

/// Who may read objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Who has a signed URL.
    Private,
    /// Everybody.
    Public,
}

/// What the account is told about the domains of its bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domains {
    /// The host that was asked.
    ThisServer,
    /// These.
    Named(Vec<String>),
}

/// What the domain shows as the ETag of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// Its hash.
    Hash,
    /// None, as some CDNs do.
    Hidden,
    /// One of the CDN's own.
    MadeUp,
}

/// Whether the MD5 is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Md5 {
    /// It is.
    Told,
    /// It is not.
    Untold,
}

impl KodoOptions {
    /// A private bucket of this account, reached by the server's own address.
    pub fn new(bucket: &str, access_key: &str, secret_key: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            access: Access::Private,
            domains: Domains::ThisServer,
            tags: Tags::Hash,
            md5: Md5::Untold,
            page_size: 1000,
            clock_ahead: 0,
            port: 0,
            tls: None,
            writing: Writing::new(),
        }
    }

    fn now(&self) -> SystemTime {
        let ahead = Duration::from_secs(self.clock_ahead.unsigned_abs());
        if self.clock_ahead < 0 { SystemTime::now() - ahead } else { SystemTime::now() + ahead }
    }

    fn unix_now(&self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// Starts a Kodo server over these objects.
pub async fn start(objects: &Objects, options: KodoOptions) -> io::Result<Handle> {
    let (port, tls) = (options.port, options.tls.clone());
    let options = Arc::new(options);
    let objects = objects.clone();
    let handler: net::Handler = Arc::new(move |request| {
        let (options, objects) = (Arc::clone(&options), objects.clone());
        Box::pin(async move {
            let mut response = match Asked::read(request).await {
                Ok(asked) => answer(&objects, &options, &asked).unwrap_or_else(Refused::answer),
                Err(refused) => refused.answer(),
            };
            let headers = response.headers_mut();
            let now = net::http_date(options.now());
            headers.insert(header::DATE, HeaderValue::try_from(now).expect("a date"));
            headers.insert("x-reqid", HeaderValue::from_static("0123456789abcdef"));
            headers.insert("x-log", HeaderValue::from_static("X-Log"));
            response
        })
    });
    net::serve(port, tls, handler).await
}

/// A request, read whole.
struct Asked {
    method: Method,
    /// Path and query, letter by letter as they came.
    target: String,
    headers: http::HeaderMap,
    body: Bytes,
}

impl Asked {
    async fn read(request: Request<Incoming>) -> Result<Self, Refused> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Refused::new(400, "the body broke off"))?;
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        Ok(Self { method: head.method, target, headers: head.headers, body: body.to_bytes() })
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    fn header(&self, name: &str) -> Option<String> {
        net::header_text(&self.headers, name)
    }

    fn host(&self) -> String {
        self.header("host").unwrap_or_default()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        net::query_value(self.query(), name)
    }
}

/// A refusal as Kodo writes it.
#[derive(Debug)]
struct Refused {
    status: u16,
    error: String,
}

impl Refused {
    fn new(status: u16, error: &str) -> Self {
        Self { status, error: error.to_owned() }
    }

    fn answer(self) -> Response<Body> {
        document(self.status, &json!({ "error": self.error }))
    }
}

fn document(status: u16, json: &Value) -> Response<Body> {
    let body = json.to_string();
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, body.len())
        .body(net::full(body))
        .expect("a valid answer")
}

fn answer(objects: &Objects, options: &KodoOptions, asked: &Asked) -> Result<Response<Body>, Refused> {
    let signed = asked.header("authorization").is_some();
    let posted = asked.method == Method::POST;
    let interface = |parameter: &str| signed || posted || asked.parameter(parameter).is_some();
    let path = asked.path();
    if let Some(entry) = path.strip_prefix("/stat/").filter(|_| signed || posted) {
        sign::check(options, asked)?;
        let (_, object) = entry_of(objects, options, entry)?;
        return Ok(document(200, &facts(options, &object)));
    }
    if let Some(entry) = path.strip_prefix("/delete/").filter(|_| posted) {
        sign::check(options, asked)?;
        let (key, _) = entry_of(objects, options, entry)?;
        went_wrong(options.writing.fault(Step::Remove, &key))?;
        objects.remove(&key);
        return Ok(document(200, &json!({})));
    }
    if let Some(below) = path.strip_prefix("/buckets/").filter(|_| signed) {
        return parts::answer(objects, options, asked, below);
    }
    if let Some(rest) = path.strip_prefix("/restoreAr/").filter(|_| posted) {
        return restore::take(objects, options, asked, rest);
    }
    match path {
        "/list" if interface("bucket") => {
            sign::check(options, asked)?;
            known_bucket(options, asked.parameter("bucket"))?;
            Ok(document(200, &list(objects, options, asked)))
        }
        "/v2/domains" if interface("tbl") => {
            sign::check(options, asked)?;
            known_bucket(options, asked.parameter("tbl"))?;
            let domains = match &options.domains {
                Domains::ThisServer => vec![asked.host()],
                Domains::Named(names) => names.clone(),
            };
            Ok(document(200, &json!(domains)))
        }
        "/v4/query" if interface("ak") => {
            if asked.parameter("ak").as_ref() != Some(&options.access_key) {
                return Err(Refused::new(612, "app/accesskey is not found"));
            }
            known_bucket(options, asked.parameter("bucket"))?;
            Ok(document(200, &hosts(&asked.host())))
        }
        "/" if posted => upload::take(objects, options, asked),
        _ if asked.method == Method::GET || asked.method == Method::HEAD => {
            if options.access == Access::Private {
                sign::check_download(options, asked)?;
            }
            download(objects, options, asked)
        }
        _ => Err(Refused::new(405, "method not allowed")),
    }
}

fn known_bucket(options: &KodoOptions, bucket: Option<String>) -> Result<(), Refused> {
    match bucket.is_some_and(|bucket| bucket == options.bucket) {
        true => Ok(()),
        false => Err(Refused::new(631, "no such bucket")),
    }
}

/// The object that `<entry>`, the encoded `bucket:key`, names.
fn entry_of(objects: &Objects, options: &KodoOptions, entry: &str) -> Result<(String, Object), Refused> {
    let text = URL_SAFE.decode(net::decode(entry)).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| Refused::new(400, "invalid argument"))?;
    let (bucket, key) = text.split_once(':').ok_or_else(|| Refused::new(400, "invalid argument"))?;
    known_bucket(options, Some(bucket.to_owned()))?;
    let object = objects.get(key).ok_or_else(|| Refused::new(612, "no such file or directory"))?;
    Ok((key.to_owned(), object))
}

/// What a fault comes to before anything is done.
fn went_wrong(fault: Option<WriteFault>) -> Result<(), Refused> {
    match fault {
        Some(WriteFault::Refuse) => Err(Refused::new(403, "permission denied")),
        Some(WriteFault::Busy) => Err(Refused::new(573, "too many requests")),
        Some(WriteFault::Flip | WriteFault::Unanswered) | None => Ok(()),
    }
}

/// What a fault makes of an answer.
fn told(fault: Option<WriteFault>, answer: Response<Body>) -> Result<Response<Body>, Refused> {
    match fault {
        Some(WriteFault::Unanswered) => Err(Refused::new(599, "server error")),
        _ => Ok(answer),
    }
}

/// The class that Kodo's number stands for.
fn class_of(number: u64) -> Result<Option<String>, Refused> {
    Ok(match number {
        0 => None,
        1 => Some("infrequent access".to_owned()),
        2 => Some("archive".to_owned()),
        3 => Some("deep archive".to_owned()),
        4 => Some("archive with direct reading".to_owned()),
        _ => return Err(Refused::new(400, "invalid fileType")),
    })
}

/// `type`: the class as Kodo counts them.
fn class(object: &Object) -> u32 {
    match object.class.as_deref() {
        None => 0,
        Some("infrequent access") => 1,
        Some("archive") => 2,
        Some("deep archive") => 3,
        Some("archive with direct reading") => 4,
        Some(other) => panic!("kodo has no class `{other}`"),
    }
}

fn facts(options: &KodoOptions, object: &Object) -> Value {
    let mut facts = json!({
        "fsize": object.len(),
        "hash": object.kodo_hash(),
        "mimeType": object.content_type,
        // In units of 100 ns.
        "putTime": object.last_modified * 10_000_000,
        "type": class(object),
    });
    match object.restore_now() {
        Restore::Never | Restore::Due { .. } => {}
        Restore::Running => facts["restoreStatus"] = json!(1),
        Restore::Until(_) => facts["restoreStatus"] = json!(2),
    }
    if options.md5 == Md5::Told {
        facts["md5"] = json!(object.md5_hex());
    }
    facts
}

fn list(objects: &Objects, options: &KodoOptions, asked: &Asked) -> Value {
    let prefix = asked.parameter("prefix").unwrap_or_default();
    let delimiter = asked.parameter("delimiter").filter(|text| !text.is_empty());
    let limit = asked.parameter("limit").and_then(|text| text.parse::<usize>().ok()).unwrap_or(1000);
    let limit = limit.clamp(1, 1000).min(options.page_size);
    let after = asked.parameter("marker").and_then(|marker| {
        let json: Value = serde_json::from_slice(&URL_SAFE.decode(marker).ok()?).ok()?;
        Some(json["k"].as_str()?.to_owned())
    });
    let (mut items, mut folders, mut last, mut more) =
        (Vec::new(), Vec::<String>::new(), String::new(), false);
    let from = after.clone().unwrap_or_default();
    objects.walk(&from, &prefix, |key, object| {
        if after.as_deref().is_some_and(|after| key <= after) {
            return true;
        }
        let folder = delimiter.as_ref().and_then(|delimiter| {
            let rest = &key[prefix.len()..];
            rest.find(delimiter).map(|at| format!("{prefix}{}", &rest[..at + delimiter.len()]))
        });
        if folder.as_ref().is_some_and(|folder| folders.contains(folder)) {
            key.clone_into(&mut last);
            return true;
        }
        if items.len() + folders.len() == limit {
            more = true;
            return false;
        }
        match folder {
            Some(folder) => folders.push(folder),
            None => {
                let mut item = facts(options, object);
                item["key"] = json!(key);
                items.push(item);
            }
        }
        key.clone_into(&mut last);
        true
    });
    let mut page = json!({ "items": items });
    if !folders.is_empty() {
        page["commonPrefixes"] = json!(folders);
    }
    if more {
        page["marker"] = json!(URL_SAFE.encode(json!({ "c": 0, "k": last }).to_string()));
    }
    page
}

/// Where a bucket is: everything is here.
fn hosts(host: &str) -> Value {
    let here = json!({ "domains": [host] });
    json!({ "hosts": [{
        "region": "z0", "ttl": 86400,
        "io": here, "io_src": here, "up": here, "rs": here, "rsf": here, "api": here, "uc": here,
    }]})
}

fn download(objects: &Objects, options: &KodoOptions, asked: &Asked) -> Result<Response<Body>, Refused> {
    let key = net::decode(asked.path().strip_prefix('/').unwrap_or_default());
    let object = objects.get(&key).ok_or_else(|| Refused::new(404, "Document not found"))?;
    let readable = match object.restore_now() {
        Restore::Until(end) => end > options.unix_now(),
        Restore::Never | Restore::Running | Restore::Due { .. } => false,
    };
    if [2, 3].contains(&class(&object)) && !readable {
        return Err(Refused::new(403, "the archived file has to be restored first"));
    }
    let len = object.len();
    let mut answer = Response::builder()
        .header(header::CONTENT_TYPE, &object.content_type)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::LAST_MODIFIED, net::http_date(object.modified_time()));
    match options.tags {
        Tags::Hash => answer = answer.header(header::ETAG, format!("\"{}\"", object.kodo_hash())),
        Tags::MadeUp => answer = answer.header(header::ETAG, object.web_etag()),
        Tags::Hidden => {}
    }
    // `If-Match` is passed over: no document says that it is kept, so no client may count on it.
    let answer = match net::ranged(asked.header("range").as_deref(), len) {
        Ranged::Outside => {
            let refused = Refused::new(416, "requested range not satisfiable");
            let mut answer = refused.answer();
            let range = HeaderValue::try_from(format!("bytes */{len}")).expect("a header");
            answer.headers_mut().insert(header::CONTENT_RANGE, range);
            return Ok(answer);
        }
        Ranged::Part(range) => answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {}-{}/{len}", range.start, range.end - 1))
            .header(header::CONTENT_LENGTH, range.end - range.start)
            .body(net::stream(&object, range)),
        Ranged::Whole => answer.header(header::CONTENT_LENGTH, len).body(net::stream(&object, 0..len)),
    };
    Ok(answer.expect("a valid answer"))
}
