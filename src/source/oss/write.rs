//! Writing to a bucket of Aliyun OSS (API reference, "PutObject", "InitiateMultipartUpload", "UploadPart",
//! "CompleteMultipartUpload", "AbortMultipartUpload", "ListMultipartUploads" and "DeleteObject", 2026).

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use md5::{Digest as _, Md5};

use super::{OssSource, uploads};
use crate::domain::digest::{Algorithm, Comparison, Digest, compare};
use crate::domain::key::ObjectKey;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{ETag, Obstacle};
use crate::source::destination::{Destination, Keeping, Object, Parts, Pieces, Stored, Upload, tagging};
use crate::source::http::encode_path;
use crate::source::{Error, Operation, Source as _, oss_headers};

/// Between these a part may have, but for the last one: 100 KB and 5 GB.
const PART_BYTES: (u64, u64) = (100 << 10, 5 << 30);

const CLASSES: [&str; 5] = ["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"];
const ENCRYPTIONS: [&str; 3] = ["AES256", "KMS", "SM4"];

#[async_trait]
impl Destination for OssSource {
    fn proofs(&self) -> &'static [Algorithm] {
        // The first of what arrived is in every answer; the second is sent along, and checked there.
        &[Algorithm::Crc64Xz, Algorithm::Md5]
    }

    fn part_bytes(&self) -> (u64, u64) {
        PART_BYTES
    }

    async fn accepts(&self, keeping: &Keeping) -> Result<(), Error> {
        let refuse = |words: String| {
            Err(Error::new(Obstacle::Unsupported, Operation::Write, self.name(), "").with_answer(words))
        };
        let Keeping { class, encryption, tags: _, lock, content_type: _ } = keeping;
        if let Some(class) = class.as_deref().filter(|class| !CLASSES.contains(class)) {
            return refuse(format!("OSS has no class {class}: {}", CLASSES.join(", ")));
        }
        if let Some(how) = encryption.as_deref().filter(|how| !ENCRYPTIONS.contains(how)) {
            return refuse(format!("OSS has no encryption {how}: {}", ENCRYPTIONS.join(", ")));
        }
        match lock {
            Some(_) => refuse("OSS locks whole buckets, by a retention policy, and not objects".to_owned()),
            None => Ok(()),
        }
    }

    async fn put(&self, object: &Object<'_>) -> Result<Stored, Error> {
        let Object { key, bytes, digests, keeping } = *object;
        let mut headers = kept(keeping, &self.unsendable(key))?;
        if let Some(md5) = digests.iter().find(|digest| digest.algorithm() == Algorithm::Md5) {
            insert(&mut headers, MD5, &BASE64.encode(md5.bytes()), &self.unsendable(key))?;
        }
        let put = Ask { operation: Operation::Write, method: Method::PUT, key, query: "", headers, bytes };
        let answer = self.ask(put).await?;
        Ok(stored(key, answer.headers()))
    }

    async fn begin(&self, key: &ObjectKey, keeping: &Keeping) -> Result<Box<dyn Upload>, Error> {
        let headers = kept(keeping, &self.unsendable(key))?;
        let (method, bytes) = (Method::POST, &Pieces::default());
        let begin = Ask { operation: Operation::Write, method, key, query: "uploads", headers, bytes };
        let answer = self.ask(begin).await?;
        let body = self
            .transport
            .body_of(Operation::Write, key.as_str(), answer, super::listing::MOST_BYTES)
            .await?;
        let id = uploads::id(&body).ok_or_else(|| {
            let error = Error::new(Obstacle::Unexpected, Operation::Write, self.name(), key.as_str());
            error.with_answer("the upload got no ID")
        })?;
        Ok(Box::new(OssUpload { oss: self.clone(), key: key.clone(), id, tags: Vec::new() }))
    }

    async fn abort_unfinished(&self, prefix: &str, since: i64) -> Result<usize, Error> {
        let mut aborted = 0;
        let mut after = None;
        loop {
            let query = uploads::query(prefix, after.as_ref());
            let body = self.page(prefix, &query).await?;
            let page = uploads::page(&body).map_err(|why| {
                Error::new(Obstacle::Unexpected, Operation::List, self.name(), prefix).with_answer(why)
            })?;
            for begun in &page.begun {
                // Whoever is still at it has begun lately.
                let forsaken = begun.at.is_some_and(|at| at < since);
                let Some(key) = ObjectKey::parse(&begun.key).ok().filter(|_| forsaken) else { continue };
                self.abort(&key, &begun.id).await?;
                aborted += 1;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(aborted),
            }
        }
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), Error> {
        let (method, bytes, headers) = (Method::DELETE, &Pieces::default(), HeaderMap::new());
        let remove = Ask { operation: Operation::Remove, method, key, query: "", headers, bytes };
        absent_is_fine(self.ask(remove).await)
    }
}

/// A request about one object.
struct Ask<'a> {
    operation: Operation,
    method: Method,
    key: &'a ObjectKey,
    /// Encoded.
    query: &'a str,
    headers: HeaderMap,
    bytes: &'a Pieces,
}

impl OssSource {
    async fn ask(&self, ask: Ask<'_>) -> Result<reqwest::Response, Error> {
        let Ask { operation, method, key, query, headers, bytes } = ask;
        let (target, path) = (key.as_str(), format!("/{}", encode_path(key.as_str())));
        let version = self.version();
        let request = self.request(version, method.clone(), target, &path, query, headers.clone()).await?;
        match self.transport.act(operation, method.clone(), target, request, bytes).await {
            Err(error) if self.learns(version, &error).await => {
                let request =
                    self.request(self.version(), method.clone(), target, &path, query, headers).await?;
                self.transport.act(operation, method, target, request, bytes).await
            }
            answer => answer,
        }
    }

    async fn abort(&self, key: &ObjectKey, id: &str) -> Result<(), Error> {
        let query = uploads::of(id);
        let (method, bytes, headers) = (Method::DELETE, &Pieces::default(), HeaderMap::new());
        let abort = Ask { operation: Operation::Remove, method, key, query: &query, headers, bytes };
        absent_is_fine(self.ask(abort).await)
    }

    fn unsendable(&self, key: &ObjectKey) -> impl Fn() -> Error {
        let (name, key) = (self.name().clone(), key.clone());
        move || {
            let error = Error::new(Obstacle::Unsupported, Operation::Write, &name, key.as_str());
            error.with_answer("the class, encryption or tags cannot be sent")
        }
    }
}

fn absent_is_fine<T>(done: Result<T, Error>) -> Result<(), Error> {
    match done {
        Err(error) if error.obstacle != Obstacle::Absent => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

const MD5: HeaderName = HeaderName::from_static("content-md5");

fn insert(
    headers: &mut HeaderMap,
    name: HeaderName,
    value: &str,
    fail: &impl Fn() -> Error,
) -> Result<(), Error> {
    headers.insert(name, HeaderValue::from_str(value).map_err(|_| fail())?);
    Ok(())
}

/// The headers that say how an object is kept.
fn kept(keeping: &Keeping, fail: &impl Fn() -> Error) -> Result<HeaderMap, Error> {
    let Keeping { class, encryption, tags: _, lock: _, content_type } = keeping;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (HeaderName::from_static("x-oss-storage-class"), class.clone()),
        (HeaderName::from_static("x-oss-server-side-encryption"), encryption.clone()),
        (HeaderName::from_static("x-oss-tagging"), tagging(keeping)),
        (header::CONTENT_TYPE, content_type.map(str::to_owned)),
    ] {
        if let Some(value) = value {
            insert(&mut headers, name, &value, fail)?;
        }
    }
    Ok(headers)
}

/// What the headers of an answer to a write vouch for.
fn stored(key: &ObjectKey, headers: &HeaderMap) -> Stored {
    let etag = headers.get(header::ETAG).and_then(|value| value.to_str().ok()).map(ETag::new);
    let mut info = ObjectInfo { etag, ..ObjectInfo::bare(key.clone()) };
    oss_headers::enrich(headers, &mut info);
    Stored { etag: info.etag, digests: info.digests, parts: Parts::Untold }
}

struct OssUpload {
    oss: OssSource,
    key: ObjectKey,
    id: String,
    /// Of the parts, as the store named them.
    tags: Vec<String>,
}

#[async_trait]
impl Upload for OssUpload {
    async fn part(&mut self, bytes: &Pieces) -> Result<(), Error> {
        let mut md5 = Md5::new();
        bytes.iter().for_each(|piece| md5.update(piece));
        let mut headers = HeaderMap::new();
        insert(&mut headers, MD5, &BASE64.encode(md5.finalize()), &self.oss.unsendable(&self.key))?;
        let query = format!("partNumber={}&{}", self.tags.len() + 1, uploads::of(&self.id));
        let (method, key) = (Method::PUT, &self.key);
        let part = Ask { operation: Operation::Write, method, key, query: &query, headers, bytes };
        let answer = self.oss.ask(part).await?;
        let tag = answer.headers().get(header::ETAG).and_then(|value| value.to_str().ok());
        let Some(tag) = tag else {
            let name = self.oss.name();
            let error = Error::new(Obstacle::Unexpected, Operation::Write, name, self.key.as_str());
            return Err(error.with_answer("a part got no ETag"));
        };
        self.tags.push(tag.trim_matches('"').to_owned());
        Ok(())
    }

    async fn complete(&mut self, digests: &[Digest]) -> Result<Stored, Error> {
        let (query, bytes) = (uploads::of(&self.id), Pieces::from(uploads::completion(&self.tags)));
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"))]);
        let (method, key) = (Method::POST, &self.key);
        let complete =
            Ask { operation: Operation::Write, method, key, query: &query, headers, bytes: &bytes };
        match self.oss.ask(complete).await {
            Ok(answer) => Ok(stored(&self.key, answer.headers())),
            // An earlier try may have done it, and only its answer did not come.
            Err(error) if error.obstacle == Obstacle::Absent => {
                let there = self.oss.stat(&self.key).await.map_err(|_| error)?;
                match compare(digests, &there.digests) {
                    Comparison::Agrees(_) => {
                        Ok(Stored { etag: there.etag, digests: there.digests, parts: Parts::Untold })
                    }
                    Comparison::Differs(_) | Comparison::Silent => {
                        let name = self.oss.name();
                        let error = Error::new(Obstacle::Absent, Operation::Write, name, self.key.as_str());
                        Err(error.with_answer("the parts that were sent are gone"))
                    }
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn abort(&mut self) -> Result<(), Error> {
        self.oss.abort(&self.key, &self.id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::destination::Lock;
    use crate::source::{Credentials, HttpOptions, OssAddressing, OssPlace, OssSignature};

    fn source() -> OssSource {
        let place = OssPlace {
            region: "cn-hangzhou".to_owned(),
            bucket: "lessons".to_owned(),
            endpoint: "https://oss-cn-hangzhou.aliyuncs.com".to_owned(),
            addressing: OssAddressing::VirtualHost,
            signature: OssSignature::V4,
            credentials: Credentials::Anonymous,
        };
        let name = crate::domain::place::SourceName::new("cold");
        OssSource::new(name, place, &HttpOptions::default()).unwrap()
    }

    #[tokio::test]
    async fn what_oss_does_not_have_is_refused_before_anything_is_sent() {
        let source = source();
        let of = |class: Option<&str>, encryption: Option<&str>, lock| Keeping {
            class: class.map(str::to_owned),
            encryption: encryption.map(str::to_owned),
            lock,
            ..Keeping::default()
        };
        for fine in [of(None, None, None), of(Some("ColdArchive"), Some("KMS"), None)] {
            source.accepts(&fine).await.unwrap();
        }
        let lock = Lock { mode: "COMPLIANCE".to_owned(), until: 4_000_000_000, at_least: 0 };
        for (wrong, words) in [
            (of(Some("GLACIER"), None, None), "no class GLACIER: Standard, IA, Archive"),
            (of(None, Some("aws:kms"), None), "no encryption aws:kms: AES256, KMS, SM4"),
            (of(None, None, Some(lock)), "locks whole buckets"),
        ] {
            let error = source.accepts(&wrong).await.unwrap_err();
            assert_eq!(error.obstacle, Obstacle::Unsupported);
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn the_headers_say_how_an_object_is_kept_and_no_tag_breaks_out_of_its_header() {
        let keeping = Keeping {
            class: Some("IA".to_owned()),
            encryption: Some("AES256".to_owned()),
            tags: vec![("a b".to_owned(), "c&d=\r\n".to_owned()), ("e".to_owned(), String::new())],
            lock: None,
            content_type: Some("video/mp2t"),
        };
        let fail = || panic!("unsendable");
        let headers = kept(&keeping, &fail).unwrap();
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        assert_eq!(text("x-oss-storage-class"), Some("IA"));
        assert_eq!(text("x-oss-server-side-encryption"), Some("AES256"));
        assert_eq!(text("x-oss-tagging"), Some("a%20b=c%26d%3D%0D%0A&e="));
        assert_eq!(text("content-type"), Some("video/mp2t"));
    }

    #[test]
    fn the_answer_to_a_write_vouches_by_its_crc_and_by_its_tag_where_it_has_no_better() {
        let key = ObjectKey::parse("a").unwrap();
        let of = |pairs: &[(&'static str, &'static str)]| {
            let headers: HeaderMap =
                pairs.iter().map(|(k, v)| (HeaderName::from_static(k), v.parse().unwrap())).collect();
            stored(&key, &headers).digests.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        let tag = ("etag", "\"25F9E794323B453885F5181F1B624D0B\"");
        let crc = ("x-oss-hash-crc64ecma", "11051210869376104954");
        assert_eq!(of(&[tag, crc]), "crc64xz:995dc9bbdf1939fa");
        assert_eq!(of(&[tag]), "", "what no answer says to be an MD5 is read back");
    }
}
