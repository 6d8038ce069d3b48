//! An OSS server over a set of objects, written from the vendor's public API reference. It finds out every
//! signature again by itself (see `verify`) and answers as OSS does: its errors, archives, checksums and
//! habits with ranges.

mod listing;
mod restore;
mod verify;
mod write;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio_rustls::TlsAcceptor;

use crate::net::{self, Body, Handle, Ranged};
use crate::s3::{Keys, Permission};
use crate::store::{Checksum, Object, Objects, Restore};
use crate::writing::Writing;
use verify::Signed;

const REQUEST_ID: &str = "5C3D9175B6FC201293AD4890";

/// How an OSS server is started.
#[derive(Clone)]
pub struct OssOptions {
    /// The one bucket there is; any other is `NoSuchBucket`.
    pub bucket: String,
    /// Who may sign. Without any, only anonymous requests can succeed.
    pub keys: Vec<Keys>,
    /// What requests without a signature may do.
    pub anonymous: Permission,
    /// The bucket's region, without `oss-`.
    pub region: String,
    /// How a request signed for another region is refused.
    pub wrong_region: WrongRegion,
    /// Which signatures are taken.
    pub signatures: Signatures,
    /// Whether data may be asked for by the region's own hosts: new users may not in mainland China.
    pub public_endpoint: Permission,
    /// Whether objects of the class `Archive` are read without a restore.
    pub direct_reading: Permission,
    /// Whether objects have a CRC-64: those from before 2017 have none.
    pub crc: Crc,
    /// Domains that are bound to the bucket.
    pub bound: Vec<String>,
    /// Further names below which the bucket may be the first label of the host. Those of the vendor are
    /// known.
    pub domains: Vec<String>,
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

/// Which versions of signatures a bucket takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// 1 and 4.
    Both,
    /// 1: a private cloud from before version 4.
    OnlyV1,
    /// 4: a new bucket.
    OnlyV4,
}

/// How a request for another region is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongRegion {
    /// 403 `AccessDenied` with the right `<Endpoint>`, as by an endpoint of another region.
    Named,
    /// 400 `InvalidArgument`, as by the right endpoint for a signature with another region in it.
    Unnamed,
}

/// Whether objects have a CRC-64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crc {
    /// Each has.
    Kept,
    /// None has.
    Absent,
}

impl OssOptions {
    /// A bucket in Hangzhou, open to these keys only.
    pub fn new(bucket: &str, keys: Keys) -> Self {
        Self {
            bucket: bucket.to_owned(),
            keys: vec![keys],
            anonymous: Permission::Denied,
            region: "cn-hangzhou".to_owned(),
            wrong_region: WrongRegion::Named,
            signatures: Signatures::Both,
            public_endpoint: Permission::Allowed,
            direct_reading: Permission::Denied,
            crc: Crc::Kept,
            bound: Vec::new(),
            domains: vec!["oss.localhost".to_owned()],
            page_size: 1000,
            clock_ahead: 0,
            port: 0,
            tls: None,
            writing: Writing::new(),
        }
    }
}

/// Starts an OSS server over these objects.
pub async fn start(objects: &Objects, options: OssOptions) -> io::Result<Handle> {
    let (port, tls) = (options.port, options.tls.clone());
    let server = Arc::new(Server { objects: objects.clone(), options });
    let handler: net::Handler = Arc::new(move |request| {
        let server = Arc::clone(&server);
        Box::pin(async move { server.answer(request).await })
    });
    net::serve(port, tls, handler).await
}

/// An error as OSS writes it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    ec: &'static str,
    more: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), ec: "", more: String::new() }
    }

    fn ec(mut self, ec: &'static str) -> Self {
        self.ec = ec;
        self
    }

    fn more(mut self, more: String) -> Self {
        self.more = more;
        self
    }

    fn anonymous() -> Self {
        let message = "You have no right to access this object because of bucket acl.";
        Self::new(403, "AccessDenied", message).ec("0003-00000001")
    }

    /// The bucket is in this region.
    fn elsewhere(region: &str) -> Self {
        let message = "The bucket you are attempting to access must be addressed using the specified \
                       endpoint. Please send all future requests to this endpoint.";
        let endpoint = format!("<Endpoint>oss-{region}.aliyuncs.com</Endpoint>");
        Self::new(403, "AccessDenied", message).ec("0003-00001403").more(endpoint)
    }

    fn document(&self, host: &str) -> String {
        let ec = if self.ec.is_empty() { String::new() } else { format!("  <EC>{}</EC>\n", self.ec) };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{}</Code>\n  <Message>{}</Message>\n  \
             <RequestId>{REQUEST_ID}</RequestId>\n  <HostId>{}</HostId>\n  {}\n{ec}</Error>\n",
            self.code,
            escape(&self.message),
            escape(host),
            self.more
        )
    }

    fn response(&self, method: &Method, host: &str) -> Response<Body> {
        let document = self.document(host);
        let mut answer =
            Response::builder().status(self.status).header(header::CONTENT_TYPE, "application/xml");
        if !self.ec.is_empty() {
            answer = answer.header("x-oss-ec", self.ec);
        }
        if method == Method::HEAD {
            // There is no body that could say it.
            answer = answer.header("x-oss-err", BASE64.encode(&document));
        }
        answer
            .header(header::CONTENT_LENGTH, document.len())
            .body(net::full(document))
            .expect("a valid answer")
    }
}

/// Text inside an element.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

struct Server {
    objects: Objects,
    options: OssOptions,
}

/// Where a request goes.
struct Place<'r> {
    bucket: String,
    /// The path below the bucket as it was sent, with its slash.
    path: &'r str,
    /// The region that the host names.
    region: Option<String>,
    reached: Reached,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    Region,
    BoundDomain,
    Path,
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        // An absolute URI, as to a proxy, names the host too.
        let host = parts.uri.authority().map(|host| host.as_str().to_owned());
        let host = host.or_else(|| net::header_text(&parts.headers, "host")).unwrap_or_default();
        let now = self.now();
        let answer = match body.collect().await {
            Ok(body) => self.serve(&parts, &host, now, body.to_bytes()),
            Err(_) => Err(Refusal::new(400, "IncompleteBody", "The body was cut short.")),
        };
        let mut answer = answer.unwrap_or_else(|refusal| refusal.response(&parts.method, &host));
        let date = HeaderValue::try_from(net::http_date(now)).expect("a date");
        answer.headers_mut().insert(header::DATE, date);
        answer.headers_mut().insert(header::SERVER, HeaderValue::from_static("AliyunOSS"));
        answer.headers_mut().insert("x-oss-request-id", HeaderValue::from_static(REQUEST_ID));
        answer
    }

    fn now(&self) -> SystemTime {
        let ahead = Duration::from_secs(self.options.clock_ahead.unsigned_abs());
        if self.options.clock_ahead < 0 { SystemTime::now() - ahead } else { SystemTime::now() + ahead }
    }

    fn serve(
        &self,
        parts: &http::request::Parts,
        host: &str,
        now: SystemTime,
        body: Bytes,
    ) -> Result<Response<Body>, Refusal> {
        let options = &self.options;
        let place = self.place(host, parts.uri.path())?;
        let query = parts.uri.query().unwrap_or_default();
        if place.region.as_ref().is_some_and(|region| *region != options.region) {
            return Err(Refusal::elsewhere(&options.region));
        }
        let signed = Signed {
            method: &parts.method,
            headers: &parts.headers,
            bucket: &place.bucket,
            path: place.path,
            query,
        };
        let seconds = jiff::Timestamp::try_from(now).expect("a time of this era").as_second();
        let who = verify::who(options, seconds, &signed)?;
        if place.bucket != options.bucket {
            let refusal = Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist.");
            return Err(refusal.ec("0015-00000101"));
        }
        if place.reached == Reached::Region && options.public_endpoint == Permission::Denied {
            let message = "Public endpoint is forbidden for data operations of this bucket.";
            return Err(Refusal::new(400, "PublicEndpointForbidden", message).ec("0048-00000401"));
        }
        let may = |of: fn(&Keys) -> Permission| match who.map_or(options.anonymous, of) {
            Permission::Allowed => Ok(()),
            Permission::Denied => Err(match who {
                Some(_) => Refusal::new(403, "AccessDenied", "You have no right to access this object.")
                    .ec("0003-00000001"),
                None => Refusal::anonymous(),
            }),
        };
        // A key may begin with slashes of its own: only the first one belongs to the path.
        let key = net::decode(place.path.strip_prefix('/').unwrap_or(place.path));
        let asks = |name: &str| net::query_value(query, name).is_some();
        match (&parts.method, key.as_str()) {
            (&Method::GET, "") if asks("uploads") => {
                may(|keys| keys.list)?;
                self.unfinished(query)
            }
            (&Method::GET, "") => {
                may(|keys| keys.list)?;
                listing::answer(&self.objects, options, query)
            }
            (&Method::HEAD, "") => Ok(net::plain(StatusCode::OK, "")),
            (&Method::GET, key) if asks("tagging") => {
                may(|keys| keys.read)?;
                self.tags(key)
            }
            (&Method::GET | &Method::HEAD, key) => {
                may(|keys| keys.read)?;
                self.read(key, &parts.method, &parts.headers)
            }
            (&Method::PUT | &Method::DELETE | &Method::POST, key)
                if !key.is_empty() && !asks("restore") && who.is_some() =>
            {
                self.change(&parts.method, key, query, &parts.headers, body)
            }
            (&Method::POST, key) if asks("restore") && who.is_some() => {
                may(|keys| keys.restore)?;
                self.restore(key, &body)
            }
            (_, _) if who.is_none() => Err(Refusal::anonymous()),
            (_, _) => Err(Refusal::new(405, "MethodNotAllowed", "The specified method is not allowed.")),
        }
    }

    /// Bucket and region of a request.
    fn place<'r>(&self, host: &str, path: &'r str) -> Result<Place<'r>, Refusal> {
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
        let options = &self.options;
        if options.bound.contains(&host) {
            let bucket = options.bucket.clone();
            return Ok(Place { bucket, path, region: None, reached: Reached::BoundDomain });
        }
        if endpoint_region(&host).is_some() {
            // The vendor's own hosts take the bucket before them only.
            let message =
                "The bucket you are attempting to access must be addressed using OSS third level domain.";
            return Err(Refusal::new(403, "SecondLevelDomainForbidden", message).ec("0016-00000401"));
        }
        if let Some((bucket, rest)) = host.split_once('.') {
            let named = endpoint_region(rest);
            if named.is_some() || options.domains.iter().any(|domain| domain == rest) {
                let region = named.flatten();
                return Ok(Place { bucket: bucket.to_owned(), path, region, reached: Reached::Region });
            }
        }
        let below = path.trim_start_matches('/');
        let at = path.len() - below.len() + below.find('/').unwrap_or(below.len());
        let bucket = net::decode(&path[path.len() - below.len()..at]);
        let path = if at == path.len() { "/" } else { &path[at..] };
        Ok(Place { bucket, path, region: None, reached: Reached::Path })
    }

    fn object(&self, key: &str) -> Result<Object, Refusal> {
        let missing = || {
            Refusal::new(404, "NoSuchKey", "The specified key does not exist.")
                .ec("0026-00000001")
                .more(format!("<Key>{}</Key>", escape(key)))
        };
        self.objects.get(key).ok_or_else(missing)
    }

    fn read(&self, key: &str, method: &Method, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        let object = self.object(key)?;
        let direct = class(&object) == "Archive" && self.options.direct_reading == Permission::Allowed;
        if method == Method::GET && is_frozen(&object) && !direct {
            let message = "The operation is not valid for the object's state";
            let name = format!("<ObjectName>{}</ObjectName>", escape(key));
            return Err(Refusal::new(403, "InvalidObjectState", message).ec("0024-00000601").more(name));
        }
        let (etag, condition) = (etag(&object), |name| net::header_text(headers, name));
        if condition("if-match").is_some_and(|listed| !net::etag_listed(&listed, &etag)) {
            let message = "At least one of the pre-conditions you specified did not hold.";
            let refusal = Refusal::new(412, "PreconditionFailed", message).ec("0024-00000001");
            return Err(refusal.more("<Condition>If-Match</Condition>".to_owned()));
        }
        if condition("if-none-match").is_some_and(|listed| net::etag_listed(&listed, &etag)) {
            let answer = Response::builder().status(304).header(header::ETAG, etag);
            return Ok(answer.body(net::full("")).expect("a valid answer"));
        }
        let len = object.len();
        let range = condition("range").filter(|_| method == Method::GET);
        let part = match net::ranged(range.as_deref(), len) {
            Ranged::Whole => None,
            Ranged::Part(part) => Some(part),
            Ranged::Outside if is_standard(headers) => {
                let message = "The requested range cannot be satisfied.";
                return Err(Refusal::new(416, "InvalidRange", message).ec("0024-00000002"));
            }
            Ranged::Outside => None,
        };
        // Without the header a range must be inside of the object, or all of it comes.
        let part = part.filter(|_| is_standard(headers) || !ends_outside(range.as_deref(), len));
        let mut answer = Response::builder();
        for (name, value) in self.facts(&object) {
            // It is that of the bytes that come.
            if name != "content-md5" || part.is_none() {
                answer = answer.header(name, value);
            }
        }
        let answer = match part {
            Some(part) => answer
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, format!("bytes {}-{}/{len}", part.start, part.end - 1))
                .header(header::CONTENT_LENGTH, part.end - part.start)
                .body(net::stream(&object, part)),
            None => answer.header(header::CONTENT_LENGTH, len).body(net::stream(&object, 0..len)),
        };
        Ok(answer.expect("a valid answer"))
    }

    /// The headers that say what an object is.
    fn facts(&self, object: &Object) -> Vec<(HeaderName, String)> {
        let mut facts = vec![
            ("accept-ranges", "bytes".to_owned()),
            ("content-type", object.content_type.clone()),
            ("etag", etag(object)),
            ("last-modified", net::http_date(object.modified_time())),
            ("x-oss-object-type", kind(object).to_owned()),
            ("x-oss-storage-class", class(object).to_owned()),
        ];
        if let Some(how) = &object.encryption {
            facts.push(("x-oss-server-side-encryption", how.clone()));
        }
        if let Some(tags) = &object.tagging {
            facts.push(("x-oss-tagging-count", tags.split('&').count().to_string()));
        }
        if kind(object) == "Normal" {
            facts.push(("content-md5", BASE64.encode(hex::decode(object.md5_hex()).expect("hex"))));
        }
        if self.options.crc == Crc::Kept {
            facts.push(("x-oss-hash-crc64ecma", crc(object)));
        }
        match object.restore_now() {
            Restore::Never | Restore::Due { .. } => {}
            Restore::Running => facts.push(("x-oss-restore", "ongoing-request=\"true\"".to_owned())),
            Restore::Until(second) => {
                let date = net::http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
                let text = format!("ongoing-request=\"false\", expiry-date=\"{date}\"");
                facts.push(("x-oss-restore", text));
            }
        }
        facts.into_iter().map(|(name, value)| (HeaderName::from_static(name), value)).collect()
    }
}

/// The region that a host of the vendor's names: `None` for any other host, `Some(None)` where it names none.
fn endpoint_region(host: &str) -> Option<Option<String>> {
    let name = host.strip_suffix(".aliyuncs.com")?;
    let region = match name.strip_suffix(".oss") {
        Some(region) => region,
        None => name.strip_prefix("oss-")?,
    };
    if region.contains('.') {
        return None;
    }
    let region = region.strip_suffix("-internal").unwrap_or(region);
    Some((!region.starts_with("accelerate")).then(|| region.to_owned()))
}

fn is_standard(headers: &HeaderMap) -> bool {
    net::header_text(headers, "x-oss-range-behavior").as_deref() == Some("standard")
}

/// Whether a range names an end behind the object's.
fn ends_outside(range: Option<&str>, len: u64) -> bool {
    let last = range.and_then(|text| text.rsplit_once('-')).map(|(_, last)| last);
    last.and_then(|last| last.parse::<u64>().ok()).is_some_and(|last| last >= len)
}

/// OSS writes them in capitals.
fn etag(object: &Object) -> String {
    object.etag().to_ascii_uppercase()
}

fn kind(object: &Object) -> &'static str {
    if object.etag().contains('-') { "Multipart" } else { "Normal" }
}

fn class(object: &Object) -> &str {
    object.class.as_deref().filter(|class| !class.is_empty()).unwrap_or("Standard")
}

fn is_frozen(object: &Object) -> bool {
    let archived = matches!(class(object), "Archive" | "ColdArchive" | "DeepColdArchive");
    archived && !matches!(object.restore_now(), Restore::Until(_))
}

/// The CRC-64 that the object was given, or its own.
fn crc(object: &Object) -> String {
    let name = Checksum::Crc64Xz.name();
    let given = object.checksums.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let base64 = given.unwrap_or_else(|| object.checksum(Checksum::Crc64Xz));
    let bytes: [u8; 8] = BASE64.decode(base64).expect("base64").try_into().expect("eight bytes");
    u64::from_be_bytes(bytes).to_string()
}
