//! What the headers of Kodo's answers vouch for, be it by a domain of the bucket or by its S3 interface.

use http::{HeaderMap, header};

use super::http::whole_size;
use crate::domain::digest::Digest;
use crate::domain::object::ObjectInfo;

/// Whether the answer is one of Kodo's: it puts these into every answer, and so do the CDN nodes before it
/// (Kodo, "common response headers", 2024).
pub(super) fn is_kodo(headers: &HeaderMap) -> bool {
    headers.contains_key("x-reqid") || headers.contains_key("x-log")
}

/// Whether a tag looks like a hash of Kodo's, of whatever form: 21 bytes in URL-safe base64.
pub(super) fn is_hash(tag: &str) -> bool {
    tag.len() == 28 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Adds what the headers of a GET or HEAD vouch for: the ETag, where it is a qetag. That is seen by its form:
/// whether Kodo's S3 interface gives a qetag or an MD5 is in no document, and a CDN may have put a tag of its
/// own in its place. What has neither form, or not the one that goes with the size, is a tag and no digest.
pub(super) fn enrich(headers: &HeaderMap, info: &mut ObjectInfo) {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return;
    }
    if let (Some(etag), Some(size)) = (&info.etag, whole_size(headers)) {
        info.digests.extend(Digest::from_qetag(etag.as_str(), size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::ObjectKey;
    use crate::domain::place::ETag;

    #[test]
    fn a_hash_is_told_from_a_tag_that_somebody_made_up() {
        for (tag, hash) in [
            ("Fqr0xh3cxeii2r7eDztILNmuqUNN", true),
            ("nieGn00gWdbfwEIHaUpzu4drHeun", true),
            ("Fqr0xh3cxeii2r7eDztILNmuqUNN.gz", false),
            ("d41d8cd98f00b204e9800998ecf8427e", false),
            ("68d1e7f0-12c", false),
        ] {
            assert_eq!(is_hash(tag), hash, "{tag}");
        }
    }

    #[test]
    fn a_tag_is_a_digest_only_by_its_form_and_for_the_size_of_the_whole_object() {
        let hello = "Fqr0xh3cxeii2r7eDztILNmuqUNN";
        for (etag, headers, claimed) in [
            (hello, vec![("content-length", "5")], true),
            (hello, vec![("content-length", "2"), ("content-range", "bytes 3-4/5")], true),
            (hello, vec![("content-length", "2"), ("content-range", "bytes 3-4/5000000")], false),
            (hello, vec![("content-length", "5"), ("content-encoding", "gzip")], false),
            (hello, vec![], false),
            ("Fqr0xh3cxeii2r7eDztILNmuqUNN.gz", vec![("content-length", "5")], false),
            ("d41d8cd98f00b204e9800998ecf8427e", vec![("content-length", "0")], false),
        ] {
            let map: HeaderMap =
                headers.iter().map(|(k, v)| (http::HeaderName::from_static(k), v.parse().unwrap())).collect();
            let mut info = ObjectInfo::bare(ObjectKey::parse("a").unwrap());
            info.etag = Some(ETag::new(etag));
            enrich(&map, &mut info);
            assert_eq!(!info.digests.is_empty(), claimed, "{etag} {headers:?}");
        }
    }
}
