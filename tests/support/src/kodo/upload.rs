//! Uploads by a form, as the SDKs send small objects.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::{Asked, KodoOptions, Refused, class_of, document, known_bucket, sign, told, went_wrong};
use crate::net::Body;
use crate::store::{Object, Objects};
use crate::writing::{Step, Writing};

/// Takes an object in, where the upload token permits it.
pub(super) fn take(
    objects: &Objects,
    options: &KodoOptions,
    asked: &Asked,
) -> Result<Response<Body>, Refused> {
    let invalid = || Refused::new(400, "invalid multipart format");
    let content_type = asked.header("content-type").unwrap_or_default();
    let boundary = content_type.split_once("boundary=").ok_or_else(invalid)?.1.trim_matches('"').to_owned();
    let parts = parts(&asked.body, &boundary).ok_or_else(invalid)?;
    let field = |name: &str| parts.iter().find(|part| part.name == name);
    let text = |name: &str| field(name).map(|part| String::from_utf8_lossy(&part.bytes).into_owned());
    let token = text("token").ok_or_else(sign::bad_token)?;
    let key = text("key").ok_or_else(|| Refused::new(400, "no key"))?;
    let policy = permitted(options, &token, &key)?;
    let fault = options.writing.fault(Step::Put, &key);
    went_wrong(fault)?;
    let file = field("file").ok_or_else(|| Refused::new(400, "file is not specified in multipart"))?;
    let mut crc = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32IsoHdlc);
    crc.update(&file.bytes);
    if text("crc32").is_some_and(|said| said != crc.finalize().to_string()) {
        return Err(Refused::new(406, "crc32 is not match"));
    }
    let kept = Writing::kept(fault, file.bytes.clone());
    let mut object = Object::new(kept).content_type(&file.content_type);
    object.class = class_of(policy["fileType"].as_u64().unwrap_or(0))?;
    let hash = object.kodo_hash();
    objects.put(&key, object);
    told(fault, document(200, &json!({ "hash": hash, "key": key })))
}

/// The policy of a token that permits to store this object.
pub(super) fn permitted(options: &KodoOptions, token: &str, key: &str) -> Result<Value, Refused> {
    let policy = policy(options, token)?;
    let scope = policy["scope"].as_str().unwrap_or_default();
    let (bucket, only) = scope.split_once(':').map_or((scope, None), |(bucket, key)| (bucket, Some(key)));
    known_bucket(options, Some(bucket.to_owned()))?;
    match only {
        Some(only) if only != key => Err(Refused::new(403, "key doesn't match with scope")),
        Some(_) | None => Ok(policy),
    }
}

/// The policy of an upload token: `<access key>:<signature>:<policy>`.
fn policy(options: &KodoOptions, token: &str) -> Result<Value, Refused> {
    let (signature, encoded) = token.rsplit_once(':').ok_or_else(sign::bad_token)?;
    sign::verify(options, signature, encoded.as_bytes())?;
    let policy = URL_SAFE.decode(encoded).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let policy = policy.ok_or_else(sign::bad_token)?;
    if policy["deadline"].as_u64().is_none_or(|deadline| deadline < options.unix_now()) {
        return Err(Refused::new(401, "expired token"));
    }
    Ok(policy)
}

struct Part {
    name: String,
    content_type: String,
    bytes: Bytes,
}

/// The parts of a form (RFC 7578).
fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let line = format!("--{boundary}").into_bytes();
    let mut parts = Vec::new();
    let mut at = find(body, &line, 0)? + line.len();
    loop {
        if body[at..].starts_with(b"--") {
            return Some(parts);
        }
        let start = at + 2;
        let end = find(body, &[b"\r\n", &line[..]].concat(), start)?;
        let head_end = find(body, b"\r\n\r\n", start).filter(|head_end| *head_end <= end)?;
        let head = String::from_utf8_lossy(&body[start..head_end]).into_owned();
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let disposition = header("content-disposition")?;
        let name = disposition.split_once("name=\"")?.1.split('"').next()?.to_owned();
        let content_type = header("content-type").unwrap_or_else(|| "application/octet-stream".to_owned());
        parts.push(Part { name, content_type, bytes: body.slice(head_end + 4..end) });
        at = end + 2 + line.len();
    }
}

fn find(text: &[u8], what: &[u8], from: usize) -> Option<usize> {
    text.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| from + at)
}
