//! What the headers of an answer of Aliyun OSS vouch for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;

use crate::domain::digest::{Algorithm, Digest};
use crate::domain::object::ObjectInfo;

/// Adds what the headers of a GET or HEAD vouch for.
pub(super) fn enrich(headers: &HeaderMap, info: &mut ObjectInfo) {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    info.class = text("x-oss-storage-class").filter(|class| *class != "Standard").map(str::to_owned);
    // On a range they would still be those of the whole object, and nothing says so for sure.
    if headers.contains_key(http::header::CONTENT_RANGE) {
        return;
    }
    let crc = text("x-oss-hash-crc64ecma").and_then(|value| value.parse::<u64>().ok());
    info.digests.extend(crc.and_then(|crc| Digest::new(Algorithm::Crc64Xz, crc.to_be_bytes())));
    let md5 = text("content-md5").and_then(|value| BASE64.decode(value).ok());
    info.digests.extend(md5.and_then(|md5| Digest::new(Algorithm::Md5, md5)));
}
