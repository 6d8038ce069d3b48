//! An S3 server over a set of objects. The crate `s3s` reads the requests and checks the signatures; the
//! rest of what a bucket may say (regions, tokens, clocks, archives, permissions) is added around it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::host::{S3Host, VirtualHost};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode, S3Result};
use tokio_rustls::TlsAcceptor;

use crate::bucket::Bucket;
use crate::net::{self, Body, Handle};
use crate::store::Objects;

const CHECKSUM_MODE: &str = "x-amz-checksum-mode";

/// AWS refuses requests whose date is further from its own clock than this.
const MAX_SKEW: i64 = 15 * 60;

/// How an S3 server is started.
#[derive(Clone)]
pub struct S3Options {
    /// The one bucket there is; any other is `NoSuchBucket`.
    pub bucket: String,
    /// Who may sign. Without any, only anonymous requests can succeed.
    pub keys: Vec<Keys>,
    /// What requests without a signature may do.
    pub anonymous: Permission,
    /// The bucket's region; a request signed for another one is refused. `None`: any region will do.
    pub region: Option<String>,
    /// How a request for another region is refused.
    pub wrong_region: WrongRegion,
    /// Most keys in one page of a listing.
    pub page_size: usize,
    /// How far the server's clock is ahead of this machine's, in seconds.
    pub clock_ahead: i64,
    /// Names under which the bucket may be the first label of the host: `<bucket>.s3.localhost`.
    pub domains: Vec<String>,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// Serve https with this certificate (see [`crate::tls`]).
    pub tls: Option<TlsAcceptor>,
}

/// One pair of keys and what it may do.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The access key id.
    pub access: String,
    /// The secret access key.
    pub secret: String,
    /// The session token that has to come with it.
    pub token: Token,
    /// `s3:ListBucket`. Without it, a missing object is answered 403, as AWS does.
    pub list: Permission,
    /// `s3:GetObject`.
    pub read: Permission,
    /// `s3:RestoreObject`.
    pub restore: Permission,
}

/// The session token of temporary keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Long-lived keys: none.
    None,
    /// Has to be this one.
    Required(String),
    /// Its time is over: `ExpiredToken`.
    Expired,
}

/// Whether something is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Yes.
    Allowed,
    /// No: `AccessDenied`.
    Denied,
}

/// How a bucket refuses a request signed for another region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongRegion {
    /// 400 `AuthorizationHeaderMalformed` (or `AuthorizationQueryParametersError`) with `<Region>`.
    Malformed,
    /// 301 `PermanentRedirect` with `x-amz-bucket-region`.
    Redirect,
}

impl Keys {
    /// Long-lived keys that may do everything.
    pub fn new(access: &str, secret: &str) -> Self {
        Self {
            access: access.to_owned(),
            secret: secret.to_owned(),
            token: Token::None,
            list: Permission::Allowed,
            read: Permission::Allowed,
            restore: Permission::Allowed,
        }
    }
}

impl S3Options {
    /// A bucket without a region, open to these keys only.
    pub fn new(bucket: &str, keys: Keys) -> Self {
        Self {
            bucket: bucket.to_owned(),
            keys: vec![keys],
            anonymous: Permission::Denied,
            region: None,
            wrong_region: WrongRegion::Malformed,
            page_size: 1000,
            clock_ahead: 0,
            domains: vec!["s3.localhost".to_owned()],
            port: 0,
            tls: None,
        }
    }
}

/// Starts an S3 server over these objects.
pub async fn start(objects: &Objects, options: S3Options) -> io::Result<Handle> {
    let (port, tls) = (options.port, options.tls.clone());
    let options = Arc::new(options);
    let service = service(objects.clone(), &options);
    let handler: net::Handler = Arc::new(move |request| {
        let options = Arc::clone(&options);
        let service = service.clone();
        Box::pin(async move {
            let mut response = match refusal(&options, &request) {
                Some(refused) => refused,
                None => pass(&service, request).await,
            };
            let now = net::http_date(server_time(&options));
            response.headers_mut().insert(header::DATE, HeaderValue::try_from(now).expect("a date"));
            response.headers_mut().insert("x-amz-request-id", HeaderValue::from_static("0123456789ABCDEF"));
            response
        })
    });
    net::serve(port, tls, handler).await
}

fn service(objects: Objects, options: &Arc<S3Options>) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Bucket { objects, options: Arc::clone(options) });
    builder.set_auth(Auth(Arc::clone(options)));
    builder.set_access(Auth(Arc::clone(options)));
    builder.set_host(Hosts(options.domains.clone()));
    // The clock is compared in `refusal`, which knows of a clock that is said to be ahead.
    let mut config = S3Config::default();
    config.presigned_url_max_skew_time_secs = u32::MAX / 2;
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.build()
}

async fn pass(service: &S3Service, mut request: Request<Incoming>) -> Response<Body> {
    // S3 takes its headers as parameters too; `s3s` reads this one from the headers only.
    if let Some(mode) = net::query_value(request.uri().query().unwrap_or_default(), CHECKSUM_MODE)
        && let Ok(mode) = HeaderValue::try_from(mode)
    {
        request.headers_mut().insert(CHECKSUM_MODE, mode);
    }
    match service.call(request.map(s3s::Body::from)).await {
        Ok(response) => response.map(|body| body.boxed_unsync()),
        Err(_) => xml_error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "the test server failed", ""),
    }
}

/// An error as S3 writes it. `more` is further elements, e.g. `<Region>eu-west-1</Region>`.
pub fn xml_error(status: StatusCode, code: &str, message: &str, more: &str) -> Response<Body> {
    let body = xml_error_body(code, message, more);
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/xml")
        .header(header::CONTENT_LENGTH, body.len())
        .body(net::full(body))
        .expect("a valid answer")
}

/// The document of such an error.
pub fn xml_error_body(code: &str, message: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         {more}<RequestId>0123456789ABCDEF</RequestId><HostId>loopback</HostId></Error>"
    )
}

fn server_time(options: &S3Options) -> SystemTime {
    let ahead = Duration::from_secs(options.clock_ahead.unsigned_abs());
    if options.clock_ahead < 0 { SystemTime::now() - ahead } else { SystemTime::now() + ahead }
}

/// How a request was signed, as far as it says so itself.
struct Scope {
    access: String,
    region: String,
    date: Option<String>,
    token: Option<String>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Header,
    Query,
}

impl Scope {
    fn of<B>(request: &Request<B>) -> Option<Self> {
        let query = request.uri().query().unwrap_or_default();
        let header = |name| net::header_text(request.headers(), name);
        let (credential, place) = match header("authorization") {
            Some(text) => {
                let from = text.strip_prefix("AWS4-HMAC-SHA256")?.split_once("Credential=")?.1;
                (from.split([',', ' ']).next()?.to_owned(), Place::Header)
            }
            None => (net::query_value(query, "X-Amz-Credential")?, Place::Query),
        };
        // <access key>/<date>/<region>/s3/aws4_request
        let mut parts = credential.rsplitn(5, '/');
        let region = parts.by_ref().nth(2)?.to_owned();
        let access = parts.nth(1)?.to_owned();
        let (date, token) = match place {
            Place::Header => (header("x-amz-date"), header("x-amz-security-token")),
            Place::Query => {
                (net::query_value(query, "X-Amz-Date"), net::query_value(query, "X-Amz-Security-Token"))
            }
        };
        Some(Self { access, region, date, token, place })
    }
}

/// What AWS refuses that `s3s` does not: clocks, tokens, regions.
fn refusal<B>(options: &S3Options, request: &Request<B>) -> Option<Response<Body>> {
    let scope = Scope::of(request)?;
    unsigned_header(&scope, request)
        .or_else(|| wrong_clock(options, &scope))
        .or_else(|| wrong_token(options, &scope))
        .or_else(|| wrong_region(options, &scope, request.uri().query()))
}

/// A presigned URL may come with more headers, but not with more of Amazon's own.
fn unsigned_header<B>(scope: &Scope, request: &Request<B>) -> Option<Response<Body>> {
    let query = request.uri().query().unwrap_or_default();
    let signed = match scope.place {
        Place::Header => return None,
        Place::Query => net::query_value(query, "X-Amz-SignedHeaders")?,
    };
    let is_signed = |name: &str| signed.split(';').any(|known| known == name);
    let ours =
        request.headers().keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
    let unsigned: Vec<_> = ours.filter(|name| !is_signed(name)).collect();
    (!unsigned.is_empty()).then(|| {
        let message = "There were headers present in the request which were not signed";
        let more = format!("<HeadersNotSigned>{}</HeadersNotSigned>", unsigned.join(", "));
        xml_error(StatusCode::FORBIDDEN, "AccessDenied", message, &more)
    })
}

fn wrong_clock(options: &S3Options, scope: &Scope) -> Option<Response<Body>> {
    let date = scope.date.as_deref()?;
    let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    let signed = signed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    let server = jiff::Timestamp::try_from(server_time(options)).ok()?;
    let late = server.as_second() - signed.as_second();
    // A presigned URL may be old, that is what its expiry is for, but not from the future.
    let skewed = match scope.place {
        Place::Header => late.abs() > MAX_SKEW,
        Place::Query => late < -MAX_SKEW,
    };
    let more = format!(
        "<RequestTime>{date}</RequestTime><ServerTime>{}</ServerTime>\
         <MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>",
        server.strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    skewed.then(|| {
        let message = "The difference between the request time and the current time is too large.";
        xml_error(StatusCode::FORBIDDEN, "RequestTimeTooSkewed", message, &more)
    })
}

fn wrong_token(options: &S3Options, scope: &Scope) -> Option<Response<Body>> {
    let keys = options.keys.iter().find(|keys| keys.access == scope.access)?;
    match (&keys.token, &scope.token) {
        (Token::Expired, _) => {
            Some(xml_error(StatusCode::BAD_REQUEST, "ExpiredToken", "The provided token has expired.", ""))
        }
        (Token::Required(want), Some(got)) if want == got => None,
        (Token::Required(_), None) => {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            Some(xml_error(StatusCode::FORBIDDEN, "InvalidAccessKeyId", message, ""))
        }
        (Token::Required(_), Some(_)) | (Token::None, Some(_)) => {
            let message = "The provided token is malformed or otherwise invalid.";
            Some(xml_error(StatusCode::BAD_REQUEST, "InvalidToken", message, ""))
        }
        (Token::None, None) => None,
    }
}

fn wrong_region(options: &S3Options, scope: &Scope, query: Option<&str>) -> Option<Response<Body>> {
    let region = options.region.as_deref()?;
    // Where a bucket lies may be asked from us-east-1, else nobody could ask it.
    let asks_location =
        query.is_some_and(|query| query.split('&').any(|p| p == "location" || p == "location="));
    if scope.region == region || (asks_location && scope.region == "us-east-1") {
        return None;
    }
    let element = format!("<Region>{region}</Region>");
    let mut answer = match (options.wrong_region, scope.place) {
        (WrongRegion::Malformed, Place::Header) => {
            let message = format!(
                "The authorization header is malformed; the region '{}' is wrong; expecting '{region}'",
                scope.region
            );
            xml_error(StatusCode::BAD_REQUEST, "AuthorizationHeaderMalformed", &message, &element)
        }
        (WrongRegion::Malformed, Place::Query) => {
            let message = format!(
                "Error parsing the X-Amz-Credential parameter; the region '{}' is wrong; expecting '{region}'",
                scope.region
            );
            xml_error(StatusCode::BAD_REQUEST, "AuthorizationQueryParametersError", &message, &element)
        }
        (WrongRegion::Redirect, _) => {
            let message = "The bucket you are attempting to access must be addressed using the specified \
                           endpoint. Please send all future requests to this endpoint.";
            let more = format!("<Endpoint>s3.{region}.amazonaws.com</Endpoint>");
            xml_error(StatusCode::MOVED_PERMANENTLY, "PermanentRedirect", message, &more)
        }
    };
    if options.wrong_region == WrongRegion::Redirect {
        let value = HeaderValue::from_str(region).expect("a region");
        answer.headers_mut().insert("x-amz-bucket-region", value);
    }
    Some(answer)
}

/// Secrets by access key, and what each may do.
struct Auth(Arc<S3Options>);

#[async_trait::async_trait]
impl S3Auth for Auth {
    async fn get_secret_key(&self, access: &str) -> S3Result<SecretKey> {
        let found = self.0.keys.iter().find(|keys| keys.access == access);
        found.map(|keys| SecretKey::from(keys.secret.as_str())).ok_or_else(|| {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            S3Error::with_message(S3ErrorCode::InvalidAccessKeyId, message)
        })
    }
}

#[async_trait::async_trait]
impl S3Access for Auth {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let access = cx.credentials().map(|credentials| credentials.access_key.as_str());
        let permission = match cx.s3_op().name() {
            "ListObjects" | "ListObjectsV2" | "HeadBucket" => permission(&self.0, access, |keys| keys.list),
            "GetObject" | "HeadObject" => permission(&self.0, access, |keys| keys.read),
            "RestoreObject" => match access {
                Some(_) => permission(&self.0, access, |keys| keys.restore),
                None => Permission::Denied,
            },
            "GetBucketLocation" => permission(&self.0, access, |_| Permission::Allowed),
            // Nobody writes without a key.
            _ => match access {
                Some(_) => Permission::Allowed,
                None => Permission::Denied,
            },
        };
        match permission {
            Permission::Allowed => Ok(()),
            Permission::Denied => Err(denied()),
        }
    }
}

/// What the owner of this access key may do; without a key, what anybody may do.
pub(crate) fn permission(
    options: &S3Options,
    access: Option<&str>,
    of: impl Fn(&Keys) -> Permission,
) -> Permission {
    match access {
        None => options.anonymous,
        Some(access) => options.keys.iter().find(|keys| keys.access == access).map_or(Permission::Denied, of),
    }
}

/// The refusal.
pub(crate) fn denied() -> S3Error {
    S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied")
}

/// `<bucket>.<domain>[:port]`; any other host means that the bucket is in the path.
struct Hosts(Vec<String>);

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let bucket = self.0.iter().find_map(|domain| {
            let bucket = name.strip_suffix(domain.as_str())?.strip_suffix('.')?;
            Some((bucket, domain.as_str()))
        });
        Ok(match bucket {
            Some((bucket, domain)) => VirtualHost::new(domain).with_bucket(bucket),
            None => VirtualHost::new(name),
        })
    }
}
