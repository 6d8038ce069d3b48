//! Aliyun OSS by its own interface.
//!
//! Each request is signed by its headers, so no URL carries a signature (except with the feature
//! `aliyun-sdk`, whose crate can sign nothing else). The headers that are signed do not include the host:
//! one signature is right for the region's host, for a domain that is bound to the bucket and for a path.

pub(super) mod answer;
mod keys;
pub(super) mod listing;
mod restore;
#[cfg(feature = "aliyun-sdk")]
mod sdk;
mod sign;
mod uploads;
mod write;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use super::connect::{OssAddressing, OssPlace, OssSignature};
use super::http::{Dialect, HttpOptions, Request, Transport, encode_path};
use super::secret::RedactedUrl;
use super::{Capabilities, Error, Listing, Opened, Operation, Page, PageToken, Read, Source};
use crate::domain::key::ObjectKey;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Denial, Obstacle, SourceName};
use crate::domain::thaw::{RestoreAnswer, RestoreRequest};
use keys::Keys;
use sign::{Asked, RANGE_BEHAVIOR};

/// A bucket of Aliyun OSS.
#[derive(Clone)]
pub struct OssSource {
    place: OssPlace,
    /// Replaced when an answer names another region.
    at: Arc<RwLock<At>>,
    keys: Arc<Keys>,
    transport: Transport<OssDialect>,
    /// Set by the dialect.
    wants_v1: Arc<AtomicBool>,
}

/// Where requests go, and for which region they are signed.
#[derive(Clone)]
struct At {
    region: String,
    /// Scheme and host of the endpoint, without the bucket.
    endpoint: Url,
}

impl OssSource {
    /// Gets ready to read a bucket. No request is made.
    ///
    /// # Errors
    /// Where no TLS client can be set up, the endpoint is no URL, or it is an address and the bucket should
    /// go before it.
    pub fn new(name: SourceName, place: OssPlace, options: &HttpOptions) -> Result<Self, Error> {
        let refuse =
            |why: &str| Error::new(Obstacle::Unsupported, Operation::Sign, &name, "").with_answer(why);
        let endpoint = Url::parse(&place.endpoint).ok().filter(Url::has_host);
        let endpoint = endpoint.ok_or_else(|| refuse("the endpoint is not a URL"))?;
        let at = At { region: place.region.clone(), endpoint };
        base(&place, &at).ok_or_else(|| refuse("the bucket cannot go before the endpoint"))?;
        let wants_v1 = Arc::new(AtomicBool::new(place.signature == OssSignature::V1));
        let transport = Transport::new(name, options, OssDialect { wants_v1: Arc::clone(&wants_v1) })?;
        let keys = Arc::new(Keys::new(place.credentials.clone()));
        Ok(Self { place, at: Arc::new(RwLock::new(at)), keys, transport, wants_v1 })
    }

    fn at(&self) -> At {
        self.at.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn version(&self) -> OssSignature {
        if self.wants_v1.load(Ordering::Relaxed) { OssSignature::V1 } else { OssSignature::V4 }
    }

    /// A request that is ready to be sent. `path` is that below the bucket, `query` its pairs, both encoded.
    async fn request(
        &self,
        version: OssSignature,
        method: Method,
        target: &str,
        path: &str,
        query: &str,
        headers: HeaderMap,
    ) -> Result<Request, Error> {
        let fail = |why: &str| {
            Error::new(Obstacle::Unexpected, Operation::Sign, self.name(), target).with_answer(why)
        };
        let at = self.at();
        let base = base(&self.place, &at).ok_or_else(|| fail("the endpoint cannot be reached by a URL"))?;
        let keys = self.keys.get().await.map_err(|why| {
            let denied = Obstacle::Denied(Denial::Anonymous);
            Error::new(denied, Operation::Sign, self.name(), target).with_answer(why.to_string())
        })?;
        let bucket = self.place.bucket.as_str();
        let asked = Asked { method, bucket, region: &at.region, path, query };
        let mut url = format!("{base}{path}");
        let mut headers = headers;
        if let Some(keys) = keys {
            #[cfg(feature = "aliyun-sdk")]
            if version == OssSignature::V1 && asked.method == Method::GET && query.is_empty() {
                let url = sdk::presigned(&base, &asked, target, &headers, &keys);
                let url = Url::parse(&url).map_err(|_| fail("the signed URL is none"))?;
                return Ok(Request { url: RedactedUrl::new(url), headers });
            }
            headers = sign::by_headers(&asked, version, headers, &keys)
                .await
                .map_err(|_| fail("the request cannot be signed: see the bucket's name and the keys"))?;
        }
        if !query.is_empty() {
            url.push('?');
            url.push_str(query);
        }
        let url = Url::parse(&url).map_err(|_| fail("the request has no URL"))?;
        Ok(Request { url: RedactedUrl::new(url), headers })
    }

    async fn of_object(
        &self,
        version: OssSignature,
        method: Method,
        key: &ObjectKey,
        headers: HeaderMap,
    ) -> Result<Request, Error> {
        let path = format!("/{}", encode_path(key.as_str()));
        self.request(version, method, key.as_str(), &path, "", headers).await
    }

    /// Whether the same request is worth signing in the other version, and what else an error teaches.
    async fn learns(&self, signed: OssSignature, error: &Error) -> bool {
        if error.obstacle == Obstacle::Denied(Denial::Expired) {
            self.keys.forget().await;
        }
        signed == OssSignature::V4 && self.version() == OssSignature::V1
    }

    /// A document about the bucket.
    async fn page(&self, prefix: &str, query: &str) -> Result<Vec<u8>, Error> {
        let version = self.version();
        match self.read_page(version, prefix, query).await {
            Err(error) if self.learns(version, &error).await => {
                self.read_page(self.version(), prefix, query).await
            }
            answer => answer,
        }
    }

    async fn read_page(&self, version: OssSignature, prefix: &str, query: &str) -> Result<Vec<u8>, Error> {
        let request = self.request(version, Method::GET, prefix, "/", query, HeaderMap::new()).await?;
        self.transport.document(Operation::List, prefix, request, listing::MOST_BYTES).await
    }
}

/// Scheme, host and, where it goes there, the bucket: what stands before the path of a key.
fn base(place: &OssPlace, at: &At) -> Option<String> {
    let mut url = at.endpoint.clone();
    let path = match place.addressing {
        OssAddressing::VirtualHost => {
            let host = match url.host()? {
                url::Host::Domain(name) => format!("{}.{name}", place.bucket),
                url::Host::Ipv4(_) | url::Host::Ipv6(_) => return None,
            };
            url.set_host(Some(&host)).ok()?;
            String::new()
        }
        OssAddressing::BoundDomain => String::new(),
        OssAddressing::Path => format!("/{}", encode_path(&place.bucket)),
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}{path}", url.scheme(), url.host_str()?))
}

/// The endpoint in another region, where this one is that of its own region.
fn moved(endpoint: &Url, from: &str, to: &str) -> Option<Url> {
    let host = endpoint.host_str()?;
    let forms = |region: &str| {
        [
            format!("oss-{region}.aliyuncs.com"),
            format!("oss-{region}-internal.aliyuncs.com"),
            format!("{region}.oss.aliyuncs.com"),
        ]
    };
    let form = forms(from).iter().position(|known| known == host)?;
    let mut url = endpoint.clone();
    url.set_host(Some(&forms(to)[form])).ok()?;
    Some(url)
}

#[async_trait]
impl Source for OssSource {
    fn name(&self) -> &SourceName {
        self.transport.name()
    }

    fn describe(&self) -> String {
        let at = self.at();
        let endpoint = RedactedUrl::new(at.endpoint).to_string();
        let endpoint = endpoint.trim_end_matches('/');
        // So that the settings can say it, and no request is refused first.
        let taught = match (self.place.signature, self.version()) {
            (OssSignature::V4, OssSignature::V1) => ", signature v1, as it knows no v4",
            (OssSignature::V4, OssSignature::V4) | (OssSignature::V1, _) => "",
        };
        format!("Aliyun OSS, {}, {endpoint}, bucket {}{taught}", at.region, self.place.bucket)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { listing: Listing::Possible }
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        let version = self.version();
        let request = self.of_object(version, Method::HEAD, key, HeaderMap::new()).await?;
        match self.transport.stat(key, request).await {
            Err(error) if self.learns(version, &error).await => {
                let request = self.of_object(self.version(), Method::HEAD, key, HeaderMap::new()).await?;
                self.transport.stat(key, request).await
            }
            answer => answer,
        }
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        let mut headers = HeaderMap::new();
        if read.from > 0 || read.until.is_some() {
            // Without it a range that does not fit brings the whole object with a 200.
            headers.insert(RANGE_BEHAVIOR, HeaderValue::from_static("standard"));
        }
        let version = self.version();
        let request = self.of_object(version, Method::GET, key, headers.clone()).await?;
        match self.transport.open(key, read, request).await {
            Err(error) if self.learns(version, &error).await => {
                let request = self.of_object(self.version(), Method::GET, key, headers).await?;
                self.transport.open(key, read, request).await
            }
            answer => answer,
        }
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        let query = listing::query(prefix, after.map(|token| token.0.as_str()));
        let body = self.page(prefix, &query).await?;
        let page = listing::page(&body).map_err(|why| {
            Error::new(Obstacle::Unexpected, Operation::List, self.name(), prefix).with_answer(why)
        })?;
        tracing::debug!(store = %self.name(), prefix, keys = page.objects.len(), "listed");
        Ok(page)
    }

    fn can_restore(&self) -> bool {
        true
    }

    async fn restore(&self, object: &ObjectInfo, request: &RestoreRequest) -> Result<RestoreAnswer, Error> {
        self.ask_for_restore(object, request).await
    }

    async fn public_url(&self, key: &ObjectKey) -> Option<Url> {
        let url = format!("{}/{}", base(&self.place, &self.at())?, encode_path(key.as_str()));
        RedactedUrl::new(Url::parse(&url).ok()?).public()
    }

    async fn move_to_region(&self, region: &str) -> bool {
        let mut at = self.at.write().unwrap_or_else(PoisonError::into_inner);
        // Another request may have learnt the same a moment ago.
        if at.region == region {
            return true;
        }
        if self.place.addressing == OssAddressing::VirtualHost
            && let Some(endpoint) = moved(&at.endpoint, &at.region, region)
        {
            at.endpoint = endpoint;
        }
        at.region = region.to_owned();
        true
    }
}

#[derive(Clone)]
struct OssDialect {
    /// Whether this store has said that it knows no signatures of version 4.
    wants_v1: Arc<AtomicBool>,
}

impl Dialect for OssDialect {
    fn obstacle(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Obstacle, Option<String>) {
        let error = answer::read_error(headers, body);
        if error.as_ref().is_some_and(answer::OssError::knows_no_v4) {
            self.wants_v1.store(true, Ordering::Relaxed);
        }
        let obstacle = answer::obstacle(status, headers, error.as_ref());
        (obstacle, error.map(|error| error.words))
    }

    fn enrich(&self, headers: &HeaderMap, info: &mut ObjectInfo) {
        super::oss_headers::enrich(headers, info);
    }

    fn follows_redirects(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Credentials;

    fn place(endpoint: &str, addressing: OssAddressing) -> OssPlace {
        OssPlace {
            region: "cn-hangzhou".to_owned(),
            bucket: "lessons".to_owned(),
            endpoint: endpoint.to_owned(),
            addressing,
            signature: OssSignature::V4,
            credentials: Credentials::Anonymous,
        }
    }

    fn base_of(endpoint: &str, addressing: OssAddressing) -> Option<String> {
        let place = place(endpoint, addressing);
        let at = At { region: place.region.clone(), endpoint: Url::parse(endpoint).unwrap() };
        base(&place, &at)
    }

    #[test]
    fn the_bucket_goes_where_the_addressing_says() {
        use OssAddressing::{BoundDomain, Path, VirtualHost};
        for (endpoint, addressing, expected) in [
            (
                "https://oss-cn-hangzhou.aliyuncs.com",
                VirtualHost,
                Some("https://lessons.oss-cn-hangzhou.aliyuncs.com"),
            ),
            ("https://media.example.com:8443", BoundDomain, Some("https://media.example.com:8443")),
            ("http://127.0.0.1:8000", Path, Some("http://127.0.0.1:8000/lessons")),
            ("http://127.0.0.1:8000", VirtualHost, None),
            ("http://[::1]:8000", VirtualHost, None),
        ] {
            assert_eq!(base_of(endpoint, addressing).as_deref(), expected, "{endpoint}");
        }
        let refused = OssSource::new(
            SourceName::new("place"),
            place("http://127.0.0.1", VirtualHost),
            &HttpOptions::default(),
        );
        assert_eq!(refused.err().map(|error| error.obstacle), Some(Obstacle::Unsupported));
    }

    #[test]
    fn only_the_regions_own_endpoint_moves_with_the_region() {
        for (endpoint, expected) in [
            ("https://oss-cn-hangzhou.aliyuncs.com", Some("https://oss-cn-beijing.aliyuncs.com/")),
            (
                "https://oss-cn-hangzhou-internal.aliyuncs.com",
                Some("https://oss-cn-beijing-internal.aliyuncs.com/"),
            ),
            ("https://cn-hangzhou.oss.aliyuncs.com", Some("https://cn-beijing.oss.aliyuncs.com/")),
            ("https://oss-accelerate.aliyuncs.com", None),
            ("https://media.example.com", None),
        ] {
            let moved = moved(&Url::parse(endpoint).unwrap(), "cn-hangzhou", "cn-beijing");
            assert_eq!(moved.as_ref().map(Url::as_str), expected, "{endpoint}");
        }
    }

    #[tokio::test]
    async fn a_move_is_good_for_all_who_were_told_of_it() {
        let place = place("https://oss-cn-hangzhou.aliyuncs.com", OssAddressing::VirtualHost);
        let source = OssSource::new(SourceName::new("place"), place, &HttpOptions::default()).unwrap();
        for _ in 0..2 {
            assert!(source.move_to_region("cn-beijing").await);
        }
        assert_eq!(
            source.describe(),
            "Aliyun OSS, cn-beijing, https://oss-cn-beijing.aliyuncs.com, bucket lessons"
        );
    }
}
