//! What the headers of an answer in the S3 protocol vouch for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;

use super::{kodo_headers, restore};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::object::ObjectInfo;
use crate::domain::place::ETag;

/// Adds what the headers of a GET or HEAD vouch for.
pub(super) fn enrich(headers: &HeaderMap, info: &mut ObjectInfo) {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    info.class = class(headers).map(str::to_owned);
    info.restore = restore::of(headers);
    // A checksum of checksums says nothing about the bytes in a row.
    let composite = text("x-amz-checksum-type").is_some_and(|kind| kind.eq_ignore_ascii_case("COMPOSITE"));
    // On a range some compatible stores send the checksum of the whole object, others that of the range.
    let whole = !headers.contains_key(http::header::CONTENT_RANGE);
    if whole && !composite {
        for (name, algorithm) in [
            ("x-amz-checksum-sha256", Algorithm::Sha256),
            ("x-amz-checksum-sha1", Algorithm::Sha1),
            ("x-amz-checksum-crc64nvme", Algorithm::Crc64Nvme),
            ("x-amz-checksum-crc32c", Algorithm::Crc32c),
            ("x-amz-checksum-crc32", Algorithm::Crc32),
        ] {
            let bytes = text(name).and_then(|value| BASE64.decode(value).ok());
            info.digests.extend(bytes.and_then(|bytes| Digest::new(algorithm, bytes)));
        }
    }
    // Qiniu's S3 interface may give a qetag, which has a form that MD5s never have.
    kodo_headers::enrich(headers, info);
    if etag_is_md5(headers) {
        info.digests.extend(info.etag.as_ref().and_then(ETag::as_md5));
    }
}

/// The storage class, where it is not the ordinary one. The other vendors of the protocol have headers of their
/// own for it beside Amazon's (their API references: COS, KS3, OBS, BOS, 2026).
pub(super) fn class(headers: &HeaderMap) -> Option<&str> {
    // Where the store archived an object by itself, its class does not say so.
    if let Some(archive) = headers.get("x-amz-archive-status").and_then(|status| status.to_str().ok()) {
        return Some(archive).filter(|archive| !archive.is_empty());
    }
    let names = [
        "x-amz-storage-class",
        "x-cos-storage-class",
        "x-kss-storage-class",
        "x-obs-storage-class",
        "x-bce-storage-class",
    ];
    let class = names.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    class.filter(|class| !class.is_empty() && !class.eq_ignore_ascii_case("STANDARD"))
}

/// With KMS or a customer's key the ETag has the form of an MD5 and is none (Amazon S3, "Common response
/// headers", 2026).
fn etag_is_md5(headers: &HeaderMap) -> bool {
    let kms =
        headers.get("x-amz-server-side-encryption").is_some_and(|v| v.as_bytes().starts_with(b"aws:kms"));
    !kms && !headers.contains_key("x-amz-server-side-encryption-customer-algorithm")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::ObjectKey;

    #[test]
    fn only_digests_of_the_whole_object_count() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(k, v)| (http::HeaderName::from_static(k), (*v).parse().unwrap())).collect()
        };
        let digests = |pairs: &[(&'static str, &'static str)]| {
            let mut info = ObjectInfo::bare(ObjectKey::parse("a").unwrap());
            info.etag = Some(ETag::new("d41d8cd98f00b204e9800998ecf8427e"));
            enrich(&headers(pairs), &mut info);
            info.digests.iter().map(|d| d.algorithm().to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(digests(&[("x-amz-checksum-crc32", "AAAAAA==")]), "crc32 md5");
        assert_eq!(digests(&[("x-amz-checksum-crc32", "AAAAAA==-3")]), "md5");
        assert_eq!(
            digests(&[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-type", "COMPOSITE")]),
            "md5"
        );
        assert_eq!(digests(&[("x-amz-checksum-crc32", "AAAAAA=="), ("content-range", "bytes 0-1/2")]), "md5");
        assert_eq!(digests(&[("x-amz-server-side-encryption", "aws:kms")]), "");
        assert_eq!(digests(&[("x-amz-server-side-encryption", "AES256")]), "md5");
    }
}
