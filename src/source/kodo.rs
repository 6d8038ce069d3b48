//! Qiniu Kodo by its own interfaces: objects through a domain that is bound to the bucket, facts and listings
//! from the servers that manage it.

pub(super) mod documents;
mod restore;
mod sign;
mod who;
mod write;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;

use self::documents::{Entry, Listed};
use self::who::Who;
use super::connect::KodoPlace;
use super::http::{Dialect, HttpOptions, Request, Transport, encode_path};
use super::kodo_answer::{self, Asked};
use super::secret::RedactedUrl;
use super::{
    Capabilities, Error, Listing, Opened, Operation, Page, PageToken, Read, Source, clock, kodo_headers,
};
use crate::domain::key::ObjectKey;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::thaw::{RestoreAnswer, RestoreRequest};

/// How long a signed URL is good for: each is used at once, so this covers clocks that differ a little.
const SIGNATURE_SECONDS: u64 = 15 * 60;

/// How many keys one page has at most, by Kodo's rule.
const PAGE_KEYS: usize = 1000;

/// No page of a thousand keys comes near this, with all that users may have said about their objects.
const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// Facts about one object, or a list of domains.
const FACTS_BYTES: usize = 1024 * 1024;

/// A bucket.
#[derive(Clone)]
pub struct KodoSource {
    place: KodoPlace,
    who: Arc<Who>,
    transport: Transport<KodoDialect>,
    /// The domains that the account names, where the settings name none.
    discovered: Arc<OnceCell<Vec<Url>>>,
    /// The domain that answered first. It is used from then on: each has its own nodes and its own cache, and
    /// an object that is read in parts should come from one.
    answering: Arc<OnceLock<Url>>,
    taking: Arc<Taking>,
    reads: Reads,
}

/// The hosts that take objects, asked for when the first is stored, and the one that is asked now.
#[derive(Default)]
struct Taking {
    hosts: OnceCell<Vec<Url>>,
    at: AtomicUsize,
}

/// What is read of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// What the domain serves.
    AsServed,
    /// What the bucket has: a CDN before the domain may serve an older object, which is refused.
    AsStored,
}

impl KodoSource {
    /// Gets ready to read a bucket. No request is made; where the settings name no domain, the account is
    /// asked for them before the first object is read.
    ///
    /// # Errors
    /// Where no TLS client can be set up, or the credentials are of a kind that Kodo does not know.
    pub fn connect(name: SourceName, place: KodoPlace, options: &HttpOptions) -> Result<Self, Error> {
        let who = Who::new(&name, &place.credentials)?;
        let asked = if matches!(who, Who::Nobody) { Asked::Unsigned } else { Asked::Signed };
        let transport = Transport::new(name, options, KodoDialect { asked })?;
        Ok(Self {
            place,
            who: Arc::new(who),
            transport,
            discovered: Arc::default(),
            answering: Arc::default(),
            taking: Arc::default(),
            reads: Reads::AsServed,
        })
    }

    /// For a bucket that is written to: an object that was replaced a moment ago is never read as it was before.
    #[must_use]
    pub fn as_stored(mut self) -> Self {
        self.reads = Reads::AsStored;
        self
    }

    fn fail(&self, obstacle: Obstacle, operation: Operation, target: &str) -> Error {
        Error::new(obstacle, operation, self.name(), target)
    }

    /// A signed GET to one of the interfaces.
    async fn document<T: DeserializeOwned>(
        &self,
        operation: Operation,
        target: &str,
        url: &str,
        most: usize,
    ) -> Result<T, Error> {
        let keys = self.who.keys(self.name()).await?.ok_or_else(|| {
            let error = self.fail(Obstacle::Unsupported, operation, target);
            error.with_answer("kodo tells this only to the owner of the bucket")
        })?;
        let unusable = || {
            let error = self.fail(Obstacle::Unexpected, Operation::Sign, target);
            error.with_answer("the host of an interface is not a URL")
        };
        let url = Url::parse(url).map_err(|_| unusable())?;
        let headers = keys.headers(&Method::GET, &url, clock::unix_seconds()).ok_or_else(unusable)?;
        let request = Request { url: RedactedUrl::new(url), headers };
        let body = self.transport.document(operation, target, request, most).await?;
        serde_json::from_slice(&body).map_err(|cause| {
            let error = self.fail(Obstacle::Unexpected, operation, target);
            error.with_answer("the answer is not the document that was asked for").with_cause(cause)
        })
    }

    /// The domains to read from, in order.
    async fn domains(&self, key: &ObjectKey) -> Result<&[Url], Error> {
        if !self.place.domains.is_empty() {
            return Ok(&self.place.domains);
        }
        let none = |words: &str| {
            self.fail(Obstacle::Unsupported, Operation::Read, key.as_str()).with_answer(words.to_owned())
        };
        if matches!(*self.who, Who::Nobody) {
            return Err(none("no domain is given, and only the owner of a bucket is told its domains"));
        }
        let ask = || async {
            let uc = &self.place.hosts.uc;
            let url = format!("{uc}/v2/domains?tbl={}", encode_query(&self.place.bucket));
            let names: Vec<String> = self.document(Operation::Read, key.as_str(), &url, FACTS_BYTES).await?;
            let domains: Vec<Url> = names.iter().filter_map(|name| domain_url(uc, name)).collect();
            if domains.is_empty() {
                return Err(none("no domain is bound to the bucket"));
            }
            Ok(domains)
        };
        self.discovered.get_or_try_init(ask).await.map(Vec::as_slice)
    }

    /// The request for an object at a domain, signed for now.
    async fn request(&self, key: &ObjectKey, domain: &Url) -> Result<Request, Error> {
        let url = object_url(domain, key);
        let url = match self.who.keys(self.name()).await? {
            None => Some(url),
            Some(keys) => keys.private_url(&url, clock::unix_seconds() + SIGNATURE_SECONDS),
        };
        let url = url.ok_or_else(|| {
            let error = self.fail(Obstacle::Unexpected, Operation::Sign, key.as_str());
            error.with_answer("the signed request cannot be sent")
        })?;
        Ok(Request { url: RedactedUrl::new(url), headers: HeaderMap::new() })
    }

    /// Asks the domain that answered before; else one after the other until one does.
    async fn at_a_domain<'a, T>(
        &'a self,
        key: &'a ObjectKey,
        ask: impl Fn(Request) -> BoxFuture<'a, Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        if let Some(domain) = self.answering.get() {
            return ask(self.request(key, domain).await?).await;
        }
        let mut refused: Option<Error> = None;
        for domain in self.domains(key).await? {
            match ask(self.request(key, domain).await?).await {
                Err(error) if is_no_answer(&error) => {
                    // What may pass is what another try is worth for.
                    if refused.as_ref().is_none_or(|first| !first.obstacle.is_temporary()) {
                        refused = Some(error);
                    }
                }
                answer => {
                    let _ = self.answering.set(domain.clone());
                    return answer;
                }
            }
        }
        let mut error =
            refused.unwrap_or_else(|| self.fail(Obstacle::Unsupported, Operation::Read, key.as_str()));
        if self.place.domains.is_empty() {
            // Domains for testing are taken back after thirty days and stay in the list.
            let words = error.answer.take().map_or_else(String::new, |words| format!(": {words}"));
            let asked = self.discovered.get().map(Vec::as_slice).unwrap_or_default();
            let hosts: Vec<_> = asked.iter().filter_map(Url::host_str).take(MOST_NAMED).collect();
            let hosts = hosts.join(", ");
            error = error
                .with_answer(format!("no domain is bound to the bucket that answers, of {hosts}{words}"));
        }
        Err(error)
    }
}

fn object_url(domain: &Url, key: &ObjectKey) -> Url {
    let mut url = domain.clone();
    url.set_path(&format!("{}/{}", url.path().trim_end_matches('/'), encode_path(key.as_str())));
    url
}

/// How many domains a message names.
const MOST_NAMED: usize = 3;

/// Whether nobody was there, or nobody for this bucket.
fn is_no_answer(error: &Error) -> bool {
    match error.obstacle {
        Obstacle::Untrusted | Obstacle::NoSuchBucket => true,
        // Servers that fail are there; only where no answer came is a cause below.
        Obstacle::Unreachable => error.cause.is_some(),
        Obstacle::Absent
        | Obstacle::Denied(_)
        | Obstacle::Frozen { .. }
        | Obstacle::WrongRegion { .. }
        | Obstacle::Changed
        | Obstacle::Corrupt
        | Obstacle::Throttled
        | Obstacle::Unsupported
        | Obstacle::Unexpected => false,
    }
}

/// The URL of a domain of which the account names only the host. It is asked as the account was: by https, but
/// where the interface of a private cloud is reached by http, there too.
fn domain_url(uc: &str, name: &str) -> Option<Url> {
    let scheme = if uc.starts_with("http://") { "http" } else { "https" };
    // `.example.com` stands for all names below it, and is none itself.
    let named = !name.is_empty() && !name.starts_with(['.', '*']);
    let url = Url::parse(&format!("{scheme}://{name}")).ok().filter(|_| named)?;
    (url.path() == "/" && url.query().is_none() && url.username().is_empty()).then_some(url)
}

fn encode_query(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[async_trait]
impl Source for KodoSource {
    fn name(&self) -> &SourceName {
        self.transport.name()
    }

    fn describe(&self) -> String {
        self.place.to_string()
    }

    fn capabilities(&self) -> Capabilities {
        // Only the owner may list; that a bucket is public concerns its objects.
        let nobody = matches!(*self.who, Who::Nobody);
        Capabilities { listing: if nobody { Listing::Impossible } else { Listing::Possible } }
    }

    /// The owner asks the bucket itself and not the domain: its answer has size, hash and class as they are
    /// stored, where a CDN before the domain may show a tag of its own and an older object. A public bucket
    /// tells only what the domain's headers say.
    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        if matches!(*self.who, Who::Nobody) {
            return self.at_a_domain(key, |request| Box::pin(self.transport.stat(key, request))).await;
        }
        let entry = URL_SAFE.encode(format!("{}:{key}", self.place.bucket));
        let url = format!("{}/stat/{entry}", self.place.hosts.rs);
        let entry: Entry = self.document(Operation::Stat, key.as_str(), &url, FACTS_BYTES).await?;
        Ok(entry.into_info(key.clone()))
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        let stored = match self.reads {
            Reads::AsServed => None,
            Reads::AsStored => Some(self.stat(key).await?),
        };
        let opened =
            self.at_a_domain(key, |request| Box::pin(self.transport.open(key, read, request))).await?;
        if let Some(stored) = stored {
            let tag = opened.info.etag.as_ref().or(stored.etag.as_ref());
            let size = opened.info.size.or(stored.size);
            if tag != stored.etag.as_ref() || size != stored.size {
                let error = self.fail(Obstacle::Changed, Operation::Read, key.as_str());
                return Err(error.with_answer("the domain serves an older object than the bucket has"));
            }
        }
        // No document says that every node of every CDN keeps the condition.
        match (read.if_match, &opened.info.etag) {
            (Some(wanted), Some(found)) if wanted != found => {
                Err(self.fail(Obstacle::Changed, Operation::Read, key.as_str()))
            }
            (_, _) => Ok(opened),
        }
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        if self.capabilities().listing == Listing::Impossible {
            return Err(self.fail(Obstacle::Unsupported, Operation::List, prefix));
        }
        let KodoPlace { bucket, hosts, .. } = &self.place;
        let mut url = format!(
            "{}/list?bucket={}&prefix={}&limit={PAGE_KEYS}",
            hosts.rsf,
            encode_query(bucket),
            encode_query(prefix)
        );
        if let Some(after) = after {
            url.push_str(&format!("&marker={}", encode_query(&after.0)));
        }
        let listed: Listed = self.document(Operation::List, prefix, &url, PAGE_BYTES).await?;
        let page = listed.into_page();
        tracing::debug!(store = %self.name(), prefix, keys = page.objects.len(), "listed");
        Ok(page)
    }

    fn can_restore(&self) -> bool {
        // Only the owner is told classes.
        !matches!(&*self.who, Who::Nobody)
    }

    async fn restore(&self, object: &ObjectInfo, request: &RestoreRequest) -> Result<RestoreAnswer, Error> {
        self.ask_for_restore(object, request).await
    }

    async fn public_url(&self, key: &ObjectKey) -> Option<Url> {
        let domain = match self.answering.get() {
            Some(domain) => domain,
            None => self.domains(key).await.ok()?.first()?,
        };
        RedactedUrl::new(object_url(domain, key)).public()
    }
}

#[derive(Clone, Copy)]
struct KodoDialect {
    asked: Asked,
}

impl Dialect for KodoDialect {
    fn obstacle(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Obstacle, Option<String>) {
        kodo_answer::obstacle(status, headers, body, self.asked)
    }

    fn enrich(&self, headers: &HeaderMap, info: &mut ObjectInfo) {
        kodo_headers::enrich(headers, info);
        // A tag that a CDN made up would pass for another version than the one that was listed. Without it no
        // body is continued, and what the listing vouches for holds.
        info.etag.take_if(|etag| !kodo_headers::is_hash(etag.as_str()));
    }

    fn follows_redirects(&self) -> bool {
        match self.asked {
            // A token is only good for the host that it was made for.
            Asked::Signed => false,
            Asked::Unsigned => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_of_the_account_is_a_host_and_nothing_more() {
        let url = |name| domain_url("https://uc.qiniuapi.com", name).map(|url| url.to_string());
        assert_eq!(url("video.example.com").as_deref(), Some("https://video.example.com/"));
        for wrong in ["", ".example.com", "*.example.com", "a b", "h.example/path", "u@h.example", "h?x"] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
        let local = domain_url("http://127.0.0.1:1", "127.0.0.1:2").unwrap();
        assert_eq!(local.as_str(), "http://127.0.0.1:2/");
    }
}
