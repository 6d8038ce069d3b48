//! Uploads in parts, version 2: `/buckets/<bucket>/objects/<encoded key>/uploads[/<id>[/<number>]]`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use http::{Method, Response};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use sha1::Sha1;

use super::{Asked, KodoOptions, Refused, class_of, document, known_bucket, sign, told, upload, went_wrong};
use crate::net::{self, Body};
use crate::store::{Object, Objects};
use crate::writing::{Step, Writing};

/// A part that is not the last one has as many bytes at least.
const LEAST_PART: usize = 1 << 20;

/// Of parts of this length the hash is that of an object that came whole.
const BLOCK: usize = 4 << 20;

pub(super) fn answer(
    objects: &Objects,
    options: &KodoOptions,
    asked: &Asked,
    below: &str,
) -> Result<Response<Body>, Refused> {
    let invalid = || Refused::new(400, "invalid argument");
    let words: Vec<&str> = below.split('/').collect();
    let (bucket, entry, rest) = match words[..] {
        [bucket, "objects", entry, "uploads", ref rest @ ..] => (bucket, entry, rest),
        _ => return Err(Refused::new(404, "no such interface")),
    };
    let key = URL_SAFE.decode(net::decode(entry)).ok().and_then(|key| String::from_utf8(key).ok());
    let key = key.ok_or_else(invalid)?;
    let authorization = asked.header("authorization").ok_or_else(sign::bad_token)?;
    let token = authorization.strip_prefix("UpToken ").ok_or_else(sign::bad_token)?;
    let policy = upload::permitted(options, token, &key)?;
    known_bucket(options, Some(net::decode(bucket)))?;
    let step = match (&asked.method, rest) {
        (&Method::POST, []) => Step::Begin,
        (&Method::PUT, [_, _]) => Step::Part,
        (&Method::POST, [_]) => Step::Complete,
        (&Method::DELETE, [_]) => Step::Remove,
        (_, _) => return Err(Refused::new(405, "method not allowed")),
    };
    let writing = &options.writing;
    let fault = writing.fault(step, &key);
    went_wrong(fault)?;
    let id = rest.first().copied().unwrap_or_default();
    let unknown = || Refused::new(612, "no such uploadId");
    let done = match step {
        Step::Begin => {
            let mut object = Object::new(Bytes::new());
            object.class = class_of(policy["fileType"].as_u64().unwrap_or(0))?;
            let id = writing.begin(&key, options.unix_now(), object);
            json!({ "uploadId": id, "expireAt": options.unix_now() + 7 * 24 * 3600 })
        }
        Step::Part => {
            let number = rest[1].parse().ok().filter(|number| (1..=10_000).contains(number));
            let number = number.ok_or_else(invalid)?;
            let came = hex::encode(Md5::digest(&asked.body));
            if asked.header("content-md5").is_some_and(|said| said != came) {
                return Err(Refused::new(406, "md5 is not match"));
            }
            let kept = Writing::kept(fault, asked.body.clone());
            let (tag, md5) = (tag(&kept), hex::encode(Md5::digest(&kept)));
            if !writing.part(id, &key, number, kept) {
                return Err(unknown());
            }
            json!({ "etag": tag, "md5": md5 })
        }
        Step::Complete => {
            let begun = writing.begun(id, &key).ok_or_else(unknown)?;
            let said: Value = serde_json::from_slice(&asked.body).map_err(|_| invalid())?;
            let named = said["parts"].as_array().filter(|parts| !parts.is_empty()).ok_or_else(invalid)?;
            let (mut parts, mut last) = (Vec::new(), 0);
            for part in named {
                let number = part["partNumber"].as_u64().and_then(|n| u32::try_from(n).ok());
                let number = number.filter(|number| *number > last).ok_or_else(invalid)?;
                let bytes = begun.parts.get(&number).filter(|bytes| part["etag"] == tag(bytes));
                parts.push(bytes.ok_or_else(|| Refused::new(400, "invalid part"))?.clone());
                last = number;
            }
            let others = &parts[..parts.len() - 1];
            if others.iter().any(|part| part.len() < LEAST_PART) {
                return Err(Refused::new(400, "the part is too small"));
            }
            let plain = others.iter().all(|part| part.len() == BLOCK)
                && parts.last().is_some_and(|part| part.len() <= BLOCK);
            let mut object = begun.object.with_bytes(Writing::kept(fault, parts.concat().into()));
            if !plain {
                object = object.with_etag(&other_hash(&parts));
            }
            if let Some(kind) = said["mimeType"].as_str() {
                object = object.content_type(kind);
            }
            let hash = object.kodo_hash();
            objects.put(&key, object);
            writing.end(id, &key);
            json!({ "hash": hash, "key": key })
        }
        Step::Put | Step::Remove => {
            writing.end(id, &key).ok_or_else(unknown)?;
            json!({})
        }
    };
    told(fault, document(200, &done))
}

fn tag(part: &Bytes) -> String {
    URL_SAFE.encode([&[0x16], &Sha1::digest(part)[..]].concat())
}

/// What an object has for a hash that came in parts of other lengths: it says nothing about the whole.
fn other_hash(parts: &[Bytes]) -> String {
    let sha1s: Vec<u8> = parts.iter().flat_map(|part| Sha1::digest(part).to_vec()).collect();
    URL_SAFE.encode([&[0x9e], &Sha1::digest(&sha1s)[..]].concat())
}
