//! Objects are stored whole and in parts, and removed ("PutObject", "InitiateMultipartUpload", "UploadPart",
//! "CompleteMultipartUpload", "AbortMultipartUpload", "ListMultipartUploads", "DeleteObject").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, header};
use md5::{Digest as _, Md5};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Refusal, Server, crc, escape, etag};
use crate::net::{self, Body};
use crate::store::Object;
use crate::writing::{Step, WriteFault, Writing};

/// A part that is not the last one has as many bytes at least.
const LEAST_PART: usize = 100 * 1024;

const CLASSES: [&str; 5] = ["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"];

type Answer = Result<Response<Body>, Refusal>;

impl Server {
    /// Whatever changes an object.
    pub(super) fn change(
        &self,
        method: &Method,
        key: &str,
        query: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Answer {
        let value = |name: &str| net::query_value(query, name);
        let id = value("uploadId");
        let step = match (method, &id) {
            (&Method::PUT, None) => Step::Put,
            (&Method::PUT, Some(_)) => Step::Part,
            (&Method::POST, None) if value("uploads").is_some() => Step::Begin,
            (&Method::POST, Some(_)) => Step::Complete,
            (&Method::DELETE, _) => Step::Remove,
            (_, _) => {
                return Err(Refusal::new(405, "MethodNotAllowed", "The specified method is not allowed."));
            }
        };
        let fault = self.options.writing.fault(step, key);
        match fault {
            Some(WriteFault::Refuse) => {
                let message = "You have no right to access this object.";
                return Err(Refusal::new(403, "AccessDenied", message).ec("0003-00000001"));
            }
            Some(WriteFault::Busy) => return Err(Refusal::new(503, "SlowDown", "Please slow down.")),
            Some(WriteFault::Flip | WriteFault::Unanswered) | None => {}
        }
        let answer = match (step, id) {
            (Step::Begin, _) => self.begin(key, headers),
            (Step::Part, Some(id)) => {
                let number = value("partNumber").and_then(|text| text.parse().ok()).unwrap_or(0);
                self.part(key, &id, number, headers, body, fault)
            }
            (Step::Complete, Some(id)) => self.complete(key, &id, &body, fault),
            (Step::Remove, Some(id)) => match self.options.writing.end(&id, key) {
                Some(_) => Ok(nothing()),
                None => Err(no_such_upload()),
            },
            (Step::Remove, None) => {
                self.objects.remove(key);
                Ok(nothing())
            }
            (_, _) => self.put(key, headers, body, fault),
        };
        match fault {
            Some(WriteFault::Unanswered) => {
                answer?;
                Err(Refusal::new(500, "InternalError", "We encountered an internal error. Please try again."))
            }
            _ => answer,
        }
    }

    /// An object without its bytes, as the headers describe it.
    fn described(&self, headers: &HeaderMap) -> Result<Object, Refusal> {
        let text = |name: &str| net::header_text(headers, name);
        let mut object = Object::new(Bytes::new());
        if let Some(value) = text("content-type") {
            object.content_type = value;
        }
        object.class = text("x-oss-storage-class");
        if object.class.as_deref().is_some_and(|class| !CLASSES.contains(&class)) {
            return Err(Refusal::new(400, "InvalidStorageClass", "The storage class is invalid."));
        }
        object.encryption = text("x-oss-server-side-encryption");
        if object.encryption.as_deref().is_some_and(|how| !["AES256", "KMS", "SM4"].contains(&how)) {
            return Err(Refusal::new(400, "InvalidEncryptionAlgorithmError", "The algorithm is invalid."));
        }
        object.tagging = text("x-oss-tagging");
        object.last_modified = self.seconds();
        Ok(object)
    }

    fn seconds(&self) -> u64 {
        self.now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn put(&self, key: &str, headers: &HeaderMap, body: Bytes, fault: Option<WriteFault>) -> Answer {
        check_md5(headers, &body)?;
        let object = self.described(headers)?.with_bytes(Writing::kept(fault, body));
        let answer = Response::builder()
            .header(header::ETAG, etag(&object))
            .header("content-md5", object.md5_base64())
            .header("x-oss-hash-crc64ecma", crc(&object))
            .header(header::CONTENT_LENGTH, 0);
        self.objects.put(key, object);
        Ok(answer.body(net::full("")).expect("a valid answer"))
    }

    fn begin(&self, key: &str, headers: &HeaderMap) -> Answer {
        let object = self.described(headers)?;
        let id = self.options.writing.begin(key, self.seconds(), object);
        Ok(document(&format!(
            "<InitiateMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><UploadId>{id}</UploadId>\
             </InitiateMultipartUploadResult>",
            self.options.bucket,
            escape(key)
        )))
    }

    fn part(
        &self,
        key: &str,
        id: &str,
        number: u32,
        headers: &HeaderMap,
        body: Bytes,
        fault: Option<WriteFault>,
    ) -> Answer {
        if !(1..=10_000).contains(&number) {
            return Err(Refusal::new(400, "InvalidArgument", "Part number must be between 1 and 10000."));
        }
        check_md5(headers, &body)?;
        let kept = Writing::kept(fault, body);
        let part = Object::new(kept.clone());
        if !self.options.writing.part(id, key, number, kept) {
            return Err(no_such_upload());
        }
        let answer = Response::builder()
            .header(header::ETAG, etag(&part))
            .header("content-md5", part.md5_base64())
            .header("x-oss-hash-crc64ecma", crc(&part))
            .header(header::CONTENT_LENGTH, 0);
        Ok(answer.body(net::full("")).expect("a valid answer"))
    }

    fn complete(&self, key: &str, id: &str, body: &Bytes, fault: Option<WriteFault>) -> Answer {
        let begun = self.options.writing.begun(id, key).ok_or_else(no_such_upload)?;
        let malformed = || Refusal::new(400, "MalformedXML", "The XML you provided was not well-formed.");
        let text = std::str::from_utf8(body).map_err(|_| malformed())?;
        let named: Vec<(u32, String)> = text
            .split("<Part>")
            .skip(1)
            .map(|part| {
                let number = between(part, "PartNumber")?.trim().parse().ok()?;
                Some((number, between(part, "ETag")?.replace("&quot;", "\"").trim_matches('"').to_owned()))
            })
            .collect::<Option<_>>()
            .filter(|named: &Vec<_>| !named.is_empty())
            .ok_or_else(malformed)?;
        if named.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(Refusal::new(
                400,
                "InvalidPartOrder",
                "The list of parts was not in ascending order.",
            ));
        }
        let (mut md5s, mut bytes) = (Md5::new(), Vec::new());
        for (n, (number, tag)) in named.iter().enumerate() {
            let part = begun.parts.get(number).filter(|part| hex::encode_upper(Md5::digest(part)) == *tag);
            let part = part.ok_or_else(|| {
                Refusal::new(400, "InvalidPart", "One or more of the specified parts could not be found.")
            })?;
            if part.len() < LEAST_PART && n + 1 < named.len() {
                return Err(Refusal::new(400, "EntityTooSmall", "Your proposed upload is too small."));
            }
            md5s.update(Md5::digest(part));
            bytes.extend_from_slice(part);
        }
        let tag = format!("\"{}-{}\"", hex::encode_upper(md5s.finalize()), named.len());
        let bytes = Writing::kept(fault, bytes.into());
        let object = begun.object.with_bytes(bytes).with_etag(&tag);
        let (tag, crc) = (etag(&object), crc(&object));
        self.objects.put(key, object);
        self.options.writing.end(id, key);
        let mut answer = document(&format!(
            "<CompleteMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><ETag>{}</ETag>\
             </CompleteMultipartUploadResult>",
            self.options.bucket,
            escape(key),
            escape(&tag)
        ));
        answer.headers_mut().insert(header::ETAG, tag.parse().expect("a tag"));
        answer.headers_mut().insert("x-oss-hash-crc64ecma", crc.parse().expect("a number"));
        Ok(answer)
    }

    /// Uploads that were begun and not ended, by key and ID.
    pub(super) fn unfinished(&self, query: &str) -> Answer {
        let value = |name: &str| net::query_value(query, name).filter(|text| !text.is_empty());
        let prefix = value("prefix").unwrap_or_default();
        let after = (value("key-marker").unwrap_or_default(), value("upload-id-marker").unwrap_or_default());
        let most = value("max-uploads").and_then(|text| text.parse().ok()).unwrap_or(1000_usize);
        let most = most.min(self.options.page_size);
        let encoded = value("encoding-type").is_some();
        let name = |text: &str| match encoded {
            true => utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
            false => escape(text),
        };
        let mut all: Vec<_> = self.options.writing.unfinished();
        all.retain(|(_, begun)| begun.key.starts_with(&prefix));
        all.sort_by(|(a, one), (b, other)| (&one.key, a).cmp(&(&other.key, b)));
        all.retain(|(id, begun)| after.0.is_empty() || (&begun.key, id) > (&after.0, &after.1));
        let more = all.len() > most;
        all.truncate(most);
        let mut text = format!(
            "<ListMultipartUploadsResult><Bucket>{}</Bucket><IsTruncated>{more}</IsTruncated>\
             <MaxUploads>{most}</MaxUploads>",
            self.options.bucket
        );
        if encoded {
            text.push_str("<EncodingType>url</EncodingType>");
        }
        // They are there on the last page too.
        let last = all.last().filter(|_| more).map(|(id, begun)| (name(&begun.key), id.as_str()));
        let (key, id) = last.unwrap_or_default();
        text.push_str(&format!(
            "<KeyMarker>{}</KeyMarker><UploadIdMarker>{}</UploadIdMarker><NextKeyMarker>{key}</NextKeyMarker>\
             <NextUploadIdMarker>{id}</NextUploadIdMarker>",
            name(&after.0),
            escape(&after.1)
        ));
        for (id, begun) in &all {
            let at = jiff::Timestamp::from_second(i64::try_from(begun.at).expect("a time")).expect("a time");
            text.push_str(&format!(
                "<Upload><Key>{}</Key><UploadId>{id}</UploadId><StorageClass>Standard</StorageClass>\
                 <Initiated>{at:.3}</Initiated></Upload>",
                name(&begun.key)
            ));
        }
        text.push_str("</ListMultipartUploadsResult>");
        Ok(document(&text))
    }

    pub(super) fn tags(&self, key: &str) -> Answer {
        let tags = self.object(key)?.tagging.unwrap_or_default();
        let pairs = tags.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = |text: &str| escape(&net::decode(text));
            format!("<Tag><Key>{}</Key><Value>{}</Value></Tag>", text(name), text(value))
        });
        Ok(document(&format!("<Tagging><TagSet>{}</TagSet></Tagging>", pairs.collect::<String>())))
    }
}

fn between<'t>(text: &'t str, element: &str) -> Option<&'t str> {
    text.split_once(&format!("<{element}>"))?.1.split_once(&format!("</{element}>")).map(|(value, _)| value)
}

fn check_md5(headers: &HeaderMap, body: &Bytes) -> Result<(), Refusal> {
    let found = BASE64.encode(Md5::digest(body));
    match net::header_text(headers, "content-md5") {
        Some(stated) if stated != found => {
            let message = "The Content-MD5 you specified did not match what we received.";
            Err(Refusal::new(400, "InvalidDigest", message).ec("0017-00000001"))
        }
        Some(_) | None => Ok(()),
    }
}

fn no_such_upload() -> Refusal {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
                   been aborted or completed.";
    Refusal::new(404, "NoSuchUpload", message).ec("0042-00000002")
}

fn nothing() -> Response<Body> {
    Response::builder().status(204).body(net::full("")).expect("a valid answer")
}

fn document(xml: &str) -> Response<Body> {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}");
    Response::builder()
        .header(header::CONTENT_TYPE, "application/xml")
        .header(header::CONTENT_LENGTH, text.len())
        .body(net::full(text))
        .expect("a valid answer")
}
