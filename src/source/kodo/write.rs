//! Writing to a bucket of Qiniu Kodo (Qiniu, "put policy", "form upload", "initiate / upload part / complete /
//! abort of resumable upload v2" and "delete", 2024).

use std::hash::{BuildHasher as _, RandomState};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use md5::{Digest as _, Md5};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;

use super::who::Who;
use super::{FACTS_BYTES, KodoSource, SIGNATURE_SECONDS, domain_url, encode_query, is_no_answer};
use crate::domain::digest::{Algorithm, Comparison, Digest, QETAG_BLOCK, compare};
use crate::domain::key::ObjectKey;
use crate::domain::place::{Denial, ETag, Obstacle};
use crate::source::destination::{Destination, Keeping, Object, Parts, Pieces, Stored, Upload};
use crate::source::http::Request;
use crate::source::secret::RedactedUrl;
use crate::source::{Error, Operation, Source as _, clock};

/// A hash of parts of any other length is of another kind, which says nothing about the bytes of the whole.
const PART_BYTES: u64 = QETAG_BLOCK as u64;

/// An upload takes a while after its token was made.
const TOKEN_SECONDS: u64 = SIGNATURE_SECONDS + 60 * 60;

/// Classes by the words of Kodo's console and by those of its S3 interface, with Kodo's numbers for them.
const CLASSES: [(&str, u32); 11] = [
    ("standard", 0),
    ("line", 1),
    ("infrequent access", 1),
    ("archive", 2),
    ("glacier", 2),
    ("deep archive", 3),
    ("archive ir", 4),
    ("glacier ir", 4),
    ("archive with direct reading", 4),
    ("intelligent tiering", 5),
    ("intelligent", 5),
];

#[async_trait]
impl Destination for KodoSource {
    fn proofs(&self) -> &'static [Algorithm] {
        &[Algorithm::Qetag]
    }

    fn part_bytes(&self) -> (u64, u64) {
        (PART_BYTES, PART_BYTES)
    }

    async fn accepts(&self, keeping: &Keeping) -> Result<(), Error> {
        let Keeping { class, encryption, tags, lock, content_type: _ } = keeping;
        let refuse =
            |words: &str| Err(self.fail(Obstacle::Unsupported, Operation::Write, "").with_answer(words));
        if matches!(*self.who, Who::Nobody) {
            return Err(self.fail(Obstacle::Denied(Denial::Anonymous), Operation::Write, ""));
        }
        if let Some(class) = class.as_deref().filter(|class| file_type(class).is_none()) {
            let all = "line, archive, deep-archive, archive-ir, intelligent-tiering";
            return refuse(&format!("Kodo has no class {class}: {all}"));
        }
        if encryption.is_some() {
            return refuse("Kodo encrypts whole buckets, and no single object is asked to be");
        }
        if !tags.is_empty() {
            return refuse("Kodo tags whole buckets, and not objects");
        }
        match lock {
            Some(_) => refuse("Kodo's own interface has no locks of objects"),
            None => Ok(()),
        }
    }

    async fn put(&self, object: &Object<'_>) -> Result<Stored, Error> {
        let Object { key, bytes, keeping, .. } = *object;
        let token = self.upload_token(key, keeping).await?;
        let (kind, body) = form(key, &token, keeping.content_type, bytes);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, self.value(key, &kind)?);
        let taken: Taken = self.upload(Operation::Write, Method::POST, key, "/", headers, &body).await?;
        Ok(taken.stored(bytes.size()))
    }

    async fn begin(&self, key: &ObjectKey, keeping: &Keeping) -> Result<Box<dyn Upload>, Error> {
        let mut upload = KodoUpload {
            kodo: self.clone(),
            key: key.clone(),
            keeping: keeping.clone(),
            id: String::new(),
            tags: Vec::new(),
            sent: 0,
        };
        let begun: Begun =
            upload.ask(Operation::Write, Method::POST, "", HeaderMap::new(), &Pieces::default()).await?;
        if begun.upload_id.is_empty() {
            let error = self.fail(Obstacle::Unexpected, Operation::Write, key.as_str());
            return Err(error.with_answer("the upload got no ID"));
        }
        upload.id = begun.upload_id;
        Ok(Box::new(upload))
    }

    async fn abort_unfinished(&self, _: &str, _: i64) -> Result<usize, Error> {
        // Nobody is told of them: Kodo forgets by itself, after a week, what was begun and not ended.
        Ok(0)
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), Error> {
        let target = key.as_str();
        let keys = self.who.keys(self.name()).await?;
        let keys =
            keys.ok_or_else(|| self.fail(Obstacle::Denied(Denial::Anonymous), Operation::Remove, target))?;
        let entry = URL_SAFE.encode(format!("{}:{key}", self.place.bucket));
        let unusable = || self.unsendable(key);
        let url = Url::parse(&format!("{}/delete/{entry}", self.place.hosts.rs)).map_err(|_| unusable())?;
        let headers = keys.headers(&Method::POST, &url, clock::unix_seconds()).ok_or_else(unusable)?;
        let request = Request { url: RedactedUrl::new(url), headers };
        let (operation, nothing) = (Operation::Remove, Pieces::default());
        match self.transport.act(operation, Method::POST, target, request, &nothing).await {
            Err(error) if error.obstacle != Obstacle::Absent => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Kodo's number for a class.
fn file_type(class: &str) -> Option<u32> {
    let word = class.to_ascii_lowercase().replace(['_', '-'], " ");
    CLASSES.iter().find(|(known, _)| *known == word).map(|(_, number)| *number)
}

/// The body of a form upload, and what it is.
fn form(key: &ObjectKey, token: &str, content_type: Option<&str>, bytes: &Pieces) -> (String, Pieces) {
    let mut crc = Crc::new(CrcAlgorithm::Crc32IsoHdlc);
    bytes.iter().for_each(|piece| crc.update(piece));
    let random = RandomState::new();
    // Nobody can write segments in which it occurs.
    let boundary = format!("recfetch-{:016x}{:016x}", random.hash_one(0), random.hash_one(1));
    let mut head = String::new();
    for (name, value) in [("token", token), ("key", key.as_str()), ("crc32", &crc.finalize().to_string())] {
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    let content_type = content_type.unwrap_or("application/octet-stream");
    head.push_str(&format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"object\"\r\n\
         Content-Type: {content_type}\r\n\r\n"
    ));
    let tail = format!("\r\n--{boundary}--\r\n");
    let pieces = std::iter::once(Bytes::from(head)).chain(bytes.iter().cloned());
    let body = pieces.chain([Bytes::from(tail)]).collect();
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// What Kodo answers about an object that it took.
#[derive(Deserialize)]
struct Taken {
    hash: String,
}

impl Taken {
    fn stored(self, size: u64) -> Stored {
        let digests = Digest::from_qetag(&self.hash, size).into_iter().collect();
        Stored { etag: Some(ETag::new(&self.hash)), digests, parts: Parts::Untold }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    upload_id: String,
}

#[derive(Deserialize)]
struct Part {
    etag: String,
    #[serde(default)]
    md5: String,
}

/// An answer of which nothing matters but that it came.
#[derive(Deserialize)]
struct Done {}

/// Where a bucket takes objects.
#[derive(Deserialize)]
struct Regions {
    hosts: Vec<Region>,
}

#[derive(Deserialize)]
struct Region {
    up: Names,
}

#[derive(Deserialize)]
struct Names {
    domains: Vec<String>,
}

impl KodoSource {
    fn unsendable(&self, key: &ObjectKey) -> Error {
        let error = self.fail(Obstacle::Unexpected, Operation::Sign, key.as_str());
        error.with_answer("the signed request cannot be sent")
    }

    fn value(&self, key: &ObjectKey, text: &str) -> Result<HeaderValue, Error> {
        HeaderValue::from_str(text).map_err(|_| self.unsendable(key))
    }

    /// What permits to store this object, for now.
    async fn upload_token(&self, key: &ObjectKey, keeping: &Keeping) -> Result<String, Error> {
        let keys = self.who.keys(self.name()).await?;
        let keys = keys
            .ok_or_else(|| self.fail(Obstacle::Denied(Denial::Anonymous), Operation::Write, key.as_str()))?;
        let mut policy = json!({
            "scope": format!("{}:{key}", self.place.bucket),
            "deadline": clock::unix_seconds() + TOKEN_SECONDS,
        });
        if let Some(class) = keeping.class.as_deref() {
            let Some(number) = file_type(class) else {
                let error = self.fail(Obstacle::Unsupported, Operation::Write, key.as_str());
                return Err(error.with_answer(format!("Kodo has no class {class}")));
            };
            policy["fileType"] = json!(number);
        }
        keys.upload_token(&policy.to_string()).ok_or_else(|| self.unsendable(key))
    }

    /// The hosts that take objects for this bucket. The service that knows them wants no signature.
    async fn up_hosts(&self, key: &ObjectKey) -> Result<&[Url], Error> {
        let ask = || async {
            let target = key.as_str();
            let keys = self.who.keys(self.name()).await?;
            let keys =
                keys.ok_or_else(|| self.fail(Obstacle::Denied(Denial::Anonymous), Operation::Write, target))?;
            let (uc, bucket) = (&self.place.hosts.uc, encode_query(&self.place.bucket));
            let url = format!("{uc}/v4/query?ak={}&bucket={bucket}", encode_query(&keys.access));
            let url = Url::parse(&url).map_err(|_| self.unsendable(key))?;
            let request = Request { url: RedactedUrl::new(url), headers: HeaderMap::new() };
            let told = self.transport.document(Operation::Write, target, request, FACTS_BYTES).await?;
            let none =
                |words: &str| self.fail(Obstacle::Unexpected, Operation::Write, target).with_answer(words);
            let regions: Regions =
                serde_json::from_slice(&told).map_err(|_| none("the answer names no hosts"))?;
            let names = regions.hosts.iter().flat_map(|region| &region.up.domains);
            let hosts: Vec<Url> = names.filter_map(|name| domain_url(uc, name)).collect();
            if hosts.is_empty() { Err(none("no host is named that takes objects")) } else { Ok(hosts) }
        };
        self.taking.hosts.get_or_try_init(ask).await.map(Vec::as_slice)
    }

    /// A request to a host that takes objects. `path` is encoded.
    async fn upload<T: DeserializeOwned>(
        &self,
        operation: Operation,
        method: Method,
        key: &ObjectKey,
        path: &str,
        headers: HeaderMap,
        bytes: &Pieces,
    ) -> Result<T, Error> {
        let hosts = self.up_hosts(key).await?;
        let at = self.taking.at.load(std::sync::atomic::Ordering::Relaxed);
        let host = &hosts[at % hosts.len()];
        let url = format!("{}{path}", host.as_str().trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| self.unsendable(key))?;
        let (target, request) = (key.as_str(), Request { url: RedactedUrl::new(url), headers });
        let answer = match self.transport.act(operation, method, target, request, bytes).await {
            Ok(answer) => answer,
            Err(error) => {
                if is_no_answer(&error) {
                    // Another try goes to another host.
                    let next = at.wrapping_add(1);
                    self.taking.at.store(next, std::sync::atomic::Ordering::Relaxed);
                }
                return Err(error);
            }
        };
        let body = self.transport.body_of(operation, target, answer, FACTS_BYTES).await?;
        let body = if body.is_empty() { b"{}".to_vec() } else { body };
        serde_json::from_slice(&body).map_err(|cause| {
            let error = self.fail(Obstacle::Unexpected, operation, target);
            error.with_answer("the answer is not the document that was asked for").with_cause(cause)
        })
    }
}

struct KodoUpload {
    kodo: KodoSource,
    key: ObjectKey,
    keeping: Keeping,
    id: String,
    /// Of the parts, as the store named them.
    tags: Vec<String>,
    sent: u64,
}

impl KodoUpload {
    /// A request about this upload; `below` is what follows its path.
    async fn ask<T: DeserializeOwned>(
        &self,
        operation: Operation,
        method: Method,
        below: &str,
        mut headers: HeaderMap,
        bytes: &Pieces,
    ) -> Result<T, Error> {
        let token = self.kodo.upload_token(&self.key, &self.keeping).await?;
        let mut authorization = self.kodo.value(&self.key, &format!("UpToken {token}"))?;
        authorization.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, authorization);
        let (bucket, entry) = (&self.kodo.place.bucket, URL_SAFE.encode(self.key.as_str()));
        let mut path = format!("/buckets/{}/objects/{entry}/uploads", encode_query(bucket));
        if !self.id.is_empty() {
            path.push_str(&format!("/{}{below}", encode_query(&self.id)));
        }
        self.kodo.upload(operation, method, &self.key, &path, headers, bytes).await
    }
}

#[async_trait]
impl Upload for KodoUpload {
    async fn part(&mut self, bytes: &Pieces) -> Result<(), Error> {
        let mut md5 = Md5::new();
        bytes.iter().for_each(|piece| md5.update(piece));
        let md5 = hex::encode(md5.finalize());
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            // In hexadecimal, unlike elsewhere.
            (HeaderName::from_static("content-md5"), self.kodo.value(&self.key, &md5)?),
        ]);
        let below = format!("/{}", self.tags.len() + 1);
        let part: Part = self.ask(Operation::Write, Method::PUT, &below, headers, bytes).await?;
        if !part.md5.is_empty() && !part.md5.eq_ignore_ascii_case(&md5) {
            let words = format!("md5 {} there, {md5} of the {} bytes of a part sent", part.md5, bytes.size());
            return Err(self
                .kodo
                .fail(Obstacle::Corrupt, Operation::Write, self.key.as_str())
                .with_answer(words));
        }
        self.tags.push(part.etag);
        self.sent += bytes.size();
        Ok(())
    }

    async fn complete(&mut self, digests: &[Digest]) -> Result<Stored, Error> {
        let parts = self.tags.iter().enumerate();
        let parts: Vec<_> = parts.map(|(n, etag)| json!({ "partNumber": n + 1, "etag": etag })).collect();
        let mut document = json!({ "parts": parts });
        if let Some(kind) = self.keeping.content_type {
            document["mimeType"] = json!(kind);
        }
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let document = Pieces::from(document.to_string().into_bytes());
        match self.ask::<Taken>(Operation::Write, Method::POST, "", headers, &document).await {
            Ok(taken) => Ok(taken.stored(self.sent)),
            // An earlier try may have done it, and only its answer did not come.
            Err(error) if error.obstacle == Obstacle::Absent => {
                let there = self.kodo.stat(&self.key).await.map_err(|_| error)?;
                match compare(digests, &there.digests) {
                    Comparison::Agrees(_) => {
                        Ok(Stored { etag: there.etag, digests: there.digests, parts: Parts::Untold })
                    }
                    Comparison::Differs(_) | Comparison::Silent => {
                        let error = self.kodo.fail(Obstacle::Absent, Operation::Write, self.key.as_str());
                        Err(error.with_answer("the parts that were sent are gone"))
                    }
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn abort(&mut self) -> Result<(), Error> {
        let nothing = Pieces::default();
        match self.ask::<Done>(Operation::Remove, Method::DELETE, "", HeaderMap::new(), &nothing).await {
            Err(error) if error.obstacle != Obstacle::Absent => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::SourceName;
    use crate::source::destination::Lock;
    use crate::source::{Credentials, HttpOptions, KodoHosts, KodoPlace, Secret};

    fn source(credentials: Credentials) -> KodoSource {
        let host = "https://kodo.test".to_owned();
        let hosts = KodoHosts { rs: host.clone(), rsf: host.clone(), uc: host };
        let place = KodoPlace { bucket: "lessons".to_owned(), domains: Vec::new(), hosts, credentials };
        KodoSource::connect(SourceName::new("cold"), place, &HttpOptions::default()).unwrap()
    }

    fn keys() -> Credentials {
        Credentials::Keys { access_key: "a".into(), secret_key: Secret::new("b"), session_token: None }
    }

    #[test]
    fn a_class_has_kodos_number_by_either_of_its_names() {
        for (class, number) in [
            ("line", Some(1)),
            ("LINE", Some(1)),
            ("archive", Some(2)),
            ("GLACIER", Some(2)),
            ("deep archive", Some(3)),
            ("deep-archive", Some(3)),
            ("DEEP_ARCHIVE", Some(3)),
            ("archive-ir", Some(4)),
            ("INTELLIGENT_TIERING", Some(5)),
            ("STANDARD", Some(0)),
            ("ColdArchive", None),
            ("", None),
        ] {
            assert_eq!(file_type(class), number, "{class}");
        }
    }

    #[tokio::test]
    async fn what_kodo_does_not_have_is_refused_before_anything_is_sent() {
        let source_of = source;
        let source = source(keys());
        source.accepts(&Keeping { class: Some("line".to_owned()), ..Keeping::default() }).await.unwrap();
        let lock = Lock { mode: "COMPLIANCE".to_owned(), until: 4_000_000_000, at_least: 0 };
        for wrong in [
            Keeping { class: Some("IA".to_owned()), ..Keeping::default() },
            Keeping { encryption: Some("AES256".to_owned()), ..Keeping::default() },
            Keeping { tags: vec![("a".to_owned(), "b".to_owned())], ..Keeping::default() },
            Keeping { lock: Some(lock), ..Keeping::default() },
        ] {
            let error = source.accepts(&wrong).await.unwrap_err();
            assert_eq!(error.obstacle, Obstacle::Unsupported, "{wrong:?}");
        }
        let nobody = source_of(Credentials::Anonymous);
        let error = nobody.accepts(&Keeping::default()).await.unwrap_err();
        assert_eq!(error.obstacle, Obstacle::Denied(Denial::Anonymous));
    }

    #[tokio::test]
    async fn a_token_permits_one_key_and_says_the_class() {
        let source = source(keys());
        let key = ObjectKey::parse("a/b.ts").unwrap();
        let keeping = Keeping { class: Some("archive".to_owned()), ..Keeping::default() };
        let token = source.upload_token(&key, &keeping).await.unwrap();
        let policy = URL_SAFE.decode(token.rsplit(':').next().unwrap()).unwrap();
        let policy: serde_json::Value = serde_json::from_slice(&policy).unwrap();
        assert_eq!((&policy["scope"], &policy["fileType"]), (&json!("lessons:a/b.ts"), &json!(2)));
    }

    #[test]
    fn an_answer_vouches_for_the_bytes_only_by_a_hash_that_can_be_compared() {
        let of = |hash: &str, size| Taken { hash: hash.to_owned() }.stored(size).digests.len();
        assert_eq!(of("Fqr0xh3cxeii2r7eDztILNmuqUNN", 5), 1);
        assert_eq!(of("nieGn00gWdbfwEIHaUpzu4drHeun", 5 << 20), 0);
    }
}
